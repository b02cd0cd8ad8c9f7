"""Reads a typed wish to its end: who asks, which connection and workflow, what policy says, what the inputs are.

Why policy is asked before inputs are looked at: whoever may not launch a workflow should not learn what it takes. And once more
with them, as grants have rules on inputs; what a grant gives itself is filled in before that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from bot.domain.errors import LookupFailedError
from bot.domain.explaining import INPUTS_NOT_READ
from bot.domain.grants import Grant
from bot.domain.inputs import is_valid_default, read_default, read_inputs, with_secrets
from bot.domain.model import RESERVED_WORDS, Connection, Delivery, InputSpec, Json, Problem, Workflow
from bot.domain.policy import Asker, Deny, covers
from bot.domain.provider import Provider
from bot.domain.spelling import closest
from bot.launching.judging import Judge, Ruling, lookup_reason
from bot.launching.outcomes import Refusal, refused
from bot.ports import Definitions, Found, Store
from bot.surfaces.command_text import LaunchText


@dataclass(frozen=True, kw_only=True)
class Read:
    """A wish that was read to its end: what is asked for, and what policy says to it."""

    connection: Connection
    workflow: Workflow
    inputs: Mapping[str, Json]
    ruling: Ruling


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A wish on its way: who asks for what, over which connection."""

    delivery: Delivery
    typed: LaunchText
    asker: Asker
    connection: Connection


@dataclass(frozen=True, kw_only=True)
class Wishing:
    """Reads typed wishes. A refused one is kept with what it rested on."""

    store: Store
    definitions: Definitions
    judge: Judge
    providers: Mapping[str, Provider]
    connections: Mapping[str, Connection]

    async def read(self, delivery: Delivery, typed: LaunchText) -> Read | Refusal:
        """What was typed, as a wish that policy allows, perhaps once others agreed; or everything that stands in its way."""
        read = await self.judged(delivery, typed)
        if isinstance(read, Read) and isinstance(read.ruling.decision, Deny):
            return await self._denied(delivery, read.ruling)
        return read

    async def judged(self, delivery: Delivery, typed: LaunchText) -> Read | Refusal:
        """As ``read``, but a wish whose inputs policy does not allow is given with that decision: to be shown, not carried out."""
        asker = await self.judge.person_here(delivery)
        if isinstance(asker, Refusal):
            return asker
        connection = self.connections.get(typed.connection.lower())
        if connection is None:
            return self.unknown_connection(typed.connection, delivery.channel_id)
        try:
            return await self._read(_Asked(delivery=delivery, typed=typed, asker=asker, connection=connection))
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
        own = (*fixed, *(spec for spec in workflow.inputs or () if spec.name not in names))
        return with_secrets(own, connection.secret_names)

    async def _read(self, asked: _Asked) -> Read | Refusal:
        delivery, typed, asker, connection = asked.delivery, asked.typed, asked.asker, asked.connection
        if connection.name not in self.granted_connections(delivery.channel_id):
            # The same words as for a workflow that is not granted, and no question to the provider.
            nameless = Workflow(workflow_id=typed.workflow)
            return await self._denied(delivery, await self.judge.rule("launch", connection, nameless, asker))
        found = await self.definitions.find(connection, typed.workflow)
        if found.workflow is None:
            return self.not_found(found, typed, delivery.channel_id)
        ruling = await self.judge.rule("launch", connection, found.workflow, asker, typed=typed.workflow)
        if isinstance(ruling.decision, Deny):
            return await self._denied(delivery, ruling)
        return await self._with_inputs(asked, ruling, await self.definitions.described(connection, found.workflow))

    async def _with_inputs(self, asked: _Asked, before: Ruling, workflow: Workflow) -> Read | Refusal:
        """Judge anew with typed inputs, each grant with what it fixes itself."""
        connection, typed = asked.connection, asked.typed
        if workflow.obstacle:
            return refused("not_launchable", workflow=workflow.label, connection=connection.name, obstacle=workflow.obstacle)
        fitting = {one.grant.key: one.grant for one in before.explanation.grants if one.is_met}
        read = {key: self._inputs(asked, workflow, grant) for key, grant in fitting.items()}
        good = {key: inputs for key, (inputs, problems) in read.items() if not problems}
        if not good:
            return Refusal(problems=min((problems for _, problems in read.values()), key=len))
        ruling = await self.judge.rule(
            "launch", connection, workflow, before.asked.asker, typed=typed.workflow, inputs=good, before=before
        )
        if isinstance(ruling.decision, Deny) and ruling.policy is not before.policy and _has_unread(ruling, read):
            return refused("policy_changed", connection=connection.name)
        key = next(iter(good)) if isinstance(ruling.decision, Deny) else ruling.decision.grant.key
        return Read(connection=connection, workflow=workflow, inputs=good[key], ruling=_kept(ruling, good[key], fitting[key]))

    def _inputs(self, asked: _Asked, workflow: Workflow, grant: Grant) -> tuple[dict[str, Json], tuple[Problem, ...]]:
        """Typed inputs, or every problem at once: ours about types first, then the provider's own rules."""
        specs, misfits = with_fixed(self.specs(asked.connection, workflow), grant)
        inputs, problems = read_inputs(specs, dict(asked.typed.inputs))
        provider = self.providers[asked.connection.provider]
        reserved = provider.check(inputs, workflow, asked.connection)
        return inputs, (*misfits, *problems, *(problem for problem in reserved if problem not in problems))

    async def _denied(self, delivery: Delivery, ruling: Ruling) -> Refusal:
        await self.store.record_decision(ruling.kept(door=delivery.kind))
        return Refusal(reasons=ruling.decision.reasons)

    def unknown_connection(self, typed: str, channel_id: str) -> Refusal:
        """Only connections that this channel grants are named."""
        known = self.granted_connections(channel_id)
        near = closest(typed, (*known, *RESERVED_WORDS)) or ""
        return refused("unknown_connection", typed=typed, closest=near, known=", ".join(known))

    def not_found(self, found: Found, typed: LaunchText, channel_id: str) -> Refusal:
        """Only what this channel may launch is named: other workflows are nobody's business here."""
        channel_policy = self.judge.policy.channels.get(channel_id)
        grants = channel_policy.grants if channel_policy else ()
        here = [grant for grant in grants if grant.connection == typed.connection.lower()]
        known = [workflow for workflow in found.known if any(covers(grant, workflow) for grant in here)]
        facts = {"typed": typed.workflow, "connection": typed.connection.lower()}
        ambiguous = [workflow for workflow in found.candidates if workflow in known]
        if len(ambiguous) > 1:
            candidates = ", ".join(workflow.workflow_id for workflow in ambiguous)
            return refused("ambiguous_workflow", **facts, candidates=candidates)
        names = [name for workflow in known for name in (workflow.workflow_id, workflow.name) if name]
        shown = ", ".join(workflow.label for workflow in known[:10])
        return refused("unknown_workflow", **facts, closest=closest(typed.workflow, names) or "", known=shown)


