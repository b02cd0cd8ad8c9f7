"""What people type, character by character: what is invisible in it, and which known word was meant.

Why invisible characters are refused in what people type and only stripped from what is shown: a value that looks like another one
(a right-to-left mark, a zero-width space) must not be what runs; a provider's own text has no requester who could correct it.

Why the joiners U+200C and U+200D stay: emoji and several scripts are written with them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

_JOINERS = frozenset("\u200c\u200d")
_LINE_BREAKS_AND_TABS = frozenset("\t\n\r")
# Format characters (Unicode category Cf) that do show: signs of Arabic, Syriac and Kaithi numbers.
_SHOWN_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
# Flags of regions: a black flag, tag letters, a closing tag (https://www.unicode.org/reports/tr51/#valid-emoji-tag-sequences).
_REGION_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
_NAMELESS = {"\0": "NUL", "\x07": "BELL", "\x08": "BACKSPACE", "\x1b": "ESCAPE", "\x7f": "DELETE"}
_CLOSE_ENOUGH = 0.6
_MOST_COMPARED = 100


def is_hidden(char: str) -> bool:
    """True for what cannot be seen or turns the text around it: controls, bidi marks, zero-width and lone half characters."""
    category = unicodedata.category(char)
    if category == "Cf":
        return char not in _JOINERS and char not in _SHOWN_FORMATS
    return category in {"Cs", "Zl", "Zp"} or (category == "Cc" and char not in _LINE_BREAKS_AND_TABS)


def hidden_characters(text: str) -> tuple[str, ...]:
    """Each hidden character in ``text``, once, in order. Line breaks and tabs are not hidden."""
    if text.isprintable():  # no control, format, half character or line separator then; and nearly every text is
        return ()
    return tuple(dict.fromkeys(char for char in _REGION_FLAG.sub("", text) if is_hidden(char)))


def name_character(char: str) -> str:
    """``U+202E (RIGHT-TO-LEFT OVERRIDE)``: what people can look up."""
    name = unicodedata.name(char, "") or _NAMELESS.get(char, "a control character")
    return f"U+{ord(char):04X} ({name})"


def closest(typed: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant; None when none is near.

    Nothing is offered for a number: the neighbour of a wrong id is another workflow, not a correction.
    """
    words = {word.casefold(): word for word in known}
    wanted = typed.casefold()[:_MOST_COMPARED]
    if not wanted or wanted.isdigit():
        return None
    near = get_close_matches(wanted, words, n=1, cutoff=_CLOSE_ENOUGH)
    return words[near[0]] if near else None
