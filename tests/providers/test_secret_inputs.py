"""An input of the type secret goes through every provider as a name: only the gateway knows what it stands for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

import bot.providers
from bot.domain.model import Json, SecretName, Workflow
from bot.domain.provider import Call, Example, Provider
from tests.builders import a_connection

PROVIDERS = bot.providers.load()
LOGIN = SecretName("portal-login")


def started(provider: Provider) -> list[Call]:
    """The calls of a start with a secret among its inputs, answered as documented."""
    example = next(one for one in provider.examples if one.verb == "start" and one.launch is not None)
    launch, connection = (
        _launch_of(example),
        example.connection or a_connection(provider=provider.name, options=provider.options()),
    )
    exchange = provider.start(launch, connection)
    return [next(exchange), *(exchange.send(reply) for reply in example.before)]


def _launch_of(example: Example) -> Any:
    assert example.launch is not None
    return replace(example.launch, inputs={**example.launch.inputs, "login": LOGIN})


def leaves(value: Json) -> Iterator[object]:
    match value:
        case Mapping():
            for item in cast("Mapping[str, Json]", value).values():
                yield from leaves(item)
        case list() | tuple():
            for item in cast("list[Json]", value):
                yield from leaves(item)
        case _:
            yield value


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_secret_stands_in_the_body_of_the_start_by_its_name_and_nowhere_as_text(name: str) -> None:
    calls = started(PROVIDERS[name])

    found = [leaf for call in calls for leaf in leaves(call.json)]
    assert found.count(LOGIN) == 1
    assert "portal-login" not in [str(leaf) for leaf in found if leaf is not LOGIN]
    elsewhere = [(call.path, dict(call.headers), dict(call.query), call.form) for call in calls]
    assert "portal-login" not in json.dumps(elsewhere)


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_providers_own_rules_take_a_secret_for_a_value(name: str) -> None:
    provider = PROVIDERS[name]
    example = next(one for one in provider.examples if one.verb == "start" and one.launch is not None)
    launch = _launch_of(example)
    workflow = Workflow(workflow_id=launch.workflow_id, extras=launch.extras)

    problems = provider.check(
        launch.inputs, workflow, example.connection or a_connection(provider=name, options=provider.options())
    )

    assert [problem for problem in problems if problem.facts.get("name") == "login"] == []
