"""Which workflows a connection has, as far as is known: the configuration's own, and those that the provider told of.

Why not by ``LiveDefinitions``: it hides what was configured behind what was told, and here the two are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from bot.checking.facts import ConnectionFacts
from bot.domain.grants import Grant, Policy
from bot.domain.model import Connection, Workflow
from bot.domain.policy import covers
from bot.domain.provider import CatalogueAnswer, Described, Listed
from bot.settings.document import Place

MOST_DESCRIBED = 50
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, kw_only=True)
class GrantAt:
    """A grant of one connection, where it stands: its channel, and its place in the file."""

    grant: Grant
    channel_id: str
    place: Place


def grants_of(policy: Policy, connection: str) -> tuple[GrantAt, ...]:
    """Every grant of a connection, in the order of the file."""
    return tuple(
        GrantAt(grant=grant, channel_id=channel_id, place=("channels", channel_id, "grants", number))
        for channel_id, channel in policy.channels.items()
        for number, grant in enumerate(channel.grants)
        if grant.connection == connection
    )


def is_glob(pattern: str) -> bool:
    """Whether an entry of a grant's workflows may stand for several."""
    return _GLOB.search(pattern) is not None


def is_meant(pattern: str, workflow: Workflow) -> bool:
    """Whether an entry of a grant's workflows means this one, by id or name."""
    return any(fnmatchcase(text, pattern) for text in (workflow.workflow_id, workflow.name) if text)


def merged(connection: Connection, listed: CatalogueAnswer | None) -> dict[str, Workflow]:
    """Configured and listed workflows by id: names as configured, obstacles as told, inputs as told or not at all."""
    told = {one.workflow_id: one for one in listed.workflows} if isinstance(listed, Listed) else {}
    own = {key: replace(one, inputs=None) for key, one in connection.workflows.items()}
    both = {
        key: replace(one, name=own[key].name or one.name, extras={**one.extras, **own[key].extras}) if key in own else one
        for key, one in told.items()
    }
    return {**own, **both}


def known(facts: ConnectionFacts) -> dict[str, Workflow]:
    """As ``merged``, with what was told of each when it was asked for by itself."""
    found = merged(facts.connection, facts.listed)
    for workflow_id, answer in facts.described.items():
        if isinstance(answer, Described):
            before = found.get(workflow_id)
            found[workflow_id] = replace(answer.workflow, name=(before.name if before else None) or answer.workflow.name)
    return found


def to_describe(policy: Policy, connection: Connection, listed: CatalogueAnswer | None) -> list[Workflow]:
    """Which workflows to ask about by themselves: configured ones first, then granted by id or name, then granted by glob.

    One that the list told of with its inputs need not be asked about again.
    """
    found, grants = merged(connection, listed), grants_of(policy, connection.name)
    granted = [one for one in found.values() if any(covers(at.grant, one) for at in grants)]
    by_itself = [one for one in granted if any(one.workflow_id in at.grant.workflows for at in grants)]
    unlisted = [Workflow(workflow_id=pattern) for pattern in _literals(grants) if not _any_meant(pattern, found.values())]
    configured = [found[key] for key in connection.workflows]
    wanted = {one.workflow_id: one for one in (*configured, *by_itself, *unlisted, *granted) if one.inputs is None}
    return list(wanted.values())[:MOST_DESCRIBED]


def _literals(grants: Iterable[GrantAt]) -> Iterator[str]:
    return (pattern for at in grants for pattern in at.grant.workflows if not is_glob(pattern))


def _any_meant(pattern: str, workflows: Iterable[Workflow]) -> bool:
    return any(is_meant(pattern, one) for one in workflows)
