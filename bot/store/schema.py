"""Brings the tables up to date: ordered and named migrations; each is applied once, and recorded in the same transaction.

sqlite-utils runs and records them; what they are stands in ``migrations``.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlite_utils import Database, Migrations

from bot.domain.errors import SettingsError
from bot.store.migrations import MIGRATIONS, Migration

__all__ = ["MIGRATIONS", "Migration", "apply", "pending", "refuse_newer"]


class _Record(Migrations):
    """sqlite-utils' own runner, with its record in a table that is called what it is."""

    migrations_table = "migrations"


def pending(database: Database, place: str, migrations: tuple[Migration, ...] = MIGRATIONS) -> list[str]:
    """The names that are not applied yet, in order. ``place`` is what an error calls the database.

    Raises:
        SettingsError: the file belongs to another program, or a newer bot has changed it.
    """
    _refuse_foreign(database, place)
    record = _record(migrations)
    refuse_newer({applied.name for applied in record.applied(database)}, place, migrations)
    return [migration.name for migration in record.pending(database)]


def apply(database: Database, place: str, migrations: tuple[Migration, ...] = MIGRATIONS) -> list[str]:
    """Bring the schema up to date; the names that were applied now.

    To be called inside a transaction that holds the write lock: of two bots that start together, one migrates and one waits.

    Raises:
        SettingsError: as ``pending``; then nothing is changed.
    """
    names = pending(database, place, migrations)
    if names:
        _record(migrations).apply(database)
    return names


def _record(migrations: tuple[Migration, ...]) -> Migrations:
    record = _Record("gonogo")
    for migration in migrations:
        record(name=migration.name)(_script(migration.sqlite))
    return record


def _script(sql: str) -> Callable[[Database], None]:
    def run(database: Database, /) -> None:
        database.executescript(sql)

    return run


def _refuse_foreign(database: Database, place: str) -> None:
    tables = database.table_names()
    if tables and _Record.migrations_table not in tables:
        raise SettingsError([f"the database {place} is another program's: it holds the table {tables[0]!r} and none of ours"])


def refuse_newer(applied: set[str], place: str, migrations: tuple[Migration, ...]) -> None:
    """What a newer bot has changed, this one would misread.

    Raises:
        SettingsError: with the migrations that are not ours.
    """
    unknown = sorted(applied - {migration.name for migration in migrations})
    if unknown:
        names = ", ".join(unknown)
        cure = "start that version, or restore a backup made before it"
        raise SettingsError([f"the database {place} was changed by a newer Gonogo ({names}): {cure}"])
