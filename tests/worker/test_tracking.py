"""Runs asked about by connection and by lists: over a real store, against the stand-ins, in time that the test hands out."""

from __future__ import annotations

import gc
import random
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from statistics import mean
from typing import Any

import pytest

from bot.domain.errors import StoreUnavailableError
from bot.domain.lifecycle import step
from bot.domain.model import EventKind, Launch, State
from bot.domain.provider import Exchange, Reply, Unreachable
from bot.worker import LEASE
from bot.worker.tracking import MISSING_AT_ONCE, ROOM_WITHIN, TrackWork
from tests.builders import NOON, an_event
from tests.ports import a_store
from tests.tracking_parts import ADD_NUMBERS, FIND_EMAIL, Desk
from tests.worker.faults import Fitful

TEMPLATES = ("713", "714", "715", "716")
LISTS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("bitrix24", ("713",)),
    ("bitrix24", TEMPLATES),
    ("domo", (ADD_NUMBERS,)),
    ("captain_data", (FIND_EMAIL,)),
)
NO_ANSWER = Unreachable(is_possibly_applied=False, detail="no answer in time")


@pytest.fixture
def name() -> str:
    return "bitrix24"


@pytest.fixture
async def desk(name: str) -> AsyncIterator[Desk]:
    async with a_store() as store:
        yield Desk(store, name)


async def begin_many(
    desk: Desk, count: int, workflows: Sequence[str], *, from_s: float = 20, to_s: float = 280, **changes: Any
) -> None:
    chance = random.Random(1)  # noqa: S311 - lots for made-up runs, the same in every run of the tests
    for n in range(count):
        await desk.begin(f"L-{n:05}", workflows[n % len(workflows)], chance.uniform(from_s, to_s), **changes)


async def begin_beside(desk: Desk, names: Sequence[str], count: int) -> None:
    """So many runs that are due now, at the desk's connection and at others like it."""
    for place, name in enumerate((desk.provider, *names)):
        desk.connections[name] = replace(desk.connections[desk.provider], name=name)
        for n in range(count):
            await desk.begin(f"L-{place}{n:04}", "713", 100.0, connection=name)
    desk.clock.move(seconds=10)


def watched(desk: Desk, before_call: Callable[[], Awaitable[None]]) -> TrackWork:
    """The desk's work, over a wire at which ``before_call`` is awaited before each call."""

    class Watched:
        async def perform(self, connection: str, exchange: Exchange[Any]) -> Any:
            await before_call()
            return await desk.site.perform(connection, exchange)

        def place(self, connection: str) -> Any:
            return desk.site.place(connection)

    wire = replace(desk.wire, wire=Watched())
    return replace(desk.work, wire=wire, launches=replace(desk.work.launches, wire=wire))


class TestManyRuns:
    @pytest.mark.parametrize("workflows", [TEMPLATES[:1], TEMPLATES], ids=["one template", "four templates"])
    async def test_three_hundred_runs_at_bitrix24_take_less_than_240_calls_a_minute(
        self, desk: Desk, workflows: Sequence[str]
    ) -> None:
        """Issue 8, shown by 4. One task for each run that polls every five seconds makes some twenty times as many."""
        await begin_many(desk, 300, workflows, from_s=200, to_s=600)

        await desk.pass_time(180)

        assert await desk.ended() == {}
        assert 0 < desk.site.busiest_minute() <= 240

    @pytest.mark.parametrize(("name", "workflows"), LISTS)
    async def test_every_end_is_seen_and_none_before_it_came(self, desk: Desk, workflows: Sequence[str]) -> None:
        await begin_many(desk, 120, workflows)

        await desk.pass_time(500)

        late = await desk.ended()
        assert len(late) == 120
        assert min(late.values()) >= timedelta(0)
        assert mean(each.total_seconds() for each in late.values()) < 30
        assert {(await desk.stored(one)).state for one in late} <= {State.ENDED, State.SUCCEEDED, State.FAILED}

    @pytest.mark.parametrize(("name", "workflows"), LISTS)
    async def test_lists_cost_a_fraction_of_asking_singly(self, desk: Desk, workflows: Sequence[str]) -> None:
        await begin_many(desk, 120, workflows)

        await desk.pass_time(500)

        looks = sum([(await desk.stored(one)).looks for one in desk.runs])
        assert len(desk.site.calls) < looks / 3

    @pytest.mark.parametrize(("name", "workflows"), [("domo", (ADD_NUMBERS,))])
    async def test_many_runs_that_no_list_shows_are_asked_about_in_turn_within_the_budget(
        self, desk: Desk, workflows: Sequence[str]
    ) -> None:
        """Their rows lie deep among those of others, so that each is asked about by itself."""
        await begin_many(desk, 200, workflows, from_s=10_000, to_s=20_000)
        desk.clock.move(seconds=1)
        for _ in range(1500):
            desk.standins.start_elsewhere("domo", ADD_NUMBERS, started_by="4471200")

        await desk.pass_time(400)

        looks = [(await desk.stored(one)).looks for one in desk.runs]
        assert desk.site.busiest_minute() <= 60
        assert max(looks) - min(looks) <= 1
        assert min(looks) >= 1


