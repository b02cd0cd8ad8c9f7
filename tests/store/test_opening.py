"""Which databases are opened, and how the others are refused."""

# ruff: noqa: ASYNC240 - a test may touch its own files

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.domain.errors import SettingsError, StoreUnavailableError
from bot.store import open_store, sqlite_file
from bot.store.schema import MIGRATIONS, Migration
from bot.store.sqlite import SqliteStore
from tests.builders import a_delivery

LATER = Migration(name="9001_notes", sqlite="CREATE TABLE notes (note TEXT) STRICT;")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gonogo.db"


def outside(path: Path, *statements: str) -> None:
    """Another program writes to the file, and checks nothing."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA ignore_check_constraints = ON")
        for sql in statements:
            other.execute(sql)


async def refusal(store: SqliteStore) -> str:
    with pytest.raises(SettingsError) as caught:
        await store.migrate()
    await store.close()
    return str(caught.value)


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("gonogo-")]


@pytest.mark.parametrize(
    "url", ["", "gonogo.db", "mysql://u:hush@h/d", "http://hush", "sqlite:gonogo.db", "SQLITE", "redis://:hush@h"]
)
def test_an_unknown_kind_of_database_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="GONOGO_DATABASE_URL") as caught:
        open_store(url)

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://gonogo:hush@db/gonogo", "postgres://db"])
def test_postgres_is_chosen_by_its_address(url: str) -> None:
    store = open_store(url)

    assert type(store).__name__ == "PostgresStore"
    assert "hush" not in f"{store.place} {store!r}"


def test_without_its_extra_postgres_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "bot.store.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for name in [name for name in sys.modules if name.startswith("bot.store.postgres_")]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(SettingsError, match="Postgres needs psycopg: install gonogo with its extra postgres"):
        open_store("postgresql://gonogo:hush@db/gonogo")


def test_sqlite_needs_nothing_of_postgres() -> None:
    program = "import sys; sys.modules['psycopg'] = None; from bot.store import open_store; open_store('sqlite://')"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("url", ["sqlite://gonogo.db", "sqlite:///", "sqlite:///gonogo.db?mode=ro"])
def test_an_sqlite_address_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="GONOGO_DATABASE_URL: "):
        open_store(url)


async def test_three_slashes_are_relative_to_the_working_directory(tmp_path: Path) -> None:
    relative = os.path.relpath(tmp_path / "here.db")
    async with open_store(f"sqlite:///{relative}") as opened:
        await opened.migrate()

    assert (tmp_path / "here.db").exists()


async def test_four_slashes_are_absolute(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/there.db") as opened:
        await opened.migrate()

    assert (tmp_path / "there.db").exists()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
async def test_a_store_in_memory_leaves_no_file(url: str) -> None:
    before = set(Path.cwd().iterdir())
    async with open_store(url) as opened:
        await opened.migrate()
        assert await opened.record_delivery(a_delivery())

    assert set(Path.cwd().iterdir()) == before


def test_building_a_store_touches_nothing(path: Path) -> None:
    open_store(f"sqlite:///{path}")

    assert not path.exists()
    assert our_threads() == []


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    said = await refusal(SqliteStore(tmp_path / "missing" / "gonogo.db"))

    assert f"there is no folder {tmp_path / 'missing'}" in said


async def test_a_folder_instead_of_a_file_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path} cannot be used: it cannot be opened" in await refusal(SqliteStore(tmp_path))


async def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    too_long = tmp_path / ("gonogo" * 100)

    assert f"{too_long} cannot be written" in await refusal(SqliteStore(too_long))


async def test_a_file_that_is_no_database_is_named_and_left_alone(path: Path) -> None:
    text = "Dear diary, this is not a database at all. " * 40
    path.write_text(text)

    assert f"{path} cannot be used: it is not a SQLite database" in await refusal(SqliteStore(path))
    assert path.read_text() == text


async def test_another_programs_database_is_named_and_left_alone(path: Path) -> None:
    outside(path, "CREATE TABLE invoices (number INTEGER)")

    assert f"{path} is another program's" in await refusal(SqliteStore(path))
    assert Database(path).table_names() == ["invoices"]


async def test_a_database_that_a_newer_bot_changed_is_named_and_left_alone(path: Path) -> None:
    async with SqliteStore(path, migrations=(*MIGRATIONS, LATER)) as newer:
        await newer.migrate()

    older = SqliteStore(path)
    with pytest.raises(SettingsError, match="newer Gonogo"):
        await older.pending_migrations()

    assert f"{path} was changed by a newer Gonogo (9001_notes)" in await refusal(older)


def test_a_disk_that_takes_no_write_ahead_log_is_refused() -> None:
    """As a network folder; a database in memory answers the same."""
    database = Database(memory=True)

    with pytest.raises(SettingsError, match="choose a local disk"):
        sqlite_file._is_wal(database, is_last=True)

    database.close()


async def test_a_file_that_stays_locked_while_it_is_opened_is_named(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with SqliteStore(path, busy_timeout_s=0.06) as locked:
            with pytest.raises(StoreUnavailableError, match=f"{path} cannot be used: another program keeps it locked"):
                await locked.migrate()
            other.execute("ROLLBACK")

            assert await locked.migrate() == [migration.name for migration in MIGRATIONS], "it recovers without a restart"
