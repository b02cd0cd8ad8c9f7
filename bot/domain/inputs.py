"""Reads what people typed into inputs as typed values, and names every misfit at once.

Why a default of ours is applied here: it is part of what runs, so it must be seen, approved and stored with the launch. A default
that the provider told is its own to fill in; where the input is required we send it, so that nothing depends on that.
A default that does not fit its own input is as good as none; where it is ours to apply, leaving it out would let another value run than
whoever judges this sees, so a value must be given.

Why a text that looks like a token is refused in whatever stands under a name, also an unknown one: it would be kept, and shown
again in the corrected command.

Why an empty value is a missing one also where text is wanted (design.md, section 11): a form cannot tell them apart.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, cast

from bot.domain.model import InputSpec, InputType, Json, Problem
from bot.domain.spelling import closest, hidden_characters, name_character
from bot.domain.tokens import blanked, looks_like_token
from bot.domain.values import READERS, Misfit, is_sendable_json

MOST_ITEMS = 500

_DESCRIPTIONS = {
    InputType.TEXT: "one line of text",
    InputType.LONG_TEXT: "text",
    InputType.INTEGER: "a whole number",
    InputType.DECIMAL: "a number such as 12.50",
    InputType.BOOLEAN: "yes or no",
    InputType.DATE: "a date such as 2026-11-21",
    InputType.DATETIME: "a time with its zone, such as 2026-11-21T09:30Z",
    InputType.CHOICE: "one of its options",
    InputType.MULTI_CHOICE: "some of its options",
    InputType.EMAIL: "an e-mail address",
    InputType.URL: "a web address",
    InputType.JSON: "JSON",
    InputType.SECRET: "the name of a secret",
}
_EXAMPLES = {
    InputType.TEXT: "text",
    InputType.LONG_TEXT: "some text",
    InputType.INTEGER: "12",
    InputType.DECIMAL: "12.50",
    InputType.BOOLEAN: "yes",
    InputType.DATE: "2026-11-21",
    InputType.DATETIME: "2026-11-21T09:30Z",
    InputType.CHOICE: "option",
    InputType.MULTI_CHOICE: "option",
    InputType.EMAIL: "ada@example.com",
    InputType.URL: "https://example.com/",
    InputType.JSON: '{"key": 1}',
    InputType.SECRET: "name",
}


def describe_type(kind: InputType) -> str:
    """What an input of this type takes, in words that follow "takes"."""
    return _DESCRIPTIONS[kind]


def example_value(spec: InputSpec) -> str:
    """A text that ``read_value`` takes for this input."""
    example = spec.options[0] if spec.options else _EXAMPLES[spec.type]
    return f"[{example}]" if spec.many and spec.type is InputType.JSON else example


def read_inputs(specs: tuple[InputSpec, ...], given: Mapping[str, str]) -> tuple[dict[str, Json], tuple[Problem, ...]]:
    """The typed values of ``given`` with defaults filled in, and every problem. Names are case-sensitive.

    What stands under a misspelt name is judged as the input that was most likely meant, and is no value of it yet.
    """
    known = {spec.name: spec for spec in specs}
    problems = [*_secrets(known, given), *(_unknown(name, known) for name in given if name not in known)]
    meant = _meant(problems, given)
    refused = {problem.facts["name"] for problem in problems}
    values: dict[str, Json] = {}
    for name, spec in known.items():
        if name in refused:
            continue
        text = given.get(name) or meant.get(name, "")
        if not is_left_out(spec, text):
            value = read_value(spec, text)
        elif (spec.required or spec.is_default_ours) and is_valid_default(spec):
            value = read_default(spec)
        elif spec.required:
            value = _missing(spec)
        elif spec.is_default_ours and spec.default is not None:
            value = _unreadable(spec)
        else:
            continue
        if isinstance(value, Problem):
            problems.append(value)
        elif name not in meant:
            values[name] = value
    return values, tuple(problems)


def with_secrets(specs: Iterable[InputSpec], names: Iterable[str]) -> tuple[InputSpec, ...]:
    """``specs``, where an input of the type secret takes one of ``names``, those of its connection's secrets."""
    options = tuple(names)
    return tuple(replace(spec, options=options) if spec.type is InputType.SECRET else spec for spec in specs)


def is_left_out(spec: InputSpec, text: str) -> bool:
    """An empty value is a missing one; spaces alone are a value only where text is wanted and may be missing."""
    is_kept = spec.type in {InputType.TEXT, InputType.LONG_TEXT} and not spec.required
    return not (text if is_kept else text.strip())


