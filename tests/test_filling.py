"""The form while it is open, over tables: what opens it, what it shows when something is slow, silent or drawn by somebody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.errors import LookupFailedError, ThreadError
from bot.domain.grants import ChannelPolicy, Grant, InputRule, Policy
from bot.domain.model import Channel, Connection, InputSpec, InputType, Person, Workflow
from bot.launching import NotHere, Refusal
from bot.launching.offering import MOST_OFFERED, age_notes, rules_of
from bot.launching.sheets import Sheets
from bot.ports import Seen
from bot.surfaces.form_reading import CONNECTION, WORKFLOW
from bot.surfaces.form_view import read_view
from tests.builders import NOON, a_connection, a_delivery
from tests.commands.form_world import DUNNING, Desk, a_desk

FULL = ("Workflow Run Access", "Workflow View Access")


@pytest.fixture
async def desk() -> AsyncGenerator[Desk, None]:
    async with a_desk() as desk:
        yield desk


def words(view: Mapping[str, Any]) -> str:
    return str([block.get("text", block.get("label")) for block in view["blocks"]])


def press(**changes: Any) -> Any:
    return a_delivery(**({"text": "", "trigger_id": "1.2.trigger"} | changes))


async def opened(desk: Desk, delivery: Any = None, **wanted: Any) -> Any:
    """Open the form as the door does: recorded first."""
    delivery = delivery or press()
    await desk.launching.record(delivery)
    return await desk.launching.filling.open(delivery, **wanted)


async def until(claim: Callable[[], bool]) -> None:
    """Let the bot's own tasks go on until this holds."""
    for _ in range(2000):
        if claim():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came so far")


def last(desk: Desk) -> Mapping[str, Any]:
    return next(reversed(desk.thread.views.values()))


# --- opening -----------------------------------------------------------------------------------------------------------


async def test_what_is_given_stands_in_the_fields_and_notes_above_them(desk: Desk) -> None:
    given = {"accountId": "A1", "days": "7"}

    assert await opened(desk, connection="Billing", workflow="Dunning run", given=given, notes=("As then.",)) is None
    view = last(desk)
    shown = {block["label"]["text"]: block["element"].get("initial_value") for block in view["blocks"] if "label" in block}
    assert (shown["accountId"], shown["days"]) == ("A1", "7")
    assert "As then." in words(view)


async def test_a_workflow_can_be_reopened_by_what_is_known_of_it(desk: Desk) -> None:
    delivery = press(key="button:1", kind="button")
    await desk.launching.record(delivery)
    answer = await desk.launching.filling.reopen(
        delivery, connection=a_connection(), workflow=DUNNING, given={"accountId": "A1"}, notes=["again"]
    )

    assert answer is None
    assert "A1" in str(last(desk)["blocks"])


async def test_without_a_trigger_nothing_is_opened(desk: Desk) -> None:
    with pytest.raises(ThreadError, match="no_trigger"):
        await opened(desk, press(trigger_id=None))

    assert desk.thread.told == []


async def test_who_may_launch_nothing_gets_no_form(desk: Desk) -> None:
    answer = await opened(desk, press(user_id="U0GUEST"))

    assert isinstance(answer, Refusal)
    assert [reason.code for reason in answer.reasons] == ["person_is_guest"]
    assert desk.thread.told == []


async def test_a_channel_without_grants_names_those_where_this_person_may(desk: Desk) -> None:
    desk.directory.absent = {"C0OTHER U0ALICE"}
    answer = await opened(desk, press(channel_id="C0GENERAL"))

    assert isinstance(answer, NotHere)
    assert answer.channels == ("finance-ops",)
    assert [reason.code for reason in answer.reasons] == ["channel_without_policy"]


async def test_a_guest_in_a_channel_without_grants_is_told_of_none(desk: Desk) -> None:
    answer = await opened(desk, press(channel_id="C0GENERAL", user_id="U0GUEST"))

    assert isinstance(answer, Refusal)
    assert {reason.code for reason in answer.reasons} == {"person_is_guest", "channel_without_policy"}


async def test_a_message_seen_from_outside_its_channel_opens_nothing(desk: Desk) -> None:
    """A public channel can be read, and its messages' menus used, by people who are not in it."""
    desk.directory.absent = {"C0FINANCE U0ALICE"}
    answer = await opened(desk, press(key="shortcut:1", kind="shortcut"))

    assert isinstance(answer, Refusal)
    assert [reason.code for reason in answer.reasons] == ["person_not_in_channel"]


