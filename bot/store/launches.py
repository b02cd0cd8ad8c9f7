"""Launches and their events: each function is the body of one transaction (steps.py)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.errors import LaunchIdTakenError
from bot.domain.grants import Limits
from bot.domain.model import Event, EventKind, Launch, State
from bot.domain.records import Record
from bot.store import access, access_queries, deliveries, home_queries, homes, queries, quotas, tracking
from bot.store.aside import Setting, at_once, leased, readable
from bot.store.rows import Row, earliest, event_from, event_row, launch_from, launch_row, storable, time_or_none, time_text
from bot.store.steps import Steps, alone, change, fetch


@dataclass(frozen=True, kw_only=True)
class Creating:
    """How ``create`` writes: its arguments beside the launch and the event, as the port has them."""

    delivery_key: str
    decision: Record | None = None
    limits: Limits | None = None
    has_line: bool = False
    holder: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Saving:
    """How ``save`` writes: its arguments beside the launch and the event, as the port has them."""

    has_line: bool = False
    keep_lease: bool = False
    holder: str | None = None
    delivery_key: str | None = None
    took_s: float | None = None
    until: datetime | None = None


def create(launch: Launch, event: Event, creating: Creating) -> Steps[Launch | None]:
    """Store.create."""
    key = storable(creating.delivery_key)
    yield from alone("delivery", key)
    for row in (yield from fetch(queries.CAUSED_LAUNCH, key=key)):
        return launch_from(row)
    if creating.limits:
        yield from quotas.refuse_above(launch, creating.limits)
    lease = {"holder": creating.holder, "until": time_or_none(creating.until)}
    if not (yield from change(queries.INSERT_LAUNCH, **launch_row(launch), **lease)):
        raise LaunchIdTakenError(launch.launch_id)
    at = time_text(event.at)
    seq = yield from _append(launch, event)
    if creating.has_line:
        yield from change(queries.QUEUE_LINE, launch_id=launch.launch_id, event_seq=seq)
    yield from change(queries.INSERT_CARD, channel_id=launch.channel_id, **_card_change(launch, launch.version, at))
    yield from change(queries.CAUSE_LAUNCH, key=key, at=at, launch_id=launch.launch_id)
    if creating.decision:
        yield from access.record_decision(replace(creating.decision, launch_id=launch.launch_id))
    yield from homes.mark(launch, event)
    yield from _keep_success(launch)
    return None


def caused_by(delivery_key: str) -> Steps[Launch | None]:
    """Store.caused_by."""
    return next(map(launch_from, (yield from fetch(queries.CAUSED_LAUNCH, key=storable(delivery_key)))), None)


def launch_by_id(launch_id: str) -> Steps[Launch | None]:
    """Store.launch."""
    return next(map(launch_from, (yield from fetch(queries.LAUNCH, launch_id=storable(launch_id)))), None)


def events(launch_id: str) -> Steps[tuple[Event, ...]]:
    """Store.events."""
    return tuple(map(event_from, (yield from fetch(queries.EVENTS, launch_id=storable(launch_id)))))


def recent(*, channel_id: str, limit: int) -> Steps[list[Launch]]:
    """Store.recent."""
    return readable((yield from fetch(queries.RECENT_LAUNCHES, channel_id=channel_id, limit=limit)), launch_from)


def awaiting(limit: int) -> Steps[list[Launch]]:
    """Store.awaiting."""
    return readable((yield from fetch(access_queries.AWAITING_LAUNCHES, limit=limit)), launch_from)


def requested_by(user_id: str, limit: int) -> Steps[list[Launch]]:
    """Store.requested_by."""
    rows = yield from fetch(access_queries.REQUESTED_LAUNCHES, requester_id=storable(user_id), limit=limit)
    return readable(rows, launch_from)


def last_success(connection: str, workflow_id: str) -> Steps[Launch | None]:
    """Store.last_success."""
    named = {"connection": connection, "workflow_id": storable(workflow_id)}
    rows = yield from fetch(access_queries.SUCCEEDED_LAUNCHES, limit=1 + access_queries.SPARE_SUCCESSES, **named)
    return next((launch for row in rows for launch in readable([row], launch_from)), None)


def lease_due(*, now: datetime, until: datetime, holder: str, limit: int) -> Steps[list[Launch]]:
    """Store.lease_due."""
    moment = {"now": time_text(now), "until": time_text(until)}
    rows = yield from fetch(queries.LEASE_LAUNCHES, holder=holder, limit=limit, **moment)
    rows.sort(key=lambda row: (row["due_at"], row["launch_id"]))  # RETURNING keeps no order
    setting = Setting(sql=queries.SET_ASIDE_LAUNCH, key="launch_id", at=moment["now"])
    return (yield from leased(rows, at_once(launch_from), setting))


def save(launch: Launch, event: Event | None, saving: Saving) -> Steps[bool]:
    """Store.save."""
    if event is not None and event.kind is EventKind.ADOPTED and (yield from _is_bound(launch)):
        return False
    is_seen = event is not None or (yield from _changes_state(launch))
    until = time_or_none(saving.until) or ""
    values = launch_row(launch) | {"keep_lease": saving.keep_lease, "holder": saving.holder, "until": until}
    if not (yield from change(queries.SAVE_LAUNCH, **values)):
        return False
    at = launch.updated_at if event is None else event.at
    if event is not None:
        seq = yield from _append(launch, event)
        if saving.has_line:
            yield from change(queries.QUEUE_LINE, launch_id=launch.launch_id, event_seq=seq)
    if is_seen:
        yield from change(queries.MARK_CARD, **_card_change(launch, launch.version + 1, time_text(at)))
    if saving.delivery_key is not None:
        yield from deliveries.finish(saving.delivery_key, at)
    if event is not None:
        yield from homes.mark(launch, event)
    if saving.took_s is not None:
        yield from tracking.keep_duration(launch, saving.took_s)
    if is_seen:
        yield from _keep_success(launch)
    return True


def _keep_success(launch: Launch) -> Steps[None]:
    """What ``last_success`` looks among."""
    if launch.state is State.SUCCEEDED:
        named = {"connection": launch.connection, "workflow_id": storable(launch.workflow_id)}
        yield from change(
            access_queries.KEEP_SUCCESS, updated_at=time_text(launch.updated_at), launch_id=launch.launch_id, **named
        )
        yield from change(access_queries.DROP_SUCCESSES, **named)


def _is_bound(launch: Launch) -> Steps[bool]:
    """Whether some launch owns the run already that this one is about to adopt: two doubts never share a run."""
    run_id = storable(launch.run_id or "")
    yield from alone("run", launch.connection, run_id)
    return bool((yield from fetch(queries.BOUND_RUN, connection=launch.connection, run_id=run_id)))


def release(launch_id: str, holder: str) -> Steps[None]:
    """Store.release."""
    yield from change(queries.RELEASE_LAUNCH, launch_id=storable(launch_id), holder=holder)


def renew_leases(*, holder: str, until: datetime, unheard: Iterable[tuple[str, datetime]] = ()) -> Steps[None]:
    """Store.renew_leases. ``unheard``: claims that may have been made, each with its own statement to give it back."""
    for give_back, claimed_until in unheard:
        yield from change(give_back, holder=holder, until=time_text(claimed_until))
    for sql in (queries.RENEW_LAUNCHES, queries.RENEW_CARDS, queries.RENEW_DELIVERIES, home_queries.RENEW_HOMES):
        yield from change(sql, holder=holder, until=time_text(until))


def next_due() -> Steps[datetime | None]:
    """Store.next_due."""
    free = yield from fetch(queries.NEXT_FREE_LAUNCH)
    return earliest(free + (yield from fetch(queries.NEXT_HELD_LAUNCH)))


def bound_runs(connection: str, run_ids: frozenset[str]) -> Steps[frozenset[str]]:
    """Store.bound_runs. One look-up each: they are few, and a list of any length has no plan of its own."""
    bound: set[str] = set()
    for run_id in run_ids:
        if (yield from fetch(queries.BOUND_RUN, connection=connection, run_id=storable(run_id))):
            bound.add(run_id)
    return frozenset(bound)


def has_rivals(launch: Launch, *, within: timedelta) -> Steps[bool]:
    """Store.has_rivals."""
    if launch.sent_at is None:
        return False
    times = {"since": time_text(launch.sent_at - within), "until": time_text(launch.sent_at + within)}
    named = {"launch_id": launch.launch_id, "connection": launch.connection, "workflow_id": storable(launch.workflow_id)}
    return bool((yield from fetch(queries.RIVAL, **named, **times)))


def _append(launch: Launch, event: Event) -> Steps[int]:
    row = event_row(event) | {"launch_id": launch.launch_id}
    return (yield from fetch(queries.APPEND_EVENT, **row))[0]["seq"]


def _changes_state(launch: Launch) -> Steps[bool]:
    stored = yield from fetch(queries.LAUNCH, launch_id=launch.launch_id)
    return bool(stored) and stored[0]["state"] != launch.state


def _card_change(launch: Launch, version: int, at: str) -> Row:
    """``is_final``: over or in doubt, which people must learn first, and directly where the card is lost."""
    is_urgent = launch.state.is_final or launch.state is State.IN_DOUBT
    return {"launch_id": launch.launch_id, "version": version, "is_final": is_urgent, "at": at}
