"""Slack's slow and bad days, by one handed-in clock: 300 launches in one channel under its real limits, and an hour without Slack.

Real: the worker's loops, the works, the store, SlackThread with the SDK over TCP, and the stand-in Slack with its limits. The clock is
shared by all of them and jumps to whoever wakes next as soon as nobody is at work.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import re
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import aiohttp
import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.model import Launch
from bot.domain.provider import Accepted, Call, Completed, Exchange, Observed, Outcome, Pace, Provider
from bot.gateways.slack import Face, SlackThread
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.limits import HUNDREDS, ONE_A_SECOND
from bot.sandbox.slack.workspace import Workspace, dm_id
from bot.store import open_store
from bot.worker import LEASE, LaunchWork, TellingWork, Worker
from tests.builders import NOON, a_connection, a_launch, an_event
from tests.ports import ListedGate

MANIFEST = Path(__file__).parent.parent.parent / "manifest.yaml"
CHANNEL = "C0FINANCE"
SDK_TIMEOUT_S = 10.0
RUN_S = 20.0
HOUR_S = 3600.0
SPINS = 12
END = re.compile(r"^Succeeded\b", re.MULTILINE)


# --- the clock -----------------------------------------------------------------------------------------------------------


@dataclass
class JumpingClock:
    """Stands while anybody is ``busy``; else it jumps to whoever wakes next. Ids count up, jitter is none."""

    time: datetime = NOON
    busy: int = 0
    sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = field(default_factory=list)
    numbers: Any = field(default_factory=itertools.count)
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> datetime:
        return self.time

    def jitter(self) -> float:
        return 0.0

    def new_launch_id(self) -> str:
        return f"L-{next(self.numbers):05d}"

    async def sleep(self, seconds: float) -> None:
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self.sleepers, (self.time + timedelta(seconds=seconds), next(self.numbers), waking))
        await waking

    @asynccontextmanager
    async def at_work(self) -> AsyncGenerator[None, None]:
        """Time stands meanwhile: this waits for another thread, or for another program."""
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1
            self.idle.set()

    async def run(self) -> None:
        while True:
            await self._until_idle()
            while self.sleepers and self.sleepers[0][2].done():
                heapq.heappop(self.sleepers)
            if self.sleepers:
                at, _, waking = heapq.heappop(self.sleepers)
                self.time = max(self.time, at)
                waking.set_result(None)

    async def _until_idle(self) -> None:
        spins = 0
        while spins < SPINS:
            if self.busy:
                spins = 0
                self.idle.clear()
                await self.idle.wait()
            spins += 1
            await asyncio.sleep(0)


@dataclass
class Timed:
    """A part whose calls stop the clock."""

    part: Any
    clock: JumpingClock

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.part, name)
        return partial(self._called, method) if iscoroutinefunction(method) else method

    async def _called(self, method: Any, *arguments: Any, **named: Any) -> Any:
        async with self.clock.at_work():
            return await method(*arguments, **named)


class TimedClient(AsyncWebClient):
    """The SDK's client: an answer that comes stops the clock; while the network is silent, the time-out goes by it instead."""

    clock: JumpingClock
    is_silent = False

    async def api_call(self, *arguments: Any, **named: Any) -> Any:
        if not self.is_silent:
            async with self.clock.at_work():
                return await super().api_call(*arguments, **named)
        calling = asyncio.ensure_future(super().api_call(*arguments, **named))
        waiting = asyncio.ensure_future(self.clock.sleep(SDK_TIMEOUT_S))
        await asyncio.wait({calling, waiting}, return_when=asyncio.FIRST_COMPLETED)
        for task in (calling, waiting):
            task.cancel()
        await asyncio.gather(calling, waiting, return_exceptions=True)
        raise TimeoutError


# --- the provider --------------------------------------------------------------------------------------------------------


class Plain(Provider):
    """Accepts each start; a run takes as long as its launch's inputs say."""

    name = "plain"
    title = "Plain"
    pace: ClassVar[Pace] = Pace(first_s=10, most_s=60, source="made up")

    def start(self, launch: Launch, connection: Any) -> Exchange[Any]:
        return (yield _call("start", launch))

    def track(self, launch: Launch, connection: Any) -> Exchange[Any]:
        return (yield _call("track", launch))


def _call(verb: str, launch: Launch) -> Call:
    return Call(method="POST", path=f"/{verb}", json=launch)


