"""Acts on launches that are due: starts, recovers, tracks and stops them at their provider.

Decides nothing: domain/reactions, doubts and setbacks do. STARTING is committed before the first byte is sent, so whoever finds
a launch in STARTING knows that it was possibly sent.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar, assert_never

import structlog
from prometheus_client import Counter

from bot.domain.approval_terms import fall_due
from bot.domain.doubts import RIVALS_WITHIN, Surroundings, after_find, first_look, late_answer
from bot.domain.lifecycle import step
from bot.domain.model import Connection, Event, EventKind, Launch, State
from bot.domain.pacing import Plan, told_duration_s
from bot.domain.provider import Answer, Exchange, Matches, Observed, Provider, StartAnswer, TrackAnswer, Unreachable
from bot.domain.reactions import Moment, Reaction, after_cancel, after_start, after_track, is_resendable, possibly_applied
from bot.domain.setbacks import (
    found_before,
    is_repeated,
    no_longer_allowed,
    place_of,
    put_off,
    sent_elsewhere,
    unwanted,
    was_sent_there,
    without_connection,
)
from bot.ports import Clock, Gate, Go, NoGo, Reopen, Store, Wait, Wire
from bot.surfaces.cards import has_line
from bot.worker.keeping import kept
from bot.worker.loop import what_is_ours
from bot.worker.pacing import PacedWire, Plans, resting

STOPPED = "The bot was stopped while the start was under way."
AT_ONCE_PER_CONNECTION = 64
"""Four times what is in flight on a connection's wire: the others are being judged, or recorded."""
TELL_THEIR_DURATION = frozenset({State.SUCCEEDED, State.FAILED, State.ENDED})

A = TypeVar("A")
_log = structlog.get_logger("gonogo.worker")
EVENTS = Counter("gonogo_launch_events", "Events of launches", ["connection", "kind"])


class Hears(Protocol):
    """Learns from answers what the credential holds. Never raises."""

    async def __call__(self, launch: Launch, answer: Answer, *, verb: str) -> None:
        """``answer`` came to this ``verb`` of ``launch``."""
        ...


