"""The mirror of what credentials hold: when it is looked at, what is kept, and what operators are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

import pytest
from prometheus_client import REGISTRY

from bot.domain.drift import DriftKind
from bot.domain.errors import StoreUnavailableError, ThreadError
from bot.domain.grants import ChannelPolicy, Grant, Policy
from bot.domain.holdings import REFUSAL_GOOD_FOR, Mirror
from bot.domain.model import Connection, Workflow
from bot.domain.provider import Accepted, Busy, Held, Refused, ScopeSeen, Unauthorised, Unreachable, Unsupported
from bot.domain.standing import Standing
from bot.gateways.clock import SystemClock
from bot.providers import load
from bot.store.sqlite import SqliteStore
from bot.worker import Worker
from bot.worker.mirroring import AGAIN_AFTER, JUST_NOW, LEAST_BETWEEN, MOST_UNTOLD, PROBE_EVERY, Mirroring
from bot.worker.once import Once
from tests.builders import FrozenClock, a_connection, a_launch
from tests.ports import ListedWire, RecordingThread, TableDefinitions, a_store

RUN, VIEW = "Workflow Run Access", "Workflow View Access"
BOTH = Grant(connection="billing", scopes=(RUN, VIEW), workflows=("396",), requesters=("members",))


def a_policy(*grants: Grant, digest: str = "first") -> Policy:
    channel = ChannelPolicy(channel_id="C0FINANCE", name="finance-ops", grants=grants)
    return Policy(channels={"C0FINANCE": channel}, digest=digest)


def held(run: bool | None = True, view: bool | None = True) -> Held:
    scopes = {RUN: run, VIEW: view}
    return Held(scopes=tuple(ScopeSeen(scope=name, is_held=each, evidence="It was asked.") for name, each in scopes.items()))


def refused(**changes: Any) -> Unauthorised:
    return Unauthorised(**({"code": "HTTP 403", "meaning": "No.", "scope": RUN} | changes))


@dataclass
class Post:
    """A mirroring replica at its post. ``name`` is its connection."""

    store: SqliteStore
    connection: Connection = field(default_factory=a_connection)
    policy: Policy = field(default_factory=lambda: a_policy(BOTH))
    clock: FrozenClock = field(default_factory=FrozenClock)
    wire: ListedWire = field(default_factory=ListedWire)
    thread: RecordingThread = field(default_factory=RecordingThread)
    definitions: TableDefinitions | None = None

    @cached_property
    def standing(self) -> Standing:
        return Standing(policy=self.policy, connections={self.connection.name: self.connection})

    @cached_property
    def work(self) -> Mirroring:
        return Mirroring(
            store=self.store,
            wire=self.wire,
            thread=self.thread,
            clock=self.clock,
            providers=load(),
            standing=self.standing,
            definitions=self.definitions,
        )

    async def turn(self, *answers: Any) -> list[str]:
        """Do everything that is due, with these answers of the provider; what operators were told."""
        self.wire.answers += answers
        for name in await self.work.claim(10):
            await self.work.act(name)
        told, self.thread.told = [text for _, text in self.thread.told], []
        assert not self.wire.answers, "the provider was not asked"
        return told

    async def next_round(self, *answers: Any) -> list[str]:
        self.clock.move(seconds=PROBE_EVERY.total_seconds())
        return await self.turn(*answers)

    async def mirror(self) -> Mirror:
        return await self.store.mirror(self.connection.name)

    async def held(self, scope: str = RUN, workflow_id: str = "") -> bool | None:
        known = (await self.mirror()).holdings.get((scope, workflow_id))
        return None if known is None else known.at(self.clock.now())

    def gauge(self, scope: str = RUN, kind: DriftKind = DriftKind.GRANTED_NOT_HELD) -> float | None:
        labels = {"connection": self.connection.name, "scope": scope, "kind": kind.value}
        return REGISTRY.get_sample_value("gonogo_scope_drift", labels)

    def another(self) -> Post:
        """Another replica of the same bot, or the same one after a restart."""
        return Post(self.store, connection=self.connection, policy=self.standing.policy, clock=self.clock)


@pytest.fixture
async def post() -> AsyncGenerator[Post, None]:
    async with a_store() as store:
        yield Post(store)


# --- when ---


async def test_every_connection_is_probed_at_the_start_and_kept_with_its_time(post: Post) -> None:
    assert await post.turn(replace(held(), identity="apiuser@acme")) == []

    mirror = await post.mirror()
    assert mirror.identity == "apiuser@acme"
    assert {scope: one.is_held for (scope, _), one in mirror.holdings.items()} == {RUN: True, VIEW: True}
    assert {one.seen_at for one in mirror.holdings.values()} == {post.clock.now()}


async def test_it_is_probed_again_by_timer_and_not_before(post: Post) -> None:
    await post.turn(held())
    post.clock.move(seconds=PROBE_EVERY.total_seconds() - 1)
    assert await post.turn() == []

    post.clock.move(seconds=1)
    await post.turn(held())

    assert len(post.wire.calls) == 2
    assert await post.work.next_due() == post.clock.now() + PROBE_EVERY


async def test_the_timer_is_drawn_apart(post: Post) -> None:
    class Drawing(FrozenClock):
        def jitter(self) -> float:
            return 0.5

    post.clock = Drawing()
    await post.turn(held())

    assert await post.work.next_due() == post.clock.now() + PROBE_EVERY * 1.05


async def test_what_another_replica_just_probed_is_not_probed_again(post: Post) -> None:
    other = post.another()
    await post.turn(held())
    post.clock.move(seconds=JUST_NOW.total_seconds() - 1)

    assert await other.turn() == []
    assert other.wire.calls == []


async def test_two_replicas_probe_as_often_as_one(post: Post) -> None:
    other = post.another()
    for _ in range(6):
        await post.turn(*[held()] if post.clock.now() >= _due(post) else [])
        await other.turn()
        post.clock.move(seconds=PROBE_EVERY.total_seconds())

    assert len(post.wire.calls) == 6
    assert other.wire.calls == []


async def test_a_replica_takes_over_when_the_other_is_gone(post: Post) -> None:
    other = post.another()
    await post.turn(held())
    await other.turn()

    other.clock.move(seconds=PROBE_EVERY.total_seconds())
    await other.turn(held())

    assert len(other.wire.calls) == 1


async def test_another_credential_is_probed_at_once(post: Post) -> None:
    await post.turn(held())
    post.standing.replace(policy=post.policy, connections={"billing": replace(post.connection, credential_mark="another")})

    await post.turn(held())

    assert len(post.wire.calls) == 2


async def test_a_connection_that_is_gone_is_left_alone(post: Post) -> None:
    await post.turn(held(run=False))
    post.standing.replace(policy=post.policy, connections={})

    assert await post.next_round() == []
    assert post.gauge() == 0
    assert await post.work.next_due() is None
    await post.work.refused(a_launch(), refused())
    await post.work.heard(a_launch(), Accepted(run_id="400"))
    await post.work.give_back("billing")


async def test_what_is_at_work_is_not_claimed_twice(post: Post) -> None:
    assert await post.work.claim(10) == ["billing"]
    assert await post.work.claim(10) == []
    assert await post.work.next_due() is None


# --- what is told ---


async def test_a_scope_that_is_granted_and_missing_is_told_once(post: Post) -> None:
    (told,) = await post.turn(held(run=False))

    assert "Granted, but not held" in told
    assert RUN in told
    assert VIEW not in told
    assert "finance-ops" in told
    assert await post.next_round(held(run=False)) == []
    assert post.gauge() == 1


async def test_that_it_is_mended_is_told_once(post: Post) -> None:
    await post.turn(held(run=False))

    (told,) = await post.next_round(held())

    assert "Mended" in told
    assert RUN in told
    assert await post.next_round(held()) == []
    assert post.gauge() == 0


async def test_a_scope_that_is_held_and_granted_nowhere_is_told(post: Post) -> None:
    post.policy = a_policy(replace(BOTH, scopes=(RUN,)))

    (told,) = await post.turn(held())

    assert "Held, but granted to no channel" in told
    assert VIEW in told
    assert post.gauge(VIEW, DriftKind.HELD_NOT_GRANTED) == 1


async def test_a_restart_tells_nothing_again(post: Post) -> None:
    await post.turn(held(run=False))
    post.clock.move(minutes=2)

    assert await post.another().turn(held(run=False)) == []


async def test_of_two_replicas_one_tells(post: Post) -> None:
    """Both ask at the same moment; who answers later finds the news told."""
    other = post.another()
    said: list[str] = []

    async def meanwhile() -> Held:
        said.extend(await other.turn(held(run=False)))
        return held(run=False)

    said.extend(await post.turn(meanwhile))

    assert len(said) == 1


async def test_a_changed_policy_is_news_to_one_replica_only(post: Post) -> None:
    other = post.another()
    await post.turn(held(run=False))
    await other.turn()
    without = a_policy(replace(BOTH, scopes=(VIEW,)), digest="second")
    for one in (post, other):
        one.standing.replace(policy=without, connections={"billing": post.connection})

    told = await post.next_round(held(run=False))
    told += await other.turn()
    told += await other.next_round(held(run=False))
    told += await post.turn()

    assert len(told) == 1
    assert "Mended, or no longer so" in told[0]


@pytest.mark.parametrize(
    "answer",
    [
        Unreachable(is_possibly_applied=False, detail="HTTP 503"),
        Busy(code="HTTP 429", meaning="Wait."),
        Unauthorised(code="HTTP 401", meaning="Who are you."),
        Refused(code="HTTP 400", meaning="No."),
        Unsupported(meaning="There is no such call."),
    ],
)
async def test_a_provider_in_trouble_leaves_what_was_known_with_its_time(post: Post, answer: Any) -> None:
    await post.turn(held(run=False))
    before = await post.mirror()

    assert await post.next_round(answer) == []

    assert await post.mirror() == before
    assert post.gauge() == 1


async def test_a_probe_that_never_ends_is_given_up(post: Post) -> None:
    post.work.patience_s = 0.01

    async def forever() -> Held:
        await asyncio.Event().wait()
        raise AssertionError

    assert await post.turn(forever) == []
    assert (await post.mirror()).holdings == {}


@pytest.mark.parametrize(("workflows", "expected"), [(("The kept one",), 1), (("Other",), 0)])
async def test_grants_that_name_workflows_by_name_are_understood(post: Post, workflows: tuple[str, ...], expected: int) -> None:
    """Also after the provider's list no longer has the workflow."""
    kept, other = Workflow(workflow_id="Kept", name="The kept one"), Workflow(workflow_id="Other", name="Another")
    grant = Grant(connection="sales", scopes=("api",), workflows=workflows, requesters=("members",))
    post.connection, post.policy = a_connection(name="sales", provider="salesforce"), a_policy(grant)
    tables = {"sales": (kept, other)}
    post.definitions = TableDefinitions(workflows=tables)
    await post.turn(_flows(Kept=True, Other=True))
    post.definitions.workflows = {"sales": (other,)}

    told = await post.next_round(_flows(Kept=False, Other=True))

    assert sum("Granted, but not held" in text for text in told) == expected


