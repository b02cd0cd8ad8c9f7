from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.lifecycle import step
from bot.domain.model import Event, EventKind, Launch, State
from bot.domain.provider import (
    Accepted,
    Busy,
    Completed,
    Observed,
    Outcome,
    Pace,
    Provider,
    Refused,
    StartAnswer,
    Stopping,
    TrackAnswer,
    Unauthorised,
    Unreachable,
    Unsupported,
)
from bot.domain.reactions import (
    KEY_MARGIN,
    LONGEST_WAIT_S,
    MISSES_BEFORE_ATTENTION,
    MOST_BACK_OFF_S,
    Moment,
    Reaction,
    after_cancel,
    after_start,
    after_track,
    is_resendable,
    next_look_s,
    possibly_applied,
)
from tests.builders import NOON, a_launch, an_event

PACE = Pace(first_s=5.0, most_s=60.0, source="made up")


class Keyless(Provider):
    """A provider at which a second start is a second run."""

    name = "keyless"
    title = "Keyless"
    pace = PACE


class Keyed(Keyless):
    """A provider that remembers a key for a day."""

    resend_window_s = 86_400.0


KEYLESS, KEYED = Keyless(), Keyed()
BOTH = pytest.mark.parametrize("provider", [KEYLESS, KEYED], ids=["keyless", "keyed"])
NOW = Moment(now=NOON)
LOST = Unreachable(is_possibly_applied=True, detail="no answer in time")
UNSENT = Unreachable(is_possibly_applied=False, detail="no connection could be made")
BUSY = Busy(code="HTTP 429", meaning="Too many calls.")
LOCKED_OUT = Unauthorised(code="HTTP 403", meaning="The credential lacks a scope.", scope="Workflow Run Access", detail="no")
REFUSED = Refused(code="HTTP 404", meaning="There is no such workflow.", detail="not found")
BESIDE = replace(REFUSED, is_answer=False)


def starting(attempts: int = 1, **changes: Any) -> Launch:
    """A launch whose start was sent ``attempts`` times since it was last certain that nothing arrived."""
    return a_launch(**({"state": State.STARTING, "sent_at": NOON, "attempts": attempts} | changes))


def running(**changes: Any) -> Launch:
    return a_launch(**({"state": State.RUNNING, "sent_at": NOON, "attempts": 1, "run_id": "400"} | changes))


def wait_s(reaction: Reaction, moment: Moment = NOW) -> float:
    assert reaction.launch.due_at is not None
    return (reaction.launch.due_at - moment.now).total_seconds()


def kind(reaction: Reaction) -> EventKind | None:
    return reaction.event.kind if reaction.event else None


def facts(reaction: Reaction) -> dict[str, Any]:
    assert reaction.event is not None
    return dict(reaction.event.facts)


def later(**by: float) -> Moment:
    return Moment(now=NOON + timedelta(**by))


# --- a start that may have arrived ---


def test_a_lost_reply_leaves_the_launch_in_doubt() -> None:
    reaction = after_start(starting(), LOST, KEYLESS, NOW)

    assert (reaction.launch.state, kind(reaction), facts(reaction)) == (
        State.IN_DOUBT,
        EventKind.LOST,
        {"detail": "no answer in time"},
    )
    assert reaction.launch.due_at is None


def test_a_lost_reply_is_asked_for_again_where_the_provider_remembers_the_key() -> None:
    reaction = after_start(starting(), LOST, KEYED, NOW)

    assert (reaction.launch.state, kind(reaction)) == (State.STARTING, EventKind.UNANSWERED)
    assert (reaction.launch.sent_at, reaction.launch.misses, wait_s(reaction)) == (NOON, 1, 2.0)


def test_a_key_that_may_be_forgotten_is_not_used_again() -> None:
    end = later(seconds=86_400).now - KEY_MARGIN
    before, at = Moment(now=end - timedelta(seconds=1)), Moment(now=end)

    assert kind(after_start(starting(), LOST, KEYED, before)) is EventKind.UNANSWERED
    assert kind(after_start(starting(), LOST, KEYED, at)) is EventKind.LOST


