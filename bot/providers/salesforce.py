"""Salesforce autolaunched flows: runs them over the REST API's invocable actions, and follows those that wait.

*Why*
- A start is never sent twice: actions know no idempotency key. A lost answer stays in doubt, unless the connection names a
  correlation input that the flow writes to a record.
- That input is looked up in the record that the flow wrote, not among interviews: a finished one leaves no row.
- ``instance_url`` of the token answer is ignored: the address that an operator configured is the only one that ever gets a token.
- A run that waits cannot be cancelled: deleting its interview needs *Manage Flow*, and who holds that runs inactive versions.
- Which flows the run-as user may run is read off the list of actions, and off the org's own list which of the others are merely
  inactive: a flow that nobody may run is no matter of rights.
- An interview that is gone has *ended*, not succeeded: Salesforce keeps no row of finished ones, nor of deleted ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlsplit

from bot.domain import reading
from bot.domain.model import NOTHING, Connection, InputSpec, InputType, Json, Launch, Problem, State, Workflow
from bot.domain.provider import (
    Accepted,
    Allowance,
    Answer,
    Busy,
    Call,
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
    LoggedIn,
    LoginAnswer,
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
    TrackAnswer,
    Trouble,
    Unauthorised,
    Unreachable,
    Unsupported,
    Unverifiable,
)

# --- settings ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Credential:
    """An External Client App with a run-as user, or a token that somebody else keeps fresh."""

    client_id: Annotated[str | None, "Consumer key of the External Client App whose run-as user runs the flows."] = None
    client_secret: Annotated[str | None, "Consumer secret of that app."] = None
    access_token: Annotated[str | None, "An access token or session id instead of the app; it is never renewed."] = None


@dataclass(frozen=True, kw_only=True)
class Correlation:
    """By convention: an input that the flow writes to a unique field as its first act, so that a lost start can be found."""

    input: Annotated[str, "The flow's input that takes the launch id."]
    object: Annotated[str, "The object that the flow writes it to."]
    field: Annotated[str, "The field of that object, external id and unique."]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a Salesforce connection may say beyond address and credential."""

    api_version: Annotated[str, "Version of the REST API, pinned."] = "v65.0"
    correlation: Annotated[Correlation | None, "Where the launch id stands in the org, so that a lost start can be found."] = None


@dataclass(frozen=True, kw_only=True)
class WorkflowOptions:
    """A flow needs nothing beyond name and inputs."""


# --- facts -------------------------------------------------------------------------------------------------------------

_REST: Final = "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest"
_OBJECTS: Final = "https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference"
_HELP: Final = "https://help.salesforce.com/s/articleView?type=5&id="
_RUN: Final = f"{_HELP}platform.flow_distribute_system_rest.htm"
_ACTIONS: Final = "https://developer.salesforce.com/docs/atlas.en-us.api_action.meta/api_action/actions_obj_flow.htm"
_DEFINITIONS: Final = f"{_OBJECTS}/sforce_api_objects_flowdefinitionview.htm"
_LIST: Final = f"{_REST}/resources_actions_invocable_custom_get.htm"
_DESCRIBE: Final = f"{_REST}/resources_actions_invocable_standard.htm"
_ERRORS: Final = f"{_REST}/errorcodes.htm"
_LIMITS: Final = f"{_REST}/resources_limits.htm"
_INTERVIEW: Final = f"{_OBJECTS}/sforce_api_objects_flowinterview.htm"
_QUERIES: Final = f"{_REST}/resources_query.htm"
_TOKEN: Final = f"{_HELP}xcloud.remoteaccess_oauth_client_credentials_flow.htm"
_ACCESS: Final = f"{_HELP}platform.flow_distribute_security.htm"
_LOADS: Final = (
    "https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/"
    "salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm"
)
# Texts and HTTP statuses that only other people's working clients show:
_SEEN: Final = "https://github.com/sfdx-mass-action-scheduler/sfdx-mass-action-scheduler/issues/141"

_API: Final = "api"
_RUN_FLOWS: Final = "Run Flows"
_SHARED_HOSTS: Final = frozenset({"login.salesforce.com", "test.salesforce.com"})
_LEAST_VERSION: Final = 50  # FlowInterview.InterviewStatus came with it
_ERROR_FIELD_SINCE: Final = 62  # FlowInterview.Error came with it
_LONG_CALLS_WAIT_S: Final = 30.0
_DAY_LIMIT_WAIT_S: Final = 900.0

# The sample prints one underscore, the reference and the error sample two: both are read.
_STATUS_KEYS: Final = ("Flow__InterviewStatus", "Flow_InterviewStatus")
_GUID_KEYS: Final = ("Flow__InterviewGuid", "Flow_InterviewGuid")

_VERSION: Final = re.compile(r"v([0-9]{2,3})\.0")
_FLOW_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,255}")
_GUID: Final = re.compile(r"[0-9A-Fa-f-]{1,255}")
_RECORD_ID: Final = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?")
_FITS_HEADER: Final = re.compile(r"[!-~]+")

