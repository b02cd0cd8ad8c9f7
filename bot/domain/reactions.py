"""What an answer of a provider means for a launch: which event happened, and when to act next.

Pure: the time and the draw of the lot come in. A ``Reaction`` without an event only moves the due time.

Why tracking never gives up by itself: a launch whose run cannot be asked about is not over. After some misses people are told
that it needs attention, and the asking goes on, ever more slowly. A wish to stop gives up: nobody tracks while it is repeated.

Why a second send is judged differently: "busy" or "not accepted" then speaks of that send only. The first one may be at work. So
does a refusal that is not the provider's answer to the start: a login's, a proxy's, or ours that nothing was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from bot.domain.lifecycle import step
from bot.domain.model import Event, EventKind, Json, Launch, State
from bot.domain.pacing import Plan
from bot.domain.provider import (
    Accepted,
    Busy,
    CancelAnswer,
    Completed,
    Observed,
    Outcome,
    Provider,
    Refused,
    StartAnswer,
    Stopping,
    TrackAnswer,
    Trouble,
    Unauthorised,
    Unreachable,
    Unsupported,
)

LOOKS_GROW_BY = 1.5
MOST_BACK_OFF_S = 900.0
FIRST_BACK_OFF_S = 2.0
MISSES_BEFORE_ATTENTION = 5
MOST_OUTPUT_CHARACTERS = 20_000
STARTS_WAIT_AT_MOST = timedelta(hours=24)
LONGEST_WAIT_S = 86_400.0
KEY_MARGIN = timedelta(minutes=30)

_ENDS = {
    Outcome.SUCCEEDED: EventKind.SUCCEEDED,
    Outcome.FAILED: EventKind.FAILED,
    Outcome.CANCELLED: EventKind.CANCELLED,
    Outcome.ENDED: EventKind.ENDED,
}


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When we decide, how the lot fell (0 up to 1), and how often this connection is asked (seconds; None: as advised).

    ``plan``: when runs of this workflow are asked about; None where their durations are not known.
    """

    now: datetime
    jitter: float = 0.0
    poll_every_s: float | None = None
    plan: Plan | None = None


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """The launch as it stands after an answer, and the event that made it so (None: nothing that people need to know)."""

    launch: Launch
    event: Event | None = None


def after_start(launch: Launch, answer: StartAnswer, provider: Provider, moment: Moment) -> Reaction:
    """What the answer to a start means. ``launch`` is in STARTING."""
    match answer:
        case Accepted():
            accepted = _happened(launch, EventKind.ACCEPTED, moment, _accepted_facts(answer))
            return _look_again(accepted, provider, moment)
        case Completed():
            return _ended(launch, answer, moment)
        case Refused() | Unauthorised() if is_settled_by(launch, answer):
            return _happened(launch, EventKind.FAILED, moment, trouble_facts(answer))
        case Busy() | Unreachable(is_possibly_applied=False) if launch.attempts <= 1:
            return _delayed(launch, answer, moment)
        case Refused() | Unauthorised() | Busy() | Unreachable():
            return possibly_applied(launch, _trouble_words(answer), provider, moment, retry_after_s=_named_wait_s(answer))
        case _:
            assert_never(answer)


def is_settled_by(launch: Launch, answer: Refused | Unauthorised) -> bool:
    """Whether a refused start certainly did not run: nothing was sent before, or the refusal is the answer to that as well.

    Whoever honours the key gives the first answer again, so where the start itself is refused the first was refused, too.
    """
    return launch.attempts <= 1 or (isinstance(answer, Refused) and answer.is_answer)


def possibly_applied(launch: Launch, detail: str, provider: Provider, moment: Moment, *, retry_after_s: float = 0.0) -> Reaction:
    """A start whose answer was lost: sent again under the same key while the provider honours it, else in doubt."""
    if not is_resendable(launch, provider, moment.now):
        return _happened(launch, EventKind.LOST, moment, {"detail": detail})
    unanswered = _happened(launch, EventKind.UNANSWERED, moment, {"detail": detail})
    wait_s = max(retry_after_s, _back_off_s(launch.misses, moment))
    return _due(replace(unanswered, launch=_missed(unanswered.launch)), wait_s, moment)


def is_resendable(launch: Launch, provider: Provider, now: datetime) -> bool:
    """Whether the same start may be sent again: only within the time in which the provider remembers its key."""
    if provider.resend_window_s is None or launch.sent_at is None:
        return False
    return now < launch.sent_at + timedelta(seconds=provider.resend_window_s) - KEY_MARGIN


