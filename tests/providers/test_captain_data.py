"""Captain Data: the documented start call to the letter, one row per launch, and no row or cookie ever told."""

from __future__ import annotations

import json
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
)
from bot.providers.captain_data import PROVIDER, Options, Step, WorkflowOptions
from tests.builders import a_launch
from tests.exchanges import Driven, drive
from tests.odd_replies import answered, bodies, exchanges, odd_replies

WORKFLOW = "0d179c07-6443-4eeb-ada7-652fb498f997"
STEP = "11111111-1111-4111-8111-111111111111"
OTHER_STEP = "33333333-3333-4333-8333-333333333333"
RUN = "22222222-2222-4222-8222-222222222222"
ACCOUNT = "44444444-4444-4444-8444-444444444444"
PLAIN_STEP = {"step_uid": STEP, "accounts": [], "parameters": {}}
CONNECTION = Connection(name="growth", provider="captain_data", base_url="https://api.captaindata.co", options=Options())
STOPPING = replace(CONNECTION, options=Options(cancel_path="/v3/jobs/{job_uid}/stop"))


def a_captain_launch(**changes: Any) -> Launch:
    plain: dict[str, Any] = {
        "connection": "growth",
        "provider": "captain_data",
        "workflow_id": WORKFLOW,
        "workflow_name": "Find email",
        "extras": {"steps": [PLAIN_STEP]},
        "inputs": {"first_name": "Ada", "last_name": "Lovelace", "company_name": "Analytical Engines"},
    }
    return a_launch(**(plain | changes))


def a_running_launch(**changes: Any) -> Launch:
    return a_captain_launch(**({"run_id": RUN} | changes))


def a_workflow(**changes: Any) -> Workflow:
    return Workflow(**({"workflow_id": WORKFLOW, "name": "Find email"} | changes))


def says(status: int, body: Any = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body="" if body is None else json.dumps(body))


def scheduled(status: int = 200) -> Reply:
    return says(status, {"workflow": {"uid": WORKFLOW}, "message": "Bot successfully scheduled.", "job_uid": RUN})


def job(status: Any, **more: Any) -> Reply:
    return says(200, {"uid": RUN, "status": status, **more})


def start(reply: Reply, **changes: Any) -> Driven:
    return drive(PROVIDER.start(a_captain_launch(**changes), CONNECTION), reply)


def track(reply: Reply, **changes: Any) -> Driven:
    return drive(PROVIDER.track(a_running_launch(**changes), CONNECTION), reply)


def describe(reply: Reply, connection: Connection = CONNECTION, **changes: Any) -> Any:
    return drive(PROVIDER.describe(a_workflow(**changes), connection), reply).answer


def details(*steps: Any, **more: Any) -> Reply:
    return says(200, {"uid": WORKFLOW, "name": "Find email", "steps": list(steps), **more})


def a_step(**changes: Any) -> dict[str, Any]:
    return {"step_uid": STEP, "step_name": "Search", "position": 0, "integrations": [], "input_schema": {}} | changes


# --- credential and connection ----------------------------------------------------------------------------------------------


def test_key_and_project_are_two_headers() -> None:
    credential = {"api_key": Secret("made-up-key"), "project_id": Secret("made-up-project")}

    signature = PROVIDER.sign(Call(method="GET", path="/v3/workspace"), credential, None)

    assert {name: value.reveal() for name, value in signature.headers.items()} == {
        "Authorization": "x-api-key made-up-key",
        "x-project-id": "made-up-project",
    }
    assert "made-up" not in repr(signature)


def test_no_call_can_renew_a_key() -> None:
    assert PROVIDER.login(CONNECTION) is None
    assert not PROVIDER.is_session_over(says(401))


@pytest.mark.parametrize("path", ["/v3/jobs/stop", "v3/jobs/{job_uid}/stop", "", "https://elsewhere.example/{job_uid}"])
def test_an_address_that_stops_nothing_is_a_problem(path: str) -> None:
    connection = replace(CONNECTION, options=Options(cancel_path=path))

    assert PROVIDER.credential_problems({}, connection) == ("cancel_path must start with a slash and hold {job_uid}.",)


@pytest.mark.parametrize("connection", [CONNECTION, STOPPING, replace(CONNECTION, options=None)])
def test_other_connections_are_taken(connection: Connection) -> None:
    assert PROVIDER.credential_problems({}, connection) == ()


def test_an_entry_without_steps_leaves_them_to_captain_data() -> None:
    assert WorkflowOptions().steps is None
    assert Step(step_uid=STEP).parameters == {}


