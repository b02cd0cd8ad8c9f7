"""What was told over one connection, since when it is known, and which questions are on their way.

Why a lookup that fails is not remembered for those who decide: the next person who asks should not suffer from it. Who waits for it
shares it, though: ten people who each waited their own half minute for a provider that is down would wait for five minutes.
For what is only shown, a failure counts for some seconds: a search asks with every key that is pressed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import structlog

from bot.domain.errors import LookupFailedError
from bot.domain.model import Connection, Workflow
from bot.ports import Clock

GOOD_FOR = timedelta(minutes=5)
"""How old what a launch rests on may be."""
REFRESHED_AFTER = timedelta(minutes=4, seconds=30)
"""Sooner than it is too old, so that a launch finds what it needs."""
FAILED_FOR = timedelta(seconds=10)
"""How long a provider that failed is not asked again for what is only shown."""
REFRESHED_AGAIN_AFTER = timedelta(minutes=1)
"""How long one that failed is not asked again by nobody's wish."""
LIST = ""
"""The key of the list; every other key is the id of a workflow that was asked about alone."""

Told: TypeAlias = tuple[Workflow, ...]
Question: TypeAlias = Callable[[], Coroutine[Any, Any, Told]]

_log = structlog.get_logger("gonogo.definitions")


@dataclass(frozen=True)
class Kept:
    """What was told, and when it was asked for."""

    told: Told
    at: datetime


@dataclass(frozen=True)
class Failure:
    """A question that brought nothing: when that was, and why."""

    at: datetime
    cause: str


@dataclass(frozen=True)
class _Asked:
    task: asyncio.Task[Told]
    at: datetime


class Memory:
    """What is remembered of one connection as it is configured now. Who asks what is being asked already shares the answer."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection = connection
        self._clock = clock
        self._kept: dict[str, Kept] = {}
        self._failures: dict[str, Failure] = {}
        self._asking: dict[str, _Asked] = {}
        self._used_at: dict[str, datetime] = {}

    def is_of(self, connection: Connection) -> bool:
        """Whether what is remembered holds for this connection: a reload may have changed whom we ask, as whom, and about what."""
        mine = self.connection
        return (mine.base_url, mine.credential_mark, mine.options, mine.workflows) == (
            connection.base_url,
            connection.credential_mark,
            connection.options,
            connection.workflows,
        )

    @property
    def is_asking(self) -> bool:
        """Whether any question is on its way."""
        return bool(self._asking)

    def kept(self, key: str) -> Kept | None:
        """The newest that was told, however old."""
        return self._kept.get(key)

    def failure(self, key: str) -> Failure | None:
        """Why the last question brought nothing; None once one did."""
        return self._failures.get(key)

    def is_good(self, key: str) -> bool:
        """Whether what is kept is new enough for a launch to rest on."""
        kept = self._kept.get(key)
        return kept is not None and self._clock.now() - kept.at < GOOD_FOR

    def is_old(self, key: str) -> bool:
        """Whether it is time to ask anew, before anybody has to wait for it. What was never told cannot grow old."""
        kept = self._kept.get(key)
        return kept is not None and self._clock.now() - kept.at >= REFRESHED_AFTER

    def has_failed_lately(self, key: str) -> bool:
        """Whether it was asked in vain so lately that it can wait."""
        failure = self._failures.get(key)
        return failure is not None and self._clock.now() - failure.at < REFRESHED_AGAIN_AFTER

    def has_just_failed(self, key: str) -> bool:
        """Whether it was asked in vain a moment ago."""
        failure = self._failures.get(key)
        return failure is not None and self._clock.now() - failure.at < FAILED_FOR

    def use(self, key: str) -> None:
        """Somebody wants to know this: it is worth keeping new."""
        self._used_at[key] = self._clock.now()

    def used(self, within: timedelta) -> tuple[str, ...]:
        """What somebody wanted to know lately, the list first."""
        now = self._clock.now()
        self._used_at = {key: at for key, at in self._used_at.items() if now - at < within}
        return tuple(sorted(self._used_at))

    async def ask(self, key: str, question: Question, *, is_fresh: bool = False) -> Told:
        """What is good still; else the answer to one question. ``is_fresh``: only one that is asked from now on will do.

        Raises:
            LookupFailedError: it brought nothing.
        """
        if self.is_good(key) and not is_fresh:
            return self._kept[key].told
        return await asyncio.shield(self.begin(key, question, is_fresh=is_fresh))

    def begin(self, key: str, question: Question, *, is_fresh: bool = False) -> asyncio.Task[Told]:
        """The question on its way, begun where there is none. Who stops waiting for it does not stop it."""
        asked, now = self._asking.get(key), self._clock.now()
        if asked is not None and (asked.at >= now or not is_fresh):
            return asked.task
        begun = _Asked(asyncio.create_task(question()), now)
        self._asking[key] = begun
        begun.task.add_done_callback(lambda _: self._ended(key, begun))
        return begun.task

    def _ended(self, key: str, asked: _Asked) -> None:
        """Keep what was told unless something newer is known: questions may overtake each other. A failure keeps what was known."""
        if self._asking.get(key) is asked:
            del self._asking[key]
        if asked.task.cancelled():
            return
        error = asked.task.exception()
        if isinstance(error, LookupFailedError):
            self._failures[key] = Failure(self._clock.now(), error.cause)
        elif error is not None:
            _log.error("definitions_fault", connection=self.connection.name, exc_info=error)
        elif key not in self._kept or self._kept[key].at <= asked.at:
            self._kept[key] = Kept(asked.task.result(), asked.at)
            self._failures.pop(key, None)
