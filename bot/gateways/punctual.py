"""A call leaves in time, or not at all: what a process that was paused meant to say may be another's to say by now.

A process can be stopped between the question whether something is its own to tell and the moment when the bytes leave: a frozen
container, a suspended machine. When it wakes, it goes on where it stood. So the time is looked at once more as late as it can be: when
the call has its connection, just before it is written to it.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from bot.gateways.connecting import QuietConnector
from bot.ports import Clock

LEAVES_WITHIN = timedelta(seconds=3)
"""Longer than it takes to connect, shorter than what a lease still lasts when whoever calls was told that it is theirs."""

_before: ContextVar[datetime | None] = ContextVar("leaves_before", default=None)


@contextmanager
def leaving_before(time: datetime | None) -> Generator[None]:
    """Calls made within leave before ``time``, or are not made; None: whenever."""
    token = _before.set(time)
    try:
        yield
    finally:
        _before.reset(token)


class PunctualConnector(QuietConnector):
    """A connection pool for calls that must not leave too late."""

    def __init__(self, clock: Clock, *, limit: int = 100, force_close: bool = False) -> None:
        super().__init__(limit=limit, force_close=force_close)
        self._clock = clock

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own signature
    ) -> Connection:
        """A connection for this call.

        Raises:
            aiohttp.ConnectionTimeoutError: it is too late: nothing was sent.
        """
        connection = await super().connect(req, traces, timeout)
        before = _before.get()
        if before is not None and self._clock.now() >= before:
            connection.release()
            raise aiohttp.ConnectionTimeoutError("too late to send")
        return connection
