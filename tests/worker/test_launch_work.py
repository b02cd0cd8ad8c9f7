"""The worker's acts on launches, over a real store in memory and a wire that answers from a list."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bot import providers
from bot.domain.errors import StoreUnavailableError
from bot.domain.lifecycle import step
from bot.domain.model import Event, EventKind, Launch, State
from bot.domain.provider import (
    Accepted,
    Busy,
    Candidate,
    Completed,
    Matches,
    Observed,
    Outcome,
    Refused,
    Stopping,
    Unauthorised,
    Unreachable,
)
from bot.store.sqlite import SqliteStore
from bot.worker import LEASE, LaunchWork
from tests.builders import NOON, FrozenClock, a_connection, a_delivery, a_launch, an_event
from tests.ports import ListedGate, ListedWire, a_store
from tests.worker.faults import Fitful

LOST = Unreachable(is_possibly_applied=True, detail="no answer in time")
ACCEPTED = Accepted(run_id="400", provider_status="Queued")


@dataclass
class Workshop:
    """A worker's bench: a store, a wire, a clock."""

    store: SqliteStore
    wire: ListedWire = field(default_factory=ListedWire)
    gate: ListedGate = field(default_factory=ListedGate)
    clock: FrozenClock = field(default_factory=FrozenClock)
    connections: dict[str, Any] = field(default_factory=lambda: {"billing": a_connection(), "crm": BITRIX})
    holder: str = "me"

    @property
    def work(self) -> LaunchWork:
        return LaunchWork(
            store=self.store,
            wire=self.wire,
            gate=self.gate,
            clock=self.clock,
            providers=providers.load(),
            connections=self.connections,
            holder=self.holder,
            lease=LEASE,
        )

    async def keep(self, launch: Launch, *events: Event) -> None:
        """A launch as it stands after these events."""
        delivery = a_delivery(key=f"command:{launch.launch_id}")
        await self.store.record_delivery(delivery)
        await self.store.create(launch, an_event(launch_id=launch.launch_id), delivery_key=delivery.key)
        for event in events:
            stored = await self.stored(launch.launch_id)
            assert await self.store.save(step(stored, event), event)

    async def stored(self, launch_id: str = "L-7K3QW") -> Launch:
        launch = await self.store.launch(launch_id)
        assert launch is not None
        return launch

    async def kinds(self, launch_id: str = "L-7K3QW") -> list[EventKind]:
        return [event.kind for event in await self.store.events(launch_id)]

    async def act(self, *answers: Any) -> Launch:
        """Claim what is due and act on it with these answers."""
        self.wire.answers = list(answers)
        for launch in await self.work.claim(10):
            await self.work.act(launch)
        return await self.stored()


def replace_holder(bench: Workshop, holder: str) -> LaunchWork:
    """Another replica at the same bench."""
    return replace(bench.work, holder=holder)


BITRIX = a_connection(name="crm", provider="bitrix24", base_url="https://vibecode.bitrix24.tech")
CRM_LAUNCH = a_launch(connection="crm", provider="bitrix24", workflow_id="713", inputs={"entityType": "deal", "entityId": 5141})
RUNNING = (an_event(EventKind.STARTING), an_event(EventKind.ACCEPTED, facts={"run_id": "400", "provider_status": "Queued"}))


@pytest.fixture
async def bench() -> AsyncGenerator[Workshop, None]:
    async with a_store() as store:
        yield Workshop(store)


