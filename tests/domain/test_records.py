from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.explaining import decide
from bot.domain.grants import ApprovalRule, ChannelPolicy, Freeze, Grant, InputRule, Limits, Policy
from bot.domain.holdings import Holding, Mirror
from bot.domain.model import Channel, Person, Workflow
from bot.domain.policy import Asker, Circumstances, Usage, Wish
from bot.domain.records import Asked, Record, recorded, replayed, under, verdict_of
from tests.builders import NOON

RUN, VIEW = "Workflow Run Access", "Workflow View Access"
GRANT = Grant(connection="billing", scopes=(RUN,), workflows=("396",), requesters=("members",))
NAMES = ("members", "U0ALICE", "U0BOB", "S0LEADS")


def a_policy(*grants: Grant, freezes: tuple[Freeze, ...] = (), is_shared_allowed: bool = False) -> Policy:
    channel = ChannelPolicy(channel_id="C0FINANCE", name="finance", grants=grants, is_shared_allowed=is_shared_allowed)
    return Policy(channels={"C0FINANCE": channel}, digest="made-up", freezes=freezes)


def decided(policy: Policy, asked: Asked) -> Record:
    wish = replace(asked.wish, inputs=under(policy, "C0FINANCE", asked.inputs))
    decision = decide(policy, wish, asked.asker, asked.circumstances)
    return recorded(replace(asked, wish=wish), decision, door="command", verb="launch", policy_digest=policy.digest)


def an_asked(**circumstances: Any) -> Asked:
    return Asked(
        wish=Wish(connection="billing", workflow=Workflow(workflow_id="396", name="Dunning run"), needed_scopes=(RUN,)),
        asker=Asker(
            person=Person(user_id="U0ALICE", team_id="T0GONOGO", name="alice"),
            channel=Channel(channel_id="C0FINANCE", name="finance", is_member=True),
            memberships={"S0LEADS": False},
        ),
        circumstances=Circumstances(now=NOON, **circumstances),
        inputs={"maxAmount": Decimal("12.50")},
    )


def a_mirror(*, is_held: bool | None, **changes: Any) -> Mirror:
    holding = Holding(connection="billing", scope=RUN, is_held=is_held, evidence="seen", seen_at=NOON, **changes)
    return Mirror(holdings={(RUN, holding.workflow_id): holding})


# --- whatever was decided is decided again ---

RULES = st.builds(
    InputRule,
    max=st.none() | st.decimals(0, 100, places=1),
    min=st.none() | st.decimals(0, 100, places=1),
    one_of=st.none() | st.just((1, Decimal("12.5"))),
    fixed=st.none() | st.sampled_from([12, "x"]),
)
APPROVALS = st.builds(
    ApprovalRule,
    approvers=st.just(("S0LEADS",)),
    required=st.integers(1, 2),
    when=st.dictionaries(st.just("maxAmount"), RULES, max_size=1),
)
GRANTS = st.builds(
    Grant,
    connection=st.sampled_from(["billing", "crm"]),
    scopes=st.lists(st.sampled_from([RUN, VIEW]), unique=True).map(tuple),
    workflows=st.lists(st.sampled_from(["396", "Dunning *", "397"]), unique=True).map(tuple),
    requesters=st.lists(st.sampled_from(NAMES), unique=True).map(tuple),
    inputs=st.dictionaries(st.sampled_from(["maxAmount", "other"]), RULES),
    approval=st.none() | APPROVALS,
    limits=st.none() | st.builds(Limits, per_hour=st.none() | st.integers(1, 3), running=st.none() | st.integers(1, 3)),
)
FREEZES = st.builds(
    Freeze,
    name=st.just("close"),
    begins=st.sampled_from([NOON - timedelta(hours=1), NOON + timedelta(hours=1)]),
    ends=st.just(NOON + timedelta(hours=2)),
    connections=st.sampled_from([(), ("billing",), ("crm",)]),
    exempt=st.lists(st.sampled_from(NAMES), unique=True).map(tuple),
)
POLICIES = st.builds(
    lambda grants, freezes, shared: a_policy(*grants, freezes=tuple(freezes), is_shared_allowed=shared),
    st.lists(GRANTS, max_size=4),
    st.lists(FREEZES, max_size=2),
    st.booleans(),
)
PEOPLE = st.builds(
    Person,
    user_id=st.sampled_from(["U0ALICE", "U0BOB"]),
    team_id=st.just("T0GONOGO"),
    name=st.just("somebody"),
    is_guest=st.booleans(),
    is_bot=st.booleans(),
)
CHANNELS = st.builds(
    Channel,
    channel_id=st.just("C0FINANCE"),
    name=st.just("finance"),
    is_member=st.booleans(),
    is_shared=st.booleans(),
    is_archived=st.booleans(),
)
MIRRORS = st.builds(
    a_mirror,
    is_held=st.none() | st.booleans(),
    workflow_id=st.sampled_from(["", "396", "397"]),
    lapses_at=st.none() | st.sampled_from([NOON, NOON + timedelta(minutes=1)]),
)


