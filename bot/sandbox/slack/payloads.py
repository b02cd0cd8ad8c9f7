"""What Slack sends to a bot when people act: the payloads, field by field as Slack fills them.

https://docs.slack.dev/reference/interaction-payloads · https://docs.slack.dev/interactivity/implementing-slash-commands ·
https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from bot.sandbox.slack.chat import message_json
from bot.sandbox.slack.forms import Control, initial_state
from bot.sandbox.slack.tickets import Tickets
from bot.sandbox.slack.view_methods import view_json
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Message, Workspace
from bot.sandbox.slack.world import Channel

DeliveryKind: TypeAlias = Literal["slash_commands", "interactive", "events_api"]
VERIFICATION = "sandbox-verification"
# What Slack marks up in an escaped command: links, addresses, mentions picked from the list (as ids) and typed by name.
MARKED = re.compile(
    r"https?://[^\s<>|]+"
    r"|(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?<![\w.@#/-])[@#][a-z0-9._-]*[a-z0-9]"
    r"|<(?:[@#]|!subteam\^)[A-Z0-9]+(?:\|[^>]*)?>",
)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One payload for the bot. ``retry`` counts from 1 when an event comes again, for the reason given."""

    kind: DeliveryKind
    payload: Mapping[str, Any]
    retry: int = 0
    retry_reason: str = ""

    @property
    def name(self) -> str:
        """What it is about, for the traffic: the command, the interaction's or the event's type."""
        event = self.payload.get("event", {})
        return str(self.payload.get("command") or event.get("type") or self.payload.get("type") or self.kind)


@dataclass(kw_only=True)
class Payloads:
    """Builds deliveries; draws the trigger ids and response URLs that stand in them."""

    workspace: Workspace
    tickets: Tickets
    url: str = ""
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def command(self, user_id: str, channel: Channel, command: str, *, text: str, at: datetime) -> Delivery:
        """A typed slash command."""
        is_marked_up = self.workspace.app.commands[command]
        text = escaped(self.workspace, text) if is_marked_up else entities(text)
        team = self.workspace.team
        payload = {
            "token": VERIFICATION,
            "team_id": team.team_id,
            "team_domain": team.domain,
            "channel_id": channel.channel_id,
            "channel_name": channel.name_in_deliveries,
            "user_id": user_id,
            "user_name": self.workspace.users[user_id].name,
            "command": command,
            "text": text.strip(),
            "api_app_id": self.workspace.app.app_id,
            "is_enterprise_install": "false",
            "response_url": self._response_url(f"commands/{channel.channel_id}", user_id, at),
            "trigger_id": self.tickets.triggers.issue(user_id, at),
        }
        return Delivery(kind="slash_commands", payload=payload)

    def message_action(self, user_id: str, message: Message, used: Mapping[str, Any], at: datetime) -> Delivery:
        """A button, menu or other element on a message was used; ``used`` is the entry in ``actions``."""
        payload = {
            **self._act("block_actions", user_id, at),
            "container": _container(message),
            "channel": self._channel(message.channel_id),
            "state": {"values": initial_state(message.blocks)},
            "response_url": self._response_url(f"actions/{message.channel_id}", user_id, at, message=message),
            "actions": [self._stamped(used, at)],
        }
        return Delivery(kind="interactive", payload=payload if message.ephemeral_to else payload | self._message(message))

    def view_action(self, user_id: str, view: View, used: Mapping[str, Any], at: datetime) -> Delivery:
        """An element in a modal or Home tab was used."""
        payload = {
            **self._act("block_actions", user_id, at, view_id=view.view_id),
            "container": {"type": "view", "view_id": view.view_id},
            "view": view_json(self.workspace, view),
            "actions": [self._stamped(used, at)],
        }
        return Delivery(kind="interactive", payload=payload)

    def suggestion(self, user_id: str, where: View | Message, control: Control, *, query: str, at: datetime) -> Delivery:
        """A person types into a menu whose options the bot knows."""
        act = self._act("block_suggestion", user_id, at)
        del act["trigger_id"]
        asked = {"action_id": control.action_id, "block_id": control.block_id, "value": query}
        if isinstance(where, View):
            shown = {"container": {"type": "view", "view_id": where.view_id}, "view": view_json(self.workspace, where)}
        else:
            shown = {"container": _container(where), "channel": self._channel(where.channel_id)}
            shown |= {} if where.ephemeral_to else self._message(where)
        return Delivery(kind="interactive", payload={**act, **asked, **shown})

    def submission(self, user_id: str, view: View, values: Mapping[str, Any], at: datetime) -> Delivery:
        """A form was sent."""
        shown = view_json(self.workspace, view) | {"state": {"values": values}}
        payload: dict[str, Any] = {
            **self._act("view_submission", user_id, at, view_id=view.view_id),
            "view": shown,
            "response_urls": [],
        }
        return Delivery(kind="interactive", payload=payload)

    def closing(self, user_id: str, view: View, at: datetime, *, is_cleared: bool) -> Delivery:
        """A form was closed unsent."""
        act = self._act("view_closed", user_id, at)
        del act["trigger_id"]
        return Delivery(kind="interactive", payload={**act, "view": view_json(self.workspace, view), "is_cleared": is_cleared})

    def shortcut(self, user_id: str, callback_id: str, message: Message | None, at: datetime) -> Delivery:
        """A shortcut was chosen, from the search or from a message's menu."""
        kind = "shortcut" if message is None else "message_action"
        payload = {**self._act(kind, user_id, at), "callback_id": callback_id, "action_ts": self.workspace.new_ts(at)}
        if message is not None:
            payload |= {"channel": self._channel(message.channel_id), "message_ts": message.ts, **self._message(message)}
            payload["response_url"] = self._response_url(f"app/{message.channel_id}", user_id, at, message=message)
        return Delivery(kind="interactive", payload=payload)

    def event(self, event: Mapping[str, Any], at: datetime) -> Delivery:
        """Something that the app has subscribed to happened."""
        team_id = self.workspace.team.team_id
        channel = self.workspace.channels.get(str(event.get("channel", "")))
        payload = {
            "token": VERIFICATION,
            "team_id": team_id,
            "context_team_id": team_id,
            "api_app_id": self.workspace.app.app_id,
            "event": {"event_ts": self.workspace.new_ts(at), **event},
            "type": "event_callback",
            "event_id": f"Ev{next(self._numbers):010d}",
            "event_time": int(at.timestamp()),
            "authorizations": [{"team_id": team_id, "user_id": self.workspace.app.bot_user_id, "is_bot": True}],
            "is_ext_shared_channel": channel.is_ext_shared if channel else False,
        }
        return Delivery(kind="events_api", payload=payload)

    # --- parts -----------------------------------------------------------------------------------------------------

    def _act(self, kind: str, user_id: str, at: datetime, *, view_id: str | None = None) -> dict[str, Any]:
        user, team = self.workspace.users[user_id], self.workspace.team
        return {
            "type": kind,
            "user": {"id": user_id, "username": user.name, "name": user.name, "team_id": user.team_id},
            "api_app_id": self.workspace.app.app_id,
            "token": VERIFICATION,
            "team": {"id": team.team_id, "domain": team.domain},
            "enterprise": None,
            "is_enterprise_install": False,
            "trigger_id": self.tickets.triggers.issue(user_id, at, view_id=view_id),
        }

    def _channel(self, channel_id: str) -> dict[str, Any]:
        return {"id": channel_id, "name": self.workspace.channels[channel_id].name_in_deliveries}

    def _message(self, message: Message) -> dict[str, Any]:
        return {"message": message_json(self.workspace, message)}

    def _stamped(self, used: Mapping[str, Any], at: datetime) -> dict[str, Any]:
        return {**used, "action_ts": self.workspace.new_ts(at)}

    def _response_url(self, path: str, user_id: str, at: datetime, *, message: Message | None = None) -> str:
        door, channel_id = path.split("/")
        about = {"message_ts": message.ts, "thread_ts": message.thread_ts} if message else {}
        return f"{self.url}/respond/{door}/{self.tickets.response_urls.issue(user_id, channel_id, at, **about)}"


