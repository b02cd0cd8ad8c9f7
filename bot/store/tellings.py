"""What Slack has yet to be told: each function is the body of one transaction, on the thread that owns the connection.

A card is stale when an event (or a change of state) happened after the version that it shows. Other writes to a launch, such
as a new due time or a taken lease, raise its version too and must not cost a call to Slack: so the card keeps the version of
the last event (``wanted_version``) and is compared with that one.

A card whose post was not answered is lost: never posted again, told as far as that post would have shown, and due only while
its launch is final, for the requester to be told directly. The statements in queries.py keep to this: ``due_at`` is set for a
lost card exactly while it is final and not given up.
"""

from __future__ import annotations

from datetime import datetime

from sqlite_utils import Database

from bot.domain.errors import UnreadableRowError
from bot.domain.model import Event, Launch
from bot.ports import Line, Telling
from bot.store import queries
from bot.store.aside import Setting, leased
from bot.store.launches import events
from bot.store.rows import Row, earliest, launch_from, storable, time_or_none, time_text
from bot.store.sqlite_lane import change, fetch


def lease_tellings(database: Database, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Telling]:
    """Store.lease_tellings."""
    moment = {"now": time_text(now), "until": time_text(until)}
    rows: list[Row] = []
    for is_final in (True, False):
        free = limit - len(rows)
        cards = fetch(database, queries.LEASE_CARDS, is_final=is_final, holder=holder, limit=free, **moment)
        rows += sorted(cards, key=lambda row: (row["due_at"], row["launch_id"]))  # RETURNING keeps no order
    setting = Setting(sql=queries.SET_ASIDE_CARD, key="launch_id", at=moment["now"])
    return leased(database, rows, lambda row: _telling(database, row), setting)


def card_told(database: Database, launch_id: str, *, ts: str, version: int) -> None:
    """Store.card_told."""
    change(database, queries.TELL_CARD, launch_id=launch_id, ts=ts, version=version)
    change(database, queries.SETTLE_CARD, launch_id=launch_id, is_told=True)


def card_lost(database: Database, launch_id: str, *, version: int, holder: str | None) -> bool:
    """Store.card_lost."""
    return change(database, queries.LOSE_CARD, launch_id=launch_id, version=version, holder=holder) > 0


def has_telling(database: Database, launch_id: str, holder: str) -> bool:
    """Store.has_telling."""
    return bool(fetch(database, queries.HELD_CARD, launch_id=launch_id, holder=holder))


def card_not_posted(database: Database, launch_id: str) -> None:
    """Store.card_not_posted."""
    change(database, queries.RESTORE_CARD, launch_id=launch_id)


def line_not_posted(database: Database, line_id: int) -> None:
    """Store.line_not_posted."""
    change(database, queries.RESTORE_LINE, line_id=line_id)


def card_found(database: Database, launch_id: str, ts: str) -> None:
    """Store.card_found."""
    change(database, queries.FIND_CARD, launch_id=storable(launch_id), ts=storable(ts))


def line_told(database: Database, line_id: int, *, ts: str, at: datetime) -> None:
    """Store.line_told."""
    for row in fetch(database, queries.TELL_LINE, line_id=line_id, ts=ts, at=time_text(at)):
        change(database, queries.SETTLE_CARD, launch_id=row["launch_id"], is_told=True)


def line_skipped(database: Database, line_id: int, at: datetime) -> bool:
    """Store.line_skipped."""
    skipped = fetch(database, queries.SKIP_LINE, line_id=line_id, at=time_text(at))
    for row in skipped:
        change(database, queries.SETTLE_CARD, launch_id=row["launch_id"], is_told=False)
    return bool(skipped)


def telling_done(database: Database, launch_id: str, holder: str) -> None:
    """Store.telling_done."""
    change(database, queries.RELEASE_CARD, launch_id=launch_id, holder=holder)


def telling_failed(database: Database, launch_id: str, *, retry_at: datetime | None, error: str, holder: str | None) -> None:
    """Store.telling_failed."""
    values = {"retry_at": time_or_none(retry_at), "error": storable(error), "holder": holder}
    change(database, queries.FAIL_CARD, launch_id=launch_id, **values)


def next_telling(database: Database) -> datetime | None:
    """Store.next_telling."""
    free = [row for is_final in (True, False) for row in fetch(database, queries.NEXT_FREE_CARD, is_final=is_final)]
    return earliest(free + fetch(database, queries.NEXT_HELD_CARD))


def _telling(database: Database, card: Row) -> Telling:
    launch = _launch(database, card["launch_id"])
    told = events(database, launch.launch_id)
    return Telling(
        launch=launch,
        events=told,
        card_ts=card["ts"],
        told_version=card["told_version"],
        is_card_stale=card["told_version"] < card["wanted_version"],
        is_card_lost=bool(card["is_lost"]),
        lines=_lines(database, launch, told),
        attempts=card["attempts"],
    )


def _launch(database: Database, launch_id: str) -> Launch:
    """The launch of a card. A foreign key says that it is there, but not to whoever removes rows by hand."""
    for row in fetch(database, queries.LAUNCH, launch_id=launch_id):
        return launch_from(row)
    raise UnreadableRowError("launches", launch_id, "missing")


def _lines(database: Database, launch: Launch, told: tuple[Event, ...]) -> tuple[Line, ...]:
    by_seq = {event.seq: event for event in told}
    untold = fetch(database, queries.UNTOLD_LINES, launch_id=launch.launch_id)
    if not by_seq.keys() >= {row["event_seq"] for row in untold}:
        raise UnreadableRowError("events", launch.launch_id, "missing")
    return tuple(Line(line_id=row["id"], event=by_seq[row["event_seq"]]) for row in untold)
