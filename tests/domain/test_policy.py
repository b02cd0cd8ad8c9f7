from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.explaining import decide
from bot.domain.grants import ChannelPolicy, Grant, Policy
from bot.domain.model import Channel, Person, Reason, Workflow
from bot.domain.policy import Allow, Asker, Decision, Deny, Wish, channel_reasons, covers, groups_in, person_reasons

RUN, VIEW = "Workflow Run Access", "Workflow View Access"
ALICE = Person(user_id="U0ALICE", team_id="T0GONOGO", name="alice")
FINANCE = Channel(channel_id="C0FINANCE", name="finance-ops", is_member=True)
DUNNING = Workflow(workflow_id="396", name="Dunning run")
GRANT = Grant(connection="billing", scopes=(RUN, VIEW), workflows=("396",), requesters=("members",))


def a_policy(*grants: Grant, **channel: Any) -> Policy:
    channel_policy = ChannelPolicy(**({"channel_id": "C0FINANCE", "name": "finance-ops", "grants": grants} | channel))
    return Policy(channels={channel_policy.channel_id: channel_policy}, digest="made-up")


def a_wish(**changes: Any) -> Wish:
    return Wish(**({"connection": "billing", "workflow": DUNNING, "needed_scopes": (RUN,)} | changes))


def an_asker(memberships: dict[str, bool | None] | None = None, channel: Channel = FINANCE, **person: Any) -> Asker:
    return Asker(person=replace(ALICE, **person), channel=channel, memberships=memberships or {})


def decided(*grants: Grant, wish: Wish | None = None, asker: Asker | None = None) -> Decision:
    return decide(a_policy(*grants), wish or a_wish(), asker or an_asker())


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def refused(decision: Decision) -> tuple[Reason, ...]:
    assert isinstance(decision, Deny)
    return decision.reasons


# --- nothing is allowed by default ---


def test_a_channel_without_a_policy_denies() -> None:
    decision = decide(Policy(channels={}, digest=""), a_wish(), an_asker())

    assert refused(decision) == (
        Reason(code="channel_without_policy", facts={"channel": "finance-ops", "channel_id": "C0FINANCE"}),
    )


def test_a_channel_without_grants_denies() -> None:
    assert refused(decided()) == (
        Reason(code="connection_not_granted", facts={"connection": "billing", "channel": "finance-ops"}),
    )


def test_a_grant_of_another_connection_denies() -> None:
    assert codes(decided(replace(GRANT, connection="crm"))) == ["connection_not_granted"]


def test_an_empty_grant_gives_nothing() -> None:
    assert codes(decided(Grant(connection="billing"))) == ["workflow_not_granted"]


def test_a_workflow_that_is_not_named_is_denied() -> None:
    facts = {"workflow": "Dunning run", "connection": "billing", "channel": "finance-ops"}

    assert refused(decided(replace(GRANT, workflows=("397", "Other *")))) == (Reason(code="workflow_not_granted", facts=facts),)


def test_every_scope_that_is_needed_must_be_named_and_each_missing_one_is_told() -> None:
    decision = decided(replace(GRANT, scopes=(VIEW,)), wish=a_wish(needed_scopes=(RUN, VIEW, "Workflow Manage Access")))

    assert [reason.facts["scope"] for reason in refused(decision)] == [RUN, "Workflow Manage Access"]
    assert codes(decision) == ["scope_not_granted"] * 2


def test_scopes_of_two_grants_do_not_add_up() -> None:
    decision = decided(replace(GRANT, scopes=(RUN,)), replace(GRANT, scopes=(VIEW,)), wish=a_wish(needed_scopes=(RUN, VIEW)))

    assert {reason.facts["scope"] for reason in refused(decision)} == {RUN, VIEW}


def test_a_provider_without_scopes_needs_none() -> None:
    assert isinstance(decided(replace(GRANT, scopes=()), wish=a_wish(needed_scopes=())), Allow)


def test_who_is_not_among_the_requesters_is_denied() -> None:
    assert refused(decided(replace(GRANT, requesters=("U0BOB",)))) == (
        Reason(code="requester_not_granted", facts={"workflow": "Dunning run", "connection": "billing"}),
    )


def test_scope_and_requester_are_told_together() -> None:
    assert codes(decided(replace(GRANT, scopes=(), requesters=("U0BOB",)))) == ["scope_not_granted", "requester_not_granted"]


# --- what allows ---


