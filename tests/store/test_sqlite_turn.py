"""What is written in one turn of the event loop: one commit for the first, one for all others, and to each what is its own."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
from collections.abc import AsyncGenerator, Awaitable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.domain.errors import LaunchIdTakenError, LimitReachedError, StoreUnavailableError
from bot.domain.grants import Limits
from bot.domain.model import EventKind, Launch, State
from bot.store.sqlite import SqliteStore
from bot.store.sqlite_flush import SYNC, Flush
from bot.store.sqlite_turn import MOST_TOGETHER
from tests.builders import NOON, a_delivery, a_launch, an_event


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gonogo.db"


@pytest.fixture
async def store(path: Path) -> AsyncGenerator[SqliteStore]:
    async with SqliteStore(path) as opened:
        await opened.migrate()
        await opened._file._writer.run(lambda _database: None, is_brief=True)  # the thread is at rest
        yield opened


async def traced(store: SqliteStore) -> list[str]:
    seen: list[str] = []
    await store._file._writer.run(lambda database: database.conn.set_trace_callback(seen.append), is_brief=True)
    return seen


def commits(seen: list[str]) -> list[str]:
    return [sql for sql in seen if re.match("BEGIN|COMMIT|ROLLBACK", sql)]


def deliver(store: SqliteStore, number: int) -> Awaitable[bool]:
    return store.record_delivery(a_delivery(key=f"command:{number}"))


def launch(store: SqliteStore, number: int, *, limits: Limits | None = None) -> Awaitable[Launch | None]:
    launch_id = f"L-{number:02}"
    wanted = a_launch(launch_id=launch_id, quota_key="q")
    return store.create(wanted, an_event(launch_id=launch_id), delivery_key=f"command:{number}", limits=limits)


def start(store: SqliteStore, number: int) -> Awaitable[bool]:
    launch_id = f"L-{number:02}"
    starting = a_launch(launch_id=launch_id, quota_key="q", state=State.STARTING)
    return store.save(starting, an_event(EventKind.STARTING, launch_id=launch_id))


async def test_the_first_of_a_turn_is_a_commit_of_its_own_and_the_others_share_one(store: SqliteStore) -> None:
    await asyncio.sleep(0)
    seen = await traced(store)

    assert await asyncio.gather(*(deliver(store, number) for number in range(10))) == [True] * 10
    assert commits(seen) == ["BEGIN IMMEDIATE", "COMMIT"] * 2


async def test_who_writes_alone_does_not_wait_for_company(store: SqliteStore) -> None:
    writing = asyncio.ensure_future(deliver(store, 1))
    await asyncio.sleep(0)

    assert writing.done()


async def test_one_that_breaks_is_the_only_one_that_does(store: SqliteStore) -> None:
    await launch(store, 3)
    ends = await asyncio.gather(*(launch(store, number) for number in (1, 2, 3, 4)), return_exceptions=True)

    assert ends[:2] == [None, None]
    assert isinstance(ends[2], Launch), "its delivery had caused one"
    assert ends[3] is None
    taken = a_launch(launch_id="L-01")
    again = [store.create(taken, an_event(launch_id="L-01"), delivery_key="command:9"), launch(store, 5), launch(store, 6)]
    ends = await asyncio.gather(deliver(store, 8), *again, return_exceptions=True)

    assert [type(end).__name__ for end in ends] == ["bool", "LaunchIdTakenError", "NoneType", "NoneType"]
    assert [await store.launch(f"L-{number:02}") is not None for number in (1, 4, 5, 6)] == [True] * 4


async def test_limits_hold_for_all_who_ask_in_one_turn(store: SqliteStore) -> None:
    limits = Limits(per_hour=4)
    ends = await asyncio.gather(*(launch(store, number, limits=limits) for number in range(12)), return_exceptions=True)

    assert ends.count(None) == 4
    assert sum(isinstance(end, LimitReachedError) for end in ends) == 8


async def test_only_who_needs_the_disk_waits_for_it(store: SqliteStore, path: Path) -> None:
    gate, begun, flushes = threading.Event(), threading.Event(), list[int]()

    def sync(file: int) -> None:
        begun.set()
        gate.wait(30)
        flushes.append(file)
        SYNC(file)

    store._file._flush = Flush(path, sync)
    for number in (1, 2):
        await launch(store, number)
    await asyncio.sleep(0)
    first, *starting = (asyncio.ensure_future(one) for one in (deliver(store, 7), start(store, 1), start(store, 2)))
    other = asyncio.ensure_future(deliver(store, 8))
    await asyncio.to_thread(begun.wait, 30)

    assert await first
    assert await other
    assert not any(one.done() for one in starting)
    gate.set()
    assert await asyncio.gather(*starting) == [True, True]
    assert len(flushes) == 1


async def test_a_flush_that_fails_is_told_to_those_who_needed_it(store: SqliteStore, path: Path) -> None:
    def sync(_file: int) -> None:
        raise OSError(5, "Input/output error")

    store._file._flush = Flush(path, sync)
    await launch(store, 1)
    await asyncio.sleep(0)
    ends = await asyncio.gather(deliver(store, 7), start(store, 1), deliver(store, 8), return_exceptions=True)

    assert ends[0] is ends[2] is True
    assert isinstance(ends[1], StoreUnavailableError)
    kept = await store.launch("L-01")
    assert kept is not None
    assert kept.state is State.STARTING, "written, and perhaps not safe from a power cut"


async def test_who_left_before_the_group_was_written_is_left_out(store: SqliteStore) -> None:
    await asyncio.sleep(0)
    first, leaving, staying = (asyncio.ensure_future(deliver(store, number)) for number in (1, 2, 3))
    await asyncio.sleep(0)
    leaving.cancel()

    assert await first
    assert await staying
    assert await store.delivery("command:2") is None
    assert await deliver(store, 2), "nothing of it was kept"


def test_an_event_loop_that_ended_in_the_middle_of_a_turn_holds_up_nobody(path: Path) -> None:
    store = SqliteStore(path)
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    try:
        first.run_until_complete(store.migrate())
        assert first.run_until_complete(deliver(store, 1))  # ends before the turn is over
        assert second.run_until_complete(deliver(store, 2))
        assert second.run_until_complete(deliver(store, 3))
        second.run_until_complete(store.close())
    finally:
        first.close()
        second.close()


async def test_what_comes_while_a_group_is_written_is_in_the_next(store: SqliteStore) -> None:
    await asyncio.sleep(0)

    async def chain(number: int) -> None:
        assert await launch(store, number) is None
        kept = await store.launch(f"L-{number:02}")
        assert kept is not None
        assert await store.save(replace(kept, state=State.STARTING), an_event(EventKind.STARTING, launch_id=kept.launch_id))

    await asyncio.gather(*(chain(number) for number in range(20)))
    states = [await store.launch(f"L-{number:02}") for number in range(20)]

    assert [one.state for one in states if one] == [State.STARTING] * 20
    assert await store.next_due() == NOON


async def test_a_copy_stays_a_copy_where_the_write_of_another_breaks_the_group(store: SqliteStore) -> None:
    """All of the group is undone for certain: nobody is in doubt about what was kept."""
    await launch(store, 1)

    def copies_and_one_that_breaks() -> Awaitable[list[bool | BaseException | Launch | None]]:
        copies = [store.record_delivery(a_delivery(), holder="bot-1", until=NOON) for _ in range(3)]
        taken = store.create(a_launch(launch_id="L-01"), an_event(launch_id="L-01"), delivery_key="command:9")
        return asyncio.gather(deliver(store, 8), *copies, taken, return_exceptions=True)

    assert (await copies_and_one_that_breaks())[1:4] == [True, False, False]
    assert (await copies_and_one_that_breaks())[1:4] == [False, False, False]


async def test_in_a_group_that_broke_only_who_needs_the_disk_waits_for_it_and_once(store: SqliteStore, path: Path) -> None:
    gate, flushes = threading.Event(), list[int]()

    def sync(file: int) -> None:
        gate.wait(30)
        flushes.append(file)
        SYNC(file)

    store._file._flush = Flush(path, sync)
    for number in (1, 2):
        await launch(store, number)
    await asyncio.sleep(0)
    taken = store.create(a_launch(launch_id="L-01"), an_event(launch_id="L-01"), delivery_key="command:9")
    writes = (deliver(store, 7), taken, start(store, 1), deliver(store, 8), start(store, 2), deliver(store, 9))
    first, broken, *others = (asyncio.ensure_future(one) for one in writes)
    async with asyncio.timeout(20):
        assert await first
        assert await others[1]
        assert await others[3]
        with pytest.raises(LaunchIdTakenError):
            await broken
    assert not others[0].done()
    gate.set()

    assert await asyncio.gather(*others) == [True] * 4
    assert len(flushes) <= 2, "one for who came until it began, one for who came after"


async def test_a_group_that_could_not_even_begin_waits_for_the_lock_once(path: Path) -> None:
    tries = list[int]()
    async with SqliteStore(path, busy_timeout_s=0.3, before_write=lambda _database: tries.append(1)) as store:
        await store.migrate()
        tries.clear()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            ends = await asyncio.gather(*(deliver(store, number) for number in range(10)), return_exceptions=True)

        assert all(isinstance(end, StoreUnavailableError) for end in ends)
        assert len(tries) <= 4, "the first and the group, each on the event loop and on the thread"
        assert await deliver(store, 1)


async def test_a_crowd_is_written_in_groups_that_hold_the_event_loop_only_briefly(store: SqliteStore) -> None:
    await asyncio.sleep(0)
    seen = await traced(store)
    count = 3 * MOST_TOGETHER

    assert await asyncio.gather(*(deliver(store, number) for number in range(count + 1))) == [True] * (count + 1)
    assert commits(seen) == ["BEGIN IMMEDIATE", "COMMIT"] * 4


async def test_what_waited_on_an_event_loop_that_ended_keeps_nobody_from_their_answer(path: Path) -> None:
    store = SqliteStore(path)
    await store.migrate()

    def on_a_loop_that_ends() -> None:
        ended = asyncio.new_event_loop()
        tasks = [ended.create_task(store._file.write(lambda _database: None, is_brief=True)) for _ in range(2)]
        ended.call_soon(ended.stop)
        ended.run_forever()
        ended.close()
        for task in tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]

    await asyncio.to_thread(on_a_loop_that_ends)
    async with asyncio.timeout(20):
        assert await asyncio.gather(*(deliver(store, number) for number in range(4))) == [True] * 4
        await store.close()


async def test_a_group_whose_task_is_ended_leaves_nobody_waiting(store: SqliteStore) -> None:
    has_begun, gate = threading.Event(), threading.Event()

    def block(_database: Database) -> bool:
        has_begun.set()
        return gate.wait(30)

    blocking = asyncio.ensure_future(store._file.write(block))
    await asyncio.to_thread(has_begun.wait, 30)
    first, second = (asyncio.ensure_future(deliver(store, number)) for number in (1, 2))
    for _ in range(3):
        await asyncio.sleep(0)
    for committing in store._file._turn._committing:
        committing.cancel()
    gate.set()

    ended, waiting = await asyncio.wait((blocking, first, second), timeout=10)
    assert not waiting
    assert blocking in ended
    assert first.result()
    assert second.cancelled()


async def test_what_is_kept_is_not_written_again_where_the_way_back_from_full_fails(path: Path) -> None:
    """SQLite flushes by itself here, and then does not take back how it does so."""

    def refuse(database: Database) -> None:
        level = database.execute("PRAGMA synchronous").fetchone()[0]

        def allowed(action: int, name: str | None, value: str | None, *_: str | None) -> int:
            is_back = action == sqlite3.SQLITE_PRAGMA and (name, value) == ("synchronous", "NORMAL")
            return sqlite3.SQLITE_DENY if is_back else sqlite3.SQLITE_OK

        if level == 2:
            database.conn.set_authorizer(allowed)

    async with SqliteStore(path, before_write=refuse) as store:
        await store.migrate()
        for number in (1, 2):
            await launch(store, number)
        store._file._flush = Flush(path.with_name("elsewhere.db"))

        assert await asyncio.gather(deliver(store, 1), start(store, 1), start(store, 2)) == [False, True, True]
