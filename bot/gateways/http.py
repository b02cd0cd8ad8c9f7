"""Drives exchanges over httpx: time-outs, size limit, sessions; adds what proves who we are last.

Why aiohttp carries httpx: httpx's own pool costs about five times the CPU per request and stands still above some hundred waiting
requests (shared performance notes, 2). httpx stays the client that everything is written against.

Why a call that changes something gets a connection of its own: a server may close an idle connection just as we send on it. That
looks like a lost answer, and a lost answer to a start is *in doubt*. A fresh connection has no such moment.

Why redirects are never followed: the credential would go to an address that nobody configured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import aiohttp
import httpx
import simplejson
import structlog
from httpx_aiohttp import AiohttpTransport

from bot.domain.model import Connection
from bot.domain.provider import Call, Exchange, LoggedIn, Provider, Reply, Secret, Session, Trouble, Unreachable
from bot.ports import Clock

LARGEST_REPLY_BYTES = 5_000_000
CONNECT_TIMEOUT_S = 10.0
IN_FLIGHT_PER_CONNECTION = 16

A = TypeVar("A")
_log = structlog.get_logger("gonogo.wire")

# The transport turns every broken connection into httpx.ConnectTimeout, also one that broke after the request had left
# (httpx_aiohttp/transport.py, AIOHTTP_EXC_MAP). Only aiohttp's own error, kept as the cause, tells whether it was sent.
_NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class _UnansweredError(Exception):
    """The network brought no reply; ``was_sent``: the call may have arrived."""

    def __init__(self, detail: str, *, was_sent: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.was_sent = was_sent


@dataclass
class _Wire:
    """One connection at work: its clients, its session, and how much is in flight."""

    connection: Connection
    provider: Provider
    credential: Mapping[str, Secret]
    reading: httpx.AsyncClient
    changing: httpx.AsyncClient
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT_PER_CONNECTION))
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)
    session: Session | None = None
    session_over_at: datetime | None = None

    @property
    def timeout_s(self) -> float:
        """How long one call may take."""
        return self.connection.timeout_s or self.provider.timeout_s


class HttpWire:
    """Carries exchanges to the providers of the configured connections. Close it when done."""

    def __init__(
        self,
        *,
        connections: Mapping[str, Connection],
        credentials: Mapping[str, Mapping[str, Secret]],
        providers: Mapping[str, Provider],
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._wires = {
            name: _Wire(
                connection=connection,
                provider=providers[connection.provider],
                credential=credentials[name],
                reading=_client(connection, providers[connection.provider], is_fresh=False),
                changing=_client(connection, providers[connection.provider], is_fresh=True),
            )
            for name, connection in connections.items()
        }

    async def close(self) -> None:
        """Close every connection."""
        for wire in self._wires.values():
            await wire.reading.aclose()
            await wire.changing.aclose()

    async def perform(self, connection: str, exchange: Exchange[A]) -> A | Unreachable:
        """Drive an exchange to its answer over the named connection. Never raises on what a network or a provider does."""
        wire = self._wires[connection]
        async with wire.slots:
            return await self._drive(wire, exchange)

    async def _drive(self, wire: _Wire, exchange: Exchange[A]) -> A | Any:
        """The login's own trouble is an answer of every verb, so it is handed on as it is."""
        try:
            call = next(exchange)
            while True:
                reply = await self._reply(wire, call)
                if not isinstance(reply, Reply):
                    exchange.close()
                    return reply
                call = exchange.send(reply)
        except StopIteration as stop:
            return stop.value

    async def _reply(self, wire: _Wire, call: Call) -> Reply | Trouble:
        """One call, with a session that is renewed once where the provider says that it is over."""
        try:
            used = await self._session(wire)
            if used is not None and not isinstance(used, Session):
                return used
            reply = await self._send(wire, call, used)
            if used is not None and wire.provider.is_session_over(reply):
                renewed = await self._session(wire, instead_of=used)
                if not isinstance(renewed, Session):
                    return renewed or Unreachable(is_possibly_applied=False, detail="no session")
                reply = await self._send(wire, call, renewed)
        except _UnansweredError as error:
            return Unreachable(is_possibly_applied=error.was_sent and call.changes, detail=error.detail)
        return reply

    async def _session(self, wire: _Wire, instead_of: Session | None = None) -> Session | Trouble | None:
        """The session to use; None where the provider has no logins. One login at a time, shared by all who wait."""
        login = wire.provider.login(wire.connection) if wire.provider.needs_login(wire.credential) else None
        if login is None:
            return None
        async with wire.renewing:
            if wire.session is not None and wire.session is not instead_of and not self._is_over(wire):
                login.close()
                return wire.session
            return await self._log_in(wire, login)

    async def _log_in(self, wire: _Wire, login: Exchange[Any]) -> Session | Trouble:
        try:
            call = next(login)
            while True:
                call = login.send(await self._send(wire, call, None))
        except StopIteration as stop:
            answer: LoggedIn | Trouble = stop.value
        except _UnansweredError as error:
            return Unreachable(is_possibly_applied=False, detail=f"login: {error.detail}")
        if not isinstance(answer, LoggedIn):
            # Whatever became of the login, the call that needed it was not sent.
            return Unreachable(is_possibly_applied=False, detail=answer.detail) if isinstance(answer, Unreachable) else answer
        wire.session = answer.session
        lives_s = answer.session.lives_s
        wire.session_over_at = None if lives_s is None else self._clock.now() + timedelta(seconds=lives_s)
        return answer.session

    def _is_over(self, wire: _Wire) -> bool:
        return wire.session_over_at is not None and self._clock.now() >= wire.session_over_at

    async def _send(self, wire: _Wire, call: Call, session: Session | None) -> Reply:
        """One request and its reply.

        Raises:
            _UnansweredError: there was none.
        """
        started = asyncio.get_running_loop().time()
        client = wire.changing if call.changes else wire.reading
        status: int | str = "none"
        try:
            async with (
                asyncio.timeout(CONNECT_TIMEOUT_S + wire.timeout_s),
                client.stream(**_request(wire, call, session)) as response,
            ):
                status = response.status_code
                return Reply(status=status, headers=_lowered(response.headers), body=await _body(response))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, aiohttp.ClientError, OSError) as error:
            was_sent = not isinstance(error.__cause__ or error, (*_NEVER_CONNECTED, httpx.InvalidURL))
            raise _UnansweredError(_network_words(error, was_sent=was_sent), was_sent=was_sent) from error
        finally:
            took_ms = round(1000 * (asyncio.get_running_loop().time() - started), 1)
            _log.info(
                "provider_call",
                connection=wire.connection.name,
                method=call.method,
                path=call.path,
                status=status,
                took_ms=took_ms,
            )


