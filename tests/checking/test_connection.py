"""What a provider's answers say: credential, scopes, workflows; each fault with the line that asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.checking.connection import connection_findings
from bot.checking.findings import Checked, Level
from bot.domain.grants import Policy
from bot.domain.holdings import WHOLE
from bot.domain.model import Workflow
from bot.domain.provider import (
    Busy,
    Described,
    Held,
    Listed,
    Refused,
    ScopeSeen,
    Unauthorised,
    Unreachable,
    Unsupported,
)
from tests.builders import a_connection
from tests.checking.facts import ANSWERED, bad, places, told
from tests.policing.house import DUNNING, LARGE, RUN, SMALL, VIEW, a_policy

TROUBLES: Mapping[str, Any] = {
    "credential_refused": Unauthorised(code="HTTP 401", meaning="Zuora does not take the credential."),
    "provider_trouble": Unreachable(is_possibly_applied=False, detail="no connection"),
}


def found(tmp_path: Path, policy: Policy | None = None, **changes: Any) -> list[Checked]:
    return list(connection_findings(policy or a_policy(), replace(ANSWERED, **changes), places(tmp_path)))


def seen(scope: str, is_held: bool | None, workflow_id: str = WHOLE) -> ScopeSeen:
    return ScopeSeen(scope=scope, is_held=is_held, evidence="Zuora said so.", workflow_id=workflow_id)


def listed(*workflows: Workflow) -> Listed:
    return Listed(workflows=workflows)


def test_where_all_is_well_nothing_is_bad(tmp_path: Path) -> None:
    assert bad(found(tmp_path)) == []


@pytest.mark.parametrize(("code", "answer"), TROUBLES.items())
def test_a_credential_that_is_not_taken_is_one_fault_and_nothing_else_is_told(tmp_path: Path, code: str, answer: Any) -> None:
    everything = found(tmp_path, probed=answer, listed=None, described={})

    assert [(one.level, one.code) for one in everything] == [(Level.FAULT, code)]
    assert everything[0].place == f"{tmp_path}/gonogo.yaml:4"


@pytest.mark.parametrize("answer", [Refused(code="x", meaning="No."), Busy(code="x", meaning="Later.")])
def test_a_probe_that_brings_nothing_is_a_fault(tmp_path: Path, answer: Any) -> None:
    assert bad(found(tmp_path, probed=answer)) == [("fault", "provider_trouble", "4")]


def test_a_provider_that_has_no_probe_is_a_note_and_its_workflows_are_looked_at(tmp_path: Path) -> None:
    everything = found(tmp_path, probed=Unsupported(meaning="No harmless call."))

    assert [one.level for one in told(everything, "credential_untold")] == [Level.NOTE]
    assert told(everything, "workflow_well")


def test_a_dead_provider_says_how_long_was_waited(tmp_path: Path) -> None:
    everything = found(tmp_path, probed=None, listed=None, described={}, waited_s=30.0)

    assert [(one.code, "within 30 s" in one.words) for one in everything] == [("provider_slow", True)]


def test_a_slow_provider_is_told_as_far_as_it_came(tmp_path: Path) -> None:
    everything = found(tmp_path, listed=None, described={}, waited_s=30.0)

    assert bad(everything) == [("fault", "provider_slow", "4")]
    assert told(everything, "credential_well")


def test_a_scope_that_is_granted_and_not_held_is_a_fault_at_the_grant(tmp_path: Path) -> None:
    everything = found(tmp_path, probed=Held(scopes=(seen(RUN, is_held=False), seen(VIEW, is_held=True))))

    assert bad(everything) == [("fault", "scope_not_held", "18")]
    assert "Zuora said so." in told(everything, "scope_not_held")[0].words


@pytest.mark.parametrize(("workflow_id", "is_bad"), [("396", True), ("397", False)])
def test_a_scope_that_lacks_on_one_workflow_matters_where_that_is_granted(tmp_path: Path, workflow_id: str, is_bad: bool) -> None:
    policy = a_policy(replace(SMALL, workflows=("396",)))
    everything = found(tmp_path, policy, probed=Held(scopes=(seen(RUN, is_held=False, workflow_id=workflow_id),)))

    assert bool(bad(everything)) is is_bad


def test_a_scope_that_is_held_and_not_granted_is_a_note(tmp_path: Path) -> None:
    policy = a_policy(replace(SMALL, scopes=(RUN,)))

    assert [one.level for one in told(found(tmp_path, policy), "scope_not_granted")] == [Level.NOTE]


def test_many_workflows_of_one_scope_are_one_note(tmp_path: Path) -> None:
    policy = a_policy(replace(LARGE, workflows=("396",)))
    many = tuple(seen(RUN, is_held=True, workflow_id=str(number)) for number in range(1000, 1100))
    (one,) = told(found(tmp_path, policy, probed=Held(scopes=many)), "scope_not_granted")

    assert "1000, Workflow Run Access on 1001" in one.words
    assert "and 92 more" in one.words


def test_a_scope_that_cannot_be_asked_is_said_to_be_not_verified(tmp_path: Path) -> None:
    (one,) = told(found(tmp_path), "scope_not_verified")

    assert (one.level, RUN in one.words) == (Level.NOTE, True)


def test_a_configured_workflow_that_the_provider_does_not_have_is_a_fault(tmp_path: Path) -> None:
    gone = Refused(code="HTTP 404", meaning="There is no such workflow.")
    everything = found(tmp_path, listed=listed(), described={"396": gone})

    assert ("fault", "workflow_unknown", "6") in bad(everything)
    assert "There is no such workflow." in told(everything, "workflow_unknown")[0].words


def test_whether_a_workflow_exists_may_not_be_told(tmp_path: Path) -> None:
    silent = Unsupported(meaning="It lists none.")
    everything = found(tmp_path, listed=silent, described={"396": silent})

    assert bad(everything) == []
    assert {one.code for one in everything if one.level is Level.NOTE} >= {"workflows_untold", "workflow_untold"}


def test_a_list_that_cannot_be_read_is_a_warning_and_a_dead_one_a_fault(tmp_path: Path) -> None:
    refused = Unauthorised(code="HTTP 403", meaning="It may not.", scope=VIEW)

    assert ("warning", "workflows_untold", "4") in bad(found(tmp_path, listed=refused))
    assert ("fault", "workflows_untold", "4") in bad(found(tmp_path, listed=TROUBLES["provider_trouble"]))


def test_an_inactive_workflow_that_is_granted_is_a_fault(tmp_path: Path) -> None:
    off = replace(DUNNING, obstacle="It is not active in Zuora (Inactive).")
    everything = found(tmp_path, described={"396": Described(workflow=off)})

    assert bad(everything) == [("fault", "workflow_not_launchable", "6")]


def test_an_inactive_workflow_that_is_not_granted_is_a_warning(tmp_path: Path) -> None:
    off = replace(DUNNING, obstacle="It is not active in Zuora (Inactive).")
    policy = a_policy(replace(LARGE, workflows=("12",)))
    everything = found(
        tmp_path,
        policy,
        listed=listed(off, Workflow(workflow_id="12")),
        described={"396": Described(workflow=off), "12": Described(workflow=Workflow(workflow_id="12", inputs=()))},
    )

    assert bad(everything) == [("warning", "workflow_not_launchable", "6")]


@pytest.mark.parametrize(("pattern", "level"), [("301", Level.FAULT), ("30*", Level.NOTE)])
def test_an_inactive_workflow_is_a_fault_where_it_is_named_and_a_note_under_a_glob(
    tmp_path: Path, pattern: str, level: Level
) -> None:
    off = Workflow(workflow_id="301", name="Old run", obstacle="It is not active.")
    policy = a_policy(replace(LARGE, workflows=(pattern,)))
    everything = found(tmp_path, policy, connection=a_connection(), listed=listed(off), described={})

    assert [one.level for one in told(everything, "workflow_not_launchable")] == [level]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("Dunning run", []),
        ("39*", []),
        ("dunning run", [("fault", "workflow_unknown", "15")]),
        ("397", [("fault", "workflow_unknown", "15")]),
        ("Refund *", [("warning", "glob_matches_nothing", "15")]),
    ],
)
def test_an_entry_that_means_no_live_workflow_is_told(tmp_path: Path, pattern: str, expected: list[tuple[str, str, str]]) -> None:
    policy = a_policy(replace(SMALL, workflows=(pattern,), inputs={}, approval=None))

    assert bad(found(tmp_path, policy)) == expected


def test_a_workflow_that_is_not_listed_and_answers_by_its_id_exists(tmp_path: Path) -> None:
    policy = a_policy(replace(SMALL, workflows=("397",), inputs={}, approval=None))
    hidden = Described(workflow=Workflow(workflow_id="397", name="Hidden run", inputs=()))
    everything = found(tmp_path, policy, described={**ANSWERED.described, "397": hidden})

    assert bad(everything) == []
    assert "means Hidden run" in [one.words for one in told(everything, "workflow_well")]


def test_another_version_at_the_provider_is_a_note(tmp_path: Path) -> None:
    mine = replace(DUNNING, version="1")
    everything = found(
        tmp_path,
        connection=a_connection(workflows={"396": mine}),
        described={"396": Described(workflow=replace(DUNNING, version="2"))},
    )

    assert [one.level for one in told(everything, "workflow_version")] == [Level.NOTE]


def test_a_rule_on_an_input_that_no_workflow_has_is_a_fault(tmp_path: Path) -> None:
    """What is left out is not judged, so the rule would forbid nothing."""
    rule = SMALL.inputs["maxAmount"]
    policy = a_policy(replace(SMALL, inputs={"maxAmont": rule}, workflows=("396",), approval=None))

    assert [code for _, code, _ in bad(found(tmp_path, policy))] == ["rule_unknown_input"]


def test_a_condition_of_an_approval_on_an_input_that_no_workflow_has_is_a_fault(tmp_path: Path) -> None:
    assert SMALL.approval is not None
    approval = replace(SMALL.approval, when={"amount": SMALL.inputs["maxAmount"]})

    assert ("fault", "rule_unknown_input", "22") in bad(found(tmp_path, a_policy(replace(SMALL, approval=approval))))


def test_of_workflows_whose_inputs_are_not_known_no_rule_is_judged(tmp_path: Path) -> None:
    policy = a_policy(replace(SMALL, inputs={"maxAmont": SMALL.inputs["maxAmount"]}, approval=None))
    more = listed(DUNNING, Workflow(workflow_id="301", name="Dunning reminder"))

    assert told(found(tmp_path, policy, listed=more), "rule_unknown_input") == []
