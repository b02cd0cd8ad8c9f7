"""The form's door as Bolt calls it, over tables: payloads in, acknowledgements and views out."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltRequest

import commands
from bot import providers
from bot.domain.grants import ChannelPolicy, Grant, Limits, Policy
from bot.domain.model import Channel, Connection, InputSpec, InputType, Launch, Person, Workflow
from bot.domain.standing import Standing
from bot.launching import Launching, Ports, Setup
from bot.ports import Found
from bot.sandbox.slack.filling import fill, submitted
from bot.sandbox.slack.forms import initial_state
from bot.store.sqlite import SqliteStore
from tests.builders import FrozenClock, a_connection
from tests.commands.bolt import bolt_app
from tests.commands.why_world import ShowingThread
from tests.ports import ListedWire, TableDefinitions, TableDirectory, a_store

RUN, VIEW = "Workflow Run Access", "Workflow View Access"
DUNNING = Workflow(
    workflow_id="396",
    name="Dunning run",
    inputs=(
        InputSpec(name="accountId", required=True),
        InputSpec(name="days", type=InputType.INTEGER),
        InputSpec(name="email", type=InputType.EMAIL),
    ),
)
PAYOUT = Workflow(workflow_id="401", name="Payout run", inputs=())


@dataclass
class SlowDefinitions(TableDefinitions):
    """A provider that answers what a launch rests on only once ``told`` is set; what is only shown is told at once."""

    told: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.told.set()

    async def find(self, connection: Connection, typed: str, *, is_fresh: bool = False) -> Found:
        await self.told.wait()
        return await super().find(connection, typed, is_fresh=is_fresh)


@dataclass
class Desk:
    """What people do at a form, and what comes back."""

    door: commands.Door
    app: AsyncApp
    launching: Launching
    store: SqliteStore
    thread: ShowingThread
    directory: TableDirectory
    definitions: SlowDefinitions
    clock: FrozenClock
    standing: Standing
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def dispatch(self, payload: Mapping[str, Any]) -> Any:
        """What Slack is answered: the body of the acknowledgement, read."""
        response = await self.app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=dict(payload)))
        assert response.status == 200, response.status
        body = response.body
        return json.loads(body) if isinstance(body, str) and body.startswith("{") else body

    async def open(self, text: str = "", user_id: str = "U0ALICE", channel_id: str = "C0FINANCE") -> str:
        """Type the command; the id of the view that it opened."""
        before = set(self.thread.forms)
        await self.dispatch(self.command(text, user_id, channel_id))
        await self.door.drain()
        (view_id,) = set(self.thread.forms) - before
        return view_id

    async def choose(self, view_id: str, label: str, value: str, *, user_id: str = "U0ALICE") -> Mapping[str, Any]:
        """Choose in a select; the view that is drawn for it."""
        await self.dispatch(self.choice(view_id, label, value, user_id=user_id))
        await self.door.drain()
        return self.thread.views[view_id]

    async def filled(self, **values: Any) -> tuple[str, dict[str, Any]]:
        """The form of the dunning run, filled in: its view's id, and the submission."""
        view_id = await self.open("billing")
        await self.choose(view_id, "Workflow", "396")
        return view_id, self.submission(view_id, **values)

    def command(self, text: str = "", user_id: str = "U0ALICE", channel_id: str = "C0FINANCE") -> dict[str, Any]:
        number = next(self.numbers)
        return {
            "command": "/launch",
            "text": text,
            "team_id": "T0GONOGO",
            "channel_id": channel_id,
            "user_id": user_id,
            "trigger_id": f"{number}.1.trigger",
            "response_url": "",
        }

    def view(self, view_id: str, **values: Any) -> dict[str, Any]:
        """The view as Slack brings it back, with ``values`` typed in by label."""
        drawn = self.thread.views[view_id]
        state = fill(drawn["blocks"], initial_state(drawn["blocks"]), values)
        return {**drawn, "id": view_id, "hash": self.thread.forms[view_id].mark, "state": {"values": state}}

    def choice(self, view_id: str, label: str, value: str, *, user_id: str = "U0ALICE") -> dict[str, Any]:
        blocks = self.thread.views[view_id]["blocks"]
        block = next(one for one in blocks if one.get("label", one.get("text", {})).get("text") == label)
        view = self.view(view_id, **{block["block_id"]: value})
        element = block.get("element") or block["accessory"]
        used = {"action_id": element["action_id"], "block_id": block["block_id"], "type": element["type"]}
        return {
            **self._act("block_actions", user_id),
            "container": {"type": "view", "view_id": view_id},
            "view": view,
            "actions": [{**used, "action_ts": f"1763716200.{next(self.numbers):06d}"}],
        }

    def submission(self, view_id: str, *, user_id: str = "U0ALICE", **values: Any) -> dict[str, Any]:
        view = self.view(view_id, **values)
        sent = submitted(view["blocks"], view["state"]["values"])
        return {**self._act("view_submission", user_id), "view": {**view, "state": {"values": sent}}}

    def search(self, view_id: str, action_id: str, query: str, **more: Any) -> dict[str, Any]:
        plain = {"container": {"type": "view", "view_id": view_id}, "block_id": "x", "value": query}
        return {**self._act("block_suggestion", "U0ALICE"), **plain, "action_id": action_id, "view": self.view(view_id), **more}

    def shortcut(self, callback_id: str = "launch", user_id: str = "U0ALICE", **more: Any) -> dict[str, Any]:
        return {**self._act("shortcut", user_id), "callback_id": callback_id, "action_ts": "1.2", **more}

    async def launches(self) -> list[Launch]:
        return await self.store.recent(channel_id="C0FINANCE", limit=9)

    async def unfinished(self) -> list[str]:
        later = self.clock.now().replace(year=2030)
        return [one.key for one in await self.store.lease_deliveries(now=later, until=later, holder="looker", limit=9)]

    @property
    def answers(self) -> list[str]:
        return [text for what, text in self.thread.told if what == "answer"]

    def _act(self, kind: str, user_id: str) -> dict[str, Any]:
        return {
            "type": kind,
            "user": {"id": user_id, "team_id": "T0GONOGO"},
            "team": {"id": "T0GONOGO", "domain": "gonogo-sandbox"},
            "trigger_id": f"{next(self.numbers)}.1.trigger",
        }


