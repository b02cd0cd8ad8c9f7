"""How a doubt is settled: look-ups with growing pauses, and what each one means.

A candidate that another launch already owns never counts. Exactly one is adopted; none or several go to people, and one of which the
provider does not tell enough. Where a candidate carries no proof that it is this launch's (no name, no correlation), one that another
doubtful launch might own is not adopted.

Why looking ends by itself: a run that has not appeared after hours will not; only people can say what became of it.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from bot.domain.lifecycle import step
from bot.domain.model import Event, EventKind, Json, Launch
from bot.domain.provider import (
    Accepted,
    Busy,
    Candidate,
    Completed,
    FindAnswer,
    Matches,
    Outcome,
    Refused,
    StartAnswer,
    Trouble,
    Unauthorised,
    Unreachable,
    Unsupported,
)
from bot.domain.reactions import LONGEST_WAIT_S, Moment, Reaction, ended_facts, is_settled_by, trouble_facts

LOOK_AFTER_S = (2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
"""Pauses before each look-up: a run may appear late, and more rarely the later it is."""
RIVALS_WITHIN = timedelta(minutes=20)
"""Starts of the same workflow that were lost this close to each other could be taken for one another."""

_ENDS = {
    Outcome.SUCCEEDED: EventKind.SUCCEEDED,
    Outcome.FAILED: EventKind.FAILED,
    Outcome.CANCELLED: EventKind.ENDED,
    Outcome.ENDED: EventKind.ENDED,
}


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a look-up is judged by: runs that other launches own, whether rivals are in doubt, and what the last look found."""

    bound: AbstractSet[str] = frozenset()
    has_rivals: bool = False
    is_proof: bool = False
    found_before: int | None = None


def first_look(reaction: Reaction, *, can_find: bool, moment: Moment) -> Reaction:
    """After a start was lost: plan the first look-up, where there is one."""
    if reaction.event is None or reaction.event.kind is not EventKind.LOST or not can_find:
        return reaction
    return _look_later(reaction, moment)


def after_find(launch: Launch, answer: FindAnswer, around: Surroundings, moment: Moment) -> Reaction:
    """What a look-up means. ``launch`` is in IN_DOUBT."""
    looked = replace(launch, looks=launch.looks + 1)
    match answer:
        case Matches():
            return _judged(looked, answer, around, moment)
        case Unsupported():
            return Reaction(launch=replace(looked, due_at=None))
        case Refused() | Unauthorised() | Busy() | Unreachable():
            return _unanswered(looked, answer, moment)
        case _:
            assert_never(answer)


def _unanswered(launch: Launch, answer: Trouble, moment: Moment) -> Reaction:
    """A look that brought nothing; after the last one people are told that looking has ended, and why."""
    wait_s = (answer.retry_after_s or 0.0) if isinstance(answer, Busy) else 0.0
    if launch.looks < len(LOOK_AFTER_S):
        return _look_later(Reaction(launch=launch), moment, at_least_s=wait_s)
    why = answer.detail if isinstance(answer, Unreachable) else answer.meaning
    facts: dict[str, Json] = {"found": 0, "is_last": True, "unanswered": why}
    return _look_later(_happened(launch, EventKind.LOOKED_UP, facts, moment), moment)


def late_answer(launch: Launch, answer: StartAnswer, moment: Moment) -> Reaction | None:
    """An answer that came after the launch was called in doubt; None where it settles nothing.

    A start that was busy or did not get through stays in doubt although it did not run: nobody starts again what was in doubt.
    """
    match answer:
        case Accepted():
            facts: dict[str, Json] = {"run_id": answer.run_id, "provider_status": answer.provider_status}
            return _happened(launch, EventKind.ADOPTED, facts, moment)
        case Completed():
            return _happened(launch, _ENDS[answer.outcome], ended_facts(launch, answer), moment)
        case Refused() | Unauthorised() if is_settled_by(launch, answer):
            return _happened(launch, EventKind.FAILED, trouble_facts(answer), moment)
        case Refused() | Unauthorised() | Busy() | Unreachable():
            return None
        case _:
            assert_never(answer)


def _judged(launch: Launch, answer: Matches, around: Surroundings, moment: Moment) -> Reaction:
    free = [candidate for candidate in answer.candidates if candidate.run_id not in around.bound]
    if len(free) == 1 and answer.doubt is None and (around.is_proof or not around.has_rivals):
        return _adopted(launch, free[0], answer.unverified, moment)
    is_last = launch.looks >= len(LOOK_AFTER_S)
    if len(free) == (around.found_before or 0) and not is_last:
        return _look_later(Reaction(launch=launch), moment)
    facts: dict[str, Json] = {"found": len(free), "run_ids": [one.run_id for one in free[:10]], "is_last": is_last}
    looked_up = _happened(launch, EventKind.LOOKED_UP, facts | {"doubt": answer.doubt}, moment)
    return _look_later(looked_up, moment)


def _adopted(launch: Launch, candidate: Candidate, unverified: str | None, moment: Moment) -> Reaction:
    facts: dict[str, Json] = {"run_id": candidate.run_id, "provider_status": candidate.provider_status, "unverified": unverified}
    if candidate.outcome is None:
        return _happened(launch, EventKind.ADOPTED, facts, moment)
    told = {"detail": "The answer to the start was lost; the run was found afterwards, without its outputs."}
    return _happened(launch, _ENDS[candidate.outcome], facts | told, moment)


def _happened(launch: Launch, kind: EventKind, facts: dict[str, Json], moment: Moment) -> Reaction:
    known = {name: value for name, value in facts.items() if value is not None}
    event = Event(launch_id=launch.launch_id, kind=kind, at=moment.now, facts=known)
    return Reaction(launch=step(launch, event), event=event)


def _look_later(reaction: Reaction, moment: Moment, *, at_least_s: float = 0.0) -> Reaction:
    """The next pause of the plan, or the provider's own wait; after the last one nothing is due but people."""
    looks = reaction.launch.looks
    if looks >= len(LOOK_AFTER_S):
        return replace(reaction, launch=replace(reaction.launch, due_at=None))
    wait_s = max(LOOK_AFTER_S[looks] * (1 + 0.1 * moment.jitter), min(at_least_s, LONGEST_WAIT_S))
    due_at = moment.now + timedelta(seconds=wait_s)
    return replace(reaction, launch=replace(reaction.launch, due_at=due_at))
