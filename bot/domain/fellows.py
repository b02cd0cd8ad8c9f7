"""What a replica knows of the others, and what it has learnt that they must know.

Why rates are divided by how many are alive, and not drawn from one bucket in the database: a call would cost another call, and what
Slack and the providers count is rough anyway. A refusal to one is heeded by all, so that an error corrects itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Fellows:
    """``replicas``: how many are alive, this one included. ``rings`` is called when there is something to tell the others."""

    replicas: int = 1
    rings: Callable[[], None] | None = None
    _learnt: dict[str, datetime] = field(default_factory=dict[str, datetime])

    def learn(self, name: str, not_before: datetime) -> None:
        """Somebody was told to wait: ``name`` says for what."""
        self._learnt[name] = max(not_before, self._learnt.get(name, not_before))
        if self.rings is not None:
            self.rings()

    def take(self) -> dict[str, datetime]:
        """What was learnt since this was last asked."""
        learnt, self._learnt = self._learnt, {}
        return learnt
