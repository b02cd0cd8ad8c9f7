"""What an approval is bound to: nothing that changes the run slips through, nothing else asks again."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.approval_digest import MOST_CHANGES, MOST_PART, Bound, canonical, change_facts, changes, differences
from bot.domain.model import InputSpec, SecretName
from tests.builders import NOON, a_connection, a_launch, a_workflow

LONG = "4028" * 500


@dataclass(frozen=True)
class Inner:
    field: str = "Request_Id__c"


@dataclass(frozen=True)
class Options:
    api_version: str = "v65.0"
    correlation: Inner | None = None


@dataclass(frozen=True)
class Named:
    """Stands for a value of a class that is no JSON, such as the name of a secret."""

    name: str

    def __str__(self) -> str:
        return self.name


def a_bound(**parts: Any) -> Bound:
    plain: dict[str, Any] = {
        "connection": a_connection(options=Options()),
        "identity": "bot@acme",
        "workflow": a_workflow(version="3", extras={"steps": [{"step_uid": "a", "accounts": []}]}),
        "inputs": {"accountId": "4028", "maxAmount": Decimal(10)},
        "grant_key": "0123456789abcdef",
    }
    return Bound(**(plain | parts))


MADE = a_bound()


# --- the digest ---


@pytest.mark.parametrize(
    ("what", "other"),
    [
        ("connection", a_bound(connection=replace(MADE.connection, name="billing2"))),
        ("provider", a_bound(connection=replace(MADE.connection, provider="domo"))),
        ("address", a_bound(connection=replace(MADE.connection, base_url="https://rest.eu.zuora.com"))),
        ("option api_version", a_bound(connection=replace(MADE.connection, options=Options(api_version="v66.0")))),
        ("option correlation", a_bound(connection=replace(MADE.connection, options=Options(correlation=Inner())))),
        ("workflow", a_bound(workflow=replace(MADE.workflow, workflow_id="397"))),
        ("version", a_bound(workflow=replace(MADE.workflow, version="4"))),
        ("setting steps", a_bound(workflow=replace(MADE.workflow, extras={"steps": [{"step_uid": "b", "accounts": []}]}))),
        ("run as", a_bound(identity="admin@acme")),
        ("grant", a_bound(grant_key="fedcba9876543210")),
        ("input accountId", a_bound(inputs={"accountId": "4029", "maxAmount": 10})),
        ("input maxAmount", a_bound(inputs={"accountId": "4028"})),
        ("input isTest", a_bound(inputs={**MADE.inputs, "isTest": False})),
    ],
)
def test_whatever_changes_the_run_changes_the_digest_and_is_named(what: str, other: Bound) -> None:
    assert other.digest != MADE.digest
    assert [change["what"] for change in changes(MADE.parts, other.parts)] == [what]


@pytest.mark.parametrize(
    "other",
    [
        a_bound(workflow=replace(MADE.workflow, name="Dunning run (new label)")),
        a_bound(workflow=replace(MADE.workflow, inputs=(InputSpec(name="accountId", hint="Which one?"),), obstacle="x")),
        a_bound(connection=replace(MADE.connection, poll_every_s=5.0, timeout_s=60.0, secret_names=("a",))),
        a_bound(inputs={"maxAmount": Decimal("10.000"), "accountId": "4028"}),
        a_bound(inputs={"maxAmount": 10, "accountId": "4028"}),
    ],
)
def test_labels_hints_pauses_order_and_spelling_of_numbers_do_not(other: Bound) -> None:
    assert other.digest == MADE.digest
    assert changes(MADE.parts, other.parts) == ()


def test_the_digest_is_a_whole_sha256() -> None:
    assert len(MADE.digest) == 64
    assert int(MADE.digest, 16)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (10, "10"),
        (10, {"number": "10"}),
        (True, 1),
        (True, "true"),
        (None, "null"),
        (["a", "b"], ["b", "a"]),
        (["a", "a"], ["a"]),
        (Decimal("1." + "0" * 40 + "1"), Decimal("1." + "0" * 40 + "2")),
        (10**40 + 1, 10**40 + 2),
        (Decimal("1e500"), Decimal("1e501")),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
        ([["a"], "b"], ["a", ["b"]]),
        (Named("key"), "key"),
        ("a\u202eb", "ab"),
        ("é", "e\u0301"),
    ],
)
def test_what_only_looks_alike_is_not_the_same(one: Any, other: Any) -> None:
    assert canonical(one) != canonical(other)
    assert a_bound(inputs={"x": one}).digest != a_bound(inputs={"x": other}).digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, Decimal("1.00")),
        (Decimal("1e3"), 1000),
        (0.5, Decimal("0.50")),
        (Decimal("-0"), 0),
        (("a", "b"), ["a", "b"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": Decimal("1.0")}),
        ("\ud800", "\ufffd"),
    ],
)
def test_what_is_worth_the_same_is_the_same(one: Any, other: Any) -> None:
    """The last pair: the store keeps half a character so, and what it gives back must not ask again."""
    assert canonical(one) == canonical(other)


def test_no_number_is_written_out_at_a_length_that_nobody_can_keep() -> None:
    assert len(canonical(Decimal("1e999999"))) < 20
    assert canonical(Decimal("NaN")) == "number(NaN)"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
INPUTS = st.dictionaries(st.text(max_size=3), VALUES | st.text(min_size=MOST_PART, max_size=MOST_PART + 9), max_size=4)


@given(INPUTS, INPUTS)
def test_digests_are_equal_exactly_where_no_difference_can_be_shown(one: dict[str, Any], other: dict[str, Any]) -> None:
    before, after = a_bound(inputs=one), a_bound(inputs=other)

    assert (before.digest == after.digest) == (changes(before.parts, after.parts) == ())


@given(INPUTS)
def test_parts_survive_being_kept_as_json(inputs: dict[str, Any]) -> None:
    parts = a_bound(inputs=inputs).parts

    assert json.loads(json.dumps(parts)) == parts
    assert all(len(part) <= MOST_PART for part in parts.values())


# --- what people are told of it ---


def test_a_difference_tells_both_values_as_people_write_them() -> None:
    after = a_bound(inputs={"accountId": "4029", "maxAmount": 10, "tags": ["a"]})

    assert changes(MADE.parts, after.parts) == (
        {"what": "input accountId", "before": "4028", "after": "4029"},
        {"what": "input tags", "before": None, "after": '["a"]'},
    )


def test_a_text_that_became_a_number_is_told_with_its_quotes() -> None:
    before, after = a_bound(inputs={"x": "10"}), a_bound(inputs={"x": 10})

    assert changes(before.parts, after.parts) == ({"what": "input x", "before": '"10"', "after": "10"},)


def test_a_secret_is_told_by_its_name() -> None:
    before, after = a_bound(inputs={"key": SecretName("old")}), a_bound(inputs={"key": SecretName("new")})

    assert changes(before.parts, after.parts) == ({"what": "input key", "before": 'secret("old")', "after": 'secret("new")'},)


def test_texts_that_differ_only_far_behind_still_differ() -> None:
    before, after = a_bound(inputs={"x": LONG + "a"}), a_bound(inputs={"x": LONG + "b"})
    found = changes(before.parts, after.parts)

    assert len(found) == 1
    assert found[0]["before"] != found[0]["after"]
    assert len(json.dumps(found)) < 1000


def test_many_changes_are_counted_and_not_kept() -> None:
    found = changes({}, {f"input {number}": "1" for number in range(MOST_CHANGES + 5)})
    facts = change_facts(found)

    assert (len(facts["changes"]), facts["more"]) == (MOST_CHANGES, 5)
    assert "more" not in change_facts(found[:3])


def test_a_snapshot_without_parts_makes_everything_new() -> None:
    """A restored or damaged row: better all of it shown than nothing."""
    assert {change["before"] for change in changes({}, MADE.parts)} == {None}


# --- beside the last successful run ---


def test_a_launch_is_compared_with_the_last_success_by_inputs_and_version() -> None:
    last = a_launch(launch_id="L-00001", workflow_version="2", inputs={"maxAmount": 10, "old": "x"}, updated_at=NOON)
    launch = a_launch(workflow_version="3", inputs={"maxAmount": Decimal("10.0"), "new": "y"}, grant_key="other")
    found = differences(launch, last)

    assert found is not None
    assert (found.launch_id, found.at, found.more) == ("L-00001", NOON, 0)
    assert list(found.changes) == [
        {"what": "version", "before": "2", "after": "3"},
        {"what": "input old", "before": "x", "after": None},
        {"what": "input new", "before": None, "after": "y"},
    ]


def test_without_an_earlier_success_there_is_nothing_to_compare_with() -> None:
    assert differences(a_launch(), None) is None


def test_a_repeated_launch_differs_in_nothing() -> None:
    last = a_launch(launch_id="L-00001", updated_at=NOON - timedelta(days=1), inputs={"a": 1})
    found = differences(a_launch(inputs={"a": 1}), last)

    assert found is not None
    assert found.changes == ()
