"""Attempts to get a launch through without a right to it, at the real door over the real store: each must fail, and disturb nobody.

The attacker types, presses and sends forms; what Slack signs (who it is, and in which workspace) cannot be changed by them, everything
that comes back through a client can. What needs the whole process is in tests/journeys/test_attacks.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

import commands
from bot import providers
from bot.domain.grants import ApprovalRule, ChannelPolicy, Freeze, InputRule, Limits
from bot.domain.model import Channel, EventKind, InputSpec, InputType, Launch, Person, State, Workflow
from bot.domain.provider import Busy
from bot.launching import Launching
from bot.ports import Go, NoGo
from bot.surfaces.cards import APPROVE_ACTION, CANCEL_ACTION, IT_DID_NOT_ACTION, IT_RAN_ACTION, REJECT_ACTION
from bot.surfaces.forms import RAN_FORM, REJECT_FORM, form_text
from bot.worker import LEASE, LaunchWork
from tests.builders import NOON, a_delivery
from tests.ports import ListedWire, TableDefinitions, a_store
from tests.test_launching import DUNNING, GRANT, House, moved

RULED = replace(GRANT, inputs={"maxAmount": InputRule(max=Decimal(500))})
LEADS = ApprovalRule(approvers=("S0LEADS",))
BOUND = replace(GRANT, approval=LEADS)
GOOD = "billing 396 accountId=A1"


@dataclass
class Attack:
    """A house, its door, and the hands of whoever attacks it."""

    house: House
    numbers: Any = field(default_factory=lambda: count(1))
    _door: tuple[Any, commands.Door] | None = None

    @property
    def launching(self) -> Launching:
        return self.house.launching

    async def type(self, text: str, user_id: str = "U0EVE", **changes: Any) -> str:
        delivery = a_delivery(key=f"command:{next(self.numbers)}", text=text, user_id=user_id)
        return await self.carry(replace(delivery, **changes))

    async def press(self, action: str, value: str, user_id: str = "U0EVE", **changes: Any) -> str:
        key = f"button:{next(self.numbers)}"
        delivery = a_delivery(key=key, kind="button", name=action, text=value, user_id=user_id, trigger_id="1.2.3")
        return await self.carry(replace(delivery, **changes))

    async def send(self, form: str, opened_by: str, field_name: str, value: str, user_id: str = "U0EVE") -> str:
        view = {"private_metadata": opened_by, "state": {"values": {field_name: {"value": {"value": value}}}}}
        key = f"form:{next(self.numbers)}"
        return await self.carry(
            a_delivery(key=key, kind="form", name=form, text=form_text(view), user_id=user_id, channel_id=user_id)
        )

    async def carry(self, delivery: Any) -> str:
        """What the person was told; "" when it was told in the thread, because something was done."""
        before = len(self.house.thread.told)
        await self.house.store.record_delivery(delivery)
        await commands.Door(command="/launch", launching=self.launching, entries=commands.load()).carry(delivery)
        said = self.house.thread.told[before:]
        assert {what for what, _ in said} <= {"answer", "form"}
        return "\n".join(text for what, text in said if what == "answer")

    async def launches(self, channel_id: str = "C0FINANCE") -> list[Launch]:
        return await self.house.store.recent(channel_id=channel_id, limit=100)

    async def newest(self) -> Launch:
        return (await self.launches())[0]


@pytest.fixture
async def attack() -> AsyncGenerator[Attack, None]:
    async with a_store() as store:
        house = House(store)
        house.directory.groups["S0LEADS"] = frozenset({"U0BOB", "U0CAROL"})
        yield Attack(house)


async def refused(attack: Attack, text: str, *words: str, **changes: Any) -> None:
    """Typing it starts nothing, and says why."""
    before = len(await attack.launches())

    told = await attack.type(text, **changes)

    assert len(await attack.launches()) == before
    assert told
    assert all(word in told for word in words), told


class TestNames:
    """A connection, workflow or input that only looks like one that is granted."""

    @pytest.mark.parametrize(
        "name",
        [
            "ｂilling", "bіlling", '"billing "', "bill\u0130ng", "billing\u200b", "billing\0", '"billing\n"', "BILLING\u202e",
            "billing.", "*",
        ],
        ids=["fullwidth", "homoglyph", "trailing space", "dotted I", "zero width", "NUL", "newline", "bidi", "dot", "glob"],
    )  # fmt: skip
    async def test_a_connection_that_looks_like_a_granted_one_is_none(self, attack: Attack, name: str) -> None:
        await refused(attack, f"{name} 396 accountId=A1")

    @pytest.mark.parametrize("typed", ["*", "39?", "[3]96", "396*", "*96", "３９６", "0396", "39\\6x", "../396", "396/runs"])
    async def test_a_pattern_that_the_requester_types_matches_nothing(self, attack: Attack, typed: str) -> None:
        attack.house.grants = (replace(GRANT, workflows=("396", "39?", "../*")),)
        attack.house.definitions = TableDefinitions({"billing": (replace(DUNNING, workflow_id="500", name="Payout"), DUNNING)})

        await refused(attack, f"billing {typed} accountId=A1", "workflow")

    @pytest.mark.parametrize(
        "pair",
        [
            "MaxAmount=9000",
            "maxamount=9000",
            "ｍaxAmount=9000",
            "maxAm\u043eunt=9000",
            "maxAmount\u0301=9000",
            "'maxAmount '=9000",
        ],
        ids=["case", "lower case", "fullwidth", "homoglyph", "combining", "space"],
    )
    async def test_an_input_under_a_name_that_the_rule_does_not_name_is_no_input(self, attack: Attack, pair: str) -> None:
        attack.house.grants = (RULED,)

        await refused(attack, f"{GOOD} {pair}", "maxAmount")

    async def test_the_same_input_twice_is_refused(self, attack: Attack) -> None:
        attack.house.grants = (RULED,)

        await refused(attack, f"{GOOD} maxAmount=5 maxAmount=9000", "maxAmount")

    @pytest.mark.parametrize("form", ["e\u0301", "\u00e9"])
    async def test_two_normal_forms_of_one_name_are_two_names_and_only_the_described_one_is_taken(
        self, attack: Attack, form: str
    ) -> None:
        spec = InputSpec(name="caf\u00e9", type=InputType.INTEGER)
        attack.house.definitions = TableDefinitions({"billing": (replace(DUNNING, inputs=(spec,)),)})
        attack.house.grants = (replace(GRANT, inputs={"caf\u00e9": InputRule(max=Decimal(5))}),)

        await refused(attack, f"billing 396 caf{form}=9")


class TestRules:
    """Values that are written so that a rule might not see what they are."""

    @pytest.mark.parametrize(
        "value",
        ["9000", "501", "1e9", "5.01e2", "0501", "+501", "500.0000001", "1E3", "[9000]", "NaN", "Infinity", "-NaN", "٩٠٠٠",
         "9_000", "0x1F5", "500,1000", "1e400", "true", '"9000"', "{}"],
    )  # fmt: skip
    async def test_no_way_of_writing_a_number_gets_past_its_limit(self, attack: Attack, value: str) -> None:
        attack.house.grants = (RULED,)

        await refused(attack, f"{GOOD} maxAmount='{value}'", "maxAmount")

    @pytest.mark.parametrize("value", ["500", "0500", "5e2", "500.000", "+500"])
    async def test_what_is_worth_as_much_as_is_allowed_goes_and_leaves_as_that_number(self, attack: Attack, value: str) -> None:
        attack.house.grants = (RULED,)

        await attack.type(f"{GOOD} maxAmount={value}")

        assert (await attack.newest()).inputs["maxAmount"] == 500

    @pytest.mark.parametrize("kind", [InputType.TEXT, InputType.JSON, InputType.LONG_TEXT])
    @pytest.mark.parametrize("value", ["9000", "[9000]", "[[1]]", '{"a": 1}', "ten"])
    async def test_a_value_that_the_rule_cannot_judge_does_not_fit(self, attack: Attack, kind: InputType, value: str) -> None:
        self.described(attack, InputSpec(name="maxAmount", type=kind))
        attack.house.grants = (RULED,)

        await refused(attack, f"billing 396 maxAmount='{value}'", "maxAmount")

    async def test_each_entry_of_a_list_must_fit(self, attack: Attack) -> None:
        self.described(attack, InputSpec(name="maxAmount", type=InputType.DECIMAL, many=True))
        attack.house.grants = (RULED,)

        await refused(attack, "billing 396 maxAmount=5,501,5", "maxAmount")

    @pytest.mark.parametrize("value", ["no", "false", "0", "", "'  '"])
    async def test_what_a_grant_gives_itself_cannot_be_overridden(self, attack: Attack, value: str) -> None:
        self.described(attack, InputSpec(name="dryRun", type=InputType.BOOLEAN))
        attack.house.grants = (replace(GRANT, inputs={"dryRun": InputRule(fixed=True)}),)

        await attack.type(f"billing 396 dryRun={value}")

        assert all(launch.inputs == {"dryRun": True} for launch in await attack.launches())

    async def test_a_default_of_the_provider_cannot_say_what_the_requester_may_not(self, attack: Attack) -> None:
        """Left out, the input would be filled in by the provider, unseen by the rule."""
        self.described(attack, InputSpec(name="maxAmount", type=InputType.DECIMAL, default="9000"))
        attack.house.grants = (RULED,)

        await refused(attack, "billing 396", "maxAmount")

    async def test_a_default_of_the_provider_that_fits_is_sent_so_that_it_cannot_change(self, attack: Attack) -> None:
        self.described(attack, InputSpec(name="maxAmount", type=InputType.DECIMAL, default="90"))
        attack.house.grants = (RULED,)

        await attack.type("billing 396")

        assert (await attack.newest()).inputs == {"maxAmount": 90}

    @pytest.mark.parametrize(
        "value", ["text " * 300 + "prod", "one\nprod", "prod\n", "prod"], ids=["long", "two lines", "a break", "plain"]
    )
    async def test_padding_does_not_get_around_the_approval(self, attack: Attack, value: str) -> None:
        self.described(attack, InputSpec(name="note", type=InputType.LONG_TEXT))
        rule = replace(LEADS, when={"note": InputRule(pattern=".*prod.*")})
        attack.house.grants = (replace(GRANT, approval=rule),)

        await attack.type(f"billing 396 note='{value}'")

        assert (await attack.newest()).state is State.AWAITING_APPROVAL

    @pytest.mark.parametrize(
        ("spec", "value"),
        [
            (InputSpec(name="maxAmount", type=InputType.DECIMAL, many=True), "5,1000"),
            (InputSpec(name="maxAmount", type=InputType.JSON), "[5,1000]"),
            (InputSpec(name="maxAmount", type=InputType.JSON), '{"amount":1000}'),
            (InputSpec(name="maxAmount", type=InputType.JSON), "[[1000]]"),
            (InputSpec(name="maxAmount", type=InputType.JSON), "[]"),
            (InputSpec(name="maxAmount"), "1000"),
            (InputSpec(name="maxAmount", type=InputType.DECIMAL), "1e3"),
        ],
        ids=["one of a list", "JSON list", "JSON object", "nested", "empty", "text", "exponent"],
    )
    async def test_a_value_that_is_dressed_up_does_not_get_around_the_approval(
        self, attack: Attack, spec: InputSpec, value: str
    ) -> None:
        self.described(attack, spec)
        rule = replace(LEADS, when={"maxAmount": InputRule(min=Decimal(100))})
        attack.house.grants = (replace(GRANT, approval=rule),)

        await attack.type(f"billing 396 maxAmount='{value}'")

        assert (await attack.newest()).state is State.AWAITING_APPROVAL

    async def test_two_grants_are_not_put_together_into_one_that_allows_more(self, attack: Attack) -> None:
        """One allows the amount and not the account, the other the account and not the amount."""
        one = replace(GRANT, inputs={"maxAmount": InputRule(max=Decimal(5)), "accountId": InputRule(one_of=("A1", "A2"))})
        other = replace(GRANT, inputs={"maxAmount": InputRule(max=Decimal(900)), "accountId": InputRule(one_of=("A2",))})
        attack.house.grants = (one, other)

        await refused(attack, "billing 396 accountId=A1 maxAmount=900")

    @pytest.mark.parametrize(
        "typed", ["'--preview'", "–-preview=no", '"accountId=A2"', "accountId =A2", "=A2", "--force", "--preview=false"]
    )
    async def test_words_that_are_neither_inputs_nor_flags_launch_nothing(self, attack: Attack, typed: str) -> None:
        await refused(attack, f"{GOOD} {typed}")

    async def test_a_secret_cannot_be_sent_as_text_by_its_reference(self, attack: Attack) -> None:
        self.described(attack, InputSpec(name="note"))

        await attack.type("billing 396 note=${BILLING_SECRET}")

        assert (await attack.newest()).inputs == {"note": "${BILLING_SECRET}"}

    def described(self, attack: Attack, *specs: InputSpec) -> None:
        attack.house.definitions = TableDefinitions({"billing": (replace(DUNNING, inputs=specs),)})


class TestPlaces:
    @pytest.mark.parametrize("channel_id", ["D0EVE", "U0EVE", "G0GROUP", "C0GENERAL", "c0finance", "C0FINANCE ", "", "*"])
    async def test_where_nothing_is_granted_nothing_is_launched(self, attack: Attack, channel_id: str) -> None:
        await attack.type(GOOD, channel_id=channel_id)

        assert await attack.launches(channel_id) == []

    async def test_what_another_channel_may_cannot_be_had_from_here(self, attack: Attack) -> None:
        secret = replace(GRANT, workflows=("500",))
        attack.house.channels["C0BOARD"] = ChannelPolicy(channel_id="C0BOARD", name="board-room", grants=(secret,))
        payroll = Workflow(workflow_id="500", name="Payroll", inputs=())
        attack.house.definitions = TableDefinitions({"billing": (DUNNING, payroll)})

        for text in ("billing 500", "billing Payroll", "why billing 500", "billing 500 --preview", "list"):
            told = await attack.type(text)
            assert "board-room" not in told
        assert await attack.launches() == []

    async def test_a_renamed_workflow_gets_into_no_glob(self, attack: Attack) -> None:
        attack.house.grants = (replace(GRANT, workflows=("Dunning *",)),)
        payroll = Workflow(workflow_id="500", name="Payroll", inputs=())
        attack.house.definitions = TableDefinitions({"billing": (DUNNING, payroll)})
        await attack.type("list")
        attack.house.definitions = TableDefinitions({"billing": (DUNNING, replace(payroll, name="Dunning 2"))})

        await refused(attack, 'billing "Dunning 2"')
        await refused(attack, "billing 500")
        assert "Dunning 2" not in await attack.type("list")

    @pytest.mark.parametrize("granted", ["396", "39?", "*96", "a8afdc89-9491-4ee4-b7c3-b9e9b86c0138"])
    async def test_a_workflow_that_is_called_by_the_id_of_a_granted_one_is_not_it(self, attack: Attack, granted: str) -> None:
        """Made at the provider by somebody who may name workflows there, and launched by its own id."""
        attack.house.grants = (replace(GRANT, workflows=(granted,)),)
        name = granted.replace("?", "6").replace("*", "3")
        attack.house.definitions = TableDefinitions({"billing": (Workflow(workflow_id="500", name=name, inputs=()),)})

        await refused(attack, "billing 500")
        await refused(attack, f"billing {name}")

    async def test_a_bots_own_and_a_workflow_builders_bot_are_nobody(self, attack: Attack) -> None:
        for name in ("U0GONOGO", "USLACKBOT", "U0FLOWBOT"):
            attack.house.directory.people[name] = Person(user_id=name, team_id="T0GONOGO", name=name, is_bot=True)

            await refused(attack, GOOD, user_id=name)


class TestButtons:
    async def a_waiting_launch(self, attack: Attack, **changes: Any) -> str:
        attack.house.grants = (replace(BOUND, **changes),)
        await attack.type(GOOD, user_id="U0ALICE")
        return (await attack.newest()).launch_id

    @pytest.mark.parametrize(
        "value", ["", "L-", "L-99999", "L-00001 ", "l-00001", "L-00001\n", "*", "L-00001;L-00002", "' OR 1=1 --", "ｌ-00001", "L" * 5000]
    )  # fmt: skip
    async def test_a_value_that_no_button_bears_does_nothing(self, attack: Attack, value: str) -> None:
        await self.a_waiting_launch(attack)

        for action in (APPROVE_ACTION, REJECT_ACTION, CANCEL_ACTION, IT_DID_NOT_ACTION, IT_RAN_ACTION):
            await attack.press(action, value, "U0BOB")

        assert [one.state for one in await attack.launches()] == [State.AWAITING_APPROVAL]

    async def test_a_button_of_another_channels_launch_does_nothing_here(self, attack: Attack) -> None:
        launch_id = await self.a_waiting_launch(attack)
        attack.house.channels["C0DATA"] = ChannelPolicy(channel_id="C0DATA", name="data", grants=(BOUND,))

        for action in (APPROVE_ACTION, REJECT_ACTION, CANCEL_ACTION, IT_DID_NOT_ACTION):
            told = await attack.press(action, launch_id, "U0EVE", channel_id="C0DATA")
            assert "A1" not in told
        assert (await attack.newest()).state is State.AWAITING_APPROVAL

    @pytest.mark.parametrize("door", ["typed", "card", "home", "message", "shouted"])
    async def test_nobody_approves_their_own_launch_through_any_door(self, attack: Attack, door: str) -> None:
        attack.house.directory.groups["S0LEADS"] = frozenset({"U0ALICE", "U0BOB"})
        launch_id = await self.a_waiting_launch(attack)
        doors = {
            "typed": attack.type(f"approve {launch_id}", "U0ALICE"),
            "shouted": attack.type(f"APPROVE {launch_id.lower()[2:]}", "U0ALICE", channel_id="C0OTHER"),
            "card": attack.press(APPROVE_ACTION, launch_id, "U0ALICE"),
            "home": attack.press(APPROVE_ACTION, launch_id, "U0ALICE", channel_id="U0ALICE"),
            "message": attack.press(APPROVE_ACTION, launch_id, "U0ALICE", channel_id="D0ALICE"),
        }

        told = await doors.pop(door)

        for unused in doors.values():
            unused.close()
        assert told
        assert (await attack.newest()).state is State.AWAITING_APPROVAL

    async def test_a_replayed_press_counts_once_whatever_key_it_comes_under(self, attack: Attack) -> None:
        launch_id = await self.a_waiting_launch(attack, approval=replace(LEADS, required=2))

        for _ in range(4):
            await attack.press(APPROVE_ACTION, launch_id, "U0BOB")

        assert (await attack.newest()).state is State.AWAITING_APPROVAL

    async def test_a_press_that_is_kept_and_replayed_much_later_is_not_carried_out(self, attack: Attack) -> None:
        launch_id = await self.a_waiting_launch(attack)
        attack.house.clock.move(minutes=16)

        await attack.press(APPROVE_ACTION, launch_id, "U0BOB", received_at=NOON)

        assert (await attack.newest()).state is State.AWAITING_APPROVAL

    @pytest.mark.parametrize("flag", ["is_guest", "is_stranger", "is_bot", "is_deleted"])
    async def test_an_approver_who_is_no_full_member_decides_nothing_anywhere(self, attack: Attack, flag: str) -> None:
        launch_id = await self.a_waiting_launch(attack)
        attack.house.directory.people["U0BOB"] = Person(user_id="U0BOB", team_id="T0GONOGO", name="bob", **{flag: True})

        await attack.type(f"approve {launch_id}", "U0BOB")
        await attack.type(f"reject {launch_id} because", "U0BOB")
        await attack.press(APPROVE_ACTION, launch_id, "U0BOB")
        await attack.press(CANCEL_ACTION, launch_id, "U0BOB")

        assert (await attack.newest()).state is State.AWAITING_APPROVAL

    async def test_those_whom_it_would_be_escalated_to_decide_nothing_before(self, attack: Attack) -> None:
        rule = replace(LEADS, escalate_to=("U0EVE",), escalate_after_s=600.0)
        launch_id = await self.a_waiting_launch(attack, approval=rule)

        assert await attack.press(APPROVE_ACTION, launch_id)

        assert (await attack.newest()).state is State.AWAITING_APPROVAL

    async def test_the_requester_is_no_approver_by_being_escalated_to_either(self, attack: Attack) -> None:
        rule = replace(LEADS, approvers=("members",), escalate_to=("U0ALICE",), escalate_after_s=600.0)
        launch_id = await self.a_waiting_launch(attack, approval=rule)
        attack.house.clock.move(minutes=11)
        await moved(attack.house, EventKind.ESCALATED, launch_id)

        assert await attack.press(APPROVE_ACTION, launch_id, "U0ALICE")

        assert (await attack.newest()).state is State.AWAITING_APPROVAL

    async def test_a_press_with_the_id_of_another_workspace_is_about_nothing_that_we_know(self, attack: Attack) -> None:
        launch_id = await self.a_waiting_launch(attack)

        await attack.press(APPROVE_ACTION, launch_id, "U0BOB", team_id="T0OTHER")
        await attack.type(f"approve {launch_id}", "U0BOB", team_id="T0OTHER")

        assert (await attack.newest()).state is State.AWAITING_APPROVAL


class TestForms:
    """What a form carries comes back through the client."""

    async def prepared(self, attack: Attack) -> tuple[str, str]:
        """Two launches that wait for Bob alone and for Eve alone; Eve's form is open."""
        attack.house.grants = (replace(GRANT, approval=ApprovalRule(approvers=("U0BOB",))),)
        await attack.type(GOOD, user_id="U0ALICE")
        attack.house.grants = (replace(GRANT, approval=ApprovalRule(approvers=("U0EVE",))),)
        await attack.type(GOOD, user_id="U0ALICE")
        second, first = [one.launch_id for one in await attack.launches()]
        return first, second

    async def test_the_key_of_somebody_elses_press_opens_nothing(self, attack: Attack) -> None:
        first, _ = await self.prepared(attack)
        await attack.press(REJECT_ACTION, first, "U0BOB", key="button:bobs")

        told = await attack.send(REJECT_FORM, "button:bobs", "reason", "mine")

        assert told
        assert "A1" not in told
        assert {one.state for one in await attack.launches()} == {State.AWAITING_APPROVAL}

    async def test_a_press_on_one_launch_does_not_open_a_form_on_another(self, attack: Attack) -> None:
        first, second = await self.prepared(attack)
        await attack.press(REJECT_ACTION, first, "U0EVE", key="button:refused")

        told = await attack.send(REJECT_FORM, "button:refused", "reason", "mine")

        assert told
        launch = await attack.house.store.launch(first)
        assert launch is not None
        assert launch.state is State.AWAITING_APPROVAL
        assert (await attack.newest()).launch_id == second

    @pytest.mark.parametrize("metadata", ["", "button:none", "L-00001", "{}", "\0", "command:1", "x" * 3000, "' OR '1'='1"])
    async def test_made_up_metadata_opens_nothing(self, attack: Attack, metadata: str) -> None:
        await self.prepared(attack)

        for form, name in ((REJECT_FORM, "reason"), (RAN_FORM, "run_id"), ("unknown_form", "reason")):
            await attack.send(form, metadata, name, "1")

        assert {one.state for one in await attack.launches()} == {State.AWAITING_APPROVAL}

    async def test_a_typed_command_is_no_press_that_could_open_a_form(self, attack: Attack) -> None:
        """Its text is the id of a launch: were any delivery taken for a press, the form would be about that launch."""
        first, _ = await self.prepared(attack)
        await attack.type(first, "U0EVE", key="command:mine")

        await attack.send(REJECT_FORM, "command:mine", "reason", "mine")

        launch = await attack.house.store.launch(first)
        assert launch is not None
        assert launch.state is State.AWAITING_APPROVAL

    async def test_one_forms_answer_sent_as_another_form_is_judged_as_that_other(self, attack: Attack) -> None:
        _, second = await self.prepared(attack)
        await attack.press(REJECT_ACTION, second, "U0EVE", key="button:mine")

        told = await attack.send(RAN_FORM, "button:mine", "run_id", "400")

        assert "doubt" in told
        assert (await attack.newest()).state is State.AWAITING_APPROVAL

    async def test_who_lost_the_right_between_form_and_submission_decides_nothing(self, attack: Attack) -> None:
        attack.house.grants = (BOUND,)
        await attack.type(GOOD, user_id="U0ALICE")
        await attack.press(REJECT_ACTION, "L-00001", "U0BOB", key="button:bobs")
        attack.house.directory.groups["S0LEADS"] = frozenset({"U0CAROL"})

        told = await attack.send(REJECT_FORM, "button:bobs", "reason", "no", "U0BOB")

        assert "approver" in told.lower() or "S0LEADS" in told
        assert (await attack.newest()).state is State.AWAITING_APPROVAL


