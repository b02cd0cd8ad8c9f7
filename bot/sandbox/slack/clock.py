"""The time in the stand-in Slack: any clock that tells UTC and can wait.

Why its own and not the bot's: Slack's servers do not share a clock with the bot, and a test may let one run and the other stand.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class SlackClock(Protocol):
    """What the stand-in asks of a clock; ``bot.ports.Clock`` fits."""

    def now(self) -> datetime:
        """Now, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class WallClock:
    """Real time."""

    def now(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - Slack's clock, not the bot's: the bot never reads this one

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
