"""Decisions and holdings go into rows and come back as they went, or are unreadable."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import UnreadableRowError
from bot.domain.holdings import Holding
from bot.domain.records import Record
from bot.store import access_rows, rows
from tests.builders import NOON, a_launch
from tests.store.steps import a_holding, a_record
from tests.store.test_rows import digits, json_objects, plain_text

FULL = a_record(
    verdict="need_approval",
    codes=("granted", "approval_needed"),
    launch_id="L-7K3QW",
    seq=7,
    facts={
        "inputs": {"maxAmount": Decimal("5.00"), "tags": ["a", None, Decimal("1E+2")]},
        "held": [["Workflow Run Access", "", True], ["Workflow View Access", "396", False]],
        "typed": None,
        "is_start": True,
    },
)
times = st.datetimes(timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("at", "yesterday"),
        ("codes", "granted"),
        ("codes", '{"granted": 1}'),
        ("codes", "[1]"),
        ("codes", "[null]"),
        ("facts", "[]"),
        ("facts", '{"amount": NaN}'),
        ("person_id", "U0\udcff"),
        ("codes", '["granted\udcff"]'),
    ],
)
def test_a_decision_with_an_impossible_value_is_unreadable(name: str, value: str) -> None:
    with pytest.raises(UnreadableRowError) as caught:
        access_rows.decision_from(access_rows.decision_row(FULL) | {name: value})

    assert (caught.value.table, caught.value.row_id) == ("decisions", "7")
    assert value not in str(caught.value)


@pytest.mark.parametrize(("name", "value"), [("seen_at", ""), ("lapses_at", 7), ("evidence", "\udcff"), ("scope", "\udcff")])
def test_a_holding_with_an_impossible_value_is_unreadable(name: str, value: object) -> None:
    with pytest.raises(UnreadableRowError, match="of holdings cannot be read"):
        access_rows.holding_from(access_rows.holding_row(a_holding()) | {name: value})


def test_an_unreadable_holding_is_named_by_connection_scope_and_workflow() -> None:
    with pytest.raises(UnreadableRowError) as caught:
        access_rows.holding_from(access_rows.holding_row(a_holding(workflow_id="396")) | {"seen_at": "hush"})

    assert caught.value.row_id == "billing Workflow Run Access 396"


@pytest.mark.parametrize("missing", ["codes", "facts", "verdict"])
def test_a_decision_without_a_column_is_unreadable(missing: str) -> None:
    row = access_rows.decision_row(FULL)
    del row[missing]

    with pytest.raises(UnreadableRowError, match="KeyError"):
        access_rows.decision_from(row)


def test_names_whose_bytes_are_no_text_are_unreadable() -> None:
    with pytest.raises(UnreadableRowError, match="row billing of identities"):
        access_rows.identity_from({"connection": "billing", "identity": "\udcff"})
    with pytest.raises(UnreadableRowError, match="row billing 396 of first_names"):
        access_rows.first_name_from({"connection": "billing", "workflow_id": "396", "name": "\udcff"})


def test_a_decision_comes_back_as_it_went_digit_by_digit() -> None:
    found = access_rows.decision_from(access_rows.decision_row(FULL))

    assert found == FULL
    assert digits(found.facts) == digits(FULL.facts)


def test_a_decision_with_nothing_but_its_least_comes_back_as_it_went() -> None:
    least = a_record(workflow_name=None, codes=(), grant_key="")

    assert access_rows.decision_from(access_rows.decision_row(least)) == least


def test_an_approval_comes_back_as_it_went() -> None:
    launch = a_launch(approval={"required": 2, "approvers": ["S0LEADS"], "max": Decimal("1.50")}, digest="d", grant_key="g")

    assert rows.launch_from(rows.launch_row(launch)) == launch


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_launch_whose_approval_is_broken_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableRowError, match="L-7K3QW"):
        rows.launch_from(rows.launch_row(a_launch()) | {"approval": text})


@pytest.mark.parametrize("is_held", [True, False, None])
def test_a_holding_comes_back_as_it_went(is_held: bool | None) -> None:
    holding = a_holding(is_held=is_held, workflow_id="396", lapses_at=NOON + timedelta(minutes=10))

    assert access_rows.holding_from(access_rows.holding_row(holding)) == holding
    assert access_rows.holding_from(access_rows.holding_row(replace(holding, lapses_at=None))).is_held is is_held


@given(
    codes=st.lists(plain_text, max_size=4), facts=json_objects, at=times, name=st.none() | plain_text, seq=st.integers(0, 10**6)
)
def test_any_decision_comes_back_as_it_went(codes: list[str], facts: dict[str, Any], at: Any, name: str | None, seq: int) -> None:
    record = Record(
        at=at,
        door="form",
        verb="approve",
        team_id="T",
        channel_id="C",
        person_id="U",
        connection="crm",
        workflow_id="713",
        workflow_name=name,
        verdict="deny",
        codes=tuple(codes),
        grant_key="",
        policy_digest="",
        facts=facts,
        seq=seq,
    )

    assert access_rows.decision_from(access_rows.decision_row(record)) == record


@given(scope=plain_text, workflow_id=plain_text, evidence=plain_text, seen_at=times, lapses_at=st.none() | times)
def test_any_holding_comes_back_as_it_went(
    scope: str, workflow_id: str, evidence: str, seen_at: Any, lapses_at: Any | None
) -> None:
    plain: dict[str, Any] = {"scope": scope, "workflow_id": workflow_id, "evidence": evidence, "is_held": False}
    holding = Holding(connection="crm", seen_at=seen_at, lapses_at=lapses_at, **plain)

    assert access_rows.holding_from(access_rows.holding_row(holding)) == holding


def test_rows_hold_plain_values_only() -> None:
    held = {*map(type, access_rows.decision_row(FULL).values()), *map(type, access_rows.holding_row(a_holding()).values())}

    assert held <= {int, str, type(None)}
