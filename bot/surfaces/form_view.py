"""What a view brings back to us: which one it is, who opened it, and what stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.model import NOTHING
from bot.domain.reading import mapping, text
from bot.surfaces.form_fields import digest_in
from bot.surfaces.form_reading import CONNECTION, WORKFLOW, form_state
from bot.surfaces.form_table import said

CONTINUE = "Continue"
"""What the form's button reads while no workflow is chosen: then nothing is launched by it."""


@dataclass(frozen=True, kw_only=True)
class FormView:
    """One view. ``mark`` is Slack's hash of what it shows; ``opened_by`` the key of the press that opened it: a hint, as all of it.

    ``shown`` is the whole view as Slack sent it.
    """

    view_id: str = ""
    mark: str = ""
    opened_by: str = ""
    submit: str = ""
    state: Mapping[str, Any] = NOTHING
    shown: Mapping[str, Any] = field(default=NOTHING, repr=False)


def read_view(view: Mapping[str, Any]) -> FormView:
    """The view of a payload; what it lacks is empty."""
    return FormView(
        view_id=text(view.get("id")) or "",
        mark=text(view.get("hash")) or "",
        opened_by=text(view.get("private_metadata")) or "",
        submit=text(mapping(view.get("submit")).get("text")) or "",
        state=form_state(view),
        shown=view,
    )


def filled_in(view: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The fields with something in them: by the digest of the input's name, its label and what stands there."""
    state = form_state(view)
    found: dict[str, tuple[str, str]] = {}
    for block in view.get("blocks") or ():
        block_id = text(mapping(block).get("block_id")) or ""
        digest = digest_in(block_id)
        typed = " ".join(one for entry in mapping(state.get(block_id)).values() for one in said(entry))
        if digest and typed:
            found[digest] = (text(mapping(mapping(block).get("label")).get("text")) or block_id, typed)
    return found


def chosen_block(state: Mapping[str, Any]) -> str | None:
    """The block in which the workflow is chosen, else the connection, where an error about it can stand."""
    blocks = {action_id: block_id for block_id, actions in state.items() for action_id in mapping(actions)}
    return blocks.get(WORKFLOW) or blocks.get(CONNECTION)


def first_field(view: Mapping[str, Any]) -> str | None:
    """The block of the first field that a submission brought, where an error can stand."""
    return next((str(block_id) for block_id in form_state(view)), None)
