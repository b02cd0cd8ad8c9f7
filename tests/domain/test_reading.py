"""Whatever a provider sent: what is no text, number, list or object becomes nothing, and nothing raises."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import reading
from bot.domain.provider import UNREADABLE, Reply
from tests.odd_replies import ANY_JSON

ODD = ANY_JSON | st.just(UNREADABLE) | st.decimals() | st.binary()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("abc", "abc"),
        ("  abc ", "abc"),
        (713, "713"),
        (0, "0"),
        ("", None),
        ("  ", None),
        (None, None),
        (True, None),
        (Decimal("1.5"), None),
        ([], None),
        ({}, None),
        (10**40, None),
        ("a\0b", "a?b"),
        ("a\ud800b", "a?b"),
    ],
)
def test_a_text_is_a_string_that_says_something_or_a_whole_number(value: Any, expected: str | None) -> None:
    assert reading.text(value) == expected


@given(value=ODD)
def test_a_text_can_be_stored_and_sent(value: Any) -> None:
    text = reading.text(value)

    if text is not None:
        assert text.encode()
        assert "\0" not in text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("two\r\n  lines", "two lines"),
        ("<html><body>no</body></html>", None),
        ("x" * 10, "x" * 10),
        ("x" * 11, "x" * 9 + "…"),
        (None, None),
    ],
)
def test_what_people_are_told_is_one_short_line(value: Any, expected: str | None) -> None:
    assert reading.told(value, 10 if value and value.startswith("x") else 500) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        (-5, -5),
        ("5", 5),
        (" -5 ", -5),
        (True, None),
        ("5.0", None),
        ("--5", None),
        ("", None),
        ("-", None),
        ("\uff15", None),
        ("0\x1f", None),
        ("9" * 31, None),
        (Decimal(5), None),
        ([5], None),
    ],
)
def test_a_whole_number_is_one_or_is_written_as_one(value: Any, expected: int | None) -> None:
    assert reading.whole(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2, 2.0),
        (Decimal("1.5"), 1.5),
        ("7", 7.0),
        (0, 0.0),
        (-1, None),
        ("inf", None),
        ("nan", None),
        (Decimal("sNaN"), None),
        ("1e999", None),
        (10**400, None),
        (True, None),
        (None, None),
        ([], None),
        ("soon", None),
    ],
)
def test_a_wait_is_a_number_of_seconds(value: Any, expected: float | None) -> None:
    assert reading.seconds(value) == expected


@pytest.mark.parametrize(("header", "expected"), [("12", 12.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("", None)])
def test_retry_after_is_read_in_seconds_only(header: str, expected: float | None) -> None:
    assert reading.retry_after_s(Reply(status=429, headers={"retry-after": header})) == expected
    assert reading.retry_after_s(Reply(status=429)) is None


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-21T12:00:00Z",
        "2026-11-21T12:00:00.000Z",
        "2026-11-21T12:00:00.000000000Z",
        "2026-11-21T12:00:00+00:00",
        "2026-11-21T15:00:00+03:00",
        "2026-11-21T12:00:00.000+0000",
        "2026-11-21T12:00:00",
        "2026-11-21 12:00:00",
        "2026-11-21 12:00:00 UTC",
        " 2026-11-21T12:00 ",
        1795262400000,
    ],
)
def test_a_moment_is_read_in_the_spellings_of_the_providers(value: Any) -> None:
    assert reading.moment(value) == NOON


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "2026-11-21",
        "20261121",
        "12:00",
        "21.11.2026 12:00:00",
        "0001-01-01T00:00:00+14:00",
        "2026-13-01T00:00:00",
        1795262400,
        "1795262400000",
        10**30,
        True,
        -1,
        Decimal("1.5"),
        [],
        {},
    ],
)
def test_what_is_no_moment_is_none(value: Any) -> None:
    assert reading.moment(value) is None


def test_objects_and_lists_are_what_they_are_and_else_empty() -> None:
    assert reading.mapping({"a": 1}) == {"a": 1}
    assert reading.mapping([1]) == {}
    assert reading.items([1, "a"]) == (1, "a")
    assert reading.items("ab") == ()
    assert reading.rows([{"a": 1}, 2, None, []]) == ({"a": 1},)
    assert reading.rows({"a": 1}) == ()
    assert reading.is_list([])
    assert not reading.is_list(())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("69f0c2d5ade389.22457798", "69f0c2d5ade389.22457798"),
        ("a/b", "a%2Fb"),
        ("a?b#c", "a%3Fb%23c"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("../x", "..%2Fx"),
        ("ü", "%C3%BC"),
        ("\ud800", "%3F"),
    ],
)
def test_a_path_part_leads_nowhere_else(value: str, expected: str) -> None:
    assert reading.path_part(value) == expected


@pytest.mark.parametrize(
    ("status", "is_success", "is_refusal"),
    [
        (199, False, False),
        (200, True, False),
        (299, True, False),
        (302, False, False),
        (400, False, True),
        (408, False, False),
        (429, False, True),
        (499, False, True),
        (500, False, False),
    ],
)
def test_only_a_4xx_refuses_and_a_timeout_does_not(status: int, is_success: bool, is_refusal: bool) -> None:
    reply = Reply(status=status)

    assert (reading.is_success(reply), reading.is_refusal(reply)) == (is_success, is_refusal)


@given(value=ODD)
def test_nothing_raises(value: Any) -> None:
    for read in (reading.text, reading.told, reading.whole, reading.seconds, reading.mapping, reading.items, reading.rows):
        read(value)
    moment = reading.moment(value)

    assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize("body", ["", "{", "NaN", "[" * 100_000, "1e9999999999999999999", "9" * 5000, "\ufeff{}"])
def test_a_body_that_is_no_json_is_unreadable(body: str) -> None:
    assert Reply(status=200, body=body).json() is UNREADABLE
    assert Reply(status=200, body=body).object() == {}


def test_numbers_keep_their_digits() -> None:
    assert Reply(status=200, body=json.dumps({"a": 1}).replace("1", "1.10")).json() == {"a": Decimal("1.10")}
