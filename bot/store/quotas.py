"""What counts toward a grant's limits: each function runs on the thread that owns the connection.

``refuse_above`` and ``usage`` send the same two statements, so that what a person is told and what is enforced never differ.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta

from sqlite_utils import Database

from bot.domain.errors import LimitReachedError
from bot.domain.grants import Limits
from bot.domain.model import Launch
from bot.domain.policy import Usage
from bot.store import access_queries
from bot.store.rows import storable, time_text
from bot.store.sqlite_lane import fetch

_HOUR = timedelta(hours=1)


def refuse_above(database: Database, launch: Launch, limits: Limits) -> None:
    """Count what was launched before ``launch``, under its quota in its channel, inside the transaction that is to insert it.

    Raises:
        LimitReachedError: ``limits`` allow no more.
    """
    channel_id, key = storable(launch.channel_id), storable(launch.quota_key)
    if limits.per_hour is not None:
        count = _last_hour(database, channel_id, key, launch.created_at)
        _refuse_from(limits.per_hour, count, "limit_per_hour")
    if limits.running is not None:
        _refuse_from(limits.running, _not_over(database, channel_id, key), "limit_running")


def usage(database: Database, channel_id: str, now: datetime) -> dict[str, Usage]:
    """Store.usage. One key after the other: each is two look-ups in an index, and a channel has few."""
    channel_id = storable(channel_id)
    counted = {
        key: Usage(last_hour=_last_hour(database, channel_id, key, now), not_over=_not_over(database, channel_id, key))
        for key in _keys(database, channel_id)
    }
    return {key: used for key, used in counted.items() if used != Usage()}


def _keys(database: Database, channel_id: str) -> Generator[str]:
    """Every quota under which something was launched in the channel; the empty one is that of launches without any."""
    key = ""
    yield key
    while rows := fetch(database, access_queries.NEXT_QUOTA, channel_id=channel_id, after=key):
        key = rows[0]["quota_key"]
        yield key


def _last_hour(database: Database, channel_id: str, key: str, now: datetime) -> int:
    named = {"channel_id": channel_id, "quota_key": key, "since": time_text(now - _HOUR)}
    return fetch(database, access_queries.COUNT_HOUR, **named)[0]["count"]


def _not_over(database: Database, channel_id: str, key: str) -> int:
    return fetch(database, access_queries.COUNT_NOT_OVER, channel_id=channel_id, quota_key=key)[0]["count"]


def _refuse_from(most: int, count: int, code: str) -> None:
    if count >= most:
        raise LimitReachedError(code, most=most, count=count)
