"""A real TCP server that behaves as badly as it is told, and a provider that carries any call to it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any

from bot.domain.model import NOTHING, Connection
from bot.domain.provider import Call, Exchange, LoginAnswer, Provider, Reply, Secret, Session, Signature
from bot.gateways.http import HttpWire
from bot.ports import Clock
from tests.builders import FrozenClock, a_connection

KEY = "synthetic-key-that-must-not-show"
START = Call(method="POST", path="/start", json={"amount": 1})
LOOK = Call(method="GET", path="/look")
LOGIN = Call(method="POST", path="/token", form={"grant_type": "client_credentials"}, is_login=True)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What arrived, as it came over the line."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Line:
    """One TCP connection that was accepted."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> Request:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        method, target, _ = first.split(" ")
        return Request(method=method, target=target, headers=headers, body=body)

    async def write(self, *parts: bytes) -> None:
        for part in parts:
            self._writer.write(part)
            await self._writer.drain()

    async def wait_for_end(self) -> None:
        """Until the other side hangs up."""
        while await self._reader.read(65536):
            pass

    def reset(self) -> None:
        """End with RST instead of FIN."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Behaviour = Callable[[Line], Awaitable[None]]


@dataclass
class TcpServer:
    """Where it listens, how often somebody connected, and what arrived in full."""

    port: int = 0
    connected: int = 0
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def targets(self) -> list[str]:
        return [request.target for request in self.requests]


@asynccontextmanager
async def serving(behaviour: Behaviour) -> AsyncGenerator[TcpServer, None]:
    """A server on loopback; each connection gets ``behaviour`` and is closed after it."""
    server = TcpServer()
    lines: set[asyncio.Task[Any]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connected += 1
        line = _Recorded(reader, writer, server)
        task = asyncio.current_task()
        assert task is not None
        lines.add(task)
        try:
            await behaviour(line)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            lines.discard(task)
            writer.close()

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in list(lines):
            task.cancel()
        await asyncio.gather(*lines, return_exceptions=True)
        await asyncio.sleep(0)


class _Recorded(Line):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: TcpServer) -> None:
        super().__init__(reader, writer)
        self._server = server

    async def read(self) -> Request:
        request = await super().read()
        self._server.requests.append(request)
        return request


def answering(*answers: bytes | Callable[[Request], bytes]) -> Behaviour:
    """A server that answers in turn, the last answer for ever; connections are kept open as HTTP does."""
    left = list(answers)

    async def behave(line: Line) -> None:
        while True:
            request = await line.read()
            answer = left.pop(0) if len(left) > 1 else left[0]
            await line.write(answer(request) if callable(answer) else answer)

    return behave


async def hangs_up(line: Line) -> None:
    """A server that reads and never answers, since it goes away."""
    await line.read()


async def hangs(line: Line) -> None:
    """A server that reads and never answers, though it stays."""
    await line.read()
    await line.wait_for_end()


def http(status: int = 200, body: str | bytes = "{}", **headers: str) -> bytes:
    """An HTTP answer; ``content_type`` in code is ``Content-Type`` on the line."""
    content = body.encode() if isinstance(body, str) else body
    lines = {"Content-Length": str(len(content))} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + content


def free_port() -> int:
    """A port where nobody listens."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class AnyProvider(Provider):
    """Carries any call. With a ``login`` its calls are signed with the session, else with the key."""

    name = "any"
    title = "Any"
    timeout_s = 0.3

    def __init__(self, login: Callable[[], Exchange[LoginAnswer]] | None = None, *, has_token: bool = False) -> None:
        self._login = login
        self._has_token = has_token

    def sign(self, call: Call, credential: Mapping[str, Secret], session: Session | None) -> Signature:
        if call.is_login:
            return Signature(form={"client_secret": credential["key"]})
        token = session.token if session else credential["key"]
        return Signature(headers={"Authorization": token.as_bearer()})

    def login(self, connection: Connection) -> Exchange[LoginAnswer] | None:
        return self._login() if self._login else None

    def needs_login(self, credential: Mapping[str, Secret]) -> bool:
        return not self._has_token


@asynccontextmanager
async def a_wire(
    base_url: str,
    provider: Provider | None = None,
    *,
    clock: Clock | None = None,
    timeout_s: float | None = None,
    key: str = KEY,
    secrets: Mapping[str, str] = NOTHING,
) -> AsyncGenerator[HttpWire, None]:
    """A wire with one connection, ``billing``, to ``base_url``."""
    wire = HttpWire(
        connections={"billing": a_connection(provider="any", base_url=base_url, timeout_s=timeout_s)},
        credentials={"billing": {"key": Secret(key)}},
        providers={"any": provider or AnyProvider()},
        clock=clock or FrozenClock(),
        secrets={"billing": {name: Secret(value) for name, value in secrets.items()}},
    )
    try:
        yield wire
    finally:
        await wire.close()


def once(call: Call) -> Generator[Call, Reply, Any]:
    """An exchange of one call, whose answer is the reply itself."""
    return (yield call)


def each(*calls: Call) -> Generator[Call, Reply, Any]:
    """An exchange of several calls, whose answer is all replies."""
    replies: tuple[Reply, ...] = ()
    for call in calls:
        replies += ((yield call),)
    return replies


__all__ = [
    "KEY",
    "LOGIN",
    "LOOK",
    "NOTHING",
    "START",
    "AnyProvider",
    "Behaviour",
    "Line",
    "Request",
    "TcpServer",
    "a_wire",
    "answering",
    "each",
    "free_port",
    "hangs",
    "hangs_up",
    "http",
    "once",
    "serving",
]
