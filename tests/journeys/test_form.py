"""The form through the whole bot: opened within a trigger's life, filled, corrected, sent; every call by the real slack_sdk over TCP."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.domain.model import InputSpec, InputType, Workflow
from bot.sandbox.journeys import LAUNCHES, Journey
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.views import View
from bot.sandbox.standins import Fault, FaultKind
from bot.sandbox.world import CONFIGURATION
from bot.surfaces.command_text import LaunchText, read_command
from bot.surfaces.form_place import PLACE
from bot.surfaces.launch_form import CONFIRM_FORM, LOADING_FORM
from tests.journeys.form_parts import Forms, block_of, labels, offers, said, standing
from tests.journeys.house import ENDS, House, a_house, launch_id

ALICE, BOB, CAROL = "U0ALICE", "U0BOB", "U0CAROL"
FINANCE, DATA, SALES, TREASURY = "C0FINANCE", "C0DATA", "C0SALES", "C0TREASURY"
ACCOUNT = "4028905f5a87c0ff015a87d25ae90025"
SUM = "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138"
SHOWN_DEFAULTS = {"zuora": {"dryRun": True}}
"""Defaults that stand in the form, seen and sent by the person; typed commands leave them to the provider."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House, None]:
    async with a_house(tmp_path) as house:
        yield house


