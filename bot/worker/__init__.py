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
from bot.worker.handing import Hand
from bot.worker.homes import HomeWork
from bot.worker.launches import LaunchWork
from bot.worker.loop import Loop, Work
from bot.worker.mirroring import Mirroring
from bot.worker.once import Once
from bot.worker.pacing import PacedWire, Plans
from bot.worker.sharing import Sharing
from bot.worker.tellings import TellingWork
from bot.worker.tracking import TrackWork

__all__ = [
    "LEASE",
    "DeliveryWork",
    "HomeWork",
    "LaunchWork",
    "Mirroring",
    "Once",
    "PacedWire",
    "Plans",
    "Sharing",
    "TellingWork",
    "TrackWork",
    "Worker",
]

LEASE = timedelta(seconds=15)
RENEWALS_PER_LEASE = 3
AGAIN_AFTER_FAULT_S = 1.0
_LEAVE_NOTHING = (DeliveryWork, HomeWork, TellingWork)
"""Works whose pieces leave nothing to do for another loop; where a delivery's use case does, it rings itself."""
_DUE_BY_TIME_ALONE = (DeliveryWork,)
"""Works of which nothing falls due because something changed: a delivery does when a dead bot's lease lapses."""
_SHOWING = (TellingWork, HomeWork)
"""Works that show what was asked for."""

_log = structlog.get_logger("gonogo.worker")


class Worker:
    """Runs the loops and keeps their leases alive. ``async with`` starts it; leaving drains what is in flight, in order of ``works``.

    ``sharing`` tells the other replicas that we are alive; None where there are none.
    """

    def __init__(
        self,
        *,
        store: Store,
        thread: Thread,
        clock: Clock,
        holder: str,
        works: Sequence[Work[Any]],
        lease: timedelta = LEASE,
        sharing: Sharing | None = None,
    ) -> None:
        self._lease = lease
        self._sharing = sharing
        self._store = store
        self._thread = thread
        self._clock = clock
        self._holder = holder
        self._works = works
        self._loops = [Loop(type(work).__name__, work, clock, looks_last=isinstance(work, _SHOWING)) for work in works]
        self._rung = [loop for loop, work in zip(self._loops, works, strict=True) if not isinstance(work, _DUE_BY_TIME_ALONE)]
        self._showing = [loop for loop, work in zip(self._loops, works, strict=True) if isinstance(work, _SHOWING)]
        self.hand = self._handing()
        """Takes launches that were just asked for; None where no work does."""
        self._tasks: list[asyncio.Task[None]] = []

    def ring(self) -> None:
        """Something changed: look at once. Each look asks the store, so only those look who may find something."""
        for loop in self._rung:
            loop.ring()

    def hear(self) -> None:
        """Another replica has news: of due work, or of what all have to wait for."""
        if self._sharing is not None:
            self._sharing.ring()
        self.ring()

    def _ring_showing(self) -> None:
        """Something is to be shown, and nothing else is due."""
        for loop in self._showing:
            loop.ring()

    def _handing(self) -> Hand | None:
        for work, loop in zip(self._works, self._loops, strict=True):
            if isinstance(work, LaunchWork):
                return Hand(work=work, loop=loop, shown=self._ring_showing)
        return None

    async def __aenter__(self) -> Self:
        loops = zip(self._loops, self._works, strict=True)
        looping = [loop.run(loop.ring if isinstance(work, _LEAVE_NOTHING) else self.ring) for loop, work in loops]
        running = [*looping, self._stay_alive(), *([self._sharing.run()] if self._sharing is not None else [])]
        self._tasks = [asyncio.create_task(task) for task in running]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take nothing new, finish the calls in flight, tell what can be told, then stop."""
        for loop in self._loops:
            await loop.drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._sharing is not None:
            await self._sharing.end()

    async def _stay_alive(self) -> None:
        """Renew our leases, give a sign of life, and tell operators what was set aside."""
        rest_s = self._lease.total_seconds() / RENEWALS_PER_LEASE
        is_renewed = True
        while True:
            await self._give_sign_of_life()
            await self._clock.sleep(rest_s if is_renewed else AGAIN_AFTER_FAULT_S)
            is_renewed = False
            try:
                await self._store.renew_leases(holder=self._holder, until=self._clock.now() + self._lease)
                is_renewed = True
                await self._tell_set_aside()
            except Exception:  # noqa: BLE001 - the loop must outlive a bad moment of the database; leases lapse safely
                _log.exception("leases_not_renewed")

    async def _give_sign_of_life(self) -> None:
        """Apart from the leases: what is merely good to know must not keep them from being renewed."""
        try:
            if self._sharing is not None:
                await self._sharing.beat()
        except Exception:  # noqa: BLE001 - as there
            _log.exception("no_sign_of_life")

    async def _tell_set_aside(self) -> None:
        rows = await self._store.set_aside()
        if not rows:
            return
        _log.error("set_aside", rows=rows)
        try:
            await self._thread.tell_operators(notices.say_set_aside(rows))
        except ThreadError as error:
            _log.warning("operators_not_told", error=error.code)
