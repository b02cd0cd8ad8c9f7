"""What a connection's credential really holds, as far as the provider told: the mirror of its access scopes (design.md, 6).

A scope that cannot be asked about is "not verified", and counts as held until the provider refuses it. What a refusal taught
lapses after a while, since nobody would notice otherwise that the operators have mended it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

WHOLE = ""
"""The workflow id of what holds for the whole credential."""
REFUSAL_GOOD_FOR = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Holding:
    """What is known of one scope: held, missing, or not verified (None). ``evidence`` says in a sentence how it was learnt.

    ``workflow_id`` is set where the provider answers per workflow. ``lapses_at``: from then on nothing is known of it any more.
    """

    connection: str
    scope: str
    workflow_id: str = WHOLE
    is_held: bool | None
    evidence: str
    seen_at: datetime
    lapses_at: datetime | None = None

    def at(self, now: datetime) -> bool | None:
        """Whether it is held, as far as that is still known."""
        return None if self.lapses_at is not None and now >= self.lapses_at else self.is_held


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """Everything that is known of one connection's credential, by scope and workflow. ``identity``: whose it is, if told."""

    holdings: Mapping[tuple[str, str], Holding]
    identity: str | None = None

    def of(self, scope: str, workflow_id: str) -> tuple[Holding, ...]:
        """What is known of ``scope`` for this workflow: of the workflow itself first, then of the whole credential."""
        found = (self.holdings.get((scope, workflow_id)), self.holdings.get((scope, WHOLE)))
        return tuple(dict.fromkeys(holding for holding in found if holding is not None))


NOTHING_KNOWN = Mirror(holdings={})


def is_held(mirror: Mirror, scope: str, workflow_id: str, now: datetime) -> tuple[bool | None, Holding | None]:
    """Whether the credential holds ``scope`` for this workflow, and what says so. Missing anywhere is missing."""
    known = [(holding.at(now), holding) for holding in mirror.of(scope, workflow_id)]
    for verdict in (False, True):
        for held, holding in known:
            if held is verdict:
                return verdict, holding
    return None, known[0][1] if known else None
