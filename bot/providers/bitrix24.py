"""Bitrix24 workflows, through the Vibecode REST API.

Why a start is never sent twice: the same template may run any number of times, and nothing in the call tells two starts apart.

Why a run that left the list has *ended* and not succeeded: Bitrix24 lists running instances only and nowhere says how one
went. Only where it took our wish to stop the run is that told as *cancelled*.

Why a missing run is looked for twice: the list is sorted by change and shrinks as instances end, so a row can slip from a page
that is yet to be read to one that was. And right after a start the list may not show the run yet.

Why one list answers for many runs, and the one of the whole portal where it is short: asking about a run by itself reads the same
list. And why a run is missing only where two readings to the end lack it, the second of its own template: as above.

Why a lost start is looked up by template, record and time, and by user only where ``/v1/me`` tells who the key is: it is known to tell
so for app keys only. That somebody else started the same template on the same record in the same minutes is unlikely, but it is told
with what was found. And why nothing found means nothing: a short run is over before anybody can look.

Why a probe reads for real: ``/v1/me`` also lists scopes that were added after the key was issued, and those do not work.

Why the templates' path is a setting: the documents name two, and neither could be tried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal, NamedTuple

from bot.domain import finding, listing, reading
from bot.domain.inputs import is_valid_default
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
    FoundRecord,
    FoundRecords,
    Held,
    Listed,
    Matches,
    Observed,
    Outcome,
    Pace,
    ProbeAnswer,
    Provider,
    RecordsAnswer,
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
    """What proves who we are at Vibecode."""

    api_key: Annotated[str, "The Vibecode key: a personal key (vibe_api_…), or an app key (vibe_app_…) with a session token."]
    session_token: Annotated[str | None, "The user session that an app key needs; a personal key has none."] = None


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a Bitrix24 connection may say."""

    portal: Annotated[str | None, "The portal's host, such as acme.bitrix24.com: links to records are built from it."] = None
    templates_path: Annotated[str, "Where Vibecode lists the portal's workflow templates."] = "/v1/bizproc-templates"


@dataclass(frozen=True, kw_only=True)
class WorkflowOptions:
    """What a template's entry may say."""

    entity_type: Annotated[
        Literal["deal", "lead", "contact", "company"] | None,
        "The kind of CRM record that the template is made for; people then need not name it.",
    ] = None


# --- facts ------------------------------------------------------------------------------------------------------------------

_DOCS = "https://vibecode.bitrix24.com/docs"
_START = f"{_DOCS}/automation/workflows/start"
_LIST = f"{_DOCS}/automation/workflows/list"
_TERMINATE = f"{_DOCS}/automation/workflows/terminate"
_ERRORS = f"{_DOCS}/errors"
_SCOPES = f"{_DOCS}/scopes"
_MEASURED = "https://github.com/lucky-naty/bitrix24-vibecode"  # a third party's notes, measured on live portals
_NATIVE = "https://github.com/bitrix24/b24restdocs"  # the REST API below Vibecode

ENTITY_TYPES: Mapping[str, str] = {"deal": "DEAL", "lead": "LEAD", "contact": "CONTACT", "company": "COMPANY"}
"""Vibecode's word for a CRM record, and the native document type that it stands for."""

_OTHER_TEMPLATES_PATH = "/v1/entities/bizproc-templates"  # as the start page spells it
_TEMPLATES_AT_ONCE = "500"
_RECORDS_AT_ONCE = 100
# The lists of an entity, and the fields that hold what people call it: https://vibecode.bitrix24.com/docs/entity-api
_PLURALS = {"deal": "deals", "lead": "leads", "contact": "contacts", "company": "companies"}
_NAMED_BY = {"deal": ("title",), "lead": ("title",), "contact": ("name", "lastName"), "company": ("title",)}
_MOST_PAGES = 100
_LOOKS_BEFORE_BELIEVED = 2
_READINGS_BEFORE_BELIEVED = 2
_NOT_FOUND = 404
_TOO_MANY = 429
_WAIT_S = 2.0  # the start page: "Retry in 1 to 2 seconds"
_STUCK_AFTER = timedelta(minutes=5)  # the native page on instances: owned for longer means stuck


class _ErrorWord(NamedTuple):
    """One error code: its status, what it is to us and to people, the scope it names, and where it stands."""

    code: str
    status: int
    kind: Literal["refused", "unauthorised", "busy", "unproven"]
    meaning: str
    source: str = _START
    scope: str | None = None


_BIZPROC, _CRM = "bizproc", "crm"
_NO_SCOPE = "The key does not hold the scope bizproc: an operator must issue a new key that has it."
# https://vibecode.bitrix24.com/docs/scopes: scopes are frozen when a key is issued
_DENIED = (
    "Bitrix24 denies access. Either bizproc was added after the key was issued (the key lists it then, yet only a new key "
    "helps), or the key's owner is no administrator of the portal."
)
_NO_CRM = "The key may not read the records of the CRM: type the record's id, or an operator issues a key with the scope crm."
_OAUTH = "This needs an app key with a user session; a personal key may not do it."
_LOST = "Bitrix24 did not say whether it did it."

# Branch on the code, never on the text: that is Russian or English (https://vibecode.bitrix24.com/docs/errors).
_ERROR_WORDS = (
    _ErrorWord("MISSING_PARAMS", 400, "refused", "Bitrix24 misses the template, the kind of record or the record's id."),
    _ErrorWord("MISSING_API_KEY", 401, "unauthorised", "No key reached Bitrix24."),
    _ErrorWord("INVALID_API_KEY", 401, "unauthorised", "The key is wrong, deleted or expired."),
    _ErrorWord("TOKEN_MISSING", 401, "unauthorised", "The key is not connected to any Bitrix24 portal."),
    _ErrorWord("TOKEN_EXPIRED", 401, "unauthorised", "The user session has expired: a person must authorise the app again."),
    _ErrorWord("SCOPE_DENIED", 403, "unauthorised", _NO_SCOPE, scope=_BIZPROC),
    _ErrorWord("BITRIX_ACCESS_DENIED", 403, "unauthorised", _DENIED, scope=_BIZPROC),
    _ErrorWord("BITRIX_ERROR", 422, "refused", "Bitrix24 refused: look at the template, the record and the values."),
    _ErrorWord("RATE_LIMITED", 429, "busy", "Bitrix24 takes no more calls for a moment."),
    _ErrorWord("BITRIX_UNAVAILABLE", 502, "unproven", _LOST),
    _ErrorWord("ENTITY_NOT_FOUND", 404, "refused", "Bitrix24 does not know it (any more).", _TERMINATE),
    _ErrorWord("INVALID_APP_KEY", 401, "unauthorised", "The app key is not known.", _ERRORS),
    _ErrorWord("QUEUE_TIMEOUT", 504, "unproven", _LOST, _ERRORS),
    _ErrorWord(
        "MANAGEMENT_KEY_NO_ENTITY_ACCESS", 403, "unauthorised", "A management key reaches no portal.", f"{_DOCS}/management-keys"
    ),
    _ErrorWord("INVALID_SESSION", 401, "unauthorised", "The user session is not known.", _MEASURED),
    _ErrorWord("OAUTH_REQUIRED", 403, "unauthorised", _OAUTH, _MEASURED),
    _ErrorWord("WRITE_BLOCKED_READONLY_KEY", 403, "unauthorised", "The key may only read.", _MEASURED),
    _ErrorWord("KEY_POLICY_READONLY_REQUIRED", 403, "unauthorised", "The portal lets such keys only read.", _MEASURED),
    _ErrorWord("INTERNAL_ERROR", 500, "unproven", _LOST, _MEASURED),
    _ErrorWord("ERROR_LOOP_DETECTED", 500, "unproven", _LOST, _MEASURED),
)
_BY_CODE = {word.code: word for word in _ERROR_WORDS}
_BY_STATUS = {
    401: _ErrorWord("HTTP 401", 401, "unauthorised", "Bitrix24 does not accept the key."),
    403: _ErrorWord("HTTP 403", 403, "unauthorised", "Bitrix24 does not allow the key this."),
    _TOO_MANY: _BY_CODE["RATE_LIMITED"],
}
_OTHER = _ErrorWord("", 400, "refused", "Bitrix24 refused the call.")
_UNKNOWN_USER = "Bitrix24 does not tell which user this connection's key is; it was found by template, record and time alone."
_NOT_WHOLE = "Bitrix24's list of running workflows could not be read to its end"

