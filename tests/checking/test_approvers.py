"""Whether enough people can agree, for each who may ask."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.checking.approvers import approver_findings
from bot.checking.facts import Unknown
from bot.domain.grants import ApprovalRule
from bot.domain.model import Person
from tests.checking.facts import bad, places
from tests.policing.house import SMALL, a_policy

GROUPS = {"S0TWO": frozenset({"U0BOB", "U0CAROL"}), "S0GUESTS": frozenset({"U0BOB", "U0GUEST"}), "S0NONE": frozenset[str]()}
PEOPLE = {
    **{user_id: Person(user_id=user_id, team_id="T", name=user_id) for user_id in ("U0ALICE", "U0BOB", "U0CAROL")},
    "U0GUEST": Person(user_id="U0GUEST", team_id="T", name="guest", is_guest=True),
}


def found(tmp_path: Path, requesters: tuple[str, ...] = ("members",), **rule: Any) -> list[str]:
    grant = replace(SMALL, requesters=requesters, approval=ApprovalRule(**rule))
    policy = a_policy(grant)
    return [code for _, code, _ in bad(approver_findings(policy, GROUPS, PEOPLE, places(tmp_path)))]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"approvers": ("S0TWO",), "required": 1}, []),
        ({"approvers": ("S0TWO",), "required": 2}, ["approval_unreachable_for"]),
        ({"approvers": ("S0TWO",), "required": 3}, ["approval_unreachable"]),
        ({"approvers": ("S0TWO", "U0ALICE"), "required": 2}, []),
        ({"approvers": ("S0TWO", "U0BOB"), "required": 3}, ["approval_unreachable"]),
        ({"approvers": ("members",), "required": 9}, []),
        ({"approvers": ("S0NONE",), "required": 1}, ["approval_unreachable"]),
        ({"approvers": ("S0GUESTS",), "required": 2}, ["approval_unreachable"]),
        ({"approvers": ("S0TWO",), "required": 2, "self_approval": True}, []),
        ({"approvers": ("U0BOB",), "required": 1, "single_operator": True}, []),
        ({"approvers": ("U0BOB",), "required": 1}, ["approval_unreachable_for"]),
        ({"approvers": ("U0BOB",), "required": 2, "escalate_to": ("S0TWO",)}, ["approval_unreachable_for"]),
    ],
)
def test_too_few_approvers_are_told(tmp_path: Path, rule: dict[str, Any], expected: list[str]) -> None:
    assert found(tmp_path, **rule) == expected


@pytest.mark.parametrize(
    ("requesters", "is_stuck"),
    [(("members",), True), (("S0TWO",), True), (("U0BOB",), True), (("U0ALICE",), False), (("S0NONE",), False)],
)
def test_only_those_who_may_ask_can_be_stuck(tmp_path: Path, requesters: tuple[str, ...], is_stuck: bool) -> None:
    assert bool(found(tmp_path, requesters, approvers=("S0TWO",), required=2)) is is_stuck


def test_who_is_stuck_is_named(tmp_path: Path) -> None:
    grant = replace(SMALL, approval=ApprovalRule(approvers=("S0TWO",), required=2))
    (one,) = approver_findings(a_policy(grant), GROUPS, PEOPLE, places(tmp_path))

    assert "(U0BOB, U0CAROL)" in one.words
    assert one.subject == "approval in channel C0FINANCE, grant 1"


@pytest.mark.parametrize("cause", ["ratelimited", "unreachable"])
def test_of_what_slack_did_not_tell_nothing_is_said_here(tmp_path: Path, cause: str) -> None:
    policy = a_policy(replace(SMALL, approval=ApprovalRule(approvers=("S0GONE",), required=2)))

    assert list(approver_findings(policy, {"S0GONE": Unknown(cause=cause)}, PEOPLE, places(tmp_path))) == []


def test_a_member_who_was_not_looked_up_stops_the_count(tmp_path: Path) -> None:
    policy = a_policy(replace(SMALL, approval=ApprovalRule(approvers=("S0LARGE",), required=2)))

    assert list(approver_findings(policy, {"S0LARGE": frozenset({"U0X"})}, PEOPLE, places(tmp_path))) == []