# --- check and scopes -------------------------------------------------------------------------------------------------------

BAD_STEPS: list[Any] = [None, [], {}, "x", [None], ["x"], [{}], [{"step_uid": ""}], [{"step_uid": 1.5}], [PLAIN_STEP, {}]]


@pytest.mark.parametrize("steps", BAD_STEPS)
def test_a_workflow_without_its_steps_is_incomplete(steps: Any) -> None:
    (problem,) = PROVIDER.check({}, a_workflow(extras={"steps": steps}), CONNECTION)

    assert (problem.code, dict(problem.facts)) == ("workflow_incomplete", {"name": "Find email", "what": "steps"})


def test_a_workflow_with_steps_passes() -> None:
    assert PROVIDER.check({}, a_workflow(extras={"steps": [PLAIN_STEP]}), CONNECTION) == ()


def test_a_launch_needs_every_account_of_its_steps_once() -> None:
    steps = [
        {"step_uid": STEP, "accounts": ["a", "b"]},
        {"step_uid": OTHER_STEP, "accounts": ["b", "c"]},
    ]

    assert PROVIDER.needed_scopes("launch", a_workflow(extras={"steps": steps})) == ("a", "b", "c")


@pytest.mark.parametrize("verb", ["cancel", "list", "describe"])
def test_other_verbs_need_no_account(verb: str) -> None:
    steps = [{"step_uid": STEP, "accounts": ["a"]}]

    assert PROVIDER.needed_scopes(verb, a_workflow(extras={"steps": steps})) == ()


@pytest.mark.parametrize("steps", BAD_STEPS)
def test_unreadable_steps_need_nothing_and_start_nothing(steps: Any) -> None:
    assert PROVIDER.needed_scopes("launch", a_workflow(extras={"steps": steps})) == ()
    driven = drive(PROVIDER.start(a_captain_launch(extras={"steps": steps}), CONNECTION))
    assert driven.calls == ()
    assert isinstance(driven.answer, Refused)


def test_scopes_are_ids_and_not_words() -> None:
    assert PROVIDER.is_scope_free_text
    assert PROVIDER.scopes == ()


# --- start ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201])
def test_a_start_is_the_documented_call(status: int) -> None:
    driven = start(scheduled(status))

    assert driven.call == Call(
        method="POST",
        path=f"/v3/workflows/{WORKFLOW}/schedule",
        json={
            "job_name": "L-7K3QW",
            "steps": [{"step_uid": STEP, "accounts": [], "parameters": {}}],
            "inputs": [{"first_name": "Ada", "last_name": "Lovelace", "company_name": "Analytical Engines"}],
        },
    )
    assert driven.answer == Accepted(run_id=RUN)


def test_a_start_never_repeats_itself() -> None:
    steps = [{**PLAIN_STEP, "repeat_option": {"type": "minute", "value": 10}}]

    body = start(scheduled(), extras={"steps": steps, "repeat_option": {"type": "minute", "value": 10}}).call.json

    assert "repeat_option" not in json.dumps(body)


def test_one_person_is_one_row() -> None:
    assert len(start(scheduled()).call.json["inputs"]) == 1


def test_a_start_without_inputs_has_no_row() -> None:
    assert start(scheduled(), inputs={}).call.json["inputs"] == []


def test_steps_leave_as_they_are_configured() -> None:
    step = {
        "step_uid": STEP,
        "accounts": (ACCOUNT,),
        "parameters": {"max_results": 100, "ratio": Decimal("0.5"), "exclude": False},
        "accounts_rotation_enabled": True,
        "output_column": "email",
    }

    body = start(scheduled(), extras={"steps": (step, {"step_uid": OTHER_STEP, "output_column": None})}).call.json

    assert body["steps"] == [
        {**step, "accounts": [ACCOUNT]},
        {"step_uid": OTHER_STEP, "accounts": [], "parameters": {}},
    ]


def test_an_id_stays_one_part_of_the_path() -> None:
    assert start(scheduled(), workflow_id="../a b?c").call.path == "/v3/workflows/..%2Fa%20b%3Fc/schedule"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, Unauthorised),
        (403, Unauthorised),
        (404, Refused),
        (405, Refused),
        (422, Refused),
        (429, Busy),
        (408, Unreachable),
        (302, Unreachable),
        (500, Unreachable),
        (502, Unreachable),
        (503, Unreachable),
        (504, Unreachable),
    ],
)
@pytest.mark.parametrize("body", ["", "<html>no</html>", '{"message": "no"}', "[]", '{"message": ["no"]}'])
def test_every_status_of_a_start_has_its_answer(status: int, kind: type[Any], body: str) -> None:
    answer = start(Reply(status=status, body=body)).answer

    assert type(answer) is kind
    assert getattr(answer, "scope", None) is None
    assert getattr(answer, "is_possibly_applied", True)
    assert "<" not in (getattr(answer, "detail", None) or "")


