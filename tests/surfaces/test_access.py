"""What `/launch access` shows: grants beside what is really held, drift in words, within Slack's limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from bot.domain.grants import ApprovalRule, Freeze, Grant, InputRule, Limits
from bot.domain.holdings import Holding, Mirror
from bot.surfaces.access import MOST_FREEZES, MOST_GRANTS, Access, say_access
from bot.surfaces.beside import MOST_DRIFT
from tests.block_limits import assert_harmless, assert_within_limits
from tests.builders import NOON

RUN, VIEW, MANAGE = "Workflow Run Access", "Workflow View Access", "Workflow Manage Access"
GRANT = Grant(connection="billing", scopes=(RUN, VIEW), workflows=("396", "Dunning *"), requesters=("members",))
HOSTILE = ["<!channel>", "*bold* _it_ `code`", "\u202eevil\0", "&" * 5_000, "🙂" * 5_000, "<https://evil.example|x>"]


def holding(scope: str, *, is_held: bool | None, workflow_id: str = "", **more: Any) -> Holding:
    plain = {"connection": "billing", "evidence": "GET /workflows answered 200", "seen_at": NOON}
    return Holding(**(plain | {"scope": scope, "is_held": is_held, "workflow_id": workflow_id} | more))


def an_access(*grants: Grant, holdings: tuple[Holding, ...] = (), **more: Any) -> Access:
    mirror = Mirror(holdings={(one.scope, one.workflow_id): one for one in holdings})
    plain: dict[str, Any] = {
        "channel_name": "finance-ops",
        "grants": tuple(enumerate(grants, start=1)),
        "titles": {"billing": "Zuora Workflow"},
        "mirrors": {"billing": mirror},
        "freezes": (),
        "now": NOON,
    }
    return Access(**(plain | more))


def told(access: Access) -> str:
    say = say_access(access, command="/launch")
    assert_within_limits(say)
    assert_harmless(say, groups=("S0LEADS",))
    return say.text


def test_a_channel_with_everything(snapshot: SnapshotAssertion) -> None:
    full = replace(
        GRANT,
        requesters=("U0ALICE", "S0LEADS"),
        inputs={
            "maxAmount": InputRule(min=Decimal(1), max=Decimal(500)),
            "mode": InputRule(one_of=("full", "partial")),
            "entity": InputRule(fixed="EU", hidden=True),
            "note": InputRule(pattern="[a-z]+"),
        },
        approval=ApprovalRule(approvers=("S0LEADS",), required=2, self_approval=True),
        limits=Limits(per_hour=20, running=3),
    )
    holdings = (
        holding(RUN, is_held=False, evidence="403 Workflow Run Access is missing"),
        holding(VIEW, is_held=True),
        holding(MANAGE, is_held=True),
    )
    freezes = (
        Freeze(name="month-end", begins=NOON, ends=NOON + timedelta(days=2), connections=("billing",), exempt=("S0LEADS",)),
        Freeze(name="holidays", begins=NOON + timedelta(days=30), ends=NOON + timedelta(days=40)),
    )
    text = told(an_access(full, holdings=holdings, freezes=freezes))

    assert text == snapshot


@pytest.mark.parametrize(
    ("known", "word"),
    [
        ((holding(RUN, is_held=True),), "granted here, held by the credential (GET /workflows answered 200; seen <!date^"),
        ((holding(RUN, is_held=False),), "granted here, not held by the credential (GET"),
        ((holding(RUN, is_held=None),), "granted here, not verified (GET"),
        ((holding(RUN, is_held=False, lapses_at=NOON),), "granted here, not verified (GET"),
        ((), "granted here, not verified (never learnt)."),
    ],
)
def test_every_granted_scope_is_told_with_what_is_known_of_it(known: tuple[Holding, ...], word: str) -> None:
    assert f"Scope “{RUN}”: {word}" in told(an_access(GRANT, holdings=known))


def test_an_approval_that_depends_on_inputs_says_on_which() -> None:
    rule = ApprovalRule(approvers=("U0CAROL",), when={"maxAmount": InputRule(min=Decimal(100))})

    assert (
        "Approval: one of these must agree: <@U0CAROL>, never the person who asks. Only where it holds that maxAmount is at least 100."
    ) in told(an_access(replace(GRANT, approval=rule)))


def test_what_is_missing_for_single_workflows_of_the_grant_is_named() -> None:
    known = (
        holding(RUN, is_held=True),
        *(holding(RUN, is_held=False, workflow_id=f"39{number}") for number in range(6, 9)),
        holding(RUN, is_held=True, workflow_id="395"),
    )
    text = told(an_access(replace(GRANT, workflows=("396", "398")), holdings=known))

    assert "; not held for 396, 398." in text


def test_drift_is_told_in_words_and_both_ways() -> None:
    text = told(an_access(GRANT, holdings=(holding(RUN, is_held=False), holding(MANAGE, is_held=True))))

    assert f"Granted but not held: “{RUN}” of billing. Launches that need it are refused." in text
    assert f"Held but not granted here: “{MANAGE}” of billing." in text


def test_where_grants_and_credential_agree_no_drift_is_told() -> None:
    assert "Drift" not in told(an_access(GRANT, holdings=(holding(RUN, is_held=True), holding(VIEW, is_held=None))))


def test_freezes_tell_whether_they_hold_already() -> None:
    freezes = (
        Freeze(name="now", begins=NOON, ends=NOON + timedelta(hours=1)),
        Freeze(name="later", begins=NOON + timedelta(seconds=1), ends=NOON + timedelta(hours=1)),
    )
    text = told(an_access(GRANT, freezes=freezes))

    assert "“now”, in force, over every connection: from <!date^" in text
    assert "“later”, to come, over every connection" in text


def test_a_channel_without_grants_says_so() -> None:
    assert "This channel has no grants, so nothing may be launched in it." in told(an_access(titles={}, mirrors={}))


def test_numbers_are_those_of_the_file_also_where_one_connection_is_shown() -> None:
    assert "Grant 7: billing (Zuora Workflow)" in told(an_access(grants=((7, GRANT),)))


@pytest.mark.parametrize("count", [MOST_GRANTS, MOST_GRANTS + 1, 400])
def test_any_number_of_grants_fits_and_the_rest_is_counted(count: int) -> None:
    text = told(an_access(*(replace(GRANT, workflows=("x" * 60,) * 40) for _ in range(count))))

    assert (f"and {count - MOST_GRANTS} more grants" in text) == (count > MOST_GRANTS)


def test_long_lists_are_counted_as_well() -> None:
    scopes = tuple(f"scope {number}" for number in range(MOST_DRIFT + 4))
    known = tuple(holding(scope, is_held=True) for scope in scopes)
    freeze = Freeze(name="f", begins=NOON, ends=NOON + timedelta(hours=1))
    text = told(an_access(replace(GRANT, scopes=()), holdings=known, freezes=(freeze,) * (MOST_FREEZES + 2)))

    assert "and 4 more" in text
    assert "and 2 more" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_literal(text: str) -> None:
    grant = Grant(
        connection=text,
        scopes=(text,) * 20,
        workflows=(text,) * 40,
        requesters=(text,) * 40,
        inputs={text: InputRule(one_of=(text,), pattern=text)},
        approval=ApprovalRule(approvers=(text,) * 30),
    )
    freeze = Freeze(name=text, begins=NOON, ends=NOON + timedelta(hours=1), connections=(text,) * 9, exempt=(text,))
    known = tuple(holding(scope, is_held=True, evidence=text) for scope in (text, f"{text}2"))
    access = an_access(*[grant] * 20, holdings=known, channel_name=text, freezes=(freeze,) * 9)

    told(replace(access, titles={text: text}, mirrors={text: access.mirrors["billing"]}))


@given(
    st.lists(
        st.builds(
            Grant,
            connection=st.just("billing"),
            scopes=st.lists(st.sampled_from([RUN, VIEW, MANAGE]), max_size=3, unique=True).map(tuple),
            workflows=st.lists(st.text(max_size=80), max_size=40).map(tuple),
            requesters=st.lists(st.sampled_from(["members", "U0ALICE", "S0LEADS"]), max_size=30).map(tuple),
        ),
        max_size=20,
    ),
    st.lists(st.tuples(st.sampled_from([RUN, VIEW, MANAGE]), st.sampled_from([True, False, None])), max_size=3),
)
def test_every_policy_fits(grants: list[Grant], known: list[tuple[str, bool | None]]) -> None:
    told(an_access(*grants, holdings=tuple(holding(scope, is_held=is_held) for scope, is_held in known)))
