"""What happened to a launch, in words: a sentence or two per event, for its thread line and for its card.

Why the thread skips some events: what only moves the card (a start on its way, progress, a question asked again) would bury what
matters on a bad day; the card always shows the newest of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from bot.domain.model import Event, EventKind, Json, Launch, State
from bot.surfaces import approving
from bot.surfaces.escaping import Link, Mention, Moment, Part, Parts, Quoted, Strong, merged, safe_url, shorten
from bot.surfaces.no_go import no_longer
from bot.surfaces.say import Say, compose
from bot.surfaces.telling import MOST_VALUE, STOPS, capital, joined, listed, sentence, text

MOST_LABEL = 120

DO_NOT_LAUNCH_AGAIN = "It may have started: do not launch it again before somebody has looked there."
DECIDE = "Whoever may launch it here decides, by the buttons on the card."
_SILENT = frozenset({EventKind.REQUESTED, EventKind.STARTING, EventKind.PROGRESSED})
_WORDS = {
    EventKind.REQUESTED: State.QUEUED.word,
    EventKind.APPROVED: State.AWAITING_APPROVAL.word,
    EventKind.CLEARED: State.QUEUED.word,
    EventKind.REMINDED: State.AWAITING_APPROVAL.word,
    EventKind.ESCALATED: State.AWAITING_APPROVAL.word,
    EventKind.REOPENED: State.AWAITING_APPROVAL.word,
    EventKind.STARTING: State.STARTING.word,
    EventKind.DELAYED: State.QUEUED.word,
    EventKind.UNANSWERED: State.STARTING.word,
    EventKind.ACCEPTED: State.RUNNING.word,
    EventKind.PROGRESSED: State.RUNNING.word,
    EventKind.PAUSED: State.NEEDS_ATTENTION.word,
    EventKind.RESUMED: State.RUNNING.word,
    EventKind.CANCEL_ASKED: "Cancel asked",
    EventKind.CANCEL_REFUSED: "Not cancelled",
    EventKind.LOOKED_UP: State.IN_DOUBT.word,
    EventKind.LOOK_ASKED: State.IN_DOUBT.word,
    EventKind.ADOPTED: State.RUNNING.word,
}
_WITH_RUN = frozenset({EventKind.ACCEPTED, EventKind.PAUSED, EventKind.ADOPTED})
_ENDINGS = {
    EventKind.REJECTED: State.REJECTED.word,
    EventKind.EXPIRED: State.EXPIRED.word,
    EventKind.SUCCEEDED: State.SUCCEEDED.word,
    EventKind.FAILED: State.FAILED.word,
    EventKind.CANCELLED: State.CANCELLED.word,
    EventKind.ENDED: State.ENDED.word,
    EventKind.LOST: State.IN_DOUBT.word,
}


def has_line(event: Event) -> bool:
    """Whether the thread tells it. A look-up is told when it found something, or was the last.

    A request is told when it calls approvers, and when it is about a message: then the thread leads there.
    """
    if event.kind is EventKind.REQUESTED:
        return asks_approval(event) or safe_url(event.facts.get("about")) is not None
    if event.kind is EventKind.LOOKED_UP:
        return bool(event.facts.get("found") or event.facts.get("is_last"))
    return event.kind not in _SILENT


def asks_approval(event: Event) -> bool:
    """Whether this is a request that others must agree to: its fact ``needs_approval``."""
    return event.kind is EventKind.REQUESTED and event.facts.get("needs_approval") is True


def line(launch: Launch, event: Event, *, provider_title: str) -> Say:
    """One thread line; the last one names the outcome, outputs, and the run's id and address."""
    scene = _Scene(launch=launch, event=event, facts=event.facts, provider=provider_title)
    told_of = _TELLERS[event.kind](scene)
    if event.kind not in _ENDINGS:
        where = run(launch, event, provider_title) if event.kind in _WITH_RUN else ()
        word = State.AWAITING_APPROVAL.word if asks_approval(event) else _WORDS[event.kind]
        return compose((Strong(word), ": ", *joined(told_of, where)))
    head = (Strong(_ENDINGS[event.kind]), f": {shorten(launch.workflow_label, MOST_LABEL)}.")
    where = run(launch, event, provider_title)
    return compose(head, *(part for part in (told_of, where) if part), *listed("Outputs:", _outputs(launch, event)))


def told(launch: Launch, event: Event, provider_title: str) -> Parts:
    """What happened, without state word, outputs and run."""
    return capital(_TELLERS[event.kind](_Scene(launch=launch, event=event, facts=event.facts, provider=provider_title)))


