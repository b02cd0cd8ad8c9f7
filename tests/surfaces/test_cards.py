from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from bot.domain.approval_terms import asked
from bot.domain.grants import ApprovalRule
from bot.domain.model import Event, EventKind, Launch, State
from bot.surfaces.cards import CANCEL_ACTION, OPEN_ACTION, cancel_value, card, has_line, line, read_cancel_value
from bot.surfaces.say import Say
from bot.surfaces.telling import MOST_VALUES
from tests.block_limits import assert_harmless, assert_within_limits, labels, shown
from tests.builders import NOON, a_launch, an_event

ZUORA = "Zuora Workflow"
RUN_URL = "https://rest.na.zuora.com/workflows/55?tab=run&x=1"
INPUTS = {"accountId": "4028-a_b", "maxAmount": Decimal("10.50"), "isTest": True, "tags": ["a", "b"]}
RUN = {"run_id": "55", "url": RUN_URL}
FACTS: Mapping[EventKind, Mapping[str, Any]] = {
    EventKind.REQUESTED: {"inputs": INPUTS},
    EventKind.APPROVED: {"digest": "d1", "entitled_by": "S0AUDIT", "counted": ["U0BOB"], "required": 2},
    EventKind.CLEARED: {"digest": "d1", "entitled_by": "S0AUDIT", "counted": ["U0BOB", "U0DAN"], "required": 2},
    EventKind.REJECTED: {"digest": "d1", "reason": "The month is not closed yet."},
    EventKind.REMINDED: {"said": ["U0BOB"], "required": 2},
    EventKind.ESCALATED: {"said": ["U0BOB"], "required": 2},
    EventKind.EXPIRED: {"said": ["U0BOB"], "required": 2},
    EventKind.REOPENED: {"digest": "d2", "changes": [{"what": "version", "before": "3", "after": "4"}]},
    EventKind.STARTING: {},
    EventKind.DELAYED: {"code": "HTTP 429", "meaning": "Too many requests", "retry_at": "2026-11-21T12:01:00+00:00"},
    EventKind.UNANSWERED: {"detail": "no answer within 30 s"},
    EventKind.ACCEPTED: {**RUN, "provider_status": "Queued"},
    EventKind.PROGRESSED: {"provider_status": "Processing", "progress": "3 of 4 tasks done"},
    EventKind.PAUSED: {"attention": "Two tasks wait for a quota", "provider_status": "Paused"},
    EventKind.RESUMED: {"provider_status": "Processing"},
    EventKind.CANCEL_ASKED: {},
    EventKind.CANCEL_REFUSED: {"meaning": "Only a running workflow can be stopped.", "detail": "Invalid state"},
    EventKind.SUCCEEDED: {**RUN, "provider_status": "Finished", "outputs": {"sum": 5, "ok": True}},
    EventKind.FAILED: {
        **RUN,
        "code": "SCOPE_DENIED",
        "meaning": "The key may not run workflows",
        "scope": "Workflow Run Access",
        "detail": "403",
    },
    EventKind.CANCELLED: RUN,
    EventKind.ENDED: RUN,
    EventKind.LOST: {"detail": "no answer within 30 s", "possibly": True},
    EventKind.LOOKED_UP: {"found": 2, "run_ids": ["400", "401"], "is_last": False},
    EventKind.LOOK_ASKED: {},
    EventKind.ADOPTED: {"run_id": "400", "unverified": "Only running ones are listed."},
}
STORY = {
    State.AWAITING_APPROVAL: [EventKind.APPROVED],
    State.QUEUED: [EventKind.DELAYED],
    State.STARTING: [EventKind.STARTING],
    State.RUNNING: [EventKind.STARTING, EventKind.ACCEPTED, EventKind.PROGRESSED],
    State.NEEDS_ATTENTION: [EventKind.STARTING, EventKind.ACCEPTED, EventKind.PAUSED],
    State.SUCCEEDED: [EventKind.STARTING, EventKind.ACCEPTED, EventKind.SUCCEEDED],
    State.FAILED: [EventKind.STARTING, EventKind.FAILED],
    State.CANCELLED: [EventKind.STARTING, EventKind.ACCEPTED, EventKind.CANCEL_ASKED, EventKind.CANCELLED],
    State.REJECTED: [EventKind.REJECTED],
    State.EXPIRED: [EventKind.APPROVED, EventKind.EXPIRED],
    State.ENDED: [EventKind.STARTING, EventKind.ACCEPTED, EventKind.ENDED],
    State.IN_DOUBT: [EventKind.STARTING, EventKind.LOST],
}
WITH_RUN = {State.RUNNING, State.NEEDS_ATTENTION, State.SUCCEEDED, State.CANCELLED, State.ENDED}
UNSENT = {State.AWAITING_APPROVAL, State.QUEUED}
CANCELLABLE = {State.QUEUED, State.RUNNING, State.NEEDS_ATTENTION}
RULE = ApprovalRule(approvers=("U0BOB", "S0AUDIT"), required=2, expires_after_s=4 * 3600.0, escalate_to=("U0CFO",))
OF_APPROVAL = {
    EventKind.APPROVED,
    EventKind.REJECTED,
    EventKind.REMINDED,
    EventKind.ESCALATED,
    EventKind.EXPIRED,
    EventKind.REOPENED,
}
ENDINGS = {
    EventKind.SUCCEEDED: State.SUCCEEDED,
    EventKind.FAILED: State.FAILED,
    EventKind.CANCELLED: State.CANCELLED,
    EventKind.ENDED: State.ENDED,
    EventKind.LOST: State.IN_DOUBT,
}


