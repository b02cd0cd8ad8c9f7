"""May this person, in this channel, do this to that workflow? A decision is a value with its reasons.

Rules unite (any one grant may allow), restrictions intersect (person, channel), and nothing is allowed by default. A fact that
could not be learnt denies whatever depends on it, and only that.

Why every reason is kept, also those of the grants that did not fit: `/launch why` answers from the same value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

from bot.domain.model import Channel, ChannelPolicy, Grant, Person, Policy, Reason, Workflow

MEMBERS = "members"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked for. ``needed_scopes`` are those of the provider that a grant must all name.

    ``typed`` is how the person named the workflow: a refusal says no more about it than they did.
    """

    connection: str
    workflow: Workflow
    needed_scopes: tuple[str, ...]
    typed: str | None = None


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asks, and where. ``memberships``: user group → is in it; None where Slack did not tell."""

    person: Person
    channel: Channel
    memberships: Mapping[str, bool | None]


@dataclass(frozen=True, kw_only=True)
class Allow:
    """Go. ``grant`` is the line that allows it."""

    grant: Grant
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class NeedApproval:
    """Go, once others agreed. No rule gives this answer yet: approval rules are refused at start until they are built."""

    grant: Grant
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class Deny:
    """No go."""

    reasons: tuple[Reason, ...]


Decision: TypeAlias = Allow | NeedApproval | Deny


def decide(policy: Policy, wish: Wish, asker: Asker) -> Decision:
    """Whether ``asker`` may have ``wish``, with every reason."""
    refusals = (*person_reasons(asker.person), *channel_reasons(policy, asker.channel))
    if refusals:
        return Deny(reasons=refusals)
    channel_policy = policy.channels[asker.channel.channel_id]
    grants = [grant for grant in channel_policy.grants if grant.connection == wish.connection]
    if not grants:
        return Deny(reasons=(_reason("connection_not_granted", connection=wish.connection, channel=_name(asker)),))
    return _by_grants(grants, wish, asker)


def person_reasons(person: Person) -> tuple[Reason, ...]:
    """Why this person may do nothing at all; empty for a full member of the workspace."""
    facts = {"person": person.user_id}
    claims = {
        "person_is_deleted": person.is_deleted,
        "person_is_bot": person.is_bot,
        "person_is_stranger": person.is_stranger,
        "person_is_guest": person.is_guest,
    }
    return tuple(Reason(code=code, facts=facts, source="Slack") for code, holds in claims.items() if holds)


def channel_reasons(policy: Policy, channel: Channel) -> tuple[Reason, ...]:
    """Why nothing can be launched in this channel; empty where launches are possible at all."""
    channel_policy = policy.channels.get(channel.channel_id)
    facts = {"channel": channel.name, "channel_id": channel.channel_id}
    if channel_policy is None:
        return (Reason(code="channel_without_policy", facts=facts),)
    claims = {
        "channel_is_archived": channel.is_archived,
        "channel_without_bot": not channel.is_member,
        "channel_is_shared": channel.is_shared and not channel_policy.is_shared_allowed,
    }
    return tuple(Reason(code=code, facts=facts, source="Slack") for code, holds in claims.items() if holds)


def groups_in(policy: ChannelPolicy | None) -> frozenset[str]:
    """The user groups that a decision in this channel may turn on: ask Slack about these, and no others."""
    grants = policy.grants if policy else ()
    return frozenset(name for grant in grants for name in grant.requesters if name.startswith("S"))


def covers(grant: Grant, workflow: Workflow) -> bool:
    """Whether the grant names this workflow, by id or by name. Case counts: a glob never widens by spelling."""
    names = [workflow.workflow_id, *([workflow.name] if workflow.name else [])]
    return any(fnmatchcase(name, pattern) for pattern in grant.workflows for name in names)


def _by_grants(grants: list[Grant], wish: Wish, asker: Asker) -> Decision:
    refusals: list[Reason] = []
    for grant in grants:
        reasons = _why_not(grant, wish, asker)
        if not reasons:
            granted = _reason("granted", connection=wish.connection, channel=_name(asker))
            return Allow(grant=grant, reasons=(granted,))
        refusals += [reason for reason in reasons if reason not in refusals]
    return Deny(reasons=_nearest(refusals))


def _nearest(refusals: list[Reason]) -> tuple[Reason, ...]:
    """A grant that covers the workflow is nearer than one that does not: its reasons are those that help."""
    near = tuple(reason for reason in refusals if reason.code != "workflow_not_granted")
    return near or tuple(refusals)


def _why_not(grant: Grant, wish: Wish, asker: Asker) -> tuple[Reason, ...]:
    """Why this grant does not allow it; empty when it does."""
    workflow = wish.typed or wish.workflow.label
    if not covers(grant, wish.workflow):
        facts = {"workflow": workflow, "connection": wish.connection, "channel": _name(asker)}
        return (Reason(code="workflow_not_granted", facts=facts),)
    missing = tuple(
        _reason("scope_not_granted", scope=scope, connection=wish.connection, workflow=workflow)
        for scope in wish.needed_scopes
        if scope not in grant.scopes
    )
    return (*missing, *_requester_reasons(grant, wish, asker))


def _requester_reasons(grant: Grant, wish: Wish, asker: Asker) -> tuple[Reason, ...]:
    """Empty when the person is among the grant's requesters. Full membership was checked before."""
    if MEMBERS in grant.requesters or asker.person.user_id in grant.requesters:
        return ()
    groups = [name for name in grant.requesters if name.startswith("S")]
    if any(asker.memberships.get(group) for group in groups):
        return ()
    unknown = tuple(
        Reason(code="lookup_failed", facts={"subject": f"user group {group}", "cause": "Slack did not tell"}, source="Slack")
        for group in groups
        if asker.memberships.get(group) is None
    )
    return unknown or (_reason("requester_not_granted", workflow=wish.typed or wish.workflow.label, connection=wish.connection),)


def _reason(code: str, **facts: str) -> Reason:
    return Reason(code=code, facts=facts)


def _name(asker: Asker) -> str:
    return asker.channel.name
