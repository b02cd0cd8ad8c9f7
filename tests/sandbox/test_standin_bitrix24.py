"""Bitrix24's stand-in against its documents: seed 001 and providers/bitrix24.md."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.sandbox.standins import Fault, FaultKind
from bot.sandbox.standins.bitrix24 import APP_KEY, MANAGEMENT_KEY, SESSION
from tests.sandbox.standin_world import World, a_world

SEED_BODY = {"templateId": 713, "entityType": "deal", "entityId": 5141}
MISSING = 'Required: templateId (number), entityType ("deal"|"lead"|"contact"|"company"), entityId (number)'


class Bitrix24:
    def __init__(self, world: World) -> None:
        self.world = world
        self.headers = {"X-Api-Key": world.standins.environment()["BITRIX24_API_KEY"]}

    def use_app_key(self, session: str | None = SESSION) -> None:
        bearer = {} if session is None else {"Authorization": f"Bearer {session}"}
        self.headers = {"X-Api-Key": APP_KEY} | bearer

    async def ask(self, method: str, path: str, **facts: Any) -> httpx.Response:
        return await self.world.ask("bitrix24", method, path, headers=self.headers, **facts)

    async def start(self, body: Any = None, **changes: Any) -> httpx.Response:
        return await self.ask("POST", "/v1/workflows/start", json=body if body is not None else SEED_BODY | changes)

    async def running(self, **query: Any) -> list[dict[str, Any]]:
        return (await self.ask("GET", "/v1/workflows", params=query)).json()["data"]

    def runs(self) -> int:
        return len(self.world.standins.runs("bitrix24"))


@pytest.fixture
async def bitrix24() -> AsyncIterator[Bitrix24]:
    async with a_world(run_s=100) as world:
        yield Bitrix24(world)


def code_of(reply: httpx.Response) -> str:
    body = reply.json()

    assert body["success"] is False
    assert body["error"]["message"]
    return body["error"]["code"]


# --- who asks


async def test_no_key_is_missing(bitrix24: Bitrix24) -> None:
    bitrix24.headers = {}

    assert code_of(await bitrix24.start()) == "MISSING_API_KEY"


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("vibe_api_somebody_elses", 401, "INVALID_API_KEY"),
        (MANAGEMENT_KEY, 403, "MANAGEMENT_KEY_NO_ENTITY_ACCESS"),
    ],
)
async def test_a_key_that_is_no_good(bitrix24: Bitrix24, key: str, status: int, code: str) -> None:
    bitrix24.headers = {"X-Api-Key": key}

    reply = await bitrix24.start()

    assert (reply.status_code, code_of(reply), bitrix24.runs()) == (status, code, 0)


@pytest.mark.parametrize(
    ("session", "code"),
    [(None, "TOKEN_MISSING"), (APP_KEY, "INVALID_SESSION"), ("vibe_session_old", "TOKEN_EXPIRED")],
)
async def test_an_app_key_wants_a_live_session(bitrix24: Bitrix24, session: str | None, code: str) -> None:
    bitrix24.use_app_key(session)

    reply = await bitrix24.start()

    assert (reply.status_code, code_of(reply)) == (401, code)


async def test_an_app_key_with_its_session_starts(bitrix24: Bitrix24) -> None:
    bitrix24.use_app_key()

    assert (await bitrix24.start()).status_code == 201


async def test_an_expired_session_reads_otherwise_than_an_expired_key(bitrix24: Bitrix24) -> None:
    bitrix24.world.standins.fault("bitrix24", Fault(kind=FaultKind.EXPIRE), times=2)

    key = await bitrix24.start()
    bitrix24.use_app_key()
    session = await bitrix24.start()

    assert (code_of(key), code_of(session)) == ("INVALID_API_KEY", "TOKEN_EXPIRED")
    assert (await bitrix24.start()).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/v1/workflows/start", "bizproc"),
        ("GET", "/v1/workflows", "bizproc"),
        ("DELETE", "/v1/workflows/69f0c2d5ade389.22457798", "bizproc"),
        ("GET", "/v1/deals", "crm"),
        ("GET", "/v1/deals/5141", "crm"),
    ],
)
async def test_a_scope_that_the_key_lacks_is_denied(bitrix24: Bitrix24, method: str, path: str, scope: str) -> None:
    bitrix24.world.standins.hold_scope("bitrix24", scope, is_held=False)

    reply = await bitrix24.ask(method, path, json=SEED_BODY)

    assert (reply.status_code, code_of(reply)) == (403, "SCOPE_DENIED")
    assert scope in reply.json()["error"]["message"]


async def test_a_scope_added_later_is_listed_but_does_not_work(bitrix24: Bitrix24) -> None:
    bitrix24.world.standins.hold_scope("bitrix24", "bizproc", is_held=False)
    bitrix24.world.standins.switch("bitrix24", "scope_added_later")

    listed = (await bitrix24.ask("GET", "/v1/me")).json()["data"]["scopes"]

    assert listed == ["bizproc", "crm"]
    assert code_of(await bitrix24.ask("GET", "/v1/workflows")) == "BITRIX_ACCESS_DENIED"


async def test_a_key_describes_itself(bitrix24: Bitrix24) -> None:
    body = (await bitrix24.ask("GET", "/v1/me")).json()

    assert body["success"] is True
    assert body["data"]["scopes"] == ["bizproc", "crm"]
    assert body["data"]["keyPrefix"] == "vibe_api_"


async def test_a_read_only_key_may_look_but_not_start(bitrix24: Bitrix24) -> None:
    bitrix24.world.standins.switch("bitrix24", "read_only_key")

    assert code_of(await bitrix24.start()) == "WRITE_BLOCKED_READONLY_KEY"
    assert await bitrix24.running() == []


# --- start


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"templateId": 713, "entityType": "deal"},
        SEED_BODY | {"templateId": "713"},
        SEED_BODY | {"templateId": True},
        SEED_BODY | {"entityId": "5141"},
        SEED_BODY | {"entityId": 51.5},
        SEED_BODY | {"entityType": "quote"},
        SEED_BODY | {"entityType": "Deal"},
        SEED_BODY | {"entityType": None},
        SEED_BODY | {"parameters": [1]},
    ],
)
async def test_missing_or_mistyped_fields_are_missing_params(bitrix24: Bitrix24, body: Any) -> None:
    reply = await bitrix24.start(body)

    assert reply.status_code == 400
    assert reply.json() == {"success": False, "error": {"code": "MISSING_PARAMS", "message": MISSING}}
    assert bitrix24.runs() == 0


async def test_a_form_is_no_json(bitrix24: Bitrix24) -> None:
    assert code_of(await bitrix24.ask("POST", "/v1/workflows/start", data=SEED_BODY)) == "MISSING_PARAMS"


@pytest.mark.parametrize("changes", [{"templateId": 999}, {"entityType": "lead"}, {"entityId": 0}, {"entityId": 10_000}])
async def test_what_bitrix24_itself_refuses_is_422(bitrix24: Bitrix24, changes: dict[str, Any]) -> None:
    reply = await bitrix24.start(**changes)

    assert (reply.status_code, code_of(reply), bitrix24.runs()) == (422, "BITRIX_ERROR", 0)


@pytest.mark.parametrize(
    "parameters",
    [{"Amount": "10"}, {"Amount": True}, {"Kind": "slow"}, {"Urgent": True}, {"Urgent": "yes"}, {"Approver": 14}],
)
async def test_a_parameter_of_another_type_is_refused(bitrix24: Bitrix24, parameters: dict[str, Any]) -> None:
    reply = await bitrix24.start(parameters=parameters)

    assert (reply.status_code, code_of(reply), bitrix24.runs()) == (422, "BITRIX_ERROR", 0)


async def test_the_seeds_request_gets_the_seeds_answer(bitrix24: Bitrix24) -> None:
    reply = await bitrix24.start()

    assert reply.status_code == 201
    assert reply.json() == {"success": True, "data": {"workflowId": "69f0c2d5ade389.22457798"}}


async def test_unknown_fields_and_parameters_are_dropped_without_a_word(bitrix24: Bitrix24) -> None:
    typed = {"Amount": 10.5, "Kind": "rush", "Urgent": "Y", "amount": 3, "Note": "?"}

    reply = await bitrix24.start(parameters=typed, priority="high")

    (run,) = bitrix24.world.standins.runs("bitrix24")
    assert reply.status_code == 201
    assert {name: str(value) for name, value in run.inputs.items()} == {
        "entityType": "deal",
        "entityId": "5141",
        "Amount": "10.5",
        "Kind": "rush",
        "Urgent": "Y",
    }


async def test_one_template_starts_as_often_as_it_is_asked_to(bitrix24: Bitrix24) -> None:
    ids = {(await bitrix24.start()).json()["data"]["workflowId"] for _ in range(3)}

    assert (len(ids), bitrix24.runs()) == (3, 3)


# --- running list


async def test_a_running_workflow_is_listed_in_upper_case_with_ids_as_text(bitrix24: Bitrix24) -> None:
    await bitrix24.start()

    (row,) = await bitrix24.running()

    assert row == {
        "ID": "69f0c2d5ade389.22457798",
        "MODIFIED": "2026-11-21T12:00:00+00:00",
        "OWNED_UNTIL": None,
        "MODULE_ID": "crm",
        "ENTITY": "CCrmDocumentDeal",
        "DOCUMENT_ID": "DEAL_5141",
        "STARTED": "2026-11-21T12:00:00+00:00",
        "STARTED_BY": "1",
        "TEMPLATE_ID": "713",
    }


async def test_a_finished_workflow_leaves_the_list_without_a_trace(bitrix24: Bitrix24) -> None:
    await bitrix24.start()
    bitrix24.world.clock.move(100)

    assert await bitrix24.running() == []


async def test_a_short_workflow_is_over_before_anybody_can_look(bitrix24: Bitrix24) -> None:
    await bitrix24.start(templateId=715)

    assert (await bitrix24.running(), bitrix24.runs()) == ([], 1)


async def test_the_list_comes_fifty_at_a_time_newest_first(bitrix24: Bitrix24) -> None:
    for entity_id in range(1, 53):
        await bitrix24.start(entityId=entity_id)
        bitrix24.world.clock.move(0.001)

    first = (await bitrix24.ask("GET", "/v1/workflows")).json()
    second = (await bitrix24.ask("GET", "/v1/workflows", params={"offset": 50})).json()

    assert (len(first["data"]), len(second["data"])) == (50, 2)
    assert first["meta"]["total"] == second["meta"]["total"] == 52
    assert (first["data"][0]["DOCUMENT_ID"], second["data"][-1]["DOCUMENT_ID"]) == ("DEAL_52", "DEAL_1")


async def test_the_list_is_filtered_by_template_and_by_who_started(bitrix24: Bitrix24) -> None:
    await bitrix24.start()
    await bitrix24.start(templateId=714, entityType="lead")
    bitrix24.world.standins.start_elsewhere("bitrix24", "713", started_by="7", entityId=5141)

    assert [len(await bitrix24.running(**query)) for query in ({}, {"templateId": 713}, {"startedBy": 7}, {"templateId": 1})] == [
        3,
        2,
        1,
        0,
    ]
    assert bitrix24.runs() == 2


# --- terminate


async def test_terminating_is_204_and_then_404(bitrix24: Bitrix24) -> None:
    run_id = (await bitrix24.start()).json()["data"]["workflowId"]

    first = await bitrix24.ask("DELETE", f"/v1/workflows/{run_id}", params={"force": "true"})
    second = await bitrix24.ask("DELETE", f"/v1/workflows/{run_id}")

    assert (first.status_code, first.content) == (204, b"")
    assert (second.status_code, code_of(second)) == (404, "ENTITY_NOT_FOUND")
    assert await bitrix24.running() == []


async def test_a_soft_termination_waits_for_the_step(bitrix24: Bitrix24) -> None:
    run_id = (await bitrix24.start()).json()["data"]["workflowId"]

    assert (await bitrix24.ask("DELETE", f"/v1/workflows/{run_id}")).status_code == 204
    assert len(await bitrix24.running()) == 1

    bitrix24.world.clock.move(10)
    assert await bitrix24.running() == []


async def test_terminating_what_never_ran_is_404(bitrix24: Bitrix24) -> None:
    assert code_of(await bitrix24.ask("DELETE", "/v1/workflows/no.such")) == "ENTITY_NOT_FOUND"


# --- templates and records


@pytest.mark.parametrize("path", ["/v1/bizproc-templates", "/v1/entities/bizproc-templates"])
async def test_a_personal_key_cannot_read_templates(bitrix24: Bitrix24, path: str) -> None:
    reply = await bitrix24.ask("GET", path)

    assert (reply.status_code, code_of(reply)) == (403, "OAUTH_REQUIRED")


async def test_an_app_key_reads_templates_with_their_parameters(bitrix24: Bitrix24) -> None:
    bitrix24.use_app_key()

    body = (await bitrix24.ask("GET", "/v1/bizproc-templates")).json()

    template = body["data"][0]
    assert (template["id"], template["name"], template["documentType"][2]) == (713, "Contract approval", "DEAL")
    assert template["parameters"]["Amount"] == {
        "Name": "Amount",
        "Type": "double",
        "Required": "1",
        "Multiple": "0",
        "Default": "",
        "Options": None,
    }
    assert template["parameters"]["Kind"]["Options"] == {"std": "Standard", "rush": "Rush"}
    assert body["data"][1]["parameters"] == []
    assert body["meta"]["total"] == 4


async def test_records_can_be_listed_and_read(bitrix24: Bitrix24) -> None:
    listed = (await bitrix24.ask("GET", "/v1/companies", params={"limit": 2, "offset": 3})).json()
    one = (await bitrix24.ask("GET", "/v1/deals/5141")).json()

    assert ([each["id"] for each in listed["data"]], listed["meta"]["total"]) == ([4, 5], 9_999)
    assert one["data"] == {"id": 5141, "title": "Deal 5141"}


@pytest.mark.parametrize("path", ["/v1/deals/0", "/v1/deals/10000", "/v1/quotes", "/v1/rest", "/v2/workflows"])
async def test_what_is_not_there_is_404(bitrix24: Bitrix24, path: str) -> None:
    assert (await bitrix24.ask("GET", path)).status_code == 404


async def test_another_method_is_405(bitrix24: Bitrix24) -> None:
    assert (await bitrix24.ask("PUT", "/v1/workflows/start")).status_code == 405


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "RATE_LIMITED"), (500, "INTERNAL_ERROR"), (502, "BITRIX_UNAVAILABLE"), (504, "QUEUE_TIMEOUT")],
)
async def test_its_own_troubles_have_their_codes(bitrix24: Bitrix24, status: int, code: str) -> None:
    bitrix24.world.standins.fault("bitrix24", Fault(kind=FaultKind.STATUS, status=status, retry_after_s=2))

    reply = await bitrix24.start()

    assert (reply.status_code, code_of(reply)) == (status, code)
    assert (reply.json()["error"]["retryAfter"], reply.headers["Retry-After"]) == (2, "2")


async def test_records_are_searched_by_a_part_of_their_name(bitrix24: Bitrix24) -> None:
    body = {"filter": {"title": {"$contains": "deal 514"}}, "limit": 3}
    reply = await bitrix24.ask("POST", "/v1/deals/search", json=body)

    assert [row["id"] for row in reply.json()["data"]] == [514, 5140, 5141]
    assert reply.json()["meta"] == {"total": 11, "hasMore": True}


async def test_people_have_two_names(bitrix24: Bitrix24) -> None:
    body = {"filter": {"lastName": {"$contains": "No. 9999"}}}
    reply = await bitrix24.ask("POST", "/v1/contacts/search", json=body)

    assert reply.json()["data"] == [{"id": 9999, "name": "Contact", "lastName": "No. 9999"}]


async def test_the_newest_records_come_first_where_that_is_asked_for(bitrix24: Bitrix24) -> None:
    reply = await bitrix24.ask("GET", "/v1/deals", params={"limit": "2", "order[id]": "desc"})

    assert [row["id"] for row in reply.json()["data"]] == [9999, 9998]


async def test_a_filter_that_it_does_not_know_is_refused(bitrix24: Bitrix24) -> None:
    reply = await bitrix24.ask("POST", "/v1/deals/search", json={"filter": {"title": {"$like": "x"}}})

    assert (reply.status_code, code_of(reply)) == (400, "INVALID_FILTER")


async def test_a_search_needs_the_crm_scope_as_a_list_does(bitrix24: Bitrix24) -> None:
    bitrix24.world.standins.hold_scope("bitrix24", "crm", is_held=False)

    assert (await bitrix24.ask("POST", "/v1/deals/search", json={})).status_code == 403
