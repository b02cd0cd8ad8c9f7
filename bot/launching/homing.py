"""The App Home of one person, composed of what holds now: what waits for them, what they launched, what they may launch where.

Why remembered lookups do: nothing is decided by what a Home shows. Whoever presses one of its buttons is looked up anew, by the
same use case as on the card.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.domain.approval_terms import terms_of
from bot.domain.approvals import deciders, entitlement, standing_yeses
from bot.domain.errors import LookupFailedError, UnreadableRowError
from bot.domain.model import Channel, Delivery, Event, Launch, Person, Reason
from bot.domain.policy import Asker, is_among, person_reasons
from bot.domain.provider import Provider
from bot.launching.judging import Judge, lookup_reason
from bot.launching.placing import AGAIN_AFTER, Placing
from bot.launching.sparing import SparingDirectory
from bot.ports import Clock, Directory, Home, HomeView, Store
from bot.surfaces.home import Waiting, home
from bot.surfaces.home_notices import closed_home, with_troubles

MOST_LOOKED_AT = 200
MOST_OWN = 50
LOOKED_AT_LATELY = timedelta(hours=1)
AGAIN_UNSEEN_AFTER = timedelta(minutes=15)


@dataclass(kw_only=True)
class _Waits:
    """What waits for somebody; ``again_at``: when something else may, by the time alone."""

    found: list[Waiting] = field(default_factory=list[Waiting])
    troubles: list[str] = field(default_factory=list[str])
    again_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Homing:
    """Composes Homes. ``ring`` wakes the worker, which publishes them."""

    store: Store
    directory: Directory
    judge: Judge
    placing: Placing
    clock: Clock
    providers: Mapping[str, Provider]
    command: str
    ring: Callable[[], None]

    async def opened(self, delivery: Delivery) -> None:
        """This person looks at their Home: from now on it is kept current."""
        await self.store.home_opened(delivery.user_id, delivery.team_id, at=self.clock.now())
        self.ring()

    async def home_of(self, home: Home) -> HomeView:
        """The view of one person. What Slack or a provider does not tell is named in it, and looked up again later."""
        directory = SparingDirectory(directory=self.directory)
        try:
            person = await directory.person(home.user_id)
        except LookupFailedError as error:
            return HomeView(view=self._closed((lookup_reason(error),)), again_at=self._later(home))
        refusals = person_reasons(person)
        if refusals:
            return HomeView(view=self._closed(refusals))
        return await self._open(home, person, directory)

    async def _open(self, asked: Home, person: Person, directory: SparingDirectory) -> HomeView:
        waits = await self._waits(asked, person, directory)
        own = await self.store.requested_by(person.user_id, limit=MOST_OWN)
        places = await self.placing.places(asked, person, directory)
        mine = [launch for launch in own if launch.team_id == asked.team_id]
        view = home(waits.found, mine, places.found, command=self.command)
        troubles = list(dict.fromkeys([*waits.troubles, *places.troubles]))
        times = [at for at in (waits.again_at, self._later(asked) if troubles else None) if at is not None]
        return HomeView(view=with_troubles(view, troubles), again_at=min(times, default=None))

    async def _waits(self, home: Home, person: Person, directory: SparingDirectory) -> _Waits:
        """What this person may decide on now, and has not decided on yet; those that wait longest."""
        now, waits = self.clock.now(), _Waits()
        launches = await self.store.awaiting(limit=MOST_LOOKED_AT)
        if len(launches) == MOST_LOOKED_AT:
            waits.troubles.append(f"only the {MOST_LOOKED_AT} launches that wait longest were looked at")
        asker = await self._asker(person, launches, directory)
        for launch in launches:
            terms = terms_of(launch)
            is_named = is_among((*terms.approvers, *terms.escalate_to), asker) is not False
            if launch.team_id == home.team_id and now < terms.expires_at and is_named:
                await self._add(waits, launch, asker, now)
        return waits

    async def _asker(self, person: Person, launches: Sequence[Launch], directory: SparingDirectory) -> Asker:
        """This person, with their membership in every group that may decide on any of these launches."""
        judge = replace(self.judge, directory=directory)
        groups = sorted({group for launch in launches for group in deciders(launch)})
        answers = await asyncio.gather(*(judge.is_in(group, person.user_id) for group in groups))
        nowhere = Channel(channel_id="", name="App Home", is_member=True)
        return Asker(person=person, channel=nowhere, memberships=dict(zip(groups, answers, strict=True)))

    async def _add(self, waits: _Waits, launch: Launch, asker: Asker, now: datetime) -> None:
        try:
            events = await self.store.events(launch.launch_id)
        except UnreadableRowError:
            waits.troubles.append(f"what happened to {launch.launch_id} cannot be read")
            return
        found = entitlement(launch, events, asker, now)
        if isinstance(found, str):
            if not _has_decided(launch, events, asker):
                waits.found.append(Waiting(launch=launch, events=events, provider_title=self._title(launch)))
        else:
            _note(waits, launch, found)

    def _title(self, launch: Launch) -> str:
        provider = self.providers.get(launch.provider)
        return provider.title if provider is not None else launch.provider

    def _closed(self, reasons: Sequence[Reason]) -> dict[str, object]:
        return closed_home(reasons, command=self.command)

    def _later(self, home: Home) -> datetime:
        """When to look again: soon while somebody may be looking at it."""
        now = self.clock.now()
        return now + (AGAIN_AFTER if now - home.opened_at < LOOKED_AT_LATELY else AGAIN_UNSEEN_AFTER)


def _has_decided(launch: Launch, events: Sequence[Event], asker: Asker) -> bool:
    return any(yes.approver == asker.person.user_id for yes in standing_yeses(events, launch.digest))


def _note(waits: _Waits, launch: Launch, reasons: Sequence[Reason]) -> None:
    """Why somebody may not decide now: because that was not told, or not before a time."""
    for reason in reasons:
        if reason.code == "lookup_failed":
            waits.troubles.append(f"{reason.facts.get('subject', 'a fact')}: {reason.facts.get('cause', 'not told')}")
        elif reason.code == "approval_cool_down":
            until = terms_of(launch).cool_down_until
            waits.again_at = min((at for at in (waits.again_at, until) if at is not None), default=None)
