"""The made-up Zuora tenant: its workflows, how they run, and how Zuora writes both down (providers/zuora.md, sections 3 to 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.model import Json
from bot.sandbox.standins._house import Run
from bot.sandbox.standins._listing import Listed, ListedInput
from bot.sandbox.standins._plain import is_moment, is_number, is_text, is_truth, is_whole, stamp

RUN_DATE = "%Y-%m-%d %H:%M:%S UTC"
CATALOGUE_DATE = "2019-05-31T14:52:38.171Z"
TASK_NAMES = ("Query invoices", "Check balance", "Callout", "Update account")
QUEUED_UNTIL, PENDING_FROM, STOPPING_SHARE = 0.1, 0.5, 0.25

DATATYPES: Mapping[str, Callable[[Json], bool]] = {
    "Text": is_text,
    "Integer": is_whole,
    "Decimal": is_number,
    "Boolean": is_truth,
    "Date": lambda value: is_moment(value, "%Y-%m-%d"),
    "DateTime-Local": lambda value: is_moment(value, "%Y-%m-%dT%H:%M:%S"),
    "JSON": lambda _: True,
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One input. ``callout_id`` is the key in the run's body; ``required`` may be text, as elsewhere in Zuora's settings."""

    callout_id: str
    datatype: str = "Text"
    required: bool | str = False
    default: str = ""
    field_name: str = ""

    @property
    def is_required(self) -> bool:
        """True however it is written."""
        return str(self.required).lower() == "true"

    def exported(self, index: int) -> dict[str, Json]:
        """As the export shows it."""
        return {
            "index": index,
            "object_name": "Workflow",
            "field_name": self.field_name or self.callout_id,
            "callout_id": self.callout_id,
            "datatype": self.datatype,
            "required": self.required,
            "default": self.default,
        }


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A workflow. ``fails``: one task ends in error although the run is Finished. ``waits``: it is Pending for half its time."""

    workflow_id: int
    name: str
    fields: tuple[Field, ...] = ()
    is_active: bool = True
    has_callout: bool = True
    fails: bool = False
    waits: bool = False


DEFINITIONS = {
    each.workflow_id: each
    for each in (
        Definition(workflow_id=48, name="New test workflow", has_callout=False),
        Definition(workflow_id=286, name="Call Echo"),
        Definition(
            workflow_id=301,
            name="Dunning reminder",
            fields=(Field(callout_id="Message", field_name="Message1", required="true"),),
            fails=True,
        ),
        Definition(
            workflow_id=302,
            name="Write off small balances",
            fields=(Field(callout_id="maxAmount", datatype="Decimal", required=True, default="5.00"),),
            is_active=False,
        ),
        Definition(
            workflow_id=303,
            name="Refund approval",
            fields=(Field(callout_id="paymentId", required=True), Field(callout_id="days", datatype="Integer")),
            waits=True,
        ),
        Definition(
            workflow_id=396,
            name="Dunning run",
            fields=(
                Field(callout_id="accountId", required=True),
                Field(callout_id="paymentId"),
                Field(callout_id="maxAmount", datatype="Decimal"),
                Field(callout_id="asOf", datatype="Date"),
                Field(callout_id="dryRun", datatype="Boolean", default="true"),
            ),
        ),
    )
}
EARLIER_RUN, FIRST_RUN = 399, 400
"""The seed's run ids: 399 stands in its 409, 400 in its 200."""


def look(definition: Definition) -> Listed:
    """A definition in plain words."""
    inputs = tuple(ListedInput(name=one.callout_id, type=one.datatype, is_required=one.is_required) for one in definition.fields)
    remarks = {
        "not active": not definition.is_active,
        "cannot be started from outside": not definition.has_callout,
        "one task ends in error": definition.fails,
        "waits for half of its time": definition.waits,
    }
    remark = "; ".join(said for said, is_so in remarks.items() if is_so)
    return Listed(workflow_id=str(definition.workflow_id), name=definition.name, inputs=inputs, remark=remark)


def fits(definition: Definition, query: Mapping[str, str]) -> bool:
    """Whether a definition passes the filters of the list."""
    is_named = query.get("name") in {None, definition.name}
    return is_named and query.get("callout_trigger") in {None, str(definition.has_callout).lower()}


def version(definition: Definition) -> dict[str, Json]:
    """Its version, which has an id of its own."""
    facts: dict[str, Json] = {"id": definition.workflow_id + 1, "name": definition.name, "version": "0.0.1"}
    status = "Active" if definition.is_active else "Inactive"
    return facts | {"description": "", "type": "Workflow::Setup", "status": status}


