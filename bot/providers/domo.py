"""Domo Workflows, through the Product API of one Domo instance.

Why a run is followed by a call that Domo does not document: it documents start and cancel only, and without that call no launch
would ever end. Listing and describing are left to the configuration unless ``undocumented_reads`` is on.

Why a 404 about a run is not believed at once: a new instance may not be visible yet, and a right that was taken away looks the
same. So it counts as a miss, and only the fourth in a row says that Domo does not show the run any more.

Why a start is never sent twice: nothing in the call tells two starts apart. So a lost start is looked up by its circumstances:
workflow, version, time and user. Which user the token is, no documented call tells; where the undocumented one does not either,
what is found is said to be uncertain.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from bot.domain import finding, listing, reading
from bot.domain.model import NOTHING, Connection, InputSpec, InputType, Json, Launch, Problem, Workflow
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
    Unverifiable,
)

# --- settings ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What proves who we are at Domo."""

    developer_token: Annotated[str, "An access token of a service user; it carries exactly that user's rights."]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a Domo connection may say."""

    undocumented_reads: Annotated[
        bool, "Whether workflows and their inputs are read by calls that Domo's own pages use and Domo does not document."
    ] = False


@dataclass(frozen=True, kw_only=True)
class WorkflowOptions:
    """What a workflow's entry may say."""

    version: Annotated[str | None, "The deployed version to start, such as 1.1.0; Domo asks for it with every start."] = None
    message_name: Annotated[str | None, "The title of the start element; without it, 'Start' and the workflow's name."] = None


# --- facts ------------------------------------------------------------------------------------------------------------------

_START = "https://www.domo.com/docs/api-reference/workflows-api-product/start-a-workflow"
_CANCEL = "https://www.domo.com/docs/api-reference/workflows-api-product/cancel-a-workflow"
_PORTAL = "https://github.com/DomoApps/domo-developer-portal/blob/master/docs"
_PERMISSIONS = f"{_PORTAL}/API-Reference/Product-APIs/Workflows.md"
_AUTHENTICATION = f"{_PORTAL}/Automate-Actions/Workflows/authentication.md"
_REMOTE_START = f"{_PORTAL}/Partner-Developers/Guides/start-a-remote-workflow.md"
_APP_API = f"{_PORTAL}/API-Reference/Domo-App-APIs/Workflows-API.md"
_API = "/api/workflow/v1"
_ME = "/api/sessions/v1/me"  # third parties' browser code asks it; whether it takes a developer token is not known

_WORDS = {
    "ADMIN": "Administer the workflow",
    "SHARE": "Share it",
    "DELETE": "Delete it",
    "WRITE": "Change it",
    "READ": "See it",
    "EXPORT": "Export it",
    "EXECUTE": "Start it",
    "UPDATE_CONTENT": "Change its content",
}
_ALLOWS = {"EXECUTE": ("launch", "track", "cancel"), "READ": ("list", "describe")}

# Documented: null, IN_PROGRESS, CANCELED, COMPLETED. FAILED stands in a metrics sample of the app API; the other spellings were
# seen in third parties' code. Whatever else comes is shown as it is and asked about again.
_ENDS = {
    "COMPLETED": Outcome.SUCCEEDED,
    "CANCELED": Outcome.CANCELLED,
    "CANCELLED": Outcome.CANCELLED,
    "ABORTED": Outcome.CANCELLED,
    "FAILED": Outcome.FAILED,
}
# https://github.com/DomoApps/domo-developer-portal: docs/API-Reference/Product-APIs/Workflows.md, data types
_TYPES = {
    "boolean": InputType.BOOLEAN,
    "date": InputType.DATE,
    "datetime": InputType.DATETIME,
    "decimal": InputType.DECIMAL,
    "number": InputType.DECIMAL,
    "object": InputType.JSON,
}
_MEANINGS = {
    400: "Domo cannot read the inputs: a name or a type is not what this version takes.",
    401: "Domo does not accept the developer token: it is missing, wrong, expired or revoked.",
    403: "The token's user may not do this with the workflow.",
    404: "Domo knows no such workflow or version, or does not show it to the token's user.",
    405: "Domo does not take such a call at this address.",
    415: "Domo does not take such a body.",
    429: "Domo takes no more calls for a moment.",
}
_RUN_MEANINGS = {
    **_MEANINGS,
    400: "Domo refused the call.",
    404: "Domo knows no such run, or does not show it to the token's user.",
}
_READ_MEANINGS = {**_MEANINGS, 400: "Domo refused the call."}
_GONE = "Domo does not show this run any more: it is gone, or the token's user may not see it any longer."
_UNREADABLE_STARTS = "Domo's answer about how this workflow starts could not be read."
_UNKNOWN_RUN = "Domo knows no run with this id, or does not show it to the token's user."
_UNTOLD_WORKFLOW = "Domo shows this run and does not tell which workflow it is one of."
_UNKNOWN_USER = "Domo does not tell which user this connection's token is, so what was found may be somebody else's."
_NOT_WHOLE = "Domo's list of runs could not be read back to the time of the start"
_NO_READS = "Domo documents no call that tells which workflows there are or what they take."
_ASKED_BY = "The user's own rights are read for each workflow, where undocumented reads are allowed; else only a refusal tells."
_NOT_ASKED = "Domo documents no call that tells the user's own rights, and undocumented reads are not allowed here."
_NO_MODELS = "No workflow is known whose rights could be asked."
_UNTOLD_RIGHTS = "Domo did not tell the user's own rights on this workflow."
_ONLY_ADMIN = "Domo lists ADMIN among the user's own rights on this workflow, and does not say whether that includes it."
_OWN_RIGHTS = f"{_API}/models/permissions/me"
# A third party's note on that call mentions START, where the documents say EXECUTE.
_ALSO_SPELLED = {"EXECUTE": "START"}
_NOT_FOUND, _TOO_MANY = 404, 429
_MISSES_BEFORE_GONE = 3
_PAGE_LENGTH = "100"
_MOST_PAGES = 100
_MOST_FIND_PAGES = 20