class TestStarting:
    async def test_starting_is_committed_before_the_first_byte_is_sent(self, bench: Workshop) -> None:
        await bench.keep(a_launch())
        seen: list[State] = []

        async def look() -> Any:
            seen.append((await bench.stored()).state)
            return ACCEPTED

        await bench.act(look)

        assert seen == [State.STARTING]

    async def test_a_start_must_leave_before_its_lease_could_lapse(self, bench: Workshop) -> None:
        """Whoever was paused must not send what another has taken over meanwhile, and people may have settled."""
        await bench.keep(a_launch())
        await bench.act(ACCEPTED)

        [(_, call)] = bench.wire.calls
        assert call.sent_before == bench.clock.now() + LEASE

    async def test_saving_that_it_starts_makes_the_lease_hold_anew(self, bench: Workshop) -> None:
        await bench.keep(a_launch())
        [launch] = await bench.work.claim(1)
        bench.clock.time += LEASE - timedelta(seconds=1)
        others: list[list[Launch]] = []

        async def look() -> Any:
            bench.clock.time += LEASE - timedelta(seconds=1)
            others.append(await replace_holder(bench, "other").claim(1))
            bench.clock.time += timedelta(seconds=1)
            others.append(await replace_holder(bench, "other").claim(1))
            return ACCEPTED

        bench.wire.answers = [look]
        await bench.work.act(launch)

        assert [len(claimed) for claimed in others] == [0, 1]

    async def test_an_accepted_start_runs_under_the_providers_id(self, bench: Workshop) -> None:
        await bench.keep(a_launch())

        launch = await bench.act(ACCEPTED)

        assert (launch.state, launch.run_id, launch.attempts) == (State.RUNNING, "400", 1)
        assert await bench.kinds() == [EventKind.REQUESTED, EventKind.STARTING, EventKind.ACCEPTED]

    async def test_a_start_that_ends_at_once_is_final_and_never_due(self, bench: Workshop) -> None:
        await bench.keep(a_launch())

        launch = await bench.act(Completed(outcome=Outcome.SUCCEEDED, run_id="guid", outputs={"CaseId": "500"}))

        assert (launch.state, launch.outputs, launch.due_at) == (State.SUCCEEDED, {"CaseId": "500"}, None)

    async def test_a_refused_start_fails_with_the_providers_words(self, bench: Workshop) -> None:
        await bench.keep(a_launch())

        launch = await bench.act(Refused(code="invalid", meaning="The callout trigger is off."))

        assert (launch.state, launch.detail) == (State.FAILED, "The callout trigger is off.")

    async def test_a_missing_scope_fails_and_names_it(self, bench: Workshop) -> None:
        await bench.keep(a_launch())

        await bench.act(Unauthorised(code="403", meaning="not allowed", scope="Workflow Run Access"))

        assert (await bench.store.events("L-7K3QW"))[-1].facts["scope"] == "Workflow Run Access"

    async def test_a_busy_provider_gets_the_start_again_after_its_own_wait(self, bench: Workshop) -> None:
        await bench.keep(a_launch())

        launch = await bench.act(Busy(code="429", meaning="too many", retry_after_s=30))

        assert (launch.state, launch.due_at) == (State.QUEUED, bench.clock.now() + timedelta(seconds=30))

        bench.clock.move(seconds=29)
        assert (await bench.act()).state is State.QUEUED

        bench.clock.move(seconds=1)
        assert (await bench.act(ACCEPTED)).state is State.RUNNING

    async def test_only_the_first_delay_is_told(self, bench: Workshop) -> None:
        await bench.keep(a_launch())
        busy = Busy(code="429", meaning="too many", retry_after_s=30)

        for _ in range(3):
            await bench.act(busy)
            bench.clock.move(seconds=30)

        tellings = await bench.store.lease_tellings(now=bench.clock.now(), until=bench.clock.now() + LEASE, holder="me", limit=5)
        assert [line.event.kind for line in tellings[0].lines] == [EventKind.DELAYED]

    async def test_a_lost_reply_leaves_the_launch_in_doubt_where_there_is_no_key(self, bench: Workshop) -> None:
        await bench.keep(CRM_LAUNCH)

        launch = await bench.act(LOST)

        assert (launch.state, launch.attempts) == (State.IN_DOUBT, 1)
        assert launch.due_at == bench.clock.now() + timedelta(seconds=2)

    async def test_a_lost_reply_is_sent_again_under_the_same_key_at_zuora(self, bench: Workshop) -> None:
        await bench.keep(a_launch())

        assert (await bench.act(LOST)).state is State.STARTING

        bench.clock.move(seconds=5)
        launch = await bench.act(ACCEPTED)
        keys = {call.headers["Idempotency-Key"] for _, call in bench.wire.calls}

        assert (launch.state, launch.attempts, keys) == (State.RUNNING, 2, {"L-7K3QW"})

    async def test_when_the_key_has_lapsed_the_launch_is_in_doubt(self, bench: Workshop) -> None:
        await bench.keep(a_launch())
        await bench.act(LOST)

        bench.clock.move(hours=24)

        assert (await bench.act()).state is State.IN_DOUBT
        assert len(bench.wire.calls) == 1

    async def test_a_start_that_was_not_sent_is_not_in_doubt(self, bench: Workshop) -> None:
        await bench.keep(CRM_LAUNCH)

        launch = await bench.act(Unreachable(is_possibly_applied=False, detail="no connection could be made"))

        assert launch.state is State.QUEUED

    async def test_a_connection_that_is_gone_fails_what_was_not_sent(self, bench: Workshop) -> None:
        await bench.keep(a_launch())
        bench.connections.clear()

        assert (await bench.act()).state is State.FAILED
        assert bench.wire.calls == []


