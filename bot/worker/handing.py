"""Hands a launch that was just asked for to the loop that starts it: no claim, no look for what is due, no turn behind others.

What a claim stands for stays true: the launch's row is ours from its first moment, in the transaction that keeps it, so that nobody
else starts it while we live, and somebody does where we die. And what is in flight stays bounded: without room, or where it has
to wait for people, it is found when due, like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.errors import UnreadableRowError
from bot.domain.model import Launch, State
from bot.worker.launches import LaunchWork
from bot.worker.loop import Loop


@dataclass(frozen=True, kw_only=True)
class Place:
    """Room for one launch that is about to be kept as ours until ``until``. One of the three ends it."""

    launch: Launch
    holder: str
    until: datetime
    _hand: Hand

    def begin(self) -> None:
        """It is kept: start it."""
        self._hand.begin(self.launch)

    def leave(self) -> None:
        """It is not kept."""
        self._hand.leave(self.launch)

    def doubt(self) -> None:
        """Nobody answered whether it is kept: it would be ours, and at rest, as long as we live, so let go of it."""
        self._hand.doubt(self.launch)


@dataclass(frozen=True, kw_only=True)
class Hand:
    """Gives launches to ``loop``, whose work is ``work``. ``shown`` wakes the loops that show what was asked for."""

    work: LaunchWork
    loop: Loop[Launch]
    shown: Callable[[], None]

    def place(self, launch: Launch) -> Place | None:
        """Room for ``launch``, which is to be kept as it is in the place; None where it is to be found when due."""
        work = self.work
        if work.stored is None or launch.state is not State.QUEUED or not work.has_room(launch.connection):
            return None
        try:
            stored = work.stored(launch)
        except UnreadableRowError:  # as nobody will be able to read it either: the claim sets it aside
            return None
        if not self.loop.promise():
            return None
        work.enter(launch.connection)
        return Place(launch=stored, holder=work.holder, until=work.clock.now() + work.lease, _hand=self)

    def begin(self, launch: Launch) -> None:
        """Start it; those who show it come after it."""
        if not self.loop.offer(launch):
            self.work.left(launch.connection)
        self.shown()

    def leave(self, launch: Launch) -> None:
        """The room is free again."""
        self.work.left(launch.connection)
        self.loop.withdraw()

    def doubt(self, launch: Launch) -> None:
        """The room is free again, and nobody holds the launch, should it be there."""
        self.work.left(launch.connection)
        self.loop.let_go(launch)
