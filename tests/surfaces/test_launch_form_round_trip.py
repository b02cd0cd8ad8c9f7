"""Any metadata → a form within Slack's limits → a person's submission → what was meant, or a named error at its field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.grants import InputRule
from bot.domain.input_rules import rule_reasons
from bot.domain.input_writing import is_list
from bot.domain.inputs import is_left_out, read_inputs, read_value
from bot.domain.model import InputSpec, InputType, Problem, SecretName
from bot.sandbox.slack.forms import controls, initial_state
from bot.surfaces.form_fields import Asked, Field, digest_in, fields_of
from bot.surfaces.form_options import code
from bot.surfaces.form_reading import form_state, placed, read_submission
from bot.surfaces.form_table import ELEMENTS
from bot.surfaces.launch_form import fits, form, refused, suggestions
from tests.surfaces.form_parts import DUNNING, KEY, a_choice, assert_fine, block

ODD_TEXTS = (
    "",
    " ",
    "x" * 500,
    "🙂" * 400,
    "שלום",
    "\u202etxt",
    "\0",
    "a\nb",
    'say "so", then',
    " padded ",
    "<!channel> & <b>",
    "#-",
    "a,b",
    "'",
    "\\",
)
ODD_VALUES = (
    "1e309",
    "٣",
    "0x10",
    " 5 ",
    "5,0",
    "5.10",
    "-0",
    "+1",
    ".5",
    "1e3",
    "00012",
    "9" * 41,
    "1." + "3" * 30,
    "true",
    "YES",
    "off",
    "n",
    "0",
    "maybe",
    "2026-02-30",
    "2026-02-28",
    "0000-00-00",
    "2026-11-21T09:30Z",
    "2026-11-21T09:30",
    "2026-11-21T09:30:11.5+01:00",
    "9999-12-31T23:59-12:00",
    "ada@example.com",
    "nobody",
    "https://example.com/",
    "javascript:1",
    "[1, 2.50]",
    "{",
    "NaN",
)
TEXTS = st.sampled_from(ODD_TEXTS) | st.text(max_size=30)
VALUES = st.sampled_from([*ODD_VALUES, *ODD_TEXTS]) | st.text(max_size=30)
SECONDS = st.sampled_from([0, 1_795_000_000, 9_999_999_999, 10**15, -1])
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | VALUES, st.lists, max_leaves=4)


@st.composite
def many_options(draw: st.DrawFn) -> tuple[str, ...]:
    """More options than a select holds, some of them odd, long, or alike in their first characters."""
    few = draw(st.lists(TEXTS, max_size=6))
    count = draw(st.sampled_from([0, 0, 0, 1, 99, 100, 101]))
    stem = draw(st.sampled_from(["o", "x" * 80, "ש"]))
    return (*few, *(f"{stem}{number}" for number in range(count)))


RULES = st.builds(
    InputRule,
    one_of=st.none()
    | st.lists(st.sampled_from([1, Decimal("2.50"), True, "red", "a,b", "2026-02-28", "o1"]), max_size=4).map(tuple),
    min=st.none() | st.sampled_from([Decimal(0), Decimal("1.5"), Decimal("1e300"), Decimal(-7)]),
    max=st.none() | st.sampled_from([Decimal(10), Decimal("0.5"), Decimal("1e300")]),
    pattern=st.none() | st.sampled_from(["[a-z]+", ".*"]),
    fixed=st.none() | st.sampled_from([1, "red"]),
    hidden=st.booleans().map(lambda is_hidden: is_hidden and True),
)
SPECS = st.builds(
    InputSpec,
    name=TEXTS,
    type=st.sampled_from(list(InputType)),
    required=st.booleans(),
    label=st.none() | TEXTS,
    hint=st.none() | TEXTS,
    default=st.none() | JSON,
    is_default_ours=st.booleans(),
    options=st.just(()) | many_options(),
    many=st.booleans(),
)


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What a person did: the field, what Slack writes of it, and the texts that were meant."""

    field: Field
    entry: dict[str, Any]
    meant: tuple[str, ...]


