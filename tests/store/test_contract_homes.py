"""Every store through the same checks: what ``bot.ports.Store`` says of App Homes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.model import EventKind, State
from bot.ports import Home, Store
from tests.builders import NOON, an_event
from tests.store.steps import L, at, happen, keep, lease, read

BOB, CAROL, ALICE = "U0BOB", "U0CAROL", "U0ALICE"
RULE = {"approvers": [BOB], "required": 1}
SOON = timedelta(seconds=2)


async def opened(store: Store, *users: str, when: datetime = NOON) -> None:
    for user in users:
        await store.home_opened(user, "T0GONOGO", at=when)


async def homes(store: Store, now: datetime = NOON, *, holder: str = "bot-1", limit: int = 10, minutes: float = 1) -> list[Home]:
    until = now + timedelta(minutes=minutes)
    return await store.lease_homes(now=now, until=until, holder=holder, limit=limit)


async def settled(store: Store, *users: str, when: datetime = NOON) -> None:
    """These people's Homes were opened, and stand as they should."""
    await opened(store, *users, when=when)
    for home in await homes(store, when, limit=500):
        await store.home_shown(home, "bot-1", shown="mark")


async def due(store: Store, now: datetime = NOON) -> list[str]:
    """Whose Homes are due by then; they stay so."""
    found = await homes(store, now, holder="a looker", minutes=0, limit=500)
    return sorted(home.user_id for home in found)


async def waits(store: Store, **changes: Any) -> None:
    await keep(store, state=State.AWAITING_APPROVAL, approval=RULE, **changes)


async def test_an_opened_home_is_due_at_once_and_knows_nothing_of_what_slack_has(store: Store) -> None:
    await opened(store, BOB)

    assert await homes(store) == [Home(user_id=BOB, team_id="T0GONOGO", opened_at=NOON)]


async def test_nobody_s_home_is_due_who_never_opened_it(store: Store) -> None:
    await waits(store)

    assert await due(store, at(9)) == []
    assert await store.next_home() is None


async def test_a_home_that_was_shown_is_not_due(store: Store) -> None:
    await settled(store, BOB)

    assert await due(store, at(9999)) == []
    assert await store.next_home() is None


async def test_the_mark_of_what_was_shown_is_kept_until_it_is_opened_again(store: Store) -> None:
    await settled(store, ALICE)
    await keep(store)
    [home] = await homes(store, NOON + SOON)
    await store.home_shown(home, "bot-1", shown="mark 2")
    await opened(store, ALICE, when=at(1))
    [again] = await homes(store, at(1))

    assert (home.shown, again.shown) == ("mark", "")


async def test_one_holder_shows_a_home_and_a_lapsed_one_is_taken_over(store: Store) -> None:
    await opened(store, BOB)
    await homes(store)

    assert await homes(store, at(0.5), holder="bot-2") == []
    assert [home.user_id for home in await homes(store, at(1), holder="bot-2")] == [BOB]


async def test_its_own_holder_gets_a_home_again_only_once_it_was_given_back(store: Store) -> None:
    await opened(store, BOB)
    await homes(store)

    assert await homes(store, at(9)) == []


async def test_a_renewed_home_is_not_taken_over(store: Store) -> None:
    await opened(store, BOB)
    await homes(store)
    await store.renew_leases(holder="bot-1", until=at(5))

    assert await homes(store, at(4), holder="bot-2") == []
    assert await store.next_home() == at(5)


async def test_as_many_are_claimed_as_asked_for_the_longest_due_first(store: Store) -> None:
    await opened(store, CAROL, when=at(2))
    await opened(store, BOB, when=at(1))
    await opened(store, ALICE, when=at(3))

    assert {home.user_id for home in await homes(store, at(9), limit=2)} == {BOB, CAROL}
    assert await store.next_home() == at(3)


@pytest.mark.parametrize(
    ("kind", "changes", "is_due"),
    [
        (EventKind.STARTING, {"state": State.STARTING}, True),
        (EventKind.SUCCEEDED, {"state": State.SUCCEEDED}, True),
        (EventKind.PROGRESSED, {}, False),
        (EventKind.CANCEL_ASKED, {}, False),
    ],
)
async def test_a_changed_state_is_due_for_the_requester_alone(
    store: Store, kind: EventKind, changes: dict[str, Any], is_due: bool
) -> None:
    await keep(store)
    await settled(store, ALICE, BOB)
    await happen(store, kind, **changes)

    assert await due(store, NOON + SOON) == ([ALICE] if is_due else [])


async def test_a_new_launch_that_needs_nobody_is_due_for_its_requester_alone(store: Store) -> None:
    await settled(store, ALICE, BOB)
    await keep(store)

    assert await due(store, NOON + SOON) == [ALICE]


async def test_a_launch_that_waits_for_approval_is_due_for_everybody_who_opened_theirs(store: Store) -> None:
    await settled(store, ALICE, BOB, CAROL)
    await waits(store)

    assert await due(store, NOON + SOON) == [ALICE, BOB, CAROL]


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (EventKind.APPROVED, State.AWAITING_APPROVAL),
        (EventKind.CLEARED, State.QUEUED),
        (EventKind.REJECTED, State.REJECTED),
        (EventKind.ESCALATED, State.AWAITING_APPROVAL),
        (EventKind.EXPIRED, State.EXPIRED),
        (EventKind.REOPENED, State.AWAITING_APPROVAL),
        (EventKind.CANCELLED, State.CANCELLED),
        (EventKind.FAILED, State.FAILED),
    ],
)
async def test_what_concerns_an_approval_is_due_for_everybody(store: Store, kind: EventKind, state: State) -> None:
    await waits(store)
    await settled(store, ALICE, BOB)
    await happen(store, kind, state=state)

    assert await due(store, NOON + SOON) == [ALICE, BOB]


