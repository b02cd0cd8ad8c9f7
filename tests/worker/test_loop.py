"""The loop that claims, works and rests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.worker.loop import LONGEST_REST_S, Loop
from tests.builders import NOON

AT_ONCE = 8


@dataclass
class PatientClock:
    """Sleeping ends when the test says so; what was asked for is kept."""

    asked_s: list[float] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> datetime:
        return NOON

    def jitter(self) -> float:
        return 0.0

    def new_launch_id(self) -> str:
        return "L-00001"

    async def sleep(self, seconds: float) -> None:
        self.asked_s.append(seconds)
        if seconds > 0:
            await self.gate.wait()


@dataclass
class PiecesOfWork:
    """Pieces to hand out; ``act`` notes them, and fails or waits where told to."""

    pieces: list[str] = field(default_factory=list)
    due: datetime | None = None
    faults: int = 0
    done: list[str] = field(default_factory=list)
    held: asyncio.Event | None = None
    most_at_once: int = 0
    now_at_once: int = 0
    at_once: int = AT_ONCE
    given_back: list[str] = field(default_factory=list)
    claims: int = 0
    claimed: asyncio.Event = field(default_factory=asyncio.Event)

    async def claim(self, limit: int) -> list[str]:
        self.claims += 1
        self.claimed.set()
        if self.faults:
            self.faults -= 1
            raise OSError("the database is away")
        taken, self.pieces = self.pieces[:limit], self.pieces[limit:]
        return taken

    async def act(self, piece: str, /) -> None:
        self.now_at_once += 1
        self.most_at_once = max(self.most_at_once, self.now_at_once)
        if self.held is not None:
            await self.held.wait()
        self.now_at_once -= 1
        if piece == "broken":
            raise ValueError("a fault of our own")
        self.done.append(piece)

    async def give_back(self, piece: str, /) -> None:
        self.given_back.append(piece)

    async def next_due(self) -> datetime | None:
        return self.due


async def settled() -> None:
    """Let every task take its turns."""
    for _ in range(20):
        await asyncio.sleep(0)


async def run_until_drained(loop: Loop[str]) -> asyncio.Task[None]:
    task = asyncio.create_task(loop.run(loop.ring))
    await settled()
    return task


async def test_all_that_is_due_is_worked_on_and_then_it_rests() -> None:
    work, clock = PiecesOfWork(pieces=["a", "b"]), PatientClock()
    loop = Loop("test", work, clock, round_every_s=0)

    task = await run_until_drained(loop)
    await loop.drain()
    await task

    assert work.done == ["a", "b"]
    assert clock.asked_s[-1] == LONGEST_REST_S


async def test_it_rests_until_the_next_piece_is_due() -> None:
    work, clock = PiecesOfWork(due=NOON + timedelta(seconds=2)), PatientClock()
    loop = Loop("test", work, clock, round_every_s=0)

    task = await run_until_drained(loop)
    await loop.drain()
    await task

    assert clock.asked_s[0] == 2.0


async def test_the_bell_ends_a_rest() -> None:
    work, clock = PiecesOfWork(), PatientClock()
    loop = Loop("test", work, clock, round_every_s=0)
    task = await run_until_drained(loop)

    work.pieces.append("late")
    loop.ring()
    await settled()

    assert work.done == ["late"]
    await loop.drain()
    await task


async def test_whoever_rings_just_after_a_round_is_heard_once_with_all_others() -> None:
    work = PiecesOfWork()
    loop = Loop("test", work, PatientClock(), round_every_s=0.05)
    task = await run_until_drained(loop)
    rounds = work.claims
    work.claimed.clear()
    for _ in range(20):
        loop.ring()
        await asyncio.sleep(0)

    assert work.claims == rounds, "not yet"
    async with asyncio.timeout(10):
        await work.claimed.wait()
    await settled()
    assert work.claims == rounds + 1
    await loop.drain()
    await task


async def test_draining_does_not_wait_for_the_next_round() -> None:
    loop = Loop("test", PiecesOfWork(), PatientClock(), round_every_s=3600)
    task = await run_until_drained(loop)
    loop.ring()
    async with asyncio.timeout(10):
        await loop.drain()
        await task


async def test_a_loop_that_shows_looks_once_more_before_it_ends() -> None:
    """What other loops have just finished is to be shown; whoever rang a moment ago was not heard yet."""
    work = PiecesOfWork()
    loop = Loop("test", work, PatientClock(), round_every_s=3600, looks_last=True)
    task = await run_until_drained(loop)
    work.pieces.append("last")
    loop.ring()
    async with asyncio.timeout(10):
        await loop.drain()
        await task

    assert work.done == ["last"]


async def test_a_database_that_is_away_at_the_last_look_does_not_keep_the_loop_from_ending() -> None:
    work = PiecesOfWork()
    loop = Loop("test", work, PatientClock(), round_every_s=0, looks_last=True)
    task = await run_until_drained(loop)
    work.faults = 1
    async with asyncio.timeout(10):
        await loop.drain()
        await task

    assert work.claims == 2


async def test_a_broken_piece_does_not_end_the_loop_and_is_given_back() -> None:
    work, clock = PiecesOfWork(pieces=["broken", "whole"]), PatientClock()
    clock.gate.set()
    loop = Loop("test", work, clock, round_every_s=0)

    task = await run_until_drained(loop)
    await loop.drain()
    await task

    assert (work.done, work.given_back) == (["whole"], ["broken"])


async def test_a_database_that_is_away_for_a_moment_does_not_end_the_loop() -> None:
    work, clock = PiecesOfWork(pieces=["a"], faults=1), PatientClock()
    clock.gate.set()
    loop = Loop("test", work, clock, round_every_s=0)

    task = await run_until_drained(loop)
    await loop.drain()
    await task

    assert work.done == ["a"]


async def test_no_more_than_the_limit_is_in_flight() -> None:
    work = PiecesOfWork(pieces=[str(number) for number in range(3 * AT_ONCE)], held=asyncio.Event())
    loop = Loop("test", work, PatientClock(), round_every_s=0)
    task = await run_until_drained(loop)

    assert work.now_at_once == AT_ONCE
    assert work.held is not None
    work.held.set()
    await settled()
    await settled()

    assert (len(work.done), work.most_at_once) == (3 * AT_ONCE, AT_ONCE)
    await loop.drain()
    await task


async def test_draining_finishes_what_is_in_flight_and_takes_nothing_new() -> None:
    work = PiecesOfWork(pieces=["a"], held=asyncio.Event())
    loop = Loop("test", work, PatientClock(), round_every_s=0)
    task = await run_until_drained(loop)

    draining = asyncio.create_task(loop.drain())
    await settled()
    assert not draining.done()

    work.pieces.append("b")
    assert work.held is not None
    work.held.set()
    await draining
    await task

    assert (work.done, work.pieces) == (["a"], ["b"])


async def test_room_that_was_promised_is_not_given_twice() -> None:
    work, clock = PiecesOfWork(held=asyncio.Event(), at_once=2), PatientClock()
    loop = Loop("pieces", work, clock)
    assert not loop.promise(), "it does not run yet"
    running = asyncio.create_task(loop.run(lambda: None))
    await asyncio.sleep(0.01)

    assert loop.promise()
    work.pieces = ["a", "b", "c"]
    loop.ring()
    await asyncio.sleep(0.01)
    assert work.pieces == ["b", "c"], "one is claimed, for the other the room is kept"
    assert loop.offer("handed")
    assert not loop.promise()
    assert work.held is not None
    work.held.set()
    work.pieces = []
    await loop.drain()
    await running

    assert sorted(work.done) == ["a", "handed"]


async def test_room_that_is_free_again_goes_to_what_waited_for_it() -> None:
    """Nothing else tells of it: the piece would wait until the rest is over."""
    work = PiecesOfWork(at_once=1)
    loop = Loop("pieces", work, PatientClock(), round_every_s=0)
    task = await run_until_drained(loop)
    assert loop.promise()
    work.pieces.append("waits")
    loop.ring()
    await settled()
    assert work.done == []

    loop.withdraw()
    await settled()
    assert work.done == ["waits"]
    await loop.drain()
    await task


async def test_what_is_offered_while_it_drains_is_given_back() -> None:
    work, clock = PiecesOfWork(), PatientClock()
    loop = Loop("pieces", work, clock)
    running = asyncio.create_task(loop.run(lambda: None))
    await asyncio.sleep(0.01)
    assert loop.promise()
    await loop.drain()
    await running

    assert not loop.offer("late")
    await asyncio.sleep(0)
    assert work.given_back == ["late"]
    assert work.done == []


async def test_what_may_be_ours_is_given_back_and_its_room_is_free() -> None:
    work, clock = PiecesOfWork(at_once=1), PatientClock()
    loop = Loop("pieces", work, clock)
    running = asyncio.create_task(loop.run(lambda: None))
    await asyncio.sleep(0.01)
    assert loop.promise()
    loop.let_go("in doubt")
    clock.gate.set()
    await asyncio.sleep(0.01)

    assert work.given_back == ["in doubt"]
    assert loop.promise()
    loop.withdraw()
    await loop.drain()
    await running
