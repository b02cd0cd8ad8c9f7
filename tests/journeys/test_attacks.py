"""Attempts to get a launch through without a right to it, at the whole bot: requests as they come over the network, from outside and
from colleagues. After each, no provider has a run that nobody was entitled to, and nobody but the attacker was told anything.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp
import pytest
import yaml

from bot import providers
from bot.sandbox.slack.delivery import on_the_wire, signature
from bot.sandbox.slack.faults import FaultKind as SlackFaultKind
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.forms import named
from bot.sandbox.slack.payloads import Delivery, used
from bot.sandbox.slack.workspace import Message, dm_id
from bot.sandbox.slack.world import User
from bot.sandbox.standins import Fault, FaultKind
from bot.sandbox.world import CONFIGURATION
from bot.settings import read_configuration
from tests.journeys.house import ENDS, House, a_house, launch_id

GOOD = "billing 396 accountId=A1"
BOUND = 'billing "Refund approval" paymentId=P1'
CHANNELS = """channels:
  C0FINANCE:
    name: finance-ops
    grants:
      - connection: billing
        scopes: [Workflow Run Access, Workflow View Access]
        workflows: ["396"]
        requesters: [members]
        inputs: {maxAmount: {max: 500}}
        limits: {per_hour: 3}
      - connection: billing
        scopes: [Workflow Run Access, Workflow View Access]
        workflows: [Refund approval]
        requesters: [members]
        approval: {approvers: [S0LEADS], required: 1}
  C0SALES:
    name: sales-ops
    grants:
      - connection: crm
        scopes: [bizproc, crm]
        workflows: ["713"]
        requesters: [S0LEADS]
      - connection: billing
        scopes: [Workflow Run Access, Workflow View Access]
        workflows: [Refund approval]
        requesters: [members]
        approval: {approvers: [S0LEADS, U0ALICE], required: 2}
"""
EVERYBODY = ("U0ALICE", "U0BOB", "U0CAROL", "U0GUEST", "U0STRANGER", "U0GONE", "U0ROBOT")


@asynccontextmanager
async def the_house(
    folder: Path, mode: Literal["socket", "http"] = "http", channels: str = CHANNELS
) -> AsyncGenerator[House, None]:
    """The demo's connections under a policy that has something to get around."""
    demo = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    ours = {"slack": {"command": "/launch"}, "connections": demo["connections"], **yaml.safe_load(channels)}
    path = folder / "gonogo.yaml"
    path.write_text(yaml.safe_dump(ours), encoding="utf-8")
    async with a_house(folder, mode=mode, configuration=path) as house:
        yield house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House, None]:
    async with the_house(tmp_path) as one:
        yield one


def now(house: House) -> datetime:
    return house.slack.people.clock.now()


def runs(house: House) -> int:
    """Runs at any provider; those that were there before are as old as the world."""
    return sum(run.started_at > 0 for name in providers.load() for run in house.providers.runs(name))


def a_command(house: House, as_user: str = "U0BOB", **changed: Any) -> Delivery:
    """As Slack would send it, but for who sends it, and what is changed. Its answer address is Bob's, so it goes without one."""
    channel = house.workspace.channels["C0FINANCE"]
    delivery = house.slack.people.payloads.command("U0BOB", channel, "/launch", text=GOOD, at=now(house))
    return replace(delivery, payload={**delivery.payload, "user_id": as_user, "response_url": "", **changed})


def a_press(house: House, user_id: str, card: Message, label: str, **changed: Any) -> Delivery:
    """A press on a card's button; ``changed`` are fields of the action."""
    shown = house.workspace.find(card.channel_id, card.ts)
    assert shown is not None
    control = named(shown.blocks, label)
    action = {**used(control, {"type": "button", "value": control.element.get("value", "")}), **changed}
    return house.slack.people.payloads.message_action(user_id, shown, action, now(house))


async def send(house: House, *deliveries: Delivery) -> None:
    """Deliver them at once, validly signed, and wait until their work is done."""
    await asyncio.gather(*(house.slack.people.courier.send(delivery) for delivery in deliveries))
    await house.bot.parts.door.drain()


async def post(house: House, body: bytes, headers: dict[str, str], content: str = "application/x-www-form-urlencoded") -> int:
    """A request from anywhere; the status that came back."""
    url = house.slack.request_url or f"http://127.0.0.1:{house.bot.http_port}/slack/events"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=io.BytesIO(body), headers={"Content-Type": content, **headers}, allow_redirects=False) as reply,
    ):
        await reply.read()
        status = reply.status
    await house.bot.parts.door.drain()
    return status


