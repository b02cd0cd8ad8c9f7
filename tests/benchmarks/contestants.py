"""The programs that are measured, each as a process of its own against one world, and what the kernel says of them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import bot
from tests.benchmarks.world import CHANNEL, CONNECTIONS, MODEL, World, connection_of

CONNECTION = """\
  {name}:
    provider: domo
    base_url: "{url}"
    poll_every: {poll_every}
    credential: {{developer_token: "${{DOMO_TOKEN}}"}}
    workflows:
      {model}: {{name: Bench, version: 1.0.0, message_name: Start, inputs: {{tag: {{type: text, required: true}}}}}}
"""
GRANT = """\
      - {{connection: {name}, scopes: [EXECUTE, READ], workflows: ["*"], requesters: [members]}}
"""
BARE, NAIVE, OURS = "bare", "naive", "gonogo"
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    BARE: ("-m", "tests.benchmarks.bare"),
    NAIVE: ("-m", "tests.benchmarks.naive"),
    OURS: ("-m", "bot", "run"),
}
WATCHED = ("-m", "tests.benchmarks.watched", "run")
STARTS_WITHIN_S, STOPS_WITHIN_S = 60.0, 60.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}


class DiedError(Exception):
    """A program ended although nobody asked it to; the text is what it said last."""


@dataclass
class Contestant:
    """A running program. ``began`` is when its process was made."""

    name: str
    process: asyncio.subprocess.Process
    began: float
    log: Path

    @property
    def cpu_s(self) -> float:
        """CPU that it has used so far, all threads, in seconds; the kernel counts in hundredths."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def rss_mb(self) -> float:
        """Memory that it holds now."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * _PAGE_BYTES / 1e6

    @property
    def peak_mb(self) -> float:
        """The most memory that it ever held."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM"))


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How a program is started: its folder, how often runs are asked about, more variables, another program."""

    folder: Path
    poll_every_s: float = 1.0
    more: Mapping[str, str] = field(default_factory=dict[str, str])
    program: tuple[str, ...] | None = None

    @property
    def database(self) -> Path:
        """Our bot's database."""
        return self.folder / "gonogo.db"


@asynccontextmanager
async def running(name: str, world: World, setup: Setup) -> AsyncGenerator[Contestant]:
    """A program that is connected; leaving ends it.

    Raises:
        DiedError: it ended instead.
        TimeoutError: it did not connect in time.
    """
    setup.folder.mkdir(parents=True, exist_ok=True)
    (setup.folder / "gonogo.yaml").write_text(_configuration(world, setup), encoding="utf-8")
    log = setup.folder / f"{name}.log"
    with log.open("ab") as out:
        began = monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(setup.program or PROGRAMS[name]),
            cwd=setup.folder,
            env=_environment(world, setup),
            stdout=out,
            stderr=out,
        )
    try:
        await world.until(lambda: world.is_connected or process.returncode is not None, STARTS_WITHIN_S)
        if process.returncode is not None:
            raise DiedError(log.read_text(encoding="utf-8", errors="replace")[-2000:])
        yield Contestant(name=name, process=process, began=began, log=log)
    finally:
        await _stop(name, process)


async def _stop(name: str, process: asyncio.subprocess.Process) -> None:
    """Ours drains; the others have nothing to lose."""
    if process.returncode is None:
        process.send_signal(signal.SIGTERM if name == OURS else signal.SIGKILL)
    try:
        await asyncio.wait_for(process.wait(), STOPS_WITHIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def _configuration(world: World, setup: Setup) -> str:
    every = f"{round(setup.poll_every_s * 1000)}ms"
    names = [(connection_of(place), f"{world.url}/domo{place}") for place in range(CONNECTIONS)]
    connections = "".join(CONNECTION.format(name=name, url=url, model=MODEL, poll_every=every) for name, url in names)
    grants = "".join(GRANT.format(name=name) for name, _ in names)
    channel = f"channels:\n  {CHANNEL}:\n    name: bench\n    grants:\n{grants}"
    return f"slack:\n  command: /launch\nconnections:\n{connections}{channel}"


def _environment(world: World, setup: Setup) -> dict[str, str]:
    machine = {name: value for name, value in os.environ.items() if name.upper() not in _PROXIES}
    return {
        **machine,
        "PYTHONPATH": str(Path(bot.__file__).parent.parent),
        "SLACK_BOT_TOKEN": "xoxb-benchmark",
        "SLACK_APP_TOKEN": "xapp-benchmark",
        "SLACK_SIGNING_SECRET": "",
        "SLACK_API_URL": f"{world.url}/api/",
        "DOMO_URL": f"{world.url}/domo0",
        "DOMO_TOKEN": "bench",
        "BENCHMARK_POLL_EVERY_S": str(setup.poll_every_s),
        "GONOGO_CONFIG": str(setup.folder / "gonogo.yaml"),
        "GONOGO_DATABASE_URL": f"sqlite:///{setup.database}",
        "GONOGO_HTTP_HOST": "127.0.0.1",
        "GONOGO_HTTP_PORT": "0",
        "GONOGO_LOG_FORMAT": "json",
        **setup.more,
    }
