"""The panels in a browser: faults and rights are turned, traffic is read, scenarios are followed by the window that began them."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from bot.sandbox.world import Sandbox
from tests.page.browsing import NARROW
from tests.page.conftest import Come
from tests.page.person import Person

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.journey]

SUM = "analytics AddTwoNumbers parameter1=13 parameter2=7"
REJECTED = "Rejected, with a reason"


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def in_order(sandbox: Sandbox) -> AsyncGenerator[None, None]:
    yield
    for standin in sandbox.providers.standins():
        sandbox.providers.clear(standin.name)


async def opened(person: Person, panel: str) -> Locator:
    """The panel's tab of this name, by the bar on top."""
    await person.page.get_by_role("banner").get_by_role("button", name=panel, exact=True).click()
    shown = person.page.get_by_role("tabpanel", name=panel)
    await expect(shown).to_be_visible()
    return shown


async def provider(panel: Locator, title: str, *parts: str) -> Locator:
    """One provider, with these parts unfolded."""
    card = panel.locator("details.provider").filter(has_text=title)
    await card.locator("summary").first.click()
    for part in parts:
        await card.locator("summary").filter(has_text=part).click()
    return card


# --- providers -------------------------------------------------------------------------------------------------------------


async def test_a_launch_shows_at_its_provider_with_its_id_and_its_request(come: Come) -> None:
    carol = await come("U0CAROL", "C0DATA")
    panel = await opened(carol, "Providers")
    domo = await provider(panel, "Domo", "Requests")
    card = await carol.launch(SUM)

    run = domo.locator(".run").filter(has_text=card.launch_id)
    await expect(run).to_contain_text("AddTwoNumbers")
    await expect(run).to_contain_text("COMPLETED")
    start = domo.locator(".request").filter(has_text="/instances/message").first
    await start.locator("summary").click()
    await expect(start).to_contain_text('"parameter1": 13')
    await expect(start).to_contain_text('"x-domo-developer-token": "****"')


async def test_a_fault_waits_and_is_taken_back(come: Come, sandbox: Sandbox) -> None:
    carol = await come("U0CAROL", "C0DATA")
    domo = await provider(await opened(carol, "Providers"), "Domo", "Make something go wrong")
    await domo.get_by_label("What it does").select_option("drop")
    await domo.get_by_label("When the bot is").select_option("start")
    await domo.get_by_label("How often").fill("3")
    await expect(domo.locator(".explained")).to_contain_text("In Slack: A start is in doubt")
    await domo.get_by_role("button", name="Let it go wrong").click()

    await expect(domo.locator(".fault-chip")).to_contain_text("Cut the connection × 3")
    await expect(domo).to_contain_text("3 faults wait")
    await domo.get_by_role("button", name="Take back: Cut the connection").click()
    await expect(domo.locator(".fault-chip")).to_have_count(0)
    assert sandbox.providers.waiting("domo") == []


async def test_a_number_that_is_none_is_said_and_nothing_waits(come: Come, sandbox: Sandbox) -> None:
    carol = await come("U0CAROL", "C0DATA")
    domo = await provider(await opened(carol, "Providers"), "Domo", "Make something go wrong")
    await domo.get_by_label("HTTP status").evaluate("field => { field.step = 'any'; field.value = '500.5'; }")
    await domo.get_by_role("button", name="Let it go wrong").click()

    await expect(carol.page.locator("#toasts")).to_contain_text("status must be a whole number")
    assert sandbox.providers.waiting("domo") == []


async def test_a_right_is_taken_by_its_switch_and_every_window_sees_it(come: Come, sandbox: Sandbox) -> None:
    carol, bob = await come("U0CAROL", "C0DATA"), await come("U0BOB", "C0DATA")
    there = [await provider(await opened(one, "Providers"), "Zuora", "Rights") for one in (carol, bob)]
    switches = [one.get_by_role("switch", name="Workflow View Access") for one in there]
    await switches[0].press("Space")

    for switch in switches:
        await expect(switch).to_have_attribute("aria-checked", "false")
    assert not sandbox.providers.standin("zuora").holds("Workflow View Access")
    await switches[1].click()
    await expect(switches[0]).to_have_attribute("aria-checked", "true")
    await expect(switches[0]).to_be_focused()


# --- traffic ---------------------------------------------------------------------------------------------------------------


