"""The panels served by a stand-in Slack, and somebody who posts to them over HTTP on loopback."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bot.sandbox.page import Page
from bot.sandbox.page.panels import Panels
from bot.sandbox.world import CONFIGURATION, Sandbox


@dataclass
class Desk:
    """A page with its panels. ``post`` answers status and body."""

    sandbox: Sandbox
    panels: Panels
    page: Page
    session: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
        async with self.session.get(self.sandbox.slack.url + path, headers=headers) as reply:
            is_json = reply.content_type == "application/json"
            return reply.status, await reply.json() if is_json else {"text": await reply.text()}

    async def post(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        async with self.session.post(self.sandbox.slack.url + path, json=body) as reply:
            return reply.status, await reply.json()

    async def done(self, path: str, **body: Any) -> dict[str, Any]:
        """What is possible."""
        status, told = await self.post(path, **body)
        assert (status, told["ok"]) == (200, True), told
        return told

    async def refused(self, path: str, **body: Any) -> str:
        """The sentence of what is not."""
        status, told = await self.post(path, **body)
        assert (status in {400, 409}, told["ok"]) == (True, False), told
        return told["error"]

    async def until(self, name: str, is_so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """One provider, once that is so."""
        async with asyncio.timeout(5):
            while not is_so(shown := await self.provider(name)):  # noqa: ASYNC110 - asked over HTTP, as a page would
                await asyncio.sleep(0.01)
            return shown

    async def provider(self, name: str) -> dict[str, Any]:
        """One provider, as the panel shows it."""
        _, told = await self.get("/page/providers")
        return next(one for one in told["providers"] if one["name"] == name)


@asynccontextmanager
async def a_desk(folder: Path, *, run_s: float = 30.0, has_bot: bool = False) -> AsyncGenerator[Desk]:
    """The panels; with a bot where one is needed."""
    configuration = folder / "demo.yaml"
    shutil.copyfile(CONFIGURATION, configuration)
    sandbox = Sandbox(folder, configuration=configuration, run_s=run_s)
    page = Page(sandbox)
    panels = Panels(sandbox, page.feed)
    sandbox.slack.mount(panels)
    sandbox.slack.mount(page)
    async with aiohttp.ClientSession(read_bufsize=2**22, trust_env=False) as session:
        desk = Desk(sandbox, panels, page, session)
        if has_bot:
            async with sandbox:
                yield desk
            return
        await sandbox.providers.start()
        await sandbox.slack.start()
        try:
            yield desk
        finally:
            await sandbox.slack.stop()
            await sandbox.providers.stop()
