"""Where each press goes, through Bolt's own dispatch: one listener finds whose it is by its action id."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from slack_bolt.async_app import AsyncBoltRequest

import commands
from bot.domain.errors import StoreUnavailableError
from tests.commands.bolt import Bolt, an_event_payload
from tests.commands.why_world import Doors, the_doors
from tests.worker.faults import Fitful

ENTRIES = commands.load()


async def unfinished(doors: Doors) -> list[str]:
    """What whoever comes after us takes up."""
    later = doors.now.replace(year=2030)
    return [one.key for one in await doors.store.lease_deliveries(now=later, until=later, holder="looker", limit=9)]


@pytest.mark.parametrize("action_id", sorted(ENTRIES.buttons))
async def test_every_button_is_kept_and_acknowledged(bolt: Bolt, action_id: str) -> None:
    assert await bolt.press(action_id) == (200, [f"button:T0GONOGO:1.2:{action_id}:5.6:U0BOB"])


@pytest.mark.parametrize("action_id", [*sorted(ENTRIES.choices), "a_link", "", *(f"{one}x" for one in sorted(ENTRIES.buttons))])
async def test_choices_and_other_presses_are_acknowledged_and_not_kept(bolt: Bolt, action_id: str) -> None:
    assert await bolt.press(action_id) == (200, [])
    assert bolt.doors.thread.told == []


@pytest.mark.parametrize("missing", ["team", "user"])
async def test_a_press_that_lacks_what_slack_documents_is_acknowledged_and_let_go(bolt: Bolt, missing: str) -> None:
    assert await bolt.press(min(ENTRIES.buttons), **{missing: {}}) == (200, [])


async def test_a_press_on_an_old_attachment_is_acknowledged_and_let_go(bolt: Bolt) -> None:
    """Such a press has no action id. https://docs.slack.dev/legacy/legacy-messaging/legacy-message-buttons"""
    old = [{"name": "approve", "type": "button", "value": "L-1"}]

    assert await bolt.press("", type="interactive_message", callback_id="old", actions=old) == (200, [])


def test_no_action_id_is_both_a_button_and_a_choice() -> None:
    assert not set(ENTRIES.buttons) & set(ENTRIES.choices)


async def doubt(*_: object, **__: object) -> bool:
    raise StoreUnavailableError("here", "the connection broke", may_be_kept=True)


async def refuse(*_: object, **__: object) -> bool:
    raise StoreUnavailableError("here", "the disk is full")


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (doubt, "It is in doubt whether your request was kept: "),
        (refuse, "Your request could not be kept, so nothing was started."),
    ],
)
async def test_a_refusal_says_whether_it_is_certain(bolt: Bolt, record: Callable[..., Awaitable[bool]], told: str) -> None:
    bolt.doors.store.record_delivery = record  # type: ignore[method-assign]
    command = {"command": "/launch", "text": "help", "team_id": "T0GONOGO", "channel_id": "C0FINANCE", "user_id": "U0BOB"}
    response = await bolt.app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=command | {"trigger_id": "1.2"}))
    pressed = await bolt.press(min(ENTRIES.buttons))

    assert json.loads(response.body)["text"].startswith(told)
    assert pressed == (200, [])
    [(_, answered)] = bolt.doors.thread.told
    assert answered.startswith(told)
    assert ("/launch status" in answered) is (record is doubt), "where to look before asking again"


async def test_what_was_answered_is_not_answered_again_where_the_database_goes_away_just_then() -> None:
    async with the_doors() as doors:
        fitful = Fitful(doors.store, {"finish_delivery": {1, 2}})
        doors.store.finish_delivery = fitful.finish_delivery  # type: ignore[method-assign]
        say = await doors.type("help")

        assert [text for _, text in doors.thread.told] == [say.text]
        assert await unfinished(doors) == []


async def test_what_waits_for_the_database_does_not_keep_a_bot_from_ending_and_is_taken_up_by_the_next(bolt: Bolt) -> None:
    async def away(*_: object, **__: object) -> None:
        await asyncio.sleep(0)
        raise StoreUnavailableError("here", "it is away")

    doors = bolt.doors
    opens = doors.store.home_opened
    doors.store.home_opened = away  # type: ignore[method-assign]
    async with asyncio.timeout(10):
        assert await bolt.dispatch(an_event_payload()) == 200
    assert await unfinished(doors) == ["event:Ev1"]

    doors.store.home_opened = opens  # type: ignore[method-assign]
    delivery = await doors.store.delivery("event:Ev1")
    assert delivery is not None
    await doors.door.carry(delivery)
    assert await bolt.homes() == ["U0BOB"]
