"""A history moved from SQLite to Postgres: whole, equal, into an empty database only."""

# ruff: noqa: ASYNC240 - a test may touch its own files

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.domain.errors import SettingsError, StoreUnavailableError
from bot.domain.model import EventKind, SecretName, State
from bot.ports import Replica
from bot.store import copy
from bot.store.copying import TABLES, Copied
from bot.store.migrations import MIGRATIONS
from bot.store.postgres import PostgresStore
from bot.store.sqlite import SqliteStore
from tests.builders import NOON, a_delivery, a_launch, an_event
from tests.postgres_server import Server
from tests.store import test_schema
from tests.store.steps import L, a_holding, a_record, at, happen, keep, lease, lose_card, noted, tell


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gonogo.db"


@pytest.fixture
async def source(path: Path) -> AsyncIterator[SqliteStore]:
    """A history with something in every table, still in use."""
    async with SqliteStore(path) as store:
        await store.migrate()
        await lived(store)
        yield store


async def lived(store: SqliteStore) -> None:
    await store.record_delivery(a_delivery(text='billing 396 maxAmount="5.00" — déjà\tvu\\N'), holder="bot-1", until=at(1))
    await store.record_delivery(a_delivery(key="command:open"))
    inputs = {"maxAmount": Decimal("5.00"), "key": SecretName("ZUORA"), "note": "a\0b\nc\\.", "big": 2**80, "nothing": None}
    launch = a_launch(inputs=inputs, quota_key="q", due_at=NOON)
    await store.create(launch, an_event(), delivery_key="command:1.2.a", decision=a_record(), has_line=True)
    for n in range(30):
        await keep(store, launch_id=f"L-{n:03}", created_at=at(n), due_at=at(n))
    await happen(store, EventKind.SUCCEEDED, launch_id="L-001", state=State.SUCCEEDED, outputs={"total": Decimal("1E+2")})
    await lose_card(store, "L-002")
    await store.telling_failed("L-003", retry_at=None, error="is_archived")
    await lease(store, at(5), limit=3)
    await tell(store, at(5), limit=3)
    for verdict in ("deny", "allow"):
        await store.record_decision(a_record(verdict=verdict, facts={"hour": Decimal("1.0")}))
    await store.keep_mirror("billing", [a_holding(), a_holding(scope="other", is_held=None)], identity="Ann")
    await store.first_name("billing", "396", "Dunning run", at=NOON)
    await store.home_opened("U0ALICE", "T0GONOGO", at=NOON)
    await store.seen(Replica(holder="bot-1", version="0.1.0"), now=NOON, since=NOON)
    await store.keep_pauses({"slack chat.update": at(1)})
    await store.claim_notice("drift billing", holder="bot-1", now=NOON, until=at(1))
    await store._file.write(lambda database: database.execute("UPDATE launches SET inputs = '{' WHERE launch_id = 'L-029'"))
    await lease(store, at(60), holder="bot-2", limit=99)


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def of_file(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        return connection.execute(sql).fetchall()


def of_postgres(url: str, sql: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


def counts(url: str) -> dict[str, int]:
    return {table: of_postgres(url, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}  # noqa: S608 - our own names


async def refusal(source: str, target: str) -> str:
    with pytest.raises((SettingsError, StoreUnavailableError)) as caught:
        await copy(source, target)
    return str(caught.value)


def test_every_table_is_copied_after_those_it_refers_to() -> None:
    script = "".join(migration.sqlite for migration in MIGRATIONS)
    made = [line.split()[2] for line in script.splitlines() if line.startswith("CREATE TABLE")]
    renamed = {line.split()[2] for line in script.splitlines() if line.startswith("ALTER TABLE") and " RENAME TO " in line}

    assert set(made) - renamed == set(TABLES)
    assert set(test_schema.TABLES) <= set(TABLES)
    order = list(TABLES)
    for table, after in [("deliveries", "launches"), ("events", "launches"), ("outbox", "events"), ("cards", "launches")]:
        assert order.index(table) > order.index(after)


async def test_every_row_is_copied_and_counted(source: SqliteStore, path: Path, postgres_url: str) -> None:
    copied = await copy(url_of(path), postgres_url)

    expected = {table: of_file(path, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}  # noqa: S608 - our own names
    assert {table.table: table.rows for table in copied} == expected == counts(postgres_url)
    assert min(count for table, count in expected.items() if table != "durations") >= 1
    assert sum(table.changed for table in copied) == 0


async def test_each_store_gives_the_same_afterwards(source: SqliteStore, path: Path, postgres_url: str) -> None:
    await copy(url_of(path), postgres_url)

    async with PostgresStore(postgres_url) as target:
        for store in (source, target):
            assert await noted(store) == ["launch L-029: cannot be read (JSONDecodeError)"]
        for launch_id in (L, "L-001", "L-002", "L-003"):
            assert await target.launch(launch_id) == await source.launch(launch_id)
            assert await target.events(launch_id) == await source.events(launch_id)
        assert str((await target.launch(L)).inputs) == str((await source.launch(L)).inputs)  # type: ignore[union-attr]
        assert await target.recent(channel_id="C0FINANCE", limit=99) == await source.recent(channel_id="C0FINANCE", limit=99)
        since = NOON - timedelta(days=1)
        assert await target.decisions(since=since) == await source.decisions(since=since)
        assert await target.mirror("billing") == await source.mirror("billing")
        assert await target.usage("C0FINANCE", now=at(30)) == await source.usage("C0FINANCE", now=at(30))
        for ask in ("next_due", "next_telling", "next_delivery", "next_home"):
            assert await getattr(target, ask)() == await getattr(source, ask)()
        assert await tell(target, at(99), limit=99) == await tell(source, at(99), limit=99)


async def test_numbers_go_on_where_they_ended(source: SqliteStore, path: Path, postgres_url: str) -> None:
    await copy(url_of(path), postgres_url)
    async with PostgresStore(postgres_url) as target:
        await target.record_decision(a_record(verdict="deny"))
        launch = await keep(target, launch_id="L-NEW")
        await target.save(replace(launch), an_event(EventKind.STARTING, launch_id="L-NEW"), has_line=True)

    for table, column in (("decisions", "seq"), ("outbox", "id")):
        [(before,)] = of_file(path, f"SELECT max({column}) FROM {table}")  # noqa: S608 - our own names
        [(after,)] = of_postgres(postgres_url, f"SELECT max({column}) FROM {table}")  # noqa: S608 - our own names
        assert after == before + 1


async def test_an_empty_history_can_be_copied(path: Path, postgres_url: str) -> None:
    async with SqliteStore(path) as store:
        await store.migrate()

    copied = await copy(url_of(path), postgres_url)

    assert {table.table: table.rows for table in copied if table.rows} == {"home_call": 1}
    async with PostgresStore(postgres_url) as target:
        await target.record_decision(a_record())
        assert [decision.seq for decision in await target.decisions(since=NOON)] == [1]


async def test_what_is_written_meanwhile_is_in_no_part_of_the_copy(source: SqliteStore, path: Path, postgres_url: str) -> None:
    is_done = asyncio.Event()

    async def write_on() -> int:
        count = 0
        while not is_done.is_set():
            await keep(source, launch_id=f"M-{count}")
            count += 1
        return count

    writing = asyncio.create_task(write_on())
    await copy(url_of(path), postgres_url)
    is_done.set()

    assert await writing >= 1, "the source stays in use"
    found = counts(postgres_url)
    assert found["launches"] == found["cards"]
    assert 31 <= found["launches"] <= of_file(path, "SELECT count(*) FROM launches")[0][0]


async def test_the_source_is_left_as_it_is(source: SqliteStore, path: Path, postgres_url: str) -> None:
    await source.close()
    before = path.read_bytes()
    await copy(url_of(path), postgres_url)

    assert path.read_bytes() == before


async def test_what_postgres_cannot_keep_is_counted(source: SqliteStore, path: Path, postgres_url: str) -> None:
    of_file(
        path, "UPDATE launches SET detail = CAST(x'61ff62' AS TEXT), provider_status = 'a' || char(0) WHERE launch_id = 'L-004'"
    )

    copied = await copy(url_of(path), postgres_url)

    assert [table for table in copied if table.changed] == [Copied(table="launches", rows=31, changed=2)]
    sql = "SELECT detail, provider_status FROM launches WHERE launch_id = 'L-004'"
    assert of_postgres(postgres_url, sql) == [("a�b", "a�")]


async def test_a_key_that_postgres_cannot_keep_has_another_place_there(
    source: SqliteStore, path: Path, postgres_url: str
) -> None:
    of_file(
        path,
        "INSERT INTO first_names SELECT 'billing', column1, 'n', '' FROM (VALUES ('a' || char(0) || 'z'), ('ab'), ('ac'))",
    )

    copied = await copy(url_of(path), postgres_url)

    assert [table.changed for table in copied if table.table == "first_names"] == [1]
    sql = "SELECT workflow_id FROM first_names WHERE name = 'n' ORDER BY workflow_id"
    assert of_postgres(postgres_url, sql) == [("ab",), ("ac",), ("a�z",)]


async def test_a_target_that_is_in_use_is_refused_and_left_alone(source: SqliteStore, path: Path, postgres_url: str) -> None:
    async with PostgresStore(postgres_url) as target:
        await target.record_delivery(a_delivery())

    said = await refusal(url_of(path), postgres_url)

    assert "is not empty (it has rows in deliveries): copy into a new database" in said
    assert [sum(counts(postgres_url).values()), counts(postgres_url)["deliveries"]] == [2, 1]


async def test_a_second_copy_is_refused(source: SqliteStore, path: Path, postgres_url: str) -> None:
    await copy(url_of(path), postgres_url)
    before = counts(postgres_url)

    assert "is not empty" in await refusal(url_of(path), postgres_url)
    assert counts(postgres_url) == before


async def test_a_target_without_tables_is_refused(source: SqliteStore, path: Path, postgres: Server) -> None:
    said = await refusal(url_of(path), postgres.new_database())

    assert "the target t" in said
    assert "is not up to date (0001_launches, " in said
    assert "run gonogo db migrate with GONOGO_DATABASE_URL set to it, then try again" in said


async def test_a_source_that_is_not_up_to_date_is_refused(path: Path, postgres_url: str) -> None:
    async with SqliteStore(path, migrations=MIGRATIONS[:2]) as older:
        await older.migrate()

    assert f"the source {path} is not up to date (0003_access, " in await refusal(url_of(path), postgres_url)


async def test_a_source_that_is_not_there_is_refused_and_not_made(path: Path, postgres_url: str) -> None:
    assert f"there is no database {path} to copy" in await refusal(url_of(path), postgres_url)
    assert not path.exists()


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("postgresql://u:hush@h/a", "postgresql://u:hush@h/b"),
        ("postgresql://u:hush@h/a", "sqlite:///x.db"),
        ("sqlite:///x.db", "sqlite:///y.db"),
        ("sqlite://", "postgresql://u:hush@h/b"),
        ("x.db", "postgresql://u:hush@h/b"),
    ],
)
async def test_only_a_file_is_copied_and_only_to_postgres(source: str, target: str) -> None:
    said = await refusal(source, target)

    assert "a history is copied from an SQLite file to Postgres: gonogo db copy sqlite:///file postgresql://…" in said
    assert "hush" not in said


async def test_a_row_that_the_target_would_not_take_keeps_nothing(source: SqliteStore, path: Path, postgres_url: str) -> None:
    of_file(path, "UPDATE launches SET state = 'dreaming' WHERE launch_id = 'L-005'")

    said = await refusal(url_of(path), postgres_url)

    assert f"the database {path} cannot be copied: " in said
    assert "launches" in said
    assert sum(counts(postgres_url).values()) == 1


async def test_a_copy_that_differs_in_one_row_keeps_nothing(source: SqliteStore, path: Path, postgres_url: str) -> None:
    """As if something in between were not faithful."""
    of_postgres(
        postgres_url,
        "CREATE FUNCTION unfaithful() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.facts := replace(NEW.facts, '1.0', '1'); RETURN NEW; END $$",
    )
    of_postgres(postgres_url, "CREATE TRIGGER t BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION unfaithful()")

    said = await refusal(url_of(path), postgres_url)

    assert "differs in decisions at 2: nothing was kept" in said
    assert sum(counts(postgres_url).values()) == 1


async def test_a_row_that_did_not_arrive_is_noticed(source: SqliteStore, path: Path, postgres_url: str) -> None:
    of_postgres(postgres_url, "CREATE RULE gone AS ON INSERT TO homes DO INSTEAD NOTHING")
    of_postgres(
        postgres_url,
        "CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
    )
    of_postgres(postgres_url, "CREATE TRIGGER t BEFORE INSERT ON first_names FOR EACH ROW EXECUTE FUNCTION lost()")

    assert "differs in first_names at billing: nothing was kept" in await refusal(url_of(path), postgres_url)


async def test_a_target_that_goes_away_is_said(source: SqliteStore, path: Path) -> None:
    assert "cannot be used: nothing answers there" in await refusal(url_of(path), "postgresql://u:hush@127.0.0.1:1/gonogo")
