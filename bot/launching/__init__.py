"""Use cases: what people can ask Gonogo to do, whichever door they come through.

Conductors that await ports and decide nothing themselves: policy, lifecycle and inputs are asked. One file per kind of wish:
``requesting`` (launch), ``approving`` (yes and no), ``stopping`` (cancel), ``doubting`` (settle), ``looking`` (list, status),
``explaining`` (why, access, preview), ``again`` (the same once more), ``filling`` (the form while it is open), ``sending`` (the
form once it is sent), ``homing`` (App Home), ``rejudging`` (the worker's question before a start). ``judging`` (who asks, and may
they) is shared by all; ``joining`` says which stands on which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.domain.errors import ThreadError
from bot.domain.model import Connection, Delivery, InputSpec, Launch, Workflow
from bot.launching.again import Typed
from bot.launching.filling import NotHere
from bot.launching.joining import Joiner, Ports, Setup
from bot.launching.outcomes import CancelTaken, Decided, Launchable, Launched, Refusal, Settled, Story
from bot.launching.requesting import Place
from bot.launching.sending import Sent
from bot.ports import Composer, Gate
from bot.surfaces import forms
from bot.surfaces.command_text import LaunchText
from bot.surfaces.say import Say

__all__ = [
    "CancelTaken",
    "Decided",
    "Launchable",
    "Launched",
    "Launching",
    "NotHere",
    "Place",
    "Ports",
    "Refusal",
    "Sent",
    "Settled",
    "Setup",
    "Story",
]

STILL_MEANT_FOR = timedelta(minutes=15)
"""A command that could not be acted on for longer is answered, not carried out: its reasons may be gone."""

_log = structlog.get_logger("gonogo.launching")


class Launching:
    """Every use case, over one set of ports. ``ring`` wakes the worker; ``holder`` and ``lease`` are those of the deliveries' work.

    ``place`` asks the worker for room for a new launch.
    """

    def __init__(
        self,
        *,
        ports: Ports,
        setup: Setup,
        ring: Callable[[], None],
        holder: str = "",
        lease: timedelta = timedelta(seconds=15),
        place: Callable[[Launch], Place | None] = lambda _: None,
    ) -> None:
        self.command = setup.command
        self.connections = setup.standing.connections
        self._store, self._thread, self._clock = ports.store, ports.thread, ports.clock
        self._ring, self._holder, self._lease = ring, holder, lease
        self._became_launches: set[str] = set()
        self._cases = Joiner(ports, setup, ring, place).joined()
        self.explaining = self._cases.explaining
        self.filling = self._cases.filling
        self.sending = self._cases.sending

    @property
    def gate(self) -> Gate:
        """What the worker asks before it starts anything."""
        return self._cases.rejudging

    @property
    def composer(self) -> Composer:
        """What the worker asks for the views of App Homes."""
        return self._cases.homing

    def now(self) -> datetime:
        """Now, in UTC."""
        return self._clock.now()

    async def wait(self, seconds: float) -> None:
        """Wait, by the clock that everything here goes by."""
        await self._clock.sleep(seconds)

    async def record(self, delivery: Delivery) -> bool:
        """Keep a delivery before it is acknowledged, its work ours for now; False when it was kept before. Raises as the store."""
        return await self._store.record_delivery(delivery, holder=self._holder, until=self._clock.now() + self._lease)

    async def finish(self, delivery: Delivery) -> None:
        """The delivery's work is done. Where it became a launch, that was noted as the launch was kept."""
        if delivery.key in self._became_launches:
            self._became_launches.discard(delivery.key)
            return
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
        answer = await self._cases.requesting.request(delivery, typed)
        if isinstance(answer, Launched):
            self._became_launches.add(delivery.key)
        return answer

    async def cancel(self, delivery: Delivery, launch_id: str) -> CancelTaken | Refusal:
        """Stop a launch of this channel."""
        return await self._cases.stopping.cancel(delivery, launch_id)

    async def again(self, delivery: Delivery, launch_id: str) -> Typed | Refusal | None:
        """Open the form as a launch that is over was launched; or say how to type it."""
        return await self._cases.repeating.again(delivery, launch_id)

    async def approve(self, delivery: Delivery, launch_id: str) -> Decided | Refusal:
        """Agree to a launch that waits."""
        return await self._cases.approving.approve(delivery, launch_id)

    async def ask_for_reason(self, delivery: Delivery, launch_id: str) -> Refusal | None:
        """Open the form that asks why a launch is rejected."""
        return await self._cases.approving.ask_for_reason(delivery, launch_id)

    async def reject(self, delivery: Delivery, launch_id: str, reason: str) -> Decided | Refusal:
        """Reject a launch that waits."""
        return await self._cases.approving.reject(delivery, launch_id, reason)

    async def ask_for_run(self, delivery: Delivery, launch_id: str) -> Refusal | None:
        """Open the form that asks which run a launch in doubt caused."""
        return await self._cases.doubting.ask_for_run(delivery, launch_id)

    async def it_ran(self, delivery: Delivery, launch_id: str, run_id: str) -> Settled | Refusal:
        """Settle a doubt: it ran, and this is the run."""
        return await self._cases.doubting.it_ran(delivery, launch_id, run_id)

    async def it_did_not(self, delivery: Delivery, launch_id: str) -> Settled | Refusal:
        """Settle a doubt: nothing ran."""
        return await self._cases.doubting.it_did_not(delivery, launch_id)

    async def look_again(self, delivery: Delivery, launch_id: str) -> Settled | Refusal:
        """Look up a launch in doubt anew."""
        return await self._cases.doubting.look_again(delivery, launch_id)

    async def home_opened(self, delivery: Delivery) -> None:
        """Show this person their App Home, and keep it current."""
        await self._cases.homing.opened(delivery)

    async def launchable(self, delivery: Delivery, only: str | None = None) -> tuple[Launchable, ...] | Refusal:
        """What this person may launch in this channel."""
        return await self._cases.looking.launchable(delivery, only)

    async def inputs_of(self, connection: Connection, workflow: Workflow) -> tuple[InputSpec, ...]:
        """The inputs that a workflow takes."""
        return await self._cases.looking.inputs_of(connection, workflow)

    async def story(self, delivery: Delivery, launch_id: str) -> Story | Refusal:
        """One launch and everything that happened to it."""
        return await self._cases.looking.story(delivery, launch_id)

    async def recent(self, delivery: Delivery) -> tuple[Story, ...] | Refusal:
        """The newest launches of this channel."""
        return await self._cases.looking.recent(delivery)
