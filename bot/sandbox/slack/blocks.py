"""What Slack accepts as blocks and views, and in which words it refuses the rest.

Limits: slack.md 3.1, from https://docs.slack.dev/reference/block-kit/blocks and https://docs.slack.dev/reference/views.
Why not ``slack_sdk.models``: its checks know fewer blocks, drop unknown types and name no place.
Looked into only as far as the type: rich_text, table, video, file, call and the newest agent blocks.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from bot.sandbox.slack.block_rules import (
    Rule,
    anything,
    boolean,
    both,
    either,
    listed,
    one_of,
    plain_text,
    problem,
    shape,
    string,
    text,
    typed,
)
from bot.sandbox.slack.elements import ID, IN_ACTIONS, IN_CONTEXT, IN_INPUT, IN_SECTION, URL
from bot.sandbox.slack.errors import SlackError, invalid_arguments
from bot.sandbox.slack.shapes import is_list, mappings

Surface = Literal["message", "modal", "home"]

MAX_BLOCKS: Mapping[Surface, int] = {"message": 50, "modal": 100, "home": 100}
MAX_VIEW_BYTES = 250_000
MAX_MARKDOWN = 12_000

_OWN: Mapping[str, Rule] = {"type": anything, "block_id": ID}


def _unknown_inside(*required: str) -> Rule:
    def check(value: Any, at: str) -> Iterator[str]:
        yield from (problem(f"missing required field: {name}", at) for name in required if value.get(name) is None)

    return check


BLOCKS: Mapping[str, Rule] = {
    "section": both(
        shape(
            {**_OWN, "text": text(3000), "fields": listed(text(2000), 10), "accessory": IN_SECTION, "expand": boolean},
        ),
        either("text", "fields"),
    ),
    "header": shape({**_OWN, "text": plain_text(150)}, "text"),
    "divider": shape(_OWN),
    "context": shape({**_OWN, "elements": listed(IN_CONTEXT, 10)}, "elements"),
    "actions": shape({**_OWN, "elements": listed(IN_ACTIONS, 25)}, "elements"),
    "image": both(
        shape(
            {**_OWN, "image_url": URL, "slack_file": anything, "alt_text": string(2000, shortest=1), "title": plain_text(2000)},
            "alt_text",
        ),
        either("image_url", "slack_file"),
    ),
    "input": shape(
        {
            **_OWN,
            "label": plain_text(2000),
            "element": IN_INPUT,
            "hint": plain_text(2000),
            "optional": boolean,
            "dispatch_action": boolean,
        },
        "label",
        "element",
    ),
    "rich_text": _unknown_inside("elements"),
    "video": _unknown_inside("alt_text", "title", "video_url", "thumbnail_url"),
}
_ONLY_IN: Mapping[Surface, Mapping[str, Rule]] = {
    "message": {
        "markdown": shape({**_OWN, "text": string(MAX_MARKDOWN, shortest=1)}, "text"),
        "table": _unknown_inside("rows"),
        "context_actions": _unknown_inside("elements"),
        "file": _unknown_inside("external_id", "source"),
        "task_card": _unknown_inside("task_id", "title"),
        "plan": _unknown_inside("title"),
    },
    "modal": {"alert": _unknown_inside("text")},
    "home": {},
}


def block_problems(blocks: object, surface: Surface, at: str = "/blocks") -> list[str]:
    """Everything that Slack would not accept in these blocks."""
    rule = listed(typed({**BLOCKS, **_ONLY_IN[surface]}), MAX_BLOCKS[surface], shortest=0)
    return [*rule(blocks, at), *_taken_twice(blocks, at)]


def _taken_twice(blocks: object, at: str) -> Iterator[str]:
    ids = Counter(block.get("block_id") for block in mappings(blocks) if block.get("block_id"))
    yield from (problem(f"block_id {name} is used more than once", at) for name, times in ids.items() if times > 1)
    for place, block in enumerate(mappings(blocks)):
        names = Counter(one.get("action_id") for one in mappings(block.get("elements")) if one.get("action_id"))
        twice = (name for name, times in names.items() if times > 1)
        yield from (problem(f"action_id {name} is used more than once", f"{at}/{place}/elements") for name in twice)


def refuse_bad_blocks(blocks: object) -> None:
    """Raise SlackError as chat.postMessage refuses blocks."""
    if not is_list(blocks) or any(not isinstance(block, dict) for block in blocks):
        raise SlackError("invalid_blocks_format")
    if problems := block_problems(blocks, "message"):
        messages = [f"[ERROR] {words}" for words in problems]
        raise SlackError("invalid_blocks", errors=problems, response_metadata={"messages": messages})


_VIEW: Mapping[str, Rule] = {
    "type": anything,
    "blocks": anything,
    "private_metadata": string(3000),
    "callback_id": ID,
    "external_id": ID,
}
MODAL = shape(
    {
        **_VIEW,
        "type": one_of("modal"),
        "title": plain_text(24),
        "close": plain_text(24),
        "submit": plain_text(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
    "title",
    "blocks",
)
HOME = shape({**_VIEW, "type": one_of("home")}, "blocks")


def refuse_bad_view(view: Mapping[str, Any], surface: Literal["modal", "home"]) -> None:
    """Raise SlackError as views.open and views.publish refuse a view."""
    if len(json.dumps(view).encode()) > MAX_VIEW_BYTES:
        raise SlackError("view_too_large")
    rule = MODAL if surface == "modal" else HOME
    problems = [*rule(view, "/view"), *block_problems(view.get("blocks", []), surface, "/view/blocks")]
    if surface == "modal" and not view.get("submit") and _has_input(view):
        problems.append(problem("missing required field: submit", "/view"))
    if problems:
        raise invalid_arguments(*problems)


def _has_input(view: Mapping[str, Any]) -> bool:
    return any(block.get("type") == "input" for block in mappings(view.get("blocks")))
