"""Stand-in for Domo Workflows, written from the reference (seed 003, providers/domo.md).

Only start, cancel and setting permissions are documented; the reads are those that Domo's own page makes. Error bodies
are printed nowhere but for the trace id ``toe`` in a 404. *Why* names and types are checked to the letter: the guides say
that they must match.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.domain.model import NOTHING, Json
from bot.domain.provider import Reply
from bot.sandbox.standins._house import Incoming, RefusedError, Route, Run, StandIn
from bot.sandbox.standins._listing import Listed, ListedInput
from bot.sandbox.standins._plain import (
    JSON_TYPE,
    as_list,
    as_object,
    is_moment,
    is_number,
    is_text,
    is_truth,
    json_reply,
    stamp,
    wait_headers,
    whole,
)

DEVELOPER_TOKEN = "made-up-domo-developer-token"  # noqa: S105 - made up, good for nothing
USER_ID = "8811501"
"""The token's user, as in the seed."""
DATE = "%Y-%m-%dT%H:%M:%S"
PERMISSIONS = ("ADMIN", "SHARE", "DELETE", "WRITE", "READ", "EXPORT", "EXECUTE", "UPDATE_CONTENT")
NULL_UNTIL = 0.2
FIRST_ID = 0x2BE1AB1C0188
API = "/api/workflow/v1"

TYPES: Mapping[str, Callable[[Json], bool]] = {
    "text": is_text,
    "number": is_number,
    "decimal": is_number,
    "boolean": is_truth,
    "date": lambda value: is_moment(value, "%Y-%m-%d"),
    "person": is_text,
    "object": lambda value: isinstance(value, dict),
}


@dataclass(frozen=True, kw_only=True)
class Input:
    """One start parameter."""

    name: str
    type: str
    is_required: bool = True


@dataclass(frozen=True, kw_only=True)
class Model:
    """A workflow. ``versions`` say which are active; ``fails`` makes its runs end as FAILED."""

    model_id: str
    name: str
    message_name: str
    inputs: tuple[Input, ...] = ()
    versions: Mapping[str, bool] = NOTHING
    fails: bool = False


MODELS = {
    each.model_id: each
    for each in (
        Model(
            model_id="a8afdc89-9491-4ee4-b7c3-b9e9b86c0138",
            name="AddTwoNumbers",
            message_name="Start MyWorkflow",
            inputs=(Input(name="parameter1", type="decimal"), Input(name="parameter2", type="decimal")),
            versions={"0.0.1": True, "0.0.2": False, "0.1.0": True},
        ),
        Model(
            model_id="b7e1c0d2-1111-4ee4-b7c3-b9e9b86c0139",
            name="Refresh forecast",
            message_name="Start Refresh forecast",
            inputs=(Input(name="region", type="text"), Input(name="notify", type="boolean", is_required=False)),
            versions={"1.1.0": True},
            fails=True,
        ),
        Model(
            model_id="c6d2b1e3-2222-4ee4-b7c3-b9e9b86c0140",
            name="Nightly export",
            message_name="Start Nightly export",
            versions={"1.0.0": False},
        ),
    )
}
TROUBLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"} | {
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}