# https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
_MEANINGS: Final = {
    "JSON_PARSER_ERROR": "Salesforce could not read an input: its type is not what the flow expects.",
    "INVALID_TYPE": "Salesforce could not read an input: its type is not what the flow expects.",
    "NOT_FOUND": "Salesforce knows no such flow, or it is inactive, or the run-as user may not run it: it does not tell which.",
}
_REFUSED: Final = "Salesforce refused it."
_REJECTED: Final = "Salesforce does not accept this connection's credential."
_NO_SCOPE: Final = "The app of this connection lacks the OAuth scope api."
_NO_FLOW_ACCESS: Final = "The run-as user may not run this flow: it needs Run Flows, or access to this very flow."
_TOO_MANY: Final = "The org takes no more API calls for now."
_GONE: Final = "Salesforce no longer keeps this interview: it finished or was deleted, and only the org can tell which."
_NO_GUID: Final = "Salesforce named no interview that could be followed."
_ANSWERED: Final = ScopeSeen(scope=_API, is_held=True, evidence="Salesforce answered a call of the REST API.")
_NOT_ANSWERED: Final = ScopeSeen(
    scope=_API, is_held=False, evidence="Salesforce refused a call of the REST API: the app lacks the OAuth scope api."
)
_LISTS: Final = "Salesforce lists it among the flows that the run-as user may run."
_UNLISTED: Final = (
    "It is active in the org, and Salesforce does not list it among the flows that the run-as user may run: "
    "that needs Run Flows, or access to this very flow."
)
_ASLEEP: Final = "It is not active in the org: nobody may run it, whatever their rights."
_ABSENT_FLOW: Final = "The org has no autolaunched flow of this name."
_UNTOLD_FLOW: Final = (
    "Salesforce does not list it among the flows that the run-as user may run, "
    "and does not tell whether it is inactive, or unknown there."
)
_NO_ACTIVE_VERSION: Final = "It has no active version in the org."
_VIEW_QUERY: Final = "SELECT ApiName, IsActive FROM FlowDefinitionView WHERE ProcessType = 'AutoLaunchedFlow'"
_PAUSES: Final = "paused by the flow itself"
_VERSION_PAUSED: Final = "Salesforce paused this version of the flow: an administrator of the org must look."
_NO_CORRELATION: Final = "This connection names no correlation, so Salesforce cannot be asked whether the flow ran."
_NO_QUERY: Final = "Salesforce refused the query: the object or a field does not exist, or the run-as user may not read it."
_ODD_GUID: Final = "That is no GUID of an interview, and no id of a record."
_RECORD_ID_GIVEN: Final = "That is the id of a record: Salesforce does not tell which flow wrote it."
_UNKEPT: Final = "Salesforce keeps no row of interviews that finished, so it cannot tell about this one."
_NO_NAME: Final = Refused(code="no_api_name", meaning="Nothing was sent: that is no API name of a flow.")

# FlowInterview.InterviewStatus
_ENDS: Final = {"Completed": Outcome.SUCCEEDED, "Error": Outcome.FAILED}

# Type names come in upper case; which ones a flow uses is documented nowhere, so what is not known is text.
_TYPES: Final = {
    "boolean": InputType.BOOLEAN,
    "integer": InputType.INTEGER,
    "long": InputType.INTEGER,
    "number": InputType.DECIMAL,
    "double": InputType.DECIMAL,
    "decimal": InputType.DECIMAL,
    "currency": InputType.DECIMAL,
    "percent": InputType.DECIMAL,
    "date": InputType.DATE,
    "datetime": InputType.DATETIME,
    "textarea": InputType.LONG_TEXT,
}
_CHOICES: Final = {"picklist": InputType.CHOICE, "multipicklist": InputType.MULTI_CHOICE}
_JOINED: Final = "joined_inputs"
"""Workflow extra: the inputs whose several values travel as one text, ``a;b;c``."""


def _over(outcome: Outcome, status: str | None, guid: str | None = None, **more: Json) -> Completed:
    return Completed(outcome=outcome, provider_status=status, run_id=guid, **more)


def _lost(detail: str) -> Unreachable:
    return Unreachable(is_possibly_applied=True, detail=detail)


# --- examples ----------------------------------------------------------------------------------------------------------

_THEN: Final = datetime(2025, 11, 21, 12, tzinfo=UTC)
_HOST: Final = "https://acme.my.salesforce.com"
_CONNECTION: Final = Connection(name="sales", provider="salesforce", base_url=_HOST, options=Options())
_LAUNCH: Final = Launch(
    launch_id="L-7K3QW",
    team_id="T0GONOGO",
    channel_id="C0SALES",
    requester_id="U0ALICE",
    connection="sales",
    provider="salesforce",
    workflow_id="Escalate_to_Case",
    inputs={"CommentCount": 6, "FeedItemId": "0D5D0000000cfMY"},
    created_at=_THEN,
    updated_at=_THEN,
)
# The samples print a GUID of x's, without its opening quote; these are made up.
_RUN_GUID: Final = "0123456789abcdef0123456789abcdef-aaaa"
_WAIT_GUID: Final = "0123456789abcdef0123456789abcdef-aaab"
_FLOWS: Final = "/services/data/v65.0/actions/custom/flow"
_FLOW: Final = f"{_FLOWS}/Escalate_to_Case"


def _says(status: int, body: Json = None) -> Reply:
    return Reply(status=status, body="" if body is None else json.dumps(body))


def _result(*, is_success: bool, errors: Json = None, **outputs: Json) -> Json:
    asked = {"actionName": "Escalate_to_Case", "invocationId": None, "sortOrder": -1, "version": 1}
    return {**asked, "isSuccess": is_success, "errors": errors, "outcome": None, "outputValues": outputs or None}


def _error(code: str, message: str) -> Json:
    return [{"errorCode": code, "message": message}]


def _parameter(name: str, kind: str, description: str | None = None, *, most: int = 1) -> Json:
    known = {"name": name, "label": name, "type": kind, "description": description, "required": False, "maxOccurs": most}
    return {**known, "byteLength": 0, "picklistValues": None, "sobjectType": None}


def _rows(*records: Json) -> Json:
    return {"totalSize": len(records), "done": True, "records": list(records)}


def _soql(guid: str, fields: str) -> str:
    return f"SELECT {fields} FROM FlowInterview WHERE Guid = '{guid}'"  # noqa: S608 - the GUID is hex and dashes only


def _version_soql(flow: str) -> str:
    """A flow's name is letters, digits and underscores only (checked before)."""
    return f"SELECT IsActive, ActiveVersionId FROM FlowDefinitionView WHERE ApiName = '{flow}'"  # noqa: S608 - see above


def _written_soql(correlation: Correlation, launch_id: str) -> str:
    """The record that the flow wrote; object and field are API names (checked at start), the launch id is quoted."""
    quoted = launch_id.replace("\\", "\\\\").replace("'", "\\'")
    return f"SELECT Id FROM {correlation.object} WHERE {correlation.field} = '{quoted}'"  # noqa: S608 - see above


