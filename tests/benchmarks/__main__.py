"""Measures the bot beside two others: ``uv run python -m tests.benchmarks [measurement …] [--quick] [--json FILE]``.

Each slice starts a program, measures it and ends it; the programs take turns (A B A B), so that a machine that grows slower meanwhile
is slower for all of them. Only ratios of medians tell; never compare figures of two machines, or of two runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from tests.benchmarks import measures, report, rows
from tests.benchmarks.contestants import BARE, NAIVE, OURS, WATCHED, Setup
from tests.benchmarks.measures import QUICK, Figures, Size
from tests.benchmarks.targets import FULL, Slices

Slice = Callable[[str, Setup, Size], Awaitable[Figures]]


@dataclass
class Bench:
    """A run of benchmarks: where it works, how much, and what was measured so far."""

    folder: Path
    size: Size
    console: Console
    slices: Slices

    async def in_turn(self, names: Sequence[str], measure: Slice) -> None:
        """All slices of one measurement, the programs in turn."""
        for place in range(self.size.slices):
            for name in names:
                setup = Setup(folder=Path(tempfile.mkdtemp(dir=self.folder)))
                await self.keep(name, measure(name, setup, self.size), place)

    async def keep(self, name: str, measuring: Awaitable[Figures], place: int) -> None:
        """One slice. What cannot be measured is left out, and said: a program that locks up is a result as well."""
        try:
            figures = await measuring
        except TimeoutError:
            self.console.print(f"[red]{name}, slice {place + 1}: not done in time[/red]")
            return
        for figure, value in figures.items():
            self.slices.setdefault((name, figure), []).append(value)
        self.console.print(f"{name}, slice {place + 1}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()))


async def paced(bench: Bench) -> None:
    """Acknowledgement, the way to the provider and to the card, at twenty commands a second."""
    await bench.in_turn((BARE, NAIVE, OURS), measures.paced)


async def saturated(bench: Bench) -> None:
    """Launches a second and CPU per launch, with a bounded number of them open."""
    for open_at_once in bench.size.open_at_once:
        await bench.in_turn((NAIVE, OURS), partial(measures.saturated, open_at_once=open_at_once))


async def burst(bench: Bench) -> None:
    """The same with all commands as fast as they are acknowledged."""
    await bench.in_turn((NAIVE, OURS), measures.burst)


async def tracked(bench: Bench) -> None:
    """Memory and CPU of many runs, and how late their ends are shown."""
    for count in bench.size.tracked:
        prepared = await rows.with_open(count, bench.folder / f"open-{count}", due_over_s=bench.size.poll_every_s)

        async def measure(name: str, setup: Setup, size: Size, count: int = count, prepared: Path = prepared) -> Figures:
            return await measures.tracked(name, setup, size, count=count, prepared=prepared if name == OURS else None)

        names = (NAIVE, OURS) if count <= bench.size.naive_tracks else (OURS,)
        await bench.in_turn(names, measure)


async def known(bench: Bench) -> None:
    """A workflow whose durations are known: lateness times questions."""
    await bench.in_turn((NAIVE, OURS), measures.known)


async def restart(bench: Bench) -> None:
    """A start with many open launches."""
    prepared = {
        count: await rows.with_open(count, bench.folder / f"left-{count}", due_over_s=bench.size.poll_every_s)
        for count in bench.size.open_at_restart
    }
    for place in range(bench.size.slices):
        for count, database in prepared.items():
            setup = Setup(folder=bench.folder / "restart")
            await bench.keep(OURS, measures.restart(setup, bench.size, count=count, prepared=database), place)


async def history(bench: Bench) -> None:
    """Everything people wait for, with and without a long history."""
    full = bench.folder / "full" / "gonogo.db"
    full.parent.mkdir()
    kept = await rows.finished(bench.size.history, bench.folder)
    rows.copy(kept, full)
    bench.slices[FULL, "bytes_per_launch"] = [kept.stat().st_size / bench.size.history]
    for place in range(bench.size.slices):
        for measure in (measures.paced, _full, _status):
            empty = Setup(folder=Path(tempfile.mkdtemp(dir=bench.folder)))
            await bench.keep(OURS, _named(measure(OURS, empty, bench.size)), place)
            await bench.keep(FULL, measure(OURS, Setup(folder=full.parent), bench.size), place)
    full.unlink()
    await _open_beside(bench, kept)


async def _open_beside(bench: Bench, kept: Path) -> None:
    """A start with many open launches, and runs at work, with and without the history."""
    for measure, count in (
        (_restart, max(bench.size.open_at_restart)),
        (_tracked, bench.size.naive_tracks),
    ):
        opened = await rows.with_open(count, bench.folder / f"beside-{count}", due_over_s=bench.size.poll_every_s)
        both = rows.beside(opened, kept, bench.folder / f"both-{count}.db")
        for place in range(bench.size.slices):
            for name, prepared in ((OURS, opened), (FULL, both)):
                measuring = measure(Setup(folder=bench.folder / "beside"), bench.size, count, prepared)
                await bench.keep(name, _named(measuring) if name == OURS else measuring, place)
        both.unlink()


async def _tracked(setup: Setup, size: Size, count: int, prepared: Path) -> Figures:
    return await measures.tracked(OURS, setup, size, count=count, prepared=prepared)


async def _restart(setup: Setup, size: Size, count: int, prepared: Path) -> Figures:
    return await measures.restart(setup, size, count=count, prepared=prepared)


async def _full(name: str, setup: Setup, size: Size) -> Figures:
    return await measures.saturated(name, setup, size, open_at_once=max(size.open_at_once))


async def _status(_name: str, setup: Setup, size: Size) -> Figures:
    return await measures.status(setup, size)


async def _named(measuring: Awaitable[Figures]) -> Figures:
    return {f"empty_{figure}": value for figure, value in (await measuring).items()}


async def day(bench: Bench) -> None:
    """300 launches in one channel under Slack's limits, by a handed-in clock: once, as nothing in it is left to chance."""
    from tests.benchmarks.day import bad_day  # noqa: PLC0415 - needs pytest, which nothing else here does

    await bench.keep(OURS, bad_day(), 0)


