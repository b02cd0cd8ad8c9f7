"""An earlier launch as the beginning of a new one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.grants import InputRule
from bot.domain.inputs import read_inputs
from bot.domain.model import InputSpec, InputType, SecretName
from bot.surfaces.form_again import Again, again
from bot.surfaces.form_fields import Asked
from bot.surfaces.form_reading import read_submission
from bot.surfaces.launch_form import form
from bot.surfaces.words import problem_sentence
from tests.surfaces.form_parts import KEY, a_choice, assert_fine, element, spec, state

EARLIER = {"amount": Decimal("5.10"), "dryRun": True, "due": "2026-11-21"}
SPECS = (spec("amount", InputType.DECIMAL, required=True), spec("dryRun", InputType.BOOLEAN), spec("due", InputType.DATE))


def differences(found: Again) -> list[str]:
    return [problem_sentence(problem) for problem in found.differences]


def resubmitted(found: Again) -> dict[str, Any]:
    """What a person launches who only presses the button."""
    view = form(a_choice(asked=found.asked), opened_by=KEY)
    assert_fine(view)
    values, problems = read_inputs(found.asked.unique(), read_submission(state(view), found.asked.unique(), found.asked.rules))
    assert problems == ()
    return values


def test_where_nothing_changed_the_same_is_launched_again() -> None:
    found = again(EARLIER, Asked(specs=SPECS))

    assert differences(found) == []
    assert resubmitted(found) == EARLIER
    assert str(resubmitted(found)["amount"]) == "5.10"


@pytest.mark.parametrize(
    ("one", "value"),
    [
        (spec("x", InputType.MULTI_CHOICE, options=("a,b", "c", 'say "so"')), ["a,b", 'say "so"']),
        (spec("x", InputType.INTEGER, many=True), [3, 1]),
        (spec("x", InputType.JSON), {"a": [Decimal("1.50"), None, "b"]}),
        (spec("x", InputType.JSON), "a text"),
        (spec("x", InputType.DATETIME), "2026-11-21T09:30:00Z"),
        (spec("x", InputType.DATETIME), "2026-11-21T09:30:12.500000Z"),
        (spec("x", InputType.SECRET, options=("sap",)), SecretName("sap")),
        (spec("x", InputType.DECIMAL), Decimal("1E+30")),
        (spec("x", InputType.BOOLEAN), False),
    ],
)
def test_every_kind_of_value_comes_back(one: InputSpec, value: Any) -> None:
    found = again({"x": value}, Asked(specs=(one,)))

    assert differences(found) == []
    assert resubmitted(found) == {"x": value}


def test_what_the_workflow_no_longer_takes_and_what_it_takes_anew_is_told() -> None:
    found = again({**EARLIER, "region": "EU"}, Asked(specs=(*SPECS, spec("reason", required=True), spec("note"))))

    assert differences(found) == [
        "The workflow has no input “region” any more: its earlier value “EU” is left out.",
        "The input “reason” is new, and it is required.",
    ]


def test_a_changed_type_is_told_and_the_value_stays_to_be_corrected() -> None:
    found = again({"amount": "ten", "when": Decimal(5)}, Asked(specs=(spec("amount", InputType.DECIMAL), spec("when"))))
    view = form(a_choice(asked=found.asked), opened_by=KEY)

    assert differences(found) == [
        (
            "The input “amount” changed: it takes a number such as 12, -3.50 or 1.5e3, with a point and no other marks now. "
            "Its earlier value was “ten”."
        ),
        "The input “when” changed: it takes one line of text now. Its earlier value was “5”.",
    ]
    assert (element(view, "amount")["initial_value"], element(view, "when")["initial_value"]) == ("ten", "5")


def test_todays_rules_count_and_are_told() -> None:
    rules = {"amount": InputRule(max=Decimal(5)), "dryRun": InputRule(fixed=False), "due": InputRule(hidden=True)}

    found = again(EARLIER, Asked(specs=SPECS, rules=rules))

    assert differences(found) == [
        "The earlier value “5.10” of “amount” is not allowed here any more.",
        "The input “dryRun” is filled in here now: “no”. Its earlier value was “yes”.",
        "The input “due” is no longer asked for here: its earlier value “2026-11-21” is left out.",
    ]


def test_what_was_left_out_is_left_out_again_whatever_its_default_is_today() -> None:
    found = again({}, Asked(specs=(spec("note", default="hello"), spec("size", default="L", required=True))))
    view = form(a_choice(asked=found.asked), opened_by=KEY)

    assert "initial_value" not in element(view, "note")
    assert element(view, "size")["initial_value"] == "L"


def test_a_value_too_long_for_a_form_is_told() -> None:
    found = again({"x": {"a": "y" * 4000}}, Asked(specs=(spec("x", InputType.JSON),)))

    assert differences(found) == ["The earlier value of “x” is too long for a form: type it in the command."]


@given(
    st.dictionaries(
        st.sampled_from("abc"), st.none() | st.booleans() | st.integers() | st.text() | st.decimals() | st.lists(st.text())
    ),
    st.lists(
        st.builds(
            InputSpec,
            name=st.sampled_from("abcd"),
            type=st.sampled_from(list(InputType)),
            many=st.booleans(),
            required=st.booleans(),
        )
    ),
)
def test_any_earlier_launch_opens_a_form(earlier: dict[str, Any], specs: list[InputSpec]) -> None:
    found = again(earlier, Asked(specs=tuple(specs)))

    assert_fine(form(a_choice(asked=found.asked), opened_by=KEY, problems=found.differences))
    assert all(problem_sentence(problem) for problem in found.differences)
