"""The way in over HTTP: health, metrics, signatures."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from bot.sandbox.slack.faults import SlackFault
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
