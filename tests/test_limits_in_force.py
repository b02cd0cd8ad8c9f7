"""Launches that were waiting when another grant came to allow them: its limits hold for them as for those that are new."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from bot import providers
from bot.domain.grants import ApprovalRule, Limits
from bot.domain.model import EventKind, Launch, State
from bot.domain.policy import Usage
from bot.domain.provider import Accepted
from bot.launching import Launched, Launching
from bot.ports import Go
from bot.worker import LEASE, LaunchWork
from tests.builders import a_connection, a_delivery
from tests.ports import ListedWire, a_store
from tests.test_launching import GRANT, House, codes, stored

RULE = ApprovalRule(approvers=("U0BOB",))
OTHER = replace(GRANT, requesters=("U0ALICE",))
"""About the same launches, and another grant by its requesters."""
ONE = replace(OTHER, limits=Limits(running=1))
IDS = tuple(f"L-{number:05}" for number in range(1, 6))


class FarAway:
    """A store whose counts are on their way for a while, so that whoever asks at once is told the same."""

    def __init__(self, store: Any) -> None:
        self._store = store

    async def usage(self, channel_id: str, *, now: datetime) -> Mapping[str, Usage]:
        counted: Mapping[str, Usage] = await self._store.usage(channel_id, now=now)
        for _ in range(99):
            await asyncio.sleep(0)
        return counted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.fixture
async def house() -> AsyncGenerator[House, None]:
    async with a_store() as store:
        yield House(FarAway(store))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def five(house: House) -> None:
    """Five launches under the grant that is in force."""
    numbers = count(1)
    house.clock.new_launch_id = lambda: f"L-{next(numbers):05}"  # type: ignore[method-assign]
    for number in range(5):
        assert isinstance(await house.request(key=f"command:{number}"), Launched)


def reload(house: House, *grants: Any) -> None:
    house.grants, house.digest = grants, "reloaded"


async def press(launching: Launching, launch_id: str) -> object:
    click = a_delivery(kind="button", key=f"button:{launch_id}", user_id="U0BOB", text=launch_id)
    return await launching.approve(click, launch_id)


async def worked(house: House, *, at_once: bool = False) -> None:
    """What the worker does until nothing is due; every start is accepted, and runs on."""
    launching = house.launching
    work = LaunchWork(
        store=house.store,
        wire=ListedWire(answers=[Accepted(run_id=str(number), provider_status="Processing") for number in range(5)]),
        gate=launching.gate,
        clock=house.clock,
        providers=providers.load(),
        connections={"billing": a_connection()},
        holder="worker",
        lease=LEASE,
    )
    for _ in range(9):
        claimed = await work.claim(9)
        if at_once:
            await asyncio.gather(*(work.act(launch) for launch in claimed))
        else:
            for launch in claimed:
                await work.act(launch)


async def launches(house: House) -> list[Launch]:
    return [await stored(house, launch_id) for launch_id in IDS]


async def starts(house: House) -> int:
    events = [event for launch_id in IDS for event in await house.store.events(launch_id)]
    return sum(event.kind is EventKind.STARTING for event in events)


async def reasons(house: House) -> set[str]:
    """Why those that failed did."""
    events = [event for launch_id in IDS for event in await house.store.events(launch_id)]
    return {code for event in events if event.kind is EventKind.FAILED for code in event.facts["codes"]}


async def test_of_five_that_no_longer_need_approval_as_many_start_as_the_limit_in_force_allows(house: House) -> None:
    house.grants = (replace(GRANT, approval=RULE),)
    await five(house)
    reload(house, ONE)

    for launch_id in IDS:
        await press(house.launching, launch_id)
    await worked(house)

    assert await starts(house) == 1
    assert await reasons(house) == {"limit_running"}


async def test_of_five_that_are_pressed_at_once_as_many_start_as_the_limit_in_force_allows(house: House) -> None:
    house.grants = (replace(GRANT, approval=RULE),)
    await five(house)
    reload(house, ONE)
    launching = house.launching

    await asyncio.gather(*(press(launching, launch_id) for launch_id in IDS))
    await worked(house, at_once=True)

    assert await starts(house) == 1
    assert await reasons(house) == {"limit_running"}


async def test_of_five_that_are_pressed_at_once_at_as_many_replicas_none_too_many_starts(house: House) -> None:
    """They may find that all of them count, and refuse every one; two never start where one may."""
    house.grants = (replace(GRANT, approval=RULE),)
    await five(house)
    reload(house, ONE)

    await asyncio.gather(*(press(house.launching, launch_id) for launch_id in IDS))
    await worked(house, at_once=True)

    assert await starts(house) <= 1
    assert await reasons(house) == {"limit_running"}


@pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "at once"])
async def test_of_five_that_wait_to_start_as_many_do_as_the_limit_in_force_allows(house: House, at_once: bool) -> None:
    await five(house)
    reload(house, ONE)

    await worked(house, at_once=at_once)

    assert await starts(house) == 1
    assert sorted(launch.state for launch in await launches(house)) == [*[State.FAILED] * 4, State.RUNNING]
    assert await reasons(house) == {"limit_running"}


async def test_a_launch_that_goes_on_counts_under_the_grant_that_allows_it_now(house: House) -> None:
    house.grants = (replace(GRANT, approval=RULE),)
    await five(house)
    reload(house, replace(OTHER, limits=Limits(running=2)))

    await press(house.launching, "L-00001")

    launch = (await launches(house))[0]
    assert (launch.state, launch.quota_key, launch.grant_key) == (State.QUEUED, OTHER.quota_key, house.grants[0].key)
    usage = await house.store.usage("C0FINANCE", now=house.clock.now())
    assert {key: used.not_over for key, used in usage.items()} == {GRANT.quota_key: 4, OTHER.quota_key: 1}
    house.clock.new_launch_id = lambda: "L-00006"  # type: ignore[method-assign]
    assert isinstance(await house.request(key="command:6"), Launched)
    assert codes(await house.request(key="command:7")) == ["limit_running"]


async def test_what_two_replicas_move_at_once_is_asked_about_again_and_none_too_many_starts(house: House) -> None:
    await five(house)
    reload(house, ONE)
    here, there = house.launching.gate, house.launching.gate
    first, second, *_ = await launches(house)

    await asyncio.gather(here.may_start(first), there.may_start(second))

    moved = [launch for launch in await launches(house) if launch.quota_key == ONE.quota_key]
    assert moved
    answers = [await here.may_start(launch) for launch in moved]
    assert sum(isinstance(answer, Go) for answer in answers) <= 1


async def test_without_limits_all_of_them_start(house: House) -> None:
    await five(house)
    reload(house, OTHER)

    await worked(house)

    assert await starts(house) == 5
