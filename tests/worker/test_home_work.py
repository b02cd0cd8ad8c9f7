"""App Homes are published where they differ, later where Slack does not take them, and never for nobody."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import pytest

from bot.domain.errors import StoreUnavailableError, ThreadError
from bot.domain.model import EventKind
from bot.ports import Home, HomeView
from bot.store.sqlite import SqliteStore
from bot.worker import LEASE, HomeWork
from bot.worker.homes import MOST_ATTEMPTS, mark_of
from tests.builders import NOON, FrozenClock, a_launch, an_event
from tests.ports import RecordingThread, a_store

FIRST = {"type": "home", "blocks": [{"type": "divider"}]}
SECOND = {"type": "home", "blocks": []}


@dataclass
class TableComposer:
    """Says what is in the table; ``meanwhile`` happens while it looks."""

    view: dict[str, Any] = field(default_factory=lambda: FIRST)
    again_at: datetime | None = None
    asked: list[Home] = field(default_factory=list)
    meanwhile: Any = None

    async def home_of(self, home: Home) -> HomeView:
        self.asked.append(home)
        composed = HomeView(view=self.view, again_at=self.again_at)
        if self.meanwhile is not None:
            await self.meanwhile()
        return composed


@dataclass
class Desk:
    """Whoever keeps Homes current, and Bob's Home."""

    store: SqliteStore
    thread: RecordingThread = field(default_factory=RecordingThread)
    clock: FrozenClock = field(default_factory=FrozenClock)
    composer: TableComposer = field(default_factory=TableComposer)

    @cached_property
    def work(self) -> HomeWork:
        return HomeWork(store=self.store, thread=self.thread, composer=self.composer, clock=self.clock, holder="me", lease=LEASE)

    async def open(self, user_id: str = "U0BOB") -> None:
        await self.store.home_opened(user_id, "T0GONOGO", at=self.clock.now())

    async def launch(self, number: int = 1) -> None:
        """Bob launches something, which his Home shows two seconds later."""
        launch = a_launch(launch_id=f"L-{number:05d}", requester_id="U0BOB")
        event = an_event(EventKind.REQUESTED, launch_id=launch.launch_id, at=self.clock.now())
        await self.store.create(launch, event, delivery_key=f"command:{number}")

    async def show(self) -> list[tuple[str, Any]]:
        for home in await self.work.claim(10):
            await self.work.act(home)
        told, self.thread.told = self.thread.told, []
        return told


@pytest.fixture
async def desk() -> AsyncGenerator[Desk, None]:
    async with a_store() as store:
        yield Desk(store)


async def test_an_opened_home_is_published(desk: Desk) -> None:
    await desk.open()

    assert await desk.show() == [("home U0BOB", FIRST)]
    assert await desk.show() == []
    assert await desk.work.next_due() is None


async def test_a_view_that_slack_has_is_not_published_again(desk: Desk) -> None:
    await desk.open()
    await desk.show()
    await desk.launch()
    desk.clock.move(seconds=2)

    assert await desk.show() == []
    assert len(desk.composer.asked) == 2


async def test_a_view_that_differs_is_published(desk: Desk) -> None:
    await desk.open()
    await desk.show()
    await desk.launch()
    desk.composer.view = SECOND
    early = await desk.show()
    desk.clock.move(seconds=2)

    assert early == []
    assert await desk.show() == [("home U0BOB", SECOND)]


async def test_a_home_that_is_opened_again_is_published_whatever_slack_has(desk: Desk) -> None:
    await desk.open()
    await desk.show()
    await desk.open()

    assert await desk.show() == [("home U0BOB", FIRST)]


async def test_what_happens_while_it_is_composed_is_shown_next(desk: Desk) -> None:
    await desk.open()
    desk.composer.meanwhile = desk.launch
    first = await desk.show()
    desk.composer.meanwhile, desk.composer.view = None, SECOND
    desk.clock.move(seconds=2)

    assert first == [("home U0BOB", FIRST)]
    assert await desk.show() == [("home U0BOB", SECOND)]


async def test_a_view_that_changes_by_time_alone_is_composed_again_then(desk: Desk) -> None:
    desk.composer.again_at = NOON + timedelta(minutes=1)
    await desk.open()
    await desk.show()
    due = await desk.work.next_due()
    desk.composer.view = SECOND
    desk.clock.move(minutes=1)

    assert due == NOON + timedelta(minutes=1)
    assert await desk.show() == [("home U0BOB", SECOND)]


@pytest.mark.parametrize(
    ("error", "waits_s"),
    [(ThreadError("ratelimited", retry_after_s=30.0), 30), (ThreadError("unreachable", is_in_doubt=True), 1)],
)
async def test_what_slack_does_not_take_now_is_shown_later(desk: Desk, error: ThreadError, waits_s: int) -> None:
    desk.thread.refusals = [error]
    await desk.open()
    await desk.show()
    due = await desk.work.next_due()
    desk.clock.move(seconds=waits_s)

    assert due == NOON + timedelta(seconds=waits_s)
    assert await desk.show() == [("home U0BOB", FIRST)]


async def test_the_pauses_grow_and_end(desk: Desk) -> None:
    desk.thread.refusals = [ThreadError("fatal_error") for _ in range(MOST_ATTEMPTS)]
    await desk.open()
    pauses: list[float] = []
    for _ in range(MOST_ATTEMPTS):
        await desk.show()
        due = await desk.work.next_due()
        pauses.append((due - desk.clock.now()).total_seconds() if due else -1)
        desk.clock.time = due or desk.clock.time

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, -1]


async def test_slack_s_own_waits_wear_nobody_out(desk: Desk) -> None:
    desk.thread.refusals = [ThreadError("paced", retry_after_s=7.0) for _ in range(MOST_ATTEMPTS + 3)]
    await desk.open()
    for _ in range(MOST_ATTEMPTS + 3):
        await desk.show()
        desk.clock.move(seconds=7)

    assert await desk.show() == [("home U0BOB", FIRST)]


@pytest.mark.parametrize("code", ["not_enabled", "user_not_found"])
async def test_what_slack_never_takes_is_given_up_until_it_is_opened_again(desk: Desk, code: str) -> None:
    desk.thread.refusals = [ThreadError(code, is_permanent=True)]
    await desk.open()
    await desk.show()
    await desk.launch()
    desk.clock.move(days=1)
    given_up = await desk.show()
    await desk.open()

    assert given_up == []
    assert await desk.show() == [("home U0BOB", FIRST)]


async def test_a_home_that_could_not_be_composed_is_tried_again(desk: Desk) -> None:
    async def away() -> None:
        raise StoreUnavailableError("here", "the disk is full")

    desk.composer.meanwhile = away
    await desk.open()
    [home] = await desk.work.claim(10)
    with pytest.raises(StoreUnavailableError):
        await desk.work.act(home)
    await desk.work.give_back(home)
    desk.composer.meanwhile = None
    desk.clock.move(seconds=1)

    assert await desk.show() == [("home U0BOB", FIRST)]


async def test_a_home_of_a_bot_that_was_killed_is_shown_by_another(desk: Desk) -> None:
    await desk.open()
    await desk.store.lease_homes(now=NOON, until=NOON + LEASE, holder="killed", limit=9)
    early = await desk.show()
    desk.clock.time = NOON + LEASE

    assert early == []
    assert await desk.show() == [("home U0BOB", FIRST)]


def test_a_mark_tells_views_apart_and_not_the_order_of_their_keys() -> None:
    assert mark_of(FIRST) == mark_of(dict(reversed(FIRST.items()))) != mark_of(SECOND)
