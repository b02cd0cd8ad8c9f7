"""``/launch access``: the grants of one channel beside what each credential really holds, and where the two drift apart.

Only of this channel: what other channels may, and what a credential is used for there, is shown there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.grants import Freeze, Grant, InputRule, Limits
from bot.domain.holdings import NOTHING_KNOWN, Mirror
from bot.domain.model import NOTHING, Workflow
from bot.surfaces.approving import who
from bot.surfaces.beside import Beside, drift_paragraphs, scope_parts
from bot.surfaces.escaping import Moment, Parts, Quoted, Strong, merged, shorten
from bot.surfaces.naming import approval_parts
from bot.surfaces.say import Bullets, Paragraph, Say, compose, show_value

MOST_GRANTS = 8
MOST_FREEZES = 5
MOST_PATTERNS = 15
MOST_PATTERN = 60


@dataclass(frozen=True, kw_only=True)
class Access:
    """What one channel may launch. ``grants`` with the number each has in the file; ``titles`` and ``mirrors`` by connection.

    ``freezes`` are those in force or to come, ``now`` is when all this was looked up; ``workflows`` by connection, then by id.
    """

    channel_name: str
    grants: tuple[tuple[int, Grant], ...]
    titles: Mapping[str, str]
    mirrors: Mapping[str, Mirror]
    freezes: tuple[Freeze, ...]
    now: datetime
    workflows: Mapping[str, Mapping[str, Workflow]] = NOTHING

    def workflows_of(self, connection: str) -> Mapping[str, Workflow]:
        """What is known of a connection's workflows, by id: grants may name them by name."""
        return self.workflows.get(connection, NOTHING)


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
    besides = [
        Beside(mirror=_mirror(access, one), grant=one, workflows=access.workflows_of(one.connection), now=access.now)
        for _, one in access.grants
    ]
    return compose(*paragraphs, *drift_paragraphs(besides), *_freezes(access))


def _grant(access: Access, number: int, grant: Grant) -> Iterator[Paragraph]:
    title = access.titles.get(grant.connection, grant.connection)
    yield (Strong(f"Grant {number}: {grant.connection}"), f" ({title})")
    yield Bullets(lines=tuple(_rules(access, grant)))


def _rules(access: Access, grant: Grant) -> Iterator[Parts]:
    yield ("Workflows: ", _patterns(grant.workflows))
    yield merged(("Requesters: ", *who(grant.requesters)))
    mirror = _mirror(access, grant)
    if not grant.scopes:
        yield ("Scopes: none are granted.",)
    for scope in grant.scopes:
        yield scope_parts(
            Beside(mirror=mirror, grant=grant, workflows=access.workflows_of(grant.connection), now=access.now), scope
        )
    if grant.inputs:
        yield ("Inputs: ", _input_rules(grant.inputs))
    yield _approval(grant)
    yield ("Limits: ", _limits(grant.limits))


def _mirror(access: Access, grant: Grant) -> Mirror:
    return access.mirrors.get(grant.connection, NOTHING_KNOWN)


def _approval(grant: Grant) -> Parts:
    if grant.approval is None:
        return ("Approval: none is needed.",)
    only = f" Only where it holds that {_input_rules(grant.approval.when)}." if grant.approval.when else ""
    return merged(("Approval: ", *approval_parts(grant.approval), only))


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
