"""The doors outward, as Protocols: Store, Wire, Definitions, Thread, Directory, Clock.

Why six and not the four of the first sketch: what Slack *shows* (Thread) and what Slack *knows* (Directory) fail differently: a line
that could not be shown is shown later, a fact that could not be learnt denies. Definitions hides where a workflow's inputs come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from bot.domain.model import Channel, Connection, Delivery, Event, Launch, Person, Workflow
from bot.domain.provider import Exchange, Unreachable
from bot.surfaces.words import Say

A = TypeVar("A")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thread line that Slack has yet to be told: the event it tells, and the outbox row's id."""

    line_id: int
    event: Event


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What Slack has yet to be told about one launch.

    ``card_ts`` is None while the card is not posted. ``told_version`` is the launch version that the card shows (0: none).
    ``lines`` are in order. ``attempts`` counts failures in a row. ``events`` are all events of the launch, in order.
    """

    launch: Launch
    events: tuple[Event, ...]
    card_ts: str | None
    told_version: int
    lines: tuple[Line, ...]
    attempts: int


class Store(Protocol):
    """Durable memory. Every method is one transaction; times are UTC.

    ``save`` and ``create`` write the launch, append the event, queue its thread line and mark the card as stale together.
    """

    async def record_delivery(self, delivery: Delivery) -> bool:
        """Keep a delivery before it is acknowledged; False when one with this key is already kept."""
        ...

    async def finish_delivery(self, key: str, at: datetime) -> None:
        """Mark a delivery's work as done, so that no restart takes it up again."""
        ...

    async def unfinished_deliveries(self, *, received_after: datetime, limit: int) -> list[Delivery]:
        """Deliveries acknowledged but not finished, oldest first: the work of a bot that was killed."""
        ...

    async def create(self, launch: Launch, event: Event, *, delivery_key: str) -> Launch | None:
        """Keep a new launch, its first event, its card, and finish its delivery.

        Returns:
            None when kept; the launch that this delivery already caused, if there is one (then nothing is written).

        Raises:
            LaunchIdTakenError: another launch has this id (draw a new one).
        """
        ...

    async def launch(self, launch_id: str) -> Launch | None:
        """One launch by its id."""
        ...

    async def events(self, launch_id: str) -> tuple[Event, ...]:
        """All events of a launch, in order."""
        ...

    async def recent(self, *, channel_id: str, limit: int) -> list[Launch]:
        """The newest launches of one channel, newest first."""
        ...

    async def lease_due(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Launch]:
        """Claim up to ``limit`` launches that are due and that nobody else holds, most overdue first."""
        ...

    async def save(self, launch: Launch, event: Event | None, *, has_line: bool = False, keep_lease: bool = False) -> bool:
        """Write a changed launch, guarded by its version, and append ``event`` if there is one.

        ``launch.version`` is the version that was read; the stored one is one higher afterwards.
        ``has_line``: the event gets a thread line. Gives the lease back unless ``keep_lease``.

        Returns:
            False when somebody else changed the launch in between: nothing is written, read again.
        """
        ...

    async def release(self, launch_id: str, holder: str) -> None:
        """Give a lease back unchanged (the bot stops before it acted)."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next launch is due that nobody holds."""
        ...

    async def lease_tellings(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Telling]:
        """Claim launches whose card or thread is behind: final ones first, then the longest waiting."""
        ...

    async def card_told(self, launch_id: str, *, ts: str, version: int) -> None:
        """The card stands at ``ts`` and shows ``version``."""
        ...

    async def line_told(self, line_id: int, *, ts: str, at: datetime) -> None:
        """A thread line stands at ``ts``."""
        ...

    async def telling_done(self, launch_id: str, holder: str) -> None:
        """Give a telling back after all of it was told."""
        ...

    async def telling_failed(self, launch_id: str, *, retry_at: datetime | None, error: str) -> None:
        """Try again at ``retry_at``; None: Slack will never take it (the reason is kept)."""
        ...

    async def next_telling(self) -> datetime | None:
        """When the next telling is due that nobody holds."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


class Wire(Protocol):
    """Carries exchanges to providers."""

    async def perform(self, connection: str, exchange: Exchange[A]) -> A | Unreachable:
        """Drive an exchange to its answer over the named connection. Never raises on what a network or a provider does."""
        ...


@dataclass(frozen=True, kw_only=True)
class Found:
    """A workflow, by id or name, with what is known of its inputs. ``candidates`` are set when a name fits several."""

    workflow: Workflow | None
    candidates: tuple[Workflow, ...] = ()
    known: tuple[Workflow, ...] = ()


class Definitions(Protocol):
    """Which workflows a connection has and which inputs they take: configuration first, then the provider's own answers."""

    async def known(self, connection: Connection) -> tuple[Workflow, ...]:
        """Every workflow that is known, with or without inputs.

        Raises:
            LookupFailedError: nothing is configured and the provider did not answer.
        """
        ...

    async def find(self, connection: Connection, typed: str) -> Found:
        """The workflow that ``typed`` (an id or a name) means.

        Raises:
            LookupFailedError: it is not configured and the provider did not answer.
        """
        ...

    async def described(self, connection: Connection, workflow: Workflow) -> Workflow:
        """``workflow`` with its inputs.

        Raises:
            LookupFailedError: its inputs are not configured and the provider does not tell them (now, or at all).
        """
        ...


class Thread(Protocol):
    """What Slack shows. Raises ``ThreadError`` where Slack refuses or does not answer."""

    async def post_card(self, launch: Launch, events: tuple[Event, ...]) -> str:
        """Post the card; its ``ts``."""
        ...

    async def update_card(self, launch: Launch, events: tuple[Event, ...], *, card_ts: str) -> None:
        """Show the newest state on the card."""
        ...

    async def post_line(self, launch: Launch, event: Event, *, card_ts: str) -> str:
        """Add one line to the thread; its ``ts``."""
        ...

    async def answer(self, delivery: Delivery, say: Say) -> None:
        """Tell one person, there where they asked, so that only they see it."""
        ...


class Directory(Protocol):
    """What Slack knows. Raises ``LookupFailedError`` where Slack does not tell: then the decision denies."""

    async def person(self, user_id: str) -> Person:
        """Who this is."""
        ...

    async def channel(self, channel_id: str) -> Channel:
        """What kind of channel this is."""
        ...

    async def group_members(self, group_id: str) -> frozenset[str]:
        """The user ids in a user group."""
        ...


class Clock(Protocol):
    """The only source of time and chance."""

    def now(self) -> datetime:
        """Now, in UTC."""
        ...

    def jitter(self) -> float:
        """A number from 0 up to 1, drawn evenly."""
        ...

    def new_launch_id(self) -> str:
        """A short, speakable id such as ``L-7K3QW``; not yet known to be free."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

