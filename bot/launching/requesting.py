"""A wish that policy allows becomes a launch, in one transaction with the decision that allowed it.

Why limits are counted once more as it is kept: two people who ask at the same moment must not both be the last one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.errors import LaunchIdTakenError, LimitReachedError
from bot.domain.model import Delivery, Event, EventKind, Launch, Reason
from bot.launching.binding import Binding
from bot.launching.outcomes import Launched, Refusal
from bot.launching.wishing import Read, Wishing
from bot.ports import Store
from bot.surfaces.cards import has_line
from bot.surfaces.command_text import LaunchText

DRAWS_OF_AN_ID = 20


class Place(Protocol):
    """Room with whoever starts launches, for one that is about to be kept as theirs. One of its three methods ends it."""

    @property
    def launch(self) -> Launch:
        """The launch, as it is to be kept."""
        ...

    @property
    def holder(self) -> str:
        """Whose it is to be."""
        ...

    @property
    def until(self) -> datetime:
        """How long, unless that is renewed."""
        ...

    def begin(self) -> None:
        """It is kept: start it, and show it."""
        ...

    def leave(self) -> None:
        """It is not kept."""
        ...

    def doubt(self) -> None:
        """Nobody knows whether it is kept."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What is to become a launch, and the address of a message that it is about."""

    delivery: Delivery
    read: Read
    about: str


@dataclass(frozen=True, kw_only=True)
class Requesting:
    """Turns typed wishes into launches. ``ring`` wakes the worker.

    ``place`` asks for room with the worker; what finds none is found by it when due.
    """

    store: Store
    wishing: Wishing
    binding: Binding
    ring: Callable[[], None]
    place: Callable[[Launch], Place | None] = lambda _: None

    async def request(self, delivery: Delivery, typed: LaunchText, *, about: str = "") -> Launched | Refusal:
        """Launch what was typed, or say everything that stands in its way. Nothing is sent to a provider from here.

        ``about``: the address of a message that it is about, which the launch's thread names.
        """
        read = await self.wishing.read(delivery, typed)
        if isinstance(read, Refusal):
            # A bot that died once it was kept, or lost the database's answer, reads it again: a rule may count it by then.
            before = await self.store.caused_by(delivery.key)
            return read if before is None else Launched(launch=before, is_repeated=True)
        try:
            return await self._created(_Wanted(delivery=delivery, read=read, about=about))
        except LimitReachedError as error:
            facts = {"most": str(error.most), "count": str(error.count)}
            return Refusal(reasons=(Reason(code=error.code, facts=facts, source="our own record"),))

    async def _created(self, wanted: _Wanted) -> Launched:
        """Keep the launch under an id that is free; a delivery that caused one before causes no second.

        Raises:
            LimitReachedError: somebody else was quicker, and the grant allows no more.
        """
        for _ in range(DRAWS_OF_AN_ID):
            launch = await self.binding.new_launch(wanted.delivery, wanted.read)
            try:
                return await self._handed(wanted, launch)
            except LaunchIdTakenError:
                continue
        raise LaunchIdTakenError(f"no free launch id in {DRAWS_OF_AN_ID} draws")

    async def _handed(self, wanted: _Wanted, launch: Launch) -> Launched:
        """Keep the launch, and hand it over where there is room for it."""
        place = self.place(launch)
        if place is None:
            before = await self._create(wanted, launch)
            self.ring()
            return Launched(launch=before or launch, is_repeated=before is not None)
        try:
            before = await self._create(wanted, place.launch, place)
        except (LaunchIdTakenError, LimitReachedError):
            place.leave()
            raise
        except BaseException:
            place.doubt()
            raise
        if before is None:
            place.begin()
            return Launched(launch=place.launch, is_repeated=False)
        place.leave()
        self.ring()
        return Launched(launch=before, is_repeated=True)

    async def _create(self, wanted: _Wanted, launch: Launch, place: Place | None = None) -> Launch | None:
        delivery, ruling = wanted.delivery, wanted.read.ruling
        more = {
            **({"needs_approval": True} if launch.approval else {}),
            **({"about": wanted.about} if wanted.about else {}),
        }
        event = Event(
            launch_id=launch.launch_id,
            kind=EventKind.REQUESTED,
            at=launch.created_at,
            actor=delivery.user_id,
            facts={"inputs": dict(wanted.read.inputs), **more},
        )
        return await self.store.create(
            launch,
            event,
            delivery_key=delivery.key,
            decision=ruling.kept(door=delivery.kind, launch_id=launch.launch_id),
            limits=ruling.grant.limits,
            has_line=has_line(event),
            holder=place.holder if place else None,
            until=place.until if place else None,
        )
