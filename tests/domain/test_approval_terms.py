"""The rule as it was shown, and what falls due by it: also after a bot was down, and from a snapshot that was damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.approval_digest import Differences
from bot.domain.approval_terms import (
    EXPIRES_AFTER,
    agreed,
    asked,
    bound_of,
    due,
    fall_due,
    is_escalated,
    next_due,
    since_asked,
    terms_of,
)
from bot.domain.grants import ApprovalRule
from bot.domain.model import Event, EventKind, Launch, State
from tests.builders import NOON, a_launch, an_event

HOUR = 3600.0
RULE = ApprovalRule(
    approvers=("S0LEADS", "U0BOB"),
    required=2,
    expires_after_s=4 * HOUR,
    remind_after_s=1 * HOUR,
    escalate_to=("U0CFO",),
    escalate_after_s=2 * HOUR,
)
REMINDED, ESCALATED, EXPIRED = EventKind.REMINDED, EventKind.ESCALATED, EventKind.EXPIRED


def at(hours: float) -> Any:
    return NOON + timedelta(hours=hours)


def waiting(**rule: Any) -> Launch:
    approval = asked(replace(RULE, **rule), now=NOON)
    return a_launch(state=State.AWAITING_APPROVAL, digest="d1", approval=approval)


def happened(*kinds: EventKind, hours: float = 0.5) -> tuple[Event, ...]:
    return tuple(an_event(kind, at=at(hours), actor="U0BOB" if kind is EventKind.APPROVED else "gonogo") for kind in kinds)


# --- the snapshot ---


def test_the_snapshot_is_plain_json_and_reads_back_as_it_was_shown() -> None:
    since = Differences(launch_id="L-00001", at=NOON, changes=({"what": "version", "before": "2", "after": "3"},), more=2)
    snapshot = asked(RULE, now=NOON, bound={"version": '"3"'}, since=since)
    launch = a_launch(approval=json.loads(json.dumps(snapshot)))
    terms = terms_of(launch)

    assert (terms.approvers, terms.required, terms.escalate_to) == (("S0LEADS", "U0BOB"), 2, ("U0CFO",))
    assert (terms.asked_at, terms.remind_at, terms.escalate_at, terms.expires_at) == (NOON, at(1), at(2), at(4))
    assert (terms.self_approval, terms.single_operator, terms.confirm, terms.cool_down_until) == (False, False, False, None)
    assert terms.since == since
    assert bound_of(launch) == {"version": '"3"'}


def test_an_approval_without_a_time_to_expire_expires_after_seven_days() -> None:
    assert terms_of(waiting(expires_after_s=None)).expires_at == NOON + timedelta(days=7) == NOON + EXPIRES_AFTER


def test_a_single_operators_cool_down_runs_from_the_question() -> None:
    terms = terms_of(waiting(single_operator=True, cool_down_s=600.0, confirm=True))

    assert (terms.single_operator, terms.confirm, terms.cool_down_until) == (True, True, NOON + timedelta(minutes=10))


ODD = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.text(max_size=5)
    | st.lists(st.text(max_size=3) | st.integers(), max_size=3)
)
NAMES = [*sorted(asked(RULE, now=NOON)), "since", "cool_down_until"]


@given(st.dictionaries(st.sampled_from(NAMES), ODD | st.dictionaries(st.text(max_size=3), ODD, max_size=2)))
def test_a_damaged_snapshot_never_gives_more_rights_and_still_expires(snapshot: dict[str, Any]) -> None:
    launch = a_launch(state=State.AWAITING_APPROVAL, approval=snapshot)
    terms = terms_of(launch)

    assert terms.required >= 1
    listed: Any = snapshot.get("approvers")
    assert all(name in listed for name in terms.approvers)
    assert terms.self_approval is (snapshot.get("self_approval") is True)
    assert NOON <= next_due(launch, ()) <= NOON + EXPIRES_AFTER


@pytest.mark.parametrize("required", [None, "2", 0, -1, True, 1.5])
def test_where_it_cannot_be_read_how_many_must_agree_nobody_may(required: Any) -> None:
    terms = terms_of(a_launch(approval={"approvers": ["members"], "escalate_to": ["U0CFO"], "required": required}))

    assert (terms.approvers, terms.escalate_to) == ((), ())


def test_a_text_in_place_of_a_list_of_approvers_names_nobody() -> None:
    assert terms_of(a_launch(approval={"approvers": "members", "required": 1})).approvers == ()


# --- what falls due ---


@pytest.mark.parametrize(
    ("hours", "before", "expected"),
    [
        (0.9, (), None),
        (1.0, (), REMINDED),
        (1.5, (REMINDED,), None),
        (2.0, (REMINDED,), ESCALATED),
        (3.0, (REMINDED, ESCALATED), None),
        (4.0, (REMINDED, ESCALATED), EXPIRED),
    ],
)
def test_each_time_brings_its_event_once(hours: float, before: tuple[EventKind, ...], expected: EventKind | None) -> None:
    assert due(waiting(), happened(*before), at(hours)) == expected


@pytest.mark.parametrize(("hours", "expected"), [(2.5, ESCALATED), (4.5, EXPIRED), (1000, EXPIRED)])
def test_a_bot_that_was_down_sends_only_what_is_still_right(hours: float, expected: EventKind) -> None:
    launch = waiting()
    reaction = fall_due(launch, (), at(hours))

    assert reaction.event is not None
    assert reaction.event.kind is expected
    assert due(reaction.launch, (reaction.event,), at(hours)) in {None, EXPIRED}


def test_a_reminder_that_would_come_after_the_escalation_never_comes() -> None:
    launch = waiting(remind_after_s=3 * HOUR)

    assert due(launch, (), at(1.9)) is None
    assert due(launch, (), at(3)) is ESCALATED
    assert due(launch, happened(ESCALATED), at(3.5)) is None
    assert next_due(launch, happened(ESCALATED)) == at(4)


@pytest.mark.parametrize("rule", [{"escalate_to": ()}, {"escalate_after_s": None}])
def test_without_people_or_a_time_nothing_is_escalated(rule: dict[str, Any]) -> None:
    launch = waiting(**rule)

    assert due(launch, happened(REMINDED), at(3.9)) is None
    assert next_due(launch, happened(REMINDED)) == at(4)


def test_times_beyond_the_expiry_do_not_matter() -> None:
    launch = waiting(remind_after_s=5 * HOUR, escalate_after_s=6 * HOUR)

    assert next_due(launch, ()) == at(4)
    assert due(launch, (), at(7)) is EXPIRED


def test_what_falls_due_moves_the_launch_to_its_next_time() -> None:
    launch, events, told = waiting(), (), []
    for hours in (0, 1, 2, 4):
        reaction = fall_due(launch, events, at(hours))
        launch, events = reaction.launch, (*events, *([reaction.event] if reaction.event else []))
        told.append((reaction.event and reaction.event.kind, launch.state, launch.due_at))

    assert told == [
        (None, State.AWAITING_APPROVAL, at(1)),
        (REMINDED, State.AWAITING_APPROVAL, at(2)),
        (ESCALATED, State.AWAITING_APPROVAL, at(4)),
        (EXPIRED, State.EXPIRED, None),
    ]


def test_a_reminder_says_who_need_not_be_asked_again_and_an_expiry_how_far_it_came() -> None:
    launch, events = waiting(), (an_event(EventKind.APPROVED, actor="U0BOB", facts={"counted": ["U0BOB"]}),)
    reminded, expired = fall_due(launch, events, at(1)).event, fall_due(launch, events, at(4)).event

    assert reminded is not None
    assert expired is not None
    assert reminded.facts == {"said": ["U0BOB"], "required": 2, "expires_at": at(4).isoformat()}
    assert expired.facts == {"said": ["U0BOB"], "required": 2}


def test_who_agreed_are_those_who_counted_at_the_newest_yes() -> None:
    """Somebody who lost the right in between no longer stands there."""
    first = an_event(EventKind.APPROVED, actor="U0DAN", facts={"counted": ["U0DAN"]})
    newest = an_event(EventKind.APPROVED, actor="U0BOB", facts={"counted": ["U0BOB"], "lost": ["U0DAN"]})

    assert agreed((first, newest, an_event(REMINDED))) == ("U0BOB",)
    assert agreed((first, newest, an_event(EventKind.REOPENED))) == ()
    assert agreed((an_event(EventKind.APPROVED, facts={"counted": "U0BOB"}),)) == ()


def test_once_asked_anew_everything_begins_anew() -> None:
    events = happened(EventKind.APPROVED, REMINDED, ESCALATED, EventKind.REOPENED)

    assert since_asked(events) == ()
    assert not is_escalated(events)
    assert is_escalated(events[:-1])
    assert due(waiting(), events, at(1)) is REMINDED


@given(
    st.lists(st.floats(0, 10), max_size=8),
    st.none() | st.floats(0, 9 * HOUR),
    st.none() | st.floats(0, 9 * HOUR),
    st.floats(1, 9 * HOUR),
)
def test_whenever_the_bot_is_up_each_event_comes_at_most_once_and_in_order(
    looks: list[float], remind_s: float | None, escalate_s: float | None, expires_s: float
) -> None:
    launch = waiting(remind_after_s=remind_s, escalate_after_s=escalate_s, expires_after_s=expires_s)
    events: tuple[Event, ...] = ()
    for hours in sorted(looks):
        while launch.state is State.AWAITING_APPROVAL:
            reaction = fall_due(launch, events, at(hours))
            launch = reaction.launch
            if reaction.event is None:
                assert launch.due_at is not None
                assert launch.due_at > at(hours)
                break
            events = (*events, reaction.event)
    kinds = [event.kind for event in events]

    assert kinds == sorted(set(kinds), key=[REMINDED, ESCALATED, EXPIRED].index)
    assert (launch.state is State.EXPIRED) == any(at(hours) >= at(expires_s / HOUR) for hours in looks)
