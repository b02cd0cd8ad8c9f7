from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.lifecycle import TRANSITIONS, NoTransitionError, can_happen, step
from bot.domain.model import FINAL_STATES, Event, EventKind, Launch, State
from tests.builders import NOON, a_launch, an_event

STARTED = frozenset(State) - {State.AWAITING_APPROVAL, State.QUEUED, State.REJECTED, State.EXPIRED}
LATER = NOON + timedelta(minutes=1)
UNSENT = frozenset({State.AWAITING_APPROVAL, State.QUEUED})
PAIRS = [(state, kind) for state in State for kind in EventKind]


def stepped(
    state: State, kind: EventKind, *, facts: dict[str, Any] | None = None, actor: str = "gonogo", **before: Any
) -> Launch:
    return step(a_launch(state=state, **before), an_event(kind, at=LATER, facts=facts or {}, actor=actor))


# --- the table ---


@pytest.mark.parametrize(("state", "kind"), [pair for pair in PAIRS if pair not in TRANSITIONS])
def test_a_step_that_is_not_in_the_table_is_a_fault(state: State, kind: EventKind) -> None:
    with pytest.raises(NoTransitionError, match=f"L-7K3QW: {kind} cannot happen while {state}"):
        stepped(state, kind)

    assert not can_happen(a_launch(state=state), kind)


@pytest.mark.parametrize(("state", "kind"), list(TRANSITIONS))
def test_a_step_that_is_in_the_table_leads_where_it_says(state: State, kind: EventKind) -> None:
    launch = stepped(state, kind)

    assert (launch.state, launch.updated_at, launch.version) == (TRANSITIONS[state, kind], LATER, 1)
    assert can_happen(a_launch(state=state), kind)


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
def test_nothing_leaves_a_final_state(state: State) -> None:
    assert not [kind for kind in EventKind if can_happen(a_launch(state=state), kind)]


def test_what_is_in_doubt_is_never_started_again() -> None:
    leads_to = {after for (before, _), after in TRANSITIONS.items() if before is State.IN_DOUBT}

    assert not leads_to & {State.QUEUED, State.STARTING}


def test_no_launch_that_was_possibly_sent_looks_as_if_it_had_not_been() -> None:
    """DELAYED alone leads back: it says that nothing arrived."""
    back = {kind for (before, kind), after in TRANSITIONS.items() if before in STARTED and after not in STARTED}

    assert back == {EventKind.DELAYED}


def test_only_a_start_that_was_not_sent_can_be_cancelled_on_the_spot() -> None:
    assert not can_happen(a_launch(), EventKind.CANCEL_ASKED)
    assert all(can_happen(a_launch(state=state), EventKind.CANCEL_ASKED) for state in STARTED - FINAL_STATES - {State.IN_DOUBT})


def test_every_event_but_the_first_can_happen_somewhere() -> None:
    idle = frozenset(EventKind) - {kind for _, kind in TRANSITIONS}

    assert idle <= {EventKind.REQUESTED, EventKind.LOOKED_UP, EventKind.LOOK_ASKED, EventKind.ADOPTED}


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS[State.FAILED, EventKind.STARTING] = State.STARTING  # type: ignore[index]


# --- what each event leaves behind ---


def test_the_first_send_is_the_one_that_counts() -> None:
    first = stepped(State.QUEUED, EventKind.STARTING)
    second = step(first, an_event(EventKind.STARTING, at=LATER + timedelta(hours=1)))

    assert (first.sent_at, first.attempts) == (LATER, 1)
    assert (second.sent_at, second.attempts) == (LATER, 2)


def test_a_start_that_certainly_did_not_arrive_was_never_sent() -> None:
    delayed = stepped(
        State.STARTING, EventKind.DELAYED, sent_at=NOON, attempts=1, facts={"meaning": "Too many calls.", "detail": "x"}
    )

    assert (delayed.state, delayed.sent_at, delayed.attempts, delayed.detail) == (State.QUEUED, None, 0, "Too many calls.")


@pytest.mark.parametrize("kind", [EventKind.UNANSWERED, EventKind.LOST])
def test_a_start_that_may_have_arrived_stays_sent(kind: EventKind) -> None:
    launch = stepped(State.STARTING, kind, sent_at=NOON, attempts=1, facts={"detail": "no answer in time"})

    assert (launch.sent_at, launch.attempts, launch.detail) == (NOON, 1, "no answer in time")


