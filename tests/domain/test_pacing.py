from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.pacing import LATE_BY_AT_MOST, MOST_KEPT, Plan, plan, remembered, told_duration_s
from tests.builders import NOON, a_launch

EVEN_S, LONGEST_S = 5.0, 60.0

lengths = st.floats(0.01, 1e6)
histories = st.lists(lengths, min_size=1, max_size=MOST_KEPT).map(tuple)
ages = st.floats(0, 3e6)


def a_plan(*durations_s: float, even_s: float = EVEN_S, longest_s: float = LONGEST_S) -> Plan:
    made = plan(durations_s, even_s=even_s, longest_s=longest_s)
    assert made is not None
    return made


def looks(made: Plan, ends_s: float) -> tuple[int, float]:
    """How many looks a run takes that ends then, and how much later the last one is."""
    count, elapsed_s = 0, 0.0
    while elapsed_s < ends_s:
        count, elapsed_s = count + 1, elapsed_s + made.pause_s(elapsed_s)
    return count, elapsed_s - ends_s


def evenly(ends_s: float) -> tuple[int, float]:
    count = int(ends_s // EVEN_S) + 1
    return count, count * EVEN_S - ends_s


def fold(draw: Callable[[random.Random], float], *, known: int = MOST_KEPT, runs: int = 400) -> tuple[float, float, float, float]:
    """Mean looks and mean lag of the plan, then of even polling, over runs like those that it knows."""
    chance = a_chance(7)
    seen: list[tuple[float, ...]] = []
    for _ in range(10):
        made = a_plan(*(draw(chance) for _ in range(known)))
        for _ in range(runs // 10):
            ends_s = draw(chance)
            seen.append((*looks(made, ends_s), *evenly(ends_s)))
    ours, lag_s, even_looks, even_lag_s = (mean(column) for column in zip(*seen, strict=True))
    return ours, lag_s, even_looks, even_lag_s


def a_chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - lots for made-up runs, the same in every run of the tests


def around(middle_s: float, spread: float) -> Callable[[random.Random], float]:
    return lambda chance: middle_s * chance.lognormvariate(0, spread)


# --- bounds ---


@given(history=histories, elapsed_s=ages, even_s=st.floats(0.1, 600), longest_s=st.floats(0.1, 3600))
def test_no_pause_is_longer_or_shorter_than_allowed(
    history: tuple[float, ...], elapsed_s: float, even_s: float, longest_s: float
) -> None:
    made = a_plan(*history, even_s=even_s, longest_s=longest_s)

    assert even_s / 2 <= made.pause_s(elapsed_s) <= max(even_s, longest_s)


@given(history=histories, elapsed_s=ages, later_s=st.floats(0, 1e4))
def test_who_asks_later_asks_again_later(history: tuple[float, ...], elapsed_s: float, later_s: float) -> None:
    made = a_plan(*history)
    first, second = (at + made.pause_s(at) for at in (elapsed_s, elapsed_s + later_s))

    assert second >= first - 1e-6 * first


@given(took_s=lengths, elapsed_s=ages)
def test_a_single_run_that_is_known_is_hardly_trusted(took_s: float, elapsed_s: float) -> None:
    assert EVEN_S / 2 <= a_plan(took_s).pause_s(elapsed_s) <= EVEN_S * 4 / 3 + 1e-9


@given(history=histories, elapsed_s=ages)
def test_the_order_in_which_runs_ended_does_not_matter(history: tuple[float, ...], elapsed_s: float) -> None:
    assert a_plan(*history).pause_s(elapsed_s) == a_plan(*sorted(history)).pause_s(elapsed_s)


@pytest.mark.parametrize("durations_s", [(), (0.0,), (-5.0, 0.0), (float("nan"),), (float("inf"),)])
def test_nothing_is_planned_where_nothing_is_known(durations_s: tuple[float, ...]) -> None:
    assert plan(durations_s, even_s=EVEN_S, longest_s=LONGEST_S) is None


@given(history=histories, beyond=st.floats(2, 10))
def test_a_run_that_outlives_all_others_is_asked_about_at_a_share_of_its_age(history: tuple[float, ...], beyond: float) -> None:
    elapsed_s = beyond * (max(history) + EVEN_S)

    assert a_plan(*history).pause_s(elapsed_s) <= max(0.1 * elapsed_s, EVEN_S)


@given(history=histories, beyond=st.floats(2, 10))
def test_where_somebody_said_how_often_a_run_that_outlives_all_others_is_asked_about_so(
    history: tuple[float, ...], beyond: float
) -> None:
    """As one of which nothing is known: with a history or without one, its end is seen as soon."""
    made = plan(history, even_s=EVEN_S, longest_s=LONGEST_S, longest_beyond_s=EVEN_S)

    assert made is not None
    assert made.pause_s(beyond * (max(history) + EVEN_S)) == EVEN_S


# --- what it is for ---


def test_nobody_is_asked_before_a_run_can_be_over() -> None:
    made = a_plan(*(around(600, 0.02)(a_chance(number)) for number in range(MOST_KEPT)))

    assert [made.pause_s(at) for at in (0.0, 60.0, 120.0, 400.0)] == [LONGEST_S] * 4
    assert made.pause_s(590.0) < EVEN_S


def test_known_durations_take_half_of_lag_times_looks_at_most() -> None:
    """Issue 8: at the same rate, and also with two kinds of runs, with some that fail at once, and with one that hung for a day."""
    mixtures = {
        "a minute": around(60, 0.1),
        "a minute or so": around(60, 0.2),
        "ten minutes": around(600, 0.1),
        "ten minutes or so": around(600, 0.2),
        "two hours": around(7200, 0.1),
        "short": around(20, 0.1),
        "one of two": lambda chance: around(30 if chance.random() < 0.5 else 300, 0.05)(chance),
        "a tenth fails at once": lambda chance: around(2 if chance.random() < 0.1 else 120, 0.1)(chance),
    }
    found = {name: fold(draw, runs=40 if name == "two hours" else 400) for name, draw in mixtures.items()}

    for name, (ours, lag_s, even_looks, even_lag_s) in found.items():
        assert ours * lag_s <= 0.5 * even_looks * even_lag_s, name
        assert ours < even_looks, name
        assert lag_s < even_lag_s, name


def test_few_that_are_known_help_a_little_and_never_harm_much() -> None:
    for known in (1, 2, 4, 8):
        for draw in (around(60, 0.2), around(600, 0.3), lambda chance: chance.uniform(30, 90)):
            ours, lag_s, even_looks, even_lag_s = fold(draw, known=known)

            assert ours * lag_s <= 1.15 * even_looks * even_lag_s
            assert lag_s <= 1.6 * even_lag_s


def test_an_outlier_does_not_spoil_the_plan() -> None:
    usual = tuple(around(60, 0.1)(a_chance(number)) for number in range(MOST_KEPT - 1))
    made = a_plan(*usual, 86_400.0)
    seen = [(*looks(made, ends_s), *evenly(ends_s)) for ends_s in usual]
    ours, lag_s, even_looks, even_lag_s = (mean(column) for column in zip(*seen, strict=True))

    assert ours * lag_s <= 0.5 * even_looks * even_lag_s


def test_between_two_kinds_of_runs_hardly_anybody_is_asked() -> None:
    chance = a_chance(3)
    made = a_plan(*(around(30 if number % 2 else 300, 0.03)(chance) for number in range(MOST_KEPT)))

    assert made.pause_s(60.0) == LONGEST_S
    assert made.pause_s(29.0) < EVEN_S
    assert made.pause_s(299.0) < EVEN_S


# --- what is remembered ---


@given(history=st.lists(lengths, max_size=2 * MOST_KEPT).map(tuple), took_s=lengths)
def test_the_last_ones_are_remembered(history: tuple[float, ...], took_s: float) -> None:
    known = remembered(history, took_s)

    assert len(known) == min(len(history) + 1, MOST_KEPT)
    assert known[:-1] == history[-(MOST_KEPT - 1) :]
    assert known[-1] == round(took_s, 3)


RUN = a_launch(sent_at=NOON, due_at=NOON + timedelta(seconds=100))


@pytest.mark.parametrize(("late_s", "told_s"), [(0, 100), (20, 120), (33, 133), (40, None), (86_400, None)])
def test_a_look_that_came_too_late_tells_no_duration(late_s: float, told_s: float | None) -> None:
    assert told_duration_s(RUN, NOON + timedelta(seconds=100 + late_s)) == told_s
    assert told_s is None or late_s <= LATE_BY_AT_MOST * told_s


@pytest.mark.parametrize("changes", [{"sent_at": None}, {"due_at": None}, {"cancel_asked_by": "U0ALICE"}])
def test_a_run_that_was_not_left_alone_tells_no_duration(changes: dict[str, None]) -> None:
    assert told_duration_s(replace(RUN, **changes), NOON + timedelta(seconds=100)) is None


def test_a_clock_that_was_set_back_tells_no_duration() -> None:
    assert told_duration_s(RUN, NOON - timedelta(seconds=1)) is None
