"""What only the store on Postgres promises: several replicas on one database, at the same moment."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import Any

import psycopg
import pytest
from psycopg import errors
from structlog.testing import capture_logs

from bot.domain.errors import LimitReachedError, SettingsError, StoreUnavailableError, UnreadableRowError
from bot.domain.grants import Limits
from bot.domain.model import Delivery, EventKind, Launch, State
from bot.store import open_store, schema
from bot.store.postgres import PostgresStore
from bot.store.steps import Steps, alone, change, fetch
from tests.builders import NOON, a_delivery, a_launch, an_event
from tests.store.steps import L, a_record, at, happen, ids, keep, lease, noted, read, take, tell, unfinished


@pytest.fixture
async def replicas(postgres_url: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two bots on one database."""
    async with PostgresStore(postgres_url) as first, PostgresStore(postgres_url) as second:
        yield first, second


@pytest.fixture
def store(replicas: tuple[PostgresStore, PostgresStore]) -> PostgresStore:
    return replicas[0]


def outside(url: str, *statements: str) -> list[Any]:
    """Somebody with psql."""
    with psycopg.connect(url, autocommit=True) as connection:
        for sql in statements:
            cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


async def test_two_replicas_share_the_work_without_overlap(replicas: tuple[PostgresStore, PostgresStore]) -> None:
    first, second = replicas
    for n in range(40):
        await keep(first, launch_id=f"L-{n:02}")
    claims = [lease(bot, holder=name, limit=3) for _ in range(10) for name, bot in (("bot-1", first), ("bot-2", second))]
    leased = [launch.launch_id for found in await asyncio.gather(*claims) for launch in found]

    assert sorted(leased) == [f"L-{n:02}" for n in range(40)]


async def test_what_another_is_about_to_claim_is_passed_over_and_not_waited_for(
    replicas: tuple[PostgresStore, PostgresStore], postgres_url: str
) -> None:
    first, _ = replicas
    for n in range(4):
        await keep(first, launch_id=f"L-{n}", due_at=at(n - 9))
        await first.record_delivery(a_delivery(key=f"command:x{n}", received_at=at(n - 9)))
    with psycopg.connect(postgres_url) as other:
        other.execute("SELECT 1 FROM launches WHERE launch_id IN ('L-0', 'L-1') FOR UPDATE")
        other.execute("SELECT 1 FROM cards WHERE launch_id = 'L-0' FOR UPDATE")
        other.execute("SELECT 1 FROM deliveries WHERE key = 'command:x0' FOR UPDATE")
        async with asyncio.timeout(3):
            due, told, delivered = await lease(first, limit=2), await tell(first, limit=9), await take(first, limit=9)

    assert ids(due) == ["L-2", "L-3"]
    assert "L-0" not in ids(told)
    assert [delivery.key for delivery in delivered] == ["command:x1", "command:x2", "command:x3"]


async def test_of_copies_at_two_replicas_one_launch_is_kept(replicas: tuple[PostgresStore, PostgresStore]) -> None:
    wishes = [
        replicas[n % 2].create(a_launch(launch_id=f"L-{n}"), an_event(launch_id=f"L-{n}"), delivery_key="command:1.2.a")
        for n in range(12)
    ]

    caused = await asyncio.gather(*wishes)

    [kept] = await replicas[0].recent(channel_id="C0FINANCE", limit=20)
    assert caused.count(None) == 1
    assert {launch.launch_id for launch in caused if launch} == {kept.launch_id}


async def test_two_replicas_together_allow_no_more_than_the_limit(replicas: tuple[PostgresStore, PostgresStore]) -> None:
    async def wish(n: int) -> bool:
        launch = a_launch(launch_id=f"L-{n}", quota_key="q")
        event = an_event(launch_id=launch.launch_id)
        try:
            await replicas[n % 2].create(launch, event, delivery_key=f"command:{n}", limits=Limits(per_hour=3, running=None))
        except LimitReachedError:
            return False
        return True

    assert sum(await asyncio.gather(*map(wish, range(12)))) == 3


