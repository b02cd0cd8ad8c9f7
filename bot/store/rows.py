"""Launch, Event and Delivery ↔ rows of plain values: enum → text, time → ISO-8601 UTC, mapping → JSON. Shared by all databases.

Times have a fixed width (``2026-11-21T12:00:00.000000Z``), so that their order as text is their order in time. Numbers in JSON
keep every digit: ``5.00`` comes back as ``Decimal("5.00")``. A ``SecretName`` is an object with the one key ``$secret``; an
object that has that key by itself gets a ``$`` more, so that neither is taken for the other. What UTF-8 cannot say (half of a
surrogate pair, which JSON may carry) is kept as U+FFFD, so that no provider's text can stop a launch from being written.

Why a delivery's row is spelt out field by field: what is not named here is not stored, and the reply URL and the trigger must
never be (promise 8).
"""

from __future__ import annotations

import re
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, TypeAlias, cast

import simplejson

from bot.domain.errors import UnreadableRowError
from bot.domain.model import NOTHING, Delivery, Event, EventKind, Json, Launch, SecretName, State

Plain: TypeAlias = int | str | None
Row: TypeAlias = dict[str, Any]

_SECRET = "$secret"  # noqa: S105 - a mark, not a secret
_DIGEST_MARK = "~"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SHORT_DIGEST = re.compile(r"~[\w-]{43}", re.ASCII)
_MARK = re.compile(r"\$+secret")
_LONGER_MARK = re.compile(r"\$\$+secret")


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
    text = _dumped(value)
    return _dumped(_marked(value)) if f'{_SECRET}"' in text else text


def mapping_from(text: str) -> Mapping[str, Json]:
    """A JSON object from a row, its numbers with a point or exponent as ``Decimal``."""
    value = simplejson.loads(text, use_decimal=True, object_hook=_unmarked if f'{_SECRET}"' in text else None)
    if not isinstance(value, dict):
        raise TypeError("no JSON object")
    return value  # pyright: ignore[reportUnknownVariableType]  # JSON's objects have string keys


def _dumped(value: Json) -> str:
    return simplejson.dumps(value, use_decimal=True, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_as_dict)


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


def _short_digest(text: str) -> str:
    return _DIGEST_MARK + urlsafe_b64encode(bytes.fromhex(text)).decode().rstrip("=") if _DIGEST.fullmatch(text) else text


def _whole_digest(text: str) -> str:
    """Also of rows that were written in full, before."""
    is_short = _SHORT_DIGEST.fullmatch(whole(text))
    return urlsafe_b64decode(f"{text[1:]}=").hex() if is_short else text


def _as_dict(value: object) -> dict[str, Json]:
    if isinstance(value, SecretName):
        return {_SECRET: value.name}
    if isinstance(value, Mapping):
        return dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # simplejson asks for anything
    raise TypeError(f"no JSON value: {type(value).__name__}")


def _write_plain(value: Plain) -> Plain:
    return storable(value) if isinstance(value, str) else value


def _read_plain(value: Any) -> Any:
    return whole(value) if isinstance(value, str) else value


def whole(text: str) -> str:
    """``text`` from a row; bytes that were not UTF-8 are an error (sqlite_file.py reads them as halves of surrogate pairs)."""
    if not text.isascii():
        text.encode()
    return text


PLAIN = Codec(write=_write_plain, read=_read_plain)
SHARED = Codec(write=_write_plain, read=lambda value: sys.intern(_read_plain(value)))
"""Text that thousands of rows hold alike: kept once in memory, however many launches are read."""
TIME = Codec(write=time_text, read=time_from)
DIGEST = Codec(write=lambda value: _short_digest(str(_write_plain(value))), read=lambda value: sys.intern(_whole_digest(value)))
"""A digest of 64 hexadecimal digits, which stands in every launch and decision: in a third less, with a mark before it."""
FLAG = Codec(write=int, read=bool)
JSON = Codec(
    write=lambda value: storable(json_text(value)), read=lambda text: NOTHING if text == "{}" else mapping_from(whole(text))
)

LAUNCH_COLUMNS = tuple(field.name for field in fields(Launch))
EVENT_COLUMNS = tuple(field.name for field in fields(Event))

_ALIKE = ("team_id", "channel_id", "requester_id", "connection", "provider", "workflow_id", "workflow_name", "workflow_version")
_LAUNCH: dict[str, Codec] = dict.fromkeys(LAUNCH_COLUMNS, PLAIN) | {
    **dict.fromkeys((*_ALIKE, "grant_key", "quota_key", "provider_status"), SHARED),
    "extras": JSON,
    "inputs": JSON,
    "outputs": JSON,
    "approval": JSON,
    "policy_digest": DIGEST,
    "state": Codec(write=str, read=State),
    "created_at": TIME,
    "updated_at": TIME,
    "due_at": TIME,
    "sent_at": TIME,
    "is_cancel_sent": FLAG,
}
_EVENT: dict[str, Codec] = dict.fromkeys(EVENT_COLUMNS, PLAIN) | {
    "kind": Codec(write=str, read=EventKind),
    "at": TIME,
    "facts": JSON,
}


def launch_row(launch: Launch) -> Row:
    """The columns of a launch that are its own (not those of its lease)."""
    return written(launch, _LAUNCH)


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
    with reading("launches", row.get("launch_id")):
        return Launch(**fields_from(row, _LAUNCH))


def event_row(event: Event) -> Row:
    """The columns of an event."""
    return written(event, _EVENT)


def event_from(row: Row) -> Event:
    """The event that a row holds.

    Raises:
        UnreadableRowError: the row holds what no event can be.
    """
    with reading("events", row.get("launch_id")):
        return Event(**fields_from(row, _EVENT))


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


def written(value: object, codecs: Mapping[str, Codec]) -> Row:
    """The fields of ``value`` as columns."""
    plain = ((name, codec, getattr(value, name)) for name, codec in codecs.items())
    return {name: None if field is None else codec.write(field) for name, codec, field in plain}


def fields_from(row: Row, codecs: Mapping[str, Codec]) -> Row:
    """The columns of ``row`` that ``codecs`` name, as fields. To be called while ``reading``."""
    return {name: None if row[name] is None else codec.read(row[name]) for name, codec in codecs.items()}


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
    except (ArithmeticError, KeyError, RecursionError, TypeError, ValueError) as exc:
        # from None: the cause's own words quote the row, and would stand in a traceback
        raise UnreadableRowError(table, storable(str(row_id)), type(exc).__name__) from None
