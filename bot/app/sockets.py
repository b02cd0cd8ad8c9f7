"""Socket Mode: two sockets at once, so that Slack's periodic reconnect opens no gap.

Why two: Slack refreshes each socket every few hours, and the SDK closes the old one before it opens the new one (slack.md, 5). Slack
gives each payload to any one of an app's sockets, so while one is away the other takes them all. Why not more: an app has ten, and
several replicas share them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.app.waking import Wakefulness
from bot.domain.provider import Secret

SOCKETS = 2
ACKS_LEAVE_WITHIN_S = 3.0
PING_EVERY_S = 10


class SocketDoor:
    """The app's sockets. ``open`` connects them; ``close`` lets acknowledgements leave first. To be made inside a running loop."""

    def __init__(self, bolt: AsyncApp, token: Secret, client: AsyncWebClient, *, sockets: int = SOCKETS) -> None:
        self._in_flight: set[asyncio.Task[object]] = set()
        self._sockets = [
            AsyncSocketModeHandler(bolt, token.reveal(), logger=_logger(), web_client=client, ping_interval=PING_EVERY_S)
            for _ in range(sockets)
        ]
        self._wakefulness = Wakefulness()
        bolt.middleware(_tracking(self._in_flight))
        bolt.middleware(self._wakefulness.guard)

    async def open(self) -> None:
        """Connect them one after the other: who asks for two at once is given two that end at once."""
        self._wakefulness.start()
        for socket in self._sockets:
            await socket.connect_async()

    async def close(self) -> None:
        """Let acknowledgements leave on the live sockets, then close them."""
        self._wakefulness.stop()
        if self._in_flight:
            await asyncio.wait(set(self._in_flight), timeout=ACKS_LEAVE_WITHIN_S)
        await asyncio.gather(*(socket.close_async() for socket in self._sockets))

    def health(self) -> str:
        """``ok`` while Slack can reach us."""
        return "ok" if any(map(_is_open, self._sockets)) else "not connected"


def _is_open(socket: AsyncSocketModeHandler) -> bool:
    session = socket.client.current_session
    return session is not None and not session.closed and not socket.client.stale


def _logger() -> logging.Logger:
    """The SDK warns of every socket that is closed, also of those that Slack refreshes by plan; errors are worth a line."""
    logger = logging.getLogger("slack_sdk.socket_mode")
    logger.setLevel(logging.ERROR)
    return logger


def _tracking(in_flight: set[asyncio.Task[object]]) -> Callable[..., Awaitable[None]]:
    """Middleware that knows which tasks still owe Slack an acknowledgement (slack.md, 5.3)."""

    async def track(next: Callable[[], Awaitable[object]]) -> None:  # noqa: A002 - Bolt passes it by this name
        task = asyncio.current_task()
        if task is not None:
            in_flight.add(task)
            task.add_done_callback(in_flight.discard)
        await next()

    return track
