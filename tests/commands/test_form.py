"""The form's door: what is acknowledged with what, and when; what is kept, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.errors import StoreUnavailableError, ThreadError
from bot.domain.grants import Limits
from bot.domain.model import InputSpec, Workflow
from bot.surfaces.form_fields import FIELD
from bot.surfaces.form_reading import WORKFLOW
from bot.surfaces.form_view import read_view
from bot.surfaces.launch_form import CONFIRM_FORM, LAUNCH_FORM, LOADING_FORM
from commands._payloads import sheet_in
from tests.commands.form_world import DUNNING, PAYOUT, Desk, a_desk
from tests.worker.faults import Fitful

CLEARED = {"response_action": "clear"}


@pytest.fixture
async def desk() -> AsyncGenerator[Desk, None]:
    async with a_desk() as desk:
        yield desk


async def refuse(*_: Any, **__: Any) -> Any:
    raise StoreUnavailableError("here", "the disk is full")


async def break_down(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a fault of ours")


def words(view: Any) -> str:
    return str([block.get("text", block.get("label")) for block in view["blocks"]])


# --- opening -----------------------------------------------------------------------------------------------------------


async def test_the_skeleton_opens_first_and_is_filled_afterwards(desk: Desk) -> None:
    view_id = await desk.open("billing")

    assert [what for what, _ in desk.thread.told] == ["form", "form updated"]
    skeleton, filled = (view for _, view in desk.thread.told)
    assert (skeleton["callback_id"], filled["callback_id"]) == (LOADING_FORM, LAUNCH_FORM)
    assert desk.thread.views[view_id] == filled
    assert await desk.unfinished() == []


async def test_a_command_that_was_left_by_a_killed_bot_opens_nothing_and_says_what_to_do(desk: Desk) -> None:
    await desk.dispatch(desk.command())
    await desk.door.drain()
    kept = await desk.store.delivery("command:1.1.trigger")
    assert kept is not None
    desk.thread.told.clear()

    await desk.door.carry(kept)

    assert [what for what, _ in desk.thread.told] == ["answer"]
    assert "could not be opened in time" in desk.answers[0]


async def test_a_word_that_is_no_connection_is_refused_as_ever(desk: Desk) -> None:
    await desk.dispatch(desk.command("nonsense"))
    await desk.door.drain()

    assert "nonsense" in desk.answers[0]
    assert desk.thread.forms == {}


async def test_the_nearest_subcommand_is_still_suggested(desk: Desk) -> None:
    await desk.dispatch(desk.command("lst"))
    await desk.door.drain()

    assert "list" in desk.answers[0]
    assert desk.thread.forms == {}


@pytest.mark.parametrize("callback_id", ["launch", "launch_from_message"])
async def test_shortcuts_are_kept_and_open_the_form(desk: Desk, callback_id: str) -> None:
    message = {"message": {"text": "x", "ts": "1.2"}, "message_ts": "1.2", "channel": {"id": "C0FINANCE"}}
    kind = {} if callback_id == "launch" else {"type": "message_action", **message}
    assert await desk.dispatch(desk.shortcut(callback_id, **kind)) == ""
    await desk.door.drain()

    kept = await desk.store.delivery("shortcut:1.1.trigger")
    assert kept is not None
    assert (kept.kind, kept.name) == ("shortcut", callback_id)
    assert len(desk.thread.forms) == 1


async def test_a_choice_is_not_kept(desk: Desk) -> None:
    view_id = await desk.open("billing")
    payload = desk.choice(view_id, "Workflow", "396")
    assert await desk.dispatch(payload) == ""
    await desk.door.drain()

    (action,) = payload["actions"]
    key = f"button:T0GONOGO:{view_id}:{action['action_id']}:{action['action_ts']}:U0ALICE"
    assert await desk.store.delivery(key) is None
    assert "accountId" in words(desk.thread.views[view_id])


async def test_a_choice_that_cannot_be_drawn_is_acknowledged_and_leaves_the_view(desk: Desk) -> None:
    view_id = await desk.open("billing")
    before = desk.thread.views[view_id]
    desk.thread.refusals = [ThreadError("fatal_error", is_permanent=True)]

    assert await desk.choose(view_id, "Workflow", "396") == before
    assert desk.answers == []


@pytest.mark.parametrize("missing", ["user", "view", "team"])
async def test_choices_and_submissions_that_lack_what_slack_documents_are_let_go(desk: Desk, missing: str) -> None:
    view_id = await desk.open("billing")
    choice, sent = desk.choice(view_id, "Workflow", "396"), desk.submission(view_id, Workflow="396")
    for payload in (choice, {**sent, "view": {**sent["view"], "callback_id": LAUNCH_FORM}}):
        broken = {name: value for name, value in payload.items() if name != missing}
        if missing == "view" and payload["type"] == "view_submission":
            broken["view"] = {"type": "modal", "callback_id": LAUNCH_FORM}
        assert await desk.dispatch(broken) == ""
    await desk.door.drain()

    assert await desk.launches() == []


# --- searching ---------------------------------------------------------------------------------------------------------


async def test_a_search_is_answered_from_memory_and_asks_nobody(desk: Desk) -> None:
    view_id = await desk.open("billing")
    desk.definitions.asked.clear()
    found = await desk.dispatch(desk.search(view_id, WORKFLOW, "pay"))

    assert [option["value"] for option in found["options"]] == ["401"]
    assert desk.definitions.asked == []


async def test_a_search_after_a_restart_looks_it_up_anew(desk: Desk) -> None:
    view_id = await desk.open("billing")
    desk.launching.filling.sheets._sheets.clear()
    found = await desk.dispatch(desk.search(view_id, WORKFLOW, ""))

    assert [option["value"] for option in found["options"]] == ["396", "401"]


@pytest.mark.parametrize("broken", [{"view": None}, {"user": None}, {"view": {"id": "V9", "private_metadata": "command:nobody"}}])
async def test_a_search_that_fails_finds_nothing_and_is_answered(desk: Desk, broken: dict[str, Any]) -> None:
    view_id = await desk.open("billing")
    desk.launching.filling.sheets._sheets.clear()

    assert await desk.dispatch(desk.search(view_id, FIELD, "x", **broken)) == {"options": []}


# --- sending -----------------------------------------------------------------------------------------------------------


async def test_a_good_form_is_launched_within_its_acknowledgement(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1", days="7")

    assert await desk.dispatch(sent) == CLEARED
    (launch,) = await desk.launches()
    assert (launch.workflow_id, dict(launch.inputs), launch.requester_id) == ("396", {"accountId": "A1", "days": 7}, "U0ALICE")
    assert await desk.unfinished() == []


async def test_everything_that_is_wrong_stands_at_its_field(desk: Desk) -> None:
    view_id, sent = await desk.filled(accountId="A1", days="7")
    blocks = {block["label"]["text"]: block["block_id"] for block in sent["view"]["blocks"]}
    values = sent["view"]["state"]["values"]
    values[blocks["accountId"]][FIELD]["value"] = ""
    values[blocks["days"]][FIELD]["value"] = "1e309"
    values[blocks["email"]][FIELD]["value"] = "nobody"
    answer = await desk.dispatch(sent)

    assert answer["response_action"] == "errors"
    assert set(answer["errors"]) == {blocks["accountId"], blocks["days"], blocks["email"]}
    assert await desk.launches() == []
    assert await desk.unfinished() == []
    assert await desk.dispatch(desk.submission(view_id, accountId="A1")) == CLEARED


@pytest.mark.parametrize("is_redelivery", [True, False])
async def test_a_form_that_is_sent_twice_launches_once_and_is_answered_alike(desk: Desk, is_redelivery: bool) -> None:
    view_id, sent = await desk.filled(accountId="A1")
    again = sent if is_redelivery else desk.submission(view_id, accountId="A1")
    answers = await asyncio.gather(desk.dispatch(sent), desk.dispatch(again), desk.dispatch(again))

    assert answers == [CLEARED] * 3
    assert len(await desk.launches()) == 1


async def test_a_limit_that_the_form_itself_reached_does_not_speak_against_its_copy() -> None:
    async with a_desk(limits=Limits(per_hour=1)) as desk:
        view_id, sent = await desk.filled(accountId="A1")
        await desk.dispatch(sent)

        assert await desk.dispatch(desk.submission(view_id, accountId="A1")) == CLEARED
        assert len(await desk.launches()) == 1


@pytest.mark.parametrize("before", ["", "see:\n", "see:\t", "see:\r", "\u00e9"])
async def test_what_looks_like_a_token_is_refused_at_its_field_and_not_kept(desk: Desk, before: str) -> None:
    token = "xoxb-" + "1" * 12 + "-made-up-for-a-test"
    _, sent = await desk.filled(accountId=before + token)
    answer = await desk.dispatch(sent)
    kept = await desk.store.delivery(f"form:{sent['view']['id']}:{sent['trigger_id']}:U0ALICE")

    assert kept is not None
    assert token not in kept.text
    assert token not in str(answer)
    assert "secret" in str(answer["errors"])


async def test_a_form_of_somebody_else_launches_nothing(desk: Desk) -> None:
    view_id, _ = await desk.filled(accountId="A1")
    answer = await desk.dispatch(desk.submission(view_id, user_id="U0BOB", accountId="A1"))

    assert answer["response_action"] == "update"
    assert "can no longer be used" in words(answer["view"])
    assert await desk.launches() == []


async def test_a_made_up_channel_in_a_form_that_was_opened_elsewhere_changes_nothing(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1")
    chosen = {"type": "static_select", "selected_option": {"value": "C0OTHER"}}
    sent["view"]["state"]["values"]["place"] = {"launch_form_place": chosen}
    await desk.dispatch(sent)

    (launch,) = await desk.launches()
    assert launch.channel_id == "C0FINANCE"


async def test_a_chosen_channel_counts_only_for_its_members(desk: Desk) -> None:
    desk.directory.absent = {"C0FINANCE U0ALICE"}
    await desk.dispatch(desk.shortcut())
    await desk.door.drain()
    (view_id,) = desk.thread.forms
    await desk.choose(view_id, "Workflow", "401")
    sent = desk.submission(view_id)
    sent["view"]["state"]["values"]["place"]["launch_form_place"]["selected_option"]["value"] = "C0FINANCE"
    answer = await desk.dispatch(sent)

    assert "not in #finance-ops" in str(answer)
    assert await desk.launches() == []


async def test_the_button_without_a_workflow_leads_to_its_fields_and_launches_nothing(desk: Desk) -> None:
    """Somebody presses faster than the form is drawn."""
    view_id = await desk.open("billing")
    answer = await desk.dispatch(desk.submission(view_id, Workflow="401"))

    assert answer["response_action"] == "update"
    assert answer["view"]["submit"]["text"] == "Launch"
    assert await desk.launches() == []


async def test_an_odd_id_is_found_by_its_code_also_after_a_restart() -> None:
    odd = Workflow(workflow_id="a&b", name="Odd one", inputs=(InputSpec(name="x"),))
    async with a_desk(odd) as desk:
        view_id = await desk.open("billing")
        await desk.choose(view_id, "Workflow", "Odd one")
        desk.launching.filling.sheets._sheets.clear()

        assert await desk.dispatch(desk.submission(view_id, x="1")) == CLEARED
        assert [launch.workflow_id for launch in await desk.launches()] == ["a&b"]


async def test_values_of_fields_that_are_gone_are_named_and_not_dropped_silently(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1", days="7")
    desk.definitions.workflows = {"billing": (replace(DUNNING, inputs=DUNNING.inputs[:1] if DUNNING.inputs else ()), PAYOUT)}
    answer = await desk.dispatch(sent)

    assert answer["response_action"] == "update"
    assert "days" in words(answer["view"])
    assert await desk.launches() == []


# --- what goes wrong ---------------------------------------------------------------------------------------------------


async def test_a_form_that_cannot_be_kept_stays_open_and_says_so(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1")
    desk.store.record_delivery = refuse  # type: ignore[method-assign]
    answer = await desk.dispatch(sent)

    assert answer["response_action"] == "errors"
    assert "could not be kept" in str(answer["errors"])
    assert await desk.launches() == []


async def test_a_form_that_was_perhaps_kept_stays_open_and_says_where_to_look(desk: Desk) -> None:
    async def doubt(*_: Any, **__: Any) -> Any:
        raise StoreUnavailableError("here", "the connection broke", may_be_kept=True)

    _, sent = await desk.filled(accountId="A1")
    desk.store.record_delivery = doubt  # type: ignore[method-assign]
    answer = await desk.dispatch(sent)

    [words_at_field] = answer["errors"].values()
    assert words_at_field.startswith("It is in doubt whether your request was kept")
    assert "/launch status" in words_at_field


async def test_a_database_that_goes_away_meanwhile_leaves_the_kept_form_to_be_carried_out(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1")
    creates, desk.store.create = desk.store.create, refuse  # type: ignore[method-assign]
    waits = desk.clock.sleep

    async def mended(seconds: float) -> None:
        desk.store.create = creates  # type: ignore[method-assign]
        await waits(seconds)

    desk.clock.sleep = mended  # type: ignore[method-assign]
    answer = await desk.dispatch(sent)
    await desk.door.drain()

    assert "is being launched" in words(answer["view"])
    assert len(await desk.launches()) == 1
    assert await desk.unfinished() == []


async def test_a_fault_of_our_own_is_told_with_a_reference(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1")
    desk.definitions.find = break_down  # type: ignore[method-assign]

    assert await desk.dispatch(sent) in ("", {})
    assert len(desk.answers) == 1
    assert await desk.unfinished() == []


# --- longer than Slack waits -------------------------------------------------------------------------------------------


@pytest.fixture
async def slow_desk() -> AsyncGenerator[Desk, None]:
    """Slack is answered at once; whatever a launch rests on is told later."""
    async with a_desk(answers_within_s=0.0) as desk:
        yield desk


async def sent_slowly(desk: Desk, **values: Any) -> tuple[str, Any]:
    view_id, sent = await desk.filled(**values)
    desk.definitions.told.clear()
    answer = await desk.dispatch(sent)
    assert answer["response_action"] == "update"
    assert "is being launched" in words(answer["view"])
    return view_id, sent


async def test_what_takes_longer_is_told_in_the_view(slow_desk: Desk) -> None:
    view_id, _ = await sent_slowly(slow_desk, accountId="A1")
    assert await slow_desk.launches() == []
    slow_desk.definitions.told.set()
    await slow_desk.door.drain()

    (launch,) = await slow_desk.launches()
    assert launch.launch_id in words(slow_desk.thread.views[view_id])
    assert slow_desk.answers == []
    assert await slow_desk.unfinished() == []


async def test_what_is_wrong_after_longer_stands_in_the_form_with_what_was_typed(slow_desk: Desk) -> None:
    view_id, _ = await sent_slowly(slow_desk, accountId="A1", days="1e309")
    slow_desk.definitions.told.set()
    await slow_desk.door.drain()
    view = slow_desk.thread.views[view_id]

    assert "days" in words(view)
    assert "A1" in str(view["blocks"])
    assert view["submit"]["text"] == "Launch"
    assert await slow_desk.launches() == []


async def test_what_is_wrong_is_told_by_message_where_the_form_was_closed(slow_desk: Desk) -> None:
    await sent_slowly(slow_desk, accountId="A1", days="1e309")
    slow_desk.thread.refusals = [ThreadError("not_found", is_permanent=True)]
    slow_desk.definitions.told.set()
    await slow_desk.door.drain()

    (told,) = slow_desk.answers
    assert "days" in told
    assert await slow_desk.unfinished() == []


async def test_a_launch_whose_form_was_closed_is_told_by_its_card_alone(slow_desk: Desk) -> None:
    await sent_slowly(slow_desk, accountId="A1")
    slow_desk.thread.refusals = [ThreadError("not_found", is_permanent=True)]
    slow_desk.definitions.told.set()
    await slow_desk.door.drain()

    assert len(await slow_desk.launches()) == 1
    assert slow_desk.answers == []


# --- after a kill ------------------------------------------------------------------------------------------------------


async def left_behind(desk: Desk, sent: dict[str, Any]) -> Any:
    """The form was kept by a bot that died before it judged it: what the next life finds."""
    delivery = sheet_in(sent, desk.clock.now())
    assert await desk.store.record_delivery(delivery, holder="a bot that died")
    return delivery


async def test_a_kept_form_is_carried_out_once_by_the_next_life(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1", days="7")
    kept = await left_behind(desk, sent)
    await desk.door.carry(kept)
    await desk.door.carry(kept)

    (launch,) = await desk.launches()
    assert dict(launch.inputs) == {"accountId": "A1", "days": 7}
    assert desk.answers == []
    assert await desk.unfinished() == []


async def test_a_person_who_presses_again_meanwhile_launches_nothing_twice(desk: Desk) -> None:
    view_id, sent = await desk.filled(accountId="A1")
    kept = await left_behind(desk, sent)
    answer = await desk.dispatch(desk.submission(view_id, accountId="A1"))
    await desk.door.carry(kept)

    assert answer == CLEARED
    assert len(await desk.launches()) == 1


async def test_what_is_wrong_with_a_kept_form_is_told_by_message(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1", days="1e309")
    await desk.door.carry(await left_behind(desk, sent))

    (told,) = desk.answers
    assert "days" in told
    assert await desk.launches() == []


async def test_a_kept_form_that_is_too_old_is_told_and_not_carried_out(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1")
    kept = await left_behind(desk, sent)
    desk.clock.move(minutes=16)
    await desk.door.carry(kept)

    assert "too long ago" in desk.answers[0]
    assert await desk.launches() == []


async def test_a_kept_form_is_not_said_to_have_done_nothing_where_its_launch_exists_already(desk: Desk) -> None:
    """The bot was killed after the launch was kept and before its form was marked as done."""
    _, sent = await desk.filled(accountId="A1")
    kept = await left_behind(desk, sent)
    await desk.launching.sending.sent(kept, read_view(sent["view"]))
    desk.clock.move(minutes=20)
    await desk.door.carry(kept)

    assert len(await desk.launches()) == 1
    assert desk.answers == []
    assert await desk.unfinished() == []


async def test_a_kept_form_whose_call_was_to_be_shown_first_is_not_launched_unseen(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1", Preview=["show"])
    await desk.door.carry(await left_behind(desk, sent))

    assert "nothing was launched" in desk.answers[0]
    assert await desk.launches() == []


# --- the call, shown first ---------------------------------------------------------------------------------------------


def confirming(sent: dict[str, Any], shown: Any) -> dict[str, Any]:
    """The press of *Launch* under the call that was shown."""
    return {**sent, "trigger_id": "99.1.trigger", "view": {**shown, "id": "V99", "state": {"values": {}}}}


async def to_be_confirmed(desk: Desk) -> dict[str, Any]:
    """That press, of a form that was sent."""
    _, sent = await desk.filled(accountId="A1", Preview=["show"])
    return confirming(sent, (await desk.dispatch(sent))["view"])


async def test_the_call_is_pushed_above_the_form_and_its_button_launches_what_was_sent(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1", Preview=["show"])
    pushed = await desk.dispatch(sent)
    assert (pushed["response_action"], pushed["view"]["callback_id"]) == ("push", CONFIRM_FORM)
    assert "/workflows/396/run" in str(pushed["view"]["blocks"])
    assert await desk.launches() == []

    confirmed = confirming(sent, pushed["view"])
    assert await desk.dispatch(confirmed) == CLEARED
    assert await desk.dispatch({**confirmed, "trigger_id": "100.1.trigger"}) == CLEARED
    (launch,) = await desk.launches()
    assert dict(launch.inputs) == {"accountId": "A1"}


async def test_what_is_no_longer_allowed_when_it_is_confirmed_is_told_instead(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1", Preview=["show"])
    pushed = await desk.dispatch(sent)
    desk.definitions.workflows = {"billing": (PAYOUT,)}
    confirmed = confirming(sent, pushed["view"])
    answer = await desk.dispatch(confirmed)

    assert answer["response_action"] == "update"
    assert "has no workflow" in words(answer["view"])
    assert await desk.launches() == []


async def test_a_kept_confirmation_is_carried_out_once(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1", Preview=["show"])
    pushed = await desk.dispatch(sent)
    confirmed = confirming(sent, pushed["view"])
    await desk.door.carry(await left_behind(desk, confirmed))

    assert len(await desk.launches()) == 1
    assert await desk.dispatch(confirmed) == CLEARED
    assert len(await desk.launches()) == 1


@pytest.mark.parametrize("minutes", [1, 20])
async def test_a_confirmation_is_not_refused_by_the_limit_that_its_own_launch_reached(minutes: int) -> None:
    """The bot was killed after the launch was kept and before its confirmation was marked as done."""
    async with a_desk(limits=Limits(running=1)) as desk:
        confirmed = await to_be_confirmed(desk)
        kept = await left_behind(desk, confirmed)
        await desk.launching.sending.confirmed(kept, read_view(confirmed["view"]))
        (launch,) = await desk.launches()
        desk.clock.move(minutes=minutes)
        await desk.door.carry(kept)

        assert await desk.launches() == [launch]
        assert desk.answers == []
        assert await desk.unfinished() == []
        assert await desk.dispatch(confirmed) == CLEARED


async def test_a_confirmation_whose_mark_could_not_be_kept_is_told_as_launched() -> None:
    async with a_desk(limits=Limits(running=1)) as desk:
        confirmed = await to_be_confirmed(desk)
        desk.store.finish_delivery = Fitful(desk.store, {"finish_delivery": {1}}).finish_delivery  # type: ignore[method-assign]
        answer = await desk.dispatch(confirmed)
        await desk.door.drain()

        assert "is being launched" in words(answer["view"])
        assert len(await desk.launches()) == 1
        assert desk.answers == []
        assert await desk.unfinished() == []


async def test_a_form_whose_shown_call_was_launched_is_not_said_to_be_unconfirmed(desk: Desk) -> None:
    """The bot was killed after it had shown the call and before the form was marked as done; its button was pressed since."""
    _, sent = await desk.filled(accountId="A1", Preview=["show"])
    kept = await left_behind(desk, sent)
    pushed = (await desk.launching.sending.sent(kept, read_view(sent["view"]))).answer
    assert await desk.dispatch(confirming(sent, pushed["view"])) == CLEARED
    await desk.door.carry(kept)

    assert len(await desk.launches()) == 1
    assert desk.answers == []


async def test_a_confirmation_of_somebody_elses_form_launches_nothing(desk: Desk) -> None:
    _, sent = await desk.filled(accountId="A1", Preview=["show"])
    pushed = await desk.dispatch(sent)
    stolen = {**sent, "user": {"id": "U0BOB"}, "trigger_id": "99.1.t", "view": {**pushed["view"], "id": "V99"}}
    answer = await desk.dispatch(stolen)

    assert "can no longer be used" in words(answer["view"])
    assert await desk.launches() == []
