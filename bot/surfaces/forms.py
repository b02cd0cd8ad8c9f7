"""Forms: their views, and what comes back from them. Building and reading stand together, since one must undo the other.

``private_metadata`` holds only the key of the press that opened the form. It comes back through the client, so it is a hint: the press
itself, with its person, channel and launch, is read from our own store.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.domain.model import Launch
from bot.domain.reading import mapping, text
from bot.domain.tokens import blanked_within
from bot.surfaces.escaping import plain_text, shorten

RAN_FORM = "doubt_ran_form"
RUN_ID_BLOCK = "run_id"
RUN_ID_FIELD = "value"
REJECT_FORM = "approval_reject_form"
REASON_BLOCK = "reason"
MOST_REASON = 3000
MOST_RUN_ID = 200


def ran_form(launch: Launch, *, opened_by: str) -> dict[str, Any]:
    """The form that asks for the run that a launch in doubt caused."""
    target = f"{shorten(launch.workflow_label, 100)} on {launch.connection} ({launch.launch_id})"
    return {
        "type": "modal",
        "callback_id": RAN_FORM,
        "private_metadata": opened_by,
        "title": plain_text("It ran", 24),
        "submit": plain_text("This is the run", 24),
        "close": plain_text("Not sure", 24),
        "blocks": [
            {"type": "section", "text": plain_text(f"Which run did {target} cause? It is checked at the provider.", 3000)},
            {
                "type": "input",
                "block_id": RUN_ID_BLOCK,
                "label": plain_text("Run id at the provider", 2000),
                "element": {"type": "plain_text_input", "action_id": RUN_ID_FIELD, "max_length": MOST_RUN_ID},
            },
        ],
    }


def reject_form(launch: Launch, *, opened_by: str) -> dict[str, Any]:
    """The form that asks why a launch is rejected."""
    target = f"{shorten(launch.workflow_label, 100)} on {shorten(launch.connection, 100)} ({launch.launch_id})"
    return {
        "type": "modal",
        "callback_id": REJECT_FORM,
        "private_metadata": opened_by,
        "title": plain_text("Reject", 24),
        "submit": plain_text("Reject", 24),
        "close": plain_text("Not yet", 24),
        "blocks": [
            {"type": "section", "text": plain_text(f"Why is {target} rejected? Everybody in its channel can read it.", 3000)},
            {
                "type": "input",
                "block_id": REASON_BLOCK,
                "label": plain_text("Reason", 2000),
                "element": {
                    "type": "plain_text_input",
                    "action_id": RUN_ID_FIELD,
                    "multiline": True,
                    "max_length": MOST_REASON,
                },
            },
        ],
    }


def form_text(view: Mapping[str, Any]) -> str:
    """What is kept of a submission: who opened the form, and the text in each field, without tokens."""
    values = mapping(mapping(view.get("state")).get("values"))
    fields = {block: text(mapping(mapping(fields).get(RUN_ID_FIELD)).get("value")) or "" for block, fields in values.items()}
    kept = {"opened_by": text(view.get("private_metadata")) or "", "fields": fields}
    return json.dumps(blanked_within(kept), ensure_ascii=False)


def opened_by(kept: str) -> str | None:
    """The key of the press that opened the form; None where there is none."""
    return text(_read(kept).get("opened_by"))


def run_id(kept: str) -> str:
    """The run that was named, without spaces around it."""
    return (text(mapping(_read(kept).get("fields")).get(RUN_ID_BLOCK)) or "").strip()


def reason(kept: str) -> str:
    """Why a launch is rejected, as it was written, without spaces around it; cut where it is longer than the form allows."""
    written = (text(mapping(_read(kept).get("fields")).get(REASON_BLOCK)) or "").strip()
    return shorten(written, MOST_REASON)


def _read(kept: str) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(kept))
    except ValueError:
        return {}