@pytest.mark.parametrize("requesters", [("members",), ("U0ALICE",), ("U0BOB", "U0ALICE"), ("S0LEADS",), ("S0OTHER", "S0LEADS")])
def test_who_is_among_the_requesters_is_allowed(requesters: tuple[str, ...]) -> None:
    grant = replace(GRANT, requesters=requesters)

    assert decided(grant, asker=an_asker({"S0LEADS": True, "S0OTHER": False})) == Allow(
        grant=grant, reasons=(Reason(code="granted", facts={"connection": "billing", "channel": "finance-ops"}),)
    )


def test_any_one_grant_is_enough() -> None:
    others = [
        replace(GRANT, connection="crm"),
        replace(GRANT, workflows=()),
        replace(GRANT, scopes=()),
        replace(GRANT, requesters=()),
    ]

    assert decided(*others, GRANT) == decided(GRANT)


@pytest.mark.parametrize(
    ("patterns", "is_covered"),
    [
        (("396",), True),
        (("Dunning run",), True),
        (("Dunning *",), True),
        (("*",), True),
        (("39?",), True),
        (("39[0-9]",), True),
        (("dunning run",), False),
        (("DUNNING *",), False),
        (("Dunning",), False),
        (("96",), False),
        (("",), False),
        ((), False),
        (("400", "Dunning *"), True),
    ],
)
def test_a_glob_covers_an_id_or_a_name_and_case_counts(patterns: tuple[str, ...], is_covered: bool) -> None:
    assert covers(replace(GRANT, workflows=patterns), DUNNING) is is_covered


@pytest.mark.parametrize("name", [None, ""])
def test_a_workflow_without_a_name_is_covered_by_its_id_only(name: str | None) -> None:
    nameless = Workflow(workflow_id="396", name=name)

    assert covers(replace(GRANT, workflows=("396",)), nameless)
    assert not covers(replace(GRANT, workflows=("", "None", "[!3]*")), nameless)


# --- facts that could not be learnt ---


def test_a_group_that_slack_did_not_tell_denies_and_says_so() -> None:
    decision = decided(replace(GRANT, requesters=("S0LEADS",)), asker=an_asker({"S0LEADS": None}))

    assert refused(decision) == (
        Reason(code="lookup_failed", facts={"subject": "user group S0LEADS", "cause": "Slack did not tell"}, source="Slack"),
    )


def test_a_group_that_was_never_asked_about_denies() -> None:
    assert codes(decided(replace(GRANT, requesters=("S0LEADS",)))) == ["lookup_failed"]


def test_an_unknown_group_does_not_stand_in_the_way_of_another() -> None:
    grant = replace(GRANT, requesters=("S0LEADS", "S0CONTROLLERS"))

    assert isinstance(decided(grant, asker=an_asker({"S0LEADS": None, "S0CONTROLLERS": True})), Allow)


def test_an_unknown_group_does_not_stand_in_the_way_of_another_grant() -> None:
    asker = an_asker({"S0LEADS": None})

    assert isinstance(decided(replace(GRANT, requesters=("S0LEADS",)), GRANT, asker=asker), Allow)


def test_an_unknown_group_is_what_is_told_where_others_are_known_not_to_fit() -> None:
    grant = replace(GRANT, requesters=("S0LEADS", "S0CONTROLLERS", "U0BOB"))

    assert codes(decided(grant, asker=an_asker({"S0LEADS": None, "S0CONTROLLERS": False}))) == ["lookup_failed"]


# --- the person and the channel ---

FLAWS = {
    "person_is_deleted": {"is_deleted": True},
    "person_is_bot": {"is_bot": True},
    "person_is_stranger": {"is_stranger": True},
    "person_is_guest": {"is_guest": True},
}


@pytest.mark.parametrize("code", FLAWS)
def test_who_is_no_full_member_may_do_nothing(code: str) -> None:
    grant = replace(GRANT, requesters=("members", "U0ALICE", "S0LEADS"))
    decision = decided(grant, asker=an_asker({"S0LEADS": True}, **FLAWS[code]))

    assert refused(decision) == (Reason(code=code, facts={"person": "U0ALICE"}, source="Slack"),)


def test_every_flaw_of_a_person_is_told() -> None:
    everything = {name: True for flaw in FLAWS.values() for name in flaw}

    assert [reason.code for reason in person_reasons(replace(ALICE, **everything))] == list(FLAWS)


