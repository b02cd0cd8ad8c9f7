"""Reads the configuration anew on SIGHUP, and when its files change; whole and valid, or the one before stays in force.

Why files are looked at every few seconds and not watched by the system: a file that is replaced by renaming, a mounted secret and
a network disk all look alike this way. Why a change counts only once it stood still from one look to the next: an editor may still
be writing.

Why it is read once more right after the start: it may have changed since the program read it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from bot.domain.errors import SettingsError, StoreUnavailableError, ThreadError
from bot.domain.standing import Standing
from bot.gateways.http import HttpWire
from bot.ports import Clock, Thread
from bot.settings import Configuration, referenced_files
from bot.settings.digest import digest
from bot.surfaces.configuration_notices import say_configuration_refused, say_reloaded
from bot.surfaces.say import Say
from bot.tasks import end
from bot.worker.once import Once, name_of

LOOK_EVERY_S = 2.0
NEWS_AGAIN_AFTER = timedelta(seconds=30)
"""Replicas that share a file read it within a few seconds of each other."""
_SHOWN = 12

_log = structlog.get_logger("gonogo.configuration")

Mark = Mapping[Path, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where the configuration stands. ``read`` reads and checks all of it, environment included; ``dotenv`` is watched as well.

    ``read`` raises ``SettingsError`` with every fault.
    """

    path: Path
    read: Callable[[], Configuration]
    dotenv: Path | None = Path(".env")


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """One reading: the marks that its files had just before, and a configuration or its faults."""

    mark: Mark
    configuration: Configuration | None
    faults: tuple[str, ...] = ()


