"""Do the workflows exist that the file configures and grants, and can they be launched?

Why a workflow that only a glob covers is no fault: a glob means whatever there is, and some of it may be switched off.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.checking.facts import ConnectionFacts
from bot.checking.findings import Checked, Level
from bot.checking.forms import form_findings
from bot.checking.inputs import input_findings, rule_findings
from bot.checking.known import MOST_DESCRIBED, grants_of, is_glob, is_meant, known, merged
from bot.checking.places import Places
from bot.definitions import trouble_words
from bot.domain.grants import Policy
from bot.domain.model import Workflow
from bot.domain.policy import covers
from bot.domain.provider import Described, Listed, Refused, Unreachable, Unsupported


def workflow_findings(policy: Policy, facts: ConnectionFacts, places: Places) -> Iterator[Checked]:
    """Lists, configured workflows, the entries of grants, the inputs of both, and the forms that ask for them."""
    place = places.line(("connections", facts.connection.name))
    yield from _list_findings(facts, place)
    for workflow_id in facts.connection.workflows:
        yield from _configured(policy, facts, workflow_id, places)
    yield from _granted(policy, facts, places)
    yield from rule_findings(policy, facts, places)
    yield from form_findings(policy, facts, places)
    asked = len(facts.described)
    if asked == MOST_DESCRIBED:
        words = f"the first {asked} workflows were asked about one by one, and no more"
        yield _of(facts.connection.name, Level.NOTE, "workflows_many", words, place=place)


def _list_findings(facts: ConnectionFacts, place: str | None) -> Iterator[Checked]:
    name = facts.connection.name
    match facts.listed:
        case Listed(workflows=workflows):
            yield _of(
                name, Level.WELL, "workflows_listed", f"{facts.provider.title} lists {len(workflows)} workflows", place=place
            )
        case Unsupported(meaning=meaning):
            yield _of(name, Level.NOTE, "workflows_untold", f"which workflows there are is not told: {meaning}", place=place)
        case None:
            return
        case trouble:
            words = f"its workflows could not be listed: {trouble_words(trouble)}"
            level = Level.FAULT if isinstance(trouble, Unreachable) else Level.WARNING
            yield _of(name, level, "workflows_untold", words, place=place)


def _configured(policy: Policy, facts: ConnectionFacts, workflow_id: str, places: Places) -> Iterator[Checked]:
    """One entry under ``workflows:`` of a connection."""
    own = facts.connection.workflows[workflow_id]
    subject = f"{facts.connection.name} {own.label}"
    place = places.line(("connections", facts.connection.name, "workflows", workflow_id))
    told = _told(facts, workflow_id)
    if told is None:
        yield from _untold(facts, workflow_id, subject, place)
        return
    is_granted = any(covers(at.grant, own) for at in grants_of(policy, facts.connection.name))
    if told.obstacle:
        level = Level.FAULT if is_granted else Level.WARNING
        yield _of(subject, level, "workflow_not_launchable", f"cannot be launched: {told.obstacle}", place=place)
        return
    if own.version and told.version and own.version != told.version:
        words = f"the file says version {own.version}, {facts.provider.title} says {told.version}"
        yield _of(subject, Level.NOTE, "workflow_version", words, place=place)
    unfit = list(input_findings(own, told, facts, places))
    yield from unfit
    if not unfit:
        yield _of(subject, Level.WELL, "workflow_well", "exists, and its inputs fit", place=place)


def _told(facts: ConnectionFacts, workflow_id: str) -> Workflow | None:
    """What the provider says of one workflow, by itself or in its list; None where it says nothing of it."""
    answer = facts.described.get(workflow_id)
    if isinstance(answer, Described):
        return answer.workflow
    listed = facts.listed.workflows if isinstance(facts.listed, Listed) else ()
    return next((one for one in listed if one.workflow_id == workflow_id), None)


def _untold(facts: ConnectionFacts, workflow_id: str, subject: str, place: str | None) -> Iterator[Checked]:
    answer = facts.described.get(workflow_id)
    if isinstance(facts.listed, Listed) or isinstance(answer, Refused):
        why = f" ({answer.meaning})" if isinstance(answer, Refused) else ""
        words = f"{facts.provider.title} shows no such workflow{why}: mend its id, or take it out"
        yield _of(subject, Level.FAULT, "workflow_unknown", words, place=place)
    elif facts.waited_s is None:
        yield _of(subject, Level.NOTE, "workflow_untold", "whether it exists is not told", place=place)


def _granted(policy: Policy, facts: ConnectionFacts, places: Places) -> Iterator[Checked]:
    """Each entry under ``workflows:`` of a grant, once per place."""
    found = known(facts)
    for at in grants_of(policy, facts.connection.name):
        for number, pattern in enumerate(at.grant.workflows):
            subject = f"{facts.connection.name} {pattern} in channel {at.channel_id}"
            place = places.line((*at.place, "workflows", number))
            meant = [one for one in found.values() if is_meant(pattern, one)]
            if not meant:
                yield from _meant_none(facts, pattern, subject, place)
            for one in meant:
                if one.obstacle and one.workflow_id not in facts.connection.workflows:
                    level = Level.NOTE if is_glob(pattern) else Level.FAULT
                    words = f"{one.label} cannot be launched: {one.obstacle}"
                    yield _of(subject, level, "workflow_not_launchable", words, place=place)
            names = [one.label for one in meant if not one.obstacle]
            if names and not all(one.workflow_id in facts.connection.workflows for one in meant):
                yield _of(subject, Level.WELL, "workflow_well", f"means {listed(names)}", place=place)


def _meant_none(facts: ConnectionFacts, pattern: str, subject: str, place: str | None) -> Iterator[Checked]:
    title, answer = facts.provider.title, facts.described.get(pattern)
    if isinstance(facts.listed, Listed) and not is_glob(pattern):
        words = f"{title} shows no such workflow, so this grants nothing: mend the id or name, or take it out"
        yield _of(subject, Level.FAULT, "workflow_unknown", words, place=place)
    elif isinstance(facts.listed, Listed):
        words = f"no workflow that {title} lists is meant by this, so it grants nothing yet"
        yield _of(subject, Level.WARNING, "glob_matches_nothing", words, place=place)
    elif isinstance(answer, Refused):
        yield _of(subject, Level.FAULT, "workflow_unknown", f"{answer.meaning} So this grants nothing", place=place)
    elif facts.waited_s is None:
        there = "none of the configured workflows is meant" if merged(facts.connection, None) else "none is configured"
        words = f"{there}, and {title} does not tell which others there are"
        yield _of(subject, Level.WARNING if is_glob(pattern) else Level.NOTE, "workflow_untold", words, place=place)


def listed(names: list[str], most: int = 8) -> str:
    """The first few, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _of(subject: str, level: Level, code: str, words: str, *, place: str | None) -> Checked:
    return Checked(level=level, code=code, subject=subject, words=words, place=place)
