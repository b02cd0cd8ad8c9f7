"""Where policy and credential part."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.drift import Drift, DriftKind, changed, drifts, scopes_in_use
from bot.domain.grants import ChannelPolicy, Grant, Policy
from bot.domain.holdings import WHOLE, Mirror
from bot.domain.model import Workflow
from bot.providers import load
from tests.builders import NOON, a_connection
from tests.domain.test_learning import a_holding, a_mirror

PROVIDERS = load()
RUN, VIEW, MANAGE = "Workflow Run Access", "Workflow View Access", "Workflow Manage Access"
GRANTED, HELD = DriftKind.GRANTED_NOT_HELD, DriftKind.HELD_NOT_GRANTED


def a_grant(*scopes: str, workflows: tuple[str, ...] = ("396",), connection: str = "billing") -> Grant:
    return Grant(connection=connection, scopes=scopes, workflows=workflows, requesters=("members",))


def a_policy(**channels: Grant | tuple[Grant, ...]) -> Policy:
    return Policy(
        channels={
            f"C0{name.upper()}": ChannelPolicy(
                channel_id=f"C0{name.upper()}", name=name, grants=grants if isinstance(grants, tuple) else (grants,)
            )
            for name, grants in channels.items()
        },
        digest="made-up",
    )


def found(policy: Policy, mirror: Mirror, provider: str = "zuora", **more: Any) -> tuple[Drift, ...]:
    now = more.pop("now", NOON)
    names = more.pop("names", {})
    connection = a_connection(provider=provider, **more)
    return drifts(policy, connection, PROVIDERS[provider], mirror, now=now, workflows=names)


def kinds(drifted: tuple[Drift, ...]) -> list[tuple[str, str, DriftKind]]:
    return [(one.scope, one.workflow_id, one.kind) for one in drifted]


def test_granted_and_held_is_no_drift() -> None:
    assert found(a_policy(finance=a_grant(RUN, VIEW)), a_mirror(a_holding(RUN), a_holding(VIEW))) == ()


def test_granted_and_not_held_names_channels_evidence_and_time() -> None:
    policy = a_policy(finance=a_grant(RUN), sales=a_grant(RUN, VIEW), data=a_grant(VIEW))

    (drift,) = found(policy, a_mirror(a_holding(RUN, is_held=False, evidence="HTTP 403."), a_holding(VIEW)))

    assert drift == Drift(
        connection="billing",
        scope=RUN,
        workflow_id=WHOLE,
        kind=GRANTED,
        evidence="HTTP 403.",
        seen_at=NOON,
        channels=("finance", "sales"),
    )


def test_held_and_not_granted_is_drift_where_a_verb_needs_it() -> None:
    mirror = a_mirror(a_holding(RUN), a_holding(VIEW), a_holding(MANAGE))

    assert kinds(found(a_policy(finance=a_grant(RUN)), mirror)) == [(VIEW, WHOLE, HELD)]


def test_neither_granted_nor_held_and_not_verified_are_no_drift() -> None:
    assert found(a_policy(finance=a_grant(VIEW)), a_mirror(a_holding(RUN, is_held=False), a_holding(VIEW, is_held=None))) == ()


def test_grants_of_another_connection_do_not_count() -> None:
    policy = a_policy(finance=a_grant(RUN, connection="other"))

    assert kinds(found(policy, a_mirror(a_holding(RUN)))) == [(RUN, WHOLE, HELD)]


@pytest.mark.parametrize(
    ("workflows", "expected"),
    [
        (("Kept",), [("api", "Kept", GRANTED)]),
        (("K*",), [("api", "Kept", GRANTED)]),
        (("The kept one",), [("api", "Kept", GRANTED)]),
        (("Other",), []),
    ],
)
def test_a_workflow_that_is_kept_from_us_is_drift_where_a_grant_covers_it(
    workflows: tuple[str, ...], expected: list[Any]
) -> None:
    policy = a_policy(sales=a_grant("api", workflows=workflows))
    mirror = a_mirror(a_holding("api"), a_holding("api", "Kept", is_held=False))
    names = {"Kept": Workflow(workflow_id="Kept", name="The kept one")}

    assert kinds(found(policy, mirror, "salesforce", names=names)) == expected


def test_a_scope_that_is_missing_as_a_whole_is_not_told_for_each_workflow() -> None:
    policy = a_policy(sales=a_grant("api", workflows=("*",)))
    mirror = a_mirror(*(a_holding("api", flow, is_held=False) for flow in ("", "A", "B")))

    assert kinds(found(policy, mirror, "salesforce")) == [("api", WHOLE, GRANTED)]


def test_a_workflow_that_no_grant_covers_is_held_for_nothing() -> None:
    policy = a_policy(sales=a_grant("api", workflows=("A",)))
    mirror = a_mirror(a_holding("api"), a_holding("api", "A"), a_holding("api", "B"))

    assert kinds(found(policy, mirror, "salesforce")) == [("api", "B", HELD)]


def test_account_uids_count_where_a_configured_workflow_uses_them() -> None:
    steps = {"steps": [{"step_uid": "s", "accounts": ["uid-1"], "parameters": {}}]}
    connection = {"workflows": {"w": Workflow(workflow_id="w", extras=steps)}}
    mirror = a_mirror(a_holding("uid-1"), a_holding("uid-2"), a_holding("uid-3", is_held=False))

    assert kinds(found(a_policy(growth=a_grant("uid-3")), mirror, "captain_data", **connection)) == [
        ("uid-1", WHOLE, HELD),
        ("uid-3", WHOLE, GRANTED),
    ]


def test_what_lapsed_is_no_drift_unless_it_is_asked_for() -> None:
    policy = a_policy(finance=a_grant(RUN))
    mirror = a_mirror(a_holding(RUN, is_held=False, lapses_at=NOON + timedelta(minutes=10)))

    assert [bool(found(policy, mirror, now=now)) for now in (NOON, NOON + timedelta(minutes=10), None)] == [True, False, True]


def test_a_key_stays_while_evidence_and_time_change() -> None:
    policy = a_policy(finance=a_grant(RUN))
    (first,) = found(policy, a_mirror(a_holding(RUN, is_held=False)))
    (second,) = found(policy, a_mirror(a_holding(RUN, is_held=False, evidence="Again.", seen_at=NOON + timedelta(days=1))))

    assert first != second
    assert first.key == second.key
    assert not changed([first], [second])


def test_a_change_says_what_appeared_and_what_is_no_more() -> None:
    policy = a_policy(finance=a_grant(RUN, VIEW))
    run = found(policy, a_mirror(a_holding(RUN, is_held=False)))
    view = found(policy, a_mirror(a_holding(VIEW, is_held=False)))

    change = changed(run, view)

    assert ([one.scope for one in change.appeared], [one.scope for one in change.mended]) == ([VIEW], [RUN])


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("zuora", {RUN, VIEW}),
        ("bitrix24", {"bizproc"}),
        ("salesforce", {"api"}),
        ("domo", {"EXECUTE", "READ"}),
        ("captain_data", set[str]()),
    ],
)
def test_the_scopes_that_verbs_need(provider: str, expected: set[str]) -> None:
    assert scopes_in_use(PROVIDERS[provider], a_connection(provider=provider)) == expected


_holdings = st.builds(
    a_holding,
    st.sampled_from([RUN, VIEW, MANAGE]),
    st.sampled_from([WHOLE, "396", "397"]),
    is_held=st.sampled_from([True, False, None]),
)
_grants = st.lists(
    st.builds(
        lambda scopes, workflows: a_grant(*scopes, workflows=tuple(workflows)),
        st.lists(st.sampled_from([RUN, VIEW, MANAGE]), unique=True),
        st.lists(st.sampled_from(["396", "397", "39*"]), unique=True),
    ),
    max_size=4,
)


@given(holdings=st.lists(_holdings, max_size=9), grants=_grants)
def test_every_drift_is_a_true_difference_and_keys_are_unique(holdings: list[Any], grants: list[Grant]) -> None:
    """Checked against the plain reading of the two words, not against the code."""
    mirror, policy = a_mirror(*holdings), a_policy(finance=tuple(grants))

    drifted = found(policy, mirror)

    assert len({one.key for one in drifted}) == len(drifted)
    granted = {scope for grant in grants for scope in grant.scopes}
    for one in drifted:
        held = mirror.holdings[one.scope, one.workflow_id].is_held
        assert held is (one.kind is HELD)
        assert (one.scope in granted) or one.kind is HELD
    whole = {scope for (scope, workflow), one in mirror.holdings.items() if workflow == WHOLE and one.is_held is False}
    assert {one.scope for one in drifted if (one.workflow_id, one.kind) == (WHOLE, GRANTED)} == whole & granted


@given(holdings=st.lists(_holdings, max_size=9), grants=_grants, order=st.randoms())
def test_the_order_of_grants_and_holdings_changes_nothing(holdings: list[Any], grants: list[Grant], order: Any) -> None:
    known = list(a_mirror(*holdings).holdings.values())
    before = found(a_policy(finance=tuple(grants)), a_mirror(*known))
    order.shuffle(known)
    order.shuffle(grants)

    assert found(a_policy(finance=tuple(grants)), a_mirror(*known)) == before
