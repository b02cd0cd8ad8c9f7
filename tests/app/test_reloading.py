"""A configuration that changes under a running bot: what is valid takes effect, what is faulty is told and changes nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.app.reloading import LOOK_EVERY_S, Reloading, Sources, watching
from bot.domain.errors import ThreadError
from bot.domain.provider import Unreachable
from bot.domain.standing import Standing
from bot.gateways.http import HttpWire
from bot.settings import Configuration, read_configuration, read_environment
from bot.surfaces.say import Say
from bot.worker import Once
from tests.builders import FrozenClock
from tests.gateways.wire_world import LOOK, once
from tests.ports import a_store
from tests.settings.world import ENVIRONMENT, GOOD, PROVIDERS, changed


@dataclass
class OperatorsChannel:
    """What operators were told; ``refusals`` are met first, one by one."""

    told: list[str] = field(default_factory=list)
    refusals: list[Exception] = field(default_factory=list)

    async def tell_operators(self, say: Say) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.told.append(say.text)


@dataclass
class World:
    """A folder with a configuration and a ``.env``, and what a bot keeps in step with them."""

    folder: Path
    reloading: Reloading
    standing: Standing
    wire: HttpWire
    operators: OperatorsChannel
    clock: FrozenClock

    @property
    def path(self) -> Path:
        return self.folder / "gonogo.yaml"

    @property
    def requesters(self) -> tuple[str, ...]:
        """Whom the first grant names: what most tests change."""
        return self.standing.policy.channels["C0FINANCE"].grants[0].requesters

    def write(self, text: str) -> None:
        self.path.write_text(text)

    async def settle(self) -> None:
        """Two looks: a change counts once it stood still."""
        await self.reloading.look()
        await self.reloading.look()


@asynccontextmanager
async def a_world(folder: Path, text: str = GOOD) -> AsyncGenerator[World]:
    path, dotenv = folder / "gonogo.yaml", folder / ".env"
    path.write_text(text)

    def read() -> Configuration:
        return read_configuration(path, providers=PROVIDERS, environment=read_environment(ENVIRONMENT, dotenv=dotenv))

    configuration = read()
    standing, clock, operators = (
        Standing(policy=configuration.policy, connections=configuration.connections),
        FrozenClock(),
        OperatorsChannel(),
    )
    wire = HttpWire(
        connections=configuration.connections,
        credentials=configuration.credentials,
        secrets=configuration.secrets,
        providers=PROVIDERS,
        clock=clock,
    )
    reloading = Reloading(
        configuration=configuration,
        sources=Sources(path=path, read=read, dotenv=dotenv),
        standing=standing,
        wire=wire,
        thread=operators,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the one method that is used
        clock=clock,
    )
    world = World(folder=folder, reloading=reloading, standing=standing, wire=wire, operators=operators, clock=clock)
    await world.settle()
    try:
        yield world
    finally:
        await wire.close()


WITHOUT_BOB = changed("requesters: [members, U0BOB, S0LEADS]", "requesters: [U0CAROL]")
FAULTY = changed("requesters: [members, U0BOB, S0LEADS]", "requesters: [carol]")


async def test_what_did_not_change_is_not_told(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        await world.settle()
        os.utime(world.path)
        await world.settle()

        assert world.operators.told == []
        assert world.standing.since == 0


async def test_of_three_replicas_that_share_a_file_one_tells(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(a_store())
        worlds = [await stack.enter_async_context(a_world(tmp_path)) for _ in range(3)]
        for n, world in enumerate(worlds):
            world.reloading._once = Once(store=store, clock=world.clock, holder=f"bot-{n}")
        for text in (WITHOUT_BOB, GOOD, WITHOUT_BOB):
            worlds[0].write(text)
            for world in worlds:
                world.clock.move(minutes=1)
            for _ in range(4):
                await asyncio.gather(*(world.reloading.look() for world in worlds))

        told = [len(world.operators.told) for world in worlds]
        assert sum(told) == 3, told
        assert {world.standing.since for world in worlds} == {3}, "each has it in force, whoever told"


async def test_a_changed_grant_takes_effect_and_is_told_in_one_line(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.write(WITHOUT_BOB)
        await world.settle()

        digest = world.standing.policy.digest[:12]
        assert world.requesters == ("U0CAROL",)
        assert world.operators.told == [f"Configuration reloaded: channel C0FINANCE changed. Policy “{digest}”."]

        await world.settle()
        assert len(world.operators.told) == 1


FIXED = changed("requesters: [U0ALICE]", "requesters: [U0ALICE]\n        inputs: {rush: {fixed: 1}}")


async def test_a_value_that_is_equal_and_yet_another_takes_effect_and_is_told(tmp_path: Path) -> None:
    async with a_world(tmp_path, FIXED) as world:
        before = world.standing.policy.digest
        world.write(changed("{fixed: 1}", "{fixed: true}", FIXED))
        await world.settle()

        digest = world.standing.policy.digest
        assert digest != before
        assert world.standing.policy.channels["C0FINANCE"].grants[1].inputs["rush"].fixed is True
        assert world.operators.told == [f"Configuration reloaded: channel C0FINANCE changed. Policy “{digest[:12]}”."]


@pytest.mark.parametrize("written", ["1", "1.0", "true"])
async def test_a_parameter_that_is_equal_and_yet_another_takes_effect_and_is_told(tmp_path: Path, written: str) -> None:
    async with a_world(tmp_path, changed("depth: 2.5", "depth: 1.00")) as world:
        world.write(changed("depth: 2.5", f"depth: {written}"))
        await world.settle()

        assert world.standing.since == 1
        assert "connection billing changed" in world.operators.told[0]


async def test_the_same_freeze_in_another_zone_is_in_force_as_it_is_written(tmp_path: Path) -> None:
    freeze = "freezes:\n  - {name: close, from: 2026-11-30T18:00Z, to: 2026-12-02T08:00Z}\n"

    async with a_world(tmp_path, GOOD + freeze) as world:
        world.write(GOOD + freeze.replace("T18:00Z", "T19:00+01:00"))
        await world.settle()
        again = read_configuration(world.path, providers=PROVIDERS, environment=ENVIRONMENT)

        assert world.standing.policy.digest == again.policy.digest


async def test_a_file_that_is_still_being_written_is_not_read(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        for end in range(0, len(WITHOUT_BOB), 400):
            world.write(WITHOUT_BOB[:end])
            await world.reloading.look()
        world.write(WITHOUT_BOB)
        await world.settle()

        assert [told[:22] for told in world.operators.told] == ["Configuration reloaded"]
        assert world.requesters == ("U0CAROL",)


async def test_a_faulty_file_changes_nothing_and_is_told_once_with_every_fault(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        with capture_logs() as logs:
            world.write(changed("    shared: true", "    shared: maybe", FAULTY))
            for _ in range(5):
                await world.reloading.look()

        assert "U0BOB" in world.requesters
        assert world.standing.since == 0
        assert len(world.operators.told) == 1
        assert 'requesters[0]: "carol" is neither members nor an id' in world.operators.told[0]
        assert "channels.G0PRIVATE.shared: must be true or false" in world.operators.told[0]
        refused = [log for log in logs if log["event"] == "configuration_refused"]
        assert [len(log["faults"]) for log in refused] == [2]


async def test_a_faulty_file_that_is_mended_takes_effect(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.write(FAULTY)
        await world.settle()
        world.write(WITHOUT_BOB)
        await world.settle()

        assert world.requesters == ("U0CAROL",)
        assert len(world.operators.told) == 2


async def test_a_faulty_file_that_is_put_back_is_quiet(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.write(FAULTY)
        await world.settle()
        world.write(GOOD)
        await world.settle()

        assert len(world.operators.told) == 1


async def test_an_editor_that_renames_a_new_file_over_the_old_one_is_noticed(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        before = world.path.stat()
        new = tmp_path / "gonogo.yaml~"
        new.write_text(GOOD.replace("U0BOB", "U0ZOE"))
        os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
        new.replace(world.path)
        await world.settle()

        assert "U0ZOE" in world.requesters


async def test_a_file_that_is_away_for_a_moment_only_is_not_missed(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.path.rename(tmp_path / "away")
        await world.reloading.look()
        (tmp_path / "away").rename(world.path)
        await world.settle()

        assert world.operators.told == []


async def test_a_deleted_file_keeps_what_was_in_force_and_is_told_once(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.path.unlink()
        for _ in range(4):
            await world.reloading.look()

        assert "U0BOB" in world.requesters
        assert len(world.operators.told) == 1
        assert "cannot be read (No such file or directory)" in world.operators.told[0]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a: [", b"", b"\x00", b"a: &a [*a]"])
async def test_a_file_that_is_no_configuration_keeps_what_was_in_force(tmp_path: Path, content: bytes) -> None:
    async with a_world(tmp_path) as world:
        world.path.write_bytes(content)
        await world.settle()

        assert "U0BOB" in world.requesters
        assert len(world.operators.told) == 1


async def test_a_folder_in_the_place_of_the_file_keeps_what_was_in_force(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.path.unlink()
        world.path.mkdir()
        await world.settle()

        assert "U0BOB" in world.requesters
        assert "cannot be read (Is a directory)" in world.operators.told[0]


async def test_a_changed_file_that_the_configuration_refers_to_is_read_anew(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("made-up-before")
    text = changed('"${FREELY_KEY}"', f'"${{file:{secret}}}"')

    async with a_world(tmp_path, text) as world:
        secret.write_text("made-up-after")
        await world.settle()

        assert [told.split(". Policy")[0] for told in world.operators.told] == [
            "Configuration reloaded: connection growth changed"
        ]
        assert "made-up" not in str(world.operators.told)


async def test_a_file_that_is_missing_is_waited_for(tmp_path: Path) -> None:
    secret = tmp_path / "secret"

    async with a_world(tmp_path) as world:
        world.write(changed('"${FREELY_KEY}"', f'"${{file:{secret}}}"'))
        await world.settle()
        secret.write_text("made-up-key")
        await world.settle()

        assert "there is no such file" in world.operators.told[0]
        assert "connection growth changed" in world.operators.told[1]


async def test_a_changed_variable_in_the_env_file_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GROWTH_KEY=made-up-before\n")

    async with a_world(tmp_path, changed("${FREELY_KEY}", "${GROWTH_KEY}")) as world:
        (tmp_path / ".env").write_text("GROWTH_KEY=made-up-after\n")
        await world.settle()

        assert "connection growth changed" in world.operators.told[0]
        assert "made-up" not in str(world.operators.told)


async def test_connections_and_channels_come_and_go(tmp_path: Path) -> None:
    growth = GOOD[GOOD.index("  growth:") : GOOD.index("channels:")]
    granted = GOOD[GOOD.index("      - connection: growth") : GOOD.index("  G0PRIVATE")]
    text = GOOD.replace(growth, growth.replace("  growth:", "  sales:")).replace(granted, "").replace("G0PRIVATE", "G0SALES")

    async with a_world(tmp_path) as world:
        world.write(text)
        await world.settle()
        gone = await world.wire.perform("growth", once(LOOK))

        assert list(world.standing.connections) == ["billing", "sales"]
        for words in (
            "connection sales added",
            "connection growth removed",
            "channel G0SALES added",
            "channel G0PRIVATE removed",
        ):
            assert words in world.operators.told[0]
        assert isinstance(gone, Unreachable)
        assert gone.detail == "the connection is not configured any more"


async def test_a_freeze_takes_effect(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.write(GOOD + "freezes:\n  - {name: close, from: 2026-11-30T18:00Z, to: 2026-12-02T08:00Z}\n")
        await world.settle()

        assert [freeze.name for freeze in world.standing.policy.freezes] == ["close"]
        assert "freezes changed" in world.operators.told[0]


async def test_what_needs_a_restart_is_said_once(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.write(changed("command: /launch", "command: /go\n  operators: C0OPS"))
        await world.settle()
        os.utime(world.path)
        await world.settle()

        assert len(world.operators.told) == 1
        assert "Restart Gonogo for slack.command (/launch → /go) and slack.operators (none → C0OPS)" in world.operators.told[0]


async def test_warnings_are_counted(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.write(changed('workflows: [396, "Dunning *"]', 'workflows: [396, "Never *"]'))
        await world.settle()

        assert "1 warning: gonogo check shows them." in world.operators.told[0]


async def test_who_asks_is_heard_at_the_next_look_also_where_nothing_changed(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        with capture_logs() as logs:
            world.reloading.ask()
            await world.reloading.look()
            world.write(WITHOUT_BOB)
            world.reloading.ask()
            await world.reloading.look()

        assert world.requesters == ("U0CAROL",)
        assert [log["event"] for log in logs if log["event"].startswith("configuration")] == [
            "configuration_unchanged",
            "configuration_reloaded",
        ]


async def test_operators_whom_slack_does_not_reach_are_told_later(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.operators.refusals = [ThreadError("ratelimited"), ThreadError("ratelimited")]
        world.write(WITHOUT_BOB)
        for _ in range(6):
            await world.reloading.look()

        assert len(world.operators.told) == 1


@pytest.mark.parametrize(
    "error", [ThreadError("is_archived", is_permanent=True), ThreadError("unreachable", is_in_doubt=True), RuntimeError("bug")]
)
async def test_operators_who_cannot_be_told_do_not_hold_up_the_next_change(tmp_path: Path, error: Exception) -> None:
    async with a_world(tmp_path) as world:
        world.operators.refusals = [error]
        world.write(FAULTY)
        await world.settle()
        world.write(WITHOUT_BOB)
        await world.settle()

        assert world.requesters == ("U0CAROL",)
        assert len(world.operators.told) == 1


async def test_a_fault_of_our_own_while_reading_keeps_what_was_in_force(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:

        def broken() -> Configuration:
            raise RuntimeError("bug")

        reloading = Reloading(
            configuration=read_configuration(world.path, providers=PROVIDERS, environment=ENVIRONMENT),
            sources=Sources(path=world.path, read=broken),
            standing=world.standing,
            wire=world.wire,
            thread=world.operators,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            clock=world.clock,
        )
        with capture_logs() as logs:
            reloading.ask()
            await reloading.look()

        assert [log["event"] for log in logs] == ["configuration_not_read"]
        assert world.standing.since == 0


async def test_watching_looks_every_two_seconds_and_ends_with_its_block(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.write(WITHOUT_BOB)
        async with watching(world.reloading):
            await _until(lambda: world.standing.since == 1)

        slept = len(world.clock.slept_s)
        await asyncio.sleep(0)
        assert set(world.clock.slept_s) == {LOOK_EVERY_S}
        assert len(world.clock.slept_s) == slept


async def test_a_hangup_signal_asks(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        with capture_logs() as logs:
            async with watching(world.reloading):
                os.kill(os.getpid(), signal.SIGHUP)
                await _until(lambda: any(log["event"] == "configuration_unchanged" for log in logs))

        assert world.operators.told == []


async def _until(is_so: object) -> None:
    """Until it is so; each round lets the files be looked at on their thread."""
    assert callable(is_so)
    for _ in range(2000):
        if is_so():
            return
        await asyncio.to_thread(lambda: None)
    pytest.fail("it never came")
