from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from bot.domain.errors import SettingsError
from bot.domain.model import Event, Launch, State
from bot.store import access_queries, home_queries, queries, replica_queries, schema, tracking_queries
from bot.store.rows import delivery_row, event_row, launch_row, time_text
from bot.store.sqlite_lane import fetch, immediately
from tests.builders import NOON, a_delivery, a_launch, an_event

LATER = schema.Migration(name="9001_notes", sqlite="CREATE TABLE notes (note TEXT) STRICT;")
HALF = schema.Migration(name="9001_half", sqlite="CREATE TABLE notes (note TEXT) STRICT; INSERT INTO nowhere VALUES (1);")

SOURCES = (queries, access_queries, home_queries, tracking_queries, replica_queries)
STATEMENTS = sorted(
    (name, sql)
    for source in SOURCES
    for name, sql in vars(source).items()
    if name.isupper() and not name.startswith("_") and isinstance(sql, str) and not name.endswith(("_COLUMNS", "_STATES"))
)
TABLES = (
    "deliveries",
    "launches",
    "events",
    "outbox",
    "cards",
    "set_aside",
    "decisions",
    "holdings",
    "identities",
    "first_names",
    "homes",
    "home_call",
    "durations",
    "successes",
    "replicas",
    "pauses",
    "notices",
)


@pytest.fixture
def empty() -> Iterator[Database]:
    database = Database(sqlite3.connect(":memory:", isolation_level=None), execute_plugins=False)
    database.execute("PRAGMA foreign_keys = ON")
    yield database
    database.close()


@pytest.fixture
def migrated(empty: Database) -> Database:
    immediately(empty, lambda database: schema.apply(database, "here"))
    return empty


def insert(database: Database, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    database.execute(f"INSERT INTO {table} ({names}) VALUES ({values})", row)  # noqa: S608 - a test's own names


def keep_a_launch(database: Database, **changes: Any) -> None:
    insert(database, "launches", launch_row(a_launch(**changes)))


def test_a_database_that_a_newer_bot_changed_is_refused(empty: Database) -> None:
    schema.apply(empty, "here", (*schema.MIGRATIONS, LATER))

    for look in (schema.apply, schema.pending):
        with pytest.raises(SettingsError, match=r"here was changed by a newer Gonogo \(9001_notes\): start that version"):
            look(empty, "here")


def test_another_programs_database_is_refused_and_left_alone(empty: Database) -> None:
    empty.execute("CREATE TABLE invoices (number INTEGER)")

    with pytest.raises(SettingsError, match="another program's: it holds the table 'invoices'"):
        schema.apply(empty, "here")

    assert empty.table_names() == ["invoices"]


def test_a_migration_that_fails_leaves_neither_change_nor_record(migrated: Database) -> None:
    with pytest.raises(sqlite3.OperationalError):
        immediately(migrated, lambda database: schema.apply(database, "here", (*schema.MIGRATIONS, HALF)))

    assert "notes" not in migrated.table_names()
    assert schema.pending(migrated, "here", (*schema.MIGRATIONS, HALF)) == ["9001_half"]


def test_each_migration_is_applied_once_and_recorded(empty: Database) -> None:
    before = schema.pending(empty, "here")
    applied = schema.apply(empty, "here")

    assert before == applied == [migration.name for migration in schema.MIGRATIONS]
    assert schema.pending(empty, "here") == []
    assert schema.apply(empty, "here") == []
    assert [row["name"] for row in empty.table("migrations").rows] == applied


def test_looking_at_what_is_pending_changes_nothing(empty: Database) -> None:
    schema.pending(empty, "here")

    assert empty.table_names() == []


def test_only_what_is_new_is_applied(migrated: Database) -> None:
    keep_a_launch(migrated)

    assert schema.apply(migrated, "here", (*schema.MIGRATIONS, LATER)) == ["9001_notes"]
    assert migrated.table("launches").count == 1
    assert "notes" in migrated.table_names()


def test_migration_names_are_unique_and_in_order() -> None:
    names = [migration.name for migration in schema.MIGRATIONS]

    assert names == sorted(set(names))


def test_every_table_says_its_types(migrated: Database) -> None:
    assert {table for table in TABLES if migrated.table(table).strict} == set(TABLES)


def test_the_columns_of_launches_are_a_launch_and_its_lease(migrated: Database) -> None:
    columns = {column.name for column in migrated.table("launches").columns}

    assert columns == {field.name for field in fields(Launch)} | {"lease_holder", "leased_until"}


def test_the_columns_of_events_are_an_event(migrated: Database) -> None:
    assert {column.name for column in migrated.table("events").columns} == {field.name for field in fields(Event)}


@pytest.mark.parametrize("state", State)
def test_every_state_can_be_kept(migrated: Database, state: State) -> None:
    keep_a_launch(migrated, state=state)

    assert migrated.table("launches").count == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("state", "dreaming"),
        ("state", ""),
        ("version", 0),
        ("version", "one"),
        ("attempts", -1),
        ("is_cancel_sent", 2),
        ("connection", None),
        ("inputs", None),
        ("lease_holder", "bot-1"),
    ],
)
def test_a_launch_that_cannot_be_is_refused_by_the_table(migrated: Database, column: str, value: object) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        insert(migrated, "launches", launch_row(a_launch()) | {column: value})


