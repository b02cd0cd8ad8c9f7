"""What only the whole file can tell: whether grants fit the workflows, inputs and other grants that they are about.

A fault can never be meant so. A warning can: what a provider tells about its workflows is not known here.

Why a rule on an input that only the provider describes is let pass: at run time a value that a rule cannot judge is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from bot.domain.grants import MEMBERS, Grant, InputRule
from bot.domain.input_rules import misfits
from bot.domain.inputs import is_valid_default, read_default, with_secrets
from bot.domain.model import Connection, InputSpec, InputType, Json, Problem, Workflow
from bot.domain.policy import covers
from bot.domain.provider import Provider, Secret
from bot.settings.document import Fault, Place
from bot.settings.faults import nearest
from bot.settings.policy_schema import ChannelSection, GrantSection
from bot.settings.rule_schema import InputRuleSection
from bot.settings.schema import FileSection
from bot.settings.sections import Known

SHORTEST_SECRET = 8
"""A shorter one is not blanked in a provider's replies (gateways/http_secrets.py): it would be found everywhere."""

_NUMBERS = frozenset({InputType.INTEGER, InputType.DECIMAL})
_NOT_TEXT = _NUMBERS | {InputType.BOOLEAN, InputType.JSON, InputType.SECRET}
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, kw_only=True)
class _Aim:
    """A grant, where it stands, and what it is about. ``is_closed``: nothing but ``workflows`` can be covered by it."""

    section: GrantSection
    place: Place
    connection: Connection
    provider: Provider
    workflows: tuple[Workflow, ...]
    is_closed: bool

    def inputs(self, name: str) -> Iterator[tuple[Workflow, InputSpec]]:
        """The inputs of that name that are configured, with their workflows."""
        for workflow in self.workflows:
            yield from ((workflow, spec) for spec in self.specs(workflow) if spec.name == name)

    def specs(self, workflow: Workflow) -> tuple[InputSpec, ...]:
        """Every input of ``workflow`` that is known here."""
        specs: tuple[InputSpec, ...] = (*self.provider.fixed_inputs(workflow), *(workflow.inputs or ()))
        return with_secrets(specs, self.connection.secret_names)


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """Looks at what parts of the file say of each other; connections that are faulty themselves are left out."""

    known: Known
    connections: Mapping[str, Connection]
    secrets: Mapping[Place, Secret]

    def faults(self, whole: FileSection) -> Iterator[Fault]:
        """What can never be meant so."""
        yield from self._unfilled_secrets()
        for aim in self._aims(whole.channels):
            for place, name, rule in _rules(aim):
                yield from _unknown_input(aim, place, name, is_certain=True)
                for workflow, spec in aim.inputs(name):
                    yield from _misfit_rule(place, rule, workflow, spec)

    def warnings(self, whole: FileSection) -> Iterator[Fault]:
        """What may be meant so, and probably is not."""
        yield from self._short_secrets()
        aims = list(self._aims(whole.channels))
        for aim in aims:
            yield from _unknown_workflows(aim)
            for place, name, rule in _rules(aim):
                yield from _unknown_input(aim, place, name, is_certain=False)
                yield from _left_out(aim, place, name, rule)
        yield from _needless_approvals(aims)

    def _aims(self, channels: Mapping[str, ChannelSection]) -> Iterator[_Aim]:
        for channel_id, channel in channels.items():
            for index, section in enumerate(channel.grants):
                connection, provider = self.connections.get(section.connection), self.known.connections[section.connection]
                if connection is None or provider is None:
                    continue
                grant = Grant(connection=section.connection, workflows=tuple(section.workflows))
                yield _Aim(
                    section=section,
                    place=("channels", channel_id, "grants", index),
                    connection=connection,
                    provider=provider,
                    workflows=tuple(one for one in connection.workflows.values() if covers(grant, one)),
                    is_closed=all(pattern in connection.workflows for pattern in section.workflows),
                )

    def _unfilled_secrets(self) -> Iterator[Fault]:
        for connection in self.connections.values():
            for workflow in connection.workflows.values():
                for spec in workflow.inputs or ():
                    if spec.type is InputType.SECRET and not connection.secret_names:
                        place = ("connections", connection.name, "workflows", workflow.workflow_id, "inputs", spec.name, "type")
                        yield Fault(place=place, text="takes the name of one of the connection's secrets, and it has none")

    def _short_secrets(self) -> Iterator[Fault]:
        for place, secret in self.secrets.items():
            if place[2] == "secrets" and len(secret.reveal()) < SHORTEST_SECRET:
                text = f"is shorter than {SHORTEST_SECRET} characters, so it is not blanked where the provider repeats it"
                yield Fault(place=place, text=text)


def _rules(aim: _Aim) -> Iterator[tuple[Place, str, InputRuleSection]]:
    for name, rule in aim.section.inputs.items():
        yield (*aim.place, "inputs", name), name, rule
    approval = aim.section.approval
    for name, rule in ((approval.when if approval else None) or {}).items():
        yield (*aim.place, "approval", "when", name), name, rule


