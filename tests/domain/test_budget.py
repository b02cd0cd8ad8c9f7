from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.budget import REFUSED_FOR_S, SLOWEST, Budget, budget
from tests.builders import NOON

allowances = st.floats(1, 20_000)
pauses = st.lists(st.floats(0, 20), max_size=200)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def calls_of(known: Budget, seconds: float) -> list[datetime]:
    """When calls are made by somebody who makes each as soon as it may be."""
    now, calls = known.at, list[datetime]()
    until = NOON + timedelta(seconds=seconds)
    while (now := now + timedelta(seconds=known.wait_s(now))) < until:
        if known.wait_s(now) > 0:
            now += timedelta(microseconds=1)
            continue
        known = known.spent(now)
        calls.append(now)
    return calls


def busiest_minute(calls: list[datetime]) -> int:
    return max(sum(at <= each < at + timedelta(seconds=60) for each in calls) for at in calls)


@pytest.mark.parametrize("calls_a_minute", [1.0, 2.0, 5.0, 30.0, 60.0, 240.0])
def test_no_minute_holds_more_calls_than_are_allowed_and_none_is_wasted(calls_a_minute: float) -> None:
    calls = calls_of(budget(calls_a_minute, NOON), 600)

    assert busiest_minute(calls) <= calls_a_minute
    assert len(calls) >= 0.5 * calls_a_minute * 10


@given(calls_a_minute=allowances, rests_s=pauses)
def test_calls_are_saved_up_for_a_few_seconds_at_most(calls_a_minute: float, rests_s: list[float]) -> None:
    known, now = budget(calls_a_minute, NOON), NOON
    for rest_s in rests_s:
        now += timedelta(seconds=rest_s)
        assert known.free(now) <= max(calls_a_minute / 12, 1)
        if known.free(now):
            known = known.spent(now)


@given(calls_a_minute=allowances, elapsed_s=st.floats(0, 1000))
def test_after_the_wait_that_is_told_a_call_is_free(calls_a_minute: float, elapsed_s: float) -> None:
    known = budget(calls_a_minute, NOON)
    for _ in range(known.free(NOON)):
        known = known.spent(NOON)
    now = later(elapsed_s)

    assert known.wait_s(now) == 0 or known.free(now + timedelta(seconds=known.wait_s(now), microseconds=2))


def test_a_refusal_is_waited_out_and_then_calls_come_half_as_often() -> None:
    before = calls_of(budget(60, NOON), 60)
    refused = budget(60, NOON).refused(NOON, 30)

    assert refused.wait_s(NOON) == 30
    assert refused.free(later(29)) == 0
    assert refused.free(later(30)) == 1
    slowed = [at for at in calls_of(refused, 90) if at >= later(30)]
    assert 0.4 * len(before) <= len(slowed) <= 0.6 * len(before)


def test_the_wait_is_ours_where_the_provider_names_none() -> None:
    assert budget(60, NOON).refused(NOON, None).wait_s(NOON) == REFUSED_FOR_S


def test_refusals_that_come_together_count_once() -> None:
    once = budget(60, NOON).refused(NOON, 30)
    again = once.refused(later(1), 30).refused(later(2), 5)

    assert again.share == once.share == 0.5
    assert again.not_before == later(31)


def test_refusal_after_refusal_slows_down_and_never_stops() -> None:
    known, now = budget(240, NOON), NOON
    for _ in range(20):
        known = known.refused(now, 1)
        now += timedelta(seconds=1)

    assert known.share >= SLOWEST
    assert known.spent(now).wait_s(now) < 60


def test_ten_quiet_minutes_bring_the_whole_pace_back() -> None:
    slowed = budget(60, NOON).refused(NOON, 1)

    assert slowed.spent(later(301)).share == pytest.approx(1.0)
    assert slowed.spent(later(151)).share == pytest.approx(0.75)


@given(wait_s=st.floats(0, 1e30))
def test_a_wait_of_a_thousand_years_is_one_of_a_day(wait_s: float) -> None:
    assert budget(60, NOON).refused(NOON, wait_s).wait_s(NOON) <= 86_400