def _container(message: Message) -> dict[str, Any]:
    is_ephemeral = message.ephemeral_to is not None
    where = {"type": "message", "message_ts": message.ts, "channel_id": message.channel_id, "is_ephemeral": is_ephemeral}
    return where | ({"thread_ts": message.thread_ts} if message.thread_ts else {})


def used(control: Control, more: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of ``actions``: which element, and what was done to it."""
    return {"action_id": control.action_id, "block_id": control.block_id, **more}


def escaped(workspace: Workspace, text: str) -> str:
    """A command's text with mentions and links as Slack escapes them, and nothing else that could be read as one.

    https://docs.slack.dev/interactivity/implementing-slash-commands: ``@bob`` becomes ``<@U…|bob>``, ``#sales`` ``<#C…|sales>``.
    """
    done: list[str] = []
    position = 0
    for found in MARKED.finditer(text):
        done += [entities(text[position : found.start()]), _reference(workspace, found)]
        position = found.end()
    return "".join([*done, entities(text[position:])])


def _reference(workspace: Workspace, found: re.Match[str]) -> str:
    names: dict[str, str] = {}
    names |= {f"#{one.name}": f"<#{one.channel_id}|{one.name}>" for one in workspace.channels.values() if one.name}
    names |= {f"@{one.handle}": f"<!subteam^{one.group_id}|@{one.handle}>" for one in workspace.groups.values()}
    names |= {f"@{one.name}": f"<@{one.user_id}|{one.name}>" for one in workspace.users.values()}
    ids = {mention[1:-1].partition("|")[0]: mention for mention in names.values()}
    typed = found.group()
    if found["mail"]:
        return f"<mailto:{typed}|{typed}>"
    if typed.startswith("http"):
        return f"<{entities(typed)}>"
    return names.get(typed) or ids.get(typed.strip("<>").partition("|")[0]) or entities(typed)


def entities(text: str) -> str:
    """The three characters that Slack escapes in every text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
