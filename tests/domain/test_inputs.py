from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.inputs import (
    MOST_ITEMS,
    describe_type,
    example_value,
    is_left_out,
    is_valid_default,
    read_default,
    read_inputs,
    read_value,
    with_secrets,
)
from bot.domain.model import InputSpec, InputType, Problem, SecretName
from bot.surfaces.command_text import LaunchText, correct_command

TYPES = list(InputType)
COLOURS = ("red", "green", "dark blue")
OPTIONS = {InputType.CHOICE: COLOURS, InputType.MULTI_CHOICE: COLOURS, InputType.SECRET: ("sap-password_2", "name")}


def spec(kind: InputType = InputType.TEXT, **changes: Any) -> InputSpec:
    options = OPTIONS.get(kind, ())
    return InputSpec(**({"name": "x", "type": kind, "options": options} | changes))


def refused(found: Any) -> Problem:
    assert isinstance(found, Problem), found
    assert found.code == "bad_input"
    return found


# --- lists -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (InputType.INTEGER, "1, 2,3", [1, 2, 3]),
        (InputType.TEXT, 'a,"b, c", d', ["a", "b, c", "d"]),
        (InputType.DECIMAL, "1.10", [Decimal("1.10")]),
        (InputType.JSON, "[1, 2]", [1, 2]),
        (InputType.MULTI_CHOICE, "red,green", ["red", "green"]),
    ],
)
def test_many_values_are_parted_by_commas(kind: InputType, text: str, expected: list[Any]) -> None:
    assert read_value(spec(kind, many=True), text) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (InputType.INTEGER, "1,two"),
        (InputType.INTEGER, "1,,2"),
        (InputType.INTEGER, "1,"),
        (InputType.TEXT, 'a,"b'),
        (InputType.JSON, '{"a": 1}'),
        (InputType.JSON, "["),
        (InputType.INTEGER, ",".join(["1"] * (MOST_ITEMS + 1))),
    ],
)
def test_one_wrong_value_refuses_the_list(kind: InputType, text: str) -> None:
    refused(read_value(spec(kind, many=True), text))


def test_an_option_with_a_comma_in_it_can_be_chosen() -> None:
    commas = spec(InputType.MULTI_CHOICE, options=("a, b", "c"))

    assert read_value(commas, "a, b") == ["a, b"]
    assert read_value(commas, 'c, "a, b"') == ["c", "a, b"]


# --- all inputs of a workflow ------------------------------------------------------------------------------------------


def test_every_problem_is_named_at_once() -> None:
    specs = (spec(name="accountId", required=True), spec(InputType.DECIMAL, name="maxAmount"))
    values, problems = read_inputs(specs, {"acountId": "4028", "maxAmount": "5,0", "Zzz": ""})

    assert values == {}
    assert [(problem.code, problem.facts["name"]) for problem in problems] == [
        ("unknown_input", "acountId"),
        ("unknown_input", "Zzz"),
        ("bad_input", "maxAmount"),
    ]
    assert problems[0].facts["closest"] == "accountId"
    assert problems[0].facts["known"] == "accountId, maxAmount"
    assert problems[1].facts["closest"] == ""


def test_a_value_under_a_misspelt_name_is_judged_as_what_was_meant() -> None:
    specs = (spec(InputType.INTEGER, name="accountId", required=True), spec(name="note", required=True))

    assert [problem.code for problem in read_inputs(specs, {"acountId": "x", "note": "y"})[1]] == ["unknown_input", "bad_input"]
    assert [problem.code for problem in read_inputs(specs, {"acountId": "", "note": "y"})[1]] == [
        "unknown_input",
        "missing_input",
    ]
    assert [problem.code for problem in read_inputs(specs, {"acountId": "x", "accountId": "1", "note": "y"})[1]] == [
        "unknown_input"
    ]


def test_a_missing_input_says_what_it_takes() -> None:
    wanted = spec(InputType.CHOICE, required=True, hint="How thoroughly")
    problem = read_inputs((wanted,), {})[1][0]

    assert (problem.facts["expected"], problem.facts["hint"]) == ("one of its options", "How thoroughly")
    assert problem.facts["known"] == "red, green, dark blue"


def test_names_are_case_sensitive() -> None:
    values, problems = read_inputs((spec(name="accountId"),), {"AccountID": "1"})

    assert values == {}
    assert problems[0].code == "unknown_input"
    assert problems[0].facts["closest"] == "accountId"


