"""Block Kit as Slack checks it: every limit at its edge, each refusal with its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block, BlockElement

from bot.sandbox.slack.blocks import Surface, block_problems, refuse_bad_blocks, refuse_bad_view
from bot.sandbox.slack.errors import SlackError
from tests.sandbox.slack_bots import a_home, a_modal, a_text_field, actions, an_input, button, section


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def option(text: str, value: str | None = None, **more: Any) -> dict[str, Any]:
    return {"text": plain(text), "value": value or text, **more}


def options(count: int) -> list[dict[str, Any]]:
    return [option(f"option {place}") for place in range(count)]


def a_select(**more: Any) -> dict[str, Any]:
    return {"type": "static_select", "action_id": "pick", **more}


def confirm(**more: Any) -> dict[str, Any]:
    return {"title": plain("Sure?"), "text": plain("Really"), "confirm": plain("Yes"), "deny": plain("No"), **more}


# Each row: just good, just too much, and where Slack points.
EDGES: list[tuple[str, Any, Any, str]] = [
    ("section text", section("x" * 3000), section("x" * 3001), "/blocks/0/text/text"),
    (
        "fields",
        {"type": "section", "fields": [mrkdwn("x")] * 10},
        {"type": "section", "fields": [mrkdwn("x")] * 11},
        "/blocks/0/fields",
    ),
    (
        "field text",
        {"type": "section", "fields": [mrkdwn("x" * 2000)]},
        {"type": "section", "fields": [mrkdwn("x" * 2001)]},
        "/blocks/0/fields/0/text",
    ),
    (
        "header",
        {"type": "header", "text": plain("x" * 150)},
        {"type": "header", "text": plain("x" * 151)},
        "/blocks/0/text/text",
    ),
    (
        "context",
        {"type": "context", "elements": [mrkdwn("x")] * 10},
        {"type": "context", "elements": [mrkdwn("x")] * 11},
        "/blocks/0/elements",
    ),
    (
        "actions",
        actions(*[button("x", f"a{place}") for place in range(25)]),
        actions(*[button("x", f"a{place}") for place in range(26)]),
        "/blocks/0/elements",
    ),
    (
        "button text",
        actions(button("x" * 75, "a")),
        actions(button("x" * 76, "a")),
        "/blocks/0/elements/0/text/text",
    ),
    (
        "button value",
        actions(button("x", "a", value="x" * 2000)),
        actions(button("x", "a", value="x" * 2001)),
        "/blocks/0/elements/0/value",
    ),
    ("action_id", actions(button("x", "a" * 255)), actions(button("x", "a" * 256)), "/blocks/0/elements/0/action_id"),
    ("block_id", section("x", block_id="b" * 255), section("x", block_id="b" * 256), "/blocks/0/block_id"),
    (
        "button url",
        actions(button("x", "a", url="h" * 3000)),
        actions(button("x", "a", url="h" * 3001)),
        "/blocks/0/elements/0/url",
    ),
    (
        "select options",
        actions(a_select(options=options(100))),
        actions(a_select(options=options(101))),
        "/blocks/0/elements/0/options",
    ),
    (
        "option text",
        actions(a_select(options=[option("x" * 75, "v")])),
        actions(a_select(options=[option("x" * 76, "v")])),
        "/blocks/0/elements/0/options/0/text/text",
    ),
    (
        "option value",
        actions(a_select(options=[option("x", "v" * 150)])),
        actions(a_select(options=[option("x", "v" * 151)])),
        "/blocks/0/elements/0/options/0/value",
    ),
    (
        "overflow",
        actions({"type": "overflow", "action_id": "a", "options": options(5)}),
        actions({"type": "overflow", "action_id": "a", "options": options(6)}),
        "/blocks/0/elements/0/options",
    ),
    (
        "confirm title",
        actions(button("x", "a", confirm=confirm(title=plain("x" * 100)))),
        actions(button("x", "a", confirm=confirm(title=plain("x" * 101)))),
        "/blocks/0/elements/0/confirm/title/text",
    ),
    (
        "confirm button",
        actions(button("x", "a", confirm=confirm(confirm=plain("x" * 30)))),
        actions(button("x", "a", confirm=confirm(confirm=plain("x" * 31)))),
        "/blocks/0/elements/0/confirm/confirm/text",
    ),
    (
        "image",
        {"type": "image", "image_url": "https://x.example/i.png", "alt_text": "x" * 2000},
        {"type": "image", "image_url": "https://x.example/i.png", "alt_text": "x" * 2001},
        "/blocks/0/alt_text",
    ),
    ("label", a_text_field(label="x" * 2000), a_text_field(label="x" * 2001), "/blocks/0/label/text"),
    (
        "placeholder",
        a_text_field(placeholder=plain("x" * 150)),
        a_text_field(placeholder=plain("x" * 151)),
        "/blocks/0/element/placeholder/text",
    ),
    (
        "markdown",
        {"type": "markdown", "text": "x" * 12_000},
        {"type": "markdown", "text": "x" * 12_001},
        "/blocks/0/text",
    ),
]


@pytest.mark.parametrize(("name", "good", "bad", "place"), EDGES, ids=[row[0] for row in EDGES])
def test_each_limit_holds_at_its_edge(name: str, good: Any, bad: Any, place: str) -> None:
    assert block_problems([good], "message") == []
    (words,) = block_problems([bad], "message")
    assert words.endswith(f"[json-pointer:{place}]")


# Each row: a block that Slack does not take, and words of its refusal.
REFUSED: list[tuple[Any, str]] = [
    ({"type": "nonsense"}, "unsupported type: nonsense [json-pointer:/blocks/0/type]"),
    ({}, "unsupported type: None"),
    ("text", "unsupported type: None"),
    ({"type": "section"}, "must define either `text` or `fields` [json-pointer:/blocks/0/type]"),
    (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    (section("x", colour="red"), "invalid additional property: colour [json-pointer:/blocks/0]"),
    (section("x", block_id=7), "must be a string [json-pointer:/blocks/0/block_id]"),
    ({"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}}, "invalid additional property: emoji"),
    ({"type": "section", "text": {"type": "plain_text", "text": "x", "verbatim": True}}, "additional property: verbatim"),
    ({"type": "section", "text": {"type": "plain_text", "text": "x", "emoji": "yes"}}, "must be a boolean"),
    ({"type": "section", "text": "x"}, "unsupported type: None [json-pointer:/blocks/0/text/type]"),
    ({"type": "header", "text": mrkdwn("x")}, "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"),
    ({"type": "header"}, "missing required field: text [json-pointer:/blocks/0]"),
    (actions(), "must have at least 1 items [json-pointer:/blocks/0/elements]"),
    ({"type": "actions", "elements": {}}, "must be an array"),
    (actions({"type": "button", "text": mrkdwn("x")}), "unsupported type: mrkdwn"),
    (actions(button("x", "a", style="loud")), "must be one of primary, danger"),
    (actions(button("x", "a", disabled=True)), "invalid additional property: disabled"),
    (actions(button("x", "a", confirm="sure?")), "must be an object"),
    (actions(button("x", "a"), button("y", "a")), "action_id a is used more than once [json-pointer:/blocks/0/elements]"),
    (actions({"type": "plain_text_input", "action_id": "a"}), "unsupported type: plain_text_input"),
    (actions(a_select()), "must define either `options` or `option_groups`"),
    (actions(a_select(options=options(2), initial_option=option("other"))), "initial option must be one of the options"),
    (actions({"type": "external_select", "action_id": "a", "min_query_length": "0"}), "must be an integer"),
    (an_input("a", "A", button("x", "b")), "unsupported type: button [json-pointer:/blocks/0/element/type]"),
    (an_input("a", "A", {"type": "number_input", "action_id": "b"}), "missing required field: is_decimal_allowed"),
    ({"type": "input", "element": {"type": "plain_text_input"}}, "missing required field: label"),
    ({"type": "image", "alt_text": "x"}, "must define either `image_url` or `slack_file`"),
    ({"type": "rich_text"}, "missing required field: elements"),
]


@pytest.mark.parametrize(("block", "words"), REFUSED)
def test_what_slack_does_not_take_is_refused_in_its_words(block: Any, words: str) -> None:
    assert words in " / ".join(block_problems([block], "message"))


GOOD: list[Any] = [
    {"type": "divider"},
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}]},
    section("x", accessory=button("x", "a", accessibility_label="x")),
    section("x", accessory={"type": "image", "image_url": "https://x.example/i.png", "alt_text": "x"}),
    {"type": "section", "text": {"type": "mrkdwn", "text": "x", "verbatim": True}},
    {"type": "header", "text": {"type": "plain_text", "text": "x", "emoji": False}},
    actions(a_select(option_groups=[{"label": plain("g"), "options": options(3)}], initial_option=option("option 1"))),
    actions({"type": "multi_static_select", "action_id": "a", "options": options(3), "initial_options": options(2)}),
    actions({"type": "users_select", "action_id": "a", "placeholder": plain("who")}),
    actions({"type": "conversations_select", "action_id": "a", "filter": {"include": ["public"]}}),
    an_input("a", "A", {"type": "datetimepicker", "action_id": "b", "initial_date_time": 1_700_000_000}),
    an_input("a", "A", {"type": "datepicker", "action_id": "b", "initial_date": "2026-11-21"}),
    an_input("a", "A", {"type": "checkboxes", "action_id": "b", "options": options(10)}, optional=True, hint=plain("h")),
    an_input("a", "A", {"type": "file_input", "action_id": "b", "max_files": 1}, dispatch_action=False),
]


@pytest.mark.parametrize("block", GOOD)
def test_what_the_documents_show_is_taken(block: Any) -> None:
    assert block_problems([block], "message") == []


def sdk_objects(block: dict[str, Any]) -> list[Any]:
    """The block, and what stands in it, as slack_sdk's own models."""
    places = [block.get("element"), block.get("accessory"), *(block.get("elements") or [])]
    elements = [place for place in places if place and place.get("type") not in {"mrkdwn", "plain_text", "rich_text_section"}]
    return [Block.parse(block), *(BlockElement.parse(element) for element in elements)]


