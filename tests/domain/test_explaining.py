"""Properties of the decision with all its rules: it only ever narrows, and what explains it is what decided it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.explaining import Explanation, decide, explain
from bot.domain.grants import ApprovalRule, Freeze, Grant, InputRule, Limits, Policy
from bot.domain.holdings import Holding, Mirror
from bot.domain.policy import Allow, Circumstances, Decision, Deny, NeedApproval, Usage
from bot.domain.records import Asked, under
from tests.builders import NOON
from tests.domain.test_records import APPROVALS, FREEZES, GRANT, POLICIES, RUN, a_policy, an_asked, asked_things

RANK: dict[type, int] = {Deny: 0, NeedApproval: 1, Allow: 2}
CLOSE = Freeze(name="close", begins=NOON - timedelta(hours=1), ends=NOON + timedelta(hours=1))


def decided(policy: Policy, asked: Asked) -> Decision:
    return explained(policy, asked).decision


def explained(policy: Policy, asked: Asked) -> Explanation:
    wish = replace(asked.wish, inputs=under(policy, "C0FINANCE", asked.inputs))
    return explain(policy, wish, asked.asker, asked.circumstances)


def rank(policy: Policy, asked: Asked) -> int:
    return RANK[type(decided(policy, asked))]


def codes(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.reasons}


def with_grants(policy: Policy, grants: list[Grant]) -> Policy:
    channel = policy.channels["C0FINANCE"]
    return replace(policy, channels={"C0FINANCE": replace(channel, grants=tuple(grants))})


# --- what narrows a grant ---


def stricter_limits(grant: Grant) -> Grant:
    limits = grant.limits or Limits()
    return replace(grant, limits=Limits(per_hour=min(limits.per_hour or 99, 1), running=min(limits.running or 99, 1)))


def stricter_rule(grant: Grant) -> Grant:
    rule = grant.inputs.get("maxAmount", InputRule())
    most = Decimal(50) if rule.max is None else min(rule.max, Decimal(50))
    return replace(grant, inputs={**grant.inputs, "maxAmount": replace(rule, max=most)})


NARROWED: dict[str, Callable[[Grant], Grant]] = {
    "without its last scope": lambda grant: replace(grant, scopes=grant.scopes[:-1]),
    "without its last workflow": lambda grant: replace(grant, workflows=grant.workflows[:-1]),
    "without its last requester": lambda grant: replace(grant, requesters=grant.requesters[:-1]),
    "with limits": stricter_limits,
    "with an input rule": stricter_rule,
    "with approval": lambda grant: replace(grant, approval=grant.approval or ApprovalRule(approvers=("S0LEADS",))),
    "with approval always": lambda grant: replace(grant, approval=grant.approval and replace(grant.approval, when={})),
    "gone": lambda grant: replace(grant, workflows=()),
}


@pytest.mark.parametrize("how", NARROWED)
@given(data=st.data(), policy=POLICIES)
def test_a_narrower_grant_never_allows_more(how: str, data: st.DataObject, policy: Policy) -> None:
    asked = data.draw(asked_things(policy))
    grants = list(policy.channels["C0FINANCE"].grants)
    if not grants:
        return
    place = data.draw(st.integers(0, len(grants) - 1))
    grants[place] = NARROWED[how](grants[place])
    usage = {**asked.circumstances.usage, grants[place].quota_key: _used(asked, policy, place)}
    narrowed = replace(asked, circumstances=replace(asked.circumstances, usage=usage))

    assert rank(with_grants(policy, grants), narrowed) <= rank(policy, asked)


def _used(asked: Asked, policy: Policy, place: int) -> Usage:
    """A narrower grant is about the same launches as before."""
    return asked.circumstances.usage[policy.channels["C0FINANCE"].grants[place].quota_key]


@given(st.data(), POLICIES)
def test_fewer_grants_never_allow_more(data: st.DataObject, policy: Policy) -> None:
    asked = data.draw(asked_things(policy))
    fewer = [grant for grant in policy.channels["C0FINANCE"].grants if data.draw(st.booleans())]

    assert rank(with_grants(policy, fewer), asked) <= rank(policy, asked)


@given(st.data(), POLICIES, FREEZES)
def test_one_more_freeze_never_allows_more(data: st.DataObject, policy: Policy, freeze: Freeze) -> None:
    asked = data.draw(asked_things(policy))

    assert rank(replace(policy, freezes=(*policy.freezes, freeze)), asked) <= rank(policy, asked)


@given(st.data(), POLICIES)
def test_a_freeze_with_fewer_exempt_never_allows_more(data: st.DataObject, policy: Policy) -> None:
    asked = data.draw(asked_things(policy))
    harder = tuple(replace(freeze, exempt=freeze.exempt[:-1]) for freeze in policy.freezes)

    assert rank(replace(policy, freezes=harder), asked) <= rank(policy, asked)


@given(st.data(), POLICIES)
def test_a_channel_that_may_not_be_shared_never_allows_more(data: st.DataObject, policy: Policy) -> None:
    asked = data.draw(asked_things(policy))
    channel = replace(policy.channels["C0FINANCE"], is_shared_allowed=False)

    assert rank(replace(policy, channels={"C0FINANCE": channel}), asked) <= rank(policy, asked)


@given(st.data(), POLICIES, st.randoms(use_true_random=False))
def test_the_order_of_rules_decides_nothing(data: st.DataObject, policy: Policy, lots: Any) -> None:
    asked = data.draw(asked_things(policy))
    grants, freezes = list(policy.channels["C0FINANCE"].grants), list(policy.freezes)
    lots.shuffle(grants)
    lots.shuffle(freezes)
    one, other = decided(policy, asked), decided(replace(with_grants(policy, grants), freezes=tuple(freezes)), asked)

    assert type(one) is type(other)
    assert sorted(map(repr, one.reasons)) == sorted(map(repr, other.reasons))
    assert getattr(one, "grant", None) == getattr(other, "grant", None)


@given(st.data(), POLICIES)
def test_what_is_not_known_to_be_missing_is_not_more_than_what_is_held(data: st.DataObject, policy: Policy) -> None:
    asked = data.draw(asked_things(policy))
    held = Holding(connection="billing", scope=RUN, is_held=True, evidence="asked", seen_at=NOON)
    known = replace(asked, circumstances=replace(asked.circumstances, mirror=Mirror(holdings={(RUN, ""): held})))
    nothing = replace(asked, circumstances=replace(asked.circumstances, mirror=Mirror(holdings={})))

    assert rank(policy, known) == rank(policy, nothing) >= rank(policy, asked)


# --- the explanation is the decision ---


@given(st.data(), POLICIES)
def test_the_explanation_ends_in_the_decision(data: st.DataObject, policy: Policy) -> None:
    asked = data.draw(asked_things(policy))
    wish = replace(asked.wish, inputs=under(policy, "C0FINANCE", asked.inputs))
    explanation = explain(policy, wish, asked.asker, asked.circumstances)

    assert decide(policy, wish, asked.asker, asked.circumstances) == explanation.decision
    fits = any(one.is_met for one in explanation.grants) and all(finding.is_met for finding in explanation.around)
    assert isinstance(explanation.decision, Deny) is not fits
    if not isinstance(explanation.decision, Deny):
        assert explanation.decision.grant in [one.grant for one in explanation.grants if one.is_met]


@given(st.data(), POLICIES)
def test_every_reason_of_a_denial_stands_in_the_explanation(data: st.DataObject, policy: Policy) -> None:
    explanation = explained(policy, data.draw(asked_things(policy)))
    unmet = [finding.reason for finding in explanation.around if not finding.is_met]
    unmet += [reason for one in explanation.grants for reason in one.refusals]

    if isinstance(explanation.decision, Deny) and explanation.grants:
        assert explanation.decision.reasons
        assert all(reason in unmet for reason in explanation.decision.reasons)


@given(st.data(), POLICIES)
def test_who_can_do_nothing_is_told_nothing_of_the_grants(data: st.DataObject, policy: Policy) -> None:
    asked = data.draw(asked_things(policy))
    guest = replace(asked, asker=replace(asked.asker, person=replace(asked.asker.person, is_guest=True)))

    assert explained(policy, guest).grants == ()


# --- approval within a grant ---


def needs(**rule: Any) -> Grant:
    return replace(GRANT, approval=ApprovalRule(approvers=("S0LEADS",), **rule))


def test_a_grant_with_approval_needs_it() -> None:
    decision = decided(a_policy(needs(required=2)), an_asked())

    assert isinstance(decision, NeedApproval)
    assert (decision.rule.required, codes(decision)) == (2, {"granted", "approval_needed"})


def test_of_two_grants_that_fit_the_one_that_asks_for_less_is_used() -> None:
    assert isinstance(decided(a_policy(needs(), GRANT), an_asked()), Allow)
    decision = decided(a_policy(needs(required=3), needs(required=2)), an_asked())
    assert isinstance(decision, NeedApproval)
    assert decision.rule.required == 2


@pytest.mark.parametrize(
    ("amount", "kind"), [("100", Allow), ("100.01", NeedApproval), ("7", Allow), (None, NeedApproval)], ids=str
)
def test_when_asks_only_where_its_rule_holds_or_cannot_be_judged(amount: str | None, kind: type) -> None:
    grant = needs(when={"maxAmount": InputRule(min=Decimal("100.01"))})
    asked = replace(an_asked(), inputs={} if amount is None else {"maxAmount": Decimal(amount)})

    assert type(decided(a_policy(grant), asked)) is kind


def test_without_inputs_when_cannot_say_no() -> None:
    grant = needs(when={"maxAmount": InputRule(min=Decimal(100))})

    assert isinstance(decided(a_policy(grant), replace(an_asked(), inputs=None)), NeedApproval)


@given(APPROVALS)
def test_approval_never_denies(rule: ApprovalRule) -> None:
    assert not isinstance(decided(a_policy(replace(GRANT, approval=rule)), an_asked()), Deny)


# --- limits, freezes, held scopes: only where something would start ---


@pytest.mark.parametrize(
    ("policy", "circumstances", "code"),
    [
        (a_policy(GRANT, freezes=(CLOSE,)), {}, "frozen"),
        (a_policy(replace(GRANT, limits=Limits(per_hour=2))), {"usage": {GRANT.quota_key: Usage(last_hour=2)}}, "limit_per_hour"),
        (a_policy(replace(GRANT, limits=Limits(running=1))), {"usage": {GRANT.quota_key: Usage(not_over=1)}}, "limit_running"),
        (
            a_policy(GRANT),
            {
                "mirror": Mirror(
                    holdings={
                        (RUN, "396"): Holding(
                            connection="billing", scope=RUN, workflow_id="396", is_held=False, evidence="asked", seen_at=NOON
                        )
                    }
                )
            },
            "scope_not_held",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_stops_a_start_stops_nothing_else(policy: Policy, circumstances: dict[str, Any], code: str) -> None:
    asked = an_asked(**circumstances)
    other = replace(asked, wish=replace(asked.wish, is_start=False))

    assert codes(decided(policy, asked)) == {code}
    assert isinstance(decided(policy, other), Allow)


def test_what_is_missing_for_another_workflow_is_not_missing_here() -> None:
    holding = Holding(connection="billing", scope=RUN, workflow_id="397", is_held=False, evidence="asked", seen_at=NOON)

    assert isinstance(decided(a_policy(GRANT), an_asked(mirror=Mirror(holdings={(RUN, "397"): holding}))), Allow)


def test_a_circumstance_without_a_time_judges_no_freeze() -> None:
    asked = replace(an_asked(), circumstances=Circumstances())

    assert isinstance(decided(a_policy(GRANT, freezes=(CLOSE,)), asked), Allow)
