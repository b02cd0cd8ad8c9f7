"""What operators are told in their own channel: what people should not be bothered with, and nobody may miss."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.model import Launch
from bot.surfaces.escaping import Mention, Quoted, Strong
from bot.surfaces.say import Bullets, Say, compose


def say_not_shown(launch: Launch, why: str) -> Say:
    """A launch ended, and its channel could not be told."""
    what = (Strong(launch.launch_id), f" {launch.state.word}: {launch.workflow_label} on {launch.connection}, asked for by ")
    where = ("Its channel ", Quoted(launch.channel_id), " could not show it: ", Quoted(why), ". The requester was told directly.")
    return compose((*what, Mention(launch.requester_id), "."), where)


def say_set_aside(rows: Sequence[str]) -> Say:
    """Rows of the database that cannot be read; the rest goes on."""
    lines = tuple((row,) for row in rows)
    return compose(("Set aside, because it cannot be read; everything else goes on:",), Bullets(lines=lines))
