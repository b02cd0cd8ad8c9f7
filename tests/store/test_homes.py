"""App Homes on SQLite: what the table promises by itself, rows that cannot be read, and what a change costs."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.model import EventKind, State
from bot.store.rows import time_text
from bot.store.sqlite import SqliteStore
from tests.builders import NOON
from tests.store.steps import at, happen, keep, noted

PLAIN = {"user_id": "U0BOB", "team_id": "T0", "opened_at": time_text(NOON), "shown": "", "attempts": 0, "gave_up": 0}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gonogo.db"


@pytest.fixture
async def store(path: Path) -> AsyncGenerator[SqliteStore, None]:
    async with SqliteStore(path) as opened:
        await opened.migrate()
        yield opened


def write(path: Path, sql: str, *values: Any) -> int:
    with sqlite3.connect(path) as connection:
        return connection.execute(sql, values).rowcount


def insert(path: Path, row: dict[str, Any]) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    write(path, f"INSERT INTO homes ({names}) VALUES ({marks})", *row.values())  # noqa: S608 - a test's own names


@pytest.mark.parametrize(
    "changes",
    [
        {"lease_holder": "bot-1"},
        {"leased_until": time_text(NOON)},
        {"gave_up": 1, "due_at": time_text(NOON)},
        {"gave_up": 2},
        {"attempts": -1},
        {"user_id": None},
        {"team_id": None},
        {"opened_at": None},
    ],
)
async def test_a_home_that_cannot_be_is_refused_by_the_table(store: SqliteStore, path: Path, changes: dict[str, Any]) -> None:
    assert await store.next_home() is None

    with pytest.raises(sqlite3.IntegrityError):
        insert(path, PLAIN | changes)


async def test_there_is_one_call_for_all_homes(store: SqliteStore, path: Path) -> None:
    assert await store.next_home() is None

    with pytest.raises(sqlite3.IntegrityError):
        write(path, "INSERT INTO home_call (id) VALUES (2)")


@pytest.mark.parametrize(
    "damage", ["opened_at = 'yesterday'", "opened_at = '2026-11-21T12:00:00'", "team_id = CAST(x'ff' AS TEXT)"]
)
async def test_a_home_that_cannot_be_read_is_set_aside_until_it_is_opened_again(
    store: SqliteStore, path: Path, damage: str
) -> None:
    for user_id in ("U0BOB", "U0CAROL"):
        await store.home_opened(user_id, "T0GONOGO", at=NOON)
    write(path, f"UPDATE homes SET {damage} WHERE user_id = 'U0BOB'")  # noqa: S608 - a test's own words
    with capture_logs() as logs:
        found = await store.lease_homes(now=NOON, until=at(1), holder="me", limit=9)
    [note] = await noted(store)
    write(path, "UPDATE homes SET opened_at = '' WHERE user_id = 'U0BOB'")
    await store.home_opened("U0BOB", "T0GONOGO", at=at(2))
    again = await store.lease_homes(now=at(2), until=at(3), holder="me", limit=9)

    assert [home.user_id for home in found] == ["U0CAROL"]
    assert note.startswith("App Home of U0BOB: cannot be read (")
    assert [(line["event"], line["table"], line["row_id"]) for line in logs] == [("row_unreadable", "homes", "U0BOB")]
    assert [home.user_id for home in again] == ["U0BOB"]


async def test_a_change_writes_no_row_for_people_who_opened_their_homes(store: SqliteStore, path: Path) -> None:
    """However many there are: the call is passed on by whoever claims Homes."""
    for number in range(50):
        await store.home_opened(f"U{number:05d}", "T0GONOGO", at=NOON)
    for home in await store.lease_homes(now=NOON, until=at(1), holder="me", limit=99):
        await store.home_shown(home, "me", shown="mark")
    await keep(store, state=State.AWAITING_APPROVAL, approval={"required": 1})
    await happen(store, EventKind.APPROVED)
    with sqlite3.connect(path) as connection:
        [(written,)] = connection.execute("SELECT count(*) FROM homes WHERE due_at IS NOT NULL").fetchall()

    assert written == 0
    assert len(await store.lease_homes(now=at(1), until=at(2), holder="me", limit=99)) == 50


async def test_homes_and_the_call_survive_a_restart(store: SqliteStore, path: Path) -> None:
    await store.home_opened("U0BOB", "T0GONOGO", at=NOON)
    [home] = await store.lease_homes(now=NOON, until=at(1), holder="killed", limit=9)
    await store.home_shown(home, "killed", shown="mark")
    await keep(store, state=State.AWAITING_APPROVAL)
    await store.close()

    async with SqliteStore(path) as after:
        [again] = await after.lease_homes(now=at(1), until=at(2), holder="me", limit=9)

    assert (again.user_id, again.shown) == ("U0BOB", "mark")
