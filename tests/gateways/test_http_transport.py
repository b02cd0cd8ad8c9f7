from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from bot.gateways.connecting import NEVER_CONNECTED
from bot.gateways.http_transport import Transport
from tests.builders import FrozenClock
from tests.gateways.wire_world import Behaviour, Line, TcpServer, answering, free_port, hangs, hangs_up, http, serving


@asynccontextmanager
async def a_transport(*, is_fresh: bool = False, timeout_s: float = 5.0, at_once: int = 4) -> AsyncGenerator[Transport, None]:
    async with Transport(timeout_s=timeout_s, at_once=at_once, is_fresh=is_fresh, clock=FrozenClock()) as transport:
        yield transport


def get(url: str, **more: Any) -> httpx.Request:
    return httpx.Request("GET", url, **more)


async def read(response: httpx.Response) -> bytes:
    """As httpx reads, without unpacking."""
    try:
        return b"".join([part async for part in response.aiter_raw()])
    finally:
        await response.aclose()


async def ask(transport: Transport, request: httpx.Request) -> tuple[httpx.Response, bytes]:
    response = await transport.handle_async_request(request)
    return response, await read(response)


# --- there ---


@pytest.mark.parametrize("more", [{"content": b"a body"}, {"stream": httpx.ByteStream(b"a body")}], ids=["filled in", "bare"])
async def test_a_request_arrives_whether_httpx_filled_in_its_headers_or_not(more: Any) -> None:
    async with serving(answering(http())) as server, a_transport() as transport:
        await ask(transport, httpx.Request("POST", f"{server.url}/start?a=%20b", headers={"X-Thing": "y"}, **more))

    (request,) = server.requests
    assert (request.method, request.target, request.body) == ("POST", "/start?a=%20b", b"a body")
    assert {name: request.headers.get(name) for name in ("host", "content-length", "content-type", "x-thing")} == {
        "host": server.url.removeprefix("http://"),
        "content-length": "6",
        "content-type": None,
        "x-thing": "y",
    }


@pytest.mark.parametrize(
    "part", ["a%3Bb=1", "a%2Fb", "a%2fb", "a%26b", "a%3Ab", "a%40b", "a%24", "a%2C", "a%7E", "a+b%2B", "%C3%A9", "a%25b"]
)
async def test_an_address_leaves_as_httpx_has_it(part: str) -> None:
    """Aiohttp would write some characters plainly that were escaped: to a server ``;`` begins a parameter, ``%3B`` is part of a name."""
    async with serving(answering(http())) as server, a_transport() as transport:
        await ask(transport, get(f"{server.url}/runs/{part}/look?q={part}&x={part}"))

    assert server.targets == [f"/runs/{part}/look?q={part}&x={part}"]


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("HEAD", None), ("POST", "0"), ("DELETE", "0")])
async def test_a_request_without_a_body_says_so_where_its_method_could_have_one(method: str, length: str | None) -> None:
    async with serving(answering(http(204, ""))) as server, a_transport() as transport:
        await ask(transport, httpx.Request(method, server.url, stream=httpx.ByteStream(b"")))

    assert (server.requests[0].headers.get("content-length"), server.requests[0].body) == (length, b"")


# --- and back ---


async def test_a_response_has_its_headers_as_they_came() -> None:
    head = b"HTTP/1.1 201 Made\r\nX-Twice: a\r\nX-Twice: b\r\nContent-Length: 2\r\n\r\n{}"

    async with serving(answering(head)) as server, a_transport() as transport:
        response, body = await ask(transport, get(server.url))

    assert (response.status_code, body) == (201, b"{}")
    assert response.headers.raw == [(b"X-Twice", b"a"), (b"X-Twice", b"b"), (b"Content-Length", b"2")]


async def test_a_packed_body_stays_packed() -> None:
    packed = gzip.compress(b'{"id": 400}', mtime=0)

    async with serving(answering(http(200, packed, Content_Encoding="gzip"))) as server, a_transport() as transport:
        response, body = await ask(transport, get(server.url))

    assert (body, response.headers["content-encoding"]) == (packed, "gzip")


async def test_a_response_is_there_before_its_body() -> None:
    may_go_on = asyncio.Event()

    async def slow(line: Line) -> None:
        await line.read()
        await line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        await may_go_on.wait()
        await line.write(b"late")

    async with serving(slow) as server, a_transport() as transport:
        response = await transport.handle_async_request(get(server.url))
        may_go_on.set()

        assert (response.status_code, await read(response)) == (200, b"late")


