"""What `gonogo demo` starts: the journeys (`play`), or a sandbox that stays until it is interrupted (`stay`)."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from rich.console import Console

from bot.sandbox.browser import open_browser
from bot.sandbox.page import Page
from bot.sandbox.page.panels import Panels
from bot.sandbox.screen import Screen
from bot.sandbox.script import play_script
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.world import CONFIGURATION, BotDiedError, CannotStartError, Sandbox

WELL, FAILED, WRONG_SETTINGS, INTERRUPTED = 0, 1, 2, 130
MAX_PORT = 65_535
PORT, MORE_PORTS = 8460, 100
QUICK_S = 5.0
QUICK_DEATHS = 5
LOCK = "demo.lock"


async def play(data: Path | None, console: Console | None = None) -> int:
    """Play the journeys; the exit code."""
    console = console or Console(soft_wrap=True, highlight=False)
    return await _until_interrupted(_explained(_play(data, console), console), console, interrupted=INTERRUPTED)


async def stay(data: Path | None, *, port: int | None = None, has_browser: bool = False, console: Console | None = None) -> int:
    """Keep a sandbox and its page running and show what happens in it, until SIGINT, SIGTERM or SIGHUP; the exit code.

    ``port`` None: the usual one, or the next that is free. ``has_browser``: the page is opened in it.
    """
    console = console or Console(soft_wrap=True, highlight=False)
    staying = _stay(data, port, console, has_browser=has_browser)
    return await _until_interrupted(_explained(staying, console), console, interrupted=WELL)


async def keep(sandbox: Sandbox, console: Console) -> int:
    """Start the bot again whenever it ends, for as long as that helps; the exit code once it does not."""
    deaths = 0
    while deaths < QUICK_DEATHS:
        began = monotonic()
        code = await sandbox.bot_ended()
        deaths = deaths + 1 if monotonic() - began < QUICK_S else 1
        if deaths < QUICK_DEATHS:
            await _start_again(sandbox, console, how=f"signal {-code}" if code < 0 else f"exit code {code}")
    told = f"the bot ended {QUICK_DEATHS} times, each time within {QUICK_S:g} s of its start: giving up. "
    console.print(f"{told}Its log: {sandbox.log_path}", style="bold red", markup=False)
    return FAILED


async def _start_again(sandbox: Sandbox, console: Console, *, how: str) -> None:
    """A bot that cannot start has ended once more: ``keep`` sees that by itself."""
    console.print(f"the bot ended ({how}); starting it again. Its log: {sandbox.log_path}", style="bold red", markup=False)
    try:
        await sandbox.start_bot()
    except BotDiedError:
        return
    console.print(f"the bot is back, as process {sandbox.bot_pid}", style="bold green", markup=False)


async def _play(data: Path | None, console: Console) -> int:
    with _folder(data) as folder:
        return FAILED if await play_script(folder, console) else WELL


async def _stay(data: Path | None, port: int | None, console: Console, *, has_browser: bool) -> int:
    began = monotonic() - process_time()  # what loading the program took is waited for, too
    if port is not None and not 0 <= port <= MAX_PORT:
        raise CannotStartError(f"--port must be a number from 0 to {MAX_PORT}, not {port}.")
    with _folder(data) as folder:
        configuration = folder / CONFIGURATION.name
        await asyncio.to_thread(shutil.copyfile, CONFIGURATION, configuration)  # scenarios edit it
        first, more = (PORT, MORE_PORTS) if port is None else (port, 0)
        sandbox = Sandbox(folder, port=first, more_ports=more, configuration=configuration, run_s=3.0)
        page = Page(sandbox)
        sandbox.slack.mount(Panels(sandbox, page.feed))
        sandbox.slack.mount(page)  # last: it answers for whatever nobody else serves
        async with sandbox:
            _welcome(sandbox, console, port, has_browser=has_browser, ready_s=monotonic() - began)
            return await _watched(sandbox, console)


async def _watched(sandbox: Sandbox, console: Console) -> int:
    screen = Screen(sandbox.slack.workspace, console)
    watching = asyncio.create_task(screen.follow(sandbox.slack.workspace.subscribe()))
    try:
        return await keep(sandbox, console)
    finally:
        watching.cancel()


def _welcome(sandbox: Sandbox, console: Console, port: int | None, *, has_browser: bool, ready_s: float) -> None:
    url = f"{sandbox.slack.url}/"
    console.print(how_to_drive(sandbox), markup=False)
    if port is None and not url.endswith(f":{PORT}/"):
        console.print(f"Port {PORT} is taken, by another demo perhaps: this one took the next free port.", markup=False)
    console.print(f"The page: {url} (ready in {ready_s:.1f} s)", style="bold", markup=False)
    console.print("What happens is shown here:\n")
    if has_browser:
        open_browser(url, lambda told: console.print(told, style="bold", markup=False))


async def _explained(work: Coroutine[Any, Any, int], console: Console) -> int:
    """``work``, with a sentence and an exit code for what a person can mend."""
    try:
        return await work
    except BotDiedError as error:
        console.print(f"The bot did not start:\n{error}", markup=False)
        return FAILED
    except CannotStartError as error:
        console.print(str(error), markup=False)
        return WRONG_SETTINGS


async def _until_interrupted(work: Coroutine[Any, Any, int], console: Console, *, interrupted: int) -> int:
    """``work``, wound up in order when a signal asks for it, at any moment and however often."""
    task, asked = asyncio.create_task(work), asyncio.Event()

    def ask() -> None:
        if not asked.is_set():
            asked.set()
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ask)
    try:
        return await task
    except asyncio.CancelledError:
        if not asked.is_set():
            raise
        console.print("stopped")
        return interrupted


@contextmanager
def _folder(data: Path | None) -> Generator[Path]:
    """The folder of the demo's database and log: the given one, or one that is thrown away at the end."""
    if data is None:
        with tempfile.TemporaryDirectory(prefix="gonogo-demo-") as folder:
            yield Path(folder)
        return
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / LOCK).open("a+", encoding="utf-8")
    except FileExistsError:
        raise CannotStartError(f"--data {data} cannot be used as a folder (it is something else): name another.") from None
    except OSError as error:
        raise CannotStartError(f"--data {data} cannot be used as a folder ({error.strerror}): name another.") from None
    with lock:
        _take(lock.fileno(), data)
        yield data.resolve()


