"""The doors outward, as Protocols: Store, Wire, Definitions, Thread, Directory, Clock.

Why six and not the four of the first sketch: what Slack *shows* (Thread) and what Slack *knows* (Directory) fail
differently: a line
that could not be shown is shown later, a fact that could not be learnt denies. Definitions hides where a workflow's inputs
come from.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Protocol, TypeAlias, TypeVar

from bot.domain.grants import Limits
from bot.domain.holdings import Holding, Mirror
from bot.domain.model import Channel, Connection, Delivery, Event, Launch, Person, Reason, Workflow
from bot.domain.policy import Usage
from bot.domain.provider import Exchange, Unreachable
from bot.domain.reactions import Reaction
from bot.domain.records import Record
from bot.surfaces.say import Say

A = TypeVar("A")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thread line that Slack has yet to be told: the event it tells, and the outbox row's id."""

    line_id: int
    event: Event


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What Slack has yet to be told about one launch.

    ``card_ts`` is None while the card is not posted. ``told_version`` is the launch version that the card shows (0: none);
    ``is_card_stale``: something happened since. ``is_card_lost``: where it stands is not known.
    ``lines`` are in order. ``attempts`` counts failures in a row. ``events`` are all events of the launch, in order.
    """

    launch: Launch
    events: tuple[Event, ...]
    card_ts: str | None
    told_version: int
    is_card_stale: bool
    is_card_lost: bool
    lines: tuple[Line, ...]
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Note:
    """A row that was set aside, in a line for operators: which and why, never what it holds."""

    note_id: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Home:
    """One person's App Home that is to be shown anew.

    ``shown`` is the mark of the view that Slack has, as ``home_shown`` kept it; empty once it was opened. ``attempts`` counts
    failures in a row.
    """

    user_id: str
    team_id: str
    opened_at: datetime
    shown: str = ""
    attempts: int = 0


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One process of the bot that uses this store: who it is, and which version of the program."""

    holder: str
    version: str


class Claimed(Enum):
    """What became of a claim: it is ours to do, somebody has done it, or somebody is at it."""

    OURS = auto()
    DONE = auto()
    HELD = auto()