def _client(connection: Connection, provider: Provider, *, is_fresh: bool) -> httpx.AsyncClient:
    timeout_s = connection.timeout_s or provider.timeout_s

    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(force_close=is_fresh, limit=IN_FLIGHT_PER_CONNECTION)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False)

    return httpx.AsyncClient(
        transport=AiohttpTransport(client=session),
        timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
        follow_redirects=False,
        headers={"User-Agent": "gonogo", "Accept": "application/json"},
    )


def _request(wire: _Wire, call: Call, session: Session | None) -> dict[str, Any]:
    """The arguments of httpx for a call, signed."""
    signature = wire.provider.sign(call, wire.credential, session)
    headers = {**call.headers, **{name: secret.reveal() for name, secret in signature.headers.items()}}
    request: dict[str, Any] = {"method": call.method, "url": wire.connection.base_url.rstrip("/") + call.path}
    if call.query:
        request["params"] = dict(call.query)
    if call.json is not None:
        request["content"] = simplejson.dumps(call.json, use_decimal=True, allow_nan=False, default=dict).encode()
        headers["Content-Type"] = "application/json"
    elif call.form is not None:
        request["data"] = {**call.form, **{name: secret.reveal() for name, secret in signature.form.items()}}
    return request | {"headers": headers}


async def _body(response: httpx.Response) -> str:
    """The body as text, up to the size limit; past it nothing, which no provider can read as a success."""
    read = bytearray()
    async for part in response.aiter_bytes():
        read += part
        if len(read) > LARGEST_REPLY_BYTES:
            return ""
    return read.decode(response.encoding or "utf-8", errors="replace")


def _lowered(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _network_words(error: Exception, *, was_sent: bool) -> str:
    """What happened on the network, without addresses or anything that was sent."""
    if not was_sent:
        return "no connection could be made"
    if isinstance(error.__cause__ or error, (TimeoutError, httpx.TimeoutException)):
        return "no answer in time"
    return "the connection broke before an answer came"
