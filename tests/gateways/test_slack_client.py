"""The lean client beside the SDK's own, against the same small Slack: what leaves and what comes of it are the same."""

from __future__ import annotations

import logging
from copy import deepcopy
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.gateways.slack_client import LeanClient
from tests.gateways.slack_world import Answer, Asked, SmallSlack, a_slack, answering, refusing
from tests.gateways.wire_world import hangs_up, serving

POST = {"channel": "C0FINANCE", "text": "Über 5 €", "unfurl_links": False, "blocks": [{"type": "divider"}], "thread_ts": None}


def the_sdk_s(slack: SmallSlack, session: aiohttp.ClientSession) -> AsyncWebClient:
    return AsyncWebClient(token="made-up-token", base_url=slack.url, session=session, retry_handlers=[])


async def both(answer: Answer, method: str = "chat.postMessage", **request: Any) -> tuple[list[Asked], list[Any]]:
    """What both clients send, ours first, and what each makes of the answer: a response, or what it raised."""
    async with a_slack() as (slack, ours), aiohttp.ClientSession() as session:
        slack.set(method, answer)
        made: list[Any] = []
        for client in (ours, the_sdk_s(slack, session)):
            try:
                made.append(await client.api_call(method, **deepcopy(request)))
            except SlackApiError as error:
                made.append(error)
        return slack.asked, made


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("chat.postMessage", {"json": POST}),
        ("chat.postMessage", {"json": {}}),
        ("views.open", {"json": {"token": "another-made-up", "trigger_id": "1.2"}}),
        ("users.info", {"http_verb": "GET", "params": {"user": "U0BOB", "include_locale": True}}),
        ("auth.test", {}),
    ],
    ids=["a post", "nothing", "a token of its own", "a look-up", "no arguments"],
)
async def test_the_same_leaves_as_from_the_sdk(method: str, request_: dict[str, Any]) -> None:
    (ours, theirs), _ = await both({}, method, **request_)

    assert ours == theirs
    assert ours.headers["Authorization"].startswith("Bearer ")
    assert ours.headers["User-Agent"].startswith("Python/")


async def test_the_same_is_made_of_an_answer() -> None:
    _, (ours, theirs) = await both({"ts": "1.2", "message": {"text": "said"}}, json=POST)

    assert (ours.data, ours.status_code, ours["ts"]) == (theirs.data, theirs.status_code, theirs["ts"])
    assert ours.headers["content-type"] == theirs.headers["Content-Type"]


@pytest.mark.parametrize(
    "answer",
    [
        refusing("channel_not_found"),
        refusing("ratelimited", 429, Retry_After="7"),
        answering("<html>Bad gateway</html>", 502, "text/html", Retry_After="7"),
        answering("null", 200),
        answering("{}", 200),
        answering('{"ok": true}', 500),
        answering('{"ok": 0}', 200),
    ],
    ids=["refused", "too many", "no JSON", "null", "no word", "failed", "not ok"],
)
async def test_the_same_is_made_of_a_refusal(answer: Answer) -> None:
    _, (ours, theirs) = await both(answer, json=POST)

    assert (type(ours), str(ours.response.data or {})) == (SlackApiError, str(theirs.response.data or {}))
    assert ours.response.status_code == theirs.response.status_code
    assert ours.response.headers.get("retry-after") == theirs.response.headers.get("Retry-After")


@pytest.mark.parametrize("body", ['["a"]', '"a"', "7", "true", "{not json", ""])
async def test_what_is_no_object_is_refused_and_not_taken_for_one(body: str) -> None:
    async with a_slack() as (slack, client):
        slack.set("chat.postMessage", answering(body))
        with pytest.raises(SlackApiError) as refused:
            await client.api_call("chat.postMessage", json=POST)

    assert (refused.value.response.status_code, refused.value.response.data) == (200, {})


async def test_pages_are_turned_by_what_answered() -> None:
    """Nothing of ours pages through a call with JSON; whoever does is served as by the SDK."""
    async with a_slack() as (slack, client):
        slack.set("conversations.list", {"page": 1, "response_metadata": {"next_cursor": "more"}}, {"page": 2})
        pages = [page["page"] async for page in await client.api_call("conversations.list", json={})]

    assert pages == [1, 2]
    assert {call.headers["Authorization"] for call in slack.asked} == {"Bearer made-up-token"}


async def test_a_session_that_is_closed_is_no_end() -> None:
    async with a_slack() as (slack, client):
        assert client.session is not None
        await client.session.close()

        assert (await client.api_call("chat.postMessage", json=POST))["ok"]

    assert slack.methods == ["chat.postMessage"]


async def test_a_post_whose_answer_was_lost_is_not_posted_twice() -> None:
    async with serving(hangs_up) as server, aiohttp.ClientSession() as session:
        client = LeanClient(token="made-up-token", base_url=f"{server.url}/api/", session=session)
        with pytest.raises(aiohttp.ClientError):
            await client.api_call("chat.postMessage", json=POST)

    assert server.targets == ["/api/chat.postMessage"]


async def test_a_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_slack() as (slack, _), aiohttp.ClientSession() as session:
        monkeypatch.setenv("HTTP_PROXY", slack.url.removesuffix("/api/"))
        client = LeanClient(token="made-up-token", base_url="http://slack.invalid/api/", session=session)

        assert (await client.api_call("chat.postMessage", json=POST))["ok"]

    assert slack.only.headers["Host"] == "slack.invalid"


@pytest.mark.parametrize("request_", [{"json": POST}, {"params": {"user": "U0BOB"}}], ids=["a post", "a look-up"])
async def test_no_line_is_made_of_a_call_for_a_log_that_drops_it(request_: dict[str, Any]) -> None:
    """The SDK takes a logger without a level of its own for one that wants every body."""
    async with a_slack() as (_, client):
        made: list[logging.LogRecord] = []
        client.logger.addFilter(seen := _Seen(made))
        await client.api_call("chat.postMessage", **request_)
        client.logger.removeFilter(seen)

    assert client.logger.level > logging.DEBUG
    assert made == []


class _Seen(logging.Filter):
    """Keeps every record that a logger was given."""

    def __init__(self, made: list[logging.LogRecord]) -> None:
        super().__init__()
        self._made = made

    def filter(self, record: logging.LogRecord) -> bool:
        self._made.append(record)
        return True
