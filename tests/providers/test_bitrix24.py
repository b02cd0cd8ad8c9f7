"""Bitrix24: the seed's start call to the letter, every error by its code, and a list that shows running instances only."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Generator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Connection, InputSpec, InputType, Launch, Workflow
from bot.domain.provider import (
    Accepted,
    Busy,
    Call,
    CancelAnswer,
    Candidate,
    CatalogueAnswer,
    Completed,
    Confirmed,
    Denied,
    DescribeAnswer,
    Described,
    Held,
    Listed,
    Matches,
    Observed,
    Outcome,
    ProbeAnswer,
    Refused,
    Reply,
    Secret,
    StartAnswer,
    Stopping,
    TrackAnswer,
    Unauthorised,
    Unreachable,
    Unsupported,
    Unverifiable,
)
from bot.providers.bitrix24 import PROVIDER, Options
from tests.builders import NOON, a_launch
from tests.exchanges import Driven, drive
from tests.odd_replies import answered, bodies, exchanges, odd_replies

RUN = "69f0c2d5ade389.22457798"
CONNECTION = Connection(
    name="crm",
    provider="bitrix24",
    base_url="https://vibecode.bitrix24.tech",
    options=Options(portal="acme.bitrix24.com"),
)


def a_bitrix_launch(**changes: Any) -> Launch:
    plain: dict[str, Any] = {
        "connection": "crm",
        "provider": "bitrix24",
        "workflow_id": "713",
        "inputs": {"entityType": "deal", "entityId": 5141},
    }
    return a_launch(**(plain | changes))


def a_running_launch(**changes: Any) -> Launch:
    return a_bitrix_launch(**({"run_id": RUN, "provider_status": "running"} | changes))


def a_template(**extras: Any) -> Workflow:
    return Workflow(workflow_id="713", name="Contract approval", inputs=(), extras=extras)


def says(status: int, body: Any = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body="" if body is None else json.dumps(body))


def fault(code: str, **more: Any) -> dict[str, Any]:
    return {"success": False, "error": {"code": code, "message": "gewiss", **more}}


def page(*ids: str, total: int | None = None, **more: Any) -> Reply:
    body: dict[str, Any] = {"success": True, "data": [{"ID": run_id, "TEMPLATE_ID": "713", **more} for run_id in ids]}
    return says(200, body if total is None else body | {"meta": {"total": total}})


def templates(*rows: Any, total: int | None = None) -> Reply:
    return says(200, {"success": True, "data": list(rows), "meta": {"total": len(rows) if total is None else total}})


def start(reply: Reply, **changes: Any) -> Driven:
    return drive(PROVIDER.start(a_bitrix_launch(**changes), CONNECTION), reply)


def track(*replies: Reply, **changes: Any) -> Driven:
    return drive(PROVIDER.track(a_running_launch(**changes), CONNECTION), *replies)


def cancel(reply: Reply, **changes: Any) -> Driven:
    return drive(PROVIDER.cancel(a_running_launch(**changes), CONNECTION), reply)


def describe(*replies: Reply) -> Any:
    return drive(PROVIDER.describe(a_template(), CONNECTION), *replies).answer


def parameter(**properties: Any) -> InputSpec:
    """What the template's one parameter is read as."""
    described = describe(templates({"ID": "713", "PARAMETERS": {"P": properties}}))
    (spec,) = described.workflow.inputs
    return spec


# --- credential --------------------------------------------------------------------------------------------------------------


def problems(**credential: str) -> tuple[str, ...]:
    return PROVIDER.credential_problems({name: Secret(value) for name, value in credential.items()}, CONNECTION)


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        ({"api_key": "vibe_live_x"}, "management key"),
        ({"api_key": "vibe_live_x", "session_token": "s"}, "management key"),
        ({"api_key": "vibe_app_x"}, "needs session_token"),
        ({"api_key": "vibe_app_x", "session_token": ""}, "needs session_token"),
        ({"api_key": "vibe_api_x", "session_token": "s"}, "app key (vibe_app_…) only"),
    ],
)
def test_a_key_of_the_wrong_kind_is_named(credential: dict[str, str], expected: str) -> None:
    (problem,) = problems(**credential)

    assert expected in problem


@pytest.mark.parametrize(
    "credential",
    [
        {"api_key": "vibe_api_x"},
        {"api_key": "vibe_api_x", "session_token": ""},
        {"api_key": "vibe_app_x", "session_token": "s"},
        {"api_key": "an older key"},
    ],
)
def test_a_key_of_the_right_kind_is_taken(credential: dict[str, str]) -> None:
    assert problems(**credential) == ()


def test_problems_never_repeat_the_key() -> None:
    (problem,) = problems(api_key="vibe_live_SECRET")

    assert "SECRET" not in problem


def test_a_personal_key_is_one_header() -> None:
    signature = PROVIDER.sign(Call(method="GET", path="/v1/me"), {"api_key": Secret("vibe_api_made_up")}, None)

    assert signature.headers == {"X-Api-Key": Secret("vibe_api_made_up")}


def test_an_app_key_goes_with_the_user_session() -> None:
    credential = {"api_key": Secret("vibe_app_made_up"), "session_token": Secret("vibe_session_made_up")}

    signature = PROVIDER.sign(Call(method="GET", path="/v1/me"), credential, None)

    assert {name: value.reveal() for name, value in signature.headers.items()} == {
        "X-Api-Key": "vibe_app_made_up",
        "Authorization": "Bearer vibe_session_made_up",
    }
    assert "made_up" not in repr(signature)


@pytest.mark.parametrize("status", [200, 401, 403])
def test_no_call_can_renew_a_credential(status: int) -> None:
    assert PROVIDER.login(CONNECTION) is None
    assert not PROVIDER.is_session_over(says(status, fault("TOKEN_EXPIRED")))


# --- what people may give ----------------------------------------------------------------------------------------------------


def test_every_workflow_asks_for_its_record() -> None:
    kind, entity_id = PROVIDER.fixed_inputs(a_template())

    assert (kind.name, kind.required, kind.options) == ("entityType", True, ("deal", "lead", "contact", "company"))
    assert (entity_id.name, entity_id.type, entity_id.required) == ("entityId", InputType.INTEGER, True)


def test_a_template_made_for_deals_does_not_ask_for_the_kind() -> None:
    kind, entity_id = PROVIDER.fixed_inputs(a_template(entity_type="deal"))

    assert (kind.required, kind.default) == (False, "deal")
    assert entity_id.required


@pytest.mark.parametrize("unknown", ["DEAL", "quote", "", 3, None, ["deal"]])
def test_an_unknown_kind_in_the_configuration_is_as_none(unknown: Any) -> None:
    kind, _ = PROVIDER.fixed_inputs(a_template(entity_type=unknown))

    assert kind.required


