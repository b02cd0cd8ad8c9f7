"""A Slack of a few lines: answers each method as it is told, and keeps what it was asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.gateways.slack_client import LeanClient

Answer = Mapping[str, Any] | Callable[[], web.Response]


def refusing(code: str, status: int = 200, **headers: str) -> Callable[[], web.Response]:
    """Slack's way to say no."""
    return lambda: web.json_response({"ok": False, "error": code}, status=status, headers=_spelt(headers))


def answering(body: str, status: int = 200, content_type: str = "application/json", **headers: str) -> Callable[[], web.Response]:
    """Anything else."""
    return lambda: web.Response(text=body, status=status, content_type=content_type, headers=_spelt(headers))


def _spelt(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One call that arrived; ``values`` are its arguments, wherever they stood."""

    method: str
    values: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass
class SmallSlack:
    """``answers`` by method, each used up in turn but for the last one."""

    url: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def set(self, method: str, *answers: Answer) -> None:
        self.answers[method] = list(answers)

    @property
    def methods(self) -> list[str]:
        return [call.method for call in self.asked]

    @property
    def only(self) -> Asked:
        (call,) = self.asked
        return call

    async def serve(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        values = dict(request.query) or (await request.json() if request.can_read_body else {})
        self.asked.append(Asked(method=method, values=values, headers=dict(request.headers)))
        answers = self.answers.get(method) or [{"ts": f"{len(self.asked)}.000100"}]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer() if callable(answer) else web.json_response({"ok": True, **answer})


@asynccontextmanager
async def a_slack() -> AsyncGenerator[tuple[SmallSlack, AsyncWebClient], None]:
    """A small Slack and the real client to it, built as the bot builds it."""
    slack = SmallSlack()
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slack.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    async with aiohttp.ClientSession() as session:
        yield slack, LeanClient(token="made-up-token", base_url=slack.url, session=session)
    await runner.cleanup()


@asynccontextmanager
async def no_slack() -> AsyncGenerator[AsyncWebClient, None]:
    """A client to where nobody is."""
    async with a_slack() as (slack, _):
        url = slack.url
    async with aiohttp.ClientSession() as session:
        yield LeanClient(token="made-up-token", base_url=url, session=session)
