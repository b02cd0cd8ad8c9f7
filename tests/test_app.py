"""The way in over HTTP: health, metrics, signatures."""

from __future__ import annotations

import socket
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from structlog.testing import capture_logs

from bot.app.waking import DEAF_FOR_S
from bot.sandbox.slack.delivery import signature
from bot.sandbox.slack.faults import SlackFault
from tests.app.test_waking import Asleep
from tests.journeys.house import House, a_house

BODY = {
    "command": "/launch",
    "text": "help",
    "user_id": "U0ALICE",
    "team_id": "T0GONOGO",
    "channel_id": "C0DATA",
    "trigger_id": "1.2.x",
}


async def ask(house: House, method: str, path: str, **more: object) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, f"http://127.0.0.1:{house.bot.http_port}{path}", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_a_running_bot_is_well_and_counts(tmp_path: Path, mode: str) -> None:
    async with a_house(tmp_path, mode=mode) as house:  # type: ignore[arg-type]
        await house.ended("U0CAROL", "C0DATA", "analytics AddTwoNumbers parameter1=13 parameter2=7")
        health = await ask(house, "GET", "/healthz")
        metrics = await ask(house, "GET", "/metrics")

    assert (health.status_code, health.json()) == (200, {"slack": "ok"})
    assert 'gonogo_launch_events_total{connection="analytics",kind="succeeded"}' in metrics.text


async def test_a_socket_that_is_gone_is_not_well(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        house.slack.fault("apps.connections.open", SlackFault.refusing("internal_error"), times=50)
        house.slack.sockets.drop()
        health = await _until_unwell(house)

    assert health.json() == {"slack": "not connected"}


async def _until_unwell(house: House) -> httpx.Response:
    for _ in range(500):
        health = await ask(house, "GET", "/healthz")
        if health.status_code == 503:
            return health
    raise AssertionError("the bot did not notice")


async def test_an_unsigned_request_is_refused_and_the_log_says_once_what_to_look_at(tmp_path: Path) -> None:
    async with a_house(tmp_path, mode="http") as house:
        with capture_logs() as lines:
            answers = [await ask(house, "POST", "/slack/events", data=BODY) for _ in range(3)]
        recorded = house.workspace.ephemerals("C0DATA", "U0ALICE")

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert [line["event"] for line in lines].count("signature_refused") == 1
    assert recorded == []


async def test_a_body_that_is_no_text_is_refused(tmp_path: Path) -> None:
    async with a_house(tmp_path, mode="http") as house:
        answer = await ask(
            house, "POST", "/slack/events", content=b"\xff\xfe", headers={"Content-Type": "text/plain; charset=utf-8"}
        )

    assert answer.status_code == 400


async def test_slacks_requests_are_not_served_in_socket_mode(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        assert (await ask(house, "POST", "/slack/events", data=BODY)).status_code == 404


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system does not count the time for which it was suspended")
async def test_what_was_typed_over_http_while_the_machine_was_suspended_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Asleep(monkeypatch)
    async with a_house(tmp_path, mode="http") as house:
        give_up(house, {**BODY, "command": "/launch", "text": "analytics AddTwoNumbers parameter1=13 parameter2=7"})
        machine.seconds += 120
        refused = await house.slack.command("U0ALICE", "C0DATA", "help")
        machine.seconds += DEAF_FOR_S
        await house.told("U0ALICE", "C0DATA", "help")
        starts = [one for one in house.providers.received if one.verb == "start"]
    with sqlite3.connect(tmp_path / "gonogo.db") as database:
        recorded = database.execute("SELECT count(*) FROM deliveries").fetchone()
    database.close()

    assert (refused.error, recorded, starts) == ("http_service_error", (1,), [])


def give_up(house: House, payload: dict[str, str]) -> None:
    """Send a command as Slack does, and hang up; the event loop, and so the bot, does not turn meanwhile."""
    body = urlencode(payload).encode()
    headers = signature(house.slack.signing_secret, body, datetime.now(UTC))  # noqa: TID251 - Slack's clock
    headers |= {"Host": "bot", "Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", house.bot.http_port), timeout=5) as connection:
        connection.sendall(f"POST /slack/events HTTP/1.1\r\n{head}\r\n".encode() + body)
