"""What Slack is told, in which order, and what happens when it does not take it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

import pytest

from bot.domain.errors import ThreadError
from bot.domain.lifecycle import step
from bot.domain.model import Event, EventKind, Launch, State
from bot.store.sqlite import SqliteStore
from bot.surfaces.say import Say
from bot.worker import LEASE, Once, TellingWork
from tests.builders import FrozenClock, a_delivery, a_launch, an_event
from tests.ports import RecordingThread, a_store
from tests.worker.faults import Fitful

STARTED = an_event(EventKind.STARTING)
ACCEPTED = an_event(EventKind.ACCEPTED, facts={"run_id": "400"})
SUCCEEDED = an_event(EventKind.SUCCEEDED)


@dataclass
class Desk:
    """A teller's desk."""

    store: SqliteStore
    thread: RecordingThread = field(default_factory=RecordingThread)
    clock: FrozenClock = field(default_factory=FrozenClock)

    @cached_property
    def work(self) -> TellingWork:
        return TellingWork(store=self.store, thread=self.thread, clock=self.clock, holder="me", lease=LEASE)

    async def keep(self, *events: Event, launch_id: str = "L-7K3QW") -> None:
        delivery = a_delivery(key=f"command:{launch_id}")
        await self.store.record_delivery(delivery)
        await self.store.create(a_launch(launch_id=launch_id), an_event(launch_id=launch_id), delivery_key=delivery.key)
        await self.happen(*events, launch_id=launch_id)

    async def happen(self, *events: Event, launch_id: str = "L-7K3QW") -> None:
        for event in events:
            launch = await self.store.launch(launch_id)
            assert launch is not None
            has_line = event.kind is not EventKind.STARTING
            assert await self.store.save(step(launch, event), replace(event, launch_id=launch_id), has_line=has_line)

    async def tell(self) -> list[tuple[str, object]]:
        for telling in await self.work.claim(10):
            await self.work.act(telling)
        told, self.thread.told = self.thread.told, []
        return told


@pytest.fixture
async def desk() -> AsyncGenerator[Desk, None]:
    async with a_store() as store:
        yield Desk(store)


async def test_a_new_launch_gets_its_card_and_nothing_more(desk: Desk) -> None:
    await desk.keep()

    assert await desk.tell() == [("card", State.QUEUED)]
    assert await desk.tell() == []


async def test_lines_are_told_in_order_before_the_card_is_updated(desk: Desk) -> None:
    await desk.keep()
    await desk.tell()
    await desk.happen(STARTED, ACCEPTED, SUCCEEDED)

    assert await desk.tell() == [
        ("line", EventKind.ACCEPTED),
        ("line", EventKind.SUCCEEDED),
        ("update", State.SUCCEEDED),
    ]
    assert await desk.tell() == []


async def test_a_card_that_is_posted_late_shows_the_newest_state_at_once(desk: Desk) -> None:
    await desk.keep(STARTED, ACCEPTED, SUCCEEDED)

    assert await desk.tell() == [
        ("card", State.SUCCEEDED),
        ("line", EventKind.ACCEPTED),
        ("line", EventKind.SUCCEEDED),
    ]


async def test_a_look_that_changed_nothing_touches_no_card(desk: Desk) -> None:
    await desk.keep(STARTED, ACCEPTED)
    await desk.tell()
    launch = await desk.store.launch("L-7K3QW")
    assert launch is not None
    await desk.store.save(launch, None)

    assert await desk.tell() == []


async def test_what_slack_does_not_take_is_told_after_its_own_wait(desk: Desk) -> None:
    await desk.keep()
    desk.thread.refusals.append(ThreadError("ratelimited", retry_after_s=30))
    assert await desk.tell() == []

    desk.clock.move(seconds=29)
    assert await desk.tell() == []

    desk.clock.move(seconds=1)
    assert await desk.tell() == [("card", State.QUEUED)]


async def test_a_line_that_failed_is_not_skipped_and_those_before_it_are_not_repeated(desk: Desk) -> None:
    await desk.keep(STARTED, ACCEPTED)
    await desk.tell()
    await desk.happen(SUCCEEDED)
    desk.thread.refusals.append(ThreadError("unreachable"))
    assert await desk.tell() == []

    desk.clock.move(minutes=1)
    assert await desk.tell() == [("line", EventKind.SUCCEEDED), ("update", State.SUCCEEDED)]