def run(launch: Launch, event: Event | None, provider_title: str) -> Parts:
    """The run's id and the way to it; nothing while there is no run."""
    facts: Mapping[str, Json] = event.facts if event else {}
    run_id = text(facts.get("run_id") or launch.run_id)
    url = safe_url(facts.get("url")) or safe_url(launch.run_url)
    link: Parts = (Link(url=url, label=f"Open in {provider_title}"),) if url else ()
    return joined(("Run ", Quoted(shorten(run_id, MOST_VALUE)), ".") if run_id else (), link)


@dataclass(frozen=True, kw_only=True)
class _Scene:
    """One event of one launch at one provider."""

    launch: Launch
    event: Event
    facts: Mapping[str, Json]
    provider: str


def _requested(scene: _Scene) -> Parts:
    url = safe_url(scene.facts.get("about"))
    about: Parts = (Link(url=url, label="the message that it is about"),) if url else ()
    return joined(approving.asked_for(scene.launch) if asks_approval(scene.event) else ("It starts in a moment.",), about)


def _starting(scene: _Scene) -> Parts:
    return (f"The start is on its way to {scene.provider}.",)


def _delayed(scene: _Scene) -> Parts:
    if scene.facts.get("is_ours") is True:
        return joined(("What the start depends on could not be learnt yet.",), _detail(scene), _retry(scene))
    return joined(_why(scene, f"{scene.provider} could not take it yet."), _retry(scene))


def _unanswered(scene: _Scene) -> Parts:
    again = (
        "It may have started: do not launch it again. The same start is sent again under its key, which cannot make it run twice."
    )
    return joined((f"{scene.provider} gave no readable answer.", f" {again}"), _said(scene))


def _accepted(scene: _Scene) -> Parts:
    status = _fact(scene, "provider_status")
    said: Parts = (" (it says ", Quoted(status), ")") if status else ()
    return merged((f"started at {scene.provider}", *said, "."))


def _progressed(scene: _Scene) -> Parts:
    return joined(sentence(_fact(scene, "progress")), _reported(scene))


def _paused(scene: _Scene) -> Parts:
    paused = f"It is paused at {scene.provider}: somebody has to look there."
    return joined(sentence(_fact(scene, "attention")) or (paused,), _reported(scene))


def _resumed(scene: _Scene) -> Parts:
    return joined(("It goes on.",), _reported(scene))


def _cancel_asked(scene: _Scene) -> Parts:
    return ("by ", Mention(scene.event.actor), f"; {scene.provider} is asked to stop the run.")


def _cancel_refused(scene: _Scene) -> Parts:
    if scene.facts.get("is_unanswered"):
        return (f"{scene.provider} did not answer the wish to stop; whether it stops is not known.",)
    return joined(_why(scene, f"{scene.provider} did not stop it."), ("The run goes on.",))


def _succeeded(scene: _Scene) -> Parts:
    return _said(scene)


def _failed(scene: _Scene) -> Parts:
    if scene.facts.get("said_not_run"):
        return (Mention(scene.event.actor), " says that it did not run.")
    if scene.facts.get("is_unsent"):
        return joined((f"It could not be started at {scene.provider} within a day; nothing ran.",), _why(scene, ""))
    reasons = no_longer(scene.launch.requester_id, scene.event)
    return joined(_why(scene, f"{scene.provider} says that it failed."), _lacking(scene), reasons)


def _cancelled(scene: _Scene) -> Parts:
    if scene.launch.sent_at is None:
        return (Mention(scene.event.actor), " cancelled it before it was sent; nothing ran.")
    asked_by = scene.launch.cancel_asked_by
    asked: Parts = (", as ", Mention(asked_by), " asked") if asked_by else ()
    return joined((f"{scene.provider} stopped the run", *asked, "."), _said(scene))


def _ended(scene: _Scene) -> Parts:
    ended = f"{scene.provider} no longer runs it and does not tell how it went: please look at what it should have done."
    return joined((ended,), _said(scene))


def _lost(scene: _Scene) -> Parts:
    return joined((f"Whether {scene.provider} started it is not known. {DO_NOT_LAUNCH_AGAIN}",), _said(scene))


def _looked_up(scene: _Scene) -> Parts:
    """What a look-up left to people, and why the provider's word is not enough."""
    found, doubt = event_ids(scene.event), sentence(_fact(scene, "doubt"))
    unanswered = _fact(scene, "unanswered")
    if unanswered:
        return (
            f"{scene.provider} could not be asked whether it ran, and is not asked any more: ",
            Quoted(unanswered),
            f". {DECIDE}",
        )
    if not found:
        none = "shows none that is certainly this one" if doubt else "shows no run that could be this one"
        return joined((f"{scene.provider} {none}, which does not prove that it never ran.",), doubt, (DECIDE,))
    shown: list[Part] = [part for run_id in found for part in (Quoted(shorten(run_id, MOST_VALUE)), ", ")]
    return joined((f"{scene.provider} shows {len(found)} that could be it: ", *shown[:-1], "."), doubt, (DECIDE,))