def standing(state: State, **changes: Any) -> Launch:
    """A launch as it is in that state."""
    plain: dict[str, Any] = {"state": state, "inputs": INPUTS, "version": 4, "updated_at": NOON + timedelta(minutes=2)}
    if state in WITH_RUN:
        plain |= {"run_id": "55", "run_url": RUN_URL, "sent_at": NOON, "provider_status": "Processing"}
    if state in {State.AWAITING_APPROVAL, State.REJECTED, State.EXPIRED}:
        plain |= {"digest": "d1", "approval": asked(RULE, now=NOON)}
    if state is State.SUCCEEDED:
        plain["outputs"] = {"sum": 5, "ok": True}
    if state is State.CANCELLED:
        plain["cancel_asked_by"] = "U0BOB"
    return a_launch(**(plain | changes))


def happened(kind: EventKind, **facts: Any) -> Event:
    return an_event(kind, actor="U0BOB", facts={**FACTS[kind], **facts})


def story(state: State) -> tuple[Event, ...]:
    return tuple(happened(kind) for kind in (EventKind.REQUESTED, *STORY[state]))


def the_card(launch: Launch, *events: Event, can_cancel: bool = True) -> Say:
    return card(launch, events or story(launch.state), provider_title=ZUORA, can_cancel=can_cancel)


def the_line(launch: Launch, event: Event) -> Say:
    return line(launch, event, provider_title=ZUORA)


def button(say: Say, action_id: str) -> dict[str, Any]:
    return next(element for element in say.blocks[-1]["elements"] if element.get("action_id") == action_id)


# --- what anybody may have written -------------------------------------------------------------------------------------

HOSTILE = [
    "<!channel> <!everyone> <!subteam^S0LEADS>",
    "<@U0BOB> @here #general",
    "<https://evil.example|Open in Zuora Workflow>",
    "*bold* _italic_ ~gone~ `code` ```block```",
    "\u202edetnuoma\u200b\0\x1b[31m",
    "&amp;&lt;!channel&gt;",
    "x" * 10_000,
    "&" * 10_000,
    "🙂" * 10_000,
    "line\nSucceeded: another launch\n\u2028<!here>",
    "\ud800",
    "",
    " ",
]
ANY_TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=50))