@dataclass(frozen=True)
class _Shown:
    """Makes examples of one verb: those that Salesforce prints, and those that are put together from what it says."""

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


_FIELDS: Final = "Id, Guid, InterviewStatus, CurrentElement, PauseLabel"
_QUERY: Final = {"q": _soql(_WAIT_GUID, f"{_FIELDS}, Error")}
_FORM: Final = {"grant_type": "client_credentials"}
_start = _Shown("start", Call(method="POST", path=_FLOW, json={"inputs": [_LAUNCH.inputs]}), _LAUNCH)
_track = _Shown(
    "track",
    Call(method="GET", path="/services/data/v65.0/query", query=_QUERY),
    replace(_LAUNCH, run_id=_WAIT_GUID, state=State.RUNNING),
)
_CORRELATION: Final = Correlation(input="RequestId", object="Case", field="Request_Id__c")
_WRITTEN: Final = {"q": _written_soql(_CORRELATION, "L-7K3QW")}
_find = _Shown("find", Call(method="GET", path="/services/data/v65.0/query", query=_WRITTEN), _LAUNCH)
_WAIT_QUERY: Final = {"q": _soql(_WAIT_GUID, "Id, InterviewStatus")}
_confirm = _Shown("confirm", Call(method="GET", path="/services/data/v65.0/query", query=_WAIT_QUERY), _LAUNCH)
_list = _Shown("catalogue", Call(method="GET", path=_FLOWS))
_describe = _Shown("describe", Call(method="GET", path=_FLOW), _LAUNCH)
_VERSION_QUERY: Final = {"q": _version_soql("Escalate_to_Case")}
_describe_version = _Shown("describe", Call(method="GET", path="/services/data/v65.0/query", query=_VERSION_QUERY), _LAUNCH)
_probe = _Shown("probe", Call(method="GET", path="/services/data/v65.0/query", query={"q": _VIEW_QUERY}))
_login = _Shown("login", Call(method="POST", path="/services/oauth2/token", form=_FORM, is_login=True))

_CASE: Final = {"CaseId": "500D0000003abcX", "Status": "Escalated"}
_GUID_PART: Final = {"Flow__InterviewGuid": _RUN_GUID}
_DONE: Final = _result(is_success=True, **_CASE, **_GUID_PART, Flow_InterviewStatus="Finished")
_DONE_TWICE_UNDERSCORED: Final = _result(is_success=True, **_CASE, **_GUID_PART, Flow__InterviewStatus="Finished")
_DONE_AS: Final = _over(Outcome.SUCCEEDED, "Finished", _RUN_GUID, outputs=_CASE)
_WAITING: Final = _result(is_success=True, Flow__InterviewGuid=_WAIT_GUID, Flow__InterviewStatus="Waiting")
_AT_DECISION: Final = "An error occurred at element MyDecision (Decision)."
_FAULTS: Final[Json] = [{"statusCode": "FLOW_ELEMENT_ERROR", "message": _AT_DECISION, "fields": []}]
_FAULT: Final = _result(is_success=False, errors=_FAULTS, **_GUID_PART, Flow__InterviewStatus="Error")
_FAULT_AS: Final = _over(Outcome.FAILED, "Error", _RUN_GUID, code="FLOW_ELEMENT_ERROR", detail=_AT_DECISION)
_MISSING: Final = "Missing required input parameter: FeedItemId"
_INVALID: Final[Json] = [{"statusCode": "INVALID_API_INPUT", "message": _MISSING, "fields": []}]
_INVALID_AS: Final = _over(Outcome.FAILED, None, code="INVALID_API_INPUT", detail=_MISSING)
_BAD_JSON: Final = "Unexpected character at [line:1, column:3]"
_BAD_JSON_AS: Final = Refused(code="JSON_PARSER_ERROR", meaning=_MEANINGS["JSON_PARSER_ERROR"], detail=_BAD_JSON)
_EXPIRED: Final = "Session expired or invalid"
_EXPIRED_AS: Final = Unauthorised(code="INVALID_SESSION_ID", meaning=_REJECTED, detail=_EXPIRED)
_SCOPES: Final = (
    "This session is not valid for use with the specified REST API endpoint. "
    "One of the following scopes is required: Manage user data via APIs, Full access"
)
_SCOPES_AS: Final = Unauthorised(code="INVALID_SESSION_ID", meaning=_NO_SCOPE, scope=_API, detail=_SCOPES)
_DENIED: Final = "insufficient access rights on cross-reference id"
_DENIED_AS: Final = Unauthorised(
    code="INSUFFICIENT_ACCESS",
    meaning=_NO_FLOW_ACCESS,
    scope=_RUN_FLOWS,
    detail=_DENIED,
    held_as=_API,
    is_of_workflow=True,
)
_LONG: Final = "ConcurrentPerOrgLongTxn Limit exceeded."
_DAY: Final = "TotalRequests Limit exceeded."
_LIMIT: Final = "REQUEST_LIMIT_EXCEEDED"
_LONG_AS: Final = Busy(code=_LIMIT, meaning=_TOO_MANY, retry_after_s=_LONG_CALLS_WAIT_S)
_DAY_AS: Final = Busy(code=_LIMIT, meaning=_TOO_MANY, retry_after_s=_DAY_LIMIT_WAIT_S)
_ABSENT: Final = "The requested resource does not exist"
_ABSENT_AS: Final = Refused(code="NOT_FOUND", meaning=_MEANINGS["NOT_FOUND"], detail=_ABSENT)
_PAUSED: Final = {"Id": "0Foxx0000000001AAA", "Guid": _WAIT_GUID, "InterviewStatus": "Paused", "CurrentElement": "Wait_1"}
_FAILED: Final = {**_PAUSED, "InterviewStatus": "Error", "Error": "UNABLE_TO_LOCK_ROW"}
_WRITTEN_AS: Final = Matches(candidates=(Candidate(run_id="500D0000003abcX", outcome=Outcome.SUCCEEDED),))
_LISTED: Final = {"label": "Escalate to Case", "name": "Escalate_to_Case", "type": "FLOW", "url": _FLOW}
_LISTED_AS: Final = Workflow(workflow_id="Escalate_to_Case", name="Escalate to Case")
_DESCRIBED: Final = {
    "name": "Escalate_to_Case",
    "label": "Escalate to Case",
    "type": "FLOW",
    "inputs": [
        _parameter("CommentCount", "NUMBER", "Number of comments"),
        _parameter("FeedItemId", "STRING"),
        _parameter("Tags", "STRING", most=2000),
        _parameter("NotifyOwner", "BOOLEAN"),
        _parameter("Parent", "SOBJECT"),
    ],
}
_INPUTS: Final = (
    InputSpec(name="CommentCount", type=InputType.DECIMAL, hint="Number of comments"),
    InputSpec(name="FeedItemId"),
    InputSpec(name="Tags", many=True),
    InputSpec(name="NotifyOwner", type=InputType.BOOLEAN),
)
_ACTIVE: Final = {"IsActive": True, "ActiveVersionId": "301xx0000000001AAA"}
_IDLE: Final = {"IsActive": False, "ActiveVersionId": None}
_UNVERSIONED_AS: Final = Described(workflow=replace(_LISTED_AS, inputs=_INPUTS))
_DESCRIBED_AS: Final = Described(workflow=replace(_LISTED_AS, inputs=_INPUTS, version="301xx0000000001AAA"))
_IDLE_AS: Final = Described(workflow=replace(_LISTED_AS, inputs=_INPUTS, obstacle=_NO_ACTIVE_VERSION))
_TOKEN_BODY: Final = {"access_token": "synthetic-access-token", "instance_url": "https://elsewhere.my.salesforce.com"}
_TOKEN_AS: Final = Session(token=Secret("synthetic-access-token"))
_NO_CLIENT: Final = {"error": "invalid_client", "error_description": "invalid client credentials"}

