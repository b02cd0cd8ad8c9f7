"""Launch, Event and Delivery ↔ rows of plain values: enum → text, time → ISO-8601 UTC, mapping → JSON. Shared by all databases.

Times have a fixed width (``2026-11-21T12:00:00.000000Z``), so that their order as text is their order in time. Numbers in
JSON keep every digit: ``5.00`` comes back as ``Decimal("5.00")``. What UTF-8 cannot say (half of a surrogate pair, which JSON
may carry) is kept as U+FFFD, so that no provider's text can stop a launch from being written.

Why a delivery's row is spelt out field by field: what is not named here is not stored, and the reply URL and the trigger must
never be (promise 8).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, TypeAlias

import simplejson

from bot.domain.errors import UnreadableRowError
from bot.domain.model import Delivery, Event, EventKind, Json, Launch, State

Plain: TypeAlias = int | str | None
Row: TypeAlias = dict[str, Any]


def time_text(at: datetime) -> str:
    """A time as rows hold it.

    Raises:
        ValueError: ``at`` has no timezone: nobody can say when that is.
    """
    if at.tzinfo is None:
        raise ValueError(f"a time without a timezone: {at}")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


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


def json_text(value: Json) -> str:
    """JSON as rows hold it, decimals digit by digit.

    Raises:
        ValueError: NaN or an infinity, which JSON does not have.
    """
    return simplejson.dumps(value, use_decimal=True, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_as_dict)


def mapping_from(text: str) -> Mapping[str, Json]:
    """A JSON object from a row, its numbers with a point or exponent as ``Decimal``."""
    value = simplejson.loads(text, use_decimal=True)
    if not isinstance(value, dict):
        raise TypeError("no JSON object")
    return value  # pyright: ignore[reportUnknownVariableType]  # JSON's objects have string keys


def storable(text: str) -> str:
    """``text`` with U+FFFD for each half of a surrogate pair that stands alone."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@dataclass(frozen=True, kw_only=True)
class _Codec:
    """How one kind of field goes into a row and comes back; None passes through both ways."""

    write: Callable[[Any], Plain]
    read: Callable[[Any], Any]


def _as_dict(value: object) -> dict[str, Json]:
    if isinstance(value, Mapping):
        return dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # simplejson asks for anything
    raise TypeError(f"no JSON value: {type(value).__name__}")


def _write_plain(value: Plain) -> Plain:
    return storable(value) if isinstance(value, str) else value


def _read_plain(value: Any) -> Any:
    return _whole(value) if isinstance(value, str) else value


def _whole(text: str) -> str:
    """``text`` from a row; bytes that were not UTF-8 are an error (sqlite_file.py reads them as halves of surrogate pairs)."""
    if not text.isascii():
        text.encode()
    return text


_PLAIN = _Codec(write=_write_plain, read=_read_plain)
_TIME = _Codec(write=time_text, read=time_from)
_FLAG = _Codec(write=int, read=bool)
_JSON = _Codec(write=lambda value: storable(json_text(value)), read=lambda text: mapping_from(_whole(text)))

LAUNCH_COLUMNS = tuple(field.name for field in fields(Launch))
EVENT_COLUMNS = tuple(field.name for field in fields(Event))

_LAUNCH: dict[str, _Codec] = dict.fromkeys(LAUNCH_COLUMNS, _PLAIN) | {
    "extras": _JSON,
    "inputs": _JSON,
    "outputs": _JSON,
    "state": _Codec(write=str, read=State),
    "created_at": _TIME,
    "updated_at": _TIME,
    "due_at": _TIME,
    "sent_at": _TIME,
    "is_cancel_sent": _FLAG,
}
_EVENT: dict[str, _Codec] = dict.fromkeys(EVENT_COLUMNS, _PLAIN) | {
    "kind": _Codec(write=str, read=EventKind),
    "at": _TIME,
    "facts": _JSON,
}


def launch_row(launch: Launch) -> Row:
    """The columns of a launch that are its own (not those of its lease)."""
    return _write(launch, _LAUNCH)


def launch_from(row: Row) -> Launch:
    """The launch that a row holds; columns that we do not know are passed over.

    Raises:
        UnreadableRowError: the row holds what no launch can be.
    """
    with _reading("launches", row.get("launch_id")):
        return Launch(**_read(row, _LAUNCH))


def event_row(event: Event) -> Row:
    """The columns of an event."""
    return _write(event, _EVENT)


def event_from(row: Row) -> Event:
    """The event that a row holds.

    Raises:
        UnreadableRowError: the row holds what no event can be.
    """
    with _reading("events", row.get("launch_id")):
        return Event(**_read(row, _EVENT))


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
    with _reading("deliveries", row.get("key")):
        payload = {name: _text(value) for name, value in mapping_from(_whole(row["payload"])).items()}
        key, kind = _whole(row["key"]), _whole(row["kind"])
        return Delivery(key=key, kind=kind, received_at=time_from(row["received_at"]), **payload)


def _write(value: object, codecs: Mapping[str, _Codec]) -> Row:
    plain = ((name, codec, getattr(value, name)) for name, codec in codecs.items())
    return {name: None if field is None else codec.write(field) for name, codec, field in plain}


def _read(row: Row, codecs: Mapping[str, _Codec]) -> Row:
    return {name: None if row[name] is None else codec.read(row[name]) for name, codec in codecs.items()}


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


@contextmanager
def _reading(table: str, row_id: object) -> Generator[None]:
    """Whatever a row's content causes while it is read becomes one error, which names the row and never shows its content."""
    try:
        yield
    except (ArithmeticError, KeyError, RecursionError, TypeError, ValueError) as exc:
        # from None: the cause's own words quote the row, and would stand in a traceback
        raise UnreadableRowError(table, storable(str(row_id)), type(exc).__name__) from None
