"""The table of types: one row for each ``InputType``, from the element that asks for it to what leaves for the provider.

A row says which element asks, how a value that is there already is shown in it, and as what the typed value leaves; the element
says how what was chosen becomes the text that ``inputs.read_inputs`` takes.

Why text is what comes out: a typed command and a form are then read by one reader, and agree on what a value means.

Why an element may fall back to a plain text field: what stands there already (typed, carried over, of an earlier launch) must be
shown even where the element cannot hold it, such as a day that does not exist. Slack refuses a whole view for one such value.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from bot.domain.input_writing import is_list
from bot.domain.inputs import example_value, read_value
from bot.domain.model import InputSpec, InputType, Json, Problem
from bot.domain.reading import items, mapping, text
from bot.domain.spelling import is_hidden
from bot.surfaces.escaping import plain_text, size
from bot.surfaces.form_options import MOST_OPTIONS

MOST_SHOWN = 3000
"""UTF-16 units of an initial value; https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element"""
_MOST_NUMBER = 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A picker's time has ten digits: https://docs.slack.dev/reference/block-kit/block-elements/datetime-picker-element
_FIRST_SECOND, _LAST_SECOND = 10**9, 10**10 - 1
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")

Shown: TypeAlias = str | int | None
"""An initial value; None where the element cannot hold the text."""


class Leaves(StrEnum):
    """As what a value stands in the provider's JSON."""

    STRING = "string"
    NUMBER = "number"
    TRUTH = "true or false"
    ANY = "any JSON"


@dataclass(frozen=True, kw_only=True)
class Element:
    """One of Slack's elements: the keys of its initial value and of its state."""

    type: str
    initial: str
    state: str
    is_many: bool = False
    is_select: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """One type: ``element`` asks for it where no options are known; ``show`` turns a fitting text into its initial value."""

    element: str
    leaves: Leaves
    show: Callable[[str], Shown]
    facts: dict[str, Json]
    placeholder: bool = False


def _typed(kind: str) -> Element:
    return Element(type=kind, initial="initial_value", state="value")


def _one(kind: str) -> Element:
    return Element(type=kind, initial="initial_option", state="selected_option", is_select=True)


def _many(kind: str) -> Element:
    return Element(type=kind, initial="initial_options", state="selected_options", is_many=True, is_select=True)


ELEMENTS: Mapping[str, Element] = {
    element.type: element
    for element in (
        *map(_typed, ("plain_text_input", "number_input", "email_text_input", "url_text_input")),
        *map(_one, ("static_select", "external_select", "radio_buttons")),
        *map(_many, ("multi_static_select", "multi_external_select")),
        Element(type="datepicker", initial="initial_date", state="selected_date"),
        Element(type="datetimepicker", initial="initial_date_time", state="selected_date_time"),
    )
}
PLAIN_FACTS: dict[str, Json] = {"max_length": MOST_SHOWN}


def _as_it_is(shown: str) -> Shown:
    return shown


def _as_number(shown: str) -> Shown:
    """Only numbers that every reader takes: Slack's documents do not say whether it reads exponents, signs or a bare point."""
    digits = shown.strip(" ")
    return digits if len(digits) <= _MOST_NUMBER and _NUMBER.fullmatch(digits) else None


def _as_line(shown: str) -> Shown:
    return shown.strip(" ")


def _as_date(shown: str) -> Shown:
    try:
        return date.fromisoformat(shown.strip(" ")).isoformat()
    except ValueError:
        return None


def _as_second(shown: str) -> Shown:
    """A whole minute, as a picker holds no part of one."""
    moment = _moment(shown)
    if moment is None or moment.second or moment.microsecond:
        return None
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return seconds if _FIRST_SECOND <= seconds <= _LAST_SECOND else None


