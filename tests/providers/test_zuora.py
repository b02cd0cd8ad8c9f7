"""Zuora Workflow: what the contract suite cannot know. Sources stand in the provider's file."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Connection, InputSpec, InputType, Problem, Workflow
from bot.domain.provider import (
    Accepted,
    Busy,
    Call,
    Completed,
    Confirmed,
    Denied,
    Described,
    Held,
    Listed,
    LoggedIn,
    Observed,
    Outcome,
    Refused,
    Reply,
    Secret,
    Session,
    Signature,
    Stopping,
    Unauthorised,
    Unreachable,
    Unsupported,
    Unverifiable,
)
from bot.providers.zuora import PROVIDER, Credential, Options
from tests.builders import a_connection, a_launch, a_workflow
from tests.exchanges import Driven, drive

TRACKED = a_launch(run_id="19063")
STARTED = {"id": 400, "type": "Workflow::Instance", "status": "Queued"}
RESERVED = ["controller", "action", "id", "user_email", "user_token", "format"]


def says(status: int, body: Any = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body="" if body is None else json.dumps(body))


def reasons(*codes: Any) -> dict[str, Any]:
    return {"success": False, "processId": "CB", "reasons": [{"code": code, "message": f"because {code}"} for code in codes]}


def placed(**options: Any) -> Connection:
    return a_connection(options=Options(**options))


def started(reply: Reply, **changes: Any) -> Any:
    return drive(PROVIDER.start(a_launch(**changes), a_connection()), reply).answer


def tracked(reply: Reply) -> Any:
    return drive(PROVIDER.track(TRACKED, a_connection()), reply).answer


def run(status: Any, **tasks: Any) -> Reply:
    counted = {"total": 4, "queued": 0, "processing": 0, "pending": 0, "stopped": 0, "success": 0, "error": 0}
    return says(200, {"id": 19063, "status": status, "tasks": counted | tasks})


def exported(*fields: Any, **workflow: Any) -> Reply:
    known = {"id": 49, "name": "Write off", "version": "0.0.7", "callout_trigger": True, "parameters": {"fields": list(fields)}}
    return says(200, {"workflow": known | workflow, "tasks": [{"parameters": {"password": "never read"}}]})


def a_field(name: str = "amount", **changes: Any) -> dict[str, Any]:
    plain = {"object_name": "Workflow", "field_name": name, "callout_id": name, "datatype": "Text", "required": False}
    return plain | {"default": ""} | changes


def described(*fields: Any, workflow: Workflow | None = None, **exports: Any) -> Workflow:
    asked = PROVIDER.describe(workflow or Workflow(workflow_id="396"), a_connection())
    answer = drive(asked, exported(*fields, **exports)).answer
    assert isinstance(answer, Described)
    return answer.workflow


def listed(*rows: Any, **pagination: Any) -> Reply:
    return says(200, {"data": list(rows), "pagination": {"page": 1, "next_page": None} | pagination})


def a_row(**changes: Any) -> dict[str, Any]:
    row = {"id": 48, "name": "Dunning run", "status": "Active", "calloutTrigger": True, "active_version": {"version": "0.0.1"}}
    return row | changes


# --- start -------------------------------------------------------------------------------------------------------------


def test_the_launch_id_is_both_key_and_trace() -> None:
    call = next(PROVIDER.start(a_launch(launch_id="L-9ZX4"), a_connection()))

    assert call.headers == {"Idempotency-Key": "L-9ZX4", "Zuora-Track-Id": "L-9ZX4"}


def test_every_resend_is_the_same_call() -> None:
    first, second = (next(PROVIDER.start(a_launch(attempts=attempt), a_connection())) for attempt in (1, 2))

    assert first == second


@given(st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text()))
def test_inputs_leave_as_they_are(inputs: dict[str, Any]) -> None:
    call = next(PROVIDER.start(a_launch(inputs=inputs), a_connection()))

    assert call.json == inputs


def test_no_inputs_are_an_empty_object_and_not_no_body() -> None:
    assert next(PROVIDER.start(a_launch(inputs={}), a_connection())).json == {}


@pytest.mark.parametrize("workflow_id", ["", "..", "396/run", "396?x=1", "three", "-3", "٣", "3.0", " 396", "1" * 31])
def test_an_id_that_is_no_number_is_never_sent(workflow_id: str) -> None:
    driven = drive(PROVIDER.start(a_launch(workflow_id=workflow_id), a_connection()))

    assert not driven.calls
    assert isinstance(driven.answer, Refused)


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("run_id", [400, "400"])
def test_a_run_id_is_text_whatever_it_was(status: int, run_id: Any) -> None:
    assert started(says(status, STARTED | {"id": run_id})) == Accepted(run_id="400", provider_status="Queued")


@pytest.mark.parametrize("run_id", [None, True, "", "four", {}, [400], 4.5, -1])
def test_a_success_without_a_run_id_is_in_doubt(run_id: Any) -> None:
    assert started(says(200, STARTED | {"id": run_id})) == Unreachable(is_possibly_applied=True, detail="unreadable answer")


def test_the_missing_input_is_named() -> None:
    title = "Required field for Workflow-Message1 does not have a set value. Ensure parameter 'Due date' is present."

    answer = started(says(406, {"errors": [{"status": 406, "code": "invalid", "title": title}]}))

    assert answer == Refused(code="HTTP 406", meaning="Zuora misses the required input Due date.", detail=title)


@pytest.mark.parametrize(
    ("title", "meaning"),
    [
        (
            "Callout mode is not turned on in this workflow.",
            "Zuora cannot start this workflow: its callout trigger is switched off.",
        ),
        ("Workflow 302 is not active.", "Zuora cannot start this workflow as it is."),
        (None, "Zuora cannot start this workflow: its callout trigger is switched off."),
    ],
)
def test_only_a_refusal_that_speaks_of_the_trigger_blames_it(title: str | None, meaning: str) -> None:
    answer = started(says(400, {"errors": [{"status": 400, "code": "invalid", "title": title}]}))

    assert answer == Refused(code="HTTP 400", meaning=meaning, detail=title)


def test_what_zuora_echoes_of_the_inputs_is_not_told() -> None:
    answer = started(says(406, {"errors": [{"title": "Required field"}], "parameters": {"iban": "DE00 secret"}}))

    assert "DE00" not in repr(answer)
    assert answer.meaning == "Zuora misses a required input."


@pytest.mark.parametrize("body", [STARTED, STARTED | {"id": "400"}, STARTED | {"status": None}])
def test_a_conflict_that_brings_the_first_answer_back_is_a_success(body: dict[str, Any]) -> None:
    answer = started(says(409, body))

    assert isinstance(answer, Accepted)
    assert answer.run_id == "400"


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"id": 400},
        {"id": 400, "type": "Workflow::Setup"},
        {"type": "Workflow::Instance"},
        {"errors": [{"title": "A request with this key is in progress"}]},
        {"message": "conflict"},
        reasons(53100350),
    ],
)
def test_any_other_conflict_means_that_the_first_call_is_still_at_work(body: Any) -> None:
    answer = started(says(409, body))

    assert isinstance(answer, Unreachable)
    assert answer.is_possibly_applied


def test_a_conflict_over_a_runs_id_is_final() -> None:
    title = "Workflow WF-396-00000002 with Id 399 is an instance/run."

    answer = started(says(409, {"errors": [{"status": 406, "code": "invalid", "title": title}]}))

    assert answer == Refused(code="HTTP 409", meaning="This id belongs to a run, not to a workflow.", detail=title)


@pytest.mark.parametrize("status", [200, 400, 403])
def test_a_reason_of_the_permission_category_names_the_scope(status: int) -> None:
    answer = started(says(status, reasons(53100310)))

    assert isinstance(answer, Unauthorised)
    assert (answer.code, answer.scope) == ("53100310", "Workflow Run Access")


@pytest.mark.parametrize("status", [200, 400, 401])
def test_a_reason_of_the_authentication_category_is_the_credential(status: int) -> None:
    answer = started(says(status, reasons(90000011)))

    assert isinstance(answer, Unauthorised)
    assert answer.scope is None


@pytest.mark.parametrize("code", [53100350, 53100361, 53100370])
def test_locks_temporary_errors_and_limits_pass(code: int) -> None:
    assert isinstance(started(says(200, reasons(code))), Busy)


@pytest.mark.parametrize("code", [53100320, 53100321, 53100322, 53100330, 53100340, 53100345, 53100390])
def test_other_reasons_are_final(code: int) -> None:
    answer = started(says(200, reasons(code)))

    assert answer == Refused(code=str(code), meaning="Zuora refused it.", detail=f"because {code}")


@pytest.mark.parametrize("code", [53100360, 53100399])
def test_an_internal_error_under_a_good_status_proves_nothing(code: int) -> None:
    assert started(says(200, reasons(code))) == Unreachable(is_possibly_applied=True, detail="unreadable answer")


def test_a_failure_without_reasons_proves_nothing() -> None:
    assert isinstance(started(says(200, {"success": False})), Unreachable)


def test_all_reasons_count() -> None:
    answer = started(says(400, reasons(53100320, 53100310)))

    assert isinstance(answer, Unauthorised)
    assert answer.code == "53100320"


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry_after": "3"}, 3.0),
        ({"ratelimit_reset": "12"}, 12.0),
        ({"rate_limit_reset": "13.5"}, 13.5),
        ({"retry_after": "3", "ratelimit_reset": "12"}, 3.0),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT", "ratelimit_reset": "12"}, 12.0),
        ({"retry_after": "-1"}, None),
        ({"ratelimit_reset": "soon"}, None),
    ],
)
def test_the_wait_is_read_from_either_guides_header(headers: dict[str, str], wait_s: float | None) -> None:
    answer = started(says(429, **headers))

    assert isinstance(answer, Busy)
    assert answer.retry_after_s == wait_s


def test_the_responsive_modes_error_shape_is_read() -> None:
    answer = started(says(400, {"error_class": "ParameterMissing", "message": "no body"}))

    assert (answer.code, answer.detail) == ("ParameterMissing", "no body")


def test_a_page_of_html_is_never_shown() -> None:
    answer = started(Reply(status=404, body="<html>nginx</html>"))

    assert answer == Refused(code="HTTP 404", meaning="Zuora knows no workflow with this id.")


def test_a_long_error_text_is_cut() -> None:
    answer = started(says(400, {"errors": [{"title": "x" * 9_000}]}))

    assert len(answer.detail) == 500


def test_a_request_time_out_proves_nothing() -> None:
    assert started(says(408)) == Unreachable(is_possibly_applied=True, detail="HTTP 408")


# --- where: entities and orgs ------------------------------------------------------------------------------------------


def test_entities_and_orgs_are_sent_only_where_they_are_set() -> None:
    call = next(PROVIDER.track(TRACKED, a_connection(options=Options())))

    assert set(call.headers) == {"Zuora-Track-Id"}


def test_entities_and_orgs_go_with_every_call() -> None:
    connection = placed(entity_ids=("e1", "e2"), org_ids=("o1",))
    asked = (
        PROVIDER.start(a_launch(), connection),
        PROVIDER.track(TRACKED, connection),
        PROVIDER.cancel(TRACKED, connection),
        PROVIDER.catalogue(connection),
        PROVIDER.describe(a_workflow(), connection),
        PROVIDER.probe(connection),
    )

    for exchange in asked:
        headers = next(exchange).headers
        assert (headers["Zuora-Entity-Ids"], headers["Zuora-Org-Ids"]) == ("e1,e2", "o1")


def test_a_token_is_asked_for_the_entities_and_knows_no_orgs() -> None:
    call = next(PROVIDER.login(placed(entity_ids=("e1",), org_ids=("o1",))))

    assert call.headers == {"Zuora-Entity-Ids": "e1"}


@pytest.mark.parametrize("value", ["", "a b", "a,b", "a\r\nX-Other: 1", "é"])
def test_an_id_that_fits_no_header_is_named_at_start(value: str) -> None:
    problems = PROVIDER.credential_problems({}, placed(entity_ids=(value,)))

    assert problems == (f"{value!r} is no entity or org id",)


def test_a_run_address_must_be_one() -> None:
    assert PROVIDER.credential_problems({}, placed(run_url="na.zuora.com/{run_id}")) == ("run_url is no web address",)
    assert PROVIDER.credential_problems({}, placed(run_url="https://na.zuora.com/{run_id}", org_ids=("7-a",))) == ()


# --- login and signature -----------------------------------------------------------------------------------------------

CREDENTIAL = {"client_id": Secret("id-of-a-client"), "client_secret": Secret("made-up")}


def test_a_login_sends_the_client_as_a_form_and_nothing_else() -> None:
    call = next(PROVIDER.login(a_connection()))
    signature = PROVIDER.sign(call, CREDENTIAL, Session(token=Secret("old")))

    assert (call.method, call.path, call.json) == ("POST", "/oauth/token", None)
    assert {*(call.form or {}), *signature.form} == {"grant_type", "client_id", "client_secret"}
    assert not signature.headers
    assert not call.changes


def test_other_calls_carry_the_token() -> None:
    signature = PROVIDER.sign(Call(method="GET", path="/workflows"), CREDENTIAL, Session(token=Secret("t0ken")))

    assert {name: secret.reveal() for name, secret in signature.headers.items()} == {"Authorization": "Bearer t0ken"}
    assert not signature.form


def test_without_a_session_nothing_is_signed() -> None:
    assert PROVIDER.sign(Call(method="GET", path="/workflows"), CREDENTIAL, None) == Signature()


@pytest.mark.parametrize(
    ("expires_in", "lives_s"),
    [(3599, 3299.0), ("3599", 3299.0), (300, 0.0), (12, 0.0), (0, 0.0), (-5, None), (None, None), ("soon", None), (True, None)],
)
def test_a_token_is_renewed_five_minutes_early(expires_in: Any, lives_s: float | None) -> None:
    answer = drive(PROVIDER.login(a_connection()), says(200, {"access_token": "t0ken", "expires_in": expires_in})).answer

    assert answer == LoggedIn(session=Session(token=Secret("t0ken"), lives_s=lives_s))


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_login_is_the_operators_turn(status: int) -> None:
    answer = drive(PROVIDER.login(a_connection()), says(status, {"message": "Invalid client id"})).answer

    assert isinstance(answer, Unauthorised)
    assert answer.scope is None


def test_a_login_that_broke_applied_nothing() -> None:
    assert drive(PROVIDER.login(a_connection()), says(502)).answer == Unreachable(is_possibly_applied=False, detail="HTTP 502")


@pytest.mark.parametrize(
    ("reply", "is_over"),
    [
        (says(401), True),
        (says(200, reasons(90000011)), True),
        (says(403, reasons(53100310)), False),
        (says(200, STARTED), False),
        (says(409), False),
    ],
)
def test_a_session_is_over_by_status_or_by_reason(reply: Reply, *, is_over: bool) -> None:
    assert PROVIDER.is_session_over(reply) is is_over


def test_a_credential_has_two_parts() -> None:
    assert {*Credential.__dataclass_fields__} == {"client_id", "client_secret"}


# --- check -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RESERVED)
def test_reserved_names_are_refused_before_anything_is_sent(name: str) -> None:
    problems = PROVIDER.check({"accountId": "1", name: "x"}, a_workflow(), a_connection())

    assert problems == (Problem(code="reserved_input", facts={"name": name, "provider": "Zuora Workflow"}),)


@pytest.mark.parametrize("name", ["Id", "ACTION", "userEmail", "format_", "accountId"])
def test_names_that_only_look_reserved_pass(name: str) -> None:
    assert PROVIDER.check({name: "x"}, a_workflow(), a_connection()) == ()


def test_every_reserved_name_is_named_at_once() -> None:
    problems = PROVIDER.check(dict.fromkeys(RESERVED, "x"), a_workflow(), a_connection())

    assert [problem.facts["name"] for problem in problems] == RESERVED


# --- track -------------------------------------------------------------------------------------------------------------


def test_a_finished_run_is_a_success_only_if_no_task_failed() -> None:
    assert tracked(run("Finished", success=4)).outcome is Outcome.SUCCEEDED
    assert tracked(run("Finished", success=3, error=1)) == Completed(
        outcome=Outcome.FAILED, provider_status="Finished", detail="1 of 4 tasks failed."
    )


@pytest.mark.parametrize("open_tasks", ["pending", "queued", "processing"])
def test_a_finished_run_with_open_tasks_goes_on(open_tasks: str) -> None:
    answer = tracked(run("Finished", success=3, **{open_tasks: 1}))

    assert isinstance(answer, Observed)
    assert answer.provider_status == "Finished"
    assert answer.attention is None


def test_a_failed_task_ends_it_even_while_others_wait() -> None:
    assert tracked(run("Finished", success=2, error=1, pending=1)).outcome is Outcome.FAILED


@pytest.mark.parametrize("tasks", [None, {}, [], {"total": 4}, {"error": None}, {"error": "many"}])
def test_without_task_counts_nobody_knows_how_it_went(tasks: Any) -> None:
    answer = tracked(says(200, {"id": 1, "status": "Finished", "tasks": tasks}))

    assert isinstance(answer, Completed)
    assert answer.outcome is Outcome.ENDED
    assert answer.detail


@pytest.mark.parametrize("status", ["Queued", "Processing", "Pending", "Stopping", "Rescheduled", "finished", "STOPPED"])
def test_every_other_status_goes_on_and_is_shown_raw(status: str) -> None:
    assert tracked(run(status, success=2)) == Observed(provider_status=status, progress="2 of 4 tasks done")


def test_waiting_and_failed_tasks_are_told_on_the_way() -> None:
    answer = tracked(run("Processing", success=1, error=1, pending=2))

    assert answer.progress == "2 of 4 tasks done, 2 waiting inside Zuora, 1 failed"


def test_a_stopped_run_is_cancelled() -> None:
    assert tracked(run("Stopped", success=1, error=1)).outcome is Outcome.CANCELLED


@pytest.mark.parametrize("body", [None, {}, {"errors": [{"status": 404, "title": "Cannot find a workflow run with id 19063."}]}])
def test_a_purged_run_has_ended_and_nobody_says_succeeded(body: Any) -> None:
    answer = tracked(says(404, body))

    assert isinstance(answer, Completed)
    assert answer.outcome is Outcome.ENDED
    assert "no longer knows this run" in (answer.detail or "")


def test_a_proxys_page_does_not_end_a_run() -> None:
    assert isinstance(tracked(Reply(status=404, body="\n<html>no such host</html>")), Refused)


@pytest.mark.parametrize("status", [None, "", 7.5, [], {}])
def test_a_run_without_a_status_is_asked_about_again(status: Any) -> None:
    assert tracked(run(status)) == Unreachable(is_possibly_applied=False, detail="unreadable answer")


def test_no_view_access_is_named_when_tracking_is_refused() -> None:
    assert tracked(says(403)).scope == "Workflow View Access"


@pytest.mark.parametrize("run_id", [None, "", "..", "19063/stop", "WF-396-1"])
def test_only_a_number_is_asked_about(run_id: str | None) -> None:
    for verb in (PROVIDER.track, PROVIDER.cancel):
        driven = drive(verb(a_launch(run_id=run_id), a_connection()))

        assert not driven.calls
        assert isinstance(driven.answer, Refused)


# --- cancel ------------------------------------------------------------------------------------------------------------


def cancelled(reply: Reply) -> Any:
    return drive(PROVIDER.cancel(TRACKED, a_connection()), reply).answer


def test_a_stop_is_put_to_the_run() -> None:
    call = next(PROVIDER.cancel(TRACKED, a_connection()))

    assert (call.method, call.path) == ("PUT", "/workflows/workflow_runs/19063/stop")
    assert "Idempotency-Key" not in call.headers


@pytest.mark.parametrize("body", [None, {}, {"success": False}, {"success": "true"}, []])
def test_a_stop_is_taken_only_if_zuora_says_so(body: Any) -> None:
    answer = cancelled(says(200, body))

    assert isinstance(answer, Unreachable)
    assert answer.is_possibly_applied


def test_a_stop_may_be_refused_for_the_state_of_the_run() -> None:
    answer = cancelled(says(200, reasons(53100330)))

    assert isinstance(answer, Refused)
    assert cancelled(says(200, {"success": True})) == Stopping()


def test_a_stop_needs_view_access_odd_as_that_is() -> None:
    assert cancelled(says(403)).scope == "Workflow View Access"
    assert PROVIDER.needed_scopes("cancel", a_workflow()) == ("Workflow View Access",)


# --- catalogue ---------------------------------------------------------------------------------------------------------


def catalogued(*replies: Reply) -> Any:
    return drive(PROVIDER.catalogue(a_connection()), *replies)


def test_pages_are_counted_on_our_own_address() -> None:
    driven = catalogued(listed(a_row(), next_page="https://elsewhere/workflows?page=9"), listed(a_row(id=50)))

    assert [call.query["page"] for call in driven.calls] == ["1", "2"]
    assert {call.path for call in driven.calls} == {"/workflows"}
    assert [workflow.workflow_id for workflow in driven.answer.workflows] == ["48", "50"]


def test_a_row_that_slips_to_the_next_page_is_listed_once() -> None:
    answer = catalogued(listed(a_row(), next_page="x"), listed(a_row(), a_row(id=50))).answer

    assert [workflow.workflow_id for workflow in answer.workflows] == ["48", "50"]


def test_endless_pages_come_to_an_end() -> None:
    replies = [listed(a_row(id=number), next_page="again") for number in range(1, 201)]

    assert len(catalogued(*replies).answer.workflows) == 200


def test_an_empty_page_is_the_last_one() -> None:
    assert catalogued(listed(next_page="again")).answer == Listed(workflows=())


def test_trouble_on_any_page_is_trouble() -> None:
    driven = catalogued(listed(a_row(), next_page="x"), says(403))

    assert driven.answer.scope == "Workflow View Access"


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        ({}, None),
        ({"calloutTrigger": "true"}, None),
        ({"status": "Inactive"}, "It is not active in Zuora (Inactive)."),
        ({"status": None}, "It is not active in Zuora (no status)."),
        ({"calloutTrigger": False}, "Its callout trigger is switched off in Zuora."),
        ({"calloutTrigger": None}, "Its callout trigger is switched off in Zuora."),
    ],
)
def test_what_cannot_be_launched_says_why(changes: dict[str, Any], obstacle: str | None) -> None:
    answer = catalogued(listed(a_row(**changes))).answer

    assert answer.workflows[0].obstacle == obstacle


@pytest.mark.parametrize("row", [None, 7, [], {}, {"id": None}, {"id": "x/y"}])
def test_a_row_without_an_id_is_left_out(row: Any) -> None:
    assert catalogued(listed(row, a_row())).answer == catalogued(listed(a_row())).answer


def test_a_row_with_an_id_only_still_has_a_place() -> None:
    (workflow,) = catalogued(listed({"id": 7})).answer.workflows

    assert (workflow.workflow_id, workflow.name, workflow.version) == ("7", None, None)


# --- describe ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("datatype", "default", "spec"),
    [
        ("Text", "abc", InputSpec(name="amount", default="abc")),
        ("Integer", "12", InputSpec(name="amount", type=InputType.INTEGER, default=12)),
        ("Decimal", "5.00", InputSpec(name="amount", type=InputType.DECIMAL, default=Decimal("5.00"))),
        ("Decimal", 5, InputSpec(name="amount", type=InputType.DECIMAL, default=Decimal(5))),
        ("Boolean", "true", InputSpec(name="amount", type=InputType.BOOLEAN, default=True)),
        ("Boolean", False, InputSpec(name="amount", type=InputType.BOOLEAN, default=False)),
        ("Date", "2026-11-21", InputSpec(name="amount", type=InputType.DATE, default="2026-11-21")),
        ("DateTime-Local", "", InputSpec(name="amount", type=InputType.DATETIME)),
        ("JSON", '{"a": 1}', InputSpec(name="amount", type=InputType.JSON, default={"a": 1})),
        ("Colour", "red", InputSpec(name="amount", default="red")),
        (None, None, InputSpec(name="amount")),
    ],
)
def test_each_datatype_has_its_input(datatype: Any, default: Any, spec: InputSpec) -> None:
    assert described(a_field(datatype=datatype, default=default)).inputs == (spec,)


@pytest.mark.parametrize(
    ("datatype", "default"),
    [("Integer", "5.5"), ("Integer", "٣"), ("Decimal", "NaN"), ("Decimal", "5,0"), ("Boolean", "perhaps"), ("JSON", "{")],
)
def test_a_default_that_does_not_fit_is_none(datatype: str, default: str) -> None:
    (spec,) = described(a_field(datatype=datatype, default=default)).inputs or ()

    assert spec.default is None


@pytest.mark.parametrize(
    ("required", "is_required"), [(True, True), ("true", True), ("True", True), (False, False), ("false", False), (None, False)]
)
def test_required_is_a_boolean_here_and_a_string_there(required: Any, *, is_required: bool) -> None:
    (spec,) = described(a_field(required=required)).inputs or ()

    assert spec.required is is_required


def test_the_callout_name_is_the_one_that_is_sent() -> None:
    assert described(a_field("amount__c", callout_id="amount")).inputs == (InputSpec(name="amount", label="amount__c"),)


@pytest.mark.parametrize("callout_id", ["", "  ", None])
def test_a_blank_callout_name_falls_back_and_says_so(callout_id: Any) -> None:
    (spec,) = described(a_field("amount", callout_id=callout_id)).inputs or ()

    assert spec.name == "amount"
    assert "callout field name" in (spec.hint or "")


@pytest.mark.parametrize("changes", [{"datatype": "File-Field"}, {"object_name": "Files"}])
def test_a_file_is_left_out_and_stands_in_the_way_only_where_it_is_required(changes: dict[str, Any]) -> None:
    optional, required = described(a_field("scan", **changes)), described(a_field("scan", required=True, **changes))

    assert (optional.inputs, optional.obstacle) == ((), None)
    assert required.obstacle == "Its required input scan is a file, which cannot be given here."


def test_an_input_with_a_reserved_name_cannot_be_given() -> None:
    optional, required = described(a_field("format")), described(a_field("format", required="true"))

    assert (optional.inputs, optional.obstacle) == ((), None)
    assert "keeps for itself" in (required.obstacle or "")


def test_a_callout_trigger_that_is_off_stands_in_the_way() -> None:
    assert described(callout_trigger=False).obstacle == "Its callout trigger is switched off in Zuora."


def test_what_the_list_said_against_it_stays() -> None:
    listed_as = Workflow(workflow_id="396", name="Ours", obstacle="It is not active in Zuora (Inactive).")

    workflow = described(workflow=listed_as)

    assert (workflow.name, workflow.obstacle) == ("Ours", listed_as.obstacle)


@pytest.mark.parametrize("parameters", [None, {}, [], {"fields": None}, {"fields": "none"}, {"fields": [None, 7, {}]}])
def test_a_workflow_without_fields_takes_no_inputs(parameters: Any) -> None:
    assert described(parameters=parameters).inputs == ()


def test_nothing_of_the_tasks_is_kept() -> None:
    assert "never read" not in repr(described(a_field()))


def test_the_version_that_runs_is_told() -> None:
    assert described().version == "0.0.7"
    assert described(workflow=a_workflow(version="0.0.1"), version=None).version == "0.0.1"


def test_an_export_may_need_more_than_view_access() -> None:
    answer = drive(PROVIDER.describe(a_workflow(), a_connection()), says(403)).answer

    assert answer.scope == "Workflow Manage Access"
    assert PROVIDER.needed_scopes("describe", a_workflow()) == ("Workflow View Access",)


def test_what_was_typed_as_an_id_and_is_none_is_never_asked_for() -> None:
    driven = drive(PROVIDER.describe(Workflow(workflow_id="../oauth"), a_connection()))

    assert not driven.calls


# --- probe, scopes, link -----------------------------------------------------------------------------------------------


NO_WORKFLOW = says(404, {"errors": [{"status": 404, "code": "invalid", "title": "Cannot find a workflow with id 0."}]})


def probed(*replies: Reply, connection: Any = None) -> Driven:
    return drive(PROVIDER.probe(connection or a_connection()), *replies)


def test_a_probe_never_claims_that_running_is_allowed() -> None:
    answers = [probed(reply, NO_WORKFLOW).answer for reply in (listed(a_row()), says(403))]

    assert all(isinstance(answer, Held) and answer.of("Workflow Run Access") is None for answer in answers)
    assert [answer.of("Workflow View Access") for answer in answers] == [True, False]


@pytest.mark.parametrize("refusal", [says(403), says(403, reasons(53000010)), says(200, reasons(53000010))])
def test_a_run_of_no_workflow_that_is_refused_for_permission_shows_that_the_right_is_missing(refusal: Reply) -> None:
    answer = probed(listed(a_row()), refusal).answer

    assert (answer.of("Workflow View Access"), answer.of("Workflow Run Access")) == (True, False)


def test_a_probe_can_start_nothing() -> None:
    """What it asks for is no workflow's id, and it carries no key that a launch could ever have."""
    driven = probed(listed(a_row()), NO_WORKFLOW)

    assert [(call.method, call.path) for call in driven.calls] == [("GET", "/workflows"), ("POST", "/workflows/0/run")]
    assert driven.calls[1].headers == {}


