"""Zuora Workflow: starts, follows and stops workflow runs of one Zuora tenant over its v1 REST API.

*Why*
- A 409 that neither names a run nor brings the first answer back means that an earlier call with this key is still at work.
  That is *possibly applied*, not *busy*: a launch whose run may exist must not look unsent.
- The tasks of a failed run are counted, not fetched: each carries its whole data (up to 5 MB), and the end of a launch must
  not hang on a second call that can be too large or fail.
- There is no look-up of a lost start: no call lists the runs of a workflow. Its key settles it, and after that a person.
- A run that a person names is one of the workflow when it carries the id of the workflow or of one of its versions: the documents
  say the first and show the second.
- Of an export only the input fields are read: its tasks can hold the credentials of other systems.
- Whether the user may run workflows is asked by running number 0, which no workflow has: a refusal for permission proves that
  the right is missing. That there is no such workflow proves nothing, as nobody says which of the two is looked at first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Final

from bot.domain import reading
from bot.domain.model import NOTHING, Connection, InputSpec, InputType, Json, Launch, Problem, State, Workflow
from bot.domain.provider import (
    Accepted,
    Allowance,
    Answer,
    Busy,
    Call,
    CancelAnswer,
    CatalogueAnswer,
    Completed,
    ConfirmAnswer,
    Confirmed,
    Denied,
    DescribeAnswer,
    Described,
    Example,
    Exchange,
    Held,
    Listed,
    LoggedIn,
    LoginAnswer,
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
    Trouble,
    Unauthorised,
    Unreachable,
    Unverifiable,
)
from bot.domain.values import READERS, Misfit

# --- settings ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Credential:
    """An OAuth client, created under the user whose rights the bot then has."""

    client_id: Annotated[str, "Client id of the OAuth client that was created under the bot's Zuora user."]
    client_secret: Annotated[str, "Secret of that OAuth client; Zuora shows it once."]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a Zuora connection may say beyond address and credential."""

    entity_ids: Annotated[
        tuple[str, ...], "Entities to work in; only where Multi-entity is on and the client covers several."
    ] = ()
    org_ids: Annotated[tuple[str, ...], "Organisations to work in; only where Multi-Org is on."] = ()
    ask_run_access: Annotated[
        bool,
        "Whether to ask if Run is held, by a start of workflow 0, which no tenant has; else a refused launch shows it.",
    ] = True
    run_url: Annotated[
        str | None,
        "Address of a run's page, with {run_id} and {workflow_id} in it; Zuora documents none, so there is no default.",
    ] = None


@dataclass(frozen=True, kw_only=True)
class WorkflowOptions:
    """A Zuora workflow needs nothing beyond name and inputs."""


# --- facts -------------------------------------------------------------------------------------------------------------

_REFERENCE: Final = "https://developer.zuora.com/v1-api-reference/api/operation"
_GUIDES: Final = "https://developer.zuora.com/docs/guides"
_RUN: Final = f"{_REFERENCE}/POST_Run_Workflow/"
_GET_RUN: Final = f"{_REFERENCE}/GET_Workflow_Run/"
_STOP: Final = f"{_REFERENCE}/PUT_StopWorkflowRun/"
_LIST: Final = f"{_REFERENCE}/GET_Workflows/"
_GET_ONE: Final = f"{_REFERENCE}/GET_Workflow/"
_EXPORT: Final = f"{_REFERENCE}/GET_WorkflowExport/"
_TOKEN: Final = f"{_REFERENCE}/createToken/"
_IDEMPOTENCY: Final = f"{_GUIDES}/idempotent-requests/"
_ERRORS: Final = f"{_GUIDES}/error-handling/"
_CODES: Final = f"{_GUIDES}/error-codes/"
_RATES: Final = f"{_GUIDES}/rate-limits/"
# Which operation needs which permission:
_PERMISSIONS: Final = (
    "https://docs.zuora.com/en/zuora-platform/extensibility/workflow/learn-workflow/introduction-to-workflow-api/workflow-apis"
)
# The field list of an export is not in the reference, only in Zuora's own plugin:
_FIELDS: Final = "https://github.com/zuora/zuora-coding-agent"

_VIEW: Final = "Workflow View Access"
_START: Final = "Workflow Run Access"
_MANAGE: Final = "Workflow Manage Access"

# https://developer.zuora.com/v1-api-reference/api/operation/POST_Run_Workflow/ (case-sensitive, as every input name)
_RESERVED: Final = frozenset({"controller", "action", "id", "user_email", "user_token", "format"})

# https://developer.zuora.com/docs/guides/error-codes/ : the last two digits of a reason's code are its category.
_PERMISSION: Final = "10"
_AUTHENTICATION: Final = "11"
_PASSING: Final = frozenset({"50", "61", "70"})  # lock contention, temporary error, limit reached
_UNPROVEN: Final = frozenset({"60", "99"})  # internal error, integration error