async def test_names_that_cannot_be_learnt_stop_nothing(post: Post) -> None:
    post.connection = a_connection(name="sales", provider="salesforce")
    post.definitions = TableDefinitions(silent={"sales"})
    post.policy = a_policy(Grant(connection="sales", scopes=("api",), workflows=("Kept",), requesters=("members",)))

    (told,) = await post.turn(_flows(Kept=False))

    assert "Kept" in told


# --- refusals at run time ---


async def test_a_refusal_is_kept_at_once_and_lapses(post: Post) -> None:
    await post.turn(held(run=None))

    await post.work.refused(a_launch(), refused())

    assert await post.held() is False
    assert "L-7K3QW" in (await post.mirror()).holdings[RUN, ""].evidence
    post.clock.move(seconds=REFUSAL_GOOD_FOR.total_seconds())
    assert await post.held() is None


async def test_a_refusal_has_the_connection_probed_at_once_and_told_once(post: Post) -> None:
    await post.turn(held(run=None))
    post.clock.move(seconds=LEAST_BETWEEN.total_seconds())
    await post.work.refused(a_launch(), refused())
    await post.work.refused(a_launch(launch_id="L-AGA1N"), refused())

    (told,) = await post.turn(held(run=None))

    assert RUN in told
    assert await post.held() is False
    assert post.gauge() == 1
    assert await post.next_round(held(run=None)) == []