class TestPages:
    """A list of several pages, over a wire at which a test may look, or act, before each call."""

    async def test_what_a_page_tells_is_recorded_and_rung_before_the_next_is_asked(self) -> None:
        async with a_store() as store:
            desk = Desk(store, "domo")
            await begin_many(desk, 150, (ADD_NUMBERS,), from_s=30, to_s=40, provider_status="IN_PROGRESS")
            desk.clock.move(seconds=10)
            ledger = desk.standins.standin("domo").ledger
            over = ledger.seen(desk.clock.now().timestamp())[0].run_id
            ledger.change(over, lasts_s=1.0)
            [ended] = [one for one, run in desk.runs.items() if run.run_id == over]
            seen: list[tuple[int, State, int]] = []
            rings: list[str] = []

            async def look() -> None:
                looked = sum([(await desk.stored(one)).looks for one in desk.runs])
                seen.append((looked, (await desk.stored(ended)).state, len(rings)))

            work = replace(watched(desk, look), ring=lambda: rings.append("ring"))
            [batch] = await work.claim(10)
            await work.act(batch)

            assert seen == [(0, State.RUNNING, 0), (100, State.SUCCEEDED, 1)]
            assert len(rings) == 1
            assert batch.left == {}

    async def test_a_page_that_is_not_answered_says_nothing_of_those_before_it(self) -> None:
        async with a_store() as store:
            desk = Desk(store, "domo")
            await begin_many(desk, 150, (ADD_NUMBERS,), from_s=30, to_s=40, provider_status="IN_PROGRESS")
            desk.clock.move(seconds=10)

            async def break_off() -> None:
                desk.site.replies = [NO_ANSWER] if desk.site.calls else []

            work = watched(desk, break_off)
            [batch] = await work.claim(10)
            await work.act(batch)

            misses = [(await desk.stored(one)).misses for one in desk.runs]
            assert (misses.count(0), misses.count(1)) == (100, 50)
            assert len(desk.site.calls) == 2

    async def test_what_falls_due_next_is_counted_from_when_its_page_was_asked_for(self) -> None:
        async with a_store() as store:
            desk = Desk(store, "domo", poll_every_s=20)
            await begin_many(desk, 150, (ADD_NUMBERS,), from_s=30, to_s=40, provider_status="IN_PROGRESS")
            desk.clock.move(seconds=10)
            desk.site.call_takes_s = 3.0

            [batch] = await desk.work.claim(10)
            await desk.work.act(batch)

            dues = sorted([(await desk.stored(one)).due_at or NOON for one in desk.runs])
            assert dues[0] == NOON + timedelta(seconds=30)
            assert dues[100] == NOON + timedelta(seconds=33)


