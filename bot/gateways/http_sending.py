"""Sends one HTTP call and reads its reply; tells a call that never left from one whose answer was lost.

Why aiohttp carries httpx: httpx's own pool costs about five times the CPU per request and stands still above some hundred waiting
requests (shared performance notes, 2). httpx's requests, responses and transports stay what everything is written against; its client
is left out, since it does nothing here but what we switch off (redirects, cookies, proxies, authentication, hooks), at a third of the CPU.

Why everything but a read gets a connection of its own: a server may close an idle connection just as we send on it. That looks
like a lost answer, and a lost answer to a start is *in doubt*. A fresh connection has no such moment.

Why redirects are never followed, cookies never kept and proxies never used: the credential would go to an address that nobody
configured.

Why a secret of an input is filled in here and nowhere before: the body of the request is the first thing that may hold it.

Why we unpack replies ourselves: httpx unpacks without a limit, and a few kilobytes can hold gigabytes.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from typing import Any

import aiohttp
import httpx
import simplejson
from httpx_aiohttp import AiohttpTransport

from bot.domain.provider import Call, Reply, Signature
from bot.gateways.http_secrets import Secrets

LARGEST_REPLY_BYTES = 5_000_000
CONNECT_TIMEOUT_S = 10.0

# The transport turns every broken connection into httpx.ConnectTimeout, also one that broke after the request had left
# (httpx_aiohttp/transport.py, AIOHTTP_EXC_MAP). Only aiohttp's own error, kept as the cause, tells whether it was sent.
_NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
_NO_SECRETS = Secrets()
_HEADERS = {"User-Agent": "gonogo", "Accept": "application/json", "Accept-Encoding": "gzip"}
_BREAKS_HEADERS = frozenset("\r\n\0")


class UnansweredError(Exception):
    """There was no reply; ``was_sent``: the call may have arrived. ``detail`` names no address and nothing that was sent."""

    def __init__(self, detail: str, *, was_sent: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.was_sent = was_sent


@dataclass(frozen=True)
class Sender:
    """The two ways out of one connection: ``reading`` shares its TCP connections, ``changing`` opens one for each call."""

    base_url: str
    timeout_s: float
    reading: httpx.AsyncBaseTransport
    changing: httpx.AsyncBaseTransport

    @classmethod
    def to(cls, base_url: str, *, timeout_s: float, at_once: int) -> Sender:
        """Build both; nothing connects yet."""
        reading, changing = (_transport(at_once, is_fresh=is_fresh) for is_fresh in (False, True))
        return cls(base_url=base_url.rstrip("/"), timeout_s=timeout_s, reading=reading, changing=changing)

    async def close(self) -> None:
        """Close every TCP connection."""
        await self.reading.aclose()
        await self.changing.aclose()

    async def send(self, call: Call, signature: Signature, secrets: Secrets = _NO_SECRETS) -> Reply:
        """One call, with ``secrets`` where it names them, and its reply, without them.

        Raises:
            SecretGoneError: it names one that there is not; nothing was sent.
            UnansweredError: there was no reply.
        """
        transport = self.reading if call.method in {"GET", "HEAD"} else self.changing
        request = self._request(call, signature, secrets)
        try:
            # A reply that trickles in never breaks a limit between two bytes, so the whole call has one as well.
            async with asyncio.timeout(_connect_timeout_s(self.timeout_s) + self.timeout_s):
                response = await transport.handle_async_request(request)
                async with aclosing(response):
                    read = Reply(status=response.status_code, headers=dict(response.headers), body=await _body(response))
                    return secrets.blanked(read)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError) as error:
            was_sent = not isinstance(error.__cause__ or error, _NEVER_CONNECTED)
            raise UnansweredError(_network_words(error, was_sent=was_sent), was_sent=was_sent) from error

    def _request(self, call: Call, signature: Signature, secrets: Secrets) -> httpx.Request:
        """The call as httpx has it, signed.

        Raises:
            SecretGoneError: it names a secret that there is not.
            UnansweredError: HTTP cannot carry it.
        """
        try:
            extensions = {"timeout": httpx.Timeout(self.timeout_s, connect=_connect_timeout_s(self.timeout_s)).as_dict()}
            return httpx.Request(**_arguments(self.base_url, call, signature, secrets), extensions=extensions)
        except (httpx.InvalidURL, TypeError, ValueError) as error:
            # Not "from error": what could not be written may be the secret.
            detail = f"the call could not be written ({type(error).__name__})"
        raise UnansweredError(detail, was_sent=False)


@cache
def _tls() -> ssl.SSLContext:
    """One for all: reading the machine's certificates takes 25 ms."""
    return ssl.create_default_context()


