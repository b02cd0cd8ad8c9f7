from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.model import SecretName
from bot.surfaces.escaping import MOST_TEXT, Mention, Quoted, as_text
from bot.surfaces.say import Bullets, compose, show_value
from tests.block_limits import assert_harmless, assert_within_limits, shown, units

PARAGRAPHS = st.lists(
    st.one_of(
        st.lists(st.text(max_size=3000), min_size=1, max_size=3).map(tuple),
        st.builds(Bullets, lines=st.lists(st.tuples(st.text(max_size=2000)), max_size=30).map(tuple), is_marked=st.booleans()),
    ),
    min_size=1,
    max_size=6,
)


@given(paragraphs=PARAGRAPHS, most=st.integers(min_value=200, max_value=4000))
def test_a_message_never_passes_its_limit(paragraphs: list[Any], most: int) -> None:
    assert units(compose(*paragraphs, most=most).text) <= most


@given(paragraphs=PARAGRAPHS, spare=st.integers(min_value=0, max_value=50))
def test_a_message_that_just_fits_is_not_cut(paragraphs: list[Any], spare: int) -> None:
    """Each line costs three more than its text: a mark, a space and a line break."""
    told = [
        (as_text(line, 10**6), "• " if isinstance(each, Bullets) and each.is_marked else "")
        for each in paragraphs
        for line in (each.lines if isinstance(each, Bullets) else (each,))
    ]
    most = sum(units(text) + 3 for text, _ in told)
    assume(most <= MOST_TEXT)

    say = compose(*paragraphs, most=most + spare)

    assert say.text == "\n".join(f"{mark}{text}" for text, mark in told)


def test_short_paragraphs_stay_whole_beside_a_long_one() -> None:
    say = compose(("x" * 10_000,), ("Run 55.",), Bullets(lines=(("a = 1",), ("b = 2",))))

    assert say.text.endswith("…\nRun 55.\n• a = 1\n• b = 2")
    assert_within_limits(say)


def test_lines_without_marks_stand_below_each_other() -> None:
    say = compose(Bullets(lines=(("one",), ("two",)), is_marked=False))

    assert say.text == "one\ntwo"
    assert shown(say) == "one\n\n\ntwo"


# --- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1e5"), "1e5"),
        ([Decimal("1.5E-12")], "[1.5e-12]"),
        (SecretName("EU-portal"), 'secret "EU-portal"'),
        ([SecretName("a")], '[secret "a"]'),
        ([], "[]"),
        ({}, "{}"),
        ({"a": [1, Decimal("2.0"), None, True, "x"]}, '{"a": [1, 2.0, null, true, "x"]}'),
        ([[[[[[["deep"]]]]]]], "[[[[[[…]]]]]]"),
        (list(range(51)), f"[{', '.join(map(str, range(50)))}, …]"),
    ],
)
def test_values_are_shown_as_json_that_people_read(value: Any, expected: str) -> None:
    assert show_value(value) == expected


def test_a_value_nested_beyond_all_measure_is_shown_all_the_same() -> None:
    value: Any = "core"
    for _ in range(5000):
        value = {"in": [value]}

    assert "…" in show_value(value)


@pytest.mark.parametrize("value", ["<!channel>", {"<!here>": ["*x*"]}, ["\u202e"], "\ud800"])
def test_a_shown_value_is_still_untrusted(value: Any) -> None:
    say = compose(("Value: ", Quoted(show_value(value))))

    assert_within_limits(say)
    assert_harmless(say)


@pytest.mark.parametrize("count", [1, 30, 500])
def test_lines_that_do_not_fit_are_named(count: int) -> None:
    lines = tuple(("The input ", Quoted(f"in{number}"), " is " + "very " * 50 + "wrong.") for number in range(count))
    say = compose(("Heading",), Bullets(lines=lines))

    assert_within_limits(say)
    assert say.text.startswith("Heading\n• The input “in0” is very")
    assert (f"more: in{say.text.count('• ') - 1}, " in say.text) == (count > 30)


def test_a_mention_that_does_not_fit_is_left_out_whole() -> None:
    say = compose(("x" * 195, Mention("U0ALICE")), most=200)

    assert "<" not in say.text
    assert units(say.text) <= 200
