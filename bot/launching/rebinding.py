"""Is a launch still what it was when it was allowed? Asked at every yes and once more before the start.

Everything that decides what runs is gathered anew: who the requester is by now, what policy says to exactly this, which version
the workflow has, under which credential it would run. What cannot be learnt is never taken for unchanged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from bot.domain.approval_digest import Bound, canonical, changes, differences
from bot.domain.approval_terms import asked, bound_of, next_due
from bot.domain.errors import LookupFailedError
from bot.domain.explaining import Explanation, GrantFindings, limit_findings
from bot.domain.grants import Grant
from bot.domain.model import Connection, Json, Launch, Reason, State, Workflow
from bot.domain.policy import Allow, Circumstances, Deny
from bot.domain.records import under
from bot.launching.judging import Judge, Ruling, lookup_words
from bot.launching.outcomes import Refusal
from bot.ports import Clock, Definitions, Store


@dataclass(frozen=True, kw_only=True)
class Same:
    """Everything is as it was; ``grant`` still asks for the approval."""

    grant: Grant
    connection: Connection
    workflow: Workflow


@dataclass(frozen=True, kw_only=True)
class Free:
    """Policy no longer asks for anybody's approval; the launch counts under the grant that allows it."""


@dataclass(frozen=True, kw_only=True)
class Changed:
    """Something differs: ``launch`` as it would be bound now, ``changes`` as ``approval_digest.changes`` tells them."""

    launch: Launch
    changes: Sequence[Mapping[str, Json]]


@dataclass(frozen=True, kw_only=True)
class Gone:
    """It is no longer allowed at all."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A fact could not be learnt; ``detail`` says which."""

    detail: str


Today: TypeAlias = Same | Free | Changed | Gone | Unknown


@dataclass(frozen=True, kw_only=True)
class Rebinding:
    """Binds launches to what they were allowed for, and compares that with today."""

    store: Store
    definitions: Definitions
    judge: Judge
    clock: Clock
    connections: Mapping[str, Connection]
    _moving: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False, compare=False)

    async def bound(self, launch: Launch, grant: Grant, connection: Connection, workflow: Workflow) -> Launch:
        """A launch that waits for the approval that ``grant`` asks for, from now on."""
        if grant.approval is None:
            return launch
        bound = _bound(connection, workflow, launch.inputs, grant)
        last = await self.store.last_success(connection.name, workflow.workflow_id)
        since = differences(launch, last)
        approval = asked(grant.approval, now=self.clock.now(), bound=bound.parts, since=since)
        waiting = replace(launch, state=State.AWAITING_APPROVAL, digest=bound.digest, approval=approval)
        return replace(waiting, due_at=next_due(waiting, ()))

    async def today(self, launch: Launch) -> Today:
        """How the launch stands by everything that is known at this moment.

        Nothing is written but a denial, and under which quota a launch counts that nobody has to agree to (``_freed``).
        """
        connection = self.connections.get(launch.connection)
        if connection is None:
            return Gone(reasons=(Reason(code="connection_gone", facts={"connection": launch.connection}),))
        asker = await self.judge.requester_of(launch)
        if isinstance(asker, Refusal):
            return _refused(asker.reasons)
        try:
            workflow = await self._workflow(launch, connection)
            if workflow is None or workflow.obstacle:
                return _not_launchable(launch, workflow)
            inputs = under(self.judge.policy, launch.channel_id, launch.inputs)
            ruling = await self.judge.rule(
                "launch", connection, workflow, asker, inputs=inputs, given=launch.inputs, about=launch
            )
        except LookupFailedError as error:
            return Unknown(detail=lookup_words(error))
        return await self._compared(launch, ruling, connection, workflow)

    async def _compared(self, launch: Launch, ruling: Ruling, connection: Connection, workflow: Workflow) -> Today:
        decision = ruling.decision
        if isinstance(decision, Deny):
            await self.store.record_decision(ruling.kept(door="worker", launch_id=launch.launch_id))
            return _undecided(ruling.explanation) or _refused(decision.reasons)
        misfits = self._misfits(launch, workflow)
        if misfits:
            facts = {"workflow": launch.workflow_label, "names": ", ".join(misfits)}
            return Gone(reasons=(Reason(code="inputs_changed", facts=facts, source="the provider"),))
        own = _own_grant(launch, ruling.explanation)
        grant = own or decision.grant
        if not set(grant.fixed) <= set(launch.inputs):
            return Gone(reasons=(Reason(code="grant_changed", facts={"connection": launch.connection}),))
        if own is None and isinstance(decision, Allow):
            return await self._freed(launch, grant)
        bound = _bound(connection, workflow, launch.inputs, grant)
        if bound.digest == launch.digest:
            return Same(grant=grant, connection=connection, workflow=workflow)
        renewed = replace(
            launch,
            workflow_name=workflow.name,
            workflow_version=workflow.version,
            extras=workflow.extras,
            grant_key=grant.key,
            quota_key=grant.quota_key,
            policy_digest=ruling.policy.digest,
        )
        waiting = await self.bound(renewed, grant, connection, workflow)
        return Changed(launch=waiting, changes=changes(_shown(launch, bound), bound.parts))

    async def _freed(self, launch: Launch, grant: Grant) -> Free | Gone:
        """It goes on, and counts toward the limits of the grant that allows it now, as far as they leave room.

        Moving it raises its version, so that whoever acts on this answer cannot save, and asks anew: by then it counts. Of two at
        once, at two replicas, at least one sees the other then; the lock lets as many through here as there is room for.
        Its policy's digest stays, or its start might be spared that question.
        """
        if grant.quota_key == launch.quota_key:
            return Free()
        async with self._moving:
            now = self.clock.now()
            around = Circumstances(now=now, usage=await self.store.usage(launch.channel_id, now=now))
            reached = tuple(finding.reason for finding in limit_findings(grant, around) if not finding.is_met)
            if reached:
                return Gone(reasons=reached)
            await self.store.save(replace(launch, grant_key=grant.key, quota_key=grant.quota_key), None, keep_lease=True)
        return Free()

    def _misfits(self, launch: Launch, workflow: Workflow) -> list[str]:
        """Inputs that the workflow knows no longer, and such that it wants now and nobody gave."""
        if workflow.inputs is None:
            return []
        own = self.judge.providers[launch.provider].fixed_inputs(workflow)
        specs = {spec.name: spec for spec in (*own, *workflow.inputs)}
        wanted = (name for name, spec in specs.items() if spec.required and spec.default is None)
        return [*(name for name in launch.inputs if name not in specs), *(name for name in wanted if name not in launch.inputs)]

    async def _workflow(self, launch: Launch, connection: Connection) -> Workflow | None:
        """The workflow as it is described now; anew where people agree to exactly this.

        Another one that is named like this one's id is found where this one is gone: that is not what was asked for.
        """
        is_fresh = bool(launch.approval)
        found = await self.definitions.find(connection, launch.workflow_id, is_fresh=is_fresh)
        if found.workflow is None or found.workflow.workflow_id != launch.workflow_id:
            return None
        return await self.definitions.described(connection, found.workflow, is_fresh=is_fresh)


