"""What is told once, and what is done in turn, by three replicas on one store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from bot.domain.errors import ThreadError
from bot.worker.once import TELLING_TAKES, Once, name_of
from tests.builders import FrozenClock
from tests.ports import a_store
from tests.worker.faults import Fitful


class Room:
    """Three replicas, and what was said."""

    def __init__(self, store: object, clock: FrozenClock) -> None:
        self.clock = clock
        self.replicas = [Once(store=store, clock=clock, holder=f"bot-{n}") for n in range(3)]  # type: ignore[arg-type]
        self.said: list[str] = []
        self.refusals: list[ThreadError] = []

    async def say(self, text: str) -> None:
        await asyncio.sleep(0)
        if self.refusals:
            raise self.refusals.pop(0)
        self.said.append(text)


@pytest.fixture
async def room() -> AsyncGenerator[Room]:
    async with a_store() as store:
        yield Room(store, FrozenClock())


async def test_three_that_tell_the_same_tell_it_once(room: Room) -> None:
    tellings = [replica.tell("drift", room.say("changed")) for replica in room.replicas]
    ends = await asyncio.gather(*tellings, return_exceptions=True)

    assert room.said == ["changed"]
    assert [type(end) for end in ends].count(ThreadError) == 2, "who finds it held asks again: its holder may die"
    for replica in room.replicas:
        await replica.tell("drift", room.say("changed"))
    assert room.said == ["changed"]


async def test_what_was_told_is_noted_however_long_the_database_is_away(room: Room) -> None:
    """Else it would be told again."""
    first = room.replicas[0]
    away = Once(store=Fitful(first.store, {"notice_told": {1, 2}}), clock=room.clock, holder=first.holder)  # type: ignore[arg-type]
    await away.tell("drift", room.say("changed"))
    room.clock.move(minutes=5)

    for replica in room.replicas:
        await replica.tell("drift", room.say("changed"))
    assert room.said == ["changed"]


async def test_what_slack_did_not_take_is_told_by_whoever_comes_next(room: Room) -> None:
    room.refusals = [ThreadError("ratelimited", retry_after_s=1)]
    with pytest.raises(ThreadError, match="ratelimited"):
        await room.replicas[0].tell("drift", room.say("changed"))

    await room.replicas[1].tell("drift", room.say("changed"))
    assert room.said == ["changed"]


@pytest.mark.parametrize(
    "error", [ThreadError("x", is_permanent=True), ThreadError("x", is_in_doubt=True)], ids=["never", "doubt"]
)
async def test_what_slack_may_have_taken_or_never_will_is_not_told_by_the_others(room: Room, error: ThreadError) -> None:
    room.refusals = [error]
    with pytest.raises(ThreadError):
        await room.replicas[0].tell("drift", room.say("changed"))

    await room.replicas[1].tell("drift", room.say("changed"))
    assert room.said == []


async def test_what_a_dead_replica_was_telling_is_told_by_another(room: Room) -> None:
    dying = asyncio.create_task(room.replicas[0].tell("drift", asyncio.sleep(60)))
    await asyncio.sleep(0.05)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)

    with pytest.raises(ThreadError, match="told_by_another"):
        await room.replicas[1].tell("drift", room.say("changed"))
    room.clock.move(seconds=TELLING_TAKES.total_seconds())
    await room.replicas[1].tell("drift", room.say("changed"))
    assert room.said == ["changed"]


async def test_the_same_is_news_again_after_a_while(room: Room) -> None:
    for seconds in (0, 29, 1):
        room.clock.move(seconds=seconds)
        for replica in room.replicas:
            await replica.tell("reloaded", room.say("reloaded"), again_after=timedelta(seconds=30))

    assert room.said == ["reloaded", "reloaded"]


async def test_one_has_its_turn_at_a_time(room: Room) -> None:
    first, second, _ = room.replicas
    async with first.turn("probe billing", timedelta(seconds=40)) as is_ours:
        assert is_ours
        async with second.turn("probe billing", timedelta(seconds=40)) as is_theirs:
            assert not is_theirs
    async with second.turn("probe billing", timedelta(seconds=40)) as is_theirs:
        assert is_theirs


async def test_a_turn_ends_however_the_block_does(room: Room) -> None:
    first, second, _ = room.replicas
    with pytest.raises(ValueError, match="broken"):
        async with first.turn("probe billing", timedelta(seconds=40)):
            raise ValueError("broken")

    async with second.turn("probe billing", timedelta(seconds=40)) as is_ours:
        assert is_ours


async def test_a_turn_that_cannot_be_given_back_forgets_nothing_and_lapses(room: Room) -> None:
    """Else a bot that is to end would go on."""
    first, second, _ = room.replicas
    away = Once(store=Fitful(first.store, {"notice_not_told": {1}}), clock=room.clock, holder=first.holder)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="broken"):
        async with away.turn("probe billing", timedelta(seconds=40)):
            raise ValueError("broken")

    room.clock.move(seconds=40)
    async with second.turn("probe billing", timedelta(seconds=40)) as is_ours:
        assert is_ours


async def test_what_slack_may_have_taken_is_told_again_where_twice_is_better_than_never(room: Room) -> None:
    room.refusals = [ThreadError("unreachable", is_in_doubt=True)]
    with pytest.raises(ThreadError, match="unreachable"):
        await room.replicas[0].tell("end", room.say("it ended"), is_rather_twice=True)

    for replica in room.replicas:
        await replica.tell("end", room.say("it ended"), is_rather_twice=True)
    assert room.said == ["it ended"]


def test_two_who_say_the_same_name_it_alike() -> None:
    assert name_of("drift billing", "lost") == name_of("drift billing", "lost")
    assert name_of("drift billing", "lost") != name_of("drift billing", "mended")
