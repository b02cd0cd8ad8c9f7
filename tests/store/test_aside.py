"""Rows that cannot be read: each is set aside and named, and the rest goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.domain.errors import BotError, UnreadableRowError
from bot.domain.model import State
from bot.store.rows import time_text
from bot.store.sqlite import SqliteStore
from tests.builders import NOON, a_delivery
from tests.store.steps import L, at, ids, keep, lease, noted, read, take, tell, unfinished

MINUTE = timedelta(minutes=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gonogo.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(path, busy_timeout_s=0.02) as opened:
        await opened.migrate()
        yield opened


def outside(path: Path, *statements: str) -> None:
    """Another program writes to the file, and checks nothing."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA ignore_check_constraints = ON")
        for sql in statements:
            other.execute(sql)


def damage(path: Path, change: str, launch_id: str = L) -> None:
    outside(path, f"UPDATE launches SET {change} WHERE launch_id = '{launch_id}'")  # noqa: S608 - a test's own words


BAD_BYTES = "CAST(x'68757368ff' AS TEXT)"


@pytest.mark.parametrize(
    "change",
    [
        "state = 'dreaming'",
        "inputs = '{'",
        "created_at = 'once'",
        "due_at = '0'",
        f"workflow_name = {BAD_BYTES}",
        f"outputs = {BAD_BYTES}",
    ],
)
async def test_a_corrupt_launch_is_left_out_and_named_and_the_rest_goes_on(store: SqliteStore, path: Path, change: str) -> None:
    await keep(store, launch_id="L-BAD", due_at=at(-1))
    await keep(store, launch_id="L-GOOD")
    damage(path, change, "L-BAD")

    with capture_logs() as logs:
        due, told = await lease(store), await tell(store)
        recent = await store.recent(channel_id="C0FINANCE", limit=10) if "due_at" not in change else due

    assert ids(due) == ids(told)[-1:] == ids(recent) == ["L-GOOD"]
    assert {(line["event"], line["table"], line["row_id"], line["log_level"]) for line in logs} == {
        ("row_unreadable", "launches", "L-BAD", "error"),
    }


async def test_a_corrupt_launch_is_set_aside_for_good_and_noted_once(store: SqliteStore, path: Path) -> None:
    await keep(store)
    damage(path, "inputs = 'hush: a secret'")
    with capture_logs() as logs:
        await lease(store)
        await tell(store)

        assert [await store.next_due(), await store.next_telling()] == [None, None]
        assert [await lease(store, at(60)), await tell(store, at(60))] == [[], []]

    assert await noted(store) == [f"launch {L}: cannot be read (JSONDecodeError)"]
    assert len(logs) == 2, "it is not met again"


async def test_a_note_survives_a_restart_until_it_was_told(store: SqliteStore, path: Path) -> None:
    await keep(store)
    damage(path, "inputs = '{'")
    await lease(store)
    await store.close()

    async with SqliteStore(path) as after:
        [note] = await after.set_aside()
        assert note.text == f"launch {L}: cannot be read (JSONDecodeError)"
    async with SqliteStore(path) as later:
        assert await later.set_aside() == [note]
        await later.set_aside_told([note.note_id])
        assert await later.set_aside() == []


async def test_a_corrupt_launch_that_is_asked_for_is_an_error(store: SqliteStore, path: Path) -> None:
    await keep(store)
    damage(path, "outputs = 'hush'")

    with pytest.raises(UnreadableRowError, match="row L-7K3QW of launches cannot be read") as caught:
        await store.launch(L)

    assert isinstance(caught.value, BotError)
    assert "hush" not in str(caught.value)
    assert await store.set_aside() == [], "a look sets nothing aside"


async def test_a_corrupt_launch_does_not_take_a_place_at_every_look(store: SqliteStore, path: Path) -> None:
    await keep(store, launch_id="L-BAD", due_at=at(-1))
    await keep(store, launch_id="L-GOOD")
    damage(path, "inputs = '{'", "L-BAD")

    assert [ids(await lease(store, limit=1)) for _ in range(2)] == [[], ["L-GOOD"]]


async def test_a_launch_that_was_repaired_by_hand_and_given_a_due_time_works_again(store: SqliteStore, path: Path) -> None:
    launch = await keep(store)
    damage(path, "inputs = '{'")
    await lease(store)
    await tell(store)
    damage(path, f"inputs = '{{}}', due_at = '{time_text(at(1))}'")
    outside(path, f"UPDATE cards SET gave_up = 0, due_at = '{time_text(at(1))}'")  # noqa: S608 - a test's own words

    assert await store.next_due() == await store.next_telling() == at(1)
    [leased] = await lease(store, at(1))
    [telling] = await tell(store, at(1))
    assert leased == telling.launch == replace(launch, due_at=at(1), version=3)
    assert await store.save(replace(leased, state=State.STARTING), None)


async def test_what_is_damaged_again_after_its_repair_is_noted_again(store: SqliteStore, path: Path) -> None:
    await keep(store)
    for _ in range(2):
        damage(path, f"inputs = '{{', due_at = '{time_text(NOON)}'")
        await lease(store)

        [note] = await store.set_aside()
        assert note.text == f"launch {L}: cannot be read (JSONDecodeError)"
        await store.set_aside_told([note.note_id])