@st.composite
def asked_things(draw: st.DrawFn, policy: Policy) -> Asked:
    usage = {
        grant.quota_key: Usage(last_hour=draw(st.integers(0, 3)), not_over=draw(st.integers(0, 3)))
        for grant in policy.channels["C0FINANCE"].grants
    }
    return Asked(
        wish=Wish(
            connection="billing",
            workflow=Workflow(workflow_id="396", name=draw(st.none() | st.sampled_from(["Dunning run", "Other"]))),
            needed_scopes=draw(st.sampled_from([(), (RUN,), (RUN, VIEW)])),
            first_name=draw(st.none() | st.sampled_from(["Dunning run", "Other"])),
            is_start=draw(st.booleans()),
        ),
        asker=Asker(
            person=draw(PEOPLE),
            channel=draw(CHANNELS),
            memberships=draw(st.dictionaries(st.just("S0LEADS"), st.none() | st.booleans())),
        ),
        circumstances=Circumstances(now=NOON, mirror=draw(MIRRORS), usage=usage),
        inputs=draw(st.none() | st.dictionaries(st.just("maxAmount"), st.decimals(0, 100, places=2))),
    )


@given(st.data(), POLICIES)
def test_the_policy_that_decided_decides_the_same_on_what_was_kept(data: st.DataObject, policy: Policy) -> None:
    record = decided(policy, data.draw(asked_things(policy)))

    assert verdict_of(replayed(record, policy)) == record.verdict
    assert tuple(reason.code for reason in replayed(record, policy).reasons) == record.codes


@given(st.data(), POLICIES)
def test_facts_are_plain_json(data: st.DataObject, policy: Policy) -> None:
    record = decided(policy, data.draw(asked_things(policy)))

    assert json.loads(json.dumps(record.facts, default=str)).keys() == record.facts.keys()


# --- what is kept ---


def test_a_changed_policy_shows_as_another_verdict() -> None:
    record = decided(a_policy(GRANT), an_asked())

    assert record.verdict == "allow"
    assert verdict_of(replayed(record, a_policy())) == "deny"
    needs = replace(GRANT, approval=ApprovalRule(approvers=("S0LEADS",)))
    assert verdict_of(replayed(record, a_policy(needs))) == "need_approval"


def test_a_refusal_that_had_lapsed_is_not_replayed_as_one() -> None:
    mirror = a_mirror(is_held=False, lapses_at=NOON)
    record = decided(a_policy(GRANT), an_asked(mirror=mirror))

    assert record.verdict == "allow"
    assert verdict_of(replayed(record, a_policy(GRANT))) == "allow"


def test_only_what_the_wish_needs_is_kept_of_the_mirror() -> None:
    holdings = {
        (scope, workflow_id): Holding(
            connection="billing", scope=scope, workflow_id=workflow_id, is_held=True, evidence="seen", seen_at=NOON
        )
        for scope in (RUN, VIEW)
        for workflow_id in ("", "396", "397")
    }

    record = decided(a_policy(GRANT), an_asked(mirror=Mirror(holdings=holdings)))

    assert record.facts["held"] == [[RUN, "396", True], [RUN, "", True]]


def test_a_decision_without_a_time_cannot_be_kept() -> None:
    asked = replace(an_asked(), circumstances=Circumstances())

    with pytest.raises(ValueError, match="time"):
        decided(a_policy(GRANT), asked)


@pytest.mark.parametrize("missing", ["person", "channel"])
def test_a_record_without_its_facts_cannot_be_replayed(missing: str) -> None:
    record = decided(a_policy(GRANT), an_asked())
    damaged = replace(record, facts={name: fact for name, fact in record.facts.items() if name != missing})

    with pytest.raises(KeyError):
        replayed(damaged, a_policy(GRANT))
