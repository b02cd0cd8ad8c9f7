"""What is written in SQLite's words, in Postgres'."""

from __future__ import annotations

import re

import pytest

from bot.store.migrations import MIGRATIONS, Migration
from bot.store.postgres_dialect import script, statement, value_of, values_of
from tests.store.test_schema import STATEMENTS


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("SELECT * FROM launches WHERE launch_id = :launch_id", "SELECT * FROM launches WHERE launch_id = %(launch_id)s"),
        ("a > 'x:y' AND b = :b", "a > 'x:y' AND b = %(b)s"),
        ("lease_holder IS NOT :holder", "lease_holder IS DISTINCT FROM %(holder)s"),
        ("due_at IS NOT NULL", "due_at IS NOT NULL"),
        ("max(leased_until, :until)", "greatest(leased_until, %(until)s)"),
        ("min(max(due_at, leased_until))", "min(greatest(due_at, leased_until))"),
        ("max(due_at, (SELECT at FROM events))", "greatest(due_at, (SELECT at FROM events))"),
        ("max(homes.opened_at, excluded.opened_at)", "greatest(homes.opened_at, excluded.opened_at)"),
        ("coalesce(max(seq), 0) + 1", "coalesce(max(seq), 0) + 1"),
        ("min(+seq) FROM decisions WHERE +at >= :since", "min(seq) FROM decisions WHERE at >= %(since)s"),
        ("key = CAST(:row_id AS TEXT)", "key = convert_from(%(row_id)s, 'UTF8')"),
        ("state NOT IN ('failed', 'ended')", "state NOT IN ('failed', 'ended')"),
        ("at LIKE 'a%'", "at LIKE 'a%%'"),
    ],
)
def test_a_statement_is_said_in_postgres_words(theirs: str, ours: str) -> None:
    assert statement(theirs) == ours


def test_what_is_claimed_is_claimed_past_what_others_hold() -> None:
    claiming = [sql for name, sql in STATEMENTS if name.startswith("LEASE_")]

    assert len(claiming) >= 5
    for sql in claiming:
        assert re.search(
            r"= ANY \(ARRAY\(SELECT [^;]+ LIMIT %\(limit\)s FOR UPDATE SKIP LOCKED\)\)\nRETURNING \*", statement(sql)
        )


def test_nothing_else_is_locked_while_it_is_looked_up() -> None:
    locking = [name for name, sql in STATEMENTS if "FOR UPDATE" in statement(sql)]

    assert all(name.startswith(("LEASE_", "FORGET_")) for name in locking)


@pytest.mark.parametrize("sql", [sql for _, sql in STATEMENTS], ids=[name for name, _ in STATEMENTS])
def test_every_value_keeps_its_name(sql: str) -> None:
    assert re.findall(r"(?<![:\w]):([a-z]\w*)", sql) == re.findall(r"%\((\w+)\)s", statement(sql))


@pytest.mark.parametrize("migration", MIGRATIONS, ids=[migration.name for migration in MIGRATIONS])
def test_no_word_of_sqlites_is_left_in_a_migration(migration: Migration) -> None:
    assert not re.search(r"STRICT|ROWID|INTEGER|RAISE\(|AUTOINCREMENT", script(migration))


def test_a_migration_may_have_words_of_its_own() -> None:
    assert script(Migration(name="x", sqlite="CREATE TABLE a (b INTEGER) STRICT;", postgres="SELECT 1")) == "SELECT 1"


@pytest.mark.parametrize(
    ("value", "kept"),
    [(True, 1), (False, 0), (7, 7), (None, None), ("déjà", "déjà"), ("a\0b", "a�b"), ("\ud800x", "�x"), (b"\xff", b"\xff")],
)
def test_a_value_is_one_that_postgres_can_keep(value: object, kept: object) -> None:
    assert [value_of(value), type(value_of(value))] == [kept, type(kept)]
    assert values_of({"name": value}) == {"name": kept}