@pytest.mark.parametrize("kind", ["deal", "lead", "contact", "company"])
def test_the_four_kinds_of_record_pass(kind: str) -> None:
    assert PROVIDER.check({"entityType": kind, "entityId": 1}, a_template(), CONNECTION) == ()


@pytest.mark.parametrize("kind", ["Deal", "DEAL", "quote", "deal ", ["deal"]])
def test_any_other_kind_of_record_is_a_problem(kind: Any) -> None:
    (problem,) = PROVIDER.check({"entityType": kind, "entityId": 1}, a_template(), CONNECTION)

    assert problem.code == "bad_input"
    assert problem.facts["name"] == "entityType"
    assert "deal or lead or contact or company" in problem.facts["expected"]


def test_a_template_made_for_deals_is_not_started_on_a_lead() -> None:
    (problem,) = PROVIDER.check({"entityType": "lead", "entityId": 1}, a_template(entity_type="deal"), CONNECTION)

    assert (problem.code, problem.facts["typed"], problem.facts["expected"]) == ("bad_input", "lead", "deal")


@pytest.mark.parametrize("entity_id", [0, -5, True, "x", Decimal("1.5")])
def test_a_record_id_is_a_positive_whole_number(entity_id: Any) -> None:
    (problem,) = PROVIDER.check({"entityType": "deal", "entityId": entity_id}, a_template(), CONNECTION)

    assert (problem.code, problem.facts["name"]) == ("bad_input", "entityId")


def test_what_is_missing_is_left_to_the_input_specs() -> None:
    assert PROVIDER.check({}, a_template(), CONNECTION) == ()


@pytest.mark.parametrize("workflow_id", ["abc", "7.5", "-3", "0", "", "\uff17\uff11\uff13", "7 13"])
def test_a_template_id_that_is_no_number_is_a_problem(workflow_id: str) -> None:
    (problem,) = PROVIDER.check({}, replace(a_template(), workflow_id=workflow_id, name=None), CONNECTION)

    assert problem.code == "workflow_incomplete"
    assert problem.facts == {"name": workflow_id, "what": "a whole number as its id"}


# --- start -------------------------------------------------------------------------------------------------------------------


def test_a_start_is_the_seeds_call() -> None:
    driven = start(says(201, {"success": True, "data": {"workflowId": RUN}}))

    assert driven.call == Call(
        method="POST", path="/v1/workflows/start", json={"templateId": 713, "entityType": "deal", "entityId": 5141}
    )
    assert driven.answer == Accepted(run_id=RUN)


def test_numbers_leave_as_numbers_and_booleans_as_letters() -> None:
    inputs = {
        "entityType": "deal",
        "entityId": 5141,
        "Amount": Decimal("12.50"),
        "Count": 3,
        "Rush": True,
        "Quiet": False,
        "Flags": [True, False, "x"],
        "Note": "true",
    }

    driven = start(says(201, {"success": True, "data": {"workflowId": RUN}}), inputs=inputs)

    assert driven.call.json["parameters"] == {
        "Amount": Decimal("12.50"),
        "Count": 3,
        "Rush": "Y",
        "Quiet": "N",
        "Flags": ["Y", "N", "x"],
        "Note": "true",
    }
    assert type(driven.call.json["templateId"]) is int
    assert type(driven.call.json["entityId"]) is int


def test_the_record_is_never_sent_among_the_parameters() -> None:
    driven = start(
        says(201, {"success": True, "data": {"workflowId": RUN}}), inputs={"entityId": 1, "entityType": "lead", "A": "b"}
    )

    assert driven.call.json == {"templateId": 713, "entityType": "lead", "entityId": 1, "parameters": {"A": "b"}}


def test_the_kind_of_record_may_come_from_the_configuration() -> None:
    launch = {"inputs": {"entityId": 5141}, "extras": {"entity_type": "company"}}

    driven = start(says(201, {"success": True, "data": {"workflowId": RUN}}), **launch)

    assert driven.call.json["entityType"] == "company"


@pytest.mark.parametrize(
    "changes",
    [
        {"workflow_id": "abc"},
        {"inputs": {}},
        {"inputs": {"entityType": "deal"}},
        {"inputs": {"entityId": 5141}},
        {"inputs": {"entityType": "quote", "entityId": 5141}},
        {"inputs": {"entityType": "deal", "entityId": 0}},
    ],
)
def test_nothing_is_sent_for_a_launch_without_template_or_record(changes: dict[str, Any]) -> None:
    driven = drive(PROVIDER.start(a_bitrix_launch(**changes), CONNECTION))

    assert driven.calls == ()
    assert isinstance(driven.answer, Refused)


# The seed's table, and the codes of the pages and notes beside it: status, code, what it is, scope named.
CODES: list[tuple[int, str, type[Any], str | None]] = [
    (400, "MISSING_PARAMS", Refused, None),
    (401, "MISSING_API_KEY", Unauthorised, None),
    (401, "INVALID_API_KEY", Unauthorised, None),
    (401, "TOKEN_MISSING", Unauthorised, None),
    (401, "TOKEN_EXPIRED", Unauthorised, None),
    (401, "INVALID_APP_KEY", Unauthorised, None),
    (401, "INVALID_SESSION", Unauthorised, None),
    (403, "SCOPE_DENIED", Unauthorised, "bizproc"),
    (403, "BITRIX_ACCESS_DENIED", Unauthorised, "bizproc"),
    (403, "OAUTH_REQUIRED", Unauthorised, None),
    (403, "WRITE_BLOCKED_READONLY_KEY", Unauthorised, None),
    (403, "KEY_POLICY_READONLY_REQUIRED", Unauthorised, None),
    (403, "MANAGEMENT_KEY_NO_ENTITY_ACCESS", Unauthorised, None),
    (404, "ENTITY_NOT_FOUND", Refused, None),
    (422, "BITRIX_ERROR", Refused, None),
    (429, "RATE_LIMITED", Busy, None),
    (500, "INTERNAL_ERROR", Unreachable, None),
    (500, "ERROR_LOOP_DETECTED", Unreachable, None),
    (502, "BITRIX_UNAVAILABLE", Unreachable, None),
    (504, "QUEUE_TIMEOUT", Unreachable, None),
]


@pytest.mark.parametrize(("status", "code", "kind", "scope"), CODES)
def test_every_error_code_of_a_start_has_its_answer(status: int, code: str, kind: type[Any], scope: str | None) -> None:
    answer = start(says(status, fault(code))).answer

    assert type(answer) is kind
    assert getattr(answer, "scope", None) == scope
    assert getattr(answer, "is_possibly_applied", kind is not Unreachable)
    if kind is Unreachable:
        assert code in answer.detail
    else:
        assert answer.code == code
        assert answer.meaning