def hostile_launch(text: str, state: State) -> Launch:
    return standing(
        state,
        connection=text,
        workflow_id=text or "0",
        workflow_name=text,
        workflow_version=text,
        requester_id=text,
        inputs={text: text, f"2{text}": [text, {text: text}]},
        outputs={f"{number}{text}": text for number in range(20)},
        run_id=text,
        run_url=text,
        provider_status=text,
        detail=text,
    )


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_on_a_card_neither_mentions_nor_formats_nor_links(text: str, state: State) -> None:
    launch = hostile_launch(text, state)
    facts = dict.fromkeys(["code", "meaning", "detail", "attention", "provider_status", "progress", "run_id", "url"], text)
    events = tuple(an_event(kind, actor=text, facts={**facts, "outputs": {text: text}}) for kind in EventKind)
    say = the_card(launch, *events)

    assert_within_limits(say)
    assert_harmless(say)


@pytest.mark.parametrize("kind", list(EventKind))
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_a_line_neither_mentions_nor_formats_nor_links(text: str, kind: EventKind) -> None:
    names = ["code", "meaning", "detail", "attention", "provider_status", "progress", "run_id", "url", "retry_at", "scope"]
    event = an_event(kind, actor=text, facts={**dict.fromkeys(names, text), "outputs": {text: text}})
    say = the_line(hostile_launch(text, State.RUNNING), event)

    assert_within_limits(say)
    assert_harmless(say)


@given(
    state=st.sampled_from(State),
    texts=st.lists(ANY_TEXT, min_size=6, max_size=6),
    inputs=st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=20),
)
def test_any_launch_has_a_card_within_slacks_limits(state: State, texts: list[str], inputs: dict[str, str]) -> None:
    workflow, connection, run_id, detail, code, requester = texts
    launch = standing(
        state, workflow_name=workflow, connection=connection, run_id=run_id, requester_id=requester, inputs=inputs, outputs=inputs
    )
    events = tuple(an_event(kind, facts={"detail": detail, "code": code, "outputs": inputs}) for kind in EventKind)

    for say in (the_card(launch, *events), *(the_line(launch, event) for event in events)):
        assert_within_limits(say)
        assert_harmless(say, groups={"S0AUDIT"})


@pytest.mark.parametrize("value", [None, 5, ["a"], {"a": "b"}, True])
def test_facts_of_a_wrong_type_never_raise(value: Any) -> None:
    names = ["code", "meaning", "detail", "attention", "provider_status", "progress", "run_id", "url", "outputs", "retry_at"]
    for kind in EventKind:
        assert_within_limits(the_line(standing(State.RUNNING), an_event(kind, facts=dict.fromkeys(names, value))))


# --- the card ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(State))
def test_the_card_in_every_state(state: State, snapshot: SnapshotAssertion) -> None:
    say = the_card(standing(state))

    assert_within_limits(say)
    assert_harmless(say)
    assert say == snapshot


@pytest.mark.parametrize("state", list(State))
def test_text_tells_state_workflow_connection_launch_and_requester_in_this_order(state: State) -> None:
    text = the_card(standing(state)).text
    places = [text.index(word) for word in (state.word, "Dunning run", "billing", "L-7K3QW", "<@U0ALICE>")]

    assert places == sorted(places)
    assert places[0] == 0


def test_a_workflow_without_a_name_is_called_by_its_id() -> None:
    say = the_card(standing(State.RUNNING, workflow_name=None, workflow_id="Escalate_to_Case"))

    assert say.text.startswith("Running: Escalate_to_Case on billing, L-7K3QW, asked for by <@U0ALICE>.")


def test_the_longest_names_do_not_push_the_requester_out_of_the_text() -> None:
    say = the_card(standing(State.FAILED, workflow_name="&" * 500, connection="<" * 500, inputs={"a": "&" * 5000}))

    assert "<@U0ALICE>" in say.text
    assert "L-7K3QW" in say.text


def test_text_alone_says_what_the_blocks_show() -> None:
    """Screen readers read ``text`` and skip the blocks."""
    say = the_card(standing(State.RUNNING))

    for told in ("Run “55”", "3 of 4 tasks done.", "reports “Processing”", "accountId = “4028-a_b”", "maxAmount = 10.50"):
        assert told in say.text
    assert "isTest = true" in say.text
    assert f"<{RUN_URL.replace('&', '&amp;')}|Open in Zuora Workflow>" in say.text