class TestDoubts:
    async def in_doubt(self, attack: Attack) -> None:
        attack.house.grants = (replace(GRANT, requesters=("U0ALICE",)),)
        await attack.type(GOOD, user_id="U0ALICE")
        for kind in (EventKind.STARTING, EventKind.LOST):
            await moved(attack.house, kind)

    @pytest.mark.parametrize("action", [IT_DID_NOT_ACTION, IT_RAN_ACTION])
    @pytest.mark.parametrize("channel_id", ["C0FINANCE", "D0EVE", "U0EVE", "C0DATA"])
    async def test_who_may_not_launch_settles_no_doubt(self, attack: Attack, action: str, channel_id: str) -> None:
        await self.in_doubt(attack)

        told = await attack.press(action, "L-00001", channel_id=channel_id)

        assert told
        assert (await attack.newest()).state is State.IN_DOUBT

    async def test_a_run_that_belongs_to_another_launch_is_not_taken(self, attack: Attack) -> None:
        await self.in_doubt(attack)
        await attack.type(GOOD, user_id="U0ALICE")
        await moved(attack.house, EventKind.STARTING, "L-00002")
        await moved(attack.house, EventKind.ACCEPTED, "L-00002", run_id="400")
        await attack.press(IT_RAN_ACTION, "L-00001", "U0ALICE", key="button:mine")

        told = await attack.send(RAN_FORM, "button:mine", "run_id", "400", "U0ALICE")

        assert "400" in told
        assert attack.house.wire.calls == []