@dataclass(frozen=True, kw_only=True)
class LaunchWork:
    """The work of the launches loop. ``lease`` is how long a claim holds unless it is renewed; ``hears`` learns from answers.

    ``plans`` says when runs of a known length are asked about. ``is_tracking``: it asks about runs itself, one after the other; else
    a ``TrackWork`` beside it does, and no connection holds more than its part of what is in flight. ``stored`` is a launch as
    the store would give it: with it, new launches may be handed over directly (handing.py). ``paced`` is told of every refusal
    (429), and says which connections rest because of one; else nothing that is sent here is paced.
    """

    store: Store
    wire: Wire
    gate: Gate
    clock: Clock
    providers: Mapping[str, Provider]
    connections: Mapping[str, Connection]
    holder: str
    lease: timedelta
    at_once: int = 256
    hears: Hears | None = None
    plans: Plans | None = None
    paced: PacedWire | None = None
    is_tracking: bool = True
    stored: Callable[[Launch], Launch] | None = None
    _under_way: collections.Counter[str] = field(init=False, default_factory=collections.Counter[str])

    async def claim(self, limit: int) -> Sequence[Launch]:
        """Launches that are due, now leased to us."""
        now = self.clock.now()
        if self.is_tracking:
            return await self.store.lease_due(now=now, until=now + self.lease, holder=self.holder, limit=limit)
        claimed: list[Launch] = []
        with what_is_ours(claimed):
            for name, at in (await self._due_with_room()).items():
                if at <= now and len(claimed) < limit:
                    claimed += await self._claimed(name, now, limit - len(claimed))
        return claimed

    async def next_due(self) -> datetime | None:
        """When the next launch is due (that there is room for: the end of another rings)."""
        return await self.store.next_due() if self.is_tracking else min((await self._due_with_room()).values(), default=None)

    async def _due_with_room(self) -> dict[str, datetime]:
        """When something else than a look is due, by connection; the longest waiting first."""
        due = await self.store.next_by_connection(is_tracked=False, now=self.clock.now())
        return {name: due[name] for name in sorted(due, key=due.__getitem__) if self.has_room(name)}

    def has_room(self, connection: str) -> bool:
        """Whether a connection may have one more in flight."""
        return self._under_way[connection] < AT_ONCE_PER_CONNECTION

    def enter(self, connection: str) -> None:
        """One more of a connection is in flight, or about to be: ``act`` ends that, or ``left``."""
        self._under_way[connection] += 1

    def left(self, connection: str) -> None:
        """One of them is not, after all."""
        self._under_way[connection] -= 1

    async def _claimed(self, name: str, now: datetime, limit: int) -> Sequence[Launch]:
        room, until = min(limit, AT_ONCE_PER_CONNECTION - self._under_way[name]), self.clock.now() + self.lease
        if room <= 0:  # handed over meanwhile
            return ()
        claimed = await self.store.lease_of(name, is_tracked=False, now=now, until=until, holder=self.holder, limit=room)
        self._under_way[name] += len(claimed)
        return claimed

    async def give_back(self, launch: Launch) -> None:
        """Let go of a launch that could not be acted on."""
        await self.store.release(launch.launch_id, self.holder)

    async def act(self, launch: Launch) -> None:
        """Do what is due for one launch that was claimed."""
        try:
            await self.attend(launch)
        finally:
            self.left(launch.connection)

    async def attend(self, launch: Launch) -> None:
        """Do what is due for one launch."""
        connection = self.connections.get(launch.connection)
        if launch.state is State.AWAITING_APPROVAL:
            await self._save(fall_due(launch, await self.store.events(launch.launch_id), self.clock.now()))
        elif connection is None or connection.provider != launch.provider:
            await self._save(without_connection(launch, self.clock.now()))
        elif launch.state is State.QUEUED and launch.cancel_asked_by is not None:
            await self._save(unwanted(launch, self.clock.now()))
        elif (until := self._paused_until(launch)) is not None:
            await self._save(resting(launch, until, self.clock.now()))
        elif launch.state is State.QUEUED:
            await self._ask_and_start(launch, connection)
        elif launch.state is State.STARTING:
            await self._recover(launch, connection)
        elif launch.state is State.IN_DOUBT:
            await self._settle(launch, connection)
        elif launch.cancel_asked_by and not launch.is_cancel_sent:
            await self._cancel(launch, connection)
        else:
            await self._track(launch, connection)

    def _paused_until(self, launch: Launch) -> datetime | None:
        """Until when nothing is sent for a launch, because its connection rests.

        None where it may be, and where it must not wait: a start that was perhaps applied is in doubt once its key is over.
        """
        until = None if self.paced is None else self.paced.paused_until(launch.connection)
        if until is None or launch.state is not State.STARTING:
            return until
        return until if is_resendable(launch, self.providers[launch.provider], until) else None

    async def _ask_and_start(self, launch: Launch, connection: Connection) -> None:
        """Start it, unless what allowed it does so no longer."""
        answer = await self.gate.may_start(launch)
        now = self.clock.now()
        match answer:
            case Go():
                await self._start(launch, connection, answer)
            case Wait():
                again_after = timedelta(seconds=answer.again_after_s)
                await self._save(put_off(launch, answer.detail, now, again_after=again_after))
            case NoGo():
                await self._save(no_longer_allowed(launch, answer.reasons, now))
            case Reopen():
                await self._save(answer.reaction)
            case _:
                assert_never(answer)

    async def _start(self, launch: Launch, connection: Connection, go: Go | None = None) -> None:
        """Commit STARTING, send, record what came of it.

        The place on the wire comes first: what waits for one is not sent, and must not look as if it was. Whether it may start
        is asked again when that took so long that the answer is no longer good, or when what had a place before was refused.
        """
        provider = self.providers[launch.provider]
        if self.connections.get(connection.name) != connection:  # a reload since it was judged: the place would be elsewhere
            await self.store.release(launch.launch_id, self.holder)
            return
        async with self.wire.place(connection.name) as perform:
            if (until := self._paused_until(launch)) is not None:
                await self._save(resting(launch, until, self.clock.now()))
                return
            if go is not None and not self.gate.still_holds(launch, go):
                await self.store.release(launch.launch_id, self.holder)
                return
            now = self.clock.now()
            facts = {"place": place_of(connection)}
            event = Event(launch_id=launch.launch_id, kind=EventKind.STARTING, at=now, facts=facts)
            starting = replace(step(launch, event), due_at=now)
            sent = replace(starting, version=launch.version + 1)
            is_kept = await self._is_saved(Reaction(launch=starting, event=event), keep_lease=True)
            if not (is_kept or await self._stands(sent)):
                await self.store.release(launch.launch_id, self.holder)
                return
            answer: StartAnswer = await perform(_sent_before(now + self.lease, provider.start(sent, connection)))
            self._learn(connection, answer)  # before the next one has the place
        await self._save_start(sent, answer, connection)
        await self._heard(sent, answer, "start")

    async def _stands(self, sent: Launch) -> bool:
        """Whether it is stored just so: then it was we who wrote it, nobody has since, and only the answer to that was lost."""
        stored = await self.store.launch(sent.launch_id)
        marks = (sent.version, sent.state, sent.attempts, sent.sent_at)
        return stored is not None and (stored.version, stored.state, stored.attempts, stored.sent_at) == marks

    async def _recover(self, launch: Launch, connection: Connection) -> None:
        """A start whose answer nobody recorded: sent again under the same key where that is safe, else in doubt."""
        provider = self.providers[launch.provider]
        is_there = was_sent_there(connection, await self.store.events(launch.launch_id))
        if is_there and is_resendable(launch, provider, self.clock.now()):
            await self._start(launch, connection)
            return
        moment = self._moment(connection)
        lost = possibly_applied(launch, STOPPED, provider, moment) if is_there else sent_elsewhere(launch, moment.now)
        await self._save(first_look(lost, can_find=provider.can_find(connection), moment=moment))

    async def _settle(self, launch: Launch, connection: Connection) -> None:
        """Look once more for the run of a lost start."""
        provider = self.providers[launch.provider]
        answer = await self._perform(connection, provider.find(launch, connection))
        candidates = answer.candidates if isinstance(answer, Matches) else ()
        run_ids = frozenset(candidate.run_id for candidate in candidates)
        around = Surroundings(
            bound=await self.store.bound_runs(launch.connection, run_ids),
            has_rivals=await self.store.has_rivals(launch, within=RIVALS_WITHIN),
            is_proof=provider.is_find_proof,
            found_before=found_before(await self.store.events(launch.launch_id)),
        )
        reaction = after_find(launch, answer, around, self._moment(connection))
        await self._save(_with_link(reaction, provider, connection))

    async def _track(self, launch: Launch, connection: Connection) -> None:
        provider = self.providers[launch.provider]
        await self.looked(launch, await self._perform(connection, provider.track(launch, connection)), connection)

    async def looked(self, launch: Launch, answer: TrackAnswer, connection: Connection) -> None:
        """Record what a look at a run brought."""
        provider = self.providers[launch.provider]
        await self._heard(launch, answer, "track")
        moment = replace(self._moment(connection), plan=await self._plan(launch, connection))
        reaction = after_track(launch, answer, provider, moment)
        took_s = told_duration_s(launch, moment.now) if reaction.launch.state in TELL_THEIR_DURATION else None
        await self._save(_with_link(reaction, provider, connection), took_s=took_s)

    async def unchanged(self, launch: Launch, answer: TrackAnswer, connection: Connection, asked_at: datetime) -> Launch | None:
        """The launch with the time of its next look, counted from ``asked_at``; None where the answer says something new."""
        if not isinstance(answer, Observed):
            return None
        moment = replace(self._moment(connection), now=asked_at, plan=await self._plan(launch, connection))
        reaction = after_track(launch, answer, self.providers[launch.provider], moment)
        return reaction.launch if reaction.event is None else None

    async def _plan(self, launch: Launch, connection: Connection) -> Plan | None:
        return None if self.plans is None else await self.plans.of(launch, connection, self.providers[launch.provider])

    async def _cancel(self, launch: Launch, connection: Connection) -> None:
        provider = self.providers[launch.provider]
        answer = await self._perform(connection, provider.cancel(launch, connection))
        await self._heard(launch, answer, "cancel")
        reaction = after_cancel(launch, answer, provider, self._moment(connection))
        await self._save(_with_link(reaction, provider, connection))

    async def _heard(self, launch: Launch, answer: Answer, verb: str) -> None:
        """Let the mirror of the credential learn from what was answered."""
        if self.hears is not None:
            await self.hears(launch, answer, verb=verb)

    async def _perform(self, connection: Connection, exchange: Exchange[A]) -> A | Unreachable:
        answer = await self.wire.perform(connection.name, exchange)
        self._learn(connection, answer)
        return answer

    def _learn(self, connection: Connection, answer: Any) -> None:
        if self.paced is not None:
            self.paced.learnt(connection.name, answer)

    async def _save_start(self, sent: Launch, answer: StartAnswer, connection: Connection) -> None:
        """Record what came of a start. A cancel asked meanwhile changed the launch: then it is decided anew on what is stored.

        The lease is not given back in between: whoever took the launch then would find a start without an answer.
        """
        plan = await self._plan(sent, connection)
        if await self._is_saved(self._after_start(sent, answer, connection, plan)):
            return
        stored = await self.store.launch(sent.launch_id)
        if stored is not None and stored.state is State.IN_DOUBT:
            await self._save_late(stored, answer, connection)
            return
        if stored is None or stored.state is not State.STARTING:
            _log.warning("start_recorded_by_another", launch_id=sent.launch_id)
            return
        reaction = self._after_start(stored, answer, connection, plan)
        if stored.cancel_asked_by is not None and reaction.launch.state is State.RUNNING:
            reaction = replace(reaction, launch=replace(reaction.launch, due_at=self.clock.now()))
        await self._save(reaction)

    async def _save_late(self, stored: Launch, answer: StartAnswer, connection: Connection) -> None:
        """Somebody took us for dead and called the launch in doubt; the answer that came after all settles it."""
        reaction = late_answer(stored, answer, self._moment(connection))
        if reaction is None:
            return
        linked = _with_link(reaction, self.providers[stored.provider], connection)
        await self.store.save(linked.launch, linked.event, has_line=True, keep_lease=True)

    def _after_start(self, launch: Launch, answer: StartAnswer, connection: Connection, plan: Plan | None) -> Reaction:
        provider, moment = self.providers[launch.provider], replace(self._moment(connection), plan=plan)
        reaction = _with_link(after_start(launch, answer, provider, moment), provider, connection)
        return first_look(reaction, can_find=provider.can_find(connection), moment=moment)

    async def _save(self, reaction: Reaction, *, took_s: float | None = None) -> None:
        """Record, or give the launch back to be looked at anew: somebody else changed it meanwhile."""
        if not await self._is_saved(reaction, took_s=took_s):
            await self.store.release(reaction.launch.launch_id, self.holder)

    async def _is_saved(self, reaction: Reaction, *, keep_lease: bool = False, took_s: float | None = None) -> bool:
        launch, event = reaction.launch, reaction.event
        is_shown = event is not None and has_line(event) and not is_repeated(launch, event)

        async def save() -> bool:
            until = self.clock.now() + self.lease if keep_lease else None
            return await self.store.save(
                launch, event, has_line=is_shown, keep_lease=keep_lease, holder=self.holder, took_s=took_s, until=until
            )

        is_saved = await kept(self.clock, launch.launch_id, save)
        if event is not None and is_saved:
            EVENTS.labels(connection=launch.connection, kind=event.kind).inc()
            _log.info("launch_event", launch_id=launch.launch_id, kind=event.kind, state=launch.state, provider=launch.provider)
        return is_saved

    def _moment(self, connection: Connection) -> Moment:
        return Moment(now=self.clock.now(), jitter=self.clock.jitter(), poll_every_s=connection.poll_every_s)


def _sent_before(time: datetime, exchange: Exchange[A]) -> Exchange[A]:
    """The same exchange, none of whose calls may leave after ``time``.

    Saving STARTING has made the lease hold until then. Whoever wakes later from a pause must not start what another has taken over,
    and what people may have settled since.
    """
    try:
        call = next(exchange)
        while True:
            call = exchange.send((yield replace(call, sent_before=time)))
    except StopIteration as stop:
        answer: A = stop.value
        return answer
    finally:
        exchange.close()


def _with_link(reaction: Reaction, provider: Provider, connection: Connection) -> Reaction:
    """Add the run's address, as soon as the run has an id. Once, to the launch: an address in each event was a sixth of the store."""
    launch = reaction.launch
    url = provider.link(launch, connection) if launch.run_id and reaction.event is not None else None
    return reaction if url is None else replace(reaction, launch=replace(launch, run_url=url))
