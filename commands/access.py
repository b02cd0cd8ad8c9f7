"""``/launch access [connection]``: this channel's grants beside what each credential really holds."""

from __future__ import annotations

from bot.domain.model import Delivery
from bot.launching import Launching, Refusal
from bot.surfaces import replies
from bot.surfaces.access import say_access
from bot.surfaces.say import Say
from commands._door import Subcommand


async def show_access(launching: Launching, delivery: Delivery, arguments: tuple[str, ...]) -> Say | None:
    """Grants, held scopes, drift and freezes, to members of the channel."""
    if len(arguments) > 1:
        return replies.say_problem("too_many_arguments", command=launching.command, word="access")
    answer = await launching.explaining.access(delivery, arguments[0] if arguments else None)
    if isinstance(answer, Refusal):
        return replies.say_refused(answer.problems, answer.reasons, command=launching.command)
    return say_access(answer, command=launching.command)


SUBCOMMANDS = (
    Subcommand(
        word="access",
        usage="access [connection]",
        summary="what this channel may launch, beside what the credentials hold",
        run=show_access,
    ),
)
