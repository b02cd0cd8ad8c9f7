"""The approval rule as it was shown when people were asked, with its times; and what falls due by them (design.md, 7).

Why a snapshot and not the rule in force: people agree to what they were shown. Another rule is another grant, which reopens the
approval. What is missing from a snapshot, or cannot be read, entitles nobody and still expires.

Why escalation swallows the reminder: whoever is asked a second time, by whichever of the two comes first, is not asked a third
time. A bot that was down sends only what is still right: after the expiry nothing but the expiry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from bot.domain.approval_digest import Differences
from bot.domain.grants import ApprovalRule
from bot.domain.lifecycle import step
from bot.domain.model import NOTHING, Event, EventKind, Json, Launch
from bot.domain.reactions import Reaction

EXPIRES_AFTER = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Who may decide on a launch, how many must, and until when. Before ``cool_down_until`` a single operator may not agree."""

    approvers: tuple[str, ...]
    required: int
    self_approval: bool
    single_operator: bool
    confirm: bool
    escalate_to: tuple[str, ...]
    asked_at: datetime
    expires_at: datetime
    cool_down_until: datetime | None = None
    remind_at: datetime | None = None
    escalate_at: datetime | None = None
    since: Differences | None = None


def asked(
    rule: ApprovalRule, *, now: datetime, bound: Mapping[str, Json] = NOTHING, since: Differences | None = None
) -> dict[str, Json]:
    """The snapshot of ``rule`` for ``Launch.approval``, as it is asked by now.

    ``bound``: the parts of the digest; ``since``: what differs from the last successful run, None where there was none.
    """
    expires_at = now + (EXPIRES_AFTER if rule.expires_after_s is None else timedelta(seconds=rule.expires_after_s))
    snapshot: dict[str, Json] = {
        "approvers": list(rule.approvers),
        "required": rule.required,
        "self_approval": rule.self_approval,
        "single_operator": rule.single_operator,
        "confirm": rule.confirm,
        "escalate_to": list(rule.escalate_to),
        "asked_at": _text(now),
        "expires_at": _text(expires_at),
        "cool_down_until": _after(now, rule.cool_down_s),
        "remind_at": _after(now, rule.remind_after_s),
        "escalate_at": _after(now, rule.escalate_after_s) if rule.escalate_to else None,
        "bound": dict(bound),
        "since": _since_facts(since),
    }
    return {name: value for name, value in snapshot.items() if value is not None}


def terms_of(launch: Launch) -> Terms:
    """The terms of a launch's approval, whatever its snapshot holds: never more rights, and never no expiry."""
    required = _count(launch.approval.get("required"))
    shown = launch.approval if required else {**launch.approval, "approvers": (), "escalate_to": ()}
    asked_at = _time(shown.get("asked_at")) or launch.created_at
    return Terms(
        approvers=_names(shown.get("approvers")),
        required=required or 1,
        self_approval=shown.get("self_approval") is True,
        single_operator=shown.get("single_operator") is True,
        confirm=shown.get("confirm") is True,
        escalate_to=_names(shown.get("escalate_to")),
        asked_at=asked_at,
        expires_at=_time(shown.get("expires_at")) or asked_at + EXPIRES_AFTER,
        cool_down_until=_time(shown.get("cool_down_until")),
        remind_at=_time(shown.get("remind_at")),
        escalate_at=_time(shown.get("escalate_at")),
        since=_since(shown.get("since")),
    )


def bound_of(launch: Launch) -> Mapping[str, Json]:
    """The parts that the launch's digest was over when people were asked."""
    return _mapping(launch.approval.get("bound"))


def since_asked(events: Sequence[Event]) -> tuple[Event, ...]:
    """What happened since people were asked anew: of what was before a REOPENED nothing counts."""
    reopened = [place for place, event in enumerate(events) if event.kind is EventKind.REOPENED]
    return tuple(events[reopened[-1] + 1 :] if reopened else events)


def agreed(events: Sequence[Event]) -> tuple[str, ...]:
    """Whose yes counted when it was last counted, which was at the newest one."""
    newest = next((event for event in reversed(since_asked(events)) if event.kind is EventKind.APPROVED), None)
    return _names(newest.facts.get("counted")) if newest else ()