def test_every_documented_status_has_an_example() -> None:
    shown = {example.reply.status for example in PROVIDER.examples if example.verb == "start"}

    assert {200, 201, 400, 401, 403, 404, 405, 429, 500} <= shown


@pytest.mark.parametrize("body", ["", "<html>", "{}", "[]", '{"job_uid": null}', '{"job_uid": 1.5}', '{"job_uid": " "}'])
@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_without_a_readable_job_was_possibly_applied(status: int, body: str) -> None:
    assert start(Reply(status=status, body=body)).answer == Unreachable(is_possibly_applied=True, detail=f"HTTP {status}")


@pytest.mark.parametrize(
    ("reply", "wait_s"),
    [
        (says(429), 60.0),
        (says(429, retry_after="15"), 15.0),
        (says(429, retry_after="0"), 0.0),
        (says(429, retry_after="-3"), 60.0),
        (says(429, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), 60.0),
    ],
)
def test_over_the_limit_waits_as_told_or_a_minute(reply: Reply, wait_s: float) -> None:
    answer = start(reply).answer

    assert answer.retry_after_s == wait_s
    assert "nothing was started" in answer.meaning


def test_what_captain_data_says_is_told() -> None:
    assert start(says(400, {"message": "step_uid is wrong"})).answer.detail == "step_uid is wrong"


def test_a_start_is_never_sent_again() -> None:
    assert PROVIDER.resend_window_s is None


# --- track ------------------------------------------------------------------------------------------------------------------


def test_a_job_is_asked_about_by_its_uid() -> None:
    driven = track(job("pending"))

    assert driven.call == Call(method="GET", path=f"/v3/jobs/{RUN}")
    assert driven.answer == Observed(provider_status="pending")


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        ("finished", Outcome.SUCCEEDED, None),
        ("completed", Outcome.SUCCEEDED, None),
        ("Finished", Outcome.SUCCEEDED, None),
        ("COMPLETED", Outcome.SUCCEEDED, None),
        ("warning", Outcome.FAILED, "warning"),
        ("Shutdown", Outcome.FAILED, "shutdown"),
        ("stopped", Outcome.CANCELLED, None),
    ],
)
def test_every_last_status_ends_the_run(status: str, outcome: Outcome, code: str | None) -> None:
    assert track(job(status)).answer == Completed(outcome=outcome, provider_status=status, code=code)


@pytest.mark.parametrize("status", ["pending", "running", "Running", "rate_limited", "RETRYING"])
def test_every_other_status_is_shown_and_asked_about_again(status: str) -> None:
    assert track(job(status)).answer == Observed(provider_status=status)


@pytest.mark.parametrize("status", [None, "", 3.5, [], {"a": 1}])
def test_a_status_that_says_nothing_goes_on(status: Any) -> None:
    assert track(job(status)).answer == Observed()


@pytest.mark.parametrize(
    ("error", "attention"), [("Cookies expired", "paused it: Cookies expired"), (None, "fresh cookies"), ([], "credits")]
)
@pytest.mark.parametrize("status", ["paused", "Paused"])
def test_a_paused_run_needs_attention(status: str, error: Any, attention: str) -> None:
    answer = track(job(status, error_message=error)).answer

    assert answer.provider_status == status
    assert attention in answer.attention


@pytest.mark.parametrize("status", ["warning", "shutdown"])
def test_a_failure_is_told_in_captain_datas_words(status: str) -> None:
    assert track(job(status, error_message="No valid input")).answer.detail == "No valid input"


@pytest.mark.parametrize(
    ("counts", "progress"),
    [
        ({"number_inputs": 30, "row_count": 12}, "12 rows from 30 inputs so far"),
        ({"number_inputs": 30, "row_count": 12, "total_row_count": 14}, "14 rows from 30 inputs so far"),
        ({"number_inputs": "30", "row_count": "12"}, "12 rows from 30 inputs so far"),
        ({"number_inputs": 30, "row_count": 0}, "0 rows from 30 inputs so far"),
        ({"number_inputs": None, "row_count": 12}, None),
        ({"number_inputs": 30}, None),
        ({"number_inputs": [], "row_count": {}}, None),
        ({}, None),
    ],
)
def test_progress_is_rows_and_inputs(counts: dict[str, Any], progress: str | None) -> None:
    assert track(job("running", **counts)).answer.progress == progress