class TestRecovering:
    async def test_a_start_found_after_a_crash_is_in_doubt_where_there_is_no_key(self, bench: Workshop) -> None:
        await bench.keep(CRM_LAUNCH, an_event(EventKind.STARTING))

        assert (await bench.act()).state is State.IN_DOUBT
        assert bench.wire.calls == []

    async def test_a_start_found_after_a_crash_is_sent_again_at_zuora(self, bench: Workshop) -> None:
        await bench.keep(a_launch(), an_event(EventKind.STARTING))

        assert (await bench.act(ACCEPTED)).state is State.RUNNING

    async def test_nobody_takes_a_launch_that_another_worker_holds(self, bench: Workshop) -> None:
        await bench.keep(a_launch())
        await bench.work.claim(10)
        other = Workshop(bench.store, clock=bench.clock, holder="other")

        assert await other.work.claim(10) == []

        bench.clock.time += LEASE
        assert len(await other.work.claim(10)) == 1

    async def test_two_workers_start_a_launch_once(self, bench: Workshop) -> None:
        await bench.keep(CRM_LAUNCH)
        (mine,) = await bench.work.claim(10)
        other = Workshop(bench.store, clock=bench.clock, holder="other", wire=ListedWire([ACCEPTED]))
        bench.clock.time += LEASE
        (theirs,) = await other.work.claim(10)

        await other.work.act(theirs)
        await bench.work.act(mine)

        assert (len(other.wire.calls), len(bench.wire.calls)) == (1, 0)


class TestTracking:
    async def test_a_running_launch_is_asked_about_until_it_ends(self, bench: Workshop) -> None:
        await bench.keep(a_launch(), *RUNNING)

        running = await bench.act(Observed(provider_status="Processing"))

        assert (running.state, running.provider_status) == (State.RUNNING, "Processing")
        assert running.due_at is not None
        assert running.due_at > bench.clock.now()

        bench.clock.time = running.due_at
        assert (await bench.act(Completed(outcome=Outcome.SUCCEEDED))).state is State.SUCCEEDED

    async def test_a_look_that_shows_nothing_new_writes_no_event(self, bench: Workshop) -> None:
        await bench.keep(a_launch(), *RUNNING)

        for _ in range(3):
            launch = await bench.act(Observed(provider_status="Queued"))
            assert launch.due_at is not None
            bench.clock.time = launch.due_at

        assert len(await bench.kinds()) == 3
        assert (await bench.stored()).looks == 3

    async def test_a_paused_run_needs_attention_and_resumes(self, bench: Workshop) -> None:
        await bench.keep(a_launch(), *RUNNING)

        paused = await bench.act(Observed(provider_status="paused", attention="An account must be renewed."))
        assert (paused.state, paused.detail) == (State.NEEDS_ATTENTION, "An account must be renewed.")

        bench.clock.move(minutes=5)
        assert (await bench.act(Observed(provider_status="running"))).state is State.RUNNING

    async def test_a_provider_that_stops_answering_is_told_and_asked_on(self, bench: Workshop) -> None:
        await bench.keep(a_launch(), *RUNNING)

        for _ in range(5):
            launch = await bench.act(LOST)
            assert launch.due_at is not None
            bench.clock.time = launch.due_at

        assert launch.state is State.NEEDS_ATTENTION
        assert (await bench.act(Observed(provider_status="Processing"))).state is State.RUNNING

    async def test_a_connection_that_is_gone_keeps_what_runs_and_says_so(self, bench: Workshop) -> None:
        await bench.keep(a_launch(), *RUNNING)
        bench.connections.clear()

        launch = await bench.act()

        assert launch.state is State.NEEDS_ATTENTION
        assert launch.due_at is not None


