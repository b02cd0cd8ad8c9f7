"""What stands on one person's App Home, over a real store in memory, with Slack and providers from tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.approval_terms import asked
from bot.domain.errors import LookupFailedError
from bot.domain.grants import ApprovalRule, ChannelPolicy
from bot.domain.model import Channel, Connection, EventKind, Launch, Person, State, Workflow
from bot.domain.standing import Standing
from bot.launching import Launching
from bot.launching.homing import AGAIN_UNSEEN_AFTER, MOST_LOOKED_AT
from bot.launching.placing import AGAIN_AFTER, GOOD_FOR, MOST_CHANNELS
from bot.launching.sparing import SparingDefinitions, SparingDirectory
from bot.ports import Home, HomeView
from bot.surfaces.cards import APPROVE_ACTION
from bot.surfaces.home import LAUNCH_ACTION
from bot.surfaces.say import Say
from tests.block_limits import assert_view_within_limits, shown
from tests.builders import NOON, a_connection, a_delivery, a_launch, an_event
from tests.ports import TableDefinitions, TableDirectory, a_store
from tests.test_launching import DUNNING, GRANT, House

RULE = ApprovalRule(approvers=("S0LEADS", "U0CAROL"), required=2, expires_after_s=4 * 3600.0)
LEADS = frozenset({"U0BOB", "U0DAVE"})
NOTHING_WAITS = "Nothing waits for your approval."
REFUND = Workflow(workflow_id="400", name="Refund run", inputs=())


@dataclass
class CountingDirectory(TableDirectory):
    """Keeps what it was asked."""

    asked: list[str] = field(default_factory=list)

    def _speak(self, subject: str) -> None:
        self.asked.append(subject)
        super()._speak(subject)


class ConfiguredHouse(House):
    """One whose configuration names the workflow itself."""

    @property
    def standing(self) -> Standing:
        named = Workflow(workflow_id="396", name="Dunning run")
        return Standing(policy=super().standing.policy, connections={"billing": a_connection(workflows={"396": named})})


@dataclass
class Hall:
    """A house, one set of use cases that remembers, and whose Home is looked at."""

    house: House
    launching: Launching
    directory: CountingDirectory

    async def wait(self, number: int = 1, rule: ApprovalRule = RULE, **changes: Any) -> Launch:
        """A launch of Alice's that waits."""
        plain: dict[str, Any] = {
            "launch_id": f"L-{number:05d}",
            "state": State.AWAITING_APPROVAL,
            "digest": "digest",
            "approval": asked(rule, now=NOON),
            "created_at": NOON + timedelta(seconds=number),
        }
        launch = a_launch(**(plain | changes))
        event = an_event(launch_id=launch.launch_id, at=launch.created_at, actor=launch.requester_id)
        assert await self.house.store.create(launch, event, delivery_key=f"command:{launch.launch_id}") is None
        return launch

    async def happen(self, kind: EventKind, **facts: Any) -> None:
        launch = await self.house.store.launch("L-00001")
        assert launch is not None
        event = an_event(kind, launch_id="L-00001", actor=facts.pop("actor", "gonogo"), facts=facts)
        assert await self.house.store.save(launch, event)

    async def look(self, user_id: str = "U0BOB", opened: float = 0.0) -> HomeView:
        """The Home of somebody who opened it so many minutes ago."""
        opened_at = self.house.clock.now() - timedelta(minutes=opened)
        return await self.see(Home(user_id=user_id, team_id="T0GONOGO", opened_at=opened_at))

    async def see(self, home: Home) -> HomeView:
        composed = await self.launching.composer.home_of(home)
        assert_view_within_limits(composed.view)
        return composed


@pytest.fixture
async def hall() -> AsyncGenerator[Hall, None]:
    async with a_store() as store:
        house = House(store)
        house.directory = directory = CountingDirectory(
            channels={"C0FINANCE": Channel(channel_id="C0FINANCE", name="finance-ops", is_member=True)},
            groups={"S0LEADS": LEADS},
            people={"U0GUEST": Person(user_id="U0GUEST", team_id="T0GONOGO", name="gus", is_guest=True)},
        )
        yield Hall(house, house.launching, directory)


def built(house: House, **changes: Any) -> Launching:
    """The use cases over the same house with other parts."""
    for name, value in changes.items():
        setattr(house, name, value)
    return house.launching


