"""Socket Mode through the whole bot: while Slack refreshes a socket, the other one takes what comes."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from bot.app.sockets import SOCKETS
from bot.sandbox.slack.faults import SlackFault
from tests.journeys.house import House, a_house


async def all_open(house: House) -> None:
    while house.slack.sockets.count < SOCKETS:
        house.slack.sockets._changed.clear()
        await house.slack.sockets._changed.wait()


async def asked(house: House) -> None:
    acknowledged = await house.slack.command("U0ALICE", "C0FINANCE", "help")
    assert acknowledged.is_ok, acknowledged


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_commands_typed_while_slack_refreshes_one_socket_after_the_other_are_all_acknowledged(
    tmp_path: Path, reason: str
) -> None:
    async with a_house(tmp_path) as house:
        await all_open(house)
        for _ in range(SOCKETS):
            assert await house.slack.disconnect(reason, most=1) == 1  # type: ignore[arg-type]
            assert house.slack.sockets.count == SOCKETS - 1
            for _ in range(5):
                await asked(house)
            await all_open(house)
        await asked(house)


async def test_with_one_socket_there_would_be_a_gap(tmp_path: Path) -> None:
    """What the second one is for."""
    async with a_house(tmp_path, sockets=1) as house:
        await house.slack.connected()
        await house.slack.disconnect("warning")

        acknowledged = await house.slack.command("U0ALICE", "C0FINANCE", "help")

        assert not acknowledged.is_ok


async def test_a_bot_is_well_while_one_of_its_sockets_is_open(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house, httpx.AsyncClient(trust_env=False) as client:
        await all_open(house)
        house.slack.fault("apps.connections.open", SlackFault.refusing("internal_error"), times=50)
        await house.slack.disconnect("warning", most=1)

        health = await client.get(f"http://127.0.0.1:{house.bot.http_port}/healthz")

    assert health.json() == {"slack": "ok"}
