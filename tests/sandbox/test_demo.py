"""`gonogo demo` as people meet it: it survives a killed bot, says what is wrong in a sentence, and ends when asked."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from rich.console import Console

from bot.sandbox import demo
from bot.sandbox.browser import NONE_FOUND
from bot.sandbox.world import BotDiedError, CannotStartError, Sandbox

ROOT = Path(__file__).parent.parent.parent
PROMPTLY_S = 20.0


class Screen:
    """A console whose words are kept."""

    def __init__(self) -> None:
        self._out = io.StringIO()
        self.console = Console(file=self._out, soft_wrap=True, highlight=False)

    @property
    def text(self) -> str:
        return self._out.getvalue()


@pytest.fixture
def screen() -> Screen:
    return Screen()


# --- what a person can mend --------------------------------------------------------------------------------------------


async def test_a_file_is_no_folder(tmp_path: Path, screen: Screen) -> None:
    (tmp_path / "file").touch()

    assert await demo.stay(tmp_path / "file", port=0, console=screen.console) == 2
    assert (len(screen.text.splitlines()), "cannot be used as a folder" in screen.text) == (1, True)


async def test_a_folder_that_cannot_be_made(tmp_path: Path, screen: Screen) -> None:
    (tmp_path / "file").touch()

    assert await demo.play(tmp_path / "file" / "nope", screen.console) == 2
    assert (len(screen.text.splitlines()), "cannot be used as a folder" in screen.text) == (1, True)


@pytest.mark.parametrize("port", [99999, -1])
async def test_a_port_that_is_none(tmp_path: Path, screen: Screen, port: int) -> None:
    assert await demo.stay(tmp_path, port=port, console=screen.console) == 2
    assert screen.text == f"--port must be a number from 0 to 65535, not {port}.\n"


async def test_a_port_that_is_taken(tmp_path: Path, screen: Screen) -> None:
    async with await _listening(0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await demo.stay(tmp_path, port=port, console=screen.console) == 2

    assert screen.text.startswith(f"Port {port} cannot be used (")


async def test_a_usual_port_that_is_taken_is_left_for_the_next_free_one(tmp_path: Path) -> None:
    async with await _listening(0) as taken:
        port = taken.sockets[0].getsockname()[1]
        async with Sandbox(tmp_path, port=port, more_ports=20) as sandbox:
            assert port < int(sandbox.slack.url.rpartition(":")[2]) <= port + 20


async def test_when_every_port_is_taken_the_last_is_named(tmp_path: Path) -> None:
    async with _two_neighbours() as port:
        with pytest.raises(CannotStartError, match=f"Port {port + 1} cannot be used"):
            await Sandbox(tmp_path, port=port, more_ports=1).__aenter__()


async def _listening(port: int) -> asyncio.Server:
    return await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)


@asynccontextmanager
async def _two_neighbours() -> AsyncGenerator[int]:
    """The first of two ports side by side that are ours: the machine gives any that is free, and the next may be another's."""
    async with AsyncExitStack() as stack:
        while True:
            taken = await stack.enter_async_context(await _listening(0))
            port = int(taken.sockets[0].getsockname()[1])
            with suppress(OSError, OverflowError):
                await stack.enter_async_context(await _listening(port + 1))
                break
        yield port


async def test_a_folder_is_for_one_demo_at_a_time(tmp_path: Path, screen: Screen) -> None:
    with demo._folder(tmp_path):
        assert await demo.stay(tmp_path, port=0, console=screen.console) == 2

    assert f"in use by another demo (process {os.getpid()})" in screen.text


def test_the_lock_of_a_dead_demo_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / demo.LOCK).write_text("999999999 and more\n", encoding="utf-8")

    with demo._folder(tmp_path) as folder:
        assert (folder / demo.LOCK).read_text(encoding="utf-8") == f"{os.getpid()}\n"


async def test_a_bot_that_does_not_start_is_shown(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, program=("-c", "print('no such luck'); raise SystemExit(3)"))

    with pytest.raises(BotDiedError, match="no such luck"):
        async with sandbox:
            pass
    assert (sandbox.log_path.stat().st_mode & 0o777) == 0o600


# --- a bot that ends ---------------------------------------------------------------------------------------------------


class Mortal:
    """A bot that ends at once, ``lives`` times; then it stays. It cannot start where ``is_stillborn``."""

    log_path = Path("bot.log")
    bot_pid = 7

    def __init__(self, lives: float, *, is_stillborn: bool = False) -> None:
        self._lives, self._is_stillborn = lives, is_stillborn
        self.starts = 0

    async def bot_ended(self) -> int:
        if self._lives <= 0:
            await asyncio.Event().wait()
        self._lives -= 1
        return -9

    async def start_bot(self) -> None:
        self.starts += 1
        if self._is_stillborn:
            raise BotDiedError("no")


@pytest.mark.parametrize("is_stillborn", [True, False])
async def test_after_five_quick_deaths_it_gives_up(screen: Screen, is_stillborn: bool) -> None:
    bot: Any = Mortal(float("inf"), is_stillborn=is_stillborn)

    assert await demo.keep(bot, screen.console) == 1
    assert bot.starts == 4
    assert screen.text.count("the bot ended (signal 9); starting it again. Its log: bot.log") == 4
    assert "giving up. Its log: bot.log" in screen.text