async def test_back_off_grows_while_slack_is_down(desk: Desk) -> None:
    await desk.keep()
    waits: list[timedelta] = []
    for _ in range(4):
        desk.thread.refusals.append(ThreadError("unreachable"))
        await desk.tell()
        due = await desk.work.next_due()
        assert due is not None
        waits.append(due - desk.clock.now())
        desk.clock.time = due

    assert waits == sorted(waits)
    assert waits[0] < waits[-1]


async def test_an_end_that_the_channel_will_never_take_is_told_to_the_requester(desk: Desk) -> None:
    await desk.keep(STARTED, SUCCEEDED)
    desk.thread.refusals.append(ThreadError("is_archived", is_permanent=True))

    direct, operators = await desk.tell()
    assert direct == ("direct", State.SUCCEEDED)
    assert operators[0] == "operators"

    desk.clock.move(days=1)
    assert await desk.tell() == []


async def test_an_end_that_could_not_be_told_directly_now_is_told_later(desk: Desk) -> None:
    await desk.keep(STARTED, SUCCEEDED)
    desk.thread.refusals += [ThreadError("is_archived", is_permanent=True), ThreadError("unreachable")]
    assert await desk.tell() == []

    desk.clock.move(minutes=1)
    desk.thread.refusals.append(ThreadError("is_archived", is_permanent=True))
    assert (await desk.tell())[0] == ("direct", State.SUCCEEDED)


class _Archived(RecordingThread):
    """The channel takes nothing any more; people and operators can be told, but for what is in ``refusals``."""

    async def post_card(self, launch: Launch, events: tuple[Event, ...]) -> str:
        raise ThreadError("is_archived", is_permanent=True)

    async def post_direct(self, launch: Launch, events: tuple[Event, ...]) -> str:
        self.told.append(("direct", launch.state))
        return "1.0"


@dataclass
class _Killing(_Archived):
    """Slack does not answer while the operators are told, and the bot dies."""

    is_telling: asyncio.Event = field(default_factory=asyncio.Event)

    async def tell_operators(self, say: Say) -> None:
        self.is_telling.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    "error", [ThreadError("ratelimited", retry_after_s=1), ThreadError("unreachable", is_in_doubt=True)], ids=["later", "unheard"]
)
async def test_operators_who_could_not_be_told_of_an_end_now_are_told_later_and_nobody_twice(
    desk: Desk, error: ThreadError
) -> None:
    await desk.keep(STARTED, SUCCEEDED)
    desk.thread = _Archived(refusals=[error])
    first = await desk.tell()
    desk.clock.move(seconds=1)
    second = await desk.tell()
    desk.clock.move(days=1)

    assert ([what for what, _ in first], [what for what, _ in second]) == (["direct"], ["operators"])
    assert await desk.tell() == []


async def test_operators_who_never_take_it_do_not_keep_an_end_open(desk: Desk) -> None:
    await desk.keep(STARTED, SUCCEEDED)
    desk.thread = _Archived(refusals=[ThreadError("is_archived", is_permanent=True)])
    assert [what for what, _ in await desk.tell()] == ["direct"]

    desk.clock.move(days=1)
    assert await desk.tell() == []


async def test_operators_whom_a_killed_bot_was_telling_are_told_by_the_next(desk: Desk) -> None:
    await desk.keep(STARTED, SUCCEEDED)
    desk.thread = _Killing()
    (telling,) = await desk.work.claim(1)
    dying = asyncio.create_task(desk.work.act(telling))
    async with asyncio.timeout(10):
        await desk.thread.is_telling.wait()
    dying.cancel()
    await asyncio.wait({dying})
    desk.clock.move(minutes=1)
    thread = _Archived()
    other = replace(desk.work, thread=thread, holder="other")
    for taken in await other.claim(10):
        await other.act(taken)

    assert desk.thread.told == [("direct", State.SUCCEEDED)]
    assert [what for what, _ in thread.told] == ["operators"]


