"""Slack's rate limits: per method, workspace and app; chat.postMessage also per channel.

Tiers: https://docs.slack.dev/apis/web-api/rate-limits; which method is in which: slack.md section 2 (from Slack's Java SDK).
Slack does not publish how it counts. Here each allowance is a bucket that refills evenly; a tier's minute may be spent at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Limit:
    """``per_minute`` calls in the long run, ``burst`` at once, over the whole app or for each channel."""

    per_minute: int
    burst: int
    is_per_channel: bool = False


def tier(per_minute: int) -> tuple[Limit, ...]:
    """One of Slack's tiers."""
    return (Limit(per_minute=per_minute, burst=per_minute),)


HUNDREDS = 300
ONE_A_SECOND = Limit(per_minute=60, burst=5, is_per_channel=True)

LIMITS: Mapping[str, tuple[Limit, ...]] = {
    "apps.connections.open": tier(50),
    "auth.test": tier(HUNDREDS),
    "chat.delete": tier(50),
    "chat.getPermalink": tier(HUNDREDS),
    "chat.postEphemeral": tier(100),
    "chat.postMessage": (ONE_A_SECOND, *tier(HUNDREDS)),
    "chat.update": tier(50),
    "conversations.info": tier(50),
    "conversations.members": tier(100),
    "conversations.open": tier(50),
    "usergroups.list": tier(20),
    "usergroups.users.list": tier(20),
    "users.info": tier(100),
    "views.open": tier(100),
    "views.publish": tier(100),
    "views.push": tier(100),
    "views.update": tier(100),
}


@dataclass(kw_only=True)
class Bucket:
    """What is left of one allowance."""

    limit: Limit
    left: float
    seen_at: datetime

    def wait_s(self, at: datetime) -> float:
        """Seconds until one more call fits; 0 when it fits now."""
        passed_s = max(0.0, (at - self.seen_at).total_seconds())
        self.left = min(self.limit.burst, self.left + passed_s * self.limit.per_minute / 60)
        self.seen_at = max(at, self.seen_at)
        return max(0.0, (1 - self.left) * 60 / self.limit.per_minute)


@dataclass(kw_only=True)
class Limits:
    """All allowances of the app. Off, everything fits."""

    is_on: bool
    _buckets: dict[tuple[str, int, str], Bucket] = field(default_factory=dict[tuple[str, int, str], Bucket])

    def retry_after_s(self, method: str, channel_id: str, at: datetime) -> int | None:
        """Count one call; None when it fits, else the whole seconds that Slack asks to wait (the call then counts nowhere)."""
        if not self.is_on:
            return None
        buckets = [self._bucket(method, place, channel_id, at) for place in range(len(LIMITS.get(method, ())))]
        wait_s = max((bucket.wait_s(at) for bucket in buckets), default=0.0)
        if wait_s > 0:
            return max(1, math.ceil(wait_s))
        for bucket in buckets:
            bucket.left -= 1
        return None

    def _bucket(self, method: str, place: int, channel_id: str, at: datetime) -> Bucket:
        limit = LIMITS[method][place]
        key = (method, place, channel_id if limit.is_per_channel else "")
        return self._buckets.setdefault(key, Bucket(limit=limit, left=limit.burst, seen_at=at))