async def test_of_two_doubts_that_adopt_one_run_at_once_one_gets_it(replicas: tuple[PostgresStore, PostgresStore]) -> None:
    for n in range(6):
        await keep(replicas[0], launch_id=f"L-{n}", state=State.IN_DOUBT, sent_at=NOON)

    async def adopt(n: int) -> bool:
        launch = replace(await read(replicas[n % 2], f"L-{n}"), run_id="R-1", state=State.RUNNING)
        return await replicas[n % 2].save(launch, an_event(EventKind.ADOPTED, launch_id=launch.launch_id))

    assert sum(await asyncio.gather(*map(adopt, range(6)))) == 1


async def test_a_replica_that_was_paused_past_its_lease_writes_nothing(replicas: tuple[PostgresStore, PostgresStore]) -> None:
    paused, other = replicas
    await keep(paused)
    [stale] = await lease(paused, holder="bot-1")
    [taken] = await lease(other, at(2), holder="bot-2")

    assert not await paused.save(replace(stale, state=State.STARTING), an_event(EventKind.STARTING))
    assert not await paused.save(replace(await read(paused), looks=7), None, holder="bot-1")
    await paused.release(L, "bot-1")
    await paused.renew_leases(holder="bot-1", until=at(60))
    assert await read(other) == taken
    assert await other.next_due() == at(3), "the lease is still that of the other"


async def test_a_replica_that_was_paused_inside_a_transaction_holds_up_nobody(store: PostgresStore) -> None:
    """Its transaction is ended by the server; woken, it does the work anew."""
    await keep(store)
    begun: list[int] = []

    def steps() -> Steps[None]:
        begun.append(len(begun))
        yield from change("UPDATE launches SET looks = looks + 1")
        if len(begun) == 1:
            yield from change("SET LOCAL idle_in_transaction_session_timeout TO '20ms'")
            time.sleep(0.3)  # as SIGSTOP: nothing of the process goes on
        yield from change("UPDATE launches SET misses = misses + 1")

    await store._write(steps)

    assert len(begun) == 2
    assert [(await read(store)).looks, (await read(store)).misses] == [1, 1]


async def test_what_was_acknowledged_survives_kill_9_and_what_was_half_done_does_not(postgres_url: str) -> None:
    root = str(Path(schema.__file__).parents[2])
    killed = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        KILLED,
        postgres_url,
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await killed.communicate()
    async with PostgresStore(postgres_url) as after:
        kept = await unfinished(after)

    assert killed.returncode == -signal.SIGKILL, err.decode()
    assert len(out.split()) == 20
    assert {delivery.key for delivery in kept} == {f"command:{n}" for n in range(20)}


KILLED = dedent(
    """
    import asyncio, os, signal, sys
    from bot.store.postgres import PostgresStore
    from bot.store.steps import change
    from tests.builders import a_delivery

    async def main():
        store = PostgresStore(sys.argv[1])
        for n in range(20):
            await store.record_delivery(a_delivery(key=f"command:{n}"))
            print(n, flush=True)
        def die():
            yield from change("DELETE FROM deliveries")
            os.kill(os.getpid(), signal.SIGKILL)
        await store._write(die)

    asyncio.run(main())
    """
)


async def test_of_many_saves_at_two_replicas_one_wins(replicas: tuple[PostgresStore, PostgresStore]) -> None:
    launch = await keep(replicas[0])
    saves = [replicas[n % 2].save(replace(launch, looks=n), an_event(actor=f"bot-{n}")) for n in range(10)]

    assert sum(await asyncio.gather(*saves)) == 1
    assert len(await replicas[0].events(L)) == 2


async def test_the_last_two_lines_told_at_once_leave_nothing_due(replicas: tuple[PostgresStore, PostgresStore]) -> None:
    """Each looks whether the other's is still to be told: one of them must see that it is not."""
    for round_ in range(10):
        launch_id = f"L-{round_}"
        await keep(replicas[0], launch_id=launch_id)
        for kind in (EventKind.STARTING, EventKind.ACCEPTED):
            await happen(replicas[0], kind, launch_id=launch_id)
        [telling] = await tell(replicas[0])
        await replicas[0].card_told(launch_id, ts="1.1", version=telling.launch.version)
        lines = zip(replicas, telling.lines, strict=True)
        await asyncio.gather(*(bot.lines_told(launch_id, [line.line_id], ts="1.2", at=NOON) for bot, line in lines))
        await replicas[0].telling_done(launch_id, "bot-1")

        assert await replicas[1].next_telling() is None