def test_the_key_s_time_runs_from_the_first_send() -> None:
    first = starting()
    again = step(first, an_event(EventKind.STARTING, at=NOON + timedelta(hours=20)))

    assert is_resendable(again, KEYED, NOON + timedelta(hours=23))
    assert not is_resendable(again, KEYED, NOON + timedelta(hours=24))


@pytest.mark.parametrize(
    ("launch", "provider"),
    [(starting(), KEYLESS), (starting(sent_at=None), KEYED), (a_launch(), KEYED)],
    ids=["no key", "unknown when", "never sent"],
)
def test_a_start_is_never_sent_again_on_a_hope(launch: Launch, provider: Provider) -> None:
    assert not is_resendable(launch, provider, NOON)


@BOTH
def test_a_start_that_nobody_recorded_an_answer_to_is_a_lost_one(provider: Provider) -> None:
    reaction = possibly_applied(starting(), "the bot stopped", provider, NOW)

    assert kind(reaction) is (EventKind.UNANSWERED if provider is KEYED else EventKind.LOST)
    assert facts(reaction) == {"detail": "the bot stopped"}


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (BUSY, "Too many calls. (HTTP 429)"),
        (UNSENT, "no connection could be made"),
        (LOST, "no answer in time"),
        (LOCKED_OUT, "The credential lacks a scope. (HTTP 403)"),
        (BESIDE, "There is no such workflow. (HTTP 404)"),
    ],
)
def test_what_happens_to_a_second_send_says_nothing_of_the_first(answer: StartAnswer, detail: str) -> None:
    """Else a cancel would be told as done, or the launch as failed, while the first send runs."""
    reaction = after_start(starting(attempts=2), answer, KEYED, later(hours=1))

    assert (reaction.launch.state, kind(reaction), facts(reaction)) == (State.STARTING, EventKind.UNANSWERED, {"detail": detail})


@pytest.mark.parametrize("answer", [BUSY, UNSENT, LOST, LOCKED_OUT, BESIDE])
def test_a_second_send_that_settles_nothing_ends_in_doubt_once_the_key_is_forgotten(answer: StartAnswer) -> None:
    reaction = after_start(starting(attempts=2), answer, KEYED, later(hours=24))

    assert (reaction.launch.state, kind(reaction)) == (State.IN_DOUBT, EventKind.LOST)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Accepted(run_id="400"), State.RUNNING),
        (Completed(outcome=Outcome.SUCCEEDED), State.SUCCEEDED),
        (REFUSED, State.FAILED),
    ],
)
def test_a_second_send_settles_the_first_where_the_provider_gives_its_answer(answer: StartAnswer, state: State) -> None:
    assert after_start(starting(attempts=2), answer, KEYED, NOW).launch.state is state


def test_a_wait_that_the_provider_names_is_kept_for_a_second_send() -> None:
    reaction = after_start(starting(attempts=2), replace(BUSY, retry_after_s=90.0), KEYED, NOW)

    assert wait_s(reaction) == 90.0


# --- a start that certainly did not arrive ---


@BOTH
@pytest.mark.parametrize(
    ("answer", "told"), [(BUSY, {"code": "HTTP 429", "meaning": "Too many calls."}), (UNSENT, {"detail": UNSENT.detail})]
)
def test_a_start_that_was_not_taken_waits_in_the_queue(
    answer: Busy | Unreachable, told: dict[str, Any], provider: Provider
) -> None:
    reaction = after_start(starting(), answer, provider, NOW)

    assert (reaction.launch.state, kind(reaction)) == (State.QUEUED, EventKind.DELAYED)
    assert facts(reaction) == {**told, "retry_at": "2026-11-21T12:00:02+00:00"}
    assert (reaction.launch.sent_at, reaction.launch.attempts, reaction.launch.misses, wait_s(reaction)) == (None, 0, 1, 2.0)


def test_a_start_that_was_not_taken_is_judged_as_a_first_one_the_next_time() -> None:
    delayed = after_start(starting(), BUSY, KEYED, NOW).launch
    again = step(delayed, an_event(EventKind.STARTING, at=NOON + timedelta(seconds=2)))

    assert kind(after_start(again, BUSY, KEYED, later(seconds=2))) is EventKind.DELAYED


