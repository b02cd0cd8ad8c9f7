"""App Home through the whole bot: Slack's event in; out comes the view that Slack accepted, kept current while things happen."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.shapes import plain
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Message
from bot.sandbox.world import CONFIGURATION
from tests.journeys.house import House, a_house, launch_id

SUM = "analytics AddTwoNumbers parameter1=13 parameter2=7"
APPROVAL = {"approvers": ["U0BOB", "S0CONTROLLERS"], "required": 1, "expires_after": "4h"}
NOTHING_WAITS = "Nothing waits for your approval."
A_FEW_SECONDS = 8.0


@pytest.fixture(params=["socket", "http"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[House, None]:
    async with a_house(tmp_path, mode=request.param, configuration=approving(tmp_path)) as house:
        yield house


def approving(folder: Path) -> Path:
    """The demo's configuration, but that the sums of #data-team need one approver."""
    told = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    (sums,) = [grant for grant in told["channels"]["C0DATA"]["grants"] if grant["connection"] == "analytics"]
    sums["approval"] = APPROVAL
    path = folder / "gonogo.yaml"
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    return path


def words(value: Any) -> str:
    """Everything that a person reads in blocks."""
    match value:
        case dict():
            own = value.get("text")
            said = own if isinstance(own, str) else ""
            return " ".join([said, *(words(part) for part in value.values() if not isinstance(part, str))])
        case list():
            return " ".join(words(part) for part in value)
        case _:
            return ""


def offered(view: View, label: str) -> list[str]:
    """The launches of the buttons with this label."""
    found = [element for block in view.blocks if block["type"] == "actions" for element in block["elements"]]
    return [element.get("value", "") for element in found if plain(element["text"]) == label]


async def home(house: House, user_id: str, fits: Callable[[View], object]) -> View:
    """This person's Home, once it is as it should be."""

    def look(_: Any) -> View | None:
        view = house.workspace.views.home(user_id)
        return view if view is not None and fits(view) else None

    return await house.workspace.wait_for(look, A_FEW_SECONDS)


async def opened(house: House, user_id: str, fits: Callable[[View], object] = bool) -> View:
    acknowledged = await house.slack.open_home(user_id)
    assert acknowledged.is_ok, acknowledged
    return await home(house, user_id, fits)


async def asked(house: House, text: str = SUM) -> Message:
    """A launch of Alice's that waits for approval."""
    return await house.card(await house.launched("U0ALICE", "C0DATA", text), "Awaiting approval")


async def posted(house: House, count: int = 1) -> list[Message]:
    """As many launches of Alice's, as soon as their cards stand."""
    return [await house.launched("U0ALICE", "C0DATA", SUM) for _ in range(count)]


def publishings(house: House, user_id: str) -> int:
    calls = [one for one in house.slack.traffic if one.name == "views.publish"]
    return len([one for one in calls if one.sent["user_id"] == user_id])


async def test_an_approver_sees_thirty_waiting_launches_as_far_as_they_fit(house: House) -> None:
    cards = await posted(house, 30)
    view = await opened(house, "U0BOB")

    waiting = [launch_id(card) for card in cards]
    assert offered(view, "Approve") == offered(view, "Reject") == waiting[:18]
    assert "and 12 more: /launch status" in words(view.blocks)


async def test_a_newcomer_sees_that_nothing_waits_and_what_may_be_launched_where(house: House) -> None:
    view = await opened(house, "U0CAROL")
    text = words(view.blocks)

    assert NOTHING_WAITS in text
    assert "You have not launched anything yet." in text
    for told in ("#finance-ops", "billing", "Dunning run", "#data-team", "AddTwoNumbers", "#sales-ops", "Contract approval"):
        assert told in text
    assert "incomplete" not in text


async def test_only_channels_in_which_a_person_is_are_shown(house: House) -> None:
    channel = house.workspace.channels["C0FINANCE"]
    house.workspace.change_channel("C0FINANCE", house.slack.people.clock.now(), members=channel.members - {"U0CAROL"})
    view = await opened(house, "U0CAROL")

    assert "#finance-ops" not in words(view.blocks)
    assert "#data-team" in words(view.blocks)


async def test_a_decision_on_the_card_takes_the_entry_off_another_approvers_home(house: House) -> None:
    card, *_ = await posted(house)
    await opened(house, "U0BOB", lambda view: offered(view, "Approve") == [launch_id(card)])

    pressed = await house.slack.click("U0CAROL", "C0DATA", card.ts, "Approve")
    assert pressed.is_ok
    view = await home(house, "U0BOB", lambda view: NOTHING_WAITS in words(view.blocks))

    assert offered(view, "Approve") == []


async def test_a_launch_that_is_asked_for_appears_on_an_approvers_home_and_not_on_the_requesters(house: House) -> None:
    await opened(house, "U0BOB")
    await opened(house, "U0ALICE")
    card, *_ = await posted(house)

    await home(house, "U0BOB", lambda view: offered(view, "Approve") == [launch_id(card)])
    own = await home(house, "U0ALICE", lambda view: launch_id(card) in words(view.blocks))

    assert "Awaiting approval: AddTwoNumbers on analytics" in words(own.blocks)
    assert offered(own, "Approve") == []


