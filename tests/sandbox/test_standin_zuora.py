"""Zuora's stand-in against Zuora's documents: seed 000, providers/zuora.md and its OpenAPI file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.sandbox.standins import Fault, FaultKind
from tests.sandbox.standin_world import World, a_world

SEED_INPUTS = {"accountId": "4028905f5a87c0ff015a87d25ae90025", "paymentId": "4028905f5a87c0ff015a889ddfb800c0"}
VIEW, RUN, MANAGE = "Workflow View Access", "Workflow Run Access", "Workflow Manage Access"


class Zuora:
    """A client that does what the documents say, and nothing that they do not."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.token = ""

    async def login(self, **changes: Any) -> httpx.Response:
        named = self.world.standins.environment()
        form = {
            "client_id": named["ZUORA_CLIENT_ID"],
            "client_secret": named["ZUORA_CLIENT_SECRET"],
            "grant_type": "client_credentials",
        }
        reply = await self.world.ask("zuora", "POST", "/oauth/token", **({"data": form} | changes))
        self.token = reply.json().get("access_token", "")
        return reply

    async def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **facts: Any) -> httpx.Response:
        signed = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        return await self.world.ask("zuora", method, path, headers=signed, **facts)

    async def run(self, inputs: Any = None, *, workflow: int = 396, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask("POST", f"/workflows/{workflow}/run", json=SEED_INPUTS if inputs is None else inputs, headers=named)

    async def look(self, run_id: int = 400) -> dict[str, Any]:
        return (await self.ask("GET", f"/workflows/workflow_runs/{run_id}")).json()

    def runs(self) -> int:
        return len(self.world.standins.runs("zuora"))


@pytest.fixture
async def zuora() -> AsyncIterator[Zuora]:
    async with a_world(run_s=100) as world:
        client = Zuora(world)
        await client.login()
        yield client


def title_of(reply: httpx.Response) -> str:
    return reply.json()["errors"][0]["title"]


def code_of(reply: httpx.Response) -> int:
    body = reply.json()

    assert body["success"] is False
    return body["reasons"][0]["code"]


# --- session


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"headers": {"Authorization": "Bearer old"}}, 400),
        ({"data": {"grant_type": "password"}}, 400),
        ({"data": {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}}, 401),
        ({"data": None, "json": {"grant_type": "client_credentials"}}, 415),
    ],
)
async def test_a_careless_token_request_is_refused(zuora: Zuora, changes: dict[str, Any], status: int) -> None:
    assert (await zuora.login(**changes)).status_code == status


async def test_a_token_is_what_the_document_prints(zuora: Zuora) -> None:
    body = (await zuora.login()).json()

    assert body.keys() == {"access_token", "token_type", "expires_in", "scope", "jti"}
    assert (body["token_type"], body["expires_in"]) == ("bearer", 3599)


async def test_no_token_is_401(zuora: Zuora) -> None:
    assert (await zuora.world.ask("zuora", "POST", "/workflows/396/run", json=SEED_INPUTS)).status_code == 401
    assert zuora.runs() == 0


async def test_a_foreign_token_is_401(zuora: Zuora) -> None:
    zuora.token = "somebody-elses"

    reply = await zuora.run()

    assert (reply.status_code, code_of(reply), zuora.runs()) == (401, 90000011, 0)


async def test_a_token_lives_for_an_hour(zuora: Zuora) -> None:
    zuora.world.clock.move(3598)
    assert (await zuora.ask("GET", "/workflows")).status_code == 200

    zuora.world.clock.move(1)
    assert (await zuora.ask("GET", "/workflows")).status_code == 401

    await zuora.login()
    assert (await zuora.ask("GET", "/workflows")).status_code == 200


async def test_basic_instead_of_bearer_is_401(zuora: Zuora) -> None:
    reply = await zuora.world.ask("zuora", "GET", "/workflows", headers={"Authorization": f"Basic {zuora.token}"})

    assert reply.status_code == 401


# --- start: refusals