def changed(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The demo's configuration, changed."""
    document: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    change(document)
    path = folder / "gonogo.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def starts(house: House) -> list[Any]:
    return [one for one in house.providers.received if one.verb == "start"]


def whispers(house: House, user_id: str, channel_id: str) -> list[str]:
    return [message.text for message in house.workspace.ephemerals(channel_id, user_id)]


async def whispered(house: House, user_id: str, channel_id: str) -> str:
    return await house.workspace.wait_for(lambda _: next(iter(whispers(house, user_id, channel_id)), None))


def reload(house: House, connection: str, **changes: Any) -> None:
    """The configuration of one connection is replaced while the bot runs."""
    standing = house.bot.parts.standing
    others = dict(standing.connections)
    standing.replace(policy=standing.policy, connections={**others, connection: replace(others[connection], **changes)})


# --- the job -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("journey", LAUNCHES, ids=lambda journey: journey.title.split(" ")[0].rstrip(":,"))
async def test_a_form_sends_the_documents_request_of_each_provider(house: House, journey: Journey) -> None:
    assert journey.request is not None
    typed = read_command(journey.typed, subcommands=frozenset())
    assert isinstance(typed, LaunchText)
    person = Forms(house, journey.user_id)

    await person.open(journey.channel_id)
    view = await person.choose("Connection", typed.connection, "Workflow")
    label = next(one for one in offers(view, "Workflow") if typed.workflow in one or typed.workflow in _ids(view, one))
    view = await person.choose("Workflow", label, "Preview")
    card = await person.launched(
        journey.channel_id, {block_of(view, name): _chosen(view, name, value) for name, value in typed.inputs}
    )
    card = await house.card(card, *ENDS)

    (start,) = starts(house)
    expected = {**journey.request.json, **SHOWN_DEFAULTS.get(journey.request.provider, {})}
    if "job_name" in expected:
        expected["job_name"] = launch_id(card)
    assert (start.method, start.path, start.json) == (journey.request.method, journey.request.path, expected)
    assert person.view is None
    assert f"<@{journey.user_id}>" in card.text


def _chosen(view: View, name: str, value: str) -> Any:
    """What a person gives in this field: where options are searched, the one that the search finds."""
    element = next(block["element"] for block in view.blocks if block["block_id"] == block_of(view, name))
    option = {"text": {"type": "plain_text", "text": value}, "value": value}
    return option if element["type"] == "external_select" else value


def _ids(view: View, label: str) -> list[str]:
    block = next(block for block in view.blocks if block.get("label", {}).get("text") == "Workflow")
    return [option["value"] for option in block["element"]["options"] if option["text"]["text"] == label]


async def test_three_errors_stand_at_their_fields_all_at_once_and_corrected_it_launches(house: House) -> None:
    carol = Forms(house, CAROL)
    await carol.open(DATA)
    await carol.choose("Connection", "growth", "Workflow")
    await carol.choose("Connection", "analytics", "Workflow")
    reload(house, "analytics", workflows={SUM: _sums(InputSpec(name="when", type=InputType.DATE, required=True))})
    view = await carol.choose("Workflow", "AddTwoNumbers", "when")
    fields = {name: block_of(view, name) for name in ("parameter1", "parameter2")}
    reload(house, "analytics", workflows={SUM: _sums(InputSpec(name="when", type=InputType.EMAIL, required=True), whole=True)})
    wrong = await carol.errors({fields["parameter1"]: "1.5", fields["parameter2"]: "2.5", block_of(view, "when"): "2026-11-21"})

    assert sorted(wrong) == ["parameter1", "parameter2", "when"]
    assert all("whole number" in wrong[name] for name in ("parameter1", "parameter2"))
    assert "e-mail" in wrong["when"]
    assert starts(house) == []

    reload(house, "analytics", workflows={SUM: _sums(InputSpec(name="when", type=InputType.DATE, required=True))})
    card = await carol.launched(DATA, {fields["parameter1"]: "1", fields["parameter2"]: "2"})

    assert "AddTwoNumbers" in card.text
    assert carol.view is None


def _sums(*more: InputSpec, whole: bool = False) -> Workflow:
    kind = InputType.INTEGER if whole else InputType.DECIMAL
    pair = tuple(InputSpec(name=name, type=kind, required=True) for name in ("parameter1", "parameter2"))
    extras = {"message_name": "Start MyWorkflow"}
    return Workflow(workflow_id=SUM, name="AddTwoNumbers", version="0.0.1", inputs=(*pair, *more), extras=extras)


async def test_rules_of_the_policy_stand_at_the_field_that_they_are_about(tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        grant = document["channels"][FINANCE]["grants"][0]
        grant["inputs"] = {"accountId": {"pattern": "[0-9a-f]{32}"}, "paymentId": {"one_of": ["P-1", "P-2"]}}

    async with a_house(tmp_path, configuration=changed(tmp_path, change)) as house:
        alice = Forms(house, ALICE)
        await alice.open(FINANCE)
        view = await alice.choose("Workflow", "396", "Preview")
        wrong = await alice.errors({"accountId": "nobody"})

        assert list(wrong) == ["accountId"]
        assert offers(view, "paymentId") == ["P-1", "P-2"] or "P-1" in said(view)
        card = await alice.launched(FINANCE, {"accountId": ACCOUNT, "paymentId": "P-2"})
        assert "Dunning run" in card.text
        await house.card(card, *ENDS)
        assert starts(house)[0].json["paymentId"] == "P-2"


async def test_a_launch_that_needs_approval_waits_for_it_as_if_it_were_typed(house: House) -> None:
    carol = Forms(house, CAROL)
    await carol.open(TREASURY)
    await carol.choose("Connection", "analytics", "Workflow")
    await carol.choose("Workflow", "AddTwoNumbers", "parameter1")
    card = await carol.launched(TREASURY, {"parameter1": "1", "parameter2": "2"})

    assert card.text.startswith("Awaiting approval")


# --- other ways in -----------------------------------------------------------------------------------------------------


async def test_a_connection_alone_opens_the_form_with_it_chosen(house: House) -> None:
    view = await Forms(house, BOB).open(DATA, "growth", "Workflow")

    assert standing(view, "Connection") == "growth"
    assert offers(view, "Workflow") == ["Find email", "Extract profiles", "Enrich companies"]


async def test_missing_inputs_open_the_form_with_what_was_given(house: House) -> None:
    alice = Forms(house, ALICE)
    view = await alice.open(FINANCE, "billing 396 maxAmount=12.50", "accountId")

    assert standing(view, "maxAmount") == "12.50"
    assert (standing(view, "Connection"), standing(view, "Workflow")) == ("billing", "396")
    await house.card(await alice.launched(FINANCE, {"accountId": ACCOUNT}), *ENDS)
    assert str(starts(house)[0].json["maxAmount"]) == "12.50"
    (told,) = whispers(house, ALICE, FINANCE)
    assert "accountId" in told


async def test_missing_inputs_are_named_where_the_form_cannot_be_opened(house: House) -> None:
    house.slack.fault("views.open", SlackFault.refusing("expired_trigger_id"))

    told = await house.told(ALICE, FINANCE, "billing 396 maxAmount=12.50")

    assert "accountId" in told
    assert Forms(house, ALICE).view is None


async def test_what_else_is_wrong_is_told_and_opens_no_form(house: House) -> None:
    told = await house.told(ALICE, FINANCE, "billing 396 colour=red")

    assert "colour" in told
    assert "accountId" in told
    assert Forms(house, ALICE).view is None


async def test_a_used_up_trigger_is_told_with_what_to_type_instead(house: House) -> None:
    house.slack.fault("views.open", SlackFault.refusing("exchanged_trigger_id"))

    told = await house.told(ALICE, FINANCE, "")

    assert "/launch &lt;connection&gt; &lt;workflow&gt;" in told


async def test_the_shortcut_asks_for_the_channel_first_and_only_for_those_where_something_can_be_launched(house: House) -> None:
    bob = Forms(house, BOB)
    assert (await house.slack.people.shortcut(BOB, "launch")).is_ok
    view = await bob.seen("Choose a channel")

    assert offers(view, PLACE) == ["#data-team", "#finance-ops", "#sales-ops", "#support", "#treasury"]
    await bob.choose(PLACE, "#finance-ops", "Workflow")
    await bob.choose("Workflow", "396", "accountId")
    card = await bob.launched(FINANCE, {"accountId": ACCOUNT})
    assert "<@U0BOB>" in card.text


async def test_a_person_of_one_channel_need_not_choose_it(house: House) -> None:
    dave = Forms(house, "U0DAVE")
    assert (await house.slack.people.shortcut("U0DAVE", "launch")).is_ok
    view = await dave.seen("Connection")

    assert offers(view, PLACE) == ["#treasury"]
    assert standing(view, "Channel") == TREASURY


async def test_another_channel_offers_what_can_be_launched_there(house: House) -> None:
    bob = Forms(house, BOB)
    assert (await house.slack.people.shortcut(BOB, "launch")).is_ok
    await bob.seen("Choose a channel")
    await bob.choose(PLACE, "#finance-ops", "Connection")
    view = await bob.choose(PLACE, "#sales-ops", "Connection")

    assert offers(view, "Connection") == ["crm", "sales"]


async def test_the_homes_button_opens_the_form(house: House) -> None:
    bob = Forms(house, BOB)
    assert (await house.slack.people.open_home(BOB)).is_ok
    await house.workspace.wait_for(lambda seen: seen.views.home(BOB) and "What you may launch" in said(seen.views.home(BOB)))
    assert (await house.slack.people.click_home(BOB, "Launch")).is_ok
    view = await bob.seen("Choose a channel")

    assert "#finance-ops" in offers(view, PLACE)


async def test_a_message_brings_its_values_and_its_link_stands_in_the_thread(house: House) -> None:
    alice = Forms(house, ALICE)
    message = await house.slack.people.say(BOB, FINANCE, f"please dun account {ACCOUNT}, thanks")
    acknowledged = await house.slack.people.shortcut(ALICE, "launch_from_message", channel_id=FINANCE, ts=message.ts)
    assert acknowledged.is_ok
    await alice.seen("Workflow")
    view = await alice.choose("Workflow", "396", "accountId")

    assert "4028905f5a87c0ff015a87d25ae90025" in {standing(view, "accountId"), *said(view).split()}
    card = await house.card(await alice.launched(FINANCE, {"accountId": ACCOUNT}), *ENDS)
    lines = " ".join(str(one.blocks) + one.text for one in house.workspace.thread(card.channel_id, card.ts))
    assert f"https://gonogo-sandbox.slack.com/archives/{FINANCE}/p{message.ts.replace('.', '')}" in lines
    assert "please dun" not in _database(house)


def _database(house: House) -> str:
    path = house.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=10)) as database:
        return "\n".join(str(row) for row in database.execute("SELECT key, payload FROM deliveries"))


