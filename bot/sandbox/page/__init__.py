"""The sandbox's page: a Slack-like workspace in a browser, served by the stand-in Slack itself.

``doors`` lets in, ``files`` serves the page, ``feed`` tells it what happens (``sight``: to whom), ``acting`` does what its
person does, ``bot_switch`` ends and starts the bot; ``panels`` adds the providers and the scenarios.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from bot.sandbox.page import files
from bot.sandbox.page.acting import Acting
from bot.sandbox.page.bot_switch import BotSwitch
from bot.sandbox.page.doors import HEADERS, guarded
from bot.sandbox.page.feed import Event, Feed, Stream
from bot.sandbox.page.panels import Panels
from bot.sandbox.page.sight import viewer_id
from bot.sandbox.slack.control import dumped, json_answer
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.world import Sandbox

BEAT_S = 15.0
BATCH_S = 0.015
"""What happens at nearly the same time goes out together."""
AGAIN_MS = 1000


class Page:
    """Everything of the page for one sandbox; ``sandbox.slack.mount(page)`` before it starts."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.feed = Feed(sandbox.slack)
        self._switch = BotSwitch(sandbox=sandbox, feed=self.feed)
        self._panels = Panels(sandbox, self.feed)
        self._streams: set[asyncio.Task[Any]] = set()
        self.feed.facts["speed"] = lambda: sandbox.providers.run_s

    def routes(self) -> list[web.RouteDef]:
        """Every route of the page."""
        return [
            *files.routes(),
            web.get("/page/events", guarded(self._events), allow_head=False),
            *Acting(slack=self._sandbox.slack, feed=self.feed).routes(),
            *self._switch.routes(),
            *self._panels.routes(),
            web.route("*", "/page/{rest:.*}", guarded(_nothing)),
        ]

    async def stop(self) -> None:
        """End the streams, which would never end by themselves."""
        await self._panels.stop()
        await self._switch.stop()
        await self.feed.stop()
        for stream in tuple(self._streams):
            stream.cancel()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        try:
            user_id = viewer_id(self._sandbox.slack.workspace, request.query.get("as", ""))
        except NotPossibleError as refusal:
            raise web.HTTPNotFound(text=f"{refusal}\n") from refusal
        answer = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream; charset=utf-8"})
        await answer.prepare(request)
        if task := asyncio.current_task():
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
        stream = self.feed.open(user_id)
        try:
            await self._tell(answer, stream)
        except ConnectionError:
            pass  # the browser has gone
        finally:
            self.feed.close(stream)
        return answer

    async def _tell(self, answer: web.StreamResponse, stream: Stream) -> None:
        await answer.write(f"retry: {AGAIN_MS}\n\n".encode())
        events = self.feed.first(stream)
        while True:
            await answer.write(b"".join(map(on_the_wire, events)) or b": still here\n\n")
            try:
                async with asyncio.timeout(BEAT_S):
                    await stream.woken.wait()
                await asyncio.sleep(BATCH_S)
            except TimeoutError:
                pass
            events = list(self.feed.pending(stream))


def on_the_wire(event: Event) -> bytes:
    """One server-sent event."""
    name, payload = event
    return f"event: {name}\ndata: {dumped(payload)}\n\n".encode()


async def _nothing(request: web.Request) -> web.StreamResponse:
    return json_answer({"ok": False, "error": f"the page has no {request.method} {request.path}"}, status=404)
