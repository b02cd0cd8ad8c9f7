"""Options of selects: how they are shown and coded, which of them a search finds, and which one came back.

Why not every option is its own code: Slack takes 150 characters, may trim or escape others, and shows 75. An option that could
be changed on its way is coded by a mark and a digest; no plain code begins with that mark, so neither is taken for the other.

https://docs.slack.dev/reference/block-kit/composition-objects/option-object
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.grants import InputRule
from bot.domain.input_rules import misfits
from bot.domain.input_writing import is_list, written
from bot.domain.inputs import read_value
from bot.domain.model import InputSpec, InputType, Problem
from bot.domain.spelling import hidden_characters
from bot.surfaces.escaping import clean, plain_text, shorten, size

MOST_OPTIONS = 100
MOST_TEXT = 75
MOST_CODE = 150
LEAVE_OUT = "#-"
"""The code of "Leave out": a choice that gives no value."""
YES_OR_NO = ("yes", "no")
_MARK = "#"
CHOSEN = frozenset({InputType.CHOICE, InputType.MULTI_CHOICE, InputType.SECRET})
"""Types that take their options as they are spelt; others read them."""
_DIGEST = 24
_UNSAFE = frozenset("&<>\"'\\")


@dataclass(frozen=True, kw_only=True)
class Choosable:
    """One thing to choose: ``value`` is what it means, ``text`` what people read, ``note`` a second line for it.

    ``coded``: what stands for it in the select, where that is not made of its value.
    """

    value: str
    text: str
    note: str = ""
    coded: str = ""


def short_digest(*parts: str, length: int = _DIGEST) -> str:
    """A digest of ``parts``, each counted apart, in hexadecimal digits."""
    whole = "\0".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def code(value: str) -> str:
    """What stands for ``value`` in a select."""
    is_plain = 0 < size(value) <= MOST_CODE and value.isprintable() and value == value.strip() and not _UNSAFE & set(value)
    return value if is_plain and not value.startswith(_MARK) else f"{_MARK}{short_digest(value)}"


def decoded(coded: str, known: Iterable[str]) -> str:
    """The value that ``coded`` stands for; one that is none of ``known`` is its own word, so that it can be named."""
    if coded == LEAVE_OUT:
        return ""
    if not coded.startswith(_MARK):
        return coded
    return next((value for value in known if code(value) == coded), coded)


def options(choosables: Sequence[Choosable]) -> list[dict[str, Any]]:
    """Slack's options, one for each value, no two of which read the same."""
    taken: dict[str, int] = {}
    return [_option(one, _distinct(one.text, taken)) for one in {one.value: one for one in choosables}.values()]


def as_choosables(values: Iterable[str]) -> tuple[Choosable, ...]:
    """Values that read as they are."""
    return tuple(Choosable(value=value, text=value) for value in values)


def found(choosables: Sequence[Choosable], query: str) -> list[dict[str, Any]]:
    """The first hundred options in which every word of ``query`` stands, those first that begin with it."""
    words = query.casefold().split()
    whole = " ".join(words)
    texts = ((one, f"{one.text} {one.note} {one.value}".casefold()) for one in choosables)
    fitting = [(one, text) for one, text in texts if all(word in text for word in words)]
    fitting.sort(key=lambda pair: not pair[1].startswith(whole))
    return options(list({one.value: one for one, _ in fitting}.values())[:MOST_OPTIONS])


def offered(spec: InputSpec, rule: InputRule) -> tuple[str, ...]:
    """The texts that can be chosen for an input, each of which it takes and its rule allows; empty where it is typed.

    Why options that cannot be typed are not offered (blank, with invisible characters): the reader refuses them.
    """
    if spec.type is InputType.BOOLEAN and not is_list(spec):
        return _allowed(spec, rule, YES_OR_NO) or YES_OR_NO
    if spec.options and spec.type in CHOSEN:
        known = (one for one in dict.fromkeys(spec.options) if one.strip() and _is_visible(one))
        readable = [one for one in known if one == one.strip() or not (is_list(spec) or spec.type is InputType.SECRET)]
        return tuple(one for one in readable if not misfits(spec.name, rule, one)) if _judges(rule) else tuple(readable)
    if spec.options and spec.type is not InputType.JSON:
        return _allowed(spec, rule, spec.options)
    if rule.one_of and spec.type not in {InputType.JSON, InputType.SECRET}:
        one_at_a_time = _single(spec)
        return _allowed(spec, rule, [written(one_at_a_time, value) for value in rule.one_of])
    return ()


def _is_visible(option: str) -> bool:
    """Whether nothing in it is hidden; asked of ten thousand options, most of which are plain."""
    return option.isprintable() or not hidden_characters(option)


def _judges(rule: InputRule) -> bool:
    return rule != InputRule(hidden=rule.hidden)


def _single(spec: InputSpec) -> InputSpec:
    return replace(spec, many=False)


def _allowed(spec: InputSpec, rule: InputRule, texts: Iterable[str]) -> tuple[str, ...]:
    read = {text: read_value(_single(spec), text) for text in dict.fromkeys(texts) if text.strip()}
    return tuple(text for text, value in read.items() if not isinstance(value, Problem) and not misfits(spec.name, rule, value))


def _distinct(text: str, taken: dict[str, int]) -> str:
    shown = shorten((text if text.isprintable() else clean(text)).strip(), MOST_TEXT) or "-"
    alone = shown
    while alone in taken:
        taken[shown] += 1
        number = f" ({taken[shown]})"
        alone = shorten(shown, MOST_TEXT - len(number)) + number
    taken[alone] = 1
    return alone


def _option(one: Choosable, text: str) -> dict[str, Any]:
    shown: Mapping[str, Any] = {"description": plain_text(one.note, MOST_TEXT)} if one.note.strip() else {}
    return {"text": plain_text(text, MOST_TEXT), "value": one.coded or code(one.value), **shown}
