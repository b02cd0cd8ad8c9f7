"""The Store on Postgres, for several replicas on one database: psycopg 3, async, pooled. How statements differ: postgres_dialect.py."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from bot.domain.errors import SettingsError
from bot.store import postgres_schema
from bot.store.migrations import MIGRATIONS, Migration
from bot.store.postgres_errors import our_error
from bot.store.postgres_news import News
from bot.store.postgres_opening import Connection
from bot.store.postgres_pool import MOST_CONNECTIONS, PostgresPool
from bot.store.sql_store import SqlStore
from bot.store.steps import Work, fetch

T = TypeVar("T")


class PostgresStore(SqlStore):
    """Durable memory in the database at ``url``. Building it touches nothing; call ``migrate`` before use.

    ``async with`` closes it at the end. ``most_connections``: how many it opens, beside one that listens.
    """

    def __init__(
        self, url: str, *, migrations: tuple[Migration, ...] = MIGRATIONS, most_connections: int = MOST_CONNECTIONS
    ) -> None:
        self._pool = PostgresPool(url, most_connections=most_connections)
        self._migrations = migrations
        self._news = News(self._pool)
        super().__init__(self._pool.place)

    async def migrate(self) -> list[str]:
        """Bring the schema up to date; the names of the migrations that were applied now.

        Raises:
            SettingsError: the database cannot be used, belongs to another program, or a newer Gonogo has changed it.
            StoreUnavailableError: it cannot be used just now.
        """
        return await self._opened(lambda connection: postgres_schema.apply(connection, self.place, self._migrations))

    async def pending_migrations(self) -> list[str]:
        """The migrations that ``migrate`` would apply. Raises as ``migrate``."""
        return await self._opened(lambda connection: postgres_schema.pending(connection, self.place, self._migrations))

    async def backup(self, target: Path) -> None:
        """Refused: Postgres' own program does it better.

        Raises:
            SettingsError: always, with what to do instead.
        """
        cure = f"run pg_dump --format=custom --file={target} with the same address"
        raise SettingsError([f"the database {self.place} is copied by Postgres' own program: {cure}"])

    async def close(self) -> None:
        """Let go of every connection; a second time does nothing."""
        await self._news.close()
        await self._disown_at_last()
        await self._pool.close()

    def on_news(self, ring: Callable[[], None]) -> None:
        """Call ``ring`` when another replica has written due work."""
        self._news.hear(ring)

    async def time(self) -> datetime | None:
        """The database's own clock."""
        return (await self._pool.read(lambda: fetch("SELECT clock_timestamp() AS at")))[0]["at"]

    async def _opened(self, look: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        connection = await self._pool.connect()
        try:
            return await look(connection)
        except psycopg.Error as exc:
            raise our_error(exc, self.place, is_opening=True) from None
        finally:
            await connection.close()

    async def _read(self, work: Work[T], *, is_long: bool = False) -> T:
        del is_long  # the loop waits for no answer
        return await self._pool.read(work)

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
        del is_flushed, is_long  # every commit is, and the loop waits for no answer
        answer = await self._pool.write(work, is_one_step=is_one_step, may_repeat=may_repeat, is_urgent=is_urgent)
        if is_news:
            self._news.tell()
        return answer
