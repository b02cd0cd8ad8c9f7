"""What waited in a socket while the process stood still is not let in."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.app.waking import DEAF_FOR_S, STOOD_STILL_S, TICK_S, Wakefulness, since_boot


class Hours:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def let_in(wakefulness: Wakefulness) -> bool:
    entered: list[str] = []

    async def enter() -> None:
        entered.append("in")

    answer = await wakefulness.guard(enter)
    assert (answer is None) == bool(entered)
    assert answer is None or answer.status != 200, "only what is let in is acknowledged"
    return bool(entered)


async def test_who_never_stood_still_lets_everything_in() -> None:
    hours = Hours()
    wakefulness = Wakefulness(hours)
    wakefulness.start()
    for _ in range(3):
        hours.now += STOOD_STILL_S
        assert await let_in(wakefulness)
    wakefulness.stop()


async def test_what_waited_is_refused_and_what_comes_later_is_not() -> None:
    hours = Hours()
    wakefulness = Wakefulness(hours)
    wakefulness.start()
    hours.now += STOOD_STILL_S + 0.1

    assert not await let_in(wakefulness)
    hours.now += DEAF_FOR_S - 0.1
    assert not await let_in(wakefulness)
    hours.now += 0.1
    assert await let_in(wakefulness)
    wakefulness.stop()


async def test_it_does_not_matter_who_looks_first() -> None:
    hours = Hours()
    wakefulness = Wakefulness(hours)
    wakefulness.start()
    hours.now += 120
    wakefulness.look()

    assert not await let_in(wakefulness)
    wakefulness.stop()


async def test_a_quiet_day_is_no_pause() -> None:
    """It looks by itself, whether anything comes or not."""
    hours = Hours()
    wakefulness = Wakefulness(hours)
    wakefulness.start()
    for _ in range(4):
        hours.now += STOOD_STILL_S - 0.1
        await asyncio.sleep(2 * TICK_S)

    assert await let_in(wakefulness)
    wakefulness.stop()


async def test_the_time_before_the_door_opened_does_not_count() -> None:
    hours = Hours()
    wakefulness = Wakefulness(hours)
    hours.now += 60
    wakefulness.start()

    assert await let_in(wakefulness)
    wakefulness.stop()


class Asleep:
    """A machine that is suspended for as long as it is told; only the clock that counts this time moves on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self._real = time.clock_gettime
        monkeypatch.setattr(time, "clock_gettime", self._told)

    def _told(self, clock: int) -> float:
        return self._real(clock) + (self.seconds if clock == time.CLOCK_BOOTTIME else 0.0)


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system does not count the time for which it was suspended")
async def test_a_machine_that_was_suspended_stood_still(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Asleep(monkeypatch)
    wakefulness = Wakefulness()
    wakefulness.start()
    before = await let_in(wakefulness)
    machine.seconds += 120

    assert (before, await let_in(wakefulness)) == (True, False)
    wakefulness.stop()


def test_where_the_system_does_not_count_that_time_another_clock_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    before = time.monotonic()

    assert before <= since_boot() <= time.monotonic()
