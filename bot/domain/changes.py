"""Changes of a policy, as values: what an operator could write into the configuration, entry by entry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias, assert_never

from bot.domain.grants import ChannelPolicy, Grant, Limits, Policy


@dataclass(frozen=True, kw_only=True)
class AddRequester:
    """Name a person in a grant. ``number`` counts the channel's grants as the file does, from 1."""

    channel_id: str
    number: int
    user_id: str


@dataclass(frozen=True, kw_only=True)
class AddWorkflow:
    """Name one workflow in a grant; ``pattern`` fits its id and nothing else."""

    channel_id: str
    number: int
    pattern: str


@dataclass(frozen=True, kw_only=True)
class AddScope:
    """Name a scope in a grant."""

    channel_id: str
    number: int
    scope: str


@dataclass(frozen=True, kw_only=True)
class RaiseLimit:
    """Let a grant allow as much as was asked for."""

    channel_id: str
    number: int
    limit: Literal["per_hour", "running"]
    most: int


@dataclass(frozen=True, kw_only=True)
class AddGrant:
    """A new grant, the last one of the channel; ``is_channel_new``: the channel has no policy yet."""

    channel_id: str
    channel_name: str
    grant: Grant
    is_channel_new: bool = False


@dataclass(frozen=True, kw_only=True)
class AllowShared:
    """Allow launches in a channel although another organisation reads along."""

    channel_id: str


@dataclass(frozen=True, kw_only=True)
class ExemptFrom:
    """Except a person from a freeze, which is over at ``ends`` by itself."""

    freeze: str
    user_id: str
    ends: datetime


Change: TypeAlias = AddRequester | AddWorkflow | AddScope | RaiseLimit | AddGrant | AllowShared | ExemptFrom


def applied(policy: Policy, changes: tuple[Change, ...]) -> Policy:
    """The policy with all of ``changes`` made."""
    for change in changes:
        policy = _applied(policy, change)
    return policy


def _applied(policy: Policy, change: Change) -> Policy:
    match change:
        case AddGrant():
            return _with_grant(policy, change)
        case AllowShared():
            channel_policy = replace(policy.channels[change.channel_id], is_shared_allowed=True)
            return replace(policy, channels={**policy.channels, change.channel_id: channel_policy})
        case ExemptFrom():
            freezes = tuple(
                replace(one, exempt=(*one.exempt, change.user_id)) if one.name == change.freeze else one for one in policy.freezes
            )
            return replace(policy, freezes=freezes)
        case AddRequester() | AddWorkflow() | AddScope() | RaiseLimit():
            channel_policy = policy.channels[change.channel_id]
            grants = list(channel_policy.grants)
            grants[change.number - 1] = _wider(grants[change.number - 1], change)
            return replace(policy, channels={**policy.channels, change.channel_id: replace(channel_policy, grants=tuple(grants))})
        case _:
            assert_never(change)


def _wider(grant: Grant, change: AddRequester | AddWorkflow | AddScope | RaiseLimit) -> Grant:
    match change:
        case AddRequester():
            return replace(grant, requesters=(*grant.requesters, change.user_id))
        case AddWorkflow():
            return replace(grant, workflows=(*grant.workflows, change.pattern))
        case AddScope():
            return replace(grant, scopes=(*grant.scopes, change.scope))
        case RaiseLimit():
            limits = grant.limits or Limits()
            by_limit = {"per_hour": limits.per_hour, "running": limits.running, change.limit: change.most}
            return replace(grant, limits=Limits(per_hour=by_limit["per_hour"], running=by_limit["running"]))


def _with_grant(policy: Policy, change: AddGrant) -> Policy:
    before = policy.channels.get(change.channel_id) or ChannelPolicy(channel_id=change.channel_id, name=change.channel_name)
    after = replace(before, grants=(*before.grants, change.grant))
    return replace(policy, channels={**policy.channels, change.channel_id: after})
