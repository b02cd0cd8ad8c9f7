"""The bot under the page: whether it is up, and the switch that ends it as a power cut would."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from aiohttp import web

from bot.sandbox.page.doors import acting
from bot.sandbox.page.feed import Feed
from bot.sandbox.slack.control import MistakeError
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.world import BotDiedError, Sandbox

AWAY_S = 3.0
"""How long a bot that was ended here stays away: long enough to see what Slack says meanwhile."""


class BotSwitch:
    """``POST /page/bot``, and the ``bot`` event."""

    def __init__(self, *, sandbox: Sandbox, feed: Feed, away_s: float = AWAY_S) -> None:
        self._sandbox = sandbox
        self._feed = feed
        self._away_s = away_s
        self._soon = asyncio.Event()
        self._coming_back: asyncio.Task[None] | None = None
        feed.facts["bot"] = lambda: asdict(sandbox.bot_state)
        sandbox.bot_watchers.append(lambda: feed.publish("bot", asdict(sandbox.bot_state)))

    def routes(self) -> list[web.RouteDef]:
        """One route."""
        return [web.post("/page/bot", acting(self._turn))]

    async def stop(self) -> None:
        """Start nothing any more."""
        if self._coming_back is not None:
            self._coming_back.cancel()
            await asyncio.wait([self._coming_back])

    async def _turn(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        match given["act"]:
            case "kill":
                await self._kill()
            case "start":
                await self._start()
            case other:
                raise MistakeError(f"act must be kill or start, not {other!r}")
        return asdict(self._sandbox.bot_state)

    async def _kill(self) -> None:
        if not self._sandbox.bot_state.is_up:
            raise NotPossibleError("the bot is not up: there is nothing to end")
        self._soon.clear()
        await self._sandbox.kill_bot()
        self._coming_back = asyncio.create_task(self._come_back())

    async def _come_back(self) -> None:
        """Whoever keeps the bot alive leaves it to us, and tries by itself if we fail."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._soon.wait(), self._away_s)
        with suppress(BotDiedError):
            await self._sandbox.start_bot()

    async def _start(self) -> None:
        self._soon.set()
        if self._coming_back is None or self._coming_back.done():
            self._coming_back = asyncio.create_task(self._come_back())
        await asyncio.wait([self._coming_back])
        if not self._sandbox.bot_state.is_up:
            raise NotPossibleError(self._sandbox.bot_state.told)
