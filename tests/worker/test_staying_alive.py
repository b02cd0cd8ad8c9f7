"""What a worker does beside its loops: leases are renewed, whatever else waits; operators are told what was set aside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import ThreadError
from bot.store import DurableStore
from bot.store.sqlite import SqliteStore
from bot.store.steps import change
from bot.surfaces.say import Say
from bot.worker import LEASE, RENEWALS_PER_LEASE, Worker
from bot.worker.once import TELLING_TAKES
from tests.builders import NOON
from tests.ports import RecordingThread, a_store
from tests.store.steps import keep, noted
from tests.worker.faults import Fitful
from tests.worker.waiting import Timed, WaitingClock

TURN_S = LEASE.total_seconds() / RENEWALS_PER_LEASE
NOTE = "launch L-7K3QW: cannot be read (JSONDecodeError)"
LATER = ThreadError("ratelimited", retry_after_s=1)
UNHEARD = ThreadError("unreachable", is_in_doubt=True)
NEVER = ThreadError("is_archived", is_permanent=True)


@dataclass
class HeldThread(RecordingThread):
    """Slack, which answers nobody who tells operators something."""

    asked: int = 0

    async def tell_operators(self, say: Say) -> None:
        self.asked += 1
        await asyncio.Event().wait()


@dataclass(kw_only=True)
class SlowThread(RecordingThread):
    """Slack, which takes a second for what operators are told."""

    clock: WaitingClock

    async def tell_operators(self, say: Say) -> None:
        await self.clock.sleep(1)
        await super().tell_operators(say)


@dataclass
class Room:
    """Replicas on one store, and what operators were told."""

    store: DurableStore
    clock: WaitingClock = field(default_factory=WaitingClock)
    thread: RecordingThread = field(default_factory=RecordingThread)

    @asynccontextmanager
    async def alive(
        self, holder: str = "bot-1", *, store: Any = None, thread: RecordingThread | None = None
    ) -> AsyncGenerator[Timed]:
        """A replica, for as long as the block lasts; its store."""
        timed: Any = Timed(store or self.store, self.clock)
        async with Worker(store=timed, thread=thread or self.thread, clock=self.clock, holder=holder, works=()):
            yield timed

    async def set_aside(self) -> None:
        """One launch cannot be read any more, and was found so."""
        await keep(self.store)
        await self.store._write(lambda: change("UPDATE launches SET inputs = '{'"))
        assert await self.store.lease_due(now=NOON, until=NOON + LEASE, holder="other", limit=1) == []
        assert await noted(self.store) == [NOTE]

    @property
    def told(self) -> list[str]:
        return [text for _, text in self.thread.told]


@pytest.fixture
async def room() -> AsyncGenerator[Room]:
    async with a_store() as store:
        yield Room(store)


# --- leases ---


async def test_leases_are_renewed_while_operators_are_being_told(room: Room) -> None:
    """Else others take over what a living replica is in the middle of, and call its starts in doubt."""
    await room.set_aside()
    slack = HeldThread()
    async with room.alive(thread=slack) as store:
        await room.clock.pass_(6 * TURN_S)

    assert slack.asked == 1
    assert store.renewed_at_s == [TURN_S * turn for turn in range(1, 7)]


async def test_a_renewal_that_failed_is_tried_again_at_once_and_not_in_turn(room: Room) -> None:
    """A turn later the lease has half lapsed, and what it holds may be taken over by others."""
    async with room.alive(store=Fitful(room.store, {"renew_leases": {1, 2}})) as store:
        await room.clock.pass_(12)

    assert store.renewed_at_s == [5, 6, 7, 12]


# --- what was set aside ---


async def test_what_was_set_aside_is_told_once(room: Room) -> None:
    """By one of several replicas that find it at the same moment."""
    await room.set_aside()
    room.thread = SlowThread(clock=room.clock)
    async with room.alive(), room.alive("bot-2"), room.alive("bot-3"):
        await room.clock.pass_(60)

    assert [NOTE in text for text in room.told] == [True]
    assert await noted(room.store) == []


@pytest.mark.parametrize("error", [LATER, UNHEARD], ids=["later", "unheard"])
async def test_what_slack_did_not_take_is_told_later_and_once(room: Room, error: ThreadError) -> None:
    await room.set_aside()
    room.thread.refusals = [error]
    async with room.alive():
        await room.clock.pass_(TURN_S)
        assert (room.told, await noted(room.store)) == ([], [NOTE])
        await room.clock.pass_(600)

    assert [NOTE in text for text in room.told] == [True]
    assert await noted(room.store) == []


async def test_slack_is_asked_ever_more_rarely_and_never_before_it_said(room: Room) -> None:
    await room.set_aside()
    room.thread.refusals = [ThreadError("internal_error")] * 40
    async with room.alive():
        await room.clock.pass_(3600)
    tries = 40 - len(room.thread.refusals)
    room.thread.refusals = [ThreadError("ratelimited", retry_after_s=120)] * 2
    async with room.alive():
        await room.clock.pass_(TURN_S + 119)

    assert 10 <= tries <= 25
    assert len(room.thread.refusals) == 1


async def test_what_slack_will_never_take_is_let_go(room: Room) -> None:
    await room.set_aside()
    room.thread.refusals = [NEVER]
    async with room.alive():
        await room.clock.pass_(600)

    assert (room.told, room.thread.refusals, await noted(room.store)) == ([], [], [])


async def test_what_a_killed_replica_was_telling_is_told_by_another(room: Room) -> None:
    await room.set_aside()
    kills = Fitful(room.store, {"notice_not_told": {1}})
    async with room.alive(store=kills, thread=HeldThread()):
        await room.clock.pass_(TURN_S)
    async with room.alive("bot-2"):
        await room.clock.pass_(TELLING_TAKES.total_seconds() - 2 * TURN_S)
        assert room.told == [], "it may be alive"
        await room.clock.pass_(3 * TURN_S)

    assert [NOTE in text for text in room.told] == [True]


async def test_what_was_told_is_not_told_again_where_the_database_goes_away_after_it(room: Room) -> None:
    await room.set_aside()
    away = Fitful(room.store, {"set_aside_told": {1, 2, 3}})
    async with room.alive(store=away):
        await room.clock.pass_(60)

    assert [NOTE in text for text in room.told] == [True]
    assert await noted(room.store) == []


async def test_a_database_that_is_away_ends_no_telling(room: Room) -> None:
    await room.set_aside()
    away = Fitful(room.store, {"set_aside": {1, 2}, "claim_notice": {1}})
    async with room.alive(store=away):
        await room.clock.pass_(60)

    assert [NOTE in text for text in room.told] == [True]


async def test_an_end_does_not_wait_for_slack(room: Room) -> None:
    await room.set_aside()
    async with asyncio.timeout(5):
        async with room.alive(thread=HeldThread()):
            await room.clock.pass_(TURN_S)

    assert await noted(room.store) == [NOTE], "the next life tells it"


async def test_what_was_not_told_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "gonogo.db"
    async with SqliteStore(path) as store:
        await store.migrate()
        await Room(store).set_aside()
    async with SqliteStore(path) as store:
        room = Room(store)
        async with room.alive():
            await room.clock.pass_(TURN_S)

        assert [NOTE in text for text in room.told] == [True]
