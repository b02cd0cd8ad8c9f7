"""Findings for people: a table on a terminal, one plain line each where the output goes to a file or a program."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.checking.findings import Checked, Level, worst_first
from bot.surfaces.escaping import clean

_STYLES = {Level.FAULT: "bold red", Level.WARNING: "yellow", Level.NOTE: "cyan", Level.WELL: "green"}


def show(console: Console, checked: Sequence[Checked]) -> None:
    """Every finding, the worst first, and what they come to. Long text is folded on a terminal, and never cut."""
    found = worst_first(checked)
    if console.is_terminal:
        console.print(_table(found))
    else:
        for one in found:
            console.file.write(_line(one) + "\n")
    counts = {level: sum(one.level is level for one in found) for level in Level}
    total = ", ".join(f"{count} {level}{'' if level is Level.WELL or count == 1 else 's'}" for level, count in counts.items())
    console.file.write(total + "\n")


def _line(one: Checked) -> str:
    where = f" ({one.place})" if one.place else ""
    return _flat(f"{one.level.upper()}  {one.subject}{where}: {one.words}")


def _flat(text: str) -> str:
    """On one line, and without what a terminal would take for a command: names and meanings come from providers, too."""
    return " ".join(clean(text).split())


def _table(found: Sequence[Checked]) -> Table:
    """Cells are Text: what a provider or a file said is never read as markup."""
    table = Table("", "looked at", "found")
    for column in table.columns:
        column.overflow = "fold"
    table.columns[0].no_wrap = True
    for one in found:
        where = Text(f"\n{one.place}", style="dim") if one.place else Text()
        table.add_row(Text(one.level.upper(), style=_STYLES[one.level]), Text(_flat(one.subject)) + where, Text(_flat(one.words)))
    return table
