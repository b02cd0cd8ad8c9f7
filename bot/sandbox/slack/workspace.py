"""The stand-in workspace: everything that Slack would remember, and no HTTP.

Why one store: Web API, deliveries, control door and page all look at and change this, so they cannot disagree.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from bot.sandbox.slack import demo as demo_world
from bot.sandbox.slack.changes import Change, ChangeKind, Changes
from bot.sandbox.slack.forms import with_ids
from bot.sandbox.slack.views import Views
from bot.sandbox.slack.world import Channel, SlackApp, Team, Token, User, UserGroup, manifest_scopes

T = TypeVar("T")
Blocks = tuple[dict[str, Any], ...]

# Two messages are never nearer than this, in microseconds: Slack's ts counts messages within a second, in steps like these.
TS_STEP = 100


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message. ``user`` wrote it (the bot's user id for the bot); with ``ephemeral_to`` only that person sees it."""

    ts: str
    channel_id: str
    user: str
    text: str
    blocks: Blocks = ()
    thread_ts: str | None = None
    bot_id: str | None = None
    metadata: Mapping[str, Any] | None = None
    is_edited: bool = False
    edited_ts: str | None = None
    ephemeral_to: str | None = None

    @property
    def is_reply(self) -> bool:
        """True in a thread, False for what stands in the channel itself."""
        return self.thread_ts is not None and self.thread_ts != self.ts


