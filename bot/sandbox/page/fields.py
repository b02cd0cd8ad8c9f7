"""What a browser says stands in the fields of a form, checked: shapes that are Slack's, and options that were offered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.sandbox.page.doors import InFieldsError
from bot.sandbox.slack.control import MistakeError
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.filling import refuse_impossible
from bot.sandbox.slack.forms import ASKED, STATE_KEYS, Control, State, controls, offered
from bot.sandbox.slack.shapes import is_list, is_mapping, mapping
from bot.sandbox.slack.views import View

REQUIRED = "Please complete this required field."


def kept(view: View, given: Mapping[str, Any]) -> State:
    """The view's fields with those that were given. Fields that the view no longer has are left out, as Slack does.

    Raises:
        MistakeError: a field has another type's shape.
        NotPossibleError: an option that was not offered.
    """
    state: State = {block_id: dict(fields) for block_id, fields in view.state.items()}
    for control in controls(view.blocks):
        field = mapping(given.get(control.block_id)).get(control.action_id)
        if field is not None and control.kind in STATE_KEYS:
            state.setdefault(control.block_id, {})[control.action_id] = chosen_in(control, field)
    return state


def chosen_in(control: Control, field: object) -> dict[str, Any]:
    """What was put into one element (for an overflow menu: the option), as Slack would say it.

    Raises:
        MistakeError: it has another shape.
        NotPossibleError: an option that was not offered.
    """
    if control.kind == "overflow":
        return _option(control, mapping(field).get("selected_option"))
    if control.kind not in STATE_KEYS or not is_mapping(field) or field.get("type") != control.kind:
        raise MistakeError(f"{_name(control)} is a {control.kind}, and needs its value as Slack's state has it")
    key, _ = STATE_KEYS[control.kind]
    return {"type": control.kind, key: _content(control, key, field.get(key))}


def refuse_unsendable(view: View) -> None:
    """Raise InFieldsError, with a sentence per field, where Slack's client would not let the form go."""
    errors: dict[str, str] = {}
    for control in controls(view.blocks):
        if control.is_input and (trouble := _trouble(control, view.state)):
            errors.setdefault(control.block_id, trouble)
    if errors:
        raise InFieldsError(errors)


def _trouble(control: Control, state: State) -> str:
    field = state[control.block_id][control.action_id]
    content = field.get(STATE_KEYS[control.kind][0])
    if control.is_required and not content:
        return REQUIRED
    try:
        refuse_impossible(control, field)
    except NotPossibleError as refusal:
        return str(refusal)
    return ""


def _content(control: Control, key: str, value: object) -> Any:
    if value is None:
        return [] if key.endswith("options") else None
    sort, fits = SHAPES.get(key, ("text", lambda one: isinstance(one, str)))
    if not fits(value):
        raise MistakeError(f"{_name(control)} needs {sort}")
    if key == "selected_option":
        return _option(control, value)
    return [_option(control, one) for one in value] if key == "selected_options" and is_list(value) else value


def _option(control: Control, given: object) -> dict[str, Any]:
    """An option of the blocks by its value; one that the bot was asked for is believed as it is given."""
    wanted = mapping(given)
    value = wanted.get("value")
    if not isinstance(value, str) or (control.kind in ASKED and not is_mapping(wanted.get("text"))):
        raise MistakeError(f"{_name(control)} needs an option: text and value")
    if control.kind in ASKED:
        return wanted
    for option in offered(control):
        if option.get("value") == value:
            return option
    raise NotPossibleError(f"{_name(control)} offers no {value!r}")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _name(control: Control) -> str:
    return repr(control.label or control.action_id)


SHAPES: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "selected_option": ("an option", is_mapping),
    "rich_text_value": ("an object", is_mapping),
    "selected_date_time": ("a whole number", _is_whole),
    **{f"selected_{name}s": ("a list", is_list) for name in ("option", "user", "conversation", "channel")},
    "files": ("a list", is_list),
}
"""What the content of a field must be, by its key in the state; text where it is not named."""