def _take(lock: int, data: Path) -> None:
    """Lock the folder for this process. The system lets go when the process ends, however it ends; the pid is for people."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(lock, 20, 0).decode(errors="replace").strip()
        raise CannotStartError(f"--data {data} is in use by another demo (process {pid}): end that, or name another.") from None
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())


def how_to_drive(sandbox: Sandbox) -> str:
    """What to type into a second terminal. Remarks stand on lines of their own: not every shell takes them beside a command."""
    slack, providers = f"{sandbox.slack.url}/_control", f"{sandbox.providers.url}/_control"
    return f"""\
The sandbox is running: a stand-in Slack at {sandbox.slack.url}, stand-in providers at {sandbox.providers.url}, and the bot.
People: {_people(sandbox.slack.workspace)}
Channels, and who is in them:
{_channels(sandbox.slack.workspace)}

In a second terminal, first:
  post() {{ curl -s -H content-type:application/json -d "$@"; }}
Then, as one of those people, ask and launch:
  post '{{"user": "U0ALICE", "channel": "C0FINANCE", "text": "help"}}' {slack}/command
  post '{{"user": "U0CAROL", "channel": "C0DATA", "text": "analytics AddTwoNumbers parameter1=13 parameter2=7"}}' {slack}/command
Ask for what two of three must agree to (then press Approve as Bob and Dave, or type "approve" and its id), and for the reasons:
  post '{{"user": "U0ALICE", "channel": "C0TREASURY", "text": "billing 303 paymentId=1 days=14"}}' {slack}/command
  post '{{"user": "U0ALICE", "channel": "C0TREASURY", "text": "why billing 396"}}' {slack}/command
See what Carol sees in a channel (each message has its "ts"), the thread of the message with the ts TS, and press its button:
  curl -s '{slack}/messages/C0DATA?user=U0CAROL'
  curl -s {slack}/thread/C0DATA/TS
  post '{{"user": "U0CAROL", "channel": "C0DATA", "ts": "TS", "label": "Cancel"}}' {slack}/click
Let the next start at Domo fail; see every request that the providers got, and everything between Slack and the bot:
  post '{{"provider": "domo", "verb": "start", "kind": "status", "status": 503}}' {providers}/fault
  curl -s {providers}/received
  curl -s {slack}/traffic
End the bot as a power cut would; what was launched goes on:
  kill -9 {sandbox.bot_pid}

Database and log: {sandbox.log_path.parent}. End with Ctrl-C.
"""


def _people(workspace: Workspace) -> str:
    """Whoever can type a command."""
    able = [user for user in workspace.users.values() if not (user.is_bot or user.deleted or user.is_stranger)]
    return ", ".join(f"{user.name} {user.user_id}{' (a guest)' if user.is_restricted else ''}" for user in able)


def _channels(workspace: Workspace) -> str:
    """A line per channel: its id, and who is in it."""
    rows: list[str] = []
    for channel in workspace.channels.values():
        names = sorted(workspace.users[member].name for member in channel.members if not workspace.users[member].is_bot)
        without = "" if workspace.app.bot_user_id in channel.members else "; the bot is not"
        rows.append(f"  {'#' + channel.name:14}{channel.channel_id:12}{', '.join(names)}{without}")
    return "\n".join(rows)
