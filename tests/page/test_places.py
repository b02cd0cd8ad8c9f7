"""The app's Home, its shortcuts and the provider panel, as people use them in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from bot.sandbox.world import Sandbox
from tests.page.conftest import Come
from tests.page.person import Person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.journey]

ACCOUNT = "4028905f5a87c0ff015a87d25ae90025"
REFUND = 'billing "Refund approval" paymentId=4028905f5a87c0ff015a889ddfb800c0'
SUM = "analytics AddTwoNumbers parameter1=13 parameter2=7"


async def at_home(person: Person) -> None:
    """Go to the app's Home by the sidebar, as anybody would."""
    await person.page.get_by_role("navigation").get_by_role("button", name=re.compile("Home")).first.click()
    await expect(person.page.get_by_role("tab", name="Home")).to_have_attribute("aria-selected", "true")


async def test_home_shows_what_waits_and_a_yes_from_there_counts(come: Come) -> None:
    alice, bob, carol = [await come(one, "C0TREASURY") for one in ("U0ALICE", "U0BOB", "U0CAROL")]
    known = await bob.launches()
    card = await alice.launch(REFUND)
    await (await bob.new_card(known)).press("Approve")
    await expect(card.node).to_contain_text("1 of 2")
    await at_home(carol)
    panel = carol.page.get_by_role("tabpanel")

    await expect(panel).to_contain_text("Waiting for your approval")
    await panel.get_by_role("button", name=re.compile(f"^Approve.*{card.launch_id}")).click()

    await card.says("Succeeded")
    await expect(panel.get_by_role("button", name=re.compile(card.launch_id))).to_have_count(0)


async def test_homes_button_opens_the_form_and_it_launches(come: Come) -> None:
    bob = await come("U0BOB", "C0DATA")
    known = await bob.launches()
    await at_home(bob)
    await bob.page.get_by_role("tabpanel").get_by_role("button", name="Launch", exact=True).click()
    form = bob.form
    await form.choose("Channel", "#data-team")
    await form.choose("Connection", "analytics")
    await form.choose("Workflow", "AddTwoNumbers")
    await form.write({"parameter1": "1", "parameter2": "2"})
    await form.send()
    await form.gone()

    await bob.go("C0DATA")
    await (await bob.new_card(known)).says("Succeeded")


async def test_a_shortcut_takes_values_from_a_message(come: Come) -> None:
    alice, bob = await come("U0ALICE", "C0FINANCE"), await come("U0BOB", "C0FINANCE")
    known = await alice.launches()
    await bob.type(f"please dun account {ACCOUNT}, thanks")
    message = alice.log.get_by_role("article").filter(has_text="please dun").last
    await message.hover()
    await message.get_by_role("button", name="More actions").click()
    await alice.page.get_by_role("menuitem", name=re.compile("Launch about this")).click()
    form = alice.form
    await form.choose("Workflow", "396")
    await expect(form.field("accountId")).to_have_value(ACCOUNT)
    await form.send()
    await form.gone()

    card = await alice.new_card(known)
    await card.says("Succeeded")
    await expect((await card.open_thread()).get_by_role("link", name=re.compile("message")).first).to_be_visible()


async def test_a_global_shortcut_opens_the_form(come: Come) -> None:
    carol = await come("U0CAROL", "C0DATA")
    await carol.page.get_by_role("main").get_by_role("button", name="Shortcuts").click()
    await carol.page.get_by_role("menuitem", name=re.compile("Launch a workflow")).click()

    await expect(carol.form.node).to_contain_text("Channel")
    await carol.page.keyboard.press("Escape")
    await carol.form.gone()


async def test_a_fault_that_is_switched_on_is_told_in_the_thread(come: Come, sandbox: Sandbox) -> None:
    """The provider is busy once; the bot says so, tries again, and the launch runs."""
    carol = await come("U0CAROL", "C0DATA")
    await carol.page.get_by_role("button", name=re.compile("Providers")).click()
    carol.page.get_by_role("complementary", name="Panel")
    await switch_on(carol, provider="Domo", kind="Answer with an error", status="429", verb="starting a workflow")

    card = await carol.launch(SUM)
    await card.says("Succeeded")

    await expect(await card.open_thread()).to_contain_text("429")
    assert [one.status for one in sandbox.providers.received if one.provider == "domo" and one.verb == "start"][-2:] == [429, 200]


async def switch_on(person: Person, *, provider: str, kind: str, status: str, verb: str) -> None:
    """One fault, by the panel's own fields."""
    panel = person.page.get_by_role("complementary", name="Panel")
    form = panel.get_by_role("form", name=f"A fault at {provider}")
    await panel.locator("summary").filter(has_text=provider).first.click()
    await panel.locator("summary").filter(has_text="Make something go wrong").filter(visible=True).click()
    await form.get_by_label("What it does").select_option(kind)
    await form.get_by_label("When the bot is").select_option(verb)
    await form.get_by_label("HTTP status").fill(status)
    await form.get_by_role("button", name="Let it go wrong").click()
    await expect(panel.get_by_role("button", name=f"Take back: {kind}")).to_be_visible()


async def test_traffic_shows_each_delivery_and_its_milliseconds(come: Come) -> None:
    alice = await come("U0ALICE", "C0FINANCE")
    await alice.page.get_by_role("button", name=re.compile("Traffic")).click()
    await alice.is_told("/launch help")
    rows = alice.page.get_by_role("list", name=re.compile("Traffic")).get_by_role("listitem")

    first = rows.filter(has_text="/launch").first
    await expect(first).to_contain_text(re.compile(r"\d ms"))
    await first.locator("summary").click()
    await expect(first).to_contain_text("What Slack delivered")


async def test_a_scenario_explains_itself(come: Come) -> None:
    alice = await come("U0ALICE", "C0FINANCE")
    await alice.page.get_by_role("button", name=re.compile("Scenarios")).click()
    await alice.page.get_by_role("button", name=re.compile("A guest may launch nothing")).click()
    caption = alice.page.get_by_role("region", name="Scenario")

    await expect(caption).to_contain_text("A guest may launch nothing")
    await expect(alice.log.get_by_text("Only visible to you").last).to_be_visible(timeout=15_000)
    await expect(caption.get_by_role("button", name="Again")).to_be_visible(timeout=15_000)