async def test_a_refusal_that_the_probe_disproves_is_not_told(post: Post) -> None:
    await post.turn(held())
    post.clock.move(minutes=1)
    await post.work.refused(a_launch(), refused())

    assert await post.turn(held()) == []
    assert await post.held() is True


async def test_a_thousand_refusals_are_one_probe(post: Post) -> None:
    await post.turn(held())
    post.clock.move(minutes=1)
    for number in range(1000):
        await post.work.refused(a_launch(launch_id=f"L-{number:05d}"), refused())
    await post.turn(held())
    await post.work.refused(a_launch(), refused())

    assert await post.turn() == []
    assert await post.work.next_due() == post.clock.now() + LEAST_BETWEEN


async def test_the_same_refusal_after_it_lapsed_is_no_news(post: Post) -> None:
    await post.turn(held(run=None))
    post.clock.move(minutes=1)
    await post.work.refused(a_launch(), refused())
    await post.turn(held(run=None))
    post.clock.move(seconds=REFUSAL_GOOD_FOR.total_seconds())
    await post.turn(held(run=None))
    post.clock.move(minutes=1)

    await post.work.refused(a_launch(), refused())

    assert await post.turn(held(run=None)) == []


async def test_a_refusal_does_not_make_a_proven_lack_lapse(post: Post) -> None:
    await post.turn(held(run=False))

    await post.work.refused(a_launch(), refused())

    assert (await post.mirror()).holdings[RUN, ""].lapses_at is None


