"""What a person can touch in blocks, and what their input looks like on the wire.

One table maps each element to the keys of its state and its initial value:
https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload and
https://docs.slack.dev/reference/block-kit/block-elements
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.shapes import copy, is_list, is_mapping, mapping, mappings, plain

State = dict[str, dict[str, dict[str, Any]]]
"""block_id → action_id → what stands in that field."""

# Element → (key of its state, key of its initial value).
STATE_KEYS: Mapping[str, tuple[str, str]] = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "checkboxes": ("selected_options", "initial_options"),
    "radio_buttons": ("selected_option", "initial_option"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "file_input": ("files", ""),
}
PRESSED = frozenset({"button", "overflow", "workflow_button"})
ASKED = frozenset({"external_select", "multi_external_select"})


@dataclass(frozen=True, kw_only=True)
class Control:
    """One element that a person can use, and the block that it stands in."""

    block: dict[str, Any]
    element: dict[str, Any]

    @property
    def block_id(self) -> str:
        """Which block."""
        return str(self.block["block_id"])

    @property
    def action_id(self) -> str:
        """Which element in it."""
        return str(self.element["action_id"])

    @property
    def kind(self) -> str:
        """The element's type."""
        return str(self.element["type"])

    @property
    def label(self) -> str:
        """What a person reads on it or above it."""
        shown = self.block.get("label") if self.is_input else self.element.get("text", self.element.get("placeholder"))
        return plain(shown)

    @property
    def is_input(self) -> bool:
        """True when a submission brings it along."""
        return self.block.get("type") == "input"

    @property
    def is_required(self) -> bool:
        """True when Slack's client does not let a form go without it."""
        return self.is_input and not self.block.get("optional", False)


@dataclass(frozen=True, kw_only=True)
class Ids:
    """Which element, exactly: for whoever has the blocks before them, as the page has."""

    block_id: str
    action_id: str

    def __str__(self) -> str:
        return f"{self.block_id} / {self.action_id}"


def controls(blocks: Iterable[Mapping[str, Any]]) -> Iterator[Control]:
    """Everything in these blocks that a person can use, from top to bottom."""
    for block in map(dict, blocks):
        places = [block.get("element"), block.get("accessory"), *mappings(block.get("elements"))]
        for element in filter(is_mapping, places):
            if element.get("type") in PRESSED or element.get("type") in STATE_KEYS:
                yield Control(block=block, element=element)


def named(blocks: Iterable[Mapping[str, Any]], name: str | Ids, *, value: str | None = None) -> Control:
    """The control with this label, action id or accessibility label, or with these ids.

    ``value`` picks among buttons that read the same.
    """
    every = list(controls(blocks))
    for control in every:
        if _is_meant(control, name) and value in {None, control.element.get("value")}:
            return control
    there = [control.label or control.action_id for control in every]
    raise NotPossibleError(f"nothing here reads {str(name)!r}; there is {there}")


def _is_meant(control: Control, name: str | Ids) -> bool:
    if isinstance(name, Ids):
        return (control.block_id, control.action_id) == (name.block_id, name.action_id)
    return name in {control.label, control.action_id, control.element.get("accessibility_label")}


def with_ids(block: Mapping[str, Any], numbers: Iterator[int]) -> dict[str, Any]:
    """A copy of the block in which block and elements have ids, drawn by Slack where the bot gave none."""
    numbered = copy(block)
    numbered.setdefault("block_id", f"blk{next(numbers)}")
    for control in controls([numbered]):
        control.element.setdefault("action_id", f"act{next(numbers)}")
    return numbered


def initial_state(blocks: Iterable[Mapping[str, Any]]) -> State:
    """What stands in each field before anybody touched it."""
    state: State = {}
    for control in controls(blocks):
        if control.kind in STATE_KEYS:
            key, initial = STATE_KEYS[control.kind]
            empty: Any = [] if key.endswith("options") else None
            there = {"type": control.kind, key: control.element.get(initial, empty)}
            state.setdefault(control.block_id, {})[control.action_id] = there
    return state


def carried_over(old: State, blocks: Iterable[Mapping[str, Any]]) -> State:
    """The state of new blocks: a field with the same block id, action id and type keeps what stood in it.

    https://docs.slack.dev/surfaces/modals: a new initial value shows only under a new id.
    """
    state = initial_state(blocks)
    for block_id, fields in state.items():
        for action_id, fresh in fields.items():
            kept = old.get(block_id, {}).get(action_id)
            if kept is not None and kept["type"] == fresh["type"]:
                fields[action_id] = kept
    return state


def filled(control: Control, value: object) -> dict[str, Any]:
    """The state of a field after a person put ``value`` into it.

    ``value`` is what a person would say (text, a number, an option's value or label, a list of these), or the state itself.
    """
    if is_mapping(value) and value.get("type") == control.kind:
        return value
    key, _ = STATE_KEYS[control.kind]
    return {"type": control.kind, key: _said(control, key, value)}


def _said(control: Control, key: str, value: object) -> Any:
    if value is None:
        return [] if key.endswith("options") else None
    match key:
        case "selected_option":
            return _option(control, value)
        case "selected_options":
            return [_option(control, one) for one in (value if is_list(value) else [value])]
        case "value":
            return str(value)
        case _:
            return value


def _option(control: Control, wanted: object) -> dict[str, Any]:
    if is_mapping(wanted):
        return wanted
    for option in offered(control):
        if wanted in {option.get("value"), plain(option.get("text"))}:
            return option
    raise NotPossibleError(f"{control.label!r} offers no {wanted!r}")


def offered(control: Control) -> list[dict[str, Any]]:
    """The options that the blocks hold, groups flattened."""
    groups = mappings(control.element.get("option_groups"))
    return [*mappings(control.element.get("options")), *(one for group in groups for one in mappings(group.get("options")))]


def picked(control: Control, value: object) -> dict[str, Any]:
    """What the ``actions`` entry of a block_actions says beside the ids."""
    if control.kind == "overflow":
        return {"type": "overflow", "selected_option": _option(control, value)}
    return filled(control, value)


def pressed(control: Control) -> dict[str, Any]:
    """What the ``actions`` entry of a pressed button says beside the ids."""
    shown = {key: control.element[key] for key in ("text", "value", "style", "url") if key in control.element}
    return {"type": control.kind, **shown}


def suggestions(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The options in an acknowledged block_suggestion, groups flattened."""
    groups = mappings(body.get("option_groups"))
    return [*mappings(body.get("options")), *(one for group in groups for one in mappings(mapping(group).get("options")))]
