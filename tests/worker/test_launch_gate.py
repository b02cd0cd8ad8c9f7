"""The last question before a start, as the worker asks it: what each answer does to the launch, and that nothing else is sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.approvals import reopened
from bot.domain.model import EventKind, Reason, State
from bot.domain.provider import Unreachable
from bot.ports import NoGo, Reopen, Wait
from tests.builders import NOON, a_connection, a_launch, an_event
from tests.ports import a_store
from tests.worker.test_launch_work import ACCEPTED, Workshop

DENIED = Reason(code="requester_not_granted", facts={"workflow": "Dunning run", "connection": "billing"})
APPROVAL = {"approvers": ["U0BOB"], "required": 1, "expires_at": (NOON + timedelta(hours=1)).isoformat()}


@pytest.fixture
async def shop() -> AsyncGenerator[Workshop, None]:
    async with a_store() as store:
        yield Workshop(store)


async def worked(shop: Workshop) -> None:
    for launch in await shop.work.claim(9):
        await shop.work.act(launch)


async def test_what_may_start_is_asked_about_once_and_sent(shop: Workshop) -> None:
    shop.wire.answers = [ACCEPTED]
    await shop.keep(a_launch())

    await worked(shop)

    assert shop.gate.asked == ["L-7K3QW"]
    assert (await shop.stored()).state is State.RUNNING


async def test_a_yes_that_lapsed_while_it_waited_for_its_place_is_asked_for_again(shop: Workshop) -> None:
    shop.wire.answers = [ACCEPTED]
    shop.gate.lapses = [True]
    await shop.keep(a_launch())

    await worked(shop)
    assert ((await shop.stored()).state, shop.wire.calls) == (State.QUEUED, [])
    await worked(shop)

    assert shop.gate.asked == ["L-7K3QW", "L-7K3QW"]
    assert (await shop.stored()).state is State.RUNNING


async def test_what_is_no_longer_allowed_fails_and_nothing_is_sent(shop: Workshop) -> None:
    shop.gate.answers = [NoGo(reasons=(DENIED,))]
    await shop.keep(a_launch())

    await worked(shop)

    launch = await shop.stored()
    (*_, failed) = await shop.store.events(launch.launch_id)
    assert (launch.state, launch.sent_at, shop.wire.calls) == (State.FAILED, None, [])
    assert failed.facts["codes"] == ["requester_not_granted"]


async def test_a_fact_that_cannot_be_learnt_puts_the_start_off_and_is_told_once(shop: Workshop) -> None:
    shop.gate.answers = [Wait(detail="the person U0ALICE: Slack did not answer", again_after_s=30.0)] * 2
    shop.wire.answers = [ACCEPTED]
    await shop.keep(a_launch())

    await worked(shop)
    launch = await shop.stored()
    assert (launch.state, launch.due_at, launch.sent_at) == (State.QUEUED, NOON + timedelta(seconds=30), None)
    shop.clock.move(seconds=30)
    await worked(shop)
    assert (await shop.stored()).due_at == NOON + timedelta(seconds=30 + 60)
    shop.clock.move(seconds=60)
    await worked(shop)

    assert (await shop.stored()).state is State.RUNNING
    kinds = await shop.kinds()
    assert kinds.count(EventKind.DELAYED) == 1
    now = shop.clock.now() + timedelta(days=1)
    (telling,) = await shop.store.lease_tellings(now=now, until=now, holder="teller", limit=1)
    assert [line.event.kind for line in telling.lines].count(EventKind.DELAYED) == 1


async def test_what_changed_is_asked_about_again_and_not_sent(shop: Workshop) -> None:
    await shop.keep(a_launch(approval=APPROVAL, digest="one"))
    (launch,) = await shop.work.claim(1)
    reaction = reopened(
        launch, now=NOON, digest="two", approval=APPROVAL, changes=[{"what": "version", "before": "1", "after": "2"}]
    )
    shop.gate.answers = [Reopen(reaction=reaction)]

    await shop.work.act(launch)

    stored = await shop.stored()
    assert (stored.state, stored.digest, stored.sent_at, shop.wire.calls) == (State.AWAITING_APPROVAL, "two", None, [])
    assert stored.due_at == NOON + timedelta(hours=1)


async def test_a_start_whose_answer_was_lost_is_not_judged_anew_but_settled(shop: Workshop) -> None:
    """It may have run: whoever lost the right since cannot make that undone."""
    shop.wire.answers = [Unreachable(is_possibly_applied=True, detail="no answer")]
    await shop.keep(a_launch(), an_event(EventKind.STARTING))
    shop.gate.answers = [NoGo(reasons=(DENIED,))]

    await worked(shop)

    assert shop.gate.asked == []
    assert (await shop.stored()).state is State.STARTING


async def test_a_start_is_not_sent_again_to_another_place_than_the_first_time(shop: Workshop) -> None:
    """Its key is known there only where it was first sent."""
    shop.wire.answers = [Unreachable(is_possibly_applied=True, detail="no answer")]
    await shop.keep(a_launch())
    await worked(shop)
    assert (await shop.stored()).state is State.STARTING

    shop.connections["billing"] = a_connection(base_url="https://rest.zuora.com")
    shop.clock.move(minutes=1)
    await worked(shop)

    assert (await shop.stored()).state is State.IN_DOUBT
    assert len(shop.wire.calls) == 1


async def test_a_launch_that_waits_for_approval_expires_without_being_asked_about(shop: Workshop) -> None:
    waiting = replace(a_launch(), state=State.AWAITING_APPROVAL, approval=APPROVAL, digest="one", due_at=NOON)
    await shop.keep(waiting)

    await worked(shop)
    assert (await shop.stored()).due_at == NOON + timedelta(hours=1)
    shop.clock.move(hours=1)
    await worked(shop)

    assert (await shop.stored()).state is State.EXPIRED
    assert (shop.gate.asked, shop.wire.calls) == ([], [])


async def test_a_connection_that_is_gone_does_not_keep_a_waiting_launch_from_expiring(shop: Workshop) -> None:
    shop.connections.clear()
    await shop.keep(replace(a_launch(), state=State.AWAITING_APPROVAL, approval=APPROVAL, digest="one"))
    shop.clock.move(hours=1)

    await worked(shop)

    assert (await shop.stored()).state is State.EXPIRED
