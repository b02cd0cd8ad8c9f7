"""Due launches by connection, and how long runs took: each function is the body of one transaction (steps.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.model import Launch
from bot.domain.pacing import remembered
from bot.store import queries, tracking_queries
from bot.store.aside import Setting, at_once, leased
from bot.store.rows import Row, earliest, launch_from, storable, time_or_none, time_text
from bot.store.steps import Steps, change, fetch


@dataclass(frozen=True, kw_only=True)
class Claim:
    """How ``lease`` claims: its arguments, as the port has them."""

    is_tracked: bool
    now: datetime
    until: datetime
    before: datetime
    holder: str
    limit: int


def next_by_connection(*, is_tracked: bool, now: datetime) -> Steps[dict[str, datetime]]:
    """Store.next_by_connection. One look-up each: no plan of all of them at once is without a scan, and they are few."""
    free = tracking_queries.NEXT_FREE_TRACKED if is_tracked else tracking_queries.NEXT_FREE_ACT
    found: dict[str, datetime] = {}
    rows = yield from fetch(free, after="")
    while rows:
        connection = rows[0]["connection"]
        if (at := earliest(rows)) is not None:
            found[connection] = at
        rows = yield from fetch(free, after=connection)
    for row in (yield from _lapsing(is_tracked=is_tracked, now=time_text(now))):
        at = earliest([{"at": max(row["due_at"], row["leased_until"])}])
        known = found.get(row["connection"])
        if at is not None:
            found[row["connection"]] = at if known is None else min(at, known)
    return found


def _lapsing(*, is_tracked: bool, now: str) -> Steps[list[Row]]:
    """The launches whose leases have lapsed, and the next one whose lease will. One look-up while none has, as nearly always."""
    lapsing = tracking_queries.NEXT_LAPSING_TRACKED if is_tracked else tracking_queries.NEXT_LAPSING_ACT
    rows = yield from fetch(lapsing, after="")
    if not rows or rows[0]["leased_until"] > now:
        return rows
    lapsed = yield from fetch(tracking_queries.LAPSED_TRACKED if is_tracked else tracking_queries.LAPSED_ACTS, now=now)
    return [*lapsed, *(yield from fetch(lapsing, after=now))]


def lease(connection: str, claim: Claim) -> Steps[list[Launch]]:
    """Store.lease_of."""
    sql = tracking_queries.LEASE_TRACKED if claim.is_tracked else tracking_queries.LEASE_ACTS
    times = {"now": time_text(claim.now), "until": time_text(claim.until), "before": time_text(claim.before)}
    rows = yield from fetch(sql, connection=connection, holder=claim.holder, limit=claim.limit, **times)
    rows.sort(key=lambda row: (row["due_at"], row["launch_id"]))  # RETURNING keeps no order
    setting = Setting(sql=queries.SET_ASIDE_LAUNCH, key="launch_id", at=times["now"])
    return (yield from leased(rows, at_once(launch_from), setting))


def postpone(launches: Sequence[Launch], holder: str) -> Steps[None]:
    """Store.postpone. In one order, so that two who write many rows at once do not wait for each other."""
    for launch in sorted(launches, key=lambda each: each.launch_id):
        named = {"launch_id": storable(launch.launch_id), "holder": holder}
        counted = {"version": launch.version, "looks": launch.looks, "misses": launch.misses}
        if not (yield from change(tracking_queries.POSTPONE, due_at=time_or_none(launch.due_at), **counted, **named)):
            yield from change(queries.RELEASE_LAUNCH, **named)


def durations(connection: str, workflow_id: str) -> Steps[tuple[float, ...]]:
    """Store.durations. A row that cannot be read tells nothing, and is written anew by the next run that ends."""
    rows = yield from fetch(tracking_queries.DURATIONS, connection=connection, workflow_id=storable(workflow_id))
    return _durations_from(rows[0]["took"]) if rows else ()


def keep_duration(launch: Launch, took_s: float) -> Steps[None]:
    """One more run of the workflow is over. Of two that end at once, one may go unnoticed: that is no loss."""
    named = {"connection": launch.connection, "workflow_id": storable(launch.workflow_id)}
    known = yield from durations(launch.connection, launch.workflow_id)
    took = " ".join(f"{each_s:.3f}" for each_s in remembered(known, took_s))
    yield from change(tracking_queries.KEEP_DURATIONS, took=took, **named)


def _durations_from(text: str) -> tuple[float, ...]:
    try:
        return tuple(map(float, text.split()))
    except ValueError:
        return ()
