"""The table fault × provider × verb, each row through the real providers, the real wire over TCP, the real worker and store.

Time stands still: after each act the clock is moved to when the launch is due next. Only a provider that hangs is waited for.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import pytest

from bot import providers
from bot.domain.lifecycle import step
from bot.domain.model import Connection, EventKind, Launch, State
from bot.domain.provider import Busy, Described, Listed, Secret, Unauthorised, Unreachable
from bot.gateways.http import HttpWire
from bot.sandbox.standins import Fault, FaultKind, ProviderStandIns
from bot.store.sqlite import SqliteStore
from bot.surfaces.cards import has_line, line
from bot.worker import LEASE, LaunchWork
from tests.builders import FrozenClock, a_delivery, a_launch, a_workflow, an_event
from tests.gateways.wire_world import TcpServer, answering, http, serving
from tests.journeys.fault_table import DO_NOT_LAUNCH, IN_DOUBT, RUN_S, Answer, Means, Mishap, Row, Setup, rows
from tests.ports import ListedGate, a_store

PROVIDERS = providers.load()
MOST_STEPS = 60
IMPATIENT_S, PATIENT_S = 0.4, 10.0
CUT_AFTER = Fault(kind=FaultKind.DROP, is_applied=True)


@dataclass
class NotingWire:
    """The real wire, and a note of every answer beside the verb that it answers."""

    wire: HttpWire
    answers: list[tuple[str, Any]] = field(default_factory=list)

    @asynccontextmanager
    async def place(self, connection: str) -> AsyncGenerator[Any, None]:
        async with self.wire.place(connection) as perform:

            async def noting(exchange: Any) -> Any:
                return self._noted(exchange.__name__, await perform(exchange))

            yield noting

    async def perform(self, connection: str, exchange: Any) -> Any:
        return self._noted(exchange.__name__, await self.wire.perform(connection, exchange))

    def first(self, verb: str) -> Any:
        """The first answer to this verb; a login's trouble is the answer of the start that needed it."""
        wanted = "start" if verb == "login" else verb
        return next(answer for asked, answer in self.answers if asked == wanted)

    def _noted(self, verb: str, answer: Any) -> Any:
        """``verb`` is the exchange's own name; a start is wrapped in one that lets it leave in time only."""
        self.answers.append(("start" if verb == "_sent_before" else verb, answer))
        return answer


@dataclass
class Bench:
    """One launch of one provider, its worker, and the stand-ins that it meets."""

    setup: Setup
    verb: str
    store: SqliteStore
    clock: FrozenClock
    standins: ProviderStandIns
    connection: Connection
    wire: NotingWire

    @property
    def work(self) -> LaunchWork:
        return LaunchWork(
            store=self.store,
            wire=self.wire,
            gate=ListedGate(),
            clock=self.clock,
            providers=PROVIDERS,
            connections={self.connection.name: self.connection},
            holder="me",
            lease=LEASE,
        )

    @property
    def request_verb(self) -> str:
        """What the stand-in calls the verb: a look-up reads lists and rows, as tracking does."""
        return "track" if self.verb == "find" else self.verb

    async def launch(self) -> None:
        """Keep a launch that is due."""
        facts = {"connection": self.connection.name, "provider": self.setup.provider, "workflow_name": None}
        launch = a_launch(**(facts | dict(self.setup.launched(self.verb))))
        await self.store.create(launch, an_event(), delivery_key=a_delivery().key)

    async def stored(self) -> Launch:
        launch = await self.store.launch("L-7K3QW")
        assert launch is not None
        return launch

    async def act(self) -> None:
        """What is due next, when it is due."""
        due_at = await self.work.next_due()
        assert due_at is not None
        self.clock.time = max(self.clock.time, due_at)
        for launch in await self.work.claim(1):
            await self.work.act(launch)

    async def carry_on(self) -> None:
        """Until it is over, or nothing is due but people."""
        for _ in range(MOST_STEPS):
            if await self.work.next_due() is None:
                return
            await self.act()
        raise AssertionError(f"still {(await self.stored()).state} after {MOST_STEPS} steps")

    async def ask_cancel(self) -> None:
        launch = await self.stored()
        event = an_event(EventKind.CANCEL_ASKED, at=self.clock.move(seconds=1), actor="U0ALICE")
        assert await self.store.save(step(launch, event), event, has_line=True)

    async def lines(self) -> list[str]:
        """What the thread was told, in order."""
        launch, title = await self.stored(), PROVIDERS[self.setup.provider].title
        events = await self.store.events(launch.launch_id)
        return [line(launch, event, provider_title=title).text for event in events if has_line(event)]

    def starts(self) -> int:
        return sum(received.verb == "start" for received in self.standins.received)


@asynccontextmanager
async def a_bench(row: Row) -> AsyncGenerator[Bench, None]:
    clock = FrozenClock()
    standins = ProviderStandIns(run_s=RUN_S, now=lambda: clock.now().timestamp(), sleep=clock.sleep)
    await standins.start()
    setup = row.setup
    connection = Connection(
        name="there",
        provider=setup.provider,
        base_url=standins.base_url(setup.provider),
        options=setup.options or PROVIDERS[setup.provider].options(),
        timeout_s=IMPATIENT_S if row.mishap.is_hang else PATIENT_S,
    )
    wire = HttpWire(
        connections={"there": connection},
        credentials={"there": _credential(setup, standins.environment())},
        providers=PROVIDERS,
        clock=clock,
    )
    try:
        async with a_store() as store:
            yield Bench(setup, row.verb, store, clock, standins, connection, NotingWire(wire))
    finally:
        await wire.close()
        await standins.stop()


