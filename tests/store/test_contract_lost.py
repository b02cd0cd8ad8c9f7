"""Every store through the same checks: what ``bot.ports.Store`` says of cards and lines whose post was not answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.model import EventKind, State
from bot.ports import Store
from tests.builders import NOON
from tests.store.steps import L, at, happen, ids, keep, lose_card, read, tell

DONE = {"kind": EventKind.SUCCEEDED, "state": State.SUCCEEDED}


async def test_a_lost_card_is_not_due_while_its_launch_goes_on(store: Store) -> None:
    await keep(store)
    await tell(store)
    await lose_card(store)
    await store.telling_done(L, "bot-1")
    await happen(store, EventKind.STARTING, when=at(1))
    await store.save(replace(await read(store), state=State.RUNNING), None)

    assert await tell(store, at(60)) == []
    assert await store.next_telling() is None


async def test_a_lost_card_is_due_once_its_launch_has_ended_with_what_was_never_told(store: Store) -> None:
    await keep(store)
    await happen(store, EventKind.STARTING)
    await lose_card(store)
    await happen(store, **DONE, when=at(3))

    assert await store.next_telling() == at(3)
    [telling] = await tell(store, at(3))
    assert (telling.card_ts, telling.is_card_lost, telling.is_card_stale, telling.told_version) == (None, True, True, 2)
    assert [line.event.kind for line in telling.lines] == [EventKind.STARTING, EventKind.SUCCEEDED]


async def test_a_card_that_was_lost_in_its_final_state_is_still_to_be_told_directly(store: Store) -> None:
    await keep(store)
    await happen(store, **DONE, has_line=False)
    await tell(store)
    await lose_card(store)

    [telling] = await tell(store, at(1), holder="bot-2")
    assert (telling.is_card_lost, telling.is_card_stale, telling.lines) == (True, False, ())


async def test_the_loss_of_a_card_keeps_the_lease_of_whoever_tells(store: Store) -> None:
    await keep(store, state=State.FAILED)
    await tell(store)
    await lose_card(store)

    assert await tell(store, at(0.9), holder="bot-2") == []


async def test_a_lost_card_whose_end_was_told_directly_is_never_due_again(store: Store) -> None:
    await keep(store)
    await lose_card(store)
    await happen(store, **DONE)
    await tell(store)
    await store.telling_failed(L, retry_at=None, error="no answer", holder="bot-1")
    await happen(store, EventKind.PROGRESSED, when=at(1))

    assert await tell(store, at(60)) == []
    assert await store.next_telling() is None


async def test_a_direct_message_that_failed_is_tried_again(store: Store) -> None:
    await keep(store, state=State.FAILED)
    await tell(store)
    await lose_card(store)
    await store.telling_failed(L, retry_at=at(2), error="ratelimited", holder="bot-1")

    assert await tell(store, at(1.9)) == []
    [telling] = await tell(store, at(2))
    assert (telling.is_card_lost, telling.attempts) == (True, 1)


async def test_a_lost_card_that_is_given_back_is_due_at_once_where_it_is_final(store: Store) -> None:
    await keep(store, state=State.FAILED)
    await tell(store)
    await lose_card(store)
    await store.telling_done(L, "bot-1")

    assert ids(await tell(store, holder="bot-2")) == [L]


async def test_a_loss_is_kept_also_when_the_lease_has_lapsed(store: Store) -> None:
    await keep(store)
    await tell(store, holder="bot-1")
    await tell(store, at(1), holder="bot-2")
    await lose_card(store)

    assert await tell(store, at(60), holder="bot-3") == []


async def test_a_card_that_stands_is_not_lost(store: Store) -> None:
    await keep(store)
    await store.card_told(L, ts="1.1", version=1)
    await lose_card(store)
    await happen(store, EventKind.STARTING)

    [telling] = await tell(store)
    assert (telling.card_ts, telling.is_card_lost) == ("1.1", False)


async def test_a_found_card_and_its_thread_are_told_again(store: Store) -> None:
    await keep(store)
    await happen(store, EventKind.STARTING)
    await lose_card(store)
    await store.card_found(L, "1.1")

    [telling] = await tell(store)
    assert (telling.card_ts, telling.is_card_lost, telling.is_card_stale) == ("1.1", False, True)
    assert [line.event.kind for line in telling.lines] == [EventKind.STARTING]


async def test_a_found_card_is_shown_anew_also_when_nothing_happened(store: Store) -> None:
    await keep(store)
    await lose_card(store)
    await store.card_found(L, "1.1")

    [telling] = await tell(store)
    assert (telling.card_ts, telling.is_card_stale, telling.lines) == ("1.1", True, ())
    await store.card_told(L, ts="1.1", version=telling.launch.version)
    assert await store.next_telling() is None


async def test_a_card_is_found_also_when_it_was_given_up(store: Store) -> None:
    await keep(store, state=State.FAILED)
    await tell(store)
    await lose_card(store)
    await store.telling_failed(L, retry_at=None, error="no answer")
    await store.card_found(L, "1.1")

    [telling] = await tell(store)
    assert (telling.card_ts, telling.is_card_lost, telling.attempts) == ("1.1", False, 0)


async def test_whoever_tells_directly_does_not_give_up_a_card_that_is_found_meanwhile(store: Store) -> None:
    await keep(store, state=State.FAILED)
    await tell(store)
    await lose_card(store)
    await store.card_found(L, "1.1")
    await store.telling_failed(L, retry_at=None, error="no answer", holder="bot-1")

    assert ids(await tell(store, holder="bot-2")) == [L]


@pytest.mark.parametrize("is_told", [True, False])
async def test_finding_a_card_that_was_never_lost_changes_nothing(store: Store, is_told: bool) -> None:
    await keep(store)
    if is_told:
        await store.card_told(L, ts="1.1", version=1)
    await store.card_found(L, "9.9")
    await store.card_found("L-NONE", "9.9")
    await happen(store, EventKind.STARTING)

    assert [telling.card_ts for telling in await tell(store)] == ["1.1" if is_told else None]


async def test_a_card_that_was_given_up_without_being_lost_stays_so(store: Store) -> None:
    await keep(store)
    await tell(store)
    await store.telling_failed(L, retry_at=None, error="is_archived")
    await store.card_found(L, "9.9")

    assert await store.next_telling() is None


async def test_a_late_answer_finds_a_lost_card(store: Store) -> None:
    """Two posted it, since the first was slow: one answer was lost, the other came."""
    await keep(store)
    await happen(store, EventKind.STARTING)
    await store.card_lost(L, version=2)
    await store.card_told(L, ts="1.1", version=1)

    [telling] = await tell(store)
    assert (telling.card_ts, telling.is_card_lost, telling.told_version, len(telling.lines)) == ("1.1", False, 1, 1)


@pytest.mark.parametrize("is_given_up", [True, False])
async def test_a_late_answer_that_shows_the_end_leaves_nothing_to_tell(store: Store, is_given_up: bool) -> None:
    await keep(store, state=State.FAILED)
    await tell(store)
    await lose_card(store)
    if is_given_up:
        await store.telling_failed(L, retry_at=None, error="no answer")
    await store.card_told(L, ts="1.1", version=1)

    assert await store.next_telling() is None
    await happen(store, EventKind.PROGRESSED)
    assert (await tell(store, at(1), holder="bot-2"))[0].card_ts == "1.1"


async def test_a_line_of_a_lost_card_that_was_told_all_the_same_keeps_it_lost(store: Store) -> None:
    await keep(store)
    await happen(store, **DONE)
    [telling] = await tell(store)
    await lose_card(store)
    await store.lines_told(telling.launch.launch_id, [telling.lines[0].line_id], ts="1.2", at=NOON)

    [again] = await tell(store, at(1), holder="bot-2")
    assert (again.is_card_lost, again.lines) == (True, ())


async def test_a_skipped_line_is_never_told_again_and_its_launch_not_due(store: Store) -> None:
    await keep(store)
    await happen(store, EventKind.STARTING)
    [telling] = await tell(store)
    await store.card_told(L, ts="1.1", version=telling.launch.version)
    await store.line_skipped(telling.lines[0].line_id, NOON)
    await store.line_skipped(telling.lines[0].line_id + 1000, NOON)

    assert await store.next_telling() is None
    await happen(store, EventKind.ACCEPTED)
    [again] = await tell(store, at(1), holder="bot-2")
    assert [line.event.kind for line in again.lines] == [EventKind.ACCEPTED]


async def test_a_skipped_line_does_not_break_the_row_of_failures(store: Store) -> None:
    await keep(store)
    await happen(store, EventKind.STARTING)
    await happen(store, EventKind.ACCEPTED)
    await tell(store)
    await store.telling_failed(L, retry_at=at(1), error="ratelimited")
    [telling] = await tell(store, at(1))
    await store.line_skipped(telling.lines[0].line_id, at(1))
    await store.telling_done(L, "bot-1")

    [again] = await tell(store, at(1))
    assert (again.attempts, len(again.lines)) == (1, 1)


async def test_losing_what_is_unknown_does_nothing(store: Store) -> None:
    await store.card_lost("L-NONE", version=1)

    assert await store.next_telling() is None
