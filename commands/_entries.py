"""What a file of this folder may answer to: subcommands, buttons, shortcuts, forms, and what Slack tells by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.domain.model import NOTHING, Delivery
from bot.launching import Launching, Sent
from bot.surfaces.form_view import FormView
from bot.surfaces.say import Say

Typed: TypeAlias = Callable[[Launching, Delivery, tuple[str, ...]], Awaitable[Say | None]]
Clicked: TypeAlias = Callable[[Launching, Delivery], Awaitable[Say | None]]
Wanted: TypeAlias = Callable[[Mapping[str, Any]], bool]
Chosen: TypeAlias = Callable[[Launching, Delivery, Mapping[str, Any]], Awaitable[None]]
Searched: TypeAlias = Callable[[Launching, Mapping[str, Any]], Awaitable[list[dict[str, Any]]]]
Judged: TypeAlias = Callable[[Launching, Delivery, FormView], Coroutine[Any, Any, Sent]]
LAUNCH = ""
"""The word of the subcommand that launches: none is typed."""
FORM = " "
"""The word of the subcommand that opens the form: nothing is typed, or a connection alone."""


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
class Shortcut:
    """One shortcut, of the search or of a message's menu, by its callback id."""

    callback_id: str
    run: Clicked


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One select in a view, by its action id: the view is drawn anew. ``run`` is given the payload, and tells nobody anything."""

    action_id: str
    run: Chosen


@dataclass(frozen=True, kw_only=True)
class Search:
    """One select whose options are searched, by its action id; ``run`` is given the payload and answers with Slack's options."""

    action_id: str
    run: Searched


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One form that says at its fields what is wrong, by its callback id: ``judge`` answers while Slack waits.

    ``run`` carries out a kept submission that nobody waits for any more.
    """

    callback_id: str
    judge: Judged
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
    shortcuts: Mapping[str, Shortcut] = NOTHING
    choices: Mapping[str, Choice] = NOTHING
    searches: Mapping[str, Search] = NOTHING
    sheets: Mapping[str, Sheet] = NOTHING