_READS = {_BIZPROC: "list running workflows", _CRM: "list deals"}
"""The harmless read that decides on each scope."""


def _seen(scope: str, *, is_held: bool | None, code: str | None = None, is_listed: bool = False) -> ScopeSeen:
    did = {True: "let the key", False: "did not let the key", None: "gave no answer whether the key may"}[is_held]
    why = f" ({code})" if code else ""
    trap = f", although /v1/me lists {scope}: only a newly issued key helps" if is_listed and is_held is False else ""
    return ScopeSeen(scope=scope, is_held=is_held, evidence=f"Bitrix24 {did} {_READS[scope]}{why}{trap}.")


_NO_RUN_NAMED = "No id of a run was given."
_OTHER_RECORD = "That run is one on another record."
_OTHER_TEMPLATE = "That run is one of another template."
_NOT_RUNNING = "Bitrix24 lists running workflows only, and this one is not among them (any more)."
_SYSTEM = "0"  # STARTED_BY of what Bitrix24 starts by itself (the list's page)

# Native types of template parameters (b24restdocs, api-reference/bizproc/bizproc-robot-add.md, PROPERTY).
_TYPES: Mapping[str, InputType] = {
    "text": InputType.LONG_TEXT,
    "int": InputType.INTEGER,
    "double": InputType.DECIMAL,
    "bool": InputType.BOOLEAN,
    "date": InputType.DATE,
    "datetime": InputType.DATETIME,
    "select": InputType.CHOICE,
    "email": InputType.EMAIL,
    "web": InputType.URL,
}

# --- examples ---------------------------------------------------------------------------------------------------------------

_RUN = "69f0c2d5ade389.22457798"
_AT = datetime(2026, 8, 1, tzinfo=UTC)
_CONNECTION = Connection(
    name="crm",
    provider="bitrix24",
    base_url="https://vibecode.bitrix24.tech",
    options=Options(portal="acme.bitrix24.com"),
)
_LAUNCH = Launch(
    launch_id="L-B24",
    team_id="T0GONOGO",
    channel_id="C0SALES",
    requester_id="U0ALICE",
    connection="crm",
    provider="bitrix24",
    workflow_id="713",
    inputs={"entityType": "deal", "entityId": 5141},
    created_at=_AT,
    updated_at=_AT,
)
_RUNNING = replace(_LAUNCH, run_id=_RUN, provider_status="running")


def _says(status: int, body: Json = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body="" if body is None else json.dumps(body))


def _list_of(*found: Json) -> Reply:
    return _says(200, {"success": True, "data": list(found), "meta": {"total": len(found)}})


def _fault(code: str, message: str = "as documented", **more: Json) -> Json:
    return {"success": False, "error": {"code": code, "message": message, **more}}


_start = partial(
    Example,
    verb="start",
    source=_START,
    call=Call(method="POST", path="/v1/workflows/start", json={"templateId": 713, "entityType": "deal", "entityId": 5141}),
    launch=_LAUNCH,
    connection=_CONNECTION,
)
_track = partial(
    Example,
    verb="track",
    source=_LIST,
    call=Call(method="GET", path="/v1/workflows", query={"templateId": "713", "offset": "0"}),
    launch=_RUNNING,
    connection=_CONNECTION,
)
_OTHER_RUN = "69f0c2d5ade389.22457799"
_OTHER_RUNNING = replace(_RUNNING, launch_id="L-B25", run_id=_OTHER_RUN)
_track_many = partial(_track, verb="track_many", others=(_OTHER_RUNNING,))
_cancel = partial(
    Example,
    verb="cancel",
    source=_TERMINATE,
    call=Call(method="DELETE", path=f"/v1/workflows/{_RUN}"),
    launch=_RUNNING,
    connection=_CONNECTION,
)
_templates_example = partial(
    Example,
    call=Call(method="GET", path="/v1/bizproc-templates", query={"limit": _TEMPLATES_AT_ONCE, "offset": "0"}),
    launch=_LAUNCH,
    connection=_CONNECTION,
    is_documented=False,
)


def _error_example(word: _ErrorWord) -> Example:
    answers: Mapping[str, Trouble] = {
        "refused": Refused(code=word.code, meaning=word.meaning, detail="as documented"),
        "unauthorised": Unauthorised(code=word.code, meaning=word.meaning, scope=word.scope, detail="as documented"),
        "busy": Busy(code=word.code, meaning=word.meaning, retry_after_s=_WAIT_S),
        "unproven": Unreachable(is_possibly_applied=True, detail=f"HTTP {word.status} {word.code}: as documented"),
    }
    return _start(
        name=f"start meets {word.code}",
        source=word.source,
        reply=_says(word.status, _fault(word.code)),
        answer=answers[word.kind],
        is_documented=False,
    )


