"""May this person, in this channel, do this to that workflow? A decision is a value with its reasons.

Rules unite (any one grant may allow), restrictions intersect (person, channel, held scopes, freezes, limits), and nothing is allowed
by default. A fact that could not be learnt denies whatever depends on it, and only that.

Why the decision is read off the explanation (``explaining``) and not the other way round: `/launch why` can then never disagree
with what was decided.

Why approval is judged within each grant: of two grants that both fit, the one that asks for less is used, so that adding a grant
never takes anything away, and the order in which they are written never matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TypeAlias

from bot.domain.grants import ApprovalRule, ChannelPolicy, Freeze, Grant, Policy
from bot.domain.holdings import NOTHING_KNOWN, Mirror
from bot.domain.model import NOTHING, Channel, Json, Person, Reason, Workflow


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked for. ``needed_scopes`` are those of the provider that a grant must all name.

    ``typed`` is how the person named the workflow: a refusal says no more about it than they did. ``first_name`` is the name
    under which the workflow was first seen (None: as it is called now); renaming must not widen a grant.
    ``inputs``: typed inputs by ``Grant.key``, as each grant may give some itself. Without any, rules on inputs are not judged;
    else a grant that is not in it allows nothing, as the inputs could not be read for it.
    ``is_start``: something would be started, so that freezes, limits and held scopes count.
    """

    connection: str
    workflow: Workflow
    needed_scopes: tuple[str, ...]
    typed: str | None = None
    first_name: str | None = None
    inputs: Mapping[str, Mapping[str, Json]] = NOTHING
    is_start: bool = True


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asks, and where. ``memberships``: user group → is in it; None where Slack did not tell."""

    person: Person
    channel: Channel
    memberships: Mapping[str, bool | None]


@dataclass(frozen=True, kw_only=True)
class Usage:
    """How much was launched under one ``Grant.quota_key`` in one channel: in the last hour, and not over yet."""

    last_hour: int = 0
    not_over: int = 0


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What else a decision turns on: the time, what the credential holds, what was launched. ``usage`` is by ``Grant.quota_key``."""

    now: datetime | None = None
    mirror: Mirror = field(default=NOTHING_KNOWN)
    usage: Mapping[str, Usage] = NOTHING


NO_CIRCUMSTANCES = Circumstances()
_LIKE_AN_ID = re.compile(r"[0-9]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_API_NAME = re.compile(r"[A-Za-z]\w*")
"""What Salesforce's ids look like, most of them with a low line; a label of one word does so as well."""


@dataclass(frozen=True, kw_only=True)
class Allow:
    """Go. ``grant`` is the line that allows it."""

    grant: Grant
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class NeedApproval:
    """Go, once others agreed, by ``rule`` of ``grant``."""

    grant: Grant
    rule: ApprovalRule
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class Deny:
    """No go."""

    reasons: tuple[Reason, ...]


Decision: TypeAlias = Allow | NeedApproval | Deny


def person_reasons(person: Person) -> tuple[Reason, ...]:
    """Why this person may do nothing at all; empty for a full member of the workspace."""
    facts = {"person": person.user_id}
    claims = {
        "person_is_deleted": person.is_deleted,
        "person_is_bot": person.is_bot,
        "person_is_stranger": person.is_stranger,
        "person_is_guest": person.is_guest,
    }
    return tuple(Reason(code=code, facts=facts, source="Slack") for code, is_so in claims.items() if is_so)


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
    return tuple(Reason(code=code, facts=facts, source="Slack") for code, is_so in claims.items() if is_so)


def groups_in(policy: Policy, channel_policy: ChannelPolicy | None) -> frozenset[str]:
    """The user groups that a decision in this channel may turn on: ask Slack about these, and no others."""
    grants = channel_policy.grants if channel_policy else ()
    named = [*(name for grant in grants for name in grant.requesters), *(name for one in policy.freezes for name in one.exempt)]
    return frozenset(name for name in named if name.startswith("S"))


def covers(grant: Grant, workflow: Workflow, first_name: str | None = None) -> bool:
    """Whether the grant names this workflow, by id or by name. Case counts: a glob never widens by spelling.

    A name counts only when the workflow bears it and was first seen under a name that the grant covers as well. One that is
    spelt like an id never does: whoever may name workflows at the provider could call one by the id of another.
    """
    if any(fnmatchcase(workflow.workflow_id, pattern) for pattern in grant.workflows):
        return True
    if workflow.name and _is_like_id(workflow.name, workflow.workflow_id, is_told=first_name is not None):
        return False
    names = [name for name in (workflow.name, first_name) if name]
    return bool(workflow.name) and all(any(fnmatchcase(name, pattern) for pattern in grant.workflows) for name in names)


def _is_like_id(name: str, workflow_id: str, *, is_told: bool) -> bool:
    """Whether a name has the shape of an id, so that a grant which means that id could be taken to mean this workflow.

    ``is_told``: the provider told the name, and not our own configuration.
    """
    if _LIKE_AN_ID.fullmatch(name) or not is_told:
        return _LIKE_AN_ID.fullmatch(name) is not None
    are_api_names = _API_NAME.fullmatch(name) and _API_NAME.fullmatch(workflow_id) and "_" in name + workflow_id
    return bool(are_api_names) and name.casefold() != workflow_id.casefold()


def is_among(names: Iterable[str], asker: Asker) -> bool | None:
    """Whether the asker is one of ``names`` (``members``, user ids, user group ids); None where Slack did not tell."""
    listed = tuple(names)
    if "members" in listed or asker.person.user_id in listed:
        return True
    groups = [asker.memberships.get(name) for name in listed if name.startswith("S")]
    return True if any(groups) else (None if None in groups else False)


def is_frozen(freeze: Freeze, connection: str, asker: Asker, now: datetime) -> bool:
    """Whether the freeze holds for this. Who may be exempt, but Slack does not tell, is not."""
    is_about = not freeze.connections or connection in freeze.connections
    return is_about and freeze.begins <= now < freeze.ends and is_among(freeze.exempt, asker) is not True
