from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import NOTHING, SecretName
from bot.store.json_columns import json_text, mapping_from
from tests.builders import NOON
from tests.store.test_rows import digits, json_objects


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), float("nan"), float("-inf")])
def test_numbers_that_json_does_not_have_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_text({"amount": value})


def test_values_that_are_no_json_are_refused() -> None:
    with pytest.raises(TypeError, match="datetime"):
        json_text({"at": NOON})


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"a": NaN}', '{"a": Infinity}', '{"a": 1} 2'])
def test_text_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        mapping_from(text)


@given(value=json_objects)
def test_any_json_object_comes_back_digit_by_digit(value: dict[str, Any]) -> None:
    assert digits(mapping_from(json_text(value))) == digits(value)


@pytest.mark.parametrize("value", [{}, NOTHING, MappingProxyType({})])
def test_every_mapping_without_entries_is_the_same_text(value: Mapping[str, Any]) -> None:
    assert json_text(value) == "{}"


def test_a_mapping_of_any_class_is_an_object() -> None:
    assert json_text({"inputs": MappingProxyType({"amount": Decimal("5.00")})}) == '{"inputs":{"amount":5.00}}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"login": SecretName("portal")}, '{"login":{"$secret":"portal"}}'),
        ({"note": {"$secret": "portal"}}, '{"note":{"$$secret":"portal"}}'),
        ({"note": "$secret"}, '{"note":"$secret"}'),
    ],
)
def test_the_name_of_a_secret_is_told_from_what_only_looks_like_it(value: dict[str, Any], text: str) -> None:
    assert json_text(value) == text
    assert mapping_from(text) == value


@given(st.lists(json_objects, min_size=2, max_size=4))
def test_what_was_written_and_read_before_leaves_no_trace(values: list[dict[str, Any]]) -> None:
    """One encoder and one decoder serve everybody; a value that was refused in between leaves none either."""
    alone = [json_text(value) for value in values]
    for value in values:
        with pytest.raises(ValueError, match="JSON"):
            json_text({**value, "amount": Decimal("NaN")})
    with pytest.raises(ValueError, match="Expecting"):
        mapping_from('{"amount": ')

    assert [json_text(value) for value in values] == alone
    assert digits([mapping_from(text) for text in alone]) == digits(values)
