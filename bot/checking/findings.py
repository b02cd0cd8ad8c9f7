"""What `gonogo check` tells: one line per thing that was looked at, with how bad it is and where the file says it.

The JSON of ``as_json`` is a promise to other programs: keys are added, never renamed or taken away.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad it is.

    FAULT: something configured cannot work, and `check` ends with 1. WARNING: it may not be what was meant. NOTE: good to know.
    WELL: looked at, and as it should be.
    """

    FAULT = "fault"
    WARNING = "warning"
    NOTE = "note"
    WELL = "well"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """One thing that was looked at. ``code`` is for programs, ``words`` for people; ``place`` is a file and line, if there is one."""

    level: Level
    code: str
    subject: str
    words: str
    place: str | None = None


def as_json(checked: Sequence[Checked]) -> dict[str, Any]:
    """``well``, how many there are of each level, and every finding, the worst first."""
    counts = Counter(one.level for one in checked)
    return {
        "well": not counts[Level.FAULT],
        "counts": {str(level): counts[level] for level in Level},
        "findings": [
            {"level": one.level, "code": one.code, "subject": one.subject, "words": one.words, "place": one.place}
            for one in worst_first(checked)
        ],
    }


def worst_first(checked: Iterable[Checked]) -> list[Checked]:
    """Faults, warnings, notes, then what is well; each in the order in which it was found."""
    order = list(Level)
    return sorted(checked, key=lambda one: order.index(one.level))


def has_fault(checked: Iterable[Checked]) -> bool:
    """Whether anything is a fault."""
    return any(one.level is Level.FAULT for one in checked)
