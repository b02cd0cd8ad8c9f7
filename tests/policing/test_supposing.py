"""One supposed wish, explained: the verdict is the decision's, what is not known is said, what cannot be is refused."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from bot import providers
from bot.domain.errors import SettingsError
from bot.domain.explaining import decide
from bot.policing import Explained, Supposed, explained, explained_json, given_inputs, show_explanation
from bot.settings import Configuration
from tests.builders import NOON, a_connection
from tests.policing.house import LARGE, RUN, SMALL, VIEW, a_configuration, a_policy

FROZEN = datetime(2026, 12, 1, tzinfo=UTC)


def told(configuration: Configuration | None = None, **changes: Any) -> Explained:
    plain: dict[str, Any] = {
        "channel_id": "C0FINANCE",
        "person_id": "U0ALICE",
        "connection": "billing",
        "workflow": "396",
        "at": NOON,
    }
    return explained(configuration or a_configuration(), providers.load(), Supposed(**(plain | changes)))


def shown(found: Explained) -> str:
    screen = io.StringIO()
    show_explanation(Console(file=screen, width=40), found)
    return screen.getvalue()


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "need_approval"),
        ({"inputs": {"maxAmount": "50"}}, "allow"),
        ({"inputs": {"maxAmount": "100"}}, "need_approval"),
        ({"inputs": {"maxAmount": "501"}}, "deny"),
        ({"inputs": {"maxAmount": "501"}, "groups": frozenset({"S0CONTROLLERS"})}, "allow"),
        ({"inputs": {"maxAmount": "501"}, "person_id": "U0CAROL"}, "allow"),
        ({"workflow": "Dunning run"}, "need_approval"),
        ({"workflow": "397"}, "deny"),
        ({"is_guest": True}, "deny"),
        ({"channel_id": "C0OTHER"}, "deny"),
        ({"at": FROZEN}, "deny"),
        ({"at": FROZEN, "groups": frozenset({"S0CONTROLLERS"})}, "allow"),
    ],
)
def test_the_verdict_is_that_of_the_decision(changes: dict[str, Any], verdict: str) -> None:
    configuration = a_configuration()
    found = told(configuration, **changes)

    assert found.verdict == verdict
    assert found.is_denied is (verdict == "deny")
    assert found.explanation.decision == decide(
        configuration.policy, found.asked.wish, found.asked.asker, found.asked.circumstances
    )


def test_what_is_not_known_is_said_and_counts_as_unknown() -> None:
    found = told()
    plain = explained_json(found)
    rules = {one["code"]: one for one in plain["grants"][0]["findings"]}

    assert rules["scope_not_verified"]["met"] is None
    assert rules["limit_per_hour"]["met"] is None
    assert "count" not in rules["limit_per_hour"]["facts"]
    assert "there were 0" not in shown(found)
    assert [words.split(":")[0] for words in found.unknown] == [
        "what the credential really holds",
        "how much was launched",
        "the inputs",
        "what Slack says",
    ]


def test_a_workflow_that_the_file_does_not_name_is_taken_by_its_id() -> None:
    found = told(workflow="Dunning reminder")

    assert found.verdict == "need_approval"
    assert any("taken as its id" in words for words in found.unknown)


def test_a_guest_needs_no_further_facts() -> None:
    assert told(is_guest=True).unknown == ()


def test_the_file_says_what_type_an_input_has() -> None:
    found = told(inputs={"accountId": "0042", "maxAmount": "12.50"})

    assert found.asked.inputs == {"accountId": "0042", "maxAmount": Decimal("12.50")}


def test_without_the_file_an_input_is_read_as_it_looks() -> None:
    bare = a_configuration(a_policy(), a_connection())
    found = told(bare, inputs={"a": "12", "b": "-1.5", "c": "true", "d": "0x1", "e": ""})

    assert found.asked.inputs == {"a": 12, "b": Decimal("-1.5"), "c": True, "d": "0x1", "e": ""}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"connection": "biling"}, '--connection: there is no connection "biling"; did you mean "billing"?'),
        ({"connection": "zzz"}, "known here: billing"),
        ({"person_id": "alice"}, '--person: "alice" is no id'),
        ({"channel_id": "#finance-ops"}, '--channel: "#finance-ops" is no id'),
        ({"groups": frozenset({"leads"})}, '--group: "leads" is no id'),
        ({"inputs": {"maxAmount": "much"}}, "--input maxAmount: "),
        ({"inputs": {"maxAmont": "5"}}, "Did you mean “maxAmount”?"),
    ],
)
def test_what_cannot_be_supposed_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        told(**changes)

    assert said in str(refused.value)


def test_every_fault_of_what_was_typed_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        told(person_id="alice", connection="nothing")

    assert len(refused.value.problems) == 2


def test_inputs_are_names_and_values() -> None:
    assert given_inputs(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}


@pytest.mark.parametrize("typed", [["a"], ["=1"], ["a=1", "a=2"]])
def test_an_input_that_is_none_is_refused(typed: list[str]) -> None:
    with pytest.raises(SettingsError, match="--input"):
        given_inputs(typed)


def test_the_json_has_every_part_and_is_json() -> None:
    plain = json.loads(json.dumps(explained_json(told())))

    assert set(plain) == {
        "verdict", "channel_id", "person_id", "connection", "workflow_id", "workflow", "at", "reasons", "around", "grants",
        "approval", "unknown",
    }  # fmt: skip
    assert plain["approval"] == {"approvers": ["S0LEADS"], "required": 2, "when": {"maxAmount": {"min": 100}}}
    assert [grant["grant"] for grant in plain["grants"]] == [1, 2]


def test_each_rule_is_one_line_and_none_is_cut() -> None:
    text = shown(told())

    assert text.startswith("needs approval: U0ALICE in C0FINANCE, billing Dunning run")
    assert "by 2 of S0LEADS where maxAmount from 100" in text
    assert "grant 2 of the channel: does not fit" in text
    assert any(len(line) > 100 for line in text.splitlines())


def test_what_a_provider_or_file_calls_itself_is_never_markup() -> None:
    odd = replace(SMALL, scopes=(RUN, VIEW), workflows=("[red]396[/red]",))

    assert "[bold]" in shown(told(a_configuration(a_policy(odd, LARGE)), workflow="[bold]x[/bold]"))
