"""What a channel may launch, as values: grants with their rules, channel policies, freezes (design.md, sections 3, 6 and 7).

Why a grant has two keys: ``key`` changes with anything that it says, so that an approval given under another wording does not
count; ``quota_key`` changes only with whom and what it is about, so that a tightened limit goes on counting where it stood.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, cast

from bot.domain.model import NOTHING, Json

MEMBERS = "members"
KEY_LENGTH = 16


@dataclass(frozen=True, kw_only=True)
class InputRule:
    """What a grant says about one input. Every part that is set must hold; a value that cannot be judged by it does not fit.

    ``fixed``: the only value, which nobody types; ``hidden``: forms leave the input out.
    """

    one_of: tuple[Json, ...] | None = None
    min: Decimal | None = None
    max: Decimal | None = None
    pattern: str | None = None
    fixed: Json = None
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class ApprovalRule:
    """Who must agree before a launch starts. Times are in seconds; None: never (``expires_after_s``: seven days).

    ``approvers`` and ``escalate_to`` are ``members``, user ids or user group ids. ``when``: only where these input rules hold;
    an input that is left out cannot be judged, so approval is needed. ``single_operator``: the requester may agree, once
    ``cool_down_s`` has passed.
    """

    approvers: tuple[str, ...]
    required: int = 1
    expires_after_s: float | None = None
    remind_after_s: float | None = None
    escalate_to: tuple[str, ...] = ()
    escalate_after_s: float | None = None
    self_approval: bool = False
    confirm: bool = False
    when: Mapping[str, InputRule] = NOTHING
    single_operator: bool = False
    cool_down_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a grant allows: launches asked for within any hour, and launches that are not over; None: any number."""

    per_hour: int | None = None
    running: int | None = None


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One line of a channel policy: who may launch which workflows of one connection, under which of the provider's scopes.

    ``workflows`` are ids or names, with globs. ``requesters`` are ``members``, user ids or user group ids.
    Empty means nothing and nobody: a grant gives only what it names.
    """

    connection: str
    scopes: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    requesters: tuple[str, ...] = ()
    inputs: Mapping[str, InputRule] = NOTHING
    approval: ApprovalRule | None = None
    limits: Limits | None = None
    single_transaction: bool = False

    @cached_property
    def key(self) -> str:
        """A fingerprint of everything that this grant says, whatever the order in which it says it."""
        return fingerprint(self)

    @cached_property
    def quota_key(self) -> str:
        """A fingerprint of whom and what it is about: launches under the same one count together."""
        return fingerprint([self.connection, sorted(self.scopes), sorted(self.workflows), sorted(self.requesters)])

    @property
    def fixed(self) -> dict[str, Json]:
        """The inputs whose value this grant gives itself."""
        return {name: rule.fixed for name, rule in self.inputs.items() if rule.fixed is not None}


@dataclass(frozen=True, kw_only=True)
class ChannelPolicy:
    """All grants of one Slack channel. ``is_shared_allowed``: launches are allowed although another organisation reads along."""

    channel_id: str
    name: str
    grants: tuple[Grant, ...] = ()
    is_shared_allowed: bool = False


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """A time, from ``begins`` up to ``ends``, in which nothing is launched over ``connections`` (none named: over any).

    ``exempt``: for whom it does not hold, as requesters are named.
    """

    name: str
    begins: datetime
    ends: datetime
    connections: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Every channel policy and freeze, and the digest of the configuration that said so."""

    channels: Mapping[str, ChannelPolicy]
    digest: str
    freezes: tuple[Freeze, ...] = ()


def fingerprint(value: Any) -> str:
    """A short digest of what ``value`` means: equal for equal meaning, and never printed back into it."""
    text = json.dumps(meaning(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def meaning(value: Any) -> Any:
    """``value`` as plain JSON: dataclasses by their fields, tuples of names in one order, numbers by what they are worth."""
    match value:
        case Mapping():
            return {str(key): meaning(item) for key, item in cast("Mapping[Any, Any]", value).items()}
        case tuple() if all(isinstance(item, str) for item in cast("tuple[Any, ...]", value)):
            return sorted(set(cast("tuple[str, ...]", value)))
        case list() | tuple():
            return [meaning(item) for item in cast("list[Any]", value)]
        case _ if is_dataclass(value):
            return {field.name: meaning(getattr(value, field.name)) for field in fields(value)}
        case _:
            return _plain(value)


def _plain(value: Any) -> Any:
    match value:
        case bool() | None | str():
            return value
        case int() | Decimal():
            return {"number": _worth(value)}
        case float():
            return {"number": _worth(Decimal(str(value)))}
        case datetime():
            return {"time": value.isoformat()}
        case _:
            return {type(value).__name__: str(value)}


def _worth(number: int | Decimal) -> str:
    """The same text for 1, 1.0 and 1.00, and no digit lost: ``Decimal.normalize`` rounds to 28 of them."""
    exact = Decimal(number)
    if not exact.is_finite():
        return str(exact)
    sign, digits, exponent = exact.as_tuple()
    worth = "".join(map(str, digits)).lstrip("0")
    whole = worth.rstrip("0")
    return f"{'-' * sign}{whole}e{int(exponent) + len(worth) - len(whole)}" if whole else "0"
