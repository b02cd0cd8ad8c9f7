"""The stand-in Slack: one server on loopback that a bot cannot tell from Slack, as far as it uses it.

What it refuses is the point: a bot that works here has met Slack's limits, scopes, timeouts and error names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import web

from bot.sandbox.slack import demo
from bot.sandbox.slack.api import WebApi
from bot.sandbox.slack.clock import SlackClock, WallClock
from bot.sandbox.slack.control import Control
from bot.sandbox.slack.delivery import Acknowledged, Courier
from bot.sandbox.slack.faults import Faults, SlackFault
from bot.sandbox.slack.limits import Limits
from bot.sandbox.slack.payloads import Payloads
from bot.sandbox.slack.people import People
from bot.sandbox.slack.responses import Responses
from bot.sandbox.slack.settling import Settling
from bot.sandbox.slack.sockets import DisconnectReason, Sockets
from bot.sandbox.slack.tickets import Tickets
from bot.sandbox.slack.traffic import TrafficLog
from bot.sandbox.slack.workspace import Workspace

ACK_TIMEOUT_S = 3.0
MAX_BODY_BYTES = 8 * 1024 * 1024
SHUTDOWN_S = 1.0


class Mounted(Protocol):
    """More to serve at the stand-in's address, such as the page."""

    def routes(self) -> list[web.RouteDef]:
        """What it serves."""
        ...

    async def stop(self) -> None:
        """End what would never end by itself."""
        ...


class SlackStandIn:
    """A stand-in Slack over one workspace. Deliveries go to ``request_url`` if there is one, else to the bot's sockets.

    ``limits`` turns rate limits on. ``clock`` drives what the stand-in dates (ts, triggers, limits, signatures, retries);
    ``ack_timeout_s`` is real time, since it waits for another program.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        request_url: str | None = None,
        limits: bool = False,
        clock: SlackClock | None = None,
        ack_timeout_s: float = ACK_TIMEOUT_S,
    ) -> None:
        clock = clock or WallClock()
        self.workspace = workspace
        self.traffic = TrafficLog()
        self.faults = Faults()
        self.limits = Limits(is_on=limits)
        tickets = Tickets()
        self.sockets = Sockets(tickets=tickets, app_id=workspace.app.app_id)
        self._courier = Courier(
            sockets=self.sockets,
            clock=clock,
            signing_secret=workspace.signing_secret,
            request_url=request_url,
            ack_timeout_s=ack_timeout_s,
            traffic=self.traffic,
        )
        settling = Settling(workspace=workspace, clock=clock)
        self._payloads = Payloads(workspace=workspace, tickets=tickets)
        self.people = People(workspace=workspace, payloads=self._payloads, courier=self._courier, settling=settling, clock=clock)
        self._api = WebApi(
            workspace=workspace,
            tickets=tickets,
            limits=self.limits,
            faults=self.faults,
            clock=clock,
            traffic=self.traffic,
        )
        self._responses = Responses(
            workspace=workspace,
            tickets=tickets,
            settling=settling,
            faults=self.faults,
            clock=clock,
            traffic=self.traffic,
        )
        self._control = Control(self)
        self._mounted: list[Mounted] = []
        self._runner: web.AppRunner | None = None

    # --- life ------------------------------------------------------------------------------------------------------

    def mount(self, part: Mounted) -> None:
        """Serve this too, once started."""
        self._mounted.append(part)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        for part in (self._api, self.sockets, self._responses, self._control, *self._mounted):
            app.add_routes(part.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        bound_host, bound_port, *_ = runner.addresses[0]
        self._api.url = self._payloads.url = f"http://{bound_host}:{bound_port}"

    async def stop(self) -> None:
        """Hang up on everybody."""
        self.faults.clear()
        self._control.stop()
        for part in self._mounted:
            await part.stop()
        await self.sockets.stop()
        await self._courier.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def connected(self, timeout_s: float = 10) -> None:
        """Wait until the bot can be reached. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self._courier.connected()

    # --- what a bot is configured with -----------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._api.url

    @property
    def api_url(self) -> str:
        """Base URL of the Web API, with its slash."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        """The bot's token."""
        return self._token("bot", demo.BOT_TOKEN)

    @property
    def app_token(self) -> str:
        """The app's token, for Socket Mode."""
        return self._token("app", demo.APP_TOKEN)

    @property
    def request_url(self) -> str | None:
        """Where deliveries go over HTTP; None: to sockets. May be set late, as bot and stand-in need each other's address."""
        return self._courier.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self._courier.request_url = url

    @property
    def signing_secret(self) -> str:
        """What HTTP deliveries are signed with."""
        return self.workspace.signing_secret

    # --- what people do (all of it: ``people``) ----------------------------------------------------------------------

    async def command(self, user_id: str, channel_id: str, text: str, *, command: str = "/launch") -> Acknowledged:
        """Type a slash command."""
        return await self.people.command(user_id, channel_id, text, command=command)

    async def click(self, user_id: str, channel_id: str, ts: str, label: str) -> Acknowledged:
        """Press a button of a message, found by label or action id."""
        return await self.people.click(user_id, channel_id, ts, label)

    async def submit(self, user_id: str, values: Mapping[str, Any]) -> Acknowledged:
        """Fill and send the modal on top."""
        return await self.people.submit(user_id, values)

    async def open_home(self, user_id: str) -> Acknowledged:
        """Open the app's Home tab."""
        return await self.people.open_home(user_id)

    async def click_home(self, user_id: str, label: str, value: str | None = None) -> Acknowledged:
        """Press a button of this person's Home tab; ``value`` picks among buttons that read the same."""
        return await self.people.click_home(user_id, label, value=value)

    async def redeliver(self, acknowledged: Acknowledged) -> Acknowledged:
        """The same payload once more."""
        return await self.people.redeliver(acknowledged)

    # --- bad days --------------------------------------------------------------------------------------------------

    def fault(self, method: str, fault: SlackFault, *, times: int = 1) -> None:
        """The next ``times`` calls of ``method`` (``*``: of any; ``response_url``) fail like this."""
        self.faults.set(method, fault, times=times)

    async def disconnect(self, reason: DisconnectReason = "warning", *, most: int | None = None) -> int:
        """Ask every socket (or ``most`` of them) to go; how many were asked."""
        return await self.sockets.disconnect(reason, most=most)

    def _token(self, kind: str, otherwise: str) -> str:
        return next((token.text for token in self.workspace.tokens.values() if token.kind == kind), otherwise)
