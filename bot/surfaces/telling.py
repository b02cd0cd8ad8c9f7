"""Small pieces of telling: sentences put together, and named values below a heading."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from itertools import islice

from bot.domain.model import Json
from bot.surfaces.escaping import Part, Parts, Quoted, Strong, merged, shorten
from bot.surfaces.say import Bullets, Paragraph, show_value

MOST_VALUES = 12
"""Inputs or outputs that are shown; of the others only how many there are."""
MOST_VALUE = 200
MOST_NAME = 80
STOPS = (".", "!", "?", "…")
MOST_TOLD = 500
"""Characters of a provider's own sentence."""


def listed(heading: str, values: Mapping[str, Json], *, most: int = MOST_VALUES) -> tuple[Paragraph, ...]:
    """Named values below a heading; nothing where there are none."""
    if not values:
        return ()
    shown: list[Parts] = [_named(name, value) for name, value in islice(values.items(), most)]
    more: list[Parts] = [(f"and {len(values) - most} more",)] if len(values) > most else []
    return ((heading,), Bullets(lines=(*shown, *more)))


def joined(*sentences: Parts) -> Parts:
    """Sentences with a space between them."""
    parts: list[Part] = []
    for sentence in filter(None, sentences):
        parts += [" ", *sentence] if parts else sentence
    return merged(parts)


def _named(name: str, value: Json) -> Parts:
    """A text or a structure in quotes; a number speaks for itself."""
    shown = shorten(show_value(value), MOST_VALUE) or "(empty)"
    is_plain = value is None or isinstance(value, bool | int | Decimal)
    return (Strong(shorten(name, MOST_NAME) or "(no name)"), " = ", shown if is_plain else Quoted(shown))


def text(value: Json) -> str:
    """A fact as words of bounded length; nothing where there is none."""
    return "" if value is None else shorten(value.isoformat() if isinstance(value, datetime) else str(value), MOST_TOLD)


def sentence(words: str) -> Parts:
    """``words`` as a sentence: with a capital at its beginning, and an end."""
    words = words.strip()
    return capital((words if words.endswith(STOPS) else f"{words}.",)) if words else ()


def capital(parts: Parts) -> Parts:
    """``parts`` with a capital at their beginning, where that is a word of ours."""
    return (parts[0][:1].upper() + parts[0][1:], *parts[1:]) if parts and isinstance(parts[0], str) else parts
