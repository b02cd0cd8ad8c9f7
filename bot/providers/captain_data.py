"""Captain Data v3: workflows of one workspace, started as jobs.

Why the launch id is the job's name: no key makes a start safe to send twice, but a job can be found again by a name that is ours.

Why rows are never read: they hold personal data of third parties, and a channel is no place for them. Counts are told instead.
The list of accounts, which brings their live session cookies, is asked for by ``probe`` only, and of its rows nothing but uid and
validity is ever taken out.

Why ``repeat_option`` is never sent, although the documents' own example has it: it starts the job again every ten minutes.

Why the stop's path is a setting: the documents say that the call exists and not where. Without it no run can be stopped.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal, TypeAlias

from bot.domain import listing, reading
from bot.domain.model import Connection, InputSpec, InputType, Json, Launch, Problem, Workflow
from bot.domain.provider import (
    Accepted,
    Allowance,
    Busy,
    Call,
    CancelAnswer,
    Candidate,
    CatalogueAnswer,
    Completed,
    ConfirmAnswer,
    Confirmed,
    Denied,
    DescribeAnswer,
    Described,
    Example,
    Exchange,
    FindAnswer,
    Held,
    Listed,
    Matches,
    Observed,
    Outcome,
    Pace,
    ProbeAnswer,
    Provider,
    Refused,
    Reply,
    Scope,
    ScopeSeen,
    Secret,
    Session,
    Signature,
    StartAnswer,
    Stopping,
    TrackAnswer,
    TrackedMany,
    Trouble,
    Unauthorised,
    Unreachable,
    Unsupported,
)

# --- settings ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What proves who we are at Captain Data. The key opens the whole workspace."""

    api_key: Annotated[str, "The workspace's API key."]
    project_id: Annotated[str, "The workspace's own id."]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a Captain Data connection may say."""

    cancel_path: Annotated[
        str | None,
        "Where a run is stopped, with {job_uid} in it; the documents do not show it, so without it no run can be stopped.",
    ] = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a workflow, as the start call takes it."""

    step_uid: Annotated[str, "The step's uid, as the API playground or the workflow's details show it."]
    accounts: Annotated[tuple[str, ...], "Uids of the integration accounts that the step may use."] = ()
    parameters: Annotated[Mapping[str, Any], "The step's parameters, by name."] = field(default_factory=dict[str, Any])
    accounts_rotation_enabled: Annotated[bool | None, "Whether the step takes turns with its accounts."] = None
    output_column: Annotated[str | None, "The column that the step writes to."] = None


@dataclass(frozen=True, kw_only=True)
class WorkflowOptions:
    """What a workflow's entry may say."""

    steps: Annotated[
        tuple[Step, ...] | None, "The workflow's steps; without them they are read from Captain Data, without accounts."
    ] = None


# --- facts ------------------------------------------------------------------------------------------------------------------

_DOCS = "https://docs.captaindata.com/v3"
_INTRODUCTION = f"{_DOCS}/api-reference/introduction"
_LAUNCH_PAGE = "https://captaindata.mintlify.app/v3/api-reference/workflows/launch-workflow"
_DETAILS = f"{_DOCS}/api-reference/workflows/get-workflow"
_ACCOUNTS = "https://captaindata.mintlify.app/v3/api-reference/integrations/list-accounts"
_STATUSES = f"{_DOCS}/runs/manage-status"
_JOB = f"{_DOCS}/runs/workflow-logic"
_POLLING = f"{_DOCS}/webhooks/polling-data"
_FAULTS = "https://captaindata.mintlify.app/v3/faq-troubleshooting"
_CONNECTOR = "https://github.com/airbytehq/airbyte"  # a third party's connector: source-captain-data

# https://docs.captaindata.com/v3/runs/manage-status; the quickstart says completed where the others say finished.
_ENDS = {
    "finished": Outcome.SUCCEEDED,
    "completed": Outcome.SUCCEEDED,
    "warning": Outcome.FAILED,
    "shutdown": Outcome.FAILED,
    "stopped": Outcome.CANCELLED,
}
_PAUSED = "Captain Data paused it: an account needs fresh cookies or a key, or the credits are used up."
_MEANINGS = {
    400: "Captain Data refused: a step, an account, a parameter or an input is wrong or missing.",
    401: "Captain Data does not accept the key, or the key may not do this.",
    403: "Captain Data denies this workspace the call; its support can tell why.",
    404: "Captain Data knows no such workflow.",
    405: "Captain Data does not take such a call at this address.",
    429: "The workspace runs as many inputs at once as its plan allows; nothing was started.",
}
_RUN_MEANINGS = {**_MEANINGS, 400: "Captain Data refused the call.", 404: "Captain Data knows no such job."}
_FIND_MEANINGS = {**_RUN_MEANINGS, 404: _MEANINGS[404]}
_GONE = "Captain Data does not know this job any more."
_NO_SUCH_JOB = "Captain Data knows no job with this uid."
_NOT_WHOLE = "Captain Data lists more jobs of this workflow than were looked through."
_NO_CANCEL = (
    "Captain Data's documents do not show the address where a run is stopped. An operator who knows it can set it as cancel_path."
)
_NO_RUN = Refused(code="incomplete", meaning="Nothing was sent: the job's uid is not known.")
_NOT_FOUND = 404
_WAIT_S = 60.0  # "exponential backoff from about a minute": the newer API's advice, as v3 names no wait
_MISSES_BEFORE_GONE = 3
_MOST_JOB_PAGES = 20
_MOST_ACCOUNT_PAGES = 20

