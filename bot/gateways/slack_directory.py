"""What Slack knows: people, channels, user groups. A short memory, since every click asks again (slack.md, 2: tiers 2 to 4).

Why failures are not remembered and never stand for a fact: a lookup that fails denies, and the next attempt may succeed. Nor is a
channel that the bot is not in: people are told to invite it, and try again at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import LookupFailedError
from bot.domain.model import Channel, Person
from bot.domain.reading import is_list, items, mapping
from bot.gateways.slack_calls import UNREACHABLE, SlackCallError, call_slack
from bot.ports import Clock

PERSON_GOOD_FOR = timedelta(minutes=1)
CHANNEL_GOOD_FOR = timedelta(minutes=1)
GROUP_GOOD_FOR = timedelta(seconds=15)
MEMBERS_A_PAGE = 1000
MOST_PAGES = 50
"""https://docs.slack.dev/reference/methods/conversations.members takes at most a thousand a page."""
SLACKBOT_ID = "USLACKBOT"

T = TypeVar("T")


class SlackDirectory:
    """Looks people, channels and groups up. ``team_id`` and ``enterprise_id`` are the workspace that the bot is installed in."""

    def __init__(self, client: AsyncWebClient, *, clock: Clock, team_id: str, enterprise_id: str | None = None) -> None:
        self._client = client
        self._clock = clock
        self._team_id = team_id
        self._enterprise_id = enterprise_id
        self._kept: dict[str, tuple[datetime, Any]] = {}
        self._listed_at: dict[str, datetime] = {}

    async def person(self, user_id: str, *, is_fresh: bool = False) -> Person:
        """Who this is."""
        return await self._remember(user_id, timedelta() if is_fresh else PERSON_GOOD_FOR, self._ask_person)

    async def channel(self, channel_id: str) -> Channel:
        """What kind of channel this is."""
        channel = await self._remember(channel_id, CHANNEL_GOOD_FOR, self._ask_channel)
        if not channel.is_member:
            self._kept.pop(channel_id, None)
        return channel

    async def group_members(self, group_id: str, *, is_fresh: bool = False) -> frozenset[str]:
        """The user ids in a user group."""
        return await self._remember(group_id, timedelta() if is_fresh else GROUP_GOOD_FOR, self._ask_group)

    async def is_in_channel(self, user_id: str, channel_id: str, *, is_fresh: bool = True) -> bool:
        """Whether this person is a member of that channel. Who is not may join a moment later: only a yes counts as fresh."""
        subject_id = f"{channel_id} {user_id}"
        listed_at = self._listed_at.get(channel_id)
        is_listed = listed_at is not None and self._clock.now() - listed_at < CHANNEL_GOOD_FOR
        if not is_fresh and is_listed and subject_id not in self._kept:
            return False
        is_in = await self._remember(subject_id, CHANNEL_GOOD_FOR, self._ask_presence)
        if not is_in:
            self._kept.pop(subject_id, None)
        return is_in

    async def _ask_presence(self, subject_id: str) -> bool:
        """Page by page, until the person is found or the pages end. Whoever else is on them need not be asked about for a while."""
        channel_id, user_id = subject_id.split()
        subject = f"the members of {channel_id}"
        cursor = ""
        for _ in range(MOST_PAGES):
            page = await self._call(
                subject, "conversations.members", channel=channel_id, limit=str(MEMBERS_A_PAGE), cursor=cursor
            )
            members = page.get("members")
            if not is_list(members):
                raise LookupFailedError(subject, "Slack's answer is not readable")
            seen = (self._clock.now(), True)
            self._kept.update({f"{channel_id} {member}": seen for member in items(members)})
            if user_id in items(members):
                return True
            cursor = str(mapping(page.get("response_metadata")).get("next_cursor") or "")
            if not cursor:
                self._listed_at[channel_id] = self._clock.now()
                return False
        raise LookupFailedError(subject, f"there are more than {MOST_PAGES * MEMBERS_A_PAGE}")

    async def _ask_person(self, user_id: str) -> Person:
        user = await self._ask(f"the person {user_id}", "users.info", "user", user=user_id)
        return Person(
            user_id=user_id,
            team_id=str(user.get("team_id", "")),
            name=str(user.get("name", user_id)),
            is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            is_stranger=self._is_stranger(user),
            is_bot=bool(user.get("is_bot") or user.get("is_workflow_bot")) or user_id == SLACKBOT_ID,
            is_deleted=bool(user.get("deleted")),
        )

    def _is_stranger(self, user: Mapping[str, Any]) -> bool:
        """From outside our workspace; on Enterprise Grid the other workspaces of our own organisation are inside."""
        if user.get("is_stranger"):
            return True
        enterprise_id = mapping(user.get("enterprise_user")).get("enterprise_id")
        is_ours = self._enterprise_id is not None and enterprise_id == self._enterprise_id
        return user.get("team_id") != self._team_id and not is_ours

    async def _ask_channel(self, channel_id: str) -> Channel:
        """A channel that Slack does not show us is one that the bot is not in: that is an answer, not a failure.

        Direct messages are not asked about: that would need one more Slack scope, and nothing is ever launched in one.
        """
        if channel_id.startswith("D"):
            return Channel(channel_id=channel_id, name="direct message", is_member=True)
        try:
            channel = await self._ask(f"the channel {channel_id}", "conversations.info", "channel", channel=channel_id)
        except LookupFailedError as error:
            if error.cause != "channel_not_found":
                raise
            return Channel(channel_id=channel_id, name=channel_id)
        return Channel(
            channel_id=channel_id,
            name=str(channel.get("name") or channel_id),
            is_member=bool(channel.get("is_member") or channel.get("is_im")),
            is_archived=bool(channel.get("is_archived")),
            is_shared=bool(channel.get("is_ext_shared") or channel.get("is_pending_ext_shared")),
        )

    async def _ask_group(self, group_id: str) -> frozenset[str]:
        subject = f"the user group {group_id}"
        members = (await self._call(subject, "usergroups.users.list", usergroup=group_id)).get("users")
        if not is_list(members):
            raise LookupFailedError(subject, "Slack's answer is not readable")
        return frozenset(str(user_id) for user_id in items(members))

    async def _remember(self, subject_id: str, good_for: timedelta, ask: Callable[[str], Awaitable[T]]) -> T:
        """Ids of people, channels and groups begin differently, so one memory serves all."""
        kept = self._kept.get(subject_id)
        if kept is None or self._clock.now() - kept[0] >= good_for:
            kept = self._kept[subject_id] = (self._clock.now(), await ask(subject_id))
        return kept[1]

    async def _ask(self, subject: str, method: str, part: str, **arguments: str) -> Mapping[str, Any]:
        """The named part of an answer, which is an object that says something."""
        found = mapping((await self._call(subject, method, **arguments)).get(part))
        if not found:
            raise LookupFailedError(subject, "Slack's answer is not readable")
        return found

    async def _call(self, subject: str, method: str, **arguments: str) -> Mapping[str, Any]:
        try:
            return await call_slack(self._client, method, http_verb="GET", params=arguments)
        except SlackCallError as error:
            cause = "Slack did not answer" if error.code == UNREACHABLE else error.code
            raise LookupFailedError(subject, cause) from error