def shown(definition: Definition) -> dict[str, Json]:
    """A definition as the catalogue shows it: without inputs, in mixed case, with the published misspelling."""
    setup = version(definition)
    return {
        "id": definition.workflow_id,
        "name": definition.name,
        "description": "",
        "status": setup["status"],
        "calloutTrigger": definition.has_callout,
        "ondemandTrigger": True,
        "scheduledTrigger": False,
        "interval": None,
        "timezone": None,
        "createdAt": CATALOGUE_DATE,
        "updatedAt": CATALOGUE_DATE,
        "active_version": setup if definition.is_active else None,
        "latest_inactive_verisons": [] if definition.is_active else [setup],
    }


def exported(definition: Definition) -> dict[str, Json]:
    """A definition as the export shows it: with inputs, in snake case."""
    fields = [each.exported(index) for index, each in enumerate(definition.fields)]
    workflow: dict[str, Json] = {
        "id": definition.workflow_id + 1,
        "name": definition.name,
        "type": "Workflow::Setup",
        "version": "0.0.1",
        "ondemand_trigger": True,
        "callout_trigger": definition.has_callout,
        "scheduled_trigger": False,
        "parameters": {"fields": fields} if fields else {},
    }
    # zuora.md section 4: the tasks of an export can carry credentials of callouts, which nobody may keep.
    callout = {"url": "https://example.invalid/", "headers": {"Authorization": "Basic made-up-callout-secret"}}
    return {"workflow": workflow, "tasks": [{"id": 849, "name": "Callout", "parameters": callout}], "linkages": []}


def run_name(run: Run | None) -> str:
    """Its number, counted on from the seed's."""
    assert run is not None, "asked for a run that is there"  # noqa: S101 - narrows
    return f"WF-{run.workflow_id}-{int(run.run_id) - EARLIER_RUN + 2:08d}"


def run_head(run: Run) -> dict[str, Json]:
    """What start and track both tell of a run."""
    return {
        "createdAt": stamp(run.started_at, RUN_DATE),
        "id": int(run.run_id),
        "name": run_name(run),
        "originalWorkflowId": int(run.workflow_id),
        "type": "Workflow::Instance",
    }


def run_status(run: Run, now: float) -> str:
    """Where a run stands, in Zuora's words."""
    progress = run.progress(now)
    if run.stopped_at is not None:
        return "Stopping" if now < run.stopped_at + STOPPING_SHARE * run.lasts_s else "Stopped"
    if progress >= 1:
        return "Finished"
    if progress < QUEUED_UNTIL:
        return "Queued"
    waits = DEFINITIONS[int(run.workflow_id)].waits
    return "Pending" if waits and progress >= PENDING_FROM else "Processing"


def task_states(run: Run, now: float) -> list[str]:
    """How each of the four tasks stands, in the words of the run's ``tasks``."""
    status, count = run_status(run, now), len(TASK_NAMES)
    share = PENDING_FROM if status == "Pending" else max(run.progress(now), 0)
    over = min(count, int(share * count))
    rest = {"Queued": "queued", "Pending": "pending", "Stopped": "stopped"}.get(status, "processing")
    states = ["success"] * over + [rest] * (count - over)
    if over == count and DEFINITIONS[int(run.workflow_id)].fails:
        states[2] = "error"
    return states


def run_state(run: Run, now: float) -> dict[str, Json]:
    """What track tells beyond it."""
    status, states = run_status(run, now), task_states(run, now)
    words = ("queued", "processing", "pending", "stopped", "success", "error")
    counts: dict[str, Any] = {"total": len(states)} | {word: states.count(word) for word in words}
    ended = run.started_at + run.lasts_s if status == "Finished" else run.stopped_at if status == "Stopped" else None
    return {
        "status": status,
        "tasks": counts,
        "runTime": None if ended is None else ended - run.started_at,
        "cpuTime": "00:00:01",
        "updatedAt": stamp(now if ended is None else ended, RUN_DATE),
        "finishedAt": None if ended is None else stamp(ended, RUN_DATE),
    }


def task_rows(run: Run, now: float) -> list[dict[str, Json]]:
    """The tasks of a run, with their whole payload."""
    rows: list[dict[str, Json]] = []
    for number, (name, state) in enumerate(zip(TASK_NAMES, task_states(run, now), strict=True)):
        has_failed = state == "error"
        facts: dict[str, Json] = {"id": 2770 + number, "name": name, "instance": True, "action_type": "Callout"}
        facts |= {"workflow_id": int(run.run_id), "original_workflow_id": int(run.workflow_id)}
        facts |= {"status": state.capitalize(), "data": {"Workflow": dict(run.inputs)}}
        error = "Callout response was 500 after 1 tries." if has_failed else None
        facts |= {"error": error, "error_class": "WorkflowError::Callout" if has_failed else None}
        rows.append(facts)
    return rows
