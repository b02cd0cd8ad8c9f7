from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.inputs import (
    MOST_ITEMS,
    describe_type,
    example_value,
    is_left_out,
    is_valid_default,
    read_default,
    read_inputs,
    read_value,
)
from bot.domain.model import InputSpec, InputType, Problem
from bot.domain.spelling import closest, hidden_characters, name_character
from bot.domain.values import MOST_DECIMAL, MOST_DIGITS, MOST_TEXT, MOST_WHOLE

TYPES = list(InputType)
WITH_OPTIONS = {InputType.CHOICE, InputType.MULTI_CHOICE}


def spec(kind: InputType = InputType.TEXT, **changes: Any) -> InputSpec:
    options = ("red", "green", "dark blue") if kind in WITH_OPTIONS else ()
    return InputSpec(**({"name": "x", "type": kind, "options": options} | changes))


def refused(found: Any) -> Problem:
    assert isinstance(found, Problem), found
    assert found.code == "bad_input"
    return found


# --- single values -----------------------------------------------------------------------------------------------------

REFUSED = {
    InputType.TEXT: ["two\nlines", "cr\rcr", "x" * (MOST_TEXT + 1)],
    InputType.LONG_TEXT: ["x" * (MOST_TEXT + 1)],
    InputType.INTEGER: [
        "3.7", "1e3", "0x10", "٣", "5,0", "1_000", "1 000", "--1", "+", "abc", "½", "²", "5\n", "\t5", "NaN", "true",
        str(2**53), str(-(2**53)), "9" * 41,
    ],
    InputType.DECIMAL: [
        "5,0", "1,000.5", "٣.5", "0x10", "1_0", "1.", ".", "1.2.3", "NaN", "nan", "Infinity", "-inf", "1e309", "-1e309",
        "1e-400", "1e99999", "1e", "e5", "1e5.5", "1" * 31, "0." + "1" * 31, "--1", "1 2", "5\n", "abc",
    ],
    InputType.BOOLEAN: ["maybe", "ja", "2", "-1", "yes!", "tru", "wahr", "1.0", "yes no"],
    InputType.DATE: ["2026-02-30", "2026-13-01", "0000-01-01", "2026-2-3", "21.11.2026", "11/21/2026", "20261121", "2026-W47-6",
                     "2026-11-21T10:00Z", "today", "٢٠٢٦-11-21"],
    InputType.DATETIME: [
        "2026-11-21T10:00", "2026-11-21 10:00:00", "2026-11-21", "2026-11-21T25:00Z", "2026-02-30T10:00Z", "10:00Z",
        "2026-11-21T10:00+25:00", "2026-11-21T10:00:60Z", "0001-01-01T00:00+01:00", "9999-12-31T23:59-01:00", "1763716200",
        "2026-11-21T10:00 Europe/Paris", "2026-11-21T10:00ZZ", "tomorrow",
    ],
    InputType.CHOICE: ["Red", "blue", "red,green"],
    InputType.MULTI_CHOICE: ["red,blue", "red,,green", ",red", "RED", '"red'],
    InputType.EMAIL: [
        "ada", "ada@", "@example.com", "ada@example", "ada@@example.com", "a b@example.com", "ada@exa mple.com", "ada@-x.com",
        "ada@example..com", "Ada <ada@example.com>", "a@b.c,d@e.f", "a" * 65 + "@example.com", "ada@" + "x." * 130 + "com",
    ],
    InputType.URL: [
        "example.com", "ftp://example.com/", "javascript:alert(1)", "https://", "https:///x", "http://[::1", "https://x y/",
        "https://example.com:99999/", "https://user:secret@example.com/", "HTTPS", "https://example.com/<x>", "//example.com",
        "https://example.com/" + "x" * MOST_TEXT,
    ],
    InputType.JSON: [
        "{", "{'a': 1}", "NaN", "[Infinity]", "-Infinity", '{"a": 1, "a": 2}', "[1e400]", "[" * 30 + "]" * 30, "[" * 3000,
        '"\\u0000"', '"\\ud800"', '{"\\u202e": 1}', "[9007199254740993]", "undefined", "[1,]", "1 2", "0." + "3" * 31,
    ],
    InputType.SECRET: ["two words", "p@ss!", "x" * 101],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in REFUSED.items() for text in texts])
def test_what_does_not_fit_is_refused_and_never_bent(kind: InputType, text: str) -> None:
    problem = refused(read_value(spec(kind), text))

    assert problem.facts["name"] == "x"
    assert problem.facts["type"] == kind.value
    assert problem.facts["expected"]
    assert problem.facts["typed"] in {text, "", *(part.strip() for part in text.split(","))}, "what was typed is told as it was"


def test_every_type_has_refusals() -> None:
    assert set(REFUSED) == set(TYPES)


