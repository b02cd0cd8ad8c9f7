"""How fast a journey is played, and who looks on: in a terminal nothing waits; on the page people follow each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bot.sandbox.acts import Act
from bot.sandbox.slack.workspace import Message


@dataclass(frozen=True, kw_only=True)
class Aside:
    """Something that is no act of its own; ``user_id`` does it, or nobody in particular."""

    says: str
    user_id: str = ""


Deed: TypeAlias = Act | Aside


class Pace(Protocol):
    """Hears of each deed before it is done, and lets the player wait as long as it likes."""

    async def before(self, deed: Deed, card: Message | None) -> None:
        """``deed`` is about to be done; ``card`` is the journey's, once there is one."""
        ...


class AtOnce:
    """Nobody looks on."""

    async def before(self, deed: Deed, card: Message | None) -> None:
        """Wait for nothing."""