def test_a_connection_that_does_not_want_it_is_not_asked_about_running() -> None:
    driven = probed(listed(a_row()), connection=placed(ask_run_access=False))

    assert [call.method for call in driven.calls] == ["GET"]
    assert isinstance(driven.answer, Held)
    assert driven.answer.of("Workflow Run Access") is None


def test_entities_and_organisations_go_along_with_a_probe() -> None:
    driven = probed(listed(a_row()), NO_WORKFLOW, connection=placed(entity_ids=("e1", "e2"), org_ids=("o1",)))

    assert [call.headers for call in driven.calls] == [{"Zuora-Entity-Ids": "e1,e2", "Zuora-Org-Ids": "o1"}] * 2


@pytest.mark.parametrize("status", [401, 429, 500])
def test_a_probe_that_brings_nothing_holds_nothing(status: int) -> None:
    assert not isinstance(probed(says(status)).answer, Held)
    assert not isinstance(probed(listed(a_row()), says(status)).answer, Held)


def test_a_proxys_page_says_nothing_of_rights() -> None:
    page = Reply(status=403, body="<html>Access denied</html>")

    assert isinstance(probed(page).answer, Unreachable)
    assert isinstance(probed(listed(a_row()), page).answer, Unreachable)


def test_every_scope_has_its_evidence() -> None:
    answer = probed(says(403), says(403)).answer

    assert {seen.scope: seen.is_held for seen in answer.scopes} == {
        "Workflow View Access": False,
        "Workflow Run Access": False,
        "Workflow Manage Access": None,
    }
    assert all("HTTP 403" in seen.evidence for seen in answer.scopes[:2])