class TestCancelling:
    async def test_the_provider_is_asked_to_stop_and_the_run_is_tracked_to_its_end(self, bench: Workshop) -> None:
        asked = an_event(EventKind.CANCEL_ASKED, actor="U0BOB")
        await bench.keep(a_launch(), *RUNNING, asked)

        stopping = await bench.act(Stopping())
        assert (stopping.state, stopping.is_cancel_sent) == (State.RUNNING, True)
        assert bench.wire.calls[-1][1].path.endswith("/stop")

        assert stopping.due_at is not None
        bench.clock.time = stopping.due_at
        assert (await bench.act(Completed(outcome=Outcome.CANCELLED))).state is State.CANCELLED

    async def test_a_refused_stop_is_told_and_the_run_goes_on(self, bench: Workshop) -> None:
        await bench.keep(a_launch(), *RUNNING, an_event(EventKind.CANCEL_ASKED, actor="U0BOB"))

        launch = await bench.act(Refused(code="404", meaning="No such run."))

        assert (launch.state, launch.cancel_asked_by) == (State.RUNNING, None)
        assert (await bench.kinds())[-1] is EventKind.CANCEL_REFUSED

    async def test_a_stop_asked_for_while_the_start_is_under_way_is_kept(self, bench: Workshop) -> None:
        await bench.keep(a_launch())

        async def cancel_meanwhile() -> Any:
            stored = await bench.stored()
            event = an_event(EventKind.CANCEL_ASKED, actor="U0BOB")
            assert await bench.store.save(step(stored, event), event, has_line=True, keep_lease=True)
            return ACCEPTED

        launch = await bench.act(cancel_meanwhile)

        assert (launch.state, launch.run_id, launch.cancel_asked_by) == (State.RUNNING, "400", "U0BOB")
        assert launch.due_at is not None
        bench.clock.time = launch.due_at
        await bench.act(Stopping())
        assert bench.wire.calls[-1][1].path.endswith("/stop")


async def test_a_stop_asked_for_while_the_start_was_refused_for_now_ends_it(bench: Workshop) -> None:
    await bench.keep(a_launch())

    async def cancel_meanwhile() -> Any:
        stored = await bench.stored()
        event = an_event(EventKind.CANCEL_ASKED, actor="U0BOB")
        assert await bench.store.save(step(stored, event), event, has_line=True, keep_lease=True)
        return Busy(code="429", meaning="too many", retry_after_s=30)

    launch = await bench.act(cancel_meanwhile)

    assert (launch.state, launch.cancel_asked_by) == (State.CANCELLED, "U0BOB")
    assert len(bench.wire.calls) == 1


async def test_an_answer_is_recorded_although_a_stop_was_asked_for_and_nobody_recovers_it_meanwhile(bench: Workshop) -> None:
    await bench.keep(CRM_LAUNCH)
    other = Workshop(bench.store, clock=bench.clock, holder="other")
    taken: list[Any] = []

    async def cancel_meanwhile() -> Any:
        stored = await bench.stored()
        event = an_event(EventKind.CANCEL_ASKED, actor="U0BOB")
        assert await bench.store.save(step(stored, event), event, has_line=True, keep_lease=True)
        taken.extend(await other.work.claim(10))
        return ACCEPTED

    launch = await bench.act(cancel_meanwhile)

    assert (launch.state, taken) == (State.RUNNING, [])


class TestSettling:
    async def doubtful(self, bench: Workshop) -> Launch:
        await bench.keep(CRM_LAUNCH)
        launch = await bench.act(LOST)
        bench.clock.move(seconds=2)
        return launch

    async def test_the_one_run_that_is_found_is_adopted_and_tracked(self, bench: Workshop) -> None:
        await self.doubtful(bench)

        launch = await bench.act(Matches(candidates=(Candidate(run_id="r1"),)))

        assert (launch.state, launch.run_id) == (State.RUNNING, "r1")
        assert (await bench.act(Completed(outcome=Outcome.ENDED))).state is State.ENDED

    async def test_a_run_that_another_launch_owns_is_not_adopted(self, bench: Workshop) -> None:
        other = replace(CRM_LAUNCH, launch_id="L-OTHER", due_at=None)
        accepted = an_event(EventKind.ACCEPTED, launch_id="L-OTHER", facts={"run_id": "r1"})
        await bench.keep(other, an_event(EventKind.STARTING, launch_id="L-OTHER"), accepted)
        await self.doubtful(bench)

        assert (await bench.act(Matches(candidates=(Candidate(run_id="r1"),)), Observed())).state is State.IN_DOUBT

    async def test_two_doubts_about_the_same_workflow_do_not_take_each_others_run(self, bench: Workshop) -> None:
        rival = replace(CRM_LAUNCH, launch_id="L-RIVAL", due_at=None)
        lost = an_event(EventKind.LOST, launch_id="L-RIVAL")
        await bench.keep(rival, an_event(EventKind.STARTING, launch_id="L-RIVAL"), lost)
        await self.doubtful(bench)

        assert (await bench.act(Matches(candidates=(Candidate(run_id="r1"),)))).state is State.IN_DOUBT

    async def test_a_run_that_may_be_somebody_elses_is_left_to_people_who_read_why(self, bench: Workshop) -> None:
        await self.doubtful(bench)

        launch = await bench.act(Matches(candidates=(Candidate(run_id="r1"),), doubt="Whose key it is, nobody tells."))
        [*_, event] = await bench.store.events("L-7K3QW")

        assert (launch.state, launch.run_id, event.kind) == (State.IN_DOUBT, None, EventKind.LOOKED_UP)
        assert (event.facts["run_ids"], event.facts["doubt"]) == (["r1"], "Whose key it is, nobody tells.")

    async def test_several_are_told_once(self, bench: Workshop) -> None:
        await self.doubtful(bench)
        two = Matches(candidates=(Candidate(run_id="r1"), Candidate(run_id="r2")))

        for _ in range(3):
            launch = await bench.act(two)
            assert launch.due_at is not None
            bench.clock.time = launch.due_at

        assert (await bench.kinds()).count(EventKind.LOOKED_UP) == 1

    async def test_an_answer_that_comes_after_all_settles_the_doubt(self, bench: Workshop) -> None:
        await bench.keep(CRM_LAUNCH)
        other = Workshop(bench.store, clock=bench.clock, holder="other")

        async def taken_for_dead() -> Any:
            bench.clock.time += LEASE
            await other.act()
            assert (await bench.stored()).state is State.IN_DOUBT
            return ACCEPTED

        launch = await bench.act(taken_for_dead)

        assert (launch.state, launch.run_id) == (State.RUNNING, "400")


