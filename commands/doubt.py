"""The buttons of a launch in doubt: *It ran* (with its form), *It did not*, *Look again*."""

from __future__ import annotations

from bot.domain.errors import ThreadError
from bot.domain.model import Delivery
from bot.launching import Launching, Refusal, Settled
from bot.surfaces import forms, replies
from bot.surfaces.cards import IT_DID_NOT_ACTION, IT_RAN_ACTION, LOOK_AGAIN_ACTION, read_cancel_value
from bot.surfaces.say import Say
from commands._door import Button, Form


async def it_ran_pressed(launching: Launching, delivery: Delivery) -> Say | None:
    """Ask which run it is."""
    launch_id = await _launch_id(launching, delivery)
    try:
        answer = await launching.ask_for_run(delivery, launch_id)
    except ThreadError:
        return replies.say_problem("form_not_opened", command=launching.command)
    return _told(launching, answer) if answer is not None else None


async def it_ran_sent(launching: Launching, delivery: Delivery) -> Say | None:
    """The form came back with a run."""
    launch_id = await launching.opened_for(delivery)
    if not launch_id:
        return replies.say_problem("form_outdated", command=launching.command)
    return _told(launching, await launching.it_ran(delivery, launch_id, forms.run_id(delivery.text)))


async def it_did_not_pressed(launching: Launching, delivery: Delivery) -> Say | None:
    """Nothing ran."""
    return _told(launching, await launching.it_did_not(delivery, await _launch_id(launching, delivery)))


async def look_again_pressed(launching: Launching, delivery: Delivery) -> Say | None:
    """Look the run up anew."""
    return _told(launching, await launching.look_again(delivery, await _launch_id(launching, delivery)))


async def _launch_id(launching: Launching, delivery: Delivery) -> str:
    launch_id = read_cancel_value(delivery.text) or ""
    await launching.note_card(delivery, launch_id)
    return launch_id


def _told(launching: Launching, answer: Settled | Refusal) -> Say | None:
    """A settled doubt is told in the thread; a refusal to the person alone."""
    if isinstance(answer, Settled):
        return None
    return replies.say_refused(answer.problems, answer.reasons, command=launching.command)


BUTTONS = (
    Button(action_id=IT_RAN_ACTION, run=it_ran_pressed),
    Button(action_id=IT_DID_NOT_ACTION, run=it_did_not_pressed),
    Button(action_id=LOOK_AGAIN_ACTION, run=look_again_pressed),
)
FORMS = (Form(callback_id=forms.RAN_FORM, run=it_ran_sent),)
