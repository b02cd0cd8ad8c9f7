"""One SQLite connection with a thread of its own, and the transactions on it.

Why brief work is not taken to the thread where nothing is in its way: a statement takes a few microseconds and a commit that is
not flushed some twenty, while handing work to a thread and its answer back costs 60 to 100 of CPU, and Python's lock changes hands
twice. At twenty calls a launch that was a third of the bot's CPU, and half the time to its start.

Why the loop is not blocked that way: a connection at rest has no patience, so that a lock of another program sends the work to the
thread, and so does a disk that was slow a moment ago. What the thread is at is waited for, and whatever takes long is the thread's.
The thread gives way to those who wait after each piece of its work, or who goes on and on with what is long would keep a delivery
from being acknowledged.

Why a transaction of our own beside sqlite-utils' ``atomic``: that one begins DEFERRED, which reads before it locks, and then
loses against another process half-way.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar, assert_never

from sqlite_utils import Database

from bot.domain.errors import StoreUnavailableError
from bot.store.rows import Row
from bot.store.sqlite_errors import LockedError, wrapped
from bot.store.sqlite_mail import Mail
from bot.store.steps import Alone, Change, Fetch, Steps

T = TypeVar("T")

BRIEF_S = 0.02
"""Brief work that takes longer than this, in seconds, shows that the disk or the machine is slow: then the thread waits for it …"""
SLOW_FOR_S = (0.05, 5.0)
"""… for so long; twice as long each time that it is slow again, up to the latter."""


def fetch(database: Database, sql: str, **values: Any) -> list[Row]:
    """All rows of a query, by column name.

    Why not ``Database.query``: it wraps each query in a savepoint, two more statements.
    """
    cursor = database.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def change(database: Database, sql: str, **values: Any) -> int:
    """How many rows a statement changed."""
    return database.execute(sql, values).rowcount


def carried_out(database: Database, steps: Steps[T]) -> T:
    """The answer of a method of the store, each of its steps done on this connection."""
    given: Any = None
    try:
        while True:
            given = _done(database, steps.send(given))
    except StopIteration as end:
        return end.value
    finally:
        steps.close()


def _done(database: Database, step: Fetch | Change | Alone) -> Any:
    match step:
        case Fetch(sql, values):
            return fetch(database, sql, **values)
        case Change(sql, values):
            return change(database, sql, **values)
        case Alone():  # whoever writes holds SQLite's one write lock from the beginning
            return None
        case _:
            assert_never(step)


@dataclass(frozen=True, slots=True)
class Job:
    """Work for a lane's thread, and where its answer goes."""

    work: Callable[[Database], Any]
    answer: asyncio.Future[Any]
    mail: Mail


