"""What operators are told when what a credential holds and what channels are granted part, or agree again."""

from __future__ import annotations

from bot.domain.drift import Change, Drift, DriftKind
from bot.surfaces.escaping import Moment, Parts, Quoted, Strong
from bot.surfaces.say import Bullets, Paragraph, Say, compose

_KINDS = {
    DriftKind.GRANTED_NOT_HELD: (
        "Granted, but not held. Until the credential is mended, or the grant is changed, launches that need it are refused:"
    ),
    DriftKind.HELD_NOT_GRANTED: "Held, but granted to no channel. The credential can do more than anybody here may ask of it:",
}


def say_drift(connection: str, change: Change) -> Say:
    """What appeared and what is mended on one connection since this was last told."""
    paragraphs: list[Paragraph] = [("Scopes of ", Strong(connection), ": this is for whoever runs Gonogo here.")]
    for kind, words in _KINDS.items():
        lines = tuple(_line(drift) for drift in change.appeared if drift.kind is kind)
        paragraphs += [(words,), Bullets(lines=lines)] if lines else []
    if change.mended:
        lines = tuple(_subject(drift) for drift in change.mended)
        paragraphs += [("Mended, or no longer so:",), Bullets(lines=lines)]
    return compose(*paragraphs)


def _line(drift: Drift) -> Parts:
    granted = f", granted in {', '.join(drift.channels)}" if drift.channels else ""
    return (*_subject(drift), f"{granted}. {drift.evidence} (", Moment(drift.seen_at), ")")


def _subject(drift: Drift) -> Parts:
    return (Quoted(drift.scope), " on ", Quoted(drift.workflow_id)) if drift.workflow_id else (Quoted(drift.scope),)
