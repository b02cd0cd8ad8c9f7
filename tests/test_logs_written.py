"""Where our lines go: to the stream that was configured last, one at a time, and nothing that fails there is raised."""

from __future__ import annotations

import io
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from tests.logs_parts import TOKENS, configured, kept_logging, lines

LINES_EACH = 100
THREADS = 4


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    with kept_logging():
        yield


def test_a_level_set_for_a_name_counts_for_those_below_it() -> None:
    """As `gonogo check` sets it: what is asked is shown by what is found."""
    out = configured()
    logging.getLogger("gonogo").setLevel(logging.WARNING)

    structlog.get_logger("gonogo.wire").info("provider_call")
    structlog.get_logger("gonogo.wire").warning("slow")
    structlog.get_logger("gonogoing").info("another")

    assert [line["event"] for line in lines(out)] == ["slow", "another"]


def test_a_logger_in_use_follows_when_logs_are_configured_again() -> None:
    first, log = configured(), structlog.get_logger("gonogo")
    log.info("first")
    second = configured("console")
    log.info("second")

    assert [line["event"] for line in lines(first)] == ["first"]
    assert re.search(r"\[info *\] second", second.getvalue())


def test_lines_of_a_logger_in_use_can_be_captured_by_tests() -> None:
    out, log = configured(), structlog.get_logger("gonogo")
    log.info("before")
    with capture_logs() as captured:
        log.info("said", a=1)
    log.info("after")

    assert captured == [{"a": 1, "event": "said", "log_level": "info"}]
    assert [line["event"] for line in lines(out)] == ["before", "after"]


def test_facts_bound_to_a_logger_stay_with_it() -> None:
    out, log = configured(), structlog.get_logger("gonogo")
    bound = log.bind(launch_id="L-7K3QW")
    bound.info("first", a=1)
    bound.info("second")
    log.info("third")

    facts = [{key: line[key] for key in ("launch_id", "a") if key in line} for line in lines(out)]
    assert facts == [{"launch_id": "L-7K3QW", "a": 1}, {"launch_id": "L-7K3QW"}, {}]


class Slow(io.StringIO):
    """A stream that lets other threads run in the middle of a line."""

    def write(self, text: str) -> int:
        middle = len(text) // 2
        before = super().write(text[:middle])
        time.sleep(0)
        return before + super().write(text[middle:])


def test_lines_of_threads_and_of_libraries_do_not_mix() -> None:
    out, log, library = configured(stream=Slow()), structlog.get_logger("gonogo"), logging.getLogger("some.library")
    start = threading.Barrier(THREADS)

    def speak(name: str) -> None:
        start.wait()
        for number in range(LINES_EACH):
            (log.info if number % 2 else library.warning)(f"{name} {number}")

    threads = [threading.Thread(target=speak, args=(str(name),)) for name in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    said = [line["event"].split() for line in lines(out)]
    assert len(said) == THREADS * LINES_EACH
    for name in range(THREADS):
        assert [int(number) for who, number in said if who == str(name)] == list(range(LINES_EACH))


class Pipe(io.StringIO):
    """What nobody may read any more."""

    why: type[OSError] | None = None

    def write(self, text: str) -> int:
        if self.why is not None:
            raise self.why
        return super().write(text)


def both_speak(event: str) -> None:
    structlog.get_logger("gonogo").info(event)
    logging.getLogger("some.library").warning(event)


@pytest.mark.parametrize("why", [BrokenPipeError, BlockingIOError, OSError])
def test_a_stream_that_breaks_breaks_nothing_else(why: type[OSError], monkeypatch: pytest.MonkeyPatch) -> None:
    """Here stderr is what breaks, so there is nowhere to tell it."""
    pipe = Pipe()
    monkeypatch.setattr(sys, "stderr", pipe)
    configured(stream=pipe)

    both_speak("before")
    pipe.why = why
    both_speak("lost")
    pipe.why = None
    both_speak("after")

    assert [line["event"] for line in lines(pipe)] == ["before", "before", "after", "after"]


def test_a_closed_stderr_breaks_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", closed)
    configured(stream=closed)
    closed.close()

    both_speak("lost")

    both_after = configured()
    both_speak("after")
    assert len(lines(both_after)) == 2


class Unspeakable:
    def __repr__(self) -> str:
        raise LookupError("no words")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_fact_that_cannot_be_shown_costs_its_line_only(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, log = configured(log_format), structlog.get_logger("gonogo.wire")

    log.info("lost", what=Unspeakable())
    log.info("after")

    assert ("lost" in out.getvalue(), "after" in out.getvalue(), len(out.getvalue().splitlines())) == (False, True, 1)
    told = capsys.readouterr().err
    assert "LookupError: no words" in told
    assert "a line of gonogo.wire is lost" in told


def test_a_library_s_line_that_cannot_be_written_is_told_without_what_stands_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    configured()

    logging.getLogger("some.library").warning("%d runs with %s", "no number", TOKENS[0])

    told = capsys.readouterr().err
    assert "a line of some.library is lost" in told
    assert ("made-up" in told, "TypeError" in told) == (False, True)


class Counting(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def write(self, text: str) -> int:
        self.calls.append("write")
        return super().write(text)

    def flush(self) -> None:
        self.calls.append("flush")


def test_a_line_is_written_whole_and_at_once() -> None:
    """What is left of a killed process is all that it said; and a line in two writes may mix with another process's."""
    out = Counting()
    configured(stream=out)

    structlog.get_logger("gonogo").info("said", a=1)

    assert out.calls == ["write", "flush"]
