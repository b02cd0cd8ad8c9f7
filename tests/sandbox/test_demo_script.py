"""`gonogo demo --script`: its go/no-go journeys end as they should, and one that does not is told and counted."""

from __future__ import annotations

import io
import shutil
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bot.domain.model import State
from bot.sandbox.acts import Read
from bot.sandbox.go_journeys import ACCESS, APPROVALS
from bot.sandbox.journeys import Journey
from bot.sandbox.script import JOURNEYS, Player
from bot.sandbox.world import CONFIGURATION, Sandbox


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncGenerator[Sandbox, None]:
    configuration = tmp_path / "demo.yaml"
    shutil.copyfile(CONFIGURATION, configuration)
    async with Sandbox(tmp_path, configuration=configuration, run_s=0.2) as sandbox:
        yield sandbox


async def played(sandbox: Sandbox, *journeys: Journey, within_s: float = 20.0) -> tuple[int, str]:
    screen = io.StringIO()
    console = Console(file=screen, soft_wrap=True, highlight=False)
    return await Player(sandbox, console, ends_within_s=within_s).play(journeys), screen.getvalue()


def named(words: str) -> Journey:
    return next(one for one in (*APPROVALS, *ACCESS) if words in one.title)


def test_titles_fit_a_terminal_and_tell_journeys_apart() -> None:
    titles = [journey.title for journey in JOURNEYS]

    assert len(set(titles)) == len(titles)
    assert [title for title in titles if len(title) > 65] == []


async def test_people_decide_and_operators_are_asked(sandbox: Sandbox) -> None:
    journeys = [
        named(words) for words in ("Two of three", "Rejected", "their own", "operators are asked", "preview", "Two values")
    ]

    failures, shown = await played(sandbox, *journeys)

    assert failures == 0, shown
    assert "the customer was paid back" in shown.lower()
    assert "(in #gonogo-ops) @alice asks for access" in shown
    assert shown.count("✓") == len(journeys)


async def test_a_journey_that_ends_otherwise_is_told_and_counted(sandbox: Sandbox) -> None:
    """Words that nobody says; a refusal that names something else; an end that does not come."""
    rejected, refused = named("Rejected"), named("Two values")
    journeys = (
        replace(rejected, acts=(Read(words="nobody says this"),)),
        replace(refused, refused_with="nobody"),
        replace(rejected, acts=(), ends=State.SUCCEEDED),
    )

    failures, shown = await played(sandbox, *journeys, within_s=2.0)

    assert failures == 3
    assert "✗ nobody reads 'nobody says this' (thread) within 2 s" in shown
    assert "✗ the answer does not name 'nobody'" in shown
    assert shown.count("✗") == 3