_START_MEANINGS: Final = {
    400: "Zuora cannot start this workflow: its callout trigger is switched off.",
    404: "Zuora knows no workflow with this id.",
    406: "Zuora misses a required input.",
    409: "This id belongs to a run, not to a workflow.",
    422: "Zuora has seen this launch id with another tenant or workflow.",
}
_DEFINITION_MEANINGS: Final = {404: _START_MEANINGS[404]}
_EXPORT_MEANINGS: Final = {404: "Zuora knows no workflow with this id, or it has no active version."}
_STOP_MEANINGS: Final = {404: "Zuora knows no run with this id (any more)."}
_GONE: Final = "Zuora no longer knows this run: finished runs are deleted after some weeks."
_UNKNOWN_RUN: Final = "Zuora knows no run with this id (any more)."
_NO_NUMBER: Final = "Zuora's run ids are whole numbers."
_UNTOLD: Final = "Zuora does not tell which workflow this run is one of."
_NOT_AS_IT_IS: Final = "Zuora cannot start this workflow as it is."
_REFUSED: Final = "Zuora refused it."
_NOT_ACCEPTED: Final = "Zuora does not accept this connection's credential."
_TOO_MANY: Final = "Zuora takes no more calls from this tenant for now."
_STILL_AT_WORK: Final = "Zuora still works on an earlier call with this launch id"
_NO_CALLOUT: Final = "Its callout trigger is switched off in Zuora."
_NO_WORKFLOW_ID: Final = Refused(code="no_number", meaning="Nothing was sent: Zuora's workflow ids are whole numbers.")
_NO_RUN_ID: Final = Refused(code="no_number", meaning="Nothing was sent: Zuora's run ids are whole numbers.")
_MISSING_INPUT: Final = re.compile(r"parameter '([^']+)'")

# github.com/zuora/zuora-coding-agent, references/workflow-enums.json
_TYPES: Final = {
    "integer": InputType.INTEGER,
    "decimal": InputType.DECIMAL,
    "boolean": InputType.BOOLEAN,
    "date": InputType.DATE,
    "datetime-local": InputType.DATETIME,
    "json": InputType.JSON,
}
_NO_MEANINGS: Final[Mapping[int, str]] = {}
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,29}")
"""As Zuora writes it: another spelling of an id would be another id to whoever remembers it."""
_PLACE: Final = re.compile(r"[0-9A-Za-z_-]+")
_FITS_HEADER: Final = re.compile(r"[!-~]+")
_NOBODY: Final = "0"
"""An id that no workflow has."""
_RUN_NOTHING: Final = Call(method="POST", path=f"/workflows/{_NOBODY}/run", json={}, is_question=True)
_PAGE_LENGTH: Final = 50
_MOST_PAGES: Final = 200
_RENEW_BEFORE_S: Final = 300


def _refused(status: int, detail: str | None = None, meanings: Mapping[int, str] = _START_MEANINGS) -> Refused:
    return Refused(code=f"HTTP {status}", meaning=meanings[status], detail=detail)


def _rejected(code: str, detail: str | None = None) -> Unauthorised:
    return Unauthorised(code=code, meaning=_NOT_ACCEPTED, detail=detail)


def _lacking(scope: str, code: str, detail: str | None = None) -> Unauthorised:
    return Unauthorised(code=code, meaning=f"The Zuora user of this connection lacks {scope}.", scope=scope, detail=detail)


def _lost(detail: str) -> Unreachable:
    return Unreachable(is_possibly_applied=True, detail=detail)


_SEES: Final = ScopeSeen(scope=_VIEW, is_held=True, evidence="Zuora listed workflows to the user.")
_MAY_RUN: Final = ScopeSeen(
    scope=_START, is_held=None, evidence="Zuora raised no objection, but only the run of a real workflow proves it."
)
_MAY_MANAGE: Final = ScopeSeen(scope=_MANAGE, is_held=None, evidence="No harmless call of Zuora's needs it for certain.")


def _sees_none(code: str) -> ScopeSeen:
    return ScopeSeen(scope=_VIEW, is_held=False, evidence=f"Zuora refused the user its list of workflows ({code}).")


def _may_not_run(code: str) -> ScopeSeen:
    return ScopeSeen(
        scope=_START, is_held=False, evidence=f"Zuora refused the user a run, of a workflow that does not exist ({code})."
    )


def _over(outcome: Outcome, status: str, detail: str | None = None) -> Completed:
    return Completed(outcome=outcome, provider_status=status, detail=detail)


def _gone(code: str) -> Completed:
    return Completed(outcome=Outcome.ENDED, code=code, detail=_GONE)


# --- examples ----------------------------------------------------------------------------------------------------------

_THEN: Final = datetime(2019, 9, 19, 18, 25, tzinfo=UTC)
_CONNECTION: Final = Connection(name="billing", provider="zuora", base_url="https://rest.na.zuora.com", options=Options())
_LAUNCH: Final = Launch(
    launch_id="L-7K3QW",
    team_id="T0GONOGO",
    channel_id="C0FINANCE",
    requester_id="U0ALICE",
    connection="billing",
    provider="zuora",
    workflow_id="396",
    inputs={"accountId": "4028905f5a87c0ff015a87d25ae90025", "paymentId": "4028905f5a87c0ff015a889ddfb800c0"},
    created_at=_THEN,
    updated_at=_THEN,
)


def _running(run_id: str) -> Launch:
    return replace(_LAUNCH, run_id=run_id, state=State.RUNNING)


def _says(status: int, body: Json = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body="" if body is None else json.dumps(body))


def _error(status: int, title: str) -> Json:
    return {"errors": [{"status": status, "code": "invalid", "title": title}]}


def _run(status: str, *, success: int, error: int = 0, pending: int = 0) -> Json:
    tasks = {"total": 4, "queued": 0, "processing": 0, "pending": pending, "stopped": 0, "success": success, "error": error}
    return {"id": 19063, "name": "WF-19027-00000032", "type": "Workflow::Instance", "status": status, "tasks": tasks}


def _reason(code: int, message: str) -> Json:
    return {"success": False, "processId": "CBCFED6580B4E076", "reasons": [{"code": code, "message": message}]}