def read_value(spec: InputSpec, text: str) -> Json | Problem:
    """``text`` as the input's type, or a ``bad_input`` problem that says what would fit."""
    hidden = hidden_characters(text)
    if hidden:
        return _bad(spec, Misfit(typed=text, expected=f"text without the invisible character {name_character(hidden[0])}"))
    value = _read_list(spec, text) if spec.many or spec.type is InputType.MULTI_CHOICE else READERS[spec.type](spec, text)
    return _bad(spec, value) if isinstance(value, Misfit) else value


def is_valid_default(spec: InputSpec) -> bool:
    """Whether the input has a default that it would itself take."""
    return spec.default is not None and not isinstance(read_default(spec), Problem)


def read_default(spec: InputSpec) -> Json | Problem:
    """The default as a typed value; configuration and providers give it as text or as JSON."""
    default = spec.default
    if spec.type is InputType.JSON and not isinstance(default, str):
        is_good = is_sendable_json(default) and (not spec.many or isinstance(default, list))
        return cast("Json", default) if is_good else _bad(spec, Misfit(typed="", expected="a JSON list" if spec.many else "JSON"))
    if isinstance(default, list | tuple):
        value = _read_each(spec, [_as_text(entry) for entry in cast("list[Any]", default)])
        return _bad(spec, value) if isinstance(value, Misfit) else value
    text = _as_text(default)
    return _bad(spec, Misfit(typed="", expected=describe_type(spec.type))) if is_left_out(spec, text) else read_value(spec, text)


def _as_text(default: Json) -> str:
    if isinstance(default, bool):
        return "true" if default else "false"
    return default.isoformat() if isinstance(default, date) else str(default)


def _unknown(name: str, known: Mapping[str, InputSpec]) -> Problem:
    return Problem(
        code="unknown_input", facts={"name": blanked(name), "closest": closest(name, known) or "", "known": ", ".join(known)}
    )


def _secrets(known: Mapping[str, InputSpec], given: Mapping[str, str]) -> Iterator[Problem]:
    """What looks like a token, by kind. An input of the type secret says by itself that it takes a name only."""
    for name, text in given.items():
        is_secret = name in known and known[name].type is InputType.SECRET
        kind = looks_like_token(name) or (None if is_secret else looks_like_token(text))
        if kind:
            yield Problem(code="looks_secret", facts={"name": blanked(name), "kind": kind})


def _meant(problems: list[Problem], given: Mapping[str, str]) -> dict[str, str]:
    """The texts under misspelt names, by the input that each most likely means, where that was not given itself."""
    unknown = (problem for problem in reversed(problems) if problem.code == "unknown_input")
    near = {problem.facts["closest"]: given.get(problem.facts["name"], "") for problem in unknown}
    return {name: text for name, text in near.items() if name and name not in given and not looks_like_token(text)}


def _missing(spec: InputSpec) -> Problem:
    facts = {
        "name": spec.name,
        "type": spec.type.value,
        "expected": describe_type(spec.type),
        "hint": spec.hint or "",
        "known": ", ".join(spec.options),
    }
    return Problem(code="missing_input", facts=facts)


def _unreadable(spec: InputSpec) -> Problem:
    facts = {
        "name": spec.name,
        "expected": describe_type(spec.type),
        "hint": spec.hint or "",
        "known": ", ".join(spec.options),
    }
    return Problem(code="default_misfit", facts=facts)


def _bad(spec: InputSpec, misfit: Misfit) -> Problem:
    """What was typed into a secret's input is never repeated: it may be the secret itself."""
    facts = {
        "name": spec.name,
        "typed": "" if spec.type is InputType.SECRET else misfit.typed,
        "type": spec.type.value,
        "expected": misfit.expected,
        "hint": spec.hint or "",
        "closest": misfit.closest or "",
        "known": ", ".join(spec.options),
    }
    return Problem(code="bad_input", facts=facts)


def _read_list(spec: InputSpec, text: str) -> Json | Misfit:
    """Values parted by commas; one that holds a comma stands in double quotes, as in a CSV file."""
    if text in spec.options:
        return _read_each(spec, [text], text)
    if spec.type is InputType.JSON:
        value = READERS[InputType.JSON](spec, text)
        return cast("Json", value) if isinstance(value, list | Misfit) else Misfit(typed=text, expected="a JSON list")
    try:
        entries = [entry.strip() for entry in next(csv.reader([text], strict=True, skipinitialspace=True), list[str]())]
    except csv.Error:
        return Misfit(typed=text, expected='values parted by commas, each with a comma in it in "double quotes"')
    return _read_each(spec, entries, text)


def _read_each(spec: InputSpec, entries: list[str], text: str = "") -> Json | Misfit:
    if not all(entries) or len(entries) > MOST_ITEMS:
        return Misfit(typed=text, expected=f"up to {MOST_ITEMS} values parted by commas, none of them empty")
    values: list[Json] = [READERS[spec.type](spec, entry) for entry in entries]
    misfits = [value for value in values if isinstance(value, Misfit)]
    return misfits[0] if misfits else values
