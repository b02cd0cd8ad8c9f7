"""Real slack_sdk clients and Bolt apps against the stand-in Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.workspace import Workspace

FINANCE = "C0FINANCE"
ALICE = "U0ALICE"
BOB = "U0BOB"


@asynccontextmanager
async def a_slack(workspace: Workspace | None = None, **options: Any) -> AsyncIterator[SlackStandIn]:
    slack = SlackStandIn(workspace or Workspace.demo(), **options)
    await slack.start()
    try:
        yield slack
    finally:
        await slack.stop()


def a_client(slack: SlackStandIn, token: str | None = None, **options: Any) -> AsyncWebClient:
    """Without retries, so that each test sees the first answer, and without a proxy."""
    plain: dict[str, Any] = {"retry_handlers": [], "timeout": 5}
    client = AsyncWebClient(token=token or slack.bot_token, base_url=slack.api_url, **(plain | options))
    client.proxy = None
    return client


def an_app(slack: SlackStandIn) -> AsyncApp:
    return AsyncApp(client=a_client(slack), signing_secret=slack.signing_secret)


@asynccontextmanager
async def on_a_socket(slack: SlackStandIn, app: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    handler = AsyncSocketModeHandler(app, slack.app_token, web_client=a_client(slack, slack.app_token), ping_interval=0.2)
    handler.client.proxy = None
    before = slack.sockets.count
    await handler.connect_async()
    try:
        await slack.connected()
        assert slack.sockets.count >= before
        yield handler
    finally:
        await handler.close_async()


@asynccontextmanager
async def over_http(slack: SlackStandIn, app: AsyncApp) -> AsyncIterator[str]:
    runner = web.AppRunner(app.web_app("/slack/events"), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        await slack.connected()
        yield slack.request_url
    finally:
        await runner.cleanup()


async def refused(call: Any) -> dict[str, Any]:
    """The body of a refusal."""
    try:
        await call
    except SlackApiError as refusal:
        return dict(refusal.response.data)
    raise AssertionError("Slack did not refuse")


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(text: str, action_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": text}, "action_id": action_id, **more}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **more}


def an_input(block_id: str, label: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "input", "block_id": block_id, "label": {"type": "plain_text", "text": label}, "element": element, **more}


def a_text_field(block_id: str = "name", label: str = "Name", **more: Any) -> dict[str, Any]:
    return an_input(block_id, label, {"type": "plain_text_input", "action_id": "typed", **more})


def a_modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    plain = {"type": "modal", "callback_id": "form", "title": {"type": "plain_text", "text": "Launch"}}
    plain |= {"submit": {"type": "plain_text", "text": "Go"}, "blocks": list(blocks) or [a_text_field()]}
    return plain | more


def a_home(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "home", "blocks": list(blocks) or [section("Welcome")], **more}