# --- examples ---------------------------------------------------------------------------------------------------------------

_MODEL = "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138"
_RUN = "2052e10a-d142-4391-a731-2be1ab1c0188"
_AT = datetime(2023, 11, 15, 15, 28, 57, tzinfo=UTC)
_CONNECTION = Connection(name="analytics", provider="domo", base_url="https://acme.domo.com", options=Options())
_READING = replace(
    _CONNECTION,
    options=Options(undocumented_reads=True),
    workflows={_MODEL: Workflow(workflow_id=_MODEL, name="AddTwoNumbers")},
)
_LAUNCH = Launch(
    launch_id="L-D0M0",
    team_id="T0GONOGO",
    channel_id="C0DATA",
    requester_id="U0ALICE",
    connection="analytics",
    provider="domo",
    workflow_id=_MODEL,
    workflow_name="AddTwoNumbers",
    extras={"version": "0.0.1", "message_name": "Start MyWorkflow"},
    inputs={"parameter1": 13, "parameter2": 7},
    created_at=_AT,
    updated_at=_AT,
)
_RUNNING = replace(_LAUNCH, run_id=_RUN)


def _says(status: int, body: Json = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body="" if body is None else json.dumps(body))


def _instance(status: Json, **more: Json) -> dict[str, Json]:
    return {
        "id": _RUN,
        "modelId": _MODEL,
        "modelName": "AddTwoNumbers",
        "modelVersion": "1.1.0",
        "createdBy": "8811501",
        "createdOn": "2023-11-15T15:28:57.479Z",
        "updatedBy": "8811501",
        "updatedOn": "2023-11-15T15:28:57.479Z",
        "status": status,
        **more,
    }


_start = partial(
    Example,
    verb="start",
    source=_START,
    call=Call(
        method="POST",
        path=f"{_API}/instances/message",
        json={
            "messageName": "Start MyWorkflow",
            "version": "0.0.1",
            "modelId": _MODEL,
            "data": {"parameter1": 13, "parameter2": 7},
        },
    ),
    launch=_LAUNCH,
    connection=_CONNECTION,
)
_track = partial(
    Example,
    verb="track",
    source=_START,
    call=Call(method="GET", path=f"{_API}/instances/{_RUN}"),
    launch=_RUNNING,
    connection=_CONNECTION,
    is_documented=False,
)
_cancel = partial(
    Example,
    verb="cancel",
    source=_CANCEL,
    call=Call(method="POST", path=f"{_API}/instances/{_RUN}/cancel"),
    launch=_RUNNING,
    connection=_CONNECTION,
)
_read = partial(Example, source=_REMOTE_START, launch=_LAUNCH, connection=_READING, is_documented=False)
_SOUGHT = replace(_LAUNCH, sent_at=_AT)
_find = partial(Example, verb="find", source=_START, launch=_SOUGHT, connection=_CONNECTION, is_documented=False)
_confirm = partial(
    Example,
    verb="confirm",
    source=_START,
    call=Call(method="GET", path=f"{_API}/instances/{_RUN}"),
    launch=_LAUNCH,
    connection=_CONNECTION,
    is_documented=False,
    run_id=_RUN,
)
_TRACED = {"status": 404, "statusReason": "Not Found", "toe": "1A2B3C-4D5E6-7F8A9"}
_MODEL_BODY = {
    "id": _MODEL,
    "name": "AddTwoNumbers",
    "versions": [
        {"version": "1.1.0", "active": True, "deployedOn": "2023-11-15T15:00:00Z"},
        {"version": "1.10.0", "active": False, "deployedOn": None},
    ],
}
_STARTS_BODY = [
    {
        "messageName": "Start MyWorkflow",
        "inputs": [
            {"name": "parameter1", "type": "number", "required": True},
            {"name": "parameter2", "type": "number", "required": True},
        ],
    }
]


def _unasked(why: str) -> tuple[ScopeSeen, ...]:
    return tuple(ScopeSeen(scope=word, is_held=None, evidence=why) for word in _WORDS)


def _right(model_id: str, word: str, told: tuple[str, ...] | None) -> ScopeSeen:
    """What the user's own rights on a workflow say of one word; None: they were not told."""
    if told is None:
        is_held, evidence = None, _UNTOLD_RIGHTS
    elif word in told or _ALSO_SPELLED.get(word) in told:
        is_held, evidence = True, f"Domo lists {word} among the user's own rights on this workflow."
    elif "ADMIN" in told:
        is_held, evidence = None, _ONLY_ADMIN
    else:
        is_held, evidence = False, f"Domo does not list {word} among the user's own rights on this workflow."
    return ScopeSeen(scope=word, workflow_id=model_id, is_held=is_held, evidence=evidence)


def _instances_query(offset: int) -> dict[str, str]:
    return {"modelId": _MODEL, "limit": _PAGE_LENGTH, "offset": str(offset), "sort": "createdOn:desc"}


