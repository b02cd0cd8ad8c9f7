"""A sixth provider: one file that nobody else knows of, launched in the sandbox with no other file edited.

The file is written here as a person would write it, found by the scan, served by the example-driven stand-in, and launched by a
typed command through the whole bot.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

import bot.providers
from bot.sandbox.standins import ProviderStandIns
from tests.journeys.house import a_house, launch_id
from tests.providers.test_contract import test_each_example_replays_to_its_answer as replay

FILE = '''
"""Acme Flows: https://acme.example/docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from bot.domain.model import Connection, Launch
from bot.domain.provider import (
    Accepted, Call, Completed, Example, Exchange, Observed, Outcome, Pace, Provider, Refused, Reply, Scope, Secret, Session,
    Signature, StartAnswer, TrackAnswer, Unreachable,
)

DOCS = "https://acme.example/docs/start"


@dataclass(frozen=True, kw_only=True)
class Credential:
    token: Annotated[str, "The API token."]


@dataclass(frozen=True, kw_only=True)
class Options:
    pass


@dataclass(frozen=True, kw_only=True)
class WorkflowOptions:
    pass


def _start(launch: Launch) -> Call:
    return Call(method="POST", path=f"/flows/{launch.workflow_id}/runs", json=dict(launch.inputs))


ACME = Connection(name="acme", provider="acme", base_url="https://acme.example")
DAY = datetime(2026, 1, 1, tzinfo=UTC)
LAUNCH = Launch(
    launch_id="L-ACME1", team_id="T", channel_id="C", requester_id="U", connection="acme", provider="acme", workflow_id="f1",
    inputs={"colour": "red"}, created_at=DAY, updated_at=DAY, run_id="r9",
)


class Acme(Provider):
    name = "acme"
    title = "Acme Flows"
    documents = DOCS
    scopes = (Scope(name="run", allows=("launch",), meaning="may run flows", source=DOCS),)
    pace = Pace(first_s=1, most_s=5, source=DOCS)
    credential = Credential
    options = Options
    workflow_options = WorkflowOptions
    examples = (
        Example(name="started", verb="start", source=DOCS, call=_start(LAUNCH), reply=Reply(status=201, body='{"run": "r9"}'),
                answer=Accepted(run_id="r9"), launch=LAUNCH, connection=ACME),
        Example(name="going", verb="track", source=DOCS, call=Call(method="GET", path="/runs/r9"),
                reply=Reply(status=200, body='{"status": "going"}'), answer=Observed(provider_status="going"), launch=LAUNCH),
        Example(name="done", verb="track", source=DOCS, call=Call(method="GET", path="/runs/r9"),
                reply=Reply(status=200, body='{"status": "done"}'),
                answer=Completed(outcome=Outcome.SUCCEEDED, run_id="r9", provider_status="done"), launch=LAUNCH),
    )

    def sign(self, call: Call, credential: Mapping[str, Secret], session: Session | None) -> Signature:
        return Signature(headers={"X-Acme": credential["token"]})

    def login(self, connection: Connection):
        return None

    def start(self, launch: Launch, connection: Connection) -> Exchange[StartAnswer]:
        reply = yield _start(launch)
        run = reply.object().get("run")
        if reply.status == 201 and isinstance(run, str):
            return Accepted(run_id=run)
        if 400 <= reply.status < 500:
            return Refused(code=f"HTTP {reply.status}", meaning="Acme refused it.")
        return Unreachable(is_possibly_applied=True, detail=f"HTTP {reply.status}")

    def track(self, launch: Launch, connection: Connection) -> Exchange[TrackAnswer]:
        reply = yield Call(method="GET", path=f"/runs/{launch.run_id}")
        status = reply.object().get("status")
        if status == "done":
            return Completed(outcome=Outcome.SUCCEEDED, run_id=launch.run_id, provider_status="done")
        return Observed(provider_status=status if isinstance(status, str) else None)


PROVIDER = Acme()
'''

CONFIGURATION = """
connections:
  acme:
    provider: acme
    base_url: "${ACME_URL}"
    poll_every: 100ms
    credential: {token: "${ACME_TOKEN}"}
    workflows:
      f1: {name: Paint, inputs: {colour: {type: text, required: true}}}
channels:
  C0DATA:
    grants:
      - {connection: acme, scopes: [run], workflows: [Paint], requesters: [members]}
"""


@pytest.fixture
def acme(tmp_path: Path) -> Generator[Path, None, None]:
    """A folder with one provider file, beside the five."""
    folder = tmp_path / "more_providers"
    folder.mkdir()
    (folder / "acme.py").write_text(FILE, encoding="utf-8")
    bot.providers.__path__.append(str(folder))
    yield tmp_path
    bot.providers.__path__.remove(str(folder))
    sys.modules.pop("bot.providers.acme", None)


async def test_a_sixth_provider_launches_with_no_other_file_edited(acme: Path) -> None:
    found = bot.providers.load()
    configuration = acme / "gonogo.yaml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")

    async with a_house(acme, configuration=configuration, standins=ProviderStandIns(run_s=0, providers=found)) as house:
        card = await house.ended("U0CAROL", "C0DATA", "acme Paint colour=red")
        refused = await house.told("U0CAROL", "C0DATA", "acme Paint")

    assert card.text.startswith("Succeeded")
    assert launch_id(card)
    assert "colour" in refused
    assert [one.json for one in house.providers.received if one.verb == "start"] == [{"colour": "red"}]


def test_its_examples_are_checked_like_all_others(acme: Path) -> None:
    provider = bot.providers.load()["acme"]

    for example in provider.examples:
        replay(provider, example)
