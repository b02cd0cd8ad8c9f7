"""Shows what a launch would send, without sending it: the typed wish is read as at a launch, the call is foreseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.domain.foreseen import foreseen, made_up
from bot.domain.model import Connection, Delivery, Launch
from bot.domain.policy import Deny
from bot.domain.provider import Provider
from bot.launching.outcomes import Refusal
from bot.launching.wishing import Read, Wishing
from bot.ports import Clock
from bot.surfaces.command_text import LaunchText
from bot.surfaces.preview import Preview


@dataclass(frozen=True, kw_only=True)
class Previewing:
    """Previews launches."""

    wishing: Wishing
    clock: Clock
    providers: Mapping[str, Provider]

    async def preview(self, delivery: Delivery, typed: LaunchText) -> Preview | Refusal:
        """What this launch would send, and what policy says to it. Nothing is kept of it but a denial, and nothing is sent."""
        read = await self.wishing.judged(delivery, typed)
        if isinstance(read, Refusal):
            return read
        provider = self.providers[read.connection.provider]
        preview = Preview(
            connection=read.connection.name,
            provider_title=provider.title,
            base_url=read.connection.base_url,
            workflow=read.workflow.label,
            decision=read.ruling.decision,
        )
        if isinstance(read.ruling.decision, Deny):
            return preview
        launch = made_up(self._launch(delivery, read))
        found = foreseen(provider.start(launch, read.connection))
        return replace(preview, foreseen=found, key=_key_words(provider, read.connection))

    def _launch(self, delivery: Delivery, read: Read) -> Launch:
        now = self.clock.now()
        return Launch(
            launch_id="",
            team_id=delivery.team_id,
            channel_id=delivery.channel_id,
            requester_id=delivery.user_id,
            connection=read.connection.name,
            provider=read.connection.provider,
            workflow_id=read.workflow.workflow_id,
            workflow_name=read.workflow.name,
            workflow_version=read.workflow.version,
            extras=read.workflow.extras,
            inputs=read.inputs,
            created_at=now,
            updated_at=now,
        )


def _key_words(provider: Provider, connection: Connection) -> str:
    """How a lost answer is kept from causing a second run."""
    if provider.resend_window_s is not None:
        hours = provider.resend_window_s / 3600
        return (
            f"The launch id is the idempotency key: with the same one, {provider.title} starts no second run within {hours:g} h."
        )
    if provider.can_find(connection):
        by = provider.lost_start_settled_by or "its own search"
        return f"{provider.title} documents no idempotency key: a start without an answer is looked up by {by}, never sent again."
    return f"{provider.title} documents no idempotency key: a start without an answer is settled by a person, never sent again."
