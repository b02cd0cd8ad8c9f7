"""The made-up Salesforce org: its flows, and how Salesforce writes down flows, results and rows (providers/salesforce.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.domain.model import Json
from bot.sandbox.standins._house import Run
from bot.sandbox.standins._listing import Listed, ListedInput
from bot.sandbox.standins._plain import as_list, is_moment, is_number, is_text, is_truth, stamp

DATE = "%Y-%m-%dT%H:%M:%S.000+0000"

TYPES: Mapping[str, Callable[[Json], bool]] = {
    "STRING": is_text,
    "NUMBER": is_number,
    "BOOLEAN": is_truth,
    "DATE": lambda value: is_moment(value, "%Y-%m-%d"),
}


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One input or output variable of a flow."""

    name: str
    type: str = "STRING"
    is_collection: bool = False
    is_required: bool = False

    def takes(self, value: Json) -> bool:
        """True when a value fits."""
        if not self.is_collection:
            return TYPES[self.type](value)
        many = as_list(value)
        return many is not None and all(TYPES[self.type](each) for each in many)

    def shown(self) -> dict[str, Json]:
        """As describe shows it."""
        facts: dict[str, Json] = {"name": self.name, "label": self.name, "type": self.type, "description": None}
        facts |= {"required": self.is_required, "maxOccurs": 2000 if self.is_collection else 1}
        return facts | {"byteLength": 0, "picklistValues": None, "sobjectType": None}


@dataclass(frozen=True, kw_only=True)
class Flow:
    """An autolaunched flow. ``ending`` is finished, fault, waiting (it pauses, then ends) or waiting_fault."""

    name: str
    label: str
    version_id: str
    inputs: tuple[Variable, ...] = ()
    outputs: tuple[Variable, ...] = ()
    ending: str = "finished"
    is_active: bool = True

    def shown(self) -> dict[str, Json]:
        """As describe shows it."""
        facts: dict[str, Json] = {"name": self.name, "label": self.label, "type": "FLOW", "description": None}
        return facts | {"inputs": [each.shown() for each in self.inputs], "outputs": [each.shown() for each in self.outputs]}


FLOWS = {
    each.name: each
    for each in (
        Flow(
            name="Escalate_to_Case",
            label="Escalate to Case",
            version_id="301xx0000000001AAA",
            inputs=(
                Variable(name="CommentCount", type="NUMBER"),
                Variable(name="FeedItemId"),
                Variable(name="RequestId"),
                Variable(name="Tags", is_collection=True),
                Variable(name="NotifyOwner", type="BOOLEAN"),
            ),
            outputs=(Variable(name="CaseId"), Variable(name="Status")),
        ),
        Flow(
            name="Recalculate_Territory",
            label="Recalculate Territory",
            version_id="301xx0000000002AAA",
            inputs=(Variable(name="Region", is_required=True),),
            ending="fault",
        ),
        Flow(
            name="Renewal_Reminder",
            label="Renewal Reminder",
            version_id="301xx0000000003AAA",
            inputs=(Variable(name="DueOn", type="DATE"),),
            ending="waiting",
        ),
        Flow(name="Chase_Signature", label="Chase Signature", version_id="301xx0000000004AAA", ending="waiting_fault"),
        Flow(name="Old_Escalation", label="Old Escalation", version_id="301xx0000000005AAA", is_active=False),
    )
}
COLUMNS = {
    "flowinterview": (
        "Id",
        "Guid",
        "InterviewStatus",
        "CurrentElement",
        "PauseLabel",
        "Error",
        "InterviewLabel",
        "CreatedDate",
        "FlowVersionViewId",
    ),
    "flowdefinitionview": (
        "ApiName",
        "Label",
        "Description",
        "NamespacePrefix",
        "ProcessType",
        "TriggerType",
        "IsActive",
        "ActiveVersionId",
        "LatestVersionId",
        "DurableId",
    ),
    "case": ("Id", "Status", "Request_Id__c", "CreatedDate"),
}


REMARKS = {"fault": "its runs fail", "waiting": "its runs pause, then end", "waiting_fault": "its runs pause, then fail"}


def look(flow: Flow) -> Listed:
    """A flow in plain words."""
    inputs = tuple(ListedInput(name=one.name, type=one.type.lower(), is_required=one.is_required) for one in flow.inputs)
    remark = REMARKS.get(flow.ending, "") if flow.is_active else "not active"
    return Listed(workflow_id=flow.name, name=flow.label, inputs=inputs, remark=remark)


def stage(run: Run, now: float) -> str:
    """Where a run stands: Salesforce shows as much of paused and failed interviews alone."""
    row, is_over = interview_row(run, now), run.progress(now) >= 1
    return (
        str(row["InterviewStatus"])
        if row and (is_over or "waiting" in FLOWS[run.workflow_id].ending)
        else ("Finished" if is_over else "Running")
    )


def result(flow: Flow, values: Json) -> dict[str, Json]:
    """One result; a fault has the seed's words."""
    fault: Json = {
        "statusCode": "FLOW_ELEMENT_ERROR",
        "message": "An error occurred at element MyDecision (Decision).",
        "fields": [],
    }
    has_failed = flow.ending == "fault"
    facts: dict[str, Json] = {"actionName": flow.name, "errors": [fault] if has_failed else None, "invocationId": None}
    return facts | {"isSuccess": not has_failed, "outcome": None, "outputValues": values, "sortOrder": -1, "version": 1}


def outputs(flow: Flow, run: Run) -> dict[str, Json]:
    """What the flow gives back: the seed's values, the Case being the run's own."""
    return {"CaseId": case_id(run), "Status": "Escalated"} if flow.outputs else {}


def case_id(run: Run) -> str:
    """The Case that a run opened; the first is the seed's."""
    number = int(run.run_id[-4:], 16)
    return "500D0000003abcX" if number == 1 else f"500D{number:011d}"


def case_row(run: Run) -> dict[str, Json]:
    """A Case, with the request that it was opened for."""
    created = stamp(run.started_at, DATE)
    return {"Id": case_id(run), "Status": "Escalated", "Request_Id__c": run.key, "CreatedDate": created}


def interview_row(run: Run, now: float) -> dict[str, Json] | None:
    """The interview's row, if it has one: paused while it waits, for good when it failed, none when it finished."""
    ending, is_over = FLOWS[run.workflow_id].ending, run.progress(now) >= 1
    if ending == "finished" or (ending == "waiting" and is_over):
        return None
    has_failed = ending == "fault" or is_over
    return {
        "Id": f"0Foxx{run.run_id[-4:]:0>10}AAA",
        "Guid": run.run_id,
        "InterviewStatus": "Error" if has_failed else "Paused",
        "CurrentElement": "MyDecision" if has_failed else "Wait_1",
        "PauseLabel": None if has_failed else "Waits for a person",
        "Error": "An error occurred at element MyDecision (Decision)." if has_failed else None,
        "InterviewLabel": FLOWS[run.workflow_id].label,
        "CreatedDate": stamp(run.started_at, DATE),
        "FlowVersionViewId": FLOWS[run.workflow_id].version_id,
    }


def definition_row(flow: Flow) -> dict[str, Json]:
    """A flow as FlowDefinitionView shows it."""
    facts: dict[str, Json] = {"ApiName": flow.name, "Label": flow.label, "Description": None, "NamespacePrefix": None}
    facts |= {"ProcessType": "AutoLaunchedFlow", "TriggerType": None, "IsActive": flow.is_active, "DurableId": flow.name}
    return facts | {"ActiveVersionId": flow.version_id if flow.is_active else None, "LatestVersionId": flow.version_id}
