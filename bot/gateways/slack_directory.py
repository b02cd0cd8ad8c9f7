"""What Slack knows: people, channels, user groups. A short memory, since every click asks again (slack.md, 2: tiers 2 to 4).

Why failures are not remembered and never stand for a fact: a lookup that fails denies, and the next attempt may succeed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import LookupFailedError
from bot.domain.model import Channel, Person
from bot.ports import Clock

PERSON_GOOD_FOR = timedelta(minutes=5)
CHANNEL_GOOD_FOR = timedelta(minutes=1)
GROUP_GOOD_FOR = timedelta(minutes=1)
SLACKBOT_ID = "USLACKBOT"


class SlackDirectory:
    """Looks people, channels and groups up. ``team_id`` and ``enterprise_id`` are the workspace that the bot is installed in."""

    def __init__(self, client: AsyncWebClient, *, clock: Clock, team_id: str, enterprise_id: str | None = None) -> None:
        self._client = client
        self._clock = clock
        self._team_id = team_id
        self._enterprise_id = enterprise_id
        self._kept: dict[tuple[str, str], tuple[datetime, Any]] = {}

    async def person(self, user_id: str) -> Person:
        """Who this is."""
        return await self._remember(("person", user_id), PERSON_GOOD_FOR, lambda: self._ask_person(user_id))

    async def channel(self, channel_id: str) -> Channel:
        """What kind of channel this is."""
        return await self._remember(("channel", channel_id), CHANNEL_GOOD_FOR, lambda: self._ask_channel(channel_id))

    async def group_members(self, group_id: str) -> frozenset[str]:
        """The user ids in a user group."""
        return await self._remember(("group", group_id), GROUP_GOOD_FOR, lambda: self._ask_group(group_id))

    async def _ask_person(self, user_id: str) -> Person:
        user: dict[str, Any] = (await self._call(f"the person {user_id}", "users.info", user=user_id))["user"]
        return Person(
            user_id=user_id,
            team_id=str(user.get("team_id", "")),
            name=str(user.get("name", user_id)),
            is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            is_stranger=self._is_stranger(user),
            is_bot=bool(user.get("is_bot")) or user_id == SLACKBOT_ID,
            is_deleted=bool(user.get("deleted")),
        )

    def _is_stranger(self, user: dict[str, Any]) -> bool:
        """From outside our workspace; on Enterprise Grid the other workspaces of our own organisation are inside."""
        if user.get("is_stranger"):
            return True
        enterprise: dict[str, Any] = user.get("enterprise_user") or {}
        is_ours = self._enterprise_id is not None and enterprise.get("enterprise_id") == self._enterprise_id
        return user.get("team_id") != self._team_id and not is_ours

    async def _ask_channel(self, channel_id: str) -> Channel:
        """A channel that Slack does not show us is one that the bot is not in: that is an answer, not a failure.

        Direct messages are not asked about: that would need one more Slack scope, and nothing is ever launched in one.
        """
        if channel_id.startswith("D"):
            return Channel(channel_id=channel_id, name="direct message", is_member=True)
        try:
            found = await self._call(f"the channel {channel_id}", "conversations.info", channel=channel_id)
        except LookupFailedError as error:
            if error.cause != "channel_not_found":
                raise
            return Channel(channel_id=channel_id, name=channel_id)
        channel: dict[str, Any] = found["channel"]
        return Channel(
            channel_id=channel_id,
            name=str(channel.get("name") or channel_id),
            is_member=bool(channel.get("is_member") or channel.get("is_im")),
            is_archived=bool(channel.get("is_archived")),
            is_shared=bool(channel.get("is_ext_shared") or channel.get("is_pending_ext_shared")),
        )

    async def _ask_group(self, group_id: str) -> frozenset[str]:
        found = await self._call(f"the user group {group_id}", "usergroups.users.list", usergroup=group_id)
        return frozenset(str(user) for user in found["users"])

    async def _remember(self, key: tuple[str, str], good_for: timedelta, ask: Callable[[], Awaitable[Any]]) -> Any:
        kept = self._kept.get(key)
        if kept is None or self._clock.now() - kept[0] >= good_for:
            kept = self._kept[key] = (self._clock.now(), await ask())
        return kept[1]

    async def _call(self, subject: str, method: str, **arguments: str) -> Any:
        try:
            return await self._client.api_call(method, http_verb="GET", params=arguments)
        except SlackApiError as error:
            response: Any = error.response
            raise LookupFailedError(subject, str(response.get("error") or "Slack did not answer")) from error
        except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError, ValueError) as error:
            raise LookupFailedError(subject, "Slack did not answer") from error
