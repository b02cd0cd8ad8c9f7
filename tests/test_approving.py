"""Yes and no at the use cases, over a real store: who counts, what changed, and who wins where two are at it at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot import providers
from bot.domain.grants import ApprovalRule, Freeze, InputRule
from bot.domain.lifecycle import step
from bot.domain.model import EventKind, InputSpec, Launch, Person, State, Workflow
from bot.launching import Decided, Launched, Refusal
from bot.ports import Go, NoGo, Reopen, Wait
from bot.surfaces.command_text import LaunchText
from bot.worker import LEASE, LaunchWork
from tests.builders import NOON, a_connection, a_delivery, an_event
from tests.ports import ListedGate, ListedWire, TableDefinitions, a_store
from tests.test_launching import DUNNING, GRANT, House, codes, stored

TYPED = LaunchText(connection="billing", workflow="396", inputs=(("accountId", "A1"),), is_preview=False)
LEADS = ApprovalRule(approvers=("S0LEADS",), required=2, expires_after_s=3600.0)


@pytest.fixture
async def house() -> AsyncGenerator[House, None]:
    async with a_store() as store:
        one = House(store)
        one.directory.groups["S0LEADS"] = frozenset({"U0BOB", "U0CAROL", "U0DAVE", "U0ALICE"})
        one.grants = (replace(GRANT, approval=LEADS),)
        yield one


def pressed(user_id: str, number: int = 1, **changes: Any) -> Any:
    """A press on the card's button."""
    return a_delivery(
        **({"kind": "button", "key": f"button:{user_id}:{number}", "user_id": user_id, "text": "L-00001"} | changes)
    )


async def yes(house: House, user_id: str, number: int = 1, **changes: Any) -> Decided | Refusal:
    return await house.launching.approve(pressed(user_id, number, **changes), "L-00001")


async def no(house: House, user_id: str, reason: str = "not now", **changes: Any) -> Decided | Refusal:
    return await house.launching.reject(pressed(user_id, 9, **changes), "L-00001", reason)


async def kinds(house: House) -> list[EventKind]:
    return [event.kind for event in await house.store.events("L-00001")]


async def state(house: House) -> State:
    launch: Launch = await stored(house, "L-00001")
    return launch.state


class TestRequest:
    async def test_a_wish_that_others_must_agree_to_waits_for_them(self, house: House) -> None:
        launched = await house.request(TYPED)

        assert isinstance(launched, Launched)
        launch = launched.launch
        assert (launch.state, launch.due_at) == (State.AWAITING_APPROVAL, NOON + timedelta(hours=1))
        assert (launch.approval["approvers"], launch.approval["required"]) == (["S0LEADS"], 2)
        assert launch.digest
        assert await stored(house, "L-00001") == launch

    async def test_where_the_rule_does_not_hold_nobody_is_asked(self, house: House) -> None:
        when = {"maxAmount": InputRule(one_of=(100,))}
        house.grants = (replace(GRANT, approval=replace(LEADS, when=when)),)

        launched = await house.request(replace(TYPED, inputs=(("accountId", "A1"), ("maxAmount", "5"))))

        assert isinstance(launched, Launched)
        assert launched.launch.state is State.QUEUED

    async def test_what_differs_from_the_last_success_is_kept_for_the_card(self, house: House) -> None:
        house.grants = (GRANT,)
        await house.request(replace(TYPED, inputs=(("accountId", "A0"),)))
        for kind in (EventKind.STARTING, EventKind.SUCCEEDED):
            launch = await stored(house, "L-00001")
            event = an_event(kind, launch_id="L-00001")
            assert await house.store.save(step(launch, event), event)
        house.grants = (replace(GRANT, approval=LEADS),)
        house.clock.new_launch_id = lambda: "L-00002"  # type: ignore[method-assign]

        launched = await house.request(TYPED, key="command:2")

        assert isinstance(launched, Launched)
        since = launched.launch.approval["since"]
        assert since["launch_id"] == "L-00001"
        assert since["changes"] == [{"what": "input accountId", "before": "A0", "after": "A1"}]


