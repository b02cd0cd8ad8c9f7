"""The HTTP side: health and metrics always, Slack's requests in HTTP mode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from bot.app.waking import Wakefulness

SLACK_PATH = "/slack/events"
LARGEST_REQUEST_BYTES = 1_000_000
UNSIGNED = 401
COMPLAIN_EVERY_S = 60.0

_log = structlog.get_logger("gonogo.http")


def web_app(
    bolt: AsyncApp | None, health: Callable[[], dict[str, str]], *, wakefulness: Wakefulness | None = None
) -> web.Application:
    """Routes; ``bolt`` is None in Socket Mode. ``health`` says how each part is; anything but ``ok`` answers 503.

    ``wakefulness``: by what clock it notices that it stood still (None: the machine's); it looks while the app is served.
    """
    app = web.Application(client_max_size=LARGEST_REQUEST_BYTES)

    async def healthz(_request: web.Request) -> web.Response:
        parts = health()
        is_well = all(part == "ok" for part in parts.values())
        return web.json_response(parts, status=200 if is_well else 503)

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", metrics)
    if bolt is not None:
        wakefulness = wakefulness or Wakefulness()
        app.router.add_post(SLACK_PATH, _slack_requests(bolt, wakefulness))
        app.cleanup_ctx.append(_awake(wakefulness))
    return app


def _awake(wakefulness: Wakefulness) -> Callable[[web.Application], AsyncGenerator[None]]:
    async def looking(_app: web.Application) -> AsyncGenerator[None]:
        wakefulness.start()
        yield
        wakefulness.stop()

    return looking


def _slack_requests(bolt: AsyncApp, wakefulness: Wakefulness) -> Callable[[web.Request], Awaitable[web.Response]]:
    complain = _complaint()

    async def slack_events(request: web.Request) -> web.Response:
        try:
            await request.text()
        except (UnicodeDecodeError, LookupError) as error:
            raise web.HTTPBadRequest(text="the body is not UTF-8 text") from error
        heard = await to_bolt_request(request)
        response = wakefulness.refusal() or await bolt.async_dispatch(heard)  # asked once all is read: a body may come later
        if response.status == UNSIGNED:
            complain()
        return await to_aiohttp_response(response)

    return slack_events


def _complaint() -> Callable[[], None]:
    """Says why requests are refused, at most once a minute: whoever sends them must not fill the log."""
    quiet_until = 0.0

    def complain() -> None:
        nonlocal quiet_until
        now = asyncio.get_running_loop().time()
        if now >= quiet_until:
            quiet_until = now + COMPLAIN_EVERY_S
            _log.warning("signature_refused", why="SLACK_SIGNING_SECRET is not that of the app, or Slack did not send this")

    return complain