class DomoStandIn(StandIn):
    """An instance with three workflows. Switch: ``null_as_text`` (older samples print the status null as a string)."""

    name = "domo"
    scopes = ("EXECUTE", "READ")
    switch_names = ("null_as_text",)

    def environment(self) -> dict[str, str]:
        """Address and a made-up developer token."""
        return {"DOMO_URL": self.base_url, "DOMO_TOKEN": DEVELOPER_TOKEN}

    def routes(self) -> tuple[Route, ...]:
        """Start and cancel as documented, the reads as its own page makes them."""
        return (
            Route("POST", f"{API}/instances/message", "start", self._start),
            Route("GET", f"{API}/instances", "track", self._list),
            Route("GET", f"{API}/instances/{{run_id}}", "track", self._show),
            Route("POST", f"{API}/instances/{{run_id}}/cancel", "cancel", self._cancel),
            Route("POST", f"{API}/models/permissions/me", "probe", self._permissions),
            Route("GET", f"{API}/models", "catalogue", self._models),
            Route("GET", f"{API}/models/{{model_id}}", "describe", self._model),
            Route("GET", f"{API}/models/{{model_id}}/versions/{{version}}/starts", "describe", self._starts),
            Route("GET", "/api/sessions/v1/me", "probe", self._me),
        )

    def workflows(self) -> tuple[Listed, ...]:
        """The models."""
        return tuple(map(_look, MODELS.values()))

    def status_of(self, run: Run, now: float) -> str:
        """An instance's status."""
        return run_status(run, now) or "null"

    def verb_of(self, asked: Incoming) -> str:
        """A list of one run follows none: somebody tries the token."""
        verb = super().verb_of(asked)
        return "probe" if verb == "track" and asked.query.get("limit") == "1" else verb

    # --- errors

    def trouble(self, status: int, retry_after_s: float | None = None) -> Reply:
        """A guess at a body (none is documented), with a trace id."""
        return failure(status, TROUBLES.get(status, "Error"), **wait_headers(retry_after_s))

    def expired(self, asked: Incoming) -> Reply:
        """As a token that was revoked."""
        del asked
        return self.trouble(401)

    def refusal(self, scope: str) -> Reply:
        """The user lacks the permission on this workflow."""
        return failure(403, f"{scope} permission is required.")

    # --- who asks

    def _enter(self, asked: Incoming) -> None:
        if asked.headers.get("x-domo-developer-token") != DEVELOPER_TOKEN:
            raise RefusedError(self.trouble(401))

    def _visible(self, model_id: str, scope: str = "READ") -> Model:
        """The model, where the user may see it: 404 hides what is invisible, 403 refuses what is visible."""
        model = MODELS.get(model_id)
        if model is None or not self.holds("READ", model_id):
            raise RefusedError(self.trouble(404))
        self.demand(scope, model_id)
        return model

    def _me(self, asked: Incoming) -> Reply:
        self._enter(asked)
        return json_reply(200, {"userId": int(USER_ID), "valid": True})

    def _permissions(self, asked: Incoming) -> Reply:
        self._enter(asked)
        ids = as_list(asked.object().get("modelIds"))
        if ids is None:
            return failure(400, "modelIds is required.")
        known = [each for each in ids if is_text(each) and each in MODELS]
        return json_reply(200, {each: [scope for scope in PERMISSIONS if self.holds(scope, each)] for each in known})

    # --- models

    def _models(self, asked: Incoming) -> Reply:
        self._enter(asked)
        offset, limit = whole(asked.query.get("offset"), 0), whole(asked.query.get("limit"), 100)
        seen = [_shown(each) for each in MODELS.values() if self.holds("READ", each.model_id)]
        return json_reply(200, seen[offset : offset + limit])

    def _model(self, asked: Incoming) -> Reply:
        self._enter(asked)
        return json_reply(200, _shown(self._visible(asked.parts["model_id"])))

    def _starts(self, asked: Incoming) -> Reply:
        """Shape not verified: the one that domo.md sketches."""
        self._enter(asked)
        model = self._visible(asked.parts["model_id"])
        if asked.parts["version"] not in model.versions:
            return self.trouble(404)
        inputs = [{"name": each.name, "type": each.type, "list": False, "required": each.is_required} for each in model.inputs]
        return json_reply(200, [{"messageName": model.message_name, "inputs": inputs}])

    # --- instances

    def _start(self, asked: Incoming) -> Reply:
        self._enter(asked)
        if asked.content_type != JSON_TYPE:
            return self.trouble(415)
        sent = asked.object()
        if not all(is_text(sent.get(name)) for name in ("messageName", "version", "modelId")):
            return failure(400, "messageName, version and modelId are required.")
        model = self._visible(sent["modelId"], "EXECUTE")
        if sent["messageName"] != model.message_name or not model.versions.get(sent["version"]):
            return self.trouble(404)
        run = self.begin(
            asked,
            run_id=self.new_run_id(),
            workflow_id=model.model_id,
            version=sent["version"],
            started_by=USER_ID,
            inputs=_data(model, sent.get("data")),
        )
        return json_reply(200, _instance(run) | {"status": self._null()})

    def _find(self, asked: Incoming) -> Run:
        run = self.ledger.find(asked.parts["run_id"], asked.at)
        if run is None or not self.holds("READ", run.workflow_id):
            raise RefusedError(self.trouble(404))
        return run

    def _show(self, asked: Incoming) -> Reply:
        self._enter(asked)
        return json_reply(200, self._seen(self._find(asked), asked.at))

    def _list(self, asked: Incoming) -> Reply:
        self._enter(asked)
        if "modelId" not in asked.query:
            return failure(400, "modelId is required.")
        model = self._visible(asked.query["modelId"])
        offset, limit = whole(asked.query.get("offset"), 0), whole(asked.query.get("limit"), 100)
        runs = [run for run in self.ledger.seen(asked.at) if run.workflow_id == model.model_id]
        return json_reply(200, [self._seen(run, asked.at) for run in runs[offset : offset + limit]])

    def _cancel(self, asked: Incoming) -> Reply:
        """What a finished instance answers is not verified: here, as it stands."""
        self._enter(asked)
        run = self._find(asked)
        self.demand("EXECUTE", run.workflow_id)
        if run.stopped_at is None and run.progress(asked.at) < 1:
            run = self.ledger.change(run.run_id, stopped_at=asked.at)
        bpmn = {"deploymentId": "made-up", "bpmnProcessId": "made-up", "bpmnProcessName": "made-up", "isTestRun": False}
        return json_reply(200, self._seen(run, asked.at) | bpmn)

    def _null(self) -> str | None:
        return "null" if self.switches["null_as_text"] else None

    def _seen(self, run: Run, now: float) -> dict[str, Json]:
        status = run_status(run, now)
        is_over = status not in {None, "IN_PROGRESS"}
        error = "Code Engine function failed." if status == "FAILED" else None
        ended = _written(run.stopped_at or run.started_at + run.lasts_s) if is_over else None
        facts = {"status": self._null() if status is None else status, "completedOn": ended, "errorMessage": error}
        return _instance(run) | facts | {"triggerType": "API", "deploymentId": "made-up"}

    def new_run_id(self) -> str:
        """A UUID; the first is the seed's."""
        return f"2052e10a-d142-4391-a731-{FIRST_ID + self.count():012x}"


