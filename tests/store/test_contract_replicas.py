"""What replicas tell each other, on every store."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.ports import Claimed, Replica, Store
from tests.builders import NOON
from tests.store.steps import at

ONE, TWO = Replica(holder="bot-1", version="1.0"), Replica(holder="bot-2", version="1.1")


async def see(store: Store, replica: Replica, minutes: float) -> set[str]:
    now = at(minutes)
    return {each.holder for each in await store.seen(replica, now=now, since=now - timedelta(seconds=15))}


async def claim(store: Store, replica: Replica, minutes: float = 0, *, again_after: timedelta | None = None) -> Claimed:
    now = at(minutes)
    since = None if again_after is None else now - again_after
    return await store.claim_notice("drift billing", holder=replica.holder, now=now, until=at(minutes + 1), since=since)


async def test_each_replica_counts_those_that_were_seen_lately(store: Store) -> None:
    assert await see(store, ONE, 0) == {"bot-1"}
    assert await see(store, TWO, 0.1) == {"bot-1", "bot-2"}
    assert await see(store, TWO, 0.3) == {"bot-2"}
    assert await see(store, ONE, 0.4) == {"bot-1", "bot-2"}


async def test_each_tells_its_version(store: Store) -> None:
    await see(store, ONE, 0)

    assert set(await store.seen(TWO, now=NOON, since=at(-1))) == {ONE, TWO}


async def test_one_that_ends_is_gone_at_once(store: Store) -> None:
    await see(store, ONE, 0)
    await store.gone("bot-1")

    assert await see(store, TWO, 0) == {"bot-2"}


async def test_the_longest_wait_that_anybody_was_told_stands(store: Store) -> None:
    await store.keep_pauses({"slack chat.update ": at(2), "provider billing": at(1)})
    await store.keep_pauses({"slack chat.update ": at(1)})

    assert await store.pauses(now=at(0)) == {"slack chat.update ": at(2), "provider billing": at(1)}
    assert await store.pauses(now=at(1)) == {"slack chat.update ": at(2)}
    assert await store.pauses(now=at(2)) == {}


async def test_of_all_who_claim_the_same_at_once_one_has_it(store: Store) -> None:
    claims = [Replica(holder=f"bot-{n}", version="1") for n in range(6)]

    found = await asyncio.gather(*(claim(store, each) for each in claims))

    assert sorted(found, key=str) == [Claimed.HELD] * 5 + [Claimed.OURS]


async def test_what_is_done_is_done_for_all_and_for_good(store: Store) -> None:
    await claim(store, ONE)
    await store.notice_told("drift billing", "bot-1", NOON)

    assert [await claim(store, each, 9999) for each in (ONE, TWO)] == [Claimed.DONE, Claimed.DONE]


async def test_what_may_be_done_again_is_free_after_its_time(store: Store) -> None:
    await claim(store, ONE)
    await store.notice_told("drift billing", "bot-1", NOON)

    assert await claim(store, TWO, 4, again_after=timedelta(minutes=5)) is Claimed.DONE
    assert await claim(store, TWO, 5, again_after=timedelta(minutes=5)) is Claimed.OURS


async def test_what_a_dead_one_claimed_is_taken_over(store: Store) -> None:
    await claim(store, ONE)

    assert await claim(store, TWO, 0.9) is Claimed.HELD
    assert await claim(store, TWO, 1) is Claimed.OURS
    await store.notice_told("drift billing", "bot-1", at(1))
    assert await claim(store, ONE, 1.5) is Claimed.HELD, "who was paused cannot say that it is done"


async def test_what_was_not_done_is_free_at_once_and_for_whoever_tried(store: Store) -> None:
    assert [await claim(store, ONE), await claim(store, ONE)] == [Claimed.OURS, Claimed.OURS]
    await store.notice_not_told("drift billing", "bot-2")
    assert await claim(store, TWO) is Claimed.HELD
    await store.notice_not_told("drift billing", "bot-1")
    assert await claim(store, TWO) is Claimed.OURS


async def test_what_is_long_over_is_forgotten(store: Store) -> None:
    await see(store, ONE, 0)
    await claim(store, ONE)
    await store.notice_told("drift billing", "bot-1", NOON)
    await store.keep_pauses({"provider billing": at(1)})
    days = 61 * 24 * 60
    await see(store, TWO, days)

    assert await claim(store, TWO, days) is Claimed.OURS
    assert await store.pauses(now=NOON) == {}
    assert {each.holder for each in await store.seen(TWO, now=at(days), since=at(-1))} == {"bot-2"}