class TestOneByOne:
    async def test_what_a_list_lacks_is_asked_about_by_itself_and_the_rest_is_due_again(self, name: str) -> None:
        async with a_store() as store:
            desk = Desk(store, "domo")
            await begin_many(desk, 40, (ADD_NUMBERS,), from_s=500, to_s=600)
            desk.clock.move(seconds=10)
            desk.site.replies = [Reply(status=403)]

            [batch] = await desk.work.claim(10)
            await desk.work.act(batch)

            looked = [one for one in desk.runs if (await desk.stored(one)).looks]
            assert len(looked) == max(MISSING_AT_ONCE, 4)
            assert len(desk.site.calls) == 1 + len(looked)
            assert await store.next_by_connection(is_tracked=True, now=desk.clock.now()) == {"domo": NOON + timedelta(seconds=5)}

    async def test_what_is_due_again_is_given_back_in_few_writes(self) -> None:
        """A list may need a right that the run does not: then hundreds come back each time."""
        async with a_store() as store:
            desk = Desk(store, "domo")
            await begin_many(desk, 250, (ADD_NUMBERS,), from_s=500, to_s=600)
            desk.clock.move(seconds=10)
            desk.site.replies = [Reply(status=403)]
            fitful = Fitful(store, {"release": set(), "postpone": set()})
            work = replace(desk.work, launches=replace(desk.work.launches, store=fitful))

            [batch] = await work.claim(10)
            await work.act(batch)

            assert (fitful.calls["release"], fitful.calls["postpone"]) == (0, 3)
            assert batch.left == {}
            now = desk.clock.now()
            free = await store.lease_due(now=now, until=now + LEASE, holder="other", limit=300)
            assert len(free) == 250 - MISSING_AT_ONCE

    async def test_one_run_is_asked_about_without_a_list(self) -> None:
        async with a_store() as store:
            desk = Desk(store, "captain_data")
            await desk.begin("L-0001", FIND_EMAIL, 20)

            await desk.pass_time(100)

            assert {call.path.split("/")[2] for _, call in desk.site.calls} == {"jobs"}
            assert (await desk.stored("L-0001")).state is State.SUCCEEDED