async def test_a_card_whose_post_was_not_answered_is_never_posted_again(desk: Desk) -> None:
    await desk.keep()
    desk.thread.refusals.append(ThreadError("unreachable", is_in_doubt=True))
    assert await desk.tell() == []

    await desk.happen(STARTED, ACCEPTED)
    desk.clock.move(hours=1)
    assert await desk.tell() == []

    await desk.happen(SUCCEEDED)
    told = await desk.tell()
    assert told[0] == ("direct", State.SUCCEEDED)
    assert "card" not in {what for what, _ in told}


async def test_a_lost_card_that_is_found_again_tells_the_rest_of_its_story(desk: Desk) -> None:
    await desk.keep(STARTED)
    desk.thread.refusals.append(ThreadError("unreachable", is_in_doubt=True))
    await desk.tell()
    await desk.happen(ACCEPTED)

    await desk.store.card_found("L-7K3QW", "17.1")

    assert await desk.tell() == [("line", EventKind.ACCEPTED), ("update", State.RUNNING)]


async def test_a_line_that_was_not_answered_is_left_out_unless_it_is_the_last(desk: Desk) -> None:
    await desk.keep()
    await desk.tell()
    await desk.happen(STARTED, ACCEPTED)
    desk.thread.refusals.append(ThreadError("unreachable", is_in_doubt=True))
    assert await desk.tell() == [("update", State.RUNNING)]

    await desk.happen(SUCCEEDED)
    desk.thread.refusals.append(ThreadError("unreachable", is_in_doubt=True))
    assert await desk.tell() == []

    desk.clock.move(minutes=1)
    assert await desk.tell() == [("line", EventKind.SUCCEEDED), ("update", State.SUCCEEDED)]


class _Unanswered:
    """A thread that takes everything, and does not answer for lines."""

    def __init__(self, thread: Any) -> None:
        self._thread = thread

    def __getattr__(self, name: str) -> Any:
        return getattr(self._thread, name)

    async def post_lines(self, *_given: Any, **_named: Any) -> str:
        raise ThreadError("unreachable", is_in_doubt=True)


async def test_a_telling_whose_only_line_was_not_answered_is_given_back(desk: Desk) -> None:
    await desk.keep(STARTED, ACCEPTED)
    work = replace(desk.work, thread=_Unanswered(desk.thread), holder="bot-2")
    for telling in await work.claim(1):
        await work.act(telling)
    assert desk.thread.told == [("card", State.RUNNING)]
    desk.thread.told = []

    await desk.happen(SUCCEEDED)

    assert await desk.tell() == [("line", EventKind.SUCCEEDED), ("update", State.SUCCEEDED)]


async def test_under_pressure_the_lines_of_a_launch_that_is_behind_are_one_message(desk: Desk) -> None:
    await desk.keep()
    await desk.tell()
    await desk.happen(STARTED, ACCEPTED, SUCCEEDED)
    desk.thread.is_slow = True

    assert await desk.tell() == [("line", [EventKind.ACCEPTED, EventKind.SUCCEEDED]), ("update", State.SUCCEEDED)]