def test_every_error_code_has_an_example() -> None:
    shown = {(example.reply.status, example.reply.object().get("error", {}).get("code")) for example in PROVIDER.examples}

    assert {(status, code) for status, code, _, _ in CODES} <= shown


def test_a_denied_access_tells_of_both_traps() -> None:
    answer = start(says(403, fault("BITRIX_ACCESS_DENIED"))).answer

    assert "new key" in answer.meaning
    assert "administrator" in answer.meaning


def test_the_code_decides_and_not_the_text() -> None:
    body = {"success": False, "error": {"code": "SCOPE_DENIED", "message": "Ошибка: BITRIX_UNAVAILABLE"}}

    answer = start(says(403, body)).answer

    assert answer == Unauthorised(code="SCOPE_DENIED", meaning=answer.meaning, scope="bizproc", detail=body["error"]["message"])


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Refused), (401, Unauthorised), (403, Unauthorised), (404, Refused), (418, Refused)]
)
@pytest.mark.parametrize("body", ["", "<html>gateway</html>", "[]", '{"error": "no"}', '{"error": {"code": 7}}', "null"])
def test_a_refusal_without_a_known_code_goes_by_its_status(status: int, kind: type[Any], body: str) -> None:
    answer = start(Reply(status=status, body=body)).answer

    assert type(answer) is kind
    assert answer.detail is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "{}",
        "[]",
        "null",
        '{"success": true}',
        '{"success": true, "data": []}',
        '{"success": true, "data": {"workflowId": ""}}',
        '{"success": true, "data": {"workflowId": 69.5}}',
        '{"success": true, "data": {"workflowId": {"a": 1}}}',
        '{"success": false, "data": {"workflowId": "1.2"}}',
        '{"data": {"workflowId": "1.2"}}',
        '{"success": false, "error": {"code": "SCOPE_DENIED"}}',
    ],
)
@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_without_a_readable_run_was_possibly_applied(status: int, body: str) -> None:
    answer = start(Reply(status=status, body=body)).answer

    assert isinstance(answer, Unreachable)
    assert answer.is_possibly_applied


@pytest.mark.parametrize("status", [100, 301, 302, 307, 408, 500, 501, 502, 503, 504, 520])
def test_a_status_that_is_no_answer_was_possibly_applied(status: int) -> None:
    answer = start(says(status)).answer

    assert answer == Unreachable(is_possibly_applied=True, detail=f"HTTP {status}")


def test_a_gateways_code_under_a_refusals_status_is_still_no_refusal() -> None:
    answer = start(says(400, fault("BITRIX_UNAVAILABLE"))).answer

    assert isinstance(answer, Unreachable)


@pytest.mark.parametrize(
    ("reply", "wait_s"),
    [
        (says(429, fault("RATE_LIMITED")), 2.0),
        (says(429, fault("RATE_LIMITED", retryAfter=7)), 7.0),
        (says(429, fault("RATE_LIMITED", retryAfter=1.5)), 1.5),
        (says(429, fault("RATE_LIMITED", retryAfter="9")), 9.0),
        (says(429, fault("RATE_LIMITED", retryAfter=None), retry_after="11"), 11.0),
        (says(429, fault("RATE_LIMITED", retryAfter=3), retry_after="11"), 11.0),
        (says(429, fault("RATE_LIMITED", retryAfter=-3)), 2.0),
        (says(429, fault("RATE_LIMITED", retryAfter=[3]), retry_after="soon"), 2.0),
        (says(429, fault("RATE_LIMITED", retryAfter=0)), 0.0),
        (says(429, "no object"), 2.0),
        (says(429, fault("QUEUE_TIMEOUT")), 2.0),
        (says(400, fault("RATE_LIMITED")), 2.0),
    ],
)
def test_over_the_limit_waits_as_long_as_told(reply: Reply, wait_s: float) -> None:
    answer = start(reply).answer

    assert isinstance(answer, Busy)
    assert answer.retry_after_s == wait_s


def test_a_start_is_one_changing_call() -> None:
    driven = start(says(502, fault("BITRIX_UNAVAILABLE")))

    assert [call.changes for call in driven.calls] == [True]
    assert PROVIDER.resend_window_s is None


# --- track -------------------------------------------------------------------------------------------------------------------


def test_a_listed_run_is_running() -> None:
    driven = track(page("1.1", RUN, total=2))

    assert driven.call == Call(method="GET", path="/v1/workflows", query={"templateId": "713", "offset": "0"})
    assert driven.answer == Observed(provider_status="running")


def test_a_run_is_found_on_a_later_page_and_no_further() -> None:
    driven = track(page("1", "2", total=6), page("3", RUN, total=6))

    assert [call.query["offset"] for call in driven.calls] == ["0", "2"]
    assert driven.answer == Observed(provider_status="running")


def test_a_run_that_left_the_list_has_ended() -> None:
    assert track(page("1.1", total=1)).answer == Completed(outcome=Outcome.ENDED)


def test_a_run_that_left_the_list_after_its_stop_is_cancelled() -> None:
    assert track(page(total=0), is_cancel_sent=True).answer == Completed(outcome=Outcome.CANCELLED)


@pytest.mark.parametrize(("looks", "expected"), [(0, Observed()), (1, Observed()), (2, Completed(outcome=Outcome.ENDED))])
def test_a_run_never_seen_is_given_two_looks(looks: int, expected: Any) -> None:
    assert track(page(total=0), provider_status=None, looks=looks).answer == expected


def test_a_run_missing_from_several_pages_is_looked_for_twice() -> None:
    first = (page("1", "2", total=4), page("3", "4", total=4))
    second = (page(RUN, "1", total=4),)

    driven = track(*first, *second)

    assert driven.answer == Observed(provider_status="running")
    assert [call.query["offset"] for call in driven.calls] == ["0", "2", "0"]


def test_a_run_missing_from_several_pages_twice_has_ended() -> None:
    pages = (page("1", "2", total=3), page("3", total=3))

    assert track(*pages, *pages).answer == Completed(outcome=Outcome.ENDED)


def test_without_a_total_an_empty_page_is_the_end() -> None:
    driven = track(page("1"), page(), page("1"), page())

    assert driven.answer == Completed(outcome=Outcome.ENDED)


def test_a_total_is_believed_over_has_more() -> None:
    body = {"success": True, "data": [{"ID": "1"}], "meta": {"total": 1, "hasMore": True}}

    assert track(says(200, body)).answer == Completed(outcome=Outcome.ENDED)


