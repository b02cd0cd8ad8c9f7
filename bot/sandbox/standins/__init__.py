"""Stand-ins for the providers: one file each, written from the provider's documents, all in one server on loopback.

*Why* five stand-ins instead of one that replays the providers' own examples (as the style guide first had it): an example
is written by whoever wrote the translator, so both misread a document alike and agree. A stand-in written from the
document by another hand, without a look at the translator, catches that. A provider that has none of its own is still
served, from its examples (``examples.py``).

What the documents leave open is marked where it is decided; mostly the strict reading was taken.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bot.domain.model import Json
from bot.domain.provider import Provider
from bot.sandbox.standins._control import LOOPBACK, ControlDoor, MistakeError
from bot.sandbox.standins._faults import Fault, FaultKind
from bot.sandbox.standins._house import Received, Run, StandIn, World
from bot.sandbox.standins._serving import Server
from bot.sandbox.standins.bitrix24 import Bitrix24StandIn
from bot.sandbox.standins.captain_data import CaptainDataStandIn
from bot.sandbox.standins.domo import DomoStandIn
from bot.sandbox.standins.examples import ExampleStandIn
from bot.sandbox.standins.salesforce import SalesforceStandIn
from bot.sandbox.standins.zuora import ZuoraStandIn

__all__ = ["STANDINS", "Fault", "FaultKind", "MistakeError", "ProviderStandIns", "Received", "Run"]

STANDINS: Mapping[str, type[StandIn]] = {
    "bitrix24": Bitrix24StandIn,
    "captain_data": CaptainDataStandIn,
    "domo": DomoStandIn,
    "salesforce": SalesforceStandIn,
    "zuora": ZuoraStandIn,
}
SHUTDOWN_S = 1.0
BODY_LIMIT = 16 * 1024 * 1024


class ProviderStandIns:
    """All stand-ins behind one port, each under its name (``{url}/zuora``), with the control door at ``{url}/_control``.

    ``run_s`` is how long a run takes; ``now`` gives seconds since the epoch. ``providers`` without a stand-in of their
    own are served from their examples. Nothing listens before ``start``.
    """

    def __init__(
        self,
        *,
        run_s: float = 2.0,
        now: Callable[[], float] = time.time,  # noqa: TID251 - a stand-in for another machine has a clock of its own
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        providers: Mapping[str, Provider] | None = None,
    ) -> None:
        world = World(now=now, sleep=sleep, run_s=run_s)
        standins = {name: make(world) for name, make in STANDINS.items()}
        others = {name: provider for name, provider in (providers or {}).items() if name not in STANDINS}
        standins |= {name: ExampleStandIn(world, provider) for name, provider in others.items()}
        self._server = Server(world=world, standins=standins)
        self._runner: web.AppRunner | None = None
        self.url = ""

    @property
    def received(self) -> list[Received]:
        """Every request so far, in order of arrival."""
        return self._server.received

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes any that is free.

        Raises:
            ValueError: ``host`` is not this machine alone.
        """
        if host not in LOOPBACK:
            raise ValueError(f"Stand-ins listen on loopback only, not on {host}.")
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_routes(ControlDoor(self._server).routes())
        app.router.add_route("*", "/{provider}/{path:.*}", self._server.serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._runner.addresses[0][1]}"
        for name, standin in self._server.standins.items():
            standin.base_url = f"{self.url}/{name}"

    async def stop(self) -> None:
        """Let hanging answers go and stop listening."""
        self._server.release()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def base_url(self, provider: str) -> str:
        """Where the provider's own paths begin."""
        return self.standin(provider).base_url

    def environment(self) -> dict[str, str]:
        """Every address and made-up credential, by the names in ``demo.yaml``."""
        pairs = (standin.environment() for standin in self._server.standins.values())
        return {name: value for environment in pairs for name, value in environment.items()}

    def standin(self, provider: str) -> StandIn:
        """One stand-in, to read or turn its ``held`` scopes and ``switches``."""
        return self._server.standins[provider]

    def runs(self, provider: str) -> list[Run]:
        """Every run that a start caused there, oldest first; also one that is applied late and in no list yet."""
        return list(self.standin(provider).ledger.ours.values())

    def start_elsewhere(self, provider: str, workflow_id: str, *, started_by: str, **inputs: Json) -> Run:
        """Somebody else starts a workflow there: lists show that run, ``runs`` does not."""
        return self.standin(provider).start_elsewhere(workflow_id, started_by, **inputs)

    def fault(self, provider: str, fault: Fault, *, verb: str = "any", times: int = 1) -> None:
        """Let ``fault`` befall the next ``times`` requests of ``verb`` there."""
        self._server.line(self.standin(provider).name).add(fault, verb=verb, times=times)

    def hold_scope(self, provider: str, scope: str, *, is_held: bool, workflow_id: str | None = None) -> None:
        """Give a scope to the credential or take it, everywhere or on one workflow."""
        self.standin(provider).hold(scope, is_held=is_held, workflow_id=workflow_id)

    def switch(self, provider: str, name: str, *, is_on: bool = True) -> None:
        """Turn one of the stand-in's switches (its docstring names them)."""
        switches = self.standin(provider).switches
        if name not in switches:
            raise KeyError(name)
        switches[name] = is_on

    def speed(self, run_s: float) -> None:
        """Let runs that start from now on take so many seconds."""
        self._server.world.run_s = run_s

    def act(self, name: str, sent: Mapping[str, Json]) -> None:
        """An operation of the control door (fault, speed, scope, switch, release), from plain JSON.

        Raises:
            MistakeError: it cannot be done; the text says why.
        """
        ControlDoor(self._server).act(name, sent)

    @property
    def run_s(self) -> float:
        """How long a run takes that starts now."""
        return self._server.world.run_s

    def now(self) -> float:
        """The stand-ins' time: seconds since the epoch."""
        return self._server.world.now()

    def standins(self) -> list[StandIn]:
        """Every stand-in, by name."""
        return [standin for _, standin in sorted(self._server.standins.items())]

    def waiting(self, provider: str) -> list[tuple[str, Fault]]:
        """The faults that have not befallen a request there yet, each with its verb, the next first."""
        return list(self._server.line(self.standin(provider).name).waiting)

    def clear(self, provider: str, place: int = 0, times: int | None = None) -> None:
        """Forget the faults that wait there, from ``place`` on, so many of them."""
        waiting = self._server.line(self.standin(provider).name).waiting
        del waiting[place : None if times is None else place + times]

    def release(self) -> None:
        """Let every hanging answer go on."""
        self._server.release()
