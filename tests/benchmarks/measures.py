"""One slice of each measurement: start a program, look at it for a while, say what was seen. Figures by name; units in the name."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from time import monotonic

from tests.benchmarks.contestants import BARE, NAIVE, OURS, Contestant, Setup, running
from tests.benchmarks.rows import OPEN_FROM, copy, due_again
from tests.benchmarks.world import CONNECTIONS, NEVER, Notes, World

Figures = dict[str, float]

COMMANDS_A_SECOND = 20
WARMING = 10
SHOWN_WITHIN_S = 120.0
SATURATED_POLL_S = 0.5
PACED_POLL_S = 0.3
KNOWN_RUN_S, KNOWN_POLL_S = 8.0, 1.0
FILLED_TIMES = 4
"""A slice goes on for so many times what is open at once, so that filling and emptying count for little."""
KNOWN_FROM = 500_000
KNOWN_LEARNT_FROM, KNOWN_MEASURED = 15, 30
STATUS_ASKED = 60
ENDED_WHILE_AWAY = 20


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of everything. ``slices`` of each program, in turn.

    ``open_at_once``: launches when saturated. At 100 the naive bot is not at its limit yet: its launches wait for their next poll.
    At 400 it is, and shows the figures of ``shared/performance.md``: httpx's pool holds it up.
    """

    slices: int = 5
    paced: int = 300
    saturated: int = 1_000
    open_at_once: tuple[int, ...] = (100, 400)
    tracked: tuple[int, ...] = (100, 1_000, 10_000)
    naive_tracks: int = 1_000
    poll_every_s: float = 20.0
    ended: int = 40
    open_at_restart: tuple[int, ...] = (1_000, 10_000)
    history: int = 1_000_000


QUICK = Size(paced=80, saturated=300, poll_every_s=12.0, ended=20, history=100_000)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share stays below; 0 where there are none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def between(earlier: dict[int, float], later: dict[int, float]) -> list[float]:
    """Milliseconds from one note to the other, of all that have both."""
    return [1000 * (later[number] - at) for number, at in earlier.items() if number in later]


async def warm(world: World, name: str) -> None:
    """What is done once in a life is done: imports, connections, caches."""
    for _ in range(WARMING):
        await world.command()
        await asyncio.sleep(0.03)
    notes = world.notes
    wanted = notes.acknowledged if name == BARE else notes.shown
    if world.run_s == NEVER and name != BARE:
        wanted = notes.carded
    await world.until(lambda: len(wanted) >= WARMING, SHOWN_WITHIN_S)
    await asyncio.sleep(0.3)
    world.forget()


async def paced(name: str, setup: Setup, size: Size) -> Figures:
    """Twenty commands a second: acknowledgement, the way to the provider and to the card."""
    async with World() as world, running(name, world, replace(setup, poll_every_s=PACED_POLL_S)):
        await warm(world, name)
        began = monotonic()
        for place in range(size.paced):
            await asyncio.sleep(max(0.0, began + place / COMMANDS_A_SECOND - monotonic()))
            await world.command()
        notes = world.notes
        wanted = notes.acknowledged if name == BARE else notes.shown
        await world.until(lambda: len(wanted) >= size.paced, SHOWN_WITHIN_S)
        return _paced_figures(notes)


def _paced_figures(notes: Notes) -> Figures:
    acknowledged = between(notes.sent, notes.acknowledged)
    figures = {"ack_p50_ms": median(acknowledged), "ack_p99_ms": percentile(acknowledged, 0.99)}
    if notes.started:
        figures |= {
            "to_provider_p50_ms": median(between(notes.sent, notes.started)),
            "to_card_p50_ms": median(between(notes.sent, notes.carded)),
        }
    return figures


async def saturated(name: str, setup: Setup, size: Size, *, open_at_once: int) -> Figures:
    """As many launches as it can, so many open at once: throughput, CPU to the end, acknowledgement under load, Slack's calls."""
    count = max(size.saturated, FILLED_TIMES * open_at_once)
    figures = await _saturated(name, setup, count=count, open_at_once=open_at_once)
    return {f"{figure}_{open_at_once}": value for figure, value in figures.items()}