def _page_call(number: int, length: int = _PAGE_LENGTH) -> Call:
    return Call(method="GET", path="/workflows", query={"page": str(number), "page_length": str(length)})


def _field(name: str, datatype: str, *, required: bool, default: str) -> Json:
    known = {"object_name": "Workflow", "field_name": name, "callout_id": name}
    return {**known, "datatype": datatype, "required": required, "default": default}


@dataclass(frozen=True)
class _Shown:
    """Makes examples of one verb: those that Zuora prints, and those that are put together from what it says."""

    verb: str
    call: Call
    launch: Launch | None = None

    def __call__(self, name: str, source: str, reply: Reply, answer: Answer) -> Example:
        """A printed one."""
        made = Example(name=name, verb=self.verb, source=source, call=self.call, reply=reply, answer=answer)
        return replace(made, launch=self.launch, connection=_CONNECTION)

    def inferred(self, name: str, source: str, reply: Reply, answer: Answer) -> Example:
        """One that is put together."""
        return replace(self(name, source, reply, answer), is_documented=False)


_TRACED: Final = {"Zuora-Track-Id": "L-7K3QW"}
_KEYED: Final = {"Idempotency-Key": "L-7K3QW", **_TRACED}
_FORM: Final = {"grant_type": "client_credentials"}
_start = _Shown("start", Call(method="POST", path="/workflows/396/run", headers=_KEYED, json=_LAUNCH.inputs), _LAUNCH)
_track = _Shown("track", Call(method="GET", path="/workflows/workflow_runs/19063", headers=_TRACED), _running("19063"))
_cancel = _Shown("cancel", Call(method="PUT", path="/workflows/workflow_runs/19080/stop", headers=_TRACED), _running("19080"))
_confirm = _Shown("confirm", Call(method="GET", path="/workflows/workflow_runs/400", headers=_TRACED), _LAUNCH)
_whose = _Shown("confirm", Call(method="GET", path="/workflows/396", headers=_TRACED), _LAUNCH)
_list = _Shown("catalogue", _page_call(1))
_describe = _Shown("describe", Call(method="GET", path="/workflows/48/export"), replace(_LAUNCH, workflow_id="48"))
_probe = _Shown("probe", _RUN_NOTHING)
_login = _Shown("login", Call(method="POST", path="/oauth/token", form=_FORM, is_login=True))

_CALLOUT_OFF: Final = "Callout mode is not turned on in this workflow."
_NO_MESSAGE: Final = "Required field for Workflow-Message1 does not have a set value. Ensure parameter 'Message' is present."
_IS_RUN: Final = "Workflow WF-396-00000002 with Id 399 is an instance/run."
_NO_VERSION: Final = "Workflow version '1' is not found."
_NO_RUN: Final = "Cannot find a workflow run with id 19080."
_TERMS: Final = "'termType' value should be one of: TERMED, EVERGREEN"
_QUEUED_AT: Final = "2019-09-19 18:25:33 UTC"
_KIND: Final = {"type": "Workflow::Instance", "createdAt": _QUEUED_AT, "updatedAt": _QUEUED_AT}
_QUEUED: Final = {"id": 400, "name": "WF-396-00000003", "originalWorkflowId": 396, "status": "Queued", **_KIND}
_QUEUED_AS: Final = Accepted(run_id="400", provider_status="Queued")
_RUN_AS: Final = Confirmed(run_id="400", provider_status="Queued")
_MISSING: Final[Json] = {**_error(406, _NO_MESSAGE), "parameters": {"workflow": {}}}
_MISSING_AS: Final = Refused(code="HTTP 406", meaning="Zuora misses the required input Message.", detail=_NO_MESSAGE)
_TERMS_AS: Final = Refused(code="53100320", meaning=_REFUSED, detail=_TERMS)
_BUSY: Final = _says(429, ratelimit_limit="2250000, 50000;w=60", ratelimit_remaining="0", ratelimit_reset="12")
_FINISHED: Final = {**_run("Finished", success=4), "runTime": 64.513026, "cpuTime": "19:01:04"}
_VERSION: Final = {"id": 49, "description": "", "version": "0.0.1", "type": "Workflow::Setup", "status": "Active"}
_ROW: Final = {"id": 48, "name": "New test workflow", "status": "Active", "calloutTrigger": True, "active_version": _VERSION}
_ONE: Final = {**_ROW, "id": 396, "active_version": {**_VERSION, "id": 397}}
_ANOTHER: Final = {**_ROW, "id": 396}
_ANOTHER_AS: Final = Denied(meaning="That run is one of another workflow (397).")
_NEXT: Final = "https://rest.zuora.com/workflows?page=2&page_length=1"
_FIRST_PAGE: Final = {"data": [_ROW], "pagination": {"page": 1, "page_length": 1, "next_page": _NEXT}}
_LAST_PAGE: Final = {"data": [{**_ROW, "id": 50, "status": "Inactive"}], "pagination": {"page": 2, "next_page": None}}
_LISTED: Final = Workflow(workflow_id="48", name="New test workflow", version="0.0.1")
_INACTIVE: Final = replace(_LISTED, workflow_id="50", obstacle="It is not active in Zuora (Inactive).")
_ECHO: Final[Json] = {"id": 286, "name": "Call Echo", "parameters": {}, "callout_trigger": True, "version": "0.0.1"}
_ECHO_AS: Final = Workflow(workflow_id="48", name="Call Echo", version="0.0.1", inputs=())
_FIELD_LIST: Final = [
    _field("accountId", "Text", required=True, default=""),
    _field("maxAmount", "Decimal", required=True, default="5.00"),
    _field("asOf", "Date", required=False, default=""),
    _field("dryRun", "Boolean", required=False, default="true"),
]
_BALANCES: Final[Json] = {**_ECHO, "name": "Write off small balances", "parameters": {"fields": _FIELD_LIST}}
_INPUTS: Final = (
    InputSpec(name="accountId", required=True),
    InputSpec(name="maxAmount", type=InputType.DECIMAL, required=True, default=Decimal("5.00")),
    InputSpec(name="asOf", type=InputType.DATE),
    InputSpec(name="dryRun", type=InputType.BOOLEAN, default=True),
)
_BALANCES_AS: Final = replace(_ECHO_AS, name="Write off small balances", inputs=_INPUTS)
_NOT_THERE: Final = _says(404, _error(404, "Cannot find a workflow with id 0."))
_TOKEN_BODY: Final = {"access_token": "synthetic-access-token", "token_type": "bearer", "expires_in": 3599}
_TOKEN_AS: Final = Session(token=Secret("synthetic-access-token"), lives_s=3299.0)

