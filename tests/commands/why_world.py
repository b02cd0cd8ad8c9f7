"""The doors of `/launch why`, `access` and `--preview`: typed text in, what the person sees out, over the real use cases."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import commands
from bot import providers
from bot.domain.grants import ApprovalRule, ChannelPolicy, Grant, Policy
from bot.domain.model import Channel, Delivery, InputSpec, Person, Workflow
from bot.domain.standing import Standing
from bot.launching import Launching, Ports, Setup
from bot.store.sqlite import SqliteStore
from bot.surfaces.say import Say
from tests.builders import FrozenClock, a_connection, a_delivery
from tests.ports import ListedWire, RecordingThread, TableDefinitions, TableDirectory, a_store

RUN, VIEW = "Workflow Run Access", "Workflow View Access"
DUNNING = Workflow(workflow_id="396", name="Dunning run", inputs=(InputSpec(name="accountId", required=True),))
PAYOUT = Workflow(workflow_id="401", name="Payout run", inputs=())
FREE = Grant(connection="billing", scopes=(RUN, VIEW), workflows=("396",), requesters=("U0ALICE",))
BOUND = Grant(
    connection="billing",
    scopes=(RUN,),
    workflows=("401",),
    requesters=("members",),
    approval=ApprovalRule(approvers=("U0CAROL",)),
)


@dataclass
class ShowingThread(RecordingThread):
    """Keeps whole answers as well, for who looks at their buttons."""

    says: list[Say] = field(default_factory=list)

    async def answer(self, delivery: Delivery, say: Say) -> None:
        await super().answer(delivery, say)
        self.says.append(say)


@dataclass
class Doors:
    """What people type and press, and what they are shown."""

    door: commands.Door
    store: SqliteStore
    thread: ShowingThread
    directory: TableDirectory
    wire: ListedWire
    now: datetime
    count: int = 0

    async def type(self, text: str, user_id: str = "U0BOB", **changes: Any) -> Say:
        self.count += 1
        return await self._carry(a_delivery(**({"key": f"command:{self.count}", "text": text, "user_id": user_id} | changes)))

    async def press(self, say: Say, user_id: str = "U0BOB", **changes: Any) -> Say:
        """Press the only button under an answer, as Slack would bring it."""
        self.count += 1
        (button,) = [one for block in say.blocks if block["type"] == "actions" for one in block["elements"]]
        plain = {"key": f"button:{self.count}", "kind": "button", "name": button["action_id"], "text": button["value"]}
        return await self._carry(a_delivery(**(plain | {"user_id": user_id} | changes)))

    @property
    def operators(self) -> list[str]:
        return [text for what, text in self.thread.told if what == "operators"]

    async def _carry(self, delivery: Delivery) -> Say:
        before = len(self.thread.says)
        assert await self.store.record_delivery(delivery)
        await self.door.carry(delivery)
        (say,) = self.thread.says[before:]
        return say


@asynccontextmanager
async def the_doors() -> AsyncGenerator[Doors, None]:
    async with a_store() as store:
        thread, wire, clock = ShowingThread(), ListedWire(), FrozenClock()
        finance = Channel(channel_id="C0FINANCE", name="finance-ops", is_member=True)
        guest = Person(user_id="U0GUEST", team_id="T0GONOGO", name="guest", is_guest=True)
        directory = TableDirectory(channels={"C0FINANCE": finance}, people={"U0GUEST": guest})
        ports = Ports(
            store=store,
            wire=wire,
            definitions=TableDefinitions({"billing": (DUNNING, PAYOUT)}),
            directory=directory,
            thread=thread,
            clock=clock,
        )
        policy = Policy(
            channels={"C0FINANCE": ChannelPolicy(channel_id="C0FINANCE", name="finance-ops", grants=(FREE, BOUND))}, digest="d"
        )
        standing = Standing(policy=policy, connections={"billing": a_connection()})
        setup = Setup(providers=providers.load(), standing=standing, has_operators=True)
        launching = Launching(ports=ports, setup=setup, ring=lambda: None)
        door = commands.Door(command="/launch", launching=launching, entries=commands.load())
        yield Doors(door=door, store=store, thread=thread, directory=directory, wire=wire, now=clock.now())