def after_track(launch: Launch, answer: TrackAnswer, provider: Provider, moment: Moment) -> Reaction:
    """What the answer about a run means. ``launch`` is in RUNNING or NEEDS_ATTENTION."""
    seen = replace(launch, looks=launch.looks + 1)
    match answer:
        case Observed():
            return _look_again(_observed(replace(seen, misses=0), answer, moment), provider, moment)
        case Completed():
            return _ended(seen, answer, moment)
        case Busy():
            return _ask_later(Reaction(launch=_missed(seen)), answer, provider, moment)
        case Refused() | Unauthorised() | Unreachable():
            return _ask_later(_missing(seen, answer, moment), answer, provider, moment)
        case _:
            assert_never(answer)


def after_cancel(launch: Launch, answer: CancelAnswer, provider: Provider, moment: Moment) -> Reaction:
    """What the answer to a cancel means. Asking twice is harmless at every provider, so a lost answer asks again, some times."""
    taken = Reaction(launch=replace(launch, is_cancel_sent=True, looks=0))
    match answer:
        case Completed():
            return _ended(launch, answer, moment)
        case Busy() | Unreachable():
            return _stop_again(launch, answer, provider, moment)
        case Stopping():
            reaction = taken
        case Refused() if launch.misses:
            # Said after a stop whose answer was lost: the first may have been taken, and the next look shows which it was.
            reaction = taken
        case Unsupported():
            reaction = _happened(launch, EventKind.CANCEL_REFUSED, moment, {"meaning": answer.meaning})
        case Refused() | Unauthorised():
            reaction = _happened(launch, EventKind.CANCEL_REFUSED, moment, trouble_facts(answer))
        case _:
            assert_never(answer)
    return _look_again(reaction, provider, moment)


def _stop_again(launch: Launch, answer: Busy | Unreachable, provider: Provider, moment: Moment) -> Reaction:
    missed = _missed(launch)
    if missed.misses < MISSES_BEFORE_ATTENTION:
        wait_s = max(_named_wait_s(answer), _back_off_s(launch.misses, moment))
        return _due(Reaction(launch=missed), wait_s, moment)
    facts = {**trouble_facts(answer), "is_unanswered": True}
    return _look_again(_happened(missed, EventKind.CANCEL_REFUSED, moment, facts), provider, moment)


def next_look_s(launch: Launch, provider: Provider, moment: Moment) -> float:
    """Seconds until the run is asked about next: never sooner than configured or advised; the lot only adds.

    A plan is for what runs undisturbed: not for a run that is paused, or that was asked to stop.
    """
    if (
        moment.plan is not None
        and launch.state is State.RUNNING
        and launch.sent_at is not None
        and launch.cancel_asked_by is None
    ):
        elapsed_s = max((moment.now - launch.sent_at).total_seconds(), 0.0)
        return moment.plan.pause_s(elapsed_s) + 0.1 * moment.jitter * moment.plan.even_s
    if moment.poll_every_s is not None:
        return moment.poll_every_s * (1 + 0.1 * moment.jitter)
    grown_s = provider.pace.first_s * LOOKS_GROW_BY ** min(launch.looks, 40)
    return min(grown_s, provider.pace.most_s) * (1 + 0.1 * moment.jitter)


def _accepted_facts(answer: Accepted) -> dict[str, Json]:
    return {
        "run_id": answer.run_id,
        "provider_status": answer.provider_status,
        "version": answer.version,
        "outputs": dict(answer.outputs) or None,
    }


def trouble_facts(answer: Trouble) -> dict[str, Json]:
    """The facts of an answer that brought nothing, as an event keeps them."""
    match answer:
        case Unreachable():
            return {"detail": answer.detail}
        case Busy():
            return {"code": answer.code, "meaning": answer.meaning}
        case Unauthorised():
            return {"code": answer.code, "meaning": answer.meaning, "scope": answer.scope, "detail": answer.detail}
        case Refused():
            return {"code": answer.code, "meaning": answer.meaning, "detail": answer.detail}
        case _:
            assert_never(answer)


def _trouble_words(answer: Trouble) -> str:
    return answer.detail if isinstance(answer, Unreachable) else f"{answer.meaning} ({answer.code})"


def _named_wait_s(answer: Trouble) -> float:
    """How long the provider told us to wait; 0 where it did not say."""
    return (answer.retry_after_s or 0.0) if isinstance(answer, Busy) else 0.0


def _happened(launch: Launch, kind: EventKind, moment: Moment, facts: Mapping[str, Json]) -> Reaction:
    known = {name: value for name, value in facts.items() if value is not None}
    event = Event(launch_id=launch.launch_id, kind=kind, at=moment.now, facts=known)
    return Reaction(launch=step(launch, event), event=event)


def _ended(launch: Launch, answer: Completed, moment: Moment) -> Reaction:
    return _happened(launch, _ENDS[answer.outcome], moment, ended_facts(launch, answer))