@pytest.mark.parametrize(
    ("retry_after_s", "misses", "expected_s"),
    [
        (30.0, 0, 30.0),
        (0.0, 0, 2.0),
        (0.5, 0, 2.0),
        (1.0, 4, 32.0),
        (None, 3, 16.0),
        (5000.0, 50, 5000.0),
        (1e300, 0, LONGEST_WAIT_S),
    ],
)
def test_a_named_wait_is_kept_but_no_start_is_hurried(retry_after_s: float | None, misses: int, expected_s: float) -> None:
    reaction = after_start(starting(misses=misses), replace(BUSY, retry_after_s=retry_after_s), KEYLESS, NOW)

    assert wait_s(reaction) == expected_s
    assert facts(reaction)["retry_at"] == (NOON + timedelta(seconds=expected_s)).isoformat()


def test_waits_grow_to_a_quarter_of_an_hour_and_the_lot_adds_a_quarter() -> None:
    waits = [wait_s(after_start(starting(misses=misses), UNSENT, KEYLESS, NOW)) for misses in range(12)]
    lot = wait_s(after_start(starting(misses=40), UNSENT, KEYLESS, Moment(now=NOON, jitter=0.999)))

    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert MOST_BACK_OFF_S < lot < 1.25 * MOST_BACK_OFF_S


@pytest.mark.parametrize("answer", [BUSY, UNSENT])
def test_a_start_that_was_not_taken_for_a_day_has_failed(answer: StartAnswer) -> None:
    before = after_start(starting(), answer, KEYLESS, later(hours=23, minutes=59))
    after = after_start(starting(), answer, KEYLESS, later(hours=24))

    assert (before.launch.state, after.launch.state, after.launch.due_at) == (State.QUEUED, State.FAILED, None)


@pytest.mark.parametrize("answer", [BUSY, UNSENT])
def test_a_start_that_was_not_taken_is_not_tried_again_once_somebody_wants_it_stopped(answer: StartAnswer) -> None:
    reaction = after_start(starting(cancel_asked_by="U0BOB"), answer, KEYLESS, NOW)

    assert (reaction.launch.state, kind(reaction), reaction.launch.sent_at) == (State.CANCELLED, EventKind.CANCELLED, None)
    assert reaction.event is not None
    assert reaction.event.actor == "U0BOB"


# --- a start that was answered ---


@BOTH
def test_an_accepted_start_is_looked_at_after_the_time_that_the_provider_advises(provider: Provider) -> None:
    answer = Accepted(run_id="400", provider_status="Queued", version="3", outputs={"a": 1})
    reaction = after_start(starting(misses=3), answer, provider, NOW)

    assert (reaction.launch.state, kind(reaction), wait_s(reaction)) == (State.RUNNING, EventKind.ACCEPTED, 5.0)
    assert facts(reaction) == {"run_id": "400", "provider_status": "Queued", "version": "3", "outputs": {"a": 1}}
    assert (reaction.launch.run_id, reaction.launch.workflow_version, reaction.launch.misses) == ("400", "3", 0)
    assert reaction.launch.outputs == {"a": 1}


@BOTH
@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.SUCCEEDED, State.SUCCEEDED),
        (Outcome.FAILED, State.FAILED),
        (Outcome.CANCELLED, State.CANCELLED),
        (Outcome.ENDED, State.ENDED),
    ],
)
def test_a_run_that_ends_with_its_start_closes_the_launch(provider: Provider, outcome: Outcome, state: State) -> None:
    answer = Completed(outcome=outcome, run_id="400", outputs={"sum": 3}, code="X", detail="why", provider_status="Finished")
    reaction = after_start(starting(), answer, provider, NOW)

    assert (reaction.launch.state, kind(reaction), reaction.launch.due_at) == (state, EventKind(outcome.value), None)
    assert facts(reaction) == {
        "run_id": "400",
        "provider_status": "Finished",
        "outputs": {"sum": 3},
        "code": "X",
        "detail": "why",
    }


@BOTH
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (REFUSED, {"code": "HTTP 404", "meaning": "There is no such workflow.", "detail": "not found"}),
        (BESIDE, {"code": "HTTP 404", "meaning": "There is no such workflow.", "detail": "not found"}),
        (
            LOCKED_OUT,
            {"code": "HTTP 403", "meaning": "The credential lacks a scope.", "scope": "Workflow Run Access", "detail": "no"},
        ),
    ],
)
def test_a_refused_start_has_failed_with_code_and_scope(provider: Provider, answer: StartAnswer, told: dict[str, Any]) -> None:
    reaction = after_start(starting(), answer, provider, NOW)

    assert (reaction.launch.state, facts(reaction)) == (State.FAILED, told)


