"""Salesforce's stand-in against its documents: seed 002 and providers/salesforce.md."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.sandbox.standins import Fault, FaultKind
from bot.sandbox.standins._soql import QueryError, read
from bot.sandbox.standins.salesforce import ACCESS_TOKEN
from tests.sandbox.standin_world import World, a_world

DATA = "/services/data/v65.0"
FLOWS = f"{DATA}/actions/custom/flow"
SEED_ROW = {"CommentCount": 6, "FeedItemId": "0D5D0000000cfMY"}


class Salesforce:
    def __init__(self, world: World) -> None:
        self.world = world
        self.token = ""

    async def login(self, *, auth: tuple[str, str] | None = None, **changes: str) -> httpx.Response:
        named = self.world.standins.environment()
        own = {"client_id": named["SF_CLIENT_ID"], "client_secret": named["SF_CLIENT_SECRET"]}
        form = {"grant_type": "client_credentials"} | ({} if auth else own) | changes
        facts: dict[str, Any] = {"data": form} | ({"auth": auth} if auth else {})
        reply = await self.world.ask("salesforce", "POST", "/services/oauth2/token", **facts)
        self.token = reply.json().get("access_token", "")
        return reply

    async def ask(self, method: str, path: str, **facts: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | facts.pop("headers", {})
        return await self.world.ask("salesforce", method, path, headers=headers, **facts)

    async def start(self, *rows: Any, flow: str = "Escalate_to_Case") -> httpx.Response:
        return await self.ask("POST", f"{FLOWS}/{flow}", json={"inputs": list(rows)})

    async def query(self, text: str) -> httpx.Response:
        return await self.ask("GET", f"{DATA}/query", params={"q": text})

    async def rows(self, text: str) -> list[dict[str, Any]]:
        return (await self.query(text)).json()["records"]

    def runs(self) -> int:
        return len(self.world.standins.runs("salesforce"))


@pytest.fixture
async def salesforce() -> AsyncIterator[Salesforce]:
    async with a_world(run_s=100) as world:
        client = Salesforce(world)
        await client.login()
        yield client


def code_of(reply: httpx.Response) -> str:
    (error,) = reply.json()

    assert error["message"]
    return error["errorCode"]


# --- session


async def test_a_token_is_what_the_document_prints(salesforce: Salesforce) -> None:
    body = (await salesforce.login()).json()

    assert body.keys() == {"access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at"}
    assert (body["instance_url"], body["token_type"]) == (salesforce.world.standins.base_url("salesforce"), "Bearer")
    assert body["issued_at"] == "1795262400000"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "other"}, "invalid_client_id"),
        ({"client_secret": "other"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_a_refused_login_is_400_in_its_own_shape(salesforce: Salesforce, changes: dict[str, str], error: str) -> None:
    reply = await salesforce.login(**changes)

    assert (reply.status_code, reply.json()["error"]) == (400, error)
    assert reply.json()["error_description"]


async def test_the_client_may_come_by_basic_authorisation(salesforce: Salesforce) -> None:
    named = salesforce.world.standins.environment()

    assert (await salesforce.login(auth=(named["SF_CLIENT_ID"], named["SF_CLIENT_SECRET"]))).status_code == 200
    assert (await salesforce.login(auth=(named["SF_CLIENT_ID"], "other"))).status_code == 400


async def test_json_is_no_form(salesforce: Salesforce) -> None:
    reply = await salesforce.world.ask("salesforce", "POST", "/services/oauth2/token", json={"grant_type": "client_credentials"})

    assert reply.status_code == 400


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer somebody-elses"}])
async def test_no_or_a_foreign_session_is_invalid(salesforce: Salesforce, headers: dict[str, str]) -> None:
    reply = await salesforce.world.ask("salesforce", "GET", FLOWS, headers=headers)

    assert reply.status_code == 401
    assert reply.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


async def test_another_kind_of_authorisation_is_an_invalid_header(salesforce: Salesforce) -> None:
    given = base64.b64encode(b"a:b").decode()

    assert code_of(await salesforce.ask("GET", FLOWS, headers={"Authorization": f"Basic {given}"})) == "INVALID_AUTH_HEADER"


async def test_a_session_times_out_without_having_said_when(salesforce: Salesforce) -> None:
    salesforce.world.clock.move(7200)
    assert (await salesforce.ask("GET", FLOWS)).status_code == 401

    await salesforce.login()
    assert (await salesforce.ask("GET", FLOWS)).status_code == 200


async def test_a_given_token_outlives_logins(salesforce: Salesforce) -> None:
    salesforce.token = ACCESS_TOKEN
    salesforce.world.standins.fault("salesforce", Fault(kind=FaultKind.EXPIRE))

    assert [(await salesforce.ask("GET", FLOWS)).status_code for _ in range(2)] == [401, 200]


async def test_an_expired_session_needs_a_login(salesforce: Salesforce) -> None:
    salesforce.world.standins.fault("salesforce", Fault(kind=FaultKind.EXPIRE))

    assert [(await salesforce.ask("GET", FLOWS)).status_code for _ in range(2)] == [401, 401]
    await salesforce.login()
    assert (await salesforce.ask("GET", FLOWS)).status_code == 200


async def test_a_missing_scope_reads_as_an_invalid_session(salesforce: Salesforce) -> None:
    salesforce.world.standins.hold_scope("salesforce", "api", is_held=False)

    reply = await salesforce.ask("GET", FLOWS)

    assert (reply.status_code, code_of(reply)) == (401, "INVALID_SESSION_ID")
    assert "One of the following scopes is required" in reply.json()[0]["message"]


# --- catalogue and describe


async def test_the_list_shows_active_flows_that_the_user_may_run(salesforce: Salesforce) -> None:
    salesforce.world.standins.hold_scope("salesforce", "Run Flows", is_held=False, workflow_id="Renewal_Reminder")

    actions = (await salesforce.ask("GET", FLOWS)).json()["actions"]

    assert [each["name"] for each in actions] == ["Escalate_to_Case", "Recalculate_Territory", "Chase_Signature"]
    assert actions[0] == {
        "label": "Escalate to Case",
        "name": "Escalate_to_Case",
        "type": "FLOW",
        "url": f"{FLOWS}/Escalate_to_Case",
    }


async def test_a_flow_describes_its_inputs_and_outputs(salesforce: Salesforce) -> None:
    body = (await salesforce.ask("GET", f"{FLOWS}/Escalate_to_Case")).json()

    types = {each["name"]: (each["type"], each["maxOccurs"]) for each in body["inputs"]}
    assert types["CommentCount"] == ("NUMBER", 1)
    assert types["FeedItemId"] == ("STRING", 1)
    assert types["Tags"] == ("STRING", 2000)
    assert [each["name"] for each in body["outputs"]] == ["CaseId", "Status"]
    assert not any(each["required"] for each in body["inputs"])


@pytest.mark.parametrize("flow", ["No_Such_Flow", "Old_Escalation", "escalate_to_case"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_unknown_and_inactive_flows_look_alike(salesforce: Salesforce, method: str, flow: str) -> None:
    reply = await salesforce.ask(method, f"{FLOWS}/{flow}", json={"inputs": [{}]})

    assert reply.status_code == 404
    assert reply.json() == [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}]


async def test_a_flow_that_is_not_permitted_looks_alike_too(salesforce: Salesforce) -> None:
    salesforce.world.standins.hold_scope("salesforce", "Run Flows", is_held=False, workflow_id="Escalate_to_Case")

    assert (await salesforce.start(SEED_ROW)).status_code == 404


async def test_an_unknown_version_of_the_api_is_404(salesforce: Salesforce) -> None:
    assert (await salesforce.ask("GET", "/services/data/v1.0/actions/custom/flow")).status_code == 404


async def test_answers_tell_how_much_of_the_day_is_used(salesforce: Salesforce) -> None:
    reply = await salesforce.ask("GET", f"{DATA}/limits")

    assert reply.headers["Sforce-Limit-Info"] == "api-usage=2/15000"
    assert reply.json() == {"DailyApiRequests": {"Max": 15000, "Remaining": 14998}}


# --- start


async def test_the_seeds_request_gets_the_seeds_answer_as_a_list(salesforce: Salesforce) -> None:
    reply = await salesforce.start(SEED_ROW)

    (result,) = reply.json()
    guid = result["outputValues"].pop("Flow__InterviewGuid")
    assert reply.status_code == 200
    assert result == {
        "actionName": "Escalate_to_Case",
        "errors": None,
        "invocationId": None,
        "isSuccess": True,
        "outcome": None,
        "outputValues": {"CaseId": "500D0000003abcX", "Status": "Escalated", "Flow__InterviewStatus": "Finished"},
        "sortOrder": -1,
        "version": 1,
    }
    assert [run.run_id for run in salesforce.world.standins.runs("salesforce")] == [guid]


async def test_the_answer_comes_when_the_flow_has_ended(salesforce: Salesforce) -> None:
    await salesforce.start(SEED_ROW)

    assert salesforce.world.clock.slept_s == [100]


async def test_the_seeds_other_shapes_can_be_switched_on(salesforce: Salesforce) -> None:
    salesforce.world.standins.switch("salesforce", "bare_object")
    salesforce.world.standins.switch("salesforce", "odd_status_key")

    body = (await salesforce.start(SEED_ROW)).json()

    assert body["isSuccess"] is True
    assert body["outputValues"]["Flow_InterviewStatus"] == "Finished"
    assert "Flow__InterviewStatus" not in body["outputValues"]


async def test_several_rows_are_several_runs_in_one_answer(salesforce: Salesforce) -> None:
    salesforce.world.standins.switch("salesforce", "bare_object")

    body = (await salesforce.start(SEED_ROW, {"CommentCount": 8, "FeedItemId": "0D5D0000000cfMZ"})).json()

    assert len({each["outputValues"]["Flow__InterviewGuid"] for each in body}) == 2
    assert salesforce.runs() == 2


async def test_a_faulting_flow_is_400_with_the_seeds_error(salesforce: Salesforce) -> None:
    reply = await salesforce.start({"Region": "EMEA"}, flow="Recalculate_Territory")

    (result,) = reply.json()
    assert (reply.status_code, result["isSuccess"]) == (400, False)
    assert result["errors"] == [
        {"statusCode": "FLOW_ELEMENT_ERROR", "message": "An error occurred at element MyDecision (Decision).", "fields": []},
    ]
    assert result["outputValues"]["Flow__InterviewStatus"] == "Error"
    assert result["outputValues"]["Flow__InterviewGuid"]


@pytest.mark.parametrize(
    ("flow", "row"),
    [
        ("Escalate_to_Case", {"CommentCount": "6"}),
        ("Escalate_to_Case", {"CommentCount": True}),
        ("Escalate_to_Case", {"FeedItemId": 6}),
        ("Escalate_to_Case", {"commentCount": 6}),
        ("Escalate_to_Case", {"Tags": "one"}),
        ("Escalate_to_Case", {"Tags": ["one", 2]}),
        ("Escalate_to_Case", {"NotifyOwner": "true"}),
        ("Renewal_Reminder", {"DueOn": "21.11.2026"}),
        ("Recalculate_Territory", {}),
        ("Recalculate_Territory", {"Region": None}),
    ],
)
async def test_names_and_types_must_match_the_flows_variables(salesforce: Salesforce, flow: str, row: dict[str, Any]) -> None:
    reply = await salesforce.start(row, flow=flow)

    (result,) = reply.json()
    assert (reply.status_code, result["isSuccess"], result["outputValues"]) == (400, False, None)
    assert result["errors"][0]["statusCode"] == "INVALID_API_INPUT"
    assert salesforce.runs() == 0


async def test_null_collections_and_truths_are_taken(salesforce: Salesforce) -> None:
    row = {"CommentCount": 6.5, "FeedItemId": None, "Tags": ["one", "two"], "NotifyOwner": True}

    assert (await salesforce.start(row)).status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}", b'{"inputs": {}}', b'{"inputs": []}', b'{"inputs": [1]}'])
async def test_a_body_without_a_list_of_inputs_is_a_parser_error(salesforce: Salesforce, body: bytes) -> None:
    reply = await salesforce.ask("POST", f"{FLOWS}/Escalate_to_Case", content=body, headers={"Content-Type": "application/json"})

    assert (reply.status_code, code_of(reply)) == (400, "JSON_PARSER_ERROR")


async def test_another_content_type_or_method(salesforce: Salesforce) -> None:
    assert (await salesforce.ask("POST", f"{FLOWS}/Escalate_to_Case", data={"inputs": "x"})).status_code == 415
    assert (await salesforce.ask("PUT", f"{FLOWS}/Escalate_to_Case")).status_code == 405
    assert (await salesforce.ask("GET", "/services/data/v65.0/nothing")).status_code == 404


# --- interviews and correlation


async def test_a_waiting_flow_leaves_a_paused_interview_until_it_goes_on(salesforce: Salesforce) -> None:
    (result,) = (await salesforce.start({"DueOn": "2026-12-01"}, flow="Renewal_Reminder")).json()
    guid = result["outputValues"]["Flow__InterviewGuid"]
    text = f"SELECT Guid, InterviewStatus, Error FROM FlowInterview WHERE Guid='{guid}'"  # noqa: S608 - no database

    paused = await salesforce.rows(text)
    salesforce.world.clock.move(100)

    assert result["outputValues"]["Flow__InterviewStatus"] == "Waiting"
    assert [(each["Guid"], each["InterviewStatus"], each["Error"]) for each in paused] == [(guid, "Paused", None)]
    assert (await salesforce.query(text)).json() == {"totalSize": 0, "done": True, "records": []}


async def test_a_waiting_flow_that_fails_keeps_its_row(salesforce: Salesforce) -> None:
    await salesforce.start({}, flow="Chase_Signature")
    salesforce.world.clock.move(100)

    (row,) = await salesforce.rows("SELECT InterviewStatus, Error FROM FlowInterview")

    assert row["InterviewStatus"] == "Error"
    assert "MyDecision" in row["Error"]


async def test_a_finished_flow_leaves_no_interview_and_a_faulted_one_does(salesforce: Salesforce) -> None:
    await salesforce.start(SEED_ROW)
    assert await salesforce.rows("SELECT Id FROM FlowInterview") == []

    await salesforce.start({"Region": "EMEA"}, flow="Recalculate_Territory")
    assert len(await salesforce.rows("SELECT Id FROM FlowInterview")) == 1


async def test_a_lost_answer_is_found_by_what_the_flow_wrote(salesforce: Salesforce) -> None:
    salesforce.world.standins.fault("salesforce", Fault(kind=FaultKind.DROP, is_applied=True), verb="start")
    with pytest.raises(httpx.TransportError):
        await salesforce.start(SEED_ROW | {"RequestId": "L-7K3QW"})

    found = await salesforce.rows("SELECT Id, Status FROM Case WHERE Request_Id__c = 'L-7K3QW'")

    assert [(each["Id"], each["attributes"]["type"]) for each in found] == [("500D0000003abcX", "Case")]
    assert await salesforce.rows("SELECT Id FROM Case WHERE Request_Id__c='L-OTHER'") == []
    assert [run.key for run in salesforce.world.standins.runs("salesforce")] == ["L-7K3QW"]


async def test_a_flow_that_comes_late_has_written_nothing_until_it_ends(salesforce: Salesforce) -> None:
    salesforce.world.standins.fault("salesforce", Fault(kind=FaultKind.LATE, delay_s=300), verb="start")
    with pytest.raises(httpx.TransportError):
        await salesforce.start(SEED_ROW | {"RequestId": "L-7K3QW"})
    text = "SELECT Id FROM Case WHERE Request_Id__c='L-7K3QW'"

    assert await salesforce.rows(text) == []
    salesforce.world.clock.move(300)
    assert len(await salesforce.rows(text)) == 1


async def test_definitions_tell_which_flows_are_active(salesforce: Salesforce) -> None:
    active = (
        "SELECT ApiName FROM FlowDefinitionView WHERE ProcessType='AutoLaunchedFlow' AND IsActive=true ORDER BY ApiName LIMIT 2"
    )

    assert [each["ApiName"] for each in await salesforce.rows(active)] == ["Chase_Signature", "Escalate_to_Case"]
    (idle,) = await salesforce.rows("select apiname, ActiveVersionId from FlowDefinitionView where ActiveVersionId = null")
    assert (idle["ApiName"], idle["ActiveVersionId"]) == ("Old_Escalation", None)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "MALFORMED_QUERY"),
        ("DELETE FROM Case", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case WHERE Id = 'x' OR Id = 'y'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Case WHERE Id = 'x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Nothing FROM Case", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE Nothing = 'x'", "INVALID_FIELD"),
    ],
)
async def test_a_query_that_cannot_be_answered(salesforce: Salesforce, text: str, code: str) -> None:
    reply = await salesforce.query(text)

    assert (reply.status_code, code_of(reply)) == (400, code)


async def test_interviews_are_hidden_from_who_may_not_run_flows(salesforce: Salesforce) -> None:
    salesforce.world.standins.hold_scope("salesforce", "Run Flows", is_held=False)

    assert code_of(await salesforce.query("SELECT Id FROM FlowInterview")) == "INVALID_TYPE"


async def test_times_can_be_compared(salesforce: Salesforce) -> None:
    await salesforce.start({}, flow="Chase_Signature")
    query = "SELECT Id FROM FlowInterview WHERE CreatedDate {} 2026-11-21T12:00:00.000+0000"
    counts = [len(await salesforce.rows(query.format(sign))) for sign in (">=", ">", "<=", "<", "!=")]

    assert counts == [1, 0, 1, 0, 0]


async def test_words_and_times_are_not_compared_with_null(salesforce: Salesforce) -> None:
    await salesforce.start({}, flow="Chase_Signature")

    assert await salesforce.rows("SELECT Id FROM FlowInterview WHERE CreatedDate > null") == []


def test_a_quote_in_a_value_is_escaped() -> None:
    assert read(r"SELECT Id FROM Case WHERE Status = 'it\'s' ORDER BY Id DESC").conditions == (("Status", "=", "it's"),)
    with pytest.raises(QueryError):
        read("SELECT Id FROM Case WHERE Status = 'it's'")


async def test_a_paused_interview_cannot_be_deleted_without_manage_flow(salesforce: Salesforce) -> None:
    reply = await salesforce.ask("DELETE", f"{DATA}/sobjects/FlowInterview/0Foxx0000000001AAA")

    assert (reply.status_code, code_of(reply)) == (403, "INSUFFICIENT_ACCESS")


# --- its own troubles


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "REQUEST_LIMIT_EXCEEDED"), (429, "REQUEST_LIMIT_EXCEEDED"), (500, "UNKNOWN_EXCEPTION"), (503, "SERVER_UNAVAILABLE")],
)
async def test_limits_and_faults_have_their_codes(salesforce: Salesforce, status: int, code: str) -> None:
    salesforce.world.standins.fault("salesforce", Fault(kind=FaultKind.STATUS, status=status), verb="start")

    reply = await salesforce.start(SEED_ROW)

    assert (reply.status_code, code_of(reply), salesforce.runs()) == (status, code, 0)
    assert "Retry-After" not in reply.headers