_EXAMPLES: Final = (
    _start("a run is queued", _RUN, _says(200, _QUEUED), _QUEUED_AS),
    _start("the callout trigger is off", _RUN, _says(400, _error(400, _CALLOUT_OFF)), _refused(400, _CALLOUT_OFF)),
    _start("a required input is missing", _RUN, _says(406, _MISSING), _MISSING_AS),
    _start("the id is that of a run", _RUN, _says(409, _error(406, _IS_RUN)), _refused(409, _IS_RUN)),
    _start.inferred("the first answer again", _ERRORS, _says(409, _QUEUED), _QUEUED_AS),
    _start.inferred("the first start is still at work", _IDEMPOTENCY, _says(409), _lost(_STILL_AT_WORK)),
    _start.inferred("the key was used elsewhere", _IDEMPOTENCY, _says(422), _refused(422)),
    _start.inferred("the token is not accepted", _CODES, _says(401, _reason(90000011, "x")), _rejected("90000011", "x")),
    _start.inferred("the user may not run workflows", _PERMISSIONS, _says(403), _lacking(_START, "HTTP 403")),
    _start.inferred("no such workflow", _RUN, _says(404), _refused(404)),
    _start.inferred("a reason under a good status", _ERRORS, _says(200, _reason(53100320, _TERMS)), _TERMS_AS),
    _start.inferred("too many calls", _RATES, _BUSY, Busy(code="HTTP 429", meaning=_TOO_MANY, retry_after_s=12.0)),
    _start.inferred("Zuora is down", _ERRORS, _says(503, retry_after="30"), _lost("HTTP 503")),
    _track("every task done", _GET_RUN, _says(200, _FINISHED), _over(Outcome.SUCCEEDED, "Finished")),
    _track.inferred(
        "a task failed",
        _GET_RUN,
        _says(200, _run("Finished", success=3, error=1)),
        _over(Outcome.FAILED, "Finished", "1 of 4 tasks failed."),
    ),
    _track.inferred(
        "finished, yet a task waits",
        _GET_RUN,
        _says(200, _run("Finished", success=3, pending=1)),
        Observed(provider_status="Finished", progress="3 of 4 tasks done, 1 waiting inside Zuora"),
    ),
    _track.inferred(
        "at work",
        _GET_RUN,
        _says(200, _run("Processing", success=2)),
        Observed(provider_status="Processing", progress="2 of 4 tasks done"),
    ),
    _track.inferred("stopped", _GET_RUN, _says(200, _run("Stopped", success=2)), _over(Outcome.CANCELLED, "Stopped")),
    _track.inferred("deleted after some weeks", _GET_RUN, _says(404, _error(404, _NO_RUN)), _gone("HTTP 404")),
    _cancel("the wish to stop is taken", _STOP, _says(200, {"success": True}), Stopping()),
    _cancel("no such run", _STOP, _says(404, _error(404, _NO_RUN)), _refused(404, _NO_RUN, _STOP_MEANINGS)),
    replace(
        _list.inferred("two pages", _LIST, _says(200, _LAST_PAGE), Listed(workflows=(_LISTED, _INACTIVE))),
        before=(_says(200, _FIRST_PAGE),),
        call=_page_call(2),
    ),
    _describe("no inputs", _EXPORT, _says(200, {"workflow": _ECHO, "tasks": []}), Described(workflow=_ECHO_AS)),
    _describe.inferred("inputs", _FIELDS, _says(200, {"workflow": _BALANCES, "tasks": []}), Described(workflow=_BALANCES_AS)),
    _describe("no such version", _EXPORT, _says(404, _error(400, _NO_VERSION)), _refused(404, _NO_VERSION, _EXPORT_MEANINGS)),
    *(
        replace(_probe.inferred(name, _PERMISSIONS, reply, Held(scopes=(*seen, _MAY_MANAGE))), before=(listed,))
        for name, listed, reply, seen in (
            ("the user sees workflows", _says(200, _FIRST_PAGE), _NOT_THERE, (_SEES, _MAY_RUN)),
            ("the user may run none", _says(200, _FIRST_PAGE), _says(403), (_SEES, _may_not_run("HTTP 403"))),
            ("the user sees none, as the stock role Standard User", _says(403), _NOT_THERE, (_sees_none("HTTP 403"), _MAY_RUN)),
        )
    ),
    *(
        replace(shown, run_id="400")
        for shown in (
            _confirm.inferred("it is a run of the workflow", _GET_RUN, _says(200, _QUEUED), _RUN_AS),
            _confirm.inferred("there is no such run", _GET_RUN, _says(404, _error(404, _NO_RUN)), Denied(meaning=_UNKNOWN_RUN)),
        )
    ),
    *(
        replace(shown, run_id="400", before=(_says(200, {**_QUEUED, "originalWorkflowId": 397}),))
        for shown in (
            _whose.inferred("it is a run of the workflow's version", _GET_ONE, _says(200, _ONE), _RUN_AS),
            _whose.inferred("it is a run of another workflow", _GET_ONE, _says(200, _ANOTHER), _ANOTHER_AS),
        )
    ),
    _login("a token for an hour", _TOKEN, _says(200, _TOKEN_BODY), LoggedIn(session=_TOKEN_AS)),
    _login.inferred("a wrong secret", _TOKEN, _says(401), _rejected("HTTP 401")),
)


