from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from bot.gateways.slack_calls import SlackCallError, call_slack
from bot.gateways.slack_client import LeanClient
from tests.gateways.slack_world import a_slack, answering, no_slack, refusing
from tests.gateways.wire_world import Behaviour, Line, serving


async def failing(answer: Any) -> SlackCallError:
    """What comes of a call that Slack answers so."""
    async with a_slack() as (slack, client):
        slack.set("chat.postMessage", answer)
        with pytest.raises(SlackCallError) as caught:
            await call_slack(client, "chat.postMessage", json={})
    return caught.value


async def test_an_error_has_slack_s_own_name() -> None:
    error = await failing(refusing("channel_not_found"))

    assert (error.code, error.retry_after_s, str(error)) == ("channel_not_found", None, "channel_not_found")


@pytest.mark.parametrize(
    ("header", "wait_s"), [("30", 30.0), ("1.5", 1.5), ("0", 0.0), ("soon", None), ("-1", None), ("inf", None), ("", None)]
)
async def test_slack_s_wait_is_read_in_seconds(header: str, wait_s: float | None) -> None:
    error = await failing(refusing("ratelimited", 429, Retry_After=header))

    assert (error.code, error.retry_after_s) == ("ratelimited", wait_s)


async def test_a_wait_is_read_however_its_header_is_spelt() -> None:
    assert (await failing(refusing("ratelimited", 429, **{"retry-after": "7"}))).retry_after_s == 7


@pytest.mark.parametrize(
    ("body", "status", "content_type"),
    [
        ("<html>Bad gateway</html>", 502, "text/html"),
        ("Bad gateway", 502, "text/plain"),
        ("{not json", 502, "application/json"),
        ("", 502, "application/json"),
        ("null", 502, "application/json"),
        ("[]", 502, "application/json"),
        ('["a"]', 502, "application/json"),
        ("{}", 502, "application/json"),
    ],
)
async def test_an_error_without_a_name_has_its_status(body: str, status: int, content_type: str) -> None:
    error = await failing(answering(body, status, content_type, Retry_After="9"))

    assert (error.code, error.retry_after_s) == ("HTTP 502", 9.0)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("hello", "text/plain"),
        ("{not json", "application/json"),
        ('["a"]', "application/json"),
        ("<p>", "text/html"),
        ('"a"', "application/json"),
    ],
)
async def test_a_success_that_is_no_object_is_a_failure(body: str, content_type: str) -> None:
    assert (await failing(answering(body, 200, content_type))).code in {"HTTP 200", "unreachable"}


async def test_packed_data_is_no_answer() -> None:
    async with a_slack() as (slack, client):
        slack.set("users.info", answering("packed", 200, "application/gzip"))

        assert await call_slack(client, "users.info") == {}


async def test_a_slack_that_is_not_there_is_unreachable() -> None:
    async with no_slack() as client:
        with pytest.raises(SlackCallError, match="unreachable"):
            await call_slack(client, "chat.postMessage", json={})


async def hangs(line: Line) -> None:
    await line.read()
    await line.wait_for_end()


async def hangs_up(line: Line) -> None:
    await line.read()


@pytest.mark.parametrize("behaviour", [hangs, hangs_up])
async def test_a_slack_that_does_not_answer_is_unreachable_in_time_and_asked_once(behaviour: Behaviour) -> None:
    async with serving(behaviour) as server, aiohttp.ClientSession() as session:
        client = LeanClient(token="made-up-token", base_url=f"{server.url}/api/", session=session)
        async with asyncio.timeout(5):
            with pytest.raises(SlackCallError, match="unreachable"):
                await call_slack(client, "chat.postMessage", timeout_s=0.1, json={})

    assert server.targets == ["/api/chat.postMessage"]


async def test_the_token_is_not_in_what_is_raised() -> None:
    error = await failing(refusing("invalid_auth"))

    assert "made-up-token" not in repr((error, error.__cause__))
