"""YAML as plain values with their lines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.settings.document import Document, entries, parse


def faults(text: str) -> list[tuple[int, str]]:
    return [(fault.line or document_line(text, fault.place), fault.text) for fault in parse(text).faults]


def document_line(text: str, place: Any) -> int:
    return parse(text).line(place)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("012", "012"),
        ("0x1F", "0x1F"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("+5", "+5"),
        ("9" * 31, "9" * 31),
        ("1.0", Decimal("1.0")),
        ("10.50", Decimal("10.50")),
        ("-0.1", Decimal("-0.1")),
        ("1.5e+3", Decimal("1.5e+3")),
        (".inf", ".inf"),
        ("-.INF", "-.INF"),
        (".nan", ".nan"),
        ("1:30.5", "1:30.5"),
        ("0.0.1", "0.0.1"),
        ("2026-11-30", "2026-11-30"),
        ("2026-11-30T18:00:00Z", "2026-11-30T18:00:00Z"),
        ("yes", True),
        ("Off", False),
        ("TRUE", True),
        ("y", "y"),
        ("~", None),
        ("null", None),
        ("", None),
        ("'12'", "12"),
        ('"yes"', "yes"),
        ("=", "="),
        ("!!str 12", "12"),
        ("!!int twelve", "twelve"),
        ("!!bool maybe", None),
        ("[]", []),
        ("{}", {}),
    ],
)
def test_a_value_is_a_number_only_where_everybody_would_read_one(written: str, value: Any) -> None:
    read = parse(f"key: {written}").value["key"]

    assert (read, type(read)) == (value, type(value))


def test_every_value_knows_its_line() -> None:
    document = parse("a: 1\nb:\n  - x\n  - y: {c: 2,\n        d: 3}\n")

    assert [document.line(place) for place in [("a",), ("b",), ("b", 0), ("b", 1), ("b", 1, "y", "c"), ("b", 1, "y", "d")]] == [
        1,
        2,
        3,
        4,
        4,
        5,
    ]


def test_a_place_that_is_not_there_has_the_line_of_the_nearest_around_it() -> None:
    document = parse("\na:\n  b: 1\n")

    assert document.line(("a", "c", 3)) == 2
    assert document.line(("z",)) == 2
    assert Document().line(("z",)) == 1


def test_values_are_found_by_place_as_they_are_written() -> None:
    document = parse("a: [1, {b: '${X}'}]")

    assert document.at(("a", 1, "b")) == "${X}"
    assert [document.at(place) for place in [("z",), ("a", 7), ("a", "b"), ("a", 0, "c")]] == [None] * 4


def test_the_first_of_two_keys_stands() -> None:
    document = parse("a: 1\nb: 2\na: 3\n")

    assert document.value == {"a": 1, "b": 2}
    assert [(fault.place, fault.line) for fault in document.faults] == [(("a",), 3)]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\n\tb: 2\n", 2, "a tab"),
        ("a: @x\n", 1, "a character that cannot begin a value"),
        ("a: *x\n", 1, "begins with *"),
        ("a: &\n", 1, "begins with &"),
        ("a: * b\n", 1, "begins with *"),
        ("a: !<x y\n", 1, "begins with !"),
        ("a: !q!x y\n", 1, "begins with !"),
        ("a: !!python/object:os.system x\n", 1, "begins with !"),
        ("a: !!binary aGk=\n", 1, "begins with !"),
        ("a: !!set {x, y}\n", 1, "begins with !"),
        ("a: b: c\n", 1, "a second colon"),
        ("a: 1\nb\nc: 2\n", 2, "no colon after this key"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ('a: "x\nb: 2\n', 1, "quotes that are never closed"),
        ("a: [1, 2\nb: 3\n", 2, "a bracket that is not closed"),
        ("a: [1 2}\n", 1, "a bracket that is not closed"),
        ("a: {b: ${X}}\n", 1, "a ${…} within brackets that is not in quotes"),
        ("a:\n  - 1\n - 2\n", 3, "a wrong indentation"),
        ('a: "\\q"\n', 1, "a backslash"),
        ('a: "\\UFFFFFFFF"\n', 1, "a character that is none"),
        ('a: 1\nb: "\\ud800"\n', 2, "half a character"),
        ('a: 1\n"\\ud800": 2\n', 2, "a key that is no plain text"),
        ("? [a]\n: b\n", 1, "a key that is no plain text"),
        ("a: 1\nb: {<<: {c: 1}}\n", 2, "<< is not understood"),
        ("a: 1\nb: \x00\n", 2, "a control character"),
        ("[" * 5_000, 1, "brackets within brackets without end"),
        ("[" * 45 + "]" * 45, 1, "too many values, or too deep"),
        ("a: &a [*a]\n", 1, "too many values, or too deep"),
        ("x" * 1_000_001, 1, "more than 1,000,000 characters"),
    ],
)
def test_what_is_no_yaml_for_us_is_named_with_its_line(text: str, line: int, says: str) -> None:
    found = faults(text)

    assert [number for number, sentence in found if says in sentence] == [line], found


def test_a_short_text_cannot_mean_endless_values() -> None:
    bombs = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    bombs += [f"a{index}: &a{index} [{', '.join([f'*a{index - 1}'] * 10)}]" for index in range(1, 9)]

    assert [text for _, text in faults("\n".join(bombs))] == ["not readable as YAML: too many values, or too deep"]


@pytest.mark.parametrize(
    "text",
    ["k: *sentinel7", "k: !sentinel7 x", "k: &sentinel7 &sentinel7 x", "k: !sentinel7!x y", "k: @sentinel7", "k: `sentinel7"],
)
def test_a_sentence_about_yaml_never_quotes_it(text: str) -> None:
    found = faults(text)

    assert found
    assert not any("sentinel7" in sentence for _, sentence in found)


def test_a_fault_does_not_hide_the_values_around_it() -> None:
    assert parse("a: !x 1\nb: 2\n").value == {"a": None, "b": 2}


def test_entries_are_those_of_mappings_and_lists_only() -> None:
    assert (entries({"a": 1}), entries(["b"]), entries("text"), entries(None)) == ([("a", 1)], [(0, "b")], [], [])


@given(st.text(max_size=300))
def test_no_text_makes_the_parser_fail(text: str) -> None:
    assert isinstance(parse(text), Document)


@given(st.text(alphabet=list("abc:-[]{}&*!|>'\"%@`#,?\n\t \\0x19.~<=$"), max_size=120))
def test_no_text_of_yaml_signs_makes_the_parser_fail(text: str) -> None:
    document = parse(text)

    assert all(fault.text for fault in document.faults)
