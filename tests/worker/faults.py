"""A store whose methods fail when the test says so."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bot.domain.errors import StoreUnavailableError


@dataclass
class Fitful:
    """A store that is away at these calls, counted from 1 for each method: ``{"lines_told": {1, 2}}``; nothing is written then.

    ``unheard_at``: it goes away at these calls with its answer; what they wrote is kept.
    """

    store: Any
    away_at: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    unheard_at: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    calls: Counter[str] = field(default_factory=Counter[str])

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.store, name)
        return self._counted(name, method) if name in {*self.away_at, *self.unheard_at} else method

    def _counted(self, name: str, method: Any) -> Any:
        async def called(*given: Any, **named: Any) -> Any:
            self.calls[name] += 1
            if self.calls[name] in self.away_at.get(name, ()):
                raise StoreUnavailableError("here", "it is away")
            answer = await method(*given, **named)
            if self.calls[name] in self.unheard_at.get(name, ()):
                raise StoreUnavailableError("here", "the connection broke")
            return answer

        return called
