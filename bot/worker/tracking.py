"""Asks about runs: by connection, within its budget, and by lists where those answer for many.

What a look brought is recorded launch by launch, as ``LaunchWork`` does; here is only decided who is asked about when, and how.

Why a connection is asked by list at most once in the pause of even polling: each list answers for all that fall due
until the next one. And why what a list lacks is looked at singly, a few at a time: the rest is due again at once, and nothing was
concluded of it.

Why claims are bounded by connection: a provider that answers slowly must not hold what others' runs wait for.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.domain.model import Connection, Launch
from bot.domain.provider import Provider, TrackedMany
from bot.worker.launches import LaunchWork
from bot.worker.pacing import PacedWire, even_pause_s

SINGLY_AT_ONCE = 32
LISTED_AT_ONCE = 1000
CLAIMED_AT_ONCE = 200
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


@dataclass(frozen=True, kw_only=True)
class TrackWork:
    """The work of asking about runs, beside a ``LaunchWork`` that leaves it to us; ``launches`` is one over the paced wire."""

    launches: LaunchWork
    wire: PacedWire
    at_once: int = 256
    _under_way: Counter[str] = field(init=False, default_factory=Counter[str])
    _listing: set[str] = field(init=False, default_factory=set[str])
    _not_before: dict[str, datetime] = field(init=False, default_factory=dict[str, datetime])

    async def claim(self, limit: int) -> Sequence[Batch]:
        """Batches of launches that are due, now leased to us; the longest waiting connection first."""
        now = self.launches.clock.now()
        due = await self.launches.store.next_by_connection(is_tracked=True)
        names = [name for name in sorted(due, key=due.__getitem__) if due[name] <= now and self._may_claim_at(name, now) <= now]
        batches = [await self._claimed(name, now) for name in names[: max(limit, 0)]]
        return [batch for batch in batches if batch.left]

    async def next_due(self) -> datetime | None:
        """When there is a run to be asked about, and a call to ask with."""
        now = self.launches.clock.now()
        due = await self.launches.store.next_by_connection(is_tracked=True)
        return min((max(at, self._may_claim_at(name, now)) for name, at in due.items()), default=None)

    async def give_back(self, batch: Batch) -> None:
        """Let go of what was not done."""
        for launch_id in batch.left:
            await self.launches.store.release(launch_id, self.launches.holder)

    async def act(self, batch: Batch) -> None:
        """Look at each, and record what that brought."""
        total = len(batch.left)
        try:
            await self._looked(batch)
        finally:
            self._under_way[batch.connection] -= total
            self._listing.discard(batch.connection)

    def _may_claim_at(self, name: str, now: datetime) -> datetime:
        """When the next launch of a connection may be claimed, as far as budget and room go."""
        rests_until = self._not_before.get(name, now)
        if name in self._listing:
            return now + LISTS_TAKE_LONG
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
        while len(claimed) < limit:
            portion = min(limit - len(claimed), CLAIMED_AT_ONCE)
            found = await launches.store.lease_of(
                name,
                is_tracked=True,
                now=now,
                until=now + launches.lease,
                holder=launches.holder,
                limit=portion,
                before=before,
            )
            claimed += found
            if len(found) < portion:
                break
        return claimed

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
        singly = tuple(batch.left.values())
        await self._each(batch, [(launch, self.launches.attend(launch)) for launch in singly[:at_once]])
        for launch in singly[at_once:]:
            await self.launches.store.release(launch.launch_id, self.launches.holder)
            batch.left.pop(launch.launch_id, None)

    async def _by_list(self, batch: Batch, connection: Connection, provider: Provider) -> None:
        """Record what lists tell. Where the first call was not answered at all, that is the answer for everybody."""
        asked = [launch for launch in batch.left.values() if launch.provider == provider.name and launch.run_id]
        answer = await self.wire.perform(connection.name, provider.track_many(asked, connection))
        told = answer.answers if isinstance(answer, TrackedMany) else {launch.run_id or "": answer for launch in asked}
        heard = [(launch, told[launch.run_id or ""]) for launch in asked if launch.run_id in told]
        _log.info("tracked_by_list", connection=connection.name, asked=len(asked), told=len(heard))
        for start in range(0, len(heard), SINGLY_AT_ONCE):
            some = heard[start : start + SINGLY_AT_ONCE]
            await self._each(batch, [(launch, self.launches.looked(launch, each, connection)) for launch, each in some])

    async def _each(self, batch: Batch, looks: Sequence[tuple[Launch, Awaitable[None]]]) -> None:
        """All at once; one that fails keeps no other from being recorded, and is given back with what is left."""
        ends = await asyncio.gather(*(look for _, look in looks), return_exceptions=True)
        failed = [end for end in ends if isinstance(end, BaseException)]
        for (launch, _), end in zip(looks, ends, strict=True):
            if not isinstance(end, BaseException):
                batch.left.pop(launch.launch_id, None)
        if failed:
            raise failed[0]
