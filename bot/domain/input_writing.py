"""Writes typed values as the texts that ``inputs.read_inputs`` takes: the way back, for forms that are filled in already.

Why a text is tried before it is given out: the reader alone says what a text means, and a list whose entries hold commas or
quotes, or a number with an exponent, can be written in more than one way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import cast

import simplejson

from bot.domain.inputs import is_valid_default, read_default, read_value
from bot.domain.model import InputSpec, InputType, Json, Problem

_MOST_PLAIN = 40
"""Characters up to which a number is written out, without an exponent."""


def written(spec: InputSpec, value: Json) -> str:
    """The text that reads as ``value``; where none does (the input changed), the text that comes nearest to it."""
    first, *others = _candidates(spec, value)
    return next((text for text in (first, *others) if reads_as(spec, text, value)), first)


def reads_as(spec: InputSpec, text: str, value: Json) -> bool:
    """Whether ``text`` in this input means ``value``. Truth values are no numbers here."""
    read = read_value(spec, text)
    return not isinstance(read, Problem) and read == value and isinstance(read, bool) is isinstance(value, bool)


def written_default(spec: InputSpec) -> str:
    """The input's default as text; empty where it has none that fits.

    An option that there is not is told at once: looking for the nearest among ten thousand takes a fifth of a second.
    """
    if spec.type is InputType.CHOICE and not spec.many and spec.options and spec.default not in spec.options:
        return ""
    text = written(spec, read_default(spec)) if is_valid_default(spec) else ""
    return "" if isinstance(read_value(spec, text), Problem) else text


def is_list(spec: InputSpec) -> bool:
    """Whether the input takes several values, parted by commas when they are typed."""
    return (spec.many or spec.type is InputType.MULTI_CHOICE) and spec.type is not InputType.JSON


def _candidates(spec: InputSpec, value: Json) -> tuple[str, ...]:
    if is_list(spec) and isinstance(value, list):
        return tuple(_lists([_plain(item) for item in cast("list[Json]", value)]))
    if spec.type is InputType.JSON or isinstance(value, dict | list):
        return (simplejson.dumps(value, use_decimal=True, ensure_ascii=False, allow_nan=True, default=str),)
    return (_plain(value), str(value))


def _lists(entries: Sequence[str]) -> Iterator[str]:
    """Bare where that is enough; in quotes where a comma or quote is in it, or where the bare text would be one whole option."""
    yield ", ".join(map(_quoted_if_needed, entries))
    yield ", ".join(map(_quoted, entries))
    yield ",".join(map(_quoted, entries))
    yield ",".join(map(_quoted_if_needed, entries))


def _quoted_if_needed(entry: str) -> str:
    return _quoted(entry) if any(char in entry for char in ',"\r\n') or entry != entry.strip() else entry


def _quoted(entry: str) -> str:
    doubled = entry.replace('"', '""')
    return f'"{doubled}"'


def _plain(value: Json) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case Decimal() if value.is_finite() and -_MOST_PLAIN < value.adjusted() < _MOST_PLAIN:
            return format(value, "f")
        case _:
            return str(value)
