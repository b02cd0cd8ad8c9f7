"""What is told of the form beside it: that it could not be opened, where to open it, and what came of it once it is closed."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.model import Launch, Reason
from bot.surfaces.escaping import Parts, Quoted, Strong
from bot.surfaces.say import Say, compose
from bot.surfaces.words import reason_parts


def say_not_opened(*, command: str) -> Say:
    """Slack did not open it: the press is too long ago, or Slack is away."""
    typed = f"{command} <connection> <workflow> name=value …"
    return compose(
        ("The form could not be opened in time: please try again. Or type it: ", Strong(typed), f" ({command} help shows how).")
    )


def say_elsewhere(reasons: Sequence[Reason], channels: Sequence[str], *, command: str) -> Say:
    """Nothing can be launched where somebody asked; where they could."""
    told = [reason_parts(reason, command=command) for reason in reasons]
    where: Parts = ("You may launch in ", *_named(channels), ".") if channels else ()
    return compose(*told, *([where] if where else []))


def say_outdated(*, command: str) -> Say:
    """The form is of another person, or of a time of which nothing is known any more."""
    return compose((f"This form can no longer be used, and nothing was launched: open a new one with {command}.",))


def say_unconfirmed(*, command: str) -> Say:
    """The call could not be shown to whoever wanted to see it first: the form was closed, or the bot stopped."""
    told = "You wanted to see the call first, and the form was gone before it could be shown: nothing was launched."
    return compose((f"{told} Please fill in the form again: {command}.",))


def say_launched(launch: Launch) -> Say:
    """It is launched, for who waited in the form: the card is the answer."""
    return compose(
        (Strong(launch.launch_id), "  ", Quoted(launch.workflow_label), " is launched: its card stands in the channel.")
    )


def say_nowhere() -> Say:
    """There is no channel in which this person could launch anything."""
    return compose(("There is no channel in which you may launch anything. Whoever runs Gonogo here can grant it.",))


def _named(channels: Sequence[str]) -> Parts:
    return tuple(part for place, name in enumerate(channels) for part in ((", " if place else ""), Strong(f"#{name}")) if part)
