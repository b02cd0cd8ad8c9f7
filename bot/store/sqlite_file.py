"""One SQLite file: opened with care, with a connection that writes and one that reads, each with a thread for what takes long.

Every write is one ``BEGIN IMMEDIATE`` transaction of the writer's: within this process writers queue instead of colliding, and
between processes SQLite's own lock decides before anything is read. What is brief is done at once, on the event loop (sqlite_lane.py
says why); what is not, waits for others, or meets a slow disk, on a thread. Readers see the last commit and never wait for the
writer (WAL).

Why we bring the log into the database ourselves: SQLite does it in the commit that finds the log long, flushing both files.

Why ``synchronous=NORMAL`` and not FULL: under WAL a commit is handed to the operating system before it returns, so it
survives ``kill -9`` of the bot either way. FULL adds a flush to the disk per commit, which only a power cut or a crash of the
machine needs, and more than halves the commits per second. The file is never damaged by either; the last commits before a
power cut may be missing. One commit is flushed all the same: the one that says that a start is about to be sent (``is_flushed``),
with everything before it. Without it, a machine that comes back after a power cut would start a second time. The flush is made
beside the writer (sqlite_flush.py), which goes on with what others write.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from sqlite_utils import Database

from bot.domain.errors import SettingsError, StoreUnavailableError
from bot.store.sqlite_flush import Flush
from bot.store.sqlite_lane import Lane, immediately
from bot.store.sqlite_turn import Group, Turn, Write

T = TypeVar("T")

BeforeWrite: TypeAlias = Callable[[Database], None]
"""Called with the writer's connection, before each try at a transaction: how a test plays a disk that fills up."""

BUSY_TIMEOUT_S = 5.0
"""How long a writer waits for another program that writes, in seconds; it waits on its own thread."""
CACHE_KB = 512
"""SQLite's own memory of each connection; the operating system remembers the file as well, and 2 MB, its default, saved no time."""
COMMITS_PER_CHECKPOINT = 500
"""By then the log has some seven thousand pages, 30 MB, where each is a new launch (measured). By itself SQLite would do it after
every thousand, in whoever's commit comes next, be it on the event loop."""
_STEP_S = 0.05


