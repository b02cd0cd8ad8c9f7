"""App Homes: who has opened one, and when it is to be shown anew. Each function is the body of one transaction, or a part of it (steps.py).

Why Homes are marked in the transaction of the change: a bot that dies right after it still owes everybody the truth, and whoever
is alive finds it due. Why not at once but a little later: what happens together is shown together, in one call to Slack.

Why one row calls for all Homes, and whoever claims them passes the call on: the change itself must not cost more for every person
who ever opened theirs. Why only those that were opened within a month: others are composed when they are opened, and so seen.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.domain.lifecycle import TRANSITIONS
from bot.domain.model import Event, EventKind, Launch, State
from bot.ports import Home
from bot.store import home_queries
from bot.store.aside import Setting, at_once, leased
from bot.store.rows import Row, earliest, reading, storable, time_from, time_or_none, time_text, whole
from bot.store.steps import Steps, change, fetch

SHOWN_AFTER = timedelta(seconds=2)
KEPT_CURRENT_FOR = timedelta(days=30)

_CHANGING = frozenset({kind for (before, kind), after in TRANSITIONS.items() if before is not after} | {EventKind.REQUESTED})
"""What changes a launch's state, which its requester's Home shows."""
_DECIDING = frozenset(
    {
        EventKind.APPROVED,
        EventKind.CLEARED,
        EventKind.REJECTED,
        EventKind.ESCALATED,
        EventKind.EXPIRED,
        EventKind.REOPENED,
    }
)
_ENDING = frozenset({EventKind.CANCELLED, EventKind.FAILED})


def mark(launch: Launch, event: Event) -> Steps[None]:
    """The Homes that may show something else after ``event`` are due. ``launch`` is as it left it.

    Comes last in its transaction, the call before the Home: as ``lease`` takes them, so that neither waits for the other.
    """
    is_for_approvers = _is_for_approvers(launch, event)
    if not is_for_approvers and event.kind not in _CHANGING:
        return
    at = time_text(event.at + SHOWN_AFTER)
    if is_for_approvers:
        yield from change(home_queries.CALL_HOMES, at=at)
    yield from change(home_queries.MARK_HOME, user_id=storable(launch.requester_id), at=at)


def opened(user_id: str, team_id: str, at: datetime) -> Steps[None]:
    """Store.home_opened."""
    yield from change(home_queries.OPEN_HOME, user_id=storable(user_id), team_id=storable(team_id), at=time_text(at))


def lease(*, now: datetime, until: datetime, holder: str, limit: int) -> Steps[list[Home]]:
    """Store.lease_homes."""
    if (yield from change(home_queries.ANSWER_CALL, now=time_text(now))):
        yield from change(home_queries.MARK_HOMES, since=time_text(now - KEPT_CURRENT_FOR), at=time_text(now))
    moment = {"now": time_text(now), "until": time_text(until), "holder": holder}
    rows = yield from fetch(home_queries.LEASE_HELD_HOMES, limit=limit, **moment)
    rows += yield from fetch(home_queries.LEASE_FREE_HOMES, limit=limit - len(rows), **moment)
    setting = Setting(sql=home_queries.SET_ASIDE_HOME, key="user_id", at=moment["now"])
    return (yield from leased(rows, at_once(_home_from), setting))


def shown(home: Home, holder: str, *, shown: str, again_at: datetime | None) -> Steps[None]:
    """Store.home_shown."""
    values = {"shown": shown, "again_at": time_or_none(again_at)}
    yield from change(home_queries.SHOW_HOME, user_id=home.user_id, holder=holder, **values)


def failed(home: Home, holder: str, *, retry_at: datetime | None) -> Steps[None]:
    """Store.home_failed."""
    values = {"opened_at": time_text(home.opened_at), "retry_at": time_or_none(retry_at)}
    yield from change(home_queries.FAIL_HOME, user_id=home.user_id, holder=holder, **values)


def next_due() -> Steps[datetime | None]:
    """Store.next_home."""
    rows: list[Row] = []
    for sql in (home_queries.NEXT_CALL, home_queries.NEXT_FREE_HOME, home_queries.NEXT_HELD_HOME):
        rows += yield from fetch(sql)
    return earliest(rows)


def _is_for_approvers(launch: Launch, event: Event) -> bool:
    """Whether what waits for anybody's approval may differ now."""
    match event.kind:
        case EventKind.REQUESTED:
            return launch.state is State.AWAITING_APPROVAL
        case kind if kind in _ENDING:
            return launch.sent_at is None and bool(launch.approval)
        case kind:
            return kind in _DECIDING


def _home_from(row: Row) -> Home:
    with reading("homes", row.get("user_id")):
        return Home(
            user_id=whole(row["user_id"]),
            team_id=whole(row["team_id"]),
            opened_at=time_from(row["opened_at"]),
            shown=whole(row["shown"]),
            attempts=int(row["attempts"]),
        )
