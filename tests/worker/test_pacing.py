"""The paced wire and the plans, over a wire that answers from a list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bot import providers
from bot.domain.errors import StoreUnavailableError
from bot.domain.model import Launch, State
from bot.domain.provider import Busy, Call, Observed, Provider, Reply, Unreachable
from bot.store.sqlite import SqliteStore
from bot.worker import LEASE, LaunchWork, PacedWire, Plans
from bot.worker.launches import AT_ONCE_PER_CONNECTION
from tests.builders import NOON, FrozenClock, a_connection, a_launch
from tests.ports import ListedGate, ListedWire, a_store
from tests.store.steps import keep

PROVIDERS = providers.load()
ZUORA = PROVIDERS["zuora"]
CONNECTIONS = {"billing": a_connection()}
BUSY = Busy(code="429", meaning="Too much.", retry_after_s=60)


@dataclass
class Counting:
    """Answers each call with a reply, or with what is listed first."""

    clock: FrozenClock
    calls: list[Call] = field(default_factory=list)
    troubles: list[Any] = field(default_factory=list)

    def place(self, connection: str) -> str:
        return f"a place at {connection}"

    async def perform(self, connection: str, exchange: Any) -> Any:
        self.calls.append(next(exchange))
        if self.troubles:
            return self.troubles.pop(0)
        try:
            exchange.send(Reply(status=200))
        except StopIteration as stop:
            return stop.value
        raise AssertionError(f"more than one call at once over {connection}")


def pages(count: int, answer: Any = "done") -> Any:
    for number in range(count):
        reply = yield Call(method="GET", path=f"/{number}")
        assert isinstance(reply, Reply)
    return answer


@pytest.fixture
def wire() -> PacedWire:
    clock = FrozenClock()
    return PacedWire(wire=Counting(clock), clock=clock, providers=PROVIDERS, connections=CONNECTIONS)


class TestPacedWire:
    async def test_an_exchange_of_several_calls_is_carried_call_by_call(self, wire: PacedWire) -> None:
        assert await wire.perform("billing", pages(3)) == "done"
        assert [call.path for call in wire.wire.calls] == ["/0", "/1", "/2"]

    async def test_an_exchange_without_a_call_costs_nothing(self, wire: PacedWire) -> None:
        before = wire.budget("billing")

        assert await wire.perform("billing", pages(0)) == "done"
        assert wire.budget("billing") == before

    async def test_calls_wait_for_their_turn(self, wire: PacedWire) -> None:
        saved = wire.budget("billing").free(NOON)

        assert await wire.perform("billing", pages(saved)) == "done"
        assert wire.clock.now() == NOON
        await wire.perform("billing", pages(10))
        assert wire.clock.now() > NOON

    async def test_what_is_not_answered_is_the_answer(self, wire: PacedWire) -> None:
        lost = Unreachable(is_possibly_applied=False, detail="no answer in time")
        wire.wire.troubles = [lost]

        assert await wire.perform("billing", pages(3)) == lost
        assert len(wire.wire.calls) == 1

    async def test_a_busy_provider_is_not_called_before_its_wait_is_over(self, wire: PacedWire) -> None:
        await wire.perform("billing", pages(1, answer=BUSY))

        paced = await wire.perform("billing", pages(1))
        assert isinstance(paced, Busy)
        assert (paced.code, paced.retry_after_s) == ("PACED", 60)
        assert len(wire.wire.calls) == 1

        wire.clock.move(seconds=60)
        assert await wire.perform("billing", pages(1)) == "done"

    async def test_one_connections_trouble_is_not_anothers(self, wire: PacedWire) -> None:
        await wire.perform("billing", pages(1, answer=BUSY))

        assert await wire.perform("other", pages(1)) == "done"

    async def test_replicas_share_what_a_connection_may_be_asked(self, wire: PacedWire) -> None:
        alone = wire.budget("billing")
        wire.fellows.replicas = 3

        assert wire.budget("billing").calls_a_minute == alone.calls_a_minute / 3
        wire.fellows.replicas = 1
        assert wire.budget("billing") == alone

    async def test_a_refusal_is_told_to_the_other_replicas(self, wire: PacedWire) -> None:
        await wire.perform("billing", pages(1, answer=BUSY))

        assert wire.fellows.take() == {"provider billing": NOON + timedelta(seconds=60)}

    async def test_what_another_replica_was_refused_holds_here_as_well(self, wire: PacedWire) -> None:
        pauses = {"provider billing": NOON + timedelta(seconds=60), "provider gone": NOON, "slack chat.update ": NOON}
        for _ in range(3):
            wire.heed(pauses)

        paced = await wire.perform("billing", pages(1))
        assert isinstance(paced, Busy)
        assert paced.retry_after_s == 60
        assert wire.budget("billing").share == 0.5, "heard three times, learnt once"
        assert wire.fellows.take() == {}
        assert await wire.perform("other", pages(1)) == "done"

    async def test_a_place_is_that_of_the_wire_underneath(self, wire: PacedWire) -> None:
        assert wire.place("billing") == "a place at billing"

    async def test_a_connection_that_nobody_knows_has_the_cautious_budget(self, wire: PacedWire) -> None:
        assert wire.budget("gone").calls_a_minute == Provider.allowance.calls_a_minute


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    async with a_store() as opened:
        yield opened


async def over(store: SqliteStore, launch_id: str, took_s: float) -> None:
    launch = await keep(store, launch_id=launch_id, state=State.RUNNING)
    assert await store.save(launch, None, took_s=took_s)


class TestPlans:
    async def test_nothing_is_planned_until_a_run_has_ended(self, store: SqliteStore) -> None:
        plans = Plans(store=store, clock=FrozenClock())

        assert await plans.of(a_launch(), a_connection(), ZUORA) is None

    async def test_what_is_known_is_read_again_after_half_a_minute(self, store: SqliteStore) -> None:
        clock = FrozenClock()
        plans = Plans(store=store, clock=clock)
        await over(store, "L-0001", 60)
        first = await plans.of(a_launch(), a_connection(), ZUORA)
        await over(store, "L-0002", 90)

        assert await plans.of(a_launch(), a_connection(), ZUORA) is first
        clock.move(seconds=30)
        later = await plans.of(a_launch(), a_connection(), ZUORA)
        assert later is not None
        assert later.durations_s == (60.0, 90.0)

    async def test_the_configured_pause_is_that_of_even_polling(self, store: SqliteStore) -> None:
        plans = Plans(store=store, clock=FrozenClock())
        await over(store, "L-0001", 60)
        configured = await plans.of(a_launch(), a_connection(poll_every_s=45.0), ZUORA)
        advised = await plans.of(a_launch(), a_connection(), ZUORA)

        assert configured is not None
        assert advised is not None
        assert (configured.even_s, configured.longest_s) == (45.0, 90.0)
        assert (advised.even_s, advised.longest_s) == (ZUORA.pace.first_s, ZUORA.pace.most_s)

    async def test_a_database_that_is_away_is_no_reason_not_to_ask(self) -> None:
        class Away:
            async def durations(self, *_names: str) -> tuple[float, ...]:
                raise StoreUnavailableError("here", "it is locked")

        plans = Plans(store=Away(), clock=FrozenClock())  # type: ignore[arg-type]

        assert await plans.of(a_launch(), a_connection(), ZUORA) is None


class TestRoom:
    """Launches beside a ``TrackWork``: each connection has its part of what is in flight."""

    def work(self, store: SqliteStore, *answers: Any) -> LaunchWork:
        return LaunchWork(
            store=store,
            wire=ListedWire(answers=list(answers)),
            gate=ListedGate(),
            clock=FrozenClock(),
            providers=PROVIDERS,
            connections=CONNECTIONS | {"other": a_connection(name="other")},
            holder="me",
            lease=LEASE,
            is_tracking=False,
        )

    async def queued(self, store: SqliteStore, count: int, connection: str) -> list[Launch]:
        names = [f"L-{connection[0].upper()}{n:04}" for n in range(count)]
        return [await keep(store, launch_id=name, connection=connection, due_at=NOON - timedelta(seconds=9)) for name in names]

    async def test_a_slow_provider_leaves_room_for_others(self, store: SqliteStore) -> None:
        await self.queued(store, AT_ONCE_PER_CONNECTION + 20, "billing")
        await keep(store, launch_id="L-07HER", connection="other", due_at=NOON)
        work = self.work(store)

        claimed = await work.claim(256)

        assert len(claimed) == AT_ONCE_PER_CONNECTION + 1
        assert claimed[-1].launch_id == "L-07HER"
        assert await work.claim(256) == []
        assert await work.next_due() is None

    async def test_whoever_is_done_makes_room(self, store: SqliteStore) -> None:
        await self.queued(store, AT_ONCE_PER_CONNECTION + 2, "billing")
        work = self.work(store, Busy(code="429", meaning="Too much.", retry_after_s=600))
        first, *_ = await work.claim(256)

        await work.act(first)

        assert await work.next_due() == NOON - timedelta(seconds=9)
        assert len(await work.claim(256)) == 1

    async def test_no_more_is_claimed_than_the_loop_has_place_for(self, store: SqliteStore) -> None:
        await self.queued(store, 5, "billing")
        await self.queued(store, 5, "other")

        assert len(await self.work(store).claim(7)) == 7

    async def test_runs_are_left_to_who_asks_about_them(self, store: SqliteStore) -> None:
        await keep(store, state=State.RUNNING, run_id="400")
        work = self.work(store)

        assert await work.claim(10) == []
        assert await work.next_due() is None

    async def test_a_look_is_recorded_all_the_same(self, store: SqliteStore) -> None:
        await keep(store, state=State.RUNNING, run_id="400", provider_status="Busy", sent_at=NOON)
        until = NOON + timedelta(minutes=1)
        [launch] = await store.lease_of("billing", is_tracked=True, now=NOON, until=until, holder="me", limit=1)

        await self.work(store).looked(launch, Observed(provider_status="Busy"), CONNECTIONS["billing"])

        stored = await store.launch(launch.launch_id)
        assert stored is not None
        assert (stored.looks, stored.state) == (1, State.RUNNING)