_OTHER_RUN = "2052e10a-d142-4391-a731-2be1ab1c0189"
_track_many = partial(
    Example,
    verb="track_many",
    source=_START,
    call=Call(method="GET", path=f"{_API}/instances", query=_instances_query(0)),
    launch=_RUNNING,
    others=(replace(_RUNNING, launch_id="L-D0M1", run_id=_OTHER_RUN),),
    connection=_CONNECTION,
    is_documented=False,
)
_OWN = _instance("IN_PROGRESS", modelVersion="0.0.1")
_OTHERS = {**_OWN, "id": "somebody-elses", "createdBy": "4471200"}
_EARLIER = {**_OWN, "id": "earlier", "createdOn": "2023-11-15T15:20:00.000Z"}
_FOUND = Candidate(run_id=_RUN, provider_status="IN_PROGRESS", started_at="2023-11-15T15:28:57.479Z")


def _refusals() -> tuple[Example, ...]:
    """Statuses whose bodies Domo does not show. 401, 403 and 404 are documented, the others may come from any HTTP server."""
    answers: Mapping[int, Trouble] = {
        400: Refused(code="HTTP 400", meaning=_MEANINGS[400]),
        401: Unauthorised(code="HTTP 401", meaning=_MEANINGS[401]),
        403: Unauthorised(code="HTTP 403", meaning=_MEANINGS[403], scope="EXECUTE", is_of_workflow=True),
        405: Refused(code="HTTP 405", meaning=_MEANINGS[405]),
        415: Refused(code="HTTP 415", meaning=_MEANINGS[415]),
        500: Unreachable(is_possibly_applied=True, detail="HTTP 500"),
        503: Unreachable(is_possibly_applied=True, detail="HTTP 503"),
    }
    return tuple(
        _start(name=f"start meets HTTP {status}", source=_AUTHENTICATION, reply=_says(status), answer=answer, is_documented=False)
        for status, answer in answers.items()
    )


