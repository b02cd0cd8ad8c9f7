"""A decision with every fact that it rested on, to be kept: why it fell, and whether another policy would decide otherwise.

``recorded`` and ``reread`` are one pair: what was recorded is decided again by ``replayed``, from the stored facts alone. No
secret is among them: an input of the type secret holds a name only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.domain.explaining import decide
from bot.domain.grants import Grant, Policy
from bot.domain.holdings import WHOLE, Holding, Mirror
from bot.domain.model import NOTHING, Channel, Json, Person, Workflow
from bot.domain.policy import Allow, Asker, Circumstances, Decision, Deny, NeedApproval, Usage, Wish

ALLOW, NEED_APPROVAL, DENY = "allow", "need_approval", "deny"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One decision. ``verdict`` is allow, need_approval or deny; ``codes`` are those of its reasons.

    ``door`` is how it was asked for (command, button, form, worker), ``verb`` what for (launch, cancel, settle, approve, reject).
    ``facts`` hold what it rested on, as plain JSON; ``launch_id`` the launch that it is about, if there is one.
    ``seq`` counts in the order of keeping; 0 until it is stored.
    """

    at: datetime
    door: str
    verb: str
    team_id: str
    channel_id: str
    person_id: str
    connection: str
    workflow_id: str
    workflow_name: str | None
    verdict: str
    codes: tuple[str, ...]
    grant_key: str
    policy_digest: str
    launch_id: str | None = None
    facts: Mapping[str, Json] = NOTHING
    seq: int = 0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a decision was made of."""

    wish: Wish
    asker: Asker
    circumstances: Circumstances
    inputs: Mapping[str, Json] | None = None


def verdict_of(decision: Decision) -> str:
    """The verdict in one word."""
    match decision:
        case Allow():
            return ALLOW
        case NeedApproval():
            return NEED_APPROVAL
        case Deny():
            return DENY


def recorded(
    asked: Asked, decision: Decision, *, door: str, verb: str, policy_digest: str, launch_id: str | None = None
) -> Record:
    """The decision on ``asked``, with all its facts.

    Raises:
        ValueError: the circumstances do not tell the time.
    """
    wish, asker, at = asked.wish, asked.asker, asked.circumstances.now
    if at is None:
        raise ValueError("a decision without a time cannot be kept")
    return Record(
        at=at,
        door=door,
        verb=verb,
        team_id=asker.person.team_id,
        channel_id=asker.channel.channel_id,
        person_id=asker.person.user_id,
        connection=wish.connection,
        workflow_id=wish.workflow.workflow_id,
        workflow_name=wish.workflow.name,
        verdict=verdict_of(decision),
        codes=tuple(reason.code for reason in decision.reasons),
        grant_key="" if isinstance(decision, Deny) else decision.grant.key,
        policy_digest=policy_digest,
        launch_id=launch_id,
        facts=_facts(asked),
    )


def _facts(asked: Asked) -> dict[str, Json]:
    wish, asker, around = asked.wish, asked.asker, asked.circumstances
    person, channel = asker.person, asker.channel
    claims = {name: True for name in ("is_guest", "is_stranger", "is_bot", "is_deleted") if getattr(person, name)}
    marks = {name: True for name in ("is_member", "is_archived", "is_shared") if getattr(channel, name)}
    facts: dict[str, Json] = {
        "person": {"name": person.name, **claims},
        "channel": {"name": channel.name, **marks},
        "memberships": dict(asker.memberships),
        "scopes": list(wish.needed_scopes),
        "typed": wish.typed,
        "first_name": wish.first_name,
        "held": _held(asked),
        "usage": {key: [used.last_hour, used.not_over] for key, used in around.usage.items()},
        "is_start": wish.is_start,
    }
    said = {name: fact for name, fact in facts.items() if fact not in (None, [], {})}
    return said if asked.inputs is None else {**said, "inputs": dict(asked.inputs)}  # none given is not the same as not known


def _held(asked: Asked) -> list[Json]:
    """What was known then of the scopes that this needs, and only of those: a credential may hold thousands."""
    wish, now = asked.wish, asked.circumstances.now
    known = (one for scope in wish.needed_scopes for one in asked.circumstances.mirror.of(scope, wish.workflow.workflow_id))
    told = ((one, one.at(now) if now else one.is_held) for one in known)
    return [[one.scope, one.workflow_id, is_held] for one, is_held in told if is_held is not None]


def reread(record: Record) -> Asked:
    """What a recorded decision was made of.

    Raises:
        KeyError, TypeError, ValueError: the facts are not what ``recorded`` writes.
    """
    facts = record.facts
    workflow = Workflow(workflow_id=record.workflow_id, name=record.workflow_name)
    wish = Wish(
        connection=record.connection,
        workflow=workflow,
        needed_scopes=tuple(facts.get("scopes", ())),
        typed=facts.get("typed"),
        first_name=facts.get("first_name"),
        is_start=bool(facts.get("is_start", False)),
    )
    return Asked(wish=wish, asker=_asker(record), circumstances=_circumstances(record), inputs=facts.get("inputs"))


def _asker(record: Record) -> Asker:
    person, channel = dict[str, Any](record.facts["person"]), dict[str, Any](record.facts["channel"])
    return Asker(
        person=Person(user_id=record.person_id, team_id=record.team_id, **person),
        channel=Channel(channel_id=record.channel_id, **channel),
        memberships=dict(record.facts.get("memberships", {})),
    )


def _circumstances(record: Record) -> Circumstances:
    holdings = {
        (scope, workflow_id): Holding(
            connection=record.connection,
            scope=scope,
            workflow_id=workflow_id or WHOLE,
            is_held=is_held,
            evidence="as recorded",
            seen_at=record.at,
        )
        for scope, workflow_id, is_held in record.facts.get("held", ())
    }
    usage = {key: Usage(last_hour=hour, not_over=open_now) for key, (hour, open_now) in record.facts.get("usage", {}).items()}
    return Circumstances(now=record.at, mirror=Mirror(holdings=holdings), usage=usage)


def under(policy: Policy, channel_id: str, inputs: Mapping[str, Json] | None) -> dict[str, dict[str, Json]]:
    """``inputs`` as each grant of the channel would have them: with its own values filled in where none was given."""
    channel_policy = policy.channels.get(channel_id)
    if inputs is None or channel_policy is None:
        return {}
    return {grant.key: filled(grant, inputs) for grant in channel_policy.grants}


def filled(grant: Grant, inputs: Mapping[str, Json]) -> dict[str, Json]:
    """``inputs`` with what the grant gives itself, where nothing else was given."""
    return {**grant.fixed, **inputs}


def replayed(record: Record, policy: Policy) -> Decision:
    """What ``policy`` would have decided on the recorded facts.

    Raises:
        KeyError, TypeError, ValueError: the record cannot be read.
    """
    asked = reread(record)
    wish = replace(asked.wish, inputs=under(policy, record.channel_id, asked.inputs))
    return decide(policy, wish, asked.asker, asked.circumstances)
