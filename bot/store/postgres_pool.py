"""Connections to one Postgres database, pooled and replaced when they break; transactions on them.

Every write is one transaction; a look is a statement of its own each, as on SQLite's reader. What lost a race, or whose connection
broke before anything was committed, is begun again from its first step. A connection that breaks during COMMIT leaves open
whether it was kept: that is an error to whoever asked, and says so (``may_be_kept``); who asks again under the same key or version
learns it.

Once the database was used, whatever keeps it from being opened anew is one more reason to try again: during a failover a standby
refuses, and may know no password yet, and what must outlive that waits for ``StoreUnavailableError`` alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import Enum, auto
from typing import Any, Final, TypeVar, assert_never

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from bot.domain.errors import SettingsError, StoreUnavailableError
from bot.store.postgres_dialect import statement, values_of
from bot.store.postgres_errors import LOST_A_RACE, is_lost, is_unheard, our_error
from bot.store.postgres_opening import Connection, connected, parameters_of, place_of, set_up
from bot.store.steps import Alone, Change, Fetch, Steps, Work

T = TypeVar("T")

MOST_CONNECTIONS: Final = 8
"""Of one replica, beside the one that listens."""
WAITS_FOR_ONE_S: Final = 1.5
"""Slack waits three seconds, and is to be told what is wrong."""
KEPT_FREE: Final = 2
"""Connections for deliveries alone: what the worker does under load must not keep Slack waiting."""
WAITS_FOR_A_PLACE_S: Final = 20.0
"""Whatever can wait waits for its place rather than fail, and be tried again, and make it worse."""
BUSY: Final = "all its connections are busy"
ATTEMPTS: Final = 4

_ALONE: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))"


class PostgresPool:
    """The database at ``url``. Nothing is opened before its first use; ``place`` is what errors call it."""

    def __init__(self, url: str, *, most_connections: int = MOST_CONNECTIONS) -> None:
        self._parameters = parameters_of(url)
        self.place = place_of(self._parameters)
        self._most_connections = most_connections
        self._pool: AsyncConnectionPool[Connection] | None = None
        self._opening: asyncio.Task[AsyncConnectionPool[Connection]] | None = None
        self._asking: asyncio.Task[StoreUnavailableError] | None = None
        self._places = asyncio.Semaphore(max(most_connections - KEPT_FREE, 1))
        self._closing: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._was_used = False

    async def connect(self) -> Connection:
        """A connection outside the pool, set up as all are; the caller closes it.

        Raises:
            SettingsError: the database cannot be used, and waiting does not mend it; never again once it was used.
            StoreUnavailableError: it cannot be used just now.
        """
        try:
            connection = await connected(self._parameters, self.place)
        except SettingsError as error:
            if self._was_used:
                raise _for_now(error, self.place) from None
            raise
        self._was_used = True
        return connection

    async def read(self, work: Work[T]) -> T:
        """The answer of ``work``, which only looks.

        Raises:
            SettingsError: the database cannot be opened, and never was.
            StoreUnavailableError: it cannot be used just now.
        """
        async with self._place():
            return await self._run(work, _Way.LOOK)

    async def write(self, work: Work[T], *, is_one_step: bool = False, may_repeat: bool = False, is_urgent: bool = False) -> T:
        """The answer of ``work``, all kept in one transaction, or, when it raises, nothing. Raises as ``read``.

        ``is_one_step``: its only step is its transaction. ``may_repeat``: also where nobody knows whether it was kept.
        ``is_urgent``: Slack waits for it, so that it does not queue behind all that can wait.
        """
        way = _Way.ONE_STEP if is_one_step else _Way.TRANSACTION
        if is_urgent:
            return await self._run(work, way, may_repeat=may_repeat)
        async with self._place():
            return await self._run(work, way, may_repeat=may_repeat)

    async def close(self) -> None:
        """Close every connection; a second time does nothing."""
        self._is_closed = True
        if self._opening is not None:
            await asyncio.wait({self._opening})
        if self._pool is not None:
            self._let_go(self._pool)
        await asyncio.gather(*self._closing, *([self._asking] if self._asking is not None else []), return_exceptions=True)

    @asynccontextmanager
    async def _place(self) -> AsyncGenerator[None]:
        """One of the places for what can wait: as many as there are connections, less those that are kept free."""
        try:
            async with asyncio.timeout(WAITS_FOR_A_PLACE_S):  # asyncio.wait_for may lose a cancellation, up to Python 3.11
                await self._places.acquire()
        except TimeoutError:
            raise StoreUnavailableError(self.place, BUSY) from None
        try:
            yield
        finally:
            self._places.release()

    async def _run(self, work: Work[T], way: _Way, *, may_repeat: bool = False) -> T:
        may_be_kept = False
        for left in reversed(range(ATTEMPTS)):
            attempt = _Attempt(way, may_repeat=may_repeat)
            try:
                async with self._connection() as connection:
                    return await attempt.carry_out(connection, work)
            except psycopg.IntegrityError:
                raise
            except StoreUnavailableError as error:
                if not may_be_kept:
                    raise
                raise StoreUnavailableError(error.place, error.cause, may_be_kept=True) from None  # others may share that error
            except psycopg.Error as exc:
                may_be_kept = may_be_kept or attempt.may_be_kept(exc)
                if not left or not attempt.may_be_repeated(exc):
                    # None: its frames hold what was to be written
                    raise our_error(exc, self.place, may_be_kept=may_be_kept) from None
        raise AssertionError("the last attempt answers or raises")

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Connection]:
        pool = await self._ready()
        try:
            connection = await pool.getconn(timeout=WAITS_FOR_ONE_S)
        except PoolTimeout:
            raise await self._told_why_none() from None
        try:
            _hear_its_end(connection)
            yield connection
        except psycopg.Error as exc:
            if is_lost(exc):
                self._let_go(pool)
            raise
        finally:
            await pool.putconn(connection)

    async def _told_why_none(self) -> StoreUnavailableError:
        """All who got none share one try: many at once would take the connections that somebody needs."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._why_none())
        return await asyncio.shield(self._asking)

    async def _why_none(self) -> StoreUnavailableError:
        """The pool gave no connection in time, and does not tell why; one more try does."""
        try:
            await (await self.connect()).close()
        except StoreUnavailableError as error:
            return error
        return StoreUnavailableError(self.place, BUSY)

    async def _ready(self) -> AsyncConnectionPool[Connection]:
        """The pool, made where there is none; all who wait for it share one try, and hear the same reason."""
        if self._is_closed:
            raise StoreUnavailableError(self.place, "it is closed")
        if self._pool is not None:
            return self._pool
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(_heard)
        try:
            async with asyncio.timeout(WAITS_FOR_ONE_S):
                return await asyncio.shield(self._opening)
        except TimeoutError:
            raise StoreUnavailableError(self.place, "nothing answers there") from None

    async def _open(self) -> AsyncConnectionPool[Connection]:
        """A new pool, once a connection of ours came about: the pool itself would try on and on, and never say why not."""
        await (await self.connect()).close()
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # what breaks is told by whoever needed it
        pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            connection_class=AsyncConnection[DictRow],
            kwargs={**self._parameters, "autocommit": True, "row_factory": dict_row},
            min_size=1,
            max_size=self._most_connections,
            open=False,
            configure=set_up,
            reconnect_timeout=WAITS_FOR_ONE_S,
            name="gonogo",
        )
        await pool.open()
        self._pool = pool
        return pool

    def _let_go(self, pool: AsyncConnectionPool[Connection]) -> None:
        """A server that went away, or changed sides, took all connections with it: none of the others is tried in vain.

        Why not leave it to the pool: it would wait between its tries for longer than Postgres was away.
        """
        if self._pool is pool:
            self._pool = None
            closing = asyncio.create_task(pool.close(timeout=0))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)