class TestTrouble:
    async def test_a_busy_provider_is_left_alone_for_its_wait_and_then_asked_half_as_often(self, desk: Desk) -> None:
        await begin_many(desk, 60, TEMPLATES[:1], from_s=1000, to_s=2000)
        desk.clock.move(seconds=10)
        desk.site.replies = [Reply(status=429, headers={"retry-after": "30"})]

        await desk.pass_time(29)
        assert len(desk.site.calls) == 1

        await desk.pass_time(60)
        assert len(desk.site.calls) > 1
        assert {(await desk.stored(one)).state for one in desk.runs} == {State.RUNNING}
        assert desk.wire.budget("bitrix24").share < 0.7

    async def test_a_network_that_is_away_is_a_miss_for_each(self, desk: Desk) -> None:
        await begin_many(desk, 30, TEMPLATES, from_s=1000, to_s=2000)
        desk.clock.move(seconds=10)
        desk.site.replies = [NO_ANSWER]

        [batch] = await desk.work.claim(10)
        await desk.work.act(batch)

        assert {(await desk.stored(one)).misses for one in desk.runs} == {1}
        assert {(await desk.stored(one)).state for one in desk.runs} == {State.RUNNING}

    async def test_a_launch_that_changed_meanwhile_is_looked_at_anew_and_the_others_are_recorded(self, desk: Desk) -> None:
        await begin_many(desk, 3, TEMPLATES[:1], from_s=1, to_s=2)
        desk.clock.move(seconds=10)
        [batch] = await desk.work.claim(10)
        changed = await desk.stored("L-00001")
        asked = an_event(EventKind.CANCEL_ASKED, launch_id="L-00001", at=desk.clock.now(), actor="U0ALICE")
        assert await desk.store.save(step(changed, asked), asked, keep_lease=True)

        await desk.work.act(batch)

        states = [(await desk.stored(one)).state for one in sorted(desk.runs)]
        assert states == [State.ENDED, State.RUNNING, State.ENDED]
        assert await desk.store.next_by_connection(is_tracked=False, now=desk.clock.now()) == {"bitrix24": desk.clock.now()}

    async def test_a_connection_that_is_gone_needs_attention_and_is_looked_at_later(self, desk: Desk) -> None:
        await begin_many(desk, 2, TEMPLATES[:1])
        desk.connections.clear()
        desk.clock.move(seconds=10)

        for batch in await desk.work.claim(10):
            await desk.work.act(batch)

        assert {(await desk.stored(one)).state for one in desk.runs} == {State.NEEDS_ATTENTION}
        assert desk.site.calls == []

    async def test_a_batch_that_breaks_is_given_back_but_for_what_was_recorded(self, desk: Desk) -> None:
        await begin_many(desk, 3, TEMPLATES[:1], from_s=1, to_s=2)
        desk.clock.move(seconds=10)
        [batch] = await desk.work.claim(10)
        whole = desk.store

        class Breaks:
            def __getattr__(self, name: str) -> Any:
                return getattr(whole, name)

            async def save(self, launch: Launch, *arguments: Any, **named: Any) -> bool:
                if launch.launch_id == "L-00001":
                    raise ValueError("a fault of ours")
                return await whole.save(launch, *arguments, **named)

        broken = replace(desk.work, launches=replace(desk.work.launches, store=Breaks()))
        with pytest.raises(ValueError, match="ours"):
            await broken.act(batch)
        assert list(batch.left) == ["L-00001"]

        await desk.work.give_back(batch)
        assert await whole.next_by_connection(is_tracked=True, now=desk.clock.now()) == {
            "bitrix24": desk.clock.now() - timedelta(seconds=5)
        }

    @pytest.mark.parametrize("away_at", [2, 3], ids=["at the next connection", "amid the next connection"])
    async def test_what_was_claimed_before_the_database_went_away_is_looked_at(self, desk: Desk, away_at: int) -> None:
        """Our leases are renewed as long as we live: what is claimed and forgotten would be nobody's for ever."""
        await begin_many(desk, 2, TEMPLATES[:1])
        desk.connections["zuora"] = replace(desk.connections["bitrix24"], name="zuora", provider="zuora")
        await desk.begin("L-90000", "713", 100.0, connection="zuora", provider="zuora", due_at=NOON)
        for n in range(110):
            await desk.begin(f"L-1{n:04}", "713", 100.0)
        desk.clock.move(seconds=10)
        fitful = Fitful(desk.store, {"lease_of": {away_at}})
        work = replace(desk.work, launches=replace(desk.work.launches, store=fitful))

        batches = await work.claim(10)
        begun = {launch_id for batch in batches for launch_id in batch.left}
        now = desk.clock.now()
        free = {each.launch_id for each in await desk.store.lease_due(now=now, until=now + LEASE, holder="other", limit=200)}

        assert len(begun) == {2: 1, 3: 101}[away_at]
        assert begun.isdisjoint(free)
        assert len(begun | free) == 113

    async def test_a_database_that_is_away_at_once_is_told_to_the_loop(self, desk: Desk) -> None:
        await begin_many(desk, 2, TEMPLATES[:1])
        desk.clock.move(seconds=10)
        fitful = Fitful(desk.store, {"lease_of": {1}})
        work = replace(desk.work, launches=replace(desk.work.launches, store=fitful))

        with pytest.raises(StoreUnavailableError):
            await work.claim(10)
        assert [len(batch.left) for batch in await work.claim(10)] == [2]


