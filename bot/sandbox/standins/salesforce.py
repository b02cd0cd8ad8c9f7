"""Stand-in for Salesforce flows as invocable actions, written from the reference (seed 002, providers/salesforce.md).

A start is synchronous: the answer comes when the flow has ended, and a client that leaves does not stop it. Only a paused
or failed interview leaves a row that can be read. *Why* a faulting flow answers 400: two unrelated public clients saw it
so; the documents do not say. *Why* ``Escalate_to_Case`` also takes a ``RequestId``: it writes it to its Case, the
convention for finding a lost answer.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import NAMESPACE_URL, uuid5

from bot.domain.model import Json
from bot.domain.provider import Reply
from bot.sandbox.standins import _soql
from bot.sandbox.standins._house import Incoming, RefusedError, Route, Run, StandIn, World
from bot.sandbox.standins._listing import Listed
from bot.sandbox.standins._plain import FORM_TYPE, JSON_TYPE, as_object, as_objects, json_reply, wait_headers
from bot.sandbox.standins._salesforce_org import (
    COLUMNS,
    FLOWS,
    Flow,
    case_row,
    definition_row,
    interview_row,
    look,
    outputs,
    result,
    stage,
)

CLIENT_ID = "made-up-salesforce-consumer-key"
CLIENT_SECRET = "made-up-salesforce-secret"  # noqa: S105 - made up, good for nothing
ACCESS_TOKEN = "made-up-salesforce-given-token"  # noqa: S105 - made up, good for nothing
"""Taken beside the tokens of a login, for connections that bring their own."""
SESSION_S = 7200
VERSIONS = frozenset({"v64.0", "v65.0", "v66.0"})
DAILY_CALLS = 15_000
API, RUN_FLOWS = "api", "Run Flows"
ACTIONS = "/services/data/{version}/actions/custom/flow"
ANSWERS_AFTER = {"finished": 1.0, "fault": 0.5, "waiting": 0.25, "waiting_fault": 0.25}
"""The share of a run's time after which the start is answered, by how the flow ends."""

