"""What `/launch why` shows: every rule in words, within Slack's limits, whatever anybody wrote into it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from bot.domain.advice import Advice, explained, smallest_change, who_could
from bot.domain.changes import AddRequester
from bot.domain.grants import ApprovalRule, ChannelPolicy, Freeze, Grant, Limits, Policy
from bot.domain.holdings import Holding, Mirror
from bot.domain.model import Channel, Person, Reason, Workflow
from bot.domain.policy import Asker, Circumstances, Usage, Wish
from bot.domain.records import Asked
from bot.surfaces.place import MOST_CONNECTIONS, Place, Reach, say_place
from bot.surfaces.why import ASK_ACTION, Asking, Why, say_access_wanted, say_asking, say_why
from tests.block_limits import assert_harmless, assert_within_limits, labels
from tests.block_limits import shown as shown_text
from tests.builders import NOON

RUN = "Workflow Run Access"
DUNNING = Workflow(workflow_id="396", name="Dunning run")
GRANT = Grant(
    connection="billing", scopes=(RUN,), workflows=("396",), requesters=("U0ALICE", "S0LEADS"), limits=Limits(per_hour=5)
)
APPROVAL = ApprovalRule(approvers=("S0LEADS", "U0CAROL"), required=2)
HELD = Holding(connection="billing", scope=RUN, is_held=True, evidence="GET /workflows answered 200", seen_at=NOON)
HOSTILE = ["<!channel>", "*bold* _it_ `code`", "\u202eevil\0", "&" * 5_000, "🙂" * 5_000, "<https://evil.example|x>", "a\nb: [c"]


def a_why(
    *grants: Grant,
    user_id: str = "U0BOB",
    freezes: tuple[Freeze, ...] = (),
    holding: Holding = HELD,
    workflow: Workflow = DUNNING,
    channel: str = "finance-ops",
    is_shared: bool = False,
    **more: Any,
) -> Why:
    here = ChannelPolicy(channel_id="C0FINANCE", name=channel, grants=grants)
    policy = Policy(channels={"C0FINANCE": here}, digest="made-up", freezes=freezes)
    usage = {grant.quota_key: Usage(last_hour=2) for grant in grants}
    asked = Asked(
        wish=Wish(connection="billing", workflow=workflow, needed_scopes=(RUN,)),
        asker=Asker(
            person=Person(user_id=user_id, team_id="T0GONOGO", name="bob"),
            channel=Channel(channel_id="C0FINANCE", name=channel, is_member=True, is_shared=is_shared),
            memberships={"S0LEADS": False},
        ),
        circumstances=Circumstances(now=NOON, mirror=Mirror(holdings={(holding.scope, ""): holding}), usage=usage),
    )
    plain: dict[str, Any] = {
        "connection": "billing",
        "workflow": workflow.label,
        "channel_name": channel,
        "explanation": explained(policy, asked),
        "advice": smallest_change(policy, asked),
        "could": who_could(policy, asked),
    }
    return Why(**(plain | more))


def told(why: Why) -> str:
    say = say_why(why, command="/launch")
    assert_within_limits(say)
    assert_harmless(say, groups=("S0LEADS",))
    return say.text


# --- the three cases that the README shows ---


def test_an_allowed_launch(snapshot: SnapshotAssertion) -> None:
    text = told(a_why(replace(GRANT, connection="crm"), GRANT, user_id="U0ALICE"))

    assert text.startswith("Allowed. You may launch “Dunning run” on billing in #finance-ops.")
    assert "Not met" not in text
    assert "Grant 2 of #finance-ops" in text
    assert text == snapshot


def test_a_denied_launch(snapshot: SnapshotAssertion) -> None:
    why = a_why(GRANT, elsewhere=("sales-ops",), asked_by="command:1.2.a")
    say = say_why(why, command="/launch")

    assert say.text.startswith("Not allowed. You may not launch “Dunning run” on billing in #finance-ops.")
    assert "Not met. Requester: You are not among the people who may launch" in say.text
    assert "Who may launch it here: <@U0ALICE> and <!subteam^S0LEADS>." in say.text
    assert "Where you may launch it: #sales-ops." in say.text
    assert "Add <@U0BOB> to the requesters of grant 1 of #finance-ops, for everything that it names." in say.text
    assert labels(say) == ["Ask for access"]
    assert say == snapshot


def test_an_approval_bound_launch(snapshot: SnapshotAssertion) -> None:
    text = told(a_why(replace(GRANT, approval=APPROVAL), user_id="U0ALICE"))

    assert text.startswith("Allowed once others agree.")
    assert "To be met. Approval: " in text
    assert "Who would approve: 2 of these must agree: <!subteam^S0LEADS> and <@U0CAROL>, never the person who asks." in text
    assert text == snapshot


# --- facts ---


def test_every_rule_tells_its_source_and_when_it_was_seen() -> None:
    text = told(a_why(GRANT, user_id="U0ALICE"))

    assert "Met. Person: You are a full member of this workspace. Source: Slack." in text
    assert f"Source: the provider, seen <!date^{int(NOON.timestamp())}^" in text
    assert "GET /workflows answered 200" in text
    assert "Source: our own record, seen <!date^" in text


def test_a_scope_that_nobody_could_verify_is_called_so() -> None:
    text = told(a_why(GRANT, user_id="U0ALICE", holding=replace(HELD, is_held=None)))

    assert "Not verified. Scope of the credential:" in text


def test_a_freeze_tells_when_it_is_over_in_the_readers_own_time() -> None:
    freeze = Freeze(name="month-end close", begins=NOON, ends=NOON + timedelta(hours=4))
    text = told(a_why(GRANT, user_id="U0ALICE", freezes=(freeze,)))

    assert "Not met. Freeze: Nothing is launched over “billing” until <!date^" in text
    assert "Except <@U0ALICE> from the freeze “month-end close”; or wait until <!date^" in text


def test_without_a_grant_of_the_connection_that_is_the_rule_that_is_not_met() -> None:
    text = told(a_why(replace(GRANT, connection="crm")))

    assert "Not met. Connection: The connection “billing” is not available in this channel." in text
    assert "a new grant" in text


def test_of_many_grants_the_nearest_are_shown_and_the_others_counted() -> None:
    far = [replace(GRANT, workflows=(f"5{number}",)) for number in range(9)]
    text = told(a_why(*far, GRANT))

    assert "Grant 10 of #finance-ops" in text
    assert "Other grants over billing that were looked at and not used: 7." in text


def test_a_closed_channel_shows_only_that() -> None:
    text = told(a_why(GRANT, is_shared=True))

    assert "Not met. Channel: #finance-ops is shared with another organisation" in text
    assert "shared: true" in text
    assert "Grant 1" not in text.split("The smallest change")[0]


# --- the button ---


@pytest.mark.parametrize(
    "why",
    [
        a_why(GRANT),
        a_why(GRANT, user_id="U0ALICE", asked_by="command:1.2.a"),
        a_why(GRANT, asked_by="x" * 2001),
        a_why(GRANT, asked_by="command:1.2.a", advice=Advice(beyond=(Reason(code="input_too_large"),))),
    ],
)
def test_no_button_without_operators_or_where_they_could_not_help(why: Why) -> None:
    assert labels(say_why(why, command="/launch")) == []


def test_without_a_button_the_answer_says_whom_to_ask() -> None:
    assert told(a_why(GRANT)).endswith("Ask whoever runs Gonogo here to change its configuration.")


def test_a_scope_that_the_credential_lacks_is_the_operators_turn_as_well() -> None:
    say = say_why(a_why(GRANT, user_id="U0ALICE", holding=replace(HELD, is_held=False), asked_by="k"), command="/launch")

    assert "What no change of the policy can mend:" in say.text
    assert labels(say) == ["Ask for access"]


def test_the_button_carries_the_key_of_the_question_and_nothing_else() -> None:
    say = say_why(a_why(GRANT, asked_by="command:1.2.a"), command="/launch")
    (button,) = say.blocks[-1]["elements"]

    assert (button["action_id"], button["value"]) == (ASK_ACTION, "command:1.2.a")


# --- what operators are told ---


def test_operators_are_told_who_what_where_and_what_would_grant_it(snapshot: SnapshotAssertion) -> None:
    say = say_access_wanted(a_why(GRANT), "U0BOB", command="/launch")

    assert_within_limits(say)
    assert_harmless(say, groups=("S0LEADS",))
    assert say.text.startswith("<@U0BOB> asks for access: “Dunning run” on billing in #finance-ops.")
    assert "requesters: [U0BOB]" in say.text
    assert "You" not in say.text
    assert say == snapshot


def test_operators_are_told_what_the_policy_cannot_mend() -> None:
    say = say_access_wanted(a_why(GRANT, holding=replace(HELD, is_held=False)), "U0BOB", command="/launch")

    assert "does not hold the scope “Workflow Run Access”" in say.text


# --- hostile and huge ---


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_literal_and_short(text: str) -> None:
    grant = Grant(connection=text, scopes=(text,), workflows=(text,), requesters=(text, "U0ALICE"))
    why = a_why(
        grant,
        replace(GRANT, requesters=(text,)),
        workflow=Workflow(workflow_id=text, name=text),
        channel=text,
        connection=text,
        could=(text, *(f"U0P{number}" for number in range(40))),
        elsewhere=(text,) * 10,
        asked_by="k",
        freezes=(Freeze(name=text, begins=NOON, ends=NOON + timedelta(hours=1)),),
    )
    for say in (say_why(why, command="/launch"), say_access_wanted(why, "U0BOB", command="/launch")):
        assert_within_limits(say)
        assert_harmless(say, groups=("S0LEADS",))


@given(st.integers(0, 30), st.integers(0, 30), st.text(max_size=300))
def test_any_number_of_grants_and_changes_fits(grants: int, changes: int, name: str) -> None:
    advice = Advice(
        changes=tuple(AddRequester(channel_id="C0FINANCE", number=one + 1, user_id="U0BOB") for one in range(changes))
    )
    why = a_why(*(replace(GRANT, workflows=("396", str(number))) for number in range(grants)), advice=advice, channel=name)
    say = say_why(why, command="/launch")

    assert_within_limits(say)
    assert_harmless(say, groups=("S0LEADS",))


# --- the short answers ---


@pytest.mark.parametrize("asking", list(Asking))
def test_every_answer_to_a_press_is_a_sentence(asking: Asking, snapshot: SnapshotAssertion) -> None:
    say = say_asking(asking, command="/go")

    assert_within_limits(say)
    assert_harmless(say)
    assert say.text.endswith(".")
    assert say.text == snapshot


# --- a whole channel ---


def test_a_place_tells_what_may_be_launched_over_each_connection_or_why_not(snapshot: SnapshotAssertion) -> None:
    refusal = Reason(code="requester_not_granted", facts={"workflow": "Refund", "connection": "billing"})
    place = Place(
        channel_name="finance-ops",
        around=a_why(GRANT).explanation.around,
        reaches=(
            Reach(connection="billing", provider_title="Zuora Workflow", allowed=("Dunning run",), refusals=(refusal,) * 6),
            Reach(connection="crm", provider_title="Bitrix24", after_approval=("Contract approval",), trouble="no answer"),
            Reach(connection="sales", provider_title="Salesforce Flow"),
        ),
    )
    say = say_place(place, command="/launch")

    assert_within_limits(say)
    assert_harmless(say, groups=("S0LEADS",))
    assert "Allowed: Dunning run" in say.text
    assert "Allowed once others agree: Contract approval" in say.text
    assert "and 2 more reasons" in say.text
    assert "Nothing: no workflow is known" in say.text
    assert say.text == snapshot


@pytest.mark.parametrize("text", HOSTILE)
def test_a_place_of_many_connections_fits(text: str) -> None:
    reach = Reach(connection=text, provider_title=text, allowed=(text,) * 300, after_approval=(text,) * 300, trouble=text)
    say = say_place(Place(channel_name=text, around=a_why(GRANT).explanation.around, reaches=(reach,) * 40), command="/launch")

    assert_within_limits(say)
    assert_harmless(say, groups=("S0LEADS",))
    assert f"and {40 - MOST_CONNECTIONS} more connections" in shown_text(say)


def test_a_place_without_grants_says_so_and_a_closed_one_says_why() -> None:
    open_place = Place(channel_name="finance-ops", around=a_why(GRANT).explanation.around, reaches=())
    closed = replace(open_place, around=a_why(GRANT, is_shared=True).explanation.around)

    assert "No grant of #finance-ops is about any connection." in say_place(open_place, command="/launch").text
    assert "No grant" not in say_place(closed, command="/launch").text
    assert "Not met. Channel" in say_place(closed, command="/launch").text