def text_of(composed: HomeView) -> str:
    return shown(Say(text="Home", blocks=tuple(composed.view["blocks"])))


def offered(composed: HomeView, action_id: str = APPROVE_ACTION) -> list[str]:
    found = [element for block in composed.view["blocks"] if block["type"] == "actions" for element in block["elements"]]
    return [element.get("value", "") for element in found if element["action_id"] == action_id]


class TestWaiting:
    @pytest.mark.parametrize(
        ("user_id", "is_offered"),
        [("U0BOB", True), ("U0CAROL", True), ("U0EVE", False), ("U0ALICE", False)],
        ids=["of the group", "by name", "nobody", "requester"],
    )
    async def test_what_this_person_may_decide_on_waits_for_them(self, hall: Hall, user_id: str, is_offered: bool) -> None:
        launch = await hall.wait()

        assert offered(await hall.look(user_id)) == ([launch.launch_id] if is_offered else [])

    async def test_the_requester_sees_it_where_the_rule_lets_them_decide(self, hall: Hall) -> None:
        await hall.wait(rule=replace(RULE, approvers=("members",), self_approval=True))

        assert offered(await hall.look("U0ALICE")) == ["L-00001"]

    async def test_those_that_wait_longest_come_first(self, hall: Hall) -> None:
        for number in (3, 1, 2):
            await hall.wait(number)

        assert offered(await hall.look()) == ["L-00001", "L-00002", "L-00003"]

    async def test_who_agreed_already_is_not_asked_again_and_others_are(self, hall: Hall) -> None:
        await hall.wait()
        await hall.happen(EventKind.APPROVED, actor="U0BOB", digest="digest", counted=["U0BOB"], required=2)

        assert offered(await hall.look("U0BOB")) == []
        assert offered(await hall.look("U0DAVE")) == ["L-00001"]
        assert "1 of 2 agreed" in text_of(await hall.look("U0DAVE"))

    async def test_what_was_reopened_asks_everybody_again(self, hall: Hall) -> None:
        await hall.wait()
        await hall.happen(EventKind.APPROVED, actor="U0BOB", digest="digest", counted=["U0BOB"], required=2)
        await hall.happen(EventKind.REOPENED, digest="digest")

        assert offered(await hall.look("U0BOB")) == ["L-00001"]

    async def test_whom_it_is_escalated_to_sees_it_from_then_on(self, hall: Hall) -> None:
        await hall.wait(rule=replace(RULE, escalate_to=("U0EVE",), escalate_after_s=60.0))
        before = offered(await hall.look("U0EVE"))
        await hall.happen(EventKind.ESCALATED)

        assert before == []
        assert offered(await hall.look("U0EVE")) == ["L-00001"]

    async def test_what_expired_is_not_offered_although_nobody_noted_it_yet(self, hall: Hall) -> None:
        await hall.wait()
        hall.house.clock.move(hours=4)

        assert offered(await hall.look()) == []

    async def test_what_is_decided_is_gone(self, hall: Hall) -> None:
        launch = await hall.wait()
        await hall.house.store.save(replace(launch, state=State.REJECTED), an_event(EventKind.REJECTED, launch_id="L-00001"))

        assert NOTHING_WAITS in text_of(await hall.look())

    async def test_launches_of_another_workspace_are_not_shown(self, hall: Hall) -> None:
        await hall.wait(team_id="T0OTHER")
        await hall.wait(2, team_id="T0OTHER", requester_id="U0BOB")
        text = text_of(await hall.look())

        assert NOTHING_WAITS in text
        assert "You have not launched anything yet." in text

    async def test_a_single_operator_sees_their_own_once_they_may_agree(self, hall: Hall) -> None:
        rule = replace(RULE, approvers=("U0ALICE",), required=1, single_operator=True, cool_down_s=600.0)
        await hall.wait(rule=rule)
        early = await hall.look("U0ALICE")
        hall.house.clock.move(minutes=10)

        assert (offered(early), early.again_at) == ([], NOON + timedelta(minutes=10))
        assert offered(await hall.look("U0ALICE")) == ["L-00001"]

    async def test_a_group_that_slack_does_not_tell_entitles_nobody_and_is_named(self, hall: Hall) -> None:
        hall.directory.silent.add("S0LEADS")
        await hall.wait()
        composed = await hall.look()

        assert offered(composed) == []
        assert "S0LEADS" in text_of(composed)
        assert "This may be incomplete" in text_of(composed)
        assert composed.again_at == NOON + AGAIN_AFTER

    async def test_many_launches_cost_slack_one_look_at_each_group(self, hall: Hall) -> None:
        for number in range(1, 31):
            await hall.wait(number)
        composed = await hall.look()

        assert len(offered(composed)) == 18
        assert "and 12 more: /launch status" in text_of(composed)
        assert hall.directory.asked.count("S0LEADS") == hall.directory.asked.count("U0BOB") == 1

    async def test_more_than_are_looked_at_is_said(self, hall: Hall) -> None:
        for number in range(1, MOST_LOOKED_AT + 1):
            await hall.wait(number)

        assert f"only the {MOST_LOOKED_AT} launches that wait longest" in text_of(await hall.look("U0EVE"))