def _heard(opening: asyncio.Task[AsyncConnectionPool[Connection]]) -> None:
    """Whoever waited may have left meanwhile."""
    if not opening.cancelled():
        opening.exception()


def _hear_its_end(connection: Connection) -> None:
    """Look, without asking the server, whether it has ended this connection already: nothing that was never sent is in doubt.

    Raises:
        psycopg.OperationalError: it has.
    """
    for _ in range(2):  # first its last words, where it had some
        connection.pgconn.consume_input()


def _for_now(error: SettingsError, place: str) -> StoreUnavailableError:
    """What ended a start is, later, one more reason to try again."""
    return StoreUnavailableError(place, error.problems[0].rpartition("cannot be used: ")[2])


class _Way(Enum):
    """How work is carried out: each step by itself, the only step as the transaction, or all steps in one."""

    LOOK = auto()
    ONE_STEP = auto()
    TRANSACTION = auto()


class _Attempt:
    """One try at one piece of work, which knows how far it came."""

    def __init__(self, way: _Way, *, may_repeat: bool) -> None:
        self._way = way
        self._may_repeat = may_repeat
        self._is_committing = False

    async def carry_out(self, connection: Connection, work: Work[T]) -> T:
        if self._way is not _Way.TRANSACTION:
            self._is_committing = self._way is _Way.ONE_STEP
            return await carried_out(connection, work(), is_one_step=self._way is _Way.ONE_STEP)
        async with connection.transaction():
            answer = await carried_out(connection, work())
            self._is_committing = True
        return answer

    def may_be_repeated(self, exc: psycopg.Error) -> bool:
        """Nothing of it was kept, or it does not matter, and another connection, or another moment, may do."""
        return isinstance(exc, LOST_A_RACE) or (is_lost(exc) and (self._may_repeat or not self._is_committing))

    def may_be_kept(self, exc: psycopg.Error) -> bool:
        """Nobody answered whether it was."""
        return self._is_committing and is_unheard(exc)


async def carried_out(connection: Connection, steps: Steps[T], *, is_one_step: bool = False) -> T:
    """The answer of a method of the store, each of its steps done on this connection."""
    given: Any = None
    count = 0
    try:
        while True:
            step = steps.send(given)
            count += 1
            if is_one_step and count > 1:
                raise AssertionError("a second step of work that has one, by its word: the first is kept already")
            given = await _done(connection, step)
    except StopIteration as end:
        return end.value
    finally:
        steps.close()


async def _done(connection: Connection, step: Fetch | Change | Alone) -> Any:
    match step:
        case Fetch(text, values):
            return await (await connection.execute(statement(text).encode(), values_of(values))).fetchall()
        case Change(text, values):
            return (await connection.execute(statement(text).encode(), values_of(values))).rowcount
        case Alone(name):
            return await connection.execute(_ALONE, values_of({"name": name}))
        case _:
            assert_never(step)
