"""Three replicas on one Postgres: killed in turn, one paused beyond its lease and woken, the database away for a while.

Nothing is lost, nothing runs twice, each thread tells its launch in order. The full size: `pytest -m crash`, or
`uv run python -m tests.journeys.replicas`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.replicas import Ills, play
from tests.postgres_server import server_or_skip

FEW = Ills(pause_s=3.0, away_s=1.0, rest_s=0.6)
MANY = Ills(pause_s=20.0, away_s=4.0, rest_s=4.0, rounds=3)


@pytest.fixture(autouse=True)
def postgres() -> None:
    """Skips, with the reason, where none can be started."""
    server_or_skip()


@pytest.mark.journey
@pytest.mark.timeout(180)
async def test_replicas_that_die_sleep_and_lose_their_database_launch_everything_once(tmp_path: Path) -> None:
    figures = await play(tmp_path, launches=60, people=6, pause_s=1.1, ills=FEW, lease_s=1.5, seed=8, quiet_s=2.0)

    assert figures.count.asked > 20, figures
    assert figures.is_good, figures


@pytest.mark.crash
@pytest.mark.timeout(1800)
async def test_two_thousand_launches_outlive_all_of_it_three_times(tmp_path: Path) -> None:
    figures = await play(tmp_path, launches=2000, people=30, pause_s=3.0, ills=MANY, lease_s=None, seed=1)

    print(figures)  # noqa: T201 - what was shown
    assert figures.count.asked > 1000, figures
    assert figures.is_good, figures
