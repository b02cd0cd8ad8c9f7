from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.grants import Grant
from bot.domain.holdings import WHOLE, Holding, Mirror
from bot.domain.model import Workflow
from bot.surfaces.beside import MOST_DRIFT, MOST_NAMED, Beside, drift_paragraphs, scope_parts
from bot.surfaces.escaping import as_plain
from bot.surfaces.say import compose
from tests.builders import NOON

SUM, FORECAST = Workflow(workflow_id="m-1", name="AddTwoNumbers"), Workflow(workflow_id="m-2", name="Refresh forecast")


def held(is_held: bool | None, workflow_id: str = WHOLE, scope: str = "EXECUTE", **changes: Any) -> Holding:
    plain: dict[str, Any] = {"connection": "analytics", "evidence": "Domo told.", "seen_at": NOON}
    return Holding(scope=scope, workflow_id=workflow_id, is_held=is_held, **(plain | changes))


def beside(*holdings: Holding, **grant: Any) -> Beside:
    plain: dict[str, Any] = {"connection": "analytics", "scopes": ("EXECUTE",), "workflows": ("AddTwoNumbers", "Refresh *")}
    return Beside(
        mirror=Mirror(holdings={(one.scope, one.workflow_id): one for one in holdings}),
        grant=Grant(**(plain | grant)),
        workflows={one.workflow_id: one for one in (SUM, FORECAST)},
        now=NOON,
    )


def told(one: Beside) -> str:
    return as_plain(scope_parts(one, "EXECUTE"))


def drift(*besides: Beside) -> str:
    return compose(*drift_paragraphs(besides)).text


def test_a_scope_of_the_whole_credential_is_told_with_its_evidence() -> None:
    assert "granted here, held by the credential (Domo told; seen" in told(beside(held(True)))


def test_a_scope_that_nobody_asked_about_says_so() -> None:
    assert told(beside()).endswith("granted here, not verified (never learnt).")


def test_rights_that_are_told_by_workflow_are_counted_over_those_that_the_grant_names_by_name() -> None:
    shown = told(beside(held(True, "m-1"), held(False, "m-2"), held(True, "m-3")))

    assert "held for 1 of 2 workflows that it names; not held for Refresh forecast" in shown
    assert "m-3" not in shown


def test_the_newest_evidence_stands_for_all() -> None:
    later = held(False, "m-2", evidence="Refused on start.", seen_at=NOON + timedelta(hours=1))

    assert "(Refused on start; seen" in told(beside(held(True, "m-1"), later))


def test_what_a_refusal_taught_and_has_lapsed_is_not_missing() -> None:
    one = beside(held(False, "m-1", lapses_at=NOON))

    assert "held for 0 of 1" in told(one)
    assert "not held" not in told(one)
    assert drift(one) == ""


def test_a_workflow_that_lacks_the_right_is_drift_and_named() -> None:
    assert "Granted but not held: “EXECUTE” of analytics, for AddTwoNumbers." in drift(beside(held(False, "m-1")))


def test_a_credential_that_lacks_the_scope_is_drift_for_everything() -> None:
    assert "Granted but not held: “EXECUTE” of analytics. Launches that need it are refused." in drift(beside(held(False)))


def test_a_scope_that_is_held_and_granted_by_no_grant_here_is_told_once() -> None:
    one = beside(held(True), held(True, scope="WRITE"))

    assert drift(one, one).count("Held but not granted here: “WRITE”") == 1


def test_where_grant_and_credential_agree_there_is_no_drift() -> None:
    assert drift(beside(held(True))) == ""


@pytest.mark.parametrize("count", [MOST_NAMED, MOST_NAMED + 2])
def test_of_many_workflows_some_are_named_and_the_others_counted(count: int) -> None:
    one = beside(*(held(False, f"w-{number}") for number in range(count)), workflows=("w-*",))

    shown = drift(one)
    assert shown.count("w-") == MOST_NAMED
    assert ("and 2 more" in shown) is (count > MOST_NAMED)


def test_of_many_drifts_some_are_told_and_the_others_counted() -> None:
    scopes = tuple(f"S{number}" for number in range(MOST_DRIFT + 3))
    one = beside(*(held(False, scope=scope) for scope in scopes), scopes=scopes)

    assert "and 3 more" in drift(one)