class Workspace:
    """State of one workspace. Built from values; ``demo()`` is the one of demonstrations and tests."""

    def __init__(
        self,
        *,
        team: Team,
        app: SlackApp,
        users: Iterable[User],
        channels: Iterable[Channel],
        groups: Iterable[UserGroup] = (),
        tokens: Iterable[Token] = (),
        signing_secret: str = demo_world.SIGNING_SECRET,
    ) -> None:
        self.team = team
        self.app = app
        self.users = {user.user_id: user for user in users}
        self.channels = {channel.channel_id: channel for channel in channels}
        self.groups = {group.group_id: group for group in groups}
        self.tokens = {token.text: token for token in tokens}
        self.signing_secret = signing_secret
        self._feed = Changes()
        self.views = Views(record=self._feed.record)
        self._messages: dict[str, dict[str, Message]] = {}
        self._ephemerals: dict[str, dict[str, Message]] = {}
        self._last_us = 0
        self._block_numbers = itertools.count(1)

    @classmethod
    def demo(cls, manifest: Mapping[str, Any] | None = None) -> Workspace:
        """Alice, Bob, Carol and the others. With a manifest, the app and its bot token's Slack scopes are what that says."""
        demo = demo_world
        app, tokens = demo.APP, demo.TOKENS
        if manifest is not None:
            app = SlackApp.from_manifest(manifest, app_id=app.app_id, bot_user_id=app.bot_user_id, bot_id=app.bot_id)
            tokens = (replace(tokens[0], scopes=manifest_scopes(manifest)), tokens[1])
        return cls(team=demo.TEAM, app=app, users=demo.USERS, channels=demo.CHANNELS, groups=demo.GROUPS, tokens=tokens)

    # --- what people see -------------------------------------------------------------------------------------------

    def messages(self, channel_id: str) -> list[Message]:
        """Top level, oldest first."""
        return [message for message in self._messages.get(channel_id, {}).values() if not message.is_reply]

    def thread(self, channel_id: str, ts: str) -> list[Message]:
        """The replies to one message, oldest first."""
        everything = self._messages.get(channel_id, {}).values()
        return [message for message in everything if message.is_reply and message.thread_ts == ts]

    def everything(self, channel_id: str) -> list[Message]:
        """Top level and threads, oldest first: all that everybody in the channel sees."""
        return list(self._messages.get(channel_id, {}).values())

    def ephemerals(self, channel_id: str, user_id: str) -> list[Message]:
        """What only this person sees in that channel, oldest first."""
        whispered = self._ephemerals.get(channel_id, {}).values()
        return [message for message in whispered if message.ephemeral_to == user_id]

    def direct_messages(self, user_id: str) -> list[Message]:
        """Top level of the bot's direct messages with this person."""
        return self.messages(dm_id(user_id))

    def find(self, channel_id: str, ts: str) -> Message | None:
        """One message that everybody in the channel sees."""
        return self._messages.get(channel_id, {}).get(ts)

    def find_on_screen(self, channel_id: str, ts: str, user_id: str) -> Message | None:
        """One message that this person sees, ephemeral or not."""
        whispered = self._ephemerals.get(channel_id, {}).get(ts)
        return whispered if whispered and whispered.ephemeral_to == user_id else self.find(channel_id, ts)

    # --- what happened ---------------------------------------------------------------------------------------------

    @property
    def changes(self) -> list[Change]:
        """Everything that happened, oldest first."""
        return self._feed.log

    def record(self, kind: ChangeKind, at: datetime, **about: Any) -> None:
        """Keep something that happened."""
        self._feed.record(Change(kind=kind, at=at, **about))

    async def wait_for(self, predicate: Callable[[Workspace], T | None], timeout_s: float = 10) -> T:
        """The first truthy answer of ``predicate``, asked now and at each change; TimeoutError names the last changes."""
        return await self._feed.wait_for(lambda: predicate(self), timeout_s)

    def subscribe(self) -> AsyncIterator[Change]:
        """Every change from now on."""
        return self._feed.subscribe()

    # --- writing ---------------------------------------------------------------------------------------------------

    def post(self, channel_id: str, user_id: str, text: str, at: datetime, **rest: Any) -> Message:
        """Put a message into a channel; ``rest`` are further fields of Message, ``blocks`` as they came."""
        blocks = self._numbered(rest.pop("blocks", ()))
        bot_id = self.app.bot_id if user_id == self.app.bot_user_id else None
        there: dict[str, Any] = {"channel_id": channel_id, "user": user_id, "bot_id": bot_id, "blocks": blocks}
        message = Message(ts=self.new_ts(at), text=text, **(there | rest))
        whispered = message.ephemeral_to is not None
        self._kept(whispered).setdefault(channel_id, {})[message.ts] = message
        kind: ChangeKind = "ephemeral_posted" if whispered else "message_posted"
        self.record(kind, at, channel_id=channel_id, user_id=message.ephemeral_to or user_id, message=message)
        return message

    def update(self, message: Message, at: datetime, **changed: Any) -> Message:
        """Change a message where it stands."""
        if "blocks" in changed:
            changed["blocks"] = self._numbered(changed["blocks"])
        message = replace(message, **changed)
        self._kept(message.ephemeral_to is not None)[message.channel_id][message.ts] = message
        self.record("message_updated", at, channel_id=message.channel_id, user_id=message.user, message=message)
        return message

    def delete(self, message: Message, at: datetime) -> None:
        """Take a message away; its replies stay, as in Slack."""
        del self._kept(message.ephemeral_to is not None)[message.channel_id][message.ts]
        self.record("message_deleted", at, channel_id=message.channel_id, user_id=message.user, message=message)

    def open_dm(self, user_id: str) -> Channel:
        """The bot's direct messages with this person, opened if they were not."""
        members = frozenset({user_id, self.app.bot_user_id})
        channel = Channel(channel_id=dm_id(user_id), name="", members=members, dm_user_id=user_id, is_private=True)
        return self.channels.setdefault(channel.channel_id, channel)

    def change_channel(self, channel_id: str, at: datetime, **changed: Any) -> Channel:
        """Archive a channel, share it, change its members ..."""
        self.channels[channel_id] = replace(self.channels[channel_id], **changed)
        self.record("world_changed", at, channel_id=channel_id)
        return self.channels[channel_id]

    def change_token(self, text: str, at: datetime, **changed: Any) -> Token:
        """Give a token other Slack scopes, or revoke it."""
        self.tokens[text] = replace(self.tokens[text], **changed)
        self.record("world_changed", at)
        return self.tokens[text]

    def new_ts(self, at: datetime) -> str:
        """A ts that no message has: the time, moved on where two messages share a moment."""
        self._last_us = max(int(at.timestamp()) * 1_000_000 + at.microsecond, self._last_us + TS_STEP)
        seconds, rest = divmod(self._last_us, 1_000_000)
        return f"{seconds}.{rest:06d}"

    def _kept(self, is_ephemeral: bool) -> dict[str, dict[str, Message]]:  # noqa: FBT001 - one of two shelves
        return self._ephemerals if is_ephemeral else self._messages

    def _numbered(self, blocks: Iterable[Mapping[str, Any]]) -> Blocks:
        return tuple(with_ids(block, self._block_numbers) for block in blocks)


def dm_id(user_id: str) -> str:
    """The id of the bot's direct messages with this person."""
    return f"D{user_id[1:]}"
