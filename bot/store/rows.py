"""Launch, Event and Delivery ↔ rows of plain values: enum → text, time → ISO-8601 UTC, mapping → JSON. Shared by all databases.

Times have a fixed width (``2026-11-21T12:00:00.000000Z``), so that their order as text is their order in time. JSON is as
json_columns.py has it. What UTF-8 cannot say (half of a surrogate pair, which JSON may carry) is kept as U+FFFD, so that no
provider's text can stop a launch from being written.

Why a delivery's row is spelt out field by field: what is not named here is not stored, and the reply URL and the trigger must
never be (promise 8).

Why nothing is looked up here for every row that can be looked up once (getters, codecs, the text of an empty mapping): a launch
is written five times and read five times until it is over, 33 columns each; writing took 27 µs, and takes 8.
"""

from __future__ import annotations

import re
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

from bot.domain.errors import UnreadableRowError
from bot.domain.model import NOTHING, Delivery, Event, EventKind, Json, Launch, State
from bot.store.json_columns import json_text, mapping_from

Plain: TypeAlias = int | str | None
Row: TypeAlias = dict[str, Any]
T = TypeVar("T")

_EMPTY = "{}"
_UNREADABLE = (ArithmeticError, KeyError, RecursionError, TypeError, ValueError)
_DIGEST_MARK = "~"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SHORT_DIGEST = re.compile(r"~[\w-]{43}", re.ASCII)


def time_text(at: datetime) -> str:
    """A time as rows hold it.

    Raises:
        ValueError: ``at`` has no timezone: nobody can say when that is.
    """
    if at.tzinfo is None:
        raise ValueError(f"a time without a timezone: {at}")
    return _utc_text(at if at.tzinfo is UTC else at.astimezone(UTC))


@lru_cache(maxsize=512)
def _utc_text(at: datetime) -> str:
    """Remembered for a while: one moment stands in a launch, in its event, in its card, and in every later row of the launch."""
    return f"{at.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


def time_or_none(at: datetime | None) -> str | None:
    """As ``time_text``, where there may be no time."""
    return None if at is None else time_text(at)


def time_from(text: str) -> datetime:
    """The time that a row holds; without a timezone in the text it is an error."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"a time without a timezone: {text}")
    return at.astimezone(UTC)


def earliest(rows: Iterable[Row]) -> datetime | None:
    """The first of the times in the rows' column ``at``; None where there is none, or none that can be read."""
    times: list[datetime] = []
    for row in rows:
        with suppress(TypeError, ValueError):  # no time, or a damaged one, which whoever leases its row sets aside
            times.append(time_from(row["at"]))
    return min(times, default=None)