class TestClicks:
    async def test_two_of_the_approvers_let_it_go(self, house: House) -> None:
        await house.request(TYPED)

        first, second = await yes(house, "U0BOB"), await yes(house, "U0CAROL")

        assert isinstance(first, Decided)
        assert isinstance(second, Decided)
        assert await state(house) is State.QUEUED
        assert await kinds(house) == [EventKind.REQUESTED, EventKind.APPROVED, EventKind.CLEARED]

    async def test_one_person_is_one_yes_however_often_they_press(self, house: House) -> None:
        await house.request(TYPED)
        await yes(house, "U0BOB")

        again = await yes(house, "U0BOB", 2)

        assert codes(again) == ["already_decided"]
        assert await state(house) is State.AWAITING_APPROVAL

    @pytest.mark.parametrize(
        ("user_id", "code"), [("U0ALICE", "approval_self"), ("U0EVE", "not_approver")], ids=["the requester", "an outsider"]
    )
    async def test_who_does_not_count_is_told_so(self, house: House, user_id: str, code: str) -> None:
        await house.request(TYPED)

        assert codes(await yes(house, user_id)) == [code]
        assert await kinds(house) == [EventKind.REQUESTED]

    @pytest.mark.parametrize("flag", ["is_guest", "is_stranger", "is_bot", "is_deleted"])
    async def test_an_approver_who_is_no_full_member_does_not_count(self, house: House, flag: str) -> None:
        await house.request(TYPED)
        house.directory.people["U0BOB"] = Person(user_id="U0BOB", team_id="T0GONOGO", name="bob", **{flag: True})

        assert codes(await yes(house, "U0BOB")) == [f"person_{flag}"]
        assert codes(await no(house, "U0BOB")) == [f"person_{flag}"]

    async def test_a_group_that_slack_does_not_tell_denies_and_keeps_the_button(self, house: House) -> None:
        await house.request(TYPED)
        house.directory.silent.add("S0LEADS")

        assert codes(await yes(house, "U0BOB")) == ["lookup_failed"]
        assert await state(house) is State.AWAITING_APPROVAL
        house.directory.silent.clear()
        assert isinstance(await yes(house, "U0BOB", 2), Decided)

    async def test_who_lost_the_right_a_minute_ago_does_not_count(self, house: House) -> None:
        await house.request(TYPED)
        house.directory.groups["S0LEADS"] = frozenset({"U0CAROL", "U0DAVE"})

        assert codes(await yes(house, "U0BOB")) == ["not_approver"]

    async def test_a_yes_whose_person_lost_the_right_does_not_complete(self, house: House) -> None:
        await house.request(TYPED)
        await yes(house, "U0BOB")
        house.directory.groups["S0LEADS"] = frozenset({"U0CAROL", "U0DAVE"})

        await yes(house, "U0CAROL")
        assert await state(house) is State.AWAITING_APPROVAL
        await yes(house, "U0DAVE")

        assert await state(house) is State.QUEUED

    async def test_one_no_ends_it_with_its_reason(self, house: House) -> None:
        await house.request(TYPED)
        await yes(house, "U0BOB")

        decided = await no(house, "U0CAROL", "the amount is wrong <!channel>")

        assert isinstance(decided, Decided)
        assert await state(house) is State.REJECTED
        assert decided.event.facts["reason"] == "the amount is wrong <!channel>"

    async def test_the_loser_is_told_who_won(self, house: House) -> None:
        await house.request(TYPED)
        await no(house, "U0CAROL")

        late = await yes(house, "U0BOB")

        assert codes(late) == ["not_awaiting"]
        assert isinstance(late, Refusal)
        assert (late.reasons[0].facts["by"], late.reasons[0].facts["how"]) == ("U0CAROL", "rejected it")

    @pytest.mark.parametrize("launch_id", ["L-99999", "nonsense", ""])
    async def test_an_unknown_launch_is_named(self, house: House, launch_id: str) -> None:
        assert codes(await house.launching.approve(pressed("U0BOB"), launch_id)) == ["unknown_launch"]

    async def test_a_launch_of_another_workspace_is_unknown(self, house: House) -> None:
        await house.request(TYPED)

        assert codes(await yes(house, "U0BOB", team_id="T0OTHER")) == ["unknown_launch"]

    async def test_an_approver_may_decide_from_elsewhere_and_nobody_else_learns_of_it_there(self, house: House) -> None:
        await house.request(TYPED)

        assert codes(await yes(house, "U0EVE", channel_id="C0OTHER")) == ["launch_elsewhere"]
        assert isinstance(await yes(house, "U0BOB", channel_id="U0BOB"), Decided)

    async def test_self_approval_counts_where_the_rule_says_so(self, house: House) -> None:
        house.grants = (replace(GRANT, approval=replace(LEADS, required=1, self_approval=True)),)
        await house.request(TYPED)

        assert isinstance(await yes(house, "U0ALICE"), Decided)
        assert await state(house) is State.QUEUED

    async def test_a_single_operator_waits_for_the_cool_down(self, house: House) -> None:
        rule = ApprovalRule(approvers=("U0ALICE",), single_operator=True, cool_down_s=600.0)
        house.grants = (replace(GRANT, approval=rule),)
        await house.request(TYPED)

        assert codes(await yes(house, "U0ALICE")) == ["approval_cool_down"]
        house.clock.move(minutes=10)
        assert isinstance(await yes(house, "U0ALICE", 2), Decided)

    async def test_who_may_not_decide_gets_no_form(self, house: House) -> None:
        await house.request(TYPED)

        assert codes(await house.launching.ask_for_reason(pressed("U0EVE"), "L-00001")) == ["not_approver"]
        assert await house.launching.ask_for_reason(pressed("U0BOB", trigger_id="1.2.x"), "L-00001") is None
        assert [what for what, _ in house.thread.told] == ["form"]


