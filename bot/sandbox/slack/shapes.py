"""Reading JSON of unknown shape without trusting it: the bot's payloads arrive here as ``Any``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard


def is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    """True for a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """True for a JSON array."""
    return isinstance(value, list)


def mapping(value: object) -> dict[str, Any]:
    """``value`` if it is a JSON object, else an empty one."""
    return value if is_mapping(value) else {}


def mappings(value: object) -> Iterator[dict[str, Any]]:
    """The JSON objects in a JSON array; nothing for anything else."""
    if is_list(value):
        yield from (item for item in value if is_mapping(item))


def plain(text_object: object) -> str:
    """What a text object shows, or ``""``."""
    return str(mapping(text_object).get("text", ""))


def copy(value: Mapping[str, Any]) -> dict[str, Any]:
    """A deep copy of a JSON object, so that nobody changes what somebody else keeps."""
    copied: dict[str, Any] = json.loads(json.dumps(value))
    return copied
