"""Why a launch that was allowed once is not any more, for its thread: the sentences that its requester would be refused with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from bot.domain.model import Event, Json, Reason
from bot.surfaces.escaping import Mention, Parts, merged
from bot.surfaces.words import reason_parts

MOST_REASONS = 3


def no_longer(requester_id: str, event: Event) -> Parts:
    """The first reasons of an event, said to the requester, as their sentences are; nothing where there are none."""
    found = event.facts.get("reasons")
    listed = [_reason(one) for one in cast("list[Any]", found)] if isinstance(found, list | tuple) else []
    told = [reason_parts(reason) for reason in listed if reason is not None][:MOST_REASONS]
    return merged((Mention(requester_id), ":", *(part for parts in told for part in (" ", *parts)))) if told else ()


def _reason(value: Json) -> Reason | None:
    if not isinstance(value, Mapping):
        return None
    facts = {str(name): str(fact) for name, fact in cast("Mapping[Any, Any]", value).items()}
    code = facts.pop("code", "")
    return Reason(code=code, facts=facts) if code else None
