"""People settle what a look-up could not: it ran (and this is the run), it did not, look again. Who said what is kept as an event.

Who may: whoever may launch that workflow here. The run that a person names is verified at the provider, and must be no other launch's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from bot.domain.lifecycle import step
from bot.domain.model import Connection, Delivery, Event, EventKind, Json, Launch, State, Workflow
from bot.domain.policy import Asker, Deny
from bot.domain.provider import Busy, Confirmed, Denied, Provider, Refused, Unauthorised, Unreachable, Unverifiable
from bot.launching.judging import Judge
from bot.launching.outcomes import Refusal, Settled, refused
from bot.ports import Clock, Store, Thread, Wire
from bot.surfaces import forms

LONGEST_RUN_ID = 200
TRIES = 5


@dataclass(frozen=True, kw_only=True)
class Doubting:
    """Settles doubts by what people say. ``ring`` wakes the worker."""

    store: Store
    wire: Wire
    thread: Thread
    judge: Judge
    clock: Clock
    providers: Mapping[str, Provider]
    connections: Mapping[str, Connection]
    ring: Callable[[], None]

    async def ask_for_run(self, delivery: Delivery, launch_id: str) -> Refusal | None:
        """Open the form that asks which run it is; None when it is open.

        Raises:
            ThreadError: Slack did not open it (the press is too long ago).
        """
        found = await self._in_doubt(delivery, launch_id)
        if isinstance(found, Refusal):
            return found
        await self.thread.open_form(delivery.trigger_id or "", forms.ran_form(found, opened_by=delivery.key))
        return None

    async def it_ran(self, delivery: Delivery, launch_id: str, run_id: str) -> Settled | Refusal:
        """The named run is this launch's, if the provider does not say otherwise."""
        found = await self._in_doubt(delivery, launch_id)
        if isinstance(found, Refusal):
            return found
        if not run_id or len(run_id) > LONGEST_RUN_ID:
            return refused("run_not_named", launch_id=found.launch_id)
        if await self.store.bound_runs(found.connection, frozenset({run_id})):
            return refused("run_of_another", launch_id=found.launch_id, run_id=run_id)
        facts = await self._verified(found, run_id)
        return facts if isinstance(facts, Refusal) else await self._settle(delivery, found, EventKind.ADOPTED, facts)

    async def _verified(self, launch: Launch, run_id: str) -> Mapping[str, Json] | Refusal:
        """What the provider says about the named run, as the facts of its adoption."""
        provider, connection = self.providers[launch.provider], self.connections.get(launch.connection)
        if connection is None:
            return refused("not_in_doubt", launch_id=launch.launch_id, state=launch.state.word)
        answer = await self.wire.perform(launch.connection, provider.confirm(launch, run_id, connection))
        match answer:
            case Confirmed():
                return {"run_id": answer.run_id, "provider_status": answer.provider_status}
            case Unverifiable():
                return {"run_id": run_id, "unverified": answer.meaning}
            case Denied():
                return refused("run_denied", launch_id=launch.launch_id, run_id=run_id, meaning=answer.meaning)
            case Refused() | Unauthorised() | Busy():
                return refused("run_not_verified", run_id=run_id, provider=provider.title, cause=answer.meaning)
            case Unreachable():
                return refused("run_not_verified", run_id=run_id, provider=provider.title, cause=answer.detail)
            case _:
                assert_never(answer)

    async def it_did_not(self, delivery: Delivery, launch_id: str) -> Settled | Refusal:
        """Nothing ran: the start failed, on this person's word."""
        found = await self._in_doubt(delivery, launch_id)
        if isinstance(found, Refusal):
            return found
        return await self._settle(delivery, found, EventKind.FAILED, {"said_not_run": True})

    async def look_again(self, delivery: Delivery, launch_id: str) -> Settled | Refusal:
        """Look the run up anew, from the first pause on."""
        found = await self._in_doubt(delivery, launch_id)
        if isinstance(found, Refusal):
            return found
        provider = self.providers[found.provider]
        connection = self.connections.get(found.connection)
        if connection is None or not provider.can_find(connection):
            return refused("no_look_up", launch_id=found.launch_id, provider=provider.title)
        return await self._settle(delivery, found, EventKind.LOOK_ASKED, {})

    async def _in_doubt(self, delivery: Delivery, launch_id: str) -> Launch | Refusal:
        """The launch, when it is in doubt and this person may settle it."""
        stranger = await self.judge.member(delivery)
        if stranger is not None:
            return stranger
        launch = await self.store.launch(launch_id.upper())
        if launch is None:
            return refused("unknown_launch", typed=launch_id)
        if delivery.channel_id.startswith("D") and delivery.user_id == launch.requester_id:
            # The requester was told directly, because the channel could not be: its grants still decide.
            delivery = replace(delivery, channel_id=launch.channel_id)
            asker = await self.judge.person_as_if_in(delivery.user_id, launch.channel_id)
        else:
            asker = await self.judge.person_here(delivery)
        return asker if isinstance(asker, Refusal) else await self._may_not(delivery, launch, asker) or launch

    async def _may_not(self, delivery: Delivery, launch: Launch, asker: Asker) -> Refusal | None:
        if delivery.channel_id != launch.channel_id:
            return refused("launch_elsewhere", launch_id=launch.launch_id)
        connection = self.connections.get(launch.connection)
        if launch.state is not State.IN_DOUBT or connection is None:
            return refused("not_in_doubt", launch_id=launch.launch_id, state=launch.state.word)
        workflow = Workflow(workflow_id=launch.workflow_id, name=launch.workflow_name, extras=launch.extras)
        decision = await self.judge.decide("settle", connection, workflow, asker)
        return Refusal(reasons=decision.reasons) if isinstance(decision, Deny) else None

    async def _settle(self, delivery: Delivery, launch: Launch, kind: EventKind, facts: Mapping[str, Json]) -> Settled | Refusal:
        """Write it down. What changed in between is judged anew, as it stands then: mostly the worker just took it up.

        The provider is not asked again about a run that it confirmed: that could take longer than the worker's next look.
        """
        for _ in range(TRIES):
            settled = await self._saved(delivery, launch, kind, facts)
            if settled is not None:
                return settled
            found = await self._in_doubt(delivery, launch.launch_id)
            if isinstance(found, Refusal):
                return found
            run_id = str(facts.get("run_id"))
            if kind is EventKind.ADOPTED and await self.store.bound_runs(found.connection, frozenset({run_id})):
                return refused("run_of_another", launch_id=found.launch_id, run_id=run_id)
            launch = found
        return refused("busy_launch", launch_id=launch.launch_id)

    async def _saved(self, delivery: Delivery, launch: Launch, kind: EventKind, facts: Mapping[str, Json]) -> Settled | None:
        """None when somebody else changed the launch in between, or has the run that it is to adopt."""
        known = {name: value for name, value in facts.items() if value is not None}
        event = Event(launch_id=launch.launch_id, kind=kind, at=self.clock.now(), actor=delivery.user_id, facts=known)
        settled = step(launch, event)
        if not await self.store.save(settled, event, has_line=True, keep_lease=True, delivery_key=delivery.key):
            return None
        self.ring()
        return Settled(launch=replace(settled, version=settled.version + 1), event=event)
