"""What an answer of a provider teaches about scopes: from a probe, from a refusal, from a start that was taken.

Why a probe that could not tell does not undo a refusal: the refusal is the better witness, until it lapses by itself. What it
taught stays as evidence even then, so that the same refusal is no news the next time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.domain.holdings import REFUSAL_GOOD_FOR, WHOLE, Holding, Mirror
from bot.domain.model import Launch
from bot.domain.provider import Held, ScopeSeen, Unauthorised

NO_LONGER_TOLD = "The provider told of it before, and no longer does."


def learnt_from_probe(connection: str, held: Held, known: Mirror, now: datetime) -> tuple[Holding, ...]:
    """What to keep after a probe of this connection, whose credential was known by ``known``."""
    seen = {(one.scope, one.workflow_id): one for one in held.scopes}
    told = (_told(connection, one, now) for key, one in seen.items() if not _is_better(known.holdings.get(key), one))
    gone = (one for key, one in known.holdings.items() if key not in seen and one.lapses_at is None)
    forgotten = (_no_longer_told(connection, one, held, now) for one in gone)
    return (*told, *(one for one in forgotten if one is not None))


def learnt_from_refusal(launch: Launch, answer: Unauthorised, now: datetime, *, verb: str = "start") -> Holding | None:
    """What a refusal of ``verb`` at run time says of a scope; None where it names none.

    It lapses, as nothing else would show that the operators have mended it; a probe that decides on the scope replaces it.
    """
    scope = answer.held_as or answer.scope
    if scope is None:
        return None
    named = "" if scope == answer.scope else f" for {answer.scope}"
    return Holding(
        connection=launch.connection,
        scope=scope,
        workflow_id=launch.workflow_id if answer.is_of_workflow else WHOLE,
        is_held=False,
        evidence=f"The provider refused it{named} ({answer.code}) on the {verb} of {launch.launch_id}.",
        seen_at=now,
        lapses_at=now + REFUSAL_GOOD_FOR,
    )


def learnt_from_start(launch: Launch, needed: Iterable[str], known: Mirror, now: datetime) -> tuple[Holding, ...]:
    """What a start that was taken says of scopes that were refused before, of those that it ``needed``: they are held again."""
    refused = [one for scope in needed for one in known.of(scope, launch.workflow_id) if is_refusal(one)]
    return tuple(
        Holding(
            connection=launch.connection,
            scope=one.scope,
            workflow_id=one.workflow_id,
            is_held=True,
            evidence=f"The provider took the start of {launch.launch_id}.",
            seen_at=now,
        )
        for one in refused
    )


def is_refusal(holding: Holding) -> bool:
    """Whether it was learnt from a refusal at run time."""
    return holding.is_held is False and holding.lapses_at is not None


def is_better_known(known: Holding | None, refusal: Holding) -> bool:
    """Whether a probe has shown the same as this refusal already: what a probe showed does not lapse."""
    return known is not None and known.is_held is refusal.is_held and known.lapses_at is None


def _is_better(known: Holding | None, seen: ScopeSeen) -> bool:
    return seen.is_held is None and known is not None and is_refusal(known)


def _told(connection: str, seen: ScopeSeen, now: datetime) -> Holding:
    return Holding(
        connection=connection,
        scope=seen.scope,
        workflow_id=seen.workflow_id,
        is_held=seen.is_held,
        evidence=seen.evidence,
        seen_at=now,
    )


def _no_longer_told(connection: str, known: Holding, held: Held, now: datetime) -> Holding | None:
    """Gone from a whole list is missing; else it is merely not known any more. None: that is what is kept already."""
    is_held = False if held.is_complete and known.workflow_id != WHOLE else None
    if known.is_held is is_held:
        return None
    seen = ScopeSeen(scope=known.scope, workflow_id=known.workflow_id, is_held=is_held, evidence=NO_LONGER_TOLD)
    return _told(connection, seen, now)
