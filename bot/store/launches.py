"""Deliveries, launches and their events: each function is the body of one transaction, on the thread that owns the connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

import structlog
from sqlite_utils import Database

from bot.domain.errors import LaunchIdTakenError, UnreadableRowError
from bot.domain.model import Delivery, Event, Launch
from bot.store import queries
from bot.store.rows import (
    Row,
    delivery_from,
    delivery_row,
    event_from,
    event_row,
    launch_from,
    launch_row,
    storable,
    time_from,
    time_text,
)
from bot.store.sqlite_lane import change, fetch

T = TypeVar("T")

_log = structlog.get_logger()


def record_delivery(database: Database, delivery: Delivery) -> bool:
    """Store.record_delivery."""
    return change(database, queries.RECORD_DELIVERY, **delivery_row(delivery)) == 1


def finish_delivery(database: Database, key: str, at: datetime) -> None:
    """Store.finish_delivery."""
    change(database, queries.FINISH_DELIVERY, key=storable(key), at=time_text(at))


def unfinished_deliveries(database: Database, *, received_after: datetime, limit: int) -> list[Delivery]:
    """Store.unfinished_deliveries."""
    rows = fetch(database, queries.UNFINISHED_DELIVERIES, received_after=time_text(received_after), limit=limit)
    return readable(rows, delivery_from)


def create(database: Database, launch: Launch, event: Event, delivery_key: str) -> Launch | None:
    """Store.create."""
    key = storable(delivery_key)
    for row in fetch(database, queries.CAUSED_LAUNCH, key=key):
        return launch_from(row)
    if not change(database, queries.INSERT_LAUNCH, **launch_row(launch)):
        raise LaunchIdTakenError(launch.launch_id)
    at = time_text(event.at)
    _append(database, launch, event)
    change(database, queries.INSERT_CARD, channel_id=launch.channel_id, **_card_change(launch, launch.version, at))
    change(database, queries.CAUSE_LAUNCH, key=key, at=at, launch_id=launch.launch_id)
    return None


def launch_by_id(database: Database, launch_id: str) -> Launch | None:
    """Store.launch."""
    return next(map(launch_from, fetch(database, queries.LAUNCH, launch_id=storable(launch_id))), None)


def events(database: Database, launch_id: str) -> tuple[Event, ...]:
    """Store.events."""
    return tuple(map(event_from, fetch(database, queries.EVENTS, launch_id=storable(launch_id))))


def recent(database: Database, *, channel_id: str, limit: int) -> list[Launch]:
    """Store.recent."""
    return readable(fetch(database, queries.RECENT_LAUNCHES, channel_id=channel_id, limit=limit), launch_from)


def lease_due(database: Database, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Launch]:
    """Store.lease_due."""
    moment = {"now": time_text(now), "until": time_text(until)}
    rows = fetch(database, queries.LEASE_LAUNCHES, holder=holder, limit=limit, **moment)
    rows.sort(key=lambda row: (row["due_at"], row["launch_id"]))  # RETURNING keeps no order
    return readable(rows, launch_from)


def save(
    database: Database, launch: Launch, event: Event | None, *, has_line: bool, keep_lease: bool, holder: str | None
) -> bool:
    """Store.save."""
    is_seen = event is not None or _changes_state(database, launch)
    values = launch_row(launch) | {"keep_lease": keep_lease, "holder": holder}
    if not change(database, queries.SAVE_LAUNCH, **values):
        return False
    if event is not None:
        seq = _append(database, launch, event)
        if has_line:
            change(database, queries.QUEUE_LINE, launch_id=launch.launch_id, event_seq=seq)
    if is_seen:
        at = time_text(launch.updated_at if event is None else event.at)
        change(database, queries.MARK_CARD, **_card_change(launch, launch.version + 1, at))
    return True


def release(database: Database, launch_id: str, holder: str) -> None:
    """Store.release."""
    change(database, queries.RELEASE_LAUNCH, launch_id=storable(launch_id), holder=holder)


def renew_leases(database: Database, *, holder: str, until: datetime) -> None:
    """Store.renew_leases."""
    for sql in (queries.RENEW_LAUNCHES, queries.RENEW_CARDS):
        change(database, sql, holder=holder, until=time_text(until))


def next_due(database: Database) -> datetime | None:
    """Store.next_due."""
    return earliest(fetch(database, queries.NEXT_FREE_LAUNCH) + fetch(database, queries.NEXT_HELD_LAUNCH))


def readable(rows: Iterable[Row], read: Callable[[Row], T]) -> list[T]:
    """What these rows hold; one that cannot be read is named in the log and left out, and the rest goes on."""
    values: list[T] = []
    for row in rows:
        try:
            values.append(read(row))
        except UnreadableRowError as exc:
            _log.error("row_unreadable", table=exc.table, row_id=exc.row_id, cause=exc.cause)
    return values


def earliest(rows: Iterable[Row]) -> datetime | None:
    """The first of the times in the rows' column ``at``; None where there is none."""
    return min((time_from(row["at"]) for row in rows if row["at"]), default=None)


def _append(database: Database, launch: Launch, event: Event) -> int:
    row = event_row(event) | {"launch_id": launch.launch_id}
    return fetch(database, queries.APPEND_EVENT, **row)[0]["seq"]


def _changes_state(database: Database, launch: Launch) -> bool:
    stored = fetch(database, queries.LAUNCH, launch_id=launch.launch_id)
    return bool(stored) and stored[0]["state"] != launch.state


def _card_change(launch: Launch, version: int, at: str) -> Row:
    return {"launch_id": launch.launch_id, "version": version, "is_final": launch.state.is_final, "at": at}
