"""Typed values written as text again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.input_writing import is_list, reads_as, written, written_default
from bot.domain.inputs import read_value
from bot.domain.model import InputSpec, InputType, Problem

TYPED = st.text(max_size=40) | st.sampled_from(
    ["1e3", "5.10", "true", "2026-11-21", "2026-11-21T09:30Z", '"a,b", c', "[1]", "{}", "-0", ".5"]
)


@given(
    st.builds(
        InputSpec,
        name=st.just("x"),
        type=st.sampled_from(list(InputType)),
        many=st.booleans(),
        options=st.lists(TYPED).map(tuple),
    ),
    TYPED,
)
def test_what_was_read_is_written_as_what_reads_the_same(spec: InputSpec, text: str) -> None:
    value = read_value(spec, text)

    if not isinstance(value, Problem):
        assert reads_as(spec, written(spec, value), value)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (InputType.DECIMAL, Decimal("5.10"), "5.10"),
        (InputType.DECIMAL, Decimal("1E+3"), "1000"),
        (InputType.DECIMAL, Decimal("1E+300"), "1E+300"),
        (InputType.BOOLEAN, True, "yes"),
        (InputType.JSON, {"a": [Decimal("1.50"), None]}, '{"a": [1.50, null]}'),
        (InputType.JSON, "a", '"a"'),
        (InputType.MULTI_CHOICE, ["a,b", "c"], '"a,b", c'),
        (InputType.INTEGER, "many", "many"),
        (InputType.TEXT, {"a": 1}, '{"a": 1}'),
    ],
)
def test_a_value_is_written_as_people_type_it(kind: InputType, value: Any, text: str) -> None:
    assert written(InputSpec(name="x", type=kind), value) == text


def test_two_options_are_not_written_as_the_one_that_holds_both() -> None:
    spec = InputSpec(name="x", type=InputType.MULTI_CHOICE, options=("a", "b", "a, b"))

    assert read_value(spec, written(spec, ["a", "b"])) == ["a", "b"]
    assert read_value(spec, written(spec, ["a, b"])) == ["a, b"]


def test_truth_values_are_no_numbers() -> None:
    assert not reads_as(InputSpec(name="x", type=InputType.BOOLEAN), "yes", 1)
    assert not reads_as(InputSpec(name="x", type=InputType.INTEGER), "1", True)


@pytest.mark.parametrize(
    ("kind", "default", "text"),
    [
        (InputType.DECIMAL, Decimal("5.00"), "5.00"),
        (InputType.DECIMAL, "not a number", ""),
        (InputType.BOOLEAN, "on", "yes"),
        (InputType.JSON, Decimal("Infinity"), ""),
        (InputType.TEXT, None, ""),
    ],
)
def test_a_default_is_written_where_it_fits(kind: InputType, default: Any, text: str) -> None:
    assert written_default(InputSpec(name="x", type=kind, default=default)) == text


def test_a_list_in_json_is_typed_as_json() -> None:
    assert not is_list(InputSpec(name="x", type=InputType.JSON, many=True))
    assert is_list(InputSpec(name="x", type=InputType.MULTI_CHOICE))
