"""A granted workflow that no form can ask for is told before anybody opens one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.checking.findings import Checked, Level
from bot.checking.forms import form_findings
from bot.domain.grants import Grant, InputRule
from bot.domain.model import InputSpec, InputType, Workflow
from bot.domain.provider import Described, Listed
from tests.builders import a_connection
from tests.checking.facts import ANSWERED, places
from tests.policing.house import SMALL, a_policy

PLAIN: Grant = replace(SMALL, workflows=("396",), inputs={}, approval=None)


def inputs(count: int) -> tuple[InputSpec, ...]:
    return tuple(InputSpec(name=f"input{number}") for number in range(count))


def found(tmp_path: Path, *told: InputSpec, grant: Grant = PLAIN, **connection: Any) -> list[Checked]:
    workflow = Workflow(workflow_id="396", name="Dunning run", inputs=told)
    facts = replace(
        ANSWERED,
        connection=a_connection(**connection),
        listed=Listed(workflows=(replace(workflow, inputs=None),)),
        described={"396": Described(workflow=workflow)},
    )
    return list(form_findings(a_policy(grant), facts, places(tmp_path)))


def test_what_fits_is_not_mentioned(tmp_path: Path) -> None:
    assert found(tmp_path, *inputs(90)) == []


def test_one_input_too_many_is_a_fault_with_its_line_and_what_to_do_instead(tmp_path: Path) -> None:
    (one,) = found(tmp_path, *inputs(91))

    assert (one.level, one.code, one.place) == (Level.FAULT, "form_does_not_fit", f"{tmp_path}/gonogo.yaml:15")
    assert "“Dunning run” takes 91 inputs, and a form holds 90 at most: type the command instead." in one.words


def test_under_a_glob_it_is_a_warning(tmp_path: Path) -> None:
    assert [one.level for one in found(tmp_path, *inputs(300), grant=replace(PLAIN, workflows=("*",)))] == [Level.WARNING]


def test_what_the_grant_gives_itself_takes_no_place(tmp_path: Path) -> None:
    grant = replace(PLAIN, inputs={"input0": InputRule(fixed="x"), "input1": InputRule(hidden=True)})

    assert found(tmp_path, *inputs(92), grant=grant) == []


def test_the_configurations_inputs_count_and_not_those_that_the_provider_told(tmp_path: Path) -> None:
    own = Workflow(workflow_id="396", name="Dunning run", inputs=inputs(2))

    assert found(tmp_path, *inputs(300), workflows={"396": own}) == []


def test_a_required_secret_without_a_name_to_choose_is_told(tmp_path: Path) -> None:
    key = InputSpec(name="key", type=InputType.SECRET, required=True)

    (one,) = found(tmp_path, key)

    assert "key" in one.words
    assert found(tmp_path, key, secret_names=("signing",)) == []


def test_ten_thousand_options_are_searched_and_fit(tmp_path: Path) -> None:
    many = InputSpec(name="country", type=InputType.CHOICE, options=tuple(f"option {number}" for number in range(10_000)))

    assert found(tmp_path, many) == []


@pytest.mark.parametrize("workflow", [{"inputs": None}, {"inputs": inputs(300), "obstacle": "It is not active."}])
def test_what_is_not_known_or_cannot_be_launched_anyway_is_not_told_twice(tmp_path: Path, workflow: dict[str, Any]) -> None:
    listed = Listed(workflows=(Workflow(workflow_id="396", **workflow),))
    facts = replace(ANSWERED, connection=a_connection(), listed=listed, described={})

    assert list(form_findings(a_policy(PLAIN), facts, places(tmp_path))) == []
