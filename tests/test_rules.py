"""Grants with rules, limits, freezes and held scopes, at the use cases: what is refused, what is filled in, what is kept of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from bot.domain.grants import ApprovalRule, Freeze, InputRule, Limits
from bot.domain.holdings import Holding
from bot.domain.model import Connection, EventKind, InputSpec, InputType, State, Workflow
from bot.domain.records import Record
from bot.launching import Launched
from bot.surfaces.command_text import LaunchText
from tests.builders import NOON, a_delivery
from tests.ports import TableDefinitions, a_store
from tests.test_launching import DUNNING, GRANT, House, codes, moved, stored

RUN = "Workflow Run Access"


@pytest.fixture
async def house() -> AsyncGenerator[House, None]:
    async with a_store() as store:
        yield House(store)


def typed(workflow: str = "396", **inputs: str) -> LaunchText:
    return LaunchText(connection="billing", workflow=workflow, inputs=tuple(inputs.items()), is_preview=False)


def ruled(**rules: InputRule) -> Any:
    return replace(GRANT, inputs=rules)


async def kept(house: House) -> list[Record]:
    return await house.store.decisions(since=NOON - timedelta(days=1))


class TestInputRules:
    async def test_a_value_within_the_rule_is_launched(self, house: House) -> None:
        house.grants = (ruled(maxAmount=InputRule(max=Decimal(500))),)

        launched = await house.request(typed(accountId="A1", maxAmount="500.00"))

        assert isinstance(launched, Launched)

    async def test_a_value_beyond_the_rule_is_refused_and_named(self, house: House) -> None:
        house.grants = (ruled(maxAmount=InputRule(max=Decimal(500))),)

        refusal = await house.request(typed(accountId="A1", maxAmount="500.01"))

        assert codes(refusal) == ["input_too_large"]
        assert await house.store.recent(channel_id="C0FINANCE", limit=9) == []

    async def test_a_fixed_value_is_sent_without_being_typed(self, house: House) -> None:
        house.grants = (ruled(accountId=InputRule(fixed="A7")),)

        launched = await house.request(typed())

        assert isinstance(launched, Launched)
        assert (await stored(house, "L-00001")).inputs == {"accountId": "A7"}

    async def test_another_value_than_the_fixed_one_is_refused(self, house: House) -> None:
        house.grants = (ruled(accountId=InputRule(fixed="A7", hidden=True)),)

        assert codes(await house.request(typed(accountId="A8"))) == ["input_fixed"]

    async def test_a_fixed_value_that_its_input_does_not_take_stops_the_launch_and_is_not_left_out(self, house: House) -> None:
        house.grants = (ruled(maxAmount=InputRule(fixed="a lot")),)

        assert codes(await house.request(typed(accountId="A1"))) == ["fixed_misfit"]

    async def test_a_fixed_value_for_an_input_that_the_workflow_lacks_stops_the_launch(self, house: House) -> None:
        house.grants = (ruled(dryRun=InputRule(fixed="yes")),)

        assert codes(await house.request(typed(accountId="A1"))) == ["fixed_misfit"]

    async def test_a_default_of_the_providers_that_a_rule_is_about_and_nobody_can_read_is_not_left_to_it(
        self, house: House
    ) -> None:
        amount = InputSpec(name="maxAmount", type=InputType.DECIMAL, default="1,000.00")
        house.definitions = TableDefinitions({"billing": (replace(DUNNING, inputs=(InputSpec(name="accountId"), amount)),)})
        house.grants = (ruled(maxAmount=InputRule(max=Decimal(500))),)

        refusal = await house.request(typed(accountId="A1"))

        assert codes(refusal) == ["default_misfit"]
        assert refusal.problems[0].facts["name"] == "maxAmount"  # type: ignore[union-attr]
        assert isinstance(await house.request(typed(accountId="A1", maxAmount="499"), key="command:2"), Launched)

    async def test_a_default_that_nobody_can_read_is_the_providers_own_where_no_rule_is_about_it(self, house: House) -> None:
        amount = InputSpec(name="maxAmount", type=InputType.DECIMAL, default="1,000.00")
        house.definitions = TableDefinitions({"billing": (replace(DUNNING, inputs=(InputSpec(name="accountId"), amount)),)})

        launched = await house.request(typed(accountId="A1"))

        assert isinstance(launched, Launched)
        assert launched.launch.inputs == {"accountId": "A1"}

    async def test_of_two_grants_the_one_that_the_inputs_fit_is_used(self, house: House) -> None:
        narrow = ruled(maxAmount=InputRule(max=Decimal(10)))
        house.grants = (narrow, replace(GRANT, inputs={"maxAmount": InputRule(max=Decimal(100))}, requesters=("U0ALICE",)))

        launched = await house.request(typed(accountId="A1", maxAmount="50"))

        assert isinstance(launched, Launched)
        assert (await stored(house, "L-00001")).grant_key == house.grants[1].key


ENTITY = replace(DUNNING, inputs=(*(DUNNING.inputs or ()), InputSpec(name="entity", required=True)))
AGREED = ApprovalRule(approvers=("U0BOB",))


class TestOverlappingGrants:
    """One gives the entity itself, for everybody; the other is for the admins, who have to type it."""

    FIXING = ruled(entity=InputRule(fixed="EU"), maxAmount=InputRule(max=Decimal(500)))
    BARE = replace(GRANT, requesters=("S0ADMINS",))

    @pytest.fixture
    def admins(self, house: House) -> House:
        house.definitions = TableDefinitions({"billing": (ENTITY,)})
        house.directory.groups["S0ADMINS"] = frozenset({"U0ALICE"})
        return house

    async def test_the_grant_for_which_the_inputs_are_complete_is_used_although_the_other_asks_for_less(
        self, admins: House
    ) -> None:
        admins.grants = (replace(self.FIXING, approval=AGREED), self.BARE)

        launched = await admins.request(typed(accountId="A1"))

        assert isinstance(launched, Launched)
        assert (launched.launch.state, launched.launch.grant_key) == (State.AWAITING_APPROVAL, admins.grants[0].key)
        assert launched.launch.inputs == {"accountId": "A1", "entity": "EU"}

    @pytest.mark.parametrize("number", range(8))
    async def test_the_fingerprints_of_grants_decide_nothing_about_it(self, admins: House, number: int) -> None:
        admins.grants = (self.FIXING, replace(self.BARE, limits=Limits(per_hour=100 + number)))

        launched = await admins.request(typed(accountId="A1"))

        assert isinstance(launched, Launched)
        assert launched.launch.grant_key == self.FIXING.key

    async def test_the_grant_without_approval_is_used_once_its_inputs_are_complete(self, admins: House) -> None:
        admins.grants = (replace(self.FIXING, approval=AGREED), self.BARE)

        launched = await admins.request(typed(accountId="A1", entity="EU"))

        assert isinstance(launched, Launched)
        assert (launched.launch.state, launched.launch.grant_key) == (State.QUEUED, self.BARE.key)

    async def test_where_the_only_one_with_complete_inputs_refuses_one_its_own_reason_is_told(self, admins: House) -> None:
        admins.grants = (replace(self.FIXING, approval=AGREED), self.BARE)

        assert codes(await admins.request(typed(accountId="A1", maxAmount="501"))) == ["input_too_large"]

    async def test_a_grant_that_came_while_the_inputs_were_read_is_not_judged_without_them(self, admins: House) -> None:
        admins.grants = (replace(self.FIXING, approval=AGREED),)
        reloaded = _ReloadedMeanwhile({"billing": (ENTITY,)})
        admins.definitions = reloaded
        launching = admins.launching
        admins.grants = (replace(self.BARE, requesters=("U0ALICE",)),)
        reloaded.replace = partial(
            launching._cases.rejudging.judge.standing.replace, policy=admins.standing.policy, connections={}
        )

        assert codes(await launching.request(a_delivery(), typed(accountId="A1"))) == ["policy_changed"]


class _ReloadedMeanwhile(TableDefinitions):
    """The configuration is read anew while the workflow's inputs are asked for."""

    replace: Callable[[], None]

    async def described(self, connection: Connection, workflow: Workflow, *, is_fresh: bool = False) -> Workflow:
        self.replace()
        return await super().described(connection, workflow, is_fresh=is_fresh)


