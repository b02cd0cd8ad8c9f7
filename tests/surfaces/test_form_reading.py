"""What comes back from the form: texts, choices, and problems at their fields."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.grants import InputRule
from bot.domain.input_rules import rule_reasons
from bot.domain.inputs import read_inputs
from bot.domain.model import InputType, Problem, Workflow
from bot.surfaces import forms
from bot.surfaces.form_fields import Asked
from bot.surfaces.form_reading import (
    CONNECTION,
    MOST_ERROR,
    WORKFLOW,
    carried_over,
    chosen_in,
    form_state,
    given,
    kept_state,
    kept_submission,
    placed,
    read_submission,
)
from bot.surfaces.form_table import ELEMENTS, said
from bot.surfaces.launch_form import form, place_of, redrawn, refused
from tests.domain.test_tokens import EVERY
from tests.surfaces.form_parts import (
    DUNNING,
    KEY,
    a_choice,
    assert_fine,
    block,
    drawn,
    element,
    option_for,
    sent,
    spec,
    state,
    words,
)

AMOUNT = spec("amount", InputType.DECIMAL, required=True, label="Amount")
DUE = spec("due", InputType.DATE, label="Due")
DRY = spec("dryRun", InputType.BOOLEAN, label="Dry run")
COLOUR = spec("colour", InputType.CHOICE, label="Colour", options=("red", "dark blue"))
TAGS = spec("tags", InputType.MULTI_CHOICE, label="Tags", options=("a", "b,c", 'say "so"', "a,b,c"))


def option(value: str) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": "shown"}, "value": value}


def read(view: dict[str, Any], *specs: Any, **values: Any) -> tuple[dict[str, Any], list[str]]:
    found, problems = read_inputs(specs, read_submission(state(view, **values), specs, {}))
    return found, [f"{problem.code} {problem.facts['name']}" for problem in problems]


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        (InputType.DECIMAL, "5.10", Decimal("5.10")),
        (InputType.DECIMAL, "0.1000000000000000055511151231", Decimal("0.1000000000000000055511151231")),
        (InputType.DECIMAL, " 5 ", Decimal(5)),
        (InputType.INTEGER, " 5 ", 5),
        (InputType.DATE, "2026-02-28", "2026-02-28"),
        (InputType.DATETIME, 1_795_253_400, "2026-11-21T09:30:00Z"),
        (InputType.TEXT, "a b", "a b"),
        (InputType.LONG_TEXT, "a\nb", "a\nb"),
        (InputType.EMAIL, "ada@example.com", "ada@example.com"),
        (InputType.URL, "https://example.com/", "https://example.com/"),
        (InputType.JSON, '{"a": 1.50}', {"a": Decimal("1.50")}),
    ],
)
def test_what_was_typed_is_read_as_a_typed_command_is(kind: InputType, typed: Any, value: Any) -> None:
    one = spec("x", kind)

    found, problems = read(drawn(one), one, x=typed)

    assert (found, problems) == ({"x": value}, [])
    assert str(found["x"]) == str(value)


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (InputType.DECIMAL, "1e309"),
        (InputType.DECIMAL, "٣"),
        (InputType.DECIMAL, "0x10"),
        (InputType.DECIMAL, "5,0"),
        (InputType.DECIMAL, "NaN"),
        (InputType.INTEGER, "5.0"),
        (InputType.INTEGER, "٣"),
        (InputType.DATE, "2026-02-30"),
        (InputType.DATETIME, 10**18),
        (InputType.EMAIL, "nobody"),
        (InputType.URL, "javascript:alert(1)"),
        (InputType.JSON, "{"),
        (InputType.TEXT, "\u202etxt.exe"),
    ],
)
def test_what_does_not_fit_is_named_at_its_field(kind: InputType, typed: Any) -> None:
    one = spec("x", kind, label="How much")
    view = drawn(one, spec("y"))
    filled = state(view, x=typed)
    _, problems = read_inputs((one,), read_submission(filled, [one], {}))

    where = placed(problems, filled, [one], command="/launch")

    assert list(where.at) == [block(view, "x")["block_id"]]
    assert where.rest == ()
    assert "“How much”" in where.at[block(view, "x")["block_id"]]


@pytest.mark.parametrize(("label", "value"), [("Yes", True), ("No", False)])
def test_a_truth_is_chosen(label: str, value: bool) -> None:
    view = drawn(DRY)

    assert read(view, DRY, dryRun=option_for(view, "dryRun", label)) == ({"dryRun": value}, [])


@pytest.mark.parametrize("spelt", ["true", "YES", "on", "1", "y"])
def test_every_spelling_of_a_truth_stands_in_the_form_as_yes(spelt: str) -> None:
    assert element(drawn(DRY, given={"dryRun": spelt}), "dryRun")["initial_option"]["value"] == "yes"


def test_leaving_out_is_a_choice_too() -> None:
    view = drawn(DRY)

    assert read(view, DRY, dryRun=option_for(view, "dryRun", "Leave out")) == ({}, [])


@pytest.mark.parametrize("chosen", [["a"], ["a", "b,c"], ["b,c"], ['say "so"', "a"], ["a,b,c"], ["a", "a,b,c", "b,c"]])
def test_several_options_come_back_one_by_one(chosen: list[str]) -> None:
    view = drawn(TAGS)

    assert read(view, TAGS, tags=[option_for(view, "tags", one) for one in chosen]) == ({"tags": chosen}, [])


def test_an_option_that_is_gone_is_named_by_its_own_word() -> None:
    filled = state(drawn(COLOUR), colour=option("green"))

    _, (problem,) = read_inputs((COLOUR,), read_submission(filled, [COLOUR], {}))

    assert problem.facts["typed"] == "green"


def test_all_problems_are_told_at_once_each_at_its_field_in_words_of_the_field() -> None:
    view = drawn(AMOUNT, DUE, COLOUR)
    submitted = sent(view, amount="5,0", due="2026-02-30", colour=option("dark blu"))
    specs = (AMOUNT, DUE, COLOUR)
    _, problems = read_inputs(specs, read_submission(form_state(submitted), specs, {}))

    answer = refused(submitted, a_choice(*specs), problems, opened_by=KEY)

    assert answer["response_action"] == "errors"
    assert answer["errors"] == {
        block(view, "amount")["block_id"]: (
            "The input “Amount” does not fit. It must be a number such as 12, -3.50 or 1.5e3, with a point and no other marks. "
            "You typed “5,0”."
        ),
        block(view, "due")["block_id"]: (
            "The input “Due” does not fit. It must be a date that exists, written as year-month-day, such as 2026-11-21. "
            "You typed “2026-02-30”."
        ),
        block(view, "colour")["block_id"]: (
            "The input “Colour” does not fit. It must be one of its options, spelt exactly so. "
            "You typed “dark blu”. Did you mean “dark blue”?"
        ),
    }


def test_what_the_policy_says_stands_at_the_field_too() -> None:
    rules = {"amount": InputRule(max=Decimal(10))}
    view = drawn(AMOUNT, rules=rules)
    submitted = sent(view, amount="11")

    answer = refused(submitted, a_choice(AMOUNT, rules=rules), rule_reasons(rules, {"amount": Decimal(11)}), opened_by=KEY)

    assert answer["errors"] == {
        block(view, "amount")["block_id"]: "The input “Amount” must be a number of at most “10” here. You typed “11”."
    }


def test_a_problem_of_no_field_stands_above_the_form_with_all_others_and_nothing_typed_is_lost() -> None:
    submitted = sent(drawn(AMOUNT, spec("note")), amount="5,0", note="keep me")
    _, problems = read_inputs((AMOUNT,), {"amount": "5,0"})
    troubles = (*problems, Problem(code="policy_changed", facts={"connection": "billing"}))

    answer = refused(submitted, a_choice(AMOUNT, spec("note")), troubles, opened_by=KEY)

    assert answer["response_action"] == "update"
    assert_fine(answer["view"])
    assert "“Amount” does not fit" in words(answer["view"], "problems")
    assert "rules for “billing” changed" in words(answer["view"], "problems")
    assert element(answer["view"], "amount")["initial_value"] == "5,0"
    assert element(answer["view"], "note")["initial_value"] == "keep me"


def test_an_error_at_a_field_is_never_long() -> None:
    one = spec("x", label="y" * 3000)
    view = drawn(one)
    filled = state(view, x="z" * 3000)
    problem = Problem(code="bad_input", facts={"name": "x", "expected": "w" * 3000, "typed": "z" * 3000})

    where = placed([problem] * 40, filled, [one], command="/launch")

    assert [len(told) <= MOST_ERROR for told in where.at.values()] == [True]


def test_what_was_chosen_above_comes_back() -> None:
    long = Workflow(workflow_id="w" * 300, name="Long")
    view = form(a_choice(workflow=long), opened_by=KEY)

    assert chosen_in(form_state(sent(view)), [long.workflow_id]) == ("billing", long.workflow_id)
    assert chosen_in(form_state(sent(form(a_choice(), opened_by=KEY)))) == ("billing", "396")
    assert chosen_in({}) == ("", "")
    assert {CONNECTION, WORKFLOW} == {one["element"]["action_id"] for one in view["blocks"] if one["type"] == "input"}


def test_a_submission_is_kept_and_read_again() -> None:
    submitted = sent(drawn(AMOUNT), amount="5.10")

    kept = kept_submission(submitted)

    assert forms.opened_by(kept) == KEY
    assert read_submission(kept_state(kept), [AMOUNT], {}) == {"amount": "5.10"}
    assert kept_state("no json") == kept_state("[]") == {}
    assert json.loads(kept).keys() == {"opened_by", "values"}


@pytest.mark.parametrize("before", ["", "\n", "\t", "\r", "\x1b", "\u00e9", "see:\n"])
@pytest.mark.parametrize("kind", sorted(ELEMENTS))
def test_no_token_is_kept_of_any_field_on_whichever_line_it_stands(kind: str, before: str) -> None:
    for name, token in EVERY:
        text, element = f"{before}{token}", ELEMENTS[kind]
        value: Any = option(text) if element.is_select else text
        entry = {"type": kind, element.state: [value] if element.is_many else value}
        kept = kept_submission({"private_metadata": KEY, "state": {"values": {"block": {"action": entry}}}})

        assert said(kept_state(kept)["block"]["action"]) == (f"{before}[secret-removed:{name.replace(' ', '-')}]",)
        assert json.dumps(token)[1:-1] not in kept
        assert forms.opened_by(kept) == KEY


def test_only_what_was_filled_in_is_given() -> None:
    assert given(state(drawn(AMOUNT, DUE), amount="1"), [AMOUNT, DUE], {}) == {"amount": "1"}


class TestCarryingOver:
    def test_an_input_of_the_same_name_and_type_keeps_what_was_typed_in_another_workflow(self) -> None:
        other = Workflow(workflow_id="397", name="Other")
        asked = Asked(specs=(AMOUNT, DUE), place=place_of("billing", other))

        view = form(a_choice(workflow=other, asked=redrawn(asked, state(drawn(AMOUNT), amount="5.10"))), opened_by=KEY)

        assert_fine(view)
        assert element(view, "amount")["initial_value"] == "5.10"
        assert block(view, "amount")["block_id"] != block(drawn(AMOUNT), "amount")["block_id"]

    def test_what_does_not_fit_survives_in_a_field_of_the_same_kind_and_only_there(self) -> None:
        filled = state(drawn(spec("x", InputType.DECIMAL)), x="5,0")

        assert carried_over(filled, Asked(specs=(spec("x", InputType.DECIMAL),))) == {"x": "5,0"}
        assert carried_over(filled, Asked(specs=(spec("x", InputType.DATE),))) == {}
        assert carried_over(filled, Asked(specs=(spec("x"),))) == {"x": "5,0"}

    def test_a_field_that_was_emptied_does_not_show_its_default_again(self) -> None:
        one = spec("note", default="hello", is_default_ours=True)
        filled = state(drawn(one), note=None)

        view = form(a_choice(asked=redrawn(Asked(specs=(one,)), filled)), opened_by=KEY)

        assert "initial_value" not in element(view, "note")
        assert "Left empty, it is hello." in block(view, "note")["hint"]["text"]

    def test_what_looks_like_a_token_is_not_written_again(self) -> None:
        token = "xoxb-" + "1234567890-abcdefghij"
        filled = state(drawn(spec("note")), note=token)

        assert carried_over(filled, Asked(specs=(spec("note"),))) == {}

    def test_a_chosen_option_survives_where_the_other_input_has_it(self) -> None:
        filled = state(drawn(COLOUR), colour=option("dark blue"))
        fewer = spec("colour", InputType.CHOICE, options=("dark blue", "green"))
        without = spec("colour", InputType.CHOICE, options=("green",))

        assert carried_over(filled, Asked(specs=(fewer,))) == {"colour": "dark blue"}
        assert carried_over(filled, Asked(specs=(without,))) == {}

    def test_a_refresh_of_the_same_form_keeps_every_id_so_that_slack_keeps_what_stands_there(self) -> None:
        before, after = drawn(AMOUNT, DUE, COLOUR), drawn(AMOUNT, DUE, COLOUR, notes=("5 minutes old",))

        assert [block(before, name)["block_id"] for name in ("amount", "due", "colour")] == [
            block(after, name)["block_id"] for name in ("amount", "due", "colour")
        ]

    def test_an_id_changes_with_what_a_field_shows(self) -> None:
        other = spec("colour", InputType.CHOICE, label="Colour", options=("red",))

        assert block(drawn(COLOUR), "colour")["block_id"] != block(drawn(other), "colour")["block_id"]
        assert DUNNING.workflow_id not in block(drawn(COLOUR), "colour")["block_id"]
