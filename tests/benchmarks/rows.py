"""Makes histories: the rows of one real launch, as often as wanted.

Why by copying: a launch that our own bot has carried out has exactly the rows that production has, whatever the schema is by then; a
million of them by commands would take hours. Ids, tags and times differ from copy to copy, and everything else is the same.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from tests.benchmarks.contestants import OURS, Setup, running
from tests.benchmarks.world import CONNECTIONS, NEVER, World

TABLES = ("launches", "deliveries", "events", "outbox", "cards", "decisions")
"""Those that have rows for each launch, the referred-to ones first."""
TEMPLATE, FINISHED_FROM, OPEN_FROM = 999_999, 10_000_000, 20_000_000
FINISHED_EVERY_S = 30
SETTLES_WITHIN_S = 20.0
UNSETTLED = """
SELECT (SELECT count(*) FROM cards WHERE due_at IS NOT NULL OR lease_holder IS NOT NULL)
    + (SELECT count(*) FROM launches WHERE state <> :state OR lease_holder IS NOT NULL)
"""
"""A card may be told before the start was answered: it is at rest then, and is not for long."""


async def one_launch(folder: Path, *, is_open: bool) -> Path:
    """A database with one launch that was carried out: ``is_open``, as far as that its run is at work."""
    async with World(itertools.count(TEMPLATE)) as world:
        world.run_s = NEVER if is_open else 0.0
        setup = Setup(folder=folder, poll_every_s=0.1)
        async with running(OURS, world, setup):
            await world.command()
            await world.until(lambda: _is_settled(setup.database, world, is_open=is_open), SETTLES_WITHIN_S)
    return setup.database


def _is_settled(database: Path, world: World, *, is_open: bool) -> bool:
    if not (world.notes.carded if is_open else world.notes.shown):
        return False
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(UNSETTLED, {"state": "running" if is_open else "succeeded"}).fetchone()[0] == 0


async def finished(count: int, folder: Path) -> Path:
    """A database with so many finished launches; kept in the machine's temporary folder, as a million takes a minute to make."""
    template = await one_launch(folder / "one", is_open=False)
    kept = Path(tempfile.gettempdir()) / "gonogo-benchmarks" / f"{count}-{_shape(template)}.db"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(".partial")
        shutil.copyfile(template, partial)
        multiply(partial, count, first=FINISHED_FROM)
        partial.rename(kept)
    return kept


async def with_open(count: int, folder: Path, *, due_over_s: float, due_from_s: float = 0.0) -> Path:
    """A database with so many running launches, due evenly over so many seconds from now on (negative: since then)."""
    database = await one_launch(folder, is_open=True)
    multiply(database, count, first=OPEN_FROM, every_s=0)
    due_again(database, due_over_s=due_over_s, due_from_s=due_from_s)
    return database


def due_again(database: Path, *, due_over_s: float, due_from_s: float = 0.0) -> None:
    """Running launches fall due evenly over so many seconds, the first ``due_from_s`` from now."""
    with closing(sqlite3.connect(database)) as connection, connection:
        count, before = connection.execute("SELECT count(*), min(rowid) - 1 FROM launches WHERE state = 'running'").fetchone()
        step = f"'+' || ({due_from_s} + (rowid - {before or 0}) * {due_over_s} / {max(count, 1)}) || ' seconds'"
        at = f"strftime('%Y-%m-%dT%H:%M:%f', 'now', replace({step}, '+-', '-')) || '000Z'"
        connection.execute(f"UPDATE launches SET due_at = {at} WHERE state = 'running'")  # noqa: S608 - our own numbers


def multiply(database: Path, count: int, *, first: int, every_s: int = FINISHED_EVERY_S) -> None:
    """Copy the one launch ``count`` times, ``every_s`` apart into the past, with tags from ``first`` on."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        launch_id, inputs = connection.execute("SELECT launch_id, inputs FROM launches").fetchone()
        named = {"id": launch_id, "tag": inputs.split('"')[3], "count": count, "first": first, "every": every_s}
        with connection:
            for table in TABLES:
                connection.execute(f"CREATE TEMP TABLE one AS SELECT * FROM main.{table}")  # noqa: S608 - our own tables
                connection.execute(_copying(connection, table), named)
                connection.execute("DROP TABLE one")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("ANALYZE")


def beside(opened: Path, kept: Path, target: Path) -> Path:
    """A copy of the ``kept`` history with the open launches of another database in it."""
    shutil.copyfile(kept, target)
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("ATTACH ? AS opened", (str(opened),))
        with connection:
            for table in TABLES:
                names = ", ".join(name for name, _ in _copied(connection, table))
                connection.execute(f"INSERT OR IGNORE INTO main.{table} ({names}) SELECT {names} FROM opened.{table}")  # noqa: S608 - our own
        connection.execute("ANALYZE")
    return target


def _copied(connection: sqlite3.Connection, table: str) -> list[tuple[str, str]]:
    """Columns and their types; without a key that the database counts itself."""
    columns = connection.execute(f"PRAGMA main.table_info({table})").fetchall()
    keys = [name for _, name, kind, _, _, place in columns if place and kind == "INTEGER"]
    is_counted = len(keys) == 1 and sum(bool(column[5]) for column in columns) == 1
    return [(name, kind) for _, name, kind, *_ in columns if not (is_counted and name in keys)]


def _copying(connection: sqlite3.Connection, table: str) -> str:
    copied = _copied(connection, table)
    names, values = ", ".join(name for name, _ in copied), ", ".join(_copy(name, kind) for name, kind in copied)
    numbers = "WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count)"
    return f"INSERT INTO main.{table} ({names}) {numbers} SELECT {values} FROM numbers CROSS JOIN one"  # noqa: S608 - as above


def _copy(name: str, kind: str) -> str:
    """One column of a copy: its own id and tag, and a time further back; bytes and numbers as they are."""
    if kind != "TEXT":
        return name
    if name == "connection":
        return f"'bench' || ((:first + n) % {CONNECTIONS})"
    if name == "at" or name.endswith("_at"):
        ago = "'-' || (60 + (:count - n) * :every) || ' seconds'"
        earlier = f"strftime('%Y-%m-%dT%H:%M:%S', substr({name}, 1, 19), {ago}) || substr({name}, 20)"
        return f"CASE WHEN {name} > '' THEN {earlier} ELSE {name} END"  # a line that was told has no time, but ''
    return f"replace(replace({name}, :id, printf('L-%08d', :first + n)), :tag, 'n' || (:first + n) || 'n')"


def _shape(database: Path) -> str:
    """What tells one schema from another."""
    with closing(sqlite3.connect(database)) as connection:
        told = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


def copy(kept: Path, target: Path) -> None:
    """A copy to work on, on the disk: else what is measured first would wait until the system has written it. The kept one stays."""
    shutil.copyfile(kept, target)
    with target.open("rb+") as file:
        os.fsync(file)
