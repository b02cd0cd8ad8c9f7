"""The loops that act: lease, then send, then record (``launches``); tell Slack what happened (``tellings``).

Waiting costs a row, not a task: whoever waits for a provider, for Slack or for a retry is a due time in the store, and a loop
sleeps until the earliest of them or until somebody rings.

Why leases are short and renewed instead of long: a start may take minutes, but a killed bot's work should be taken over in
seconds.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import TracebackType
from typing import Self

import structlog

from bot.ports import Clock, Store
from bot.worker.launches import LaunchWork
from bot.worker.loop import Loop
from bot.worker.tellings import TellingWork

__all__ = ["LEASE", "LaunchWork", "TellingWork", "Worker"]

LEASE = timedelta(seconds=15)
RENEW_EVERY_S = 5.0

_log = structlog.get_logger("gonogo.worker")


class Worker:
    """Runs both loops and keeps their leases alive. ``async with`` starts it; leaving drains what is in flight."""

    def __init__(self, *, store: Store, clock: Clock, holder: str, launches: LaunchWork, tellings: TellingWork) -> None:
        self._store = store
        self._clock = clock
        self._holder = holder
        self._launches = Loop("launches", launches, clock)
        self._tellings = Loop("tellings", tellings, clock)
        self._tasks: list[asyncio.Task[None]] = []

    def ring(self) -> None:
        """Something changed: look at once."""
        self._launches.ring()
        self._tellings.ring()

    async def __aenter__(self) -> Self:
        loops = (self._launches.run(self.ring), self._tellings.run(self.ring), self._renew())
        self._tasks = [asyncio.create_task(loop) for loop in loops]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take nothing new, finish the calls in flight, tell what can be told, then stop."""
        await self._launches.drain()
        await self._tellings.drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _renew(self) -> None:
        while True:
            await self._clock.sleep(RENEW_EVERY_S)
            try:
                await self._store.renew_leases(holder=self._holder, until=self._clock.now() + LEASE)
            except Exception:  # noqa: BLE001 - the loop must outlive a bad moment of the database; leases lapse safely
                _log.exception("leases_not_renewed")
