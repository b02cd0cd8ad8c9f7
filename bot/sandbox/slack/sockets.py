"""Socket Mode from Slack's side: up to ten sockets, each payload to exactly one of them, in turn.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import aiohttp
from aiohttp import web

from bot.sandbox.slack.payloads import Delivery
from bot.sandbox.slack.shapes import is_mapping, mapping
from bot.sandbox.slack.tickets import Tickets

MAX_SOCKETS = 10
# Slack warns about ten seconds before it closes.
GRACE_S = 10.0
HEARTBEAT_S = 30.0
HOST = "applink-sandbox"

DisconnectReason: TypeAlias = Literal["warning", "refresh_requested", "link_disabled", "too_many_websockets"]


@dataclass(kw_only=True, eq=False)
class Socket:
    """One connection of the bot. A leaving one was told to go and gets nothing more."""

    wire: web.WebSocketResponse
    transport: asyncio.Transport | None
    is_leaving: bool = False


@dataclass(kw_only=True)
class Sockets:
    """The open sockets and what they have yet to acknowledge."""

    tickets: Tickets
    app_id: str
    grace_s: float = GRACE_S
    _open: list[Socket] = field(default_factory=list[Socket])
    _unacknowledged: dict[str, asyncio.Future[dict[str, Any]]] = field(
        default_factory=dict[str, asyncio.Future[dict[str, Any]]],
    )
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _closing: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def count(self) -> int:
        """Sockets that can take a payload."""
        return sum(not socket.is_leaving for socket in self._open)

    def routes(self) -> list[web.RouteDef]:
        """Where the address of apps.connections.open leads."""
        return [web.get("/link/", self.serve)]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Keep one socket until it closes."""
        if not self.tickets.admit_socket(request.query.get("ticket", "")):
            return web.Response(status=401, text="unknown or used ticket")
        wire = web.WebSocketResponse(heartbeat=HEARTBEAT_S)
        try:
            await wire.prepare(request)
        except ConnectionResetError:  # a bot that is to end breaks its start off, and hangs up
            return web.Response(status=400, text="nobody is there any more")
        if self.count >= MAX_SOCKETS:
            await wire.send_json(goodbye("too_many_websockets"))
            await wire.close()
            return wire
        await self._keep(Socket(wire=wire, transport=request.transport))
        return wire

    async def send(self, delivery: Delivery, timeout_s: float) -> dict[str, Any] | None:
        """Give a payload to one socket; what its acknowledgement carries, or None when there is no socket.

        Raises:
            TimeoutError: nobody acknowledged in time (a late acknowledgement is then ignored, as Slack ignores it).
        """
        envelope_id = str(uuid.uuid4())
        acknowledged = asyncio.get_running_loop().create_future()
        self._unacknowledged[envelope_id] = acknowledged
        try:
            if not await self._hand_over(json.dumps(envelope(delivery, envelope_id))):
                return None
            async with asyncio.timeout(timeout_s):
                carried: dict[str, Any] = await acknowledged
                return carried
        finally:
            del self._unacknowledged[envelope_id]

    async def connected(self) -> None:
        """Wait until a socket can take a payload."""
        while self.count == 0:
            self._changed.clear()
            await self._changed.wait()

    async def disconnect(self, reason: DisconnectReason, *, most: int | None = None) -> int:
        """Tell every socket (or ``most`` of them) to go, and close those that do not; how many were told."""
        staying = [socket for socket in self._open if not socket.is_leaving][:most]
        for socket in staying:
            socket.is_leaving = True
            await socket.wire.send_json(goodbye(reason))
            task = asyncio.create_task(_close_later(socket.wire, self.grace_s))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        return len(staying)

    def drop(self) -> int:
        """Cut every connection without a word, as a network does; how many were cut."""
        cut = list(self._open)
        for socket in cut:
            socket.is_leaving = True
            if socket.transport is not None:
                socket.transport.abort()
        return len(cut)

    async def stop(self) -> None:
        """Close everything."""
        for task in tuple(self._closing):
            task.cancel()
        for socket in tuple(self._open):
            await socket.wire.close(code=aiohttp.WSCloseCode.GOING_AWAY, drain=False)

    async def _keep(self, socket: Socket) -> None:
        self._open.append(socket)
        try:
            await socket.wire.send_json(hello(self.app_id, self.count))
            self._changed.set()
            async for frame in socket.wire:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self._take(frame.data)
        finally:
            self._open.remove(socket)

    async def _hand_over(self, frame: str) -> bool:
        for socket in tuple(self._open):
            if socket.is_leaving or socket.wire.closed:
                continue
            self._open.remove(socket)
            self._open.append(socket)
            try:
                await socket.wire.send_str(frame)
            except ConnectionError:
                continue
            return True
        return False

    def _take(self, frame: str) -> None:
        try:
            said = json.loads(frame)
        except ValueError:
            return
        if not is_mapping(said):
            return
        # Whichever socket brings it: after a reconnect slack_sdk acknowledges over the new one.
        waiting = self._unacknowledged.get(str(said.get("envelope_id")))
        if waiting is not None and not waiting.done():
            waiting.set_result(mapping(said.get("payload")))


def envelope(delivery: Delivery, envelope_id: str) -> dict[str, Any]:
    """A payload as it goes over a socket."""
    wrapped: dict[str, Any] = {
        "envelope_id": envelope_id,
        "type": delivery.kind,
        "payload": delivery.payload,
        "accepts_response_payload": delivery.kind != "events_api",
    }
    if delivery.kind == "events_api":
        wrapped |= {"retry_attempt": delivery.retry, "retry_reason": delivery.retry_reason}
    return wrapped


def hello(app_id: str, count: int) -> dict[str, Any]:
    """The first frame."""
    return {
        "type": "hello",
        "num_connections": count,
        "debug_info": {"host": HOST, "build_number": 1, "approximate_connection_time": 18060},
        "connection_info": {"app_id": app_id},
    }


def goodbye(reason: DisconnectReason) -> dict[str, Any]:
    """The frame that asks a socket to go."""
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}}


async def _close_later(wire: web.WebSocketResponse, grace_s: float) -> None:
    await asyncio.sleep(grace_s)
    await wire.close()
