"""A launch that was just asked for goes to the loop that starts it at once, and nobody else starts it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bot import providers
from bot.domain.errors import LaunchIdTakenError, StoreUnavailableError
from bot.domain.model import Launch, State
from bot.store.rows import as_stored
from bot.store.sqlite import SqliteStore
from bot.worker import LEASE, LaunchWork, PacedWire
from bot.worker.handing import Hand
from bot.worker.launches import AT_ONCE_PER_CONNECTION
from bot.worker.loop import Loop
from tests.builders import a_connection, a_delivery, a_launch, an_event
from tests.ports import ListedGate, ListedWire, a_store
from tests.test_launching import TYPED, House
from tests.worker.test_launch_work import ACCEPTED
from tests.worker.test_loop import PatientClock


@dataclass
class Bench:
    """A loop of launches that sleeps until it is handed something."""

    store: SqliteStore
    wire: ListedWire = field(default_factory=ListedWire)
    clock: PatientClock = field(default_factory=PatientClock)
    shown: list[str] = field(default_factory=list)
    at_once: int = 256

    def __post_init__(self) -> None:
        known: dict[str, Any] = {"providers": providers.load(), "connections": {"billing": a_connection()}}
        self.paced = PacedWire(wire=self.wire, clock=self.clock, **known)
        self.work = LaunchWork(
            store=self.store,
            wire=self.wire,
            gate=ListedGate(),
            clock=self.clock,
            **known,
            paced=self.paced,
            holder="me",
            lease=LEASE,
            at_once=self.at_once,
            is_tracking=False,
            stored=as_stored,
        )
        self.loop: Loop[Launch] = Loop("launches", self.work, self.clock)
        self.hand = Hand(work=self.work, loop=self.loop, shown=lambda: self.shown.append("rung"))

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        task = asyncio.create_task(self.loop.run(lambda: None))
        await until(lambda: bool(self.clock.asked_s))
        try:
            yield
        finally:
            await self.loop.drain()
            await task

    async def keep(self, launch: Launch, **held: Any) -> None:
        key = a_delivery(key=f"command:{launch.launch_id}").key
        assert await self.store.create(launch, an_event(launch_id=launch.launch_id), delivery_key=key, **held) is None

    async def claimed_by(self, holder: str, *, later: timedelta = timedelta(0)) -> list[str]:
        now = self.clock.now() + later
        return [found.launch_id for found in await self.store.lease_due(now=now, until=now + LEASE, holder=holder, limit=9)]


async def until(is_so: Any) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)


@pytest.fixture
async def bench() -> AsyncGenerator[Bench]:
    async with a_store() as store:
        yield Bench(store)


async def test_what_is_handed_over_is_sent_without_a_claim(bench: Bench) -> None:
    bench.wire.answers = [ACCEPTED]
    async with bench.running():
        place = bench.hand.place(a_launch())
        assert place is not None
        await bench.keep(place.launch, holder=place.holder, until=place.until)
        place.begin()
        await until(lambda: not bench.loop._in_flight)

        launch = await bench.store.launch("L-7K3QW")
        assert launch is not None
        assert (launch.state, launch.run_id, launch.version) == (State.RUNNING, "400", a_launch().version + 2)
        assert bench.shown == ["rung"]


async def test_nobody_else_has_what_is_handed_over_unless_we_die(bench: Bench) -> None:
    async with bench.running():
        place = bench.hand.place(a_launch())
        assert place is not None
        await bench.keep(place.launch, holder=place.holder, until=place.until)

        assert await bench.claimed_by("other") == []
        assert await bench.claimed_by("me") == []
        assert await bench.claimed_by("other", later=LEASE) == ["L-7K3QW"]
        place.begin()
        await until(lambda: not bench.loop._in_flight)
        assert bench.wire.calls == [], "whoever lost it does not send it"


async def test_what_is_handed_over_while_its_connection_rests_waits_and_is_free(bench: Bench) -> None:
    until_then = bench.clock.now() + timedelta(minutes=1)
    bench.paced.heed({"provider billing": until_then})
    async with bench.running():
        place = bench.hand.place(a_launch())
        assert place is not None
        await bench.keep(place.launch, holder=place.holder, until=place.until)
        place.begin()
        await until(lambda: not bench.loop._in_flight)

        launch = await bench.store.launch("L-7K3QW")
        assert launch is not None
        assert (launch.state, launch.due_at, bench.wire.calls) == (State.QUEUED, until_then, [])
        assert await bench.claimed_by("other", later=timedelta(minutes=1)) == ["L-7K3QW"]


@pytest.mark.parametrize("state", [State.AWAITING_APPROVAL, State.RUNNING])
async def test_what_is_not_to_be_started_now_is_found_when_due(bench: Bench, state: State) -> None:
    async with bench.running():
        assert bench.hand.place(a_launch(state=state)) is None


async def test_without_a_running_loop_there_is_no_room(bench: Bench) -> None:
    assert bench.hand.place(a_launch()) is None
    async with bench.running():
        pass
    assert bench.hand.place(a_launch()) is None, "it has drained"


async def test_a_connection_has_its_part_of_the_room(bench: Bench) -> None:
    async with bench.running():
        places = [bench.hand.place(a_launch()) for _ in range(AT_ONCE_PER_CONNECTION)]
        assert None not in places
        assert bench.hand.place(a_launch()) is None
        assert bench.hand.place(a_launch(connection="crm")) is not None

        first = places[0]
        assert first is not None
        first.leave()
        assert bench.hand.place(a_launch()) is not None


async def test_the_loop_has_no_more_in_flight_than_it_may() -> None:
    async with a_store() as store:
        bench = Bench(store, at_once=1)
        async with bench.running():
            place = bench.hand.place(a_launch())
            assert place is not None
            assert bench.hand.place(a_launch(connection="crm")) is None
            place.leave()
            assert bench.hand.place(a_launch(connection="crm")) is not None


async def test_what_nobody_knows_to_be_kept_is_let_go(bench: Bench) -> None:
    bench.wire.answers = [ACCEPTED]
    async with bench.running():
        place = bench.hand.place(a_launch())
        assert place is not None
        await bench.keep(place.launch, holder=place.holder, until=place.until)
        place.doubt()
        bench.clock.gate.set()
        await until(lambda: bench.wire.calls and not bench.loop._in_flight)

        launch = await bench.store.launch("L-7K3QW")
        assert launch is not None
        assert launch.state is State.RUNNING, "found due, and claimed like any other"


async def test_what_comes_while_we_drain_is_given_back(bench: Bench) -> None:
    async with bench.running():
        place = bench.hand.place(a_launch())
        assert place is not None
        await bench.keep(place.launch, holder=place.holder, until=place.until)
    place.begin()
    await until(lambda: not bench.loop._in_flight)

    assert await bench.claimed_by("other") == ["L-7K3QW"]
    assert bench.wire.calls == []


async def test_it_is_sent_as_the_store_would_tell_it(bench: Bench) -> None:
    async with bench.running():
        place = bench.hand.place(a_launch(inputs={"note": "half \ud83d", "amount": 1.5}))
        assert place is not None
        await bench.keep(place.launch, holder=place.holder, until=place.until)

        assert place.launch == await bench.store.launch("L-7K3QW")
        place.leave()


@dataclass
class Room:
    """Notes what becomes of the places that it gives."""

    ends: list[str] = field(default_factory=list)

    def place(self, launch: Launch) -> Any:
        return _Noted(launch, self.ends)


@dataclass
class _Noted:
    launch: Launch
    ends: list[str]
    holder: str = "me"

    @property
    def until(self) -> Any:
        return self.launch.created_at + LEASE

    def begin(self) -> None:
        self.ends.append("begin")

    def leave(self) -> None:
        self.ends.append("leave")

    def doubt(self) -> None:
        self.ends.append("doubt")


@dataclass
class Broken:
    """A store whose ``create`` ends with these faults first."""

    store: SqliteStore
    faults: list[Exception]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def create(self, *given: Any, **named: Any) -> Any:
        if self.faults:
            raise self.faults.pop(0)
        return await self.store.create(*given, **named)


async def test_a_request_hands_over_what_it_keeps_and_nothing_twice() -> None:
    async with a_store() as store:
        house, room = House(store), Room()
        delivery = a_delivery()
        house.place = room.place
        await house.launching.record(delivery)
        first = await house.launching.request(delivery, TYPED)
        again = await house.launching.request(delivery, TYPED)

        assert (first.launch, again.is_repeated) == (again.launch, True)  # type: ignore[union-attr]
        assert room.ends == ["begin", "leave"]
        assert house.rings == ["ring"], "what was handed over needs no look"


@pytest.mark.parametrize(
    ("fault", "ends"),
    [(LaunchIdTakenError("L-00001"), ["leave", "begin"]), (StoreUnavailableError("here", "it is away"), ["doubt"])],
)
async def test_what_became_of_a_request_decides_about_its_place(fault: Exception, ends: list[str]) -> None:
    async with a_store() as store:
        room = Room()
        house = House(Broken(store, [fault]))  # type: ignore[arg-type]
        house.place = room.place
        delivery = a_delivery()
        await house.launching.record(delivery)
        try:
            await house.launching.request(delivery, TYPED)
        except StoreUnavailableError:
            assert ends == ["doubt"]
        assert room.ends == ends


async def test_a_delivery_that_became_a_launch_is_finished_with_it() -> None:
    async with a_store() as store:
        house = House(store)
        delivery, launching = a_delivery(), house.launching
        await launching.record(delivery)
        await launching.request(delivery, TYPED)
        assert await store.next_delivery() is None, "in the transaction that kept the launch"

        await launching.finish(delivery)
        assert await store.next_delivery() is None