# --- examples ---------------------------------------------------------------------------------------------------------------

_WORKFLOW = "0d179c07-6443-4eeb-ada7-652fb498f997"
_STEP = "11111111-1111-4111-8111-111111111111"
_RUN = "22222222-2222-4222-8222-222222222222"
_AT = datetime(2026, 8, 1, tzinfo=UTC)
_CONNECTION = Connection(name="growth", provider="captain_data", base_url="https://api.captaindata.co", options=Options())
_LAUNCH = Launch(
    launch_id="L-CA7A1",
    team_id="T0GONOGO",
    channel_id="C0SALES",
    requester_id="U0ALICE",
    connection="growth",
    provider="captain_data",
    workflow_id=_WORKFLOW,
    workflow_name="Find email",
    extras={"steps": [{"step_uid": _STEP, "accounts": [], "parameters": {}}]},
    inputs={"first_name": "Ada", "last_name": "Lovelace", "company_name": "Analytical Engines"},
    created_at=_AT,
    updated_at=_AT,
)
_RUNNING = replace(_LAUNCH, run_id=_RUN)
_ACCOUNT = "33333333-3333-4333-8333-333333333333"
_WITH_ACCOUNT = replace(
    _CONNECTION,
    workflows={_WORKFLOW: Workflow(workflow_id=_WORKFLOW, extras={"steps": [{"step_uid": _STEP, "accounts": [_ACCOUNT]}]})},
)
_ACCOUNT_DETAILS: Json = {"uid": _WORKFLOW, "steps": [{"step_uid": _STEP, "position": 0, "integrations": ["linkedin"]}]}


_Known: TypeAlias = Literal["there", "invalid", "missing", "unread"]
_LOOKED_UP: tuple[tuple[str, Json, _Known], ...] = (
    ("the account that a workflow uses is there", [{"uid": _ACCOUNT, "is_valid": True, "cookies": {}}], "there"),
    ("its connection has ended", [{"uid": _ACCOUNT, "is_valid": False, "cookies": {}}], "invalid"),
    ("it was removed", [], "missing"),
)


def _account(uid: str, known: _Known, integrations: str) -> ScopeSeen:
    """What the lists of accounts say of one uid. Nothing else of an account is kept: its row carries live cookies."""
    evidence = {
        "there": f"The workspace lists it among its accounts of {integrations}.",
        "invalid": f"The workspace lists it among its accounts of {integrations} as not valid: it has to be connected anew there.",
        "missing": f"The workspace does not list it among its accounts of {integrations}: it was removed, or never was there.",
        "unread": "Captain Data does not tell which integration it belongs to, so it cannot be looked up.",
    }[known]
    is_held = {"there": True, "invalid": False, "missing": False, "unread": None}[known]
    return ScopeSeen(scope=uid, is_held=is_held, evidence=evidence)


def _says(status: int, body: Json = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body="" if body is None else json.dumps(body))


def _job(status: Json, **more: Json) -> dict[str, Json]:
    return {"uid": _RUN, "name": "L-CA7A1", "workflow_uid": _WORKFLOW, "status": status, "error_message": None, **more}


_start = partial(
    Example,
    verb="start",
    source=_LAUNCH_PAGE,
    call=Call(
        method="POST",
        path=f"/v3/workflows/{_WORKFLOW}/schedule",
        json={
            "job_name": "L-CA7A1",
            "steps": [{"step_uid": _STEP, "accounts": [], "parameters": {}}],
            "inputs": [{"first_name": "Ada", "last_name": "Lovelace", "company_name": "Analytical Engines"}],
        },
    ),
    launch=_LAUNCH,
    connection=_CONNECTION,
)
_track = partial(
    Example,
    verb="track",
    source=_STATUSES,
    call=Call(method="GET", path=f"/v3/jobs/{_RUN}"),
    launch=_RUNNING,
    connection=_CONNECTION,
    is_documented=False,
)
_cancel = partial(Example, verb="cancel", source=_STATUSES, launch=_RUNNING, is_documented=False)
_find = partial(Example, verb="find", source=_CONNECTOR, launch=_LAUNCH, connection=_CONNECTION, is_documented=False)
_confirm = partial(
    Example,
    verb="confirm",
    source=_JOB,
    call=Call(method="GET", path=f"/v3/jobs/{_RUN}"),
    launch=_LAUNCH,
    connection=_CONNECTION,
    is_documented=False,
    run_id=_RUN,
)
_read = partial(Example, launch=_LAUNCH, connection=_CONNECTION)
_JOBS_PAGE = partial(Call, method="GET", path=f"/v3/workflows/{_WORKFLOW}/jobs")
_OTHER_RUN = "44444444-4444-4444-8444-444444444444"
_track_many = partial(
    Example,
    verb="track_many",
    source=_CONNECTOR,
    call=_JOBS_PAGE(query={"page": "0"}),
    launch=_RUNNING,
    others=(replace(_RUNNING, launch_id="L-CA7A2", run_id=_OTHER_RUN),),
    connection=_CONNECTION,
    is_documented=False,
)
_OTHER_JOB: Json = {**_job("finished"), "uid": _STEP, "name": "L-07HER", "main_job_uid": _STEP, "main_job_name": "L-07HER"}
_SCHEDULED = {"workflow": {"uid": _WORKFLOW, "name": "Find email"}, "message": "Bot successfully scheduled.", "job_uid": _RUN}
_DETAILS_BODY: Json = {
    "name": "Search Leads",
    "uid": _WORKFLOW,
    "steps": [
        {
            "step_uid": _STEP,
            "step_name": "Search Leads",
            "position": 0,
            "permalink": "people-search",
            "integrations": ["linkedin"],
            "input_schema": {
                "search_url": {
                    "regex": dict[str, str](),
                    "help": "A people search URL",
                    "primary": True,
                    "required": 1,
                    "variations": ["url"],
                    "retro_variations": ["url"],
                },
            },
            "output_schema": ["full_name", "job_title"],
            "parameters_schema": {"properties": {"max_results": 100, "exclude_viewed": False}},
        },
    ],
}


