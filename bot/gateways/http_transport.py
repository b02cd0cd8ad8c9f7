"""httpx's requests over aiohttp's connections: as much of a transport as one connection to a provider needs.

Why aiohttp: httpx's own pool costs about five times the CPU per request and stands still above some hundred waiting requests (shared
performance notes, 2).

Why not the package httpx-aiohttp, which is such a transport for everybody: to the CPU of aiohttp itself it added three tenths for a
read, and our limit on the whole call around it another tenth; this adds a sixth with the limit in it. What it saves: headers looked up
one by one, generators within each other, limits built for each request. And the package calls every broken connection an
``httpx.ConnectTimeout``, also one that broke after the request had left; here aiohttp's own errors come out, which tell the two apart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import httpx
from yarl import URL

from bot.gateways.connecting import NEVER_CONNECTED
from bot.gateways.punctual import PunctualConnector
from bot.ports import Clock

CONNECT_TIMEOUT_S = 10.0
LONGEST_HEADER_BYTES = 65_536
"""By itself aiohttp takes 8 kB, and servers have longer ones; a reply that is not taken leaves a start in doubt."""


class Transport(httpx.AsyncBaseTransport):
    """``is_fresh``: every request gets a TCP connection of its own; else they share. There are never more than ``at_once``.

    ``timeout_s``: how long the next bytes may take. It, and the time to connect, limit the whole as well.
    """

    def __init__(self, *, timeout_s: float, at_once: int, is_fresh: bool, clock: Clock) -> None:
        self._timeout_s = timeout_s
        self._at_once = at_once
        self._is_fresh = is_fresh
        self._clock = clock
        self._opened: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it. The body of the response is still to be read, as it came; closing its stream is for whoever reads it.

        Raises:
            aiohttp.ClientError, OSError, ValueError: there was no response.
        """
        if self._opened is None:
            self._opened = self._session()  # not before: it belongs to the event loop that runs
        response = await self._opened.request(
            request.method,
            URL(str(request.url), encoded=True),  # else it would write escapes of its own
            headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
            data=request.read() or None,
            allow_redirects=False,
        )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response))

    async def aclose(self) -> None:
        """Close every TCP connection."""
        if self._opened is not None:
            await self._opened.close()

    def _session(self) -> aiohttp.ClientSession:
        connect_s = min(CONNECT_TIMEOUT_S, self._timeout_s)
        return aiohttp.ClientSession(
            connector=PunctualConnector(self._clock, force_close=self._is_fresh, limit=self._at_once),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_field_size=LONGEST_HEADER_BYTES,
            middlewares=(_send_once,) if self._is_fresh else (),
            skip_auto_headers=("Content-Type",),  # a call without a body is of no type
            # A reply that trickles in never breaks a limit between two bytes, so the whole call has one as well.
            timeout=aiohttp.ClientTimeout(
                total=connect_s + self._timeout_s, connect=self._timeout_s, sock_connect=connect_s, sock_read=self._timeout_s
            ),
        )


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.content.iter_any()

    async def aclose(self) -> None:
        """A connection whose body was not read to its end is closed, since nobody else could use it."""
        self._response.close()


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Aiohttp sends a PUT or DELETE again when the connection breaks, as if that could do no harm; this error it lets through."""
    try:
        return await send(request)
    except NEVER_CONNECTED:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error
