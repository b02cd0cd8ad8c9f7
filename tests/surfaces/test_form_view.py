"""What a view brings back: read whatever is missing in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import InputSpec, InputType, Workflow
from bot.sandbox.slack.filling import fill
from bot.sandbox.slack.forms import initial_state
from bot.surfaces.form_choosing import Choice
from bot.surfaces.form_fields import Asked, name_digest
from bot.surfaces.form_options import Choosable
from bot.surfaces.form_view import CONTINUE, FormView, chosen_block, filled_in, first_field, read_view
from bot.surfaces.launch_form import form

CHOICE = Choice(
    connections=(Choosable(value="billing", text="billing"),),
    connection="billing",
    workflows=(Workflow(workflow_id="396", name="Dunning run"),),
    workflow=Workflow(workflow_id="396", name="Dunning run"),
    asked=Asked(specs=(InputSpec(name="accountId", required=True), InputSpec(name="days", type=InputType.INTEGER))),
)


def a_view(choice: Choice = CHOICE, **values: Any) -> dict[str, Any]:
    """The form as Slack brings it back."""
    drawn = form(choice, opened_by="command:1")
    state = fill(drawn["blocks"], initial_state(drawn["blocks"]), values)
    return {**drawn, "id": "V1", "hash": "1.2", "state": {"values": state}}


def test_a_view_is_read_with_all_that_tells_it_from_others() -> None:
    read = read_view(a_view(accountId="A1"))

    assert (read.view_id, read.mark, read.opened_by, read.submit) == ("V1", "1.2", "command:1", "Launch")
    assert read.shown["callback_id"] == "launch_form"
    assert len(read.state) == 4


def test_the_button_tells_whether_a_workflow_was_chosen() -> None:
    undecided = Choice(connections=CHOICE.connections, connection="billing", workflows=CHOICE.workflows)

    assert read_view(a_view(undecided)).submit == CONTINUE
    assert read_view(a_view()).submit != CONTINUE


@pytest.mark.parametrize("view", [{}, {"state": None}, {"state": {"values": []}, "submit": "Launch", "hash": 7, "id": None}])
def test_what_a_view_lacks_is_empty(view: dict[str, Any]) -> None:
    read = read_view(view)

    assert (read.view_id, read.opened_by, read.submit, dict(read.state)) == ("", "", "", {})
    assert filled_in(view) == {}
    assert first_field(view) is None


def test_only_fields_with_something_in_them_are_filled_in() -> None:
    assert filled_in(a_view(accountId="A1")) == {name_digest("accountId"): ("accountId", "A1")}
    assert filled_in(a_view()) == {}


def test_an_error_about_no_field_stands_at_the_workflow_else_at_the_connection() -> None:
    view = read_view(a_view())
    without_workflow = {block_id: one for block_id, one in view.state.items() if not block_id.startswith("workflow")}

    assert str(chosen_block(view.state)).startswith("workflow-")
    assert chosen_block(without_workflow) == "connection"
    assert chosen_block({}) is None


def test_the_first_field_is_one_that_a_submission_brought() -> None:
    view = a_view()

    assert first_field(view) in view["state"]["values"]


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=5), lambda inner: st.dictionaries(st.text(max_size=8), inner)))
def test_nothing_that_comes_back_raises(value: Any) -> None:
    view = {"state": {"values": {"block": value}}, "blocks": [value, {"block_id": value}], "private_metadata": value}

    assert isinstance(read_view(view), FormView)
    assert isinstance(filled_in(view), dict)
