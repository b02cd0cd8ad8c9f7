"""The bot is ended and started under the page, which tells so and goes on: here with the real bot."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from bot.sandbox import demo
from bot.sandbox.page import Page
from bot.sandbox.world import BotDiedError, Sandbox
from tests.sandbox.page_world import Browser, House
from tests.sandbox.slack_bots import ALICE

DATA = "C0DATA"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    sandbox = Sandbox(tmp_path, run_s=0.2)
    page = Page(sandbox)
    sandbox.slack.mount(page)
    async with aiohttp.ClientSession(read_bufsize=2**22) as session, sandbox:
        house = House(sandbox, page, session)
        yield house
        await house.close()


async def _turn(browser: Browser, act: str) -> tuple[int, dict[str, object]]:
    async with browser.session.post(f"{browser.url}/page/bot", json={"act": act}) as reply:
        return reply.status, await reply.json()


async def test_a_bot_ended_at_the_page_is_told_and_comes_back(house: House) -> None:
    house.page._switch._away_s = 0.3
    alice = house.browser(ALICE)
    hello = await alice.open()
    assert hello["bot"] == {
        "is_up": True,
        "pid": house.sandbox.bot_pid,
        "told": f"The bot is up, as process {house.sandbox.bot_pid}.",
    }

    status, told = await _turn(alice, "kill")
    assert (status, told["is_up"], told["pid"]) == (200, False, None)
    assert "signal 9" in (await alice.until("bot"))["told"]
    answer = await alice.done("command", channel=DATA, text="help")
    assert (answer["is_acknowledged"], answer["trouble"]) == (False, "dispatch_failed")
    status, told = await _turn(alice, "kill")
    assert (status, told["error"]) == (409, "the bot is not up: there is nothing to end")

    back = await alice.until("bot", lambda event: event["is_up"])
    assert back["pid"] == house.sandbox.bot_pid != hello["bot"]["pid"]
    assert (await alice.done("command", channel=DATA, text="help"))["is_acknowledged"]


async def test_it_can_be_started_at_once_and_twice(house: House) -> None:
    house.page._switch._away_s = 60
    alice = house.browser(ALICE)
    await _turn(alice, "kill")

    async with asyncio.timeout(10):
        (_, one), (_, two) = await asyncio.gather(_turn(alice, "start"), _turn(alice, "start"))
    assert one["pid"] == two["pid"] == house.sandbox.bot_pid
    assert (await _turn(alice, "start"))[1]["pid"] == one["pid"]
    assert (await _turn(alice, "dance"))[0] == 400
    assert (await _turn(alice, "kill"))[0] == 200


async def test_ended_at_the_page_is_no_death_that_the_demo_counts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "QUICK_DEATHS", 2)
    house.page._switch._away_s = 0.0
    screen = io.StringIO()
    keeping = asyncio.create_task(demo.keep(house.sandbox, Console(file=screen)))
    alice = house.browser(ALICE)
    for _ in range(demo.QUICK_DEATHS + 1):
        assert (await _turn(alice, "kill"))[0] == 200
        assert (await _turn(alice, "start"))[0] == 200
    assert (keeping.done(), screen.getvalue()) == (False, "")

    await alice.open()
    assert house.sandbox.bot_pid is not None
    os.kill(house.sandbox.bot_pid, signal.SIGTERM)
    assert "ended with exit code 0" in (await alice.until("bot"))["told"]
    assert (await alice.until("bot", lambda event: event["is_up"]))["pid"] == house.sandbox.bot_pid
    assert "the bot is back" in screen.getvalue()
    keeping.cancel()


async def test_a_bot_that_does_not_start_is_told(house: House) -> None:
    house.page._switch._away_s = 0.0
    house.sandbox._program = ("-c", "raise SystemExit(3)")
    alice = house.browser(ALICE)
    await alice.open()
    await _turn(alice, "kill")

    status, told = await _turn(alice, "start")
    assert (status, told["error"]) == (409, "The bot did not start: its log tells why.")
    assert (await alice.until("bot", lambda event: "did not start" in event["told"]))["is_up"] is False


async def test_a_sandbox_that_is_left_starts_no_bot_any_more(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    page = Page(sandbox)
    sandbox.slack.mount(page)
    async with sandbox, aiohttp.ClientSession() as session:
        await _turn(Browser(session, sandbox.slack.url, ALICE), "kill")
        gone = sandbox.bot_pid

    with pytest.raises(BotDiedError, match="being left"):
        await sandbox.start_bot()
    assert sandbox.bot_pid == gone
    assert sandbox.bot_exit_code == -signal.SIGKILL
