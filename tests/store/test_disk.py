"""A disk that is full, or does not write: refused with a clear error, nothing half written, and well again without a restart."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent

import pytest
from sqlite_utils import Database

from bot.domain.errors import StoreUnavailableError
from bot.domain.model import EventKind
from bot.store import schema
from bot.store.sqlite import SqliteStore
from tests.builders import NOON, a_delivery, a_launch, an_event
from tests.store.steps import L, at, keep, lease, read, take, tell, unfinished

LONG = "x" * 100_000
PLENTY = 1_000_000


@dataclass
class Disk:
    """Room for the database, in pages; there is none beyond what it takes already where that is more."""

    pages: int = PLENTY

    def __call__(self, database: Database) -> None:
        database.execute(f"PRAGMA max_page_count = {self.pages}").fetchone()


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
async def store(tmp_path: Path, disk: Disk) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(tmp_path / "gonogo.db", before_write=disk) as opened:
        await opened.migrate()
        yield opened


async def refused(writing: Awaitable[object]) -> None:
    with pytest.raises(StoreUnavailableError, match=r"gonogo\.db cannot be used: the disk is full"):
        await writing


async def test_a_full_disk_refuses_a_save_keeps_what_was_and_recovers(store: SqliteStore, disk: Disk) -> None:
    launch = await keep(store)
    await store.record_delivery(a_delivery())
    change = (replace(launch, detail=LONG), an_event(EventKind.FAILED))
    disk.pages = 1
    await refused(store.save(*change, has_line=True, delivery_key="command:1.2.a"))

    assert await read(store) == launch
    assert len(await store.events(L)) == 1
    assert await store.delivery("command:1.2.a") == a_delivery(), "who reads goes on"
    disk.pages = PLENTY
    assert await unfinished(store) == [a_delivery()]
    assert await store.save(*change, has_line=True, delivery_key="command:1.2.a")
    assert len((await tell(store))[0].lines) == 1


async def test_a_full_disk_refuses_a_launch_and_a_delivery_whole(store: SqliteStore, disk: Disk) -> None:
    disk.pages = 1
    await refused(store.record_delivery(a_delivery(text=LONG), holder="bot-1", until=at(1)))
    await refused(store.create(a_launch(inputs={"note": LONG}), an_event(), delivery_key="command:9"))
    await refused(store.create(a_launch(), an_event(facts={"note": LONG}), delivery_key="command:9"))

    assert await store.launch(L) is None
    assert [await store.next_due(), await store.next_telling(), await store.next_delivery()] == [None, None, None]
    disk.pages = PLENTY
    assert await store.record_delivery(a_delivery(text=LONG))
    assert await store.create(a_launch(inputs={"note": LONG}), an_event(), delivery_key="command:9") is None


async def test_a_full_disk_that_stays_full_refuses_each_time_and_still_recovers(store: SqliteStore, disk: Disk) -> None:
    for n in range(5):
        disk.pages = 1
        await refused(store.record_delivery(a_delivery(key=f"command:{n}", text=LONG)))
        disk.pages = PLENTY
        assert await store.record_delivery(a_delivery(key=f"command:{n}", text=LONG))

    assert len(await take(store)) == 5


async def test_what_was_due_on_a_full_disk_is_due_after_it(store: SqliteStore, disk: Disk) -> None:
    for n in range(60):
        await keep(store, launch_id=f"L-{n:02}")
    disk.pages = 1
    await refused(store.lease_due(now=NOON, until=at(1), holder="x" * 4000, limit=60))

    assert await store.next_due() == NOON
    assert (await read(store, "L-00")).version == 1
    disk.pages = PLENTY
    assert len(await lease(store, limit=60)) == 60


async def test_a_transaction_that_could_not_even_be_undone_is_undone_before_the_next(tmp_path: Path) -> None:
    left_open: list[str] = []

    def leave_open(database: Database) -> None:
        for sql in left_open:
            database.execute(sql)
        left_open.clear()

    async with SqliteStore(tmp_path / "gonogo.db", before_write=leave_open) as store:
        await store.migrate()
        launch = await keep(store)
        left_open += ["BEGIN IMMEDIATE", "UPDATE launches SET looks = 7"]

        assert await store.record_delivery(a_delivery())
        assert await read(store) == launch


WITHOUT_ROOM = dedent(
    """
    import asyncio, resource, sys
    from pathlib import Path
    from bot.domain.errors import StoreUnavailableError
    from bot.store.sqlite import SqliteStore
    from tests.builders import a_delivery

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    async def main(path):
        async with SqliteStore(path) as store:
            await store.migrate()
            await store.record_delivery(a_delivery(key="command:before"))
            limit(path.with_name("gonogo.db-wal").stat().st_size)
            for n in range(3):
                try:
                    await store.record_delivery(a_delivery(key="command:refused"))
                except StoreUnavailableError as exc:
                    print(exc.cause)
            print(await store.delivery("command:before") is not None, await store.delivery("command:refused") is None)
            limit(resource.RLIM_INFINITY)
            print(await store.record_delivery(a_delivery(key="command:refused")))

    asyncio.run(main(Path(sys.argv[1])))
    """
)


def test_a_disk_that_does_not_write_refuses_and_recovers(tmp_path: Path) -> None:
    """A real file that may not grow, in a process of its own: the limit holds for all of its files."""
    root = str(Path(schema.__file__).parents[2])
    path = tmp_path / "gonogo.db"
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_ROOM, str(path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    *causes, kept, recovered = ended.stdout.splitlines()
    assert len(causes) == 3
    assert set(causes) <= {"the disk is full", "the disk does not read or write"}
    assert (kept, recovered) == ("True True", "True")
