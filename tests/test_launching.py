"""Use cases over a real store in memory, with Slack and providers from tables."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bot import providers
from bot.domain.errors import ThreadError
from bot.domain.grants import ChannelPolicy, Freeze, Grant, Policy
from bot.domain.lifecycle import step
from bot.domain.model import Channel, EventKind, InputSpec, InputType, Launch, Person, State, Workflow
from bot.domain.standing import Standing
from bot.launching import CancelTaken, Launched, Launching, Ports, Refusal, Setup, Story
from bot.store.sqlite import SqliteStore
from bot.surfaces.command_text import LaunchText
from bot.surfaces.say import Say
from tests.builders import FrozenClock, a_connection, a_delivery, an_event
from tests.ports import ListedWire, RecordingThread, TableDefinitions, TableDirectory, a_store

DUNNING = Workflow(
    workflow_id="396",
    name="Dunning run",
    inputs=(InputSpec(name="accountId", required=True), InputSpec(name="maxAmount", type=InputType.DECIMAL)),
)
GRANT = Grant(
    connection="billing",
    scopes=("Workflow Run Access", "Workflow View Access"),
    workflows=("396",),
    requesters=("members",),
)
TYPED = LaunchText(connection="billing", workflow="396", inputs=(("accountId", "A1"),), is_preview=False)


@dataclass
class House:
    """Everything a use case stands on, each part to be looked at or broken."""

    store: SqliteStore
    clock: FrozenClock = field(default_factory=FrozenClock)
    directory: TableDirectory = field(default_factory=TableDirectory)
    definitions: TableDefinitions = field(default_factory=lambda: TableDefinitions({"billing": (DUNNING,)}))
    thread: RecordingThread = field(default_factory=RecordingThread)
    wire: ListedWire = field(default_factory=ListedWire)
    rings: list[str] = field(default_factory=list)
    grants: tuple[Grant, ...] = (GRANT,)
    channels: dict[str, ChannelPolicy] = field(default_factory=dict)
    freezes: tuple[Freeze, ...] = ()
    digest: str = "digest"
    place: Callable[[Launch], Any] = lambda _: None

    @property
    def standing(self) -> Standing:
        """What is in force."""
        channel = ChannelPolicy(channel_id="C0FINANCE", name="finance-ops", grants=self.grants)
        return Standing(
            connections={"billing": a_connection(), "crm": a_connection(name="crm", provider="bitrix24")},
            policy=Policy(channels={"C0FINANCE": channel, **self.channels}, digest=self.digest, freezes=self.freezes),
        )

    @property
    def launching(self) -> Launching:
        return Launching(
            ports=Ports(
                store=self.store,
                wire=self.wire,
                definitions=self.definitions,
                directory=self.directory,
                thread=self.thread,
                clock=self.clock,
            ),
            setup=Setup(
                providers=providers.load(),
                standing=self.standing,
            ),
            ring=lambda: self.rings.append("ring"),
            holder="me",
            place=self.place,
        )

    async def request(self, typed: LaunchText = TYPED, **delivery: Any) -> Launched | Refusal:
        wish = a_delivery(**delivery)
        await self.launching.record(wish)
        return await self.launching.request(wish, typed)


@pytest.fixture
async def house() -> AsyncGenerator[House, None]:
    async with a_store() as store:
        yield House(store)


def codes(refusal: object) -> list[str]:
    assert isinstance(refusal, Refusal)
    return [one.code for one in (*refusal.problems, *refusal.reasons)]


async def stored(house: House, launch_id: str) -> Any:
    return await house.store.launch(launch_id)


async def moved(house: House, kind: EventKind, launch_id: str = "L-00001", **facts: Any) -> None:
    """Let something happen to a stored launch, as the worker would."""
    launch = await stored(house, launch_id)
    event = an_event(kind, launch_id=launch_id, facts=facts)
    assert await house.store.save(step(launch, event), event)


async def taken_up(house: House) -> list[str]:
    """What another bot would carry on now."""
    now = house.clock.now()
    found = await house.store.lease_deliveries(now=now, until=now + timedelta(seconds=15), holder="other", limit=9)
    return [delivery.key for delivery in found]


class TestRefusals:
    @pytest.mark.parametrize(
        ("flag", "code"),
        [
            ("is_guest", "person_is_guest"),
            ("is_stranger", "person_is_stranger"),
            ("is_bot", "person_is_bot"),
            ("is_deleted", "person_is_deleted"),
        ],
    )
    async def test_who_is_no_full_member_launches_nothing(self, house: House, flag: str, code: str) -> None:
        house.directory.people["U0ALICE"] = Person(user_id="U0ALICE", team_id="T0GONOGO", name="alice", **{flag: True})

        refusal = await house.request()

        assert codes(refusal) == [code]
        assert house.definitions.asked == []

    async def test_a_person_whom_slack_does_not_know_is_denied(self, house: House) -> None:
        house.directory.silent.add("U0ALICE")

        assert codes(await house.request()) == ["lookup_failed"]

    async def test_a_channel_without_policy_launches_nothing(self, house: House) -> None:
        assert codes(await house.request(channel_id="C0GENERAL")) == ["channel_without_policy"]

    async def test_a_channel_shared_with_others_launches_nothing(self, house: House) -> None:
        house.directory.channels["C0FINANCE"] = Channel(
            channel_id="C0FINANCE", name="finance-ops", is_member=True, is_shared=True
        )

        assert codes(await house.request()) == ["channel_is_shared"]

    async def test_where_the_bot_is_no_member_nothing_is_launched(self, house: House) -> None:
        house.directory.channels["C0FINANCE"] = Channel(channel_id="C0FINANCE", name="finance-ops")

        assert codes(await house.request()) == ["channel_without_bot"]

    async def test_an_unknown_connection_is_named_with_the_closest_granted_one(self, house: House) -> None:
        refusal = await house.request(replace(TYPED, connection="biling"))

        assert codes(refusal) == ["unknown_connection"]
        assert isinstance(refusal, Refusal)
        assert refusal.problems[0].facts["closest"] == "billing"

    async def test_a_connection_that_is_not_granted_here_is_denied_without_asking_its_provider(self, house: House) -> None:
        refusal = await house.request(replace(TYPED, connection="crm"))

        assert codes(refusal) == ["connection_not_granted"]
        assert house.definitions.asked == []

    async def test_an_unknown_workflow_is_named_beside_what_this_channel_may_launch(self, house: House) -> None:
        secret = Workflow(workflow_id="500", name="Payroll", inputs=())
        house.definitions = TableDefinitions({"billing": (DUNNING, secret)})

        refusal = await house.request(replace(TYPED, workflow="Duning run"))

        assert codes(refusal) == ["unknown_workflow"]
        assert isinstance(refusal, Refusal)
        assert refusal.problems[0].facts == {
            "typed": "Duning run",
            "connection": "billing",
            "closest": "Dunning run",
            "known": "Dunning run",
        }

    async def test_a_workflow_that_is_not_granted_is_denied_before_its_inputs_are_read(self, house: House) -> None:
        house.definitions = TableDefinitions({"billing": (Workflow(workflow_id="500", name="Payroll"),)})

        assert codes(await house.request(replace(TYPED, workflow="500"))) == ["workflow_not_granted"]

    async def test_a_grant_without_the_scope_that_launching_needs_names_the_scope(self, house: House) -> None:
        house.grants = (replace(GRANT, scopes=("Workflow View Access",)),)

        refusal = await house.request()

        assert codes(refusal) == ["scope_not_granted"]
        assert isinstance(refusal, Refusal)
        assert refusal.reasons[0].facts["scope"] == "Workflow Run Access"

    async def test_a_group_that_cannot_be_looked_up_denies(self, house: House) -> None:
        house.grants = (replace(GRANT, requesters=("S0LEADS",)),)
        house.directory.silent.add("S0LEADS")

        assert codes(await house.request()) == ["lookup_failed"]

    async def test_who_is_not_in_the_group_is_denied(self, house: House) -> None:
        house.grants = (replace(GRANT, requesters=("S0LEADS",)),)

        assert codes(await house.request()) == ["requester_not_granted"]

    async def test_a_provider_that_does_not_answer_denies(self, house: House) -> None:
        house.definitions.silent.add("billing")

        assert codes(await house.request()) == ["lookup_failed"]

    async def test_inputs_that_nobody_can_tell_deny(self, house: House) -> None:
        house.definitions = TableDefinitions({"billing": (replace(DUNNING, inputs=None),)})

        assert codes(await house.request()) == ["lookup_failed"]

    async def test_a_workflow_with_an_obstacle_is_refused_with_it(self, house: House) -> None:
        house.definitions = TableDefinitions({"billing": (replace(DUNNING, obstacle="It is inactive."),)})

        assert codes(await house.request()) == ["not_launchable"]

    async def test_every_wrong_input_is_named_at_once(self, house: House) -> None:
        inputs = (("maxAmount", "ten"), ("colour", "red"))

        assert sorted(codes(await house.request(replace(TYPED, inputs=inputs)))) == [
            "bad_input",
            "missing_input",
            "unknown_input",
        ]

    async def test_a_reserved_name_is_refused_even_where_the_workflow_has_it(self, house: House) -> None:
        house.definitions = TableDefinitions({"billing": (replace(DUNNING, inputs=(InputSpec(name="format"),)),)})

        assert codes(await house.request(replace(TYPED, inputs=(("format", "x"),)))) == ["reserved_input"]

    async def test_a_refusal_keeps_nothing_and_wakes_nobody(self, house: House) -> None:
        await house.request(replace(TYPED, inputs=()))

        assert house.rings == []
        assert await house.store.recent(channel_id="C0FINANCE", limit=10) == []


class TestRequests:
    async def test_a_granted_wish_becomes_a_queued_launch_and_wakes_the_worker(self, house: House) -> None:
        answer = await house.request()

        assert isinstance(answer, Launched)
        launch = await stored(house, answer.launch.launch_id)
        assert (launch.state, launch.inputs, launch.requester_id) == (State.QUEUED, {"accountId": "A1"}, "U0ALICE")
        assert launch.policy_digest == "digest"
        assert house.rings == ["ring"]

    async def test_a_member_of_a_granted_group_may_launch(self, house: House) -> None:
        house.grants = (replace(GRANT, requesters=("S0LEADS",)),)
        house.directory.groups["S0LEADS"] = frozenset({"U0ALICE"})

        assert isinstance(await house.request(), Launched)

    async def test_a_redelivered_wish_is_the_same_launch(self, house: House) -> None:
        first = await house.request()
        second = await house.request()

        assert isinstance(first, Launched)
        assert isinstance(second, Launched)
        assert (second.is_repeated, second.launch.launch_id) == (True, first.launch.launch_id)
        assert len(await house.store.recent(channel_id="C0FINANCE", limit=10)) == 1

    async def test_two_typed_wishes_are_two_launches(self, house: House) -> None:
        await house.request()
        await house.request(key="command:3.4.b")

        assert len(await house.store.recent(channel_id="C0FINANCE", limit=10)) == 2

    async def test_an_id_that_is_taken_is_drawn_again(self, house: House) -> None:
        await house.request()
        house.clock.ids = iter(["00001", "00001", "00002"])
        house.clock.new_launch_id = lambda: f"L-{next(house.clock.ids)}"  # type: ignore[method-assign]

        answer = await house.request(key="command:3.4.b")

        assert isinstance(answer, Launched)
        assert answer.launch.launch_id == "L-00002"

    async def test_the_connection_may_be_typed_in_any_case(self, house: House) -> None:
        assert isinstance(await house.request(replace(TYPED, connection="Billing")), Launched)


class TestCancelling:
    async def test_a_queued_launch_is_cancelled_at_once(self, house: House) -> None:
        await house.request()

        answer = await house.launching.cancel(a_delivery(key="k2"), "l-00001")

        assert isinstance(answer, CancelTaken)
        assert (await stored(house, "L-00001")).state is State.CANCELLED

    async def test_a_running_launch_is_asked_to_stop_once(self, house: House) -> None:
        await house.request()
        await moved(house, EventKind.STARTING)
        await moved(house, EventKind.ACCEPTED, run_id="400")

        first = await house.launching.cancel(a_delivery(key="k2"), "L-00001")
        second = await house.launching.cancel(a_delivery(key="k3", user_id="U0BOB"), "L-00001")

        assert isinstance(first, CancelTaken)
        assert isinstance(second, CancelTaken)
        assert (first.is_repeated, second.is_repeated) == (False, True)
        launch = await stored(house, "L-00001")
        assert (launch.cancel_asked_by, launch.due_at) == ("U0ALICE", house.clock.now())

    async def test_a_wish_to_stop_a_launch_that_is_being_sent_is_kept(self, house: House) -> None:
        await house.request()
        await moved(house, EventKind.STARTING)

        assert isinstance(await house.launching.cancel(a_delivery(key="k2"), "L-00001"), CancelTaken)
        assert (await stored(house, "L-00001")).state is State.STARTING

    async def test_a_finished_launch_cannot_be_cancelled(self, house: House) -> None:
        await house.request()
        await moved(house, EventKind.STARTING)
        await moved(house, EventKind.SUCCEEDED)

        assert codes(await house.launching.cancel(a_delivery(key="k2"), "L-00001")) == ["cannot_cancel"]

    async def test_a_launch_of_another_channel_cannot_be_cancelled_from_here(self, house: House) -> None:
        await house.request()
        house.channels["C0DATA"] = ChannelPolicy(channel_id="C0DATA", name="data", grants=(GRANT,))

        assert codes(await house.launching.cancel(a_delivery(key="k2", channel_id="C0DATA"), "L-00001")) == ["launch_elsewhere"]

    async def test_without_the_scope_that_stopping_needs_a_run_goes_on(self, house: House) -> None:
        house.grants = (replace(GRANT, scopes=("Workflow Run Access",)),)
        await house.request()
        await moved(house, EventKind.STARTING)
        await moved(house, EventKind.ACCEPTED, run_id="400")

        assert codes(await house.launching.cancel(a_delivery(key="k2"), "L-00001")) == ["scope_not_granted"]

    async def test_a_guest_cannot_cancel(self, house: House) -> None:
        await house.request()
        house.directory.people["U0ALICE"] = Person(user_id="U0ALICE", team_id="T0GONOGO", name="alice", is_guest=True)

        assert codes(await house.launching.cancel(a_delivery(key="k2"), "L-00001")) == ["person_is_guest"]

    async def test_an_unknown_id_is_named(self, house: House) -> None:
        assert codes(await house.launching.cancel(a_delivery(), "L-NOPE")) == ["unknown_launch"]


class TestLooking:
    async def test_what_may_be_launched_is_listed_without_what_is_not_granted(self, house: House) -> None:
        house.definitions = TableDefinitions({"billing": (DUNNING, Workflow(workflow_id="500", name="Payroll"))})

        listed = await house.launching.launchable(a_delivery())

        assert not isinstance(listed, Refusal)
        assert [(one.connection.name, [workflow.workflow_id for workflow in one.workflows]) for one in listed] == [
            ("billing", ["396"]),
        ]

    async def test_a_workflow_that_cannot_be_launched_is_not_listed(self, house: House) -> None:
        house.definitions = TableDefinitions({"billing": (replace(DUNNING, obstacle="inactive"),)})

        listed = await house.launching.launchable(a_delivery())

        assert not isinstance(listed, Refusal)
        assert listed[0].workflows == ()

    async def test_a_provider_that_is_down_is_said_in_the_list(self, house: House) -> None:
        house.definitions.silent.add("billing")

        listed = await house.launching.launchable(a_delivery())

        assert not isinstance(listed, Refusal)
        assert listed[0].trouble == "no answer in time"

    async def test_a_connection_that_is_not_granted_here_is_unknown_here(self, house: House) -> None:
        assert codes(await house.launching.launchable(a_delivery(), "crm")) == ["unknown_connection"]

    async def test_a_guest_lists_nothing(self, house: House) -> None:
        house.directory.people["U0ALICE"] = Person(user_id="U0ALICE", team_id="T0GONOGO", name="alice", is_guest=True)

        assert codes(await house.launching.launchable(a_delivery())) == ["person_is_guest"]

    async def test_a_launch_is_told_to_its_channel_and_to_its_requester_elsewhere(self, house: House) -> None:
        await house.request()

        here = await house.launching.story(a_delivery(user_id="U0BOB"), "L-00001")
        own = await house.launching.story(a_delivery(channel_id="C0DATA"), "l-00001")
        elsewhere = await house.launching.story(a_delivery(user_id="U0BOB", channel_id="C0DATA"), "L-00001")

        assert isinstance(here, Story)
        assert isinstance(own, Story)
        assert [event.kind for event in here.events] == [EventKind.REQUESTED]
        assert codes(elsewhere) == ["launch_elsewhere"]

    async def test_the_recent_launches_are_those_of_this_channel(self, house: House) -> None:
        await house.request()

        here = await house.launching.recent(a_delivery())
        elsewhere = await house.launching.recent(a_delivery(channel_id="C0DATA"))

        assert not isinstance(here, Refusal)
        assert [story.launch.launch_id for story in here] == ["L-00001"]
        assert elsewhere == ()


class TestDeliveries:
    async def test_what_was_not_finished_is_found_again_once_its_holder_is_gone(self, house: House) -> None:
        delivery = a_delivery()
        assert await house.launching.record(delivery)
        assert not await house.launching.record(delivery)
        assert await taken_up(house) == []

        house.clock.move(seconds=15)
        assert await taken_up(house) == [delivery.key]

        await house.launching.finish(delivery)
        house.clock.move(minutes=1)
        assert await taken_up(house) == []

    async def test_a_launch_finishes_its_delivery_by_itself(self, house: House) -> None:
        await house.request()
        house.clock.move(minutes=1)

        assert await taken_up(house) == []

    async def test_a_delivery_that_waited_a_quarter_of_an_hour_is_stale(self, house: House) -> None:
        delivery = a_delivery()

        assert not house.launching.is_stale(delivery)

        house.clock.time += timedelta(minutes=16)
        assert house.launching.is_stale(delivery)

    async def test_an_answer_that_slack_refuses_is_no_fault(self, house: House) -> None:
        house.thread.refusals.append(ThreadError("fatal_error"))

        await house.launching.answer(a_delivery(), Say(text="no"))

        assert house.thread.told == []
