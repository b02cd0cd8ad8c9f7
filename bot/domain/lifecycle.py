"""Which states a launch passes through, as data, and what each event leaves behind on it.

The drawing in README.md is compared with ``TRANSITIONS`` by a test, so this table is the only place where a state is decided.

Why UNANSWERED keeps STARTING: a start that was possibly applied must never look like one that was not sent, or a cancel would be
told as done while the run goes on. DELAYED is the opposite: it is certain that nothing arrived, so the launch stands as if it had
never been sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from bot.domain.model import Event, EventKind, Json, Launch, State

_GOING_ON = (State.RUNNING, State.NEEDS_ATTENTION)
_ENDINGS = {
    EventKind.SUCCEEDED: State.SUCCEEDED,
    EventKind.FAILED: State.FAILED,
    EventKind.CANCELLED: State.CANCELLED,
    EventKind.ENDED: State.ENDED,
}

TRANSITIONS: Mapping[tuple[State, EventKind], State] = MappingProxyType(
    {
        (State.AWAITING_APPROVAL, EventKind.APPROVED): State.AWAITING_APPROVAL,
        (State.AWAITING_APPROVAL, EventKind.CLEARED): State.QUEUED,
        (State.AWAITING_APPROVAL, EventKind.REJECTED): State.REJECTED,
        (State.AWAITING_APPROVAL, EventKind.REMINDED): State.AWAITING_APPROVAL,
        (State.AWAITING_APPROVAL, EventKind.ESCALATED): State.AWAITING_APPROVAL,
        (State.AWAITING_APPROVAL, EventKind.REOPENED): State.AWAITING_APPROVAL,
        (State.AWAITING_APPROVAL, EventKind.EXPIRED): State.EXPIRED,
        (State.AWAITING_APPROVAL, EventKind.CANCELLED): State.CANCELLED,
        (State.AWAITING_APPROVAL, EventKind.FAILED): State.FAILED,
        (State.QUEUED, EventKind.REOPENED): State.AWAITING_APPROVAL,
        (State.QUEUED, EventKind.DELAYED): State.QUEUED,
        (State.QUEUED, EventKind.STARTING): State.STARTING,
        (State.QUEUED, EventKind.CANCELLED): State.CANCELLED,
        (State.QUEUED, EventKind.FAILED): State.FAILED,
        (State.STARTING, EventKind.STARTING): State.STARTING,
        (State.STARTING, EventKind.DELAYED): State.QUEUED,
        (State.STARTING, EventKind.UNANSWERED): State.STARTING,
        (State.STARTING, EventKind.CANCEL_ASKED): State.STARTING,
        (State.STARTING, EventKind.ACCEPTED): State.RUNNING,
        (State.STARTING, EventKind.LOST): State.IN_DOUBT,
        (State.IN_DOUBT, EventKind.LOOKED_UP): State.IN_DOUBT,
        (State.IN_DOUBT, EventKind.LOOK_ASKED): State.IN_DOUBT,
        (State.IN_DOUBT, EventKind.ADOPTED): State.RUNNING,
        (State.IN_DOUBT, EventKind.SUCCEEDED): State.SUCCEEDED,
        (State.IN_DOUBT, EventKind.FAILED): State.FAILED,
        (State.IN_DOUBT, EventKind.ENDED): State.ENDED,
        (State.RUNNING, EventKind.PAUSED): State.NEEDS_ATTENTION,
        (State.NEEDS_ATTENTION, EventKind.PAUSED): State.NEEDS_ATTENTION,
        (State.NEEDS_ATTENTION, EventKind.RESUMED): State.RUNNING,
        **{
            (state, kind): state
            for state in _GOING_ON
            for kind in (EventKind.PROGRESSED, EventKind.CANCEL_ASKED, EventKind.CANCEL_REFUSED)
        },
        **{(state, kind): ending for state in (State.STARTING, *_GOING_ON) for kind, ending in _ENDINGS.items()},
    },
)


class NoTransitionError(ValueError):
    """The event cannot happen in this state; a fault of the program, never of a person."""


def step(launch: Launch, event: Event) -> Launch:
    """The launch after ``event``. Its version is raised by the store, not here.

    Raises:
        NoTransitionError: ``TRANSITIONS`` has no such step; nothing leaves a final state.
    """
    state = TRANSITIONS.get((launch.state, event.kind))
    if state is None:
        raise NoTransitionError(f"{launch.launch_id}: {event.kind} cannot happen while {launch.state}")
    left_behind = _LEAVES.get(event.kind, _nothing)(launch, event)
    ending = {"due_at": None} if state.is_final else {}
    return replace(launch, state=state, updated_at=event.at, **(left_behind | ending))


def can_happen(launch: Launch, kind: EventKind) -> bool:
    """Whether the table has a step for ``kind`` from where the launch stands."""
    return (launch.state, kind) in TRANSITIONS


def _nothing(_launch: Launch, _event: Event) -> dict[str, Any]:
    return {}


def _sent(launch: Launch, event: Event) -> dict[str, Any]:
    """The first send counts: the provider's idempotency key lives from then on."""
    return {"sent_at": launch.sent_at or event.at, "attempts": launch.attempts + 1}


