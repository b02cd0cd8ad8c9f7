"""Deliveries to a real Bolt app: over Socket Mode with slack_sdk's own client, and as signed HTTP requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.clock import WallClock
from bot.sandbox.slack.demo import SIGNING_SECRET
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.forms import suggestions
from bot.sandbox.slack.payloads import Delivery
from bot.sandbox.slack.sockets import MAX_SOCKETS
from bot.sandbox.slack.workspace import Workspace, dm_id
from tests.builders import FrozenClock
from tests.sandbox.slack_bots import (
    ALICE,
    BOB,
    FINANCE,
    a_client,
    a_home,
    a_modal,
    a_slack,
    a_text_field,
    actions,
    an_app,
    an_input,
    button,
    on_a_socket,
    over_http,
    section,
)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    # Bolt makes clients of its own, and they read these; they cannot be handed in.
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    logging.getLogger("slack_bolt").setLevel(logging.CRITICAL)


@pytest.fixture(params=["socket", "http"])
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


class Bot:
    """A small Bolt app that remembers what it was sent."""

    def __init__(self, app: AsyncApp) -> None:
        self.app = app
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, Any]] = []
        app.use(self._remember)

    async def _remember(self, body: dict[str, Any], request: Any, next: Any) -> None:  # noqa: A002 - Bolt's name
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        await next()


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with a_slack(ack_timeout_s=2.0) as stand_in:
        yield stand_in


@pytest.fixture
def bot(slack: SlackStandIn) -> Bot:
    return Bot(an_app(slack))


@pytest.fixture
async def online(slack: SlackStandIn, bot: Bot, transport: str) -> AsyncIterator[Bot]:
    async with on_a_socket(slack, bot.app) if transport == "socket" else over_http(slack, bot.app):
        yield bot


# --- when nobody answers -----------------------------------------------------------------------------------------------


async def test_without_a_bot_a_command_fails_before_the_persons_eyes(slack: SlackStandIn) -> None:
    acknowledged = await slack.command(ALICE, FINANCE, "help")

    assert (acknowledged.is_ok, acknowledged.status, acknowledged.error) == (False, 0, "dispatch_failed")
    (message,) = slack.workspace.ephemerals(FINANCE, ALICE)
    assert message.text == '/launch failed with the error "dispatch_failed"'


async def test_an_unreachable_request_url_fails_too() -> None:
    async with a_slack(request_url="http://127.0.0.1:9/slack/events") as slack:
        acknowledged = await slack.command(ALICE, FINANCE, "help")
        with pytest.raises(TimeoutError):
            await slack.connected(0.2)

    assert acknowledged.error == "dispatch_failed"


async def test_what_is_not_acknowledged_in_time_timed_out_and_can_come_again(transport: str) -> None:
    async with a_slack(ack_timeout_s=0.05) as slack:
        bot = Bot(an_app(slack))
        is_ready = asyncio.Event()

        @bot.app.command("/launch")
        async def launch(ack: Any) -> None:
            await is_ready.wait()
            await ack()

        async with on_a_socket(slack, bot.app) if transport == "socket" else over_http(slack, bot.app):
            late = await slack.command(ALICE, FINANCE, "help")
            is_ready.set()
            slack._courier.ack_timeout_s = 2.0
            again = await slack.redeliver(late)

    assert (late.error, late.status) == ("operation_timeout", 0)
    assert again.is_ok
    assert bot.bodies[0] == bot.bodies[1]
    assert [change.text for change in slack.workspace.changes if change.kind == "operation_failed"] == [
        '/launch failed with the error "operation_timeout"',
    ]


async def test_a_status_that_is_no_success_reaches_the_person(slack: SlackStandIn) -> None:
    app = an_app(slack)

    @app.command("/launch")
    async def launch() -> None:
        raise RuntimeError("broken on purpose")

    async with over_http(slack, app):
        acknowledged = await slack.command(ALICE, FINANCE, "help")

    assert (acknowledged.status, acknowledged.error) == (500, "http_service_error")


async def test_a_wrong_signing_secret_is_noticed(slack: SlackStandIn, bot: Bot) -> None:
    slack._courier.signing_secret = "another"
    async with over_http(slack, bot.app):
        acknowledged = await slack.command(ALICE, FINANCE, "help")

    assert (acknowledged.status, acknowledged.error) == (401, "http_client_error")
    assert bot.bodies == []


# --- commands ----------------------------------------------------------------------------------------------------------


async def test_a_command_arrives_with_everything_slack_tells(slack: SlackStandIn, online: Bot) -> None:
    @online.app.command("/launch")
    async def launch(ack: Any) -> None:
        await ack("hello *you*")

    acknowledged = await slack.command(ALICE, FINANCE, " billing 396 a=1 ")

    (body,) = online.bodies
    assert (body["team_id"], body["channel_id"], body["channel_name"]) == ("T0GONOGO", FINANCE, "finance-ops")
    assert (body["user_id"], body["user_name"], body["command"]) == (ALICE, "alice", "/launch")
    assert (body["text"], body["is_enterprise_install"]) == ("billing 396 a=1", "false")
    assert body["response_url"].startswith(slack.url)
    assert (acknowledged.is_ok, acknowledged.status, acknowledged.body) == (True, 200, {"text": "hello *you*"})
    assert acknowledged.elapsed_ms < 2000
    assert [message.text for message in slack.workspace.ephemerals(FINANCE, ALICE)] == ["hello *you*"]
    delivery = next(one for one in slack.traffic if one.kind == "delivery")
    assert (delivery.name, delivery.status, delivery.sent["token"]) == ("/launch", 200, "***")


async def test_an_in_channel_answer_shows_what_was_typed(slack: SlackStandIn, online: Bot) -> None:
    @online.app.command("/launch")
    async def launch(ack: Any) -> None:
        await ack(text="for all", response_type="in_channel", blocks=[section("for all")])

    await slack.command(ALICE, FINANCE, "list")

    assert [message.text for message in slack.workspace.messages(FINANCE)] == ["/launch list", "for all"]


async def test_an_answer_that_slack_cannot_show_is_a_failure(slack: SlackStandIn, online: Bot) -> None:
    @online.app.command("/launch")
    async def launch(ack: Any) -> None:
        await ack(text="x", blocks=[section("x" * 3001)])

    await slack.command(ALICE, FINANCE, "list")

    assert slack.workspace.ephemerals(FINANCE, ALICE) == []
    assert "invalid_blocks" in slack.workspace.changes[-1].text


async def test_mentions_links_and_control_characters_arrive_escaped(slack: SlackStandIn, online: Bot) -> None:
    @online.app.command("/launch")
    async def launch(ack: Any) -> None:
        await ack()

    await slack.command(
        ALICE, FINANCE, "@bob #sales-ops <@U0CAROL> @leads <!channel> a&b @nobody me@x.example https://x.example/?a=1&b=2"
    )

    assert online.bodies[0]["text"] == (
        "<@U0BOB|bob> <#C0SALES|sales-ops> <@U0CAROL|carol> <!subteam^S0LEADS|@leads> &lt;!channel&gt; a&amp;b @nobody "
        "<mailto:me@x.example|me@x.example> <https://x.example/?a=1&amp;b=2>"
    )


async def test_without_should_escape_mentions_stay_as_typed(slack: SlackStandIn, online: Bot) -> None:
    slack.workspace.app = replace(slack.workspace.app, commands={"/launch": False})

    @online.app.command("/launch")
    async def launch(ack: Any) -> None:
        await ack()

    await slack.command(ALICE, FINANCE, "@bob <!channel>")

    assert online.bodies[0]["text"] == "@bob &lt;!channel&gt;"


@pytest.mark.parametrize(
    ("user_id", "channel_id", "command"),
    [
        ("U0GONE", FINANCE, "/launch"),
        ("U0ROBOT", FINANCE, "/launch"),
        ("U0STRANGER", "C0PARTNERS", "/launch"),
        ("U0STRANGER", FINANCE, "/launch"),
        ("U0NOBODY", FINANCE, "/launch"),
        (ALICE, "C0NOWHERE", "/launch"),
        (ALICE, FINANCE, "/unknown"),
    ],
)
async def test_nobody_types_what_slack_does_not_offer(slack: SlackStandIn, user_id: str, channel_id: str, command: str) -> None:
    with pytest.raises(NotPossibleError):
        await slack.command(user_id, channel_id, "help", command=command)


async def test_private_channels_hide_their_names(slack: SlackStandIn, online: Bot) -> None:
    @online.app.command("/launch")
    async def launch(ack: Any) -> None:
        await ack()

    await slack.command(ALICE, "C0PRIVATE", "help")
    await slack.command(ALICE, dm_id(ALICE), "help")

    assert [body["channel_name"] for body in online.bodies] == ["privategroup", "directmessage"]


# --- buttons and menus -------------------------------------------------------------------------------------------------


async def test_a_click_carries_message_container_and_a_fresh_trigger(slack: SlackStandIn, online: Bot) -> None:
    @online.app.action("approve")
    async def approve(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=a_modal())
        await client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text="done", blocks=[])

    blocks = [section("card"), actions(button("Approve", "approve", value="1", style="primary"), block_id="row")]
    card = await a_client(slack).chat_postMessage(channel=FINANCE, text="card", blocks=blocks)
    acknowledged = await slack.click(BOB, FINANCE, card["ts"], "Approve")
    await slack.workspace.wait_for(lambda world: world.messages(FINANCE)[0].text == "done")

    (body,) = online.bodies
    assert acknowledged.is_ok
    assert (body["type"], body["user"]["id"], body["team"]["id"]) == ("block_actions", BOB, "T0GONOGO")
    assert body["container"] == {"type": "message", "message_ts": card["ts"], "channel_id": FINANCE, "is_ephemeral": False}
    assert body["message"]["text"] == "card"
    (action,) = body["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("approve", "row", "1")
    assert (action["type"], action["style"], action["text"]["text"]) == ("button", "primary", "Approve")
    assert float(action["action_ts"]) > 0
    assert slack.workspace.views.top(BOB) is not None


async def test_only_buttons_that_are_there_can_be_pressed(slack: SlackStandIn) -> None:
    card = await a_client(slack).chat_postMessage(channel=FINANCE, text="x", blocks=[actions(button("Go", "go"))])

    with pytest.raises(NotPossibleError, match="nothing here reads 'Stop'"):
        await slack.click(BOB, FINANCE, card["ts"], "Stop")
    with pytest.raises(NotPossibleError, match="sees no message"):
        await slack.click(BOB, FINANCE, "1.000001", "Go")
    with pytest.raises(NotPossibleError, match="is not in"):
        await slack.click("U0STRANGER", FINANCE, card["ts"], "Go")


async def test_strangers_press_buttons_in_shared_channels(slack: SlackStandIn, online: Bot) -> None:
    @online.app.action("go")
    async def go(ack: Any) -> None:
        await ack()

    blocks = [actions(button("Go", "go"))]
    card = await a_client(slack).chat_postMessage(channel="C0PARTNERS", text="x", blocks=blocks)
    await slack.click("U0STRANGER", "C0PARTNERS", card["ts"], "go")

    assert online.bodies[0]["user"]["team_id"] == "T0OTHER"


async def test_buttons_that_read_the_same_are_told_apart_by_value(slack: SlackStandIn, online: Bot) -> None:
    @online.app.action("go")
    async def go(ack: Any) -> None:
        await ack()

    blocks = [actions(button("Go", "go", value=value)) for value in "ab"]
    card = await a_client(slack).chat_postMessage(channel=FINANCE, text="x", blocks=blocks)
    await slack.people.click(BOB, FINANCE, card["ts"], "Go", value="b")

    assert online.bodies[0]["actions"][0]["value"] == "b"


async def test_an_ephemeral_message_is_clicked_by_its_reader_and_replaced(slack: SlackStandIn, online: Bot) -> None:
    @online.app.action("go")
    async def go(ack: Any, respond: Any) -> None:
        await ack()
        await respond("replaced", replace_original=True)

    blocks = [actions(button("Go", "go"))]
    shown = await a_client(slack).chat_postEphemeral(channel=FINANCE, user=ALICE, text="x", blocks=blocks)
    await slack.click(ALICE, FINANCE, shown["message_ts"], "Go")
    await slack.workspace.wait_for(lambda world: world.ephemerals(FINANCE, ALICE)[0].text == "replaced")

    assert online.bodies[0]["container"]["is_ephemeral"] is True
    assert "message" not in online.bodies[0]
    with pytest.raises(NotPossibleError):
        await slack.click(BOB, FINANCE, shown["message_ts"], "Go")


async def test_a_menu_on_a_message_sends_what_was_picked(slack: SlackStandIn, online: Bot) -> None:
    @online.app.action("more")
    async def more(ack: Any) -> None:
        await ack()

    options = [{"text": {"type": "plain_text", "text": name}, "value": name.lower()} for name in ("Retry", "Stop")]
    blocks = [section("x", accessory={"type": "overflow", "action_id": "more", "options": options})]
    card = await a_client(slack).chat_postMessage(channel=FINANCE, text="x", blocks=blocks)
    await slack.people.choose(BOB, FINANCE, card["ts"], "more", value="Stop")

    assert online.bodies[0]["actions"][0]["selected_option"]["value"] == "stop"
    with pytest.raises(NotPossibleError, match="offers no"):
        await slack.people.choose(BOB, FINANCE, card["ts"], "more", value="Explode")


async def test_a_click_that_nobody_acknowledges_warns_the_person(slack: SlackStandIn) -> None:
    card = await a_client(slack).chat_postMessage(channel=FINANCE, text="x", blocks=[actions(button("Go", "go"))])
    acknowledged = await slack.click(BOB, FINANCE, card["ts"], "Go")

    assert not acknowledged.is_ok
    assert (slack.workspace.changes[-1].kind, slack.workspace.changes[-1].user_id) == ("operation_failed", BOB)


# --- forms -------------------------------------------------------------------------------------------------------------


async def with_a_form(slack: SlackStandIn, *blocks: dict[str, Any], **more: Any) -> str:
    trigger = slack.people.payloads.tickets.triggers.issue(ALICE, slack.people.clock.now())
    opened = await a_client(slack).views_open(trigger_id=trigger, view=a_modal(*blocks, **more))
    return opened["view"]["id"]


async def test_a_submission_carries_the_fields_and_closes_the_form(slack: SlackStandIn, online: Bot) -> None:
    @online.app.view("form")
    async def form(ack: Any) -> None:
        await ack()

    view_id = await with_a_form(slack, private_metadata="L-1")
    acknowledged = await slack.submit(ALICE, {"name": {"typed": "Ada"}})

    (body,) = online.bodies
    assert acknowledged.is_ok
    assert (body["type"], body["view"]["id"], body["view"]["private_metadata"]) == ("view_submission", view_id, "L-1")
    assert body["view"]["state"]["values"] == {"name": {"typed": {"type": "plain_text_input", "value": "Ada"}}}
    assert slack.workspace.views.stack(ALICE) == ()


async def test_errors_stand_at_the_fields_until_the_next_try(slack: SlackStandIn, online: Bot) -> None:
    @online.app.view("form")
    async def form(ack: Any, view: Any) -> None:
        if view["state"]["values"]["name"]["typed"]["value"] == "bad":
            await ack(response_action="errors", errors={"name": "not that"})
        else:
            await ack(response_action="clear")

    await with_a_form(slack)
    await slack.submit(ALICE, {"Name": "bad"})
    top = slack.workspace.views.top(ALICE)
    assert top is not None
    assert top.errors == {"name": "not that"}

    await slack.submit(ALICE, {"Name": "good"})
    assert slack.workspace.views.stack(ALICE) == ()


async def test_errors_at_fields_that_there_are_not_are_a_failure(slack: SlackStandIn, online: Bot) -> None:
    @online.app.view("form")
    async def form(ack: Any) -> None:
        await ack(response_action="errors", errors={"typed": "an action id is no block id"})

    await with_a_form(slack)
    await slack.submit(ALICE, {"Name": "x"})

    assert slack.workspace.changes[-1].kind == "operation_failed"
    assert len(slack.workspace.views.stack(ALICE)) == 1


async def test_an_acknowledgement_updates_or_pushes_a_view(slack: SlackStandIn, online: Bot) -> None:
    @online.app.view("form")
    async def form(ack: Any) -> None:
        await ack(response_action="push", view=a_modal(section("sure?"), callback_id="sure"))

    @online.app.view("sure")
    async def sure(ack: Any) -> None:
        await ack(response_action="update", view=a_modal(section("thanks"), submit=None))

    root = await with_a_form(slack)
    await slack.submit(ALICE, {"Name": "x"})
    await slack.submit(ALICE, {})

    bottom, top = slack.workspace.views.stack(ALICE)
    assert (bottom.view_id, top.previous_view_id) == (root, root)
    assert top.blocks[0]["text"]["text"] == "thanks"
    with pytest.raises(NotPossibleError, match="nothing to send"):
        await slack.submit(ALICE, {})


async def test_an_invalid_view_in_an_acknowledgement_leaves_the_form_open(slack: SlackStandIn, online: Bot) -> None:
    @online.app.view("form")
    async def form(ack: Any) -> None:
        await ack(response_action="update", view=a_modal(section("x" * 3001)))

    await with_a_form(slack)
    await slack.submit(ALICE, {"Name": "x"})

    assert "invalid_arguments" in slack.workspace.changes[-1].text
    assert slack.workspace.views.stack(ALICE)[0].content["callback_id"] == "form"


async def test_a_redelivered_submission_finds_its_form_closed_and_harms_nothing(slack: SlackStandIn, online: Bot) -> None:
    @online.app.view("form")
    async def form(ack: Any) -> None:
        await ack()

    await with_a_form(slack)
    first = await slack.submit(ALICE, {"Name": "x"})
    again = await slack.redeliver(first)

    assert again.is_ok
    assert online.bodies[0] == online.bodies[1]


async def test_a_menu_with_dispatch_action_tells_what_was_typed_elsewhere(slack: SlackStandIn, online: Bot) -> None:
    @online.app.action("pick")
    async def pick(ack: Any, body: Any, client: Any) -> None:
        await ack()
        view = a_modal(*body["view"]["blocks"], a_text_field("more", "More"))
        await client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=view)

    options = [{"text": {"type": "plain_text", "text": name}, "value": name.lower()} for name in ("Zuora", "Domo")]
    menu = an_input("where", "Where", {"type": "static_select", "action_id": "pick", "options": options}, dispatch_action=True)
    await with_a_form(slack, menu, a_text_field())
    await slack.people.choose_in_view(ALICE, "Where", "Domo", values={"Name": "Ada"})
    await slack.workspace.wait_for(lambda world: any(one["block_id"] == "more" for one in world.views.stack(ALICE)[0].blocks))

    (body,) = online.bodies
    assert body["container"]["type"] == "view"
    assert body["view"]["state"]["values"]["name"]["typed"]["value"] == "Ada"
    assert body["actions"][0]["selected_option"]["value"] == "domo"
    state = slack.workspace.views.stack(ALICE)[0].state
    assert (state["name"]["typed"]["value"], state["where"]["pick"]["selected_option"]["value"]) == ("Ada", "domo")


async def test_a_menu_without_dispatch_action_tells_nobody(slack: SlackStandIn) -> None:
    options = [{"text": {"type": "plain_text", "text": "Zuora"}, "value": "zuora"}]
    await with_a_form(slack, an_input("where", "Where", {"type": "static_select", "action_id": "pick", "options": options}))

    with pytest.raises(NotPossibleError, match="dispatch_action"):
        await slack.people.choose_in_view(ALICE, "Where", "Zuora")


async def test_a_searched_menu_asks_the_bot_for_options(slack: SlackStandIn, online: Bot) -> None:
    offered = [{"text": {"type": "plain_text", "text": "Dunning run"}, "value": "396"}]

    @online.app.options("pick")
    async def pick(ack: Any) -> None:
        await ack(options=offered)

    menu = {"type": "external_select", "action_id": "pick", "min_query_length": 2}
    await with_a_form(slack, an_input("what", "What", menu))
    with pytest.raises(NotPossibleError, match="longer query"):
        await slack.people.suggest(ALICE, "What", "d")
    acknowledged = await slack.people.suggest(ALICE, "What", "dun")

    (body,) = online.bodies
    assert (body["type"], body["value"], body["block_id"]) == ("block_suggestion", "dun", "what")
    assert suggestions(acknowledged.body) == offered


async def test_closing_tells_the_bot_only_if_it_asked(slack: SlackStandIn, online: Bot) -> None:
    @online.app.view_closed("form")
    async def closed(ack: Any) -> None:
        await ack()

    await with_a_form(slack)
    assert await slack.people.close(ALICE) is None
    await with_a_form(slack, notify_on_close=True)
    told = await slack.people.close(ALICE, is_cleared=True)

    assert told is not None
    assert [(body["type"], body["is_cleared"]) for body in online.bodies] == [("view_closed", True)]


# --- shortcuts, Home, mentions -----------------------------------------------------------------------------------------


async def test_shortcuts_from_the_search_and_from_a_message(slack: SlackStandIn, online: Bot) -> None:
    @online.app.shortcut("launch_global")
    async def anywhere(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=a_modal())

    @online.app.shortcut("launch_from_message")
    async def here(ack: Any, respond: Any) -> None:
        await ack()
        await respond("seen")

    said = await slack.people.say(BOB, FINANCE, "please run 396")
    await slack.people.shortcut(ALICE, "launch_global")
    await slack.people.shortcut(ALICE, "launch_from_message", channel_id=FINANCE, ts=said.ts)
    await slack.workspace.wait_for(lambda world: world.views.top(ALICE) and world.ephemerals(FINANCE, ALICE))

    assert [body["type"] for body in online.bodies] == ["shortcut", "message_action"]
    assert (online.bodies[1]["message"]["text"], online.bodies[1]["channel"]["id"]) == ("please run 396", FINANCE)
    with pytest.raises(NotPossibleError, match="no message shortcut"):
        await slack.people.shortcut(ALICE, "launch_global", channel_id=FINANCE, ts=said.ts)


async def test_opening_home_shows_what_the_bot_publishes(slack: SlackStandIn, online: Bot) -> None:
    @online.app.event("app_home_opened")
    async def opened(event: Any, client: Any) -> None:
        await client.views_publish(user_id=event["user"], view=a_home(actions(button("Start", "start"))))

    @online.app.action("start")
    async def start(ack: Any) -> None:
        await ack()

    await slack.people.open_home(ALICE)
    await slack.workspace.wait_for(lambda world: world.views.home(ALICE))
    await slack.people.open_home(ALICE)
    await slack.people.click_in_view(ALICE, "Start")

    first, second, click = online.bodies
    assert (first["event"]["tab"], "view" in first["event"], "view" in second["event"]) == ("home", False, True)
    assert click["view"]["type"] == "home"


async def test_a_mention_reaches_the_bot_where_it_is_a_member(slack: SlackStandIn, online: Bot) -> None:
    @online.app.event("app_mention")
    async def mentioned(say: Any, event: Any) -> None:
        await say("here", thread_ts=event["ts"])

    said = await slack.people.say(ALICE, FINANCE, "<@U0GONOGO> status")
    await slack.people.say(ALICE, "C0PRIVATE", "<@U0GONOGO> status")
    await slack.people.say(ALICE, FINANCE, "nothing for you")
    await slack.workspace.wait_for(lambda world: world.thread(FINANCE, said.ts))

    (body,) = online.bodies
    assert body["event"]["text"] == "<@U0GONOGO> status"
    assert body["event_id"].startswith("Ev")


async def test_events_that_nobody_subscribed_to_do_not_come(slack: SlackStandIn) -> None:
    with pytest.raises(NotPossibleError, match="not subscribed"):
        await slack.people.event({"type": "reaction_added"})


async def test_a_failed_event_comes_three_times_more_and_says_why(transport: str) -> None:
    clock = StepClock()
    async with a_slack(ack_timeout_s=0.1 if transport == "socket" else 2.0, clock=clock) as slack:
        bot = Bot(an_app(slack))
        async with on_a_socket(slack, bot.app) if transport == "socket" else over_http(slack, bot.app):
            first = await slack.people.open_home(ALICE)
            await asyncio.gather(*slack._courier._retries)

    assert not first.is_ok
    assert clock.slept_s == [0, 60, 300]
    assert [one.retry for one in slack.traffic if one.kind == "delivery"] == [0, 1, 2, 3]
    assert len({body["event_id"] for body in bot.bodies}) == 1
    assert [headers["x-slack-retry-num"] for headers in bot.headers[1:]] == [["1"], ["2"], ["3"]]
    reason = "http_timeout" if transport == "socket" else "http_error"
    assert bot.headers[1]["x-slack-retry-reason"] == [reason]


class StepClock(WallClock):
    """Real time (Bolt checks signatures by it), in which nobody waits."""

    def __init__(self) -> None:
        self.slept_s: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)


# --- response URLs -----------------------------------------------------------------------------------------------------


async def response_url(slack: SlackStandIn) -> str:
    await slack.command(ALICE, FINANCE, "help")
    delivery = slack.people.payloads
    command = delivery.command(ALICE, slack.workspace.channels[FINANCE], "/launch", text="", at=slack.people.clock.now())
    return str(command.payload["response_url"])


async def post(url: str, **body: Any) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as reply:
        return reply.status, await reply.json()


async def test_a_response_url_takes_five_posts(slack: SlackStandIn) -> None:
    url = await response_url(slack)
    statuses = [(await post(url, text=f"answer {place}"))[0] for place in range(6)]

    assert statuses == [200] * 5 + [404]
    assert (await post(url, text="x"))[1]["error"] == "used_url"
    assert (await post(f"{slack.url}/respond/commands/C0/1", text="x"))[1]["error"] == "no_service"


async def test_a_response_url_lives_half_an_hour() -> None:
    clock = FrozenClock()
    async with a_slack(clock=clock) as slack:
        url = await response_url(slack)
        clock.move(minutes=31)

        assert (await post(url, text="x"))[1]["error"] == "expired_url"


async def test_what_a_response_url_cannot_show_is_refused(slack: SlackStandIn) -> None:
    url = await response_url(slack)

    assert (await post(url, text="x", replace_original=True))[1]["error"] == "message_not_found"
    assert (await post(url))[1]["error"] == "no_text"
    status, body = await post(url, text="x", blocks=[section("x" * 3001)])
    assert (status, body["error"]) == (400, "invalid_blocks")


async def test_a_response_url_can_fail_as_told(slack: SlackStandIn) -> None:
    url = await response_url(slack)
    before = len(slack.workspace.ephemerals(FINANCE, ALICE))
    slack.fault("response_url", SlackFault.refusing("internal_error"))
    slack.fault("response_url", SlackFault.dropping(is_applied=True))

    assert (await post(url, text="x"))[1]["error"] == "internal_error"
    with pytest.raises(aiohttp.ClientError):
        await post(url, text="applied")
    assert len(slack.workspace.ephemerals(FINANCE, ALICE)) == before + 1


async def test_the_original_can_be_deleted(slack: SlackStandIn, online: Bot) -> None:
    @online.app.action("go")
    async def go(ack: Any, respond: Any) -> None:
        await ack()
        await respond(delete_original=True)

    card = await a_client(slack).chat_postMessage(channel=FINANCE, text="x", blocks=[actions(button("Go", "go"))])
    await slack.click(BOB, FINANCE, card["ts"], "Go")

    await slack.workspace.wait_for(lambda world: not world.messages(FINANCE))


# --- sockets -----------------------------------------------------------------------------------------------------------


async def test_each_payload_goes_to_exactly_one_socket_in_turn(slack: SlackStandIn) -> None:
    bots = [Bot(an_app(slack)) for _ in range(2)]
    for one in bots:

        @one.app.command("/launch")
        async def launch(ack: Any) -> None:
            await ack()

    async with on_a_socket(slack, bots[0].app), on_a_socket(slack, bots[1].app):
        for place in range(4):
            assert (await slack.command(ALICE, FINANCE, str(place))).is_ok

    assert [len(one.bodies) for one in bots] == [2, 2]


@pytest.mark.parametrize("is_polite", [True, False])
async def test_the_bot_comes_back_after_a_disconnect(slack: SlackStandIn, bot: Bot, is_polite: bool) -> None:
    @bot.app.command("/launch")
    async def launch(ack: Any) -> None:
        await ack()

    async with on_a_socket(slack, bot.app):
        told = await slack.disconnect("refresh_requested") if is_polite else slack.sockets.drop()
        assert (told, slack.sockets.count) == (1, 0)
        await slack.connected()
        acknowledged = await slack.command(ALICE, FINANCE, "still there?")

    assert acknowledged.is_ok


async def a_socket(slack: SlackStandIn, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    """A raw socket of the bot, past its hello."""
    url = (await a_client(slack).apps_connections_open(app_token=slack.app_token))["url"]
    socket = await session.ws_connect(url)
    assert (await socket.receive_json())["type"] == "hello"
    return socket


async def test_a_bot_that_hangs_up_while_its_socket_opens_is_no_fault(
    slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bot that is told to end breaks its start off, at whatever moment."""
    prepare = web.WebSocketResponse.prepare

    async def too_late(wire: web.WebSocketResponse, request: web.Request) -> Any:
        assert request.transport is not None
        request.transport.close()
        return await prepare(wire, request)

    monkeypatch.setattr(web.WebSocketResponse, "prepare", too_late)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError):
            await a_socket(slack, session)

    assert slack.sockets.count == 0
    assert [record for record in caplog.records if record.name.startswith("aiohttp")] == []