class Zuora(Provider):
    """Zuora Workflow."""

    name = "zuora"
    title = "Zuora Workflow"
    documents = _RUN
    scopes = (
        Scope(
            name=_VIEW,
            allows=("list", "describe", "track", "cancel"),
            meaning="See workflows and runs; Zuora lets it stop a run, too.",
            source=_PERMISSIONS,
            asked_by="The list of workflows is read.",
        ),
        Scope(
            name=_START,
            allows=("launch",),
            meaning="Run workflows.",
            source=_RUN,
            asked_by="A run is asked for under an id that no workflow has: that can show that it is missing, not that it is held.",
        ),
        Scope(
            name=_MANAGE,
            allows=("describe",),
            meaning="Change workflows; some tenants want it before they tell a workflow's inputs.",
            source=_PERMISSIONS,
            asked_by="It cannot be asked: the one read that may need it is said elsewhere to need View only.",
        ),
    )
    # The first answer is kept under its key for 24 hours: https://developer.zuora.com/docs/guides/idempotent-requests/
    resend_window_s = 86_400.0
    # Zuora gives no advice; the figures are ours, far within its limits per minute and day.
    pace = Pace(first_s=5.0, most_s=60.0, source=_RATES)
    # Production takes 50,000 a minute and 27 million a day, shared with every program of the tenant: a fifth of the one, half of the
    # other. Sandboxes take far less, which their refusals teach.
    allowance = Allowance(calls_a_minute=10_000.0, source=_RATES)
    can_cancel = True
    has_catalogue = True
    has_describe = True
    credential = Credential
    options = Options
    workflow_options = WorkflowOptions
    examples = _EXAMPLES

    def credential_problems(self, credential: Mapping[str, Secret], connection: Connection) -> tuple[str, ...]:
        """Ids that fit no header, and an address that is none."""
        del credential
        options = _options(connection)
        problems = [
            f"{value!r} is no entity or org id"
            for value in (*options.entity_ids, *options.org_ids)
            if not _PLACE.fullmatch(value)
        ]
        if options.run_url is not None and not options.run_url.startswith(("https://", "http://")):
            problems.append("run_url is no web address")
        return tuple(problems)

    def check(self, launch_inputs: Mapping[str, Json], workflow: Workflow, connection: Connection) -> tuple[Problem, ...]:
        """The six names that Zuora's run call keeps for itself."""
        del workflow, connection
        reserved = (name for name in launch_inputs if name in _RESERVED)
        return tuple(Problem(code="reserved_input", facts={"name": name, "provider": self.title}) for name in reserved)

    def sign(self, call: Call, credential: Mapping[str, Secret], session: Session | None) -> Signature:
        """The client's id and secret for a token, the token for everything else."""
        if call.is_login:
            return Signature(form={name: credential[name] for name in ("client_id", "client_secret")})
        return Signature(headers={"Authorization": session.token.as_bearer()} if session else NOTHING)

    def login(self, connection: Connection) -> Exchange[LoginAnswer]:
        """A bearer token. There is no refresh token: the next one is fetched the same way."""
        entities = {name: value for name, value in _places(connection).items() if name == "Zuora-Entity-Ids"}  # all that it takes
        reply = yield Call(method="POST", path="/oauth/token", headers=entities, form=_FORM, is_login=True)
        return _read_login(reply)

    def is_session_over(self, reply: Reply) -> bool:
        """Also when the authentication error comes as a reason under a good status."""
        return reply.status == HTTPStatus.UNAUTHORIZED or (
            reading.is_success(reply) and _AUTHENTICATION in _said(reply).categories
        )

    def start(self, launch: Launch, connection: Connection) -> Exchange[StartAnswer]:
        """Run the active version; the launch id is the key under which a second call cannot cause a second run."""
        if not _is_number(launch.workflow_id):
            return _NO_WORKFLOW_ID
        headers = {"Idempotency-Key": launch.launch_id, "Zuora-Track-Id": launch.launch_id, **_places(connection)}
        reply = yield Call(method="POST", path=f"/workflows/{launch.workflow_id}/run", headers=headers, json=dict(launch.inputs))
        return _read_start(reply)

    def track(self, launch: Launch, connection: Connection) -> Exchange[TrackAnswer]:
        """How the run and its tasks stand."""
        if not _is_number(launch.run_id):
            return _NO_RUN_ID
        headers = {"Zuora-Track-Id": launch.launch_id, **_places(connection)}
        reply = yield Call(method="GET", path=f"/workflows/workflow_runs/{launch.run_id}", headers=headers)
        return _read_run(reply)

    def cancel(self, launch: Launch, connection: Connection) -> Exchange[CancelAnswer]:
        """Stop the run. It passes through Stopping to Stopped, so tracking goes on."""
        if not _is_number(launch.run_id):
            return _NO_RUN_ID
        headers = {"Zuora-Track-Id": launch.launch_id, **_places(connection)}
        reply = yield Call(method="PUT", path=f"/workflows/workflow_runs/{launch.run_id}/stop", headers=headers)
        if reading.is_success(reply) and reply.object().get("success") is True:
            return Stopping()
        return _trouble(reply, scope=_VIEW, meanings=_STOP_MEANINGS, changes=True)

    def catalogue(self, connection: Connection) -> Exchange[CatalogueAnswer]:
        """Page by page on our own address: the host in Zuora's ``next_page`` need not be ours."""
        found: dict[str, Workflow] = {}
        for number in range(1, _MOST_PAGES + 1):
            reply = yield replace(_page_call(number), headers=_places(connection))
            if not _is_page(reply):
                return _trouble(reply, scope=_VIEW)
            rows = reading.rows(reply.object().get("data"))
            found |= {workflow.workflow_id: workflow for workflow in map(_read_row, rows) if workflow}
            if not rows or not reading.mapping(reply.object().get("pagination")).get("next_page"):
                break
        return Listed(workflows=tuple(found.values()))

    def describe(self, workflow: Workflow, connection: Connection) -> Exchange[DescribeAnswer]:
        """The export of the active version: the only read that tells the inputs."""
        if not _is_number(workflow.workflow_id):
            return _NO_WORKFLOW_ID
        reply = yield Call(method="GET", path=f"/workflows/{workflow.workflow_id}/export", headers=_places(connection))
        exported = reading.mapping(reply.object().get("workflow"))
        if not reading.is_success(reply) or not exported:
            return _trouble(reply, scope=_MANAGE, meanings=_EXPORT_MEANINGS)
        return Described(workflow=_read_export(workflow, exported))

    def probe(self, connection: Connection) -> Exchange[ProbeAnswer]:
        """One workflow of the list decides on View, a run of no workflow shows where Run is missing. Places go along."""
        reply = yield replace(_page_call(1, 1), headers=_places(connection))
        view = _SEES if _is_page(reply) else _read_missing(reply, _VIEW)
        if not isinstance(view, ScopeSeen):
            return view
        if not _options(connection).ask_run_access:
            return Held(scopes=(view, _MAY_RUN, _MAY_MANAGE))
        reply = yield replace(_RUN_NOTHING, headers=_places(connection))
        run = _read_missing(reply, _START)
        if isinstance(run, Refused):
            run = _MAY_RUN
        return Held(scopes=(view, run, _MAY_MANAGE)) if isinstance(run, ScopeSeen) else run

    def confirm(self, launch: Launch, run_id: str, connection: Connection) -> Exchange[ConfirmAnswer]:
        """The run, and where it carries another id than the workflow's, the ids of the workflow's versions."""
        if not _is_number(launch.workflow_id):
            return _NO_WORKFLOW_ID
        named = run_id.strip()
        if not _is_number(named):
            return Denied(meaning=_NO_NUMBER)
        headers = {"Zuora-Track-Id": launch.launch_id, **_places(connection)}
        reply = yield Call(method="GET", path=f"/workflows/workflow_runs/{named}", headers=headers)
        read = _read_named(named, reply)
        if not isinstance(read, _Named) or read.workflow_id == launch.workflow_id:
            return read.confirmed if isinstance(read, _Named) else read
        reply = yield Call(method="GET", path=f"/workflows/{launch.workflow_id}", headers=headers)
        return _read_owner(read, reply)

    def link(self, launch: Launch, connection: Connection) -> str | None:
        """The run's page, where the connection says what its address looks like."""
        template = _options(connection).run_url
        if template is None or launch.run_id is None:
            return None
        parts = {"{run_id}": launch.run_id, "{workflow_id}": launch.workflow_id}
        return re.sub("|".join(map(re.escape, parts)), lambda found: reading.path_part(parts[found[0]]), template)


