"""One sandbox: a stand-in Slack, stand-in providers, and the real bot between them, as a process of its own.

Why the bot is a child process: what is shown is then the program that runs in production, started the same way; and it
can be killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import bot
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.standins import ProviderStandIns

CONFIGURATION = Path(__file__).parent / "demo.yaml"
STARTS_WITHIN_S = 20.0
STOPS_WITHIN_S = 20.0
_NOT_FOR_THE_BOT = {name.lower() for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}


class BotDiedError(Exception):
    """The bot ended although nobody asked it to; the text is what it said last."""


class Sandbox:
    """``async with`` starts everything and waits until the bot is connected; leaving stops it.

    ``data`` keeps the bot's database and log. ``run_s``: how long a run takes at a provider. ``settings``: more variables
    for the bot.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        run_s: float = 1.0,
        configuration: Path = CONFIGURATION,
        settings: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "bot", "run"),
    ) -> None:
        self.slack = SlackStandIn(Workspace.demo())
        self.providers = ProviderStandIns(run_s=run_s)
        self.log_path = data / "bot.log"
        self._data = data
        self._port = port
        self._configuration = configuration
        self.settings = dict(settings or {})
        self._program = program
        self._bot: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.providers.start()
        await self.slack.start(port=self._port)
        try:
            await self.start_bot()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop_bot()
        await self.slack.stop()
        await self.providers.stop()

    async def start_bot(self) -> None:
        """Start the bot and wait until Slack sees it.

        Raises:
            BotDiedError: it ended instead.
        """
        with self.log_path.open("ab") as log:
            self._bot = await asyncio.create_subprocess_exec(
                sys.executable, *self._program, cwd=self._data, env=self._environment(), stdout=log, stderr=log
            )
        connected = asyncio.create_task(self.slack.connected(STARTS_WITHIN_S))
        died = asyncio.create_task(self._bot.wait())
        await asyncio.wait({connected, died}, return_when=asyncio.FIRST_COMPLETED)
        died.cancel()
        if not connected.done():
            connected.cancel()
            raise BotDiedError(self.log_path.read_text(encoding="utf-8", errors="replace")[-2000:])
        connected.result()

    async def stop_bot(self) -> None:
        """Ask the bot to end, and wait for it to drain."""
        if self._bot is None or self._bot.returncode is not None:
            return
        self._bot.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._bot.wait(), STOPS_WITHIN_S)
        except TimeoutError:
            await self.kill_bot()

    async def kill_bot(self) -> None:
        """End the bot as a power cut would."""
        if self._bot is not None and self._bot.returncode is None:
            self._bot.kill()
            await self._bot.wait()

    @property
    def bot_exit_code(self) -> int | None:
        """None while the bot runs."""
        return self._bot.returncode if self._bot else None

    def _environment(self) -> dict[str, str]:
        """The bot's environment: the machine's without proxies, then what joins the bot to the stand-ins."""
        machine = {name: value for name, value in os.environ.items() if name.lower() not in _NOT_FOR_THE_BOT}
        checkout = str(Path(bot.__file__).parent.parent)
        path = os.pathsep.join(filter(None, [checkout, machine.get("PYTHONPATH", "")]))
        return {
            **machine,
            **self.providers.environment(),
            "PYTHONPATH": path,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_SIGNING_SECRET": "",
            "SLACK_API_URL": self.slack.api_url,
            "GONOGO_CONFIG": str(self._configuration),
            "GONOGO_DATABASE_URL": f"sqlite:///{self._data.resolve() / 'gonogo.db'}",
            "GONOGO_HTTP_HOST": "127.0.0.1",
            "GONOGO_HTTP_PORT": "0",
            "GONOGO_LOG_FORMAT": "json",
            **self.settings,
        }
