"""What operators are told when the configuration is read anew: what changed, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.surfaces.escaping import Parts, Quoted, Strong
from bot.surfaces.say import Bullets, Say, compose

MOST_FAULTS = 15
MOST_CHANGES = 20
_DIGEST = 12


def say_reloaded(changes: Sequence[str], digest: str, *, restart: Sequence[str], warnings: int) -> Say:
    """What is in force now. ``restart``: settings that changed and that a running bot does not take up."""
    more = f", and {len(changes) - MOST_CHANGES} more" if len(changes) > MOST_CHANGES else ""
    told = ", ".join(changes[:MOST_CHANGES]) + more or "nothing that can change while Gonogo runs"
    line: Parts = (Strong("Configuration reloaded"), f": {told}. Policy ", Quoted(digest[:_DIGEST]), ".")
    if restart:
        line = (*line, f" Restart Gonogo for {' and '.join(restart)}: until then the old stands.")
    if warnings:
        line = (*line, f" {warnings} warning{'s' if warnings > 1 else ''}: gonogo check shows them.")
    return compose(line)


def say_configuration_refused(faults: Sequence[str]) -> Say:
    """The changed configuration is faulty: the old one stays in force."""
    more: tuple[Parts, ...] = ((f"and {len(faults) - MOST_FAULTS} more",),) if len(faults) > MOST_FAULTS else ()
    lines = (*((fault,) for fault in faults[:MOST_FAULTS]), *more)
    told: Parts = (Strong("Configuration refused"), ": it was changed and is faulty, so the one before stays in force.")
    return compose(told, *([Bullets(lines=lines)] if lines else []))