_VIEWED: Final = _says(
    200,
    _rows(
        {"ApiName": "Escalate_to_Case", "IsActive": True},
        {"ApiName": "Renewal_Reminder", "IsActive": True},
        {"ApiName": "Old_Escalation", "IsActive": False},
    ),
)
_MIRRORED: Final = Held(
    scopes=(
        _ANSWERED,
        ScopeSeen(scope=_API, workflow_id="Escalate_to_Case", is_held=True, evidence=_LISTS),
        ScopeSeen(scope=_API, workflow_id="Renewal_Reminder", is_held=False, evidence=_UNLISTED),
        ScopeSeen(scope=_API, workflow_id="Old_Escalation", is_held=None, evidence=_ASLEEP),
    ),
    is_complete=True,
)
_LOCKED_OUT: Final = Held(scopes=(_NOT_ANSWERED,))

_EXAMPLES: Final = (
    # The guide prints one bare object with one underscore; the array of its other samples and the reference's key come next.
    _start("finished, as one object", _RUN, _says(200, _DONE), _DONE_AS),
    _start("finished, as an array", _RUN, _says(200, [_DONE]), _DONE_AS),
    _start("finished, by the reference's key", _ACTIONS, _says(200, [_DONE_TWICE_UNDERSCORED]), _DONE_AS),
    _start("an element fails", _RUN, _says(400, [_FAULT]), _FAULT_AS),
    _start.inferred("an element fails, under 200", _RUN, _says(200, [_FAULT]), _FAULT_AS),
    _start.inferred("an input is missing", _ACTIONS, _says(400, [_result(is_success=False, errors=_INVALID)]), _INVALID_AS),
    _start.inferred("it waits", _ACTIONS, _says(200, [_WAITING]), Accepted(run_id=_WAIT_GUID, provider_status="Waiting")),
    _start.inferred("older, sparser answer", _ACTIONS, _says(200, [_result(is_success=True)]), _over(Outcome.SUCCEEDED, None)),
    _start.inferred("unreadable JSON", _ERRORS, _says(400, _error("JSON_PARSER_ERROR", _BAD_JSON)), _BAD_JSON_AS),
    _start("session expired", _ERRORS, _says(401, _error("INVALID_SESSION_ID", _EXPIRED)), _EXPIRED_AS),
    _start.inferred("the app lacks the scope", _ERRORS, _says(401, _error("INVALID_SESSION_ID", _SCOPES)), _SCOPES_AS),
    _start.inferred("no access to the flow", _ACCESS, _says(403, _error("INSUFFICIENT_ACCESS", _DENIED)), _DENIED_AS),
    _start.inferred("too many long calls", _LOADS, _says(403, _error(_LIMIT, _LONG)), _LONG_AS),
    _start.inferred("the day's calls are spent", _LOADS, _says(403, _error(_LIMIT, _DAY)), _DAY_AS),
    _start.inferred("no such flow", _SEEN, _says(404, _error("NOT_FOUND", _ABSENT)), _ABSENT_AS),
    _start.inferred("Salesforce broke", _ERRORS, _says(500, _error("UNKNOWN_EXCEPTION", "x")), _lost("HTTP 500")),
    _start.inferred("maintenance", _ERRORS, _says(503), _lost("HTTP 503")),
    _track.inferred(
        "it waits on",
        _INTERVIEW,
        _says(200, _rows(_PAUSED)),
        Observed(provider_status="Paused", progress=f"{_PAUSES}: Wait_1"),
    ),
    _track.inferred(
        "it failed later",
        _INTERVIEW,
        _says(200, _rows(_FAILED)),
        _over(Outcome.FAILED, "Error", detail="UNABLE_TO_LOCK_ROW"),
    ),
    _track.inferred(
        "its version is paused",
        _INTERVIEW,
        _says(200, _rows({**_PAUSED, "InterviewStatus": "VersionPaused"})),
        Observed(provider_status="VersionPaused", attention=_VERSION_PAUSED),
    ),
    _track.inferred("it is gone", _INTERVIEW, _says(200, _rows()), _over(Outcome.ENDED, None, detail=_GONE)),
    _list.inferred("one flow", _LIST, _says(200, {"actions": [_LISTED]}), Listed(workflows=(_LISTED_AS,))),
    replace(
        _describe_version.inferred("its inputs and its active version", _DEFINITIONS, _says(200, _rows(_ACTIVE)), _DESCRIBED_AS),
        before=(_says(200, _DESCRIBED),),
    ),
    replace(
        _describe_version.inferred("no version is active", _DEFINITIONS, _says(200, _rows(_IDLE)), _IDLE_AS),
        before=(_says(200, _DESCRIBED),),
    ),
    replace(
        _describe_version.inferred(
            "the version may not be read", _DEFINITIONS, _says(400, _error("INVALID_TYPE", "x")), _UNVERSIONED_AS
        ),
        before=(_says(200, _DESCRIBED),),
    ),
    _describe.inferred("no such flow", _SEEN, _says(404, _error("NOT_FOUND", _ABSENT)), _ABSENT_AS),
    replace(
        _probe.inferred("one flow may be run, one is kept from the user, one is inactive", _DEFINITIONS, _VIEWED, _MIRRORED),
        before=(_says(200, {"actions": [_LISTED]}),),
    ),
    replace(
        _probe.inferred("the app lacks the scope", _ERRORS, _says(401, _error("INVALID_SESSION_ID", _SCOPES)), _LOCKED_OUT),
        call=_list.call,
    ),
    _login("a token, and an address that is not followed", _TOKEN, _says(200, _TOKEN_BODY), LoggedIn(session=_TOKEN_AS)),
    _login.inferred(
        "a wrong secret",
        _TOKEN,
        _says(400, _NO_CLIENT),
        Unauthorised(code="invalid_client", meaning=_REJECTED, detail="invalid client credentials"),
    ),
    *(
        replace(shown, connection=replace(_CONNECTION, options=Options(correlation=_CORRELATION)))
        for shown in (
            _find.inferred("the flow wrote its record", _QUERIES, _says(200, _rows({"Id": "500D0000003abcX"})), _WRITTEN_AS),
            _find.inferred("no record carries the launch id", _QUERIES, _says(200, _rows()), Matches(candidates=())),
            _find.inferred(
                "no such field",
                _ERRORS,
                _says(400, _error("INVALID_FIELD", "No such column")),
                Refused(code="INVALID_FIELD", meaning=_NO_QUERY, detail="No such column"),
            ),
        )
    ),
    *(
        replace(shown, run_id=_WAIT_GUID)
        for shown in (
            _confirm.inferred(
                "the interview waits",
                _INTERVIEW,
                _says(200, _rows(_PAUSED)),
                Confirmed(run_id=_WAIT_GUID, provider_status="Paused"),
            ),
            _confirm.inferred("it leaves no row", _INTERVIEW, _says(200, _rows()), Unverifiable(meaning=_UNKEPT)),
        )
    ),
)


