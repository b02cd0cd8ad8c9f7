"""Opens a database for looking only: it is neither made nor migrated, and whoever else has it open is not disturbed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from bot.domain.errors import SettingsError
from bot.domain.grants import Policy
from bot.gateways.clock import SystemClock
from bot.policing import Replay
from bot.policing import replay as replay_decisions
from bot.ports import Store
from bot.store import open_store

_FILE = "sqlite:///"


def now() -> datetime:
    """The time, for whoever has no clock of their own."""
    return SystemClock().now()


async def replay(url: str, policy: Policy, since: datetime) -> Replay:
    """The decisions that the database behind ``url`` keeps, from ``since`` on, under ``policy``.

    Raises:
        SettingsError: there is no such database, or it is older than this program.
    """
    async with opened_for_reading(url) as store:
        return await replay_decisions(store, policy, since)


@asynccontextmanager
async def opened_for_reading(url: str) -> AsyncGenerator[Store]:
    """The store behind ``url``, which nothing is written to.

    Raises:
        SettingsError: there is no such database, or it is older than this program.
    """
    store = open_store(url)
    try:
        _refuse_missing(url)
        if await store.pending_migrations():
            raise SettingsError(["the database is older than this program: run gonogo db migrate, then try again"])
        yield store
    finally:
        await store.close()


def _refuse_missing(url: str) -> None:
    """Opening a file that is not there would make it."""
    path = url.removeprefix(_FILE)
    if url.startswith(_FILE) and not Path(path).exists():
        raise SettingsError([f"there is no database {path}: name one with --database-url, or in GONOGO_DATABASE_URL"])
