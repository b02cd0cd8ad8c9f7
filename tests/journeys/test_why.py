"""Why, access and preview of the whole bot, between the stand-ins: Slack takes every answer, and no provider is told to start."""

from __future__ import annotations

from pathlib import Path

from tests.journeys.house import House, a_house

ACCOUNT = "4028e4871c6d1b9c011c6dd0ac0f0f4e"


def starts(house: House) -> list[str]:
    return [message.text for message in house.workspace.messages("C0FINANCE")]


async def test_a_member_is_told_why_what_the_channel_may_and_what_would_be_sent(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        why = await house.told("U0ALICE", "C0FINANCE", "why billing 396")
        denied = await house.told("U0ALICE", "C0FINANCE", "why crm 713")
        place = await house.told("U0ALICE", "C0FINANCE", "why")
        access = await house.told("U0ALICE", "C0FINANCE", "access")
        preview = await house.told("U0ALICE", "C0FINANCE", f"billing 396 accountId={ACCOUNT} --preview")
        launches = starts(house)

    assert why.startswith("Allowed. You may launch “396” on billing in #finance-ops.")
    assert "workflows: [&quot;713&quot;]" in denied or 'workflows: ["713"]' in denied
    assert "Where you may launch it: #sales-ops." in denied
    assert place.startswith("You in #finance-ops:")
    assert "Grant 1: billing (Zuora Workflow)" in access
    assert "/workflows/396/run" in preview
    assert launches == []


async def test_a_guest_learns_only_that_guests_may_nothing(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        told = [await house.told("U0GUEST", "C0FINANCE", text) for text in ("why billing 396", "access", "billing 396 --preview")]

    assert len(set(told)) == 1
    assert "guest" in told[0]


async def test_a_channel_that_the_policy_could_open_says_how_and_lists_nothing_else(tmp_path: Path) -> None:
    async with a_house(tmp_path) as house:
        why = await house.told("U0ALICE", "C0PARTNERS", "why billing 396")
        access = await house.told("U0ALICE", "C0PARTNERS", "access")

    assert "Not met. Channel: Nothing may be launched in #partners" in why
    assert "shared: true" in why
    assert "requesters: [U0ALICE]" in why
    assert access.startswith("Nothing may be launched in #partners")