async def test_two_who_wait_for_each_other_both_get_through(replicas: tuple[PostgresStore, PostgresStore]) -> None:
    """Postgres ends one of them; its work is begun again."""
    for name in ("L-A", "L-B"):
        await keep(replicas[0], launch_id=name)
    both_hold_one = asyncio.Barrier(2)
    begun: list[str] = []

    async def touch(store: PostgresStore, first: str, second: str) -> None:
        def steps() -> Steps[None]:
            begun.append(first)
            yield from change("UPDATE launches SET looks = looks + 1 WHERE launch_id = :launch_id", launch_id=first)
            yield from fetch("SELECT pg_sleep(0.2)")
            yield from change("UPDATE launches SET looks = looks + 1 WHERE launch_id = :launch_id", launch_id=second)

        await both_hold_one.wait()
        await store._write(steps)

    await asyncio.gather(touch(replicas[0], "L-A", "L-B"), touch(replicas[1], "L-B", "L-A"))

    assert [(await read(replicas[0], name)).looks for name in ("L-A", "L-B")] == [2, 2]
    assert len(begun) == 3


async def test_a_fault_of_the_program_undoes_the_whole_transaction(store: PostgresStore) -> None:
    def half() -> Steps[None]:
        yield from change("INSERT INTO deliveries (key, kind, payload, received_at) VALUES ('k', 'command', '{}', '')")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store._write(half)

    assert await store._read(lambda: fetch("SELECT 1 FROM deliveries")) == []


async def test_work_of_one_step_is_one_message_and_no_more(store: PostgresStore) -> None:
    def steps(count: int) -> Steps[None]:
        for n in range(count):
            yield from change("INSERT INTO homes VALUES (:user_id, 'T', '', NULL, '', 0, 0)", user_id=f"{count} {n}")

    await store._write(lambda: steps(1), is_one_step=True)
    with pytest.raises(AssertionError, match="a second step"):
        await store._write(lambda: steps(2), is_one_step=True)


class Unheard(PostgresStore):
    """Its first commit is made, and the answer to it lost; ``then``, the next try is refused."""

    async def _write(self, work: Any, **how: Any) -> Any:
        def without_answer() -> Steps[Any]:
            if not self.is_deaf and self.then is not None:
                refused, self.then = self.then, None
                raise refused
            answer = yield from work()
            if self.is_deaf:
                self.is_deaf = False
                raise psycopg.OperationalError("server closed the connection unexpectedly")
            return answer

        return await super()._write(without_answer, **how)

    is_deaf = True
    then: psycopg.Error | None = None


async def test_a_delivery_whose_commit_nobody_answered_to_is_kept_once_and_known_to_be(postgres_url: str) -> None:
    """Or the person would be told that nothing was started, and something would be."""
    async with Unheard(postgres_url) as store:
        assert await store.record_delivery(a_delivery(), holder="bot-1", until=at(1)) is True
        assert await store.record_delivery(a_delivery(), holder="bot-1", until=at(1)) is False
        assert await unfinished(store) == [a_delivery()]


LEASED_UNTIL = NOON + timedelta(seconds=15)
LAPSED = NOON + timedelta(seconds=20)


async def refused_in_doubt(store: Unheard, delivery: Delivery) -> None:
    """The first try keeps it, and nobody hears of it; the second is refused."""
    store.then = errors.DiskFull("the disk is full")
    with pytest.raises(StoreUnavailableError) as caught:
        await store.record_delivery(delivery, holder="bot-1", until=LEASED_UNTIL)
    assert caught.value.may_be_kept


async def taken(store: PostgresStore, holder: str) -> list[Delivery]:
    return await store.lease_deliveries(now=LAPSED, until=at(1), holder=holder, limit=9)


