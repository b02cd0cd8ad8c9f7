"""Brings together what is written in one turn of the event loop: the first write is a commit of its own, at once, all others share one.

Why: under load three and a half writes come in a turn, and a commit costs more than most of what is in it. And why the first does not
wait for company: without load there is none, and a launch would start later.

Why a group that breaks is done again one by one: each write keeps or loses what is its own, as if it had been alone. Making the
steps of a write anew is harmless (steps.py): SQLite undid the group for certain, so that none of it is in doubt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

MOST_TOGETHER = 64
"""So many launches are written in some ten milliseconds; who comes beyond them is of the next group, after whatever else is due."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write: its work within a transaction, whether that is to be flushed, and where its answer goes."""

    work: Callable[[Database], Any]
    is_flushed: bool
    answer: asyncio.Future[Any]


@dataclass(slots=True)
class Group:
    """Writes that share a transaction. ``has_begun``: SQLite's lock was ours, so that the fault is in one of them."""

    writes: Sequence[Write]
    has_begun: bool = False

    def work(self, database: Database) -> list[Any]:
        """The answer of each, within the transaction."""
        self.has_begun = True
        return [write.work(database) for write in self.writes]


class Turn:
    """Knows whether something was written in the present turn of the event loop; ``commit`` writes a group and answers each."""

    def __init__(self, commit: Callable[[Sequence[Write]], Awaitable[None]]) -> None:
        self._commit = commit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[Write] = []
        self._committing: set[asyncio.Future[None]] = set()

    def is_first(self) -> bool:
        """Whether this write is the first of its turn; from now on none is, until the turn is over."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return False
        self._waiting.clear()  # of an event loop that ended: nobody waits there any more
        self._loop = loop
        loop.call_soon(self._is_over, loop)
        return True

    def join(self, work: Callable[[Database], Any], *, is_flushed: bool) -> asyncio.Future[Any]:
        """Write this with the others of the turn; its answer."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(Write(work, is_flushed, answer))
        return answer

    async def all_answered(self) -> None:
        """Return once all who joined before have their answer."""
        loop = asyncio.get_running_loop()
        awaited = [*self._committing, *(write.answer for write in self._waiting)]
        if mine := [one for one in awaited if one.get_loop() is loop]:
            await asyncio.wait(mine)

    def _is_over(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
        if not waiting:
            self._loop = None
            return
        loop.call_soon(self._is_over, loop)  # who comes while these are written is of the next group
        committing = asyncio.ensure_future(self._commit(waiting))
        self._committing.add(committing)
        committing.add_done_callback(lambda ended: self._have_ended(ended, waiting))

    def _have_ended(self, committing: asyncio.Future[None], writes: Sequence[Write]) -> None:
        """Each has its answer, unless the event loop ends and took the task that was to give it: then nobody waits for ever."""
        self._committing.discard(committing)
        for write in writes:
            write.answer.cancel()
