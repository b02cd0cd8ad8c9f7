"""Ends tasks that run until somebody ends them.

Why once more: up to Python 3.11, ``asyncio.wait_for`` forgets a cancellation that comes at the same moment as what it waits for, and
psycopg's pool waits by it. A loop that never heard of its end would go on, and the bot with it.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

ONCE_MORE_AFTER_S = 10.0
"""Longer than any of ours, or a library's, needs to put things in order when it is cancelled."""

_log = structlog.get_logger("gonogo.tasks")


async def end(*tasks: asyncio.Task[Any], once_more_after_s: float = ONCE_MORE_AFTER_S) -> None:
    """Cancel them, and return once each has ended. One that had ended by an error of its own is told in the log."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=once_more_after_s)
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            _log.error("task_fault", exc_info=ended)