class TestLimits:
    async def test_the_launch_after_the_last_one_of_the_hour_is_refused_until_the_hour_has_passed(self, house: House) -> None:
        house.grants = (replace(GRANT, limits=Limits(per_hour=2)),)
        answers = [await house.request(typed(accountId="A1"), key=f"command:{number}") for number in range(3)]

        assert [isinstance(answer, Launched) for answer in answers] == [True, True, False]
        assert codes(answers[2]) == ["limit_per_hour"]

        house.clock.move(minutes=61)
        assert isinstance(await house.request(typed(accountId="A1"), key="command:9"), Launched)

    async def test_ten_people_at_once_do_not_exceed_the_limit(self, house: House) -> None:
        house.grants = (replace(GRANT, limits=Limits(running=3)),)
        wishes = [house.request(typed(accountId="A1"), key=f"command:{number}", user_id=f"U0{number}") for number in range(10)]

        answers = await asyncio.gather(*wishes)

        assert sum(isinstance(answer, Launched) for answer in answers) == 3

    async def test_a_launch_that_is_over_makes_room(self, house: House) -> None:
        house.grants = (replace(GRANT, limits=Limits(running=1)),)
        await house.request(typed(accountId="A1"), key="command:1")
        assert codes(await house.request(typed(accountId="A1"), key="command:2")) == ["limit_running"]

        await moved(house, EventKind.STARTING)
        await moved(house, EventKind.SUCCEEDED)

        assert isinstance(await house.request(typed(accountId="A1"), key="command:3"), Launched)

    @pytest.mark.parametrize("limits", [Limits(per_hour=1), Limits(running=1)])
    async def test_a_redelivered_wish_is_not_refused_for_the_launch_that_it_caused(self, house: House, limits: Limits) -> None:
        """Whoever were told that it may not run would take it for not running."""
        house.grants = (replace(GRANT, limits=limits),)
        wish = await house.request(typed(accountId="A1"))
        again = await house.request(typed(accountId="A1"))

        assert isinstance(wish, Launched)
        assert again == Launched(launch=wish.launch, is_repeated=True)
        assert len(await house.store.recent(channel_id="C0FINANCE", limit=9)) == 1

    async def test_a_tightened_limit_goes_on_counting(self, house: House) -> None:
        house.grants = (replace(GRANT, limits=Limits(per_hour=9)),)
        await house.request(typed(accountId="A1"), key="command:1")

        house.grants = (replace(GRANT, limits=Limits(per_hour=1)),)

        assert codes(await house.request(typed(accountId="A1"), key="command:2")) == ["limit_per_hour"]


