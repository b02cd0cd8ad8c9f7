"""A grant beside what the credential really holds: scope by scope, for the whole credential or workflow by workflow.

Where a provider answers per workflow, what counts is what it said of those that the grant names, by id or by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.grants import Grant
from bot.domain.holdings import WHOLE, Holding, Mirror, is_held
from bot.domain.model import Workflow
from bot.domain.policy import covers
from bot.surfaces.escaping import Moment, Part, Parts, Quoted, Strong, merged, shorten
from bot.surfaces.say import Bullets, Paragraph

MOST_DRIFT = 8
MOST_NAMED = 3
MOST_EVIDENCE = 120
_HELD = {True: "held by the credential", False: "not held by the credential", None: "not verified"}


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A grant, the mirror of its connection's credential, and what is known of the connection's workflows, by id."""

    mirror: Mirror
    grant: Grant
    workflows: Mapping[str, Workflow]
    now: datetime

    def of_workflows(self, scope: str) -> list[tuple[str, Holding]]:
        """What the provider said of this scope for single workflows of the grant, each by its name where it has one."""
        said = ((key[1], holding) for key, holding in self.mirror.holdings.items() if key[0] == scope and key[1] != WHOLE)
        known = ((self.workflows.get(one, Workflow(workflow_id=one)), holding) for one, holding in said)
        return sorted(((workflow.label, holding) for workflow, holding in known if covers(self.grant, workflow)), key=_label)

    def missing(self, scope: str) -> list[str]:
        """Workflows of the grant for which the provider said that the scope is missing."""
        return [label for label, holding in self.of_workflows(scope) if holding.at(self.now) is False]


def scope_parts(beside: Beside, scope: str) -> Parts:
    """What is known of one granted scope: whether it is held, since when that is known, and by what evidence."""
    held, holding = is_held(beside.mirror, scope, WHOLE, beside.now)
    own = beside.of_workflows(scope)
    if held is None and own:
        return merged(("Scope ", Quoted(scope), ": granted here, ", *_by_workflow(beside, own), "."))
    told: list[Part] = ["Scope ", Quoted(scope), ": granted here, ", Strong(_HELD[held]), *_evidence(holding)]
    missing = beside.missing(scope)
    return merged((*told, f"; not held for {_named(missing)}.")) if missing else merged((*told, "."))


def drift_paragraphs(besides: Sequence[Beside]) -> Iterator[Paragraph]:
    """Where grants and credentials disagree, in words."""
    lines = list(dict.fromkeys(line for beside in besides for line in _missing_lines(beside)))
    lines += list(dict.fromkeys(line for line in _more_lines(besides)))
    if lines:
        yield (Strong("Drift"), " between what is granted here and what is held:")
        more: list[Parts] = [(f"and {len(lines) - MOST_DRIFT} more",)] if len(lines) > MOST_DRIFT else []
        yield Bullets(lines=(*lines[:MOST_DRIFT], *more))


def _missing_lines(beside: Beside) -> Iterator[Parts]:
    for scope in beside.grant.scopes:
        missing = beside.missing(scope)
        named: tuple[Part, ...] = (Strong("Granted but not held: "), Quoted(scope), f" of {beside.grant.connection}")
        if is_held(beside.mirror, scope, WHOLE, beside.now)[0] is False:
            yield merged((*named, ". Launches that need it are refused."))
        elif missing:
            yield merged((*named, f", for {_named(missing)}. Launches of that are refused."))


def _more_lines(besides: Sequence[Beside]) -> Iterator[Parts]:
    granted = {(one.grant.connection, scope) for one in besides for scope in one.grant.scopes}
    for beside in besides:
        connection = beside.grant.connection
        for scope, workflow_id in beside.mirror.holdings:
            is_whole = workflow_id == WHOLE and is_held(beside.mirror, scope, WHOLE, beside.now)[0]
            if is_whole and (connection, scope) not in granted:
                yield merged((Strong("Held but not granted here: "), Quoted(scope), f" of {connection}."))


def _by_workflow(beside: Beside, own: Sequence[tuple[str, Holding]]) -> Iterator[Part]:
    """How many of the workflows have it; the newest evidence stands for all."""
    verdicts = [(label, holding.at(beside.now)) for label, holding in own]
    held = sum(verdict is True for _, verdict in verdicts)
    yield Strong(f"held for {held} of {len(verdicts)}")
    yield " workflows that it names"
    missing = [label for label, verdict in verdicts if verdict is False]
    if missing:
        yield from ("; ", Strong("not held"), f" for {_named(missing)}")
    yield from _evidence(max((holding for _, holding in own), key=lambda holding: holding.seen_at))


def _evidence(holding: Holding | None) -> Parts:
    if holding is None:
        return (" (never learnt)",)
    evidence = shorten(holding.evidence, MOST_EVIDENCE).rstrip(" .")
    return (f" ({evidence}; seen ", Moment(holding.seen_at), ")")


def _named(labels: Sequence[str]) -> str:
    shown = ", ".join(shorten(label, 60) for label in labels[:MOST_NAMED])
    return f"{shown} and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else shown


def _label(entry: tuple[str, Holding]) -> str:
    return entry[0]
