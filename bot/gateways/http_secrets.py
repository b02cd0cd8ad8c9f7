"""The secrets of one connection on the wire: put into a call as it leaves, taken out of a reply before anybody reads it.

Why a reply is blanked by every secret of its connection and not by those of its call: an output that repeats one may come with a
look at the run, minutes after the start that carried it. Secrets that were configured before a reload count as well.

Why JSON is taken apart for that: a secret may stand there with any of its characters escaped, and cutting it out of the text could
break the JSON around it; an unreadable reply to a start would leave its launch in doubt.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, cast
from urllib.parse import quote, quote_plus

import simplejson

from bot.domain.model import NOTHING, Json, SecretName
from bot.domain.provider import Reply, Secret

BLANK = "****"
SHORTEST_BLANKED = 8
"""A shorter secret is not looked for: it would be found where it does not stand (settings warn of such a secret)."""
_SHORTEST_LINE = 16


class SecretGoneError(Exception):
    """A call names a secret that is not configured (any more): nothing was sent."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """``by_name``: what inputs may name. ``formerly``: values that are configured no more, and that a reply may still repeat."""

    by_name: Mapping[str, Secret] = NOTHING
    formerly: tuple[Secret, ...] = ()

    def followed_by(self, by_name: Mapping[str, Secret]) -> Secrets:
        """The secrets after a reload."""
        gone = (secret for secret in self.by_name.values() if secret not in by_name.values())
        return Secrets(by_name=by_name, formerly=tuple(dict.fromkeys((*self.formerly, *gone))))

    def beside(self, others: Iterable[Secret]) -> Secrets:
        """These, and others that a reply must not repeat: what proves who we are."""
        return Secrets(by_name=self.by_name, formerly=tuple(dict.fromkeys((*self.formerly, *others))))

    def plain(self, value: object) -> Json:
        """What the JSON writer cannot write by itself: mappings, and secrets by their names.

        Raises:
            SecretGoneError: there is no secret of that name.
            TypeError: it is no JSON.
        """
        if isinstance(value, SecretName):
            if value.name not in self.by_name:
                raise SecretGoneError(value.name)
            return self.by_name[value.name].reveal()
        if isinstance(value, Mapping):
            return dict(cast("Mapping[Any, Any]", value))
        raise TypeError(f"{type(value).__name__} is no JSON")

    def blanked(self, reply: Reply) -> Reply:
        """``reply`` with stars in place of every secret."""
        if not self._values:
            return reply
        headers = {name: self._cut(value) for name, value in reply.headers.items()}
        return replace(reply, headers=headers, body=self._blanked_body(reply.body))

    @cached_property
    def _values(self) -> tuple[str, ...]:
        """Whole secrets and the lines of those that have several, longest first: one may stand within another."""
        whole = [secret.reveal() for secret in (*self.by_name.values(), *self.formerly)]
        lines = [line for value in whole for line in value.splitlines()[1:-1] if len(line) >= _SHORTEST_LINE]
        return tuple(sorted({value for value in (*whole, *lines) if len(value) >= SHORTEST_BLANKED}, key=len, reverse=True))

    @cached_property
    def _spellings(self) -> tuple[str, ...]:
        """How a text that is no JSON may write them."""
        written = [spelling for value in self._values for spelling in _spelt(value)]
        return tuple(sorted(set(written), key=len, reverse=True))

    def _blanked_body(self, body: str) -> str:
        if "\\" not in body and not any(value in body for value in self._spellings):
            return body
        try:
            value = simplejson.loads(body, use_decimal=True)
            cleaned = self._cleaned(value)
            return body if cleaned == value else simplejson.dumps(cleaned, use_decimal=True, ensure_ascii=False)
        except (ArithmeticError, ValueError, RecursionError):
            return self._cut(body)

    def _cleaned(self, value: Json) -> Json:
        match value:
            case str():
                return self._cut(value)
            case dict():
                return {self._cut(key): self._cleaned(item) for key, item in cast("dict[str, Json]", value).items()}
            case list():
                return [self._cleaned(item) for item in cast("Sequence[Json]", value)]
            case int() | Decimal() if str(value) in self._values:
                return BLANK
            case _:
                return value

    def _cut(self, text: str) -> str:
        for spelling in self._spellings:
            text = text.replace(spelling, BLANK)
        return text


def _spelt(value: str) -> Iterator[str]:
    yield value
    yield html.escape(value)
    yield quote(value, safe="")
    yield quote_plus(value)
    for is_ascii in (True, False):
        escaped = json.dumps(value, ensure_ascii=is_ascii)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")
