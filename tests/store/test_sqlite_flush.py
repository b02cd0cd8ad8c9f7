"""What says that a start is about to be sent is on the disk before it is sent, and nobody else waits for that."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.errors import StoreUnavailableError
from bot.domain.model import EventKind, State
from bot.store import SqliteStore
from bot.store.sqlite_flush import SYNC, Flush
from tests.builders import a_delivery, a_launch, an_event


class Disk:
    """Counts what is flushed; ``gate`` is what a flush waits for, and ``fault`` what it ends with."""

    def __init__(self) -> None:
        self.flushes = 0
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Event()
        self.fault: OSError | None = None

    def sync(self, file: int) -> None:
        self.begun.set()
        self.gate.wait(10)
        self.flushes += 1
        if self.fault:
            raise self.fault
        SYNC(file)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
async def store(tmp_path: Path, disk: Disk) -> AsyncGenerator[SqliteStore]:
    path = tmp_path / "gonogo.db"
    async with SqliteStore(path) as opened:
        opened._file._flush = Flush(path, disk.sync)
        await opened.migrate()
        yield opened


async def keep(store: SqliteStore, launch_id: str) -> None:
    await store.create(a_launch(launch_id=launch_id), an_event(launch_id=launch_id), delivery_key=f"command:{launch_id}")


async def start(store: SqliteStore, launch_id: str) -> bool:
    launch = await store.launch(launch_id)
    assert launch is not None
    return await store.save(replace(launch, state=State.STARTING), an_event(launch_id=launch_id, kind=EventKind.STARTING))


async def test_a_start_is_flushed_and_nothing_else_is(store: SqliteStore, disk: Disk) -> None:
    await keep(store, "L-1")
    await store.record_delivery(a_delivery())
    assert disk.flushes == 0

    assert await start(store, "L-1")
    assert disk.flushes == 1


async def test_others_are_kept_while_a_start_waits_for_the_disk(store: SqliteStore, disk: Disk) -> None:
    await keep(store, "L-1")
    disk.gate.clear()
    starting = asyncio.create_task(start(store, "L-1"))
    await asyncio.to_thread(disk.begun.wait, 10)

    assert await store.record_delivery(a_delivery())
    assert not starting.done()

    disk.gate.set()
    assert await starting


async def test_one_flush_answers_for_all_who_came_before_it_began(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "gonogo.db-wal").touch()
    flush = Flush(tmp_path / "gonogo.db", disk.sync)
    assert flush.is_ready()
    disk.gate.clear()
    first = asyncio.create_task(flush.flushed())
    await asyncio.to_thread(disk.begun.wait, 10)
    others = [asyncio.create_task(flush.flushed()) for _ in range(8)]
    await asyncio.sleep(0)  # each has asked
    disk.gate.set()
    await asyncio.gather(first, *others)
    await flush.close()

    assert disk.flushes == 2, "what was committed while one was under way is in the next"


async def test_a_disk_that_refuses_is_told_and_from_then_on_sqlite_flushes_itself(store: SqliteStore, disk: Disk) -> None:
    await keep(store, "L-1")
    await keep(store, "L-2")
    disk.fault = OSError(5, "Input/output error")
    with pytest.raises(StoreUnavailableError, match="the disk does not write"):
        await start(store, "L-1")

    launch = await store.launch("L-1")
    assert launch is not None
    assert launch.state is State.STARTING, "it may not be sent, and whoever finds it takes it for possibly sent"
    assert await start(store, "L-2")
    assert disk.flushes == 1, "another sync of ours would prove nothing"


async def test_a_log_that_cannot_be_opened_is_flushed_by_sqlite(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "gonogo.db"
    async with SqliteStore(path) as store:
        store._file._flush = Flush(tmp_path / "elsewhere.db", disk.sync)
        await store.migrate()
        await keep(store, "L-1")

        assert await start(store, "L-1")
        assert disk.flushes == 0
        assert await store._file.write(lambda database: database.execute("PRAGMA synchronous").fetchone()[0]) == 1


@pytest.mark.parametrize("is_alone", [True, False])
async def test_the_event_loop_does_not_wait_for_the_disk_where_sqlite_flushes(tmp_path: Path, disk: Disk, is_alone: bool) -> None:
    written_by: list[int] = []
    path = tmp_path / "gonogo.db"
    async with SqliteStore(path, before_write=lambda _database: written_by.append(threading.get_ident())) as store:
        await store.migrate()
        store._file._flush = Flush(path if is_alone else tmp_path / "elsewhere.db", disk.sync)
        for number in (1, 2):
            await keep(store, f"L-{number}")
        await asyncio.sleep(0)
        written_by.clear()
        others = [] if is_alone else [store.record_delivery(a_delivery())]
        await asyncio.gather(*others, start(store, "L-1"))

        assert written_by[-1] != threading.get_ident(), "the log was not at hand: opened, or flushed, as it is written"
        await start(store, "L-2")
        assert (written_by[-1] == threading.get_ident()) is is_alone, "now it is, where there is one"


async def test_what_was_flushed_is_whole_in_the_files_as_they_are(store: SqliteStore, tmp_path: Path) -> None:
    await keep(store, "L-1")
    await store._file.write(lambda database: database.execute("SELECT 1"))
    await start(store, "L-1")
    after = tmp_path / "after"
    after.mkdir()
    for name in ("gonogo.db", "gonogo.db-wal"):  # as a machine finds them that comes back: without the -shm
        shutil.copy(tmp_path / name, after / name)

    async with SqliteStore(after / "gonogo.db") as again:
        launch = await again.launch("L-1")
        assert launch is not None
        assert launch.state is State.STARTING


async def test_a_checkpoint_in_between_takes_nothing_away(store: SqliteStore, tmp_path: Path, disk: Disk) -> None:
    await keep(store, "L-1")
    disk.gate.clear()
    starting = asyncio.create_task(start(store, "L-1"))
    await asyncio.to_thread(disk.begun.wait, 10)
    told = await store._file._writer.run(lambda database: database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
    assert told[0] == 0
    await keep(store, "L-2")
    disk.gate.set()
    assert await starting

    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(tmp_path / "gonogo.db", alone / "gonogo.db")
    async with SqliteStore(alone / "gonogo.db") as again:
        launch = await again.launch("L-1")
        assert launch is not None
        assert launch.state is State.STARTING


async def test_a_closed_flush_says_so_and_holds_no_file(tmp_path: Path) -> None:
    (tmp_path / "gonogo.db-wal").touch()
    flush = Flush(tmp_path / "gonogo.db")
    assert flush.is_ready()
    await flush.close()
    await flush.close()

    assert flush._file is None
    assert not flush.is_ready()
    with pytest.raises(StoreUnavailableError):
        await flush.flushed()
