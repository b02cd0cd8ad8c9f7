"""One browser per module, where there is one; elsewhere these tests are skipped and say so."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeAlias

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bot.sandbox.world import Sandbox
from tests.page.browsing import CHROMIUM, WHY_NOT, chromium
from tests.page.person import Person, arrive
from tests.page.stage import stage

Come: TypeAlias = Callable[..., Awaitable[Person]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncGenerator[Browser, None]:
    if CHROMIUM is None:
        pytest.skip(WHY_NOT)
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> AsyncGenerator[Sandbox, None]:
    async with stage(tmp_path_factory.mktemp("demo")) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def come(sandbox: Sandbox, browser: Browser) -> AsyncGenerator[Come, None]:
    """Lets people come to the page. When all have left, nothing may have gone wrong in any browser."""
    there: list[Person] = []

    async def arrived(user_id: str, at: str, **settings: Any) -> Person:
        there.append(await arrive(browser, sandbox, user_id, at, **settings))
        return there[-1]

    yield arrived
    for person in there:
        await person.window.context.close()
        sandbox.slack.workspace.views.clear(person.user_id, sandbox.slack.people.clock.now())
    assert [fault for person in there for fault in person.window.faults] == []