def test_a_list_that_repeats_itself_proves_nothing() -> None:
    driven = track(*[page("1", "2", total=9)] * 4)

    assert isinstance(driven.answer, Unreachable)
    assert not driven.answer.is_possibly_applied


def test_a_list_without_end_is_given_up() -> None:
    endless = [page(str(number), total=10_000) for number in range(200)]

    driven = track(*endless)

    assert isinstance(driven.answer, Unreachable)
    assert len(driven.calls) == 200


@pytest.mark.parametrize("row", ["x", None, 3, {}, {"ID": None}, {"ID": ["1"]}])
def test_a_row_that_cannot_be_read_might_be_ours(row: Any) -> None:
    answer = track(says(200, {"success": True, "data": [row], "meta": {"total": 1}})).answer

    assert isinstance(answer, Unreachable)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "[]",
        "{}",
        '{"success": true}',
        '{"success": true, "data": {}}',
        '{"success": false, "data": []}',
    ],
)
def test_a_list_that_cannot_be_read_does_not_end_a_run(body: str) -> None:
    answer = track(Reply(status=200, body=body)).answer

    assert answer == Unreachable(is_possibly_applied=False, detail="HTTP 200")


@pytest.mark.parametrize(("status", "code", "kind", "scope"), CODES)
def test_every_error_of_a_look_has_its_answer(status: int, code: str, kind: type[Any], scope: str | None) -> None:
    answer = track(says(status, fault(code))).answer

    assert type(answer) is kind
    assert getattr(answer, "scope", None) == scope
    assert not getattr(answer, "is_possibly_applied", False)


def test_trouble_on_a_later_page_is_the_answer() -> None:
    answer = track(page("1", total=2), says(429, fault("RATE_LIMITED", retryAfter=4))).answer

    assert answer == Busy(code="RATE_LIMITED", meaning=answer.meaning, retry_after_s=4.0)


NOW = "Sat, 21 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("owned_until", "date", "is_stuck"),
    [
        ("2026-11-21T11:54:59+00:00", NOW, True),
        ("2026-11-21T14:54:59+03:00", NOW, True),
        ("2026-11-21T11:55:01+00:00", NOW, False),
        ("2026-11-21T11:00:00", NOW, False),
        (None, NOW, False),
        ("soon", NOW, False),
        (17, NOW, False),
        ("2026-11-21T11:00:00+00:00", "never", False),
        ("2026-11-21T11:00:00+00:00", "", False),
    ],
)
def test_a_step_that_holds_the_run_for_over_five_minutes_shows(owned_until: Any, date: str, is_stuck: bool) -> None:
    row = {"ID": RUN, "OWNED_UNTIL": owned_until}
    answer = track(says(200, {"success": True, "data": [row], "meta": {"total": 1}}, date=date)).answer

    assert answer.provider_status == "running"
    assert answer.attention is None
    assert ("stuck" in (answer.progress or "")) is is_stuck


# --- cancel ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [says(204), says(200, {"success": True})])
def test_a_stop_that_was_taken_is_watched(reply: Reply) -> None:
    driven = cancel(reply)

    assert driven.call == Call(method="DELETE", path=f"/v1/workflows/{RUN}")
    assert driven.answer == Stopping()


def test_a_stop_is_never_forced() -> None:
    driven = cancel(says(204))

    assert driven.call.query == {}


@pytest.mark.parametrize(("is_sent", "outcome"), [(False, Outcome.ENDED), (True, Outcome.CANCELLED)])
def test_a_run_that_is_gone_needs_no_stop(is_sent: bool, outcome: Outcome) -> None:
    answer = cancel(says(404, fault("ENTITY_NOT_FOUND")), is_cancel_sent=is_sent).answer

    assert answer == Completed(outcome=outcome, code="ENTITY_NOT_FOUND")


def test_an_address_that_is_not_found_does_not_end_the_run() -> None:
    answer = cancel(Reply(status=404, body="<html>Not found</html>")).answer

    assert answer == Refused(code="HTTP 404", meaning="Bitrix24 refused the call.")


@pytest.mark.parametrize("code", ["SCOPE_DENIED", "BITRIX_ACCESS_DENIED", "TOKEN_EXPIRED"])
def test_a_stop_that_is_denied_says_so(code: str) -> None:
    assert isinstance(cancel(says(403, fault(code))).answer, Unauthorised)


def test_a_stop_that_failed_under_a_good_status_is_not_taken() -> None:
    assert isinstance(cancel(says(200, fault("BITRIX_ERROR"))).answer, Unreachable)


@pytest.mark.parametrize("run_id", [None, ""])
def test_no_stop_is_sent_without_a_run(run_id: str | None) -> None:
    driven = drive(PROVIDER.cancel(a_bitrix_launch(run_id=run_id), CONNECTION))

    assert driven.calls == ()
    assert isinstance(driven.answer, Refused)


@pytest.mark.parametrize("run_id", ["../entities/deals", "..", "a/b?force=true#x", "\ud800"])
def test_a_strange_run_id_stays_one_part_of_the_path(run_id: str) -> None:
    path = cancel(says(204), run_id=run_id).call.path

    assert path.startswith("/v1/workflows/")
    assert not set(path.removeprefix("/v1/workflows/")) & set("/?#")
    assert path != "/v1/workflows/.."


# --- catalogue and describe --------------------------------------------------------------------------------------------------

NATIVE = {
    "ID": "713",
    "MODULE_ID": "crm",
    "ENTITY": "CCrmDocumentDeal",
    "DOCUMENT_TYPE": ["crm", "CCrmDocumentDeal", "DEAL"],
    "NAME": "Contract approval",
    "PARAMETERS": [],
}
VIBE = {"id": 713, "moduleId": "crm", "documentType": "DEAL", "name": "Contract approval", "parameters": {}}


@pytest.mark.parametrize("row", [NATIVE, VIBE])
def test_both_spellings_of_a_template_are_read(row: dict[str, Any]) -> None:
    driven = drive(PROVIDER.catalogue(CONNECTION), templates(row))

    expected = Workflow(workflow_id="713", name="Contract approval", inputs=(), extras={"entity_type": "deal"})
    assert driven.call == Call(method="GET", path="/v1/bizproc-templates", query={"limit": "500", "offset": "0"})
    assert driven.answer == Listed(workflows=(expected,))


def test_templates_are_read_page_by_page() -> None:
    driven = drive(PROVIDER.catalogue(CONNECTION), templates({"ID": "1"}, total=2), templates({"ID": "2"}, total=2))

    assert [workflow.workflow_id for workflow in driven.answer.workflows] == ["1", "2"]
    assert [call.query["offset"] for call in driven.calls] == ["0", "1"]