def event_ids(event: Event) -> list[str]:
    """The runs that a look-up found."""
    run_ids = event.facts.get("run_ids")
    return [str(run_id) for run_id in cast("list[Any]", run_ids)] if isinstance(run_ids, list | tuple) else []


def _look_asked(scene: _Scene) -> Parts:
    return (Mention(scene.event.actor), " asked to look again.")


def _adopted(scene: _Scene) -> Parts:
    is_found = scene.event.actor == "gonogo"
    unverified = _fact(scene, "unverified")
    found: Parts = (f"Found at {scene.provider}: it did start, once.",)
    said: Parts = found if is_found else (Mention(scene.event.actor), " says that it ran.")
    return joined(said, sentence(f"That could not be checked: {unverified}") if unverified else ())


def _why(scene: _Scene, otherwise: str) -> Parts:
    """Our sentence for it, the provider's own word, then the provider's own text."""
    code = _fact(scene, "code")
    return joined(sentence(_fact(scene, "meaning")) or (otherwise,), ("Code ", Quoted(code), ".") if code else (), _detail(scene))


def _detail(scene: _Scene) -> Parts:
    detail = _fact(scene, "detail")
    if not detail or detail == _fact(scene, "meaning"):
        return ()
    return ("Detail: ", Quoted(detail)) if detail.endswith(STOPS) else ("Detail: ", Quoted(detail), ".")


def _said(scene: _Scene) -> Parts:
    """Our sentence for it, then the provider's own text."""
    return joined(sentence(_fact(scene, "meaning")), _detail(scene))


def _lacking(scene: _Scene) -> Parts:
    scope = _fact(scene, "scope")
    lacks: Parts = ("The credential of ", Quoted(scene.launch.connection), " lacks the scope ", Quoted(scope), ":")
    return (*lacks, " whoever runs Gonogo here has to mend that; launching again does not.") if scope else ()


def _reported(scene: _Scene) -> Parts:
    """The provider's own word for the run, verbatim."""
    status = _fact(scene, "provider_status")
    return (f"{scene.provider} reports ", Quoted(status), ".") if status else ()


def _retry(scene: _Scene) -> Parts:
    try:
        return ("Next try: ", Moment(datetime.fromisoformat(_fact(scene, "retry_at"))), ".")
    except ValueError:
        return ("It is tried again by itself.",)


def _outputs(launch: Launch, event: Event) -> Mapping[str, Json]:
    outputs = event.facts.get("outputs")
    return cast("Mapping[str, Json]", outputs) if isinstance(outputs, Mapping) else launch.outputs


def _fact(scene: _Scene, name: str) -> str:
    return text(scene.facts.get(name))


_TELLERS: Mapping[EventKind, Callable[[_Scene], Parts]] = {
    EventKind.REQUESTED: _requested,
    EventKind.APPROVED: lambda scene: approving.approved(scene.event),
    EventKind.CLEARED: lambda scene: approving.cleared(scene.event),
    EventKind.REJECTED: lambda scene: approving.rejected(scene.event),
    EventKind.REMINDED: lambda scene: approving.reminded(scene.launch, scene.event),
    EventKind.ESCALATED: lambda scene: approving.escalated(scene.launch, scene.event),
    EventKind.EXPIRED: lambda scene: approving.expired(scene.launch, scene.event),
    EventKind.REOPENED: lambda scene: approving.reopened(scene.launch, scene.event),
    EventKind.STARTING: _starting,
    EventKind.DELAYED: _delayed,
    EventKind.UNANSWERED: _unanswered,
    EventKind.ACCEPTED: _accepted,
    EventKind.PROGRESSED: _progressed,
    EventKind.PAUSED: _paused,
    EventKind.RESUMED: _resumed,
    EventKind.CANCEL_ASKED: _cancel_asked,
    EventKind.CANCEL_REFUSED: _cancel_refused,
    EventKind.SUCCEEDED: _succeeded,
    EventKind.FAILED: _failed,
    EventKind.CANCELLED: _cancelled,
    EventKind.ENDED: _ended,
    EventKind.LOST: _lost,
    EventKind.LOOKED_UP: _looked_up,
    EventKind.LOOK_ASKED: _look_asked,
    EventKind.ADOPTED: _adopted,
}