class SqliteFile:
    """The file at ``path``, or a database in memory where it is None. Opened at first use; ``close`` ends both threads."""

    def __init__(
        self, path: Path | None, *, busy_timeout_s: float = BUSY_TIMEOUT_S, before_write: BeforeWrite | None = None
    ) -> None:
        self.path = path and path.absolute()
        self.place = str(self.path or "in memory")
        self._busy_timeout_s = busy_timeout_s
        self._before_write = before_write
        self._writer = Lane(self._open_writer, self.place, "gonogo-writer", patience_s=busy_timeout_s)
        self._reader = Lane(self._open_reader, self.place, "gonogo-reader", patience_s=busy_timeout_s)
        self._flush = Flush(self.path) if self.path else None
        self._commits = 0
        self._turn = Turn(self._write_together)

    async def write(self, work: Callable[[Database], T], *, is_flushed: bool = False, is_brief: bool = False) -> T:
        """Run ``work`` in one transaction of the writer's: all of it is kept, or, when it raises, nothing.

        ``is_flushed``: it is on the disk, and not only with the operating system, when this returns. ``is_brief``: it takes at
        most a few milliseconds, and need not be taken to the thread (sqlite_lane.py).

        Raises:
            SettingsError: the file cannot be opened.
            StoreUnavailableError: locked for long, disk full: nothing is written. Or the flush alone failed: it is written, but
                not safe from a power cut.
        """
        if is_brief and not self._turn.is_first():
            answer: T = await self._turn.join(work, is_flushed=is_flushed)
            return answer
        return await self._write_alone(work, is_flushed=is_flushed, is_brief=is_brief)

    async def read(self, work: Callable[[Database], T], *, is_brief: bool = False) -> T:
        """Run ``work``, which only reads, on the reader's thread, or at once where it ``is_brief``. Raises as ``write``."""
        if self.path is None or (is_brief and self._writer.is_free):  # in memory it belongs to one connection
            return await self._writer.run(work, is_brief=is_brief)
        return await self._reader.run(work, is_brief=is_brief)

    async def backup(self, target: Path) -> None:
        """Copy a consistent moment of the database to ``target``, while others write on.

        Raises:
            SettingsError: ``target`` exists (no backup is overwritten) or cannot be written, or there is nothing to copy.
            StoreUnavailableError: the copy broke off; no ``target`` is left.
        """
        self._refuse_backup(target)
        if self.path is None:
            await self._writer.run(lambda database: _copy(database, target))
            return
        copying = Lane(self._open_reader, self.place, "gonogo-backup")  # its own: a long copy holds up no reader
        try:
            await copying.run(lambda database: _copy(database, target))
        finally:
            await copying.close()

    async def close(self) -> None:
        """Finish what was asked for and let go of the file; a second time does nothing."""
        await self._turn.all_answered()
        await self._reader.close()
        await self._writer.close()
        if self._flush is not None:
            await self._flush.close()

    async def _write_alone(self, work: Callable[[Database], T], *, is_flushed: bool, is_brief: bool) -> T:
        flush = self._flush if is_flushed else None
        answer, is_on_disk = await self._kept(work, flush, is_brief=is_brief)
        await self._after_commit(None if is_on_disk else flush)
        return answer

    def _kept(self, work: Callable[[Database], T], flush: Flush | None, *, is_brief: bool) -> Coroutine[Any, Any, tuple[T, bool]]:
        """As ``_written``. What is to be flushed where that is not at hand is not brief: SQLite waits for the disk itself."""
        is_brief = is_brief and (flush is None or flush.is_at_hand)
        return self._writer.run(lambda database: self._written(database, work, flush), is_brief=is_brief)

    async def _write_together(self, writes: Sequence[Write]) -> None:
        """All in one transaction; where one of them breaks, each alone. Never raises: whoever asked gets it."""
        group = Group([write for write in writes if not write.answer.done()])
        flush = self._flush if any(write.is_flushed for write in group.writes) else None
        try:
            answers, is_on_disk = await self._kept(group.work, flush, is_brief=True)
        except Exception as error:  # noqa: BLE001 - which of them it was, and what it means to the others, they find out alone
            if not group.has_begun:  # whatever kept it from that keeps each of them, and waits as long for each
                _refuse(group.writes, error)
                return
        else:
            await self._answer(list(zip(group.writes, answers, strict=True)), None if is_on_disk else flush)
            return
        await asyncio.gather(*map(self._write_again, group.writes))  # each begins in its turn, and all share a flush

    async def _answer(self, answers: Sequence[tuple[Write, Any]], flush: Flush | None) -> None:
        """Who needs no flush does not wait for it."""
        for write, answer in answers:
            if not write.is_flushed:
                _give(write, answer)
        try:
            await self._after_commit(flush)
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            _refuse([write for write, _ in answers if write.is_flushed], error)
            return
        for write, answer in answers:
            _give(write, answer)

    async def _write_again(self, write: Write) -> None:
        try:
            _give(write, await self._write_alone(write.work, is_flushed=write.is_flushed, is_brief=True))
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            _refuse([write], error)

    async def _after_commit(self, flush: Flush | None) -> None:
        """Bring the log into the database now and then, on the writer's thread: it reads, writes and flushes. Then flush this one."""
        self._commits += 1
        if self._commits >= COMMITS_PER_CHECKPOINT:
            self._commits = 0
            with suppress(StoreUnavailableError):  # closed meanwhile: SQLite does it as the last connection ends
                self._writer.post(_checkpoint)
        if flush is not None:
            await flush.flushed()

    def _written(self, database: Database, work: Callable[[Database], T], flush: Flush | None) -> tuple[T, bool]:
        """The answer, and whether SQLite has flushed it itself, because the log cannot be flushed from here."""
        if flush is None or flush.is_ready():
            return self._write(database, work), False
        database.execute("PRAGMA synchronous = FULL")
        try:
            return self._write(database, work), True
        finally:
            with suppress(sqlite3.Error):  # what is kept stays kept; at worst SQLite goes on flushing
                database.execute("PRAGMA synchronous = NORMAL")

    def _write(self, database: Database, work: Callable[[Database], T]) -> T:
        if self._before_write:
            self._before_write(database)
        return immediately(database, work)

    def _refuse_backup(self, target: Path) -> None:
        if target.exists():
            raise SettingsError([f"{target} exists already: name a new file for the backup"])
        if self.path and not self.path.exists():
            raise SettingsError([f"there is no database {self.place} to back up"])
        if not target.absolute().parent.is_dir():
            raise SettingsError([f"the backup {target} cannot be made: there is no folder {target.absolute().parent}"])

    def _open_writer(self) -> Database:
        database = Database(self._connect(), execute_plugins=False)
        try:
            database.execute("PRAGMA foreign_keys = ON")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("PRAGMA wal_autocheckpoint = 0")
            database.execute(f"PRAGMA cache_size = -{CACHE_KB}")
            if self.path:
                self._enable_wal(database)
        except BaseException:
            database.close()
            raise
        return database

    def _open_reader(self) -> Database:
        database = self._open_writer()  # whoever comes first makes it a WAL file
        database.execute("PRAGMA query_only = ON")
        return database

    def _enable_wal(self, database: Database) -> None:
        """Make it a WAL file. SQLite does not wait for a lock here, so of two bots that start on a new file one does it again."""
        steps = int(self._busy_timeout_s / _STEP_S)
        database.execute(f"PRAGMA busy_timeout = {int(_STEP_S * 1000)}")
        while not _is_wal(database, is_last=steps <= 0):
            steps -= 1
            time.sleep(_STEP_S)  # on the lane's thread
        database.execute(f"PRAGMA busy_timeout = {int(self._busy_timeout_s * 1000)}")

    def _connect(self) -> sqlite3.Connection:
        if self.path and not self.path.parent.is_dir():
            raise SettingsError([f"the database {self.place} cannot be made: there is no folder {self.path.parent}"])
        if self.path:
            _touch(self.path)
        connection = sqlite3.connect(
            self.path or ":memory:", isolation_level=None, timeout=self._busy_timeout_s, check_same_thread=False
        )
        connection.text_factory = text_of
        return connection


