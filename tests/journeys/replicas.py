"""Several replicas on one Postgres, between the stand-ins: killed in turn, paused and woken, their database stopped and started.

`uv run python -m tests.journeys.replicas --launches 2000` prints what came of it; `--throughput` measures three replicas beside one.

Each replica is a process of its own, as `gonogo run` starts it; all receive over Socket Mode, which gives each payload to one of them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import resource
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import yaml

from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.workspace import Message, Workspace
from bot.sandbox.world import CONFIGURATION, STARTS_WITHIN_S, Sandbox
from bot.store import open_store
from tests.journeys.storm import (
    FAULT_EVERY,
    FIRST_NUMBER,
    MORTAL,
    PEOPLE,
    PROVIDER_FAULTS,
    RUN_S,
    SLACK_FAULTS,
    TYPED,
    Asked,
    Count,
    Counting,
    KeptOnPostgres,
    Storm,
    eventually,
)
from tests.postgres_server import Server, a_server

PRODUCT = ("-m", "bot", "run")
REPLICAS = 3
ROUND_S = 70.0
"""About how long one round of ills takes, with the product's lease."""
LINES = """
SELECT launch_id, event_seq, ts FROM outbox WHERE ts IS NOT NULL AND ts <> '' ORDER BY launch_id, event_seq
"""
STARTED = "SELECT count(*) FROM launches WHERE run_id IS NOT NULL OR state IN ('succeeded', 'failed', 'ended', 'in_doubt')"
SLACK_FAULTS_BUT_LIMITS = [fault for fault in SLACK_FAULTS if fault[1] != SlackFault.limited(1)]
TICKS = os.sysconf("SC_CLK_TCK")


class Replica:
    """One process of the bot; ``number`` names its log."""

    def __init__(self, sandbox: Sandbox, number: int, program: Sequence[str]) -> None:
        self._sandbox = sandbox
        self._program = program
        self._log = sandbox.log_path.with_name(f"bot-{number}.log")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until its sockets are open."""
        sockets = self._sandbox.slack.sockets
        before = sockets.count
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._program,
                cwd=self._log.parent,
                env=self._sandbox._environment(),  # pyright: ignore[reportPrivateUsage]  # as the sandbox starts its own
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        process = self._process
        await eventually(
            lambda: sockets.count > before or process.returncode is not None, STARTS_WITHIN_S, "no replica reached Slack"
        )
        if process.returncode is not None:
            raise AssertionError(f"a replica ended with {process.returncode}: {self.said()}")

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to end, and wait until it has drained."""
        await self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Freeze it where it stands."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def cpu_s(self) -> float:
        """What it has used of a processor so far."""
        return cpu_s(self._process.pid) if self._process is not None and self._process.returncode is None else 0.0

    def said(self) -> str:
        """The end of its log."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:]

    async def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self.wake()
            self._signal(how)
            await self._process.wait()

    def _signal(self, which: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(which)


@dataclass
class Fleet:
    """Stand-ins, a Postgres, and replicas between them."""

    sandbox: Sandbox
    server: Server
    replicas: list[Replica]
    kept: KeptOnPostgres

    async def restart_database(self, away_s: float, how: signal.Signals = signal.SIGQUIT) -> None:
        """The database crashes, and is back after a while."""
        await asyncio.to_thread(self.server.stop, how)
        await asyncio.sleep(away_s)
        await asyncio.to_thread(self.server.start)


@asynccontextmanager
async def a_fleet(
    folder: Path, *, replicas: int = REPLICAS, lease_s: float | None = None, run_s: float = RUN_S
) -> AsyncGenerator[Fleet]:
    """Start everything. ``lease_s``: a shorter lease than the product's, by a program that is the product but for that."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(a_server())
        url = server.new_database()
        async with open_store(url) as store:
            await store.migrate()
        settings = {"GONOGO_DATABASE_URL": url} | ({} if lease_s is None else {"GONOGO_LEASE_S": str(lease_s)})
        sandbox = Sandbox(folder, run_s=run_s, configuration=without_limits(folder), settings=settings)
        await sandbox.providers.start()
        stack.push_async_callback(sandbox.providers.stop)
        await sandbox.slack.start()
        stack.push_async_callback(sandbox.slack.stop)
        program = PRODUCT if lease_s is None else MORTAL
        fleet = Fleet(sandbox, server, [Replica(sandbox, n, program) for n in range(replicas)], KeptOnPostgres(url=url))
        for replica in fleet.replicas:
            stack.push_async_callback(replica.kill)
            await replica.start()
        yield fleet


