"""A real browser before a real sandbox: what the page's tests, pictures and measurements share.

Nothing may reach another host, nothing may fail in the browser's console: ``Window.faults`` tells what did.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, Route, async_playwright, expect

from bot.sandbox.world import Sandbox

CHROMIUM = shutil.which("chromium")
WHY_NOT = "Debian's chromium is not on the PATH (apt-get install chromium)"
WIDE, NARROW = (1280, 800), (390, 844)
WITHIN_MS = 10_000
PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
"""Nothing here goes through one: what is asked stands on this machine."""
expect.set_options(timeout=WITHIN_MS)
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)
_OWN = frozenset({"127.0.0.1", "localhost"})
_LOCAL = frozenset({"data", "blob", "about"})
# The browser writes each refusal into its console by itself; those that are faults are kept by ``_answered``.
_OF_THE_BROWSER = "Failed to load resource"
# What appears, does so slowly: its first moment is empty, and too pale.
SETTLED = """async () => {
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const passing = document.getAnimations().filter((one) => one.effect.getTiming().iterations === 1);
  await Promise.allSettled(passing.map((one) => one.finished));
}"""


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser, None]:
    """Debian's chromium, headless, with everything off that would call home."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET), env=_without_proxies())
        try:
            yield browser
        finally:
            await browser.close()


def _without_proxies() -> dict[str, str | float | bool]:
    return {name: value for name, value in os.environ.items() if name.lower() not in PROXIES}


@dataclass
class Window:
    """One browser of one person. ``faults``: what the browser complained about, and what the page asked of other hosts."""

    page: Page
    context: BrowserContext
    faults: list[str] = field(default_factory=list[str])

    async def watch(self) -> None:
        """From now on: keep each complaint, and let no request leave this machine."""
        await self.context.route("**/*", self._guard)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        self.page.on("request", self._seen)
        self.page.on("response", self._answered)

    async def _guard(self, route: Route) -> None:
        await (route.continue_() if is_own(route.request.url) else route.abort())

    def _seen(self, request: Request) -> None:
        if not is_own(request.url):
            self.faults.append(f"asked another host: {request.url}")

    def _answered(self, response: Response) -> None:
        is_refused = response.status >= 400 and response.request.method == "GET"
        if is_refused or response.status >= 500:
            self.faults.append(f"answered {response.status}: {response.url}")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_OF_THE_BROWSER):
            self.faults.append(f"{message.type}: {message.text}")


def is_own(url: str) -> bool:
    """On loopback, or no address at all."""
    parts = urlsplit(url)
    return parts.scheme in _LOCAL or parts.hostname in _OWN


async def open_window(browser: Browser, size: tuple[int, int] = WIDE, **settings: Any) -> Window:
    """A browser of its own: its own storage, its own colours."""
    plain: dict[str, Any] = {
        "locale": "en-GB",
        "timezone_id": "Europe/London",
        "reduced_motion": "reduce",
        "color_scheme": "light",
    }
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, **(plain | settings))
    context.set_default_timeout(WITHIN_MS)
    window = Window(page=await context.new_page(), context=context)
    await window.watch()
    return window


def address(sandbox: Sandbox, user_id: str, at: str) -> str:
    """The page as this person, in that place: a channel's id, or ``home``."""
    return f"{sandbox.slack.url}/#as={user_id}&at={at}"
