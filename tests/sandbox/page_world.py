"""Browsers at the page, without one: they read its events and act as a person, over HTTP on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bot.sandbox.page import Page
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.world import Sandbox

PROMPTLY_S = 5.0


class Browser:
    """One window at the page, of one person."""

    def __init__(self, session: aiohttp.ClientSession, url: str, user_id: str) -> None:
        self.session, self.url, self.user_id = session, url, user_id
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._reply: aiohttp.ClientResponse | None = None

    async def open(self) -> dict[str, Any]:
        """Open, or load anew; what ``hello`` says."""
        await self.close()
        self._reply = await self.session.get(f"{self.url}/page/events", params={"as": self.user_id})
        assert self._reply.status == 200, await self._reply.text()
        return await self.until("hello")

    async def close(self) -> None:
        if self._reply is not None:
            self._reply.close()
        self._reply, self.heard = None, []

    async def until(self, name: str, is_meant: Callable[[dict[str, Any]], object] = bool) -> dict[str, Any]:
        """The next event of this name that is meant; what comes before it stands in ``heard``."""
        async with asyncio.timeout(PROMPTLY_S):
            while True:
                heard, payload = await self._next()
                self.heard.append((heard, payload))
                if heard == name and is_meant(payload):
                    return payload

    async def until_said(self, words: str) -> dict[str, Any]:
        """The next message that says so."""
        event = await self.until("message", lambda event: words in event["message"]["text"])
        return event["message"]

    async def ended(self) -> bool:
        """True once the stream is over."""
        assert self._reply is not None
        async with asyncio.timeout(PROMPTLY_S):
            try:
                while await self._reply.content.readline():
                    pass
            except aiohttp.ClientError:
                pass
        return True

    async def act(self, name: str, **given: Any) -> tuple[int, dict[str, Any]]:
        """What the page posts; status and answer."""
        body = {"user": self.user_id, **given}
        async with self.session.post(f"{self.url}/page/act/{name}", json=body) as reply:
            return reply.status, await reply.json()

    async def done(self, name: str, **given: Any) -> dict[str, Any]:
        """The answer of what is possible."""
        status, told = await self.act(name, **given)
        assert (status, told["ok"]) == (200, True), told
        return told

    async def refused(self, name: str, **given: Any) -> str:
        """The sentence of what is not."""
        status, told = await self.act(name, **given)
        assert (status, told["ok"]) == (409, False), told
        return told["error"]

    async def _next(self) -> tuple[str, dict[str, Any]]:
        assert self._reply is not None
        name = ""
        while line := (await self._reply.content.readline()).decode().rstrip("\n"):
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                return name, json.loads(value)
        if self._reply.content.at_eof():
            raise EOFError("the stream is over")
        return await self._next()


class House:
    """A page over a workspace, and browsers at it."""

    def __init__(self, sandbox: Sandbox, page: Page, session: aiohttp.ClientSession) -> None:
        self.sandbox, self.page, self._session = sandbox, page, session
        self._browsers: list[Browser] = []

    @property
    def slack(self) -> SlackStandIn:
        return self.sandbox.slack

    @property
    def workspace(self) -> Workspace:
        return self.sandbox.slack.workspace

    @property
    def url(self) -> str:
        return self.sandbox.slack.url

    @property
    def session(self) -> aiohttp.ClientSession:
        return self._session

    def browser(self, user_id: str) -> Browser:
        self._browsers.append(Browser(self._session, self.url, user_id))
        return self._browsers[-1]

    async def close(self) -> None:
        for browser in self._browsers:
            await browser.close()


@asynccontextmanager
async def a_house(folder: Path) -> AsyncIterator[House]:
    """The page served, without a bot."""
    sandbox = Sandbox(folder)
    sandbox.slack._courier.ack_timeout_s = 2.0
    page = Page(sandbox)
    sandbox.slack.mount(page)
    await sandbox.slack.start()
    async with aiohttp.ClientSession(read_bufsize=2**22) as session:
        house = House(sandbox, page, session)
        try:
            yield house
        finally:
            await house.close()
            await sandbox.slack.stop()
