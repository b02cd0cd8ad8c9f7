"""The only place that reads the clock, waits, or draws lots."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0 and O, 1, I and L, no U: an id is read aloud and typed by hand."""
ID_LENGTH = 5


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
