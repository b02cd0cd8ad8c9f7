"""Tells a lost run by its circumstances, for providers whose runs carry nothing of ours (Domo, Bitrix24).

Every question about a run has three answers: it fits, it does not, or the provider does not tell. Why a run of the third kind is
never a candidate by itself: alone it would be adopted, and a wrong adoption is worse than asking a person. Beside one that fits it
is a candidate, so that there are two and a person decides.

Why the window is that wide: clocks differ by seconds, and a call that was cut off may be applied minutes later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from bot.domain import reading
from bot.domain.model import Json
from bot.domain.provider import Candidate, Matches

BEFORE_SENT = timedelta(seconds=60)
"""How much earlier than ours the provider's clock may say that it began."""
AFTER_SENT = timedelta(minutes=15)
"""How much later a call that was sent may still be applied."""
_MOST_NAMED = 5

Fit: TypeAlias = bool | None
"""True: it fits; False: it does not; None: the provider does not tell."""


def is_near(started: Json, sent_at: datetime) -> Fit:
    """Whether what began at ``started``, in the provider's words, may be what was sent at ``sent_at``."""
    began = reading.moment(started)
    return None if began is None else sent_at - BEFORE_SENT <= began <= sent_at + AFTER_SENT


def is_same(told: str | None, wanted: str | None) -> Fit:
    """Whether the provider tells the wanted word; None where either is not known."""
    return None if told is None or wanted is None else told == wanted


def all_fit(*fits: Fit) -> Fit:
    """False where one does not fit, else None where one is not told."""
    if False in fits:
        return False
    return None if None in fits else True


def matches(judged: Sequence[tuple[Candidate, Fit]], doubt: str | None = None) -> Matches:
    """What a look-up means, given how each run fits. ``doubt``: what makes even those uncertain that fit."""
    fitting = tuple(candidate for candidate, fit in judged if fit)
    unclear = tuple(candidate for candidate, fit in judged if fit is None)
    doubts = [doubt] if doubt and fitting else []
    if unclear:
        named = ", ".join(candidate.run_id for candidate in unclear[:_MOST_NAMED])
        doubts.append(f"Too little is told about {len(unclear)} of the runs to know whose they are: {named}.")
    return Matches(candidates=fitting + unclear if fitting else (), doubt=" ".join(doubts) or None)
