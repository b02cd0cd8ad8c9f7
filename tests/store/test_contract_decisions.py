"""Every store through the same checks: decisions are kept with all that they rested on, in order, for good."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.errors import LaunchIdTakenError
from bot.ports import Store
from tests.builders import NOON, a_launch, an_event
from tests.store.steps import L, a_record, at, keep


async def test_a_launch_that_was_not_kept_leaves_no_decision(store: Store) -> None:
    await keep(store)

    with pytest.raises(LaunchIdTakenError):
        await store.create(a_launch(), an_event(), delivery_key="command:other", decision=a_record())
    await store.create(a_launch(launch_id="L-2"), an_event(launch_id="L-2"), delivery_key=f"command:{L}", decision=a_record())

    assert await store.decisions(since=NOON) == []


async def test_a_launch_keeps_the_decision_that_allowed_it(store: Store) -> None:
    decision = a_record(verdict="need_approval", codes=("granted", "approval_needed"))
    await store.create(a_launch(), an_event(), delivery_key="command:1", decision=decision)

    assert await store.decisions(since=NOON) == [replace(decision, launch_id=L, seq=1)]


async def test_a_launch_whose_id_was_drawn_again_keeps_its_own_id_with_the_decision(store: Store) -> None:
    await store.create(a_launch(), an_event(), delivery_key="command:1", decision=a_record(launch_id="L-TAKEN"))

    assert [record.launch_id for record in await store.decisions(since=NOON)] == [L]


async def test_a_launch_without_a_decision_keeps_none(store: Store) -> None:
    await keep(store)

    assert await store.decisions(since=at(-60)) == []


async def test_a_decision_comes_back_with_every_fact_digit_by_digit(store: Store) -> None:
    facts = {
        "inputs": {"maxAmount": Decimal("5.00"), "tags": ["a", None, Decimal("0.10")], "nothing": None},
        "held": [["bizproc", "", True]],
        "usage": {"q": [4, 2]},
        "is_start": True,
    }
    record = a_record(verdict="deny", codes=("limit_per_hour",), grant_key="", launch_id="L-OLD", facts=facts)
    await store.record_decision(record)

    [found] = await store.decisions(since=NOON)

    assert found == replace(record, seq=1)
    assert repr(found.facts) == repr(facts)


async def test_a_decision_about_a_launch_that_nobody_knows_is_kept(store: Store) -> None:
    await store.record_decision(a_record(verb="cancel", verdict="deny", launch_id="L-NOBODY"))

    assert [record.launch_id for record in await store.decisions(since=NOON)] == ["L-NOBODY"]


async def test_two_equal_decisions_are_two(store: Store) -> None:
    for _ in range(2):
        await store.record_decision(a_record())

    assert [record.seq for record in await store.decisions(since=NOON)] == [1, 2]


async def test_decisions_come_in_the_order_of_keeping_not_of_their_clocks(store: Store) -> None:
    """Replicas' clocks differ."""
    for minute in (3, 1, 2, 0):
        await store.record_decision(a_record(at=at(minute)))

    assert [record.at for record in await store.decisions(since=at(1))] == [at(3), at(1), at(2)]


async def test_decisions_since_a_time_include_those_of_that_moment(store: Store) -> None:
    for minute in (-1, 0, 1):
        await store.record_decision(a_record(at=at(minute)))

    assert [record.at for record in await store.decisions(since=NOON)] == [NOON, at(1)]
    assert await store.decisions(since=at(2)) == []


async def test_decisions_are_read_page_by_page(store: Store) -> None:
    for n in range(-3, 7):
        await store.record_decision(a_record(at=at(n), person_id=f"U{n}"))

    seen: list[str] = []
    sizes: list[int] = []
    after = 0
    while page := await store.decisions(since=NOON, after=after, limit=3):
        seen += [record.person_id for record in page]
        sizes.append(len(page))
        after = page[-1].seq

    assert seen == [f"U{n}" for n in range(7)]
    assert sizes == [3, 3, 1]


async def test_what_is_decided_while_somebody_reads_is_on_a_later_page(store: Store) -> None:
    await store.record_decision(a_record(person_id="U1"))
    [first] = await store.decisions(since=NOON, limit=1)
    await store.record_decision(a_record(person_id="U2"))

    assert [record.person_id for record in await store.decisions(since=NOON, after=first.seq)] == ["U2"]