class Store(Protocol):
    """Durable memory. Every method is one transaction; times are UTC and come in as arguments: a store reads no clock.

    ``save`` and ``create`` write the launch, append the event, queue its thread line and mark the card as stale together.
    A row that cannot be read is left out of every list and named in the log (``row_unreadable``); asked for by its id it is an
    error. One that was to be leased is set aside in the same transaction, so that it is not met again, and noted for
    ``set_aside``: a launch is no longer due, a card is given up, a delivery finished. Repaired by hand, it works again once
    that is undone: a launch has a ``due_at``, a card a ``due_at`` and ``gave_up`` 0, a delivery no ``finished_at``.
    Nothing of ``Delivery.reply_url`` is ever stored.

    A lease belongs to a holder until a time. Lapsed, it may be taken by another; until then its holder may still write.
    Its own holder, who may still be at work, gets it again only once it was given back.

    Raises:
        StoreUnavailableError: (every method) the database is locked for long, or its disk full: nothing was written.
        UnreadableRowError: (``create``, ``delivery``, ``launch``, ``events``, ``first_name``) the one row that was asked for
            cannot be read.
    """

    async def delivery(self, key: str) -> Delivery | None:
        """A kept delivery by its key, finished or not.

        None for one that ``create`` kept unrecorded, and for one that has caused its launch: what was typed is in the launch.
        """
        ...

    async def lease_deliveries(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Delivery]:
        """Claim unfinished deliveries that nobody holds (any more): the work of a bot that was killed. Oldest first."""
        ...

    async def next_delivery(self) -> datetime | None:
        """When the earliest lease of an unfinished delivery lapses (one that nobody holds: when it came); None: never yet."""
        ...

    async def bound_runs(self, connection: str, run_ids: frozenset[str]) -> frozenset[str]:
        """Those of ``run_ids`` that some launch over this connection already owns, in whatever state it is."""
        ...

    async def has_rivals(self, launch: Launch, *, within: timedelta) -> bool:
        """Whether another launch of the same workflow and connection is STARTING or IN_DOUBT, sent within that time of it.

        A launch that was never sent has none.
        """
        ...

    async def card_lost(self, launch_id: str, *, version: int, holder: str | None = None) -> bool:
        """The card may have been posted, but where it stands is not known: it is never posted again.

        It counts as told up to ``version`` (what the post would have shown); its thread lines stay untold. From now on the
        launch is due for telling only while it is final, until ``telling_failed`` gives it up: then the requester was told
        directly. Kept also when the lease has lapsed; nothing happens once the card stands somewhere. ``card_told`` finds it.
        ``holder``: only while this holder still has the telling, and nobody called it lost before: for whoever is about to post.

        Returns:
            Whether it was kept; whoever is about to post must not, otherwise.
        """
        ...

    async def has_telling(self, launch_id: str, holder: str, *, until: datetime | None = None) -> bool:
        """Whether nobody took this launch's telling over since ``holder`` claimed it; ``until``: and nobody can before then."""
        ...

    async def card_not_posted(self, launch_id: str) -> None:
        """Slack certainly refused the post of a card that was called lost beforehand: it is to be posted."""
        ...

    async def line_not_posted(self, line_id: int) -> None:
        """Slack certainly refused a line that was skipped beforehand: it is to be told, unless a later one stands by now."""
        ...

    async def card_found(self, launch_id: str, ts: str) -> None:
        """The lost card stands at ``ts``: it, and what its thread lacks, is due again at once, also when it was given up.

        A lease on its telling ends, so that nobody who just tells the requester instead gives it up afterwards.
        Nothing happens for any other card.
        """
        ...

    async def set_aside(self) -> list[Note]:
        """Rows that cannot be read, were set aside, and that operators were not told of yet, oldest first.

        Each is a line: ``launch L-7K3QW: cannot be read (JSONDecodeError)``. It is given out until ``set_aside_told``.
        """
        ...

    async def set_aside_told(self, note_ids: Sequence[int]) -> None:
        """Operators were told of these, or never will be: they are not given out any more."""
        ...

    async def record_delivery(self, delivery: Delivery, *, holder: str = "", until: datetime | None = None) -> bool:
        """Keep a delivery before it is acknowledged, its work leased to ``holder`` until then (None: to nobody).

        Returns:
            False when its key is kept already, finished or not: nothing changes.

        Raises:
            StoreUnavailableError: not kept; or, where it says ``may_be_kept``, perhaps. Then it is disowned by ``renew_leases``.
        """
        ...

    async def finish_delivery(self, key: str, at: datetime) -> None:
        """Mark a delivery's work as done, so that no restart takes it up again. The first time stands."""
        ...

    async def create(
        self,
        launch: Launch,
        event: Event,
        *,
        delivery_key: str,
        decision: Record | None = None,
        limits: Limits | None = None,
        has_line: bool = False,
        holder: str | None = None,
        until: datetime | None = None,
    ) -> Launch | None:
        """Keep a new launch, its first event, its card, and finish its delivery. ``has_line``: the event gets a thread line.

        ``holder``: it is this holder's from its first moment, until then, as if it had been claimed; else it is free.

        The card is due from ``event.at``. A delivery that was never recorded is kept, finished, so that its copies cause nothing.
        ``decision`` is what allowed it, kept with it, under this launch's id. ``limits`` are counted in the same transaction, so
        that two requests at once cannot both be the last one: over ``Launch.quota_key`` in ``Launch.channel_id``, as ``usage``
        counts at ``Launch.created_at``; the hour first.

        Returns:
            None when kept; the launch that this delivery already caused, if there is one: nothing is written, no limit counted.

        Raises:
            LaunchIdTakenError: another launch has this id (draw a new one).
            LimitReachedError: ``limits`` allow no more; nothing is written.
        """
        ...

    async def caused_by(self, delivery_key: str) -> Launch | None:
        """The launch that a delivery has caused already (``create`` with its key), if there is one."""
        ...

    async def usage(self, channel_id: str, *, now: datetime) -> Mapping[str, Usage]:
        """What was launched in a channel, by ``Launch.quota_key``: asked for within the hour before ``now``, and not over yet.

        A launch that ended before anything was sent (rejected, expired, cancelled, refused) is not counted in the hour; one that
        was asked for exactly an hour ago no longer is. A key that counts nothing is left out. Rows that cannot be read count.
        """
        ...

    async def record_decision(self, decision: Record) -> None:
        """Keep a decision that caused no launch (``create`` keeps those that did). ``Record.seq`` is given by the store."""
        ...

    async def decisions(self, *, since: datetime, after: int = 0, limit: int = 500) -> list[Record]:
        """Decisions from ``since`` on whose ``seq`` is above ``after``, in the order in which they were kept.

        Fewer than ``limit`` are the last ones: to go on, ask again with ``after`` the ``seq`` of the last.
        """
        ...

    async def mirror(self, connection: str) -> Mirror:
        """What is known of a connection's credential, lapsed or not; nothing of one that was never asked about."""
        ...

    async def keep_mirror(self, connection: str, holdings: Sequence[Holding], *, identity: str | None = None) -> None:
        """Keep these holdings in place of those of the same scope and workflow, all or none; others stay.

        ``identity``: whose credential it is; None leaves what was known.
        """
        ...

    async def first_name(self, connection: str, workflow_id: str, name: str, *, at: datetime) -> str:
        """The name under which this workflow was first seen; ``name`` is kept as that, for good, when it never was.

        Where the kept name cannot be read, nobody may take another for it: an error.
        """
        ...

    async def awaiting(self, *, limit: int) -> list[Launch]:
        """Launches that wait for approval, in every channel, those asked for longest ago first."""
        ...

    async def requested_by(self, user_id: str, *, limit: int) -> list[Launch]:
        """The newest launches that one person asked for, in every channel, newest first (as ``recent``)."""
        ...

    async def last_success(self, connection: str, workflow_id: str) -> Launch | None:
        """The launch of this workflow that succeeded last (by ``updated_at``), whoever asked for it, and where."""
        ...

    async def launch(self, launch_id: str) -> Launch | None:
        """One launch by its id."""
        ...

    async def events(self, launch_id: str) -> tuple[Event, ...]:
        """All events of a launch, in order."""
        ...

    async def recent(self, *, channel_id: str, limit: int) -> list[Launch]:
        """The newest launches of one channel, newest first (by ``created_at``, then by id)."""
        ...

    async def lease_due(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Launch]:
        """Claim up to ``limit`` launches with ``due_at <= now`` that nobody holds (any more), most overdue first.

        Each comes with its new version: a lease raises it, so that whoever held a lapsed lease can no longer save.
        A launch whose ``due_at`` is None is never claimed, not even after a crash: keep one while there is something to do.
        """
        ...

    async def save(
        self,
        launch: Launch,
        event: Event | None,
        *,
        has_line: bool = False,
        keep_lease: bool = False,
        holder: str | None = None,
        delivery_key: str | None = None,
        took_s: float | None = None,
        until: datetime | None = None,
    ) -> bool:
        """Write a changed launch, guarded by its version, and append ``event`` if there is one.

        ``launch.version`` is the version that was read; the stored one is one higher afterwards. The store gives ``Event.seq``.
        ``has_line``: the event gets a thread line. Gives the lease back unless ``keep_lease``: whoever is not the holder
        (a cancel) passes ``keep_lease=True``, or the launch is free while its holder is still at work.
        ``holder``: write only while this holder still has the lease; for whoever read the launch again after losing a race.
        ``until``: a lease that ``holder`` keeps holds until then, at least: for whoever is about to send what must go out once.
        ``delivery_key``: the delivery that caused this change (a cancel, a doubt settled by button) is finished with it, at the
        same time; where nothing is written it stays unfinished.
        ``took_s``: the run is over, and took that many seconds: ``durations`` tells it from then on.
        An event, or a changed state, makes the card stale from ``event.at`` (``updated_at``) on; any other change does not.

        Returns:
            False when somebody else changed the launch in between, or owns the run that it adopts: nothing is written, read again.
        """
        ...

    async def release(self, launch_id: str, holder: str) -> None:
        """Give a lease back unchanged (the bot stops before it acted); nothing happens when ``holder`` no longer has it."""
        ...

    async def renew_leases(self, *, holder: str, until: datetime) -> None:
        """Keep every lease of ``holder``, on launches, tellings and deliveries, until then: it is alive and still at work.

        Versions stay; a lease that somebody else has taken stays theirs; a renewal never shortens. What a claim may have taken
        whose answer was lost is given back; a delivery that was refused and may be kept is finished, so that nobody carries it
        out (an event, which Slack brings again, is given back).
        """
        ...

    async def next_due(self) -> datetime | None:
        """When ``lease_due`` may next have something: a free launch is due, or a held one's lease lapses; None: never yet."""
        ...

    async def next_by_connection(self, *, is_tracked: bool, now: datetime) -> Mapping[str, datetime]:
        """When ``lease_of`` may next have something, by the name of the connection; one that never will yet is left out.

        Every lease that has lapsed by ``now`` is reckoned with, and the first that will: when it has, ask again.
        """
        ...

    async def lease_of(
        self,
        connection: str,
        *,
        is_tracked: bool,
        now: datetime,
        until: datetime,
        holder: str,
        limit: int,
        before: datetime | None = None,
    ) -> list[Launch]:
        """As ``lease_due``, for launches of one connection: those whose run is asked about (``is_tracked``), or all others.

        Tracked is what is RUNNING or NEEDS_ATTENTION, unless a wish to stop it is yet to be sent. ``before``: also those that fall
        due until then (None: ``now``), for whoever can ask about many at once.
        """
        ...

    async def postpone(self, launches: Sequence[Launch], *, holder: str) -> None:
        """After looks that brought nothing new: keep ``due_at``, ``looks`` and ``misses`` of each, and give the leases back, all at once.

        Each is guarded as by ``save`` with ``holder``; one that somebody else changed in between is only given back, to be looked
        at anew.
        """
        ...

    async def durations(self, connection: str, workflow_id: str) -> tuple[float, ...]:
        """How long the last runs of a workflow took, in seconds, oldest first; as many as ``pacing.MOST_KEPT``."""
        ...

    async def lease_tellings(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Telling]:
        """Claim up to ``limit`` launches whose card or thread is behind: final ones first, then the longest waiting.

        A card is behind when ``told_version`` is older than the launch's last event. One holder at a time; one that failed
        waits until its ``retry_at``, also when more happens meanwhile; one that was given up is never claimed again.
        One whose card is lost is claimed only while it is final: see ``card_lost``.
        """
        ...

    async def card_told(self, launch_id: str, *, ts: str, version: int, done_by: str | None = None) -> None:
        """The card stands at ``ts`` and shows ``version`` (``Telling.launch.version``). Kept also when the lease has lapsed.

        Where a newer one was told before, nobody knows which of the two stands there: the card is due, to be shown anew.
        ``done_by``: that was all there was to tell, and this holder gives the telling back, as ``telling_done``.
        """
        ...

    async def lines_told(
        self, launch_id: str, line_ids: Sequence[int], *, ts: str, at: datetime, done_by: str | None = None
    ) -> None:
        """Thread lines of a launch stand in one message at ``ts``; the first time stands. Kept also when the lease has lapsed.

        ``done_by``: as for ``card_told``.
        """
        ...

    async def line_skipped(self, line_id: int, at: datetime, *, holder: str | None = None, until: datetime | None = None) -> bool:
        """A thread line that may have been posted (its answer was lost) is never posted again; where it stands is not known.

        ``holder``: only while this holder has the telling, and nobody can take it before ``until``: for whoever is about to post.

        Returns:
            Whether it was untold until now; whoever is about to post it must not, otherwise.
        """
        ...

    async def telling_done(self, launch_id: str, holder: str) -> None:
        """Give a telling back. What was not told, or happened meanwhile, is due at once."""
        ...

    async def telling_failed(self, launch_id: str, *, retry_at: datetime | None, error: str, holder: str | None = None) -> None:
        """Give a telling back and try again at ``retry_at``; None: Slack will never take it (the reason is kept).

        What was told before the failure stays told. ``holder``: only while this holder still has it.
        """
        ...

    async def next_telling(self) -> datetime | None:
        """When ``lease_tellings`` may next have something: a free one is due, or a held one's lease lapses; None: never yet."""
        ...

    async def home_opened(self, user_id: str, team_id: str, *, at: datetime) -> None:
        """A person opened their App Home: it is due at once, also one that was given up, and shown anew whatever Slack has.

        From now on ``create`` and ``save`` make it due two seconds after what it may show: for its requester every change of a
        launch's state; for everybody who opened theirs within a month whatever concerns an approval. What is due sooner stays so,
        and one that failed keeps its ``retry_at``.
        """
        ...

    async def lease_homes(self, *, now: datetime, until: datetime, holder: str, limit: int) -> list[Home]:
        """Claim up to ``limit`` Homes that are due and held by nobody (any more): those of lapsed leases first, then longest due.

        What happens while one is held makes it due again after it was given back.
        """
        ...

    async def home_shown(self, home: Home, holder: str, *, shown: str, again_at: datetime | None = None) -> None:
        """Give a Home back that Slack shows, with a mark of its view; it is due at ``again_at``, or once something happens.

        Nothing happens when ``holder`` no longer has it.
        """
        ...

    async def home_failed(self, home: Home, holder: str, *, retry_at: datetime | None) -> None:
        """Give a Home back that could not be shown, to be tried again then; None: not until it is opened again.

        One that was opened meanwhile is due at once. Nothing happens when ``holder`` no longer has it.
        """
        ...

    async def seen(self, replica: Replica, *, now: datetime, since: datetime) -> tuple[Replica, ...]:
        """This replica is alive; all that were seen after ``since``, itself among them. What is long over is forgotten."""
        ...

    async def gone(self, holder: str) -> None:
        """This replica ends: the others need not wait to find out."""
        ...

    async def keep_pauses(self, pauses: Mapping[str, datetime]) -> None:
        """Everybody waits with these until then, by what they are for; the longest wait that anybody was told stands."""
        ...

    async def pauses(self, *, now: datetime) -> Mapping[str, datetime]:
        """What is to be waited for, and until when; nothing that is over."""
        ...

    async def claim_notice(
        self, name: str, *, holder: str, now: datetime, until: datetime, since: datetime | None = None
    ) -> Claimed:
        """Claim what is to be done once, whoever does it. ``since``: what was done then or before may be done again (None: never).

        Until then nobody else can claim it, unless ``notice_not_told`` gives it up.
        """
        ...

    async def notice_told(self, name: str, holder: str, at: datetime) -> None:
        """It is done. Nothing happens when somebody else has claimed it meanwhile."""
        ...

    async def notice_not_told(self, name: str, holder: str) -> None:
        """It was not done: whoever comes next may. Nothing happens when somebody else has claimed it meanwhile."""
        ...

    async def next_home(self) -> datetime | None:
        """When ``lease_homes`` may next have something: a free one is due, or a held one's lease lapses; None: never yet."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


class Wire(Protocol):
    """Carries exchanges to providers."""

    def place(self, connection: str) -> AbstractAsyncContextManager[Callable[[Exchange[Any]], Awaitable[Any]]]:
        """A place on the wire: what it hands out performs an exchange at once, without waiting for others."""
        ...

    async def perform(self, connection: str, exchange: Exchange[A]) -> A | Unreachable:
        """Drive an exchange to its answer over the named connection. Never raises on what a network or a provider does."""
        ...


@dataclass(frozen=True, kw_only=True)
class Found:
    """A workflow, by id or name, with what is known of its inputs. ``candidates`` are set when a name fits several."""

    workflow: Workflow | None
    candidates: tuple[Workflow, ...] = ()
    known: tuple[Workflow, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Workflows as they were last told, to be shown and not to be decided by.

    ``seen_at``: when the provider was asked for what it told; None: all of it is the configuration's. ``trouble``: why it is not
    newer, for people; None where the provider told it when it was last asked (or is not asked at all).
    """

    workflows: tuple[Workflow, ...] = ()
    seen_at: datetime | None = None
    trouble: str | None = None


