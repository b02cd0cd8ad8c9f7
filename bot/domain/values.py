"""One typed text → one value, by the input's type; a misfit says what would have fitted.

Nothing is guessed or rounded: ``3.7`` is no whole number, a time without its zone is no time, and a decimal keeps its digits.

Why whole numbers beyond 2^53 and decimals of more than thirty digits are refused: they would arrive changed, unseen by anybody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast
from urllib.parse import urlsplit

from bot.domain.model import InputSpec, InputType, Json, SecretName
from bot.domain.spelling import closest, hidden_characters, name_character

MOST_TEXT = 3000
"""Characters of a text; https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element (max_length)."""
MOST_WHOLE = 2**53 - 1
"""Whole numbers beyond it lose digits in most JSON readers; https://www.rfc-editor.org/rfc/rfc7493#section-2.2."""
MOST_DIGITS = 30
"""Significant digits of a decimal: more than any amount needs, few enough for every database."""
MOST_DECIMAL = Decimal("1.7976931348623157E+308")
LEAST_DECIMAL = Decimal("5E-324")
"""The range of an IEEE 754 double, which is how providers read a JSON number."""
MOST_DEPTH = 20
MOST_EMAIL = 254
"""https://www.rfc-editor.org/errata/eid1690"""

_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ZONE = re.compile(r"Z|[+-][0-9]{2}(:?[0-9]{2})?$", re.IGNORECASE)
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)?"
)
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@([^\W_]([\w-]{0,61}[^\W_])?\.)+[^\W_]([\w-]{0,61}[^\W_])")
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "no", "n", "off", "0"), False),
}


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """What was typed, what would have fitted, and the option that was most likely meant."""

    typed: str
    expected: str
    closest: str | None = None


def _read_text(spec: InputSpec, text: str) -> Json | Misfit:
    if len(text) > MOST_TEXT:
        return Misfit(typed=text, expected=f"text of at most {MOST_TEXT:,} characters (this has {len(text):,})")
    if spec.type is InputType.TEXT and ("\n" in text or "\r" in text):
        return Misfit(typed=text, expected="one line of text")
    return text


def _read_integer(_spec: InputSpec, text: str) -> Json | Misfit:
    digits = text.strip(" ")
    if not _WHOLE.fullmatch(digits):
        return Misfit(typed=text, expected="a whole number written with the digits 0 to 9 only, such as 12")
    value = int(digits)
    if abs(value) > MOST_WHOLE:
        return Misfit(typed=text, expected=f"a whole number between -{MOST_WHOLE} and {MOST_WHOLE}")
    return value


def _read_decimal(_spec: InputSpec, text: str) -> Json | Misfit:
    digits = text.strip(" ")
    if not _DECIMAL.fullmatch(digits):
        return Misfit(typed=text, expected="a number such as 12, -3.50 or 1.5e3, with a point and no other marks")
    value = Decimal(digits)
    return value if _is_portable(value) else Misfit(typed=text, expected=_PORTABLE)


def _is_portable(value: Decimal) -> bool:
    """Whether every digit arrives. ``copy_abs``, since ``abs`` rounds to the context's precision."""
    size = value.copy_abs()
    return len(value.as_tuple().digits) <= MOST_DIGITS and (not value or LEAST_DECIMAL <= size <= MOST_DECIMAL)


def _read_boolean(_spec: InputSpec, text: str) -> Json | Misfit:
    value = _BOOLEANS.get(text.strip(" ").casefold())
    return Misfit(typed=text, expected=f"yes or no (also: {', '.join(_BOOLEANS)})") if value is None else value


def _read_date(_spec: InputSpec, text: str) -> Json | Misfit:
    try:
        return date.fromisoformat(_matched(_DATE, text)).isoformat()
    except ValueError:
        return Misfit(typed=text, expected="a date that exists, written as year-month-day, such as 2026-11-21")


def _read_datetime(_spec: InputSpec, text: str) -> Json | Misfit:
    """UTC with a ``Z``; without a zone it is refused, since the requester's and the provider's clocks may differ."""
    try:
        moment = datetime.fromisoformat(_matched(_DATETIME, text).upper())
        if moment.tzinfo is None:
            return Misfit(
                typed=text, expected=f"a time with its zone: {moment.isoformat()}Z for UTC, or {moment.isoformat()}+01:00"
            )
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError):
        return Misfit(
            typed=text, expected="a time that exists, with its zone, such as 2026-11-21T09:30Z or 2026-11-21T09:30+01:00"
        )


def _matched(pattern: re.Pattern[str], text: str) -> str:
    """``text`` without spaces around it.

    Raises:
        ValueError: it is written in another way.
    """
    stripped = text.strip(" ")
    if not pattern.fullmatch(stripped):
        raise ValueError(stripped)
    return stripped


def _read_choice(spec: InputSpec, text: str) -> Json | Misfit:
    """An input whose options nobody has told takes any one line."""
    if not spec.options:
        return _read_text(replace(spec, type=InputType.TEXT), text)
    if text in spec.options:
        return text
    return Misfit(typed=text, expected="one of its options, spelt exactly so", closest=closest(text, spec.options))