def test_a_launch_needs_run_access_and_a_list_view_access() -> None:
    assert PROVIDER.needed_scopes("launch", a_workflow()) == ("Workflow Run Access",)
    assert PROVIDER.needed_scopes("list", a_workflow()) == ("Workflow View Access",)
    assert [scope.name for scope in PROVIDER.scopes] == ["Workflow View Access", "Workflow Run Access", "Workflow Manage Access"]


def test_the_key_is_good_for_a_day() -> None:
    assert PROVIDER.resend_window_s == 24 * 3600


def test_there_is_no_link_unless_the_connection_says_how() -> None:
    template = "https://na.zuora.com/w/{workflow_id}/runs/{run_id}"

    assert PROVIDER.link(TRACKED, a_connection()) is None
    assert PROVIDER.link(a_launch(), placed(run_url=template)) is None
    assert PROVIDER.link(TRACKED, placed(run_url=template)) == "https://na.zuora.com/w/396/runs/19063"


@given(st.text(), st.text(min_size=1))
def test_an_id_cannot_leave_its_place_in_the_link(workflow_id: str, run_id: str) -> None:
    launch = replace(TRACKED, workflow_id=workflow_id, run_id=run_id)

    link = PROVIDER.link(launch, placed(run_url="https://na.zuora.com/{workflow_id}/{run_id}")) or ""

    assert link.count("/") == 4
    assert not set(link) & set("<>| {}\n")