@dataclass
class PlainWire:
    """Answers by the clock."""

    clock: JumpingClock

    @asynccontextmanager
    async def place(self, connection: str) -> AsyncGenerator[Any, None]:
        yield partial(self.perform, connection)

    async def perform(self, connection: str, exchange: Any) -> Any:
        call = next(exchange)
        try:
            exchange.send(self._answer(call.path, call.json))
        except StopIteration as stop:
            return stop.value

    def _answer(self, path: str, launch: Launch) -> Any:
        if path == "/start":
            return Accepted(run_id=f"R-{launch.launch_id}", provider_status="Queued")
        is_over = self.clock.now() >= launch.created_at + timedelta(seconds=float(launch.inputs["run_s"]))
        return Completed(outcome=Outcome.SUCCEEDED, run_id=launch.run_id) if is_over else Observed(provider_status="Working")


# --- the day -------------------------------------------------------------------------------------------------------------


@dataclass
class Day:
    """One bot's worker, one Slack, one clock."""

    clock: JumpingClock
    slack: SlackStandIn
    store: Any
    client: TimedClient
    worker: Worker
    asked: list[str] = field(default_factory=list)

    async def ask(self, count: int, *, run_s: float = RUN_S) -> None:
        """So many launches at this moment."""
        for _ in range(count):
            now, launch_id = self.clock.now(), self.clock.new_launch_id()
            launch = a_launch(
                launch_id=launch_id,
                connection="plain",
                provider="plain",
                inputs={"run_s": run_s},
                created_at=now,
                updated_at=now,
                due_at=now,
            )
            await self.store.create(launch, an_event(launch_id=launch_id, at=now), delivery_key=f"command:{launch_id}")
            self.asked.append(launch_id)
        self.worker.ring()

    async def until(self, at: datetime) -> None:
        await self.clock.sleep((at - self.clock.now()).total_seconds())

    async def until_told(self, within_s: float) -> None:
        """Until nothing is due any more, by the handed-in clock."""
        until = self.clock.now() + timedelta(seconds=within_s)
        while await self.is_owed():
            assert self.clock.now() < until, f"not told within {within_s} s: {self.told()}"
            await self.clock.sleep(5)

    async def is_owed(self) -> bool:
        return any([await self.store.next_due(), await self.store.next_telling()])

    def told(self) -> Counter[str]:
        """How often the end of each launch was told: by a last line, by a card that stands alone, or to its requester."""
        return Counter(word for text in self._ends() for word in self.asked if word in text)

    def cards(self) -> Counter[str]:
        texts = [card.text for card in self.slack.workspace.messages(CHANNEL)]
        return Counter(launch_id for text in texts for launch_id in self.asked if launch_id in text)

    def _ends(self) -> list[str]:
        seen = self.slack.workspace
        direct = [message.text for message in seen.messages(dm_id("U0ALICE"))]
        by_card = [(card.text, seen.thread(CHANNEL, card.ts)) for card in seen.messages(CHANNEL)]
        lines = [card for card, thread in by_card for message in thread for _ in END.findall(message.text)]
        alone = [card for card, thread in by_card if not thread and END.match(card)]
        return [*lines, *alone, *(text for text in direct if END.match(text))]

    # --- Slack goes away ---

    async def refuse(self) -> int:
        """Nobody listens any more; the port that is free now."""
        port = urlsplit(self.slack.url).port
        await self.slack.stop()
        assert port is not None
        return port

    async def hang(self, port: int) -> asyncio.Server:
        """Connections are taken, and nothing ever comes back; who waits longer than the SDK does hangs up."""
        self.client.is_silent = True
        return await asyncio.start_server(_never_answers, "127.0.0.1", port)

    async def come_back(self, port: int, silence: asyncio.Server) -> None:
        silence.close()
        await self.clock.sleep(SDK_TIMEOUT_S)
        await silence.wait_closed()
        self.client.is_silent = False
        await self.slack.start(port=port)


async def _never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while await reader.read(65536):
            pass
    writer.close()


