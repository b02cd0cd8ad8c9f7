"""`gonogo policy replay`: past decisions, decided again under the policy of a file, from the facts that were recorded.

Why some cannot be told: a record holds what the decision then turned on, and nothing else. Where the new policy turns on a user
group or a count that was not recorded, it is decided for every way that might have been; only where all agree is it told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.domain.grants import Policy
from bot.domain.model import NOTHING, Reason
from bot.domain.policy import Decision, Usage, groups_in
from bot.domain.records import Record, replayed, verdict_of
from bot.policing.plain import reason_json
from bot.ports import Store

PAGE = 500
_ANY = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Flip:
    """A past decision that the policy would decide otherwise, and why."""

    record: Record
    would_be: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class Untold:
    """A past decision of which cannot be told whether it would fall otherwise; ``cause`` says why in words."""

    record: Record
    cause: str


@dataclass(kw_only=True)
class Replay:
    """What came of it. ``looked_at`` counts all decisions."""

    looked_at: int = 0
    flips: list[Flip] = field(default_factory=list[Flip])
    untold: list[Untold] = field(default_factory=list[Untold])


async def replay(store: Store, policy: Policy, since: datetime) -> Replay:
    """Every decision since then, under ``policy``."""
    found, after = Replay(), 0
    while page := await store.decisions(since=since, after=after, limit=PAGE):
        for record in page:
            _add(found, again(record, policy))
        after = page[-1].seq
    return found


def again(record: Record, policy: Policy) -> Flip | Untold | None:
    """One past decision under ``policy``; None where it would fall as it did."""
    try:
        would_be = list(_ways(record, policy))
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        return Untold(record=record, cause="its record cannot be read, or was kept without its facts")
    verdicts = {verdict_of(decision) for decision in would_be}
    if verdicts == {record.verdict}:
        return None
    if len(verdicts) > 1:
        return Untold(record=record, cause=_cause(record, policy))
    if record.policy_digest == policy.digest:
        return Untold(record=record, cause="this very policy decided otherwise, by facts that were not recorded")
    return Flip(record=record, would_be=verdict_of(would_be[0]), reasons=would_be[0].reasons)


def _add(found: Replay, one: Flip | Untold | None) -> None:
    found.looked_at += 1
    if isinstance(one, Flip):
        found.flips.append(one)
    elif one is not None:
        found.untold.append(one)


def _ways(record: Record, policy: Policy) -> Iterator[Decision]:
    """The decision for each way that what was not recorded might have been.

    The least and the most of each are enough: being in a group never takes anything away, and having launched less neither.
    """
    groups, quotas = _missing_groups(record, policy), _missing_quotas(record, policy)
    if not groups and not quotas:
        yield replayed(record, policy)
        return
    most = _most_usage(record)
    for is_in in (True, False):
        for usage in ([0, 0], most):
            memberships = {**record.facts.get("memberships", {}), **dict.fromkeys(groups, is_in)}
            counted = {**record.facts.get("usage", {}), **dict.fromkeys(quotas, usage)}
            yield replayed(replace(record, facts={**record.facts, "memberships": memberships, "usage": counted}), policy)


def _missing_groups(record: Record, policy: Policy) -> tuple[str, ...]:
    """User groups that the policy turns on and the record says nothing of. One of which Slack did not tell then is recorded so."""
    memberships: Mapping[str, Any] = record.facts.get("memberships", NOTHING)
    return tuple(sorted(groups_in(policy, policy.channels.get(record.channel_id)) - set(memberships)))


def _missing_quotas(record: Record, policy: Policy) -> tuple[str, ...]:
    """Limits that count what the record did not: new ones, and such of grants that are now about something else."""
    channel, usage = policy.channels.get(record.channel_id), record.facts.get("usage", NOTHING)
    grants = channel.grants if channel else ()
    return tuple(grant.quota_key for grant in grants if grant.limits is not None and grant.quota_key not in usage)


def _most_usage(record: Record) -> list[int]:
    """The most that any limit may have counted: everything in the channel, where that was recorded."""
    counted = [Usage(last_hour=hour, not_over=now) for hour, now in record.facts.get("usage", NOTHING).values()]
    if not counted:
        return [_ANY, _ANY]
    return [sum(one.last_hour for one in counted), sum(one.not_over for one in counted)]


def _cause(record: Record, policy: Policy) -> str:
    groups = _missing_groups(record, policy)
    if groups:
        return f"who was in {', '.join(groups)} was not recorded"
    return "how much had been launched under a changed limit was not recorded"


def replay_json(found: Replay, since: datetime) -> dict[str, Any]:
    """The same for programs: keys are added, never renamed or taken away."""
    return {
        "since": since.isoformat(),
        "looked_at": found.looked_at,
        "flips": [
            {
                **_plain(flip.record),
                "would_be": flip.would_be,
                "reasons": [reason_json(reason) for reason in flip.reasons],
            }
            for flip in found.flips
        ],
        "cannot_tell": [{**_plain(one.record), "cause": one.cause} for one in found.untold],
    }


def _plain(record: Record) -> dict[str, Any]:
    codes: Sequence[str] = record.codes
    return {
        "at": record.at.isoformat(),
        "person_id": record.person_id,
        "channel_id": record.channel_id,
        "door": record.door,
        "verb": record.verb,
        "connection": record.connection,
        "workflow_id": record.workflow_id,
        "workflow": record.workflow_name,
        "launch_id": record.launch_id,
        "was": record.verdict,
        "was_codes": list(codes),
    }
