"""Our bot under watch, otherwise as it is run: where its event loop was blocked, and how often it asked its store.

``python -m tests.benchmarks.watched run``; what was seen is written as JSON to the file that BENCHMARK_WATCH names, when it ends. The
timed slices are run without this.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import traceback
from asyncio import events
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from time import monotonic, sleep, thread_time
from typing import Any

from bot import __main__ as program
from bot.store.sqlite import SqliteStore

BLOCKED_S = 0.020
LOOK_EVERY_S = 0.004
DEEPEST = 12
STARTING_S = 3.0
"""So long after the process was made, imports and the first use of everything are told apart: nobody is served yet."""


class Watch:
    """Times every step of the loop; a thread looks where a step is that takes too long."""

    def __init__(self) -> None:
        self.blocked: list[dict[str, Any]] = []
        self.asked: Counter[str] = Counter()
        self._began: float | None = None
        self._where: list[str] = []
        self._woke = monotonic()
        self._loop_thread = threading.main_thread().ident or 0

    def begin(self) -> None:
        """Lay the watch around the loop's steps and the store's calls."""
        plain = events.Handle._run

        def step(handle: events.Handle) -> None:
            if threading.get_ident() != self._loop_thread:
                plain(handle)
                return
            self._where, cpu_s, self._began = [], thread_time(), monotonic()
            plain(handle)
            took_s, self._began = monotonic() - self._began, None
            if took_s > BLOCKED_S:
                self._note(took_s, thread_time() - cpu_s)

        events.Handle._run = step
        for name in dir(SqliteStore):
            method = getattr(SqliteStore, name)
            if asyncio.iscoroutinefunction(method) and not name.startswith("_"):
                setattr(SqliteStore, name, self._counted(name, method))
        threading.Thread(target=self._look, daemon=True).start()

    def _note(self, took_s: float, cpu_s: float) -> None:
        """CPU much below the time means that the machine, or another thread, had the core: not a step that takes long by itself."""
        is_start = monotonic() - self._woke < STARTING_S
        facts = {"ms": round(took_s * 1000, 1), "cpu_ms": round(cpu_s * 1000, 1), "is_start": is_start, "where": self._where}
        self.blocked.append(facts)

    def _look(self) -> None:
        while True:
            sleep(LOOK_EVERY_S)
            began = self._began
            if began is not None and not self._where and monotonic() - began > BLOCKED_S / 2:
                frame = sys._current_frames().get(self._loop_thread)
                stack = traceback.extract_stack(frame)[-DEEPEST:] if frame else []
                self._where = [f"{Path(step.filename).name}:{step.lineno} {step.name}" for step in stack]

    def _counted(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        async def counted(*arguments: Any, **named: Any) -> Any:
            self.asked[name] += 1
            return await method(*arguments, **named)

        return counted


def main() -> None:
    watch = Watch()
    watch.begin()
    try:
        program.main(sys.argv[1:])
    finally:
        seen = {"blocked": watch.blocked, "asked": dict(watch.asked.most_common())}
        Path(os.environ["BENCHMARK_WATCH"]).write_text(json.dumps(seen), encoding="utf-8")


if __name__ == "__main__":
    main()
