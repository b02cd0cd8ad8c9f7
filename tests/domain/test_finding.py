"""A lost run is told by its circumstances, and what is not told is never adopted alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import finding
from bot.domain.provider import Candidate, Matches

SENT_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
FITS = st.sampled_from([True, False, None])


def a_run(run_id: str) -> Candidate:
    return Candidate(run_id=run_id)


@pytest.mark.parametrize(
    ("began", "is_near"),
    [
        ("2026-11-21T11:58:59Z", False),
        ("2026-11-21T11:59:00Z", True),
        ("2026-11-21T12:00:00Z", True),
        ("2026-11-21T12:15:00Z", True),
        ("2026-11-21T12:15:01Z", False),
        ("2026-11-21T15:00:00+03:00", True),
        ("2026-11-21T12:00:00+03:00", False),
        ("2026-11-20T12:00:00Z", False),
        ("2026-11-21", None),
        ("soon", None),
        (None, None),
        (12.5, None),
    ],
)
def test_a_run_may_begin_a_minute_before_it_was_sent_and_a_quarter_of_an_hour_after(began: Any, is_near: bool | None) -> None:
    assert finding.is_near(began, SENT_AT) is is_near


@given(seconds=st.integers(-100_000, 100_000))
def test_the_window_is_the_same_in_every_zone(seconds: int) -> None:
    began = SENT_AT + timedelta(seconds=seconds)
    spellings = [
        began.isoformat(),
        began.astimezone(timezone(timedelta(hours=3))).isoformat(),
        began.strftime("%Y-%m-%d %H:%M:%S UTC"),
    ]

    assert {finding.is_near(each, SENT_AT) for each in spellings} == {-60 <= seconds <= 900}


@pytest.mark.parametrize(
    ("told", "wanted", "expected"),
    [("1", "1", True), ("1", "2", False), (None, "1", None), ("1", None, None), (None, None, None)],
)
def test_a_word_that_is_not_told_neither_fits_nor_objects(told: str | None, wanted: str | None, expected: bool | None) -> None:
    assert finding.is_same(told, wanted) is expected


@given(fits=st.lists(FITS, max_size=4))
def test_all_fit_only_if_each_is_told_to_fit(fits: list[bool | None]) -> None:
    expected = False if False in fits else None if None in fits else True

    assert finding.all_fit(*fits) is expected


@pytest.mark.parametrize(
    ("judged", "run_ids"),
    [
        ([], []),
        ([("a", False)], []),
        ([("a", True)], ["a"]),
        ([("a", True), ("b", False)], ["a"]),
        ([("a", True), ("b", True)], ["a", "b"]),
        ([("a", None)], []),
        ([("a", None), ("b", None)], []),
        ([("a", None), ("b", True)], ["b", "a"]),
    ],
)
def test_an_unclear_run_counts_beside_one_that_fits_only(judged: list[tuple[str, bool | None]], run_ids: list[str]) -> None:
    found = finding.matches([(a_run(run_id), fit) for run_id, fit in judged])

    assert [candidate.run_id for candidate in found.candidates] == run_ids
    assert bool(found.doubt) == (None in [fit for _, fit in judged])


@given(fits=st.lists(FITS, max_size=6), doubt=st.none() | st.just("Whose it is, nobody knows."))
def test_a_single_candidate_is_never_one_of_which_too_little_is_told(fits: list[bool | None], doubt: str | None) -> None:
    found = finding.matches([(a_run(str(place)), fit) for place, fit in enumerate(fits)], doubt=doubt)

    if len(found.candidates) == 1:
        assert fits[int(found.candidates[0].run_id)] is True
        assert None not in fits


def test_a_doubt_about_nothing_is_not_told() -> None:
    assert finding.matches([(a_run("a"), False)], doubt="Somebody else's?") == Matches(candidates=())
    assert finding.matches([(a_run("a"), True)], doubt="Somebody else's?").doubt == "Somebody else's?"


def test_unclear_runs_are_named_to_people_but_not_without_end() -> None:
    doubt = finding.matches([(a_run(f"run-{place}"), None) for place in range(9)]).doubt

    assert doubt == "Too little is told about 9 of the runs to know whose they are: run-0, run-1, run-2, run-3, run-4."
