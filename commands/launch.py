"""``/launch <connection> <workflow> name=value …``: start a workflow. The card in the channel is the answer."""

from __future__ import annotations

import structlog

from bot.domain.errors import ThreadError
from bot.domain.model import Delivery
from bot.launching import Launched, Launching, Refusal
from bot.surfaces import replies
from bot.surfaces.command_text import LaunchText, read_command
from bot.surfaces.preview import say_preview
from bot.surfaces.say import Say
from commands._door import LAUNCH, Subcommand

_log = structlog.get_logger("gonogo.launch")


async def launch(launching: Launching, delivery: Delivery, _arguments: tuple[str, ...]) -> Say | None:
    """Launch what was typed; a refusal is told to the requester alone."""
    typed = read_command(delivery.text, subcommands=frozenset())
    if not isinstance(typed, LaunchText):
        return None
    if typed.is_preview:
        return await _previewed(launching, delivery, typed)
    answer = await launching.request(delivery, typed)
    if isinstance(answer, Launched):
        return None
    if _only_lacks_inputs(answer):
        await _open_form(launching, delivery, typed)
    return replies.say_refused(answer.problems, answer.reasons, command=launching.command, typed=typed)


def _only_lacks_inputs(refusal: Refusal) -> bool:
    """Whether nothing is wrong but that required inputs were not typed, which a form can ask for."""
    return not refusal.reasons and {problem.code for problem in refusal.problems} == {"missing_input"}


async def _open_form(launching: Launching, delivery: Delivery, typed: LaunchText) -> None:
    """Open the form with what was typed in it, where it can be; what is missing is told in any case, and stays when it is closed."""
    try:
        await launching.filling.open(delivery, connection=typed.connection, workflow=typed.workflow, given=dict(typed.inputs))
    except ThreadError as error:
        _log.info("form_not_opened", delivery=delivery.key, error=error.code)


async def _previewed(launching: Launching, delivery: Delivery, typed: LaunchText) -> Say:
    preview = await launching.explaining.preview(delivery, typed)
    if isinstance(preview, Refusal):
        return replies.say_refused(preview.problems, preview.reasons, command=launching.command, typed=typed)
    return say_preview(preview, command=launching.command)


SUBCOMMANDS = (
    Subcommand(
        word=LAUNCH,
        usage="<connection> <workflow> name=value …",
        summary="launch a workflow; quote values that hold spaces",
        run=launch,
    ),
)