def test_an_accepted_start_keeps_what_the_provider_told_and_forgets_the_trouble_before_it() -> None:
    facts = {"run_id": "400", "version": "3", "provider_status": "Queued", "url": "https://example.com/400", "outputs": {"a": 1}}
    launch = stepped(State.STARTING, EventKind.ACCEPTED, facts=facts, misses=4, detail="no answer in time")

    assert (launch.run_id, launch.workflow_version, launch.provider_status) == ("400", "3", "Queued")
    assert (launch.run_url, launch.outputs, launch.misses, launch.detail) == ("https://example.com/400", {"a": 1}, 0, None)


def test_what_the_provider_does_not_tell_stays_as_it_was() -> None:
    launch = stepped(
        State.STARTING, EventKind.ACCEPTED, facts={"run_id": "400"}, workflow_version="3", provider_status="Queued", run_url="u"
    )

    assert (launch.workflow_version, launch.provider_status, launch.run_url) == ("3", "Queued", "u")


@pytest.mark.parametrize(
    ("state", "kind", "facts", "detail"),
    [
        (State.RUNNING, EventKind.PROGRESSED, {"provider_status": "Busy", "progress": "3 of 4"}, "3 of 4"),
        (State.RUNNING, EventKind.PAUSED, {"provider_status": "Busy", "attention": "Paused.", "progress": "3 of 4"}, "Paused."),
        (State.NEEDS_ATTENTION, EventKind.PAUSED, {"provider_status": "Busy", "attention": "Other."}, "Other."),
        (State.NEEDS_ATTENTION, EventKind.RESUMED, {"provider_status": "Busy"}, None),
        (State.RUNNING, EventKind.PROGRESSED, {"provider_status": "Busy"}, None),
    ],
)
def test_a_look_leaves_the_newest_status_and_the_most_telling_words(
    state: State, kind: EventKind, facts: dict[str, Any], detail: str | None
) -> None:
    launch = stepped(state, kind, facts=facts, provider_status="Queued", detail="before")

    assert (launch.provider_status, launch.detail) == ("Busy", detail)


@pytest.mark.parametrize("state", [State.STARTING, State.RUNNING, State.NEEDS_ATTENTION])
def test_a_wish_to_stop_is_due_at_once(state: State) -> None:
    launch = stepped(state, EventKind.CANCEL_ASKED, actor="U0BOB", due_at=NOON + timedelta(hours=1), is_cancel_sent=True)

    assert (launch.cancel_asked_by, launch.is_cancel_sent, launch.due_at) == ("U0BOB", False, LATER)


def test_a_refused_wish_can_be_uttered_again_and_leaves_what_was_observed() -> None:
    launch = stepped(
        State.RUNNING,
        EventKind.CANCEL_REFUSED,
        facts={"meaning": "No."},
        cancel_asked_by="U0BOB",
        is_cancel_sent=True,
        detail="3 of 4",
    )

    assert (launch.cancel_asked_by, launch.is_cancel_sent, launch.detail) == (None, False, "3 of 4")


ENDS = [EventKind.SUCCEEDED, EventKind.FAILED, EventKind.CANCELLED, EventKind.ENDED]


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("state", [State.STARTING, State.RUNNING, State.NEEDS_ATTENTION])
def test_an_end_keeps_run_outputs_and_detail(state: State, kind: EventKind) -> None:
    facts = {"run_id": "400", "provider_status": "Done", "outputs": {"sum": 3}, "detail": "All is well.", "url": "u"}
    launch = stepped(state, kind, facts=facts, detail="before")

    assert (launch.run_id, launch.provider_status, launch.outputs) == ("400", "Done", {"sum": 3})
    assert (launch.detail, launch.run_url, launch.due_at) == ("All is well.", "u", None)


def test_an_end_without_words_takes_the_words_before_it_away() -> None:
    launch = stepped(State.RUNNING, EventKind.SUCCEEDED, detail="3 of 4", outputs={"sum": 3}, run_id="400")

    assert (launch.detail, launch.outputs, launch.run_id) == (None, {"sum": 3}, "400")


@pytest.mark.parametrize(
    ("facts", "detail"),
    [
        ({"attention": "a", "meaning": "m", "detail": "d", "progress": "p"}, "a"),
        ({"meaning": "m", "detail": "d", "progress": "p"}, "m"),
        ({"detail": "d", "progress": "p"}, "d"),
        ({"progress": "p"}, "p"),
        ({"attention": "", "meaning": None, "detail": 7}, "7"),
        ({}, None),
    ],
)
def test_the_most_telling_fact_is_kept(facts: dict[str, Any], detail: str | None) -> None:
    assert stepped(State.RUNNING, EventKind.FAILED, facts=facts).detail == detail