@pytest.mark.parametrize("name", ["controller", "action", "id", "user_email", "user_token", "format"])
async def test_a_reserved_name_is_refused(zuora: Zuora, name: str) -> None:
    reply = await zuora.run(SEED_INPUTS | {name: "x"})

    assert (reply.status_code, zuora.runs()) == (400, 0)
    assert name in title_of(reply)


async def test_a_run_id_instead_of_a_workflow_id_is_409_with_406_in_its_body(zuora: Zuora) -> None:
    reply = await zuora.run(workflow=399)

    assert reply.status_code == 409
    expected = {"status": 406, "code": "invalid", "title": "Workflow WF-396-00000002 with Id 399 is an instance/run."}
    assert reply.json() == {"errors": [expected]}


async def test_a_fresh_run_is_no_workflow_either(zuora: Zuora) -> None:
    await zuora.run()

    assert title_of(await zuora.run(workflow=400)) == "Workflow WF-396-00000003 with Id 400 is an instance/run."


async def test_callout_switched_off_is_400(zuora: Zuora) -> None:
    reply = await zuora.run({}, workflow=48)

    assert reply.status_code == 400
    expected = {"status": 400, "code": "invalid", "title": "Callout mode is not turned on in this workflow."}
    assert reply.json() == {"errors": [expected]}


async def test_a_missing_required_input_is_406_and_named_by_its_callout_name(zuora: Zuora) -> None:
    reply = await zuora.run({"Message1": "hello"}, workflow=301)

    assert reply.status_code == 406
    expected = "Required field for Workflow-Message1 does not have a set value. Ensure parameter 'Message' is present."
    assert title_of(reply) == expected
    assert reply.json()["parameters"] == {"workflow": {"Message1": "hello"}}


@pytest.mark.parametrize("value", [None, ""])
async def test_an_empty_required_input_is_a_missing_one(zuora: Zuora, value: str | None) -> None:
    assert (await zuora.run({"accountId": value})).status_code == 406


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accountId", 5141),
        ("maxAmount", "10"),
        ("maxAmount", True),
        ("asOf", "21.11.2026"),
        ("asOf", 20261121),
        ("dryRun", "true"),
        ("dryRun", 1),
    ],
)
async def test_a_value_of_another_json_type_is_refused(zuora: Zuora, name: str, value: Any) -> None:
    reply = await zuora.run(SEED_INPUTS | {name: value})

    assert (reply.status_code, zuora.runs()) == (400, 0)
    assert name in title_of(reply)


@pytest.mark.parametrize("value", [3.5, "3", 3.0])
async def test_an_integer_takes_whole_numbers_only(zuora: Zuora, value: Any) -> None:
    assert (await zuora.run({"paymentId": "p", "days": value}, workflow=303)).status_code == 400


@pytest.mark.parametrize(("workflow", "status"), [(999, 404), (397, 404), (302, 400)])
async def test_unknown_version_and_inactive_workflows_do_not_run(zuora: Zuora, workflow: int, status: int) -> None:
    reply = await zuora.run({"maxAmount": 1}, workflow=workflow)

    assert (reply.status_code, zuora.runs()) == (status, 0)


async def test_a_body_that_is_no_json_object_is_refused(zuora: Zuora) -> None:
    for body, status in ((b"[]", 400), (b"{", 400), (b'{"accountId": NaN}', 400)):
        reply = await zuora.ask("POST", "/workflows/396/run", content=body, headers={"Content-Type": "application/json"})

        assert reply.status_code == status


async def test_another_content_type_is_refused(zuora: Zuora) -> None:
    reply = await zuora.ask("POST", "/workflows/396/run", data=SEED_INPUTS)

    assert reply.status_code == 415


# --- start: accepted


async def test_the_seeds_request_gets_the_seeds_answer(zuora: Zuora) -> None:
    reply = await zuora.run()

    assert reply.status_code == 200
    assert reply.json() == {
        "createdAt": "2026-11-21 12:00:00 UTC",
        "id": 400,
        "name": "WF-396-00000003",
        "originalWorkflowId": 396,
        "status": "Queued",
        "type": "Workflow::Instance",
        "updatedAt": "2026-11-21 12:00:00 UTC",
    }


