"""Lost answers through the whole bot: looked up, adopted, or settled by people with the buttons on the card."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.sandbox.standins import Fault, FaultKind
from tests.journeys.house import ENDS, House, a_house, launch_id

SUM = "analytics AddTwoNumbers parameter1=13 parameter2=7"
FLOW = "sales Escalate_to_Case CommentCount=6 FeedItemId=0D5D0000000cfMY"
LOST = Fault(kind=FaultKind.STATUS, status=502, is_applied=True)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House, None]:
    async with a_house(tmp_path) as house:
        yield house


async def test_zuora_is_asked_again_under_the_same_key_and_runs_once(house: House) -> None:
    house.providers.fault("zuora", LOST, verb="start")

    card = await house.ended("U0ALICE", "C0FINANCE", "billing 396 accountId=1")

    assert card.text.startswith("Succeeded")
    assert len(house.providers.runs("zuora")) == 1
    assert "do not launch it again" in house.thread(card)[0]


@pytest.mark.parametrize(
    ("provider", "channel_id", "typed"),
    [("domo", "C0DATA", SUM), ("captain_data", "C0DATA", "growth 'Find email' company_name=Acme")],
)
async def test_a_run_whose_start_was_not_answered_is_found_and_tracked(
    house: House, provider: str, channel_id: str, typed: str
) -> None:
    house.providers.fault(provider, LOST, verb="start")

    launched = await house.launched("U0CAROL", channel_id, typed)
    card = await house.card(launched, "Succeeded")

    assert len(house.providers.runs(provider)) == 1
    assert any("do not launch it again" in line for line in house.thread(card))


async def test_what_nobody_can_look_up_is_settled_by_a_person_who_says_it_did_not_run(house: House) -> None:
    house.providers.fault("salesforce", Fault(kind=FaultKind.STATUS, status=502, is_applied=False), verb="start")
    card = await house.card(await house.launched("U0ALICE", "C0SALES", FLOW), "In doubt")

    await house.slack.click("U0BOB", "C0SALES", card.ts, "It did not")
    failed = await house.card(card, *ENDS[:4])

    assert failed.text.startswith("Failed")
    assert "<@U0BOB>" in house.thread(failed)[-1]
    assert house.providers.runs("salesforce") == []


async def test_a_person_names_the_run_in_a_form(house: House) -> None:
    house.providers.fault("salesforce", LOST, verb="start")
    card = await house.card(await house.launched("U0ALICE", "C0SALES", FLOW), "In doubt")
    (run,) = house.providers.runs("salesforce")

    await house.slack.click("U0BOB", "C0SALES", card.ts, "It ran")
    await house.workspace.wait_for(lambda seen: seen.views.top("U0BOB"))
    sent = await house.slack.submit("U0BOB", {"run_id": {"value": run.run_id}})
    assert sent.is_ok
    settled = await house.card(card, *ENDS[:4])

    assert run.run_id in house.thread(settled)[-1]
    assert launch_id(settled) == launch_id(card)


async def test_a_guest_gets_no_form(house: House) -> None:
    house.providers.fault("salesforce", LOST, verb="start")
    card = await house.card(await house.launched("U0ALICE", "C0SALES", FLOW), "In doubt")
    members = house.workspace.channels["C0SALES"].members | {"U0GUEST"}
    house.workspace.change_channel("C0SALES", datetime.now(UTC), members=members)  # noqa: TID251 - the world's clock

    await house.slack.click("U0GUEST", "C0SALES", card.ts, "It ran")
    answer = await house.workspace.wait_for(lambda seen: next(iter(seen.ephemerals("C0SALES", "U0GUEST")), None))

    assert "guest" in answer.text.lower()
    assert house.workspace.views.top("U0GUEST") is None