_RUNNING_ROW = {
    "ID": _RUN,
    "MODIFIED": "2026-08-01T12:00:00+00:00",
    "OWNED_UNTIL": None,
    "MODULE_ID": "crm",
    "ENTITY": "CCrmDocumentDeal",
    "DOCUMENT_ID": "DEAL_5141",
    "STARTED": "2026-08-01T12:00:00+00:00",
    "STARTED_BY": "1",
    "TEMPLATE_ID": "713",
}
_DEALS = Call(method="GET", path="/v1/deals", query={"limit": "1"})
_find = partial(
    Example,
    verb="find",
    source=_LIST,
    call=Call(method="GET", path="/v1/me"),
    launch=replace(_LAUNCH, sent_at=_AT + timedelta(hours=12)),
    connection=_CONNECTION,
    is_documented=False,
)
_confirm = partial(
    Example,
    verb="confirm",
    source=_LIST,
    call=Call(method="GET", path="/v1/workflows", query={"templateId": "713", "offset": "0"}),
    launch=_LAUNCH,
    connection=_CONNECTION,
    is_documented=False,
    run_id=_RUN,
)
_OTHERS_ROW = {**_RUNNING_ROW, "ID": "69f0c2d5aaaaaa.00000001", "STARTED_BY": "14"}
_EARLIER_ROW = {**_RUNNING_ROW, "ID": "69f0c2d5aaaaaa.00000002", "STARTED": "2026-08-01T11:00:00+00:00"}
_DEAL_7_ROW = {**_RUNNING_ROW, "ID": "69f0c2d5aaaaaa.00000003", "DOCUMENT_ID": "DEAL_7"}
_FOUND = Candidate(run_id=_RUN, provider_status="running", started_at="2026-08-01T12:00:00+00:00")
_MISSING = 'Required: templateId (number), entityType ("deal"|"lead"|"contact"|"company"), entityId (number)'
_NO_TEMPLATES = Unsupported(meaning="Bitrix24 shows its templates to an app key with a user session only, not to a personal key.")
_TEMPLATE_ROW = {
    "id": 713,
    "name": "Contract approval",
    "moduleId": "crm",
    "documentType": ["crm", "CCrmDocumentDeal", "DEAL"],
    "parameters": {
        "Amount": {"Name": "Amount", "Type": "double", "Required": "1", "Multiple": "0", "Default": "", "Options": None},
        "Kind": {
            "Name": "Kind",
            "Type": "select",
            "Required": "1",
            "Default": "std",
            "Options": {"std": "Standard", "rush": "Rush"},
        },
        "Approver": {"Name": "Approver", "Type": "user", "Required": "0", "Default": None},
    },
}
_TEMPLATE = Workflow(
    workflow_id="713",
    name="Contract approval",
    inputs=(
        InputSpec(name="Amount", type=InputType.DECIMAL, required=True, label="Amount"),
        InputSpec(
            name="Kind",
            type=InputType.CHOICE,
            required=True,
            label="Kind",
            hint="std: Standard, rush: Rush",
            default="std",
            options=("std", "rush"),
        ),
        InputSpec(name="Approver", label="Approver", hint="a Bitrix24 user, such as user_14"),
    ),
    extras={"entity_type": "deal"},
)

_EXAMPLES: tuple[Example, ...] = (
    _start(
        name="the workflow starts",
        reply=_says(201, {"success": True, "data": {"workflowId": _RUN}}),
        answer=Accepted(run_id=_RUN),
    ),
    _start(
        name="required fields are missing",
        reply=_says(400, _fault("MISSING_PARAMS", _MISSING)),
        answer=Refused(code="MISSING_PARAMS", meaning=_BY_CODE["MISSING_PARAMS"].meaning, detail=_MISSING),
    ),
    _start(
        name="over the limit, with a wait",
        source=_ERRORS,
        reply=_says(429, _fault("RATE_LIMITED", "QUERY_LIMIT_EXCEEDED", retryAfter=5), retry_after="5"),
        answer=Busy(code="RATE_LIMITED", meaning=_BY_CODE["RATE_LIMITED"].meaning, retry_after_s=5.0),
    ),
    *map(_error_example, _ERROR_WORDS),
    _track(name="the run is listed", reply=_list_of(_RUNNING_ROW), answer=Observed(provider_status="running")),
    _track(name="the run left the list", reply=_list_of(), answer=Completed(outcome=Outcome.ENDED), is_documented=False),
    _track(
        name="the run left the list after its stop",
        launch=replace(_RUNNING, is_cancel_sent=True),
        reply=_list_of(),
        answer=Completed(outcome=Outcome.CANCELLED),
        is_documented=False,
    ),
    _track_many(
        name="two runs of one template are listed",
        reply=_list_of(_RUNNING_ROW, {**_RUNNING_ROW, "ID": _OTHER_RUN}),
        answer=TrackedMany(answers=dict.fromkeys((_RUN, _OTHER_RUN), Observed(provider_status="running"))),
    ),
    _track_many(
        name="one of them is missing twice",
        before=(_list_of(_RUNNING_ROW),),
        reply=_list_of(_RUNNING_ROW),
        answer=TrackedMany(answers={_RUN: Observed(provider_status="running"), _OTHER_RUN: Completed(outcome=Outcome.ENDED)}),
    ),
    _track_many(
        name="runs of two templates by the portal's list",
        call=Call(method="GET", path="/v1/workflows", query={"offset": "0"}),
        others=(replace(_OTHER_RUNNING, workflow_id="714"),),
        reply=_list_of(_RUNNING_ROW, {**_RUNNING_ROW, "ID": _OTHER_RUN, "TEMPLATE_ID": "714"}),
        answer=TrackedMany(answers=dict.fromkeys((_RUN, _OTHER_RUN), Observed(provider_status="running"))),
    ),
    _track_many(
        name="over the limit for everybody",
        source=_ERRORS,
        reply=_says(429, _fault("RATE_LIMITED", "QUERY_LIMIT_EXCEEDED", retryAfter=5), retry_after="5"),
        answer=TrackedMany(
            answers=dict.fromkeys(
                (_RUN, _OTHER_RUN), Busy(code="RATE_LIMITED", meaning=_BY_CODE["RATE_LIMITED"].meaning, retry_after_s=5.0)
            )
        ),
    ),
    _cancel(name="the stop is taken", reply=_says(204), answer=Stopping()),
    _cancel(
        name="the run is gone already",
        reply=_says(404, _fault("ENTITY_NOT_FOUND")),
        answer=Completed(outcome=Outcome.ENDED, code="ENTITY_NOT_FOUND"),
    ),
    _templates_example(
        name="an app key lists templates",
        verb="catalogue",
        source=_NATIVE,
        reply=_list_of(_TEMPLATE_ROW),
        answer=Listed(workflows=(_TEMPLATE,)),
    ),
    _templates_example(
        name="an app key sees a template",
        verb="describe",
        source=_NATIVE,
        reply=_list_of(_TEMPLATE_ROW),
        answer=Described(workflow=_TEMPLATE),
    ),
    *(
        _templates_example(
            name=f"a personal key sees no templates ({verb})",
            verb=verb,
            source=_MEASURED,
            reply=_says(403, _fault("OAUTH_REQUIRED")),
            answer=_NO_TEMPLATES,
        )
        for verb in ("catalogue", "describe")
    ),
    *(
        Example(
            name=name,
            verb="probe",
            source=_SCOPES,
            call=_DEALS,
            before=(workflows, _says(200, {"success": True, "data": {"scopes": [_BIZPROC, _CRM]}})),
            reply=deals,
            answer=Held(scopes=seen),
            connection=_CONNECTION,
            is_documented=False,
        )
        for name, workflows, deals, seen in (
            (
                "the key reads running workflows and deals",
                _list_of(),
                _list_of(),
                (_seen(_BIZPROC, is_held=True), _seen(_CRM, is_held=True)),
            ),
            (
                "the key lists bizproc and does not have it",
                _says(403, _fault("BITRIX_ACCESS_DENIED")),
                _says(403, _fault("SCOPE_DENIED")),
                (
                    _seen(_BIZPROC, is_held=False, code="BITRIX_ACCESS_DENIED", is_listed=True),
                    _seen(_CRM, is_held=False, code="SCOPE_DENIED", is_listed=True),
                ),
            ),
        )
    ),
    _find(
        name="the key's user started one on the record",
        before=(_list_of(_RUNNING_ROW, _OTHERS_ROW, _EARLIER_ROW, _DEAL_7_ROW),),
        reply=_says(200, {"success": True, "data": {"currentUser": {"bitrixUserId": 1}}}),
        answer=Matches(candidates=(_FOUND,)),
    ),
    _find(
        name="a personal key does not tell its user",
        before=(_list_of(_RUNNING_ROW, _EARLIER_ROW),),
        reply=_says(200, {"success": True, "data": {"scopes": ["bizproc"]}}),
        answer=Matches(candidates=(_FOUND,), unverified=_UNKNOWN_USER),
    ),
    _find(
        name="none runs, which proves nothing",
        call=Call(method="GET", path="/v1/workflows", query={"templateId": "713", "offset": "0"}),
        reply=_list_of(_DEAL_7_ROW),
        answer=Matches(candidates=()),
    ),
    _confirm(
        name="it runs on the record", reply=_list_of(_RUNNING_ROW), answer=Confirmed(run_id=_RUN, provider_status="running")
    ),
    _confirm(
        name="it runs on another record",
        reply=_list_of({**_RUNNING_ROW, "DOCUMENT_ID": "DEAL_7"}),
        answer=Denied(meaning=_OTHER_RECORD),
    ),
    _confirm(
        name="it does not run any more",
        call=Call(method="GET", path="/v1/workflows", query={"offset": "0"}),
        before=(_list_of(),),
        reply=_list_of(),
        answer=Unverifiable(meaning=_NOT_RUNNING),
    ),
)

