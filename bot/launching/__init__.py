"""Use cases: what people can ask Gonogo to do, whichever door they come through.

Conductors that await ports and decide nothing themselves: policy, lifecycle and inputs are asked. One file per kind of wish:
``requesting`` (launch), ``stopping`` (cancel), ``doubting`` (settle), ``looking`` (list, status); ``judging`` (who asks, and may
they) is shared by all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.domain.errors import ThreadError
from bot.domain.model import Connection, Delivery, InputSpec, Policy, Workflow
from bot.domain.provider import Provider
from bot.launching.doubting import Doubting
from bot.launching.judging import Judge
from bot.launching.looking import Looking
from bot.launching.outcomes import CancelTaken, Launchable, Launched, Refusal, Settled, Story
from bot.launching.requesting import Requesting
from bot.launching.stopping import Stopping
from bot.ports import Clock, Definitions, Directory, Store, Thread, Wire
from bot.surfaces import forms
from bot.surfaces.command_text import LaunchText
from bot.surfaces.say import Say

__all__ = ["CancelTaken", "Launchable", "Launched", "Launching", "Ports", "Refusal", "Settled", "Setup", "Story"]

STILL_MEANT_FOR = timedelta(minutes=15)
"""A command that could not be acted on for longer is answered, not carried out: its reasons may be gone."""

_log = structlog.get_logger("gonogo.launching")


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The doors outward that use cases stand on."""

    store: Store
    wire: Wire
    definitions: Definitions
    directory: Directory
    thread: Thread
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What the configuration and Slack say: who may do what, over which connections, and what we are called."""

    providers: Mapping[str, Provider]
    connections: Mapping[str, Connection]
    policy: Policy
    command: str = "/launch"
    bot_name: str = "gonogo"


class Launching:
    """Every use case, over one set of ports. ``ring`` wakes the worker; ``holder`` and ``lease`` are those of the deliveries' work."""

    def __init__(
        self,
        *,
        ports: Ports,
        setup: Setup,
        ring: Callable[[], None],
        holder: str = "",
        lease: timedelta = timedelta(seconds=15),
    ) -> None:
        self.command = setup.command
        self.connections = setup.connections
        self._store, self._thread, self._clock = ports.store, ports.thread, ports.clock
        self._ring, self._holder, self._lease = ring, holder, lease
        judge = Judge(policy=setup.policy, directory=ports.directory, providers=setup.providers, bot_name=setup.bot_name)
        self._requesting = Requesting(
            store=ports.store,
            definitions=ports.definitions,
            judge=judge,
            clock=ports.clock,
            providers=setup.providers,
            connections=setup.connections,
            ring=ring,
        )
        self._looking = Looking(
            store=ports.store,
            definitions=ports.definitions,
            judge=judge,
            providers=setup.providers,
            connections=setup.connections,
            requesting=self._requesting,
        )
        self._doubting = Doubting(
            store=ports.store,
            wire=ports.wire,
            thread=ports.thread,
            judge=judge,
            clock=ports.clock,
            providers=setup.providers,
            connections=setup.connections,
            ring=ring,
        )
        self._stopping = Stopping(
            store=ports.store,
            judge=judge,
            clock=ports.clock,
            providers=setup.providers,
            connections=setup.connections,
            ring=ring,
        )

    def now(self) -> datetime:
        """Now, in UTC."""
        return self._clock.now()

    async def wait(self, seconds: float) -> None:
        """Wait, by the clock that everything here goes by."""
        await self._clock.sleep(seconds)

    async def record(self, delivery: Delivery) -> bool:
        """Keep a delivery before it is acknowledged, its work ours for now; False when it was kept before."""
        return await self._store.record_delivery(delivery, holder=self._holder, until=self._clock.now() + self._lease)

    async def finish(self, delivery: Delivery) -> None:
        """The delivery's work is done."""
        await self._store.finish_delivery(delivery.key, self._clock.now())

    async def located(self, form: Delivery) -> Delivery | None:
        """A form's delivery with the channel of the press that opened it; None when this person opened no such form.

        What a form carries comes back through the client and proves nothing; the press that opened it is in our own store.
        """
        opened_by = await self._store.delivery(forms.opened_by(form.text) or "")
        if opened_by is None or opened_by.user_id != form.user_id:
            return None
        return replace(form, channel_id=opened_by.channel_id)

    async def opened_for(self, form: Delivery) -> str:
        """The launch that a form was opened for, by our own store."""
        opened_by = await self._store.delivery(forms.opened_by(form.text) or "")
        return opened_by.text if opened_by is not None else ""

    async def note_card(self, delivery: Delivery, launch_id: str) -> None:
        """A button shows where a card stands: good to know where Slack's answer to the post was lost."""
        launch = await self._store.launch(launch_id)
        if launch is not None and delivery.message_ts is not None and launch.channel_id == delivery.channel_id:
            await self._store.card_found(launch.launch_id, delivery.message_ts)
            self._ring()

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

    async def ask_for_run(self, delivery: Delivery, launch_id: str) -> Refusal | None:
        """Open the form that asks which run a launch in doubt caused."""
        return await self._doubting.ask_for_run(delivery, launch_id)

    async def it_ran(self, delivery: Delivery, launch_id: str, run_id: str) -> Settled | Refusal:
        """Settle a doubt: it ran, and this is the run."""
        return await self._doubting.it_ran(delivery, launch_id, run_id)

    async def it_did_not(self, delivery: Delivery, launch_id: str) -> Settled | Refusal:
        """Settle a doubt: nothing ran."""
        return await self._doubting.it_did_not(delivery, launch_id)

    async def look_again(self, delivery: Delivery, launch_id: str) -> Settled | Refusal:
        """Look up a launch in doubt anew."""
        return await self._doubting.look_again(delivery, launch_id)

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
