"""What a store should be, in plain Python, without any thought of a database: what the properties compare a real one with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain.model import Delivery, Event, Launch


@dataclass
class Claim:
    """Who holds something, until when."""

    holder: str | None = None
    until: datetime | None = None

    def is_free(self, now: datetime) -> bool:
        return self.until is None or self.until <= now

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
    attempts: int = 0
    is_given_up: bool = False

    @property
    def is_behind(self) -> bool:
        return self.told < self.wanted or bool(self.lines)

    def settle(self) -> None:
        self.attempts = 0
        if not self.is_behind:
            self.due_at = None


@dataclass
class ModelStore:
    """The same methods as ``Store``, told apart by nothing but that they are not awaited."""

    kept: dict[str, Kept] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    caused: dict[str, str] = field(default_factory=dict)

    def record_delivery(self, delivery: Delivery) -> bool:
        is_new = delivery.key not in self.deliveries.keys() | self.caused.keys()
        if is_new:
            self.deliveries[delivery.key] = delivery
        return is_new

    def finish_delivery(self, key: str) -> None:
        self.finished.add(key) if key in self.deliveries else None

    def unfinished_deliveries(self) -> list[Delivery]:
        waiting = [delivery for key, delivery in self.deliveries.items() if key not in self.finished]
        return sorted(waiting, key=lambda delivery: (delivery.received_at, delivery.key))

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

    def save(self, launch: Launch, event: Event | None, *, has_line: bool, keep_lease: bool, holder: str | None) -> bool:
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
            if not kept.is_given_up:
                kept.due_at = kept.due_at or (event.at if event else launch.updated_at)
        return True

    def lease_due(self, now: datetime, until: datetime, holder: str, limit: int) -> list[Launch]:
        due = [
            (kept.launch.due_at, launch_id)
            for launch_id, kept in self.kept.items()
            if kept.launch.due_at and kept.launch.due_at <= now and kept.lease.is_free(now)
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
        for claim in (claim for kept in self.kept.values() for claim in (kept.lease, kept.telling)):
            if claim.until and claim.holder == holder:
                claim.until = max(claim.until, until)

    def next_due(self) -> datetime | None:
        return min((kept.lease.opens_at(kept.launch.due_at) for kept in self.kept.values() if kept.launch.due_at), default=None)

    def lease_tellings(self, now: datetime, until: datetime, holder: str, limit: int) -> list[Kept]:
        due = [
            (not kept.launch.state.is_final, kept.due_at, launch_id)
            for launch_id, kept in self.kept.items()
            if kept.due_at and kept.due_at <= now and kept.telling.is_free(now)
        ]
        leased = [self.kept[launch_id] for *_, launch_id in sorted(due)[:limit]]
        for kept in leased:
            kept.telling.take(holder, until)
        return leased

    def card_told(self, launch_id: str, ts: str, version: int) -> None:
        kept = self.kept[launch_id]
        kept.ts, kept.told = ts, max(kept.told, version)
        kept.settle()

    def line_told(self, launch_id: str, seq: int) -> None:
        kept = self.kept[launch_id]
        if seq in kept.lines:
            kept.lines.remove(seq)
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