async def test_a_run_knows_its_launch_and_only_the_inputs_that_are_defined(zuora: Zuora) -> None:
    typed = SEED_INPUTS | {"maxAmount": 10.5, "asOf": "2026-11-21", "dryRun": False}

    await zuora.run(typed | {"note": "not defined"}, Idempotency_Key="L-7K3QW")

    (run,) = zuora.world.standins.runs("zuora")
    assert (run.key, run.workflow_id, run.run_id) == ("L-7K3QW", "396", "400")
    assert {name: str(value) for name, value in run.inputs.items()} == {name: str(value) for name, value in typed.items()}


async def test_a_workflow_without_inputs_runs_without_a_body(zuora: Zuora) -> None:
    assert (await zuora.ask("POST", "/workflows/286/run")).status_code == 200


# --- headers


async def test_the_track_id_comes_back_and_every_answer_has_a_request_id(zuora: Zuora) -> None:
    reply = await zuora.run(Zuora_Track_Id="L-7K3QW")

    assert reply.headers["Zuora-Track-Id"] == "L-7K3QW"
    assert len(reply.headers["Zuora-Request-Id"]) == 36


@pytest.mark.parametrize("track_id", ["a:b", "a;b", "a'b", 'a"b', "x" * 65])
async def test_a_track_id_that_is_not_allowed_is_refused(zuora: Zuora, track_id: str) -> None:
    assert (await zuora.run(Zuora_Track_Id=track_id)).status_code == 400
    assert zuora.runs() == 0


async def test_entity_and_org_headers_are_refused_by_a_tenant_without_them(zuora: Zuora) -> None:
    for header in ("Zuora-Entity-Ids", "Zuora-Org-Ids"):
        assert (await zuora.ask("GET", "/workflows", headers={header: "8ad09be4"})).status_code == 400


async def test_a_tenant_with_several_entities_wants_to_know_which(zuora: Zuora) -> None:
    zuora.world.standins.switch("zuora", "multi_entity")
    own, foreign = "11e643f4-a3ee-8bad-b061-0025904c57d6", "11e643f4-0000-0000-0000-000000000000"

    assert (await zuora.ask("GET", "/workflows")).status_code == 400
    assert (await zuora.ask("GET", "/workflows", headers={"Zuora-Entity-Ids": foreign})).status_code == 403
    assert (await zuora.ask("GET", "/workflows", headers={"Zuora-Entity-Ids": own})).status_code == 200


async def test_a_tenant_with_several_orgs_takes_a_list_of_own_ones(zuora: Zuora) -> None:
    zuora.world.standins.switch("zuora", "multi_org")

    assert (await zuora.ask("GET", "/workflows")).status_code == 200
    assert (await zuora.ask("GET", "/workflows", headers={"Zuora-Org-Ids": "8ad09be4, 8ad09be5"})).status_code == 200
    assert (await zuora.ask("GET", "/workflows", headers={"Zuora-Org-Ids": "8ad09be4,other"})).status_code == 403


# --- idempotency (zuora.md, section 9)


async def test_the_same_key_gets_the_same_answer_and_no_second_run(zuora: Zuora) -> None:
    first = await zuora.run(Idempotency_Key="L-7K3QW")
    zuora.world.clock.move(60)
    again = await zuora.run(Idempotency_Key="L-7K3QW")

    assert (again.status_code, again.json(), zuora.runs()) == (200, first.json(), 1)


async def test_a_failure_is_kept_under_its_key_too(zuora: Zuora) -> None:
    assert (await zuora.run({}, Idempotency_Key="L-7K3QW")).status_code == 406
    assert (await zuora.run(SEED_INPUTS, Idempotency_Key="L-7K3QW")).status_code == 406
    assert (await zuora.run(SEED_INPUTS, Idempotency_Key="L-7K3QX")).status_code == 200


async def test_a_refused_token_is_not_kept_under_the_key(zuora: Zuora) -> None:
    token, zuora.token = zuora.token, "expired"
    assert (await zuora.run(Idempotency_Key="L-7K3QW")).status_code == 401

    zuora.token = token
    assert (await zuora.run(Idempotency_Key="L-7K3QW")).status_code == 200


