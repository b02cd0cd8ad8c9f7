"""Makes the objects of a bot and joins them. Nothing here reaches out: building is not connecting."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

import commands
from bot.app.slack_door import Workspace
from bot.definitions import LiveDefinitions
from bot.domain.model import Connection
from bot.domain.provider import Provider
from bot.gateways.http import HttpWire
from bot.gateways.slack import Face, SlackThread
from bot.gateways.slack_directory import SlackDirectory
from bot.launching import Launching
from bot.ports import Clock, Store
from bot.settings import Configuration
from bot.worker import LEASE, LaunchWork, TellingWork, Worker


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of a bot that have a life: to be started, drained and closed."""

    wire: HttpWire
    worker: Worker
    door: commands.Door


def build(
    *,
    configuration: Configuration,
    providers: Mapping[str, Provider],
    store: Store,
    clock: Clock,
    client: AsyncWebClient,
    workspace: Workspace,
) -> Parts:
    """Every object of a bot, joined."""
    connections = configuration.connections
    wire = build_wire(configuration, providers, clock)
    thread = SlackThread(client, faces=_faces(connections, providers))
    holder = holder_name()
    launches = LaunchWork(
        store=store, wire=wire, clock=clock, providers=providers, connections=connections, holder=holder, lease=LEASE
    )
    tellings = TellingWork(store=store, thread=thread, clock=clock, holder=holder, lease=LEASE)
    worker = Worker(store=store, clock=clock, holder=holder, launches=launches, tellings=tellings)
    launching = Launching(
        store=store,
        definitions=LiveDefinitions(wire=wire, providers=providers, clock=clock),
        directory=SlackDirectory(client, clock=clock, team_id=workspace.team_id, enterprise_id=workspace.enterprise_id),
        thread=thread,
        clock=clock,
        providers=providers,
        connections=connections,
        policy=configuration.policy,
        ring=worker.ring,
        command=configuration.command,
        bot_name=workspace.bot_name,
    )
    door = commands.Door(command=configuration.command, launching=launching, entries=commands.load())
    return Parts(wire=wire, worker=worker, door=door)


def build_wire(configuration: Configuration, providers: Mapping[str, Provider], clock: Clock) -> HttpWire:
    """The wire alone: what `gonogo check` needs."""
    return HttpWire(
        connections=configuration.connections,
        credentials=configuration.credentials,
        providers=providers,
        clock=clock,
    )


def holder_name() -> str:
    """Who holds a lease: this process, told apart from one that had its number before."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def _faces(connections: Mapping[str, Connection], providers: Mapping[str, Provider]) -> dict[str, Face]:
    """What a card needs to know, by connection."""
    by_connection = {name: (connection, providers[connection.provider]) for name, connection in connections.items()}
    return {name: Face(title=provider.title, can_cancel=provider.cancels(one)) for name, (one, provider) in by_connection.items()}