def test_an_event_is_never_edited(migrated: Database) -> None:
    keep_a_launch(migrated)
    insert(migrated, "events", event_row(an_event(seq=1)))

    with pytest.raises(sqlite3.IntegrityError, match="appended, never edited"):
        migrated.execute("UPDATE events SET actor = 'U0MALLORY'")


@pytest.mark.parametrize(
    "sql", ["DELETE FROM events", "INSERT OR REPLACE INTO events SELECT launch_id, seq, 'lost', at, actor, facts FROM events"]
)
def test_an_event_is_never_removed(migrated: Database, sql: str) -> None:
    keep_a_launch(migrated)
    insert(migrated, "events", event_row(an_event(seq=1)))

    with pytest.raises(sqlite3.IntegrityError, match="appended, never removed"):
        migrated.execute(sql)


def test_an_event_needs_its_launch(migrated: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        insert(migrated, "events", event_row(an_event(seq=1)))


def test_a_thread_line_needs_its_event(migrated: Database) -> None:
    keep_a_launch(migrated)

    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        insert(migrated, "outbox", {"launch_id": "L-7K3QW", "event_seq": 1})


def test_an_event_has_one_thread_line_at_most(migrated: Database) -> None:
    keep_a_launch(migrated)
    insert(migrated, "events", event_row(an_event(seq=1)))
    insert(migrated, "outbox", {"launch_id": "L-7K3QW", "event_seq": 1})

    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        insert(migrated, "outbox", {"launch_id": "L-7K3QW", "event_seq": 1})


def test_a_card_that_was_given_up_is_not_due(migrated: Database) -> None:
    keep_a_launch(migrated)
    card = {"launch_id": "L-7K3QW", "channel_id": "C", "wanted_version": 1, "told_version": 0, "is_final": 0, "attempts": 0}

    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        insert(migrated, "cards", card | {"gave_up": 1, "due_at": time_text(NOON)})


def test_a_lost_card_stands_nowhere(migrated: Database) -> None:
    keep_a_launch(migrated)
    card = {"launch_id": "L-7K3QW", "channel_id": "C", "wanted_version": 1, "told_version": 0, "is_final": 0, "attempts": 0}

    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        insert(migrated, "cards", card | {"gave_up": 0, "is_lost": 1, "ts": "1.1"})


@pytest.mark.parametrize("lease", [{"lease_holder": "bot-1"}, {"leased_until": time_text(NOON)}])
def test_a_delivery_is_held_by_somebody_until_some_time(migrated: Database, lease: dict[str, str]) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        insert(migrated, "deliveries", delivery_row(a_delivery()) | lease)


def test_there_are_statements_to_look_at() -> None:
    assert len(STATEMENTS) > 55
    assert len(dict(STATEMENTS)) == len(STATEMENTS)


@pytest.mark.parametrize("sql", [sql for _, sql in STATEMENTS], ids=[name for name, _ in STATEMENTS])
def test_no_statement_scans_a_table_or_sorts(migrated: Database, sql: str) -> None:
    """So that each costs the same after a million launches (issue 8)."""
    values: defaultdict[str, Any] = defaultdict(int)
    plan = [row["detail"] for row in fetch_plan(migrated, sql, values)]

    assert not [step for step in plan if re.match(r"SCAN (?!CONSTANT ROW)", step)], plan
    assert not [step for step in plan if "TEMP B-TREE" in step or "AUTOMATIC" in step], plan


def fetch_plan(database: Database, sql: str, values: defaultdict[str, Any]) -> list[dict[str, Any]]:
    cursor = database.execute(f"EXPLAIN QUERY PLAN {sql}", values)
    return [{"detail": row[3]} for row in cursor.fetchall()]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("LEASE_DELIVERIES", "deliveries_unfinished"),
        ("NEXT_FREE_DELIVERY", "deliveries_unfinished"),
        ("NEXT_HELD_DELIVERY", "deliveries_held"),
        ("RENEW_DELIVERIES", "deliveries_held"),
        ("GIVE_BACK_DELIVERIES", "deliveries_held"),
        ("GIVE_BACK_LAUNCHES", "launches_lapsing"),
        ("GIVE_BACK_CARDS", "cards_held"),
        ("GIVE_BACK_HOMES", "homes_held"),
        ("BOUND_RUN", "launches_runs"),
        ("RIVAL", "launches_unsettled"),
        ("UNTOLD_NOTES", "set_aside_untold"),
        ("RECENT_LAUNCHES", "launches_recent"),
        ("LEASE_LAUNCHES", "launches_due"),
        ("NEXT_FREE_TRACKED", "launches_tracked"),
        ("NEXT_FREE_ACT", "launches_acts"),
        ("NEXT_LAPSING_TRACKED", "launches_lapsing"),
        ("NEXT_LAPSING_ACT", "launches_lapsing"),
        ("LAPSED_TRACKED", "launches_lapsing"),
        ("LAPSED_ACTS", "launches_lapsing"),
        ("LEASE_TRACKED", "launches_tracked"),
        ("LEASE_ACTS", "launches_acts"),
        ("NEXT_FREE_LAUNCH", "launches_due"),
        ("NEXT_HELD_LAUNCH", "launches_held"),
        ("RENEW_LAUNCHES", "launches_held"),
        ("LEASE_CARDS", "cards_due"),
        ("NEXT_FREE_CARD", "cards_due"),
        ("NEXT_HELD_CARD", "cards_held"),
        ("RENEW_CARDS", "cards_held"),
        ("UNTOLD_LINES", "outbox_lines"),
        ("SETTLE_CARD", "outbox_lines"),
        ("COUNT_HOUR", "launches_recent"),
        ("NEXT_QUOTA", "launches_recent"),
        ("NEXT_QUOTA_NOT_OVER", "launches_not_over"),
        ("COUNT_NOT_OVER", "launches_not_over"),
        ("AWAITING_LAUNCHES", "launches_awaiting"),
        ("REQUESTED_LAUNCHES", "launches_requested"),
        ("SUCCEEDED_LAUNCHES", "successes"),
        ("FIRST_DECISION", "decisions_at"),
        ("MARK_HOMES", "homes_opened"),
        ("LEASE_FREE_HOMES", "homes_due"),
        ("LEASE_HELD_HOMES", "homes_held"),
        ("NEXT_FREE_HOME", "homes_due"),
        ("NEXT_HELD_HOME", "homes_held"),
        ("RENEW_HOMES", "homes_held"),
    ],
)
def test_each_due_look_up_uses_its_own_index(migrated: Database, statement: str, index: str) -> None:
    plan = fetch_plan(migrated, dict(STATEMENTS)[statement], defaultdict(int))

    assert any(f" {index} " in row["detail"] for row in plan), plan


