"""What Slack delivered, and who works on it: each function is the body of one transaction, on the thread of the connection."""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from bot.domain.model import Delivery
from bot.store import queries
from bot.store.aside import Setting, leased
from bot.store.rows import delivery_from, delivery_row, earliest, storable, time_text
from bot.store.sqlite_lane import change, fetch


def record(database: Database, delivery: Delivery, *, holder: str, until: datetime | None) -> bool:
    """Store.record_delivery."""
    lease = {"holder": None, "until": None} if until is None else {"holder": holder, "until": time_text(until)}
    return change(database, queries.RECORD_DELIVERY, **delivery_row(delivery), **lease) == 1


def by_key(database: Database, key: str) -> Delivery | None:
    """Store.delivery."""
    return next(map(delivery_from, fetch(database, queries.DELIVERY, key=storable(key))), None)


def finish(database: Database, key: str, at: datetime) -> None:
    """Store.finish_delivery."""
    change(database, queries.FINISH_DELIVERY, key=storable(key), at=time_text(at))


def lease(database: Database, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Delivery]:
    """Store.lease_deliveries."""
    moment = {"now": time_text(now), "until": time_text(until)}
    rows = fetch(database, queries.LEASE_DELIVERIES, holder=holder, limit=limit, **moment)
    rows.sort(key=lambda row: (row["received_at"], row["key"]))  # RETURNING keeps no order
    setting = Setting(sql=queries.SET_ASIDE_DELIVERY, key="key", at=time_text(now))
    return leased(database, rows, delivery_from, setting)


def next_due(database: Database) -> datetime | None:
    """Store.next_delivery."""
    return earliest(fetch(database, queries.NEXT_FREE_DELIVERY) + fetch(database, queries.NEXT_HELD_DELIVERY))