def test_an_end_is_told_with_the_run_that_was_known_before() -> None:
    reaction = after_track(running(), Completed(outcome=Outcome.SUCCEEDED), KEYED, NOW)

    assert (facts(reaction), reaction.launch.run_id) == ({"run_id": "400"}, "400")


# --- looks at a run ---


@pytest.mark.parametrize("attempt", range(3))
def test_a_look_that_shows_nothing_new_is_no_event(attempt: int) -> None:
    launch = running(provider_status="Busy", detail="3 of 4", looks=attempt, misses=attempt)
    reaction = after_track(launch, Observed(provider_status="Busy", progress="3 of 4"), KEYED, NOW)

    assert (reaction.event, reaction.launch.state) == (None, State.RUNNING)
    assert (reaction.launch.looks, reaction.launch.misses) == (attempt + 1, 0)


@pytest.mark.parametrize(
    "answer",
    [
        Observed(provider_status="Other", progress="3 of 4"),
        Observed(provider_status="Busy", progress="4 of 4"),
        Observed(provider_status="Busy"),
    ],
)
def test_a_look_that_shows_something_new_is_an_event(answer: Observed) -> None:
    reaction = after_track(running(provider_status="Busy", detail="3 of 4"), answer, KEYED, NOW)

    assert kind(reaction) is EventKind.PROGRESSED
    assert (reaction.launch.provider_status, reaction.launch.detail) == (answer.provider_status, answer.progress)


@pytest.mark.parametrize("progress", [None, "3 of 4"])
def test_neither_trouble_with_the_start_nor_a_refused_wish_looks_like_progress(progress: str | None) -> None:
    """Both leave words of their own; what is observed is compared with what was observed before."""
    unanswered = after_start(starting(), LOST, KEYED, NOW).launch
    accepted = after_start(replace(unanswered, attempts=2), Accepted(run_id="400", provider_status="Busy"), KEYED, NOW).launch
    first = after_track(accepted, Observed(provider_status="Busy", progress=progress), KEYED, NOW)
    asked = step(first.launch, an_event(EventKind.CANCEL_ASKED, actor="U0BOB"))
    refused = after_cancel(asked, Unsupported(meaning="It cannot stop a run."), KEYED, NOW).launch
    second = after_track(refused, Observed(provider_status="Busy", progress=progress), KEYED, NOW)

    assert kind(first) is (EventKind.PROGRESSED if progress else None)
    assert second.event is None


def test_a_paused_run_needs_attention_and_goes_on_when_it_does() -> None:
    waiting = Observed(provider_status="Paused", attention="It waits for Ada.")
    paused = after_track(running(provider_status="Busy", detail="3 of 4"), waiting, KEYED, NOW)
    still = after_track(paused.launch, waiting, KEYED, NOW)
    resumed = after_track(still.launch, Observed(provider_status="Busy", progress="3 of 4"), KEYED, NOW)
    after = after_track(resumed.launch, Observed(provider_status="Busy", progress="3 of 4"), KEYED, NOW)

    states = [reaction.launch.state for reaction in (paused, still, resumed, after)]
    assert states == [State.NEEDS_ATTENTION, State.NEEDS_ATTENTION, State.RUNNING, State.RUNNING]
    assert [kind(reaction) for reaction in (paused, still, resumed, after)] == [EventKind.PAUSED, None, EventKind.RESUMED, None]
    assert (paused.launch.detail, resumed.launch.detail) == ("It waits for Ada.", "3 of 4")


def test_people_are_told_when_something_else_needs_attention() -> None:
    launch = running(state=State.NEEDS_ATTENTION, provider_status="Paused", detail="It waits for Ada.")
    reaction = after_track(launch, Observed(provider_status="Paused", attention="It waits for Bob."), KEYED, NOW)

    assert (kind(reaction), reaction.launch.state, reaction.launch.detail) == (
        EventKind.PAUSED,
        State.NEEDS_ATTENTION,
        "It waits for Bob.",
    )


