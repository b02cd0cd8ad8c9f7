"""One SQLite connection with a thread of its own, the transactions on it, and SQLite's errors turned into ours.

Why brief work is not taken to the thread where nothing is in its way: a statement takes a few microseconds and a commit that is
not flushed some twenty, while handing work to a thread and its answer back costs 60 to 100 of CPU, and Python's lock changes hands
twice. At twenty calls a launch that was a third of the bot's CPU, and half the time to its start.

Why the loop is not blocked that way: a connection at rest has no patience, so that a lock of another program sends the work to the
thread, and so does a disk that was slow a moment ago. What the thread is at is waited for, and whatever takes long is the thread's.

Why a transaction of our own beside sqlite-utils' ``atomic``: that one begins DEFERRED, which reads before it locks, and then
loses against another process half-way.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar, assert_never

from sqlite_utils import Database

from bot.domain.errors import BotError, SettingsError, StoreUnavailableError
from bot.store.rows import Row
from bot.store.steps import Alone, Change, Fetch, Steps

T = TypeVar("T")

BRIEF_S = 0.02
"""Brief work that takes longer than this, in seconds, shows that the disk or the machine is slow: then the thread waits for it …"""
SLOW_FOR_S = (0.05, 5.0)
"""… for so long; twice as long each time that it is slow again, up to the latter."""

_CAUSES = {
    "SQLITE_BUSY": "another program keeps it locked",
    "SQLITE_CANTOPEN": "it cannot be opened (is it a folder, or a place where this user may not write?)",
    "SQLITE_CORRUPT": "it is damaged; restore a backup",
    "SQLITE_FULL": "the disk is full",
    "SQLITE_IOERR": "the disk does not read or write",
    "SQLITE_LOCKED": "another program keeps it locked",
    "SQLITE_NOTADB": "it is not a SQLite database",
    "SQLITE_PERM": "this user may not write there",
    "SQLITE_READONLY": "it cannot be written",
}
_LASTING = frozenset({"SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_PERM", "SQLITE_READONLY"})
"""What waiting does not mend: at opening, the operator's turn."""


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


class Mail:
    """Brings answers from a thread to an event loop, waking it once for all that are there when it looks.

    Why not ``run_in_executor``: it wakes the loop for each, by a write to a socket, with two futures each.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._answers: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._is_awake = False

    def send(self, future: asyncio.Future[Any], answer: Any, fault: BaseException | None) -> None:
        """On the thread: ``future`` has ``answer``, or ``fault``."""
        self._answers.append((future, answer, fault))
        self._wake()

    def send_all(self, futures: Iterable[asyncio.Future[None]]) -> None:
        """On the thread: these have what they waited for."""
        self._answers.extend((future, None, None) for future in futures)
        self._wake()

    def _wake(self) -> None:
        if not self._is_awake:
            self._is_awake = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_awake = False  # first: what is sent from here on wakes us again
        while self._answers:
            future, answer, fault = self._answers.popleft()
            if future.done():  # whoever asked has left
                continue
            if fault is None:
                future.set_result(answer)
            else:
                future.set_exception(fault)


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
        self._turn = threading.Lock()
        self._mail: Mail | None = None
        self._database: Database | None = None
        self._is_closed = False
        self._slow_until = float("-inf")
        self._slow_for_s = SLOW_FOR_S[0]
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def is_free(self) -> bool:
        """Whether brief work would be done at once, on the event loop."""
        return not self._is_busy and self._database is not None and self._time() >= self._slow_until

    async def run(self, work: Callable[[Database], T], *, is_brief: bool = False) -> T:
        """Run ``work`` after all that was asked for before: on the thread, or, where it ``is_brief`` and nothing is in its way, at once.

        Raises:
            SettingsError: the database cannot be opened.
            StoreUnavailableError: it cannot be used just now.
        """
        if is_brief and (self.is_free or await self._has_come_free()) and self._database is not None:
            with suppress(_LockedError):
                return self._at_once(self._database, work)
        return await self.post(work)

    async def _has_come_free(self) -> bool:
        """Wait for what the thread is at; whether brief work would be done at once then. Where the disk is slow, at once: no."""
        while self._database is not None and self._time() >= self._slow_until:
            with self._turn:
                if not self._is_busy:
                    return True
                free = asyncio.get_running_loop().create_future()
                self._waiting.append(free)
            await free
        return False

    def post(self, work: Callable[[Database], T]) -> asyncio.Future[T]:
        """Have ``work`` run on the thread; its answer. Raises as ``run``."""
        if self._is_closed:
            raise StoreUnavailableError(self._place, "it is closed")
        loop = asyncio.get_running_loop()
        if self._mail is None or self._mail.loop is not loop:
            self._mail = Mail(loop)
        answer: asyncio.Future[T] = loop.create_future()
        with self._turn:
            self._jobs.append(Job(work, answer, self._mail))
            is_busy, self._is_busy = self._is_busy, True
        if not is_busy:
            self._thread.submit(self._all_jobs)
        return answer

    async def close(self) -> None:
        """Finish what is under way, then end connection and thread; a second time does nothing."""
        if not self._is_closed:
            self._is_closed = True
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._let_go)
            finally:
                self._thread.shutdown()

    def _at_once(self, database: Database, work: Callable[[Database], T]) -> T:
        """On the event loop.

        Raises:
            _LockedError: another program keeps it locked; ``work`` has done nothing.
        """
        began = self._time()
        try:
            with _wrapped(self._place, is_patient=False):
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

    def _all_jobs(self) -> None:
        """Whatever is asked for until nothing more is."""
        self._wait_for_others(self._patience_s)
        while True:
            with self._turn:
                if not self._jobs:
                    self._wait_for_others(0.0)
                    self._is_busy = False
                    waiting, self._waiting = self._waiting, []
                    break
                job = self._jobs.popleft()
            if job.answer.cancelled():
                continue
            try:
                job.mail.send(job.answer, self._work(job.work), None)
            except BaseException as exc:  # noqa: BLE001 - whoever asked gets it, and the thread goes on with what others ask
                job.mail.send(job.answer, None, exc)
        if waiting and self._mail is not None:
            self._mail.send_all(waiting)

    def _wait_for_others(self, seconds: float) -> None:
        """How long the connection waits for another program that writes."""
        if self._database:
            self._database.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")

    def _work(self, work: Callable[[Database], T]) -> T:
        database = self._database or self._open()
        with _wrapped(self._place):
            return work(database)

    def _open(self) -> Database:
        with _wrapped(self._place, is_opening=True):
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


class _LockedError(Exception):
    """Another program keeps the database locked, and we did not wait for it."""


@contextmanager
def _wrapped(place: str, *, is_opening: bool = False, is_patient: bool = True) -> Generator[None]:
    """SQLite's errors become ours, once. A broken constraint stays what it is: a fault of the program."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as exc:
        if not is_patient and _family(exc) == "SQLITE_BUSY":
            raise _LockedError from exc
        raise _our_error(exc, place, is_opening=is_opening) from exc


def _our_error(exc: sqlite3.Error, place: str, *, is_opening: bool) -> BotError:
    family = _family(exc)
    cause = _CAUSES.get(family, str(exc))
    if is_opening and family in _LASTING:
        return SettingsError([f"the database {place} cannot be used: {cause}"])
    return StoreUnavailableError(place, cause)


def _family(exc: sqlite3.Error) -> str:
    """SQLITE_IOERR_WRITE is a kind of SQLITE_IOERR."""
    return "_".join(getattr(exc, "sqlite_errorname", "").split("_")[:2])
