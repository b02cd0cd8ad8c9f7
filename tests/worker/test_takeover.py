"""What a dead replica held is taken over by connection: one that cannot be claimed now hides no other."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot import providers
from bot.domain.model import State
from bot.domain.provider import Busy
from bot.ports import Store
from bot.worker import LEASE, LaunchWork, PacedWire, TrackWork
from bot.worker.launches import AT_ONCE_PER_CONNECTION
from tests.builders import NOON, FrozenClock, a_connection
from tests.ports import ListedGate, ListedWire, a_store
from tests.store.steps import ids, keep

LAPSED = NOON + LEASE + timedelta(seconds=1)


@pytest.fixture
async def store() -> AsyncGenerator[Store]:
    async with a_store() as opened:
        yield opened


@pytest.fixture
def launches(store: Store) -> LaunchWork:
    """Another replica, once the leases of the dead one have lapsed."""
    clock, wire = FrozenClock(time=LAPSED), ListedWire()
    connections = {name: a_connection(name=name) for name in ("billing", "other")}
    known: dict[str, Any] = {"clock": clock, "providers": providers.load(), "connections": connections}
    paced = PacedWire(wire=wire, **known)
    return LaunchWork(
        store=store, wire=wire, gate=ListedGate(), holder="alive", lease=LEASE, paced=paced, is_tracking=False, **known
    )


async def died_with(store: Store, state: State) -> None:
    """One launch of each connection is held by a replica that is dead; the lease of ``billing`` lapses first."""
    for late_s, name in enumerate(("billing", "other")):
        await keep(store, launch_id=f"L-{name.upper()}", connection=name, state=state, run_id=f"run at {name}", sent_at=NOON)
        until = NOON + LEASE + timedelta(seconds=late_s)
        is_tracked = state is State.RUNNING
        assert await store.lease_of(name, is_tracked=is_tracked, now=NOON, until=until, holder="dead", limit=1)


async def test_a_connection_without_room_hides_no_start_of_another(store: Store, launches: LaunchWork) -> None:
    await died_with(store, State.STARTING)
    for _ in range(AT_ONCE_PER_CONNECTION):
        launches.enter("billing")

    assert ids(list(await launches.claim(10))) == ["L-OTHER"]


async def test_a_connection_that_rests_hides_no_run_of_another(store: Store, launches: LaunchWork) -> None:
    await died_with(store, State.RUNNING)
    paced = launches.paced
    assert paced is not None
    paced.learnt("billing", Busy(code="HTTP 429", meaning="Too many calls", retry_after_s=3600))
    tracking = TrackWork(launches=replace(launches, wire=paced, paced=None), wire=paced)

    [batch] = await tracking.claim(10)

    assert list(batch.left) == ["L-OTHER"]