@pytest.mark.parametrize("kind", [EventKind.CANCELLED, EventKind.FAILED])
async def test_the_end_of_what_was_sent_concerns_no_approver(store: Store, kind: EventKind) -> None:
    await keep(store, state=State.RUNNING, approval=RULE, sent_at=NOON)
    await settled(store, BOB)
    await happen(store, kind, state=State(kind.value))

    assert await due(store, at(1)) == []


async def test_a_reminder_changes_no_home(store: Store) -> None:
    await waits(store)
    await settled(store, ALICE, BOB, when=at(1))
    await happen(store, EventKind.REMINDED, when=at(1))

    assert await due(store, at(2)) == []


async def test_homes_that_were_not_opened_for_a_month_wait_until_they_are(store: Store) -> None:
    await settled(store, BOB, when=NOON - timedelta(days=30, seconds=1))
    await settled(store, CAROL, when=NOON - timedelta(days=30))
    await waits(store, created_at=NOON - SOON)

    assert await due(store, NOON) == [CAROL]


async def test_a_requester_s_own_home_is_kept_current_however_long_ago_it_was_opened(store: Store) -> None:
    await settled(store, ALICE, when=NOON - timedelta(days=99))
    await keep(store)

    assert await due(store, NOON + SOON) == [ALICE]


async def test_what_happens_together_is_shown_together_two_seconds_after_the_first(store: Store) -> None:
    await settled(store, BOB)
    await waits(store)
    await happen(store, EventKind.APPROVED, when=NOON + SOON / 2)

    assert await store.next_home() == NOON + SOON
    assert await due(store, NOON + SOON - timedelta(microseconds=1)) == []
    assert await due(store, NOON + SOON) == [BOB]


async def test_what_happens_while_a_home_is_held_makes_it_due_after_it_was_given_back(store: Store) -> None:
    await opened(store, BOB)
    [home] = await homes(store)
    await waits(store)

    held = await due(store, NOON + SOON)
    await store.home_shown(home, "bot-1", shown="mark")

    assert held == []
    assert await due(store, NOON + SOON) == [BOB]


async def test_a_home_that_fell_to_another_is_not_settled_by_its_first_holder(store: Store) -> None:
    await opened(store, BOB)
    [home] = await homes(store)
    await homes(store, at(2), holder="bot-2")
    await store.home_shown(home, "bot-1", shown="late")
    await store.home_failed(home, "bot-1", retry_at=None)

    assert await store.next_home() == at(3)


async def test_a_home_is_due_again_when_its_view_said_so_or_before_if_something_happens(store: Store) -> None:
    await opened(store, BOB)
    [home] = await homes(store)
    await store.home_shown(home, "bot-1", shown="mark", again_at=at(5))
    assert await store.next_home() == at(5)
    await waits(store)

    assert await store.next_home() == NOON + SOON


async def test_what_happened_meanwhile_is_not_put_off_by_what_a_view_said(store: Store) -> None:
    await opened(store, BOB)
    [home] = await homes(store)
    await waits(store)
    await store.home_shown(home, "bot-1", shown="mark", again_at=at(5))

    assert await store.next_home() == NOON + SOON


async def test_a_home_that_failed_waits_also_when_more_happens_meanwhile(store: Store) -> None:
    await opened(store, BOB)
    [home] = await homes(store)
    await store.home_failed(home, "bot-1", retry_at=at(5))
    await waits(store)
    early = await due(store, at(4))
    [again] = await homes(store, at(5))

    assert early == []
    assert again.attempts == 1


async def test_success_ends_the_row_of_failures(store: Store) -> None:
    await opened(store, BOB)
    for minute in (0, 1):
        [home] = await homes(store, at(minute))
        await store.home_failed(home, "bot-1", retry_at=at(minute + 1))
    [home] = await homes(store, at(2))
    await store.home_shown(home, "bot-1", shown="mark")
    await waits(store, created_at=at(3))
    [again] = await homes(store, at(3) + SOON)

    assert (home.attempts, again.attempts) == (2, 0)


async def test_a_home_that_was_given_up_is_due_only_once_it_is_opened_again(store: Store) -> None:
    await opened(store, BOB)
    [home] = await homes(store)
    await store.home_failed(home, "bot-1", retry_at=None)
    await waits(store)
    given_up = await due(store, at(9999))
    await opened(store, BOB, when=at(1))
    [again] = await homes(store, at(1))

    assert given_up == []
    assert again.attempts == 0


async def test_a_home_that_was_opened_while_it_failed_is_tried_at_once(store: Store) -> None:
    await opened(store, BOB)
    [home] = await homes(store)
    await opened(store, BOB, when=at(1))
    await store.home_failed(home, "bot-1", retry_at=None)
    [again] = await homes(store, at(1))

    assert again == replace(home, opened_at=at(1))


async def test_homes_are_marked_with_the_change_or_not_at_all(store: Store) -> None:
    """A save that loses leaves no Home due."""
    await waits(store)
    await settled(store, BOB, when=at(1))
    stale = await read(store)
    [held] = await lease(store)
    assert held.version > stale.version
    is_saved = await store.save(stale, an_event(EventKind.EXPIRED, at=at(1)), has_line=True)

    assert not is_saved
    assert await due(store, at(2)) == []


async def test_a_launch_of_somebody_without_a_home_costs_nothing_and_is_kept(store: Store) -> None:
    await keep(store, requester_id="U0NOHOME")
    await happen(store, EventKind.SUCCEEDED, state=State.SUCCEEDED)

    assert (await read(store, L)).state is State.SUCCEEDED
