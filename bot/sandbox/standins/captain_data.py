"""Stand-in for the Captain Data API v3, written from the reference (seed 004, providers/captaindata.md).

There are no scopes: the key is the whole workspace, and what can be taken is the use of an integration account. Its list
of accounts carries live cookies, as the real one does, so that a test can look for them where they must not be. *Why*
there is no cancel: its path is on no page that could be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.domain.model import NOTHING, Json
from bot.domain.provider import Reply
from bot.sandbox.standins._house import Incoming, RefusedError, Route, Run, StandIn
from bot.sandbox.standins._listing import Listed, ListedInput
from bot.sandbox.standins._plain import (
    JSON_TYPE,
    as_list,
    as_object,
    as_objects,
    is_text,
    is_whole,
    json_reply,
    stamp,
    wait_headers,
    whole,
)

API_KEY = "made-up-captain-data-key"
PROJECT_ID = "made-up-workspace"
COOKIE = "made-up-live-cookie"
"""Stands in every account that is listed; nobody may keep it."""
DATE = "%Y-%m-%dT%H:%M:%S"
JOBS_A_PAGE = 100
ACCOUNT, INVALID_ACCOUNT = "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"
REPEATS = frozenset({"minute", "hour", "day", "week", "month"})

PHASES: Mapping[str, tuple[tuple[float, str], ...]] = {
    "finished": ((0.1, "pending"), (1.0, "running")),
    "paused": ((0.1, "pending"), (0.5, "running"), (2.0, "paused"), (2.5, "running")),
    "warning": ((0.1, "pending"), (1.0, "running")),
    "shutdown": ((0.1, "pending"), (0.5, "running")),
}
"""Each status until which progress, by how the job goes; a paused job is taken up again, as when somebody mended the account."""
REMARKS = {
    "paused": "its runs pause half-way, then go on",
    "warning": "its runs end with a warning",
    "shutdown": "its runs are shut down half-way",
}
ERRORS = {"paused": "The account's cookies have expired", "warning": "Invalid input", "shutdown": "Technical error"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step. ``inputs`` are keys and whether each is required; ``integration`` names the kind of account that it needs."""

    step_uid: str
    name: str
    inputs: Mapping[str, bool] = NOTHING
    parameters: Mapping[str, Json] = NOTHING
    integration: str | None = None

    def shown(self, position: int) -> dict[str, Json]:
        """As the details show it."""
        schema = {key: _field(is_required=is_required) for key, is_required in self.inputs.items()}
        facts: dict[str, Json] = {"step_uid": self.step_uid, "step_name": self.name, "position": position}
        facts |= {"permalink": "made-up", "integrations": [self.integration] if self.integration else []}
        return facts | {"input_schema": schema, "output_schema": [], "parameters_schema": {"properties": dict(self.parameters)}}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A workflow. ``ending`` names the phases that its jobs go through, and the status that they end with."""

    uid: str
    name: str
    steps: tuple[Step, ...]
    ending: str = "finished"


RECIPES = {
    each.uid: each
    for each in (
        Recipe(
            uid="0d179c07-6443-4eeb-ada7-652fb498f997",
            name="Find email",
            steps=(
                Step(
                    step_uid="11111111-1111-4111-8111-111111111111",
                    name="Find email",
                    inputs={"first_name": False, "last_name": False, "company_name": True},
                ),
            ),
        ),
        Recipe(
            uid="1e28ad18-7554-4eeb-ada7-652fb498f998",
            name="Extract profiles",
            steps=(
                Step(
                    step_uid="44444444-4444-4444-8444-444444444444",
                    name="Extract profiles",
                    inputs={"linkedin_profile_url": True},
                    parameters={"max_results": 100, "exclude_viewed": False},
                    integration="linkedin",
                ),
            ),
            ending="paused",
        ),
        Recipe(
            uid="2f39be29-8665-4eeb-ada7-652fb498f999",
            name="Enrich companies",
            steps=(Step(step_uid="55555555-5555-4555-8555-555555555555", name="Enrich", inputs={"domain": True}),),
            ending="warning",
        ),
        Recipe(
            uid="3a4acf3a-9776-4eeb-ada7-652fb498fa00",
            name="Scrape site",
            steps=(Step(step_uid="66666666-6666-4666-8666-666666666666", name="Scrape", inputs={"url": True}),),
            ending="shutdown",
        ),
    )
}
TROUBLES = {
    401: "Unauthorized",
    403: "Access denied, please contact support",
    404: "Not found",
    405: "Method not allowed",
    429: "Too many inputs are running; the job was not queued",
    500: "Error from an external site",
}


class CaptainDataStandIn(StandIn):
    """A workspace with four workflows.

    Switches: ``created_status`` (201 on launch; which of the two is not verified), ``name_in_main_only`` (the job's name
    stands in ``main_job_name`` alone) and ``account_removed`` (the account of LinkedIn is gone; taken as a scope, it is still
    listed, and not valid).
    """

    name = "captain_data"
    scopes = (ACCOUNT,)
    switch_names = ("created_status", "name_in_main_only", "account_removed")
    secret_headers = StandIn.secret_headers | {"x-project-id"}

    def environment(self) -> dict[str, str]:
        """Address, key and workspace, all made up."""
        return {"CAPTAIN_DATA_URL": self.base_url, "CAPTAIN_DATA_KEY": API_KEY, "CAPTAIN_DATA_PROJECT": PROJECT_ID}

    def routes(self) -> tuple[Route, ...]:
        """The calls of the reference, but for retry."""
        return (
            Route("GET", "/v3/workspace", "probe", self._workspace),
            Route("GET", "/v3/workflows", "catalogue", self._list),
            Route("GET", "/v3/workflows/{uid}/details", "describe", self._details),
            Route("POST", "/v3/workflows/{uid}/schedule", "start", self._schedule),
            Route("GET", "/v3/workflows/{uid}/jobs", "track", self._jobs),
            Route("GET", "/v3/jobs/{job_uid}", "track", self._job),
            Route("DELETE", "/v3/jobs/{job_name}", "other", self._unschedule),
            Route("GET", "/v3/jobs/{job_uid}/results", "track", self._results),
            Route("GET", "/v3/integrations/{slug}/accounts", "other", self._accounts),
        )

    def workflows(self) -> tuple[Listed, ...]:
        """The recipes."""
        return tuple(map(_look, RECIPES.values()))

    def status_of(self, run: Run, now: float) -> str:
        """A job's status."""
        return job_status(run, now)

    # --- errors

    def trouble(self, status: int, retry_after_s: float | None = None) -> Reply:
        """A message; the documents print no body."""
        return json_reply(status, {"message": TROUBLES.get(status, "Error")}, **wait_headers(retry_after_s))

    def expired(self, asked: Incoming) -> Reply:
        """As a key that was replaced."""
        del asked
        return self.trouble(401)

    def refusal(self, scope: str) -> Reply:
        """Denied; there is no scope to name, only an account."""
        return json_reply(403, {"message": f"{TROUBLES[403]} ({scope})"})

    # --- who asks

    def _enter(self, asked: Incoming) -> None:
        given = asked.headers.get("x-api-key") or asked.headers.get("authorization", "").removeprefix("x-api-key ")
        if (given, asked.headers.get("x-project-id")) != (API_KEY, PROJECT_ID):
            raise RefusedError(self.trouble(401))

    def _workspace(self, asked: Incoming) -> Reply:
        self._enter(asked)
        quota = {"tasks_left": 900, "tasks_max": 1000, "tasks_used": 100}
        return json_reply(200, {"name": "Growth", "email": "growth@example.invalid", "plan_name": "Scale"} | quota)

    # --- workflows

    def _list(self, asked: Incoming) -> Reply:
        self._enter(asked)
        return json_reply(200, [_listed(each) for each in RECIPES.values()])

    def _details(self, asked: Incoming) -> Reply:
        self._enter(asked)
        recipe = self._recipe(asked)
        steps = [step.shown(position) for position, step in enumerate(recipe.steps)]
        return json_reply(200, {"name": recipe.name, "uid": recipe.uid, "steps": steps})

    def _recipe(self, asked: Incoming) -> Recipe:
        recipe = RECIPES.get(asked.parts["uid"])
        if recipe is None:
            raise RefusedError(self.trouble(404))
        return recipe

    # --- jobs

    def _schedule(self, asked: Incoming) -> Reply:
        self._enter(asked)
        recipe = self._recipe(asked)
        sent = asked.object() if asked.content_type == JSON_TYPE else NOTHING
        name: Json = sent.get("job_name")
        _check_name(name)
        _check_repeat(sent.get("repeat_option"))
        self._check_steps(recipe, _objects(sent.get("steps"), "steps"))
        rows = _objects(sent.get("inputs"), "inputs")
        for row in rows:
            _check_row(recipe.steps[0], row)
        facts = {"workflow_id": recipe.uid, "key": name, "inputs": {"rows": rows}}
        run = self.begin(asked, run_id=self.new_run_id(), **facts)
        return json_reply(201 if self.switches["created_status"] else 200, _scheduled(recipe, run))

    def _check_steps(self, recipe: Recipe, sent: Sequence[Mapping[str, Json]]) -> None:
        known = {step.step_uid: step for step in recipe.steps}
        for each in sent:
            step = known.get(each.get("step_uid", ""))
            if step is None:
                raise RefusedError(bad(f"Unknown step_uid {each.get('step_uid')}"))
            if not isinstance(each.get("parameters"), dict):
                raise RefusedError(bad("parameters is required in each step"))
            self._check_accounts(step, each.get("accounts"))

    def _check_accounts(self, step: Step, sent: Json) -> None:
        accounts = as_list(sent) or []
        if step.integration is not None and not accounts:
            raise RefusedError(bad(f"Step {step.step_uid} needs an account of {step.integration}"))
        for account in accounts:
            if account not in self._account_uids():
                raise RefusedError(bad(f"Unknown account {account}"))
            self.demand(account if account == ACCOUNT else INVALID_ACCOUNT)

    def _job(self, asked: Incoming) -> Reply:
        self._enter(asked)
        return json_reply(200, self._shown(self._find(asked), asked.at))

    def _find(self, asked: Incoming) -> Run:
        run = self.ledger.find(asked.parts["job_uid"], asked.at)
        if run is None:
            raise RefusedError(self.trouble(404))
        return run

    def _jobs(self, asked: Incoming) -> Reply:
        self._enter(asked)
        recipe = self._recipe(asked)
        runs = [run for run in self.ledger.seen(asked.at) if run.workflow_id == recipe.uid]
        first = whole(asked.query.get("page"), 0) * JOBS_A_PAGE
        return json_reply(200, [self._shown(run, asked.at) for run in runs[first : first + JOBS_A_PAGE]])

    def _results(self, asked: Incoming) -> Reply:
        self._enter(asked)
        run = self._find(asked)
        done = job_status(run, asked.at) == "finished"
        rows = [{"email": "made-up@example.invalid"} for _ in run.inputs.get("rows", [])] if done else []
        return json_reply(200, {"results": rows, "paging": {"next": None, "have_next_page": False}})

    def _unschedule(self, asked: Incoming) -> Reply:
        """Removes a repeat schedule, by the job's name; it stops nothing."""
        self._enter(asked)
        return json_reply(200, {"message": "Schedule deleted."})

    def _shown(self, run: Run, now: float) -> dict[str, Json]:
        recipe, status = RECIPES[run.workflow_id], job_status(run, now)
        count, is_over = len(run.inputs.get("rows", [])), status in {"finished", "warning", "shutdown"}
        return {
            "uid": run.run_id,
            "name": recipe.name if self.switches["name_in_main_only"] else run.key,
            "main_job_uid": run.run_id,
            "main_job_name": run.key,
            "workflow_uid": recipe.uid,
            "workflow_name": recipe.name,
            "step_uid": recipe.steps[0].step_uid,
            "status": status,
            "error_message": ERRORS.get(status),
            "scheduled_time": stamp(run.started_at, DATE),
            "start_time": None if status == "pending" else stamp(run.started_at, DATE),
            "finish_time": stamp(run.started_at + run.lasts_s, DATE) if is_over else None,
            "number_inputs": count,
            "row_count": count if status == "finished" else 0,
            "total_row_count": count if status == "finished" else 0,
            "accounts": [],
            "configuration": {},
        }

    # --- accounts

    def _accounts(self, asked: Incoming) -> Reply:
        self._enter(asked)
        slug = asked.parts["slug"]
        uids = self._account_uids() if slug == "linkedin" and whole(asked.query.get("page"), 0) == 0 else []
        accounts = [_account(uid, is_valid=self.holds(uid)) for uid in uids]
        page = {"accounts": accounts, "next_page_exist": False, "number_total_acounts": len(accounts)}
        return json_reply(200, {"integration": {"uid": slug, "title": slug.title()}} | page)

    def _account_uids(self) -> list[str]:
        return [INVALID_ACCOUNT] if self.switches["account_removed"] else [ACCOUNT, INVALID_ACCOUNT]

    def new_run_id(self) -> str:
        """A UUID."""
        return f"77777777-7777-4777-8777-{self.count() + 1:012d}"