_EXAMPLES: tuple[Example, ...] = (
    _start(
        name="accepted, and not reported as started yet",
        reply=_says(200, _instance(None)),
        answer=Accepted(run_id=_RUN, version="1.1.0"),
    ),
    _start(
        name="the word null means the same",
        source=_PERMISSIONS,
        reply=_says(200, _instance("null")),
        answer=Accepted(run_id=_RUN, version="1.1.0"),
    ),
    _start(
        name="accepted and in progress",
        reply=_says(200, _instance("IN_PROGRESS")),
        answer=Accepted(run_id=_RUN, provider_status="IN_PROGRESS", version="1.1.0"),
        is_documented=False,
    ),
    _start(
        name="over before the answer came",
        reply=_says(200, _instance("COMPLETED")),
        answer=Completed(outcome=Outcome.SUCCEEDED, run_id=_RUN, provider_status="COMPLETED"),
        is_documented=False,
    ),
    *_refusals(),
    _start(
        name="no such workflow, or not visible",
        source=_AUTHENTICATION,
        reply=_says(404, _TRACED),
        answer=Refused(code="HTTP 404", meaning=_MEANINGS[404], detail="Not Found (Domo's trace id: 1A2B3C-4D5E6-7F8A9)"),
        is_documented=False,
    ),
    _start(
        name="too many calls",
        reply=_says(429, retry_after="12"),
        answer=Busy(code="HTTP 429", meaning=_MEANINGS[429], retry_after_s=12.0),
        is_documented=False,
    ),
    _track(name="not reported yet", reply=_says(200, _instance(None)), answer=Observed()),
    _track(name="in progress", reply=_says(200, _instance("IN_PROGRESS")), answer=Observed(provider_status="IN_PROGRESS")),
    _track(
        name="completed",
        reply=_says(200, _instance("COMPLETED")),
        answer=Completed(outcome=Outcome.SUCCEEDED, provider_status="COMPLETED"),
    ),
    _track(
        name="cancelled",
        reply=_says(200, _instance("CANCELED")),
        answer=Completed(outcome=Outcome.CANCELLED, provider_status="CANCELED"),
    ),
    _track(
        name="failed",
        source=_APP_API,
        reply=_says(200, _instance("FAILED", errorMessage="Division by zero")),
        answer=Completed(outcome=Outcome.FAILED, provider_status="FAILED", detail="Division by zero"),
    ),
    _track(
        name="not shown any more",
        source=_AUTHENTICATION,
        launch=replace(_RUNNING, misses=_MISSES_BEFORE_GONE),
        reply=_says(404),
        answer=Completed(outcome=Outcome.ENDED, code="HTTP 404", detail=_GONE),
    ),
    _track_many(
        name="two runs of one workflow, one of them over",
        reply=_says(200, [_instance("IN_PROGRESS"), {**_instance("COMPLETED"), "id": _OTHER_RUN}]),
        answer=TrackedMany(
            answers={
                _RUN: Observed(provider_status="IN_PROGRESS"),
                _OTHER_RUN: Completed(outcome=Outcome.SUCCEEDED, provider_status="COMPLETED"),
            }
        ),
    ),
    _track_many(
        name="a run that the list lacks is asked about by itself",
        call=Call(method="GET", path=f"{_API}/instances", query=_instances_query(1)),
        before=(_says(200, [_instance("IN_PROGRESS")]),),
        reply=_says(200, []),
        answer=TrackedMany(answers={_RUN: Observed(provider_status="IN_PROGRESS")}),
    ),
    _track_many(
        name="too many calls for everybody",
        reply=_says(429, retry_after="12"),
        answer=TrackedMany(
            answers=dict.fromkeys((_RUN, _OTHER_RUN), Busy(code="HTTP 429", meaning=_MEANINGS[429], retry_after_s=12.0))
        ),
    ),
    _cancel(
        name="cancelled at once",
        reply=_says(200, _instance("CANCELED", deploymentId="d-1", bpmnProcessId="p-1", isTestRun=False)),
        answer=Completed(outcome=Outcome.CANCELLED, provider_status="CANCELED"),
    ),
    _cancel(
        name="the wish to stop is taken",
        reply=_says(200, _instance("IN_PROGRESS")),
        answer=Stopping(provider_status="IN_PROGRESS"),
        is_documented=False,
    ),
    _cancel(
        name="over before it could be stopped",
        call=Call(method="GET", path=f"{_API}/instances/{_RUN}"),
        before=(_says(400),),
        reply=_says(200, _instance("COMPLETED")),
        answer=Completed(outcome=Outcome.SUCCEEDED, provider_status="COMPLETED"),
        is_documented=False,
    ),
    _read(
        name="the workflows that the user sees",
        verb="catalogue",
        before=(_says(200, [_MODEL_BODY]),),
        call=Call(method="GET", path=f"{_API}/models", query={"limit": _PAGE_LENGTH, "offset": "1"}),
        reply=_says(200, []),
        answer=Listed(workflows=(Workflow(workflow_id=_MODEL, name="AddTwoNumbers", version="1.1.0"),)),
    ),
    _read(
        name="a workflow and how it starts",
        verb="describe",
        before=(_says(200, _MODEL_BODY),),
        call=Call(method="GET", path=f"{_API}/models/{_MODEL}/versions/1.1.0/starts"),
        reply=_says(200, _STARTS_BODY),
        answer=Described(
            workflow=Workflow(
                workflow_id=_MODEL,
                name="AddTwoNumbers",
                version="1.1.0",
                inputs=tuple(
                    InputSpec(name=name, type=InputType.DECIMAL, required=True) for name in ("parameter1", "parameter2")
                ),
                extras={"message_name": "Start MyWorkflow"},
            )
        ),
    ),
    _read(
        name="the user's rights on the configured workflows",
        verb="probe",
        source=_PERMISSIONS,
        call=Call(method="POST", path=_OWN_RIGHTS, json={"modelIds": [_MODEL]}, is_question=True),
        reply=_says(200, {_MODEL: ["READ", "EXECUTE"]}),
        answer=Held(scopes=tuple(_right(_MODEL, word, ("READ", "EXECUTE")) for word in _WORDS)),
    ),
    _read(
        name="the token works",
        verb="probe",
        source=_AUTHENTICATION,
        connection=_CONNECTION,
        call=Call(method="GET", path=f"{_API}/instances", query={"limit": "1"}),
        reply=_says(200, []),
        answer=Held(scopes=_unasked(_NOT_ASKED)),
    ),
    _find(
        name="the user's own run, and somebody else's",
        before=(_says(200, [_OTHERS, _OWN, _EARLIER]),),
        call=Call(method="GET", path=_ME),
        reply=_says(200, {"userId": 8811501}),
        answer=Matches(candidates=(_FOUND,)),
    ),
    _find(
        name="which user asks is not told",
        before=(_says(200, [_OWN, _EARLIER]),),
        call=Call(method="GET", path=_ME),
        reply=_says(403),
        answer=Matches(candidates=(_FOUND,), doubt=_UNKNOWN_USER),
    ),
    _find(
        name="nothing ran then",
        call=Call(method="GET", path=f"{_API}/instances", query=_instances_query(0)),
        reply=_says(200, [_EARLIER]),
        answer=Matches(candidates=()),
    ),
    _confirm(
        name="it is a run of the workflow",
        reply=_says(200, _instance("IN_PROGRESS")),
        answer=Confirmed(run_id=_RUN, provider_status="IN_PROGRESS"),
    ),
    _confirm(
        name="it is a run of another workflow",
        reply=_says(200, {**_instance("IN_PROGRESS"), "modelId": "other"}),
        answer=Denied(meaning="That run is one of another workflow (other)."),
    ),
    _confirm(name="there is no such run", source=_AUTHENTICATION, reply=_says(404, _TRACED), answer=Denied(meaning=_UNKNOWN_RUN)),
)

# --- the provider -----------------------------------------------------------------------------------------------------------


