"""Slack and one provider on loopback, as lean as they can be, and the notes of who asked what when.

Why not the sandbox's stand-ins: they check every block, scope and limit, which costs more CPU per call than the bot spends on it. On
two cores the stand-ins would then be what is measured. These answer at once and check nothing; that the bot is right is what the other
tests are for.

A launch is known by a tag among its inputs (``n100017n``), which its provider call, its card and the naive bot's messages all carry; the
run's id carries it too, so that rows can be made for runs that nobody started.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import aiohttp
from aiohttp import web

TEAM, CHANNEL, PERSON, BOT_USER = "T0BENCH", "C0BENCH", "U0BENCH", "U0BOT"
MODEL = "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138"
CONNECTIONS = 10
"""So many connections, over which launches go in turn: a provider's limits, and our budgets, count by connection."""
_NUMBERS = itertools.count(100_000)
LOOK_EVERY_S = 0.005
NEVER = float("inf")

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_TAG = re.compile(rb"n(\d{6,8})n")
_PATH = re.compile(r"/domo(\d)/api/workflow/v1(/[^?]*)")
_SUCCEEDED = re.compile(rb'"text": ?"Succeeded')
_SCOPES = b"chat:write,commands,users:read,channels:read,groups:read,usergroups:read"
_PEOPLE: dict[str, dict[str, Any]] = {
    "auth.test": {"team_id": TEAM, "user_id": BOT_USER, "user": "gonogo", "bot_id": "B0BENCH", "url": "http://127.0.0.1/"},
    "users.info": {"user": {"id": PERSON, "team_id": TEAM, "name": "bench"}},
    "conversations.info": {"channel": {"id": CHANNEL, "name": "bench", "is_member": True}},
    "conversations.members": {"members": [PERSON, BOT_USER], "response_metadata": {"next_cursor": ""}},
    "usergroups.users.list": {"users": [PERSON]},
}


def tag(number: int) -> str:
    """How a launch is called among its inputs."""
    return f"n{number}n"


def connection_of(number: int) -> str:
    """The connection over which it goes."""
    return f"bench{number % CONNECTIONS}"


def run_of(number: int) -> str:
    """The id of its run at the provider."""
    return f"r-{tag(number)}"


@dataclass
class Notes:
    """When what happened, by the launch's number, in seconds of this process's own clock.

    ``looks`` counts how often the provider told how a run stands, ``asked`` by how many calls; ``calls`` by Web API method.
    """

    sent: dict[int, float] = field(default_factory=dict[int, float])
    acknowledged: dict[int, float] = field(default_factory=dict[int, float])
    started: dict[int, float] = field(default_factory=dict[int, float])
    carded: dict[int, float] = field(default_factory=dict[int, float])
    ended: dict[int, float] = field(default_factory=dict[int, float])
    shown: dict[int, float] = field(default_factory=dict[int, float])
    looks: Counter[int] = field(default_factory=Counter[int])
    calls: Counter[str] = field(default_factory=Counter[str])
    answered: list[float] = field(default_factory=list[float])
    starts: int = 0
    asked: int = 0


