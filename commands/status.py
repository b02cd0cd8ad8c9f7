"""``/launch status [id]``: one launch, or the recent ones of this channel."""

from __future__ import annotations

from bot.domain.model import Delivery
from bot.launching import Launching, Refusal
from bot.surfaces import replies
from bot.surfaces.command_text import launch_id_typed
from bot.surfaces.say import Say
from commands._door import Subcommand


async def status(launching: Launching, delivery: Delivery, arguments: tuple[str, ...]) -> Say | None:
    """The state and history of one launch, or the states of the newest."""
    if len(arguments) > 1:
        return replies.say_problem("too_many_arguments", command=launching.command, word="status")
    if arguments:
        return await _one(launching, delivery, launch_id_typed(arguments[0]))
    answer = await launching.recent(delivery)
    if isinstance(answer, Refusal):
        return replies.say_refused(answer.problems, answer.reasons, command=launching.command)
    return replies.say_recent(tuple(story.launch for story in answer), command=launching.command)


async def _one(launching: Launching, delivery: Delivery, launch_id: str) -> Say:
    answer = await launching.story(delivery, launch_id)
    if isinstance(answer, Refusal):
        return replies.say_refused(answer.problems, answer.reasons, command=launching.command)
    return replies.say_status(answer.launch, answer.events, provider_title=answer.provider_title)


SUBCOMMANDS = (
    Subcommand(
        word="status",
        usage="status [id]",
        summary="one launch, or the recent ones of this channel",
        run=status,
    ),
)
