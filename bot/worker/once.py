"""What is told, or asked, once, however many replicas are about to: whoever claims it first does it, and the others see that."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256

from bot.domain.errors import StoreUnavailableError, ThreadError
from bot.ports import Claimed, Clock, Store
from bot.worker.keeping import kept

TELLING_TAKES = timedelta(seconds=30)
"""Longer than a call to Slack may take. Whoever dies in between leaves it to the next after that."""
HELD_AGAIN_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Once:
    """Does things once among all who use ``store``."""

    store: Store
    clock: Clock
    holder: str

    async def tell(
        self, name: str, telling: Awaitable[object], *, again_after: timedelta | None = None, is_rather_twice: bool = False
    ) -> None:
        """Wait for ``telling``, unless somebody told ``name`` before (within ``again_after``; None: ever).

        What Slack may have taken counts as told; with ``is_rather_twice`` it does not, and may be told twice.

        Raises:
            ThreadError: it was not told; or somebody else is about to, and may fail: ask again. Either way as ``telling`` has it.
        """
        try:
            claimed = await self._claim(name, TELLING_TAKES, again_after)
            if claimed is Claimed.HELD:
                raise ThreadError("told_by_another", retry_after_s=HELD_AGAIN_S)
            if claimed is Claimed.OURS:
                await self._told(name, telling, is_rather_twice=is_rather_twice)
        finally:
            _let_go(telling)

    @asynccontextmanager
    async def turn(self, name: str, takes: timedelta) -> AsyncGenerator[bool]:
        """Whether it is our turn at ``name``, for as long as the block lasts, and ``takes`` at most.

        Where the database is away at its end, the turn lapses by itself: how the block ended must not be forgotten over that.
        """
        is_ours = await self._claim(name, takes, timedelta()) is Claimed.OURS
        try:
            yield is_ours
        finally:
            if is_ours:
                with suppress(StoreUnavailableError):
                    await self.store.notice_not_told(name, self.holder)

    async def _claim(self, name: str, takes: timedelta, again_after: timedelta | None) -> Claimed:
        now = self.clock.now()
        since = None if again_after is None else now - again_after
        return await self.store.claim_notice(name, holder=self.holder, now=now, until=now + takes, since=since)

    async def _told(self, name: str, telling: Awaitable[object], *, is_rather_twice: bool) -> None:
        try:
            await telling
        except ThreadError as error:
            if error.is_permanent or (error.is_in_doubt and not is_rather_twice):
                await self._note(name)
            else:
                await self.store.notice_not_told(name, self.holder)
            raise
        await self._note(name)

    async def _note(self, name: str) -> None:
        await kept(self.clock, name, partial(self.store.notice_told, name, self.holder, self.clock.now()))


def _let_go(telling: Awaitable[object]) -> None:
    """A coroutine that nobody waited for would be warned of."""
    close = getattr(telling, "close", None)
    if close is not None:
        close()


def name_of(kind: str, what: str) -> str:
    """What tells one message of a kind from another: two replicas that learnt the same find the same ``what``."""
    return f"{kind} {sha256(what.encode()).hexdigest()[:24]}"