def is_escalated(events: Sequence[Event]) -> bool:
    """Whether those whom it is escalated to were asked too, and may decide from then on."""
    return any(event.kind is EventKind.ESCALATED for event in since_asked(events))


def due(launch: Launch, events: Sequence[Event], now: datetime) -> EventKind | None:
    """What is to happen by now to a launch that waits for approval: EXPIRED, ESCALATED, REMINDED or nothing."""
    terms = terms_of(launch)
    if now >= terms.expires_at:
        return EventKind.EXPIRED
    return next((kind for at, kind in reversed(_plan(terms, events)) if at <= now), None)


def next_due(launch: Launch, events: Sequence[Event]) -> datetime:
    """When the next of its times falls due: at the latest its expiry."""
    terms = terms_of(launch)
    return min([terms.expires_at, *(at for at, _ in _plan(terms, events))])


def fall_due(launch: Launch, events: Sequence[Event], now: datetime) -> Reaction:
    """What is due by now happens; where nothing is, the launch is put off to its next time."""
    kind = due(launch, events, now)
    if kind is None:
        return Reaction(launch=replace(launch, due_at=next_due(launch, events)))
    event = Event(launch_id=launch.launch_id, kind=kind, at=now, facts=_facts(launch, events, kind))
    after = step(launch, event)
    if kind is not EventKind.EXPIRED:
        after = replace(after, due_at=next_due(launch, (*events, event)))
    return Reaction(launch=after, event=event)


def _plan(terms: Terms, events: Sequence[Event]) -> list[tuple[datetime, EventKind]]:
    """What is still to come before the expiry, in order."""
    kinds = {event.kind for event in since_asked(events)}
    if EventKind.ESCALATED in kinds:
        return []
    escalate_at = terms.escalate_at if terms.escalate_to else None
    plan: list[tuple[datetime, EventKind]] = []
    is_in_time = escalate_at is None or (terms.remind_at is not None and terms.remind_at < escalate_at)
    if terms.remind_at is not None and is_in_time and EventKind.REMINDED not in kinds:
        plan.append((terms.remind_at, EventKind.REMINDED))
    if escalate_at is not None:
        plan.append((escalate_at, EventKind.ESCALATED))
    return plan


def _facts(launch: Launch, events: Sequence[Event], kind: EventKind) -> dict[str, Json]:
    """How far it had come, and who said yes: they need not be asked again."""
    terms = terms_of(launch)
    facts: dict[str, Json] = {"said": list(agreed(events)), "required": terms.required}
    return facts if kind is EventKind.EXPIRED else facts | {"expires_at": _text(terms.expires_at)}


def _after(now: datetime, seconds: float | None) -> str | None:
    return None if seconds is None else _text(now + timedelta(seconds=seconds))


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _time(value: Json) -> datetime | None:
    """A time that was kept; None for none, for no time, and for one that says not where it is."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def _count(value: Json) -> int:
    """How many must agree; 0 where that cannot be read: then nobody may, or too few would do."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 1 else 0


def _names(value: Json) -> tuple[str, ...]:
    """A list of names. A text alone is none: its letters would be."""
    if not isinstance(value, list | tuple):
        return ()
    return tuple(name for name in cast("list[Any]", value) if isinstance(name, str))


def _mapping(value: Json) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", value) if isinstance(value, Mapping) else NOTHING


def _since_facts(since: Differences | None) -> dict[str, Json] | None:
    if since is None:
        return None
    kept = [dict(change) for change in since.changes]
    return {"launch_id": since.launch_id, "at": _text(since.at), "changes": kept, "more": since.more}


def _since(value: Json) -> Differences | None:
    facts = _mapping(value)
    launch_id, at, found, more = (facts.get(name) for name in ("launch_id", "at", "changes", "more"))
    seen_at = _time(at)
    if not isinstance(launch_id, str) or seen_at is None or not isinstance(found, list | tuple):
        return None
    kept = tuple(_mapping(change) for change in cast("list[Any]", found))
    return Differences(launch_id=launch_id, at=seen_at, changes=kept, more=more if isinstance(more, int) else 0)