class Definitions(Protocol):
    """Which workflows a connection has and which inputs they take: configuration first, then the provider's own answers.

    What a launch rests on is at most five minutes old; ``is_fresh``: the provider is asked now, whatever is remembered (before
    an approval counts). ``seen`` and ``seen_inputs`` wait for nobody longer than ``patience_s`` and never raise.
    """

    async def known(self, connection: Connection) -> tuple[Workflow, ...]:
        """Every workflow that is known, with or without inputs.

        Raises:
            LookupFailedError: nothing is configured and the provider did not answer.
        """
        ...

    async def known_live(self, connection: Connection) -> tuple[Workflow, ...]:
        """As ``known``, but a provider that should list its workflows and does not is an error.

        Raises:
            LookupFailedError: the provider's list could not be read.
        """
        ...

    async def seen(self, connection: Connection, *, patience_s: float = ...) -> Seen:
        """Every workflow that is known, however old that is; it is refreshed meanwhile."""
        ...

    async def seen_inputs(self, connection: Connection, workflow: Workflow, *, patience_s: float = ...) -> Seen:
        """``workflow`` with its inputs as they were last told; ``workflows`` is empty where nobody told them yet."""
        ...

    async def find(self, connection: Connection, typed: str, *, is_fresh: bool = False) -> Found:
        """The workflow that ``typed`` (an id or a name) means.

        Raises:
            LookupFailedError: it is not configured and the provider did not answer.
        """
        ...

    async def described(self, connection: Connection, workflow: Workflow, *, is_fresh: bool = False) -> Workflow:
        """``workflow`` with its inputs.

        Raises:
            LookupFailedError: its inputs are not configured and the provider does not tell them (now, or at all).
        """
        ...


