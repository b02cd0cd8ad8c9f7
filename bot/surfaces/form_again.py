"""An earlier launch as the beginning of a new one: its values where they still fit, and everything that is different today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.domain.grants import InputRule
from bot.domain.input_rules import misfits
from bot.domain.input_writing import reads_as, written
from bot.domain.inputs import describe_type, is_valid_default, read_value
from bot.domain.model import InputSpec, Json, Problem
from bot.surfaces.escaping import shorten
from bot.surfaces.form_fields import Asked, asks
from bot.surfaces.form_table import visible

_MOST_TYPED = 200


@dataclass(frozen=True, kw_only=True)
class Again:
    """The fields with the earlier values in them, and the differences, each in words of ``words``."""

    asked: Asked
    differences: tuple[Problem, ...]


def again(earlier: Mapping[str, Json], asked: Asked) -> Again:
    """``asked``, filled in with the inputs of an earlier launch as far as today's metadata and grant take them.

    An input that the earlier launch left out is left out again, whatever its default is today.
    """
    specs = {spec.name: spec for spec in asked.unique()}
    shown = {name: written(specs[name], value) for name, value in earlier.items() if name in specs}
    given = {name: text if asks(specs[name], asked.rule(specs[name])) else "" for name, text in shown.items()}
    left_out = {name: "" for name, spec in specs.items() if name not in earlier and not spec.required}
    differences = tuple(_differences(earlier, shown, specs, asked))
    return Again(asked=_filled(asked, {**left_out, **given}), differences=differences)


def _filled(asked: Asked, given: Mapping[str, str]) -> Asked:
    return Asked(
        specs=asked.specs, rules=asked.rules, place=asked.place, given=given, looked_up=asked.looked_up, notes=asked.notes
    )


def _differences(
    earlier: Mapping[str, Json], shown: Mapping[str, str], specs: Mapping[str, InputSpec], asked: Asked
) -> Iterator[Problem]:
    for name, value in earlier.items():
        if name not in specs:
            yield _problem("again_dropped", name, _plain(value))
            continue
        spec, text = specs[name], shown[name]
        found = _different(spec, asked.rule(spec), text, value)
        if found is not None:
            yield found
    for name, spec in specs.items():
        if name not in earlier and spec.required and asks(spec, asked.rule(spec)) and not is_valid_default(spec):
            yield _problem("again_new", name, "")


def _different(spec: InputSpec, rule: InputRule, text: str, value: Json) -> Problem | None:
    """What is different about one input that there still is."""
    refused = misfits(spec.name, rule, value)
    if rule.fixed is not None:
        return _problem("again_filled_in", spec.name, text, allowed=written(spec, rule.fixed)) if refused else None
    if not asks(spec, rule):
        return _problem("again_hidden", spec.name, text)
    if not reads_as(spec, text, value):
        read = read_value(spec, text)
        expected = read.facts["expected"] if isinstance(read, Problem) else describe_type(spec.type)
        return _problem("again_changed", spec.name, text, expected=expected)
    if refused:
        return _problem("again_refused", spec.name, text)
    return _problem("again_too_long", spec.name, "") if text and not visible(text) else None


def _plain(value: Json) -> str:
    return written(InputSpec(name=""), value)


def _problem(code: str, name: str, text: str, **facts: str) -> Problem:
    return Problem(code=code, facts={"name": name, "typed": shorten(text, _MOST_TYPED), **facts})
