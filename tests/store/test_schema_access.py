"""What the tables of access promise by themselves, should another program open the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from sqlite_utils import Database

from bot.domain.holdings import Holding
from bot.domain.records import Record
from bot.store import access, schema
from bot.store.access_rows import decision_row, holding_row
from bot.store.sqlite_lane import carried_out, immediately
from tests.store.steps import a_holding, a_record


@pytest.fixture
def migrated() -> Iterator[Database]:
    database = Database(sqlite3.connect(":memory:", isolation_level=None), execute_plugins=False)
    immediately(database, lambda opened: schema.apply(opened, "here"))
    yield database
    database.close()


def insert(database: Database, table: str, row: dict[str, Any]) -> None:
    names, values = ", ".join(row), ", ".join(f":{name}" for name in row)
    database.execute(f"INSERT INTO {table} ({names}) VALUES ({values})", row)  # noqa: S608 - a test's own names


def columns(database: Database, table: str) -> set[str]:
    return {column.name for column in database.table(table).columns}


@pytest.mark.parametrize(
    ("column", "value"),
    [("verdict", "perhaps"), ("verdict", None), ("codes", None), ("facts", None), ("at", None), ("person_id", None)],
)
def test_a_decision_that_cannot_be_is_refused_by_the_table(migrated: Database, column: str, value: object) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        insert(migrated, "decisions", decision_row(a_record(seq=1)) | {column: value})


@pytest.mark.parametrize(
    ("column", "value"), [("is_held", 2), ("is_held", "yes"), ("scope", None), ("evidence", None), ("seen_at", None)]
)
def test_a_holding_that_cannot_be_is_refused_by_the_table(migrated: Database, column: str, value: object) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        insert(migrated, "holdings", holding_row(a_holding()) | {column: value})


def test_a_decision_is_never_edited(migrated: Database) -> None:
    carried_out(migrated, access.record_decision(a_record(verdict="deny")))

    with pytest.raises(sqlite3.IntegrityError, match="decisions are appended, never edited"):
        migrated.execute("UPDATE decisions SET verdict = 'allow'")


@pytest.mark.parametrize("sql", ["DELETE FROM decisions", "INSERT OR REPLACE INTO decisions SELECT * FROM decisions"])
def test_a_decision_is_never_removed(migrated: Database, sql: str) -> None:
    carried_out(migrated, access.record_decision(a_record()))

    with pytest.raises(sqlite3.IntegrityError, match="decisions are appended, never removed"):
        migrated.execute(sql)


def test_the_columns_of_decisions_and_holdings_are_their_values(migrated: Database) -> None:
    assert columns(migrated, "decisions") == {field.name for field in fields(Record)}
    assert columns(migrated, "holdings") == {field.name for field in fields(Holding)}
