"""Rows that cannot be read: left out of a list, or, where they were to be leased, set aside, so that the rest goes on.

Why durably, and not by the log alone: a row that stays due would take a place at every look, for ever, and nobody would know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from bot.domain.errors import UnreadableRowError
from bot.ports import Note
from bot.store import queries
from bot.store.rows import Row
from bot.store.steps import Steps, change, fetch

T = TypeVar("T")

_WHAT = {"launches": "launch", "events": "events of launch", "deliveries": "delivery", "homes": "App Home of"}

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How one kind of row is set aside: the statement, and the column that names the row. ``at`` is now, as rows hold it."""

    sql: str
    key: str
    at: str


def readable(rows: Iterable[Row], read: Callable[[Row], T]) -> list[T]:
    """What these rows hold; one that cannot be read is named in the log and left out, and the rest goes on."""
    values: list[T] = []
    for row in rows:
        try:
            values.append(read(row))
        except UnreadableRowError as exc:
            _name(exc)
    return values


def leased(rows: Iterable[Row], read: Callable[[Row], Steps[T]], setting: Setting) -> Steps[list[T]]:
    """What these rows hold; one that cannot be read is set aside in the same transaction, and noted."""
    values: list[T] = []
    for row in rows:
        try:
            values.append((yield from read(row)))
        except UnreadableRowError as exc:
            _name(exc)
            yield from _set_aside(row[setting.key], exc, setting)
    return values


def at_once(read: Callable[[Row], T]) -> Callable[[Row], Steps[T]]:
    """``read``, which needs nothing but the row, as ``leased`` calls it."""

    def steps(row: Row) -> Steps[T]:
        yield from ()
        return read(row)

    return steps


def notes() -> Steps[list[Note]]:
    """Store.set_aside."""
    rows = sorted((yield from fetch(queries.UNTOLD_NOTES)), key=lambda row: row["id"])
    return [Note(note_id=row["id"], text=f"{row['what']} {row['row_id']}: cannot be read ({row['cause']})") for row in rows]


def notes_told(note_ids: Sequence[int]) -> Steps[None]:
    """Store.set_aside_told. In one order, so that two who mark the same never wait for each other."""
    for note_id in sorted(note_ids):
        yield from change(queries.TELL_NOTE, note_id=note_id)


def _set_aside(key: str, exc: UnreadableRowError, setting: Setting) -> Steps[None]:
    yield from change(setting.sql, row_id=key.encode("utf-8", "surrogateescape"), at=setting.at)
    yield from change(queries.NOTE_SET_ASIDE, what=_WHAT[exc.table], row_id=exc.row_id, cause=exc.cause, at=setting.at)


def _name(exc: UnreadableRowError) -> None:
    _log.error("row_unreadable", table=exc.table, row_id=exc.row_id, cause=exc.cause)