class TestTime:
    """What was allowed a while ago, and is not any more, when it would start."""

    @pytest.mark.parametrize("change", ["guest", "group", "grant gone", "frozen", "shared"])
    async def test_a_launch_that_a_busy_provider_put_off_is_judged_anew(self, attack: Attack, change: str) -> None:
        """However often it was put off, and however shortly each time."""
        house = attack.house
        house.grants = (replace(GRANT, requesters=("S0LEADS",)),)
        await attack.type(GOOD, "U0BOB")
        wire = ListedWire([Busy(code="429", meaning="too many", retry_after_s=15)] * 4)
        for _ in range(3):
            await self.worked(attack, wire)
        self.taken_away(house, change)

        await self.worked(attack, wire)

        assert len(wire.calls) == 3
        assert (await attack.newest()).state is State.FAILED

    async def worked(self, attack: Attack, wire: ListedWire) -> None:
        """What a worker does by now; the time is then when it has to do something again."""
        house = attack.house
        work = LaunchWork(
            store=house.store,
            wire=wire,
            gate=house.launching.gate,
            clock=house.clock,
            providers=providers.load(),
            connections=house.standing.connections,
            holder="me",
            lease=LEASE,
        )
        for launch in await work.claim(10):
            await work.act(launch)
        house.clock.time = (await attack.newest()).due_at or house.clock.time

    def taken_away(self, house: House, change: str) -> None:
        match change:
            case "guest":
                house.directory.people["U0BOB"] = Person(user_id="U0BOB", team_id="T0GONOGO", name="bob", is_guest=True)
            case "group":
                house.directory.groups["S0LEADS"] = frozenset()
            case "frozen":
                house.freezes = (Freeze(name="now", begins=NOON, ends=NOON + timedelta(days=1)),)
            case "shared":
                shared = Channel(channel_id="C0FINANCE", name="finance-ops", is_member=True, is_shared=True)
                house.directory.channels["C0FINANCE"] = shared
            case _:
                house.grants, house.digest = (replace(GRANT, connection="crm"),), "another"

    async def test_a_value_that_a_new_grant_insists_on_is_not_left_out(self, attack: Attack) -> None:
        """Asked for without it, started under a grant that gives it: what would run is not what that grant allows."""
        house = attack.house
        spec = InputSpec(name="dryRun", type=InputType.BOOLEAN)
        house.definitions = TableDefinitions({"billing": (replace(DUNNING, inputs=(spec,)),)})
        await attack.type("billing 396")
        house.grants, house.digest = (replace(GRANT, inputs={"dryRun": InputRule(fixed=True)}),), "another"

        answer = await house.launching.gate.may_start(await attack.newest())

        assert isinstance(answer, NoGo)

    async def test_an_approval_that_was_not_needed_is_not_asked_for_because_of_a_delay(self, attack: Attack) -> None:
        house = attack.house
        rule = replace(LEADS, when={"maxAmount": InputRule(min=Decimal(100))})
        house.grants = (replace(GRANT, approval=rule),)
        await attack.type(f"{GOOD} maxAmount=5")
        house.clock.move(minutes=5)

        assert isinstance(await house.launching.gate.may_start(await attack.newest()), Go)

    async def test_a_deactivated_requesters_launch_cannot_be_approved(self, attack: Attack) -> None:
        attack.house.grants = (BOUND,)
        await attack.type(GOOD, "U0ALICE")
        gone = Person(user_id="U0ALICE", team_id="T0GONOGO", name="alice", is_deleted=True)
        attack.house.directory.people["U0ALICE"] = gone

        await attack.press(APPROVE_ACTION, "L-00001", "U0BOB")

        assert (await attack.newest()).state is State.FAILED


class TestLimits:
    async def test_twenty_at_once_get_no_more_through_than_the_limit(self, attack: Attack) -> None:
        attack.house.grants = (replace(GRANT, limits=Limits(per_hour=3)),)

        await asyncio.gather(*(attack.type(GOOD, f"U0EVE{number}") for number in range(20)))

        assert len(await attack.launches()) == 3

    async def test_a_tightened_limit_counts_what_was_launched_before(self, attack: Attack) -> None:
        attack.house.grants = (replace(GRANT, limits=Limits(per_hour=9)),)
        for _ in range(2):
            await attack.type(GOOD)
        attack.house.grants = (replace(GRANT, limits=Limits(per_hour=2)),)

        await refused(attack, GOOD)

    async def test_waiting_for_approval_takes_a_place_among_the_running(self, attack: Attack) -> None:
        attack.house.grants = (replace(BOUND, limits=Limits(running=1)),)
        await attack.type(GOOD)

        await refused(attack, GOOD)
