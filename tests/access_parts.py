"""The parts of docs/access.md and docs/approvals.md that are made from code. `uv run python -m tests.access_parts` writes them.

Each part stands between `<!-- part: name -->` and `<!-- end -->`; test_access_docs compares them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot import definitions, launching, providers
from bot.domain import holdings
from bot.domain.approval_digest import Bound
from bot.domain.approval_terms import EXPIRES_AFTER, asked
from bot.domain.grants import Grant
from bot.domain.model import EventKind, Launch, State, Workflow
from bot.domain.provider import Provider, Scope
from bot.gateways import slack_directory
from bot.launching import explaining, rejudging
from bot.settings.approval_schema import ApprovalSection
from bot.settings.policy_schema import ChannelSection, FreezeSection, GrantSection, LimitsSection
from bot.settings.rule_schema import InputRuleSection
from bot.settings.sections import Section
from bot.surfaces.cards import card
from bot.worker import mirroring
from tests.builders import NOON, a_launch, an_event
from tests.why_parts import as_seen, demo_configuration

DOCS = Path(__file__).parent.parent / "docs"
_PART = re.compile(r"<!-- part: (?P<name>[a-z-]+) -->\n.*?<!-- end -->", re.DOTALL)


def scopes_table() -> str:
    """A row per scope of every provider: what it allows, and how the credential is asked."""
    head = ["provider", "scope", "lets the bot", "what it is", "how the credential is asked"]
    return _table(head, [_scope_row(provider, scope) for provider in providers.load().values() for scope in _scopes(provider)])


def _scopes(provider: Provider) -> tuple[Scope, ...]:
    return (*provider.scopes, *([provider.free_scope] if provider.free_scope else []))


def _scope_row(provider: Provider, scope: Scope) -> list[str]:
    name = f"an {scope.name}" if scope is provider.free_scope else f"`{scope.name}`"
    return [f"[{provider.title}]({scope.source})", name, ", ".join(scope.allows) or "–", scope.meaning, scope.asked_by]


def rule_table(sections: Mapping[str, type[Section]]) -> str:
    """A row per key, with the sentence that the JSON Schema has for it."""
    rows = [
        [f"`{prefix}{field.alias or name}`", field.description or ""]
        for prefix, section in sections.items()
        for name, field in section.model_fields.items()
    ]
    return _table(["key", "what it says"], rows)


def policy_keys() -> str:
    """Everything that a channel, a grant and a freeze may say; approval has a page of its own."""
    places: dict[str, type[Section]] = {"channels.<id>.": ChannelSection, "grants[].": GrantSection}
    return rule_table({**places, "inputs.<name>.": InputRuleSection, "limits.": LimitsSection, "freezes[].": FreezeSection})


def times_table() -> str:
    """How long a fact is believed."""
    rows = [
        ("a person, for a request", slack_directory.PERSON_GOOD_FOR),
        ("a user group, for a request (asked anew before anybody is denied by it)", slack_directory.GROUP_GOOD_FOR),
        ("a person or a user group, for an approval and for a start that was approved", timedelta()),
        ("a channel", slack_directory.CHANNEL_GOOD_FOR),
        ("a provider's list of workflows, and the inputs of one", definitions.GOOD_FOR),
        ("what a credential holds: it is asked again after", mirroring.PROBE_EVERY),
        ("what a refusal taught, where nothing else tells", holdings.REFUSAL_GOOD_FOR),
        ("an answer to a request, until the start (by the same policy, without approval, outside freezes)", rejudging.GOOD_FOR),
        ("a command that Slack delivered while the bot was down", launching.STILL_MEANT_FOR),
        ("a wish for access, before the operators are asked for it again", explaining.ASKED_AGAIN_AFTER),
    ]
    return _table(["what", "believed for"], [[what, _duration(good_for)] for what, good_for in rows])


def approval_keys() -> str:
    """Everything that an approval rule may say."""
    return rule_table({"approval.": ApprovalSection})


def default_expiry() -> str:
    """When nobody says when."""
    return f"Without `expires_after` an approval expires after {EXPIRES_AFTER.days} days."


def digest_parts() -> str:
    """What the digest is over, by the words that people read when one of them changes."""
    launch, grant = _refund()
    return "\n".join(f"- {what}" for what in _bound(launch, grant).parts)


def card_text() -> str:
    """The card of a launch that waits, as a screen reader reads it: the demo's refund, once Bob agreed."""
    launch, grant = _refund()
    assert grant.approval is not None
    bound = _bound(launch, grant)
    approval = asked(grant.approval, now=NOON, bound=bound.parts)
    waiting = replace(launch, state=State.AWAITING_APPROVAL, approval=approval, digest=bound.digest)
    yes = an_event(EventKind.APPROVED, actor="U0BOB", facts={"digest": bound.digest, "counted": ["U0BOB"], "required": 2})
    events = (an_event(facts={"needs_approval": True}), yes)
    shown = card(waiting, events, provider_title="Zuora Workflow", can_cancel=True, may_mention=True)
    return f"```text\n{as_seen(shown.text)}\n```"


def _refund() -> tuple[Launch, Grant]:
    """A refund of the demo, and the grant that asks for the approval."""
    channels = demo_configuration().policy.channels
    grant = next(grant for one in channels.values() for grant in one.grants if grant.approval and grant.connection == "billing")
    named = {"workflow_id": "303", "workflow_name": "Refund approval", "workflow_version": "0.0.1"}
    return a_launch(channel_id="C0TREASURY", inputs=_INPUTS, **named), grant


def _bound(launch: Launch, grant: Grant) -> Bound:
    connection = demo_configuration().connections[launch.connection]
    workflow = Workflow(workflow_id=launch.workflow_id, name=launch.workflow_name, version=launch.workflow_version)
    return Bound(connection=connection, identity="…", workflow=workflow, inputs=launch.inputs, grant_key=grant.key)


_INPUTS = {"paymentId": "4028905f5a87c0ff015a889ddfb800c0", "days": 14}

PARTS = {
    "scopes": scopes_table,
    "policy-keys": policy_keys,
    "times": times_table,
    "approval-keys": approval_keys,
    "default-expiry": default_expiry,
    "digest": digest_parts,
    "card": card_text,
}
DOCUMENTS = {
    "access.md": ("scopes", "policy-keys", "times"),
    "approvals.md": ("approval-keys", "default-expiry", "digest", "card"),
}


def rewritten(text: str) -> str:
    """``text`` with every part as the code has it today."""
    return _PART.sub(lambda found: f"<!-- part: {found['name']} -->\n{PARTS[found['name']]()}\n<!-- end -->", text)


def _duration(time: timedelta) -> str:
    seconds = time.total_seconds()
    shown = f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds / 3600:g} h"
    return shown if seconds else "not at all: Slack is asked at every click and at the start"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    for name in DOCUMENTS:
        document = DOCS / name
        document.write_text(rewritten(document.read_text(encoding="utf-8")), encoding="utf-8")
        sys.stdout.write(f"docs/{name} rewritten\n")