def test_a_new_status_while_attention_is_needed_is_kept_quietly() -> None:
    launch = running(state=State.NEEDS_ATTENTION, provider_status="Paused", detail="It waits for Ada.")
    reaction = after_track(launch, Observed(provider_status="On hold", attention="It waits for Ada."), KEYED, NOW)

    assert (kind(reaction), reaction.launch.state) == (EventKind.PROGRESSED, State.NEEDS_ATTENTION)
    assert (reaction.launch.provider_status, reaction.launch.detail) == ("On hold", "It waits for Ada.")


@pytest.mark.parametrize("state", [State.RUNNING, State.NEEDS_ATTENTION])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_run_that_is_over_closes_the_launch(state: State, outcome: Outcome) -> None:
    reaction = after_track(running(state=state), Completed(outcome=outcome), KEYED, NOW)

    assert (reaction.launch.state.value, reaction.launch.due_at) == (outcome.value, None)


# --- looks that bring nothing ---


@pytest.mark.parametrize(("answer", "why"), [(REFUSED, REFUSED.meaning), (UNSENT, UNSENT.detail), (LOST, LOST.detail)])
def test_attention_is_asked_for_after_five_looks_that_brought_nothing_and_once(answer: TrackAnswer, why: str) -> None:
    reactions = []
    launch = running(provider_status="Busy")
    for _ in range(MISSES_BEFORE_ATTENTION + 3):
        reactions.append(after_track(launch, answer, KEYED, NOW))
        launch = reactions[-1].launch

    assert [kind(reaction) for reaction in reactions] == [None] * 4 + [EventKind.PAUSED] + [None] * 3
    assert (facts(reactions[4])["attention"], facts(reactions[4])["provider_status"]) == (why, "Busy")
    assert (launch.state, launch.detail, launch.misses) == (State.NEEDS_ATTENTION, why, 8)


def test_a_look_that_brings_something_again_ends_the_attention() -> None:
    launch = running(state=State.NEEDS_ATTENTION, misses=9, detail="no answer in time", provider_status="Busy")
    reaction = after_track(launch, Observed(provider_status="Busy"), KEYED, NOW)

    assert (kind(reaction), reaction.launch.state, reaction.launch.misses) == (EventKind.RESUMED, State.RUNNING, 0)


def test_misses_count_only_in_a_row() -> None:
    launch = running(misses=4, provider_status="Busy")
    seen = after_track(launch, Observed(provider_status="Busy"), KEYED, NOW).launch

    assert kind(after_track(seen, LOST, KEYED, NOW)) is None


def test_a_credential_that_is_not_accepted_any_more_needs_attention_at_once() -> None:
    reaction = after_track(running(), LOCKED_OUT, KEYED, NOW)

    assert (kind(reaction), reaction.launch.detail) == (EventKind.PAUSED, LOCKED_OUT.meaning)
    assert facts(reaction)["scope"] == "Workflow Run Access"


def test_a_busy_provider_needs_nobody_s_attention() -> None:
    launch = running()
    for _ in range(20):
        reaction = after_track(launch, BUSY, KEYED, NOW)
        launch = reaction.launch

    assert (launch.state, reaction.event) == (State.RUNNING, None)


@pytest.mark.parametrize("answer", [BUSY, REFUSED, UNSENT, LOST, LOCKED_OUT])
def test_looks_that_bring_nothing_grow_rare_and_are_never_sooner_than_others(answer: TrackAnswer) -> None:
    waits = []
    launch = running()
    for _ in range(12):
        reaction = after_track(launch, answer, KEYED, NOW)
        launch = reaction.launch
        waits.append(wait_s(reaction))

    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (7.5, MOST_BACK_OFF_S)


def test_a_wait_that_the_provider_names_is_kept_for_a_look() -> None:
    assert wait_s(after_track(running(), replace(BUSY, retry_after_s=120.0), KEYED, NOW)) == 120.0
    assert wait_s(after_track(running(), replace(BUSY, retry_after_s=1.0), KEYED, NOW)) == 7.5
    assert wait_s(after_track(running(), replace(BUSY, retry_after_s=1e300), KEYED, NOW)) == LONGEST_WAIT_S


# --- how often a run is looked at ---


