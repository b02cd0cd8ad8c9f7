"""Where work is done: brief work at once, long work on the lane's thread, and never anything that the event loop would wait for."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.domain.errors import StoreUnavailableError
from bot.store.sqlite_file import COMMITS_PER_CHECKPOINT, SqliteFile
from bot.store.sqlite_lane import BRIEF_S, SLOW_FOR_S, Lane


@dataclass
class Stopwatch:
    """A clock that stands still until it is put forward."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gonogo.db"


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
async def lane(path: Path, stopwatch: Stopwatch) -> AsyncGenerator[Lane]:
    def opened() -> Database:
        return Database(sqlite3.connect(path, isolation_level=None, check_same_thread=False), execute_plugins=False)

    lane = Lane(opened, str(path), "gonogo-lane", patience_s=30, time=stopwatch)
    await lane.run(where)  # opens it
    yield lane
    await lane.close()


@pytest.fixture
async def file(path: Path) -> AsyncGenerator[SqliteFile]:
    file = SqliteFile(path, busy_timeout_s=30)
    await file.write(lambda database: database.execute("CREATE TABLE notes (words TEXT)"))
    yield file
    await file.close()


def where(_database: Database) -> int:
    return threading.get_ident()


def size(path: Path) -> int:
    return path.stat().st_size


def notes_without_log(path: Path) -> int:
    """How many there are in the database's file alone."""
    alone = shutil.copy(path, path.with_name("alone.db"))
    with closing(sqlite3.connect(alone)) as connection:
        return int(connection.execute("SELECT count(*) FROM notes").fetchone()[0])


HERE = threading.get_ident()


async def test_brief_work_is_done_at_once_and_long_work_on_the_thread(lane: Lane) -> None:
    assert await lane.run(where, is_brief=True) == HERE
    assert await lane.run(where) != HERE


async def test_nothing_is_opened_on_the_event_loop(path: Path) -> None:
    opened_by: list[int] = []

    def opening() -> Database:
        opened_by.append(threading.get_ident())
        return Database(path)

    lane = Lane(opening, str(path), "gonogo-lane")
    assert await lane.run(where, is_brief=True) != HERE
    await lane.close()
    assert len(opened_by) == 1
    assert opened_by[0] != HERE


