"""``/launch help``: what can be typed, with examples that work in this channel."""

from __future__ import annotations

import asyncio

import commands
from bot.domain.model import Delivery
from bot.launching import Launching, Refusal
from bot.surfaces import replies
from bot.surfaces.say import Say
from commands._door import Subcommand

EXAMPLES = 3


async def show_help(launching: Launching, delivery: Delivery, _arguments: tuple[str, ...]) -> Say | None:
    """Usage of every subcommand, and examples made from what this person may launch here."""
    usages = tuple((entry.usage, entry.summary) for entry in commands.load().subcommands.values())
    answer = await launching.launchable(delivery)
    if isinstance(answer, Refusal):
        return replies.say_help(usages, (), answer.reasons, command=launching.command)
    pairs = [(one.connection, workflow) for one in answer for workflow in one.workflows[:1]][:EXAMPLES]
    inputs = await asyncio.gather(*(launching.inputs_of(connection, workflow) for connection, workflow in pairs))
    examples = tuple((pair[0].name, pair[1], specs) for pair, specs in zip(pairs, inputs, strict=True))
    return replies.say_help(usages, examples, (), command=launching.command)


SUBCOMMANDS = (
    Subcommand(
        word="help",
        usage="help",
        summary="this help, with examples that work in this channel",
        run=show_help,
    ),
)
