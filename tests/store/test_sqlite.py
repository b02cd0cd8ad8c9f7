"""What only the store on SQLite promises: its errors, its threads, its transactions."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.domain.errors import LaunchIdTakenError, StoreUnavailableError
from bot.domain.holdings import Holding
from bot.domain.model import EventKind, Launch, State
from bot.store import schema
from bot.store.sqlite import SqliteStore
from tests.builders import NOON, a_delivery, a_launch, an_event

MINUTE = timedelta(minutes=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gonogo.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(path, busy_timeout_s=0.02) as opened:
        await opened.migrate()
        yield opened


async def keep(store: SqliteStore, launch_id: str = "L-7K3QW", **changes: object) -> Launch:
    launch = a_launch(launch_id=launch_id, **changes)
    await store.create(launch, an_event(launch_id=launch_id), delivery_key=f"command:{launch_id}")
    return launch


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("gonogo-")]


async def test_a_file_that_stays_locked_refuses_the_write_and_recovers(store: SqliteStore, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="another program keeps it locked"):
            await store.record_delivery(a_delivery())

        assert await store.launch("L-NONE") is None, "readers go on"
        other.execute("ROLLBACK")

    assert await store.record_delivery(a_delivery())


async def test_a_store_that_was_never_migrated_says_what_is_missing(path: Path) -> None:
    async with SqliteStore(path) as unmigrated:
        with pytest.raises(StoreUnavailableError, match="no such table: deliveries"):
            await unmigrated.record_delivery(a_delivery())


async def test_a_closed_store_says_so(store: SqliteStore) -> None:
    await store.close()

    for use in (store.record_delivery(a_delivery()), store.launch("L-1"), store.migrate()):
        with pytest.raises(StoreUnavailableError, match="it is closed"):
            await use


async def test_a_fault_of_the_program_undoes_the_whole_transaction(store: SqliteStore) -> None:
    def half(database: Database) -> None:
        database.execute("INSERT INTO deliveries (key, kind, payload, received_at) VALUES ('k', 'command', '{}', '')")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store._file.write(half)

    assert await store._file.read(lambda database: database.table("deliveries").count) == 0


async def test_a_broken_constraint_stays_what_it_is(store: SqliteStore) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        await store._file.write(lambda database: database.execute("INSERT INTO outbox (launch_id, event_seq) VALUES ('L', 1)"))


async def test_the_reader_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(StoreUnavailableError):
        await store._file.read(lambda database: database.execute("DELETE FROM launches"))


async def test_what_is_finished_is_held_by_nobody(store: SqliteStore) -> None:
    """Or every renewal would touch every delivery that ever was."""
    await keep(store, "L-OTHER")
    for n in range(3):
        await store.record_delivery(a_delivery(key=f"command:{n}"), holder="bot-1", until=NOON)
    await store.finish_delivery("command:0", NOON)
    await store.create(a_launch(), an_event(), delivery_key="command:1")
    await store.save(a_launch(), None, delivery_key="command:2")

    assert await store._file.read(lambda database: database.table("deliveries").count_where("lease_holder IS NOT NULL")) == 0


async def test_a_line_that_was_told_is_not_skipped_afterwards(store: SqliteStore) -> None:
    launch = await keep(store)
    await store.save(launch, an_event(EventKind.STARTING), has_line=True)
    await store.lines_told(launch.launch_id, [1], ts="1.2", at=NOON)
    before = await store._file.read(lambda database: list(database.table("outbox").rows))
    await store.line_skipped(1, NOON + MINUTE)

    assert await store._file.read(lambda database: list(database.table("outbox").rows)) == before


async def test_readers_and_the_loop_never_wait_for_the_writer(store: SqliteStore) -> None:
    await keep(store)
    has_begun, may_end = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(database: Database) -> bool:
        database.execute("UPDATE launches SET looks = 7")
        loop.call_soon_threadsafe(has_begun.set)
        return may_end.wait(timeout=30)

    writing = asyncio.create_task(store._file.write(hold))
    await has_begun.wait()
    before = await store.launch("L-7K3QW")
    may_end.set()

    assert before == a_launch(), "the last commit"
    assert await writing is True, "the reader answered while the writer held its transaction"
    after = await store.launch("L-7K3QW")
    assert after is not None
    assert after.looks == 7


async def test_every_write_is_one_commit(store: SqliteStore) -> None:
    """No more commits than durable facts (issue 8), each begun with the write lock."""
    seen: list[str] = []
    await store._file._writer.run(lambda database: database.conn.set_trace_callback(seen.append), is_brief=True)
    launch = await keep(store)
    await store.save(replace(launch, state=State.STARTING), an_event(EventKind.STARTING), has_line=True)
    [telling] = await store.lease_tellings(now=NOON, until=NOON + MINUTE, holder="bot-1", limit=10)
    await store.card_told("L-7K3QW", ts="1.1", version=telling.launch.version)
    await store.lines_told(telling.launch.launch_id, [telling.lines[0].line_id], ts="1.2", at=NOON)
    await store._file._writer.run(lambda database: database.conn.set_trace_callback(None), is_brief=True)

    control = [sql for sql in seen if re.match("BEGIN|COMMIT|ROLLBACK|SAVEPOINT", sql)]
    assert control == ["BEGIN IMMEDIATE", "COMMIT"] * 5


async def test_a_write_whose_caller_left_is_finished_not_torn(store: SqliteStore) -> None:
    has_begun, may_end = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(database: Database) -> None:
        loop.call_soon_threadsafe(has_begun.set)
        may_end.wait(timeout=30)
        database.execute("INSERT INTO deliveries (key, kind, payload, received_at) VALUES ('k', 'command', '{}', '')")

    writing = asyncio.create_task(store._file.write(hold))
    await has_begun.wait()
    writing.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await writing

    assert await store.record_delivery(a_delivery(key="k")) is False


async def test_closing_finishes_what_was_asked_for_and_leaves_no_thread(path: Path) -> None:
    opened = SqliteStore(path)
    await opened.migrate()
    writes = [asyncio.create_task(opened.record_delivery(a_delivery(key=f"command:{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    await opened.launch("L-NONE")
    await opened.close()

    assert await asyncio.gather(*writes) == [True] * 50
    assert our_threads() == []
    assert not path.with_name("gonogo.db-wal").exists(), "the last connection folds the log into the file"


async def test_the_file_is_a_wal_file_that_only_its_owner_reads(store: SqliteStore, path: Path) -> None:
    await keep(store)
    pragmas = ("journal_mode", "synchronous", "foreign_keys")
    told = await store._file.write(lambda database: [database.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas])

    assert told == ["wal", 1, 1]
    assert {stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()} == {0o600}


async def test_times_and_ids_of_two_stores_on_one_file_agree(store: SqliteStore, path: Path) -> None:
    async with SqliteStore(path) as second:
        assert await second.migrate() == []
        launch = await keep(store)

        assert await second.launch("L-7K3QW") == launch
        assert await second.record_delivery(a_delivery(key="command:L-7K3QW")) is False
        with pytest.raises(LaunchIdTakenError):
            await second.create(a_launch(), an_event(), delivery_key="command:other")


async def test_two_stores_on_one_file_share_the_work_without_overlap(path: Path) -> None:
    async with SqliteStore(path) as first, SqliteStore(path) as second:
        await first.migrate()
        for n in range(40):
            await keep(first, f"L-{n:02}")
        leases = [
            bot.lease_due(now=NOON, until=NOON + MINUTE, holder=name, limit=3)
            for _ in range(10)
            for name, bot in (("bot-1", first), ("bot-2", second))
        ]
        leased = [launch.launch_id for found in await asyncio.gather(*leases) for launch in found]

    assert sorted(leased) == [f"L-{n:02}" for n in range(40)]


async def test_of_two_bots_that_start_on_a_new_file_one_migrates(path: Path) -> None:
    async with SqliteStore(path) as first, SqliteStore(path) as second:
        applied = await asyncio.gather(first.migrate(), second.migrate())

    assert sorted(applied) == [[], [migration.name for migration in schema.MIGRATIONS]]


async def test_what_may_be_thousands_of_rows_is_not_written_on_the_event_loop(path: Path) -> None:
    written_by: list[int] = []
    async with SqliteStore(path, before_write=lambda _database: written_by.append(threading.get_ident())) as store:
        await store.migrate()
        holdings = [Holding(connection="billing", scope=f"{n}", is_held=True, evidence="GET", seen_at=NOON) for n in range(100)]
        for writing in (
            store.record_delivery(a_delivery()),
            store.keep_mirror("billing", holdings[:1]),
            store.renew_leases(holder="bot-1", until=NOON),
            store.keep_mirror("billing", holdings),
        ):
            await asyncio.sleep(0)
            await writing

    here = threading.get_ident()
    assert [ident == here for ident in written_by[1:]] == [True, True, False, False]
