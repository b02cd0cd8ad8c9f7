"""Keeps App Homes current: composes what is due, and publishes it where it differs from what Slack has.

Why the last view stands and no hash of Slack's is sent along: each view is composed of what holds, so the newer one is right
whatever stood there before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.domain.errors import ThreadError
from bot.domain.setbacks import tell_again_s
from bot.ports import Clock, Composer, Home, Store, Thread

HOMES_AT_ONCE = 4
MOST_ATTEMPTS = 12
"""Some twenty minutes; then not before it is opened again, which shows it anew: a view that Slack never takes helps nobody."""

_log = structlog.get_logger("gonogo.worker")


@dataclass(frozen=True, kw_only=True)
class HomeWork:
    """The work of the Homes' loop."""

    store: Store
    thread: Thread
    composer: Composer
    clock: Clock
    holder: str
    lease: timedelta
    at_once: int = HOMES_AT_ONCE

    async def claim(self, limit: int) -> Sequence[Home]:
        """Homes that are due, now leased to us. Looked at first, without a write: mostly nobody's is, whoever rings."""
        now, due = self.clock.now(), await self.store.next_home()
        if due is None or due > now:
            return ()
        return await self.store.lease_homes(now=now, until=now + self.lease, holder=self.holder, limit=limit)

    async def next_due(self) -> datetime | None:
        """When the next Home is due."""
        return await self.store.next_home()

    async def give_back(self, home: Home) -> None:
        """Let go of a Home that could not be composed."""
        retry_at = self.clock.now() + timedelta(seconds=tell_again_s(ThreadError("fault"), home.attempts))
        await self.store.home_failed(home, self.holder, retry_at=retry_at)

    async def act(self, home: Home) -> None:
        """Show it as it should be; what Slack does not take now is shown later."""
        composed = await self.composer.home_of(home)
        shown = mark_of(composed.view)
        try:
            if shown != home.shown:
                await self.thread.publish_home(home.user_id, composed.view)
        except ThreadError as error:
            await self._failed(home, error)
            return
        await self.store.home_shown(home, self.holder, shown=shown, again_at=composed.again_at)

    async def _failed(self, home: Home, error: ThreadError) -> None:
        is_worn_out = error.retry_after_s is None and home.attempts + 1 >= MOST_ATTEMPTS
        is_last = error.is_permanent or is_worn_out
        _log.warning("home_not_shown", user_id=home.user_id, error=error.code, is_given_up=is_last)
        retry_at = None if is_last else self.clock.now() + timedelta(seconds=tell_again_s(error, home.attempts))
        await self.store.home_failed(home, self.holder, retry_at=retry_at)


def mark_of(view: Mapping[str, Any]) -> str:
    """What tells one view from another, in few characters."""
    return hashlib.sha256(json.dumps(view, sort_keys=True).encode()).hexdigest()
