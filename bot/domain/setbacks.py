"""What is made of a launch, or of telling about it, when something stands in the way: no connection, no answer, no Slack.

Pure, as ``reactions`` is: that module reads what a provider answered, this one what could not even be asked, or said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache

from bot.domain.errors import ThreadError
from bot.domain.grants import fingerprint
from bot.domain.lifecycle import step
from bot.domain.model import Connection, Event, EventKind, Json, Launch, Reason, State
from bot.domain.reactions import Reaction

CONNECTION_AGAIN_AFTER = timedelta(minutes=5)
PUT_OFF_MOST = timedelta(minutes=10)
TELL_AGAIN_FIRST_S = 1.0
TELL_AGAIN_MOST_S = 300.0


def without_connection(launch: Launch, now: datetime) -> Reaction:
    """What a launch comes to whose connection the configuration no longer has.

    What was not sent fails, what was possibly sent is in doubt. What runs needs attention once, and is looked at every few
    minutes in case the connection is back.
    """
    meaning = f"The connection {launch.connection} is no longer configured."
    if launch.state is State.QUEUED:
        return _happened(launch, Event(launch_id=launch.launch_id, kind=EventKind.FAILED, at=now, facts={"meaning": meaning}))
    if launch.state is State.STARTING:
        return _happened(launch, Event(launch_id=launch.launch_id, kind=EventKind.LOST, at=now, facts={"detail": meaning}))
    later = replace(launch, due_at=now + CONNECTION_AGAIN_AFTER)
    if launch.state is not State.RUNNING:
        return Reaction(launch=later)
    known = {} if launch.provider_status is None else {"provider_status": launch.provider_status}
    facts = {"attention": meaning, **known}
    return _happened(later, Event(launch_id=launch.launch_id, kind=EventKind.PAUSED, at=now, facts=facts))


def unwanted(launch: Launch, now: datetime) -> Reaction:
    """A start that was certainly not applied, and that somebody asked to stop, does not happen."""
    actor = launch.cancel_asked_by or "gonogo"
    return _happened(launch, Event(launch_id=launch.launch_id, kind=EventKind.CANCELLED, at=now, actor=actor))


def no_longer_allowed(launch: Launch, reasons: Sequence[Reason], now: datetime) -> Reaction:
    """What allowed a launch that was not sent does so no longer: it fails, and nothing runs."""
    codes = [reason.code for reason in reasons]
    told = [{"code": reason.code, **reason.facts} for reason in reasons]
    facts: dict[str, Json] = {"meaning": "It is no longer allowed, so it was not started.", "codes": codes, "reasons": told}
    return _happened(launch, Event(launch_id=launch.launch_id, kind=EventKind.FAILED, at=now, facts=facts))


def no_longer_needed(launch: Launch, now: datetime) -> Reaction:
    """Policy no longer asks for anybody's approval: the launch goes on."""
    return _happened(launch, Event(launch_id=launch.launch_id, kind=EventKind.CLEARED, at=now, facts={"unneeded": True}))


def put_off(launch: Launch, detail: str, now: datetime, *, again_after: timedelta) -> Reaction:
    """A fact that the start depends on could not be learnt: later, ever more slowly, and the first time it is told."""
    waiting = replace(launch, misses=launch.misses + 1)
    if launch.misses:
        pause = min(again_after * 2 ** min(launch.misses, 10), PUT_OFF_MOST)
        return Reaction(launch=replace(waiting, due_at=now + pause))
    event = Event(launch_id=launch.launch_id, kind=EventKind.DELAYED, at=now, facts={"detail": detail, "is_ours": True})
    return Reaction(launch=replace(step(waiting, event), due_at=now + again_after), event=event)


def sent_elsewhere(launch: Launch, now: datetime) -> Reaction:
    """The connection leads elsewhere now, where our key is unknown: whether the first start was applied is in doubt."""
    detail = "The connection leads to another address or credential than the start was sent with, so it was not sent again."
    return _happened(launch, Event(launch_id=launch.launch_id, kind=EventKind.LOST, at=now, facts={"detail": detail}))


def place_of(connection: Connection) -> str:
    """Where a call over this connection arrives, and as whom: a key counts there and nowhere else."""
    return _place(connection.base_url, connection.credential_mark)


@lru_cache(maxsize=256)
def _place(base_url: str, credential_mark: str) -> str:
    """Remembered, as every start over a connection asks for it."""
    return fingerprint([base_url, credential_mark])


def was_sent_there(connection: Connection, events: Sequence[Event]) -> bool:
    """Whether the start that may have been applied went where a second one would go: a reload may have turned the connection."""
    sent = next((event for event in reversed(events) if event.kind is EventKind.STARTING), None)
    return sent is None or sent.facts.get("place") in {None, place_of(connection)}


def is_repeated(launch: Launch, event: Event) -> bool:
    """A start that is delayed, or left unanswered, for the second time running: the thread has said so already.

    ``launch`` is as the event left it: the miss that the event tells of is counted.
    """
    return event.kind in {EventKind.DELAYED, EventKind.UNANSWERED} and launch.misses > 1


def found_before(events: Sequence[Event]) -> int | None:
    """How many candidates the last look-up brought that was worth telling; None before the first, or once people asked anew."""
    for event in reversed(events):
        if event.kind is EventKind.LOOKED_UP:
            return int(event.facts.get("found", 0))
        if event.kind in {EventKind.LOST, EventKind.LOOK_ASKED}:
            return None
    return None


def tell_again_s(error: ThreadError, attempts: int) -> float:
    """Seconds until something is told again that Slack did not take: its own wait where it gave one, else ever longer.

    Where the channel takes nothing any more (``is_permanent``) the longest wait: the end is still to come, and is then told to the
    requester. ``attempts`` counts those that failed before this one.
    """
    if error.is_permanent:
        return TELL_AGAIN_MOST_S
    return error.retry_after_s or min(TELL_AGAIN_FIRST_S * 2 ** min(attempts, 20), TELL_AGAIN_MOST_S)


def _happened(launch: Launch, event: Event) -> Reaction:
    return Reaction(launch=step(launch, event), event=event)