def _refusals() -> tuple[Example, ...]:
    """The statuses of https://captaindata.mintlify.app/v3/faq-troubleshooting; their bodies are not shown there."""
    answers: Mapping[int, Trouble] = {
        400: Refused(code="HTTP 400", meaning=_MEANINGS[400]),
        401: Unauthorised(code="HTTP 401", meaning=_MEANINGS[401]),
        403: Unauthorised(code="HTTP 403", meaning=_MEANINGS[403]),
        404: Refused(code="HTTP 404", meaning=_MEANINGS[404]),
        405: Refused(code="HTTP 405", meaning=_MEANINGS[405]),
        429: Busy(code="HTTP 429", meaning=_MEANINGS[429], retry_after_s=_WAIT_S),
        500: Unreachable(is_possibly_applied=True, detail="HTTP 500"),
    }
    return tuple(
        _start(name=f"start meets HTTP {status}", source=_FAULTS, reply=_says(status), answer=answer, is_documented=False)
        for status, answer in answers.items()
    )


_EXAMPLES: tuple[Example, ...] = (
    _start(name="the job is scheduled", reply=_says(200, _SCHEDULED), answer=Accepted(run_id=_RUN)),
    _start(
        name="the job is created", source=_FAULTS, reply=_says(201, _SCHEDULED), answer=Accepted(run_id=_RUN), is_documented=False
    ),
    *_refusals(),
    _start(
        name="over the limit, with a wait",
        source=_FAULTS,
        reply=_says(429, {"message": "Too many inputs"}, retry_after="15"),
        answer=Busy(code="HTTP 429", meaning=_MEANINGS[429], retry_after_s=15.0),
        is_documented=False,
    ),
    _track(name="pending", reply=_says(200, _job("pending")), answer=Observed(provider_status="pending")),
    _track(
        name="running",
        reply=_says(200, _job("running", number_inputs=30, row_count=12)),
        answer=Observed(provider_status="running", progress="12 rows from 30 inputs so far"),
    ),
    _track(
        name="finished",
        reply=_says(200, _job("finished", number_inputs=30, row_count=28)),
        answer=Completed(outcome=Outcome.SUCCEEDED, provider_status="finished", outputs={"rows": 28, "inputs": 30}),
    ),
    _track(
        name="completed, as the quickstart spells it",
        source=f"{_DOCS}/quickstart",
        reply=_says(200, _job("completed")),
        answer=Completed(outcome=Outcome.SUCCEEDED, provider_status="completed"),
    ),
    _track(
        name="a functional error",
        reply=_says(200, _job("warning", error_message="No valid input")),
        answer=Completed(outcome=Outcome.FAILED, provider_status="warning", code="warning", detail="No valid input"),
    ),
    _track(
        name="a technical error",
        reply=_says(200, _job("shutdown", error_message="Timed out")),
        answer=Completed(outcome=Outcome.FAILED, provider_status="shutdown", code="shutdown", detail="Timed out"),
    ),
    _track(
        name="stopped",
        reply=_says(200, _job("stopped")),
        answer=Completed(outcome=Outcome.CANCELLED, provider_status="stopped"),
    ),
    _track(name="paused", reply=_says(200, _job("paused")), answer=Observed(provider_status="paused", attention=_PAUSED)),
    _track(
        name="not known any more",
        source=_FAULTS,
        launch=replace(_RUNNING, misses=_MISSES_BEFORE_GONE),
        reply=_says(404),
        answer=Completed(outcome=Outcome.ENDED, code="HTTP 404", detail=_GONE),
    ),
    _track_many(
        name="two jobs of one workflow, one of them over",
        reply=_says(200, [_job("running"), {**_job("finished", row_count=3, number_inputs=3), "uid": _OTHER_RUN}]),
        answer=TrackedMany(
            answers={
                _RUN: Observed(provider_status="running"),
                _OTHER_RUN: Completed(outcome=Outcome.SUCCEEDED, provider_status="finished", outputs={"rows": 3, "inputs": 3}),
            }
        ),
    ),
    _track_many(
        name="a step's row is not the job's own",
        call=_JOBS_PAGE(query={"page": "1"}),
        before=(_says(200, [_job("running"), {**_job("finished"), "uid": _STEP, "main_job_uid": _OTHER_RUN}]),),
        reply=_says(200, []),
        answer=TrackedMany(answers={_RUN: Observed(provider_status="running")}),
    ),
    _track_many(
        name="too many calls for everybody",
        source=_FAULTS,
        reply=_says(429, retry_after="15"),
        answer=TrackedMany(
            answers=dict.fromkeys((_RUN, _OTHER_RUN), Busy(code="HTTP 429", meaning=_MEANINGS[429], retry_after_s=15.0))
        ),
    ),
    _cancel(
        name="stopped at the configured address",
        connection=replace(_CONNECTION, options=Options(cancel_path="/v3/jobs/{job_uid}/stop")),
        call=Call(method="POST", path=f"/v3/jobs/{_RUN}/stop"),
        reply=_says(200),
        answer=Stopping(),
    ),
    _read(
        name="the workspace's workflows",
        verb="catalogue",
        source=_CONNECTOR,
        call=Call(method="GET", path="/v3/workflows"),
        reply=_says(200, [{"uid": _WORKFLOW, "name": "Find email", "steps": [{"step_uid": _STEP, "name": "Find email"}]}]),
        answer=Listed(workflows=(Workflow(workflow_id=_WORKFLOW, name="Find email"),)),
        is_documented=False,
    ),
    _read(
        name="a workflow whose step needs an account",
        verb="describe",
        source=_DETAILS,
        call=Call(method="GET", path=f"/v3/workflows/{_WORKFLOW}/details"),
        launch=replace(_LAUNCH, extras={}),
        reply=_says(200, _DETAILS_BODY),
        answer=Described(
            workflow=Workflow(
                workflow_id=_WORKFLOW,
                name="Search Leads",
                inputs=(InputSpec(name="search_url", type=InputType.URL, required=True, hint="A people search URL"),),
                obstacle="Its step Search Leads needs an account of linkedin: the configuration must name the account's uid.",
                extras={"steps": [{"step_uid": _STEP, "accounts": [], "parameters": {}}]},
            ),
        ),
        is_documented=False,
    ),
    _read(
        name="no such workflow",
        verb="describe",
        source=_FAULTS,
        call=Call(method="GET", path=f"/v3/workflows/{_WORKFLOW}/details"),
        launch=replace(_LAUNCH, extras={}),
        reply=_says(404),
        answer=Refused(code="HTTP 404", meaning=_MEANINGS[404]),
        is_documented=False,
    ),
    _read(
        name="the key opens the workspace",
        verb="probe",
        source=_CONNECTOR,
        call=Call(method="GET", path="/v3/workspace"),
        reply=_says(200, {"name": "Acme growth", "plan_name": "Scale", "tasks_left": 900}),
        answer=Held(identity="workspace Acme growth"),
        is_documented=False,
    ),
    _read(
        name="the key is wrong",
        verb="probe",
        source=_FAULTS,
        call=Call(method="GET", path="/v3/workspace"),
        reply=_says(401),
        answer=Unauthorised(code="HTTP 401", meaning=_MEANINGS[401]),
        is_documented=False,
    ),
    *(
        _read(
            name=name,
            verb="probe",
            source=_ACCOUNTS,
            call=Call(method="GET", path="/v3/integrations/linkedin/accounts", query={"page": "0"}),
            connection=_WITH_ACCOUNT,
            before=(_says(200, {"name": "Acme growth"}), _says(200, _ACCOUNT_DETAILS)),
            reply=_says(200, {"accounts": accounts, "next_page_exist": False}),
            answer=Held(scopes=(_account(_ACCOUNT, known, "linkedin"),), identity="workspace Acme growth"),
            is_documented=False,
        )
        for name, accounts, known in _LOOKED_UP
    ),
    _find(
        name="the job that carries the launch id",
        call=_JOBS_PAGE(query={"page": "0"}),
        reply=_says(200, [_OTHER_JOB, _job("running", scheduled_time="2026-08-01T00:00:05")]),
        answer=Matches(candidates=(Candidate(run_id=_RUN, provider_status="running", started_at="2026-08-01T00:00:05"),)),
    ),
    _find(
        name="no job carries it",
        call=_JOBS_PAGE(query={"page": "1"}),
        before=(_says(200, [_OTHER_JOB]),),
        reply=_says(200, []),
        answer=Matches(candidates=()),
    ),
    _confirm(
        name="it is a job of the workflow",
        reply=_says(200, _job("running")),
        answer=Confirmed(run_id=_RUN, provider_status="running"),
    ),
    _confirm(
        name="it is a job of another workflow",
        reply=_says(200, {**_job("running"), "workflow_uid": _STEP}),
        answer=Denied(meaning=f"That job is one of another workflow ({_STEP})."),
    ),
    _confirm(name="there is no such job", source=_FAULTS, reply=_says(404), answer=Denied(meaning=_NO_SUCH_JOB)),
)

