"""Block elements and composition objects: which fields each has, and how long they may be.

https://docs.slack.dev/reference/block-kit/block-elements · https://docs.slack.dev/reference/block-kit/composition-objects
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.sandbox.slack.block_rules import (
    Rule,
    anything,
    boolean,
    both,
    either,
    integer,
    listed,
    one_of,
    plain_text,
    problem,
    shape,
    string,
    text,
    typed,
)
from bot.sandbox.slack.shapes import mappings

ID = string(255)
URL = string(3000, shortest=1)
STYLE = one_of("primary", "danger")

CONFIRM = shape(
    {
        "title": plain_text(100),
        "text": text(300),
        "confirm": plain_text(30),
        "deny": plain_text(30),
        "style": STYLE,
    },
    "title",
    "text",
    "confirm",
    "deny",
)
DISPATCH = shape({"trigger_actions_on": listed(one_of("on_enter_pressed", "on_character_entered"), 2)})
OPTION = shape(
    {"text": text(75), "value": string(150, shortest=1), "description": text(75), "url": URL},
    "text",
    "value",
)
OPTION_GROUP = shape({"label": plain_text(75), "options": listed(OPTION, 100)}, "label", "options")
FILTER = shape(
    {
        "include": listed(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)

_SHARED: Mapping[str, Rule] = {"type": anything, "action_id": ID, "focus_on_load": boolean}
_ASKING: Mapping[str, Rule] = {**_SHARED, "placeholder": plain_text(150)}
_CHOOSING: Mapping[str, Rule] = {**_ASKING, "confirm": CONFIRM}
_MANY: Mapping[str, Rule] = {"max_selected_items": integer}
_OPTIONS: Mapping[str, Rule] = {"options": listed(OPTION, 100), "option_groups": listed(OPTION_GROUP, 100)}
_TYPING: Mapping[str, Rule] = {**_ASKING, "initial_value": string(3000), "dispatch_action_config": DISPATCH}


def _initial_is_offered(value: Any, at: str) -> Iterator[str]:
    groups = mappings(value.get("option_groups"))
    offered = [*mappings(value.get("options")), *(one for group in groups for one in mappings(group.get("options")))]
    chosen = [one for one in (value.get("initial_option"), *mappings(value.get("initial_options"))) if one]
    for one in chosen:
        if one not in offered:
            yield problem("initial option must be one of the options", at)


def _picker(initial: str, *, has_placeholder: bool = True) -> Rule:
    fields = _CHOOSING if has_placeholder else {**_SHARED, "confirm": CONFIRM}
    return shape({**fields, initial: integer if initial == "initial_date_time" else string(10)})


_STATIC = both(
    shape({**_CHOOSING, **_OPTIONS, "initial_option": OPTION}),
    either("options", "option_groups"),
    _initial_is_offered,
)
_MULTI_STATIC = both(
    shape({**_CHOOSING, **_OPTIONS, **_MANY, "initial_options": listed(OPTION, 100)}),
    either("options", "option_groups"),
    _initial_is_offered,
)
_BOXES = both(
    shape({**_SHARED, "confirm": CONFIRM, "options": listed(OPTION, 10), "initial_options": listed(OPTION, 10)}, "options"),
    _initial_is_offered,
)
_RADIO = both(
    shape({**_SHARED, "confirm": CONFIRM, "options": listed(OPTION, 10), "initial_option": OPTION}, "options"),
    _initial_is_offered,
)
_CONVERSATIONS: Mapping[str, Rule] = {"default_to_current_conversation": boolean, "filter": FILTER}

BUTTON = shape(
    {
        **_SHARED,
        "text": plain_text(75),
        "url": URL,
        "value": string(2000),
        "style": STYLE,
        "confirm": CONFIRM,
        "accessibility_label": string(75),
    },
    "text",
)
IMAGE = shape(
    {"type": anything, "image_url": URL, "slack_file": anything, "alt_text": string(2000, shortest=1)},
    "alt_text",
)
OVERFLOW = shape({**_SHARED, "options": listed(OPTION, 5), "confirm": CONFIRM}, "options")

# Chosen from: these stand in actions, sections and inputs alike.
CHOOSERS: Mapping[str, Rule] = {
    "checkboxes": _BOXES,
    "radio_buttons": _RADIO,
    "datepicker": _picker("initial_date"),
    "timepicker": shape({**_CHOOSING, "initial_time": string(5), "timezone": string(100)}),
    "datetimepicker": _picker("initial_date_time", has_placeholder=False),
    "static_select": _STATIC,
    "external_select": shape({**_CHOOSING, "initial_option": OPTION, "min_query_length": integer}),
    "users_select": shape({**_CHOOSING, "initial_user": ID}),
    "conversations_select": shape(
        {**_CHOOSING, **_CONVERSATIONS, "initial_conversation": ID, "response_url_enabled": boolean},
    ),
    "channels_select": shape({**_CHOOSING, "initial_channel": ID, "response_url_enabled": boolean}),
    "multi_static_select": _MULTI_STATIC,
    "multi_external_select": shape(
        {**_CHOOSING, **_MANY, "initial_options": listed(OPTION, 100), "min_query_length": integer},
    ),
    "multi_users_select": shape({**_CHOOSING, **_MANY, "initial_users": listed(ID, 100)}),
    "multi_conversations_select": shape(
        {**_CHOOSING, **_MANY, **_CONVERSATIONS, "initial_conversations": listed(ID, 100)},
    ),
    "multi_channels_select": shape({**_CHOOSING, **_MANY, "initial_channels": listed(ID, 100)}),
}
# Typed into: these stand in inputs only.
TYPED: Mapping[str, Rule] = {
    "plain_text_input": shape({**_TYPING, "multiline": boolean, "min_length": integer, "max_length": integer}),
    "number_input": shape(
        {**_TYPING, "is_decimal_allowed": boolean, "min_value": string(100), "max_value": string(100)},
        "is_decimal_allowed",
    ),
    "email_text_input": shape(_TYPING),
    "url_text_input": shape(_TYPING),
    "rich_text_input": shape({**_ASKING, "initial_value": anything, "dispatch_action_config": DISPATCH}),
    "file_input": shape({**_SHARED, "filetypes": anything, "max_files": integer}),
}

IN_ACTIONS = typed({**CHOOSERS, "button": BUTTON, "overflow": OVERFLOW})
IN_SECTION = typed({**CHOOSERS, "button": BUTTON, "overflow": OVERFLOW, "image": IMAGE})
IN_INPUT = typed({**CHOOSERS, **TYPED})
IN_CONTEXT = typed({"image": IMAGE, "mrkdwn": text(3000, "mrkdwn"), "plain_text": text(3000, "plain_text")})