def _not_sent(_launch: Launch, event: Event) -> dict[str, Any]:
    return {"sent_at": None, "attempts": 0, "detail": _telling(event)}


def _accepted(launch: Launch, event: Event) -> dict[str, Any]:
    return _run_facts(launch, event) | {
        "workflow_version": _known(event, "version", launch.workflow_version),
        "outputs": event.facts.get("outputs") or launch.outputs,
        "detail": None,
        "misses": 0,
    }


def _run_facts(launch: Launch, event: Event) -> dict[str, Any]:
    return {
        "run_id": _known(event, "run_id", launch.run_id),
        "run_url": _known(event, "url", launch.run_url),
        "provider_status": _known(event, "provider_status", launch.provider_status),
    }


def _ended(launch: Launch, event: Event) -> dict[str, Any]:
    outputs = event.facts.get("outputs") or launch.outputs
    return _run_facts(launch, event) | {"outputs": outputs, "detail": _telling(event)}


def _observed(_launch: Launch, event: Event) -> dict[str, Any]:
    return {"provider_status": event.facts.get("provider_status"), "detail": _telling(event)}


def _troubled(_launch: Launch, event: Event) -> dict[str, Any]:
    return {"detail": _telling(event)}


def _cancel_asked(_launch: Launch, event: Event) -> dict[str, Any]:
    return {"cancel_asked_by": event.actor, "is_cancel_sent": False, "misses": 0, "due_at": event.at}


def _cancel_refused(_launch: Launch, _event: Event) -> dict[str, Any]:
    """``detail`` stays what was last observed: what the next look brings is compared with it."""
    return {"cancel_asked_by": None, "is_cancel_sent": False}


def _known(event: Event, fact: str, before: Json) -> Json:
    value = event.facts.get(fact)
    return before if value is None else value


def _lost(_launch: Launch, event: Event) -> dict[str, Any]:
    """Nothing is due unless a look-up is planned; look-ups are counted from here."""
    return {"detail": _telling(event), "looks": 0, "misses": 0, "due_at": None}


def _adopted(launch: Launch, event: Event) -> dict[str, Any]:
    """The run that was found, or named by a person, is ours from now on: ask about it at once."""
    return _run_facts(launch, event) | {"detail": None, "looks": 0, "misses": 0, "due_at": event.at}


def _look_asked(_launch: Launch, event: Event) -> dict[str, Any]:
    return {"looks": 0, "misses": 0, "due_at": event.at}


def _cleared(_launch: Launch, event: Event) -> dict[str, Any]:
    return {"due_at": event.at, "detail": None}


def _rejected(_launch: Launch, event: Event) -> dict[str, Any]:
    return {"detail": _known(event, "reason", None)}


def _reopened(launch: Launch, event: Event) -> dict[str, Any]:
    """Bound anew, and due at once: whoever looks next sees when people are to be reminded."""
    return {"digest": _known(event, "digest", launch.digest), "detail": None, "misses": 0, "due_at": event.at}


def _telling(event: Event) -> str | None:
    """The most telling fact of an event: what people should read beside the state."""
    for fact in ("attention", "meaning", "detail", "progress"):
        if event.facts.get(fact):
            return str(event.facts[fact])
    return None


_LEAVES: Mapping[EventKind, Callable[[Launch, Event], dict[str, Any]]] = MappingProxyType(
    {
        EventKind.CLEARED: _cleared,
        EventKind.REJECTED: _rejected,
        EventKind.REOPENED: _reopened,
        EventKind.STARTING: _sent,
        EventKind.ACCEPTED: _accepted,
        EventKind.DELAYED: _not_sent,
        EventKind.UNANSWERED: _troubled,
        EventKind.LOST: _lost,
        EventKind.LOOKED_UP: _troubled,
        EventKind.LOOK_ASKED: _look_asked,
        EventKind.ADOPTED: _adopted,
        EventKind.PROGRESSED: _observed,
        EventKind.PAUSED: _observed,
        EventKind.RESUMED: _observed,
        EventKind.CANCEL_ASKED: _cancel_asked,
        EventKind.CANCEL_REFUSED: _cancel_refused,
        EventKind.SUCCEEDED: _ended,
        EventKind.FAILED: _ended,
        EventKind.CANCELLED: _ended,
        EventKind.ENDED: _ended,
    },
)