@asynccontextmanager
async def a_desk(
    *workflows: Workflow, limits: Limits | None = None, answers_within_s: float = 2.0, grants: tuple[Grant, ...] = ()
) -> AsyncGenerator[Desk, None]:
    async with a_store() as store:
        thread, clock = ShowingThread(), FrozenClock()
        names = {"C0FINANCE": "finance-ops", "C0GENERAL": "general", "C0OTHER": "other"}
        channels = {one: Channel(channel_id=one, name=name, is_member=True) for one, name in names.items()}
        guest = Person(user_id="U0GUEST", team_id="T0GONOGO", name="guest", is_guest=True)
        directory = TableDirectory(channels=channels, people={"U0GUEST": guest})
        definitions = SlowDefinitions({"billing": workflows or (DUNNING, PAYOUT)})
        grant = Grant(
            connection="billing", scopes=(RUN, VIEW), workflows=("396", "401", "Odd *"), requesters=("members",), limits=limits
        )
        policy = Policy(
            channels={
                "C0FINANCE": ChannelPolicy(channel_id="C0FINANCE", name="finance-ops", grants=grants or (grant,)),
                "C0OTHER": ChannelPolicy(channel_id="C0OTHER", name="other", grants=(grant,)),
            },
            digest="d",
        )
        standing = Standing(policy=policy, connections={"billing": a_connection()})
        ports = Ports(store=store, wire=ListedWire(), definitions=definitions, directory=directory, thread=thread, clock=clock)
        setup = Setup(providers=providers.load(), standing=standing)
        launching = Launching(ports=ports, setup=setup, ring=lambda: None, holder="me")
        door = commands.Door(command="/launch", launching=launching, entries=commands.load(), answers_within_s=answers_within_s)
        app = bolt_app(door)
        yield Desk(
            door=door,
            app=app,
            launching=launching,
            store=store,
            thread=thread,
            directory=directory,
            definitions=definitions,
            clock=clock,
            standing=standing,
        )
        definitions.told.set()
        await door.drain()
