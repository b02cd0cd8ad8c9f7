"""Flushes a SQLite file's write-ahead log beside the writer's thread: commits, and so acknowledgements, never wait for the disk.

Why that is as good as a commit under ``synchronous=FULL``: SQLite's documentation says of FULL in WAL mode that "an additional sync
operation of the WAL file happens after each transaction commit", and of NORMAL that the log is synced before each checkpoint, the
database after each that is complete, and the log's header as it begins to be reused (sqlite.org/pragma.html, synchronous). So FULL
is NORMAL with one sync of that one file after the commit, and this is that sync, on another thread. SQLite's developers come to the
same (sqlite.org/forum/forumpost/d1a6bc7c4cd2baca: under NORMAL, flushing the log makes what was committed before durable).
Each frame's checksum goes on
from those before it, and a sync is of the whole file: one that begins after a commit makes it durable with all before it, so that
one answers for all who came until it began.

A checkpoint in between takes nothing away. It syncs the log, copies it, syncs the database, and only after that may the log be
written from its beginning again: a commit that is no longer in the log when we sync it stands in the database's file on the disk. Every
connection of ours has NORMAL at least, without which that would not hold.

The log is opened while the writer's connection is, so it is the one that SQLite writes: it is deleted by the last connection that
closes. SQLite keeps no locks on this file (they are on the database and on the ``-shm``), so none is lost as we close it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from bot.domain.errors import StoreUnavailableError

SYNC: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
"""What SQLite itself calls: the file's content, and of what is known about it what is needed to read it back."""


class Flush:
    """Flushes the log of the database at ``path``. One thread, which sleeps in ``sync``; ``close`` ends it."""

    def __init__(self, path: Path, sync: Callable[[int], None] = SYNC) -> None:
        self._sync = sync
        self._place = str(path)
        self._log = path.with_name(f"{path.name}-wal")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gonogo-flush")
        self._file: int | None = None
        self._is_over = False
        self._asked = 0
        self._done = 0
        self._under_way: asyncio.Task[None] | None = None

    @property
    def is_at_hand(self) -> bool:
        """Whether the log is open and can be flushed from here."""
        return self._file is not None and not self._is_over

    def is_ready(self) -> bool:
        """Whether the log can be flushed from here; before a commit that is to be. Else SQLite must do it.

        It is opened here, on the writer's thread, because that waits for the disk.
        """
        if self._file is None and not self._is_over:
            try:
                self._file = _opened(self._log)
            except OSError:
                return False
        return self.is_at_hand

    async def flushed(self) -> None:
        """Return once everything that was committed before this call is on the disk.

        Raises:
            StoreUnavailableError: the disk refused. What was committed is kept, but may be gone after a power cut.
        """
        self._asked += 1
        mine = self._asked
        while self._done < mine:
            if self._under_way is None:
                if self._is_over or self._file is None:
                    raise StoreUnavailableError(self._place, "its log cannot be flushed")
                self._under_way = asyncio.create_task(self._flush(self._file))
            await asyncio.shield(self._under_way)

    async def close(self) -> None:
        """Finish what was asked for; a second time does nothing."""
        if self._done < self._asked:
            with suppress(StoreUnavailableError):  # whoever asked gets it
                await self.flushed()
        self._is_over = True
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)
        if self._file is not None:
            os.close(self._file)
            self._file = None

    async def _flush(self, file: int) -> None:
        """Flush once, for all who have asked by now."""
        asked = self._asked
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._sync, file)
        except OSError as exc:  # the system tells it once, and forgets what it could not write: another sync proves nothing
            self._is_over = True
            raise StoreUnavailableError(self._place, "the disk does not write") from exc
        finally:
            self._under_way = None
        self._done = asked


def _opened(log: Path) -> int:
    """The log, opened, its name in its folder on the disk as well."""
    file = os.open(log, os.O_RDWR)
    try:
        folder = os.open(log.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError:
        os.close(file)
        raise
    return file
