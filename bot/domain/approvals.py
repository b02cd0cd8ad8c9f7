"""Who agreed to a launch, and what one more click means (design.md, section 7).

Approvals are events. A yes counts while it is about the digest in force, since people were last asked, and as long as whoever gave
it would still be entitled to: that is judged at the click that would complete it and once more at the start, never remembered.

Why a second click of the same person can still complete: their yes stands, and what was missing may have come back meanwhile
(somebody was put into a group again, Slack answers again).

Why somebody whose right is not known stops a click only where it matters: a yes that would not complete anyway is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.domain.approval_digest import change_facts
from bot.domain.approval_terms import Terms, is_escalated, next_due, since_asked, terms_of
from bot.domain.lifecycle import step
from bot.domain.model import NOTHING, Event, EventKind, Json, Launch, Reason, State
from bot.domain.policy import Asker, Deny, is_among, person_reasons
from bot.domain.reactions import Reaction

MOST_REASON = 3000
MOST_SET = 50
_MEMBERS = "members"
_YESES = frozenset({EventKind.APPROVED, EventKind.CLEARED})
_HOW = {
    EventKind.CLEARED: "approved it",
    EventKind.REJECTED: "rejected it",
    EventKind.CANCELLED: "cancelled it",
    EventKind.EXPIRED: "nobody decided in time",
}


@dataclass(frozen=True, kw_only=True)
class Yes:
    """One person agreed. ``entitled_by`` is what made them an approver: ``members``, their own id or that of a user group."""

    approver: str
    at: datetime
    entitled_by: str


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Whose yes counts now, whose does no longer, and of whom that is not known."""

    required: int
    counted: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def is_enough(self) -> bool:
        """Whether enough distinct people agreed."""
        return len(self.counted) >= self.required

    @property
    def may_be_enough(self) -> bool:
        """Whether it would be enough if all of whom it is not known were entitled."""
        return len(self.counted) + len(self.unknown) >= self.required


@dataclass(frozen=True, kw_only=True)
class Click:
    """A decision that somebody makes, through whichever door.

    ``asker``: with the memberships of every group that may decide. ``entitled``: whether each person whose yes stands would be
    entitled now (``is_entitled``); nobody told is not known. ``known``: the entitled people, as far as they were resolved.
    """

    asker: Asker
    now: datetime
    is_yes: bool
    reason: str = ""
    entitled: Mapping[str, bool | None] = NOTHING
    known: frozenset[str] = frozenset()


def deciders(launch: Launch) -> frozenset[str]:
    """The user groups that decisions on this launch may turn on: ask Slack about these."""
    terms = terms_of(launch)
    return frozenset(name for name in (*terms.approvers, *terms.escalate_to) if name.startswith("S"))


def standing_yeses(events: Sequence[Event], digest: str) -> tuple[Yes, ...]:
    """Who agreed to exactly this since people were last asked: each person once, their first."""
    found: dict[str, Yes] = {}
    for event in since_asked(events):
        if event.kind in _YESES and digest and event.facts.get("digest") == digest:
            by = str(event.facts.get("entitled_by") or "")
            found.setdefault(event.actor, Yes(approver=event.actor, at=event.at, entitled_by=by))
    return tuple(found.values())


def recount(yeses: Sequence[Yes], entitled: Mapping[str, bool | None], *, required: int) -> Tally:
    """Which of ``yeses`` count, by what each person is entitled to at this moment."""
    people = tuple(dict.fromkeys(yes.approver for yes in yeses))
    return Tally(
        required=required,
        counted=tuple(person for person in people if entitled.get(person) is True),
        lost=tuple(person for person in people if entitled.get(person) is False),
        unknown=tuple(person for person in people if entitled.get(person) is None),
    )


def tally(launch: Launch, events: Sequence[Event], entitled: Mapping[str, bool | None]) -> Tally:
    """How far the approval of a launch has come, judged now: for the start, and for whoever looks."""
    return recount(standing_yeses(events, launch.digest), entitled, required=terms_of(launch).required)


def entitlement(launch: Launch, events: Sequence[Event], asker: Asker, now: datetime) -> str | tuple[Reason, ...]:
    """What makes this person an approver of this launch at this moment, or why nothing does."""
    refusals = person_reasons(asker.person)
    if refusals:
        return refusals
    terms = terms_of(launch)
    own = _own_launch(launch, terms, now) if asker.person.user_id == launch.requester_id else ()
    if own:
        return own
    names = (*terms.approvers, *(terms.escalate_to if is_escalated(events) else ()))
    if is_among(names, asker):
        return _entitled_by(names, asker)
    return (_not_among(launch, names, asker),)


def is_entitled(launch: Launch, events: Sequence[Event], asker: Asker, now: datetime) -> bool | None:
    """Whether this person is an approver of this launch at this moment; None where Slack did not tell."""
    found = entitlement(launch, events, asker, now)
    if isinstance(found, str):
        return True
    return None if all(reason.code == "lookup_failed" for reason in found) else False


def judge_click(launch: Launch, events: Sequence[Event], click: Click) -> Reaction | Deny:
    """What a click means: APPROVED, CLEARED or REJECTED, or why it counts for nothing.

    Whoever calls has seen that ``Launch.digest`` is still that of what would run; a difference is ``reopened`` instead.
    """
    refusals = _too_late(launch, events, click.now)
    if refusals:
        return Deny(reasons=refusals)
    by = entitlement(launch, events, click.asker, click.now)
    if not isinstance(by, str):
        return Deny(reasons=by)
    case = _Case(launch=launch, events=events, click=click, by=by)
    return case.agreed() if click.is_yes or case.own else case.rejected()