ACCEPTED: list[tuple[InputType, str, Any]] = [
    (InputType.TEXT, " as it is\t", " as it is\t"),
    (InputType.TEXT, "شكرا 👩\u200d👩\u200d👧", "شكرا 👩\u200d👩\u200d👧"),
    (InputType.LONG_TEXT, "two\nlines", "two\nlines"),
    (InputType.INTEGER, "12", 12),
    (InputType.INTEGER, " 5 ", 5),
    (InputType.INTEGER, "-0", 0),
    (InputType.INTEGER, "+7", 7),
    (InputType.INTEGER, str(MOST_WHOLE), MOST_WHOLE),
    (InputType.INTEGER, str(-MOST_WHOLE), -MOST_WHOLE),
    (InputType.DECIMAL, "12", Decimal(12)),
    (InputType.DECIMAL, " -3.50 ", Decimal("-3.50")),
    (InputType.DECIMAL, ".5", Decimal("0.5")),
    (InputType.DECIMAL, "1.5e3", Decimal("1.5E+3")),
    (InputType.DECIMAL, "1E-300", Decimal("1E-300")),
    (InputType.DECIMAL, "0e9999", Decimal("0E+9999")),
    (InputType.BOOLEAN, "TRUE", True),
    (InputType.BOOLEAN, "y", True),
    (InputType.BOOLEAN, " On ", True),
    (InputType.BOOLEAN, "1", True),
    (InputType.BOOLEAN, "No", False),
    (InputType.BOOLEAN, "off", False),
    (InputType.BOOLEAN, "0", False),
    (InputType.DATE, " 2024-02-29 ", "2024-02-29"),
    (InputType.DATETIME, "2026-11-21T09:30Z", "2026-11-21T09:30:00Z"),
    (InputType.DATETIME, "2026-11-21 09:30:05+01:00", "2026-11-21T08:30:05Z"),
    (InputType.DATETIME, "2026-11-21t23:30:00.5-0130", "2026-11-22T01:00:00.500000Z"),
    (InputType.DATETIME, "2026-11-21T09:30z", "2026-11-21T09:30:00Z"),
    (InputType.DATETIME, "2026-11-21T09:30+01", "2026-11-21T08:30:00Z"),
    (InputType.CHOICE, "dark blue", "dark blue"),
    (InputType.MULTI_CHOICE, "green, dark blue", ["green", "dark blue"]),
    (InputType.EMAIL, " ada.l+x@sub.example.com ", "ada.l+x@sub.example.com"),
    (InputType.EMAIL, "ada@müller.example", "ada@müller.example"),
    (InputType.URL, "https://example.com:8443/a?b=c&d=%20#e", "https://example.com:8443/a?b=c&d=%20#e"),
    (InputType.URL, "http://127.0.0.1/", "http://127.0.0.1/"),
    (InputType.JSON, '{"a": [1, 2.50, true, null, "x\\n"]}', {"a": [1, Decimal("2.50"), True, None, "x\n"]}),
    (InputType.JSON, "5", 5),
    (InputType.JSON, "null", None),
    (InputType.SECRET, "sap-password_2", "sap-password_2"),
]


@pytest.mark.parametrize(("kind", "text", "expected"), ACCEPTED)
def test_what_fits_is_read_as_its_type(kind: InputType, text: str, expected: Any) -> None:
    found = read_value(spec(kind), text)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("text", ["1.10", "0.1", "100.00", "-0.000", "123456789012345678901234567.890"])
def test_a_decimal_keeps_its_digits(text: str) -> None:
    assert str(read_value(spec(InputType.DECIMAL), text)) == text
    assert str(read_value(spec(InputType.JSON), f"[{text}]")[0]) == text


@given(number=st.decimals(allow_nan=False, allow_infinity=False))
def test_every_decimal_is_read_exactly_or_refused(number: Decimal) -> None:
    found = read_value(spec(InputType.DECIMAL), str(number))

    if isinstance(found, Problem):
        size = number.copy_abs()
        assert len(number.as_tuple().digits) > MOST_DIGITS or size > MOST_DECIMAL or size < Decimal("5E-324")
    else:
        assert found.as_tuple() == number.as_tuple()


@given(number=st.integers())
@example(number=2**53)
def test_every_whole_number_is_read_exactly_or_refused(number: int) -> None:
    found = read_value(spec(InputType.INTEGER), str(number))

    assert isinstance(found, Problem) == (abs(number) > MOST_WHOLE)
    assert isinstance(found, Problem) or found == number


@given(moment=st.datetimes(timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))))
def test_every_time_with_a_zone_becomes_the_same_time_in_utc(moment: datetime) -> None:
    found = read_value(spec(InputType.DATETIME), moment.isoformat())

    if not isinstance(found, Problem):
        assert found.endswith("Z")
        assert datetime.fromisoformat(found) == moment
    else:
        assert moment.year in {1, 9999}


@given(day=st.dates())
def test_every_date_is_read_as_itself(day: date) -> None:
    assert read_value(spec(InputType.DATE), day.isoformat()) == day.isoformat()


PLAIN = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=10)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-MOST_WHOLE, MOST_WHOLE), PLAIN),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(PLAIN, inner, max_size=4)),
    max_leaves=10,
)


@given(value=JSON)
def test_json_comes_back_as_it_was(value: Any) -> None:
    assert read_value(spec(InputType.JSON), json.dumps(value)) == value
    assert read_value(spec(InputType.JSON), json.dumps(value, ensure_ascii=False)) == value


