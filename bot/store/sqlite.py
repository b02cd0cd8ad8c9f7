"""The Store on SQLite, through sqlite-utils: enough for one machine. Semantics stand in bot/ports.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from sqlite_utils import Database

from bot.domain.errors import StoreUnavailableError
from bot.domain.grants import Limits
from bot.domain.holdings import Holding, Mirror
from bot.domain.model import Delivery, Event, EventKind, Launch
from bot.domain.policy import Usage
from bot.domain.records import Record
from bot.ports import Home, Telling
from bot.store import access, aside, deliveries, homes, launches, quotas, schema, tellings
from bot.store.launches import Creating, Saving
from bot.store.schema import MIGRATIONS, Migration
from bot.store.sqlite_file import BUSY_TIMEOUT_S, BeforeWrite, SqliteFile

RECORDS_WITHIN_S = 2.0
"""A delivery is acknowledged within three seconds, or Slack says that it failed (slack.md, 1)."""


class SqliteStore:
    """Durable memory in one file, or in memory where ``path`` is None. Building it touches nothing; call ``migrate`` before use.

    ``async with`` closes it at the end. ``busy_timeout_s``: how long to wait for another program that writes. ``before_write`` is
    called with the writer's connection, on its thread, before each transaction.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        migrations: tuple[Migration, ...] = MIGRATIONS,
        before_write: BeforeWrite | None = None,
    ) -> None:
        self._file = SqliteFile(path, busy_timeout_s=busy_timeout_s, before_write=before_write)
        self._migrations = migrations

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def migrate(self) -> list[str]:
        """Bring the schema up to date; the names of the migrations that were applied now.

        Raises:
            SettingsError: the file cannot be opened, belongs to another program, or a newer Gonogo has changed it.
            StoreUnavailableError: another program keeps it locked.
        """
        return await self._file.write(lambda database: schema.apply(database, self._file.place, self._migrations))

    async def pending_migrations(self) -> list[str]:
        """The migrations that ``migrate`` would apply. Raises as ``migrate``."""
        return await self._file.read(lambda database: schema.pending(database, self._file.place, self._migrations))

    async def backup(self, target: Path) -> None:
        """Copy the live database to a new file, as it stands at one moment.

        Raises:
            SettingsError: ``target`` exists or cannot be written, or there is no database yet.
            StoreUnavailableError: the copy broke off; no ``target`` is left.
        """
        await self._file.backup(target)

    async def close(self) -> None:
        """Finish what is under way, end both threads; a second time does nothing."""
        await self._file.close()

    async def record_delivery(self, delivery: Delivery, *, holder: str = "", until: datetime | None = None) -> bool:
        """Store.record_delivery. Nothing is kept once Slack has told the person that it failed: then it must not run either."""
        give_up_at = monotonic() + RECORDS_WITHIN_S

        def record(database: Database) -> bool:
            if monotonic() > give_up_at:
                raise StoreUnavailableError(self._file.place, "it was busy for longer than Slack waits")
            return deliveries.record(database, delivery, holder=holder, until=until)

        return await self._file.write(record)

    async def delivery(self, key: str) -> Delivery | None:
        """Store.delivery."""
        return await self._file.read(lambda database: deliveries.by_key(database, key))

    async def finish_delivery(self, key: str, at: datetime) -> None:
        """Store.finish_delivery."""
        await self._file.write(lambda database: deliveries.finish(database, key, at))

    async def lease_deliveries(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Delivery]:
        """Store.lease_deliveries."""
        return await self._file.write(
            lambda database: deliveries.lease(database, now=now, until=until, holder=holder, limit=limit),
        )

    async def next_delivery(self) -> datetime | None:
        """Store.next_delivery."""
        return await self._file.read(deliveries.next_due)

    async def create(
        self,
        launch: Launch,
        event: Event,
        *,
        delivery_key: str,
        decision: Record | None = None,
        limits: Limits | None = None,
        has_line: bool = False,
    ) -> Launch | None:
        """Store.create."""
        creating = Creating(delivery_key=delivery_key, decision=decision, limits=limits, has_line=has_line)
        return await self._file.write(lambda database: launches.create(database, launch, event, creating))

    async def caused_by(self, delivery_key: str) -> Launch | None:
        """Store.caused_by."""
        return await self._file.read(lambda database: launches.caused_by(database, delivery_key))

    async def usage(self, channel_id: str, *, now: datetime) -> Mapping[str, Usage]:
        """Store.usage."""
        return await self._file.read(lambda database: quotas.usage(database, channel_id, now))

    async def record_decision(self, decision: Record) -> None:
        """Store.record_decision."""
        await self._file.write(lambda database: access.record_decision(database, decision))

    async def decisions(self, *, since: datetime, after: int = 0, limit: int = 500) -> list[Record]:
        """Store.decisions."""
        return await self._file.read(lambda database: access.decisions(database, since=since, after=after, limit=limit))

    async def mirror(self, connection: str) -> Mirror:
        """Store.mirror."""
        return await self._file.read(lambda database: access.mirror(database, connection))

    async def keep_mirror(self, connection: str, holdings: Sequence[Holding], *, identity: str | None = None) -> None:
        """Store.keep_mirror."""
        await self._file.write(lambda database: access.keep_mirror(database, connection, holdings, identity))

    async def first_name(self, connection: str, workflow_id: str, name: str, *, at: datetime) -> str:
        """Store.first_name. Looks first: it is asked for every launch, and written once in a workflow's life."""
        kept = await self._file.read(lambda database: access.first_name(database, connection, workflow_id))
        if kept is not None:
            return kept
        return await self._file.write(lambda database: access.keep_first_name(database, connection, workflow_id, name, at=at))

    async def launch(self, launch_id: str) -> Launch | None:
        """Store.launch."""
        return await self._file.read(lambda database: launches.launch_by_id(database, launch_id))

    async def events(self, launch_id: str) -> tuple[Event, ...]:
        """Store.events."""
        return await self._file.read(lambda database: launches.events(database, launch_id))

    async def recent(self, *, channel_id: str, limit: int) -> list[Launch]:
        """Store.recent."""
        return await self._file.read(lambda database: launches.recent(database, channel_id=channel_id, limit=limit))

    async def awaiting(self, *, limit: int) -> list[Launch]:
        """Store.awaiting."""
        return await self._file.read(lambda database: launches.awaiting(database, limit))

    async def requested_by(self, user_id: str, *, limit: int) -> list[Launch]:
        """Store.requested_by."""
        return await self._file.read(lambda database: launches.requested_by(database, user_id, limit))

    async def last_success(self, connection: str, workflow_id: str) -> Launch | None:
        """Store.last_success."""
        return await self._file.read(lambda database: launches.last_success(database, connection, workflow_id))

    async def bound_runs(self, connection: str, run_ids: frozenset[str]) -> frozenset[str]:
        """Store.bound_runs."""
        return await self._file.read(lambda database: launches.bound_runs(database, connection, run_ids))

    async def has_rivals(self, launch: Launch, *, within: timedelta) -> bool:
        """Store.has_rivals."""
        return await self._file.read(lambda database: launches.has_rivals(database, launch, within=within))

    async def lease_due(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Launch]:
        """Store.lease_due."""
        return await self._file.write(
            lambda database: launches.lease_due(database, now=now, until=until, holder=holder, limit=limit),
        )

    async def save(
        self,
        launch: Launch,
        event: Event | None,
        *,
        has_line: bool = False,
        keep_lease: bool = False,
        holder: str | None = None,
        delivery_key: str | None = None,
    ) -> bool:
        """Store.save."""
        saving = Saving(has_line=has_line, keep_lease=keep_lease, holder=holder, delivery_key=delivery_key)
        is_flushed = event is not None and event.kind is EventKind.STARTING
        return await self._file.write(lambda database: launches.save(database, launch, event, saving), is_flushed=is_flushed)

    async def release(self, launch_id: str, holder: str) -> None:
        """Store.release."""
        await self._file.write(lambda database: launches.release(database, launch_id, holder))

    async def renew_leases(self, *, holder: str, until: datetime) -> None:
        """Store.renew_leases."""
        await self._file.write(lambda database: launches.renew_leases(database, holder=holder, until=until))

    async def next_due(self) -> datetime | None:
        """Store.next_due."""
        return await self._file.read(launches.next_due)

    async def lease_tellings(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Telling]:
        """Store.lease_tellings."""
        return await self._file.write(
            lambda database: tellings.lease_tellings(database, now=now, until=until, holder=holder, limit=limit),
        )

    async def card_told(self, launch_id: str, *, ts: str, version: int) -> None:
        """Store.card_told."""
        await self._file.write(lambda database: tellings.card_told(database, launch_id, ts=ts, version=version))

    async def card_lost(self, launch_id: str, *, version: int, holder: str | None = None) -> bool:
        """Store.card_lost."""
        return await self._file.write(lambda database: tellings.card_lost(database, launch_id, version=version, holder=holder))

    async def has_telling(self, launch_id: str, holder: str) -> bool:
        """Store.has_telling."""
        return await self._file.read(lambda database: tellings.has_telling(database, launch_id, holder))

    async def card_not_posted(self, launch_id: str) -> None:
        """Store.card_not_posted."""
        await self._file.write(lambda database: tellings.card_not_posted(database, launch_id))

    async def line_not_posted(self, line_id: int) -> None:
        """Store.line_not_posted."""
        await self._file.write(lambda database: tellings.line_not_posted(database, line_id))

    async def card_found(self, launch_id: str, ts: str) -> None:
        """Store.card_found."""
        await self._file.write(lambda database: tellings.card_found(database, launch_id, ts))

    async def line_told(self, line_id: int, *, ts: str, at: datetime) -> None:
        """Store.line_told."""
        await self._file.write(lambda database: tellings.line_told(database, line_id, ts=ts, at=at))

    async def line_skipped(self, line_id: int, at: datetime) -> bool:
        """Store.line_skipped."""
        return await self._file.write(lambda database: tellings.line_skipped(database, line_id, at))

    async def telling_done(self, launch_id: str, holder: str) -> None:
        """Store.telling_done."""
        await self._file.write(lambda database: tellings.telling_done(database, launch_id, holder))

    async def telling_failed(self, launch_id: str, *, retry_at: datetime | None, error: str, holder: str | None = None) -> None:
        """Store.telling_failed."""
        await self._file.write(
            lambda database: tellings.telling_failed(database, launch_id, retry_at=retry_at, error=error, holder=holder),
        )

    async def next_telling(self) -> datetime | None:
        """Store.next_telling."""
        return await self._file.read(tellings.next_telling)

    async def home_opened(self, user_id: str, team_id: str, *, at: datetime) -> None:
        """Store.home_opened."""
        await self._file.write(lambda database: homes.opened(database, user_id, team_id, at))

    async def lease_homes(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Home]:
        """Store.lease_homes."""
        return await self._file.write(lambda database: homes.lease(database, now=now, until=until, holder=holder, limit=limit))

    async def home_shown(self, home: Home, holder: str, *, shown: str, again_at: datetime | None = None) -> None:
        """Store.home_shown."""
        await self._file.write(lambda database: homes.shown(database, home, holder, shown=shown, again_at=again_at))

    async def home_failed(self, home: Home, holder: str, *, retry_at: datetime | None) -> None:
        """Store.home_failed."""
        await self._file.write(lambda database: homes.failed(database, home, holder, retry_at=retry_at))

    async def next_home(self) -> datetime | None:
        """Store.next_home."""
        return await self._file.read(homes.next_due)

    async def set_aside(self) -> list[str]:
        """Store.set_aside. Looks first: it is asked often, and a write for nothing would take the lock from somebody."""
        if not await self._file.read(aside.has_notes):
            return []
        return await self._file.write(aside.notes)
