"""The provider stand-ins on a real port, with a clock that the test moves and an HTTP client that does not retry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from bot.domain.provider import Provider
from bot.sandbox.standins import ProviderStandIns

NOON = 1795262400.0
"""2026-11-21 12:00:00 UTC."""


@dataclass
class Clock:
    """Seconds since the epoch; ``sleep`` moves them and returns at once."""

    at: float = NOON
    slept_s: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += seconds

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.move(seconds)


@dataclass
class World:
    standins: ProviderStandIns
    clock: Clock
    http: httpx.AsyncClient

    async def ask(self, provider: str, method: str, path: str, **facts: Any) -> httpx.Response:
        return await self.http.request(method, self.standins.base_url(provider) + path, **facts)

    async def control(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(f"{self.standins.url}/_control/{path}", json=body)


@asynccontextmanager
async def a_world(*, run_s: float = 10.0, providers: dict[str, Provider] | None = None) -> AsyncIterator[World]:
    clock = Clock()
    standins = ProviderStandIns(run_s=run_s, now=clock.now, sleep=clock.sleep, providers=providers)
    await standins.start()
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        yield World(standins, clock, http)
    await standins.stop()