def ended_facts(launch: Launch, answer: Completed) -> dict[str, Json]:
    """The facts of an end, as an event keeps them."""
    return {
        "run_id": answer.run_id or launch.run_id,
        "provider_status": answer.provider_status,
        "outputs": _kept_outputs(answer.outputs) or None,
        "code": answer.code,
        "detail": answer.detail,
    }


def _kept_outputs(outputs: Mapping[str, Json]) -> dict[str, Json]:
    """What is stored and shown of outputs: a run may bring megabytes, which belong where the link leads."""
    kept: dict[str, Json] = {}
    room = MOST_OUTPUT_CHARACTERS
    for name, value in outputs.items():
        room -= len(name) + len(str(value))
        if room < 0:
            return {**kept, "…": "more than is kept here"}
        kept[name] = value
    return kept


def _observed(launch: Launch, answer: Observed, moment: Moment) -> Reaction:
    """Only what changed is an event: a run that is asked about a thousand times must not write a thousand rows."""
    facts = {"provider_status": answer.provider_status, "attention": answer.attention, "progress": answer.progress}
    if answer.attention is None and launch.state is State.NEEDS_ATTENTION:
        return _happened(launch, EventKind.RESUMED, moment, facts)
    if answer.attention is not None and (launch.state is State.RUNNING or answer.attention != launch.detail):
        return _happened(launch, EventKind.PAUSED, moment, facts)
    if (answer.provider_status, answer.attention or answer.progress) != (launch.provider_status, launch.detail):
        return _happened(launch, EventKind.PROGRESSED, moment, facts)
    return Reaction(launch=launch)


def _missing(launch: Launch, answer: Refused | Unauthorised | Unreachable, moment: Moment) -> Reaction:
    """A look that brought nothing: people are told when it goes on, and at once where only an operator can help."""
    missed = _missed(launch)
    is_time = isinstance(answer, Unauthorised) or missed.misses >= MISSES_BEFORE_ATTENTION
    if not is_time or launch.state is not State.RUNNING:
        return Reaction(launch=missed)
    why = answer.detail if isinstance(answer, Unreachable) else answer.meaning
    facts = trouble_facts(answer) | {"attention": why, "provider_status": launch.provider_status}
    return _happened(missed, EventKind.PAUSED, moment, facts)


def _ask_later(reaction: Reaction, answer: Trouble, provider: Provider, moment: Moment) -> Reaction:
    """After a look that brought nothing: ever more slowly, and never sooner than after one that did."""
    back_off_s = _back_off_s(reaction.launch.misses - 1, moment)
    return _due(reaction, max(_named_wait_s(answer), back_off_s, next_look_s(reaction.launch, provider, moment)), moment)


def _delayed(launch: Launch, answer: Busy | Unreachable, moment: Moment) -> Reaction:
    """Certainly not applied: queued again, unless it is to stop; after a day of that it has failed, and certainly did not run."""
    facts = trouble_facts(answer)
    if launch.cancel_asked_by is not None:
        cancelled = Event(launch_id=launch.launch_id, kind=EventKind.CANCELLED, at=moment.now, actor=launch.cancel_asked_by)
        return Reaction(launch=replace(step(launch, cancelled), sent_at=None, attempts=0), event=cancelled)
    if moment.now - launch.created_at >= STARTS_WAIT_AT_MOST:
        return _happened(launch, EventKind.FAILED, moment, {**facts, "is_unsent": True})
    wait_s = max(_named_wait_s(answer), _back_off_s(launch.misses, moment))
    delayed = _happened(launch, EventKind.DELAYED, moment, {**facts, "retry_at": _after(wait_s, moment).isoformat()})
    return _due(replace(delayed, launch=_missed(delayed.launch)), wait_s, moment)


def _missed(launch: Launch) -> Launch:
    return replace(launch, misses=launch.misses + 1)


def _back_off_s(misses: int, moment: Moment) -> float:
    return float(min(FIRST_BACK_OFF_S * 2 ** min(misses, 20), MOST_BACK_OFF_S) * (1 + 0.25 * moment.jitter))


def _look_again(reaction: Reaction, provider: Provider, moment: Moment) -> Reaction:
    return _due(reaction, next_look_s(reaction.launch, provider, moment), moment)


def _due(reaction: Reaction, wait_s: float, moment: Moment) -> Reaction:
    """Due after ``wait_s``; a launch that is over, or waits for people, is never due."""
    if reaction.launch.state.is_final or reaction.launch.state is State.IN_DOUBT:
        return reaction
    return replace(reaction, launch=replace(reaction.launch, due_at=_after(wait_s, moment)))


def _after(wait_s: float, moment: Moment) -> datetime:
    """A provider may name a wait of a thousand years; a day is as good."""
    return moment.now + timedelta(seconds=min(wait_s, LONGEST_WAIT_S))