# --- find and confirm --------------------------------------------------------------------------------------------------


def named(original: Any, **more: Any) -> Reply:
    return says(200, {"id": 400, "originalWorkflowId": original, "type": "Workflow::Instance", "status": "Processing"} | more)


def definition(active: Any, *inactive: Any, key: str = "latest_inactive_verisons") -> Reply:
    return says(200, {"id": 396, "active_version": active, key: list(inactive)})


def confirm(*replies: Reply, run_id: str = "400", **changes: Any) -> Any:
    return drive(PROVIDER.confirm(a_launch(**changes), run_id, a_connection()), *replies)


PROCESSING = Confirmed(run_id="400", provider_status="Processing")


def test_a_lost_start_is_settled_by_its_key_and_not_by_a_look_up() -> None:
    driven = drive(PROVIDER.find(a_launch(), a_connection()))

    assert not driven.calls
    assert isinstance(driven.answer, Unsupported)
    assert PROVIDER.lost_start_settled_by is None
    assert not PROVIDER.can_find(a_connection())


@pytest.mark.parametrize("original", [396, "396"])
def test_a_named_run_of_the_workflow_is_confirmed_by_one_call(original: Any) -> None:
    driven = confirm(named(original), run_id=" 400 ")

    assert driven.call == Call(method="GET", path="/workflows/workflow_runs/400", headers={"Zuora-Track-Id": "L-7K3QW"})
    assert driven.answer == PROCESSING


