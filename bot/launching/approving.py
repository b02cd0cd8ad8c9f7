"""Yes and no: one use case behind the card's buttons, the typed commands and App Home.

At every yes the launch is compared with what people were shown. What changed asks again instead of counting, and what is no
longer allowed ends: nobody can agree to it. A no needs no such look.

Why who may decide does not depend on where they press: approvers are named by the grant, and need not be in the channel. Who is
none of them is told no more about a launch of another channel than that it is elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.approvals import Click, is_entitled, judge_click, reopened, standing_yeses
from bot.domain.errors import LookupFailedError
from bot.domain.model import Delivery, Event, Launch, State
from bot.domain.policy import Deny, person_reasons
from bot.domain.reactions import Reaction
from bot.domain.setbacks import no_longer_allowed, no_longer_needed
from bot.launching.entitling import Entitling
from bot.launching.judging import lookup_reason
from bot.launching.outcomes import Decided, Refusal, refused
from bot.launching.rebinding import Changed, Free, Gone, Rebinding, Unknown
from bot.ports import Clock, Store, Thread
from bot.surfaces import forms

TRIES = 8
_BY_THE_RULE = frozenset({"not_approver", "approval_self", "approval_cool_down"})
"""Refusals that another approval rule might not make."""


@dataclass(frozen=True, kw_only=True)
class Approving:
    """Decides on launches that wait. ``ring`` wakes the worker."""

    store: Store
    thread: Thread
    rebinding: Rebinding
    entitling: Entitling
    clock: Clock
    ring: Callable[[], None]

    async def approve(self, delivery: Delivery, launch_id: str) -> Decided | Refusal:
        """This person agrees."""
        return await self._decide(delivery, launch_id, is_yes=True)

    async def reject(self, delivery: Delivery, launch_id: str, reason: str) -> Decided | Refusal:
        """This person says no, and why."""
        return await self._decide(delivery, launch_id, is_yes=False, reason=reason)

    async def ask_for_reason(self, delivery: Delivery, launch_id: str) -> Refusal | None:
        """Open the form that asks why not; None when it is open. Who may not decide gets no form.

        Raises:
            ThreadError: Slack did not open it (the press is too long ago).
        """
        launch = await self._launch(delivery, launch_id)
        if isinstance(launch, Refusal):
            return launch
        click = await self._click(delivery, launch, (), is_yes=False, reason="")
        if isinstance(click, Refusal):
            return click
        events = await self.store.events(launch.launch_id)
        answer = judge_click(launch, events, click)
        if isinstance(answer, Deny):
            return _denied(delivery, launch, answer, is_approver=_is_approver(launch, events, click))
        await self.thread.open_form(delivery.trigger_id or "", forms.reject_form(launch, opened_by=delivery.key))
        return None

    async def _decide(self, delivery: Delivery, launch_id: str, *, is_yes: bool, reason: str = "") -> Decided | Refusal:
        """Whoever is quicker wins: a launch that somebody else changed in between is judged anew, as it stands then."""
        for _ in range(TRIES):
            launch = await self._launch(delivery, launch_id)
            if isinstance(launch, Refusal):
                return launch
            answer = await self._try(delivery, launch, is_yes=is_yes, reason=reason)
            if answer is not None:
                return answer
        return refused("busy_launch", launch_id=launch_id.upper())

    async def _launch(self, delivery: Delivery, launch_id: str) -> Launch | Refusal:
        """The launch; one of another workspace is as unknown as one that never was.

        The person comes first: who may do nothing here learns not even which launches there are.
        """
        try:
            refusals = person_reasons(await self.entitling.directory.person(delivery.user_id))
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))
        if refusals:
            return Refusal(reasons=refusals)
        launch = await self.store.launch(launch_id.upper())
        if launch is None or launch.team_id != delivery.team_id:
            return refused("unknown_launch", typed=launch_id)
        return launch

    async def _try(self, delivery: Delivery, launch: Launch, *, is_yes: bool, reason: str) -> Decided | Refusal | None:
        """None when somebody else changed it meanwhile."""
        events = await self.store.events(launch.launch_id)
        click = await self._click(delivery, launch, events, is_yes=is_yes, reason=reason)
        if isinstance(click, Refusal):
            return click
        answer = judge_click(launch, events, click)
        if isinstance(answer, Deny):
            anew = await self._asked_anew_of(click, launch, answer)
            if anew is not None:
                return await self._kept(delivery, anew, is_counted=False)
            return _denied(delivery, launch, answer, is_approver=_is_approver(launch, events, click))
        if is_yes:
            other = await self._as_of_today(launch)
            if isinstance(other, Refusal):
                return other
            if other is not None:
                return await self._kept(delivery, other, is_counted=False)
        return await self._kept(delivery, answer, is_counted=True)

    async def _click(
        self, delivery: Delivery, launch: Launch, events: Sequence[Event], *, is_yes: bool, reason: str
    ) -> Click | Refusal:
        try:
            asker = await self.entitling.asker(launch, delivery.user_id)
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))
        refusals = person_reasons(asker.person)
        if refusals:
            return Refusal(reasons=refusals)
        people = [yes.approver for yes in standing_yeses(events, launch.digest)]
        return Click(
            asker=asker,
            now=self.clock.now(),
            is_yes=is_yes,
            reason=reason,
            entitled=await self.entitling.entitled(launch, events, people),
            known=await self.entitling.known(launch),
        )

    async def _as_of_today(self, launch: Launch) -> Reaction | Refusal | None:
        """What happens instead of the yes; None when everything is as people were shown it."""
        today, now = await self.rebinding.today(launch), self.clock.now()
        match today:
            case Unknown():
                return refused("not_compared", launch_id=launch.launch_id, cause=today.detail)
            case Gone():
                return no_longer_allowed(launch, today.reasons, now)
            case Free():
                return no_longer_needed(launch, now)
            case Changed():
                return _reopened(today, now)
            case _:
                return None

    async def _asked_anew_of(self, click: Click, launch: Launch, denial: Deny) -> Reaction | None:
        """A yes of somebody who may decide only by the rule in force now asks everybody anew, by that rule; None for anybody else.

        Those whom the rule named before may be gone: then nobody else could bring the new one about.
        """
        if not click.is_yes or not {reason.code for reason in denial.reasons} <= _BY_THE_RULE:
            return None
        today, now = await self.rebinding.today(launch), self.clock.now()
        if not isinstance(today, Changed):
            return None
        entitled = await self.entitling.entitled(today.launch, (), (click.asker.person.user_id,))
        return _reopened(today, now) if all(entitled.values()) else None

    async def _kept(self, delivery: Delivery, reaction: Reaction, *, is_counted: bool) -> Decided | None:
        launch, event = reaction.launch, reaction.event
        is_saved = await self.store.save(launch, event, has_line=True, keep_lease=True, delivery_key=delivery.key)
        if not is_saved or event is None:
            return None
        self.ring()
        return Decided(launch=replace(launch, version=launch.version + 1), event=event, is_counted=is_counted)


def _is_approver(launch: Launch, events: Sequence[Event], click: Click) -> bool:
    return is_entitled(launch, events, click.asker, click.now) is True


def _denied(delivery: Delivery, launch: Launch, denial: Deny, *, is_approver: bool) -> Refusal:
    """Who is no approver learns nothing about a launch of another channel; an approver, on App Home, also who was quicker."""
    is_here = delivery.channel_id == launch.channel_id or delivery.user_id == launch.requester_id
    is_stranger = any(reason.code == "not_approver" for reason in denial.reasons)
    is_over = launch.state is not State.AWAITING_APPROVAL
    if not is_here and not is_approver and (is_stranger or is_over):
        return refused("launch_elsewhere", launch_id=launch.launch_id)
    return Refusal(reasons=denial.reasons)


def _reopened(today: Changed, now: datetime) -> Reaction:
    """People are asked again, about what there is now."""
    bound = today.launch
    return reopened(bound, now=now, digest=bound.digest, approval=bound.approval, changes=today.changes)
