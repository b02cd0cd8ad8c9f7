"""A bot that is asked to end before it serves: what it had begun is finished, and nothing is left running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot import providers
from bot.app.running import run, running
from bot.domain.errors import SlackRefusedError
from bot.domain.model import State
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.standins import ProviderStandIns
from bot.sandbox.standins._faults import Fault, FaultKind
from bot.sandbox.world import CONFIGURATION
from bot.settings import Configuration, Settings, read_settings
from bot.store import open_store
from tests.journeys import house as rooms

SUM = "analytics AddTwoNumbers parameter1=13 parameter2=7"
WITHIN_S = 15.0
LIMITED = Fault(kind=FaultKind.STATUS, status=429, retry_after_s=1)


@dataclass
class World:
    """Stand-ins, and what a bot between them is told; every bot of a test is another life on the same database."""

    slack: SlackStandIn
    standins: ProviderStandIns
    settings: Settings

    @property
    def configuration(self) -> Configuration:
        return rooms._configuration(CONFIGURATION, self.standins)

    @property
    def starts(self) -> int:
        return sum(one.verb == "start" for one in self.standins.received)

    @property
    def sockets_asked_for(self) -> int:
        return sum(call.name == "apps.connections.open" for call in self.slack.traffic)

    async def leaves_a_launch_behind(self) -> None:
        """A life that ends while a launch waits for its provider."""
        self.standins.fault("domo", LIMITED, verb="start")
        async with running(self.settings, self.configuration, providers.load()):
            await self.slack.connected()
            acknowledged = await self.slack.command("U0CAROL", "C0DATA", SUM)
            await until(lambda: self.starts == 1)
        assert acknowledged.is_ok

    @asynccontextmanager
    async def life(self, stop: asyncio.Event) -> AsyncGenerator[asyncio.Task[None]]:
        """A bot that is to be asked to end before it serves; it has ended with the block, whatever came of it."""
        life = asyncio.create_task(run(self.settings, self.configuration, providers.load(), stop, ready=never))
        try:
            yield life
        finally:
            self.standins.release()
            life.cancel()
            await asyncio.wait({life})

    def gives_no_socket(self) -> None:
        """After the call that tries the token."""

        def heard() -> None:
            if self.slack.traffic[-1].name == "apps.connections.open":
                self.slack.fault("apps.connections.open", SlackFault.refusing("internal_error"), times=50)

        self.slack.traffic.watchers.append(heard)

    async def states(self) -> list[State]:
        async with open_store(self.settings.database_url) as store:
            return [launch.state for launch in await store.recent(channel_id="C0DATA", limit=10)]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World, None]:
    slack, standins = SlackStandIn(Workspace.demo()), ProviderStandIns(run_s=0)
    await standins.start()
    await slack.start()
    yield World(slack, standins, read_settings(rooms._environment(slack, tmp_path, "socket"), dotenv=None))
    await slack.stop()
    await standins.stop()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not is_so():  # noqa: ASYNC110 - of several things, few of which tell
            await asyncio.sleep(0.01)


async def ended(life: asyncio.Task[None]) -> None:
    async with asyncio.timeout(WITHIN_S):
        await asyncio.shield(life)


async def turns(count: int = 100) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_start_at_a_provider_is_finished_although_the_bot_never_came_to_serve(world: World) -> None:
    """Broken off, it would be in doubt."""
    await world.leaves_a_launch_behind()
    world.gives_no_socket()
    world.standins.fault("domo", Fault(kind=FaultKind.HANG), verb="start")
    stop = asyncio.Event()
    async with world.life(stop) as life:
        await until(lambda: world.starts == 2)
        with capture_logs() as lines:
            stop.set()
            await until(lambda: "draining" in [line["event"] for line in lines])
        await turns()
        is_over_early = life.done()
        world.standins.release()
        await ended(life)

    assert not is_over_early
    assert len(world.standins.runs("domo")) == 1
    assert [state in {State.RUNNING, State.SUCCEEDED} for state in await world.states()] == [True]


async def test_nothing_is_left_running(world: World) -> None:
    world.gives_no_socket()
    before = asyncio.all_tasks()
    stop = asyncio.Event()
    async with world.life(stop) as life:
        await until(lambda: world.sockets_asked_for > 1)
        stop.set()
        await ended(life)
    await until(lambda: not ours(asyncio.all_tasks() - before))


async def test_who_was_asked_to_end_before_it_began_ends(world: World) -> None:
    stop = asyncio.Event()
    stop.set()
    async with world.life(stop) as life:
        await ended(life)

    assert world.slack.sockets.count == 0


async def test_what_ends_a_start_by_itself_is_told_as_ever(world: World) -> None:
    world.slack.fault("apps.connections.open", SlackFault.refusing("invalid_auth"))

    with pytest.raises(SlackRefusedError, match="SLACK_APP_TOKEN"):
        await run(world.settings, world.configuration, providers.load(), asyncio.Event(), ready=never)


async def test_whoever_gives_up_the_whole_start_leaves_nothing_either(world: World) -> None:
    world.gives_no_socket()
    before = asyncio.all_tasks()
    async with world.life(asyncio.Event()) as life:
        await until(lambda: world.sockets_asked_for > 1)

    assert life.cancelled()
    await until(lambda: not ours(asyncio.all_tasks() - before))


def ours(tasks: set[asyncio.Task[object]]) -> list[str]:
    """What still runs, but for the stand-ins' own servers."""
    return [repr(task) for task in tasks if "web_protocol" not in repr(task)]


def never(_bot: object) -> None:
    raise AssertionError("it did not come to serve")