def _unknown_workflows(aim: _Aim) -> Iterator[Fault]:
    """Where nothing is configured, the provider's own list is all there is."""
    configured, may_know_more = aim.connection.workflows, aim.provider.has_catalogue or aim.provider.has_describe
    if not configured and may_know_more:
        return
    names = {name for workflow in configured.values() for name in (workflow.workflow_id, workflow.name) if name}
    for index, pattern in enumerate(aim.section.workflows):
        if not any(fnmatchcase(name, pattern) for name in names):
            place = (*aim.place, "workflows", index)
            told = "unless the provider has it, this grants nothing" if may_know_more else "so this grants nothing"
            yield Fault(
                place=place,
                text=f"fits no workflow that is configured for {aim.connection.name}; {told}{nearest(pattern, names)}",
            )


def _unknown_input(aim: _Aim, place: Place, name: str, *, is_certain: bool) -> Iterator[Fault]:
    """A rule on an input that no covered workflow has; certain where no other workflow can be covered."""
    if aim.is_closed is not is_certain or not aim.workflows or any(workflow.inputs is None for workflow in aim.workflows):
        return
    names = {spec.name for workflow in aim.workflows for spec in aim.specs(workflow)}
    if name not in names:
        yield Fault(place=place, text=f"is no input of the workflows that this grant covers{nearest(name, names)}")


def _misfit_rule(place: Place, rule: InputRuleSection, workflow: Workflow, spec: InputSpec) -> Iterator[Fault]:
    whose = f"and in workflow {workflow.workflow_id} this input is of the type {spec.type.value}"
    for key, types in (("min", _NUMBERS), ("max", _NUMBERS), ("pattern", frozenset(InputType) - _NOT_TEXT)):
        if getattr(rule, key) is not None and spec.type not in types:
            words = ", ".join(sorted(types))
            yield Fault(place=(*place, key), text=f"goes with the types {words}, {whose}")
    for index, value in enumerate(rule.one_of or ()):
        text = _misread(_one(spec), value)
        if text:
            yield Fault(place=(*place, "one_of", index), text=f"{text}, {whose}")
    text = None if rule.fixed is None else _misread(spec, rule.fixed)
    if text:
        yield Fault(place=(*place, "fixed"), text=f"{text}, {whose}")
    if rule.hidden and rule.fixed is None and spec.required and not (spec.is_default_ours and is_valid_default(spec)):
        told = f"leaves out an input that workflow {workflow.workflow_id} requires: say fixed as well, or give it a default"
        yield Fault(place=(*place, "hidden"), text=told)


def _one(spec: InputSpec) -> InputSpec:
    """One of several values, as each must fit a rule by itself."""
    single = InputType.CHOICE if spec.type is InputType.MULTI_CHOICE else spec.type
    return replace(spec, type=single, many=False)


def _misread(spec: InputSpec, value: Json) -> str | None:
    """What is wrong with a value of a rule for this input: a launch could never have it, or has it in other letters."""
    read = read_default(replace(spec, default=value))
    if isinstance(read, Problem):
        return f"must be {read.facts['expected']}"
    if misfits(spec.name, InputRule(fixed=value), read):
        return (
            "is not written as launches have it: times in UTC with a Z, booleans as true or false, text without spaces around it"
        )
    return None


def _left_out(aim: _Aim, place: Place, name: str, rule: InputRuleSection) -> Iterator[Fault]:
    if not rule.narrows or "approval" in place:
        return
    for workflow, spec in aim.inputs(name):
        if spec.is_default_ours:
            default = read_default(spec)
            if not isinstance(default, Problem) and misfits(name, rule.as_rule(), default):
                told = f"refuses the default that workflow {workflow.workflow_id} has for it: a launch has to give another value"
                yield Fault(place=place, text=told)
        elif not spec.required:
            told = f"may be left out in workflow {workflow.workflow_id}: then {aim.provider.title} decides"
            yield Fault(place=place, text=told)


def _needless_approvals(aims: Iterable[_Aim]) -> Iterator[Fault]:
    """Of two grants that both fit, the one that asks for less is used: an approval that another grant spares says nothing."""
    listed = list(aims)
    for asking in (aim for aim in listed if aim.section.approval):
        plain = next((aim for aim in listed if not aim.section.approval and _spares(aim, asking)), None)
        if plain is not None:
            told = f"is never needed: grants[{plain.place[-1]}] allows the same to the same people without it"
            yield Fault(place=(*asking.place, "approval"), text=told)


def _spares(plain: _Aim, asking: _Aim) -> bool:
    """Whether whoever ``asking`` allows something, with an approval, may do it by ``plain`` without one."""
    one, other = plain.section, asking.section
    return (
        plain.place[:2] == asking.place[:2]
        and one.connection == other.connection
        and set(one.scopes) >= set(other.scopes)
        and (MEMBERS in one.requesters or set(one.requesters) >= set(other.requesters))
        and all(other.inputs.get(name) == rule for name, rule in one.inputs.items())
        and any(fnmatchcase(pattern, wider) for pattern in other.workflows for wider in one.workflows)
    )