async def test_brief_work_waits_for_what_the_thread_is_at_and_is_then_done_at_once(lane: Lane) -> None:
    has_begun, may_end, order = threading.Event(), threading.Event(), list[str]()

    def long(_database: Database) -> None:
        has_begun.set()
        may_end.wait(30)
        order.append("long")

    def brief(database: Database) -> int:
        order.append("brief")
        return where(database)

    working = asyncio.create_task(lane.run(long))
    await asyncio.to_thread(has_begun.wait, 30)
    waiting = [asyncio.create_task(lane.run(brief, is_brief=True)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    may_end.set()

    assert await asyncio.gather(working, *waiting) == [None, HERE, HERE, HERE]
    assert order == ["long", "brief", "brief", "brief"]


async def test_brief_work_has_its_turn_between_pieces_of_long_work(lane: Lane) -> None:
    """Somebody who goes on and on with what is long would else keep a delivery from being acknowledged."""
    has_begun, gates = threading.Event(), [threading.Event() for _ in range(3)]
    order = list[str]()

    def long(number: int) -> Callable[[Database], None]:
        def work(_database: Database) -> None:
            has_begun.set()
            gates[number].wait(30)
            order.append(f"long {number}")

        return work

    working = [asyncio.create_task(lane.run(long(number))) for number in range(3)]
    await asyncio.to_thread(has_begun.wait, 30)
    brief = asyncio.create_task(lane.run(lambda _database: order.append("brief"), is_brief=True))
    await asyncio.sleep(0)
    gates[0].set()
    await asyncio.wait((brief,), timeout=10)
    assert order == ["long 0", "brief"]
    gates[1].set()
    gates[2].set()

    await asyncio.gather(brief, *working)
    assert order == ["long 0", "brief", "long 1", "long 2"]


async def test_whoever_goes_on_with_long_work_does_not_overtake_who_waits(lane: Lane) -> None:
    order = list[str]()

    async def one_long_after_the_other() -> None:
        for _ in range(50):
            await lane.run(lambda _database: threading.Event().wait(0.002))
            order.append("long")

    working = asyncio.create_task(one_long_after_the_other())
    for _ in range(20):
        await asyncio.sleep(0.001)
        before = len(order)
        assert await lane.run(where, is_brief=True) == HERE
        assert len(order) - before <= 2, "what the thread was at, and what ended just then"
    await working


async def test_long_work_has_its_turn_between_pieces_of_brief_work(lane: Lane) -> None:
    has_begun = threading.Event()
    working = [asyncio.create_task(lane.run(lambda _database: has_begun.wait(0.01))) for _ in range(20)]
    await asyncio.sleep(0)

    async def brief_ones() -> None:
        while not all(task.done() for task in working):
            await lane.run(where, is_brief=True)
            await asyncio.sleep(0)

    async with asyncio.timeout(20):
        await asyncio.gather(*(brief_ones() for _ in range(3)))


async def test_closing_finishes_long_work_that_gave_way(lane: Lane) -> None:
    gate = threading.Event()
    working = [asyncio.create_task(lane.run(lambda _database: gate.wait(30))) for _ in range(3)]
    await asyncio.sleep(0)
    brief = [asyncio.create_task(lane.run(where, is_brief=True)) for _ in range(3)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(lane.close())
    await asyncio.sleep(0)
    gate.set()
    async with asyncio.timeout(20):
        await closing

    assert await asyncio.gather(*working, *brief) == [True] * 3 + [HERE] * 3


async def test_whoever_leaves_while_waiting_keeps_nobody_from_their_turn(lane: Lane) -> None:
    may_end = threading.Event()
    working = asyncio.create_task(lane.run(lambda _database: may_end.wait(30)))
    await asyncio.sleep(0)
    leaving, staying = (asyncio.create_task(lane.run(where, is_brief=True)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    may_end.set()

    assert await working
    assert await staying == HERE
    assert leaving.cancelled()


async def test_work_of_an_event_loop_that_ended_keeps_nobody_from_their_turn(lane: Lane) -> None:
    may_end, order = threading.Event(), list[str]()

    async def leave_behind() -> None:
        for number in range(2):
            lane.post(lambda _database, number=number: (may_end.wait(30), order.append(f"left {number}")))

    await asyncio.to_thread(asyncio.run, leave_behind())
    waiting = asyncio.create_task(lane.run(where, is_brief=True))
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.wait((waiting,), timeout=10)

    assert waiting.done()
    assert waiting.result() == HERE
    await lane.run(where)
    assert order == ["left 0", "left 1"]


async def test_work_that_breaks_at_once_breaks_for_its_caller_alone(lane: Lane) -> None:
    def broken(database: Database) -> None:
        database.execute("SELECT * FROM nowhere")

    with pytest.raises(StoreUnavailableError, match="no such table: nowhere"):
        await lane.run(broken, is_brief=True)
    assert await lane.run(where, is_brief=True) == HERE


async def test_what_was_slow_at_once_goes_to_the_thread_for_longer_each_time(lane: Lane, stopwatch: Stopwatch) -> None:
    def slow(_database: Database) -> None:
        stopwatch.now += 2 * BRIEF_S

    shortest, longest = SLOW_FOR_S
    rest_s = shortest
    for _ in range(10):
        await lane.run(slow, is_brief=True)
        assert await lane.run(where, is_brief=True) != HERE
        stopwatch.now += rest_s * 0.9
        assert await lane.run(where, is_brief=True) != HERE
        stopwatch.now += rest_s * 0.2
        rest_s = min(2 * rest_s, longest)
    assert rest_s == longest

    assert await lane.run(where, is_brief=True) == HERE
    await lane.run(slow, is_brief=True)
    stopwatch.now += shortest * 1.1
    assert await lane.run(where, is_brief=True) == HERE, "what was quick in between made it young again"


async def test_a_closed_lane_says_so_also_to_whoever_waited(lane: Lane) -> None:
    may_end = threading.Event()
    working = asyncio.create_task(lane.run(lambda _database: may_end.wait(30)))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(lane.run(where, is_brief=True))
    await asyncio.sleep(0)
    closing = asyncio.create_task(lane.close())
    await asyncio.sleep(0)
    may_end.set()
    await closing

    assert await working
    ended = await asyncio.gather(waiting, return_exceptions=True)
    assert ended == [HERE] or isinstance(ended[0], StoreUnavailableError)
    with pytest.raises(StoreUnavailableError, match="it is closed"):
        await lane.run(where, is_brief=True)


async def test_the_loop_goes_on_while_another_program_holds_the_lock(file: SqliteFile, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    tries = list[int]()

    def note(database: Database) -> int:
        tries.append(1)
        return database.execute("INSERT INTO notes VALUES ('mine')").rowcount

    writing = asyncio.create_task(file.write(note, is_brief=True))
    turns = 0
    async with asyncio.timeout(20):
        while turns < 50:  # had the loop waited for the lock, there would be none
            await asyncio.sleep(0.002)
            turns += 1
    assert not writing.done()
    other.execute("ROLLBACK")
    other.close()

    assert await writing == 1
    assert len(tries) == 1, "what could not begin has done nothing"


async def test_the_log_is_brought_over_by_the_thread(file: SqliteFile, path: Path) -> None:
    at_first = size(path)
    for _ in range(COMMITS_PER_CHECKPOINT):
        await file.write(lambda database: database.execute("INSERT INTO notes VALUES (?)", ["x" * 100]), is_brief=True)
    await file.write(lambda _database: None)  # behind it

    assert size(path) > at_first
    assert notes_without_log(path) == COMMITS_PER_CHECKPOINT - 1, "all but what came after the checkpoint began to be due"
