"""``/launch cancel <id>`` and the card's *Cancel* button: one use case behind both."""

from __future__ import annotations

from bot.domain.model import Delivery
from bot.launching import Launching, Refusal
from bot.surfaces import replies
from bot.surfaces.cards import CANCEL_ACTION, read_cancel_value
from bot.surfaces.command_text import launch_id_typed
from bot.surfaces.say import Say
from commands._door import Button, Subcommand


async def cancel_typed(launching: Launching, delivery: Delivery, arguments: tuple[str, ...]) -> Say | None:
    """Stop the launch that was named."""
    match arguments:
        case (launch_id,):
            return await _cancel(launching, delivery, launch_id_typed(launch_id))
        case ():
            return replies.say_problem("missing_argument", command=launching.command, word="cancel", what="the launch id")
        case _:
            return replies.say_problem("too_many_arguments", command=launching.command, word="cancel")


async def cancel_pressed(launching: Launching, delivery: Delivery) -> Say | None:
    """Stop the launch whose card the button stands on."""
    launch_id = read_cancel_value(delivery.text)
    return await _cancel(launching, delivery, launch_id) if launch_id else None


async def _cancel(launching: Launching, delivery: Delivery, launch_id: str) -> Say | None:
    answer = await launching.cancel(delivery, launch_id)
    if isinstance(answer, Refusal):
        return replies.say_refused(answer.problems, answer.reasons, command=launching.command)
    return replies.say_cancel_taken(answer.launch, is_repeated=answer.is_repeated)


SUBCOMMANDS = (
    Subcommand(
        word="cancel",
        usage="cancel <id>",
        summary="stop a launch",
        run=cancel_typed,
    ),
)
BUTTONS = (Button(action_id=CANCEL_ACTION, run=cancel_pressed),)