# --- the provider -----------------------------------------------------------------------------------------------------------


class Bitrix24(Provider):
    """Bitrix24 through Vibecode."""

    name = "bitrix24"
    title = "Bitrix24"
    documents = _START
    scopes = (
        Scope(
            name=_BIZPROC,
            allows=("launch", "track", "cancel", "list", "describe"),
            meaning="Business processes: start, list and stop workflows",
            source=_SCOPES,
            asked_by="The running workflows are listed: /v1/me also lists scopes that do not work.",
        ),
        Scope(
            name=_CRM,
            allows=("records",),
            meaning="Deals, leads, contacts and companies: the form lets people choose the record",
            source=_SCOPES,
            asked_by="One deal is read: /v1/me also lists scopes that do not work.",
        ),
    )
    pace = Pace(first_s=5.0, most_s=60.0, source=_MEASURED)
    # 300 a minute for each source (a third party measured it): a fifth is left for starts and stops.
    allowance = Allowance(calls_a_minute=240.0, source=_MEASURED)
    can_track_many = True
    can_cancel = True
    has_catalogue = True
    has_describe = True
    lost_start_settled_by = "running workflows of the template on the same record, started at that time"
    credential = Credential
    options = Options
    workflow_options = WorkflowOptions
    examples = _EXAMPLES

    def credential_problems(self, credential: Mapping[str, Secret], connection: Connection) -> tuple[str, ...]:
        """Which key goes with a session and which does not (https://vibecode.bitrix24.com/docs/keys-auth)."""
        del connection
        key, session_token = credential["api_key"], credential.get("session_token")
        if key.starts_with("vibe_live_"):
            return ("api_key is a management key (vibe_live_…): it reaches no portal. Use a personal or an app key.",)
        if key.starts_with("vibe_app_") and not session_token:
            return ("api_key is an app key (vibe_app_…): it needs session_token as well.",)
        if session_token and not key.starts_with("vibe_app_"):
            return ("session_token goes with an app key (vibe_app_…) only: remove it, or use an app key.",)
        return ()

    def fixed_inputs(self, workflow: Workflow) -> tuple[InputSpec, ...]:
        """The record that every workflow is started on."""
        fixed = _entity_type(workflow.extras.get("entity_type"))
        kind = InputSpec(
            name="entityType",
            type=InputType.CHOICE,
            required=fixed is None,
            label="Kind of record",
            default=fixed,
            options=tuple(ENTITY_TYPES),
        )
        return (kind, InputSpec(name="entityId", type=InputType.INTEGER, required=True, label="Record id"))

    def check(self, launch_inputs: Mapping[str, Json], workflow: Workflow, connection: Connection) -> tuple[Problem, ...]:
        """The template's id, and a record of the right kind. What is missing altogether, the input specs tell."""
        del connection
        found: list[Problem] = []
        if _positive(workflow.workflow_id) is None:
            found.append(Problem(code="workflow_incomplete", facts={"name": workflow.label, "what": "a whole number as its id"}))
        kind, fixed = launch_inputs.get("entityType"), _entity_type(workflow.extras.get("entity_type"))
        allowed = tuple(ENTITY_TYPES) if fixed is None else (fixed,)
        if kind is not None and kind not in allowed:
            found.append(_wrong("entityType", InputType.CHOICE, kind, " or ".join(allowed)))
        entity_id = launch_inputs.get("entityId")
        if entity_id is not None and _positive(entity_id) is None:
            found.append(_wrong("entityId", InputType.INTEGER, entity_id, "a positive whole number"))
        return tuple(found)

    def sign(self, call: Call, credential: Mapping[str, Secret], session: Session | None) -> Signature:
        """The key, and the user session beside it where there is one (https://vibecode.bitrix24.com/docs/keys-auth)."""
        del call, session
        headers = {"X-Api-Key": credential["api_key"]}
        if session_token := credential.get("session_token"):
            headers["Authorization"] = session_token.as_bearer()
        return Signature(headers=headers)

    def is_session_over(self, reply: Reply) -> bool:
        """Never: a user session cannot be renewed by a call, only by a person."""
        del reply
        return False

    def start(self, launch: Launch, connection: Connection) -> Exchange[StartAnswer]:
        """One call: https://vibecode.bitrix24.com/docs/automation/workflows/start."""
        del connection
        body = _start_body(launch)
        if body is None:
            return Refused(
                code="incomplete", meaning="Nothing was sent: template, kind of record or record id is missing or wrong."
            )
        reply = yield Call(method="POST", path="/v1/workflows/start", json=body)
        answered = reply.object()
        run_id = reading.text(reading.mapping(answered.get("data")).get("workflowId"))
        if reading.is_success(reply) and answered.get("success") is True and run_id is not None:
            return Accepted(run_id=run_id)
        return _trouble(reply, is_change=True)

    def track(self, launch: Launch, connection: Connection) -> Exchange[TrackAnswer]:
        """The running instances of the template: https://vibecode.bitrix24.com/docs/automation/workflows/list."""
        del connection
        query = {"templateId": launch.workflow_id}
        swept = yield from _sweep("/v1/workflows", query, launch.run_id)
        if isinstance(swept, _Swept) and swept.wanted is None and swept.pages > 1:
            swept = yield from _sweep("/v1/workflows", query, launch.run_id)
        if isinstance(swept, Reply):
            return _trouble(swept, is_change=False)
        if swept.wanted is not None:
            return Observed(provider_status="running", progress=_stuck(swept.wanted, swept.last))
        return _vanished(launch) if swept.is_whole else Unreachable(is_possibly_applied=False, detail=_NOT_WHOLE)

    def track_many(self, launches: Sequence[Launch], connection: Connection) -> Exchange[TrackedMany]:
        """Running instances, of the whole portal where those are few, else of each template."""
        del connection
        templates = listing.by_workflow(launches)
        answers: dict[str, TrackAnswer] = {}
        is_read = False
        if len(templates) > 1:
            wanted = frozenset(run_id for runs in templates.values() for run_id in runs)
            shared = yield from _sweep("/v1/workflows", {}, wanted_ids=wanted, most_pages=len(templates))
            answers |= _listed(wanted, shared)
            is_read = isinstance(shared, _Swept) and shared.is_whole
        for template_id, runs in templates.items():
            missing = {run_id: launch for run_id, launch in runs.items() if run_id not in answers}
            answers |= yield from _of_template(template_id, missing, readings=1 if is_read else _READINGS_BEFORE_BELIEVED)
        return TrackedMany(answers=answers)

    def cancel(self, launch: Launch, connection: Connection) -> Exchange[CancelAnswer]:
        """The soft stop, which waits for the current step: https://vibecode.bitrix24.com/docs/automation/workflows/terminate.

        Never ``force``: the native call behind it may delete the process's data.
        """
        del connection
        if not launch.run_id:
            return Refused(code="incomplete", meaning="Nothing was sent: the run's id is not known.")
        reply = yield Call(method="DELETE", path=f"/v1/workflows/{reading.path_part(launch.run_id)}")
        if reply.status == HTTPStatus.NO_CONTENT or (reading.is_success(reply) and reply.object().get("success") is True):
            return Stopping()
        answer = _trouble(reply, is_change=True)
        if isinstance(answer, Refused) and answer.code == "ENTITY_NOT_FOUND":
            return Completed(outcome=Outcome.CANCELLED if launch.is_cancel_sent else Outcome.ENDED, code=answer.code)
        return answer

    def catalogue(self, connection: Connection) -> Exchange[CatalogueAnswer]:
        """All templates of the portal, where the key may see them."""
        swept = yield from _templates(connection)
        if not isinstance(swept, _Swept):
            return swept
        found = (_workflow(row) for row in swept.rows)
        return Listed(workflows=tuple(workflow for workflow in found if workflow is not None))

    def describe(self, workflow: Workflow, connection: Connection) -> Exchange[DescribeAnswer]:
        """The template's own row of that list: no call for a single one is documented."""
        swept = yield from _templates(connection)
        if not isinstance(swept, _Swept):
            return swept
        for row in swept.rows:
            found = _workflow(row)
            if found is not None and found.workflow_id == workflow.workflow_id:
                return Described(workflow=found)
        return Refused(code="NO_TEMPLATE", meaning=f"Bitrix24 shows no template {workflow.workflow_id}.")

    def record_kind(self, name: str, inputs: Mapping[str, str], workflow: Workflow) -> str | None:
        """The kind that the template is for, or that was chosen beside the id."""
        fixed = _entity_type(workflow.extras.get("entity_type"))
        return (fixed or _entity_type(inputs.get("entityType"))) if name == "entityId" else None

    def records(self, kind: str, search: str, connection: Connection) -> Exchange[RecordsAnswer]:
        """By id, by a search for the name, and without a search the newest.

        Why a search that is refused falls back to the newest, looked through here: how filters are written is documented in
        part only, and a key that may only read takes no POST.
        """
        del connection
        plural, text = _PLURALS.get(kind), search.strip()
        if plural is None:
            return Refused(code="NO_KIND", meaning=f"Bitrix24 has no records of the kind {kind}.")
        found: list[Mapping[str, Json]] = []
        if text.isascii() and text.isdigit():
            reply = yield Call(method="GET", path=f"/v1/{plural}/{text}")
            found += [reading.mapping(reply.object().get("data"))] if reading.is_success(reply) else []
        is_searched = bool(text)
        for field in _NAMED_BY[kind] if text else ():
            body = {"filter": {field: {"$contains": text}}, "limit": _RECORDS_AT_ONCE}
            reply = yield Call(method="POST", path=f"/v1/{plural}/search", json=body, is_question=True)
            page = _page(reply)
            is_searched = is_searched and page is not None
            found += page or ()
        if not is_searched:
            query = {"limit": str(_RECORDS_AT_ONCE), "order[id]": "desc"}
            reply = yield Call(method="GET", path=f"/v1/{plural}", query=query)
            page = _page(reply)
            if page is None:
                trouble = _trouble(reply, is_change=False)
                is_scope = isinstance(trouble, Unauthorised) and trouble.scope is not None
                return replace(trouble, scope=_CRM, meaning=_NO_CRM) if is_scope else trouble
            found += [row for row in page if text.casefold() in _record_title(row, kind).casefold()]
        return FoundRecords(records=_records(found, kind))

    def probe(self, connection: Connection) -> Exchange[ProbeAnswer]:
        """Two real reads decide; what ``/v1/me`` lists is a hint only, as scopes added later are listed and do not work."""
        del connection
        running = yield Call(method="GET", path="/v1/workflows", query={"offset": "0"})
        if (trouble := _other_trouble(running)) is not None:
            return trouble
        me = yield Call(method="GET", path="/v1/me")
        facts = reading.mapping(me.object().get("data"))
        listed = reading.items(facts.get("scopes"))
        deals = yield _DEALS
        if isinstance(trouble := _other_trouble(deals), Busy | Unreachable):
            return trouble
        scopes = tuple(_read_scope(name, reply, listed) for name, reply in ((_BIZPROC, running), (_CRM, deals)))
        return Held(scopes=scopes, identity=_identity(facts))

    def find(self, launch: Launch, connection: Connection) -> Exchange[FindAnswer]:
        """Running instances of the template on the same record, started at that time: not whole, not believed.

        None does not prove that it never ran: it may be over, or not listed yet. A user whom ``/v1/me`` does not tell is no
        objection, but told; what the system itself started then is nobody's, so not ours.
        """
        del connection
        if _record(launch) is None or launch.sent_at is None:
            return Matches(candidates=())
        listed = yield from _running(launch.workflow_id)
        if not isinstance(listed, dict):
            return listed
        judged = {run_id: fit for run_id, row in listed.items() if (fit := _fit(_facts(row), launch)) is not False}
        if not judged:
            return Matches(candidates=())
        user_id = yield from _own_user_id()
        if isinstance(user_id, Busy | Unreachable):
            return user_id
        rows = ((run_id, _facts(listed[run_id]), fit) for run_id, fit in judged.items())
        found = finding.matches(
            [(_candidate(run_id, row), finding.all_fit(fit, _is_by(row, user_id))) for run_id, row, fit in rows]
        )
        return replace(found, unverified=_UNKNOWN_USER if user_id is None and found.candidates else None)

    def confirm(self, launch: Launch, run_id: str, connection: Connection) -> Exchange[ConfirmAnswer]:
        """Among the template's running instances, then among all: what is over cannot be asked about."""
        del connection
        named = reading.text(run_id)
        if named is None:
            return Denied(meaning=_NO_RUN_NAMED)
        for query in ({"templateId": launch.workflow_id}, dict[str, str]()):
            swept = yield from _sweep("/v1/workflows", query, named)
            if isinstance(swept, Reply):
                return _trouble(swept, is_change=False)
            if swept.wanted is not None:
                return _confirmed(named, _facts(swept.wanted), launch)
        return Unverifiable(meaning=_NOT_RUNNING)

    def link(self, launch: Launch, connection: Connection) -> str | None:
        """The record's card (b24restdocs); an address of the run itself is not known."""
        portal = (_options(connection).portal or "").removeprefix("https://").strip("/")
        record = _record(launch)
        if record is None or not re.fullmatch(r"[A-Za-z0-9.-]+(:\d+)?", portal):
            return None
        return f"https://{portal}/crm/{record[0]}/details/{record[1]}/"