async def test_a_socket_that_does_not_go_when_asked_is_closed(slack: SlackStandIn) -> None:
    slack.sockets.grace_s = 0
    async with aiohttp.ClientSession() as session:
        socket = await a_socket(slack, session)
        await slack.disconnect("warning")

        assert await socket.receive_json() == {
            "type": "disconnect",
            "reason": "warning",
            "debug_info": {"host": "applink-sandbox"},
        }
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_leaving_socket_gets_nothing_new_but_may_still_acknowledge(slack: SlackStandIn) -> None:
    async with aiohttp.ClientSession() as session:
        old = await a_socket(slack, session)
        typing = asyncio.create_task(slack.command(ALICE, FINANCE, "first"))
        first = await old.receive_json()
        await slack.disconnect("warning")
        new = await a_socket(slack, session)
        await old.send_json({"envelope_id": first["envelope_id"]})
        assert (await typing).is_ok

        typing = asyncio.create_task(slack.command(ALICE, FINANCE, "second"))
        second = await new.receive_json()
        await old.send_json({"envelope_id": second["envelope_id"]})
        assert (await typing).is_ok

    assert [envelope["payload"]["text"] for envelope in (first, second)] == ["first", "second"]


async def test_what_was_on_a_lost_socket_can_be_delivered_again(slack: SlackStandIn) -> None:
    slack._courier.ack_timeout_s = 0.05
    async with aiohttp.ClientSession() as session:
        old = await a_socket(slack, session)
        typing = asyncio.create_task(slack.command(ALICE, FINANCE, "help"))
        first = await old.receive_json()
        assert slack.sockets.drop() == 1
        lost = await typing

        slack._courier.ack_timeout_s = 2.0
        new = await a_socket(slack, session)
        again = asyncio.create_task(slack.redeliver(lost))
        second = await new.receive_json()
        await new.send_json({"envelope_id": second["envelope_id"]})

        assert (lost.error, (await again).is_ok) == ("operation_timeout", True)
    assert first["payload"] == second["payload"]
    assert first["envelope_id"] != second["envelope_id"]