class Salesforce(Provider):
    """Salesforce Flow."""

    name = "salesforce"
    title = "Salesforce Flow"
    documents = _RUN
    scopes = (
        Scope(
            name=_API,
            allows=("launch", "track", "list", "describe", "results"),
            meaning="Use the REST API; which flows the run-as user may run is told for each flow.",
            source=_TOKEN,
            asked_by="The list of flows that the run-as user may run is read, and beside it the org's list of its flows.",
        ),
    )
    # Ours: a waiting flow waits for hours or days, and every look counts against the org's calls per day.
    pace = Pace(first_s=15.0, most_s=300.0, source=_LOADS)
    # 100,000 calls a day and org, shared with every program: less than half of them.
    allowance = Allowance(calls_a_minute=30.0, source=_LOADS)
    # A start answers when the flow is over; past 120 s of it, with some room.
    timeout_s = 150.0
    has_catalogue = True
    has_describe = True
    lost_start_settled_by = "the record that carries the launch id, where the connection names a correlation"
    is_find_proof = True
    credential = Credential
    options = Options
    workflow_options = WorkflowOptions
    examples = _EXAMPLES

    def credential_problems(self, credential: Mapping[str, Secret], connection: Connection) -> tuple[str, ...]:
        """Neither, both or half of the two ways in; a host that does not serve them; names that fit no query."""
        return (*_credential_problems(credential, connection), *_option_problems(_options(connection)))

    def check(self, launch_inputs: Mapping[str, Json], workflow: Workflow, connection: Connection) -> tuple[Problem, ...]:
        """The correlation input is the bot's own."""
        del workflow
        correlation = _options(connection).correlation
        if correlation is None or correlation.input not in launch_inputs:
            return ()
        return (Problem(code="reserved_input", facts={"name": correlation.input, "provider": self.title}),)

    def needs_login(self, credential: Mapping[str, Secret]) -> bool:
        """Not where an access token was given."""
        return not credential.get("access_token")

    def sign(self, call: Call, credential: Mapping[str, Secret], session: Session | None) -> Signature:
        """The app's key and secret for a token, a token for everything else."""
        if call.is_login:
            return Signature(form={name: credential[name] for name in ("client_id", "client_secret")})
        token = credential.get("access_token") or (session.token if session else None)
        return Signature(headers={"Authorization": token.as_bearer()} if token else NOTHING)

    def login(self, connection: Connection) -> Exchange[LoginAnswer]:
        """A token of the run-as user. It tells no lifetime and has no refresh token: it serves until a call is refused."""
        del connection
        reply = yield Call(method="POST", path="/services/oauth2/token", form=_FORM, is_login=True)
        token = reply.object().get("access_token")
        if reading.is_success(reply) and isinstance(token, str) and _FITS_HEADER.fullmatch(token):
            return LoggedIn(session=Session(token=Secret(token)))
        trouble = _trouble(reply)
        if isinstance(trouble, Refused):
            return Unauthorised(code=trouble.code, meaning=_REJECTED, detail=trouble.detail)
        return trouble

    def start(self, launch: Launch, connection: Connection) -> Exchange[StartAnswer]:
        """Run the active version, one interview only: several in one call share a transaction, and one may undo all."""
        options = _options(connection)
        if not _FLOW_NAME.fullmatch(launch.workflow_id):
            return _NO_NAME
        joined = reading.items(launch.extras.get(_JOINED))
        inputs = {name: _join(value) if name in joined else value for name, value in launch.inputs.items()}
        if options.correlation is not None:
            inputs[options.correlation.input] = launch.launch_id
        reply = yield Call(
            method="POST", path=_path(options, f"actions/custom/flow/{launch.workflow_id}"), json={"inputs": [inputs]}
        )
        return _read_start(reply)

    def track(self, launch: Launch, connection: Connection) -> Exchange[TrackAnswer]:
        """The interview's row, which only those have that wait, are paused or failed."""
        options = _options(connection)
        if launch.run_id is None or not _GUID.fullmatch(launch.run_id):
            return _over(Outcome.ENDED, None, detail=_NO_GUID)
        fields = f"{_FIELDS}, Error" if _version(options) >= _ERROR_FIELD_SINCE else _FIELDS
        query = {"q": _soql(launch.run_id, fields)}
        reply = yield Call(method="GET", path=_path(options, "query"), query=query)
        return _read_interview(reply)

    def catalogue(self, connection: Connection) -> Exchange[CatalogueAnswer]:
        """What the run-as user sees, in one page; old invocable processes stand in it and cannot be told from flows."""
        reply = yield Call(method="GET", path=_path(_options(connection), "actions/custom/flow"))
        if not reading.is_success(reply) or not isinstance(reply.object().get("actions"), list):
            return _trouble(reply)
        found = (_read_listed(row) for row in reading.rows(reply.object().get("actions")))
        return Listed(workflows=tuple(workflow for workflow in found if workflow))

    def describe(self, workflow: Workflow, connection: Connection) -> Exchange[DescribeAnswer]:
        """Its input variables, without the one that the bot fills itself; then which version is active.

        Why a view that we may not read is no trouble: what permission it needs is not documented, and an inactive flow is then
        refused by the start.
        """
        options = _options(connection)
        if not _FLOW_NAME.fullmatch(workflow.workflow_id):
            return _NO_NAME
        reply = yield Call(method="GET", path=_path(options, f"actions/custom/flow/{workflow.workflow_id}"))
        if not reading.is_success(reply) or not isinstance(reply.object().get("inputs"), list):
            return _trouble(reply)
        described = _read_described(workflow, reply.object(), options)
        reply = yield Call(method="GET", path=_path(options, "query"), query={"q": _version_soql(workflow.workflow_id)})
        records = _records(reply)
        if records is None and isinstance(trouble := _query_trouble(reply), Busy | Unreachable):
            return trouble
        return Described(workflow=_with_version(described, reading.mapping(records[0]) if records else NOTHING))

    def probe(self, connection: Connection) -> Exchange[ProbeAnswer]:
        """The flows that the run-as user may run, beside those of the org: what is active there and not listed is kept from us."""
        options = _options(connection)
        reply = yield Call(method="GET", path=_path(options, "actions/custom/flow"))
        if not reading.is_success(reply) or not isinstance(reply.object().get("actions"), list):
            trouble = _trouble(reply)
            is_scope = isinstance(trouble, Unauthorised) and trouble.scope == _API
            return Held(scopes=(_NOT_ANSWERED,)) if is_scope else trouble
        rows = (_read_listed(row) for row in reading.rows(reply.object().get("actions")))
        listed = tuple(flow.workflow_id for flow in rows if flow)
        reply = yield Call(method="GET", path=_path(options, "query"), query={"q": _VIEW_QUERY})
        if isinstance(trouble := _trouble(reply), Busy | Unreachable) and not reading.is_success(reply):
            return trouble
        return Held(scopes=(_ANSWERED, *_read_rights(listed, _read_view(reply), tuple(connection.workflows))), is_complete=True)

    def can_find(self, connection: Connection) -> bool:
        """Where the connection names input, object and field."""
        return _options(connection).correlation is not None

    def find(self, launch: Launch, connection: Connection) -> Exchange[FindAnswer]:
        """The record that the flow wrote the launch id to, by convention as its first act.

        The record is committed with the flow or not at all: one that is there proves that the flow did not fail, and one that is
        not there (yet) proves nothing. So a record is a run that succeeded, and its id is all there is to name it by. Only a flow
        that waits commits before its end: what became of it after its first wait nobody can ask by this record.
        """
        options = _options(connection)
        if options.correlation is None:
            return Unsupported(meaning=_NO_CORRELATION)
        query = {"q": _written_soql(options.correlation, launch.launch_id)}
        reply = yield Call(method="GET", path=_path(options, "query"), query=query)
        records = _records(reply)
        if records is None:
            return _query_trouble(reply)
        ids = [record_id for record in records if (record_id := reading.text(reading.mapping(record).get("Id"))) is not None]
        if len(ids) < len(records):
            return Unreachable(is_possibly_applied=False, detail="unreadable answer")
        return Matches(
            candidates=tuple(Candidate(run_id=record_id, outcome=Outcome.SUCCEEDED) for record_id in dict.fromkeys(ids))
        )

    def confirm(self, launch: Launch, run_id: str, connection: Connection) -> Exchange[ConfirmAnswer]:
        """The interview's row, which only those have that wait or failed; of which flow it is, the row does not tell."""
        del launch
        options, named = _options(connection), run_id.strip()
        if _RECORD_ID.fullmatch(named):
            return Unverifiable(meaning=_RECORD_ID_GIVEN)
        if not _GUID.fullmatch(named):
            return Denied(meaning=_ODD_GUID)
        query = {"q": _soql(named, "Id, InterviewStatus")}
        reply = yield Call(method="GET", path=_path(options, "query"), query=query)
        records = _records(reply)
        if records is None:
            return _query_trouble(reply)
        if not records:
            return Unverifiable(meaning=_UNKEPT)
        status = reading.told(reading.mapping(records[0]).get("InterviewStatus"), 80)
        return Confirmed(run_id=named, provider_status=status)


