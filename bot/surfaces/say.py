"""What one person is told, put together from paragraphs of parts: plain text and blocks always say the same.

Why 4,000 characters and not the 40,000 that Slack takes: that is where Slack advises to end, and where people stop reading.
https://docs.slack.dev/reference/methods/chat.postMessage
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias, cast

from bot.domain.model import Json, SecretName
from bot.surfaces.escaping import MOST_TEXT, Part, Parts, Quoted, as_elements, as_plain, as_text, shorten, size

MOST_BLOCKS = 50
"""https://docs.slack.dev/reference/block-kit/blocks (in a message)"""
_LEAST_LINE = 90
_BULLET = 3
"""A mark, a space and a line break."""
_MOST_SUBJECT = 40
_MOST_NESTED = 6
_MOST_PARTS = 50


@dataclass(frozen=True, kw_only=True)
class Say:
    """What is told: plain ``text`` that says everything, and Block Kit ``blocks`` that say it nicely (may be empty)."""

    text: str
    blocks: tuple[dict[str, Any], ...] = field(default=())


@dataclass(frozen=True, kw_only=True)
class Bullets:
    """Lines below each other, each with a mark before it unless ``is_marked`` is false."""

    lines: tuple[Parts, ...]
    is_marked: bool = True


Paragraph: TypeAlias = Parts | Bullets


def compose(*paragraphs: Paragraph, most: int = MOST_TEXT) -> Say:
    """One message whose text is at most ``most`` long, its blocks literal. Short paragraphs stay whole, the long ones are cut.

    Each line is put into text once, to learn what it costs; only what must be cut is put into text again.
    """
    written = [[as_text(line) for line in _lines(paragraph)] for paragraph in paragraphs]
    costs = [sum(size(text) + _BULLET for text in lines) for lines in written]
    texts: list[str] = []
    blocks: list[dict[str, Any]] = []
    for paragraph, lines, cost, share in zip(paragraphs, written, costs, _shares(costs, most), strict=True):
        whole = lines if cost <= share else None
        some, block = _bullets(paragraph, whole, share) if isinstance(paragraph, Bullets) else _prose(paragraph, whole, share - 1)
        texts += some
        blocks.append(block)
    return Say(text="\n".join(texts), blocks=tuple(blocks[:MOST_BLOCKS]))


def together(says: Sequence[Say]) -> Say:
    """Several messages as one, in order; what does not fit any more gives way to what comes last, which is the news."""
    kept: list[Say] = []
    length = 0
    for say in reversed(says):
        length += size(say.text) + 1
        if kept and (length > MOST_TEXT or sum(len(one.blocks) for one in (*kept, say)) > MOST_BLOCKS):
            break
        kept.insert(0, say)
    return Say(text="\n".join(one.text for one in kept), blocks=tuple(block for one in kept for block in one.blocks))


def section(parts: Iterable[Part], most: int = MOST_TEXT) -> dict[str, Any]:
    """One run of rich text."""
    return {"type": "rich_text_section", "elements": as_elements(parts, most)}


def rich_text(*elements: dict[str, Any]) -> dict[str, Any]:
    """A block of rich text. One per paragraph: Slack does not promise a line break between two sections of one block."""
    return {"type": "rich_text", "elements": list(elements)}


def show_value(value: Json, *, nested: int = _MOST_NESTED) -> str:
    """An input or output as people read it: JSON without quotes around a single text, every digit kept, long ones cut."""
    return value if isinstance(value, str) else _show_json(value, nested)


def _lines(paragraph: Paragraph) -> tuple[Parts, ...]:
    return paragraph.lines if isinstance(paragraph, Bullets) else (paragraph,)


def _prose(parts: Parts, whole: list[str] | None, most: int) -> tuple[list[str], dict[str, Any]]:
    """The text and the block of a paragraph; ``whole``: the text, where it may have its full length."""
    return [as_text(parts, most)] if whole is None else whole, rich_text(section(parts, most))


def _bullets(bullets: Bullets, whole: list[str] | None, most: int) -> tuple[list[str], dict[str, Any]]:
    """The same, of lines: each a text of its own."""
    lines = _cut_to(bullets.lines, most) if whole is None else [(line, most) for line in bullets.lines]
    texts = [as_text(line, room) for line, room in lines] if whole is None else whole
    if not bullets.is_marked:
        return texts, _broken(lines)
    return [f"• {text}" for text in texts], _bulleted(lines)


def _shares(costs: Sequence[int], total: int) -> list[int]:
    """``total`` dealt out: what costs little is paid in full, and what is left is the same for all others."""
    if sum(costs) <= total:
        return list(costs)
    shares = [0] * len(costs)
    for place, index in enumerate(sorted(range(len(costs)), key=costs.__getitem__)):
        shares[index] = min(costs[index], (total - sum(shares)) // (len(costs) - place))
    return shares


def _bulleted(lines: list[tuple[Parts, int]]) -> dict[str, Any]:
    sections = [section(line, most) for line, most in lines]
    return rich_text({"type": "rich_text_list", "style": "bullet", "elements": sections})


def _broken(lines: list[tuple[Parts, int]]) -> dict[str, Any]:
    """Lines in one section, as Slack's own composer writes them."""
    line_break = {"type": "text", "text": "\n"}
    elements = [element for line, most in lines for element in (line_break, *as_elements(line, most))]
    return rich_text({"type": "rich_text_section", "elements": elements[1:]})


def _cut_to(lines: tuple[Parts, ...], left: int) -> list[tuple[Parts, int]]:
    """Each line with the size that it may take, together at most ``left``: all cut, else the rest by name."""
    room = left // (len(lines) or 1) - _BULLET
    if room >= _LEAST_LINE:
        return [(line, room) for line in lines]
    shown = max(0, left // 2 // (_LEAST_LINE + _BULLET))
    subjects = (next((part.text for part in line if isinstance(part, Quoted)), as_plain(line)) for line in lines[shown:])
    names = ", ".join(shorten(subject, _MOST_SUBJECT) for subject in subjects)
    rest: Parts = (f"and {len(lines) - shown} more: ", names)
    room = left - shown * (_LEAST_LINE + _BULLET) - _BULLET
    return [*((line, _LEAST_LINE) for line in lines[:shown]), (rest, room)]


def _show_json(value: Json, nested: int) -> str:
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case str():
            return json.dumps(value, ensure_ascii=False)
        case Mapping() | list() | tuple() if nested == 0:
            return "…"
        case Mapping():
            pairs = cast("Mapping[str, Any]", value).items()
            return f"{{{_joined(f'{_show_json(str(name), 0)}: {_show_json(part, nested - 1)}' for name, part in pairs)}}}"
        case list() | tuple():
            return f"[{_joined(_show_json(part, nested - 1) for part in cast('Sequence[Any]', value))}]"
        case _:
            return f'secret "{value}"' if isinstance(value, SecretName) else str(value).replace("E+", "e").replace("E", "e")


def _joined(shown: Iterable[str]) -> str:
    """Lazily, so that the thousandth entry of a provider's list costs nothing."""
    entries = list(islice(shown, _MOST_PARTS + 1))
    return ", ".join(entries if len(entries) <= _MOST_PARTS else [*entries[:_MOST_PARTS], "…"])
