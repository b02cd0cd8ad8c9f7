"""Salesforce Flow: what the contract suite cannot know. Sources stand in the provider's file."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Connection, InputSpec, InputType, Launch, Problem, Workflow
from bot.domain.provider import (
    Accepted,
    Busy,
    Call,
    Candidate,
    Completed,
    Confirmed,
    Denied,
    Described,
    Held,
    Listed,
    LoggedIn,
    Matches,
    Observed,
    Outcome,
    Refused,
    Reply,
    Secret,
    Session,
    Signature,
    Unauthorised,
    Unreachable,
    Unsupported,
    Unverifiable,
)
from bot.providers.salesforce import PROVIDER, Correlation, Options
from tests.builders import a_connection, a_launch, a_workflow
from tests.exchanges import drive

GUID = "0123456789abcdef0123456789abcdef-aaaa"
CORRELATION = Correlation(input="RequestId", object="Case", field="Request_Id__c")
FLOW = "/services/data/v65.0/actions/custom/flow"


def says(status: int, body: Any = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body="" if body is None else json.dumps(body))


def an_org(**options: Any) -> Connection:
    return a_connection(
        name="sales", provider="salesforce", base_url="https://acme.my.salesforce.com", options=Options(**options)
    )


def a_flow_launch(**changes: Any) -> Launch:
    plain = {"provider": "salesforce", "connection": "sales", "workflow_id": "Escalate_to_Case", "inputs": {"CommentCount": 6}}
    return a_launch(**(plain | changes))


def a_result(*, is_success: Any = True, status: Any = "Finished", guid: Any = GUID, **changes: Any) -> dict[str, Any]:
    values = {"CaseId": "500D", "Flow__InterviewGuid": guid, "Flow__InterviewStatus": status}
    plain = {"actionName": "Escalate_to_Case", "errors": None, "isSuccess": is_success, "outputValues": values, "version": 1}
    return plain | changes


def fault(code: str, message: str = "because") -> list[dict[str, Any]]:
    return [{"errorCode": code, "message": message}]


def started(reply: Reply, **changes: Any) -> Any:
    return drive(PROVIDER.start(a_flow_launch(**changes), an_org()), reply).answer


def tracked(reply: Reply, run_id: str = GUID) -> Any:
    return drive(PROVIDER.track(a_flow_launch(run_id=run_id), an_org()), reply).answer


def rows(*records: Any) -> Reply:
    return says(200, {"totalSize": len(records), "done": True, "records": list(records)})


def interview(status: Any, **changes: Any) -> Reply:
    return rows({"Id": "0Fo", "Guid": GUID, "InterviewStatus": status, "CurrentElement": "Wait_1", "PauseLabel": None} | changes)


def a_parameter(name: str = "Amount", kind: Any = "STRING", **changes: Any) -> dict[str, Any]:
    plain = {"name": name, "label": name, "type": kind, "description": None, "required": False, "maxOccurs": 1}
    return plain | {"picklistValues": None} | changes


def choices(*values: str, inactive: str = "Old") -> list[dict[str, Any]]:
    active = [{"active": True, "label": f"{value}!", "value": value} for value in values]
    return [*active, {"active": False, "label": inactive, "value": inactive}]


def described(*parameters: Any, workflow: Workflow | None = None, **options: Any) -> Workflow:
    asked = PROVIDER.describe(workflow or Workflow(workflow_id="Escalate_to_Case"), an_org(**options))
    told = says(200, {"name": "Escalate_to_Case", "label": "Escalate to Case", "inputs": list(parameters)})
    answer = drive(asked, told, says(200, {"done": True, "records": []})).answer
    assert isinstance(answer, Described)
    return answer.workflow


# --- start: the call ---------------------------------------------------------------------------------------------------


def test_one_launch_is_one_interview() -> None:
    call = next(PROVIDER.start(a_flow_launch(inputs={"CommentCount": 6, "FeedItemId": "0D5"}), an_org()))

    assert (call.method, call.path) == ("POST", f"{FLOW}/Escalate_to_Case")
    assert call.json == {"inputs": [{"CommentCount": 6, "FeedItemId": "0D5"}]}
    assert not call.headers


def test_a_flow_without_inputs_still_gets_one_element() -> None:
    assert next(PROVIDER.start(a_flow_launch(inputs={}), an_org())).json == {"inputs": [{}]}


def test_the_pinned_version_is_in_every_path() -> None:
    org = an_org(api_version="v61.0")
    launch = a_flow_launch(run_id=GUID)
    asked = (
        PROVIDER.start(launch, org),
        PROVIDER.track(launch, org),
        PROVIDER.catalogue(org),
        PROVIDER.describe(a_workflow(workflow_id="F"), org),
        PROVIDER.probe(org),
    )

    assert all(next(exchange).path.startswith("/services/data/v61.0/") for exchange in asked)


@given(
    st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.lists(st.text(max_size=3)) | st.text())
)
def test_inputs_leave_as_they_are(inputs: dict[str, Any]) -> None:
    assert next(PROVIDER.start(a_flow_launch(inputs=inputs), an_org())).json == {"inputs": [inputs]}


def test_a_managed_flow_keeps_its_namespace() -> None:
    call = next(PROVIDER.start(a_flow_launch(workflow_id="sfdatakit__Deploy"), an_org()))

    assert call.path == f"{FLOW}/sfdatakit__Deploy"


@pytest.mark.parametrize("name", ["", "..", "a/b", "Escalate to Case", "1st", "_x", "Flow?x", "Été", "x" * 300])
def test_what_is_no_api_name_is_never_sent(name: str) -> None:
    for exchange in (
        PROVIDER.start(a_flow_launch(workflow_id=name), an_org()),
        PROVIDER.describe(Workflow(workflow_id=name), an_org()),
    ):
        driven = drive(exchange)

        assert not driven.calls
        assert isinstance(driven.answer, Refused)


def test_the_launch_id_goes_into_the_correlation_input() -> None:
    call = next(PROVIDER.start(a_flow_launch(launch_id="L-9ZX4"), an_org(correlation=CORRELATION)))

    assert call.json == {"inputs": [{"CommentCount": 6, "RequestId": "L-9ZX4"}]}


def test_nobody_else_fills_the_correlation_input() -> None:
    org, workflow = an_org(correlation=CORRELATION), a_workflow()

    assert PROVIDER.check({"RequestId": "mine"}, workflow, org) == (
        Problem(code="reserved_input", facts={"name": "RequestId", "provider": "Salesforce Flow"}),
    )
    assert PROVIDER.check({"requestid": "x"}, workflow, org) == ()
    assert PROVIDER.check({"RequestId": "x"}, workflow, an_org()) == ()


def test_several_choices_of_a_multi_select_are_one_text() -> None:
    launch = a_flow_launch(inputs={"Days": ["Mo", "Tu"], "Tags": ["a", "b"]}, extras={"joined_inputs": ["Days"]})

    assert next(PROVIDER.start(launch, an_org())).json == {"inputs": [{"Days": "Mo;Tu", "Tags": ["a", "b"]}]}


def test_a_start_is_never_resent() -> None:
    assert PROVIDER.resend_window_s is None
    assert PROVIDER.timeout_s >= 120


# --- start: the answer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [list, dict], ids=["array", "object"])
@pytest.mark.parametrize("key", ["Flow__InterviewStatus", "Flow_InterviewStatus"])
def test_both_shapes_and_both_spellings_are_read(wrap: type, key: str) -> None:
    result = a_result(outputValues={"CaseId": "500D", "Flow__InterviewGuid": GUID, key: "Finished"})

    answer = started(says(200, [result] if wrap is list else result))

    assert answer == Completed(outcome=Outcome.SUCCEEDED, run_id=GUID, provider_status="Finished", outputs={"CaseId": "500D"})


def test_the_interviews_own_keys_are_no_outputs() -> None:
    values = {"A": 1, "Flow__InterviewGuid": GUID, "Flow_InterviewStatus": "Finished", "Flow__InterviewStatus": "Finished"}

    assert started(says(200, [a_result(outputValues=values)])).outputs == {"A": 1}


@pytest.mark.parametrize("values", [None, {}, []])
def test_an_older_answer_without_outputs_is_a_success(values: Any) -> None:
    assert started(says(200, [a_result(outputValues=values)])) == Completed(outcome=Outcome.SUCCEEDED)


@pytest.mark.parametrize("status", [200, 201, 400])
def test_a_faulting_flow_has_failed_under_either_status(status: int) -> None:
    errors = [
        {"statusCode": "FLOW_ELEMENT_ERROR", "message": "An error occurred at element MyDecision (Decision).", "fields": []}
    ]

    answer = started(says(status, [a_result(is_success=False, status="Error", errors=errors)]))

    assert answer.outcome is Outcome.FAILED
    assert (answer.code, answer.run_id, answer.provider_status) == ("FLOW_ELEMENT_ERROR", GUID, "Error")
    assert answer.detail == errors[0]["message"]


def test_a_flow_that_never_began_has_failed_without_a_guid() -> None:
    errors = [{"statusCode": "INVALID_API_INPUT", "message": "Missing required input parameter: FeedItemId"}]

    answer = started(says(400, [a_result(is_success=False, errors=errors, outputValues=None)]))

    assert answer == Completed(
        outcome=Outcome.FAILED, code="INVALID_API_INPUT", detail="Missing required input parameter: FeedItemId"
    )


@pytest.mark.parametrize("errors", [None, [], [None], [{}], "broken"])
def test_a_failure_that_says_nothing_is_still_one(errors: Any) -> None:
    answer = started(says(400, [a_result(is_success=False, errors=errors)]))

    assert answer.outcome is Outcome.FAILED


def test_success_with_the_status_error_has_failed() -> None:
    assert started(says(200, [a_result(status="Error")])).outcome is Outcome.FAILED


@pytest.mark.parametrize("status", ["Waiting", "Started", "Created", "Dreaming"])
def test_what_goes_on_is_tracked_by_its_guid(status: str) -> None:
    answer = started(says(200, [a_result(status=status)]))

    assert answer == Accepted(run_id=GUID, provider_status=status, outputs={"CaseId": "500D"})


@pytest.mark.parametrize("guid", [None, "", "  ", True, {}])
def test_what_goes_on_without_a_guid_cannot_be_followed(guid: Any) -> None:
    answer = started(says(200, [a_result(status="Waiting", guid=guid)]))

    assert answer.outcome is Outcome.ENDED
    assert answer.provider_status == "Waiting"


@pytest.mark.parametrize(
    "body", [[], {}, [[]], [None], [{}], [{"isSuccess": "true"}], [{"isSuccess": None}], {"outputValues": {}}, "ok", 7]
)
def test_a_success_that_does_not_say_so_is_in_doubt(body: Any) -> None:
    assert started(says(200, body)) == Unreachable(is_possibly_applied=True, detail="unreadable answer")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_broken_answer_is_in_doubt_even_if_it_reads_well(status: int) -> None:
    assert started(says(status, [a_result()])) == Unreachable(is_possibly_applied=True, detail=f"HTTP {status}")


# --- start: the platform's errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["JSON_PARSER_ERROR", "INVALID_TYPE", "SOMETHING_NEW"])
def test_a_refused_request_carries_its_code(code: str) -> None:
    answer = started(says(400, fault(code)))

    assert isinstance(answer, Refused)
    assert (answer.code, answer.detail) == (code, "because")


def test_an_unknown_flow_may_also_be_inactive_or_closed_to_us() -> None:
    answer = started(says(404, fault("NOT_FOUND", "The requested resource does not exist")))

    assert isinstance(answer, Refused)
    assert "inactive" in answer.meaning
    assert "may not run it" in answer.meaning


@pytest.mark.parametrize(
    ("message", "wait_s"),
    [("ConcurrentPerOrgLongTxn Limit exceeded.", 30.0), ("TotalRequests Limit exceeded.", 900.0), ("", 900.0)],
)
def test_limits_wait_and_are_no_lack_of_access(message: str, wait_s: float) -> None:
    answer = started(says(403, fault("REQUEST_LIMIT_EXCEEDED", message)))

    assert isinstance(answer, Busy)
    assert (answer.code, answer.retry_after_s) == ("REQUEST_LIMIT_EXCEEDED", wait_s)


def test_a_wait_that_salesforce_names_goes_first() -> None:
    answer = started(says(403, fault("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), retry_after="60"))

    assert answer.retry_after_s == 60.0


def test_no_access_to_the_flow_says_what_is_needed() -> None:
    answer = started(says(403, fault("INSUFFICIENT_ACCESS")))

    assert isinstance(answer, Unauthorised)
    assert answer.scope == "Run Flows"
    assert "this very flow" in answer.meaning


def test_a_missing_scope_hides_behind_the_code_of_an_expired_session() -> None:
    text = "One of the following scopes is required: Manage user data via APIs, Full access"
    lacking, expired = started(says(401, fault("INVALID_SESSION_ID", text))), started(says(401, fault("INVALID_SESSION_ID")))

    assert (lacking.scope, expired.scope) == ("api", None)
    assert started(says(403, fault("API_CURRENTLY_DISABLED"))).scope == "api"


def test_the_oauth_error_shape_is_read_too() -> None:
    answer = started(says(400, {"error": "invalid_grant", "error_description": "no client credentials user enabled"}))

    assert (answer.code, answer.detail) == ("invalid_grant", "no client credentials user enabled")


# --- login, credential, signature --------------------------------------------------------------------------------------

APP = {"client_id": Secret("consumer-key"), "client_secret": Secret("made-up")}
GIVEN = {"access_token": Secret("g1ven")}


def problems(credential: dict[str, Secret], base_url: str = "https://acme.my.salesforce.com", **options: Any) -> tuple[str, ...]:
    return PROVIDER.credential_problems(credential, replace(an_org(**options), base_url=base_url))


@pytest.mark.parametrize(
    ("credential", "says_what"),
    [
        ({}, "needs client_id and client_secret, or access_token"),
        ({"client_id": Secret("x")}, "lacks client_secret"),
        ({"client_secret": Secret("x")}, "lacks client_id"),
        (APP | GIVEN, "access_token and client_id and client_secret"),
        ({"client_id": Secret("x")} | GIVEN, "access_token and client_id"),
        ({"access_token": Secret("")}, "needs client_id"),
    ],
)
def test_a_credential_is_an_app_or_a_token(credential: dict[str, Secret], says_what: str) -> None:
    (problem,) = problems(credential)

    assert says_what in problem


def test_either_way_in_is_enough() -> None:
    assert problems(APP) == problems(GIVEN) == ()


@pytest.mark.parametrize("host", ["login.salesforce.com", "test.salesforce.com", "LOGIN.salesforce.com"])
def test_an_app_needs_the_my_domain_host(host: str) -> None:
    (problem,) = problems(APP, f"https://{host}")

    assert "My Domain" in problem
    assert problems(GIVEN, f"https://{host}") == ()


@pytest.mark.parametrize("version", ["65.0", "v65", "v65.1", "v9.0", "v49.0", "", "v65.0/../..", "v٦٥.0", "v065.0x"])
def test_a_version_that_is_none_is_named(version: str) -> None:
    (problem,) = problems(APP, api_version=version)

    assert repr(version) in problem


def test_correlation_names_must_fit_a_query() -> None:
    bad = Correlation(input="Request Id", object="Case' OR", field="Request_Id__c")

    assert len(problems(APP, correlation=bad)) == 2
    assert problems(APP, correlation=CORRELATION) == ()


def test_a_login_is_a_form_with_the_app() -> None:
    exchange = PROVIDER.login(an_org())
    call = next(exchange)
    signature = PROVIDER.sign(call, APP, None)

    assert (call.method, call.path, call.form) == ("POST", "/services/oauth2/token", {"grant_type": "client_credentials"})
    assert {*signature.form} == {"client_id", "client_secret"}
    assert not signature.headers


def test_the_address_in_the_token_answer_is_ignored() -> None:
    body = {"access_token": "t0ken", "instance_url": "https://elsewhere.example", "issued_at": "1763700000000"}

    assert drive(PROVIDER.login(an_org()), says(200, body)).answer == LoggedIn(session=Session(token=Secret("t0ken")))


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_login_is_the_operators_turn(status: int) -> None:
    answer = drive(PROVIDER.login(an_org()), says(status, {"error": "invalid_client"})).answer

    assert isinstance(answer, Unauthorised)
    assert answer.code == "invalid_client"


def test_a_given_token_needs_no_login() -> None:
    signature = PROVIDER.sign(Call(method="GET", path="/"), GIVEN, None)

    assert not PROVIDER.needs_login(GIVEN)
    assert PROVIDER.needs_login(APP)
    assert signature.headers["Authorization"].reveal() == "Bearer g1ven"


def test_a_session_signs_where_an_app_logged_in() -> None:
    call = Call(method="GET", path="/")

    assert PROVIDER.sign(call, APP, Session(token=Secret("t0ken"))).headers["Authorization"].reveal() == "Bearer t0ken"
    assert PROVIDER.sign(call, APP, None) == Signature()


def test_only_a_401_ends_a_session() -> None:
    assert PROVIDER.is_session_over(says(401, fault("INVALID_SESSION_ID")))
    assert not PROVIDER.is_session_over(says(403, fault("REQUEST_LIMIT_EXCEEDED")))


# --- track and cancel --------------------------------------------------------------------------------------------------


def test_an_interview_is_asked_for_by_its_guid() -> None:
    call = next(PROVIDER.track(a_flow_launch(run_id=GUID), an_org()))

    assert (call.method, call.path) == ("GET", "/services/data/v65.0/query")
    assert call.query["q"].endswith(f"FROM FlowInterview WHERE Guid = '{GUID}'")


@pytest.mark.parametrize(("version", "has_error"), [("v61.0", False), ("v62.0", True), ("v65.0", True)])
def test_the_error_is_asked_for_only_where_it_exists(version: str, *, has_error: bool) -> None:
    call = next(PROVIDER.track(a_flow_launch(run_id=GUID), an_org(api_version=version)))

    assert ("Error" in call.query["q"]) is has_error


@pytest.mark.parametrize("run_id", [None, "", "' OR Guid != '", "0Fo'", "gggg", "12 34", "٣", "a\n", "a" * 256])
def test_a_guid_that_is_none_reaches_no_query(run_id: str | None) -> None:
    driven = drive(PROVIDER.track(a_flow_launch(run_id=run_id), an_org()))

    assert not driven.calls
    assert driven.answer.outcome is Outcome.ENDED


@given(st.text())
def test_no_run_id_breaks_out_of_the_query(run_id: str) -> None:
    for call in drive(PROVIDER.track(a_flow_launch(run_id=run_id), an_org()), rows()).calls:
        assert call.query["q"].count("'") == 2


@pytest.mark.parametrize(
    ("label", "element", "words"),
    [
        (None, "Wait_1", "paused by the flow itself: Wait_1"),
        ("For the manager", "Wait_1", "paused by the flow itself: For the manager"),
        ("  ", None, "paused by the flow itself"),
    ],
)
def test_a_flow_that_waits_by_design_needs_no_attention(label: str | None, element: str | None, words: str) -> None:
    answer = tracked(interview("Paused", PauseLabel=label, CurrentElement=element))

    assert answer == Observed(provider_status="Paused", progress=words)


def test_a_paused_version_needs_somebody() -> None:
    answer = tracked(interview("VersionPaused"))

    assert isinstance(answer, Observed)
    assert "administrator" in (answer.attention or "")


def test_a_failed_interview_tells_its_error() -> None:
    assert tracked(interview("Error", Error="UNABLE_TO_LOCK_ROW")) == Completed(
        outcome=Outcome.FAILED, provider_status="Error", detail="UNABLE_TO_LOCK_ROW"
    )


def test_a_completed_interview_that_still_has_a_row_succeeded() -> None:
    assert tracked(interview("Completed")).outcome is Outcome.SUCCEEDED


def test_an_interview_that_is_gone_has_ended_and_nobody_says_succeeded() -> None:
    answer = tracked(rows())

    assert answer.outcome is Outcome.ENDED
    assert "finished or was deleted" in (answer.detail or "")


@pytest.mark.parametrize("status", ["Running", "Napping", None])
def test_every_other_status_goes_on(status: str | None) -> None:
    assert tracked(interview(status)) == Observed(provider_status=status)


@pytest.mark.parametrize("body", [None, {}, [], {"records": None}, {"records": {}}, "none", {"totalSize": 0}])
def test_an_unreadable_query_is_asked_again(body: Any) -> None:
    assert tracked(says(200, body)) == Unreachable(is_possibly_applied=False, detail="unreadable answer")


def test_a_query_that_is_refused_names_why() -> None:
    assert tracked(says(400, fault("INVALID_FIELD"))).code == "INVALID_FIELD"
    assert isinstance(tracked(says(403, fault("REQUEST_LIMIT_EXCEEDED"))), Busy)


def test_a_run_cannot_be_stopped() -> None:
    answer = drive(PROVIDER.cancel(a_flow_launch(run_id=GUID), an_org())).answer

    assert not PROVIDER.can_cancel
    assert isinstance(answer, Unsupported)


# --- catalogue ---------------------------------------------------------------------------------------------------------


def catalogued(*actions: Any) -> Any:
    return drive(PROVIDER.catalogue(an_org()), says(200, {"actions": list(actions)})).answer


def test_flows_are_listed_by_label() -> None:
    answer = catalogued({"name": "Escalate_to_Case", "label": "Escalate to Case", "type": "FLOW"}, {"name": "Bare"})

    assert answer == Listed(
        workflows=(Workflow(workflow_id="Escalate_to_Case", name="Escalate to Case"), Workflow(workflow_id="Bare"))
    )


@pytest.mark.parametrize("row", [None, 7, {}, {"name": ""}, {"name": None, "type": "FLOW"}, {"name": "Post", "type": "APEX"}])
def test_what_is_no_flow_is_left_out(row: Any) -> None:
    assert catalogued(row) == Listed(workflows=())


@pytest.mark.parametrize("body", [None, [], {}, {"actions": None}, {"actions": "none"}])
def test_an_unreadable_list_is_no_empty_one(body: Any) -> None:
    answer = drive(PROVIDER.catalogue(an_org()), says(200, body)).answer

    assert isinstance(answer, Unreachable)


# --- describe ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("STRING", InputType.TEXT),
        ("TEXTAREA", InputType.LONG_TEXT),
        ("Boolean", InputType.BOOLEAN),
        ("INTEGER", InputType.INTEGER),
        ("LONG", InputType.INTEGER),
        ("NUMBER", InputType.DECIMAL),
        ("CURRENCY", InputType.DECIMAL),
        ("PERCENT", InputType.DECIMAL),
        ("DATE", InputType.DATE),
        ("DATETIME", InputType.DATETIME),
        ("REFERENCE", InputType.TEXT),
        ("PICKLIST", InputType.TEXT),
        ("NEVER_SEEN", InputType.TEXT),
        (None, InputType.TEXT),
    ],
)
def test_each_type_has_its_input(kind: Any, type_: InputType) -> None:
    assert described(a_parameter(kind=kind)).inputs == (InputSpec(name="Amount", type=type_),)


def test_a_picklist_offers_its_active_values_once() -> None:
    (spec,) = described(a_parameter(kind="PICKLIST", picklistValues=choices("High", "Low", "High"))).inputs or ()

    assert (spec.type, spec.options) == (InputType.CHOICE, ("High", "Low"))


def test_a_multi_select_is_remembered_for_the_start() -> None:
    workflow = described(a_parameter("Days", "MULTIPICKLIST", picklistValues=choices("Mo", "Tu")), a_parameter("Tags"))

    assert workflow.extras == {"joined_inputs": ["Days"]}
    assert [spec.type for spec in workflow.inputs or ()] == [InputType.MULTI_CHOICE, InputType.TEXT]


def test_a_collection_takes_many() -> None:
    first, second = (
        described(
            a_parameter("Tags", maxOccurs=2000), a_parameter("Days", "MULTIPICKLIST", maxOccurs=9, picklistValues=choices("Mo"))
        ).inputs
        or ()
    )

    assert (first.type, first.many) == (InputType.TEXT, True)
    assert (second.type, second.many, second.options) == (InputType.CHOICE, True, ("Mo",))


@pytest.mark.parametrize("most", [1, 0, None, "1", "many"])
def test_one_value_is_no_collection(most: Any) -> None:
    (spec,) = described(a_parameter(maxOccurs=most)).inputs or ()

    assert not spec.many


@pytest.mark.parametrize("kind", ["SOBJECT", "Apex", "APEX_DEFINED", "apex-defined"])
def test_a_record_is_left_out_and_stands_in_the_way_only_where_it_is_required(kind: str) -> None:
    optional, required = described(a_parameter("Parent", kind)), described(a_parameter("Parent", kind, required=True))

    assert (optional.inputs, optional.obstacle) == ((), None)
    assert required.obstacle == "Its required input Parent is a record, which cannot be given here."


def test_the_correlation_input_is_not_asked_of_people() -> None:
    workflow = described(a_parameter("RequestId"), a_parameter("Amount"), correlation=CORRELATION)

    assert [spec.name for spec in workflow.inputs or ()] == ["Amount"]


def test_labels_and_hints_are_told_where_they_say_something() -> None:
    (spec,) = described(a_parameter(label="How much", description="In euros", required=True)).inputs or ()

    assert (spec.label, spec.hint, spec.required) == ("How much", "In euros", True)


@pytest.mark.parametrize("row", [None, 7, [], {}, {"name": None}, {"name": "  "}])
def test_a_parameter_without_a_name_is_left_out(row: Any) -> None:
    assert described(row).inputs == ()


def test_a_sparse_parameter_is_a_text() -> None:
    assert described({"name": "Test_Input"}).inputs == (InputSpec(name="Test_Input"),)


def test_a_name_that_is_known_stays() -> None:
    assert described().name == "Escalate to Case"
    assert described(workflow=Workflow(workflow_id="F", name="Ours", obstacle="closed")).obstacle == "closed"


@pytest.mark.parametrize("body", [None, {}, {"actions": []}, {"inputs": None}, {"inputs": {}}])
def test_an_unreadable_description_is_no_flow_without_inputs(body: Any) -> None:
    answer = drive(PROVIDER.describe(Workflow(workflow_id="F"), an_org()), says(200, body)).answer

    assert isinstance(answer, Unreachable)


SAMPLE = {"name": "Escalate_to_Case", "label": "Escalate to Case", "inputs": []}


def with_version(*rows: Any, status: int = 200, body: Any = None, **changes: Any) -> Any:
    """A flow described, and what the org then says of its versions."""
    view = says(status, {"done": True, "records": list(rows)} if body is None else body)
    return drive(PROVIDER.describe(Workflow(workflow_id="Escalate_to_Case", **changes), an_org()), says(200, SAMPLE), view)


def test_the_active_version_is_asked_for_by_name_and_is_the_one_that_an_approval_is_bound_to() -> None:
    driven = with_version({"IsActive": True, "ActiveVersionId": "301xx0000000001AAA"})

    assert driven.calls[1].query == {
        "q": "SELECT IsActive, ActiveVersionId FROM FlowDefinitionView WHERE ApiName = 'Escalate_to_Case'"
    }
    assert (driven.answer.workflow.version, driven.answer.workflow.obstacle) == ("301xx0000000001AAA", None)


def test_a_flow_without_an_active_version_is_not_launched_although_salesforce_would_run_its_latest() -> None:
    told = with_version({"IsActive": False, "ActiveVersionId": None}).answer.workflow

    assert (told.version, told.obstacle) == (None, "It has no active version in the org.")


@pytest.mark.parametrize("row", [{}, {"IsActive": None}, {"IsActive": "no"}, {"ActiveVersionId": 7.5}, None, "text"])
def test_what_the_org_does_not_tell_of_versions_is_no_obstacle(row: Any) -> None:
    told = with_version(row).answer.workflow

    assert (told.version, told.obstacle) == (None, None)


@pytest.mark.parametrize(("status", "code"), [(400, "INVALID_TYPE"), (403, "INSUFFICIENT_ACCESS"), (404, "NOT_FOUND")])
def test_a_view_that_may_not_be_read_leaves_the_inputs_as_they_are(status: int, code: str) -> None:
    told = with_version(status=status, body=[{"errorCode": code, "message": "x"}]).answer

    assert isinstance(told, Described)
    assert (told.workflow.version, told.workflow.obstacle) == (None, None)


@pytest.mark.parametrize(("status", "code"), [(503, "SERVER_UNAVAILABLE"), (403, "REQUEST_LIMIT_EXCEEDED")])
def test_an_org_in_trouble_does_not_make_the_version_look_changed(status: int, code: str) -> None:
    answer = with_version(status=status, body=[{"errorCode": code, "message": "x"}]).answer

    assert isinstance(answer, Unreachable | Busy)


# --- probe and link ----------------------------------------------------------------------------------------------------


SCOPE_TEXT = "One of the following scopes is required: Manage user data via APIs, Full access"


def actions(*names: str) -> Reply:
    return says(200, {"actions": [{"name": name, "label": name.replace("_", " "), "type": "FLOW"} for name in names]})


def view(**flows: bool) -> Reply:
    records = [{"ApiName": name, "IsActive": is_active} for name, is_active in flows.items()]
    return says(200, {"totalSize": len(records), "done": True, "records": records})


def probed(*replies: Reply, flows: tuple[str, ...] = ()) -> Any:
    connection = replace(an_org(), workflows={name: Workflow(workflow_id=name) for name in flows})
    return drive(PROVIDER.probe(connection), *replies).answer


def test_what_is_listed_may_be_run_and_what_is_active_and_not_listed_is_kept_from_the_user() -> None:
    answer = probed(actions("Runs"), view(Runs=True, Kept=True, Asleep=False))

    assert [answer.of("api", flow) for flow in ("", "Runs", "Kept", "Asleep")] == [True, True, False, None]
    assert answer.is_complete
    assert {seen.workflow_id: "active" in seen.evidence for seen in answer.scopes} == {
        "": False,
        "Runs": False,
        "Kept": True,
        "Asleep": True,
    }


def test_a_configured_flow_that_the_org_does_not_have_is_no_matter_of_rights() -> None:
    answer = probed(actions("Runs"), view(Runs=True), flows=("Runs", "Gone"))

    assert answer.of("api", "Gone") is None
    assert "no autolaunched flow" in next(seen.evidence for seen in answer.scopes if seen.workflow_id == "Gone")


@pytest.mark.parametrize(
    "second",
    [
        says(403, fault("INSUFFICIENT_ACCESS")),
        says(400, fault("INVALID_TYPE")),
        says(200, {"records": [{"ApiName": "Kept", "IsActive": True}], "done": False}),
        says(200, {"records": "x"}),
    ],
)
def test_where_the_orgs_own_list_is_closed_a_configured_flow_that_is_not_listed_is_not_held(second: Reply) -> None:
    answer = probed(actions("Runs"), second, flows=("Kept",))

    assert (answer.of("api", "Runs"), answer.of("api", "Kept")) == (True, False)


def test_an_app_without_the_scope_holds_nothing() -> None:
    answer = probed(says(401, fault("INVALID_SESSION_ID", SCOPE_TEXT)))

    assert [(seen.scope, seen.workflow_id, seen.is_held) for seen in answer.scopes] == [("api", "", False)]


@pytest.mark.parametrize("reply", [says(200), says(200, []), says(401, fault("INVALID_SESSION_ID")), says(500), says(404)])
def test_a_probe_that_brings_nothing_holds_nothing(reply: Reply) -> None:
    assert not isinstance(probed(reply), Held)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_probe_that_is_half_answered_holds_nothing(status: int) -> None:
    assert not isinstance(probed(actions("Runs"), says(status)), Held)


def test_a_refused_flow_is_missing_on_that_flow_alone() -> None:
    answer = started(says(403, fault("INSUFFICIENT_ACCESS")))

    assert (answer.scope, answer.held_as, answer.is_of_workflow) == ("Run Flows", "api", True)


def test_a_missing_oauth_scope_is_missing_altogether() -> None:
    answer = started(says(401, fault("INVALID_SESSION_ID", SCOPE_TEXT)))

    assert (answer.scope, answer.held_as, answer.is_of_workflow) == ("api", None, False)


def test_the_only_scope_is_api_and_a_finished_run_has_no_page() -> None:
    assert [scope.name for scope in PROVIDER.scopes] == ["api"]
    assert PROVIDER.needed_scopes("launch", a_workflow()) == ("api",)
    assert PROVIDER.link(a_flow_launch(run_id=GUID), an_org()) is None


# --- find and confirm --------------------------------------------------------------------------------------------------

QUERY = "/services/data/v65.0/query"
CASE_ID = "500D0000003abcX"


def find(reply: Reply, launch_id: str = "L-7K3QW") -> Any:
    return drive(PROVIDER.find(a_flow_launch(launch_id=launch_id), an_org(correlation=CORRELATION)), reply)


def test_a_lost_run_is_looked_for_by_the_record_that_it_wrote() -> None:
    driven = find(rows({"attributes": {"type": "Case"}, "Id": CASE_ID}))

    query = {"q": "SELECT Id FROM Case WHERE Request_Id__c = 'L-7K3QW'"}
    assert driven.call == Call(method="GET", path=QUERY, query=query)
    assert driven.answer == Matches(candidates=(Candidate(run_id=CASE_ID, outcome=Outcome.SUCCEEDED),))


def test_no_record_means_no_candidate() -> None:
    assert find(rows()).answer == Matches(candidates=())


def test_several_records_are_all_told_once() -> None:
    found = find(rows({"Id": "a"}, {"Id": "b"}, {"Id": "a"})).answer

    assert [candidate.run_id for candidate in found.candidates] == ["a", "b"]


@pytest.mark.parametrize(
    ("launch_id", "quoted"),
    [
        ("L-1' OR Id != '", r"L-1\' OR Id != \'"),
        ("L-1\\", r"L-1\\"),
        (r"L-1\' OR Name != ''", r"L-1\\\' OR Name != \'\'"),
    ],
)
def test_a_launch_id_cannot_leave_its_quotes(launch_id: str, quoted: str) -> None:
    assert find(rows(), launch_id).call.query["q"].removeprefix("SELECT Id FROM Case WHERE Request_Id__c = ") == f"'{quoted}'"


@given(launch_id=st.text(alphabet="L-1'\\ ", max_size=12))
def test_whatever_a_launch_is_called_the_query_has_two_bare_quotes(launch_id: str) -> None:
    query = find(rows(), launch_id).call.query["q"].replace("\\\\", "").replace("\\'", "")

    assert query.count("'") == 2
    assert query.endswith("'")


@pytest.mark.parametrize("record", [{}, {"Id": None}, {"Id": ""}, {"Id": 1.5}, None, 3])
def test_a_record_without_an_id_is_no_answer(record: Any) -> None:
    answer = find(rows({"Id": CASE_ID}, record)).answer

    assert answer == Unreachable(is_possibly_applied=False, detail="unreadable answer")


def test_without_a_correlation_nothing_is_asked() -> None:
    driven = drive(PROVIDER.find(a_flow_launch(), an_org()))

    assert not driven.calls
    assert isinstance(driven.answer, Unsupported)
    assert (PROVIDER.can_find(an_org()), PROVIDER.can_find(an_org(correlation=CORRELATION))) == (False, True)


def test_a_record_with_the_launch_id_is_proof_and_nothing_is_left_to_build() -> None:
    assert PROVIDER.is_find_proof
    assert PROVIDER.not_built == ()


@pytest.mark.parametrize(
    ("reply", "kind", "scope"),
    [
        (says(400, fault("INVALID_FIELD")), Refused, None),
        (says(400, fault("INVALID_TYPE")), Refused, None),
        (says(404, fault("NOT_FOUND")), Refused, None),
        (says(401, fault("INVALID_SESSION_ID")), Unauthorised, None),
        (says(403, fault("API_DISABLED_FOR_ORG")), Unauthorised, "api"),
        (says(403, fault("INSUFFICIENT_ACCESS")), Unauthorised, None),
        (says(403, fault("REQUEST_LIMIT_EXCEEDED")), Busy, None),
        (says(500), Unreachable, None),
        (says(200, {"records": {}}), Unreachable, None),
        (says(200, []), Unreachable, None),
    ],
)
def test_a_look_up_that_brought_nothing_says_so(reply: Reply, kind: type[Any], scope: str | None) -> None:
    answers = [find(reply).answer, drive(PROVIDER.confirm(a_flow_launch(), GUID, an_org()), reply).answer]

    assert [type(answer) for answer in answers] == [kind, kind]
    assert [getattr(answer, "scope", None) for answer in answers] == [scope, scope]
    assert not any(getattr(answer, "is_possibly_applied", False) for answer in answers)


@pytest.mark.parametrize("reply", [says(400, fault("INVALID_TYPE")), says(403, fault("INSUFFICIENT_ACCESS"))])
def test_a_refused_query_is_said_to_be_about_object_and_fields(reply: Reply) -> None:
    assert "object or a field" in find(reply).answer.meaning


def confirm(*replies: Reply, run_id: str = GUID) -> Any:
    return drive(PROVIDER.confirm(a_flow_launch(), run_id, an_org()), *replies)


@pytest.mark.parametrize("status", ["Paused", "Error", "Running", None])
def test_a_named_interview_with_a_row_is_confirmed(status: str | None) -> None:
    driven = confirm(interview(status), run_id=f" {GUID} ")

    assert driven.call.query["q"].removeprefix("SELECT Id, InterviewStatus FROM FlowInterview WHERE Guid = ") == f"'{GUID}'"
    assert driven.answer == Confirmed(run_id=GUID, provider_status=status)


def test_a_named_interview_without_a_row_cannot_be_asked_about() -> None:
    answer = confirm(rows()).answer

    assert isinstance(answer, Unverifiable)
    assert "finished" in answer.meaning


@pytest.mark.parametrize("run_id", [CASE_ID, f"{CASE_ID}AAA"])
def test_the_id_of_a_record_is_left_to_the_persons_word(run_id: str) -> None:
    driven = confirm(run_id=run_id)

    assert not driven.calls
    assert isinstance(driven.answer, Unverifiable)


@pytest.mark.parametrize("run_id", ["x' OR Guid != '", "L-7K3QW", "500D 0000003abcX", "..", "a/b", "é"])
def test_what_is_no_guid_is_denied_without_asking(run_id: str) -> None:
    driven = confirm(run_id=run_id)

    assert not driven.calls
    assert isinstance(driven.answer, Denied)
