"""Runs at a provider's stand-in, launches that track them, and the worker between them, in time that the test hands out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot import providers
from bot.domain.model import Connection, Launch, State
from bot.domain.provider import Call, Exchange, Reply, Secret, Unreachable
from bot.ports import Store
from bot.sandbox.standins import ProviderStandIns, Run
from bot.sandbox.standins._house import Incoming
from bot.worker import LEASE, LaunchWork, PacedWire, Plans, TrackWork
from tests.builders import FrozenClock, a_launch, an_event
from tests.ports import ListedGate

PROVIDERS = providers.load()
FIND_EMAIL = "0d179c07-6443-4eeb-ada7-652fb498f997"
ADD_NUMBERS = "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138"
CREDENTIALS: Mapping[str, Mapping[str, str]] = {
    "bitrix24": {"api_key": "BITRIX24_API_KEY"},
    "domo": {"developer_token": "DOMO_TOKEN"},
    "captain_data": {"api_key": "CAPTAIN_DATA_KEY", "project_id": "CAPTAIN_DATA_PROJECT"},
}


@dataclass
class StandInWire:
    """Carries exchanges to the stand-ins without a socket. ``calls``: each call with its time; ``replies`` are given first."""

    standins: ProviderStandIns
    clock: FrozenClock
    calls: list[tuple[datetime, Call]] = field(default_factory=list)
    replies: list[Reply | Unreachable] = field(default_factory=list)
    call_takes_s: float = 0.0

    @asynccontextmanager
    async def place(self, connection: str) -> Any:
        raise AssertionError(f"nothing is started over {connection}")
        yield

    async def perform(self, connection: str, exchange: Exchange[Any]) -> Any:
        try:
            call = next(exchange)
            while True:
                reply = await self._reply(connection, call)
                if isinstance(reply, Unreachable):
                    return reply
                call = exchange.send(reply)
        except StopIteration as stop:
            return stop.value

    async def _reply(self, name: str, call: Call) -> Reply | Unreachable:
        self.calls.append((self.clock.now(), call))
        self.clock.move(seconds=self.call_takes_s)
        if self.replies:
            return self.replies.pop(0)
        named = self.standins.environment()
        credential = {key: Secret(named[word]) for key, word in CREDENTIALS[name].items()}
        signed = PROVIDERS[name].sign(call, credential, None).headers
        headers = {key.lower(): secret.reveal() for key, secret in signed.items()} | {"content-type": "application/json"}
        body = b"" if call.json is None else json.dumps(call.json).encode()
        at = self.clock.now().timestamp()
        return await self.standins.standin(name).answer(
            Incoming(method=call.method, path=call.path, at=at, query=call.query, headers=headers, body=body)
        )

    def busiest_minute(self) -> int:
        """The most calls within any sixty seconds."""
        times = [at for at, _ in self.calls]
        return max((sum(at <= each < at + timedelta(seconds=60) for each in times) for at in times), default=0)


@dataclass
class Desk:
    """Whoever asks about runs, at one provider whose connection has the provider's own name."""

    store: Store
    provider: str
    poll_every_s: float | None = None
    clock: FrozenClock = field(default_factory=FrozenClock)
    runs: dict[str, Run] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.standins = ProviderStandIns(now=lambda: self.clock.now().timestamp(), sleep=self.clock.sleep)
        self.site = StandInWire(self.standins, self.clock)
        connection = Connection(
            name=self.provider,
            provider=self.provider,
            base_url="http://127.0.0.1",
            options=PROVIDERS[self.provider].options(),
            poll_every_s=self.poll_every_s,
        )
        self.connections = {self.provider: connection}
        self.wire = PacedWire(wire=self.site, clock=self.clock, providers=PROVIDERS, connections=self.connections)
        launches = LaunchWork(
            store=self.store,
            wire=self.wire,
            gate=ListedGate(),
            clock=self.clock,
            providers=PROVIDERS,
            connections=self.connections,
            holder="me",
            lease=LEASE,
            plans=Plans(store=self.store, clock=self.clock),
            is_tracking=False,
        )
        self.work = TrackWork(launches=launches, wire=self.wire)

    async def begin(self, launch_id: str, workflow_id: str, lasts_s: float, **changes: Any) -> Launch:
        """A run that began just now, and the launch that it is tracked by."""
        now, standin = self.clock.now(), self.standins.standin(self.provider)
        run = standin.start_elsewhere(workflow_id, "1")
        self.runs[launch_id] = standin.ledger.change(run.run_id, lasts_s=lasts_s)
        plain: dict[str, Any] = {
            "launch_id": launch_id,
            "connection": self.provider,
            "provider": self.provider,
            "workflow_id": workflow_id,
            "state": State.RUNNING,
            "run_id": run.run_id,
            "provider_status": "running",
            "sent_at": now,
            "created_at": now,
            "updated_at": now,
            "due_at": now + timedelta(seconds=PROVIDERS[self.provider].pace.first_s),
        }
        launch = a_launch(**(plain | changes))
        await self.store.create(launch, an_event(launch_id=launch_id, at=now), delivery_key=f"command:{launch_id}")
        return launch

    def ends_at(self, launch_id: str) -> datetime:
        """When the run is over."""
        run = self.runs[launch_id]
        return datetime.fromtimestamp(run.started_at + run.lasts_s, self.clock.now().tzinfo)

    async def step(self, until: datetime) -> bool:
        """Do what is due next; False when nothing is before ``until``."""
        due_at = await self.work.next_due()
        if due_at is None or due_at > until:
            self.clock.time = max(self.clock.time, until if due_at is not None else self.clock.time)
            return False
        self.clock.time = max(self.clock.time, due_at)
        for batch in await self.work.claim(self.work.at_once):
            await self.work.act(batch)
        return True

    async def pass_time(self, seconds: float) -> None:
        """Work for so long."""
        until = self.clock.now() + timedelta(seconds=seconds)
        while await self.step(until):
            pass
        self.clock.time = max(self.clock.time, until)

    async def stored(self, launch_id: str) -> Launch:
        launch = await self.store.launch(launch_id)
        assert launch is not None
        return launch

    async def ended(self, *, among: Mapping[str, Any] | None = None) -> dict[str, timedelta]:
        """How much later than it ended each run that is over was recorded as over."""
        stored = [await self.stored(launch_id) for launch_id in among or self.runs]
        return {each.launch_id: each.updated_at - self.ends_at(each.launch_id) for each in stored if each.state.is_final}