async def test_slow_deaths_do_not_count(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "QUICK_S", 0.0)
    bot: Any = Mortal(12)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(demo.keep(bot, screen.console), 0.5)

    assert bot.starts == 12


# --- the program -------------------------------------------------------------------------------------------------------


class Program:
    """`gonogo demo`, as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""

    async def until(self, words: str) -> str:
        """Everything up to the line with ``words``."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PROMPTLY_S):
            while words not in self.said:
                line = await self.process.stdout.readline()
                assert line, self.said
                self.said += line.decode()
        return self.said

    async def interrupt(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGINT)
        out, _ = await asyncio.wait_for(self.process.communicate(), PROMPTLY_S)
        return self.process.returncode or 0, self.said + out.decode()


@asynccontextmanager
async def a_program(folder: Path, *more: str, **settings: str) -> AsyncGenerator[Program, None]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "demo", *more),
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.fixture
async def program(tmp_path: Path) -> AsyncGenerator[Program, None]:
    async with a_program(tmp_path, "--data", "kept", "--port", "0", "--no-browser") as one:
        yield one


async def test_it_starts_a_killed_bot_again_and_ends_in_order(program: Program, tmp_path: Path, screen: Screen) -> None:
    await program.until("What happens is shown here")
    found = re.search(r"kill -9 (\d+)", program.said)
    assert found is not None
    assert await demo.stay(tmp_path / "kept", port=0, console=screen.console) == 2

    os.kill(int(found[1]), signal.SIGKILL)
    await program.until("the bot is back")
    code, said = await program.interrupt()

    assert (code, said.splitlines()[-1]) == (0, "stopped")
    assert "the bot ended (signal 9); starting it again." in said
    assert "Traceback" not in said
    assert f"process {program.process.pid}" in screen.text


async def test_ctrl_c_while_it_starts_is_no_accident(program: Program, tmp_path: Path) -> None:
    async with asyncio.timeout(PROMPTLY_S):
        while not (tmp_path / "kept" / "bot.log").exists():  # noqa: ASYNC110 - nothing tells when another program has come so far
            await asyncio.sleep(0.01)
    code, said = await program.interrupt()

    assert (code, said) == (0, "stopped\n")


async def test_two_demos_side_by_side_each_with_its_page_in_the_browser(tmp_path: Path) -> None:
    """Neither names a port: each says where it is, and when it was ready."""
    opened = tmp_path / "opened"
    browser = f'{sys.executable} -c \'import sys; open("{opened}", "a").write(sys.argv[1] + chr(10))\' %s'
    async with a_program(tmp_path, BROWSER=browser) as one, a_program(tmp_path, BROWSER=browser) as two:
        pages = [_page(await each.until("What happens is shown here")) for each in (one, two)]
        async with aiohttp.ClientSession() as session, asyncio.timeout(PROMPTLY_S):
            for page in pages:
                async with session.get(page) as reply:
                    assert (reply.status, reply.content_type) == (200, "text/html")
            while not await asyncio.to_thread(_lines, opened, len(pages)):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        ended = [await each.interrupt() for each in (one, two)]

    assert sorted(opened.read_text(encoding="utf-8").split()) == sorted(pages)
    assert len(set(pages)) == 2
    assert [code for code, _ in ended] == [0, 0]
    others = [(page, said) for page, (_, said) in zip(pages, ended, strict=True) if f":{demo.PORT}/" not in page]
    assert [f"Port {demo.PORT} is taken" in said for _, said in others] == [True] * len(others)
    assert others


async def test_without_a_browser_the_address_is_all_there_is(tmp_path: Path) -> None:
    async with a_program(tmp_path, "--port", "0", PATH=str(tmp_path)) as one:
        await one.until(NONE_FOUND)
        code, said = await one.interrupt()

    assert (code, bool(_page(said)), "Traceback" in said) == (0, True, False)


async def test_an_open_page_does_not_hold_up_the_end(program: Program) -> None:
    page = _page(await program.until("What happens is shown here"))
    async with aiohttp.ClientSession() as session, session.get(f"{page}page/events") as reply:
        await reply.content.readline()
        async with asyncio.timeout(5):
            code, said = await program.interrupt()

    assert (code, said.splitlines()[-1]) == (0, "stopped")


def _page(said: str) -> str:
    found = re.search(r"The page: (http://127\.0\.0\.1:\d+/) \(ready in \d+\.\d s\)\n", said)
    assert found is not None, said
    return found[1]


def _lines(path: Path, count: int) -> bool:
    return path.exists() and path.read_text(encoding="utf-8").count("\n") == count


async def test_it_says_how_to_drive_it(tmp_path: Path) -> None:
    async with Sandbox(tmp_path) as sandbox:
        told = demo.how_to_drive(sandbox)

    ways = ("/_control/thread/C0DATA/", "/_control/click", "/_control/fault", "/_control/received", f"kill -9 {sandbox.bot_pid}")
    assert [way for way in ways if way not in told] == []
    assert re.search(r"#finance-ops +C0FINANCE +alice, bob, carol, gus\n", told)
    assert "board-room" in told
    assert "gus U0GUEST (a guest)" in told