# --- readers -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What an error body says, whichever of Zuora's shapes it has."""

    code: str
    text: str | None = None
    categories: frozenset[str] = frozenset()


def _said(reply: Reply) -> _Said:
    """``errors[]`` (workflows), ``reasons[]`` (v1), ``{error_class, message}`` (responsive mode), or nothing readable."""
    body = reply.object()
    errors, reasons = reading.rows(body.get("errors")), reading.rows(body.get("reasons"))
    codes = [code for reason in reasons if (code := reading.text(reason.get("code")))]
    texts = [
        *(error.get("title") for error in errors),
        *(reason.get("message") for reason in reasons),
        body.get("message"),
    ]
    return _Said(
        code=next(iter(codes), None) or reading.told(body.get("error_class")) or f"HTTP {reply.status}",
        text=next(filter(None, map(reading.told, texts)), None),
        categories=frozenset(code[-2:] for code in codes),
    )


def _trouble(reply: Reply, *, scope: str, meanings: Mapping[int, str] = _NO_MEANINGS, changes: bool = False) -> Trouble:
    """What a reply that is no success means. ``scope``: what the call needs; ``changes``: it may have done something."""
    said, is_success, is_refusal = _said(reply), reading.is_success(reply), reading.is_refusal(reply)
    if not is_success and not is_refusal:
        return Unreachable(is_possibly_applied=changes, detail=f"HTTP {reply.status}")
    if reply.status == HTTPStatus.UNAUTHORIZED or _AUTHENTICATION in said.categories:
        return _rejected(said.code, said.text)
    if reply.status == HTTPStatus.FORBIDDEN or _PERMISSION in said.categories:
        return _lacking(scope, said.code, said.text)
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS or said.categories & _PASSING:
        return Busy(code=said.code, meaning=_TOO_MANY, retry_after_s=_wait_s(reply))
    if is_refusal or said.categories - _UNPROVEN:
        meaning = _REFUSED if said.categories else meanings.get(reply.status, _REFUSED)
        return Refused(code=said.code, meaning=meaning, detail=said.text)
    return Unreachable(is_possibly_applied=changes, detail="unreadable answer")


