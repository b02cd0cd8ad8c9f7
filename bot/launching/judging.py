"""Gathers the facts that a decision turns on, and asks the policy. A fact that cannot be learnt denies.

One way in for every door: whoever types, clicks or submits is looked up here, each time anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from bot.domain.errors import LookupFailedError
from bot.domain.model import Channel, Connection, Delivery, Policy, Reason, Workflow
from bot.domain.policy import Asker, Decision, Wish, channel_reasons, decide, groups_in, person_reasons
from bot.domain.provider import Provider
from bot.launching.outcomes import Refusal
from bot.ports import Directory

Known: TypeAlias = Asker | Refusal


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Knows the policy, and where to learn facts."""

    policy: Policy
    directory: Directory
    providers: Mapping[str, Provider]
    bot_name: str = "gonogo"

    async def person_here(self, delivery: Delivery) -> Known:
        """Who asks and where; a refusal when this person, or this channel, can do nothing at all."""
        try:
            asker = await self._asker(delivery)
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))
        refusals = (*person_reasons(asker.person), *channel_reasons(self.policy, asker.channel))
        return Refusal(reasons=tuple(self._with_bot(reason) for reason in refusals)) if refusals else asker

    async def person_as_if_in(self, delivery: Delivery, channel_id: str) -> Known:
        """Who asks, judged by the grants of another channel: of one that can no longer show what it should."""
        policy = self.policy.channels.get(channel_id)
        channel = Channel(channel_id=channel_id, name=policy.name if policy else channel_id, is_member=True)
        try:
            asker = Asker(
                person=await self.directory.person(delivery.user_id),
                channel=channel,
                memberships=await self._memberships(channel_id, delivery.user_id),
            )
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))
        refusals = (*person_reasons(asker.person), *channel_reasons(self.policy, channel))
        return Refusal(reasons=refusals) if refusals else asker

    async def member(self, delivery: Delivery) -> Refusal | None:
        """None when the person may look at launches at all: a full member of the workspace."""
        try:
            person = await self.directory.person(delivery.user_id)
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))
        refusals = person_reasons(person)
        return Refusal(reasons=refusals) if refusals else None

    def decide(
        self, verb: str, connection: Connection, workflow: Workflow, asker: Asker, *, typed: str | None = None
    ) -> Decision:
        """Whether this person may ``verb`` this workflow here; ``typed`` is how they named it."""
        scopes = self.providers[connection.provider].needed_scopes(verb, workflow)
        wish = Wish(connection=connection.name, workflow=workflow, needed_scopes=scopes, typed=typed)
        return decide(self.policy, wish, asker)

    def _with_bot(self, reason: Reason) -> Reason:
        """Whom to invite, where that is what is missing."""
        if reason.code != "channel_without_bot":
            return reason
        return replace(reason, facts={**reason.facts, "bot": f"@{self.bot_name}"})

    async def _asker(self, delivery: Delivery) -> Asker:
        person, channel = await asyncio.gather(
            self.directory.person(delivery.user_id), self.directory.channel(delivery.channel_id)
        )
        memberships = await self._memberships(delivery.channel_id, delivery.user_id)
        return Asker(person=person, channel=channel, memberships=memberships)

    async def _memberships(self, channel_id: str, user_id: str) -> dict[str, bool | None]:
        """Of the groups that the channel's grants name: is this person in it?"""
        groups = sorted(groups_in(self.policy.channels.get(channel_id)))
        answers = await asyncio.gather(*(self._is_in(group, user_id) for group in groups))
        return dict(zip(groups, answers, strict=True))

    async def _is_in(self, group_id: str, user_id: str) -> bool | None:
        try:
            return user_id in await self.directory.group_members(group_id)
        except LookupFailedError:
            return None


def lookup_reason(error: LookupFailedError) -> Reason:
    """A lookup that failed, as the reason of a refusal."""
    return Reason(code="lookup_failed", facts={"subject": error.subject, "cause": error.cause}, source="lookup")
