"""Yes and no to a launch that waits: *Approve* and *Reject* on card and Home, ``/launch approve`` and ``/launch reject``."""

from __future__ import annotations

from bot.domain.errors import ThreadError
from bot.domain.model import Delivery
from bot.launching import Decided, Launching, Refusal
from bot.surfaces import forms, replies
from bot.surfaces.cards import APPROVE_ACTION, REJECT_ACTION, read_cancel_value
from bot.surfaces.command_text import launch_id_typed
from bot.surfaces.say import Say
from commands._door import Button, Form, Subcommand

WHAT = "the launch id"


async def approve_typed(launching: Launching, delivery: Delivery, arguments: tuple[str, ...]) -> Say | None:
    """Agree to the launch that was named."""
    match arguments:
        case (launch_id,):
            answer = await launching.approve(delivery, launch_id_typed(launch_id))
            return _answered(launching, answer)
        case ():
            return replies.say_problem("missing_argument", command=launching.command, word="approve", what=WHAT)
        case _:
            return replies.say_problem("too_many_arguments", command=launching.command, word="approve")


async def reject_typed(launching: Launching, delivery: Delivery, arguments: tuple[str, ...]) -> Say | None:
    """Reject the launch that was named; what follows its id is the reason."""
    match arguments:
        case (launch_id, first, *more):
            reason = " ".join((first, *more))
            answer = await launching.reject(delivery, launch_id_typed(launch_id), reason)
            return _answered(launching, answer)
        case (_,):
            return replies.say_problem("missing_argument", command=launching.command, word="reject", what="the reason")
        case _:
            return replies.say_problem("missing_argument", command=launching.command, word="reject", what=WHAT)


async def approve_pressed(launching: Launching, delivery: Delivery) -> Say | None:
    """Agree to the launch whose card the button stands on."""
    return _told(launching, await launching.approve(delivery, await _launch_id(launching, delivery)))


async def reject_pressed(launching: Launching, delivery: Delivery) -> Say | None:
    """Ask why not."""
    try:
        answer = await launching.ask_for_reason(delivery, await _launch_id(launching, delivery))
    except ThreadError:
        return replies.say_problem("form_not_opened", command=launching.command)
    return _told(launching, answer)


async def reject_sent(launching: Launching, delivery: Delivery) -> Say | None:
    """The form came back with a reason."""
    launch_id = await launching.opened_for(delivery)
    if not launch_id:
        return replies.say_problem("form_outdated", command=launching.command)
    return _told(launching, await launching.reject(delivery, launch_id, forms.reason(delivery.text)))


async def _launch_id(launching: Launching, delivery: Delivery) -> str:
    launch_id = read_cancel_value(delivery.text) or ""
    await launching.note_card(delivery, launch_id)
    return launch_id


def _told(launching: Launching, answer: Decided | Refusal | None) -> Say | None:
    """A decision is told in the thread; a refusal, and what happened instead of a decision, to the person alone."""
    if answer is None or (isinstance(answer, Decided) and answer.is_counted):
        return None
    return _answered(launching, answer)


def _answered(launching: Launching, answer: Decided | Refusal) -> Say:
    if isinstance(answer, Refusal):
        return replies.say_refused(answer.problems, answer.reasons, command=launching.command)
    return replies.say_decision_taken(answer.launch, answer.event)


SUBCOMMANDS = (
    Subcommand(word="approve", usage="approve <id>", summary="agree to a launch that waits", run=approve_typed),
    Subcommand(word="reject", usage="reject <id> <reason>", summary="reject a launch that waits", run=reject_typed),
)
BUTTONS = (
    Button(action_id=APPROVE_ACTION, run=approve_pressed),
    Button(action_id=REJECT_ACTION, run=reject_pressed),
)
FORMS = (Form(callback_id=forms.REJECT_FORM, run=reject_sent),)