async def test_an_event_says_where_it_comes_from(slack: SlackStandIn) -> None:
    async with aiohttp.ClientSession() as session:
        socket = await a_socket(slack, session)
        saying = asyncio.create_task(slack.people.say("U0STRANGER", "C0PARTNERS", "<@U0GONOGO> hi"))
        envelope = await socket.receive_json()
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
        said = await saying

    payload = envelope["payload"]
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("events_api", False)
    assert (envelope["retry_attempt"], envelope["retry_reason"]) == (0, "")
    assert (payload["type"], payload["api_app_id"], payload["is_ext_shared_channel"]) == ("event_callback", "A0GONOGO", True)
    assert payload["event"] == {
        "type": "app_mention",
        "user": "U0STRANGER",
        "text": "<@U0GONOGO> hi",
        "ts": said.ts,
        "channel": "C0PARTNERS",
        "event_ts": said.ts,
        "team": "T0GONOGO",
    }


async def test_a_bot_that_wants_no_retry_gets_none(slack: SlackStandIn) -> None:
    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=500, headers={"x-slack-no-retry": "1"})

    app = web.Application()
    app.add_routes([web.post("/", refuse), web.get("/", refuse)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await slack.people.open_home(ALICE)
    await runner.cleanup()

    assert slack._courier._retries == set()
    assert [one.retry for one in slack.traffic] == [0]


async def test_retries_end_with_the_first_success() -> None:
    clock = StepClock()
    async with a_slack(ack_timeout_s=0.05, clock=clock) as slack, aiohttp.ClientSession() as session:
        socket = await a_socket(slack, session)
        assert not (await slack.people.open_home(ALICE)).is_ok
        await socket.receive_json()
        slack._courier.ack_timeout_s = 2.0
        retried = await socket.receive_json()
        await socket.send_json({"envelope_id": retried["envelope_id"]})
        await asyncio.gather(*slack._courier._retries)

    assert (retried["retry_attempt"], retried["retry_reason"]) == (1, "http_timeout")
    assert clock.slept_s == [0]


async def test_an_eleventh_socket_is_sent_away(slack: SlackStandIn) -> None:
    client = a_client(slack)
    async with aiohttp.ClientSession() as session:
        frames, sockets = [], []
        for _ in range(MAX_SOCKETS + 1):
            url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
            socket = await session.ws_connect(url)
            sockets.append(socket)
            frames.append(await socket.receive_json())
        assert slack.sockets.count == MAX_SOCKETS

    assert [frame.get("num_connections") for frame in frames[:-1]] == list(range(1, MAX_SOCKETS + 1))
    assert (frames[-1]["type"], frames[-1]["reason"]) == ("disconnect", "too_many_websockets")


async def test_a_socket_needs_a_ticket_that_nobody_used(slack: SlackStandIn) -> None:
    url = (await a_client(slack).apps_connections_open(app_token=slack.app_token))["url"]
    async with aiohttp.ClientSession() as session:
        await session.ws_connect(url)
        for bad in (url, f"{slack.url}/link/?ticket=made-up"):
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(bad)


async def test_frames_on_the_wire_are_slacks(slack: SlackStandIn) -> None:
    url = (await a_client(slack).apps_connections_open(app_token=slack.app_token))["url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        hello = await socket.receive_json()
        typing = asyncio.create_task(slack.command(ALICE, FINANCE, "help"))
        envelope = await socket.receive_json()
        await socket.send_str("no json")
        await socket.send_str("[]")
        await socket.send_json({"envelope_id": "another"})
        await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "hi"}})
        acknowledged = await typing

    assert (hello["type"], hello["num_connections"], hello["connection_info"]) == ("hello", 1, {"app_id": "A0GONOGO"})
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert "retry_attempt" not in envelope
    assert acknowledged.body == {"text": "hi"}


