"""The control door: a second terminal acts as anyone, and a web page from elsewhere as nobody."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from bot.sandbox.slack import SlackStandIn
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
    refused,
)

CHOICES = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("One", "Two")]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    # Bolt makes clients of its own, and they read these; they cannot be handed in.
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    logging.getLogger("slack_bolt").setLevel(logging.CRITICAL)


class Door:
    """A second terminal."""

    def __init__(self, slack: SlackStandIn, session: aiohttp.ClientSession) -> None:
        self.slack = slack
        self.session = session

    async def post(self, act: str, **given: Any) -> tuple[int, dict[str, Any]]:
        async with self.session.post(f"{self.slack.url}/_control/{act}", json=given) as reply:
            return reply.status, await reply.json()

    async def done(self, act: str, **given: Any) -> dict[str, Any]:
        status, told = await self.post(act, **given)
        assert (status, told["ok"]) == (200, True), told
        return told

    async def get(self, what: str) -> dict[str, Any]:
        async with self.session.get(f"{self.slack.url}/_control/{what}") as reply:
            assert reply.status == 200
            return await reply.json()


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with a_slack(ack_timeout_s=2.0) as stand_in:
        yield stand_in


@pytest.fixture
async def door(slack: SlackStandIn) -> AsyncIterator[Door]:
    async with aiohttp.ClientSession() as session:
        yield Door(slack, session)


@pytest.fixture
async def bot(slack: SlackStandIn) -> AsyncIterator[None]:
    """A bot that answers everything."""
    app = an_app(slack)

    @app.command("/launch")
    async def launch(ack: Any, body: Any, client: Any) -> None:
        await ack("seen")
        if body["text"] == "form":
            where = an_input(
                "where", "Where", {"type": "static_select", "action_id": "pick", "options": CHOICES}, dispatch_action=True
            )
            search = an_input(
                "what", "What", {"type": "external_select", "action_id": "find", "min_query_length": 0}, optional=True
            )
            view = a_modal(where, search, a_text_field(), notify_on_close=True)
            await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.event("app_home_opened")
    async def opened(event: Any, client: Any) -> None:
        await client.views_publish(user_id=event["user"], view=a_home(actions(button("Start", "go"))))

    @app.event("app_mention")
    async def mentioned() -> None: ...

    @app.event("tokens_revoked")
    async def revoked() -> None: ...

    @app.options("find")
    async def find(ack: Any) -> None:
        await ack(options=CHOICES)

    for listen in (app.action("go"), app.action("pick"), app.action("more"), app.view("form"), app.view_closed("form")):

        @listen
        async def answer(ack: Any) -> None:
            await ack()

    @app.shortcut("launch_global")
    async def shortcut(ack: Any) -> None:
        await ack()

    async with on_a_socket(slack, app):
        yield


# --- who is let in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ],
)
@pytest.mark.parametrize("what", ["command", "state", "messages/C0FINANCE", "thread/C0FINANCE/1", "traffic", "changes"])
async def test_pages_from_elsewhere_are_refused(door: Door, headers: dict[str, str], what: str) -> None:
    verb = "POST" if what == "command" else "GET"
    given = {"json": {"user": ALICE, "channel": FINANCE}} if verb == "POST" else {}
    async with door.session.request(verb, f"{door.slack.url}/_control/{what}", headers=headers, **given) as reply:
        assert reply.status == 403
    assert door.slack.workspace.changes == []


async def test_its_own_page_and_local_names_are_let_in(door: Door) -> None:
    url, port = f"{door.slack.url}/_control/state", door.slack.url.rpartition(":")[2]
    for headers in ({"Origin": door.slack.url}, {"Host": f"localhost:{port}"}, {}):
        async with door.session.get(url, headers=headers) as reply:
            assert reply.status == 200


async def test_a_form_post_is_not_json_and_bad_json_is_said(door: Door) -> None:
    url = f"{door.slack.url}/_control/command"
    async with door.session.post(url, data={"user": ALICE}) as reply:
        assert reply.status == 415
    for text in ("{", "[]"):
        async with door.session.post(url, data=text, headers={"Content-Type": "application/json"}) as reply:
            assert reply.status == 400


async def test_what_is_missing_or_impossible_is_named(door: Door) -> None:
    assert await door.post("command", user=ALICE) == (400, {"ok": False, "error": "missing: 'channel'"})
    status, told = await door.post("command", user="U0GONE", channel=FINANCE)
    assert (status, told["error"]) == (409, "U0GONE is nobody who could do that")
    status, told = await door.post("redeliver", delivery=7)
    assert (status, "no delivery 7" in told["error"]) == (409, True)
    status, told = await door.post("fault", method="*", fault={"kind": "explode"})
    assert (status, "hang" in told["error"]) == (409, True)


@pytest.mark.parametrize(
    ("act", "given", "said"),
    [
        ("command", {"user": ALICE, "channel": FINANCE, "text": None}, "text must be text"),
        ("command", {"user": ALICE, "channel": FINANCE, "text": 5}, "text must be text"),
        ("command", {"user": [], "channel": FINANCE}, "user must be text"),
        ("click", {"user": ALICE, "channel": FINANCE, "ts": 1.5, "label": "Go"}, "ts must be text"),
        ("submit", {"user": ALICE, "values": []}, "values must be a JSON object or null"),
        ("redeliver", {"delivery": True}, "delivery must be a whole number"),
        ("event", {"event": "tokens_revoked"}, "event must be a JSON object"),
        ("limits", {"is_on": "no"}, "is_on must be true or false"),
        ("fault", {"method": "*", "fault": {"kind": "error"}, "times": 0}, "times must be a whole number from 1 to 1000"),
        ("fault", {"method": "*", "fault": {"kind": "status", "status": "503"}}, "status must be a whole number"),
    ],
)
async def test_what_does_not_fit_is_said(door: Door, act: str, given: dict[str, Any], said: str) -> None:
    assert await door.post(act, **given) == (400, {"ok": False, "error": said})


async def test_an_unknown_reason_to_disconnect_is_named(door: Door) -> None:
    status, told = await door.post("disconnect", reason="boredom")
    assert (status, "boredom" in told["error"], "warning" in told["error"]) == (409, True, True)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("messages/TYPO", FINANCE),
        (f"messages/{FINANCE}?user=U0TYPO", ALICE),
        ("thread/TYPO/1.000000", FINANCE),
        (f"thread/{FINANCE}/1.000000", f"/_control/messages/{FINANCE}"),
    ],
)
async def test_looking_at_what_is_not_there_is_said(door: Door, what: str, said: str) -> None:
    async with door.session.get(f"{door.slack.url}/_control/{what}") as reply:
        told = await reply.json()

    assert (reply.status, told["ok"], said in told["error"]) == (404, False, True)


async def test_a_direct_message_that_nobody_opened_is_empty(door: Door) -> None:
    assert (await door.get("messages/D0ALICE"))["messages"] == []


async def test_every_answer_ends_its_line(door: Door) -> None:
    """A terminal's prompt stands on a line of its own."""
    url = f"{door.slack.url}/_control"
    for verb, what in (("GET", "state"), ("GET", "messages/TYPO"), ("POST", "command")):
        async with door.session.request(verb, f"{url}/{what}") as reply:
            assert (await reply.text()).endswith("\n")


