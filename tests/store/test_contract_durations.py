"""Every store through the same checks: what ``bot.ports.Store`` says of due launches by connection, and of how long runs took."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import EventKind, Launch, State
from bot.domain.pacing import MOST_KEPT
from bot.ports import Store
from tests.builders import NOON, an_event
from tests.ports import a_store
from tests.store.steps import MINUTE, L, at, happen, ids, keep, read

TRACKED: Iterable[dict[str, Any]] = (
    {"state": State.RUNNING},
    {"state": State.NEEDS_ATTENTION},
    {"state": State.RUNNING, "cancel_asked_by": "U0ALICE", "is_cancel_sent": True},
)
ACTS: Iterable[dict[str, Any]] = (
    *({"state": state} for state in State if state not in {State.RUNNING, State.NEEDS_ATTENTION}),
    {"state": State.RUNNING, "cancel_asked_by": "U0ALICE"},
    {"state": State.NEEDS_ATTENTION, "cancel_asked_by": "U0ALICE"},
)


async def claim(
    store: Store, connection: str = "billing", now: datetime = NOON, *, is_tracked: bool = True, holder: str = "bot-1", **how: Any
) -> list[Launch]:
    how = {"limit": 10, "until": now + MINUTE} | how
    return await store.lease_of(connection, is_tracked=is_tracked, now=now, holder=holder, **how)


async def ended(store: Store, took_s: float, launch_id: str = L) -> bool:
    launch = replace(await read(store, launch_id), state=State.SUCCEEDED, due_at=None)
    event = an_event(EventKind.SUCCEEDED, launch_id=launch_id)
    return await store.save(launch, event, took_s=took_s)


class TestByConnection:
    async def test_runs_are_claimed_apart_from_everything_else(self, store: Store) -> None:
        for number, changes in enumerate((*TRACKED, *ACTS)):
            await keep(store, launch_id=f"L-{number:04}", due_at=at(-1), **changes)

        tracked = ids(await claim(store, limit=100))
        acts = ids(await claim(store, is_tracked=False, limit=100))

        assert tracked == [f"L-{number:04}" for number in range(3)]
        assert acts == [f"L-{number:04}" for number in range(3, 3 + len(tuple(ACTS)))]

    async def test_only_those_of_the_connection_are_claimed(self, store: Store) -> None:
        await keep(store, launch_id="L-BILLING", state=State.RUNNING, due_at=NOON)
        await keep(store, launch_id="L-CRM", connection="crm", state=State.RUNNING, due_at=NOON)

        assert ids(await claim(store, "crm")) == ["L-CRM"]

    async def test_the_most_overdue_come_first_and_no_more_than_the_limit(self, store: Store) -> None:
        for name, minute in {"L-2": -2, "L-SOON": 1, "L-1": -3, "L-3": 0}.items():
            await keep(store, launch_id=name, state=State.RUNNING, due_at=at(minute))

        assert ids(await claim(store, limit=2)) == ["L-1", "L-2"]
        assert ids(await claim(store, limit=2)) == ["L-3"]

    async def test_whoever_asks_about_many_gets_those_that_fall_due_soon_as_well(self, store: Store) -> None:
        for name, minute in {"L-NOW": 0, "L-SOON": 1, "L-LATER": 3, "L-NEVER": None}.items():
            await keep(store, launch_id=name, state=State.RUNNING, due_at=None if minute is None else at(minute))

        assert ids(await claim(store, before=at(2))) == ["L-NOW", "L-SOON"]

    async def test_what_somebody_holds_is_not_claimed_again_before_its_lease_lapses(self, store: Store) -> None:
        await keep(store, state=State.RUNNING, due_at=NOON)
        [held] = await claim(store)

        assert await claim(store, now=at(0.9), holder="bot-2") == []
        assert await claim(store, now=at(0.9), holder="bot-2", before=at(2)) == []
        [taken] = await claim(store, now=at(1), holder="bot-2")
        assert not await store.save(held, None)
        assert await store.save(taken, None)

    async def test_its_own_holder_gets_it_again_only_once_it_was_given_back(self, store: Store) -> None:
        await keep(store, state=State.RUNNING, due_at=NOON)
        await claim(store)

        assert await claim(store, now=at(5)) == []
        await store.release(L, "bot-1")
        assert ids(await claim(store, now=at(5))) == [L]

    async def test_of_many_who_claim_together_one_gets_each_launch(self, store: Store) -> None:
        for number in range(20):
            await keep(store, launch_id=f"L-{number:04}", state=State.RUNNING, due_at=NOON)

        claimed = await asyncio.gather(*(claim(store, holder=f"bot-{number}", limit=3) for number in range(10)))

        assert sorted(launch_id for found in claimed for launch_id in ids(found)) == [f"L-{number:04}" for number in range(20)]

    async def test_when_each_connection_is_due_next_is_told(self, store: Store) -> None:
        await keep(store, launch_id="L-1", state=State.RUNNING, due_at=at(3))
        await keep(store, launch_id="L-2", state=State.RUNNING, due_at=at(1))
        await keep(store, launch_id="L-3", connection="crm", state=State.NEEDS_ATTENTION, due_at=at(2))
        await keep(store, launch_id="L-4", connection="sales", state=State.QUEUED, due_at=at(-1))
        await keep(store, launch_id="L-5", connection="never", state=State.RUNNING, due_at=None)

        assert await store.next_by_connection(is_tracked=True, now=NOON) == {"billing": at(1), "crm": at(2)}
        assert await store.next_by_connection(is_tracked=False, now=NOON) == {"sales": at(-1)}

    async def test_what_is_held_is_due_again_when_its_lease_lapses(self, store: Store) -> None:
        await keep(store, launch_id="L-1", state=State.RUNNING, due_at=at(-1))
        await keep(store, launch_id="L-2", state=State.RUNNING, due_at=at(-1))
        await claim(store, limit=1)

        assert await store.next_by_connection(is_tracked=True, now=NOON) == {"billing": at(-1)}
        await claim(store, limit=1, until=at(2))
        assert await store.next_by_connection(is_tracked=True, now=NOON) == {"billing": at(1)}

    @pytest.mark.parametrize("is_tracked", [True, False])
    async def test_every_connection_with_a_lapsed_lease_is_told(self, store: Store, is_tracked: bool) -> None:
        """Also behind many that lapsed before it: somebody may not be able to claim those, and a start may be among the others."""
        state = State.RUNNING if is_tracked else State.STARTING
        held = {"is_tracked": is_tracked, "holder": "dead"}
        for number in range(150):
            await keep(store, launch_id=f"L-{number:04}", connection="busy", state=state, due_at=at(-9))
        for minute, name in enumerate(("billing", "crm", "sales", "other"), start=1):
            await keep(store, launch_id=f"L-{name}", connection=name, state=state, due_at=at(-9))
            await claim(store, name, until=at(minute), **held)
        await claim(store, "busy", until=at(0.5), limit=150, **held)
        await keep(store, launch_id="L-BOTH", connection="sales", state=state, due_at=at(2.5))

        told = {now: await store.next_by_connection(is_tracked=is_tracked, now=at(now)) for now in (0.4, 0.5, 2.9, 3, 9)}

        free = {"sales": at(2.5)}
        lapsed = {"busy": at(0.5), "billing": at(1), "crm": at(2)}
        assert told[0.4] == free | {"busy": at(0.5)}
        assert told[0.5] == free | {"busy": at(0.5), "billing": at(1)}
        assert told[2.9] == free | lapsed, "the next to lapse is of a connection that is due before"
        assert told[3] == told[9] == free | lapsed | {"other": at(4)}

    async def test_what_falls_due_after_its_lease_has_lapsed_is_due_then(self, store: Store) -> None:
        await keep(store, state=State.RUNNING, due_at=at(2))
        await claim(store, before=at(3), until=at(1))

        assert await store.next_by_connection(is_tracked=True, now=NOON) == {"billing": at(2)}
        assert await store.next_by_connection(is_tracked=True, now=at(1.5)) == {"billing": at(2)}

    async def test_nothing_is_due_where_there_is_nothing(self, store: Store) -> None:
        assert await store.next_by_connection(is_tracked=True, now=NOON) == {}
        assert await claim(store) == []


class TestPostponing:
    async def test_what_is_postponed_is_free_and_due_later_and_nothing_else_is_changed(self, store: Store) -> None:
        launches = [await keep(store, launch_id=f"L-{n}", state=State.RUNNING, due_at=at(-1)) for n in range(3)]
        claimed = await claim(store, limit=2)

        await store.postpone([replace(one, due_at=at(7), looks=4, misses=1) for one in claimed], holder="bot-1")

        expected = [replace(one, version=3, due_at=at(7), looks=4, misses=1) for one in launches[:2]]
        assert [await read(store, one.launch_id) for one in launches] == [*expected, launches[2]]
        assert ids(await claim(store, now=at(7), until=at(9), holder="bot-2")) == ["L-2", "L-0", "L-1"]

    async def test_what_somebody_changed_meanwhile_is_only_given_back(self, store: Store) -> None:
        await keep(store, state=State.RUNNING, due_at=NOON)
        [claimed] = await claim(store)
        await happen(store, EventKind.CANCEL_ASKED, cancel_asked_by="U0BOB")
        changed = await read(store)

        await store.postpone([replace(claimed, due_at=at(7), looks=9)], holder="bot-1")

        assert await read(store) == changed
        assert ids(await claim(store, is_tracked=False, holder="bot-2")) == [L]

    async def test_whoever_lost_the_lease_postpones_nothing_and_gives_nothing_back(self, store: Store) -> None:
        await keep(store, state=State.RUNNING, due_at=NOON)
        [paused] = await claim(store)
        [taken] = await claim(store, now=at(1), until=at(5), holder="bot-2")

        await store.postpone([replace(paused, due_at=at(7))], holder="bot-1")
        await store.postpone([], holder="bot-1")

        assert await read(store) == taken
        assert await claim(store, now=at(2), holder="bot-3") == []


class TestDurations:
    async def test_nothing_is_known_at_first(self, store: Store) -> None:
        assert await store.durations("billing", "396") == ()

    async def test_a_run_that_is_over_tells_how_long_it_took(self, store: Store) -> None:
        await keep(store, state=State.RUNNING)

        assert await ended(store, 61.25)
        assert await store.durations("billing", "396") == (61.25,)
        assert await store.durations("billing", "397") == await store.durations("crm", "396") == ()

    async def test_only_the_last_ones_are_kept_in_order(self, store: Store) -> None:
        for number in range(MOST_KEPT + 2):
            name = f"L-{number:04}"
            await keep(store, launch_id=name, state=State.RUNNING)
            assert await ended(store, number + 0.5, name)

        assert await store.durations("billing", "396") == tuple(number + 0.5 for number in range(2, MOST_KEPT + 2))

    async def test_a_change_that_is_not_kept_teaches_nothing(self, store: Store) -> None:
        await keep(store, state=State.RUNNING)
        stale = await read(store)
        await happen(store, EventKind.PROGRESSED)

        assert not await store.save(replace(stale, state=State.SUCCEEDED), an_event(EventKind.SUCCEEDED), took_s=5.0)
        assert await store.durations("billing", "396") == ()


@given(
    workflow_id=st.text(min_size=1, max_size=8).filter(lambda text: "\0" not in text),
    took_s=st.lists(st.floats(0.001, 7e6), min_size=1, max_size=3),
)
async def test_durations_of_any_workflow_come_back_to_the_millisecond(workflow_id: str, took_s: list[float]) -> None:
    async with a_store() as store:
        for number, each_s in enumerate(took_s):
            name = f"L-{number:04}"
            await keep(store, launch_id=name, state=State.RUNNING, workflow_id=workflow_id)
            await ended(store, each_s, name)

        assert await store.durations("billing", workflow_id) == tuple(round(each_s, 3) for each_s in took_s)