def test_a_full_member_has_no_flaw() -> None:
    assert person_reasons(ALICE) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"is_archived": True}, ["channel_is_archived"]),
        ({"is_member": False}, ["channel_without_bot"]),
        ({"is_shared": True}, ["channel_is_shared"]),
        (
            {"is_archived": True, "is_member": False, "is_shared": True},
            ["channel_is_archived", "channel_without_bot", "channel_is_shared"],
        ),
    ],
)
def test_a_channel_can_be_the_wrong_place(changes: dict[str, bool], expected: list[str]) -> None:
    decision = decided(GRANT, asker=an_asker(channel=replace(FINANCE, **changes)))

    assert codes(decision) == expected
    assert {reason.source for reason in refused(decision)} == {"Slack"}


def test_a_shared_channel_can_be_allowed_and_nothing_else_of_it() -> None:
    policy = a_policy(GRANT, is_shared_allowed=True)

    assert channel_reasons(policy, replace(FINANCE, is_shared=True)) == ()
    assert len(channel_reasons(policy, replace(FINANCE, is_shared=True, is_archived=True, is_member=False))) == 2


def test_person_and_channel_are_told_together() -> None:
    decision = decide(Policy(channels={}, digest=""), a_wish(), an_asker(is_guest=True))

    assert codes(decision) == ["person_is_guest", "channel_without_policy"]


# --- which reasons are told ---


def test_a_grant_that_covers_the_workflow_is_nearer_than_one_that_does_not() -> None:
    decision = decided(replace(GRANT, workflows=("400",)), replace(GRANT, requesters=("U0BOB",)))

    assert codes(decision) == ["requester_not_granted"]


def test_a_reason_that_two_grants_share_is_told_once() -> None:
    decision = decided(replace(GRANT, workflows=("400",)), replace(GRANT, workflows=("401",)))

    assert codes(decision) == ["workflow_not_granted"]


def test_a_workflow_without_a_name_is_told_by_its_id() -> None:
    decision = decided(GRANT, wish=a_wish(workflow=Workflow(workflow_id="400")))

    assert refused(decision)[0].facts["workflow"] == "400"


def test_only_groups_are_asked_about() -> None:
    policy = a_policy(
        replace(GRANT, requesters=("members", "U0ALICE", "S0LEADS")),
        replace(GRANT, connection="crm", requesters=("S0CONTROLLERS",)),
    )

    assert groups_in(policy, policy.channels["C0FINANCE"]) == {"S0LEADS", "S0CONTROLLERS"}
    assert groups_in(policy, None) == frozenset()


# --- rules that hold for every policy ---

GROUPS = ["S0LEADS", "S0CONTROLLERS"]
REQUESTERS = st.sampled_from(["members", "U0ALICE", "U0BOB", *GROUPS])
SCOPES = st.sampled_from([RUN, VIEW])


