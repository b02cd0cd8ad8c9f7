"""What `gonogo check` asks outside: all providers and Slack at once. Harmless reads only: nothing is started or written anywhere.

Why one limit of time for all that is asked of one provider: a slow one then costs its timeout, and not its timeout per workflow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bot.app.asking_slack import ask_slack
from bot.app.building import build_wire
from bot.checking.connection import connection_findings
from bot.checking.facts import ConnectionFacts
from bot.checking.findings import Checked
from bot.checking.known import to_describe
from bot.checking.manifest import manifest_scopes
from bot.checking.places import Places
from bot.domain.grants import Policy
from bot.domain.model import Connection, Workflow
from bot.domain.provider import DescribeAnswer, Held, Provider, Unreachable, Unsupported
from bot.gateways.clock import SystemClock
from bot.ports import Wire
from bot.settings import Configuration, Settings


async def probe(
    settings: Settings, configuration: Configuration, providers: Mapping[str, Provider], *, manifest: Path
) -> list[Checked]:
    """Ask Slack and every provider, all at once, and say what their answers mean for this configuration."""
    wire, places, policy = build_wire(configuration, providers, SystemClock()), Places(settings.config_path), configuration.policy
    try:
        asked = [_ask_connection(wire, policy, one, providers[one.provider]) for one in configuration.connections.values()]
        slack = ask_slack(settings, configuration, places, asked_for=manifest_scopes(manifest))
        found, facts = await asyncio.gather(slack, asyncio.gather(*asked))
    finally:
        await wire.close()
    return [*found, *(one for fact in facts for one in connection_findings(policy, fact, places))]


async def _ask_connection(wire: Wire, policy: Policy, connection: Connection, provider: Provider) -> ConnectionFacts:
    """Credential, then list, then single workflows, each only where what came before was answered; what time allows."""
    asked_at = SystemClock().now()
    asking = _Asking(wire, policy, ConnectionFacts(connection=connection, provider=provider, asked_at=asked_at))
    within_s = connection.timeout_s or provider.timeout_s
    try:
        async with asyncio.timeout(within_s):
            await asking.ask()
    except TimeoutError:
        return replace(asking.facts, waited_s=within_s)
    return asking.facts


class _Asking:
    """The questions to one provider. ``facts`` grow as answers come, so that those count which came in time."""

    def __init__(self, wire: Wire, policy: Policy, facts: ConnectionFacts) -> None:
        self._wire = wire
        self._policy = policy
        self.facts = facts

    async def ask(self) -> None:
        """Ask until there is nothing left to ask, or an answer says that the rest would bring nothing."""
        connection, provider = self.facts.connection, self.facts.provider
        probed = await self._wire.perform(connection.name, provider.probe(connection))
        self.facts = replace(self.facts, probed=probed)
        if not isinstance(probed, Held | Unsupported):
            return
        listed = await self._wire.perform(connection.name, provider.catalogue(connection))
        self.facts = replace(self.facts, listed=listed)
        if provider.has_describe and not isinstance(listed, Unreachable):
            await self._describe()

    async def _describe(self) -> None:
        """One first: where a provider tells of none, it is not asked about all of them."""
        wanted = to_describe(self._policy, self.facts.connection, self.facts.listed)
        if not wanted or isinstance(await self._described(wanted[0]), Unsupported | Unreachable):
            return
        await asyncio.gather(*map(self._described, wanted[1:]))

    async def _described(self, workflow: Workflow) -> DescribeAnswer:
        connection = self.facts.connection
        answer = await self._wire.perform(connection.name, self.facts.provider.describe(workflow, connection))
        self.facts = replace(self.facts, described={**self.facts.described, workflow.workflow_id: answer})
        return answer
