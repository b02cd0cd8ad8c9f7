"""Every store through the same checks: what counts toward a grant's limits, and who is refused by them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.domain.errors import LaunchIdTakenError, LimitReachedError
from bot.domain.grants import Limits
from bot.domain.model import FINAL_STATES, Launch, State
from bot.domain.policy import Usage
from bot.ports import Store
from tests.builders import NOON, a_delivery, a_launch, an_event
from tests.store.steps import a_record, at, keep, unfinished

FIVE_AN_HOUR = Limits(per_hour=5)
TWO_AT_ONCE = Limits(running=2)


async def ask(store: Store, launch_id: str, limits: Limits | None, *, key: str | None = None, **changes: Any) -> Launch | None:
    launch = a_launch(**({"launch_id": launch_id, "quota_key": "q"} | changes))
    event = an_event(launch_id=launch_id, at=launch.created_at)
    return await store.create(launch, event, delivery_key=key or f"command:{launch_id}", limits=limits)


async def used(store: Store, minutes: float = 0, *, channel_id: str = "C0FINANCE", key: str = "q") -> tuple[int, int]:
    usage = (await store.usage(channel_id, now=at(minutes))).get(key, Usage())
    return usage.last_hour, usage.not_over


async def test_the_launch_above_the_hours_limit_keeps_nothing(store: Store) -> None:
    for n in range(5):
        assert await ask(store, f"L-{n}", FIVE_AN_HOUR) is None
    await store.record_delivery(a_delivery(key="command:L-5"))

    with pytest.raises(LimitReachedError) as caught:
        await store.create(
            a_launch(launch_id="L-5", quota_key="q"),
            an_event(launch_id="L-5"),
            delivery_key="command:L-5",
            decision=a_record(),
            limits=FIVE_AN_HOUR,
        )

    assert (caught.value.code, caught.value.most, caught.value.count) == ("limit_per_hour", 5, 5)
    assert await store.launch("L-5") is None
    assert await store.events("L-5") == ()
    assert await store.decisions(since=NOON) == []
    assert [waiting.key for waiting in await unfinished(store)] == ["command:L-5"]
    assert await used(store) == (5, 5)


async def test_the_launch_above_those_at_once_is_refused_until_one_is_over(store: Store) -> None:
    await keep(store, launch_id="L-1", quota_key="q", state=State.AWAITING_APPROVAL)
    await keep(store, launch_id="L-2", quota_key="q", state=State.IN_DOUBT)
    with pytest.raises(LimitReachedError) as caught:
        await ask(store, "L-3", TWO_AT_ONCE)
    assert (caught.value.code, caught.value.most, caught.value.count) == ("limit_running", 2, 2)

    await store.save(a_launch(launch_id="L-1", quota_key="q", state=State.EXPIRED), None)

    assert await ask(store, "L-3", TWO_AT_ONCE) is None


async def test_a_limit_of_none_refuses_every_launch(store: Store) -> None:
    for limits, code in ((Limits(per_hour=0), "limit_per_hour"), (Limits(running=0), "limit_running")):
        with pytest.raises(LimitReachedError) as caught:
            await ask(store, "L-1", limits)

        assert (caught.value.code, caught.value.count) == (code, 0)


async def test_of_both_limits_the_hours_is_named_first(store: Store) -> None:
    await ask(store, "L-1", None)

    with pytest.raises(LimitReachedError, match="limit_per_hour: 1 of 1"):
        await ask(store, "L-2", Limits(per_hour=1, running=1))


async def test_a_limit_that_was_tightened_tells_how_many_there_are(store: Store) -> None:
    for n in range(4):
        await ask(store, f"L-{n}", FIVE_AN_HOUR)

    with pytest.raises(LimitReachedError, match="limit_per_hour: 4 of 2"):
        await ask(store, "L-4", Limits(per_hour=2))


@pytest.mark.parametrize("limits", [None, Limits()])
async def test_without_limits_any_number_is_launched(store: Store, limits: Limits | None) -> None:
    answers = [await ask(store, f"L-{n}", limits) for n in range(30)]

    assert answers == [None] * 30


async def test_a_delivery_that_caused_a_launch_is_answered_whatever_the_limits(store: Store) -> None:
    await ask(store, "L-1", Limits(per_hour=1, running=1), key="command:same")

    caused = await ask(store, "L-2", Limits(per_hour=1, running=1), key="command:same")

    assert caused == a_launch(launch_id="L-1", quota_key="q")
    assert await used(store) == (1, 1)


async def test_an_id_that_is_taken_is_still_told_within_the_limits(store: Store) -> None:
    await ask(store, "L-1", FIVE_AN_HOUR)

    with pytest.raises(LaunchIdTakenError):
        await ask(store, "L-1", FIVE_AN_HOUR, key="command:other")


async def test_of_twenty_at_once_the_limit_lets_five_through(store: Store) -> None:
    answers = await asyncio.gather(*(ask(store, f"L-{n:02}", FIVE_AN_HOUR) for n in range(20)), return_exceptions=True)

    assert answers.count(None) == 5
    assert sum(isinstance(answer, LimitReachedError) for answer in answers) == 15
    assert await used(store) == (5, 5)


async def test_the_hour_ends_to_the_microsecond(store: Store) -> None:
    await ask(store, "L-1", None, created_at=at(0))
    just_before = at(60) - at(0).resolution

    assert await used(store, 59.9) == (1, 1)
    assert (await store.usage("C0FINANCE", now=just_before))["q"].last_hour == 1
    assert await used(store, 60) == (0, 1)
    with pytest.raises(LimitReachedError):
        await ask(store, "L-2", Limits(per_hour=1), created_at=just_before)
    assert await ask(store, "L-2", Limits(per_hour=1), created_at=at(60)) is None


async def test_a_launch_dated_ahead_by_another_bots_clock_counts(store: Store) -> None:
    await ask(store, "L-1", None, created_at=at(2))

    assert await used(store, 0) == (1, 1)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("sent_at", [None, NOON])
async def test_what_was_sent_or_is_not_over_counts_in_the_hour(store: Store, state: State, sent_at: Any) -> None:
    """Expected by the lifecycle's own set of final states."""
    await keep(store, quota_key="q", state=state, sent_at=sent_at)
    is_over = state in FINAL_STATES

    assert await used(store) == (int(sent_at is not None or not is_over), int(not is_over))