def _bound(connection: Connection, workflow: Workflow, inputs: Mapping[str, Json], grant: Grant) -> Bound:
    return Bound(
        connection=connection,
        identity=connection.credential_mark,
        workflow=workflow,
        inputs=inputs,
        grant_key=grant.key,
    )


def _own_grant(launch: Launch, explanation: Explanation) -> Grant | None:
    """The grant that allowed it and asks for approval of this, while it still stands word for word and still allows it."""
    asking = (one.grant for one in explanation.grants if one.is_met and _asks_approval(one))
    return next((grant for grant in asking if grant.key == launch.grant_key), None)


def _asks_approval(one: GrantFindings) -> bool:
    """Whether its rule is about these inputs: ``when`` may say that it is not."""
    return any(finding.reason.code == "approval_needed" for finding in one.findings)


def _shown(launch: Launch, bound: Bound) -> Mapping[str, Json]:
    """What people were shown; of a launch that nobody was asked about, what it is now under the grant that it had."""
    return bound_of(launch) or {**bound.parts, "grant": canonical(launch.grant_key)}


def _undecided(explanation: Explanation) -> Unknown | None:
    """Where one grant fails for nothing but what could not be learnt, it might allow it: that is no no."""
    unmet = [finding.reason for finding in explanation.around if not finding.is_met]
    waits = [one.refusals for one in explanation.grants if all(reason.code == "lookup_failed" for reason in one.refusals)]
    if not waits or any(reason.code != "lookup_failed" for reason in unmet):
        return None
    reason = next(iter((*unmet, *waits[0])), None)
    return Unknown(detail=f"{reason.facts['subject']}: {reason.facts['cause']}") if reason else None


def _refused(reasons: tuple[Reason, ...]) -> Today:
    """What could not be learnt is asked again; anything else is a no."""
    unknown = [reason for reason in reasons if reason.code == "lookup_failed"]
    if len(unknown) == len(reasons) and unknown:
        return Unknown(detail=f"{unknown[0].facts['subject']}: {unknown[0].facts['cause']}")
    return Gone(reasons=reasons)


def _not_launchable(launch: Launch, workflow: Workflow | None) -> Gone:
    cause = workflow.obstacle if workflow is not None and workflow.obstacle else "it is not there any more"
    facts = {"workflow": launch.workflow_label, "connection": launch.connection, "obstacle": cause}
    return Gone(reasons=(Reason(code="workflow_gone", facts=facts, source="the provider"),))
