"""What goes wrong around the page: a reload in the middle of a form, a dead bot, a small window, a sandbox that is gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bot.sandbox.world import Sandbox
from tests.page.browsing import NARROW
from tests.page.conftest import Come
from tests.page.person import arrive
from tests.page.stage import stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.journey]

SUM = "analytics AddTwoNumbers parameter1=13 parameter2=7"
BACK_WITHIN_MS = 20_000
SETTLED = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


async def test_what_was_typed_survives_a_reload_in_the_middle_of_a_form(come: Come) -> None:
    carol = await come("U0CAROL", "C0DATA")
    known = await carol.launches()
    await carol.type('/launch growth "Find email"')
    async with carol.page.expect_response(
        lambda answer: "/page/act/type" in answer.url and b"Sons" in (answer.request.post_data_buffer or b"")
    ):
        await carol.form.write({"first_name": "Ada", "company_name": "Analytical Engines & <Sons>"})
    await expect(carol.form.field("company_name")).to_have_value("Analytical Engines & <Sons>")
    await carol.page.reload()

    await expect(carol.form.field("first_name")).to_have_value("Ada")
    await expect(carol.form.field("company_name")).to_have_value("Analytical Engines & <Sons>")
    await carol.form.send()
    await carol.form.gone()
    await (await carol.new_card(known)).says("Succeeded")


async def test_two_windows_are_two_people(come: Come) -> None:
    """One's form is not the other's, and what one types the other does not see until it is sent."""
    alice, bob = await come("U0ALICE", "C0DATA"), await come("U0BOB", "C0DATA")
    await alice.type("/launch")
    await expect(alice.form.node).to_be_visible()
    await bob.composer.fill("half a sen")

    await expect(bob.form.node).to_have_count(0)
    await expect(alice.log.get_by_text("half a sen")).to_have_count(0)
    await alice.page.keyboard.press("Escape")
    await alice.form.gone()
    await bob.composer.fill("a whole sentence of bob")
    await bob.composer.press("Enter")
    await expect(alice.log.get_by_text("a whole sentence of bob")).to_be_visible()
    await expect(alice.page.get_by_role("banner")).to_contain_text("Alice")
    await expect(bob.page.get_by_role("banner")).to_contain_text("Bob")


async def test_a_bot_that_is_killed_is_told_and_the_page_goes_on(come: Come, sandbox: Sandbox) -> None:
    carol = await come("U0CAROL", "C0DATA")
    await sandbox.kill_bot()
    await expect(carol.page.get_by_text("The bot is not running")).to_be_visible()
    await carol.type("/launch help")
    await expect(carol.log).to_contain_text(re.compile("did not respond|failed|not.*respond", re.IGNORECASE))

    await sandbox.start_bot()
    await expect(carol.page.get_by_text("The bot is back")).to_be_visible(timeout=BACK_WITHIN_MS)
    await (await carol.launch(SUM)).says("Succeeded")


async def test_a_sandbox_that_is_gone_is_told(browser: Browser, tmp_path: Path) -> None:
    async with stage(tmp_path) as short_lived:
        alice = await arrive(browser, short_lived, "U0ALICE", "C0DATA")
        await expect(alice.composer).to_be_visible()
    await expect(alice.page.get_by_text("The sandbox does not answer")).to_be_visible()
    await alice.window.context.close()

    assert alice.window.faults == []


async def test_on_a_telephone_one_pane_is_seen_at_a_time(come: Come) -> None:
    carol = await come("U0CAROL", "C0DATA", size=NARROW)
    card = await carol.launch(SUM)
    await card.says("Succeeded")
    assert await carol.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    await card.open_thread()
    await expect(carol.thread).to_be_visible()
    await expect(carol.composer).to_be_hidden()
    await carol.page.get_by_role("complementary", name="Thread").get_by_role("button", name="Back to conversation").click()
    await expect(carol.composer).to_be_visible()
    await carol.page.get_by_role("button", name="Back to channels").first.click()
    await expect(carol.page.get_by_role("navigation")).to_be_visible()
    assert await carol.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_an_address_of_nobody_is_somebodys_page(come: Come) -> None:
    """An old address, or one with a slip in it."""
    alice = await come("U0NOBODY", "C0NOWHERE")
    (refused, *_) = alice.window.faults
    alice.window.faults.clear()

    assert refused.startswith("answered 404")
    await expect(alice.page.get_by_role("banner")).to_contain_text("Alice")
    await expect(alice.composer).to_be_visible()


async def test_everything_can_be_done_by_keys(come: Come) -> None:
    """Another channel by Ctrl+K, a command, the thread of its card by Tab and Enter, and back by Esc."""
    carol = await come("U0CAROL", "C0FINANCE")
    keys = carol.page.keyboard
    await expect(carol.composer).to_be_visible()
    await keys.press("Control+k")
    await keys.type("data")
    await keys.press("Enter")
    await expect(carol.page.get_by_role("heading", name="data-team", level=1)).to_be_visible()
    card = await carol.launch(SUM)
    await card.says("Succeeded")
    await card.node.get_by_role("button", name=re.compile(r"\d+ repl")).focus()
    await keys.press("Enter")
    await expect(carol.thread).to_be_visible()
    await keys.press("Escape")
    await expect(carol.thread).to_be_hidden()


async def test_what_people_write_is_text_wherever_it_is_shown(come: Come) -> None:
    alice, bob = await come("U0ALICE", "C0DATA"), await come("U0BOB", "C0DATA")
    evil = "<img src=x onerror=document.title='hit'><b>bold</b> & \"quoted\" `code` *strong*"
    await bob.type(evil)
    said = alice.log.get_by_role("article").filter(has_text="onerror").last

    await expect(said).to_contain_text("<img src=x onerror=document.title='hit'><b>bold</b> & \"quoted\" code strong")
    assert await said.locator("img").count() == 0
    await bob.type("/launch analytics AddTwoNumbers '<img src=x onerror=1>'")
    told = bob.log.get_by_role("article", name=re.compile("only visible to you")).last
    await expect(told).to_contain_text("<img")
    assert "hit" not in await bob.page.title()


async def test_no_script_runs_that_is_not_the_pages_own(come: Come) -> None:
    alice = await come("U0ALICE", "C0DATA")
    await alice.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.hit = 1'}))"
    )
    await alice.page.evaluate("document.body.setAttribute('onclick', 'window.hit = 2')")
    await alice.page.evaluate("document.body.click()")
    refused, alice.window.faults = alice.window.faults, []

    assert await alice.page.evaluate("window.hit") is None
    assert len(refused) >= 2
    assert [one for one in refused if "Content Security Policy" not in one] == []


async def test_nothing_is_asked_of_another_host(come: Come) -> None:
    """The guard of these tests sees it, and the page's own policy refuses it."""
    alice = await come("U0ALICE", "C0DATA")
    answer = await alice.page.evaluate("fetch('https://elsewhere.invalid/').then(() => 'fetched', () => 'refused')")
    seen, alice.window.faults = alice.window.faults, []

    assert (answer, len(seen) >= 1) == ("refused", True)