# --- what is sent -----------------------------------------------------------------------------------------------------------


def _options(connection: Connection) -> Options:
    return connection.options if isinstance(connection.options, Options) else Options()


def _entity_type(value: Json) -> str | None:
    return value if isinstance(value, str) and value in ENTITY_TYPES else None


def _positive(value: Json) -> int | None:
    number = reading.whole(value)
    return number if number is not None and number > 0 else None


def _wrong(name: str, type_: InputType, value: Json, expected: str) -> Problem:
    facts = {"name": name, "typed": str(value), "type": type_.value, "expected": expected, "closest": "", "known": ""}
    return Problem(code="bad_input", facts=facts)


def _record(launch: Launch) -> tuple[str, int] | None:
    kind = _entity_type(launch.inputs.get("entityType")) or _entity_type(launch.extras.get("entity_type"))
    entity_id = _positive(launch.inputs.get("entityId"))
    return None if kind is None or entity_id is None else (kind, entity_id)


def _start_body(launch: Launch) -> dict[str, Json] | None:
    template_id, record = _positive(launch.workflow_id), _record(launch)
    if template_id is None or record is None:
        return None
    body: dict[str, Json] = {"templateId": template_id, "entityType": record[0], "entityId": record[1]}
    parameters = {name: _sent(value) for name, value in launch.inputs.items() if name not in {"entityType", "entityId"}}
    return body | ({"parameters": parameters} if parameters else {})