# --- the provider -----------------------------------------------------------------------------------------------------------


class CaptainData(Provider):
    """Captain Data v3."""

    name = "captain_data"
    title = "Captain Data"
    documents = _LAUNCH_PAGE
    is_scope_free_text = True  # a grant names the account uids that may be used
    free_scope = Scope(
        name="integration account uid",
        allows=("launch",),
        meaning="Use this integration account in a step; the key itself opens the whole workspace and has no scopes.",
        source=_ACCOUNTS,
        asked_by="The accounts of the integrations that the configured workflows use are listed.",
    )
    pace = Pace(first_s=30.0, most_s=60.0, source=_POLLING)
    # v3 names no limit on reads; the figure is ours.
    allowance = Allowance(calls_a_minute=60.0, source=_POLLING)
    can_track_many = True
    can_cancel = False  # until the connection says where: then ``cancel`` works all the same
    has_catalogue = True
    has_describe = True
    lost_start_settled_by = "jobs of the workflow whose name is the launch id"
    is_find_proof = True
    credential = Credential
    options = Options
    workflow_options = WorkflowOptions
    examples = _EXAMPLES

    def credential_problems(self, credential: Mapping[str, Secret], connection: Connection) -> tuple[str, ...]:
        """A stop's address that stops nothing."""
        del credential
        path = _options(connection).cancel_path
        if path is None or (path.startswith("/") and "{job_uid}" in path):
            return ()
        return ("cancel_path must start with a slash and hold {job_uid}.",)

    def check(self, launch_inputs: Mapping[str, Json], workflow: Workflow, connection: Connection) -> tuple[Problem, ...]:
        """The start needs the workflow's steps, which nobody types."""
        del launch_inputs, connection
        if _steps(workflow.extras) is None:
            return (Problem(code="workflow_incomplete", facts={"name": workflow.label, "what": "steps"}),)
        return ()

    def needed_scopes(self, verb: str, workflow: Workflow) -> tuple[str, ...]:
        """Who may launch must be granted every account that the workflow's steps use."""
        return _accounts_of(workflow) if verb == "launch" else ()

    def sign(self, call: Call, credential: Mapping[str, Secret], session: Session | None) -> Signature:
        """Two headers: https://docs.captaindata.com/v3/api-reference/introduction."""
        del call, session
        key = credential["api_key"].after("x-api-key ")
        return Signature(headers={"Authorization": key, "x-project-id": credential["project_id"]})

    def is_session_over(self, reply: Reply) -> bool:
        """Never: a key cannot be renewed by a call."""
        del reply
        return False

    def start(self, launch: Launch, connection: Connection) -> Exchange[StartAnswer]:
        """One call: https://captaindata.mintlify.app/v3/api-reference/workflows/launch-workflow."""
        del connection
        steps = _steps(launch.extras)
        if steps is None:
            return Refused(code="incomplete", meaning="Nothing was sent: the workflow's steps are not known.")
        # One mapping per row: the help article splits one person over three, which would start three rows.
        rows = [dict(launch.inputs)] if launch.inputs else []
        body = {"job_name": launch.launch_id, "steps": steps, "inputs": rows}
        path = f"/v3/workflows/{reading.path_part(launch.workflow_id)}/schedule"
        reply = yield Call(method="POST", path=path, json=body)
        run_id = reading.text(reply.object().get("job_uid"))
        if reading.is_success(reply) and run_id is not None:
            return Accepted(run_id=run_id)
        return _refused_account(_trouble(reply, _MEANINGS, is_change=True), steps)

    def track(self, launch: Launch, connection: Connection) -> Exchange[TrackAnswer]:
        """The job: https://docs.captaindata.com/v3/runs/workflow-logic."""
        del connection
        if not launch.run_id:
            return _NO_RUN
        reply = yield Call(method="GET", path=f"/v3/jobs/{reading.path_part(launch.run_id)}")
        job = reply.object()
        if reading.is_success(reply) and ("status" in job or "uid" in job):
            return _read_job(job)
        if reply.status == _NOT_FOUND and launch.misses >= _MISSES_BEFORE_GONE:
            return Completed(outcome=Outcome.ENDED, code="HTTP 404", detail=_GONE)
        if reply.status == _NOT_FOUND:
            return Unreachable(is_possibly_applied=False, detail="HTTP 404: Captain Data does not know the job (yet)")
        return _trouble(reply, _RUN_MEANINGS)

    def track_many(self, launches: Sequence[Launch], connection: Connection) -> Exchange[TrackedMany]:
        """The workflow's jobs of the last two months, in no order that is told (support article 6067606082461).

        Only a job's own row counts: those of its steps carry its uid as ``main_job_uid`` and a status of their own.
        """
        del connection
        return (yield from listing.tracked(launches, call=_jobs_call, read=_read_jobs))

    def cancels(self, connection: Connection) -> bool:
        """Where the connection says how."""
        return _options(connection).cancel_path is not None

    def cancel(self, launch: Launch, connection: Connection) -> Exchange[CancelAnswer]:
        """The stop, where the connection says its address. The documents name the call and not its path."""
        template = _options(connection).cancel_path
        if template is None:
            return Unsupported(meaning=_NO_CANCEL)
        if not launch.run_id:
            return _NO_RUN
        reply = yield Call(method="POST", path=template.replace("{job_uid}", reading.path_part(launch.run_id)))
        return Stopping() if reading.is_success(reply) else _trouble(reply, _RUN_MEANINGS, is_change=True)

    def catalogue(self, connection: Connection) -> Exchange[CatalogueAnswer]:
        """A list at the root, without pages, as far as a third party's connector shows."""
        del connection
        reply = yield Call(method="GET", path="/v3/workflows")
        if not reading.is_success(reply) or not isinstance(reply.json(), list):
            return _trouble(reply, _RUN_MEANINGS)
        known = ((reading.text(row.get("uid")), reading.told(row.get("name"), 200)) for row in reading.rows(reply.json()))
        return Listed(workflows=tuple(Workflow(workflow_id=uid, name=name) for uid, name in known if uid is not None))

    def describe(self, workflow: Workflow, connection: Connection) -> Exchange[DescribeAnswer]:
        """The details: https://docs.captaindata.com/v3/api-reference/workflows/get-workflow."""
        reply = yield Call(method="GET", path=f"/v3/workflows/{reading.path_part(workflow.workflow_id)}/details")
        details = reply.object()
        if not reading.is_success(reply) or not isinstance(details.get("steps"), list):
            return _trouble(reply, _MEANINGS)
        configured = connection.workflows.get(workflow.workflow_id, workflow)
        steps = _steps(workflow.extras) or _steps(configured.extras)
        return Described(workflow=_described(workflow, details, steps))

    def probe(self, connection: Connection) -> Exchange[ProbeAnswer]:
        """The workspace tries the key; the accounts that configured workflows use are looked up in the lists of accounts."""
        reply = yield Call(method="GET", path="/v3/workspace")
        if not reading.is_success(reply) or not reply.object():
            return _trouble(reply, _RUN_MEANINGS)
        name = reading.told(reply.object().get("name"), 80)
        identity = None if name is None else f"workspace {name}"
        used = {uid: accounts for uid, workflow in connection.workflows.items() if (accounts := _accounts_of(workflow))}
        integrations = yield from _integrations(tuple(used))
        if not isinstance(integrations, tuple):
            return integrations
        found = yield from _known_accounts(integrations)
        if isinstance(found, Busy | Unreachable):
            return found
        wanted = dict.fromkeys(account for accounts in used.values() for account in accounts)
        named = " and ".join(integrations)
        return Held(scopes=tuple(_account(uid, _standing(uid, found), named) for uid in wanted), identity=identity)

    def find(self, launch: Launch, connection: Connection) -> Exchange[FindAnswer]:
        """The workflow's jobs, page by page: a start's ``job_name`` is the launch id, so a job of that name is its run.

        Neither the order of the list nor how many rows a page has is documented: it is read until a page brings nothing new.
        """
        del connection
        seen: set[str] = set()
        for page in range(_MOST_JOB_PAGES):
            reply = yield _jobs_call(launch.workflow_id, page, 0)
            if not reading.is_success(reply) or not isinstance(reply.json(), list):
                return _trouble(reply, _FIND_MEANINGS)
            jobs = reading.rows(reply.json())
            uids = {uid for job in jobs if (uid := reading.text(job.get("uid"))) is not None}
            named = _named(jobs, launch.launch_id)
            if named or uids <= seen:
                return Matches(candidates=named)
            seen |= uids
        return Matches(candidates=(), doubt=_NOT_WHOLE)

    def confirm(self, launch: Launch, run_id: str, connection: Connection) -> Exchange[ConfirmAnswer]:
        """The job itself. A job that does not tell its workflow is believed: it exists, and the key opens one workspace only."""
        del connection
        if not run_id.strip():
            return Denied(meaning=_NO_SUCH_JOB)
        reply = yield Call(method="GET", path=f"/v3/jobs/{reading.path_part(run_id.strip())}")
        job = reply.object()
        if reply.status == _NOT_FOUND:
            return Denied(meaning=_NO_SUCH_JOB)
        if not reading.is_success(reply) or not ("status" in job or "uid" in job):
            return _trouble(reply, _RUN_MEANINGS)
        workflow = reading.told(job.get("workflow_uid"), 80)
        if workflow is not None and workflow != launch.workflow_id:
            return Denied(meaning=f"That job is one of another workflow ({workflow}).")
        return Confirmed(run_id=_main_uid(job) or run_id.strip(), provider_status=reading.told(job.get("status"), 80))