def storable(text: str) -> str:
    """``text`` with U+FFFD for each half of a surrogate pair that stands alone."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@dataclass(frozen=True, kw_only=True)
class Codec:
    """How one kind of field goes into a row and comes back; None passes through both ways."""

    write: Callable[[Any], Plain]
    read: Callable[[Any], Any]


class Columns:
    """The fields of one kind of value, by name, and how each goes into a row and comes back."""

    def __init__(self, codecs: Mapping[str, Codec]) -> None:
        self._fields: Callable[[Any], tuple[Any, ...]] = attrgetter(*codecs)
        self._writes = tuple((name, codec.write) for name, codec in codecs.items())
        self._reads = tuple((name, codec.read) for name, codec in codecs.items())

    def written(self, value: object) -> Row:
        """The fields of ``value`` as columns."""
        plain = zip(self._writes, self._fields(value), strict=True)
        return {name: None if field is None else write(field) for (name, write), field in plain}

    def read(self, row: Row) -> Row:
        """The columns of ``row`` as fields; columns that are not ours are passed over."""
        return {name: None if (field := row[name]) is None else read(field) for name, read in self._reads}


@lru_cache(maxsize=64)
def _short_digest(text: str) -> str:
    """Remembered, as all launches under one policy have the same."""
    text = storable(text)
    return _DIGEST_MARK + urlsafe_b64encode(bytes.fromhex(text)).decode().rstrip("=") if _DIGEST.fullmatch(text) else text


@lru_cache(maxsize=64)
def _whole_digest(text: str) -> str:
    """Also of rows that were written in full, before."""
    is_short = _SHORT_DIGEST.fullmatch(whole(text))
    return sys.intern(urlsafe_b64decode(f"{text[1:]}=").hex() if is_short else text)


def _write_plain(value: Plain) -> Plain:
    return storable(value) if isinstance(value, str) and not value.isascii() else value


def _read_plain(value: Any) -> Any:
    return whole(value) if isinstance(value, str) and not value.isascii() else value


def _read_shared(value: Any) -> str:
    if isinstance(value, str) and not value.isascii():
        whole(value)
    return sys.intern(value)


def _write_json(value: Mapping[str, Json]) -> str:
    return storable(json_text(value)) if value else _EMPTY


def _read_json(text: str) -> Mapping[str, Json]:
    return NOTHING if text == _EMPTY else mapping_from(whole(text))


def whole(text: str) -> str:
    """``text`` from a row; bytes that were not UTF-8 are an error (sqlite_file.py reads them as halves of surrogate pairs)."""
    if not text.isascii():
        text.encode()
    return text


PLAIN = Codec(write=_write_plain, read=_read_plain)
SHARED = Codec(write=_write_plain, read=_read_shared)
"""Text that thousands of rows hold alike: kept once in memory, however many launches are read."""
TIME = Codec(write=time_text, read=time_from)
DIGEST = Codec(write=_short_digest, read=_whole_digest)
"""A digest of 64 hexadecimal digits, which stands in every launch and decision: in a third less, with a mark before it."""
FLAG = Codec(write=int, read=bool)
JSON = Codec(write=_write_json, read=_read_json)

LAUNCH_COLUMNS = tuple(field.name for field in fields(Launch))
EVENT_COLUMNS = tuple(field.name for field in fields(Event))

_ALIKE = ("team_id", "channel_id", "requester_id", "connection", "provider", "workflow_id", "workflow_name", "workflow_version")
_LAUNCH = Columns(
    dict.fromkeys(LAUNCH_COLUMNS, PLAIN)
    | dict.fromkeys((*_ALIKE, "grant_key", "quota_key", "provider_status"), SHARED)
    | dict.fromkeys(("extras", "inputs", "outputs", "approval"), JSON)
    | dict.fromkeys(("created_at", "updated_at", "due_at", "sent_at"), TIME)
    | {"policy_digest": DIGEST, "state": Codec(write=str, read=State), "is_cancel_sent": FLAG}
)
_EVENT = Columns(dict.fromkeys(EVENT_COLUMNS, PLAIN) | {"kind": Codec(write=str, read=EventKind), "at": TIME, "facts": JSON})


def launch_row(launch: Launch) -> Row:
    """The columns of a launch that are its own (not those of its lease)."""
    return _LAUNCH.written(launch)


def as_stored(launch: Launch) -> Launch:
    """A launch as a store that keeps it gives it back: texts and numbers may change a little on their way.

    Raises:
        UnreadableRowError: nobody could read it.
    """
    return launch_from(launch_row(launch))


def launch_from(row: Row) -> Launch:
    """The launch that a row holds; columns that we do not know are passed over.

    Raises:
        UnreadableRowError: the row holds what no launch can be.
    """
    return read_as(Launch, row, _LAUNCH, table="launches", named="launch_id")


def event_row(event: Event) -> Row:
    """The columns of an event."""
    return _EVENT.written(event)


def event_from(row: Row) -> Event:
    """The event that a row holds.

    Raises:
        UnreadableRowError: the row holds what no event can be.
    """
    return read_as(Event, row, _EVENT, table="events", named="launch_id")


def delivery_row(delivery: Delivery) -> Row:
    """The columns of a delivery that is not finished."""
    payload = {
        "name": delivery.name,
        "team_id": delivery.team_id,
        "channel_id": delivery.channel_id,
        "user_id": delivery.user_id,
        "text": delivery.text,
    }
    return {
        "key": storable(delivery.key),
        "kind": storable(delivery.kind),
        "payload": storable(json_text(payload)),
        "received_at": time_text(delivery.received_at),
    }


def delivery_from(row: Row) -> Delivery:
    """The delivery that a row holds, without what is never stored: that is gone with the process that had it.

    Raises:
        UnreadableRowError: the row holds what no delivery can be.
    """
    with reading("deliveries", row.get("key")):
        payload = {name: only_text(value) for name, value in mapping_from(whole(row["payload"])).items()}
        key, kind = whole(row["key"]), whole(row["kind"])
        return Delivery(key=key, kind=kind, received_at=time_from(row["received_at"]), **payload)


def read_as(kind: Callable[..., T], row: Row, columns: Columns, *, table: str, named: str) -> T:
    """What ``row`` of ``table`` holds; its column ``named`` says which row it is.

    Raises:
        UnreadableRowError: the row holds what no such value can be.
    """
    try:
        return kind(**columns.read(row))
    except _UNREADABLE as exc:
        raise _unreadable(table, row.get(named), exc) from None  # as ``reading``


def only_text(value: Json) -> str:
    """``value``, which JSON may hold and must be text."""
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


@contextmanager
def reading(table: str, row_id: object) -> Generator[None]:
    """Whatever a row's content causes while it is read becomes one error, which names the row and never shows its content."""
    try:
        yield
    except _UNREADABLE as exc:
        # from None: the cause's own words quote the row, and would stand in a traceback
        raise _unreadable(table, row_id, exc) from None


def _unreadable(table: str, row_id: object, exc: Exception) -> UnreadableRowError:
    return UnreadableRowError(table, storable(str(row_id)), type(exc).__name__)