def told(house: House, *, but: tuple[str, ...] = ()) -> list[str]:
    """Everything that anybody sees of the bot, but for what only these people see, there or directly."""
    directly = {dm_id(one) for one in but if one}
    places = [channel_id for channel_id in house.workspace.channels if channel_id not in directly]
    seen = [message.text for channel_id in places for message in house.workspace.messages(channel_id)]
    for channel_id in house.workspace.channels:
        for person in set(EVERYBODY) - set(but):
            seen += [message.text for message in house.workspace.ephemerals(channel_id, person)]
    return seen


def only(house: House, user_id: str, channel_id: str = "C0FINANCE") -> str:
    """What only this person was told, there."""
    (message,) = house.workspace.ephemerals(channel_id, user_id)
    return message.text


async def waiting(house: House, text: str = BOUND, user_id: str = "U0ALICE", channel_id: str = "C0FINANCE") -> Message:
    """A launch that others must agree to."""
    card = await house.launched(user_id, channel_id, text)
    assert card.text.startswith("Awaiting approval")
    return card


async def all_over(house: House, launches: int) -> None:
    """Wait until so many launches have a card, and each is over."""
    cards = await house.workspace.wait_for(
        lambda seen: seen.messages("C0FINANCE") if len(seen.messages("C0FINANCE")) >= launches else None
    )
    await asyncio.gather(*(house.card(card, *ENDS) for card in cards))


def word(house: House, card: Message) -> str:
    """How the card begins now."""
    shown = house.workspace.find(card.channel_id, card.ts)
    assert shown is not None
    return shown.text


# --- from outside: nothing that Slack did not sign ---------------------------------------------------------------------------


def signed(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    return signature(secret, body, at)


def _another_version(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), b"v1:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v1={digest}"}


FORGERIES: dict[str, Callable[[str, bytes, datetime], dict[str, str]]] = {
    "no signature": lambda _secret, _body, _at: {},
    "another secret": lambda _secret, body, at: signed("guessed", body, at),
    "empty secret": lambda _secret, body, at: signed("", body, at),
    "empty signature": lambda secret, body, at: signed(secret, body, at) | {"x-slack-signature": ""},
    "of another body": lambda secret, body, at: signed(secret, body + b"&text=", at),
    "six minutes old": lambda secret, body, at: signed(secret, body, at - timedelta(minutes=6)),
    "six minutes ahead": lambda secret, body, at: signed(secret, body, at + timedelta(minutes=6)),
    "a newer time on an old one": lambda secret, body, at: (
        signed(secret, body, at - timedelta(minutes=6)) | {"x-slack-request-timestamp": str(int(at.timestamp()))}
    ),
    "no number for a time": lambda secret, body, at: signed(secret, body, at) | {"x-slack-request-timestamp": "now"},
    "another version": _another_version,
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_what_slack_did_not_sign_is_not_even_read(house: House, forgery: str) -> None:
    body, _ = on_the_wire(a_command(house))

    status = await post(house, body, FORGERIES[forgery](house.slack.signing_secret, body, now(house)))

    assert status >= 400
    assert (runs(house), told(house)) == (0, [])


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b"ssl_check=1&command=%2Flaunch&text=billing+396", "application/x-www-form-urlencoded"),
        (json.dumps({"type": "url_verification", "challenge": "mine"}).encode(), "application/json"),
        (urlencode({"payload": "[" * 200_000}).encode(), "application/x-www-form-urlencoded"),
        (b"[" * 200_000, "application/json"),
        (b"payload=" + b"x" * 2_000_000, "application/x-www-form-urlencoded"),
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
        (b"", "application/json"),
        (b"payload=null", "application/x-www-form-urlencoded"),
    ],
    ids=["ssl_check", "url_verification", "deep payload", "deep JSON", "two megabytes", "no text", "nothing", "null"],
)
async def test_unsigned_odd_requests_neither_start_nor_stop_anything(house: House, body: bytes, content: str) -> None:
    await post(house, body, {}, content)

    assert (runs(house), told(house)) == (0, [])
    assert (await house.ended("U0BOB", "C0FINANCE", GOOD)).text.startswith("Succeeded")


async def test_in_socket_mode_nothing_of_slack_is_taken_from_the_network(tmp_path: Path) -> None:
    async with the_house(tmp_path, "socket") as house:
        body, _ = on_the_wire(a_command(house))

        status = await post(house, body, signature("", body, now(house)))

        assert status == 404
        assert (runs(house), told(house)) == (0, [])


