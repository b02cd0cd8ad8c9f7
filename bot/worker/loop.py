"""One loop: claim what is due, work on it in bounded parallel, sleep until the next is due or somebody rings.

Why rounds keep a distance: under load somebody rings at every moment, and each round asks the store twice, whatever it finds. One
round then takes up what a dozen would have; who rings at a loop that rests is heard at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Sequence, Sized
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import structlog

from bot.domain.errors import StoreUnavailableError
from bot.ports import Clock

SHORTEST_REST_S = 0.05
DRAINS_WITHIN_S = 180.0
"""Longer than any provider's call may take."""
LONGEST_REST_S = 5.0
REST_AFTER_FAULT_S = 2.0
ROUND_EVERY_S = 0.01
"""At most; in the event loop's own time, as it is about the machine's work and not about anything that is due."""

Piece = TypeVar("Piece")

_log = structlog.get_logger("gonogo.worker")


class Work(Protocol[Piece]):
    """What a loop works on. ``at_once``: how many pieces may be in flight."""

    @property
    def at_once(self) -> int:
        """How many pieces may be in flight."""
        ...

    async def claim(self, limit: int) -> Sequence[Piece]:
        """Up to ``limit`` pieces that are due, now ours. Where it raises, none is: see ``what_is_ours``."""
        ...

    async def act(self, piece: Piece, /) -> None:
        """Do one piece and record it. Raises only on a fault of our own."""
        ...

    async def give_back(self, piece: Piece, /) -> None:
        """Let go of a piece that could not be done: whoever finds it due does it again."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next piece is due."""
        ...


@contextmanager
def what_is_ours(claimed: Sized) -> Generator[None]:
    """Around claims that come one after the other into ``claimed``: once the database goes away among them, those before it count.

    They would be nobody's for ever otherwise: a lease is renewed as long as we live, and what we hold we do not claim.
    """
    try:
        yield
    except StoreUnavailableError:
        if not claimed:
            raise
        _log.exception("claimed_in_part", count=len(claimed))


class Loop(Generic[Piece]):
    """Runs one kind of work until it is drained. ``round_every_s``: the least distance of two rounds for which somebody rang.

    ``looks_last``: it looks once more before it ends, for what other loops have just finished.
    """

    def __init__(
        self, name: str, work: Work[Piece], clock: Clock, *, round_every_s: float = ROUND_EVERY_S, looks_last: bool = False
    ) -> None:
        self._name = name
        self._looks_last = looks_last
        self._work = work
        self._clock = clock
        self._round_every_s = round_every_s
        self._looked_at = float("-inf")
        self._ringing: asyncio.TimerHandle | None = None
        self._bell = asyncio.Event()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._promised = 0
        self._ring_all: Callable[[], None] | None = None
        self._is_draining = False
        self._has_ended = asyncio.Event()

    def ring(self) -> None:
        """Look at once, or, after a look just now, in a moment, once for all who ring until then."""
        loop = asyncio.get_running_loop()
        early_s = self._looked_at + self._round_every_s - loop.time()
        if early_s <= 0:
            self._bell.set()
        elif self._ringing is None:
            self._ringing = loop.call_later(early_s, self._ring_late)

    def _ring_late(self) -> None:
        self._ringing = None
        self._bell.set()

    async def run(self, ring_all: Callable[[], None]) -> None:
        """Work until drained. ``ring_all`` is called after each piece: what one loop records, the other may have to tell."""
        self._ring_all = ring_all
        while not self._is_draining:
            self._bell.clear()
            self._looked_at = asyncio.get_running_loop().time()
            await self._rest(await self._look())
        if self._looks_last:
            await self._look()
        self._has_ended.set()

    def promise(self) -> bool:
        """Keep room for a piece that is about to be ours without a claim: ``offer``, ``withdraw`` or ``let_go`` ends that."""
        if self._is_draining or self._ring_all is None or self._free <= 0:
            return False
        self._promised += 1
        return True

    def offer(self, piece: Piece) -> bool:
        """Begin a piece that room was promised for; given back, and False, where we drain by now."""
        self._promised -= 1
        if self._is_draining:
            self._keep(self._give_back_at_once(piece))
            return False
        self._begin(piece)
        return True

    def withdraw(self) -> None:
        """What room was promised for does not come; what waited for room may."""
        self._promised -= 1
        self.ring()

    def let_go(self, piece: Piece) -> None:
        """Nobody knows whether what room was promised for is ours: give it back as soon as that can be done."""
        self._promised -= 1
        self._keep(self._give_back(piece))

    async def drain(self) -> None:
        """Claim nothing more, but for a last look, and wait for what is in flight: a call broken off leaves a launch in doubt."""
        self._is_draining = True
        self._bell.set()
        await self._has_ended.wait()
        if self._in_flight:
            await asyncio.wait(set(self._in_flight), timeout=DRAINS_WITHIN_S)

    @property
    def _free(self) -> int:
        """How many pieces more may be in flight."""
        return self._work.at_once - len(self._in_flight) - self._promised

    async def _look(self) -> float:
        """One round; how long to rest then, in seconds."""
        try:
            return await self._round()
        except Exception:  # noqa: BLE001 - the loop must outlive a bad moment of the database
            _log.exception("loop_fault", loop=self._name)
            return REST_AFTER_FAULT_S

    async def _round(self) -> float:
        """Claim and begin what is due; how long to rest then, in seconds."""
        if self._free <= 0:
            return LONGEST_REST_S
        pieces: Sequence[Piece] = await self._work.claim(self._free)
        for piece in pieces:
            self._begin(piece)
        if pieces:
            await asyncio.sleep(0)  # they go first: the store may answer at once, and what is due next can wait
        due = await self._work.next_due()
        if due is None:
            return LONGEST_REST_S
        wait_s = (due - self._clock.now()).total_seconds()
        return min(max(wait_s, 0.0 if pieces else SHORTEST_REST_S), LONGEST_REST_S)

    def _begin(self, piece: Piece) -> None:
        self._keep(self._act(piece))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._in_flight.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._in_flight.discard(task)
            if self._ring_all is not None:
                self._ring_all()

        task.add_done_callback(ended)

    async def _act(self, piece: Piece) -> None:
        try:
            await self._work.act(piece)
        except Exception:  # noqa: BLE001 - one piece must not end the loop
            _log.exception("work_fault", loop=self._name)
            await self._give_back(piece)

    async def _give_back(self, piece: Piece) -> None:
        """Let go after a rest, however long the database is away: a lease is renewed as long as we live, so it would never lapse."""
        while not self._is_draining:
            await self._clock.sleep(REST_AFTER_FAULT_S)
            try:
                await self._work.give_back(piece)
            except Exception:  # noqa: BLE001 - as above
                _log.exception("not_given_back", loop=self._name)
            else:
                return

    async def _give_back_at_once(self, piece: Piece) -> None:
        """Let go now or never: we end, and then the lease lapses by itself."""
        try:
            await self._work.give_back(piece)
        except Exception:  # noqa: BLE001 - as above
            _log.exception("not_given_back", loop=self._name)

    async def _rest(self, seconds: float) -> None:
        """Until the time is up or the bell rings, whichever is first."""
        if seconds <= 0 or self._bell.is_set():
            await self._clock.sleep(0)
            return
        resting = asyncio.create_task(self._clock.sleep(seconds))
        ringing = asyncio.create_task(self._bell.wait())
        _, late = await asyncio.wait({resting, ringing}, return_when=asyncio.FIRST_COMPLETED)
        for task in late:
            task.cancel()