@pytest.mark.parametrize(
    "owner",
    [
        definition({"id": 397}),
        definition({"id": "397"}),
        definition({"id": 398}, {"id": 397}),
        definition(None, {"id": 12}, {"id": 397}),
        definition({"id": 398}, {"id": 397}, key="latest_inactive_versions"),
    ],
)
def test_a_run_that_carries_the_id_of_a_version_is_confirmed(owner: Reply) -> None:
    driven = confirm(named(397), owner)

    assert [call.path for call in driven.calls] == ["/workflows/workflow_runs/400", "/workflows/396"]
    assert driven.answer == PROCESSING


@pytest.mark.parametrize("owner", [definition({"id": 398}), definition({"id": 398}, {"id": 399}), definition(None, {"id": 399})])
def test_a_run_of_another_workflow_is_denied(owner: Reply) -> None:
    assert confirm(named(397), owner).answer == Denied(meaning="That run is one of another workflow (397).")


@pytest.mark.parametrize(
    ("first", "more"),
    [(named(None), []), (named("soon"), []), (named(397), [definition(None)]), (named(397), [definition([], 3, {"id": "x"})])],
)
def test_a_run_whose_workflow_is_not_told_is_left_to_the_persons_word(first: Reply, more: list[Reply]) -> None:
    assert isinstance(confirm(first, *more).answer, Unverifiable)


