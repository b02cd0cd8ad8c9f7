"""The whole bot on Postgres, and the commands of the command line that go with it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.app.reading import opened_for_reading
from bot.app.storage import back_up, clock_of, copy, migrate
from bot.domain.errors import SettingsError
from bot.domain.model import State
from bot.gateways.clock import MEASURES, SharedClock, SystemClock
from bot.sandbox.journeys import LAUNCHES
from bot.store import open_store
from bot.store.migrations import MIGRATIONS
from bot.store.sqlite import SqliteStore
from tests.builders import NOON
from tests.journeys.house import House, a_house, launch_id
from tests.postgres_server import NoServerError, a_server, migrated_database, server_or_skip
from tests.store.steps import a_record, ids, keep, lease

SUM = "analytics AddTwoNumbers parameter1=13 parameter2=7"
NAMES = [migration.name for migration in MIGRATIONS]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House, None]:
    async with a_house(tmp_path, database_url=migrated_database()) as house:
        yield house


@pytest.fixture
def empty_url() -> str:
    return server_or_skip().new_database()


async def test_every_journey_ends_as_on_sqlite(house: House) -> None:
    for journey in LAUNCHES:
        assert journey.ends is not None
        card = await house.ended(journey.user_id, journey.channel_id, journey.typed)

        assert card.text.startswith(journey.ends.word)
        assert house.thread(card)[-1].startswith(journey.ends.word)


async def test_what_is_typed_while_postgres_is_gone_is_refused_and_what_was_typed_before_ends(tmp_path: Path) -> None:
    try:
        with a_server() as server:
            async with a_house(tmp_path, database_url=server.url(), run_s=6.0) as house:
                before = await house.card(await house.launched("U0CAROL", "C0DATA", SUM), State.RUNNING.word)
                await asyncio.sleep(0.5)  # what Slack was told is noted
                server.stop(signal.SIGQUIT)
                gone = await house.told("U0CAROL", "C0DATA", SUM)
                server.start()
                ended = await house.card(before, State.SUCCEEDED.word)
                after = await house.ended("U0CAROL", "C0DATA", SUM)
                starts = [one for one in house.providers.received if one.verb == "start"]
    except NoServerError as error:
        pytest.skip(f"no Postgres here: {error}")

    assert launch_id(ended) == launch_id(before)
    assert after.text.startswith(State.SUCCEEDED.word)
    assert len(starts) == 2, "what could not be kept was not started"
    assert gone.startswith("Your request could not be kept, so nothing was started.")


async def test_replicas_whose_clocks_are_two_minutes_apart_share_leases_fairly() -> None:
    """A lease that one takes for a minute lasts a minute to the other as well."""
    url = migrated_database()
    offs = (timedelta(minutes=-1), timedelta(minutes=1))
    async with open_store(url) as first, open_store(url) as second:
        clocks: list[SharedClock] = []
        for store, off in zip((first, second), offs, strict=True):
            clock = SharedClock(asking(store), local=Off(off))
            await clock.measure()
            clocks.append(clock)
        early, late = clocks[0].now(), clocks[1].now()
        await keep(first, due_at=early - timedelta(seconds=1))
        held = await lease(first, clocks[0].now(), holder="bot-1")
        taken = await lease(second, clocks[1].now(), holder="bot-2")

    assert abs(late - early) < timedelta(seconds=1)
    assert [ids(held), ids(taken)] == [["L-7K3QW"], []]


class Off(SystemClock):
    """A machine whose clock is wrong."""

    def __init__(self, off: timedelta) -> None:
        self.off = off

    def now(self) -> datetime:
        return super().now() + self.off


def asking(store: object) -> object:
    async def ask() -> datetime:
        at = await store.time()  # type: ignore[attr-defined]
        assert at is not None
        return at

    return ask


async def test_a_store_on_postgres_comes_with_its_clock_and_a_file_with_the_machines(tmp_path: Path) -> None:
    async with open_store(migrated_database()) as store, clock_of(store) as clock:
        assert isinstance(clock, SharedClock)
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)  # noqa: TID251 - the server of this machine

    async with open_store(f"sqlite:///{tmp_path / 'gonogo.db'}") as store, clock_of(store) as clock:
        assert type(clock) is SystemClock


async def test_the_clock_is_measured_again_and_again_and_outlives_a_bad_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.app.storage.MEASURED_EVERY_S", 0.01)
    async with open_store(migrated_database()) as store, clock_of(store) as clock:
        assert isinstance(clock, SharedClock)
        clock._ahead = timedelta(hours=1)
        async with asyncio.timeout(10):
            while clock._ahead > timedelta(minutes=1):  # noqa: ASYNC110 - it is not told when it was measured
                await asyncio.sleep(0.01)
        await store.close()
        await asyncio.sleep(0.1)

        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)  # noqa: TID251 - as above


async def test_the_clock_outlives_whatever_goes_wrong_with_a_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.app.storage.MEASURED_EVERY_S", 0.0)
    store = FickleTime([ZeroDivisionError("a fault of ours"), SettingsError(["it is read-only"]), OSError("out of files")])
    async with asyncio.timeout(10), clock_of(store) as clock:  # type: ignore[arg-type]
        await store.is_told_again.wait()

        assert isinstance(clock, SharedClock)


class FickleTime:
    """A database whose time is told for the first measure, then not for a while."""

    def __init__(self, faults: list[Exception]) -> None:
        self._faults = faults
        self._looks = 1 + MEASURES
        self.is_told_again = asyncio.Event()

    async def time(self) -> datetime:
        self._looks -= 1
        if self._looks < 0:
            if self._faults:
                raise self._faults.pop()
            self.is_told_again.set()
        return NOON


async def test_looking_at_an_old_database_says_to_migrate_it(empty_url: str) -> None:
    with pytest.raises(SettingsError, match="older than this program: run gonogo db migrate"):
        async with opened_for_reading(empty_url):
            pass


async def test_past_decisions_are_read_from_postgres() -> None:
    url = migrated_database()
    async with open_store(url) as store:
        await store.record_decision(a_record(verdict="deny"))

    async with opened_for_reading(url) as store:
        assert [decision.verdict for decision in await store.decisions(since=NOON)] == ["deny"]


async def test_the_commands_migrate_refuse_a_backup_and_copy(empty_url: str, tmp_path: Path) -> None:
    assert await migrate(empty_url) == NAMES
    with pytest.raises(SettingsError, match="pg_dump"):
        await back_up(empty_url, tmp_path / "backup")
    path = tmp_path / "gonogo.db"
    async with SqliteStore(path) as source:
        await source.migrate()
        launch = await keep(source)

    copied = await copy(f"sqlite:///{path}", empty_url)

    assert {table.table for table in copied if table.rows} == {
        "launches",
        "deliveries",
        "events",
        "cards",
        "homes",
        "home_call",
    } - {"homes"}
    async with open_store(empty_url) as target:
        assert await target.launch(launch.launch_id) == replace(launch)


def test_db_copy_prints_what_it_copied(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def gonogo(*words: str, url: str) -> tuple[int, str, str]:
        monkeypatch.setenv("GONOGO_DATABASE_URL", url)
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    file = f"sqlite:///{tmp_path / 'gonogo.db'}"
    assert gonogo("db", "migrate", url=file)[0] == 0
    early = gonogo("db", "copy", file, "-", url=empty_url)
    assert gonogo("db", "migrate", url=empty_url) == (0, "".join(f"applied {name}\n" for name in NAMES), "")
    done = gonogo("db", "copy", file, "-", url=empty_url)
    again = gonogo("db", "copy", file, empty_url, url=file)
    dumped = gonogo("db", "backup", "x", url=empty_url)

    assert (early[0], "is not up to date" in early[2]) == (2, True)
    assert (done[0], done[2]) == (0, "")
    assert "launches: 0 rows, equal\n" in done[1]
    assert (again[0], dumped[0]) == (0, 2), "an empty history may be copied again"
    assert "pg_dump" in dumped[2]
