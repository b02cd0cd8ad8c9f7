"""What is kept through restarts, kills, migrations and backups, and what is never kept."""

# ruff: noqa: ASYNC240 - a test may touch its own files

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from sqlite_utils import Database

from bot.domain.errors import SettingsError
from bot.domain.model import Delivery, Launch
from bot.store import schema
from bot.store.rows import delivery_row, event_row, launch_row, time_text
from bot.store.schema import MIGRATIONS, Migration
from bot.store.sqlite import SqliteStore
from tests.builders import NOON, a_delivery, a_launch, an_event
from tests.store.steps import unfinished

MINUTE = timedelta(minutes=1)
LATER = Migration(name="9001_notes", sqlite="CREATE TABLE notes (note TEXT) STRICT;")


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


async def test_no_byte_of_a_reply_url_or_a_trigger_is_ever_stored(store: SqliteStore, path: Path) -> None:
    secret = "https://hooks.slack.test/commands/T0GONOGO/s3cr3t-answer-address"
    delivery = a_delivery(reply_url=secret, trigger_id="13345224609.738474920.s3cr3t")
    await store.record_delivery(delivery, holder="bot-1", until=NOON)
    await store.lease_deliveries(now=NOON, until=NOON, holder="bot-2", limit=10)
    await store.create(a_launch(), an_event(), delivery_key=delivery.key)
    button = a_delivery(key="button:2", kind="button", reply_url=secret)
    await store.record_delivery(button)
    await store.save(a_launch(detail="by button"), None, delivery_key=button.key)
    await store.record_delivery(a_delivery(key="command:3", reply_url=secret))
    await store.finish_delivery("command:3", NOON)
    held = b"".join(found.read_bytes() for found in path.parent.iterdir())
    await store.close()
    held += path.read_bytes()

    assert b"billing 396" in held, "the bytes that were looked through are those of the deliveries"
    assert b"s3cr3t" not in held
    assert b"hooks.slack" not in held


async def test_what_was_kept_is_there_after_a_restart(path: Path) -> None:
    async with SqliteStore(path) as before:
        await before.migrate()
        launch = await keep(before)
        await before.record_delivery(a_delivery())

    async with SqliteStore(path) as after:
        assert await after.migrate() == []
        assert await after.launch("L-7K3QW") == launch
        assert await unfinished(after) == [a_delivery()]


KILLED = dedent(
    """
    import asyncio, os, signal, sys
    from pathlib import Path
    from bot.store.sqlite import SqliteStore
    from tests.builders import a_delivery

    async def main():
        store = SqliteStore(Path(sys.argv[1]))
        await store.migrate()
        for n in range(20):
            await store.record_delivery(a_delivery(key=f"command:{n}"))
            print(n, flush=True)
        def die(database):
            database.execute("DELETE FROM deliveries")
            os.kill(os.getpid(), signal.SIGKILL)
        await store._file.write(die)

    asyncio.run(main())
    """
)


