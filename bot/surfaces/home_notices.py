"""What an App Home says beside its lists: that it is closed to somebody, and what could not be looked up; and its button's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.model import Reason
from bot.surfaces.escaping import Parts, Strong, plain_text, shorten
from bot.surfaces.say import Say, compose, rich_text, section
from bot.surfaces.words import reason_parts

MOST_TROUBLES = 5
_MOST_TROUBLE = 200
_MOST_SENTENCE = 1500


def closed_home(reasons: Sequence[Reason], *, command: str) -> dict[str, Any]:
    """The view of somebody who can launch nothing: why, and nothing else."""
    heading = {"type": "header", "text": plain_text("Gonogo", 150)}
    return {"type": "home", "blocks": [heading, *(_told(reason_parts(reason, command=command)) for reason in reasons)]}


def with_troubles(view: Mapping[str, Any], troubles: Sequence[str]) -> dict[str, Any]:
    """``view``, which lacks what could not be looked up, and says so at its end."""
    if not troubles:
        return dict(view)
    shown = "; ".join(shorten(trouble, _MOST_TROUBLE) for trouble in troubles[:MOST_TROUBLES])
    more = f" and {len(troubles) - MOST_TROUBLES} more" if len(troubles) > MOST_TROUBLES else ""
    told: Parts = (Strong("This may be incomplete: "), f"{shown}{more}. To look anew, come back to this page.")
    return {**view, "blocks": [*view["blocks"], _told(told)]}


def say_how_to_launch(*, command: str) -> Say:
    """What to type, for who pressed *Launch*."""
    return compose(
        ("A launch is typed in the channel that may do it: ", Strong(f"{command} <connection> <workflow> name=value …")),
        (f"{command} help there shows examples that work, and {command} list what you may launch.",),
    )


def _told(parts: Parts) -> dict[str, Any]:
    return rich_text(section(parts, _MOST_SENTENCE))