@given(kind=st.sampled_from(TYPES), many=st.booleans(), text=st.text(max_size=60))
@example(kind=InputType.JSON, many=False, text='{"a":' * 900)
@example(kind=InputType.JSON, many=False, text="1e999999999999999999999")
@example(kind=InputType.JSON, many=False, text="9" * 5000)
@example(kind=InputType.DECIMAL, many=False, text="1e9999")
def test_nothing_that_can_be_typed_raises(kind: InputType, many: bool, text: str) -> None:
    found = read_value(spec(kind, many=many), text)

    assert not isinstance(found, Problem) or found.code == "bad_input"


@pytest.mark.parametrize("char", ["\0", "\u202e", "\u200b", "\ud800", "\x1b"])
@pytest.mark.parametrize("kind", TYPES)
def test_an_invisible_character_is_refused_in_every_type(kind: InputType, char: str) -> None:
    problem = refused(read_value(spec(kind), f"a{char}b"))

    assert name_character(char) in problem.facts["expected"]


def test_a_time_without_a_zone_is_told_which_form_has_one() -> None:
    problem = refused(read_value(spec(InputType.DATETIME), "2026-11-21 10:00"))

    assert "2026-11-21T10:00:00Z" in problem.facts["expected"]
    assert "2026-11-21T10:00:00+01:00" in problem.facts["expected"]


def test_a_wrong_option_is_told_the_nearest_one_and_all_of_them() -> None:
    problem = refused(read_value(spec(InputType.CHOICE), "darkblue"))

    assert problem.facts["closest"] == "dark blue"
    assert problem.facts["known"] == "red, green, dark blue"


def test_a_choice_without_known_options_takes_one_line() -> None:
    free = spec(InputType.CHOICE, options=())

    assert read_value(free, "anything") == "anything"
    refused(read_value(free, "two\nlines"))


@pytest.mark.parametrize("typed", ["hunter2!", "two words", "a\u202eb"])
def test_what_was_typed_as_a_secret_is_never_repeated(typed: str) -> None:
    assert typed not in str(refused(read_value(spec(InputType.SECRET), typed)))


def test_a_password_in_an_address_is_never_repeated() -> None:
    assert "hunter2" not in str(refused(read_value(spec(InputType.URL), "https://ada:hunter2@example.com/")))


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
        ("missing_input", "accountId"),
        ("bad_input", "maxAmount"),
    ]
    assert problems[0].facts["closest"] == "accountId"
    assert problems[0].facts["known"] == "accountId, maxAmount"
    assert problems[1].facts["closest"] == ""


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


def test_spaces_alone_are_a_value_only_where_text_is_wanted() -> None:
    assert read_inputs((spec(),), {"x": " "}) == ({"x": " "}, ())
    assert read_inputs((spec(InputType.INTEGER),), {"x": "  "}) == ({}, ())


def test_a_default_fills_what_was_not_given_and_only_that() -> None:
    specs = (
        spec(InputType.DECIMAL, name="a", default="1.50", required=True),
        spec(InputType.INTEGER, name="b", default=7),
        spec(InputType.BOOLEAN, name="c", default=False),
    )

    assert read_inputs(specs, {"b": "8", "c": ""}) == ({"a": Decimal("1.50"), "b": 8, "c": False}, ())


def test_a_default_that_does_not_fit_is_as_good_as_none() -> None:
    broken = spec(InputType.INTEGER, default="soon", required=True)

    assert not is_valid_default(broken)
    assert [problem.code for problem in read_inputs((broken,), {})[1]] == ["missing_input"]
    assert read_inputs((spec(InputType.INTEGER, default="soon"),), {}) == ({}, ())


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
@pytest.mark.parametrize("many", [False, True])
def test_every_type_has_words_and_an_example_that_it_takes(kind: InputType, many: bool) -> None:
    shown = spec(kind, many=many)

    assert describe_type(kind)
    assert not is_left_out(shown, example_value(shown))
    assert not isinstance(read_value(shown, example_value(shown)), Problem)


# --- spelling ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "known", "expected"),
    [
        ("bilng", ["billing", "crm"], "billing"),
        ("BILLING", ["billing", "crm"], "billing"),
        ("dunning", ["Dunning run", "Refund"], "Dunning run"),
        ("xyz", ["billing", "crm"], None),
        ("397", ["396", "398"], None),
        ("", ["billing"], None),
        ("billing", [], None),
        ("b" * 10_000, ["billing"], None),
    ],
)
def test_the_nearest_word_is_offered_but_never_the_neighbour_of_a_number(
    typed: str, known: list[str], expected: str | None
) -> None:
    assert closest(typed, known) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "tab\tand\nline",
        "👩\u200d👩\u200d👧",
        "❤️",
        "نص",
        "مي\u200cخواهم",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
)
def test_what_can_be_seen_or_joins_is_not_hidden(text: str) -> None:
    assert hidden_characters(text) == ()


def test_hidden_characters_are_told_once_each_and_in_order() -> None:
    assert hidden_characters("\u202ea\0b\u202e\U000e0041") == ("\u202e", "\0", "\U000e0041")
