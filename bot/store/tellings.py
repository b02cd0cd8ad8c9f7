"""What Slack has yet to be told: each function is the body of one transaction (steps.py).

A card is stale when an event (or a change of state) happened after the version that it shows. Other writes to a launch, such
as a new due time or a taken lease, raise its version too and must not cost a call to Slack: so the card keeps the version of
the last event (``wanted_version``) and is compared with that one.

A card whose post was not answered is lost: never posted again, told as far as that post would have shown, and due only while
its launch is final, for the requester to be told directly. The statements in queries.py keep to this: ``due_at`` is set for a
lost card exactly while it is final and not given up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.errors import UnreadableRowError
from bot.domain.model import Event, Launch
from bot.ports import Line, Telling
from bot.store import queries
from bot.store.aside import Setting, leased
from bot.store.launches import events
from bot.store.rows import Row, earliest, launch_from, storable, time_or_none, time_text
from bot.store.steps import Steps, alone, change, fetch


def lease_tellings(*, now: datetime, until: datetime, holder: str, limit: int) -> Steps[list[Telling]]:
    """Store.lease_tellings."""
    moment = {"now": time_text(now), "until": time_text(until)}
    rows: list[Row] = []
    for is_final in (True, False):
        free = limit - len(rows)
        cards = yield from fetch(queries.LEASE_CARDS, is_final=is_final, holder=holder, limit=free, **moment)
        rows += sorted(cards, key=lambda row: (row["due_at"], row["launch_id"]))  # RETURNING keeps no order
    setting = Setting(sql=queries.SET_ASIDE_CARD, key="launch_id", at=moment["now"])
    return (yield from leased(rows, _telling, setting))


def card_told(launch_id: str, *, ts: str, version: int, done_by: str | None) -> Steps[None]:
    """Store.card_told."""
    yield from alone("telling", launch_id)
    yield from change(queries.TELL_CARD, launch_id=launch_id, ts=ts, version=version)
    yield from change(queries.SETTLE_CARD, launch_id=launch_id, is_told=True)
    if done_by is not None:
        yield from telling_done(launch_id, done_by)


def card_lost(launch_id: str, *, version: int, holder: str | None) -> Steps[bool]:
    """Store.card_lost."""
    return (yield from change(queries.LOSE_CARD, launch_id=launch_id, version=version, holder=holder)) > 0


def has_telling(launch_id: str, holder: str, *, until: datetime | None) -> Steps[bool]:
    """Store.has_telling."""
    values = {"holder": holder, "until": time_or_none(until) or ""}
    return bool((yield from fetch(queries.HELD_CARD, launch_id=launch_id, **values)))


def card_not_posted(launch_id: str) -> Steps[None]:
    """Store.card_not_posted."""
    yield from change(queries.RESTORE_CARD, launch_id=launch_id)


def line_not_posted(line_id: int) -> Steps[None]:
    """Store.line_not_posted."""
    yield from change(queries.RESTORE_LINE, line_id=line_id)


def card_found(launch_id: str, ts: str) -> Steps[None]:
    """Store.card_found."""
    yield from change(queries.FIND_CARD, launch_id=storable(launch_id), ts=storable(ts))


def lines_told(launch_id: str, line_ids: Sequence[int], *, ts: str, at: datetime, done_by: str | None) -> Steps[None]:
    """Store.lines_told."""
    del at  # ts is a time already, as Slack has it
    told = 0
    for line_id in sorted(line_ids):  # in one order, so that two who write several do not wait for each other
        told += yield from change(queries.TELL_LINE, launch_id=launch_id, line_id=line_id, ts=ts)
    if told:
        yield from _settle(launch_id, is_told=True)
    if done_by is not None:
        yield from telling_done(launch_id, done_by)


def line_skipped(line_id: int, at: datetime, *, holder: str | None, until: datetime | None) -> Steps[bool]:
    """Store.line_skipped."""
    held = {"holder": holder, "until": time_or_none(until) or ""}
    skipped = yield from fetch(queries.SKIP_LINE, line_id=line_id, at=time_text(at), **held)
    for row in skipped:
        yield from _settle(row["launch_id"], is_told=False)
    return bool(skipped)


def telling_done(launch_id: str, holder: str) -> Steps[None]:
    """Store.telling_done."""
    yield from change(queries.RELEASE_CARD, launch_id=launch_id, holder=holder)


def telling_failed(launch_id: str, *, retry_at: datetime | None, error: str, holder: str | None) -> Steps[None]:
    """Store.telling_failed."""
    values = {"retry_at": time_or_none(retry_at), "error": storable(error), "holder": holder}
    yield from change(queries.FAIL_CARD, launch_id=launch_id, **values)


def next_telling() -> Steps[datetime | None]:
    """Store.next_telling."""
    rows: list[Row] = []
    for is_final in (True, False):
        rows += yield from fetch(queries.NEXT_FREE_CARD, is_final=is_final)
    return earliest(rows + (yield from fetch(queries.NEXT_HELD_CARD)))


def _settle(launch_id: str, *, is_told: bool) -> Steps[None]:
    """Of two who tell one launch's last lines at once, the second sees what the first told, and nothing stays due."""
    yield from alone("telling", launch_id)
    yield from change(queries.SETTLE_CARD, launch_id=launch_id, is_told=is_told)


def _telling(card: Row) -> Steps[Telling]:
    launch = yield from _launch(card["launch_id"])
    told = yield from events(launch.launch_id)
    return Telling(
        launch=launch,
        events=told,
        card_ts=card["ts"],
        told_version=card["told_version"],
        is_card_stale=card["told_version"] < card["wanted_version"],
        is_card_lost=bool(card["is_lost"]),
        lines=(yield from _lines(launch, told)),
        attempts=card["attempts"],
    )


def _launch(launch_id: str) -> Steps[Launch]:
    """The launch of a card. A foreign key says that it is there, but not to whoever removes rows by hand."""
    for row in (yield from fetch(queries.LAUNCH, launch_id=launch_id)):
        return launch_from(row)
    raise UnreadableRowError("launches", launch_id, "missing")


def _lines(launch: Launch, told: tuple[Event, ...]) -> Steps[tuple[Line, ...]]:
    by_seq = {event.seq: event for event in told}
    untold = yield from fetch(queries.UNTOLD_LINES, launch_id=launch.launch_id)
    if not by_seq.keys() >= {row["event_seq"] for row in untold}:
        raise UnreadableRowError("events", launch.launch_id, "missing")
    return tuple(Line(line_id=row["id"], event=by_seq[row["event_seq"]]) for row in untold)