async def test_a_slow_slack_does_not_use_the_trigger_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks is looked up first, but not for long: then the form opens, and says there why it holds nothing."""
    monkeypatch.setattr("bot.launching.filling.FIRST_LOOK_S", 0.01)
    told = asyncio.Event()
    person = desk.directory.person

    async def slowly(user_id: str, *, is_fresh: bool = False) -> Person:
        await told.wait()
        return await person(user_id, is_fresh=is_fresh)

    desk.directory.person = slowly  # type: ignore[method-assign]
    opening = asyncio.create_task(opened(desk, press(user_id="U0GUEST")))
    await until(lambda: bool(desk.thread.told))
    told.set()

    assert await opening is None
    assert "guest" in words(last(desk)).lower()
    assert "submit" not in last(desk)


async def test_slack_that_does_not_tell_who_asks_denies(desk: Desk) -> None:
    desk.directory.silent = {"U0ALICE"}
    answer = await opened(desk)

    assert isinstance(answer, Refusal)
    assert [reason.code for reason in answer.reasons] == ["lookup_failed"]


# --- where -------------------------------------------------------------------------------------------------------------


async def test_nobody_is_asked_for_a_channel_who_may_launch_in_none(desk: Desk) -> None:
    desk.directory.absent = {"C0FINANCE U0ALICE", "C0OTHER U0ALICE"}
    await opened(desk, press(key="shortcut:1", kind="shortcut", channel_id="U0ALICE"))

    assert "no channel in which you may launch" in words(last(desk))


async def test_a_channel_that_slack_does_not_tell_of_is_left_out_and_named(desk: Desk) -> None:
    desk.directory.silent = {"C0OTHER"}
    channel = ChannelPolicy(channel_id="C0THIRD", name="third", grants=desk.standing.policy.channels["C0OTHER"].grants)
    desk.directory.channels["C0THIRD"] = Channel(channel_id="C0THIRD", name="third", is_member=True)
    policy = Policy(channels={**desk.standing.policy.channels, "C0THIRD": channel}, digest="d2")
    desk.standing.replace(policy=policy, connections=dict(desk.standing.connections))
    await opened(desk, press(key="shortcut:1", kind="shortcut", channel_id="U0ALICE"))

    options = last(desk)["blocks"][0]["accessory"]["options"]
    assert [option["text"]["text"] for option in options] == ["#finance-ops", "#third"]
    assert "C0OTHER" in words(last(desk))


async def test_a_grant_of_others_makes_no_channel(desk: Desk) -> None:
    theirs = Grant(connection="billing", scopes=FULL, workflows=("*",), requesters=("U0BOB",))
    channels = {"C0OTHER": ChannelPolicy(channel_id="C0OTHER", name="other", grants=(theirs,))}
    desk.standing.replace(policy=Policy(channels=channels, digest="d2"), connections=dict(desk.standing.connections))
    found = await desk.launching.filling.whereabouts.channels("U0ALICE")

    assert not isinstance(found, Refusal)
    assert found.found == ()


# --- drawing -----------------------------------------------------------------------------------------------------------


async def test_only_what_this_person_may_launch_is_offered(desk: Desk) -> None:
    desk.definitions.workflows = {"billing": (DUNNING, Workflow(workflow_id="999", name="Secret run", inputs=()))}
    await opened(desk, connection="billing")

    assert "Dunning run" in str(last(desk))
    assert "Secret run" not in str(last(desk))


async def test_a_workflow_that_is_not_granted_tells_nothing_of_its_inputs(desk: Desk) -> None:
    secret = Workflow(workflow_id="999", name="Secret run", inputs=(InputSpec(name="launchCode"),))
    desk.definitions.workflows = {"billing": (DUNNING, secret)}
    await opened(desk, connection="billing", workflow="999")

    assert "launchCode" not in str(last(desk))
    assert "Secret run" not in str(last(desk))
    assert "999" in words(last(desk))


async def test_a_list_that_nobody_tells_falls_back_to_the_configuration_and_says_so(desk: Desk) -> None:
    desk.definitions.silent = {"billing"}
    connections = {"billing": a_connection(workflows={"396": DUNNING})}
    desk.standing.replace(policy=desk.standing.policy, connections=connections)
    await opened(desk, connection="billing")

    assert "Dunning run" in str(last(desk))
    assert "may be incomplete: no answer in time" in words(last(desk))


async def test_why_nothing_is_offered_is_said(desk: Desk) -> None:
    grant = Grant(connection="billing", scopes=("Workflow View Access",), workflows=("396",), requesters=("members",))
    channels = {"C0FINANCE": ChannelPolicy(channel_id="C0FINANCE", name="finance-ops", grants=(grant,))}
    desk.standing.replace(policy=Policy(channels=channels, digest="d2"), connections=dict(desk.standing.connections))
    await opened(desk, connection="billing")

    assert "Workflow Run Access" in words(last(desk))
    assert "submit" not in last(desk) or last(desk)["submit"]["text"] == "Continue"


async def test_thousands_of_workflows_are_offered_only_so_far_and_it_is_said(desk: Desk) -> None:
    many = tuple(Workflow(workflow_id=str(number), name=f"Odd {number}") for number in range(MOST_OFFERED + 5))
    desk.definitions.workflows = {"billing": many}
    await opened(desk, connection="billing")

    assert f"Only {MOST_OFFERED} of {MOST_OFFERED + 5} workflows are offered." in words(last(desk))


async def test_a_form_that_was_closed_is_let_go(desk: Desk) -> None:
    updates = desk.thread.update_form

    async def closed(*_: Any, **__: Any) -> Any:
        raise ThreadError("not_found")

    desk.thread.update_form = closed  # type: ignore[method-assign]
    assert await opened(desk) is None
    desk.thread.update_form = updates  # type: ignore[method-assign]
    assert [what for what, _ in desk.thread.told] == ["form"]


async def test_slack_that_never_takes_the_form_is_told_after_some_tries(desk: Desk) -> None:
    async def away(*_: Any, **__: Any) -> Any:
        raise ThreadError("ratelimited", retry_after_s=4)

    desk.thread.update_form = away  # type: ignore[method-assign]
    with pytest.raises(ThreadError, match="ratelimited"):
        await opened(desk)

    assert desk.clock.slept_s == [4, 4]


async def test_the_newer_of_two_choices_stands_whichever_is_looked_up_last(desk: Desk) -> None:
    view_id = await desk.open("billing")
    older, newer = desk.choice(view_id, "Workflow", "396"), desk.choice(view_id, "Workflow", "401")
    held = asyncio.Event()
    seen_inputs = desk.definitions.seen_inputs

    async def slowly(connection: Connection, workflow: Workflow, *, patience_s: float = 2.0) -> Seen:
        if workflow.workflow_id == "396":
            await held.wait()
        return await seen_inputs(connection, workflow, patience_s=patience_s)

    desk.definitions.seen_inputs = slowly  # type: ignore[method-assign]
    await desk.dispatch(older)
    await desk.dispatch(newer)
    await until(lambda: "Launch" in str(desk.thread.views[view_id].get("submit")))
    held.set()
    await desk.door.drain()

    assert "accountId" not in words(desk.thread.views[view_id])


async def test_fields_that_come_late_do_not_replace_what_somebody_chose_meanwhile(desk: Desk) -> None:
    view_id = await desk.open("billing")
    answers = iter([Seen(trouble="it has not answered yet"), Seen(workflows=(DUNNING,))])
    late, seen_inputs = asyncio.Event(), desk.definitions.seen_inputs

    async def slowly(connection: Connection, workflow: Workflow, *, patience_s: float = 2.0) -> Seen:
        if workflow.workflow_id == "401":
            return await seen_inputs(connection, workflow, patience_s=patience_s)
        answer = next(answers)
        if answer.workflows:
            await late.wait()
        return answer

    desk.definitions.seen_inputs = slowly  # type: ignore[method-assign]
    await desk.dispatch(desk.choice(view_id, "Workflow", "396"))
    await until(lambda: "not known" in words(desk.thread.views[view_id]))
    await desk.dispatch(desk.choice(view_id, "Workflow", "401"))
    await until(lambda: "not known" not in words(desk.thread.views[view_id]))
    late.set()
    await desk.door.drain()

    assert "accountId" not in words(desk.thread.views[view_id])


async def test_what_was_typed_survives_a_view_without_fields(desk: Desk) -> None:
    view_id = await desk.open("billing")
    await desk.choose(view_id, "Workflow", "396")
    payload = desk.choice(view_id, "Workflow", "401")
    blocks = {block["label"]["text"]: block["block_id"] for block in payload["view"]["blocks"] if "label" in block}
    payload["view"]["state"]["values"][blocks["accountId"]]["launch_form_input"]["value"] = "A1"
    await desk.dispatch(payload)
    await desk.door.drain()
    assert "accountId" not in words(desk.thread.views[view_id])
    view = await desk.choose(view_id, "Workflow", "396")

    assert "'initial_value': 'A1'" in str(view["blocks"])


async def test_what_was_typed_last_stands_in_the_field_however_often_the_workflow_was_changed() -> None:
    amount = (InputSpec(name="maxAmount", type=InputType.DECIMAL),)
    one, other = (Workflow(workflow_id=number, name=f"Odd {number}", inputs=amount) for number in ("1", "2"))
    async with a_desk(one, other) as desk:
        view_id = await desk.open("billing")
        shown: list[str | None] = []
        for workflow, typed in (("1", None), ("2", "10"), ("1", "20"), ("2", "30"), ("1", "")):
            payload = desk.choice(view_id, "Workflow", workflow)
            if typed is not None:
                (block_id,) = (block["block_id"] for block in payload["view"]["blocks"] if _asks(block, "maxAmount"))
                payload["view"]["state"]["values"][block_id]["launch_form_input"]["value"] = typed or None
            await desk.dispatch(payload)
            await desk.door.drain()
            (field,) = (block["element"] for block in desk.thread.views[view_id]["blocks"] if _asks(block, "maxAmount"))
            shown.append(field.get("initial_value"))

        assert shown == [None, "10", "20", "30", None]


def _asks(block: Mapping[str, Any], label: str) -> bool:
    return bool(block.get("label", {}).get("text") == label)


async def test_somebody_elses_form_is_not_drawn(desk: Desk) -> None:
    view_id = await desk.open("billing")
    await desk.dispatch(desk.choice(view_id, "Workflow", "396", user_id="U0BOB"))
    await desk.door.drain()

    assert "can no longer be used" in words(desk.thread.views[view_id])


async def test_a_search_in_somebody_elses_form_finds_nothing_where_it_must_be_looked_up(desk: Desk) -> None:
    view_id = await desk.open("billing")
    desk.launching.filling.sheets._sheets.clear()
    view = read_view(desk.view(view_id))

    found = await desk.launching.filling.suggest("U0BOB", view, action_id=WORKFLOW, block_id="x", query="")
    assert found == []


async def test_connections_can_be_searched_too(desk: Desk) -> None:
    view_id = await desk.open("billing")
    view = read_view(desk.view(view_id))

    found = await desk.launching.filling.suggest("U0ALICE", view, action_id=CONNECTION, block_id="x", query="bil")
    assert [option["value"] for option in found] == ["billing"]


async def test_a_provider_that_is_silent_is_asked_by_name_and_its_trouble_is_told(desk: Desk) -> None:
    async def silent(*_: Any, **__: Any) -> Any:
        raise LookupFailedError("the workflows of billing", "no usable answer: connection refused")

    desk.definitions.find = silent  # type: ignore[method-assign]
    await opened(desk, connection="billing", workflow="no such id")

    assert "connection refused" in words(last(desk))


# --- small rules -------------------------------------------------------------------------------------------------------


def a_grant(**rules: InputRule) -> Grant:
    return Grant(connection="billing", inputs=rules)


def test_a_rule_is_shown_only_where_every_grant_that_fits_makes_it() -> None:
    rule, other = InputRule(pattern="a+"), InputRule(pattern="b+")

    assert rules_of([a_grant(x=rule, y=rule)]) == {"x": rule, "y": rule}
    assert rules_of([a_grant(x=rule, y=rule), a_grant(x=rule, y=other)]) == {"x": rule}
    assert rules_of([a_grant(x=rule), a_grant()]) == {}


def test_age_is_told_where_it_matters() -> None:
    now = NOON
    old = replace(Seen(), seen_at=now.replace(hour=9))

    assert age_notes("The list", Seen(seen_at=now), now) == ()
    assert age_notes("The list", Seen(), now) == ()
    assert age_notes("The list", old, now) == ("The list is as of 2026-11-21 09:00 UTC.",)
    assert age_notes("The list", replace(old, trouble="it is down."), now) == (
        "The list is as of 2026-11-21 09:00 UTC: it is down.",
    )
    assert age_notes("The list", Seen(trouble="it is down"), now) == ("The list may be incomplete: it is down.",)


def test_the_forms_that_were_used_longest_ago_are_forgotten() -> None:
    sheets = Sheets(most=2)
    first = sheets.of("V1")
    sheets.of("V2")
    assert sheets.of("V1") is first
    sheets.of("V3")

    assert sheets.of("V1") is first
    assert list(sheets._sheets) == ["V3", "V1"]
