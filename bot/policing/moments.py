"""Times and spans as people type them on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from bot.domain.errors import SettingsError

_SPAN = re.compile(r"([0-9]{1,9})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def since(option: str, text: str, now: datetime) -> datetime:
    """The time that ``30d``, ``12h`` or an ISO time means; a day is its midnight in UTC. Longer than there are years: for ever.

    Raises:
        SettingsError: it is none of these, or lies ahead.
    """
    span = _SPAN.fullmatch(text.strip())
    try:
        at = now - timedelta(**{_UNITS[span[2]]: int(span[1])}) if span else moment(option, text)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)
    if at > now:
        raise SettingsError([f"{option}: {text} lies ahead"])
    return at


def moment(option: str, text: str) -> datetime:
    """The time that an ISO text means.

    Raises:
        SettingsError: it is none, or has no time zone.
    """
    typed = text.strip()
    try:
        at = datetime.fromisoformat(f"{typed}T00:00Z" if _DAY.fullmatch(typed) else typed)
    except ValueError:
        spans = "a span such as 30d or 12h, or " if option == "--since" else ""
        raise SettingsError([f'{option}: "{text}" is no time: write {spans}2026-11-30T18:00Z']) from None
    if at.tzinfo is None:
        raise SettingsError([f'{option}: "{text}" has no time zone: end it with Z, or with +01:00 and the like'])
    return at