@st.composite
def a_person(draw: st.DrawFn, field: Field, element: Mapping[str, Any]) -> Filled:
    """Types into a field, or chooses one of its options (searched ones as a search brings them)."""
    kind, keys = element["type"], ELEMENTS[element["type"]]
    if keys.is_select:
        texts = draw(st.lists(st.sampled_from(field.options), max_size=3, unique=True)) if field.options else []
        meant = tuple(texts if keys.is_many else texts[:1])
        chosen = [{"text": {"type": "plain_text", "text": "shown"}, "value": code(text)} for text in meant]
        return Filled(
            field=field, entry={"type": kind, keys.state: chosen if keys.is_many else next(iter(chosen), None)}, meant=meant
        )
    if kind == "datetimepicker":
        seconds = draw(st.none() | SECONDS)
        return Filled(field=field, entry={"type": kind, keys.state: seconds}, meant=() if seconds is None else (str(seconds),))
    text = draw(st.none() | VALUES)
    return Filled(field=field, entry={"type": kind, keys.state: text}, meant=(text,) if text else ())


def expected(filled: Filled) -> Any:
    """What was meant: the typed value, a Problem, or ``None`` for a field left empty."""
    spec = filled.field.spec
    if not filled.meant:
        return None
    if is_list(spec) and ELEMENTS[filled.field.element].is_many:
        return [read_value(_single(spec), text) for text in filled.meant]
    return None if is_left_out(spec, filled.meant[0]) else read_value(spec, filled.meant[0])


def _single(spec: InputSpec) -> InputSpec:
    kind = InputType.CHOICE if spec.type is InputType.MULTI_CHOICE else spec.type
    return replace(spec, many=False, type=kind)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.lists(SPECS, max_size=5), st.dictionaries(TEXTS, RULES, max_size=2))
def test_what_a_person_means_comes_back_or_is_named_at_its_field(
    data: st.DataObject, specs: list[InputSpec], rules: dict[str, InputRule]
) -> None:
    rules |= {one.name: data.draw(RULES) for one in specs if data.draw(st.booleans())}
    choice = a_choice(*specs, rules=rules)
    view = form(choice, opened_by=KEY)
    assert_fine(view)
    if fits(DUNNING, tuple(specs), rules):
        assert not [one for one in view["blocks"] if digest_in(one.get("block_id", ""))]
        return
    assert choice.asked is not None
    fields = {one.spec.name: one for one in fields_of(choice.asked)}
    people = [data.draw(a_person(one, block(view, name)["element"])) for name, one in fields.items()]
    state = initial_state(view["blocks"])
    for filled in people:
        state[filled.field.block_id][block(view, filled.field.spec.name)["element"]["action_id"]] = filled.entry

    texts = read_submission(state, choice.asked.unique(), rules)
    values, problems = read_inputs(choice.asked.unique(), texts)

    named = {problem.facts["name"]: problem for problem in problems}
    for filled in people:
        if "picker" not in filled.field.element and filled.field.spec.name not in named:
            meant = expected(filled)
            if meant is not None:
                assert values[filled.field.spec.name] == meant
        if isinstance(expected(filled), Problem) and filled.field.element != "datetimepicker":
            assert filled.field.spec.name in named
    troubles = [*problems, *rule_reasons(rules, values)]
    where = placed(troubles, state, choice.asked.unique(), command="/launch")
    asked = {one.block_id for one in fields.values()}
    assert set(where.at) <= asked
    assert all(0 < len(words) <= 250 for words in where.at.values())
    assert [one.facts["name"] for one in where.rest if one.facts.get("name") in fields] == []
    if troubles:
        answer = refused({**view, "state": {"values": state}}, choice, troubles, opened_by=KEY)
        assert answer["response_action"] == ("update" if where.rest else "errors")
        if where.rest:
            assert_fine(answer["view"])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(SPECS, max_size=4), st.dictionaries(TEXTS, RULES, max_size=2))
def test_a_form_that_nobody_touches_gives_the_defaults_that_it_showed(
    specs: list[InputSpec], rules: dict[str, InputRule]
) -> None:
    choice = a_choice(*specs, rules=rules)
    view = form(choice, opened_by=KEY)
    if fits(DUNNING, tuple(specs), rules):
        return
    assert choice.asked is not None

    texts = read_submission(initial_state(view["blocks"]), choice.asked.unique(), rules)

    for one in fields_of(choice.asked):
        typed = texts[one.spec.name]
        if typed:
            assert not isinstance(read_value(one.spec, typed), Problem)
            assert read_value(one.spec, typed) == read_value(one.spec, one.shown)


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_whatever_comes_back_is_read_without_a_fault(value: Any) -> None:
    one = InputSpec(name="x")
    view = form(a_choice(one), opened_by=KEY)
    block_id = block(view, "x")["block_id"]
    for state in (
        value,
        {block_id: value},
        {block_id: {"a": value}},
        {block_id: {"a": {"type": "static_select", "selected_option": value}}},
    ):
        read = read_submission(form_state({"state": {"values": state}}), [one], {})

        assert all(isinstance(text, str) for text in read.values())


