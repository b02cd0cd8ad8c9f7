"""Launching again through the whole bot: the card's button and the command, with what is different by now."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.domain.grants import ApprovalRule, InputRule
from bot.domain.model import InputSpec, InputType, Workflow
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.workspace import Message
from bot.surfaces.command_text import read_command
from tests.journeys.form_parts import Forms, labels, said, standing
from tests.journeys.house import House, a_house, launch_id

ALICE, BOB, CAROL, FINANCE, DATA = "U0ALICE", "U0BOB", "U0CAROL", "C0FINANCE", "C0DATA"
ACCOUNT, PAYMENT = "4028905f5a87c0ff015a87d25ae90025", "4028905f5a87c0ff015a889ddfb800c0"
WISH = f"billing 396 accountId={ACCOUNT} paymentId={PAYMENT} maxAmount=10.50 dryRun=no"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House, None]:
    async with a_house(tmp_path) as house:
        yield house


def starts(house: House) -> list[Any]:
    return [one.json for one in house.providers.received if one.verb == "start"]


async def press(house: House, user_id: str, card: Message) -> None:
    assert (await house.slack.click(user_id, card.channel_id, card.ts, "Launch again")).is_ok


async def whispered(house: House, user_id: str, channel_id: str) -> str:
    found = await house.workspace.wait_for(lambda seen: seen.ephemerals(channel_id, user_id) or None)
    return found[-1].text


def change(house: House, **changes: Any) -> None:
    """The grant of the finance channel becomes another one while the bot runs."""
    standing_now = house.bot.parts.standing
    channel = standing_now.policy.channels[FINANCE]
    grants = tuple(replace(grant, **changes) if grant.connection == "billing" else grant for grant in channel.grants)
    channels = {**standing_now.policy.channels, FINANCE: replace(channel, grants=grants)}
    policy = replace(standing_now.policy, channels=channels, digest="changed")
    standing_now.replace(policy=policy, connections=standing_now.connections)


def describe(house: House, *inputs: InputSpec) -> None:
    """The configuration says by now that the workflow takes these inputs."""
    standing_now = house.bot.parts.standing
    billing = standing_now.connections["billing"]
    named = {"396": Workflow(workflow_id="396", name="Dunning run", inputs=inputs)}
    connections = {**standing_now.connections, "billing": replace(billing, workflows=named)}
    standing_now.replace(policy=standing_now.policy, connections=connections)


async def test_the_cards_button_opens_the_form_as_it_was_launched_and_sends_the_same_again(house: House) -> None:
    card = await house.ended(ALICE, FINANCE, WISH)
    bob = Forms(house, BOB)

    await press(house, BOB, card)
    view = await bob.seen(f"As {launch_id(card)} was launched.")
    assert (standing(view, "accountId"), standing(view, "maxAmount")) == (ACCOUNT, "10.50")
    again = await bob.launched(FINANCE)
    await house.card(again, "Succeeded")

    first, second = starts(house)
    assert first == second
    assert launch_id(again) != launch_id(card)
    assert f"<@{BOB}>" in again.text


async def test_the_command_opens_the_same_form(house: House) -> None:
    card = await house.ended(ALICE, FINANCE, WISH)
    alice = Forms(house, ALICE)

    view = await alice.open(FINANCE, f"again {launch_id(card).lower()}", f"As {launch_id(card)} was launched.")

    assert standing(view, "paymentId") == PAYMENT


async def test_what_is_different_by_now_stands_above_the_fields_and_is_corrected_there(house: House) -> None:
    card = await house.ended(ALICE, FINANCE, WISH)
    describe(
        house,
        InputSpec(name="accountId", required=True),
        InputSpec(name="maxAmount", type=InputType.DECIMAL),
        InputSpec(name="reason", required=True),
    )
    change(house, inputs={"maxAmount": InputRule(max=Decimal(5))})
    alice = Forms(house, ALICE)

    await press(house, ALICE, card)
    view = await alice.seen("reason", "As ")
    told = said(view)
    assert "The input “reason” is new, and it is required." in told
    assert "The earlier value “10.50” of “maxAmount” is not allowed here any more." in told
    assert "The workflow has no input “paymentId” any more" in told
    assert {"accountId", "maxAmount", "reason"} <= set(labels(view))
    assert "paymentId" not in labels(view)

    again = await alice.launched(FINANCE, {"maxAmount": "4.50", "reason": "second try"})
    await house.card(again, "Failed", "Succeeded")
    assert {"accountId": ACCOUNT, "reason": "second try"}.items() <= starts(house)[-1].items()
    assert str(starts(house)[-1]["maxAmount"]) == "4.50"


async def test_approval_that_is_asked_for_by_now_is_asked_for(house: House) -> None:
    card = await house.ended(ALICE, FINANCE, WISH)
    change(house, approval=ApprovalRule(approvers=(BOB,)))
    alice = Forms(house, ALICE)

    await press(house, ALICE, card)
    await alice.seen("Others have to agree to it now.")
    again = await alice.launched(FINANCE)

    assert again.text.startswith("Awaiting approval")
    assert len(starts(house)) == 1


async def test_whoever_may_not_launch_it_by_now_gets_no_form(house: House) -> None:
    card = await house.ended(ALICE, FINANCE, WISH)
    change(house, requesters=(BOB,))

    await press(house, ALICE, card)
    told = await whispered(house, ALICE, FINANCE)

    assert "You are not among the people who may launch “Dunning run”" in told
    assert Forms(house, ALICE).view is None


async def test_in_another_channel_nothing_is_told_of_its_inputs(house: House) -> None:
    card = await house.ended(ALICE, FINANCE, WISH)

    told = await house.told(ALICE, DATA, f"again {launch_id(card)}")

    assert "another channel" in told
    assert ACCOUNT not in told


async def test_a_launch_that_is_not_over_is_not_launched_again(tmp_path: Path) -> None:
    async with a_house(tmp_path, run_s=60.0) as house:
        card = await house.card(await house.launched(ALICE, FINANCE, WISH), "Running")

        told = await house.told(ALICE, FINANCE, f"again {launch_id(card)}")
        now = house.workspace.find(card.channel_id, card.ts)

        assert "is not over" in told
        assert "Launch again" not in str(now.blocks if now else "")


@pytest.mark.parametrize("text", ["again", "again L-7K3QW L-7K3QX"])
async def test_the_command_takes_one_id(house: House, text: str) -> None:
    assert "again" in await house.told(ALICE, FINANCE, text)


async def test_where_slack_opens_no_form_the_command_is_told_and_works(house: House) -> None:
    card = await house.ended(ALICE, FINANCE, WISH)
    house.slack.fault("views.open", SlackFault.refusing("expired_trigger_id"))

    told = await house.told(ALICE, FINANCE, f"again {launch_id(card)}")
    typed = told.split("“/launch ")[1].split("”")[0]
    assert read_command(typed, subcommands=frozenset()) == read_command(WISH, subcommands=frozenset())
    await house.ended(ALICE, FINANCE, typed)

    first, second = starts(house)
    assert first == second