class Domo(Provider):
    """Domo Workflows."""

    name = "domo"
    title = "Domo Workflows"
    documents = _START
    scopes = tuple(
        Scope(name=word, allows=_ALLOWS.get(word, ()), meaning=meaning, source=_PERMISSIONS, asked_by=_ASKED_BY)
        for word, meaning in _WORDS.items()
    )
    # Domo gives no advice and no limit for workflows; the figures are ours: its one limit is that of the search, 120 a minute.
    pace = Pace(first_s=5.0, most_s=60.0, source=_START)
    allowance = Allowance(calls_a_minute=60.0, source=_START)
    can_track_many = True
    can_cancel = True
    has_catalogue = True
    has_describe = True
    lost_start_settled_by = "runs of the workflow that this connection's user started at that time"
    credential = Credential
    options = Options
    workflow_options = WorkflowOptions
    examples = _EXAMPLES

    def check(self, launch_inputs: Mapping[str, Json], workflow: Workflow, connection: Connection) -> tuple[Problem, ...]:
        """The start needs a version and a message name, which nobody types."""
        del launch_inputs, connection
        needs = {
            "version": _version(workflow.extras, workflow.version),
            "message_name": _message_name(workflow.extras, workflow.name),
        }
        missing = (name for name, value in needs.items() if value is None)
        return tuple(Problem(code="workflow_incomplete", facts={"name": workflow.label, "what": name}) for name in missing)

    def sign(self, call: Call, credential: Mapping[str, Secret], session: Session | None) -> Signature:
        """One header: https://www.domo.com/docs/api-reference/workflows-api-product/start-a-workflow."""
        del call, session
        return Signature(headers={"X-DOMO-Developer-Token": credential["developer_token"]})

    def is_session_over(self, reply: Reply) -> bool:
        """Never: a developer token cannot be renewed by a call."""
        del reply
        return False

    def start(self, launch: Launch, connection: Connection) -> Exchange[StartAnswer]:
        """One call: https://www.domo.com/docs/api-reference/workflows-api-product/start-a-workflow."""
        del connection
        message_name = _message_name(launch.extras, launch.workflow_name)
        version = _version(launch.extras, launch.workflow_version)
        if message_name is None or version is None:
            return Refused(code="incomplete", meaning="Nothing was sent: the workflow's version or message name is not known.")
        body = {"messageName": message_name, "version": version, "modelId": launch.workflow_id, "data": dict(launch.inputs)}
        reply = yield Call(method="POST", path=f"{_API}/instances/message", json=body)
        run_id = reading.text(reply.object().get("id"))
        if not reading.is_success(reply) or run_id is None:
            return _trouble(reply, _MEANINGS, scope="EXECUTE", is_change=True)
        ended = _ended(reply)
        if ended is not None:
            return replace(ended, run_id=run_id)
        version = reading.text(reply.object().get("modelVersion"))
        return Accepted(run_id=run_id, provider_status=_status(reply), version=version)

    def track(self, launch: Launch, connection: Connection) -> Exchange[TrackAnswer]:
        """The instance, by the call that third parties use with the same token (not documented by Domo)."""
        del connection
        if not launch.run_id:
            return _NO_RUN
        reply = yield Call(method="GET", path=f"{_API}/instances/{reading.path_part(launch.run_id)}")
        if _is_instance(reply):
            return _ended(reply) or Observed(provider_status=_status(reply))
        if reply.status == _NOT_FOUND:
            return _not_shown(launch)
        return _trouble(reply, _RUN_MEANINGS)

    def track_many(self, launches: Sequence[Launch], connection: Connection) -> Exchange[TrackedMany]:
        """The workflow's instances, newest first, by the call that ``find`` makes (a third party's).

        It lists what is over as well. Whatever it does not show is asked about singly: a list may need rights that the run does not.
        """
        del connection
        return (yield from listing.tracked(launches, call=_list_call, read=_read_instances))

    def cancel(self, launch: Launch, connection: Connection) -> Exchange[CancelAnswer]:
        """https://www.domo.com/docs/api-reference/workflows-api-product/cancel-a-workflow.

        What it answers about a run that is over is not documented: a refusal is therefore checked against the run itself.
        """
        del connection
        if not launch.run_id:
            return _NO_RUN
        instance = f"{_API}/instances/{reading.path_part(launch.run_id)}"
        reply = yield Call(method="POST", path=f"{instance}/cancel")
        if _is_instance(reply):
            return _ended(reply) or Stopping(provider_status=_status(reply))
        trouble = _trouble(reply, _RUN_MEANINGS, scope="EXECUTE", is_change=True)
        if not isinstance(trouble, Refused):
            return trouble
        reply = yield Call(method="GET", path=instance)
        return (_ended(reply) if _is_instance(reply) else None) or trouble

    def catalogue(self, connection: Connection) -> Exchange[CatalogueAnswer]:
        """All workflows that the token's user sees, where undocumented reads are allowed."""
        if not _options(connection).undocumented_reads:
            return Unsupported(meaning=_NO_READS)
        found: dict[str, Workflow] = {}
        offset = 0
        for _ in range(_MOST_PAGES):
            query = {"limit": _PAGE_LENGTH, "offset": str(offset)}
            reply = yield Call(method="GET", path=f"{_API}/models", query=query)
            rows = _listed(reply.json()) if reading.is_success(reply) else None
            if rows is None:
                return _trouble(reply, _READ_MEANINGS, scope="READ")
            fresh = {model.workflow_id: model for model in map(_model, rows) if model is not None}
            # Whether Domo keeps to the limit is not known, so a short page is no end: only one that brings nothing new is.
            if fresh.keys() <= found.keys():
                break
            offset, found = offset + len(rows), found | fresh
        return Listed(workflows=tuple(found.values()))

    def describe(self, workflow: Workflow, connection: Connection) -> Exchange[DescribeAnswer]:
        """The model, then the start of its version, where undocumented reads are allowed.

        Only that a GET tells the message name is documented (start-a-remote-workflow.md); path and shape are third parties'.
        """
        if not _options(connection).undocumented_reads:
            return Unsupported(meaning=_NO_READS)
        path = f"{_API}/models/{reading.path_part(workflow.workflow_id)}"
        reply = yield Call(method="GET", path=path)
        model = _model({"id": workflow.workflow_id, **reply.object()}) if reading.is_success(reply) and reply.object() else None
        if model is None:
            return _trouble(reply, _READ_MEANINGS, scope="READ")
        configured = connection.workflows.get(workflow.workflow_id, workflow)
        version = _version({**configured.extras, **workflow.extras}, workflow.version or configured.version) or model.version
        if version is None:
            obstacle = model.obstacle or "Domo does not tell which version of it is deployed."
            return Described(workflow=replace(model, inputs=(), obstacle=obstacle))
        reply = yield Call(method="GET", path=f"{path}/versions/{reading.path_part(version)}/starts")
        if not reading.is_success(reply):
            return _trouble(reply, _READ_MEANINGS, scope="READ")
        wanted = reading.text(workflow.extras.get("message_name")) or reading.text(configured.extras.get("message_name"))
        return _described(replace(model, version=version, obstacle=None), _starts(reply.json()), wanted)

    def probe(self, connection: Connection) -> Exchange[ProbeAnswer]:
        """The user's own rights on each workflow, where undocumented reads are allowed; else a list of one run tries the token.

        Asked about are the configured workflows, or where there are none those that Domo lists.
        """
        model_ids = list(connection.workflows)
        if not _options(connection).undocumented_reads:
            return (yield from _tried(model_ids))
        if not model_ids:
            reply = yield Call(method="GET", path=f"{_API}/models", query={"limit": _PAGE_LENGTH, "offset": "0"})
            rows = _listed(reply.json()) if reading.is_success(reply) else None
            if rows is None:
                return _trouble(reply, _READ_MEANINGS)
            model_ids = [model.workflow_id for model in map(_model, rows) if model is not None]
        if not model_ids:
            return Held(scopes=_unasked(_NO_MODELS))
        reply = yield Call(method="POST", path=_OWN_RIGHTS, json={"modelIds": model_ids}, is_question=True)
        if not reading.is_success(reply) or not isinstance(reply.json(), dict):
            return _trouble(reply, _READ_MEANINGS)
        rights = {model_id: _words_in(reply.object().get(model_id)) for model_id in model_ids}
        return Held(scopes=tuple(_right(model_id, word, told) for model_id, told in rights.items() for word in _WORDS))

    def find(self, launch: Launch, connection: Connection) -> Exchange[FindAnswer]:
        """The workflow's runs of that time, then who the token's user is: both as third parties ask, neither documented.

        Whoever else starts the same workflow just then is told apart by user only. Where that is refused or not told, all are
        given and said to be uncertain; where Domo is merely in trouble, the look-up is.
        """
        del connection
        if launch.sent_at is None:
            return Matches(candidates=())
        listed = yield from _instances(launch.workflow_id, launch.sent_at)
        if not isinstance(listed, dict):
            return listed
        judged = {run_id: _fit(row, launch) for run_id, row in listed.items()}
        near = {run_id: row for run_id, row in listed.items() if judged[run_id] is not False}
        if not near:
            return Matches(candidates=())
        user_id = yield from _own_user_id()
        if isinstance(user_id, Busy | Unreachable):
            return user_id
        by_user = [
            (_candidate(run_id, row), finding.all_fit(judged[run_id], _is_by(row, user_id))) for run_id, row in near.items()
        ]
        return finding.matches(by_user, doubt=_UNKNOWN_USER if user_id is None else None)

    def confirm(self, launch: Launch, run_id: str, connection: Connection) -> Exchange[ConfirmAnswer]:
        """The instance, as ``track`` asks for it."""
        del connection
        if not run_id.strip():
            return Denied(meaning=_UNKNOWN_RUN)
        reply = yield Call(method="GET", path=f"{_API}/instances/{reading.path_part(run_id.strip())}")
        if reply.status == _NOT_FOUND:
            return Denied(meaning=_UNKNOWN_RUN)
        if not _is_instance(reply):
            return _trouble(reply, _RUN_MEANINGS)
        model_id = reading.told(reply.object().get("modelId"), 80)
        if model_id is None:
            return Unverifiable(meaning=_UNTOLD_WORKFLOW)
        if model_id != launch.workflow_id:
            return Denied(meaning=f"That run is one of another workflow ({model_id}).")
        return Confirmed(run_id=run_id.strip(), provider_status=_status(reply))

    def link(self, launch: Launch, connection: Connection) -> str | None:
        """The run's page, as Domo's own pages build it (third party)."""
        version = launch.workflow_version or _version(launch.extras, None)
        if launch.run_id is None or version is None:
            return None
        parts = "/".join(reading.path_part(part) for part in (launch.workflow_id, version, launch.run_id))
        return f"{connection.base_url.rstrip('/')}/workflows/instances/{parts}"


