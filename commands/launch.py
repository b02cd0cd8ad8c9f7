"""``/launch <connection> <workflow> name=value …``: start a workflow. The card in the channel is the answer."""

from __future__ import annotations

from bot.domain.model import Delivery
from bot.launching import Launched, Launching
from bot.surfaces import replies
from bot.surfaces.command_text import LaunchText, read_command
from bot.surfaces.say import Say
from commands._door import LAUNCH, Subcommand


async def launch(launching: Launching, delivery: Delivery, _arguments: tuple[str, ...]) -> Say | None:
    """Launch what was typed; a refusal is told to the requester alone."""
    typed = read_command(delivery.text, subcommands=frozenset())
    if not isinstance(typed, LaunchText):
        return None
    if typed.is_preview:
        return replies.say_problem("not_built_yet", command=launching.command, what="--preview")
    answer = await launching.request(delivery, typed)
    if isinstance(answer, Launched):
        return None
    return replies.say_refused(answer.problems, answer.reasons, command=launching.command, typed=typed)


SUBCOMMANDS = (
    Subcommand(
        word=LAUNCH,
        usage="<connection> <workflow> name=value …",
        summary="launch a workflow; quote values that hold spaces",
        run=launch,
    ),
)
