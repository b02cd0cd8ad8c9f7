"""What a start would send: found by every provider's own exchange, sent by nobody."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest

from bot import providers
from bot.domain.foreseen import MASK, PLACEHOLDER, Foreseen, foreseen, made_up, masked
from bot.domain.model import SecretName
from bot.domain.provider import Call, Example, Provider, Refused, Reply
from tests.builders import a_launch

STARTS = [
    pytest.param(provider, example, id=f"{provider.name}-{example.name}")
    for provider in providers.load().values()
    for example in provider.examples
    if example.verb == "start" and not example.before and example.launch is not None and example.connection is not None
]
READ = Call(method="GET", path="/workflows/396")
CHANGE = Call(method="POST", path="/workflows/396/run", json={"a": 1})


def test_every_provider_has_a_start_to_try() -> None:
    assert {param.values[0].name for param in STARTS} == set(providers.load())  # type: ignore[union-attr]


@pytest.mark.parametrize(("provider", "example"), STARTS)
def test_the_call_of_every_documented_start_is_foreseen(provider: Provider, example: Example) -> None:
    assert example.launch is not None
    assert example.connection is not None

    found = foreseen(provider.start(example.launch, example.connection))

    assert found.call == masked(example.call)
    assert not found.is_read


@pytest.mark.parametrize(("provider", "example"), STARTS)
def test_no_real_launch_id_stands_in_it(provider: Provider, example: Example) -> None:
    assert example.launch is not None
    assert example.connection is not None

    call = foreseen(provider.start(made_up(example.launch), example.connection)).call

    assert call is not None
    assert example.launch.launch_id not in repr(call)


def test_the_placeholder_can_be_no_launch_id() -> None:
    assert not PLACEHOLDER.removeprefix("L-").isalnum()
    assert made_up(a_launch()).launch_id == PLACEHOLDER


def test_nothing_is_made_up_about_what_a_read_would_answer() -> None:
    asked: list[Any] = []

    def exchange() -> Generator[Call, Reply, Any]:
        asked.append((yield READ))
        asked.append((yield CHANGE))

    assert foreseen(exchange()) == Foreseen(call=READ, is_read=True)
    assert asked == []


def test_a_start_that_sends_nothing_tells_what_it_comes_to() -> None:
    answer = Refused(code="incomplete", meaning="Nothing was sent.")

    def exchange() -> Generator[Call, Reply, Any]:
        return answer
        yield CHANGE

    assert foreseen(exchange()) == Foreseen(answer=answer)


def test_an_exchange_that_was_foreseen_is_over() -> None:
    ended: list[str] = []

    def exchange() -> Generator[Call, Reply, Any]:
        try:
            yield CHANGE
        finally:
            ended.append("ended")

    foreseen(exchange())

    assert ended == ["ended"]


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "X-Api-Key",
        "api_key",
        "apiKey",
        "access_token",
        "client_secret",
        "password",
        "Cookie",
        "li_at",
        "Session-Id",
    ],
)
def test_what_its_name_calls_secret_is_masked_wherever_it_stands(name: str) -> None:
    value = "made-up"
    call = Call(method="POST", path="/", headers={name: value}, query={name: value}, json={"a": [{name: value}], name: value})
    form = Call(method="POST", path="/", form={name: value, "other": "shown"})

    assert masked(call) == Call(
        method="POST", path="/", headers={name: MASK}, query={name: MASK}, json={"a": [{name: MASK}], name: MASK}
    )
    assert masked(form).form == {name: MASK, "other": "shown"}


@pytest.mark.parametrize("name", ["Idempotency-Key", "Zuora-Track-Id", "job_name", "accountId", "parameters", "author"])
def test_what_is_no_secret_is_shown(name: str) -> None:
    call = Call(method="POST", path="/", headers={name: "L-7K3QW"}, json={name: ["x", 1, None, True]})

    assert masked(call) == call


def test_a_text_that_looks_like_a_token_is_masked_under_any_name() -> None:
    token = "XOXB-1234567890-MADE0UP0TEXT".lower()
    shown = masked(Call(method="POST", path="/", headers={"Note": token}, json={"note": f"see {token}"}))

    assert token not in json.dumps([dict(shown.headers), shown.json])


def test_a_secret_of_the_connection_keeps_its_name_and_an_empty_value_stays_empty() -> None:
    value = {"password": SecretName(name="portal"), "token": "", "secret_count": 3}

    assert masked(Call(method="POST", path="/", json=value)).json == value
