"""Who else may launch something here, and where else this person may: asked of Slack, told only as far as people may know it.

A fact that Slack does not tell is left out: nobody is named on a guess.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.advice import explained, where_else, who_could
from bot.domain.errors import LookupFailedError
from bot.domain.model import NOTHING, Connection
from bot.domain.policy import Asker, Deny, person_reasons
from bot.launching.judging import Judge, Ruling
from bot.ports import Directory

MOST_PEOPLE = 30
MOST_CHANNELS = 10


@dataclass(frozen=True, kw_only=True)
class Reaching:
    """Looks around a denial."""

    directory: Directory
    judge: Judge

    async def is_in_channel(self, user_id: str, channel_id: str) -> bool:
        """Whether this person is certainly a member of that channel."""
        try:
            return await self.directory.is_in_channel(user_id, channel_id)
        except LookupFailedError:
            return False

    async def who_could(self, ruling: Ruling) -> tuple[str, ...]:
        """Whom the grants of this channel name for it, groups as their members; nobody to whom is not in the channel."""
        asker = ruling.asked.asker
        if not await self.is_in_channel(asker.person.user_id, asker.channel.channel_id):
            return ()
        names = who_could(ruling.policy, ruling.asked)
        found = [await self._people(name) if name.startswith("S") else (name,) for name in names]
        everybody = dict.fromkeys(name for some in found for name in some if name != asker.person.user_id)
        shown = list(everybody)[:MOST_PEOPLE]
        members = await asyncio.gather(*(self._is_member(name) for name in shown))
        return tuple(name for name, is_member in zip(shown, members, strict=True) if is_member)

    async def where_else(self, ruling: Ruling, connection: Connection) -> tuple[str, ...]:
        """The names of the other channels in which this person is, and may launch it."""
        channel_ids = where_else(ruling.policy, ruling.asked)[:MOST_CHANNELS]
        found = await asyncio.gather(*(self._name_where_allowed(ruling, connection, one) for one in channel_ids))
        return tuple(name for name in found if name is not None)

    async def _people(self, group_id: str) -> Sequence[str]:
        """The members of a group; the group itself where Slack does not tell."""
        try:
            return sorted(await self.directory.group_members(group_id))
        except LookupFailedError:
            return (group_id,)

    async def _is_member(self, name: str) -> bool:
        """Whether a name stands for somebody who may launch at all: a deactivated person is not worth asking."""
        if not name.startswith(("U", "W")):
            return True
        try:
            return not person_reasons(await self.directory.person(name))
        except LookupFailedError:
            return False

    async def _name_where_allowed(self, ruling: Ruling, connection: Connection, channel_id: str) -> str | None:
        asked = ruling.asked
        person = asked.asker.person
        try:
            channel = await self.directory.channel(channel_id)
            if not await self.directory.is_in_channel(person.user_id, channel_id):
                return None
        except LookupFailedError:
            return None
        there = replace(
            asked,
            wish=replace(asked.wish, inputs=NOTHING),
            asker=Asker(person=person, channel=channel, memberships=await self.judge.memberships(channel_id, person.user_id)),
            circumstances=await self.judge.circumstances(channel_id, connection),
            inputs=None,
        )
        decision = explained(ruling.policy, there).decision
        return None if isinstance(decision, Deny) else channel.name
