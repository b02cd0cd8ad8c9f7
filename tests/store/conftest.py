from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store import DurableStore, open_store


@pytest.fixture(params=["memory", "file"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DurableStore]:
    """Every store, each in turn: what the contract's tests are run on."""
    url = {"memory": "sqlite://", "file": f"sqlite:///{tmp_path / 'gonogo.db'}"}[request.param]
    async with open_store(url) as opened:
        await opened.migrate()
        yield opened
