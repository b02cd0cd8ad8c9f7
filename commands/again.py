"""``/launch again <id>`` and the card's *Launch again* button: the form, filled in as then, under today's policy."""

from __future__ import annotations

from bot.domain.model import Delivery
from bot.launching import Launching, Refusal
from bot.surfaces import replies
from bot.surfaces.again import say_again
from bot.surfaces.cards import AGAIN_ACTION, read_cancel_value
from bot.surfaces.command_text import launch_id_typed
from bot.surfaces.say import Say
from commands._door import Button, Subcommand


async def again_typed(launching: Launching, delivery: Delivery, arguments: tuple[str, ...]) -> Say | None:
    """Launch again what was named."""
    match arguments:
        case (launch_id,):
            return await _again(launching, delivery, launch_id_typed(launch_id))
        case ():
            return replies.say_problem("missing_argument", command=launching.command, word="again", what="the launch id")
        case _:
            return replies.say_problem("too_many_arguments", command=launching.command, word="again")


async def again_pressed(launching: Launching, delivery: Delivery) -> Say | None:
    """Launch again what the card is about."""
    launch_id = read_cancel_value(delivery.text)
    return await _again(launching, delivery, launch_id) if launch_id else None


async def _again(launching: Launching, delivery: Delivery, launch_id: str) -> Say | None:
    answer = await launching.again(delivery, launch_id)
    if answer is None:
        return None
    if isinstance(answer, Refusal):
        return replies.say_refused(answer.problems, answer.reasons, command=launching.command)
    return say_again(answer.launch.launch_id, answer.text, answer.differences, command=launching.command)


SUBCOMMANDS = (
    Subcommand(
        word="again",
        usage="again <id>",
        summary="the form again with the inputs of a launch that is over",
        run=again_typed,
    ),
)
BUTTONS = (Button(action_id=AGAIN_ACTION, run=again_pressed),)
