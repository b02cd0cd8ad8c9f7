"""Where the configuration names somebody or something, and in which line.

Why the file is read once more: what is built from it (bot/settings) holds values only; lines are needed by nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.domain.grants import ApprovalRule, Policy
from bot.settings.document import Document, Place, parse


class Places:
    """The lines of one configuration file; of a file that cannot be read (any more) there are none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._document = parse(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError):
            self._document = Document()

    def line(self, place: Place) -> str | None:
        """``file:line`` of this place, or of what stands around it."""
        return f"{self._path}:{self._document.line(place)}" if self._document.lines else None


@dataclass(frozen=True, kw_only=True)
class Named:
    """A person or user group that the file names. ``role`` says as what, in words."""

    name: str
    role: str
    place: Place


def named(policy: Policy) -> Iterator[Named]:
    """Everybody whom grants, approval rules and freezes name, each time; not the word ``members``."""
    for channel_id, channel in policy.channels.items():
        for number, grant in enumerate(channel.grants):
            place: Place = ("channels", channel_id, "grants", number)
            yield from _each(grant.requesters, "requester", (*place, "requesters"))
            if grant.approval is not None:
                yield from _approving(grant.approval, (*place, "approval"))
    for number, freeze in enumerate(policy.freezes):
        yield from _each(freeze.exempt, "exception of a freeze", ("freezes", number, "except"))


def _approving(rule: ApprovalRule, place: Place) -> Iterator[Named]:
    yield from _each(rule.approvers, "approver", (*place, "approvers"))
    yield from _each(rule.escalate_to, "approver after escalation", (*place, "escalate_to"))


def _each(names: tuple[str, ...], role: str, place: Place) -> Iterator[Named]:
    for number, name in enumerate(names):
        if name != "members":
            yield Named(name=name, role=role, place=(*place, number))
