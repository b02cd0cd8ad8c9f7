"""The Store on SQLite, through sqlite-utils: enough for one machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from bot.store import schema
from bot.store.schema import MIGRATIONS, Migration
from bot.store.sql_store import SqlStore
from bot.store.sqlite_file import BUSY_TIMEOUT_S, BeforeWrite, SqliteFile
from bot.store.sqlite_lane import carried_out
from bot.store.steps import Work

T = TypeVar("T")


class SqliteStore(SqlStore):
    """Durable memory in one file, or in memory where ``path`` is None. Building it touches nothing; call ``migrate`` before use.

    ``async with`` closes it at the end. ``busy_timeout_s``: how long to wait for another program that writes. ``before_write`` is
    called with the writer's connection before each transaction.
    """

    _may_lose_answers = False

    def __init__(
        self,
        path: Path | None,
        *,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        migrations: tuple[Migration, ...] = MIGRATIONS,
        before_write: BeforeWrite | None = None,
    ) -> None:
        self._file = SqliteFile(path, busy_timeout_s=busy_timeout_s, before_write=before_write)
        self._migrations = migrations
        super().__init__(self._file.place)

    async def migrate(self) -> list[str]:
        """Bring the schema up to date; the names of the migrations that were applied now.

        Raises:
            SettingsError: the file cannot be opened, belongs to another program, or a newer Gonogo has changed it.
            StoreUnavailableError: another program keeps it locked.
        """
        return await self._file.write(lambda database: schema.apply(database, self._file.place, self._migrations))

    async def pending_migrations(self) -> list[str]:
        """The migrations that ``migrate`` would apply. Raises as ``migrate``."""
        return await self._file.read(lambda database: schema.pending(database, self._file.place, self._migrations))

    async def backup(self, target: Path) -> None:
        """Copy the live database to a new file, as it stands at one moment.

        Raises:
            SettingsError: ``target`` exists or cannot be written, or there is no database yet.
            StoreUnavailableError: the copy broke off; no ``target`` is left.
        """
        await self._file.backup(target)

    async def close(self) -> None:
        """Finish what is under way, end both threads; a second time does nothing."""
        await self._file.close()

    def on_news(self, ring: Callable[[], None]) -> None:
        """Nobody else writes to a file whose work is for others: each bot finds its own due times."""

    async def time(self) -> datetime | None:
        """None: a file has no clock but this machine's."""
        return None

    async def _read(self, work: Work[T], *, is_long: bool = False) -> T:
        return await self._file.read(lambda database: carried_out(database, work()), is_brief=not is_long)

    async def _write(
        self,
        work: Work[T],
        *,
        is_flushed: bool = False,
        is_news: bool = False,
        is_one_step: bool = False,
        may_repeat: bool = False,
        is_urgent: bool = False,
        is_long: bool = False,
    ) -> T:
        del is_news, is_one_step, may_repeat, is_urgent  # nobody to tell, and no wire in between
        return await self._file.write(lambda database: carried_out(database, work()), is_flushed=is_flushed, is_brief=not is_long)