def _sent(value: Json) -> Json:
    """A value as a template takes it: its booleans are ``Y`` and ``N``."""
    if isinstance(value, bool):
        return "Y" if value else "N"
    return [_sent(item) for item in reading.items(value)] if isinstance(value, list | tuple) else value


# --- what comes back --------------------------------------------------------------------------------------------------------


def _trouble(reply: Reply, *, is_change: bool) -> Trouble:
    """What a reply that is no success means. 5xx, 2xx without its data, and redirects prove nothing."""
    error = reading.mapping(reply.object().get("error"))
    code = reading.told(error.get("code"), 80)
    detail = reading.told(error.get("message"))
    word = (
        _BY_STATUS[_TOO_MANY] if reply.status == _TOO_MANY else _BY_CODE.get(code or "") or _BY_STATUS.get(reply.status, _OTHER)
    )
    if not reading.is_refusal(reply) or word.kind == "unproven":
        seen = f"HTTP {reply.status} {code or ''}".strip()
        return Unreachable(is_possibly_applied=is_change, detail=f"{seen}: {detail}" if detail else seen)
    code = code or f"HTTP {reply.status}"
    if word.kind == "busy":
        waits = (reading.seconds(error.get("retryAfter")), reading.retry_after_s(reply))
        return Busy(
            code=code, meaning=word.meaning, retry_after_s=max((wait for wait in waits if wait is not None), default=_WAIT_S)
        )
    if word.kind == "unauthorised":
        return Unauthorised(code=code, meaning=word.meaning, scope=word.scope, detail=detail)
    return Refused(code=code, meaning=word.meaning, detail=detail)


@dataclass(frozen=True, kw_only=True)
class _Swept:
    """What a list held. ``is_whole``: read to its end, and every row had an id; ``wanted``: the row that was looked for."""

    rows: tuple[Mapping[str, Json], ...]
    pages: int
    last: Reply
    is_whole: bool
    wanted: Mapping[str, Json] | None = None


def _page(reply: Reply) -> tuple[Mapping[str, Json], ...] | None:
    """A list's rows, an empty one for each that is no object; None when the reply is no list."""
    answered = reply.object()
    is_page = reading.is_success(reply) and answered.get("success") is not False and isinstance(answered.get("data"), list)
    return tuple(reading.mapping(row) for row in reading.items(answered.get("data"))) if is_page else None


def _sweep(
    path: str,
    query: Mapping[str, str],
    wanted_id: str | None = None,
    *,
    wanted_ids: frozenset[str] = frozenset(),
    most_pages: int | None = None,
) -> Generator[Call, Reply, _Swept | Reply]:
    """Read a list to its end, or to the row with the wanted id (to all of ``wanted_ids``); the reply itself where it is no page.

    One that says at once that it has more than ``most_pages`` is not read on.
    The end is ``meta.total`` or an empty page: ``meta.hasMore`` may be true on an exactly full last page (third party).
    """
    seen: dict[str, Mapping[str, Json]] = {}
    offset, pages, is_readable = 0, 0, True
    while True:
        reply = yield Call(method="GET", path=path, query={**query, "offset": str(offset)})
        page = _page(reply)
        if page is None:
            return reply
        fresh = {row_id: row for row in page if (row_id := reading.text(_facts(row).get("id"))) is not None}
        is_new = bool(fresh.keys() - seen.keys())
        is_readable = is_readable and len(fresh) == len(page)
        offset, pages = offset + len(page), pages + 1
        seen |= fresh
        total = reading.whole(reading.mapping(reply.object().get("meta")).get("total"))
        is_end = not page or (total is not None and offset >= total)
        is_found = wanted_id in fresh or (bool(wanted_ids) and wanted_ids <= seen.keys())
        is_long = total is not None and most_pages is not None and total > most_pages * len(page)
        if is_end or is_found or is_long or not is_new or pages >= (most_pages or _MOST_PAGES):
            rows, wanted = tuple(seen.values()), fresh.get(wanted_id or "")
            return _Swept(rows=rows, pages=pages, last=reply, is_whole=is_end and is_readable, wanted=wanted)