async def _saturated(name: str, setup: Setup, *, count: int, open_at_once: int) -> Figures:
    async with World() as world, running(name, world, replace(setup, poll_every_s=SATURATED_POLL_S)) as contestant:
        await warm(world, name)
        notes, cpu_s, began = world.notes, contestant.cpu_s, monotonic()
        for _ in range(count):
            await world.command()
            await world.until(lambda: len(notes.sent) - len(notes.shown) < open_at_once, SHOWN_WITHIN_S)
        await world.until(lambda: len(notes.shown) >= count, SHOWN_WITHIN_S)
        took_s = monotonic() - began
        calls = sum(calls for method, calls in notes.calls.items() if method.startswith("chat."))
        return {
            "launches_per_s": count / took_s,
            "cpu_ms_per_launch": 1000 * (contestant.cpu_s - cpu_s) / count,
            "loaded_ack_p99_ms": percentile(between(notes.sent, notes.acknowledged), 0.99),
            "slack_calls_per_launch": calls / count,
            "provider_questions_per_launch": notes.asked / count,
            "peak_mb": contestant.peak_mb,
        }


async def burst(name: str, setup: Setup, size: Size) -> Figures:
    """All commands as fast as they are acknowledged: what is in flight then is the program's own affair."""
    count = 2 * size.saturated
    figures = await _saturated(name, setup, count=count, open_at_once=count)
    return {f"burst_{figure}": value for figure, value in figures.items() if figure != "provider_questions_per_launch"}


async def tracked(name: str, setup: Setup, size: Size, *, count: int, prepared: Path | None = None) -> Figures:
    """So many runs at work: memory and CPU while nothing happens, and how late ends are shown."""
    poll_s = size.poll_every_s
    setup = replace(setup, poll_every_s=poll_s)
    async with World() as world:
        world.run_s = NEVER
        numbers = list(range(OPEN_FROM, OPEN_FROM + count))
        if prepared is not None:
            _take_over(prepared, setup)
            due_again(setup.database, due_over_s=poll_s, due_from_s=1.5)
            world.open(numbers)
        async with running(name, world, setup) as contestant:
            if prepared is None:
                numbers = await _launched(world, count)
            await asyncio.sleep(2.0)
            idle = await _watched(contestant, world, poll_s)
            lags = await _ended(world, numbers, size)
            figures = {
                "rss_mb": contestant.rss_mb,
                "cpu_ms_per_run_and_round": 1000 * idle["cpu_s"] / count,
                "looks_per_run_and_round": idle["looks"] / count,
                "calls_per_run_and_round": idle["asked"] / count,
                "lag_of_even_polling": fmean(lags) / (poll_s / 2),
            }
            return {f"{figure}_{count}": value for figure, value in figures.items()}


def _take_over(prepared: Path, setup: Setup) -> None:
    setup.folder.mkdir(parents=True, exist_ok=True)
    for leftover in setup.folder.glob("gonogo.db*"):
        leftover.unlink()
    copy(prepared, setup.database)


async def _launched(world: World, count: int) -> list[int]:
    """Launched one after the other, evenly enough that their looks do not fall together."""
    numbers: list[int] = []
    notes = world.notes
    for _ in range(count):
        numbers.append(await world.command())
        await world.until(lambda: len(notes.sent) - len(notes.carded) < WARMING, SHOWN_WITHIN_S)
        await asyncio.sleep(0.005)
    await world.until(lambda: len(notes.carded) >= count, SHOWN_WITHIN_S)
    return numbers


async def _watched(contestant: Contestant, world: World, seconds: float) -> Figures:
    """CPU and looks of so many seconds in which nothing happens."""
    notes = world.notes
    cpu_s, looks, asked = contestant.cpu_s, sum(notes.looks.values()), notes.asked
    await asyncio.sleep(seconds)
    used_s = contestant.cpu_s - cpu_s
    return {"cpu_s": used_s, "looks": float(sum(notes.looks.values()) - looks), "asked": float(notes.asked - asked)}