# --- who may not -------------------------------------------------------------------------------------------------------


async def test_a_guest_is_refused_by_message_and_sees_no_form(house: House) -> None:
    told = await house.told("U0GUEST", FINANCE, "")

    assert "guest" in told.lower()
    assert Forms(house, "U0GUEST").view is None


async def test_a_guests_shortcut_opens_a_view_that_says_so(house: House) -> None:
    guest = Forms(house, "U0GUEST")
    assert (await house.slack.people.shortcut("U0GUEST", "launch")).is_ok
    view = await guest.seen("uest")

    assert labels(view) == []
    assert "submit" not in view.content


async def test_where_nothing_can_be_launched_it_says_where_it_can(house: House) -> None:
    told = await house.told(ALICE, "C0GENERAL", "")

    assert "general" in told
    assert "#finance-ops" in told
    assert Forms(house, ALICE).view is None


async def test_a_connection_that_is_not_granted_here_opens_nothing(house: House) -> None:
    told = await house.told(ALICE, FINANCE, "growth")

    assert "growth" in told
    assert Forms(house, ALICE).view is None


# --- slow, broken and changing providers -------------------------------------------------------------------------------


async def test_a_describe_that_takes_long_is_said_and_its_fields_appear_when_it_answers(house: House) -> None:
    alice = Forms(house, ALICE)
    await alice.open(FINANCE)
    house.providers.fault("zuora", Fault(kind=FaultKind.HANG), verb="describe")
    view = await alice.choose("Workflow", "396", "not known")

    assert labels(view) == []
    house.providers.release()
    view = await alice.seen("accountId", "Preview")
    assert "not known" not in said(view)
    assert "Dunning run" in (await alice.launched(FINANCE, {"accountId": ACCOUNT})).text