def _listed(wanted: Iterable[str], swept: _Swept | Reply) -> dict[str, TrackAnswer]:
    """What a list says of these runs; nothing of those that it lacks."""
    if isinstance(swept, Reply):
        return {}
    rows = {reading.text(_facts(row).get("id")): row for row in swept.rows}
    return {
        run_id: Observed(provider_status="running", progress=_stuck(rows[run_id], swept.last))
        for run_id in wanted
        if run_id in rows
    }


def _of_template(
    template_id: str, missing: Mapping[str, Launch], *, readings: int
) -> Generator[Call, Reply, dict[str, TrackAnswer]]:
    """What the list of one template says of these runs of it: one that so many readings to the end lack has left it."""
    answers: dict[str, TrackAnswer] = {}
    for _ in range(readings):
        unseen = frozenset(missing.keys() - answers.keys())
        if not unseen:
            return answers
        swept = yield from _sweep("/v1/workflows", {"templateId": template_id}, wanted_ids=unseen)
        if isinstance(swept, Reply):
            return answers | dict.fromkeys(unseen, _trouble(swept, is_change=False))
        answers |= _listed(unseen, swept)
        if not swept.is_whole:
            unread = Unreachable(is_possibly_applied=False, detail=_NOT_WHOLE)
            return dict[str, TrackAnswer].fromkeys(unseen, unread) | answers
    return {run_id: _vanished(launch) for run_id, launch in missing.items()} | answers


def _vanished(launch: Launch) -> TrackAnswer:
    if launch.is_cancel_sent:
        return Completed(outcome=Outcome.CANCELLED)
    if launch.provider_status is None and launch.looks < _LOOKS_BEFORE_BELIEVED:
        return Observed()
    return Completed(outcome=Outcome.ENDED)


def _stuck(row: Mapping[str, Json], reply: Reply) -> str | None:
    """Bitrix24's own sign of a stuck process, told by the reply's clock: it has been worked on for over five minutes."""
    try:
        owned_until = datetime.fromisoformat(reading.text(_facts(row).get("owneduntil")) or "")
        is_stuck = parsedate_to_datetime(reply.headers.get("date", "")) - owned_until > _STUCK_AFTER
    except (OverflowError, TypeError, ValueError):
        return None
    return f"perhaps stuck: one step holds it since before {owned_until.isoformat()}" if is_stuck else None


def _other_trouble(reply: Reply) -> Trouble | None:
    """What kept a read from deciding on a scope; None where it was granted, or refused for the scope."""
    trouble = None if _page(reply) is not None else _trouble(reply, is_change=False)
    return None if isinstance(trouble, Unauthorised) and trouble.scope else trouble


def _read_scope(scope: str, reply: Reply, listed: tuple[Json, ...]) -> ScopeSeen:
    """What a real read says of a scope."""
    if _page(reply) is not None:
        return _seen(scope, is_held=True)
    trouble = _trouble(reply, is_change=False)
    is_denied = isinstance(trouble, Unauthorised) and trouble.scope is not None
    code = None if isinstance(trouble, Unreachable) else trouble.code
    return _seen(scope, is_held=False if is_denied else None, code=code, is_listed=scope in listed)


def _identity(facts: Mapping[str, Json]) -> str | None:
    user_id = _user_id(facts)
    return None if user_id is None else f"Bitrix24 user {user_id}"


def _user_id(facts: Mapping[str, Json]) -> str | None:
    """Of an app key with a session (third party); what personal keys are told is not known."""
    return reading.text(reading.mapping(facts.get("currentUser")).get("bitrixUserId"))


# --- the look-up of a lost start --------------------------------------------------------------------------------------------


def _running(template_id: str) -> Generator[Call, Reply, dict[str, Mapping[str, Json]] | Trouble]:
    """Running instances of a template by id. A list of several pages is read twice, as a row can slip between them."""
    found: dict[str, Mapping[str, Json]] = {}
    for _ in range(2):
        swept = yield from _sweep("/v1/workflows", {"templateId": template_id})
        if isinstance(swept, Reply):
            return _trouble(swept, is_change=False)
        if not swept.is_whole:
            return Unreachable(is_possibly_applied=False, detail=_NOT_WHOLE)
        found |= {run_id: row for row in swept.rows if (run_id := reading.text(_facts(row).get("id"))) is not None}
        if swept.pages == 1:
            break
    return found


def _fit(row: Mapping[str, Json], launch: Launch) -> finding.Fit:
    """Template, record and time; the list was asked for by template, so one that is not told is no objection."""
    is_other = finding.is_same(reading.text(row.get("templateid")), launch.workflow_id) is False
    if is_other or launch.sent_at is None:
        return False
    return finding.all_fit(
        finding.is_same(_document(row), _own_document(launch)), finding.is_near(row.get("started"), launch.sent_at)
    )


def _document(row: Mapping[str, Json]) -> str | None:
    """``DEAL_5141``, also out of ``["crm", "CCrmDocumentDeal", "DEAL_5141"]``."""
    value = row.get("documentid")
    parts = reading.items(value)
    return (reading.text(parts[-1] if parts else value) or "").upper() or None


def _own_document(launch: Launch) -> str | None:
    record = _record(launch)
    return None if record is None else f"{ENTITY_TYPES[record[0]]}_{record[1]}"


def _own_user_id() -> Generator[Call, Reply, str | Busy | Unreachable | None]:
    """The key's user in the portal; None where it is not told."""
    reply = yield Call(method="GET", path="/v1/me")
    if reading.is_success(reply):
        return _user_id(reading.mapping(reply.object().get("data")))
    trouble = _trouble(reply, is_change=False)
    return trouble if isinstance(trouble, Busy | Unreachable) else None


def _is_by(row: Mapping[str, Json], user_id: str | None) -> finding.Fit:
    starter = reading.text(row.get("startedby"))
    return starter != _SYSTEM if user_id is None else finding.is_same(starter, user_id)


def _candidate(run_id: str, row: Mapping[str, Json]) -> Candidate:
    return Candidate(run_id=run_id, provider_status="running", started_at=reading.told(row.get("started"), 80))


def _confirmed(run_id: str, row: Mapping[str, Json], launch: Launch) -> ConfirmAnswer:
    if finding.is_same(reading.text(row.get("templateid")), launch.workflow_id) is False:
        return Denied(meaning=_OTHER_TEMPLATE)
    if finding.is_same(_document(row), _own_document(launch)) is False:
        return Denied(meaning=_OTHER_RECORD)
    return Confirmed(run_id=run_id, provider_status="running")