class TestMine:
    async def test_own_launches_stand_with_their_states_newest_first(self, hall: Hall) -> None:
        await hall.wait(1, requester_id="U0BOB")
        await hall.wait(2, requester_id="U0BOB", state=State.FAILED)
        await hall.wait(3, requester_id="U0EVE")
        text = text_of(await hall.look())

        assert text.index("L-00002") < text.index("L-00001")
        assert "Failed: Dunning run on billing" in text
        assert "Awaiting approval: Dunning run on billing" in text


class TestPlaces:
    async def test_what_may_be_launched_where_stands_with_a_button(self, hall: Hall) -> None:
        composed = await hall.look()

        assert "#finance-ops" in text_of(composed)
        assert "billing: Dunning run" in text_of(composed)
        assert offered(composed, LAUNCH_ACTION) == [""]
        assert composed.again_at is None

    async def test_what_needs_approval_may_be_launched_too(self, hall: Hall) -> None:
        hall.launching = built(hall.house, grants=(replace(GRANT, approval=RULE),))

        assert "billing: Dunning run" in text_of(await hall.look())

    async def test_what_no_grant_names_is_not_shown(self, hall: Hall) -> None:
        hall.launching = built(hall.house, definitions=TableDefinitions({"billing": (DUNNING, REFUND)}))

        assert "Refund" not in text_of(await hall.look())

    @pytest.mark.parametrize(
        "channel", [{"is_archived": True}, {"is_member": False}, {"is_shared": True}], ids=["archived", "without bot", "shared"]
    )
    async def test_channels_in_which_nothing_can_be_launched_are_not_shown(self, hall: Hall, channel: dict[str, bool]) -> None:
        hall.directory.channels["C0FINANCE"] = replace(hall.directory.channels["C0FINANCE"], **channel)
        composed = await hall.look()

        assert "finance-ops" not in text_of(composed)
        assert offered(composed, LAUNCH_ACTION) == []

    async def test_a_channel_in_which_the_person_is_not_is_not_shown(self, hall: Hall) -> None:
        hall.directory.absent.add("C0FINANCE U0BOB")

        assert "finance-ops" not in text_of(await hall.look())

    async def test_whom_no_grant_names_costs_slack_no_look_at_the_channel(self, hall: Hall) -> None:
        hall.launching = built(hall.house, grants=(replace(GRANT, requesters=("U0EVE",)),))

        assert "finance-ops" not in text_of(await hall.look())
        assert not [subject for subject in hall.directory.asked if subject.startswith("C0FINANCE")]

    async def test_a_channel_that_slack_does_not_tell_about_is_named(self, hall: Hall) -> None:
        hall.directory.silent.add("C0FINANCE U0BOB")
        composed = await hall.look()

        assert "C0FINANCE U0BOB: Slack did not answer" in text_of(composed)
        assert composed.again_at == NOON + AGAIN_AFTER

    async def test_a_home_that_nobody_looked_at_lately_is_looked_up_again_seldom(self, hall: Hall) -> None:
        hall.directory.silent.add("C0FINANCE U0BOB")

        assert (await hall.look(opened=61)).again_at == NOON + AGAIN_UNSEEN_AFTER

    async def test_a_provider_that_does_not_tell_leaves_what_is_configured(self, hall: Hall) -> None:
        house = ConfiguredHouse(hall.house.store, directory=hall.directory, definitions=TableDefinitions(silent={"billing"}))
        hall.launching = house.launching
        composed = await hall.look()

        assert "billing: Dunning run" in text_of(composed)
        assert "the workflows of billing could not be asked for" in text_of(composed)

    async def test_what_was_found_is_kept_for_a_while(self, hall: Hall) -> None:
        home = Home(user_id="U0BOB", team_id="T0GONOGO", opened_at=NOON)
        await hall.see(home)
        asked_before = list(hall.house.definitions.asked)
        hall.house.clock.move(seconds=GOOD_FOR.total_seconds() - 1)
        await hall.see(home)
        asked_within = list(hall.house.definitions.asked)
        hall.house.clock.move(seconds=1)
        await hall.see(home)

        assert asked_before == asked_within == ["billing"]
        assert hall.house.definitions.asked == ["billing"] * 2

    async def test_who_opens_their_home_is_looked_up_anew(self, hall: Hall) -> None:
        await hall.look()
        hall.house.clock.move(seconds=5)
        hall.directory.absent.add("C0FINANCE U0BOB")

        assert "finance-ops" not in text_of(await hall.look())

    async def test_only_so_many_channels_are_looked_at(self, hall: Hall) -> None:
        many = {f"C0{n:03d}": ChannelPolicy(channel_id=f"C0{n:03d}", name=f"c{n}", grants=(GRANT,)) for n in range(MOST_CHANNELS)}
        hall.launching = built(hall.house, channels=many)

        assert f"only {MOST_CHANNELS} of {MOST_CHANNELS + 1} channels were looked at" in text_of(await hall.look())


