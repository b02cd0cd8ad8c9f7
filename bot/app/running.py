"""The life of a bot: check, connect, take up what was left, serve, drain.

Order at the start: the database first (nothing is acknowledged that cannot be kept), then Slack's tokens, then the worker,
then what an earlier life left unfinished, and only then the way in. At the end the other way round.

A bot may be asked to end before it serves: a database may be locked for minutes, and Slack away for hours. The step that it is at is
broken off then, and what stands is put away in the same order as later. A step is cancelled and never the whole start, since what the
worker has begun must be finished meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import structlog
from aiohttp import web
from slack_bolt.async_app import AsyncApp

from bot.app.building import Around, Parts, build
from bot.app.interpreter import settle_in
from bot.app.reloading import Reloading, Sources, watching
from bot.app.serving import SLACK_PATH, web_app
from bot.app.slack_door import bolt_app, greet, try_app_token, web_client
from bot.app.sockets import SocketDoor
from bot.app.storage import clock_of, opened
from bot.domain.errors import SettingsError, SlackRefusedError
from bot.domain.provider import Provider, Secret
from bot.gateways.punctual import PunctualConnector
from bot.settings import Configuration, Settings, read_configuration, read_environment
from bot.store import DurableStore
from bot.tasks import end

T = TypeVar("T")

_log = structlog.get_logger("gonogo")


@dataclass(frozen=True, kw_only=True)
class Bot:
    """A running bot. ``http_port`` is the port that was taken (None: none could be)."""

    parts: Parts
    http_port: int | None


async def run(
    settings: Settings,
    configuration: Configuration,
    providers: Mapping[str, Provider],
    stop: asyncio.Event,
    *,
    ready: Callable[[Bot], None] = lambda _bot: None,
) -> None:
    """Run until ``stop`` is set, be it before everything stands, then drain.

    Raises:
        SettingsError: the database cannot be used, or the port is taken in HTTP mode.
        SlackRefusedError: Slack is unreachable or rejects our tokens.
    """
    with suppress(_BrokenOffError):
        async with running(settings, configuration, providers, stop=stop) as bot:
            settle_in()
            ready(bot)
            _log.info("ready", mode=settings.mode, connections=sorted(configuration.connections), http_port=bot.http_port)
            await stop.wait()
            _log.info("draining")
    _log.info("stopped")


@asynccontextmanager
async def running(
    settings: Settings,
    configuration: Configuration,
    providers: Mapping[str, Provider],
    *,
    around: Around | None = None,
    stop: asyncio.Event | None = None,
) -> AsyncGenerator[Bot]:
    """A bot that serves; leaving drains it. ``stop`` breaks the start off, by an error of our own that ``run`` knows. Raises as ``run``."""
    stop = stop or asyncio.Event()
    async with AsyncExitStack() as stack:
        made = await _unless(stop, _made(stack, settings, configuration, providers, around=around or Around()))
        await stack.enter_async_context(made.parts.worker)
        made.store.on_news(made.parts.worker.hear)
        await stack.enter_async_context(watching(made.reloading))
        stack.push_async_callback(made.parts.door.drain)
        stack.push_async_callback(made.way_in.doors.aclose)
        await _unless(stop, made.way_in.open())
        yield Bot(parts=made.parts, http_port=made.way_in.http_port)


class _BrokenOffError(Exception):
    """The start was broken off: we are to end."""


async def _unless(stop: asyncio.Event, step: Coroutine[Any, Any, T]) -> T:
    """The answer of a step of the start; once ``stop`` is set it is broken off, and has ended when this returns.

    Raises:
        _BrokenOffError: it was.
    """
    going, asked = asyncio.create_task(step), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({going, asked}, return_when=asyncio.FIRST_COMPLETED)
        if going.done():
            return going.result()
        _log.info("draining")
        raise _BrokenOffError
    finally:
        await end(asked, *([] if going.done() else [going]))


@dataclass(frozen=True, kw_only=True)
class _Made:
    """What is made before any work is begun."""

    store: DurableStore
    parts: Parts
    way_in: _WayIn
    reloading: Reloading


async def _made(
    stack: AsyncExitStack,
    settings: Settings,
    configuration: Configuration,
    providers: Mapping[str, Provider],
    *,
    around: Around,
) -> _Made:
    """Try and make everything; ``stack`` puts it away. Raises as ``run``."""
    token = _bot_token(settings)
    store = await stack.enter_async_context(opened(settings.database_url))
    clock = await stack.enter_async_context(clock_of(store))
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=PunctualConnector(clock)))
    client = web_client(settings, token, session)
    workspace = await greet(client)
    bolt = bolt_app(settings, client, workspace)
    parts = build(
        configuration=configuration,
        providers=providers,
        store=store,
        clock=clock,
        client=client,
        workspace=workspace,
        around=around,
    )
    stack.push_async_callback(parts.wire.close)
    parts.door.register(bolt)
    doors = AsyncExitStack()
    stack.push_async_callback(doors.aclose)  # where the start ends in here; later they close first of all
    way_in = await _way_in(settings, bolt, session, doors, sockets=around.sockets)
    reloading = Reloading(
        configuration=configuration,
        sources=Sources(path=settings.config_path, read=around.read or (lambda: reread(settings.config_path, providers))),
        standing=parts.standing,
        wire=parts.wire,
        thread=parts.thread,
        clock=clock,
        once=parts.once,
    )
    return _Made(store=store, parts=parts, way_in=way_in, reloading=reloading)


def reread(path: Path, providers: Mapping[str, Provider]) -> Configuration:
    """The configuration as it stands now, environment included.

    Raises:
        SettingsError: with every fault.
    """
    return read_configuration(path, providers=providers, environment=read_environment())


def _bot_token(settings: Settings) -> Secret:
    """The bot token, once it is certain that there is a way in.

    Raises:
        SlackRefusedError: the token, or both ways in, are not set.
    """
    if settings.slack_bot_token is None:
        raise SlackRefusedError("SLACK_BOT_TOKEN is not set: copy the bot token (xoxb-…) from the app's pages at Slack.")
    if settings.mode is None:
        raise SlackRefusedError("Neither SLACK_APP_TOKEN (Socket Mode) nor SLACK_SIGNING_SECRET (HTTP) is set: set one of them.")
    return settings.slack_bot_token


@dataclass(frozen=True, kw_only=True)
class _WayIn:
    """A way in that was tried and not yet opened. ``open`` lets deliveries come; closing ``doors`` ends that."""

    doors: AsyncExitStack
    http_port: int | None
    open: Callable[[], Coroutine[Any, Any, None]]


async def _way_in(
    settings: Settings, bolt: AsyncApp, session: aiohttp.ClientSession, doors: AsyncExitStack, *, sockets: int
) -> _WayIn:
    """Try everything that can be wrong with the way in, before any work is begun. ``doors`` puts it away.

    Raises:
        SettingsError: the port is taken, in HTTP mode.
        SlackRefusedError: the app token is not accepted.
    """
    if settings.slack_app_token is None:
        port = await _http(settings, web_app(bolt, lambda: {"slack": "ok"}), doors)
        _log.info("listening", path=SLACK_PATH, port=port)
        return _WayIn(doors=doors, http_port=port, open=_opened_already)
    app_client = web_client(settings, settings.slack_app_token, session)
    await try_app_token(app_client)
    door = SocketDoor(bolt, settings.slack_app_token, app_client, sockets=sockets)
    port = await _health_page(settings, door, doors)
    doors.push_async_callback(door.close)
    return _WayIn(doors=doors, http_port=port, open=door.open)


async def _opened_already() -> None:
    """An HTTP server is open as soon as it has its port."""


async def _health_page(settings: Settings, sockets: SocketDoor, stack: AsyncExitStack) -> int | None:
    """In Socket Mode nothing of Slack's comes by the port: the bot works without it, and says so."""
    try:
        return await _http(settings, web_app(None, lambda: {"slack": sockets.health()}), stack)
    except SettingsError as error:
        _log.warning("no_health_page", why=str(error))
        return None


async def _http(settings: Settings, app: web.Application, stack: AsyncExitStack) -> int:
    """Serve ``app``; the port that was taken.

    Raises:
        SettingsError: the port, or the address, is not free.
    """
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, settings.http_host, settings.http_port)
    try:
        await site.start()
    except OSError as error:
        place = f"{settings.http_host}:{settings.http_port}"
        raise SettingsError([f"GONOGO_HTTP_PORT: {place} cannot be listened on ({error.strerror}); choose another."]) from error
    return int(runner.addresses[0][1])