async def test_a_delivery_that_was_refused_in_doubt_is_nobodys_work(
    replicas: tuple[PostgresStore, PostgresStore], postgres_url: str
) -> None:
    """The person was told that it was perhaps not kept, and asks again; both would run."""
    _, other = replicas
    async with Unheard(postgres_url) as store:
        await refused_in_doubt(store, a_delivery())
        assert outside(postgres_url, "SELECT lease_holder, finished_at FROM deliveries") == [("bot-1", None)]
        await store.renew_leases(holder="bot-1", until=NOON + timedelta(seconds=16))

        assert await taken(other, "bot-2") == []
        assert await store.record_delivery(a_delivery(), holder="bot-1", until=LEASED_UNTIL) is False, "nor does a copy run"
    assert await taken(other, "bot-2") == []


async def test_what_is_kept_only_after_it_was_disowned_is_nobodys_work_either(store: PostgresStore, postgres_url: str) -> None:
    """The connection broke, and the server still has the statement before it."""
    async with Unheard(postgres_url) as doubting:
        await refused_in_doubt(doubting, a_delivery())
        outside(postgres_url, "DELETE FROM deliveries")
        await doubting.renew_leases(holder="bot-1", until=at(1))

    assert await store.record_delivery(a_delivery(), holder="bot-1", until=LEASED_UNTIL) is False
    assert await taken(store, "bot-2") == []


async def test_a_bot_that_ends_before_it_renews_its_leases_disowns_what_it_refused(
    store: PostgresStore, postgres_url: str
) -> None:
    async with Unheard(postgres_url) as ending:
        await refused_in_doubt(ending, a_delivery())

    assert await taken(store, "bot-2") == []


async def test_what_another_replica_was_quicker_to_take_stays_its_own(store: PostgresStore, postgres_url: str) -> None:
    async with Unheard(postgres_url) as doubting:
        await refused_in_doubt(doubting, a_delivery())
        assert await taken(store, "bot-2") == [a_delivery()]
        await doubting.renew_leases(holder="bot-1", until=at(1))

    assert outside(postgres_url, "SELECT lease_holder, finished_at FROM deliveries") == [("bot-2", None)]


async def test_an_event_in_doubt_is_not_lost_as_it_was_refused_to_nobody(store: PostgresStore, postgres_url: str) -> None:
    event = a_delivery(key="event:Ev1", kind="event")
    async with Unheard(postgres_url) as doubting:
        await refused_in_doubt(doubting, event)
        await doubting.renew_leases(holder="bot-1", until=at(1))
        assert await doubting.record_delivery(event) is False, "Slack brings it again"

    assert await taken(store, "bot-2") == [event]


async def test_what_was_certainly_refused_may_be_kept_later_and_stays_ours(store: PostgresStore, postgres_url: str) -> None:
    async with Unheard(postgres_url) as refusing:
        refusing.is_deaf, refusing.then = False, errors.DiskFull("the disk is full")
        with pytest.raises(StoreUnavailableError) as caught:
            await refusing.record_delivery(a_delivery(), holder="bot-1", until=LEASED_UNTIL)
        assert not caught.value.may_be_kept
        assert await refusing.record_delivery(a_delivery(), holder="bot-1", until=LEASED_UNTIL)
        await refusing.renew_leases(holder="bot-1", until=at(1))

    assert await take(store, at(2), holder="bot-2") == [a_delivery()]


class Deaf(PostgresStore):
    """Its next write is kept, and the answer to it lost."""

    async def _write(self, work: Any, **how: Any) -> Any:
        answer = await super()._write(work, **how)
        if self.is_deaf:
            self.is_deaf = False
            raise StoreUnavailableError(self.place, "the connection broke")
        return answer

    is_deaf = False


