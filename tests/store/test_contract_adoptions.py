"""Two doubts never share a run, however close together they are settled."""

from __future__ import annotations

from bot.domain.lifecycle import step
from bot.domain.model import EventKind, Launch, State
from bot.ports import Store
from tests.builders import a_launch, an_event
from tests.store.steps import read


async def in_doubt(store: Store, launch_id: str) -> Launch:
    """A launch whose start was lost."""
    launch = a_launch(launch_id=launch_id)
    await store.create(launch, an_event(launch_id=launch_id), delivery_key=f"command:{launch_id}")
    for kind in (EventKind.STARTING, EventKind.LOST):
        stored, event = await read(store, launch_id), an_event(kind, launch_id=launch_id)
        assert await store.save(step(stored, event), event)
    return await read(store, launch_id)


async def adopts(store: Store, launch: Launch, run_id: str) -> bool:
    event = an_event(EventKind.ADOPTED, launch_id=launch.launch_id, facts={"run_id": run_id})
    return await store.save(step(launch, event), event, has_line=True, delivery_key="button:1")


async def test_a_run_that_another_launch_owns_is_not_adopted_and_nothing_is_written(store: Store) -> None:
    first, second = await in_doubt(store, "L-00001"), await in_doubt(store, "L-00002")

    assert await adopts(store, first, "400")
    assert not await adopts(store, second, "400")

    stored = await read(store, "L-00002")
    assert (stored.state, stored.run_id, stored.version) == (State.IN_DOUBT, None, second.version)
    assert [event.kind for event in await store.events("L-00002")][-1] is EventKind.LOST


async def test_another_run_is_adopted_after_that(store: Store) -> None:
    first, second = await in_doubt(store, "L-00001"), await in_doubt(store, "L-00002")
    await adopts(store, first, "400")
    await adopts(store, second, "400")

    assert await adopts(store, second, "401")
    assert (await read(store, "L-00002")).run_id == "401"
