"""Socket Mode: two sockets at once, so that Slack's periodic reconnect opens no gap.

Why two: Slack refreshes each socket every few hours, and the SDK closes the old one before it opens the new one (slack.md, 5). Slack
gives each payload to any one of an app's sockets, so while one is away the other takes them all. Why not more: an app has ten, and
several replicas share them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from slack_bolt import BoltResponse
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_sdk.web.async_client import AsyncWebClient

from bot.app.waking import Wakefulness
from bot.domain.provider import Secret

SOCKETS = 2
ACKS_LEAVE_WITHIN_S = 3.0
PING_EVERY_S = 10


class SocketDoor:
    """The app's sockets. ``open`` makes and connects them; ``close`` lets acknowledgements leave first."""

    def __init__(self, bolt: AsyncApp, token: Secret, client: AsyncWebClient, *, sockets: int = SOCKETS) -> None:
        self._in_flight: set[asyncio.Task[object]] = set()
        self._bolt = bolt
        self._token = token
        self._client = client
        self._most = sockets
        self._sockets: list[AsyncSocketModeHandler] = []
        self._wakefulness = Wakefulness()
        bolt.middleware(_Threshold(self._in_flight, self._wakefulness))

    async def open(self) -> None:
        """Connect them one after the other: who asks for two at once is given two that end at once.

        It returns once all are connected, however long Slack cannot be reached; ``close`` then puts away what there is.
        """
        self._wakefulness.start()
        for _ in range(self._most):
            socket = self._made()
            self._sockets.append(socket)
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

    def _made(self) -> AsyncSocketModeHandler:
        """One more, not connected; it holds a session and a task from now on."""
        return AsyncSocketModeHandler(
            self._bolt, self._token.reveal(), logger=_logger(), web_client=self._client, ping_interval=PING_EVERY_S
        )


def _is_open(socket: AsyncSocketModeHandler) -> bool:
    session = socket.client.current_session
    return session is not None and not session.closed and not socket.client.stale


def _logger() -> logging.Logger:
    """The SDK warns of every socket that is closed, also of those that Slack refreshes by plan; errors are worth a line."""
    logger = logging.getLogger("slack_sdk.socket_mode")
    logger.setLevel(logging.ERROR)
    return logger


class _Threshold(AsyncMiddleware):
    """What a delivery passes first: its task owes Slack an acknowledgement (slack.md, 5.3), and it must not have waited for us.

    Why no functions: Bolt gathers some thirty arguments for each function at each delivery, 11 µs of CPU.
    """

    def __init__(self, in_flight: set[asyncio.Task[object]], wakefulness: Wakefulness) -> None:
        self._in_flight = in_flight
        self._wakefulness = wakefulness

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,  # noqa: ARG002 - Bolt passes it by this name
        resp: BoltResponse,  # noqa: ARG002 - as above
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - as above
    ) -> BoltResponse | None:
        task = asyncio.current_task()
        if task is not None:
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)
        return await self._wakefulness.guard(next)
