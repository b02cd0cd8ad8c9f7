"""Does a typed value fit what a grant says about its input? A value that cannot be judged does not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import cast

from bot.domain.grants import InputRule
from bot.domain.model import Json, Reason, distinct

LONGEST_MATCHED = 1_000
"""A longer value is not tried against a pattern: matching could take as long as it likes."""
_LISTED = 10


def rule_reasons(rules: Mapping[str, InputRule], inputs: Mapping[str, Json]) -> tuple[Reason, ...]:
    """Why these inputs are not allowed, each named. What is left out is not judged: nothing is sent for it."""
    return tuple(reason for name, rule in rules.items() if name in inputs for reason in misfits(name, rule, inputs[name]))


def holds(rules: Mapping[str, InputRule], inputs: Mapping[str, Json]) -> bool:
    """Whether every rule holds for these inputs, of a list for any item, also a ``fixed`` one. What cannot be judged counts as holding.

    It decides whether approval is needed, so doubt must say yes: an input left out, an object, a text too long for its pattern.
    """
    return all(name not in inputs or _may_hold(name, rule, inputs[name]) for name, rule in rules.items())


def misfits(name: str, rule: InputRule, value: Json) -> tuple[Reason, ...]:
    """Every part of the rule that ``value`` does not fit; each item of a list must fit by itself."""
    items = cast("list[Json]", value) if isinstance(value, list) else [value]
    if rule.fixed is not None:
        return () if _is_same(rule.fixed, value) else (_reason("input_fixed", name, value, allowed=_told(rule.fixed)),)
    return distinct(reason for item in items for reason in _item_misfits(name, rule, item))


def _may_hold(name: str, rule: InputRule, value: Json) -> bool:
    items = cast("list[Json]", value) if isinstance(value, list) else [value]
    if isinstance(rule.fixed, list | dict):
        fixed = cast("Json", rule.fixed)
        return _is_same(fixed, value) or any(_is_same(fixed, item) for item in items)
    judged = rule if rule.fixed is None else InputRule(one_of=(rule.fixed,))
    return not items or any(_is_beyond(judged, item) or not any(_item_misfits(name, judged, item)) for item in items)


def _is_beyond(rule: InputRule, value: Json) -> bool:
    """Whether a value cannot be judged by the rule. A pattern's dots do not see line breaks, and a text may have some."""
    if isinstance(value, list | dict) or ((rule.min, rule.max) != (None, None) and _number(value) is None):
        return True
    if rule.pattern is None:
        return False
    text = _told(value)
    return len(text) > LONGEST_MATCHED or "\n" in text


def _item_misfits(name: str, rule: InputRule, value: Json) -> Iterator[Reason]:
    if rule.one_of is not None and not any(_is_same(allowed, value) for allowed in rule.one_of):
        listed = ", ".join(_told(allowed) for allowed in rule.one_of[:_LISTED])
        yield _reason("input_not_listed", name, value, allowed=listed)
    if rule.min is not None and not _compares(value, least=rule.min):
        yield _reason("input_too_small", name, value, allowed=_told(rule.min))
    if rule.max is not None and not _compares(value, most=rule.max):
        yield _reason("input_too_large", name, value, allowed=_told(rule.max))
    if rule.pattern is not None and not _matches(rule.pattern, value):
        yield _reason("input_pattern", name, value, allowed=rule.pattern)


def _compares(value: Json, *, least: Decimal | None = None, most: Decimal | None = None) -> bool:
    number = _number(value)
    if number is None:
        return False
    return (least is None or number >= least) and (most is None or number <= most)


def _number(value: Json) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    return number if number.is_finite() else None


def _matches(pattern: str, value: Json) -> bool:
    text = _told(value)
    return len(text) <= LONGEST_MATCHED and re.fullmatch(pattern, text) is not None


def _is_same(allowed: Json, value: Json) -> bool:
    """Equal as what they are; numbers by what they are worth, and a text that a file wrote without need of a type by its words."""
    one, other = _number(allowed), _number(value)
    if one is not None and other is not None:
        return one == other
    if isinstance(allowed, bool) or isinstance(value, bool):
        return _told(allowed).lower() == _told(value).lower()
    if isinstance(allowed, list | dict) or isinstance(value, list | dict):
        return bool(allowed == value)
    return _told(allowed) == _told(value)


def _told(value: Json) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f") if value.is_finite() else str(value)
        case _:
            return str(value)


def _reason(code: str, name: str, value: Json, *, allowed: str) -> Reason:
    return Reason(code=code, facts={"name": name, "typed": _told(value)[:200], "allowed": allowed})
