"""The form as a whole: what can be chosen, what stands in the way, and every view within Slack's limits."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.grants import InputRule
from bot.domain.inputs import read_inputs
from bot.domain.model import Connection, InputType, Problem, Workflow
from bot.domain.provider import Described, Provider
from bot.providers import load
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.filling import fill, submitted
from bot.sandbox.slack.forms import initial_state
from bot.surfaces.form_choosing import Choice
from bot.surfaces.form_fields import Asked
from bot.surfaces.form_options import Choosable
from bot.surfaces.form_reading import CONNECTION, WORKFLOW, chosen_in, form_state, read_submission
from bot.surfaces.launch_form import confirmation, fits, form, loading, place_of, suggestions, unreachable
from bot.surfaces.say import compose
from tests.exchanges import drive
from tests.surfaces.form_parts import (
    BILLING,
    DUNNING,
    KEY,
    a_choice,
    assert_fine,
    block,
    drawn,
    element,
    kinds,
    labels,
    sent,
    spec,
    words,
)

PROVIDERS = load()
DESCRIBED = [
    (provider, example)
    for provider in PROVIDERS.values()
    for example in provider.examples
    if example.verb == "describe" and isinstance(example.answer, Described)
]


def described(provider: Provider, example: Any) -> tuple[Workflow, Connection]:
    """What the provider's own code makes of the documented reply."""
    start = next(each for each in provider.examples if each.verb == "start" and each.launch and each.connection)
    launch, connection = example.launch or start.launch, example.connection or start.connection
    asked = provider.describe(Workflow(workflow_id=launch.workflow_id), connection)
    return drive(asked, *example.before, example.reply).answer.workflow, connection


@pytest.mark.parametrize(("provider", "example"), DESCRIBED, ids=lambda each: each.name.replace(" ", "-"))
def test_the_documented_metadata_of_each_provider_becomes_this_form(
    provider: Provider, example: Any, snapshot: SnapshotAssertion
) -> None:
    workflow, connection = described(provider, example)
    specs = (*provider.fixed_inputs(workflow), *(workflow.inputs or ()))
    choice = Choice(
        connections=(Choosable(value=connection.name, text=connection.name, note=provider.title),),
        connection=connection.name,
        workflows=(workflow,),
        workflow=workflow,
        asked=Asked(specs=specs, place=place_of(connection.name, workflow)),
    )

    view = form(choice, opened_by=KEY)

    assert_fine(view)
    assert len(labels(view)) == (0 if workflow.obstacle else len({one.name for one in specs}))
    assert view == snapshot


def test_every_provider_that_describes_has_a_documented_form() -> None:
    assert {provider.name for provider, _ in DESCRIBED} == {each.name for each in PROVIDERS.values() if each.has_describe}


# --- choosing ----------------------------------------------------------------------------------------------------------


def test_nothing_is_chosen_at_first() -> None:
    view = form(Choice(connections=(BILLING,)), opened_by=KEY)

    assert_fine(view)
    assert kinds(view) == ["static_select"]
    assert view["blocks"][0]["dispatch_action"] is True
    assert view["submit"]["text"] == "Continue"


def test_the_workflows_of_a_chosen_connection_are_offered_by_name_with_their_ids() -> None:
    view = form(
        Choice(connections=(BILLING,), connection="billing", workflows=(DUNNING, Workflow(workflow_id="397"))), opened_by=KEY
    )
    offered = view["blocks"][1]["element"]["options"]

    assert_fine(view)
    assert [(one["text"]["text"], one.get("description", {}).get("text"), one["value"]) for one in offered] == [
        ("Dunning run", "396", "396"),
        ("397", None, "397"),
    ]


def test_more_than_a_hundred_workflows_are_searched_by_any_part_of_name_or_id() -> None:
    workflows = tuple(Workflow(workflow_id=f"w-{number}", name=f"Monthly close {number}") for number in range(500))
    choice = Choice(
        connections=(BILLING,), connection="billing", workflows=workflows, workflow=workflows[444], asked=Asked(specs=())
    )
    view = form(choice, opened_by=KEY)
    select = view["blocks"][1]["element"]

    assert_fine(view)
    assert (select["type"], select["min_query_length"]) == ("external_select", 0)
    assert select["initial_option"]["value"] == "w-444"
    for query, expected in {"close 44": 14, "W-321": 1, "": 100, "nothing": 0}.items():
        found = suggestions(choice, action_id=WORKFLOW, block_id=view["blocks"][1]["block_id"], query=query)
        assert len(found) == expected


