"""Keeps the mirror of every credential true: probes at start, by timer and after a refusal, and tells operators what changed.

Decides nothing: domain/learning says what an answer teaches, domain/drift where policy and credential part.

Why what was told is not stored: the mirror itself is shared and durable, and what is news is the difference between what it said
before a probe and what it says after. So a restart tells nothing twice, and of several replicas only the one that learnt it tells.
The price: who dies after learning and before telling leaves it to ``/launch access`` and the gauge, which show what holds.

Why a policy that was replaced is news as well: with it, grants change and holdings do not. Whoever probes first afterwards tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from prometheus_client import Gauge

from bot.domain.drift import Drift, DriftKind, changed, drifts
from bot.domain.errors import LookupFailedError, StoreUnavailableError, ThreadError
from bot.domain.grants import Policy
from bot.domain.holdings import WHOLE, Mirror
from bot.domain.learning import is_better_known, is_refusal, learnt_from_probe, learnt_from_refusal, learnt_from_start
from bot.domain.model import Connection, Launch, Workflow
from bot.domain.provider import Accepted, Answer, Completed, Held, ProbeAnswer, Provider, Unauthorised, Unreachable, Unsupported
from bot.domain.standing import Standing
from bot.ports import Clock, Definitions, Store, Thread, Wire
from bot.surfaces.drift_notices import say_drift
from bot.surfaces.say import Say
from bot.worker.once import Once, name_of

PROBE_EVERY = timedelta(minutes=5)
JUST_NOW = timedelta(seconds=30)
"""A probe by another replica that is no older will do at a start."""
LEAST_BETWEEN = timedelta(seconds=10)
"""Between two probes of one connection, however many launches are refused."""
AGAIN_AFTER = timedelta(seconds=30)
BESIDE_ANOTHER = timedelta(seconds=2)
"""While another replica probes the same connection."""
PATIENCE_S = 20.0
"""A probe is given up after that, however patient the connection is: a bot that stops must not wait for it."""
MOST_UNTOLD = 20
JITTER_SHARE = 0.1

_log = structlog.get_logger("gonogo.mirror")
DRIFT = Gauge(
    "gonogo_scope_drift",
    "Scopes on which the policy and a connection's credential differ, on how many workflows (1: on the whole credential)",
    ["connection", "scope", "kind"],
)


@dataclass
class _Turn:
    """One connection's place in the round.

    ``before`` is what was so when a refusal was learnt that no look has told of yet. ``policy`` is the one that was last told by;
    ``noticed_at`` when this replica first saw another.
    """

    probe_at: datetime
    policy: Policy
    noticed_at: datetime
    credential_mark: str = ""
    tell_at: datetime | None = None
    probed_at: datetime | None = None
    is_asked: bool = False
    is_at_work: bool = False
    has_refusals: bool = True
    before: tuple[Drift, ...] | None = None
    untold: list[tuple[str, Say]] = field(default_factory=list[tuple[str, Say]])

    @property
    def due_at(self) -> datetime:
        return self.probe_at if self.tell_at is None else min(self.probe_at, self.tell_at)


@dataclass(kw_only=True)
class Mirroring:
    """The work of the mirroring loop; a piece is a connection's name. ``every`` is how often a connection is probed.

    ``definitions`` tell the names of workflows that are not configured, for grants that name workflows by name.
    """

    store: Store
    wire: Wire
    thread: Thread
    clock: Clock
    providers: Mapping[str, Provider]
    standing: Standing
    definitions: Definitions | None = None
    every: timedelta = PROBE_EVERY
    once: Once | None = None
    at_once: int = 8
    patience_s: float = PATIENCE_S
    _turns: dict[str, _Turn] = field(default_factory=dict[str, _Turn], init=False)
    _names: dict[str, dict[str, Workflow]] = field(default_factory=dict[str, dict[str, Workflow]], init=False)
    _shown: dict[str, set[tuple[str, str]]] = field(default_factory=dict[str, set[tuple[str, str]]], init=False)

    async def claim(self, limit: int) -> Sequence[str]:
        """Connections whose probe is due, or whose operators are still to be told."""
        now, names = self.clock.now(), self.standing.names()
        for name in self._turns.keys() - set(names):
            del self._turns[name]
            self._show(name, ())
        for name, connection in self.standing.connections.items():
            self._notice_credential(self._turn(name), connection)
        due = [name for name in names if not self._turn(name).is_at_work and self._turn(name).due_at <= now][:limit]
        for name in due:
            self._turn(name).is_at_work = True
        return due

    async def act(self, name: str, /) -> None:
        """Tell what is untold, and look at one connection where it is its turn."""
        turn, now = self._turn(name), self.clock.now()
        is_turn = turn.probe_at <= now
        if is_turn:
            turn.probe_at = now + self.every * (1 + JITTER_SHARE * self.clock.jitter())
        try:
            if is_turn:
                await self._look_in_turn(name, turn)
            await self._tell(name, turn)
        except StoreUnavailableError as error:
            turn.probe_at = self.clock.now() + AGAIN_AFTER
            _log.warning("mirror_not_kept", connection=name, error=str(error))
        finally:
            turn.is_at_work = False

    async def give_back(self, name: str, /) -> None:
        """Look again a little later, if the connection is still configured."""
        turn = self._turns.get(name)
        if turn is not None:
            turn.probe_at = self.clock.now() + AGAIN_AFTER

    async def next_due(self) -> datetime | None:
        """When the next connection has its turn."""
        return min((turn.due_at for turn in self._turns.values() if not turn.is_at_work), default=None)

    async def heard(self, launch: Launch, answer: Answer, *, verb: str = "start") -> None:
        """Learn from the answer to a start (or another ``verb``) of a launch what it says of scopes. Never raises."""
        if isinstance(answer, Unauthorised):
            await self.refused(launch, answer, verb=verb)
        elif isinstance(answer, Accepted | Completed) and verb == "start":
            await self._taken(launch)

    async def refused(self, launch: Launch, answer: Answer, *, verb: str = "start") -> None:
        """Keep what a refusal for scope teaches, and have the connection probed at once. Never raises; ignores other answers.

        The loop wakes by itself when a launch was acted on, so nothing needs to be rung.
        """
        name = launch.connection
        if not isinstance(answer, Unauthorised) or name not in self.standing.connections:
            return
        turn, now = self._turn(name), self.clock.now()
        try:
            await self._keep_refusal(launch, answer, turn, verb)
        except StoreUnavailableError as error:
            _log.warning("refusal_not_kept", launch_id=launch.launch_id, connection=name, error=str(error))
        turn.is_asked = True
        turn.probe_at = now if turn.probed_at is None else max(now, turn.probed_at + LEAST_BETWEEN)

    async def _keep_refusal(self, launch: Launch, answer: Unauthorised, turn: _Turn, verb: str) -> None:
        holding = learnt_from_refusal(launch, answer, self.clock.now(), verb=verb)
        if holding is None:
            return
        mirror = await self.store.mirror(launch.connection)
        if is_better_known(mirror.holdings.get((holding.scope, holding.workflow_id)), holding):
            return
        if turn.before is None:
            turn.before = self._drifts(launch.connection, turn.policy, mirror)
        turn.has_refusals = True
        await self.store.keep_mirror(launch.connection, (holding,))

    async def _taken(self, launch: Launch) -> None:
        """A start that was taken ends what an earlier refusal taught; where none is known, nothing is read."""
        connection = self.standing.connections.get(launch.connection)
        turn = None if connection is None else self._turn(launch.connection)
        if connection is None or turn is None or not turn.has_refusals:
            return
        workflow = Workflow(workflow_id=launch.workflow_id, name=launch.workflow_name, extras=launch.extras)
        needed = self.providers[connection.provider].needed_scopes("launch", workflow)
        try:
            mirror = await self.store.mirror(connection.name)
            holdings = learnt_from_start(launch, needed, mirror, self.clock.now())
            if holdings:
                if turn.before is None:
                    turn.before = self._drifts(connection.name, turn.policy, mirror)
                await self.store.keep_mirror(connection.name, holdings)
                turn.is_asked, turn.probe_at = True, self.clock.now()
        except StoreUnavailableError as error:
            _log.warning("start_not_learnt_from", launch_id=launch.launch_id, connection=connection.name, error=str(error))

    async def _look_in_turn(self, name: str, turn: _Turn) -> None:
        """One replica after the other: who comes next finds what the one before has learnt, and told."""
        if self.once is None:
            await self._look(name, turn)
            return
        async with self.once.turn(f"probe {name}", timedelta(seconds=2 * self.patience_s)) as is_ours:
            if is_ours:
                await self._look(name, turn)
            else:
                turn.probe_at = self.clock.now() + BESIDE_ANOTHER

    async def _look(self, name: str, turn: _Turn) -> None:
        """Probe a connection unless another replica just did; keep, compare, and have told what is new."""
        connection, policy = self.standing.connections.get(name), self.standing.policy
        if connection is None:
            return
        now = self.clock.now()
        if policy.digest == turn.policy.digest:
            turn.noticed_at = now
        mirror = await self.store.mirror(name)
        seen_at = max((one.seen_at for one in mirror.holdings.values() if one.lapses_at is None), default=None)
        if not turn.is_asked and seen_at is not None and now - seen_at < self._fresh_for(turn):
            if seen_at > turn.noticed_at:  # whoever probed then has told by the new policy
                turn.policy = policy
            turn.probed_at = turn.probed_at or seen_at
            await self._learn_names(connection, mirror)
            self._show(name, self._drifts(name, policy, mirror, now))
            return
        turn.is_asked, turn.probed_at = False, now
        await self._compare(name, turn, policy, await self._probe(connection))

    async def _probe(self, connection: Connection) -> ProbeAnswer:
        try:
            async with asyncio.timeout(self.patience_s):
                return await self.wire.perform(connection.name, self.providers[connection.provider].probe(connection))
        except TimeoutError:
            return Unreachable(is_possibly_applied=False, detail=f"no answer within {self.patience_s:g} s")

    async def _learn_names(self, connection: Connection, mirror: Mirror) -> None:
        """Names, once known, are kept: a workflow that was taken from us is in no list any more."""
        names = self._names.setdefault(connection.name, {})
        ids = {one.workflow_id for one in mirror.holdings.values()} - {WHOLE, *names, *connection.workflows}
        if not ids or self.definitions is None:
            return
        try:
            names |= {workflow.workflow_id: workflow for workflow in await self.definitions.known(connection)}
        except LookupFailedError as error:
            _log.info("names_not_learnt", connection=connection.name, error=str(error))

    async def _compare(self, name: str, turn: _Turn, policy: Policy, answer: ProbeAnswer) -> None:
        """Read anew what was known: another replica may have learnt, and told, the same meanwhile."""
        now, known = self.clock.now(), await self.store.mirror(name)
        connection = self.standing.connections.get(name)
        if connection is None:
            return
        await self._learn_names(connection, known)
        before = self._drifts(name, turn.policy, known) if turn.before is None else turn.before
        if isinstance(answer, Held):
            await self.store.keep_mirror(name, learnt_from_probe(name, answer, known, now), identity=answer.identity)
            known = await self.store.mirror(name)
            await self._learn_names(connection, known)
        elif not isinstance(answer, Unsupported):
            _log.warning("probe_failed", connection=name, answer=type(answer).__name__, code=getattr(answer, "code", None))
        self._show(name, self._drifts(name, policy, known, now))
        change = changed(before, self._drifts(name, policy, known))
        turn.before, turn.policy = None, policy
        turn.has_refusals = any(map(is_refusal, known.holdings.values()))
        if change:
            keys = {"appeared": [one.key for one in change.appeared], "mended": [one.key for one in change.mended]}
            _log.warning("scope_drift", connection=name, **keys)
            turn.untold = [*turn.untold, (name_of(f"drift {name}", repr(keys)), say_drift(name, change))][-MOST_UNTOLD:]

    async def _tell(self, name: str, turn: _Turn) -> None:
        """Tell the operators in order; what Slack does not take now is told later, also by a message that may stand twice."""
        turn.tell_at = None
        while turn.untold:
            try:
                await self._tell_once(*turn.untold[0])
            except ThreadError as error:
                _log.warning("operators_not_told", connection=name, error=error.code, is_permanent=error.is_permanent)
                if not error.is_permanent:
                    turn.tell_at = self.clock.now() + max(AGAIN_AFTER, timedelta(seconds=error.retry_after_s or 0))
                    return
            turn.untold.pop(0)

    async def _tell_once(self, name: str, say: Say) -> None:
        """Two replicas that were refused at the same moment know the same before, and find the same after, if not at the same time."""
        telling = self.thread.tell_operators(say)
        if self.once is None:
            await telling
        else:
            await self.once.tell(name, telling, again_after=AGAIN_AFTER)

    def _turn(self, name: str) -> _Turn:
        turn = self._turns.get(name)
        if turn is None:
            now, mark = self.clock.now(), self.standing.named(name).credential_mark
            turn = _Turn(probe_at=now, policy=self.standing.policy, noticed_at=now, credential_mark=mark)
            self._turns[name] = turn
        return turn

    def _notice_credential(self, turn: _Turn, connection: Connection) -> None:
        """What another credential held says nothing of this one."""
        if turn.credential_mark != connection.credential_mark:
            turn.credential_mark, turn.is_asked, turn.probe_at = connection.credential_mark, True, self.clock.now()

    def _fresh_for(self, turn: _Turn) -> timedelta:
        return JUST_NOW if turn.probed_at is None else self.every / 2

    def _drifts(self, name: str, policy: Policy, mirror: Mirror, now: datetime | None = None) -> tuple[Drift, ...]:
        connection: Connection | None = self.standing.connections.get(name)
        if connection is None:
            return ()
        names = self._names.get(name, {})
        return drifts(policy, connection, self.providers[connection.provider], mirror, now=now, workflows=names)

    def _show(self, name: str, found: Sequence[Drift]) -> None:
        """Set the gauges, and to 0 those that were set before and are no more."""
        counts: dict[tuple[str, str], int] = {}
        for drift in found:
            counts[drift.scope, drift.kind] = counts.get((drift.scope, drift.kind), 0) + 1
        for scope, kind in self._shown.get(name, set()) | counts.keys():
            DRIFT.labels(connection=name, scope=scope, kind=DriftKind(kind).value).set(counts.get((scope, kind), 0))
        self._shown[name] = set(counts)
