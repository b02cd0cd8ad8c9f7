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


DOMO_MODEL = "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138"
FIND_EMAIL = "0d179c07-6443-4eeb-ada7-652fb498f997"
SALESFORCE_FLOW = "/services/data/v65.0/actions/custom/flow/Escalate_to_Case"


@dataclass
class Seeds:
    """The start request that each provider's document prints, sent with the made-up credential."""

    world: World
    tokens: dict[str, str] = field(default_factory=dict)

    async def start(self, provider: str) -> httpx.Response:
        if provider in {"zuora", "salesforce"} and provider not in self.tokens:
            await self.login(provider)
        return await getattr(self, f"_{provider}")(self.world.standins.environment())

    async def login(self, provider: str) -> httpx.Response:
        named = self.world.standins.environment()
        path, prefix = ("/oauth/token", "ZUORA") if provider == "zuora" else ("/services/oauth2/token", "SF")
        form = {"client_id": named[f"{prefix}_CLIENT_ID"], "client_secret": named[f"{prefix}_CLIENT_SECRET"]}
        reply = await self.world.ask(provider, "POST", path, data=form | {"grant_type": "client_credentials"})
        if reply.status_code == 200:
            self.tokens[provider] = reply.json()["access_token"]
        return reply

    async def _zuora(self, named: dict[str, str]) -> httpx.Response:
        inputs = {"accountId": "4028905f5a87c0ff015a87d25ae90025", "paymentId": "4028905f5a87c0ff015a889ddfb800c0"}
        headers = {"Authorization": f"Bearer {self.tokens['zuora']}"}
        return await self.world.ask("zuora", "POST", "/workflows/396/run", json=inputs, headers=headers)

    async def _bitrix24(self, named: dict[str, str]) -> httpx.Response:
        body = {"templateId": 713, "entityType": "deal", "entityId": 5141}
        headers = {"X-Api-Key": named["BITRIX24_API_KEY"]}
        return await self.world.ask("bitrix24", "POST", "/v1/workflows/start", json=body, headers=headers)

    async def _salesforce(self, named: dict[str, str]) -> httpx.Response:
        body = {"inputs": [{"CommentCount": 6, "FeedItemId": "0D5D0000000cfMY"}]}
        headers = {"Authorization": f"Bearer {self.tokens['salesforce']}"}
        return await self.world.ask("salesforce", "POST", SALESFORCE_FLOW, json=body, headers=headers)

    async def _domo(self, named: dict[str, str]) -> httpx.Response:
        body = {"messageName": "Start MyWorkflow", "version": "0.0.1", "modelId": DOMO_MODEL}
        data = {"data": {"parameter1": 13, "parameter2": 7}}
        headers = {"X-DOMO-Developer-Token": named["DOMO_TOKEN"]}
        return await self.world.ask("domo", "POST", "/api/workflow/v1/instances/message", json=body | data, headers=headers)

    async def _captain_data(self, named: dict[str, str]) -> httpx.Response:
        step = {"step_uid": "11111111-1111-4111-8111-111111111111", "accounts": [], "parameters": {}}
        row = {"first_name": "Ada", "last_name": "Lovelace", "company_name": "Analytical Engines"}
        body = {"job_name": "L-7K3QW", "steps": [step], "inputs": [row]}
        headers = {"Authorization": f"x-api-key {named['CAPTAIN_DATA_KEY']}", "x-project-id": named["CAPTAIN_DATA_PROJECT"]}
        return await self.world.ask("captain_data", "POST", f"/v3/workflows/{FIND_EMAIL}/schedule", json=body, headers=headers)