def test_the_other_documented_path_is_tried_when_the_first_is_not_found() -> None:
    driven = drive(PROVIDER.catalogue(CONNECTION), says(404), templates(VIBE))

    assert [call.path for call in driven.calls] == ["/v1/bizproc-templates", "/v1/entities/bizproc-templates"]
    assert len(driven.answer.workflows) == 1


def test_the_path_may_be_configured() -> None:
    connection = replace(CONNECTION, options=Options(templates_path="/v1/templates"))

    driven = drive(PROVIDER.catalogue(connection), templates())

    assert driven.call.path == "/v1/templates"


def test_a_connection_without_options_has_the_defaults() -> None:
    driven = drive(PROVIDER.catalogue(replace(CONNECTION, options=None)), templates())

    assert driven.call.path == "/v1/bizproc-templates"


@pytest.mark.parametrize("verb", ["catalogue", "describe"])
def test_a_personal_key_sees_no_templates_and_that_is_no_trouble(verb: str) -> None:
    exchange = PROVIDER.catalogue(CONNECTION) if verb == "catalogue" else PROVIDER.describe(a_template(), CONNECTION)

    answer = drive(exchange, says(403, fault("OAUTH_REQUIRED"))).answer

    assert isinstance(answer, Unsupported)
    assert "personal key" in answer.meaning


@pytest.mark.parametrize(("code", "kind"), [("SCOPE_DENIED", Unauthorised), ("BITRIX_ERROR", Refused)])
def test_other_trouble_with_templates_is_told(code: str, kind: type[Any]) -> None:
    assert isinstance(describe(says(403, fault(code))), kind)


@pytest.mark.parametrize("row", [3, None, {}, {"ID": None}, {"ID": True}, {"NAME": "x"}])
def test_a_template_without_an_id_is_left_out(row: Any) -> None:
    answer = drive(PROVIDER.catalogue(CONNECTION), templates(row, VIBE)).answer

    assert [workflow.workflow_id for workflow in answer.workflows] == ["713"]


def test_an_unknown_template_is_named() -> None:
    answer = describe(templates({"ID": "9"}))

    assert answer == Refused(code="NO_TEMPLATE", meaning="Bitrix24 shows no template 713.")


@pytest.mark.parametrize(
    ("row", "obstacle"),
    [
        ({"MODULE_ID": "lists"}, "module lists"),
        ({"MODULE_ID": "disk", "DOCUMENT_TYPE": "DEAL"}, "module disk"),
        ({"DOCUMENT_TYPE": "DYNAMIC_177"}, "DYNAMIC_177"),
        ({"DOCUMENT_TYPE": ["crm", "Quote", "QUOTE"]}, "QUOTE"),
        ({"PARAMETERS": {"Scan": {"Type": "file", "Required": "Y"}}}, "needs Scan"),
        ({"PARAMETERS": {"entityId": {"Type": "int", "Required": "1"}}}, "needs entityId"),
    ],
)
def test_a_template_that_cannot_be_started_says_why(row: dict[str, Any], obstacle: str) -> None:
    described = describe(templates({"ID": "713", **row}))

    assert obstacle in described.workflow.obstacle


@pytest.mark.parametrize("kind", ["deal", "lead", "contact", "company"])
def test_the_kind_of_record_is_learnt_from_the_document_type(kind: str) -> None:
    described = describe(templates({"ID": "713", "DOCUMENT_TYPE": kind.upper()}))

    assert described.workflow.extras == {"entity_type": kind}
    assert described.workflow.obstacle is None


@pytest.mark.parametrize(
    "untold", [{}, {"DOCUMENT_TYPE": None}, {"DOCUMENT_TYPE": []}, {"DOCUMENT_TYPE": [{}]}, {"MODULE_ID": 3.5}]
)
def test_an_untold_document_type_is_no_obstacle(untold: dict[str, Any]) -> None:
    workflow = describe(templates({"ID": "713", **untold})).workflow

    assert (workflow.obstacle, dict(workflow.extras)) == (None, {})


@pytest.mark.parametrize(("told", "inputs"), [({}, ()), ([], ()), (None, None), ("x", None), (3, None)])
def test_inputs_are_known_only_where_they_are_told(told: Any, inputs: Any) -> None:
    described = describe(templates({"ID": "713", "PARAMETERS": told}))

    assert described.workflow.inputs == inputs


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("string", InputType.TEXT),
        ("phone", InputType.TEXT),
        ("email", InputType.EMAIL),
        ("web", InputType.URL),
        ("text", InputType.LONG_TEXT),
        ("int", InputType.INTEGER),
        ("double", InputType.DECIMAL),
        ("bool", InputType.BOOLEAN),
        ("date", InputType.DATE),
        ("datetime", InputType.DATETIME),
        ("DateTime", InputType.DATETIME),
        ("user", InputType.TEXT),
        ("E:ECrm", InputType.TEXT),
        ("", InputType.TEXT),
        (7, InputType.TEXT),
        (None, InputType.TEXT),
    ],
)
def test_native_types_become_ours(native: Any, expected: InputType) -> None:
    assert parameter(Type=native).type is expected


@pytest.mark.parametrize("yes", ["Y", "y", 1, "1", True, "true"])
def test_every_spelling_of_yes_is_required(yes: Any) -> None:
    assert parameter(Type="string", Required=yes).required


@pytest.mark.parametrize("no", ["N", "n", 0, "0", False, "", None, [], "no", 2])
def test_everything_else_is_not_required(no: Any) -> None:
    assert not parameter(Type="string", Required=no).required


def test_options_are_keys_and_labels_are_told() -> None:
    spec = parameter(Type="select", Options={"std": "Standard", "rush": "Rush"}, Default="rush", Required="Y")

    assert (spec.type, spec.options, spec.default) == (InputType.CHOICE, ("std", "rush"), "rush")
    assert spec.hint == "std: Standard, rush: Rush"


def test_options_written_as_a_list_are_chosen_by_their_place() -> None:
    spec = parameter(Type="select", Options=["Standard", "Rush"])

    assert spec.options == ("0", "1")
    assert spec.hint == "0: Standard, 1: Rush"


@pytest.mark.parametrize("options", [None, [], {}, "std", 3])
def test_a_select_without_options_is_text(options: Any) -> None:
    spec = parameter(Type="select", Options=options)

    assert (spec.type, spec.options) == (InputType.TEXT, ())


def test_several_options_may_be_chosen() -> None:
    spec = parameter(Type="select", Options={"a": "a", "b": "b"}, Multiple="Y")

    assert (spec.type, spec.many) == (InputType.MULTI_CHOICE, False)