@asynccontextmanager
async def a_day(workspace: Workspace | None = None) -> AsyncGenerator[Day, None]:
    clock = JumpingClock()
    slack = SlackStandIn(workspace or Workspace.demo(), limits=True, clock=clock)
    await slack.start()
    store = open_store("sqlite://")
    await store.migrate()
    ticking = asyncio.create_task(clock.run())
    try:
        async with aiohttp.ClientSession() as session:
            client = TimedClient(token=slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
            client.clock = clock
            worker = _worker(clock, Timed(store, clock), client)
            async with worker:
                yield Day(clock=clock, slack=slack, store=Timed(store, clock), client=client, worker=worker)
    finally:
        ticking.cancel()
        await slack.stop()
        await store.close()


def _worker(clock: JumpingClock, store: Any, client: AsyncWebClient) -> Worker:
    thread = SlackThread(client, faces={"plain": Face(title="Plain", can_cancel=False)}, clock=clock)
    common: dict[str, Any] = {"store": store, "clock": clock, "holder": "bot", "lease": LEASE}
    connections = {"plain": a_connection(name="plain", provider="plain")}
    launches = LaunchWork(
        wire=PlainWire(clock), gate=ListedGate(), providers={"plain": Plain()}, connections=connections, **common
    )
    works = (launches, TellingWork(thread=thread, **common))
    return Worker(store=store, thread=thread, clock=clock, holder="bot", works=works)


# --- what is shown -------------------------------------------------------------------------------------------------------

LAUNCHES = 300


async def test_under_slacks_limits_no_final_state_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    async with a_day() as day:
        await day.ask(LAUNCHES)
        await day.until_told(within_s=2 * HOUR_S)

        assert day.told() == Counter(day.asked)
        assert day.cards() == Counter(day.asked)
        assert all(card.text.startswith("Succeeded") for card in day.slack.workspace.messages(CHANNEL))
        calls, refused, of_floor = figures(day)
        assert calls <= 1.3 * LAUNCHES
        assert refused <= 3
        assert of_floor <= 1.05
        with capsys.disabled():
            print(f"\n{account(day)}")  # noqa: T201 - issue 3 asks for it


def figures(day: Day) -> tuple[int, int, float]:
    """Calls that Slack answered, those that it refused, and how long all took beside two posts for each launch."""
    calls = [one for one in day.slack.traffic if one.kind == "call"]
    refused = sum(one.status == 429 for one in calls)
    least_s = (2 * LAUNCHES - ONE_A_SECOND.burst) * 60 / ONE_A_SECOND.per_minute
    return len(calls) - refused, refused, (day.clock.now() - NOON).total_seconds() / least_s


def account(day: Day) -> str:
    """Calls per launch, and how long it took beside a card and a last line each, at one post a second and channel."""
    calls = [one for one in day.slack.traffic if one.kind == "call"]
    refused = sum(one.status == 429 for one in calls)
    taken = Counter(one.name for one in calls if one.status == 200)
    took_s = (day.clock.now() - NOON).total_seconds()
    least_s = max(2 * LAUNCHES - ONE_A_SECOND.burst, 0) * 60 / ONE_A_SECOND.per_minute
    assert ONE_A_SECOND.per_minute < HUNDREDS
    return (
        f"{LAUNCHES} launches in one channel: {len(calls) / LAUNCHES:.2f} Web API calls each ({dict(taken)}, {refused} refused), "
        f"the least is 1 (a card that is posted late says it all); told after {took_s:.0f} s, two posts each would take {least_s:.0f} s"
    )


@pytest.mark.parametrize("refused_s", [HOUR_S / 2, HOUR_S, 0.0], ids=["refused, then silent", "refused", "silent"])
async def test_an_hour_without_slack_every_end_is_told_after_it_once(refused_s: float) -> None:
    await an_hour_without_slack(Workspace.demo(), refused_s)


async def test_as_our_manifest_installs_the_app_every_end_is_told_too() -> None:
    await an_hour_without_slack(Workspace.demo(yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))), 0.0)


async def an_hour_without_slack(workspace: Workspace, refused_s: float) -> None:
    """Launches are shown, half shown, or not at all when it begins; more are asked while it lasts."""
    async with a_day(workspace) as day:
        await day.ask(10)
        await day.clock.sleep(RUN_S / 2)
        await day.ask(10, run_s=HOUR_S / 2)
        await day.clock.sleep(7)
        await day.ask(10, run_s=2 * HOUR_S)
        back = day.clock.now() + timedelta(seconds=HOUR_S)

        port = await day.refuse()
        await during(day, refused_s)
        silence = await day.hang(port)
        await during(day, HOUR_S - refused_s)
        await day.until(back)
        before = sum(day.told().values())
        await day.come_back(port, silence)
        await day.until_told(within_s=3 * HOUR_S)

        assert before < len(day.asked)
        assert day.told() == Counter(day.asked)
        assert all(count == 1 for count in day.cards().values())


async def during(day: Day, seconds: float) -> None:
    """More is asked while Slack is away; it reached us before, and is still to be told."""
    if seconds:
        await day.clock.sleep(seconds / 2)
        await day.ask(5)
        await day.clock.sleep(seconds / 2 - 60)
