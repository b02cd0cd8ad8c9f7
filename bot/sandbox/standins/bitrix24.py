"""Stand-in for Bitrix24 through the Vibecode REST API, written from the reference (seed 001, providers/bitrix24.md).

It has the habits that hurt: unknown fields are dropped without a word, a finished run leaves the list and nothing tells
how it went, a personal key cannot read templates, ``/v1/me`` lists scopes that do not work. *Why* missing template
parameters are accepted: the server's behaviour is not verified, and the seed's own example starts a template without any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.domain.model import NOTHING, Json
from bot.domain.provider import Reply
from bot.sandbox.standins._house import Incoming, RefusedError, Route, Run, StandIn
from bot.sandbox.standins._listing import Listed, ListedInput
from bot.sandbox.standins._plain import JSON_TYPE, as_object, is_number, is_text, is_whole, json_reply, stamp, wait_headers, whole

API_KEY = "vibe_api_made_up_personal_key"
APP_KEY = "vibe_app_made_up_app_key"
MANAGEMENT_KEY = "vibe_live_made_up_management_key"
SESSION = "vibe_session_made_up"
OWNER_ID = "1"
"""The key owner's user id in the portal: ``STARTED_BY`` of what the key starts."""
PAGE = 50
RECORDS = 9_999
"""The portal has this many deals, leads, contacts and companies each, with ids from 1."""
FIRST_ID = 0x69F0C2D5ADE389
DATE = "%Y-%m-%dT%H:%M:%S+00:00"
ENTITY_CLASSES = {"deal": "CCrmDocumentDeal", "lead": "CCrmDocumentLead", "contact": "CCrmDocumentContact"} | {
    "company": "CCrmDocumentCompany"
}
PLURALS = {"deals": "deal", "leads": "lead", "contacts": "contact", "companies": "company"}
SOFT_STOP_SHARE = 0.1
MISSING_PARAMS = 'Required: templateId (number), entityType ("deal"|"lead"|"contact"|"company"), entityId (number)'

