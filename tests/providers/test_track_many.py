"""Many runs by lists, against the stand-ins: what a list says of a run is what asking about it by itself says, or nothing at all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.model import Launch
from bot.domain.provider import Completed, Observed, Outcome, Reply, TrackedMany, Unreachable
from tests.exchanges import Driven, drive, whole
from tests.ports import a_store
from tests.tracking_parts import ADD_NUMBERS, FIND_EMAIL, PROVIDERS, Desk

WORKFLOWS = {"bitrix24": ("713", "714", "716"), "domo": (ADD_NUMBERS,), "captain_data": (FIND_EMAIL,)}
BITRIX = PROVIDERS["bitrix24"]
RUNNING = next(example for example in BITRIX.examples if example.verb == "track").launch
LISTS = pytest.mark.parametrize("name", sorted(WORKFLOWS))


@pytest.fixture
async def desk(name: str) -> AsyncIterator[Desk]:
    async with a_store() as store:
        yield Desk(store, name)


async def asked(desk: Desk, launches: list[Launch]) -> Any:
    connection = desk.connections[desk.provider]
    return await desk.site.perform(desk.provider, whole(PROVIDERS[desk.provider].track_many(launches, connection)))


async def singly(desk: Desk, launch: Launch) -> Any:
    connection = desk.connections[desk.provider]
    return await desk.site.perform(desk.provider, PROVIDERS[desk.provider].track(launch, connection))


async def begun(desk: Desk, count: int) -> list[Launch]:
    workflows = WORKFLOWS[desk.provider]
    return [await desk.begin(f"L-{n:04}", workflows[n % len(workflows)], 10.0 * (n + 1)) for n in range(count)]


@LISTS
@pytest.mark.parametrize("count", [2, 60, 130])
async def test_a_list_says_what_asking_singly_says(desk: Desk, count: int) -> None:
    launches = await begun(desk, count)
    desk.clock.move(seconds=5 * count)

    answer = await asked(desk, launches)
    by_list = len(desk.site.calls)

    assert len(answer.answers) >= count / 2
    assert by_list <= count / 5 + 2
    for launch in launches:
        told = answer.answers.get(launch.run_id)
        assert told is None or told == await singly(desk, launch)


@LISTS
async def test_no_run_is_over_before_it_is(desk: Desk) -> None:
    launches = await begun(desk, 20)
    desk.clock.move(seconds=95)

    answer = await asked(desk, launches)

    over = {launch.launch_id for launch in launches if isinstance(answer.answers.get(launch.run_id), Completed)}
    assert over == {launch.launch_id for launch in launches if desk.ends_at(launch.launch_id) <= desk.clock.now()}


@LISTS
async def test_a_run_that_nobody_ever_started_is_only_over_where_absence_says_so(desk: Desk) -> None:
    known = await begun(desk, 3)
    unknown = replace(known[0], launch_id="L-07HER", run_id="never-there")

    answer = await asked(desk, [*known, unknown])

    assert answer.answers.get("never-there") == (await singly(desk, unknown) if name_is_bitrix(desk) else None)


def name_is_bitrix(desk: Desk) -> bool:
    return desk.provider == "bitrix24"


# --- Bitrix24, where absence is all that is told ---


def page(*run_ids: str, total: int | None = None, template: str = "713") -> Reply:
    rows = [{"ID": run_id, "TEMPLATE_ID": template} for run_id in run_ids]
    meta = {"total": len(rows) if total is None else total}
    return Reply(status=200, body=json.dumps({"success": True, "data": rows, "meta": meta}))


def bitrix(*run_ids: str, replies: tuple[Reply, ...], templates: dict[str, str] | None = None, **changes: Any) -> Driven:
    assert RUNNING is not None
    launches = [
        replace(RUNNING, launch_id=f"L-{run_id}", run_id=run_id, workflow_id=(templates or {}).get(run_id, "713"), **changes)
        for run_id in run_ids
    ]
    connection = next(example for example in BITRIX.examples if example.verb == "track").connection
    assert connection is not None
    return drive(whole(BITRIX.track_many(launches, connection)), *replies)


LISTED = Observed(provider_status="running")
ENDED = Completed(outcome=Outcome.ENDED)


def test_a_run_is_missing_only_where_two_readings_lack_it() -> None:
    driven = bitrix("a", "b", replies=(page("a"), page("a", "b")))

    assert driven.answer == TrackedMany(answers={"a": LISTED, "b": LISTED})


def test_a_row_that_slips_between_pages_is_seen_by_the_second_reading() -> None:
    first = (page("a", "x", total=4), page("y", "z", total=4))
    second = (page("b", "x", total=4),)

    assert bitrix("a", "b", replies=(*first, *second)).answer.answers == {"a": LISTED, "b": LISTED}


def test_the_second_reading_looks_for_what_is_missing_only() -> None:
    driven = bitrix("a", "b", "c", replies=(page("a"), page("b", total=100), page("c", total=100)))

    assert driven.answer.answers == dict.fromkeys("abc", LISTED)
    assert len(driven.calls) == 3


def test_a_run_that_was_asked_to_stop_is_cancelled_when_it_left() -> None:
    driven = bitrix("a", "b", replies=(page(), page()), is_cancel_sent=True)

    assert driven.answer.answers == dict.fromkeys("ab", Completed(outcome=Outcome.CANCELLED))


def test_a_run_that_was_never_seen_is_not_believed_to_be_over_at_once() -> None:
    driven = bitrix("a", "b", replies=(page(), page()), provider_status=None)

    assert driven.answer.answers == dict.fromkeys("ab", Observed())


def test_a_list_that_cannot_be_read_to_its_end_ends_no_run() -> None:
    driven = bitrix("a", "b", replies=(page("a", total=3), page("a", total=3)))

    assert driven.answer.answers["a"] == LISTED
    assert isinstance(driven.answer.answers["b"], Unreachable)


def test_a_reading_that_fails_says_nothing_of_what_the_first_lacked() -> None:
    driven = bitrix("a", "b", replies=(page("a"), Reply(status=502)))

    assert driven.answer.answers["a"] == LISTED
    assert isinstance(driven.answer.answers["b"], Unreachable)


TWO = {"a": "713", "b": "714"}


def test_the_whole_portal_is_read_where_it_is_short() -> None:
    driven = bitrix("a", "b", templates=TWO, replies=(page("a", "b", "x"),))

    assert [dict(call.query) for call in driven.calls] == [{"offset": "0"}]
    assert driven.answer.answers == dict.fromkeys("ab", LISTED)


def test_a_portal_with_more_pages_than_templates_is_read_by_template() -> None:
    replies = (page("a", "x", total=1000), page("b"))
    driven = bitrix("a", "b", templates=TWO, replies=replies)

    assert [call.query.get("templateId") for call in driven.calls] == [None, "714"]
    assert driven.answer.answers == dict.fromkeys("ab", LISTED)


def test_what_the_portals_list_lacks_is_looked_for_in_that_of_its_template() -> None:
    driven = bitrix("a", "b", templates=TWO, replies=(page("a"), page()))

    assert [call.query.get("templateId") for call in driven.calls] == [None, "714"]
    assert driven.answer.answers == {"a": LISTED, "b": ENDED}


def test_a_portal_that_cannot_be_listed_is_asked_template_by_template() -> None:
    driven = bitrix("a", "b", templates=TWO, replies=(Reply(status=502), page("a"), page("b")))

    assert driven.answer.answers == dict.fromkeys("ab", LISTED)