async def test_a_key_is_forgotten_after_a_day(zuora: Zuora) -> None:
    await zuora.run(Idempotency_Key="L-7K3QW")
    zuora.world.clock.move(24 * 3600)
    await zuora.login()

    assert (await zuora.run(Idempotency_Key="L-7K3QW")).json()["id"] == 401


async def test_a_key_used_for_another_workflow_is_422(zuora: Zuora) -> None:
    await zuora.run(Idempotency_Key="L-7K3QW")

    assert (await zuora.run({}, workflow=286, Idempotency_Key="L-7K3QW")).status_code == 422
    assert zuora.runs() == 1


async def test_the_other_documented_replay_is_409_with_the_original_answer(zuora: Zuora) -> None:
    zuora.world.standins.switch("zuora", "replay_as_conflict")

    first = await zuora.run(Idempotency_Key="L-7K3QW")
    again = await zuora.run(Idempotency_Key="L-7K3QW")

    assert (first.status_code, again.status_code, again.json()) == (200, 409, first.json())


async def test_a_call_that_is_still_in_flight_is_409_without_a_run_in_it(zuora: Zuora) -> None:
    zuora.world.standins.fault("zuora", Fault(kind=FaultKind.LATE, delay_s=30), verb="start")
    with pytest.raises(httpx.TransportError):
        await zuora.run(Idempotency_Key="L-7K3QW")

    early = await zuora.run(Idempotency_Key="L-7K3QW")
    zuora.world.clock.move(30)
    later = await zuora.run(Idempotency_Key="L-7K3QW")

    assert early.status_code == 409
    assert "id" not in early.json()
    assert (later.status_code, later.json()["id"], zuora.runs()) == (200, 400, 1)


@pytest.mark.parametrize(("length", "status"), [(255, 200), (256, 400)])
async def test_a_key_has_at_most_255_characters(zuora: Zuora, length: int, status: int) -> None:
    assert (await zuora.run(Idempotency_Key="k" * length)).status_code == status


async def test_without_a_key_every_start_is_a_run(zuora: Zuora) -> None:
    await zuora.run()
    await zuora.run()

    assert zuora.runs() == 2


# --- permissions


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/workflows", VIEW),
        ("GET", "/workflows/396", VIEW),
        ("GET", "/workflows/396/versions", VIEW),
        ("GET", "/workflows/396/export", VIEW),
        ("GET", "/workflows/workflow_runs/399", VIEW),
        ("GET", "/workflows/tasks?instance=true&workflow_id=399", VIEW),
        ("PUT", "/workflows/workflow_runs/400/stop", VIEW),
        ("POST", "/workflows/286/run", RUN),
    ],
)
async def test_each_operation_wants_its_permission(zuora: Zuora, method: str, path: str, scope: str) -> None:
    await zuora.run()
    assert (await zuora.ask(method, path)).status_code == 200

    zuora.world.standins.hold_scope("zuora", scope, is_held=False)
    refused = await zuora.ask(method, path)

    assert (refused.status_code, code_of(refused)) == (403, 53000010)
    assert scope in refused.json()["reasons"][0]["message"]


async def test_export_may_want_manage_as_the_other_page_says(zuora: Zuora) -> None:
    zuora.world.standins.switch("zuora", "export_needs_manage")
    assert (await zuora.ask("GET", "/workflows/396/export")).status_code == 403

    zuora.world.standins.hold_scope("zuora", MANAGE, is_held=True)
    assert (await zuora.ask("GET", "/workflows/396/export")).status_code == 200


# --- catalogue and describe


async def test_the_catalogue_comes_in_pages_whose_next_address_is_not_ours(zuora: Zuora) -> None:
    first = (await zuora.ask("GET", "/workflows", params={"page_length": 4})).json()
    second = (await zuora.ask("GET", "/workflows", params={"page_length": 4, "page": 2})).json()

    assert [each["id"] for each in first["data"] + second["data"]] == [48, 286, 301, 302, 303, 396]
    assert first["pagination"]["next_page"] == "https://rest.zuora.com/workflows?page=2&page_length=4"
    assert second["pagination"]["next_page"] is None


