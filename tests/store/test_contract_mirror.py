"""Every store through the same checks: what a credential holds, shared by all replicas, and the first names of workflows."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.domain.holdings import NOTHING_KNOWN, Mirror
from bot.ports import Store
from tests.builders import NOON
from tests.store.steps import a_holding, at

RUN, VIEW = "Workflow Run Access", "Workflow View Access"


async def test_nothing_is_known_of_a_credential_that_was_never_asked_about(store: Store) -> None:
    await store.keep_mirror("crm", [a_holding(connection="crm", scope="bizproc")], identity="U-1")

    assert await store.mirror("billing") == NOTHING_KNOWN


async def test_what_was_learnt_comes_back_as_it_was(store: Store) -> None:
    held, missing = a_holding(scope=RUN), a_holding(scope=VIEW, is_held=False, lapses_at=at(10))
    unknown = a_holding(scope="Workflow Manage Access", is_held=None, evidence="it cannot be asked")
    await store.keep_mirror("billing", [held, missing, unknown], identity="apiuser@acme")

    found = await store.mirror("billing")

    assert found == Mirror(
        holdings={(RUN, ""): held, (VIEW, ""): missing, ("Workflow Manage Access", ""): unknown}, identity="apiuser@acme"
    )
    assert [holding.is_held for holding in found.holdings.values()].count(None) == 1


async def test_a_later_answer_stands_in_place_of_the_earlier_one_and_others_stay(store: Store) -> None:
    await store.keep_mirror("billing", [a_holding(scope=RUN), a_holding(scope=VIEW)], identity="apiuser@acme")
    later = a_holding(scope=RUN, is_held=False, evidence="HTTP 403", seen_at=at(5), lapses_at=at(15))
    await store.keep_mirror("billing", [later])

    assert await store.mirror("billing") == Mirror(
        holdings={(RUN, ""): later, (VIEW, ""): a_holding(scope=VIEW)}, identity="apiuser@acme"
    )


async def test_a_refusal_that_lapsed_or_was_mended_leaves_no_lapse_behind(store: Store) -> None:
    await store.keep_mirror("billing", [a_holding(is_held=False, lapses_at=at(10))])
    mended = a_holding(seen_at=at(20))
    await store.keep_mirror("billing", [mended])

    assert (await store.mirror("billing")).holdings == {(RUN, ""): mended}


async def test_a_scope_is_kept_apart_for_the_whole_and_for_each_workflow(store: Store) -> None:
    whole, one, other = (a_holding(workflow_id=name, is_held=name != "396") for name in ("", "396", "397"))
    await store.keep_mirror("billing", [whole, one, other])

    found = await store.mirror("billing")

    assert found.of(RUN, "396") == (one, whole)
    assert found.of(RUN, "397") == (other, whole)
    assert found.of(RUN, "398") == (whole,)


async def test_the_same_scope_of_two_connections_is_two(store: Store) -> None:
    await store.keep_mirror("billing", [a_holding()], identity="a")
    await store.keep_mirror("billing-eu", [a_holding(connection="billing-eu", is_held=False)], identity="b")

    assert [held.is_held for held in (await store.mirror("billing")).holdings.values()] == [True]
    assert [(await store.mirror(name)).identity for name in ("billing", "billing-eu")] == ["a", "b"]


async def test_what_is_kept_belongs_to_the_connection_it_is_kept_for(store: Store) -> None:
    await store.keep_mirror("crm", [a_holding(connection="billing")])

    assert (await store.mirror("billing")).holdings == {}
    assert (await store.mirror("crm")).holdings == {(RUN, ""): a_holding(connection="crm")}


async def test_an_identity_stands_until_another_is_told(store: Store) -> None:
    told: list[str | None] = []
    for identity in (None, "first", None, "", "second"):
        await store.keep_mirror("billing", [], identity=identity)
        told.append((await store.mirror("billing")).identity)

    assert told == [None, "first", "first", "", "second"]


async def test_a_mirror_of_many_workflows_comes_back_whole(store: Store) -> None:
    many = [a_holding(workflow_id=f"flow-{n:03}", is_held=n % 2 == 0) for n in range(300)]
    await store.keep_mirror("billing", many)

    assert list((await store.mirror("billing")).holdings.values()) == many


# --- first names ---


async def test_a_workflow_that_is_renamed_keeps_the_name_under_which_it_was_first_seen(store: Store) -> None:
    names = [await store.first_name("billing", "396", name, at=at(n)) for n, name in enumerate(["Dunning", "Payout", "Dunning"])]

    assert names == ["Dunning", "Dunning", "Dunning"]


async def test_each_workflow_of_each_connection_has_its_own_first_name(store: Store) -> None:
    await store.first_name("billing", "396", "Dunning", at=NOON)

    assert await store.first_name("billing", "397", "Payout", at=NOON) == "Payout"
    assert await store.first_name("crm", "396", "Contract", at=NOON) == "Contract"
    assert await store.first_name("billing", "396", "Payout", at=NOON) == "Dunning"


async def test_of_many_who_see_a_workflow_first_one_names_it_for_all(store: Store) -> None:
    names = await asyncio.gather(
        *(store.first_name("billing", "396", f"name {n}", at=NOON + timedelta(seconds=n)) for n in range(20))
    )

    assert len(set(names)) == 1
    assert await store.first_name("billing", "396", "another", at=NOON) == names[0]


async def test_a_first_name_is_kept_to_the_letter(store: Store) -> None:
    for n, name in enumerate(["", " Dunning  run ", "Mahnlauf – größer", "*", "dunning", "DUNNING"]):
        assert await store.first_name("billing", str(n), name, at=NOON) == name
        assert await store.first_name("billing", str(n), "later", at=NOON) == name


async def test_half_a_surrogate_pair_in_a_name_is_kept_as_a_replacement_mark(store: Store) -> None:
    """Whatever the provider sends can be kept, and the second look finds what the first one gave."""
    names = [await store.first_name("billing", "\ud83d", name, at=NOON) for name in ("half \ud83d", "later")]
    await store.keep_mirror("billing", [a_holding(evidence="\udc00")], identity="\udc00")

    assert names == ["half �", "half �"]
    assert await store.mirror("billing") == Mirror(holdings={(RUN, ""): replace(a_holding(), evidence="�")}, identity="�")
