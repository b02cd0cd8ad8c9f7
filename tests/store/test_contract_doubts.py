"""Every store through the same checks: what ``bot.ports.Store`` says of runs that are owned, and of rivals for a run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.model import State
from bot.ports import Store
from tests.store.steps import MINUTE, at, keep

WITHIN = timedelta(minutes=20)


@pytest.mark.parametrize("state", State)
async def test_a_run_is_owned_by_a_launch_in_whatever_state(store: Store, state: State) -> None:
    await keep(store, state=state, run_id="R-1")

    assert await store.bound_runs("billing", frozenset({"R-1", "R-2"})) == {"R-1"}


async def test_a_run_over_another_connection_is_not_owned(store: Store) -> None:
    """Two systems may number their runs alike."""
    await keep(store, run_id="R-1", connection="billing-test")

    assert await store.bound_runs("billing", frozenset({"R-1"})) == frozenset()


async def test_of_many_runs_those_that_are_owned_come_back(store: Store) -> None:
    for n in range(0, 50, 7):
        await keep(store, launch_id=f"L-{n}", run_id=f"R-{n}")
    await keep(store, launch_id="L-NONE", run_id=None)

    found = await store.bound_runs("billing", frozenset(f"R-{n}" for n in range(50)))

    assert found == {f"R-{n}" for n in range(0, 50, 7)}
    assert await store.bound_runs("billing", frozenset()) == frozenset()


async def test_a_run_id_that_cannot_be_written_is_still_compared(store: Store) -> None:
    await keep(store, run_id="half a \ud83d pair")

    assert await store.bound_runs("billing", frozenset({"half a \ud83d pair"})) == {"half a \ud83d pair"}


async def rivals(store: Store, **other: Any) -> bool:
    """Whether a launch in doubt, sent at noon, has a rival in this other one."""
    await keep(store, launch_id="L-OTHER", **({"state": State.IN_DOUBT, "sent_at": at(0)} | other))
    return await store.has_rivals(await keep(store, state=State.IN_DOUBT, sent_at=at(0)), within=WITHIN)


@pytest.mark.parametrize("state", State)
async def test_a_rival_is_a_launch_whose_start_is_not_settled(store: Store, state: State) -> None:
    assert await rivals(store, state=state) == (state in {State.STARTING, State.IN_DOUBT})


@pytest.mark.parametrize(
    ("minutes", "is_rival"),
    [(-20 - 1e-6, False), (-20, True), (-1, True), (0, True), (20, True), (20 + 1e-6, False)],
)
async def test_a_rival_was_sent_within_the_time(store: Store, minutes: float, is_rival: bool) -> None:
    assert await rivals(store, sent_at=at(0) + minutes * MINUTE) == is_rival


@pytest.mark.parametrize("other", [{"connection": "billing-test"}, {"workflow_id": "713"}, {"sent_at": None}])
async def test_a_launch_of_something_else_or_never_sent_is_no_rival(store: Store, other: dict[str, Any]) -> None:
    assert not await rivals(store, **other)


async def test_a_launch_is_not_its_own_rival_and_none_where_it_was_never_sent(store: Store) -> None:
    launch = await keep(store, state=State.IN_DOUBT, sent_at=at(0))
    unsent = await keep(store, launch_id="L-UNSENT", state=State.STARTING)

    assert not await store.has_rivals(launch, within=WITHIN)
    assert not await store.has_rivals(unsent, within=WITHIN)
