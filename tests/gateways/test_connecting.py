"""Connections over a real server on loopback: which are used again, and what has certainly not left."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bot.gateways.connecting import NEVER_CONNECTED, QuietConnector
from tests.gateways.wire_world import Line, answering, hangs, http, serving

NEXT = http(408, "too slow")


async def ask(session: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    async with session.get(url) as response:
        return response.status, await response.text()


class Talkative:
    """Answers with the number of its connection, and says ``NEXT`` on all of them when it is told to."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    async def __call__(self, line: Line) -> None:
        self.lines.append(line)
        await answering(http(200, str(len(self.lines))))(line)

    async def speak_unasked(self, *lines: Line) -> None:
        for line in lines:
            await line.write(NEXT)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("idle", [1, 3])
async def test_no_connection_is_used_on_which_somebody_spoke_unasked(idle: int) -> None:
    talkative = Talkative()
    async with serving(talkative) as server, aiohttp.ClientSession(connector=QuietConnector(limit=4)) as session:
        await asyncio.gather(*(ask(session, server.url) for _ in range(idle)))
        await talkative.speak_unasked(*talkative.lines)

        assert await ask(session, server.url) == (200, str(idle + 1))


async def test_a_connection_that_stayed_quiet_is_used_though_another_did_not() -> None:
    talkative = Talkative()
    async with serving(talkative) as server, aiohttp.ClientSession(connector=QuietConnector(limit=2)) as session:
        await asyncio.gather(*(ask(session, server.url) for _ in range(2)))
        await talkative.speak_unasked(talkative.lines[0])

        assert {await ask(session, server.url) for _ in range(3)} == {(200, "2")}
    assert server.connected == 2


async def test_connections_that_are_not_used_leave_their_places_to_others() -> None:
    talkative = Talkative()
    async with serving(talkative) as server, aiohttp.ClientSession(connector=QuietConnector(limit=1)) as session:
        for _ in range(4):
            await ask(session, server.url)
            await talkative.speak_unasked(talkative.lines[-1])

    assert server.connected == 4


@pytest.mark.parametrize("force_close", [True, False])
async def test_a_server_that_always_speaks_first_is_heard(force_close: bool) -> None:
    async def busy(line: Line) -> None:
        await line.write(http(503, "busy", Connection="close"))
        await line.wait_for_end()

    connector = QuietConnector(limit=3, force_close=force_close)
    async with serving(busy) as server, aiohttp.ClientSession(connector=connector) as session:
        assert await ask(session, server.url) == (503, "busy")


@pytest.mark.parametrize("host", ["api..example.com", f"{'a' * 64}.example.com"])
async def test_a_name_that_cannot_be_one_is_told_from_a_request_that_may_have_left(host: str) -> None:
    async with aiohttp.ClientSession(connector=QuietConnector()) as session:
        with pytest.raises(aiohttp.InvalidURL):
            await ask(session, f"http://{host}")


async def test_whoever_waits_in_vain_for_a_connection_has_sent_nothing() -> None:
    timeout = aiohttp.ClientTimeout(total=5, connect=0.05)
    async with serving(hangs) as server, aiohttp.ClientSession(connector=QuietConnector(limit=1), timeout=timeout) as session:
        first = asyncio.create_task(ask(session, server.url))
        await asyncio.sleep(0.05)
        with pytest.raises(NEVER_CONNECTED):
            await ask(session, server.url)
        first.cancel()

    assert len(server.requests) == 1
