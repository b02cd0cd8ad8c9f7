"""Opens the configured database, up to date; copies a live one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.ports import Store
from bot.store import open_store


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Store]:
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
