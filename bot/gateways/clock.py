"""The only place that reads the clock, waits, or draws lots."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from bot.ports import Clock

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0 and O, 1, I and L, no U: an id is read aloud and typed by hand."""
ID_LENGTH = 5
MEASURES = 3


class SystemClock:
    """The machine's clock and source of chance."""

    def now(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the one place

    def jitter(self) -> float:
        """A number from 0 up to 1."""
        return secrets.randbelow(1_000_000) / 1_000_000

    def new_launch_id(self) -> str:
        """A short, speakable id such as ``L-7K3QW``: 24 million of them; the store refuses one that is taken."""
        return "L-" + "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))

    async def sleep(self, seconds: float) -> None:
        """Wait without holding anybody up."""
        await asyncio.sleep(seconds)


class SharedClock(SystemClock):
    """This machine's clock, set right by one that several machines share; ``ask`` reads that one.

    Why not that one alone: it is a call away, and time is read at every step. Why not the machine's: a lease is compared by
    whoever comes next, whose clock may be a minute off.
    """

    def __init__(self, ask: Callable[[], Awaitable[datetime]], *, local: Clock | None = None) -> None:
        self._ask = ask
        self._local = local or SystemClock()
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Now by the shared clock, in UTC."""
        return self._local.now() + self._ahead

    async def measure(self) -> timedelta:
        """How far the shared clock is ahead, as the best of a few looks tells: wrong by half of that look's time at most."""
        looks = [await self._look() for _ in range(MEASURES)]
        _, self._ahead = min(looks)
        return self._ahead

    async def _look(self) -> tuple[timedelta, timedelta]:
        """How long one look took, and how far ahead the shared clock was, taken as read half-way."""
        before = self._local.now()
        there = await self._ask()
        took = self._local.now() - before
        return abs(took), there - (before + took / 2)
