"""The last question before a start: does everything that allowed this launch still hold, at this very moment?

Time passes between a request and its start: people approve, a provider is busy, the bot was down. Meanwhile a grant may have been
removed, a freeze begun, a person become a guest. What was allowed a moment ago under the policy still in force is not asked
about again: that is every launch that starts at once. One that was approved is always asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from bot.domain.approvals import reopened, standing_yeses, tally
from bot.domain.model import Launch
from bot.launching.entitling import Entitling
from bot.launching.judging import Judge
from bot.launching.rebinding import Changed, Free, Gone, Rebinding, Same, Unknown
from bot.ports import Clock, GateAnswer, Go, NoGo, Reopen, Store, Wait

AGREED_GOOD_FOR = timedelta(minutes=5)
"""How long those who agreed are taken to be entitled still, while a launch waits for its place on the wire."""
GOOD_FOR = timedelta(seconds=30)
"""How long a decision of the policy in force is good without asking again."""


@dataclass(frozen=True, kw_only=True)
class Rejudging:
    """Judges queued launches anew."""

    store: Store
    judge: Judge
    rebinding: Rebinding
    entitling: Entitling
    clock: Clock

    async def may_start(self, launch: Launch) -> GateAnswer:
        """Judge a queued launch anew: by its requester, in its channel, with its inputs and with those who agreed to it."""
        since = self.judge.standing.since  # first of all: whatever is reloaded while we ask makes the answer old
        if self._was_just_allowed(launch):
            return self._go(since)
        today = await self.rebinding.today(launch)
        if isinstance(today, Same):
            return await self._agreed(launch, today, since)
        return self._differing(today, since)

    def still_holds(self, launch: Launch, go: Go) -> bool:
        """While nothing was reloaded and no freeze began; and for what was approved, not for long."""
        policy, now = self.judge.policy, self.clock.now()
        if go.at is None or go.since != self.judge.standing.since:
            return False
        has_begun = any(go.at < freeze.begins <= now < freeze.ends for freeze in policy.freezes)
        return not has_begun and not (launch.approval and now - go.at > AGREED_GOOD_FOR)

    def _go(self, since: int) -> Go:
        return Go(at=self.clock.now(), since=since)

    def _differing(self, today: Free | Changed | Gone | Unknown, since: int) -> GateAnswer:
        match today:
            case Gone():
                return NoGo(reasons=today.reasons)
            case Unknown():
                return Wait(detail=today.detail)
            case Changed() if today.launch.approval:
                bound, now = today.launch, self.clock.now()
                reaction = reopened(bound, now=now, digest=bound.digest, approval=bound.approval, changes=today.changes)
                return Reopen(reaction=reaction)
            case Free() | Changed():
                return self._go(since)
            case _:
                assert_never(today)

    async def _agreed(self, launch: Launch, today: Same, since: int) -> GateAnswer:
        """Whether enough of those who agreed may still do so; else they are asked again, with as much time as the first time."""
        events = await self.store.events(launch.launch_id)
        people = [yes.approver for yes in standing_yeses(events, launch.digest)]
        entitled = await self.entitling.entitled(launch, events, people)
        count = tally(launch, events, entitled)
        if count.is_enough:
            return self._go(since)
        if count.may_be_enough:
            return Wait(detail=f"whether {', '.join(count.unknown)} may still approve: Slack did not tell")
        bound = await self.rebinding.bound(launch, today.grant, today.connection, today.workflow)
        now = self.clock.now()
        reaction = reopened(launch, now=now, digest=bound.digest, approval=bound.approval, lost=count.lost)
        return Reopen(reaction=reaction)

    def _was_just_allowed(self, launch: Launch) -> bool:
        """By when it was asked for: every delay by a busy provider is a change, and would make the decision young again."""
        policy, now = self.judge.policy, self.clock.now()
        is_same = launch.policy_digest == policy.digest and now - launch.created_at < GOOD_FOR
        is_frozen = any(freeze.begins <= now < freeze.ends for freeze in policy.freezes)
        return is_same and not is_frozen and not launch.approval