class Reloading:
    """Keeps ``standing`` and ``wire`` in step with the files; ``configuration`` is what they began with."""

    def __init__(
        self,
        *,
        configuration: Configuration,
        sources: Sources,
        standing: Standing,
        wire: HttpWire,
        thread: Thread,
        clock: Clock,
        once: Once | None = None,
    ) -> None:
        self._began_with = self._configuration = configuration
        self._sources = sources
        self._standing = standing
        self._wire = wire
        self._thread = thread
        self._clock = clock
        self._once = once
        self._is_asked = False
        self._read_at: Mark | None = None
        self._seen: Mark | None = None
        self._untold: Say | None = None

    def ask(self) -> None:
        """Read it at the next look, changed or not (SIGHUP)."""
        self._is_asked = True

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Read the configuration if it was asked for, or changed and stood still since the last look. Never raises."""
        try:
            await self._look()
        except Exception:  # noqa: BLE001 - whatever is wrong with a file, the bot goes on with what it has
            _log.exception("configuration_not_read")
        await self._tell()

    async def _look(self) -> None:
        is_asked, self._is_asked = self._is_asked, False
        before, self._seen = self._seen, await asyncio.to_thread(_mark, self._sources)
        if not is_asked and (self._seen == self._read_at or self._seen != before):
            return
        outcome = await asyncio.to_thread(_read, self._sources)
        self._read_at = outcome.mark
        if outcome.configuration is None:
            _log.warning("configuration_refused", faults=list(outcome.faults))
            self._untold = say_configuration_refused(outcome.faults)
            return
        await self._use(outcome.configuration)

    async def _use(self, new: Configuration) -> None:
        """Put it in force: at once for every decision that begins from now on, and for every call."""
        changes, restart = list(_changes(self._configuration, new)), list(_needs_restart(self._began_with, new))
        is_known = not changes and restart == list(_needs_restart(self._began_with, self._configuration))
        self._configuration = new
        if changes:
            self._standing.replace(policy=new.policy, connections=new.connections)
            # No decision comes between these two: the wire changes before it first waits.
            await self._wire.reconfigure(connections=new.connections, credentials=new.credentials, secrets=new.secrets)
        if is_known:
            _log.info("configuration_unchanged", digest=new.policy.digest[:_SHOWN])
            return
        facts = {"changes": changes, "restart": restart, "warnings": list(new.warnings)}
        _log.info("configuration_reloaded", digest=new.policy.digest[:_SHOWN], **facts)
        self._untold = say_reloaded(changes, new.policy.digest, restart=restart, warnings=len(new.warnings))

    async def _tell(self) -> None:
        """Tell the operators the newest, and once: what Slack does not take now is tried at the next look."""
        if self._untold is None:
            return
        try:
            await self._tell_once(self._untold)
        except StoreUnavailableError as error:
            _log.warning("operators_not_told", error=str(error))
            return
        except ThreadError as error:
            _log.warning("operators_not_told", error=error.code)
            if not (error.is_permanent or error.is_in_doubt):
                return
        except Exception:  # noqa: BLE001 - whatever Slack does, the next change must still be read
            _log.exception("operators_not_told")
        self._untold = None

    async def _tell_once(self, say: Say) -> None:
        """Of several replicas that read the same, one tells; what is read again later is news again."""
        telling = self._thread.tell_operators(say)
        if self._once is None:
            await telling
        else:
            await self._once.tell(name_of("configuration", say.text), telling, again_after=NEWS_AGAIN_AFTER)


@asynccontextmanager
async def watching(reloading: Reloading) -> AsyncGenerator[None]:
    """Look for changes, and listen to SIGHUP where the system has it, until the block is left."""
    loop = asyncio.get_running_loop()
    with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):  # no SIGHUP here, or not the main thread
        loop.add_signal_handler(signal.SIGHUP, reloading.ask)
    looking = asyncio.create_task(reloading.run())
    try:
        yield
    finally:
        with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
            loop.remove_signal_handler(signal.SIGHUP)
        await end(looking)


def _read(sources: Sources) -> _Outcome:
    """Marks first: what changes while it is read is read again."""
    mark = _mark(sources)
    try:
        return _Outcome(mark=mark, configuration=sources.read())
    except SettingsError as error:
        return _Outcome(mark=mark, configuration=None, faults=tuple(error.problems))


def _mark(sources: Sources) -> Mark:
    """What tells that a file is another one, for each file that counts. What cannot be looked at has an empty mark."""
    try:
        text = sources.path.read_bytes().decode(errors="replace") if sources.path.is_file() else ""
    except (OSError, ValueError):
        text = ""
    own = [sources.path, *([sources.dotenv] if sources.dotenv else [])]
    return {path: _stat(path) for path in (*own, *sorted(referenced_files(text)))}


def _stat(path: Path) -> tuple[int, ...]:
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return ()
    return (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino, stat.st_mode)


def _changes(old: Configuration, new: Configuration) -> Iterator[str]:
    """What is in force otherwise than before, a few words each.

    Beside each value stands its digest: 1, true and 1.0 are equal, and yet not the same to a provider or to a rule.
    """
    yield from _differences("connection", *(_connections(one) for one in (old, new)))
    yield from _differences("channel", *(_channels(one) for one in (old, new)))
    if _freezes(old) != _freezes(new):
        yield "freezes changed"


def _connections(configuration: Configuration) -> Mapping[str, Any]:
    return {
        name: (connection, digest({name: connection}, {}), configuration.credentials[name], configuration.secrets[name])
        for name, connection in configuration.connections.items()
    }


def _channels(configuration: Configuration) -> Mapping[str, Any]:
    return {name: (channel, digest({}, {name: channel})) for name, channel in configuration.policy.channels.items()}


def _freezes(configuration: Configuration) -> Any:
    freezes = configuration.policy.freezes
    return sorted(freezes, key=repr), digest({}, {}, freezes)


def _differences(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{kind} {name} added" for name in new if name not in old)
    yield from (f"{kind} {name} removed" for name in old if name not in new)
    yield from (f"{kind} {name} changed" for name in new if name in old and new[name] != old[name])


def _needs_restart(began_with: Configuration, new: Configuration) -> Iterator[str]:
    if new.command != began_with.command:
        yield f"slack.command ({began_with.command} → {new.command})"
    if new.operators != began_with.operators:
        yield f"slack.operators ({began_with.operators or 'none'} → {new.operators or 'none'})"
