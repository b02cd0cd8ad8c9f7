"""Every element that the stand-in Slack accepts: drawn, named for a screen reader, and read back as Slack writes its state."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bot.sandbox.slack.blocks import block_problems
from bot.sandbox.slack.elements import CHOOSERS, TYPED
from bot.sandbox.slack.forms import STATE_KEYS, initial_state
from tests.page.bench import Bench, bench

pytestmark = pytest.mark.asyncio(loop_scope="module")


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


ONE, TWO, THREE = ({"text": plain(text), "value": text.lower()} for text in ("One", "Two", "Three"))
RICH = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "rich words"}]}]}
SAMPLES: dict[str, dict[str, Any]] = {
    "button": {"text": plain("Press me"), "style": "primary", "value": "v"},
    "overflow": {"options": [ONE, TWO]},
    "checkboxes": {"options": [ONE, TWO], "initial_options": [TWO]},
    "radio_buttons": {"options": [ONE, TWO], "initial_option": ONE},
    "datepicker": {"initial_date": "2026-11-21"},
    "timepicker": {"initial_time": "09:30"},
    "datetimepicker": {"initial_date_time": 1795276800},
    "static_select": {
        "option_groups": [{"label": plain("Low"), "options": [ONE, TWO]}, {"label": plain("High"), "options": [THREE]}]
    },
    "external_select": {"initial_option": ONE, "min_query_length": 2},
    "users_select": {"initial_user": "U0BOB"},
    "conversations_select": {"initial_conversation": "C0DATA"},
    "channels_select": {"initial_channel": "C0DATA"},
    "multi_static_select": {"options": [ONE, TWO, THREE], "initial_options": [ONE, THREE], "max_selected_items": 2},
    "multi_external_select": {"initial_options": [TWO]},
    "multi_users_select": {"initial_users": ["U0ALICE", "U0BOB"]},
    "multi_conversations_select": {"initial_conversations": ["C0DATA"]},
    "multi_channels_select": {"initial_channels": ["C0DATA", "C0SALES"]},
    "plain_text_input": {"initial_value": "typed", "multiline": True, "max_length": 20},
    "number_input": {"initial_value": "12.50", "is_decimal_allowed": True},
    "email_text_input": {"initial_value": "a@example.com"},
    "url_text_input": {"placeholder": plain("https://")},
    "rich_text_input": {"initial_value": RICH},
    "file_input": {},
}
SHOWN = {
    "button": "Press me",
    "checkboxes": "Two",
    "radio_buttons": "One",
    "datepicker": "2026",
    "external_select": "One",
    "users_select": "Bob Brewer",
    "conversations_select": "data-team",
    "channels_select": "data-team",
    "multi_static_select": "Three",
    "multi_external_select": "Two",
    "multi_users_select": "Alice Archer",
    "multi_conversations_select": "data-team",
    "multi_channels_select": "sales-ops",
    "plain_text_input": "typed",
    "number_input": "12.50",
    "email_text_input": "a@example.com",
    "rich_text_input": "rich words",
}
PRESSABLE = ("button", "overflow")
_STATE = """async () => {
  const { collectState } = await import("/page/static/js/elements.js");
  return collectState(document.getElementById("bench"));
}"""


def element(kind: str) -> dict[str, Any]:
    return {"type": kind, "action_id": f"a-{kind}", **SAMPLES[kind]}


def asking(kind: str) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": f"b-{kind}",
        "label": plain(f"The {kind}"),
        "hint": plain("A hint"),
        "element": element(kind),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def drawing(browser: Browser) -> AsyncGenerator[Bench, None]:
    async with bench(browser) as opened:
        yield opened
        assert opened.window.faults == []


async def test_the_table_has_every_element() -> None:
    assert set(SAMPLES) == {*CHOOSERS, *TYPED, *PRESSABLE}


async def test_each_is_drawn_in_a_form_and_holds_the_state_that_slack_would_send(drawing: Bench) -> None:
    blocks = [asking(kind) for kind in (*CHOOSERS, *TYPED)]
    assert block_problems(blocks, "modal") == []

    drawn = await drawing.draw("modal", blocks)

    assert drawn.unknown == []
    assert drawn.elements == [[kind] for kind in (*CHOOSERS, *TYPED)]
    no_files = {"b-file_input": {"a-file_input": {"type": "file_input", "files": []}}}
    assert await drawing.window.page.evaluate(_STATE) == initial_state(blocks) | no_files


@pytest.mark.parametrize("kind", sorted(SHOWN))
async def test_what_it_holds_is_shown(drawing: Bench, kind: str) -> None:
    block = {"type": "actions", "elements": [element(kind)]} if kind in PRESSABLE else asking(kind)

    drawn = await drawing.draw("modal", [block])

    assert SHOWN[kind] in drawn.words


@pytest.mark.parametrize("kind", sorted(set(STATE_KEYS) - {"file_input"}))
async def test_a_field_is_found_by_its_label(drawing: Bench, kind: str) -> None:
    await drawing.draw("modal", [asking(kind)])

    assert await drawing.window.page.get_by_label(f"The {kind}").count() >= 1


async def test_each_is_drawn_among_actions_and_beside_a_section(drawing: Bench) -> None:
    kinds = (*CHOOSERS, *PRESSABLE)
    rows: list[dict[str, Any]] = [
        {"type": "actions", "elements": [element(kind) for kind in kinds[start : start + 5]]} for start in (0, 5, 10, 15)
    ]
    beside = [{"type": "section", "text": plain("beside"), "accessory": element(kind)} for kind in kinds]
    assert block_problems([*rows, *beside], "message") == []

    drawn = await drawing.draw("message", [*rows, *beside])

    assert [kind for row in drawn.elements[: len(rows)] for kind in row] == list(kinds)
    assert drawn.elements[len(rows) :] == [[kind] for kind in kinds]


async def test_options_stand_in_their_groups_once_a_menu_is_opened(drawing: Bench) -> None:
    await drawing.draw("modal", [asking("static_select")])
    page = drawing.window.page
    await page.get_by_role("combobox", name="The static_select").click()

    assert await page.get_by_role("option").all_inner_texts() == ["One", "Two", "Three"]
    assert [await page.get_by_text(name, exact=True).is_visible() for name in ("Low", "High")] == [True, True]
    await page.get_by_role("option", name="Two").click()
    assert (await page.evaluate(_STATE))["b-static_select"]["a-static_select"]["selected_option"] == TWO


async def test_a_menu_is_used_by_keys_alone(drawing: Bench) -> None:
    await drawing.draw("modal", [asking("static_select")])
    page = drawing.window.page
    await page.get_by_role("combobox", name="The static_select").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        await page.keyboard.press(key)

    chosen = (await page.evaluate(_STATE))["b-static_select"]["a-static_select"]["selected_option"]
    assert chosen in (TWO, THREE)
    await page.keyboard.press("Escape")
    assert await page.get_by_role("option").count() == 0


async def test_an_overflow_menu_shows_its_options(drawing: Bench) -> None:
    await drawing.draw("message", [{"type": "actions", "elements": [element("overflow")]}])
    page = drawing.window.page
    await page.get_by_role("button", name="More actions").click()

    assert await page.get_by_role("menuitem").all_inner_texts() == ["One", "Two"]
