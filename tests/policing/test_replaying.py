"""Past decisions, decided again: an unchanged policy flips nothing, a changed one what it would have decided otherwise."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bot.domain.explaining import decide
from bot.domain.grants import ApprovalRule, Freeze, Grant, InputRule, Limits, Policy
from bot.domain.holdings import Holding, Mirror
from bot.domain.model import Channel, Person, Workflow
from bot.domain.policy import Asker, Circumstances, Usage, Wish, groups_in
from bot.domain.records import Asked, Record, recorded, under
from bot.policing import replay, replay_json, show_replay
from bot.policing.replaying import PAGE, Flip, Replay, Untold, again
from bot.store.sqlite import SqliteStore
from tests.builders import NOON
from tests.policing.house import CLOSE, LARGE, RUN, SMALL, VIEW, a_policy

FINANCE = Channel(channel_id="C0FINANCE", name="finance-ops", is_member=True)


def a_record(policy: Policy | None = None, **changes: Any) -> Record:
    """What was kept when Alice asked for a small dunning run."""
    policy = policy or a_policy()
    plain: dict[str, Any] = {
        "person": Person(user_id="U0ALICE", team_id="T0GONOGO", name="alice"),
        "memberships": dict.fromkeys(groups_in(policy, policy.channels.get("C0FINANCE")), False),
        "inputs": {"maxAmount": Decimal(50)},
        "usage": {SMALL.quota_key: Usage()},
        "mirror": Mirror(holdings={}),
        "workflow": Workflow(workflow_id="396", name="Dunning run"),
        "at": NOON,
    }
    facts = plain | changes
    return kept(policy, facts)


def kept(policy: Policy, facts: dict[str, Any]) -> Record:
    """The decision on these facts, as a running bot keeps it."""
    wish = Wish(
        connection="billing",
        workflow=facts["workflow"],
        needed_scopes=(RUN,),
        inputs=under(policy, "C0FINANCE", facts["inputs"]),
    )
    asker = Asker(person=facts["person"], channel=facts.get("channel", FINANCE), memberships=facts["memberships"])
    around = Circumstances(now=facts["at"], mirror=facts["mirror"], usage=facts["usage"])
    asked = Asked(wish=wish, asker=asker, circumstances=around, inputs=facts["inputs"])
    decision = decide(policy, wish, asker, around)
    return recorded(asked, decision, door="command", verb="launch", policy_digest=policy.digest)


def flip(record: Record, policy: Policy) -> Flip:
    found = again(record, policy)
    assert isinstance(found, Flip)
    return found


def changed(*grants: Grant, **more: Any) -> Policy:
    return a_policy(*grants, digest="d2", **more)


def test_an_unchanged_policy_flips_nothing() -> None:
    assert again(a_record(), a_policy()) is None


@pytest.mark.parametrize("inputs", [None, {}])
def test_a_launch_without_inputs_is_not_one_whose_inputs_are_not_known(inputs: dict[str, Any] | None) -> None:
    """A fixed input fills in only where inputs are known; kept as facts, the two must stay apart."""
    assert SMALL.approval is not None
    fixed = replace(SMALL, inputs={"maxAmount": InputRule(fixed=Decimal(5))})
    record = a_record(a_policy(fixed), inputs=inputs)

    assert record.verdict == ("need_approval" if inputs is None else "allow")
    assert again(record, a_policy(fixed, digest="another")) is None


def test_a_grant_that_is_gone_flips_what_it_allowed_and_says_why() -> None:
    found = flip(a_record(), changed(LARGE))

    assert (found.record.verdict, found.would_be) == ("allow", "deny")
    assert [reason.code for reason in found.reasons] == ["requester_not_granted"]


def test_a_rule_that_is_tightened_flips_what_it_forbids() -> None:
    tight = replace(SMALL, inputs={"maxAmount": InputRule(max=Decimal(40))})

    assert flip(a_record(), changed(tight, LARGE)).would_be == "deny"


def test_an_approval_that_is_asked_for_is_a_flip() -> None:
    strict = replace(SMALL, approval=ApprovalRule(approvers=("U0BOB",)))

    assert flip(a_record(), changed(strict, LARGE)).would_be == "need_approval"


def test_a_denial_that_would_be_allowed_is_a_flip() -> None:
    record = a_record(inputs={"maxAmount": Decimal(501)})

    assert record.verdict == "deny"
    assert flip(record, changed(replace(SMALL, inputs={}, approval=None), LARGE)).would_be == "allow"


def test_a_freeze_that_is_written_later_flips_what_it_would_have_stopped() -> None:
    freeze = replace(CLOSE, begins=NOON, ends=NOON + timedelta(minutes=1))

    assert flip(a_record(), changed(SMALL, LARGE, freezes=(freeze,))).would_be == "deny"


def test_a_channel_that_is_gone_flips_what_was_allowed_in_it() -> None:
    assert flip(a_record(), Policy(channels={}, digest="d2")).would_be == "deny"


def test_what_turns_on_a_group_that_was_not_recorded_cannot_be_told() -> None:
    found = again(a_record(), changed(replace(SMALL, requesters=("S0NEW",)), LARGE))

    assert isinstance(found, Untold)
    assert found.cause == "who was in S0NEW was not recorded"


def test_a_group_that_was_not_recorded_is_no_matter_where_nothing_turns_on_it() -> None:
    assert again(a_record(), changed(SMALL, replace(LARGE, requesters=("S0NEW",)))) is None
    assert flip(a_record(), changed(replace(LARGE, requesters=("S0NEW",), workflows=("397",)))).would_be == "deny"


def test_a_denial_that_a_group_may_lift_cannot_be_told() -> None:
    """A group of which nothing is recorded is not one that the person was not in."""
    record = a_record(inputs={"maxAmount": Decimal(501)})

    assert isinstance(again(record, changed(SMALL, replace(LARGE, requesters=("S0NEW",)))), Untold)


def test_a_group_of_which_slack_did_not_tell_denies_again() -> None:
    policy = a_policy(replace(LARGE, requesters=("S0LEADS",)))
    record = a_record(policy, memberships={"S0LEADS": None, "S0CONTROLLERS": None})

    assert record.verdict == "deny"
    assert again(record, policy) is None


def test_a_limit_that_was_reached_holds_again() -> None:
    record = a_record(usage={SMALL.quota_key: Usage(last_hour=20, not_over=0)})

    assert record.verdict == "deny"
    assert again(record, a_policy()) is None
    raised = replace(SMALL, limits=Limits(per_hour=21))

    assert flip(record, changed(raised, LARGE)).would_be == "allow"


def test_a_limit_that_counts_anew_cannot_be_told_where_it_matters() -> None:
    record = a_record(usage={SMALL.quota_key: Usage(last_hour=5, not_over=0)})
    wider = replace(SMALL, workflows=("*",), limits=Limits(per_hour=5))
    roomy = replace(wider, limits=Limits(per_hour=6))

    assert isinstance(again(record, changed(wider)), Untold)
    assert again(record, changed(roomy)) is None


def test_a_limit_where_nothing_was_counted_cannot_be_told() -> None:
    unlimited = replace(SMALL, limits=None)
    record = a_record(a_policy(unlimited, LARGE), usage={})

    found = again(record, changed(SMALL, LARGE))

    assert isinstance(found, Untold)
    assert "how much had been launched" in found.cause


@pytest.mark.parametrize(
    "facts", [{}, {"person": 5, "channel": {}}, {"person": {"name": "a", "colour": 1}, "channel": {"name": "x"}}, {"usage": 5}]
)
def test_a_record_without_its_facts_cannot_be_told(facts: dict[str, Any]) -> None:
    found = again(replace(a_record(), facts=facts), a_policy())

    assert isinstance(found, Untold)
    assert "cannot be read" in found.cause


def test_what_the_same_policy_decided_otherwise_cannot_be_told() -> None:
    """A record that lacks what the decision turned on is no flip of an unchanged file."""
    found = again(replace(a_record(), verdict="deny"), a_policy())

    assert isinstance(found, Untold)
    assert "this very policy" in found.cause


@pytest.fixture
async def store() -> Any:
    async with SqliteStore(None) as store:
        await store.migrate()
        yield store


async def test_every_page_is_read(store: SqliteStore) -> None:
    for _ in range(PAGE + 3):
        await store.record_decision(a_record())

    found = await replay(store, changed(LARGE), NOON - timedelta(days=1))

    assert (found.looked_at, len(found.flips), len(found.untold)) == (PAGE + 3, PAGE + 3, 0)


async def test_only_what_was_decided_since_then(store: SqliteStore) -> None:
    for days in (1, 2, 3):
        await store.record_decision(a_record(at=NOON - timedelta(days=days)))

    assert (await replay(store, a_policy(), NOON - timedelta(days=2))).looked_at == 2


async def test_nothing_recorded_is_nothing_flipped(store: SqliteStore) -> None:
    assert await replay(store, a_policy(), NOON) == Replay()


def shown(found: Replay, **more: Any) -> str:
    screen = io.StringIO()
    show_replay(Console(file=screen, **more), found)
    return screen.getvalue()


def a_replay() -> Replay:
    bad = Untold(record=replace(a_record(), facts={}), cause="its record cannot be read")
    return Replay(looked_at=3, flips=[flip(a_record(), changed(LARGE))], untold=[bad])


def test_it_tells_when_who_where_what_and_why() -> None:
    text = shown(a_replay(), width=40)

    assert "2026-11-21T12:00:00+00:00\tU0ALICE\t#finance-ops (C0FINANCE)\tlaunch billing Dunning run" in text
    assert "allowed (granted)\tdenied\tYou are not among the people" in text
    assert "cannot tell\tits record cannot be read" in text
    assert text.endswith("3 decisions looked at: 1 would fall otherwise, 1 cannot be told\n")


def test_on_a_terminal_nothing_is_cut() -> None:
    assert "…" not in shown(a_replay(), width=60, force_terminal=True)


def test_the_json_is_for_programs() -> None:
    plain = json.loads(json.dumps(replay_json(a_replay(), NOON)))

    assert plain["looked_at"] == 3
    assert plain["flips"][0]["was"] == "allow"
    assert plain["flips"][0]["would_be"] == "deny"
    assert plain["flips"][0]["reasons"][0]["code"] == "requester_not_granted"
    assert plain["cannot_tell"][0]["cause"] == "its record cannot be read"


# --- the property ----------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["members", "U0ALICE", "U0CAROL", "S0LEADS", "S0CONTROLLERS"])
SOME = st.lists(NAMES, max_size=3, unique=True).map(tuple)
AMOUNTS = st.decimals(min_value=0, max_value=1000, places=2) | st.integers(0, 1000)
RULES = st.builds(
    InputRule,
    min=st.none() | AMOUNTS.map(Decimal),
    max=st.none() | AMOUNTS.map(Decimal),
    one_of=st.none() | st.lists(AMOUNTS, min_size=1, max_size=3).map(tuple),
    fixed=st.none() | AMOUNTS,
)
GRANTS = st.builds(
    Grant,
    connection=st.sampled_from(["billing", "crm"]),
    scopes=st.sampled_from([(), (RUN,), (RUN, VIEW)]),
    workflows=st.sampled_from([("396",), ("*",), ("Dunning *",), ("Refund *", "39?")]),
    requesters=SOME,
    inputs=st.dictionaries(st.just("maxAmount"), RULES),
    approval=st.none()
    | st.builds(ApprovalRule, approvers=st.just(("U0BOB",)), when=st.dictionaries(st.just("maxAmount"), RULES)),
    limits=st.none() | st.builds(Limits, per_hour=st.none() | st.integers(1, 3), running=st.none() | st.integers(1, 3)),
)
FREEZES = st.builds(
    Freeze,
    name=st.just("close"),
    begins=st.sampled_from([NOON - timedelta(hours=1), NOON, NOON + timedelta(hours=1)]),
    ends=st.sampled_from([NOON, NOON + timedelta(hours=2)]),
    connections=st.sampled_from([(), ("billing",), ("crm",)]),
    exempt=SOME,
)
POLICIES = st.builds(
    lambda grants, freezes, is_shared: a_policy(*grants or (SMALL,), freezes=tuple(freezes), is_shared_allowed=is_shared),
    st.lists(GRANTS, max_size=4),
    st.lists(FREEZES, max_size=2),
    st.booleans(),
)
FLAGS = ("is_guest", "is_stranger", "is_bot", "is_deleted")
PEOPLE = st.builds(
    lambda user_id, flags: Person(user_id=user_id, team_id="T0GONOGO", name="a", **dict.fromkeys(flags, True)),
    st.sampled_from(["U0ALICE", "U0CAROL"]),
    st.sets(st.sampled_from(FLAGS), max_size=1),
)
CHANNELS = st.builds(
    Channel,
    channel_id=st.just("C0FINANCE"),
    name=st.just("finance-ops"),
    is_member=st.booleans(),
    is_archived=st.booleans(),
    is_shared=st.booleans(),
)
HOLDINGS = st.builds(
    Holding,
    connection=st.just("billing"),
    scope=st.sampled_from([RUN, VIEW]),
    workflow_id=st.sampled_from(["", "396", "397"]),
    is_held=st.sampled_from([True, False, None]),
    evidence=st.just("seen"),
    seen_at=st.just(NOON - timedelta(hours=1)),
    lapses_at=st.sampled_from([None, NOON - timedelta(minutes=1), NOON, NOON + timedelta(minutes=1)]),
)
MIRRORS = st.lists(HOLDINGS, max_size=4).map(lambda all_: Mirror(holdings={(one.scope, one.workflow_id): one for one in all_}))
INPUTS = st.none() | st.dictionaries(st.just("maxAmount"), AMOUNTS | st.text(max_size=3) | st.lists(AMOUNTS, max_size=2))


@st.composite
def facts_under(draw: st.DrawFn, policy: Policy) -> dict[str, Any]:
    """What a decision under this policy may have rested on: everything that a running bot asks before it decides."""
    channel = policy.channels["C0FINANCE"]
    quotas = {grant.quota_key for grant in channel.grants if grant.limits}
    counts = st.builds(Usage, last_hour=st.integers(0, 3), not_over=st.integers(0, 3))
    groups = groups_in(policy, channel)
    return {
        "person": draw(PEOPLE),
        "channel": draw(CHANNELS),
        "memberships": {group: draw(st.sampled_from([True, False, None])) for group in groups},
        "inputs": draw(INPUTS),
        "usage": {key: draw(counts) for key in sorted(quotas)},
        "mirror": draw(MIRRORS),
        "workflow": draw(
            st.builds(
                Workflow, workflow_id=st.sampled_from(["396", "397"]), name=st.sampled_from([None, "Dunning run", "Refund x"])
            )
        ),
        "at": draw(st.datetimes(NOON.replace(tzinfo=None), NOON.replace(tzinfo=None) + timedelta(hours=3))).replace(
            tzinfo=NOON.tzinfo
        ),
    }


@given(st.data())
def test_replaying_any_decisions_under_the_policy_that_made_them_flips_nothing(data: st.DataObject) -> None:
    """Recorded, stored as JSON, read again, decided again: by facts alone, so the digest is made another one."""
    policy = data.draw(POLICIES)
    records = [kept(policy, data.draw(facts_under(policy))) for _ in range(3)]
    found = asyncio.run(stored_and_replayed(records, replace(policy, digest="another")))

    assert found == Replay(looked_at=3)


async def stored_and_replayed(records: list[Record], policy: Policy) -> Replay:
    async with SqliteStore(None) as store:
        await store.migrate()
        for record in records:
            await store.record_decision(record)
        return await replay(store, policy, datetime.min.replace(tzinfo=NOON.tzinfo))
