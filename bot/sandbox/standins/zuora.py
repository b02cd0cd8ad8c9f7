"""Stand-in for Zuora Workflow, written from the reference (seed 000, providers/zuora.md and the OpenAPI file beside it).

*Why* where the documents are silent (marked ``[U]`` there): the strict reading, so that a careless request is noticed.
The bodies of 401, 403, 422 and 429 under ``/workflows`` are printed nowhere: they have the general v1 shape. Only what
the run operation itself answered is kept under an idempotency key: a refused token or a fault of the network is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.domain.model import Json
from bot.domain.provider import Reply
from bot.sandbox.standins._house import Incoming, RefusedError, Route, Run, StandIn, World
from bot.sandbox.standins._listing import Listed
from bot.sandbox.standins._plain import FORM_TYPE, JSON_TYPE, as_object, json_reply, stamp, wait_headers, whole
from bot.sandbox.standins._zuora_tenant import (
    DATATYPES,
    DEFINITIONS,
    EARLIER_RUN,
    FIRST_RUN,
    RUN_DATE,
    Definition,
    Field,
    exported,
    fits,
    look,
    run_head,
    run_name,
    run_state,
    run_status,
    shown,
    task_rows,
    version,
)

CLIENT_ID = "5a9d3c1e-0000-4000-8000-6a6e67303131"
CLIENT_SECRET = "made-up-zuora-secret"  # noqa: S105 - made up, good for nothing
SESSION_S = 3599
KEY_KEPT_S = 24 * 3600
KEY_LIMIT = 255
TRACK_LIMIT = 64
PAGE_LIMIT = 50
RESERVED = frozenset({"controller", "action", "id", "user_email", "user_token", "format"})
ENTITIES = frozenset({"11e643f4-a3ee-8bad-b061-0025904c57d6", "11e643f4-a3ee-8bad-b061-0025904c57d7"})
ORGS = frozenset({"8ad09be4", "8ad09be5"})
VIEW, RUN, MANAGE = "Workflow View Access", "Workflow Run Access", "Workflow Manage Access"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The first answer under an idempotency key; before ``ready_at`` that first call is still in flight."""

    method: str
    path: str
    at: float
    ready_at: float
    reply: Reply


@dataclass
class Memory:
    """Live sessions (token → when it began) and kept answers (idempotency key → answer)."""

    sessions: dict[str, float] = field(default_factory=dict[str, float])
    kept: dict[str, Kept] = field(default_factory=dict[str, Kept])
    issued: int = 0