def test_looks_grow_from_the_first_to_the_most_that_is_advised() -> None:
    waits = [next_look_s(running(looks=looks), KEYED, NOW) for looks in (0, 1, 2, 6, 7, 100, 10**6)]

    assert waits == [5.0, 7.5, 11.25, 56.953125, 60.0, 60.0, 60.0]


@given(
    looks=st.integers(0, 10**9),
    jitter=st.floats(0, 1, exclude_max=True),
    poll_every_s=st.none() | st.floats(0.1, 1e6),
)
def test_no_look_is_sooner_than_configured_or_advised(looks: int, jitter: float, poll_every_s: float | None) -> None:
    moment = Moment(now=NOON, jitter=jitter, poll_every_s=poll_every_s)
    advised_s = PACE.first_s if poll_every_s is None else poll_every_s
    most_s = PACE.most_s if poll_every_s is None else poll_every_s

    assert advised_s <= next_look_s(running(looks=looks), KEYED, moment) <= most_s * 1.1


@pytest.mark.parametrize("answer", [Observed(), BUSY, REFUSED, LOST, LOCKED_OUT])
def test_the_configured_interval_counts_for_every_look(answer: TrackAnswer) -> None:
    moment = Moment(now=NOON, poll_every_s=3600.0)

    assert wait_s(after_track(running(), answer, KEYED, moment), moment) == 3600.0


# --- wishes to stop ---


def asked(**changes: Any) -> Launch:
    return running(cancel_asked_by="U0BOB", **changes)


def test_a_wish_that_was_taken_is_followed_by_looks_from_the_start() -> None:
    reaction = after_cancel(asked(looks=9), Stopping(), KEYED, NOW)

    assert (reaction.event, reaction.launch.is_cancel_sent, reaction.launch.cancel_asked_by) == (None, True, "U0BOB")
    assert (reaction.launch.looks, wait_s(reaction)) == (0, 5.0)


def test_a_run_that_stopped_at_once_is_over() -> None:
    reaction = after_cancel(asked(), Completed(outcome=Outcome.CANCELLED), KEYED, NOW)

    assert (reaction.launch.state, reaction.launch.due_at) == (State.CANCELLED, None)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Unsupported(meaning="It cannot."), {"meaning": "It cannot."}),
        (REFUSED, {"code": "HTTP 404", "meaning": REFUSED.meaning, "detail": "not found"}),
        (LOCKED_OUT, {"code": "HTTP 403", "meaning": LOCKED_OUT.meaning, "scope": "Workflow Run Access", "detail": "no"}),
    ],
)
@pytest.mark.parametrize("state", [State.RUNNING, State.NEEDS_ATTENTION])
def test_a_refused_wish_is_told_and_the_run_is_looked_at_again(state: State, answer: Any, told: dict[str, Any]) -> None:
    reaction = after_cancel(asked(state=state), answer, KEYED, NOW)

    assert (kind(reaction), facts(reaction), reaction.launch.state) == (EventKind.CANCEL_REFUSED, told, state)
    assert (reaction.launch.cancel_asked_by, wait_s(reaction)) == (None, 5.0)


@pytest.mark.parametrize("answer", [BUSY, UNSENT, LOST])
def test_a_lost_wish_is_repeated_some_times_and_then_the_run_is_looked_at_again(answer: Any) -> None:
    """A stop that never answers must not keep us from seeing the end of the run."""
    reactions = []
    launch = asked()
    for _ in range(MISSES_BEFORE_ATTENTION):
        reactions.append(after_cancel(launch, answer, KEYED, NOW))
        launch = reactions[-1].launch

    assert [kind(reaction) for reaction in reactions] == [None] * 4 + [EventKind.CANCEL_REFUSED]
    assert [wait_s(reaction) for reaction in reactions] == [2.0, 4.0, 8.0, 16.0, 5.0]
    assert (launch.cancel_asked_by, launch.state) == (None, State.RUNNING)


def test_a_wait_that_the_provider_names_is_kept_for_a_wish() -> None:
    assert wait_s(after_cancel(asked(), replace(BUSY, retry_after_s=45.0), KEYED, NOW)) == 45.0


# --- every answer in every state ---

