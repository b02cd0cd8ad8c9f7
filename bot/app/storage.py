"""Opens the configured database, up to date, and the clock that goes with it; copies a live one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bot.domain.errors import StoreUnavailableError
from bot.gateways.clock import SharedClock, SystemClock
from bot.ports import Clock
from bot.store import DurableStore, open_store
from bot.store import copy as copy_history
from bot.tasks import end

if TYPE_CHECKING:
    from bot.store.copying import Copied

MEASURED_EVERY_S = 60.0

_log = structlog.get_logger("gonogo")


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[DurableStore]:
    """The store behind ``url``, its schema up to date; closed at the end.

    Raises:
        SettingsError: the database cannot be used.
    """
    store = open_store(url)
    try:
        await store.migrate()
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def clock_of(store: DurableStore) -> AsyncGenerator[Clock]:
    """The clock by which leases and due times of this store are told: its own where it has one, kept right; else the machine's.

    Raises:
        StoreUnavailableError: the store does not tell its time.
    """
    if await store.time() is None:
        yield SystemClock()
        return

    async def ask() -> datetime:
        at = await store.time()
        assert at is not None  # noqa: S101 - it had one a moment ago
        return at

    clock = SharedClock(ask)
    await clock.measure()
    keeping = asyncio.create_task(_kept_right(clock))
    try:
        yield clock
    finally:
        await end(keeping)


async def _kept_right(clock: SharedClock) -> None:
    while True:
        await asyncio.sleep(MEASURED_EVERY_S)
        try:
            await clock.measure()
        except StoreUnavailableError as error:  # the last measure stands
            _log.warning("clock_not_measured", cause=str(error))
        except Exception:  # noqa: BLE001 - nobody would miss this task until leases were told by a clock that has gone wrong
            _log.exception("clock_not_measured")


async def copy(source: str, target: str) -> list[Copied]:
    """Copy the history of an SQLite file to an empty Postgres database; by table, what was copied and found equal."""
    return await copy_history(source, target)


async def migrate(url: str) -> list[str]:
    """Bring the schema up to date; the names of what was applied."""
    store = open_store(url)
    try:
        return await store.migrate()
    finally:
        await store.close()


async def back_up(url: str, target: Path) -> None:
    """Copy a live database to a new file, as it stands at one moment."""
    store = open_store(url)
    try:
        await store.backup(target)
    finally:
        await store.close()
