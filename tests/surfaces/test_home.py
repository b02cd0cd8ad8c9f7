"""App Home: an approver with many waiting launches, a newcomer with none, and what stands there after a decision elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.approval_terms import asked
from bot.domain.grants import ApprovalRule
from bot.domain.model import EventKind, SecretName, State
from bot.surfaces.cards import APPROVE_ACTION, REJECT_ACTION
from bot.surfaces.home import LAUNCH_ACTION, MOST_MINE, MOST_PLACES, MOST_WAITING, Place, Waiting, home
from bot.surfaces.say import Say
from tests.block_limits import assert_harmless, assert_view_within_limits, labels, shown
from tests.builders import NOON, a_launch, an_event

RULE = ApprovalRule(approvers=("U0BOB",), required=2, expires_after_s=4 * 3600.0)
YES = an_event(EventKind.APPROVED, actor="U0DAN", facts={"counted": ["U0DAN"], "required": 2})
HERE = Place(channel_name="finance-ops", connection="billing", workflows=("396", "Dunning *"))
HOSTILE = ["<!channel> <@U0BOB>", "*b* _i_ `c`", "\u202e\0x", "&" * 9000, "🙂" * 9000, "\ud800", " "]


def a_wait(number: int = 1, **changes: Any) -> Waiting:
    plain: dict[str, Any] = {
        "launch_id": f"L-{number:05d}",
        "state": State.AWAITING_APPROVAL,
        "approval": asked(RULE, now=NOON),
        "inputs": {"accountId": "4028", "maxAmount": 500, "key": SecretName("erp")},
        "workflow_version": "3",
        "created_at": NOON + timedelta(minutes=number),
    }
    return Waiting(launch=a_launch(**(plain | changes)), events=(YES,), provider_title="Zuora Workflow")


def the_home(*waiting: Waiting, mine: int = 0, places: tuple[Place, ...] = (HERE,)) -> dict[str, Any]:
    own = [a_launch(launch_id=f"L-M{number:04d}", state=list(State)[number % len(State)]) for number in range(mine)]
    return home(waiting, own, places, command="/launch")


def said(view: dict[str, Any]) -> Say:
    """The view as a message, for what is asked of any blocks."""
    return Say(text="Home", blocks=tuple(view["blocks"]))


def pressed(view: dict[str, Any], action_id: str) -> list[str]:
    found = [element for block in view["blocks"] if block["type"] == "actions" for element in block["elements"]]
    return [element.get("value", "") for element in found if element["action_id"] == action_id]


@pytest.mark.parametrize(
    "view",
    [the_home(a_wait(), mine=3), home((), (), (), command="/launch"), the_home(*map(a_wait, range(30)), mine=30)],
    ids=["approver", "newcomer", "thirty waiting"],
)
def test_home(view: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    assert_view_within_limits(view)
    assert_harmless(said(view))
    assert view == snapshot


def test_thirty_waiting_launches_are_shown_as_far_as_they_fit_and_the_rest_is_counted() -> None:
    view = the_home(*map(a_wait, range(30)), mine=30, places=(HERE,) * 40)

    assert_view_within_limits(view)
    assert pressed(view, APPROVE_ACTION) == [f"L-{number:05d}" for number in range(MOST_WAITING)]
    assert pressed(view, REJECT_ACTION) == pressed(view, APPROVE_ACTION)
    assert "and 12 more: /launch status" in shown(said(view))
    assert f"and {30 - MOST_MINE} more: /launch status" in shown(said(view))
    assert f"and {40 - MOST_PLACES} more: /launch list" in shown(said(view))


def test_a_waiting_launch_shows_what_a_decision_needs() -> None:
    text = shown(said(the_home(a_wait())))

    for told in ("Dunning run on billing", "L-00001", "Version 3.", "1 of 2 agreed", "accountId = 4028", "maxAmount = 500"):
        assert told in text
    assert 'key = secret "erp"' in text


def test_many_inputs_are_left_to_the_card() -> None:
    text = shown(said(the_home(a_wait(inputs={f"in{number}": number for number in range(12)}))))

    assert "in7 = 7; and 4 more on the card" in text


def test_a_launch_without_inputs_says_so() -> None:
    assert "It takes no inputs." in shown(said(the_home(a_wait(inputs={}))))


def test_a_confirmation_that_the_rule_wants_is_asked_for_here_too() -> None:
    view = the_home(a_wait(approval=asked(replace(RULE, confirm=True), now=NOON)))
    buttons = next(block for block in view["blocks"] if str(block.get("block_id", "")).endswith(".decide"))["elements"]

    assert "Dunning run on billing (L-00001)" in buttons[0]["confirm"]["text"]["text"]


def test_a_newcomer_learns_what_is_missing_and_gets_no_button_that_cannot_help() -> None:
    view = home((), (), (), command="/go")
    text = shown(said(view))

    assert labels(said(view)) == []
    assert "Nothing waits for your approval." in text
    assert "You have not launched anything yet. /go help in a channel shows how." in text
    assert "There is nothing that you may launch yet." in text


def test_whoever_may_launch_something_gets_the_button_and_reads_where() -> None:
    view = the_home()

    assert pressed(view, LAUNCH_ACTION) == [""]
    assert "#finance-ops" in shown(said(view))
    assert "billing: 396, Dunning *" in shown(said(view))


def test_many_workflows_of_one_place_are_counted() -> None:
    place = replace(HERE, workflows=tuple(str(number) for number in range(20)))

    assert "7 and 12 more" in shown(said(the_home(places=(place,))))


def test_after_a_decision_elsewhere_the_buttons_are_gone_and_the_state_is_told() -> None:
    before = the_home(a_wait())
    after = home((), [a_launch(state=State.REJECTED)], (HERE,), command="/launch")

    assert pressed(before, APPROVE_ACTION) == ["L-00001"]
    assert pressed(after, APPROVE_ACTION) == []
    assert "Rejected: Dunning run on billing" in shown(said(after))


def test_a_launch_that_changed_has_another_block_id() -> None:
    before, after = the_home(a_wait(version=2)), the_home(a_wait(version=3))
    ids = [{block["block_id"] for block in view["blocks"] if "L-00001" in block.get("block_id", "")} for view in (before, after)]

    assert ids[0]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_home_stays_literal_and_within_limits(text: str) -> None:
    wait = a_wait(workflow_name=text, connection=text, requester_id=text, workflow_version=text, inputs={text: text, "b": [text]})
    place = Place(channel_name=text, connection=text, workflows=(text,) * 30)
    view = home([wait] * 1, [wait.launch], [place], command="/launch")

    assert_view_within_limits(view)
    assert_harmless(said(view))