async def test_a_describe_that_fails_says_why_and_another_workflow_can_be_chosen(house: House) -> None:
    alice = Forms(house, ALICE)
    await alice.open(FINANCE)
    house.providers.fault("zuora", Fault(kind=FaultKind.STATUS, status=403), verb="describe", times=9)
    view = await alice.choose("Workflow", "396", "Nothing was launched")

    assert "submit" not in view.content
    assert offers(view, "Choose a workflow") == ["Dunning reminder", "Dunning run"]
    assert starts(house) == []


async def test_a_workflow_that_changes_between_is_judged_as_it_is_now(house: House) -> None:
    carol = Forms(house, CAROL)
    await carol.open(DATA, "analytics", "Workflow")
    await carol.choose("Workflow", "AddTwoNumbers", "parameter1")
    changed_workflow = replace(_sums(), inputs=(*(_sums().inputs or ())[:1], InputSpec(name="reason", required=True)))
    reload(house, "analytics", workflows={SUM: changed_workflow})
    await carol.send({"parameter1": "1", "parameter2": "2"})
    view = await carol.seen("reason")

    assert "parameter2" in said(view)
    assert "parameter2" not in labels(view)
    assert standing(view, "parameter1") == "1"
    assert starts(house) == []
    await house.card(await carol.launched(DATA, {"reason": "month end"}), *ENDS)