async def test_what_is_new_elsewhere_is_marked_until_it_is_read(come: Come) -> None:
    alice, bob = await come("U0ALICE", "C0GENERAL"), await come("U0BOB", "C0SUPPORT")
    entry = alice.page.get_by_role("navigation").get_by_role("button", name=re.compile("support"))
    await bob.type("is anybody there?")

    await expect(entry).to_have_accessible_name(re.compile(r"1 unread"))
    await expect(alice.page).to_have_title(re.compile(r"^\(\d+\) general"))
    await entry.click()
    await expect(alice.log.get_by_text("is anybody there?")).to_be_visible()
    await expect(entry).not_to_have_accessible_name(re.compile("unread"))


async def test_one_window_becomes_another_person(come: Come) -> None:
    """What only the first one saw is gone from the screen."""
    alice = await come("U0ALICE", "C0GENERAL")
    await alice.type("/launch billing 396")
    await expect(alice.log.get_by_text("Only visible to you").last).to_be_visible()
    await alice.page.get_by_role("navigation").get_by_role("button", name="Bob Brewer", exact=True).click()

    await expect(alice.page.get_by_role("banner", name="Workspace")).to_contain_text("You act as Bob Brewer")
    await expect(alice.log.get_by_text("Only visible to you")).to_have_count(0)
    assert "as=U0BOB" in alice.page.url


async def test_the_end_of_a_channel_stays_in_sight_when_a_panel_takes_its_room(come: Come) -> None:
    carol = await come("U0CAROL", "C0DATA")
    for _ in range(2):
        await carol.type("/launch help")
    await expect(carol.log.get_by_text("Only visible to you").nth(1)).to_be_visible()
    last = carol.log.get_by_role("article").last
    await expect(last).to_be_in_viewport(ratio=0.2)

    await carol.page.get_by_role("button", name="Providers", exact=True).click()
    await expect(carol.page.get_by_role("complementary", name="Panel")).to_be_visible()
    await carol.log.evaluate(SETTLED)

    assert await carol.log.evaluate("(log) => log.scrollHeight - log.scrollTop - log.clientHeight") < 2
