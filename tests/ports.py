"""Ports for tests: each a plain class of a few lines that does what it says, and keeps what it was told."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.domain.errors import LookupFailedError, ThreadError
from bot.domain.model import Channel, Connection, Delivery, Event, Launch, Person, Workflow
from bot.ports import Found, GateAnswer, Go, Seen, ShownForm
from bot.store import open_store
from bot.store.sqlite import SqliteStore
from bot.surfaces.say import Say
from tests.builders import NOON


@asynccontextmanager
async def a_store() -> AsyncGenerator[SqliteStore, None]:
    """A real store, in memory."""
    async with open_store("sqlite://") as store:
        await store.migrate()
        yield store  # type: ignore[misc]


@dataclass
class TableDirectory:
    """People, channels and groups from tables; what is in ``silent`` cannot be looked up.

    Everybody is in every channel but for those in ``absent`` (``C0FINANCE U0BOB``).
    """

    people: dict[str, Person] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    groups: dict[str, frozenset[str]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)

    async def person(self, user_id: str, *, is_fresh: bool = False) -> Person:
        self._speak(user_id)
        return self.people.get(user_id) or Person(user_id=user_id, team_id="T0GONOGO", name=user_id.lower())

    async def channel(self, channel_id: str) -> Channel:
        self._speak(channel_id)
        return self.channels.get(channel_id) or Channel(channel_id=channel_id, name=channel_id.lower(), is_member=True)

    async def group_members(self, group_id: str, *, is_fresh: bool = False) -> frozenset[str]:
        self._speak(group_id)
        return self.groups.get(group_id, frozenset())

    async def is_in_channel(self, user_id: str, channel_id: str, *, is_fresh: bool = True) -> bool:
        self._speak(f"{channel_id} {user_id}")
        return f"{channel_id} {user_id}" not in self.absent

    def _speak(self, subject: str) -> None:
        if subject in self.silent:
            raise LookupFailedError(subject, "Slack did not answer")


@dataclass
class TableDefinitions:
    """Workflows from a table by connection; a connection in ``silent`` cannot be asked."""

    workflows: Mapping[str, tuple[Workflow, ...]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    async def known(self, connection: Connection) -> tuple[Workflow, ...]:
        return await self.known_live(connection)

    async def known_live(self, connection: Connection) -> tuple[Workflow, ...]:
        self.asked.append(connection.name)
        if connection.name in self.silent:
            raise LookupFailedError(f"the workflows of {connection.name}", "no answer in time")
        return self.workflows.get(connection.name, ())

    async def seen(self, connection: Connection, *, patience_s: float = 2.0) -> Seen:
        try:
            return Seen(workflows=await self.known_live(connection), seen_at=NOON)
        except LookupFailedError as error:
            return Seen(workflows=tuple(connection.workflows.values()), trouble=error.cause)

    async def seen_inputs(self, connection: Connection, workflow: Workflow, *, patience_s: float = 2.0) -> Seen:
        try:
            return Seen(workflows=(await self.described(connection, workflow),), seen_at=NOON)
        except LookupFailedError as error:
            return Seen(trouble=error.cause)

    async def find(self, connection: Connection, typed: str, *, is_fresh: bool = False) -> Found:
        known = await self.known_live(connection)
        fits = tuple(workflow for workflow in known if typed in {workflow.workflow_id, workflow.name})
        return Found(workflow=fits[0] if len(fits) == 1 else None, candidates=fits, known=known)

    async def described(self, connection: Connection, workflow: Workflow, *, is_fresh: bool = False) -> Workflow:
        if workflow.inputs is None:
            raise LookupFailedError(f"the inputs of {workflow.label} at {connection.name}", "it does not tell")
        return workflow


@dataclass
class RecordingThread:
    """Keeps what Slack was told. ``refusals`` are raised first, one per call."""

    told: list[tuple[str, Any]] = field(default_factory=list)
    refusals: list[ThreadError] = field(default_factory=list)
    is_slow: bool = False
    forms: dict[str, ShownForm] = field(default_factory=dict)
    views: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    async def post_card(self, launch: Launch, events: tuple[Event, ...]) -> str:
        self._tell("card", launch.state)
        return f"{len(self.told)}.0"

    async def update_card(self, launch: Launch, events: tuple[Event, ...], *, card_ts: str) -> None:
        self._tell("update", launch.state)

    async def post_lines(self, launch: Launch, events: tuple[Event, ...], *, card_ts: str) -> str:
        kinds = [event.kind for event in events]
        self._tell("line", kinds[0] if len(kinds) == 1 else kinds)
        return f"{len(self.told)}.0"

    def is_behind(self, channel_id: str) -> bool:
        return self.is_slow

    async def tell_operators(self, say: Say) -> None:
        self._tell("operators", say.text)

    async def publish_home(self, user_id: str, view: Mapping[str, Any]) -> None:
        self._tell(f"home {user_id}", view)

    async def open_form(self, trigger_id: str, view: Mapping[str, Any]) -> ShownForm:
        self._tell("form", view)
        return self._shown(f"V{len(self.told)}", view)

    async def update_form(self, view_id: str, view: Mapping[str, Any], *, mark: str = "") -> ShownForm:
        self._tell("form updated", view)
        if mark and mark != self.forms[view_id].mark:
            raise ThreadError("hash_conflict")
        return self._shown(view_id, view)

    async def post_direct(self, launch: Launch, events: tuple[Event, ...]) -> str:
        self._tell("direct", launch.state)
        return f"{len(self.told)}.0"

    async def answer(self, delivery: Delivery, say: Say) -> None:
        self._tell("answer", say.text)

    def _shown(self, view_id: str, view: Mapping[str, Any]) -> ShownForm:
        self.forms[view_id] = ShownForm(view_id=view_id, mark=f"{len(self.told)}.mark")
        self.views[view_id] = view
        return self.forms[view_id]

    def _tell(self, what: str, value: Any) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.told.append((what, value))


@dataclass
class ListedGate:
    """Lets everything start, but for what is in the list: those answers are given first, in order."""

    answers: list[GateAnswer] = field(default_factory=list)
    lapses: list[bool] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def may_start(self, launch: Launch) -> GateAnswer:
        self.asked.append(launch.launch_id)
        return self.answers.pop(0) if self.answers else Go()

    def still_holds(self, launch: Launch, go: Go) -> bool:
        return not self.lapses or not self.lapses.pop(0)


@dataclass
class ListedWire:
    """Answers what is in the list, in order; an entry that is callable is called first (something happens meanwhile)."""

    answers: list[Any] = field(default_factory=list)
    calls: list[tuple[str, Any]] = field(default_factory=list)

    @asynccontextmanager
    async def place(self, connection: str) -> AsyncGenerator[Any, None]:
        yield partial(self.perform, connection)

    async def perform(self, connection: str, exchange: Any) -> Any:
        self.calls.append((connection, next(exchange, None)))
        exchange.close()
        answer = self.answers.pop(0)
        if callable(answer):
            answer = await answer()
        return answer
