"""Words for a launch that is to be launched again: what is different by now, and the command where no form could be opened."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.model import Problem
from bot.surfaces.command_text import MOST_TYPED
from bot.surfaces.escaping import MOST_TEXT, Quoted, escape, literal, size
from bot.surfaces.say import Bullets, Paragraph, Say, compose
from bot.surfaces.words import problem_parts

_ROOM = 1000
"""Characters that the words around a command take at most."""
_MOST_TOLD = 15


def say_again(launch_id: str, typed: str, differences: Sequence[Problem], *, command: str) -> Say:
    """How to launch it again by a command. One that could not be copied whole is not shown at all."""
    shown = f"{command} {typed}"
    heading = f"The form could not be opened here. To launch {launch_id} again, type:"
    tried: tuple[Paragraph, ...] = ((heading,), (Quoted(shown),))
    if not _is_copied_whole(shown):
        words = f"The form could not be opened here, and the inputs of {launch_id} do not fit a command: press Launch again on its card."
        tried = ((words,),)
    lines = tuple(problem_parts(one, command=command) for one in differences[:_MOST_TOLD])
    more = ((f"and {len(differences) - _MOST_TOLD} more",),) if len(differences) > _MOST_TOLD else ()
    told: tuple[Paragraph, ...] = (("What is different by now:",), Bullets(lines=(*lines, *more))) if lines else ()
    return compose(*tried, *told)


def _is_copied_whole(shown: str) -> bool:
    """Whether what people copy is what is meant: shown in full, on one line, no character of it replaced."""
    escaped = escape(shown)
    fits = size(escaped) <= MOST_TEXT - _ROOM and len(shown) <= MOST_TYPED
    return fits and "…" not in shown and "\n" not in shown and literal(shown) == escaped
