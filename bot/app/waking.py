"""Lets nothing in that waited while this process stood still: Slack has told the person that it failed, and they may have asked again.

What Slack sends waits in the system's buffers for as long as a process is paused (a suspended machine, a container that is frozen, a
debugger), and is read at once when it wakes: the frames of a socket, and over HTTP the requests of connections that the system accepted
for us, although Slack hung up after three seconds.

Why not by the time that Slack signs a request with: it is in whole seconds, and told by a clock that may be a minute from ours.
"""

from __future__ import annotations

import asyncio
import time as clocks
from collections.abc import Awaitable, Callable

import structlog
from slack_bolt import BoltResponse

TICK_S = 0.25
STOOD_STILL_S = 2.5
"""Who stands still for so long misses the three seconds within which Slack wants its acknowledgement."""
DEAF_FOR_S = 2.0
"""How long after waking it takes to read what waited. What is new by then is refused with it: the person sees so, and asks again."""

_log = structlog.get_logger("gonogo.door")


def since_boot() -> float:
    """Seconds that pass also while the machine is suspended, where the system counts them: on Linux ``monotonic`` stands still then."""
    if hasattr(clocks, "CLOCK_BOOTTIME"):
        return clocks.clock_gettime(clocks.CLOCK_BOOTTIME)
    return clocks.monotonic()


class Wakefulness:
    """Notices that the process stood still. ``start`` begins to look, ``stop`` ends it. ``time``: any seconds that never go back."""

    def __init__(self, time: Callable[[], float] = since_boot) -> None:
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

    def refusal(self) -> BoltResponse | None:
        """What may have waited is not acknowledged, so that Slack says that it failed; None: let it in."""
        if not self.is_deaf:
            return None
        _log.warning("delivery_came_too_late")
        return BoltResponse(status=503, body="")

    async def guard(self, next: Callable[[], Awaitable[object]]) -> BoltResponse | None:  # noqa: A002 - Bolt passes it by this name
        """Middleware: what may have waited goes no further."""
        refusal = self.refusal()
        if refusal is None:
            await next()
        return refusal
