"""What a person does at the page: on exactly what is before them, delivered to the bot as Slack would."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.slack.views import View
from tests.sandbox.page_world import Browser, House, a_house
from tests.sandbox.slack_bots import (
    ALICE,
    BOB,
    FINANCE,
    a_home,
    a_modal,
    a_text_field,
    actions,
    an_app,
    an_input,
    button,
    on_a_socket,
)

BOT, GUEST, STRANGER = "U0GONOGO", "U0GUEST", "U0STRANGER"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPTIONS = [{"text": {"type": "plain_text", "text": name}, "value": name.lower()} for name in ("One", "Two")]
WHERE = {"type": "static_select", "action_id": "pick", "options": OPTIONS}
FIND = {"type": "external_select", "action_id": "find", "min_query_length": 0}


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("slack_bolt").setLevel(logging.CRITICAL)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as one:
        yield one


@pytest.fixture
def alice(house: House) -> Browser:
    return house.browser(ALICE)


@pytest.fixture
async def told(house: House) -> AsyncIterator[list[dict[str, Any]]]:
    """A bot that answers everything, and what it was told."""
    app, heard = an_app(house.slack), list[dict[str, Any]]()

    @app.use
    async def hear(body: dict[str, Any], next: Any) -> None:  # noqa: A002 - Bolt's own name
        heard.append(body)
        await next()

    @app.options("find")
    async def find(ack: Any) -> None:
        await ack(options=OPTIONS)

    @app.view("form")
    async def sent(ack: Any, view: Any) -> None:
        typed = view["state"]["values"]["name"]["typed"]["value"]
        await (ack(response_action="errors", errors={"name": "taken"}) if typed == "taken" else ack())

    @app.view_closed("form")
    @app.command("/launch")
    @app.shortcut("launch")
    @app.shortcut("launch_from_message")
    @app.action({"action_id": "pick"})
    @app.action({"action_id": "find"})
    @app.action({"action_id": "typed"})
    @app.action({"action_id": "go"})
    @app.action({"action_id": "more"})
    @app.event("app_home_opened")
    async def fine(ack: Any) -> None:
        await ack()

    async with on_a_socket(house.slack, app):
        yield heard


def _form(house: House, *blocks: dict[str, Any], **more: Any) -> View:
    return house.workspace.views.open(ALICE, a_modal(*blocks, **more), NOW)


def _text(value: str | None) -> dict[str, Any]:
    return {"name": {"typed": {"type": "plain_text_input", "value": value}}}


def _picked(value: str) -> dict[str, Any]:
    return {"type": "static_select", "selected_option": next(one for one in OPTIONS if one["value"] == value)}


# --- in a channel ------------------------------------------------------------------------------------------------------


async def test_a_command_reaches_the_bot_with_its_person_and_channel(alice: Browser, told: list[dict[str, Any]]) -> None:
    answer = await alice.done("command", channel=FINANCE, text="billing 396 <@bob>")

    assert (answer["is_acknowledged"], answer["trouble"], answer["failures"]) == (True, "", [])
    assert answer["elapsed_ms"] > 0
    assert (told[0]["user_id"], told[0]["channel_id"], told[0]["text"]) == (ALICE, FINANCE, "billing 396 &lt;<@U0BOB|bob>&gt;")


async def test_without_a_bot_slack_says_so(house: House, alice: Browser) -> None:
    answer = await alice.done("command", channel=FINANCE, text="help")

    assert (answer["is_acknowledged"], answer["trouble"]) == (False, "dispatch_failed")
    assert answer["failures"] == ['/launch failed with the error "dispatch_failed"']
    assert house.workspace.ephemerals(FINANCE, ALICE)[0].user == "USLACKBOT"


async def test_what_somebody_says_is_marked_up_and_heard_by_all(house: House, alice: Browser) -> None:
    bob = house.browser(BOB)
    await bob.open()

    said = (await alice.done("say", channel=FINANCE, text=" hello @bob & <b>#sales-ops</b> "))["message"]
    assert said["text"] == "hello <@U0BOB|bob> &amp; &lt;b&gt;<#C0SALES|sales-ops>&lt;/b&gt;"
    assert (await bob.until_said("hello"))["user"] == ALICE
    await alice.done("say", channel=FINANCE, text="in the thread", thread_ts=said["ts"])
    assert (await bob.until_said("in the thread"))["thread_ts"] == said["ts"]


@pytest.mark.parametrize(
    ("user_id", "given", "reason"),
    [
        (ALICE, {"channel": FINANCE, "text": "  "}, "nothing to send"),
        (ALICE, {"channel": FINANCE, "text": "x" * 40_001}, "at most 40000 characters"),
        (ALICE, {"channel": FINANCE, "text": "x", "thread_ts": "1.0"}, "there is no message 1.0"),
        (GUEST, {"channel": "C0PRIVATE", "text": "x"}, "is not in C0PRIVATE"),
        (ALICE, {"channel": "C0NOWHERE", "text": "x"}, "is not in C0NOWHERE"),
        (ALICE, {"channel": "D0BOB", "text": "x"}, "is not in D0BOB"),
        ("U0NOBODY", {"channel": FINANCE, "text": "x"}, "is nobody"),
        ("U0GONE", {"channel": FINANCE, "text": "x"}, "is nobody"),
    ],
)
async def test_what_cannot_be_said(house: House, user_id: str, given: dict[str, Any], reason: str) -> None:
    assert reason in await house.browser(user_id).refused("say", **given)
    assert house.workspace.messages(FINANCE) == []


async def test_buttons_that_read_the_same_are_told_apart(house: House, alice: Browser, told: list[dict[str, Any]]) -> None:
    blocks = [
        actions(button("Approve", "go", value="first"), block_id="one"),
        actions(button("Approve", "go", value="second"), button("More", "more"), block_id="two"),
    ]
    message = house.workspace.post(FINANCE, BOT, "card", NOW, blocks=blocks)

    await alice.done("press", channel=FINANCE, ts=message.ts, block_id="two", action_id="go")
    assert [(one["block_id"], one["value"]) for one in told[0]["actions"]] == [("two", "second")]
    refused = await alice.refused("press", channel=FINANCE, ts=message.ts, block_id="one", action_id="more")
    assert "nothing here reads 'one / more'" in refused


async def test_a_menu_of_a_message_gives_one_of_its_options(house: House, alice: Browser, told: list[dict[str, Any]]) -> None:
    overflow = {"type": "overflow", "action_id": "more", "options": OPTIONS}
    message = house.workspace.post(FINANCE, BOT, "card", NOW, blocks=[actions(WHERE, overflow, block_id="b")])
    there = {"channel": FINANCE, "ts": message.ts, "block_id": "b"}

    await alice.done("press", **there, action_id="pick", chosen=_picked("two"))
    await alice.done("press", **there, action_id="more", chosen={"selected_option": {"value": "one"}})
    assert [one["actions"][0]["selected_option"] for one in told] == [OPTIONS[1], OPTIONS[0]]

    other = {"type": "static_select", "selected_option": {**OPTIONS[0], "value": "three"}}
    assert "offers no 'three'" in await alice.refused("press", **there, action_id="pick", chosen=other)
    assert (await alice.act("press", **there, action_id="pick"))[0] == 400
    assert (await alice.act("press", **there, action_id="pick", chosen={"selected_option": OPTIONS[0]}))[0] == 400


async def test_what_is_whispered_to_one_is_pressed_by_nobody_else(
    house: House, alice: Browser, told: list[dict[str, Any]]
) -> None:
    blocks = [actions(button("Show", "go"), block_id="b")]
    message = house.workspace.post(FINANCE, BOT, "only you", NOW, blocks=blocks, ephemeral_to=ALICE)
    there = {"channel": FINANCE, "ts": message.ts, "block_id": "b", "action_id": "go"}

    assert "U0BOB sees no message" in await house.browser(BOB).refused("press", **there)
    await alice.done("press", **there)
    assert [one["container"]["is_ephemeral"] for one in told] == [True]


async def test_shortcuts_from_the_search_and_from_a_message(house: House, alice: Browser, told: list[dict[str, Any]]) -> None:
    message = house.workspace.post(FINANCE, BOB, "pay this", NOW)
    await alice.done("shortcut", callback_id="launch")
    await alice.done("shortcut", callback_id="launch_from_message", channel=FINANCE, ts=message.ts)

    assert [one["type"] for one in told] == ["shortcut", "message_action"]
    assert told[1]["message"]["text"] == "pay this"
    assert "no global shortcut" in await alice.refused("shortcut", callback_id="launch_from_message")
    assert "no global shortcut" in await house.browser(STRANGER).refused("shortcut", callback_id="launch")


# --- forms -------------------------------------------------------------------------------------------------------------


async def test_what_is_typed_outlives_a_reload_and_is_not_echoed(house: House, alice: Browser) -> None:
    await alice.open()
    view = _form(house)
    await alice.until("views")

    await alice.done("type", view_id=view.view_id, state=_text("half a sen"))
    house.workspace.post(FINANCE, BOB, "meanwhile", NOW)
    await alice.until_said("meanwhile")
    assert [name for name, _ in alice.heard].count("views") == 1

    again = await alice.open()
    assert [(one["view_id"], one["state"]) for one in again["views"]] == [(view.view_id, _text("half a sen"))]


async def test_what_is_unfinished_may_be_kept_but_not_sent(house: House, alice: Browser, told: list[dict[str, Any]]) -> None:
    number = {"type": "number_input", "action_id": "n", "is_decimal_allowed": False, "min_value": "1"}
    mail = {"type": "email_text_input", "action_id": "m"}
    view = _form(house, a_text_field(), an_input("amount", "Amount", number), an_input("mail", "Mail", mail))
    typed = {
        "amount": {"n": {"type": "number_input", "value": "-"}},
        "mail": {"m": {"type": "email_text_input", "value": "bob@"}},
    }

    await alice.done("type", view_id=view.view_id, state=typed)
    status, answer = await alice.act("submit", view_id=view.view_id, state=typed)

    assert (status, answer["ok"], sorted(answer["errors"])) == (409, False, ["amount", "mail", "name"])
    assert answer["errors"]["name"] == "Please complete this required field."
    assert "'Amount' does not take '-': no number" in answer["error"]
    assert told == []
    top = house.workspace.views.top(ALICE)
    assert top is not None
    assert top.state["mail"]["m"]["value"] == "bob@"


async def test_a_form_is_sent_with_what_stands_in_it(house: House, alice: Browser, told: list[dict[str, Any]]) -> None:
    await alice.open()
    view = _form(house, a_text_field(), an_input("where", "Where", WHERE, optional=True))
    await alice.until("views")

    state = _text("mine") | {"where": {"pick": _picked("two")}}
    answer = await alice.done("submit", view_id=view.view_id, state=state)
    assert (answer["is_acknowledged"], answer["body"]) == (True, {})
    assert told[0]["view"]["state"]["values"] == state
    assert (await alice.until("views"))["views"] == []


async def test_errors_of_the_bot_come_with_the_answer_and_the_view(
    house: House, alice: Browser, told: list[dict[str, Any]]
) -> None:
    await alice.open()
    view = _form(house)
    await alice.until("views")

    for _ in range(2):
        answer = await alice.done("submit", view_id=view.view_id, state=_text("taken"))
        assert answer["body"] == {"response_action": "errors", "errors": {"name": "taken"}}
        assert (await alice.until("views"))["views"][0]["errors"] == {"name": "taken"}
    await alice.done("submit", view_id=view.view_id, state=_text("free"))
    assert len(told) == 3


async def test_a_choice_is_told_with_what_was_typed_beside_it(house: House, alice: Browser, told: list[dict[str, Any]]) -> None:
    view = _form(house, a_text_field(), an_input("where", "Where", WHERE, dispatch_action=True))
    state = _text("mine") | {"where": {"pick": _picked("two")}}
    there = {"view_id": view.view_id, "block_id": "where", "action_id": "pick"}

    await alice.done("use", **there, chosen=_picked("two"), state=state)
    await alice.done("use", **there, state=_text("yours") | {"where": {"pick": _picked("one")}})

    assert [one["actions"][0]["selected_option"]["value"] for one in told] == ["two", "one"]
    assert [one["view"]["state"]["values"]["name"]["typed"]["value"] for one in told] == ["mine", "yours"]


async def test_a_field_that_tells_nobody_is_not_told(house: House, alice: Browser) -> None:
    view = _form(house, an_input("where", "Where", WHERE))
    there = {"view_id": view.view_id, "block_id": "where", "action_id": "pick"}

    assert "tells nobody before the form is sent" in await alice.refused("use", **there, chosen=_picked("two"), state={})


async def test_a_button_in_a_form_and_its_options(house: House, alice: Browser, told: list[dict[str, Any]]) -> None:
    view = _form(house, a_text_field(), actions(button("More", "more"), block_id="b"), an_input("what", "What", FIND))
    there = {"view_id": view.view_id}

    await alice.done("use", **there, block_id="b", action_id="more", state=_text("kept"))
    assert (told[0]["type"], told[0]["view"]["state"]["values"]["name"]["typed"]["value"]) == ("block_actions", "kept")
    answer = await alice.done("suggest", **there, block_id="what", action_id="find", query="o")
    assert [one["value"] for one in answer["body"]["options"]] == ["one", "two"]
    assert "its options are fixed" in await alice.refused("suggest", **there, block_id="name", action_id="typed")


async def test_options_for_a_menu_of_a_message(house: House, alice: Browser, told: list[dict[str, Any]]) -> None:
    message = house.workspace.post(FINANCE, BOT, "card", NOW, blocks=[actions(FIND, block_id="b")])
    there = {"channel": FINANCE, "ts": message.ts, "block_id": "b", "action_id": "find"}

    answer = await alice.done("suggest", **there, query="t")
    assert len(answer["body"]["options"]) == 2
    assert (told[0]["container"]["message_ts"], told[0]["value"], told[0]["message"]["text"]) == (message.ts, "t", "card")
    await alice.done("press", **there, chosen={"type": "external_select", "selected_option": OPTIONS[1]})
    assert told[1]["actions"][0]["selected_option"] == OPTIONS[1]
    assert (await alice.act("press", **there, chosen={"type": "external_select", "selected_option": {"value": "x"}}))[0] == 400


@pytest.mark.parametrize("act", ["use", "type", "suggest", "submit", "close"])
async def test_a_form_that_is_covered_or_gone_is_left_alone(house: House, alice: Browser, act: str) -> None:
    below = _form(house)
    above = house.workspace.views.push(below, a_modal(), NOW)
    given = {"view_id": below.view_id, "block_id": "name", "action_id": "typed", "state": _text("x")}

    assert f"{below.view_id} is no longer what U0ALICE sees on top" in await alice.refused(act, **given)
    house.workspace.views.clear(ALICE, NOW)
    assert "is no longer" in await alice.refused(act, **given | {"view_id": above.view_id})
    assert "is no longer" in await house.browser(BOB).refused(act, **given)


async def test_closing_one_form_and_all_of_them(house: House, alice: Browser, told: list[dict[str, Any]]) -> None:
    below = _form(house, notify_on_close=True)
    middle = house.workspace.views.push(below, a_modal(), NOW)
    top = house.workspace.views.push(middle, a_modal(notify_on_close=True), NOW)

    assert (await alice.done("close", view_id=top.view_id))["is_acknowledged"] is True
    assert await alice.done("close", view_id=middle.view_id) == {"ok": True}
    assert [view.view_id for view in house.workspace.views.stack(ALICE)] == [below.view_id]
    await alice.done("close", view_id=below.view_id, all=True)
    assert house.workspace.views.stack(ALICE) == ()
    assert [one["is_cleared"] for one in told] == [False, True]


async def test_home_is_opened_and_pressed_unless_a_form_covers_it(
    house: House, alice: Browser, told: list[dict[str, Any]]
) -> None:
    await alice.done("home")
    assert told[0]["event"]["type"] == "app_home_opened"
    home = house.workspace.views.publish(ALICE, a_home(actions(button("Start", "go"), block_id="b")), NOW)
    there = {"view_id": home.view_id, "block_id": "b", "action_id": "go", "state": {}}

    await alice.done("use", **there)
    assert told[1]["container"]["view_id"] == home.view_id
    _form(house)
    assert "no longer" in await alice.refused("use", **there)


async def test_two_windows_of_one_person_and_the_last_to_send_counts(house: House, told: list[dict[str, Any]]) -> None:
    one, two = house.browser(ALICE), house.browser(ALICE)
    view = _form(house)
    assert (await one.open())["views"] == (await two.open())["views"]

    await one.done("type", view_id=view.view_id, state=_text("one"))
    await two.done("submit", view_id=view.view_id, state=_text("two"))
    assert told[0]["view"]["state"]["values"] == _text("two")
    assert (await one.until("views"))["views"] == []
    assert "no longer" in await one.refused("submit", view_id=view.view_id, state=_text("one"))


@pytest.mark.parametrize(
    "state",
    [
        {"name": {"typed": "text"}},
        {"name": {"typed": {"type": "number_input", "value": "1"}}},
        {"name": {"typed": {"type": "plain_text_input", "value": 3}}},
        {"name": {"typed": {"type": "plain_text_input", "value": ["x"]}}},
        {"name": {"typed": []}},
    ],
)
async def test_a_state_of_another_shape_is_refused_and_nothing_changes(house: House, alice: Browser, state: Any) -> None:
    view = _form(house)
    status, answer = await alice.act("type", view_id=view.view_id, state=state)

    assert (status, "'Name'" in answer["error"]) == (400, True)
    assert house.workspace.views.top(ALICE) == view


async def test_fields_that_the_form_no_longer_has_are_left_out(house: House, alice: Browser) -> None:
    view = _form(house)
    gone = {"old": {"typed": {"type": "plain_text_input", "value": "x"}}, "name": {"other": {"type": "datepicker"}}, "odd": 3}
    await alice.done("type", view_id=view.view_id, state=_text("kept") | {"old": gone["old"], "odd": gone["odd"]})

    top = house.workspace.views.top(ALICE)
    assert top is not None
    assert top.state == _text("kept")
