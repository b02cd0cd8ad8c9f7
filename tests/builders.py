"""Values for tests, each complete and plain; name only what the test is about."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.model import Connection, Delivery, Event, EventKind, InputSpec, Launch, Workflow

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def a_launch(**changes: Any) -> Launch:
    """A queued launch of Zuora's documented example."""
    plain: dict[str, Any] = {
        "launch_id": "L-7K3QW",
        "team_id": "T0GONOGO",
        "channel_id": "C0FINANCE",
        "requester_id": "U0ALICE",
        "connection": "billing",
        "provider": "zuora",
        "workflow_id": "396",
        "workflow_name": "Dunning run",
        "created_at": NOON,
        "updated_at": NOON,
        "due_at": NOON,
    }
    return Launch(**(plain | changes))


def an_event(kind: EventKind = EventKind.REQUESTED, **changes: Any) -> Event:
    """An event of that launch."""
    return Event(**({"launch_id": "L-7K3QW", "kind": kind, "at": NOON} | changes))


def a_delivery(**changes: Any) -> Delivery:
    """A typed /launch command."""
    plain: dict[str, Any] = {
        "key": "command:1.2.a",
        "kind": "command",
        "name": "/launch",
        "team_id": "T0GONOGO",
        "channel_id": "C0FINANCE",
        "user_id": "U0ALICE",
        "text": "billing 396",
        "received_at": NOON,
    }
    return Delivery(**(plain | changes))


def a_connection(**changes: Any) -> Connection:
    """A Zuora connection without entries of its own."""
    return Connection(**({"name": "billing", "provider": "zuora", "base_url": "https://rest.na.zuora.com"} | changes))


def a_workflow(*inputs: InputSpec, **changes: Any) -> Workflow:
    """Zuora's documented workflow, with these inputs."""
    return Workflow(**({"workflow_id": "396", "name": "Dunning run", "inputs": inputs} | changes))


@dataclass
class FrozenClock:
    """A clock that stands until it is told to move; ``sleep`` moves it. Ids count up, jitter is none."""

    time: datetime = NOON
    ids: Any = field(default_factory=lambda: itertools.count(1))
    slept_s: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.time

    def jitter(self) -> float:
        return 0.0

    def new_launch_id(self) -> str:
        return f"L-{next(self.ids):05d}"

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.time += timedelta(seconds=seconds)

    def move(self, **by: float) -> datetime:
        self.time += timedelta(**by)
        return self.time
