"""Asks about runs: by connection, within its budget, and by lists where those answer for many.

What a look brought is recorded launch by launch, as ``LaunchWork`` does; here is only decided who is asked about when, and how.

Why a connection is asked by list at most once in the pause of even polling: each list answers for all that fall due
until the next one. And why what a list lacks is looked at singly, a few at a time: the rest is due again at once, and nothing was
concluded of it.

Why claims are bounded by connection: a provider that answers slowly must not hold what others' runs wait for. And why lists are
bounded by the launches that they hold all together, each without what asking does not need, and are let go of page by page: memory
must not grow with the runs.

Why a list is begun before the next one is claimed, and each page recorded, and told, before the next one is asked: with a thousand
runs at each of ten connections both together made ends known at 1.6 to 2.3 times the mean lag of even polling.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from bot.domain.model import NOTHING, Connection, Launch
from bot.domain.provider import Exchange, Provider, TrackAnswer, TrackedMany
from bot.worker.launches import LaunchWork
from bot.worker.loop import what_is_ours
from bot.worker.pacing import PacedWire, even_pause_s

SINGLY_AT_ONCE = 32
LISTED_AT_ONCE = 1000
LISTED_TOGETHER = 2000
"""Of all connections: once so many are held by lists that are under way, the next one waits. A launch takes about 600 bytes."""
ROOM_WITHIN = timedelta(milliseconds=500)
"""How long it waits until it looks again: with each page some are let go of."""
CLAIMED_AT_ONCE = 100
RECORDED_AT_ONCE = 100
REST = timedelta(milliseconds=100)
"""Between two claims of one connection: what falls due in between is claimed together."""
LISTS_TAKE_LONG = timedelta(seconds=5)
"""Nobody waits for a list that is under way: its end rings."""
MISSING_AT_ONCE = 8

_log = structlog.get_logger("gonogo.worker")


@dataclass(frozen=True)
class Batch:
    """Launches of one connection that are looked at together. ``left``: those that are not done yet."""

    connection: str
    left: dict[str, Launch]


def slim(launch: Launch) -> Launch:
    """A launch as far as it takes to ask about its run, and to say that nothing is new: a quarter of what it takes in memory."""
    return replace(
        launch,
        **dict.fromkeys(("extras", "inputs", "outputs", "approval"), NOTHING),
        run_url=None,
        created_at=launch.sent_at or launch.created_at,
        updated_at=launch.sent_at or launch.created_at,
    )


@dataclass(frozen=True, kw_only=True)
class TrackWork:
    """The work of asking about runs, beside a ``LaunchWork`` that leaves it to us; ``launches`` is one over the paced wire.

    ``ring`` wakes those who tell what was recorded, while a list is still under way. ``listed_together`` bounds what lists hold.
    """

    launches: LaunchWork
    wire: PacedWire
    ring: Callable[[], None] = lambda: None
    at_once: int = 256
    listed_together: int = LISTED_TOGETHER
    _under_way: Counter[str] = field(init=False, default_factory=Counter[str])
    _listing: set[str] = field(init=False, default_factory=set[str])
    _not_before: dict[str, datetime] = field(init=False, default_factory=dict[str, datetime])

    async def claim(self, limit: int) -> Sequence[Batch]:
        """Batches of launches that are due, now leased to us; the longest waiting connection first, and none after a list."""
        now = self.launches.clock.now()
        due = await self.launches.store.next_by_connection(is_tracked=True, now=now)
        names = [name for name in sorted(due, key=due.__getitem__) if due[name] <= now]
        batches: list[Batch] = []
        with what_is_ours(batches):
            for name in names:
                if len(batches) >= limit:
                    break
                if self._may_claim_at(name, now) <= now:  # which the one before may have changed
                    batches += [batch for batch in (await self._claimed(name, now),) if batch.left]
                    if name in self._listing:
                        break
        return batches

    async def next_due(self) -> datetime | None:
        """When there is a run to be asked about, and a call to ask with."""
        now = self.launches.clock.now()
        due = await self.launches.store.next_by_connection(is_tracked=True, now=now)
        return min((max(at, self._may_claim_at(name, now)) for name, at in due.items()), default=None)

    async def give_back(self, batch: Batch) -> None:
        """Let go of what was not done."""
        for launch_id in batch.left:
            await self.launches.store.release(launch_id, self.launches.holder)

    async def act(self, batch: Batch) -> None:
        """Look at each, and record what that brought."""
        try:
            await self._looked(batch)
        finally:
            self._under_way[batch.connection] -= len(batch.left)
            self._listing.discard(batch.connection)

    def _may_claim_at(self, name: str, now: datetime) -> datetime:
        """When the next launch of a connection may be claimed, as far as budget and room go."""
        rests_until = self._not_before.get(name, now)
        if name in self._listing:
            return now + LISTS_TAKE_LONG
        if self._is_listed(name) and self._listed_now() >= self.listed_together:
            return max(rests_until, now + ROOM_WITHIN)
        if self._under_way[name] >= SINGLY_AT_ONCE:
            return max(rests_until, now + REST)
        return max(rests_until, now + timedelta(seconds=self.wire.budget(name).wait_s(now)))

    async def _claimed(self, name: str, now: datetime) -> Batch:
        """What is looked at next of a connection: as much as the budget has now, or a list can answer for."""
        connection = self.launches.connections.get(name)
        provider = self._provider(connection)
        is_list = connection is not None and provider is not None and provider.can_track_many
        pause = timedelta(seconds=even_pause_s(connection, provider)) if connection and provider else REST
        room = SINGLY_AT_ONCE - self._under_way[name]
        limit = LISTED_AT_ONCE if is_list else max(min(room, self.wire.budget(name).free(now)), 1)
        claimed = await self._leased(name, now, before=now + pause if is_list else now, limit=limit)
        self._not_before[name] = now + (pause if is_list and len(claimed) < LISTED_AT_ONCE else REST)
        self._under_way[name] += len(claimed)
        if is_list and claimed:
            self._listing.add(name)
        return Batch(name, {launch.launch_id: launch for launch in claimed})

    async def _leased(self, name: str, now: datetime, *, before: datetime, limit: int) -> list[Launch]:
        """In portions: nobody else writes to the database while one is claimed."""
        claimed: list[Launch] = []
        launches = self.launches
        with what_is_ours(claimed):
            while len(claimed) < limit:
                portion = min(limit - len(claimed), CLAIMED_AT_ONCE)
                found = await launches.store.lease_of(
                    name,
                    is_tracked=True,
                    now=now,
                    until=launches.clock.now() + launches.lease,
                    holder=launches.holder,
                    limit=portion,
                    before=before,
                )
                claimed += map(slim, found) if self._is_listed(name) else found
                if len(found) < portion:
                    break
        return claimed

    def _is_listed(self, name: str) -> bool:
        """Whether a list answers for many of a connection's runs."""
        provider = self._provider(self.launches.connections.get(name))
        return provider is not None and provider.can_track_many

    def _listed_now(self) -> int:
        return sum(self._under_way[name] for name in self._listing)

    def _provider(self, connection: Connection | None) -> Provider | None:
        return None if connection is None else self.launches.providers.get(connection.provider)

    async def _looked(self, batch: Batch) -> None:
        connection = self.launches.connections.get(batch.connection)
        provider = self._provider(connection)
        at_once = SINGLY_AT_ONCE
        if connection is not None and provider is not None and provider.can_track_many and len(batch.left) > 1:
            await self._by_list(batch, connection, provider)
            at_once = min(
                max(self.wire.budget(batch.connection).free(self.launches.clock.now()), MISSING_AT_ONCE), SINGLY_AT_ONCE
            )
        attend = self._attend if self._is_listed(batch.connection) else self.launches.attend
        singly = tuple(batch.left.values())
        await self._each(batch, [(launch, attend(launch)) for launch in singly[:at_once]])
        for start in range(at_once, len(singly), RECORDED_AT_ONCE):
            some = singly[start : start + RECORDED_AT_ONCE]
            await self.launches.store.postpone(some, holder=self.launches.holder)  # to when they were due
            self._let_go(batch, some)

    async def _by_list(self, batch: Batch, connection: Connection, provider: Provider) -> None:
        """Record what lists tell, as it comes. Where a call was not answered at all, that is the answer for all that are left."""
        asked = {launch.run_id: launch for launch in batch.left.values() if launch.provider == provider.name and launch.run_id}
        total = len(asked)
        asking: Exchange[TrackedMany] | None = provider.track_many(tuple(asked.values()), connection)
        while asking is not None:
            asked_at = self.launches.clock.now()
            answer: TrackedMany | TrackAnswer = await self.wire.perform(connection.name, asking)
            told = answer if isinstance(answer, TrackedMany) else TrackedMany(answers=dict.fromkeys(asked, answer))
            heard = [(asked.pop(run_id), each) for run_id, each in told.answers.items() if run_id in asked]
            for start in range(0, len(heard), RECORDED_AT_ONCE):
                await self._record(batch, heard[start : start + RECORDED_AT_ONCE], connection, asked_at)
            asking = told.more
        _log.info("tracked_by_list", connection=connection.name, asked=total, told=total - len(asked))

    async def _record(
        self, batch: Batch, heard: Sequence[tuple[Launch, TrackAnswer]], connection: Connection, asked_at: datetime
    ) -> None:
        """What is new, launch by launch; of the others only when the next look is due, in one transaction for all."""
        unchanged: list[Launch] = []
        new: list[tuple[Launch, TrackAnswer]] = []
        for launch, answer in heard:
            postponed = await self.launches.unchanged(launch, answer, connection, asked_at)
            if postponed is None:
                new.append((launch, answer))
            else:
                unchanged.append(postponed)
        for start in range(0, len(new), SINGLY_AT_ONCE):
            some = new[start : start + SINGLY_AT_ONCE]
            await self._each(batch, [(launch, self._looked_at(launch, answer, connection)) for launch, answer in some])
        if new:
            self.ring()
        if unchanged:
            await self.launches.store.postpone(unchanged, holder=self.launches.holder)
        self._let_go(batch, unchanged)

    def _let_go(self, batch: Batch, launches: Iterable[Launch]) -> None:
        """These are done, or given back."""
        for launch in launches:
            del batch.left[launch.launch_id]
            self._under_way[batch.connection] -= 1

    async def _looked_at(self, slim: Launch, answer: TrackAnswer, connection: Connection) -> None:
        launch = await self._whole(slim)
        if launch is not None:
            await self.launches.looked(launch, answer, connection)

    async def _attend(self, slim: Launch) -> None:
        launch = await self._whole(slim)
        if launch is not None:
            await self.launches.attend(launch)

    async def _whole(self, slim: Launch) -> Launch | None:
        """The launch that a list was asked about; None where somebody has changed it meanwhile: then it is given back."""
        stored = await self.launches.store.launch(slim.launch_id)
        if stored is not None and stored.version == slim.version:
            return stored
        await self.launches.store.release(slim.launch_id, self.launches.holder)
        return None

    async def _each(self, batch: Batch, looks: Sequence[tuple[Launch, Awaitable[None]]]) -> None:
        """All at once; one that fails keeps no other from being recorded, and is given back with what is left."""
        ends = await asyncio.gather(*(look for _, look in looks), return_exceptions=True)
        failed = [end for end in ends if isinstance(end, BaseException)]
        self._let_go(batch, [launch for (launch, _), end in zip(looks, ends, strict=True) if not isinstance(end, BaseException)])
        if failed:
            raise failed[0]