class ZuoraStandIn(StandIn):
    """A tenant with six workflows.

    Switches: ``replay_as_conflict`` (a repeated call gets 409 with the original answer), ``export_needs_manage``,
    ``multi_entity``, ``multi_org``.
    """

    name = "zuora"
    scopes = (RUN, VIEW)
    switch_names = (
        "replay_as_conflict",
        "export_needs_manage",
        "multi_entity",
        "multi_org",
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.memory = Memory()
        earlier = Run(run_id=str(EARLIER_RUN), provider="zuora", workflow_id="396", started_at=0.0, lasts_s=0.0)
        self.ledger.add(earlier, is_ours=False)

    def environment(self) -> dict[str, str]:
        """Address and OAuth client of a made-up API user."""
        return {"ZUORA_URL": self.base_url, "ZUORA_CLIENT_ID": CLIENT_ID, "ZUORA_CLIENT_SECRET": CLIENT_SECRET}

    def routes(self) -> tuple[Route, ...]:
        """The operations of the OpenAPI file, but for Data Query."""
        return (
            Route("POST", "/oauth/token", "login", self._token),
            Route("GET", "/workflows", "catalogue", self._list),
            Route("GET", "/workflows/tasks", "track", self._tasks),
            Route("GET", "/workflows/workflow_runs/{run_id}", "track", self._show),
            Route("PUT", "/workflows/workflow_runs/{run_id}/stop", "cancel", self._stop),
            Route("POST", "/workflows/0/run", "probe", self._run_nothing),
            Route("POST", "/workflows/{workflow_id}/run", "start", self._run),
            Route("GET", "/workflows/{workflow_id}/export", "describe", self._export),
            Route("GET", "/workflows/{workflow_id}/versions", "describe", self._versions),
            Route("GET", "/workflows/{workflow_id}", "describe", self._one),
        )

    def workflows(self) -> tuple[Listed, ...]:
        """The definitions."""
        return tuple(map(look, DEFINITIONS.values()))

    def status_of(self, run: Run, now: float) -> str:
        """A run's status."""
        return run_status(run, now)

    def verb_of(self, asked: Incoming) -> str:
        """A list of one is no look at the catalogue: somebody tries the credential."""
        verb = super().verb_of(asked)
        return "probe" if verb == "catalogue" and asked.query.get("page_length") == "1" else verb

    async def answer(self, asked: Incoming) -> Reply:
        """Serve, and add the headers that every answer has."""
        track_id = asked.headers.get("zuora-track-id")
        if track_id is not None and not is_track_id(track_id):
            return v1_error(400, 53000021, "Zuora-Track-Id is invalid.")
        reply = await super().answer(asked)
        self.memory.issued += 1
        extra = {"zuora-request-id": f"00000000-0000-4000-8000-{self.memory.issued:012d}"}
        echo = {} if track_id is None else {"zuora-track-id": track_id}
        return replace(reply, headers={**reply.headers, **extra, **echo})

    # --- errors

    def trouble(self, status: int, retry_after_s: float | None = None) -> Reply:
        """429 with its limits (the wait may stand in ``ratelimit-reset`` alone); 5xx in the v1 shape."""
        limits = {"ratelimit_limit": "50000;w=60", "ratelimit_remaining": "0", "ratelimit_reset": "2"}
        code, text = TROUBLES.get(status, (53000060, "Internal error. Please contact support."))
        limits = limits if status == 429 else {}  # noqa: PLR2004 - HTTP's own number
        return v1_error(status, code, text, **limits, **wait_headers(retry_after_s))

    def expired(self, asked: Incoming) -> Reply:
        """Forget every session."""
        del asked
        self.memory.sessions.clear()
        return v1_error(401, 90000011, "Authentication error")

    def refusal(self, scope: str) -> Reply:
        """Category 10 of the v1 codes: permission."""
        return v1_error(403, 53000010, f"You do not have permission to access this resource: {scope} is required.")

    # --- session

    def _token(self, asked: Incoming) -> Reply:
        if "authorization" in asked.headers:
            return v1_error(400, 90000021, "Send no Authorization header when you ask for a token.")
        if asked.content_type != FORM_TYPE:
            return v1_error(415, 90000045, "Content-Type must be application/x-www-form-urlencoded.")
        form = asked.form()
        if form.get("grant_type") != "client_credentials":
            return v1_error(400, 90000020, "grant_type must be client_credentials.")
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return v1_error(401, 90000011, "Authentication error")
        token = f"made-up-zuora-session-{self.memory.issued}"
        self.memory.sessions[token] = asked.at
        scope = "user.made-up entity.made-up service.echo.read tenant.19"
        body = {"access_token": token, "token_type": "bearer", "expires_in": SESSION_S, "scope": scope, "jti": "made-up"}
        return json_reply(200, body)

    def _enter(self, asked: Incoming, scope: str) -> None:
        """Check session, entity, organisation and permission, in this order."""
        kind, _, token = asked.headers.get("authorization", "").partition(" ")
        began = self.memory.sessions.get(token) if kind.lower() == "bearer" else None
        if began is None or asked.at - began >= SESSION_S:
            raise RefusedError(v1_error(401, 90000011, "Authentication error"))
        self._check_tenant(asked, "zuora-entity-ids", "multi_entity", ENTITIES)
        self._check_tenant(asked, "zuora-org-ids", "multi_org", ORGS)
        self.demand(scope)

    def _check_tenant(self, asked: Incoming, header: str, switch: str, known: frozenset[str]) -> None:
        """Seed 000: these headers are for tenants that have several entities or orgs; others should not set them."""
        given = asked.headers.get(header)
        if given is not None and not self.switches[switch]:
            raise RefusedError(v1_error(400, 53000045, f"{header} is set, but the tenant does not have this enabled."))
        if given is None and switch == "multi_entity" and self.switches[switch]:
            raise RefusedError(v1_error(400, 53000022, f"{header} is required."))
        if given is not None and not {each.strip() for each in given.split(",")} <= known:
            raise RefusedError(v1_error(403, 53000010, f"{header} names what the user has no access to."))

    # --- reads

    def _list(self, asked: Incoming) -> Reply:
        self._enter(asked, VIEW)
        page, length = whole(asked.query.get("page"), 1), min(whole(asked.query.get("page_length"), 20), PAGE_LIMIT)
        fitting = [each for each in DEFINITIONS.values() if fits(each, asked.query)]
        rows = fitting[(page - 1) * length : page * length]
        # The document's own sample names a host that need not be yours: so does this one.
        more = f"https://rest.zuora.com/workflows?page={page + 1}&page_length={length}"
        pagination = {"page": page, "page_length": length, "next_page": more if page * length < len(fitting) else None}
        return json_reply(200, {"data": [shown(each) for each in rows], "pagination": pagination})

    def _one(self, asked: Incoming) -> Reply:
        self._enter(asked, VIEW)
        return json_reply(200, shown(_definition(asked)))

    def _versions(self, asked: Incoming) -> Reply:
        self._enter(asked, VIEW)
        return json_reply(200, {"data": [version(_definition(asked))]})

    def _export(self, asked: Incoming) -> Reply:
        self._enter(asked, MANAGE if self.switches["export_needs_manage"] else VIEW)
        definition = _definition(asked)
        wanted = asked.query.get("version", "latest")
        if wanted != "latest" and not re.fullmatch(r"\d+\.\d+\.\d+", wanted):
            return errors(400, f"The input of version '{wanted}' is invalid.")
        if wanted not in {"latest", "0.0.1"}:
            return errors(404, f"Workflow version '{wanted}' is not found.", said=400)
        return json_reply(200, exported(definition))

    # --- runs

    def _run_nothing(self, asked: Incoming) -> Reply:
        """No workflow has this id. Which is looked at first, permission or id, is not verified: here, as everywhere, permission."""
        self._enter(asked, RUN)
        return errors(404, "Cannot find a workflow with id 0.")

    def _run(self, asked: Incoming) -> Reply:
        self._enter(asked, RUN)
        key = asked.headers.get("idempotency-key")
        if key is None:
            return self._launch(asked)
        if not key or len(key) > KEY_LIMIT:
            return v1_error(400, 53000021, "Idempotency-Key must have 1 to 255 characters.")
        kept = self.memory.kept.get(key)
        if kept is not None and asked.at - kept.at < KEY_KEPT_S:
            return self._again(kept, asked)
        reply = self._attempt(asked)
        self.memory.kept[key] = Kept(
            method=asked.method, path=asked.path, at=asked.at, ready_at=asked.at + asked.late_s, reply=reply
        )
        return reply

    def _attempt(self, asked: Incoming) -> Reply:
        try:
            return self._launch(asked)
        except RefusedError as refused:
            return refused.reply

    def _again(self, kept: Kept, asked: Incoming) -> Reply:
        """zuora.md section 9: the first answer is stored under the key for 24 hours, success or failure."""
        if (kept.method, kept.path) != (asked.method, asked.path):
            return v1_error(422, 53000030, "Idempotency-Key was used with another URL or method.")
        if asked.at < kept.ready_at:
            return v1_error(409, 53000050, "A request with this Idempotency-Key is still in progress.")
        return replace(kept.reply, status=409) if self.switches["replay_as_conflict"] else kept.reply

    def _launch(self, asked: Incoming) -> Reply:
        sent = _inputs(asked)
        number = asked.parts["workflow_id"]
        if number in self.ledger.ours or number in self.ledger.others:
            name = run_name(self.ledger.find(number, float("inf")))
            return errors(409, f"Workflow {name} with Id {number} is an instance/run.", said=406)
        definition = _definition(asked)
        _check_launchable(definition, sent)
        known = {each.callout_id for each in definition.fields}
        run = self.begin(
            asked,
            run_id=self.new_run_id(),
            workflow_id=number,
            version="0.0.1",
            key=asked.headers.get("idempotency-key") or asked.headers.get("zuora-track-id"),
            inputs={name: value for name, value in sent.items() if name in known},
        )
        return json_reply(200, run_head(run) | {"status": "Queued", "updatedAt": stamp(run.started_at, RUN_DATE)})

    def _find(self, asked: Incoming) -> Run:
        run = self.ledger.find(asked.parts["run_id"], asked.at)
        if run is None:
            raise RefusedError(errors(404, f"Cannot find a workflow run with id {asked.parts['run_id']}."))
        return run

    def _show(self, asked: Incoming) -> Reply:
        self._enter(asked, VIEW)
        run = self._find(asked)
        return json_reply(200, run_head(run) | run_state(run, asked.at))

    def _stop(self, asked: Incoming) -> Reply:
        """zuora.md section 7: needs View (sic); a run that is over cannot be stopped (its answer is not verified)."""
        self._enter(asked, VIEW)
        run = self._find(asked)
        if run_status(run, asked.at) not in {"Queued", "Processing", "Pending"}:
            return errors(400, "Only a workflow run that is processing can be stopped.")
        self.ledger.change(run.run_id, stopped_at=asked.at)
        return json_reply(200, {"success": True})

    def _tasks(self, asked: Incoming) -> Reply:
        self._enter(asked, VIEW)
        wanted = asked.query.get("workflow_id", "")
        run = self.ledger.find(wanted, asked.at) if asked.query.get("instance") == "true" else None
        rows = [] if run is None else task_rows(run, asked.at)
        return json_reply(200, {"data": rows, "pagination": {"page": 1, "page_length": 20, "next_page": None}})

    def new_run_id(self) -> str:
        """Counts on from the seed's."""
        return str(FIRST_RUN + self.count() - 1)


TROUBLES = {
    401: (90000011, "Authentication error"),
    403: (53000010, "You do not have permission to access this resource."),
    404: (53000040, "Cannot find the resource."),
    405: (53000045, "Method not allowed."),
    429: (53000070, "The request exceeded the rate limit."),
    503: (53000061, "The service is temporarily unavailable."),
}


def v1_error(status: int, code: int, message: str, **headers: str) -> Reply:
    """The general v1 body: six digits of place, two of category."""
    reasons = [{"code": code, "message": message}]
    return json_reply(status, {"success": False, "processId": "CBCFED6580B4E076", "reasons": reasons}, **headers)


def errors(status: int, title: str, *, said: int | None = None, **more: Json) -> Reply:
    """The body of the workflow operations; ``said`` is the status in the body where the document prints another one there."""
    return json_reply(status, {"errors": [{"status": said or status, "code": "invalid", "title": title}], **more})


def is_track_id(text: str) -> bool:
    """At most 64 characters of US-ASCII, none of colon, semicolon and quotes."""
    return len(text) <= TRACK_LIMIT and text.isascii() and not set(text) & set(":;\"'")


def _inputs(asked: Incoming) -> Mapping[str, Json]:
    if not asked.body:
        return {}
    if asked.content_type != JSON_TYPE:
        raise RefusedError(v1_error(415, 53000045, "Content-Type must be application/json."))
    inputs = as_object(asked.json())
    if inputs is None:
        raise RefusedError(v1_error(400, 53000090, "The body is no JSON object."))
    reserved = sorted(RESERVED & inputs.keys())
    if reserved:
        raise RefusedError(errors(400, f"The parameter '{reserved[0]}' is a reserved word."))
    return inputs


def _definition(asked: Incoming) -> Definition:
    number = asked.parts["workflow_id"]
    definition = DEFINITIONS.get(whole(number, -1))
    if definition is None:
        raise RefusedError(errors(404, f"Cannot find a workflow with id {number}."))
    return definition


def _check_launchable(definition: Definition, sent: Mapping[str, Json]) -> None:
    if not definition.has_callout:
        raise RefusedError(errors(400, "Callout mode is not turned on in this workflow."))
    if not definition.is_active:
        raise RefusedError(errors(400, f"Workflow {definition.workflow_id} is not active."))
    for each in definition.fields:
        value = sent.get(each.callout_id)
        if value is None or value == "":
            _check_present(each, sent)
        elif not DATATYPES[each.datatype](value):
            raise RefusedError(errors(400, f"Parameter '{each.callout_id}' is not of type {each.datatype}."))


def _check_present(each: Field, sent: Mapping[str, Json]) -> None:
    if each.is_required:
        place, name = each.field_name or each.callout_id, each.callout_id
        title = f"Required field for Workflow-{place} does not have a set value. Ensure parameter '{name}' is present."
        raise RefusedError(errors(406, title, parameters={"workflow": dict(sent)}))
