"""What every delivery of a socket passes first, through Bolt's own dispatch; no socket is opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult

from bot.app.sockets import SocketDoor
from bot.app.waking import STOOD_STILL_S
from bot.domain.provider import Secret
from bot.gateways.slack_client import LeanClient

COMMAND = {"command": "/launch", "text": "", "team_id": "T0GONOGO", "user_id": "U0BOB", "channel_id": "C0FINANCE"}


async def authorize() -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=None, team_id="T0GONOGO", bot_token="made-up", bot_user_id="U0GONOGO")


class House:
    """A door without sockets, and a listener that takes as long as it is told."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.may_end = asyncio.Event()
        self.reached = 0
        self.app = AsyncApp(authorize=authorize, signing_secret="made-up", process_before_response=True)
        self.app.command("/launch")(self._listen)
        client = LeanClient(token="made-up", base_url="http://slack.invalid/api/", session=session)
        self.door = SocketDoor(self.app, Secret("made-up"), client, sockets=0)

    async def _listen(self, ack: AsyncAck) -> None:
        self.reached += 1
        await self.may_end.wait()
        await ack()

    def bring(self) -> asyncio.Task[Any]:
        """A delivery, as a socket brings each: in a task of its own."""
        return asyncio.create_task(self.app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=dict(COMMAND))))


@pytest.fixture
async def house() -> AsyncGenerator[House, None]:
    async with aiohttp.ClientSession() as session:
        yield House(session)


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_owes_an_acknowledgement_is_waited_for_when_the_door_closes(house: House) -> None:
    await house.door.open()
    deliveries = [house.bring(), house.bring()]
    await turns()
    closing = asyncio.create_task(house.door.close())
    await turns()

    assert (house.reached, closing.done()) == (2, False)
    house.may_end.set()
    await closing
    assert [delivery.result().status for delivery in deliveries] == [200, 200]


async def test_what_was_acknowledged_is_not_waited_for(house: House) -> None:
    house.may_end.set()
    await house.door.open()
    await house.bring()
    async with asyncio.timeout(1):
        await house.door.close()

    assert house.reached == 1


async def test_what_waited_while_we_stood_still_reaches_no_listener_and_is_not_acknowledged(house: House) -> None:
    house.may_end.set()
    await house.door.open()
    house.door._wakefulness._seen_at -= STOOD_STILL_S + 1
    answer = await house.bring()
    await house.door.close()

    assert (answer.status, house.reached) == (503, 0)


async def test_without_a_socket_slack_cannot_reach_us(house: House) -> None:
    assert house.door.health() == "not connected"