def test_several_values_may_be_given() -> None:
    spec = parameter(Type="int", Multiple=1, Default="5")

    assert (spec.type, spec.many, spec.default) == (InputType.INTEGER, True, None)


@pytest.mark.parametrize(
    ("native", "written", "expected"),
    [
        ("bool", "Y", True),
        ("bool", "N", False),
        ("bool", True, True),
        ("bool", "", None),
        ("int", "5", 5),
        ("int", 5, 5),
        ("int", "five", None),
        ("double", "1.50", Decimal("1.50")),
        ("double", 2.5, Decimal("2.5")),
        ("double", "1,5", None),
        ("double", "NaN", None),
        ("string", "x", "x"),
        ("string", "", None),
        ("string", None, None),
        ("string", ["x"], None),
        ("string", {"a": 1}, None),
    ],
)
def test_a_default_fits_its_type_or_is_none(native: str, written: Any, expected: Any) -> None:
    assert parameter(Type=native, Default=written).default == expected


def test_a_default_that_is_no_option_is_none() -> None:
    assert parameter(Type="select", Options={"a": "A"}, Default="b").default is None


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Amount", "Amount"),
        ({"de": "Betrag", "en": "Amount"}, "Amount"),
        ({"de": "Betrag"}, "Betrag"),
        ({}, None),
        (None, None),
        ([], None),
        ({"en": 5.5}, None),
    ],
)
def test_a_label_may_come_in_languages(name: Any, label: str | None) -> None:
    assert parameter(Type="string", Name=name).label == label


def test_a_users_id_and_an_unknown_type_are_explained() -> None:
    assert "user_14" in (parameter(Type="user").hint or "")
    assert "E:ECrm".lower() in (parameter(Type="E:ECrm").hint or "")
    assert parameter(Type="string", Description="Who pays").hint == "Who pays"


def test_what_cannot_be_given_and_need_not_be_is_left_out() -> None:
    described = describe(templates({"ID": "713", "PARAMETERS": {"Scan": {"Type": "file"}, "entityType": {}, "A": {}}}))

    assert [spec.name for spec in described.workflow.inputs] == ["A"]
    assert described.workflow.obstacle is None


# --- probe, scopes, link -----------------------------------------------------------------------------------------------------


def probe(*replies: Reply) -> Any:
    return drive(PROVIDER.probe(CONNECTION), *replies)


def me(**data: Any) -> Reply:
    return says(200, {"success": True, "data": data})


def held(answer: Any) -> tuple[bool | None, bool | None]:
    assert isinstance(answer, Held)
    return answer.of("bizproc"), answer.of("crm")


def test_real_reads_show_what_is_held() -> None:
    driven = probe(page(total=0), me(scopes=["bizproc", "crm"], currentUser={"bitrixUserId": 14}), page(total=0))

    assert [(call.method, call.path) for call in driven.calls] == [
        ("GET", "/v1/workflows"),
        ("GET", "/v1/me"),
        ("GET", "/v1/deals"),
    ]
    assert held(driven.answer) == (True, True)
    assert driven.answer.identity == "Bitrix24 user 14"


@pytest.mark.parametrize("code", ["SCOPE_DENIED", "BITRIX_ACCESS_DENIED"])
def test_a_listed_scope_that_does_not_work_is_missing(code: str) -> None:
    answer = probe(says(403, fault(code)), me(scopes=["bizproc", "crm"]), says(403, fault(code))).answer

    assert held(answer) == (False, False)
    assert all(f"({code}), although /v1/me lists" in seen.evidence for seen in answer.scopes)


def test_a_scope_that_works_is_held_whatever_the_list_says() -> None:
    assert held(probe(page(total=0), me(scopes=[]), page(total=0)).answer) == (True, True)


def test_each_scope_is_decided_by_its_own_read() -> None:
    denied = says(403, fault("SCOPE_DENIED"))

    assert held(probe(denied, me(), page(total=0)).answer) == (False, True)
    assert held(probe(page(total=0), me(), denied).answer) == (True, False)


@pytest.mark.parametrize(
    "second", [says(500), says(401, fault("INVALID_API_KEY")), Reply(status=200, body="<html>"), me(), me(scopes="crm")]
)
def test_the_hint_may_fail(second: Reply) -> None:
    assert held(probe(page(total=0), second, page(total=0)).answer) == (True, True)


@pytest.mark.parametrize("third", [says(404), says(403, fault("WRITE_BLOCKED_READONLY_KEY"))])
def test_a_read_that_fails_for_another_reason_decides_nothing(third: Reply) -> None:
    assert held(probe(page(total=0), me(scopes=["crm"]), third).answer) == (True, None)


@pytest.mark.parametrize("third", [says(429, fault("RATE_LIMITED")), says(502, fault("BITRIX_UNAVAILABLE"))])
def test_a_probe_that_is_half_answered_says_so(third: Reply) -> None:
    assert isinstance(probe(page(total=0), me(), third).answer, Busy | Unreachable)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (says(401, fault("INVALID_API_KEY")), Unauthorised),
        (says(403, fault("MANAGEMENT_KEY_NO_ENTITY_ACCESS")), Unauthorised),
        (says(429, fault("RATE_LIMITED")), Busy),
        (says(502, fault("BITRIX_UNAVAILABLE")), Unreachable),
        (says(200, "no list"), Unreachable),
    ],
)
def test_a_probe_that_brought_nothing_says_so(reply: Reply, kind: type[Any]) -> None:
    assert isinstance(probe(reply).answer, kind)


@pytest.mark.parametrize("verb", ["launch", "cancel", "list", "describe"])
def test_every_verb_needs_bizproc(verb: str) -> None:
    assert PROVIDER.needed_scopes(verb, a_template()) == ("bizproc",)


@pytest.mark.parametrize("kind", ["deal", "lead", "contact", "company"])
def test_a_link_leads_to_the_record(kind: str) -> None:
    launch = a_running_launch(inputs={"entityType": kind, "entityId": 5141})

    assert PROVIDER.link(launch, CONNECTION) == f"https://acme.bitrix24.com/crm/{kind}/details/5141/"


@pytest.mark.parametrize("portal", ["https://acme.bitrix24.com/", "acme.bitrix24.com"])
def test_a_portal_may_be_written_as_an_address(portal: str) -> None:
    connection = replace(CONNECTION, options=Options(portal=portal))

    assert PROVIDER.link(a_running_launch(), connection) == "https://acme.bitrix24.com/crm/deal/details/5141/"


