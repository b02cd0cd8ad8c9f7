"""What would let a denied wish through: the smallest change of the policy, who may have it here already, and where else.

Why a grant that names the workflow is mended before any other: another one may lack its input rules or its approval, and
advice must not show a way around them. For the same reason a value that a grant does not allow is never met by a change.

Why changes are tried out and not only read off the reasons: a grant that does not name the workflow says nothing else yet,
and one that is changed may count launches anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from bot.domain.changes import (
    AddGrant,
    AddRequester,
    AddScope,
    AddWorkflow,
    AllowShared,
    Change,
    ExemptFrom,
    RaiseLimit,
    applied,
)
from bot.domain.explaining import Explanation, GrantFindings, explain
from bot.domain.grants import Grant, Policy
from bot.domain.model import NOTHING, Reason, distinct
from bot.domain.policy import Deny, covers
from bot.domain.records import Asked, under

_MOST_ROUNDS = 8
_GLOB = re.compile(r"([*?\[])")
_FREE_OF_REQUESTER = frozenset({"requester", "input", "limit"})


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What would let a wish through: all of ``changes`` together, unless ``beyond`` names what no policy can change."""

    changes: tuple[Change, ...] = ()
    beyond: tuple[Reason, ...] = ()


def explained(policy: Policy, asked: Asked) -> Explanation:
    """What ``policy`` says to what was asked."""
    inputs = NOTHING if asked.inputs is None else under(policy, asked.asker.channel.channel_id, asked.inputs)
    return explain(policy, replace(asked.wish, inputs=inputs), asked.asker, asked.circumstances)


def who_could(policy: Policy, asked: Asked) -> tuple[str, ...]:
    """Whom the grants of this channel name for this workflow: ``members``, user ids and user group ids; each once, in order."""
    grants = explained(policy, asked).grants
    open_to_others = [
        one.grant for one in grants if all(found.is_met or found.rule in _FREE_OF_REQUESTER for found in one.findings)
    ]
    return tuple(dict.fromkeys(name for grant in open_to_others for name in grant.requesters))


def where_else(policy: Policy, asked: Asked) -> tuple[str, ...]:
    """The other channels that have a grant for this workflow; whether it helps this person is another question."""
    wish, here = asked.wish, asked.asker.channel.channel_id
    return tuple(
        channel_id
        for channel_id, channel_policy in policy.channels.items()
        if channel_id != here
        and any(
            grant.connection == wish.connection and covers(grant, wish.workflow, wish.first_name)
            for grant in channel_policy.grants
        )
    )


def smallest_change(policy: Policy, asked: Asked) -> Advice:
    """The fewest entries of the policy by which ``asked`` is no longer denied; nothing where it is not."""
    explanation = explained(policy, asked)
    if not isinstance(explanation.decision, Deny):
        return Advice()
    about_person = tuple(one.reason for one in explanation.around if one.rule == "person" and not one.is_met)
    if about_person:
        return Advice(beyond=about_person)
    place = _about_place(policy, asked)
    mended, asked = applied(policy, place.changes), _as_if_there(asked)
    mending = _about_grants(mended, asked)
    freezing = _about_freezes(applied(mended, mending.changes), asked)
    changes = (*place.changes, *mending.changes, *freezing.changes)
    return Advice(changes=changes, beyond=distinct((*place.beyond, *mending.beyond, *freezing.beyond)))


def said_as(advice: Advice, typed: str) -> Advice:
    """The advice with the workflow as the person called it: an answer says no more about it than they did."""
    return replace(advice, changes=tuple(_said_as(change, only(typed)) for change in advice.changes))


def only(workflow_id: str) -> str:
    """A pattern that fits this workflow and no other."""
    return _GLOB.sub(r"[\1]", workflow_id)


def _said_as(change: Change, pattern: str) -> Change:
    match change:
        case AddWorkflow():
            return replace(change, pattern=pattern)
        case AddGrant():
            return replace(change, grant=replace(change.grant, workflows=(pattern,)))
        case _:
            return change


