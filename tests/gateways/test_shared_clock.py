"""One time for all replicas, whatever their machines say."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.gateways.clock import SharedClock, SystemClock
from tests.builders import NOON

MINUTE, MS = timedelta(minutes=1), timedelta(milliseconds=1)


class Wall(SystemClock):
    """A machine's clock that is off by a while; time passes only when it is told to."""

    passed = timedelta()

    def __init__(self, off: timedelta = timedelta()) -> None:
        self.off = off

    def now(self) -> datetime:
        return NOON + Wall.passed + self.off


@pytest.fixture(autouse=True)
def noon() -> None:
    Wall.passed = timedelta()


class Shared:
    """The clock of a database; a question and its answer take their times on the way, in turn."""

    def __init__(self, *ways: tuple[timedelta, timedelta]) -> None:
        self.ways = list(ways)

    async def ask(self) -> datetime:
        there, back = self.ways.pop(0) if self.ways else (MS, MS)
        Wall.passed += there
        at = NOON + Wall.passed
        Wall.passed += back
        return at


@pytest.mark.parametrize("off", [-MINUTE, timedelta(0), MINUTE, timedelta(hours=-5)])
async def test_a_machine_whose_clock_is_off_tells_the_shared_time(off: timedelta) -> None:
    clock = SharedClock(Shared().ask, local=Wall(off))
    ahead = await clock.measure()

    assert ahead == -off
    assert clock.now() == NOON + Wall.passed


async def test_replicas_two_minutes_apart_agree() -> None:
    shared = Shared()
    clocks = [SharedClock(shared.ask, local=Wall(off)) for off in (-MINUTE, MINUTE)]
    for clock in clocks:
        await clock.measure()

    assert clocks[0].now() == clocks[1].now() == NOON + Wall.passed


async def test_the_quickest_answer_counts_and_is_wrong_by_half_its_time_at_most() -> None:
    slow_there, slow_back, quick = (900 * MS, MS), (MS, 900 * MS), (4 * MS, 2 * MS)
    clock = SharedClock(Shared(slow_there, quick, slow_back).ask, local=Wall(MINUTE))

    ahead = await clock.measure()

    assert abs(ahead + MINUTE) <= 3 * MS


async def test_a_clock_that_was_set_meanwhile_is_measured_anew() -> None:
    wall = Wall()
    clock = SharedClock(Shared().ask, local=wall)
    await clock.measure()
    wall.off = MINUTE
    await clock.measure()

    assert clock.now() == NOON + Wall.passed


def test_before_it_was_measured_it_is_the_machines_clock() -> None:
    assert SharedClock(Shared().ask, local=Wall(MINUTE)).now() == NOON + MINUTE


async def test_the_rest_is_the_machines() -> None:
    clock = SharedClock(Shared().ask)

    assert clock.new_launch_id().startswith("L-")
    assert 0 <= clock.jitter() < 1
    await clock.sleep(0)