@dataclass(frozen=True, kw_only=True)
class ShownForm:
    """A form that Slack shows: its id, and a mark of what it shows (Slack's ``hash``)."""

    view_id: str
    mark: str


class Thread(Protocol):
    """What Slack shows. Raises ``ThreadError`` where Slack refuses or does not answer."""

    async def post_card(self, launch: Launch, events: tuple[Event, ...]) -> str:
        """Post the card; its ``ts``."""
        ...

    async def update_card(self, launch: Launch, events: tuple[Event, ...], *, card_ts: str) -> None:
        """Show the newest state on the card."""
        ...

    async def post_lines(self, launch: Launch, events: tuple[Event, ...], *, card_ts: str) -> str:
        """Add one message to the thread that tells these events, in order; its ``ts``."""
        ...

    def is_behind(self, channel_id: str) -> bool:
        """Whether Slack slows this channel down, so that fewer messages should say more."""
        ...

    async def tell_operators(self, say: Say) -> None:
        """Tell the operators' channel, where one is configured."""
        ...

    async def publish_home(self, user_id: str, view: Mapping[str, Any]) -> None:
        """Show this as a person's App Home."""
        ...

    async def open_form(self, trigger_id: str, view: Mapping[str, Any]) -> ShownForm:
        """Open a form for whoever pressed a button, or typed a command, a moment ago."""
        ...

    async def update_form(self, view_id: str, view: Mapping[str, Any], *, mark: str = "") -> ShownForm:
        """Show something else in an open form; its id stays.

        ``mark``: only while it still shows what ``ShownForm.mark`` is of (``hash_conflict`` otherwise); empty: whatever it shows.
        """
        ...

    async def post_direct(self, launch: Launch, events: tuple[Event, ...]) -> str:
        """Show the card to the requester alone, where the channel no longer takes it; its ``ts``."""
        ...

    async def answer(self, delivery: Delivery, say: Say) -> None:
        """Tell one person, there where they asked, so that only they see it."""
        ...


