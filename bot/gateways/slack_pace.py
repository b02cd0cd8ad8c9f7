"""How fast Slack lets us speak, learnt from its refusals and shared by everybody who speaks.

Posts are counted by channel, everything else by method (slack.md, 2). Before the first refusal nothing is slowed down: Slack allows
bursts, and nobody documents how large. After one, turns are handed out at the documented rate until it has been quiet for a while.

Why a long wait is refused rather than waited for: whoever waits holds a lease and a place in the loop; a row waits for free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.errors import ThreadError
from bot.domain.fellows import Fellows
from bot.ports import Clock

_POST = "chat.postMessage"
POST_EVERY_S = 1.05
"""chat.postMessage: about one a second and channel. https://docs.slack.dev/apis/web-api/rate-limits"""
CALL_EVERY_S = {"chat.update": 1.25, "chat.postEphemeral": 0.65, "views.open": 0.65, "views.publish": 0.65, "views.update": 0.65}
"""Tier 3 is 50 a minute, tier 4 is 100."""
OTHER_EVERY_S = 1.25
REFUSED_FOR_S = 5.0
"""Where Slack names no wait."""
LONGEST_TURN_S = 6.0
OVERSLEPT_S = 3.0
"""Whoever slept for so much longer than it wanted was paused: what it was about to say may be said by another by now."""
QUIET_AFTER = timedelta(seconds=60)
_SHARED_AS = "slack"


@dataclass
class _Queue:
    every_s: float
    next_at: datetime


class Pace:
    """Hands out turns to speak. ``fellows`` speak by the same limits: refusals are shared with them, and so are turns."""

    def __init__(self, clock: Clock, fellows: Fellows | None = None) -> None:
        self._clock = clock
        self._fellows = fellows or Fellows()
        self._slow: dict[tuple[str, str], _Queue] = {}
        self._doors: dict[str, asyncio.Lock] = {}

    def is_slow(self, method: str, channel_id: str) -> bool:
        """Whether turns are being handed out here."""
        return self._queue(_key(method, channel_id)) is not None

    def one_by_one(self, method: str, channel_id: str) -> AbstractAsyncContextManager[object]:
        """Posts to one channel go one by one while nothing is slowed down: a burst learns from its first refusal."""
        return self._doors.setdefault(channel_id, asyncio.Lock()) if method == _POST else nullcontext()

    def slow_down(self, method: str, channel_id: str, retry_after_s: float | None) -> None:
        """Slack refused: nobody speaks before its wait is over, and then at the documented rate."""
        key = _key(method, channel_id)
        next_at = self._clock.now() + timedelta(seconds=retry_after_s or REFUSED_FOR_S)
        self._wait(key, next_at)
        self._fellows.learn(" ".join((_SHARED_AS, *key)), next_at)

    def heed(self, pauses: Mapping[str, datetime]) -> None:
        """What another replica was refused holds for us as well."""
        for name, next_at in pauses.items():
            kind, method, channel_id = (*name.split(" "), "", "")[:3]
            if kind == _SHARED_AS:
                self._wait((method, channel_id), next_at)

    def _wait(self, key: tuple[str, str], next_at: datetime) -> None:
        every_s = POST_EVERY_S if key[1] else CALL_EVERY_S.get(key[0], OTHER_EVERY_S)
        queue = self._slow.setdefault(key, _Queue(every_s, next_at))
        queue.next_at = max(queue.next_at, next_at)

    async def turn(self, method: str, channel_id: str) -> None:
        """Wait for a turn.

        Raises:
            ThreadError: it would take too long, and ``retry_after_s`` says how long; or it took far longer than that.
        """
        queue = self._queue(_key(method, channel_id))
        if queue is None:
            return
        now = self._clock.now()
        wait_s = max((queue.next_at - now).total_seconds(), 0.0)
        if wait_s > LONGEST_TURN_S:
            raise ThreadError("paced", retry_after_s=wait_s)
        queue.next_at = max(queue.next_at, now) + timedelta(seconds=queue.every_s * self._fellows.replicas)
        await self._clock.sleep(wait_s)
        if (self._clock.now() - now).total_seconds() > wait_s + OVERSLEPT_S:
            raise ThreadError("overslept", retry_after_s=OVERSLEPT_S)

    def _queue(self, key: tuple[str, str]) -> _Queue | None:
        """The queue here, unless it has been quiet for long enough to try a burst again."""
        queue = self._slow.get(key)
        if queue is not None and self._clock.now() > queue.next_at + QUIET_AFTER:
            del self._slow[key]
            return None
        return queue


def _key(method: str, channel_id: str) -> tuple[str, str]:
    return (method, channel_id if method == _POST else "")
