"""What a transaction asks of a database, one step after the other, without knowing which database that is.

A method of the store is a generator: it yields steps, is sent what each gave, and returns its answer. SQLite carries it out in
one go (sqlite_lane.py), Postgres on the event loop (postgres.py). So every method, and every statement, is written once:

    rows = yield from fetch(queries.LAUNCH, launch_id=launch_id)
    count = yield from change(queries.RELEASE_LAUNCH, launch_id=launch_id, holder=holder)

A step that breaks ends the transaction; no generator catches that. One that lost a race is begun again from its first step, so
nothing but the database may change while it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from bot.store.rows import Row

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fetch:
    """Send all rows of a statement."""

    sql: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """Send how many rows a statement changed."""

    sql: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Alone:
    """From here to the end of the transaction, no other is past the same step of the same name. SQLite has one writer anyway."""

    name: str


Steps: TypeAlias = Generator[Fetch | Change | Alone, Any, T]
Work: TypeAlias = Callable[[], Steps[T]]
"""Makes the steps of one transaction: called again where one that lost a race is begun anew."""


def fetch(sql: str, **values: Any) -> Steps[list[Row]]:
    """All rows of a query, by column name."""
    return (yield Fetch(sql, values))


def change(sql: str, **values: Any) -> Steps[int]:
    """How many rows a statement changed."""
    return (yield Change(sql, values))


def alone(*names: str) -> Steps[None]:
    """Wait for whoever decides on the same thing: what was looked up stays true until what rests on it is written.

    Why: SQLite's writers come one after the other, Postgres' at once, and a count of rows locks none of those to come. A
    transaction that takes more than one takes them in this order: a delivery, a quota, a run, a telling.
    """
    yield Alone("\n".join(names))
