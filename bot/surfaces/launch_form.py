"""The form: which connection, which workflow, and a field for each of its inputs, in one view.

``private_metadata`` holds only the key of the press that opened the form, as in ``forms``: who asks, and where, is read from our own
store. What was chosen comes back with the fields and is a hint too: whether it may be launched is decided anew.

Why a form that does not fit is drawn with less before it is refused: Slack refuses a whole view for one byte too many, and a
person reads neither two thousand characters of a label nor a hundred options in each of ninety selects.

https://docs.slack.dev/surfaces/modals
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.domain.grants import InputRule
from bot.domain.input_writing import written
from bot.domain.inputs import is_valid_default
from bot.domain.model import NOTHING, InputSpec, InputType, Problem, Reason, Workflow
from bot.surfaces.command_text import write_command
from bot.surfaces.escaping import clean, plain_text, shorten
from bot.surfaces.form_choosing import MOST_SECTION, Choice, choosing_blocks, section, workflows_of
from bot.surfaces.form_fields import (
    Asked,
    Detail,
    asks,
    blocks_of,
    choosables,
    digest_in,
    fields_of,
    label_of,
    name_digest,
)
from bot.surfaces.form_options import found, short_digest
from bot.surfaces.form_reading import CONNECTION, WORKFLOW, Trouble, carried_over, field_sentence, form_state, placed
from bot.surfaces.say import MOST_BLOCKS, Say
from bot.surfaces.words import MOST_PROBLEMS, problem_sentence, reason_sentence

LAUNCH_FORM = "launch_form"
LOADING_FORM = "launch_form_loading"
CONFIRM_FORM = "launch_form_confirm"
MOST_FIELDS = 90
"""Of the hundred blocks that a view takes: what stands above the fields needs the others."""
MOST_BYTES = 200_000
"""Slack refuses a view above 250,000 bytes; what stands in its fields may count as well."""
_MOST_KEY = 3000
_DETAILS = (Detail(), Detail(words=300), Detail(words=300, options=0), Detail(words=75, options=0), Detail(words=30, options=0))


def form(choice: Choice, *, opened_by: str, problems: Sequence[Trouble] = ()) -> dict[str, Any]:
    """The form as it stands, with ``problems`` above the fields. What cannot be asked for in a form says so instead."""
    if choice.workflow is None:
        head = [*_told(problems, choice), *choosing_blocks(choice), *_notes(choice)]
        return _view(opened_by, head, submit="Continue" if choice.connections else "")
    obstacle = unaskable(choice)
    drawn = None if obstacle else _drawn(choice, opened_by, problems)
    return drawn or _without_fields(choice, opened_by, (*problems, obstacle or _too_large(choice)))


def fits(workflow: Workflow, specs: tuple[InputSpec, ...], rules: Mapping[str, InputRule] = NOTHING) -> Problem | None:
    """Why no form can ask for these inputs; None where one can. Whether the workflow can be launched at all is another question."""
    choice = Choice(connections=(), workflow=replace(workflow, obstacle=None), asked=Asked(specs=specs, rules=rules))
    return unaskable(choice) or (None if _drawn(choice, "", ()) else _too_large(choice))


def unaskable(choice: Choice) -> Problem | None:
    """Why the chosen workflow has no form, as far as its inputs tell."""
    workflow = choice.workflow
    if workflow is None:
        return None
    if workflow.obstacle is not None:
        facts = {"workflow": workflow.label, "connection": choice.connection, "obstacle": workflow.obstacle}
        return Problem(code="not_launchable", facts=facts)
    if choice.asked is None:
        return Problem(code="inputs_unknown", facts={"workflow": workflow.label})
    asked = choice.asked
    count = sum(asks(spec, asked.rule(spec)) for spec in asked.unique())
    if count > MOST_FIELDS:
        facts = {"workflow": workflow.label, "count": str(count), "most": str(MOST_FIELDS), "typed": _typed(choice)}
        return Problem(code="too_many_inputs", facts=facts)
    return next((_not_asked(spec, asked.rule(spec)) for spec in asked.unique() if _is_lacking(spec, asked.rule(spec))), None)


def loading(*, opened_by: str, about: str = "") -> dict[str, Any]:
    """What opens at once, while what the form needs is looked up."""
    told = f"Looking up {shorten(clean(about), 200)} …" if about else "Looking up what you may launch here …"
    return _bare(opened_by, [section(told)], callback_id=LOADING_FORM)


def unreachable(choice: Choice, *, opened_by: str, trouble: str) -> dict[str, Any]:
    """What stands there when the provider could not be asked: why, and the choices that are known."""
    why = section(f"{clean(trouble).rstrip('. ')}. Nothing was launched: choose again in a minute, or type the command.")
    return _view(opened_by, [why, *choosing_blocks(choice, is_sent=False), *_notes(choice)])


def confirmation(preview: Say, *, opened_by: str, submit: str = "Launch") -> dict[str, Any]:
    """What stands there before it is launched: the same preview that ``--preview`` shows. Its key leads to what was filled in."""
    bare = _bare(opened_by, list(preview.blocks[:MOST_BLOCKS]), callback_id=CONFIRM_FORM)
    return {**bare, "close": plain_text("Back", 24), "submit": plain_text(submit, 24)}


def refused(view: Mapping[str, Any], choice: Choice, troubles: Sequence[Trouble], *, opened_by: str) -> dict[str, Any]:
    """The answer to a submission with problems in it: at their fields where each has one there, else all above the form."""
    state = form_state(view)
    specs = choice.asked.unique() if choice.asked else ()
    where = placed(troubles, state, specs, command=choice.command)
    if where.at and not where.rest:
        return {"response_action": "errors", "errors": dict(where.at)}
    again = replace(choice, asked=redrawn(choice.asked, state)) if choice.asked else choice
    return {"response_action": "update", "view": form(again, opened_by=opened_by, problems=troubles)}


def redrawn(asked: Asked, state: Mapping[str, Any]) -> Asked:
    """The fields with what a person typed in them, wherever they typed it."""
    return replace(asked, given={**asked.given, **carried_over(state, asked)})


def suggestions(choice: Choice, *, action_id: str, block_id: str, query: str) -> list[dict[str, Any]]:
    """The answer to a search in one of the form's selects; nothing for one that it does not have."""
    if action_id == CONNECTION:
        return found(choice.connections, query)
    if action_id == WORKFLOW:
        return found(workflows_of(choice), query)
    wanted = digest_in(block_id)
    fields = fields_of(choice.asked) if choice.asked else ()
    asked_for = [one for one in fields if name_digest(one.spec.name) == wanted]
    return found(choosables(asked_for[0]), query) if asked_for else []


