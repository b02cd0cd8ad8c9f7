from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.store import DurableStore, open_store
from tests.postgres_server import Server, migrated_database, server_or_skip


@pytest.fixture
def postgres() -> Server:
    """This process's Postgres."""
    return server_or_skip()


@pytest.fixture
def postgres_url() -> str:
    """A database of this test's own, migrated."""
    return migrated_database()


@pytest.fixture(scope="session")
def make_postgres() -> Callable[[], str]:
    """Makes a new database, migrated; its address."""
    return migrated_database


@pytest.fixture(params=["memory", "file", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DurableStore]:
    """Every store, each in turn: what the contract's tests are run on."""
    url = {"memory": "sqlite://", "file": f"sqlite:///{tmp_path / 'gonogo.db'}"}.get(request.param) or migrated_database()
    async with open_store(url) as opened:
        await opened.migrate()
        yield opened
