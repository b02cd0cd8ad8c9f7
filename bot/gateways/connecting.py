"""How connections to others are made and used again: aiohttp's pool, and what it leaves out.

Why a connection on which somebody spoke unasked is not used: a balancer that tires of an idle connection may say so before it closes it,
and a server may send more than it announced. aiohttp keeps what came and takes it for the reply to the next request, so that one
run would be shown what is true of another.
"""

from __future__ import annotations

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

NEVER_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,  # a proxy that does not let us through
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)
"""The errors after which a request has certainly not left; after every other it may have."""


class QuietConnector(aiohttp.TCPConnector):
    """aiohttp's connection pool, without connections on which more came than was asked for."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own signature
    ) -> Connection:
        """A connection for this request.

        Raises:
            aiohttp.InvalidURL: no server can have that name.
        """
        try:
            connection = await super().connect(req, traces, timeout)
            for _ in range(0 if self.force_close else self.limit):  # as many as may be idle: a server may also always speak first
                if connection.protocol is None or not connection.protocol.should_close:
                    break
                connection.close()
                connection = await super().connect(req, traces, timeout)
        except UnicodeError as error:  # so the name's own encoding says it, which aiohttp lets through
            raise aiohttp.InvalidURL(req.url) from error
        return connection
