"""Words for people, made in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Say:
    """What one person is told: plain ``text`` that says everything, and Block Kit ``blocks`` that say it nicely (may be empty)."""

    text: str
    blocks: tuple[dict[str, Any], ...] = field(default=())
