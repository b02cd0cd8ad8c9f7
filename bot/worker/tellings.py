"""Tells Slack what it does not show yet: the card (newest state only), then the thread lines (each once, in order).

Why the card comes first: a thread hangs on it. Why the lines come before the card's update: the last line is the news that people
are notified of, and an update is not.

Why lines that wait together are one message under pressure, be it Slack's limits or more launches at once than we can tell one by one:
each message costs a call, and would be late for whoever comes after it.

Why a card that is posted late may stand alone: under Slack's limits a line beside a card that says the same would double the time
until everybody knows (issue 8). It is so only for a launch that simply ran, over before its card could be posted; all else is told.

Why a card whose post got no answer is never posted again: it may stand there, and without reading the channel's history, which we
do not ask for, nobody can tell. It is never doubled; the requester is told the end directly, and whoever presses one of its buttons
shows us where it stands. A thread line in that doubt is left out, unless it is the last: that one rather stands twice than not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.domain.errors import ThreadError
from bot.domain.model import EventKind, State
from bot.domain.setbacks import TELL_AGAIN_MOST_S, tell_again_s
from bot.ports import Clock, Line, Store, Telling, Thread
from bot.surfaces import notices
from bot.worker.keeping import kept
from bot.worker.once import Once

TELLINGS_AT_ONCE = 24
ON_THE_CARD = frozenset(
    {EventKind.REQUESTED, EventKind.STARTING, EventKind.ACCEPTED, EventKind.PROGRESSED, EventKind.SUCCEEDED, EventKind.ENDED}
)
"""What happens to a launch that simply runs. Its card, once it is over, says as much as the lines about them would."""
PRESSED_FROM = TELLINGS_AT_ONCE // 2
"""So many launches that are told at the same moment are a crowd."""
SURE_SHARE = 3
"""A lease is renewed three times before it lapses, so a third of it is always left."""

_log = structlog.get_logger("gonogo.worker")


@dataclass(frozen=True, kw_only=True)
class TellingWork:
    """The work of the tellings loop."""

    store: Store
    thread: Thread
    clock: Clock
    holder: str
    lease: timedelta
    at_once: int = TELLINGS_AT_ONCE
    pressed_from: int = PRESSED_FROM
    once: Once | None = None
    doubts_told: set[str] = field(default_factory=set[str])
    """Launches whose doubt is told directly; kept also in the store, where ``once`` has one."""
    _under_way: set[str] = field(init=False, default_factory=set[str])

    async def claim(self, limit: int) -> Sequence[Telling]:
        """Launches whose card or thread is behind, now leased to us."""
        now = self.clock.now()
        return await self.store.lease_tellings(now=now, until=now + self.lease, holder=self.holder, limit=limit)

    async def next_due(self) -> datetime | None:
        """When the next telling is due."""
        return await self.store.next_telling()

    async def give_back(self, telling: Telling) -> None:
        """Let go of a telling that could not be acted on."""
        await self._put_off(telling, "fault", tell_again_s(ThreadError("fault"), telling.attempts))

    async def act(self, telling: Telling) -> None:
        """Tell all of it; what Slack does not take now is told later."""
        self._under_way.add(telling.launch.launch_id)
        try:
            if telling.is_card_lost:
                await self._tell_without_card(telling, "the card's post was not answered")
            else:
                await self._tell(telling)
        except ThreadError as error:
            await self._failed(telling, error)
        finally:
            self._under_way.discard(telling.launch.launch_id)

    async def _tell(self, telling: Telling) -> None:
        launch = telling.launch
        card_ts = telling.card_ts or await self._post_card(telling)
        if card_ts is None or (telling.card_ts is None and not telling.lines):
            return
        if telling.card_ts is None and self._is_card_enough(telling):
            await self._lines_told(telling, telling.lines, card_ts, is_all=True)
            return
        is_update_due = telling.is_card_stale and telling.card_ts is not None
        is_pressed = len(self._under_way) >= self.pressed_from or self.thread.is_behind(launch.channel_id)
        for lines in [telling.lines] if is_pressed and telling.lines else [(line,) for line in telling.lines]:
            is_all = lines[-1] == telling.lines[-1] and not is_update_due
            if not await self._post_lines(telling, lines, card_ts, is_all=is_all):
                await self.store.telling_done(launch.launch_id, self.holder)
                return
        if is_update_due:
            await self._update_card(telling, card_ts)
        elif not telling.lines:
            await self.store.telling_done(launch.launch_id, self.holder)

    async def _update_card(self, telling: Telling, card_ts: str) -> None:
        """Unless another has taken this over; given back in any case."""
        asked_at = self.clock.now()
        if not await self._is_ours(telling):
            await self.store.telling_done(telling.launch.launch_id, self.holder)
            return
        self._refuse_overtaken(asked_at)
        await self.thread.update_card(telling.launch, telling.events, card_ts=card_ts)
        await self._card_told(telling, card_ts, is_all=True)

    def _is_card_enough(self, telling: Telling) -> bool:
        """Whether the card that was posted just now said it all: it is over, it went as it should, and Slack slows the channel down."""
        is_plain = all(line.event.kind in ON_THE_CARD for line in telling.lines)
        return telling.launch.state.is_final and is_plain and self.thread.is_behind(telling.launch.channel_id)

    async def _post_card(self, telling: Telling) -> str | None:
        """Post the card; None when somebody else took this over, or when Slack lost its answer, and the card with it.

        Called lost before it is posted: whoever is killed in between must not leave a card behind that is posted again.
        """
        launch = telling.launch
        if not await self.store.card_lost(launch.launch_id, version=launch.version, holder=self.holder):
            return None
        try:
            card_ts = await self.thread.post_card(launch, telling.events)
        except ThreadError as error:
            if not error.is_in_doubt:
                await kept(self.clock, launch.launch_id, partial(self.store.card_not_posted, launch.launch_id))
                raise
            _log.warning("card_lost", launch_id=launch.launch_id, error=error.code)
            await self._tell_without_card(telling, error.code)
            return None
        await self._card_told(telling, card_ts, is_all=not telling.lines)
        return card_ts

    async def _card_told(self, telling: Telling, card_ts: str, *, is_all: bool) -> None:
        """Record where the card stands; ``is_all``: and give the telling back. Without it the card would count as lost."""
        launch_id, done_by = telling.launch.launch_id, self.holder if is_all else None
        card_told = partial(self.store.card_told, ts=card_ts, version=telling.launch.version, done_by=done_by)
        await kept(self.clock, launch_id, partial(card_told, launch_id))

    async def _lines_told(self, telling: Telling, lines: Sequence[Line], ts: str, *, is_all: bool) -> None:
        """Record where lines stand, all of one message; ``is_all`` as for the card."""
        launch_id, ids, done_by = telling.launch.launch_id, [line.line_id for line in lines], self.holder if is_all else None
        await kept(
            self.clock, launch_id, partial(self.store.lines_told, launch_id, ids, ts=ts, at=self.clock.now(), done_by=done_by)
        )

    async def _post_lines(self, telling: Telling, lines: Sequence[Line], card_ts: str, *, is_all: bool) -> bool:
        """One message; whether the next may follow. Skipped before it is posted, unless it is the last: see *Why* above.

        ``is_all``: with it everything is told, and the telling given back.
        """
        launch, now = telling.launch, self.clock.now()
        is_urgent = launch.state.is_final or launch.state is State.IN_DOUBT
        is_last = is_urgent and lines[-1] == telling.lines[-1]
        if not await self._may_post(telling, lines, is_last=is_last):
            return False
        try:
            self._refuse_overtaken(now)
            ts = await self.thread.post_lines(launch, tuple(line.event for line in lines), card_ts=card_ts)
        except ThreadError as error:
            if error.is_in_doubt and not is_last:
                if is_all:
                    await self.store.telling_done(launch.launch_id, self.holder)
                return True
            if not is_last:
                await self._not_posted(lines)
            elif error.is_in_doubt:
                await self._only_last_again(lines)
            raise
        await self._lines_told(telling, lines, ts, is_all=is_all)
        return True

    async def _may_post(self, telling: Telling, lines: Sequence[Line], *, is_last: bool) -> bool:
        """Whether these lines are ours to post: a holder that was paused beyond its lease finds that another told them."""
        if is_last:
            return await self._is_ours(telling)
        now = self.clock.now()
        until = now + self._sure
        ours = [line for line in lines if await self._is_skipped(line, now, until)]
        if len(ours) == len(lines):
            return True
        await self._not_posted(ours)
        return False

    async def _is_skipped(self, line: Line, now: datetime, until: datetime) -> bool:
        """Waits for the database: those of one message that were skipped before it went away would be left out."""
        skip = partial(self.store.line_skipped, line.line_id, at=now, holder=self.holder, until=until)
        return await kept(self.clock, line.event.launch_id, skip)

    async def _not_posted(self, lines: Sequence[Line]) -> None:
        for line in lines:
            await kept(self.clock, line.event.launch_id, partial(self.store.line_not_posted, line.line_id))

    async def _only_last_again(self, lines: Sequence[Line]) -> None:
        """Of one message that may stand, only the last line is told again: the others must not stand twice."""
        for line in lines[:-1]:
            skip = partial(self.store.line_skipped, line.line_id, at=self.clock.now())
            await kept(self.clock, line.event.launch_id, skip)

    async def _is_ours(self, telling: Telling) -> bool:
        return await self.store.has_telling(telling.launch.launch_id, self.holder, until=self.clock.now() + self._sure)

    @property
    def _sure(self) -> timedelta:
        """How long we have, once the store said that a telling is ours, to hand it to Slack."""
        return self.lease / SURE_SHARE

    def _refuse_overtaken(self, asked_at: datetime) -> None:
        """A process that was paused since it asked whether this is its to tell may no longer be the one.

        Raises:
            ThreadError: so it is.
        """
        if self.clock.now() - asked_at >= self._sure:
            raise ThreadError("overtaken", retry_after_s=0.0)

    async def _failed(self, telling: Telling, error: ThreadError) -> None:
        launch = telling.launch
        _log.warning("not_told", launch_id=launch.launch_id, error=error.code, is_permanent=error.is_permanent)
        if error.is_permanent and not telling.is_card_lost and (launch.state.is_final or launch.state is State.IN_DOUBT):
            await self._tell_without_card(telling, error.code)
            return
        await self._put_off(telling, error.code, tell_again_s(error, telling.attempts))

    async def _tell_without_card(self, telling: Telling, why: str) -> None:
        """The channel cannot show the end: the requester learns it by direct message, the operators that it was so."""
        launch = telling.launch
        if launch.state is State.IN_DOUBT:
            await self._tell_doubt(telling, why)
            return
        if not launch.state.is_final:
            await self.store.telling_done(launch.launch_id, self.holder)
            return
        try:
            await self._tell_requester(telling)
            await self._tell_operators(telling, why)
        except ThreadError as error:
            _log.warning("end_not_told", launch_id=launch.launch_id, error=error.code)
            await self._put_off(telling, error.code, tell_again_s(error, telling.attempts))
            return
        self.doubts_told.discard(launch.launch_id)
        given_up = partial(self.store.telling_failed, launch.launch_id, retry_at=None, error=why, holder=self.holder)
        await kept(self.clock, launch.launch_id, given_up)

    async def _tell_doubt(self, telling: Telling, why: str) -> None:
        """Not to launch again is urgent: the requester is told once, and the end is still to come."""
        launch_id = telling.launch.launch_id
        if launch_id not in self.doubts_told:
            try:
                await self._post_doubt(telling)
            except ThreadError as error:
                _log.warning("doubt_not_told", launch_id=launch_id, error=error.code)
                if not error.is_permanent:
                    await self._put_off(telling, error.code, tell_again_s(error, telling.attempts))
                    return
            self.doubts_told.add(launch_id)
        await self._put_off(telling, why, TELL_AGAIN_MOST_S)

    async def _post_doubt(self, telling: Telling) -> None:
        """Once, whichever replica has the telling next; a start that is sent anew has a doubt of its own."""
        launch = telling.launch
        telling_it = self.thread.post_direct(launch, telling.events)
        if self.once is None:
            await telling_it
        else:
            await self.once.tell(f"doubt {launch.launch_id} {launch.attempts}", telling_it)

    async def _tell_requester(self, telling: Telling) -> None:
        """The end, once: also where the operators could not be told after it, and all of this is taken up again.

        Raises:
            ThreadError: Slack does not take it now.
        """
        launch_id = telling.launch.launch_id
        post = self.thread.post_direct(telling.launch, telling.events)
        try:
            await self._once.tell(f"end {launch_id}", post, is_rather_twice=True)
        except ThreadError as error:
            if not error.is_permanent:
                raise
            _log.exception("requester_not_told", launch_id=launch_id, error=error.code)

    async def _tell_operators(self, telling: Telling, why: str) -> None:
        """Before the telling is given up, so that whoever is killed in between leaves it to the next.

        Raises:
            ThreadError: Slack does not take it now.
        """
        launch_id = telling.launch.launch_id
        tell = self.thread.tell_operators(notices.say_not_shown(telling.launch, why))
        try:
            await self._once.tell(f"end not shown {launch_id}", tell, is_rather_twice=True)
        except ThreadError as error:
            if not error.is_permanent:
                raise
            _log.error("operators_not_told", launch_id=launch_id, error=error.code)

    @property
    def _once(self) -> Once:
        """What notes whom we told the end."""
        return self.once or Once(store=self.store, clock=self.clock, holder=self.holder)

    async def _put_off(self, telling: Telling, code: str, wait_s: float) -> None:
        retry_at = self.clock.now() + timedelta(seconds=wait_s)
        await self.store.telling_failed(telling.launch.launch_id, retry_at=retry_at, error=code, holder=self.holder)