def place_of(connection: str, workflow: Workflow) -> str:
    """What tells this workflow's form from others (``Asked.place``)."""
    return short_digest(connection, workflow.workflow_id, workflow.version or "")


def _without_fields(choice: Choice, opened_by: str, problems: Sequence[Trouble]) -> dict[str, Any]:
    return _view(opened_by, [*_told(problems, choice), *choosing_blocks(choice, is_sent=False), *_notes(choice)])


def _drawn(choice: Choice, opened_by: str, problems: Sequence[Trouble]) -> dict[str, Any] | None:
    """The whole form with as much detail as fits; None where none does."""
    asked = choice.asked or Asked(specs=())
    head = [*_told(problems, choice), *choosing_blocks(choice), *_notes(choice), *_unasked(asked)]
    fields = fields_of(asked)
    for detail in _DETAILS:
        view = _view(opened_by, [*head, *blocks_of(fields, detail)], submit=choice.submit)
        if len(json.dumps(view)) <= MOST_BYTES:
            return view
    return None


def _view(opened_by: str, blocks: list[dict[str, Any]], *, submit: str = "") -> dict[str, Any]:
    sent = {"submit": plain_text(submit, 24)} if submit else {}
    return _bare(opened_by, blocks, callback_id=LAUNCH_FORM) | sent


def _bare(opened_by: str, blocks: list[dict[str, Any]], *, callback_id: str) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "private_metadata": opened_by[:_MOST_KEY],
        "title": plain_text("Launch", 24),
        "close": plain_text("Cancel", 24),
        "blocks": blocks,
    }


def _told(problems: Sequence[Trouble], choice: Choice) -> list[dict[str, Any]]:
    specs = {spec.name: spec for spec in (choice.asked.specs if choice.asked else ())}
    told = list(dict.fromkeys(_sentence(one, specs, choice.command) for one in problems))
    more = [f"and {len(told) - MOST_PROBLEMS} more"] if len(told) > MOST_PROBLEMS else []
    lines = [*told[:MOST_PROBLEMS], *more]
    room = MOST_SECTION // max(len(lines), 1) - len("• \n")
    listed = [f"• {shorten(clean(line), room)}" for line in lines] if len(lines) > 1 else lines
    return [_lines(listed, "problems")] if listed else []


def _lines(lines: Iterable[str], block_id: str) -> dict[str, Any]:
    """A section of several lines: ``plain_text`` would put them on one."""
    text = shorten("\n".join(clean(line).strip() for line in lines), MOST_SECTION)
    return {"type": "section", "block_id": block_id, "text": {"type": "plain_text", "text": text or "-", "emoji": False}}


def _sentence(trouble: Trouble, specs: Mapping[str, InputSpec], command: str) -> str:
    spec = specs.get(trouble.facts.get("name", ""))
    if spec is not None:
        return field_sentence(trouble, spec, command=command)
    return (
        reason_sentence(trouble, command=command) if isinstance(trouble, Reason) else problem_sentence(trouble, command=command)
    )


def _notes(choice: Choice) -> list[dict[str, Any]]:
    return [_lines(choice.notes, "notes")] if any(note.strip() for note in choice.notes) else []


def _unasked(asked: Asked) -> list[dict[str, Any]]:
    """What a person should know of inputs that they are not asked for; what is hidden stays hidden."""
    fixed = [
        f"{label_of(spec)}: {shorten(written(spec, asked.rule(spec).fixed), 200)} (set here, for everybody)"
        for spec in asked.unique()
        if asked.rule(spec).fixed is not None and not asked.rule(spec).hidden
    ]
    names = Counter(spec.name for spec in asked.specs)
    twice = [
        f"The provider names {label_of(spec)} more than once; the last one counts"
        for spec in asked.unique()
        if names[spec.name] > 1
    ]
    return [_lines((*fixed, *twice), "unasked")] if fixed or twice else []


def _is_lacking(spec: InputSpec, rule: InputRule) -> bool:
    return spec.required and rule.fixed is None and not asks(spec, rule) and not is_valid_default(spec)


def _not_asked(spec: InputSpec, rule: InputRule) -> Problem:
    is_nameless = spec.type is InputType.SECRET and not rule.hidden
    because = "the connection has no secrets to choose from" if is_nameless else "it is hidden here, and has no value"
    return Problem(code="input_not_asked", facts={"name": label_of(spec), "because": because})


def _too_large(choice: Choice) -> Problem:
    label = choice.workflow.label if choice.workflow else ""
    return Problem(code="form_too_large", facts={"workflow": label, "typed": _typed(choice)})


def _typed(choice: Choice) -> str:
    """The beginning of the command that launches this."""
    return write_command(choice.connection, choice.workflow.workflow_id) if choice.workflow and choice.connection else ""
