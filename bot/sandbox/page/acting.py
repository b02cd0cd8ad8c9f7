"""What the person at the page does: the same acts as ``bot/sandbox/slack/people.py``, on exactly what they have before them.

An element is named by its ids and a form by its view's id, so that a page which is a moment behind touches nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from bot.sandbox.page.doors import Act, acting
from bot.sandbox.page.feed import Feed
from bot.sandbox.page.fields import chosen_in, kept, refuse_unsendable
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.chat import LONGEST_POST
from bot.sandbox.slack.delivery import Acknowledged
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.forms import PRESSED, Control, Ids, named
from bot.sandbox.slack.payloads import escaped
from bot.sandbox.slack.people import People
from bot.sandbox.slack.shapes import mapping
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Workspace

Given = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Acting:
    """The routes ``/page/act/…``."""

    slack: SlackStandIn
    feed: Feed

    def routes(self) -> list[web.RouteDef]:
        """One per act."""
        acts: dict[str, Act] = {
            "command": self._command,
            "say": self._say,
            "press": self._press,
            "use": self._use,
            "type": self._type,
            "suggest": self._suggest,
            "submit": self._submit,
            "close": self._close,
            "shortcut": self._shortcut,
            "home": self._home,
            "read": self._read,
        }
        return [web.post(f"/page/act/{name}", acting(act)) for name, act in acts.items()]

    # --- in a channel ----------------------------------------------------------------------------------------------

    async def _command(self, given: Given) -> dict[str, Any]:
        user_id, channel_id, text = given["user"], given["channel"], given.get("text", "")
        command = given.get("command", "/launch")
        return await self._delivered(user_id, self._people.command(user_id, channel_id, text, command=command))

    async def _say(self, given: Given) -> dict[str, Any]:
        channel_id, text, thread_ts = given["channel"], given["text"].strip(), given.get("thread_ts")
        if not text:
            raise NotPossibleError("there is nothing to send: write something first")
        if len(text) > LONGEST_POST:
            raise NotPossibleError(f"a message has at most {LONGEST_POST} characters; this has {len(text)}: shorten it")
        if thread_ts and self._workspace.find(channel_id, thread_ts) is None:
            raise NotPossibleError(f"there is no message {thread_ts} in {channel_id} to reply to")
        marked_up = escaped(self._workspace, text)
        message = await self._people.say(given["user"], channel_id, marked_up, thread_ts=thread_ts)
        self.feed.read(given["user"], channel_id)
        return {"message": asdict(message)}

    async def _press(self, given: Given) -> dict[str, Any]:
        user_id, where, ids = given["user"], (given["channel"], given["ts"]), _ids(given)
        message = self._people.on_screen(user_id, *where)
        control = named(message.blocks, ids)
        if control.kind in PRESSED and given.get("chosen") is None:
            return await self._delivered(user_id, self._people.click(user_id, *where, ids))
        value = chosen_in(control, given.get("chosen"))
        return await self._delivered(user_id, self._people.choose(user_id, *where, ids, value=value))

    async def _shortcut(self, given: Given) -> dict[str, Any]:
        where = {"channel_id": given.get("channel") or "", "ts": given.get("ts") or ""}
        return await self._delivered(given["user"], self._people.shortcut(given["user"], given["callback_id"], **where))

    async def _read(self, given: Given) -> dict[str, Any]:
        user_id, channel_id = given["user"], given["channel"]
        self._people.in_channel(user_id, channel_id)
        self.feed.read(user_id, channel_id)
        return {}

    # --- in a form or on the Home tab --------------------------------------------------------------------------------

    async def _use(self, given: Given) -> dict[str, Any]:
        user_id, ids = given["user"], _ids(given)
        view = self._people.on_top(user_id, given["view_id"])
        control = named(view.blocks, ids)
        value = _value(control, given)
        self._keep(view, given)
        if control.kind in PRESSED and value is None:
            return await self._delivered(user_id, self._people.click_in_view(user_id, ids))
        return await self._delivered(user_id, self._people.choose_in_view(user_id, ids, value))

    async def _type(self, given: Given) -> dict[str, Any]:
        """What is typed is kept as it stands, finished or not: a page that is loaded anew goes on with it."""
        self._keep(self._people.on_top(given["user"], given["view_id"]), given)
        return {}

    async def _suggest(self, given: Given) -> dict[str, Any]:
        user_id, ids, query = given["user"], _ids(given), given.get("query", "")
        if "ts" in given:
            asked = self._people.suggest_on_message(user_id, given["channel"], given["ts"], ids, query=query)
            return await self._delivered(user_id, asked)
        self._people.on_top(user_id, given["view_id"])
        return await self._delivered(user_id, self._people.suggest(user_id, ids, query))

    async def _submit(self, given: Given) -> dict[str, Any]:
        user_id = given["user"]
        view = self._keep(self._people.on_top(user_id, given["view_id"]), given)
        refuse_unsendable(view)
        return await self._delivered(user_id, self._people.submit(user_id))

    async def _close(self, given: Given) -> dict[str, Any]:
        user_id = given["user"]
        self._people.on_top(user_id, given["view_id"])
        before = len(self._workspace.changes)
        closed = await self._people.close(user_id, is_cleared=bool(given.get("all")))
        return {} if closed is None else self._told(user_id, closed, before)

    async def _home(self, given: Given) -> dict[str, Any]:
        return await self._delivered(given["user"], self._people.open_home(given["user"]))

    # --- inside ----------------------------------------------------------------------------------------------------

    def _keep(self, view: View, given: Given) -> View:
        state = given.get("state")
        if state is None:
            return view
        return self._workspace.views.type_in(view, kept(view, state), self._people.clock.now())

    async def _delivered(self, user_id: str, act: Awaitable[Acknowledged]) -> dict[str, Any]:
        before = len(self._workspace.changes)
        return self._told(user_id, await act, before)

    def _told(self, user_id: str, acknowledged: Acknowledged, before: int) -> dict[str, Any]:
        """What came back; ``failures`` are the sentences with which Slack told this person that something did not work."""
        since = self._workspace.changes[before:]
        failures = [change.text for change in since if change.kind == "operation_failed" and change.user_id == user_id]
        told = {"is_acknowledged": acknowledged.is_ok, "elapsed_ms": acknowledged.elapsed_ms, "trouble": acknowledged.error}
        return told | {"body": acknowledged.body, "failures": failures}

    @property
    def _people(self) -> People:
        return self.slack.people

    @property
    def _workspace(self) -> Workspace:
        return self.slack.workspace


def _ids(given: Given) -> Ids:
    return Ids(block_id=given["block_id"], action_id=given["action_id"])


def _value(control: Control, given: Given) -> Any:
    chosen = given.get("chosen")
    if chosen is not None:
        return chosen_in(control, chosen)
    if control.kind in PRESSED:
        return None
    typed = mapping(mapping(given.get("state")).get(control.block_id))
    return chosen_in(control, typed.get(control.action_id))