async def test_a_workflow_that_is_deleted_between_is_named_and_nothing_starts(house: House) -> None:
    carol = Forms(house, CAROL)
    await carol.open(DATA, "analytics", "Workflow")
    await carol.choose("Workflow", "AddTwoNumbers", "parameter1")
    others = {name: one for name, one in house.bot.parts.standing.connections["analytics"].workflows.items() if name != SUM}
    reload(house, "analytics", workflows=others)
    wrong = await carol.errors({"parameter1": "1", "parameter2": "2"})

    assert list(wrong) == ["Workflow"]
    assert SUM in wrong["Workflow"]
    assert "has no workflow" in wrong["Workflow"]
    assert starts(house) == []


async def test_a_form_that_is_closed_while_it_loads_is_let_go(house: House) -> None:
    alice = Forms(house, ALICE)
    house.providers.fault("zuora", Fault(kind=FaultKind.HANG), verb="catalogue")
    await house.type(ALICE, FINANCE, "")
    view = await house.workspace.wait_for(lambda _: alice.view)
    assert view.content["callback_id"] == LOADING_FORM
    await house.slack.people.close(ALICE)
    house.providers.release()
    await house.bot.parts.door.drain()

    assert alice.view is None
    assert whispers(house, ALICE, FINANCE) == []


async def test_a_view_that_somebody_else_drew_meanwhile_is_drawn_again(house: House) -> None:
    alice = Forms(house, ALICE)
    house.slack.fault("views.update", SlackFault.refusing("hash_conflict"))
    await alice.open(FINANCE)
    house.slack.fault("views.update", SlackFault.refusing("hash_conflict"))
    view = await alice.choose("Workflow", "396", "accountId")

    assert "Preview" in labels(view)


async def test_slack_that_stumbles_over_an_update_is_asked_again(house: House) -> None:
    alice = Forms(house, ALICE)
    house.slack.fault("views.update", SlackFault.answering(503))

    assert "Workflow" in labels(await alice.open(FINANCE))


async def test_of_two_quick_choices_the_newer_one_stands(house: House) -> None:
    bob = Forms(house, BOB)
    await bob.open(SALES)
    house.providers.fault("salesforce", Fault(kind=FaultKind.HANG), verb="catalogue")
    slow = await house.slack.people.choose_in_view(BOB, "Connection", "sales")
    view = await bob.choose("Connection", "crm", "Workflow")
    house.providers.release()
    await house.bot.parts.door.drain()

    assert slow.is_ok
    assert bob.view is not None
    assert "Contract approval" in offers(bob.view, "Workflow")
    assert standing(view, "Connection") == "crm"


async def test_what_was_typed_survives_a_change_of_workflow(house: House) -> None:
    bob = Forms(house, BOB)
    await bob.open(SALES, "crm", "Workflow")
    view = await bob.choose("Workflow", "713", "Amount")
    entity = block_of(view, "entityId")
    view = await bob.choose("Workflow", "714", "Preview", values={entity: _chosen(view, "entityId", "5141")})
    assert standing(view, _label(view, "entityId")) == "5141"
    view = await bob.choose("Workflow", "713", "Amount")
    assert standing(view, _label(view, "entityId")) == "5141"


def _label(view: View, name: str) -> str:
    block_id = block_of(view, name)
    return next(block["label"]["text"] for block in view.blocks if block["block_id"] == block_id)


# --- once --------------------------------------------------------------------------------------------------------------


async def test_a_form_that_is_sent_twice_launches_once(house: House) -> None:
    alice = Forms(house, ALICE)
    await alice.open(FINANCE)
    await alice.choose("Workflow", "396", "accountId")
    alice.house.slack.people.type_in(ALICE, {"accountId": ACCOUNT})
    first, second = await asyncio.gather(house.slack.people.submit(ALICE), house.slack.people.submit(ALICE))
    again = await house.slack.redeliver(first)

    assert [one.body for one in (first, second, again)] == [{"response_action": "clear"}] * 3
    (card,) = [one for one in await _cards(house, FINANCE) if one.text]
    await house.card(card, *ENDS)
    assert len(starts(house)) == 1


async def _cards(house: House, channel_id: str) -> list[Any]:
    await house.workspace.wait_for(lambda seen: seen.messages(channel_id))
    await house.bot.parts.door.drain()
    return list(house.workspace.messages(channel_id))


