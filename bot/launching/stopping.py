"""A wish to stop a launch. Before it is sent it simply does not happen; after that the provider is asked by the worker.

Who may stop: whoever may launch it here, under the scope that stopping needs; and its requester as long as nothing was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.domain.lifecycle import can_happen, step
from bot.domain.model import Connection, Delivery, Event, EventKind, Launch, State, Workflow
from bot.domain.policy import Asker, Deny
from bot.domain.provider import Provider
from bot.launching.judging import Judge
from bot.launching.outcomes import CancelTaken, Refusal, refused
from bot.ports import Clock, Store

TRIES = 5
_UNSENT = frozenset({State.AWAITING_APPROVAL, State.QUEUED})


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """Stops launches. ``ring`` wakes the worker."""

    store: Store
    judge: Judge
    clock: Clock
    providers: Mapping[str, Provider]
    connections: Mapping[str, Connection]
    ring: Callable[[], None]

    async def cancel(self, delivery: Delivery, launch_id: str) -> CancelTaken | Refusal:
        """Keep the wish to stop a launch of this channel, or say why it cannot be stopped."""
        stranger = await self.judge.member(delivery)
        if stranger is not None:
            return stranger
        asker = await self.judge.person_here(delivery)
        for _ in range(TRIES):
            launch = await self.store.launch(launch_id.upper())
            if launch is None:
                return refused("unknown_launch", typed=launch_id)
            answer = await self._may_not(delivery, launch, asker) or await self._cancel(delivery, launch)
            if answer is not None:
                return answer
        return refused("cannot_cancel", launch_id=launch_id.upper(), state="changing at this moment")

    async def _may_not(self, delivery: Delivery, launch: Launch, asker: Asker | Refusal) -> Refusal | None:
        """What was not sent its requester may always stop, whatever became of the channel's policy since."""
        if delivery.channel_id != launch.channel_id:
            return refused("launch_elsewhere", launch_id=launch.launch_id)
        if launch.state in _UNSENT and delivery.user_id == launch.requester_id:
            return None
        if isinstance(asker, Refusal):
            return asker
        connection = self.connections.get(launch.connection)
        if connection is None:
            return refused("cannot_cancel", launch_id=launch.launch_id, state=launch.state.word)
        workflow = Workflow(workflow_id=launch.workflow_id, name=launch.workflow_name, extras=launch.extras)
        decision = await self.judge.decide("cancel", connection, workflow, asker)
        return Refusal(reasons=decision.reasons) if isinstance(decision, Deny) else None

    async def _cancel(self, delivery: Delivery, launch: Launch) -> CancelTaken | Refusal | None:
        """None when somebody else changed the launch in between: look again."""
        if launch.cancel_asked_by is not None and not launch.state.is_final:
            return CancelTaken(launch=launch, is_repeated=True)
        kind = EventKind.CANCELLED if launch.state in _UNSENT else EventKind.CANCEL_ASKED
        if not can_happen(launch, kind):
            return refused("cannot_cancel", launch_id=launch.launch_id, state=launch.state.word)
        provider = self.providers[launch.provider]
        connection = self.connections.get(launch.connection)
        if kind is EventKind.CANCEL_ASKED and (connection is None or not provider.cancels(connection)):
            return refused("cancel_unsupported", launch_id=launch.launch_id, provider=provider.title)
        event = Event(launch_id=launch.launch_id, kind=kind, at=self.clock.now(), actor=delivery.user_id)
        stopped = step(launch, event)
        if not await self.store.save(stopped, event, has_line=True, keep_lease=True, delivery_key=delivery.key):
            return None
        self.ring()
        return CancelTaken(launch=replace(stopped, version=stopped.version + 1))
