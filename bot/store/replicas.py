"""What replicas tell each other: who is alive, who must wait, and what one of them does for all. One function per transaction.

Why rows and not a leader: a leader that is paused has to be found out and replaced; a row is right as long as the database is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.ports import Claimed, Replica
from bot.store import replica_queries as queries
from bot.store.rows import storable, time_from, time_text
from bot.store.steps import Steps, change, fetch

FORGOTTEN_AFTER = timedelta(days=1)
NOTICES_FORGOTTEN_AFTER = timedelta(days=60)
FORGOTTEN_AT_ONCE = 100
MOST = 500
"""Replicas, or pauses, that are looked at: more than there can be."""
_FORGETTING = (
    (queries.FORGET_REPLICAS, FORGOTTEN_AFTER),
    (queries.FORGET_PAUSES, FORGOTTEN_AFTER),
    (queries.FORGET_NOTICES, NOTICES_FORGOTTEN_AFTER),
)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """How ``claim_notice`` claims: its arguments, as the port has them."""

    holder: str
    now: datetime
    until: datetime
    since: datetime | None


def seen(replica: Replica, *, now: datetime, since: datetime) -> Steps[tuple[Replica, ...]]:
    """Store.seen."""
    yield from change(queries.SEE_REPLICA, holder=replica.holder, version=replica.version, at=time_text(now))
    for sql, after in _FORGETTING:
        yield from change(sql, before=time_text(now - after), limit=FORGOTTEN_AT_ONCE)
    rows = yield from fetch(queries.REPLICAS, since=time_text(since), limit=MOST)
    return tuple(Replica(holder=row["holder"], version=row["version"]) for row in rows)


def gone(holder: str) -> Steps[None]:
    """Store.gone."""
    yield from change(queries.FORGET_REPLICA, holder=holder)


def keep_pauses(pauses: Mapping[str, datetime]) -> Steps[None]:
    """Store.keep_pauses. In one order, so that two who keep the same never wait for each other."""
    for name in sorted(pauses):
        yield from change(queries.KEEP_PAUSE, name=storable(name), not_before=time_text(pauses[name]))


def pauses(now: datetime) -> Steps[dict[str, datetime]]:
    """Store.pauses."""
    rows = yield from fetch(queries.PAUSES, now=time_text(now), limit=MOST)
    return {row["name"]: time_from(row["not_before"]) for row in rows}


def claim_notice(name: str, claim: Claim) -> Steps[Claimed]:
    """Store.claim_notice."""
    key, since = storable(name), "" if claim.since is None else time_text(claim.since)
    times = {"now": time_text(claim.now), "until": time_text(claim.until), "since": since}
    if (yield from change(queries.CLAIM_NOTICE, name=key, holder=claim.holder, **times)):
        return Claimed.OURS
    rows = yield from fetch(queries.NOTICE, name=key)
    return Claimed.DONE if rows and rows[0]["told_at"] is not None else Claimed.HELD


def notice_told(name: str, holder: str, at: datetime) -> Steps[None]:
    """Store.notice_told."""
    yield from change(queries.TELL_NOTICE, name=storable(name), holder=holder, at=time_text(at))


def notice_not_told(name: str, holder: str) -> Steps[None]:
    """Store.notice_not_told."""
    yield from change(queries.DROP_NOTICE, name=storable(name), holder=holder)
