"""A store equals its model under random steps: lost races, lapsed leases, redeliveries, lost answers, crashes, restarts."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.domain.errors import LaunchIdTakenError
from bot.domain.model import EventKind, Launch, State
from bot.ports import Telling
from bot.store.sqlite import SqliteStore
from tests.builders import NOON, a_delivery, a_launch, an_event
from tests.store.model import ModelStore

T = TypeVar("T")

holders = st.sampled_from(["bot-1", "bot-2"])
keys = st.sampled_from([f"command:{n}" for n in range(3)])
launch_ids = st.sampled_from(["L-0", "L-1", "L-2"])
seconds = st.integers(0, 30)
limits = st.integers(1, 3)
states = st.sampled_from([State.QUEUED, State.STARTING, State.IN_DOUBT, State.RUNNING, State.SUCCEEDED])
WITHIN = timedelta(seconds=20)
RUNS = frozenset({"R-1", "R-2"})
picks = st.integers(0, 1000)


class StoreEqualsItsModel(RuleBasedStateMachine):
    """Each rule does one thing to both and compares the answers; the invariants compare what can be read."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.model = ModelStore()
        self.now = NOON
        self.read: list[Launch] = []
        self.tellings: list[tuple[str, Telling]] = []
        self.open()

    def open(self) -> None:
        self.store = SqliteStore(self.folder / "gonogo.db")
        self.run(self.store.migrate())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def later(self, by_s: int) -> datetime:
        return self.now + timedelta(seconds=by_s)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.loop.close()
        shutil.rmtree(self.folder)

    # --- deliveries and launches ---

    @initialize()
    def begin(self) -> None:
        self.create(launch_id="L-0", key="command:0", due_s=0)

    @rule()
    def restart(self) -> None:
        """A new process on the same file; what the old one had read is still in its hands when it wakes."""
        self.run(self.store.close())
        self.open()

    @rule(by_s=seconds)
    def wait(self, by_s: int) -> None:
        self.now = self.later(by_s)

    @rule(key=keys, holder=holders, for_s=st.none() | seconds)
    def deliver(self, key: str, holder: str, for_s: int | None) -> None:
        delivery = a_delivery(key=key, received_at=self.now, reply_url="https://hooks.slack.test/1")
        until = None if for_s is None else self.later(for_s)
        is_new = self.run(self.store.record_delivery(delivery, holder=holder, until=until))

        assert is_new == self.model.record_delivery(delivery, holder, until)

    @rule(holder=holders, limit=limits, for_s=seconds)
    def lease_deliveries(self, holder: str, limit: int, for_s: int) -> None:
        until = self.later(for_s)
        taken = self.run(self.store.lease_deliveries(now=self.now, until=until, holder=holder, limit=limit))

        assert taken == self.model.lease_deliveries(self.now, until, holder, limit)

    @rule(key=keys)
    def finish(self, key: str) -> None:
        self.run(self.store.finish_delivery(key, self.now))
        self.model.finish_delivery(key)

    @rule(launch_id=launch_ids, key=keys, due_s=st.none() | seconds)
    def create(self, launch_id: str, key: str, due_s: int | None) -> None:
        due_at = None if due_s is None else self.later(due_s)
        launch = a_launch(launch_id=launch_id, created_at=self.now, updated_at=self.now, due_at=due_at)
        event = an_event(launch_id=launch_id, at=self.now)
        try:
            caused: Launch | str | None = self.run(self.store.create(launch, event, delivery_key=key))
        except LaunchIdTakenError:
            caused = "taken"

        assert caused == self.model.create(launch, event, key)
        self.read += [kept.launch for kept in self.model.kept.values()]

    @precondition(lambda self: self.read)
    @rule(
        pick=picks,
        state=states,
        due_s=st.none() | seconds,
        has_event=st.booleans(),
        has_line=st.booleans(),
        keep=st.booleans(),
        holder=st.none() | holders,
        key=st.none() | keys,
        run_id=st.none() | st.sampled_from(sorted(RUNS)),
    )
    def save(
        self,
        pick: int,
        state: State,
        due_s: int | None,
        has_event: bool,
        has_line: bool,
        keep: bool,
        holder: str | None,
        key: str | None,
        run_id: str | None,
    ) -> None:
        """Somebody writes what they made of a version that they read at some time."""
        found = self.read[-1 - pick % min(len(self.read), 4)]
        due_at = None if due_s is None else self.later(due_s)
        sent_at = self.now if state is State.STARTING else found.sent_at
        changes: dict[str, Any] = {"due_at": due_at, "updated_at": self.now, "sent_at": sent_at, "run_id": run_id}
        launch = replace(found, state=state, looks=found.looks + 1, **changes)
        event = an_event(EventKind.PROGRESSED, launch_id=launch.launch_id, at=self.now) if has_event else None
        how: dict[str, Any] = {"keep_lease": keep, "holder": holder, "delivery_key": key}
        saved = self.run(self.store.save(launch, event, has_line=has_line, **how))

        assert saved == self.model.save(launch, event, has_line=has_line and has_event, **how)
        kept = self.model.kept[launch.launch_id]
        assert self.run(self.store.events(launch.launch_id)) == tuple(kept.events)
        self.read.append(kept.launch)

    @precondition(lambda self: self.model.kept)
    @rule(pick=picks, state=states, has_line=st.booleans())
    def happen(self, pick: int, state: State, has_line: bool) -> None:
        """Somebody reads the newest version and loses no race."""
        newest = self.model.kept[self.any_id(pick)].launch
        launch = replace(newest, state=state, updated_at=self.now)
        event = an_event(EventKind.PROGRESSED, launch_id=launch.launch_id, at=self.now)
        how: dict[str, Any] = {"has_line": has_line, "keep_lease": True, "holder": None, "delivery_key": None}

        assert self.run(self.store.save(launch, event, **how)) is self.model.save(launch, event, **how) is True

    # --- leases ---

    @rule(holder=holders, limit=limits, for_s=seconds)
    def lease(self, holder: str, limit: int, for_s: int) -> None:
        until = self.later(for_s)
        leased = self.run(self.store.lease_due(now=self.now, until=until, holder=holder, limit=limit))

        assert leased == self.model.lease_due(self.now, until, holder, limit)
        self.read += leased

    @precondition(lambda self: self.model.kept)
    @rule(pick=picks, holder=holders)
    def release(self, pick: int, holder: str) -> None:
        launch_id = self.any_id(pick)
        self.run(self.store.release(launch_id, holder))
        self.model.release(launch_id, holder)

    @rule(holder=holders, for_s=seconds)
    def renew(self, holder: str, for_s: int) -> None:
        self.run(self.store.renew_leases(holder=holder, until=self.later(for_s)))
        self.model.renew_leases(holder, self.later(for_s))

    # --- tellings ---

    @rule(holder=holders, limit=limits, for_s=seconds)
    def lease_tellings(self, holder: str, limit: int, for_s: int) -> None:
        until = self.later(for_s)
        found = self.run(self.store.lease_tellings(now=self.now, until=until, holder=holder, limit=limit))
        expected = self.model.lease_tellings(self.now, until, holder, limit)

        assert [telling.launch for telling in found] == [kept.launch for kept in expected]
        for telling, kept in zip(found, expected, strict=True):
            assert telling.events == tuple(kept.events)
            assert (telling.card_ts, telling.told_version, telling.attempts) == (kept.ts, kept.told, kept.attempts)
            assert [line.event.seq for line in telling.lines] == kept.lines
            assert telling.is_card_lost == kept.is_lost
            assert telling.is_card_stale == (kept.told < kept.wanted)
            assert kept.is_to_tell, "nobody is asked to tell what is told"
        self.tellings += [(holder, telling) for telling in found]

    @precondition(lambda self: self.tellings)
    @rule(pick=picks, is_all=st.booleans())
    def tell_card(self, pick: int, is_all: bool) -> None:
        """``is_all``: there was nothing else to tell, so that the telling is given back with it."""
        holder, telling = self.any_telling(pick)
        launch, done_by = telling.launch, holder if is_all else None
        self.run(self.store.card_told(launch.launch_id, ts=f"{pick}.1", version=launch.version, done_by=done_by))
        self.model.card_told(launch.launch_id, f"{pick}.1", launch.version)
        if is_all:
            self.model.telling_done(launch.launch_id, holder)

    @precondition(lambda self: self.model.kept)
    @rule(pick=picks)
    def lose_card(self, pick: int) -> None:
        """Slack does not answer to its post."""
        launch = self.model.kept[self.any_id(pick)].launch
        self.run(self.store.card_lost(launch.launch_id, version=launch.version))
        self.model.card_lost(launch.launch_id, launch.version)

    @precondition(lambda self: self.model.kept)
    @rule(pick=picks)
    def find_card(self, pick: int) -> None:
        """Somebody presses one of its buttons."""
        launch_id = self.any_id(pick)
        self.run(self.store.card_found(launch_id, f"{pick}.3"))
        self.model.card_found(launch_id, f"{pick}.3")

    @precondition(lambda self: any(telling.lines for _, telling in self.tellings))
    @rule(pick=picks)
    def skip_line(self, pick: int) -> None:
        lines = [line for _, telling in self.tellings for line in telling.lines]
        line = lines[-1 - pick % min(len(lines), 4)]
        self.run(self.store.line_skipped(line.line_id, self.now))
        self.model.line_told(line.event.launch_id, line.event.seq, is_skipped=True)

    @precondition(lambda self: any(telling.lines for _, telling in self.tellings))
    @rule(pick=picks, most=st.integers(1, 3), is_all=st.booleans())
    def tell_lines(self, pick: int, most: int, is_all: bool) -> None:
        """In one message; ``is_all`` as for the card."""
        with_lines = [(holder, telling) for holder, telling in self.tellings if telling.lines]
        holder, telling = with_lines[-1 - pick % min(len(with_lines), 4)]
        launch_id, lines, done_by = telling.launch.launch_id, telling.lines[:most], holder if is_all else None
        told = self.store.lines_told(launch_id, [line.line_id for line in lines], ts=f"{pick}.2", at=self.now, done_by=done_by)
        self.run(told)
        for line in lines:
            self.model.line_told(launch_id, line.event.seq)
        if is_all:
            self.model.telling_done(launch_id, holder)

    @precondition(lambda self: self.tellings)
    @rule(pick=picks)
    def end_telling(self, pick: int) -> None:
        """Whoever claimed it gives it back; by now it may be another's."""
        holder, telling = self.any_telling(pick)
        launch_id = telling.launch.launch_id
        self.run(self.store.telling_done(launch_id, holder))
        self.model.telling_done(launch_id, holder)

    @precondition(lambda self: self.tellings)
    @rule(pick=picks, retry_s=seconds, is_permanent=st.integers(0, 4).map(lambda n: n == 4), is_guarded=st.booleans())
    def fail_telling(self, pick: int, retry_s: int, is_permanent: bool, is_guarded: bool) -> None:
        claimant, telling = self.any_telling(pick)
        launch_id, holder = telling.launch.launch_id, claimant if is_guarded else None
        retry_at = None if is_permanent else self.later(retry_s)
        self.run(self.store.telling_failed(launch_id, retry_at=retry_at, error="ratelimited", holder=holder))
        self.model.telling_failed(launch_id, retry_at, holder)

    # --- what can be read ---

    @invariant()
    def what_can_be_read_is_equal(self) -> None:
        self.run(self.compare())

    async def compare(self) -> None:
        newest = sorted(
            (kept.launch for kept in self.model.kept.values()), key=lambda launch: (launch.created_at, launch.launch_id)
        )

        assert await self.store.recent(channel_id="C0FINANCE", limit=9) == newest[::-1]
        assert await self.store.next_delivery() == self.model.next_delivery()
        assert await self.store.bound_runs("billing", RUNS) == self.model.bound_runs("billing")
        for launch in newest:
            assert await self.store.has_rivals(launch, within=WITHIN) == self.model.has_rivals(launch, WITHIN)
            assert await self.store.launch(launch.launch_id) == launch
        assert await self.store.set_aside() == []
        assert await self.store.next_due() == self.model.next_due()
        assert await self.store.next_telling() == self.model.next_telling()

    @invariant()
    def whatever_is_behind_is_due_or_given_up(self) -> None:
        """Promise 3: nothing that happened is lost on its way to Slack."""
        for kept in self.model.kept.values():
            assert kept.due_at is None if kept.is_given_up else kept.is_to_tell == (kept.due_at is not None)

    @invariant()
    def every_delivery_is_kept(self) -> None:
        """Promise 1: what was acknowledged has its effect, whoever was killed. What has caused its launch stands there."""
        for key, delivery in self.model.deliveries.items():
            has_effect = self.run(self.store.caused_by(key)) is not None
            assert self.run(self.store.delivery(key)) == (None if has_effect else delivery)

    def any_id(self, pick: int) -> str:
        return sorted(self.model.kept)[pick % len(self.model.kept)]

    def any_telling(self, pick: int) -> tuple[str, Telling]:
        return self.tellings[-1 - pick % min(len(self.tellings), 3)]


TestStoreEqualsItsModel = StoreEqualsItsModel.TestCase
TestStoreEqualsItsModel.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
