"""Looks at launches and at what may be launched; changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.errors import LookupFailedError
from bot.domain.model import Connection, Delivery, InputSpec, Workflow
from bot.domain.policy import Allow, Asker, NeedApproval
from bot.domain.provider import Provider
from bot.domain.spelling import closest
from bot.launching.judging import Judge
from bot.launching.outcomes import Launchable, Refusal, Story, refused
from bot.launching.wishing import Wishing
from bot.ports import Definitions, Seen, Store

RECENT = 10


@dataclass(frozen=True, kw_only=True)
class Looking:
    """Answers questions of people."""

    store: Store
    definitions: Definitions
    judge: Judge
    providers: Mapping[str, Provider]
    connections: Mapping[str, Connection]
    wishing: Wishing

    async def launchable(self, delivery: Delivery, only: str | None = None) -> tuple[Launchable, ...] | Refusal:
        """What this person may launch in this channel, over every granted connection or over ``only`` one."""
        asker = await self.judge.person_here(delivery)
        if isinstance(asker, Refusal):
            return asker
        granted = self.wishing.granted_connections(delivery.channel_id)
        if only is not None and only.lower() not in granted:
            near = closest(only, granted) or ""
            return refused("unknown_connection", typed=only, closest=near, known=", ".join(granted))
        names = [name for name in granted if only is None or name == only.lower()]
        connections = [connection for name in names if (connection := self.connections.get(name)) is not None]
        return tuple(await asyncio.gather(*(self._over(connection, asker) for connection in connections)))

    async def inputs_of(self, connection: Connection, workflow: Workflow) -> tuple[InputSpec, ...]:
        """The inputs that a workflow takes; empty when nobody can tell now."""
        try:
            described = await self.definitions.described(connection, workflow)
        except LookupFailedError:
            return ()
        return self.wishing.specs(connection, described)

    async def story(self, delivery: Delivery, launch_id: str) -> Story | Refusal:
        """One launch, to the people of its channel and to its requester."""
        stranger = await self.judge.member(delivery)
        if stranger is not None:
            return stranger
        launch = await self.store.launch(launch_id.upper())
        if launch is None:
            return refused("unknown_launch", typed=launch_id)
        if delivery.channel_id != launch.channel_id and delivery.user_id != launch.requester_id:
            return refused("launch_elsewhere", launch_id=launch.launch_id)
        events = await self.store.events(launch.launch_id)
        return Story(launch=launch, events=events, provider_title=self.title(launch.provider))

    async def recent(self, delivery: Delivery) -> tuple[Story, ...] | Refusal:
        """The newest launches of this channel."""
        stranger = await self.judge.member(delivery)
        if stranger is not None:
            return stranger
        launches = await self.store.recent(channel_id=delivery.channel_id, limit=RECENT)
        return tuple(Story(launch=launch, events=(), provider_title=self.title(launch.provider)) for launch in launches)

    def title(self, provider: str) -> str:
        """What people call a provider; its plain name where it is gone."""
        return self.providers[provider].title if provider in self.providers else provider

    async def _over(self, connection: Connection, asker: Asker) -> Launchable:
        """As last told: nobody who only looks waits for a slow provider."""
        seen = await self.definitions.seen(connection)
        allowed = tuple([workflow for workflow in seen.workflows if await self._may_launch(connection, workflow, asker)])
        return Launchable(
            connection=connection, provider_title=self.title(connection.provider), workflows=allowed, trouble=_trouble(seen)
        )

    async def _may_launch(self, connection: Connection, workflow: Workflow, asker: Asker) -> bool:
        decision = await self.judge.decide("launch", connection, workflow, asker)
        return workflow.obstacle is None and isinstance(decision, Allow | NeedApproval)


def _trouble(seen: Seen) -> str | None:
    """Why the list may not be as it is by now, and how old it is."""
    if seen.trouble is None or seen.seen_at is None:
        return seen.trouble
    return f"{seen.trouble.rstrip('. ')}; this is as of {seen.seen_at:%Y-%m-%d %H:%M} UTC"
