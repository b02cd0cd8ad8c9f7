"""What Slack's client checks before a form leaves the screen: a person cannot send what fails here, so a bot never sees it.

https://docs.slack.dev/reference/block-kit/block-elements (required, lengths, numbers, addresses).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.forms import STATE_KEYS, Control, State, controls, filled
from bot.sandbox.slack.shapes import is_mapping

MAX_TEXT = 3000


def fill(blocks: Iterable[Mapping[str, Any]], state: State, values: Mapping[str, Any]) -> State:
    """The form's state after a person filled it: ``values`` maps a block id or label to ``{action_id: value}`` or to the value.

    Raises:
        NotPossibleError: there is no such field, or Slack's client would not take the value.
    """
    every = [control for control in controls(blocks) if control.kind in STATE_KEYS]
    filled_in = {block_id: dict(fields) for block_id, fields in state.items()}
    for name, given in values.items():
        for control, value in _meant(every, name, given):
            refuse_impossible(control, field := filled(control, value))
            filled_in[control.block_id][control.action_id] = field
    return filled_in


def submitted(blocks: Iterable[Mapping[str, Any]], state: State) -> State:
    """What a submission carries: the fields of input blocks only.

    Raises:
        NotPossibleError: a required field is empty.
    """
    sent: State = {}
    for control in controls(blocks):
        if control.is_input:
            field = state[control.block_id][control.action_id]
            if control.is_required and not _content(control, field):
                raise NotPossibleError(f"please complete this required field: {control.label!r}")
            sent.setdefault(control.block_id, {})[control.action_id] = field
    return sent


def refuse_impossible(control: Control, field: Mapping[str, Any]) -> None:
    """Raise NotPossibleError where Slack's client would mark the field instead of taking the value."""
    value = _content(control, field)
    if value in (None, [], ""):
        return
    problem = _problem(control.kind, control.element, value)
    if problem:
        raise NotPossibleError(f"{control.label!r} does not take {value!r}: {problem}")


def _meant(every: list[Control], name: str, given: object) -> list[tuple[Control, Any]]:
    there = [control for control in every if name in {control.block_id, control.label}]
    if not there:
        raise NotPossibleError(f"no field {name!r}; there is {[control.label or control.block_id for control in every]}")
    if not is_mapping(given) or "type" in given or ("value" in given and "text" in given):
        return [(there[0], given)]
    by_action = {control.action_id: control for control in there}
    if unknown := set(given) - set(by_action):
        raise NotPossibleError(f"no {sorted(unknown)} in field {name!r}; there is {sorted(by_action)}")
    return [(by_action[action_id], value) for action_id, value in given.items()]


def _content(control: Control, field: Mapping[str, Any]) -> Any:
    return field.get(STATE_KEYS[control.kind][0])


def _problem(kind: str, element: Mapping[str, Any], value: Any) -> str | None:
    match kind:
        case "plain_text_input":
            return _length_problem(element, str(value))
        case "number_input":
            return _number_problem(element, str(value))
        case "email_text_input":
            return None if "@" in str(value).strip("@") else "no address"
        case "url_text_input":
            parts = urlsplit(str(value))
            return None if parts.scheme in {"http", "https"} and parts.netloc else "no address"
        case _:
            return None


def _length_problem(element: Mapping[str, Any], text: str) -> str | None:
    if len(text) > element.get("max_length", MAX_TEXT):
        return "too long"
    return "too short" if len(text) < element.get("min_length", 0) else None


def _number_problem(element: Mapping[str, Any], text: str) -> str | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return "no number"
    if not number.is_finite():
        return "no number"
    if not element.get("is_decimal_allowed") and number != number.to_integral_value():
        return "no whole number"
    low, high = Decimal(element.get("min_value", number)), Decimal(element.get("max_value", number))
    return None if low <= number <= high else "out of range"
