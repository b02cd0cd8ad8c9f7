"""Parts of the configuration that are understood and that nothing acts on yet. To use one is a fault, never silently ignored.

Whoever builds such a part removes its line here; the tests then show what still refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.domain.model import Json
from bot.domain.provider import Provider
from bot.settings.document import Fault, Place, entries

NOT_BUILT: tuple[Place, ...] = (("channels", "*", "grants", "*", "single_transaction"),)


def faults(value: Json, connections: Mapping[str, Provider | None]) -> list[Fault]:
    """A fault for every part that the file uses and that is not built. Empty parts (``freezes: []``) use nothing."""
    places = [place for pattern in NOT_BUILT for place, part in matching(value, pattern) if part]
    for name, provider in connections.items():
        for key in provider.not_built if provider else ():
            for pattern in (("connections", name, key), ("connections", name, "workflows", "*", key)):
                places += [place for place, part in matching(value, pattern) if part]
    return [Fault(place=place, text="not built yet: remove it, since nothing would act on it") for place in places]


def matching(value: Json, pattern: Place, place: Place = ()) -> Iterator[tuple[Place, Json]]:
    """Every place that fits ``pattern``, where ``*`` is any one step, with what stands there."""
    if not pattern:
        yield place, value
        return
    step, rest = pattern[0], pattern[1:]
    for key, item in entries(value):
        if step in {"*", key}:
            yield from matching(item, rest, (*place, key))