async def test_the_catalogue_shows_what_can_be_launched(zuora: Zuora) -> None:
    rows = {row["id"]: row for row in (await zuora.ask("GET", "/workflows")).json()["data"]}

    assert {number for number, row in rows.items() if row["status"] == "Inactive"} == {302}
    assert {number for number, row in rows.items() if not row["calloutTrigger"]} == {48}
    assert rows[396]["active_version"]["type"] == "Workflow::Setup"
    assert rows[302]["latest_inactive_verisons"][0]["status"] == "Inactive"


@pytest.mark.parametrize(("query", "count"), [({"name": "Dunning run"}, 1), ({"callout_trigger": "false"}, 1), ({"page": 9}, 0)])
async def test_the_catalogue_is_filtered(zuora: Zuora, query: dict[str, Any], count: int) -> None:
    assert len((await zuora.ask("GET", "/workflows", params=query)).json()["data"]) == count


async def test_one_workflow_and_its_versions_tell_no_inputs(zuora: Zuora) -> None:
    one = (await zuora.ask("GET", "/workflows/396")).json()
    versions = (await zuora.ask("GET", "/workflows/396/versions")).json()

    assert (one["name"], versions["data"][0]["version"]) == ("Dunning run", "0.0.1")
    assert "parameters" not in one
    assert (await zuora.ask("GET", "/workflows/999")).status_code == 404


async def test_the_export_tells_the_inputs_and_carries_what_nobody_may_keep(zuora: Zuora) -> None:
    body = (await zuora.ask("GET", "/workflows/396/export")).json()

    fields = {each["callout_id"]: each for each in body["workflow"]["parameters"]["fields"]}
    assert {name: each["datatype"] for name, each in fields.items()} == {
        "accountId": "Text",
        "paymentId": "Text",
        "maxAmount": "Decimal",
        "asOf": "Date",
        "dryRun": "Boolean",
    }
    assert [name for name, each in fields.items() if each["required"]] == ["accountId"]
    assert "made-up-callout-secret" in str(body["tasks"])


async def test_required_may_be_text_and_a_field_may_have_another_callout_name(zuora: Zuora) -> None:
    (only,) = (await zuora.ask("GET", "/workflows/301/export")).json()["workflow"]["parameters"]["fields"]

    assert (only["required"], only["field_name"], only["callout_id"]) == ("true", "Message1", "Message")


async def test_a_workflow_without_inputs_has_empty_parameters(zuora: Zuora) -> None:
    assert (await zuora.ask("GET", "/workflows/286/export")).json()["workflow"]["parameters"] == {}


@pytest.mark.parametrize(
    ("version", "status", "title"),
    [
        ("1", 400, "The input of version '1' is invalid."),
        ("9.9.9", 404, "Workflow version '9.9.9' is not found."),
    ],
)
async def test_a_version_that_is_not_there(zuora: Zuora, version: str, status: int, title: str) -> None:
    reply = await zuora.ask("GET", "/workflows/396/export", params={"version": version})

    assert reply.status_code == status
    assert reply.json() == {"errors": [{"status": 400, "code": "invalid", "title": title}]}


# --- track


async def test_a_run_goes_from_queued_through_processing_to_finished(zuora: Zuora) -> None:
    await zuora.run()

    seen = []
    for _ in range(5):
        body = await zuora.look()
        seen.append((body["status"], body["tasks"]["success"]))
        zuora.world.clock.move(25)

    assert seen == [("Queued", 0), ("Processing", 1), ("Processing", 2), ("Processing", 3), ("Finished", 4)]


async def test_a_finished_run_has_the_documented_fields(zuora: Zuora) -> None:
    await zuora.run()
    zuora.world.clock.move(500)

    body = await zuora.look()

    assert body["tasks"] == {"total": 4, "queued": 0, "processing": 0, "pending": 0, "stopped": 0, "success": 4, "error": 0}
    assert (body["finishedAt"], body["runTime"]) == ("2026-11-21 12:01:40 UTC", 100)
    assert (body["type"], body["originalWorkflowId"]) == ("Workflow::Instance", 396)


