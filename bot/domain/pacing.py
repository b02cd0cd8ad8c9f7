"""When to ask about a run whose workflow's durations are known: rarely while it cannot be over, often around its expected end.

Pure: what is known comes in as the durations, in seconds, of the workflow's last runs.

Each past run is a stretch of time in which the next one may end: around the duration that was seen, and wide where few were seen.
Looks are placed so that each covers an equal share of ``sqrt(chance to end now, if it still runs)``: for a given number of looks that
is the spacing with the least mean lag.

Why a run that has outlived all others is asked about as one of which nothing is known, and so evenly where somebody said how often:
those that are known are the ones that ended, which says little of those that did not. No pause is ever longer than ``longest_s``, or
than the few runs that are known can be trusted for. None is shorter than half of ``even_s``, the pause of even polling that the
operator, or the provider, names: there are fewer looks than with that all the same, since most of the time there are none.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from statistics import median

from bot.domain.model import Launch

MOST_KEPT = 64
"""So many of a workflow's last durations are kept: enough for its shape, few enough that a change shows soon."""
LATE_BY_AT_MOST = 0.25
"""A look that came later than planned by more than this share of the duration tells nothing of the duration."""
_LEAST_SPREAD = 0.1
_CLOSEST = 0.5
"""Around the expected end looks are closer than with even polling, by as much as this."""
_TRUSTS_A_PAUSE_MORE = 3
_BEYOND = 0.1
_SPREAD_OF_ONE = 0.5
_LONGEST_REMEMBERED_S = 90 * 86_400.0


def remembered(durations_s: tuple[float, ...], took_s: float) -> tuple[float, ...]:
    """What is kept once one more run is over: the last ones, in order."""
    return (*durations_s, round(min(took_s, _LONGEST_REMEMBERED_S), 3))[-MOST_KEPT:]


def told_duration_s(launch: Launch, now: datetime) -> float | None:
    """How long a run took that is seen to be over now; None where that tells nothing of how long the next one takes.

    ``launch`` is as it was when it was asked about. Not told by a run that somebody wished to stop, or one that was looked at much
    later than planned, such as after the bot was away.
    """
    if launch.sent_at is None or launch.due_at is None or launch.cancel_asked_by is not None:
        return None
    took_s, late_s = (now - launch.sent_at).total_seconds(), (now - launch.due_at).total_seconds()
    return took_s if took_s > 0 and late_s <= LATE_BY_AT_MOST * took_s else None