# --- what is sent -----------------------------------------------------------------------------------------------------------

_NO_RUN = Refused(code="incomplete", meaning="Nothing was sent: the run's id is not known.")


def _options(connection: Connection) -> Options:
    return connection.options if isinstance(connection.options, Options) else Options()


def _version(extras: Mapping[str, Json], known: str | None) -> str | None:
    """What the configuration says wins over what Domo told."""
    return reading.text(extras.get("version")) or known


def _message_name(extras: Mapping[str, Json], workflow_name: str | None) -> str | None:
    """The start page: "usually 'Start {workflow_name}'"."""
    usual = f"Start {workflow_name}" if workflow_name else None
    return reading.text(extras.get("message_name")) or usual


def _list_call(model_id: str, pages: int, offset: int) -> Call:
    """Newest first; how many pages came before does not matter here."""
    del pages
    query = {"modelId": model_id, "limit": _PAGE_LENGTH, "offset": str(offset), "sort": "createdOn:desc"}
    return Call(method="GET", path=f"{_API}/instances", query=query)


# --- what comes back --------------------------------------------------------------------------------------------------------


def _trouble(reply: Reply, meanings: Mapping[int, str], *, scope: str | None = None, is_change: bool = False) -> Trouble:
    """What a reply that is no success means. Domo documents no error bodies: the status decides, its text is only shown."""
    code, detail = f"HTTP {reply.status}", _detail(reply)
    if not reading.is_refusal(reply):
        return Unreachable(is_possibly_applied=is_change, detail=f"{code}: {detail}" if detail else code)
    meaning = meanings.get(reply.status, "Domo refused the call.")
    match reply.status:
        case 429:
            return Busy(code=code, meaning=meaning, retry_after_s=reading.retry_after_s(reply))
        case 401:
            return Unauthorised(code=code, meaning=meaning, detail=detail)
        case 403:
            is_of_workflow = scope == "EXECUTE"  # the others are asked for lists as well
            return Unauthorised(code=code, meaning=meaning, scope=scope, detail=detail, is_of_workflow=is_of_workflow)
        case _:
            return Refused(code=code, meaning=meaning, detail=detail)


