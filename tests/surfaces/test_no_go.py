"""A launch that is no longer allowed tells its thread why, whatever stands in the event."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.model import EventKind, Reason, State
from bot.domain.setbacks import no_longer_allowed, put_off
from bot.surfaces.lines import line
from bot.surfaces.no_go import MOST_REASONS, no_longer
from bot.surfaces.say import Say
from tests.block_limits import assert_harmless, assert_within_limits
from tests.builders import NOON, a_launch, an_event


def told(*reasons: Reason) -> Say:
    """The thread line of a launch that waited for approval and may not start any more."""
    reaction = no_longer_allowed(a_launch(state=State.AWAITING_APPROVAL), reasons, NOON)
    assert reaction.event is not None
    return line(reaction.launch, reaction.event, provider_title="Zuora Workflow")


def test_the_thread_says_to_the_requester_why_it_is_no_longer_allowed() -> None:
    text = told(Reason(code="connection_gone", facts={"connection": "billing"})).text

    assert text.startswith("Failed: Dunning run.\nIt is no longer allowed, so it was not started.")
    assert "<@U0ALICE>: The connection “billing” is no longer configured." in text


def test_of_many_reasons_the_first_are_told() -> None:
    text = told(*(Reason(code="connection_gone", facts={"connection": f"c{number}"}) for number in range(9))).text

    assert [f"“c{number}”" in text for number in range(9)] == [number < MOST_REASONS for number in range(9)]


@pytest.mark.parametrize("fact", ["<!channel>", "*b* `c`", "\u202e\0x", "&" * 9000, ""])
def test_hostile_facts_stay_literal(fact: str) -> None:
    say = told(
        *(Reason(code=code, facts={"connection": fact, "subject": fact}) for code in ("connection_gone", "lookup_failed", fact))
    )

    assert_within_limits(say)
    assert_harmless(say)


@pytest.mark.parametrize("reasons", [None, "text", 5, [], [None, 5, "x", [], {}, {"connection": "billing"}]])
def test_an_event_without_reasons_that_can_be_read_tells_none(reasons: Any) -> None:
    assert no_longer("U0ALICE", an_event(EventKind.FAILED, facts={"reasons": reasons})) == ()


def test_a_fact_of_ours_that_could_not_be_learnt_is_not_laid_at_the_providers_door() -> None:
    event = put_off(a_launch(), "user group S0LEADS: Slack did not tell", NOON, again_after=NOON - NOON).event
    assert event is not None
    text = line(a_launch(), event, provider_title="Zuora Workflow").text

    assert text.startswith("Queued: What the start depends on could not be learnt yet.")
    assert "“user group S0LEADS: Slack did not tell”" in text
    assert "Zuora" not in text
