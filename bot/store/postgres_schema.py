"""Brings a Postgres database's tables up to date: the migrations of ``migrations``, by the same names as on SQLite.

All that is pending is applied in one transaction, under a lock that all replicas know: of two that start together, one migrates
and one waits, then finds nothing to do.
"""

from __future__ import annotations

from typing import Final

from bot.domain.errors import SettingsError
from bot.store.migrations import Migration
from bot.store.postgres_dialect import script
from bot.store.postgres_opening import Connection
from bot.store.schema import refuse_newer

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('gonogo migrations', 0))"
_TABLES: Final = "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1"
_RECORD: Final = """
CREATE TABLE migrations (name TEXT COLLATE "C" NOT NULL PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp())
"""
_NAMES: Final = "SELECT name FROM migrations ORDER BY name"
_KEEP: Final = "INSERT INTO migrations (name) VALUES (%(name)s)"


async def pending(connection: Connection, place: str, migrations: tuple[Migration, ...]) -> list[str]:
    """The names that are not applied yet, in order.

    Raises:
        SettingsError: the tables are another program's, or a newer bot has changed them.
    """
    tables = await _names(connection, _TABLES)
    if tables and "migrations" not in tables:
        cure = "give Gonogo a database of its own"
        raise SettingsError([f"the database {place} is another program's: it holds the table {tables[0]!r}: {cure}"])
    applied = set(await _names(connection, _NAMES)) if tables else set[str]()
    refuse_newer(applied, place, migrations)
    return [migration.name for migration in migrations if migration.name not in applied]


async def apply(connection: Connection, place: str, migrations: tuple[Migration, ...]) -> list[str]:
    """Bring the schema up to date; the names that were applied now. Raises as ``pending``; then nothing is changed."""
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout TO '5min'")
        await connection.execute("SET LOCAL statement_timeout TO '30min'")  # a new index on a long history takes its time
        await connection.execute(_LOCK)
        names = await pending(connection, place, migrations)
        if names and not await _names(connection, _TABLES):
            await connection.execute(_RECORD)
        for migration in migrations:
            if migration.name in names:
                await connection.execute(script(migration).encode())
                await connection.execute(_KEEP, {"name": migration.name})
    return names


async def _names(connection: Connection, sql: str) -> list[str]:
    return [row["name"] for row in await (await connection.execute(sql.encode())).fetchall()]
