"""A typed wish becomes a launch: who asks, which workflow, what policy says, what the inputs are; then one transaction.

Why policy is asked before inputs are looked at: whoever may not launch a workflow should not learn what it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.domain.errors import LaunchIdTakenError, LookupFailedError
from bot.domain.inputs import read_inputs
from bot.domain.model import RESERVED_WORDS, Connection, Delivery, Event, EventKind, InputSpec, Launch, Problem, Workflow
from bot.domain.policy import Asker, Decision, Deny, covers
from bot.domain.provider import Provider
from bot.domain.spelling import closest
from bot.launching.judging import Judge, lookup_reason
from bot.launching.outcomes import Launched, Refusal, refused
from bot.ports import Clock, Definitions, Found, Store
from bot.surfaces.command_text import LaunchText

DRAWS_OF_AN_ID = 20


@dataclass(frozen=True, kw_only=True)
class Requesting:
    """Turns typed wishes into launches. ``ring`` wakes the worker."""

    store: Store
    definitions: Definitions
    judge: Judge
    clock: Clock
    providers: Mapping[str, Provider]
    connections: Mapping[str, Connection]
    ring: Callable[[], None]

    async def request(self, delivery: Delivery, typed: LaunchText) -> Launched | Refusal:
        """Launch what was typed, or say everything that stands in its way. Nothing is sent to a provider from here."""
        asker = await self.judge.person_here(delivery)
        if isinstance(asker, Refusal):
            return asker
        connection = self.connections.get(typed.connection.lower())
        if connection is None:
            return self._unknown_connection(typed.connection, delivery.channel_id)
        try:
            return await self._request(delivery, typed, asker, connection)
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))

    def granted_connections(self, channel_id: str) -> tuple[str, ...]:
        """The connections that this channel's grants name, in order."""
        channel_policy = self.judge.policy.channels.get(channel_id)
        grants = channel_policy.grants if channel_policy else ()
        return tuple(dict.fromkeys(grant.connection for grant in grants))

    def specs(self, connection: Connection, workflow: Workflow) -> tuple[InputSpec, ...]:
        """Every input that the workflow takes, its provider's own ones first."""
        fixed = self.providers[connection.provider].fixed_inputs(workflow)
        names = {spec.name for spec in fixed}
        return (*fixed, *(spec for spec in workflow.inputs or () if spec.name not in names))

    async def _request(self, delivery: Delivery, typed: LaunchText, asker: Asker, connection: Connection) -> Launched | Refusal:
        if connection.name not in self.granted_connections(delivery.channel_id):
            # The same words as for a workflow that is not granted, and no question to the provider.
            return _denied(self.judge.decide("launch", connection, Workflow(workflow_id=typed.workflow), asker))
        found = await self.definitions.find(connection, typed.workflow)
        if found.workflow is None:
            return self._not_found(found, typed, delivery.channel_id)
        decision = self.judge.decide("launch", connection, found.workflow, asker, typed=typed.workflow)
        if isinstance(decision, Deny):
            return _denied(decision)
        workflow = await self.definitions.described(connection, found.workflow)
        inputs, problems = self._read(connection, workflow, typed)
        if problems:
            return Refusal(problems=problems)
        return await self._create(delivery, connection, workflow, inputs)

    def _read(
        self, connection: Connection, workflow: Workflow, typed: LaunchText
    ) -> tuple[dict[str, object], tuple[Problem, ...]]:
        """Typed inputs, or every problem at once: ours about types first, then the provider's own rules."""
        if workflow.obstacle:
            facts = {"workflow": workflow.label, "connection": connection.name, "obstacle": workflow.obstacle}
            return {}, (Problem(code="not_launchable", facts=facts),)
        inputs, problems = read_inputs(self.specs(connection, workflow), dict(typed.inputs))
        provider = self.providers[connection.provider]
        reserved = provider.check(inputs, workflow, connection)
        return inputs, (*problems, *(problem for problem in reserved if problem not in problems))

    async def _create(
        self, delivery: Delivery, connection: Connection, workflow: Workflow, inputs: Mapping[str, object]
    ) -> Launched:
        """Keep the launch under an id that is free; a delivery that caused one before causes no second."""
        for _ in range(DRAWS_OF_AN_ID):
            launch = self._new(delivery, connection, workflow, inputs)
            facts = {"inputs": dict(inputs)}
            event = Event(
                launch_id=launch.launch_id,
                kind=EventKind.REQUESTED,
                at=launch.created_at,
                actor=delivery.user_id,
                facts=facts,
            )
            try:
                before = await self.store.create(launch, event, delivery_key=delivery.key)
            except LaunchIdTakenError:
                continue
            self.ring()
            return Launched(launch=before or launch, is_repeated=before is not None)
        raise LaunchIdTakenError(f"no free launch id in {DRAWS_OF_AN_ID} draws")

    def _new(self, delivery: Delivery, connection: Connection, workflow: Workflow, inputs: Mapping[str, object]) -> Launch:
        now = self.clock.now()
        return Launch(
            launch_id=self.clock.new_launch_id(),
            team_id=delivery.team_id,
            channel_id=delivery.channel_id,
            requester_id=delivery.user_id,
            connection=connection.name,
            provider=connection.provider,
            workflow_id=workflow.workflow_id,
            workflow_name=workflow.name,
            workflow_version=workflow.version,
            extras=workflow.extras,
            inputs=inputs,
            policy_digest=self.judge.policy.digest,
            created_at=now,
            updated_at=now,
            due_at=now,
        )

    def _unknown_connection(self, typed: str, channel_id: str) -> Refusal:
        known = self.granted_connections(channel_id)
        near = closest(typed, (*known, *RESERVED_WORDS)) or ""
        return refused("unknown_connection", typed=typed, closest=near, known=", ".join(known))

    def _not_found(self, found: Found, typed: LaunchText, channel_id: str) -> Refusal:
        """Only what this channel may launch is named: other workflows are nobody's business here."""
        channel_policy = self.judge.policy.channels[channel_id]
        grants = [grant for grant in channel_policy.grants if grant.connection == typed.connection.lower()]
        known = [workflow for workflow in found.known if any(covers(grant, workflow) for grant in grants)]
        facts = {"typed": typed.workflow, "connection": typed.connection.lower()}
        ambiguous = [workflow for workflow in found.candidates if workflow in known]
        if len(ambiguous) > 1:
            candidates = ", ".join(workflow.workflow_id for workflow in ambiguous)
            return refused("ambiguous_workflow", **facts, candidates=candidates)
        names = [name for workflow in known for name in (workflow.workflow_id, workflow.name) if name]
        shown = ", ".join(workflow.label for workflow in known[:10])
        return refused("unknown_workflow", **facts, closest=closest(typed.workflow, names) or "", known=shown)


def _denied(decision: Decision) -> Refusal:
    return Refusal(reasons=decision.reasons)
