"""Every store through the same checks: what ``bot.ports.Store`` says of leases on launches."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.domain.model import EventKind, State
from bot.ports import Store
from tests.builders import NOON, a_delivery, an_event
from tests.store.steps import L, at, happen, ids, keep, lease, read, take, tell


async def test_only_what_is_due_is_leased_most_overdue_first(store: Store) -> None:
    for name, due_at in {"L-2": at(-2), "L-SOON": at(1), "L-1": at(-3), "L-NEVER": None, "L-3": NOON}.items():
        await keep(store, launch_id=name, due_at=due_at)

    assert ids(await lease(store)) == ["L-1", "L-2", "L-3"]


async def test_no_more_than_the_limit_is_leased(store: Store) -> None:
    for n in range(5):
        await keep(store, launch_id=f"L-{n}", due_at=at(n - 5))

    assert ids(await lease(store, limit=2)) == ["L-0", "L-1"]
    assert ids(await lease(store, limit=2)) == ["L-2", "L-3"]
    assert await lease(store, limit=0) == []


async def test_what_somebody_holds_is_not_leased_again(store: Store) -> None:
    await keep(store)
    await lease(store)

    assert await lease(store, at(0.9), holder="bot-2") == []
    assert await lease(store, at(0.9), holder="bot-1") == []


async def test_of_many_who_lease_together_one_gets_each_launch(store: Store) -> None:
    for n in range(20):
        await keep(store, launch_id=f"L-{n:02}")

    leased = await asyncio.gather(*(lease(store, holder=f"bot-{n}", limit=3) for n in range(10)))

    assert sorted(launch_id for found in leased for launch_id in ids(found)) == [f"L-{n:02}" for n in range(20)]


async def test_a_leased_launch_comes_with_its_new_version(store: Store) -> None:
    launch = await keep(store)

    [leased] = await lease(store)

    assert leased == replace(launch, version=2)
    assert await store.save(replace(leased, looks=1), None)


async def test_a_lapsed_lease_is_taken_by_another_and_its_former_holder_can_no_longer_write(store: Store) -> None:
    await keep(store)
    [paused] = await lease(store, holder="bot-1")
    [taken] = await lease(store, at(1), holder="bot-2")

    assert await store.save(replace(paused, state=State.STARTING), an_event(EventKind.STARTING)) is False
    assert await store.save(replace(taken, state=State.STARTING), an_event(EventKind.STARTING))


async def test_a_lapsed_lease_that_nobody_took_still_lets_its_holder_write(store: Store) -> None:
    await keep(store)
    [leased] = await lease(store)

    assert await store.save(replace(leased, looks=1, updated_at=at(30)), None, holder="bot-1")


async def test_a_lapsed_lease_is_not_taken_again_by_its_own_holder(store: Store) -> None:
    """Whose renewal was late is still at work on it: a second start beside the first would be a second run."""
    await keep(store)
    await store.record_delivery(a_delivery(), holder="bot-1", until=at(1))
    await lease(store)
    await tell(store)

    assert [await lease(store, at(9)), await tell(store, at(9)), await take(store, at(9))] == [[], [], []]
    await store.release(L, "bot-1")
    await store.telling_done(L, "bot-1")
    assert [len(await lease(store, at(9))), len(await tell(store, at(9)))] == [1, 1]
    assert await take(store, at(9), holder="bot-2") == [a_delivery()]


async def test_saving_gives_the_lease_back(store: Store) -> None:
    await keep(store)
    [leased] = await lease(store)
    await store.save(replace(leased, looks=1), None)

    assert ids(await lease(store, holder="bot-2")) == [L]


async def test_saving_keeps_the_lease_where_it_is_asked_to(store: Store) -> None:
    await keep(store)
    [leased] = await lease(store)
    await store.save(replace(leased, state=State.STARTING), an_event(EventKind.STARTING), keep_lease=True)

    assert await lease(store, at(0.9), holder="bot-2") == []
    assert ids(await lease(store, at(1), holder="bot-2")) == [L]


async def test_whoever_no_longer_has_the_lease_cannot_save_as_its_holder(store: Store) -> None:
    await keep(store)
    await lease(store, holder="bot-1")
    await lease(store, at(1), holder="bot-2")
    newest = await read(store)

    assert await store.save(replace(newest, looks=1), None, holder="bot-1") is False
    assert await store.save(replace(newest, looks=1), None, holder="bot-2")
    assert await store.save(await read(store), None, holder="bot-2") is False, "it was given back"


async def test_a_cancel_in_between_leaves_the_lease_with_its_holder(store: Store) -> None:
    await keep(store)
    [leased] = await lease(store)
    await happen(store, EventKind.CANCEL_ASKED, cancel_asked_by="U0BOB")

    assert await store.save(replace(leased, looks=1), None, holder="bot-1") is False, "the holder reads again"
    assert await store.save(replace(await read(store), looks=1), None, holder="bot-1")
    assert (await read(store)).cancel_asked_by == "U0BOB"


async def test_a_released_launch_is_free_and_unchanged(store: Store) -> None:
    await keep(store)
    [leased] = await lease(store)
    await store.release(L, "bot-1")

    assert await read(store) == leased
    assert ids(await lease(store, holder="bot-2")) == [L]


async def test_nobody_releases_what_another_holds(store: Store) -> None:
    await keep(store)
    await lease(store)
    await store.release(L, "bot-2")

    assert await lease(store, holder="bot-2") == []


async def test_a_renewed_lease_does_not_lapse_and_its_holder_can_write(store: Store) -> None:
    await keep(store)
    [leased] = await lease(store)
    await store.renew_leases(holder="bot-1", until=at(5))

    assert await lease(store, at(4), holder="bot-2") == []
    assert await store.save(replace(leased, looks=1), None, holder="bot-1")


async def test_a_renewal_never_shortens_and_never_touches_what_another_holds(store: Store) -> None:
    await keep(store)
    await lease(store, minutes=3)
    await store.renew_leases(holder="bot-1", until=at(1))
    await store.renew_leases(holder="bot-2", until=at(9))

    assert await lease(store, at(2), holder="bot-2") == []
    assert ids(await lease(store, at(3), holder="bot-2")) == [L]


async def test_next_due_is_the_first_free_launch(store: Store) -> None:
    for name, due_at in {"L-1": at(5), "L-2": at(3), "L-NEVER": None}.items():
        await keep(store, launch_id=name, due_at=due_at)

    assert await store.next_due() == at(3)


async def test_next_due_counts_a_held_launch_from_when_its_lease_lapses(store: Store) -> None:
    """Or the work of a killed bot would wait until something else is due."""
    await keep(store)
    await lease(store, minutes=2)

    assert await store.next_due() == at(2)
    await keep(store, launch_id="L-2", due_at=at(1))
    assert await store.next_due() == at(1)


async def test_next_due_counts_a_held_launch_not_before_it_is_due(store: Store) -> None:
    await keep(store)
    [leased] = await lease(store)
    await store.save(replace(leased, due_at=at(7)), None, keep_lease=True)

    assert await store.next_due() == at(7)


async def test_nothing_is_due_where_nothing_waits(store: Store) -> None:
    assert await store.next_due() is None
    await keep(store, due_at=None)
    assert await store.next_due() is None