def test_a_finished_run_tells_counts_and_never_rows() -> None:
    answer = track(job("finished", number_inputs=2, row_count=1, results=[{"email": "ada@example.com"}])).answer

    assert dict(answer.outputs) == {"rows": 1, "inputs": 2}
    assert "ada@example.com" not in repr(answer)


def test_cookies_are_never_told() -> None:
    answer = track(job("paused", accounts=[{"uid": ACCOUNT, "cookies": {"li_at": "live"}}])).answer

    assert "live" not in repr(answer)


@pytest.mark.parametrize("misses", [0, 1, 2])
def test_a_job_that_is_not_known_is_asked_about_again(misses: int) -> None:
    answer = track(says(404), misses=misses, looks=50).answer

    assert isinstance(answer, Unreachable)
    assert not answer.is_possibly_applied


def test_a_job_that_is_not_known_four_times_has_ended() -> None:
    answer = track(says(404), misses=3).answer

    assert (answer.outcome, answer.code) == (Outcome.ENDED, "HTTP 404")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (says(401), Unauthorised),
        (says(403), Unauthorised),
        (says(405), Refused),
        (says(429), Busy),
        (says(500), Unreachable),
        (says(200, {}), Unreachable),
        (says(200, [{"status": "finished"}]), Unreachable),
        (Reply(status=200, body="<html>"), Unreachable),
    ],
)
def test_a_look_that_brought_nothing_says_so(reply: Reply, kind: type[Any]) -> None:
    answer = track(reply).answer

    assert type(answer) is kind
    assert not getattr(answer, "is_possibly_applied", False)


@pytest.mark.parametrize("verb", [PROVIDER.track, PROVIDER.cancel])
def test_nothing_is_sent_about_a_run_without_an_id(verb: Any) -> None:
    driven = drive(verb(a_captain_launch(), STOPPING))

    assert driven.calls == ()
    assert isinstance(driven.answer, Refused)


# --- cancel -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connection", [CONNECTION, replace(CONNECTION, options=None)])
def test_without_a_configured_address_nothing_is_stopped(connection: Connection) -> None:
    driven = drive(PROVIDER.cancel(a_running_launch(), connection))

    assert driven.calls == ()
    assert isinstance(driven.answer, Unsupported)
    assert "cancel_path" in driven.answer.meaning


@pytest.mark.parametrize("reply", [says(200), says(204), says(200, {"message": "ok"}), Reply(status=200, body="<p>")])
def test_a_stop_at_the_configured_address_is_watched(reply: Reply) -> None:
    driven = drive(PROVIDER.cancel(a_running_launch(), STOPPING), reply)

    assert driven.call == Call(method="POST", path=f"/v3/jobs/{RUN}/stop")
    assert driven.answer == Stopping()


def test_a_strange_job_uid_stays_one_part_of_the_path() -> None:
    driven = drive(PROVIDER.cancel(a_running_launch(run_id="../x?"), STOPPING), says(200))

    assert driven.call.path == "/v3/jobs/..%2Fx%3F/stop"


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Unauthorised), (404, Refused), (405, Refused), (429, Busy), (500, Unreachable)]
)
def test_a_stop_that_was_not_taken_says_so(status: int, kind: type[Any]) -> None:
    assert type(drive(PROVIDER.cancel(a_running_launch(), STOPPING), says(status)).answer) is kind


# --- catalogue --------------------------------------------------------------------------------------------------------------


def test_workflows_are_a_list_at_the_root() -> None:
    rows = [{"uid": WORKFLOW, "name": "Find email"}, {"uid": "b", "name": None}, {"name": "no uid"}, 3, None]

    driven = drive(PROVIDER.catalogue(CONNECTION), says(200, rows))

    assert driven.call == Call(method="GET", path="/v3/workflows")
    assert driven.answer == Listed(workflows=(Workflow(workflow_id=WORKFLOW, name="Find email"), Workflow(workflow_id="b")))


@pytest.mark.parametrize(
    ("reply", "kind"), [(says(401), Unauthorised), (says(429), Busy), (says(500), Unreachable), (says(200, {}), Unreachable)]
)
def test_a_list_that_brought_nothing_says_so(reply: Reply, kind: type[Any]) -> None:
    assert type(drive(PROVIDER.catalogue(CONNECTION), reply).answer) is kind


