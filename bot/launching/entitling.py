"""Who may decide on a launch, at this moment: people and user groups are asked of Slack anew, never remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.domain.approval_terms import terms_of
from bot.domain.approvals import deciders, is_entitled
from bot.domain.errors import LookupFailedError
from bot.domain.model import Channel, Event, Launch
from bot.domain.policy import Asker
from bot.ports import Clock, Directory


@dataclass(frozen=True, kw_only=True)
class Entitling:
    """Looks up what makes people approvers."""

    directory: Directory
    clock: Clock

    async def asker(self, launch: Launch, user_id: str) -> Asker:
        """Somebody with everything that a decision of theirs on this launch turns on.

        Raises:
            LookupFailedError: Slack does not tell who this is.
        """
        person = await self.directory.person(user_id, is_fresh=True)
        groups = sorted(deciders(launch))
        answers = await asyncio.gather(*(self._is_in(group, user_id) for group in groups))
        channel = Channel(channel_id=launch.channel_id, name=launch.channel_id, is_member=True)
        return Asker(person=person, channel=channel, memberships=dict(zip(groups, answers, strict=True)))

    async def entitled(self, launch: Launch, events: Sequence[Event], people: Iterable[str]) -> dict[str, bool | None]:
        """Whether each of ``people`` may decide on it now; None where Slack does not tell."""
        names = tuple(dict.fromkeys(people))
        answers = await asyncio.gather(*(self._one(launch, events, name) for name in names))
        return dict(zip(names, answers, strict=True))

    async def known(self, launch: Launch) -> frozenset[str]:
        """The people who may decide on it, as far as they are listed or their groups can be resolved."""
        terms = terms_of(launch)
        listed = {name for name in terms.approvers if not name.startswith("S") and name != "members"}
        groups = [await self._members(group) for group in terms.approvers if group.startswith("S")]
        return frozenset(listed.union(*groups))

    async def _one(self, launch: Launch, events: Sequence[Event], user_id: str) -> bool | None:
        try:
            asker = await self.asker(launch, user_id)
        except LookupFailedError:
            return None
        return is_entitled(launch, events, asker, self.clock.now())

    async def _is_in(self, group_id: str, user_id: str) -> bool | None:
        try:
            return user_id in await self.directory.group_members(group_id, is_fresh=True)
        except LookupFailedError:
            return None

    async def _members(self, group_id: str) -> frozenset[str]:
        try:
            return await self.directory.group_members(group_id)
        except LookupFailedError:
            return frozenset()
