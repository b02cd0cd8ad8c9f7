"""`/launch why` through its door: three cases, the button, and who learns nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from bot.domain.model import Person
from tests.block_limits import assert_harmless, assert_within_limits, labels
from tests.commands.why_world import Doors, the_doors


@pytest.fixture
async def doors() -> AsyncGenerator[Doors, None]:
    async with the_doors() as doors:
        yield doors


@pytest.mark.parametrize(
    ("user_id", "workflow", "verdict"),
    [
        ("U0ALICE", "396", "Allowed."),
        ("U0BOB", "396", "Not allowed."),
        ("U0BOB", "401", "Allowed once others agree."),
        ("U0ALICE", '"Dunning run"', "Allowed."),
    ],
)
async def test_the_verdict_comes_first_and_nothing_is_launched(doors: Doors, user_id: str, workflow: str, verdict: str) -> None:
    say = await doors.type(f"why billing {workflow}", user_id)

    assert_within_limits(say)
    assert_harmless(say)
    assert say.text.startswith(f"{verdict} ")
    assert await doors.store.recent(channel_id="C0FINANCE", limit=5) == []
    assert doors.wire.calls == []


async def test_without_more_it_tells_where_the_person_stands(doors: Doors) -> None:
    say = await doors.type("why")

    assert_within_limits(say)
    assert say.text.startswith("You in #finance-ops:\n• Met. Person:")
    assert "Allowed once others agree: Payout run" in say.text
    assert "Not allowed: You are not among the people who may launch “Dunning run”" in say.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("why billing", "/launch why needs the workflow as well."),
        ("why billing 396 accountId=1", "/launch why takes fewer words than that."),
        ("why biling 396", "Did you mean “billing”?"),
        ("why billing 999", "The connection “billing” has no workflow “999”."),
    ],
)
async def test_what_cannot_be_explained_is_named(doors: Doors, text: str, expected: str) -> None:
    assert expected in (await doors.type(text)).text


@pytest.mark.parametrize("text", ["why", "why billing 396", "why nonsense x", "access", "access billing"])
async def test_a_guest_learns_no_more_than_at_every_door(doors: Doors, text: str) -> None:
    told = (await doors.type(text, "U0GUEST")).text

    assert told == (await doors.type("list", "U0GUEST")).text
    assert "guest" in told


async def test_the_button_asks_the_operators_once_and_the_person_is_told(doors: Doors) -> None:
    answer = await doors.type("why billing 396")
    told = [(await doors.press(answer)).text for _ in range(2)]

    assert labels(answer) == ["Ask for access"]
    assert told[0] == "The operators were asked. They answer you, not this bot."
    assert told[1].startswith("The operators were asked for this already")
    assert len(doors.operators) == 1
    assert "requesters: [U0BOB]" in doors.operators[0]


@pytest.mark.parametrize("changes", [{"user_id": "U0EVE"}, {"channel_id": "C0ELSEWHERE"}])
async def test_a_button_pressed_by_another_or_elsewhere_asks_for_nothing(doors: Doors, changes: dict[str, str]) -> None:
    answer = await doors.type("why billing 396")

    assert "Type /launch why again." in (await doors.press(answer, **changes)).text
    assert doors.operators == []


async def test_a_guest_who_presses_an_old_button_is_refused(doors: Doors) -> None:
    answer = await doors.type("why billing 396")
    doors.directory.people["U0BOB"] = Person(user_id="U0BOB", team_id="T0GONOGO", name="bob", is_guest=True)

    assert "guest" in (await doors.press(answer)).text
    assert doors.operators == []
