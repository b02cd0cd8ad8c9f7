"""One thread with one SQLite connection of its own, the transactions on it, and SQLite's errors turned into ours.

Why a transaction of our own beside sqlite-utils' ``atomic``: that one begins DEFERRED, which reads before it locks, and then
loses against another process half-way.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar, assert_never

from sqlite_utils import Database

from bot.domain.errors import BotError, SettingsError, StoreUnavailableError
from bot.store.rows import Row
from bot.store.steps import Alone, Change, Fetch, Steps

T = TypeVar("T")

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
    """One thread with one connection of its own, opened at first use. ``place`` is what errors call the database."""

    def __init__(self, opening: Callable[[], Database], place: str, name: str) -> None:
        self._opening = opening
        self._place = place
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._jobs: deque[Job] = deque()
        self._is_busy = False
        self._turn = threading.Lock()
        self._mail: Mail | None = None
        self._database: Database | None = None
        self._is_closed = False

    async def run(self, work: Callable[[Database], T]) -> T:
        """Run ``work`` on the thread, after all that was asked for before.

        Raises:
            SettingsError: the database cannot be opened.
            StoreUnavailableError: it cannot be used just now.
        """
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
        return await answer

    async def close(self) -> None:
        """Finish what is under way, then end connection and thread; a second time does nothing."""
        if not self._is_closed:
            self._is_closed = True
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._let_go)
            finally:
                self._thread.shutdown()

    def _all_jobs(self) -> None:
        """Whatever is asked for until nothing more is."""
        while True:
            with self._turn:
                if not self._jobs:
                    self._is_busy = False
                    return
                job = self._jobs.popleft()
            if job.answer.cancelled():
                continue
            try:
                job.mail.send(job.answer, self._work(job.work), None)
            except BaseException as exc:  # noqa: BLE001 - whoever asked gets it, and the thread goes on with what others ask
                job.mail.send(job.answer, None, exc)

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


@contextmanager
def _wrapped(place: str, *, is_opening: bool = False) -> Generator[None]:
    """SQLite's errors become ours, once. A broken constraint stays what it is: a fault of the program."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as exc:
        raise _our_error(exc, place, is_opening=is_opening) from exc


def _our_error(exc: sqlite3.Error, place: str, *, is_opening: bool) -> BotError:
    name: str = getattr(exc, "sqlite_errorname", "")
    family = "_".join(name.split("_")[:2])  # SQLITE_IOERR_WRITE is a kind of SQLITE_IOERR
    cause = _CAUSES.get(family, str(exc))
    if is_opening and family in _LASTING:
        return SettingsError([f"the database {place} cannot be used: {cause}"])
    return StoreUnavailableError(place, cause)
