"""Text that anybody may have written, made literal for each place in Slack where text can stand.

What people are told is first a row of *parts*: strings, which are literal whoever wrote them, and a few marks that only this
program makes (a mention, a time, a link). The same parts then become a message's ``text``, rich text elements, or plain words.

What the gateway owes for this to hold: ``parse="none"`` (no address links by itself), never ``link_names``, never unfurling, and
the blocks wherever a ``Say`` has them. ``text`` is safe with formatting on: nothing depends on ``mrkdwn: false``.

Why look-alikes for ``* _ ~`` and the backtick in ``text``: Slack has no escape for them, and zero-width characters do not
reliably stop its parser. They are replaced only where they could open or close a format, so that names such as
``Escalate_to_Case`` and ``acme__Amount__c`` stay as they are, to be found and copied. Blocks need none of this: rich text and plain
text objects are literal.

Why ``literal`` looks first whether there is anything to make harmless: nearly every text has nothing, and that look costs 0.2 µs
where the replacing costs 1.5; a card has thirty such texts. Why ``size`` encodes: counting in C takes 0.4 µs where a loop takes 3.

https://docs.slack.dev/messaging/formatting-message-text
https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeAlias, assert_never
from urllib.parse import urlsplit

from bot.domain.spelling import is_hidden

MOST_TEXT = 4000
MOST_URL = 3000
_ELLIPSIS = "…"
_NOTHING = "-"
_MOST_ID = 60
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LINE_BREAKS = dict.fromkeys(map(ord, "\t\n\r\x0b\x0c\x85\u2028\u2029"), " ")
_LOOK_ALIKES = {"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb"}
# Slack formats between a mark that follows no letter or digit and one that no letter or digit follows. ASCII only: whether it
# takes an accented or a Chinese character for a letter is not documented. Underscores are judged by their whole run: inside a name
# (``acme__Amount__c``) it formats nothing. A run is looked at from its beginning only, or a long one would take its square in time.
_FORMAT_MARK = re.compile(r"`|(?<![A-Za-z0-9])[*~]|[*~](?![A-Za-z0-9])|(?<![A-Za-z0-9_])_+|(?<!_)_++(?![A-Za-z0-9])")
_USER_ID = re.compile(r"[UW][A-Z0-9]{1,30}")
_GROUP_ID = re.compile(r"S[A-Z0-9]{1,30}")
_ACTIVE = re.compile(r"[&<>*_~`]")
"""Every character that ``escape`` or ``_FORMAT_MARK`` may replace."""
_NOT_IN_URL = re.compile(r"[\s<>|\"\\^`{}]")
_DATE_FORMAT = "{date_short_pretty} at {time}"


@dataclass(frozen=True)
class Strong:
    """Literal text that stands out."""

    text: str


@dataclass(frozen=True)
class Quoted:
    """Literal text that is quoted: a name, a value, what somebody typed."""

    text: str


@dataclass(frozen=True)
class Mention:
    """A person; notified only where Slack notifies about messages at all. Anything that is no user id stays literal."""

    user_id: str


@dataclass(frozen=True)
class GroupMention:
    """A user group: everybody in it is notified. Anything that is no user group id stays literal."""

    group_id: str


@dataclass(frozen=True)
class Moment:
    """A time, shown in each reader's own zone."""

    at: datetime


@dataclass(frozen=True)
class Link:
    """An address behind a label; only the label where the address is none that people should follow."""

    url: str
    label: str


Part: TypeAlias = str | Strong | Quoted | Mention | GroupMention | Moment | Link
Parts: TypeAlias = tuple[Part, ...]


def clean(text: str) -> str:
    """``text`` on one line, without controls, bidi marks and zero-width characters."""
    if text.isprintable():  # nothing of all that is; and nearly every text is
        return text
    return "".join(char for char in text.translate(_LINE_BREAKS) if not is_hidden(char))


def size(text: str) -> int:
    """Length in UTF-16 units: the larger of the two ways in which Slack's clients and servers may count an emoji."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def shorten(text: str, most: int) -> str:
    """``text`` if its size is at most ``most``, else its beginning and an ellipsis within that size."""
    return text if 2 * len(text) <= most or size(text) <= most else _cut(text, most, {})


def escape(text: str) -> str:
    """Slack's three escapes; kills every mention, link and date in ``text``."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def literal(text: str, most: int = MOST_TEXT) -> str:
    """``text`` for a message's ``text`` or a mrkdwn object, at most ``most`` long after escaping, no escape cut in two."""
    cleaned = clean(text)
    if not _ACTIVE.search(cleaned):
        return shorten(cleaned, most)
    harmless = _FORMAT_MARK.sub(lambda mark: _LOOK_ALIKES[mark[0][0]] * len(mark[0]), cleaned)
    escaped = escape(harmless)
    return escaped if size(escaped) <= most else _cut(harmless, most, _ESCAPES)


def safe_url(url: object) -> str | None:
    """``url`` if it is a web address that a button or link may carry; else None, whatever a provider sent."""
    return url if isinstance(url, str) and len(url) <= MOST_URL and _is_web_address(url) else None


