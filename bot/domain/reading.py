"""Reads what a provider sent, whatever it is: a wrong type becomes nothing, and nothing here ever raises.

Why not pydantic: a reply with one odd field must still give up its run id, or a launch that runs would stand in doubt.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast
from urllib.parse import quote

from bot.domain.model import NOTHING, Json
from bot.domain.provider import Reply

MOST_TOLD = 500
"""How many characters of a provider's own text people are shown."""

_REQUEST_TIMEOUT = 408
# No id has more digits. Only spaces are let go around them: str.strip() takes control characters that int() refuses.
_WHOLE = re.compile(r"-?[0-9]{1,30}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SURELY_MILLISECONDS = 10**11


def is_success(reply: Reply) -> bool:
    """True for every 2xx."""
    return 200 <= reply.status < 300  # noqa: PLR2004 - HTTP's own numbers


def is_refusal(reply: Reply) -> bool:
    """True where the status says that nothing was applied: 4xx, but not 408, after which the call may still have arrived."""
    return 400 <= reply.status < 500 and reply.status != _REQUEST_TIMEOUT  # noqa: PLR2004 - HTTP's own numbers


def text(value: Json) -> str | None:
    """A string that says something, or a whole number as text; else None.

    Half characters (lone surrogates) and NUL become ``?``: neither a database nor a URL can carry them.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**30 else None
    if not isinstance(value, str):
        return None
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "?").strip() or None


def told(value: Json, most: int = MOST_TOLD) -> str | None:
    """A provider's own text as people are shown it: one line, cut to ``most`` characters, and no page of HTML."""
    whole_text = text(value)
    if whole_text is None or whole_text.startswith("<"):
        return None
    line = " ".join(whole_text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def whole(value: Json) -> int | None:
    """A whole number, also where it came as text; else None."""
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip(" ")):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def mapping(value: Json) -> Mapping[str, Json]:
    """A JSON object; empty when it is something else."""
    return cast("Mapping[str, Json]", value) if isinstance(value, Mapping) else NOTHING


def is_list(value: Json) -> bool:
    """True for a JSON list."""
    return isinstance(value, list)


def items(value: Json) -> tuple[Json, ...]:
    """A JSON list; empty when it is something else."""
    return tuple(cast("list[Json]", value)) if isinstance(value, list | tuple) else ()


def rows(value: Json) -> tuple[Mapping[str, Json], ...]:
    """The JSON objects in a list; what else is in it is left out."""
    return tuple(mapping(item) for item in items(value) if isinstance(item, Mapping))


def seconds(value: Json) -> float | None:
    """A wait in seconds, as a number or as text; None when it is none, endless or negative."""
    try:
        wait_s = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return wait_s if math.isfinite(wait_s) and wait_s >= 0 and not isinstance(value, bool) else None


def moment(value: Json) -> datetime | None:
    """A point in time, in UTC; None where it is none, or a day alone.

    Read are ISO 8601, with a ``T`` or a space, what has no zone as UTC, also where `` UTC`` is written out (Zuora), and
    milliseconds since 1970.
    """
    try:
        if isinstance(value, int):
            return _EPOCH + timedelta(milliseconds=value) if value >= _SURELY_MILLISECONDS else None
        written = (text(value) or "").removesuffix("UTC").strip()
        read = datetime.fromisoformat(written if ":" in written else "")
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def retry_after_s(reply: Reply) -> float | None:
    """``Retry-After`` in seconds; None where it is missing or a date (a date cannot be read without a clock)."""
    return seconds(reply.headers.get("retry-after"))


def path_part(value: str) -> str:
    """``value`` as exactly one part of a path: neither a slash nor dots in it can lead elsewhere."""
    quoted = quote(value, safe="", errors="replace")
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")
