"""What the tests of logs share: how logging is configured for one test, what a line says, and how all is put back."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from bot import logs

TOKENS = [
    "xoxb-made-up-token",
    "xoxp-made-up_token-2",
    "xoxe.xoxp-made-up",
    "xapp-made-up-token",
    "xwfp-made-up",
    "https://hooks.slack.com/commands/T0/1/made-up",
    "https://hooks.slack-gov.com/actions/made-up",
    "wss://wss-primary.slack.com/link/?ticket=made-up&app_id=1",
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def configured(log_format: str = "json", stream: io.StringIO | None = None) -> io.StringIO:
    out = stream or io.StringIO()
    logs.configure(log_format, out)
    return out


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


@contextmanager
def kept_logging() -> Iterator[None]:
    """Logging is the whole program's: put it back. Modules' loggers hold on to the list of processors, so what is in it is put back."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, processors, level = list(root.handlers), list(before["processors"]), root.level
    levels = {name: logging.getLogger(name).level for name in (*logs._QUIET, "gonogo")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, its_level in levels.items():
        logging.getLogger(name).setLevel(its_level)
    before["processors"][:] = processors
    structlog.configure(**before)
