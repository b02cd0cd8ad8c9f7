"""A clock by which several tasks sleep side by side, and a store that stops it while it is at work."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.builders import NOON, FrozenClock

SPINS = 20
"""Turns of the event loop: more than any task here takes from one wait to the next."""


@dataclass
class WaitingClock(FrozenClock):
    """Who sleeps is woken by ``pass_``, at the moment that was asked for; it stands while anybody is ``busy``."""

    sleepers: list[tuple[datetime, asyncio.Future[None]]] = field(default_factory=list[tuple[datetime, asyncio.Future[None]]])
    busy: int = 0

    async def sleep(self, seconds: float) -> None:
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sleepers.append((self.time + timedelta(seconds=seconds), waking))
        await waking

    async def pass_(self, seconds: float) -> None:
        """So much time passes: everybody who wakes within it does what there is to do, then time goes on."""
        end = self.time + timedelta(seconds=seconds)
        await self._settled()
        while due := [at for at, waking in self.sleepers if at <= end and not waking.done()]:
            self.time = max(self.time, min(due))
            for at, waking in self.sleepers:
                if at <= self.time and not waking.done():
                    waking.set_result(None)
            self.sleepers = [sleeper for sleeper in self.sleepers if not sleeper[1].done()]
            await self._settled()
        self.time = end

    async def _settled(self) -> None:
        """Everybody has done what there was to do at this moment."""
        spins = 0
        while spins < SPINS:
            spins = 0 if self.busy else spins + 1
            await asyncio.sleep(0)


@dataclass
class Timed:
    """A store whose calls stop the clock: it may answer from another thread. Keeps at which second leases were renewed."""

    store: Any
    clock: WaitingClock
    renewed_at_s: list[float] = field(default_factory=list[float])

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.store, name)

        async def called(*given: Any, **named: Any) -> Any:
            if name == "renew_leases":
                self.renewed_at_s.append((self.clock.now() - NOON).total_seconds())
            self.clock.busy += 1
            try:
                return await method(*given, **named)
            finally:
                self.clock.busy -= 1

        return called