async def test_a_start_that_was_taken_mends_what_a_refusal_taught(post: Post) -> None:
    await post.turn(held(run=None))
    post.clock.move(minutes=1)
    await post.work.heard(a_launch(), refused())
    await post.turn(held(run=None))

    await post.work.heard(a_launch(launch_id="L-MENDED"), Accepted(run_id="400"))

    assert await post.held() is True
    (told,) = await post.turn(held(run=None))
    assert "Mended" in told


async def test_where_nothing_was_refused_a_start_reads_nothing(post: Post) -> None:
    await post.turn(held())
    post.work.store = _Locked()  # type: ignore[assignment]

    await post.work.heard(a_launch(), Accepted(run_id="400"))


@pytest.mark.parametrize("answer", [Refused(code="HTTP 404", meaning="No."), Busy(code="HTTP 429", meaning="Wait.")])
async def test_other_answers_teach_nothing(post: Post, answer: Any) -> None:
    await post.turn(held())
    before = await post.mirror()

    await post.work.heard(a_launch(), answer)
    await post.work.refused(a_launch(), answer)

    assert await post.mirror() == before
    assert await post.turn() == []


async def test_a_refusal_without_a_scope_has_the_connection_probed(post: Post) -> None:
    await post.turn(held())
    post.clock.move(minutes=1)

    await post.work.refused(a_launch(), refused(scope=None))

    (told,) = await post.turn(held(run=False))
    assert RUN in told


# --- bad days ---


async def test_what_slack_does_not_take_is_told_later_and_in_order(post: Post) -> None:
    post.thread.refusals = [ThreadError("ratelimited", retry_after_s=60.0)]
    assert await post.turn(held(run=False)) == []
    assert await post.work.next_due() == post.clock.now() + timedelta(seconds=60)

    post.clock.move(seconds=60)

    (told,) = await post.turn()
    assert "Granted, but not held" in told


async def test_what_slack_did_not_take_is_told_later_and_once_by_whoever_learnt_it(post: Post) -> None:
    post.work.once = Once(store=post.store, clock=post.clock, holder="me")
    post.thread.refusals = [ThreadError("ratelimited", retry_after_s=1)]
    assert await post.turn(held(run=False)) == []
    post.clock.move(seconds=AGAIN_AFTER.total_seconds())

    assert ["Granted, but not held" in text for text in await post.turn()] == [True]
    post.clock.move(seconds=AGAIN_AFTER.total_seconds())
    assert await post.turn() == []


async def test_what_slack_will_never_take_is_let_go(post: Post) -> None:
    post.thread.refusals = [ThreadError("is_archived", is_permanent=True)]

    assert await post.turn(held(run=False)) == []
    post.clock.move(minutes=1)
    assert await post.turn() == []


async def test_only_so_much_waits_for_slack(post: Post) -> None:
    for number in range(MOST_UNTOLD + 5):
        post.thread.refusals = [ThreadError("internal_error")]
        await post.next_round(held(run=bool(number % 2)))

    post.clock.move(minutes=1)

    assert len(await post.turn()) == MOST_UNTOLD


