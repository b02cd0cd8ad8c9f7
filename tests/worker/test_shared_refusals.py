"""A refusal (429) to any call about a launch holds for all replicas: none sends over that connection until its wait is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bot import providers
from bot.domain.fellows import Fellows
from bot.domain.lifecycle import step
from bot.domain.model import Event, EventKind, State
from bot.domain.provider import Accepted, Busy, Matches, Stopping
from bot.ports import Replica, Store
from bot.worker import LEASE, LaunchWork, PacedWire, Sharing
from tests.builders import NOON, FrozenClock, a_connection
from tests.ports import ListedGate, ListedWire, a_store
from tests.store.steps import ids, keep, read
from tests.worker.test_launch_gate import APPROVAL

WAIT_S = 60
BUSY = Busy(code="HTTP 429", meaning="Too many calls", retry_after_s=WAIT_S)
BITRIX = a_connection(name="crm", provider="bitrix24", base_url="https://vibecode.bitrix24.tech")
CRM: dict[str, Any] = {
    "connection": "crm",
    "provider": "bitrix24",
    "workflow_id": "713",
    "inputs": {"entityType": "deal", "entityId": 5141},
}


@dataclass
class Narrow(ListedWire):
    """A wire with one place. ``wanted``: how often it was."""

    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    wanted: int = 0

    @asynccontextmanager
    async def place(self, connection: str) -> AsyncGenerator[Any, None]:
        self.wanted += 1
        async with self.slots, super().place(connection) as perform:
            yield perform


class One:
    """A replica, as far as it acts on launches."""

    def __init__(self, store: Store, name: str, clock: FrozenClock) -> None:
        self.store, self.clock, self.wire, fellows = store, clock, Narrow(), Fellows()
        known: dict[str, Any] = {"providers": providers.load(), "connections": {"billing": a_connection(), "crm": BITRIX}}
        self.paced = PacedWire(wire=self.wire, clock=clock, fellows=fellows, **known)
        self.work = LaunchWork(
            store=store,
            wire=self.wire,
            gate=ListedGate(),
            clock=clock,
            holder=name,
            lease=LEASE,
            paced=self.paced,
            is_tracking=False,
            **known,
        )
        replica = Replica(holder=name, version="1.0")
        heeds = (self.paced.heed,)
        self.sharing = Sharing(store=store, clock=clock, replica=replica, fellows=fellows, alive_for=LEASE, heeds=heeds)

    async def act(self, *answers: Any) -> list[str]:
        """Claim what is due and act on all of it at once, with these answers; what was claimed."""
        self.wire.answers = list(answers)
        claimed = await self.work.claim(100)
        await asyncio.gather(*(self.work.act(launch) for launch in claimed))
        return ids(list(claimed))

    async def is_refused(self) -> None:
        """Its connection ``billing`` was refused just now."""
        self.paced.learnt("billing", BUSY)
        await self.sharing.exchange()


@pytest.fixture
async def store() -> AsyncGenerator[Store]:
    async with a_store() as opened:
        yield opened


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def one(store: Store, clock: FrozenClock) -> One:
    return One(store, "bot-1", clock)


@pytest.fixture
def other(store: Store, clock: FrozenClock) -> One:
    return One(store, "bot-2", clock)


async def sent(store: Store, **changes: Any) -> None:
    """A launch whose start was perhaps sent, by a replica that died then."""
    launch = await keep(store, **changes)
    event = Event(launch_id=launch.launch_id, kind=EventKind.STARTING, at=NOON, facts={})
    assert await store.save(step(launch, event), event)


async def lines(store: Store, clock: FrozenClock, launch_id: str) -> list[Event]:
    now = clock.now()
    tellings = await store.lease_tellings(now=now, until=now, holder="a teller", limit=100)
    return [line.event for telling in tellings if telling.launch.launch_id == launch_id for line in telling.lines]


class TestStarts:
    async def test_a_refused_start_holds_back_those_of_the_other_replica_until_its_wait_is_over(
        self, one: One, other: One, store: Store, clock: FrozenClock
    ) -> None:
        until = NOON + timedelta(seconds=WAIT_S)
        await keep(store, launch_id="L-0001")
        await one.act(BUSY)
        await one.sharing.exchange()
        await keep(store, launch_id="L-0002")
        await other.sharing.exchange()

        assert await store.pauses(now=clock.now()) == {"provider billing": until}
        for late_s in (0, WAIT_S - 1):
            clock.time = NOON + timedelta(seconds=late_s)
            await other.act()
            waiting = await read(store, "L-0002")
            assert (waiting.state, waiting.due_at, waiting.attempts, waiting.sent_at) == (State.QUEUED, until, 0, None)
        assert other.wire.calls == []

        clock.time = until
        assert await other.act(*[Accepted(run_id=run_id) for run_id in ("400", "401")]) == ["L-0001", "L-0002"]
        await one.act()
        clock.move(days=1)
        await one.act()
        await other.act()

        assert [(await read(store, name)).state for name in ("L-0001", "L-0002")] == [State.RUNNING] * 2
        assert [len(each.wire.calls) for each in (one, other)] == [1, 2]

    async def test_what_waits_for_its_turn_behind_a_refused_start_is_not_sent(self, one: One, store: Store) -> None:
        for number in range(9):
            await keep(store, launch_id=f"L-{number:04}")

        async def refused_late() -> Busy:
            while one.wire.wanted < 9:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0)
            return BUSY

        assert len(await one.act(refused_late)) == 9

        found = [await read(store, f"L-{number:04}") for number in range(9)]
        assert len(one.wire.calls) == 1
        assert {(each.state, each.due_at) for each in found} == {(State.QUEUED, NOON + timedelta(seconds=WAIT_S))}
        assert await one.work.next_due() == NOON + timedelta(seconds=WAIT_S)

    async def test_other_connections_are_not_held_back(self, one: One, store: Store) -> None:
        await one.is_refused()
        await keep(store, **CRM)

        await one.act(Accepted(run_id="400"))

        assert (await read(store)).state is State.RUNNING

    async def test_a_long_wait_is_told_once(self, one: One, store: Store, clock: FrozenClock) -> None:
        await keep(store)
        for _ in range(2):
            await one.is_refused()
            await one.act()
            clock.move(seconds=WAIT_S)

        [told] = await lines(store, clock, "L-7K3QW")
        assert told.kind is EventKind.DELAYED
        assert "no more calls over the connection billing" in told.facts["meaning"]
        assert told.facts["retry_at"] == (NOON + timedelta(seconds=WAIT_S)).isoformat()

    async def test_a_short_wait_is_not_told(self, one: One, store: Store, clock: FrozenClock) -> None:
        one.paced.learnt("billing", replace(BUSY, retry_after_s=5))
        await keep(store)

        await one.act()

        assert (await read(store)).due_at == NOON + timedelta(seconds=5)
        assert await lines(store, clock, "L-7K3QW") == []

    async def test_whoever_cancels_does_not_wait(self, one: One, store: Store) -> None:
        await one.is_refused()
        await keep(store, cancel_asked_by="U0ALICE")

        await one.act()

        assert (await read(store)).state is State.CANCELLED

    async def test_an_approval_expires_all_the_same(self, one: One, store: Store, clock: FrozenClock) -> None:
        await keep(store, state=State.AWAITING_APPROVAL, approval=APPROVAL)
        clock.move(hours=1)
        await one.is_refused()

        await one.act()

        assert (await read(store)).state is State.EXPIRED

    async def test_a_start_that_may_have_been_applied_is_sent_again_after_the_wait(
        self, one: One, store: Store, clock: FrozenClock
    ) -> None:
        await sent(store)
        await one.is_refused()

        await one.act()
        assert ((await read(store)).state, one.wire.calls) == (State.STARTING, [])

        clock.move(seconds=WAIT_S)
        await one.act(Accepted(run_id="400"))
        assert (await read(store)).state is State.RUNNING

    async def test_it_does_not_wait_beyond_its_key(self, one: One, store: Store, clock: FrozenClock) -> None:
        await sent(store)
        clock.move(hours=23)
        one.paced.learnt("billing", replace(BUSY, retry_after_s=3600))

        await one.act(Accepted(run_id="400"))

        assert (await read(store)).state is State.RUNNING

    async def test_a_start_found_after_a_crash_is_in_doubt_at_once_where_there_is_no_key(self, one: One, store: Store) -> None:
        await sent(store, **CRM)
        one.paced.learnt("crm", BUSY)

        await one.act()

        assert (await read(store)).state is State.IN_DOUBT


class TestStopsAndLookUps:
    async def test_a_refused_stop_is_shared_and_others_wait(self, one: One, other: One, store: Store, clock: FrozenClock) -> None:
        asked = {"cancel_asked_by": "U0ALICE", "due_at": NOON}
        await keep(store, launch_id="L-0001", state=State.RUNNING, run_id="400", **asked)
        await one.act(BUSY)
        await one.sharing.exchange()
        await keep(store, launch_id="L-0002", state=State.RUNNING, run_id="401", **asked)
        await other.sharing.exchange()

        await other.act()
        waiting = await read(store, "L-0002")
        assert (waiting.due_at, waiting.misses, other.wire.calls) == (NOON + timedelta(seconds=WAIT_S), 0, [])

        clock.move(seconds=WAIT_S)
        await other.act(Stopping(), Stopping())
        assert (await read(store, "L-0002")).is_cancel_sent

    async def test_a_refused_look_up_is_shared_and_others_wait(
        self, one: One, other: One, store: Store, clock: FrozenClock
    ) -> None:
        lost = CRM | {"state": State.IN_DOUBT, "sent_at": NOON, "attempts": 1}
        await keep(store, launch_id="L-0001", **lost)
        await one.act(BUSY)
        await one.sharing.exchange()
        await keep(store, launch_id="L-0002", **lost)
        await other.sharing.exchange()

        await other.act()
        waiting = await read(store, "L-0002")
        assert (waiting.due_at, waiting.looks, other.wire.calls) == (NOON + timedelta(seconds=WAIT_S), 0, [])

        clock.move(seconds=WAIT_S)
        await other.act(Matches(candidates=()), Matches(candidates=()))
        assert (await read(store, "L-0002")).looks == 1
