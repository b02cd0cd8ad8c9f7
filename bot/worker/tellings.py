"""Tells Slack what it does not show yet: the card (newest state only), then the thread lines (each once, in order).

Why the card comes first: a thread hangs on it. Why the lines come before the card's update: the last line is the news that
people are
notified of, and an update is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.domain.errors import ThreadError
from bot.ports import Clock, Store, Telling, Thread

FIRST_BACK_OFF_S = 1.0
MOST_BACK_OFF_S = 300.0
TELLINGS_AT_ONCE = 8

_log = structlog.get_logger("gonogo.worker")


@dataclass(frozen=True, kw_only=True)
class TellingWork:
    """The work of the tellings loop."""

    store: Store
    thread: Thread
    clock: Clock
    holder: str
    lease: timedelta

    async def claim(self, limit: int) -> Sequence[Telling]:
        """Launches whose card or thread is behind, now leased to us."""
        now = self.clock.now()
        limit = min(limit, TELLINGS_AT_ONCE)
        return await self.store.lease_tellings(now=now, until=now + self.lease, holder=self.holder, limit=limit)

    async def next_due(self) -> datetime | None:
        """When the next telling is due."""
        return await self.store.next_telling()

    async def act(self, telling: Telling) -> None:
        """Tell all of it; what Slack does not take now is told later."""
        try:
            await self._tell(telling)
        except ThreadError as error:
            await self._failed(telling, error)
        else:
            await self.store.telling_done(telling.launch.launch_id, self.holder)

    async def _tell(self, telling: Telling) -> None:
        launch, card_ts = telling.launch, telling.card_ts
        is_stale = telling.is_card_stale
        if card_ts is None:
            card_ts = await self.thread.post_card(launch, telling.events)
            is_stale = False
            await self.store.card_told(launch.launch_id, ts=card_ts, version=launch.version)
        for line in telling.lines:
            ts = await self.thread.post_line(launch, line.event, card_ts=card_ts)
            await self.store.line_told(line.line_id, ts=ts, at=self.clock.now())
        if is_stale:
            await self.thread.update_card(launch, telling.events, card_ts=card_ts)
            await self.store.card_told(launch.launch_id, ts=card_ts, version=launch.version)

    async def _failed(self, telling: Telling, error: ThreadError) -> None:
        launch = telling.launch
        _log.warning("not_told", launch_id=launch.launch_id, error=error.code, is_permanent=error.is_permanent)
        if not error.is_permanent:
            back_off_s = min(FIRST_BACK_OFF_S * 2 ** min(telling.attempts, 20), MOST_BACK_OFF_S)
            retry_at = self.clock.now() + timedelta(seconds=error.retry_after_s or back_off_s)
            await self.store.telling_failed(launch.launch_id, retry_at=retry_at, error=error.code, holder=self.holder)
        elif launch.state.is_final:
            await self._tell_directly(telling, error)
        else:
            # The end is still to come, and it is told to the requester: keep the telling, but leave the channel alone for a
            # while.
            retry_at = self.clock.now() + timedelta(seconds=MOST_BACK_OFF_S)
            await self.store.telling_failed(launch.launch_id, retry_at=retry_at, error=error.code, holder=self.holder)

    async def _tell_directly(self, telling: Telling, error: ThreadError) -> None:
        """The channel will never take it: the requester learns the end by direct message, and the outbox is closed."""
        try:
            await self.thread.post_direct(telling.launch, telling.events)
        except ThreadError as second:
            if not second.is_permanent:
                await self._failed(telling, second)
                return
        await self.store.telling_failed(telling.launch.launch_id, retry_at=None, error=error.code, holder=self.holder)