async def test_what_a_claim_took_whose_answer_was_lost_is_given_back_and_nothing_else(postgres_url: str) -> None:
    """It would be ours as long as we live, and nobody would work on it."""
    async with Deaf(postgres_url) as store:
        await keep(store)
        await keep(store, launch_id="L-MINE")
        [mine] = await store.lease_due(now=NOON, until=at(1), holder="bot-1", limit=1)
        store.is_deaf = True
        with pytest.raises(StoreUnavailableError):
            await store.lease_due(now=NOON, until=at(2), holder="bot-1", limit=9)
        assert await store.lease_due(now=NOON, until=at(2), holder="bot-2", limit=9) == []
        await store.renew_leases(holder="bot-1", until=at(3))

        [given_back] = await store.lease_due(now=NOON, until=at(2), holder="bot-2", limit=9)
        await store.renew_leases(holder="bot-1", until=at(5))
        assert mine.launch_id != given_back.launch_id
        assert ids(await store.lease_due(now=at(4), until=at(9), holder="bot-3", limit=9)) == [given_back.launch_id]


@pytest.mark.parametrize("kind", ["deliveries", "tellings", "homes", "of"])
async def test_each_kind_of_claim_is_given_back(postgres_url: str, kind: str) -> None:
    async with Deaf(postgres_url) as store:
        await keep(store)
        await store.record_delivery(a_delivery(key="left"))
        await store.home_opened("U0BOB", "T0ACME", at=NOON)
        claims = {name: getattr(store, f"lease_{name}") for name in ("deliveries", "tellings", "homes")}
        claims["of"] = partial(store.lease_of, "billing", is_tracked=False)
        store.is_deaf = True
        with pytest.raises(StoreUnavailableError):
            await claims[kind](now=at(9), until=at(10), holder="bot-1", limit=9)
        await store.renew_leases(holder="bot-1", until=at(12))

        assert len(await claims[kind](now=at(9), until=at(10), holder="bot-2", limit=9)) == 1


async def test_a_copy_whose_first_look_nobody_answered_to_stays_a_copy(store: PostgresStore, postgres_url: str) -> None:
    await store.record_delivery(a_delivery(received_at=at(-1)), holder="bot-1", until=at(1))
    async with Unheard(postgres_url) as other:
        assert await other.record_delivery(a_delivery(), holder="bot-1", until=at(1)) is False
        other.is_deaf = True
        assert await other.record_delivery(a_delivery(received_at=at(-1)), holder="bot-2", until=at(1)) is False


async def test_a_broken_constraint_stays_what_it_is(store: PostgresStore) -> None:
    with pytest.raises(psycopg.IntegrityError):
        await store._write(lambda: change("INSERT INTO outbox (launch_id, event_seq) VALUES ('L', 1)"))


async def test_a_write_whose_caller_left_is_not_torn(store: PostgresStore) -> None:
    def slow() -> Steps[None]:
        yield from change("INSERT INTO deliveries (key, kind, payload, received_at) VALUES ('k', 'command', '{}', '')")
        yield from fetch("SELECT pg_sleep(20)")

    writing = asyncio.create_task(store._write(slow))
    await asyncio.sleep(0.2)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    assert await store.record_delivery(a_delivery(key="k")) is True


async def test_who_is_cancelled_as_their_turn_comes_is_cancelled(store: PostgresStore) -> None:
    """Or the task that keeps the clock right would go on for ever, and the bot would not end."""
    await store.next_due()
    places = store._pool._places  # pyright: ignore[reportPrivateUsage]
    taken = 0
    while not places.locked():
        await places.acquire()
        taken += 1
    waiting = asyncio.create_task(store.next_due())
    await asyncio.sleep(0.05)
    for _ in range(taken):
        places.release()
    await asyncio.sleep(0)  # it has its place, and does not know yet
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await store.next_due() is None


async def test_who_waits_for_a_lock_gives_up_and_says_so(store: PostgresStore, postgres_url: str) -> None:
    await keep(store)
    with psycopg.connect(postgres_url) as other:
        other.execute("UPDATE launches SET looks = 9")
        work = store._write(lambda: impatient(change("UPDATE launches SET looks = 8")))
        with pytest.raises(StoreUnavailableError, match="somebody else keeps what is asked for locked"):
            await work

        other.rollback()

    assert (await read(store)).looks == 0


def impatient(steps: Steps[int]) -> Steps[int]:
    yield from change("SET LOCAL lock_timeout TO '50ms'")
    return (yield from steps)


async def test_readers_do_not_wait_for_writers(store: PostgresStore, postgres_url: str) -> None:
    launch = await keep(store)
    with psycopg.connect(postgres_url) as other:
        other.execute("UPDATE launches SET looks = 7")

        assert await store.launch(L) == launch