def _about_place(policy: Policy, asked: Asked) -> Advice:
    """What stands in the way of any launch in this channel."""
    channel = asked.asker.channel
    changes: tuple[Change, ...] = ()
    if channel.channel_id not in policy.channels:
        changes = (
            AddGrant(channel_id=channel.channel_id, channel_name=channel.name, grant=_new_grant(asked), is_channel_new=True),
        )
    reasons = [
        one.reason for one in explained(applied(policy, changes), asked).around if one.rule == "channel" and not one.is_met
    ]
    if any(reason.code == "channel_is_shared" for reason in reasons):
        changes = (*changes, AllowShared(channel_id=channel.channel_id))
    return Advice(changes=changes, beyond=tuple(reason for reason in reasons if reason.code != "channel_is_shared"))


def _as_if_there(asked: Asked) -> Asked:
    """As if the bot were in the channel, so that the grants can be looked at all the same."""
    channel = replace(asked.asker.channel, is_archived=False, is_member=True)
    return replace(asked, asker=replace(asked.asker, channel=channel))


def _new_grant(asked: Asked) -> Grant:
    wish = asked.wish
    return Grant(
        connection=wish.connection,
        scopes=wish.needed_scopes,
        workflows=(only(wish.workflow.workflow_id),),
        requesters=(asked.asker.person.user_id,),
    )


def _about_grants(policy: Policy, asked: Asked) -> Advice:
    """The grant that needs least, and what it needs; a new one where the connection has none."""
    channel, wish = asked.asker.channel, asked.wish
    grants = explained(policy, asked).grants
    if not grants:
        change = AddGrant(channel_id=channel.channel_id, channel_name=channel.name, grant=_new_grant(asked))
        policy = applied(policy, (change,))
        (added,) = explained(policy, asked).grants
        return Advice(changes=(change,), beyond=added.refusals)
    near = [one for one in grants if covers(one.grant, wish.workflow, wish.first_name)]
    options = [_mending(policy, asked, one.number) for one in near or grants]
    return min(options, key=lambda option: (len(option.beyond), len(option.changes)))


def _mending(policy: Policy, asked: Asked, number: int) -> Advice:
    """What this one grant needs, found by trying: each round may bring up what the round before kept hidden."""
    changes: tuple[Change, ...] = ()
    for _ in range(_MOST_ROUNDS):
        (found,) = [one for one in explained(applied(policy, changes), asked).grants if one.number == number]
        steps = _steps(found, asked)
        if not steps:
            return Advice(changes=changes, beyond=found.refusals)
        changes = (*changes, *steps)
    raise AssertionError("a grant that is mended entry by entry is mended in the end")


def _steps(found: GrantFindings, asked: Asked) -> tuple[Change, ...]:
    """Limits come last: a grant that names somebody new counts anew."""
    place, person = asked.asker.channel.channel_id, asked.asker.person
    widening: list[Change] = []
    raising: list[Change] = []
    for reason in found.refusals:
        match reason.code:
            case "workflow_not_granted" | "workflow_renamed":
                pattern = only(asked.wish.workflow.workflow_id)
                widening.append(AddWorkflow(channel_id=place, number=found.number, pattern=pattern))
            case "scope_not_granted":
                widening.append(AddScope(channel_id=place, number=found.number, scope=reason.facts["scope"]))
            case "requester_not_granted":
                widening.append(AddRequester(channel_id=place, number=found.number, user_id=person.user_id))
            case "limit_per_hour" | "limit_running":
                limit: Literal["per_hour", "running"] = "per_hour" if reason.code == "limit_per_hour" else "running"
                most = int(reason.facts["count"]) + 1
                raising.append(RaiseLimit(channel_id=place, number=found.number, limit=limit, most=most))
            case _:
                pass
    return tuple(widening or raising)


def _about_freezes(policy: Policy, asked: Asked) -> Advice:
    """Whoever may be exempt, but Slack does not tell, needs an answer of Slack's and no change."""
    reasons = [one.reason for one in explained(policy, asked).around if one.rule == "freeze" and not one.is_met]
    frozen = {reason.facts["freeze"] for reason in reasons if reason.code == "frozen"}
    ends = {freeze.name: freeze.ends for freeze in policy.freezes if freeze.name in frozen}
    user_id = asked.asker.person.user_id
    changes = tuple(ExemptFrom(freeze=name, user_id=user_id, ends=end) for name, end in ends.items())
    return Advice(changes=changes, beyond=tuple(reason for reason in reasons if reason.code != "frozen"))