def test_a_launch_in_doubt_says_not_to_launch_again() -> None:
    say = the_card(standing(State.IN_DOUBT))

    assert "may have started: do not launch it again" in say.text
    assert "may have started: do not launch it again" in shown(say)


@pytest.mark.parametrize("state", sorted(set(State) - {State.RUNNING, State.NEEDS_ATTENTION}))
def test_a_card_without_its_events_still_says_what_matters(state: State) -> None:
    say = the_card(standing(state, detail="Two tasks failed"), an_event(EventKind.CANCEL_ASKED))

    assert_within_limits(say)
    assert ("may have started" if state is State.IN_DOUBT else state.word) in say.text


def test_only_the_newest_of_the_story_stands_on_the_card() -> None:
    older, newer = happened(EventKind.PROGRESSED), happened(EventKind.PROGRESSED, progress="4 of 4 tasks done")
    text = the_card(standing(State.RUNNING), happened(EventKind.ACCEPTED), older, newer).text

    assert "4 of 4 tasks done" in text
    assert "3 of 4 tasks done" not in text


def test_a_status_that_nobody_knows_is_shown_raw() -> None:
    event = happened(EventKind.PROGRESSED, provider_status="Warp_9", progress=None)

    assert "reports “Warp_9”" in the_card(standing(State.RUNNING), event).text


def test_a_card_that_changed_has_new_block_ids() -> None:
    before, after = the_card(standing(State.RUNNING)), the_card(standing(State.RUNNING, version=5))

    assert not {block["block_id"] for block in before.blocks} & {block["block_id"] for block in after.blocks}


def test_many_inputs_are_summed_up_and_long_ones_cut() -> None:
    inputs = {f"input{number}": "v" * 1000 for number in range(MOST_VALUES + 5)}
    say = the_card(standing(State.QUEUED, inputs=inputs))

    assert f"input{MOST_VALUES - 1}" in shown(say)
    assert f"input{MOST_VALUES}" not in shown(say)
    assert "and 5 more" in say.text
    assert "v" * 201 not in shown(say)


def test_an_empty_value_and_a_nameless_output_are_still_seen() -> None:
    text = the_card(standing(State.SUCCEEDED, inputs={"note": ""}, outputs={"": None})).text

    assert "note = “(empty)”" in text
    assert "(no name) = null" in text


def test_times_are_slacks_so_that_each_reader_sees_their_own_zone() -> None:
    times = next(block for block in the_card(standing(State.RUNNING)).blocks if block["type"] == "context")

    assert times["elements"][0]["text"] == (
        "Asked for <!date^1795262400^{date_short_pretty} at {time}|2026-11-21 12:00 UTC>, "
        "as of <!date^1795262520^{date_short_pretty} at {time}|2026-11-21 12:02 UTC>"
    )


# --- buttons -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("can_cancel", [False, True])
def test_cancel_stands_where_a_cancel_can_help(state: State, can_cancel: bool) -> None:
    launch = standing(state, cancel_asked_by=None)

    assert ("Cancel" in labels(the_card(launch, can_cancel=can_cancel))) == (
        state in UNSENT or (can_cancel and state in CANCELLABLE)
    )


@pytest.mark.parametrize("state", sorted(CANCELLABLE))
def test_cancel_vanishes_once_somebody_asked(state: State) -> None:
    say = the_card(standing(state, cancel_asked_by="U0BOB"))

    assert "Cancel" not in labels(say)
    assert "<@U0BOB> asked to cancel it." in say.text


def test_cancel_asks_once_more_and_names_its_target() -> None:
    found = button(the_card(standing(State.RUNNING)), CANCEL_ACTION)

    assert found["style"] == "danger"
    assert "Dunning run on billing (L-7K3QW)" in found["confirm"]["text"]["text"]
    assert ZUORA in found["confirm"]["text"]["text"]
    assert found["accessibility_label"] == "Cancel L-7K3QW"


def test_cancel_carries_the_launch_id_and_nothing_else() -> None:
    launch = standing(State.RUNNING)
    value = button(the_card(launch), CANCEL_ACTION)["value"]

    assert value == cancel_value(launch) == "L-7K3QW"
    assert read_cancel_value(value) == launch.launch_id


