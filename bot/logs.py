"""Logs as data: one event name and its facts a line; JSON in production, colours on a terminal.

Secrets cannot be logged because they are in no value that is (domain/provider.Secret). Slack's libraries are kept at WARNING:
at INFO Bolt writes the whole body of a request whose signature is wrong (slack.md, 5.1).
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

_TOKENS = re.compile(r"\b(?:xox[a-z]|xapp|xwfp)-[\w-]+|https://hooks\.slack\.com/\S+")
_QUIET = ("slack_bolt", "slack_sdk", "httpx", "aiohttp", "asyncio")


def configure(log_format: str, stream: TextIO = sys.stderr) -> None:
    """Send our log lines, and those of the libraries, to ``stream`` as ``json`` or ``console``."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        _mask_tokens,
    ]
    is_json = log_format == "json"
    tail: list[Any] = [structlog.processors.format_exc_info] if is_json else []
    renderer: Any = structlog.processors.JSONRenderer() if is_json else structlog.dev.ConsoleRenderer(colors=stream.isatty())
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
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail, _mask_tokens, renderer],
        ),
    )
    root = logging.getLogger()
    root.handlers[:] = [out]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _mask_tokens(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Slack's tokens and short-lived addresses can come in with an error's text; nothing that looks like one leaves."""
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = _TOKENS.sub("****", value)
    return line
