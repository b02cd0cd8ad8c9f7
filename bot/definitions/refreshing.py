"""Keeps what people use from growing old: a work of the worker, a piece of it is a connection's name.

Why a piece is let go after some seconds although its question goes on: a bot that stops must not wait for a slow provider. The next
piece of the same connection is claimed only once nothing is being asked over it any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.definitions.live import LiveDefinitions
from bot.domain.standing import Standing
from bot.ports import Clock

LOOK_EVERY = timedelta(seconds=5)
PATIENCE_S = 5.0


@dataclass(kw_only=True)
class Refreshing:
    """The work of the refreshing loop. Nothing is asked over a connection that nobody used within an hour."""

    definitions: LiveDefinitions
    standing: Standing
    clock: Clock
    at_once: int = 4
    patience_s: float = PATIENCE_S
    _at_work: set[str] = field(default_factory=set[str], init=False)

    async def claim(self, limit: int) -> Sequence[str]:
        """Connections over which something that people used is no longer new."""
        connections = self.standing.connections.values()
        due = [one.name for one in connections if one.name not in self._at_work and self.definitions.due(one)][:limit]
        self._at_work.update(due)
        return due

    async def act(self, name: str, /) -> None:
        """Ask anew. A connection that is gone meanwhile is let go."""
        connection = self.standing.connections.get(name)
        try:
            if connection is not None:
                async with asyncio.timeout(self.patience_s):
                    await self.definitions.refresh(connection)
        except TimeoutError:
            return
        finally:
            self._at_work.discard(name)

    async def give_back(self, name: str, /) -> None:
        """A fault of our own: it is found due again."""
        self._at_work.discard(name)

    async def next_due(self) -> datetime | None:
        """What is due is found by looking."""
        return self.clock.now() + LOOK_EVERY
