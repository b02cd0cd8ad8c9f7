"""What comes back from the form: the texts of its inputs, what was chosen above them, and where each problem belongs.

Fields are told by the digest of the name in their ids, so that a submission of an older view is read as far as its inputs still
exist, and its errors stand at the fields that the person sees.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.domain.grants import InputRule
from bot.domain.input_writing import is_list, written
from bot.domain.inputs import read_value
from bot.domain.model import InputSpec, InputType, Json, Problem, Reason
from bot.domain.reading import mapping, text
from bot.domain.tokens import blanked_within, looks_like_token
from bot.surfaces.escaping import shorten
from bot.surfaces.form_fields import Asked, digest_in, label_of, name_digest
from bot.surfaces.form_options import decoded, offered
from bot.surfaces.form_table import ELEMENTS, row, said
from bot.surfaces.words import problem_sentence, reason_sentence

CONNECTION = "launch_form_connection"
WORKFLOW = "launch_form_workflow"
MOST_ERROR = 250
"""Characters of an error at a field. Slack names no limit; more than a few lines push the form off the screen."""

Trouble: TypeAlias = Problem | Reason


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Errors by block id, all at once, and what belongs to no field that the person sees."""

    at: Mapping[str, str]
    rest: tuple[Trouble, ...]


def form_state(view: Mapping[str, Any]) -> Mapping[str, Any]:
    """What stands in a view's fields (``state.values``); empty for a view without any."""
    return mapping(mapping(view.get("state")).get("values"))


def kept_submission(view: Mapping[str, Any]) -> str:
    """A submission as it is kept: the key of the press that opened the form, and what stands in the fields, without tokens."""
    kept = {"opened_by": text(view.get("private_metadata")) or "", "values": form_state(view)}
    return json.dumps(blanked_within(kept), ensure_ascii=False)


def kept_state(kept: str) -> Mapping[str, Any]:
    """What stood in the fields of a kept submission; ``forms.opened_by`` reads its key."""
    try:
        return mapping(mapping(json.loads(kept)).get("values"))
    except ValueError:
        return {}


def chosen_in(state: Mapping[str, Any], known: Sequence[str] = ()) -> tuple[str, str]:
    """The connection and the workflow that are chosen above the fields, each empty where none is.

    ``known``: ids of workflows, among which one too long to be its own code is found.
    """
    picked = {action_id: decoded(one, known) for _, action_id, entry in _entries(state) for one in said(entry)[:1]}
    return picked.get(CONNECTION, ""), picked.get(WORKFLOW, "")


def read_submission(state: Mapping[str, Any], specs: Iterable[InputSpec], rules: Mapping[str, InputRule]) -> dict[str, str]:
    """What was typed and chosen, by input, as the texts that ``inputs.read_inputs`` takes. A field left empty gives ``""``."""
    by_digest = {name_digest(spec.name): spec for spec in specs}
    found: dict[str, str] = {}
    for block_id, _, entry in _entries(state):
        spec = by_digest.get(digest_in(block_id) or "")
        if spec is not None:
            found[spec.name] = _typed(spec, rules.get(spec.name, InputRule()), entry)
    return found


def given(state: Mapping[str, Any], specs: Iterable[InputSpec], rules: Mapping[str, InputRule]) -> dict[str, str]:
    """Only what was filled in, which is what a person would have typed after the command."""
    return {name: written for name, written in read_submission(state, specs, rules).items() if written}


def carried_over(state: Mapping[str, Any], asked: Asked) -> dict[str, str]:
    """What a person typed into one form, for another (or the same one, drawn anew): by name, where the new input takes it.

    In a field of the same kind also what does not fit survives: it is theirs to correct. What looks like a token never does.
    """
    specs = asked.unique()
    kinds = {digest_in(block_id): text(mapping(entry).get("type")) for block_id, _, entry in _entries(state)}
    return {
        spec.name: typed
        for spec in specs
        for typed in [read_submission(state, [spec], asked.rules).get(spec.name)]
        if typed is not None and _survives(spec, typed, kinds.get(name_digest(spec.name)))
    }


def placed(troubles: Sequence[Trouble], state: Mapping[str, Any], specs: Iterable[InputSpec], *, command: str) -> Placed:
    """Each problem at the field that it is about, in words of the field."""
    by_name = {spec.name: spec for spec in specs}
    blocks = {digest_in(block_id): block_id for block_id, _, _ in _entries(state) if digest_in(block_id)}
    at: dict[str, list[str]] = {}
    rest: list[Trouble] = []
    for trouble in troubles:
        spec = by_name.get(trouble.facts.get("name", ""))
        block_id = blocks.get(name_digest(spec.name)) if spec else None
        if spec is None or block_id is None:
            rest.append(trouble)
        else:
            at.setdefault(block_id, []).append(field_sentence(trouble, spec, command=command))
    return Placed(
        at={block_id: shorten(" ".join(dict.fromkeys(told)), MOST_ERROR) for block_id, told in at.items()}, rest=tuple(rest)
    )


def field_sentence(trouble: Trouble, spec: InputSpec, *, command: str) -> str:
    """What is wrong with a field: by its label, and without the options, which stand in it."""
    facts = {**trouble.facts, "name": shorten(label_of(spec), 60), "hint": ""}
    if spec.options:
        facts["known"] = ""
    if isinstance(trouble, Problem):
        return problem_sentence(Problem(code=trouble.code, facts=facts), command=command)
    return reason_sentence(Reason(code=trouble.code, facts=facts), command=command)


def _entries(state: Mapping[str, Any]) -> Iterator[tuple[str, str, Json]]:
    for block_id, actions in state.items():
        for action_id, entry in mapping(actions).items():
            yield str(block_id), str(action_id), entry


def _typed(spec: InputSpec, rule: InputRule, entry: Json) -> str:
    known = offered(spec, rule)
    if ELEMENTS.get(text(mapping(entry).get("type")) or "", ELEMENTS["plain_text_input"]).is_select:
        values = [decoded(one, known) for one in said(entry)]
        return written(spec, values) if is_list(spec) and values else "".join(values[:1])
    return "".join(said(entry)[:1])


def _survives(spec: InputSpec, typed: str, kind: str | None) -> bool:
    if looks_like_token(typed):
        return False
    if not typed:
        return True
    is_same_kind = kind == row(spec).element and spec.type is not InputType.SECRET
    return is_same_kind or not isinstance(read_value(spec, typed), Problem)
