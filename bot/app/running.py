"""The life of a bot: check, connect, take up what was left, serve, drain.

Order at the start: the database first (nothing is acknowledged that cannot be kept), then Slack's tokens, then the worker,
then what an
earlier life left unfinished, and only then the way in. At the end the other way round.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

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
    """Run until ``stop`` is set, then drain.

    Raises:
        SettingsError: the database cannot be used, or the port is taken in HTTP mode.
        SlackRefusedError: Slack is unreachable or rejects our tokens.
    """
    async with running(settings, configuration, providers) as bot:
        settle_in()
        ready(bot)
        _log.info("ready", mode=settings.mode, connections=sorted(configuration.connections), http_port=bot.http_port)
        await stop.wait()
        _log.info("draining")
    _log.info("stopped")


@asynccontextmanager
async def running(
    settings: Settings, configuration: Configuration, providers: Mapping[str, Provider], *, around: Around | None = None
) -> AsyncGenerator[Bot]:
    """A bot that serves; leaving drains it. Raises as ``run``."""
    around = around or Around()
    async with AsyncExitStack() as stack:
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
        way_in = await _way_in(settings, bolt, session, around.sockets)
        reloading = Reloading(
            configuration=configuration,
            sources=Sources(path=settings.config_path, read=around.read or (lambda: reread(settings.config_path, providers))),
            standing=parts.standing,
            wire=parts.wire,
            thread=parts.thread,
            clock=clock,
            once=parts.once,
        )
        await stack.enter_async_context(parts.worker)
        store.on_news(parts.worker.hear)
        await stack.enter_async_context(watching(reloading))
        stack.push_async_callback(parts.door.drain)
        stack.push_async_callback(way_in.doors.aclose)
        await way_in.open()
        yield Bot(parts=parts, http_port=way_in.http_port)


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
    open: Callable[[], Awaitable[None]]


async def _way_in(settings: Settings, bolt: AsyncApp, session: aiohttp.ClientSession, sockets: int) -> _WayIn:
    """Try everything that can be wrong with the way in, before any work is begun.

    Raises:
        SettingsError: the port is taken, in HTTP mode.
        SlackRefusedError: the app token is not accepted.
    """
    if settings.slack_app_token is None:
        doors = AsyncExitStack()
        port = await _http(settings, web_app(bolt, lambda: {"slack": "ok"}), doors)
        _log.info("listening", path=SLACK_PATH, port=port)
        return _WayIn(doors=doors, http_port=port, open=_opened_already)
    app_client = web_client(settings, settings.slack_app_token, session)
    await try_app_token(app_client)
    return await _socket_way_in(settings, SocketDoor(bolt, settings.slack_app_token, app_client, sockets=sockets))


async def _socket_way_in(settings: Settings, sockets: SocketDoor) -> _WayIn:
    doors = AsyncExitStack()
    port = await _health_page(settings, sockets, doors)
    doors.push_async_callback(sockets.close)
    return _WayIn(doors=doors, http_port=port, open=sockets.open)


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
