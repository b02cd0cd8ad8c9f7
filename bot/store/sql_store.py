"""What both stores do: each method of the port, as the steps of its transaction. Semantics stand in bot/ports.py."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from time import monotonic
from types import TracebackType
from typing import Self, TypeVar

from bot.domain.errors import StoreUnavailableError
from bot.domain.grants import Limits
from bot.domain.holdings import Holding, Mirror
from bot.domain.model import Delivery, Event, EventKind, Launch
from bot.domain.policy import Usage
from bot.domain.records import Record
from bot.ports import Claimed, Home, Note, Replica, Telling
from bot.store import access, aside, deliveries, home_queries, homes, launches, queries, quotas, replicas, tellings, tracking
from bot.store.launches import Creating, Saving
from bot.store.steps import Steps, Work
from bot.store.tracking import Claim

T = TypeVar("T")

MANY = 64
"""So many rows take milliseconds to read."""
RECORDS_WITHIN_S = 2.0
"""A delivery is acknowledged within three seconds, or Slack says that it failed (slack.md, 1)."""


class SqlStore(ABC):
    """The port's methods over ``_read`` and ``_write``, a database's own. ``place`` is what errors call it."""

    _may_lose_answers = True
    """Whether something may be kept and nobody hear of it, as over a wire; else what is tried again was not kept, for certain."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._unheard: set[tuple[str, datetime]] = set()
        self._refused: set[tuple[Delivery, str]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    @abstractmethod
    async def close(self) -> None:
        """Finish what is under way and let go of the database; a second time does nothing."""

    @abstractmethod
    async def _read(self, work: Work[T], *, is_long: bool = False) -> T:
        """The answer of ``work``, which only looks. ``is_long``: at many rows, so that it should hold nobody up."""

    @abstractmethod
    async def _write(
        self,
        work: Work[T],
        *,
        is_flushed: bool = False,
        is_news: bool = False,
        is_one_step: bool = False,
        may_repeat: bool = False,
        is_urgent: bool = False,
        is_long: bool = False,
    ) -> T:
        """The answer of ``work``, all of whose steps are kept; when it raises, none.

        ``is_flushed``: it must outlive a power cut from here on. ``is_news``: something may be due now, also for others.
        ``is_one_step``: it has one, a transaction by itself: two messages fewer to a database that is a wire away.
        ``may_repeat``: it knows what to do where nobody answered whether its first try was kept.
        ``is_urgent``: Slack waits for it, so that it does not queue behind all that can wait.
        ``is_long``: it changes many rows, so that it should hold nobody up.
        """

    async def record_delivery(self, delivery: Delivery, *, holder: str = "", until: datetime | None = None) -> bool:
        """Store.record_delivery. Nothing is kept once Slack has told the person that it failed: then it must not run either.

        Where nobody answered whether it was kept, it is disowned with the next renewal of our leases, before it could be renewed
        with them. Only if our lease lapses first, because the database is away for so long, may another replica be quicker and
        carry it out: therefore the error says so, and the person is told to look.
        """
        give_up_at = monotonic() + RECORDS_WITHIN_S
        attempts = count()

        def record() -> Steps[bool]:
            if monotonic() > give_up_at:
                raise StoreUnavailableError(self.place, "it was busy for longer than Slack waits")
            return deliveries.record(delivery, holder=holder, until=until, is_again=self._may_lose_answers and next(attempts) > 0)

        try:
            return await self._write(record, is_one_step=True, may_repeat=True, is_urgent=True)
        except StoreUnavailableError as error:
            if error.may_be_kept:
                self._refused.add((delivery, holder))
            raise

    async def delivery(self, key: str) -> Delivery | None:
        """Store.delivery."""
        return await self._read(lambda: deliveries.by_key(key))

    async def finish_delivery(self, key: str, at: datetime) -> None:
        """Store.finish_delivery."""
        await self._write(lambda: deliveries.finish(key, at), is_one_step=True)

    async def lease_deliveries(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Delivery]:
        """Store.lease_deliveries."""
        claim = partial(deliveries.lease, now=now, until=until, holder=holder, limit=limit)
        return await self._claimed(claim, until, queries.GIVE_BACK_DELIVERIES)

    async def next_delivery(self) -> datetime | None:
        """Store.next_delivery."""
        return await self._read(deliveries.next_due)

    async def create(
        self,
        launch: Launch,
        event: Event,
        *,
        delivery_key: str,
        decision: Record | None = None,
        limits: Limits | None = None,
        has_line: bool = False,
        holder: str | None = None,
        until: datetime | None = None,
    ) -> Launch | None:
        """Store.create."""
        creating = Creating(
            delivery_key=delivery_key, decision=decision, limits=limits, has_line=has_line, holder=holder, until=until
        )
        return await self._write(lambda: launches.create(launch, event, creating), is_news=True)

    async def caused_by(self, delivery_key: str) -> Launch | None:
        """Store.caused_by."""
        return await self._read(lambda: launches.caused_by(delivery_key))

    async def usage(self, channel_id: str, *, now: datetime) -> Mapping[str, Usage]:
        """Store.usage."""
        return await self._read(lambda: quotas.usage(channel_id, now))

    async def record_decision(self, decision: Record) -> None:
        """Store.record_decision."""
        await self._write(lambda: access.record_decision(decision), is_one_step=True)

    async def decisions(self, *, since: datetime, after: int = 0, limit: int = 500) -> list[Record]:
        """Store.decisions."""
        return await self._read(lambda: access.decisions(since=since, after=after, limit=limit), is_long=True)

    async def mirror(self, connection: str) -> Mirror:
        """Store.mirror."""
        return await self._read(lambda: access.mirror(connection))

    async def keep_mirror(self, connection: str, holdings: Sequence[Holding], *, identity: str | None = None) -> None:
        """Store.keep_mirror."""
        await self._write(lambda: access.keep_mirror(connection, holdings, identity), is_long=len(holdings) > MANY)

    async def first_name(self, connection: str, workflow_id: str, name: str, *, at: datetime) -> str:
        """Store.first_name. Looks first: it is asked for every launch, and written once in a workflow's life."""
        kept = await self._read(lambda: access.first_name(connection, workflow_id))
        if kept is not None:
            return kept
        return await self._write(lambda: access.keep_first_name(connection, workflow_id, name, at=at))

    async def launch(self, launch_id: str) -> Launch | None:
        """Store.launch."""
        return await self._read(lambda: launches.launch_by_id(launch_id))

    async def events(self, launch_id: str) -> tuple[Event, ...]:
        """Store.events."""
        return await self._read(lambda: launches.events(launch_id))

    async def recent(self, *, channel_id: str, limit: int) -> list[Launch]:
        """Store.recent."""
        return await self._read(lambda: launches.recent(channel_id=channel_id, limit=limit))

    async def awaiting(self, *, limit: int) -> list[Launch]:
        """Store.awaiting."""
        return await self._read(lambda: launches.awaiting(limit))

    async def requested_by(self, user_id: str, *, limit: int) -> list[Launch]:
        """Store.requested_by."""
        return await self._read(lambda: launches.requested_by(user_id, limit))

    async def last_success(self, connection: str, workflow_id: str) -> Launch | None:
        """Store.last_success."""
        return await self._read(lambda: launches.last_success(connection, workflow_id))

    async def bound_runs(self, connection: str, run_ids: frozenset[str]) -> frozenset[str]:
        """Store.bound_runs."""
        return await self._read(lambda: launches.bound_runs(connection, run_ids))

    async def has_rivals(self, launch: Launch, *, within: timedelta) -> bool:
        """Store.has_rivals."""
        return await self._read(lambda: launches.has_rivals(launch, within=within))

    async def lease_due(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Launch]:
        """Store.lease_due."""
        claim = partial(launches.lease_due, now=now, until=until, holder=holder, limit=limit)
        return await self._claimed(claim, until, queries.GIVE_BACK_LAUNCHES, is_long=limit > MANY)

    async def save(
        self,
        launch: Launch,
        event: Event | None,
        *,
        has_line: bool = False,
        keep_lease: bool = False,
        holder: str | None = None,
        delivery_key: str | None = None,
        took_s: float | None = None,
        until: datetime | None = None,
    ) -> bool:
        """Store.save."""
        saving = Saving(
            has_line=has_line, keep_lease=keep_lease, holder=holder, delivery_key=delivery_key, took_s=took_s, until=until
        )
        is_flushed = event is not None and event.kind is EventKind.STARTING
        return await self._write(lambda: launches.save(launch, event, saving), is_flushed=is_flushed, is_news=True)

    async def release(self, launch_id: str, holder: str) -> None:
        """Store.release."""
        await self._write(lambda: launches.release(launch_id, holder), is_news=True, is_one_step=True)

    async def renew_leases(self, *, holder: str, until: datetime) -> None:
        """Store.renew_leases."""
        unheard, refused = tuple(self._unheard), tuple(self._refused)

        def renew() -> Steps[None]:
            yield from deliveries.disown(refused)
            yield from launches.renew_leases(holder=holder, until=until, unheard=unheard)

        await self._write(renew, is_long=True, is_news=bool(unheard))
        self._unheard.difference_update(unheard)
        self._refused.difference_update(refused)

    async def _disown_at_last(self) -> None:
        """No renewal follows any more. While the database is away, nothing can be done: see ``record_delivery``."""
        refused = tuple(self._refused)
        if refused:
            with suppress(StoreUnavailableError):
                await self._write(lambda: deliveries.disown(refused))
                self._refused.clear()

    async def _claimed(self, work: Work[T], until: datetime, give_back: str, *, is_long: bool = False) -> T:
        """The answer of a claim.

        Where nobody heard it, what it took would be ours and at rest for as long as we live: the next renewal gives it back.
        """
        try:
            return await self._write(work, is_long=is_long)
        except StoreUnavailableError:
            if self._may_lose_answers:
                self._unheard.add((give_back, until))
            raise

    async def next_due(self) -> datetime | None:
        """Store.next_due."""
        return await self._read(launches.next_due)

    async def next_by_connection(self, *, is_tracked: bool, now: datetime) -> Mapping[str, datetime]:
        """Store.next_by_connection."""
        return await self._read(lambda: tracking.next_by_connection(is_tracked=is_tracked, now=now))

    async def lease_of(
        self,
        connection: str,
        *,
        is_tracked: bool,
        now: datetime,
        until: datetime,
        holder: str,
        limit: int,
        before: datetime | None = None,
    ) -> list[Launch]:
        """Store.lease_of."""
        claim = Claim(is_tracked=is_tracked, now=now, until=until, before=before or now, holder=holder, limit=limit)
        lease = partial(tracking.lease, connection, claim)
        return await self._claimed(lease, until, queries.GIVE_BACK_LAUNCHES, is_long=limit > MANY)

    async def postpone(self, launches: Sequence[Launch], *, holder: str) -> None:
        """Store.postpone."""
        await self._write(lambda: tracking.postpone(launches, holder), is_long=len(launches) > MANY)

    async def durations(self, connection: str, workflow_id: str) -> tuple[float, ...]:
        """Store.durations."""
        return await self._read(lambda: tracking.durations(connection, workflow_id))

    async def lease_tellings(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Telling]:
        """Store.lease_tellings."""
        claim = partial(tellings.lease_tellings, now=now, until=until, holder=holder, limit=limit)
        return await self._claimed(claim, until, queries.GIVE_BACK_CARDS)

    async def card_told(self, launch_id: str, *, ts: str, version: int, done_by: str | None = None) -> None:
        """Store.card_told."""
        await self._write(
            lambda: tellings.card_told(launch_id, ts=ts, version=version, done_by=done_by), is_news=done_by is not None
        )

    async def card_lost(self, launch_id: str, *, version: int, holder: str | None = None) -> bool:
        """Store.card_lost."""
        return await self._write(lambda: tellings.card_lost(launch_id, version=version, holder=holder), is_one_step=True)

    async def has_telling(self, launch_id: str, holder: str, *, until: datetime | None = None) -> bool:
        """Store.has_telling."""
        return await self._read(lambda: tellings.has_telling(launch_id, holder, until=until))

    async def card_not_posted(self, launch_id: str) -> None:
        """Store.card_not_posted."""
        await self._write(lambda: tellings.card_not_posted(launch_id), is_news=True, is_one_step=True)

    async def line_not_posted(self, line_id: int) -> None:
        """Store.line_not_posted."""
        await self._write(lambda: tellings.line_not_posted(line_id), is_news=True, is_one_step=True)

    async def card_found(self, launch_id: str, ts: str) -> None:
        """Store.card_found."""
        await self._write(lambda: tellings.card_found(launch_id, ts), is_news=True, is_one_step=True)

    async def lines_told(
        self, launch_id: str, line_ids: Sequence[int], *, ts: str, at: datetime, done_by: str | None = None
    ) -> None:
        """Store.lines_told."""
        work = partial(tellings.lines_told, launch_id, line_ids, ts=ts, at=at, done_by=done_by)
        await self._write(work, is_news=done_by is not None)

    async def line_skipped(self, line_id: int, at: datetime, *, holder: str | None = None, until: datetime | None = None) -> bool:
        """Store.line_skipped."""
        return await self._write(lambda: tellings.line_skipped(line_id, at, holder=holder, until=until))

    async def telling_done(self, launch_id: str, holder: str) -> None:
        """Store.telling_done."""
        await self._write(lambda: tellings.telling_done(launch_id, holder), is_news=True, is_one_step=True)

    async def telling_failed(self, launch_id: str, *, retry_at: datetime | None, error: str, holder: str | None = None) -> None:
        """Store.telling_failed."""
        await self._write(
            lambda: tellings.telling_failed(launch_id, retry_at=retry_at, error=error, holder=holder), is_one_step=True
        )

    async def next_telling(self) -> datetime | None:
        """Store.next_telling."""
        return await self._read(tellings.next_telling)

    async def home_opened(self, user_id: str, team_id: str, *, at: datetime) -> None:
        """Store.home_opened."""
        await self._write(lambda: homes.opened(user_id, team_id, at), is_news=True, is_one_step=True)

    async def lease_homes(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Home]:
        """Store.lease_homes."""
        claim = partial(homes.lease, now=now, until=until, holder=holder, limit=limit)
        return await self._claimed(claim, until, home_queries.GIVE_BACK_HOMES)

    async def home_shown(self, home: Home, holder: str, *, shown: str, again_at: datetime | None = None) -> None:
        """Store.home_shown."""
        await self._write(lambda: homes.shown(home, holder, shown=shown, again_at=again_at), is_one_step=True)

    async def home_failed(self, home: Home, holder: str, *, retry_at: datetime | None) -> None:
        """Store.home_failed."""
        await self._write(lambda: homes.failed(home, holder, retry_at=retry_at), is_one_step=True)

    async def seen(self, replica: Replica, *, now: datetime, since: datetime) -> tuple[Replica, ...]:
        """Store.seen."""
        return await self._write(lambda: replicas.seen(replica, now=now, since=since))

    async def gone(self, holder: str) -> None:
        """Store.gone."""
        await self._write(lambda: replicas.gone(holder), is_news=True, is_one_step=True)

    async def keep_pauses(self, pauses: Mapping[str, datetime]) -> None:
        """Store.keep_pauses."""
        await self._write(lambda: replicas.keep_pauses(pauses), is_news=True)

    async def pauses(self, *, now: datetime) -> Mapping[str, datetime]:
        """Store.pauses."""
        return await self._read(lambda: replicas.pauses(now))

    async def claim_notice(
        self, name: str, *, holder: str, now: datetime, until: datetime, since: datetime | None = None
    ) -> Claimed:
        """Store.claim_notice."""
        claim = replicas.Claim(holder=holder, now=now, until=until, since=since)
        return await self._write(lambda: replicas.claim_notice(name, claim))

    async def notice_told(self, name: str, holder: str, at: datetime) -> None:
        """Store.notice_told."""
        await self._write(lambda: replicas.notice_told(name, holder, at), is_one_step=True)

    async def notice_not_told(self, name: str, holder: str) -> None:
        """Store.notice_not_told."""
        await self._write(lambda: replicas.notice_not_told(name, holder), is_one_step=True)

    async def next_home(self) -> datetime | None:
        """Store.next_home."""
        return await self._read(homes.next_due)

    async def set_aside(self) -> list[Note]:
        """Store.set_aside."""
        return await self._read(aside.notes)

    async def set_aside_told(self, note_ids: Sequence[int]) -> None:
        """Store.set_aside_told."""
        await self._write(lambda: aside.notes_told(note_ids), is_long=len(note_ids) > MANY)
