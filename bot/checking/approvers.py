"""Can enough people agree? An approval rule that nobody can meet lets every launch expire.

Judged for each person who may ask: the requester does not count, unless the rule says so. Who may agree only after an
escalation is counted too. Where Slack did not tell who somebody is, nothing is said of the rule: that is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from bot.checking.facts import Unknown
from bot.checking.findings import Checked, Level
from bot.checking.places import Places
from bot.domain.grants import MEMBERS, ApprovalRule, Grant, Policy
from bot.domain.model import Person
from bot.domain.policy import person_reasons

_LISTED = 5
Groups: TypeAlias = Mapping[str, frozenset[str] | Unknown]
People: TypeAlias = Mapping[str, Person | Unknown]


def approver_findings(policy: Policy, groups: Groups, people: People, places: Places) -> Iterator[Checked]:
    """Every approval rule that cannot be met, by anybody or by some who may ask."""
    for channel_id, channel in policy.channels.items():
        for number, grant in enumerate(channel.grants):
            found = None if grant.approval is None else _unmet(grant, grant.approval, groups, people)
            if found is not None:
                level, code, words = found
                subject = f"approval in channel {channel_id}, grant {number + 1}"
                place = places.line(("channels", channel_id, "grants", number, "approval"))
                yield Checked(level=level, code=code, subject=subject, words=words, place=place)


def _unmet(grant: Grant, rule: ApprovalRule, groups: Groups, people: People) -> tuple[Level, str, str] | None:
    approvers = full_members((*rule.approvers, *rule.escalate_to), groups, people)
    if approvers is None:
        return None
    if len(approvers) < rule.required:
        words = f"needs {rule.required} people, and {_count(approvers)} can agree, so no launch can ever be approved"
        return Level.FAULT, "approval_unreachable", words
    if len(approvers) > rule.required or rule.self_approval or rule.single_operator:
        return None
    stuck = sorted(approvers & _askers(grant, groups, approvers))
    if not stuck:
        return None
    listed = ", ".join(stuck[:_LISTED]) + (", …" if len(stuck) > _LISTED else "")
    words = (
        f"needs {rule.required} besides whoever asks, and exactly {rule.required} can agree: it cannot be met when one of them "
    )
    return Level.WARNING, "approval_unreachable_for", f"{words}asks ({listed})"


def full_members(names: tuple[str, ...], groups: Groups, people: People) -> frozenset[str] | None:
    """The full members among these people and groups; None where that is everybody, or not known."""
    ids: set[str] = set()
    for name in names:
        if name == MEMBERS:
            return None
        found = groups.get(name) if name.startswith("S") else frozenset({name})
        if isinstance(found, frozenset):
            ids |= found
        elif found is None or found.cause != "no_such_subteam":
            return None
    known = [people.get(user_id) for user_id in ids]
    if any(person is None or (isinstance(person, Unknown) and person.cause != "user_not_found") for person in known):
        return None
    return frozenset(person.user_id for person in known if isinstance(person, Person) and not person_reasons(person))


def _askers(grant: Grant, groups: Groups, approvers: frozenset[str]) -> frozenset[str]:
    """Those of the approvers who may ask as well."""
    if MEMBERS in grant.requesters:
        return approvers
    members = [groups.get(name) for name in grant.requesters if name.startswith("S")]
    asking = {user_id for found in members if isinstance(found, frozenset) for user_id in found}
    return approvers & (asking | set(grant.requesters))


def _count(approvers: frozenset[str]) -> str:
    return {0: "nobody", 1: "only one person"}.get(len(approvers), f"only {len(approvers)}")
