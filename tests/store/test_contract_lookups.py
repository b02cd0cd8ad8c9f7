"""Every store through the same checks: launches as people look for them, and what an approval is bound to."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from bot.domain.model import EventKind, State
from bot.ports import Store
from tests.store.steps import L, at, happen, ids, keep, read

RULE = {"approvers": ["S0LEADS"], "required": 2, "when": {"maxAmount": {"min": Decimal("100.00")}}}


async def test_a_new_launch_keeps_what_its_approval_is_bound_to(store: Store) -> None:
    launch = await keep(
        store, state=State.AWAITING_APPROVAL, grant_key="g-1", quota_key="q-1", digest="d-1", approval=RULE, policy_digest="p-1"
    )

    assert await store.launch(L) == launch
    assert repr((await read(store)).approval["when"]) == repr(RULE["when"])


async def test_an_approval_that_is_reopened_is_bound_anew(store: Store) -> None:
    launch = await keep(store, state=State.QUEUED, grant_key="g-1", quota_key="q-1", digest="d-1", approval=RULE)
    reopened = replace(
        launch,
        state=State.AWAITING_APPROVAL,
        grant_key="g-2",
        quota_key="q-2",
        digest="d-2",
        approval={"approvers": ["U0BOB"], "required": 1},
        inputs={"maxAmount": Decimal("7.50")},
        policy_digest="p-2",
        workflow_version="2",
        workflow_name="Dunning run II",
        extras={"steps": [1]},
    )

    assert await store.save(reopened, None)
    assert await read(store) == replace(reopened, version=2)
    assert ids(await store.awaiting(limit=9)) == [L]


async def test_an_approval_may_end_as_none(store: Store) -> None:
    launch = await keep(store, approval=RULE, digest="d-1")
    await store.save(replace(launch, approval={}, digest=""), None)

    assert await read(store) == replace(launch, approval={}, digest="", version=2)


async def test_what_nobody_asked_for_is_none_or_empty(store: Store) -> None:
    assert await store.awaiting(limit=9) == []
    assert await store.requested_by("U0NOBODY", limit=9) == []
    assert await store.last_success("billing", "396") is None


async def test_those_that_wait_for_approval_come_longest_waiting_first(store: Store) -> None:
    for minute in (2, 0, 3, 1):
        await keep(store, launch_id=f"L-{minute}", state=State.AWAITING_APPROVAL, created_at=at(minute), channel_id=f"C{minute}")
    await keep(store, launch_id="L-B", state=State.AWAITING_APPROVAL, created_at=at(0))
    for state in set(State) - {State.AWAITING_APPROVAL}:
        await keep(store, launch_id=f"L-{state}", state=state, created_at=at(-1))

    assert ids(await store.awaiting(limit=3)) == ["L-0", "L-B", "L-1"]
    assert len(await store.awaiting(limit=99)) == 5


async def test_a_launch_that_was_decided_waits_no_longer_and_one_held_by_a_worker_still_does(store: Store) -> None:
    await keep(store, launch_id="L-1", state=State.AWAITING_APPROVAL)
    await keep(store, launch_id="L-2", state=State.AWAITING_APPROVAL)
    await happen(store, EventKind.CLEARED, launch_id="L-1", state=State.QUEUED)
    await store.lease_due(now=at(0), until=at(1), holder="bot-1", limit=9)

    assert ids(await store.awaiting(limit=9)) == ["L-2"]


async def test_a_persons_launches_come_from_every_channel_newest_first(store: Store) -> None:
    for minute in (2, 0, 3, 1):
        await keep(store, launch_id=f"L-{minute}", created_at=at(minute), channel_id=f"C{minute}", state=State.FAILED)
    await keep(store, launch_id="L-A", created_at=at(3))
    await keep(store, launch_id="L-BOB", requester_id="U0BOB", created_at=at(9))

    assert ids(await store.requested_by("U0ALICE", limit=3)) == ["L-A", "L-3", "L-2"]
    assert ids(await store.requested_by("U0BOB", limit=3)) == ["L-BOB"]


async def test_the_last_success_is_the_one_that_succeeded_last_whenever_it_was_asked_for(store: Store) -> None:
    await keep(store, launch_id="L-1", created_at=at(0))
    await keep(store, launch_id="L-2", created_at=at(1))
    await happen(store, EventKind.SUCCEEDED, launch_id="L-2", state=State.SUCCEEDED, updated_at=at(5))
    await happen(store, EventKind.SUCCEEDED, launch_id="L-1", state=State.SUCCEEDED, updated_at=at(6), inputs={"n": 1})

    assert await store.last_success("billing", "396") == await read(store, "L-1")


async def test_of_many_successes_the_last_is_found_in_whichever_order_they_were_kept(store: Store) -> None:
    for minute in (3, 9, 1, 8, 2, 7, 4, 6, 5):
        await keep(store, launch_id=f"L-{minute}", state=State.SUCCEEDED, updated_at=at(minute))

    assert await store.last_success("billing", "396") == await read(store, "L-9")


async def test_no_other_end_connection_or_workflow_is_a_last_success(store: Store) -> None:
    for state in set(State) - {State.SUCCEEDED}:
        await keep(store, launch_id=f"L-{state}", state=state, updated_at=at(9))
    await keep(store, launch_id="L-CRM", state=State.SUCCEEDED, connection="crm")
    await keep(store, launch_id="L-397", state=State.SUCCEEDED, workflow_id="397")

    assert await store.last_success("billing", "396") is None
    assert ids([await store.last_success("crm", "396"), await store.last_success("billing", "397")]) == ["L-CRM", "L-397"]


async def test_the_last_success_may_be_another_persons_in_another_channel(store: Store) -> None:
    await keep(store, state=State.SUCCEEDED, channel_id="C0SALES", requester_id="U0BOB")

    assert await store.last_success("billing", "396") == await read(store)