def test_a_run_that_zuora_does_not_know_is_denied() -> None:
    title = {"errors": [{"status": 404, "code": "invalid", "title": "Cannot find a workflow run with id 400."}]}

    assert isinstance(confirm(says(404, title)).answer, Denied)
    assert isinstance(confirm(Reply(status=404, body="<html>")).answer, Refused)


@pytest.mark.parametrize("run_id", ["WF-396-00000003", "L-7K3QW", "four hundred", "4.0", "-4", "400/stop", "٤", "1" * 31])
def test_what_is_no_number_is_denied_without_asking(run_id: str) -> None:
    driven = confirm(run_id=run_id)

    assert not driven.calls
    assert isinstance(driven.answer, Denied)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (says(401), Unauthorised),
        (says(403), Unauthorised),
        (says(429), Busy),
        (says(400), Refused),
        (says(503), Unreachable),
        (says(200, {}), Unreachable),
        (says(200, []), Unreachable),
    ],
)
def test_a_named_run_that_could_not_be_asked_about_is_neither_confirmed_nor_denied(reply: Reply, kind: type[Any]) -> None:
    answers = [confirm(reply).answer, confirm(named(397), reply).answer]

    assert [type(answer) for answer in answers] == [kind, kind]
    assert not any(getattr(answer, "is_possibly_applied", False) for answer in answers)


def test_a_workflow_that_is_gone_is_said_to_be() -> None:
    assert confirm(named(397), says(404)).answer.meaning == "Zuora knows no workflow with this id."


def test_entities_and_organisations_are_named_in_both_calls() -> None:
    launch, connection = a_launch(), placed(entity_ids=("e1",), org_ids=("o1",))

    driven = drive(PROVIDER.confirm(launch, "400", connection), named(397), definition({"id": 397}))

    assert all(call.headers.keys() == {"Zuora-Track-Id", "Zuora-Entity-Ids", "Zuora-Org-Ids"} for call in driven.calls)