@pytest.mark.parametrize("is_many", [False, True])
@pytest.mark.parametrize("kind", [InputType.CHOICE, InputType.MULTI_CHOICE, InputType.TEXT, InputType.SECRET])
def test_each_of_ten_thousand_options_can_be_chosen_and_comes_back(kind: InputType, is_many: bool) -> None:
    odd = ('say "so", then', "a,b", "<b> & c", "#-", "y" * 300, "שלום", "two\nlines")
    options = (*odd, *(f"{'x' * 80}{number}" for number in range(10_000)))
    one = InputSpec(name="record", type=kind, options=options, many=is_many)
    field = fields_of(Asked(specs=(one,)))[0]
    view = form(a_choice(one), opened_by=KEY)
    assert_fine(view)

    for meant in (field.options[0], field.options[1], field.options[2], field.options[-1]):
        state = initial_state(view["blocks"])
        option = {"text": {"type": "plain_text", "text": "shown"}, "value": code(meant)}
        keys = ELEMENTS[field.element]
        state[field.block_id] = {"a": {"type": field.element, keys.state: [option] if keys.is_many else option}}
        values, problems = read_inputs((one,), read_submission(state, [one], {}))

        wanted = SecretName(meant) if kind is InputType.SECRET else meant
        assert (values, problems) == ({"record": [wanted] if keys.is_many else wanted}, ())


@pytest.mark.parametrize("count", [90, 91, 300])
def test_more_inputs_than_a_form_holds_are_said_and_never_a_broken_view(count: int) -> None:
    specs = tuple(InputSpec(name=f"in{number}", label="y" * 500) for number in range(count))
    choice = a_choice(*specs)

    view = form(choice, opened_by=KEY)

    assert_fine(view)
    problem = fits(DUNNING, specs)
    assert (problem.code if problem else None) == (None if count == 90 else "too_many_inputs")


def test_ninety_selects_of_ten_thousand_long_options_with_defaults_fit() -> None:
    options = tuple(f"{'שלום' * 20} {number}" for number in range(10_000))
    specs = [
        InputSpec(
            name=f"in{number}", type=InputType.CHOICE, options=options, default=options[7], label="🙂" * 2000, hint="🙂" * 2000
        )
        for number in range(90)
    ]

    view = form(a_choice(*specs), opened_by=KEY)

    assert_fine(view)
    assert {one["element"]["type"] for one in view["blocks"] if digest_in(one["block_id"])} == {"external_select"}


def test_ninety_texts_of_three_thousand_characters_are_too_much_and_it_says_so() -> None:
    specs = tuple(InputSpec(name=f"in{number}", default="x" * 3000) for number in range(90))

    problem = fits(DUNNING, specs)

    assert problem is not None
    assert problem.code == "form_too_large"
    assert_fine(form(a_choice(*specs), opened_by=KEY))


def test_a_searched_option_comes_back_as_what_it_is() -> None:
    options = tuple(f"{'x' * 200}{number}" for number in range(10_000))
    one = InputSpec(name="record", type=InputType.CHOICE, options=options)
    choice = a_choice(one)
    view = form(choice, opened_by=KEY)
    (control,) = [each for each in controls(view["blocks"]) if digest_in(each.block_id)]

    found = suggestions(choice, action_id=control.action_id, block_id=control.block_id, query="x7777")

    state = {control.block_id: {control.action_id: {"type": "external_select", "selected_option": found[0]}}}
    assert len(found) == 1
    assert read_inputs((one,), read_submission(state, [one], {})) == ({"record": options[7777]}, ())


def test_a_secret_comes_back_as_its_name() -> None:
    one = InputSpec(name="login", type=InputType.SECRET, options=("sap", "crm"))
    view = form(a_choice(one), opened_by=KEY)
    chosen = {"type": "static_select", "selected_option": {"value": "crm"}}

    values, problems = read_inputs((one,), read_submission({block(view, "login")["block_id"]: {"a": chosen}}, [one], {}))

    assert (values, problems) == ({"login": SecretName("crm")}, ())
