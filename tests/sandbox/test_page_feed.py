"""What a browser hears: all that its person sees and nothing else, once, and again after it was away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from bot.sandbox.page import on_the_wire
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.slack.world import SlackApp
from tests.sandbox.page_world import House, a_house
from tests.sandbox.slack_bots import ALICE, BOB, FINANCE, a_client, a_home, a_modal

GUEST, STRANGER, PRIVATE, DATA = "U0GUEST", "U0STRANGER", "C0PRIVATE", "C0DATA"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as one:
        yield one


def _texts(hello: dict[str, Any], channel_id: str) -> list[str]:
    return [message["text"] for message in hello["messages"][channel_id]]


def _ids(hello: dict[str, Any]) -> set[str]:
    return {channel["channel_id"] for channel in hello["channels"]}


# --- hello -------------------------------------------------------------------------------------------------------------


async def test_each_person_is_told_of_their_own_channels_alone(house: House) -> None:
    house.workspace.post(PRIVATE, BOB, "the board meets", NOW)
    bob, guest = await house.browser(BOB).open(), await house.browser(GUEST).open()

    assert _texts(bob, PRIVATE) == ["the board meets"]
    assert PRIVATE in _ids(bob)
    assert _ids(guest) == {FINANCE, "C0GENERAL", "D0GUEST"} == set(guest["messages"]) == set(guest["unread"])
    assert "the board meets" not in str(guest)


async def test_hello_says_who_can_be_acted_as(house: House) -> None:
    hello = await house.browser(ALICE).open()
    notes = {person["user_id"]: person["note"] for person in hello["people"]}

    assert notes[ALICE] == ""
    assert (notes[GUEST], notes[STRANGER]) == ("guest", "from elsewhere")
    assert not {"U0GONE", "U0ROBOT", "U0GONOGO"} & notes.keys()
    assert {"U0GONE", "U0ROBOT", "U0GONOGO", "USLACKBOT"} <= {user["user_id"] for user in hello["users"]}
    assert hello["viewer"]["user_id"] == ALICE


async def test_commands_and_shortcuts_come_with_their_words_and_not_to_strangers(house: House) -> None:
    alice, stranger = await house.browser(ALICE).open(), await house.browser(STRANGER).open()

    assert [(one["name"], "again <id>" in one["hint"]) for one in alice["commands"]] == [("/launch", True)]
    assert {(one["name"], one["type"]) for one in alice["shortcuts"]} == {
        ("Launch a workflow", "global"),
        ("Launch about this", "message"),
    }
    assert (stranger["commands"], stranger["shortcuts"]) == ([], [])


def test_the_words_of_the_demo_are_the_manifests() -> None:
    manifest = yaml.safe_load((Path(__file__).parents[2] / "manifest.yaml").read_text(encoding="utf-8"))
    app = SlackApp.from_manifest(manifest, app_id="A", bot_user_id="U", bot_id="B")

    assert app.offers == Workspace.demo().app.offers


async def test_without_a_name_it_is_the_first_persons_page(house: House) -> None:
    assert (await house.browser("").open())["viewer"]["user_id"] == ALICE


@pytest.mark.parametrize("user_id", ["U0NOBODY", "U0GONE", "U0ROBOT", "USLACKBOT", "<script>"])
async def test_nobody_can_look_as_somebody_who_cannot_act(house: House, user_id: str) -> None:
    async with house.session.get(f"{house.url}/page/events", params={"as": user_id}) as reply:
        assert reply.status == 404
        assert f"there is nobody {user_id}" in await reply.text()
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


async def test_direct_messages_are_there_before_anybody_wrote(house: House) -> None:
    hello = await house.browser(ALICE).open()

    assert "D0ALICE" in _ids(hello)
    assert "D0BOB" not in _ids(hello)
    assert "D0ALICE" not in house.workspace.channels


# --- what happens ------------------------------------------------------------------------------------------------------


async def test_messages_come_changed_and_go(house: House) -> None:
    bob = house.browser(BOB)
    await bob.open()

    message = house.workspace.post(FINANCE, ALICE, "first", NOW)
    assert (await bob.until_said("first"))["ts"] == message.ts
    message = house.workspace.update(message, NOW, text="second")
    assert (await bob.until_said("second"))["ts"] == message.ts
    house.workspace.delete(message, NOW)
    assert await bob.until("gone") == {"channel_id": FINANCE, "ts": message.ts}


async def test_what_is_whispered_is_heard_by_one(house: House) -> None:
    alice, bob = house.browser(ALICE), house.browser(BOB)
    await alice.open()
    await bob.open()

    house.workspace.post(FINANCE, "U0GONOGO", "for alice", NOW, ephemeral_to=ALICE)
    house.workspace.post(FINANCE, "U0GONOGO", "for all", NOW)
    assert (await alice.until_said("for alice"))["ephemeral_to"] == ALICE
    await alice.until_said("for all")
    await bob.until_said("for all")

    assert "for alice" not in str(bob.heard)
    assert [name for name, _ in bob.heard].count("message") == 1
    assert "for alice" in str(await house.browser(ALICE).open())
    assert "for alice" not in str(await house.browser(BOB).open())


async def test_a_private_channel_is_silent_to_others(house: House) -> None:
    guest = house.browser(GUEST)
    await guest.open()

    house.workspace.post(PRIVATE, ALICE, "secret", NOW)
    house.workspace.post("D0ALICE", "U0GONOGO", "for her eyes", NOW)
    house.workspace.post(FINANCE, ALICE, "open", NOW)
    await guest.until_said("open")

    assert [name for name, _ in guest.heard] == ["hello", "traffic", "message"]


async def test_who_comes_into_a_channel_gets_what_was_said_there(house: House) -> None:
    house.workspace.post(DATA, ALICE, "before", NOW)
    guest = house.browser(GUEST)
    assert DATA not in _ids(await guest.open())

    members = house.workspace.channels[DATA].members
    house.workspace.change_channel(DATA, NOW, members=members | {GUEST})
    assert DATA in _ids(await guest.until("channels"))
    await guest.until_said("before")
    house.workspace.change_channel(DATA, NOW, members=members)
    assert DATA not in _ids(await guest.until("channels"))
    house.workspace.post(DATA, ALICE, "after", NOW)

    assert DATA not in await guest.until("unread")
    assert "after" not in str(guest.heard)


async def test_a_burst_is_told_once_as_it_then_is(house: House) -> None:
    bob = house.browser(BOB)
    await bob.open()

    message = house.workspace.post(FINANCE, ALICE, "0", NOW)
    for number in range(1, 200):
        message = house.workspace.update(message, NOW, text=str(number))
    await bob.until_said("199")

    assert [name for name, _ in bob.heard].count("message") < 5


async def test_traffic_and_what_others_publish_is_told(house: House) -> None:
    alice = house.browser(ALICE)
    await alice.open()
    await alice.until("traffic")

    await a_client(house.slack).auth_test()
    told = await alice.until("traffic", lambda event: event["entries"])
    assert [(one["id"], one["kind"], one["name"]) for one in told["entries"]] == [(0, "call", "auth.test")]
    house.page.feed.publish("providers", {"answer": 1})
    assert await alice.until("providers") == {"answer": 1}

    late = house.browser(BOB)
    await late.open()
    assert [one["id"] for one in (await late.until("traffic"))["entries"]] == [0]
    assert await late.until("providers") == {"answer": 1}


async def test_a_page_gets_the_newest_two_hundred_of_the_traffic(house: House) -> None:
    client = a_client(house.slack)
    await client.auth_test()
    for _ in range(300):
        house.slack.traffic.append(house.slack.traffic[0])
    alice = house.browser(ALICE)
    await alice.open()

    assert [one["id"] for one in (await alice.until("traffic"))["entries"]] == list(range(101, 301))


async def test_a_scenario_is_in_hello_while_it_plays(house: House) -> None:
    house.page.feed.facts.pop("scenario")
    house.page.feed.publish("scenario", {"title": "Tour", "is_over": False})
    assert (await house.browser(ALICE).open())["scenario"]["title"] == "Tour"

    house.page.feed.publish("scenario", {"title": "Tour", "is_over": True})
    assert (await house.browser(ALICE).open())["scenario"] is None


# --- unread ------------------------------------------------------------------------------------------------------------


async def test_unread_is_each_persons_own(house: House) -> None:
    alice, bob = house.browser(ALICE), house.browser(BOB)
    await alice.open()
    first = house.workspace.post(FINANCE, ALICE, "one", NOW)
    house.workspace.post(FINANCE, ALICE, "two", NOW)
    house.workspace.post(FINANCE, ALICE, "in the thread", NOW, thread_ts=first.ts)
    house.workspace.post(FINANCE, "U0GONOGO", "to bob", NOW, ephemeral_to=BOB)

    assert (await bob.open())["unread"][FINANCE] == 3
    assert (await house.browser(ALICE).open())["unread"][FINANCE] == 0
    await bob.done("read", channel=FINANCE)
    assert (await bob.until("unread"))[FINANCE] == 0
    assert (await house.browser(BOB).open())["unread"][FINANCE] == 0

    house.workspace.update(first, NOW, text="one, mended")
    house.workspace.post(FINANCE, ALICE, "three", NOW)
    assert (await bob.until("unread", lambda unread: unread[FINANCE]))[FINANCE] == 1


async def test_nobody_marks_a_channel_that_they_are_not_in(house: House) -> None:
    assert "is not in C0PRIVATE" in await house.browser(GUEST).refused("read", channel=PRIVATE)
    assert "is nobody" in await house.browser("U0NOBODY").refused("read", channel="D0NOBODY")


# --- forms and Home ----------------------------------------------------------------------------------------------------


async def test_forms_and_home_go_to_every_window_of_their_person(house: House) -> None:
    one, two, bob = house.browser(ALICE), house.browser(ALICE), house.browser(BOB)
    for browser in (one, two, bob):
        await browser.open()

    view = house.workspace.views.open(ALICE, a_modal(), NOW)
    for browser in (one, two):
        assert [each["view_id"] for each in (await browser.until("views"))["views"]] == [view.view_id]
    pushed = house.workspace.views.push(view, a_modal(), NOW)
    for browser in (one, two):
        assert [each["view_id"] for each in (await browser.until("views"))["views"]] == [view.view_id, pushed.view_id]
    house.workspace.views.clear(ALICE, NOW)
    assert (await two.until("views", lambda event: event["views"] == []))["views"] == []
    house.workspace.views.publish(ALICE, a_home(), NOW)
    assert (await two.until("home"))["home"]["content"]["type"] == "home"

    house.workspace.post(FINANCE, ALICE, "the end", NOW)
    await bob.until_said("the end")
    assert not {"views", "home"} & {name for name, _ in bob.heard}


async def test_errors_that_come_again_are_told_again(house: House) -> None:
    alice = house.browser(ALICE)
    await alice.open()
    view = house.workspace.views.open(ALICE, a_modal(), NOW)
    await alice.until("views")

    view = house.workspace.views.show_errors(view, {"name": "too short"}, NOW)
    assert (await alice.until("views"))["views"][0]["errors"] == {"name": "too short"}
    house.workspace.views.show_errors(view, {"name": "too short"}, NOW)
    assert (await alice.until("views"))["views"][0]["errors"] == {"name": "too short"}


# --- away and back -----------------------------------------------------------------------------------------------------


async def test_a_browser_that_was_away_has_missed_nothing(house: House) -> None:
    bob, other = house.browser(BOB), house.browser(BOB)
    before = await bob.open()
    await bob.close()
    for number in range(20):
        house.workspace.post(FINANCE, ALICE, f"meanwhile {number}", NOW)

    again, fresh = await bob.open(), await other.open()
    assert _texts(again, FINANCE) == [f"meanwhile {number}" for number in range(20)]
    assert again == fresh
    assert again.keys() == before.keys()


async def test_streams_end_when_the_stand_in_stops(house: House) -> None:
    alice, bob = house.browser(ALICE), house.browser(BOB)
    await alice.open()
    await bob.open()

    async with asyncio.timeout(3):
        await house.slack.stop()
    assert await alice.ended()
    assert await bob.ended()
    with pytest.raises(aiohttp.ClientError):
        await alice.session.get(f"{alice.url}/page/events")


async def test_a_browser_that_went_is_forgotten(house: House) -> None:
    browsers = [house.browser(ALICE) for _ in range(5)]
    for browser in browsers:
        await browser.open()
    assert len(house.page.feed._streams) == 5
    for browser in browsers[1:]:
        await browser.close()
    for number in range(50):
        house.workspace.post(FINANCE, BOB, f"is anybody there? {number}", NOW)
        await browsers[0].until_said(f"? {number}")
        if len(house.page.feed._streams) == 1:
            break

    assert len(house.page.feed._streams) == 1


def test_an_event_is_one_line_whatever_is_said() -> None:
    written = on_the_wire(("message", {"text": "a\n\nevent: gone\u2028\r\ndata: {}"}))

    assert written.count(b"\n") == 3
    assert written.isascii()
    assert written.endswith(b"\n\n")
