"""What a provider's answers say of one connection: its credential, and the scopes that it holds beside those that are granted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from bot.checking.facts import ConnectionFacts
from bot.checking.findings import Checked, Level
from bot.checking.known import grants_of, known
from bot.checking.places import Places
from bot.checking.workflows import listed, workflow_findings
from bot.definitions import trouble_words
from bot.domain.drift import Drift, DriftKind, drifts
from bot.domain.grants import Grant, Policy
from bot.domain.holdings import NOTHING_KNOWN, WHOLE, Holding, Mirror
from bot.domain.learning import learnt_from_probe
from bot.domain.model import Workflow
from bot.domain.policy import covers
from bot.domain.provider import Busy, Held, Refused, Unauthorised, Unreachable, Unsupported


def connection_findings(policy: Policy, facts: ConnectionFacts, places: Places) -> Iterator[Checked]:
    """Everything that the provider's answers say. Of one that took no credential nothing else is told."""
    place = places.line(("connections", facts.connection.name))
    if facts.waited_s is not None:
        words = f"did not answer everything within {facts.waited_s:g} s; what was not answered is not told here"
        yield _of(facts, Level.FAULT, "provider_slow", words, place=place)
    if facts.probed is None:
        return
    yield _credential(facts, place)
    if isinstance(facts.probed, Held):
        yield from _scope_findings(policy, facts, facts.probed, places)
    if isinstance(facts.probed, Held | Unsupported):
        yield from workflow_findings(policy, facts, places)


def _credential(facts: ConnectionFacts, place: str | None) -> Checked:
    match facts.probed:
        case Held(identity=identity):
            words = "credential accepted" + (f" ({identity})" if identity else "")
            return _of(facts, Level.WELL, "credential_well", words, place=place)
        case Unsupported(meaning=meaning):
            return _of(facts, Level.NOTE, "credential_untold", meaning, place=place)
        case Unauthorised():
            return _of(facts, Level.FAULT, "credential_refused", trouble_words(facts.probed), place=place)
        case Refused() | Busy() | Unreachable():
            return _of(facts, Level.FAULT, "provider_trouble", trouble_words(facts.probed), place=place)
        case None:
            return _of(facts, Level.NOTE, "credential_untold", "was not asked", place=place)
        case _:
            assert_never(facts.probed)


def _scope_findings(policy: Policy, facts: ConnectionFacts, held: Held, places: Places) -> Iterator[Checked]:
    """Granted and not held, held and not granted (both as the mirror of a running bot would tell), held as granted, not told."""
    place, workflows = places.line(("connections", facts.connection.name)), known(facts)
    holdings = learnt_from_probe(facts.connection.name, held, NOTHING_KNOWN, facts.asked_at)
    mirror = Mirror(holdings={(one.scope, one.workflow_id): one for one in holdings})
    more: list[str] = []
    for drift in drifts(policy, facts.connection, facts.provider, mirror, now=None, workflows=workflows):
        about = _about(drift.scope, drift.workflow_id)
        if drift.kind is DriftKind.HELD_NOT_GRANTED:
            more.append(about)
            continue
        words = f"{about} is granted in {_channels(drift)}, and the credential does not hold it. {drift.evidence}"
        yield _of(facts, Level.FAULT, "scope_not_held", words, place=_granted_at(policy, drift, places))
    if more:
        words = f"holds {listed(more)}, which no channel grants: a credential should hold no more than it needs"
        yield _of(facts, Level.NOTE, "scope_not_granted", words, place=place)
    yield from _verdicts(policy, facts, mirror, workflows, place=place)


def _verdicts(
    policy: Policy, facts: ConnectionFacts, mirror: Mirror, workflows: Mapping[str, Workflow], *, place: str | None
) -> Iterator[Checked]:
    grants = [at.grant for at in grants_of(policy, facts.connection.name)]
    granted: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for one in mirror.holdings.values():
        if any(_is_granted(one, grant, workflows) for grant in grants):
            granted[one.is_held].append(_about(one.scope, one.workflow_id))
    if granted[True]:
        yield _of(facts, Level.WELL, "scope_held", f"holds {listed(granted[True])}", place=place)
    if granted[None]:
        words = f"not verified: {listed(granted[None])}; counts as held until the provider refuses it"
        yield _of(facts, Level.NOTE, "scope_not_verified", words, place=place)


def _is_granted(holding: Holding, grant: Grant, workflows: Mapping[str, Workflow]) -> bool:
    """What is told of one workflow matters where that one is granted."""
    workflow = workflows.get(holding.workflow_id)
    is_about = holding.workflow_id == WHOLE or (workflow is not None and covers(grant, workflow))
    return holding.scope in grant.scopes and is_about


def _granted_at(policy: Policy, drift: Drift, places: Places) -> str | None:
    """The first place in the file that grants the scope."""
    for at in grants_of(policy, drift.connection):
        if drift.scope in at.grant.scopes and policy.channels[at.channel_id].name in drift.channels:
            return places.line((*at.place, "scopes", at.grant.scopes.index(drift.scope)))
    return None


def _channels(drift: Drift) -> str:
    return ", ".join(f"#{name}" for name in drift.channels)


def _about(scope: str, workflow_id: str) -> str:
    return scope if workflow_id == WHOLE else f"{scope} on {workflow_id}"


def _of(facts: ConnectionFacts, level: Level, code: str, words: str, *, place: str | None) -> Checked:
    subject = f"{facts.connection.name} ({facts.provider.title})"
    return Checked(level=level, code=code, subject=subject, words=words, place=place)
