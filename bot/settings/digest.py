"""One fingerprint of what the configuration means: the same for two files that allow and launch the same.

In it: connections (provider, base URL, the provider's own settings, workflows with their inputs), grants with their rules, freezes.

Not in it: credentials, so that a renewed one changes nothing; how often and how long (``poll_every``, ``timeout``); words for
people (a channel's name, labels and hints); comments, and the order of keys, grants, scopes, workflows, requesters.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

from bot.domain.grants import ApprovalRule, ChannelPolicy, Freeze, Grant
from bot.domain.model import Connection, InputSpec, Workflow

_LEFT_OUT: Mapping[type[Any], frozenset[str]] = {
    Connection: frozenset({"poll_every_s", "timeout_s", "credential_mark"}),
    ChannelPolicy: frozenset({"name"}),
    InputSpec: frozenset({"label", "hint"}),
}
_UNORDERED: Mapping[type[Any], frozenset[str]] = {
    ChannelPolicy: frozenset({"grants"}),
    Connection: frozenset({"secret_names"}),
    Grant: frozenset({"scopes", "workflows", "requesters"}),
    ApprovalRule: frozenset({"approvers", "escalate_to"}),
    Freeze: frozenset({"connections", "exempt"}),
    Workflow: frozenset({"inputs"}),
}


def digest(connections: Mapping[str, Connection], channels: Mapping[str, ChannelPolicy], freezes: tuple[Freeze, ...] = ()) -> str:
    """SHA-256 over the meaning of these, in hexadecimal."""
    meaning = _meaning({"connections": connections, "channels": channels, "freezes": sorted(map(_meaning, freezes), key=_text)})
    return hashlib.sha256(_text(meaning).encode()).hexdigest()


def _text(meaning: Any) -> str:
    return json.dumps(meaning, sort_keys=True, separators=(",", ":"), default=lambda value: {type(value).__name__: str(value)})


def _meaning(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(key): _meaning(item) for key, item in cast("Mapping[Any, Any]", value).items()}
        case list() | tuple():
            return [_meaning(item) for item in cast("list[Any]", value)]
        case _ if dataclasses.is_dataclass(value):
            return _fields(value)
        case _:
            return value


def _fields(value: Any) -> dict[str, Any]:
    kind = cast("type[Any]", type(value))
    left_out, unordered = _LEFT_OUT.get(kind, frozenset()), _UNORDERED.get(kind, frozenset())
    meanings = {
        field.name: _meaning(getattr(value, field.name)) for field in dataclasses.fields(value) if field.name not in left_out
    }
    return {name: sorted(item, key=_text) if name in unordered and item else item for name, item in meanings.items()}
