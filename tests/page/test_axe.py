"""axe-core finds no serious or critical violation on any view, wide and narrow, light and dark."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from bot.sandbox.world import Sandbox
from tests.page.browsing import NARROW, SETTLED, WIDE
from tests.page.conftest import Come
from tests.page.views import CAROL, TREASURY, VIEWS, Story, tell

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.journey]

BAD = {"serious", "critical"}
NARROW_VIEWS = ("channel", "thread", "home", "form", "errors")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(sandbox: Sandbox) -> Story:
    return await tell(sandbox)


async def violations(page: Page) -> list[str]:
    """What axe finds bad in light and dark: the rule, and where."""
    found: list[str] = []
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        await page.emulate_media(color_scheme=scheme)
        await page.evaluate(SETTLED)
        found += [f"{scheme}: {one}" for one in _bad((await Axe().run(page)).response)]
    return found


def _bad(response: dict[str, Any]) -> list[str]:
    nodes = [(rule, node) for rule in response["violations"] if rule["impact"] in BAD for node in rule["nodes"]]
    return [f"{rule['id']} ({rule['impact']}): {json.dumps(node['target'])} {node['failureSummary']}" for rule, node in nodes]


@pytest.mark.parametrize("view", list(VIEWS))
async def test_a_view_of_a_wide_screen(come: Come, story: Story, view: str) -> None:
    person = await come(CAROL, TREASURY, size=WIDE)
    await VIEWS[view](person, story)

    assert await violations(person.page) == []


@pytest.mark.parametrize("view", NARROW_VIEWS)
async def test_a_view_of_a_telephone(come: Come, story: Story, view: str) -> None:
    person = await come(CAROL, TREASURY, size=NARROW)
    await VIEWS[view](person, story)

    assert await violations(person.page) == []
    assert await person.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_the_sidebar_of_a_telephone(come: Come, story: Story) -> None:
    person = await come(CAROL, TREASURY, size=NARROW)
    await person.page.get_by_role("button", name="Back to channels").filter(visible=True).click()
    await expect(person.page.get_by_role("navigation")).to_be_visible()

    assert await violations(person.page) == []


async def test_the_caption_of_a_scenario(come: Come, story: Story) -> None:
    person = await come(CAROL, TREASURY)
    await VIEWS["scenarios"](person, story)
    await person.page.get_by_role("button", name="A guest may launch nothing").click()
    caption = person.page.get_by_role("region", name="Scenario")
    await expect(caption).to_be_visible()

    assert await violations(person.page) == []
    stop = caption.get_by_role("button", name="Stop the scenario")
    again = caption.get_by_role("button", name="Again")
    await stop.or_(again).first.click()
    await expect(again).to_be_visible()


async def test_a_violation_would_be_told(come: Come, story: Story) -> None:
    person = await come(CAROL, TREASURY)
    await person.page.evaluate("document.body.append(document.createElement('button'))")

    assert [one.split(" ")[:2] for one in await violations(person.page)] == [["light:", "button-name"], ["dark:", "button-name"]]