@lru_cache(maxsize=256)
def _is_web_address(url: str) -> bool:
    """Remembered for a while, as one card asks five times about one address, and parsing it takes ten times as long."""
    if _NOT_IN_URL.search(url) or clean(url) != url:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def plain_text(text: str, most: int) -> dict[str, Any]:
    """A ``plain_text`` object; Slack takes none that is empty."""
    return {"type": "plain_text", "text": shorten(clean(text).strip(), most) or _NOTHING, "emoji": False}


def as_text(parts: Iterable[Part], most: int = MOST_TEXT) -> str:
    """``parts`` for a message's ``text``; a mark that does not fit any more is left out whole."""
    pieces: list[str] = []
    left = most
    for part in parts:
        piece = literal(part, left) if isinstance(part, str) else _text_piece(part, left)
        takes = size(piece)
        if takes <= left:
            pieces.append(piece)
            left -= takes
    return "".join(pieces)


def as_elements(parts: Iterable[Part], most: int = MOST_TEXT) -> list[dict[str, Any]]:
    """``parts`` as the elements of a rich text section; at least one, as Slack takes none that is empty."""
    elements: list[dict[str, Any]] = []
    left = most
    for part in parts:
        element = _text_element(part, left) if isinstance(part, str) else _element(part, left)
        left -= size(element.get("text", ""))
        if element.get("text") != "":
            elements.append(element)
    return elements or [{"type": "text", "text": _NOTHING}]


def as_plain(parts: Iterable[Part]) -> str:
    """``parts`` where nothing is ever formatted: a terminal, an error in a form."""
    return "".join(map(_plain_piece, parts))


def merged(parts: Iterable[Part]) -> Parts:
    """Neighbouring strings joined, so that a mark at a seam (``_`` or ``*``) has both its neighbours."""
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return tuple(merged)


def _cut(text: str, most: int, escapes: dict[str, str]) -> str:
    """The longest beginning of ``text`` that, escaped and with an ellipsis, is at most ``most`` in size."""
    pieces: list[str] = []
    left = most - size(_ELLIPSIS)
    for char in text:
        piece = escapes.get(char, char)
        left -= size(piece)
        if left < 0:
            break
        pieces.append(piece)
    return "".join(pieces).rstrip("\u200d ") + _ELLIPSIS if most >= size(_ELLIPSIS) else ""


def _text_piece(part: Part, left: int) -> str:
    match part:
        case str() | Strong():
            return literal(_words(part), left)
        case Quoted():
            return f"“{literal(part.text, left - 2)}”"
        case Mention():
            return f"<@{part.user_id}>" if _USER_ID.fullmatch(part.user_id) else literal(_words(part), left)
        case GroupMention():
            return f"<!subteam^{part.group_id}>" if _GROUP_ID.fullmatch(part.group_id) else literal(_words(part), left)
        case Moment():
            return f"<!date^{int(part.at.timestamp())}^{_DATE_FORMAT}|{_words(part)}>"
        case Link():
            url = safe_url(part.url)
            label = literal(_words(part))
            return f"<{escape(url)}|{label}>" if url else label
        case _:
            assert_never(part)


def _element(part: Part, left: int) -> dict[str, Any]:
    match part:
        case Mention() if _USER_ID.fullmatch(part.user_id):
            return {"type": "user", "user_id": part.user_id}
        case GroupMention() if _GROUP_ID.fullmatch(part.group_id):
            return {"type": "usergroup", "usergroup_id": part.group_id}
        case Moment():
            # https://docs.slack.dev/reference/block-kit/block-elements/date-element
            return {"type": "date", "timestamp": int(part.at.timestamp()), "format": _DATE_FORMAT, "fallback": _words(part)}
        case Link() if safe_url(part.url):
            return {"type": "link", "url": part.url, "text": shorten(_words(part), left)}
        case Strong() | Quoted():
            style = "bold" if isinstance(part, Strong) else "code"
            return {"type": "text", "text": shorten(clean(part.text), left), "style": {style: True}}
        case _:
            return _text_element(_words(part), left)


def _text_element(text: str, left: int) -> dict[str, Any]:
    return {"type": "text", "text": shorten(clean(text), left)}


def _plain_piece(part: Part) -> str:
    return f"“{clean(part.text)}”" if isinstance(part, Quoted) else clean(_words(part))


def _words(part: Part) -> str:
    """The bare words of a part."""
    match part:
        case str():
            return part
        case Strong() | Quoted():
            return part.text
        case Mention():
            return shorten(clean(part.user_id).strip(), _MOST_ID) or "somebody"
        case GroupMention():
            return shorten(clean(part.group_id).strip(), _MOST_ID) or "some group"
        case Moment():
            return f"{part.at.astimezone(UTC).isoformat(' ', 'minutes').removesuffix('+00:00')} UTC"
        case Link():
            return clean(part.label).replace("|", "/").strip() or "link"
        case _:
            assert_never(part)
