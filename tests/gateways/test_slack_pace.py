"""How fast Slack lets us speak: learnt from its refusals, shared by everybody."""

from __future__ import annotations

import pytest

from bot.domain.errors import ThreadError
from bot.gateways.slack_pace import POST_EVERY_S, Pace
from tests.builders import FrozenClock

POST = "chat.postMessage"


async def waited_s(clock: FrozenClock, pace: Pace, method: str = POST, channel: str = "C1") -> float:
    """How long a turn took."""
    before = clock.now()
    await pace.turn(method, channel)
    return round((clock.now() - before).total_seconds(), 2)


async def test_before_the_first_refusal_nobody_waits() -> None:
    clock = FrozenClock()
    pace = Pace(clock)

    assert [await waited_s(clock, pace) for _ in range(50)] == [0.0] * 50


async def test_after_a_refusal_nobody_speaks_before_its_wait_is_over_and_then_one_at_a_time() -> None:
    clock = FrozenClock()
    pace = Pace(clock)
    pace.slow_down(POST, "C1", 3)

    assert [await waited_s(clock, pace) for _ in range(3)] == [3.0, POST_EVERY_S, POST_EVERY_S]


async def test_other_channels_are_not_held_up_by_a_slow_one() -> None:
    clock = FrozenClock()
    pace = Pace(clock)
    pace.slow_down(POST, "C1", 3)

    assert await waited_s(clock, pace, channel="C2") == 0.0
    assert (pace.is_slow(POST, "C1"), pace.is_slow(POST, "C2")) == (True, False)


async def test_updates_are_counted_for_the_whole_app() -> None:
    clock = FrozenClock()
    pace = Pace(clock)
    pace.slow_down("chat.update", "C1", 2)

    assert await waited_s(clock, pace, "chat.update", "C2") == 2.0
    assert await waited_s(clock, pace, POST, "C1") == 0.0


async def test_a_long_wait_is_refused_rather_than_waited_for() -> None:
    clock = FrozenClock()
    pace = Pace(clock)
    pace.slow_down(POST, "C1", 30)

    with pytest.raises(ThreadError) as caught:
        await pace.turn(POST, "C1")

    assert caught.value.retry_after_s == 30
    assert clock.slept_s == []


async def test_when_it_has_been_quiet_a_burst_is_tried_again() -> None:
    clock = FrozenClock()
    pace = Pace(clock)
    pace.slow_down(POST, "C1", 3)
    clock.move(minutes=2)

    assert not pace.is_slow(POST, "C1")
    assert [await waited_s(clock, pace) for _ in range(3)] == [0.0, 0.0, 0.0]