async def test_a_yes_from_home_counts_as_one_on_the_card(house: House) -> None:
    from_home, from_card = await posted(house, 2)
    await opened(house, "U0BOB", lambda view: len(offered(view, "Approve")) == 2)

    assert (await house.slack.click_home("U0BOB", "Approve", launch_id(from_home))).is_ok
    assert (await house.slack.click("U0BOB", "C0DATA", from_card.ts, "Approve")).is_ok
    for card in (from_home, from_card):
        assert (await house.card(card, "Succeeded")).text.startswith("Succeeded")
    lines = [[line.replace(launch_id(card), "L") for line in house.thread(card)] for card in (from_home, from_card)]

    assert any("<@U0BOB>" in line for line in lines[0])
    assert len(lines[0]) == len(lines[1])
    assert [line.split(":")[0] for line in lines[0]] == [line.split(":")[0] for line in lines[1]]
    assert len(house.providers.runs("domo")) == 2
    assert house.workspace.direct_messages("U0BOB") == []
    await home(house, "U0BOB", lambda view: NOTHING_WAITS in words(view.blocks))


async def test_a_no_from_home_asks_for_its_reason_and_ends_the_launch(house: House) -> None:
    card, *_ = await posted(house)
    await opened(house, "U0BOB", lambda view: offered(view, "Reject") == [launch_id(card)])

    assert (await house.slack.click_home("U0BOB", "Reject", launch_id(card))).is_ok
    await house.workspace.wait_for(lambda seen: seen.views.top("U0BOB"))
    assert (await house.slack.submit("U0BOB", {_only_field(house, "U0BOB"): "not on a Friday"})).is_ok
    rejected = await house.card(card, "Rejected")

    assert "not on a Friday" in "\n".join(house.thread(rejected))
    assert house.providers.runs("domo") == []
    await home(house, "U0BOB", lambda view: NOTHING_WAITS in words(view.blocks))


def _only_field(house: House, user_id: str) -> str:
    top = house.workspace.views.top(user_id)
    assert top is not None
    (block,) = [one for one in top.blocks if one["type"] == "input"]
    return str(block["block_id"])


async def test_the_loser_of_a_race_is_told_by_direct_message_who_won(house: House) -> None:
    card, *_ = await posted(house)
    stale = await opened(house, "U0BOB", lambda view: offered(view, "Approve") == [launch_id(card)])
    await house.slack.click("U0CAROL", "C0DATA", card.ts, "Approve")
    await house.card(card, "Succeeded", "Running", "Starting", "Queued")
    house.workspace.views._homes["U0BOB"] = stale

    assert (await house.slack.click_home("U0BOB", "Approve", launch_id(card))).is_ok
    told = await house.workspace.wait_for(lambda seen: next(iter(seen.direct_messages("U0BOB")), None))
    await house.card(card, "Succeeded")

    assert "<@U0CAROL>" in told.text
    assert len(house.providers.runs("domo")) == 1


async def test_the_launch_button_tells_what_to_type_where_the_form_cannot_be_opened(house: House) -> None:
    await opened(house, "U0BOB")
    house.slack.fault("views.open", SlackFault.refusing("expired_trigger_id"))

    assert (await house.slack.click_home("U0BOB", "Launch")).is_ok
    told = await house.workspace.wait_for(lambda seen: next(iter(seen.direct_messages("U0BOB")), None))

    assert "/launch &lt;connection&gt; &lt;workflow&gt;" in told.text


async def test_a_guests_home_says_that_they_launch_nothing_and_nothing_else(house: House) -> None:
    await posted(house)
    view = await opened(house, "U0GUEST")
    text = words(view.blocks)

    assert "guest" in text
    for told in ("AddTwoNumbers", "finance-ops", "Approve", "launches"):
        assert told not in text


async def test_the_messages_tab_shows_nothing_and_leaves_nothing(house: House) -> None:
    event = {"type": "app_home_opened", "user": "U0BOB", "tab": "messages", "channel": "D0BOB"}
    assert (await house.slack.people.event(event)).is_ok
    await opened(house, "U0CAROL")

    assert house.workspace.views.home("U0BOB") is None


async def test_the_same_event_twice_is_one_opening(house: House) -> None:
    acknowledged = await house.slack.open_home("U0BOB")
    await home(house, "U0BOB", bool)
    assert (await house.slack.redeliver(acknowledged)).is_ok
    await opened(house, "U0CAROL")

    assert publishings(house, "U0BOB") == 1


async def test_what_concerns_somebody_else_alone_is_not_published(house: House) -> None:
    await opened(house, "U0BOB")
    await opened(house, "U0ALICE")
    await house.launched("U0ALICE", "C0FINANCE", "billing 396 accountId=4028905f5a87c0ff015a87d25ae90025")
    await home(house, "U0ALICE", lambda view: "Succeeded: Dunning run" in words(view.blocks))

    assert publishings(house, "U0BOB") == 1


async def test_a_home_that_slack_did_not_take_is_shown_later(house: House) -> None:
    house.slack.fault("views.publish", SlackFault.limited(1), times=2)

    assert NOTHING_WAITS in words((await opened(house, "U0BOB")).blocks)


async def test_a_home_survives_a_restart(tmp_path: Path) -> None:
    """What the first bot was told is kept current by the second."""
    async with a_house(tmp_path, configuration=approving(tmp_path)) as house:
        await opened(house, "U0BOB")
        await opened(house, "U0ALICE")
    async with a_house(tmp_path, configuration=approving(tmp_path)) as house:
        card, *_ = await posted(house)
        await home(house, "U0BOB", lambda view: offered(view, "Approve") == [launch_id(card)])