@pytest.mark.parametrize("value", ["", "L-", "l-7k3qw", "L-7K3QW\n", "L-7K3QW;L-00001", "X-7K3QW", "L-" + "A" * 13, "{}"])
def test_a_click_with_a_forged_value_names_no_launch(value: str) -> None:
    assert read_cancel_value(value) is None


def test_the_run_is_one_click_away() -> None:
    found = button(the_card(standing(State.SUCCEEDED)), OPEN_ACTION)

    assert found["url"] == RUN_URL
    assert "value" not in found


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)", "https://x/" + "y" * 3000, "https://x/ y"])
def test_an_address_that_nobody_should_follow_gets_no_button(url: str | None) -> None:
    say = the_card(standing(State.SUCCEEDED, run_url=url), happened(EventKind.SUCCEEDED, url=url))

    assert labels(say) == ["Launch again"]
    assert "Run “55”." in say.text


@pytest.mark.parametrize("state", list(State))
def test_what_is_over_and_nothing_else_can_be_launched_again(state: State) -> None:
    say = the_card(standing(state))
    again = [part for block in say.blocks if block["type"] == "actions" for part in block["elements"]]

    assert ("Launch again" in labels(say)) == state.is_final
    assert {part["value"] for part in again if part["action_id"] == "launch_again"} <= {"L-7K3QW"}


# --- the thread --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(EventKind))
def test_the_line_of_every_event(kind: EventKind, snapshot: SnapshotAssertion) -> None:
    state = State.AWAITING_APPROVAL if kind in OF_APPROVAL else State.RUNNING
    say = the_line(standing(state, cancel_asked_by="U0BOB"), happened(kind))

    assert_within_limits(say)
    assert_harmless(say, groups={"S0AUDIT"})
    assert say == snapshot


def test_what_only_moves_the_card_has_no_line() -> None:
    silent = {kind for kind in EventKind if not has_line(an_event(kind))}

    assert silent == {EventKind.REQUESTED, EventKind.STARTING, EventKind.PROGRESSED, EventKind.LOOKED_UP}
    assert has_line(an_event(EventKind.LOOKED_UP, facts={"found": 2}))
    assert has_line(an_event(EventKind.LOOKED_UP, facts={"found": 0, "is_last": True}))


@pytest.mark.parametrize(("kind", "state"), ENDINGS.items())
def test_the_last_line_begins_with_the_word_that_the_card_shows(kind: EventKind, state: State) -> None:
    say = the_line(standing(state, run_id="55"), happened(kind))

    assert say.text.startswith(f"{state.word}: Dunning run.")
    assert the_card(standing(state)).text.startswith(f"{state.word}: Dunning run ")
    assert "Run “55”." in say.text


def test_the_last_line_tells_outputs_run_and_link() -> None:
    text = the_line(standing(State.SUCCEEDED), happened(EventKind.SUCCEEDED)).text

    assert re.fullmatch(r"Succeeded: Dunning run\.\nRun “55”\. <https://[^|]+\|[^>]+>\nOutputs:\n• sum = 5\n• ok = true", text)


def test_outputs_that_only_the_launch_knows_stand_in_the_last_line() -> None:
    event = an_event(EventKind.SUCCEEDED)

    assert "sum = 5" in the_line(standing(State.SUCCEEDED), event).text
    assert "Outputs" not in the_line(standing(State.SUCCEEDED, outputs={}), event).text


def test_a_failure_names_code_scope_and_whose_turn_it_is() -> None:
    text = the_line(standing(State.FAILED), happened(EventKind.FAILED)).text

    assert "The key may not run workflows. Code “SCOPE_DENIED”." in text
    assert "“billing” lacks the scope “Workflow Run Access”: whoever runs Gonogo here has to mend that" in text


def test_a_failure_without_words_is_still_told() -> None:
    assert "Zuora Workflow says that it failed." in the_line(standing(State.FAILED), an_event(EventKind.FAILED)).text


