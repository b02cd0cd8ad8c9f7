"""Who may launch what: each row is decided, and all rows together say what a decision says."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bot import providers
from bot.domain.errors import SettingsError
from bot.domain.explaining import decide
from bot.domain.grants import ApprovalRule, ChannelPolicy, Grant, Policy
from bot.domain.model import Workflow
from bot.domain.policy import Deny, Wish
from bot.policing import Row, matrix, matrix_csv, matrix_json, show_matrix
from bot.policing.matrix import asker_of, kinds_in, sample
from bot.settings import Configuration
from tests.policing.house import BILLING, DUNNING, LARGE, RUN, SMALL, VIEW, a_configuration, a_policy

PROVIDERS = providers.load()


def rows(*grants: Grant) -> list[Row]:
    return matrix(a_configuration(a_policy(*grants)), PROVIDERS)


def summary(found: list[Row]) -> list[tuple[int, str, str | None, tuple[str, ...]]]:
    return [(row.number, row.pattern, row.workflow.workflow_id if row.workflow else None, row.allowed) for row in found]


def test_a_row_per_grant_and_workflow_and_one_for_what_else_a_glob_means() -> None:
    everybody, some = ("members", "U0CAROL", "S0CONTROLLERS"), ("U0CAROL", "S0CONTROLLERS")

    assert summary(rows()) == [
        (1, "396", "396", everybody),
        (1, "Dunning *", None, everybody),
        (2, "*", "396", some),
        (2, "*", None, some),
    ]


def test_a_workflow_that_the_file_does_not_configure_has_its_row() -> None:
    assert summary(rows(replace(LARGE, workflows=("397",)))) == [(1, "397", None, ("U0CAROL", "S0CONTROLLERS"))]


def test_guests_are_always_denied_and_it_is_said_why() -> None:
    found = rows()

    assert all("guests" in row.denied for row in found)
    assert all("person_is_guest" in {reason.code for reason in row.reasons} for row in found)


def test_a_grant_without_the_scope_allows_nobody() -> None:
    (row,) = rows(replace(LARGE, scopes=(VIEW,), workflows=("396",)))

    assert row.allowed == ()
    assert "scope_not_granted" in {reason.code for reason in row.reasons}


def test_a_named_person_is_told_apart_from_everybody_else() -> None:
    policy = a_policy(replace(LARGE, requesters=("U0", "U00")))
    kinds = kinds_in(policy, policy.channels["C0FINANCE"])
    ids = {kind: asker_of(kind, policy, policy.channels["C0FINANCE"]).person.user_id for kind in kinds}

    assert (ids["U0"], ids["U00"]) == ("U0", "U00")
    assert ids["members"] not in {"U0", "U00"}


def test_approval_limits_and_rules_stand_in_the_row() -> None:
    first = matrix_json(rows(), a_policy())["rows"][0]

    assert first["approval"]["required"] == 2
    assert first["limits"] == {"per_hour": 20, "running": 3}
    assert first["inputs"] == {"maxAmount": {"max": 500}}


def test_freezes_stand_beside_the_rows() -> None:
    (freeze,) = matrix_json(rows(), a_policy())["freezes"]

    assert freeze == {
        "name": "month-end close",
        "from": "2026-11-30T18:00:00+00:00",
        "to": "2026-12-02T08:00:00+00:00",
        "connections": ["billing"],
        "except": ["S0CONTROLLERS"],
    }


def test_only_the_channels_that_were_asked_for() -> None:
    other = ChannelPolicy(channel_id="C0OTHER", name="other", grants=(LARGE,))
    policy = replace(a_policy(), channels={**a_policy().channels, "C0OTHER": other})

    assert {row.channel_id for row in matrix(a_configuration(policy), PROVIDERS, channels=["C0OTHER"])} == {"C0OTHER"}


def test_a_channel_that_is_not_in_the_file_is_named() -> None:
    with pytest.raises(SettingsError, match='no channel "C0NONE" in the file; known here: C0FINANCE'):
        matrix(a_configuration(), PROVIDERS, channels=["C0NONE"])


def test_an_empty_policy_has_no_rows() -> None:
    nothing = Policy(channels={}, digest="")

    assert matrix(a_configuration(nothing), PROVIDERS) == []


def test_the_sheet_has_a_head_and_a_line_per_row() -> None:
    lines = list(csv.reader(io.StringIO(matrix_csv(rows()))))

    assert len(lines) == 5
    assert {len(line) for line in lines} == {14}
    assert lines[1][:3] == ["C0FINANCE", "finance-ops", "billing"]


def test_no_cell_is_a_formula() -> None:
    odd = replace(LARGE, workflows=("=HYPERLINK(1)", "@x", "+1", "-1"))
    lines = list(csv.DictReader(io.StringIO(matrix_csv(rows(odd)))))

    assert [line["pattern"][0] for line in lines] == ["'"] * 4


@pytest.mark.parametrize("is_terminal", [True, False])
def test_on_a_screen_nothing_is_cut(is_terminal: bool) -> None:
    screen = io.StringIO()
    grant = replace(LARGE, requesters=tuple(f"S0GROUP{number:02}" for number in range(30)), workflows=("396",))
    show_matrix(Console(file=screen, width=70, force_terminal=is_terminal, no_color=True), rows(grant, SMALL), a_policy())
    text = screen.getvalue()

    assert "…" not in text
    assert all(f"{number:02}" in text for number in range(30))
    assert is_terminal or ", ".join(grant.requesters) in text
    assert 'freeze "month-end close"' in text


def test_the_json_is_json() -> None:
    assert json.loads(json.dumps(matrix_json(rows(), a_policy())))["rows"][0]["workflow"] == "Dunning run"


PATTERNS = st.sampled_from(["396", "397", "*", "Dunning *", "39?", "[3]96", "3[!8]6", "Refund *"])
REQUESTERS = st.lists(st.sampled_from(["members", "U0CAROL", "U0BOB", "S0LEADS", "S0CONTROLLERS"]), min_size=1, unique=True)
GRANTS = st.builds(
    Grant,
    connection=st.just("billing"),
    scopes=st.sampled_from([(RUN,), (VIEW,), (RUN, VIEW)]),
    workflows=st.lists(PATTERNS, min_size=1, unique=True).map(tuple),
    requesters=REQUESTERS.map(tuple),
    approval=st.sampled_from([None, ApprovalRule(approvers=("S0LEADS",))]),
)
OTHER = Workflow(workflow_id="397", name="Refund run")


@given(st.lists(GRANTS, min_size=1, max_size=4))
def test_all_rows_together_say_what_a_decision_says(grants: list[Grant]) -> None:
    """For every kind of person and configured workflow: allowed by some row, or denied."""
    policy = a_policy(*grants, freezes=())
    configuration: Configuration = a_configuration(policy, replace(BILLING, workflows={"396": DUNNING, "397": OTHER}))
    found, channel = matrix(configuration, PROVIDERS), policy.channels["C0FINANCE"]
    for workflow in (DUNNING, OTHER):
        needed = PROVIDERS["zuora"].needed_scopes("launch", workflow)
        wish = Wish(connection="billing", workflow=workflow, needed_scopes=needed)
        for kind in kinds_in(policy, channel):
            is_denied = isinstance(decide(policy, wish, asker_of(kind, policy, channel)), Deny)

            assert is_denied is not any(row.workflow == workflow and kind in row.allowed for row in found)


@given(st.text(alphabet="ab*?[]!-x", max_size=8))
def test_a_sample_is_matched_by_its_glob(pattern: str) -> None:
    """Unless the glob matches nothing at all, as an empty range of characters does."""
    is_range = "-" in pattern

    assert is_range or fnmatchcase(sample(pattern), pattern)
