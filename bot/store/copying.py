"""A history moved from SQLite to Postgres: the source as it stands at one moment, all or nothing, compared row by row.

Everything happens in one transaction of the target, which no reader sees before every row was read back and found equal. So a
copy that breaks off, or differs, has left nothing. The source may be in use: its writers and readers go on meanwhile, and what they
write after the copy began is not in it.

What Postgres cannot keep (NUL, and bytes that are no UTF-8, in a text) becomes U+FFFD, as it would have on Postgres from the
beginning; such values are counted.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import sql

from bot.domain.errors import SettingsError, StoreUnavailableError
from bot.store.postgres_dialect import value_of
from bot.store.postgres_errors import our_error
from bot.store.postgres_opening import Connection
from bot.store.postgres_pool import PostgresPool
from bot.store.sqlite_file import text_of

TABLES: Final = {
    "launches": ("launch_id",),
    "deliveries": ("key",),
    "events": ("launch_id", "seq"),
    "outbox": ("id",),
    "cards": ("launch_id",),
    "set_aside": ("id",),
    "decisions": ("seq",),
    "holdings": ("connection", "scope", "workflow_id"),
    "identities": ("connection",),
    "first_names": ("connection", "workflow_id"),
    "homes": ("user_id",),
    "home_call": ("id",),
    "durations": ("connection", "workflow_id"),
    "successes": ("connection", "workflow_id", "updated_at", "launch_id"),
    "replicas": ("holder",),
    "pauses": ("name",),
    "notices": ("name",),
}
"""Every table with its key, each after those that it refers to."""
_NUMBERED: Final = {"outbox": "id", "set_aside": "id", "decisions": "seq"}
_FILLED_BY_MIGRATIONS: Final = frozenset({"home_call"})
_AT_ONCE: Final = 500
_MOST_OUT_OF_ORDER: Final = 10_000
"""Rows at once that have another place on the other side; beyond them it is no longer their order that differs."""

Values: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What was copied of one table, and found equal. ``changed``: values that Postgres cannot keep as they were."""

    table: str
    rows: int
    changed: int


async def copy(source: Path, target: str) -> list[Copied]:
    """Copy every table of the file ``source`` to the empty, migrated database at ``target``; both are up to date.

    Raises:
        SettingsError: the target is not empty, or a row differs after the copy: nothing is kept.
        StoreUnavailableError: either cannot be used just now: nothing is kept.
    """
    pool = PostgresPool(target)
    connection = await pool.connect()
    try:
        with _snapshot(source) as origin:
            async with connection.transaction():
                await connection.execute("SET LOCAL statement_timeout TO '1h'")
                return await _Copy(origin, connection, pool.place).all_tables()
    except psycopg.IntegrityError as exc:
        raise SettingsError(
            [f"the database {source} cannot be copied: {exc.diag.message_primary} ({exc.diag.table_name})"]
        ) from exc
    except psycopg.Error as exc:
        raise our_error(exc, pool.place, is_opening=True) from exc
    except sqlite3.Error as exc:
        raise StoreUnavailableError(str(source), str(exc)) from exc
    finally:
        await connection.close()


