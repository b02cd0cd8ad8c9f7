"""What a store should be, in plain Python, without any thought of a database: what the properties compare a real one with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.model import Delivery, Event, Launch, State


@dataclass
class Claim:
    """Who holds something, until when."""

    holder: str | None = None
    until: datetime | None = None

    def is_free(self, now: datetime, holder: str) -> bool:
        """For somebody: never for the one who had it last and did not give it back, since that one is still at work."""
        return self.until is None or (self.until <= now and self.holder != holder)

    def take(self, holder: str, until: datetime) -> None:
        self.holder, self.until = holder, until

    def drop(self) -> None:
        self.holder = self.until = None

    def opens_at(self, due_at: datetime) -> datetime:
        return max(due_at, self.until or due_at)


@dataclass
class Kept:
    """One launch and all that belongs to it. ``lines`` are the numbers of the events that Slack has yet to be told."""

    launch: Launch
    events: list[Event]
    wanted: int
    due_at: datetime | None
    lease: Claim = field(default_factory=Claim)
    telling: Claim = field(default_factory=Claim)
    ts: str | None = None
    told: int = 0
    lines: list[int] = field(default_factory=list)
    skipped: set[int] = field(default_factory=set)
    attempts: int = 0
    is_given_up: bool = False
    is_lost: bool = False

    @property
    def is_behind(self) -> bool:
        return self.told < self.wanted or bool(self.lines)

    @property
    def is_to_tell(self) -> bool:
        """What must be due, unless it was given up."""
        return self.is_urgent if self.is_lost else self.is_behind

    @property
    def is_urgent(self) -> bool:
        """Over, or in doubt."""
        return self.launch.state.is_final or self.launch.state is State.IN_DOUBT

    def settle(self) -> None:
        if not self.is_to_tell:
            self.due_at = None

    def find(self, ts: str, told: int) -> None:
        """It stands there after all."""
        self.ts, self.told = ts, told
        self.is_lost = self.is_given_up = False


@dataclass
class ModelStore:
    """The same methods as ``Store``, told apart by nothing but that they are not awaited."""

    kept: dict[str, Kept] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    works: dict[str, Claim] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    caused: dict[str, str] = field(default_factory=dict)

    def record_delivery(self, delivery: Delivery, holder: str, until: datetime | None) -> bool:
        is_new = delivery.key not in self.deliveries.keys() | self.caused.keys()
        if is_new:
            self.deliveries[delivery.key] = delivery
            self.works[delivery.key] = Claim(holder=holder if until else None, until=until)
        return is_new

    def finish_delivery(self, key: str) -> None:
        self.finished.add(key) if key in self.deliveries else None

    def unfinished(self) -> list[Delivery]:
        waiting = [delivery for key, delivery in self.deliveries.items() if key not in self.finished]
        return sorted(waiting, key=lambda delivery: (delivery.received_at, delivery.key))

    def lease_deliveries(self, now: datetime, until: datetime, holder: str, limit: int) -> list[Delivery]:
        leased = [delivery for delivery in self.unfinished() if self.works[delivery.key].is_free(now, holder)][:limit]
        for delivery in leased:
            self.works[delivery.key].take(holder, until)
        return leased

    def next_delivery(self) -> datetime | None:
        return min((self.works[waiting.key].until or waiting.received_at for waiting in self.unfinished()), default=None)

    def create(self, launch: Launch, event: Event, delivery_key: str) -> Launch | str | None:
        if delivery_key in self.caused:
            return self.kept[self.caused[delivery_key]].launch
        if launch.launch_id in self.kept:
            return "taken"
        events = [replace(event, seq=1)]
        self.kept[launch.launch_id] = Kept(launch=launch, events=events, wanted=launch.version, due_at=event.at)
        self.caused[delivery_key] = launch.launch_id
        self.finished.add(delivery_key)
        return None

    def save(
        self,
        launch: Launch,
        event: Event | None,
        *,
        has_line: bool,
        keep_lease: bool,
        holder: str | None,
        delivery_key: str | None,
    ) -> bool:
        kept = self.kept[launch.launch_id]
        if launch.version != kept.launch.version or holder not in {None, kept.lease.holder}:
            return False
        is_seen = event is not None or launch.state != kept.launch.state
        kept.launch = replace(launch, version=launch.version + 1)
        if not keep_lease:
            kept.lease.drop()
        if event is not None:
            kept.events.append(replace(event, seq=len(kept.events) + 1))
            kept.lines += [len(kept.events)] if has_line else []
        if is_seen:
            kept.wanted = kept.launch.version
            kept.due_at = kept.due_at or (event.at if event else launch.updated_at)
            if kept.is_given_up or not kept.is_to_tell:
                kept.due_at = None
        if delivery_key is not None:
            self.finish_delivery(delivery_key)
        return True

    def bound_runs(self, connection: str) -> set[str | None]:
        return {kept.launch.run_id for kept in self.kept.values() if kept.launch.connection == connection} - {None}

    def has_rivals(self, launch: Launch, within: timedelta) -> bool:
        return any(
            kept.launch.state in {State.STARTING, State.IN_DOUBT}
            and kept.launch.launch_id != launch.launch_id
            and kept.launch.sent_at is not None
            and launch.sent_at is not None
            and abs(kept.launch.sent_at - launch.sent_at) <= within
            for kept in self.kept.values()
        )

    def lease_due(self, now: datetime, until: datetime, holder: str, limit: int) -> list[Launch]:
        due = [
            (kept.launch.due_at, launch_id)
            for launch_id, kept in self.kept.items()
            if kept.launch.due_at and kept.launch.due_at <= now and kept.lease.is_free(now, holder)
        ]
        leased = [self.kept[launch_id] for _, launch_id in sorted(due)[:limit]]
        for kept in leased:
            kept.launch = replace(kept.launch, version=kept.launch.version + 1)
            kept.lease.take(holder, until)
        return [kept.launch for kept in leased]

    def release(self, launch_id: str, holder: str) -> None:
        if self.kept[launch_id].lease.holder == holder:
            self.kept[launch_id].lease.drop()

    def renew_leases(self, holder: str, until: datetime) -> None:
        held = [claim for kept in self.kept.values() for claim in (kept.lease, kept.telling)]
        for claim in (*held, *(self.works[delivery.key] for delivery in self.unfinished())):
            if claim.until and claim.holder == holder:
                claim.until = max(claim.until, until)

    def next_due(self) -> datetime | None:
        return min((kept.lease.opens_at(kept.launch.due_at) for kept in self.kept.values() if kept.launch.due_at), default=None)

    def lease_tellings(self, now: datetime, until: datetime, holder: str, limit: int) -> list[Kept]:
        due = [
            (not kept.is_urgent, kept.due_at, launch_id)
            for launch_id, kept in self.kept.items()
            if kept.due_at and kept.due_at <= now and kept.telling.is_free(now, holder)
        ]
        leased = [self.kept[launch_id] for *_, launch_id in sorted(due)[:limit]]
        for kept in leased:
            kept.telling.take(holder, until)
        return leased

    def card_told(self, launch_id: str, ts: str, version: int) -> None:
        kept = self.kept[launch_id]
        if kept.is_lost:
            kept.find(ts, told=version)
            kept.due_at = kept.due_at or kept.events[-1].at
        if version < kept.told and not kept.is_given_up:
            kept.due_at = kept.due_at or kept.events[-1].at
        kept.ts, kept.told, kept.attempts = ts, max(kept.told, version) if kept.is_given_up else version, 0
        kept.settle()

    def card_lost(self, launch_id: str, version: int) -> None:
        kept = self.kept[launch_id]
        if kept.ts is None:
            kept.is_lost, kept.told = True, max(kept.told, version)
            kept.settle()

    def card_found(self, launch_id: str, ts: str) -> None:
        kept = self.kept[launch_id]
        if kept.is_lost:
            kept.find(ts, told=0)
            kept.due_at, kept.attempts = kept.events[-1].at, 0
            kept.telling.drop()

    def line_told(self, launch_id: str, seq: int, *, is_skipped: bool = False) -> None:
        """A skipped line that is told after all stood there: it breaks the row of failures as any other does."""
        kept = self.kept[launch_id]
        if seq in kept.lines:
            kept.lines.remove(seq)
            kept.skipped |= {seq} if is_skipped else set()
        elif is_skipped or seq not in kept.skipped:
            return
        if not is_skipped:
            kept.skipped.discard(seq)
            kept.attempts = 0
        kept.settle()

    def telling_done(self, launch_id: str, holder: str) -> None:
        kept = self.kept[launch_id]
        if kept.telling.holder == holder:
            kept.telling.drop()
            kept.due_at = kept.due_at and max(kept.due_at, kept.events[-1].at)

    def telling_failed(self, launch_id: str, retry_at: datetime | None, holder: str | None) -> None:
        kept = self.kept[launch_id]
        if holder in {None, kept.telling.holder}:
            kept.telling.drop()
            kept.attempts += 1
            kept.is_given_up |= bool(kept.due_at and not retry_at)
            kept.due_at = kept.due_at and retry_at

    def next_telling(self) -> datetime | None:
        return min((kept.telling.opens_at(kept.due_at) for kept in self.kept.values() if kept.due_at), default=None)
