"""A house whose launches wait for approval, with as many bots on its database as a test wants, and a past that can be moved.

Time passes by putting a launch's own times back in its row: no test waits for a minute, and no clock is replaced.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from bot import providers
from bot.app.building import Around
from bot.app.running import Bot, running
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.workspace import Message, Workspace
from bot.sandbox.standins import ProviderStandIns
from bot.sandbox.world import CONFIGURATION
from bot.settings import read_configuration, read_settings
from tests.journeys import house as rooms
from tests.journeys.house import House, launch_id

WISH = "billing 396 accountId=4028905f5a87c0ff015a87d25ae90025 paymentId=4028905f5a87c0ff015a889ddfb800c0"
HERE = "C0FINANCE"
TWO = {"approvers": ["S0LEADS"], "required": 2, "expires_after": "1h"}
ONE = {"approvers": ["S0LEADS"], "expires_after": "1h"}
TIMES = ("asked_at", "expires_at", "remind_at", "escalate_at", "cool_down_until")
WAITS = "Awaiting approval"
PINGS = re.compile(r"<[!@][^>]*>")


def with_approval(rule: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The demo's configuration, whose finance channel needs approval by ``rule``; ``changes`` are to its billing grant."""
    document: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    grant = document["channels"][HERE]["grants"][0]
    grant |= {"approval": dict(rule)} | changes
    return document


@dataclass
class GoHouse(House):
    """A world that bots come into and leave. ``folder`` holds the database and the configuration."""

    folder: Path
    bots: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def database(self) -> Path:
        return self.folder / "gonogo.db"

    async def start(self, rule: Mapping[str, Any] = TWO, *, around: Around | None = None, **changes: Any) -> Bot:
        """One more bot on the same database, under this approval rule."""
        count = self.slack.sockets.count
        path = self.folder / "gonogo.yaml"
        path.write_text(yaml.safe_dump(with_approval(rule, **changes)), encoding="utf-8")
        configuration = read_configuration(path, providers=providers.load(), environment=self.providers.environment())
        self.bot = await self.bots.enter_async_context(running(self.settings, configuration, providers.load(), around=around))
        await self.slack.connected()
        assert self.slack.sockets.count > count
        return self.bot

    async def stop(self) -> None:
        """Every bot drains and goes."""
        await self.bots.aclose()

    async def asked(self, text: str = WISH, user_id: str = "U0ALICE") -> Message:
        """A launch that waits, once its approvers were called."""
        return await self.card(await self.launched(user_id, HERE, text), WAITS)

    async def press(self, user_id: str, card: Message, label: str = "Approve") -> None:
        acknowledged = await self.slack.click(user_id, card.channel_id, card.ts, label)
        assert acknowledged.is_ok, acknowledged

    async def pressed(self, user_id: str, card: Message, label: str = "Approve") -> str:
        """Press a button; what only this person sees in answer."""
        before = len(self.whispers(user_id))
        await self.press(user_id, card, label)
        return await self.workspace.wait_for(lambda _: next(iter(self.whispers(user_id)[before:]), None))

    async def line(self, card: Message, *words: str, count: int = 1) -> str:
        """The newest thread line with all of ``words``, once there are ``count`` of them."""
        return await self.workspace.wait_for(lambda _: (self.lines(card, *words)[count - 1 :] or [None])[-1])

    def lines(self, card: Message, *words: str) -> list[str]:
        return [text for text in self.thread(card) if all(word in text for word in words)]

    def whispers(self, user_id: str, channel_id: str = HERE) -> list[str]:
        return [message.text for message in self.workspace.ephemerals(channel_id, user_id)]

    def buttons(self, card: Message) -> list[str]:
        now = self.workspace.find(card.channel_id, card.ts)
        assert now is not None
        elements = [part for block in now.blocks if block["type"] == "actions" for part in block["elements"]]
        return [element["text"]["text"] for element in elements]

    def runs(self) -> list[Any]:
        return self.providers.runs("zuora")

    def kinds(self, card: Message) -> list[str]:
        """What happened to the launch, by our own record."""
        sql = "SELECT kind FROM events WHERE launch_id = ? ORDER BY seq"
        with closing(sqlite3.connect(self.database, timeout=10)) as database:
            return [kind for (kind,) in database.execute(sql, (launch_id(card),))]

    def state(self, card: Message) -> str:
        with closing(sqlite3.connect(self.database, timeout=10)) as database:
            row = database.execute("SELECT state FROM launches WHERE launch_id = ?", (launch_id(card),)).fetchone()
        return str(row[0])

    def write(self, sql: str, *values: Any) -> None:
        with closing(sqlite3.connect(self.database, timeout=10)) as database, database:
            database.execute(sql, values)

    async def quiet(self) -> None:
        """Until nothing is under way: a backup would keep leases that nobody gives back."""
        sql = "SELECT count(*) FROM cards WHERE lease_holder IS NOT NULL OR due_at IS NOT NULL"
        for _ in range(200):
            with closing(sqlite3.connect(self.database, timeout=10)) as database:
                if database.execute(sql).fetchone() == (0,):
                    return
            await asyncio.sleep(0.02)
        raise TimeoutError("something is still owed to Slack")

    def later(self, card: Message, **by: float) -> None:
        """So much time passes for a launch: what was to happen then is due now. A running bot must be rung."""
        named = (launch_id(card),)
        with closing(sqlite3.connect(self.database, timeout=10)) as database, database:
            kept, due_at = database.execute("SELECT approval, due_at FROM launches WHERE launch_id = ?", named).fetchone()
            approval = json.loads(kept)
            moved = {name: _put_back(approval[name], **by) for name in TIMES if name in approval}
            values = (json.dumps(approval | moved), _put_back(due_at, **by), *named)
            database.execute("UPDATE launches SET approval = ?, due_at = ? WHERE launch_id = ?", values)

    def ring(self) -> None:
        self.bot.parts.worker.ring()


def _put_back(text: str, **by: float) -> str:
    at = (datetime.fromisoformat(text) - timedelta(**by)).astimezone(UTC)
    is_row_time = text.endswith("Z")
    return f"{at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z" if is_row_time else at.isoformat()


@asynccontextmanager
async def a_go_house(folder: Path, *, run_s: float = 0.0) -> AsyncGenerator[GoHouse, None]:
    """A world without a bot yet; leaving drains every bot that came, then stops the world."""
    slack = SlackStandIn(Workspace.demo(yaml.safe_load(rooms.MANIFEST.read_text(encoding="utf-8"))))
    standins = ProviderStandIns(run_s=run_s)
    await standins.start()
    await slack.start()
    try:
        settings = read_settings(rooms._environment(slack, folder, "socket"), dotenv=None)
        nobody: Any = None
        house = GoHouse(slack=slack, providers=standins, bot=nobody, settings=settings, folder=folder)
        try:
            yield house
        finally:
            await house.stop()
    finally:
        await slack.stop()
        await standins.stop()
