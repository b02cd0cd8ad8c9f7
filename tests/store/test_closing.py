"""A store on SQLite that is closed finishes what was asked of it, and nothing is done at its connection beside that."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.errors import StoreUnavailableError
from bot.domain.model import EventKind, State
from bot.store.sqlite import SqliteStore
from bot.store.sqlite_flush import SYNC, Flush
from bot.store.sqlite_turn import MOST_TOGETHER
from tests.builders import a_delivery, a_launch, an_event

KEYS = {f"command:{number}" for number in range(3 * MOST_TOGETHER)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gonogo.db"


@pytest.fixture
async def store(path: Path) -> AsyncGenerator[SqliteStore]:
    async with SqliteStore(path) as opened:
        await opened.migrate()
        yield opened


def deliveries(store: SqliteStore) -> list[asyncio.Task[bool]]:
    return [asyncio.create_task(store.record_delivery(a_delivery(key=key))) for key in sorted(KEYS)]


async def kept(path: Path) -> set[str]:
    async with SqliteStore(path) as after:
        return await after._file.read(lambda database: {row["key"] for row in database.table("deliveries").rows})


async def test_what_waits_for_its_turn_is_written(store: SqliteStore, path: Path) -> None:
    writing = deliveries(store)
    await asyncio.sleep(0)
    await store.close()

    assert all(task.done() for task in writing)
    assert await asyncio.gather(*writing) == [True] * len(KEYS)
    assert await kept(path) == KEYS


async def test_what_waits_for_the_thread_is_written_and_read(store: SqliteStore, path: Path) -> None:
    may_end = threading.Event()
    blocking = asyncio.create_task(store._file.write(lambda _database: may_end.wait(30)))
    await asyncio.sleep(0)
    writing = deliveries(store)
    reading = asyncio.create_task(store.launch("L-NONE"))
    for _ in range(5):
        await asyncio.sleep(0)
    closing = asyncio.create_task(store.close())
    for _ in range(5):
        await asyncio.sleep(0)
    may_end.set()
    await closing

    assert await blocking
    assert await reading is None
    assert await asyncio.gather(*writing) == [True] * len(KEYS)
    assert await kept(path) == KEYS


async def test_brief_work_that_waits_alone_has_its_turn(store: SqliteStore) -> None:
    lane, may_end = store._file._writer, threading.Event()
    blocking = lane.post(lambda _database: may_end.wait(30))
    waiting = [asyncio.create_task(lane.run(lambda _database: "brief", is_brief=True)) for _ in range(5)]
    await asyncio.sleep(0)
    closing = [asyncio.create_task(lane.close()) for _ in range(2)]
    await asyncio.sleep(0)
    may_end.set()

    assert await asyncio.gather(blocking, *waiting, *closing) == [True, *["brief"] * 5, None, None]


@pytest.mark.parametrize("is_brief", [True, False])
async def test_those_who_go_on_and_on_do_not_keep_it_open(store: SqliteStore, is_brief: bool) -> None:
    async def go_on() -> None:
        while True:
            await store._file.write(lambda _database: None, is_brief=is_brief)
            await asyncio.sleep(0)

    going = [asyncio.create_task(go_on()) for _ in range(5)]
    await asyncio.sleep(0.01)
    async with asyncio.timeout(20):
        await store.close()
        ends = await asyncio.gather(*going, return_exceptions=True)

    assert {str(end).rpartition(": ")[2] for end in ends} == {"it is closed"}


async def test_nothing_is_done_on_the_event_loop_while_the_connection_ends(store: SqliteStore) -> None:
    lane = store._file._writer
    has_begun, may_end = threading.Event(), threading.Event()
    let_go = lane._let_go

    def slowly() -> None:
        has_begun.set()
        may_end.wait(30)
        let_go()

    lane._let_go = slowly  # type: ignore[method-assign] - the moment between being closed and being gone
    closing = asyncio.create_task(lane.close())
    await asyncio.to_thread(has_begun.wait, 30)
    assert not lane.is_free
    with pytest.raises(StoreUnavailableError, match="it is closed"):
        await lane.run(lambda _database: None, is_brief=True)
    may_end.set()
    await closing


async def test_what_waits_for_a_flush_has_it(store: SqliteStore, path: Path) -> None:
    """One that is under way answers for those before it only; who came since has another."""
    gate, begun, flushes = threading.Event(), threading.Event(), list[int]()

    def sync(file: int) -> None:
        begun.set()
        gate.wait(30)
        flushes.append(file)
        SYNC(file)

    store._file._flush = Flush(path, sync)
    for launch_id in ("L-1", "L-2"):
        await store.create(a_launch(launch_id=launch_id), an_event(launch_id=launch_id), delivery_key=f"command:{launch_id}")

    async def start(launch_id: str) -> bool:
        launch = await store.launch(launch_id)
        assert launch is not None
        starting = replace(launch, state=State.STARTING)
        return await store.save(starting, an_event(EventKind.STARTING, launch_id=launch_id))

    first = asyncio.create_task(start("L-1"))
    await asyncio.to_thread(begun.wait, 30)
    second = asyncio.create_task(start("L-2"))
    for _ in range(3):
        await asyncio.sleep(0)
    closing = asyncio.create_task(store.close())
    await asyncio.to_thread(gate.wait, 0.05)
    gate.set()

    assert await asyncio.gather(first, second) == [True, True]
    await closing
    assert len(flushes) >= 2


async def test_a_flush_that_was_asked_for_just_now_is_made(tmp_path: Path) -> None:
    (tmp_path / "gonogo.db-wal").touch()
    flushes = list[int]()
    flush = Flush(tmp_path / "gonogo.db", flushes.append)
    assert flush.is_ready()
    waiting = [asyncio.create_task(flush.flushed()) for _ in range(3)]
    await asyncio.sleep(0)
    await flush.close()

    assert await asyncio.gather(*waiting) == [None] * 3
    assert flushes


async def test_a_disk_that_refuses_keeps_nobody_from_closing(tmp_path: Path) -> None:
    def sync(_file: int) -> None:
        raise OSError(5, "Input/output error")

    (tmp_path / "gonogo.db-wal").touch()
    flush = Flush(tmp_path / "gonogo.db", sync)
    assert flush.is_ready()
    waiting = asyncio.create_task(flush.flushed())
    await asyncio.sleep(0)
    await flush.close()

    with pytest.raises(StoreUnavailableError, match="the disk does not write"):
        await waiting