class Directory(Protocol):
    """What Slack knows. Raises ``LookupFailedError`` where Slack does not tell: then the decision denies."""

    async def person(self, user_id: str, *, is_fresh: bool = False) -> Person:
        """Who this is. ``is_fresh``: asked of Slack now, not remembered (before an approval counts)."""
        ...

    async def channel(self, channel_id: str) -> Channel:
        """What kind of channel this is."""
        ...

    async def group_members(self, group_id: str, *, is_fresh: bool = False) -> frozenset[str]:
        """The user ids in a user group. ``is_fresh``: asked of Slack now, not remembered (before a denial)."""
        ...

    async def is_in_channel(self, user_id: str, channel_id: str, *, is_fresh: bool = True) -> bool:
        """Whether this person is a member of that channel; a channel that the bot cannot see is a lookup that failed.

        ``is_fresh``: a no is asked of Slack now, not remembered (somebody may just have joined).
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Go:
    """Start it. ``at`` is when that was judged, ``since`` by which configuration (``Standing.since``, as judging began)."""

    at: datetime | None = None
    since: int = 0


@dataclass(frozen=True, kw_only=True)
class Wait:
    """A fact could not be learnt: ask again after ``again_after_s`` seconds. ``detail`` says which, for people."""

    detail: str
    again_after_s: float = 30.0


@dataclass(frozen=True, kw_only=True)
class NoGo:
    """What allowed the launch no longer does: it must not start."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class Reopen:
    """Something that was approved changed, or whoever approved may no longer: ask again."""

    reaction: Reaction


GateAnswer: TypeAlias = Go | Wait | NoGo | Reopen


class Gate(Protocol):
    """The last question before a start: does everything that allowed this launch still hold at this moment?"""

    async def may_start(self, launch: Launch) -> GateAnswer:
        """Judge a queued launch anew. Never raises on what Slack or a provider does not tell: then it waits."""
        ...

    def still_holds(self, launch: Launch, go: Go) -> bool:
        """Whether a yes of a while ago is still good: the launch may have waited long for its place on the wire."""
        ...


@dataclass(frozen=True, kw_only=True)
class HomeView:
    """What a person's App Home shows now. ``again_at``: when that changes, or could be learnt better, although nothing happens."""

    view: Mapping[str, Any]
    again_at: datetime | None = None


class Composer(Protocol):
    """Says what an App Home shows."""

    async def home_of(self, home: Home) -> HomeView:
        """The view of one person. Never raises on what Slack or a provider does not tell: then the view says so."""
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
