"""Who may decide, what a click means, and that nothing starts without enough entitled people at that very moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.domain.approval_digest import MOST_CHANGES
from bot.domain.approval_terms import asked, fall_due, terms_of
from bot.domain.approvals import (
    MOST_REASON,
    MOST_SET,
    Click,
    Tally,
    Yes,
    deciders,
    entitlement,
    is_entitled,
    judge_click,
    recount,
    reopened,
    standing_yeses,
    tally,
)
from bot.domain.grants import ApprovalRule
from bot.domain.lifecycle import step
from bot.domain.model import Channel, Event, EventKind, Launch, Person, Reason, State
from bot.domain.policy import Asker, Deny
from bot.domain.reactions import Reaction
from tests.builders import NOON, a_launch, an_event

RULE = ApprovalRule(approvers=("S0LEADS", "U0BOB"), required=2, expires_after_s=4 * 3600.0)
FINANCE = Channel(channel_id="C0FINANCE", name="finance-ops", is_member=True)
SOON = NOON + timedelta(minutes=5)
IN: Mapping[str, bool | None] = {"S0LEADS": True}
OUT: Mapping[str, bool | None] = {"S0LEADS": False}
UNKNOWN: Mapping[str, bool | None] = {"S0LEADS": None}


def waiting(**rule: Any) -> Launch:
    """A launch of Alice that waits for two of: Bob, the leads."""
    approval = asked(replace(RULE, **rule), now=NOON)
    return a_launch(state=State.AWAITING_APPROVAL, digest="d1", approval=approval, due_at=NOON + timedelta(hours=4))


def an_asker(user_id: str, memberships: Mapping[str, bool | None] = OUT, **person: Any) -> Asker:
    named: dict[str, Any] = {"user_id": user_id, "team_id": "T0GONOGO", "name": user_id}
    return Asker(person=Person(**(named | person)), channel=FINANCE, memberships=memberships)


def a_click(user_id: str, memberships: Mapping[str, bool | None] = OUT, **click: Any) -> Click:
    person = {name: click.pop(name) for name in ("is_guest", "is_stranger", "is_bot", "is_deleted") if name in click}
    asker = an_asker(user_id, memberships, **person)
    plain: dict[str, Any] = {"asker": asker, "now": SOON, "is_yes": True}
    return Click(**(plain | click))


def a_yes(user_id: str, *, digest: str = "d1", at: datetime = SOON, kind: EventKind = EventKind.APPROVED) -> Event:
    return an_event(kind, at=at, actor=user_id, facts={"digest": digest, "entitled_by": "members"})


def happened(found: Reaction | Deny) -> tuple[Launch, Event]:
    assert isinstance(found, Reaction)
    assert found.event is not None
    return found.launch, found.event


def refused(found: Reaction | Deny) -> Reason:
    assert isinstance(found, Deny)
    assert len(found.reasons) == 1
    return found.reasons[0]


# --- a yes ---


def test_a_yes_that_does_not_complete_is_kept_and_the_launch_goes_on_waiting() -> None:
    launch, event = happened(judge_click(waiting(), (), a_click("U0BOB", known=frozenset({"U0DAN", "U0BOB"}))))

    assert (event.kind, event.actor, event.at) == (EventKind.APPROVED, "U0BOB", SOON)
    assert event.facts == {
        "digest": "d1",
        "entitled_by": "U0BOB",
        "set": ["U0BOB", "U0DAN"],
        "set_size": 2,
        "counted": ["U0BOB"],
        "required": 2,
    }
    assert (launch.state, launch.due_at) == (State.AWAITING_APPROVAL, NOON + timedelta(hours=4))


def test_the_yes_that_completes_queues_the_launch_at_once() -> None:
    launch, event = happened(judge_click(waiting(), (a_yes("U0BOB"),), a_click("U0DAN", IN, entitled={"U0BOB": True})))

    assert (event.kind, event.facts["entitled_by"], event.facts["counted"]) == (EventKind.CLEARED, "S0LEADS", ["U0BOB", "U0DAN"])
    assert (launch.state, launch.due_at) == (State.QUEUED, SOON)


def test_a_single_yes_is_enough_where_one_is_required() -> None:
    assert happened(judge_click(waiting(required=1), (), a_click("U0BOB")))[1].kind is EventKind.CLEARED


def test_one_person_never_counts_twice() -> None:
    reason = refused(judge_click(waiting(), (a_yes("U0BOB"),), a_click("U0BOB", IN, entitled={"U0BOB": True})))

    assert reason.code == "already_decided"
    assert reason.facts == {"launch_id": "L-7K3QW", "at": "2026-11-21T12:05:00+00:00"}


def test_the_first_decision_of_a_person_stands() -> None:
    assert refused(judge_click(waiting(), (a_yes("U0BOB"),), a_click("U0BOB", is_yes=False))).code == "already_decided"


def test_a_large_group_is_kept_up_to_a_limit_with_its_size() -> None:
    known = frozenset(f"U{number:05d}" for number in range(500))
    facts = happened(judge_click(waiting(), (), a_click("U0BOB", known=known)))[1].facts

    assert (len(facts["set"]), facts["set_size"]) == (MOST_SET, 501)


# --- whose yes counts at this moment ---


def test_a_yes_of_somebody_who_lost_the_right_does_not_complete_and_that_is_told() -> None:
    launch, event = happened(judge_click(waiting(), (a_yes("U0DAN"),), a_click("U0BOB", entitled={"U0DAN": False})))

    assert (launch.state, event.kind) == (State.AWAITING_APPROVAL, EventKind.APPROVED)
    assert (event.facts["counted"], event.facts["lost"]) == (["U0BOB"], ["U0DAN"])


@pytest.mark.parametrize("entitled", [{"U0DAN": None}, {}])
def test_where_an_earlier_right_is_not_known_the_click_that_would_complete_is_denied(entitled: dict[str, bool | None]) -> None:
    reason = refused(judge_click(waiting(), (a_yes("U0DAN"),), a_click("U0BOB", entitled=entitled)))

    assert (reason.code, reason.facts["subject"]) == ("lookup_failed", "whether U0DAN may still approve")


def test_where_it_would_not_complete_anyway_the_yes_is_kept() -> None:
    found = judge_click(waiting(required=3), (a_yes("U0DAN"),), a_click("U0BOB", entitled={"U0DAN": None}))

    assert happened(found)[1].kind is EventKind.APPROVED


def test_somebody_whose_yes_stands_can_complete_once_the_other_has_the_right_again() -> None:
    events = (a_yes("U0DAN"), a_yes("U0BOB"))
    lost = judge_click(waiting(), events, a_click("U0BOB", entitled={"U0DAN": False}))
    regained = judge_click(waiting(), events, a_click("U0BOB", entitled={"U0DAN": True}))

    assert refused(lost).code == "already_decided"
    assert happened(regained)[1].kind is EventKind.CLEARED


def test_yeses_are_those_for_this_digest_since_people_were_last_asked() -> None:
    events = (
        a_yes("U0OLD"),
        an_event(EventKind.REOPENED),
        a_yes("U0BOB"),
        a_yes("U0ELSE", digest="d0"),
        a_yes("U0BOB", at=SOON + timedelta(minutes=1)),
        a_yes("U0DAN", kind=EventKind.CLEARED),
        an_event(EventKind.APPROVED, actor="U0BARE"),
    )

    assert standing_yeses(events, "d1") == (
        Yes(approver="U0BOB", at=SOON, entitled_by="members"),
        Yes(approver="U0DAN", at=SOON, entitled_by="members"),
    )
    assert standing_yeses(events, "") == ()


def test_a_tally_parts_those_who_count_from_those_who_do_not_and_those_nobody_knows_of() -> None:
    yeses = standing_yeses((a_yes("U1"), a_yes("U2"), a_yes("U3")), "d1")
    count = recount(yeses, {"U1": True, "U2": False}, required=2)

    assert count == Tally(required=2, counted=("U1",), lost=("U2",), unknown=("U3",))
    assert (count.is_enough, count.may_be_enough) == (False, True)


def test_the_start_counts_again() -> None:
    events = (a_yes("U0BOB"), a_yes("U0DAN", kind=EventKind.CLEARED))
    launch = step(waiting(), events[-1])

    assert tally(launch, events, {"U0BOB": True, "U0DAN": True}).is_enough
    assert not tally(launch, events, {"U0BOB": True, "U0DAN": False}).may_be_enough
    assert not tally(replace(launch, digest="d2"), events, {"U0BOB": True, "U0DAN": True}).is_enough


# --- who may decide ---


@pytest.mark.parametrize(
    ("user_id", "memberships", "approvers", "expected"),
    [
        ("U0BOB", OUT, ("S0LEADS", "U0BOB", "members"), "U0BOB"),
        ("U0DAN", IN, ("S0LEADS", "U0BOB", "members"), "S0LEADS"),
        ("U0DAN", OUT, ("S0LEADS", "U0BOB", "members"), "members"),
        ("U0DAN", {"S0LEADS": None, "S0OTHER": True}, ("S0LEADS", "S0OTHER"), "S0OTHER"),
        ("U0DAN", {"S0LEADS": True, "S0AUDIT": True}, ("S0LEADS", "S0AUDIT"), "S0AUDIT"),
    ],
)
def test_what_entitles_is_kept(
    user_id: str, memberships: Mapping[str, bool | None], approvers: tuple[str, ...], expected: str
) -> None:
    """The most personal counts; of several groups any is enough, also where another cannot be asked about."""
    assert entitlement(waiting(approvers=approvers), (), an_asker(user_id, memberships), SOON) == expected


def test_somebody_else_is_told_who_may() -> None:
    reason = refused(judge_click(waiting(), (), a_click("U0EVE")))

    assert (reason.code, reason.facts["approvers"]) == ("not_approver", "S0LEADS, U0BOB")


def test_a_group_that_slack_does_not_tell_of_denies_and_says_so() -> None:
    reason = refused(judge_click(waiting(), (), a_click("U0DAN", UNKNOWN)))

    assert (reason.code, reason.facts["subject"]) == ("lookup_failed", "user group S0LEADS")
    assert is_entitled(waiting(), (), an_asker("U0DAN", UNKNOWN), SOON) is None


@pytest.mark.parametrize("is_yes", [True, False])
@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ("is_guest", "person_is_guest"),
        ("is_stranger", "person_is_stranger"),
        ("is_bot", "person_is_bot"),
        ("is_deleted", "person_is_deleted"),
    ],
)
def test_guests_strangers_bots_and_the_departed_never_count(claim: str, code: str, is_yes: bool) -> None:
    launch = waiting(approvers=("members", "U0BOB", "S0LEADS"))

    assert refused(judge_click(launch, (), a_click("U0BOB", IN, is_yes=is_yes, **{claim: True}))).code == code
    assert is_entitled(launch, (), an_asker("U0BOB", IN, **{claim: True}), SOON) is False


def test_the_requester_does_not_decide_unless_the_rule_says_so() -> None:
    click = a_click("U0ALICE", IN)

    assert refused(judge_click(waiting(), (), click)).code == "approval_self"
    assert happened(judge_click(waiting(self_approval=True), (), click))[1].kind is EventKind.APPROVED


def test_the_requester_still_has_to_be_an_approver() -> None:
    click = a_click("U0ALICE", OUT)

    assert refused(judge_click(waiting(self_approval=True), (), click)).code == "not_approver"
    assert refused(judge_click(waiting(single_operator=True), (), click)).code == "not_approver"


def test_a_single_operator_waits_for_the_cool_down() -> None:
    launch = waiting(approvers=("U0ALICE",), required=1, single_operator=True, cool_down_s=600.0)
    early = refused(judge_click(launch, (), a_click("U0ALICE", now=NOON + timedelta(seconds=599))))

    assert (early.code, early.facts["until"]) == ("approval_cool_down", "2026-11-21T12:10:00+00:00")
    on_time = a_click("U0ALICE", now=NOON + timedelta(seconds=600))
    assert happened(judge_click(launch, (), on_time))[1].kind is EventKind.CLEARED


def test_those_whom_it_is_escalated_to_may_decide_from_then_on() -> None:
    launch, click = waiting(escalate_to=("U0CFO",), escalate_after_s=60.0, required=1), a_click("U0CFO")

    assert refused(judge_click(launch, (), click)).code == "not_approver"
    escalated = (an_event(EventKind.ESCALATED),)
    assert happened(judge_click(launch, escalated, click))[1].facts["entitled_by"] == "U0CFO"
    assert refused(judge_click(launch, (*escalated, an_event(EventKind.REOPENED)), click)).code == "not_approver"


def test_the_groups_to_ask_slack_about_are_those_of_the_rule() -> None:
    assert deciders(waiting(escalate_to=("S0BOARD", "U0CFO"))) == {"S0LEADS", "S0BOARD"}


def test_a_launch_whose_snapshot_is_gone_can_be_approved_by_nobody() -> None:
    launch = replace(waiting(), approval={})

    assert refused(judge_click(launch, (), a_click("U0BOB", IN))).code == "not_approver"


# --- a no ---


def test_a_no_ends_it_with_its_reason() -> None:
    launch, event = happened(judge_click(waiting(), (a_yes("U0DAN"),), a_click("U0BOB", is_yes=False, reason="  Wrong month. ")))

    assert (event.kind, event.actor, event.facts["reason"]) == (EventKind.REJECTED, "U0BOB", "Wrong month.")
    assert (launch.state, launch.due_at, launch.detail) == (State.REJECTED, None, "Wrong month.")


def test_a_reason_of_ten_thousand_characters_is_kept_cut() -> None:
    event = happened(judge_click(waiting(), (), a_click("U0BOB", is_yes=False, reason="<!channel> " * 1000)))[1]

    assert len(event.facts["reason"]) == MOST_REASON
    assert event.facts["reason"].endswith("…")


def test_a_no_needs_nobody_elses_right() -> None:
    found = judge_click(waiting(), (a_yes("U0DAN"),), a_click("U0BOB", is_yes=False, entitled={"U0DAN": None}))

    assert happened(found)[1].kind is EventKind.REJECTED
    assert "reason" not in happened(found)[1].facts


# --- too late ---


@pytest.mark.parametrize(
    ("state", "event", "told"),
    [
        (State.QUEUED, a_yes("U0DAN", kind=EventKind.CLEARED), {"by": "U0DAN", "how": "approved it"}),
        (State.SUCCEEDED, a_yes("U0DAN", kind=EventKind.CLEARED), {"by": "U0DAN", "how": "approved it"}),
        (State.REJECTED, an_event(EventKind.REJECTED, actor="U0DAN", at=SOON), {"by": "U0DAN", "how": "rejected it"}),
        (State.CANCELLED, an_event(EventKind.CANCELLED, actor="U0ALICE", at=SOON), {"by": "U0ALICE", "how": "cancelled it"}),
        (State.EXPIRED, an_event(EventKind.EXPIRED, at=SOON), {"ended": "nobody decided in time"}),
    ],
)
@pytest.mark.parametrize("is_yes", [True, False])
def test_the_loser_of_a_race_is_told_who_won_and_when(state: State, event: Event, told: dict[str, str], is_yes: bool) -> None:
    launch = replace(waiting(), state=state)
    reason = refused(judge_click(launch, (a_yes("U0ELSE"), event), a_click("U0BOB", is_yes=is_yes)))

    assert reason.code == "not_awaiting"
    assert reason.facts == {"launch_id": "L-7K3QW", "state": state.word, "at": "2026-11-21T12:05:00+00:00", **told}


def test_a_launch_that_never_needed_approval_says_where_it_stands() -> None:
    reason = refused(judge_click(a_launch(state=State.RUNNING), (an_event(EventKind.STARTING),), a_click("U0BOB")))

    assert reason.facts == {"launch_id": "L-7K3QW", "state": "Running"}


@pytest.mark.parametrize("is_yes", [True, False])
def test_after_its_time_no_click_counts_even_before_the_expiry_was_written(is_yes: bool) -> None:
    launch = waiting(required=1)
    last = terms_of(launch).expires_at

    assert refused(judge_click(launch, (), a_click("U0BOB", now=last, is_yes=is_yes))).code == "approval_expired"
    in_time = a_click("U0BOB", now=last - timedelta(microseconds=1), is_yes=is_yes)
    assert happened(judge_click(launch, (), in_time))[0].state is (State.QUEUED if is_yes else State.REJECTED)


# --- asked anew ---


@pytest.mark.parametrize("state", [State.AWAITING_APPROVAL, State.QUEUED])
def test_a_difference_asks_anew_and_forgets_every_yes(state: State) -> None:
    changes = [{"what": "version", "before": "3", "after": "4"}]
    approval = asked(replace(RULE, remind_after_s=60.0), now=SOON)
    launch, event = happened(reopened(replace(waiting(), state=state), now=SOON, digest="d2", approval=approval, changes=changes))

    assert (launch.state, launch.digest, launch.approval) == (State.AWAITING_APPROVAL, "d2", approval)
    assert launch.due_at == SOON + timedelta(seconds=60)
    assert event.facts == {"digest": "d2", "changes": changes}
    assert standing_yeses((a_yes("U0BOB"), event, a_yes("U0DAN", digest="d2")), "d2")[0].approver == "U0DAN"
    assert standing_yeses((a_yes("U0BOB"), event), "d1") == ()


def test_the_loss_of_a_right_asks_anew_and_says_whose() -> None:
    event = happened(reopened(waiting(), now=SOON, digest="d1", approval=asked(RULE, now=SOON), lost=("U0DAN",)))[1]

    assert event.facts == {"digest": "d1", "changes": [], "lost": ["U0DAN"]}


def test_many_changes_do_not_swell_the_event() -> None:
    changes = [{"what": f"input {number}", "before": None, "after": "1"} for number in range(100)]
    facts = happened(reopened(waiting(), now=SOON, digest="d2", approval={}, changes=changes))[1].facts

    assert (len(facts["changes"]), facts["more"]) == (MOST_CHANGES, 100 - MOST_CHANGES)


@given(st.dictionaries(st.sampled_from(["digest", "entitled_by", "set"]), st.none() | st.integers() | st.text(max_size=3)))
def test_events_of_another_release_are_read_without_a_fault(facts: dict[str, Any]) -> None:
    event = an_event(EventKind.APPROVED, actor="U0BOB", facts=facts)

    assert len(standing_yeses((event,), "d1")) == (1 if facts.get("digest") == "d1" else 0)


# --- whatever happens ---

PEOPLE = ("U0ALICE", "U0BOB", "U0DAN", "U0EVE", "U0CFO")


class Approving(RuleBasedStateMachine):
    """Clicks, edits, expiries, restarts and people coming and going, in any order; judged against a plain model of the promise."""

    @initialize(
        required=st.integers(1, 3),
        self_approval=st.booleans(),
        single_operator=st.booleans(),
        escalates=st.booleans(),
        leads=st.lists(st.sampled_from(PEOPLE), min_size=2, unique=True),
    )
    def ask(self, required: int, self_approval: bool, single_operator: bool, escalates: bool, leads: list[str]) -> None:
        self.rule = ApprovalRule(
            approvers=("S0LEADS", "U0BOB"),
            required=required,
            expires_after_s=100.0,
            remind_after_s=20.0,
            escalate_to=("U0CFO",) if escalates else (),
            escalate_after_s=40.0 if escalates else None,
            self_approval=self_approval,
            single_operator=single_operator,
            cool_down_s=30.0,
        )
        self.now, self.number = NOON, 1
        self.leads: dict[str, bool | None] = {person: person in leads for person in PEOPLE}
        self.guests: set[str] = set()
        self.launch = replace(waiting(), digest="d1", approval=asked(self.rule, now=self.now))
        self.events: tuple[Event, ...] = ()
        self.first: dict[str, bool] = {}

    # --- the plain model: who may decide now, in other words than the program's ---

    def may(self, person: str) -> bool | None:
        waited = (self.now - terms_of(self.launch).asked_at).total_seconds()
        if person in self.guests:
            return False
        if person == "U0ALICE" and not self.rule.self_approval and not (self.rule.single_operator and waited >= 30):
            return False
        is_cfo_asked = any(event.kind is EventKind.ESCALATED for event in self.events_now())
        if person == "U0BOB" or (person == "U0CFO" and is_cfo_asked):
            return True
        return self.leads[person]

    def events_now(self) -> list[Event]:
        kept: list[Event] = []
        for event in self.events:
            kept = [] if event.kind is EventKind.REOPENED else [*kept, event]
        return kept

    def asker(self, person: str) -> Asker:
        return an_asker(person, {"S0LEADS": self.leads[person]}, is_guest=person in self.guests)

    def entitled(self) -> dict[str, bool | None]:
        return {person: is_entitled(self.launch, self.events, self.asker(person), self.now) for person in PEOPLE}

    def take(self, reaction: Reaction) -> None:
        if reaction.event is not None:
            self.events = (*self.events, reaction.event)
        self.launch = reaction.launch

    # --- what can happen ---

    @rule(first=st.sampled_from(PEOPLE), second=st.sampled_from(PEOPLE))
    def two_agree(self, first: str, second: str) -> None:
        self.click_by(first, is_yes=True, knows=True)
        self.click_by(second, is_yes=True, knows=True)

    @rule(person=st.sampled_from(PEOPLE), is_yes=st.booleans(), knows=st.booleans())
    def click(self, person: str, is_yes: bool, knows: bool) -> None:
        self.click_by(person, is_yes=is_yes, knows=knows)

    def click_by(self, person: str, *, is_yes: bool, knows: bool) -> None:
        before, state = set(self.first), self.launch.state
        entitled = self.entitled() if knows else {}
        found = judge_click(
            self.launch, self.events, Click(asker=self.asker(person), now=self.now, is_yes=is_yes, entitled=entitled)
        )
        if isinstance(found, Deny):
            assert found.reasons
            return
        assert state is State.AWAITING_APPROVAL
        assert self.now < terms_of(self.launch).expires_at
        assert self.may(person) is True
        self.first.setdefault(person, is_yes)
        self.take(found)
        if self.launch.state is State.QUEUED:
            self.is_cleared_rightly()
        else:
            assert person not in before

    def is_cleared_rightly(self) -> None:
        agreed = {person for person, said in self.first.items() if said and self.may(person) is True}
        assert len(agreed) >= self.rule.required

    @rule(person=st.sampled_from(PEOPLE), is_in=st.sampled_from([True, True, False, None]))
    def join_or_leave(self, person: str, is_in: bool | None) -> None:
        self.leads[person] = is_in

    @rule(person=st.sampled_from(PEOPLE))
    def become_or_cease_to_be_guest(self, person: str) -> None:
        self.guests ^= {person}

    @rule()
    def edit(self) -> None:
        if self.launch.state in {State.AWAITING_APPROVAL, State.QUEUED}:
            self.number += 1
            digest = f"d{self.number}"
            self.take(reopened(self.launch, now=self.now, digest=digest, approval=asked(self.rule, now=self.now)))
            self.first = {}

    @rule(seconds=st.sampled_from([1, 10, 30, 60]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def worker_looks(self) -> None:
        if self.launch.state is State.AWAITING_APPROVAL:
            self.take(fall_due(self.launch, self.events, self.now))
            assert self.launch.state in {State.AWAITING_APPROVAL, State.EXPIRED}

    @rule()
    def worker_starts(self) -> None:
        if self.launch.state is State.QUEUED and tally(self.launch, self.events, self.entitled()).is_enough:
            self.is_cleared_rightly()
            self.take(Reaction(launch=step(self.launch, an_event(EventKind.STARTING, at=self.now))))

    @rule()
    def restart(self) -> None:
        """Nothing but rows survives: everything is judged by launch and events alone."""
        self.launch, self.events = replace(self.launch), tuple(replace(event) for event in self.events)

    @invariant()
    def nothing_is_cleared_but_by_people(self) -> None:
        if self.launch.state in {State.QUEUED, State.STARTING}:
            last = [event for event in self.events_now() if event.kind is EventKind.CLEARED]
            assert len(last) == 1
            assert last[0].facts["digest"] == self.launch.digest == f"d{self.number}"
            assert len(set(last[0].facts["counted"])) >= self.rule.required

    @invariant()
    def what_is_told_once_is_told_once(self) -> None:
        kinds = [event.kind for event in self.events_now()]
        assert all(kinds.count(kind) <= 1 for kind in set(kinds) - {EventKind.APPROVED})


Approving.TestCase.settings = settings(max_examples=300, stateful_step_count=25, deadline=None)
TestApproving = Approving.TestCase
