"""How long a step of a scenario stands before it is done, and the waiting that can be paused and cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.sandbox.acts import Type
from bot.sandbox.journeys import Journey
from bot.sandbox.page.captions import Caption

LONGEST_TYPING_S = 3.0
LONG_RUN_S = 9.0
"""For journeys in which people act while the run goes on: long enough to do it."""


@dataclass(frozen=True, kw_only=True)
class Tempo:
    """Seconds: for each letter that is typed, for each letter that is read, and at least. ``wait`` for forms is real time."""

    name: Literal["human", "quick"]
    letter_typed_s: float
    letter_read_s: float
    least_s: float
    form_within_s: float = 5.0

    def typing_s(self, text: str) -> float:
        """How long it takes to type this; long texts are typed faster."""
        return min(self.letter_typed_s * len(text), LONGEST_TYPING_S)

    def for_caption(self, caption: Caption) -> float:
        """How long a caption stands: as long as reading takes, and typing."""
        if not self.least_s:
            return 0.0
        reading_s = self.letter_read_s * len(caption.text)
        return max(self.least_s, reading_s if not caption.typed else self.least_s / 2) + self.typing_s(caption.typed)

    def run_s(self, journey: Journey, usual_s: float) -> float:
        """How long runs take meanwhile: longer where somebody acts while one goes on."""
        is_interrupted = journey.then_cancel or isinstance(next(iter(journey.acts), None), Type)
        return max(usual_s, LONG_RUN_S) if is_interrupted and self.least_s else usual_s


TEMPI: Mapping[str, Tempo] = {
    "human": Tempo(name="human", letter_typed_s=0.035, letter_read_s=0.03, least_s=1.6),
    "quick": Tempo(name="quick", letter_typed_s=0.0, letter_read_s=0.0, least_s=0.0),
}


@dataclass(kw_only=True)
class Waiting:
    """Waits, unless somebody cuts it short; while it is paused it goes on waiting."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    _skipped: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._goes_on.set()

    @property
    def is_paused(self) -> bool:
        """True until somebody lets it go on."""
        return not self._goes_on.is_set()

    def pause(self, *, is_paused: bool) -> None:
        """Stand still, or go on."""
        if is_paused:
            self._goes_on.clear()
        else:
            self._goes_on.set()

    def skip(self) -> None:
        """Cut the wait short that goes on now; a paused one goes one step further, and stands still again."""
        self._skipped.set()

    async def wait(self, seconds: float) -> None:
        """Wait so long, and for as long as it is paused."""
        self._skipped.clear()
        await self._first(asyncio.ensure_future(self.sleep(seconds)))
        if self.is_paused:
            await self._first(asyncio.ensure_future(self._goes_on.wait()))

    async def _first(self, wait: asyncio.Future[Any]) -> None:
        """Until ``wait`` is over, or skipped."""
        skipped = asyncio.ensure_future(self._skipped.wait())
        try:
            await asyncio.wait({wait, skipped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            wait.cancel()
            skipped.cancel()
