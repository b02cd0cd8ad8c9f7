"""What went over the wire between Slack and the bot, for tests that count and for the traffic panel. No token stands in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

MASK = "***"
SECRET = frozenset({"token", "response_url", "response_urls"})


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """One exchange: a Web API call by the bot, or a delivery to it.

    ``name`` is the method, or the delivery's kind and what it is about; ``status`` is HTTP's (200 for an acknowledgement over a
    socket, 0 where none came); ``sent`` are arguments or payload, ``answer`` the body that came back.
    """

    kind: Literal["call", "delivery"]
    name: str
    at: datetime
    elapsed_ms: float
    status: int
    sent: Mapping[str, Any]
    answer: Any
    via: Literal["http", "socket"] = "http"
    retry: int = 0


class TrafficLog(list[Traffic]):
    """All traffic, oldest first; ``watchers`` are called at each more."""

    def __init__(self) -> None:
        super().__init__()
        self.watchers: list[Callable[[], None]] = []

    def append(self, entry: Traffic, /) -> None:
        """Keep one more."""
        super().append(entry)
        for watcher in self.watchers:
            watcher()


def masked(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments or payload without what opens doors."""
    return {key: MASK if key in SECRET else value for key, value in sent.items()}