def _look(model: Model) -> Listed:
    inputs = tuple(ListedInput(name=one.name, type=one.type, is_required=one.is_required) for one in model.inputs)
    active = ", ".join(version for version, is_active in model.versions.items() if is_active)
    remarks = [f"active: {active}" if active else "no version is active", "its runs fail" if model.fails else ""]
    return Listed(workflow_id=model.model_id, name=model.name, inputs=inputs, remark="; ".join(filter(None, remarks)))


def run_status(run: Run, now: float) -> str | None:
    """Where a run stands, in Domo's words; None: not reported as started yet."""
    if run.stopped_at is not None:
        return "CANCELED"
    progress = run.progress(now)
    if progress < NULL_UNTIL:
        return None
    if progress < 1:
        return "IN_PROGRESS"
    return "FAILED" if MODELS[run.workflow_id].fails else "COMPLETED"


def failure(status: int, message: str, **headers: str) -> Reply:
    """A JSON body with a trace id."""
    body = {"status": status, "statusReason": TROUBLES.get(status, "Error"), "message": message, "toe": "MADEUP0TOE"}
    return json_reply(status, body, **headers)


def _data(model: Model, sent: Json) -> Mapping[str, Json]:
    given = as_object(sent)
    if given is None:
        raise RefusedError(failure(400, "data is required."))
    known = {each.name: each for each in model.inputs}
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise RefusedError(failure(400, f"There is no start parameter {unknown[0]}."))
    for each in known.values():
        value = given.get(each.name)
        if (value is None and each.is_required) or (value is not None and not TYPES[each.type](value)):
            raise RefusedError(failure(400, f"Start parameter {each.name} must be of type {each.type}."))
    return given


def _shown(model: Model) -> dict[str, Json]:
    versions = [
        {"version": version, "active": is_active, "deployedOn": "2023-11-01T09:00:00.000Z" if is_active else None}
        for version, is_active in model.versions.items()
    ]
    return {"id": model.model_id, "name": model.name, "owner": USER_ID, "versions": versions}


def _written(at: float) -> str:
    return f"{stamp(at, DATE)}.{int(at * 1000) % 1000:03d}Z"


def _instance(run: Run) -> dict[str, Json]:
    created = _written(run.started_at)
    return {
        "id": run.run_id,
        "modelId": run.workflow_id,
        "modelName": MODELS[run.workflow_id].name,
        "modelVersion": run.version or next(iter(MODELS[run.workflow_id].versions)),
        "createdBy": run.started_by,
        "createdOn": created,
        "updatedBy": run.started_by,
        "updatedOn": created,
    }
