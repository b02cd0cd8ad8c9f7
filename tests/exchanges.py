"""Drives an exchange by hand: replies in, calls and answer out. No network, no gateway."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from bot.domain.provider import Call, Exchange, Reply, TrackedMany


@dataclass(frozen=True, kw_only=True)
class Driven:
    """The calls that an exchange made, in order, and what it answered."""

    calls: tuple[Call, ...]
    answer: Any

    @property
    def call(self) -> Call:
        """The only call of an exchange that makes exactly one."""
        (only,) = self.calls
        return only


def drive(exchange: Generator[Call, Reply, Any], *replies: Reply) -> Driven:
    """Drive ``exchange`` with ``replies``, one for each call.

    Raises:
        AssertionError: it still asks after the last reply.
    """
    calls: list[Call] = []
    waiting = iter(replies)
    try:
        calls.append(next(exchange))
        while True:
            calls.append(exchange.send(_next_reply(waiting, calls)))
    except StopIteration as ended:
        return Driven(calls=tuple(calls), answer=ended.value)


def _next_reply(waiting: Any, calls: list[Call]) -> Reply:
    for reply in waiting:
        return reply
    raise AssertionError(f"replies ran out, and it still asks: {calls[-1].method} {calls[-1].path}")


def whole(exchange: Exchange[TrackedMany] | None) -> Exchange[TrackedMany]:
    """A list with all that comes after its first answer, as one exchange."""
    answers: dict[str, Any] = {}
    while exchange is not None:
        told = yield from exchange
        answers |= told.answers
        exchange = told.more
    return TrackedMany(answers=answers)