class TestChanges:
    """What was approved is what runs."""

    async def test_a_changed_version_asks_again_and_says_what_changed(self, house: House) -> None:
        await house.request(TYPED)
        await yes(house, "U0BOB")
        house.definitions = TableDefinitions({"billing": (replace(DUNNING, version="2"),)})

        answer = await yes(house, "U0CAROL")

        assert isinstance(answer, Decided)
        assert (answer.is_counted, answer.event.kind) == (False, EventKind.REOPENED)
        assert answer.event.facts["changes"] == [{"what": "version", "before": None, "after": "2"}]
        launch = await stored(house, "L-00001")
        assert (launch.state, launch.workflow_version) == (State.AWAITING_APPROVAL, "2")

        for number, person in enumerate(("U0BOB", "U0CAROL")):
            await yes(house, person, 20 + number)
        assert await state(house) is State.QUEUED

    async def test_a_changed_input_asks_again_and_shows_the_difference(self, house: House) -> None:
        await house.request(TYPED)
        await yes(house, "U0BOB")
        await _rewritten(house, accountId="A2")

        answer = await yes(house, "U0CAROL")

        assert isinstance(answer, Decided)
        assert (answer.is_counted, answer.event.kind) == (False, EventKind.REOPENED)
        assert answer.event.facts["changes"] == [{"what": "input accountId", "before": "A1", "after": "A2"}]
        assert (await stored(house, "L-00001")).inputs == {"accountId": "A2"}

    async def test_an_input_that_changes_after_the_last_yes_does_not_start(self, house: House) -> None:
        await house.request(TYPED)
        for person in ("U0BOB", "U0CAROL"):
            await yes(house, person)
        await _rewritten(house, accountId="A2")

        answer = await house.launching.gate.may_start(await stored(house, "L-00001"))

        assert isinstance(answer, Reopen)
        assert answer.reaction.launch.state is State.AWAITING_APPROVAL

    async def test_a_changed_rule_asks_again_under_the_new_one(self, house: House) -> None:
        await house.request(TYPED)
        await yes(house, "U0BOB")
        house.grants = (replace(GRANT, approval=replace(LEADS, required=3)),)

        answer = await yes(house, "U0CAROL")

        assert isinstance(answer, Decided)
        assert answer.event.kind is EventKind.REOPENED
        assert (await stored(house, "L-00001")).approval["required"] == 3

    async def test_who_may_decide_only_by_the_rule_in_force_asks_everybody_anew(self, house: House) -> None:
        """Whom the old rule named may be gone: then nobody else could bring the new one about."""
        house.grants = (replace(GRANT, approval=ApprovalRule(approvers=("U0GONE",))),)
        await house.request(TYPED)
        house.grants = (replace(GRANT, approval=ApprovalRule(approvers=("U0EVE",))),)

        outsider = await yes(house, "U0BOB")
        answer = await yes(house, "U0EVE")

        assert codes(outsider) == ["not_approver"]
        assert isinstance(answer, Decided)
        assert (answer.is_counted, answer.event.kind) == (False, EventKind.REOPENED)
        assert isinstance(await yes(house, "U0EVE", 2), Decided)
        assert await state(house) is State.QUEUED

    async def test_a_no_by_a_rule_that_people_were_not_asked_by_counts_for_nothing(self, house: House) -> None:
        await house.request(TYPED)
        house.grants = (replace(GRANT, approval=ApprovalRule(approvers=("U0EVE",))),)

        assert codes(await no(house, "U0EVE")) == ["not_approver"]
        assert await kinds(house) == [EventKind.REQUESTED]

    async def test_a_grant_that_is_gone_ends_it(self, house: House) -> None:
        await house.request(TYPED)
        house.grants = (replace(GRANT, connection="crm"),)

        answer = await yes(house, "U0BOB")

        assert isinstance(answer, Decided)
        assert (answer.is_counted, answer.launch.state) == (False, State.FAILED)

    async def test_a_requester_who_became_a_guest_ends_it(self, house: House) -> None:
        await house.request(TYPED)
        house.directory.people["U0ALICE"] = Person(user_id="U0ALICE", team_id="T0GONOGO", name="alice", is_guest=True)

        await yes(house, "U0BOB")

        assert await state(house) is State.FAILED

    async def test_a_provider_that_does_not_answer_counts_nothing_and_ends_nothing(self, house: House) -> None:
        await house.request(TYPED)
        house.definitions.silent.add("billing")

        assert codes(await yes(house, "U0BOB")) == ["not_compared"]
        assert await kinds(house) == [EventKind.REQUESTED]

    async def test_a_rule_that_is_gone_lets_it_go_on(self, house: House) -> None:
        await house.request(TYPED)
        house.grants = (GRANT,)

        answer = await yes(house, "U0BOB")

        assert isinstance(answer, Decided)
        assert (answer.event.kind, answer.event.actor) == (EventKind.CLEARED, "gonogo")

    async def test_a_changed_credential_asks_again(self, house: House) -> None:
        await house.request(TYPED)
        await yes(house, "U0BOB")
        renewed = {"billing": a_connection(credential_mark="another")}

        answer = await _with(house, renewed).approve(pressed("U0CAROL"), "L-00001")

        assert isinstance(answer, Decided)
        assert [change["what"] for change in answer.event.facts["changes"]] == ["run as"]