# --- what is sent -----------------------------------------------------------------------------------------------------------


def _options(connection: Connection) -> Options:
    return connection.options if isinstance(connection.options, Options) else Options()


def _steps(extras: Mapping[str, Json]) -> list[dict[str, Any]] | None:
    """The steps as the start call takes them; None where there are none, or one has no uid."""
    steps = [_step(reading.mapping(step)) for step in reading.items(extras.get("steps"))]
    named = [step for step in steps if step is not None]
    return named if named and len(named) == len(steps) else None


def _accounts_of(workflow: Workflow) -> tuple[str, ...]:
    """The uids of the accounts that the workflow's steps use."""
    steps = _steps(workflow.extras) or ()
    return tuple(dict.fromkeys(account for step in steps for account in step["accounts"]))


def _step(configured: Mapping[str, Json]) -> dict[str, Any] | None:
    step_uid = reading.text(configured.get("step_uid"))
    if step_uid is None:
        return None
    accounts = [uid for account in reading.items(configured.get("accounts")) if (uid := reading.text(account)) is not None]
    # parameters are required even when there are none (third party: activepieces' launch-workflow.ts)
    step = {"step_uid": step_uid, "accounts": accounts, "parameters": dict(reading.mapping(configured.get("parameters")))}
    named = {name: configured.get(name) for name in ("accounts_rotation_enabled", "output_column")}
    return step | {name: value for name, value in named.items() if value is not None}


