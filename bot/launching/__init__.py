"""Use cases: what people can ask Gonogo to do, whichever door they come through.

Conductors that await ports and decide nothing themselves: policy, lifecycle and inputs are asked. One file per kind of wish:
``requesting`` (launch), ``stopping`` (cancel), ``looking`` (list, status), with ``judging`` (who asks, and may they) shared
by all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog

from bot.domain.errors import ThreadError
from bot.domain.model import Connection, Delivery, InputSpec, Policy, Workflow
from bot.domain.provider import Provider
from bot.launching.judging import Judge
from bot.launching.looking import Looking
from bot.launching.outcomes import CancelTaken, Launchable, Launched, Refusal, Story
from bot.launching.requesting import Requesting
from bot.launching.stopping import Stopping
from bot.ports import Clock, Definitions, Directory, Store, Thread
from bot.surfaces.command_text import LaunchText
from bot.surfaces.say import Say

__all__ = ["CancelTaken", "Launchable", "Launched", "Launching", "Refusal", "Story"]

RESUMED_AT_MOST = 1000
STILL_MEANT_FOR = timedelta(minutes=15)
"""A command that could not be acted on for longer is answered, not carried out: its reasons may be gone."""

_log = structlog.get_logger("gonogo.launching")


class Launching:
    """Every use case, over one set of ports."""

    def __init__(
        self,
        *,
        store: Store,
        definitions: Definitions,
        directory: Directory,
        thread: Thread,
        clock: Clock,
        providers: Mapping[str, Provider],
        connections: Mapping[str, Connection],
        policy: Policy,
        ring: Callable[[], None],
        command: str = "/launch",
        bot_name: str = "gonogo",
    ) -> None:
        self.command = command
        self._store = store
        self._thread = thread
        self._clock = clock
        self.connections = connections
        judge = Judge(policy=policy, directory=directory, providers=providers, bot_name=bot_name)
        self._requesting = Requesting(
            store=store,
            definitions=definitions,
            judge=judge,
            clock=clock,
            providers=providers,
            connections=connections,
            ring=ring,
        )
        self._looking = Looking(
            store=store,
            definitions=definitions,
            judge=judge,
            providers=providers,
            connections=connections,
            requesting=self._requesting,
        )
        self._stopping = Stopping(store=store, judge=judge, clock=clock, providers=providers, connections=connections, ring=ring)

    def now(self) -> datetime:
        """Now, in UTC."""
        return self._clock.now()

    async def record(self, delivery: Delivery) -> bool:
        """Keep a delivery before it is acknowledged; False when it was kept before."""
        return await self._store.record_delivery(delivery)

    async def finish(self, delivery: Delivery) -> None:
        """The delivery's work is done."""
        await self._store.finish_delivery(delivery.key, self._clock.now())

    async def unfinished(self) -> list[Delivery]:
        """What was acknowledged and not finished before the bot stopped, oldest first."""
        long_ago = self._clock.now() - timedelta(days=1)
        return await self._store.unfinished_deliveries(received_after=long_ago, limit=RESUMED_AT_MOST)

    def is_stale(self, delivery: Delivery) -> bool:
        """Whether a delivery waited so long that it must not be carried out any more."""
        return self._clock.now() - delivery.received_at > STILL_MEANT_FOR

    async def answer(self, delivery: Delivery, say: Say) -> None:
        """Tell the person who asked; when Slack does not take it there is nobody else to tell, so it is logged."""
        try:
            await self._thread.answer(delivery, say)
        except ThreadError as error:
            _log.warning("not_answered", delivery=delivery.key, error=error.code)

    async def request(self, delivery: Delivery, typed: LaunchText) -> Launched | Refusal:
        """Launch what was typed, or say what stands in its way."""
        return await self._requesting.request(delivery, typed)

    async def cancel(self, delivery: Delivery, launch_id: str) -> CancelTaken | Refusal:
        """Stop a launch of this channel."""
        return await self._stopping.cancel(delivery, launch_id)

    async def launchable(self, delivery: Delivery, only: str | None = None) -> tuple[Launchable, ...] | Refusal:
        """What this person may launch in this channel."""
        return await self._looking.launchable(delivery, only)

    async def inputs_of(self, connection: Connection, workflow: Workflow) -> tuple[InputSpec, ...]:
        """The inputs that a workflow takes."""
        return await self._looking.inputs_of(connection, workflow)

    async def story(self, delivery: Delivery, launch_id: str) -> Story | Refusal:
        """One launch and everything that happened to it."""
        return await self._looking.story(delivery, launch_id)

    async def recent(self, delivery: Delivery) -> tuple[Story, ...] | Refusal:
        """The newest launches of this channel."""
        return await self._looking.recent(delivery)
