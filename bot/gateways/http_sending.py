"""Sends one HTTP call and reads its reply; tells a call that never left from one whose answer was lost.

Why httpx without its client: httpx's requests, responses and transports are what this is written against; its client does nothing
here but what we switch off (redirects, cookies, proxies, authentication, hooks), at a third of the CPU. For the same reason a request
gets its body as a stream: built so it takes 3 µs, else 12, for headers that aiohttp adds anyway.

Why everything but a read gets a connection of its own: a server may close an idle connection just as we send on it. That looks
like a lost answer, and a lost answer to a start is *in doubt*. A fresh connection has no such moment.

Why redirects are never followed, cookies never kept and proxies never used: the credential would go to an address that nobody
configured.

Why a secret of an input is filled in here and nowhere before: the body of the request is the first thing that may hold it.

Why we unpack replies ourselves: httpx unpacks without a limit, and a few kilobytes can hold gigabytes.

Why the last addresses are kept as they were parsed: starts and lists repeat theirs, and parsing one takes 10 µs, with a query 45.
"""

from __future__ import annotations

import zlib
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache
from typing import cast
from urllib.parse import urlencode

import aiohttp
import httpx
import simplejson

from bot.domain.provider import Call, Reply, Signature
from bot.gateways.connecting import NEVER_CONNECTED
from bot.gateways.http_secrets import Secrets
from bot.gateways.http_transport import Transport
from bot.gateways.punctual import leaving_before
from bot.ports import Clock

LARGEST_REPLY_BYTES = 5_000_000

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
    reading: httpx.AsyncBaseTransport
    changing: httpx.AsyncBaseTransport

    @classmethod
    def to(cls, base_url: str, *, timeout_s: float, at_once: int, clock: Clock) -> Sender:
        """Build both; nothing connects yet."""
        reading, changing = (
            Transport(timeout_s=timeout_s, at_once=at_once, is_fresh=is_fresh, clock=clock) for is_fresh in (False, True)
        )
        return cls(base_url=base_url.rstrip("/"), reading=reading, changing=changing)

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
            with leaving_before(call.sent_before):
                response = await transport.handle_async_request(request)
            headers = dict(response.headers.items())
            # As it came: httpx's own way of reading takes another tenth of a read. What our transport gives is always of this kind.
            async with aclosing(cast("httpx.AsyncByteStream", response.stream)) as stream:
                body = await _body(stream, headers.get("content-encoding", ""))
                return secrets.blanked(Reply(status=response.status_code, headers=headers, body=body))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            was_sent = not isinstance(error, NEVER_CONNECTED)
            raise UnansweredError(_network_words(error, was_sent=was_sent), was_sent=was_sent) from error

    def _request(self, call: Call, signature: Signature, secrets: Secrets) -> httpx.Request:
        """The call as httpx has it, signed.

        Raises:
            SecretGoneError: it names a secret that there is not.
            UnansweredError: HTTP cannot carry it.
        """
        try:
            return _written(self.base_url, call, signature, secrets)
        except (httpx.InvalidURL, TypeError, ValueError) as error:
            # Not "from error": what could not be written may be the secret.
            detail = f"the call could not be written ({type(error).__name__})"
        raise UnansweredError(detail, was_sent=False)


def _written(base_url: str, call: Call, signature: Signature, secrets: Secrets) -> httpx.Request:
    url = _url(base_url, call.path, tuple(call.query.items()))
    kind, content = _content(call, signature, secrets)
    headers = {**_HEADERS, **call.headers, **{name: secret.reveal() for name, secret in signature.headers.items()}, **kind}
    if not _BREAKS_HEADERS.isdisjoint("".join(headers.values())):
        raise ValueError("a header with a line break")
    return httpx.Request(call.method, url, headers=headers, stream=httpx.ByteStream(content))


def _content(call: Call, signature: Signature, secrets: Secrets) -> tuple[dict[str, str], bytes]:
    """The header that tells what the body is, and the body; a call without one is of no type."""
    if call.json is not None:
        written = simplejson.dumps(call.json, use_decimal=True, allow_nan=False, default=secrets.plain)
        return {"Content-Type": "application/json"}, written.encode()
    if call.form is not None:
        form = {**call.form, **{name: secret.reveal() for name, secret in signature.form.items()}}
        return {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(form).encode()
    return {}, b""


@lru_cache(maxsize=256)
def _url(base_url: str, path: str, query: tuple[tuple[str, str], ...]) -> httpx.URL:
    address = base_url + _checked_path(path)
    return httpx.URL(address, params=dict(query)) if query else httpx.URL(address)


def _checked_path(path: str) -> str:
    """A part of dots, also ``%2E%2E``, is folded into the one before, here or at the server: the call would go to another address."""
    if any(part in {".", ".."} for part in path.lower().replace("%2e", ".").split("/")):
        raise ValueError("a path that leads upwards")
    return path


async def _body(stream: httpx.AsyncByteStream, packed_as: str) -> str:
    """The body as text; past the size limit, or packed otherwise than asked for, nothing: no provider reads that as a success.

    Always UTF-8, with or without a mark at its start, whatever the header says:
    https://www.rfc-editor.org/rfc/rfc8259#section-8.1
    """
    coding = packed_as.strip().lower()
    if coding not in {"", "identity", "gzip", "x-gzip"}:
        return ""
    read = await (_gunzipped(stream) if "gzip" in coding else _plain(stream))
    return read.decode("utf-8-sig", errors="replace")


async def _plain(stream: httpx.AsyncByteStream) -> bytes:
    read = bytearray()
    async for part in stream:
        read += part
        if len(read) > LARGEST_REPLY_BYTES:
            return b""
    return bytes(read)


async def _gunzipped(stream: httpx.AsyncByteStream) -> bytes:
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    read, packed_bytes = bytearray(), 0
    async for part in stream:
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
    return "no answer in time" if isinstance(error, TimeoutError) else "the connection broke before an answer came"
