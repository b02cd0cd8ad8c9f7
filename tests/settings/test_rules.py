"""Rules on inputs and approvals that contradict themselves, or could never be met: each named in its line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.grants import InputRule, Limits
from tests.settings.world import GOOD, changed, line_of, only_problem, problems, read

GRANT = "channels.C0FINANCE.grants[0]"
GRANTING = "        workflows: [396"


def with_rule(rule: str, name: str = "maxAmount") -> str:
    return changed(GRANTING, f"        inputs: {{{name}: {rule}}}\n{GRANTING}")


def with_approval(approval: str) -> str:
    return changed(GRANTING, f"        approval: {approval}\n{GRANTING}")


def approval_problems(folder: Path, approval: str) -> list[str]:
    """Without the one that says that approvals are not built, while they are not."""
    return [line for line in problems(folder, with_approval(approval)) if "not built yet" not in line]


@pytest.mark.parametrize(
    ("rule", "key", "says"),
    [
        ("{min: 5, max: 4.5}", "max", "is less than min, so no value is allowed"),
        ("{one_of: [1, 9], max: 5}", "max", "does not let through one_of[1], so that value is never allowed"),
        ("{one_of: [1, 9], min: 5}", "min", "does not let through one_of[0], so that value is never allowed"),
        ("{one_of: [big], min: 5}", "min", "does not let through one_of[0]"),
        ("{one_of: [a1, b2], pattern: 'a.*'}", "pattern", "does not let through one_of[1]"),
        ("{one_of: [1, 2, 1]}", "one_of", "names one value twice ([2])"),
        ("{one_of: [1, null]}", "one_of", "has an empty value ([1])"),
        ("{one_of: []}", "one_of", "is empty"),
        ("{fixed: 5, max: 9}", "fixed", "stands alone, as there is nothing left to choose: remove max, or this"),
        (
            "{fixed: 5, one_of: [5], min: 1}",
            "fixed",
            "stands alone, as there is nothing left to choose: remove one_of and min, or",
        ),
        ("{min: '5'}", "min", "must be a number, without quotes"),
        ("{pattern: '('}", "pattern", "is no regular expression"),
        ("{hidden: perhaps}", "hidden", "must be true or false"),
        ("{maximum: 5}", "maximum", 'is no key that is known here; did you mean "max"?'),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused_at_its_key(tmp_path: Path, rule: str, key: str, says: str) -> None:
    text = with_rule(rule)

    found = only_problem(tmp_path, text)

    assert found.startswith(f"gonogo.yaml:{line_of('inputs: {maxAmount: ', text)}: {GRANT}.inputs.maxAmount.{key}: "), found
    assert says in found


@pytest.mark.parametrize(
    ("rule", "says"), [("{}", "says nothing: write one_of"), ("{hidden: false}", "says nothing"), ("", "is empty")]
)
def test_a_rule_that_says_nothing_is_refused(tmp_path: Path, rule: str, says: str) -> None:
    found = only_problem(tmp_path, with_rule(rule))

    assert f"{GRANT}.inputs.maxAmount: {says}" in found


@pytest.mark.parametrize("rule", ["{fixed: %s}", "{one_of: [a, %s]}", "{fixed: {a: [%s]}}", "{fixed: {%s: 1}}"])
def test_a_token_in_a_rule_is_refused_and_not_repeated(tmp_path: Path, rule: str) -> None:
    token = "AK" + "IA" + "ABCDEFGH234567AB"

    found = only_problem(tmp_path, with_rule(rule % token))

    assert "looks like a secret (AWS key)" in found
    assert token not in found


def test_a_token_as_a_default_is_refused_and_not_repeated(tmp_path: Path) -> None:
    token = "AK" + "IA" + "ABCDEFGH234567AB"

    found = only_problem(tmp_path, changed("{type: text, required: true}", f"{{type: text, default: {token}}}"))

    assert "inputs.accountId.default: looks like a secret (AWS key)" in found
    assert token not in found


def test_what_a_reference_stands_for_is_not_shown_by_a_rule(tmp_path: Path) -> None:
    text = with_rule('{one_of: ["${TENANT}"], min: 5}')

    assert "tenant7" not in only_problem(tmp_path, text)


def test_rules_limits_and_sharing_become_values(tmp_path: Path) -> None:
    text = with_rule("{one_of: [1, 2.5], max: 500}").replace(
        GRANTING, f"        limits: {{per_hour: 20, running: 3}}\n{GRANTING}"
    )

    policy = read(tmp_path, text).policy
    grant = policy.channels["C0FINANCE"].grants[0]

    assert grant.inputs == {"maxAmount": InputRule(one_of=(1, Decimal("2.5")), max=Decimal(500))}
    assert grant.limits == Limits(per_hour=20, running=3)
    assert policy.channels["G0PRIVATE"].is_shared_allowed


@pytest.mark.parametrize(
    ("limits", "place", "says"),
    [
        ("{per_hour: 0}", "limits.per_hour", "must be at least 1"),
        ("{running: -1}", "limits.running", "must be at least 1"),
        ("{running: 1.5}", "limits.running", "must be a whole number"),
        ("{hourly: 5}", "limits.hourly", "is no key that is known here"),
    ],
)
def test_a_limit_that_allows_nothing_is_refused(tmp_path: Path, limits: str, place: str, says: str) -> None:
    found = only_problem(tmp_path, changed(GRANTING, f"        limits: {limits}\n{GRANTING}"))

    assert f"{GRANT}.{place}: " in found
    assert says in found


@pytest.mark.parametrize("to", ["2026-11-30T18:00Z", "2026-11-30T19:00+01:00", "2026-11-29T08:00Z"])
def test_a_freeze_ends_after_it_begins(tmp_path: Path, to: str) -> None:
    text = GOOD + f"freezes:\n  - name: close\n    from: 2026-11-30T18:00Z\n    to: {to}\n"

    assert only_problem(tmp_path, text) == (
        f"gonogo.yaml:{line_of('    to: ', text)}: freezes[0].to: is not after from, so it would hold for no time at all"
    )


def test_freezes_of_one_name_are_taken(tmp_path: Path) -> None:
    freeze = "  - {name: close, from: 2026-11-30T18:00Z, to: 2026-12-02T08:00Z, connections: [billing], except: [S0LEADS]}\n"

    freezes = read(tmp_path, f"{GOOD}freezes:\n{freeze}{freeze}").policy.freezes

    assert [(one.name, one.connections, one.exempt) for one in freezes] == [("close", ("billing",), ("S0LEADS",))] * 2


@pytest.mark.parametrize(
    ("approval", "place", "says"),
    [
        ("{approvers: [U0A, U0B], required: 3}", "required", "is more than the approvers that are listed (2)"),
        ("{approvers: [U0A, U0A], required: 2}", "required", "is more than the approvers that are listed (1)"),
        ("{approvers: [U0A], expires_after: 1h, remind_after: 1h}", "remind_after", "must be less than expires_after: by then"),
        ("{approvers: [U0A], remind_after: 8d}", "remind_after", "must be less than expires_after (7d, as it is not set)"),
        ("{approvers: [U0A], escalate_to: [U0B], escalate_after: 7d}", "escalate_after", "must be less than expires_after (7d"),
        ("{approvers: [U0A], escalate_to: [U0B]}", "escalate_after", "is missing: escalate_to says who is asked"),
        ("{approvers: [U0A], escalate_after: 1h}", "escalate_after", "goes with escalate_to"),
        ("{approvers: [U0A], single_operator: true}", "cool_down", "is missing: single_operator needs it"),
        ("{approvers: [U0A], cool_down: 5m}", "cool_down", "goes with single_operator: true only"),
        (
            "{approvers: [U0A], single_operator: true, cool_down: 2h, expires_after: 1h}",
            "cool_down",
            "must be less than expires_after",
        ),
        (
            "{approvers: [S0A], required: 2, single_operator: true, cool_down: 5m}",
            "single_operator",
            "required cannot be more than 1",
        ),
        ("{approvers: [U0A], when: {}}", "when", "is empty: name inputs with their rules"),
        ("{approvers: [U0A], when: {maxAmount: {hidden: true}}}", "when", "hidden says nothing here"),
    ],
)
def test_an_approval_that_could_never_be_met_or_never_acts_is_refused(
    tmp_path: Path, approval: str, place: str, says: str
) -> None:
    found = approval_problems(tmp_path, approval)

    assert len(found) == 1, found
    line = line_of("        approval: ", with_approval(approval))
    assert found[0].startswith(f"gonogo.yaml:{line}: {GRANT}.approval.{place}: "), found
    assert says in found[0]


@pytest.mark.parametrize(
    "approval",
    [
        "{approvers: [S0LEADS], required: 5}",
        "{approvers: [members], required: 5}",
        "{approvers: [U0A, U0B], required: 2, expires_after: 4h, remind_after: 30m, escalate_to: [U0C], escalate_after: 1h}",
        "{approvers: [U0A], single_operator: true, cool_down: 10m, confirm: true}",
        "{approvers: [U0A], when: {maxAmount: {min: 100}}}",
    ],
)
def test_an_approval_that_can_be_met_is_taken(tmp_path: Path, approval: str) -> None:
    assert approval_problems(tmp_path, approval) == []