# --- describe ---------------------------------------------------------------------------------------------------------------


def test_inputs_are_those_of_the_first_step() -> None:
    first = a_step(
        position=1, input_schema={"company_name": {"required": 1, "help": "The employer"}, "first_name": {"required": 0}}
    )
    second = a_step(position=2, step_uid=OTHER_STEP, input_schema={"email": {"required": 1}})

    driven = drive(PROVIDER.describe(a_workflow(), CONNECTION), details(second, first))

    assert driven.call == Call(method="GET", path=f"/v3/workflows/{WORKFLOW}/details")
    assert driven.answer == Described(
        workflow=Workflow(
            workflow_id=WORKFLOW,
            name="Find email",
            inputs=(InputSpec(name="company_name", required=True, hint="The employer"), InputSpec(name="first_name")),
            extras={"steps": [PLAIN_STEP, {**PLAIN_STEP, "step_uid": OTHER_STEP}]},
        )
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [("linkedin_profile_url", InputType.URL), ("profileURL", InputType.URL), ("first_name", InputType.TEXT)],
)
def test_a_key_that_speaks_of_a_url_is_checked_as_one(name: str, expected: InputType) -> None:
    (spec,) = describe(details(a_step(input_schema={name: {}}))).workflow.inputs

    assert spec.type is expected


@pytest.mark.parametrize(
    ("told", "required"), [(1, True), ("1", True), (True, True), (0, False), (None, False), ([], False), (2, False)]
)
def test_required_is_a_number_or_a_boolean(told: Any, required: bool) -> None:
    (spec,) = describe(details(a_step(input_schema={"a": {"required": told}}))).workflow.inputs

    assert spec.required is required


@pytest.mark.parametrize("schema", [[], {}, None, "x", 3])
def test_a_step_without_a_schema_takes_nothing(schema: Any) -> None:
    assert describe(details(a_step(input_schema=schema))).workflow.inputs == ()


@pytest.mark.parametrize("facts", [None, "x", [], 3])
def test_an_input_without_facts_is_text_that_may_be_missing(facts: Any) -> None:
    assert describe(details(a_step(input_schema={"a": facts}))).workflow.inputs == (InputSpec(name="a"),)


def test_a_step_that_needs_an_account_is_an_obstacle() -> None:
    workflow = describe(details(a_step(integrations=["linkedin"]))).workflow

    assert workflow.obstacle == "Its step Search needs an account of linkedin: the configuration must name the account's uid."


@pytest.mark.parametrize("place", ["workflow", "connection"])
def test_configured_steps_win_and_remove_the_obstacle(place: str) -> None:
    extras = {"steps": [{"step_uid": STEP, "accounts": [ACCOUNT], "parameters": {"max_results": 10}}]}
    configured = a_workflow(extras=extras)
    reply = details(a_step(integrations=["linkedin"]))

    if place == "workflow":
        workflow = describe(reply, extras=extras).workflow
    else:
        workflow = describe(reply, replace(CONNECTION, workflows={WORKFLOW: configured})).workflow

    assert workflow.obstacle is None
    assert workflow.extras == extras


def test_an_account_for_another_step_is_not_enough() -> None:
    extras = {"steps": [{"step_uid": OTHER_STEP, "accounts": [ACCOUNT]}]}

    assert describe(details(a_step(integrations=["linkedin"])), extras=extras).workflow.obstacle is not None


@pytest.mark.parametrize("steps", [[], [{}], [{"step_uid": None}], ["x"], [a_step(), {"step_name": "no uid"}]])
def test_steps_that_are_not_told_are_an_obstacle(steps: list[Any]) -> None:
    workflow = describe(details(*steps)).workflow

    assert "does not tell its steps" in (workflow.obstacle or "")
    assert dict(workflow.extras) == {}


def test_defaults_of_parameters_are_left_to_captain_data() -> None:
    told = a_step(parameters_schema={"properties": {"max_results": 100}})

    assert describe(details(told)).workflow.extras["steps"] == [PLAIN_STEP]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (says(404), Refused),
        (says(401), Unauthorised),
        (says(429), Busy),
        (says(500), Unreachable),
        (says(200, []), Unreachable),
        (says(200, {"uid": WORKFLOW}), Unreachable),
        (says(200, {"steps": {}}), Unreachable),
    ],
)
def test_a_description_that_brought_nothing_says_so(reply: Reply, kind: type[Any]) -> None:
    assert type(describe(reply)) is kind


