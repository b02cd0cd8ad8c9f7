"""People settle a doubt: it ran, it did not, look again. Over a real store in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.lifecycle import step
from bot.domain.model import EventKind, Person, State
from bot.domain.provider import Busy, Confirmed, Denied, Unreachable, Unverifiable
from bot.launching import Refusal, Settled
from bot.surfaces import forms
from tests.builders import NOON, a_delivery, an_event
from tests.ports import a_store
from tests.test_launching import House, codes, moved

PRESSED = a_delivery(key="button:1", kind="button", name="doubt_ran", text="L-00001", user_id="U0BOB", trigger_id="1.2.x")


@pytest.fixture
async def house() -> AsyncGenerator[House, None]:
    """A house with one launch in doubt."""
    async with a_store() as store:
        house = House(store)
        await house.request()
        for kind in (EventKind.STARTING, EventKind.LOST):
            launch = await store.launch("L-00001")
            assert launch is not None
            event = an_event(kind, launch_id="L-00001")
            assert await store.save(step(launch, event), event)
        yield house


async def state(house: House) -> State:
    launch = await house.store.launch("L-00001")
    assert launch is not None
    return launch.state


async def last_event(house: House) -> Any:
    return (await house.store.events("L-00001"))[-1]


class TestItRan:
    async def test_a_confirmed_run_is_adopted_on_that_persons_word(self, house: House) -> None:
        house.wire.answers = [Confirmed(run_id="400", provider_status="Processing")]

        answer = await house.launching.it_ran(PRESSED, "L-00001", "400")

        assert isinstance(answer, Settled)
        event = await last_event(house)
        assert (event.kind, event.actor, event.facts["run_id"]) == (EventKind.ADOPTED, "U0BOB", "400")
        assert await state(house) is State.RUNNING
        assert len(house.rings) == 2

    async def test_a_run_that_cannot_be_verified_is_adopted_and_that_is_said(self, house: House) -> None:
        house.wire.answers = [Unverifiable(meaning="Only running ones are listed.")]

        await house.launching.it_ran(PRESSED, "L-00001", "400")

        assert (await last_event(house)).facts["unverified"] == "Only running ones are listed."

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (Denied(meaning="There is no such run."), "run_denied"),
            (Busy(code="429", meaning="too many"), "run_not_verified"),
            (Unreachable(is_possibly_applied=False, detail="no answer in time"), "run_not_verified"),
        ],
    )
    async def test_a_run_that_the_provider_does_not_confirm_settles_nothing(self, house: House, answer: Any, code: str) -> None:
        house.wire.answers = [answer]

        assert codes(await house.launching.it_ran(PRESSED, "L-00001", "401")) == [code]
        assert await state(house) is State.IN_DOUBT

    async def test_the_run_of_another_launch_is_not_taken(self, house: House) -> None:
        await house.request(key="command:other")
        for kind, facts in ((EventKind.STARTING, {}), (EventKind.ACCEPTED, {"run_id": "400"})):
            launch = await house.store.launch("L-00002")
            assert launch is not None
            event = an_event(kind, launch_id="L-00002", facts=facts)
            assert await house.store.save(step(launch, event), event)

        assert codes(await house.launching.it_ran(PRESSED, "L-00001", "400")) == ["run_of_another"]
        assert house.wire.calls == []

    async def test_no_run_named_settles_nothing(self, house: House) -> None:
        assert codes(await house.launching.it_ran(PRESSED, "L-00001", "")) == ["run_not_named"]

    async def test_pressing_opens_a_form_that_holds_only_the_key_of_the_press(self, house: House) -> None:
        assert await house.launching.ask_for_run(PRESSED, "L-00001") is None

        (what, view) = house.thread.told[-1]
        assert (what, view["private_metadata"]) == ("form", "button:1")

    async def test_a_form_belongs_to_who_opened_it(self, house: House) -> None:
        await house.launching.record(PRESSED)
        sent = a_delivery(key="form:1", kind="form", user_id="U0BOB", channel_id="U0BOB", text=submission("button:1"))

        located = await house.launching.located(sent)
        assert located is not None
        assert located.channel_id == "C0FINANCE"
        assert await house.launching.opened_for(sent) == "L-00001"
        assert await house.launching.located(replace(sent, user_id="U0CAROL")) is None
        assert await house.launching.located(replace(sent, text=submission("button:forged"))) is None


def submission(opened_by: str) -> str:
    state = {"values": {forms.RUN_ID_BLOCK: {forms.RUN_ID_FIELD: {"value": "400"}}}}
    return forms.form_text({"private_metadata": opened_by, "state": state})


async def taken_up(house: House) -> None:
    """The worker takes the launch up, which raises its version, and gives it back."""
    now = house.clock.now()
    leased = await house.store.lease_of("billing", is_tracked=False, now=now, until=now, holder="worker", limit=9)
    assert [launch.launch_id for launch in leased] == ["L-00001"]
    await house.store.release("L-00001", "worker")


def at_each_look(house: House, happens: Callable[[], Awaitable[None]], *, times: int) -> None:
    """Let something happen just after a launch was read, so many times."""
    looks, left = house.store.launch, [happens] * times

    async def look(launch_id: str) -> Any:
        found = await looks(launch_id)
        if left:
            await left.pop()()
        return found

    house.store.launch = look  # type: ignore[method-assign]


class TestMeanwhile:
    """The worker, or somebody else, changes the launch after it was read and before the word is kept."""

    @pytest.fixture(autouse=True)
    async def due(self, house: House) -> None:
        """The worker is to look for its run."""
        launch = await house.store.launch("L-00001")
        assert launch is not None
        assert await house.store.save(replace(launch, due_at=NOON), None)

    async def test_a_run_is_adopted_although_the_worker_took_the_launch_up(self, house: House) -> None:
        async def confirmed() -> Confirmed:
            await taken_up(house)
            return Confirmed(run_id="400", provider_status="Processing")

        house.wire.answers = [confirmed]

        assert isinstance(await house.launching.it_ran(PRESSED, "L-00001", "400"), Settled)
        event = await last_event(house)
        assert (event.kind, event.actor, event.facts["run_id"]) == (EventKind.ADOPTED, "U0BOB", "400")
        assert await state(house) is State.RUNNING
        assert len(house.wire.calls) == 1

    async def test_that_nothing_ran_is_kept_although_the_worker_took_the_launch_up(self, house: House) -> None:
        at_each_look(house, lambda: taken_up(house), times=2)

        assert isinstance(await house.launching.it_did_not(PRESSED, "L-00001"), Settled)
        assert await state(house) is State.FAILED
        assert [event.kind for event in await house.store.events("L-00001")].count(EventKind.FAILED) == 1

    async def test_a_launch_that_changes_at_every_look_is_said_to_be_busy(self, house: House) -> None:
        at_each_look(house, lambda: taken_up(house), times=99)

        assert codes(await house.launching.it_did_not(PRESSED, "L-00001")) == ["busy_launch"]

    async def test_a_run_that_another_launch_took_meanwhile_is_called_so(self, house: House) -> None:
        await house.request(key="command:other")
        await moved(house, EventKind.STARTING, "L-00002")

        async def confirmed() -> Confirmed:
            await moved(house, EventKind.ACCEPTED, "L-00002", run_id="400")
            return Confirmed(run_id="400")

        house.wire.answers = [confirmed]

        assert codes(await house.launching.it_ran(PRESSED, "L-00001", "400")) == ["run_of_another"]
        assert await state(house) is State.IN_DOUBT

    async def test_a_launch_that_was_settled_meanwhile_is_told_as_it_stands(self, house: House) -> None:
        async def confirmed() -> Confirmed:
            await moved(house, EventKind.ADOPTED, run_id="400")
            return Confirmed(run_id="400")

        house.wire.answers = [confirmed]
        answer = await house.launching.it_ran(PRESSED, "L-00001", "400")

        assert codes(answer) == ["not_in_doubt"]
        assert isinstance(answer, Refusal)
        assert answer.problems[0].facts["state"] == State.RUNNING.word

    async def test_who_may_no_longer_launch_it_settles_nothing_with_a_second_try(self, house: House) -> None:
        async def confirmed() -> Confirmed:
            await taken_up(house)
            house.directory.people["U0BOB"] = Person(user_id="U0BOB", team_id="T0GONOGO", name="bob", is_guest=True)
            return Confirmed(run_id="400")

        house.wire.answers = [confirmed]

        assert codes(await house.launching.it_ran(PRESSED, "L-00001", "400")) == ["person_is_guest"]
        assert await state(house) is State.IN_DOUBT


async def test_it_did_not_ends_the_launch_as_failed_and_says_who_said_so(house: House) -> None:
    assert isinstance(await house.launching.it_did_not(PRESSED, "L-00001"), Settled)

    event = await last_event(house)
    assert (event.kind, event.actor) == (EventKind.FAILED, "U0BOB")
    assert await state(house) is State.FAILED


async def test_look_again_needs_a_provider_that_can_be_looked_at(house: House) -> None:
    """Zuora's key settles its lost starts; there is nothing to look up."""
    assert codes(await house.launching.look_again(PRESSED, "L-00001")) == ["no_look_up"]