async def _rewritten(house: House, **inputs: str) -> None:
    """Somebody changes what is kept of a launch, past everything that judges it."""
    launch: Launch = await stored(house, "L-00001")
    assert await house.store.save(replace(launch, inputs=inputs), None, keep_lease=True)


def _with(house: House, connections: dict[str, Any]) -> Any:
    launching = house.launching
    launching._cases.rejudging.judge.standing.replace(policy=house.standing.policy, connections=connections)
    return launching


class TestStart:
    """Once more before the start: nothing starts on an approval that does not hold at that moment."""

    async def cleared(self, house: House) -> Launch:
        await house.request(TYPED)
        await yes(house, "U0BOB")
        await yes(house, "U0CAROL")
        launch: Launch = await stored(house, "L-00001")
        assert launch.state is State.QUEUED
        return launch

    async def test_an_approval_that_holds_lets_it_start(self, house: House) -> None:
        launch = await self.cleared(house)

        assert isinstance(await house.launching.gate.may_start(launch), Go)

    async def test_an_approver_who_lost_the_right_meanwhile_is_asked_again(self, house: House) -> None:
        launch = await self.cleared(house)
        house.directory.groups["S0LEADS"] = frozenset({"U0CAROL"})

        answer = await house.launching.gate.may_start(launch)

        assert isinstance(answer, Reopen)
        assert answer.reaction.event is not None
        assert answer.reaction.event.facts["lost"] == ["U0BOB"]

    async def test_a_group_that_slack_does_not_tell_waits(self, house: House) -> None:
        launch = await self.cleared(house)
        house.directory.silent.add("S0LEADS")

        assert isinstance(await house.launching.gate.may_start(launch), Wait)

    async def test_a_version_that_changed_after_the_last_yes_is_asked_about_again(self, house: House) -> None:
        launch = await self.cleared(house)
        house.definitions = TableDefinitions({"billing": (replace(DUNNING, version="2"),)})

        assert isinstance(await house.launching.gate.may_start(launch), Reopen)

    async def test_a_workflow_that_is_gone_does_not_start(self, house: House) -> None:
        launch = await self.cleared(house)
        house.definitions = TableDefinitions({"billing": (Workflow(workflow_id="1", inputs=()),)})

        answer = await house.launching.gate.may_start(launch)

        assert isinstance(answer, NoGo)
        assert [reason.code for reason in answer.reasons] == ["workflow_gone"]

    async def test_a_plain_launch_that_now_needs_approval_waits_for_it(self, house: House) -> None:
        house.grants = (GRANT,)
        await house.request(TYPED)
        house.grants, house.digest = (replace(GRANT, approval=LEADS),), "another"

        answer = await house.launching.gate.may_start(await stored(house, "L-00001"))

        assert isinstance(answer, Reopen)
        assert answer.reaction.launch.state is State.AWAITING_APPROVAL

    async def test_a_plain_launch_that_now_needs_approval_names_the_grant_alone(self, house: House) -> None:
        house.grants = (GRANT,)
        await house.request(TYPED)
        house.grants, house.digest = (replace(GRANT, approval=LEADS),), "another"

        answer = await house.launching.gate.may_start(await stored(house, "L-00001"))

        assert isinstance(answer, Reopen)
        assert answer.reaction.event is not None
        assert [change["what"] for change in answer.reaction.event.facts["changes"]] == ["grant"]

    async def test_a_launch_that_the_rule_is_not_about_starts_however_late(self, house: House) -> None:
        """Nobody was asked, since ``when`` does not hold; it still does not when the start comes minutes later."""
        house.grants = (replace(GRANT, approval=replace(LEADS, when={"maxAmount": InputRule(one_of=(100,))})),)
        await house.request(replace(TYPED, inputs=(("accountId", "A1"), ("maxAmount", "5"))))
        house.clock.move(minutes=5)

        assert isinstance(await house.launching.gate.may_start(await stored(house, "L-00001")), Go)

    async def test_a_plain_launch_does_not_start_without_what_its_grant_fixes_by_now(self, house: House) -> None:
        """It was asked for before the grant gave this input a value of its own, so it would run without."""
        house.grants = (GRANT,)
        await house.request(TYPED)
        house.grants, house.digest = (replace(GRANT, inputs={"maxAmount": InputRule(fixed=5)}),), "another"

        answer = await house.launching.gate.may_start(await stored(house, "L-00001"))

        assert isinstance(answer, NoGo)
        assert [reason.code for reason in answer.reasons] == ["grant_changed"]

    async def test_a_plain_launch_whose_grant_was_removed_while_it_waited_does_not_start(self, house: House) -> None:
        house.grants = (GRANT,)
        await house.request(TYPED)
        house.grants, house.digest = (), "another"

        answer = await house.launching.gate.may_start(await stored(house, "L-00001"))

        assert isinstance(answer, NoGo)

    async def test_a_plain_launch_under_the_policy_that_allowed_it_is_not_asked_about_again(self, house: House) -> None:
        house.grants = (GRANT,)
        await house.request(TYPED)
        house.directory.silent.update({"U0ALICE", "C0FINANCE"})

        assert isinstance(await house.launching.gate.may_start(await stored(house, "L-00001")), Go)

    async def test_a_yes_to_a_start_lapses_with_a_reload_a_freeze_and_for_what_was_approved_with_time(self, house: House) -> None:
        launch = await self.cleared(house)
        go = await house.launching.gate.may_start(launch)
        assert isinstance(go, Go)

        assert house.launching.gate.still_holds(launch, go)
        house.clock.move(minutes=6)
        assert not house.launching.gate.still_holds(launch, go)
        plain = replace(launch, approval={})
        assert house.launching.gate.still_holds(plain, go)
        house.freezes = (Freeze(name="close", begins=NOON + timedelta(minutes=5), ends=NOON + timedelta(hours=1)),)
        assert not house.launching.gate.still_holds(plain, go)
        house.freezes = ()
        assert house.launching.gate.still_holds(plain, go)
        assert not house.launching.gate.still_holds(plain, Go())

    async def test_what_was_reloaded_while_the_gate_asked_makes_its_answer_old(self, house: House) -> None:
        """Also a credential alone, which is no part of the policy's digest."""
        launch = await self.cleared(house)
        launching = house.launching
        go = await launching.gate.may_start(launch)
        assert isinstance(go, Go)

        standing = launching.gate.judge.standing  # type: ignore[attr-defined]
        standing.replace(policy=standing.policy, connections={"billing": a_connection(credential_mark="renewed")})

        assert not launching.gate.still_holds(launch, go)

    async def test_an_input_that_the_workflow_lost_or_gained_stops_the_start(self, house: House) -> None:
        launch = await self.cleared(house)
        other = replace(DUNNING, inputs=(InputSpec(name="accountKey", required=True),))
        house.definitions = TableDefinitions({"billing": (other,)})

        answer = await house.launching.gate.may_start(launch)

        assert isinstance(answer, NoGo)
        assert answer.reasons[0].facts["names"] == "accountId, accountKey"

    async def test_a_grant_that_only_slack_could_have_told_of_waits_beside_one_that_says_no(self, house: House) -> None:
        other = replace(GRANT, requesters=("U0EVE",), approval=LEADS)
        house.grants = (replace(GRANT, requesters=("S0FINANCE",), approval=LEADS), other)
        house.directory.groups["S0FINANCE"] = frozenset({"U0ALICE"})
        launch = await self.cleared(house)
        house.directory.silent.add("S0FINANCE")

        assert isinstance(await house.launching.gate.may_start(launch), Wait)