# --- probe and link ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "identity"),
    [
        ({"name": "Acme growth", "email": "ada@example.com"}, "workspace Acme growth"),
        ({"name": None, "email": "ada@example.com"}, None),
        ({"plan_name": "Scale"}, None),
    ],
)
def test_a_key_that_opens_the_workspace_works(body: Any, identity: str | None) -> None:
    driven = drive(PROVIDER.probe(CONNECTION), says(200, body))

    assert driven.call == Call(method="GET", path="/v3/workspace")
    assert driven.answer == Held(identity=identity)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (says(401), Unauthorised),
        (says(403), Unauthorised),
        (says(429), Busy),
        (says(500), Unreachable),
        (says(200, []), Unreachable),
    ],
)
def test_a_probe_that_brought_nothing_says_so(reply: Reply, kind: type[Any]) -> None:
    assert type(drive(PROVIDER.probe(CONNECTION), reply).answer) is kind


MINE = replace(
    CONNECTION,
    workflows={WORKFLOW: a_workflow(extras={"steps": [{"step_uid": STEP, "accounts": [ACCOUNT], "parameters": {}}]})},
)
WORKSPACE = says(200, {"name": "Acme growth"})


def integrations(*slugs: Any) -> Reply:
    return says(200, {"uid": WORKFLOW, "steps": [{"step_uid": STEP, "integrations": list(slugs)}]})


def accounts(*uids: str, is_valid: Any = True, has_more: bool = False) -> Reply:
    rows = [{"uid": uid, "name": "Ada", "is_valid": is_valid, "cookies": {"li_at": "live-cookie"}} for uid in uids]
    return says(200, {"accounts": rows, "next_page_exist": has_more})


def seen(*replies: Reply) -> Any:
    answer = drive(PROVIDER.probe(MINE), WORKSPACE, *replies).answer
    assert isinstance(answer, Held), answer
    return answer.of(ACCOUNT)


def test_the_accounts_of_configured_steps_are_looked_up() -> None:
    driven = drive(PROVIDER.probe(MINE), WORKSPACE, integrations("linkedin"), accounts(ACCOUNT))

    assert [call.path for call in driven.calls] == [
        "/v3/workspace",
        f"/v3/workflows/{WORKFLOW}/details",
        "/v3/integrations/linkedin/accounts",
    ]
    assert {one.scope: one.is_held for one in driven.answer.scopes} == {ACCOUNT: True}


def test_no_cookie_leaves_a_probe() -> None:
    driven = drive(PROVIDER.probe(MINE), WORKSPACE, integrations("linkedin"), accounts(ACCOUNT))

    assert "live-cookie" not in repr(driven)
    assert "Ada" not in repr(driven.answer)


def test_every_page_and_every_integration_is_read() -> None:
    assert seen(integrations("linkedin"), accounts(RUN, has_more=True), accounts(ACCOUNT)) is True
    assert seen(integrations("linkedin", "hubspot"), accounts(RUN), accounts(ACCOUNT)) is True
    assert seen(integrations("linkedin", "hubspot"), accounts(RUN), accounts()) is False


def test_an_account_that_has_to_be_connected_anew_is_not_held() -> None:
    assert seen(integrations("linkedin"), accounts(ACCOUNT, is_valid=False)) is False


@pytest.mark.parametrize(
    "replies",
    [
        (integrations(),),
        (says(404),),
        (integrations("linkedin"), says(403)),
        (integrations("linkedin"), says(404)),
        (integrations("linkedin"), *[accounts(RUN, has_more=True)] * 20),
    ],
)
def test_an_account_that_cannot_be_looked_up_is_not_verified(replies: tuple[Reply, ...]) -> None:
    assert seen(*replies) is None


@pytest.mark.parametrize("replies", [(says(500),), (says(429),), (integrations("linkedin"), says(502))])
def test_a_probe_that_is_half_answered_says_so(replies: tuple[Reply, ...]) -> None:
    assert isinstance(drive(PROVIDER.probe(MINE), WORKSPACE, *replies).answer, Busy | Unreachable)


def test_a_refusal_that_names_an_account_is_about_it() -> None:
    steps = {"steps": [{"step_uid": STEP, "accounts": [ACCOUNT], "parameters": {}}]}
    answers = [start(says(403, {"message": text}), extras=steps).answer for text in (f"Denied ({ACCOUNT})", "Denied")]

    assert [answer.scope for answer in answers] == [ACCOUNT, None]