def _read_email(_spec: InputSpec, text: str) -> Json | Misfit:
    address = text.strip(" ")
    if len(address) > MOST_EMAIL or ".." in address or not _EMAIL.fullmatch(address):
        return Misfit(typed=text, expected="an e-mail address such as ada@example.com")
    return address


def _read_url(_spec: InputSpec, text: str) -> Json | Misfit:
    address = text.strip(" ")
    if len(address) > MOST_TEXT or re.search(r"[\s<>\"\\^`{|}]", address):
        return Misfit(typed=text, expected="a web address without spaces or quotes in it, such as https://example.com/")
    try:
        parts = urlsplit(address)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_web, parts = False, urlsplit("")
    if not is_web:
        return Misfit(typed=text, expected="a web address that begins with https:// or http://, such as https://example.com/")
    if "@" in parts.netloc:
        return Misfit(typed="", expected="a web address without a name or password in it")
    return address


def _read_secret(spec: InputSpec, text: str) -> Json | Misfit:
    """The name of an entry of the connection's ``secrets``, which are the options here (``inputs.with_secrets``).

    What was typed is never repeated: it may be the secret itself.
    """
    name = text.strip(" ")
    if name in spec.options:
        return SecretName(name)
    if not spec.options:
        return Misfit(typed="", expected="the name of a secret, and no secrets are configured for this connection")
    return Misfit(typed="", expected="the name of a secret, never the secret itself", closest=closest(name, spec.options))


def _read_json(_spec: InputSpec, text: str) -> Json | Misfit:
    try:
        value = json.loads(
            text, parse_float=_json_decimal, parse_int=_json_whole, parse_constant=_json_constant, object_pairs_hook=_json_object
        )
        _check_json(value, MOST_DEPTH)
    except json.JSONDecodeError as error:
        return Misfit(typed=text, expected=f"JSON; it stops being JSON at character {error.pos + 1}")
    except RecursionError:
        return Misfit(typed=text, expected=_SHALLOW)
    except ValueError as error:
        return Misfit(typed=text, expected=str(error))
    return value


def is_sendable_json(value: Json, *, depth: int = MOST_DEPTH) -> bool:
    """Whether a value that was never text is what the reader of JSON would have taken: no infinities, nothing too deep or large."""
    match value:
        case None | bool() | str():
            return True
        case int():
            return abs(value) <= MOST_WHOLE
        case Decimal():
            return value.is_finite() and _is_portable(value)
        case list():
            return depth > 0 and all(is_sendable_json(item, depth=depth - 1) for item in cast("list[Json]", value))
        case dict():
            entries = cast("dict[Any, Json]", value).items()
            return depth > 0 and all(isinstance(key, str) and is_sendable_json(item, depth=depth - 1) for key, item in entries)
        case _:
            return False


def _json_decimal(digits: str) -> Decimal:
    if not _DECIMAL.fullmatch(digits) or not _is_portable(value := Decimal(digits)):
        raise ValueError(f"JSON with {_PORTABLE} in it")
    return value


def _json_whole(digits: str) -> int:
    if not _WHOLE.fullmatch(digits) or abs(value := int(digits)) > MOST_WHOLE:
        raise ValueError(f"JSON with whole numbers between -{MOST_WHOLE} and {MOST_WHOLE} in it")
    return value


def _json_constant(name: str) -> Json:
    raise ValueError(f"JSON, which has no {name}")


def _json_object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f'JSON without the name "{twice}" twice in one object')
    return dict(pairs)


def _check_json(value: Json, depth: int) -> None:
    """Escapes may bring in what cannot be typed: NUL, half characters, bidi marks.

    Raises:
        ValueError: with what would have been right.
    """
    if isinstance(value, str):
        hidden = hidden_characters(value)
        if hidden:
            raise ValueError(f"JSON without the invisible character {name_character(hidden[0])}")
    elif isinstance(value, list | dict):
        if depth == 0:
            raise ValueError(_SHALLOW)
        whole = cast("dict[str, Any] | list[Any]", value)
        for part in [*whole, *whole.values()] if isinstance(whole, dict) else whole:
            _check_json(part, depth - 1)


_PORTABLE = f"a number of at most {MOST_DIGITS} digits, of a size up to 1.7e308"
_SHALLOW = f"JSON nested at most {MOST_DEPTH} deep"
READERS: Mapping[InputType, Callable[[InputSpec, str], Json | Misfit]] = {
    InputType.TEXT: _read_text,
    InputType.LONG_TEXT: _read_text,
    InputType.INTEGER: _read_integer,
    InputType.DECIMAL: _read_decimal,
    InputType.BOOLEAN: _read_boolean,
    InputType.DATE: _read_date,
    InputType.DATETIME: _read_datetime,
    InputType.CHOICE: _read_choice,
    InputType.MULTI_CHOICE: _read_choice,
    InputType.EMAIL: _read_email,
    InputType.URL: _read_url,
    InputType.JSON: _read_json,
    InputType.SECRET: _read_secret,
}
