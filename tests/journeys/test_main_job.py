"""The main job through the whole bot: a typed command in; out come the document's request, thread lines and a final card.

Every call to Slack is made by the real slack_sdk, every call to a provider by the real wire, over TCP.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.model import State
from bot.sandbox.journeys import LAUNCHES, Journey
from bot.store import open_store
from tests.builders import a_delivery
from tests.journeys.house import ENDS, House, a_house, launch_id

ACCOUNT = "accountId=4028905f5a87c0ff015a87d25ae90025"
SUM = "analytics AddTwoNumbers parameter1=13 parameter2=7"


@pytest.fixture(params=["socket", "http"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[House, None]:
    async with a_house(tmp_path, mode=request.param) as house:
        yield house


@pytest.fixture
async def slow_house(tmp_path: Path) -> AsyncGenerator[House, None]:
    """Runs take a minute, so that something can happen to them."""
    async with a_house(tmp_path, run_s=60.0) as house:
        yield house


@pytest.mark.parametrize("journey", LAUNCHES, ids=lambda journey: journey.title.split(" ")[0].rstrip(":,"))
async def test_a_launch_sends_the_documents_request_and_ends_on_its_card(house: House, journey: Journey) -> None:
    assert journey.request is not None
    assert journey.ends is not None

    card = await house.ended(journey.user_id, journey.channel_id, journey.typed)
    (start,) = [one for one in house.providers.received if one.verb == "start"]
    expected = {**journey.request.json}
    if "job_name" in expected:
        expected["job_name"] = launch_id(card)

    assert (start.method, start.path, start.json) == (journey.request.method, journey.request.path, expected)
    assert card.text.startswith(journey.ends.word)
    assert house.thread(card)[-1].startswith(journey.ends.word)


async def test_the_card_says_in_order_state_workflow_connection_id_and_requester(house: House) -> None:
    card = await house.ended("U0CAROL", "C0DATA", SUM)

    places = [card.text.index(part) for part in ("Succeeded", "AddTwoNumbers", "analytics", launch_id(card), "<@U0CAROL>")]
    assert places == sorted(places)


async def test_the_idempotency_key_and_the_track_id_are_the_launch_id(house: House) -> None:
    card = await house.ended("U0ALICE", "C0FINANCE", f"billing 396 {ACCOUNT}")
    (start,) = [one for one in house.providers.received if one.verb == "start"]
    headers = {name.lower(): value for name, value in start.headers.items()}

    assert headers["idempotency-key"] == headers["zuora-track-id"] == launch_id(card)


async def test_decimals_leave_digit_by_digit_and_as_numbers(house: House) -> None:
    await house.ended("U0CAROL", "C0DATA", "analytics AddTwoNumbers parameter1=5.00 parameter2=-0.10")
    (start,) = [one for one in house.providers.received if one.verb == "start"]

    assert start.json["data"] == {"parameter1": Decimal("5.00"), "parameter2": Decimal("-0.10")}


async def test_a_run_with_a_failed_task_is_no_success(house: House) -> None:
    card = await house.ended("U0ALICE", "C0FINANCE", 'billing "Dunning reminder" Message=hello')

    assert card.text.startswith("Failed")


@pytest.mark.parametrize(
    ("user_id", "channel_id", "text", "named"),
    [
        ("U0GUEST", "C0FINANCE", f"billing 396 {ACCOUNT}", "guest"),
        ("U0ALICE", "C0GENERAL", f"billing 396 {ACCOUNT}", "general"),
        ("U0ALICE", "C0FINANCE", "crm 713 entityType=deal entityId=1", "crm"),
        ("U0ALICE", "C0FINANCE", f"biling 396 {ACCOUNT}", "billing"),
        ("U0ALICE", "C0FINANCE", f"billing 397 {ACCOUNT}", "397"),
        ("U0ALICE", "C0FINANCE", "billing 396 colour=red", "accountId"),
        ("U0ALICE", "C0FINANCE", f"billing 396 {ACCOUNT} acountId=2", "acountId"),
        ("U0ALICE", "C0FINANCE", f"billing 396 {ACCOUNT} {ACCOUNT}", "accountId"),
        ("U0ALICE", "C0FINANCE", f"billing 396 {ACCOUNT} user_token=x", "user_token"),
        ("U0ALICE", "C0FINANCE", f"billing 396 {ACCOUNT} maxAmount=ten", "maxAmount"),
        ("U0ALICE", "C0FINANCE", f"billing 396 {ACCOUNT} maxAmount=NaN", "maxAmount"),
        ("U0ALICE", "C0FINANCE", 'billing 396 accountId="open', "quote"),
        ("U0ALICE", "C0FINANCE", "billing 396 accountId", "accountId"),
        ("U0ALICE", "C0FINANCE", f"billing 396 {ACCOUNT} --preview", "preview"),
        ("U0ALICE", "C0FINANCE", "billing 396 accountId=a\0b", "NUL"),
        ("U0ALICE", "C0FINANCE", "billing 396 accountId=\u202eb", "RIGHT-TO-LEFT"),
        ("U0ALICE", "C0SALES", "crm 713 entityType=robot entityId=1", "robot"),
        ("U0ALICE", "C0SALES", "crm 713 entityType=deal entityId=one", "entityId"),
        ("U0ALICE", "C0FINANCE", "status L-NOPE1", "L-NOPE1"),
        ("U0ALICE", "C0FINANCE", "cancel", "cancel"),
        ("U0ALICE", "C0FINANCE", "cancel L-NOPE1", "L-NOPE1"),
        ("U0ALICE", "C0FINANCE", "again L-7K3QW", "L-7K3QW"),
        ("U0ALICE", "C0FINANCE", "statsu L-7K3QW", "status"),
        ("U0ALICE", "C0FINANCE", "list a b", "list"),
    ],
)
async def test_what_cannot_be_done_is_said_to_the_person_alone(
    slow_house: House, user_id: str, channel_id: str, text: str, named: str
) -> None:
    answer = await slow_house.told(user_id, channel_id, text)

    assert named in answer
    assert len(answer) <= 4000
    assert slow_house.workspace.messages(channel_id) == []
    assert [one for one in slow_house.providers.received if one.verb == "start"] == []


async def test_hostile_values_are_launched_as_they_are_and_shown_literally(house: House) -> None:
    value = "<!channel> *bold* `code` https://evil.example =&\u0660 😀"
    await house.ended("U0BOB", "C0DATA", f"growth 'Find email' company_name='{value}'")
    (start,) = [one for one in house.providers.received if one.verb == "start"]
    shown = [message.text for message in house.workspace.messages("C0DATA")]

    assert start.json["inputs"] == [{"company_name": value}]
    assert not any("<!channel>" in text for text in shown)


async def test_a_redelivered_command_is_one_launch(house: House) -> None:
    acknowledged = await house.type("U0CAROL", "C0DATA", SUM)
    again = await house.slack.redeliver(acknowledged)
    assert again.is_ok
    card = await house.workspace.wait_for(lambda seen: next(iter(seen.messages("C0DATA")), None))
    await house.card(card, *ENDS)

    assert len(house.workspace.messages("C0DATA")) == 1
    assert len(house.providers.runs("domo")) == 1


async def test_a_running_launch_is_cancelled_by_its_button(slow_house: House) -> None:
    card = await slow_house.launched("U0CAROL", "C0DATA", SUM)
    await slow_house.card(card, "Running")

    pressed = await slow_house.slack.click("U0BOB", "C0DATA", card.ts, "Cancel")
    assert pressed.is_ok
    cancelled = await slow_house.card(card, "Cancelled")

    assert "<@U0BOB>" in "\n".join(slow_house.thread(cancelled))


async def test_a_guest_cannot_cancel_by_button(slow_house: House) -> None:
    card = await slow_house.launched("U0ALICE", "C0FINANCE", f"billing 396 {ACCOUNT}")
    await slow_house.card(card, "Running")

    await slow_house.slack.click("U0GUEST", "C0FINANCE", card.ts, "Cancel")
    answer = await slow_house.workspace.wait_for(lambda seen: next(iter(seen.ephemerals("C0FINANCE", "U0GUEST")), None))

    assert "guest" in answer.text
    assert not any(one.verb == "cancel" for one in slow_house.providers.received)


async def test_list_names_what_may_be_launched_and_nothing_else(house: House) -> None:
    answer = await house.told("U0ALICE", "C0FINANCE", "list")

    assert "396" in answer
    assert "Dunning run" in answer
    assert "Contract approval" not in answer


async def test_the_examples_of_help_can_be_typed(house: House) -> None:
    answer = await house.told("U0CAROL", "C0DATA", "help")
    example = next(line for line in answer.splitlines() if "/launch analytics a8afdc89" in line)
    typed = example[example.index("/launch ") + len("/launch ") :]

    card = await house.ended("U0CAROL", "C0DATA", typed.replace("&amp;", "&"))

    assert card.text.startswith("Succeeded")


async def test_status_tells_one_launch_and_the_recent_ones(house: House) -> None:
    card = await house.ended("U0CAROL", "C0DATA", SUM)

    one = await house.told("U0BOB", "C0DATA", f"status {launch_id(card)}")
    recent = await house.told("U0BOB", "C0DATA", "status")

    assert one.startswith("Succeeded")
    assert launch_id(card) in recent


async def test_a_refusal_reaches_people_where_the_bot_is_no_member(house: House) -> None:
    answer = await house.told("U0ALICE", "C0PRIVATE", f"billing 396 {ACCOUNT}")

    assert answer


def kept_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_no_secret_is_in_any_byte_of_the_database_or_of_slack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with a_house(tmp_path) as house:
        for journey in LAUNCHES:
            await house.ended(journey.user_id, journey.channel_id, journey.typed)
        secrets = [value for name, value in house.providers.environment().items() if not name.endswith("_URL")]
        secrets += [house.slack.bot_token, house.slack.app_token, "/response/"]
        shown = repr([vars(message) for channel in house.workspace.channels for message in house.workspace.messages(channel)])
    kept = kept_bytes(tmp_path)
    logged = "".join(capsys.readouterr())

    assert [secret for secret in secrets if secret.encode() in kept] == []
    assert [secret for secret in secrets if secret in shown or secret in logged] == []


async def test_what_was_acknowledged_and_not_finished_is_taken_up_again(tmp_path: Path) -> None:
    """A bot that is killed right after the acknowledgement has the delivery, and nothing else."""
    async with open_store(f"sqlite:///{tmp_path / 'gonogo.db'}") as store:
        await store.migrate()
        now = datetime.now(UTC)  # noqa: TID251 - the bot of this test runs by the real clock
        await store.record_delivery(a_delivery(text=SUM, channel_id="C0DATA", user_id="U0CAROL", received_at=now))

    async with a_house(tmp_path) as house:
        card = await house.workspace.wait_for(lambda seen: next(iter(seen.messages("C0DATA")), None))
        ended = await house.card(card, State.SUCCEEDED.word)

    assert "<@U0CAROL>" in ended.text


async def test_the_bot_calls_only_what_its_slack_scopes_cover(house: House) -> None:
    """The stand-in enforces the manifest's scopes; a call that lacks one would be answered missing_scope."""
    await house.ended("U0CAROL", "C0DATA", SUM)
    calls = {one.name: one.answer for one in house.slack.traffic if one.kind == "call"}

    assert {"auth.test", "chat.postMessage", "chat.update", "users.info", "conversations.info"} <= set(calls)
    assert all(answer["ok"] for answer in calls.values())