async def watch(bench: Bench) -> None:
    """Where the loop is blocked: saturated, with many runs at work, and at a restart; apart from what is timed."""
    seen = bench.folder / "watch.json"
    setup = Setup(folder=bench.folder / "watched", program=WATCHED, more={"BENCHMARK_WATCH": str(seen)})
    count = max(bench.size.open_at_restart)
    prepared = await rows.with_open(count, bench.folder / "watched-open", due_over_s=bench.size.poll_every_s)
    over = 0
    for name, measuring in (
        ("saturated", _full(OURS, setup, bench.size)),
        ("restart", measures.restart(replace(setup, folder=bench.folder / "w2"), bench.size, count=count, prepared=prepared)),
    ):
        await measuring
        told = json.loads(seen.read_text(encoding="utf-8"))
        over += sum(step["cpu_ms"] > 20 and not step["is_start"] for step in told["blocked"])
        for step in told["blocked"]:
            bench.console.print(f"{name}: {step['ms']} ms ({step['cpu_ms']} ms of CPU): {' > '.join(step['where'][-5:])}")
        bench.console.print(f"{name}: asked of the store: {told['asked']}")
    bench.slices[OURS, "steps_over_20_ms"] = [float(over)]


MEASUREMENTS = {one.__name__: one for one in (paced, saturated, burst, tracked, known, restart, history, day, watch)}


async def measure(names: Sequence[str], size: Size, console: Console) -> Slices:
    """Carry them out, one after the other."""
    with tempfile.TemporaryDirectory(prefix="gonogo-benchmark-") as folder:
        bench = Bench(folder=Path(folder), size=size, console=console, slices={})
        for name in names:
            console.rule(name)
            await MEASUREMENTS[name](bench)
        return bench.slices


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    told = "; ".join(f"{name}: {one.__doc__}" for name, one in MEASUREMENTS.items())
    parser.add_argument("measurements", nargs="*", help=f"which ({told}); without any, all")
    parser.add_argument("--quick", action="store_true", help="smaller sizes: minutes instead of an hour")
    parser.add_argument("--slices", type=int, help="how many of each program (without: 5)")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    given = parser.parse_args()
    unknown = [name for name in given.measurements if name not in MEASUREMENTS]
    if unknown:
        parser.error(f"there is no measurement {unknown[0]}; there are {', '.join(MEASUREMENTS)}")
    size = QUICK if given.quick else Size()
    size = replace(size, slices=given.slices or size.slices)
    console = Console(width=None if sys.stdout.isatty() else 140)
    slices = asyncio.run(measure(given.measurements or tuple(MEASUREMENTS), size, console))
    report.show(console, slices, size.slices)
    if given.json:
        given.json.write_text(json.dumps(report.as_json(slices, size.slices), indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