@pytest.mark.parametrize(
    ("state", "kind"), [pair for pair, after in TRANSITIONS.items() if after in FINAL_STATES or pair[1] is EventKind.LOST]
)
def test_what_is_over_or_just_lost_is_not_due_by_itself(state: State, kind: EventKind) -> None:
    assert stepped(state, kind).due_at is None


# --- approval ---


def test_nothing_is_sent_before_it_was_cleared() -> None:
    leads_to = {after for (before, _), after in TRANSITIONS.items() if before is State.AWAITING_APPROVAL}
    clears = {
        kind for (before, kind), after in TRANSITIONS.items() if before is State.AWAITING_APPROVAL and after is State.QUEUED
    }

    assert leads_to & STARTED <= FINAL_STATES
    assert clears == {EventKind.CLEARED}
    assert not can_happen(a_launch(state=State.AWAITING_APPROVAL), EventKind.STARTING)


def test_a_cleared_launch_is_due_at_once() -> None:
    launch = stepped(State.AWAITING_APPROVAL, EventKind.CLEARED, actor="U0BOB", due_at=NOON + timedelta(days=7), detail="old")

    assert (launch.state, launch.due_at, launch.detail) == (State.QUEUED, LATER, None)


@pytest.mark.parametrize("kind", [EventKind.APPROVED, EventKind.REMINDED, EventKind.ESCALATED])
def test_waiting_goes_on_to_its_next_time(kind: EventKind) -> None:
    launch = stepped(State.AWAITING_APPROVAL, kind, due_at=NOON + timedelta(days=7), digest="d1", approval={"required": 2})

    assert (launch.due_at, launch.digest, launch.approval) == (NOON + timedelta(days=7), "d1", {"required": 2})


def test_a_no_leaves_its_reason() -> None:
    assert stepped(State.AWAITING_APPROVAL, EventKind.REJECTED, facts={"reason": "Wrong month."}).detail == "Wrong month."
    assert stepped(State.AWAITING_APPROVAL, EventKind.REJECTED).detail is None


@pytest.mark.parametrize("state", sorted(UNSENT))
def test_asked_anew_it_is_bound_to_another_digest_and_due_at_once(state: State) -> None:
    launch = stepped(state, EventKind.REOPENED, facts={"digest": "d2"}, digest="d1", misses=3, detail="busy", due_at=NOON)

    assert (launch.state, launch.digest, launch.misses) == (State.AWAITING_APPROVAL, "d2", 0)
    assert (launch.detail, launch.due_at) == (None, LATER)
    assert stepped(state, EventKind.REOPENED, digest="d1").digest == "d1"


# --- a life ---

FACTS = st.fixed_dictionaries(
    {},
    optional={
        "run_id": st.just("400"),
        "provider_status": st.sampled_from(["Queued", "Busy", None]),
        "attention": st.sampled_from(["Paused.", None]),
        "detail": st.sampled_from(["why", None]),
        "outputs": st.sampled_from([{"sum": 3}, {}, None]),
    },
)
EVENTS = st.lists(st.tuples(st.sampled_from(EventKind), FACTS), max_size=30)


@given(st.sampled_from(sorted(UNSENT)), EVENTS)
def test_whatever_happens_a_life_stays_in_the_table_and_never_loses_what_was_known(
    state: State, events: list[tuple[EventKind, Any]]
) -> None:
    launch = a_launch(state=state)
    for minute, (kind, facts) in enumerate(events):
        event = Event(launch_id=launch.launch_id, kind=kind, at=NOON + timedelta(minutes=minute), facts=facts)
        if not can_happen(launch, kind):
            with pytest.raises(NoTransitionError):
                step(launch, event)
            continue
        before, launch = launch, step(launch, event)
        assert (before.state, kind) in TRANSITIONS
        assert not before.state.is_final
        assert before.run_id is None or launch.run_id == before.run_id
        assert not before.outputs or launch.outputs
        assert (launch.state in UNSENT) == (launch.sent_at is None and not launch.state.is_final)
        assert (launch.attempts == 0) == (launch.sent_at is None)
        assert launch.due_at is None or not launch.state.is_final


@given(EVENTS)
def test_once_sent_only_certainty_makes_a_launch_startable_again(events: list[tuple[EventKind, Any]]) -> None:
    launch = a_launch(state=State.STARTING, sent_at=NOON, attempts=1)
    for kind, facts in events:
        if kind is not EventKind.DELAYED and can_happen(launch, kind):
            launch = step(launch, an_event(kind, facts=facts))
            assert launch.state in STARTED
