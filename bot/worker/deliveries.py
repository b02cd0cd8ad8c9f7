"""Takes up deliveries that were acknowledged by a bot that was killed: whoever is alive first carries them on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.model import Delivery
from bot.ports import Clock, Store


@dataclass(frozen=True, kw_only=True)
class DeliveryWork:
    """The work of the deliveries loop. ``carry`` is the door's: it does the work, answers, and marks it done."""

    store: Store
    clock: Clock
    holder: str
    lease: timedelta
    carry: Callable[[Delivery], Awaitable[None]]
    at_once: int = 64

    async def claim(self, limit: int) -> Sequence[Delivery]:
        """Deliveries whose holder is gone, now leased to us."""
        now = self.clock.now()
        return await self.store.lease_deliveries(now=now, until=now + self.lease, holder=self.holder, limit=limit)

    async def act(self, delivery: Delivery) -> None:
        """Carry one on."""
        await self.carry(delivery)

    async def give_back(self, delivery: Delivery) -> None:
        """Nothing to let go of: ``carry`` never fails, and a delivery that is not finished is found again."""

    async def next_due(self) -> datetime | None:
        """When the earliest lease lapses."""
        return await self.store.next_delivery()
