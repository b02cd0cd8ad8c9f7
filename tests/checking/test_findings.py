"""Findings for people and programs: nothing cut, nothing read as markup, a steady JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from bot.checking import Checked, Level, as_json, has_fault, show
from bot.checking.places import Places

LONG = "word " * 60 + "end"
FOUND = [
    Checked(level=Level.WELL, code="a", subject="billing", words="holds [bold]x[/bold]"),
    Checked(level=Level.NOTE, code="b", subject="sales", words="\x1b[31mred\u202e\nnext"),
    Checked(level=Level.FAULT, code="c", subject="channel C0X", words=LONG, place="gonogo.yaml:12"),
]


def shown(*, is_terminal: bool) -> str:
    screen = io.StringIO()
    show(Console(file=screen, width=60, force_terminal=is_terminal, no_color=True), FOUND)
    return screen.getvalue()


def test_piped_it_is_a_line_each_the_worst_first() -> None:
    lines = shown(is_terminal=False).splitlines()

    assert lines[0] == f"FAULT channel C0X (gonogo.yaml:12): {LONG}"
    assert lines[1] == "NOTE sales: [31mred next"
    assert lines[2] == "WELL billing: holds [bold]x[/bold]"
    assert lines[3] == "1 fault, 0 warnings, 1 note, 1 well"
    assert len(lines) == 4


def test_on_a_terminal_it_is_a_table_that_folds_and_cuts_nothing() -> None:
    text = shown(is_terminal=True)

    assert text.count("word") == 60
    assert "…" not in text
    assert "gonogo.yaml:12" in text
    assert "[bold]x[/bold]" in text


def test_the_json_has_counts_and_every_finding() -> None:
    plain = json.loads(json.dumps(as_json(FOUND)))

    assert (plain["well"], plain["counts"]) == (False, {"fault": 1, "warning": 0, "note": 1, "well": 1})
    assert [set(one) for one in plain["findings"]] == [{"level", "code", "subject", "words", "place"}] * 3
    assert [one["level"] for one in plain["findings"]] == ["fault", "note", "well"]


@pytest.mark.parametrize(("count", "expected"), [(3, True), (2, False)])
def test_only_a_fault_is_one(count: int, expected: bool) -> None:
    assert has_fault(FOUND[:count]) is expected


def test_a_file_that_is_gone_has_no_lines(tmp_path: Path) -> None:
    assert Places(tmp_path / "none.yaml").line(("channels",)) is None
