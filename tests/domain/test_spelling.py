from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.spelling import closest, hidden_characters, is_hidden, name_character


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


@given(st.text(st.characters(exclude_characters="\U0001f3f4")))  # a flag takes the tags that follow it for its own
def test_a_text_hides_what_any_of_its_characters_hides(text: str) -> None:
    assert hidden_characters(text) == tuple(dict.fromkeys(filter(is_hidden, text)))


def test_hidden_characters_are_told_once_each_and_in_order() -> None:
    assert hidden_characters("\u202ea\0b\u202e\U000e0041") == ("\u202e", "\0", "\U000e0041")


@given(char=st.characters())
def test_no_control_and_no_half_character_is_ever_shown(char: str) -> None:
    category = unicodedata.category(char)

    assert is_hidden(char) or category not in {"Cs", "Zl", "Zp"}
    assert is_hidden(char) or category != "Cc" or char in "\t\n\r"
    assert not is_hidden(char) or category in {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(char=st.characters())
def test_every_character_has_a_name_that_can_be_looked_up(char: str) -> None:
    assert name_character(char).startswith(f"U+{ord(char):04X} (")


@given(typed=st.text(max_size=20), known=st.lists(st.text(max_size=20), max_size=5))
def test_only_known_words_are_offered(typed: str, known: list[str]) -> None:
    found = closest(typed, known)

    assert found is None or found in known


@given(word=st.permutations("abcdefgh").map("".join), place=st.integers(min_value=0, max_value=7))
def test_a_word_with_one_letter_too_few_is_recognised(word: str, place: int) -> None:
    assert closest(word[:place] + word[place + 1 :], [word, "zzzzzzzzzzzz"]) == word