def _read_missing(reply: Reply, scope: str) -> ScopeSeen | Trouble:
    """What a refusal of a call that needs ``scope`` says of it; any other trouble, and the page of some proxy, says nothing."""
    if reply.status == HTTPStatus.FORBIDDEN and reply.is_page:
        return Unreachable(is_possibly_applied=False, detail=f"HTTP {reply.status} with a web page")
    trouble = _trouble(reply, scope=scope)
    if not isinstance(trouble, Unauthorised) or trouble.scope is None:
        return trouble
    return _sees_none(trouble.code) if scope == _VIEW else _may_not_run(trouble.code)


def _wait_s(reply: Reply) -> float | None:
    """One guide says ``Retry-After``, the other shows ``ratelimit-reset``, and they spell that in two ways."""
    said = (reading.seconds(reply.headers.get(name)) for name in ("retry-after", "ratelimit-reset", "rate-limit-reset"))
    return next((wait_s for wait_s in said if wait_s is not None), None)


def _read_start(reply: Reply) -> StartAnswer:
    """Under 409 stand three things: a run's id was used, the first answer again, or the first call is still at work."""
    body = reply.object()
    run_id = _id(body.get("id"))
    is_conflict = reply.status == HTTPStatus.CONFLICT
    if run_id and (reading.is_success(reply) or (is_conflict and body.get("type") == "Workflow::Instance")):
        return Accepted(run_id=run_id, provider_status=reading.text(body.get("status")))
    told = _said(reply).text or ""
    if is_conflict and "is an instance/run" not in told:
        return _lost(_STILL_AT_WORK)
    trouble = _trouble(reply, scope=_START, meanings=_START_MEANINGS, changes=True)
    return _told_better(trouble, told) if isinstance(trouble, Refused) else trouble


def _told_better(refused: Refused, told: str) -> Refused:
    """Only the title names the missing input, or says that a 400 is about something else than the documented trigger."""
    missing = _MISSING_INPUT.search(told)
    if refused.meaning == _START_MEANINGS[406] and missing:
        return replace(refused, meaning=f"Zuora misses the required input {missing[1]}.")
    if refused.meaning == _START_MEANINGS[400] and told and "callout" not in told.lower():
        return replace(refused, meaning=_NOT_AS_IT_IS)
    return refused


def _read_run(reply: Reply) -> TrackAnswer:
    """Finished does not mean success: tasks may have failed, or (with *Ignore Pending Status*) still wait."""
    body = reply.object()
    status = reading.text(body.get("status"))
    if _is_unknown(reply):
        return _gone(_said(reply).code)
    if not reading.is_success(reply) or status is None:
        return _trouble(reply, scope=_VIEW)
    tasks = {name: reading.whole(count) for name, count in reading.mapping(body.get("tasks")).items()}
    if status == "Stopped":
        return _over(Outcome.CANCELLED, status)
    is_open = any(tasks.get(name) for name in ("pending", "queued", "processing"))
    if status == "Finished" and (tasks.get("error") or not is_open):
        return _finished(tasks, status)
    return Observed(provider_status=status, progress=_progress(tasks))


@dataclass(frozen=True, kw_only=True)
class _Named:
    """A run that a person named: what confirms it, and the workflow (or version) that it says it is one of."""

    confirmed: Confirmed
    workflow_id: str


def _read_named(run_id: str, reply: Reply) -> _Named | ConfirmAnswer:
    body = reply.object()
    status, workflow_id = reading.told(body.get("status"), 80), _id(body.get("originalWorkflowId"))
    if _is_unknown(reply):
        return Denied(meaning=_UNKNOWN_RUN)
    if not reading.is_success(reply) or (status is None and workflow_id is None):
        return _trouble(reply, scope=_VIEW)
    if workflow_id is None:
        return Unverifiable(meaning=_UNTOLD)
    return _Named(confirmed=Confirmed(run_id=run_id, provider_status=status), workflow_id=workflow_id)


def _read_owner(named: _Named, reply: Reply) -> ConfirmAnswer:
    """A definition and its versions; the list of inactive ones is misspelt in the reference, so both spellings are read."""
    body = reply.object()
    if not reading.is_success(reply) or "id" not in body:
        return _trouble(reply, scope=_VIEW, meanings=_DEFINITION_MEANINGS)
    inactive = (*reading.rows(body.get("latest_inactive_verisons")), *reading.rows(body.get("latest_inactive_versions")))
    ids = {_id(version.get("id")) for version in (reading.mapping(body.get("active_version")), *inactive)} - {None}
    if named.workflow_id in ids:
        return named.confirmed
    return Denied(meaning=f"That run is one of another workflow ({named.workflow_id}).") if ids else Unverifiable(meaning=_UNTOLD)


def _is_unknown(reply: Reply) -> bool:
    """404 from Zuora itself; a page is some proxy's."""
    return reply.status == HTTPStatus.NOT_FOUND and not reply.is_page