@dataclass(frozen=True, kw_only=True)
class _Stretch:
    """From ``start_s`` on the run ends with this ``density`` (share of all runs a second); ``left`` run on at its start."""

    start_s: float
    length_s: float
    left: float
    density: float

    @property
    def covered(self) -> float:
        """The integral of ``sqrt(density / left)`` over all of it."""
        return self.covered_at(self.start_s + self.length_s)

    def covered_at(self, at_s: float) -> float:
        """The same, up to ``at_s``."""
        if not self.density:
            return 0.0
        still = max(self.left - self.density * (at_s - self.start_s), 0.0)
        return 2.0 / math.sqrt(self.density) * (math.sqrt(self.left) - math.sqrt(still))

    def where(self, covered: float) -> float:
        """The time by which that much is covered."""
        if not self.density:
            return self.start_s + self.length_s
        still = max(math.sqrt(self.left) - covered * math.sqrt(self.density) / 2.0, 0.0) ** 2
        return self.start_s + min((self.left - still) / self.density, self.length_s)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """When runs of one workflow are asked about. ``durations_s``: those of its last runs, at least one.

    ``even_s`` is the pause of even polling, ``longest_s`` the longest of all, ``longest_beyond_s`` that of a run that has outlived
    all others.
    """

    durations_s: tuple[float, ...]
    even_s: float
    longest_s: float
    longest_beyond_s: float

    def pause_s(self, elapsed_s: float) -> float:
        """Seconds until a run is asked about next that has run for ``elapsed_s``: from half of ``even_s`` to ``longest_s``."""
        if elapsed_s >= self._known_until_s:
            return self._pause_beyond_s(elapsed_s)
        next_s = min(
            self._where(self._covered_at(elapsed_s) + self._share),
            self._known_until_s + self._pause_beyond_s(self._known_until_s),
        )
        return min(max(next_s - elapsed_s, _CLOSEST * self.even_s), self._longest_trusted_s)

    def _pause_beyond_s(self, elapsed_s: float) -> float:
        """Of a run that has outlived all that are known nothing is known: it is asked about at a small share of its own age."""
        return min(max(_BEYOND * elapsed_s, self.even_s), self.longest_beyond_s, self._longest_trusted_s)

    @cached_property
    def _known_until_s(self) -> float:
        return max(end_s for _, end_s, _ in self._kernels_of_known())

    @cached_property
    def _longest_trusted_s(self) -> float:
        """One run that is known says little: the more are known, the longer nobody asks."""
        return min(self.longest_s, self.even_s * (1 + len(self.durations_s) / _TRUSTS_A_PAUSE_MORE))

    @cached_property
    def _stretches(self) -> tuple[_Stretch, ...]:
        return tuple(_stretches(self._kernels()))

    @cached_property
    def _sums(self) -> tuple[float, ...]:
        """What is covered before each stretch, and after the last."""
        sums = [0.0]
        for stretch in self._stretches:
            sums.append(sums[-1] + stretch.covered)
        return tuple(sums)

    @cached_property
    def _starts(self) -> tuple[float, ...]:
        return tuple(stretch.start_s for stretch in self._stretches)

    @cached_property
    def _share(self) -> float:
        """How much each look covers: where a run is as likely to end as on the average, looks are as with even polling."""
        return self.even_s / math.sqrt(median(self.durations_s))

    def _kernels_of_known(self) -> Iterable[tuple[float, float, float]]:
        """Where each past run lets the next one end: from, to, and how much it counts."""
        count = len(self.durations_s)
        spread = max(_SPREAD_OF_ONE / math.sqrt(count), _LEAST_SPREAD)
        for took_s in self.durations_s:
            wide_s = max(spread * took_s, self.even_s)
            yield max(took_s - wide_s, 0.0), took_s + wide_s / 2, 1.0 / count

    def _kernels(self) -> Iterable[tuple[float, float, float]]:
        """The same, and one that is longer than all: it counts the less, the more are known."""
        yield from self._kernels_of_known()
        yield 0.0, 2.0 * self._known_until_s, 1.0 / len(self.durations_s) ** 2

    def _covered_at(self, at_s: float) -> float:
        place = max(bisect_right(self._starts, at_s) - 1, 0)
        stretch = self._stretches[place]
        return self._sums[place] + stretch.covered_at(min(at_s, stretch.start_s + stretch.length_s))

    def _where(self, covered: float) -> float:
        place = bisect_right(self._sums, covered) - 1
        if place >= len(self._stretches):
            return math.inf
        return self._stretches[place].where(covered - self._sums[place])


def _stretches(kernels: Iterable[tuple[float, float, float]]) -> Iterable[_Stretch]:
    """The kernels laid over each other, cut where one begins or ends."""
    changes: dict[float, float] = {}
    left = 0.0
    for start_s, end_s, weight in kernels:
        density = weight / (end_s - start_s)
        changes[start_s] = changes.get(start_s, 0.0) + density
        changes[end_s] = changes.get(end_s, 0.0) - density
        left += weight
    changes.setdefault(0.0, 0.0)
    density, scale = 0.0, left
    for start_s, end_s in pairwise(sorted(changes)):
        density = max(density + changes[start_s] / scale, 0.0)
        share = left / scale
        yield _Stretch(start_s=start_s, length_s=end_s - start_s, left=share, density=density)
        left = max(left - density * scale * (end_s - start_s), 0.0)


def plan(
    durations_s: tuple[float, ...], *, even_s: float, longest_s: float, longest_beyond_s: float | None = None
) -> Plan | None:
    """The plan for a workflow of which these durations are known; None where nothing is known: then even polling is best.

    ``longest_beyond_s``: without it, ``longest_s``.
    """
    usable = tuple(sorted(took_s for took_s in durations_s if took_s > 0 and math.isfinite(took_s)))
    if not usable:
        return None
    longest_s = max(longest_s, even_s)
    beyond_s = longest_s if longest_beyond_s is None else max(longest_beyond_s, even_s)
    return Plan(durations_s=usable, even_s=even_s, longest_s=longest_s, longest_beyond_s=beyond_s)
