"""Approvals in every order that Hypothesis thinks of: nothing starts on a yes that does not hold at that very moment.

Real: use cases, gate, the worker's launch work, lifecycle, the store (in memory). From tables: Slack, the provider's list, the policy.
The book that judges each start knows only what people did and how the world stands; of the bot's own record it reads which events there
are, and neither its digests nor its counts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot import providers
from bot.domain.grants import ApprovalRule, ChannelPolicy, Freeze, Grant, InputRule, Policy
from bot.domain.lifecycle import TRANSITIONS
from bot.domain.model import Event, EventKind, Launch, Person, State
from bot.domain.provider import Busy, Completed, Outcome
from bot.domain.standing import Standing
from bot.launching import CancelTaken, Decided, Launched, Launching, Ports, Setup
from bot.store import open_store
from bot.surfaces.command_text import LaunchText
from bot.worker import LEASE, LaunchWork
from tests.builders import NOON, FrozenClock, a_connection, a_delivery
from tests.ports import ListedWire, RecordingThread, TableDefinitions, TableDirectory
from tests.test_launching import DUNNING, GRANT

T = TypeVar("T")
ALICE, BOB, CAROL, DAVE, EVE = PEOPLE = ("U0ALICE", "U0BOB", "U0CAROL", "U0DAVE", "U0EVE")
LEADS, CHIEFS = "S0LEADS", "S0CHIEFS"
USUAL_LEADS = frozenset({ALICE, BOB, CAROL})
HOUR_S = 3600.0
RULES: Mapping[str, ApprovalRule | None] = {
    "nobody": None,
    "two leads": ApprovalRule(
        approvers=(LEADS,),
        required=2,
        expires_after_s=HOUR_S,
        remind_after_s=600.0,
        escalate_to=(CHIEFS,),
        escalate_after_s=1200.0,
    ),
    "a lead or Dave": ApprovalRule(approvers=(LEADS, DAVE), expires_after_s=HOUR_S),
    "any two": ApprovalRule(approvers=("members",), required=2, self_approval=True, expires_after_s=HOUR_S),
    "Alice alone": ApprovalRule(approvers=(ALICE,), single_operator=True, cool_down_s=900.0, expires_after_s=HOUR_S),
    "two leads for much": ApprovalRule(
        approvers=(LEADS,), required=2, expires_after_s=HOUR_S, when={"maxAmount": InputRule(one_of=(500,))}
    ),
}
AMOUNTS = (5, 500)
SILENT = ("", "", LEADS, LEADS, BOB, "billing")
USUAL = "two leads"
LEADS_CHANGES = st.sampled_from(
    (frozenset[str](), frozenset({BOB}), frozenset({CAROL}), frozenset({DAVE}), frozenset({BOB, EVE}))
)
CHANGES = st.one_of(
    st.tuples(st.just("rule"), st.sampled_from((USUAL, USUAL, *RULES))),
    st.tuples(st.just("version"), st.sampled_from("12")),
    st.tuples(st.just("credential"), st.sampled_from("ab")),
    st.sampled_from((("is_granted", False), ("is_free", True), ("is_frozen", True))),
)
MOST_OPEN = 1
ANYBODY = st.sampled_from((BOB, CAROL, *PEOPLE))
BUSY = Busy(code="429", meaning="too many", retry_after_s=5)
DONE = Completed(outcome=Outcome.SUCCEEDED, run_id="R-1")
YESES = {EventKind.APPROVED, EventKind.CLEARED}


# --- the world, as it really is -------------------------------------------------------------------------------------------------


@dataclass
class World:
    """What everything turns on. ``rule`` names one of ``RULES``; ``is_free``: another grant asks nobody."""

    rule: str = "two leads"
    is_granted: bool = True
    is_free: bool = False
    is_frozen: bool = False
    version: str = "1"
    credential: str = "a"
    changes: int = 0

    @property
    def policy(self) -> Policy:
        granted = replace(GRANT, approval=RULES[self.rule])
        free = replace(GRANT, workflows=("*",))
        grants: tuple[Grant, ...] = (*[granted] * self.is_granted, *[free] * self.is_free)
        freezes = [Freeze(name="audit", begins=NOON - timedelta(days=1), ends=NOON + timedelta(days=9))] * self.is_frozen
        channel = ChannelPolicy(channel_id="C0FINANCE", name="finance-ops", grants=grants)
        return Policy(channels={"C0FINANCE": channel}, digest=f"policy {self.changes}", freezes=tuple(freezes))

    @property
    def connections(self) -> dict[str, Any]:
        return {"billing": a_connection(credential_mark=self.credential)}

    def asks(self, amount: int) -> ApprovalRule | None:
        """Whose approval this amount needs at this moment."""
        approval = RULES[self.rule] if self.is_granted and not self.is_free else None
        is_about = approval is not None and (not approval.when or amount in (approval.when["maxAmount"].one_of or ()))
        return approval if is_about else None

    def content(self, amount: int) -> tuple[Any, ...]:
        """What a yes is about."""
        return (amount, self.version, self.credential, self.asks(amount))


@dataclass(frozen=True)
class Yes:
    """Somebody agreed to what stood there then."""

    person: str
    content: tuple[Any, ...]
    at: datetime


@dataclass
class Book:
    """One launch as the model knows it."""

    launch_id: str
    requester: str
    amount: int
    was_free: bool
    yeses: list[Yes] = field(default_factory=list)
    is_over: str = ""
    runs: int = 0


# --- the bot --------------------------------------------------------------------------------------------------------------------


@dataclass
class JudgingWire(ListedWire):
    """The provider: every start that reaches it is judged before it is answered. ``fates`` befall the next ones."""

    judges: Callable[[str], Awaitable[None]] | None = None
    fates: list[Any] = field(default_factory=list)

    @asynccontextmanager
    async def place(self, connection: str) -> AsyncGenerator[Any, None]:
        yield partial(self.perform, connection)

    async def perform(self, connection: str, exchange: Any) -> Any:
        call = next(exchange)
        exchange.close()
        assert self.judges is not None
        await self.judges(call.headers["Idempotency-Key"])
        return self.fates.pop(0) if self.fates else DONE


@dataclass
class Meanwhile:
    """The store, where what the machine holds ready happens just before the next launch is written."""

    store: Any
    machine: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def save(self, *arguments: Any, **named: Any) -> bool:
        happens, self.machine.before_save = self.machine.before_save, None
        if happens is not None:
            await happens()
        return bool(await self.store.save(*arguments, **named))


class Machine(RuleBasedStateMachine):
    """One bot over one store, and everybody around it. A subclass plants a fault; ``is_hopeful``: what may start, must."""

    is_hopeful = True

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = World()
        self.clock = FrozenClock()
        self.directory = TableDirectory(groups={LEADS: USUAL_LEADS, CHIEFS: frozenset({EVE})})
        self.definitions = TableDefinitions()
        self.wire = JudgingWire(judges=self.judged)
        self.store: Any = open_store("sqlite://")
        self.books: list[Book] = []
        self.wrong: list[str] = []
        self.presses = 0
        self.before_save: Callable[[], Awaitable[None]] | None = None

    def planted(self, launching: Launching) -> None:
        """Spoil the use cases; nothing here."""

    def seen(self, store: Any) -> Any:
        """The store as the bot sees it; the store itself here."""
        return store

    @property
    def open(self) -> list[Book]:
        """Launches that may still start, the oldest first."""
        return [book for book in self.books if not book.is_over and not book.runs]

    def until(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize(name=st.sampled_from((USUAL, USUAL, *RULES)), amount=st.sampled_from(AMOUNTS))
    def begin(self, name: str, amount: int) -> None:
        """One launch is asked for already: without, there is nothing to agree to."""
        self.world.rule = name
        self.until(self.store.migrate())
        self.standing = Standing(policy=self.world.policy, connections=self.world.connections)
        self.restart()
        self.in_force()
        self.request(ALICE, amount)

    def teardown(self) -> None:
        self.until(self.store.close())
        self.loop.close()

    def as_usual(self) -> None:
        """Policy, people and groups as they were; everybody answers."""
        self.world = World(changes=self.world.changes)
        self.in_force()
        self.directory.silent, self.definitions.silent = set(), set()
        self.directory.people = {}
        self.directory.groups[LEADS] = USUAL_LEADS

    # --- what happens around the bot

    @rule()
    def restart(self) -> None:
        """Everything that is only remembered is gone."""
        store: Any = Meanwhile(self.seen(self.store), self)
        ports = Ports(
            store=store,
            wire=self.wire,
            definitions=self.definitions,
            directory=self.directory,
            thread=RecordingThread(),
            clock=self.clock,
        )
        setup = Setup(providers=providers.load(), standing=self.standing)
        self.launching = Launching(ports=ports, setup=setup, ring=lambda: None, holder="me")
        self.planted(self.launching)
        self.work = LaunchWork(
            store=ports.store,
            wire=self.wire,
            gate=self.launching.gate,
            clock=self.clock,
            providers=providers.load(),
            connections=self.standing.connections,
            holder="worker",
            lease=LEASE,
        )

    def in_force(self) -> None:
        """What the world says is in force."""
        self.world.changes += 1
        self.standing.replace(policy=self.world.policy, connections=self.world.connections)
        self.definitions.workflows = {"billing": (replace(DUNNING, version=self.world.version),)}

    @rule(change=CHANGES)
    def policy_or_provider_changes(self, change: tuple[str, Any]) -> None:
        """One thing; what it was that was unusual before, is as usual again."""
        part, value = change
        usual = {"is_granted": True, "is_free": False, "is_frozen": False}
        self.world = replace(self.world, **(usual | {part: value}))
        self.in_force()

    @rule(people=LEADS_CHANGES)
    def group_changes(self, people: frozenset[str]) -> None:
        """These come, if they were no leads; the others of these go."""
        self.directory.groups[LEADS] = USUAL_LEADS ^ people

    @rule(user_id=st.sampled_from((ALICE, BOB, BOB, CAROL)), flag=st.sampled_from(("", "is_guest", "is_guest", "is_deleted")))
    def person_changes(self, user_id: str, flag: str) -> None:
        """Of the others nobody is anything but a full member."""
        flags: dict[str, Any] = {flag: True} if flag else {}
        self.directory.people = {user_id: Person(user_id=user_id, team_id="T0GONOGO", name="x", **flags)}

    @rule(subject=st.sampled_from(SILENT))
    def falls_silent(self, subject: str) -> None:
        """Nobody else is."""
        self.definitions.silent = {subject} & {"billing"}
        self.directory.silent = {subject}

    @rule(minutes=st.sampled_from((1, 1, 11, 16, 61)))
    def time_passes(self, minutes: int) -> None:
        self.clock.move(minutes=minutes)

    # --- what people and the worker do

    @precondition(lambda self: len(self.open) < MOST_OPEN)
    @rule(user_id=st.sampled_from((ALICE, DAVE)), amount=st.sampled_from(AMOUNTS))
    def request(self, user_id: str, amount: int) -> None:
        inputs = (("accountId", "A1"), ("maxAmount", str(amount)))
        wish = self.delivery(user_id, kind="command")
        typed = LaunchText(connection="billing", workflow="396", inputs=inputs, is_preview=False)
        answer = self.until(self.launching.request(wish, typed))
        if isinstance(answer, Launched):
            was_free = self.world.asks(amount) is None
            self.books.append(Book(answer.launch.launch_id, user_id, amount, was_free=was_free))

    @precondition(lambda self: self.open)
    @rule(user_id=ANYBODY, channel_id=st.sampled_from(("C0FINANCE", "D0HOME")), times=st.sampled_from((1, 2)))
    def yes(self, user_id: str, channel_id: str, times: int) -> None:
        for _ in range(times):
            self.until(self.agrees(user_id, self.open[0], channel_id=channel_id))

    @precondition(lambda self: self.open)
    @rule(people=st.sampled_from(((BOB, CAROL), (CAROL, BOB), (ALICE, BOB), (BOB, DAVE))))
    def two_say_yes(self, people: tuple[str, str]) -> None:
        for user_id in people:
            self.until(self.agrees(user_id, self.open[0]))

    @precondition(lambda self: self.open)
    @rule(change=st.sampled_from(("policy or provider", "group", "group in silence", "person")), data=st.data())
    def leads_say_yes_and_then_something_changes(self, change: str, data: st.DataObject) -> None:
        """What this is all about, so it is not left to chance alone."""
        self.as_usual()
        for user_id in (BOB, CAROL, BOB):
            self.until(self.agrees(user_id, self.open[0]))
        match change:
            case "policy or provider":
                self.policy_or_provider_changes(data.draw(CHANGES))
            case "group":
                self.group_changes(data.draw(LEADS_CHANGES))
            case "group in silence":
                self.group_changes(data.draw(LEADS_CHANGES))
                self.falls_silent(LEADS)
            case _:
                self.person_changes(data.draw(st.sampled_from((BOB, CAROL))), "is_guest")
        self.until(self.works())

    @precondition(lambda self: self.open and self.presses % 5 == 0)
    @rule(user_id=ANYBODY, act=st.sampled_from(("rejects", "cancels")))
    def ends(self, user_id: str, act: str) -> None:
        self.until(getattr(self, act)(user_id, self.open[-1]))

    @precondition(lambda self: self.open)
    @rule(first=ANYBODY, second=ANYBODY, act=st.sampled_from(("agrees", "rejects", "cancels", "works")))
    def two_at_once(self, first: str, second: str, act: str) -> None:
        """The second is quicker: it is kept just before the first would be."""
        book = self.open[-1]
        arguments = () if act == "works" else (second, book)
        self.before_save = lambda: getattr(self, act)(*arguments)
        self.until(self.agrees(first, book))
        self.before_save = None

    @rule(fates=st.sampled_from(([], [], [BUSY])))
    def worker_acts(self, fates: list[Any]) -> None:
        self.wire.fates = list(fates)
        self.until(self.works())

    @precondition(lambda self: self.is_hopeful and self.open)
    @rule()
    def all_is_well(self) -> None:
        """Whatever stood in the way is gone: what waits can be approved, and what is approved starts."""
        self.as_usual()
        self.wire.fates.clear()
        self.clock.move(minutes=5)
        for _ in range(2):
            self.until(self.works())
            for book in self.books:
                for user_id in (BOB, CAROL, BOB, CAROL):
                    self.until(self.agrees(user_id, book))
            self.until(self.works())
        for book in self.books:
            launch: Launch = self.until(self.store.launch(book.launch_id))
            assert launch.state.is_final, f"{launch.launch_id} is {launch.state} although nothing stands in its way"

    async def agrees(self, user_id: str, book: Book, **place: Any) -> None:
        yes = Yes(user_id, self.world.content(book.amount), self.clock.now())
        answer = await self.launching.approve(self.delivery(user_id, **place), book.launch_id)
        if isinstance(answer, Decided) and answer.is_counted:
            book.yeses.append(yes)
            self.told_after(book, "approved")

    async def rejects(self, user_id: str, book: Book) -> None:
        answer = await self.launching.reject(self.delivery(user_id), book.launch_id, "no")
        if isinstance(answer, Decided):
            self.told_after(book, "rejected")
            book.is_over = "rejected"

    async def cancels(self, user_id: str, book: Book) -> None:
        answer = await self.launching.cancel(self.delivery(user_id), book.launch_id)
        if isinstance(answer, CancelTaken) and answer.launch.state is State.CANCELLED:
            self.told_after(book, "cancelled")
            book.is_over = "cancelled"

    async def works(self) -> None:
        for launch in await self.work.claim(9):
            await self.work.act(launch)

    def delivery(self, user_id: str, **place: Any) -> Any:
        self.presses += 1
        plain = {"kind": "button", "key": f"{self.presses}", "user_id": user_id, "received_at": self.clock.now()}
        return a_delivery(**(plain | place))

    def told_after(self, book: Book, what: str) -> None:
        if book.is_over:
            self.wrong.append(f"{book.launch_id} was told as {what} after it was {book.is_over}")

    # --- the judgement

    async def judged(self, launch_id: str) -> None:
        """A start has reached the provider: may it, by all that is true at this moment?"""
        book = next(book for book in self.books if book.launch_id == launch_id)
        is_refused = bool(self.wire.fates)
        book.runs += not is_refused
        for claim in self.claims(book, await self.store.events(launch_id)):
            self.wrong.append(f"{launch_id} started, but {claim}")

    def claims(self, book: Book, events: tuple[Event, ...]) -> list[str]:
        world = self.world
        found = [f"it was {book.is_over}"] * bool(book.is_over)
        if not (world.is_granted or world.is_free) or world.is_frozen:
            found.append("policy forbids it")
        asks = world.asks(book.amount)
        if asks is None:
            return found
        good = {yes.person for yes in book.yeses if self.is_good(yes, book, asks, events)}
        if len(good) < asks.required:
            found.append(f"only {sorted(good)} of {asks.required} agreed to it")
        return found

    def is_good(self, yes: Yes, book: Book, asks: ApprovalRule, events: tuple[Event, ...]) -> bool:
        """Whether this yes holds now: to exactly this, in time, since it was last asked, by somebody who may still give it."""
        places = [place for place, event in enumerate(events) if event.kind in {EventKind.REQUESTED, EventKind.REOPENED}]
        asked, since = events[places[-1]], events[places[-1] + 1 :]
        is_kept = any(event.actor == yes.person and event.kind in YESES and event.at == yes.at for event in since)
        is_in_time = asked.at <= yes.at < asked.at + timedelta(seconds=asks.expires_after_s or 0)
        is_same = yes.content == self.world.content(book.amount)
        return is_kept and is_in_time and is_same and self.may_agree(yes.person, book, asks, asked.at, since)

    def may_agree(self, user_id: str, book: Book, asks: ApprovalRule, asked_at: datetime, since: tuple[Event, ...]) -> bool:
        person = self.directory.people.get(user_id)
        if person is not None and (person.is_guest or person.is_stranger or person.is_deleted):
            return False
        if user_id == book.requester and not asks.self_approval:
            cooled_at = asked_at + timedelta(seconds=asks.cool_down_s or 0)
            if not asks.single_operator or self.clock.now() < cooled_at:
                return False
        is_escalated = any(event.kind is EventKind.ESCALATED for event in since)
        names = {*asks.approvers, *(asks.escalate_to if is_escalated else ())}
        groups = {name for name in names if user_id in self.directory.groups.get(name, ())}
        return bool(groups) or user_id in names or "members" in names

    @invariant()
    def nothing_went_wrong(self) -> None:
        assert not self.wrong, self.wrong[0]
        assert all(book.runs <= 1 for book in self.books), f"ran more than once: {self.books}"

    @invariant()
    def the_record_is_a_way_through_the_table(self) -> None:
        for book in self.books:
            launch: Launch = self.until(self.store.launch(book.launch_id))
            kinds = [event.kind for event in self.until(self.store.events(book.launch_id))]
            state = State.QUEUED if book.was_free else State.AWAITING_APPROVAL
            for kind in kinds[1:]:
                state = TRANSITIONS[state, kind]
            assert state is launch.state, f"{book.launch_id} is {launch.state} after {kinds}"
            asked = Counter(self._asked_since(kinds))
            assert asked[EventKind.REMINDED] <= 1, f"reminded twice: {kinds}"
            assert asked[EventKind.ESCALATED] <= 1, f"escalated twice: {kinds}"

    @staticmethod
    def _asked_since(kinds: list[EventKind]) -> list[EventKind]:
        last = max((place for place, kind in enumerate(kinds) if kind is EventKind.REOPENED), default=0)
        return kinds[last:]


TestApprovals = Machine.TestCase
TestApprovals.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