# --- readers -----------------------------------------------------------------------------------------------------------


def _credential_problems(credential: Mapping[str, Secret], connection: Connection) -> list[str]:
    given = {name for name in ("client_id", "client_secret", "access_token") if credential.get(name)}
    app = given - {"access_token"}
    if not given:
        return ["credential needs client_id and client_secret, or access_token"]
    if "access_token" in given:
        return [f"credential has access_token and {' and '.join(sorted(app))}: give one or the other"] if app else []
    if len(app) == 1:
        return [f"credential lacks {({'client_id', 'client_secret'} - app).pop()}"]
    host = urlsplit(connection.base_url).hostname
    if host in _SHARED_HOSTS:
        return [f"base_url is {host}, where client_id and client_secret never work: use the org's My Domain host"]
    return []


def _option_problems(options: Options) -> list[str]:
    correlation = options.correlation
    names = () if correlation is None else (correlation.input, correlation.object, correlation.field)
    problems = [f"correlation: {name!r} is no Salesforce API name" for name in names if not _FLOW_NAME.fullmatch(name)]
    if _version(options) < _LEAST_VERSION:
        problems.append(f"api_version {options.api_version!r} is none: write v{_LEAST_VERSION}.0 or later, such as v65.0")
    return problems


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What an error body says, whichever of Salesforce's shapes it has."""

    code: str
    text: str | None = None


