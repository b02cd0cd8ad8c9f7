"""One sandbox: a stand-in Slack, stand-in providers, and the real bot between them, as a process of its own.

Why the bot is a child process: what is shown is then the program that runs in production, started the same way; and it
can be killed.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import bot
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.standins import ProviderStandIns

CONFIGURATION = Path(__file__).parent / "demo.yaml"
DATABASE = "gonogo.db"
STARTS_WITHIN_S = 20.0
STOPS_WITHIN_S = 20.0
_NOT_FOR_THE_BOT = {name.lower() for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}


class BotDiedError(Exception):
    """The bot ended although nobody asked it to; the text is what it said last."""


class CannotStartError(Exception):
    """The sandbox has no place to stand: a port or a file that cannot be used; the text is a sentence for the person."""


@dataclass(frozen=True, kw_only=True)
class BotState:
    """How the bot is; ``told`` is a sentence for people."""

    is_up: bool
    pid: int | None
    told: str


class Sandbox:
    """``async with`` starts everything and waits until the bot is connected; leaving stops it.

    ``data`` keeps the bot's database and log. ``run_s``: how long a run takes at a provider. ``settings``: more variables
    for the bot. Where ``port`` is taken, one of ``more_ports`` after it is.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        more_ports: int = 0,
        run_s: float = 1.0,
        configuration: Path = CONFIGURATION,
        settings: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "bot", "run"),
    ) -> None:
        self.slack = SlackStandIn(Workspace.demo())
        self.providers = ProviderStandIns(run_s=run_s)
        self.log_path = data / "bot.log"
        self._data = data
        self._ports = range(port, port + 1 + more_ports)
        self._configuration = configuration
        self.settings = dict(settings or {})
        self._program = program
        self._bot: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._is_wanted = asyncio.Event()
        self._is_over = False
        self._watching: set[asyncio.Task[None]] = set()
        self.bot_state = BotState(is_up=False, pid=None, told="The bot is not started yet.")
        self.bot_watchers: list[Callable[[], None]] = []
        """Each is called when ``bot_state`` has changed."""

    async def __aenter__(self) -> Self:
        try:
            await self.providers.start()
            await self._open_door()
            await self.start_bot()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_over = True
        await self.stop_bot()
        await asyncio.gather(*self._watching)
        await self.slack.stop()
        await self.providers.stop()

    async def start_bot(self) -> None:
        """Start the bot and wait until Slack sees it. It has a session of its own: Ctrl-C is for the sandbox, which then asks it.

        One that runs already is left alone: whoever killed it and whoever keeps it alive may both ask.

        Raises:
            BotDiedError: it ended instead, or did not come up in time; or the sandbox is being left.
        """
        async with self._starting:
            if self._is_over:
                raise BotDiedError("The sandbox is being left.")
            self._is_wanted.set()
            if self._bot is None or self._bot.returncode is not None:
                await self._start()

    async def _start(self) -> None:
        with self._log() as log:
            self._bot = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._program,
                cwd=self._data,
                env=self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        connected = asyncio.create_task(self.slack.connected(STARTS_WITHIN_S))
        died = asyncio.create_task(self._bot.wait())
        try:
            await asyncio.wait({connected, died}, return_when=asyncio.FIRST_COMPLETED)
            if died.done():
                self._bot_is("The bot did not start: its log tells why.", is_up=False)
                raise BotDiedError(self.log_path.read_text(encoding="utf-8", errors="replace")[-2000:])
            connected.result()
        except TimeoutError:
            self._bot.kill()
            await self._bot.wait()
            raise BotDiedError(f"It did not reach Slack within {STARTS_WITHIN_S:g} s.") from None
        finally:
            connected.cancel()
            died.cancel()
        self._bot_is(f"The bot is up, as process {self._bot.pid}.", is_up=True)
        watching = asyncio.create_task(self._watch(self._bot))
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        self._bot_is(f"The bot {how}. What was launched goes on when it is back.", is_up=False)

    def _bot_is(self, told: str, *, is_up: bool) -> None:
        self.bot_state = BotState(is_up=is_up, pid=self.bot_pid if is_up else None, told=told)
        for watcher in self.bot_watchers:
            watcher()

    async def bot_ended(self) -> int:
        """Wait until the bot ends, but for ``stop_bot`` and ``kill_bot``; its exit code, or minus the signal that killed it."""
        code = await self._bot.wait() if self._bot else 0
        while not self._is_wanted.is_set():  # whoever stopped it starts it again
            await self._is_wanted.wait()
            async with self._starting:
                pass
            code = await self._bot.wait() if self._bot else 0
        return code

    async def stop_bot(self) -> None:
        """Ask the bot to end, and wait for it to drain."""
        self._is_wanted.clear()
        if self._bot is None or self._bot.returncode is not None:
            return
        self._bot.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._bot.wait(), STOPS_WITHIN_S)
        except TimeoutError:
            await self.kill_bot()

    async def kill_bot(self) -> None:
        """End the bot as a power cut would."""
        self._is_wanted.clear()
        if self._bot is not None and self._bot.returncode is None:
            self._bot.kill()
            await self._bot.wait()

    def reload_bot(self) -> None:
        """Ask the bot to read its configuration anew."""
        if self._bot is not None and self._bot.returncode is None:
            self._bot.send_signal(signal.SIGHUP)

    @property
    def configuration(self) -> Path:
        """The bot's configuration file."""
        return self._configuration

    @property
    def database(self) -> Path:
        """The bot's database."""
        return self._data.resolve() / DATABASE

    @property
    def bot_pid(self) -> int | None:
        """The bot's process, for whoever wants to kill it."""
        return self._bot.pid if self._bot else None

    @property
    def bot_exit_code(self) -> int | None:
        """None while the bot runs."""
        return self._bot.returncode if self._bot else None

    async def _open_door(self) -> None:
        for port in self._ports:
            try:
                await self.slack.start(port=port)
            except OSError as error:
                if error.errno == errno.EADDRINUSE and port != self._ports[-1]:
                    continue
                reason = error.strerror or "not possible"
                raise CannotStartError(f"Port {port} cannot be used ({reason}): choose another with --port.") from None
            return

    def _log(self) -> BinaryIO:
        """The log, for its owner alone: it tells who launched what."""
        try:
            log = os.fdopen(os.open(self.log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")
            os.fchmod(log.fileno(), 0o600)
        except OSError as error:
            raise CannotStartError(f"{self.log_path} cannot be written ({error.strerror}).") from None
        return log

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
            "GONOGO_DATABASE_URL": f"sqlite:///{self.database}",
            "GONOGO_HTTP_HOST": "127.0.0.1",
            "GONOGO_HTTP_PORT": "0",
            "GONOGO_LOG_FORMAT": "json",
            **self.settings,
        }