def _give(write: Write, answer: Any) -> None:
    if not write.answer.done():  # whoever asked has left, or has it
        write.answer.set_result(answer)


def _refuse(writes: Iterable[Write], error: Exception) -> None:
    for write in writes:
        if not write.answer.done():
            write.answer.set_exception(error)


def text_of(held: bytes) -> str:
    """Text as the file holds it; bytes that are not UTF-8 stay recognisable, so that they spoil their own row only (rows.py).

    Why not sqlite3's own decoding: it raises on the first such byte, and all the rows of the query are lost with it.
    """
    return held.decode("utf-8", "surrogateescape")


def _is_wal(database: Database, *, is_last: bool) -> bool:
    """Switch to the write-ahead log; False when the file is locked just now, unless ``is_last``: then that is the error."""
    try:
        database.enable_wal()
    except sqlite3.OperationalError as exc:
        if is_last or exc.sqlite_errorname != "SQLITE_BUSY":
            raise
        return False
    if database.journal_mode != "wal":
        raise SettingsError(["the database's folder takes no write-ahead log (is it on a network?): choose a local disk"])
    return True


def _checkpoint(database: Database) -> None:
    """As far as readers allow; what cannot be brought over now is at the next turn, and a disk that refuses tells whoever writes next."""
    with suppress(sqlite3.Error):
        database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _touch(path: Path) -> None:
    """Make the file readable for its owner only, before SQLite makes it readable for all."""
    try:
        path.touch(mode=0o600)
    except OSError as exc:
        raise SettingsError([f"the file {path} cannot be written: {exc.strerror}"]) from exc


def _copy(database: Database, target: Path) -> None:
    """Copy to a name beside ``target`` first: half a copy never looks like a backup."""
    partial = target.with_name(f"{target.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        _touch(partial)
        copy = sqlite3.connect(partial)
        try:
            database.conn.backup(copy)
        finally:
            copy.close()
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
