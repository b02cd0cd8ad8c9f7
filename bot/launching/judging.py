"""Gathers the facts that a decision turns on, and asks the policy. A fact that cannot be learnt denies.

One way in for every door: whoever types, clicks or submits is looked up here, each time anew.

Why user groups are asked again before a denial: they are remembered for some seconds, and whoever was added a moment ago should
not be sent away for what we remember.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias

from bot.domain.errors import LookupFailedError, UnreadableRowError
from bot.domain.explaining import Explanation, explain
from bot.domain.grants import Grant, Policy
from bot.domain.model import NOTHING, Channel, Connection, Delivery, Json, Launch, Reason, Workflow
from bot.domain.policy import Asker, Circumstances, Decision, Deny, Usage, Wish, channel_reasons, groups_in, person_reasons
from bot.domain.provider import Provider
from bot.domain.records import Asked, Record, recorded
from bot.domain.standing import Standing
from bot.launching.outcomes import Refusal
from bot.ports import Clock, Directory, Store

_SCOPED_AS = {"settle": "launch", "approve": "launch", "reject": "launch"}
"""What is no verb of a provider needs the scopes of the launch that it is about."""

_BY_GROUP = frozenset({"requester_not_granted", "frozen"})
"""Refusals that a group which somebody just joined could end."""
LOOK_IS_GOOD_FOR = timedelta(seconds=1)
"""Within one request, how long a look into our own record stays good. Limits are counted anew as the launch is kept."""
UNREADABLE_NAME = "(a name that cannot be read)"
"""Stands for a first name that the database holds and cannot tell: only a grant of every workflow covers it."""

Known: TypeAlias = Asker | Refusal
Inputs: TypeAlias = Mapping[str, Mapping[str, Json]]
"""Typed inputs by ``Grant.key``."""


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """A decision, what it was made of, and the policy that made it."""

    verb: str
    asked: Asked
    explanation: Explanation
    policy: Policy

    @property
    def decision(self) -> Decision:
        """The decision."""
        return self.explanation.decision

    @property
    def grant(self) -> Grant:
        """The grant that allows it; only of a decision that does.

        Raises:
            ValueError: it was denied.
        """
        if isinstance(self.decision, Deny):
            raise ValueError("a denial has no grant")  # noqa: TRY004 - it is the value that is wrong
        return self.decision.grant

    def kept(self, *, door: str, launch_id: str | None = None) -> Record:
        """The decision as it is kept, asked for by ``door``, about ``launch_id`` where there is one."""
        digest = self.policy.digest
        return recorded(self.asked, self.decision, door=door, verb=self.verb, policy_digest=digest, launch_id=launch_id)


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Knows the policy in force, and where to learn facts."""

    standing: Standing
    directory: Directory
    providers: Mapping[str, Provider]
    store: Store
    clock: Clock
    bot_name: str = "gonogo"

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.standing.policy

    async def person_here(self, delivery: Delivery, *, is_fresh: bool = False) -> Known:
        """Who asks and where; a refusal when this person, or this channel, can do nothing at all."""
        try:
            asker = await self._asker(delivery.user_id, delivery.channel_id, is_fresh=is_fresh)
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))
        refusals = (*person_reasons(asker.person), *channel_reasons(self.policy, asker.channel))
        return Refusal(reasons=tuple(self._with_bot(reason) for reason in refusals)) if refusals else asker

    async def person_as_if_in(self, user_id: str, channel_id: str) -> Known:
        """Who asks, judged by the grants of a channel that need not be able to show anything (any more)."""
        policy = self.policy.channels.get(channel_id)
        channel = Channel(channel_id=channel_id, name=policy.name if policy else channel_id, is_member=True)
        try:
            person = await self.directory.person(user_id)
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))
        asker = Asker(person=person, channel=channel, memberships=await self.memberships(channel_id, user_id))
        refusals = (*person_reasons(asker.person), *channel_reasons(self.policy, channel))
        return Refusal(reasons=refusals) if refusals else asker

    async def requester_of(self, launch: Launch) -> Known:
        """Who asked for a launch, as they and its channel are now. A channel that can show nothing any more forbids nothing."""
        try:
            asker = await self._asker(launch.requester_id, launch.channel_id, is_fresh=True)
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))
        asker = replace(asker, channel=replace(asker.channel, is_member=True, is_archived=False))
        refusals = (*person_reasons(asker.person), *channel_reasons(self.policy, asker.channel))
        return Refusal(reasons=refusals) if refusals else asker

    async def member(self, delivery: Delivery) -> Refusal | None:
        """None when the person may look at launches at all: a full member of the workspace."""
        try:
            person = await self.directory.person(delivery.user_id)
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))
        refusals = person_reasons(person)
        return Refusal(reasons=refusals) if refusals else None

    async def circumstances(self, channel_id: str, connection: Connection) -> Circumstances:
        """What else a decision over this connection turns on, as it is now."""
        now = self.clock.now()
        counted = dict.fromkeys((grant.quota_key for grant in self._grants(channel_id) if grant.limits), Usage())
        usage = {**counted, **await self.store.usage(channel_id, now=now)} if counted else NOTHING
        return Circumstances(now=now, mirror=await self.store.mirror(connection.name), usage=usage)

    async def rule(
        self,
        verb: str,
        connection: Connection,
        workflow: Workflow,
        asker: Asker,
        *,
        typed: str | None = None,
        inputs: Inputs = NOTHING,
        given: Mapping[str, Json] | None = None,
        about: Launch | None = None,
        before: Ruling | None = None,
    ) -> Ruling:
        """Whether this person may ``verb`` this workflow here, and why; ``typed`` is how they named it.

        ``inputs``: the typed inputs by ``Grant.key``; ``given``: those that are kept with the decision.
        ``about``: a launch that is counted already, which must not stand in its own way. ``before``: the ruling a moment ago on the
        same wish, whose look into our own record is good still.
        """
        policy = self.policy
        known = self._known(before, connection, workflow, asker)
        wish = Wish(
            connection=connection.name,
            workflow=workflow,
            needed_scopes=self.providers[connection.provider].needed_scopes(_SCOPED_AS.get(verb, verb), workflow),
            typed=typed,
            first_name=known.wish.first_name if known else await self._first_name(connection, workflow),
            inputs=inputs,
            is_start=verb == "launch",
        )
        if known is not None:
            circumstances = replace(known.circumstances, now=self.clock.now())
        else:
            circumstances = _without(about, await self.circumstances(asker.channel.channel_id, connection))
        explanation = explain(policy, wish, asker, circumstances)
        if _turns_on_group(explanation.decision):
            asker = replace(
                asker, memberships=await self.memberships(asker.channel.channel_id, asker.person.user_id, is_fresh=True)
            )
            explanation = explain(policy, wish, asker, circumstances)
        asked = Asked(wish=wish, asker=asker, circumstances=circumstances, inputs=given)
        return Ruling(verb=verb, asked=asked, explanation=explanation, policy=policy)

    async def explain(
        self,
        verb: str,
        connection: Connection,
        workflow: Workflow,
        asker: Asker,
        *,
        typed: str | None = None,
        inputs: Inputs = NOTHING,
    ) -> Explanation:
        """The decision, rule by rule."""
        return (await self.rule(verb, connection, workflow, asker, typed=typed, inputs=inputs)).explanation

    async def decide(
        self,
        verb: str,
        connection: Connection,
        workflow: Workflow,
        asker: Asker,
        *,
        typed: str | None = None,
        inputs: Inputs = NOTHING,
    ) -> Decision:
        """Whether this person may ``verb`` this workflow here."""
        return (await self.rule(verb, connection, workflow, asker, typed=typed, inputs=inputs)).decision

    async def memberships(self, channel_id: str, user_id: str, *, is_fresh: bool = False) -> dict[str, bool | None]:
        """Of the groups that a decision in this channel may turn on: is this person in it?"""
        groups = sorted(groups_in(self.policy, self.policy.channels.get(channel_id)))
        answers = await asyncio.gather(*(self.is_in(group, user_id, is_fresh=is_fresh) for group in groups))
        return dict(zip(groups, answers, strict=True))

    async def is_in(self, group_id: str, user_id: str, *, is_fresh: bool = False) -> bool | None:
        """Whether a person is in a user group; None where Slack does not tell."""
        try:
            return user_id in await self.directory.group_members(group_id, is_fresh=is_fresh)
        except LookupFailedError:
            return None

    def _known(self, before: Ruling | None, connection: Connection, workflow: Workflow, asker: Asker) -> Asked | None:
        """What ``before`` rested on, where that was the same question and hardly any time has passed."""
        if before is None or before.policy is not self.policy or before.asked.circumstances.now is None:
            return None
        asked, age = before.asked, self.clock.now() - before.asked.circumstances.now
        is_same = (asked.wish.connection, asked.wish.workflow.workflow_id) == (connection.name, workflow.workflow_id)
        is_same = is_same and asked.wish.workflow.name == workflow.name and asked.asker.channel == asker.channel
        return asked if is_same and timedelta(0) <= age <= LOOK_IS_GOOD_FOR else None

    def _grants(self, channel_id: str) -> tuple[Grant, ...]:
        channel_policy = self.policy.channels.get(channel_id)
        return channel_policy.grants if channel_policy else ()

    async def _first_name(self, connection: Connection, workflow: Workflow) -> str | None:
        """The name under which the workflow was first seen. What the configuration itself calls it needs no memory."""
        configured = connection.workflows.get(workflow.workflow_id)
        if workflow.name is None or (configured is not None and configured.name is not None):
            return None
        try:
            return await self.store.first_name(connection.name, workflow.workflow_id, workflow.name, at=self.clock.now())
        except UnreadableRowError:
            return UNREADABLE_NAME

    def _with_bot(self, reason: Reason) -> Reason:
        """Whom to invite, where that is what is missing."""
        if reason.code != "channel_without_bot":
            return reason
        return replace(reason, facts={**reason.facts, "bot": f"@{self.bot_name}"})

    async def _asker(self, user_id: str, channel_id: str, *, is_fresh: bool) -> Asker:
        person, channel = await asyncio.gather(
            self.directory.person(user_id, is_fresh=is_fresh), self.directory.channel(channel_id)
        )
        memberships = await self.memberships(channel_id, user_id, is_fresh=is_fresh)
        return Asker(person=person, channel=channel, memberships=memberships)


def _without(launch: Launch | None, circumstances: Circumstances) -> Circumstances:
    """The circumstances as they are for a launch that is counted among the others already."""
    used = circumstances.usage.get(launch.quota_key) if launch is not None else None
    if launch is None or used is None:
        return circumstances
    left = Usage(last_hour=max(used.last_hour - 1, 0), not_over=max(used.not_over - 1, 0))
    return replace(circumstances, usage={**circumstances.usage, launch.quota_key: left})


def _turns_on_group(decision: Decision) -> bool:
    """Whether somebody is denied for not being in a group of requesters, or of those whom a freeze exempts."""
    return isinstance(decision, Deny) and any(reason.code in _BY_GROUP for reason in decision.reasons)


def lookup_words(error: LookupFailedError) -> str:
    """What could not be learnt, and why, in a few words."""
    return f"{error.subject}: {error.cause}"


def lookup_reason(error: LookupFailedError) -> Reason:
    """A lookup that failed, as the reason of a refusal."""
    return Reason(code="lookup_failed", facts={"subject": error.subject, "cause": error.cause}, source="lookup")
