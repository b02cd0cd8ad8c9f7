"""What `gonogo demo` starts: the journeys (`play`), or a sandbox that stays until it is interrupted (`stay`)."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from bot.sandbox.screen import Screen
from bot.sandbox.script import play_script
from bot.sandbox.world import BotDiedError, Sandbox

FAILED = 1


async def play(data: Path | None, console: Console | None = None) -> int:
    """Play the journeys; the exit code."""
    console = console or Console(soft_wrap=True, highlight=False)
    with _folder(data) as folder:
        try:
            failures = await play_script(folder, console)
        except BotDiedError as error:
            console.print(f"The bot did not start:\n{error}", markup=False)
            return FAILED
    return FAILED if failures else 0


async def stay(data: Path | None, *, port: int, console: Console | None = None) -> int:
    """Keep a sandbox running and show what happens in it, until SIGINT or SIGTERM; the exit code."""
    console = console or Console(soft_wrap=True, highlight=False)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with _folder(data) as folder:
        try:
            async with Sandbox(folder, port=port, run_s=3.0) as sandbox:
                console.print(_how_to_drive(sandbox), markup=False)
                screen = Screen(sandbox.slack.workspace, console)
                watching = asyncio.create_task(screen.follow(sandbox.slack.workspace.subscribe()))
                await stop.wait()
                watching.cancel()
        except BotDiedError as error:
            console.print(f"The bot did not start:\n{error}", markup=False)
            return FAILED
        except OSError as error:
            console.print(f"Port {port} cannot be used ({error.strerror}): choose another with --port.", markup=False)
            return FAILED
    return 0


@contextmanager
def _folder(data: Path | None) -> Generator[Path]:
    """The folder of the demo's database and log: the given one, or one that is thrown away at the end."""
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
        yield data.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="gonogo-demo-") as folder:
        yield Path(folder)


def _how_to_drive(sandbox: Sandbox) -> str:
    """What to type into a second terminal."""
    control = f"{sandbox.slack.url}/_control"
    post = "curl -s -H 'content-type: application/json'"
    command = '{"user": "U0ALICE", "channel": "C0FINANCE", "text": "help"}'
    launch = '{"user": "U0CAROL", "channel": "C0DATA", "text": "analytics AddTwoNumbers parameter1=13 parameter2=7"}'
    return f"""\
The sandbox is running: a stand-in Slack at {sandbox.slack.url}, stand-in providers at {sandbox.providers.url}, and the bot.
People: U0ALICE, U0BOB, U0CAROL, and U0GUEST (a guest). Channels: C0FINANCE, C0SALES, C0DATA, C0GENERAL (no grants).
From a second terminal, as one of them:

  {post} {control}/command -d '{command}'
  {post} {control}/command -d '{launch}'
  curl -s {control}/messages/C0DATA          # what the channel shows
  curl -s {control}/traffic                  # every delivery, acknowledgement and Web API call

Database and log: {sandbox.log_path.parent}. End with Ctrl-C. What happens is shown here:
"""
