"""`gonogo policy matrix`: who may launch what.

Why each cell is decided and not read off the grant: a table that is printed from the file can only repeat it, and would go on
saying so when a decision says otherwise. Each row is one grant on one workflow, decided under that grant alone, for a full member
whom no grant names, for everybody named, for each user group, and for a guest. Since grants unite, a person may launch whatever
any row allows. What the time decides (freezes), what Slack and providers know, and inputs are not in it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.errors import SettingsError
from bot.domain.explaining import decide
from bot.domain.grants import MEMBERS, ApprovalRule, ChannelPolicy, Grant, Policy
from bot.domain.model import Channel, Connection, Person, Reason, Workflow, distinct
from bot.domain.policy import Asker, Deny, NeedApproval, Wish, covers, groups_in
from bot.domain.provider import Provider
from bot.policing.plain import reason_json, rule_json, rules_json
from bot.settings import Configuration

GUESTS = "guests"
_CLASS = re.compile(r"\[(!?+)(\][^\]]*|[^\]]+)\]")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One grant on one workflow.

    ``pattern`` is the entry of the grant that covers it; ``workflow`` is the configured one, and None where the row is about
    whatever else the entry means.
    ``allowed`` and ``denied`` are kinds of people: ``members`` (any full member), ids of people and user groups, ``guests``.
    ``approval``: the rule by which the allowed need approval; None: they do not. ``reasons``: why the denied are denied.
    """

    channel_id: str
    channel: str
    connection: str
    grant: Grant
    number: int
    pattern: str
    workflow: Workflow | None
    allowed: tuple[str, ...]
    denied: tuple[str, ...]
    approval: ApprovalRule | None
    reasons: tuple[Reason, ...]


def matrix(configuration: Configuration, providers: Mapping[str, Provider], *, channels: Iterable[str] = ()) -> list[Row]:
    """A row for each grant on each workflow that it covers, in the order of the file; ``channels``: of these alone.

    Raises:
        SettingsError: the file has no such channel.
    """
    policy, wanted = configuration.policy, tuple(channels) or tuple(configuration.policy.channels)
    unknown = [one for one in wanted if one not in policy.channels]
    if unknown:
        known = ", ".join(policy.channels) or "none"
        raise SettingsError([f'--channel: there is no channel "{one}" in the file; known here: {known}' for one in unknown])
    return [
        row
        for channel_id in wanted
        for number in range(len(policy.channels[channel_id].grants))
        for row in _rows(configuration, providers, channel_id, number)
    ]


def kinds_in(policy: Policy, channel: ChannelPolicy) -> tuple[str, ...]:
    """Every kind of person that decisions in this channel may tell apart."""
    names = [name for grant in channel.grants for name in grant.requesters]
    people = [name for name in names if name != MEMBERS and not name.startswith("S")]
    people += [name for freeze in policy.freezes for name in freeze.exempt if name[0] in "UW"]
    return tuple(dict.fromkeys((MEMBERS, *people, *sorted(groups_in(policy, channel)), GUESTS)))


def asker_of(kind: str, policy: Policy, channel: ChannelPolicy) -> Asker:
    """One person of this kind: nobody whom the file names unless the kind is a person, and in no group but that of the kind."""
    kinds = kinds_in(policy, channel)
    user_id = kind if kind in kinds and kind[0] in "UW" else _nobody(kinds)
    person = Person(user_id=user_id, team_id="", name=kind, is_guest=kind == GUESTS)
    there = Channel(channel_id=channel.channel_id, name=channel.name, is_member=True)
    return Asker(person=person, channel=there, memberships={group: group == kind for group in groups_in(policy, channel)})


def _nobody(kinds: tuple[str, ...]) -> str:
    user_id = "U0"
    while user_id in kinds:
        user_id += "0"
    return user_id


