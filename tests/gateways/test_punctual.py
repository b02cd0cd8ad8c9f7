"""A call that would leave too late does not leave, over a real server on loopback."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from bot.gateways.punctual import PunctualConnector, leaving_before
from bot.gateways.slack_calls import SlackCallError, call_slack
from bot.gateways.slack_client import LeanClient
from tests.builders import FrozenClock


class Server:
    """Counts what arrives."""

    def __init__(self) -> None:
        self.arrived = 0
        self.url = ""

    async def answer(self, _: web.Request) -> web.Response:
        self.arrived += 1
        return web.json_response({"ok": True})


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    server, app = Server(), web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    yield server
    await runner.cleanup()


async def test_what_is_in_time_leaves_and_what_is_late_never_arrives_and_is_no_doubt(server: Server) -> None:
    clock = FrozenClock()
    before = clock.now() + timedelta(seconds=3)
    async with aiohttp.ClientSession(connector=PunctualConnector(clock)) as session:
        client = LeanClient(token="made-up", base_url=server.url, session=session)
        with leaving_before(before):
            await call_slack(client, "chat.postMessage", json={})
            clock.move(seconds=3)
            with pytest.raises(SlackCallError) as late:
                await call_slack(client, "chat.postMessage", json={})
        await call_slack(client, "chat.postMessage", json={})

    assert (late.value.code, late.value.is_in_doubt) == ("unreachable", False)
    assert server.arrived == 2


async def test_a_connection_that_was_not_used_is_used_by_the_next_call(server: Server) -> None:
    clock = FrozenClock()
    connector = PunctualConnector(clock)
    connector._limit = 1
    async with aiohttp.ClientSession(connector=connector) as session:
        for _ in range(3):
            with leaving_before(clock.now()), pytest.raises(aiohttp.ConnectionTimeoutError):
                await session.get(server.url)
        async with session.get(server.url) as answer:
            assert answer.status == 200

    assert server.arrived == 1