TABLE: Mapping[InputType, Row] = {
    InputType.TEXT: Row(element="plain_text_input", leaves=Leaves.STRING, show=_as_it_is, facts=PLAIN_FACTS),
    InputType.LONG_TEXT: Row(
        element="plain_text_input", leaves=Leaves.STRING, show=_as_it_is, facts={**PLAIN_FACTS, "multiline": True}
    ),
    InputType.INTEGER: Row(
        element="number_input", leaves=Leaves.NUMBER, show=_as_number, facts={"is_decimal_allowed": False}, placeholder=True
    ),
    InputType.DECIMAL: Row(
        element="number_input", leaves=Leaves.NUMBER, show=_as_number, facts={"is_decimal_allowed": True}, placeholder=True
    ),
    InputType.BOOLEAN: Row(element="radio_buttons", leaves=Leaves.TRUTH, show=_as_it_is, facts={}),
    InputType.DATE: Row(element="datepicker", leaves=Leaves.STRING, show=_as_date, facts={}),
    InputType.DATETIME: Row(element="datetimepicker", leaves=Leaves.STRING, show=_as_second, facts={}),
    InputType.CHOICE: Row(element="plain_text_input", leaves=Leaves.STRING, show=_as_it_is, facts=PLAIN_FACTS),
    InputType.MULTI_CHOICE: Row(element="plain_text_input", leaves=Leaves.STRING, show=_as_it_is, facts=PLAIN_FACTS),
    InputType.EMAIL: Row(element="email_text_input", leaves=Leaves.STRING, show=_as_line, facts={}, placeholder=True),
    InputType.URL: Row(element="url_text_input", leaves=Leaves.STRING, show=_as_line, facts={}, placeholder=True),
    InputType.JSON: Row(
        element="plain_text_input",
        leaves=Leaves.ANY,
        show=_as_it_is,
        facts={**PLAIN_FACTS, "multiline": True},
        placeholder=True,
    ),
    InputType.SECRET: Row(element="static_select", leaves=Leaves.STRING, show=_as_it_is, facts={}),
}
"""Where options are known they are chosen from instead, whatever the type (``element_type``)."""


def row(spec: InputSpec) -> Row:
    """The table's row of an input."""
    return TABLE[spec.type]


def element_type(spec: InputSpec, options: int, shown: str, *, is_looked_up: bool = False, most: int = MOST_OPTIONS) -> str:
    """Which element asks for an input that has so many options, in which ``shown`` stands already.

    ``most``: options up to which they are all in the view; more are searched. ``is_looked_up``: they are searched elsewhere.
    """
    if options or is_looked_up:
        if spec.type is InputType.BOOLEAN and not is_list(spec):
            return "radio_buttons"
        how = "external_select" if is_looked_up or options > most else "static_select"
        return f"multi_{how}" if is_list(spec) else how
    own = row(spec)
    if is_list(spec) or (own.element != "plain_text_input" and shown and initial(spec, shown) is None):
        return "plain_text_input"
    return own.element


def initial(spec: InputSpec, shown: str) -> Shown:
    """``shown`` as the type's own element holds it; None where it cannot, or where it is no value of the type at all."""
    return None if isinstance(read_value(spec, shown), Problem) else row(spec).show(shown)


def typed_element(spec: InputSpec, kind: str, shown: str) -> dict[str, Any]:
    """An element that is typed into or picked in, with what stands in it already."""
    own = row(spec)
    element: dict[str, Any] = {"type": kind}
    if kind == own.element and not is_list(spec):
        element |= own.facts
        value = initial(spec, shown) if kind != "plain_text_input" else visible(shown)
    else:
        element |= PLAIN_FACTS | ({"multiline": True} if "\n" in shown or spec.type is InputType.LONG_TEXT else {})
        value = visible(shown)
    if own.placeholder and (kind == own.element or is_list(spec)):
        element["placeholder"] = plain_text(example_value(replace(spec, options=())), 150)
    return element | ({ELEMENTS[kind].initial: value} if value not in {None, ""} else {})


def visible(shown: str) -> str:
    """What of a text can be shown in a field; nothing of one that does not fit, since a cut value is another value."""
    seen = "".join(char for char in shown if not is_hidden(char))
    return seen if size(seen) <= MOST_SHOWN else ""


def said(entry: Json) -> tuple[str, ...]:
    """What stands in a field, as it came back: one text, or one for each chosen option, as they were coded."""
    field = mapping(entry)
    element = ELEMENTS.get(text(field.get("type")) or "")
    if element is None:
        return ()
    value = field.get(element.state)
    if element.is_select:
        chosen = items(value) if element.is_many else (value,)
        return tuple(one for one in (_text(mapping(option).get("value")) for option in chosen) if one)
    if element.type == "datetimepicker":
        return _second(value)
    return (_text(value),) if _text(value) else ()


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _second(value: Json) -> tuple[str, ...]:
    if isinstance(value, bool) or not isinstance(value, int):
        return (value,) if isinstance(value, str) and value else ()
    try:
        return ((_EPOCH + timedelta(seconds=value)).isoformat().replace("+00:00", "Z"),)
    except OverflowError:
        return (str(value)[:_MOST_NUMBER],)


def _moment(shown: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(shown.strip(" ").upper())
        return read.astimezone(UTC) if read.tzinfo else None
    except (OverflowError, ValueError):
        return None
