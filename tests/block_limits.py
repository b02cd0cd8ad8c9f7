"""Slack's limits as a table of our own, and what makes a message harmless: for every test that looks at blocks.

https://docs.slack.dev/reference/block-kit/blocks
https://docs.slack.dev/reference/block-kit/composition-objects
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from slack_sdk.models.blocks import Block

from bot.surfaces.words import Say

MOST_BLOCKS = 50
MOST_VIEW_BLOCKS = 100
MOST_VIEW_BYTES = 250_000
MOST_TEXT = 4000
MOST = {
    "header.text": 150,
    "section.text": 3000,
    "section.fields": 10,
    "section.field": 2000,
    "context.elements": 10,
    "context.element": 2000,
    "actions.elements": 25,
    "block_id": 255,
    "action_id": 255,
    "button.text": 75,
    "button.value": 2000,
    "button.url": 3000,
    "button.accessibility_label": 75,
    "confirm.title": 100,
    "confirm.text": 300,
    "confirm.confirm": 30,
    "confirm.deny": 30,
    "rich_text": 12000,
    "input.label": 2000,
    "input.hint": 2000,
    "element.placeholder": 150,
    "element.initial_value": 3000,
    "element.options": 100,
    "option.text": 75,
    "option.value": 150,
    "option.description": 75,
}
ACTIVE = re.compile(r"<[^<>]*>")
OURS = re.compile(
    r"<@[UW][A-Z0-9]+>|<!date\^\d+\^\{date_short_pretty\} at \{time\}\|[0-9: -]+ UTC>|<https?://[^<>|\s]+\|[^<>|]+>"
)
FORMAT_MARK = re.compile(
    r"(?<![A-Za-z0-9])[*~](?=\S)|(?<=\S)[*~](?![A-Za-z0-9])|`|(?<![A-Za-z0-9_])_+(?=[^\s_])|(?<=[^\s_])_+(?![A-Za-z0-9_])"
)
HIDDEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def units(text: str) -> int:
    """Length as JavaScript counts it: the stricter of the two possible readings of a limit."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def assert_within_limits(say: Say) -> None:
    """Every limit that we know of, by our own table and by slack_sdk's models."""
    assert 0 < units(say.text) <= MOST_TEXT
    assert len(say.blocks) <= MOST_BLOCKS
    _assert_blocks(say.blocks)


def assert_view_within_limits(view: Mapping[str, Any]) -> None:
    """As for a message, where a view differs: it takes more blocks."""
    assert len(view["blocks"]) <= MOST_VIEW_BLOCKS
    assert len(json.dumps(view)) < MOST_VIEW_BYTES
    _assert_blocks(view["blocks"])


def _assert_blocks(blocks: Collection[Mapping[str, Any]]) -> None:
    too_much = [f"{place}: {found} > {MOST[place]}" for block in blocks for place, found in _sizes(block) if found > MOST[place]]
    assert too_much == []
    assert [place for block in blocks for place, found in _sizes(block) if found == 0] == []
    block_ids = [block["block_id"] for block in blocks if "block_id" in block]
    assert len(set(block_ids)) == len(block_ids)
    for block in blocks:
        model = Block.parse(dict(block))
        assert model is not None, f"slack_sdk knows no block {block['type']}"
        model.validate_json()


def assert_harmless(say: Say, *, groups: Collection[str] = ()) -> None:
    """Nothing in it mentions, links, formats, turns around or hides but what this program itself writes.

    ``groups``: the user groups that it may call, and no others.
    """
    calls = {f"<!subteam^{group}>" for group in groups}
    for text in (say.text, *(text["text"] for text in _objects(say) if text.get("type") == "mrkdwn")):
        assert [found for found in ACTIVE.findall(text) if not OURS.fullmatch(found) and found not in calls] == []
        bare = ACTIVE.sub("", text)
        assert "<" not in bare
        assert ">" not in bare
        assert re.sub("&(amp|lt|gt);", "", bare).count("&") == 0
    assert FORMAT_MARK.findall(ACTIVE.sub("x", say.text)) == []
    for found in _objects(say):
        assert found.get("type") not in {"broadcast", "channel", "emoji", "markdown"}
        assert found.get("type") != "usergroup" or found["usergroup_id"] in groups
        assert found.get("emoji", False) is False
        assert found.get("verbatim", True) is True
        assert not HIDDEN.search(str(found.get("text", "")))
    assert not HIDDEN.search(say.text)


def labels(say: Say) -> list[str]:
    """What stands on the buttons."""
    return [found["text"]["text"] for found in _objects(say) if found.get("type") == "button"]


def shown(say: Say) -> str:
    """All literal text of the blocks, in order."""
    return "\n".join(found["text"] for found in _objects(say) if isinstance(found.get("text"), str))


def _objects(say: Say) -> Iterator[Mapping[str, Any]]:
    for block in say.blocks:
        yield from _below(block)


def _below(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for part in value.values():
            yield from _below(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _below(part)


def _sizes(block: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    if "block_id" in block:
        yield "block_id", units(block["block_id"])
    match block["type"]:
        case "header":
            yield "header.text", units(block["text"]["text"])
        case "section":
            yield from _section(block)
        case "context":
            yield "context.elements", len(block["elements"])
            yield from (("context.element", units(element["text"])) for element in block["elements"])
        case "actions":
            yield "actions.elements", len(block["elements"])
            for element in block["elements"]:
                yield from _button(element)
        case "input":
            yield from _input(block)
        case "rich_text":
            texts = [found["text"] for found in _below(block) if isinstance(found.get("text"), str)]
            yield "rich_text", sum(map(units, texts))
            yield from (("rich_text", units(text)) for text in texts)
        case other:
            raise AssertionError(f"no limits are known for {other}")


def _section(block: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    if "text" in block:
        yield "section.text", units(block["text"]["text"])
    if "accessory" in block:
        yield from _element_sizes(block["accessory"])
    if "fields" in block:
        yield "section.fields", len(block["fields"])
        yield from (("section.field", units(field["text"])) for field in block["fields"])


def _input(block: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    yield "input.label", units(block["label"]["text"])
    if "hint" in block:
        yield "input.hint", units(block["hint"]["text"])
    yield from _element_sizes(block["element"])


def _element_sizes(element: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """What is typed into or chosen from. An initial option must be one of the options, to the letter."""
    if element["type"] == "button":
        yield from _button(element)
        return
    yield "action_id", units(element["action_id"])
    for name in ("placeholder", "initial_value"):
        if name in element:
            found = element[name]["text"] if name == "placeholder" else element[name]
            yield f"element.{name}", units(found)
    chosen = [*element.get("initial_options", ()), *([element["initial_option"]] if "initial_option" in element else [])]
    if "options" in element:
        yield "element.options", len(element["options"])
        assert [option for option in chosen if option not in element["options"]] == []
        values = [option["value"] for option in element["options"]]
        assert len(set(values)) == len(values)
    for option in [*element.get("options", ()), *chosen]:
        yield "option.text", units(option["text"]["text"])
        yield "option.value", units(option["value"])
        if "description" in option:
            yield "option.description", units(option["description"]["text"])


def _button(element: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    assert element["type"] == "button"
    yield "action_id", units(element["action_id"])
    yield "button.text", units(element["text"]["text"])
    for name in ("value", "url", "accessibility_label"):
        if name in element:
            yield f"button.{name}", units(element[name])
    for name in ("title", "text", "confirm", "deny"):
        if "confirm" in element:
            yield f"confirm.{name}", units(element["confirm"][name]["text"])