async def test_a_launch_that_was_changed_meanwhile_is_given_back(bench: Workshop) -> None:
    await bench.keep(a_launch(), *RUNNING)
    (claimed,) = await bench.work.claim(10)
    event = an_event(EventKind.CANCEL_ASKED, actor="U0BOB")
    stored = await bench.stored()
    assert await bench.store.save(step(stored, event), event, keep_lease=True)
    bench.wire.answers = [Observed(provider_status="Processing")]

    await bench.work.act(replace(claimed, looks=claimed.looks))

    (again,) = await bench.work.claim(10)
    assert again.cancel_asked_by == "U0BOB"


async def test_what_was_claimed_before_the_database_went_away_is_acted_on(bench: Workshop) -> None:
    """Our leases are renewed as long as we live: what is claimed and forgotten would be nobody's for ever."""
    await bench.keep(a_launch())
    await bench.keep(replace(CRM_LAUNCH, launch_id="L-8M4RX", due_at=NOON + timedelta(seconds=1)))
    bench.clock.move(seconds=2)
    fitful = Fitful(bench.store, {"lease_of": {2, 3}})
    work = replace(bench.work, store=fitful, is_tracking=False)

    assert [launch.launch_id for launch in await work.claim(10)] == ["L-7K3QW"]
    with pytest.raises(StoreUnavailableError):
        await work.claim(10)
    assert [launch.launch_id for launch in await work.claim(10)] == ["L-8M4RX"]


async def test_a_start_is_sent_although_nobody_answered_that_it_is_kept(bench: Workshop) -> None:
    """A connection that breaks as it is committed: it was kept, by us, and not sent yet. Given back, it would be in doubt."""
    await bench.keep(CRM_LAUNCH)
    work = replace(bench.work, store=Fitful(bench.store, unheard_at={"save": {1}}))
    bench.wire.answers = [Accepted(run_id="w1")]
    for launch in await work.claim(1):
        await work.act(launch)

    assert [event.kind for event in await bench.store.events("L-7K3QW")] == [
        EventKind.REQUESTED,
        EventKind.STARTING,
        EventKind.ACCEPTED,
    ]


async def test_a_start_that_another_has_taken_over_since_it_was_kept_is_not_sent(bench: Workshop) -> None:
    await bench.keep(CRM_LAUNCH)

    class Overtaken(Fitful):
        async def save(self, launch: Launch, event: Event | None, **how: Any) -> bool:
            self.calls["save"] += 1
            is_saved = await bench.store.save(launch, event, **how)
            if self.calls["save"] == 1:
                bench.clock.time += LEASE
                assert len(await replace_holder(bench, "other").claim(1)) == 1
                raise StoreUnavailableError("here", "the connection broke")
            return is_saved

    work = replace(bench.work, store=Overtaken(bench.store))
    for launch in await work.claim(1):
        await work.act(launch)

    assert bench.wire.calls == []