async def test_nothing_waits_for_a_socket_that_never_comes(slack: SlackStandIn) -> None:
    with pytest.raises(TimeoutError):
        await slack.connected(0.05)


def test_the_signing_secret_stays_out_of_sight() -> None:
    slack = SlackStandIn(Workspace.demo())

    assert SIGNING_SECRET not in repr(slack._courier)
    assert slack.bot_token not in repr(slack.workspace.tokens[slack.bot_token])


def test_a_delivery_is_named_by_what_it_is_about() -> None:
    named = [
        Delivery(kind="slash_commands", payload={"command": "/launch"}),
        Delivery(kind="interactive", payload={"type": "block_actions"}),
        Delivery(kind="events_api", payload={"type": "event_callback", "event": {"type": "app_mention"}}),
    ]

    assert [one.name for one in named] == ["/launch", "block_actions", "app_mention"]


async def test_a_stopped_stand_in_can_start_again(slack: SlackStandIn) -> None:
    await slack.stop()
    await slack.start()

    assert (await a_client(slack).auth_test())["user_id"] == "U0GONOGO"


async def test_the_wall_clock_is_utc_and_waits() -> None:
    clock = WallClock()
    before = clock.now()
    await clock.sleep(0)

    assert before.tzinfo is not None
    assert clock.now() >= before