# --- races: both orders, forced at the one place where they meet: the write that is guarded by the launch's version ---


class Meanwhile:
    """A store in which something happens just before the next write of a launch."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.before_save: Callable[[], Awaitable[object]] | None = None

    async def save(self, *arguments: Any, **options: Any) -> bool:
        happens, self.before_save = self.before_save, None
        if happens is not None:
            await happens()
        kept: bool = await self._store.save(*arguments, **options)
        return kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def worked(house: House) -> None:
    """What the worker does that is due now; it starts nothing."""
    work = LaunchWork(
        store=house.store,
        wire=ListedWire(),
        gate=ListedGate([Wait(detail="later")]),
        clock=house.clock,
        providers=providers.load(),
        connections={"billing": a_connection()},
        holder="worker",
        lease=LEASE,
    )
    for launch in await work.claim(9):
        await work.act(launch)


async def cancelled(house: House) -> object:
    return await house.launching.cancel(pressed("U0ALICE", 5), "L-00001")


async def expired(house: House) -> object:
    house.clock.move(hours=1)
    return await worked(house)


async def reloaded(house: House) -> object:
    house.grants, house.digest = (replace(GRANT, approval=replace(LEADS, required=1)),), "reloaded"
    return None


RACES: dict[str, tuple[Callable[[House], Awaitable[object]], Callable[[House], Awaitable[object]], State, State]] = {
    "two approvers": (lambda h: yes(h, "U0BOB"), lambda h: yes(h, "U0CAROL"), State.QUEUED, State.QUEUED),
    "approve and reject": (lambda h: yes(h, "U0BOB"), lambda h: no(h, "U0CAROL"), State.REJECTED, State.REJECTED),
    "approve and expiry": (lambda h: yes(h, "U0BOB"), expired, State.EXPIRED, State.EXPIRED),
    "approve and cancel": (lambda h: yes(h, "U0BOB"), cancelled, State.CANCELLED, State.CANCELLED),
    "the last yes and a no": (lambda h: yes(h, "U0DAVE"), lambda h: no(h, "U0CAROL"), State.REJECTED, State.QUEUED),
    "the last yes and cancel": (lambda h: yes(h, "U0DAVE"), cancelled, State.CANCELLED, State.CANCELLED),
    "the last yes and expiry": (lambda h: yes(h, "U0DAVE"), expired, State.EXPIRED, State.QUEUED),
}


@pytest.mark.parametrize("name", RACES)
@pytest.mark.parametrize("is_second_quicker", [True, False], ids=["second wins", "first wins"])
async def test_a_race_has_one_winner(house: House, name: str, is_second_quicker: bool) -> None:
    """The slower one meets a launch that changed under its hands, and is judged by what is true then."""
    first, second, when_second, when_first = RACES[name]
    await house.request(TYPED)
    if name.startswith("the last yes"):
        assert isinstance(await yes(house, "U0BOB", 7), Decided)
    meanwhile = Meanwhile(house.store)
    one = House(meanwhile, clock=house.clock, directory=house.directory, grants=house.grants)  # type: ignore[arg-type]
    if is_second_quicker:
        meanwhile.before_save = lambda: second(house)
        answer = await first(one)
    else:
        await first(house)
        answer = await second(house)

    after = await state(house)
    assert after is (when_second if is_second_quicker else when_first)
    finals = [kind for kind in await kinds(house) if kind in {EventKind.REJECTED, EventKind.EXPIRED, EventKind.CANCELLED}]
    assert len(finals) <= 1
    if is_second_quicker and after.is_final:
        assert isinstance(answer, Refusal)
        assert codes(answer) in (["not_awaiting"], ["approval_expired"])


async def test_a_policy_that_is_reloaded_during_the_click_reopens_or_counts_under_one_policy(house: House) -> None:
    await house.request(TYPED)
    await yes(house, "U0BOB")
    await reloaded(house)

    answer = await yes(house, "U0CAROL")

    assert isinstance(answer, Decided)
    assert answer.event.kind is EventKind.REOPENED
    assert isinstance(await yes(house, "U0DAVE"), Decided)
    assert await state(house) is State.QUEUED


async def test_the_same_click_delivered_to_two_replicas_counts_once(house: House) -> None:
    await house.request(TYPED)
    click = pressed("U0BOB")

    answers = [await house.launching.record(click), await house.launching.record(click)]
    await yes(house, "U0BOB")
    again = await yes(house, "U0BOB")

    assert answers == [True, False]
    assert codes(again) == ["already_decided"]
    assert (await kinds(house)).count(EventKind.APPROVED) == 1