@pytest.mark.parametrize("portal", [None, "", "acme bitrix", "acme.com/x", "a|b>"])
def test_there_is_no_link_without_a_portal(portal: str | None) -> None:
    assert PROVIDER.link(a_running_launch(), replace(CONNECTION, options=Options(portal=portal))) is None


def test_there_is_no_link_without_a_record() -> None:
    assert PROVIDER.link(a_running_launch(inputs={}), CONNECTION) is None


# --- find and confirm ---------------------------------------------------------------------------------------------------------

STARTED = "2026-11-21T12:00:02+00:00"
OURS = {"ID": RUN, "DOCUMENT_ID": "DEAL_5141", "STARTED": STARTED, "STARTED_BY": "1", "TEMPLATE_ID": "713"}
PERSONAL = says(200, {"success": True, "data": {"scopes": ["bizproc"]}})


def told_user(user_id: Any = 1) -> Reply:
    return says(200, {"success": True, "data": {"currentUser": {"bitrixUserId": user_id}}})


def running(*rows: Any, total: int | None = None) -> Reply:
    return templates(*rows, total=total)


def find(*replies: Reply, **changes: Any) -> Driven:
    return drive(PROVIDER.find(a_bitrix_launch(**({"sent_at": NOON} | changes)), CONNECTION), *replies)


def test_a_lost_run_is_looked_for_among_those_on_the_same_record() -> None:
    driven = find(running(OURS), told_user())

    assert driven.calls == (
        Call(method="GET", path="/v1/workflows", query={"templateId": "713", "offset": "0"}),
        Call(method="GET", path="/v1/me"),
    )
    assert driven.answer == Matches(candidates=(Candidate(run_id=RUN, provider_status="running", started_at=STARTED),))


OTHERS: list[dict[str, Any]] = [
    {"DOCUMENT_ID": "DEAL_51410"},
    {"DOCUMENT_ID": "LEAD_5141"},
    {"DOCUMENT_ID": ["crm", "CCrmDocumentDeal", "DEAL_7"]},
    {"TEMPLATE_ID": "714"},
    {"STARTED": "2026-11-21T11:58:59+00:00"},
    {"STARTED": "2026-11-21T12:15:01+00:00"},
    {"STARTED": "2026-11-21T12:00:02+03:00"},
]


@pytest.mark.parametrize("user", [told_user(), PERSONAL])
@pytest.mark.parametrize("changes", [*OTHERS, {"STARTED_BY": "0"}])
def test_another_run_is_not_adopted(user: Reply, changes: dict[str, Any]) -> None:
    other = OURS | {"ID": "other.1"} | changes

    found = find(running(other, OURS), user).answer

    assert [candidate.run_id for candidate in found.candidates] == [RUN]


@pytest.mark.parametrize("changes", OTHERS)
def test_nothing_found_is_no_proof_and_asks_for_no_user(changes: dict[str, Any]) -> None:
    assert find(running(OURS | changes)).answer == Matches(candidates=())
    assert find(running()).answer == Matches(candidates=())


def test_a_run_of_another_user_is_not_adopted_where_the_user_is_told() -> None:
    assert find(running(OURS | {"STARTED_BY": "14"}), told_user()).answer == Matches(candidates=())


@pytest.mark.parametrize("user", [PERSONAL, says(403, fault("SCOPE_DENIED")), says(404), says(200, []), says(200, {"data": 3})])
def test_a_user_who_is_not_told_is_no_objection_but_told(user: Reply) -> None:
    answer = find(running(OURS | {"STARTED_BY": "14"}), user).answer

    assert [candidate.run_id for candidate in answer.candidates] == [RUN]
    assert answer.doubt is None
    assert "does not tell which user" in answer.unverified


def test_nothing_is_left_open_of_a_run_of_the_user_who_is_told() -> None:
    assert find(running(OURS), told_user()).answer.unverified is None


@pytest.mark.parametrize(("user", "kind"), [(says(429), Busy), (says(500), Unreachable), (says(504), Unreachable)])
def test_a_user_who_could_not_be_asked_for_just_now_is_asked_for_later(user: Reply, kind: type[Any]) -> None:
    answer = find(running(OURS), user).answer

    assert type(answer) is kind
    assert not getattr(answer, "is_possibly_applied", False)


def test_two_runs_on_the_record_are_both_told() -> None:
    found = find(running(OURS, OURS | {"ID": "second.1"}), told_user()).answer

    assert [candidate.run_id for candidate in found.candidates] == [RUN, "second.1"]


@pytest.mark.parametrize(
    "changes", [{"STARTED": None}, {"STARTED": "21.11.2026"}, {"DOCUMENT_ID": None}, {"DOCUMENT_ID": {}}, {"STARTED_BY": None}]
)
def test_a_run_about_which_too_little_is_told_is_never_adopted_alone(changes: dict[str, Any]) -> None:
    unclear = OURS | {"ID": "unclear.1"} | changes
    alone, beside = find(running(unclear), told_user()).answer, find(running(unclear, OURS), told_user()).answer

    assert (alone.candidates, "unclear.1" in alone.doubt) == ((), True)
    assert [candidate.run_id for candidate in beside.candidates] == [RUN, "unclear.1"]


@pytest.mark.parametrize(
    "row",
    [
        {name.lower(): value for name, value in OURS.items()},
        {"id": RUN, "documentId": "DEAL_5141", "started": STARTED, "startedBy": 1, "templateId": 713},
        OURS | {"DOCUMENT_ID": ["crm", "CCrmDocumentDeal", "DEAL_5141"]},
        {name: value for name, value in OURS.items() if name != "TEMPLATE_ID"},
    ],
)
def test_a_run_of_ours_is_found_however_it_is_written(row: dict[str, Any]) -> None:
    assert [candidate.run_id for candidate in find(running(row), told_user()).answer.candidates] == [RUN]


@pytest.mark.parametrize("kind", ["deal", "lead", "contact", "company"])
def test_each_kind_of_record_has_its_documents(kind: str) -> None:
    row = OURS | {"DOCUMENT_ID": f"{kind.upper()}_9"}

    assert find(running(row), told_user(), inputs={"entityType": kind, "entityId": "9"}).answer.candidates
    assert find(running(row), told_user(), inputs={"entityId": 9}, extras={"entity_type": kind}).answer.candidates


def test_a_list_of_several_pages_is_read_twice() -> None:
    """A row slips from the second page to the first while the first is already read."""
    pages = [[OURS | {"ID": "a"}], [OURS | {"ID": "c"}], [OURS | {"ID": "a"}], [OURS | {"ID": "b"}]]

    driven = find(*(running(*page, total=2) for page in pages), told_user())

    assert [candidate.run_id for candidate in driven.answer.candidates] == ["a", "c", "b"]