# --- which connection ---


@pytest.mark.parametrize(("is_fresh", "connected"), [(False, 1), (True, 3)])
async def test_requests_share_a_connection_unless_each_is_to_have_its_own(is_fresh: bool, connected: int) -> None:
    async with serving(answering(http())) as server, a_transport(is_fresh=is_fresh) as transport:
        for _ in range(3):
            await ask(transport, get(server.url))

    assert (len(server.requests), server.connected) == (3, connected)


async def test_a_connection_whose_body_nobody_read_is_not_used_again() -> None:
    """What is left of that body would be read as the next response."""
    async with serving(answering(http(200, "x" * 1_000_000), http())) as server, a_transport() as transport:
        response = await transport.handle_async_request(get(server.url))
        await response.aclose()
        _, body = await ask(transport, get(server.url))

    assert (body, server.connected) == (b"{}", 2)


async def test_what_a_server_says_unasked_is_not_the_reply_to_the_next_request() -> None:
    """As balancers do that tire of an idle connection, before they close it; or a server whose lengths are wrong."""
    lines: list[Line] = []

    async def talkative(line: Line) -> None:
        lines.append(line)
        await answering(http(200, str(len(lines))))(line)

    async with serving(talkative) as server, a_transport() as transport:
        await asyncio.gather(*(ask(transport, get(server.url)) for _ in range(3)))
        for line in lines:
            await line.write(http(408, "too slow"))
        await asyncio.sleep(0.05)
        response, body = await ask(transport, get(server.url))

    assert (response.status_code, body, server.connected) == (200, b"4", 4)


async def test_there_are_never_more_connections_than_agreed() -> None:
    now, most = 0, 0

    async def behave(line: Line) -> None:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await line.read()
        await asyncio.sleep(0.01)
        now -= 1
        await line.write(http())

    async with serving(behave) as server, a_transport(is_fresh=True, at_once=2) as transport:
        await asyncio.gather(*(ask(transport, get(server.url)) for _ in range(6)))

    assert (most, server.connected) == (2, 6)


async def test_closing_hangs_up_and_may_come_before_anything_was_sent() -> None:
    ended = asyncio.Event()

    async def patient(line: Line) -> None:
        await line.read()
        await line.write(http())
        await line.wait_for_end()
        ended.set()

    unused = Transport(timeout_s=5, at_once=1, is_fresh=False, clock=FrozenClock())
    async with serving(patient) as server:
        async with a_transport() as transport:
            await ask(transport, get(server.url))
        await unused.aclose()
        await asyncio.wait_for(ended.wait(), 2)

    assert server.connected == 1


# --- what went wrong ---


async def trickles(line: Line) -> None:
    await line.read()
    await line.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await line.write(b" ")
        await asyncio.sleep(0.02)


async def failure(server: TcpServer, *, is_fresh: bool) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, is what the tests ask
        async with a_transport(is_fresh=is_fresh, timeout_s=0.15) as transport:
            await ask(transport, get(server.url))
    return caught.value


@pytest.mark.parametrize("is_fresh", [False, True])
async def test_without_a_connection_the_error_says_that_nothing_was_sent(is_fresh: bool) -> None:
    assert isinstance(await failure(TcpServer(port=free_port()), is_fresh=is_fresh), NEVER_CONNECTED)


@pytest.mark.parametrize("is_fresh", [False, True])
@pytest.mark.parametrize(("behaviour", "is_late"), [(hangs_up, False), (hangs, True), (trickles, True)])
async def test_once_connected_the_error_says_that_it_may_have_been_sent(
    behaviour: Behaviour, is_late: bool, is_fresh: bool
) -> None:
    async with serving(behaviour) as server:
        error = await failure(server, is_fresh=is_fresh)

    assert (isinstance(error, NEVER_CONNECTED), isinstance(error, TimeoutError)) == (False, is_late)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
async def test_what_has_a_connection_of_its_own_is_sent_once_even_if_aiohttp_would_send_it_again(method: str) -> None:
    async with serving(hangs_up) as server, a_transport(is_fresh=True) as transport:
        with pytest.raises(Exception, match="Server disconnected"):
            await ask(transport, httpx.Request(method, server.url))

    assert len(server.requests) == 1


async def test_a_waiting_request_that_is_given_up_frees_its_connection() -> None:
    async with serving(hangs) as server, a_transport(at_once=1) as transport:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await ask(transport, get(server.url))

    assert server.connected == 2
