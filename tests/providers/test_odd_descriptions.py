"""Whatever a provider says of a workflow's inputs: describe never raises, and what it makes of them can be asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.inputs import is_valid_default
from bot.domain.model import Connection, InputSpec, InputType, Workflow
from bot.domain.provider import Described, Example, Reply
from bot.providers import load
from bot.surfaces.launch_form import fits
from tests.odd_replies import answered, bodies, odd_replies

PROVIDERS = load()
DESCRIBED: Mapping[str, list[Example]] = {
    name: [one for one in provider.examples if one.verb == "describe" and isinstance(one.answer, Described)]
    for name, provider in PROVIDERS.items()
}
LONG, RTL = "label " * 90, "\u05e2\u05d1\u05e8\u05d9\u05ea \u200f\u0627\u0644\u0639\u0631\u0628\u064a\u0629"

Make = Callable[[list[dict[str, Any]]], list[Any]]
"""Bodies that describe a workflow with these inputs: each a name, and perhaps label, type, default, options and required."""


def _zuora(inputs: list[dict[str, Any]]) -> list[Any]:
    fields = [
        {
            "callout_id": one["name"],
            "field_name": one.get("label"),
            "datatype": one.get("type", "Text"),
            "default": one.get("default"),
            "required": one.get("required", False),
            "object_name": "Workflow",
        }
        for one in inputs
    ]
    return [{"workflow": {"name": "W", "version": "1", "parameters": {"fields": fields}}, "tasks": []}]


def _bitrix24(inputs: list[dict[str, Any]]) -> list[Any]:
    parameters = {
        one["name"]: {
            "Name": one.get("label"),
            "Type": one.get("type", "string"),
            "Default": one.get("default"),
            "Options": one.get("options"),
            "Required": one.get("required", False),
        }
        for one in inputs
    }
    row = {"id": 713, "name": "W", "moduleId": "crm", "documentType": "DEAL", "parameters": parameters}
    return [{"success": True, "data": [row], "meta": {"total": 1}}]


def _salesforce(inputs: list[dict[str, Any]]) -> list[Any]:
    rows = [
        {
            "name": one["name"],
            "label": one.get("label"),
            "type": one.get("type", "STRING"),
            "required": one.get("required", False),
            "picklistValues": [{"active": True, "value": value} for value in one.get("options") or {}],
        }
        for one in inputs
    ]
    return [{"name": "W", "inputs": rows}, {"done": True, "records": []}]


def _domo(inputs: list[dict[str, Any]]) -> list[Any]:
    rows = [{"paramName": one["name"], "displayName": one.get("label"), "dataType": one.get("type", "text")} for one in inputs]
    model = {"id": "x", "name": "W", "versions": [{"version": "1.0.0", "active": True, "deployedOn": "2026-01-01"}]}
    return [model, [{"messageName": "Start", "inputs": rows}]]


def _captain_data(inputs: list[dict[str, Any]]) -> list[Any]:
    schema = {one["name"]: {"required": one.get("required", False), "help": one.get("label")} for one in inputs}
    return [{"name": "W", "steps": [{"step_uid": "u", "position": 0, "input_schema": schema}]}]


MAKERS: Mapping[str, Make] = {
    "zuora": _zuora,
    "bitrix24": _bitrix24,
    "salesforce": _salesforce,
    "domo": _domo,
    "captain_data": _captain_data,
}


def place(provider: str) -> tuple[Workflow, Connection]:
    """The workflow and connection of a documented description."""
    example = DESCRIBED[provider][0]
    assert example.launch is not None
    assert example.connection is not None
    return Workflow(workflow_id=example.launch.workflow_id), example.connection


def describe(provider: str, *inputs: dict[str, Any]) -> tuple[InputSpec, ...]:
    workflow, connection = place(provider)
    replies = [Reply(status=200, body=json.dumps(body)) for body in MAKERS[provider](list(inputs))]
    _, answer = answered(PROVIDERS[provider].describe(workflow, connection), replies)
    assert isinstance(answer, Described), answer
    return answer.workflow.inputs or ()


def assert_sane(specs: tuple[InputSpec, ...]) -> None:
    """They can be asked for: by a name that is one, with options to choose from, and a default that they take."""
    names = [spec.name for spec in specs]

    assert all(name.strip() == name and name for name in names)
    assert len(set(names)) == len(names)
    for spec in specs:
        assert isinstance(spec.type, InputType)
        assert all(isinstance(option, str) and option for option in spec.options)
        assert len(set(spec.options)) == len(spec.options)
        assert spec.type not in {InputType.CHOICE, InputType.MULTI_CHOICE} or spec.options
        assert spec.default is None or is_valid_default(spec)


every = pytest.mark.parametrize("provider", sorted(MAKERS))


def test_every_provider_that_describes_is_tried() -> None:
    assert set(MAKERS) == {name for name, provider in PROVIDERS.items() if provider.has_describe}


@every
def test_three_hundred_inputs_are_all_told_and_no_form_pretends_to_ask_for_them(provider: str) -> None:
    specs = describe(provider, *({"name": f"input{number}"} for number in range(300)))

    assert [spec.name for spec in specs] == [f"input{number}" for number in range(300)]
    assert_sane(specs)
    problem = fits(place(provider)[0], specs)
    assert problem is not None
    assert problem.code == "too_many_inputs"


@pytest.mark.parametrize(("provider", "native"), [("bitrix24", "select"), ("salesforce", "PICKLIST")])
def test_ten_thousand_options_are_all_told_and_fit_a_form(provider: str, native: str) -> None:
    (spec,) = describe(
        provider, {"name": "country", "type": native, "options": {f"k{one}": f"Land {one}" for one in range(10_000)}}
    )

    assert (spec.type, len(spec.options)) == (InputType.CHOICE, 10_000)
    assert_sane((spec,))
    assert fits(place(provider)[0], (spec,)) is None


@every
@pytest.mark.parametrize("label", [LONG, RTL, "", "   ", None, 7, [], {"en": ""}, "two\nlines"])
def test_a_label_of_any_kind_leaves_the_input_and_its_form(provider: str, label: Any) -> None:
    specs = describe(provider, {"name": "amount", "label": label})

    assert [spec.name for spec in specs] == ["amount"]
    assert_sane(specs)
    assert fits(place(provider)[0], specs) is None


@every
@pytest.mark.parametrize("native", ["NEVER_SEEN", "", None, 7, {"a": 1}, RTL])
def test_a_type_never_seen_is_text(provider: str, native: Any) -> None:
    (spec,) = describe(provider, {"name": "amount", "type": native})

    assert spec.type is InputType.TEXT


@pytest.mark.parametrize(
    ("provider", "native", "default"),
    [
        ("zuora", "Decimal", "a lot"),
        ("zuora", "Integer", "1e309"),
        ("zuora", "Date", "2026-02-30"),
        ("zuora", "Boolean", "perhaps"),
        ("zuora", "Decimal", {"a": 1}),
        ("bitrix24", "int", "٣x"),
        ("bitrix24", "double", "NaN"),
        ("bitrix24", "date", "{=System:Now}"),
        ("bitrix24", "datetime", "tomorrow"),
        ("bitrix24", "select", "gone"),
        ("bitrix24", "string", "in\u202evisible"),
    ],
)
def test_a_default_that_does_not_fit_is_none(provider: str, native: str, default: Any) -> None:
    (spec,) = describe(provider, {"name": "x", "type": native, "default": default, "options": {"a": "A"}})

    assert spec.default is None


@pytest.mark.parametrize("provider", ["zuora", "salesforce", "domo"])
def test_of_two_inputs_of_one_name_the_last_counts(provider: str) -> None:
    specs = describe(provider, {"name": "amount", "label": "First"}, {"name": "amount", "label": "Second"})

    assert [(spec.name, spec.label) for spec in specs] == [("amount", "Second")]


def test_names_that_differ_by_spaces_only_are_one_input() -> None:
    assert [spec.name for spec in describe("captain_data", {"name": "url"}, {"name": " url"})] == ["url"]


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        *((provider, name) for provider in MAKERS for name in ("", "  ")),
        *((provider, name) for provider in ("zuora", "salesforce", "domo") for name in (None, 1.5, [], {})),
    ],
)
def test_what_has_no_name_is_no_input(provider: str, name: Any) -> None:
    assert describe(provider, {"name": name}) == ()


@every
@given(data=st.data())
@settings(max_examples=60)
def test_whatever_is_told_what_comes_of_it_can_be_asked_for(provider: str, data: st.DataObject) -> None:
    workflow, connection = place(provider)
    replies = data.draw(st.lists(odd_replies(bodies(DESCRIBED[provider])), min_size=1, max_size=3))

    _, answer = answered(PROVIDERS[provider].describe(workflow, connection), replies)

    if isinstance(answer, Described):
        assert_sane(answer.workflow.inputs or ())


def test_of_an_export_nothing_is_kept_but_the_fields() -> None:
    """Tasks may hold credentials."""
    workflow, connection = place("zuora")
    (body,) = MAKERS["zuora"]([{"name": "amount"}])
    body["tasks"] = [{"parameters": {"headers": {"Authorization": "Bearer of-a-task"}}}]
    body["workflow"]["tasks"] = body["tasks"]

    _, answer = answered(PROVIDERS["zuora"].describe(workflow, connection), [Reply(status=200, body=json.dumps(body))])

    assert "of-a-task" not in repr(answer)