def _jobs_call(workflow_id: str, page: int, rows: int) -> Call:
    """Pages count from 0; how many rows came before does not matter here."""
    del rows
    return Call(method="GET", path=f"/v3/workflows/{reading.path_part(workflow_id)}/jobs", query={"page": str(page)})


# --- what comes back --------------------------------------------------------------------------------------------------------


def _trouble(reply: Reply, meanings: Mapping[int, str], *, is_change: bool = False) -> Trouble:
    """What a reply that is no success means. Error bodies are not documented: the status decides, a message is only shown."""
    code, detail = f"HTTP {reply.status}", reading.told(reply.object().get("message"))
    if not reading.is_refusal(reply):
        return Unreachable(is_possibly_applied=is_change, detail=f"{code}: {detail}" if detail else code)
    meaning = meanings.get(reply.status, "Captain Data refused the call.")
    match reply.status:
        case 429:
            wait_s = reading.retry_after_s(reply)
            return Busy(code=code, meaning=meaning, retry_after_s=_WAIT_S if wait_s is None else wait_s)
        case 401 | 403:
            return Unauthorised(code=code, meaning=meaning, detail=detail)
        case _:
            return Refused(code=code, meaning=meaning, detail=detail)


def _read_job(job: Mapping[str, Json]) -> Observed | Completed:
    status = reading.told(job.get("status"), 80)
    error = reading.told(job.get("error_message"))
    outcome = _ENDS.get((status or "").lower())
    if outcome is not None:
        return _ended(outcome, status, error, job)
    is_paused = (status or "").lower() == "paused"
    return Observed(
        provider_status=status,
        attention=(f"Captain Data paused it: {error}" if error else _PAUSED) if is_paused else None,
        progress=_progress(job),
    )


