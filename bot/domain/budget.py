"""How many calls a connection may be asked about runs with: what the provider allows, less where its refusals taught better.

Pure: times come in. A ``Budget`` is replaced by the next one with every call.

Calls are saved up for a few seconds, so that a list of several pages is read without a pause; a minute never holds more calls than are
allowed, wherever it begins. A refusal halves the pace, after its wait; within ten quiet minutes the pace is whole again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

SAVED_SHARE = 1 / 12
"""How much of a minute's calls may be saved up: five seconds' worth."""
REFUSED_FOR_S = 5.0
"""Where the provider names no wait."""
SLOWEST = 1 / 64
LEAST_WAIT_S = 0.001
"""Less could be no time at all to a clock."""
WHOLE_AFTER = timedelta(minutes=10)
LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What may be spent. ``saved`` calls at ``at``; ``share`` of the allowance since the last refusal; none before ``not_before``."""

    calls_a_minute: float
    at: datetime
    saved: float
    share: float = 1.0
    not_before: datetime | None = None

    @property
    def most_saved(self) -> float:
        """How many calls may be made at once, after a while without any."""
        return max(self.calls_a_minute * SAVED_SHARE, 1.0)

    def free(self, now: datetime) -> int:
        """How many calls may be made at once."""
        return 0 if self._is_waiting(now) else int(self._saved(now) + 1e-9)

    def wait_s(self, now: datetime) -> float:
        """Seconds until a call may be made."""
        if self.not_before is not None and now < self.not_before:
            return (self.not_before - now).total_seconds()
        return 0.0 if self.free(now) else max((1.0 - self._saved(now)) / self._calls_a_second(now), LEAST_WAIT_S)

    def spent(self, now: datetime) -> Budget:
        """After a call, whether it was free or not."""
        return replace(self, at=now, saved=self._saved(now) - 1.0, share=self._share(now))

    def refused(self, now: datetime, wait_s: float | None) -> Budget:
        """After the provider said that this was too much: nothing before its wait is over, and then one call, and half the pace."""
        wait = min(timedelta(seconds=min(wait_s or REFUSED_FOR_S, LONGEST_WAIT.total_seconds())), LONGEST_WAIT)
        not_before = max(now + wait, self.not_before or now)
        is_told_already = self._is_waiting(now)
        share = self._share(now) if is_told_already else max(self._share(now) / 2, SLOWEST)
        return replace(self, at=not_before, saved=1.0, share=share, not_before=not_before)

    def _is_waiting(self, now: datetime) -> bool:
        return self.not_before is not None and now < self.not_before

    def _calls_a_second(self, now: datetime) -> float:
        whole = max(self.calls_a_minute - self.most_saved, self.calls_a_minute / 2) / 60
        return whole * self._share(now)

    def _saved(self, now: datetime) -> float:
        passed_s = max((now - self.at).total_seconds(), 0.0)
        return min(self.saved + passed_s * self._calls_a_second(now), self.most_saved)

    def _share(self, now: datetime) -> float:
        return min(self.share + max((now - self.at) / WHOLE_AFTER, 0.0), 1.0)


def budget(calls_a_minute: float, now: datetime) -> Budget:
    """A budget that nothing was spent of yet."""
    fresh = Budget(calls_a_minute=calls_a_minute, at=now, saved=0.0)
    return replace(fresh, saved=fresh.most_saved)