TROUBLES = {
    403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    405: ("METHOD_NOT_ALLOWED", "HTTP Method not allowed."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json."),
    429: ("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
    500: ("UNKNOWN_EXCEPTION", "An unexpected error occurred."),
    503: ("SERVER_UNAVAILABLE", "The server is temporarily unavailable."),
}
SCOPE_TEXT = (
    "This session is not valid for use with the specified REST API endpoint. "
    "One of the following scopes is required: Manage user data via APIs, Full access"
)


@dataclass
class Memory:
    """Live sessions (token → when it began), interviews that have ended for sure, and calls counted against the day's limit."""

    sessions: dict[str, float] = field(default_factory=dict[str, float])
    ended: set[str] = field(default_factory=set[str])
    calls: int = 0


class SalesforceStandIn(StandIn):
    """An org with five flows.

    Switches: ``bare_object`` (one result instead of a list) and ``odd_status_key`` (one underscore), as the seed prints them.
    """

    name = "salesforce"
    scopes = (API, RUN_FLOWS)
    switch_names = ("bare_object", "odd_status_key")

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.memory = Memory()

    def environment(self) -> dict[str, str]:
        """Address and consumer key of a made-up external client app."""
        return {"SALESFORCE_URL": self.base_url, "SF_CLIENT_ID": CLIENT_ID, "SF_CLIENT_SECRET": CLIENT_SECRET}

    def routes(self) -> tuple[Route, ...]:
        """The operations of the OpenAPI file."""
        return (
            Route("POST", "/services/oauth2/token", "login", self._token),
            Route("GET", ACTIONS, "catalogue", self._list),
            Route("GET", f"{ACTIONS}/{{flow}}", "describe", self._describe),
            Route("POST", f"{ACTIONS}/{{flow}}", "start", self._start),
            Route("GET", "/services/data/{version}/query", "track", self._query),
            Route("GET", "/services/data/{version}/limits", "probe", self._limits),
            Route("DELETE", "/services/data/{version}/sobjects/FlowInterview/{id}", "cancel", self._delete),
        )

    def workflows(self) -> tuple[Listed, ...]:
        """The flows."""
        return tuple(map(look, FLOWS.values()))

    def status_of(self, run: Run, now: float) -> str:
        """Where the interview stands."""
        return stage(run, now)

    def verb_of(self, asked: Incoming) -> str:
        """A query for the org's flows follows no run: somebody compares rights."""
        verb = super().verb_of(asked)
        return "probe" if verb == "track" and "FlowDefinitionView" in asked.query.get("q", "") else verb

    async def answer(self, asked: Incoming) -> Reply:
        """Serve, and tell how many calls of the day are used up."""
        self.memory.calls += 1
        reply = await super().answer(asked)
        usage = {"sforce-limit-info": f"api-usage={self.memory.calls}/{DAILY_CALLS}"}
        return replace(reply, headers={**reply.headers, **usage})

    # --- errors

    def trouble(self, status: int, retry_after_s: float | None = None) -> Reply:
        """The platform's list of errors; 403 is the day's limit, which has no ``Retry-After``."""
        code, message = TROUBLES.get(status, TROUBLES[500])
        return failure(status, code, message, **wait_headers(retry_after_s))

    def expired(self, asked: Incoming) -> Reply:
        """Forget every session that a login brought."""
        del asked
        self.memory.sessions.clear()
        return failure(401, "INVALID_SESSION_ID", "Session expired or invalid")

    def refusal(self, scope: str) -> Reply:
        """Insufficient access; a missing OAuth scope reads as an invalid session instead (``_enter``)."""
        return failure(403, "INSUFFICIENT_ACCESS", f"insufficient access rights: {scope}")

    # --- session

    def _token(self, asked: Incoming) -> Reply:
        form = asked.form()
        if asked.content_type != FORM_TYPE or form.get("grant_type") != "client_credentials":
            return oauth_error("unsupported_grant_type", "grant type not supported")
        given = _basic(asked.headers.get("authorization", "")) or (form.get("client_id"), form.get("client_secret"))
        if given[0] != CLIENT_ID:
            return oauth_error("invalid_client_id", "client identifier invalid")
        if given[1] != CLIENT_SECRET:
            return oauth_error("invalid_client", "invalid client credentials")
        token = f"made-up-salesforce-session-{self.memory.calls}"
        self.memory.sessions[token] = asked.at
        body = {"access_token": token, "signature": "made-up", "scope": "api", "instance_url": self.base_url}
        identity = "https://login.salesforce.com/id/00Dxx0000001gPLEAY/005xx000001SwiUAAS"
        return json_reply(200, body | {"id": identity, "token_type": "Bearer", "issued_at": str(int(asked.at * 1000))})

    def _enter(self, asked: Incoming) -> None:
        header = asked.headers.get("authorization")
        kind, _, token = (header or "").partition(" ")
        if header is not None and kind.lower() not in {"bearer", "oauth"}:
            raise RefusedError(failure(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"))
        began = self.memory.sessions.get(token)
        is_alive = token == ACCESS_TOKEN or (began is not None and asked.at - began < SESSION_S)
        if not is_alive:
            raise RefusedError(failure(401, "INVALID_SESSION_ID", "Session expired or invalid"))
        if not self.holds(API):
            raise RefusedError(failure(401, "INVALID_SESSION_ID", SCOPE_TEXT))
        if asked.parts["version"] not in VERSIONS:
            raise RefusedError(self.trouble(404))

    def _flow(self, name: str) -> Flow:
        """Unknown, inactive and not permitted look alike (MAS, issue 141)."""
        flow = FLOWS.get(name)
        if flow is None or not flow.is_active or not self._may_run(name):
            raise RefusedError(self.trouble(404))
        return flow

    def _may_run(self, name: str) -> bool:
        return self.holds(RUN_FLOWS, name)

    # --- actions

    def _list(self, asked: Incoming) -> Reply:
        self._enter(asked)
        here = f"/services/data/{asked.parts['version']}/actions/custom/flow"
        flows = [each for each in FLOWS.values() if each.is_active and self._may_run(each.name)]
        actions = [{"label": each.label, "name": each.name, "type": "FLOW", "url": f"{here}/{each.name}"} for each in flows]
        return json_reply(200, {"actions": actions})

    def _describe(self, asked: Incoming) -> Reply:
        self._enter(asked)
        return json_reply(200, self._flow(asked.parts["flow"]).shown())

    async def _start(self, asked: Incoming) -> Reply:
        self._enter(asked)
        flow = self._flow(asked.parts["flow"])
        if asked.content_type != JSON_TYPE:
            return self.trouble(415)
        rows = _rows(asked)
        for row in rows:
            _check(flow, row)
        runs = [self._interview(asked, flow, row) for row in rows]
        await self.world.sleep(self.world.run_s * ANSWERS_AFTER[flow.ending])
        if not asked.late_s:
            self.memory.ended |= {run.run_id for run in runs if flow.ending == "finished"}
        return self._results(flow, runs)

    def _interview(self, asked: Incoming, flow: Flow, row: Mapping[str, Json]) -> Run:
        facts = {"workflow_id": flow.name, "version": "1", "inputs": row, "key": row.get("RequestId")}
        return self.begin(asked, run_id=self.new_run_id(), **facts)

    def _results(self, flow: Flow, runs: list[Run]) -> Reply:
        status_key = "Flow_InterviewStatus" if self.switches["odd_status_key"] else "Flow__InterviewStatus"
        words = {"finished": "Finished", "fault": "Error"}
        results = [
            result(flow, outputs(flow, run) | {"Flow__InterviewGuid": run.run_id, status_key: words.get(flow.ending, "Waiting")})
            for run in runs
        ]
        is_bare = self.switches["bare_object"] and len(results) == 1
        return json_reply(400 if flow.ending == "fault" else 200, results[0] if is_bare else results)

    # --- query

    def _query(self, asked: Incoming) -> Reply:
        self._enter(asked)
        try:
            query = _soql.read(asked.query.get("q", ""))
            rows = self._table(query.table, asked.at)
            found = _soql.select(query, COLUMNS[query.table.lower()], rows)
        except _soql.QueryError as error:
            return failure(400, error.code, str(error))
        records = [{"attributes": {"type": query.table}} | row for row in found]
        return json_reply(200, {"totalSize": len(records), "done": True, "records": records})

    def _table(self, table: str, now: float) -> list[dict[str, Json]]:
        runs = self.ledger.seen(now)
        match table.lower():
            case "flowinterview" if self.holds(RUN_FLOWS):
                return [row for row in (interview_row(run, now) for run in runs) if row is not None]
            case "flowdefinitionview":
                return [definition_row(each) for each in FLOWS.values()]
            case "case":
                return [case_row(run) for run in runs if self._has_case(run, now)]
            case _:
                raise _soql.QueryError("INVALID_TYPE", f"sObject type '{table}' is not supported.")

    def _has_case(self, run: Run, now: float) -> bool:
        """The Case is committed with the flow, not before."""
        has_output = bool(FLOWS[run.workflow_id].outputs)
        return has_output and (run.run_id in self.memory.ended or run.progress(now) >= 1)

    def _limits(self, asked: Incoming) -> Reply:
        self._enter(asked)
        return json_reply(200, {"DailyApiRequests": {"Max": DAILY_CALLS, "Remaining": DAILY_CALLS - self.memory.calls}})

    def _delete(self, asked: Incoming) -> Reply:
        """Needs Manage Flow, which nobody should give the bot (salesforce.md, section 2)."""
        self._enter(asked)
        return self.refusal("Manage Flow")

    def new_run_id(self) -> str:
        """An interview's GUID: hexadecimal, with a dash before its end."""
        number = self.count() + 1
        return f"{uuid5(NAMESPACE_URL, f'interview-{number}').hex}-{number:04x}"


def failure(status: int, code: str, message: str, **headers: str) -> Reply:
    """The platform's list of one error."""
    return json_reply(status, [{"message": message, "errorCode": code}], **headers)


def oauth_error(error: str, description: str) -> Reply:
    """The OAuth endpoint's own shape."""
    return json_reply(400, {"error": error, "error_description": description})


def _basic(header: str) -> tuple[str, str] | None:
    kind, _, given = header.partition(" ")
    if kind.lower() != "basic":
        return None
    name, _, secret = base64.b64decode(given + "==").decode(errors="replace").partition(":")
    return name, secret


def _rows(asked: Incoming) -> list[Mapping[str, Json]]:
    if as_object(asked.json()) is None:
        raise RefusedError(failure(400, "JSON_PARSER_ERROR", "Unexpected character at [line:1, column:3]"))
    rows = as_objects(asked.object().get("inputs"))
    if rows is None:
        raise RefusedError(failure(400, "JSON_PARSER_ERROR", "inputs must be a list of objects"))
    return rows


def _check(flow: Flow, row: Mapping[str, Json]) -> None:
    known = {each.name: each for each in flow.inputs}
    for name, value in row.items():
        if name not in known:
            raise RefusedError(_invalid(flow, f"The flow has no input variable {name}"))
        if value is not None and not known[name].takes(value):
            raise RefusedError(_invalid(flow, f"Invalid value for input variable {name}"))
    for name, variable in known.items():
        if variable.is_required and row.get(name) is None:
            raise RefusedError(_invalid(flow, f"Missing required input parameter: {name}"))


def _invalid(flow: Flow, message: str) -> Reply:
    error: Json = {"statusCode": "INVALID_API_INPUT", "message": message, "fields": []}
    return json_reply(400, [{"actionName": flow.name, "errors": [error], "isSuccess": False, "outputValues": None}])