@pytest.mark.parametrize("statement", ["NEXT_QUOTA", "NEXT_QUOTA_NOT_OVER", "COUNT_NOT_OVER", "FIRST_DECISION"])
def test_what_is_counted_is_counted_in_the_index_alone(migrated: Database, statement: str) -> None:
    [step] = fetch_plan(migrated, dict(STATEMENTS)[statement], defaultdict(int))

    assert "COVERING INDEX" in step["detail"]


def test_a_page_of_decisions_begins_where_the_last_one_ended(migrated: Database) -> None:
    [step] = fetch_plan(migrated, dict(STATEMENTS)["DECISIONS"], defaultdict(int))

    assert step["detail"] == "SEARCH decisions USING INTEGER PRIMARY KEY (rowid>?)"


def test_every_statement_says_what_it_is_for() -> None:
    source = "".join(Path(found.__file__).read_text(encoding="utf-8") for found in SOURCES)
    unsaid = [name for name, _ in STATEMENTS if not re.search(rf"^# .+\n{name} = ", source, re.MULTILINE)]

    assert unsaid == []


def test_a_query_gives_rows_by_column_name(migrated: Database) -> None:
    keep_a_launch(migrated)

    assert fetch(migrated, "SELECT launch_id, version FROM launches") == [{"launch_id": "L-7K3QW", "version": 1}]
