"""Every store through the same checks: what ``bot.ports.Store`` says of deliveries and of leases on their work."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.domain.model import EventKind, State
from bot.ports import Store
from tests.builders import NOON, a_delivery, a_launch, an_event
from tests.store.steps import L, at, keep, read, take, unfinished

KEY = "command:1.2.a"


async def test_a_copy_of_a_delivery_is_not_kept(store: Store) -> None:
    assert await store.record_delivery(a_delivery())
    assert not await store.record_delivery(a_delivery(text="something else", received_at=at(1)))

    assert await unfinished(store) == [a_delivery()]


async def test_a_copy_does_not_move_the_lease(store: Store) -> None:
    await store.record_delivery(a_delivery(), holder="bot-1", until=at(1))

    assert not await store.record_delivery(a_delivery(), holder="bot-2", until=at(9))
    assert await take(store, at(0.9), holder="bot-2") == []
    assert await take(store, at(1), holder="bot-2") == [a_delivery()]


async def test_of_copies_that_arrive_together_one_is_kept(store: Store) -> None:
    kept = await asyncio.gather(*(store.record_delivery(a_delivery(), holder=f"bot-{n}", until=at(1)) for n in range(20)))

    assert sorted(kept) == [False] * 19 + [True]


async def test_a_copy_of_a_finished_delivery_is_not_kept_either(store: Store) -> None:
    await store.record_delivery(a_delivery())
    await store.finish_delivery(KEY, NOON)

    assert not await store.record_delivery(a_delivery())
    assert await unfinished(store) == []


async def test_finishing_an_unknown_delivery_does_nothing(store: Store) -> None:
    await store.finish_delivery("command:never", NOON)

    assert await store.record_delivery(a_delivery(key="command:never"))


async def test_what_somebody_is_working_on_is_not_taken_up(store: Store) -> None:
    await store.record_delivery(a_delivery(), holder="bot-1", until=at(1))

    assert await take(store, at(0.9), holder="bot-1") == []
    assert await take(store, at(0.9), holder="bot-2") == []


async def test_the_work_of_a_killed_bot_is_taken_up_once(store: Store) -> None:
    for n in range(9):
        await store.record_delivery(a_delivery(key=f"command:{n}"), holder="the killed", until=at(1))

    taken = await asyncio.gather(*(take(store, at(1), holder=f"bot-{n}", limit=2) for n in range(9)))

    assert sorted(delivery.key for found in taken for delivery in found) == [f"command:{n}" for n in range(9)]


async def test_a_delivery_that_nobody_was_to_work_on_is_free_at_once(store: Store) -> None:
    await store.record_delivery(a_delivery())

    assert await take(store) == [a_delivery()]
    assert await take(store, holder="bot-2") == []


async def test_deliveries_are_taken_up_oldest_first_up_to_the_limit(store: Store) -> None:
    for minute in (3, 1, 2, 0):
        await store.record_delivery(a_delivery(key=f"command:{minute}", received_at=at(minute)))
    await store.record_delivery(a_delivery(key="command:held", received_at=at(-1)), holder="bot-2", until=at(9))

    taken = [await take(store, at(4), limit=2), await take(store, at(4), limit=2), await take(store, at(4), limit=0)]

    assert [[delivery.key[8:] for delivery in found] for found in taken] == [["0", "1"], ["2", "3"], []]


async def test_a_finished_delivery_is_never_taken_up(store: Store) -> None:
    await store.record_delivery(a_delivery(), holder="bot-1", until=at(1))
    await store.finish_delivery(KEY, NOON)

    assert await take(store, at(60)) == []
    assert await store.next_delivery() is None


async def test_a_renewed_delivery_is_not_taken_up_by_another(store: Store) -> None:
    await store.record_delivery(a_delivery(), holder="bot-1", until=at(1))
    await store.record_delivery(a_delivery(key="command:other"), holder="bot-2", until=at(1))
    await store.renew_leases(holder="bot-1", until=at(5))
    await store.renew_leases(holder="bot-1", until=at(2))

    assert [delivery.key for delivery in await take(store, at(4), holder="bot-3")] == ["command:other"]
    assert await store.next_delivery() == at(5)


async def test_a_delivery_comes_back_without_what_lives_in_memory_only(store: Store) -> None:
    await store.record_delivery(a_delivery(reply_url="https://hooks.slack.test/1", trigger_id="1.2.3", message_ts="1.1"))

    [taken] = await take(store)

    assert taken == await store.delivery(KEY) == a_delivery()
    assert (taken.reply_url, taken.trigger_id, taken.message_ts) == (None, None, None)


async def test_a_delivery_is_found_by_its_key_finished_or_not(store: Store) -> None:
    await store.record_delivery(a_delivery())
    before = await store.delivery(KEY)
    await store.finish_delivery(KEY, NOON)

    assert before == await store.delivery(KEY) == a_delivery()
    assert await store.delivery("command:never") is None
    assert await store.delivery("") is None
    assert await store.delivery("half a \ud83d pair") is None


async def test_a_delivery_that_was_never_recorded_has_no_content(store: Store) -> None:
    await keep(store)

    assert await store.delivery(f"command:{L}") is None


async def test_a_delivery_that_has_caused_its_launch_has_its_content_there(store: Store) -> None:
    await store.record_delivery(a_delivery(key=f"command:{L}"))
    launch = await keep(store)

    assert await store.delivery(f"command:{L}") is None
    assert await store.caused_by(f"command:{L}") == launch
    assert await store.record_delivery(a_delivery(key=f"command:{L}")) is False


async def test_next_delivery_is_when_the_first_lease_lapses(store: Store) -> None:
    assert await store.next_delivery() is None
    await store.record_delivery(a_delivery(), holder="bot-1", until=at(3))
    await store.record_delivery(a_delivery(key="command:2", received_at=at(1)), holder="bot-2", until=at(2))
    assert await store.next_delivery() == at(2)


async def test_next_delivery_is_at_once_where_nobody_holds_one(store: Store) -> None:
    await store.record_delivery(a_delivery(), holder="bot-1", until=at(3))
    await store.record_delivery(a_delivery(key="command:2", received_at=at(1)))

    assert await store.next_delivery() == at(1)


async def test_creating_finishes_the_delivery_and_ends_its_lease(store: Store) -> None:
    await store.record_delivery(a_delivery(), holder="bot-1", until=at(1))
    await store.create(a_launch(), an_event(), delivery_key=KEY)
    await store.renew_leases(holder="bot-1", until=at(9))

    assert await store.next_delivery() is None
    assert await unfinished(store) == []


@pytest.mark.parametrize("has_event", [True, False])
async def test_saving_finishes_the_delivery_that_caused_the_change(store: Store, has_event: bool) -> None:
    launch = await keep(store)
    await store.record_delivery(a_delivery(kind="button"), holder="bot-1", until=at(1))
    event = an_event(EventKind.CANCELLED) if has_event else None

    assert await store.save(replace(launch, state=State.CANCELLED), event, keep_lease=True, delivery_key=KEY)
    assert await unfinished(store) == []
    assert not await store.record_delivery(a_delivery(kind="button"))


async def test_a_save_that_loses_its_race_leaves_the_delivery_unfinished(store: Store) -> None:
    launch = await keep(store)
    await store.record_delivery(a_delivery())
    await store.save(replace(launch, looks=1), None)

    assert not await store.save(replace(launch, state=State.CANCELLED), an_event(EventKind.CANCELLED), delivery_key=KEY)
    assert await unfinished(store) == [a_delivery()]
    assert await store.save(await read(store), an_event(EventKind.CANCEL_ASKED), delivery_key=KEY)
    assert await unfinished(store) == []


async def test_saving_finishes_no_other_delivery_and_minds_no_unknown_one(store: Store) -> None:
    launch = await keep(store)
    await store.record_delivery(a_delivery())

    assert await store.save(launch, None)
    assert await store.save(await read(store), None, delivery_key="command:never")
    assert await unfinished(store) == [a_delivery()]


async def test_the_launch_that_a_delivery_caused_is_found_by_its_key(store: Store) -> None:
    assert await store.caused_by("launch:command:1") is None
    assert await store.create(a_launch(), an_event(), delivery_key="launch:command:1") is None

    caused = await store.caused_by("launch:command:1")
    assert caused is not None
    assert caused.launch_id == a_launch().launch_id


async def test_a_delivery_that_caused_nothing_has_no_launch(store: Store) -> None:
    await store.record_delivery(a_delivery())

    assert await store.caused_by(KEY) is None
    assert await store.caused_by("") is None
