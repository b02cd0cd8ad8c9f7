"""The loops that act: launches (start, settle, stop), tracking, tellings (what Slack shows), deliveries (what a killed bot left).

Waiting costs a row, not a task: whoever waits for a provider, for Slack or for a retry is a due time in the store, and a loop
sleeps until the earliest of them or until somebody rings.

Why leases are short and renewed instead of long: a start may take minutes, but a killed bot's work should be taken over in seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import structlog

from bot.domain.errors import ThreadError
from bot.ports import Clock, Store, Thread
from bot.surfaces import notices
from bot.worker.deliveries import DeliveryWork
from bot.worker.homes import HomeWork
from bot.worker.launches import LaunchWork
from bot.worker.loop import Loop, Work
from bot.worker.mirroring import Mirroring
from bot.worker.pacing import PacedWire, Plans
from bot.worker.tellings import TellingWork
from bot.worker.tracking import TrackWork

__all__ = [
    "LEASE",
    "DeliveryWork",
    "HomeWork",
    "LaunchWork",
    "Mirroring",
    "PacedWire",
    "Plans",
    "TellingWork",
    "TrackWork",
    "Worker",
]

LEASE = timedelta(seconds=15)
RENEWALS_PER_LEASE = 3
_LEAVE_NOTHING = (DeliveryWork, HomeWork, TellingWork)
"""Works whose pieces leave nothing to do for another loop; where a delivery's use case does, it rings itself."""
_DUE_BY_TIME_ALONE = (DeliveryWork,)
"""Works of which nothing falls due because something changed: a delivery does when a dead bot's lease lapses."""

_log = structlog.get_logger("gonogo.worker")


class Worker:
    """Runs the loops and keeps their leases alive. ``async with`` starts it; leaving drains what is in flight, in order of ``works``."""

    def __init__(
        self,
        *,
        store: Store,
        thread: Thread,
        clock: Clock,
        holder: str,
        works: Sequence[Work[Any]],
        lease: timedelta = LEASE,
    ) -> None:
        self._lease = lease
        self._store = store
        self._thread = thread
        self._clock = clock
        self._holder = holder
        self._works = works
        self._loops = [Loop(type(work).__name__, work, clock) for work in works]
        self._rung = [loop for loop, work in zip(self._loops, works, strict=True) if not isinstance(work, _DUE_BY_TIME_ALONE)]
        self._tasks: list[asyncio.Task[None]] = []

    def ring(self) -> None:
        """Something changed: look at once. Each look asks the store, so only those look who may find something."""
        for loop in self._rung:
            loop.ring()

    async def __aenter__(self) -> Self:
        loops = zip(self._loops, self._works, strict=True)
        looping = [loop.run(loop.ring if isinstance(work, _LEAVE_NOTHING) else self.ring) for loop, work in loops]
        running = [*looping, self._stay_alive()]
        self._tasks = [asyncio.create_task(task) for task in running]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take nothing new, finish the calls in flight, tell what can be told, then stop."""
        for loop in self._loops:
            await loop.drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stay_alive(self) -> None:
        """Renew our leases, and tell operators what was set aside."""
        while True:
            await self._clock.sleep(self._lease.total_seconds() / RENEWALS_PER_LEASE)
            try:
                await self._store.renew_leases(holder=self._holder, until=self._clock.now() + self._lease)
                await self._tell_set_aside()
            except Exception:  # noqa: BLE001 - the loop must outlive a bad moment of the database; leases lapse safely
                _log.exception("leases_not_renewed")

    async def _tell_set_aside(self) -> None:
        rows = await self._store.set_aside()
        if not rows:
            return
        _log.error("set_aside", rows=rows)
        try:
            await self._thread.tell_operators(notices.say_set_aside(rows))
        except ThreadError as error:
            _log.warning("operators_not_told", error=error.code)