@pytest.mark.parametrize("kind", TYPES)
def test_an_empty_value_is_a_missing_one(kind: InputType) -> None:
    assert read_inputs((spec(kind),), {"x": ""}) == ({}, ())
    assert [problem.code for problem in read_inputs((spec(kind, required=True),), {"x": ""})[1]] == ["missing_input"]
    assert [problem.code for problem in read_inputs((spec(kind, required=True),), {})[1]] == ["missing_input"]


def test_spaces_alone_are_a_value_only_where_text_is_wanted_and_may_be_missing() -> None:
    assert read_inputs((spec(),), {"x": " "}) == ({"x": " "}, ())
    assert [problem.code for problem in read_inputs((spec(required=True),), {"x": " \u3000"})[1]] == ["missing_input"]
    assert read_inputs((spec(InputType.INTEGER),), {"x": "  "}) == ({}, ())


def test_a_default_fills_what_was_not_given_and_only_that() -> None:
    specs = (
        spec(InputType.DECIMAL, name="a", default="1.50", required=True),
        spec(InputType.INTEGER, name="b", default=7),
        spec(InputType.BOOLEAN, name="c", default=False, is_default_ours=True),
    )

    assert read_inputs(specs, {"b": "8", "c": ""}) == ({"a": Decimal("1.50"), "b": 8, "c": False}, ())


def test_a_default_of_the_provider_is_its_own_to_fill_in_unless_the_input_is_required() -> None:
    told = spec(InputType.INTEGER, default=7)

    assert read_inputs((told,), {}) == ({}, ())
    assert read_inputs((spec(InputType.INTEGER, default=7, required=True),), {}) == ({"x": 7}, ())
    assert read_inputs((spec(InputType.INTEGER, default=7, is_default_ours=True),), {}) == ({"x": 7}, ())


def test_a_default_that_does_not_fit_is_as_good_as_none() -> None:
    broken = spec(InputType.INTEGER, default="soon", required=True)

    assert not is_valid_default(broken)
    assert [problem.code for problem in read_inputs((broken,), {})[1]] == ["missing_input"]
    assert read_inputs((spec(InputType.INTEGER, default="soon"),), {}) == ({}, ())


def test_a_default_of_ours_that_does_not_fit_asks_for_a_value() -> None:
    broken = spec(InputType.INTEGER, default="soon", is_default_ours=True)

    assert [(problem.code, problem.facts["name"]) for problem in read_inputs((broken,), {})[1]] == [("default_misfit", "x")]
    assert read_inputs((broken,), {"x": "7"}) == ({"x": 7}, ())
    assert read_inputs((replace(broken, default=None),), {}) == ({}, ())


@pytest.mark.parametrize(
    ("kind", "default", "expected"),
    [
        (InputType.TEXT, "x", "x"),
        (InputType.TEXT, 5, "5"),
        (InputType.INTEGER, "5", 5),
        (InputType.INTEGER, 5, 5),
        (InputType.DECIMAL, 0.1, Decimal("0.1")),
        (InputType.DECIMAL, Decimal("1.10"), Decimal("1.10")),
        (InputType.BOOLEAN, True, True),
        (InputType.BOOLEAN, "no", False),
        (InputType.DATE, date(2026, 11, 21), "2026-11-21"),
        (InputType.DATETIME, datetime(2026, 11, 21, 9, 30, tzinfo=UTC), "2026-11-21T09:30:00Z"),
        (InputType.MULTI_CHOICE, ["red", "green"], ["red", "green"]),
        (InputType.MULTI_CHOICE, "red,green", ["red", "green"]),
        (InputType.JSON, {"a": 1}, {"a": 1}),
        (InputType.JSON, '{"a": 1}', {"a": 1}),
        (InputType.JSON, [1], [1]),
    ],
)
def test_defaults_come_as_text_or_as_json(kind: InputType, default: Any, expected: Any) -> None:
    filled = spec(kind, default=default)

    assert is_valid_default(filled)
    assert read_default(filled) == expected


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        (InputType.TEXT, None),
        (InputType.TEXT, ""),
        (InputType.INTEGER, 1.5),
        (InputType.INTEGER, True),
        (InputType.DECIMAL, float("nan")),
        (InputType.DATETIME, datetime(2026, 11, 21, 9, 30)),  # noqa: DTZ001 - without a zone is the point
        (InputType.CHOICE, "blue"),
        (InputType.MULTI_CHOICE, ["red", "blue"]),
        (InputType.MULTI_CHOICE, ["red", ""]),
        (InputType.JSON, "{"),
        (InputType.BOOLEAN, "maybe"),
    ],
)
def test_a_default_must_fit_its_own_input(kind: InputType, default: Any) -> None:
    assert not is_valid_default(spec(kind, default=default))


