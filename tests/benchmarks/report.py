"""Shows what was measured: a table of ratios against the targets, and the same as JSON."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.targets import TARGETS, Slices, Target, medians_of


def machine() -> dict[str, str]:
    """On what, and of which commit."""
    cpu = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "model name: unknown")
    load = " ".join(_lines("/proc/loadavg")[0].split()[:3]) if _lines("/proc/loadavg") else "unknown"
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    changed = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "cpu": cpu.partition(":")[2].strip(),
        "cores": str(os.cpu_count()),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": load,
        "commit": (commit or "unknown") + (" with changes" if changed else ""),
    }


def as_json(slices: Slices, count: int) -> dict[str, Any]:
    """Everything, for programs."""
    medians = medians_of(slices)
    reached = {_name(target): target.reached(medians) for target in TARGETS}
    return {
        "machine": machine(),
        "slices": count,
        "medians": {f"{who}: {figure}": value for (who, figure), value in sorted(medians.items())},
        "targets": {
            name: {"reached": value, "limit": target.limit, "is_met": target.is_met(value)}
            for target in TARGETS
            if (value := reached[name := _name(target)]) is not None
        },
        "all": {f"{who}: {figure}": values for (who, figure), values in sorted(slices.items())},
    }


def show(console: Console, slices: Slices, count: int) -> None:
    """The tables."""
    medians = medians_of(slices)
    whose = list(dict.fromkeys(who for who, _ in slices))
    figures = Table(title=f"medians of {count} slices, in turn", title_justify="left")
    figures.add_column("figure")
    for who in whose:
        figures.add_column(who, justify="right")
    for figure in dict.fromkeys(figure for _, figure in slices):
        figures.add_row(figure, *(_number(medians.get((who, figure))) for who in whose))
    console.print(figures)
    console.print(_ratios(medians))
    console.print(" · ".join(f"{name}: {value}" for name, value in machine().items()))


def _ratios(medians: dict[tuple[str, str], float]) -> Table:
    table = Table(title="against the targets", title_justify="left")
    for column in ("figure", "against", "reached", "target", ""):
        table.add_column(column, justify="right" if column in {"reached", "target"} else "left")
    for target in TARGETS:
        reached = target.reached(medians)
        if reached is not None:
            met = "[green]met[/green]" if target.is_met(reached) else "[red]not met[/red]"
            table.add_row(_who(target), target.other or target.words, _number(reached), target.limit, met)
    return table


def _name(target: Target) -> str:
    return f"{_who(target)} / {target.other or target.words}"


def _who(target: Target) -> str:
    return target.figure if target.of == "gonogo" else f"{target.figure} ({target.of.partition(', ')[2]})"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _lines(path: str) -> list[str]:
    place = Path(path)
    return place.read_text(encoding="utf-8").splitlines() if place.exists() else []