def _said(reply: Reply) -> _Said:
    """An array of ``errorCode`` and ``message`` (the platform), or an object of ``error`` and ``error_description`` (OAuth)."""
    first = _first(reply)
    code = reading.told(first.get("errorCode")) or reading.told(first.get("error")) or f"HTTP {reply.status}"
    return _Said(code=code, text=reading.told(first.get("message")) or reading.told(first.get("error_description")))


def _first(reply: Reply) -> Mapping[str, Json]:
    """The first element of an array, or the bare object that some samples print."""
    body = reply.json()
    return next(iter(reading.rows(body)), reading.mapping(body))


def _trouble(reply: Reply, *, changes: bool = False) -> Trouble:
    """What a reply that is no success means; ``changes``: the call may have done something."""
    said = _said(reply)
    if not reading.is_refusal(reply):
        detail = "unreadable answer" if reading.is_success(reply) else f"HTTP {reply.status}"
        return Unreachable(is_possibly_applied=changes, detail=detail)
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS or said.code == _LIMIT:
        return Busy(code=said.code, meaning=_TOO_MANY, retry_after_s=_wait_s(reply, said))
    if reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return _unauthorised(reply, said)
    return Refused(code=said.code, meaning=_MEANINGS.get(said.code, _REFUSED), detail=said.text)


def _wait_s(reply: Reply, said: _Said) -> float | None:
    """Salesforce names no wait of its own: long calls clear within a minute, the day's calls over hours."""
    if said.code != _LIMIT:
        return reading.retry_after_s(reply)
    ours_s = _LONG_CALLS_WAIT_S if "LongTxn" in (said.text or "") else _DAY_LIMIT_WAIT_S
    return reading.retry_after_s(reply) or ours_s


def _unauthorised(reply: Reply, said: _Said) -> Unauthorised:
    """A missing OAuth scope comes under the code of an expired session; only the text tells them apart."""
    if "scopes is required" in (said.text or "") or said.code.startswith("API_"):
        return Unauthorised(code=said.code, meaning=_NO_SCOPE, scope=_API, detail=said.text)
    if reply.status == HTTPStatus.FORBIDDEN:
        denied = Unauthorised(code=said.code, meaning=_NO_FLOW_ACCESS, scope=_RUN_FLOWS, detail=said.text)
        return replace(denied, held_as=_API, is_of_workflow=True)
    return Unauthorised(code=said.code, meaning=_REJECTED, detail=said.text)


def _read_start(reply: Reply) -> StartAnswer:
    """Decided by the body: a faulting flow comes under 200 and under 400 alike; only what broke or is limited goes first."""
    result = _first(reply)
    is_success = result.get("isSuccess")
    is_told = reading.is_success(reply) or reply.status == HTTPStatus.BAD_REQUEST
    if not is_told or not isinstance(is_success, bool):
        return _trouble(reply, changes=True)
    values = reading.mapping(result.get("outputValues"))
    status, guid = _either(values, _STATUS_KEYS), _either(values, _GUID_KEYS)
    outputs = {name: value for name, value in values.items() if name not in {*_STATUS_KEYS, *_GUID_KEYS}}
    if not is_success or status == "Error":
        fault = next(iter(reading.rows(result.get("errors"))), NOTHING)
        code, detail = reading.told(fault.get("statusCode")), reading.told(fault.get("message"))
        return _over(Outcome.FAILED, status, guid, outputs=outputs, code=code, detail=detail)
    if status in {None, "Finished"}:
        return _over(Outcome.SUCCEEDED, status, guid, outputs=outputs)
    if guid is None:
        return _over(Outcome.ENDED, status, outputs=outputs, detail=_NO_GUID)
    return Accepted(run_id=guid, provider_status=status, outputs=outputs)


def _either(values: Mapping[str, Json], keys: tuple[str, ...]) -> str | None:
    return next((text for key in keys if (text := reading.text(values.get(key)))), None)