WAITS = st.none() | st.floats(0, allow_nan=False, allow_infinity=False)
TROUBLE = st.one_of(
    st.just(REFUSED),
    st.just(LOCKED_OUT),
    st.builds(Busy, code=st.just("HTTP 429"), meaning=st.just("Too many."), retry_after_s=WAITS),
    st.builds(Unreachable, is_possibly_applied=st.booleans(), detail=st.just("broken")),
)
COMPLETED = st.builds(Completed, outcome=st.sampled_from(Outcome))
STARTS = st.one_of(TROUBLE, COMPLETED, st.just(Accepted(run_id="400")))
OBSERVED = st.builds(
    Observed,
    provider_status=st.sampled_from([None, "Busy", "Paused"]),
    attention=st.sampled_from([None, "It waits."]),
    progress=st.sampled_from([None, "3 of 4"]),
)
TRACKS = st.one_of(OBSERVED, TROUBLE)
CANCELS = st.one_of(TROUBLE, COMPLETED, st.just(Stopping()), st.just(Unsupported(meaning="It cannot.")))
MOMENTS = st.builds(
    Moment,
    now=st.datetimes(min_value=NOON.replace(tzinfo=None), max_value=NOON.replace(tzinfo=None, year=2100)).map(
        lambda at: at.replace(tzinfo=NOON.tzinfo)
    ),
    jitter=st.floats(0, 1, exclude_max=True),
)


def is_sound(reaction: Reaction, moment: Moment) -> bool:
    """Whoever is not over is looked at again, within a day; whoever is over or in doubt is not."""
    launch = reaction.launch
    if launch.state.is_final or launch.state is State.IN_DOUBT:
        return launch.due_at is None
    longest = timedelta(seconds=LONGEST_WAIT_S)
    return launch.due_at is not None and moment.now < launch.due_at <= moment.now + longest


@given(
    answer=STARTS,
    provider=st.sampled_from([KEYLESS, KEYED]),
    attempts=st.integers(1, 3),
    moment=MOMENTS,
    misses=st.integers(0, 100),
)
def test_no_answer_to_a_start_leads_to_a_second_run(
    answer: StartAnswer, provider: Provider, attempts: int, moment: Moment, misses: int
) -> None:
    launch = starting(attempts=attempts, misses=misses)
    reaction = after_start(launch, answer, provider, moment)

    assert is_sound(reaction, moment)
    if reaction.launch.state is State.QUEUED:
        assert attempts == 1
        assert isinstance(answer, Busy) or answer == Unreachable(is_possibly_applied=False, detail="broken")
    if reaction.launch.state is State.STARTING:
        assert is_resendable(launch, provider, moment.now)
    if isinstance(answer, Unreachable) and answer.is_possibly_applied:
        assert reaction.launch.state in {State.STARTING, State.IN_DOUBT}


@given(
    answers=st.lists(TRACKS, max_size=20),
    moment=MOMENTS,
    state=st.sampled_from([State.RUNNING, State.NEEDS_ATTENTION]),
)
def test_no_answer_to_a_look_ends_the_tracking_or_tells_the_same_twice(
    answers: list[TrackAnswer], moment: Moment, state: State
) -> None:
    launch = running(state=state)
    for answer in answers:
        first = after_track(launch, answer, KEYED, moment)
        assert is_sound(first, moment)
        assert first.launch.state in {State.RUNNING, State.NEEDS_ATTENTION}
        if isinstance(answer, Observed):
            assert after_track(first.launch, answer, KEYED, moment).event is None
        launch = first.launch


@given(answer=CANCELS, moment=MOMENTS, misses=st.integers(0, 100), state=st.sampled_from([State.RUNNING, State.NEEDS_ATTENTION]))
def test_no_answer_to_a_wish_loses_the_run(answer: Any, moment: Moment, misses: int, state: State) -> None:
    reaction = after_cancel(asked(state=state, misses=misses), answer, KEYED, moment)

    assert is_sound(reaction, moment)


@given(answer=st.one_of(STARTS), moment=MOMENTS)
def test_the_event_alone_leads_to_the_same_state(answer: StartAnswer, moment: Moment) -> None:
    """Whoever lost a race lays the event over what is stored now."""
    launch = starting()
    reaction = after_start(launch, answer, KEYED, moment)

    assert reaction.event is not None
    assert isinstance(reaction.event, Event)
    assert step(launch, reaction.event).state is reaction.launch.state
