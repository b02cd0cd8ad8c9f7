"""Tells the other replicas that we are alive and what we were told to wait for, and heeds what they tell.

With every renewal of the leases, and at once when a refusal taught something, or another replica says that there is news.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from prometheus_client import Gauge

from bot.domain.errors import StoreUnavailableError
from bot.domain.fellows import Fellows
from bot.ports import Clock, Replica, Store

REST_S = 0.2
"""Between two looks: of a burst of news, the first and the last are looked at."""

_log = structlog.get_logger("gonogo.worker")
ALIVE = Gauge("gonogo_replicas", "Replicas of the bot that use this database and are alive")


@dataclass(kw_only=True)
class Sharing:
    """Keeps ``fellows`` right. ``heeds`` are told what all have to wait for; ``alive_for``: how long a sign of life counts."""

    store: Store
    clock: Clock
    replica: Replica
    fellows: Fellows
    alive_for: timedelta
    heeds: Sequence[Callable[[Mapping[str, datetime]], None]] = ()
    _bell: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _versions: frozenset[str] = field(init=False, default=frozenset())

    def ring(self) -> None:
        """There is something to tell, or to hear."""
        self._bell.set()

    async def run(self) -> None:
        """Tell and hear whenever it rings, for ever."""
        self.fellows.rings = self.ring
        while True:
            await self._bell.wait()
            self._bell.clear()
            try:
                await self.exchange()
            except StoreUnavailableError as error:  # what others learnt is read with the next sign of life
                _log.warning("pauses_not_shared", cause=str(error))
            except Exception:  # noqa: BLE001 - nobody would miss this loop until a refusal was not heard
                _log.exception("pauses_not_shared")
            await self.clock.sleep(REST_S)

    async def beat(self) -> None:
        """Give a sign of life, count those of others, and exchange what was learnt.

        Raises:
            StoreUnavailableError: not now.
        """
        now = self.clock.now()
        alive = await self.store.seen(self.replica, now=now, since=now - self.alive_for)
        self.fellows.replicas = max(len(alive), 1)
        ALIVE.set(len(alive))
        self._compare(frozenset(each.version for each in alive))
        await self.exchange()

    async def exchange(self) -> None:
        """Tell what was learnt, and hear what everybody has to wait for. Raises as ``beat``; what was learnt is then not lost."""
        learnt = self.fellows.take()
        try:
            if learnt:
                await self.store.keep_pauses(learnt)
        except StoreUnavailableError:
            for name, not_before in learnt.items():
                self.fellows.learn(name, not_before)
            raise
        pauses = await self.store.pauses(now=self.clock.now())
        for heed in self.heeds if pauses else ():
            heed(pauses)

    async def end(self) -> None:
        """The others need not wait to find out that we are gone; where the database is away, they do."""
        try:
            await self.store.gone(self.replica.holder)
        except StoreUnavailableError as error:
            _log.info("end_not_told", cause=str(error))

    def _compare(self, versions: frozenset[str]) -> None:
        """A rolling update is worth a line, and that it is over."""
        if versions != self._versions and (len(versions) > 1 or len(self._versions) > 1):
            _log.warning("versions_alive", versions=sorted(versions))
        self._versions = versions