class TestTurns:
    async def test_a_slow_provider_holds_up_nobody_else(self, desk: Desk) -> None:
        await begin_many(desk, 200, TEMPLATES[:1])
        for n in range(200):
            await desk.begin(f"L-1{n:04}", "713", 100.0, connection="slow", provider="zuora")
        desk.connections["slow"] = replace(desk.connections["bitrix24"], name="slow", provider="zuora")
        desk.clock.move(seconds=10)

        first, then, again = [await desk.work.claim(256) for _ in range(3)]

        assert {batch.connection: len(batch.left) for batch in (*first, *then)} == {"bitrix24": 200, "slow": 32}
        assert again == []

    async def test_a_list_is_begun_before_the_next_one_is_claimed(self, desk: Desk) -> None:
        await begin_beside(desk, ("second",), 3)

        first, then = [await desk.work.claim(256) for _ in range(2)]

        assert [[batch.connection for batch in batches] for batches in (first, then)] == [["bitrix24"], ["second"]]

    async def test_lists_together_hold_a_bounded_number_of_launches(self, desk: Desk) -> None:
        await begin_beside(desk, ("second", "third"), 30)
        work = replace(desk.work, listed_together=50)

        [[first], [_], none] = [await work.claim(256) for _ in range(3)]
        assert none == []
        assert await work.next_due() == desk.clock.now() + ROOM_WITHIN

        await work.act(first)
        [third] = await work.claim(256)
        assert third.connection == "third"

    async def test_a_launch_in_a_list_takes_little_memory(self, desk: Desk) -> None:
        """Waiting must not cost memory: 10,000 runs are asked about by lists all the time (issue 8, shown by 3)."""
        plain = {"inputs": {f"input{n}": "x" * 100 for n in range(20)}, "run_url": "https://example.com/" + "x" * 200}
        for n in range(300):
            await desk.begin(f"L-{n:05}", "713", 1000.0, **plain)
        desk.clock.move(seconds=10)

        tracemalloc.start()
        try:
            [batch] = await desk.work.claim(256)
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert held / len(batch.left) < 1000

    async def test_a_list_answers_for_what_falls_due_until_the_next_one(self, desk: Desk) -> None:
        for n, due_s in enumerate((0, 3, 4.9, 6, 30)):
            await desk.begin(f"L-{n:05}", "713", 100.0, due_at=desk.clock.now() + timedelta(seconds=due_s))

        [batch] = await desk.work.claim(10)
        await desk.work.act(batch)

        assert len(desk.site.calls) == 1
        assert [(await desk.stored(f"L-{n:05}")).looks for n in range(5)] == [1, 1, 1, 0, 0]
        assert await desk.work.next_due() == desk.clock.now() + timedelta(seconds=6)

    async def test_nothing_is_due_where_nobody_waits(self, desk: Desk) -> None:
        assert await desk.work.next_due() is None
        assert await desk.work.claim(10) == []


class TestDurations:
    async def test_known_durations_spare_looks_and_shorten_the_wait(self, desk: Desk) -> None:
        """The same runs as before, asked about by what they taught."""
        chance = random.Random(5)  # noqa: S311 - as above
        lengths = [60 * chance.lognormvariate(0, 0.1) for _ in range(60)]
        found: list[tuple[float, float]] = []
        for lap in range(3):
            names = [f"L-{lap}{n:03}" for n in range(len(lengths))]
            for launch_id, lasts_s in zip(names, lengths, strict=True):
                await desk.begin(launch_id, "713", lasts_s)
                await desk.pass_time(1.7)
            await desk.pass_time(120)
            late = await desk.ended(among=dict.fromkeys(names))
            looks = [(await desk.stored(one)).looks for one in names]
            found.append((mean(looks), mean(each.total_seconds() for each in late.values())))

        (_, first_late_s), _, (looks, late_s) = found
        assert len(await desk.store.durations("bitrix24", "713")) == 64
        assert looks <= 0.5 * 60 / 5
        assert looks * late_s <= 0.5 * (60 / 5) * 2.5
        assert late_s <= first_late_s

    async def test_a_run_that_was_stopped_teaches_nothing(self, desk: Desk) -> None:
        await desk.begin("L-0001", "713", 12.0, cancel_asked_by="U0ALICE", is_cancel_sent=True)

        await desk.pass_time(60)

        assert (await desk.stored("L-0001")).state is State.CANCELLED
        assert await desk.store.durations("bitrix24", "713") == ()

    async def test_a_run_that_ended_while_the_bot_was_away_teaches_nothing(self, desk: Desk) -> None:
        await desk.begin("L-0001", "713", 12.0)
        desk.clock.move(hours=3)

        await desk.pass_time(60)

        assert (await desk.stored("L-0001")).state is State.ENDED
        assert await desk.store.durations("bitrix24", "713") == ()
