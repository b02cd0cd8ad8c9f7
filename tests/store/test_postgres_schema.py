"""The same tables on Postgres: migrated once, whoever comes first; refused where they are not ours; each look-up by an index."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import errors
from sqlite_utils import Database

from bot.domain.errors import SettingsError, StoreUnavailableError
from bot.domain.model import State
from bot.store import schema
from bot.store.access_rows import decision_row
from bot.store.migrations import MIGRATIONS, Migration
from bot.store.postgres import PostgresStore
from bot.store.postgres_dialect import statement, value_of
from bot.store.rows import event_row, launch_row
from bot.store.sqlite_lane import immediately
from tests.builders import a_launch, an_event
from tests.postgres_server import Server
from tests.store.steps import a_record
from tests.store.test_schema import STATEMENTS, TABLES

NAMES = [migration.name for migration in MIGRATIONS]
LATER = Migration(name="9001_notes", sqlite="CREATE TABLE notes (note TEXT) STRICT;")
HALF = Migration(name="9001_half", sqlite="CREATE TABLE notes (note TEXT) STRICT; INSERT INTO nowhere VALUES (1);")

COLUMNS: LiteralString = """
SELECT table_name::text, column_name::text, data_type::text, is_nullable::text, coalesce(collation_name, '')::text
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'migrations' ORDER BY table_name, ordinal_position
"""
INDEXES: LiteralString = "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%pkey'"

FILLED: LiteralString = """
INSERT INTO launches (launch_id, team_id, channel_id, requester_id, connection, provider, workflow_id, extras, inputs,
    policy_digest, state, version, created_at, updated_at, due_at, sent_at, attempts, looks, misses, is_cancel_sent, run_id,
    outputs, lease_holder, leased_until, quota_key)
SELECT 'L-' || n, 'T', 'C' || n % 20, 'U' || n % 500, 'c' || n % 5, 'p', 'w' || n % 50, '{}', '{}', '',
    CASE WHEN n % 100 = 0 THEN 'running' WHEN n % 100 = 1 THEN 'awaiting_approval' WHEN n % 1000 = 2 THEN 'in_doubt'
        WHEN n % 3 = 0 THEN 'failed' ELSE 'succeeded' END,
    1, t, t, CASE WHEN n % 100 < 2 THEN t END, t, 0, 0, 0, 0, 'r' || n, '{}',
    CASE WHEN n % 200 = 0 THEN 'bot-' || n % 3 END, CASE WHEN n % 200 = 0 THEN t END, 'q' || n % 4
