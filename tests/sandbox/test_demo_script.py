"""`gonogo demo --script`: its go/no-go journeys end as they should, and one that does not is told and counted."""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bot.domain.model import State
from bot.sandbox.acts import Fill, Read
from bot.sandbox.form_journeys import FORMS
from bot.sandbox.go_journeys import ACCESS, APPROVALS
from bot.sandbox.journeys import TROUBLE, Journey
from bot.sandbox.script import JOURNEYS, Player
from bot.sandbox.slack.faults import Faults, SlackFault
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
    return next(one for one in (*FORMS, *APPROVALS, *ACCESS) if words in one.title)


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


async def test_forms_are_filled_corrected_and_opened_again(sandbox: Sandbox) -> None:
    """Each provider once, what is missing, three errors at once, and a difference; the documents' requests are sent."""
    failures, shown = await played(sandbox, *FORMS)

    assert failures == 0, shown
    assert shown.count("  → POST ") == 5
    assert [shown.count(f"at {label}: ") for label in ("first_name", "last_name", "company_name")] == [1, 1, 1]
    assert "reads in the form: The earlier value “900” of “maxAmount”" in shown
    assert "two runs" in shown


async def test_a_form_that_says_otherwise_is_told_and_counted(sandbox: Sandbox) -> None:
    """Errors that do not come, a choice that is not offered, a value that Slack would not let through, words not there."""
    missing = named("What is missing")
    acts = (
        Fill(user_id=missing.user_id, values={"company_name": "Engines"}, wrong=("company_name",)),
        Fill(user_id=missing.user_id, choices=(("Workflow", "no such workflow"),)),
        Fill(user_id=missing.user_id, values={"company_name": "x" * 3001}),
        Fill(user_id=missing.user_id, sees=("nobody says this",)),
    )

    failures, shown = await played(sandbox, *(replace(missing, form=(act,)) for act in acts), within_s=4.0)

    assert failures == len(acts)
    assert "✗ what is wrong stands at [], not at ['company_name']" in shown
    assert "✗ the form offers no Workflow 'no such workflow'" in shown
    assert "✗ 'company_name' does not take" in shown
    assert "✗ the form does not say 'nobody says this'" in shown


@pytest.mark.parametrize("is_taken", [False, True])
async def test_a_kill_while_the_card_is_posted_loses_it_and_is_no_failure(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, *, is_taken: bool
) -> None:
    """The demo kills at a moment left to chance. This one: the card is on its way to Slack, or has arrived, and nobody was told."""
    posting, hang, kill = asyncio.Event(), Faults.hang, sandbox.kill_bot

    async def noticed(faults: Faults) -> None:
        posting.set()
        await hang(faults)

    async def kill_then() -> None:
        await posting.wait()
        await kill()

    monkeypatch.setattr(Faults, "hang", noticed)
    monkeypatch.setattr(sandbox, "kill_bot", kill_then)
    sandbox.slack.fault("chat.postMessage", SlackFault.hanging(is_applied=is_taken))

    failures, shown = await played(sandbox, *(one for one in TROUBLE if one.is_killed), within_s=30.0)

    assert failures == 0, shown
    assert "one run, ended Succeeded, as it should; the kill lost its card, so the requester was told directly" in shown
