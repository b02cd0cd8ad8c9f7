"""How fast Slack lets us speak: learnt from its refusals, shared by everybody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.errors import ThreadError
from bot.domain.fellows import Fellows
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


# --- several replicas ---


async def test_what_another_replica_was_refused_holds_here_as_well() -> None:
    clock = FrozenClock()
    fellows = Fellows()
    refused, other = Pace(clock, fellows), Pace(clock)
    refused.slow_down(POST, "C1", 3)
    refused.slow_down("chat.update", "C1", 5)
    other.heed(fellows.take() | {"provider billing": clock.now()})

    assert [await waited_s(clock, other), await waited_s(clock, other, "chat.update")] == [3.0, 2.0]
    assert not other.is_slow(POST, "C2")


async def test_what_was_heard_of_another_is_not_told_again() -> None:
    fellows, clock = Fellows(), FrozenClock()
    pace = Pace(clock, fellows)
    pace.heed({f"slack {POST} C1": clock.now() + timedelta(seconds=9)})

    assert pace.is_slow(POST, "C1")
    assert fellows.take() == {}


async def test_three_replicas_speak_at_the_rate_of_one() -> None:
    clock = FrozenClock()
    pace = Pace(clock, Fellows(replicas=3))
    pace.slow_down(POST, "C1", 3)

    assert [await waited_s(clock, pace) for _ in range(2)] == [3.0, round(3 * POST_EVERY_S, 2)]


async def test_who_was_paused_while_waiting_does_not_speak() -> None:
    """What it was about to say may have been said by another meanwhile."""

    class Paused(FrozenClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds + 120)

    pace = Pace(Paused())
    pace.slow_down(POST, "C1", 3)

    with pytest.raises(ThreadError, match="overslept"):
        await pace.turn(POST, "C1")