def test_no_address_of_a_run_is_known() -> None:
    assert PROVIDER.link(a_running_launch(), CONNECTION) is None


# --- find and confirm ---------------------------------------------------------------------------------------------------------

OURS = "L-7K3QW"
OTHER_RUN = "55555555-5555-4555-8555-555555555555"


def a_row(uid: Any = RUN, name: Any = "L-07HER", main: Any = None, main_name: Any = None, **more: Any) -> dict[str, Any]:
    return {"uid": uid, "name": name, "main_job_uid": main, "main_job_name": main_name, "status": "running", **more}


def find(*pages: Any) -> Driven:
    return drive(PROVIDER.find(a_captain_launch(), CONNECTION), *(says(200, list(page)) for page in pages))


def found(*pages: Any) -> list[str]:
    return [candidate.run_id for candidate in find(*pages).answer.candidates]


@pytest.mark.parametrize(
    "row",
    [
        a_row(name=OURS),
        a_row(name=OURS, main=RUN, main_name=OURS),
        a_row(name="Find email", main=RUN, main_name=OURS),
        a_row(uid=OTHER_RUN, name="Step 2", main=RUN, main_name=OURS),
        a_row(name=OURS, main="", main_name=""),
    ],
)
def test_the_job_of_our_name_is_found_whichever_name_carries_it(row: dict[str, Any]) -> None:
    driven = find([a_row(uid=OTHER_RUN), row])

    assert driven.call == Call(method="GET", path=f"/v3/workflows/{WORKFLOW}/jobs", query={"page": "0"})
    assert driven.answer == Matches(candidates=(Candidate(run_id=RUN, provider_status="running"),))


@pytest.mark.parametrize("name", ["L-7K3Q", "L-7K3QW2", "l-7k3qw", "Find L-7K3QW", "", None, 7, ["L-7K3QW"]])
def test_a_name_that_is_nearly_ours_is_not_ours(name: Any) -> None:
    assert found([a_row(name=name, main_name=name)], []) == []


def test_a_workflow_of_several_steps_is_one_run() -> None:
    rows = [
        a_row(uid=OTHER_RUN, name="Step 2", main=RUN, main_name=OURS, status="pending"),
        a_row(uid=RUN, name=OURS, main=None, status="running"),
        a_row(uid=STEP, name="Step 3", main=RUN, main_name=OURS, status="pending"),
    ]

    assert find(rows).answer.candidates == (Candidate(run_id=RUN, provider_status="running"),)


def test_two_jobs_of_our_name_are_both_told() -> None:
    assert found([a_row(uid=RUN, name=OURS), a_row(uid=OTHER_RUN, name=OURS)]) == [RUN, OTHER_RUN]


def test_a_job_of_our_name_without_a_uid_cannot_be_adopted() -> None:
    assert found([a_row(uid=None, name=OURS)]) == []


def test_it_is_looked_for_page_by_page_and_no_further_than_needed() -> None:
    driven = find([a_row(uid="a")], [a_row(uid="b")], [a_row(uid="c", name=OURS)])

    assert [call.query for call in driven.calls] == [{"page": "0"}, {"page": "1"}, {"page": "2"}]
    assert [candidate.run_id for candidate in driven.answer.candidates] == ["c"]


@pytest.mark.parametrize("last", [[], [a_row(uid="a")], [3, None]])
def test_an_empty_or_repeated_page_is_the_end(last: list[Any]) -> None:
    driven = find([a_row(uid="a"), a_row(uid="b")], last)

    assert len(driven.calls) == 2
    assert driven.answer == Matches(candidates=())


def test_a_list_without_end_is_given_up_and_said_to_be() -> None:
    driven = find(*([a_row(uid=f"job-{page}")] for page in range(20)))

    assert driven.answer.candidates == ()
    assert "more jobs" in driven.answer.doubt


def test_when_it_began_is_told_in_captain_datas_words() -> None:
    row = a_row(name=OURS, start_time=None, scheduled_time="2026-11-21T12:00:03")

    assert find([row]).answer.candidates[0].started_at == "2026-11-21T12:00:03"
    assert find([row | {"start_time": "2026-11-21T12:00:09"}]).answer.candidates[0].started_at == "2026-11-21T12:00:09"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (says(401), Unauthorised),
        (says(404), Refused),
        (says(429), Busy),
        (says(503), Unreachable),
        (says(200, {}), Unreachable),
        (Reply(status=200, body="<html>"), Unreachable),
    ],
)
def test_a_look_up_that_brought_nothing_says_so(reply: Reply, kind: type[Any]) -> None:
    answers = [
        drive(PROVIDER.find(a_captain_launch(), CONNECTION), reply).answer,
        drive(PROVIDER.find(a_captain_launch(), CONNECTION), says(200, [a_row()]), reply).answer,
    ]

    assert [type(answer) for answer in answers] == [kind, kind]
    assert not any(getattr(answer, "is_possibly_applied", False) for answer in answers)