class Lane:
    """One connection, opened at first use, and its thread. ``place`` is what errors call the database.

    ``patience_s``: how long its thread waits for another program that writes, in seconds. ``time`` tells how long work took.
    """

    def __init__(
        self,
        opening: Callable[[], Database],
        place: str,
        name: str,
        *,
        patience_s: float = 0.0,
        time: Callable[[], float] = monotonic,
    ) -> None:
        self._opening = opening
        self._place = place
        self._patience_s = patience_s
        self._time = time
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._jobs: deque[Job] = deque()
        self._is_busy = False
        self._gives_way = False
        self._turn = threading.Lock()
        self._mail: Mail | None = None
        self._database: Database | None = None
        self._is_closed = False
        self._has_ended = False
        self._slow_until = float("-inf")
        self._slow_for_s = SLOW_FOR_S[0]
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def is_free(self) -> bool:
        """Whether brief work would be done at once, on the event loop."""
        return not self._is_busy and self._is_at_hand

    async def run(self, work: Callable[[Database], T], *, is_brief: bool = False) -> T:
        """Run ``work`` on the thread, after what it was given before, or, where it ``is_brief`` and nothing is in its way, at once.

        Raises:
            SettingsError: the database cannot be opened.
            StoreUnavailableError: it cannot be used just now.
        """
        self._refuse_where_closed()
        if is_brief and (self.is_free or await self._has_come_free()) and self._database is not None:
            with suppress(LockedError):
                return self._at_once(self._database, work)
        return await self._posted(work)

    async def _has_come_free(self) -> bool:
        """Wait for what the thread is at; whether brief work would be done at once then. Where the disk is slow, at once: no."""
        while self._is_at_hand:
            with self._turn:
                if not self._is_busy:
                    return True
                free = self._when_free()
            await free
        return False

    @property
    def _is_at_hand(self) -> bool:
        """Whether the connection is there, and was not slow a moment ago."""
        return self._database is not None and not self._has_ended and self._time() >= self._slow_until

    def _when_free(self) -> asyncio.Future[None]:
        """Done as the thread gives way. Under ``_turn``, while it has work."""
        free: asyncio.Future[None] = self._mail_here().loop.create_future()
        self._waiting.append(free)
        return free

    def _mail_here(self) -> Mail:
        """To this event loop. Whoever waited on another is gone with it."""
        loop = asyncio.get_running_loop()
        if self._mail is None or self._mail.loop is not loop:
            self._mail = Mail(loop)
            self._waiting.clear()
            self._gives_way = False
        return self._mail

    def post(self, work: Callable[[Database], T]) -> asyncio.Future[T]:
        """Have ``work`` run on the thread; its answer. Raises as ``run``."""
        self._refuse_where_closed()
        return self._posted(work)

    def _posted(self, work: Callable[[Database], T]) -> asyncio.Future[T]:
        mail = self._mail_here()
        answer: asyncio.Future[T] = mail.loop.create_future()
        self._jobs.append(Job(work, answer, mail))
        self._go_on()
        return answer

    async def close(self) -> None:
        """Finish what was asked for, then end connection and thread; a second time does nothing."""
        if not self._is_closed:
            self._is_closed = True
            try:
                await self._have_finished()
                self._has_ended = True
                await asyncio.get_running_loop().run_in_executor(self._thread, self._let_go)
            finally:
                self._thread.shutdown()

    async def _have_finished(self) -> None:
        """Wait until the thread has no work, and nobody waits for it."""
        self._mail_here()
        self._go_on()
        while self._is_busy or self._gives_way or self._jobs:
            with self._turn:
                free = self._when_free() if self._is_busy else asyncio.sleep(0)
            await free

    def _refuse_where_closed(self) -> None:
        if self._is_closed:
            raise StoreUnavailableError(self._place, "it is closed")

    def _at_once(self, database: Database, work: Callable[[Database], T]) -> T:
        """On the event loop.

        Raises:
            LockedError: another program keeps it locked; ``work`` has done nothing.
        """
        began = self._time()
        try:
            with wrapped(self._place, is_patient=False):
                return work(database)
        finally:
            self._note_pace(began, self._time())

    def _note_pace(self, began: float, over: float) -> None:
        shortest, longest = SLOW_FOR_S
        if over - began <= BRIEF_S:
            self._slow_for_s = shortest
            return
        self._slow_until = over + self._slow_for_s
        self._slow_for_s = min(2 * self._slow_for_s, longest)

    def _go_on(self) -> None:
        """Have the thread work where there is work, once those that it gave way to have had their turn."""
        with self._turn:
            if self._is_busy or self._gives_way or not self._jobs:
                return
            self._is_busy = True
        self._thread.submit(self._all_jobs)

    def _have_had_their_turn(self) -> None:
        self._gives_way = False
        self._go_on()

    def _all_jobs(self) -> None:
        """Whatever is asked for, until nothing more is or somebody waits: those who do have their turn before the rest."""
        self._wait_for_others(self._patience_s)
        while True:
            job = self._jobs.popleft()
            if not job.answer.cancelled():
                self._answer(job)
            with self._turn:
                if not self._jobs or self._waiting:
                    self._wait_for_others(0.0)
                    self._is_busy = False
                    waiting, self._waiting = self._waiting, []
                    self._gives_way = bool(waiting)
                    mail = self._mail or job.mail
                    break
        if waiting:
            mail.send_all(waiting, self._have_had_their_turn)

    def _answer(self, job: Job) -> None:
        try:
            job.mail.send(job.answer, self._work(job.work), None)
        except BaseException as exc:  # noqa: BLE001 - whoever asked gets it, and the thread goes on with what others ask
            job.mail.send(job.answer, None, exc)

    def _wait_for_others(self, seconds: float) -> None:
        """How long the connection waits for another program that writes."""
        if self._database:
            self._database.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")

    def _work(self, work: Callable[[Database], T]) -> T:
        database = self._database or self._open()
        with wrapped(self._place):
            return work(database)

    def _open(self) -> Database:
        with wrapped(self._place, is_opening=True):
            self._database = self._opening()
        return self._database

    def _let_go(self) -> None:
        if self._database:
            self._database.close()
            self._database = None


def immediately(database: Database, work: Callable[[Database], T]) -> T:
    """Run ``work`` in one transaction that holds the write lock from its beginning; when it raises, nothing is kept."""
    database.rollback()  # nothing, unless the disk refused even that after the last fault; then every write would fail for ever
    database.execute("BEGIN IMMEDIATE")
    try:
        answer = work(database)
        database.execute("COMMIT")
    except BaseException:
        database.rollback()
        raise
    return answer
