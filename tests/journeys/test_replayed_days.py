"""What a running bot really decided and kept, replayed: its own file flips nothing, a tightened one what it would have denied."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot import app as application
from bot import providers
from bot.domain.grants import Policy
from bot.sandbox.world import CONFIGURATION
from bot.settings import read_configuration
from tests.journeys.house import House, a_house


def policy_of(house: House, folder: Path, before: str = "", after: str = "") -> Policy:
    """The policy of the demo's file, with one thing written otherwise; its digest is another one, so facts alone decide."""
    path = folder / "changed.yaml"
    path.write_text(
        CONFIGURATION.read_text(encoding="utf-8").replace(before, after) + "  C0OTHER: {grants: []}\n", encoding="utf-8"
    )
    return read_configuration(path, providers=providers.load(), environment=house.providers.environment()).policy


async def test_a_day_of_the_bot_is_replayed(tmp_path: Path) -> None:
    """While the bot runs on: two launches, a guest's wish, one in a channel without the grant."""
    async with a_house(tmp_path) as house:
        await house.ended("U0ALICE", "C0FINANCE", "billing 396 accountId=4028 maxAmount=10")
        await house.ended("U0BOB", "C0FINANCE", "billing 396 accountId=4029")
        await house.type("U0GUEST", "C0FINANCE", "billing 396 accountId=4030")
        await house.type("U0ALICE", "C0SALES", "billing 396 accountId=4031")
        since = application.now() - timedelta(hours=1)
        url = house.settings.database_url
        same = await application.replay(url, policy_of(house, tmp_path), since)
        tight = await application.replay(url, policy_of(house, tmp_path, '["396", "Dunning *"]', '["301"]'), since)

    assert same.looked_at >= 2
    assert (same.flips, same.untold) == ([], [])
    assert {(flip.record.person_id, flip.record.verdict, flip.would_be) for flip in tight.flips} == {
        ("U0ALICE", "allow", "deny"),
        ("U0BOB", "allow", "deny"),
    }