# --- acting ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("bot")
async def test_a_command_and_its_redelivery(door: Door) -> None:
    told = await door.done("command", user=ALICE, channel=FINANCE, text="list")
    again = await door.done("redeliver", delivery=told["delivery"])

    assert (told["status"], told["body"], told["is_acknowledged"]) == (200, {"text": "seen"}, True)
    assert again["delivery"] == told["delivery"] + 1
    shown = (await door.get(f"messages/{FINANCE}?user={ALICE}"))["messages"]
    assert [message["text"] for message in shown] == ["seen", "seen"]
    assert (await door.get(f"messages/{FINANCE}"))["messages"] == []
    names = [one["name"] for one in (await door.get("traffic"))["traffic"] if one["kind"] == "delivery"]
    assert names == ["/launch", "/launch"]


@pytest.mark.usefixtures("bot")
async def test_buttons_menus_and_threads(door: Door) -> None:
    menu = {"type": "static_select", "action_id": "more", "options": CHOICES}
    client = a_client(door.slack)
    card = await client.chat_postMessage(channel=FINANCE, text="card", blocks=[actions(button("Go", "go"), menu)])
    await client.chat_postMessage(channel=FINANCE, text="line", thread_ts=card["ts"])

    assert (await door.done("click", user=BOB, channel=FINANCE, ts=card["ts"], label="Go"))["is_acknowledged"]
    assert (await door.done("choose", user=BOB, channel=FINANCE, ts=card["ts"], label="more", value="Two"))["is_acknowledged"]
    replies = (await door.get(f"thread/{FINANCE}/{card['ts']}"))["messages"]
    assert [reply["text"] for reply in replies] == ["line"]


