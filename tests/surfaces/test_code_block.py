"""Blocks of code: literal, with their lines, and never cut in silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.slack.blocks import block_problems
from bot.surfaces.code_block import MOST_LINE, say_code, stacked
from bot.surfaces.escaping import size
from bot.surfaces.say import Say, compose
from tests.block_limits import assert_harmless, assert_within_limits, shown


def test_lines_and_spaces_are_kept() -> None:
    say = say_code("a:\n  - b_c\n    *d", most=4000)

    assert shown(say) == "a:\n  - b_c\n    *d"
    assert say.text.split("\n")[:2] == ["a:", "  - b_c"]
    assert block_problems(list(say.blocks), "message") == []


def test_what_does_not_fit_is_counted() -> None:
    say = say_code("\n".join(f"line {number}" for number in range(100)), most=200)

    assert size(say.text) <= 200
    assert say.text.split("\n")[-1].startswith("… ")
    kept = len(say.text.split("\n")) - 1
    assert f"… {100 - kept} more lines are not shown" in shown(say)


def test_a_long_line_ends_visibly() -> None:
    say = say_code("x" * 5000, most=4000)

    assert say.text == f"{'x' * (MOST_LINE - 1)}…"


@pytest.mark.parametrize("text", ["", "\n\n", "<!channel> *b*\n`c`", "\u202e\0\n\u2028x", "🙂" * 3000, "&\n" * 3000])
def test_whatever_stands_in_it_is_literal(text: str) -> None:
    say = stacked(compose(("Look:",)), say_code(text, most=3000))

    assert_within_limits(say)
    assert_harmless(say)


@given(st.text(max_size=3000), st.integers(100, 3000))
def test_it_is_never_longer_than_it_may_be(text: str, most: int) -> None:
    say = say_code(text, most=most)

    assert size(say.text) <= most
    assert size(shown(say)) <= most


def test_stacked_messages_stand_below_each_other() -> None:
    one, other = Say(text="a", blocks=({"type": "divider"},)), Say(text="b", blocks=({"type": "header"},))

    assert stacked(one, other) == Say(text="a\nb", blocks=({"type": "divider"}, {"type": "header"}))
