"""Domo's stand-in against its documents: seed 003 and providers/domo.md."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.sandbox.standins import Fault, FaultKind
from tests.sandbox.standin_world import World, a_world

ADD = "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138"
FORECAST = "b7e1c0d2-1111-4ee4-b7c3-b9e9b86c0139"
EXPORT = "c6d2b1e3-2222-4ee4-b7c3-b9e9b86c0140"
FIRST = "2052e10a-d142-4391-a731-2be1ab1c0188"
API = "/api/workflow/v1"
SEED_BODY = {
    "messageName": "Start MyWorkflow",
    "version": "0.0.1",
    "modelId": ADD,
    "data": {"parameter1": 13, "parameter2": 7},
}


class Domo:
    def __init__(self, world: World) -> None:
        self.world = world
        self.headers = {"X-DOMO-Developer-Token": world.standins.environment()["DOMO_TOKEN"]}

    async def ask(self, method: str, path: str, **facts: Any) -> httpx.Response:
        return await self.world.ask("domo", method, path, headers=self.headers, **facts)

    async def start(self, body: Any = None, **changes: Any) -> httpx.Response:
        return await self.ask("POST", f"{API}/instances/message", json=body if body is not None else SEED_BODY | changes)

    async def status(self, run_id: str = FIRST) -> Any:
        return (await self.ask("GET", f"{API}/instances/{run_id}")).json()["status"]

    def runs(self) -> int:
        return len(self.world.standins.runs("domo"))


@pytest.fixture
async def domo() -> AsyncIterator[Domo]:
    async with a_world(run_s=100) as world:
        yield Domo(world)


# --- who asks


@pytest.mark.parametrize("headers", [{}, {"X-DOMO-Developer-Token": "other"}, {"Authorization": "Bearer other"}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{API}/instances/message"),
        ("GET", f"{API}/instances?modelId={ADD}"),
        ("GET", f"{API}/instances/{FIRST}"),
        ("POST", f"{API}/instances/{FIRST}/cancel"),
        ("POST", f"{API}/models/permissions/me"),
        ("GET", f"{API}/models"),
        ("GET", f"{API}/models/{ADD}"),
        ("GET", f"{API}/models/{ADD}/versions/0.0.1/starts"),
        ("GET", "/api/sessions/v1/me"),
    ],
)
async def test_without_the_token_everything_is_401(domo: Domo, headers: dict[str, str], method: str, path: str) -> None:
    domo.headers = headers

    assert (await domo.ask(method, path)).status_code == 401


async def test_a_token_expires_once_and_is_good_again(domo: Domo) -> None:
    domo.world.standins.fault("domo", Fault(kind=FaultKind.EXPIRE))

    assert [(await domo.start()).status_code for _ in range(2)] == [401, 200]


async def test_the_token_has_a_user(domo: Domo) -> None:
    assert (await domo.ask("GET", "/api/sessions/v1/me")).json()["userId"] == 8811501


# --- permissions


async def test_starting_wants_execute_on_that_model(domo: Domo) -> None:
    domo.world.standins.hold_scope("domo", "EXECUTE", is_held=False, workflow_id=ADD)

    refused = await domo.start()
    other = await domo.start(messageName="Start Refresh forecast", version="1.1.0", modelId=FORECAST, data={"region": "EU"})

    assert (refused.status_code, other.status_code) == (403, 200)
    assert "EXECUTE" in refused.json()["message"]


async def test_a_model_that_may_not_be_read_is_not_there(domo: Domo) -> None:
    await domo.start()
    domo.world.standins.hold_scope("domo", "READ", is_held=False, workflow_id=ADD)

    replies = [
        await domo.start(),
        await domo.ask("GET", f"{API}/models/{ADD}"),
        await domo.ask("GET", f"{API}/models/{ADD}/versions/0.0.1/starts"),
        await domo.ask("GET", f"{API}/instances", params={"modelId": ADD}),
        await domo.ask("GET", f"{API}/instances/{FIRST}"),
    ]

    assert {reply.status_code for reply in replies} == {404}
    assert ADD not in [each["id"] for each in (await domo.ask("GET", f"{API}/models")).json()]


async def test_own_permissions_are_told_in_bulk(domo: Domo) -> None:
    domo.world.standins.hold_scope("domo", "EXECUTE", is_held=False, workflow_id=FORECAST)

    reply = await domo.ask("POST", f"{API}/models/permissions/me", json={"modelIds": [ADD, FORECAST, "unknown", 3]})

    assert reply.json() == {ADD: ["READ", "EXECUTE"], FORECAST: ["READ"]}


async def test_own_permissions_of_nothing_are_a_bad_request(domo: Domo) -> None:
    assert (await domo.ask("POST", f"{API}/models/permissions/me", json={})).status_code == 400


async def test_a_withheld_permission_is_given_back(domo: Domo) -> None:
    for is_held, status in ((False, 403), (True, 200)):
        domo.world.standins.hold_scope("domo", "EXECUTE", is_held=is_held, workflow_id=ADD)

        assert (await domo.start()).status_code == status


# --- start


@pytest.mark.parametrize("name", ["messageName", "version", "modelId", "data"])
async def test_all_four_fields_are_required(domo: Domo, name: str) -> None:
    reply = await domo.start({key: value for key, value in SEED_BODY.items() if key != name})

    assert (reply.status_code, domo.runs()) == (400, 0)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"parameter1": 13},
        {"parameter1": "13", "parameter2": 7},
        {"parameter1": True, "parameter2": 7},
        {"parameter1": None, "parameter2": 7},
        {"parameter1": 13, "parameter2": 7, "parameter3": 1},
        {"Parameter1": 13, "parameter2": 7},
        [13, 7],
        "13",
    ],
)
async def test_names_and_types_must_match_exactly(domo: Domo, data: Any) -> None:
    reply = await domo.start(data=data)

    assert (reply.status_code, domo.runs()) == (400, 0)
    assert reply.json()["toe"]


@pytest.mark.parametrize(
    "changes",
    [{"modelId": "unknown"}, {"messageName": "Start AddTwoNumbers"}, {"version": "9.9.9"}, {"version": "0.0.2"}],
)
async def test_unknown_models_messages_and_inactive_versions_are_404(domo: Domo, changes: dict[str, str]) -> None:
    reply = await domo.start(**changes)

    assert (reply.status_code, domo.runs()) == (404, 0)


async def test_another_content_type_is_415(domo: Domo) -> None:
    assert (await domo.ask("POST", f"{API}/instances/message", data={"a": "b"})).status_code == 415


async def test_the_seeds_request_gets_the_seeds_answer(domo: Domo) -> None:
    reply = await domo.start()

    assert reply.status_code == 200
    assert reply.json() == {
        "id": FIRST,
        "modelId": ADD,
        "modelName": "AddTwoNumbers",
        "modelVersion": "0.0.1",  # the seed prints 1.1.0 although 0.0.1 was asked for
        "createdBy": "8811501",
        "createdOn": "2026-11-21T12:00:00.000Z",
        "updatedBy": "8811501",
        "updatedOn": "2026-11-21T12:00:00.000Z",
        "status": None,
    }


async def test_optional_inputs_may_be_left_out_but_not_mistyped(domo: Domo) -> None:
    start = {"messageName": "Start Refresh forecast", "version": "1.1.0", "modelId": FORECAST}

    assert (await domo.start(start | {"data": {"region": "EU", "notify": False}})).status_code == 200
    assert (await domo.start(start | {"data": {"region": "EU", "notify": "no"}})).status_code == 400


async def test_every_start_is_another_run(domo: Domo) -> None:
    ids = {(await domo.start()).json()["id"] for _ in range(3)}

    assert (len(ids), domo.runs()) == (3, 3)


# --- track


async def test_the_status_is_null_then_in_progress_then_completed(domo: Domo) -> None:
    await domo.start()

    seen = [await domo.status()]
    domo.world.clock.move(20)
    seen.append(await domo.status())
    domo.world.clock.move(80)
    seen.append(await domo.status())

    assert seen == [None, "IN_PROGRESS", "COMPLETED"]


async def test_null_may_be_a_word(domo: Domo) -> None:
    domo.world.standins.switch("domo", "null_as_text")

    assert (await domo.start()).json()["status"] == "null"
    assert await domo.status() == "null"


async def test_a_failed_run_tells_why(domo: Domo) -> None:
    await domo.start(messageName="Start Refresh forecast", version="1.1.0", modelId=FORECAST, data={"region": "EU"})
    domo.world.clock.move(100)

    body = (await domo.ask("GET", f"{API}/instances/{FIRST}")).json()

    assert (body["status"], body["completedOn"]) == ("FAILED", "2026-11-21T12:01:40.000Z")
    assert body["errorMessage"]


async def test_an_unknown_instance_is_404_with_a_trace_id(domo: Domo) -> None:
    reply = await domo.ask("GET", f"{API}/instances/unknown")

    assert reply.status_code == 404
    assert reply.json()["toe"]


async def test_instances_of_a_model_are_listed_newest_first_with_who_started_them(domo: Domo) -> None:
    await domo.start()
    domo.world.clock.move(1)
    domo.world.standins.start_elsewhere("domo", ADD, started_by="4471200")
    domo.world.clock.move(1)
    await domo.start()

    rows = (await domo.ask("GET", f"{API}/instances", params={"modelId": ADD, "sort": "createdOn:desc"})).json()

    assert [row["createdBy"] for row in rows] == ["8811501", "4471200", "8811501"]
    assert rows[-1]["id"] == FIRST
    assert domo.runs() == 2


async def test_the_list_of_instances_is_cut_by_limit_and_offset(domo: Domo) -> None:
    for _ in range(3):
        await domo.start()
        domo.world.clock.move(1)

    rows = (await domo.ask("GET", f"{API}/instances", params={"modelId": ADD, "limit": 1, "offset": 2})).json()

    assert [row["id"] for row in rows] == [FIRST]


async def test_a_list_of_no_model_is_a_bad_request(domo: Domo) -> None:
    assert (await domo.ask("GET", f"{API}/instances")).status_code == 400


# --- cancel


async def test_a_cancelled_run_is_canceled(domo: Domo) -> None:
    await domo.start()
    domo.world.clock.move(30)

    reply = await domo.ask("POST", f"{API}/instances/{FIRST}/cancel")

    assert (reply.status_code, reply.json()["status"]) == (200, "CANCELED")
    assert {"deploymentId", "bpmnProcessId", "bpmnProcessName", "isTestRun"} <= reply.json().keys()
    assert await domo.status() == "CANCELED"


async def test_cancelling_what_is_over_changes_nothing(domo: Domo) -> None:
    await domo.start()
    domo.world.clock.move(100)

    assert (await domo.ask("POST", f"{API}/instances/{FIRST}/cancel")).json()["status"] == "COMPLETED"


async def test_cancelling_wants_execute(domo: Domo) -> None:
    await domo.start()
    domo.world.standins.hold_scope("domo", "EXECUTE", is_held=False)

    assert (await domo.ask("POST", f"{API}/instances/{FIRST}/cancel")).status_code == 403


async def test_cancelling_an_unknown_run_is_404(domo: Domo) -> None:
    assert (await domo.ask("POST", f"{API}/instances/unknown/cancel")).status_code == 404


# --- models


async def test_models_tell_which_versions_are_active(domo: Domo) -> None:
    rows = {row["id"]: row for row in (await domo.ask("GET", f"{API}/models", params={"limit": 50})).json()}

    assert rows.keys() == {ADD, FORECAST, EXPORT}
    versions = {each["version"]: each["active"] for each in rows[ADD]["versions"]}
    assert versions == {"0.0.1": True, "0.0.2": False, "0.1.0": True}
    assert not any(each["active"] for each in rows[EXPORT]["versions"])
    assert (await domo.ask("GET", f"{API}/models/{ADD}")).json() == rows[ADD]


async def test_starts_tell_message_and_inputs(domo: Domo) -> None:
    (start,) = (await domo.ask("GET", f"{API}/models/{ADD}/versions/0.0.1/starts")).json()

    assert start["messageName"] == "Start MyWorkflow"
    assert start["inputs"][0] == {"name": "parameter1", "type": "decimal", "list": False, "required": True}
    assert (await domo.ask("GET", f"{API}/models/{ADD}/versions/9.9.9/starts")).status_code == 404


@pytest.mark.parametrize(("method", "path", "status"), [("PUT", f"{API}/models", 405), ("GET", "/v1/workflows", 404)])
async def test_wrong_addresses_and_methods(domo: Domo, method: str, path: str, status: int) -> None:
    assert (await domo.ask(method, path)).status_code == status


@pytest.mark.parametrize("status", [429, 500, 502, 503, 418])
async def test_its_own_troubles(domo: Domo, status: int) -> None:
    domo.world.standins.fault("domo", Fault(kind=FaultKind.STATUS, status=status))

    reply = await domo.start()

    assert (reply.status_code, reply.json()["status"], domo.runs()) == (status, status, 0)