def reopened(
    launch: Launch,
    *,
    now: datetime,
    digest: str,
    approval: Mapping[str, Json],
    changes: Sequence[Mapping[str, Json]] = (),
    lost: Sequence[str] = (),
) -> Reaction:
    """Ask again: no earlier yes counts any more. ``launch`` has what changed (version, grant, inputs) already.

    ``changes``: what differs, as ``approval_digest.changes`` tells it; ``lost``: whose yes no longer counts.
    """
    facts = {"digest": digest, **change_facts(changes), **({"lost": list(lost)} if lost else {})}
    event = Event(launch_id=launch.launch_id, kind=EventKind.REOPENED, at=now, facts=facts)
    bound = replace(step(launch, event), digest=digest, approval=approval)
    return Reaction(launch=replace(bound, due_at=next_due(bound, (event,))), event=event)


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A click of somebody who may decide. ``by`` is what entitles them, ``own`` their yes, where one stands already."""

    launch: Launch
    events: Sequence[Event]
    click: Click
    by: str

    @property
    def person(self) -> str:
        return self.click.asker.person.user_id

    @property
    def own(self) -> Yes | None:
        yeses = standing_yeses(self.events, self.launch.digest)
        return next((yes for yes in yeses if yes.approver == self.person), None)

    def agreed(self) -> Reaction | Deny:
        """A yes, or a click of somebody whose yes stands: it completes, is kept, or adds nothing."""
        count = self._count()
        if self.own is not None and not (self.click.is_yes and count.is_enough):
            return Deny(reasons=(_already(self.launch, self.own),))
        if not count.is_enough and count.may_be_enough:
            return Deny(reasons=(_unknown(f"whether {', '.join(count.unknown)} may still approve"),))
        facts: dict[str, Json] = {"counted": list(count.counted), "required": count.required}
        lost: dict[str, Json] = {"lost": list(count.lost)} if count.lost else {}
        return self._happened(EventKind.CLEARED if count.is_enough else EventKind.APPROVED, facts | lost)

    def rejected(self) -> Reaction:
        """A no, with its reason as far as it is kept."""
        reason = self.click.reason.strip()
        kept = reason if len(reason) <= MOST_REASON else f"{reason[: MOST_REASON - 1]}…"
        return self._happened(EventKind.REJECTED, {"reason": kept} if kept else {})

    def _count(self) -> Tally:
        mine = Yes(approver=self.person, at=self.click.now, entitled_by=self.by)
        yeses = [*standing_yeses(self.events, self.launch.digest), mine]
        entitled = {**self.click.entitled, self.person: True}
        return recount(yeses, entitled, required=terms_of(self.launch).required)

    def _happened(self, kind: EventKind, facts: dict[str, Json]) -> Reaction:
        """With what it was about, and who could have decided, as far as that was resolved at the click."""
        click, launch = self.click, self.launch
        known = sorted(click.known | {self.person})
        told = {"digest": launch.digest, "entitled_by": self.by, "set": known[:MOST_SET], "set_size": len(known), **facts}
        event = Event(launch_id=launch.launch_id, kind=kind, at=click.now, actor=self.person, facts=told)
        after = step(launch, event)
        if kind is EventKind.APPROVED:
            after = replace(after, due_at=next_due(launch, self.events))
        return Reaction(launch=after, event=event)


def _too_late(launch: Launch, events: Sequence[Event], now: datetime) -> tuple[Reason, ...]:
    if launch.state is not State.AWAITING_APPROVAL:
        return (_not_awaiting(launch, events),)
    expires_at = terms_of(launch).expires_at
    if now < expires_at:
        return ()
    return (_reason("approval_expired", launch_id=launch.launch_id, at=_text(expires_at)),)


def _not_awaiting(launch: Launch, events: Sequence[Event]) -> Reason:
    """Who won, how and when."""
    facts = {"launch_id": launch.launch_id, "state": launch.state.word}
    last = next((event for event in reversed(events) if event.kind in _HOW), None)
    if last is None:
        return _reason("not_awaiting", **facts)
    how = _HOW[last.kind]
    who = {"by": last.actor, "how": how} if last.actor.startswith(("U", "W")) else {"ended": how}
    return _reason("not_awaiting", **facts, **who, at=_text(last.at))


def _already(launch: Launch, own: Yes) -> Reason:
    return _reason("already_decided", launch_id=launch.launch_id, at=_text(own.at))


def _own_launch(launch: Launch, terms: Terms, now: datetime) -> tuple[Reason, ...]:
    """Why the requester may not decide (yet)."""
    if terms.self_approval:
        return ()
    if not terms.single_operator:
        return (_reason("approval_self", launch_id=launch.launch_id),)
    if terms.cool_down_until is not None and now < terms.cool_down_until:
        return (_reason("approval_cool_down", launch_id=launch.launch_id, until=_text(terms.cool_down_until)),)
    return ()


def _entitled_by(names: Sequence[str], asker: Asker) -> str:
    """The most personal of the names: the person's own, then a group, then that of everybody."""
    person = asker.person.user_id
    groups = sorted(name for name in names if name.startswith("S") and asker.memberships.get(name))
    return person if person in names else next(iter(groups), _MEMBERS)


def _not_among(launch: Launch, names: Sequence[str], asker: Asker) -> Reason:
    unknown = sorted({name for name in names if name.startswith("S") and asker.memberships.get(name) is None})
    if unknown:
        return _unknown(f"user group {', '.join(unknown)}")
    return _reason("not_approver", launch_id=launch.launch_id, approvers=", ".join(names))


def _unknown(subject: str) -> Reason:
    return Reason(code="lookup_failed", facts={"subject": subject, "cause": "Slack did not tell"}, source="Slack")


def _reason(code: str, **facts: str) -> Reason:
    return Reason(code=code, facts=facts, source="our own record")


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
