"""What would let a denied wish through: shown on cases, and held to for every policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.advice import Advice, explained, only, smallest_change, where_else, who_could
from bot.domain.changes import AddGrant, AddRequester, AddScope, AddWorkflow, AllowShared, ExemptFrom, RaiseLimit, applied
from bot.domain.grants import ApprovalRule, ChannelPolicy, Freeze, Grant, InputRule, Limits, Policy
from bot.domain.holdings import Holding, Mirror
from bot.domain.model import Channel, Json, Person, Workflow
from bot.domain.policy import Asker, Circumstances, Deny, NeedApproval, Usage, Wish, covers
from bot.domain.records import Asked
from tests.builders import NOON

RUN, VIEW = "Workflow Run Access", "Workflow View Access"
BOB = Person(user_id="U0BOB", team_id="T0GONOGO", name="bob")
FINANCE = Channel(channel_id="C0FINANCE", name="finance-ops", is_member=True)
DUNNING = Workflow(workflow_id="396", name="Dunning run")
GRANT = Grant(connection="billing", scopes=(RUN,), workflows=("396",), requesters=("U0ALICE",))


def a_policy(*grants: Grant, freezes: tuple[Freeze, ...] = (), **channel: Any) -> Policy:
    here = ChannelPolicy(**({"channel_id": "C0FINANCE", "name": "finance-ops", "grants": grants} | channel))
    return Policy(channels={here.channel_id: here}, digest="made-up", freezes=freezes)


def asked(
    *,
    channel: Channel = FINANCE,
    person: Person = BOB,
    memberships: Mapping[str, bool | None] | None = None,
    around: Circumstances | None = None,
    inputs: Mapping[str, Json] | None = None,
    **wish: Any,
) -> Asked:
    return Asked(
        wish=Wish(**({"connection": "billing", "workflow": DUNNING, "needed_scopes": (RUN,)} | wish)),
        asker=Asker(person=person, channel=channel, memberships=memberships or {}),
        circumstances=around or Circumstances(now=NOON),
        inputs=inputs,
    )


def beyond(advice: Advice) -> list[str]:
    return [reason.code for reason in advice.beyond]


# --- the smallest change ---


def test_what_is_allowed_needs_no_change() -> None:
    assert smallest_change(a_policy(replace(GRANT, requesters=("members",))), asked()) == Advice()


def test_whoever_is_not_named_is_to_be_named() -> None:
    assert smallest_change(a_policy(replace(GRANT, connection="crm"), GRANT), asked()) == Advice(
        changes=(AddRequester(channel_id="C0FINANCE", number=2, user_id="U0BOB"),)
    )


def test_a_workflow_is_added_by_its_id_and_what_that_uncovers_as_well() -> None:
    grant = Grant(connection="billing", scopes=(VIEW,), workflows=("Refund *",), requesters=("U0ALICE",))

    assert smallest_change(a_policy(grant), asked()).changes == (
        AddWorkflow(channel_id="C0FINANCE", number=1, pattern="396"),
        AddScope(channel_id="C0FINANCE", number=1, scope=RUN),
        AddRequester(channel_id="C0FINANCE", number=1, user_id="U0BOB"),
    )


def test_of_several_grants_the_one_that_needs_least_is_changed() -> None:
    policy = a_policy(replace(GRANT, scopes=()), GRANT, replace(GRANT, scopes=(VIEW,)))

    assert smallest_change(policy, asked()).changes == (AddRequester(channel_id="C0FINANCE", number=2, user_id="U0BOB"),)


def test_a_renamed_workflow_is_added_by_its_id() -> None:
    policy = a_policy(replace(GRANT, workflows=("Dunning *",), requesters=("members",)))

    assert smallest_change(policy, asked(first_name="Wire money")).changes == (
        AddWorkflow(channel_id="C0FINANCE", number=1, pattern="396"),
    )


def test_a_connection_without_a_grant_gets_one_for_this_person_and_this_workflow_alone() -> None:
    grant = Grant(connection="billing", scopes=(RUN,), workflows=("396",), requesters=("U0BOB",))

    assert smallest_change(a_policy(replace(GRANT, connection="crm")), asked()).changes == (
        AddGrant(channel_id="C0FINANCE", channel_name="finance-ops", grant=grant),
    )


def test_a_channel_without_a_policy_gets_one_grant() -> None:
    (change,) = smallest_change(Policy(channels={}, digest=""), asked()).changes

    assert isinstance(change, AddGrant)
    assert change.is_channel_new
    assert change.grant.requesters == ("U0BOB",)


def test_a_shared_channel_is_to_be_allowed_besides_what_else_is_missing() -> None:
    advice = smallest_change(a_policy(GRANT), asked(channel=replace(FINANCE, is_shared=True)))

    assert advice.changes == (
        AllowShared(channel_id="C0FINANCE"),
        AddRequester(channel_id="C0FINANCE", number=1, user_id="U0BOB"),
    )


@pytest.mark.parametrize(("limit", "usage"), [("per_hour", Usage(last_hour=7)), ("running", Usage(not_over=7))])
def test_a_limit_is_raised_by_what_one_more_launch_takes(limit: Any, usage: Usage) -> None:
    grant = replace(GRANT, requesters=("members",), limits=Limits(**{limit: 5}))
    around = Circumstances(now=NOON, usage={grant.quota_key: usage})

    assert smallest_change(a_policy(grant), asked(around=around)).changes == (
        RaiseLimit(channel_id="C0FINANCE", number=1, limit=limit, most=8),
    )


def test_a_limit_that_naming_somebody_new_lifts_is_left_alone() -> None:
    grant = replace(GRANT, limits=Limits(per_hour=1))
    around = Circumstances(now=NOON, usage={grant.quota_key: Usage(last_hour=1)})

    assert smallest_change(a_policy(grant), asked(around=around)).changes == (
        AddRequester(channel_id="C0FINANCE", number=1, user_id="U0BOB"),
    )


def test_a_freeze_names_whom_to_except_and_when_it_is_over_anyway() -> None:
    freeze = Freeze(name="month-end", begins=NOON - timedelta(hours=1), ends=NOON + timedelta(hours=1))
    policy = a_policy(replace(GRANT, requesters=("members",)), freezes=(freeze,))

    assert smallest_change(policy, asked()).changes == (ExemptFrom(freeze="month-end", user_id="U0BOB", ends=freeze.ends),)


@pytest.mark.parametrize("flag", ["is_guest", "is_stranger", "is_bot", "is_deleted"])
def test_for_who_is_no_full_member_no_change_is_proposed(flag: str) -> None:
    advice = smallest_change(a_policy(GRANT), asked(person=replace(BOB, **{flag: True})))

    assert advice.changes == ()
    assert beyond(advice) == [f"person_{flag}"]


def test_a_scope_that_the_credential_lacks_is_beyond_the_policy() -> None:
    missing = Holding(connection="billing", scope=RUN, is_held=False, evidence="HTTP 403", seen_at=NOON)
    around = Circumstances(now=NOON, mirror=Mirror(holdings={(RUN, ""): missing}))

    advice = smallest_change(a_policy(GRANT), asked(around=around))

    assert advice.changes == (AddRequester(channel_id="C0FINANCE", number=1, user_id="U0BOB"),)
    assert beyond(advice) == ["scope_not_held"]


def test_a_value_that_the_grant_does_not_allow_is_no_reason_to_change_the_policy() -> None:
    strict = replace(GRANT, requesters=("members",), inputs={"maxAmount": InputRule(max=Decimal(500))})
    loose = replace(GRANT, workflows=("400",), requesters=("members",))

    advice = smallest_change(a_policy(strict, loose), asked(inputs={"maxAmount": 900}))

    assert advice.changes == ()
    assert beyond(advice) == ["input_too_large"]


def test_no_way_around_an_approval_is_proposed() -> None:
    bound = replace(GRANT, approval=ApprovalRule(approvers=("S0LEADS",)))
    free = replace(GRANT, workflows=("400",), requesters=("members",))
    policy = a_policy(free, bound)

    after = applied(policy, smallest_change(policy, asked()).changes)

    assert isinstance(explained(after, asked()).decision, NeedApproval)


def test_what_slack_did_not_tell_is_beyond_the_policy() -> None:
    advice = smallest_change(a_policy(replace(GRANT, requesters=("S0LEADS",))), asked(memberships={"S0LEADS": None}))

    assert (advice.changes, beyond(advice)) == ((), ["lookup_failed"])


def test_whether_a_freeze_exempts_somebody_that_slack_did_not_tell_is_beyond_the_policy() -> None:
    freeze = Freeze(name="month-end", begins=NOON - timedelta(hours=1), ends=NOON + timedelta(hours=1), exempt=("S0LEADS",))

    advice = smallest_change(a_policy(freezes=(freeze,)), asked(memberships={"S0LEADS": None}))

    assert [type(change) for change in advice.changes] == [AddGrant]
    assert beyond(advice) == ["lookup_failed"]


def test_where_the_bot_is_missing_the_rest_is_proposed_all_the_same() -> None:
    advice = smallest_change(a_policy(GRANT), asked(channel=replace(FINANCE, is_member=False)))

    assert advice.changes == (AddRequester(channel_id="C0FINANCE", number=1, user_id="U0BOB"),)
    assert beyond(advice) == ["channel_without_bot"]


@given(st.text(min_size=1, max_size=8), st.text(max_size=8))
def test_a_proposed_pattern_fits_one_id_and_no_other(workflow_id: str, other: str) -> None:
    grant = replace(GRANT, workflows=(only(workflow_id),))

    assert covers(grant, Workflow(workflow_id=workflow_id))
    assert covers(grant, Workflow(workflow_id=other)) is (other == workflow_id)


# --- who, and where ---


def test_who_could_are_the_requesters_of_grants_that_would_allow_it() -> None:
    policy = a_policy(
        replace(GRANT, requesters=("U0CAROL", "S0LEADS")),
        replace(GRANT, requesters=("U0CAROL", "U0ALICE"), limits=Limits(per_hour=1)),
        replace(GRANT, scopes=(), requesters=("U0NOSCOPE",)),
        replace(GRANT, workflows=("400",), requesters=("U0OTHER",)),
        replace(GRANT, connection="crm", requesters=("U0CRM",)),
    )

    assert who_could(policy, asked()) == ("U0CAROL", "S0LEADS", "U0ALICE")


def test_nobody_could_what_the_credential_cannot() -> None:
    missing = Holding(connection="billing", scope=RUN, is_held=False, evidence="HTTP 403", seen_at=NOON)
    around = Circumstances(now=NOON, mirror=Mirror(holdings={(RUN, ""): missing}))

    assert who_could(a_policy(GRANT), asked(around=around)) == ()


def test_elsewhere_are_other_channels_whose_grants_name_the_workflow() -> None:
    others = {
        "C0ONE": ChannelPolicy(channel_id="C0ONE", name="one", grants=(GRANT,)),
        "C0TWO": ChannelPolicy(channel_id="C0TWO", name="two", grants=(replace(GRANT, workflows=("400",)),)),
        "C0THREE": ChannelPolicy(channel_id="C0THREE", name="three", grants=(replace(GRANT, connection="crm"),)),
    }
    policy = a_policy(GRANT)

    assert where_else(replace(policy, channels={**policy.channels, **others}), asked()) == ("C0ONE",)


# --- for every policy ---

GROUPS = ["S0LEADS", "S0CONTROLLERS"]
REQUESTERS = st.sampled_from(["members", "U0ALICE", "U0BOB", *GROUPS])


def several(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(values, max_size=3, unique=True).map(tuple)


GRANTS = st.builds(
    Grant,
    connection=st.sampled_from(["billing", "billing", "crm"]),
    scopes=several(st.sampled_from([RUN, VIEW])),
    workflows=several(st.sampled_from(["396", "400", "*", "Dunning *", "40[0-9]"])),
    requesters=several(REQUESTERS),
    limits=st.none() | st.builds(Limits, per_hour=st.none() | st.integers(1, 3), running=st.none() | st.integers(1, 3)),
    approval=st.none() | st.just(ApprovalRule(approvers=("S0LEADS",))),
    inputs=st.just({}) | st.just({"maxAmount": InputRule(max=Decimal(500))}),
)
FREEZES = st.lists(
    st.builds(
        Freeze,
        name=st.sampled_from(["one", "two"]),
        begins=st.just(NOON - timedelta(hours=1)),
        ends=st.sampled_from([NOON, NOON + timedelta(hours=1)]),
        connections=several(st.sampled_from(["billing", "crm"])),
        exempt=several(REQUESTERS),
    ),
    max_size=3,
    unique_by=lambda freeze: freeze.name,
).map(tuple)
POLICIES = st.builds(
    lambda grants, freezes, is_shared: a_policy(*grants, freezes=freezes, is_shared_allowed=is_shared),
    st.lists(GRANTS, max_size=4),
    FREEZES,
    st.booleans(),
) | st.just(Policy(channels={}, digest=""))
USAGES = st.builds(Usage, last_hour=st.integers(0, 5), not_over=st.integers(0, 5))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Policy, Asked]:
    policy = draw(POLICIES)
    here = policy.channels.get("C0FINANCE")
    usage = {grant.quota_key: draw(USAGES) for grant in (here.grants if here else ())}
    workflow = draw(st.sampled_from([DUNNING, Workflow(workflow_id="400"), Workflow(workflow_id="4*[0]", name="Dunning two")]))
    one = asked(
        channel=draw(st.sampled_from([FINANCE, replace(FINANCE, is_shared=True), replace(FINANCE, is_member=False)])),
        person=draw(st.sampled_from([BOB, BOB, BOB, replace(BOB, is_guest=True)])),
        memberships=draw(st.dictionaries(st.sampled_from(GROUPS), st.sampled_from([True, False, None]))),
        around=Circumstances(now=NOON, usage=usage),
        inputs=draw(st.none() | st.fixed_dictionaries({"maxAmount": st.sampled_from([100, 900])})),
        workflow=workflow,
        first_name=draw(st.sampled_from([None, "Dunning one", "Wire money"])),
        needed_scopes=draw(several(st.sampled_from([RUN, VIEW]))),
    )
    return policy, one


def is_denied(policy: Policy, one: Asked) -> bool:
    return isinstance(explained(policy, one).decision, Deny)


@given(cases())
def test_after_the_change_nothing_is_denied_that_a_policy_can_allow(case: tuple[Policy, Asked]) -> None:
    policy, one = case
    advice = smallest_change(policy, one)

    assert is_denied(applied(policy, advice.changes), one) is bool(advice.beyond)


@given(cases())
def test_every_entry_of_the_change_is_needed(case: tuple[Policy, Asked]) -> None:
    policy, one = case
    advice = smallest_change(policy, one)
    rest = [advice.changes[:place] + advice.changes[place + 1 :] for place in range(len(advice.changes))]

    assert all(is_denied(applied(policy, changes), one) for changes in rest if not _is_broken(policy, changes))


@given(cases())
def test_the_change_names_this_person_and_this_workflow_and_nothing_wider(case: tuple[Policy, Asked]) -> None:
    policy, one = case
    for change in smallest_change(policy, one).changes:
        match change:
            case AddRequester() | ExemptFrom():
                assert change.user_id == "U0BOB"
            case AddWorkflow():
                assert change.pattern == only(one.wish.workflow.workflow_id)
            case AddScope():
                assert change.scope in one.wish.needed_scopes
            case AddGrant():
                assert change.grant.requesters == ("U0BOB",)
                assert change.grant.workflows == (only(one.wish.workflow.workflow_id),)
            case _:
                assert isinstance(change, RaiseLimit | AllowShared)


def _is_broken(policy: Policy, changes: tuple[Any, ...]) -> bool:
    """Without the grant that brings the channel its policy, the others have nowhere to go."""
    return "C0FINANCE" not in policy.channels and not any(isinstance(change, AddGrant) for change in changes)
