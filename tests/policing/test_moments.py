"""Times and spans as they are typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import SettingsError
from bot.policing import moment, since
from tests.builders import NOON


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("30d", NOON - timedelta(days=30)),
        ("12h", NOON - timedelta(hours=12)),
        ("90m", NOON - timedelta(minutes=90)),
        ("2w", NOON - timedelta(weeks=2)),
        ("0d", NOON),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T06:30Z", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
        ("2026-11-01T06:30+02:00", datetime(2026, 11, 1, 4, 30, tzinfo=UTC)),
        ("999999999w", datetime.min.replace(tzinfo=UTC)),
    ],
)
def test_spans_and_times_are_understood(typed: str, expected: datetime) -> None:
    assert since("--since", typed, NOON) == expected


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("30", "is no time"),
        ("", "is no time"),
        ("30 d", "is no time"),
        ("-3d", "is no time"),
        ("yesterday", "such as 30d or 12h"),
        ("2026-13-01", "is no time"),
        ("2026-11-01T06:30", "has no time zone"),
        ("2026-12-24T00:00Z", "lies ahead"),
    ],
)
def test_what_is_none_is_named_with_what_to_write_instead(typed: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        since("--since", typed, NOON)

    assert said in str(refused.value)
    assert str(refused.value).startswith("--since: ")


def test_a_moment_may_lie_ahead() -> None:
    assert moment("--at", "2026-12-24T00:00Z") > NOON


def test_a_moment_is_no_span() -> None:
    with pytest.raises(SettingsError, match='--at: "30d" is no time: write 2026'):
        moment("--at", "30d")