def _read_interview(reply: Reply) -> TrackAnswer:
    records = reply.object().get("records")
    if not reading.is_success(reply) or not isinstance(records, list):
        return _trouble(reply)
    if not records:
        return _over(Outcome.ENDED, None, detail=_GONE)
    row = next(iter(reading.rows(records)), NOTHING)
    status = reading.text(row.get("InterviewStatus"))
    outcome = _ENDS.get(status or "")
    if outcome is not None:
        return _over(outcome, status, detail=reading.told(row.get("Error")))
    if status == "Paused":
        place = reading.told(row.get("PauseLabel")) or reading.told(row.get("CurrentElement"))
        return Observed(provider_status=status, progress=f"{_PAUSES}: {place}" if place else _PAUSES)
    return Observed(provider_status=status, attention=_VERSION_PAUSED if status == "VersionPaused" else None)


def _records(reply: Reply) -> tuple[Json, ...] | None:
    """What a query found; None where the reply is no answer to it."""
    records = reply.object().get("records")
    return reading.items(records) if reading.is_success(reply) and isinstance(records, list) else None


def _query_trouble(reply: Reply) -> Trouble:
    """As elsewhere, but a refused query is about the object and its fields, not about the flow."""
    trouble = _trouble(reply)
    if isinstance(trouble, Refused):
        return replace(trouble, meaning=_NO_QUERY)
    if isinstance(trouble, Unauthorised) and trouble.scope == _RUN_FLOWS:
        return replace(trouble, meaning=_NO_QUERY, scope=None, held_as=None, is_of_workflow=False)
    return trouble


def _read_listed(row: Mapping[str, Json]) -> Workflow | None:
    name = reading.text(row.get("name"))
    if name is None or (reading.text(row.get("type")) or "FLOW").upper() != "FLOW":
        return None
    return Workflow(workflow_id=name, name=reading.text(row.get("label")))


def _read_view(reply: Reply) -> Mapping[str, bool] | None:
    """The org's flows, and whether each is active; None where they are not told, or not all of them."""
    records = _records(reply)
    if records is None or reply.object().get("done") is not True:
        return None
    named = ((reading.text(row.get("ApiName")), row.get("IsActive")) for row in reading.rows(records))
    return {name: is_active is not False for name, is_active in named if name}


def _read_rights(listed: tuple[str, ...], view: Mapping[str, bool] | None, configured: tuple[str, ...]) -> tuple[ScopeSeen, ...]:
    """What is known of each flow that is listed, in the org, or configured."""
    flows = dict.fromkeys((*listed, *(view or ()), *configured))
    return tuple(_read_right(flow, is_listed=flow in listed, view=view) for flow in flows)


def _read_right(flow: str, *, is_listed: bool, view: Mapping[str, bool] | None) -> ScopeSeen:
    if is_listed:
        is_held, evidence = True, _LISTS
    elif view is None:
        is_held, evidence = False, _UNTOLD_FLOW
    elif flow not in view:
        is_held, evidence = None, _ABSENT_FLOW
    else:
        is_held, evidence = (False, _UNLISTED) if view[flow] else (None, _ASLEEP)
    return ScopeSeen(scope=_API, workflow_id=flow, is_held=is_held, evidence=evidence)


def _read_described(workflow: Workflow, body: Mapping[str, Json], options: Options) -> Workflow:
    own = options.correlation.input if options.correlation else None
    parameters = [row for row in reading.rows(body.get("inputs")) if reading.text(row.get("name")) not in {None, own}]
    specs = {spec.name: spec for row in parameters if (spec := _read_parameter(row))}
    records = [reading.text(row.get("name")) for row in parameters if _is_record(row) and row.get("required") is True]
    joined = [spec.name for spec in specs.values() if spec.type is InputType.MULTI_CHOICE]
    obstacle = f"Its required input {records[0]} is a record, which cannot be given here." if records else None
    return replace(
        workflow,
        name=workflow.name or reading.text(body.get("label")),
        inputs=tuple(specs.values()),
        obstacle=workflow.obstacle or obstacle,
        extras={**workflow.extras, _JOINED: joined} if joined else workflow.extras,
    )


def _with_version(described: Workflow, row: Mapping[str, Json]) -> Workflow:
    """With its active version, as far as the org tells; one that has none cannot be launched.

    Salesforce runs the latest version, also an unfinished one, where none is active.
    """
    obstacle = _NO_ACTIVE_VERSION if row.get("IsActive") is False else None
    version = reading.text(row.get("ActiveVersionId")) or described.version
    return replace(described, version=version, obstacle=described.obstacle or obstacle)


def _is_record(row: Mapping[str, Json]) -> bool:
    """Records and Apex classes: too much to type in a chat."""
    kind = (reading.text(row.get("type")) or "").lower()
    return kind == "sobject" or kind.startswith("apex")


def _read_parameter(row: Mapping[str, Json]) -> InputSpec | None:
    name, label = reading.text(row.get("name")), reading.text(row.get("label"))
    if name is None or _is_record(row):
        return None
    kind = (reading.text(row.get("type")) or "").lower()
    active = (choice for choice in reading.rows(row.get("picklistValues")) if choice.get("active") is not False)
    options = tuple(dict.fromkeys(text for choice in active if (text := reading.text(choice.get("value")))))
    is_many = (reading.whole(row.get("maxOccurs")) or 1) > 1
    chosen = InputType.CHOICE if is_many else _CHOICES.get(kind, InputType.TEXT)
    return InputSpec(
        name=name,
        type=chosen if options and kind in _CHOICES else _TYPES.get(kind, InputType.TEXT),
        required=row.get("required") is True,
        label=label if label != name else None,
        hint=reading.told(row.get("description")),
        options=options if kind in _CHOICES else (),
        many=is_many,
    )


def _join(value: Json) -> Json:
    """Several values of a multi-select picklist are one text."""
    return ";".join(map(str, reading.items(value))) if isinstance(value, list | tuple) else value


def _options(connection: Connection) -> Options:
    return connection.options if isinstance(connection.options, Options) else Options()


def _version(options: Options) -> int:
    """The number in ``v65.0``; 0 for anything else."""
    matched = _VERSION.fullmatch(options.api_version)
    return int(matched[1]) if matched else 0


def _path(options: Options, tail: str) -> str:
    return f"/services/data/{options.api_version}/{tail}"


PROVIDER = Salesforce()