PARAMETER_TYPES: Mapping[str, Callable[[Json], bool]] = {
    "string": is_text,
    "text": is_text,
    "int": is_whole,
    "double": is_number,
    "bool": lambda value: value in {"Y", "N"} if is_text(value) else False,
    "date": is_text,
    "select": is_text,
    "user": is_text,
}


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One template parameter. ``options`` are the keys of a select."""

    name: str
    type: str
    is_required: bool = False
    options: Mapping[str, str] = NOTHING

    def takes(self, value: Json) -> bool:
        """True when a value fits."""
        return PARAMETER_TYPES[self.type](value) and (not self.options or value in self.options)

    def shown(self) -> dict[str, Json]:
        """As the template list shows it: numbers as text, options as an object."""
        options = dict(self.options) or None
        required = "1" if self.is_required else "0"
        return {"Name": self.name, "Type": self.type, "Required": required, "Multiple": "0", "Default": "", "Options": options}


@dataclass(frozen=True, kw_only=True)
class Template:
    """A workflow template for one kind of record. ``takes_no_time``: it is over before anybody can look."""

    template_id: int
    name: str
    entity_type: str
    parameters: tuple[Parameter, ...] = ()
    takes_no_time: bool = False


TEMPLATES = {
    each.template_id: each
    for each in (
        Template(
            template_id=713,
            name="Contract approval",
            entity_type="deal",
            parameters=(
                Parameter(name="Amount", type="double", is_required=True),
                Parameter(name="Kind", type="select", options={"std": "Standard", "rush": "Rush"}),
                Parameter(name="Urgent", type="bool"),
                Parameter(name="Approver", type="user"),
            ),
        ),
        Template(template_id=714, name="Lead qualification", entity_type="lead"),
        Template(template_id=715, name="Stamp deal", entity_type="deal", takes_no_time=True),
        Template(
            template_id=716,
            name="Company onboarding",
            entity_type="company",
            parameters=(Parameter(name="Comment", type="text"), Parameter(name="Days", type="int")),
        ),
    )
}

TROUBLES = {
    401: ("INVALID_API_KEY", "Invalid or expired API key"),
    403: ("BITRIX_ACCESS_DENIED", "Bitrix24 denied access"),
    404: ("ENTITY_NOT_FOUND", "Entity not found"),
    405: ("METHOD_NOT_ALLOWED", "Method not allowed"),
    429: ("RATE_LIMITED", "QUERY_LIMIT_EXCEEDED"),
    500: ("INTERNAL_ERROR", "Internal server error"),
    502: ("BITRIX_UNAVAILABLE", "Bitrix24 is unavailable"),
    504: ("QUEUE_TIMEOUT", "The request waited too long"),
}


class Bitrix24StandIn(StandIn):
    """A portal with four templates.

    Switches: ``scope_added_later`` (``/v1/me`` lists scopes that the key cannot use yet), ``lists_lost_scopes`` (it lists all of
    them, also what was taken from the key) and ``read_only_key``.
    """

    name = "bitrix24"
    scopes = ("bizproc", "crm")
    switch_names = ("scope_added_later", "lists_lost_scopes", "read_only_key")

    def environment(self) -> dict[str, str]:
        """Address and a made-up personal key."""
        return {"BITRIX24_URL": self.base_url, "BITRIX24_API_KEY": API_KEY}

    def routes(self) -> tuple[Route, ...]:
        """The calls of the reference; templates under both addresses that are named, as neither is verified."""
        return (
            Route("GET", "/v1/me", "probe", self._me),
            Route("POST", "/v1/workflows/start", "start", self._start),
            Route("GET", "/v1/workflows", "track", self._running),
            Route("DELETE", "/v1/workflows/{run_id}", "cancel", self._terminate),
            Route("GET", "/v1/bizproc-templates", "catalogue", self._templates),
            Route("GET", "/v1/entities/bizproc-templates", "catalogue", self._templates),
            Route("GET", "/v1/{records}", "other", self._records),
            Route("GET", "/v1/{records}/{record_id}", "other", self._record),
            Route("POST", "/v1/{records}/search", "other", self._search),
        )

    def workflows(self) -> tuple[Listed, ...]:
        """The templates."""
        return tuple(map(_look, TEMPLATES.values()))

    def status_of(self, run: Run, now: float) -> str:
        """A run that is over is in no list, and nothing tells how it went."""
        return "running" if is_running(run, now) else "gone from the list"

    # --- errors

    def trouble(self, status: int, retry_after_s: float | None = None) -> Reply:
        """The envelope; a wait stands in the body and is mirrored in ``Retry-After`` (S6)."""
        code, message = TROUBLES.get(status, ("BITRIX_UNAVAILABLE", "Bitrix24 is unavailable"))
        wait = {} if retry_after_s is None else {"retryAfter": _plain_number(retry_after_s)}
        body = {"success": False, "error": {"code": code, "message": message} | wait}
        return json_reply(status, body, **wait_headers(retry_after_s))

    def expired(self, asked: Incoming) -> Reply:
        """A personal key expires as INVALID_API_KEY, a user session as TOKEN_EXPIRED."""
        if asked.headers.get("x-api-key") == APP_KEY:
            return failure(401, "TOKEN_EXPIRED", "The OAuth user session expired")
        return self.trouble(401)

    def refusal(self, scope: str) -> Reply:
        """The two meanings of 403: missing on the key, or there but frozen out of it."""
        if self.switches["scope_added_later"]:
            return self.trouble(403)
        return failure(403, "SCOPE_DENIED", f"The key is missing the {scope} scope")

    # --- who asks

    def _enter(self, asked: Incoming, scope: str | None) -> None:
        key = asked.headers.get("x-api-key")
        if key is None:
            raise RefusedError(failure(401, "MISSING_API_KEY", "The X-Api-Key header was not provided"))
        if key == MANAGEMENT_KEY:
            raise RefusedError(failure(403, "MANAGEMENT_KEY_NO_ENTITY_ACCESS", "A management key has no portal data"))
        if key not in {API_KEY, APP_KEY}:
            raise RefusedError(self.trouble(401))
        if key == APP_KEY:
            _check_session(asked.headers.get("authorization", ""))
        if self.switches["read_only_key"] and asked.method != "GET":
            raise RefusedError(failure(403, "WRITE_BLOCKED_READONLY_KEY", "The key is read-only"))
        if scope is not None:
            self.demand(scope)

    def _me(self, asked: Incoming) -> Reply:
        self._enter(asked, None)
        lists_all = self.switches["scope_added_later"] or self.switches["lists_lost_scopes"]
        listed = self.scopes if lists_all else sorted(self.held)
        key = asked.headers["x-api-key"]
        facts = {"type": "api_key", "keyPrefix": key[:9], "keySuffix": key[-4:], "expiresAt": None, "scopes": list(listed)}
        return success(200, facts | {"rateLimit": {"requestsPerSecond": 10}, "currentUser": {"bitrixUserId": int(OWNER_ID)}})

    # --- workflows

    def _start(self, asked: Incoming) -> Reply:
        self._enter(asked, "bizproc")
        sent = asked.object() if asked.content_type == JSON_TYPE else NOTHING
        template, record_id = _checked(sent)
        parameters = _parameters(template, sent.get("parameters"))
        lasts_s = 0.0 if template.takes_no_time else self.world.run_s
        run = self.begin(
            asked,
            run_id=self.new_run_id(),
            workflow_id=str(template.template_id),
            started_by=OWNER_ID,
            lasts_s=lasts_s,
            inputs={"entityType": template.entity_type, "entityId": record_id} | parameters,
        )
        return success(201, {"workflowId": run.run_id})

    def _running(self, asked: Incoming) -> Reply:
        self._enter(asked, "bizproc")
        rows = [run for run in self.ledger.seen(asked.at) if is_running(run, asked.at) and _fits(run, asked.query)]
        offset = whole(asked.query.get("offset"), 0)
        return success(200, [_row(run) for run in rows[offset : offset + PAGE]], {"total": len(rows)})

    def _terminate(self, asked: Incoming) -> Reply:
        self._enter(asked, "bizproc")
        run = self.ledger.find(asked.parts["run_id"], asked.at)
        if run is None or not is_running(run, asked.at):
            return failure(404, "ENTITY_NOT_FOUND", "Workflow not found")
        grace_s = 0.0 if asked.query.get("force") == "true" else SOFT_STOP_SHARE * run.lasts_s
        self.ledger.change(run.run_id, stopped_at=asked.at + grace_s)
        return Reply(status=204)

    def _templates(self, asked: Incoming) -> Reply:
        self._enter(asked, "bizproc")
        if asked.headers["x-api-key"] != APP_KEY:
            return failure(403, "OAUTH_REQUIRED", "This call needs an OAuth application key and a user session")
        return success(200, [_shown(each) for each in TEMPLATES.values()], {"total": len(TEMPLATES), "hasMore": False})

    # --- records

    def _records(self, asked: Incoming) -> Reply:
        entity_type = self._entity_type(asked)
        limit, offset = whole(asked.query.get("limit"), PAGE), whole(asked.query.get("offset"), 0)
        ids = range(offset + 1, min(offset + limit, RECORDS) + 1)
        shown = [RECORDS + 1 - each for each in ids] if asked.query.get("order[id]") == "desc" else list(ids)
        return success(200, [_record_of(entity_type, each) for each in shown], {"total": RECORDS, "hasMore": ids.stop <= RECORDS})

    def _search(self, asked: Incoming) -> Reply:
        """Filters on text by ``$contains``; any other filter is one that it does not know."""
        entity_type = self._entity_type(asked)
        sent = asked.object()
        filters = as_object(sent.get("filter")) or {}
        limit = whole(str(sent.get("limit", PAGE)), PAGE)
        if any(set(as_object(one) or {"": ""}) != {"$contains"} for one in filters.values()):
            return failure(400, "INVALID_FILTER", "Unknown filter")
        found = [row for each in range(1, RECORDS + 1) if _has(row := _record_of(entity_type, each), filters)]
        return success(200, found[:limit], {"total": len(found), "hasMore": len(found) > limit})

    def _record(self, asked: Incoming) -> Reply:
        entity_type = self._entity_type(asked)
        record_id = whole(asked.parts["record_id"], 0)
        if not 1 <= record_id <= RECORDS:
            return self.trouble(404)
        return success(200, _record_of(entity_type, record_id))

    def _entity_type(self, asked: Incoming) -> str:
        if asked.parts["records"] not in PLURALS:
            raise RefusedError(self.trouble(404))
        self._enter(asked, "crm")
        return PLURALS[asked.parts["records"]]

    def new_run_id(self) -> str:
        """Opaque, with a dot; the first is the seed's."""
        return f"{FIRST_ID + self.count():x}.22457798"


