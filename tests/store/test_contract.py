"""Every store through the same checks: what ``bot.ports.Store`` says of launches and events, and of the deliveries that cause them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.errors import LaunchIdTakenError
from bot.domain.model import EventKind, State
from bot.ports import Store
from tests.builders import a_delivery, a_launch, an_event
from tests.store.steps import L, at, happen, ids, keep, read, tell, unfinished


async def test_a_launch_id_that_is_taken_keeps_nothing(store: Store) -> None:
    await keep(store)
    await store.record_delivery(a_delivery())

    with pytest.raises(LaunchIdTakenError):
        await store.create(a_launch(requester_id="U0BOB"), an_event(actor="U0BOB"), delivery_key="command:1.2.a")

    assert (await read(store)).requester_id == "U0ALICE"
    assert len(await store.events(L)) == 1
    assert await unfinished(store) == [a_delivery()]


async def test_a_redelivery_causes_nothing_and_gets_the_launch_already_caused(store: Store) -> None:
    await store.record_delivery(a_delivery())
    first = a_launch()
    await store.create(first, an_event(), delivery_key="command:1.2.a")

    second = await store.create(a_launch(launch_id="L-OTHER"), an_event(launch_id="L-OTHER"), delivery_key="command:1.2.a")

    assert second == first
    assert await store.launch("L-OTHER") is None
    assert len(await store.events(L)) == 1


async def test_a_redelivery_gets_the_launch_as_it_is_by_now(store: Store) -> None:
    await keep(store)
    await happen(store, EventKind.SUCCEEDED, state=State.SUCCEEDED)

    caused = await store.create(a_launch(launch_id="L-2"), an_event(launch_id="L-2"), delivery_key=f"command:{L}")

    assert caused == await read(store)


async def test_of_copies_that_create_together_one_launch_is_kept(store: Store) -> None:
    await store.record_delivery(a_delivery())
    wishes = [
        store.create(a_launch(launch_id=f"L-{n}"), an_event(launch_id=f"L-{n}"), delivery_key="command:1.2.a") for n in range(10)
    ]

    caused = await asyncio.gather(*wishes)

    [kept] = await store.recent(channel_id="C0FINANCE", limit=10)
    assert caused.count(None) == 1
    assert {launch.launch_id for launch in caused if launch} == {kept.launch_id}


async def test_creating_finishes_the_delivery(store: Store) -> None:
    await store.record_delivery(a_delivery())
    await store.create(a_launch(), an_event(), delivery_key="command:1.2.a")

    assert await unfinished(store) == []


async def test_a_delivery_that_was_never_recorded_still_causes_one_launch_only(store: Store) -> None:
    first = await store.create(a_launch(), an_event(), delivery_key="command:new")
    second = await store.create(a_launch(launch_id="L-2"), an_event(launch_id="L-2"), delivery_key="command:new")

    assert (first, second) == (None, a_launch())
    assert not await store.record_delivery(a_delivery(key="command:new"))
    assert await unfinished(store) == []


async def test_a_new_launch_is_kept_whole_with_its_first_event(store: Store) -> None:
    launch = await keep(store, inputs={"maxAmount": Decimal("5.00")}, policy_digest="sha256:1", due_at=None)

    assert await store.launch(L) == launch
    assert str((await read(store)).inputs["maxAmount"]) == "5.00"
    assert await store.events(L) == (an_event(actor="U0ALICE", seq=1),)


async def test_what_does_not_exist_is_none_or_empty(store: Store) -> None:
    assert await store.launch("L-NONE") is None
    assert await store.events("L-NONE") == ()
    assert await store.recent(channel_id="C0NONE", limit=10) == []


async def test_recent_launches_are_those_of_one_channel_newest_first(store: Store) -> None:
    for minute in (2, 0, 3, 1):
        await keep(store, launch_id=f"L-{minute}", created_at=at(minute))
    await keep(store, launch_id="L-ELSEWHERE", channel_id="C0SALES", created_at=at(9))

    assert ids(await store.recent(channel_id="C0FINANCE", limit=3)) == ["L-3", "L-2", "L-1"]


async def test_the_loser_of_a_race_writes_nothing(store: Store) -> None:
    launch = await keep(store)
    assert await store.save(replace(launch, state=State.STARTING), an_event(EventKind.STARTING))

    late = await store.save(replace(launch, state=State.CANCELLED), an_event(EventKind.CANCELLED), has_line=True)

    assert late is False
    assert (await read(store)).state == State.STARTING
    assert [event.kind for event in await store.events(L)] == [EventKind.REQUESTED, EventKind.STARTING]
    assert (await tell(store))[0].lines == ()


async def test_of_many_who_save_the_same_version_one_wins(store: Store) -> None:
    launch = await keep(store)

    saved = await asyncio.gather(*(store.save(replace(launch, looks=n), an_event(actor=f"bot-{n}")) for n in range(10)))

    assert saved.count(True) == 1
    assert (await read(store)).looks == saved.index(True)
    assert len(await store.events(L)) == 2


async def test_saving_an_unknown_launch_writes_nothing(store: Store) -> None:
    assert await store.save(a_launch(), an_event()) is False
    assert await store.events(L) == ()


async def test_a_saved_launch_is_one_version_higher_and_otherwise_as_written(store: Store) -> None:
    launch = await keep(store)
    changed = replace(
        launch,
        state=State.SUCCEEDED,
        due_at=None,
        updated_at=at(1),
        sent_at=at(0.5),
        run_id="396-1",
        outputs={"total": Decimal("1.10")},
        is_cancel_sent=True,
        cancel_asked_by="U0BOB",
    )

    assert await store.save(changed, None)
    assert await read(store) == replace(changed, version=2)


async def test_events_are_numbered_in_the_order_of_saving(store: Store) -> None:
    await keep(store)
    for kind in (EventKind.STARTING, EventKind.ACCEPTED, EventKind.PROGRESSED):
        await happen(store, kind)

    found = await store.events(L)

    assert [event.seq for event in found] == [1, 2, 3, 4]
    assert [event.kind for event in found][1:] == [EventKind.STARTING, EventKind.ACCEPTED, EventKind.PROGRESSED]


async def test_an_event_keeps_its_facts(store: Store) -> None:
    launch = await keep(store)
    event = an_event(EventKind.FAILED, actor="U0BOB", at=at(2), facts={"code": "HTTP 404", "after_s": Decimal("1.50")})
    await store.save(launch, event)

    assert (await store.events(L))[-1] == replace(event, seq=2)