async def test_what_anybody_can_read_of_the_bot_names_nobody_and_nothing(house: House) -> None:
    await house.ended("U0BOB", "C0FINANCE", GOOD)

    async with aiohttp.ClientSession() as session:
        pages = [
            await (await session.get(f"http://127.0.0.1:{house.bot.http_port}{path}")).text() for path in ("/metrics", "/healthz")
        ]

    secrets = (
        house.slack.bot_token,
        house.slack.signing_secret,
        "U0BOB",
        "C0FINANCE",
        "A1",
        *house.providers.environment().values(),
    )
    assert not [one for one in secrets if one and any(one in page for page in pages)]


async def test_a_recorded_request_sent_again_and_again_is_one_launch(house: House) -> None:
    body, _ = on_the_wire(a_command(house))
    headers = signature(house.slack.signing_secret, body, now(house))

    first = await asyncio.gather(*(post(house, body, headers) for _ in range(5)))
    await all_over(house, 1)
    later = await post(house, body, headers)

    assert {*first, later} == {200}
    assert (runs(house), len(house.workspace.messages("C0FINANCE"))) == (1, 1)


# --- signed, and from whom or where it must not come ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "user_id", ["U0GUEST", "U0STRANGER", "U0GONE", "U0ROBOT", "U0GONOGO", "USLACKBOT", "U0NOBODY", "", "u0bob"]
)
async def test_who_is_no_full_member_starts_nothing_by_command_button_or_event(house: House, user_id: str) -> None:
    card = await waiting(house)
    before = told(house, but=(user_id,))
    as_them = {"user": {"id": user_id, "team_id": "T0OTHER"}, "response_url": ""}
    presses = [a_press(house, "U0BOB", card, label) for label in ("Approve", "Reject", "Cancel")]
    forged = [replace(press, payload={**press.payload, **as_them}) for press in presses]

    await send(house, a_command(house, as_user=user_id), *forged)

    assert (runs(house), word(house, card)[:17]) == (0, "Awaiting approval")
    assert told(house, but=(user_id,)) == before


async def test_a_workflow_builders_bot_is_a_bot(house: House) -> None:
    robot = User(user_id="U0FLOWBOT", name="flowbot", real_name="Flow", team_id="T0GONOGO", is_bot=True)
    house.workspace.users[robot.user_id] = robot

    await send(house, a_command(house, "U0FLOWBOT"))

    assert runs(house) == 0


@pytest.mark.parametrize("channel_id", ["C0NOWHERE", "C0PRIVATE", "C0PARTNERS", "C0GENERAL", "D0BOB", "", "C0FINANCE,C0SALES"])
async def test_in_a_foreign_channel_nothing_is_launched(house: House, channel_id: str) -> None:
    house.workspace.open_dm("U0BOB")

    await send(house, a_command(house, channel_id=channel_id))

    assert runs(house) == 0
    assert told(house, but=("U0BOB",)) == []


async def test_a_grant_is_not_carried_to_where_it_was_not_given(house: House) -> None:
    """Alice may in #finance-ops what she asks for in #sales-ops, where Bob may what she may not."""
    assert "billing" in await house.told("U0ALICE", "C0SALES", GOOD)
    assert await house.told("U0ALICE", "C0SALES", "crm 713 entityType=deal entityId=5141")

    assert runs(house) == 0


# --- buttons -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["", "L-00000", "*", None, 7, ["L-00000"], {"id": 1}, "L-" + "A" * 3000])
async def test_a_button_with_another_value_decides_nothing(house: House, value: object) -> None:
    card = await waiting(house)

    await send(house, a_press(house, "U0BOB", card, "Approve", value=value))

    assert (runs(house), word(house, card)[:17]) == (0, "Awaiting approval")


async def test_a_button_whose_value_is_another_channels_launch_is_judged_by_that_launch(house: House) -> None:
    """Bob's yes is enough for the one in #finance-ops; on its card he presses a button that names the other, which needs two."""
    here, other = await waiting(house), await waiting(house, user_id="U0CAROL", channel_id="C0SALES")

    await send(house, a_press(house, "U0BOB", here, "Approve", value=launch_id(other)))

    assert {word(house, one)[:17] for one in (here, other)} == {"Awaiting approval"}
    assert runs(house) == 0


async def test_a_button_does_not_say_where_another_launchs_card_stands(house: House) -> None:
    """Slack's answer to a post is lost, so a press is what tells where that card stands: but not one on another card."""
    one = await house.card(await waiting(house), "Awaiting approval")
    house.slack.fault("chat.postMessage", SlackFault(kind=SlackFaultKind.DROP, is_applied=True))
    await house.type("U0CAROL", "C0FINANCE", BOUND)
    other = await house.workspace.wait_for(
        lambda seen: next((two for two in seen.messages("C0FINANCE") if two.ts != one.ts), None)
    )

    await send(house, a_press(house, "U0GUEST", one, "Approve", value=launch_id(other)))
    await house.told("U0CAROL", "C0FINANCE", f"cancel {launch_id(other)}")
    await send(house, a_press(house, "U0BOB", other, "Approve"))
    await house.card(other, "Cancelled")

    assert launch_id(one) in word(house, one)
    assert word(house, one).startswith("Awaiting approval")


