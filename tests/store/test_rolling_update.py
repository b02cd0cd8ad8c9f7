"""A newer version migrates the database while the one before is at work on it: what is only added disturbs nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.domain.errors import SettingsError
from bot.domain.model import EventKind, State
from bot.store import DurableStore
from bot.store.migrations import MIGRATIONS, Migration
from bot.store.postgres import PostgresStore
from bot.store.sqlite import SqliteStore
from tests.postgres_server import migrated_database
from tests.store.steps import at, happen, keep, lease, tell

NEWER = Migration(
    name="9001_costs",
    sqlite="""
ALTER TABLE launches ADD COLUMN cost TEXT;
ALTER TABLE cards ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey';
ALTER TABLE deliveries ADD COLUMN door TEXT;
CREATE TABLE costs (launch_id TEXT NOT NULL PRIMARY KEY, cost TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX launches_cost ON launches (cost) WHERE cost IS NOT NULL;
""",
)
OFTEN = 8
"""A statement is prepared once it was used a few times; from then on the server remembers what its rows look like."""

Versions = Callable[[tuple[Migration, ...]], DurableStore]


@pytest.fixture(params=["file", "postgres"])
async def version(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Versions]:
    """Opens one database by a version of the program that knows these migrations."""
    url = migrated_database() if request.param == "postgres" else ""
    async with AsyncExitStack() as stack:
        opened: list[DurableStore] = []

        def opens(migrations: tuple[Migration, ...]) -> DurableStore:
            path = tmp_path / "gonogo.db"
            opened.append(PostgresStore(url, migrations=migrations) if url else SqliteStore(path, migrations=migrations))
            stack.push_async_callback(opened[-1].close)
            return opened[-1]

        yield opens


async def works(store: DurableStore, name: str) -> None:
    """A launch's life, with every statement that reads whole rows."""
    launch_id = f"L-{name}"
    await keep(store, launch_id=launch_id, due_at=at(0))
    assert [launch.launch_id for launch in await lease(store, at(0))] == [launch_id]
    await store.release(launch_id, "bot-1")
    await happen(store, EventKind.SUCCEEDED, launch_id=launch_id, state=State.SUCCEEDED, due_at=None)
    [telling] = await tell(store, at(0))
    assert telling.launch.launch_id == launch_id
    await store.card_told(launch_id, ts="1.1", version=telling.launch.version)
    for line in telling.lines:
        await store.lines_told(launch_id, [line.line_id], ts="1.2", at=at(0))
    await store.telling_done(launch_id, "bot-1")
    assert launch_id in {launch.launch_id for launch in await store.recent(channel_id=telling.launch.channel_id, limit=100)}


async def test_the_version_before_works_on_while_a_newer_one_migrates_and_after(version: Versions) -> None:
    old = version(MIGRATIONS)
    await old.migrate()
    for n in range(OFTEN):
        await works(old, f"BEFORE{n}")

    new = version((*MIGRATIONS, NEWER))
    assert await new.migrate() == ["9001_costs"]

    for n in range(OFTEN):
        await works(old, f"OLD{n}")
        await works(new, f"NEW{n}")


async def test_the_version_before_does_not_start_any_more(version: Versions) -> None:
    await version((*MIGRATIONS, NEWER)).migrate()

    with pytest.raises(SettingsError, match=r"changed by a newer Gonogo \(9001_costs\): start that version"):
        await version(MIGRATIONS).migrate()