class World:
    """``async with`` listens. ``run_s``: how long a run takes that starts from now on (``NEVER``: until ``end``).

    ``numbers``: those of the launches to come; without, no number comes twice in this process, so that a database can be used again.
    """

    def __init__(self, numbers: Iterator[int] | None = None) -> None:
        self.notes = Notes()
        self.run_s = 0.0
        self.url = ""
        self.ends: dict[int, float] = {}
        self._numbers = numbers or _NUMBERS
        self._stamps = itertools.count(1)
        self._listed: tuple[list[int], ...] = tuple([] for _ in range(CONNECTIONS))
        self._sockets: list[web.WebSocketResponse] = []
        self._socket_url = ""
        self._server: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(lambda: _Http(self.answer), "127.0.0.1", 0, backlog=4096)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        app = web.Application()
        app.add_routes([web.get("/link", self._serve_socket)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._socket_url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}/link"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._runner is not None
        for socket in tuple(self._sockets):
            await socket.close()
        self._server.close()
        await self._runner.cleanup()

    # --- what a person does ---

    async def command(self, text: str = "", *, number: int | None = None) -> int:
        """Type ``/launch`` with ``text`` (without: launch, with a tag); the number by which it is noted."""
        number = next(self._numbers) if number is None else number
        text = text or f"{connection_of(number)} {MODEL} tag={tag(number)}"
        payload = {
            "team_id": TEAM,
            "channel_id": CHANNEL,
            "channel_name": "bench",
            "user_id": PERSON,
            "user_name": "bench",
            "command": "/launch",
            "text": text,
            "api_app_id": "A0BENCH",
            "response_url": f"{self.url}/response",
            "trigger_id": f"1.{tag(number)}.bench",
        }
        envelope = {"envelope_id": str(number), "type": "slash_commands", "payload": payload, "accepts_response_payload": True}
        socket = self._sockets[number % len(self._sockets)]
        self.notes.sent[number] = monotonic()
        await socket.send_str(json.dumps(envelope))
        return number

    @property
    def is_connected(self) -> bool:
        """Whether the bot has a socket open."""
        return bool(self._sockets)

    async def until(self, is_so: Callable[[], bool], within_s: float) -> float:
        """Wait; how long it took.

        Raises:
            TimeoutError: it was not so in time.
        """
        began = monotonic()
        while not is_so():
            if monotonic() - began > within_s:
                raise TimeoutError
            await asyncio.sleep(LOOK_EVERY_S)
        return monotonic() - began

    def forget(self) -> None:
        """A new slice begins: nothing of before counts."""
        self.notes = Notes()

    # --- what a provider does ---

    def end(self, numbers: Iterable[int]) -> None:
        """These runs end now."""
        now = monotonic()
        for number in numbers:
            self.ends[number] = now
            self.notes.ended[number] = now

    def open(self, numbers: Iterable[int]) -> None:
        """These runs are at work, although nobody started them here: their launches were made as rows."""
        for number in numbers:
            self.ends[number] = NEVER
            self._listed[number % CONNECTIONS].append(number)

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body."""
        if path.startswith("/api/"):
            return 200, self._slack(path[5:], body)
        return self._provider(method, path, body)

    def _slack(self, name: str, body: bytes) -> bytes:
        name = name.partition("?")[0]
        self.notes.calls[name] += 1
        if name == "apps.connections.open":
            return _json({"ok": True, "url": self._socket_url})
        if name in _PEOPLE:
            return _json({"ok": True, **_PEOPLE[name]})
        if name == "chat.postEphemeral":
            self.notes.answered.append(monotonic())
        elif name.startswith("chat."):
            self._note_message(body)
        return b'{"ok":true,"channel":"%s","ts":"1763700000.%06d"}' % (CHANNEL.encode(), next(self._stamps))

    def _note_message(self, body: bytes) -> None:
        found = _TAG.search(body)
        if found is None:
            return
        now, number = monotonic(), int(found[1])
        self.notes.carded.setdefault(number, now)
        if _SUCCEEDED.search(body) or b"text=Succeeded" in body:
            self.notes.shown.setdefault(number, now)

    def _provider(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        named = _PATH.match(path)
        found = _TAG.search(body if method == "POST" else path.encode())
        if named is None:
            return 200, _json({"userId": 8811501})
        if method == "POST" and found is not None:
            return 200, self._start(int(found[1]))
        if method == "GET" and found is not None:
            self.notes.looks[int(found[1])] += 1
            self.notes.asked += 1
            return 200, self._instance(int(found[1]))
        return 200, self._list(int(named[1]), parse_qs(urlsplit(path).query))

    def _start(self, number: int) -> bytes:
        now = monotonic()
        self.notes.starts += 1
        self.notes.started.setdefault(number, now)
        self.ends.setdefault(number, now + self.run_s)
        self._listed[number % CONNECTIONS].append(number)
        if self.run_s < NEVER:
            self.notes.ended.setdefault(number, now + self.run_s)
        return self._instance(number, is_new=True)

    def _instance(self, number: int, *, is_new: bool = False) -> bytes:
        is_over = not is_new and self.ends.get(number, NEVER) <= monotonic()
        status = "COMPLETED" if is_over else "IN_PROGRESS"
        return (
            f'{{"id":"{run_of(number)}","modelId":"{MODEL}","modelVersion":"1.0.0","status":"{status}",'
            '"createdBy":"8811501","createdOn":"2026-11-21T12:00:00.000Z"}'
        ).encode()

    def _list(self, connection: int, query: dict[str, list[str]]) -> bytes:
        """Newest first, page by page, as the provider's own list does; with what is over."""
        offset, limit = int(query.get("offset", ["0"])[0]), int(query.get("limit", ["100"])[0])
        numbers = self._listed[connection][::-1][offset : offset + limit]
        self.notes.looks.update(number for number in numbers if number not in self.notes.shown)
        self.notes.asked += 1
        return b"[" + b",".join(map(self._instance, numbers)) + b"]"

    # --- sockets ---

    async def _serve_socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self._sockets) + 1, "connection_info": {"app_id": "A0"}})
        self._sockets.append(socket)
        try:
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    number = int(json.loads(frame.data)["envelope_id"])
                    self.notes.acknowledged.setdefault(number, monotonic())
        finally:
            self._sockets.remove(socket)
        return socket


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


class _Http(asyncio.Protocol):
    """HTTP/1.1 as far as two clients need it: a length in the head, connections kept. aiohttp's own server takes five times the CPU."""

    def __init__(self, answer: Callable[[str, str, bytes], tuple[int, bytes]]) -> None:
        self._answer = answer
        self._read = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._read, 0, end + 2)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._read) < whole:
                return
            line, body = bytes(self._read[: self._read.index(b"\r\n")]), bytes(self._read[end + 4 : whole])
            del self._read[:whole]
            method, path, _ = line.decode().split(" ")
            self._write(*self._answer(method, path, body))

    def _write(self, status: int, body: bytes) -> None:
        assert self._transport is not None
        head = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nX-OAuth-Scopes: %s\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(head % (status, _SCOPES, len(body)) + body)
