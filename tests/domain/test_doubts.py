"""How a doubt is settled by looking: who is adopted, when people decide, and when looking ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.doubts import LOOK_AFTER_S, Surroundings, after_find, first_look, late_answer
from bot.domain.model import EventKind, Launch, State
from bot.domain.provider import (
    Busy,
    Candidate,
    Completed,
    Matches,
    Outcome,
    Refused,
    StartAnswer,
    Unauthorised,
    Unreachable,
    Unsupported,
)
from bot.domain.reactions import MOST_OUTPUT_CHARACTERS, Moment, Reaction, after_start, possibly_applied
from bot.providers.bitrix24 import PROVIDER as BITRIX
from bot.surfaces import lines
from tests.builders import NOON, a_launch

MOMENT = Moment(now=NOON)
DOUBTFUL = a_launch(state=State.IN_DOUBT, provider="bitrix24", sent_at=NOON, due_at=NOON)
NO_ANSWER_TO_IT = Refused(code="HTTP 404", meaning="A login.", is_answer=False)


def found(*run_ids: str, outcome: Outcome | None = None) -> Matches:
    return Matches(candidates=tuple(Candidate(run_id=run_id, outcome=outcome) for run_id in run_ids))


def waits_s(reaction: Reaction) -> float | None:
    due_at = reaction.launch.due_at
    return None if due_at is None else (due_at - NOON).total_seconds()


def looked(answer: Matches, around: Surroundings | None = None, launch: Launch = DOUBTFUL) -> Reaction:
    return after_find(launch, answer, around or Surroundings(), MOMENT)


def test_a_lost_start_is_looked_up_soon_where_the_provider_can() -> None:
    lost = possibly_applied(a_launch(state=State.STARTING, provider="bitrix24", sent_at=NOON), "no answer", BITRIX, MOMENT)

    assert waits_s(first_look(lost, can_find=True, moment=MOMENT)) == LOOK_AFTER_S[0]
    assert waits_s(first_look(lost, can_find=False, moment=MOMENT)) is None


def test_exactly_one_free_candidate_is_adopted_and_asked_about_at_once() -> None:
    reaction = looked(found("r1"))

    assert (reaction.launch.state, reaction.launch.run_id, waits_s(reaction)) == (State.RUNNING, "r1", 0)
    assert reaction.event is not None
    assert (reaction.event.kind, reaction.event.actor) == (EventKind.ADOPTED, "gonogo")


def test_a_candidate_that_another_launch_owns_never_counts() -> None:
    alone = looked(found("r1"), Surroundings(bound=frozenset({"r1"})))
    beside = looked(found("r1", "r2"), Surroundings(bound=frozenset({"r1"})))

    assert alone.launch.state is State.IN_DOUBT
    assert beside.launch.run_id == "r2"


def test_several_candidates_go_to_people_who_are_told_once() -> None:
    first = looked(found("r1", "r2"))
    again = looked(found("r1", "r2"), Surroundings(found_before=2), first.launch)

    assert first.launch.state is State.IN_DOUBT
    assert first.event is not None
    assert first.event.facts["run_ids"] == ["r1", "r2"]
    assert again.event is None


def test_none_is_no_news_until_the_last_look() -> None:
    early = looked(found())
    last = looked(found(), launch=a_launch(state=State.IN_DOUBT, looks=len(LOOK_AFTER_S) - 1, due_at=NOON))

    assert early.event is None
    assert last.event is not None
    assert last.event.facts == {"found": 0, "run_ids": [], "is_last": True}
    assert waits_s(last) is None


@pytest.mark.parametrize("is_proof", [False, True])
def test_a_candidate_that_is_not_certain_to_be_ours_goes_to_people_with_what_is_not_known(is_proof: bool) -> None:
    doubtful = Matches(candidates=(Candidate(run_id="r1"),), doubt="Whose it is, nobody tells.")
    first = looked(doubtful, Surroundings(is_proof=is_proof))
    again = looked(doubtful, Surroundings(is_proof=is_proof, found_before=1), first.launch)

    assert (first.launch.state, first.launch.run_id) == (State.IN_DOUBT, None)
    assert first.event is not None
    assert first.event.facts == {"found": 1, "run_ids": ["r1"], "is_last": False, "doubt": "Whose it is, nobody tells."}
    assert (again.event, waits_s(again)) == (None, LOOK_AFTER_S[2])


def test_what_could_not_be_asked_of_a_run_that_is_adopted_is_told_with_it() -> None:
    adopted = looked(Matches(candidates=(Candidate(run_id="r1"),), unverified="The user is not told."))

    assert adopted.launch.run_id == "r1"
    assert adopted.event is not None
    assert "The user is not told." in lines.line(adopted.launch, adopted.event, provider_title="Bitrix24").text


def test_a_candidate_that_is_certain_by_the_next_look_is_adopted() -> None:
    doubtful = looked(Matches(candidates=(Candidate(run_id="r1"),), doubt="Whose it is, nobody tells."))

    assert looked(found("r1"), Surroundings(found_before=1), doubtful.launch).launch.run_id == "r1"


def test_what_could_not_be_told_apart_is_told_with_the_last_look() -> None:
    launch = a_launch(state=State.IN_DOUBT, looks=len(LOOK_AFTER_S) - 1, due_at=NOON)
    last = looked(Matches(candidates=(), doubt="Too little is told about 1 of the runs: r9."), launch=launch)

    assert last.event is not None
    assert last.event.facts["doubt"] == "Too little is told about 1 of the runs: r9."
    assert "r9" in lines.line(last.launch, last.event, provider_title="Domo").text


def test_without_proof_a_candidate_that_a_rival_might_own_is_left_to_people() -> None:
    assert looked(found("r1"), Surroundings(has_rivals=True)).launch.state is State.IN_DOUBT
    assert looked(found("r1"), Surroundings(has_rivals=True, is_proof=True)).launch.state is State.RUNNING


def test_a_candidate_that_tells_its_end_closes_the_launch() -> None:
    reaction = looked(found("500", outcome=Outcome.SUCCEEDED))

    assert (reaction.launch.state, reaction.launch.run_id, waits_s(reaction)) == (State.SUCCEEDED, "500", None)


@pytest.mark.parametrize(
    "answer",
    [
        Unreachable(is_possibly_applied=False, detail="x"),
        Busy(code="429", meaning="x"),
        Refused(code="400", meaning="x"),
        Unauthorised(code="403", meaning="x"),
    ],
)
def test_a_look_that_brought_nothing_is_repeated_with_a_longer_pause(
    answer: Unreachable | Busy | Refused | Unauthorised,
) -> None:
    reaction = after_find(DOUBTFUL, answer, Surroundings(), MOMENT)

    assert (reaction.launch.state, waits_s(reaction), reaction.event) == (State.IN_DOUBT, LOOK_AFTER_S[1], None)


def test_where_nothing_can_be_looked_up_only_people_can_tell() -> None:
    reaction = after_find(DOUBTFUL, Unsupported(meaning="no"), Surroundings(), MOMENT)

    assert (reaction.launch.state, waits_s(reaction)) == (State.IN_DOUBT, None)


def late(answer: StartAnswer, attempts: int = 1) -> Reaction | None:
    """What becomes of a launch in doubt by an answer that comes after all."""
    return late_answer(replace(DOUBTFUL, attempts=attempts), answer, MOMENT)


@pytest.mark.parametrize("attempts", [1, 2])
def test_an_end_that_comes_late_is_kept_as_one_that_comes_in_time(attempts: int) -> None:
    outputs = {"CaseId": "500", "log": "x" * (MOST_OUTPUT_CHARACTERS + 1)}
    answer = Completed(outcome=Outcome.FAILED, code="FLOW_ELEMENT_ERROR", detail="Too deep.", outputs=outputs)
    in_time = after_start(a_launch(state=State.STARTING, sent_at=NOON), answer, BITRIX, MOMENT)
    reaction = late(answer, attempts)

    assert reaction is not None
    assert reaction.event == in_time.event
    assert reaction.event is not None
    assert (reaction.launch.state, reaction.event.facts["code"]) == (State.FAILED, "FLOW_ELEMENT_ERROR")
    assert set(reaction.event.facts["outputs"]) == {"CaseId", "…"}


def test_a_late_refusal_says_that_it_did_not_run_and_names_code_and_scope() -> None:
    locked_out = Unauthorised(code="HTTP 403", meaning="The credential lacks a scope.", scope="bizproc", detail="no")
    reactions = [late(locked_out), late(Refused(code="HTTP 400", meaning="No."), 2), late(NO_ANSWER_TO_IT)]

    assert [
        reaction and (reaction.launch.state, dict(reaction.event.facts if reaction.event else {})) for reaction in reactions
    ] == [
        (State.FAILED, {"code": "HTTP 403", "meaning": "The credential lacks a scope.", "scope": "bizproc", "detail": "no"}),
        (State.FAILED, {"code": "HTTP 400", "meaning": "No."}),
        (State.FAILED, {"code": "HTTP 404", "meaning": "A login."}),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        Unauthorised(code="HTTP 403", meaning="No."),
        NO_ANSWER_TO_IT,
        Busy(code="HTTP 429", meaning="Too many."),
        Unreachable(is_possibly_applied=True, detail="x"),
    ],
)
def test_what_a_late_answer_says_of_a_second_send_only_settles_nothing(answer: StartAnswer) -> None:
    assert late(answer, attempts=2) is None


def test_the_pauses_only_grow_and_looking_ends() -> None:
    assert list(LOOK_AFTER_S) == sorted(LOOK_AFTER_S)
    launch, pauses = DOUBTFUL, 0
    while launch.due_at is not None:
        launch = after_find(launch, found(), Surroundings(), MOMENT).launch
        pauses += 1

    assert pauses == len(LOOK_AFTER_S)


@given(
    st.lists(st.sampled_from("abcd"), unique=True),
    st.frozensets(st.sampled_from("abcd")),
    st.booleans(),
    st.booleans(),
    st.integers(min_value=0, max_value=20),
)
def test_a_run_is_adopted_only_if_it_is_the_one_that_nobody_owns(
    run_ids: list[str], bound: frozenset[str], has_rivals: bool, is_proof: bool, looks: int
) -> None:
    launch = a_launch(state=State.IN_DOUBT, looks=looks, due_at=NOON + timedelta(days=1))
    reaction = looked(found(*run_ids), Surroundings(bound=bound, has_rivals=has_rivals, is_proof=is_proof), launch)
    free = [run_id for run_id in run_ids if run_id not in bound]
    is_certain = len(free) == 1 and (is_proof or not has_rivals)

    assert (reaction.launch.run_id is not None) == is_certain
    assert reaction.launch.run_id not in bound
    assert reaction.launch.state is (State.RUNNING if is_certain else State.IN_DOUBT)