def _read_jobs(reply: Reply) -> listing.Page | Trouble:
    """A page of jobs; a row without a status says nothing."""
    if not reading.is_success(reply) or not isinstance(reply.json(), list):
        return _trouble(reply, _RUN_MEANINGS)
    named = {uid: job for job in reading.rows(reply.json()) if (uid := reading.text(job.get("uid"))) is not None}
    return {uid: _read_job(job) if reading.text(job.get("status")) else None for uid, job in named.items()}


def _ended(outcome: Outcome, status: str | None, error: str | None, job: Mapping[str, Json]) -> Completed:
    rows, given = _counts(job)
    counts = {name: count for name, count in (("rows", rows), ("inputs", given)) if count is not None}
    is_failed = outcome is Outcome.FAILED
    return Completed(
        outcome=outcome,
        provider_status=status,
        outputs=counts if outcome is Outcome.SUCCEEDED else {},
        code=(status or "").lower() if is_failed else None,
        detail=error if is_failed else None,
    )


def _counts(job: Mapping[str, Json]) -> tuple[int | None, int | None]:
    """Rows found and inputs given. A run counts as finished when one input worked, so people are told both."""
    rows = reading.whole(job.get("total_row_count"))
    return reading.whole(job.get("row_count")) if rows is None else rows, reading.whole(job.get("number_inputs"))


def _progress(job: Mapping[str, Json]) -> str | None:
    rows, given = _counts(job)
    return None if rows is None or given is None else f"{rows} rows from {given} inputs so far"


def _named(jobs: tuple[Mapping[str, Json], ...], launch_id: str) -> tuple[Candidate, ...]:
    """The jobs of this name, each run once: a workflow of several steps lists sub-jobs, tied by ``main_job_uid``.

    Which of the two names carries ``job_name`` is not documented, so both are read.
    """
    ours = [job for job in jobs if launch_id in {reading.text(job.get("name")), reading.text(job.get("main_job_name"))}]
    ours.sort(key=lambda job: _main_uid(job) != reading.text(job.get("uid")))  # the main job's own row tells its status best
    found: dict[str, Candidate] = {}
    for job in ours:
        run_id, status = _main_uid(job), reading.told(job.get("status"), 80)
        started = reading.told(job.get("start_time"), 80) or reading.told(job.get("scheduled_time"), 80)
        if run_id is not None:
            found.setdefault(run_id, Candidate(run_id=run_id, provider_status=status, started_at=started))
    return tuple(found.values())


