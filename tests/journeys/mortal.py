"""The bot as `gonogo run` starts it, but mortal: it dies by SIGKILL at the point that it was told.

``GONOGO_DIE_AT=store.save:after:2`` dies right after the second ``save`` of the store returned; ``before`` dies as it is called.
``GONOGO_DIE_AT_FILE`` names a file that holds such a point, read when a delivery is recorded, and counted from there: so one life
can be told later what it dies of. ``GONOGO_POINTS_FILE`` is where every point that is passed from there on is written down.
``GONOGO_LEASE_S`` shortens the lease, so that the next life need not wait. Started as `python -m tests.journeys.mortal`.

Points of the wire: ``place`` (waiting for one, and giving it back), ``send`` (what goes out from a place: the start), ``perform``.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

from bot import logs, providers
from bot.app.building import Around
from bot.app.running import running
from bot.settings import read_configuration, read_environment, read_settings

FIRST_POINT = ("store.record_delivery", "before")
Strike = Callable[[str, str], None]


class Mortal:
    """A part whose every call passes two points, ``before`` and ``after``; ``strike`` may end the process at either."""

    def __init__(self, part: Any, name: str, strike: Strike) -> None:
        self._part = part
        self._name = name
        self._strike = strike

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._part, name)
        return self._mortal(method, name) if iscoroutinefunction(method) else method

    def _mortal(self, method: Callable[..., Awaitable[Any]], name: str) -> Callable[..., Awaitable[Any]]:
        async def called(*arguments: Any, **named: Any) -> Any:
            self._strike(f"{self._name}.{name}", "before")
            try:
                return await method(*arguments, **named)
            finally:
                self._strike(f"{self._name}.{name}", "after")

        return called


class MortalWire(Mortal):
    """The wire, whose ``place`` is no coroutine but hands out what sends."""

    @asynccontextmanager
    async def place(self, connection: str) -> AsyncGenerator[Callable[..., Awaitable[Any]], None]:
        self._strike("wire.place", "before")
        async with self._part.place(connection) as send:
            yield self._mortal(send, "send")
        self._strike("wire.place", "after")


class Fate:
    """Knows when to die, and keeps the points that were passed."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._die_at_file = environment.get("GONOGO_DIE_AT_FILE")
        self._points_file = environment.get("GONOGO_POINTS_FILE")
        self._is_armed = False
        self._left = 0
        self._at = ("", "")
        self._read(environment.get("GONOGO_DIE_AT", ""))

    def strike(self, point: str, when: str) -> None:
        if (point, when) == FIRST_POINT and not self._is_armed:
            self._arm()
        if self._is_armed and self._points_file is not None:
            with Path(self._points_file).open("a", encoding="utf-8") as points:
                points.write(f"{point}:{when}\n")
        if (point, when) == self._at:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def _arm(self) -> None:
        self._is_armed = True
        if self._die_at_file is not None and Path(self._die_at_file).exists():
            self._read(Path(self._die_at_file).read_text(encoding="utf-8"))

    def _read(self, text: str) -> None:
        if text:
            point, when, count = text.split(":")
            self._at, self._left = (point, when), int(count)


async def live() -> None:
    """Run until SIGTERM."""
    settings = read_settings(dotenv=None)
    logs.configure(settings.log_format)
    found = providers.load()
    configuration = read_configuration(settings.config_path, providers=found, environment=read_environment(dotenv=None))
    fate = Fate(os.environ)
    around = Around(
        store=lambda part: Mortal(part, "store", fate.strike),
        wire=lambda part: MortalWire(part, "wire", fate.strike),
        thread=lambda part: Mortal(part, "thread", fate.strike),
        lease=timedelta(seconds=float(os.environ.get("GONOGO_LEASE_S", "1"))),
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running(settings, configuration, found, around=around):
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(live())