def _detail(reply: Reply) -> str | None:
    """Domo's text, and ``toe``, the trace id by which its support finds the call."""
    body = reply.object()
    said = reading.told(body.get("message")) or reading.told(body.get("statusReason"))
    toe = reading.told(body.get("toe"), 80)
    if toe is None:
        return said
    return f"{said} (Domo's trace id: {toe})" if said else f"Domo's trace id: {toe}"


def _is_instance(reply: Reply) -> bool:
    return reading.is_success(reply) and ("status" in reply.object() or "id" in reply.object())


def _status(reply: Reply) -> str | None:
    return _word(reply.object())


def _word(instance: Mapping[str, Json]) -> str | None:
    """Domo's word for the run. JSON null and, in older samples, the word ``null`` both mean "not reported yet"."""
    word = reading.told(instance.get("status"), 80)
    return None if word is None or word.lower() == "null" else word


def _ended(reply: Reply) -> Completed | None:
    return _outcome(reply.object(), _status(reply))


def _outcome(instance: Mapping[str, Json], status: str | None) -> Completed | None:
    outcome = _ENDS.get((status or "").upper())
    if outcome is None:
        return None
    failed = outcome is Outcome.FAILED
    return Completed(
        outcome=outcome,
        provider_status=status,
        detail=reading.told(instance.get("errorMessage")) if failed else None,
    )


def _read_instances(reply: Reply) -> listing.Page | Trouble:
    """A page of instances. A row without the field ``status`` says nothing; one whose status is null is one not reported yet."""
    rows = _listed(reply.json()) if reading.is_success(reply) else None
    if rows is None:
        return _trouble(reply, _READ_MEANINGS)
    named = {run_id: row for row in rows if (run_id := reading.text(row.get("id"))) is not None}
    return {run_id: _read_row(row) for run_id, row in named.items()}


def _read_row(row: Mapping[str, Json]) -> TrackAnswer | None:
    if "status" not in row:
        return None
    status = _word(row)
    return _outcome(row, status) or Observed(provider_status=status)


def _not_shown(launch: Launch) -> TrackAnswer:
    if launch.misses < _MISSES_BEFORE_GONE:
        return Unreachable(is_possibly_applied=False, detail="HTTP 404: Domo does not show the run (yet)")
    return Completed(outcome=Outcome.ENDED, code="HTTP 404", detail=_GONE)


# --- the look-up of a lost start --------------------------------------------------------------------------------------------


def _instances(model_id: str, sent_at: datetime) -> Generator[Call, Reply, dict[str, Mapping[str, Json]] | Trouble]:
    """The workflow's instances by id, newest first, back to before ``sent_at``.

    Whether the order that is asked for is kept is not documented: a page ends the list only where it stands in that order.
    """
    found: dict[str, Mapping[str, Json]] = {}
    offset = 0
    for _ in range(_MOST_FIND_PAGES):
        reply = yield _list_call(model_id, 0, offset)
        rows = _listed(reply.json()) if reading.is_success(reply) else None
        if rows is None:
            return _trouble(reply, _READ_MEANINGS, scope="READ")
        fresh = {run_id: row for row in rows if (run_id := reading.text(row.get("id"))) is not None}
        if fresh.keys() <= found.keys() or _leads_past(rows, sent_at):
            return found | fresh
        offset, found = offset + len(rows), found | fresh
    return Unreachable(is_possibly_applied=False, detail=_NOT_WHOLE)


def _leads_past(rows: tuple[Mapping[str, Json], ...], sent_at: datetime) -> bool:
    """True for rows in order, newest first, of which the last began before ours can have begun."""
    times = [began for row in rows if (began := reading.moment(row.get("createdOn"))) is not None]
    is_in_order = len(times) == len(rows) and times == sorted(times, reverse=True)
    return is_in_order and bool(times) and times[-1] < sent_at - finding.BEFORE_SENT


def _fit(row: Mapping[str, Json], launch: Launch) -> finding.Fit:
    """Workflow, version and time. Where workflow or version is not told it is no objection: samples of the list leave them out."""
    version = _version(launch.extras, launch.workflow_version)
    told = (reading.text(row.get("modelId")), launch.workflow_id), (reading.text(row.get("modelVersion")), version)
    is_other = any(finding.is_same(said, wanted) is False for said, wanted in told)
    return False if is_other or launch.sent_at is None else finding.is_near(row.get("createdOn"), launch.sent_at)


