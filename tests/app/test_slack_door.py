"""What Bolt looks at before a listener, by each of the two ways in."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse
from slack_sdk.signature import Clock, SignatureVerifier

from bot.app.slack_door import Workspace, bolt_app, web_client
from bot.domain.provider import Secret
from bot.settings import read_settings

SIGNING_SECRET = "made-up-secret"
WORKSPACE = Workspace(
    team_id="T0GONOGO",
    enterprise_id="E0GONOGO",
    bot_user_id="U0GONOGO",
    bot_name="gonogo",
    bot_id="B0GONOGO",
    scopes=frozenset(),
)
COMMAND = {"command": "/launch", "text": "", "team_id": "T0GONOGO", "user_id": "U0BOB", "channel_id": "C0FINANCE"}


class World:
    """A Bolt app as the bot makes it, and what reached its listeners."""

    def __init__(self, mode: str, session: aiohttp.ClientSession) -> None:
        way_in = {"SLACK_APP_TOKEN": "xapp-made-up"} if mode == "socket" else {"SLACK_SIGNING_SECRET": SIGNING_SECRET}
        settings = read_settings({"SLACK_BOT_TOKEN": "xoxb-made-up", **way_in}, dotenv=None)
        assert settings.mode == mode
        self.mode = mode
        self.reached: list[AsyncBoltContext] = []
        self.app: AsyncApp = bolt_app(settings, web_client(settings, Secret("xoxb-made-up"), session), WORKSPACE)
        self.app.command("/launch")(self._listen)
        self.app.event("app_home_opened")(self._listen)

    async def _listen(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        self.reached.append(context)
        await ack()

    async def bring(self, payload: dict[str, Any], *, secret: str | None = SIGNING_SECRET) -> BoltResponse:
        """What is answered to a payload that comes by this way in; over HTTP signed with ``secret``."""
        if self.mode == "socket":
            return await self.app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload))
        is_form = "type" not in payload
        body = urlencode(payload) if is_form else json.dumps(payload)
        headers = {"Content-Type": "application/x-www-form-urlencoded" if is_form else "application/json"}
        if secret is not None:
            at = str(int(Clock().now()))
            signature = SignatureVerifier(secret).generate_signature(timestamp=at, body=body)
            headers |= {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": str(signature)}
        return await self.app.async_dispatch(AsyncBoltRequest(mode="http", body=body, headers=dict(headers)))


@pytest.fixture
async def session() -> AsyncGenerator[aiohttp.ClientSession, None]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_a_command_reaches_its_listener_which_knows_who_the_bot_is(mode: str, session: aiohttp.ClientSession) -> None:
    world = World(mode, session)

    assert (await world.bring(COMMAND)).status == 200
    (context,) = world.reached
    result = context.authorize_result
    assert result is not None
    assert (result.bot_user_id, result.bot_id, result.team_id) == ("U0GONOGO", "B0GONOGO", "T0GONOGO")
    assert (result.enterprise_id, context.bot_token) == ("E0GONOGO", "xoxb-made-up")


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_what_the_bot_itself_caused_reaches_no_listener(mode: str, session: aiohttp.ClientSession) -> None:
    world = World(mode, session)
    event = {"type": "event_callback", "team_id": "T0GONOGO", "event": {"type": "app_home_opened", "user": "U0GONOGO"}}

    assert (await world.bring(event)).status == 200
    assert world.reached == []
    await world.bring({**event, "event": {"type": "app_home_opened", "user": "U0BOB"}})
    assert len(world.reached) == 1


@pytest.mark.parametrize("secret", [None, "another-made-up-secret"])
async def test_over_http_what_slack_did_not_sign_is_refused(secret: str | None, session: aiohttp.ClientSession) -> None:
    world = World("http", session)

    assert (await world.bring(COMMAND, secret=secret)).status == 401
    assert world.reached == []


async def test_over_http_slack_s_own_questions_are_answered(session: aiohttp.ClientSession) -> None:
    """https://docs.slack.dev/reference/events/url_verification, https://docs.slack.dev/interactivity/implementing-slash-commands"""
    world = World("http", session)
    challenge = await world.bring({"type": "url_verification", "challenge": "made-up"})
    check = await world.bring({"ssl_check": "1", "token": "made-up"}, secret=None)

    assert (challenge.status, json.loads(challenge.body)) == (200, {"challenge": "made-up"})
    assert check.status == 200
    assert world.reached == []


async def test_a_socket_has_no_such_questions(session: aiohttp.ClientSession) -> None:
    world = World("socket", session)

    assert (await world.bring({"type": "url_verification", "challenge": "made-up"})).status == 404
    assert (await world.bring({**COMMAND, "ssl_check": "1"})).status == 200
    assert len(world.reached) == 1