async def test_an_event_of_an_unknown_kind_leaves_its_launch_untold_and_noted(store: SqliteStore, path: Path) -> None:
    await keep(store)
    await keep(store, launch_id="L-GOOD")
    outside(path, f"INSERT INTO events VALUES ('{L}', 2, 'exploded', '', 'gonogo', '{{}}')")  # noqa: S608 - a test's own words

    assert ids(await tell(store)) == ["L-GOOD"]
    assert await noted(store) == [f"events of launch {L}: cannot be read (ValueError)"]
    with pytest.raises(UnreadableRowError):
        await store.events(L)
    assert sorted(ids(await lease(store))) == [L, "L-GOOD"], "its run goes on"


@pytest.mark.parametrize(
    ("removal", "what"),
    [
        ("DELETE FROM launches WHERE launch_id = 'L-7K3QW'", "launch"),
        ("UPDATE outbox SET event_seq = 9 WHERE launch_id = 'L-7K3QW'", "events of launch"),
    ],
)
async def test_what_was_removed_by_hand_is_noted_too(store: SqliteStore, path: Path, removal: str, what: str) -> None:
    launch = await keep(store)
    await keep(store, launch_id="L-GOOD")
    outside(path, f"INSERT INTO outbox (launch_id, event_seq) VALUES ('{launch.launch_id}', 1)", removal)  # noqa: S608 - as above

    assert ids(await tell(store)) == ["L-GOOD"]
    assert await noted(store) == [f"{what} {L}: cannot be read (missing)"]


async def test_a_corrupt_delivery_is_set_aside_and_noted_and_the_rest_goes_on(store: SqliteStore, path: Path) -> None:
    await store.record_delivery(a_delivery(key="command:bad", received_at=at(-1)), holder="bot-2", until=NOON)
    await store.record_delivery(a_delivery())
    outside(path, "UPDATE deliveries SET payload = '{' WHERE key = 'command:bad'")

    assert await take(store) == [a_delivery()]
    assert await store.next_delivery() == at(1), "that of the other"
    assert await noted(store) == ["delivery command:bad: cannot be read (JSONDecodeError)"]
    with pytest.raises(UnreadableRowError):
        await store.delivery("command:bad")


async def test_a_delivery_that_was_repaired_by_hand_is_taken_up(store: SqliteStore, path: Path) -> None:
    await store.record_delivery(a_delivery())
    outside(path, "UPDATE deliveries SET payload = '[' || payload")
    assert await take(store) == []
    outside(path, "UPDATE deliveries SET payload = substr(payload, 2), finished_at = NULL")

    assert await unfinished(store) == [a_delivery()]


async def test_a_row_whose_very_id_is_damaged_is_set_aside(store: SqliteStore, path: Path) -> None:
    await store.record_delivery(a_delivery(received_at=at(-1)))
    await store.record_delivery(a_delivery(key="command:good"))
    await keep(store, launch_id="L-BAD", due_at=at(-1))
    await keep(store, launch_id="L-GOOD")
    bad_id = "CAST(x'4cff' AS TEXT)"
    outside(
        path,
        f"UPDATE deliveries SET key = {bad_id} WHERE key = 'command:1.2.a'",  # noqa: S608 - a test's own words
        f"UPDATE launches SET launch_id = {bad_id} WHERE launch_id = 'L-BAD'",  # noqa: S608 - as above
    )

    assert [ids(await lease(store)), ids(await tell(store))] == [["L-GOOD"], ["L-GOOD"]]
    assert [delivery.key for delivery in await take(store)] == ["command:good"]
    assert await noted(store) == [
        "launch L�: cannot be read (UnicodeEncodeError)",
        "launch L-BAD: cannot be read (missing)",
        "delivery L�: cannot be read (UnicodeEncodeError)",
    ]
    assert [ids(await lease(store, at(9), holder="bot-2")), await unfinished(store)] == [
        ["L-GOOD"],
        [a_delivery(key="command:good")],
    ]


async def test_no_note_says_what_a_row_holds(store: SqliteStore, path: Path) -> None:
    await keep(store)
    await store.record_delivery(a_delivery())
    damage(path, "outputs = 'hush'")
    outside(path, "UPDATE deliveries SET payload = 'hush'")
    with capture_logs() as logs:
        await lease(store)
        await tell(store)
        await take(store)
    held = await store._file.read(lambda database: list(database.table("set_aside").rows))

    assert len(held) == 2
    assert "hush" not in f"{held} {logs} {await store.set_aside()}"


async def test_asking_for_notes_where_there_are_none_writes_nothing(store: SqliteStore) -> None:
    seen: list[str] = []
    await store._file._writer.run(lambda database: database.conn.set_trace_callback(seen.append), is_brief=True)

    assert await store.set_aside() == []
    assert [sql for sql in seen if not sql.lstrip().startswith("SELECT")] == []


async def test_a_due_time_that_is_no_time_stops_no_clock(store: SqliteStore, path: Path) -> None:
    await keep(store)
    damage(path, "due_at = 'soon'")
    outside(path, "UPDATE cards SET due_at = 'soon'")

    assert [await store.next_due(), await store.next_telling(), await lease(store)] == [None, None, []]
    assert [telling.launch.launch_id for telling in await tell(store)] == []
    with pytest.raises(UnreadableRowError):
        await read(store)