async def test_finished_is_not_success_when_a_task_failed(zuora: Zuora) -> None:
    await zuora.run({"Message": "pay, please"}, workflow=301)
    zuora.world.clock.move(100)

    body = await zuora.look()
    tasks = (await zuora.ask("GET", "/workflows/tasks", params={"instance": "true", "workflow_id": 400})).json()["data"]

    assert (body["status"], body["tasks"]["success"], body["tasks"]["error"]) == ("Finished", 3, 1)
    (failed,) = [each for each in tasks if each["status"] == "Error"]
    assert failed["error_class"] == "WorkflowError::Callout"
    assert failed["data"]["Workflow"] == {"Message": "pay, please"}


async def test_a_run_that_waits_for_people_is_pending(zuora: Zuora) -> None:
    await zuora.run({"paymentId": "p", "days": 3}, workflow=303)
    for wait_s in (60, 30):
        zuora.world.clock.move(wait_s)
        body = await zuora.look()

        assert (body["status"], body["tasks"]["success"], body["tasks"]["pending"]) == ("Pending", 2, 2)


async def test_runs_that_take_no_time_are_finished_at_the_first_look(zuora: Zuora) -> None:
    zuora.world.standins.speed(0)
    await zuora.run()

    assert (await zuora.look())["status"] == "Finished"


async def test_an_unknown_run_is_404(zuora: Zuora) -> None:
    reply = await zuora.ask("GET", "/workflows/workflow_runs/19080")

    assert reply.status_code == 404
    assert title_of(reply) == "Cannot find a workflow run with id 19080."


async def test_tasks_of_no_run_are_none(zuora: Zuora) -> None:
    assert (await zuora.ask("GET", "/workflows/tasks")).json()["data"] == []


# --- stop


async def test_a_stopped_run_is_stopping_and_then_stopped(zuora: Zuora) -> None:
    await zuora.run()
    zuora.world.clock.move(50)

    reply = await zuora.ask("PUT", "/workflows/workflow_runs/400/stop")
    at_once = await zuora.look()
    zuora.world.clock.move(30)
    later = await zuora.look()

    assert reply.json() == {"success": True}
    assert (at_once["status"], later["status"]) == ("Stopping", "Stopped")
    assert (later["tasks"]["success"], later["tasks"]["stopped"]) == (2, 2)


async def test_a_run_that_is_over_cannot_be_stopped(zuora: Zuora) -> None:
    assert (await zuora.ask("PUT", "/workflows/workflow_runs/399/stop")).status_code == 400


async def test_stopping_an_unknown_run_is_404(zuora: Zuora) -> None:
    reply = await zuora.ask("PUT", "/workflows/workflow_runs/19080/stop")

    assert reply.status_code == 404
    assert reply.json() == {"errors": [{"status": 404, "code": "invalid", "title": "Cannot find a workflow run with id 19080."}]}


# --- the rest


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/workflows/396/run", 405), ("POST", "/v2/workflows/396/run", 404), ("POST", "/v1/workflows/396/run", 404)],
)
async def test_wrong_addresses_and_methods(zuora: Zuora, method: str, path: str, status: int) -> None:
    assert (await zuora.ask(method, path)).status_code == status


async def test_too_many_requests_have_the_limit_headers_and_only_perhaps_a_wait(zuora: Zuora) -> None:
    zuora.world.standins.fault("zuora", Fault(kind=FaultKind.STATUS, status=429), verb="start")
    zuora.world.standins.fault("zuora", Fault(kind=FaultKind.STATUS, status=429, retry_after_s=7), verb="start")

    bare, told = await zuora.run(), await zuora.run()

    assert (bare.status_code, bare.headers["ratelimit-reset"], "Retry-After" in bare.headers) == (429, "2", False)
    assert (told.status_code, told.headers["Retry-After"]) == (429, "7")
    assert code_of(told) == 53000070


async def test_an_expired_session_is_renewed_by_a_login(zuora: Zuora) -> None:
    zuora.world.standins.fault("zuora", Fault(kind=FaultKind.EXPIRE))

    assert [(await zuora.run()).status_code for _ in range(2)] == [401, 401]
    await zuora.login()
    assert (await zuora.run()).status_code == 200
