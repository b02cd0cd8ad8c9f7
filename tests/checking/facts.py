"""What Slack and a provider answered when all is well, to spoil one thing at a time; and the file that it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot import providers
from bot.checking import SLACK_SCOPES
from bot.checking.facts import ConnectionFacts, SlackFacts
from bot.checking.findings import Checked, Level
from bot.checking.places import Places
from bot.domain.holdings import WHOLE
from bot.domain.model import Channel, Person
from bot.domain.provider import Described, Held, Listed, ScopeSeen
from bot.settings import Configuration
from tests.builders import NOON
from tests.policing.house import DUNNING, RUN, VIEW, a_configuration

FILE = """\
slack:
  operators: C0OPS
connections:
  billing:
    workflows:
      "396":
        inputs:
          accountId: {}
          maxAmount: {}
channels:
  C0FINANCE:
    name: finance-ops
    grants:
      - workflows:
          - "396"
          - "Dunning *"
        scopes:
          - Workflow Run Access
          - Workflow View Access
        inputs:
          maxAmount: {}
        approval:
          approvers:
            - S0LEADS
      - workflows: ["*"]
        requesters:
          - S0CONTROLLERS
          - U0CAROL
freezes:
  - except:
      - S0CONTROLLERS
"""
ALICE, BOB, CAROL = (
    Person(user_id=user_id, team_id="T0GONOGO", name=user_id[2:].lower()) for user_id in ("U0ALICE", "U0BOB", "U0CAROL")
)
WELL = SlackFacts(
    scopes=frozenset(SLACK_SCOPES),
    bot_name="gonogo",
    channels={
        "C0FINANCE": Channel(channel_id="C0FINANCE", name="finance-ops", is_member=True),
        "C0OPS": Channel(channel_id="C0OPS", name="ops", is_member=True),
    },
    groups={"S0LEADS": frozenset({"U0BOB", "U0CAROL", "U0ALICE"}), "S0CONTROLLERS": frozenset({"U0CAROL"})},
    people={person.user_id: person for person in (ALICE, BOB, CAROL)},
)
ZUORA = providers.load()["zuora"]
CONFIGURATION = replace(a_configuration(), operators="C0OPS")
ANSWERED = ConnectionFacts(
    connection=CONFIGURATION.connections["billing"],
    provider=ZUORA,
    asked_at=NOON,
    probed=Held(
        scopes=(
            ScopeSeen(scope=RUN, is_held=None, evidence="cannot be asked", workflow_id=WHOLE),
            ScopeSeen(scope=VIEW, is_held=True, evidence="the list answered", workflow_id=WHOLE),
        )
    ),
    listed=Listed(workflows=(replace(DUNNING, inputs=None),)),
    described={"396": Described(workflow=DUNNING)},
)


def places(folder: Path, text: str = FILE) -> Places:
    path = folder / "gonogo.yaml"
    path.write_text(text, encoding="utf-8")
    return Places(path)


def bad(found: Iterable[Checked]) -> list[tuple[str, str, str | None]]:
    """Faults and warnings: level, code, and the line of the file."""
    return [(one.level, one.code, _line(one)) for one in found if one.level in {Level.FAULT, Level.WARNING}]


def told(found: Iterable[Checked], code: str) -> list[Checked]:
    return [one for one in found if one.code == code]


def _line(one: Checked) -> str | None:
    return one.place.rpartition(":")[2] if one.place else None


def configured(**changes: Any) -> Configuration:
    return replace(CONFIGURATION, **changes)
