"""Logs as data: one event name and its facts a line; JSON in production, colours on a terminal.

Secrets cannot be logged because they are in no value that is (domain/provider.Secret). Slack's libraries are kept at WARNING:
at INFO Bolt writes the whole body of a request whose signature is wrong (slack.md, 5.1).

Why tracebacks are plain: structlog's own show every local variable where rich is installed, and a token may be one.
Why the finished line is masked and not its facts: a token may stand deep in a fact, or in a traceback.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, TextIO

import structlog

_REST = r"""[^\s"'<>\\]+"""
_TOKENS = re.compile(rf"\b(?:xox[a-z]|xapp|xwfp)-[\w-]+|https://hooks\.slack(?:-gov)?\.com/{_REST}|wss://{_REST}")
_QUIET = ("slack_bolt", "slack_sdk", "httpx", "aiohttp", "asyncio")


def configure(log_format: str, stream: TextIO = sys.stderr) -> None:
    """Send our log lines, and those of the libraries, to ``stream`` as ``json`` or ``console``."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    out = logging.StreamHandler(stream)
    out.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _renderer(log_format, is_coloured=stream.isatty()),
                _mask_tokens,
            ],
        ),
    )
    root = logging.getLogger()
    root.handlers[:] = [out]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _renderer(log_format: str, *, is_coloured: bool) -> Any:
    if log_format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=is_coloured, exception_formatter=structlog.dev.plain_traceback)


def _mask_tokens(_logger: Any, _name: str, line: Any) -> str:
    """Slack's tokens and short-lived addresses can come in with an error's text; nothing that looks like one leaves."""
    return _TOKENS.sub("****", str(line))