def _connect_timeout_s(timeout_s: float) -> float:
    return min(CONNECT_TIMEOUT_S, timeout_s)


def _transport(at_once: int, *, is_fresh: bool) -> httpx.AsyncBaseTransport:
    def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(force_close=is_fresh, limit=at_once, ssl=_tls())
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_send_once,) if is_fresh else (),
            skip_auto_headers=("Content-Type",),  # a call without a body is of no type
        )

    return AiohttpTransport(client=session, verify=_tls(), trust_env=False)


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Aiohttp sends a PUT or DELETE again when the connection breaks, as if that could do no harm; this error it lets through."""
    try:
        return await send(request)
    except _NEVER_CONNECTED:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


def _arguments(base_url: str, call: Call, signature: Signature, secrets: Secrets) -> dict[str, Any]:
    headers = {**_HEADERS, **call.headers, **{name: secret.reveal() for name, secret in signature.headers.items()}}
    arguments: dict[str, Any] = {"method": call.method, "url": base_url + _checked_path(call.path), "headers": headers}
    if call.query:
        arguments["params"] = dict(call.query)
    if call.json is not None:
        arguments["content"] = simplejson.dumps(call.json, use_decimal=True, allow_nan=False, default=secrets.plain).encode()
        headers["Content-Type"] = "application/json"
    elif call.form is not None:
        arguments["data"] = {**call.form, **{name: secret.reveal() for name, secret in signature.form.items()}}
    if any(_BREAKS_HEADERS.intersection(value) for value in headers.values()):
        raise ValueError("a header with a line break")
    return arguments


def _checked_path(path: str) -> str:
    """Aiohttp folds a part of dots, also ``%2E%2E``, into the one before: the call would go to another address."""
    if any(part in {".", ".."} for part in path.lower().replace("%2e", ".").split("/")):
        raise ValueError("a path that leads upwards")
    return path


async def _body(response: httpx.Response) -> str:
    """The body as text; past the size limit, or packed otherwise than asked for, nothing: no provider reads that as a success.

    Always UTF-8, with or without a mark at its start, whatever the header says:
    https://www.rfc-editor.org/rfc/rfc8259#section-8.1
    """
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in {"", "identity", "gzip", "x-gzip"}:
        return ""
    read = await (_gunzipped(response) if "gzip" in coding else _plain(response))
    return read.decode("utf-8-sig", errors="replace")


async def _plain(response: httpx.Response) -> bytes:
    read = bytearray()
    async for part in response.aiter_raw():
        read += part
        if len(read) > LARGEST_REPLY_BYTES:
            return b""
    return bytes(read)


async def _gunzipped(response: httpx.Response) -> bytes:
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    read, packed_bytes = bytearray(), 0
    async for part in response.aiter_raw():
        packed_bytes += len(part)
        try:
            read += unpacker.decompress(part, LARGEST_REPLY_BYTES + 1 - len(read))
        except zlib.error:
            return b""
        if max(len(read), packed_bytes) > LARGEST_REPLY_BYTES:
            return b""
    return bytes(read) if unpacker.eof else b""


def _network_words(error: Exception, *, was_sent: bool) -> str:
    if not was_sent:
        return "no connection could be made"
    is_late = isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError)
    return "no answer in time" if is_late else "the connection broke before an answer came"
