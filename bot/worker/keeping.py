"""Records what is known nowhere else, however long the database is away: what a provider or Slack answered to a call that was made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from bot.domain.errors import StoreUnavailableError
from bot.ports import Clock

KEEP_TRIES = 150
KEEP_AGAIN_S = 2.0

T = TypeVar("T")
_log = structlog.get_logger("gonogo.worker")


async def kept(clock: Clock, launch_id: str, write: Callable[[], Awaitable[T]]) -> T:
    """What ``write`` returns, tried for five minutes. It must be harmless to write it twice: the first answer may have been lost.

    Raises:
        StoreUnavailableError: the database is away for longer.
    """
    for _ in range(KEEP_TRIES - 1):
        try:
            return await write()
        except StoreUnavailableError:
            _log.exception("not_saved_yet", launch_id=launch_id)
            await clock.sleep(KEEP_AGAIN_S)
    return await write()
