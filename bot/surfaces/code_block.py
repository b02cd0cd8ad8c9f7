"""Text that keeps its lines and spaces: a snippet to paste, a call to read. As literal as everything else that is shown.

What does not fit is cut from the end, and the last line says how much: a snippet that ends in silence would be pasted as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.surfaces.escaping import clean, literal, shorten, size
from bot.surfaces.say import Say, rich_text

MOST_LINE = 400
_ROOM_FOR_REST = 40


def say_code(text: str, *, most: int) -> Say:
    """``text`` as a block of code, its plain text at most ``most`` long."""
    lines = _fitting([shorten(clean(line), MOST_LINE) for line in text.split("\n")], most)
    return Say(text="\n".join(map(_plain, lines)), blocks=(rich_text(_preformatted("\n".join(lines))),))


def stacked(*says: Say) -> Say:
    """Messages below each other, as one; whoever makes them sees to it that they fit."""
    return Say(text="\n".join(one.text for one in says), blocks=tuple(block for one in says for block in one.blocks))


def _fitting(lines: Sequence[str], most: int) -> list[str]:
    costs = [size(_plain(line)) + 1 for line in lines]
    if sum(costs) <= most:
        return list(lines)
    kept: list[str] = []
    left = most - _ROOM_FOR_REST
    for line, cost in zip(lines, costs, strict=True):
        left -= cost
        if left < 0:
            break
        kept.append(line)
    return [*kept, f"… {len(lines) - len(kept)} more lines are not shown"]


def _plain(line: str) -> str:
    return literal(line, MOST_LINE * 6)


def _preformatted(text: str) -> dict[str, Any]:
    """https://docs.slack.dev/reference/block-kit/blocks/rich-text-block"""  # noqa: D415 - an address
    return {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text or "-"}]}