async def test_a_card_forwarded_elsewhere_cancels_nothing_from_there(house: House) -> None:
    card = await waiting(house)
    press = a_press(house, "U0BOB", card, "Cancel")
    moved = {"channel": {"id": "C0SALES", "name": "sales-ops"}}

    await send(house, replace(press, payload={**press.payload, **moved}))

    assert word(house, card).startswith("Awaiting approval")


async def test_a_recorded_press_counts_once_at_once_and_later(house: House) -> None:
    card = await waiting(house, channel_id="C0SALES", user_id="U0CAROL")
    press = a_press(house, "U0BOB", card, "Approve")
    again = a_press(house, "U0BOB", card, "Approve")

    await send(house, press, press, press)
    await send(house, press, again)

    assert (runs(house), word(house, card)[:17]) == (0, "Awaiting approval")


@pytest.mark.parametrize("door", ["card", "typed", "elsewhere", "home"])
async def test_the_requester_cannot_agree_through_any_door(house: House, door: str) -> None:
    card = await waiting(house, user_id="U0BOB")
    match door:
        case "card":
            await house.slack.click("U0BOB", card.channel_id, card.ts, "Approve")
        case "typed":
            await house.type("U0BOB", "C0FINANCE", f"approve {launch_id(card)}")
        case "elsewhere":
            await house.type("U0BOB", dm_id("U0BOB"), f"approve {launch_id(card)}")
        case _:
            press = a_press(house, "U0BOB", card, "Approve")
            view = {"container": {"type": "view", "view_id": "V1"}, "view": {"id": "V1", "type": "home"}}
            payload = {name: part for name, part in press.payload.items() if name not in {"channel", "message", "response_url"}}
            await send(house, replace(press, payload=payload | view))
    await house.bot.parts.door.drain()

    assert (runs(house), word(house, card)[:17]) == (0, "Awaiting approval")


async def test_an_edited_form_is_about_the_press_that_opened_it_and_nothing_else(house: House) -> None:
    """Alice may decide in #sales-ops; what she sends back names the press of a colleague, another callback, or nothing."""
    card = await waiting(house, user_id="U0CAROL", channel_id="C0SALES")
    other = await waiting(house, user_id="U0CAROL")
    await house.slack.click("U0BOB", other.channel_id, other.ts, "Reject")
    await house.slack.click("U0ALICE", card.channel_id, card.ts, "Reject")
    theirs = await house.workspace.wait_for(lambda seen: seen.views.top("U0BOB"))
    mine = await house.workspace.wait_for(lambda seen: seen.views.top("U0ALICE"))
    values = {"reason": {"value": {"type": "plain_text_input", "value": "mine"}}}
    sent = house.slack.people.payloads.submission("U0ALICE", mine, values, now(house))
    view = sent.payload["view"]
    edits = (
        {"private_metadata": theirs.content["private_metadata"]},
        {"private_metadata": launch_id(other)},
        {"private_metadata": ""},
        {"callback_id": "doubt_ran_form", "private_metadata": theirs.content["private_metadata"]},
        {"callback_id": "approval_approve"},
    )

    await send(house, *(replace(sent, payload={**sent.payload, "view": {**view, **edit}}) for edit in edits))

    assert {word(house, one)[:17] for one in (card, other)} == {"Awaiting approval"}


# --- what changes in between ------------------------------------------------------------------------------------------------------


async def test_who_left_the_group_between_request_and_press_decides_nothing(house: House) -> None:
    card = await waiting(house)
    leads = house.workspace.groups["S0LEADS"]
    house.workspace.groups["S0LEADS"] = replace(leads, users=("U0CAROL",))

    await send(house, a_press(house, "U0BOB", card, "Approve"))

    assert (runs(house), word(house, card)[:17]) == (0, "Awaiting approval")


async def test_an_approver_who_became_a_guest_or_left_decides_nothing(house: House) -> None:
    card = await waiting(house)
    bob = house.workspace.users["U0BOB"]

    for changed in (replace(bob, is_restricted=True), replace(bob, deleted=True), replace(bob, is_bot=True)):
        house.workspace.users["U0BOB"] = changed
        await send(house, a_press(house, "U0BOB", card, "Approve"))

    assert (runs(house), word(house, card)[:17]) == (0, "Awaiting approval")


