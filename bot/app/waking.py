"""Lets nothing in that waited while this process stood still: Slack has told the person that it failed, and they may have asked again.

Frames wait in a socket's buffer for as long as a process is paused (a suspended machine, a container that is frozen, a debugger), and
are read at once when it wakes. Over HTTP nothing waits like this: Slack hangs up after three seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog
from slack_bolt import BoltResponse

TICK_S = 0.25
STOOD_STILL_S = 2.5
"""Who stands still for so long misses the three seconds within which Slack wants its acknowledgement."""
DEAF_FOR_S = 2.0
"""How long after waking it takes to read what waited. What is new by then is refused with it: the person sees so, and asks again."""

_log = structlog.get_logger("gonogo.door")


class Wakefulness:
    """Notices that the process stood still. ``start`` begins to look, ``stop`` ends it."""

    def __init__(self, time: Callable[[], float] = monotonic) -> None:
        self._time = time
        self._seen_at = time()
        self._woke_at = float("-inf")
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look every now and then; to be called on the event loop."""
        self.look()
        self._next = asyncio.get_running_loop().call_later(TICK_S, self.start)

    def stop(self) -> None:
        """Look no more."""
        if self._next is not None:
            self._next.cancel()

    def look(self) -> None:
        """Time has passed; if too much since the last look, we have just woken."""
        now = self._time()
        if self._next is not None and now - self._seen_at > STOOD_STILL_S:
            self._woke_at = now
            _log.warning("stood_still", seconds=round(now - self._seen_at, 1))
        self._seen_at = now

    @property
    def is_deaf(self) -> bool:
        """Whether what is heard now may have waited for us."""
        self.look()
        return self._time() - self._woke_at < DEAF_FOR_S

    async def guard(self, next: Callable[[], Awaitable[object]]) -> BoltResponse | None:  # noqa: A002 - Bolt passes it by this name
        """Middleware: what may have waited is not let in, and not acknowledged, so that Slack says that it failed."""
        if self.is_deaf:
            _log.warning("delivery_came_too_late")
            return BoltResponse(status=503, body="")
        await next()
        return None
