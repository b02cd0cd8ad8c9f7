"""Logs as data: one event name and its facts a line; JSON in production, colours on a terminal.

Secrets cannot be logged because they are in no value that is (domain/provider.Secret). Slack's libraries are kept at WARNING:
at INFO Bolt writes the whole body of a request whose signature is wrong (slack.md, 5.1).

Why tracebacks are plain: structlog's own show every local variable where rich is installed, and a token may be one.
Why the finished line is masked and not its facts: a token may stand deep in a fact, or in a traceback.
Why our lines pass stdlib's records by: a record looks up its caller, thread and process, is copied to be rendered, and none of it is in the
line. Names, levels and the stream stay stdlib's. With the marks looked for before the masking, a line costs 12 µs of CPU instead of 36.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, TextIO

import structlog

_START = r"(?:(?<![A-Za-z])|(?<=\\[a-z])|(?<=\\x..)|(?<=\\u.{4})|(?<=\\U.{8})|(?<=%..)|(?<=\x1b\[\dm)|(?<=\x1b\[\d\dm))"
"""Not within a word; but a letter may also end a character as the line writes it, such as a line break, or a terminal's colour."""
_SLASH = r"(?:/|\\+/|%2[Ff])"
_REST = r"""(?:[^\s"'<>\\\x1b]|\\+/)+"""
_TOKENS = re.compile(
    rf"{_START}(?:xox[a-z]|xapp|xwfp)-[\w-]+"
    rf"|(?:https(?::|%3[Aa]){_SLASH}{{2}})?hooks\.slack(?:-gov)?\.com{_SLASH}{_REST}"
    rf"|wss(?::|%3[Aa]){_SLASH}{{2}}{_REST}"
)
_MARKS = ("xox", "xapp-", "xwfp-", "hooks.slack", "wss")
"""What no token is without. Looking for them takes 0.8 µs a line, where the pattern takes far more."""

_PROCESSORS: list[Any] = []
"""What a line of ours passes. One list for good, since a logger keeps the one that it was first used with: configuring again reaches it."""

_ENCODER = json.JSONEncoder(default=repr)
"""One for good, where structlog's renderer makes one for every line: 1.5 µs."""

_QUIET = ("slack_bolt", "slack_sdk", "httpx", "aiohttp", "asyncio")


def configure(log_format: str, stream: TextIO = sys.stderr) -> None:
    """Send our log lines, and those of the libraries, to ``stream`` as ``json`` or ``console``."""
    facts: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    line: list[Any] = [structlog.processors.format_exc_info, _renderer(log_format, is_coloured=stream.isatty()), _mask_tokens]
    out = _Output(stream, line)
    out.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=facts,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *line],
        ),
    )
    _PROCESSORS[:] = [structlog.stdlib.filter_by_level, *facts, out.put]
    structlog.configure(
        processors=_PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,  # else every line makes its logger anew: 2 µs
    )
    root = logging.getLogger()
    root.handlers[:] = [out]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Output(logging.StreamHandler[TextIO]):
    """Where the lines go, ours and those of the libraries, one at a time. Whatever goes wrong here is told on stderr, never raised."""

    def __init__(self, stream: TextIO, line: Sequence[Any]) -> None:
        super().__init__(stream)
        self._line = line

    def put(self, logger: logging.Logger, level: str, facts: Any) -> NoReturn:
        """Write a line of ours. The last of structlog's processors: the event is dropped, since stdlib's logger would write it again."""
        line = facts
        try:
            for processor in self._line:
                line = processor(logger, level, line)
            self._write(line)
        except Exception:  # noqa: BLE001 - stdlib's own writing of a record does the same
            self.handleError(logging.makeLogRecord({"name": logger.name}))
        raise structlog.DropEvent

    def _write(self, line: str) -> None:
        self.acquire()
        try:
            self.stream.write(line + self.terminator)
            self.stream.flush()
        finally:
            self.release()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - stdlib's name
        """Tell of it on stderr, without what the line would have said: nothing masks it there.

        Stdlib swallows an ``OSError`` of telling, but a closed stderr is a ``ValueError``.
        """
        with contextlib.suppress(ValueError):
            super().handleError(logging.makeLogRecord({"msg": f"a line of {record.name} is lost"}))


def _renderer(log_format: str, *, is_coloured: bool) -> Any:
    if log_format == "json":
        return _as_json
    return structlog.dev.ConsoleRenderer(colors=is_coloured, exception_formatter=structlog.dev.plain_traceback)


def _as_json(_logger: Any, _level: str, facts: Any) -> str:
    return _ENCODER.encode(facts)


def _mask_tokens(_logger: Any, _level: str, line: str) -> str:
    """Slack's tokens and short-lived addresses can come in with an error's text; nothing that looks like one leaves."""
    return _TOKENS.sub("****", line) if any(mark in line for mark in _MARKS) else line
