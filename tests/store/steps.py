"""What the contract's tests do to a store, each as one step."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.holdings import Holding
from bot.domain.model import Delivery, EventKind, Launch
from bot.domain.records import Record
from bot.ports import Store, Telling
from tests.builders import NOON, a_launch, an_event

L = "L-7K3QW"
MINUTE = timedelta(minutes=1)


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def a_record(**changes: Any) -> Record:
    """A decision that allowed Zuora's documented workflow."""
    plain: dict[str, Any] = {
        "at": NOON,
        "door": "command",
        "verb": "launch",
        "team_id": "T0GONOGO",
        "channel_id": "C0FINANCE",
        "person_id": "U0ALICE",
        "connection": "billing",
        "workflow_id": "396",
        "workflow_name": "Dunning run",
        "verdict": "allow",
        "codes": ("granted",),
        "grant_key": "grant-1",
        "policy_digest": "digest-1",
    }
    return Record(**(plain | changes))


def a_holding(**changes: Any) -> Holding:
    """What Zuora told of one of its scopes."""
    plain: dict[str, Any] = {
        "connection": "billing",
        "scope": "Workflow Run Access",
        "is_held": True,
        "evidence": "the workflow could be listed",
        "seen_at": NOON,
    }
    return Holding(**(plain | changes))


async def keep(store: Store, **changes: Any) -> Launch:
    """A launch in the store, its requested event at its creation."""
    launch = a_launch(**changes)
    event = an_event(launch_id=launch.launch_id, at=launch.created_at, actor=launch.requester_id)
    assert await store.create(launch, event, delivery_key=f"command:{launch.launch_id}") is None
    return launch


async def read(store: Store, launch_id: str = L) -> Launch:
    launch = await store.launch(launch_id)
    assert launch is not None
    return launch


async def happen(
    store: Store, kind: EventKind, *, launch_id: str = L, when: datetime = NOON, has_line: bool = True, **changes: Any
) -> None:
    """Something happens to a launch, whoever holds it."""
    launch = replace(await read(store, launch_id), **changes)
    event = an_event(kind, launch_id=launch_id, at=when)
    assert await store.save(launch, event, has_line=has_line, keep_lease=True)


async def lease(
    store: Store, now: datetime = NOON, *, holder: str = "bot-1", limit: int = 10, minutes: float = 1
) -> list[Launch]:
    return await store.lease_due(now=now, until=now + minutes * MINUTE, holder=holder, limit=limit)


async def take(
    store: Store, now: datetime = NOON, *, holder: str = "bot-1", limit: int = 10, minutes: float = 1
) -> list[Delivery]:
    return await store.lease_deliveries(now=now, until=now + minutes * MINUTE, holder=holder, limit=limit)


async def unfinished(store: Store) -> list[Delivery]:
    """Every unfinished delivery, as somebody finds them after every lease has lapsed; theirs lapse at once."""
    return await take(store, NOON + timedelta(days=9), holder="a looker", minutes=0, limit=100)


async def lose_card(store: Store, launch_id: str = L) -> None:
    """Slack does not answer to the post of the card as it should be now."""
    await store.card_lost(launch_id, version=(await read(store, launch_id)).version)


async def tell(
    store: Store, now: datetime = NOON, *, holder: str = "bot-1", limit: int = 10, minutes: float = 1
) -> list[Telling]:
    return await store.lease_tellings(now=now, until=now + minutes * MINUTE, holder=holder, limit=limit)


def ids(found: list[Any]) -> list[str]:
    return [value.launch_id if isinstance(value, Launch) else value.launch.launch_id for value in found]


async def noted(store: Store) -> list[str]:
    """What operators are still to be told of rows that were set aside."""
    return [note.text for note in await store.set_aside()]