class TestPeople:
    async def test_a_guest_sees_why_and_nothing_else(self, hall: Hall) -> None:
        await hall.wait(rule=replace(RULE, approvers=("members",)))
        composed = await hall.look("U0GUEST")

        assert "guest" in text_of(composed)
        assert [block["type"] for block in composed.view["blocks"]] == ["header", "rich_text"]
        assert composed.again_at is None

    async def test_somebody_whom_slack_does_not_tell_about_sees_so_and_is_looked_up_again(self, hall: Hall) -> None:
        hall.directory.silent.add("U0BOB")
        await hall.wait()
        composed = await hall.look()

        assert offered(composed) == []
        assert "Slack did not answer" in text_of(composed)
        assert composed.again_at == NOON + AGAIN_AFTER

    async def test_who_opens_theirs_is_known_and_the_worker_woken(self, hall: Hall) -> None:
        await hall.launching.home_opened(a_delivery(kind="event", user_id="U0BOB"))
        [home] = await hall.house.store.lease_homes(now=NOON, until=NOON, holder="me", limit=9)

        assert (home.user_id, home.team_id, home.opened_at) == ("U0BOB", "T0GONOGO", NOON)
        assert hall.house.rings == ["ring"]


class TestSparing:
    async def test_a_fact_is_asked_for_once_however_many_want_it_at_once_and_how_fresh(self) -> None:
        asking = CountingDirectory(groups={"S0LEADS": LEADS})
        sparing = SparingDirectory(directory=asking)
        found = await asyncio.gather(*(sparing.group_members("S0LEADS", is_fresh=bool(n % 2)) for n in range(9)))

        assert set(found) == {LEADS}
        assert asking.asked == ["S0LEADS"]

    async def test_a_failure_is_met_once_and_told_to_everybody(self) -> None:
        asking = CountingDirectory(silent={"S0LEADS"})
        sparing = SparingDirectory(directory=asking)
        for _ in range(3):
            with pytest.raises(LookupFailedError, match="S0LEADS"):
                await sparing.group_members("S0LEADS")

        assert asking.asked == ["S0LEADS"]

    async def test_a_slow_provider_is_not_waited_for_and_goes_on_answering(self) -> None:
        answered = asyncio.Event()

        @dataclass
        class SlowDefinitions(TableDefinitions):
            async def known_live(self, connection: Connection) -> tuple[Workflow, ...]:
                await asyncio.shield(asyncio.ensure_future(answered.wait()))
                return await super().known_live(connection)

        slow = SlowDefinitions({"billing": (DUNNING,)})
        sparing = SparingDefinitions(definitions=slow, patience_s=0.0)
        with pytest.raises(LookupFailedError, match="could not be asked just now"):
            await sparing.known_live(a_connection())
        answered.set()

        assert sparing.silent == {"billing"}
        assert await SparingDefinitions(definitions=slow).known_live(a_connection()) == (DUNNING,)