FROM generate_series(1, 20000) n,
    LATERAL (SELECT to_char(timestamp '2026-11-21' + n * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') t) x;
INSERT INTO deliveries (key, kind, payload, received_at, finished_at, launch_id, lease_holder, leased_until)
SELECT 'command:' || launch_id, 'command', '{}', created_at, CASE WHEN due_at IS NULL THEN created_at END, launch_id,
    lease_holder, leased_until FROM launches;
INSERT INTO events SELECT launch_id, n, 'requested', created_at, 'U', '{}' FROM launches, generate_series(1, 3) n;
INSERT INTO outbox (launch_id, event_seq, told_at) SELECT launch_id, seq, at FROM events;
INSERT INTO cards (launch_id, channel_id, ts, wanted_version, told_version, is_final, due_at, lease_holder, leased_until,
    attempts, gave_up)
SELECT launch_id, channel_id, '1', 1, 1, CASE WHEN state IN ('failed', 'succeeded') THEN 1 ELSE 0 END, due_at, lease_holder,
    leased_until, 0, 0 FROM launches;
INSERT INTO set_aside (what, row_id, cause, at, is_told)
SELECT 'launch', launch_id, 'x', created_at, CASE WHEN due_at IS NULL THEN 1 ELSE 0 END FROM launches;
INSERT INTO decisions (at, door, verb, team_id, channel_id, person_id, connection, workflow_id, verdict, codes, grant_key,
    policy_digest, facts)
SELECT created_at, 'command', 'launch', 'T', channel_id, requester_id, connection, workflow_id, 'allow', '[]', '', '', '{}'
FROM launches ORDER BY created_at;
INSERT INTO holdings SELECT 'c' || n, 's', 'w' || m, 1, '', '', '' FROM generate_series(1, 100) n, generate_series(1, 50) m;
INSERT INTO identities SELECT 'c' || n, 'i' FROM generate_series(1, 3000) n;
INSERT INTO first_names SELECT 'c' || n, 'w' || m, 'n', '' FROM generate_series(1, 100) n, generate_series(1, 50) m;
INSERT INTO durations SELECT 'c' || n, 'w' || m, '[]' FROM generate_series(1, 100) n, generate_series(1, 50) m;
INSERT INTO successes SELECT connection, workflow_id, updated_at, launch_id FROM launches WHERE state = 'succeeded';
INSERT INTO replicas SELECT 'bot-' || n, '1', '2026-11-21T' || n FROM generate_series(1, 3000) n;
INSERT INTO pauses SELECT 'slack ' || n, '2026-11-21T' || n FROM generate_series(1, 3000) n;
INSERT INTO notices SELECT 'drift ' || n, 'bot-1', '2026-11-21T' || n, '2026-11-21T' || n FROM generate_series(1, 3000) n;
INSERT INTO homes SELECT 'U' || launch_id, 'T', created_at, due_at, '', 0, 0, lease_holder, leased_until FROM launches;
ANALYZE
"""
"""A long history, most of it over."""


@pytest.fixture
def connection(postgres_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres_url, autocommit=True, prepare_threshold=None) as opened:
        yield opened


@pytest.fixture
def empty(postgres: Server) -> str:
    """The address of a database without tables."""
    return postgres.new_database()


@cache
def on_sqlite() -> tuple[dict[str, list[tuple[str, bool]]], set[str]]:
    """Tables and indexes as the migrations make them there."""
    database = Database(sqlite3.connect(":memory:", isolation_level=None), execute_plugins=False)
    immediately(database, lambda found: schema.apply(found, "here"))
    tables = {table: [(column.name, bool(column.notnull)) for column in database.table(table).columns] for table in TABLES}
    indexes = {
        str(row["name"])
        for row in database.query("SELECT name FROM sqlite_master WHERE type = 'index' AND sql > '' AND tbl_name <> 'migrations'")
    }
    database.close()
    return tables, indexes


def insert(connection: psycopg.Connection[Any], table: str, row: dict[str, Any]) -> None:
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - a test's own names
    connection.execute(sql.encode(), [value_of(value) for value in row.values()])


async def refusal(url: str) -> str:
    async with PostgresStore(url) as store:
        for use in (store.pending_migrations(), store.migrate()):
            with pytest.raises(SettingsError) as caught:
                await use
    return str(caught.value)


def test_tables_and_columns_are_those_of_sqlite(connection: psycopg.Connection[Any]) -> None:
    tables, _ = on_sqlite()
    found: dict[str, list[tuple[str, bool]]] = {table: [] for table in TABLES}
    for table, column, kind, nullable, collation in connection.execute(COLUMNS).fetchall():
        found[table].append((column, nullable == "NO"))
        assert (kind, collation) in {("text", "C"), ("bigint", "")}, f"{table}.{column}"

    keys = {"outbox": "id", "set_aside": "id", "decisions": "seq", "home_call": "id"}
    assert {table: [name for name, _ in listed] for table, listed in found.items()} == {
        table: [name for name, _ in listed] for table, listed in tables.items()
    }
    for table, listed in tables.items():
        differing = {name for (name, here), (_, there) in zip(found[table], listed, strict=True) if here != there}
        assert differing <= {keys.get(table)}, "SQLite does not say of a numbered key that it is never NULL"


def test_indexes_are_those_of_sqlite(connection: psycopg.Connection[Any]) -> None:
    _, indexes = on_sqlite()

    assert {name for (name,) in connection.execute(INDEXES).fetchall()} == indexes


async def test_each_migration_is_applied_once_and_recorded(empty: str) -> None:
    async with PostgresStore(empty) as store:
        assert await store.pending_migrations() == NAMES
        assert await store.migrate() == NAMES
        assert [await store.pending_migrations(), await store.migrate()] == [[], []]

    with psycopg.connect(empty) as connection:
        assert [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY name").fetchall()] == NAMES


async def test_of_replicas_that_start_together_one_migrates(empty: str) -> None:
    stores = [PostgresStore(empty) for _ in range(5)]
    applied = await asyncio.gather(*(store.migrate() for store in stores))
    for store in stores:
        await store.close()

    assert sorted(applied) == [[], [], [], [], NAMES]


async def test_a_later_release_keeps_what_an_earlier_one_wrote(postgres_url: str) -> None:
    async with PostgresStore(postgres_url) as store, PostgresStore(postgres_url, migrations=(*MIGRATIONS, LATER)) as newer:
        launch = a_launch()
        await store.create(launch, an_event(), delivery_key="command:1")

        assert await newer.migrate() == ["9001_notes"]
        assert await newer.launch(launch.launch_id) == launch
        assert await store.launch(launch.launch_id) == launch, "the older one works on, until it starts anew"


async def test_what_a_newer_release_changed_is_refused(postgres_url: str) -> None:
    async with PostgresStore(postgres_url, migrations=(*MIGRATIONS, LATER)) as newer:
        await newer.migrate()

    said = await refusal(postgres_url)
    assert "127.0.0.1" in said
    assert "was changed by a newer Gonogo (9001_notes): start that version, or restore a backup made before it" in said


async def test_a_migration_that_fails_leaves_neither_change_nor_record(postgres_url: str) -> None:
    async with PostgresStore(postgres_url, migrations=(*MIGRATIONS, HALF)) as store:
        with pytest.raises(StoreUnavailableError):
            await store.migrate()

        assert await store.pending_migrations() == ["9001_half"]


async def test_another_programs_tables_are_refused_and_left_alone(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("CREATE TABLE invoices (number INTEGER)")

    assert "is another program's: it holds the table 'invoices': give Gonogo a database of its own" in await refusal(empty)


async def test_two_gonogos_may_share_a_database_by_schemas(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("CREATE TABLE invoices (number INTEGER)")
        connection.execute("CREATE SCHEMA gonogo")

    async with PostgresStore(f"{empty}?options=-csearch_path%3Dgonogo") as store:
        assert await store.migrate() == NAMES
        assert await store.create(a_launch(), an_event(), delivery_key="command:1") is None


@pytest.mark.parametrize("state", State)
def test_every_state_can_be_kept(connection: psycopg.Connection[Any], state: State) -> None:
    insert(connection, "launches", launch_row(a_launch(state=state)))


@pytest.mark.parametrize(
    ("column", "value"),
    [("state", "dreaming"), ("version", 0), ("attempts", -1), ("is_cancel_sent", 2), ("inputs", None), ("lease_holder", "bot-1")],
)
def test_a_launch_that_cannot_be_is_refused_by_the_table(connection: psycopg.Connection[Any], column: str, value: object) -> None:
    with pytest.raises(errors.IntegrityError):
        insert(connection, "launches", launch_row(a_launch()) | {column: value})


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE events SET actor = 'U0MALLORY'", "events are appended, never edited"),
        ("DELETE FROM events", "events are appended, never removed"),
        ("UPDATE decisions SET verdict = 'allow'", "decisions are appended, never edited"),
        ("DELETE FROM decisions", "decisions are appended, never removed"),
    ],
)
def test_what_happened_is_never_edited_or_removed(connection: psycopg.Connection[Any], sql: LiteralString, said: str) -> None:
    insert(connection, "launches", launch_row(a_launch()))
    insert(connection, "events", event_row(an_event(seq=1)))
    decision = decision_row(a_record(verdict="deny"))
    insert(connection, "decisions", {name: value for name, value in decision.items() if name != "seq"})

    with pytest.raises(errors.IntegrityError, match=said):
        connection.execute(sql)


@pytest.fixture(scope="module")
def plans(make_postgres: Callable[[], str]) -> Iterator[dict[tuple[str, str], str]]:
    """Postgres' plan of every statement over a long history: for the values at hand, and for any."""
    with psycopg.connect(make_postgres(), autocommit=True, prepare_threshold=None) as connection:
        connection.execute(FILLED)
        yield {(name, mode): plan_of(connection, sql, mode) for name, sql in STATEMENTS for mode in ("custom", "generic")}


VALUES: dict[str, Any] = {
    "now": "2026-11-22T00:00:00.000000Z",
    "since": "2026-12-04T00:00:00.000000Z",
    "until": "2026-12-04T00:05:00.000000Z",
    "after": 19000,
    "row_id": b"L",
    "quota": "q1",
}
NUMBERS = frozenset(
    {"limit", "after", "is_final", "version", "keep_lease", "is_told", "line_id", "is_cancel_sent", "attempts", "looks", "misses"}
    | {"seq", "event_seq", "is_held", "note_id"}
)


def plan_of(connection: psycopg.Connection[Any], sql: str, mode: str) -> str:
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement(sql))))
    kinds = {name: "bytea" if name == "row_id" else "bigint" if name in NUMBERS else "text" for name in names}
    if "seq > :after" not in sql and "after" in kinds:
        kinds["after"] = "text"
    marked = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", statement(sql)).replace("%%", "%")
    given = ", ".join(literal(kinds[name], VALUES.get(name, 1)) for name in names)
    connection.execute(f"SET plan_cache_mode TO force_{mode}_plan".encode())
    connection.execute(f"PREPARE looked_at{'(' + ', '.join(kinds.values()) + ')' if names else ''} AS {marked}".encode())
    rows = connection.execute(f"EXPLAIN EXECUTE looked_at{f'({given})' if names else ''}".encode()).fetchall()
    connection.execute("DEALLOCATE looked_at")
    return "\n".join(line for (line,) in rows)