def _rows(configuration: Configuration, providers: Mapping[str, Provider], channel_id: str, number: int) -> Iterator[Row]:
    policy = configuration.policy
    channel = policy.channels[channel_id]
    grant = channel.grants[number]
    connection = configuration.connections[grant.connection]
    alone = replace(policy, channels={channel_id: replace(channel, grants=(grant,))})
    for pattern, workflow in _covered(grant, connection):
        meant = workflow or Workflow(workflow_id=sample(pattern))
        scopes = providers[connection.provider].needed_scopes("launch", meant)
        wish = Wish(connection=connection.name, workflow=meant, needed_scopes=scopes)
        decisions = {kind: decide(alone, wish, asker_of(kind, policy, channel)) for kind in kinds_in(policy, channel)}
        denials = {kind: decision for kind, decision in decisions.items() if isinstance(decision, Deny)}
        yield Row(
            channel_id=channel_id,
            channel=channel.name,
            connection=connection.name,
            grant=grant,
            number=number + 1,
            pattern=pattern,
            workflow=workflow,
            allowed=tuple(kind for kind in decisions if kind not in denials),
            denied=tuple(denials),
            approval=next((decision.rule for decision in decisions.values() if isinstance(decision, NeedApproval)), None),
            reasons=distinct(reason for decision in denials.values() for reason in decision.reasons),
        )


def _covered(grant: Grant, connection: Connection) -> Iterator[tuple[str, Workflow | None]]:
    """The configured workflows that each entry means, each once; and the entry itself where it may mean others."""
    seen: set[str] = set()
    for pattern in grant.workflows:
        one = replace(grant, workflows=(pattern,))
        meant = [workflow for workflow in connection.workflows.values() if covers(one, workflow)]
        for workflow in meant:
            if workflow.workflow_id not in seen:
                seen.add(workflow.workflow_id)
                yield pattern, workflow
        if not meant or re.search(r"[*?\[]", pattern):
            yield pattern, None


def sample(pattern: str) -> str:
    """A text that the glob matches: stars and question marks stand for themselves, a class for one of its characters."""
    return _CLASS.sub(lambda found: _one_of(found[2], is_not=bool(found[1])), pattern)


def _one_of(characters: str, *, is_not: bool) -> str:
    return next(letter for letter in "~^|`" if letter not in characters) if is_not else characters[:1]


def matrix_json(rows: Iterable[Row], policy: Policy) -> dict[str, Any]:
    """The same for programs: keys are added, never renamed or taken away."""
    freezes = [
        {
            "name": one.name,
            "from": one.begins.isoformat(),
            "to": one.ends.isoformat(),
            "connections": list(one.connections),
            "except": list(one.exempt),
        }
        for one in policy.freezes
    ]
    return {"rows": [_plain_row(row) for row in rows], "freezes": freezes}


def _plain_row(row: Row) -> dict[str, Any]:
    return {
        "channel_id": row.channel_id,
        "channel": row.channel,
        "connection": row.connection,
        "grant": row.number,
        "pattern": row.pattern,
        "workflow_id": row.workflow.workflow_id if row.workflow else None,
        "workflow": row.workflow.name if row.workflow else None,
        "allowed": list(row.allowed),
        "denied": list(row.denied),
        "reasons": [reason_json(reason) for reason in row.reasons],
        "scopes": list(row.grant.scopes),
        "approval": rule_json(row.approval),
        "limits": rule_json(row.grant.limits),
        "inputs": rules_json(row.grant.inputs),
    }


_COLUMNS = ("channel_id", "channel", "connection", "grant", "pattern", "workflow_id", "workflow", "allowed", "scopes")


def matrix_csv(rows: Iterable[Row]) -> str:
    """The same as a sheet: a head, and a line per row; lists parted by semicolons."""
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow([*_COLUMNS, "approvers", "required", "per_hour", "running", "inputs"])
    for row in rows:
        plain = _plain_row(row)
        approval: dict[str, Any] = plain["approval"] or {}
        limits: dict[str, Any] = plain["limits"] or {}
        cells = [_cell(plain[name]) for name in _COLUMNS]
        cells += [_cell(approval.get("approvers")), _cell(approval.get("required"))]
        cells += [_cell(limits.get("per_hour")), _cell(limits.get("running")), _cell(list(row.grant.inputs))]
        writer.writerow(cells)
    return sheet.getvalue()


def _cell(value: Any) -> str:
    """A cell that no sheet takes for a formula (https://owasp.org/www-community/attacks/CSV_Injection)."""
    text = "; ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)  # pyright: ignore[reportUnknownArgumentType]  # JSON
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
