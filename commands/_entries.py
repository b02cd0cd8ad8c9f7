"""What a file of this folder may answer to: subcommands, buttons, forms, and what Slack tells by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.domain.model import Delivery
from bot.launching import Launching
from bot.surfaces.say import Say

Typed: TypeAlias = Callable[[Launching, Delivery, tuple[str, ...]], Awaitable[Say | None]]
Clicked: TypeAlias = Callable[[Launching, Delivery], Awaitable[Say | None]]
Wanted: TypeAlias = Callable[[Mapping[str, Any]], bool]
LAUNCH = ""
"""The word of the subcommand that launches: none is typed."""


@dataclass(frozen=True, kw_only=True)
class Subcommand:
    """One word after the slash command. ``run`` answers with what the person is told; None: the card says it."""

    word: str
    usage: str
    summary: str
    run: Typed


@dataclass(frozen=True, kw_only=True)
class Button:
    """One button, by its action id; the delivery's text is the button's opaque value."""

    action_id: str
    run: Clicked


@dataclass(frozen=True, kw_only=True)
class Form:
    """One form, by its callback id; the delivery's text is what ``forms`` reads."""

    callback_id: str
    run: Clicked


@dataclass(frozen=True, kw_only=True)
class Happening:
    """Something that Slack tells of by itself, by its event type; ``is_wanted`` says of an event whether it is acted on."""

    event_type: str
    is_wanted: Wanted
    run: Clicked


@dataclass(frozen=True, kw_only=True)
class Entries:
    """Everything that people can type, press and send, and that Slack tells by itself."""

    subcommands: Mapping[str, Subcommand]
    buttons: Mapping[str, Button]
    forms: Mapping[str, Form]
    happenings: Mapping[str, Happening]
