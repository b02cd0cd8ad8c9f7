"""What counts toward a grant's limits: each function is part of a transaction (steps.py).

``refuse_above`` and ``usage`` send the same two statements, so that what a person is told and what is enforced never differ.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.errors import LimitReachedError
from bot.domain.grants import Limits
from bot.domain.model import Launch
from bot.domain.policy import Usage
from bot.store import access_queries
from bot.store.rows import storable, time_text
from bot.store.steps import Steps, alone, fetch

_HOUR = timedelta(hours=1)


def refuse_above(launch: Launch, limits: Limits) -> Steps[None]:
    """Count what was launched before ``launch``, under its quota in its channel, inside the transaction that is to insert it.

    Raises:
        LimitReachedError: ``limits`` allow no more.
    """
    channel_id, key = storable(launch.channel_id), storable(launch.quota_key)
    yield from alone("quota", channel_id, key)
    if limits.per_hour is not None:
        count = yield from _last_hour(channel_id, key, launch.created_at)
        _refuse_from(limits.per_hour, count, "limit_per_hour")
    if limits.running is not None:
        _refuse_from(limits.running, (yield from _not_over(channel_id, key)), "limit_running")


def usage(channel_id: str, now: datetime) -> Steps[dict[str, Usage]]:
    """Store.usage. One key after the other: each is two look-ups in an index, and a channel has few."""
    channel_id = storable(channel_id)
    counted: dict[str, Usage] = {}
    for key in (yield from _keys(channel_id, now)):
        last_hour = yield from _last_hour(channel_id, key, now)
        counted[key] = Usage(last_hour=last_hour, not_over=(yield from _not_over(channel_id, key)))
    return {key: used for key, used in counted.items() if used != Usage()}


def _keys(channel_id: str, now: datetime) -> Steps[list[str]]:
    """Every quota under which something may count in the channel; the empty one is that of launches without any."""
    since = time_text(now - _HOUR)
    lately = yield from _each(access_queries.NEXT_QUOTA, channel_id=channel_id, since=since)
    not_over = yield from _each(access_queries.NEXT_QUOTA_NOT_OVER, channel_id=channel_id)
    return sorted({"", *lately, *not_over})


def _each(next_sql: str, **named: str) -> Steps[list[str]]:
    """One key after the other, each a look-up of the next."""
    keys: list[str] = []
    while rows := (yield from fetch(next_sql, after=keys[-1] if keys else "", **named)):
        if rows[0]["quota_key"] is None:
            break
        keys.append(rows[0]["quota_key"])
    return keys


def _last_hour(channel_id: str, key: str, now: datetime) -> Steps[int]:
    named = {"channel_id": channel_id, "quota_key": key, "since": time_text(now - _HOUR)}
    return (yield from fetch(access_queries.COUNT_HOUR, **named))[0]["count"]


def _not_over(channel_id: str, key: str) -> Steps[int]:
    return (yield from fetch(access_queries.COUNT_NOT_OVER, channel_id=channel_id, quota_key=key))[0]["count"]


def _refuse_from(most: int, count: int, code: str) -> None:
    if count >= most:
        raise LimitReachedError(code, most=most, count=count)
