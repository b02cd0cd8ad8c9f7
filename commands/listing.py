"""``/launch list [connection]``: what this person may launch in this channel."""

from __future__ import annotations

from bot.domain.model import Delivery
from bot.launching import Launching, Refusal
from bot.surfaces import replies
from bot.surfaces.say import Say
from commands._door import Subcommand


async def list_launchable(launching: Launching, delivery: Delivery, arguments: tuple[str, ...]) -> Say | None:
    """Workflows by connection."""
    if len(arguments) > 1:
        return replies.say_problem("too_many_arguments", command=launching.command, word="list")
    answer = await launching.launchable(delivery, arguments[0] if arguments else None)
    if isinstance(answer, Refusal):
        return replies.say_refused(answer.problems, answer.reasons, command=launching.command)
    rows = tuple((one.connection.name, one.provider_title, one.workflows, one.trouble) for one in answer)
    return replies.say_list(rows, command=launching.command)


SUBCOMMANDS = (
    Subcommand(
        word="list",
        usage="list [connection]",
        summary="what you may launch in this channel",
        run=list_launchable,
    ),
)