class _Copy:
    """One copy under way."""

    def __init__(self, origin: sqlite3.Connection, connection: Connection, place: str) -> None:
        self._origin = origin
        self._connection = connection
        self._place = place

    async def all_tables(self) -> list[Copied]:
        """Copy and compare each table."""
        await self._refuse_used()
        copied = [await self._table(table, key) for table, key in TABLES.items()]
        for table, column in _NUMBERED.items():
            await self._go_on_numbering(table, column)
        return copied

    async def _refuse_used(self) -> None:
        """Lock out whoever else might begin to write, then look."""
        names = sql.SQL(", ").join(map(sql.Identifier, TABLES))
        await self._connection.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(names))
        for table in TABLES.keys() - _FILLED_BY_MIGRATIONS:
            found = await self._connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table)))
            if await found.fetchone():
                cure = "copy into a new database"
                raise SettingsError([f"the database {self._place} is not empty (it has rows in {table}): {cure}"])

    async def _table(self, table: str, key: Sequence[str]) -> Copied:
        columns = [row[1] for row in self._origin.execute(f"PRAGMA table_info({table})")]
        source = _Source(self._origin, table, columns, key)
        if table in _FILLED_BY_MIGRATIONS:
            await self._connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        await self._write(table, columns, source)
        return Copied(table=table, rows=await self._compare(table, columns, key, source), changed=source.changed)

    async def _write(self, table: str, columns: Sequence[str], source: _Source) -> None:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
        async with self._connection.cursor() as cursor, cursor.copy(into) as copying:
            for row in source.rows():
                await copying.write_row(row)

    async def _compare(self, table: str, columns: Sequence[str], key: Sequence[str], source: _Source) -> int:
        names, order = (sql.SQL(", ").join(map(sql.Identifier, listed)) for listed in (columns, key))
        query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(names, sql.Identifier(table), order)
        count = 0
        comparison = _Comparison()
        expected = source.rows(is_counting=False)
        async with self._connection.cursor(f"copied_{table}") as cursor:
            await cursor.execute(query)
            async for found in cursor:
                count += 1
                comparison.of(next(expected, None), tuple(found.values()))
                self._refuse_other(table, comparison, _MOST_OUT_OF_ORDER)
        for missing in expected:
            comparison.of(missing, None)
            self._refuse_other(table, comparison, _MOST_OUT_OF_ORDER)
        self._refuse_other(table, comparison, 0)
        return count

    def _refuse_other(self, table: str, comparison: _Comparison, most: int) -> None:
        """Compared with what the file says, not with what was sent."""
        if len(comparison.unmatched) > most:
            named = next(iter(comparison.unmatched))[0]
            raise SettingsError([f"the copy to {self._place} differs in {table} at {named}: nothing was kept; try again"])

    async def _go_on_numbering(self, table: str, column: str) -> None:
        highest = sql.SQL("(SELECT max({}) FROM {})").format(sql.Identifier(column), sql.Identifier(table))
        counter = sql.SQL("pg_get_serial_sequence({}, {})").format(sql.Literal(table), sql.Literal(column))
        await self._connection.execute(
            sql.SQL("SELECT setval({counter}, coalesce({highest}, 1), {highest} IS NOT NULL)").format(
                counter=counter, highest=highest
            )
        )


class _Comparison:
    """Rows of both sides, side by side. ``unmatched``: those of which one side had more so far.

    Why not in order alone: both sides are in that of their keys, but a key that cannot stay as it was may come elsewhere in Postgres.
    """

    def __init__(self) -> None:
        self.unmatched: Counter[Values] = Counter()

    def of(self, expected: Values | None, found: Values | None) -> None:
        """The next row of each side; None where it has no more."""
        if expected != found:
            self._count(expected, 1)
            self._count(found, -1)

    def _count(self, row: Values | None, more: int) -> None:
        if row is not None:
            self.unmatched[row] += more
            if not self.unmatched[row]:
                del self.unmatched[row]


class _Source:
    """One table of the file, in the order of its key; ``changed`` counts the values that could not stay as they were."""

    def __init__(self, origin: sqlite3.Connection, table: str, columns: Sequence[str], key: Sequence[str]) -> None:
        self._origin = origin
        self._query = f"SELECT {', '.join(columns)} FROM {table} ORDER BY {', '.join(key)}"  # noqa: S608 - our own names
        self.changed = 0

    def rows(self, *, is_counting: bool = True) -> Iterator[Values]:
        """Its rows, as Postgres keeps them."""
        cursor = self._origin.execute(self._query)
        while some := cursor.fetchmany(_AT_ONCE):
            for row in some:
                kept = tuple(map(value_of, row))
                self.changed += sum(a != b for a, b in zip(row, kept, strict=True)) if is_counting else 0
                yield kept


@contextmanager
def _snapshot(source: Path) -> Generator[sqlite3.Connection]:
    """The file as it stands now, for as long as this lasts; it is not changed."""
    with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as origin:
        origin.text_factory = text_of
        origin.execute("BEGIN")
        yield origin
