"""The card of a launch: one message, updated in place, that always shows the newest state; and the words of its thread.

``text`` holds, in this order, state word, workflow, connection, launch id and requester, then why and where: a screen reader
reads it and no block. The blocks repeat it for eyes.

Why every ``block_id`` carries the launch's version: Slack asks for new ones when a message changes
(https://docs.slack.dev/reference/block-kit/blocks), and the version changes exactly then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.approval_terms import terms_of
from bot.domain.model import Event, EventKind, Launch, State
from bot.surfaces import approving
from bot.surfaces.escaping import MOST_TEXT, Mention, Moment, Parts, as_text, plain_text, safe_url, shorten, size
from bot.surfaces.lines import DO_NOT_LAUNCH_AGAIN, MOST_LABEL, has_line, line, run, told
from bot.surfaces.say import Paragraph, Say, compose
from bot.surfaces.telling import MOST_NAME, MOST_TOLD, joined, listed

__all__ = [
    "AGAIN_ACTION",
    "APPROVE_ACTION",
    "CANCEL_ACTION",
    "OPEN_ACTION",
    "REJECT_ACTION",
    "approval_buttons",
    "cancel_value",
    "card",
    "has_line",
    "line",
    "read_cancel_value",
]

CANCEL_ACTION = "launch_cancel"
AGAIN_ACTION = "launch_again"
OPEN_ACTION = "launch_open"
"""A button with an address: Slack opens it and still tells us of the click, which needs an acknowledgement and nothing else."""

APPROVE_ACTION = "approval_approve"
REJECT_ACTION = "approval_reject"
MOST_FIELD = 300
MOST_INPUTS = 200
"""Inputs that approvers are shown: all of them, as far as any card can."""
_LAUNCH_ID = re.compile("L-[0-9A-Z]{4,12}")
_UNSENT = frozenset({State.AWAITING_APPROVAL, State.QUEUED})
_CANCELLABLE = frozenset({State.QUEUED, State.RUNNING, State.NEEDS_ATTENTION})
_SIGNS = {
    State.AWAITING_APPROVAL: "⏳",
    State.QUEUED: "🕒",
    State.STARTING: "🚀",
    State.RUNNING: "🔵",
    State.NEEDS_ATTENTION: "✋",
    State.SUCCEEDED: "✅",
    State.FAILED: "❌",
    State.CANCELLED: "🚫",
    State.REJECTED: "⛔",
    State.EXPIRED: "⌛",
    State.ENDED: "🏁",
    State.IN_DOUBT: "⚠️",
}
_TOLD_BY: Mapping[State, frozenset[EventKind]] = {
    State.QUEUED: frozenset({EventKind.REQUESTED, EventKind.CLEARED, EventKind.DELAYED}),
    State.STARTING: frozenset({EventKind.STARTING, EventKind.UNANSWERED}),
    State.RUNNING: frozenset(
        {EventKind.ACCEPTED, EventKind.PROGRESSED, EventKind.RESUMED, EventKind.CANCEL_REFUSED, EventKind.ADOPTED}
    ),
    State.NEEDS_ATTENTION: frozenset({EventKind.PAUSED, EventKind.CANCEL_REFUSED}),
    State.SUCCEEDED: frozenset({EventKind.SUCCEEDED}),
    State.FAILED: frozenset({EventKind.FAILED}),
    State.CANCELLED: frozenset({EventKind.CANCELLED}),
    State.ENDED: frozenset({EventKind.ENDED}),
    State.REJECTED: frozenset({EventKind.REJECTED}),
    State.EXPIRED: frozenset({EventKind.EXPIRED}),
    State.IN_DOUBT: frozenset({EventKind.LOST, EventKind.LOOKED_UP, EventKind.LOOK_ASKED}),
}
_WITHOUT_EVENT = {
    State.REJECTED: "It was not approved; nothing ran.",
    State.EXPIRED: "Nobody decided in time; nothing ran.",
    State.IN_DOUBT: DO_NOT_LAUNCH_AGAIN,
}


IT_RAN_ACTION = "doubt_ran"
IT_DID_NOT_ACTION = "doubt_did_not_run"
LOOK_AGAIN_ACTION = "doubt_look_again"


def cancel_value(launch: Launch) -> str:
    """What the Cancel button carries: the opaque launch id and nothing else."""
    return launch.launch_id


def read_cancel_value(value: str) -> str | None:
    """The launch id that a click brings back; None for anything else. It is a hint: whoever clicked is judged anew."""
    return value if _LAUNCH_ID.fullmatch(value) else None


def card(
    launch: Launch,
    events: tuple[Event, ...],
    *,
    provider_title: str,
    can_cancel: bool,
    may_mention: bool = False,
    most: int = MOST_TEXT,
) -> Say:
    """The card as the launch stands now, its text at most ``most`` long. ``can_cancel``: the provider can stop a run.

    ``may_mention``: mentioning approvers notifies nobody here, as in an update, or an answer to one person.
    """
    head = as_text(_headline(launch))
    told = (
        _awaiting(launch, events, may_mention=may_mention)
        if _is_awaiting(launch)
        else _paragraphs(launch, events, provider_title)
    )
    below = compose(*told, most=most - size(head) - 1)
    buttons = list(_buttons(launch, provider_title, can_cancel=can_cancel))
    actions = [{"type": "actions", "elements": buttons}] if buttons else []
    blocks = [_header(launch), _facts(launch, provider_title), *below.blocks, _times(launch), *actions]
    named = ({**block, "block_id": f"{launch.launch_id}.{launch.version}.{place}"} for place, block in enumerate(blocks))
    return Say(text=f"{head}\n{below.text}".rstrip(), blocks=tuple(named))


def _headline(launch: Launch) -> Parts:
    workflow, connection = shorten(launch.workflow_label, MOST_LABEL), shorten(launch.connection, MOST_NAME)
    named = f"{launch.state.word}: {workflow} on {connection}, {launch.launch_id}, asked for by "
    return (named, Mention(launch.requester_id), ".")


def _paragraphs(launch: Launch, events: tuple[Event, ...], provider_title: str) -> Iterator[Paragraph]:
    kinds = _TOLD_BY.get(launch.state, frozenset())
    event = next((event for event in reversed(events) if event.kind in kinds), None)
    newest = told(launch, event, provider_title) if event else _without_event(launch)
    story = joined(newest, _cancel_asked(launch))
    agreed = approving.decided(events) if event is None or event.kind is not EventKind.CLEARED else ()
    yield from filter(None, (story, run(launch, event, provider_title), agreed))
    yield from listed("Inputs:", launch.inputs)
    yield from listed("Outputs:", launch.outputs)


def _is_awaiting(launch: Launch) -> bool:
    return launch.state is State.AWAITING_APPROVAL


def _awaiting(launch: Launch, events: tuple[Event, ...], *, may_mention: bool) -> Iterator[Paragraph]:
    """All that approvers need to decide, and all of it also for those who only hear it."""
    yield from approving.standing(launch, events, may_mention=may_mention)
    yield (f"Workflow: {shorten(_workflow(launch), MOST_FIELD)}.",)
    yield from listed("Inputs:", launch.inputs, most=MOST_INPUTS) or (("It takes no inputs.",),)
    yield from approving.differing(terms_of(launch).since)


def _without_event(launch: Launch) -> Parts:
    """A state whose story is not at hand (a later release's, or a restored database) still says what it means."""
    words = _WITHOUT_EVENT.get(launch.state) or launch.detail
    return (shorten(words, MOST_TOLD),) if words else ()


def _cancel_asked(launch: Launch) -> Parts:
    if launch.cancel_asked_by is None or launch.state.is_final:
        return ()
    return (Mention(launch.cancel_asked_by), " asked to cancel it.")


def _header(launch: Launch) -> dict[str, Any]:
    return {"type": "header", "text": plain_text(f"{_SIGNS[launch.state]} {launch.state.word}: {launch.workflow_label}", 150)}


def _facts(launch: Launch, provider_title: str) -> dict[str, Any]:
    """Four facts in two columns: Slack fills them row by row."""
    rows = (
        ("Connection", plain_text(f"{launch.connection} ({provider_title})", MOST_FIELD)),
        ("Workflow", plain_text(_workflow(launch), MOST_FIELD)),
        ("Launch", plain_text(launch.launch_id, MOST_FIELD)),
        ("Asked for by", _mrkdwn(as_text((Mention(launch.requester_id),)))),
    )
    return {"type": "section", "fields": [part for name, value in rows for part in (_mrkdwn(f"*{name}*"), value)]}


def _workflow(launch: Launch) -> str:
    named = f"{launch.workflow_name} ({launch.workflow_id})" if launch.workflow_name else launch.workflow_id
    return f"{named}, version {launch.workflow_version}" if launch.workflow_version else named


def _times(launch: Launch) -> dict[str, Any]:
    times: Parts = ("Asked for ", Moment(launch.created_at), ", as of ", Moment(launch.updated_at))
    return {"type": "context", "elements": [_mrkdwn(as_text(times))]}


def _buttons(launch: Launch, provider_title: str, *, can_cancel: bool) -> Iterator[dict[str, Any]]:
    url = safe_url(launch.run_url)
    if url:
        yield {"type": "button", "action_id": OPEN_ACTION, "text": plain_text(f"Open in {provider_title}", 75), "url": url}
    if _is_awaiting(launch):
        yield from approval_buttons(launch, provider_title)
    is_ours_to_stop = launch.state in _UNSENT or (can_cancel and launch.state in _CANCELLABLE)
    if is_ours_to_stop and launch.cancel_asked_by is None:
        yield _cancel_button(launch, provider_title)
    if launch.state is State.IN_DOUBT:
        yield from _doubt_buttons(launch, provider_title)
    if launch.state.is_final:
        yield _button(AGAIN_ACTION, "Launch again", launch)


def approval_buttons(launch: Launch, provider_title: str) -> tuple[dict[str, Any], ...]:
    """Approve and Reject. Where the rule says so, Approve asks once more, naming target and effect."""
    effect = f"Once enough people agree, it starts at {shorten(provider_title, MOST_NAME)}, and what it does there is real."
    confirm = {
        "title": plain_text("Approve this launch?", 100),
        "text": plain_text(f"{_target(launch)}. {effect}", 300),
        "confirm": plain_text("Approve", 30),
        "deny": plain_text("Not yet", 30),
    }
    approve = {**_button(APPROVE_ACTION, "Approve", launch), "style": "primary"}
    reject = {**_button(REJECT_ACTION, "Reject", launch), "style": "danger"}
    return ({**approve, "confirm": confirm} if terms_of(launch).confirm else approve, reject)


def _target(launch: Launch) -> str:
    return f"{shorten(launch.workflow_label, 100)} on {shorten(launch.connection, 60)} ({launch.launch_id})"


def _doubt_buttons(launch: Launch, provider_title: str) -> Iterator[dict[str, Any]]:
    """What a look-up cannot settle, people do."""
    warning = (
        f"Only if you looked at {provider_title} and it is certain that nothing ran: {launch.launch_id} then counts as failed."
    )
    confirm = {
        "title": plain_text("Did it not run?", 100),
        "text": plain_text(warning, 300),
        "confirm": plain_text("It did not", 30),
        "deny": plain_text("Not sure", 30),
        "style": "danger",
    }
    yield _button(IT_RAN_ACTION, "It ran", launch)
    yield {**_button(IT_DID_NOT_ACTION, "It did not", launch), "style": "danger", "confirm": confirm}
    yield _button(LOOK_AGAIN_ACTION, "Look again", launch)


def _button(action_id: str, label: str, launch: Launch) -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": action_id,
        "text": plain_text(label, 75),
        "accessibility_label": f"{label}: {launch.launch_id}",
        "value": cancel_value(launch),
    }


def _cancel_button(launch: Launch, provider_title: str) -> dict[str, Any]:
    target = _target(launch)
    is_unsent = launch.state in _UNSENT
    act = "This cancels" if is_unsent else f"This asks {provider_title} to stop"
    effect = "Nothing was sent yet." if is_unsent else "What it has done so far stays done."
    confirm = {
        "title": plain_text("Cancel this launch?", 100),
        "text": plain_text(f"{act} {target}. {effect}", 300),
        "confirm": plain_text("Cancel it", 30),
        "deny": plain_text("Keep it", 30),
        "style": "danger",
    }
    return {
        "type": "button",
        "action_id": CANCEL_ACTION,
        "text": plain_text("Cancel", 75),
        "accessibility_label": f"Cancel {launch.launch_id}",
        "value": cancel_value(launch),
        "style": "danger",
        "confirm": confirm,
    }


def _mrkdwn(text: str) -> dict[str, Any]:
    """Only for text that this program made: ``verbatim`` keeps Slack from linking what looks like a name."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}
