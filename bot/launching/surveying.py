"""Shows one channel: what it may launch beside what credentials hold, and where one person stands in it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.errors import LookupFailedError
from bot.domain.explaining import explain
from bot.domain.grants import Freeze
from bot.domain.model import Connection, Delivery, Reason, Workflow, distinct
from bot.domain.policy import Allow, Asker, Deny, NeedApproval, Wish, covers
from bot.domain.provider import Provider
from bot.launching.judging import Judge, lookup_reason
from bot.launching.outcomes import Refusal
from bot.launching.wishing import Wishing
from bot.ports import Clock, Definitions, Directory, Store
from bot.surfaces.access import Access
from bot.surfaces.place import Place, Reach

MOST_WORKFLOWS = 60


@dataclass(frozen=True, kw_only=True)
class Surveying:
    """Looks at a channel's grants; changes nothing."""

    store: Store
    definitions: Definitions
    directory: Directory
    judge: Judge
    wishing: Wishing
    clock: Clock
    providers: Mapping[str, Provider]
    connections: Mapping[str, Connection]

    async def place(self, asker: Asker) -> Place:
        """Where this person stands in this channel: what they may launch over each connection, or why not."""
        nothing = Wish(connection="", workflow=Workflow(workflow_id=""), needed_scopes=(), is_start=False)
        around = explain(self.judge.policy, nothing, asker).around
        is_open = all(finding.is_met for finding in around)
        names = self.wishing.granted_connections(asker.channel.channel_id) if is_open else ()
        reaches = await asyncio.gather(*(self._reach(name, asker) for name in names))
        return Place(channel_name=asker.channel.name, around=around, reaches=tuple(reaches))

    async def access(self, delivery: Delivery, only: str | None = None) -> Access | Refusal:
        """This channel's grants beside what the credentials hold, to its own members."""
        asker = await self.judge.person_here(delivery)
        if isinstance(asker, Refusal):
            return asker
        granted = self.wishing.granted_connections(delivery.channel_id)
        if only is not None and only.lower() not in granted:
            return self.wishing.unknown_connection(only, delivery.channel_id)
        stranger = await self._not_in_channel(asker)
        if stranger is not None:
            return stranger
        return await self._access(asker, tuple(name for name in granted if only is None or name == only.lower()))

    async def _not_in_channel(self, asker: Asker) -> Refusal | None:
        channel = asker.channel
        try:
            if await self.directory.is_in_channel(asker.person.user_id, channel.channel_id):
                return None
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))
        facts = {"channel": channel.name, "channel_id": channel.channel_id}
        return Refusal(reasons=(Reason(code="person_not_in_channel", facts=facts, source="Slack"),))

    async def _access(self, asker: Asker, names: tuple[str, ...]) -> Access:
        policy, now = self.judge.policy, self.clock.now()
        here = policy.channels.get(asker.channel.channel_id)
        mirrors = await asyncio.gather(*(self.store.mirror(name) for name in names))
        freezes = [one for one in policy.freezes if one.ends > now and _is_about(one, names)]
        return Access(
            channel_name=asker.channel.name,
            grants=tuple(
                (number, one) for number, one in enumerate(here.grants if here else (), start=1) if one.connection in names
            ),
            titles={name: self._title(name) for name in names},
            mirrors=dict(zip(names, mirrors, strict=True)),
            workflows=dict(zip(names, await asyncio.gather(*map(self._workflows, names)), strict=True)),
            freezes=tuple(sorted(freezes, key=lambda one: (one.begins, one.ends))),
            now=now,
        )

    async def _workflows(self, name: str) -> dict[str, Workflow]:
        """What is known of a connection's workflows, by id: rights are told by id, and grants may name names."""
        connection = self.connections.get(name)
        if connection is None:
            return {}
        try:
            known = await self.definitions.known(connection)
        except LookupFailedError:
            known = ()
        return {**connection.workflows, **{workflow.workflow_id: workflow for workflow in known}}

    async def _reach(self, name: str, asker: Asker) -> Reach:
        connection = self.connections.get(name)
        if connection is None:
            return Reach(connection=name, provider_title=name, trouble="this connection is not configured")
        workflows, trouble = await self._granted_workflows(connection, asker)
        rulings = [await self.judge.rule("launch", connection, workflow, asker) for workflow in workflows]
        labels = [(one.decision, one.asked.wish.workflow.label) for one in rulings]
        return Reach(
            connection=name,
            provider_title=self._title(name),
            allowed=tuple(label for decision, label in labels if isinstance(decision, Allow)),
            after_approval=tuple(label for decision, label in labels if isinstance(decision, NeedApproval)),
            refusals=distinct(reason for decision, _ in labels if isinstance(decision, Deny) for reason in decision.reasons),
            trouble=trouble,
        )

    async def _granted_workflows(self, connection: Connection, asker: Asker) -> tuple[tuple[Workflow, ...], str | None]:
        """The known workflows that a grant of this channel names, and why there may be more."""
        trouble = None
        try:
            known = await self.definitions.known_live(connection)
        except LookupFailedError as error:
            known, trouble = tuple(connection.workflows.values()), error.cause
        here = self.judge.policy.channels.get(asker.channel.channel_id)
        grants = [one for one in (here.grants if here else ()) if one.connection == connection.name]
        named = [one for one in known if one.obstacle is None and any(covers(grant, one) for grant in grants)]
        if len(named) > MOST_WORKFLOWS:
            trouble = f"only {MOST_WORKFLOWS} of {len(named)} workflows were looked at"
        return tuple(named[:MOST_WORKFLOWS]), trouble

    def _title(self, name: str) -> str:
        connection = self.connections.get(name)
        return self.providers[connection.provider].title if connection else name


def _is_about(freeze: Freeze, names: tuple[str, ...]) -> bool:
    return not freeze.connections or any(name in freeze.connections for name in names)