@pytest.mark.parametrize("block", [*GOOD, *(row[1] for row in EDGES)])
def test_what_is_taken_here_slack_sdk_takes_too(block: Any) -> None:
    for known in sdk_objects(block):
        known.validate_json()


# What slack_sdk's models let through although the documents do not.
SDK_MISSES = frozenset({"field text", "option text", "option value", "confirm title", "confirm button"})


@pytest.mark.parametrize(("name", "good", "bad", "place"), EDGES, ids=[row[0] for row in EDGES])
def test_what_slack_sdk_refuses_is_refused_here(name: str, good: Any, bad: Any, place: str) -> None:
    try:
        for known in sdk_objects(bad):
            known.validate_json()
        is_refused = False
    except SlackObjectFormationError:
        is_refused = True

    assert is_refused is (name not in SDK_MISSES)
    assert block_problems([bad], "message")


@pytest.mark.parametrize(("surface", "count"), [("message", 50), ("modal", 100), ("home", 100)])
def test_blocks_are_counted_per_surface(surface: Surface, count: int) -> None:
    assert block_problems([section("x")] * count, surface) == []
    problems = block_problems([section("x")] * (count + 1), surface)
    assert problems == [f"no more than {count} items allowed [json-pointer:/blocks]"]


def test_some_blocks_belong_to_some_surfaces() -> None:
    table = {"type": "table", "rows": [[]]}

    assert block_problems([table], "message") == []
    assert "unsupported type: table" in block_problems([table], "home")[0]


