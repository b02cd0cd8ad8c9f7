from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import aiohttp
import pytest

from bot.gateways.punctual import PunctualConnector
from bot.gateways.slack_calls import LONGEST_WAIT_S, SlackCallError, call_slack
from bot.gateways.slack_client import LeanClient
from tests.builders import FrozenClock
from tests.gateways.slack_world import a_slack, answering, no_slack, refusing
from tests.gateways.wire_world import Behaviour, Line, hangs, hangs_up, http, serving


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
    ("header", "wait_s"),
    [("30", 30.0), ("1.5", 1.5), ("0", 0.0), ("soon", None), ("-1", None), ("inf", None), ("", None), ("1e300", LONGEST_WAIT_S)],
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


@pytest.mark.parametrize("behaviour", [hangs, hangs_up])
async def test_a_slack_that_does_not_answer_is_unreachable_in_time_and_asked_once(behaviour: Behaviour) -> None:
    async with serving(behaviour) as server, aiohttp.ClientSession() as session:
        client = LeanClient(token="made-up-token", base_url=f"{server.url}/api/", session=session)
        async with asyncio.timeout(5):
            with pytest.raises(SlackCallError, match="unreachable"):
                await call_slack(client, "chat.postMessage", timeout_s=0.1, json={})

    assert server.targets == ["/api/chat.postMessage"]


@contextmanager
def swallowing() -> Generator[str]:
    """The address of somebody who takes no connection and refuses none, as where packets get lost."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}/api/"


async def lost_call(client: LeanClient, timeout_s: float = 5) -> SlackCallError:
    with pytest.raises(SlackCallError) as lost:
        await call_slack(client, "chat.postMessage", timeout_s=timeout_s, json={})
    return lost.value


async def test_a_slack_to_which_no_connection_comes_about_in_time_has_certainly_not_heard_it() -> None:
    with swallowing() as url:
        async with aiohttp.ClientSession() as session:
            error = await lost_call(LeanClient(token="made-up-token", base_url=url, session=session, timeout_s=1))

    assert (error.code, error.is_in_doubt) == ("unreachable", False)


@pytest.mark.parametrize("behaviour", [hangs, hangs_up])
async def test_a_slack_that_was_reached_and_does_not_answer_may_have_heard_it(behaviour: Behaviour) -> None:
    async with serving(behaviour) as server, aiohttp.ClientSession() as session:
        client = LeanClient(token="made-up-token", base_url=f"{server.url}/api/", session=session)

        assert (await lost_call(client, timeout_s=0.1)).is_in_doubt


@pytest.mark.parametrize("status", [403, 407, 503])
async def test_a_proxy_that_lets_nobody_through_has_carried_nothing(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuses(line: Line) -> None:
        await line.read()
        await line.write(http(status, "no"))

    async with serving(refuses) as proxy, aiohttp.ClientSession() as session:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        error = await lost_call(LeanClient(token="made-up-token", base_url="https://slack.invalid/api/", session=session))

    assert (error.code, error.is_in_doubt) == ("unreachable", False)
    assert [request.method for request in proxy.requests] == ["CONNECT"]


async def test_what_slack_says_unasked_is_not_the_answer_to_the_next_call() -> None:
    lines: list[Line] = []

    async def talkative(line: Line) -> None:
        lines.append(line)
        while await line.read():
            await line.write(http(200, f'{{"ok": true, "ts": "{len(lines)}"}}', Content_Type="application/json"))

    async with serving(talkative) as server, aiohttp.ClientSession(connector=PunctualConnector(FrozenClock())) as session:
        client = LeanClient(token="made-up-token", base_url=f"{server.url}/api/", session=session)
        first = await call_slack(client, "chat.postMessage", json={})
        await lines[0].write(http(408, "too slow"))
        await asyncio.sleep(0.05)
        second = await call_slack(client, "chat.postMessage", json={})

    assert (first["ts"], second["ts"]) == ("1", "2")


async def test_the_token_is_not_in_what_is_raised() -> None:
    error = await failing(refusing("invalid_auth"))

    assert "made-up-token" not in repr((error, error.__cause__))
