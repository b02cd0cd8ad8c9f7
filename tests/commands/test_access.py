"""`/launch access` through its door."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from bot.domain.holdings import Holding
from tests.block_limits import assert_harmless, assert_within_limits
from tests.builders import NOON
from tests.commands.why_world import RUN, Doors, the_doors


@pytest.fixture
async def doors() -> AsyncGenerator[Doors, None]:
    async with the_doors() as doors:
        yield doors


@pytest.mark.parametrize("text", ["access", "access billing", "access Billing"])
async def test_a_member_of_the_channel_sees_grants_beside_what_is_held(doors: Doors, text: str) -> None:
    missing = Holding(connection="billing", scope=RUN, is_held=False, evidence="HTTP 403", seen_at=NOON)
    await doors.store.keep_mirror("billing", [missing])
    say = await doors.type(text)

    assert_within_limits(say)
    assert_harmless(say)
    assert "Grant 1: billing (Zuora Workflow)" in say.text
    assert f"Granted but not held: “{RUN}” of billing." in say.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("access a b", "/launch access takes fewer words than that."),
        ("access crm", "The connection “crm” is not available in this channel."),
    ],
)
async def test_what_cannot_be_shown_is_named(doors: Doors, text: str, expected: str) -> None:
    assert expected in (await doors.type(text)).text


async def test_who_is_not_in_the_channel_is_told_to_join_it(doors: Doors) -> None:
    doors.directory.absent.add("C0FINANCE U0BOB")
    told = (await doors.type("access")).text

    assert told == "You are not in #finance-ops, so its grants are not shown to you. Join it, and ask again."
