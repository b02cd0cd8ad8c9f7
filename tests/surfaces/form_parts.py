"""What tests of the form share: a person who fills it in Slack's own way, and every check that a view must pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.models.views import View

from bot.domain.grants import InputRule
from bot.domain.model import InputSpec, InputType, Workflow
from bot.sandbox.slack.blocks import refuse_bad_view
from bot.sandbox.slack.forms import State, controls, initial_state
from bot.surfaces.form_choosing import Choice
from bot.surfaces.form_fields import Asked, digest_in, name_digest
from bot.surfaces.form_options import Choosable
from bot.surfaces.form_table import ELEMENTS
from bot.surfaces.launch_form import form, place_of
from tests.block_limits import assert_view_within_limits, units

KEY = "k-1"
BILLING = Choosable(value="billing", text="billing", note="Zuora Workflow")
DUNNING = Workflow(workflow_id="396", name="Dunning run")


def spec(name: str = "amount", kind: InputType = InputType.TEXT, **changes: Any) -> InputSpec:
    return InputSpec(**({"name": name, "type": kind} | changes))


def a_choice(*specs: InputSpec, rules: Mapping[str, InputRule] | None = None, **changes: Any) -> Choice:
    """The chosen workflow takes these inputs."""
    workflow = changes.pop("workflow", DUNNING)
    asked = {name: changes.pop(name) for name in ("given", "looked_up", "notes_at") if name in changes}
    if "notes_at" in asked:
        asked["notes"] = asked.pop("notes_at")
    plain: dict[str, Any] = {
        "connections": (BILLING,),
        "connection": "billing",
        "workflows": (workflow,),
        "workflow": workflow,
        "asked": Asked(specs=specs, rules=rules or {}, place=place_of("billing", workflow), **asked),
    }
    return Choice(**(plain | changes))


def drawn(*specs: InputSpec, rules: Mapping[str, InputRule] | None = None, **changes: Any) -> dict[str, Any]:
    """The form for these inputs, checked."""
    view = form(a_choice(*specs, rules=rules, **changes), opened_by=KEY)
    assert_fine(view)
    return view


def assert_fine(view: Mapping[str, Any]) -> None:
    """Within Slack's limits by our table, by slack_sdk's models and by the stand-in, with nothing in it but the key."""
    assert_view_within_limits(view)
    View(**view).validate_json()
    refuse_bad_view(view, "modal")
    assert len(view["blocks"]) > 0
    assert all(units(view[part]["text"]) <= 24 for part in ("title", "close", "submit") if part in view)
    assert view["private_metadata"] == KEY
    assert ("submit" in view) or not any(block["type"] == "input" for block in view["blocks"])


def block(view: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The block that asks for an input."""
    found = [one for one in view["blocks"] if digest_in(one.get("block_id", "")) == name_digest(name)]
    assert len(found) == 1, f"{len(found)} blocks ask for {name!r}"
    return dict(found[0])


def element(view: Mapping[str, Any], name: str) -> dict[str, Any]:
    return dict(block(view, name)["element"])


def labels(view: Mapping[str, Any]) -> list[str]:
    return [one["label"]["text"] for one in view["blocks"] if digest_in(one.get("block_id", ""))]


def words(view: Mapping[str, Any], block_id: str) -> str:
    """What a section above the fields says; empty where there is none."""
    return next((str(one["text"]["text"]) for one in view["blocks"] if one.get("block_id") == block_id), "")


def state(view: Mapping[str, Any], **values: Any) -> State:
    """What stands in the fields of a view once these inputs hold these values, as Slack writes them."""
    found = initial_state(view["blocks"])
    for name, value in values.items():
        put(found, view, name, value)
    return found


def put(found: State, view: Mapping[str, Any], name: str, value: Any) -> None:
    """Put a value into the field of an input: a text, a number of seconds, an option or several."""
    one = block(view, name)
    kind = one["element"]["type"]
    found[one["block_id"]][one["element"]["action_id"]] = {"type": kind, ELEMENTS[kind].state: value}


def sent(view: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    """The view as a submission brings it."""
    return {**view, "state": {"values": state(view, **values)}}


def option_for(view: Mapping[str, Any], name: str, text: str) -> dict[str, Any]:
    """The option that reads so."""
    found = [one for one in element(view, name)["options"] if one["text"]["text"] == text]
    assert len(found) == 1, [one["text"]["text"] for one in element(view, name)["options"]]
    return dict(found[0])


def kinds(view: Mapping[str, Any]) -> list[str]:
    return [control.kind for control in controls(view["blocks"])]


def names(specs: Sequence[InputSpec]) -> list[str]:
    return [one.name for one in specs]
