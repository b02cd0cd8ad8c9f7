"""Slack's requests over HTTP, by real sockets: what waited while the process stood still is not let in."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncAck

from bot.app.serving import SLACK_PATH, web_app
from bot.app.slack_door import bolt_app, web_client
from bot.app.waking import DEAF_FOR_S, STOOD_STILL_S, Wakefulness
from bot.domain.provider import Secret
from bot.sandbox.slack.delivery import signature
from bot.settings import read_settings
from tests.app.test_slack_door import COMMAND, SIGNING_SECRET, WORKSPACE
from tests.app.test_waking import Hours

PAUSE_S = 120.0
"""Within the five minutes for which Bolt takes a signature."""


def signed(payload: dict[str, Any], **headers: str) -> bytes:
    """A request as Slack puts it on the wire, signed now: an event where it has a type, else a command."""
    is_event = "type" in payload
    body = (json.dumps(payload) if is_event else urlencode(payload)).encode()
    lines = {
        "Host": "bot",
        "Content-Type": "application/json" if is_event else "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        **signature(SIGNING_SECRET, body, datetime.now(UTC)),  # noqa: TID251 - Slack's clock
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {SLACK_PATH} HTTP/1.1\r\n{head}\r\n".encode() + body


class House:
    """A server on a port of its own, whose clock moves when it is told to, and what reached its listener."""

    def __init__(self) -> None:
        self.hours = Hours()
        self.reached: list[str] = []
        self.port = 0

    async def listen(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        self.reached.append(body.get("text") or body["event"]["type"])
        await ack()

    def wait(self) -> socket.socket:
        """A connection that the system accepts for the server."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)

    async def answered(self, request: bytes) -> int:
        """The status of the answer to a request that comes now."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        return await status(reader, writer)


async def status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    async with asyncio.timeout(5):
        line = await reader.readline()
    writer.close()
    return int(line.split()[1])


@pytest.fixture
async def house() -> AsyncGenerator[House, None]:
    house = House()
    async with aiohttp.ClientSession() as session:
        settings = read_settings({"SLACK_BOT_TOKEN": "xoxb-made-up", "SLACK_SIGNING_SECRET": SIGNING_SECRET}, dotenv=None)
        bolt = bolt_app(settings, web_client(settings, Secret("xoxb-made-up"), session), WORKSPACE)
        bolt.command("/launch")(house.listen)
        bolt.event("app_home_opened")(house.listen)
        runner = web.AppRunner(web_app(bolt, lambda: {"slack": "ok"}, wakefulness=Wakefulness(house.hours)))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        house.port = runner.addresses[0][1]
        yield house
        await runner.cleanup()


def command(text: str) -> dict[str, Any]:
    return {**COMMAND, "text": text}


async def test_a_request_that_slack_gave_up_while_we_stood_still_is_not_let_in_and_the_next_one_is(house: House) -> None:
    """Nothing turns the event loop between the request and the waking: the system alone takes it, as for a frozen process."""
    with house.wait() as hung_up:
        hung_up.sendall(signed(command("waited")))
    house.hours.now += PAUSE_S
    too_early = await house.answered(signed(command("too early")))
    house.hours.now += DEAF_FOR_S
    in_time = await house.answered(signed(command("in time")))

    assert (too_early, in_time) == (503, 200)
    assert house.reached == ["in time"]


async def test_what_still_listens_is_told_that_it_failed(house: House) -> None:
    waiting = house.wait()
    waiting.sendall(signed(command("waited")))
    house.hours.now += STOOD_STILL_S + 0.1
    refused = await status(*await asyncio.open_connection(sock=waiting))

    assert (refused, house.reached) == (503, [])


async def test_a_body_that_came_while_we_stood_still_is_not_let_in(house: House) -> None:
    waiting = house.wait()
    request = signed(command("waited"))
    waiting.sendall(request[:-1])
    reader, writer = await asyncio.open_connection(sock=waiting)
    for _ in range(50):
        await asyncio.sleep(0)
    writer.write(request[-1:])
    house.hours.now += PAUSE_S

    assert (await status(reader, writer), house.reached) == (503, [])


async def test_an_event_that_slack_sends_again_is_let_in(house: House) -> None:
    """It is signed anew, however old what it tells of."""
    event = {"type": "event_callback", "team_id": "T0GONOGO", "event": {"type": "app_home_opened", "user": "U0BOB"}}
    with house.wait() as hung_up:
        hung_up.sendall(signed(event))
    house.hours.now += PAUSE_S
    at_once = await house.answered(signed(event, **{"X-Slack-Retry-Num": "1"}))
    house.hours.now += DEAF_FOR_S
    later = await house.answered(signed(event, **{"X-Slack-Retry-Num": "2", "X-Slack-Retry-Reason": "http_timeout"}))

    assert (at_once, later) == (503, 200)
    assert house.reached == ["app_home_opened"]
