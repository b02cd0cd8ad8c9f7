"""One Web API call as its method sees it: arguments read the way Slack reads them, and the conversation it is about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from bot.sandbox.slack.errors import SlackError, invalid_arguments
from bot.sandbox.slack.shapes import is_mapping
from bot.sandbox.slack.tickets import Tickets
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.slack.world import Channel, Token, User

YES = frozenset({"1", "true", "True"})


@dataclass(frozen=True, kw_only=True)
class Call:
    """Arguments (JSON values or form text), who calls, when, and the world that is asked."""

    workspace: Workspace
    tickets: Tickets
    arguments: Mapping[str, Any]
    token: Token
    at: datetime
    url: str

    def text(self, name: str) -> str:
        """An argument as text; ``""`` when it is missing."""
        value = self.arguments.get(name)
        return "" if value is None else str(value)

    def required(self, name: str) -> str:
        """An argument that must be there."""
        if not (value := self.text(name)):
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def flag(self, name: str) -> bool:
        """A boolean; forms say 1 or true."""
        return self.text(name) in YES

    def structure(self, name: str, *, otherwise: str = "invalid_arguments") -> Any:
        """An argument of JSON: as it came in a JSON body, or as text in a form. None when it is missing."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError as exc:
            raise SlackError(otherwise) from exc

    def view(self) -> dict[str, Any]:
        """The ``view`` argument."""
        view = self.structure("view")
        if not is_mapping(view):
            raise invalid_arguments("missing required field: view" if view is None else "must be an object [json-pointer:/view]")
        return view

    def user(self, name: str = "user") -> User:
        """The person that the argument names."""
        user = self.workspace.users.get(self.required(name))
        if user is None:
            raise SlackError("user_not_found")
        return user

    def visible_channel(self) -> Channel:
        """The conversation in ``channel``; a private one without the bot does not exist for it."""
        channel = self.workspace.channels.get(self.required("channel"))
        if channel is None or (channel.is_private and self.workspace.app.bot_user_id not in channel.members):
            raise SlackError("channel_not_found")
        return channel

    def writable_channel(self) -> Channel:
        """The conversation in ``channel``, if the bot may write there: it is a member and the channel is not archived."""
        channel = self.visible_channel()
        if self.workspace.app.bot_user_id not in channel.members:
            raise SlackError("not_in_channel")
        if channel.is_archived:
            raise SlackError("is_archived")
        return channel

    def need(self, scope: str) -> None:
        """Refuse as Slack does where the token lacks a scope."""
        if scope not in self.token.scopes:
            raise SlackError("missing_scope", needed=scope, provided=",".join(sorted(self.token.scopes)))


Answer: TypeAlias = Callable[[Call], dict[str, Any]]
"""What a method does; raises SlackError where it refuses."""
