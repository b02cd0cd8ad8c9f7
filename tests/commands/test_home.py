"""Slack's event for App Home and the Home's buttons, through Bolt's own dispatch: what is kept, acknowledged and let go."""

from __future__ import annotations

from typing import Any

import pytest

import commands
from bot.domain.errors import StoreUnavailableError
from bot.domain.model import Delivery
from bot.surfaces.home import LAUNCH_ACTION
from commands.home import is_home_tab
from tests.builders import NOON, a_delivery
from tests.commands.bolt import Bolt, an_event_payload
from tests.commands.why_world import the_doors


async def refuse(*_: Any, **__: Any) -> Any:
    raise StoreUnavailableError("here", "the disk is full")


async def test_an_opened_home_is_kept_acknowledged_and_carried(bolt: Bolt) -> None:
    status = await bolt.dispatch(an_event_payload())
    kept = await bolt.doors.store.delivery("event:Ev1")

    assert status == 200
    assert kept is not None
    assert (kept.kind, kept.name, kept.team_id, kept.user_id) == ("event", "app_home_opened", "T0GONOGO", "U0BOB")
    assert await bolt.homes() == ["U0BOB"]


async def test_nobody_is_told_anything_in_answer_to_an_event(bolt: Bolt) -> None:
    await bolt.dispatch(an_event_payload())

    assert bolt.doors.thread.told == []


async def test_the_same_event_twice_is_kept_once(bolt: Bolt) -> None:
    await bolt.dispatch(an_event_payload())
    first = await bolt.homes()
    status = await bolt.dispatch(an_event_payload())

    assert (first, status) == (["U0BOB"], 200)
    assert not await bolt.doors.store.record_delivery(a_delivery(key="event:Ev1"))


@pytest.mark.parametrize("event", [{"tab": "messages"}, {"tab": None}, {"type": "channel_rename"}, {"type": "app_mention"}])
async def test_other_tabs_and_events_are_acknowledged_and_let_go(bolt: Bolt, event: dict[str, Any]) -> None:
    status = await bolt.dispatch(an_event_payload(**event))

    assert status == 200
    assert await bolt.doors.store.delivery("event:Ev1") is None
    assert await bolt.homes() == []


@pytest.mark.parametrize("missing", ["event_id", "team_id"])
async def test_an_event_that_lacks_what_slack_documents_is_acknowledged_and_let_go(bolt: Bolt, missing: str) -> None:
    payload = an_event_payload()
    del payload[missing]

    assert await bolt.dispatch(payload) == 200
    assert await bolt.homes() == []


async def test_an_event_that_cannot_be_kept_is_not_acknowledged_so_that_slack_brings_it_again(bolt: Bolt) -> None:
    records = bolt.doors.store.record_delivery
    bolt.doors.store.record_delivery = refuse  # type: ignore[method-assign]
    refused = await bolt.dispatch(an_event_payload())
    bolt.doors.store.record_delivery = records  # type: ignore[method-assign]
    again = await bolt.dispatch(an_event_payload())

    assert (refused, again) == (503, 200)
    assert bolt.doors.thread.told == []
    assert await bolt.homes() == ["U0BOB"]


async def test_an_event_of_a_bot_that_was_killed_long_ago_is_still_carried(bolt: Bolt) -> None:
    late = a_delivery(key="event:Ev9", kind="event", name="app_home_opened", user_id="U0CAROL", text="")
    long_ago = Delivery(**{**vars(late), "received_at": NOON.replace(year=2025)})
    await bolt.doors.store.record_delivery(long_ago)
    await bolt.doors.door.carry(long_ago)

    assert await bolt.homes() == ["U0CAROL"]
    assert bolt.doors.thread.told == []


async def test_an_event_whose_work_fails_is_in_the_log_and_told_nobody(bolt: Bolt) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise ValueError("a fault of our own")

    bolt.doors.store.home_opened = fail  # type: ignore[method-assign]
    status = await bolt.dispatch(an_event_payload())

    assert status == 200
    assert bolt.doors.thread.told == []


async def test_the_launch_button_says_what_to_type() -> None:
    async with the_doors() as doors:
        press = a_delivery(key="button:1", kind="button", name=LAUNCH_ACTION, text="", channel_id="U0BOB", user_id="U0BOB")
        await doors.store.record_delivery(press)
        await doors.door.carry(press)

    assert [what for what, _ in doors.thread.told] == ["answer"]
    assert "/launch help" in doors.thread.told[0][1]


def test_what_happens_in_slack_is_found_like_everything_else() -> None:
    assert list(commands.load().happenings) == ["app_home_opened"]
    assert LAUNCH_ACTION in commands.load().buttons


@pytest.mark.parametrize(("event", "is_wanted"), [({"tab": "home"}, True), ({"tab": "messages"}, False), ({}, False)])
def test_only_the_home_tab_counts(event: dict[str, Any], is_wanted: bool) -> None:
    assert is_home_tab(event) is is_wanted