async def test_a_step_alone_keeps_others_out_until_the_end(replicas: tuple[PostgresStore, PostgresStore]) -> None:
    order: list[str] = []

    def steps(name: str) -> Steps[None]:
        yield from alone("quota", "C0FINANCE", "q")
        order.append(f"{name} in")
        yield from fetch("SELECT pg_sleep(0.05)")
        order.append(f"{name} out")

    await asyncio.gather(replicas[0]._write(lambda: steps("a")), replicas[1]._write(lambda: steps("b")))

    assert order in (["a in", "a out", "b in", "b out"], ["b in", "b out", "a in", "a out"])


async def test_text_that_postgres_cannot_keep_is_kept_as_far_as_it_can(store: PostgresStore) -> None:
    launch = a_launch(workflow_name="null\0here", inputs={"note": "\0 and \ud800", "big": 2**70}, detail="half \udfff")
    key = "command:\0"
    assert await store.create(launch, an_event(), delivery_key=key) is None

    kept = await read(store)
    assert [kept.workflow_name, kept.detail] == ["null�here", "half �"]
    assert [kept.inputs["big"], str(kept.inputs["note"])[:6]] == [2**70, "\0 and "], "JSON's own text says NUL in letters"
    assert await store.caused_by(key) == kept
    assert await store.recent(channel_id="C\ud800\0", limit=1) == []


async def test_a_corrupt_launch_is_set_aside_and_the_rest_goes_on(store: PostgresStore, postgres_url: str) -> None:
    await keep(store, launch_id="L-BAD", due_at=at(-1))
    await keep(store, launch_id="L-GOOD")
    outside(postgres_url, "UPDATE launches SET inputs = '{' WHERE launch_id = 'L-BAD'")

    with capture_logs() as logs:
        due, told = await lease(store), await tell(store)

    assert [ids(due), ids(told)] == [["L-GOOD"], ["L-GOOD"]]
    assert await noted(store) == ["launch L-BAD: cannot be read (JSONDecodeError)"]
    assert await lease(store, at(60), holder="bot-2", limit=1) != []
    assert {line["event"] for line in logs} == {"row_unreadable"}
    with pytest.raises(UnreadableRowError):
        await read(store, "L-BAD")


async def test_decisions_are_numbered_in_order_and_read_by_pages(replicas: tuple[PostgresStore, PostgresStore]) -> None:
    await asyncio.gather(*(replicas[n % 2].record_decision(a_record(verdict="deny")) for n in range(9)))

    pages = [await replicas[0].decisions(since=NOON, after=after, limit=4) for after in (0, 4, 8)]

    assert [[decision.seq for decision in page] for page in pages] == [[1, 2, 3, 4], [5, 6, 7, 8], [9]]


async def test_another_replica_is_woken_when_there_is_work(replicas: tuple[PostgresStore, PostgresStore]) -> None:
    first, second = replicas
    heard: list[asyncio.Event] = [asyncio.Event(), asyncio.Event()]
    counts = [0, 0]

    def ring(n: int) -> None:
        counts[n] += 1
        heard[n].set()

    for n, bot in enumerate(replicas):
        bot.on_news(lambda n=n: ring(n))
    async with asyncio.timeout(10):
        await asyncio.gather(*(event.wait() for event in heard))
        [event.clear() for event in heard]
        own = counts[0]
        await keep(first)
        await heard[1].wait()
        assert ids(await lease(second)) == [L], "what it was woken for is there"
        heard[1].clear()
        await second.release(L, "bot-1")
        await heard[0].wait()

    assert counts[0] == own + 1, "nobody is woken by their own work"


async def test_a_burst_of_work_wakes_others_a_few_times_only(replicas: tuple[PostgresStore, PostgresStore]) -> None:
    first, second = replicas
    rings, is_listening = asyncio.Queue[None](), asyncio.Event()
    loop = asyncio.get_running_loop()
    first.on_news(is_listening.set)
    second.on_news(lambda: rings.put_nowait(None))
    await rings.get()
    await is_listening.wait()
    began = loop.time()
    for n in range(60):
        await keep(first, launch_id=f"L-{n}")
    took = loop.time() - began
    await asyncio.sleep(0.3)

    assert 1 <= rings.qsize() <= 4 + took / 0.1


