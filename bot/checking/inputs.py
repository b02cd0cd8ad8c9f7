"""Do configured inputs still fit what the provider says of them, and do grants' input rules name inputs that there are?

Why a type may differ: a file may say more of an input than the provider does (an e-mail address where that knows only text).
Said is only what makes the provider refuse a value, or take it for another.

Why a rule on an input that no workflow has is a fault: what is left out is not judged, so a misspelt rule forbids nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from bot.checking.facts import ConnectionFacts
from bot.checking.findings import Checked, Level
from bot.checking.known import GrantAt, grants_of, known
from bot.checking.places import Places
from bot.domain.grants import Policy
from bot.domain.model import InputSpec, InputType, Workflow
from bot.domain.policy import covers

_TEXTS = frozenset(
    {
        InputType.TEXT,
        InputType.LONG_TEXT,
        InputType.EMAIL,
        InputType.URL,
        InputType.DATE,
        InputType.DATETIME,
        InputType.CHOICE,
        InputType.SECRET,
    }
)
_PLAIN = frozenset({InputType.TEXT, InputType.LONG_TEXT})


def input_findings(own: Workflow, told: Workflow, facts: ConnectionFacts, places: Places) -> Iterator[Checked]:
    """Where a configured workflow's inputs differ from what the provider tells of it. Nothing where either says nothing."""
    if own.inputs is None or told.inputs is None:
        return
    place = ("connections", facts.connection.name, "workflows", own.workflow_id, "inputs")
    subject, title = f"{facts.connection.name} {own.label}", facts.provider.title
    besides = {spec.name for spec in facts.provider.fixed_inputs(own)}
    theirs = {spec.name: spec for spec in told.inputs if spec.name not in besides}
    ours = {spec.name: spec for spec in own.inputs if spec.name not in besides}
    for name, spec in ours.items():
        for level, code, words in _misfits(spec, theirs.get(name), title):
            yield Checked(level=level, code=code, subject=subject, words=words, place=places.line((*place, name)))
    for name, spec in theirs.items():
        if name not in ours and spec.required:
            words = f"{title} requires the input {name}, which the file does not name: no launch of it can succeed"
            yield Checked(level=Level.FAULT, code="input_required", subject=subject, words=words, place=places.line(place))


def _misfits(spec: InputSpec, told: InputSpec | None, title: str) -> Iterator[tuple[Level, str, str]]:
    if told is None:
        yield Level.FAULT, "input_unknown", f"{title} knows no input {spec.name}: mend the name, or take it out"
        return
    if told.required and not spec.required and spec.default is None:
        words = f"{title} requires the input {spec.name}, and the file does not: write required: true, or a default"
        yield Level.FAULT, "input_required", words
    if not _fits(spec, told):
        words = f"the input {spec.name} is {_kind(spec)} in the file, and {_kind(told)} at {title}"
        yield Level.WARNING, "input_type", words
    unknown = [option for option in spec.options if told.options and option not in told.options]
    if unknown:
        words = f"the input {spec.name} has no option {', '.join(unknown)} at {title}; it has {', '.join(told.options)}"
        yield Level.WARNING, "input_option", words


def _fits(spec: InputSpec, told: InputSpec) -> bool:
    if InputType.JSON in {spec.type, told.type}:
        return True
    many = (spec.many or spec.type is InputType.MULTI_CHOICE, told.many or told.type is InputType.MULTI_CHOICE)
    if many[0] is not many[1]:
        return False
    ours, theirs = _item(spec), _item(told)
    refines = theirs in _PLAIN and ours in _TEXTS
    return ours is theirs or refines or (theirs is InputType.DECIMAL and ours is InputType.INTEGER)


def _item(spec: InputSpec) -> InputType:
    return InputType.CHOICE if spec.type is InputType.MULTI_CHOICE else spec.type


def _kind(spec: InputSpec) -> str:
    return f"a list of {spec.type}" if spec.many else str(spec.type)


def rule_findings(policy: Policy, facts: ConnectionFacts, places: Places) -> Iterator[Checked]:
    """Every input rule, of a grant or of an approval's ``when``, whose input none of the granted workflows has."""
    for at in grants_of(policy, facts.connection.name):
        names = _input_names(at, facts)
        if names is None:
            continue
        rules = [((*at.place, "inputs", name), name) for name in at.grant.inputs]
        if at.grant.approval is not None:
            rules += [((*at.place, "approval", "when", name), name) for name in at.grant.approval.when]
        for place, name in rules:
            if name not in names:
                subject = f"{facts.connection.name} in channel {at.channel_id}"
                words = f"a rule names the input {name}, and no workflow that this grants has it: mend the name"
                yield Checked(
                    level=Level.FAULT, code="rule_unknown_input", subject=subject, words=words, place=places.line(place)
                )


def _input_names(at: GrantAt, facts: ConnectionFacts) -> frozenset[str] | None:
    """The names of all inputs of the workflows that a grant covers; None where those of any one are not known."""
    names: set[str] = set()
    covered = [one for one in known(facts).values() if covers(at.grant, one)]
    for workflow in covered:
        own = facts.connection.workflows.get(workflow.workflow_id)
        inputs = own.inputs if own is not None and own.inputs is not None else workflow.inputs
        if inputs is None:
            return None
        names |= {spec.name for spec in (*inputs, *facts.provider.fixed_inputs(workflow))}
    return frozenset(names) if covered else None
