"""What the panels ask for by HTTP: the providers' state and switches, and the scenarios. Mounted beside the page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aiohttp import web

from bot.sandbox.page.doors import Act, Answer, acting, guarded
from bot.sandbox.page.providers import ProviderPanel, launches_in
from bot.sandbox.page.scenarios import Scenarios
from bot.sandbox.page.show import Telling
from bot.sandbox.slack.control import json_answer
from bot.sandbox.world import Sandbox

PROVIDER_ACTS = ("fault", "speed", "scope", "switch", "release", "clear")
SCENARIO_ACTS = ("stop", "pause", "skip")


class Publishing(Telling, Protocol):
    """Who tells every page; ``facts`` are asked at each ``hello``. The page's feed is one."""

    facts: dict[str, Callable[[], Any]]


class Panels:
    """The provider panel and the scenarios of one sandbox. What changes is published to ``feed``."""

    def __init__(self, sandbox: Sandbox, feed: Publishing) -> None:
        self.providers = ProviderPanel(sandbox.providers, launches=lambda: launches_in(sandbox.database))
        self.scenarios = Scenarios(sandbox, feed)
        self._feed = feed
        self._watching: asyncio.Task[None] | None = None
        feed.facts["scenario"] = self.scenarios.shown

    def routes(self) -> list[web.RouteDef]:
        """Every route, for this machine only."""
        return [
            web.get("/page/providers", guarded(self._providers)),
            *(web.post(f"/page/providers/{name}", self._acting(self.providers.act, name)) for name in PROVIDER_ACTS),
            web.get("/page/scenarios", guarded(self._scenarios)),
            web.post("/page/scenarios", self._acting(self.scenarios.act, "play")),
            *(web.post(f"/page/scenarios/{name}", self._acting(self.scenarios.act, name)) for name in SCENARIO_ACTS),
        ]

    async def stop(self) -> None:
        """Stop what plays, and look no more."""
        await self.scenarios.stop()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
            self._watching = None

    @staticmethod
    def _acting(act: Callable[[str, Mapping[str, Any]], Any], name: str) -> Answer:
        named: Act = lambda given: act(name, given)  # noqa: E731 - a route's own name, kept
        return acting(named)

    async def _providers(self, _: web.Request) -> web.Response:
        """The first who looks sets off the looking: a demo without a page has nobody to tell."""
        if self._watching is None:
            self._watching = asyncio.create_task(self.providers.watch(self._feed.publish))
        return json_answer({"ok": True, **self.providers.shown()})

    async def _scenarios(self, _: web.Request) -> web.Response:
        return json_answer({"ok": True, **self.scenarios.listed()})
