"""Brings what a thread has done to the event loop that waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any


class Mail:
    """Brings answers from a thread to an event loop, waking it once for all that are there when it looks.

    Why not ``run_in_executor``: it wakes the loop for each, by a write to a socket, with two futures each.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._answers: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._is_awake = False

    def send(self, future: asyncio.Future[Any], answer: Any, fault: BaseException | None) -> None:
        """On the thread: ``future`` has ``answer``, or ``fault``."""
        self._answers.append((future, answer, fault))
        self._wake()

    def send_all(self, futures: Iterable[asyncio.Future[None]], then: Callable[[], None]) -> None:
        """On the thread: these have what they waited for; ``then`` is called once they have gone on."""
        self._answers.extend((future, None, None) for future in futures)
        self._wake()
        try:
            self.loop.call_soon_threadsafe(self.loop.call_soon, then)  # they are woken in between
        except RuntimeError:  # the loop is closed: nobody goes on
            then()

    def _wake(self) -> None:
        if not self._is_awake:
            self._is_awake = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self.loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_awake = False  # first: what is sent from here on wakes us again
        while self._answers:
            future, answer, fault = self._answers.popleft()
            if future.done():  # whoever asked has left
                continue
            if fault is None:
                future.set_result(answer)
            else:
                future.set_exception(fault)
