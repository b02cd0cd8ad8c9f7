from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import ThreadError
from bot.domain.lifecycle import TRANSITIONS
from bot.domain.model import Event, EventKind, State
from bot.domain.setbacks import (
    CONNECTION_AGAIN_AFTER,
    TELL_AGAIN_FIRST_S,
    TELL_AGAIN_MOST_S,
    found_before,
    is_repeated,
    tell_again_s,
    unwanted,
    without_connection,
)
from tests.builders import NOON, a_launch, an_event

LATER = NOON + timedelta(hours=1)
GONE = "The connection billing is no longer configured."
OPEN = [state for state in State if any(before is state for before, _ in TRANSITIONS)]

# --- a connection that is no longer configured ---------------------------------------------------------------------------


def test_without_its_connection_what_was_not_sent_has_failed() -> None:
    reaction = without_connection(a_launch(), LATER)

    assert reaction.event == an_event(EventKind.FAILED, at=LATER, facts={"meaning": GONE})
    assert (reaction.launch.state, reaction.launch.due_at) == (State.FAILED, None)


def test_without_its_connection_what_was_possibly_sent_is_in_doubt() -> None:
    reaction = without_connection(a_launch(state=State.STARTING, sent_at=NOON, attempts=1), LATER)

    assert reaction.event == an_event(EventKind.LOST, at=LATER, facts={"detail": GONE})
    assert (reaction.launch.state, reaction.launch.due_at) == (State.IN_DOUBT, None)


@pytest.mark.parametrize("status", ["Processing", None])
def test_without_its_connection_what_runs_needs_attention_and_keeps_its_status(status: str | None) -> None:
    reaction = without_connection(a_launch(state=State.RUNNING, run_id="400", provider_status=status), LATER)

    assert reaction.event is not None
    assert (reaction.event.kind, reaction.event.facts["attention"]) == (EventKind.PAUSED, GONE)
    assert (reaction.launch.state, reaction.launch.run_id) == (State.NEEDS_ATTENTION, "400")
    assert reaction.launch.provider_status == status
    assert reaction.launch.due_at == LATER + CONNECTION_AGAIN_AFTER


@pytest.mark.parametrize("state", [State.NEEDS_ATTENTION, State.IN_DOUBT])
def test_without_its_connection_what_people_know_of_is_only_looked_at_later(state: State) -> None:
    reaction = without_connection(a_launch(state=state, detail="as it was"), LATER)

    assert reaction.event is None
    assert (reaction.launch.state, reaction.launch.detail) == (state, "as it was")
    assert reaction.launch.due_at == LATER + CONNECTION_AGAIN_AFTER


@pytest.mark.parametrize("state", OPEN)
def test_without_its_connection_a_launch_never_ends_by_a_guess(state: State) -> None:
    """Only what was certainly not sent may be called over."""
    reaction = without_connection(a_launch(state=state), LATER)

    assert not reaction.launch.state.is_final or state is State.QUEUED


# --- a start that is no longer wanted ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked_by", "actor"), [("U0BOB", "U0BOB"), (None, "gonogo")])
def test_a_start_that_is_not_wanted_any_more_is_cancelled_in_the_name_of_who_asked(asked_by: str | None, actor: str) -> None:
    reaction = unwanted(a_launch(cancel_asked_by=asked_by), LATER)

    assert reaction.event == an_event(EventKind.CANCELLED, at=LATER, actor=actor)
    assert (reaction.launch.state, reaction.launch.due_at) == (State.CANCELLED, None)


# --- what the thread has said already ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [EventKind.DELAYED, EventKind.UNANSWERED])
@pytest.mark.parametrize(("misses", "expected"), [(1, False), (2, True), (9, True)])
def test_only_the_first_delay_in_a_row_is_said(kind: EventKind, misses: int, *, expected: bool) -> None:
    assert is_repeated(a_launch(misses=misses), an_event(kind)) is expected


@pytest.mark.parametrize("kind", sorted(set(EventKind) - {EventKind.DELAYED, EventKind.UNANSWERED}))
def test_nothing_else_is_left_unsaid_however_often_it_happens(kind: EventKind) -> None:
    assert not is_repeated(a_launch(misses=9), an_event(kind))


# --- what the last look-up found -----------------------------------------------------------------------------------------

LOST = an_event(EventKind.LOST)
ASKED = an_event(EventKind.LOOK_ASKED)


def looked_up(found: int | None) -> Event:
    return an_event(EventKind.LOOKED_UP, facts={} if found is None else {"found": found})


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], None),
        ([LOST], None),
        ([LOST, looked_up(2)], 2),
        ([LOST, looked_up(2), looked_up(0)], 0),
        ([LOST, looked_up(None)], 0),
        ([LOST, looked_up(2), ASKED], None),
        ([LOST, looked_up(2), ASKED, looked_up(3)], 3),
        ([looked_up(2), LOST], None),
        ([LOST, looked_up(2), an_event(EventKind.CANCEL_ASKED)], 2),
    ],
    ids=["nothing", "lost", "told", "the newest", "no count", "asked anew", "told anew", "lost again", "others between"],
)
def test_the_last_look_that_was_told_counts_until_people_ask_anew(events: list[Event], expected: int | None) -> None:
    assert found_before(events) == expected


# --- when to tell again --------------------------------------------------------------------------------------------------


def test_telling_waits_double_up_to_five_minutes() -> None:
    waits = [tell_again_s(ThreadError("unreachable"), attempts) for attempts in range(12)]

    assert waits[:4] == [TELL_AGAIN_FIRST_S, 2.0, 4.0, 8.0]
    assert waits[-1] == TELL_AGAIN_MOST_S


def test_slack_s_own_wait_is_kept_for_telling() -> None:
    assert tell_again_s(ThreadError("ratelimited", retry_after_s=700), 3) == 700


def test_what_a_channel_never_takes_is_asked_about_rarely_from_the_start() -> None:
    assert tell_again_s(ThreadError("is_archived", is_permanent=True, retry_after_s=1), 0) == TELL_AGAIN_MOST_S


@given(attempts=st.integers(0, 10**9), retry_after_s=st.none() | st.floats(0, 86_400), is_permanent=st.booleans())
def test_telling_again_never_spins(attempts: int, retry_after_s: float | None, *, is_permanent: bool) -> None:
    """However often it failed, and also where Slack names a wait of nothing."""
    wait_s = tell_again_s(ThreadError("x", retry_after_s=retry_after_s, is_permanent=is_permanent), attempts)

    assert wait_s >= min(retry_after_s or TELL_AGAIN_FIRST_S, TELL_AGAIN_FIRST_S)
    assert wait_s <= max(retry_after_s or 0, TELL_AGAIN_MOST_S)