def without_limits(folder: Path) -> Path:
    """The demo's configuration, whose limits of use are for people and not for a storm."""
    document = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    for channel in document["channels"].values():
        for grant in channel["grants"]:
            grant.pop("limits", None)
    path = folder / "gonogo.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


# --- what happens to them --------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Ills:
    """What befalls the replicas while people launch: each is killed in turn, one paused beyond its lease, the database stopped."""

    pause_s: float
    away_s: float
    rest_s: float
    rounds: int = 1

    async def befall(self, fleet: Fleet) -> None:
        """All of it, ``rounds`` times."""
        for _ in range(self.rounds):
            for replica in fleet.replicas:
                await asyncio.sleep(self.rest_s)
                await replica.kill()
                await asyncio.sleep(self.rest_s / 2)
                await replica.start()
            await asyncio.sleep(self.rest_s)
            fleet.replicas[0].pause()
            await asyncio.sleep(self.pause_s)
            fleet.replicas[0].wake()
            await asyncio.sleep(self.rest_s)
            await fleet.restart_database(self.away_s)
            await asyncio.sleep(self.rest_s)
            await fleet.replicas[-1].stop()  # a rolling restart is the gentle one
            await fleet.replicas[-1].start()


@dataclass
class Squall(Storm):
    """A storm that ends after so many commands."""

    wanted: int = 0
    pause_s: float = 0.3

    async def _launches(self, user_id: str) -> None:
        while self.last_number < FIRST_NUMBER + self.wanted:
            await asyncio.sleep(self.chance.uniform(0, 2 * self.pause_s))
            self._faults()
            await self.launch(user_id)

    def _faults(self) -> None:
        """As in a storm, but for Slack's limits: after one refusal the documented rate holds, and all would wait for minutes."""
        if not self.chance.randrange(FAULT_EVERY):
            provider, fault = self.chance.choice(sorted(TYPED)), self.chance.choice(PROVIDER_FAULTS)
            self.sandbox.providers.fault(provider, fault, verb="start")
        if not self.chance.randrange(FAULT_EVERY):
            method, slack_fault = self.chance.choice(SLACK_FAULTS_BUT_LIMITS)
            self.sandbox.slack.fault(method, slack_fault)

    async def launch(self, user_id: str) -> Asked:
        """One command, on a provider that chance picks."""
        provider = self.chance.choice(sorted(TYPED))
        channel_id, typed = TYPED[provider]
        self.last_number += 1
        number = self.last_number
        first = await self.sandbox.slack.command(user_id, channel_id, typed.format(number))
        asked = Asked(number=number, provider=provider, user_id=user_id, channel_id=channel_id, first=first)
        self.asked.append(asked)
        return asked

    async def blows(self, fleet: Fleet, ills: Ills, people: int) -> None:
        """People launch while ill befalls the fleet; then everything settles."""
        typing = [asyncio.create_task(self._launches(PEOPLE[n % len(PEOPLE)])) for n in range(people)]
        await ills.befall(fleet)
        await asyncio.gather(*typing)
        self.sandbox.slack.faults.clear()
        await self._settles()


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What came of a squall: the storm's figures, and threads whose lines are out of order."""

    count: Count
    disordered: list[str]
    took_s: float

    @property
    def is_good(self) -> bool:
        return self.count.is_good and not self.disordered

    def __str__(self) -> str:
        return "\n".join(
            [
                str(self.count),
                f"threads disordered {len(self.disordered)}",
                *(f"  {each}" for each in self.disordered[:20]),
                f"took              {self.took_s:.0f} s",
            ]
        )


def disordered(fleet: Fleet) -> list[str]:
    """Threads in which a line stands before one that tells what happened earlier, by what is kept and by what people see."""
    stood: dict[str, list[tuple[int, str]]] = {}
    for launch_id, seq, ts in fleet.kept.rows(LINES):
        stood.setdefault(launch_id, []).append((seq, ts))
    found = [
        f"{launch_id}: {lines}" for launch_id, lines in stood.items() if [ts for _, ts in lines] != sorted(ts for _, ts in lines)
    ]
    workspace = fleet.sandbox.slack.workspace
    for channel_id in sorted({channel_id for channel_id, _ in TYPED.values()}):
        found += [
            f"{card.text[:60]}: {lines}" for card in workspace.messages(channel_id) if (lines := backwards(workspace, card))
        ]
    return found


END = re.compile("Succeeded|Failed|Cancelled|Ended")


def backwards(workspace: Workspace, card: Message) -> list[str]:
    """The lines of a thread in which something follows the end; none where all is well."""
    lines = [message.text for message in workspace.thread(card.channel_id, card.ts)]
    ends = [place for place, text in enumerate(lines) if END.match(text)]
    is_well = not ends or len(set(lines[ends[0] :])) == 1
    return [] if is_well else lines


