"""What may stand in one place of the configuration: text, durations, ids, references. Each refuses with a sentence of its own.

Why text takes whole numbers but no others: ``396`` means the same with and without quotes, ``1.0`` and ``no`` do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Strict, WithJsonSchema

from bot.domain.model import RESERVED_WORDS, Json
from bot.domain.spelling import hidden_characters, name_character
from bot.settings.addresses import base_url
from bot.settings.faults import subject_fault
from bot.settings.patterns import slowness
from bot.settings.references import is_reference

DURATION = r"[0-9]{1,9}(ms|s|m|h|d)"
COMMAND = r"/[a-z0-9_-]{1,31}"
CONNECTION_NAME = r"[a-z0-9][a-z0-9_-]{0,30}"
CHANNEL_ID = r"[CG][A-Z0-9]{2,20}"
PERSON = r"members|[UWS][A-Z0-9]{2,20}"
REFERENCE = r"\$\{[^{}]+\}"

_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def as_text(value: Json) -> Json:
    """Text, or a whole number as text."""
    match value:
        case bool():
            raise ValueError("is read by YAML as true or false: put it in quotes")
        case Decimal():
            raise ValueError("is read by YAML as a number: put it in quotes")
        case int():
            return str(value)
        case None:
            raise ValueError("is empty")
        case _:
            return value


def _seconds(least: str, most: str) -> Callable[[Json], float]:
    def read(value: Json) -> float:
        if not isinstance(value, str) or not re.fullmatch(DURATION, value):
            raise ValueError("must be a whole number with its unit, such as 500ms, 30s, 4h or 2d")
        seconds = _as_seconds(value)
        if not _as_seconds(least) <= seconds <= _as_seconds(most):
            raise ValueError(f"must be from {least} to {most}")
        return seconds

    return read


def _as_seconds(text: str) -> float:
    amount, unit = re.fullmatch(r"([0-9]+)(\w+)", text).groups()  # pyright: ignore[reportOptionalMemberAccess]  # matched DURATION
    return int(amount) * _UNIT_S[unit]


def _shown(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    if _CONTROL.search(text):
        raise ValueError("holds a line break or another control character")
    hidden = hidden_characters(text)
    if hidden:
        raise ValueError(f"holds the invisible character {name_character(hidden[0])}")
    return text


def _shown_in_lines(text: str) -> str:
    _shown(text.replace("\n", " "))
    return text


def _at_most(most: int) -> AfterValidator:
    def check(text: str) -> str:
        if len(text) > most:
            raise ValueError(f"is longer than {most:,} characters")
        return text

    return AfterValidator(check)


def _command(text: str) -> str:
    if not re.fullmatch(COMMAND, text):
        raise subject_fault("is no slash command: a slash, then up to 31 small letters, digits, - or _")
    return text


def _connection_name(name: str) -> str:
    if name in RESERVED_WORDS:
        raise subject_fault("is a word of the command itself: give this connection another name")
    if not re.fullmatch(CONNECTION_NAME, name):
        raise subject_fault("is no connection name: up to 31 small letters, digits, - or _, and no - or _ at the start")
    return name


def _channel_id(text: str) -> str:
    if not re.fullmatch(CHANNEL_ID, text):
        raise subject_fault(
            "is no channel id: ids decide, not names. "
            "In Slack, open the channel's details; its id (C… or G…) stands at the very bottom",
        )
    return text


def _person(text: str) -> str:
    if not re.fullmatch(PERSON, text):
        raise subject_fault(
            "is neither members nor an id: ids decide, not names. A person's id (U…) is in their Slack profile under "
            "⋮, Copy member ID; a user group's id (S…) is at the end of its address under People, User groups",
        )
    return text


def _input_name(name: str) -> str:
    if "=" in name:
        raise ValueError("must not hold =, as people type name=value")
    return name


def _whole_reference(value: Json) -> Json:
    if value is None:
        raise ValueError("is empty: write ${NAME} or ${file:/path}")
    if not is_reference(value):
        raise ValueError("literal secret: keep it out of this file, and write ${NAME} or ${file:/path} for where it is kept")
    return value


def _time(value: Json) -> datetime:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("is no time: write it as 2026-11-30T18:00Z") from None
    if time.tzinfo is None:
        raise ValueError("has no time zone: end it with Z, or with +01:00 and the like")
    return time


def _number(value: Json) -> Json:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number, without quotes")  # noqa: TRY004 - pydantic listens to ValueError
    return value


def _pattern(text: str) -> str:
    try:
        re.compile(text)
        slow = slowness(text)
    except (re.error, OverflowError, RecursionError):
        raise ValueError("is no regular expression that Python understands") from None
    if slow:
        raise ValueError(slow)
    return text


RawText = Annotated[str, BeforeValidator(as_text, json_schema_input_type=str | int)]
Text = Annotated[RawText, AfterValidator(_shown), _at_most(255)]
LongText = Annotated[RawText, AfterValidator(_shown_in_lines), _at_most(2_000)]
Flag = Annotated[bool, Strict()]
Whole = Annotated[int, Strict()]
Number = Annotated[Decimal, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
BaseUrl = Annotated[RawText, AfterValidator(base_url), WithJsonSchema({"type": "string"})]
Command = Annotated[RawText, AfterValidator(_command), WithJsonSchema({"type": "string", "pattern": f"^{COMMAND}$"})]
ConnectionName = Annotated[
    str, AfterValidator(_connection_name), WithJsonSchema({"type": "string", "pattern": f"^{CONNECTION_NAME}$"})
]
ChannelId = Annotated[str, AfterValidator(_channel_id), WithJsonSchema({"type": "string", "pattern": f"^{CHANNEL_ID}$"})]
PersonId = Annotated[RawText, AfterValidator(_person), WithJsonSchema({"type": "string", "pattern": f"^({PERSON})$"})]
Key = Annotated[str, AfterValidator(_shown), _at_most(255)]
InputName = Annotated[str, AfterValidator(_shown), _at_most(255), AfterValidator(_input_name)]
_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": f"^{DURATION}$"})
PollEvery = Annotated[float, BeforeValidator(_seconds("100ms", "1d")), _DURATION_SCHEMA]
Timeout = Annotated[float, BeforeValidator(_seconds("100ms", "15m")), _DURATION_SCHEMA]
Expiry = Annotated[float, BeforeValidator(_seconds("1m", "90d")), _DURATION_SCHEMA]
Pattern = Annotated[RawText, AfterValidator(_pattern)]
Time = Annotated[datetime, BeforeValidator(_time), WithJsonSchema({"type": "string"})]
Reference = Annotated[str, BeforeValidator(_whole_reference), WithJsonSchema({"type": "string", "pattern": f"^{REFERENCE}$"})]