async def test_a_launch_that_ends_before_it_was_sent_gives_its_place_back(store: Store) -> None:
    await ask(store, "L-1", Limits(per_hour=1))
    await store.save(a_launch(launch_id="L-1", quota_key="q", state=State.CANCELLED, due_at=None), None)

    assert await used(store) == (0, 0)
    assert await ask(store, "L-2", Limits(per_hour=1)) is None


async def test_usage_is_told_apart_by_channel_and_quota(store: Store) -> None:
    for n, (channel_id, key) in enumerate([("C1", "a"), ("C1", "b"), ("C1", "b"), ("C2", "b"), ("C1", "")]):
        await ask(store, f"L-{n}", None, channel_id=channel_id, quota_key=key)

    assert await store.usage("C1", now=NOON) == {
        "": Usage(last_hour=1, not_over=1),
        "a": Usage(last_hour=1, not_over=1),
        "b": Usage(last_hour=2, not_over=2),
    }
    assert set(await store.usage("C2", now=NOON)) == {"b"}
    assert await store.usage("C3", now=NOON) == {}


async def test_limits_count_over_the_channel_and_the_quota_of_the_new_launch(store: Store) -> None:
    one = Limits(per_hour=1, running=1)
    await ask(store, "L-1", one)

    assert await ask(store, "L-2", one, channel_id="C0SALES") is None
    assert await ask(store, "L-3", one, quota_key="other") is None
    with pytest.raises(LimitReachedError):
        await ask(store, "L-4", one, connection="crm", requester_id="U0BOB", grant_key="reworded")


async def test_a_quota_that_counts_nothing_is_left_out(store: Store) -> None:
    await keep(store, quota_key="q", state=State.SUCCEEDED, sent_at=NOON)

    assert set(await store.usage("C0FINANCE", now=at(59))) == {"q"}
    assert await store.usage("C0FINANCE", now=at(61)) == {}


async def test_a_launch_that_changes_its_grant_counts_under_the_new_one(store: Store) -> None:
    await ask(store, "L-1", None)
    await store.save(a_launch(launch_id="L-1", quota_key="r"), None)

    assert await used(store, key="q") == (0, 0)
    assert await used(store, key="r") == (1, 1)
