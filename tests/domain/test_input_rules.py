"""A rule that may be about a value says so in doubt; a rule that restricts one gives way to no doubt."""

from __future__ import annotations

import pytest

from bot.domain.grants import InputRule
from bot.domain.input_rules import holds, rule_reasons
from bot.domain.model import Json

VIP = InputRule(fixed="VIP")


@pytest.mark.parametrize(
    "value", ["VIP", ["VIP"], ["VIP", "EU"], ["EU", "VIP"], [], ["EU", ["VIP"]], {"segment": "VIP"}, ["EU", {"a": 1}]], ids=str
)
def test_a_fixed_value_is_looked_for_among_the_items_of_a_list_as_one_of_is(value: Json) -> None:
    assert holds({"segments": VIP}, {"segments": value})
    assert holds({"segments": InputRule(one_of=("VIP",))}, {"segments": value})


@pytest.mark.parametrize("value", ["EU", ["EU"], ["EU", "US"], "", 1, True], ids=str)
def test_a_fixed_value_that_is_certainly_not_there_does_not_hold(value: Json) -> None:
    assert not holds({"segments": VIP}, {"segments": value})


@pytest.mark.parametrize(
    ("fixed", "value", "is_so"),
    [
        (["VIP"], ["VIP"], True),
        (["VIP"], ["VIP", "EU"], False),
        (["VIP"], [["VIP"], ["EU"]], True),
        ({"a": 1}, {"a": 1}, True),
        ({"a": 1}, [{"a": 2}, {"a": 1}], True),
        ({"a": 1}, {"a": 2}, False),
    ],
)
def test_a_fixed_list_or_object_is_compared_whole(fixed: Json, value: Json, is_so: bool) -> None:
    assert holds({"x": InputRule(fixed=fixed)}, {"x": value}) is is_so


@pytest.mark.parametrize("value", [["VIP"], ["VIP", "EU"], [], {"segment": "VIP"}, "EU"], ids=str)
def test_a_fixed_value_that_restricts_lets_through_itself_alone(value: Json) -> None:
    assert [reason.code for reason in rule_reasons({"segments": VIP}, {"segments": value})] == ["input_fixed"]
    assert rule_reasons({"segments": VIP}, {"segments": "VIP"}) == ()
