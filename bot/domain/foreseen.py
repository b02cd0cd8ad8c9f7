"""What a start would send, found without sending anything: its exchange is driven to its first changing call, and no further.

Why not past a read: what a provider would answer cannot be made up, and an answer that was made up would make up the call after it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from bot.domain.model import Json, Launch
from bot.domain.provider import Call, Exchange, StartAnswer
from bot.domain.tokens import blanked

PLACEHOLDER = "L-…"
"""Stands where the launch id will: no launch can have it."""
MASK = "****"
_SECRET_NAME = re.compile(
    r"token|secret|passw|api[-_]?key|authori[sz]ation|cookie|credential|li_at|session[-_]?id", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """The first call of a start that matters. ``is_read``: it only reads, and what comes after it depends on its reply.

    ``call`` is None where nothing would be sent; ``answer`` is what the start would come to without a call.
    """

    call: Call | None = None
    is_read: bool = False
    answer: StartAnswer | None = None


def foreseen(exchange: Exchange[StartAnswer]) -> Foreseen:
    """What ``exchange`` would send first. It is closed afterwards: nobody can go on with it by mistake."""
    try:
        call = next(exchange)
    except StopIteration as stopped:
        return Foreseen(answer=stopped.value)
    finally:
        exchange.close()
    return Foreseen(call=masked(call), is_read=not call.changes)


def made_up(launch: Launch) -> Launch:
    """``launch`` as it is shown before it exists: under no real id."""
    return replace(launch, launch_id=PLACEHOLDER)


def masked(call: Call) -> Call:
    """The call without what its names say is secret, wherever it stands."""
    return replace(
        call,
        headers=_by_name(call.headers),
        query=_by_name(call.query),
        form=None if call.form is None else _by_name(call.form),
        json=_masked(call.json),
    )


def _by_name(values: Mapping[str, str]) -> dict[str, str]:
    return {name: MASK if _is_secret(name, value) else blanked(value) for name, value in values.items()}


def _masked(value: Json) -> Json:
    """A secret of the connection (``SecretName``) stays what it is: only its name is in it."""
    match value:
        case Mapping():
            pairs = cast("Mapping[str, Any]", value).items()
            return {name: MASK if _is_secret(name, part) else _masked(part) for name, part in pairs}
        case list() | tuple():
            return [_masked(part) for part in cast("list[Any]", value)]
        case str():
            return blanked(value)
        case _:
            return value


def _is_secret(name: str, value: Json) -> bool:
    """Only a text can be one."""
    return isinstance(value, str) and bool(value) and bool(_SECRET_NAME.search(name))
