"""Launches and their events: each function is the body of one transaction, on the thread that owns the connection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlite_utils import Database

from bot.domain.errors import LaunchIdTakenError
from bot.domain.grants import Limits
from bot.domain.model import Event, EventKind, Launch, State
from bot.domain.records import Record
from bot.store import access, access_queries, deliveries, home_queries, homes, queries, quotas
from bot.store.aside import Setting, leased, readable
from bot.store.rows import Row, earliest, event_from, event_row, launch_from, launch_row, storable, time_text
from bot.store.sqlite_lane import change, fetch

_SPARE = 4
"""How many successes that cannot be read are passed over in search of one that can."""


@dataclass(frozen=True, kw_only=True)
class Creating:
    """How ``create`` writes: its arguments beside the launch and the event, as the port has them."""

    delivery_key: str
    decision: Record | None = None
    limits: Limits | None = None
    has_line: bool = False


@dataclass(frozen=True, kw_only=True)
class Saving:
    """How ``save`` writes: its arguments beside the launch and the event, as the port has them."""

    has_line: bool = False
    keep_lease: bool = False
    holder: str | None = None
    delivery_key: str | None = None


def create(database: Database, launch: Launch, event: Event, creating: Creating) -> Launch | None:
    """Store.create."""
    key = storable(creating.delivery_key)
    for row in fetch(database, queries.CAUSED_LAUNCH, key=key):
        return launch_from(row)
    if creating.limits:
        quotas.refuse_above(database, launch, creating.limits)
    if not change(database, queries.INSERT_LAUNCH, **launch_row(launch)):
        raise LaunchIdTakenError(launch.launch_id)
    at = time_text(event.at)
    seq = _append(database, launch, event)
    if creating.has_line:
        change(database, queries.QUEUE_LINE, launch_id=launch.launch_id, event_seq=seq)
    change(database, queries.INSERT_CARD, channel_id=launch.channel_id, **_card_change(launch, launch.version, at))
    change(database, queries.CAUSE_LAUNCH, key=key, at=at, launch_id=launch.launch_id)
    homes.mark(database, launch, event)
    if creating.decision:
        access.record_decision(database, replace(creating.decision, launch_id=launch.launch_id))
    return None


def caused_by(database: Database, delivery_key: str) -> Launch | None:
    """Store.caused_by."""
    return next(map(launch_from, fetch(database, queries.CAUSED_LAUNCH, key=storable(delivery_key))), None)


def launch_by_id(database: Database, launch_id: str) -> Launch | None:
    """Store.launch."""
    return next(map(launch_from, fetch(database, queries.LAUNCH, launch_id=storable(launch_id))), None)


def events(database: Database, launch_id: str) -> tuple[Event, ...]:
    """Store.events."""
    return tuple(map(event_from, fetch(database, queries.EVENTS, launch_id=storable(launch_id))))


def recent(database: Database, *, channel_id: str, limit: int) -> list[Launch]:
    """Store.recent."""
    return readable(fetch(database, queries.RECENT_LAUNCHES, channel_id=channel_id, limit=limit), launch_from)


def awaiting(database: Database, limit: int) -> list[Launch]:
    """Store.awaiting."""
    return readable(fetch(database, access_queries.AWAITING_LAUNCHES, limit=limit), launch_from)


def requested_by(database: Database, user_id: str, limit: int) -> list[Launch]:
    """Store.requested_by."""
    rows = fetch(database, access_queries.REQUESTED_LAUNCHES, requester_id=storable(user_id), limit=limit)
    return readable(rows, launch_from)


def last_success(database: Database, connection: str, workflow_id: str) -> Launch | None:
    """Store.last_success."""
    named = {"connection": connection, "workflow_id": storable(workflow_id)}
    rows = fetch(database, access_queries.SUCCEEDED_LAUNCHES, limit=1 + _SPARE, **named)
    return next((launch for row in rows for launch in readable([row], launch_from)), None)


def lease_due(database: Database, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Launch]:
    """Store.lease_due."""
    moment = {"now": time_text(now), "until": time_text(until)}
    rows = fetch(database, queries.LEASE_LAUNCHES, holder=holder, limit=limit, **moment)
    rows.sort(key=lambda row: (row["due_at"], row["launch_id"]))  # RETURNING keeps no order
    return leased(database, rows, launch_from, Setting(sql=queries.SET_ASIDE_LAUNCH, key="launch_id", at=moment["now"]))


def save(database: Database, launch: Launch, event: Event | None, saving: Saving) -> bool:
    """Store.save."""
    if event is not None and event.kind is EventKind.ADOPTED and _is_bound(database, launch):
        return False
    is_seen = event is not None or _changes_state(database, launch)
    values = launch_row(launch) | {"keep_lease": saving.keep_lease, "holder": saving.holder}
    if not change(database, queries.SAVE_LAUNCH, **values):
        return False
    at = launch.updated_at if event is None else event.at
    if event is not None:
        seq = _append(database, launch, event)
        if saving.has_line:
            change(database, queries.QUEUE_LINE, launch_id=launch.launch_id, event_seq=seq)
        homes.mark(database, launch, event)
    if is_seen:
        change(database, queries.MARK_CARD, **_card_change(launch, launch.version + 1, time_text(at)))
    if saving.delivery_key is not None:
        deliveries.finish(database, saving.delivery_key, at)
    return True


def _is_bound(database: Database, launch: Launch) -> bool:
    """Whether some launch owns the run already that this one is about to adopt: two doubts never share a run."""
    return bool(fetch(database, queries.BOUND_RUN, connection=launch.connection, run_id=storable(launch.run_id or "")))


def release(database: Database, launch_id: str, holder: str) -> None:
    """Store.release."""
    change(database, queries.RELEASE_LAUNCH, launch_id=storable(launch_id), holder=holder)


def renew_leases(database: Database, *, holder: str, until: datetime) -> None:
    """Store.renew_leases."""
    for sql in (queries.RENEW_LAUNCHES, queries.RENEW_CARDS, queries.RENEW_DELIVERIES, home_queries.RENEW_HOMES):
        change(database, sql, holder=holder, until=time_text(until))


def next_due(database: Database) -> datetime | None:
    """Store.next_due."""
    return earliest(fetch(database, queries.NEXT_FREE_LAUNCH) + fetch(database, queries.NEXT_HELD_LAUNCH))


def bound_runs(database: Database, connection: str, run_ids: frozenset[str]) -> frozenset[str]:
    """Store.bound_runs. One look-up each: they are few, and a list of any length has no plan of its own."""
    values = ((run_id, {"connection": connection, "run_id": storable(run_id)}) for run_id in run_ids)
    return frozenset(run_id for run_id, named in values if fetch(database, queries.BOUND_RUN, **named))


def has_rivals(database: Database, launch: Launch, *, within: timedelta) -> bool:
    """Store.has_rivals."""
    if launch.sent_at is None:
        return False
    times = {"since": time_text(launch.sent_at - within), "until": time_text(launch.sent_at + within)}
    named = {"launch_id": launch.launch_id, "connection": launch.connection, "workflow_id": storable(launch.workflow_id)}
    return bool(fetch(database, queries.RIVAL, **named, **times))


def _append(database: Database, launch: Launch, event: Event) -> int:
    row = event_row(event) | {"launch_id": launch.launch_id}
    return fetch(database, queries.APPEND_EVENT, **row)[0]["seq"]


def _changes_state(database: Database, launch: Launch) -> bool:
    stored = fetch(database, queries.LAUNCH, launch_id=launch.launch_id)
    return bool(stored) and stored[0]["state"] != launch.state


def _card_change(launch: Launch, version: int, at: str) -> Row:
    """``is_final``: over or in doubt, which people must learn first, and directly where the card is lost."""
    is_urgent = launch.state.is_final or launch.state is State.IN_DOUBT
    return {"launch_id": launch.launch_id, "version": version, "is_final": is_urgent, "at": at}