class TestFreezes:
    FREEZE = Freeze(name="month-end close", begins=NOON, ends=NOON + timedelta(hours=1), connections=("billing",))

    async def test_nothing_starts_while_a_freeze_holds_and_the_refusal_names_it_and_its_end(self, house: House) -> None:
        house.freezes = (self.FREEZE,)

        refusal = await house.request(typed(accountId="A1"))

        assert codes(refusal) == ["frozen"]
        assert refusal.reasons[0].facts["freeze"] == "month-end close"  # type: ignore[union-attr]
        house.clock.move(hours=1)
        assert isinstance(await house.request(typed(accountId="A1"), key="command:2"), Launched)

    @pytest.mark.parametrize("exempt", ["U0ALICE", "S0CONTROLLERS"])
    async def test_who_is_exempt_goes_on(self, house: House, exempt: str) -> None:
        house.directory.groups["S0CONTROLLERS"] = frozenset({"U0ALICE"})
        house.freezes = (replace(self.FREEZE, exempt=(exempt,)),)

        assert isinstance(await house.request(typed(accountId="A1")), Launched)

    async def test_an_exemption_that_slack_does_not_tell_is_none(self, house: House) -> None:
        house.directory.silent.add("S0CONTROLLERS")
        house.freezes = (replace(self.FREEZE, exempt=("S0CONTROLLERS",)),)

        assert codes(await house.request(typed(accountId="A1"))) == ["lookup_failed"]

    async def test_what_runs_can_still_be_stopped(self, house: House) -> None:
        await house.request(typed(accountId="A1"))
        await moved(house, EventKind.STARTING)
        await moved(house, EventKind.ACCEPTED, run_id="9001")
        house.freezes = (self.FREEZE,)

        answer = await house.launching.cancel(_pressed(), "L-00001")

        assert not hasattr(answer, "reasons")


def _pressed() -> Any:
    return a_delivery(kind="button", key="button:1", text="L-00001")