async def test_what_was_acknowledged_survives_kill_9_and_what_was_half_done_does_not(path: Path) -> None:
    root = str(Path(schema.__file__).parents[2])
    killed = subprocess.run(  # noqa: ASYNC221 - nothing else runs in this test
        [sys.executable, "-c", KILLED, str(path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        check=False,
    )
    async with SqliteStore(path) as after:
        kept = await unfinished(after)

    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert len(killed.stdout.split()) == 20
    assert {delivery.key for delivery in kept} == {f"command:{n}" for n in range(20)}


async def test_what_is_pending_is_told_and_then_applied_once(path: Path) -> None:
    async with SqliteStore(path) as fresh:
        names = await fresh.pending_migrations()

        assert names == [migration.name for migration in schema.MIGRATIONS]
        assert await fresh.migrate() == names
        assert await fresh.pending_migrations() == []
        assert await fresh.migrate() == []


async def test_a_database_of_the_first_release_gains_leases_and_lost_cards_and_keeps_what_it_held(path: Path) -> None:
    launch, delivery = a_launch(run_id="R-1"), a_delivery()
    async with SqliteStore(path, migrations=MIGRATIONS[:1]) as first:
        await first.migrate()
        await first._file.write(lambda database: rows_of_the_first_release(database, launch, delivery))

    async with SqliteStore(path) as newer:
        assert await newer.migrate() == [migration.name for migration in MIGRATIONS[1:]]
        assert await newer.launch("L-7K3QW") == launch
        assert await newer.bound_runs("billing", frozenset({"R-1"})) == {"R-1"}
        [taken] = await newer.lease_deliveries(now=NOON, until=NOON + MINUTE, holder="bot-1", limit=10)
        [telling] = await newer.lease_tellings(now=NOON, until=NOON + MINUTE, holder="bot-1", limit=10)
        await newer.card_lost("L-7K3QW", version=1)
        assert await newer.next_telling() is None
    assert taken == delivery
    assert (telling.launch, telling.is_card_lost) == (launch, False)


async def test_a_database_of_before_approvals_keeps_its_launches_and_takes_new_ones(path: Path) -> None:
    async with SqliteStore(path, migrations=MIGRATIONS[:2]) as earlier:
        await earlier.migrate()
        await earlier._file.write(lambda database: rows_of_the_first_release(database, a_launch(), a_delivery()))

    async with SqliteStore(path) as newer:
        assert await newer.migrate() == [migration.name for migration in MIGRATIONS[2:]]
        assert await newer.launch("L-7K3QW") == a_launch(grant_key="", quota_key="", digest="", approval={})
        await keep(newer, "L-NEW", quota_key="q", approval={"required": 2})
        assert await newer.requested_by("U0ALICE", limit=9) == [
            a_launch(launch_id="L-NEW", quota_key="q", approval={"required": 2}),
            a_launch(),
        ]
        assert set(await newer.usage("C0FINANCE", now=NOON)) == {"", "q"}


async def test_a_later_release_keeps_what_an_earlier_one_wrote(store: SqliteStore, path: Path) -> None:
    launch = await keep(store)
    async with SqliteStore(path, migrations=(*MIGRATIONS, LATER)) as newer:
        assert await newer.pending_migrations() == ["9001_notes"]
        assert await newer.migrate() == ["9001_notes"]
        assert await newer.launch("L-7K3QW") == launch


async def test_a_backup_never_overwrites(store: SqliteStore, path: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    target.write_text("last month's")
    for taken in (target, path):
        with pytest.raises(SettingsError, match=f"{taken} exists already"):
            await store.backup(taken)

    assert target.read_text() == "last month's"


async def test_a_backup_into_a_missing_folder_is_refused(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"there is no folder {tmp_path / 'missing'}"):
        await store.backup(tmp_path / "missing" / "backup.db")


async def test_a_backup_of_nothing_is_refused_and_makes_nothing(path: Path, tmp_path: Path) -> None:
    async with SqliteStore(path) as nothing:
        with pytest.raises(SettingsError, match=f"there is no database {path} to back up"):
            await nothing.backup(tmp_path / "backup.db")

    assert list(tmp_path.iterdir()) == []


async def test_a_backup_that_breaks_off_leaves_no_file(path: Path, tmp_path: Path) -> None:
    path.write_text("This is no database. " * 100)
    async with SqliteStore(path) as broken:
        with pytest.raises(SettingsError, match="not a SQLite database"):
            await broken.backup(tmp_path / "backup.db")

    assert [found.name for found in tmp_path.iterdir()] == ["gonogo.db"]


async def test_a_backup_of_a_live_database_is_whole_and_consistent(store: SqliteStore, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    kept = [await keep(store, f"L-{n:03}") for n in range(50)]
    writing = asyncio.gather(*(keep(store, f"M-{n:03}") for n in range(50)))
    await store.backup(target)
    await writing

    async with SqliteStore(target) as restored:
        assert await restored.pending_migrations() == []
        assert await restored.launch("L-049") == kept[-1]
        launches, events, cards = await restored._file.read(counts("launches", "events", "cards"))
        faults = await restored._file.read(lambda database: database.execute("PRAGMA integrity_check").fetchone()[0])
    assert launches == events == cards >= 50
    assert faults == "ok"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(found.name for found in tmp_path.glob("backup*")) == ["backup.db"]
    assert our_threads() == ["gonogo-writer_0"], "the copy's own thread is gone"


async def test_a_database_in_memory_can_be_backed_up(tmp_path: Path) -> None:
    async with SqliteStore(None) as memory:
        await memory.migrate()
        launch = await keep(memory)
        await memory.backup(tmp_path / "backup.db")

    async with SqliteStore(tmp_path / "backup.db") as restored:
        assert await restored.launch("L-7K3QW") == launch


def rows_of_the_first_release(database: Database, launch: Launch, delivery: Delivery) -> None:
    due = {"is_final": 0, "attempts": 0, "gave_up": 0, "wanted_version": 1, "told_version": 0, "due_at": time_text(NOON)}
    columns = {column.name for column in database.table("launches").columns}
    insert(database, "launches", {name: value for name, value in launch_row(launch).items() if name in columns})
    insert(database, "events", event_row(an_event(seq=1)))
    insert(database, "cards", {"launch_id": launch.launch_id, "channel_id": launch.channel_id} | due)
    insert(database, "deliveries", delivery_row(delivery))


def insert(database: Database, table: str, row: dict[str, Any]) -> None:
    names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
    database.execute(f"INSERT INTO {table} ({names}) VALUES ({values})", row)  # noqa: S608 - a test's own names


def counts(*tables: str) -> Callable[[Database], list[int]]:
    return lambda database: [database.table(table).count for table in tables]
