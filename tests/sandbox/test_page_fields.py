"""What a browser says stands in a field: Slack's own shape for each element, and only what was offered."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.page.fields import chosen_in
from bot.sandbox.slack.control import MistakeError
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.forms import STATE_KEYS, Control

ONE, TWO = ({"text": {"type": "plain_text", "text": text}, "value": value} for text, value in (("One", "1"), ("Two", "2")))
GOOD: dict[str, Any] = {
    "value": "x",
    "rich_text_value": {"type": "rich_text", "elements": []},
    "selected_date": "2026-11-21",
    "selected_time": "12:00",
    "selected_date_time": 1_795_278_380,
    "selected_options": [TWO, ONE],
    "selected_option": TWO,
    "selected_user": "U0BOB",
    "selected_conversation": "C0DATA",
    "selected_channel": "C0DATA",
    "selected_users": ["U0BOB"],
    "selected_conversations": ["C0DATA"],
    "selected_channels": ["C0DATA"],
    "files": [],
}
BAD: dict[str, Any] = {
    "value": 1,
    "rich_text_value": "x",
    "selected_date": 20261121,
    "selected_time": {},
    "selected_date_time": True,
    "selected_options": TWO,
    "selected_option": [TWO],
    "selected_user": ["U0BOB"],
    "selected_conversation": 1,
    "selected_channel": False,
    "selected_users": "U0BOB",
    "selected_conversations": {},
    "selected_channels": 1,
    "files": "x",
}


def _control(kind: str) -> Control:
    element = {"type": kind, "action_id": "a", "options": [ONE, TWO]}
    return Control(block={"type": "input", "block_id": "b", "label": {"text": "Label"}}, element=element)


@pytest.mark.parametrize("kind", sorted(STATE_KEYS))
def test_every_element_takes_its_own_shape_and_no_other(kind: str) -> None:
    key, _ = STATE_KEYS[kind]

    assert chosen_in(_control(kind), {"type": kind, key: GOOD[key], "more": 1}) == {"type": kind, key: GOOD[key]}
    with pytest.raises(MistakeError, match="'Label'"):
        chosen_in(_control(kind), {"type": kind, key: BAD[key]})
    with pytest.raises(MistakeError, match="needs its value as Slack's state has it"):
        chosen_in(_control(kind), {"type": "other", key: GOOD[key]})


@pytest.mark.parametrize("kind", sorted(STATE_KEYS))
def test_an_emptied_field_is_empty(kind: str) -> None:
    key, _ = STATE_KEYS[kind]
    empty = [] if key == "selected_options" else None

    assert chosen_in(_control(kind), {"type": kind, key: None}) == {"type": kind, key: empty}
    assert chosen_in(_control(kind), {"type": kind}) == {"type": kind, key: empty}


@pytest.mark.parametrize("kind", ["static_select", "radio_buttons"])
def test_an_option_is_known_by_its_value_alone(kind: str) -> None:
    """A label may read like another option's value."""
    said = {"type": kind, "selected_option": {"value": "2", "text": {"type": "plain_text", "text": "1"}}}

    assert chosen_in(_control(kind), said)["selected_option"] == TWO


@pytest.mark.parametrize("kind", ["checkboxes", "multi_static_select"])
def test_what_was_not_offered_is_refused(kind: str) -> None:
    with pytest.raises(NotPossibleError, match="offers no '3'"):
        chosen_in(_control(kind), {"type": kind, "selected_options": [ONE, {"value": "3"}]})


def test_an_option_of_a_group_is_offered() -> None:
    control = _control("static_select")
    control.element["option_groups"] = [{"options": control.element.pop("options")}]

    assert chosen_in(control, {"type": "static_select", "selected_option": ONE})["selected_option"] == ONE


@pytest.mark.parametrize("given", [None, 3, {}, {"selected_option": None}, {"selected_option": {"value": 3}}])
def test_an_overflow_menu_needs_an_option(given: object) -> None:
    control = _control("overflow")

    assert chosen_in(control, {"selected_option": ONE}) == ONE
    with pytest.raises(MistakeError, match="needs an option"):
        chosen_in(control, given)


def test_a_button_has_nothing_to_choose() -> None:
    with pytest.raises(MistakeError, match="is a button"):
        chosen_in(_control("button"), {"type": "button"})