def _look(recipe: Recipe) -> Listed:
    inputs = tuple(ListedInput(name=name, type="text", is_required=must) for name, must in recipe.steps[0].inputs.items())
    return Listed(workflow_id=recipe.uid, name=recipe.name, inputs=inputs, remark=REMARKS.get(recipe.ending, ""))


def job_status(run: Run, now: float) -> str:
    """Where a job stands, in Captain Data's words."""
    ending = RECIPES[run.workflow_id].ending
    for until, status in PHASES[ending]:
        if run.progress(now) < until:
            return status
    return "finished" if ending == "paused" else ending


def bad(message: str) -> Reply:
    """Bad or missing parameters."""
    return json_reply(400, {"message": message})


def _objects(value: Json, name: str) -> list[Mapping[str, Json]]:
    rows = as_objects(value)
    if rows is None:
        raise RefusedError(bad(f"{name} must be a list of objects"))
    return rows


def _check_name(value: Json) -> None:
    if not is_text(value) or not value:
        raise RefusedError(bad("job_name is required"))


def _check_repeat(value: Json) -> None:
    if value is None:
        return
    option = as_object(value) or NOTHING
    if option.get("type") not in REPEATS or not is_whole(option.get("value")):
        raise RefusedError(bad("repeat_option needs a type and a value"))