def literal(kind: str, value: Any) -> str:
    return f"'\\x{value.hex()}'::bytea" if kind == "bytea" else f"'{value}'::{kind}"


@pytest.mark.parametrize("mode", ["custom", "generic"])
@pytest.mark.parametrize("name", [name for name, _ in STATEMENTS])
def test_no_statement_scans_a_table(plans: dict[tuple[str, str], str], name: str, mode: str) -> None:
    """So that each costs the same after a million launches (issue 8). The call for all Homes is a table of one row."""
    assert not re.search(r"Seq Scan on (?!home_call)", plans[name, mode]), plans[name, mode]


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("LEASE_DELIVERIES", "deliveries_unfinished"),
        ("NEXT_FREE_DELIVERY", "deliveries_unfinished"),
        ("LEASE_LAUNCHES", "launches_due"),
        ("NEXT_FREE_LAUNCH", "launches_due"),
        ("NEXT_HELD_LAUNCH", "launches_held|launches_lapsing"),
        ("RENEW_LAUNCHES", "launches_held"),
        ("GIVE_BACK_LAUNCHES", "launches_held"),
        ("GIVE_BACK_CARDS", "cards_held"),
        ("LEASE_CARDS", "cards_due"),
        ("NEXT_FREE_CARD", "cards_due"),
        ("NEXT_HELD_CARD", "cards_held"),
        ("LEASE_FREE_HOMES", "homes_due"),
        ("LEASE_HELD_HOMES", "homes_held"),
        ("NEXT_FREE_HOME", "homes_due"),
        ("RECENT_LAUNCHES", "launches_recent"),
        ("REQUESTED_LAUNCHES", "launches_requested"),
        ("SUCCEEDED_LAUNCHES", "successes_pkey"),
        ("BOUND_RUN", "launches_runs"),
        ("COUNT_HOUR", "launches_recent"),
        ("COUNT_NOT_OVER", "launches_not_over"),
    ],
)
def test_each_due_look_up_uses_its_own_index(plans: dict[tuple[str, str], str], name: str, index: str) -> None:
    assert re.search(index, plans[name, "custom"]), plans[name, "custom"]