class TestHeldScopes:
    async def keep(self, house: House, *, is_held: bool | None, **changes: Any) -> None:
        holding = Holding(connection="billing", scope=RUN, is_held=is_held, evidence="refused on L-1", seen_at=NOON, **changes)
        await house.store.keep_mirror("billing", [holding])

    async def test_a_scope_that_the_credential_lacks_denies_and_says_whose_turn_it_is(self, house: House) -> None:
        await self.keep(house, is_held=False)

        refusal = await house.request(typed(accountId="A1"))

        assert codes(refusal) == ["scope_not_held"]
        assert refusal.reasons[0].facts["scope"] == RUN  # type: ignore[union-attr]

    @pytest.mark.parametrize("is_held", [True, None])
    async def test_a_scope_that_is_held_or_not_verified_allows(self, house: House, is_held: bool | None) -> None:
        await self.keep(house, is_held=is_held)

        assert isinstance(await house.request(typed(accountId="A1")), Launched)

    async def test_what_a_refusal_taught_lapses(self, house: House) -> None:
        await self.keep(house, is_held=False, lapses_at=NOON + timedelta(minutes=10))
        assert codes(await house.request(typed(accountId="A1"))) == ["scope_not_held"]

        house.clock.move(minutes=10)

        assert isinstance(await house.request(typed(accountId="A1"), key="command:2"), Launched)


class TestNames:
    def rename(self, house: House, name: str) -> None:
        house.definitions = TableDefinitions({"billing": (replace(DUNNING, name=name),)})

    async def test_a_workflow_that_was_renamed_into_a_grant_is_not_covered(self, house: House) -> None:
        house.grants = (replace(GRANT, workflows=("Refund *",)),)
        self.rename(house, "Delete accounts")
        assert codes(await house.request(typed("Delete accounts", accountId="A1"), key="command:1")) == ["workflow_not_granted"]

        self.rename(house, "Refund accounts")

        assert codes(await house.request(typed("Refund accounts", accountId="A1"), key="command:2")) == ["workflow_renamed"]

    async def test_a_workflow_that_was_renamed_out_of_a_grant_is_not_covered_either(self, house: House) -> None:
        house.grants = (replace(GRANT, workflows=("Dunning *",)),)
        assert isinstance(await house.request(typed("Dunning run", accountId="A1"), key="command:1"), Launched)

        self.rename(house, "Delete accounts")

        assert codes(await house.request(typed("Delete accounts", accountId="A1"), key="command:2")) == ["workflow_not_granted"]

    async def test_an_id_in_the_grant_covers_it_under_any_name(self, house: House) -> None:
        self.rename(house, "Whatever")

        assert isinstance(await house.request(typed(accountId="A1")), Launched)


class TestGroups:
    async def test_who_joined_the_group_a_moment_ago_is_not_sent_away_for_what_is_remembered(self, house: House) -> None:
        house.grants = (replace(GRANT, requesters=("S0LEADS",)),)
        directory = _Remembering(house)
        house.directory = directory  # type: ignore[assignment]
        assert codes(await house.request(typed(accountId="A1"), key="command:1")) == ["requester_not_granted"]

        house.directory.groups["S0LEADS"] = frozenset({"U0ALICE"})

        assert isinstance(await house.request(typed(accountId="A1"), key="command:2"), Launched)
        assert directory.fresh == 2


class _Remembering:
    """A directory that never forgets a group unless it is asked anew."""

    def __init__(self, house: House) -> None:
        self._table = house.directory
        self.groups = house.directory.groups
        self.fresh = 0
        self._kept: dict[str, frozenset[str]] = {}

    async def group_members(self, group_id: str, *, is_fresh: bool = False) -> frozenset[str]:
        self.fresh += is_fresh
        if is_fresh or group_id not in self._kept:
            self._kept[group_id] = await self._table.group_members(group_id)
        return self._kept[group_id]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)


class TestRecords:
    async def test_an_allowed_wish_is_kept_with_its_launch_and_policy(self, house: House) -> None:
        await house.request(typed(accountId="A1"))

        (record,) = await kept(house)

        assert (record.verdict, record.launch_id, record.policy_digest) == ("allow", "L-00001", "digest")
        assert (record.person_id, record.channel_id, record.grant_key) == ("U0ALICE", "C0FINANCE", GRANT.key)
        assert record.facts["inputs"] == {"accountId": "A1"}

    async def test_a_refused_wish_is_kept_with_its_reasons(self, house: House) -> None:
        house.grants = (replace(GRANT, requesters=("U0BOB",)),)
        await house.request(typed(accountId="A1"))

        (record,) = await kept(house)

        assert (record.verdict, record.launch_id, record.codes) == ("deny", None, ("requester_not_granted",))
