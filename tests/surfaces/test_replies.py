"""Answers to subcommands: help and one launch's status."""

from __future__ import annotations

import pytest

from bot.domain.model import EventKind, InputSpec, State, Workflow
from bot.surfaces.replies import MOST_STATES, say_decision_taken, say_help, say_list, say_status
from tests.block_limits import assert_harmless, assert_within_limits
from tests.builders import a_launch, an_event

USAGES = (("help", "this help"),)


def test_an_example_of_help_names_what_is_required() -> None:
    specs = (InputSpec(name="accountId", required=True), InputSpec(name="note"))
    say = say_help(USAGES, (("billing", Workflow(workflow_id="396"), specs),), (), command="/go")

    assert "/go billing 396 accountId=text" in say.text
    assert "note" not in say.text


def test_nothing_to_launch_is_told_in_one_manner() -> None:
    told = "There is nothing that you may launch in this channel."

    assert told in say_help(USAGES, (), (), command="/go").text
    assert told in say_list((), command="/go").text


@pytest.mark.parametrize("kind", list(EventKind))
def test_the_history_has_a_heading_and_words_of_people(kind: EventKind) -> None:
    say = say_status(a_launch(), (an_event(kind, actor="U0BOB"),), provider_title="Zuora Workflow")
    card, _, history = say.text.partition("\nHistory:\n")

    assert card.startswith("Queued: ")
    assert history.startswith("• 2026-11-21 12:00:00 UTC  ")
    assert history.endswith(" by <@U0BOB>")
    assert "_" not in history
    assert_within_limits(say)
    assert_harmless(say)


def test_a_long_history_of_a_long_launch_fits_and_keeps_the_newest() -> None:
    events = tuple(an_event(EventKind.PROGRESSED, actor="U0BOB123456") for _ in range(30))
    launch = a_launch(state=State.FAILED, inputs={f"in{number}": "&" * 500 for number in range(20)})
    say = say_status(launch, (*events, an_event(EventKind.FAILED)), provider_title="Zuora Workflow")

    assert f"History, the newest {MOST_STATES} of 31:" in say.text
    assert say.text.endswith("UTC  failed")
    assert_within_limits(say)
    assert_harmless(say)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (EventKind.APPROVED, "L-7K3QW has your yes; it waits for more: 2 people must agree. Its thread tells the rest."),
        (EventKind.CLEARED, "L-7K3QW is approved and starts in a moment. Its thread tells the rest."),
        (EventKind.REJECTED, "L-7K3QW is rejected; nothing runs. Its thread tells the rest."),
    ],
)
def test_whoever_decided_by_a_command_is_told_what_it_did(kind: EventKind, told: str) -> None:
    assert say_decision_taken(a_launch(), an_event(kind, facts={"required": 2})).text == told