def test_a_chosen_workflow_stays_although_the_list_has_it_no_longer() -> None:
    view = drawn(workflows=())

    assert view["blocks"][1]["element"]["initial_option"]["value"] == "396"


def test_another_connection_resets_the_workflow_and_nothing_else() -> None:
    one, other = (
        form(Choice(connections=(BILLING,), connection=name, workflows=(DUNNING,)), opened_by=KEY) for name in ("billing", "crm")
    )

    assert one["blocks"][0]["block_id"] == other["blocks"][0]["block_id"]
    assert one["blocks"][1]["block_id"] != other["blocks"][1]["block_id"]


@pytest.mark.parametrize("choice", [Choice(connections=()), Choice(connections=(BILLING,), connection="billing")])
def test_nothing_to_choose_is_said(choice: Choice) -> None:
    view = form(choice, opened_by=KEY)

    assert_fine(view)
    assert "There is nothing here that you may launch." in words(view, "no-workflow" if choice.connections else "no-connection")


def test_searching_where_nothing_is_searched_finds_nothing() -> None:
    choice = a_choice(spec("x"))

    assert suggestions(choice, action_id="other", block_id="other", query="") == []
    assert suggestions(Choice(connections=(BILLING,)), action_id="x", block_id="in0-1-2", query="") == []
    assert [one["value"] for one in suggestions(choice, action_id=CONNECTION, block_id="connection", query="zuora")] == [
        "billing"
    ]


# --- what stands in the way --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "code", "told"),
    [
        (a_choice(asked=None), "inputs_unknown", "Nobody tells which inputs “Dunning run” takes"),
        (
            a_choice(workflow=replace(DUNNING, obstacle="it is switched off")),
            "not_launchable",
            "“Dunning run” of “billing” cannot be launched: it is switched off",
        ),
        (
            a_choice(*(spec(f"in{number}") for number in range(300))),
            "too_many_inputs",
            (
                "“Dunning run” takes 300 inputs, and a form holds 90 at most: type the command instead. "
                "It begins with /launch billing 396, and each"
            ),
        ),
        (
            a_choice(*(spec(f"in{number}", default="x" * 3000) for number in range(90))),
            "form_too_large",
            "is too much text for one form: type the command instead. It begins with /launch billing 396, and each",
        ),
        (
            a_choice(spec("login", InputType.SECRET, required=True)),
            "input_not_asked",
            "“login” is required, and nobody can give it in this form: the connection has no secrets to choose from",
        ),
        (
            a_choice(spec("note", required=True), rules={"note": InputRule(hidden=True)}),
            "input_not_asked",
            "“note” is required, and nobody can give it in this form: it is hidden here, and has no value",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) and "_" in each else "",
)
def test_what_cannot_be_asked_for_says_so_instead(choice: Choice, code: str, told: str) -> None:
    view = form(choice, opened_by=KEY)

    assert_fine(view)
    assert told in words(view, "problems")
    assert labels(view) == []
    assert "submit" not in view
    assert chosen_in(initial_state(view["blocks"])) == ("billing", "396")
    if choice.workflow and choice.asked and not choice.workflow.obstacle:
        problem = fits(choice.workflow, choice.asked.specs, choice.asked.rules)
        assert problem is not None
        assert problem.code == code


def test_what_fits_has_no_problem() -> None:
    assert fits(replace(DUNNING, obstacle="it is switched off"), (spec("x"),)) is None
    assert fits(DUNNING, tuple(spec(f"in{number}", label="y" * 500) for number in range(90))) is None
    assert fits(DUNNING, (spec("note", required=True),), {"note": InputRule(fixed="x", hidden=True)}) is None