async def play(
    folder: Path,
    *,
    launches: int,
    people: int,
    pause_s: float,
    ills: Ills,
    lease_s: float | None,
    seed: int,
    quiet_s: float = 8.0,
) -> Figures:
    """One squall over three replicas."""
    async with a_fleet(folder, lease_s=lease_s) as fleet:
        chance = random.Random(seed)  # noqa: S311 - no secret
        squall = Squall(fleet.sandbox, fleet.kept, chance, wanted=launches, pause_s=pause_s, quiet_s=quiet_s)
        began = monotonic()
        await squall.blows(fleet, ills, people)
        took_s = monotonic() - began
        return Figures(count=Counting(squall).count(), disordered=disordered(fleet), took_s=took_s)


# --- how much three do beside one ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How fast launches were started, and told to their end; and who was busy until they were started, in processors."""

    replicas: int
    per_s: float
    told_per_s: float
    bots: float
    world: float
    database: float

    def __str__(self) -> str:
        busy = f"replicas {self.bots:.2f}, stand-ins {self.world:.2f}, Postgres {self.database:.2f}"
        rates = f"{self.per_s:.1f} launches/s started, {self.told_per_s:.1f}/s told to their end"
        return f"{self.replicas} replicas: {rates}; busy processors: {busy}"


async def rate(folder: Path, *, replicas: int, launches: int, at_once: int) -> Rate:
    """Launches to their end, as many at once as they take."""
    async with a_fleet(folder, replicas=replicas, run_s=0.0) as fleet:
        squall = Squall(sandbox=fleet.sandbox, kept=fleet.kept, chance=random.Random(1))  # noqa: S311 - no secret
        began, busy = monotonic(), _busy(fleet)
        await _typed(squall, launches, at_once)
        await eventually(lambda: fleet.kept.rows(STARTED)[0][0] >= launches, 600, "not all started")
        took_s, after = monotonic() - began, _busy(fleet)
        bots, world, database = ((now - before) / took_s for now, before in zip(after, busy, strict=True))
        await eventually(fleet.kept.is_quiet, 600, "not all ended")
        told_per_s = launches / (monotonic() - began)
        return Rate(replicas=replicas, per_s=launches / took_s, told_per_s=told_per_s, bots=bots, world=world, database=database)


async def _typed(squall: Squall, launches: int, at_once: int) -> None:
    left = iter(range(launches))

    async def types(user_id: str) -> None:
        for _ in left:
            asked = await squall.launch(user_id)
            while not asked.is_acknowledged:
                await asyncio.sleep(0.1)
                asked = await squall.launch(user_id)

    await asyncio.gather(*(types(PEOPLE[n % len(PEOPLE)]) for n in range(at_once)))


def _busy(fleet: Fleet) -> tuple[float, float, float]:
    own = resource.getrusage(resource.RUSAGE_SELF)
    database = sum(map(cpu_s, _children(fleet.server)))
    return sum(one.cpu_s() for one in fleet.replicas), own.ru_utime + own.ru_stime, database


def _children(server: Server) -> list[int]:
    """Postgres and what it has started."""
    first = int((server.data / "postmaster.pid").read_text().split("\n", 1)[0])
    listed = Path(f"/proc/{first}/task/{first}/children").read_text()
    return [first, *map(int, listed.split())]


def cpu_s(pid: int) -> float:
    """Processor time of a process so far, and of its children that have ended."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, words[11:15])) / TICKS


def main() -> int:
    """Play one squall, or measure; 1 when something was lost, doubled, disordered or told wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--launches", type=int, default=2000)
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--throughput", action="store_true", help="three replicas beside one, without ills")
    parser.add_argument("--data", type=Path, help="keep the logs here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = given.data or Path(folder)
        data.mkdir(parents=True, exist_ok=True)
        if given.throughput:
            for replicas in (1, REPLICAS, 1, REPLICAS):
                place = Path(tempfile.mkdtemp(dir=folder))
                print(asyncio.run(rate(place, replicas=replicas, launches=given.launches, at_once=given.people)), flush=True)  # noqa: T201
            return 0
        ills = Ills(pause_s=20.0, away_s=4.0, rest_s=4.0, rounds=given.rounds)
        pause_s = given.people * given.rounds * ROUND_S / given.launches
        figures = asyncio.run(
            play(data, launches=given.launches, people=given.people, pause_s=pause_s, ills=ills, lease_s=None, seed=given.seed)
        )
    print(figures)  # noqa: T201 - what the program is for
    return 0 if figures.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
