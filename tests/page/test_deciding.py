"""People decide, each in a browser of their own: approval by two, a no with its reason, and what nobody could look up."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from bot.sandbox.standins import Fault, FaultKind
from bot.sandbox.world import Sandbox
from tests.page.conftest import Come

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.journey]

TREASURY = "C0TREASURY"
REFUND = 'billing "Refund approval" paymentId=4028905f5a87c0ff015a889ddfb800c0'
FLOW = "sales Escalate_to_Case CommentCount=6 FeedItemId=0D5D0000000cfMY"
LOST = Fault(kind=FaultKind.DROP, is_applied=True)
UNSENT = Fault(kind=FaultKind.DROP, is_applied=False)


async def test_two_of_three_agree_each_before_their_own_screen(come: Come) -> None:
    alice, bob, dave = await come("U0ALICE", TREASURY), await come("U0BOB", TREASURY), await come("U0DAVE", TREASURY)
    known = await alice.launches()
    card = await alice.launch(f"{REFUND} days=14")
    of_bob, of_dave = await bob.new_card(known), await dave.new_card(known)

    await of_bob.press("Approve")
    for seen in (card, of_bob, of_dave):
        await expect(seen.node).to_contain_text("1 of 2")
    await of_dave.press("Approve")

    for seen in (card, of_bob, of_dave):
        await seen.says("Succeeded")
    thread = await card.open_thread()
    await expect(thread).to_contain_text("@bob approved it")
    await expect(thread).to_contain_text("approved by @bob and @dave")
    await expect(card.button("Approve")).to_have_count(0)


async def test_a_no_asks_for_its_reason_and_everybody_reads_it(come: Come) -> None:
    alice, carol = await come("U0ALICE", TREASURY), await come("U0CAROL", TREASURY)
    known = await alice.launches()
    card = await alice.launch(REFUND)

    await (await carol.new_card(known)).press("Reject")
    form = carol.form
    await form.send("Reject")
    await expect(form.field("Reason")).to_have_attribute("aria-invalid", "true")
    await form.write({"Reason": "Paid back <last> week & *told* so."})
    await form.send("Reject")
    await form.gone()

    await card.says("Rejected")
    await expect(await card.open_thread()).to_contain_text("Paid back <last> week & *told* so.")


async def test_who_may_not_decide_is_told_so_alone(come: Come) -> None:
    bob = await come("U0BOB", TREASURY)
    card = await bob.launch(REFUND)
    await card.press("Approve")

    told = bob.log.get_by_role("article", name=re.compile("only visible to you", re.IGNORECASE)).last
    await expect(told).to_contain_text("somebody else has to decide")
    await card.press("Cancel")
    await bob.page.get_by_role("alertdialog", name="Cancel this launch?").get_by_role("button", name="Cancel it").click()
    await card.says("Cancelled")


async def test_what_did_not_run_is_settled_by_button(come: Come, sandbox: Sandbox) -> None:
    sandbox.providers.fault("salesforce", UNSENT, verb="start")
    alice = await come("U0ALICE", "C0SALES")
    card = await alice.launch(FLOW)
    await card.says("In doubt")

    await card.press("It did not")
    asked = alice.page.get_by_role("alertdialog", name="Did it not run?")
    await expect(asked).to_contain_text(card.launch_id)
    await asked.get_by_role("button", name="Not sure").click()
    await card.says("In doubt")
    await card.press("It did not")
    await asked.get_by_role("button", name="It did not").click()

    await card.says("Failed")
    await expect((await card.open_thread()).get_by_role("article").last).to_contain_text("@alice")


async def test_what_ran_is_named_in_a_form(come: Come, sandbox: Sandbox) -> None:
    before = {run.run_id for run in sandbox.providers.runs("salesforce")}
    sandbox.providers.fault("salesforce", LOST, verb="start")
    alice = await come("U0ALICE", "C0SALES")
    card = await alice.launch(FLOW)
    await card.says("In doubt")
    (run_id,) = {run.run_id for run in sandbox.providers.runs("salesforce")} - before

    await card.press("It ran")
    await alice.form.write({"Run id at the provider": run_id})
    await alice.form.send("This is the run")
    await alice.form.gone()

    await expect(await card.open_thread()).to_contain_text(run_id)
    await expect(card.button("It did not")).to_have_count(0)