async def _ended(world: World, numbers: Sequence[int], size: Size) -> list[float]:
    """Some runs end, one after the other over a whole round: how long each took to be shown, in seconds."""
    chosen = random.Random(7).sample(numbers, min(size.ended, len(numbers)))  # noqa: S311 - the same runs in every slice
    for number in chosen:
        world.end([number])
        await asyncio.sleep(size.poll_every_s / len(chosen))
    notes = world.notes
    await world.until(lambda: all(number in notes.shown for number in chosen), SHOWN_WITHIN_S)
    return [notes.shown[number] - notes.ended[number] for number in chosen]


async def known(name: str, setup: Setup, _size: Size) -> Figures:
    """A workflow that always takes the same time: lateness times questions, which even polling cannot lower by its rate.

    All over one connection, since what is known is known of a workflow over a connection.
    """
    setup = replace(setup, poll_every_s=KNOWN_POLL_S)
    async with World(itertools.count(KNOWN_FROM, CONNECTIONS)) as world, running(name, world, setup):
        await _spread(world, KNOWN_LEARNT_FROM)
        world.forget()
        await _spread(world, KNOWN_MEASURED)
        notes = world.notes
        lag_s = fmean(between(notes.ended, notes.shown)) / 1000
        questions = notes.asked / KNOWN_MEASURED
        return {"known_lag_s": lag_s, "known_questions": questions, "known_lag_times_questions": lag_s * questions}


async def _spread(world: World, count: int) -> None:
    """So many launches, one after the other; their runs differ a little, or even polling would meet all ends at the same moment."""
    notes, draws = world.notes, random.Random(7)  # noqa: S311 - the same in every slice
    for _ in range(count):
        world.run_s = draws.uniform(KNOWN_RUN_S - KNOWN_POLL_S / 2, KNOWN_RUN_S + KNOWN_POLL_S / 2)
        await world.command()
        await asyncio.sleep(0.1)
    await world.until(lambda: len(notes.shown) >= count, SHOWN_WITHIN_S)


async def restart(setup: Setup, size: Size, *, count: int, prepared: Path) -> Figures:
    """Start with so many open launches, all overdue: the first acknowledgement, until all are asked about, what ended meanwhile."""
    _take_over(prepared, setup)
    due_again(setup.database, due_over_s=size.poll_every_s, due_from_s=-size.poll_every_s)
    setup = replace(setup, poll_every_s=size.poll_every_s)
    async with World() as world:
        world.run_s = NEVER
        numbers = range(OPEN_FROM, OPEN_FROM + count)
        world.open(numbers)
        over = numbers[:: max(count // ENDED_WHILE_AWAY, 1)]
        world.end(over)
        async with running(OURS, world, setup) as contestant:
            notes = world.notes
            first = await world.command()
            await world.until(lambda: first in notes.acknowledged, SHOWN_WITHIN_S)
            await world.until(lambda: all(number in notes.looks for number in numbers), SHOWN_WITHIN_S)
            tracked_s = monotonic() - contestant.began
            await world.until(lambda: first in notes.started and all(one in notes.shown for one in over), SHOWN_WITHIN_S)
            figures = {
                "first_ack_s": notes.acknowledged[first] - contestant.began,
                "first_start_s": notes.started[first] - contestant.began,
                "all_tracked_s": tracked_s,
                "ended_not_shown": float(sum(one not in notes.shown for one in over)),
                "started_again": float(notes.starts - 1),
            }
            return {f"{figure}_{count}": value for figure, value in figures.items()}


async def status(setup: Setup, _size: Size) -> Figures:
    """``/launch status``, one question after the other: until its answer is at Slack."""
    async with World() as world, running(OURS, world, setup):
        await warm(world, OURS)
        took: list[float] = []
        for _ in range(STATUS_ASKED):
            before, began = len(world.notes.answered), monotonic()
            await world.command("status")
            await world.until(lambda before=before: len(world.notes.answered) > before, SHOWN_WITHIN_S)
            took.append(1000 * (world.notes.answered[-1] - began))
        return {"status_p50_ms": median(took), "status_p99_ms": percentile(took, 0.99)}


CONTESTANTS = (BARE, NAIVE, OURS)