@pytest.mark.parametrize("settle", ["it_did_not", "look_again", "ask_for_run"])
async def test_a_guest_settles_nothing(house: House, settle: str) -> None:
    house.directory.people["U0BOB"] = Person(user_id="U0BOB", team_id="T0GONOGO", name="bob", is_guest=True)

    refusal = await getattr(house.launching, settle)(PRESSED, "L-00001")

    assert codes(refusal) == ["person_is_guest"]
    assert await state(house) is State.IN_DOUBT


async def test_who_may_not_launch_it_may_not_settle_it(house: House) -> None:
    house.grants = (replace(house.grants[0], requesters=("U0ALICE",)),)

    assert codes(await house.launching.it_did_not(PRESSED, "L-00001")) == ["requester_not_granted"]


async def test_a_doubt_of_another_channel_is_not_settled_from_here(house: House) -> None:
    refusal = await house.launching.it_did_not(replace(PRESSED, channel_id="C0DATA"), "L-00001")

    assert isinstance(refusal, Refusal)
    assert await state(house) is State.IN_DOUBT


async def test_the_first_word_stands(house: House) -> None:
    house.wire.answers = [Confirmed(run_id="400")]
    await house.launching.it_did_not(PRESSED, "L-00001")

    assert codes(await house.launching.it_ran(PRESSED, "L-00001", "400")) == ["not_in_doubt"]
    assert await state(house) is State.FAILED
