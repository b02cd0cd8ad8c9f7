"""What is configured over what was told, and which workflow a typed word means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.domain.model import Connection, Workflow
from bot.ports import Found


def merged(told: Workflow, over: Workflow | None) -> Workflow:
    """What was told, with what is known better laid over it."""
    if over is None:
        return told
    return replace(
        told,
        name=over.name or told.name,
        version=over.version or told.version,
        inputs=told.inputs if over.inputs is None else over.inputs,
        extras={**told.extras, **over.extras},
    )


def every(connection: Connection, listed: Iterable[Workflow]) -> tuple[Workflow, ...]:
    """Those of the configuration and those that were listed, each once."""
    own = connection.workflows
    told = {workflow.workflow_id: merged(workflow, own.get(workflow.workflow_id)) for workflow in listed}
    return tuple({**own, **told}.values())


def described(connection: Connection, workflow: Workflow, told: Workflow) -> Workflow:
    """A listed workflow, then what was told of it alone, then the configuration; an obstacle is the newest word on it."""
    filled = replace(merged(workflow, told), obstacle=told.obstacle)
    return merged(filled, connection.workflows.get(workflow.workflow_id))


def pick(workflows: tuple[Workflow, ...], typed: str) -> Found:
    """By id, then by name as typed, then by name in any case. A name that fits several picks none."""
    by_id = tuple(workflow for workflow in workflows if workflow.workflow_id == typed)
    by_name = tuple(workflow for workflow in workflows if workflow.name == typed)
    by_any_case = tuple(workflow for workflow in workflows if workflow.name and workflow.name.casefold() == typed.casefold())
    candidates = by_id or by_name or by_any_case
    only = candidates[0] if len(candidates) == 1 else None
    return Found(workflow=only, candidates=candidates, known=workflows)