def _credential(setup: Setup, named: Mapping[str, str]) -> dict[str, Secret]:
    return {key: Secret(named[word]) for key, word in setup.credential.items()}


@asynccontextmanager
async def befalling(bench: Bench, mishap: Mishap) -> AsyncGenerator[TcpServer, None]:
    """The mishap waits for its verb; what a redirect leads to listens elsewhere. A provider that is closed opens on leaving."""
    port = int(bench.standins.url.rpartition(":")[2])
    async with serving(answering(http())) as elsewhere:
        if mishap.fault is None:
            await bench.standins.stop()
        else:
            fault = replace(mishap.fault, location=elsewhere.url)
            bench.standins.fault(bench.setup.provider, fault, verb=bench.request_verb, times=mishap.times)
        yield elsewhere
        if mishap.fault is None:
            await bench.standins.start(port=port)


async def drive(bench: Bench, mishap: Mishap) -> None:
    """A launch from its request to where only people can go on, with the mishap on its way."""
    await bench.launch()
    if bench.verb == "find":
        bench.standins.fault(bench.setup.provider, CUT_AFTER, verb="start")
    if bench.verb in {"find", "track", "cancel"}:
        await bench.act()
    if bench.verb == "cancel":
        await bench.ask_cancel()
    async with befalling(bench, mishap) as elsewhere:
        await bench.act()
        if mishap.fault is not None:
            await bench.carry_on()
    await bench.carry_on()
    assert elsewhere.connected == 0


async def ask(bench: Bench, mishap: Mishap) -> None:
    """A question about definitions that meets the mishap, and the same question after it."""
    async with befalling(bench, mishap) as elsewhere:
        await _asked(bench)
    assert elsewhere.connected == 0
    assert isinstance(await _asked(bench), Listed | Described)


async def _asked(bench: Bench) -> Any:
    provider = PROVIDERS[bench.setup.provider]
    if bench.verb == "catalogue":
        return await bench.wire.perform("there", provider.catalogue(bench.connection))
    workflow = a_workflow(workflow_id=bench.setup.launch["workflow_id"], extras=bench.setup.launch.get("extras", {}))
    return await bench.wire.perform("there", provider.describe(workflow, bench.connection))


def understood(answer: Any, *, verb: str) -> Answer:
    """The wire's answer in the table's words."""
    match answer:
        case Busy():
            return Answer.BUSY
        case Unauthorised():
            return Answer.UNAUTHORISED
        case Unreachable(is_possibly_applied=True):
            return Answer.POSSIBLY
        case Unreachable():
            return Answer.NOT_SENT if verb in {"start", "login", "cancel"} else Answer.UNTOLD
        case _:
            return Answer.FINE


def words_of(lines: list[str]) -> tuple[str, ...]:
    """The state word of each line; one that is said again at once counts once."""
    return tuple(word for word, _ in groupby(text.partition(":")[0] for text in lines))


def _as_param(row: Row) -> Any:
    marks = [pytest.mark.xfail(reason=row.known_fault, raises=AssertionError, strict=True)] if row.known_fault else []
    return pytest.param(row, id=row.name, marks=marks)


@pytest.mark.parametrize("row", [_as_param(row) for row in rows()])
async def test_a_fault_comes_to_what_the_table_says(row: Row) -> None:
    expected, is_question = row.expected, row.verb in {"catalogue", "describe"}
    async with a_bench(row) as bench:
        await (ask if is_question else drive)(bench, row.mishap)
        runs, lines = len(bench.standins.runs(row.setup.provider)), await bench.lines() if not is_question else []

        assert words_of(lines) == expected.words, lines
        assert runs == expected.runs
        assert understood(bench.wire.first(row.verb), verb=row.verb) is expected.answer
        assert [words for words in expected.says if words not in " ".join(lines)] == []
        if not is_question:
            await check_promises(bench, lines, expected.answer)
            check_waits(bench, row.mishap)


async def check_promises(bench: Bench, lines: list[str], answer: Answer) -> None:
    """What holds in every row: one run at most, the last line says how the launch stands, and a doubt is told at once."""
    launch = await bench.stored()
    assert len(bench.standins.runs(bench.setup.provider)) <= 1
    assert lines[-1].startswith(launch.state.word)
    assert launch.state.is_final or launch.state is State.IN_DOUBT
    if bench.verb == "start" and answer is Answer.POSSIBLY:
        assert DO_NOT_LAUNCH in lines[0]
    if lines[0].startswith(IN_DOUBT):
        assert bench.starts() == 1, "what is in doubt is never sent again"


def check_waits(bench: Bench, mishap: Mishap) -> None:
    """A wait that the provider names is kept to."""
    if mishap.fault is None or mishap.fault.retry_after_s is None:
        return
    asked = [received for received in bench.standins.received if received.verb == bench.request_verb]
    refused = next(place for place, received in enumerate(asked) if received.status == mishap.fault.status)
    assert asked[refused + 1].at - asked[refused].at >= mishap.fault.retry_after_s


def test_the_table_has_every_provider_and_every_meaning() -> None:
    assert {row.setup.provider for row in rows()} == set(PROVIDERS)
    assert {row.mishap.means for row in rows()} == set(Means)
    assert len({row.name for row in rows()}) == len(rows())