def test_a_list_of_defaults_fills_an_input_of_many() -> None:
    assert read_default(spec(InputType.INTEGER, many=True, default=[1, "2"])) == [1, 2]


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_has_words_and_takes_the_example_in_them(kind: InputType) -> None:
    _, _, example = describe_type(kind).partition("such as ")

    assert describe_type(kind)
    assert not example or not isinstance(read_value(spec(kind), example), Problem)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("many", [False, True])
def test_every_type_has_an_example_that_it_takes(kind: InputType, many: bool) -> None:
    shown = spec(kind, many=many)

    assert not is_left_out(shown, example_value(shown))
    assert not isinstance(read_value(shown, example_value(shown)), Problem)


# --- secrets ------------------------------------------------------------------------------------------------------------

KEY = "AK" + "IA" + "ABCDEFGH234567AB"


def test_an_input_of_the_type_secret_takes_the_names_that_its_connection_has_and_no_other_input_does() -> None:
    login, note = spec(InputType.SECRET, name="login", options=()), spec(name="note")

    inputs, problems = read_inputs(
        with_secrets((login, note), ["portal-login"]), {"login": "portal-login", "note": "portal-login"}
    )

    assert problems == ()
    assert inputs == {"login": SecretName("portal-login"), "note": "portal-login"}


def test_several_secrets_are_several_names() -> None:
    several = with_secrets([spec(InputType.SECRET, many=True)], ["a", "b"])

    assert read_inputs(several, {"x": "a, b"})[0] == {"x": [SecretName("a"), SecretName("b")]}


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind is not InputType.SECRET])
@pytest.mark.parametrize("text", [KEY, f"use {KEY} please", "[secret-removed:AWS-key]"])
def test_what_looks_like_a_token_is_refused_in_every_type_by_its_kind_alone(kind: InputType, text: str) -> None:
    inputs, problems = read_inputs((spec(kind),), {"x": text})

    assert inputs == {}
    assert problems == (Problem(code="looks_secret", facts={"name": "x", "kind": "AWS key"}),)


@pytest.mark.parametrize("given", [{"X": KEY}, {"nothing-like-it": KEY}, {KEY: "1"}, {"x": KEY, "X": KEY}, {"x": KEY, "y": "1"}])
@pytest.mark.parametrize("kind", [InputType.TEXT, InputType.INTEGER])
def test_a_token_is_repeated_under_no_name(given: dict[str, str], kind: InputType) -> None:
    inputs, problems = read_inputs((spec(kind, required=True),), given)

    assert "looks_secret" in {problem.code for problem in problems}
    assert KEY not in f"{inputs} {problems}"


def test_a_command_with_a_token_in_it_is_not_offered_again_in_other_words() -> None:
    typed = LaunchText(connection="billing", workflow="396", inputs=(("X", KEY), ("y", "1")))
    _, problems = read_inputs((spec(), spec(name="yes")), dict(typed.inputs))

    assert correct_command(typed, problems) == ""


def test_a_secret_that_is_typed_where_its_name_belongs_is_not_repeated() -> None:
    _, problems = read_inputs(with_secrets([spec(InputType.SECRET)], ["portal-login"]), {"x": KEY})

    assert [problem.code for problem in problems] == ["bad_input"]
    assert KEY not in str(problems)


@pytest.mark.parametrize("default", [{"a": [1, Decimal("1.5"), None, True]}, [1, "a"], 7, False])
def test_a_default_of_json_that_was_never_text_is_taken_as_it_is(default: Any) -> None:
    assert read_default(InputSpec(name="filter", type=InputType.JSON, default=default)) == default


@pytest.mark.parametrize(
    ("default", "many"),
    [
        (Decimal("Infinity"), False),
        ([Decimal("NaN")], False),
        ({"a": 10**40}, False),
        ({1: "a"}, False),
        (1.5, False),
        ({"a": 1}, True),
    ],
)
def test_a_default_that_json_does_not_know_is_as_good_as_none(default: Any, many: bool) -> None:
    spec = InputSpec(name="filter", type=InputType.JSON, default=default, many=many)

    assert isinstance(read_default(spec), Problem)
    assert not is_valid_default(spec)