def _check_row(step: Step, row: Mapping[str, Json]) -> None:
    """Each object is one row and carries all of its keys; ``meta`` is free."""
    for key, value in row.items():
        if key != "meta" and key not in step.inputs:
            raise RefusedError(bad(f"Unknown input {key}"))
        if key != "meta" and not is_text(value):
            raise RefusedError(bad(f"Input {key} must be text"))
    for key, is_required in step.inputs.items():
        if is_required and not row.get(key):
            raise RefusedError(bad(f"Input {key} is required"))


def _field(*, is_required: bool) -> dict[str, Json]:
    facts: dict[str, Json] = {"regex": {}, "help": "", "primary": is_required, "required": int(is_required)}
    return facts | {"variations": [], "retro_variations": []}


def _listed(recipe: Recipe) -> dict[str, Json]:
    steps = [{"name": step.name, "step_uid": step.step_uid, "uid": step.step_uid} for step in recipe.steps]
    facts: dict[str, Json] = {"uid": recipe.uid, "name": recipe.name, "created_at": "2022-07-01T09:00:00"}
    return facts | {"project_id": 1, "template_uid": None, "steps": steps}


def _scheduled(recipe: Recipe, run: Run) -> dict[str, Json]:
    workflow: Json = {"uid": recipe.uid, "permalink": "made-up", "name": recipe.name, "project_id": 1, "linked_templates": []}
    return {"workflow": workflow, "message": "Bot successfully scheduled.", "job_uid": run.run_id}


def _account(uid: str, *, is_valid: bool) -> dict[str, Json]:
    facts: dict[str, Json] = {"uid": uid, "name": f"Account {uid[:4]}", "is_valid": is_valid, "is_shared": True}
    limits = [{"limit_name": "profiles", "limit_value": 100, "item_scraped": 3, "nbr_inputs_queued_next_seven_days": 0}]
    return facts | {"level": "basic", "limits": limits, "cookies": {"li_at": COOKIE, "li_a": COOKIE}}
