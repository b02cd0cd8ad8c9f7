"""A start that was possibly applied is sent again over the real wire: only Zuora's answer to the start itself ends it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from bot import providers
from bot.domain.model import NOTHING, Event, EventKind, Launch, SecretName, State
from bot.domain.provider import Secret
from bot.gateways.http import HttpWire
from bot.ports import Store
from bot.store.sqlite import SqliteStore
from bot.worker import LEASE, LaunchWork
from tests.builders import FrozenClock, a_connection, a_delivery, a_launch, an_event
from tests.gateways.wire_world import Request, answering, http, serving
from tests.ports import ListedGate, a_store

TOKEN = http(200, '{"access_token": "synthetic-access-token", "token_type": "bearer", "expires_in": 3599}')
QUEUED = http(200, '{"id": 400, "type": "Workflow::Instance", "status": "Queued"}')
GONE = http(404, '{"errors": [{"status": 404, "code": "invalid", "title": "Cannot find a workflow with id 396."}]}')
PAGE = http(404, "<!DOCTYPE html>\n<html><h1>404 Not Found</h1></html>", Content_Type="text/html")
DOWN = http(503, "")
CREDENTIAL = {"client_id": Secret("made-up-id"), "client_secret": Secret("made-up-secret")}
PORTAL = {"portal-login": Secret("made-up-portal-login")}
WITH_SECRET = {"login": SecretName("portal-login")}


@dataclass
class Tenant:
    """Zuora as one tenant meets it: what its logins and its starts are answered, in turn, the last for ever."""

    logins: list[bytes]
    starts: list[bytes]
    keys: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> bytes:
        if request.target == "/oauth/token":
            return self.logins.pop(0) if len(self.logins) > 1 else self.logins[0]
        self.keys.append(request.headers["idempotency-key"])
        return self.starts.pop(0) if len(self.starts) > 1 else self.starts[0]


@dataclass
class House:
    """A worker with a real store and a real wire, and the tenant that it starts workflows at."""

    store: SqliteStore
    url: str
    wire: HttpWire
    clock: FrozenClock

    async def act(self, **later: float) -> Launch:
        """So much later, act on what is due; how the launch stands then."""
        self.clock.move(**later)
        work = self.work()
        for launch in await work.claim(10):
            await work.act(launch)
        stored = await self.store.launch("L-7K3QW")
        assert stored is not None
        return stored

    def work(self) -> LaunchWork:
        return LaunchWork(
            store=self.store,
            wire=self.wire,
            gate=ListedGate(),
            clock=self.clock,
            providers=providers.load(),
            connections={"billing": a_connection(base_url=self.url)},
            holder="me",
            lease=LEASE,
        )

    async def forget_secrets(self) -> None:
        """As a reload does whose configuration has no secrets any more."""
        connection = a_connection(base_url=self.url)
        await self.wire.reconfigure(
            connections={"billing": connection}, credentials={"billing": CREDENTIAL}, secrets={"billing": {}}
        )

    async def kinds(self) -> list[EventKind]:
        return [event.kind for event in await self.store.events("L-7K3QW")]


@asynccontextmanager
async def a_house(tenant: Tenant, *, inputs: Mapping[str, Any] = NOTHING) -> AsyncGenerator[House]:
    """A launch is queued there."""
    clock = FrozenClock()
    async with serving(answering(tenant)) as server, a_store() as store:
        wire = HttpWire(
            connections={"billing": a_connection(base_url=server.url)},
            credentials={"billing": CREDENTIAL},
            providers=providers.load(),
            clock=clock,
            secrets={"billing": PORTAL},
        )
        delivery = a_delivery()
        await store.record_delivery(delivery)
        await store.create(a_launch(inputs=inputs), an_event(), delivery_key=delivery.key)
        try:
            yield House(store, server.url, wire, clock)
        finally:
            await wire.close()


async def assert_undecided_until_the_key_lapses(house: House, tenant: Tenant) -> None:
    """Sent again an hour later, it is still only possibly applied; and in doubt when the key is good no more."""
    again = await house.act(hours=1)
    assert (again.state, again.attempts, (await house.kinds())[-1]) == (State.STARTING, 2, EventKind.UNANSWERED)

    lapsed = await house.act(hours=24)
    assert (lapsed.state, (await house.kinds())[-1]) == (State.IN_DOUBT, EventKind.LOST)
    assert EventKind.FAILED not in await house.kinds()
    assert set(tenant.keys) == {"L-7K3QW"}


@pytest.mark.parametrize("status", [404, 405, 422])
async def test_a_login_that_is_refused_ends_no_launch_that_may_have_been_applied(status: int) -> None:
    tenant = Tenant(logins=[TOKEN, http(status)], starts=[DOWN])

    async with a_house(tenant) as house:
        assert (await house.act()).state is State.STARTING
        await assert_undecided_until_the_key_lapses(house, tenant)

    assert len(tenant.keys) == 1


async def test_a_secret_that_was_taken_away_ends_no_launch_that_may_have_been_applied() -> None:
    tenant = Tenant(logins=[TOKEN], starts=[DOWN])

    async with a_house(tenant, inputs=WITH_SECRET) as house:
        assert (await house.act()).state is State.STARTING
        await house.forget_secrets()
        await assert_undecided_until_the_key_lapses(house, tenant)

    assert len(tenant.keys) == 1


class _Reloading:
    """A store that is asked for a launch's events just as the configuration is read anew."""

    def __init__(self, store: SqliteStore, reload: Callable[[], None]) -> None:
        self._store, self._reload = store, reload

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def events(self, launch_id: str) -> Sequence[Event]:
        found = await self._store.events(launch_id)
        self._reload()
        return found


