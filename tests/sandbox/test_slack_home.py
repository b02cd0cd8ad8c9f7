"""App Home in the stand-in: opened and pressed as people do it, by the Python API and by the control door."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import aiohttp
import pytest

from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.workspace import Workspace
from tests.builders import NOON
from tests.sandbox.slack_bots import a_home, a_modal, actions, button

YES = button("Approve", "yes")


@pytest.fixture
async def slack() -> AsyncGenerator[SlackStandIn, None]:
    """A workspace whose bot is away: what matters is what Slack would send."""
    slack = SlackStandIn(Workspace.demo(), ack_timeout_s=0.2)
    await slack.start()
    yield slack
    await slack.stop()


def show(slack: SlackStandIn, *values: str) -> None:
    """Bob's Home, with a button for each value."""
    rows = [actions({**YES, "value": value}) | {"block_id": value} for value in values]
    slack.workspace.views.publish("U0BOB", a_home(*rows), NOON)


def sent(slack: SlackStandIn) -> Any:
    return slack.traffic[-1].sent


async def test_opening_a_home_tells_the_bot_who_and_which_tab(slack: SlackStandIn) -> None:
    await slack.open_home("U0BOB")

    assert sent(slack)["event"] | {"event_ts": ""} == {
        "type": "app_home_opened",
        "user": "U0BOB",
        "tab": "home",
        "channel": "D0BOB",
        "event_ts": "",
    }


async def test_a_press_on_a_home_brings_the_view_and_no_channel(slack: SlackStandIn) -> None:
    show(slack, "L-00001", "L-00002")
    await slack.click_home("U0BOB", "Approve", "L-00002")
    payload = sent(slack)

    assert payload["actions"][0]["value"] == "L-00002"
    assert payload["container"]["type"] == "view"
    assert payload["view"]["type"] == "home"
    assert not payload.keys() & {"channel", "message", "response_url"}


async def test_what_is_not_on_a_home_cannot_be_pressed(slack: SlackStandIn) -> None:
    with pytest.raises(NotPossibleError, match="U0BOB sees no Home tab"):
        await slack.click_home("U0BOB", "Approve")
    show(slack, "L-00001")

    with pytest.raises(NotPossibleError, match="'Approve'"):
        await slack.click_home("U0BOB", "Approve", "L-00009")


async def test_a_modal_covers_a_home(slack: SlackStandIn) -> None:
    show(slack, "L-00001")
    slack.workspace.views.open("U0BOB", a_modal(), NOON)

    with pytest.raises(NotPossibleError, match="U0BOB sees no Home tab"):
        await slack.click_home("U0BOB", "Approve")


async def test_the_control_door_opens_presses_and_shows_a_home(slack: SlackStandIn) -> None:
    show(slack, "L-00001", "L-00002")
    async with aiohttp.ClientSession(base_url=slack.url) as session:
        for act, given in [("home", {}), ("click", {"label": "Approve", "value": "L-00002"})]:
            async with session.post(f"/_control/{act}", json={"user": "U0BOB", **given}) as answer:
                assert answer.status == 200
        async with session.get("/_control/state") as answer:
            homes = (await answer.json())["homes"]

    assert list(homes) == ["U0BOB"]
    assert sent(slack)["actions"][0]["value"] == "L-00002"
