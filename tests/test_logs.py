from __future__ import annotations

import io
import logging
import re
import sys
from collections.abc import Iterator

import pytest
import structlog

from tests.logs_parts import TOKENS, Terminal, configured, kept_logging, lines

SECRET = "synthetic-secret"


def fails(why: str, authorization: str = "") -> None:
    raise ValueError(why if len(authorization) < 100 else authorization)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    with kept_logging():
        yield


def test_a_line_is_one_json_object_with_its_facts() -> None:
    out = configured()

    structlog.get_logger("gonogo.worker").info("launch_event", launch_id="L-7K3QW", state="running")

    (line,) = lines(out)
    assert (line["event"], line["launch_id"], line["state"]) == ("launch_event", "L-7K3QW", "running")
    assert (line["level"], line["logger"]) == ("info", "gonogo.worker")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])


def test_lines_of_libraries_are_written_alike() -> None:
    out = configured()

    logging.getLogger("some.library").warning("%d of %s", 3, "four")

    (line,) = lines(out)
    assert (line["event"], line["level"], line["logger"]) == ("3 of four", "warning", "some.library")


def test_loggers_made_before_the_settings_are_read_follow_them() -> None:
    early = structlog.get_logger("gonogo.early")
    out = configured()

    early.info("hello")

    assert [line["event"] for line in lines(out)] == ["hello"]


def test_what_only_a_developer_wants_is_left_out() -> None:
    out = configured()

    structlog.get_logger("gonogo").debug("detail")

    assert out.getvalue() == ""


@pytest.mark.parametrize("name", ["slack_bolt", "slack_bolt.AsyncApp", "slack_sdk.web", "httpx", "aiohttp.client", "asyncio"])
def test_talkative_libraries_are_heard_when_they_warn_only(name: str) -> None:
    out = configured()

    logging.getLogger(name).info("Request body: everything")
    logging.getLogger(name).warning("trouble")

    assert [line["event"] for line in lines(out)] == ["trouble"]


def test_configuring_again_does_not_write_lines_twice() -> None:
    configured()
    out = configured()

    structlog.get_logger("gonogo").info("once")

    assert len(lines(out)) == 1


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("token", TOKENS)
def test_no_token_leaves_wherever_it_stands(token: str, log_format: str) -> None:
    out = configured(log_format)
    log, name = structlog.get_logger("gonogo"), f"with {token} in its name"

    log.info("said", url=token, deep={"headers": [token]}, object=ValueError(token))
    log.info(name)
    logging.getLogger("some.library").warning("asked %s", token)
    try:
        fails(token)
    except ValueError:
        log.exception("broke")
        logging.getLogger("some.library").exception("broke as well")

    assert "made-up" not in out.getvalue()
    assert out.getvalue().count("****") >= 7


@pytest.mark.parametrize(("log_format", "stream"), [("json", io.StringIO), ("console", io.StringIO), ("console", Terminal)])
@pytest.mark.parametrize(
    "before",
    [
        "\n",
        "\t",
        "\x1b",
        "\N{LEFT DOUBLE QUOTATION MARK}",
        "\u20ac",
        "\U0001f680",
        "%3D",
        "%3d",
        "%20",
        "1",
        "_",
        "é",
        '"',
        "=",
        "\\",
    ],
)
def test_no_token_leaves_whatever_stands_before_it(before: str, log_format: str, stream: type[io.StringIO]) -> None:
    """In a line a line break is two characters, of which the second is a letter; so are colours of a terminal before every value."""
    out = configured(log_format, stream())
    log, said = structlog.get_logger("gonogo"), before + TOKENS[0]

    log.info("said", text=said, deep={said: [said]}, data=said.encode(), error=ValueError(said))
    log.info(said)
    logging.getLogger("some.library").warning("asked %s", said)

    assert "made-up" not in out.getvalue()


@pytest.mark.parametrize(
    "address",
    [
        r"https:\/\/hooks.slack.com\/commands\/T0\/1\/made-up",
        "https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT0%2F1%2Fmade-up",
        r"wss:\/\/wss-primary.slack.com\/link\/?ticket=made-up",
        "wss%3A%2F%2Fwss-primary.slack.com%2Flink%2F%3Fticket%3Dmade-up",
        "hooks.slack.com/services/T0/B0/made-up",
    ],
)
def test_no_address_leaves_as_slack_escapes_it_in_what_it_sends(address: str) -> None:
    out = configured()

    structlog.get_logger("gonogo").info("said", body=f'{{"url":"{address}"}}', deep=[{"again": (f'"{address}"',)}])

    assert "made-up" not in out.getvalue()
    assert [line["body"] for line in lines(out)] == ['{"url":"****"}']


def test_a_masked_address_takes_no_colour_of_the_terminal_with_it() -> None:
    out = configured("console", Terminal())

    structlog.get_logger("gonogo").info("said", url=TOKENS[5])

    assert out.getvalue().endswith("****\x1b[0m\n")


@pytest.mark.parametrize("token", TOKENS)
def test_a_masked_line_is_still_json(token: str) -> None:
    out = configured()

    structlog.get_logger("gonogo").info("said", a=token, b={"c": token}, d=f'"{token}"', e=1)

    (line,) = lines(out)
    assert (line["b"], line["d"], line["e"]) == ({"c": line["a"]}, f'"{line["a"]}"', 1)


@pytest.mark.parametrize(
    "text", ["boxoxb", "xox-", "foxoxb-tail", "https://slack.com/api/", "host hooks.slack.com:443", "L-7K3QW", "taxapp"]
)
def test_what_is_no_token_stays(text: str) -> None:
    out = configured()

    structlog.get_logger("gonogo").info("said", text=text)

    assert lines(out)[0]["text"] == text


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_an_error_is_told_with_its_traceback_but_without_local_values(log_format: str) -> None:
    out = configured(log_format)

    try:
        fails("it broke", SECRET)
    except ValueError:
        structlog.get_logger("gonogo").exception("work_fault")

    assert "ValueError: it broke" in out.getvalue()
    assert SECRET not in out.getvalue()


def test_a_json_error_is_one_line() -> None:
    out = configured()
    try:
        fails("it broke")
    except ValueError:
        structlog.get_logger("gonogo").exception("work_fault")

    (line,) = lines(out)
    assert (line["event"], line["level"]) == ("work_fault", "error")
    assert "it broke" in line["exception"]


def test_a_value_that_json_does_not_know_is_shown_all_the_same() -> None:
    out = configured()

    structlog.get_logger("gonogo").info("said", what=set, at=sys)

    assert "class 'set'" in lines(out)[0]["what"]


def test_a_terminal_gets_colours_and_a_file_does_not() -> None:
    terminal, file = configured("console", Terminal()), io.StringIO()
    structlog.get_logger("gonogo").info("said", launch_id="L-7K3QW")
    configured("console", file)
    structlog.get_logger("gonogo").info("said", launch_id="L-7K3QW")

    assert "\x1b[" in terminal.getvalue()
    assert ("\x1b[" in file.getvalue(), "launch_id=L-7K3QW" in file.getvalue()) == (False, True)
