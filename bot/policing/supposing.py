"""`gonogo policy explain`: one supposed wish, decided from the configuration alone, rule by rule.

What is not given is not guessed: what the credential holds and how much was launched are said to be unknown, and count as a
launch would count them that nobody objects to. A user group that is not given is one that the person is not in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.domain.errors import SettingsError
from bot.domain.explaining import Explanation, explain
from bot.domain.inputs import read_value
from bot.domain.model import NOTHING, Channel, Connection, Json, Person, Problem, Workflow
from bot.domain.policy import Asker, Circumstances, Deny, NeedApproval, Wish, groups_in
from bot.domain.provider import Provider
from bot.domain.records import Asked, under, verdict_of
from bot.domain.spelling import closest
from bot.policing.plain import UNKNOWN_HERE, finding_json, grant_json, reason_json, rule_json
from bot.settings import Configuration
from bot.settings.words import CHANNEL_ID
from bot.surfaces.words import problem_sentence

_PERSON_ID, _GROUP_ID = r"[UW][A-Z0-9]{2,20}", r"S[A-Z0-9]{2,20}"
_WHOLE, _DECIMAL = re.compile(r"-?[0-9]{1,30}"), re.compile(r"-?[0-9]{1,30}\.[0-9]{1,30}")


@dataclass(frozen=True, kw_only=True)
class Supposed:
    """Who would ask for what, where and when, as typed. ``inputs``: None where none are given."""

    channel_id: str
    person_id: str
    connection: str
    workflow: str
    at: datetime
    groups: frozenset[str] = frozenset()
    is_guest: bool = False
    inputs: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Explained:
    """The decision on something supposed, with everything that it rests on; ``unknown`` names in sentences what was not known."""

    supposed: Supposed
    asked: Asked
    explanation: Explanation
    unknown: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """The decision in a word: allow, need_approval or deny."""
        return verdict_of(self.explanation.decision)

    @property
    def is_denied(self) -> bool:
        """Whether it is denied."""
        return isinstance(self.explanation.decision, Deny)


def given_inputs(texts: Iterable[str]) -> dict[str, str]:
    """Inputs by name, of texts such as ``name=value``.

    Raises:
        SettingsError: a text is none, or names an input again.
    """
    given: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not (name and sign):
            raise SettingsError([f'--input: "{text}" is no input: write name=value'])
        if name in given:
            raise SettingsError([f'--input: "{name}" is given more than once'])
        given[name] = value
    return given


def explained(configuration: Configuration, providers: Mapping[str, Provider], supposed: Supposed) -> Explained:
    """What the configuration says to something supposed.

    Raises:
        SettingsError: something supposed cannot be: no such connection, a name instead of an id, an input that does not fit.
    """
    connection = _connection(configuration, supposed)
    provider = providers[connection.provider]
    workflow = _workflow(connection, supposed.workflow)
    inputs = _inputs(workflow, provider, supposed)
    wish = Wish(
        connection=connection.name,
        workflow=workflow,
        needed_scopes=provider.needed_scopes("launch", workflow),
        inputs=under(configuration.policy, supposed.channel_id, inputs) if inputs is not None else NOTHING,
    )
    asked = Asked(wish=wish, asker=_asker(configuration, supposed), circumstances=Circumstances(now=supposed.at), inputs=inputs)
    explanation = explain(configuration.policy, wish, asked.asker, asked.circumstances)
    unknown = _unknown(connection, supposed, workflow, explanation)
    return Explained(supposed=supposed, asked=asked, explanation=explanation, unknown=unknown)


def explained_json(found: Explained) -> dict[str, Any]:
    """The same for programs: keys are added, never renamed or taken away."""
    supposed, decision = found.supposed, found.explanation.decision
    return {
        "verdict": found.verdict,
        "channel_id": supposed.channel_id,
        "person_id": supposed.person_id,
        "connection": supposed.connection,
        "workflow_id": found.asked.wish.workflow.workflow_id,
        "workflow": found.asked.wish.workflow.name,
        "at": supposed.at.isoformat(),
        "reasons": [reason_json(reason) for reason in decision.reasons],
        "around": [finding_json(finding) for finding in found.explanation.around],
        "grants": [grant_json(grant) for grant in found.explanation.grants],
        "approval": rule_json(decision.rule) if isinstance(decision, NeedApproval) else None,
        "unknown": list(found.unknown),
    }


def _connection(configuration: Configuration, supposed: Supposed) -> Connection:
    ids = (("--channel", CHANNEL_ID, supposed.channel_id), ("--person", _PERSON_ID, supposed.person_id))
    groups = [("--group", _GROUP_ID, group) for group in sorted(supposed.groups)]
    problems = [
        f'{option}: "{text}" is no id: ids decide, not names'
        for option, pattern, text in (*ids, *groups)
        if not re.fullmatch(pattern, text)
    ]
    connection = configuration.connections.get(supposed.connection)
    if connection is None:
        meant = closest(supposed.connection, configuration.connections)
        hint = f'; did you mean "{meant}"?' if meant else f"; known here: {', '.join(configuration.connections) or 'none'}"
        problems.append(f'--connection: there is no connection "{supposed.connection}"{hint}')
    if problems or connection is None:
        raise SettingsError(problems)
    return connection


def _workflow(connection: Connection, typed: str) -> Workflow:
    """The configured workflow of that id, else the one of that name; else one of that id of which nothing else is known."""
    configured = connection.workflows.values()
    by_name = [one for one in configured if one.name == typed]
    found = connection.workflows.get(typed) or (by_name[0] if len(by_name) == 1 else None)
    return found or Workflow(workflow_id=typed)


def _asker(configuration: Configuration, supposed: Supposed) -> Asker:
    policy = configuration.policy.channels.get(supposed.channel_id)
    channel = Channel(channel_id=supposed.channel_id, name=policy.name if policy else supposed.channel_id, is_member=True)
    person = Person(user_id=supposed.person_id, team_id="", name=supposed.person_id, is_guest=supposed.is_guest)
    groups = groups_in(configuration.policy, policy)
    return Asker(person=person, channel=channel, memberships={group: group in supposed.groups for group in groups})


def _inputs(workflow: Workflow, provider: Provider, supposed: Supposed) -> dict[str, Json] | None:
    """The given inputs, typed where the file says how, else read as whoever types them means them."""
    if supposed.inputs is None:
        return None
    specs = {spec.name: spec for spec in (*(workflow.inputs or ()), *provider.fixed_inputs(workflow))}
    values: dict[str, Json] = {}
    problems: list[str] = []
    for name, text in supposed.inputs.items():
        if name in specs:
            value = read_value(specs[name], text)
        elif workflow.inputs is None:
            value = _guessed(text)
        else:
            facts = {"name": name, "closest": closest(name, specs) or "", "known": ", ".join(specs)}
            value = Problem(code="unknown_input", facts=facts)
        if isinstance(value, Problem):
            problems.append(f"--input {name}: {problem_sentence(value)}")
        else:
            values[name] = value
    if problems:
        raise SettingsError(problems)
    return values


def _guessed(text: str) -> Json:
    if text in {"true", "false"}:
        return text == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    return Decimal(text) if _DECIMAL.fullmatch(text) else text


def _unknown(connection: Connection, supposed: Supposed, workflow: Workflow, explanation: Explanation) -> tuple[str, ...]:
    """What was not known, as far as anything may turn on it."""
    codes = {finding.reason.code for grant in explanation.grants for finding in grant.findings} & UNKNOWN_HERE
    rules = [
        grant.grant for grant in explanation.grants if grant.grant.inputs or (grant.grant.approval and grant.grant.approval.when)
    ]
    is_stopped = isinstance(explanation.decision, Deny) and not explanation.grants
    said = {
        "what the credential really holds: the scopes count as held": "scope_not_verified" in codes,
        "how much was launched: the limits count as not reached": bool(codes - {"scope_not_verified"}),
        "the inputs: rules about them were not judged, and an approval that depends on them counts as needed": (
            supposed.inputs is None and bool(rules)
        ),
        f'the name of the workflow: {connection.name} has none configured as "{workflow.workflow_id}", so this was taken as its id': (
            workflow.workflow_id not in connection.workflows and not is_stopped
        ),
        "what Slack says: the channel counts as one that the bot is in and that is not shared": not is_stopped,
    }
    return tuple(words for words, is_so in said.items() if is_so)
