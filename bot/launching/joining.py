"""Joins the use cases over one set of ports: which stands on which is said here, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.domain.model import Launch
from bot.domain.provider import Provider
from bot.domain.standing import Standing
from bot.launching.again import Repeating
from bot.launching.approving import Approving
from bot.launching.binding import Binding
from bot.launching.doubting import Doubting
from bot.launching.entitling import Entitling
from bot.launching.explaining import Explaining
from bot.launching.filling import Filling
from bot.launching.homing import Homing
from bot.launching.judging import Judge
from bot.launching.looking import Looking
from bot.launching.offering import Offering
from bot.launching.picking import Picking
from bot.launching.placing import Placing
from bot.launching.rebinding import Rebinding
from bot.launching.rejudging import Rejudging
from bot.launching.requesting import Place, Requesting
from bot.launching.sending import Sending
from bot.launching.stopping import Stopping
from bot.launching.whereabouts import Whereabouts
from bot.launching.wishing import Wishing
from bot.ports import Clock, Definitions, Directory, Store, Thread, Wire


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The doors outward that use cases stand on."""

    store: Store
    wire: Wire
    definitions: Definitions
    directory: Directory
    thread: Thread
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What the configuration and Slack say: who may do what, over which connections, and what we are called.

    ``has_operators``: there is a channel in which operators can be told something.
    """

    providers: Mapping[str, Provider]
    standing: Standing
    command: str = "/launch"
    bot_name: str = "gonogo"
    has_operators: bool = False


@dataclass(frozen=True, kw_only=True)
class UseCases:
    """Everything that people, and the worker before a start, can ask for."""

    requesting: Requesting
    looking: Looking
    explaining: Explaining
    approving: Approving
    doubting: Doubting
    stopping: Stopping
    rejudging: Rejudging
    homing: Homing
    filling: Filling
    sending: Sending
    repeating: Repeating


class Joiner:
    """Makes the use cases. ``ring`` wakes the worker; ``place`` asks it for room for a new launch."""

    def __init__(
        self, ports: Ports, setup: Setup, ring: Callable[[], None], place: Callable[[Launch], Place | None] = lambda _: None
    ) -> None:
        self._ports, self._setup, self._ring, self._place = ports, setup, ring, place
        self._connections = setup.standing.connections
        self._judge = Judge(
            standing=setup.standing,
            directory=ports.directory,
            providers=setup.providers,
            store=ports.store,
            clock=ports.clock,
            bot_name=setup.bot_name,
        )
        self._wishing = Wishing(
            store=ports.store,
            definitions=ports.definitions,
            judge=self._judge,
            providers=setup.providers,
            connections=self._connections,
        )
        self._rebinding = Rebinding(
            store=ports.store,
            definitions=ports.definitions,
            judge=self._judge,
            clock=ports.clock,
            connections=self._connections,
        )
        self._entitling = Entitling(directory=ports.directory, clock=ports.clock)

    def joined(self) -> UseCases:
        """All of them."""
        filling = self._filling()
        return UseCases(
            requesting=self._requesting(),
            looking=self._looking(),
            explaining=self._explaining(),
            approving=self._approving(),
            doubting=self._doubting(),
            stopping=self._stopping(),
            rejudging=self._rejudging(),
            homing=self._homing(),
            filling=filling,
            sending=self._sending(filling),
            repeating=self._repeating(filling),
        )

    def _requesting(self) -> Requesting:
        binding = Binding(clock=self._ports.clock, rebinding=self._rebinding)
        return Requesting(store=self._ports.store, wishing=self._wishing, binding=binding, ring=self._ring, place=self._place)

    def _looking(self) -> Looking:
        return Looking(
            store=self._ports.store,
            definitions=self._ports.definitions,
            judge=self._judge,
            providers=self._setup.providers,
            connections=self._connections,
            wishing=self._wishing,
        )

    def _explaining(self) -> Explaining:
        ports, setup = self._ports, self._setup
        return Explaining(
            store=ports.store,
            definitions=ports.definitions,
            directory=ports.directory,
            thread=ports.thread,
            judge=self._judge,
            wishing=self._wishing,
            clock=ports.clock,
            providers=setup.providers,
            connections=self._connections,
            command=setup.command,
            has_operators=setup.has_operators,
        )

    def _approving(self) -> Approving:
        return Approving(
            store=self._ports.store,
            thread=self._ports.thread,
            rebinding=self._rebinding,
            entitling=self._entitling,
            clock=self._ports.clock,
            ring=self._ring,
        )

    def _doubting(self) -> Doubting:
        return Doubting(
            store=self._ports.store,
            wire=self._ports.wire,
            thread=self._ports.thread,
            judge=self._judge,
            clock=self._ports.clock,
            providers=self._setup.providers,
            connections=self._connections,
            ring=self._ring,
        )

    def _stopping(self) -> Stopping:
        return Stopping(
            store=self._ports.store,
            judge=self._judge,
            clock=self._ports.clock,
            providers=self._setup.providers,
            connections=self._connections,
            ring=self._ring,
        )

    def _repeating(self, filling: Filling) -> Repeating:
        return Repeating(
            store=self._ports.store,
            definitions=self._ports.definitions,
            judge=self._judge,
            wishing=self._wishing,
            connections=self._connections,
            command=self._setup.command,
            opening=filling.reopen,
        )

    def _rejudging(self) -> Rejudging:
        return Rejudging(
            store=self._ports.store,
            judge=self._judge,
            rebinding=self._rebinding,
            entitling=self._entitling,
            clock=self._ports.clock,
        )

    def _filling(self) -> Filling:
        ports, setup = self._ports, self._setup
        offering = Offering(
            definitions=ports.definitions,
            judge=self._judge,
            wishing=self._wishing,
            clock=ports.clock,
            providers=setup.providers,
            connections=self._connections,
            command=setup.command,
            picking=Picking(wire=ports.wire, judge=self._judge, providers=setup.providers),
        )
        return Filling(
            store=ports.store,
            thread=ports.thread,
            clock=ports.clock,
            judge=self._judge,
            wishing=self._wishing,
            offering=offering,
            whereabouts=Whereabouts(directory=ports.directory, judge=self._judge),
            command=setup.command,
        )

    def _sending(self, filling: Filling) -> Sending:
        ports = self._ports
        return Sending(
            store=ports.store,
            thread=ports.thread,
            definitions=ports.definitions,
            filling=filling,
            requesting=self._requesting(),
            explaining=self._explaining(),
            command=self._setup.command,
        )

    def _homing(self) -> Homing:
        ports, setup = self._ports, self._setup
        placing = Placing(
            store=ports.store,
            definitions=ports.definitions,
            judge=self._judge,
            wishing=self._wishing,
            clock=ports.clock,
            providers=setup.providers,
            connections=self._connections,
        )
        return Homing(
            store=ports.store,
            directory=ports.directory,
            judge=self._judge,
            placing=placing,
            clock=ports.clock,
            providers=setup.providers,
            command=setup.command,
            ring=self._ring,
        )
