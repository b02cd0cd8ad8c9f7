"""Domo: the seed's start call to the letter, null that is no failure, and reads that Domo does not document."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import reading
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
from bot.providers.domo import PROVIDER, Options
from tests.builders import NOON, a_launch
from tests.exchanges import Driven, drive
from tests.odd_replies import answered, bodies, exchanges, odd_replies

MODEL = "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138"
RUN = "2052e10a-d142-4391-a731-2be1ab1c0188"
INSTANCE = f"/api/workflow/v1/instances/{RUN}"
CONNECTION = Connection(name="analytics", provider="domo", base_url="https://acme.domo.com", options=Options())
READING = replace(CONNECTION, options=Options(undocumented_reads=True))
WORDS = ["ADMIN", "SHARE", "DELETE", "WRITE", "READ", "EXPORT", "EXECUTE", "UPDATE_CONTENT"]


def a_domo_launch(**changes: Any) -> Launch:
    plain: dict[str, Any] = {
        "connection": "analytics",
        "provider": "domo",
        "workflow_id": MODEL,
        "workflow_name": "MyWorkflow",
        "workflow_version": "0.0.1",
        "inputs": {"parameter1": 13, "parameter2": 7},
    }
    return a_launch(**(plain | changes))


def a_running_launch(**changes: Any) -> Launch:
    return a_domo_launch(**({"run_id": RUN} | changes))


def a_model(**changes: Any) -> Workflow:
    return Workflow(**({"workflow_id": MODEL, "name": "MyWorkflow"} | changes))


def says(status: int, body: Any = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body="" if body is None else json.dumps(body))


def instance(status: Any, **more: Any) -> Reply:
    return says(200, {"id": RUN, "modelId": MODEL, "modelVersion": "1.1.0", "status": status, **more})


def start(reply: Reply, **changes: Any) -> Driven:
    return drive(PROVIDER.start(a_domo_launch(**changes), CONNECTION), reply)


def track(reply: Reply, **changes: Any) -> Driven:
    return drive(PROVIDER.track(a_running_launch(**changes), CONNECTION), reply)


def cancel(*replies: Reply) -> Driven:
    return drive(PROVIDER.cancel(a_running_launch(), CONNECTION), *replies)


def describe(*replies: Reply, connection: Connection = READING, **changes: Any) -> Driven:
    return drive(PROVIDER.describe(a_model(**changes), connection), *replies)


# --- credential and check ----------------------------------------------------------------------------------------------------


def test_the_token_is_one_header() -> None:
    signature = PROVIDER.sign(Call(method="GET", path="/"), {"developer_token": Secret("made-up-token")}, None)

    assert {name: value.reveal() for name, value in signature.headers.items()} == {"X-DOMO-Developer-Token": "made-up-token"}
    assert "made-up" not in repr(signature)


def test_no_call_can_renew_a_token() -> None:
    assert PROVIDER.login(CONNECTION) is None
    assert not PROVIDER.is_session_over(says(401))


@pytest.mark.parametrize(
    ("workflow", "missing"),
    [
        (a_model(), ["version"]),
        (a_model(version="0.0.1"), []),
        (a_model(extras={"version": "0.0.1"}), []),
        (a_model(name=None, version="0.0.1"), ["message_name"]),
        (a_model(name=None, version="0.0.1", extras={"message_name": "Start it"}), []),
        (a_model(name=None, extras={"version": "", "message_name": None}), ["version", "message_name"]),
    ],
)
def test_a_workflow_without_version_or_message_name_is_incomplete(workflow: Workflow, missing: list[str]) -> None:
    problems = PROVIDER.check({}, workflow, CONNECTION)

    assert [(problem.code, problem.facts["what"]) for problem in problems] == [("workflow_incomplete", name) for name in missing]
    assert all(problem.facts["name"] == workflow.label for problem in problems)


# --- start -------------------------------------------------------------------------------------------------------------------


def test_a_start_is_the_seeds_call() -> None:
    driven = start(instance(None))

    assert driven.call == Call(
        method="POST",
        path="/api/workflow/v1/instances/message",
        json={
            "messageName": "Start MyWorkflow",
            "version": "0.0.1",
            "modelId": MODEL,
            "data": {"parameter1": 13, "parameter2": 7},
        },
    )
    assert driven.answer == Accepted(run_id=RUN, version="1.1.0")


def test_a_start_without_inputs_still_sends_data() -> None:
    assert start(instance(None), inputs={}).call.json["data"] == {}


def test_values_leave_as_they_are() -> None:
    inputs = {"n": Decimal("1.50"), "yes": True, "list": [1, 2], "object": {"a": None}, "text": "13"}

    assert start(instance(None), inputs=inputs).call.json["data"] == inputs


def test_the_configuration_wins_over_what_domo_told() -> None:
    body = start(instance(None), extras={"version": "2.0.0", "message_name": "Go"}).call.json

    assert (body["version"], body["messageName"]) == ("2.0.0", "Go")


@pytest.mark.parametrize(
    "changes",
    [{"workflow_version": None}, {"workflow_name": None}, {"workflow_version": None, "extras": {"version": 1.5}}],
)
def test_nothing_is_sent_without_version_or_message_name(changes: dict[str, Any]) -> None:
    driven = drive(PROVIDER.start(a_domo_launch(**changes), CONNECTION))

    assert driven.calls == ()
    assert isinstance(driven.answer, Refused)


@pytest.mark.parametrize("status", [None, "null", "NULL", "", 3.5, [], {}])
def test_a_status_that_says_nothing_is_not_reported_yet(status: Any) -> None:
    assert start(instance(status)).answer == Accepted(run_id=RUN, version="1.1.0")


@pytest.mark.parametrize("status", ["IN_PROGRESS", "RUNNING", "NOT_STARTED", "SOMETHING_NEW"])
def test_any_other_status_is_kept_as_it_is(status: str) -> None:
    assert start(instance(status)).answer == Accepted(run_id=RUN, version="1.1.0", provider_status=status)


ENDS = [
    ("COMPLETED", Outcome.SUCCEEDED),
    ("completed", Outcome.SUCCEEDED),
    ("CANCELED", Outcome.CANCELLED),
    ("CANCELLED", Outcome.CANCELLED),
    ("ABORTED", Outcome.CANCELLED),
    ("FAILED", Outcome.FAILED),
]


@pytest.mark.parametrize(("status", "outcome"), ENDS)
def test_a_run_may_be_over_before_the_answer_came(status: str, outcome: Outcome) -> None:
    assert start(instance(status)).answer == Completed(outcome=outcome, run_id=RUN, provider_status=status)


@pytest.mark.parametrize(
    ("status", "kind", "scope"),
    [
        (400, Refused, None),
        (401, Unauthorised, None),
        (403, Unauthorised, "EXECUTE"),
        (404, Refused, None),
        (405, Refused, None),
        (409, Refused, None),
        (415, Refused, None),
        (429, Busy, None),
        (408, Unreachable, None),
        (301, Unreachable, None),
        (500, Unreachable, None),
        (502, Unreachable, None),
        (503, Unreachable, None),
        (504, Unreachable, None),
    ],
)
@pytest.mark.parametrize("body", ["", "<html><h1>no</h1></html>", '{"toe": "T-1"}', "[1]", '"text"', '{"message": {}}'])
def test_every_status_of_a_start_has_its_answer(status: int, kind: type[Any], scope: str | None, body: str) -> None:
    answer = start(Reply(status=status, body=body)).answer

    assert type(answer) is kind
    assert getattr(answer, "scope", None) == scope
    assert getattr(answer, "is_possibly_applied", True)
    assert "<" not in (getattr(answer, "detail", None) or "")


def test_every_documented_status_has_an_example() -> None:
    shown = {example.reply.status for example in PROVIDER.examples if example.verb == "start"}

    assert {200, 400, 401, 403, 404, 405, 415, 429, 500} <= shown


@pytest.mark.parametrize("body", ["", "<html>", "{}", "[]", "null", '{"id": null}', '{"id": 1.5}', '{"id": ""}', '{"id": ["x"]}'])
def test_a_success_without_a_readable_run_was_possibly_applied(body: str) -> None:
    answer = start(Reply(status=200, body=body)).answer

    assert answer == Unreachable(is_possibly_applied=True, detail="HTTP 200")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"message": "bad type"}, "bad type"),
        ({"statusReason": "Not Found", "toe": "T-1"}, "Not Found (Domo's trace id: T-1)"),
        ({"toe": "T-1"}, "Domo's trace id: T-1"),
        ({"message": "<b>no</b>"}, None),
        ({"message": "x" * 900}, "x" * 499 + "…"),
        ({"message": "two\nlines"}, "two lines"),
        ({}, None),
    ],
)
def test_what_domo_says_is_told_with_its_trace_id(body: Any, detail: str | None) -> None:
    assert start(says(404, body)).answer.detail == detail


@pytest.mark.parametrize(("header", "wait_s"), [("12", 12.0), ("0", 0.0), ("-1", None), ("inf", None), ("soon", None)])
def test_over_the_limit_waits_as_long_as_told(header: str, wait_s: float | None) -> None:
    assert start(says(429, retry_after=header)).answer.retry_after_s == wait_s


def test_a_start_is_never_sent_again() -> None:
    assert PROVIDER.resend_window_s is None


# --- track -------------------------------------------------------------------------------------------------------------------


def test_a_run_is_asked_about_by_its_id() -> None:
    driven = track(instance("IN_PROGRESS"))

    assert driven.call == Call(method="GET", path=INSTANCE)
    assert driven.answer == Observed(provider_status="IN_PROGRESS")


@pytest.mark.parametrize("status", [None, "null", 7.5, []])
def test_a_run_that_is_not_reported_yet_goes_on(status: Any) -> None:
    assert track(instance(status)).answer == Observed()


@pytest.mark.parametrize("status", ["RUNNING", "NOT_STARTED", "WAITING_FOR_MOON"])
def test_an_unknown_status_is_shown_and_asked_about_again(status: str) -> None:
    assert track(instance(status)).answer == Observed(provider_status=status)


@pytest.mark.parametrize(("status", "outcome"), ENDS)
def test_every_last_status_ends_the_run(status: str, outcome: Outcome) -> None:
    assert track(instance(status)).answer == Completed(outcome=outcome, provider_status=status)


def test_a_failure_is_told_in_domos_words() -> None:
    answer = track(instance("FAILED", errorMessage="Division by zero")).answer

    assert answer == Completed(outcome=Outcome.FAILED, provider_status="FAILED", detail="Division by zero")


def test_an_error_message_of_a_good_run_is_not_told() -> None:
    assert track(instance("COMPLETED", errorMessage="old")).answer.detail is None


@pytest.mark.parametrize("misses", [0, 1, 2])
def test_a_run_that_is_not_shown_is_asked_about_again(misses: int) -> None:
    answer = track(says(404), misses=misses, looks=50).answer

    assert isinstance(answer, Unreachable)
    assert not answer.is_possibly_applied


def test_a_run_that_is_not_shown_four_times_has_ended() -> None:
    answer = track(says(404), misses=3).answer

    assert (answer.outcome, answer.code) == (Outcome.ENDED, "HTTP 404")
    assert "may not see it" in answer.detail


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (says(401), Unauthorised),
        (says(403), Unauthorised),
        (says(400), Refused),
        (says(429), Busy),
        (says(500), Unreachable),
        (says(200, {}), Unreachable),
        (says(200, []), Unreachable),
        (Reply(status=200, body="<html>"), Unreachable),
    ],
)
def test_a_look_that_brought_nothing_says_so(reply: Reply, kind: type[Any]) -> None:
    answer = track(reply).answer

    assert type(answer) is kind
    assert not getattr(answer, "is_possibly_applied", False)


@pytest.mark.parametrize("verb", [PROVIDER.track, PROVIDER.cancel])
def test_nothing_is_sent_about_a_run_without_an_id(verb: Any) -> None:
    driven = drive(verb(a_domo_launch(), CONNECTION))

    assert driven.calls == ()
    assert isinstance(driven.answer, Refused)


# --- cancel ------------------------------------------------------------------------------------------------------------------


def test_a_stop_is_one_call_without_a_body() -> None:
    driven = cancel(instance("CANCELED"))

    assert driven.call == Call(method="POST", path=f"{INSTANCE}/cancel")
    assert driven.answer == Completed(outcome=Outcome.CANCELLED, provider_status="CANCELED")


@pytest.mark.parametrize(
    ("reply", "status"),
    [(instance("IN_PROGRESS"), "IN_PROGRESS"), (instance(None), None)],
)
def test_a_stop_that_was_taken_is_watched(reply: Reply, status: str | None) -> None:
    assert cancel(reply).answer == Stopping(provider_status=status)


@pytest.mark.parametrize("status", [400, 404, 409])
@pytest.mark.parametrize(("ended", "outcome"), ENDS)
def test_a_refused_stop_of_a_run_that_is_over_ends_it(status: int, ended: str, outcome: Outcome) -> None:
    driven = cancel(says(status), instance(ended))

    assert [call.path for call in driven.calls] == [f"{INSTANCE}/cancel", INSTANCE]
    assert driven.answer.outcome is outcome


@pytest.mark.parametrize("second", [instance("IN_PROGRESS"), instance(None), says(404), says(500), Reply(status=200, body="[")])
def test_a_refused_stop_of_a_run_that_goes_on_is_told(second: Reply) -> None:
    answer = cancel(says(409, {"message": "locked"}), second).answer

    assert answer == Refused(code="HTTP 409", meaning="Domo refused the call.", detail="locked")


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthorised), (403, Unauthorised), (429, Busy), (503, Unreachable)])
def test_a_stop_that_could_not_be_asked_for_says_so(status: int, kind: type[Any]) -> None:
    assert isinstance(cancel(says(status)).answer, kind)


# --- catalogue ---------------------------------------------------------------------------------------------------------------

BODY = {
    "id": MODEL,
    "name": "AddTwoNumbers",
    "versions": [
        {"version": "1.9.0", "active": True, "deployedOn": "2023-11-15"},
        {"version": "1.10.0", "active": True, "deployedOn": "2023-11-16"},
        {"version": "1.11.0", "active": True, "deployedOn": None},
        {"version": "2.0.0", "active": False, "deployedOn": "2023-11-17"},
    ],
}


@pytest.mark.parametrize("exchange", [PROVIDER.catalogue(CONNECTION), PROVIDER.describe(a_model(), CONNECTION)])
def test_undocumented_reads_are_off_unless_asked_for(exchange: Any) -> None:
    driven = drive(exchange)

    assert driven.calls == ()
    assert isinstance(driven.answer, Unsupported)


@pytest.mark.parametrize("exchange", [PROVIDER.catalogue, lambda connection: PROVIDER.describe(a_model(), connection)])
def test_a_connection_without_options_reads_nothing_undocumented(exchange: Any) -> None:
    assert isinstance(drive(exchange(replace(CONNECTION, options=None))).answer, Unsupported)


@pytest.mark.parametrize("wrapped", [[BODY], {"models": [BODY]}, {"total": 1, "anything": [BODY]}])
def test_workflows_are_read_bare_or_wrapped(wrapped: Any) -> None:
    driven = drive(PROVIDER.catalogue(READING), says(200, wrapped), says(200, []))

    assert driven.calls[0] == Call(method="GET", path="/api/workflow/v1/models", query={"limit": "100", "offset": "0"})
    assert driven.answer == Listed(workflows=(Workflow(workflow_id=MODEL, name="AddTwoNumbers", version="1.10.0"),))


def test_a_short_page_is_not_the_end() -> None:
    pages = [says(200, [{"id": "a"}, {"id": "b"}]), says(200, [{"id": "c"}]), says(200, [])]

    driven = drive(PROVIDER.catalogue(READING), *pages)

    assert [workflow.workflow_id for workflow in driven.answer.workflows] == ["a", "b", "c"]
    assert [call.query["offset"] for call in driven.calls] == ["0", "2", "3"]


def test_a_list_that_repeats_itself_ends() -> None:
    driven = drive(PROVIDER.catalogue(READING), *[says(200, [{"id": "a"}])] * 2)

    assert len(driven.answer.workflows) == 1


@pytest.mark.parametrize("row", [3, None, {}, {"id": 2.5}, {"name": "x"}])
def test_a_workflow_without_an_id_is_left_out(row: Any) -> None:
    answer = drive(PROVIDER.catalogue(READING), says(200, [row, BODY]), says(200, [])).answer

    assert [workflow.workflow_id for workflow in answer.workflows] == [MODEL]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (says(403), Unauthorised),
        (says(429), Busy),
        (says(500), Unreachable),
        (says(200, {"a": [], "b": []}), Unreachable),
        (says(200, "x"), Unreachable),
    ],
)
def test_a_list_that_brought_nothing_says_so(reply: Reply, kind: type[Any]) -> None:
    assert type(drive(PROVIDER.catalogue(READING), reply).answer) is kind


def test_a_right_to_see_is_named() -> None:
    assert drive(PROVIDER.catalogue(READING), says(403)).answer.scope == "READ"


@pytest.mark.parametrize(
    ("versions", "version", "has_obstacle"),
    [
        ([{"version": "1.0.0", "active": True}], "1.0.0", False),
        ([{"version": "1.0.0", "active": True, "deployedOn": None}], None, True),
        ([{"version": "1.0.0", "active": False}], None, True),
        ([{"active": True}], None, True),
        ([{"version": "x.y", "active": True}], "x.y", False),
        ([{"version": "1", "active": "true"}], None, True),
        ([], None, False),
        (None, None, False),
        ("x", None, False),
    ],
)
def test_only_a_deployed_and_active_version_can_be_started(versions: Any, version: str | None, has_obstacle: bool) -> None:
    row = {"id": MODEL, "versions": versions}
    (workflow,) = drive(PROVIDER.catalogue(READING), says(200, [row]), says(200, [])).answer.workflows

    assert workflow.version == version
    assert (workflow.obstacle is not None) is has_obstacle


# --- describe ----------------------------------------------------------------------------------------------------------------

INPUTS = [{"name": "num1", "type": "number", "required": True}, {"paramName": "who", "displayName": "Who", "dataType": "person"}]
SPECS = (
    InputSpec(name="num1", type=InputType.DECIMAL, required=True),
    InputSpec(name="who", label="Who", hint="the id of a person"),
)


@pytest.mark.parametrize(
    "starts",
    [
        [{"messageName": "Go", "inputs": INPUTS}],
        {"messageName": "Go", "inputs": INPUTS},
        {"starts": [{"title": "Go", "input": INPUTS}]},
        [{"name": "Go", "parameters": INPUTS}, "something else"],
    ],
)
def test_a_start_is_read_in_any_of_its_shapes(starts: Any) -> None:
    driven = describe(says(200, BODY), says(200, starts))

    assert [call.path for call in driven.calls] == [
        f"/api/workflow/v1/models/{MODEL}",
        f"/api/workflow/v1/models/{MODEL}/versions/1.10.0/starts",
    ]
    assert driven.answer == Described(
        workflow=Workflow(workflow_id=MODEL, name="AddTwoNumbers", version="1.10.0", inputs=SPECS, extras={"message_name": "Go"})
    )


def test_the_configured_version_and_start_are_described() -> None:
    configured = {MODEL: a_model(extras={"version": "1.9.0", "message_name": "B"})}
    starts = [{"messageName": "A", "inputs": []}, {"messageName": "B", "inputs": INPUTS}]

    driven = describe(says(200, BODY), says(200, starts), connection=replace(READING, workflows=configured))

    assert driven.calls[1].path.endswith("/versions/1.9.0/starts")
    assert driven.answer.workflow.inputs == SPECS
    assert driven.answer.workflow.obstacle is None


def test_several_starts_need_a_word_from_the_configuration() -> None:
    starts = [{"messageName": "A", "inputs": []}, {"messageName": "B", "inputs": INPUTS}]

    answer = describe(says(200, BODY), says(200, starts)).answer

    assert "message_name" in answer.workflow.obstacle
    assert "A, B" in answer.workflow.obstacle


def test_a_workflow_without_a_deployed_version_cannot_be_launched() -> None:
    driven = describe(says(200, {"id": MODEL, "versions": [{"version": "1.0.0", "active": False}]}))

    assert len(driven.calls) == 1
    assert driven.answer.workflow.obstacle == "No version of it is deployed and active."


def test_a_workflow_whose_versions_are_not_told_needs_one_configured() -> None:
    answer = describe(says(200, {"id": MODEL})).answer

    assert "which version" in answer.workflow.obstacle


@pytest.mark.parametrize("starts", [[], {}, "x", None, [{"messageName": "Go"}], [{"inputs": "num1"}], {"a": [], "b": []}])
def test_a_start_that_cannot_be_read_is_left_to_the_configuration(starts: Any) -> None:
    answer = describe(says(200, BODY), says(200, starts)).answer

    assert isinstance(answer, Unsupported)


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        ((says(404),), Refused),
        ((says(403),), Unauthorised),
        ((says(200, []),), Unreachable),
        ((says(200, BODY), says(404)), Refused),
        ((says(200, BODY), says(503)), Unreachable),
    ],
)
def test_a_description_that_brought_nothing_says_so(replies: tuple[Reply, ...], kind: type[Any]) -> None:
    assert type(describe(*replies).answer) is kind


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("boolean", InputType.BOOLEAN),
        ("date", InputType.DATE),
        ("dateTime", InputType.DATETIME),
        ("decimal", InputType.DECIMAL),
        ("number", InputType.DECIMAL),
        ("duration", InputType.TEXT),
        ("object", InputType.JSON),
        ("person", InputType.TEXT),
        ("dataset", InputType.TEXT),
        ("group", InputType.TEXT),
        ("text", InputType.TEXT),
        ("time", InputType.TEXT),
        ("new", InputType.TEXT),
        (None, InputType.TEXT),
        (["number"], InputType.TEXT),
    ],
)
def test_domos_types_become_ours(native: Any, expected: InputType) -> None:
    answer = describe(says(200, BODY), says(200, {"inputs": [{"name": "a", "type": native, "isList": True}]})).answer

    (spec,) = answer.workflow.inputs
    assert (spec.type, spec.many) == (expected, True)


@pytest.mark.parametrize("row", [{}, {"name": None}, {"name": 2.5}, 3, None])
def test_an_input_without_a_name_is_left_out(row: Any) -> None:
    answer = describe(says(200, BODY), says(200, {"inputs": [row, {"name": "a"}]})).answer

    assert [spec.name for spec in answer.workflow.inputs] == ["a"]


# --- probe, scopes, link -----------------------------------------------------------------------------------------------------

OTHER = "b0000000-0000-4000-8000-000000000000"


def test_rights_on_the_configured_workflows_are_asked_in_bulk() -> None:
    connection = replace(READING, workflows={MODEL: a_model(), OTHER: a_model(workflow_id=OTHER)})
    body = {MODEL: ["READ", "EXECUTE"], OTHER: ["READ"]}

    driven = drive(PROVIDER.probe(connection), says(200, body))

    question = {"path": "/api/workflow/v1/models/permissions/me", "json": {"modelIds": [MODEL, OTHER]}, "is_question": True}
    assert driven.call == Call(method="POST", **question)
    held = {(seen.workflow_id, seen.scope) for seen in driven.answer.scopes if seen.is_held}
    missing = {(seen.workflow_id, seen.scope) for seen in driven.answer.scopes if seen.is_held is False}
    assert held == {(MODEL, "READ"), (MODEL, "EXECUTE"), (OTHER, "READ")}
    assert held | missing == {(model, word) for model in (MODEL, OTHER) for word in WORDS}


@pytest.mark.parametrize(
    ("body", "execute"),
    [
        ({MODEL: []}, False),
        ({MODEL: ["READ"]}, False),
        ({}, None),
        ({MODEL: None}, None),
        ({MODEL: ["EXECUTE", 3, None]}, True),
        ({MODEL: ["START"]}, True),
        ({MODEL: ["ADMIN"]}, None),
        ({MODEL: "EXECUTE"}, None),
    ],
)
def test_rights_that_are_not_told_are_not_known(body: Any, execute: bool | None) -> None:
    connection = replace(READING, workflows={MODEL: a_model()})

    assert drive(PROVIDER.probe(connection), says(200, body)).answer.of("EXECUTE", MODEL) is execute


def test_where_no_workflow_is_configured_those_that_domo_lists_are_asked_about() -> None:
    driven = drive(PROVIDER.probe(READING), says(200, [{"id": MODEL, "name": "Add"}]), says(200, {MODEL: ["EXECUTE"]}))

    assert driven.calls[1].json == {"modelIds": [MODEL]}
    assert driven.answer.of("EXECUTE", MODEL) is True


def test_where_no_workflow_is_known_nothing_is_verified() -> None:
    answer = drive(PROVIDER.probe(READING), says(200, [])).answer

    assert {seen.scope: seen.is_held for seen in answer.scopes} == dict.fromkeys(WORDS)


def test_a_refused_start_lacks_the_right_on_that_workflow_alone() -> None:
    answer = start(says(403)).answer

    assert (answer.scope, answer.is_of_workflow) == ("EXECUTE", True)


@pytest.mark.parametrize(
    ("connection", "query"),
    [
        (CONNECTION, {"limit": "1"}),
        (replace(CONNECTION, workflows={MODEL: a_model()}), {"modelId": MODEL, "limit": "1"}),
    ],
)
def test_otherwise_the_token_is_tried_by_a_read(connection: Connection, query: dict[str, str]) -> None:
    driven = drive(PROVIDER.probe(connection), says(200, []))

    assert driven.call == Call(method="GET", path="/api/workflow/v1/instances", query=query)
    assert isinstance(driven.answer, Held)
    assert {seen.scope: seen.is_held for seen in driven.answer.scopes} == dict.fromkeys(WORDS)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (says(401), Unauthorised),
        (says(403), Unauthorised),
        (says(404), Refused),
        (says(500), Unreachable),
        (says(200, "x"), Unreachable),
    ],
)
@pytest.mark.parametrize("connection", [CONNECTION, replace(READING, workflows={MODEL: a_model()})])
def test_a_probe_that_brought_nothing_says_so(reply: Reply, kind: type[Any], connection: Connection) -> None:
    assert type(drive(PROVIDER.probe(connection), reply).answer) is kind


@pytest.mark.parametrize(
    ("verb", "scope"), [("launch", "EXECUTE"), ("cancel", "EXECUTE"), ("list", "READ"), ("describe", "READ")]
)
def test_each_verb_needs_its_permission_word(verb: str, scope: str) -> None:
    assert PROVIDER.needed_scopes(verb, a_model()) == (scope,)


def test_the_scopes_are_domos_permission_words() -> None:
    assert [scope.name for scope in PROVIDER.scopes] == WORDS


@pytest.mark.parametrize("base_url", ["https://acme.domo.com", "https://acme.domo.com/"])
def test_a_link_leads_to_the_run(base_url: str) -> None:
    link = PROVIDER.link(a_running_launch(), replace(CONNECTION, base_url=base_url))

    assert link == f"https://acme.domo.com/workflows/instances/{MODEL}/0.0.1/{RUN}"


@pytest.mark.parametrize("changes", [{"run_id": None}, {"workflow_version": None}])
def test_there_is_no_link_without_run_and_version(changes: dict[str, Any]) -> None:
    assert PROVIDER.link(a_running_launch(**changes), CONNECTION) is None


# --- find and confirm ---------------------------------------------------------------------------------------------------------

USER = says(200, {"userId": 8811501})
OURS = {"id": RUN, "modelId": MODEL, "createdBy": "8811501", "createdOn": "2026-11-21T12:00:02.000Z", "status": "IN_PROGRESS"}
BEFORE = OURS | {"id": "before", "createdOn": "2026-11-01T11:30:00.000Z"}
ROWS_WITHOUT_END = [[OURS | {"id": f"run-{page}", "createdOn": "2026-11-21T13:00:00Z"}] for page in range(20)]


def find(*replies: Reply, **changes: Any) -> Driven:
    launch = a_domo_launch(**({"sent_at": NOON} | changes))
    return drive(PROVIDER.find(launch, CONNECTION), *replies)


def found(*rows: Any, user: Reply = USER) -> list[str]:
    newest_first = sorted(rows, key=lambda row: reading.moment(row["createdOn"]) or NOON, reverse=True)
    return [candidate.run_id for candidate in find(says(200, [*newest_first, BEFORE]), user).answer.candidates]


def test_a_lost_run_is_looked_for_among_the_users_runs_of_that_time() -> None:
    driven = find(says(200, [OURS, BEFORE]), USER)

    query = {"modelId": MODEL, "limit": "100", "offset": "0", "sort": "createdOn:desc"}
    assert driven.calls == (
        Call(method="GET", path="/api/workflow/v1/instances", query=query),
        Call(method="GET", path="/api/sessions/v1/me"),
    )
    expected = Candidate(run_id=RUN, provider_status="IN_PROGRESS", started_at="2026-11-21T12:00:02.000Z")
    assert driven.answer == Matches(candidates=(expected,))


@pytest.mark.parametrize(
    "changes",
    [
        {"createdBy": "4471200"},
        {"createdBy": 4471200},
        {"createdBy": {"id": "4471200"}},
        {"modelId": "another"},
        {"modelVersion": "0.0.2"},
        {"createdOn": "2026-11-21T11:58:59Z"},
        {"createdOn": "2026-11-21T12:15:01Z"},
        {"createdOn": "2026-11-20T12:00:02Z"},
        {"createdOn": 1795176000000},
    ],
)
def test_somebody_elses_run_is_not_adopted(changes: dict[str, Any]) -> None:
    other = OURS | {"id": "other"} | changes

    assert found(other) == []
    assert found(other, OURS) == [RUN]


@pytest.mark.parametrize(
    "changes",
    [
        {"createdBy": 8811501},
        {"createdBy": {"id": 8811501, "name": "service"}},
        {"modelId": None},
        {"modelVersion": "0.0.1"},
        {"createdOn": "2026-11-21T11:59:00Z"},
        {"createdOn": "2026-11-21T12:15:00Z"},
        {"createdOn": "2026-11-21 12:00:02"},
        {"createdOn": 1795262402000},
        {"status": None},
        {"status": "COMPLETED"},
    ],
)
def test_a_run_of_ours_is_found_however_it_is_written(changes: dict[str, Any]) -> None:
    answer = find(says(200, [OURS | changes, BEFORE]), USER).answer

    assert ([candidate.run_id for candidate in answer.candidates], answer.doubt) == ([RUN], None)


def test_two_runs_of_the_user_are_both_told() -> None:
    assert found(OURS, OURS | {"id": "second"}) == [RUN, "second"]


@pytest.mark.parametrize("changes", [{"createdOn": None}, {"createdOn": "lately"}, {"createdBy": None}, {"createdBy": [1]}])
def test_a_run_about_which_too_little_is_told_is_never_adopted_alone(changes: dict[str, Any]) -> None:
    unclear = OURS | {"id": "unclear"} | changes
    alone = find(says(200, [unclear]), says(200, []), USER).answer
    beside = find(says(200, [OURS, unclear]), says(200, []), USER).answer

    assert (alone.candidates, "unclear" in alone.doubt) == ((), True)
    assert [candidate.run_id for candidate in beside.candidates] == [RUN, "unclear"]
    assert "unclear" in beside.doubt


@pytest.mark.parametrize("me", [{"userId": 8811501}, {"userId": "8811501"}, {"id": 8811501}, {"user": {"id": 8811501}}])
def test_the_user_is_read_wherever_it_stands(me: Any) -> None:
    assert found(OURS, OURS | {"id": "x", "createdBy": "1"}, user=says(200, me)) == [RUN]


@pytest.mark.parametrize(
    "me", [says(401), says(403), says(404), says(400), says(200, {}), says(200, []), Reply(status=200, body="<html>")]
)
def test_where_the_user_is_not_told_every_run_of_that_time_is_given_and_doubted(me: Reply) -> None:
    answer = find(says(200, [OURS | {"createdBy": "4471200"}, BEFORE]), me).answer

    assert [candidate.run_id for candidate in answer.candidates] == [RUN]
    assert "somebody else's" in answer.doubt


@pytest.mark.parametrize(("me", "kind"), [(says(429), Busy), (says(500), Unreachable), (says(302), Unreachable)])
def test_a_user_who_could_not_be_asked_for_just_now_is_asked_for_later(me: Reply, kind: type[Any]) -> None:
    answer = find(says(200, [OURS, BEFORE]), me).answer

    assert type(answer) is kind
    assert not getattr(answer, "is_possibly_applied", False)


def test_the_user_is_not_asked_for_when_nothing_ran_then() -> None:
    driven = find(says(200, [BEFORE]))

    assert len(driven.calls) == 1
    assert driven.answer == Matches(candidates=())


def test_the_list_is_read_back_to_the_time_of_the_start() -> None:
    later = [OURS | {"id": f"later-{place}", "createdOn": "2026-11-21T13:00:00Z"} for place in range(2)]

    driven = find(says(200, later), says(200, [OURS, BEFORE]), USER)

    assert [call.query.get("offset") for call in driven.calls] == ["0", "2", None]
    assert [candidate.run_id for candidate in driven.answer.candidates] == [RUN]


def test_a_list_in_another_order_is_read_to_its_end() -> None:
    driven = find(says(200, [BEFORE, OURS | {"id": "x", "createdBy": "1"}]), says(200, [OURS]), says(200, []), USER)

    assert [candidate.run_id for candidate in driven.answer.candidates] == [RUN]


def test_a_list_that_cannot_be_read_back_that_far_says_nothing() -> None:
    answer = find(*(says(200, page) for page in ROWS_WITHOUT_END)).answer

    assert isinstance(answer, Unreachable)
    assert not answer.is_possibly_applied


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (says(401), Unauthorised),
        (says(403), Unauthorised),
        (says(404), Refused),
        (says(429), Busy),
        (says(502), Unreachable),
        (says(200, "x"), Unreachable),
        (says(200, {}), Unreachable),
    ],
)
def test_a_look_up_that_brought_nothing_says_so(reply: Reply, kind: type[Any]) -> None:
    later = says(200, [OURS | {"createdOn": "2026-11-21T13:00:00Z"}])

    assert [type(find(reply).answer), type(find(later, reply).answer)] == [kind, kind]


def test_without_a_time_of_sending_nothing_can_be_told_apart() -> None:
    driven = find(sent_at=None)

    assert driven.calls == ()
    assert driven.answer == Matches(candidates=())


def test_what_is_found_by_its_circumstances_is_no_proof() -> None:
    assert PROVIDER.can_find(CONNECTION)
    assert not PROVIDER.is_find_proof


def test_a_version_of_the_configuration_is_the_one_that_was_sent() -> None:
    row = OURS | {"modelVersion": "2.0.0"}

    assert find(says(200, [row, BEFORE]), USER, extras={"version": "2.0.0"}).answer.candidates
    assert not find(says(200, [row, BEFORE])).answer.candidates


def confirm(reply: Reply, run_id: str = RUN) -> Driven:
    return drive(PROVIDER.confirm(a_domo_launch(), run_id, CONNECTION), reply)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (instance("IN_PROGRESS"), Confirmed(run_id=RUN, provider_status="IN_PROGRESS")),
        (instance(None), Confirmed(run_id=RUN)),
        (instance("COMPLETED"), Confirmed(run_id=RUN, provider_status="COMPLETED")),
    ],
)
def test_a_run_that_a_person_names_is_asked_about(reply: Reply, expected: Any) -> None:
    driven = confirm(reply, run_id=f" {RUN} ")

    assert driven.call == Call(method="GET", path=INSTANCE)
    assert driven.answer == expected


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (says(200, {"id": RUN, "modelId": "other"}), Denied, "another workflow (other)"),
        (says(404), Denied, "does not show it"),
        (says(200, {"id": RUN, "status": "IN_PROGRESS"}), Unverifiable, "does not tell"),
    ],
)
def test_a_run_that_is_not_the_workflows_is_denied(reply: Reply, kind: type[Any], words: str) -> None:
    answer = confirm(reply).answer

    assert type(answer) is kind
    assert words in answer.meaning


@pytest.mark.parametrize(
    ("reply", "kind"), [(says(401), Unauthorised), (says(429), Busy), (says(500), Unreachable), (says(200, []), Unreachable)]
)
def test_a_named_run_that_could_not_be_asked_about_is_neither_confirmed_nor_denied(reply: Reply, kind: type[Any]) -> None:
    assert type(confirm(reply).answer) is kind


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


@given(replies=st.lists(odd_replies(SHOWN), min_size=1, max_size=4), is_reading=st.booleans())
@pytest.mark.parametrize("verb", ANSWERS)
def test_no_reply_can_break_a_verb(verb: str, replies: list[Reply], is_reading: bool) -> None:
    connection = replace(READING, workflows={MODEL: a_model()}) if is_reading else CONNECTION
    example = replace(PROVIDER.examples[0], launch=a_running_launch(), connection=connection)

    calls, answer = answered(exchanges(PROVIDER, example)[verb], replies)

    assert isinstance(answer, ANSWERS[verb])
    assert sum(call.changes for call in calls) <= 1


@given(reply=odd_replies(SHOWN))
def test_a_start_is_refused_by_a_4xx_only_and_accepted_by_a_2xx_only(reply: Reply) -> None:
    answer = start(reply).answer

    if isinstance(answer, Accepted | Completed):
        assert 200 <= reply.status < 300
    elif not isinstance(answer, Unreachable):
        assert 400 <= reply.status < 500
    else:
        assert answer.is_possibly_applied
