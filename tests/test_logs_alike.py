"""Our lines pass stdlib's records by: what is written is byte for byte what stdlib's way wrote, in both formats."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot import logs
from tests.logs_parts import TOKENS, Terminal, configured, kept_logging, lines


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    with kept_logging():
        yield


def stdlibs_way(log_format: str, stream: io.StringIO) -> io.StringIO:
    """Every line as a stdlib record, as structlog's documentation has it, and masked without looking for marks."""
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
    renderer: Any = structlog.processors.JSONRenderer()
    if log_format == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
    out = logging.StreamHandler(stream)
    out.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
                lambda _logger, _name, line: logs._TOKENS.sub("****", line),
            ],
        ),
    )
    logging.getLogger().handlers[:] = [out]
    logging.getLogger().setLevel(logging.INFO)
    return stream


def broken(log: Any) -> None:
    """An error with its cause, told in each of the ways that tell one."""
    try:
        try:
            json.loads("{")
        except ValueError as exc:
            raise RuntimeError(f"it broke with {TOKENS[0]}") from exc
    except RuntimeError as exc:
        log.exception("broke", launch_id="L-7K3QW")
        log.exception("broke", exc_info=exc, after="it")
        log.warning("broke", exc_info=True)
        logging.getLogger("some.library").exception("broke as well")


def at_each_level(log: Any) -> None:
    for level in ("debug", "info", "warning", "warn", "error", "critical", "fatal"):
        getattr(log, level)("said", at=level)
    log.log(logging.WARNING, "said")
    log.log(logging.DEBUG, "said")
    log.error("no error is at hand", exc_info=True)  # noqa: LOG014 - that it has none is what is tried


SAID: dict[str, Callable[[Any], None]] = {
    "a call": lambda log: log.info("provider_call", connection="main", path="/v1/runs", status=200, took_ms=13.1),
    "an error": broken,
    "levels": at_each_level,
    "no facts": lambda log: log.info("stopped"),
    "no event": lambda log: log.info(),
    "facts that stand in a line": lambda log: log.info("said", level="mine", logger="mine", timestamp="mine", exception="mine"),
    "what JSON does not know": lambda log: log.info(
        "said", kind=set, error=ValueError("x"), at=b"x", group={1}, nan=float("nan")
    ),
    "deep": lambda log: log.info("said", deep={"b": [1, None, {"a": True}], 2: ()}, none=None, empty=""),
    "no ASCII": lambda log: log.info("gesagt", wer="Zoë 🚀", lines="one\ntwo", quoted="\"'\\\x1b"),
    "a place": lambda log: log.bind(a=1).info("%s of %s", 1, 2, b=2),
    "a stack": lambda log: log.info("here", stack_info=True, after="it"),
    "no name": lambda _log: structlog.get_logger().info("row_unreadable", row_id=1),
    "tokens": lambda log: [log.info(token, url=f"<{token}|x>", deep={"a": [token]}) for token in TOKENS],
    "a library": lambda _log: logging.getLogger("some.library").warning("%d with %s", 3, TOKENS[3], stack_info=True),
}


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("what", list(SAID))
def test_a_line_is_what_stdlibs_way_writes(what: str, log_format: str, stream: type[io.StringIO]) -> None:
    early, written = structlog.get_logger("gonogo.wire"), list[str]()

    for way in (stdlibs_way, configured):
        out = way(log_format, stream())
        SAID[what](early)
        written.append(re.sub(r"20\d\d-\d\d-\d\dT[\d:.]+Z", "NOW", out.getvalue()))

    assert written[0] == written[1]
    assert "NOW" in written[0]


def test_the_facts_come_first_then_event_level_logger_time_and_error() -> None:
    out = configured()
    try:
        json.loads("{")
    except ValueError:
        structlog.get_logger("gonogo").bind(first=1).exception("broke", second=2)

    assert list(lines(out)[0]) == ["first", "second", "event", "level", "logger", "timestamp", "exception"]


_PIECES = [
    "xox",
    "xoxb-",
    "xapp",
    "xwfp-",
    "https://",
    "hooks.slack",
    "-gov",
    ".com",
    "%2f",
    "wss",
    ":",
    "%3A",
    "//",
    "a",
    "_",
    " ",
    '"',
    "\\",
    "<",
]


@given(pieces=st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=3)), max_size=12))
def test_no_token_is_without_the_marks_that_are_looked_for_first(pieces: list[str]) -> None:
    line = "".join(pieces)

    assert logs._mask_tokens(None, "info", line) == logs._TOKENS.sub("****", line)
