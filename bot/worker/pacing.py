"""What the worker has learnt of how to ask about runs: how often a connection may be asked, and how long a workflow's runs take.

Why a long wait is answered and not waited for: whoever waits holds a lease and a place in the loop; a row waits for free.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog

from bot.domain import budget, pacing
from bot.domain.budget import Budget
from bot.domain.errors import StoreUnavailableError
from bot.domain.fellows import Fellows
from bot.domain.lifecycle import step
from bot.domain.model import Connection, Event, EventKind, Json, Launch, State
from bot.domain.pacing import Plan
from bot.domain.provider import Busy, Call, Exchange, Provider, Reply, TrackedMany
from bot.domain.reactions import Reaction
from bot.ports import Clock, Store, Wire

LONGEST_TURN_S = 10.0
WORTH_TELLING = timedelta(seconds=10)
"""A start that waits less for a pause to end waits in silence."""
_SHARED_AS = "provider"
PLANS_LAST = timedelta(seconds=30)
MOST_PLANS = 2000
PAUSES_OF_AT_MOST = 2
"""Where a connection is asked more rarely than its provider advises: so many times its own pause is the longest."""

A = TypeVar("A")
_log = structlog.get_logger("gonogo.worker")


@dataclass(frozen=True, kw_only=True)
class PacedWire:
    """A wire over which no connection is asked more often than its budget has it; each call takes a turn of its own."""

    wire: Wire
    clock: Clock
    providers: Mapping[str, Provider]
    connections: Mapping[str, Connection]
    budgets: dict[str, Budget] = field(default_factory=dict[str, Budget])
    fellows: Fellows = field(default_factory=Fellows)

    def heed(self, pauses: Mapping[str, datetime]) -> None:
        """What another replica was refused holds for us as well."""
        now = self.clock.now()
        for name, not_before in pauses.items():
            kind, _, connection = name.partition(" ")
            if kind != _SHARED_AS or connection not in self.connections:
                continue
            known = self.budget(connection)
            if known.not_before is None or known.not_before < not_before:
                self.budgets[connection] = known.refused(now, (not_before - now).total_seconds())

    def budget(self, connection: str) -> Budget:
        """What may be spent over a connection now: our part of what all replicas may."""
        known = self.budgets.get(connection)
        configured = self.connections.get(connection)
        provider = self.providers.get(configured.provider) if configured is not None else None
        calls_a_minute = (provider or Provider).allowance.calls_a_minute / self.fellows.replicas
        if known is None or configured is None:
            known = self.budgets[connection] = budget.budget(calls_a_minute, self.clock.now())
        elif known.calls_a_minute != calls_a_minute:
            known = self.budgets[connection] = replace(known, calls_a_minute=calls_a_minute)
        return known

    def paused_until(self, connection: str) -> datetime | None:
        """Until when a refusal, to us or to another replica, forbids any call over a connection; None where it may be called."""
        known = self.budgets.get(connection)
        not_before = None if known is None else known.not_before
        return not_before if not_before is not None and self.clock.now() < not_before else None

    def place(self, connection: str) -> Any:
        """A place on the wire underneath: what is sent there is not paced."""
        return self.wire.place(connection)

    async def perform(self, connection: str, exchange: Exchange[A]) -> A | Any:
        """As ``Wire.perform``. A call whose turn would be long in coming is not made: ``Busy``, with the wait."""
        try:
            call = next(exchange)
            while True:
                busy = await self._turn(connection)
                reply = busy or await self.wire.perform(connection, _one(call))
                if not isinstance(reply, Reply):
                    exchange.close()
                    return reply if busy else self.learnt(connection, reply)
                call = exchange.send(reply)
        except StopIteration as stop:
            return self.learnt(connection, stop.value)

    async def _turn(self, connection: str) -> Busy | None:
        """Wait until a call may be made, and count it."""
        while (wait_s := self.budget(connection).wait_s(self.clock.now())) > 0:
            if wait_s > LONGEST_TURN_S:
                return Busy(code="PACED", meaning="The provider takes no more calls for a while.", retry_after_s=wait_s)
            await self.clock.sleep(wait_s)
        self.budgets[connection] = self.budget(connection).spent(self.clock.now())
        return None

    def learnt(self, connection: str, answer: A) -> A:
        """The answer to a call. A provider that is busy pauses the connection, at every replica, and then slows it down."""
        told = answer.answers.values() if isinstance(answer, TrackedMany) else (answer,)
        busy = next((each for each in told if isinstance(each, Busy)), None)
        if busy is not None:
            refused = self.budgets[connection] = self.budget(connection).refused(self.clock.now(), busy.retry_after_s)
            if refused.not_before is not None:
                self.fellows.learn(f"{_SHARED_AS} {connection}", refused.not_before)
            _log.info("paced", connection=connection, code=busy.code, wait_s=busy.retry_after_s)
        return answer


def resting(launch: Launch, until: datetime, now: datetime) -> Reaction:
    """A launch that waits for the pause of its connection to end. Of a start this is told, once, where it takes more than seconds."""
    waiting = replace(launch, due_at=until)
    if launch.state is not State.QUEUED or launch.misses or until - now < WORTH_TELLING:
        return Reaction(launch=waiting)
    meaning = f"The provider takes no more calls over the connection {launch.connection} for a while."
    facts: dict[str, Json] = {"meaning": meaning, "retry_at": until.isoformat()}
    event = Event(launch_id=launch.launch_id, kind=EventKind.DELAYED, at=now, facts=facts)
    return Reaction(launch=step(replace(waiting, misses=1), event), event=event)


def _one(call: Call) -> Generator[Call, Reply, Reply]:
    """An exchange of one call whose answer is the reply itself."""
    return (yield call)


@dataclass(frozen=True, kw_only=True)
class Plans:
    """When runs of each workflow are asked about, by what is stored of it; half a minute old at most."""

    store: Store
    clock: Clock
    _read: dict[tuple[str, str], tuple[datetime, float, Plan | None]] = field(
        init=False, default_factory=dict[tuple[str, str], tuple[datetime, float, Plan | None]]
    )

    async def of(self, launch: Launch, connection: Connection, provider: Provider) -> Plan | None:
        """The plan for the workflow of ``launch``; None where nothing is known of it (just now)."""
        key, now, even_s = (launch.connection, launch.workflow_id), self.clock.now(), even_pause_s(connection, provider)
        known = self._read.get(key)
        if known is not None and now - known[0] < PLANS_LAST and known[1] == even_s:
            return known[2]
        try:
            durations_s = await self.store.durations(*key)
        except StoreUnavailableError:
            return None
        longest_s = max(provider.pace.most_s, PAUSES_OF_AT_MOST * even_s)
        plan = pacing.plan(durations_s, even_s=even_s, longest_s=longest_s, longest_beyond_s=connection.poll_every_s)
        if len(self._read) >= MOST_PLANS:
            self._read.clear()
        self._read[key] = (now, even_s, plan)
        return plan


def even_pause_s(connection: Connection, provider: Provider) -> float:
    """Seconds between two looks at one run, as configured, else as the provider advises."""
    return connection.poll_every_s if connection.poll_every_s is not None else provider.pace.first_s
