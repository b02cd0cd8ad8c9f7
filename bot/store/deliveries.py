"""What Slack delivered, and who works on it: each function is the body of one transaction (steps.py)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.domain.model import Delivery
from bot.store import queries
from bot.store.aside import Setting, at_once, leased
from bot.store.rows import delivery_from, delivery_row, earliest, storable, time_text
from bot.store.steps import Steps, change, fetch


def record(delivery: Delivery, *, holder: str, until: datetime | None, is_again: bool = False) -> Steps[bool]:
    """Store.record_delivery. ``is_again``: this very call may have kept it before, without hearing of it."""
    lease = {"holder": None, "until": None} if until is None else {"holder": holder, "until": time_text(until)}
    sql = queries.RECORD_DELIVERY_AGAIN if is_again else queries.RECORD_DELIVERY
    return (yield from change(sql, **delivery_row(delivery), **lease)) == 1


def by_key(key: str) -> Steps[Delivery | None]:
    """Store.delivery."""
    return next(map(delivery_from, (yield from fetch(queries.DELIVERY, key=storable(key)))), None)


def finish(key: str, at: datetime) -> Steps[None]:
    """Store.finish_delivery."""
    yield from change(queries.FINISH_DELIVERY, key=storable(key), at=time_text(at))


def disown(refused: Iterable[tuple[Delivery, str]]) -> Steps[None]:
    """What its holder refused, and may have kept without hearing of it, is nobody's work. An event is anybody's: Slack brings it again."""
    for delivery, holder in refused:
        sql = queries.GIVE_BACK_DELIVERY if delivery.kind == "event" else queries.DISOWN_DELIVERY
        yield from change(sql, key=storable(delivery.key), holder=holder, received_at=time_text(delivery.received_at))


def lease(*, now: datetime, until: datetime, holder: str, limit: int) -> Steps[list[Delivery]]:
    """Store.lease_deliveries."""
    moment = {"now": time_text(now), "until": time_text(until)}
    rows = yield from fetch(queries.LEASE_DELIVERIES, holder=holder, limit=limit, **moment)
    rows.sort(key=lambda row: (row["received_at"], row["key"]))  # RETURNING keeps no order
    setting = Setting(sql=queries.SET_ASIDE_DELIVERY, key="key", at=time_text(now))
    return (yield from leased(rows, at_once(delivery_from), setting))


def next_due() -> Steps[datetime | None]:
    """Store.next_delivery."""
    free = yield from fetch(queries.NEXT_FREE_DELIVERY)
    return earliest(free + (yield from fetch(queries.NEXT_HELD_DELIVERY)))