async def test_nothing_is_sent_again_to_an_address_that_came_while_it_was_judged() -> None:
    """Another tenant does not know the key, and would start it a second time."""
    tenant = Tenant(logins=[TOKEN], starts=[DOWN])

    async with a_house(tenant) as house:
        assert (await house.act()).state is State.STARTING
        house.clock.move(hours=1)
        work = house.work()
        moved = {"billing": a_connection(base_url="http://127.0.0.1:9")}
        work = replace(
            work, store=cast("Store", _Reloading(house.store, lambda: cast("dict[str, Any]", work.connections).update(moved)))
        )
        for launch in await work.claim(10):
            await work.act(launch)
        sent = len(tenant.keys)
        after = await house.act()

    assert sent == 1
    assert (after.state, after.attempts, len(tenant.keys)) == (State.STARTING, 2, 2), "by a worker that knows the first address"


async def test_a_proxys_page_ends_no_launch_that_may_have_been_applied() -> None:
    tenant = Tenant(logins=[TOKEN], starts=[DOWN, PAGE])

    async with a_house(tenant) as house:
        assert (await house.act()).state is State.STARTING
        await assert_undecided_until_the_key_lapses(house, tenant)

    assert len(tenant.keys) == 2


@pytest.mark.parametrize(("answer", "state"), [(QUEUED, State.RUNNING), (GONE, State.FAILED)])
async def test_zuoras_answer_to_the_start_itself_settles_it_once_it_is_heard(answer: bytes, state: State) -> None:
    tenant = Tenant(logins=[TOKEN, http(404), TOKEN], starts=[DOWN, PAGE, answer])

    async with a_house(tenant) as house:
        for _ in range(3):
            assert (await house.act(hours=1)).state is State.STARTING
        launch = await house.act(hours=1)

    assert (launch.state, launch.attempts, len(tenant.keys)) == (state, 4, 3)


@pytest.mark.parametrize(
    ("logins", "starts", "code"),
    [([http(404)], [QUEUED], "HTTP 404"), ([TOKEN], [PAGE], "HTTP 404"), ([TOKEN], [GONE], "HTTP 404")],
    ids=["login", "page", "answer"],
)
async def test_a_first_send_that_is_refused_has_failed(logins: list[bytes], starts: list[bytes], code: str) -> None:
    async with a_house(Tenant(logins=logins, starts=starts)) as house:
        launch = await house.act()
        [*_, event] = await house.store.events("L-7K3QW")

    assert (launch.state, event.facts["code"]) == (State.FAILED, code)


async def test_a_first_send_whose_secret_is_gone_has_failed() -> None:
    async with a_house(Tenant(logins=[TOKEN], starts=[QUEUED]), inputs=WITH_SECRET) as house:
        await house.forget_secrets()

        assert (await house.act()).state is State.FAILED
