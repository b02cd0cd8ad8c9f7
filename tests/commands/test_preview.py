"""`/launch … --preview` through its door: the call, the decision, and nothing that happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from bot.surfaces.preview import NOTHING_SENT
from tests.block_limits import assert_harmless, assert_within_limits, shown
from tests.commands.why_world import Doors, the_doors


@pytest.fixture
async def doors() -> AsyncGenerator[Doors, None]:
    async with the_doors() as doors:
        yield doors


@pytest.mark.parametrize(
    ("user_id", "text", "verdict"),
    [
        ("U0ALICE", "billing 396 accountId=A1 --preview", "Without --preview this starts at once"),
        ("U0ALICE", "--preview billing 396 accountId=A1", "Without --preview this starts at once"),
        ("U0BOB", "billing 401 --preview", "Without --preview this asks for approval"),
    ],
)
async def test_the_call_is_shown_and_nothing_is_sent_or_kept(doors: Doors, user_id: str, text: str, verdict: str) -> None:
    say = await doors.type(text, user_id)

    assert_within_limits(say)
    assert_harmless(say)
    assert NOTHING_SENT in say.text
    assert verdict in say.text
    assert "POST https://rest.na.zuora.com/workflows/" in shown(say)
    assert doors.wire.calls == []
    assert await doors.store.recent(channel_id="C0FINANCE", limit=5) == []
    assert [what for what, _ in doors.thread.told] == ["answer"]


async def test_what_is_denied_gives_the_reasons_of_the_launch_itself(doors: Doors) -> None:
    preview, launch = [(await doors.type(f"billing 396 nonsense=1{flag}")).text for flag in (" --preview", "")]

    assert preview == launch
    assert "You are not among the people" in preview
    assert "POST" not in preview


async def test_problems_in_inputs_are_told_as_at_a_launch(doors: Doors) -> None:
    told = (await doors.type("billing 396 acountId=A1 --preview", "U0ALICE")).text

    assert "The workflow has no input “acountId”. Did you mean “accountId”?" in told


async def test_a_guest_is_shown_no_call(doors: Doors) -> None:
    assert "guest" in (await doors.type("billing 396 accountId=A1 --preview", "U0GUEST")).text


async def test_a_preview_takes_nothing_from_a_later_launch(doors: Doors) -> None:
    await doors.type("billing 396 accountId=A1 --preview", "U0ALICE")
    await doors.type("billing 396 accountId=A1 --preview", "U0ALICE")

    assert await doors.store.usage("C0FINANCE", now=doors.now) == {}
