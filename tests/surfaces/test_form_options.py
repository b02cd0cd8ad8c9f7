"""Options of selects."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.grants import InputRule
from bot.domain.input_rules import misfits
from bot.domain.input_writing import is_list, written
from bot.domain.inputs import read_value
from bot.domain.model import InputSpec, InputType, Problem
from bot.surfaces.escaping import size
from bot.surfaces.form_options import (
    LEAVE_OUT,
    MOST_CODE,
    Choosable,
    as_choosables,
    code,
    decoded,
    found,
    offered,
    options,
    short_digest,
)

TEXTS = st.text(max_size=200) | st.sampled_from(["#-", "#", " a", "a&b", "<", "\0", "🙂" * 100, ""])


@given(TEXTS, st.lists(TEXTS, max_size=5))
def test_an_option_comes_back_as_what_it_stood_for(value: str, others: list[str]) -> None:
    assert decoded(code(value), [*others, value]) == value
    assert 0 < size(code(value)) <= MOST_CODE
    assert code(value) != LEAVE_OUT


@given(st.lists(TEXTS, unique=True, max_size=20))
def test_no_two_options_have_one_code_or_read_the_same(values: list[str]) -> None:
    drawn = options(as_choosables(values))

    assert len({one["value"] for one in drawn}) == len(values)
    assert len({one["text"]["text"] for one in drawn}) == len(values)


def test_an_option_that_is_named_like_the_code_of_another_is_not_taken_for_it() -> None:
    long = "x" * 300

    assert decoded(code(code(long)), [long, code(long)]) == code(long)
    assert decoded(code(long), [code(long), long]) == long


def test_leaving_out_is_no_value() -> None:
    assert decoded(LEAVE_OUT, ["#-"]) == ""


def test_options_that_begin_alike_are_told_apart() -> None:
    drawn = options(as_choosables(["y" * 100 + "1", "y" * 100 + "2"]))

    assert [one["text"]["text"] for one in drawn] == ["y" * 74 + "…", "y" * 70 + "… (2)"]


def test_a_search_finds_any_part_of_text_note_or_value_and_what_begins_with_it_first() -> None:
    offers = (
        Choosable(value="1", text="Monthly dunning", note="396"),
        Choosable(value="2", text="Dunning run"),
        Choosable(value="dun-3", text="Other"),
    )

    assert [one["value"] for one in found(offers, "DUN")] == ["2", "1", "dun-3"]
    assert [one["value"] for one in found(offers, "dunning monthly")] == ["1"]
    assert [one["value"] for one in found(offers, "39")] == ["1"]
    assert len(found(as_choosables(map(str, range(10_000))), "")) == 100


@given(
    st.builds(InputSpec, name=st.just("x"), type=st.sampled_from(list(InputType)), options=st.lists(TEXTS).map(tuple)),
    st.builds(InputRule, one_of=st.none() | st.lists(st.integers() | TEXTS | st.booleans(), max_size=3).map(tuple)),
)
def test_whatever_is_offered_is_taken_and_allowed(spec: InputSpec, rule: InputRule) -> None:
    read = {text: read_value(spec, written(spec, [text]) if is_list(spec) else text) for text in offered(spec, rule)}

    assert not [text for text, values in read.items() if isinstance(values, Problem)]
    assert not [text for text, values in read.items() if misfits("x", rule, values)] or spec.type is InputType.BOOLEAN


def test_a_digest_counts_each_part_apart() -> None:
    assert short_digest("a", "bc") != short_digest("ab", "c") != short_digest("abc")
