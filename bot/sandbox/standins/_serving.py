"""Carries bytes to and from the stand-ins over HTTP, and lets the faults befall them on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import assert_never

from aiohttp import web

from bot.domain.provider import UNREADABLE, Reply
from bot.sandbox.standins._faults import Fault, FaultKind, FaultLine
from bot.sandbox.standins._house import Incoming, Received, StandIn, World
from bot.sandbox.standins._plain import FORM_TYPE

GARBAGE = b'\x00\xfe{"id":\xff 4oo, ]'
HTML = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>"
CHUNK = b"x" * 65_536
LOOK_EVERY_S = 0.02
"""How often a hanging answer looks whether its client is still there."""


@dataclass
class Server:
    """The stand-ins by name, the faults that wait for each, and what they received."""

    world: World
    standins: dict[str, StandIn]
    received: list[Received] = field(default_factory=list[Received])
    lines: dict[str, FaultLine] = field(default_factory=dict[str, FaultLine])
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def line(self, provider: str) -> FaultLine:
        """The faults that wait at one stand-in."""
        return self.lines.setdefault(provider, FaultLine())

    def release(self) -> None:
        """Let every hanging answer go on; later ones hang again."""
        self.released.set()
        self.released = asyncio.Event()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, as the provider or as the fault has it."""
        standin = self.standins.get(request.match_info["provider"])
        if standin is None:
            return web.Response(status=404, text="There is no such stand-in.")
        asked = await read(request, self.world)
        verb = standin.verb_of(asked)
        place = len(self.received)
        self.received.append(note(standin, verb, asked))
        status: int | None = None
        try:
            response = await self._respond(standin, asked, self.line(standin.name).take(verb), request)
            status = None if is_gone(request) else response.status
        finally:
            self.received[place] = replace(self.received[place], status=status, is_over=True)
        return response

    async def _respond(self, standin: StandIn, asked: Incoming, fault: Fault | None, request: web.Request) -> web.StreamResponse:
        if fault is None:
            return plain(await standin.answer(asked))
        if fault.kind is FaultKind.EXPIRE:
            return plain(standin.expired(asked))
        if fault.kind is FaultKind.REFUSE_SCOPE:
            return plain(standin.refusal(standin.scopes[0] if standin.scopes else "scope"))
        if fault.kind is FaultKind.LATE:
            await standin.answer(replace(asked, late_s=fault.delay_s))
            return cut(request)
        if fault.kind is FaultKind.HANG:
            return await self._hang(standin, asked, fault, request)
        reply = await standin.answer(asked) if fault.is_applied else None
        return await befall(standin, fault, reply, request)

    async def _hang(self, standin: StandIn, asked: Incoming, fault: Fault, request: web.Request) -> web.StreamResponse:
        reply = await standin.answer(asked) if fault.is_applied else None
        released = self.released
        while not released.is_set() and not is_gone(request):  # noqa: ASYNC110 - two things are waited for: release and hang-up
            await asyncio.sleep(LOOK_EVERY_S)
        if is_gone(request):
            return cut(request)
        return plain(reply or await standin.answer(asked))


async def read(request: web.Request, world: World) -> Incoming:
    """The request as plain values, with the provider's own path."""
    return Incoming(
        method=request.method,
        path=request.path.removeprefix(f"/{request.match_info['provider']}"),
        at=world.now(),
        query=dict(request.query),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
    )


def note(standin: StandIn, verb: str, asked: Incoming) -> Received:
    """What to remember of a request: everything but its secrets."""
    hidden = standin.secret_headers
    sent = asked.json()
    return Received(
        provider=standin.name,
        verb=verb,
        method=asked.method,
        path=asked.path,
        query=asked.query,
        headers={name: "****" if name in hidden else value for name, value in asked.headers.items()},
        json=None if sent is UNREADABLE or asked.content_type == FORM_TYPE else sent,
        form_keys=tuple(asked.form()),
        at=asked.at,
    )


async def befall(standin: StandIn, fault: Fault, reply: Reply | None, request: web.Request) -> web.StreamResponse:
    """What the client gets in place of ``reply`` (None: it was never made)."""
    match fault.kind:
        case FaultKind.STATUS:
            response = plain(standin.trouble(fault.status, fault.retry_after_s))
        case FaultKind.DROP:
            response = cut(request)
        case FaultKind.GARBAGE:
            response = web.Response(body=GARBAGE, content_type="application/json")
        case FaultKind.HTML:
            response = web.Response(body=HTML, content_type="text/html")
        case FaultKind.TRUNCATED:
            response = await half(reply or Reply(status=200, body='{"data": {"status": "'), request)
        case FaultKind.ENORMOUS:
            response = await enormous(fault.size_bytes, request)
        case FaultKind.REDIRECT:
            response = web.Response(status=307, headers={"Location": fault.location})
        case FaultKind.HANG | FaultKind.LATE | FaultKind.EXPIRE | FaultKind.REFUSE_SCOPE:
            raise AssertionError(fault.kind)  # the server answers these itself
        case _:
            assert_never(fault.kind)
    return response


def plain(reply: Reply) -> web.Response:
    """The answer as the stand-in made it."""
    return web.Response(status=reply.status, headers=dict(reply.headers), body=reply.body.encode())


def cut(request: web.Request) -> web.Response:
    """Cut the connection; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def is_gone(request: web.Request) -> bool:
    """True when nobody is there to answer."""
    return request.transport is None or request.transport.is_closing()


async def half(reply: Reply, request: web.Request) -> web.StreamResponse:
    """Promise the whole body, send half of it, and cut."""
    body = reply.body.encode()
    response = web.StreamResponse(status=reply.status, headers={"content-type": "application/json"})
    response.content_length = len(body) + 1
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def enormous(size_bytes: int, request: web.Request) -> web.StreamResponse:
    """Stream one JSON string of so many bytes, until the client has had enough."""
    response = web.StreamResponse(headers={"content-type": "application/json"})
    await response.prepare(request)
    try:
        for chunk in padding(size_bytes):
            await response.write(chunk)
    except ConnectionError:
        return cut(request)
    return response


def padding(size_bytes: int) -> Iterator[bytes]:
    """Valid JSON of about ``size_bytes`` bytes, in pieces."""
    yield b'{"padding": "'
    for _ in range(size_bytes // len(CHUNK)):
        yield CHUNK
    yield CHUNK[: size_bytes % len(CHUNK)]
    yield b'"}'
