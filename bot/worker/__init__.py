"""The loops that act: launches (start, settle, stop), tracking, tellings (what Slack shows), deliveries (what a killed bot left).

Waiting costs a row, not a task: whoever waits for a provider, for Slack or for a retry is a due time in the store, and a loop
sleeps until the earliest of them or until somebody rings.

Why leases are short and renewed instead of long: a start may take minutes, but a killed bot's work should be taken over in seconds.

Why nothing else is done where leases are renewed: whatever it waited for, Slack or the database, our leases would lapse meanwhile,
and others take over what we are in the middle of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self

import structlog

from bot.domain.errors import ThreadError
from bot.domain.setbacks import tell_again_s
from bot.ports import Clock, Note, Store, Thread
from bot.surfaces import notices
from bot.tasks import end
from bot.worker.deliveries import DeliveryWork
from bot.worker.handing import Hand
from bot.worker.homes import HomeWork
from bot.worker.keeping import kept
from bot.worker.launches import LaunchWork
from bot.worker.loop import Loop, Work
from bot.worker.mirroring import Mirroring
from bot.worker.once import TELLING_TAKES, Once
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
        self._turn_s = lease.total_seconds() / RENEWALS_PER_LEASE
        self._once = Once(store=store, clock=clock, holder=holder)
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
        running = [*looping, self._renew_leases(), self._tell_set_aside()]
        if self._sharing is not None:
            running += [self._give_signs_of_life(self._sharing), self._sharing.run()]
        self._tasks = [asyncio.create_task(task) for task in running]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take nothing new, finish the calls in flight, tell what can be told, then stop."""
        for loop in self._loops:
            await loop.drain()
        await end(*self._tasks)
        if self._sharing is not None:
            await self._sharing.end()

    async def _renew_leases(self) -> None:
        """Keep what we hold, for ever, and do nothing else: see *Why* above."""
        is_renewed = True
        while True:
            await self._clock.sleep(self._turn_s if is_renewed else AGAIN_AFTER_FAULT_S)
            is_renewed = False
            try:
                await self._store.renew_leases(holder=self._holder, until=self._clock.now() + self._lease)
                is_renewed = True
            except Exception:  # noqa: BLE001 - the loop must outlive a bad moment of the database; leases lapse safely
                _log.exception("leases_not_renewed")

    async def _give_signs_of_life(self, sharing: Sharing) -> None:
        """Tell the other replicas, for ever, that we are alive."""
        while True:
            try:
                await sharing.beat()
            except Exception:  # noqa: BLE001 - as there
                _log.exception("no_sign_of_life")
            await self._clock.sleep(self._turn_s)

    async def _tell_set_aside(self) -> None:
        """Tell operators, for ever, what was set aside: what Slack does not take now later, and ever more slowly."""
        wait_s, attempts = self._turn_s, 0
        while True:
            await self._clock.sleep(wait_s)
            wait_s = self._turn_s
            try:
                await self._tell_notes()
                attempts = 0
            except ThreadError as error:
                _log.warning("operators_not_told", error=error.code)
                wait_s, attempts = max(wait_s, tell_again_s(error, attempts)), attempts + 1
            except Exception:  # noqa: BLE001 - as there
                _log.exception("set_aside_not_told")

    async def _tell_notes(self) -> None:
        """One replica at a time; who comes next finds what the one before has told. Who dies at it leaves it to the others.

        Raises:
            ThreadError: Slack does not take it now.
        """
        if not await self._store.set_aside():
            return
        async with self._once.turn("set aside", TELLING_TAKES) as is_ours:
            notes = await self._store.set_aside() if is_ours else []
            if notes:
                await self._tell_these(notes)

    async def _tell_these(self, notes: Sequence[Note]) -> None:
        """Marked once they were told, or never will be: rather told twice than not at all. Raises as ``_tell_notes``."""
        rows = [note.text for note in notes]
        _log.error("set_aside", rows=rows)
        try:
            await self._thread.tell_operators(notices.say_set_aside(rows))
        except ThreadError as error:
            if not error.is_permanent:
                raise
            _log.error("operators_not_told", error=error.code, is_permanent=True)
        told = partial(self._store.set_aside_told, [note.note_id for note in notes])
        await kept(self._clock, "set aside", told)
