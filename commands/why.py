"""``/launch why [connection workflow]``: a decision rule by rule, and the button that asks the operators for access."""

from __future__ import annotations

from bot.domain.model import Delivery
from bot.launching import Launching, Refusal
from bot.surfaces import replies, why
from bot.surfaces.place import say_place
from bot.surfaces.say import Say
from commands._door import Button, Subcommand


async def show_why(launching: Launching, delivery: Delivery, arguments: tuple[str, ...]) -> Say | None:
    """Why this person may or may not launch a workflow here; without one, where they stand in this channel."""
    match arguments:
        case ():
            place = await launching.explaining.place(delivery)
            return _refused(launching, place) if isinstance(place, Refusal) else say_place(place, command=launching.command)
        case (connection, workflow):
            answer = await launching.explaining.why(delivery, connection, workflow)
            return _refused(launching, answer) if isinstance(answer, Refusal) else why.say_why(answer, command=launching.command)
        case (_,):
            return replies.say_problem("missing_argument", command=launching.command, word="why", what="the workflow as well")
        case _:
            return replies.say_problem("too_many_arguments", command=launching.command, word="why")


async def access_asked_for(launching: Launching, delivery: Delivery) -> Say | None:
    """Tell the operators who wants what, and the person what came of it."""
    answer = await launching.explaining.ask_for_access(delivery)
    return _refused(launching, answer) if isinstance(answer, Refusal) else why.say_asking(answer, command=launching.command)


def _refused(launching: Launching, refusal: Refusal) -> Say:
    return replies.say_refused(refusal.problems, refusal.reasons, command=launching.command)


SUBCOMMANDS = (
    Subcommand(
        word="why",
        usage="why [connection workflow]",
        summary="why you may or may not launch it here, and who could",
        run=show_why,
    ),
)
BUTTONS = (Button(action_id=why.ASK_ACTION, run=access_asked_for),)
