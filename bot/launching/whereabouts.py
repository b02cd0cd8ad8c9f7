"""In which channels a person may launch something: for a form that was opened in none (App Home, the global shortcut)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from bot.domain.errors import LookupFailedError
from bot.domain.model import Channel, Delivery, Reason
from bot.domain.policy import Asker, channel_reasons, is_among, person_reasons
from bot.launching.judging import Judge, Known, lookup_reason, lookup_words
from bot.launching.outcomes import Refusal
from bot.launching.sparing import SparingDirectory
from bot.ports import Directory

MOST_CHANNELS = 60
CHANNELS_AT_ONCE = 8
PATIENCE_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Channels:
    """Channels as (id, name), by name, and what could not be looked up."""

    found: tuple[tuple[str, str], ...] = ()
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """Looks through the channels of the policy."""

    directory: Directory
    judge: Judge
    patience_s: float = PATIENCE_S

    async def asker_in(self, delivery: Delivery, channel_id: str) -> Known:
        """Who asks, in a channel that they chose: as there, and only where they are a member."""
        asker = await self.judge.person_here(replace(delivery, channel_id=channel_id))
        if isinstance(asker, Refusal):
            return asker
        try:
            if await self.directory.is_in_channel(delivery.user_id, channel_id):
                return asker
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))
        facts = {"channel": asker.channel.name, "channel_id": channel_id}
        return Refusal(reasons=(Reason(code="person_not_in_channel", facts=facts, source="Slack"),))

    async def channels(self, user_id: str) -> Channels | Refusal:
        """Those in which this person is, and in which a grant names them."""
        directory = SparingDirectory(directory=self.directory)
        try:
            person = await directory.person(user_id)
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))
        refusals = person_reasons(person)
        if refusals:
            return Refusal(reasons=refusals)
        asker = Asker(person=person, channel=Channel(channel_id="", name=""), memberships={})
        judge, turns = replace(self.judge, directory=directory), asyncio.Semaphore(CHANNELS_AT_ONCE)
        looks = [self._look(turns, judge, asker, one) for one in list(self.judge.policy.channels)[:MOST_CHANNELS]]
        some = await asyncio.gather(*looks)
        found = sorted((one for places in some for one in places.found), key=lambda one: one[1])
        return Channels(found=tuple(found), troubles=tuple(words for places in some for words in places.troubles))

    async def _look(self, turns: asyncio.Semaphore, judge: Judge, asker: Asker, channel_id: str) -> Channels:
        name = judge.policy.channels[channel_id].name if channel_id in judge.policy.channels else channel_id
        try:
            async with asyncio.timeout(self.patience_s), turns:
                return await _in_channel(judge, asker, channel_id)
        except LookupFailedError as error:
            return Channels(troubles=(lookup_words(error),))
        except TimeoutError:
            return Channels(troubles=(f"#{name}: Slack has not answered yet",))


async def _in_channel(judge: Judge, asker: Asker, channel_id: str) -> Channels:
    """Membership is asked last, where nothing else rules the channel out: it is the dearest question."""
    here = judge.policy.channels.get(channel_id)
    memberships = await judge.memberships(channel_id, asker.person.user_id)
    there = replace(asker, memberships=memberships)
    if here is None or all(is_among(grant.requesters, there) is False for grant in here.grants):
        return Channels()
    channel = await judge.directory.channel(channel_id)
    if channel_reasons(judge.policy, channel) or not await judge.directory.is_in_channel(asker.person.user_id, channel_id):
        return Channels()
    return Channels(found=((channel_id, channel.name),))
