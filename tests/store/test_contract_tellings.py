"""Every store through the same checks: what ``bot.ports.Store`` says of what Slack has yet to be told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest

from bot.domain.model import EventKind, State
from bot.ports import Store
from bot.store import DurableStore
from tests.builders import NOON, an_event
from tests.store.steps import L, at, happen, ids, keep, lease, tell


async def test_a_new_launch_has_a_card_to_post_and_no_line(store: Store) -> None:
    launch = await keep(store)

    [telling] = await tell(store)

    assert (telling.launch, telling.card_ts, telling.told_version) == (launch, None, 0)
    assert (telling.lines, telling.attempts) == ((), 0)
    assert telling.events == (an_event(actor="U0ALICE", seq=1),)


async def test_a_telling_is_not_due_before_its_event(store: Store) -> None:
    await keep(store, created_at=at(1))

    assert await tell(store) == []
    assert ids(await tell(store, at(1))) == [L]


async def test_lines_come_in_order_with_their_events(store: Store) -> None:
    await keep(store)
    await happen(store, EventKind.STARTING)
    await happen(store, EventKind.PROGRESSED, has_line=False)
    await happen(store, EventKind.SUCCEEDED)

    [telling] = await tell(store)

    assert [line.event.kind for line in telling.lines] == [EventKind.STARTING, EventKind.SUCCEEDED]
    assert [line.event for line in telling.lines] == [telling.events[1], telling.events[3]]


async def test_one_holder_tells_at_a_time(store: Store) -> None:
    await keep(store)

    told = await asyncio.gather(*(tell(store, holder=f"bot-{n}") for n in range(5)))

    assert sorted(map(len, told)) == [0, 0, 0, 0, 1]


async def test_a_lapsed_telling_is_taken_by_another(store: Store) -> None:
    await keep(store)
    await tell(store)

    assert await tell(store, at(0.9), holder="bot-2") == []
    assert ids(await tell(store, at(1), holder="bot-2")) == [L]


async def test_a_renewed_telling_is_not_taken_by_another(store: Store) -> None:
    await keep(store)
    await tell(store)
    await store.renew_leases(holder="bot-1", until=at(5))

    assert await tell(store, at(4), holder="bot-2") == []


async def test_what_was_told_before_a_crash_is_not_told_again(store: Store) -> None:
    await keep(store)
    await happen(store, EventKind.STARTING)
    await happen(store, EventKind.ACCEPTED)
    [telling] = await tell(store)
    await store.card_told(L, ts="1.1", version=telling.launch.version)
    await store.lines_told(telling.launch.launch_id, [telling.lines[0].line_id], ts="1.2", at=NOON)

    [again] = await tell(store, at(1), holder="bot-2")

    assert (again.card_ts, again.told_version) == ("1.1", telling.launch.version)
    assert again.lines == telling.lines[1:]


async def test_a_telling_that_was_all_told_before_a_crash_is_not_due(store: Store) -> None:
    await keep(store)
    await happen(store, EventKind.STARTING)
    [telling] = await tell(store)
    await store.lines_told(telling.launch.launch_id, [telling.lines[0].line_id], ts="1.2", at=NOON)
    await store.card_told(L, ts="1.1", version=telling.launch.version)

    assert await tell(store, at(60), holder="bot-2") == []
    assert await store.next_telling() is None


async def test_what_was_told_is_kept_also_when_the_lease_has_lapsed(store: Store) -> None:
    await keep(store)
    [slow] = await tell(store)
    await tell(store, at(2), holder="bot-2")
    await store.card_told(L, ts="1.1", version=slow.launch.version)

    assert await tell(store, at(9), holder="bot-3") == []


@pytest.mark.parametrize("done_by", [None, "bot-1", "bot-2"])
async def test_lines_of_one_message_are_told_together(store: Store, done_by: str | None) -> None:
    await keep(store)
    for kind in (EventKind.STARTING, EventKind.ACCEPTED):
        await happen(store, kind)
    [telling] = await tell(store)
    await store.card_told(L, ts="1.1", version=telling.launch.version)
    await happen(store, EventKind.SUCCEEDED)
    await store.lines_told(L, [line.line_id for line in telling.lines], ts="1.2", at=NOON, done_by=done_by)

    found = await tell(store, holder="bot-3")

    assert ids(found) == ([L] if done_by == "bot-1" else []), "only who holds a telling gives it back"
    [again] = found or await tell(store, at(1), holder="bot-3")
    assert [line.event.kind for line in again.lines] == [EventKind.SUCCEEDED]


async def test_a_line_of_another_launch_is_not_told(store: Store) -> None:
    for name in (L, "L-OTHER"):
        await keep(store, launch_id=name)
        await happen(store, EventKind.STARTING, launch_id=name)
    [mine, other] = sorted(await tell(store), key=lambda telling: telling.launch.launch_id != L)
    await store.lines_told(L, [line.line_id for line in (*mine.lines, *other.lines)], ts="1.2", at=NOON)

    [mine, other] = sorted(await tell(store, at(1), holder="bot-2"), key=lambda telling: telling.launch.launch_id != L)

    assert (mine.lines, len(other.lines)) == ((), 1)


async def test_a_line_that_was_told_twice_keeps_its_first_time(store: Store) -> None:
    await keep(store)
    await happen(store, EventKind.STARTING)
    [telling] = await tell(store)
    line_id = telling.lines[0].line_id
    await store.lines_told(L, [line_id], ts="1.2", at=NOON)
    await store.lines_told(L, [line_id], ts="9.9", at=at(1))
    await store.lines_told(L, [line_id + 1000], ts="9.9", at=at(1))
    await store.telling_done(L, "bot-1")

    assert (await tell(store, at(1)))[0].lines == ()


async def test_an_older_version_told_after_a_newer_one_is_shown_anew(store: Store) -> None:
    """A holder that was paused may have overwritten what another showed meanwhile."""
    await keep(store)
    await happen(store, EventKind.STARTING, has_line=False)
    await store.card_told(L, ts="1.1", version=2)
    assert await tell(store) == []
    await store.card_told(L, ts="1.1", version=1)

    [again] = await tell(store)
    assert (again.told_version, again.is_card_stale) == (1, True)
    await store.card_told(L, ts="1.1", version=2)
    await store.telling_done(L, "bot-1")
    assert await tell(store) == []


async def test_a_line_is_skipped_only_by_whoever_has_the_telling_for_long_enough(store: Store) -> None:
    await keep(store)
    await happen(store, EventKind.ACCEPTED)
    [telling] = await tell(store)
    [line] = telling.lines[:1]

    assert not await store.line_skipped(line.line_id, NOON, holder="bot-2", until=NOON)
    assert not await store.line_skipped(line.line_id, NOON, holder="bot-1", until=at(600))
    assert not await store.has_telling(L, "bot-1", until=at(600))
    assert await store.has_telling(L, "bot-1", until=NOON)
    assert await store.line_skipped(line.line_id, NOON, holder="bot-1", until=NOON)
    assert not await store.line_skipped(line.line_id, NOON, holder="bot-1", until=NOON)


async def test_a_line_that_was_not_posted_stays_away_once_a_later_one_stands(store: Store) -> None:
    """Else a holder that was paused would have it told after what happened later."""
    await keep(store)
    await happen(store, EventKind.STARTING)
    await happen(store, EventKind.ACCEPTED)
    [telling] = await tell(store)
    first, second = telling.lines[:2]
    await store.card_told(L, ts="1.1", version=telling.launch.version)
    for line in (first, second):
        await store.line_skipped(line.line_id, NOON)
    await store.lines_told(L, [second.line_id], ts="1.3", at=NOON)
    await store.line_not_posted(first.line_id)
    await store.telling_done(L, "bot-1")

    assert await tell(store) == []


@pytest.mark.parametrize("kind", [EventKind.PROGRESSED, EventKind.SUCCEEDED])
async def test_an_event_makes_a_told_card_stale_again(store: Store, kind: EventKind) -> None:
    await keep(store)
    await store.card_told(L, ts="1.1", version=1)
    await happen(store, kind, when=at(3), has_line=False)

    assert await tell(store, at(2.9)) == []
    assert (await tell(store, at(3)))[0].told_version == 1


async def test_a_changed_state_without_event_makes_a_told_card_stale(store: Store) -> None:
    launch = await keep(store)
    await store.card_told(L, ts="1.1", version=1)
    await store.save(replace(launch, state=State.RUNNING, updated_at=at(2)), None)

    assert await tell(store, at(1.9)) == []
    assert ids(await tell(store, at(2))) == [L]


async def test_a_mere_touch_leaves_the_card_alone(store: Store) -> None:
    """A look at the provider that brings no news costs no call to Slack."""
    launch = await keep(store)
    await store.card_told(L, ts="1.1", version=1)
    await store.save(replace(launch, looks=1, due_at=at(1), updated_at=at(1)), None)
    await lease(store, at(1))

    assert await tell(store, at(60)) == []
    assert await store.next_telling() is None


@pytest.mark.parametrize("is_at_once", [False, True], ids=["given back", "with the card"])
async def test_an_event_during_a_telling_is_told_next(store: Store, is_at_once: bool) -> None:
    await keep(store)
    [telling] = await tell(store)
    await happen(store, EventKind.STARTING, when=at(0.5))
    await store.card_told(L, ts="1.1", version=telling.launch.version, done_by="bot-1" if is_at_once else None)
    if not is_at_once:
        assert await tell(store, at(0.5), holder="bot-2") == []
        await store.telling_done(L, "bot-1")

    [again] = await tell(store, at(0.5), holder="bot-2")

    assert (again.told_version, len(again.lines)) == (1, 1)


async def test_a_telling_that_is_given_back_untold_is_due_at_once(store: Store) -> None:
    await keep(store)
    await tell(store)
    await store.telling_done(L, "bot-1")

    assert ids(await tell(store, holder="bot-2")) == [L]


async def test_nobody_gives_back_a_telling_that_another_holds(store: Store) -> None:
    await keep(store)
    await tell(store)
    await store.telling_done(L, "bot-2")
    await store.card_told(L, ts="1.1", version=0, done_by="bot-2")

    assert await tell(store, holder="bot-2") == []


async def test_final_states_are_told_first_then_the_longest_waiting(store: Store) -> None:
    for minute, name in enumerate(["L-OLD", "L-NEW", "L-OLD-END", "L-NEW-END"]):
        await keep(store, launch_id=name, created_at=at(minute))
    for name in ("L-NEW-END", "L-OLD-END"):
        await happen(store, EventKind.SUCCEEDED, launch_id=name, when=at(5), state=State.SUCCEEDED)

    assert ids(await tell(store, at(9), limit=3)) == ["L-OLD-END", "L-NEW-END", "L-OLD"]
    assert ids(await tell(store, at(9), limit=3)) == ["L-NEW"]


async def test_a_busy_launch_does_not_stay_at_the_head_of_the_line(store: Store) -> None:
    await keep(store, launch_id="L-BUSY", created_at=at(-9))
    await keep(store, launch_id="L-CALM", created_at=at(-5))
    [busy] = await tell(store, limit=1)
    await happen(store, EventKind.PROGRESSED, launch_id="L-BUSY")
    await store.card_told("L-BUSY", ts="1.1", version=busy.launch.version)
    await store.telling_done("L-BUSY", "bot-1")

    assert ids(await tell(store)) == ["L-CALM", "L-BUSY"]


async def test_a_failed_telling_waits_until_its_time_and_counts(store: Store) -> None:
    await keep(store)
    for attempt in (1, 2):
        await tell(store, at(attempt * 10))
        await store.telling_failed(L, retry_at=at(attempt * 10 + 5), error="ratelimited")

    assert await tell(store, at(24.9), holder="bot-2") == []
    assert await store.next_telling() == at(25)
    assert (await tell(store, at(25), holder="bot-2"))[0].attempts == 2


async def test_news_does_not_shorten_the_wait_of_a_failed_telling(store: Store) -> None:
    await keep(store)
    await tell(store)
    await store.telling_failed(L, retry_at=at(5), error="ratelimited")
    await happen(store, EventKind.SUCCEEDED, state=State.SUCCEEDED, when=at(1))

    assert await tell(store, at(4)) == []
    assert ids(await tell(store, at(5))) == [L]


@pytest.mark.parametrize("told", ["card", "line"])
async def test_a_success_breaks_the_row_of_failures(store: Store, told: str) -> None:
    await keep(store)
    await happen(store, EventKind.STARTING)
    await tell(store)
    await store.telling_failed(L, retry_at=at(1), error="ratelimited")
    [telling] = await tell(store, at(1))
    if told == "card":
        await store.card_told(L, ts="1.1", version=telling.launch.version)
    else:
        await store.lines_told(telling.launch.launch_id, [telling.lines[0].line_id], ts="1.2", at=at(1))
    await store.telling_done(L, "bot-1")

    assert [telling.attempts, (await tell(store, at(1)))[0].attempts] == [1, 0]


async def test_a_telling_that_slack_never_takes_is_not_due_again(store: Store) -> None:
    await keep(store)
    await tell(store)
    await store.telling_failed(L, retry_at=None, error="is_archived")
    await happen(store, EventKind.SUCCEEDED, state=State.SUCCEEDED)

    assert await tell(store, at(60)) == []
    assert await store.next_telling() is None


@pytest.mark.parametrize("retry_at", [None, at(1)])
async def test_a_failure_after_all_was_told_by_another_asks_for_nothing(store: Store, retry_at: datetime | None) -> None:
    await keep(store)
    [slow] = await tell(store)
    await store.card_told(L, ts="1.1", version=slow.launch.version)
    await store.telling_failed(L, retry_at=retry_at, error="is_archived")

    assert await store.next_telling() is None
    await happen(store, EventKind.STARTING, when=at(1))
    assert ids(await tell(store, at(1))) == [L], "it was not given up"


async def test_whoever_lost_a_telling_does_not_fail_it_for_its_new_holder(store: Store) -> None:
    await keep(store)
    await tell(store, holder="bot-1")
    await tell(store, at(1), holder="bot-2", minutes=5)
    await store.telling_failed(L, retry_at=at(2), error="ratelimited", holder="bot-1")

    assert await tell(store, at(3), holder="bot-3") == []
    assert await store.next_telling() == at(6)


async def test_next_telling_is_the_first_free_one_final_or_not(store: Store) -> None:
    await keep(store, launch_id="L-1", created_at=at(3))
    assert await store.next_telling() == at(3)
    await keep(store, launch_id="L-2", created_at=at(2), state=State.FAILED)
    assert await store.next_telling() == at(2)


async def test_next_telling_counts_a_held_one_from_when_its_lease_lapses(store: Store) -> None:
    await keep(store)
    await tell(store, minutes=4)

    assert await store.next_telling() == at(4)


async def test_nothing_is_to_be_told_where_there_is_nothing(store: Store) -> None:
    await store.card_told("L-NONE", ts="1.1", version=1)
    await store.telling_done("L-NONE", "bot-1")
    await store.telling_failed("L-NONE", retry_at=NOON, error="x")

    assert await tell(store) == []
    assert await store.next_telling() is None


async def test_closing_twice_does_no_harm(store: DurableStore) -> None:
    await store.close()
    await store.close()
