"""The table of types: what Slack sends of each element, and what an element can show."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.grants import InputRule
from bot.domain.inputs import read_value
from bot.domain.model import InputSpec, InputType, Problem
from bot.sandbox.slack.forms import STATE_KEYS
from bot.surfaces.form_numbers import bounds, is_within
from bot.surfaces.form_table import ELEMENTS, TABLE, element_type, initial, said, visible
from tests.surfaces.form_parts import drawn, element, spec

TYPED = st.text(max_size=30) | st.sampled_from(["5", "5.10", "1e3", "2026-11-21", "2026-11-21T09:30Z", "a@b.co", "https://a.b/"])


def option(value: Any) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": "shown"}, "value": value}


@pytest.mark.parametrize(
    ("entry", "texts"),
    [
        ({"type": "plain_text_input", "value": "a b"}, ("a b",)),
        ({"type": "plain_text_input", "value": None}, ()),
        ({"type": "plain_text_input", "value": ""}, ()),
        ({"type": "number_input", "value": "5.10"}, ("5.10",)),
        ({"type": "email_text_input", "value": "a@b.co"}, ("a@b.co",)),
        ({"type": "url_text_input", "value": "https://a.b/"}, ("https://a.b/",)),
        ({"type": "datepicker", "selected_date": "2026-11-21"}, ("2026-11-21",)),
        ({"type": "datepicker", "selected_date": None}, ()),
        ({"type": "datetimepicker", "selected_date_time": 1_795_253_400}, ("2026-11-21T09:30:00Z",)),
        ({"type": "datetimepicker", "selected_date_time": 10**20}, ("100000000000000000000",)),
        ({"type": "datetimepicker", "selected_date_time": None}, ()),
        ({"type": "datetimepicker", "selected_date_time": True}, ()),
        ({"type": "static_select", "selected_option": option("red")}, ("red",)),
        ({"type": "external_select", "selected_option": option("red")}, ("red",)),
        ({"type": "radio_buttons", "selected_option": option("yes")}, ("yes",)),
        ({"type": "static_select", "selected_option": None}, ()),
        ({"type": "static_select", "selected_option": option(7)}, ()),
        ({"type": "multi_static_select", "selected_options": [option("a"), option("b")]}, ("a", "b")),
        ({"type": "multi_external_select", "selected_options": []}, ()),
        ({"type": "multi_static_select", "selected_options": "a"}, ()),
        ({"type": "checkboxes", "selected_options": [option("a")]}, ()),
        ({}, ()),
        (None, ()),
        ([], ()),
    ],
)
def test_what_slack_sends_of_a_field_is_read(entry: Any, texts: tuple[str, ...]) -> None:
    assert said(entry) == texts


def test_the_keys_of_each_element_are_those_that_slack_uses() -> None:
    assert {name: (one.state, one.initial) for name, one in ELEMENTS.items()} == {name: STATE_KEYS[name] for name in ELEMENTS}
    assert {row.element for row in TABLE.values()} <= set(ELEMENTS)


@given(st.sampled_from([kind for kind in InputType if kind is not InputType.SECRET]), st.booleans(), TYPED)
def test_what_an_element_shows_comes_back_as_the_same_value(kind: InputType, is_many: bool, text: str) -> None:
    """Sent as it stands, a field says what stood in it; what no element can show it does not show."""
    one = InputSpec(name="x", type=kind, many=is_many)
    found = element(drawn(one, given={"x": text}), "x")
    keys = ELEMENTS[found["type"]]
    back = said({"type": found["type"], keys.state: found.get(keys.initial)})
    value = read_value(one, text)

    if isinstance(value, Problem):
        assert back in {(), (visible(text),)}
    elif text:
        assert read_value(one, back[0]) == value


@pytest.mark.parametrize(
    ("kind", "text", "held"),
    [
        (InputType.DECIMAL, "5.10", "5.10"),
        (InputType.DECIMAL, "-0.5", "-0.5"),
        (InputType.DECIMAL, "+5", None),
        (InputType.DECIMAL, ".5", None),
        (InputType.DECIMAL, "007", None),
        (InputType.INTEGER, "5.0", None),
        (InputType.DATE, "20261121", None),
        (InputType.DATETIME, "2026-11-21T09:30:00Z", 1_795_253_400),
        (InputType.DATETIME, "2400-01-01T00:00Z", None),
    ],
)
def test_an_element_holds_only_what_slack_surely_takes(kind: InputType, text: str, held: Any) -> None:
    assert initial(spec("x", kind), text) == held


@pytest.mark.parametrize(
    ("count", "most", "expected"), [(1, 100, "static_select"), (101, 100, "external_select"), (1, 0, "external_select")]
)
def test_more_options_than_there_is_room_for_are_searched(count: int, most: int, expected: str) -> None:
    assert element_type(spec("x", InputType.CHOICE), count, "", most=most) == expected
    assert element_type(spec("x", InputType.MULTI_CHOICE), count, "", most=most) == f"multi_{expected}"


@given(
    st.sampled_from([InputType.INTEGER, InputType.DECIMAL]),
    st.none() | st.decimals(allow_nan=False, allow_infinity=False),
    st.none() | st.decimals(allow_nan=False, allow_infinity=False),
    st.integers(-100, 100),
)
def test_bounds_never_exclude_what_the_rule_allows(
    kind: InputType, least: Decimal | None, most: Decimal | None, value: int
) -> None:
    rule = InputRule(min=least, max=most)
    told = bounds(spec("x", kind), rule)
    is_allowed = (least is None or value >= least) and (most is None or value <= most)

    assert all(len(bound) <= 21 and "e" not in bound.lower() for bound in told.values())
    assert is_within(spec("x", kind), rule, str(value)) or not is_allowed
    drawn(spec("x", kind), rules={"x": rule}, given={"x": str(value)})
