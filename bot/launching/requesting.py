"""A wish that policy allows becomes a launch, in one transaction with the decision that allowed it.

Why limits are counted once more as it is kept: two people who ask at the same moment must not both be the last one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.errors import LaunchIdTakenError, LimitReachedError
from bot.domain.model import Delivery, Event, EventKind, Launch, Reason
from bot.launching.binding import Binding
from bot.launching.outcomes import Launched, Refusal
from bot.launching.wishing import Read, Wishing
from bot.ports import Store
from bot.surfaces.cards import has_line
from bot.surfaces.command_text import LaunchText

DRAWS_OF_AN_ID = 20


@dataclass(frozen=True, kw_only=True)
class Requesting:
    """Turns typed wishes into launches. ``ring`` wakes the worker."""

    store: Store
    wishing: Wishing
    binding: Binding
    ring: Callable[[], None]

    async def request(self, delivery: Delivery, typed: LaunchText, *, about: str = "") -> Launched | Refusal:
        """Launch what was typed, or say everything that stands in its way. Nothing is sent to a provider from here.

        ``about``: the address of a message that it is about, which the launch's thread names.
        """
        read = await self.wishing.read(delivery, typed)
        if isinstance(read, Refusal):
            return read
        try:
            return await self._created(delivery, read, about)
        except LimitReachedError as error:
            facts = {"most": str(error.most), "count": str(error.count)}
            return Refusal(reasons=(Reason(code=error.code, facts=facts, source="our own record"),))

    async def _created(self, delivery: Delivery, read: Read, about: str) -> Launched:
        """Keep the launch under an id that is free; a delivery that caused one before causes no second.

        Raises:
            LimitReachedError: somebody else was quicker, and the grant allows no more.
        """
        for _ in range(DRAWS_OF_AN_ID):
            launch = await self.binding.new_launch(delivery, read)
            try:
                before = await self._create(delivery, read, launch, about)
            except LaunchIdTakenError:
                continue
            self.ring()
            return Launched(launch=before or launch, is_repeated=before is not None)
        raise LaunchIdTakenError(f"no free launch id in {DRAWS_OF_AN_ID} draws")

    async def _create(self, delivery: Delivery, read: Read, launch: Launch, about: str) -> Launch | None:
        more = {**({"needs_approval": True} if launch.approval else {}), **({"about": about} if about else {})}
        event = Event(
            launch_id=launch.launch_id,
            kind=EventKind.REQUESTED,
            at=launch.created_at,
            actor=delivery.user_id,
            facts={"inputs": dict(read.inputs), **more},
        )
        record = read.ruling.kept(door=delivery.kind, launch_id=launch.launch_id)
        limits = read.ruling.grant.limits
        return await self.store.create(
            launch, event, delivery_key=delivery.key, decision=record, limits=limits, has_line=has_line(event)
        )