async def test_a_database_that_is_away_is_tried_again_soon_and_stops_nobody(post: Post) -> None:
    await post.turn(held(run=None))
    kept, post.work.store = post.work.store, _Locked()  # type: ignore[assignment]
    post.clock.move(minutes=5)

    assert await post.turn() == []
    await post.work.refused(a_launch(), refused())
    await post.work.heard(a_launch(), refused())

    post.work.store = kept
    post.clock.move(seconds=AGAIN_AFTER.total_seconds())
    assert len(await post.turn(held(run=False))) == 1


async def test_a_fault_of_our_own_is_left_to_the_loop_and_tried_again_later(post: Post) -> None:
    async def fault() -> Held:
        raise OSError("a fault of our own")

    with pytest.raises(OSError, match="our own"):
        await post.turn(fault)
    await post.work.give_back("billing")

    assert await post.work.next_due() == post.clock.now() + AGAIN_AFTER


class _Locked:
    """A store that cannot be used."""

    async def mirror(self, connection: str) -> Mirror:
        raise StoreUnavailableError("gonogo.db", connection)


def _flows(**flows: bool) -> Held:
    one = ScopeSeen(scope="api", is_held=True, evidence="It answered.")
    seen = (
        ScopeSeen(scope="api", workflow_id=name, is_held=is_held, evidence="It was listed.") for name, is_held in flows.items()
    )
    return Held(scopes=(one, *seen), is_complete=True)


def _due(post: Post) -> Any:
    turns: Mapping[str, Any] = post.work._turns
    return turns["billing"].due_at if turns else post.clock.now()


async def test_a_worker_probes_at_its_start_and_again_when_it_is_rung_after_a_refusal(post: Post) -> None:
    """As in the bot: nobody but the launches loop, whose piece has ended, wakes this one."""
    asked = asyncio.Event()

    async def probe() -> Held:
        asked.set()
        return held()

    post.wire.answers = [probe, probe]
    work = Mirroring(
        store=post.store,
        wire=post.wire,
        thread=post.thread,
        clock=post.clock,
        providers=load(),
        standing=post.standing,
    )
    async with Worker(store=post.store, thread=post.thread, clock=SystemClock(), holder="me", works=[work]) as worker:
        await asyncio.wait_for(asked.wait(), 5)
        asked.clear()
        post.clock.move(minutes=1)
        await work.refused(a_launch(), refused())
        worker.ring()
        await asyncio.wait_for(asked.wait(), 5)

    assert len(post.wire.calls) == 2
    assert await post.held() is True


# --- three replicas ---


class AnsweringWire(ListedWire):
    """Gives the same answer to everybody, after a moment in which the others come."""

    answer: Any = None

    async def perform(self, connection: str, exchange: Any) -> Any:
        self.calls.append((connection, next(exchange, None)))
        exchange.close()
        await asyncio.sleep(0.01)
        return self.answer


def three(post: Post, answer: Any) -> list[Mirroring]:
    """Three replicas with one Slack and one provider."""
    post.wire = AnsweringWire()
    post.wire.answer = answer
    names = [f"bot-{n}" for n in range(3)]
    return [replace(post.work, wire=post.wire, once=Once(store=post.store, clock=post.clock, holder=name)) for name in names]


async def everybodys_turn(post: Post, replicas: list[Mirroring]) -> list[str]:
    """Until nobody has anything to do within the next minute."""
    for _ in range(20):
        await asyncio.gather(*[work.act(name) for work in replicas for name in await work.claim(10)])
        post.clock.move(seconds=3)
    return [text for _, text in post.thread.told]


async def test_three_replicas_that_start_together_probe_in_turn_and_tell_once(post: Post) -> None:
    replicas = three(post, held(run=False))

    told = await everybodys_turn(post, replicas)

    assert len(told) == 1, told
    assert len(post.wire.calls) == 1, "who came later found what the first had learnt"


async def test_three_replicas_that_were_refused_at_the_same_moment_tell_it_once(post: Post) -> None:
    replicas = three(post, held())
    assert await everybodys_turn(post, replicas) == []

    post.wire.answer = held(run=False)
    await asyncio.gather(*(work.refused(a_launch(), refused()) for work in replicas))
    told = await everybodys_turn(post, replicas)

    assert len(told) == 1, told