def _finished(tasks: Mapping[str, int | None], status: str) -> Completed:
    """A success only where Zuora says that no task failed; without the counts nobody knows."""
    failed = tasks.get("error")
    if failed is None:
        return _over(Outcome.ENDED, status, "Zuora does not tell how its tasks went.")
    if failed:
        return _over(Outcome.FAILED, status, f"{failed} of {tasks.get('total') or '?'} tasks failed.")
    return _over(Outcome.SUCCEEDED, status)


def _progress(tasks: Mapping[str, int | None]) -> str | None:
    total, waiting, failed = tasks.get("total"), tasks.get("pending"), tasks.get("error")
    if total is None:
        return None
    done = sum(tasks.get(name) or 0 for name in ("success", "error", "stopped"))
    notes = [f"{waiting} waiting inside Zuora" if waiting else "", f"{failed} failed" if failed else ""]
    return ", ".join([f"{done} of {total} tasks done", *filter(None, notes)])


def _is_page(reply: Reply) -> bool:
    return reading.is_success(reply) and isinstance(reply.object().get("data"), list)


def _read_row(row: Mapping[str, Json]) -> Workflow | None:
    """One row of the list. Only an active workflow whose callout trigger is on can be run."""
    workflow_id = _id(row.get("id"))
    if workflow_id is None:
        return None
    status = reading.text(row.get("status")) or "no status"
    obstacle = None if _is_true(row.get("calloutTrigger")) else _NO_CALLOUT
    if status != "Active":
        obstacle = f"It is not active in Zuora ({status})."
    version = reading.text(reading.mapping(row.get("active_version")).get("version"))
    return Workflow(workflow_id=workflow_id, name=reading.text(row.get("name")), version=version, obstacle=obstacle)


def _read_export(workflow: Workflow, exported: Mapping[str, Json]) -> Workflow:
    fields = reading.rows(reading.mapping(exported.get("parameters")).get("fields"))
    specs = {spec.name: spec for field in fields if (spec := _read_field(field))}
    obstacles = [_NO_CALLOUT] if exported.get("callout_trigger") is False else []
    obstacles += [obstacle for field in fields if (obstacle := _field_obstacle(field))]
    return replace(
        workflow,
        name=workflow.name or reading.text(exported.get("name")),
        version=reading.text(exported.get("version")) or workflow.version,
        inputs=tuple(specs.values()),
        obstacle=workflow.obstacle or next(iter(obstacles), None),
    )


def _field_obstacle(field: Mapping[str, Json]) -> str | None:
    """Why nobody could launch a workflow that requires this field."""
    name = _field_name(field)
    if name is None or not _is_true(field.get("required")):
        return None
    if _is_file(field):
        return f"Its required input {name} is a file, which cannot be given here."
    return f"Its required input {name} has a name that Zuora keeps for itself." if name in _RESERVED else None


def _read_field(field: Mapping[str, Json]) -> InputSpec | None:
    """None for what cannot be given: files, and names that Zuora keeps for itself."""
    name = _field_name(field)
    if name is None or name in _RESERVED or _is_file(field):
        return None
    callout_id, label = reading.text(field.get("callout_id")), reading.text(field.get("field_name"))
    spec = InputSpec(
        name=name,
        type=_TYPES.get((reading.text(field.get("datatype")) or "").lower(), InputType.TEXT),
        required=_is_true(field.get("required")),
        label=label if label != name else None,
        hint=None if callout_id else "It has no callout field name in Zuora: the field's name is sent.",
    )
    return replace(spec, default=_default(spec, field.get("default")))


def _field_name(field: Mapping[str, Json]) -> str | None:
    """``callout_id`` is the key of the run call; a blank one falls back to the field's name."""
    return reading.text(field.get("callout_id")) or reading.text(field.get("field_name"))


def _is_file(field: Mapping[str, Json]) -> bool:
    return field.get("object_name") == "Files" or (reading.text(field.get("datatype")) or "").lower() == "file-field"


def _default(spec: InputSpec, value: Json) -> Json:
    """The default, read as if a person had typed it; None where it does not fit. Zuora keeps every default as text."""
    typed = reading.text(str(value)) if isinstance(value, str | int | Decimal) else None
    read = READERS[spec.type](spec, typed) if typed else None
    return None if isinstance(read, Misfit) else read


def _read_login(reply: Reply) -> LoginAnswer:
    body = reply.object()
    token = body.get("access_token")
    if reading.is_success(reply) and isinstance(token, str) and _FITS_HEADER.fullmatch(token):
        lives_s = reading.seconds(body.get("expires_in"))
        left_s = None if lives_s is None else max(lives_s - _RENEW_BEFORE_S, 0.0)
        return LoggedIn(session=Session(token=Secret(token), lives_s=left_s))
    if reply.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN}:
        return _rejected(_said(reply).code)
    return _trouble(reply, scope=_VIEW)


def _options(connection: Connection) -> Options:
    return connection.options if isinstance(connection.options, Options) else Options()


def _places(connection: Connection) -> dict[str, str]:
    """The headers that must not be sent where the tenant has one entity or org only."""
    options = _options(connection)
    named = {"Zuora-Entity-Ids": options.entity_ids, "Zuora-Org-Ids": options.org_ids}
    return {name: ",".join(ids) for name, ids in named.items() if ids}


def _id(value: Json) -> str | None:
    """An id as text: Zuora writes it as a number here and as a string there."""
    text = reading.text(value)
    return text if _is_number(text) else None


def _is_number(text: str | None) -> bool:
    return text is not None and _NUMBER.fullmatch(text) is not None


def _is_true(value: Json) -> bool:
    """Workflow settings are booleans here and strings there."""
    return value is True or (reading.text(value) or "").lower() == "true"


PROVIDER = Zuora()
