"""Grants with rules, limits, freezes and held scopes, at the use cases: what is refused, what is filled in, what is kept of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.grants import Freeze, InputRule, Limits
from bot.domain.holdings import Holding
from bot.domain.model import EventKind
from bot.domain.records import Record
from bot.launching import Launched
from bot.surfaces.command_text import LaunchText
from tests.builders import NOON
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

    async def test_of_two_grants_the_one_that_the_inputs_fit_is_used(self, house: House) -> None:
        narrow = ruled(maxAmount=InputRule(max=Decimal(10)))
        house.grants = (narrow, replace(GRANT, inputs={"maxAmount": InputRule(max=Decimal(100))}, requesters=("U0ALICE",)))

        launched = await house.request(typed(accountId="A1", maxAmount="50"))

        assert isinstance(launched, Launched)
        assert (await stored(house, "L-00001")).grant_key == house.grants[1].key


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

    async def test_a_redelivered_wish_is_not_counted_again(self, house: House) -> None:
        house.grants = (replace(GRANT, limits=Limits(per_hour=1)),)
        wish = await house.request(typed(accountId="A1"))
        again = await house.request(typed(accountId="A1"))

        assert isinstance(wish, Launched)
        assert isinstance(again, Launched) or codes(again) == ["limit_per_hour"]
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
    from tests.builders import a_delivery  # noqa: PLC0415 - beside its only use

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
