"""What only the store on SQLite promises of limits and decisions: two bots on one file, one transaction, one more statement."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.errors import LimitReachedError, StoreUnavailableError
from bot.domain.grants import Limits
from bot.domain.model import Launch
from bot.domain.policy import Usage
from bot.store.sqlite import SqliteStore
from tests.builders import NOON, a_launch, an_event
from tests.store.steps import a_holding, a_record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gonogo.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    async with SqliteStore(path) as opened:
        await opened.migrate()
        yield opened


async def ask(store: SqliteStore, n: int, limits: Limits | None = None) -> Launch | None:
    launch_id = f"L-{n:02}"
    return await store.create(
        a_launch(launch_id=launch_id, quota_key="q"),
        an_event(launch_id=launch_id),
        delivery_key=f"command:{n}",
        decision=a_record(),
        limits=limits,
    )


async def traced(store: SqliteStore) -> list[str]:
    seen: list[str] = []
    await store._file._writer.run(lambda database: database.conn.set_trace_callback(seen.append), is_brief=True)
    return seen


@pytest.mark.parametrize(("limits", "code"), [(Limits(per_hour=5), "limit_per_hour"), (Limits(running=5), "limit_running")])
async def test_two_bots_on_one_file_let_no_more_through_than_one(
    store: SqliteStore, path: Path, limits: Limits, code: str
) -> None:
    async with SqliteStore(path) as second:
        asking = [ask(bot, n, limits) for n, bot in enumerate([store, second] * 10)]
        answers = await asyncio.gather(*asking, return_exceptions=True)

        assert answers.count(None) == 5
        refused = [(told.code, told.most, told.count) for told in answers if isinstance(told, LimitReachedError)]
        assert refused == [(code, 5, 5)] * 15
        assert await second.usage("C0FINANCE", now=NOON) == {"q": Usage(last_hour=5, not_over=5)}
        assert len(await second.decisions(since=NOON)) == 5


async def test_two_bots_agree_on_a_first_name(store: SqliteStore, path: Path) -> None:
    async with SqliteStore(path) as second:
        names = await asyncio.gather(
            *(bot.first_name("billing", "396", f"name {n}", at=NOON) for n, bot in enumerate([store, second] * 10))
        )

    assert len(set(names)) == 1


async def test_what_one_bot_learnt_of_a_credential_the_other_knows(store: SqliteStore, path: Path) -> None:
    async with SqliteStore(path) as second:
        await store.keep_mirror("billing", [a_holding()], identity="apiuser@acme")

        assert (await second.mirror("billing")).holdings == {("Workflow Run Access", ""): a_holding()}


async def test_a_decision_costs_its_launch_one_statement_and_no_commit(store: SqliteStore) -> None:
    seen = await traced(store)
    await store.create(a_launch(), an_event(), delivery_key="command:plain")
    plain = len(seen)
    seen.clear()
    await ask(store, 1)

    assert len(seen) == plain + 1
    assert [sql for sql in seen if re.match("BEGIN|COMMIT", sql)] == ["BEGIN IMMEDIATE", "COMMIT"]


async def test_a_decision_that_cannot_be_kept_keeps_its_launch_from_being_kept(store: SqliteStore) -> None:
    await store._file.write(lambda database: database.execute("DROP TABLE decisions"))

    with pytest.raises(StoreUnavailableError, match="no such table: decisions"):
        await ask(store, 1)

    assert await store.launch("L-01") is None


async def test_a_name_that_is_known_costs_no_write(store: SqliteStore) -> None:
    await store.first_name("billing", "396", "Dunning run", at=NOON)
    seen = await traced(store)
    await store.first_name("billing", "396", "Payout", at=NOON)

    assert [sql for sql in seen if not sql.lstrip().startswith("SELECT")] == []


async def test_a_mirror_is_kept_whole_or_not_at_all(store: SqliteStore) -> None:
    await store.keep_mirror("billing", [a_holding()], identity="a")
    await store._file.write(lambda database: database.execute("DROP TABLE identities"))

    with pytest.raises(StoreUnavailableError):
        await store.keep_mirror("billing", [a_holding(is_held=False)], identity="b")

    held = await store._file.read(lambda database: [row["is_held"] for row in database.table("holdings").rows])
    assert held == [1]


async def test_decisions_and_names_survive_a_restart(store: SqliteStore, path: Path) -> None:
    await ask(store, 1)
    await store.first_name("billing", "396", "Dunning run", at=NOON)
    await store.close()

    async with SqliteStore(path) as after:
        assert [record.launch_id for record in await after.decisions(since=NOON)] == ["L-01"]
        assert await after.first_name("billing", "396", "Payout", at=NOON) == "Dunning run"