def _look(template: Template) -> Listed:
    inputs = tuple(ListedInput(name=one.name, type=one.type, is_required=one.is_required) for one in template.parameters)
    remark = f"on a {template.entity_type}" + ("; over before anybody can look" if template.takes_no_time else "")
    return Listed(workflow_id=str(template.template_id), name=template.name, inputs=inputs, remark=remark)


def success(status: int, data: Json, meta: Json = None) -> Reply:
    """The success envelope."""
    return json_reply(status, {"success": True, "data": data} | ({} if meta is None else {"meta": meta}))


def failure(status: int, code: str, message: str) -> Reply:
    """The error envelope."""
    return json_reply(status, {"success": False, "error": {"code": code, "message": message}})


def is_running(run: Run, now: float) -> bool:
    """True while the list shows it."""
    return run.progress(now) < 1 and (run.stopped_at is None or now < run.stopped_at)


def _plain_number(value: float) -> float:
    return int(value) if value == int(value) else value


def _check_session(authorization: str) -> None:
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer" or not token:
        raise RefusedError(failure(401, "TOKEN_MISSING", "The key has no connected Bitrix24 tokens"))
    if token == APP_KEY:
        raise RefusedError(failure(401, "INVALID_SESSION", "This is no session"))
    if token != SESSION:
        raise RefusedError(failure(401, "TOKEN_EXPIRED", "The OAuth user session expired — re-authorize"))


