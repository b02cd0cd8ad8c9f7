"""Two bots over one store, a provider that counts runs, and a Slack that forgets answers, in every order that Hypothesis thinks of.

Real: lifecycle, reactions, doubts, use cases, the door, the worker's works, the store (in memory). Scripted: provider, Slack, time.
Every call outward stops at a gate after it took effect; rules let gates go one by one, let time pass meanwhile, or drop the bot there.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, ClassVar, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import commands
from bot.domain.errors import ThreadError
from bot.domain.grants import ChannelPolicy, Grant, Policy
from bot.domain.lifecycle import TRANSITIONS
from bot.domain.model import Delivery, Event, EventKind, Launch, State, Workflow
from bot.domain.provider import (
    Accepted,
    Allowance,
    Busy,
    Call,
    Candidate,
    Completed,
    Confirmed,
    Denied,
    Exchange,
    Matches,
    Observed,
    Outcome,
    Pace,
    Provider,
    Refused,
    Stopping,
    TrackedMany,
    Unreachable,
)
from bot.domain.standing import Standing
from bot.launching import Launching, Ports, Setup
from bot.store import open_store
from bot.surfaces.say import Say
from bot.worker import LEASE, DeliveryWork, LaunchWork, Once, PacedWire, Plans, TellingWork, TrackWork
from tests.builders import FrozenClock, a_connection, a_delivery, a_launch, an_event
from tests.ports import TableDefinitions, TableDirectory
from tests.postgres_server import migrated_database

T = TypeVar("T")
STARTS = ("accepted", "completed", "refused", "busy", "unreached", "lost", "lost_applied", "applied_late")
POSTS = ("refused", "lost", "lost_applied")
ASKED = ("loose", "keyed", "loose", "finding", "blind")
SEEN_WITHIN = timedelta(minutes=10)
LOST = Unreachable(is_possibly_applied=True, detail="no answer in time")
BUSY = Busy(code="429", meaning="too many", retry_after_s=5)


# --- the provider ------------------------------------------------------------------------------------------------------


class Scripted(Provider):
    """A provider whose calls say what they are about, and whose replies are the answers themselves."""

    title = "Scripted"
    pace = Pace(first_s=2, most_s=10, source="made up")
    allowance = Allowance(calls_a_minute=100_000.0, source="made up")
    can_cancel = True

    def start(self, launch: Launch, connection: Any) -> Exchange[Any]:
        return (yield _call("start", launch))

    def track(self, launch: Launch, connection: Any) -> Exchange[Any]:
        return (yield _call("track", launch, launch.run_id))

    def track_many(self, launches: Any, connection: Any) -> Exchange[Any]:
        return (yield Call(method="GET", path="/track_many", json={"launch": launches, "run_id": None}))

    def cancel(self, launch: Launch, connection: Any) -> Exchange[Any]:
        return (yield _call("cancel", launch, launch.run_id))

    def find(self, launch: Launch, connection: Any) -> Exchange[Any]:
        return (yield _call("find", launch))

    def confirm(self, launch: Launch, run_id: str, connection: Any) -> Exchange[Any]:
        return (yield _call("confirm", launch, run_id))


class Keyed(Scripted):
    """Honours the launch id as key: the same start sent again causes nothing."""

    name = "keyed"
    resend_window_s: ClassVar[float | None] = 86_400.0


class Finding(Scripted):
    """Lists runs by the launch id that they carry, and asks about many at once."""

    name = "finding"
    can_track_many = True
    lost_start_settled_by: ClassVar[str | None] = "a run that carries the launch id"
    is_find_proof = True


class Loose(Scripted):
    """Lists every run of about that time: whose it is does not stand on it."""

    name = "loose"
    can_track_many = True
    lost_start_settled_by: ClassVar[str | None] = "a run of about that time"


class Blind(Scripted):
    """Has neither key nor list."""

    name = "blind"


PROVIDERS: dict[str, Provider] = {one.name: one() for one in (Keyed, Finding, Loose, Blind)}


def _call(verb: str, launch: Launch, run_id: str | None = None) -> Call:
    return Call(method="POST", path=f"/{verb}", json={"launch": launch, "run_id": run_id})


@dataclass
class Run:
    """One execution; a hidden one stands in no list yet."""

    run_id: str
    connection: str
    launch_id: str
    at: datetime
    is_hidden: bool = False
    outcome: Outcome | None = None


@dataclass
class Site:
    """What really happens at the providers. ``fates`` befall the next starts."""

    clock: FrozenClock
    honours_keys: bool = True
    runs: list[Run] = field(default_factory=list)
    fates: list[str] = field(default_factory=list)

    def serve(self, connection: str, call: Call) -> Any:
        return getattr(self, call.path.removeprefix("/"))(connection, call.json["launch"], call.json["run_id"])

    def of(self, launch: Launch) -> Run | None:
        return next((run for run in self.runs if run.launch_id == launch.launch_id), None)

    def start(self, connection: str, launch: Launch, _run_id: None) -> Any:
        fate = self.fates.pop(0) if self.fates else "accepted"
        known = self.of(launch) if connection == "keyed" and self.honours_keys else None
        if known is not None:
            return LOST if fate.startswith("lost") else Accepted(run_id=known.run_id)
        match fate:
            case "refused":
                return Refused(code="no", meaning="not like this")
            case "busy":
                return BUSY
            case "unreached":
                return Unreachable(is_possibly_applied=False, detail="connection refused")
            case "lost":
                return LOST
            case _:
                return self._applied(fate, connection, launch)

    def _applied(self, fate: str, connection: str, launch: Launch) -> Any:
        run = Run(f"R-{len(self.runs)}", connection, launch.launch_id, self.clock.now(), is_hidden=fate == "applied_late")
        self.runs.append(run)
        if fate == "completed":
            run.outcome = Outcome.SUCCEEDED
            return Completed(outcome=Outcome.SUCCEEDED, run_id=run.run_id)
        return Accepted(run_id=run.run_id) if fate == "accepted" else LOST

    def track(self, _connection: str, _launch: Launch, run_id: str) -> Any:
        run = next(run for run in self.runs if run.run_id == run_id)
        return Completed(outcome=run.outcome, run_id=run_id) if run.outcome else Observed(provider_status="Working")

    def track_many(self, connection: str, launches: Any, _run_id: None) -> Any:
        """A list that lacks every third run, so that it is asked about by itself."""
        shown = [launch for launch in launches if self.runs.index(self.of(launch) or self.runs[0]) % 3]
        return TrackedMany(answers={one.run_id: self.track(connection, one, one.run_id) for one in shown})

    def cancel(self, connection: str, launch: Launch, run_id: str) -> Any:
        run = next(run for run in self.runs if run.run_id == run_id)
        run.outcome = run.outcome or Outcome.CANCELLED
        return Stopping()

    def find(self, connection: str, launch: Launch, _run_id: None) -> Any:
        shown = [run for run in self.runs if run.connection == connection and not run.is_hidden]
        if connection == "finding":
            return Matches(candidates=tuple(Candidate(run_id=run.run_id) for run in shown if run.launch_id == launch.launch_id))
        assert launch.sent_at is not None
        near = [run for run in shown if abs(run.at - launch.sent_at) <= SEEN_WITHIN]
        return Matches(candidates=tuple(Candidate(run_id=run.run_id) for run in near))

    def confirm(self, connection: str, _launch: Launch, run_id: str) -> Any:
        is_there = any(run.run_id == run_id and run.connection == connection for run in self.runs)
        return Confirmed(run_id=run_id) if is_there else Denied(meaning="no such run")


# --- Slack ---------------------------------------------------------------------------------------------------------------


@dataclass
class Wall:
    """What people see. ``fates`` befall the next posts.

    ``torn`` are tellings that were dropped, or overtaken by the clock, on their way: what they post may stand once more.
    """

    fates: list[str] = field(default_factory=list)
    cards: Counter[str] = field(default_factory=Counter)
    lines: Counter[tuple[str, int]] = field(default_factory=Counter)
    direct: Counter[tuple[str, State]] = field(default_factory=Counter)
    torn: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    answered: set[str] = field(default_factory=set)

    def take(self, launch_id: str, post: Callable[[], None]) -> None:
        fate = self.fates.pop(0) if self.fates else "taken"
        if fate == "refused":
            raise ThreadError("ratelimited", retry_after_s=3)
        if fate != "lost":
            post()
        if fate != "taken":
            self.lost[launch_id] += 1
            raise ThreadError("unreachable", is_in_doubt=True)


@dataclass
class WallThread:
    """One bot's way to the wall."""

    wall: Wall
    pause: Callable[[], Awaitable[None]]

    async def post_card(self, launch: Launch, events: tuple[Event, ...]) -> str:
        return await self._post(launch.launch_id, partial(self.wall.cards.update, [launch.launch_id]))

    async def update_card(self, launch: Launch, events: tuple[Event, ...], *, card_ts: str) -> None:
        await self._post(launch.launch_id, lambda: None)

    async def post_lines(self, launch: Launch, events: tuple[Event, ...], *, card_ts: str) -> str:
        return await self._post(launch.launch_id, lambda: self.wall.lines.update((launch.launch_id, one.seq) for one in events))

    async def post_direct(self, launch: Launch, events: tuple[Event, ...]) -> str:
        return await self._post(launch.launch_id, partial(self.wall.direct.update, [(launch.launch_id, launch.state)]))

    async def tell_operators(self, say: Say) -> None: ...

    async def open_form(self, trigger_id: str, view: Any) -> None: ...

    async def answer(self, delivery: Delivery, say: Say) -> None:
        self.wall.answered.add(delivery.key)
        await self.pause()

    def is_behind(self, channel_id: str) -> bool:
        return False

    async def _post(self, launch_id: str, post: Callable[[], None]) -> str:
        self.wall.take(launch_id, post)
        await self.pause()
        return "1.0"


