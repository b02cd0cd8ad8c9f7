"""Makes the objects of a bot and joins them. Nothing here reaches out: building is not connecting."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

import commands
from bot.app.slack_door import Workspace
from bot.app.sockets import SOCKETS
from bot.definitions import LiveDefinitions, Refreshing
from bot.domain.fellows import Fellows
from bot.domain.model import Connection, Launch
from bot.domain.provider import Provider
from bot.domain.standing import Standing
from bot.gateways.http import HttpWire
from bot.gateways.slack import Face, SlackThread
from bot.gateways.slack_directory import SlackDirectory
from bot.launching import Launching, Place, Ports, Setup
from bot.ports import Clock, Replica, Store, Thread
from bot.settings import Configuration
from bot.store.rows import as_stored
from bot.worker import (
    LEASE,
    DeliveryWork,
    HomeWork,
    LaunchWork,
    Mirroring,
    Once,
    PacedWire,
    Plans,
    Sharing,
    TellingWork,
    TrackWork,
    Worker,
)
from bot.worker.handing import Hand
from bot.worker.mirroring import PROBE_EVERY


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of a bot that have a life: to be started, drained and closed; and what a reload needs to reach."""

    wire: HttpWire
    worker: Worker
    door: commands.Door
    standing: Standing
    thread: Thread
    once: Once


@dataclass(frozen=True, kw_only=True)
class Around:
    """What a start may lay around the parts that touch the world; nothing in production. ``lease`` is how long a claim holds.

    Tests end the process before or after a named call this way, and need not wait a quarter of a minute for a lease to lapse.
    ``probe_every``: how often each credential is probed; ``sockets``: how many Socket Mode opens.
    ``read``: how the configuration is read anew (None: as the program does).
    """

    store: Callable[[Any], Any] = lambda store: store
    wire: Callable[[Any], Any] = lambda wire: wire
    thread: Callable[[Any], Any] = lambda thread: thread
    lease: timedelta = LEASE
    probe_every: timedelta = PROBE_EVERY
    sockets: int = SOCKETS
    read: Callable[[], Configuration] | None = None


class Bell:
    """Joins use cases to the worker that carries on what they began, although the worker is made after them."""

    def __init__(self) -> None:
        self.rings: Callable[[], None] | None = None
        self.hand: Hand | None = None

    def ring(self) -> None:
        """Wake the worker, if there is one yet."""
        if self.rings is not None:
            self.rings()

    def place(self, launch: Launch) -> Place | None:
        """Room for a new launch with the worker, if there is one yet."""
        return self.hand.place(launch) if self.hand is not None else None


def build(
    *,
    configuration: Configuration,
    providers: Mapping[str, Provider],
    store: Store,
    clock: Clock,
    client: AsyncWebClient,
    workspace: Workspace,
    around: Around,
) -> Parts:
    """Every object of a bot, joined."""
    standing = Standing(policy=configuration.policy, connections=configuration.connections)
    connections, lease = standing.connections, around.lease
    http_wire = build_wire(configuration, providers, clock)
    store, wire = around.store(store), around.wire(http_wire)
    faces = Faces(connections, providers)
    holder, fellows = holder_name(), Fellows()
    slack = SlackThread(client, faces=faces, clock=clock, operators=configuration.operators, fellows=fellows)
    thread = around.thread(slack)
    once = Once(store=store, clock=clock, holder=holder)
    bell = Bell()
    definitions = LiveDefinitions(wire=wire, providers=providers, clock=clock)
    ports = Ports(
        store=store,
        wire=wire,
        definitions=definitions,
        directory=SlackDirectory(client, clock=clock, team_id=workspace.team_id, enterprise_id=workspace.enterprise_id),
        thread=thread,
        clock=clock,
    )
    setup = Setup(
        providers=providers,
        standing=standing,
        command=configuration.command,
        bot_name=workspace.bot_name,
        has_operators=configuration.operators is not None,
    )
    launching = Launching(ports=ports, setup=setup, ring=bell.ring, holder=holder, lease=lease, place=bell.place)
    door = commands.Door(command=configuration.command, launching=launching, entries=commands.load())
    mirroring = Mirroring(
        store=store,
        wire=wire,
        thread=thread,
        clock=clock,
        providers=providers,
        standing=standing,
        definitions=ports.definitions,
        every=around.probe_every,
        once=once,
    )
    paced = PacedWire(wire=wire, clock=clock, providers=providers, connections=connections, fellows=fellows)
    launches = LaunchWork(
        store=store,
        wire=wire,
        gate=launching.gate,
        clock=clock,
        providers=providers,
        connections=connections,
        holder=holder,
        lease=lease,
        hears=mirroring.heard,
        plans=Plans(store=store, clock=clock),
        paced=paced,
        is_tracking=False,
        stored=as_stored,
    )
    works = (
        DeliveryWork(store=store, clock=clock, holder=holder, lease=lease, carry=door.carry),
        launches,
        TrackWork(launches=replace(launches, wire=paced, paced=None), wire=paced, ring=bell.ring),
        mirroring,
        Refreshing(definitions=definitions, standing=standing, clock=clock),
        TellingWork(store=store, thread=thread, clock=clock, holder=holder, lease=lease, once=once),
        HomeWork(store=store, thread=thread, composer=launching.composer, clock=clock, holder=holder, lease=lease),
    )
    sharing = Sharing(
        store=store,
        clock=clock,
        replica=Replica(holder=holder, version=version("gonogo")),
        fellows=fellows,
        alive_for=lease,
        heeds=(slack.heed, paced.heed),
    )
    worker = Worker(store=store, thread=thread, clock=clock, holder=holder, works=works, lease=lease, sharing=sharing)
    bell.rings, bell.hand = worker.ring, worker.hand
    return Parts(wire=http_wire, worker=worker, door=door, standing=standing, thread=thread, once=once)


def build_wire(configuration: Configuration, providers: Mapping[str, Provider], clock: Clock) -> HttpWire:
    """The wire alone: what `gonogo check` needs."""
    return HttpWire(
        connections=configuration.connections,
        credentials=configuration.credentials,
        secrets=configuration.secrets,
        providers=providers,
        clock=clock,
    )


def holder_name() -> str:
    """Who holds a lease: this process, told apart from one that had its number before."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


class Faces(Mapping[str, Face]):
    """What a card needs to know, by connection: always of the connections in force."""

    def __init__(self, connections: Mapping[str, Connection], providers: Mapping[str, Provider]) -> None:
        self._connections, self._providers = connections, providers

    def __getitem__(self, name: str) -> Face:
        connection = self._connections[name]
        provider = self._providers[connection.provider]
        return Face(title=provider.title, can_cancel=provider.cancels(connection))

    def __iter__(self) -> Iterator[str]:
        return iter(self._connections)

    def __len__(self) -> int:
        return len(self._connections)
