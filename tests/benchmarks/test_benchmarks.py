"""The benchmarks measure what they say. Nothing here is judged by time."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.benchmarks import measures, rows
from tests.benchmarks.contestants import BARE, NAIVE, OURS, WATCHED, Setup
from tests.benchmarks.measures import QUICK, Figures, Size
from tests.benchmarks.targets import FULL, TARGETS, Target, flat, medians_of
from tests.benchmarks.world import World

SMALL = replace(QUICK, paced=5, saturated=10, poll_every_s=2.0, ended=3, history=200)
saturated = partial(measures.saturated, open_at_once=3)
Slice = Callable[[str, Setup, Size], Awaitable[Figures]]


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert measures.percentile([5.0, 1.0, 3.0], 0.5) == 3.0
    assert measures.percentile([5.0, 1.0, 3.0], 0.99) == 5.0
    assert measures.percentile([], 0.5) == 0.0


def test_a_target_is_a_ratio_of_medians() -> None:
    target = Target(figure="ack_p50_ms", other=BARE, most=0.2)
    medians = medians_of({(OURS, "ack_p50_ms"): [1.0, 2.0, 9.0], (BARE, "ack_p50_ms"): [10.0, 11.0, 10.0]})

    assert target.reached(medians) == 0.2
    assert target.is_met(0.2)
    assert not target.is_met(0.21)


def test_a_figure_that_grows_is_at_least_its_limit() -> None:
    assert Target(figure="launches_per_s_100", other=NAIVE, least=4).is_met(4.0)
    assert not flat("launches_per_s_100", least=1 / 1.2).is_met(0.8)


def test_what_was_not_measured_is_not_judged() -> None:
    assert [target for target in TARGETS if target.reached({}) is not None] == []


def test_memory_of_many_runs_is_what_it_is_above_that_of_few() -> None:
    assert medians_of({(OURS, "rss_mb_100"): [90.0], (OURS, "rss_mb_10000"): [95.0]})[OURS, "rss_mb_10000"] == 5.0


def test_a_history_is_compared_with_an_empty_store() -> None:
    medians = {(FULL, "ack_p50_ms"): 1.1, (OURS, "empty_ack_p50_ms"): 1.0}

    assert flat("ack_p50_ms").reached(medians) == 1.1


async def test_the_provider_lists_newest_first_page_by_page() -> None:
    world = World()
    world.open([20_000_000, 20_000_001, 20_000_010, 20_000_020])
    path = "/domo0/api/workflow/v1/instances?modelId=x&limit=2&offset=1"

    _, body = world.answer("GET", path, b"")

    assert [row["id"] for row in json.loads(body)] == ["r-n20000010n", "r-n20000000n"]


async def test_a_run_is_over_once_it_was_ended() -> None:
    world = World()
    world.open([20_000_000])
    path = "/domo0/api/workflow/v1/instances/r-n20000000n"
    before = json.loads(world.answer("GET", path, b"")[1])["status"]
    world.end([20_000_000])

    assert (before, json.loads(world.answer("GET", path, b"")[1])["status"]) == ("IN_PROGRESS", "COMPLETED")


@pytest.mark.benchmark
@pytest.mark.parametrize(
    ("name", "measure"),
    [
        (BARE, measures.paced),
        (NAIVE, measures.paced),
        (OURS, measures.paced),
        (NAIVE, saturated),
        (OURS, saturated),
    ],
    ids=["bare paced", "naive paced", "ours paced", "naive saturated", "ours saturated"],
)
async def test_each_program_is_measured(name: str, measure: Slice, tmp_path: Path) -> None:
    figures = await measure(name, Setup(folder=tmp_path), SMALL)

    assert figures
    assert all(value >= 0 for value in figures.values())


@pytest.mark.benchmark
async def test_rows_of_open_launches_are_tracked_as_if_they_had_been_asked_for(tmp_path: Path) -> None:
    prepared = await rows.with_open(50, tmp_path / "open", due_over_s=2.0)

    figures = await measures.tracked(OURS, Setup(folder=tmp_path / "run"), SMALL, count=50, prepared=prepared)

    assert figures["looks_per_run_and_round_50"] > 0


@pytest.mark.benchmark
async def test_a_restart_starts_nothing_again(tmp_path: Path) -> None:
    prepared = await rows.with_open(50, tmp_path / "open", due_over_s=2.0)

    figures = await measures.restart(Setup(folder=tmp_path / "run"), SMALL, count=50, prepared=prepared)

    assert (figures["started_again_50"], figures["ended_not_shown_50"]) == (0, 0)


@pytest.mark.benchmark
async def test_a_history_has_all_rows_of_each_launch(tmp_path: Path) -> None:
    database = await rows.one_launch(tmp_path, is_open=False)
    before = _counts(database)
    rows.multiply(database, 20, first=rows.FINISHED_FROM)

    assert _counts(database) == {table: 21 * count for table, count in before.items()}


@pytest.mark.benchmark
async def test_open_launches_beside_a_history_are_tracked(tmp_path: Path) -> None:
    opened = await rows.with_open(30, tmp_path / "open", due_over_s=2.0)
    kept = await rows.one_launch(tmp_path / "kept", is_open=False)
    rows.multiply(kept, 500, first=rows.FINISHED_FROM)
    both = rows.beside(opened, kept, tmp_path / "both.db")

    figures = await measures.restart(Setup(folder=tmp_path / "run"), SMALL, count=30, prepared=both)

    assert _counts(both)["launches"] == _counts(opened)["launches"] + _counts(kept)["launches"]
    assert (figures["started_again_30"], figures["ended_not_shown_30"]) == (0, 0)


@pytest.mark.benchmark
async def test_what_was_told_of_a_launch_was_told_of_its_copies(tmp_path: Path) -> None:
    """Or each end is shown behind lines that nobody waits for any more."""
    database = await rows.one_launch(tmp_path, is_open=True)
    rows.multiply(database, 20, first=rows.OPEN_FROM)

    with closing(sqlite3.connect(database)) as connection:
        untold = connection.execute("SELECT count(*) FROM outbox WHERE told_at IS NULL").fetchone()
    assert untold == (0,)


@pytest.mark.benchmark
async def test_the_watch_says_what_was_asked_of_the_store(tmp_path: Path) -> None:
    seen = tmp_path / "watch.json"
    setup = Setup(folder=tmp_path / "run", program=WATCHED, more={"BENCHMARK_WATCH": str(seen)})

    await saturated(OURS, setup, SMALL)

    assert json.loads(seen.read_text(encoding="utf-8"))["asked"]["record_delivery"] >= SMALL.saturated


def _counts(database: Path) -> dict[str, int]:
    with closing(sqlite3.connect(database)) as connection:
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in rows.TABLES}  # noqa: S608 - our own