def _has_unread(ruling: Ruling, read: Collection[str]) -> bool:
    """Whether a reload brought a grant that might allow it, and that the inputs were not read for; ``read``: the keys of those."""
    waits = (one for one in ruling.explanation.grants if one.grant.key not in read)
    return any({reason.code for reason in one.refusals} == {INPUTS_NOT_READ} for one in waits)


def _kept(ruling: Ruling, inputs: Mapping[str, Json], grant: Grant) -> Ruling:
    """The ruling with the inputs that are kept with it: those that the person gave, not what the grant gives itself."""
    given = {name: value for name, value in inputs.items() if name not in grant.fixed}
    return replace(ruling, asked=replace(ruling.asked, inputs=given))


def with_fixed(specs: tuple[InputSpec, ...], grant: Grant) -> tuple[tuple[InputSpec, ...], tuple[Problem, ...]]:
    """``specs`` with the grant's own values as what is sent where nothing else is typed; and a problem for each misfit.

    A value that does not fit its input is never quietly left out: the grant would then allow what it was written to prevent.
    Nor is a default of the provider's that a rule is about left to the provider: the rule would never see it. One that cannot be
    read is a problem of whoever gives no value (``read_inputs``).
    """
    known = {spec.name: spec for spec in specs}
    ruled = {name: replace(known[name], is_default_ours=True) for name in grant.inputs if name in known}
    filled = ruled | {
        name: replace(known[name], default=value, is_default_ours=True) for name, value in grant.fixed.items() if name in known
    }
    misfits = [
        Problem(code="fixed_misfit", facts={"name": name, "expected": _expected(filled.get(name))})
        for name in grant.fixed
        if name not in filled or not is_valid_default(filled[name])
    ]
    told = {misfit.facts["name"] for misfit in misfits}  # once is enough
    given = {name: replace(spec, default=None) if name in told else spec for name, spec in filled.items()}
    return tuple(given.get(spec.name, spec) for spec in specs), tuple(misfits)


def _expected(spec: InputSpec | None) -> str:
    """What the input would take; empty where the workflow has no such input."""
    read = read_default(spec) if spec is not None else None
    return read.facts.get("expected", "") if isinstance(read, Problem) else ""
