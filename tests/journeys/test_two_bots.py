"""Two bots on one database, both receiving every delivery at the same moment: what is asked once runs once.

Both live in this process, each with its own holder, store, wire, worker and socket. ``GONOGO_MANY=1000`` raises the number of launches.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot import providers
from bot.app.building import Around
from bot.app.running import running
from bot.sandbox.slack.delivery import Acknowledged
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.standins import ProviderStandIns
from tests.journeys import house as rooms
from tests.journeys.house import House, a_house, launch_id
from tests.postgres_server import migrated_database

MANY = int(os.environ.get("GONOGO_MANY", "200"))
AT_ONCE = 20
WITHIN_S = 30 + MANY / 10
ASKS = (
    ("zuora", "C0FINANCE", "billing 396 accountId={n}"),
    ("domo", "C0DATA", "analytics AddTwoNumbers parameter1={n} parameter2=7"),
)
CHANNELS = sorted({channel_id for _, channel_id, _ in ASKS})
END = re.compile("Succeeded|Failed|Cancelled|Ended|In doubt")


@dataclass
class Ears:
    """A store that counts which deliveries its bot heard, and how many of them nobody had heard before."""

    part: Any
    heard: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.part, name)

    async def record_delivery(self, delivery: Any, **lease: Any) -> bool:
        self.heard.append(delivery.key)
        is_new = await self.part.record_delivery(delivery, **lease)
        self.new.extend([delivery.key] * is_new)
        return bool(is_new)


def listening(bots: list[Ears]) -> Callable[[Any], Any]:
    def around(store: Any) -> Any:
        bots.append(Ears(store))
        return bots[-1]

    return around


async def to_both(house: House, n: int) -> None:
    """One command, handed to both bots at once: the stand-in gives each payload to the next socket in turn."""
    _, channel_id, text = ASKS[n % len(ASKS)]
    people = house.slack.people
    now = datetime.now(UTC)  # noqa: TID251 - the world's clock
    delivery = people.payloads.command("U0ALICE", house.workspace.channels[channel_id], "/launch", text=text.format(n=n), at=now)
    copy = Acknowledged(delivery=delivery, status=0, body={}, elapsed_ms=0)
    for acknowledged in await asyncio.gather(people.redeliver(copy), people.redeliver(copy)):
        assert acknowledged.is_ok, acknowledged


def is_all_told(workspace: Workspace) -> bool:
    cards = [card for channel_id in CHANNELS for card in workspace.messages(channel_id)]
    return len(cards) >= MANY and all(END.match(card.text) and is_end_told(workspace, card) for card in cards)


def is_end_told(workspace: Workspace, card: Any) -> bool:
    return ends_told(workspace, card) > 0


def ends_told(workspace: Workspace, card: Any) -> int:
    """How often a thread tells the end; in a crowd of launches several lines are one message."""
    lines = [line for message in workspace.thread(card.channel_id, card.ts) for line in message.text.split("\n")]
    return sum(END.match(line) is not None for line in lines)


@pytest.mark.timeout(WITHIN_S + 60)
@pytest.mark.parametrize("store", ["file", "postgres"])
async def test_two_bots_that_hear_everything_twice_launch_everything_once(tmp_path: Path, store: str) -> None:
    standins, bots = ProviderStandIns(run_s=0), []
    second = Around(store=listening(bots), sockets=1)
    url = migrated_database() if store == "postgres" else ""
    async with a_house(tmp_path, standins=standins, sockets=1, database_url=url) as house:
        configuration = rooms._configuration(rooms.CONFIGURATION, standins)
        async with running(house.settings, configuration, providers.load(), around=second):
            while house.slack.sockets.count < 2:  # noqa: ASYNC110 - nothing tells when the second one is there
                await asyncio.sleep(0.01)
            for first in range(0, MANY, AT_ONCE):
                await asyncio.gather(*(to_both(house, n) for n in range(first, min(first + AT_ONCE, MANY))))
            await house.workspace.wait_for(lambda seen: is_all_told(seen) or None, timeout_s=WITHIN_S)

            the_second_bot_heard_all(bots[0])
            everything_is_there_once(house)


def the_second_bot_heard_all(ears: Ears) -> None:
    """That copies reached both bots is what makes the rest worth something; some it heard first, some the other did."""
    assert len(set(ears.heard)) == len(ears.heard) == MANY
    assert len(ears.new) <= MANY


def everything_is_there_once(house: House) -> None:
    for place, (provider, _, _) in enumerate(ASKS):
        assert len(house.providers.runs(provider)) == len(range(place, MANY, len(ASKS)))
    cards = [card for channel_id in CHANNELS for card in house.workspace.messages(channel_id)]
    assert len(cards) == len({launch_id(card) for card in cards}) == MANY
    words = Counter(card.text.split(" ")[0] for card in cards)
    ends = [ends_told(house.workspace, card) for card in cards]
    print(f"launches {MANY}, runs {MANY}, cards {len(cards)}, {dict(words)}")  # noqa: T201 - what was shown
    assert set(ends) == {1}
    assert not any(house.workspace.ephemerals(channel_id, "U0ALICE") for channel_id in CHANNELS)