def several(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(values, max_size=3, unique=True).map(tuple)


GRANTS = st.builds(
    Grant,
    connection=st.sampled_from(["billing", "crm"]),
    scopes=several(SCOPES),
    workflows=several(st.sampled_from(["396", "400", "*", "Dunning *", "dunning *"])),
    requesters=several(REQUESTERS),
)
POLICIES = st.lists(GRANTS, max_size=5)
MEMBERSHIPS = st.dictionaries(st.sampled_from(GROUPS), st.sampled_from([True, False, None]))
FLAGS = st.fixed_dictionaries(dict.fromkeys(["is_guest", "is_stranger", "is_bot", "is_deleted"], st.booleans()))
CHANNELS = st.builds(
    Channel,
    channel_id=st.just("C0FINANCE"),
    name=st.just("finance-ops"),
    **dict.fromkeys(["is_member", "is_archived", "is_shared"], st.booleans()),
)
WISHES = st.builds(
    Wish,
    connection=st.sampled_from(["billing", "crm"]),
    workflow=st.sampled_from([DUNNING, Workflow(workflow_id="400"), Workflow(workflow_id="401", name="dunning two")]),
    needed_scopes=several(SCOPES),
)
ASKERS = st.builds(
    lambda memberships, flags, channel: Asker(person=replace(ALICE, **flags), channel=channel, memberships=memberships),
    MEMBERSHIPS,
    st.one_of(st.just({}), FLAGS),
    st.one_of(st.just(FINANCE), CHANNELS),
)


def is_allowed(grants: Sequence[Grant], wish: Wish, asker: Asker, **channel: Any) -> bool:
    return isinstance(decide(a_policy(*grants, **channel), wish, asker), Allow)


@given(POLICIES, WISHES, ASKERS, st.data())
def test_fewer_grants_never_allow_more(grants: list[Grant], wish: Wish, asker: Asker, data: st.DataObject) -> None:
    fewer = [grant for grant in grants if data.draw(st.booleans())]

    assert is_allowed(grants, wish, asker) or not is_allowed(fewer, wish, asker)


@given(POLICIES, WISHES, ASKERS, st.integers(0, 4), SCOPES, REQUESTERS, st.sampled_from(["*", "396", "dunning *"]))
def test_a_wider_grant_never_forbids(
    grants: list[Grant], wish: Wish, asker: Asker, place: int, scope: str, requester: str, workflow: str
) -> None:
    wider = list(grants)
    if place < len(wider):
        grant = wider[place]
        wider[place] = replace(
            grant,
            scopes=(*grant.scopes, scope),
            requesters=(*grant.requesters, requester),
            workflows=(*grant.workflows, workflow),
        )

    assert is_allowed(wider, wish, asker) or not is_allowed(grants, wish, asker)


@given(POLICIES, WISHES, ASKERS, st.randoms(use_true_random=False))
def test_the_order_of_grants_decides_nothing(grants: list[Grant], wish: Wish, asker: Asker, lots: Any) -> None:
    shuffled = list(grants)
    lots.shuffle(shuffled)
    one, other = (decide(a_policy(*some), wish, asker) for some in (grants, shuffled))

    assert type(one) is type(other)
    assert sorted(map(repr, one.reasons)) == sorted(map(repr, other.reasons))


@given(POLICIES, WISHES, MEMBERSHIPS, FLAGS.filter(lambda flags: any(flags.values())))
def test_who_is_no_full_member_is_always_denied(
    grants: list[Grant], wish: Wish, memberships: dict[str, bool | None], flags: dict[str, bool]
) -> None:
    everything = replace(GRANT, connection=wish.connection, workflows=("*",))

    assert not is_allowed([*grants, everything], wish, an_asker(memberships, **flags), is_shared_allowed=True)


@given(POLICIES, WISHES, CHANNELS)
def test_an_archived_or_foreign_channel_never_allows(grants: list[Grant], wish: Wish, channel: Channel) -> None:
    allowed = is_allowed([*grants, GRANT], wish, an_asker(channel=channel))

    assert not allowed or (channel.is_member and not channel.is_archived and not channel.is_shared)


@given(POLICIES, WISHES, ASKERS)
def test_a_failed_lookup_alone_never_allows(grants: list[Grant], wish: Wish, asker: Asker) -> None:
    """Whatever Slack did not tell counts as "no" for the verdict."""
    known = replace(asker, memberships={group: is_in or False for group, is_in in asker.memberships.items()})

    assert is_allowed(grants, wish, asker) == is_allowed(grants, wish, known)


@given(POLICIES, WISHES, ASKERS)
def test_whoever_is_allowed_can_be_shown_the_grant_that_allows_it(grants: list[Grant], wish: Wish, asker: Asker) -> None:
    decision = decide(a_policy(*grants), wish, asker)

    assert decision.reasons
    if isinstance(decision, Allow):
        grant = decision.grant
        in_groups = [group for group in grant.requesters if asker.memberships.get(group)]
        assert grant in grants
        assert grant.connection == wish.connection
        assert covers(grant, wish.workflow)
        assert set(wish.needed_scopes) <= set(grant.scopes)
        assert in_groups or {"members", "U0ALICE"} & set(grant.requesters)


@given(WISHES, ASKERS)
def test_without_a_grant_nothing_is_allowed(wish: Wish, asker: Asker) -> None:
    assert not is_allowed([], wish, asker, is_shared_allowed=True)


# --- names that could be taken for another workflow's id ---

FLOW = Workflow(workflow_id="Wipe_All", name="Escalate_to_Case")


def test_a_label_that_looks_like_another_flows_api_name_is_no_name() -> None:
    grant = replace(GRANT, workflows=("Escalate_to_Case",))

    assert not covers(grant, FLOW, "Escalate_to_Case")
    assert covers(grant, Workflow(workflow_id="Escalate_to_Case", name="Anything"), "Anything")


@pytest.mark.parametrize(
    ("workflow", "first_name"),
    [
        (Workflow(workflow_id="Renewal_Reminder", name="Renewal reminder"), "Renewal reminder"),
        (Workflow(workflow_id="paint", name="Paint"), "Paint"),
        (Workflow(workflow_id="396", name="Dunning"), "Dunning"),
        (replace(FLOW), None),
    ],
    ids=["words", "the same but for case", "an id of another shape", "named by the configuration"],
)
def test_other_names_count(workflow: Workflow, first_name: str | None) -> None:
    assert covers(replace(GRANT, workflows=(workflow.name or "",)), workflow, first_name)