def test_what_the_bot_found_itself_is_told_with_what_could_not_be_checked() -> None:
    """As an earlier version stored it, which adopted what was doubtful."""
    text = the_line(
        standing(State.RUNNING), an_event(EventKind.ADOPTED, actor="gonogo", facts={"unverified": "Nobody tells."})
    ).text

    assert "Found at Zuora Workflow: it did start, once. That could not be checked: Nobody tells." in text


def test_a_name_with_two_underscores_is_told_as_it_is() -> None:
    launch = standing(State.RUNNING, workflow_id="acme__Escalate_Case", workflow_name=None)

    assert "acme__Escalate_Case" in the_card(launch, happened(EventKind.ACCEPTED)).text


def test_a_lost_start_says_not_to_launch_again() -> None:
    text = the_line(standing(State.IN_DOUBT), happened(EventKind.LOST)).text

    assert text.startswith("In doubt: ")
    assert "It may have started: do not launch it again" in text


def test_a_launch_cancelled_before_it_was_sent_says_that_nothing_ran() -> None:
    launch = standing(State.CANCELLED, sent_at=None, run_id=None, run_url=None, cancel_asked_by=None)
    text = the_line(launch, an_event(EventKind.CANCELLED, actor="U0BOB")).text

    assert "<@U0BOB> cancelled it before it was sent; nothing ran." in text


def test_a_run_that_stopped_by_itself_is_nobodys_cancel() -> None:
    launch = replace(standing(State.CANCELLED), cancel_asked_by=None)

    assert "Zuora Workflow stopped the run." in the_line(launch, happened(EventKind.CANCELLED)).text


@pytest.mark.parametrize(
    ("kind", "facts", "expected"),
    [
        (EventKind.ACCEPTED, {"provider_status": "Queued"}, "Running: started at Zuora Workflow (it says “Queued”)."),
        (EventKind.ACCEPTED, {}, "Running: started at Zuora Workflow."),
        (EventKind.FAILED, {"meaning": "too many", "detail": "No."}, "Failed: Dunning run.\nToo many. Detail: “No.”"),
        (EventKind.ENDED, {"meaning": "it is gone.", "detail": "it is gone."}, "should have done. It is gone."),
        (EventKind.CANCEL_ASKED, {}, "Cancel asked: by <@U0BOB>; Zuora Workflow is asked to stop the run."),
        (EventKind.ADOPTED, {"unverified": "It is gone."}, "says that it ran. That could not be checked: It is gone."),
        (
            EventKind.LOOKED_UP,
            {"found": 1, "run_ids": ["400"], "doubt": "whose it is, nobody knows"},
            "shows 1 that could be it: “400”. Whose it is, nobody knows. Whoever may launch it here decides,",
        ),
        (
            EventKind.LOOKED_UP,
            {"found": 0, "run_ids": [], "is_last": True, "doubt": "Too little is told about 1 of the runs: r9."},
            "shows none that is certainly this one, which does not prove that it never ran. Too little is told about 1 of the runs: r9.",
        ),
        (
            EventKind.LOOKED_UP,
            {"found": 0, "run_ids": [], "is_last": True},
            "shows no run that could be this one, which does not",
        ),
    ],
)
def test_sentences_begin_and_end_as_sentences_do(kind: EventKind, facts: Mapping[str, Any], expected: str) -> None:
    launch = standing(State.RUNNING, run_id=None, run_url=None, outputs={})

    assert expected in the_line(launch, an_event(kind, actor="U0BOB", facts=facts)).text
    assert not the_line(launch, an_event(kind, actor="U0BOB", facts=facts)).text.endswith("..")


def test_a_card_begins_its_story_with_a_capital() -> None:
    assert "Started at Zuora Workflow (it says “Queued”)." in the_card(standing(State.RUNNING), happened(EventKind.ACCEPTED)).text


@pytest.mark.parametrize("retry_at", [None, "soon", 5, "2026-99-99"])
def test_a_delay_without_a_time_is_still_told(retry_at: Any) -> None:
    text = the_line(standing(State.QUEUED), happened(EventKind.DELAYED, retry_at=retry_at)).text

    assert text == "Queued: Too many requests. Code “HTTP 429”. It is tried again by itself."
