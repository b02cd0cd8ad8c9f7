"""docs/reliability.md agrees with the code, and with the table that the bot is driven through."""

from __future__ import annotations

from bot.domain.model import State
from tests.journeys.fault_table import KNOWN_FAULTS, rows
from tests.reliability_parts import DOCUMENT, PARTS, VERBS, rewritten


def document() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


def test_every_made_part_is_up_to_date() -> None:
    """`uv run python -m tests.reliability_parts` writes them anew."""
    text = document()

    assert [part for part in PARTS if f"<!-- part: {part} -->" not in text] == []
    assert rewritten(text) == text


def test_every_verb_of_the_table_is_told() -> None:
    assert {row.verb for row in rows()} == set(VERBS)


def test_every_known_fault_is_one_of_some_row() -> None:
    assert {row.known_fault for row in rows()} - {None} == set(KNOWN_FAULTS)


def test_states_are_spelt_as_people_read_them() -> None:
    words = {word for row in rows() for word in row.expected.words} - {"Cancel asked", "Not cancelled"}

    assert words <= {state.word for state in State}
