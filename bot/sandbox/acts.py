"""What happens in a journey besides its command: what people press, write and type, what they must read, and what the world does.

Data only: ``acting`` does it. ``<id>`` in a text stands for the launch's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Place: TypeAlias = Literal["thread", "card", "operators"]


class JourneyError(Exception):
    """A journey ended otherwise than it should; the text says how."""


@dataclass(frozen=True, kw_only=True)
class Press:
    """Press a button on the card; ``is_on_answer``: on the newest answer that only this person sees.

    ``told``: what only they must read next.
    """

    user_id: str
    label: str
    told: str | None = None
    is_on_answer: bool = False


@dataclass(frozen=True, kw_only=True)
class Write:
    """Fill the form that opened, and send it."""

    user_id: str
    values: Mapping[str, Mapping[str, Any]]
    says: str


@dataclass(frozen=True, kw_only=True)
class Fill:
    """Fill in the launch form that is open, and send it: it launches, and the new card is the journey's from then on.

    ``choices``: the menus used first, by label and what to choose. ``values`` by label. ``searched``: labels whose value is
    looked for and picked. ``sees``: what the form must say before. ``wrong``: labels at which it must say what is wrong; then
    nothing is launched, and the form stays open.
    """

    user_id: str
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    choices: tuple[tuple[str, str], ...] = ()
    searched: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Type:
    """Type one more command in the same channel; ``told``: what only this person must read next."""

    user_id: str
    text: str
    told: str | None = None


@dataclass(frozen=True, kw_only=True)
class Read:
    """Somewhere these words must come to stand."""

    words: str
    where: Place = "thread"


@dataclass(frozen=True, kw_only=True)
class Later:
    """Time passes for the launch while the bot is down. Its own times in the demo's database are put back: nobody waits."""

    minutes: int


@dataclass(frozen=True, kw_only=True)
class Edit:
    """The operators write the demo's file with ``after`` in place of ``before`` (empty: as it was), and have it read.

    ``{from}`` and ``{to}`` in it are an hour around now.
    """

    says: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """Somebody who can write to the database changes one input of the launch while it waits."""

    name: str
    value: str | int
    says: str


@dataclass(frozen=True, kw_only=True)
class Lose:
    """The next answer to a start is lost, although the provider did what it was asked."""

    provider: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Take:
    """Somebody at the provider takes a scope from the bot's credential."""

    provider: str
    scope: str
    says: str


Happening: TypeAlias = Later | Edit | Change | Lose | Take
Act: TypeAlias = Press | Write | Fill | Type | Read | Happening
