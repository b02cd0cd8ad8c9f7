"""Definitions over one connection whose provider answers from tables, at once or when a gate opens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from bot.definitions import LiveDefinitions
from bot.domain.model import Connection, Workflow
from bot.domain.provider import CatalogueAnswer, DescribeAnswer, Described, Exchange, Listed, Provider, Refused, unsupported
from tests.builders import FrozenClock, a_connection
from tests.exchanges import drive

LISTED = Workflow(workflow_id="396", name="Dunning run")


class TableProvider(Provider):
    """Answers from tables, without calls."""

    name = "zuora"
    title = "Zuora Workflow"
    has_describe = True

    def __init__(self, listed: CatalogueAnswer | None, described: dict[str, DescribeAnswer]) -> None:
        self.listed = listed
        self.described = described

    @property
    def has_catalogue(self) -> bool:  # type: ignore[override]
        return self.listed is not None

    def catalogue(self, connection: Connection) -> Exchange[CatalogueAnswer]:
        assert self.listed is not None, "a provider without a catalogue is not asked for it"
        return unsupported(self.listed)

    def describe(self, workflow: Workflow, connection: Connection) -> Exchange[DescribeAnswer]:
        return unsupported(
            self.described.get(workflow.workflow_id, Refused(code="HTTP 404", meaning="There is no such workflow."))
        )


@dataclass
class CountingWire:
    """Drives exchanges and counts them; while ``gate`` is closed nobody gets an answer. ``most``: questions at the same time."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    under_way: int = 0
    most: int = 0

    async def perform(self, connection: str, exchange: Exchange[Any]) -> Any:
        self.asked += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        answer = drive(exchange).answer
        await self.gate.wait()
        self.under_way -= 1
        return answer


@dataclass
class Bench:
    """Definitions over one connection, and what they stand on."""

    definitions: LiveDefinitions
    connection: Connection
    provider: TableProvider
    wire: CountingWire
    clock: FrozenClock

    async def find(self, typed: str) -> Any:
        return await self.definitions.find(self.connection, typed)

    async def described(self, workflow: Workflow) -> Workflow:
        return await self.definitions.described(self.connection, workflow)

    def publish(self, version: str) -> None:
        """Another version of the one workflow, in the list and described."""
        workflow = Workflow(workflow_id="396", name="Dunning run", version=version)
        self.provider.listed = Listed(workflows=(workflow,))
        self.provider.described["396"] = Described(workflow=Workflow(workflow_id="396", version=version, inputs=()))


def bench(
    *configured: Workflow,
    listed: CatalogueAnswer | None = Listed(workflows=(LISTED,)),  # noqa: B008 - a frozen value
    described: dict[str, DescribeAnswer] | None = None,
) -> Bench:
    provider, wire, clock = TableProvider(listed, described or {}), CountingWire(), FrozenClock()
    wire.gate.set()
    return Bench(
        definitions=LiveDefinitions(wire=wire, providers={"zuora": provider}, clock=clock),
        connection=a_connection(workflows={workflow.workflow_id: workflow for workflow in configured}),
        provider=provider,
        wire=wire,
        clock=clock,
    )


async def settle() -> None:
    """Whatever can go on without time passing has gone on."""
    for _ in range(10):
        await asyncio.sleep(0)
