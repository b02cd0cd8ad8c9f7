"""A demo with its page, as `gonogo demo` serves it, on a free port and with runs that take no longer than a test can wait."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.sandbox.page import Page
from bot.sandbox.page.panels import Panels
from bot.sandbox.world import CONFIGURATION, Sandbox


@asynccontextmanager
async def stage(folder: Path, *, run_s: float = 0.4) -> AsyncGenerator[Sandbox, None]:
    """The sandbox, with a configuration file of its own, once the bot is connected."""
    configuration = folder / "demo.yaml"
    shutil.copyfile(CONFIGURATION, configuration)
    sandbox = Sandbox(folder, configuration=configuration, run_s=run_s)
    page = Page(sandbox)
    sandbox.slack.mount(Panels(sandbox, page.feed))
    sandbox.slack.mount(page)
    async with sandbox:
        yield sandbox
