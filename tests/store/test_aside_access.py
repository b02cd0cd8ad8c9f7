"""Rows of access that cannot be read: left out and named where a list was asked for, and never a reason to allow more."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.errors import LimitReachedError, UnreadableRowError
from bot.domain.grants import Limits
from bot.domain.model import State
from bot.domain.policy import Usage
from bot.store.sqlite import SqliteStore
from tests.builders import NOON, a_launch, an_event
from tests.store.steps import a_holding, a_record, at, ids, keep

BAD_BYTES = "CAST(x'68757368ff' AS TEXT)"


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
        for sql in ("DROP TRIGGER IF EXISTS decisions_are_never_edited", *statements):
            other.execute(sql)


def named(logs: Sequence[Mapping[str, Any]]) -> set[tuple[object, ...]]:
    return {(line["event"], line["table"], line["row_id"], line["log_level"]) for line in logs}


@pytest.mark.parametrize(
    "change", ["facts = '{'", "codes = 'hush'", "at = '2026-11-21T12:00:00'", f"person_id = {BAD_BYTES}", f"facts = {BAD_BYTES}"]
)
async def test_a_corrupt_decision_is_passed_over_and_named(store: SqliteStore, path: Path, change: str) -> None:
    for n in range(3):
        await store.record_decision(a_record(person_id=f"U{n}"))
    outside(path, f"UPDATE decisions SET {change} WHERE seq = 2")  # noqa: S608 - a test's own words

    with capture_logs() as logs:
        found = await store.decisions(since=at(-1))

    assert [record.person_id for record in found] == ["U0", "U2"]
    assert named(logs) == {("row_unreadable", "decisions", "2", "error")}
    assert "hush" not in str(logs)


async def test_a_page_full_of_corrupt_decisions_does_not_look_like_the_end(store: SqliteStore, path: Path) -> None:
    for n in range(9):
        await store.record_decision(a_record(person_id=f"U{n}"))
    outside(path, "UPDATE decisions SET facts = '{' WHERE seq BETWEEN 2 AND 7")

    first = await store.decisions(since=NOON, limit=2)
    rest = await store.decisions(since=NOON, limit=2, after=first[-1].seq)

    assert [record.person_id for record in first + rest] == ["U0", "U7", "U8"]


async def test_a_corrupt_holding_is_left_out_of_the_mirror_and_named(store: SqliteStore, path: Path) -> None:
    await store.keep_mirror("billing", [a_holding(scope="A"), a_holding(scope="B")], identity="apiuser@acme")
    outside(path, "UPDATE holdings SET seen_at = 'hush' WHERE scope = 'A'")

    with capture_logs() as logs:
        found = await store.mirror("billing")

    assert found.holdings == {("B", ""): a_holding(scope="B")}
    assert found.identity == "apiuser@acme"
    assert named(logs) == {("row_unreadable", "holdings", "billing A", "error")}


async def test_a_corrupt_identity_leaves_the_holdings_readable(store: SqliteStore, path: Path) -> None:
    await store.keep_mirror("billing", [a_holding()], identity="apiuser@acme")
    outside(path, f"UPDATE identities SET identity = {BAD_BYTES}")  # noqa: S608 - a test's own words

    found = await store.mirror("billing")

    assert (list(found.holdings.values()), found.identity) == ([a_holding()], None)


async def test_the_next_probe_mends_a_corrupt_mirror(store: SqliteStore, path: Path) -> None:
    await store.keep_mirror("billing", [a_holding()], identity="apiuser@acme")
    outside(path, f"UPDATE identities SET identity = {BAD_BYTES}", "UPDATE holdings SET seen_at = 'hush'")  # noqa: S608 - as above
    await store.keep_mirror("billing", [a_holding(seen_at=at(1))], identity="apiuser@acme")

    found = await store.mirror("billing")

    assert (list(found.holdings.values()), found.identity) == ([a_holding(seen_at=at(1))], "apiuser@acme")


async def test_a_corrupt_first_name_is_an_error_and_no_other_name_takes_its_place(store: SqliteStore, path: Path) -> None:
    await store.first_name("billing", "396", "Dunning", at=NOON)
    outside(path, f"UPDATE first_names SET name = {BAD_BYTES}")  # noqa: S608 - as above

    for _ in range(2):
        with pytest.raises(UnreadableRowError, match="row billing 396 of first_names"):
            await store.first_name("billing", "396", "Payout", at=NOON)


async def test_corrupt_launches_are_left_out_of_what_people_look_for(store: SqliteStore, path: Path) -> None:
    for n in range(3):
        await keep(store, launch_id=f"L-WAIT-{n}", state=State.AWAITING_APPROVAL, created_at=at(n), quota_key="q")
        await keep(store, launch_id=f"L-DONE-{n}", state=State.SUCCEEDED, updated_at=at(n), requester_id="U0BOB")
    outside(path, "UPDATE launches SET approval = '[' WHERE launch_id IN ('L-WAIT-0', 'L-DONE-2')")

    with capture_logs() as logs:
        assert ids(await store.awaiting(limit=9)) == ["L-WAIT-1", "L-WAIT-2"]
        assert ids(await store.requested_by("U0BOB", limit=9)) == ["L-DONE-1", "L-DONE-0"]
        assert ids([await store.last_success("billing", "396")]) == ["L-DONE-1"]
    assert {row_id for _, _, row_id, _ in named(logs)} == {"L-WAIT-0", "L-DONE-2"}


async def test_a_corrupt_launch_still_counts_toward_the_limits(store: SqliteStore, path: Path) -> None:
    await keep(store, quota_key="q")
    outside(path, "UPDATE launches SET inputs = '{', state = 'dreaming'")

    assert await store.usage("C0FINANCE", now=NOON) == {"q": Usage(last_hour=1, not_over=1)}
    with pytest.raises(LimitReachedError):
        await store.create(
            a_launch(launch_id="L-2", quota_key="q"),
            an_event(launch_id="L-2"),
            delivery_key="command:2",
            limits=Limits(per_hour=1),
        )