async def test_a_launch_of_somebody_who_left_meanwhile_is_not_started_by_a_yes(house: House) -> None:
    card = await waiting(house)
    house.workspace.users["U0ALICE"] = replace(house.workspace.users["U0ALICE"], deleted=True)

    await send(house, a_press(house, "U0BOB", card, "Approve"))
    await house.card(card, "Failed")

    assert runs(house) == 0


async def test_a_grant_that_is_removed_between_the_yes_and_the_start_starts_nothing(house: House, tmp_path: Path) -> None:
    """The provider is busy at the first try, the configuration is read anew, and the second try is not made."""
    card = await waiting(house)
    house.providers.fault("zuora", Fault(kind=FaultKind.STATUS, status=429, retry_after_s=1), verb="start")
    await send(house, a_press(house, "U0BOB", card, "Approve"))
    await house.workspace.wait_for(lambda seen: len(seen.thread(card.channel_id, card.ts)) > 2)
    path = tmp_path / "gonogo.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("- Refund approval", "- '48'"), encoding="utf-8")
    changed = read_configuration(path, providers=providers.load(), environment=house.providers.environment())
    house.bot.parts.standing.replace(policy=changed.policy, connections=changed.connections)

    await house.card(card, "Failed")

    assert runs(house) == 0


async def test_twenty_commands_at_once_are_no_more_launches_than_the_limit(house: House) -> None:
    commands = [a_command(house, person) for person in ("U0ALICE", "U0BOB", "U0CAROL", "U0BOB") for _ in range(5)]

    await send(house, *commands)
    await all_over(house, 3)

    assert (runs(house), len(house.workspace.messages("C0FINANCE"))) == (3, 3)


async def test_what_is_typed_calls_nobody(house: House) -> None:
    """Mentions and links in inputs and in a reason: shown as they were written, to people who look, and to nobody else."""
    loud = "<!channel> <!here> <@U0CAROL> <!subteam^S0LEADS> <https://example.com|billing>"
    card = await waiting(house, f'billing "Refund approval" "paymentId={loud.replace("<!subteam^S0LEADS> ", "")}"')
    await house.slack.click("U0BOB", card.channel_id, card.ts, "Reject")
    await house.workspace.wait_for(lambda seen: seen.views.top("U0BOB"))

    await house.slack.submit("U0BOB", {"Reason": loud})
    await house.card(card, "Rejected")

    written = "\n".join([word(house, card), *house.thread(card)])
    assert "!channel" in written
    assert not [
        mark for mark in ("<!channel>", "<!here>", "<!subteam^S0LEADS> <", "<https://example.com|billing>") if mark in written
    ]


# --- looking at what is not theirs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user_id", ["U0GUEST", "U0STRANGER"])
async def test_the_home_of_who_is_no_full_member_tells_nothing(house: House, user_id: str) -> None:
    await waiting(house)

    await house.slack.people.open_home(user_id)
    await house.bot.parts.door.drain()
    home = await house.workspace.wait_for(lambda seen: seen.views.home(user_id))

    shown = json.dumps(home.content)
    assert not [word for word in ("finance-ops", "Refund", "billing", "Launch", "U0ALICE") if word in shown]


async def test_the_home_of_a_member_tells_nothing_of_channels_that_they_are_not_in(house: House) -> None:
    channel = house.workspace.channels["C0SALES"]
    house.workspace.change_channel("C0SALES", now(house), members=channel.members - {"U0CAROL"})
    await waiting(house, user_id="U0BOB", channel_id="C0SALES")

    await house.slack.people.open_home("U0CAROL")
    home = await house.workspace.wait_for(lambda seen: seen.views.home("U0CAROL"))

    shown = json.dumps(home.content)
    assert "finance-ops" in shown
    assert "sales-ops" not in shown


async def test_a_launch_of_another_channel_is_neither_told_nor_touched_from_elsewhere(house: House) -> None:
    card = await waiting(house)
    words = (
        f"status {launch_id(card)}",
        f"cancel {launch_id(card)}",
        f"approve {launch_id(card)}",
        f"reject {launch_id(card)} no",
    )
    house.workspace.groups["S0LEADS"] = replace(house.workspace.groups["S0LEADS"], users=("U0BOB",))

    answers = [await house.told("U0CAROL", "C0GENERAL", text) for text in words]

    assert not [answer for answer in answers if "P1" in answer or "Refund" in answer or "finance-ops" in answer]
    assert (runs(house), word(house, card)[:17]) == (0, "Awaiting approval")