def _checked(sent: Mapping[str, Json]) -> tuple[Template, int]:
    template_id, entity_type, record_id = sent.get("templateId"), sent.get("entityType"), sent.get("entityId")
    if not is_whole(template_id) or not is_whole(record_id) or entity_type not in ENTITY_CLASSES:
        raise RefusedError(failure(400, "MISSING_PARAMS", MISSING_PARAMS))
    template = TEMPLATES.get(template_id)
    if template is None:
        raise RefusedError(failure(422, "BITRIX_ERROR", f"No template with id {template_id} was found"))
    if template.entity_type != entity_type or not 1 <= record_id <= RECORDS:
        raise RefusedError(failure(422, "BITRIX_ERROR", "Wrong document id"))
    return template, record_id


def _parameters(template: Template, sent: Json) -> dict[str, Json]:
    """What the template knows of what was sent; the rest is dropped without a word (T1)."""
    given = as_object({} if sent is None else sent)
    if given is None:
        raise RefusedError(failure(400, "MISSING_PARAMS", MISSING_PARAMS))
    known = {each.name: each for each in template.parameters if each.name in given}
    for name, parameter in known.items():
        if not parameter.takes(given[name]):
            raise RefusedError(failure(422, "BITRIX_ERROR", f"Wrong value of parameter {name}"))
    return {name: given[name] for name in known}


def _fits(run: Run, query: Mapping[str, str]) -> bool:
    is_wanted = query.get("templateId") in {None, run.workflow_id}
    return is_wanted and query.get("startedBy") in {None, run.started_by}


def _row(run: Run) -> dict[str, Json]:
    template = TEMPLATES[int(run.workflow_id)]
    record_id = run.inputs.get("entityId", 1)
    started = stamp(run.started_at, DATE)
    return {
        "ID": run.run_id,
        "MODIFIED": started,
        "OWNED_UNTIL": None,
        "MODULE_ID": "crm",
        "ENTITY": ENTITY_CLASSES[template.entity_type],
        "DOCUMENT_ID": f"{template.entity_type.upper()}_{record_id}",
        "STARTED": started,
        "STARTED_BY": run.started_by,
        "TEMPLATE_ID": run.workflow_id,
    }


def _shown(template: Template) -> dict[str, Json]:
    document = ["crm", ENTITY_CLASSES[template.entity_type], template.entity_type.upper()]
    parameters = {each.name: each.shown() for each in template.parameters}
    facts = {"id": template.template_id, "name": template.name, "moduleId": "crm", "documentType": document}
    return facts | {"parameters": parameters or []}


def _record_of(entity_type: str, record_id: int) -> dict[str, Json]:
    """A person by two names, anything else by its title."""
    if entity_type == "contact":
        return {"id": record_id, "name": "Contact", "lastName": f"No. {record_id}"}
    return {"id": record_id, "title": f"{entity_type.capitalize()} {record_id}"}


def _has(row: Mapping[str, Json], filters: Mapping[str, Json]) -> bool:
    return all(str(one["$contains"]).casefold() in str(row.get(name, "")).casefold() for name, one in filters.items())
