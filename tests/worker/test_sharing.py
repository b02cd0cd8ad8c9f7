"""Replicas that share one store know of each other, and of each other's refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.errors import StoreUnavailableError
from bot.domain.fellows import Fellows
from bot.gateways.clock import SystemClock
from bot.gateways.slack_pace import Pace
from bot.ports import Replica
from bot.store import open_store
from bot.worker import LEASE, Sharing, Worker
from tests.builders import NOON, FrozenClock, a_launch, an_event
from tests.ports import RecordingThread, a_store
from tests.postgres_server import migrated_database
from tests.worker.waiting import Timed, WaitingClock

WITHIN_S = 1.0


class One:
    """One replica's part in it."""

    def __init__(self, store: Any, name: str, clock: Any, version: str = "1.0") -> None:
        self.fellows, self.heard = Fellows(), dict[str, datetime]()
        self.sharing = Sharing(
            store=store,
            clock=clock,
            replica=Replica(holder=name, version=version),
            fellows=self.fellows,
            alive_for=LEASE,
            heeds=[self.hear],
        )

    def hear(self, pauses: Mapping[str, datetime]) -> None:
        self.heard.update(pauses)


@pytest.fixture
async def three() -> AsyncGenerator[tuple[FrozenClock, list[One]]]:
    clock = FrozenClock()
    async with a_store() as store:
        yield clock, [One(store, f"bot-{n}", clock) for n in range(3)]


async def beat(ones: list[One]) -> list[int]:
    for one in ones:
        await one.sharing.beat()
    return [one.fellows.replicas for one in ones]


async def test_each_knows_how_many_are_alive(three: tuple[FrozenClock, list[One]]) -> None:
    clock, ones = three
    await beat(ones)
    assert await beat(ones) == [3, 3, 3]

    clock.move(seconds=LEASE.total_seconds())
    assert await beat(ones[:2]) == [1, 2]
    assert await beat(ones[:2]) == [2, 2]


async def test_one_that_ends_is_no_longer_counted(three: tuple[FrozenClock, list[One]]) -> None:
    _, ones = three
    await beat(ones)
    await ones[0].sharing.end()

    assert await beat(ones[1:]) == [2, 2]


async def test_what_one_was_refused_all_hear(three: tuple[FrozenClock, list[One]]) -> None:
    _, ones = three
    ones[0].fellows.learn("provider billing", NOON + timedelta(minutes=1))
    await beat(ones)

    assert [one.heard for one in ones] == [{"provider billing": NOON + timedelta(minutes=1)}] * 3


async def test_what_could_not_be_told_is_told_later(three: tuple[FrozenClock, list[One]]) -> None:
    _, ones = three
    store, away = ones[0].sharing.store, _Away()
    ones[0].fellows.learn("provider billing", NOON + timedelta(minutes=1))
    ones[0].sharing.store = away  # type: ignore[assignment]
    with pytest.raises(StoreUnavailableError):
        await ones[0].sharing.exchange()
    await ones[0].sharing.end()

    ones[0].sharing.store = store
    await beat(ones)
    assert ones[1].heard


class _Away:
    """A database that is not there."""

    def __getattr__(self, name: str) -> Any:
        async def fails(*_: Any, **__: Any) -> None:
            raise StoreUnavailableError("here", "nothing answers there")

        return fails


class _Slow:
    """A database that has no place for a sign of life."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def seen(self, *_: Any, **__: Any) -> None:
        await asyncio.Event().wait()


def broken(*_: Any) -> None:
    raise ValueError("a fault of our own")


async def test_leases_are_renewed_although_no_sign_of_life_can_be_given() -> None:
    """Else others would take over what we are at, because of a fault in what is merely good to know."""
    clock = WaitingClock()
    async with a_store() as store:
        timed = Timed(store, clock)
        one = One(timed, "bot-1", clock)
        one.sharing.heeds = [broken]
        await store.keep_pauses({"provider billing": NOON + timedelta(hours=1)})
        await store.create(a_launch(), an_event(), delivery_key="command:1", holder="bot-1", until=NOON + LEASE)
        worker = Worker(store=timed, thread=RecordingThread(), clock=clock, holder="bot-1", works=(), sharing=one.sharing)  # type: ignore[arg-type]
        async with worker:
            await clock.pass_(60)
            now = clock.now()
            assert await store.lease_due(now=now, until=now + LEASE, holder="other", limit=1) == []

    assert len(timed.renewed_at_s) == 12


async def test_leases_are_renewed_while_a_sign_of_life_waits_for_the_database() -> None:
    """It may wait for a place longer than a lease lasts."""
    clock = WaitingClock()
    async with a_store() as store:
        timed = Timed(store, clock)
        one = One(_Slow(timed), "bot-1", clock)
        worker = Worker(store=timed, thread=RecordingThread(), clock=clock, holder="bot-1", works=(), sharing=one.sharing)  # type: ignore[arg-type]
        async with worker:
            await clock.pass_(60)

    assert len(timed.renewed_at_s) == 12


async def test_a_fault_in_what_others_told_does_not_end_the_hearing(three: tuple[FrozenClock, list[One]]) -> None:
    _, ones = three
    one, faults = ones[0], [True]

    def hear(pauses: Mapping[str, datetime]) -> None:
        if faults:
            faults.pop()
            broken()
        one.hear(pauses)

    one.sharing.heeds = [hear]
    await one.sharing.store.keep_pauses({"provider billing": NOON + timedelta(hours=1)})
    running = asyncio.create_task(one.sharing.run())
    try:
        async with asyncio.timeout(10):
            while not one.heard:
                one.sharing.ring()
                await asyncio.sleep(0.001)
    finally:
        running.cancel()
        await asyncio.wait({running})


# --- two on Postgres, each with its own connections -----------------------------------------------------------------------------


@asynccontextmanager
async def alive(url: str, name: str) -> AsyncGenerator[tuple[One, Pace]]:
    clock = SystemClock()
    async with open_store(url) as store:
        one = One(store, name, clock)
        pace = Pace(clock, one.fellows)
        one.sharing.heeds = [one.hear, pace.heed]
        worker = Worker(store=store, thread=RecordingThread(), clock=clock, holder=name, works=(), sharing=one.sharing)  # type: ignore[arg-type]
        async with worker:
            store.on_news(worker.hear)
            yield one, pace


async def test_a_refusal_by_slack_is_known_to_the_other_within_a_second() -> None:
    url = migrated_database()
    async with alive(url, "bot-1") as (_, first), alive(url, "bot-2") as (other, second):
        await asyncio.sleep(0.5)
        first.slow_down("chat.postMessage", "C0FINANCE", 30)
        async with asyncio.timeout(WITHIN_S):
            while not second.is_slow("chat.postMessage", "C0FINANCE"):  # noqa: ASYNC110 - nothing else tells
                await asyncio.sleep(0.01)

        assert not second.is_slow("chat.postMessage", "C0SALES")
        assert other.heard
