"""``/launch why`` without more: where a person stands in one channel, connection by connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain.explaining import Finding
from bot.domain.model import Reason
from bot.surfaces.escaping import Parts, Strong, shorten
from bot.surfaces.say import Bullets, Paragraph, Say, compose
from bot.surfaces.why import finding_line
from bot.surfaces.words import reason_parts

MOST_LABELS = 20
MOST_LABEL = 60
MOST_REASONS = 4
MOST_CONNECTIONS = 12


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What one person may launch over one connection here. ``refusals``: why not the rest. ``trouble``: why this may lack some."""

    connection: str
    provider_title: str
    allowed: tuple[str, ...] = ()
    after_approval: tuple[str, ...] = ()
    refusals: tuple[Reason, ...] = ()
    trouble: str | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a person stands in one channel: what holds there for everything, then what holds over each connection."""

    channel_name: str
    around: tuple[Finding, ...]
    reaches: tuple[Reach, ...]


def say_place(place: Place, *, command: str) -> Say:
    """What this person may launch here, or why not."""
    around = Bullets(lines=tuple(finding_line(finding, command=command) for finding in place.around))
    rows = [paragraph for reach in place.reaches[:MOST_CONNECTIONS] for paragraph in _reach(reach, command)]
    more: list[Paragraph] = []
    if len(place.reaches) > MOST_CONNECTIONS:
        rest = ", ".join(shorten(reach.connection, MOST_LABEL) for reach in place.reaches[MOST_CONNECTIONS:][:MOST_LABELS])
        more.append((f"and {len(place.reaches) - MOST_CONNECTIONS} more connections: {rest}",))
    if not place.reaches and all(finding.is_met for finding in place.around):
        more.append((f"No grant of #{place.channel_name} is about any connection.",))
    closing: Parts = (f"Rule by rule about one workflow: {command} why <connection> <workflow>",)
    return compose((f"You in #{place.channel_name}:",), around, *rows, *more, closing)


def _reach(reach: Reach, command: str) -> Iterator[Paragraph]:
    yield (Strong(reach.connection), f" ({reach.provider_title})")
    yield Bullets(lines=tuple(_lines(reach, command)))


def _lines(reach: Reach, command: str) -> Iterator[Parts]:
    if reach.allowed:
        yield (Strong("Allowed: "), _listed(reach.allowed))
    if reach.after_approval:
        yield (Strong("Allowed once others agree: "), _listed(reach.after_approval))
    if not (reach.allowed or reach.after_approval or reach.refusals or reach.trouble):
        yield (Strong("Nothing: "), "no workflow is known that a grant of this channel names.")
    for reason in reach.refusals[:MOST_REASONS]:
        yield (Strong("Not allowed: "), *reason_parts(reason, command=command))
    if len(reach.refusals) > MOST_REASONS:
        yield (f"and {len(reach.refusals) - MOST_REASONS} more reasons",)
    if reach.trouble:
        yield (f"This may be incomplete: {reach.trouble}",)


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(shorten(label, MOST_LABEL) for label in labels[:MOST_LABELS])
    return shown if len(labels) <= MOST_LABELS else f"{shown} and {len(labels) - MOST_LABELS} more"
