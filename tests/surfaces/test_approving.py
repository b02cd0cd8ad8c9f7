"""Approvals as people see them: the card in every state, the thread, who is called and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from bot.domain.approval_digest import Differences
from bot.domain.approval_terms import asked
from bot.domain.grants import ApprovalRule
from bot.domain.model import Event, EventKind, Launch, Reason, SecretName, State
from bot.surfaces.approving import MOST_CHANGES_SHOWN, MOST_PEOPLE, who
from bot.surfaces.cards import (
    APPROVE_ACTION,
    CANCEL_ACTION,
    REJECT_ACTION,
    cancel_value,
    card,
    has_line,
    line,
    read_cancel_value,
)
from bot.surfaces.escaping import as_text
from bot.surfaces.say import Say
from bot.surfaces.words import reason_sentence, say_denied
from tests.block_limits import ACTIVE, assert_harmless, assert_within_limits, labels, shown
from tests.builders import NOON, a_launch, an_event

ZUORA = "Zuora Workflow"
LEADS, CALL_LEADS = {"S0LEADS"}, "<!subteam^S0LEADS>"
RULE = ApprovalRule(
    approvers=("U0BOB", "S0LEADS"),
    required=2,
    expires_after_s=4 * 3600.0,
    escalate_to=("U0CFO",),
    escalate_after_s=3600.0,
)
SINCE = Differences(
    launch_id="L-00001",
    at=NOON - timedelta(days=7),
    changes=(
        {"what": "version", "before": "2", "after": "3"},
        {"what": "input maxAmount", "before": "10", "after": "500"},
        {"what": "input key", "before": None, "after": 'secret("erp")'},
    ),
)
INPUTS = {"accountId": "4028-a_b", "maxAmount": 500, "key": SecretName("erp")}
REQUESTED = an_event(EventKind.REQUESTED, actor="U0ALICE", facts={"needs_approval": True})
APPROVED = an_event(EventKind.APPROVED, actor="U0BOB", facts={"digest": "d1", "counted": ["U0BOB"], "required": 2})
CLEARED = an_event(EventKind.CLEARED, actor="U0DAN", facts={"digest": "d1", "counted": ["U0BOB", "U0DAN"], "required": 2})
REJECTED = an_event(EventKind.REJECTED, actor="U0BOB", facts={"reason": "The month is *not* closed yet."})
ESCALATED = an_event(EventKind.ESCALATED, facts={"said": ["U0BOB"], "required": 2})
REMINDED = an_event(EventKind.REMINDED, facts={"said": ["U0BOB"], "required": 2})
EXPIRED = an_event(EventKind.EXPIRED, facts={"said": ["U0BOB"], "required": 2})
REOPENED = an_event(
    EventKind.REOPENED,
    facts={
        "digest": "d2",
        "changes": [{"what": "version", "before": "2", "after": "3"}, {"what": "grant", "before": "a1", "after": "b2"}],
    },
)


def waiting(rule: ApprovalRule = RULE, *, since: Differences | None = SINCE, **changes: Any) -> Launch:
    plain: dict[str, Any] = {
        "state": State.AWAITING_APPROVAL,
        "digest": "d1",
        "workflow_version": "3",
        "inputs": INPUTS,
        "approval": asked(rule, now=NOON, since=since),
        "version": 3,
    }
    return a_launch(**(plain | changes))


def the_card(launch: Launch, *events: Event, may_mention: bool = False) -> Say:
    return card(launch, (REQUESTED, *events), provider_title=ZUORA, can_cancel=False, may_mention=may_mention)


def the_line(event: Event, launch: Launch | None = None) -> Say:
    return line(launch or waiting(), event, provider_title=ZUORA)


def button(say: Say, action_id: str) -> dict[str, Any]:
    return next(element for element in say.blocks[-1]["elements"] if element["action_id"] == action_id)


# --- the card ----------------------------------------------------------------------------------------------------------

STAGES: Mapping[str, tuple[Launch, tuple[Event, ...]]] = {
    "just asked": (waiting(), ()),
    "first time": (waiting(since=None), ()),
    "like the last": (waiting(since=replace(SINCE, changes=())), ()),
    "one of two": (waiting(), (APPROVED,)),
    "reminded": (waiting(), (APPROVED, REMINDED)),
    "escalated": (waiting(), (APPROVED, REMINDED, ESCALATED)),
    "asked again": (waiting(), (APPROVED, REOPENED)),
    "with confirmation": (waiting(replace(RULE, confirm=True)), ()),
    "cleared": (waiting(state=State.QUEUED), (APPROVED, CLEARED)),
    "running": (waiting(state=State.RUNNING, sent_at=NOON, run_id="55"), (APPROVED, CLEARED, an_event(EventKind.ACCEPTED))),
    "rejected": (waiting(state=State.REJECTED), (APPROVED, REJECTED)),
    "expired": (waiting(state=State.EXPIRED), (APPROVED, EXPIRED)),
    "cancelled": (waiting(state=State.CANCELLED), (an_event(EventKind.CANCELLED, actor="U0ALICE"),)),
}


@pytest.mark.parametrize("stage", STAGES)
def test_the_card_at_every_stage_of_an_approval(stage: str, snapshot: SnapshotAssertion) -> None:
    launch, events = STAGES[stage]
    say = the_card(launch, *events)

    assert_within_limits(say)
    assert_harmless(say)
    assert say == snapshot


@pytest.mark.parametrize("stage", STAGES)
def test_an_updated_card_calls_nobody_but_those_of_the_rule(stage: str) -> None:
    launch, events = STAGES[stage]
    say = the_card(launch, *events, may_mention=True)

    assert_within_limits(say)
    assert_harmless(say, groups=LEADS)


def test_the_text_alone_has_all_that_a_decision_needs() -> None:
    text = the_card(waiting(), APPROVED).text

    assert text.startswith("Awaiting approval: Dunning run on billing, L-7K3QW, asked for by <@U0ALICE>.")
    for told in (
        "1 of 2 agreed: <@U0BOB>.",
        "Who may decide: those whom the thread asks.",
        "2026-11-21 16:00 UTC",
        "Workflow: Dunning run (396), version 3.",
        "accountId = “4028-a_b”",
        "maxAmount = 500",
        'key = “secret "erp"”',
        "What differs from L-00001",
        "input maxAmount: “10” → “500”",
        'input key: none → “secret("erp")”',
    ):
        assert told in text


def test_a_new_card_names_approvers_without_calling_them_and_an_update_shows_who_they_are() -> None:
    """The thread line calls them; the post of a card would call them twice. An update calls nobody."""
    posted, updated = the_card(waiting()), the_card(waiting(), may_mention=True)

    assert set(ACTIVE.findall(posted.text)) & {"<@U0BOB>", CALL_LEADS} == set()
    assert "<@U0BOB>" in updated.text
    assert CALL_LEADS in updated.text


def test_a_yes_that_counts_no_more_does_not_stand_on_the_card() -> None:
    newest = an_event(EventKind.APPROVED, actor="U0DAN", facts={"counted": ["U0DAN"], "required": 2, "lost": ["U0BOB"]})

    assert "1 of 2 agreed: <@U0DAN>." in the_card(waiting(), APPROVED, newest).text


def test_every_input_is_shown_to_those_who_decide() -> None:
    say = the_card(waiting(inputs={f"input{number:02d}": f"value {number}" for number in range(60)}))

    assert all(f"input{number:02d} = “value {number}”" in say.text for number in range(60))
    assert_within_limits(say)


def test_inputs_that_do_not_fit_are_at_least_named_or_counted() -> None:
    say = the_card(waiting(inputs={f"input{number:03d}": "v" * 5000 for number in range(300)}))

    assert "more" in say.text
    assert_within_limits(say)


def test_no_inputs_is_said() -> None:
    assert "It takes no inputs." in the_card(waiting(inputs={})).text


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        ("cleared", "Approved by <@U0BOB> and <@U0DAN>, "),
        ("running", "Approved by <@U0BOB> and <@U0DAN>, "),
        ("rejected", "<@U0BOB> rejected it, "),
        ("expired", "Not enough people decided in time. 1 of 2 agreed: <@U0BOB>. That is no rejection; nothing ran."),
        ("cancelled", "<@U0ALICE> cancelled it before it was sent; nothing ran."),
    ],
)
def test_after_the_decision_who_when_and_why_stay(stage: str, told: str) -> None:
    launch, events = STAGES[stage]
    say = the_card(launch, *events)

    assert say.text.count(told) == 1
    assert not {"Approve", "Reject"} & set(labels(say))


# --- buttons -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(State))
def test_the_buttons_stand_while_it_waits_and_vanish_with_the_decision(state: State) -> None:
    found = labels(the_card(waiting(state=state)))

    assert {"Approve", "Reject", "Cancel"} <= set(found) if state is State.AWAITING_APPROVAL else "Approve" not in found


def test_the_buttons_carry_the_launch_id_and_nothing_else() -> None:
    say = the_card(waiting())

    for action_id in (APPROVE_ACTION, REJECT_ACTION, CANCEL_ACTION):
        found = button(say, action_id)
        assert found["value"] == cancel_value(waiting())
        assert read_cancel_value(found["value"]) == "L-7K3QW"
        assert "url" not in found
        assert "L-7K3QW" in found["accessibility_label"]


def test_approve_acts_at_once_unless_the_rule_wants_a_confirmation_that_names_target_and_effect() -> None:
    plain, asking = waiting(), waiting(replace(RULE, confirm=True), workflow_name="&" * 500, connection="x" * 500)

    assert "confirm" not in button(the_card(plain), APPROVE_ACTION)
    assert_within_limits(the_card(asking))
    confirm = button(the_card(waiting(replace(RULE, confirm=True))), APPROVE_ACTION)["confirm"]
    assert confirm["text"]["text"].startswith("Dunning run on billing (L-7K3QW). Once enough people agree, it starts at Zuora")


# --- the thread --------------------------------------------------------------------------------------------------------

TOLD = [REQUESTED, APPROVED, CLEARED, REJECTED, REMINDED, ESCALATED, EXPIRED, REOPENED]


@pytest.mark.parametrize("event", TOLD, ids=[event.kind for event in TOLD])
def test_the_line_of_every_event_of_an_approval(event: Event, snapshot: SnapshotAssertion) -> None:
    say = the_line(event)

    assert has_line(event)
    assert_within_limits(say)
    assert_harmless(say, groups=LEADS)
    assert say == snapshot


@pytest.mark.parametrize(
    ("event", "word"),
    [
        (REQUESTED, "Awaiting approval: "),
        (APPROVED, "Awaiting approval: "),
        (CLEARED, "Queued: "),
        (REMINDED, "Awaiting approval: "),
        (ESCALATED, "Awaiting approval: "),
        (REOPENED, "Awaiting approval: "),
        (REJECTED, "Rejected: Dunning run."),
        (EXPIRED, "Expired: Dunning run."),
    ],
)
def test_each_line_begins_with_the_word_that_the_card_shows(event: Event, word: str) -> None:
    assert the_line(event).text.startswith(word)


def test_the_request_calls_approvers_and_a_launch_that_needs_nobody_calls_nobody() -> None:
    text = the_line(REQUESTED).text

    assert text.startswith(f"Awaiting approval: <@U0BOB> and {CALL_LEADS}: please approve or reject it")
    assert "2 people must agree, until <!date^" in text
    plain = an_event(EventKind.REQUESTED, facts={"needs_approval": "yes"})
    assert not has_line(plain)
    assert "<" not in the_line(plain).text


def test_a_reminder_calls_only_those_who_have_not_agreed() -> None:
    text = the_line(REMINDED).text

    assert text.startswith(f"Awaiting approval: {CALL_LEADS}: it still waits for you.")
    assert text.count("<@U0BOB>") == 1
    assert "1 of 2 agreed: <@U0BOB>." in text


def test_an_escalation_calls_those_to_whom_it_goes_and_nobody_else() -> None:
    text = the_line(ESCALATED).text

    assert text.startswith("Awaiting approval: <@U0CFO>: not enough people decided, so you may too.")
    assert CALL_LEADS not in text


def test_whose_yes_counts_no_more_is_told() -> None:
    lost = replace(APPROVED, facts={**APPROVED.facts, "lost": ["U0DAN"]})

    assert "The yes of <@U0DAN> does not count any more" in the_line(lost).text


def test_asking_again_says_what_changed_and_calls_everybody_anew() -> None:
    text = the_line(REOPENED).text

    assert "since this changed: version: “2” → “3”, the grant that allows it." in text
    assert text.endswith(f"<@U0BOB> and {CALL_LEADS}: please decide anew.")
    assert "a1" not in text


def test_asking_again_because_somebody_may_no_longer_approve_says_who() -> None:
    text = the_line(an_event(EventKind.REOPENED, facts={"digest": "d1", "changes": [], "lost": ["U0DAN"]})).text

    assert text.startswith("Awaiting approval: it is asked for again. The yes of <@U0DAN> does not count any more")


def test_a_policy_that_asks_nobody_any_more_is_no_ones_yes() -> None:
    event = an_event(EventKind.CLEARED, facts={"unneeded": True})

    assert the_line(event).text == "Queued: nobody's approval is needed any more; it starts in a moment."
    assert "pproved by" not in the_card(waiting(state=State.RUNNING), event).text


def test_many_changes_are_counted() -> None:
    changes = [{"what": f"input {number}", "before": "a", "after": "b"} for number in range(MOST_CHANGES_SHOWN + 2)]
    event = an_event(EventKind.REOPENED, facts={"changes": changes, "more": 5})

    assert ", and 7 more." in the_line(event).text
    assert "• and 7 more" in the_card(waiting(), event).text
    assert "• and 3 more" in the_card(waiting(since=replace(SINCE, changes=tuple(changes), more=1))).text


def test_a_rejection_is_literal_and_short_whatever_its_reason_says() -> None:
    reason = "<!channel> <@U0ALICE> <https://evil.example|click> *bold* " * 200
    event = an_event(EventKind.REJECTED, actor="U0BOB", facts={"reason": reason})

    for say in (the_line(event), the_card(waiting(state=State.REJECTED), event)):
        assert_within_limits(say)
        assert_harmless(say)
        assert "&lt;!channel&gt;" in say.text
        assert "<@U0ALICE> &lt;" not in say.text
        assert len(shown(say)) < 2500


def test_a_rejection_without_a_reason_still_says_who() -> None:
    assert "<@U0BOB> rejected it, <!date^" in the_line(an_event(EventKind.REJECTED, actor="U0BOB")).text


# --- people ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), "nobody"),
        (("U0BOB",), "<@U0BOB>"),
        (("U0BOB", "S0LEADS"), f"<@U0BOB> and {CALL_LEADS}"),
        (("U0BOB", "S0LEADS", "members"), f"<@U0BOB>, {CALL_LEADS} and any full member of this workspace"),
        (("S<!here>", "<!channel>"), "S&lt;!here&gt; and &lt;!channel&gt;"),
    ],
)
def test_names_stand_in_a_row(names: tuple[str, ...], expected: str) -> None:
    assert as_text(who(names)) == expected


def test_of_many_names_some_are_counted() -> None:
    text = as_text(who([f"U{number:04d}" for number in range(MOST_PEOPLE + 30)]))

    assert text.endswith(" and 30 more")
    assert text.count("<@") == MOST_PEOPLE


def test_refusals_name_the_winner_the_time_and_those_who_may() -> None:
    won = Reason(
        code="not_awaiting",
        facts={
            "launch_id": "L-7K3QW",
            "state": "Rejected",
            "by": "U0BOB",
            "how": "rejected it",
            "at": "2026-11-21T12:05:00+00:00",
        },
    )
    others = Reason(code="not_approver", facts={"launch_id": "L-7K3QW", "approvers": "S0LEADS, U0BOB, members"})

    assert reason_sentence(won) == (
        "“L-7K3QW” does not wait for approval any more. It is: Rejected. U0BOB rejected it, 2026-11-21 12:05 UTC."
    )
    assert f"Those are: {CALL_LEADS}, <@U0BOB> and any full member of this workspace." in say_denied([others]).text
    assert "<@U0BOB> rejected it" in say_denied([won]).text


@pytest.mark.parametrize("code", ["not_awaiting", "already_decided", "approval_self", "approval_cool_down", "approval_expired"])
def test_every_refusal_of_a_click_names_the_launch(code: str) -> None:
    facts = {"launch_id": "L-7K3QW", "state": "Running", "at": "2026-11-21T12:05:00+00:00", "until": "soon"}

    assert "“L-7K3QW”" in reason_sentence(Reason(code=code, facts=facts))


# --- whatever stands in a row ------------------------------------------------------------------------------------------

HOSTILE = st.sampled_from(
    ["<!channel>", "<!subteam^S0EVIL>", "*b* _i_ `c`", "\u202e\0x", "&" * 600, "🙂" * 600, "", "\ud800", "S"]
)
ODD = st.recursive(
    HOSTILE | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE, inner, max_size=3),
    max_leaves=5,
)
FACTS = ["needs_approval", "counted", "required", "lost", "said", "reason", "changes", "more", "digest", "expires_at"]
CHANGES = st.lists(st.fixed_dictionaries({"what": ODD, "before": ODD, "after": ODD}), max_size=12)


@given(
    st.sampled_from(TOLD),
    st.dictionaries(st.sampled_from(FACTS), ODD | CHANGES | st.lists(HOSTILE, max_size=25)),
    st.dictionaries(st.sampled_from([*asked(RULE, now=NOON), "since"]), ODD | st.lists(HOSTILE, max_size=25)),
    st.sampled_from([State.AWAITING_APPROVAL, State.QUEUED, State.REJECTED, State.EXPIRED]),
)
def test_damaged_or_hostile_facts_and_snapshots_are_told_within_limits_and_call_nobody(
    event: Event, facts: dict[str, Any], snapshot_facts: dict[str, Any], state: State
) -> None:
    launch = waiting(state=state, approval={**asked(RULE, now=NOON, since=SINCE), **snapshot_facts})
    event = replace(event, facts=facts, actor=str(facts.get("reason", "U0BOB")))

    for say in (the_line(event, launch), the_card(launch, event), the_card(launch, event, may_mention=True)):
        assert_within_limits(say)
        assert_harmless(say, groups=LEADS)
