"""Who writes due work tells the other replicas, so that they look at once and not at their next turn.

Why a message of its own, and not one within each transaction: Postgres lets only one transaction with a NOTIFY commit at a time.
And so that a burst is one message: at most one every tenth of a second. A replica that dies before it told anybody costs the
others a few seconds, since each looks now and then by itself.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import psycopg
import structlog

from bot.domain.errors import BotError
from bot.store.postgres_errors import our_error
from bot.store.postgres_pool import PostgresPool
from bot.store.steps import Steps, fetch
from bot.tasks import end

TOLD_EVERY_S: Final = 0.1
_TRIED_AGAIN_AFTER_S: Final = 2.0
_CHANNEL: Final = "gonogo"

_log = structlog.get_logger()


class News:
    """Hears what other replicas tell, and tells them, once ``hear`` was called."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool
        self._name = secrets.token_hex(6)
        self._has_news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def hear(self, ring: Callable[[], None]) -> None:
        """Call ``ring``, on the event loop, whenever another replica has written due work."""
        self._tasks += [asyncio.create_task(self._listen(ring)), asyncio.create_task(self._tell_all())]

    def tell(self) -> None:
        """Something may be due now."""
        self._has_news.set()

    async def close(self) -> None:
        """Hear and tell nothing more."""
        tasks, self._tasks = self._tasks, []
        await end(*tasks)

    async def _listen(self, ring: Callable[[], None]) -> None:
        while True:
            try:
                await self._hear_until_it_breaks(ring)
            except psycopg.Error as exc:
                _log.warning("news_not_heard", cause=str(our_error(exc, self._pool.place)))
            except BotError as error:
                _log.warning("news_not_heard", cause=str(error))
            await asyncio.sleep(_TRIED_AGAIN_AFTER_S)

    async def _hear_until_it_breaks(self, ring: Callable[[], None]) -> None:
        connection = await self._pool.connect()
        try:
            await connection.execute(f"LISTEN {_CHANNEL}".encode())
            ring()  # what was told while nobody listened
            async for note in connection.notifies():
                if note.payload != self._name:
                    ring()
        finally:
            await connection.close()

    async def _tell_all(self) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            with suppress(BotError):  # the others look by themselves
                await self._pool.read(self._message)
            await asyncio.sleep(TOLD_EVERY_S)

    def _message(self) -> Steps[Any]:
        return fetch("SELECT pg_notify(:channel, :name)", channel=_CHANNEL, name=self._name)
