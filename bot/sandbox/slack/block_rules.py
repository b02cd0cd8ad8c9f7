"""Small rules from which the shapes of Block Kit are put together; each yields what is wrong, in Slack's words.

Slack answers such as ``no more than 25 items allowed [json-pointer:/blocks/1/elements]``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from bot.sandbox.slack.shapes import is_list, is_mapping

Rule: TypeAlias = Callable[[Any, str], Iterator[str]]
"""(value, its JSON pointer) → problems."""


def problem(words: str, at: str) -> str:
    """One problem as Slack writes it."""
    return f"{words} [json-pointer:{at}]"


def anything(_value: Any, _at: str) -> Iterator[str]:
    """Not looked into."""
    yield from ()


def string(longest: int, *, shortest: int = 0) -> Rule:
    """A string of so many characters."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield problem("must be a string", at)
        elif len(value) > longest:
            yield problem(f"must be less than {longest + 1} characters", at)
        elif len(value) < shortest:
            yield problem(f"must be more than {shortest - 1} characters", at)

    return check


def boolean(value: Any, at: str) -> Iterator[str]:
    """True or false."""
    if not isinstance(value, bool):
        yield problem("must be a boolean", at)


def integer(value: Any, at: str) -> Iterator[str]:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        yield problem("must be an integer", at)


def one_of(*allowed: str) -> Rule:
    """One of these words."""

    def check(value: Any, at: str) -> Iterator[str]:
        if value not in allowed:
            yield problem(f"must be one of {', '.join(allowed)}", at)

    return check


def listed(rule: Rule, longest: int, *, shortest: int = 1) -> Rule:
    """An array whose items each follow ``rule``."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not is_list(value):
            yield problem("must be an array", at)
            return
        if len(value) > longest:
            yield problem(f"no more than {longest} items allowed", at)
        if len(value) < shortest:
            yield problem(f"must have at least {shortest} items", at)
        for place, item in enumerate(value):
            yield from rule(item, f"{at}/{place}")

    return check


def shape(fields: Mapping[str, Rule], *required: str) -> Rule:
    """An object with these fields and no others."""

    def check(value: Any, at: str) -> Iterator[str]:
        if not is_mapping(value):
            yield problem("must be an object", at)
            return
        yield from (problem(f"missing required field: {name}", at) for name in required if value.get(name) is None)
        yield from (problem(f"invalid additional property: {name}", at) for name in value if name not in fields)
        for name in fields.keys() & value.keys():
            if value[name] is not None:
                yield from fields[name](value[name], f"{at}/{name}")

    return check


def typed(kinds: Mapping[str, Rule]) -> Rule:
    """An object whose ``type`` says which of these rules it follows."""

    def check(value: Any, at: str) -> Iterator[str]:
        kind = value.get("type") if is_mapping(value) else None
        if not isinstance(kind, str) or kind not in kinds:
            yield problem(f"unsupported type: {kind}", f"{at}/type")
        else:
            yield from kinds[kind](value, at)

    return check


def text(longest: int, *kinds: str, shortest: int = 1) -> Rule:
    """A text object of one of these kinds; ``emoji`` belongs to plain_text, ``verbatim`` to mrkdwn."""
    allowed = kinds or ("plain_text", "mrkdwn")
    inside = string(longest, shortest=shortest)
    plain = shape({"type": one_of("plain_text"), "text": inside, "emoji": boolean}, "text")
    mrkdwn = shape({"type": one_of("mrkdwn"), "text": inside, "verbatim": boolean}, "text")
    rules = {"plain_text": plain, "mrkdwn": mrkdwn}
    return typed({kind: rules[kind] for kind in allowed})


def plain_text(longest: int) -> Rule:
    """A plain_text object."""
    return text(longest, "plain_text")


def both(*rules: Rule) -> Rule:
    """All of these."""

    def check(value: Any, at: str) -> Iterator[str]:
        for rule in rules:
            yield from rule(value, at)

    return check


def either(*names: str) -> Rule:
    """An object that has at least one of these fields."""
    wanted = " or ".join(f"`{name}`" for name in names)

    def check(value: Any, at: str) -> Iterator[str]:
        if is_mapping(value) and not any(value.get(name) for name in names):
            yield problem(f"must define either {wanted}", f"{at}/type")

    return check