async def test_two_forms_of_two_people_are_two_launches(house: House) -> None:
    alice, bob = Forms(house, ALICE), Forms(house, BOB)
    for person in (alice, bob):
        await person.open(FINANCE)
        await person.choose("Workflow", "396", "accountId")
    cards = [await person.launched(FINANCE, {"accountId": ACCOUNT}) for person in (alice, bob)]

    assert ["<@U0ALICE>" in cards[0].text, "<@U0BOB>" in cards[1].text] == [True, True]
    assert launch_id(cards[0]) != launch_id(cards[1])


async def test_the_call_is_shown_before_it_is_launched_where_somebody_wants_that(house: House) -> None:
    alice = Forms(house, ALICE)
    await alice.open(FINANCE)
    await alice.choose("Workflow", "396", "accountId")
    await alice.send({"accountId": ACCOUNT, "Preview": ["show"]})
    view = await alice.seen("/workflows/396/run")

    assert view.content["callback_id"] == CONFIRM_FORM
    assert starts(house) == []
    card = await house.card(await alice.launched(FINANCE), *ENDS)
    assert len(starts(house)) == 1
    assert alice.view is None
    assert "Dunning run" in card.text


async def test_back_from_the_call_leads_to_the_form_as_it_was(house: House) -> None:
    alice = Forms(house, ALICE)
    await alice.open(FINANCE)
    await alice.choose("Workflow", "396", "accountId")
    await alice.send({"accountId": ACCOUNT, "Preview": ["show"]})
    await alice.seen("/workflows/396/run")
    await house.slack.people.close(ALICE)

    assert alice.view is not None
    assert standing(alice.view, "accountId") == ACCOUNT


async def test_a_limit_that_is_reached_meanwhile_is_told_in_the_form(tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["channels"][FINANCE]["grants"][0]["limits"] = {"per_hour": 1}

    async with a_house(tmp_path, configuration=changed(tmp_path, change)) as house:
        alice = Forms(house, ALICE)
        await alice.open(FINANCE)
        await alice.choose("Workflow", "396", "accountId")
        await house.ended(BOB, FINANCE, f"billing 396 accountId={ACCOUNT}")
        wrong = await alice.errors({"accountId": ACCOUNT})

        assert list(wrong) == ["Workflow"]
        assert "hour" in wrong["Workflow"]
        assert alice.view is not None
        assert standing(alice.view, "accountId") == ACCOUNT
        assert len(starts(house)) == 1


# --- search ------------------------------------------------------------------------------------------------------------


async def test_three_hundred_workflows_are_searched_by_any_part_of_the_name(tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        workflows = {str(number): _workflow(number) for number in range(1000, 1300)}
        document["connections"]["crm"]["workflows"] = workflows
        document["channels"][SALES]["grants"][0]["workflows"] = ["*"]

    async with a_house(tmp_path, configuration=changed(tmp_path, change)) as house:
        bob = Forms(house, BOB)
        await bob.open(SALES, "crm", "Search a workflow")
        answered = await house.slack.people.suggest(BOB, "Workflow", "number 1234")
        everything = await house.slack.people.suggest(BOB, "Workflow", "")
        nothing = await house.slack.people.suggest(BOB, "Workflow", "no such thing")

        (option,) = answered.body["options"]
        assert option["value"] == "1234"
        assert answered.elapsed_ms < 1000
        assert len(everything.body["options"]) == 100
        assert nothing.body == {"options": []}
        view = await bob.choose("Workflow", option, "Preview")
        values = {block_of(view, "entityType"): "deal", block_of(view, "entityId"): _chosen(view, "entityId", "5141")}
        card = await bob.launched(SALES, values)
        assert "Approval number 1234" in card.text


def _workflow(number: int) -> Mapping[str, Any]:
    return {"name": f"Approval number {number}", "entity_type": "deal", "inputs": {}}