def _own_user_id() -> Generator[Call, Reply, str | Busy | Unreachable | None]:
    """The id of the token's user; None where Domo refuses to tell, or cannot be understood."""
    reply = yield Call(method="GET", path=_ME)
    if reading.is_success(reply):
        me = reply.object()
        return reading.text(_first(me, "userId", "id")) or reading.text(reading.mapping(me.get("user")).get("id"))
    trouble = _trouble(reply, _READ_MEANINGS)
    return trouble if isinstance(trouble, Busy | Unreachable) else None


def _is_by(row: Mapping[str, Json], user_id: str | None) -> finding.Fit:
    """Whether the user created it; while the user is not known, everybody may have."""
    creator = row.get("createdBy")
    creator_id = reading.text(creator) or reading.text(reading.mapping(creator).get("id"))
    return True if user_id is None else finding.is_same(creator_id, user_id)


def _candidate(run_id: str, row: Mapping[str, Json]) -> Candidate:
    return Candidate(run_id=run_id, provider_status=_word(row), started_at=reading.told(row.get("createdOn"), 80))


# --- undocumented shapes, read with tolerance -------------------------------------------------------------------------------


def _listed(value: Json) -> tuple[Mapping[str, Json], ...] | None:
    """The rows of a list, bare or in the one list of an object; None when there is none."""
    if isinstance(value, list):
        return reading.rows(value)
    lists = [part for part in reading.mapping(value).values() if reading.is_list(part)]
    return reading.rows(lists[0]) if len(lists) == 1 else None


def _model(row: Mapping[str, Json]) -> Workflow | None:
    model_id = reading.text(row.get("id")) or reading.text(row.get("uuid"))
    if model_id is None:
        return None
    versions = reading.rows(row.get("versions"))
    version = _deployed(versions)
    is_dead = bool(versions) and version is None
    return Workflow(
        workflow_id=model_id,
        name=reading.told(row.get("name"), 200),
        version=version,
        obstacle="No version of it is deployed and active." if is_dead else None,
    )


def _deployed(versions: tuple[Mapping[str, Json], ...]) -> str | None:
    """The highest version that is active and deployed; 1.10.0 is higher than 1.9.0."""
    able = [row for row in versions if row.get("active") is True and row.get("deployedOn", "untold") is not None]
    words = [word for row in able if (word := reading.text(row.get("version"))) is not None]
    return max(words, key=lambda word: [reading.whole(part) or 0 for part in word.split(".")], default=None)


def _starts(value: Json) -> tuple[Mapping[str, Json], ...]:
    """The starts: a list, a list in an object, or one start by itself."""
    alone = reading.mapping(value)
    if _start_inputs(alone) is not None:
        return (alone,)
    return tuple(row for row in _listed(value) or () if _start_inputs(row) is not None)


def _first(row: Mapping[str, Json], *names: str) -> Json:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _start_inputs(row: Mapping[str, Json]) -> tuple[Json, ...] | None:
    listed = _first(row, "inputs", "input", "parameters", "startParameters")
    return reading.items(listed) if isinstance(listed, list) else None


def _start_name(row: Mapping[str, Json]) -> str | None:
    return reading.text(_first(row, "messageName", "title", "name"))


def _described(model: Workflow, starts: tuple[Mapping[str, Json], ...], wanted: str | None) -> DescribeAnswer:
    """The start that is configured, else the only one."""
    fitting = [row for row in starts if wanted is None or _start_name(row) == wanted] or list(starts)
    if not fitting:
        return Unsupported(meaning=_UNREADABLE_STARTS)
    name = wanted or _start_name(fitting[0])
    specs = (_spec(row) for row in map(reading.mapping, _start_inputs(fitting[0]) or ()))
    inputs = tuple({spec.name: spec for spec in specs if spec is not None}.values())
    extras = NOTHING if name is None else {"message_name": name}
    names = ", ".join(_start_name(row) or "?" for row in fitting)
    obstacle = (
        f"It starts in several ways ({names}): the configuration must name one as message_name." if len(fitting) > 1 else None
    )
    return Described(workflow=replace(model, inputs=inputs, extras=extras, obstacle=obstacle))


def _spec(row: Mapping[str, Json]) -> InputSpec | None:
    name = reading.text(_first(row, "paramName", "name"))
    if name is None:
        return None
    label = reading.told(_first(row, "displayName", "label"), 80)
    native = (reading.text(_first(row, "dataType", "type")) or "").lower()
    return InputSpec(
        name=name,
        type=_TYPES.get(native, InputType.TEXT),
        required=row.get("required") is True,
        label=label,
        hint=f"the id of a {native}" if native in {"person", "group", "dataset"} else None,
        many=_first(row, "isList", "list") is True,
    )


def _words_in(told: Json) -> tuple[str, ...] | None:
    """The words of one workflow; None where there is no list of them."""
    return tuple(filter(None, map(reading.text, reading.items(told)))) if isinstance(told, list) else None


def _tried(model_ids: list[str]) -> Generator[Call, Reply, ProbeAnswer]:
    """Whether the token works at all, by a list of one run: not documented either, but it is what tracking needs."""
    query = {"modelId": model_ids[0], "limit": "1"} if model_ids else {"limit": "1"}
    reply = yield Call(method="GET", path=f"{_API}/instances", query=query)
    if reading.is_success(reply) and _listed(reply.json()) is not None:
        return Held(scopes=_unasked(_NOT_ASKED))
    return _trouble(reply, _READ_MEANINGS)


PROVIDER = Domo()
