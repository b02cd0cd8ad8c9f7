"""Where one person may launch what: every channel of the policy, for their App Home.

Why the answer is kept for a while: who is in which channel costs Slack a call each, and a Home is composed anew whenever something
happens to any approval. Who opens their Home is looked up anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.errors import LookupFailedError
from bot.domain.grants import Policy
from bot.domain.model import Channel, Connection, Person
from bot.domain.policy import Asker, channel_reasons, is_among
from bot.domain.provider import Provider
from bot.launching.judging import Judge, lookup_words
from bot.launching.sparing import PATIENCE_S, SparingDefinitions, SparingDirectory
from bot.launching.surveying import Surveying
from bot.launching.wishing import Wishing
from bot.ports import Clock, Definitions, Home, Store
from bot.surfaces.home import Place
from bot.surfaces.place import Reach

GOOD_FOR = timedelta(minutes=10)
AGAIN_AFTER = timedelta(minutes=1)
MOST_CHANNELS = 60
CHANNELS_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where somebody may launch what, and what could not be looked up."""

    found: tuple[Place, ...] = ()
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Kept:
    places: Places
    policy: Policy
    at: datetime

    def is_good(self, policy: Policy, home: Home, now: datetime) -> bool:
        """Not where the policy was replaced, or the Home opened, since."""
        good_for = AGAIN_AFTER if self.places.troubles else GOOD_FOR
        return self.policy is policy and self.at >= home.opened_at and now - self.at < good_for


@dataclass(frozen=True, kw_only=True)
class Placing:
    """Looks through the channels; decides nothing by itself."""

    store: Store
    definitions: Definitions
    judge: Judge
    wishing: Wishing
    clock: Clock
    providers: Mapping[str, Provider]
    connections: Mapping[str, Connection]
    patience_s: float = PATIENCE_S
    _kept: dict[str, _Kept] = field(default_factory=dict[str, _Kept], init=False, repr=False, compare=False)

    async def places(self, home: Home, person: Person, directory: SparingDirectory) -> Places:
        """Where this person may launch what."""
        policy, now = self.judge.policy, self.clock.now()
        kept = self._kept.get(home.user_id)
        if kept is not None and kept.is_good(policy, home, now):
            return kept.places
        places = await self._looked_up(policy, person, directory)
        self._kept[home.user_id] = _Kept(places=places, policy=policy, at=now)
        return places

    async def _looked_up(self, policy: Policy, person: Person, directory: SparingDirectory) -> Places:
        definitions = SparingDefinitions(definitions=self.definitions, patience_s=self.patience_s)
        survey = Surveying(
            store=self.store,
            definitions=definitions,
            directory=directory,
            judge=replace(self.judge, directory=directory),
            wishing=self.wishing,
            clock=self.clock,
            providers=self.providers,
            connections=self.connections,
        )
        turns = asyncio.Semaphore(CHANNELS_AT_ONCE)
        channels = list(policy.channels)
        some = await asyncio.gather(*(self._in_turn(turns, survey, person, one) for one in channels[:MOST_CHANNELS]))
        silent = [f"the workflows of {name} could not be asked for" for name in sorted(definitions.silent)]
        left = [f"only {MOST_CHANNELS} of {len(channels)} channels were looked at"] if len(channels) > MOST_CHANNELS else []
        return Places(
            found=tuple(place for places in some for place in places.found),
            troubles=tuple(dict.fromkeys([*(words for places in some for words in places.troubles), *silent, *left])),
        )

    async def _in_turn(self, turns: asyncio.Semaphore, survey: Surveying, person: Person, channel_id: str) -> Places:
        async with turns:
            try:
                return await self._in_channel(survey, person, channel_id)
            except LookupFailedError as error:
                return Places(troubles=(lookup_words(error),))

    async def _in_channel(self, survey: Surveying, person: Person, channel_id: str) -> Places:
        """Whether Slack counts them a member is asked last, where nothing else rules it out: it is the dearest question."""
        policy = survey.judge.policy
        here = policy.channels.get(channel_id)
        memberships = await survey.judge.memberships(channel_id, person.user_id)
        asker = Asker(person=person, channel=Channel(channel_id=channel_id, name=channel_id), memberships=memberships)
        if here is None or all(is_among(grant.requesters, asker) is False for grant in here.grants):
            return Places()
        channel = await survey.directory.channel(channel_id)
        if channel_reasons(policy, channel) or not await survey.directory.is_in_channel(person.user_id, channel_id):
            return Places()
        place = await survey.place(replace(asker, channel=channel))
        found = [
            Place(channel_name=place.channel_name, connection=reach.connection, workflows=(*reach.allowed, *reach.after_approval))
            for reach in place.reaches
            if reach.allowed or reach.after_approval
        ]
        return Places(found=tuple(found), troubles=tuple(words for reach in place.reaches for words in _untold(reach)))


def _untold(reach: Reach) -> list[str]:
    """What Slack did not tell, where something is denied for that."""
    facts = [reason.facts for reason in reach.refusals if reason.code == "lookup_failed"]
    return [f"{one.get('subject', 'a fact')}: {one.get('cause', 'not told')}" for one in facts]
