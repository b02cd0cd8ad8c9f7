"""What was answered, as plain values: what `bot/app/probing` brings, and the rest of this room judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.model import Channel, Connection, Person
from bot.domain.provider import CatalogueAnswer, DescribeAnswer, ProbeAnswer, Provider

NOT_ASKED = "not asked: Slack had stopped answering"


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A question that brought no answer; ``cause`` is Slack's own error word where it gave one."""

    cause: str


@dataclass(frozen=True, kw_only=True)
class SlackFacts:
    """What Slack answered. ``scopes``: those that the bot token really holds, None where Slack did not say.

    ``groups`` are their members; ``disabled`` those that exist and are switched off. ``bot_name`` is whom to invite.
    """

    scopes: frozenset[str] | None
    bot_name: str
    channels: Mapping[str, Channel | Unknown] = field(default_factory=dict[str, Channel | Unknown])
    groups: Mapping[str, frozenset[str] | Unknown] = field(default_factory=dict[str, frozenset[str] | Unknown])
    people: Mapping[str, Person | Unknown] = field(default_factory=dict[str, Person | Unknown])
    disabled: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class ConnectionFacts:
    """What one provider answered over one connection. None: not asked, as what came before already failed.

    ``asked_at``: when it was asked. ``described`` is by workflow id. ``waited_s`` is set where time ran out: how long was waited
    for all of it.
    """

    connection: Connection
    provider: Provider
    asked_at: datetime
    probed: ProbeAnswer | None = None
    listed: CatalogueAnswer | None = None
    described: Mapping[str, DescribeAnswer] = field(default_factory=dict[str, DescribeAnswer])
    waited_s: float | None = None
