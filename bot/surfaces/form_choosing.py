"""What stands above the form's fields: what can be launched, and which of it is chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bot.domain.model import Problem, Workflow
from bot.surfaces.escaping import plain_text
from bot.surfaces.form_fields import Asked
from bot.surfaces.form_options import MOST_OPTIONS, Choosable, code, options, short_digest
from bot.surfaces.form_reading import CONNECTION, WORKFLOW
from bot.surfaces.words import COMMAND, problem_sentence

MOST_SECTION = 3000


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What can be chosen, and what is. ``connections`` and ``workflows`` are those that this person may launch here, and no others.

    ``asked`` is what the chosen workflow takes; None while that is not known. ``notes`` are sentences for the top: how old the
    list is, what the message that this began at holds. ``submit`` is what the button reads.
    """

    connections: tuple[Choosable, ...]
    connection: str = ""
    workflows: tuple[Workflow, ...] = ()
    workflow: Workflow | None = None
    asked: Asked | None = None
    notes: tuple[str, ...] = ()
    submit: str = "Launch"
    command: str = field(default=COMMAND)


@dataclass(frozen=True, kw_only=True)
class _Select:
    """One of the selects above the fields."""

    block_id: str
    label: str
    action_id: str
    offers: tuple[Choosable, ...]
    value: str


def choosing_blocks(choice: Choice, *, is_sent: bool = True) -> list[dict[str, Any]]:
    """The selects of connection and workflow. ``is_sent``: a submission follows; without one Slack takes no input blocks."""
    connection = _Select(
        block_id="connection", label="Connection", action_id=CONNECTION, offers=choice.connections, value=choice.connection
    )
    workflow = _Select(
        block_id=f"workflow-{short_digest(choice.connection, length=12)}",
        label="Workflow",
        action_id=WORKFLOW,
        offers=workflows_of(choice) if choice.connection else (),
        value=choice.workflow.workflow_id if choice.workflow else "",
    )
    drawn = [_choosing_block(one, is_sent=is_sent) for one in (connection, workflow) if one.offers]
    lacking = "connection" if not connection.offers else "workflow" if choice.connection and not workflow.offers else ""
    if lacking:
        nothing = Problem(code="nothing_to_choose", facts={"connection": choice.connection})
        drawn.append(section(problem_sentence(nothing, command=choice.command), f"no-{lacking}"))
    return drawn


def workflows_of(choice: Choice) -> tuple[Choosable, ...]:
    """What can be chosen as a workflow; the chosen one also where the list does not have it (any more)."""
    every = {one.workflow_id: one for one in (*choice.workflows, *([choice.workflow] if choice.workflow else []))}
    return tuple(
        Choosable(value=one.workflow_id, text=one.label, note=one.workflow_id if one.name else "") for one in every.values()
    )


def _choosing_block(one: _Select, *, is_sent: bool) -> dict[str, Any]:
    if not is_sent:
        return {**section(one.label, one.block_id), "accessory": _select(one)}
    label = plain_text(one.label, 24)
    return {"type": "input", "block_id": one.block_id, "dispatch_action": True, "label": label, "element": _select(one)}


def _select(one: _Select) -> dict[str, Any]:
    drawn = options(one.offers)
    initial = [option for option in drawn if one.value and option["value"] == code(one.value)]
    is_searched = len(drawn) > MOST_OPTIONS
    return {
        "type": "external_select" if is_searched else "static_select",
        "action_id": one.action_id,
        "placeholder": plain_text(f"{'Search' if is_searched else 'Choose'} a {one.label.lower()}", 150),
        **({"min_query_length": 0} if is_searched else {"options": drawn}),
        **({"initial_option": initial[0]} if initial else {}),
    }


def section(text: str, block_id: str = "") -> dict[str, Any]:
    """A paragraph above the fields."""
    return {"type": "section", "text": plain_text(text, MOST_SECTION)} | ({"block_id": block_id} if block_id else {})
