"""``/launch access``: the grants of one channel beside what each credential really holds, and where the two drift apart.

Only of this channel: what other channels may, and what a credential is used for there, is shown there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.grants import Freeze, Grant, InputRule, Limits
from bot.domain.holdings import NOTHING_KNOWN, WHOLE, Holding, Mirror, is_held
from bot.domain.model import Workflow
from bot.domain.policy import covers
from bot.surfaces.approving import who
from bot.surfaces.escaping import Moment, Part, Parts, Quoted, Strong, merged, shorten
from bot.surfaces.naming import approval_parts
from bot.surfaces.say import Bullets, Paragraph, Say, compose, show_value

MOST_GRANTS = 8
MOST_FREEZES = 5
MOST_DRIFT = 8
MOST_PATTERNS = 15
MOST_PATTERN = 60
MOST_MISSING = 3
MOST_EVIDENCE = 120
_HELD = {True: "held by the credential", False: "not held by the credential", None: "not verified"}


@dataclass(frozen=True, kw_only=True)
class Access:
    """What one channel may launch. ``grants`` with the number each has in the file; ``titles`` and ``mirrors`` by connection.

    ``freezes`` are those in force or to come, ``now`` is when all this was looked up.
    """

    channel_name: str
    grants: tuple[tuple[int, Grant], ...]
    titles: Mapping[str, str]
    mirrors: Mapping[str, Mirror]
    freezes: tuple[Freeze, ...]
    now: datetime


def say_access(access: Access, *, command: str) -> Say:
    """Grant by grant, then drift, then freezes."""
    shown = access.grants[:MOST_GRANTS]
    paragraphs: list[Paragraph] = [(Strong(f"What #{access.channel_name} may launch"), ", as of ", Moment(access.now))]
    for number, grant in shown:
        paragraphs += _grant(access, number, grant)
    if not shown:
        paragraphs.append(("This channel has no grants, so nothing may be launched in it.",))
    if len(access.grants) > len(shown):
        more = len(access.grants) - len(shown)
        paragraphs.append((f"and {more} more grants; {command} access <connection> shows those of one connection.",))
    return compose(*paragraphs, *_drift(access), *_freezes(access))


def _grant(access: Access, number: int, grant: Grant) -> Iterator[Paragraph]:
    title = access.titles.get(grant.connection, grant.connection)
    yield (Strong(f"Grant {number}: {grant.connection}"), f" ({title})")
    yield Bullets(lines=tuple(_rules(access, grant)))


def _rules(access: Access, grant: Grant) -> Iterator[Parts]:
    yield ("Workflows: ", _patterns(grant.workflows))
    yield merged(("Requesters: ", *who(grant.requesters)))
    mirror = access.mirrors.get(grant.connection, NOTHING_KNOWN)
    if not grant.scopes:
        yield ("Scopes: none are granted.",)
    for scope in grant.scopes:
        yield _scope(mirror, grant, scope, access.now)
    if grant.inputs:
        yield ("Inputs: ", _input_rules(grant.inputs))
    yield _approval(grant)
    yield ("Limits: ", _limits(grant.limits))


def _approval(grant: Grant) -> Parts:
    if grant.approval is None:
        return ("Approval: none is needed.",)
    only = f" Only where it holds that {_input_rules(grant.approval.when)}." if grant.approval.when else ""
    return merged(("Approval: ", *approval_parts(grant.approval), only))


def _scope(mirror: Mirror, grant: Grant, scope: str, now: datetime) -> Parts:
    held, holding = is_held(mirror, scope, WHOLE, now)
    told: list[Part] = ["Scope ", Quoted(scope), ": granted here, ", Strong(_HELD[held])]
    told += _evidence(holding)
    missing = _missing(mirror, grant, scope, now)
    if missing:
        told.append(f"; not held for {', '.join(missing[:MOST_MISSING])}")
    if len(missing) > MOST_MISSING:
        told.append(f" and {len(missing) - MOST_MISSING} more")
    return merged([*told, "."])


def _evidence(holding: Holding | None) -> Parts:
    if holding is None:
        return (" (never learnt)",)
    evidence = shorten(holding.evidence, MOST_EVIDENCE).rstrip(" .")
    return (f" ({evidence}; seen ", Moment(holding.seen_at), ")")


def _missing(mirror: Mirror, grant: Grant, scope: str, now: datetime) -> list[str]:
    """Workflows of this grant for which the provider said that the scope is missing."""
    return sorted(
        workflow_id
        for (name, workflow_id), holding in mirror.holdings.items()
        if name == scope
        and workflow_id != WHOLE
        and holding.at(now) is False
        and covers(grant, Workflow(workflow_id=workflow_id))
    )


def _drift(access: Access) -> Iterator[Paragraph]:
    """Where grants and credentials disagree, in words."""
    lines = [line for connection in access.titles for line in _drift_of(access, connection)]
    if lines:
        yield (Strong("Drift"), " between what is granted here and what is held:")
        more: list[Parts] = [(f"and {len(lines) - MOST_DRIFT} more",)] if len(lines) > MOST_DRIFT else []
        yield Bullets(lines=(*lines[:MOST_DRIFT], *more))


def _drift_of(access: Access, connection: str) -> Iterator[Parts]:
    mirror = access.mirrors.get(connection, NOTHING_KNOWN)
    granted = dict.fromkeys(scope for _, grant in access.grants if grant.connection == connection for scope in grant.scopes)
    for scope in granted:
        if is_held(mirror, scope, WHOLE, access.now)[0] is False:
            yield (Strong("Granted but not held: "), Quoted(scope), f" of {connection}. Launches that need it are refused.")
    for scope, workflow_id in mirror.holdings:
        if workflow_id == WHOLE and scope not in granted and is_held(mirror, scope, WHOLE, access.now)[0]:
            yield (Strong("Held but not granted here: "), Quoted(scope), f" of {connection}.")


def _freezes(access: Access) -> Iterator[Paragraph]:
    if not access.freezes:
        return
    yield (Strong("Freezes"), " in force or to come:")
    lines = [_freeze(freeze, access.now) for freeze in access.freezes[:MOST_FREEZES]]
    more: list[Parts] = [(f"and {len(access.freezes) - MOST_FREEZES} more",)] if len(access.freezes) > MOST_FREEZES else []
    yield Bullets(lines=(*lines, *more))


def _freeze(freeze: Freeze, now: datetime) -> Parts:
    stage = "in force" if freeze.begins <= now else "to come"
    about = ", ".join(freeze.connections) or "every connection"
    told: Parts = (Quoted(freeze.name), f", {stage}, over {about}: from ", Moment(freeze.begins), " to ", Moment(freeze.ends))
    return merged((*told, ", except for ", *who(freeze.exempt), ".")) if freeze.exempt else merged((*told, "."))


def _patterns(patterns: Sequence[str]) -> str:
    shown = ", ".join(shorten(pattern, MOST_PATTERN) for pattern in patterns[:MOST_PATTERNS])
    rest = len(patterns) - MOST_PATTERNS
    return f"{shown or 'none'} and {rest} more" if rest > 0 else shown or "none"


def _input_rules(rules: Mapping[str, InputRule]) -> str:
    return "; ".join(f"{name} {_input_rule(rule)}" for name, rule in rules.items())


def _input_rule(rule: InputRule) -> str:
    """Every part of the rule that is set, in a few words."""
    parts = [
        f"is always {show_value(rule.fixed)}" if rule.fixed is not None else "",
        f"is one of {', '.join(map(show_value, rule.one_of))}" if rule.one_of is not None else "",
        f"is at least {rule.min}" if rule.min is not None else "",
        f"is at most {rule.max}" if rule.max is not None else "",
        f"matches {rule.pattern}" if rule.pattern is not None else "",
        "is left out of forms" if rule.hidden else "",
    ]
    return ", ".join(filter(None, parts)) or "has no rule"


def _limits(limits: Limits | None) -> str:
    if limits is None or limits == Limits():
        return "none."
    parts = [
        f"{limits.per_hour} in any hour" if limits.per_hour is not None else "",
        f"{limits.running} at a time" if limits.running is not None else "",
    ]
    return f"{', '.join(filter(None, parts))}."