def _main_uid(job: Mapping[str, Json]) -> str | None:
    return reading.text(job.get("main_job_uid")) or reading.text(job.get("uid"))


# --- accounts ---------------------------------------------------------------------------------------------------------------


def _integrations(workflow_uids: tuple[str, ...]) -> Generator[Call, Reply, tuple[str, ...] | Busy | Unreachable]:
    """The integrations whose accounts these workflows use, as their details tell."""
    slugs: list[str] = []
    for uid in workflow_uids:
        reply = yield Call(method="GET", path=f"/v3/workflows/{reading.path_part(uid)}/details")
        if not reading.is_success(reply):
            trouble = _trouble(reply, _MEANINGS)
            if isinstance(trouble, Busy | Unreachable):
                return trouble
        for step in reading.rows(reply.object().get("steps")):
            slugs += [slug for value in reading.items(step.get("integrations")) if (slug := reading.told(value, 80)) is not None]
    return tuple(dict.fromkeys(slugs))


def _known_accounts(integrations: tuple[str, ...]) -> Generator[Call, Reply, Mapping[str, bool] | Busy | Unreachable | None]:
    """Account uid → is valid; None where a list could not be read to its end.

    Only uid and validity are taken out of a row: its cookies open somebody's account, and go no further than the reply.
    """
    found: dict[str, bool] = {}
    for slug in integrations:
        for page in range(_MOST_ACCOUNT_PAGES):
            reply = yield Call(
                method="GET", path=f"/v3/integrations/{reading.path_part(slug)}/accounts", query={"page": str(page)}
            )
            if not reading.is_success(reply) or not isinstance(reply.object().get("accounts"), list):
                trouble = _trouble(reply, _RUN_MEANINGS)
                return trouble if isinstance(trouble, Busy | Unreachable) else None
            rows = reading.rows(reply.object().get("accounts"))
            found |= {uid: row.get("is_valid") is not False for row in rows if (uid := reading.text(row.get("uid"))) is not None}
            if not rows or reply.object().get("next_page_exist") is not True:
                break
        else:
            return None
    return found if integrations else None


def _standing(uid: str, found: Mapping[str, bool] | None) -> _Known:
    if found is None:
        return "unread"
    if uid not in found:
        return "missing"
    return "there" if found[uid] else "invalid"


def _refused_account(trouble: Trouble, steps: list[dict[str, Any]]) -> Trouble:
    """A refusal that names one of the accounts is about that account: it is the only scope that there is."""
    accounts = [account for step in steps for account in step["accounts"]]
    if not isinstance(trouble, Unauthorised) or trouble.detail is None:
        return trouble
    named = next((account for account in accounts if account in (trouble.detail or "")), None)
    return replace(trouble, scope=named)


# --- details ----------------------------------------------------------------------------------------------------------------


def _described(asked: Workflow, details: Mapping[str, Json], configured: list[dict[str, Any]] | None) -> Workflow:
    """The workflow with its own steps, or with those that the configuration lays over them."""
    told = sorted(reading.rows(details.get("steps")), key=_position)
    steps = configured or _steps({"steps": _uids_only(told)}) or []
    return Workflow(
        workflow_id=asked.workflow_id,
        name=reading.told(details.get("name"), 200),
        inputs=_inputs(told[0]) if told else (),
        obstacle=_obstacle(told, steps),
        extras={"steps": steps} if steps else {},
    )


def _uids_only(told: list[Mapping[str, Json]]) -> list[dict[str, Json]]:
    """The steps by uid only: defaults of their parameters are Captain Data's to apply, and accounts are never guessed."""
    return [{"step_uid": step.get("step_uid")} for step in told]


def _position(step: Mapping[str, Json]) -> int:
    place = reading.whole(step.get("position"))
    return 0 if place is None else place


def _obstacle(told: list[Mapping[str, Json]], steps: list[dict[str, Any]]) -> str | None:
    if not steps:
        return "Captain Data does not tell its steps: the configuration must name them."
    accounts = {step["step_uid"]: step["accounts"] for step in steps}
    for step in told:
        slugs = [slug for value in reading.items(step.get("integrations")) if (slug := reading.told(value, 80)) is not None]
        uid = reading.text(step.get("step_uid"))
        if slugs and not accounts.get(uid):
            name = reading.told(step.get("step_name"), 80) or uid
            return f"Its step {name} needs an account of {' and '.join(slugs)}: the configuration must name the account's uid."
    return None


def _inputs(step: Mapping[str, Json]) -> tuple[InputSpec, ...]:
    """The first step's inputs. There are no types: a key that speaks of a URL is checked as one, everything else is text."""
    fields = ((reading.text(name), reading.mapping(value)) for name, value in reading.mapping(step.get("input_schema")).items())
    specs = (
        InputSpec(
            name=name,
            type=InputType.URL if "url" in name.lower() else InputType.TEXT,
            required=reading.whole(facts.get("required")) == 1 or facts.get("required") is True,
            hint=reading.told(facts.get("help"), 150),
        )
        for name, facts in fields
        if name is not None
    )
    return tuple({spec.name: spec for spec in specs}.values())


PROVIDER = CaptainData()
