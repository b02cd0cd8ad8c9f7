"""The stand-in that serves a provider's own examples, for providers that have none of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

import httpx
import pytest

from bot.domain.model import Json
from bot.domain.provider import (
    Accepted,
    Busy,
    Call,
    Completed,
    Example,
    Held,
    Listed,
    LoggedIn,
    Observed,
    Outcome,
    Provider,
    Refused,
    Reply,
    Secret,
    Session,
    Signature,
    Unauthorised,
)
from bot.sandbox.standins import Fault, FaultKind, ProviderStandIns
from bot.sandbox.standins.examples import is_same
from tests.builders import a_launch
from tests.sandbox.standin_world import World, a_world

SOURCE = "https://example.invalid/docs"
LAUNCH = a_launch(provider="acme", workflow_id="w1", run_id="77", inputs={"amount": Decimal("1.5")})
START = Call(method="POST", path="/workflows/w1/runs", json={"amount": Decimal("1.5"), "name": "L-7K3QW"})
LOOK = Call(method="GET", path="/runs/77")


def an_example(verb: str, call: Call, status: int, body: str, answer: Any, **changes: Any) -> Example:
    name = f"{verb} {status} {body}"
    reply = Reply(status=status, headers={"content-type": "application/json"}, body=body)
    return replace(Example(name=name, verb=verb, source=SOURCE, call=call, reply=reply, answer=answer, launch=LAUNCH), **changes)


@dataclass(frozen=True, kw_only=True)
class AcmeCredential:
    api_key: str
    region: str | None = None


class Acme(Provider):
    name: ClassVar[str] = "acme"
    title: ClassVar[str] = "Acme"
    credential = AcmeCredential
    examples = (
        an_example("start", START, 409, '{"error": "busy"}', Busy(code="busy", meaning="Busy.")),
        an_example("start", START, 201, '{"run": 77, "seen": ["77", 177]}', Accepted(run_id="77")),
        an_example(
            "start",
            Call(method="POST", path="/workflows/w1/runs", json={"amount": 0}),
            400,
            '{"error": "nothing to pay"}',
            Refused(code="nothing", meaning="Nothing."),
        ),
        an_example("track", LOOK, 200, '{"run": 77, "status": "waiting"}', Observed(provider_status="waiting")),
        an_example("track", LOOK, 200, '{"status": "failed"}', Completed(outcome=Outcome.FAILED)),
        an_example("track", LOOK, 200, '{"status": "working"}', Observed(provider_status="working")),
        an_example("track", LOOK, 404, '{"error": "gone"}', Refused(code="gone", meaning="Gone.")),
        an_example("track", LOOK, 200, '{"status": "done"}', Completed(outcome=Outcome.SUCCEEDED)),
        an_example("catalogue", Call(method="GET", path="/workflows"), 200, "[]", Listed(workflows=())),
        an_example("probe", Call(method="GET", path="/me"), 403, '{"error": "no"}', Unauthorised(code="no", meaning="No.")),
        an_example("probe", Call(method="GET", path="/me"), 200, "{}", Held()),
    )

    def sign(self, call: Call, credential: Mapping[str, Secret], session: Session | None) -> Signature:
        del call, session
        return Signature(headers={"X-Acme-Key": credential["api_key"]})


LOGIN = Call(method="POST", path="/login", form={"grant_type": "key"}, is_login=True)


class Tokenly(Acme):
    """As Acme, behind a login."""

    name: ClassVar[str] = "tokenly"
    title: ClassVar[str] = "Tokenly"
    examples = (
        an_example("login", LOGIN, 200, '{"token": "t1"}', LoggedIn(session=Session(token=Secret("t1"))), launch=None),
        an_example("login", LOGIN, 401, '{"error": "who?"}', Unauthorised(code="who", meaning="Who?"), launch=None),
        *Acme.examples,
    )

    def sign(self, call: Call, credential: Mapping[str, Secret], session: Session | None) -> Signature:
        if call.is_login:
            return Signature(form={"key": credential["api_key"]})
        return Signature(headers={"Authorization": session.token} if session else {})


class Client:
    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.headers = {"X-Acme-Key": world.standins.environment().get("ACME_API_KEY", "")}

    async def ask(self, method: str, path: str, **facts: Any) -> httpx.Response:
        return await self.world.ask(self.name, method, path, headers=self.headers, **facts)

    async def start(self, **changes: Json) -> httpx.Response:
        return await self.ask("POST", "/workflows/w1/runs", json={"amount": 1.5, "name": "L-ABCDE"} | changes)

    async def looks(self, run_id: str, times: int) -> list[Any]:
        return [(await self.ask("GET", f"/runs/{run_id}")).json().get("status") for _ in range(times)]


@pytest.fixture
async def acme() -> AsyncIterator[Client]:
    async with a_world(run_s=100, providers={"acme": Acme()}) as world:
        yield Client(world, "acme")


@pytest.fixture
async def tokenly() -> AsyncIterator[Client]:
    async with a_world(run_s=100, providers={"tokenly": Tokenly()}) as world:
        client = Client(world, "tokenly")
        client.headers = {"Authorization": "t1"}
        yield client


# --- credential


def test_the_credential_is_made_up_from_its_fields() -> None:
    named = ProviderStandIns(providers={"acme": Acme()}).environment()

    assert (named["ACME_API_KEY"], named["ACME_REGION"]) == ("made-up-acme-api_key", "made-up-acme-region")
    assert "ACME_URL" in named


def test_a_provider_with_a_stand_in_of_its_own_keeps_it() -> None:
    standins = ProviderStandIns(providers={"zuora": Acme()})

    assert type(standins.standin("zuora")).__name__ == "ZuoraStandIn"


@pytest.mark.parametrize("headers", [{}, {"X-Acme-Key": "other"}])
async def test_what_sign_adds_must_be_there(acme: Client, headers: dict[str, str]) -> None:
    acme.headers = headers

    assert (await acme.start()).status_code == 401
    assert acme.world.standins.runs("acme") == []


async def test_a_login_opens_the_rest(tokenly: Client) -> None:
    assert (await tokenly.start()).json() == {"error": "who?"}

    wrong = await tokenly.ask("POST", "/login", data={"grant_type": "key", "key": "other"})
    right = await tokenly.ask("POST", "/login", data={"grant_type": "key", "key": "made-up-tokenly-api_key"})

    assert (wrong.status_code, right.json()) == (401, {"token": "t1"})
    assert (await tokenly.start()).status_code == 201


async def test_an_expired_session_wants_a_login_again(tokenly: Client) -> None:
    login = {"grant_type": "key", "key": "made-up-tokenly-api_key"}
    await tokenly.ask("POST", "/login", data=login)
    tokenly.world.standins.fault("tokenly", Fault(kind=FaultKind.EXPIRE))

    assert [(await tokenly.start()).status_code for _ in range(2)] == [401, 401]
    await tokenly.ask("POST", "/login", data=login)
    assert (await tokenly.start()).status_code == 201


# --- start


async def test_a_start_is_answered_as_the_example_that_went_well(acme: Client) -> None:
    reply = await acme.start()

    (run,) = acme.world.standins.runs("acme")
    assert (reply.status_code, reply.json()) == (201, {"run": 77, "seen": ["77", 177]})
    assert (run.run_id, run.workflow_id, run.key) == ("77", "w1", "L-ABCDE")


async def test_a_second_run_gets_an_id_of_its_own(acme: Client) -> None:
    await acme.start()

    assert (await acme.start()).json() == {"run": 771, "seen": ["771", 177]}
    assert [run.run_id for run in acme.world.standins.runs("acme")] == ["77", "771"]


@pytest.mark.parametrize("changes", [{"amount": "1.5"}, {"amount": 2}, {"amount": True}, {"name": "other"}, {"more": 1}])
async def test_another_body_is_in_no_example(acme: Client, changes: dict[str, Any]) -> None:
    assert (await acme.start(**changes)).status_code == 422
    assert acme.world.standins.runs("acme") == []


async def test_an_example_that_is_refused_starts_nothing(acme: Client) -> None:
    reply = await acme.ask("POST", "/workflows/w1/runs", json={"amount": 0})

    assert (reply.status_code, reply.json()) == (400, {"error": "nothing to pay"})
    assert acme.world.standins.runs("acme") == []


# --- track


async def test_a_run_shows_the_examples_in_their_order_and_ends_on_the_last_final_one(acme: Client) -> None:
    await acme.start()

    going = await acme.looks("77", 3)
    acme.world.clock.move(100)
    over = await acme.looks("77", 2)

    assert going == ["waiting", "working", "working"]
    assert over == ["done", "done"]


async def test_runs_that_take_no_time_still_show_every_example(acme: Client) -> None:
    acme.world.standins.speed(0)
    await acme.start()

    assert await acme.looks("77", 3) == ["waiting", "working", "done"]


async def test_each_run_goes_its_own_way_under_its_own_id(acme: Client) -> None:
    await acme.start()
    await acme.start()
    await acme.looks("77", 2)

    assert (await acme.ask("GET", "/runs/771")).json() == {"run": 771, "status": "waiting"}


async def test_an_unknown_run_is_what_the_example_says(acme: Client) -> None:
    reply = await acme.ask("GET", "/runs/99")

    assert (reply.status_code, reply.json()) == (404, {"error": "gone"})


# --- the rest


async def test_other_verbs_answer_with_what_went_well(acme: Client) -> None:
    assert (await acme.ask("GET", "/workflows")).json() == []
    assert (await acme.ask("GET", "/me")).status_code == 200


async def test_an_address_without_an_example_is_404(acme: Client) -> None:
    assert (await acme.ask("GET", "/nothing")).status_code == 404
    assert (await acme.ask("DELETE", "/workflows")).status_code == 404


async def test_faults_use_the_examples_bodies_where_there_are_any(acme: Client) -> None:
    acme.world.standins.fault("acme", Fault(kind=FaultKind.STATUS, status=409, retry_after_s=3))
    acme.world.standins.fault("acme", Fault(kind=FaultKind.STATUS, status=503))
    acme.world.standins.fault("acme", Fault(kind=FaultKind.REFUSE_SCOPE))

    replies = [await acme.start() for _ in range(3)]

    assert [reply.status_code for reply in replies] == [409, 503, 403]
    assert [reply.json() for reply in replies] == [{"error": "busy"}, {"message": "HTTP 503"}, {"error": "no"}]
    assert replies[0].headers["Retry-After"] == "3"


async def test_its_secrets_are_masked_too(acme: Client) -> None:
    await acme.start()

    (received,) = acme.world.standins.received
    assert (received.verb, received.headers["x-acme-key"]) == ("start", "****")


@pytest.mark.parametrize(
    ("wanted", "given", "is_alike"),
    [
        (None, None, True),
        (None, {}, False),
        ({}, None, False),
        ({"a": (1, 2)}, {"a": [1, 2]}, True),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": [1]}, {"a": 1}, False),
        (Decimal("1.0"), 1, True),
        (True, 1, False),
        ("L-7K3QW", "L-ABCDE", True),
        ("L-7K3QW", "L-abc", False),
        ("L-7K3QW", 5, False),
        ({"a": {"b": "x"}}, {"a": {"b": "x"}}, True),
    ],
)
def test_bodies_are_compared_by_value_and_json_type(wanted: Json, given: Json, is_alike: bool) -> None:
    assert is_same(wanted, given, "L-7K3QW") is is_alike
