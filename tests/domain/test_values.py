from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.inputs import read_value
from bot.domain.model import InputSpec, InputType, Problem, SecretName
from bot.domain.spelling import name_character
from bot.domain.values import MOST_DECIMAL, MOST_DIGITS, MOST_TEXT, MOST_WHOLE, READERS

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
    (InputType.SECRET, " sap-password_2 ", SecretName("sap-password_2")),
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


@pytest.mark.parametrize("typed", ["hunter2!", "two words", "a\u202eb", "sap-passwort_2"])
@pytest.mark.parametrize("options", [(), ("sap-password_2",)])
def test_what_was_typed_as_a_secret_is_never_repeated(typed: str, options: tuple[str, ...]) -> None:
    assert typed not in str(refused(read_value(spec(InputType.SECRET, options=options), typed)))


def test_a_wrong_name_of_a_secret_is_told_with_the_right_ones() -> None:
    facts = refused(read_value(spec(InputType.SECRET, options=("portal-login", "sap")), "portal_login")).facts

    assert facts["closest"] == "portal-login"
    assert facts["known"] == "portal-login, sap"


def test_a_connection_without_secrets_takes_no_name_at_all() -> None:
    assert "no secrets are configured" in refused(read_value(spec(InputType.SECRET, options=()), "name")).facts["expected"]


def test_a_password_in_an_address_is_never_repeated() -> None:
    assert "hunter2" not in str(refused(read_value(spec(InputType.URL), "https://ada:hunter2@example.com/")))


def test_every_type_has_a_reader() -> None:
    assert set(READERS) == set(InputType)