@pytest.mark.parametrize("rows", [[OURS, {"TEMPLATE_ID": "713"}], [OURS, 3], [OURS, {"ID": None}]])
def test_a_row_that_cannot_be_read_leaves_the_look_up_open(rows: list[Any]) -> None:
    answer = find(running(*rows)).answer

    assert isinstance(answer, Unreachable)
    assert not answer.is_possibly_applied


def test_a_list_that_repeats_itself_leaves_the_look_up_open() -> None:
    assert isinstance(find(running(OURS, total=9), running(OURS, total=9)).answer, Unreachable)


@pytest.mark.parametrize("changes", [{"sent_at": None}, {"inputs": {}}, {"inputs": {"entityType": "deal", "entityId": 0}}])
def test_without_record_or_time_nothing_can_be_told_apart(changes: dict[str, Any]) -> None:
    driven = find(**changes)

    assert driven.calls == ()
    assert driven.answer == Matches(candidates=())


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (says(401, fault("INVALID_API_KEY")), Unauthorised),
        (says(403, fault("SCOPE_DENIED")), Unauthorised),
        (says(429, fault("RATE_LIMITED")), Busy),
        (says(502, fault("BITRIX_UNAVAILABLE")), Unreachable),
        (says(200, {}), Unreachable),
    ],
)
def test_a_look_up_that_brought_nothing_says_so(reply: Reply, kind: type[Any]) -> None:
    answers = [find(reply).answer, find(running(OURS, total=2), reply).answer]

    assert [type(answer) for answer in answers] == [kind, kind]
    assert not any(getattr(answer, "is_possibly_applied", False) for answer in answers)


def test_what_is_found_by_its_circumstances_is_no_proof() -> None:
    assert PROVIDER.can_find(CONNECTION)
    assert not PROVIDER.is_find_proof


def confirm(*replies: Reply, run_id: str = RUN, **changes: Any) -> Driven:
    return drive(PROVIDER.confirm(a_bitrix_launch(**changes), run_id, CONNECTION), *replies)


def test_a_named_run_that_runs_on_the_record_is_confirmed() -> None:
    assert confirm(running(OURS), run_id=f" {RUN}\n").answer == Confirmed(run_id=RUN, provider_status="running")


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        ([running(OURS | {"DOCUMENT_ID": "DEAL_7"})], "another record"),
        ([running(), running(OURS | {"TEMPLATE_ID": "714"})], "another template"),
        ([running(OURS | {"TEMPLATE_ID": "714"})], "another template"),
    ],
)
def test_a_named_run_of_something_else_is_denied(replies: list[Reply], words: str) -> None:
    answer = confirm(*replies).answer

    assert isinstance(answer, Denied)
    assert words in answer.meaning


def test_a_named_run_that_is_over_cannot_be_asked_about() -> None:
    driven = confirm(running(), running(OURS | {"ID": "other.1"}))

    assert [call.query for call in driven.calls] == [{"templateId": "713", "offset": "0"}, {"offset": "0"}]
    assert isinstance(driven.answer, Unverifiable)


@pytest.mark.parametrize("row", [{"ID": RUN}, OURS | {"DOCUMENT_ID": None, "TEMPLATE_ID": []}])
def test_a_named_run_that_tells_little_is_believed(row: dict[str, Any]) -> None:
    assert confirm(running(row)).answer == Confirmed(run_id=RUN, provider_status="running")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(says(401), Unauthorised), (says(429), Busy), (says(500), Unreachable), (says(200, []), Unreachable), (says(400), Refused)],
)
def test_a_named_run_that_could_not_be_asked_about_is_neither_confirmed_nor_denied(reply: Reply, kind: type[Any]) -> None:
    assert [type(confirm(reply).answer), type(confirm(running(), reply).answer)] == [kind, kind]


# --- whatever comes back -----------------------------------------------------------------------------------------------------

SHOWN = bodies(PROVIDER.examples)
ANSWERS: dict[str, Any] = {
    "start": StartAnswer,
    "track": TrackAnswer,
    "cancel": CancelAnswer,
    "catalogue": CatalogueAnswer,
    "describe": DescribeAnswer,
    "probe": ProbeAnswer,
}


@given(replies=st.lists(odd_replies(SHOWN), min_size=1, max_size=4))
@pytest.mark.parametrize("verb", ANSWERS)
def test_no_reply_can_break_a_verb(verb: str, replies: list[Reply]) -> None:
    example = PROVIDER.examples[0]
    launched = replace(example, launch=replace(example.launch, run_id=RUN)) if example.launch else example

    calls, answer = answered(exchanges(PROVIDER, launched)[verb], replies)

    assert isinstance(answer, ANSWERS[verb])
    assert sum(call.changes for call in calls) == (1 if verb in {"start", "cancel"} else 0)


@given(reply=odd_replies(SHOWN))
def test_a_start_is_refused_by_a_4xx_only_and_accepted_by_a_2xx_only(reply: Reply) -> None:
    answer = start(reply).answer

    if isinstance(answer, Accepted):
        assert 200 <= reply.status < 300
    elif not isinstance(answer, Unreachable):
        assert 400 <= reply.status < 500
    else:
        assert answer.is_possibly_applied


@given(ids=st.lists(st.integers(1, 30).map(str), unique=True), size=st.integers(1, 5), has_total=st.booleans())
def test_a_run_is_seen_wherever_it_stands_in_a_list_that_stands_still(ids: list[str], size: int, has_total: bool) -> None:
    pages = [page(*ids[at : at + size], total=len(ids) if has_total else None) for at in range(0, len(ids), size)]
    by_offset: dict[str, Reply] = defaultdict(lambda: page(total=len(ids) if has_total else None))
    by_offset |= {str(number * size): shown for number, shown in enumerate(pages)}

    for run_id in [*ids, "31"]:
        expected = Observed(provider_status="running") if run_id in ids else Completed(outcome=Outcome.ENDED)
        assert followed(PROVIDER.track(a_running_launch(run_id=run_id), CONNECTION), by_offset) == expected


def followed(exchange: Generator[Call, Reply, Any], by_offset: Mapping[str, Reply]) -> Any:
    """The answer of an exchange that is shown the page it asks for."""
    try:
        call = next(exchange)
        while True:
            call = exchange.send(by_offset[call.query["offset"]])
    except StopIteration as ended:
        return ended.value


def test_described_and_listed_templates_are_the_same() -> None:
    listed = drive(PROVIDER.catalogue(CONNECTION), templates(NATIVE)).answer.workflows[0]

    assert describe(templates(NATIVE)) == Described(workflow=listed)