# --- templates: neither path nor spelling could be tried, so both are read with tolerance -------------------------------------


def _templates(connection: Connection) -> Generator[Call, Reply, _Swept | Unsupported | Trouble]:
    swept = yield from _sweep(_options(connection).templates_path, {"limit": _TEMPLATES_AT_ONCE})
    if isinstance(swept, Reply) and swept.status == _NOT_FOUND:
        swept = yield from _sweep(_OTHER_TEMPLATES_PATH, {"limit": _TEMPLATES_AT_ONCE})
    if isinstance(swept, _Swept):
        return swept
    answer = _trouble(swept, is_change=False)
    return _NO_TEMPLATES if isinstance(answer, Unauthorised) and answer.code == "OAUTH_REQUIRED" else answer


def _records(rows: list[Mapping[str, Json]], kind: str) -> tuple[FoundRecord, ...]:
    """Each record once, with a name to know it by."""
    named = ((_positive(_facts(row).get("id")), row) for row in rows)
    known = {str(record_id): row for record_id, row in named if record_id is not None}
    titles = ((record_id, _record_title(row, kind)) for record_id, row in known.items())
    found = (FoundRecord(record_id=one, title=title or f"{kind.capitalize()} {one}") for one, title in titles)
    return tuple(found)[:_RECORDS_AT_ONCE]


def _record_title(row: Mapping[str, Json], kind: str) -> str:
    facts = _facts(row)
    parts = (reading.told(facts.get(field.lower()), 200) for field in _NAMED_BY[kind])
    return " ".join(part for part in parts if part)


def _facts(row: Mapping[str, Json]) -> Mapping[str, Json]:
    """A row by names without case and underscore: ``DOCUMENT_TYPE`` is ``documentType``."""
    return {name.replace("_", "").lower(): value for name, value in row.items()}


def _workflow(row: Mapping[str, Json]) -> Workflow | None:
    facts = _facts(row)
    template_id = reading.text(facts.get("id"))
    if template_id is None:
        return None
    kinds = {document: kind for kind, document in ENTITY_TYPES.items()}
    kind = kinds.get(_document_type(facts) or "")
    parameters = _parameters(facts.get("parameters"))
    inputs = tuple(_spec(code, parts) for code, parts in (parameters or {}).items() if _is_givable(code, parts))
    return Workflow(
        workflow_id=template_id,
        name=_words(facts.get("name")),
        inputs=None if parameters is None else inputs,
        obstacle=_obstacle(facts, parameters or NOTHING),
        extras={} if kind is None else {"entity_type": kind},
    )


def _document_type(facts: Mapping[str, Json]) -> str | None:
    """``DEAL``, also out of ``["crm", "CCrmDocumentDeal", "DEAL"]``."""
    value = facts.get("documenttype")
    parts = reading.items(value)
    return (reading.text(parts[-1] if parts else value) or "").upper() or None


def _obstacle(facts: Mapping[str, Json], parameters: Mapping[str, Mapping[str, Json]]) -> str | None:
    """Why the start call cannot start this template: it takes four kinds of CRM record and no files."""
    module, document_type = reading.text(facts.get("moduleid")), _document_type(facts)
    if module is not None and module.lower() != "crm":
        return f"It belongs to Bitrix24's module {module}; only workflows on CRM records can be started."
    if document_type is not None and document_type not in ENTITY_TYPES.values():
        return f"It runs on {document_type}; only deals, leads, contacts and companies can be started on."
    for code, parts in parameters.items():
        if _is_yes(parts.get("required")) and not _is_givable(code, parts):
            return f"It needs {code}, which cannot be given from here."
    return None


def _parameters(value: Json) -> Mapping[str, Mapping[str, Json]] | None:
    """Native PARAMETERS, each with its properties; None when the row does not tell. PHP writes an empty map as ``[]``."""
    if value == []:
        return NOTHING
    if not isinstance(value, dict):
        return None
    return {code: _facts(reading.mapping(parts)) for code, parts in reading.mapping(value).items() if reading.text(code) == code}


def _is_givable(code: str, parts: Mapping[str, Json]) -> bool:
    """False for files, and for names that already mean the record."""
    return code not in {"entityType", "entityId"} and reading.text(parts.get("type")) != "file"


def _is_yes(value: Json) -> bool:
    """Robots write ``Y``, tasks booleans, PHP numbers as text (b24restdocs)."""
    return value is True or (reading.text(value) or "").lower() in {"y", "1", "true", "yes"}


def _words(value: Json) -> str | None:
    """A text, also out of a map from language to text."""
    by_language = reading.mapping(value)
    return reading.told(by_language.get("en") or next(iter(by_language.values()), None) if by_language else value)


def _choices(value: Json) -> Mapping[str, str]:
    """Option key → label. PHP writes a map whose keys count from 0 as a list: the key is then the place in it."""
    listed = {str(place): label for place, label in enumerate(reading.items(value))}
    pairs = (listed or reading.mapping(value)).items()
    return {key: reading.told(label, 80) or key for key, label in pairs if reading.text(key) == key}


def _spec(code: str, parts: Mapping[str, Json]) -> InputSpec:
    native = (reading.text(parts.get("type")) or "").lower()
    choices = _choices(parts.get("options") if native == "select" else None)
    type_ = _TYPES.get(native, InputType.TEXT) if native != "select" or choices else InputType.TEXT
    is_many = _is_yes(parts.get("multiple"))
    is_choice = type_ is InputType.CHOICE
    spec = InputSpec(
        name=code,
        type=InputType.MULTI_CHOICE if is_choice and is_many else type_,
        required=_is_yes(parts.get("required")),
        label=_words(parts.get("name")),
        hint=_hint(native, choices, _words(parts.get("description"))),
        default=None if is_many else _default(parts.get("default"), type_, choices),
        options=tuple(choices),
        many=is_many and not is_choice,
    )
    return spec if is_valid_default(spec) else replace(spec, default=None)


def _hint(native: str, choices: Mapping[str, str], description: str | None) -> str | None:
    labels = ", ".join(f"{key}: {label}" for key, label in choices.items() if label != key)
    unknown = f"of Bitrix24's type {native}" if native not in {*_TYPES, "string", "phone", "user", ""} else None
    user = "a Bitrix24 user, such as user_14" if native == "user" else None
    return reading.told("; ".join(part for part in (description, labels, user, unknown) if part))


def _default(value: Json, type_: InputType, choices: Mapping[str, str]) -> Json:
    written = str(value) if isinstance(value, bool | Decimal) else reading.text(value)
    if written is None:
        return None
    match type_:
        case InputType.BOOLEAN:
            return _is_yes(value)
        case InputType.INTEGER:
            return reading.whole(written)
        case InputType.DECIMAL:
            return _decimal(written)
        case InputType.CHOICE:
            return written if written in choices else None
        case _:
            return written


def _decimal(written: str) -> Decimal | None:
    try:
        number = Decimal(written)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


PROVIDER = Bitrix24()