def test_a_block_id_stands_once() -> None:
    twice = [section("x", block_id="b"), section("y", block_id="b")]

    assert block_problems(twice, "message") == ["block_id b is used more than once [json-pointer:/blocks]"]


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(SlackError) as raised:
        refuse_bad_blocks([section(""), {"type": "header", "text": plain("x" * 151)}])

    assert len(raised.value.beside["errors"]) == 2


def test_the_edges_of_a_view() -> None:
    refuse_bad_view(a_modal(private_metadata="x" * 3000, callback_id="c" * 255, title=plain("x" * 24)), "modal")
    for bad in (
        a_modal(private_metadata="x" * 3001),
        a_modal(callback_id="c" * 256),
        a_modal(close=plain("x" * 25)),
        a_modal(submit=mrkdwn("Go")),
        a_modal(title=None),
        a_modal(colour="red"),
        a_modal(notify_on_close="yes"),
    ):
        with pytest.raises(SlackError, match="invalid_arguments"):
            refuse_bad_view(bad, "modal")
    with pytest.raises(SlackError, match="invalid_arguments"):
        refuse_bad_view(a_home(title=plain("x")), "home")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "elements"]), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_whatever_comes_is_judged_and_never_breaks_the_judge(blocks: Any) -> None:
    assert isinstance(block_problems(blocks, "message"), list)
    assert isinstance(block_problems([{"type": "section", "text": blocks, "accessory": blocks}], "message"), list)
