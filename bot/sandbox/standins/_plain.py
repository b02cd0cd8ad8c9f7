"""Small questions about JSON values, times and query texts, and the making of JSON answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeGuard, cast

import simplejson

from bot.domain.model import Json
from bot.domain.provider import Reply

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"


def json_reply(status: int, body: Json, **headers: str) -> Reply:
    """A JSON answer; header names are written with underscores."""
    text = simplejson.dumps(body, use_decimal=True, default=_plain)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers={"content-type": JSON_TYPE} | named, body=text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    raise TypeError(type(value).__name__)


def wait_headers(retry_after_s: float | None) -> dict[str, str]:
    """``Retry-After``, in whole seconds where they are whole, or nothing."""
    return {} if retry_after_s is None else {"retry_after": f"{retry_after_s:g}"}


def is_number(value: Json) -> TypeGuard[int | Decimal]:
    """True for a JSON number; truth values are none."""
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def is_whole(value: Json) -> TypeGuard[int]:
    """True for a JSON number without a point."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(value: Json) -> TypeGuard[str]:
    """True for a JSON string."""
    return isinstance(value, str)


def is_truth(value: Json) -> bool:
    """True for a JSON true or false."""
    return isinstance(value, bool)


def is_moment(value: Json, form: str) -> bool:
    """True for a string that is a date or time of this form (as ``strptime`` writes it)."""
    try:
        return bool(datetime.strptime(value, form).replace(tzinfo=UTC))
    except (TypeError, ValueError):
        return False


def stamp(at: float, form: str) -> str:
    """A time in UTC, in this form (as ``strftime`` writes it)."""
    return datetime.fromtimestamp(at, UTC).strftime(form)


def whole(text: str | None, otherwise: int) -> int:
    """A whole number from a query, or ``otherwise`` where there is none."""
    return int(text) if text is not None and text.isdecimal() else otherwise


def as_object(value: Json) -> Mapping[str, Json] | None:
    """A JSON object, or None when it is something else."""
    return cast("Mapping[str, Json]", value) if isinstance(value, dict) else None


def as_list(value: Json) -> list[Json] | None:
    """A JSON list, or None when it is something else."""
    return cast("list[Json]", value) if isinstance(value, list) else None


def as_objects(value: Json) -> list[Mapping[str, Json]] | None:
    """A JSON list of one or more objects, or None when it is something else."""
    rows = [as_object(each) for each in as_list(value) or []]
    return [row for row in rows if row is not None] if rows and None not in rows else None