# --- a bot -----------------------------------------------------------------------------------------------------------------


@dataclass
class Gated:
    """The shared store, as one bot reaches it: after each call it stops at a gate. ``under_way`` counts calls in the store."""

    part: Any
    pause: Callable[[], Awaitable[None]]
    under_way: list[None] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.part, name)
        return partial(self._called, method) if iscoroutinefunction(method) else method

    async def _called(self, method: Any, *arguments: Any, **named: Any) -> Any:
        self.under_way.append(None)
        try:
            answer = await method(*arguments, **named)
        finally:
            self.under_way.pop()
        await self.pause()
        return answer


@dataclass
class GatedWire:
    """A wire to the site: an answer waits at the gate before it arrives."""

    site: Site
    pause: Callable[[], Awaitable[None]]

    @asynccontextmanager
    async def place(self, connection: str) -> AsyncGenerator[Any, None]:
        yield partial(self.perform, connection)

    async def perform(self, connection: str, exchange: Any) -> Any:
        answer = self.site.serve(connection, next(exchange))
        await self.pause()
        try:
            exchange.send(answer)
        except StopIteration as stop:
            return stop.value
        raise AssertionError("one call is all that is scripted")


class Life:
    """One life of a bot, from its start to its crash."""

    def __init__(self, holder: str, store: Any, site: Site, wall: Wall, clock: FrozenClock) -> None:
        self.holder, self.wall = holder, wall
        self.gates: list[asyncio.Future[None]] = []
        self.tasks: dict[asyncio.Task[Any], str | None] = {}
        self.is_gated = True
        self.store = Gated(store, self.pause)
        thread, wire = WallThread(wall, self.pause), GatedWire(site, self.pause)
        self.launching = _launching(self.store, wire, thread, clock, holder)
        self.door = commands.Door(command="/launch", launching=self.launching, entries=commands.load())
        once = Once(store=self.store, clock=clock, holder=holder)
        common: dict[str, Any] = {"store": self.store, "clock": clock, "holder": holder, "lease": LEASE}
        known: dict[str, Any] = {"providers": PROVIDERS, "connections": CONNECTIONS}
        plans, paced = Plans(store=self.store, clock=clock), PacedWire(wire=wire, clock=clock, **known)
        launches = LaunchWork(wire=wire, gate=self.launching.gate, plans=plans, paced=paced, is_tracking=False, **known, **common)
        self.works: dict[str, tuple[Any, ...]] = {
            "launches": (launches, TrackWork(launches=replace(launches, wire=paced, paced=None), wire=paced)),
            "tellings": (TellingWork(thread=thread, once=once, **common),),
            "deliveries": (DeliveryWork(carry=self.door.carry, **common),),
        }

    async def pause(self) -> None:
        if self.is_gated:
            gate = asyncio.get_running_loop().create_future()
            self.gates.append(gate)
            await gate

    def begin(self, work: Coroutine[Any, Any, Any], telling: str | None = None) -> None:
        self.tasks[asyncio.get_running_loop().create_task(work)] = telling

    async def take_up(self, kind: str) -> None:
        for work in self.works[kind]:
            for piece in await work.claim(10):
                self.begin(work.act(piece), piece.launch.launch_id if kind == "tellings" else None)

    def tear(self) -> None:
        """What is being told just now may be told once more by another."""
        self.wall.torn.update(launch_id for launch_id in self.tasks.values() if launch_id is not None)

    async def settle(self) -> None:
        """Wait until every task stands at a gate, or is done."""
        while True:
            for _ in range(6):
                await asyncio.sleep(0)
            waiting = [gate for gate in self.gates if not gate.done()]
            done = [task for task in self.tasks if task.done()]
            for task in done:
                del self.tasks[task]
                task.result()
            if not self.store.under_way and len(waiting) >= len(self.tasks):
                self.gates = waiting
                return

    async def crash(self) -> None:
        self.tear()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


