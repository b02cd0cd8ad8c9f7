"""Forms as Slack's client fills them: what a person says becomes the state of a field, and some things cannot be said."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.filling import fill, submitted
from bot.sandbox.slack.forms import State, controls, initial_state, named
from tests.sandbox.slack_bots import a_text_field, actions, an_input, button, section

OPTIONS = [{"text": {"type": "plain_text", "text": name}, "value": name[0]} for name in ("Apple", "Banana", "Cherry")]
APPLE, BANANA, _ = OPTIONS


def a_field(kind: str, **more: Any) -> dict[str, Any]:
    return an_input("it", "It", {"type": kind, "action_id": "a", **more})


def filled(block: dict[str, Any], value: Any) -> dict[str, Any]:
    state = fill([block], initial_state([block]), {"It": value})
    return state["it"]["a"]


@pytest.mark.parametrize(
    ("block", "value", "expected"),
    [
        (a_field("plain_text_input"), "Ada", {"type": "plain_text_input", "value": "Ada"}),
        (a_field("number_input", is_decimal_allowed=False), 5, {"type": "number_input", "value": "5"}),
        (a_field("email_text_input"), "a@x.example", {"type": "email_text_input", "value": "a@x.example"}),
        (a_field("url_text_input"), "https://x.example", {"type": "url_text_input", "value": "https://x.example"}),
        (a_field("datepicker"), "2026-11-21", {"type": "datepicker", "selected_date": "2026-11-21"}),
        (a_field("timepicker"), "09:30", {"type": "timepicker", "selected_time": "09:30"}),
        (a_field("datetimepicker"), 1_700_000_000, {"type": "datetimepicker", "selected_date_time": 1_700_000_000}),
        (a_field("static_select", options=OPTIONS), "B", {"type": "static_select", "selected_option": BANANA}),
        (a_field("radio_buttons", options=OPTIONS), "Apple", {"type": "radio_buttons", "selected_option": APPLE}),
        (a_field("checkboxes", options=OPTIONS), ["A", "B"], {"type": "checkboxes", "selected_options": [APPLE, BANANA]}),
        (a_field("external_select"), APPLE, {"type": "external_select", "selected_option": APPLE}),
        (a_field("users_select"), "U0BOB", {"type": "users_select", "selected_user": "U0BOB"}),
        (
            a_field("multi_static_select", option_groups=[{"label": {"text": "g"}, "options": OPTIONS}]),
            "Banana",
            {"type": "multi_static_select", "selected_options": [BANANA]},
        ),
        (a_field("plain_text_input"), None, {"type": "plain_text_input", "value": None}),
        (a_field("checkboxes", options=OPTIONS), None, {"type": "checkboxes", "selected_options": []}),
        (
            a_field("plain_text_input"),
            {"type": "plain_text_input", "value": "as it is"},
            {"type": "plain_text_input", "value": "as it is"},
        ),
    ],
)
def test_what_a_person_says_becomes_the_state(block: dict[str, Any], value: Any, expected: dict[str, Any]) -> None:
    assert filled(block, value) == expected


@pytest.mark.parametrize(
    ("block", "value", "words"),
    [
        (a_field("plain_text_input", max_length=3), "long", "too long"),
        (a_field("plain_text_input"), "x" * 3001, "too long"),
        (a_field("plain_text_input", min_length=5), "long", "too short"),
        (a_field("number_input", is_decimal_allowed=True), "five", "no number"),
        (a_field("number_input", is_decimal_allowed=True), "NaN", "no number"),
        (a_field("number_input", is_decimal_allowed=False), "1.5", "no whole number"),
        (a_field("number_input", is_decimal_allowed=True, max_value="10"), "10.5", "out of range"),
        (a_field("number_input", is_decimal_allowed=True, min_value="0"), "-1", "out of range"),
        (a_field("email_text_input"), "nobody", "no address"),
        (a_field("url_text_input"), "ftp://x", "no address"),
        (a_field("static_select", options=OPTIONS), "Durian", "offers no"),
    ],
)
def test_what_the_client_would_mark_cannot_be_said(block: dict[str, Any], value: Any, words: str) -> None:
    with pytest.raises(NotPossibleError, match=words):
        filled(block, value)


def test_fields_are_found_by_block_id_or_label_and_nothing_else() -> None:
    blocks = [a_text_field(), section("x", accessory=button("Go", "go"))]
    state = initial_state(blocks)

    by_id = fill(blocks, state, {"name": {"typed": "Ada"}})
    assert by_id == fill(blocks, state, {"Name": "Ada"})
    with pytest.raises(NotPossibleError, match="no field 'Go'"):
        fill(blocks, state, {"Go": "x"})
    with pytest.raises(NotPossibleError, match=r"no \['other'\] in field 'name'"):
        fill(blocks, state, {"name": {"other": "x"}})
    assert state["name"]["typed"]["value"] is None


def test_a_required_field_holds_the_form_back_and_an_optional_one_does_not() -> None:
    required, optional = a_text_field(), an_input("b", "B", {"type": "plain_text_input", "action_id": "a"}, optional=True)

    with pytest.raises(NotPossibleError, match="required field: 'Name'"):
        submitted([required, optional], initial_state([required, optional]))
    assert submitted([optional], initial_state([optional])) == {"b": {"a": {"type": "plain_text_input", "value": None}}}


def test_only_input_blocks_are_submitted() -> None:
    menu = {"type": "static_select", "action_id": "a", "options": OPTIONS, "initial_option": APPLE}
    blocks = [actions(menu, block_id="row"), a_text_field(initial_value="Ada")]
    state: State = initial_state(blocks)

    assert state["row"]["a"]["selected_option"] == APPLE
    assert list(submitted(blocks, state)) == ["name"]


def test_controls_are_found_by_label_action_id_or_accessibility_label() -> None:
    blocks = [actions(button("Approve", "yes", accessibility_label="Approve L-1"), block_id="row"), a_text_field()]

    assert {named(blocks, name).action_id for name in ("Approve", "yes", "Approve L-1")} == {"yes"}
    assert [control.label for control in controls(blocks)] == ["Approve", "Name"]
    with pytest.raises(NotPossibleError, match=r"there is \['Approve', 'Name'\]"):
        named(blocks, "Reject")
    with pytest.raises(NotPossibleError):
        named(blocks, "Approve", value="another")
