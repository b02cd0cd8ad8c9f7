"""JSON in a column ↔ values. Shared by all databases.

Numbers keep every digit: ``5.00`` comes back as ``Decimal("5.00")``. A ``SecretName`` is an object with the one key ``$secret``;
an object that has that key by itself gets a ``$`` more, so that neither is taken for the other.

Why encoder and decoders are made once: simplejson makes one for every call that names an option, which is half of what a call takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import cast

import simplejson

from bot.domain.model import Json, SecretName

_SECRET = "$secret"  # noqa: S105 - a mark, not a secret
_SECRET_IN_TEXT = f'{_SECRET}"'
_MARK = re.compile(r"\$+secret")
_LONGER_MARK = re.compile(r"\$\$+secret")


def json_text(value: Json) -> str:
    """JSON as rows hold it, decimals digit by digit.

    Raises:
        ValueError: NaN or an infinity, which JSON does not have.
    """
    text = _dumped(value)
    return _dumped(_marked(value)) if _SECRET_IN_TEXT in text else text


def mapping_from(text: str) -> Mapping[str, Json]:
    """A JSON object from a row, its numbers with a point or exponent as ``Decimal``."""
    value = (_MARKED if _SECRET_IN_TEXT in text else _PLAIN).decode(text)
    if not isinstance(value, dict):
        raise TypeError("no JSON object")
    return value  # pyright: ignore[reportUnknownVariableType]  # JSON's objects have string keys


def _marked(value: Json) -> Json:
    """``value`` with every mark of its own made longer; walked only where there is one."""
    match value:
        case Mapping():
            items = cast("Mapping[str, Json]", value).items()
            return {f"${key}" if _MARK.fullmatch(key) else key: _marked(item) for key, item in items}
        case list() | tuple():
            return [_marked(item) for item in cast("Sequence[Json]", value)]
        case _:
            return value


def _unmarked(value: dict[str, Json]) -> Json:
    name = value.get(_SECRET)
    if len(value) == 1 and isinstance(name, str):
        return SecretName(name)
    return {key[1:] if _LONGER_MARK.fullmatch(key) else key: item for key, item in value.items()}


def _as_dict(value: object) -> dict[str, Json]:
    if isinstance(value, SecretName):
        return {_SECRET: value.name}
    if isinstance(value, Mapping):
        return dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # simplejson asks for anything
    raise TypeError(f"no JSON value: {type(value).__name__}")


_ENCODER = simplejson.JSONEncoder(use_decimal=True, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_as_dict)
_dumped: Callable[[Json], str] = _ENCODER.encode
_PLAIN = simplejson.JSONDecoder(parse_float=Decimal)
_MARKED = simplejson.JSONDecoder(parse_float=Decimal, object_hook=_unmarked)
