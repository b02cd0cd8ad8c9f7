"""What happened in the workspace, in order, for whoever watches: a test that waits, the terminal script, the page.

Why a list and not callbacks: a watcher that is slow, or that comes late, misses nothing and holds nobody up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from bot.sandbox.slack.views import View
    from bot.sandbox.slack.workspace import Message

T = TypeVar("T")

ChangeKind: TypeAlias = Literal[
    "command_typed",
    "button_clicked",
    "form_submitted",
    "message_posted",
    "message_updated",
    "message_deleted",
    "ephemeral_posted",
    "view_opened",
    "view_updated",
    "view_closed",
    "home_published",
    "operation_failed",
    "world_changed",
]
LAST_SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that happened. ``user_id`` is who did it, or who alone sees it; ``text`` is what was typed, clicked or told."""

    kind: ChangeKind
    at: datetime
    channel_id: str = ""
    user_id: str = ""
    text: str = ""
    message: Message | None = None
    view: View | None = None


@dataclass(kw_only=True)
class Changes:
    """The record of changes, and the bell that rings at each."""

    log: list[Change] = field(default_factory=list[Change])
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    def record(self, change: Change) -> None:
        """Keep a change and wake everybody who waits."""
        self.log.append(change)
        rung, self._bell = self._bell, asyncio.Event()
        rung.set()

    async def wait_for(self, found: Callable[[], T | None], timeout_s: float) -> T:
        """The first truthy answer of ``found``, which is asked now and again at each change.

        Raises:
            TimeoutError: naming the last changes, since a test that fails here wants to know what happened instead.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self._ask_until_found(found)
        except TimeoutError:
            last = [f"{change.kind}: {_glance(change)}" for change in self.log[-LAST_SHOWN:]]
            raise TimeoutError(f"nothing matched within {timeout_s:g} s; the last changes were {last}") from None

    async def _ask_until_found(self, found: Callable[[], T | None]) -> T:
        while True:
            bell = self._bell
            if answer := found():
                return answer
            await bell.wait()

    def subscribe(self) -> AsyncIterator[Change]:
        """Every change from now on (from this call, not from the first step of the loop)."""
        return self._from(len(self.log))

    async def _from(self, position: int) -> AsyncIterator[Change]:
        while True:
            bell = self._bell
            while position < len(self.log):
                position += 1
                yield self.log[position - 1]
            await bell.wait()


def _glance(change: Change) -> str:
    return (change.message.text if change.message else change.text)[:80]
