"""Configured inputs beside what the provider says of them: what would fail is told, what only says more is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.checking.inputs import input_findings
from bot.domain.model import InputSpec, InputType, Workflow
from tests.checking.facts import ANSWERED, bad, places


def found(tmp_path: Path, mine: tuple[InputSpec, ...] | None, theirs: tuple[InputSpec, ...] | None) -> list[tuple[str, str]]:
    own, told = Workflow(workflow_id="396", inputs=mine), Workflow(workflow_id="396", inputs=theirs)
    return [(level, code) for level, code, _ in bad(input_findings(own, told, ANSWERED, places(tmp_path)))]


def an_input(kind: InputType = InputType.TEXT, **changes: object) -> InputSpec:
    return replace(InputSpec(name="a", type=kind), **changes)  # pyright: ignore[reportArgumentType]  # fields by name


def test_the_same_inputs_are_well(tmp_path: Path) -> None:
    assert found(tmp_path, (an_input(),), (an_input(),)) == []


@pytest.mark.parametrize("side", ["mine", "theirs"])
def test_where_either_says_nothing_nothing_is_compared(tmp_path: Path, side: str) -> None:
    mine, theirs = (None, (an_input(),)) if side == "mine" else ((an_input(),), None)

    assert found(tmp_path, mine, theirs) == []


def test_an_input_that_the_provider_does_not_know_is_a_fault(tmp_path: Path) -> None:
    assert found(tmp_path, (an_input(),), ()) == [("fault", "input_unknown")]


def test_an_input_that_the_provider_newly_requires_is_a_fault(tmp_path: Path) -> None:
    assert found(tmp_path, (), (an_input(required=True),)) == [("fault", "input_required")]
    assert found(tmp_path, (an_input(),), (an_input(required=True),)) == [("fault", "input_required")]


def test_an_input_that_the_file_leaves_out_and_nobody_requires_is_well(tmp_path: Path) -> None:
    assert found(tmp_path, (), (an_input(),)) == []


def test_a_default_of_ours_gives_what_is_required(tmp_path: Path) -> None:
    assert found(tmp_path, (an_input(default="x"),), (an_input(required=True),)) == []


@pytest.mark.parametrize(
    ("mine", "theirs", "fits"),
    [
        (InputType.EMAIL, InputType.TEXT, True),
        (InputType.DATE, InputType.LONG_TEXT, True),
        (InputType.CHOICE, InputType.TEXT, True),
        (InputType.SECRET, InputType.TEXT, True),
        (InputType.TEXT, InputType.DATE, False),
        (InputType.INTEGER, InputType.DECIMAL, True),
        (InputType.DECIMAL, InputType.INTEGER, False),
        (InputType.INTEGER, InputType.TEXT, False),
        (InputType.BOOLEAN, InputType.TEXT, False),
        (InputType.TEXT, InputType.JSON, True),
        (InputType.JSON, InputType.TEXT, True),
        (InputType.MULTI_CHOICE, InputType.MULTI_CHOICE, True),
        (InputType.CHOICE, InputType.MULTI_CHOICE, False),
    ],
)
def test_a_type_may_say_more_and_not_something_else(tmp_path: Path, mine: InputType, theirs: InputType, fits: bool) -> None:
    assert found(tmp_path, (an_input(mine),), (an_input(theirs),)) == ([] if fits else [("warning", "input_type")])


def test_a_list_is_no_single_value(tmp_path: Path) -> None:
    assert found(tmp_path, (an_input(many=True),), (an_input(),)) == [("warning", "input_type")]


def test_an_option_that_the_provider_does_not_have_is_a_warning(tmp_path: Path) -> None:
    mine, theirs = an_input(InputType.CHOICE, options=("std", "rush")), an_input(InputType.CHOICE, options=("std",))

    assert found(tmp_path, (mine,), (theirs,)) == [("warning", "input_option")]
    assert found(tmp_path, (theirs,), (mine,)) == []