def test_a_job_of_our_name_is_proof_and_can_always_be_looked_for() -> None:
    assert PROVIDER.is_find_proof
    assert PROVIDER.can_find(CONNECTION)


def confirm(reply: Reply, run_id: str = RUN) -> Any:
    return drive(PROVIDER.confirm(a_captain_launch(), run_id, CONNECTION), reply).answer


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (job("running", workflow_uid=WORKFLOW), Confirmed(run_id=RUN, provider_status="running")),
        (job("running"), Confirmed(run_id=RUN, provider_status="running")),
        (job(None, workflow_uid=3.5), Confirmed(run_id=RUN)),
        (job("finished", uid=OTHER_RUN, main_job_uid=RUN), Confirmed(run_id=RUN, provider_status="finished")),
        (job("running", workflow_uid=STEP), Denied(meaning=f"That job is one of another workflow ({STEP}).")),
        (says(404), Denied(meaning="Captain Data knows no job with this uid.")),
    ],
)
def test_a_job_that_a_person_names_is_asked_about(reply: Reply, expected: Any) -> None:
    assert confirm(reply) == expected


def test_a_named_sub_job_stands_for_its_main_job() -> None:
    assert confirm(job("running", main_job_uid=RUN, uid=OTHER_RUN), run_id=OTHER_RUN) == Confirmed(
        run_id=RUN, provider_status="running"
    )


def test_blanks_around_a_named_job_are_dropped() -> None:
    driven = drive(PROVIDER.confirm(a_captain_launch(), f" {RUN}\n", CONNECTION), says(200, {"status": "running"}))

    assert driven.call.path == f"/v3/jobs/{RUN}"
    assert driven.answer == Confirmed(run_id=RUN, provider_status="running")


@pytest.mark.parametrize(
    ("reply", "kind"), [(says(401), Unauthorised), (says(429), Busy), (says(500), Unreachable), (says(200, {}), Unreachable)]
)
def test_a_named_job_that_could_not_be_asked_about_is_neither_confirmed_nor_denied(reply: Reply, kind: type[Any]) -> None:
    assert type(confirm(reply)) is kind


# --- whatever comes back ----------------------------------------------------------------------------------------------------

SHOWN = bodies(PROVIDER.examples)
ANSWERS: dict[str, Any] = {
    "start": StartAnswer,
    "track": TrackAnswer,
    "cancel": CancelAnswer,
    "catalogue": CatalogueAnswer,
    "describe": DescribeAnswer,
    "probe": ProbeAnswer,
}


@given(replies=st.lists(odd_replies(SHOWN), min_size=1, max_size=2), misses=st.integers(0, 5))
@pytest.mark.parametrize("verb", ANSWERS)
def test_no_reply_can_break_a_verb(verb: str, replies: list[Reply], misses: int) -> None:
    example = replace(PROVIDER.examples[0], launch=a_running_launch(misses=misses), connection=STOPPING)

    calls, answer = answered(exchanges(PROVIDER, example)[verb], replies)

    assert isinstance(answer, ANSWERS[verb])
    assert len(calls) == 1


@given(reply=odd_replies(SHOWN))
def test_a_start_is_refused_by_a_4xx_only_and_accepted_by_a_2xx_only(reply: Reply) -> None:
    answer = start(reply).answer

    if isinstance(answer, Accepted):
        assert 200 <= reply.status < 300
    elif not isinstance(answer, Unreachable):
        assert 400 <= reply.status < 500
    else:
        assert answer.is_possibly_applied


@given(
    inputs=st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5) | st.booleans() | st.integers(), max_size=4),
    accounts=st.lists(st.uuids().map(str), max_size=3),
)
def test_what_was_given_is_what_is_sent(inputs: dict[str, Any], accounts: list[str]) -> None:
    steps = [{"step_uid": STEP, "accounts": accounts, "parameters": {}}]

    body = start(scheduled(), inputs=inputs, extras={"steps": steps}).call.json

    assert body == {"job_name": "L-7K3QW", "steps": steps, "inputs": [inputs] if inputs else []}
