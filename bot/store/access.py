"""Decisions, held scopes and first names: each function is the body of one transaction (steps.py)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.holdings import Holding, Mirror
from bot.domain.records import Record
from bot.store import access_queries
from bot.store.access_rows import decision_from, decision_row, first_name_from, holding_from, holding_row, identity_from
from bot.store.aside import readable
from bot.store.rows import storable, time_text
from bot.store.steps import Steps, change, fetch


def record_decision(decision: Record) -> Steps[None]:
    """Store.record_decision."""
    yield from change(access_queries.KEEP_DECISION, **decision_row(decision))


def decisions(*, since: datetime, after: int, limit: int) -> Steps[list[Record]]:
    """Store.decisions. Reads on past rows that are left out, so that a page is short at the end only."""
    moment = time_text(since)
    after = after or (yield from _before_first(moment))
    found: list[Record] = []
    while len(found) < limit:
        rows = yield from fetch(access_queries.DECISIONS, since=moment, after=after, limit=limit - len(found))
        if not rows:
            break
        found += readable(rows, decision_from)
        after = rows[-1]["seq"]
    return found


def mirror(connection: str) -> Steps[Mirror]:
    """Store.mirror."""
    known = readable((yield from fetch(access_queries.HOLDINGS, connection=connection)), holding_from)
    whose = readable((yield from fetch(access_queries.IDENTITY, connection=connection)), identity_from)
    return Mirror(
        holdings={(holding.scope, holding.workflow_id): holding for holding in known},
        identity=next(iter(whose), None),
    )


def keep_mirror(connection: str, holdings: Sequence[Holding], identity: str | None) -> Steps[None]:
    """Store.keep_mirror."""
    for holding in holdings:
        yield from change(access_queries.KEEP_HOLDING, **(holding_row(holding) | {"connection": connection}))
    if identity is not None:
        yield from change(access_queries.KEEP_IDENTITY, connection=connection, identity=storable(identity))


def first_name(connection: str, workflow_id: str) -> Steps[str | None]:
    """The name under which a workflow was first seen; None when it never was."""
    rows = yield from fetch(access_queries.FIRST_NAME, connection=connection, workflow_id=storable(workflow_id))
    return next(map(first_name_from, rows), None)


def keep_first_name(connection: str, workflow_id: str, name: str, *, at: datetime) -> Steps[str]:
    """Store.first_name, where a look found none: of two who come at once, the first one's stands."""
    named = {"connection": connection, "workflow_id": storable(workflow_id)}
    yield from change(access_queries.KEEP_FIRST_NAME, name=storable(name), at=time_text(at), **named)
    return first_name_from((yield from fetch(access_queries.FIRST_NAME, **named))[0])


def _before_first(moment: str) -> Steps[int]:
    """The number before that of the first decision since then: where a first page begins, however long the history is."""
    first = (yield from fetch(access_queries.FIRST_DECISION, since=moment))[0]["seq"]
    return 0 if first is None else first - 1