CONNECTIONS = {name: a_connection(name=name, provider=name) for name in PROVIDERS}
GRANTS = tuple(Grant(connection=name, scopes=(), workflows=("396",), requesters=("members",)) for name in PROVIDERS)
WORKFLOWS = {name: (Workflow(workflow_id="396", name="Dunning run", inputs=()),) for name in PROVIDERS}


def _launching(store: Any, wire: Any, thread: Any, clock: FrozenClock, holder: str) -> Launching:
    ports = Ports(
        store=store,
        wire=wire,
        definitions=TableDefinitions(WORKFLOWS),
        directory=TableDirectory(),
        thread=thread,
        clock=clock,
    )
    channel = ChannelPolicy(channel_id="C0FINANCE", name="finance-ops", grants=GRANTS)
    policy = Policy(channels={"C0FINANCE": channel}, digest="digest")
    setup = Setup(providers=PROVIDERS, standing=Standing(connections=CONNECTIONS, policy=policy))
    return Launching(ports=ports, setup=setup, ring=lambda: None, holder=holder, lease=LEASE)


# --- the machine ---------------------------------------------------------------------------------------------------------

lives = st.integers(0, 1)
picks = st.integers(0, 1000)
steps = st.sampled_from([1000, 0])


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What befalls a bot at a bad moment. ``gates`` of its work go before: lease, save, send, answer, save; it also draws lots."""

    kind: str
    number: int
    fate: str
    which: int
    gates: int


troubles = st.builds(
    Trouble,
    kind=st.sampled_from(["answer_lost", "taken_for_dead", "dead", "dead_over_a_command"]),
    number=st.integers(0, 14),
    fate=st.sampled_from(STARTS),
    which=lives,
    gates=st.integers(0, 6),
)


class Reliability(RuleBasedStateMachine):
    """Rules are what may befall; invariants are what was promised."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FrozenClock()
        self.store: Any = open_store(self.address())
        self.run(self.store.migrate())
        self.memory = self.planted(self.store)
        self.site, self.wall = Site(self.clock), Wall()
        self.born = 0
        self.lives = [self.new_life(), self.new_life()]
        self.asked: set[str] = set()
        self.accepted: set[str] = set()
        self.wishes: defaultdict[str, int] = defaultdict(int)
        self.ended: dict[str, tuple[State, int]] = {}

    def address(self) -> str:
        """Where its store is: a new one each time."""
        return "sqlite://"

    def planted(self, store: Any) -> Any:
        """The store as the bots have it: itself, or with a fault around it that the machine is to find."""
        return store

    def new_life(self) -> Life:
        self.born += 1
        return Life(f"bot-{self.born}", self.memory, self.site, self.wall, self.clock)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def launches(self) -> list[Launch]:
        return self.run(self.store.recent(channel_id="C0FINANCE", limit=100))

    def picked(self, pick: int) -> str:
        known = sorted(launch.launch_id for launch in self.launches())
        return known[pick % len(known)] if known else "L-00000"

    async def do(self, life: Life, work: Coroutine[Any, Any, Any], gates: int = 0) -> None:
        life.begin(work)
        await life.settle()
        await self.let_go(life, gates)

    async def hear(self, life: Life, delivery: Delivery) -> None:
        self.asked.add(delivery.key)
        is_new = await life.launching.record(delivery)
        self.accepted.add(delivery.key)
        if is_new:
            await life.door.carry(delivery)

    # --- what people do ---

    @rule(number=st.integers(0, 6), which=lives, gates=steps)
    def a_command_is_delivered_once_or_again(self, number: int, which: int, gates: int) -> None:
        text = f"{ASKED[number % len(ASKED)]} 396"
        delivery = a_delivery(key=f"command:{number}", text=text, received_at=self.clock.now())
        self.run(self.do(self.lives[which], self.hear(self.lives[which], delivery), gates))

    @rule(number=st.integers(0, 4), fate=st.sampled_from(STARTS), which=lives, gates=steps)
    def a_start_goes_like_this(self, number: int, fate: str, which: int, gates: int) -> None:
        self.a_command_is_delivered_once_or_again(number=number, which=which, gates=1000)
        self.site.fates = [fate]
        self.a_bot_takes_up_what_is_due(kind="launches", which=which, gates=gates)

    @rule(pick=picks, which=lives, gates=steps)
    def a_cancel_is_asked(self, pick: int, which: int, gates: int) -> None:
        launch_id = self.picked(pick)
        self.wishes[launch_id] += 1
        key = f"cancel:{launch_id}:{self.wishes[launch_id]}"
        delivery = a_delivery(key=key, text=f"cancel {launch_id}", received_at=self.clock.now())
        self.run(self.do(self.lives[which], self.hear(self.lives[which], delivery), gates))

    @rule(pick=picks, run=picks, how=st.sampled_from(["it_did_not", "look_again", "it_ran"]), which=lives)
    def a_person_settles_a_doubt(self, pick: int, run: int, how: str, which: int) -> None:
        doubts = [launch for launch in self.launches() if launch.state is State.IN_DOUBT]
        if not doubts:
            return
        launch, launching = doubts[pick % len(doubts)], self.lives[which].launching
        mine = self.site.of(launch)
        if how == "it_did_not" and mine is not None:
            how = "it_ran"  # people look before they speak
        runs = [one.run_id for one in self.site.runs if one.connection == launch.connection] or ["R-none"]
        named = (runs[run % len(runs)],) if how == "it_ran" else ()
        press = a_delivery(key=f"button:{launch.launch_id}:{launch.version}", kind="button", received_at=self.clock.now())
        self.run(self.do(self.lives[which], getattr(launching, how)(press, launch.launch_id, *named)))

    # --- what the bots do ---

    @rule(kind=st.sampled_from(["launches", "launches", "tellings", "deliveries"]), which=lives, gates=steps)
    def a_bot_takes_up_what_is_due(self, kind: str, which: int, gates: int) -> None:
        life = self.lives[which]
        self.run(self.do(life, life.take_up(kind), gates))

    @rule(which=lives, gates=st.integers(1, 12))
    def a_bot_goes_on_for_some_steps(self, which: int, gates: int) -> None:
        self.run(self.let_go(self.lives[which], gates))

    @rule(which=lives)
    def a_bot_finishes_what_it_began(self, which: int) -> None:
        self.run(self.let_go(self.lives[which], 1000))

    async def let_go(self, life: Life, gates: int) -> None:
        while gates and life.gates:
            gates -= 1
            life.gates.pop(0).set_result(None)
            await life.settle()

    @rule(which=lives)
    def a_bot_crashes_and_another_takes_its_place(self, which: int) -> None:
        self.run(self.lives[which].crash())
        self.lives[which] = self.new_life()

    # --- what goes wrong in a certain order: left to chance it would hardly ever come about ---

    @initialize(troubles=st.lists(troubles, min_size=2, max_size=5))
    def it_begins_with_trouble(self, troubles: list[Trouble]) -> None:
        for trouble in troubles:
            self.trouble_comes_at_a_bad_moment(trouble)

    @rule(trouble=troubles)
    def trouble_comes_at_a_bad_moment(self, trouble: Trouble) -> None:
        getattr(self, trouble.kind)(trouble)

    def answer_lost(self, trouble: Trouble) -> None:
        """After a start of the same kind that went well one is lost, and a bot follows it up: as soon as it may, or later."""
        self.a_start_goes_like_this(number=trouble.number + len(ASKED), fate="accepted", which=trouble.which, gates=1000)
        self.a_start_goes_like_this(number=trouble.number, fate=STARTS[-1 - trouble.gates % 3], which=trouble.which, gates=1000)
        self.time_passes_and_leases_are_renewed_or_lapse(seconds=3 if trouble.gates % 2 else 20, is_renewed=True)
        self.a_bot_takes_up_what_is_due(kind="launches", which=trouble.gates % 2, gates=1000)

    def taken_for_dead(self, trouble: Trouble) -> None:
        """A bot stands still while it starts, another one takes its launch, and the first goes on."""
        self.a_start_goes_like_this(number=trouble.number, fate=trouble.fate, which=trouble.which, gates=trouble.gates)
        self.time_passes_and_leases_are_renewed_or_lapse(seconds=20, is_renewed=False)
        self.a_bot_takes_up_what_is_due(kind="launches", which=1 - trouble.which, gates=1000)
        self.a_bot_finishes_what_it_began(which=trouble.which)

    def dead(self, trouble: Trouble) -> None:
        """A bot dies while it starts, and another one takes its launch."""
        self.a_start_goes_like_this(number=trouble.number, fate=trouble.fate, which=trouble.which, gates=trouble.gates)
        self.a_bot_crashes_and_another_takes_its_place(which=trouble.which)
        self.time_passes_and_leases_are_renewed_or_lapse(seconds=20, is_renewed=False)
        self.a_bot_takes_up_what_is_due(kind="launches", which=1 - trouble.which, gates=1000)

    def dead_over_a_command(self, trouble: Trouble) -> None:
        """A bot dies while it carries out a command; Slack may deliver it again to the other one."""
        self.a_command_is_delivered_once_or_again(number=trouble.number, which=trouble.which, gates=trouble.gates)
        self.a_bot_crashes_and_another_takes_its_place(which=trouble.which)
        if trouble.gates % 2:
            self.a_command_is_delivered_once_or_again(number=trouble.number, which=1 - trouble.which, gates=1000)

    # --- what the world does ---

    @rule(seconds=st.sampled_from([1, 3, 10, 20, 61, 700, 4000]), is_renewed=st.booleans())
    def time_passes_and_leases_are_renewed_or_lapse(self, seconds: int, is_renewed: bool) -> None:
        until = self.clock.move(seconds=seconds) + LEASE
        for life in self.lives:
            if is_renewed:
                self.run(self.store.renew_leases(holder=life.holder, until=until))
            elif seconds >= LEASE.total_seconds():
                life.tear()

    @rule(fates=st.lists(st.sampled_from(STARTS), min_size=1, max_size=3))
    def starts_will_go_like_this(self, fates: list[str]) -> None:
        self.site.fates = fates

    @rule(fates=st.lists(st.sampled_from(POSTS), min_size=1, max_size=3))
    def posts_will_go_like_this(self, fates: list[str]) -> None:
        self.wall.fates = fates

    @rule(pick=picks, outcome=st.sampled_from([Outcome.SUCCEEDED, Outcome.FAILED]))
    def a_run_appears_or_ends(self, pick: int, outcome: Outcome) -> None:
        if self.site.runs:
            run = self.site.runs[pick % len(self.site.runs)]
            run.outcome = run.outcome if run.is_hidden else run.outcome or outcome
            run.is_hidden = False

    # --- what was promised ---

    @invariant()
    def a_launch_runs_once_at_most(self) -> None:
        runs = Counter(run.launch_id for run in self.site.runs)
        assert all(count == 1 for count in runs.values()), f"one launch ran more than once: {runs}"

    @invariant()
    def a_command_causes_one_launch_at_most(self) -> None:
        commands_asked = [key for key in self.asked if key.startswith("command:")]
        assert len(self.launches()) <= len(commands_asked), f"{len(commands_asked)} commands, {len(self.launches())} launches"

    @invariant()
    def nothing_leaves_a_final_state(self) -> None:
        for launch in self.launches():
            events = self.run(self.store.events(launch.launch_id))
            state = State.QUEUED
            for event in events[1:]:
                assert not state.is_final, (launch.launch_id, [one.kind for one in events])
                assert (state, event.kind) in TRANSITIONS, f"{launch.launch_id}: {event.kind} is no step from {state}"
                state = TRANSITIONS[state, event.kind]
            assert state is launch.state
            before = self.ended.get(launch.launch_id, (launch.state, len(events)))
            assert before == (launch.state, len(events))
            if launch.state.is_final:
                self.ended[launch.launch_id] = before

    @invariant()
    def a_run_belongs_to_one_launch(self) -> None:
        bound = Counter((launch.connection, launch.run_id) for launch in self.launches() if launch.run_id)
        assert all(count == 1 for count in bound.values()), f"one run belongs to several launches: {bound}"

    @invariant()
    def nothing_is_posted_twice_without_cause(self) -> None:
        for launch_id, count in self.wall.cards.items():
            assert count <= 1 + self.wall.torn[launch_id], f"{launch_id}: {count} cards"
        for (launch_id, seq), count in self.wall.lines.items():
            excuses = self.wall.torn[launch_id] + self.wall.lost[launch_id]
            assert count <= 1 + excuses, f"{launch_id}: line {seq} stands {count} times"

    def teardown(self) -> None:
        try:
            self.run(self.after_the_storm())
            self.a_launch_runs_once_at_most()
            self.nothing_leaves_a_final_state()
            self.a_run_belongs_to_one_launch()
            self.nothing_is_posted_twice_without_cause()
            self.every_launch_is_over_and_told()
            self.every_delivery_that_was_kept_had_an_effect()
        finally:
            for life in self.lives:
                self.run(life.crash())
            self.run(self.store.close())
            self.loop.close()

    async def after_the_storm(self) -> None:
        """The world recovers, both bots finish, and one of them goes on for some hours."""
        self.site.fates, self.wall.fates = [], []
        for life in self.lives:
            await self.let_go(life, 1000)
            life.is_gated = False
        for _ in range(60):
            self.clock.move(seconds=400)
            for run in self.site.runs:
                run.is_hidden, run.outcome = False, run.outcome or Outcome.SUCCEEDED
            for kind in ("deliveries", "launches", "tellings"):
                for life in self.lives:
                    await life.take_up(kind)
                    await life.settle()
            if await self.is_quiet():
                return

    async def is_quiet(self) -> bool:
        dues = [await self.store.next_due(), await self.store.next_telling(), await self.store.next_delivery()]
        return not any(dues)

    def every_delivery_that_was_kept_had_an_effect(self) -> None:
        """Acknowledged means kept; and also what was kept by a bot that died before it could say so is carried out."""
        kept = {key for key in self.asked if self.run(self.store.delivery(key)) or self.run(self.store.caused_by(key))}
        assert self.accepted <= kept, "acknowledged, and not kept"
        idle = [key for key in sorted(kept - self.wall.answered) if not self.run(self.caused(key))]
        assert not idle, f"kept, without any effect: {idle}"

    async def caused(self, key: str) -> bool:
        """Whether this delivery caused a launch (creating it again answers with that one, and writes nothing), or a wish to stop."""
        if key.startswith("cancel:"):
            kinds = {event.kind for event in await self.store.events(key.split(":")[1])}
            return bool(kinds & {EventKind.CANCEL_ASKED, EventKind.CANCELLED})
        known = {launch.launch_id for launch in await self.store.recent(channel_id="C0FINANCE", limit=100)}
        probe = f"L-AGAIN-{key}"
        again = a_launch(launch_id=probe, channel_id="C0NOWHERE")
        before = await self.store.create(again, an_event(launch_id=probe), delivery_key=key)
        return before is not None and before.launch_id in known

    def every_launch_is_over_and_told(self) -> None:
        for launch in self.launches():
            assert launch.state.is_final or launch.state is State.IN_DOUBT, launch
            if not launch.state.is_final:
                continue
            last = self.run(self.store.events(launch.launch_id))[-1]
            in_thread = self.wall.lines[launch.launch_id, last.seq]
            told = in_thread + self.wall.direct[launch.launch_id, launch.state]
            assert told >= 1, f"{launch.launch_id} is {launch.state}, and nobody was told"
            excuses = self.wall.torn[launch.launch_id] + self.wall.lost[launch.launch_id]
            assert told <= 1 + excuses, f"{launch.launch_id}: its end was told {told} times"


class ReliabilityOnPostgres(Reliability):
    """The same two bots on one Postgres."""

    def address(self) -> str:
        """A database of its own."""
        return migrated_database()


TestReliability = Reliability.TestCase
TestReliability.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)
TestReliabilityOnPostgres = ReliabilityOnPostgres.TestCase
TestReliabilityOnPostgres.settings = settings(max_examples=8, stateful_step_count=25, deadline=None)