@dataclass
class PatientThread(RecordingThread):
    """Posts cards once the gate is open."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def post_card(self, launch: Launch, events: tuple[Event, ...]) -> str:
        await self.gate.wait()
        return await super().post_card(launch, events)


@pytest.mark.parametrize(("pressed_from", "is_together"), [(2, True), (3, False)], ids=["a crowd", "no crowd"])
async def test_lines_are_one_message_while_a_crowd_of_launches_is_told(desk: Desk, pressed_from: int, is_together: bool) -> None:
    desk.thread = PatientThread()
    work = replace(desk.work, thread=desk.thread, pressed_from=pressed_from)
    await desk.keep(STARTED, ACCEPTED, SUCCEEDED)
    await desk.keep(STARTED, ACCEPTED, SUCCEEDED, launch_id="L-8M4RX")
    acting = [asyncio.create_task(work.act(telling)) for telling in await work.claim(10)]
    await asyncio.sleep(0)
    desk.thread.gate.set()
    await asyncio.gather(*acting)

    messages: list[object] = [kinds for what, kinds in desk.thread.told if what == "line"]
    both = [EventKind.ACCEPTED, EventKind.SUCCEEDED]
    assert (both in messages) is is_together
    assert 2 * messages.count(both) + sum(messages.count(kind) for kind in both) == 4


async def test_under_pressure_a_card_posted_when_all_is_over_stands_alone(desk: Desk) -> None:
    await desk.keep(STARTED, ACCEPTED, SUCCEEDED)
    desk.thread.is_slow = True

    assert await desk.tell() == [("card", State.SUCCEEDED)]
    assert await desk.tell() == []


async def test_a_card_that_stands_alone_does_so_also_where_the_database_goes_away_just_then(desk: Desk) -> None:
    await desk.keep(STARTED, ACCEPTED, SUCCEEDED)
    desk.thread.is_slow = True
    work = replace(desk.work, store=Fitful(desk.store, {"lines_told": {1, 2}}))
    for telling in await work.claim(1):
        await work.act(telling)
    desk.clock.move(minutes=10)

    assert desk.thread.told == [("card", State.SUCCEEDED)]
    assert await desk.tell() == [("card", State.SUCCEEDED)], "what was told before, and nothing more"


@pytest.mark.parametrize(
    "events",
    [(STARTED, ACCEPTED), (STARTED, an_event(EventKind.LOST)), (STARTED, ACCEPTED, an_event(EventKind.FAILED))],
    ids=["not over", "in doubt", "failed"],
)
async def test_under_pressure_what_is_not_simply_over_is_told_in_the_thread_too(desk: Desk, events: tuple[Event, ...]) -> None:
    await desk.keep(*events)
    desk.thread.is_slow = True

    assert [what for what, _ in await desk.tell()] == ["card", "line"]


async def test_a_doubt_that_the_channel_cannot_show_is_told_to_the_requester_once(desk: Desk) -> None:
    await desk.keep(STARTED, an_event(EventKind.LOST))
    desk.thread.refusals.append(ThreadError("is_archived", is_permanent=True))
    first = await desk.tell()
    desk.clock.move(minutes=10)
    desk.thread.refusals.append(ThreadError("is_archived", is_permanent=True))
    second = await desk.tell()

    assert [what for what, _ in first] == ["direct"]
    assert second == []


async def test_a_doubt_whose_card_was_lost_is_told_to_the_requester(desk: Desk) -> None:
    await desk.keep(STARTED)
    desk.thread.refusals.append(ThreadError("unreachable", is_in_doubt=True))
    await desk.tell()

    await desk.happen(an_event(EventKind.LOST))

    assert await desk.tell() == [("direct", State.IN_DOUBT)]


async def test_the_line_that_warns_of_a_doubt_rather_stands_twice_than_not_at_all(desk: Desk) -> None:
    await desk.keep()
    await desk.tell()
    await desk.happen(STARTED, an_event(EventKind.LOST))
    desk.thread.refusals.append(ThreadError("unreachable", is_in_doubt=True))
    assert await desk.tell() == []

    desk.clock.move(minutes=1)
    assert await desk.tell() == [("line", EventKind.LOST), ("update", State.IN_DOUBT)]


# --- a teller that was paused beyond its lease, and woken while another did its work ---


def _overtaken(desk: Desk) -> tuple[TellingWork, TellingWork]:
    return desk.work, TellingWork(store=desk.store, thread=desk.thread, clock=desk.clock, holder="other", lease=LEASE)


async def test_a_teller_that_is_paused_after_it_was_told_to_go_on_does_not_speak(desk: Desk) -> None:
    """Between the store's word and Slack's: what it says now would stand below what another has told since."""
    await desk.keep()
    await desk.tell()
    await desk.happen(STARTED, ACCEPTED, SUCCEEDED)
    (mine,) = await desk.work.claim(1)
    paused = replace(desk.work, store=_PausedAfter(desk, "line_skipped", LEASE))
    other = replace(desk.work, holder="other")

    await paused.act(mine)
    desk.clock.move(minutes=1)
    (theirs,) = await other.claim(1)
    await other.act(theirs)

    assert desk.thread.told == [("line", EventKind.ACCEPTED), ("line", EventKind.SUCCEEDED), ("update", State.SUCCEEDED)]


async def test_a_card_that_a_paused_teller_has_set_back_is_shown_anew(desk: Desk) -> None:
    await desk.keep()
    await desk.tell()
    await desk.happen(STARTED, ACCEPTED)
    (mine,) = await desk.work.claim(1)
    other = replace(desk.work, holder="other")
    desk.clock.time += LEASE
    await desk.happen(SUCCEEDED)
    (theirs,) = await other.claim(1)
    await other.act(theirs)
    await desk.store.card_told("L-7K3QW", ts="1.0", version=mine.launch.version)

    assert (await desk.tell())[-1] == ("update", State.SUCCEEDED)
    assert await desk.tell() == []


async def test_a_doubt_is_told_directly_by_one_of_several_replicas(desk: Desk) -> None:
    await desk.keep(STARTED)
    desk.thread.refusals.append(ThreadError("unreachable", is_in_doubt=True))
    await desk.tell()
    await desk.happen(an_event(EventKind.LOST))
    told: list[tuple[str, object]] = []
    for name in ("me", "second", "third"):
        once = Once(store=desk.store, clock=desk.clock, holder=name)
        work = replace(desk.work, holder=name, once=once, doubts_told=set())
        for telling in await work.claim(1):
            await work.act(telling)
        desk.clock.move(minutes=10)
        told, desk.thread.told = [*told, *desk.thread.told], []

    assert told == [("direct", State.IN_DOUBT)]


class _PausedAfter:
    """A store after whose answer to one method the process stands still for a while."""

    def __init__(self, desk: Desk, method: str, pause: timedelta) -> None:
        self._desk, self._method, self._pause = desk, method, pause

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._desk.store, name)
        return self._paused(method) if name == self._method else method

    def _paused(self, method: Any) -> Any:
        async def called(*arguments: Any, **named: Any) -> Any:
            answer = await method(*arguments, **named)
            self._desk.clock.time += self._pause
            return answer

        return called


async def test_a_paused_teller_posts_no_second_card(desk: Desk) -> None:
    await desk.keep()
    paused, other = _overtaken(desk)
    (mine,) = await paused.claim(1)
    desk.clock.time += LEASE
    (theirs,) = await other.claim(1)

    await other.act(theirs)
    await paused.act(mine)

    assert desk.thread.told == [("card", State.QUEUED)]


async def test_a_paused_teller_posts_no_card_while_another_is_posting_it(desk: Desk) -> None:
    await desk.keep()
    paused, other = _overtaken(desk)
    (mine,) = await paused.claim(1)
    desk.clock.time += LEASE
    await other.claim(1)

    await paused.act(mine)

    assert desk.thread.told == []


async def test_a_paused_teller_tells_no_line_twice_and_shows_no_older_state(desk: Desk) -> None:
    await desk.keep()
    await desk.tell()
    await desk.happen(STARTED, ACCEPTED)
    paused, other = _overtaken(desk)
    (mine,) = await paused.claim(1)
    desk.clock.time += LEASE
    await desk.happen(SUCCEEDED)
    (theirs,) = await other.claim(1)

    await other.act(theirs)
    told = list(desk.thread.told)
    await paused.act(mine)

    assert told == [("line", EventKind.ACCEPTED), ("line", EventKind.SUCCEEDED), ("update", State.SUCCEEDED)]
    assert desk.thread.told == told


async def test_lines_that_another_told_meanwhile_leave_the_others_to_be_told(desk: Desk) -> None:
    """Two lines in one message, one of them told already: neither twice, none lost."""
    await desk.keep()
    await desk.tell()
    desk.thread.is_slow = True
    await desk.happen(STARTED, ACCEPTED, an_event(EventKind.PROGRESSED))
    paused, other = _overtaken(desk)
    (mine,) = await paused.claim(1)
    await desk.store.lines_told(mine.launch.launch_id, [mine.lines[0].line_id], ts="9.9", at=desk.clock.now())
    await paused.act(mine)
    assert [what for what, _ in desk.thread.told] == ["update"] or desk.thread.told == []

    desk.clock.time += LEASE
    for telling in await other.claim(1):
        await other.act(telling)

    assert ("line", EventKind.PROGRESSED) in desk.thread.told
    assert ("line", EventKind.ACCEPTED) not in desk.thread.told


@pytest.mark.parametrize("method", ["card_told", "lines_told"])
async def test_what_slack_took_is_recorded_once_the_database_is_back(desk: Desk, method: str) -> None:
    """Else the card would count as lost, and the last line would be posted twice."""
    await desk.keep(STARTED, ACCEPTED, SUCCEEDED)
    work = replace(desk.work, store=Fitful(desk.store, {method: {1, 2, 3}}))
    (telling,) = await work.claim(1)
    await work.act(telling)

    assert [what for what, _ in desk.thread.told] == ["card", "line", "line"]
    desk.clock.move(minutes=10)
    desk.thread.told = []
    assert await desk.tell() == []


async def test_an_end_that_was_told_directly_is_not_told_again_once_the_database_is_back(desk: Desk) -> None:
    await desk.keep(STARTED, ACCEPTED, SUCCEEDED)
    desk.thread.refusals.append(ThreadError("is_archived", is_permanent=True))
    work = replace(desk.work, store=Fitful(desk.store, {"telling_failed": {1, 2, 3}}))
    (telling,) = await work.claim(1)
    await work.act(telling)
    desk.clock.move(minutes=10)
    told, desk.thread.told = desk.thread.told, []

    assert ("direct", State.SUCCEEDED) in told
    assert await desk.tell() == []


async def test_a_telling_that_broke_off_is_told_soon_and_later_and_later_where_it_breaks_off_again(desk: Desk) -> None:
    """A database that was away for a moment must not keep an end from people for minutes; a fault of ours must not turn in circles."""
    await desk.keep()
    waits: list[float] = []
    for _ in range(4):
        (telling,) = await desk.work.claim(1)
        await desk.work.give_back(telling)
        due = await desk.work.next_due()
        assert due is not None
        waits.append((due - desk.clock.time).total_seconds())
        desk.clock.time = due

    assert waits == [1, 2, 4, 8]
    assert await desk.tell() == [("card", State.QUEUED)]


@pytest.mark.parametrize(("before", "write"), [((), "card_not_posted"), ((STARTED, ACCEPTED), "line_not_posted")])
async def test_what_slack_refused_is_told_later_however_long_the_database_is_away(
    desk: Desk, before: tuple[Event, ...], write: str
) -> None:
    await desk.keep()
    if before:
        await desk.tell()
        await desk.happen(*before)
    work = replace(desk.work, store=Fitful(desk.store, {write: {1, 2}}))
    desk.thread.refusals.append(ThreadError("ratelimited", retry_after_s=1))
    for telling in await work.claim(10):
        await work.act(telling)
    desk.clock.move(minutes=1)

    assert (await desk.tell())[0] == (("line", EventKind.ACCEPTED) if before else ("card", State.QUEUED))


async def test_lines_of_one_message_are_all_told_where_the_database_goes_away_among_them(desk: Desk) -> None:
    await desk.keep()
    await desk.tell()
    await desk.happen(STARTED, ACCEPTED, an_event(EventKind.PROGRESSED))
    desk.thread.is_slow = True
    work = replace(desk.work, store=Fitful(desk.store, {"line_skipped": {2}}))
    for telling in await work.claim(10):
        await work.act(telling)

    assert desk.thread.told[0] == ("line", [EventKind.ACCEPTED, EventKind.PROGRESSED])


async def test_of_a_message_that_was_not_answered_only_the_last_line_may_stand_twice(desk: Desk) -> None:
    await desk.keep()
    await desk.tell()
    await desk.happen(STARTED, ACCEPTED, SUCCEEDED)
    desk.thread.is_slow = True
    desk.thread.refusals.append(ThreadError("unreachable", is_in_doubt=True))
    assert await desk.tell() == []

    desk.clock.move(minutes=1)
    assert await desk.tell() == [("line", EventKind.SUCCEEDED), ("update", State.SUCCEEDED)]