async def test_whoever_lost_its_connection_hears_again(replicas: tuple[PostgresStore, PostgresStore], postgres_url: str) -> None:
    first, second = replicas
    rings = asyncio.Queue[None]()
    second.on_news(lambda: rings.put_nowait(None))
    async with asyncio.timeout(10):
        await rings.get()
        with capture_logs() as logs:
            outside(postgres_url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
            await rings.get()

    assert [line["event"] for line in logs] == ["news_not_heard"]
    assert await first.launch("L-NONE") is None


async def test_the_database_tells_its_time(store: PostgresStore) -> None:
    told = await store.time()

    assert told is not None
    assert told.utcoffset() is not None


async def test_commits_are_never_less_than_durable(postgres_url: str) -> None:
    """Whatever somebody set for the database."""
    name = postgres_url.rpartition("/")[2]
    outside(
        postgres_url,
        f"ALTER DATABASE {name} SET synchronous_commit TO off",
        f"ALTER DATABASE {name} SET TimeZone TO 'Asia/Tokyo'",
        f"ALTER DATABASE {name} SET default_transaction_isolation TO 'serializable'",
    )
    asked = ("synchronous_commit", "TimeZone", "transaction_isolation")
    async with PostgresStore(postgres_url) as store:
        rows = [await store._read(lambda name=name: fetch("SELECT current_setting(:name) AS value", name=name)) for name in asked]

    assert [row[0]["value"] for row in rows] == ["on", "UTC", "read committed"]


async def test_a_stronger_commit_is_left_as_it_is(postgres_url: str) -> None:
    outside(postgres_url, f"ALTER DATABASE {postgres_url.rpartition('/')[2]} SET synchronous_commit TO remote_apply")
    async with PostgresStore(postgres_url) as store:
        [row] = await store._read(lambda: fetch("SELECT current_setting('synchronous_commit') AS value"))

    assert row["value"] == "remote_apply"


async def test_no_more_connections_than_told_are_opened(postgres_url: str) -> None:
    async with PostgresStore(postgres_url, most_connections=3) as store:
        await asyncio.gather(*(keep(store, launch_id=f"L-{n}") for n in range(30)))
        [(count,)] = outside(postgres_url, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gonogo'")

    assert 1 <= count <= 3


async def test_a_backup_is_left_to_pg_dump(store: PostgresStore, tmp_path: Any) -> None:
    with pytest.raises(SettingsError, match=r"run pg_dump --format=custom --file=.*backup\.dump with the same address"):
        await store.backup(tmp_path / "backup.dump")


async def test_building_a_store_opens_nothing(postgres_url: str) -> None:
    store = open_store(postgres_url)

    assert outside(postgres_url, "SELECT 1 FROM pg_stat_activity WHERE application_name = 'gonogo'") == []
    await store.close()


async def test_a_closed_store_says_so(store: PostgresStore) -> None:
    await store.launch("L-1")
    await store.close()
    await store.close()

    for use in (store.record_delivery(a_delivery()), store.launch("L-1")):
        with pytest.raises(StoreUnavailableError, match="it is closed"):
            await use


async def test_closing_leaves_no_connection_behind(replicas: tuple[PostgresStore, PostgresStore], postgres_url: str) -> None:
    for bot in replicas:
        bot.on_news(lambda: None)
        await keep(bot, launch_id=f"L-{id(bot)}")
        await bot.close()

    async with asyncio.timeout(5):
        while outside(postgres_url, "SELECT 1 FROM pg_stat_activity WHERE application_name = 'gonogo'"):  # noqa: ASYNC110 - theirs
            await asyncio.sleep(0.02)


async def test_what_was_kept_is_there_after_a_restart(postgres_url: str) -> None:
    async with open_store(postgres_url) as before:
        launch: Launch = await keep(before)

    async with open_store(postgres_url) as after:
        assert await after.migrate() == []
        assert await after.launch(L) == launch
