"""What a store says of limits, decisions, mirrors and look-ups equals a model in plain Python, under random steps and restarts."""

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
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.domain.errors import LimitReachedError
from bot.domain.grants import Limits
from bot.domain.holdings import Holding
from bot.domain.model import Launch, State
from bot.domain.policy import Usage
from bot.domain.records import Record
from bot.store.sqlite import SqliteStore
from tests.builders import NOON, a_launch, an_event
from tests.store.steps import a_holding, a_record

T = TypeVar("T")

HOUR = timedelta(hours=1)
CHANNELS, QUOTAS, PEOPLE, WORKFLOWS = ("C1", "C2"), ("", "p", "q"), ("U1", "U2"), ("396", "397")
NEVER_SENT_ENDS = {State.REJECTED, State.EXPIRED, State.CANCELLED, State.FAILED}
OVER = NEVER_SENT_ENDS | {State.SUCCEEDED, State.ENDED}
picks = st.integers(0, 1000)
limits = st.none() | st.builds(Limits, per_hour=st.none() | st.integers(0, 3), running=st.none() | st.integers(0, 3))
paths = st.sampled_from(
    [
        *((state, False) for state in (State.AWAITING_APPROVAL, State.QUEUED, *NEVER_SENT_ENDS)),
        *((state, True) for state in (State.STARTING, State.RUNNING, State.IN_DOUBT, State.SUCCEEDED, State.ENDED)),
        (State.FAILED, True),
        (State.CANCELLED, True),
    ]
)


def kept_by_all(text: str) -> str:
    """Postgres keeps no NUL: test_postgres.py looks at what becomes of one."""
    return text.replace("\0", "-")


