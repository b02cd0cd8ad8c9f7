"""The bot as `gonogo run` starts it, but mortal: it dies by SIGKILL at the point that GONOGO_DIE_AT names.

``GONOGO_DIE_AT=store.save:after:2`` dies right after the second ``save`` of the store returned; ``before`` dies as it is called.
``GONOGO_LEASE_S`` shortens the lease, so that the next life need not wait. Started as `python -m tests.journeys.mortal`.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import Any

from bot import logs, providers
from bot.app.building import Around
from bot.app.running import running
from bot.settings import read_configuration, read_environment, read_settings


class Mortal:
    """A part that counts the calls of one method, and ends the process at the one that was named."""

    def __init__(self, part: Any, name: str, die: Callable[[str, str], None]) -> None:
        self._part = part
        self._name = name
        self._die = die

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._part, name)
        if not iscoroutinefunction(method):
            return method

        async def called(*arguments: Any, **named: Any) -> Any:
            point = f"{self._name}.{name}"
            self._die(point, "before")
            try:
                return await method(*arguments, **named)
            finally:
                self._die(point, "after")

        return called


class Fate:
    """Knows when to die."""

    def __init__(self, text: str) -> None:
        point, when, count = (text or "::0").split(":")
        self._at = (point, when)
        self._left = int(count)

    def strike(self, point: str, when: str) -> None:
        if (point, when) != self._at:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


async def live() -> None:
    """Run until SIGTERM."""
    settings = read_settings(dotenv=None)
    logs.configure(settings.log_format)
    found = providers.load()
    configuration = read_configuration(settings.config_path, providers=found, environment=read_environment(dotenv=None))
    fate = Fate(os.environ.get("GONOGO_DIE_AT", ""))
    around = Around(
        store=lambda part: Mortal(part, "store", fate.strike),
        wire=lambda part: Mortal(part, "wire", fate.strike),
        thread=lambda part: Mortal(part, "thread", fate.strike),
        lease=timedelta(seconds=float(os.environ.get("GONOGO_LEASE_S", "1"))),
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running(settings, configuration, found, around=around):
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(live())