@pytest.mark.usefixtures("bot")
async def test_a_form_from_opening_to_closing(door: Door) -> None:
    await door.done("command", user=ALICE, channel=FINANCE, text="form")
    await door.slack.workspace.wait_for(lambda world: world.views.top(ALICE))
    typed = await door.done("type", user=ALICE, values={"Name": "Ada"})
    picked = await door.done("choose", user=ALICE, label="Where", value="One", values={"Name": "Grace"})
    offered = await door.done("suggest", user=ALICE, label="What")
    sent = await door.done("submit", user=ALICE, values={"What": CHOICES[1]})

    assert typed["view"]["state"]["name"]["typed"]["value"] == "Ada"
    assert (picked["is_acknowledged"], offered["body"]["options"], sent["is_acknowledged"]) == (True, CHOICES, True)
    state = await door.get("state")
    assert (state["modals"][ALICE], state["sockets"]) == ([], 1)

    await door.done("command", user=ALICE, channel=FINANCE, text="form")
    await door.slack.workspace.wait_for(lambda world: world.views.top(ALICE))
    assert (await door.done("close", user=ALICE, all=True))["is_acknowledged"]


@pytest.mark.usefixtures("bot")
async def test_home_shortcuts_words_and_events(door: Door) -> None:
    assert (await door.done("home", user=ALICE))["is_acknowledged"]
    await door.slack.workspace.wait_for(lambda world: world.views.home(ALICE))
    assert (await door.done("click", user=ALICE, label="Start"))["is_acknowledged"]
    assert (await door.done("shortcut", user=ALICE, callback_id="launch_global"))["is_acknowledged"]
    said = await door.done("say", user=ALICE, channel=FINANCE, text="<@U0GONOGO> status")
    assert (await door.done("event", event={"type": "tokens_revoked"}))["is_acknowledged"]

    assert said["message"]["text"] == "<@U0GONOGO> status"
    assert list((await door.get("state"))["homes"]) == [ALICE]


async def test_closing_a_form_that_does_not_care_tells_nobody(door: Door) -> None:
    door.slack.workspace.views.open(ALICE, a_modal(), door.slack.people.clock.now())

    assert await door.done("close", user=ALICE) == {"ok": True}


# --- bad days ----------------------------------------------------------------------------------------------------------


async def test_faults_and_limits_by_control(door: Door) -> None:
    client = a_client(door.slack)
    await door.done("fault", method="auth.test", fault={"kind": "error", "error": "fatal_error"}, times=1)
    assert (await refused(client.auth_test()))["error"] == "fatal_error"

    await door.done("limits", method="auth.test", times=1, retry_after_s=9)
    assert (await refused(client.auth_test()))["error"] == "ratelimited"
    assert (await client.auth_test())["ok"]

    assert (await door.done("limits", is_on=True))["is_on"] is True
    for _ in range(5):
        await client.chat_postMessage(channel=FINANCE, text="x")
    assert (await refused(client.chat_postMessage(channel=FINANCE, text="x")))["error"] == "ratelimited"

    await door.done("fault", method="*", fault={"kind": "status", "status": 500}, times=99)
    await door.done("release")
    assert (await client.auth_test())["ok"]


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("reason", ["warning", "drop"])
async def test_disconnecting_by_control(door: Door, reason: str) -> None:
    assert (await door.done("disconnect", reason=reason))["sockets"] == 1
    await door.slack.connected()

    assert (await door.done("command", user=ALICE, channel=FINANCE))["is_acknowledged"]


# --- watching ----------------------------------------------------------------------------------------------------------


async def test_changes_are_streamed_as_they_happen(door: Door) -> None:
    async with door.session.get(f"{door.slack.url}/_control/changes") as stream:
        await door.done("say", user=ALICE, channel=FINANCE, text="hello")
        line = (await stream.content.readline()).decode()

    change = json.loads(line.removeprefix("data: "))
    assert stream.content_type == "text/event-stream"
    assert (change["kind"], change["message"]["text"]) == ("message_posted", "hello")


async def test_no_token_is_shown(door: Door) -> None:
    await a_client(door.slack).auth_test()
    shown = json.dumps([await door.get("state"), await door.get("traffic")])

    assert not any(secret in shown for secret in (door.slack.bot_token, door.slack.app_token, door.slack.signing_secret))