def test_problems_and_notes_stand_above_the_fields_in_lines() -> None:
    problems = [
        Problem(code="unknown_launch", facts={"typed": "L-1"}),
        Problem(code="missing_input", facts={"name": "x", "expected": "text"}),
    ]

    view = form(a_choice(spec("x", label="The X"), notes=("As of 10:40.", "From a message.")), opened_by=KEY, problems=problems)

    assert_fine(view)
    assert words(view, "problems").split("\n") == [
        "• There is no launch “L-1”. /launch status shows the recent ones.",
        "• The input “The X” is missing. It takes text.",
    ]
    assert words(view, "notes") == "As of 10:40.\nFrom a message."


def test_a_hundred_problems_fit() -> None:
    problems = [Problem(code="unknown_launch", facts={"typed": f"{number}" + "x" * 500}) for number in range(100)]

    view = form(a_choice(spec("x")), opened_by=KEY, problems=problems)

    assert_fine(view)
    assert words(view, "problems").endswith("• and 85 more")


# --- other views -------------------------------------------------------------------------------------------------------


def test_what_opens_at_once_can_be_filled_later() -> None:
    view = loading(opened_by=KEY, about="billing")

    assert_fine(view)
    assert kinds(view) == []
    assert "billing" in view["blocks"][0]["text"]["text"]
    assert_fine(loading(opened_by=KEY))


def test_a_provider_that_could_not_be_asked_is_said_and_another_can_be_chosen() -> None:
    view = unreachable(
        a_choice(notes=("Last known: 5 minutes ago.",)), opened_by=KEY, trouble="Zuora Workflow did not answer in 5 s."
    )

    assert_fine(view)
    assert view["blocks"][0]["text"]["text"].startswith("Zuora Workflow did not answer in 5 s. Nothing was launched")
    assert kinds(view) == ["static_select", "static_select"]
    assert "submit" not in view


def test_the_confirmation_shows_the_preview() -> None:
    preview = compose(("This is the call.",))

    view = confirmation(preview, opened_by=KEY)

    assert_fine(view)
    assert view["blocks"] == list(preview.blocks)
    assert view["submit"]["text"] == "Launch"


def test_nothing_but_the_key_is_carried_by_a_view() -> None:
    view = drawn(spec("x"), given={"x": "secret plans"})

    assert view["private_metadata"] == KEY
    assert "U0ALICE" not in str(view)
    assert sent(view)["state"]["values"][block(view, "x")["block_id"]]


def test_right_to_left_text_is_shown_and_marks_that_turn_it_are_not() -> None:
    view = drawn(spec("x", label="שם \u202eמלא", hint="הסבר", options=("שלום",), kind=InputType.CHOICE))

    assert labels(view) == ["שם מלא"]
    assert element(view, "x")["options"][0]["text"]["text"] == "שלום"
    assert form_state({"state": {"values": {}}}) == {}


def test_a_person_fills_the_form_in_slacks_own_client() -> None:
    """By the stand-in's rules: what the client would not take never leaves it, and only input blocks are sent."""
    specs = (
        spec("amount", InputType.DECIMAL, required=True, label="Amount"),
        spec("due", InputType.DATE, label="Due"),
        spec("dryRun", InputType.BOOLEAN, label="Dry run"),
        spec("tags", InputType.MULTI_CHOICE, label="Tags", options=("a", "b,c")),
    )
    view = drawn(*specs, rules={"amount": InputRule(max=Decimal(500))})
    values = {"Amount": "499.90", "Due": "2026-11-30", "Dry run": "No", "Tags": ["b,c", "a"]}

    state = submitted(view["blocks"], fill(view["blocks"], initial_state(view["blocks"]), values))

    typed = {"amount": Decimal("499.90"), "due": "2026-11-30", "dryRun": False, "tags": ["b,c", "a"]}
    assert chosen_in(state) == ("billing", "396")
    assert read_inputs(specs, read_submission(state, specs, {})) == (typed, ())
    with pytest.raises(NotPossibleError, match="out of range"):
        fill(view["blocks"], initial_state(view["blocks"]), {"Amount": "500.01"})
    with pytest.raises(NotPossibleError, match="required field: 'Amount'"):
        submitted(view["blocks"], initial_state(view["blocks"]))
