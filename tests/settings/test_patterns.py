from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.input_rules import LONGEST_MATCHED
from bot.settings.patterns import slowness
from tests.settings.world import changed, only_problem

SLOW = [
    "(a+)+", "(a*)*", "([a-z]+)*", "(a|a)*", "(a|ab)*", r"(\w+\s?)*", r"(.*,)*x", r"([a-zA-Z0-9]+\.?)+@x", "((ab)+)+", "(?:a+){12,}",
    "(?P<n>x+x+)+y", "(a?){30}", r"(\d|\w)*", r"^(([a-z])+.)+[A-Z]([a-z])+$", "(a|b?)*", "(a{1,5})*", "(|a)*",
    "(a+){3}", r".+@.+\..+", ".*a.*b.*c", r"\d+\d+\d+x", "a*a*a*b", r"\s*\w*\s*\w*\w*x",
]  # fmt: skip
QUICK = [
    "", "abc", "[a-z]+", ".*", ".*foo.*", "(foo|bar)", "(foo|bar)+", "(a|b)*", "[A-Z]{2}[0-9]{6}", r"\d{4}-\d{2}-\d{2}", "(ab)+",
    r"[a-z]+(-[a-z]+)*", r"([a-z]+,)*[a-z]+", r"\d{1,3}(\.\d{1,3}){3}", r"[^@\s]+@[^@\s]+", r"INV-[0-9]+(/[0-9]+)?", "(?i)yes|no",
    r"\s*[a-z]+\s*=\s*[0-9]+\s*", "(a+)?b", "(?:x{3})*", r"[]a]+", r"[^]a]+", r"\(.*\)", "a{,3}", "a{", "x{}", "é+", "(?#note)a+",
]  # fmt: skip


@pytest.mark.parametrize("pattern", SLOW)
def test_a_pattern_that_can_take_for_ever_is_refused(pattern: str) -> None:
    assert re.compile(pattern)
    assert "can take for ever" in (slowness(pattern) or "")


@pytest.mark.parametrize("pattern", QUICK)
def test_a_pattern_as_people_write_them_is_taken(pattern: str) -> None:
    assert re.compile(pattern)
    assert slowness(pattern) is None


@pytest.mark.parametrize("pattern", [*QUICK])
@pytest.mark.parametrize("unit", ["a", "ab", "a-", "1.", " ", "foo", "foobar", "x", "@", "é", "=a"])
def test_a_pattern_that_is_taken_is_quick_on_the_longest_values(pattern: str, unit: str) -> None:
    text = (unit * LONGEST_MATCHED)[: LONGEST_MATCHED - 1]
    began = time.perf_counter()
    re.fullmatch(pattern, text + "!")
    re.fullmatch(pattern, text)

    assert time.perf_counter() - began < 0.5


patterns = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\d", "-"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}"])).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=6,
)


@given(patterns, st.text("ab-1", min_size=1, max_size=3))
def test_whatever_is_taken_is_quick(pattern: str, unit: str) -> None:
    assume(slowness(pattern) is None)
    began = time.perf_counter()
    re.fullmatch(pattern, (unit * 300)[:300] + "!")

    assert time.perf_counter() - began < 1


@given(st.text("ab()[]{}|*+?\\^$.,12<>=!:P#-", max_size=12))
def test_no_pattern_that_python_understands_breaks_the_reader(pattern: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError, FutureWarning):
        assume(False)

    assert slowness(pattern) is None or slowness(pattern)


@pytest.mark.parametrize("pattern", ["((((((a{9}){9}){9}){9}){9}){9}){9}", "(" * 80 + "a" + "){10}" * 80, "ab" * 200])
def test_a_pattern_that_stands_for_very_much_is_refused_at_once(pattern: str) -> None:
    began = time.perf_counter()

    assert "write it shorter" in (slowness(pattern) or "")
    assert time.perf_counter() - began < 1


def test_a_slow_pattern_of_a_rule_is_named_in_its_line(tmp_path: Path) -> None:
    text = changed("        workflows: [396", "        inputs: {accountId: {pattern: '(a+)+'}}\n        workflows: [396")

    assert "inputs.accountId.pattern: repeats what itself repeats" in only_problem(tmp_path, text)
