"""What a launch is bound to from its first moment: connection, workflow, inputs, the grant that allowed it, and its approval."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.model import Delivery, Launch
from bot.domain.policy import NeedApproval
from bot.launching.rebinding import Rebinding
from bot.launching.wishing import Read
from bot.ports import Clock


@dataclass(frozen=True, kw_only=True)
class Binding:
    """Makes new launches."""

    clock: Clock
    rebinding: Rebinding

    async def new_launch(self, delivery: Delivery, read: Read) -> Launch:
        """A launch that was allowed just now, under an id that need not be free; one that others must agree to waits for them."""
        launch = self._queued(delivery, read)
        if not isinstance(read.ruling.decision, NeedApproval):
            return launch
        return await self.rebinding.bound(launch, read.ruling.grant, read.connection, read.workflow)

    def _queued(self, delivery: Delivery, read: Read) -> Launch:
        now, grant = self.clock.now(), read.ruling.grant
        return Launch(
            launch_id=self.clock.new_launch_id(),
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
            policy_digest=read.ruling.policy.digest,
            grant_key=grant.key,
            quota_key=grant.quota_key,
            created_at=now,
            updated_at=now,
            due_at=now,
        )
