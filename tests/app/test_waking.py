"""What waited in a socket while the process stood still is not let in."""

from __future__ import annotations

import asyncio

from bot.app.waking import DEAF_FOR_S, STOOD_STILL_S, TICK_S, Wakefulness


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