class AccessEqualsItsModel(RuleBasedStateMachine):
    """Each rule does one thing to both; the invariants compare what can be read."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.now = NOON
        self.launches: dict[str, Launch] = {}
        self.decisions: list[Record] = []
        self.holdings: dict[tuple[str, str, str], Holding] = {}
        self.identities: dict[str, str] = {}
        self.names: dict[tuple[str, str], str] = {}
        self.open()

    def open(self) -> None:
        self.store = SqliteStore(self.folder / "gonogo.db")
        self.run(self.store.migrate())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.loop.close()
        shutil.rmtree(self.folder)

    @rule()
    def restart(self) -> None:
        self.run(self.store.close())
        self.open()

    @rule(minutes=st.sampled_from([0, 1, 29, 30, 60]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    # --- launches ---

    @rule(
        channel_id=st.sampled_from(CHANNELS),
        quota_key=st.sampled_from(QUOTAS),
        requester_id=st.sampled_from(PEOPLE),
        workflow_id=st.sampled_from(WORKFLOWS),
        state=st.sampled_from([State.QUEUED, State.AWAITING_APPROVAL]),
        limits=limits,
        is_decided=st.booleans(),
    )
    def create(self, limits: Limits | None, is_decided: bool, **changes: Any) -> None:
        launch_id = f"L-{len(self.launches):03}"
        launch = a_launch(launch_id=launch_id, created_at=self.now, updated_at=self.now, **changes)
        decision = a_record(at=self.now) if is_decided else None
        how: dict[str, Any] = {"delivery_key": f"command:{launch_id}", "decision": decision, "limits": limits}
        expected = self.refusal(launch, limits or Limits())
        told = None
        try:
            assert self.run(self.store.create(launch, an_event(launch_id=launch_id, at=self.now), **how)) is None
            self.launches[launch_id] = launch
            if decision:
                self.decisions.append(replace(decision, launch_id=launch_id, seq=len(self.decisions) + 1))
        except LimitReachedError as refused:
            told = (refused.code, refused.most, refused.count)

        assert told == expected

    @precondition(lambda self: self.launches)
    @rule(pick=picks, path=paths, quota_key=st.none() | st.sampled_from(QUOTAS), digest=st.text(max_size=3).map(kept_by_all))
    def save(self, pick: int, path: tuple[State, bool], quota_key: str | None, digest: str) -> None:
        state, is_sent = path
        found = self.launches[sorted(self.launches)[pick % len(self.launches)]]
        sent_at = self.now if is_sent else None
        changed = replace(found, state=state, sent_at=sent_at, updated_at=self.now, digest=digest, approval={"by": digest})
        if quota_key is not None:
            changed = replace(changed, quota_key=quota_key)

        assert self.run(self.store.save(changed, None))
        self.launches[found.launch_id] = replace(changed, version=found.version + 1)

    # --- decisions, mirrors, names ---

    @rule(person_id=st.sampled_from(PEOPLE), is_late=st.booleans(), verdict=st.sampled_from(["allow", "deny"]))
    def decide(self, person_id: str, is_late: bool, verdict: str) -> None:
        record = a_record(at=self.now - HOUR * is_late, person_id=person_id, verdict=verdict)
        self.run(self.store.record_decision(record))
        self.decisions.append(replace(record, seq=len(self.decisions) + 1))

    @rule(
        connection=st.sampled_from(["billing", "crm"]),
        scopes=st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(["", "396"])), max_size=3),
        is_held=st.none() | st.booleans(),
        lapses=st.booleans(),
        identity=st.none() | st.sampled_from(["x", "y"]),
    )
    def probe(
        self, connection: str, scopes: list[tuple[str, str]], is_held: bool | None, lapses: bool, identity: str | None
    ) -> None:
        plain: dict[str, Any] = {"connection": connection, "is_held": is_held, "seen_at": self.now}
        lapses_at = self.now + HOUR if lapses else None
        learnt = [a_holding(scope=scope, workflow_id=of, lapses_at=lapses_at, **plain) for scope, of in scopes]
        self.run(self.store.keep_mirror(connection, learnt, identity=identity))
        self.holdings |= {(connection, one.scope, one.workflow_id): one for one in learnt}
        self.identities |= {connection: identity} if identity else {}

    @rule(connection=st.sampled_from(["billing", "crm"]), workflow_id=st.sampled_from(WORKFLOWS), name=st.sampled_from("mn"))
    def see(self, connection: str, workflow_id: str, name: str) -> None:
        first = self.names.setdefault((connection, workflow_id), name)

        assert self.run(self.store.first_name(connection, workflow_id, name, at=self.now)) == first

    # --- what can be read ---

    @invariant()
    def usage_is_equal(self) -> None:
        for channel_id in CHANNELS:
            expected = {key: self.used(channel_id, key, self.now) for key in QUOTAS}

            found = self.run(self.store.usage(channel_id, now=self.now))

            assert found == {key: used for key, used in expected.items() if used != Usage()}

    @invariant()
    def look_ups_are_equal(self) -> None:
        newest = sorted(self.launches.values(), key=lambda launch: (launch.created_at, launch.launch_id), reverse=True)
        waiting = [launch for launch in reversed(newest) if launch.state is State.AWAITING_APPROVAL]
        done = [launch for launch in newest if launch.state is State.SUCCEEDED]

        assert self.run(self.store.awaiting(limit=3)) == waiting[:3]
        for person in PEOPLE:
            mine = [launch for launch in newest if launch.requester_id == person]
            assert self.run(self.store.requested_by(person, limit=3)) == mine[:3]
        for workflow_id in WORKFLOWS:
            of_it = [launch for launch in done if launch.workflow_id == workflow_id]
            last = max(of_it, key=lambda launch: (launch.updated_at, launch.launch_id), default=None)
            assert self.run(self.store.last_success("billing", workflow_id)) == last

    @invariant()
    def decisions_are_equal_page_by_page(self) -> None:
        since = self.now - HOUR
        expected = [record for record in self.decisions if record.at >= since]
        found: list[Record] = []
        while page := self.run(self.store.decisions(since=since, after=found[-1].seq if found else 0, limit=4)):
            found += page

        assert found == expected

    @invariant()
    def mirrors_are_equal(self) -> None:
        for connection in ("billing", "crm"):
            found = self.run(self.store.mirror(connection))

            assert found.identity == self.identities.get(connection)
            assert {(connection, *key): one for key, one in found.holdings.items()} == {
                key: one for key, one in self.holdings.items() if key[0] == connection
            }

    def used(self, channel_id: str, key: str, now: datetime) -> Usage:
        ours = [one for one in self.launches.values() if (one.channel_id, one.quota_key) == (channel_id, key)]
        in_hour = [one for one in ours if one.created_at > now - HOUR]
        counted = [one for one in in_hour if one.sent_at or one.state not in NEVER_SENT_ENDS]
        return Usage(last_hour=len(counted), not_over=len([one for one in ours if one.state not in OVER]))

    def refusal(self, launch: Launch, limits: Limits) -> tuple[str, int, int] | None:
        used = self.used(launch.channel_id, launch.quota_key, launch.created_at)
        if limits.per_hour is not None and used.last_hour >= limits.per_hour:
            return "limit_per_hour", limits.per_hour, used.last_hour
        if limits.running is not None and used.not_over >= limits.running:
            return "limit_running", limits.running, used.not_over
        return None


TestAccessEqualsItsModel = AccessEqualsItsModel.TestCase
TestAccessEqualsItsModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