async def test_traffic_is_told_filtered_and_read_without_secrets(come: Come) -> None:
    carol = await come("U0CAROL", "C0DATA")
    panel = await opened(carol, "Traffic")
    await carol.is_told("/launch help")
    delivery = panel.locator(".traffic-row").filter(has_text=re.compile(r"→ bot.*/launch")).first
    await expect(delivery).to_contain_text(re.compile(r"\d ms"))
    await delivery.locator("summary").click()
    await expect(delivery).to_contain_text('"response_url": "***"')
    await expect(panel).to_contain_text("no acknowledgement slower than 3 s")

    await panel.get_by_label("Show").select_option("call")
    await expect(panel.locator('li[data-kind="delivery"]')).to_have_count(0)
    await panel.get_by_label("Filter by name or content").fill("nothing is called that")
    await expect(panel.locator(".traffic-row")).to_have_count(0)


async def test_a_list_that_is_held_still_goes_on_afterwards(come: Come) -> None:
    carol = await come("U0CAROL", "C0DATA")
    panel = await opened(carol, "Traffic")
    await panel.get_by_role("button", name="Hold the list still").click()
    count = await panel.locator(".traffic-row").count()
    await carol.type("/launch help")

    await expect(panel).to_contain_text("more since")
    assert await panel.locator(".traffic-row").count() == count
    await panel.get_by_role("button", name="Let the list go on").click()
    await expect(panel).not_to_contain_text("held still")
    assert await panel.locator(".traffic-row").count() > count


# --- scenarios -------------------------------------------------------------------------------------------------------------


async def test_the_window_that_began_a_scenario_follows_it_and_no_other(come: Come) -> None:
    alice, bob = await come("U0ALICE", "C0FINANCE"), await come("U0BOB", "C0SALES")
    panel = await opened(alice, "Scenarios")
    await panel.get_by_role("button", name=REJECTED).click()
    caption = alice.page.get_by_role("region", name="Scenario")

    await expect(caption).to_contain_text("Alice types /launch billing")
    await expect(alice.composer).to_have_value(re.compile("^/launch billing"))
    await expect(caption).to_contain_text("Carol presses Reject")
    await expect(alice.page.get_by_role("banner")).to_contain_text("You act as Carol")
    await expect(alice.form.node.get_by_role("textbox")).to_have_value("The customer was paid back last week.")
    await expect(caption).to_contain_text("No run, ended Rejected, as it should", timeout=20_000)
    await expect(alice.thread).to_contain_text("The customer was paid back last week.")
    await expect(alice.composer).to_have_value("")
    await expect(bob.page.get_by_role("region", name="Scenario")).to_contain_text(REJECTED)
    assert bob.page.url.endswith("#as=U0BOB&at=C0SALES")
    await expect(caption.get_by_role("button", name="Again")).to_be_visible()


async def test_a_scenario_is_paused_skipped_and_stopped(come: Come) -> None:
    alice = await come("U0ALICE", "C0FINANCE")
    panel = await opened(alice, "Scenarios")
    await panel.get_by_role("button", name=REJECTED).click()
    caption = alice.page.get_by_role("region", name="Scenario")
    await caption.get_by_role("button", name="Pause", exact=True).click()
    await caption.get_by_role("button", name="Skip to the next step").click()
    await expect(caption).to_contain_text("Alice types /launch billing")
    await expect(panel.get_by_role("button", name="Two of three")).to_be_disabled()

    await caption.get_by_role("button", name="Stop the scenario").click()
    await expect(caption).to_contain_text("Stopped.")
    await expect(panel.get_by_role("button", name="Two of three")).to_be_enabled()
    await caption.get_by_role("button", name="Close the caption").click()
    await expect(caption).to_have_count(0)


# --- a narrow screen ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Scenarios", "Providers", "Traffic"])
async def test_nothing_hangs_over_the_edge_of_a_narrow_screen(come: Come, name: str) -> None:
    carol = await come("U0CAROL", "C0DATA", size=NARROW)
    await carol.page.locator(f'.topbar [data-panel="{name.lower()}"]').click()
    panel = carol.page.get_by_role("tabpanel", name=name)
    for fold in await panel.locator("summary").all():
        if await fold.is_visible():
            await fold.click()

    wide = await panel.evaluate(
        "root => [...root.querySelectorAll('*')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1"
        " && !one.closest('pre')).map((one) => one.className)"
    )
    assert wide == []
