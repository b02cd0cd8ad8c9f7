"""Where the policy and the mirror of a credential part: what is granted but not held, and what is held but not granted.

Why scopes that no verb needs are never "held but not granted": Gonogo cannot use them, so no grant could name them for a reason.
Granted without being held they are told all the same, since somebody wrote them down.

Why a scope that is lacking as a whole is not told again for each workflow: it is one fault, and mended in one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.grants import Grant, Policy
from bot.domain.holdings import WHOLE, Holding, Mirror
from bot.domain.model import NOTHING, Connection, Workflow
from bot.domain.policy import covers
from bot.domain.provider import Provider

VERBS = ("launch", "cancel", "list", "describe")


class DriftKind(StrEnum):
    """Which way policy and credential part."""

    GRANTED_NOT_HELD = "granted_not_held"
    HELD_NOT_GRANTED = "held_not_granted"


@dataclass(frozen=True, kw_only=True)
class Drift:
    """One scope, on one workflow or on the whole credential, on which policy and credential differ.

    ``evidence`` and ``seen_at`` are what the mirror says. ``channels`` are the names of those whose grants name it.
    """

    connection: str
    scope: str
    workflow_id: str
    kind: DriftKind
    evidence: str
    seen_at: datetime
    channels: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The same text as long as it is the same difference, whatever its evidence and time."""
        return f"{self.kind}|{self.connection}|{self.scope}|{self.workflow_id}"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is new between two looks: differences that appeared, and such that are no more."""

    appeared: tuple[Drift, ...]
    mended: tuple[Drift, ...]

    def __bool__(self) -> bool:
        return bool(self.appeared or self.mended)


def drifts(
    policy: Policy,
    connection: Connection,
    provider: Provider,
    mirror: Mirror,
    *,
    now: datetime | None,
    workflows: Mapping[str, Workflow] = NOTHING,
) -> tuple[Drift, ...]:
    """Every difference of one connection, in a steady order.

    ``now``: what lapsed by then no longer counts; None: nothing lapses. ``workflows``: names of more workflows than are
    configured, by id, for grants that name workflows by name.
    """
    used = scopes_in_use(provider, connection)
    known = {**workflows, **connection.workflows}
    found: dict[str, Drift] = {}
    for holding in sorted(mirror.holdings.values(), key=lambda one: (one.scope, one.workflow_id)):
        drift = _drift(policy, holding, known.get(holding.workflow_id), used=used, now=now)
        whole = None if drift is None else found.get(_whole_key(drift))
        if drift is not None and whole is None:
            found[drift.key] = drift
    return tuple(found.values())


def changed(before: Iterable[Drift], after: Iterable[Drift]) -> Change:
    """What is new since ``before``."""
    old, new = {drift.key: drift for drift in before}, {drift.key: drift for drift in after}
    return Change(
        appeared=tuple(drift for key, drift in new.items() if key not in old),
        mended=tuple(drift for key, drift in old.items() if key not in new),
    )


def scopes_in_use(provider: Provider, connection: Connection) -> frozenset[str]:
    """The scopes that some verb needs over this connection."""
    workflows = (Workflow(workflow_id=WHOLE), *connection.workflows.values())
    return frozenset(scope for verb in VERBS for workflow in workflows for scope in provider.needed_scopes(verb, workflow))


def _drift(
    policy: Policy, holding: Holding, workflow: Workflow | None, *, used: frozenset[str], now: datetime | None
) -> Drift | None:
    is_held = holding.is_held if now is None else holding.at(now)
    channels = _granting(policy, holding, workflow or Workflow(workflow_id=holding.workflow_id))
    if is_held is False and channels:
        kind = DriftKind.GRANTED_NOT_HELD
    elif is_held and not channels and holding.scope in used:
        kind = DriftKind.HELD_NOT_GRANTED
    else:
        return None
    return Drift(
        connection=holding.connection,
        scope=holding.scope,
        workflow_id=holding.workflow_id,
        kind=kind,
        evidence=holding.evidence,
        seen_at=holding.seen_at,
        channels=channels,
    )


def _granting(policy: Policy, holding: Holding, workflow: Workflow) -> tuple[str, ...]:
    """The channels with a grant that names this scope, for this workflow where it is about one."""
    return tuple(
        channel.name
        for channel in policy.channels.values()
        if any(_names(grant, holding, workflow) for grant in channel.grants if grant.connection == holding.connection)
    )


def _names(grant: Grant, holding: Holding, workflow: Workflow) -> bool:
    return holding.scope in grant.scopes and (holding.workflow_id == WHOLE or covers(grant, workflow))


def _whole_key(drift: Drift) -> str:
    return replace(drift, workflow_id=WHOLE).key
