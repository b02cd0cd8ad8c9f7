"""Everything that the snapshots of cards, answers, forms and Home hold is drawn: every block, every element, every word."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bot.sandbox.slack import demo
from tests.page.bench import Bench, Drawn, bench
from tests.page.snapshots import Drawable, drawables, read_back

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENTITY = re.compile(r"<[^<>]*>")
WORD = re.compile(r"\w+")
UNDRAWN = {"options", "option_groups", "initial_option", "confirm", "metadata", "style", "initial_options"}
"""Shown when the element is used, or drawn as something else than text."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def drawing(browser: Browser) -> AsyncGenerator[Bench, None]:
    async with bench(browser) as opened:
        yield opened
        assert opened.window.faults == []


def elements_of(block: dict[str, Any]) -> list[str]:
    """The types of what a block holds besides text."""
    held = [block.get("accessory"), block.get("element")]
    held += block.get("elements", []) if block["type"] in {"actions", "context"} else []
    return [str(one["type"]) for one in held if one]


def texts_in(value: Any) -> Iterator[str]:
    """Every run of words that must stand on the screen as it is written, without Slack's entities and marks."""
    if isinstance(value, list):
        for one in value:
            yield from texts_in(one)
    elif isinstance(value, dict):
        if isinstance(value.get("text"), str) and value.get("type") in {"plain_text", "mrkdwn", "text", "link"}:
            yield from ENTITY.split(value["text"]) if value["type"] == "mrkdwn" else [value["text"]]
        for key, one in value.items():
            yield from texts_in(one) if key not in UNDRAWN else ()


def words(text: str) -> str:
    """``text`` without anything but its words, so that it can be looked for in another."""
    return f" {' '.join(WORD.findall(text.replace('_', ' ')))} "


def is_shown(text: str, drawn: Drawn) -> bool:
    """Marks alone are looked for as they are."""
    return words(text) in words(drawn.words) if WORD.search(text) else text.strip(" *_~`") in drawn.words


def missing(sent: Drawable, drawn: Drawn) -> list[str]:
    """What was sent and is not to be seen."""
    found = [f"{sent.name}: {text!r} is not there" for text in texts_in(sent.blocks) if not is_shown(text, drawn)]
    found += [f"{sent.name}: {one}" for one in drawn.unknown]
    if [one["type"] for one in sent.blocks] != drawn.blocks:
        found.append(f"{sent.name}: blocks {drawn.blocks}")
    if [elements_of(one) for one in sent.blocks] != drawn.elements:
        found.append(f"{sent.name}: elements {drawn.elements}")
    return found


async def test_every_snapshot_is_drawn_whole(drawing: Bench) -> None:
    sent = drawables()
    drawn = await drawing.draw_all([(one.surface, one.blocks) for one in sent])

    assert {one.surface for one in sent} == {"message", "modal", "home"}
    assert [line for one, seen in zip(sent, drawn, strict=True) for line in missing(one, seen)] == []


async def test_what_is_not_drawn_would_be_told(drawing: Bench) -> None:
    """The comparison sees a missing word, a missing element and a missing block."""
    sent = Drawable("x", "message", [{"type": "section", "text": {"type": "mrkdwn", "text": "*Two* words"}}, {"type": "divider"}])
    drawn = await drawing.draw(sent.surface, sent.blocks)

    assert missing(sent, drawn) == []
    assert missing(sent, Drawn(["section"], [["button"]], "Two", ["Unknown block: x"])) == [
        "x: '*Two* words' is not there",
        "x: Unknown block: x",
        "x: blocks ['section']",
        "x: elements [['button']]",
    ]


async def test_snapshots_are_read_back_as_they_were() -> None:
    written = """
      Say(
        blocks=tuple(
          dict({
            'text': '''
              a
                b\\n
            ''',
          }),
        ),
        text='c',
      )"""

    assert read_back(written) == {"blocks": [{"text": "a\n  b\\n"}], "text": "c"}


async def test_an_unknown_type_is_shown_with_what_was_sent(drawing: Bench) -> None:
    blocks = [
        {"type": "hologram", "depth": 3},
        {"type": "actions", "elements": [{"type": "lever", "action_id": "pull"}]},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x"}, "accessory": {"type": "knob"}},
        {"type": "context", "elements": [{"type": "smell"}]},
        {"type": "input", "label": {"type": "plain_text", "text": "L"}, "element": {"type": "joystick", "action_id": "j"}},
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_poem"}, {"type": "rich_text_section", "elements": [{"type": "sigh"}]}],
        },
        {},
    ]
    drawn = await drawing.draw("modal", blocks)

    assert [
        one for one in ("hologram", "lever", "knob", "smell", "joystick", "rich_text_poem", "sigh") if one not in drawn.words
    ] == []
    assert ('"depth": 3' in drawn.words, "without a type" in drawn.words) == (True, True)


async def test_what_people_wrote_is_never_markup(drawing: Bench) -> None:
    evil = "<img src=x onerror=alert(1)><b>bold</b><script>alert(2)</script>"
    escaped = evil.replace("<", "&lt;").replace(">", "&gt;")
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": evil}},
        {"type": "section", "text": {"type": "mrkdwn", "text": escaped}, "fields": [{"type": "plain_text", "text": evil}]},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": evil}]}]},
        {
            "type": "actions",
            "elements": [{"type": "button", "action_id": "b", "text": {"type": "plain_text", "text": evil[:75]}}],
        },
        {"type": "markdown", "text": f"# {evil}\n\n[x](javascript:alert(3))"},
        {"type": "section", "text": {"type": "mrkdwn", "text": "<javascript:alert(4)|here>"}},
        {"type": evil},
    ]
    await drawing.draw("message", blocks)
    page = drawing.window.page

    assert await page.locator("#bench").locator("script, img, b, a").count() == 0
    assert await page.get_by_text(evil).count() >= 4


async def test_mentions_and_dates_are_the_viewers(drawing: Bench) -> None:
    """Names for ids, and the viewer's own zone; who is meant is marked."""
    text = f"<@U0ALICE> <@U0BOB> <!subteam^S0TREASURY> <#C0DATA> <!date^1795276800^{{time}}|noon> {demo.TEAM.name}"
    drawn = await drawing.draw("message", [{"type": "section", "text": {"type": "mrkdwn", "text": text}}])

    assert [
        name for name in ("@alice", "@bob", "@treasury-leads", "#data-team", "4:00", "Gonogo Sandbox") if name not in drawn.words
    ] == []
    assert await drawing.window.page.locator("#bench .mention-me").all_inner_texts() == ["@alice"]
