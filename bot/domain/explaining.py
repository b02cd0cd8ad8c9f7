"""Rule by rule: what each grant of the channel says to a wish, and what follows from it.

``decide`` is the only way to a decision; it keeps the verdict of ``explain`` and forgets the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.grants import Grant, Policy
from bot.domain.holdings import is_held
from bot.domain.input_rules import holds, rule_reasons
from bot.domain.model import Reason, distinct
from bot.domain.policy import (
    NO_CIRCUMSTANCES,
    Allow,
    Asker,
    Circumstances,
    Decision,
    Deny,
    NeedApproval,
    Usage,
    Wish,
    channel_reasons,
    covers,
    is_among,
    is_frozen,
    person_reasons,
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One rule, and whether it is met. ``reason`` says by which fact, where that came from and when it was seen.

    ``rule`` is one of person, channel, freeze, workflow, scope, held, requester, input, limit, approval.
    """

    rule: str
    is_met: bool
    reason: Reason


@dataclass(frozen=True, kw_only=True)
class GrantFindings:
    """What one grant of the channel says. ``number`` counts the channel's grants as the file does, from 1."""

    grant: Grant
    number: int
    findings: tuple[Finding, ...]

    @property
    def is_met(self) -> bool:
        """Whether the grant allows it, at least once others agreed."""
        return all(finding.is_met for finding in self.findings)

    @property
    def refusals(self) -> tuple[Reason, ...]:
        """Why it does not."""
        return tuple(finding.reason for finding in self.findings if not finding.is_met)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A decision with everything that it rests on.

    ``around`` is about person, channel and freezes; ``grants`` are those of the wish's connection, and empty where person or
    channel already forbid everything.
    """

    around: tuple[Finding, ...]
    grants: tuple[GrantFindings, ...]
    decision: Decision


def decide(policy: Policy, wish: Wish, asker: Asker, circumstances: Circumstances = NO_CIRCUMSTANCES) -> Decision:
    """Whether ``asker`` may have ``wish``, with every reason."""
    return explain(policy, wish, asker, circumstances).decision


def explain(policy: Policy, wish: Wish, asker: Asker, circumstances: Circumstances = NO_CIRCUMSTANCES) -> Explanation:
    """The decision on ``wish``, rule by rule."""
    around = tuple(_person_and_channel(policy, asker))
    refusals = tuple(finding.reason for finding in around if not finding.is_met)
    if refusals:
        return Explanation(around=around, grants=(), decision=Deny(reasons=refusals))
    around = (*around, *_freezes(policy, wish, asker, circumstances))
    channel_policy = policy.channels[asker.channel.channel_id]
    numbered = enumerate(channel_policy.grants, start=1)
    grants = tuple(
        GrantFindings(grant=grant, number=number, findings=tuple(_findings(grant, wish, asker, circumstances)))
        for number, grant in numbered
        if grant.connection == wish.connection
    )
    return Explanation(around=around, grants=grants, decision=_decision(around, grants, wish, asker))


def _decision(around: tuple[Finding, ...], grants: tuple[GrantFindings, ...], wish: Wish, asker: Asker) -> Decision:
    refusals = tuple(finding.reason for finding in around if not finding.is_met)
    if not grants:
        return Deny(reasons=(_reason("connection_not_granted", connection=wish.connection, channel=_name(asker)),))
    fitting = [one.grant for one in grants if one.is_met]
    if not fitting:
        return Deny(reasons=(*_nearest(grants), *refusals))
    if refusals:
        return Deny(reasons=refusals)
    granted = (_reason("granted", connection=wish.connection, channel=_name(asker)),)
    grant = min(fitting, key=lambda one: _demand(one, wish))
    if grant.approval is None or not _is_approval_needed(grant, wish):
        return Allow(grant=grant, reasons=granted)
    return NeedApproval(grant=grant, rule=grant.approval, reasons=(*granted, _approval_reason(grant, wish)))


def _demand(grant: Grant, wish: Wish) -> tuple[bool, int, str]:
    """The less a grant asks for, the sooner it is used; its key decides between equals, never its place in the file."""
    is_needed = _is_approval_needed(grant, wish)
    return is_needed, grant.approval.required if grant.approval and is_needed else 0, grant.key


def _is_approval_needed(grant: Grant, wish: Wish) -> bool:
    """Without inputs to judge by, ``when`` cannot say no."""
    if grant.approval is None:
        return False
    inputs = wish.inputs.get(grant.key)
    return inputs is None or holds(grant.approval.when, inputs)


def _nearest(grants: tuple[GrantFindings, ...]) -> tuple[Reason, ...]:
    """A grant that covers the workflow, and that was tried, is nearer than one that was not: its reasons are those that help."""
    refusals = distinct(reason for one in grants for reason in one.refusals)
    return tuple(reason for reason in refusals if reason.code not in _FAR) or refusals


INPUTS_NOT_READ = "inputs_not_read"
_FAR = frozenset({"workflow_not_granted", "workflow_renamed", INPUTS_NOT_READ})


def _person_and_channel(policy: Policy, asker: Asker) -> Iterator[Finding]:
    refusals = person_reasons(asker.person)
    yield from (Finding(rule="person", is_met=False, reason=reason) for reason in refusals)
    if not refusals:
        member = Reason(code="person_is_member", facts={"person": asker.person.user_id}, source="Slack")
        yield Finding(rule="person", is_met=True, reason=member)
    refusals = channel_reasons(policy, asker.channel)
    yield from (Finding(rule="channel", is_met=False, reason=reason) for reason in refusals)
    if not refusals:
        yield Finding(rule="channel", is_met=True, reason=_reason("channel_has_policy", channel=_name(asker)))


def _freezes(policy: Policy, wish: Wish, asker: Asker, circumstances: Circumstances) -> Iterator[Finding]:
    if not wish.is_start or circumstances.now is None:
        return
    for freeze in policy.freezes:
        if not is_frozen(freeze, wish.connection, asker, circumstances.now):
            continue
        if is_among(freeze.exempt, asker) is None:
            subject = f"who is exempt from the freeze {freeze.name}"
            facts = {"subject": subject, "cause": "Slack did not tell"}
            yield Finding(rule="freeze", is_met=False, reason=Reason(code="lookup_failed", facts=facts, source="Slack"))
        else:
            facts = {"freeze": freeze.name, "connection": wish.connection, "until": freeze.ends.isoformat(timespec="minutes")}
            yield Finding(rule="freeze", is_met=False, reason=Reason(code="frozen", facts=facts, seen_at=circumstances.now))


def _findings(grant: Grant, wish: Wish, asker: Asker, circumstances: Circumstances) -> Iterator[Finding]:
    """What one grant says; a grant that does not cover the workflow says no more."""
    covering = _coverage(grant, wish, asker)
    yield covering
    if not covering.is_met:
        return
    yield from _scopes(grant, wish)
    yield _requester(grant, wish, asker)
    if wish.is_start:
        yield from _held(wish, circumstances)
        yield from _inputs(grant, wish)
        yield from limit_findings(grant, circumstances)
    if grant.approval is not None:
        yield Finding(rule="approval", is_met=True, reason=_approval_reason(grant, wish))


def _coverage(grant: Grant, wish: Wish, asker: Asker) -> Finding:
    facts = {"workflow": wish.typed or wish.workflow.label, "connection": wish.connection, "channel": _name(asker)}
    if covers(grant, wish.workflow, wish.first_name):
        return Finding(rule="workflow", is_met=True, reason=Reason(code="workflow_granted", facts=facts))
    code = "workflow_renamed" if wish.first_name and covers(grant, wish.workflow) else "workflow_not_granted"
    return Finding(rule="workflow", is_met=False, reason=Reason(code=code, facts=facts))


def _scopes(grant: Grant, wish: Wish) -> Iterator[Finding]:
    workflow = wish.typed or wish.workflow.label
    for scope in wish.needed_scopes:
        is_met = scope in grant.scopes
        code = "scope_granted" if is_met else "scope_not_granted"
        yield Finding(
            rule="scope", is_met=is_met, reason=_reason(code, scope=scope, connection=wish.connection, workflow=workflow)
        )


def _held(wish: Wish, circumstances: Circumstances) -> Iterator[Finding]:
    if circumstances.now is None:
        return
    for scope in wish.needed_scopes:
        held, holding = is_held(circumstances.mirror, scope, wish.workflow.workflow_id, circumstances.now)
        code = {True: "scope_held", False: "scope_not_held", None: "scope_not_verified"}[held]
        evidence = holding.evidence.rstrip(".") if holding else ""
        facts = {"scope": scope, "connection": wish.connection, "evidence": evidence}
        seen_at = holding.seen_at if holding else None
        yield Finding(
            rule="held", is_met=held is not False, reason=Reason(code=code, facts=facts, source="the provider", seen_at=seen_at)
        )


def _requester(grant: Grant, wish: Wish, asker: Asker) -> Finding:
    """Full membership was checked before."""
    facts = {"workflow": wish.typed or wish.workflow.label, "connection": wish.connection}
    is_one = is_among(grant.requesters, asker)
    if is_one:
        return Finding(rule="requester", is_met=True, reason=Reason(code="requester_granted", facts=facts))
    if is_one is False:
        return Finding(rule="requester", is_met=False, reason=Reason(code="requester_not_granted", facts=facts))
    unknown = [group for group in grant.requesters if group.startswith("S") and asker.memberships.get(group) is None]
    facts = {"subject": f"user group {', '.join(unknown)}", "cause": "Slack did not tell"}
    return Finding(rule="requester", is_met=False, reason=Reason(code="lookup_failed", facts=facts, source="Slack"))


def _inputs(grant: Grant, wish: Wish) -> Iterator[Finding]:
    """Where inputs were read for some grants, one for which they could not be allows nothing: it would be judged without them."""
    inputs = wish.inputs.get(grant.key)
    if inputs is None:
        if wish.inputs:
            yield Finding(rule="input", is_met=False, reason=_reason(INPUTS_NOT_READ))
        return
    refusals = rule_reasons(grant.inputs, inputs)
    yield from (Finding(rule="input", is_met=False, reason=reason) for reason in refusals)
    refused = {reason.facts["name"] for reason in refusals}
    for name in grant.inputs:
        if name in inputs and name not in refused:
            yield Finding(rule="input", is_met=True, reason=_reason("input_allowed", name=name))


def limit_findings(grant: Grant, circumstances: Circumstances) -> Iterator[Finding]:
    """What the limits of ``grant`` say to one launch more than ``circumstances`` count."""
    limits, usage = grant.limits, circumstances.usage.get(grant.quota_key, Usage())
    if limits is None:
        return
    for code, most, count in (
        ("limit_per_hour", limits.per_hour, usage.last_hour),
        ("limit_running", limits.running, usage.not_over),
    ):
        if most is not None:
            facts = {"most": str(most), "count": str(count)}
            reason = Reason(code=code, facts=facts, source="our own record", seen_at=circumstances.now)
            yield Finding(rule="limit", is_met=count < most, reason=reason)


def _approval_reason(grant: Grant, wish: Wish) -> Reason:
    if not _is_approval_needed(grant, wish) or grant.approval is None:
        return _reason("approval_not_needed", connection=wish.connection)
    rule = grant.approval
    facts = {"required": str(rule.required), "approvers": ", ".join(rule.approvers)}
    return Reason(code="approval_needed", facts=facts)


def _reason(code: str, **facts: str) -> Reason:
    return Reason(code=code, facts=facts)


def _name(asker: Asker) -> str:
    return asker.channel.name
