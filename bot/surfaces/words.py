"""Words for people, made in one place.

Every problem and every reason has its sentence in one of two tables. A sentence is a row of clauses: the first always stands,
each other one only when all its facts are known. ``{fact}`` is literal text, ``{fact:q}`` a quoted name or value,
``{fact:s}`` begins a sentence, ``{fact:t}`` is a time, ``{fact:m}`` mentions people and groups.

Why an unknown code still gets a sentence: a refusal without words would be worse than one with clumsy words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from string import Formatter
from typing import TypeAlias

from bot.domain.model import Problem, Reason
from bot.surfaces.again_words import AGAIN
from bot.surfaces.approving import who
from bot.surfaces.escaping import Moment, Part, Parts, Quoted, as_plain, escape, literal, merged, shorten, size
from bot.surfaces.form_words import FORM
from bot.surfaces.rule_words import RULES
from bot.surfaces.say import Bullets, Paragraph, Say, compose

__all__ = [
    "COMMAND",
    "PROBLEMS",
    "REASONS",
    "Say",
    "problem_parts",
    "problem_sentence",
    "reason_parts",
    "reason_sentence",
    "say_denied",
    "say_problems",
]

COMMAND = "/launch"
MOST_SHOWN = 200
_MOST_LISTED = 600
_MOST_EXAMPLE = 1000
MOST_PROBLEMS = 15
"""Problems that are told; of the others only how many there are."""
_CHANGE = "Whoever runs Gonogo here can change that in its configuration."
_MEANT = "Did you mean {closest:q}?"
_Clauses: TypeAlias = tuple[str, ...]

_INSTEAD = {
    "--preview": "Nothing was launched; {command} list shows what you may launch here.",
}
"""What to use in place of what is not built yet."""

PROBLEMS: Mapping[str, _Clauses] = {
    **FORM,
    **AGAIN,
    # what was typed
    "text_too_long": ("This is too long: {length} characters, where {most} are the most.",),
    "hidden_character": (
        "Character {position} is invisible: {character}.",
        "Values must be what they look like: please type it again without that character.",
    ),
    "group_mention": ("{typed:q} means a whole group of people, which is no value.", "Mention one person, or write a name."),
    "open_quote": ("The quote {quote} is never closed; it begins at {near:q} (character {position}).",),
    "dangling_backslash": (
        "The text ends with a backslash, which needs a character after it.",
        "For a backslash itself write two.",
    ),
    "missing_workflow": (
        "Name a workflow after {connection:q}: {command} <connection> <workflow> name=value.",
        _MEANT,
        "{command} list {listed} shows them.",
    ),
    "empty_word": ("The {which} is empty: write {command} <connection> <workflow> name=value.",),
    "unknown_word": ("There is no {command} {typed:q}.", _MEANT, "{command} help shows what there is."),
    "unknown_flag": ("There is no option {typed:q}.", _MEANT),
    "too_many_arguments": ("{command} {word} takes fewer words than that.", "{command} help shows how it is written."),
    "missing_argument": ("{command} {word} needs {what}.", "{command} help shows how it is written."),
    "not_name_value": (
        "{typed:q} is no input: write name=value, without spaces around the = sign.",
        "If it belongs to the workflow's name, put the whole name in quotes: {quoted}.",
        "A value with spaces in it stands in quotes.",
    ),
    "nameless_input": ("{typed:q} has no name before the = sign: write name=value.",),
    "repeated_input": ("The input {name:q} is given more than once: give it once.",),
    "placeholder_value": ("The value of {name:q} is only a placeholder: write your own.",),
    # what was meant
    "unknown_connection": ("The connection {typed:q} is not available in this channel.", _MEANT, "Available here: {known}."),
    "unknown_workflow": ("The connection {connection:q} has no workflow {typed:q}.", _MEANT, "It has: {known}."),
    "ambiguous_workflow": (
        "Several workflows of {connection:q} are named {typed:q}: write the id of the one that you mean.",
        "They are: {candidates}.",
    ),
    "not_launchable": (
        "The workflow {workflow:q} of {connection:q} cannot be launched: {obstacle}.",
        "Whoever looks after it at the provider can change that.",
    ),
    "workflow_incomplete": ("{name:q} is not set up completely: it lacks {what}.", _CHANGE),
    # inputs
    "unknown_input": ("The workflow has no input {name:q}.", _MEANT, "Its inputs are: {known}."),
    "missing_input": ("The input {name:q} is missing.", "It takes {expected}.", "{hint:s}.", "Its options are: {known}."),
    "bad_input": (
        "The input {name:q} does not fit.",
        "It must be {expected}.",
        "{hint:s}.",
        "You typed {typed:q}.",
        _MEANT,
        "Its options are: {known}.",
    ),
    "looks_secret": (
        "The value of {name:q} looks like a secret ({kind}), so nothing was launched and it was not kept.",
        "Slack has seen it: whoever it belongs to should renew it.",
        "Secrets are configured for a connection, and inputs that take one are given its name.",
    ),
    "fixed_misfit": (
        "The value that the grants of this channel give to {name:q} does not fit the workflow, so nothing was launched.",
        "It must be {expected}.",
        _CHANGE,
    ),
    "default_misfit": (
        "What the provider would fill in for {name:q} cannot be read, so nobody can tell whether it is allowed, and nothing was launched.",
        "Give {name:q} a value.",
        "It takes {expected}.",
        "{hint:s}.",
        "Its options are: {known}.",
    ),
    "policy_changed": ("The rules for {connection:q} changed while this was being read.", "Please try again."),
    "reserved_input": ("{name:q} is a name that {provider} keeps for itself, so it cannot be an input.", "Please leave it out."),
    # launches
    "unknown_launch": ("There is no launch {typed:q}.", "{command} status shows the recent ones."),
    "launch_elsewhere": ("{launch_id:q} was asked for in another channel.", "Ask for it there."),
    "cannot_cancel": ("{launch_id:q} cannot be cancelled any more.", "It is: {state}."),
    "cancel_unsupported": (
        "{launch_id:q} cannot be stopped from here: {provider} offers no way to do it.",
        "If it must stop, somebody has to stop it there.",
    ),
    # doubts
    "not_in_doubt": ("{launch_id:q} is not in doubt any more.", "It is: {state}."),
    "no_look_up": (
        "{provider} offers no way to look {launch_id:q} up.",
        "Please look there, and press It ran or It did not.",
    ),
    "run_not_named": ("Which run {launch_id:q} caused was not named.", "Press It ran again, and give the run id."),
    "run_of_another": ("The run {run_id:q} belongs to another launch, so it cannot be that of {launch_id:q}.",),
    "run_denied": ("The run {run_id:q} cannot be that of {launch_id:q}: {meaning}.",),
    "run_not_verified": ("The run {run_id:q} could not be checked at {provider}: {cause}.", "Please try again in a minute."),
    "form_not_opened": ("The form could not be opened in time.", "Please press the button again."),
    "form_outdated": ("This form belongs to another time or person.", "Please press the button again."),
    # approvals
    "busy_launch": ("{launch_id:q} is being changed by others at this very moment.", "Please try again."),
    "not_compared": (
        "Whether {launch_id:q} is still what people were shown could not be learnt: {cause}.",
        "Your yes was not counted: please try again in a minute.",
    ),
    # ourselves
    "not_built_yet": ("{what} is not built yet.", "{instead}."),
    "internal_error": (
        "Something went wrong inside Gonogo; it was nothing that you did.",
        "Whoever runs Gonogo here finds it in the log under {reference:q}.",
    ),
}

REASONS: Mapping[str, _Clauses] = {
    **RULES,
    "granted": ("The grants of #{channel} include {connection:q}.",),
    "channel_without_policy": ("Nothing may be launched in #{channel}: this channel has no grants.", _CHANGE),
    "connection_not_granted": (
        "The connection {connection:q} is not available in this channel.",
        "No grant of #{channel} names it.",
        _CHANGE,
    ),
    "workflow_not_granted": (
        "The grants of #{channel} do not include the workflow {workflow:q} of {connection:q}.",
        _CHANGE,
    ),
    "scope_not_granted": ("The grants of this channel lack the scope {scope:q} of {connection:q}, which this needs.", _CHANGE),
    "inputs_not_read": ("There is a grant of this channel for which the inputs could not be read as they were given.",),
    "requester_not_granted": (
        "You are not among the people who may launch {workflow:q} of {connection:q} here.",
        "Ask one of them, or whoever runs Gonogo here.",
    ),
    "person_is_guest": (
        "You are a guest of this workspace, and guests may not launch anything.",
        "Ask a full member to launch it.",
    ),
    "person_is_stranger": (
        "You are from another organisation, and only members of this workspace may launch anything.",
        "Ask one of them.",
    ),
    "person_is_bot": ("You are a bot, and bots may not launch anything.",),
    "person_is_deleted": ("Your account is deactivated, so you may not launch anything.",),
    "channel_is_shared": (
        "#{channel} is shared with another organisation, so nothing may be launched in it.",
        "Use a channel of your own; or whoever runs Gonogo here can allow this one.",
    ),
    "channel_without_bot": (
        "Gonogo is not in #{channel}, so it could not tell how the launch goes.",
        "Type /invite {bot} there.",
        "Any member of the channel can invite it.",
    ),
    "channel_is_archived": ("The channel is archived.", "It is #{channel}.", "Use one that is not."),
    "lookup_failed": (
        "Something that this decision needs could not be learnt, so the answer is no: {subject}: {cause}.",
        "Try again in a minute.",
    ),
    # approvals
    "not_awaiting": (
        "{launch_id:q} does not wait for approval any more.",
        "It is: {state}.",
        "{by:m} {how}, {at:t}.",
        "{ended:s}, {at:t}.",
    ),
    "already_decided": ("You decided on {launch_id:q} already, {at:t}, and the first decision stands.",),
    "approval_self": (
        "You asked for {launch_id:q} yourself, so somebody else has to decide on it.",
        "You can still cancel it.",
    ),
    "approval_cool_down": ("You asked for {launch_id:q} yourself, so you may decide on it only from {until:t} on.",),
    "not_approver": ("You are not among those who may decide on {launch_id:q}.", "Those are: {approvers:m}."),
    "connection_gone": ("The connection {connection:q} is no longer configured.", _CHANGE),
    "inputs_changed": (
        "The inputs of {workflow:q} are no longer those that this was asked for with: {names}.",
        "Launch it anew.",
    ),
    "workflow_gone": ("The workflow {workflow:q} of {connection:q} can no longer be launched.", "The reason: {obstacle}."),
    "grant_changed": ("The grant for {connection:q} changed, and the inputs no longer fit it.", "Launch it again."),
    "approval_expired": ("The time to decide on {launch_id:q} is over since {at:t}.", "If it is still wanted, launch it again."),
}


def problem_sentence(problem: Problem, *, command: str = COMMAND) -> str:
    """What is wrong and how to mend it, in plain words (unescaped: for a form's errors and a terminal)."""
    return as_plain(problem_parts(problem, command=command))


def reason_sentence(reason: Reason, *, command: str = COMMAND) -> str:
    """Why a decision fell, and who can change it, in plain words (unescaped)."""
    return as_plain(reason_parts(reason, command=command))


def problem_parts(problem: Problem, *, command: str = COMMAND) -> Parts:
    """The sentence about a problem, for every place."""
    instead = _INSTEAD.get(problem.facts.get("what", "").rpartition(" ")[2], "").format(command=command)
    return _sentence(PROBLEMS, problem.code, {"command": command, "instead": instead, **problem.facts})


def reason_parts(reason: Reason, *, command: str = COMMAND) -> Parts:
    """The sentence about a reason, for every place."""
    return _sentence(REASONS, reason.code, {"command": command, **reason.facts})


def say_problems(problems: Sequence[Problem], *, example: str = "", command: str = COMMAND) -> Say:
    """A refusal that can be mended: the problems, and ``example``, the corrected text after the command, where there is one."""
    lines = _distinct(problem_parts(problem, command=command) for problem in problems)
    more: tuple[Parts, ...] = ((f"and {len(lines) - MOST_PROBLEMS} more",),) if len(lines) > MOST_PROBLEMS else ()
    heading = f"There are {len(lines)} things to mend; nothing was done."
    tried = (("Try: ", Quoted(f"{command} {example}")),) if example and _is_copied_whole(example) else ()
    return compose(*_listed(heading, (*lines[:MOST_PROBLEMS], *more)), *tried)


def say_denied(reasons: Sequence[Reason], *, command: str = COMMAND) -> Say:
    """A refusal by policy, with every reason."""
    lines = _distinct(reason_parts(reason, command=command) for reason in reasons)
    return compose(*_listed("This is not allowed, for these reasons:", lines))


def _listed(heading: str, lines: tuple[Parts, ...]) -> tuple[Paragraph, ...]:
    return lines if len(lines) == 1 else ((heading,), Bullets(lines=lines))


def _is_copied_whole(example: str) -> bool:
    """Whether what people copy is what is meant: shown in full, no character of it replaced."""
    escaped = escape(example)
    return size(escaped) <= _MOST_EXAMPLE and "…" not in example and literal(example) == escaped


def _distinct(lines: Iterable[Parts]) -> tuple[Parts, ...]:
    return tuple(dict.fromkeys(lines))


def _sentence(table: Mapping[str, _Clauses], code: str, facts: Mapping[str, str]) -> Parts:
    clauses = table.get(code)
    if clauses is None:
        return _unknown(code, facts)
    first, *others = clauses
    parts = list(_clause(first, facts))
    for clause in others:
        if all(facts.get(name) for _, name, _, _ in Formatter().parse(clause) if name):
            parts += [" ", *_clause(clause, facts)]
    return merged(parts)


def _unknown(code: str, facts: Mapping[str, str]) -> Parts:
    told = [
        part
        for name, value in facts.items()
        if name not in {"command", "instead"}
        for part in (f" {name}: ", Quoted(_short(value)), ";")
    ]
    return merged([f"This cannot be done: {code.replace('_', ' ')}.", *told[:-1]])


def _clause(clause: str, facts: Mapping[str, str]) -> Iterable[Part]:
    for words, name, kind, _ in Formatter().parse(clause):
        if words:
            yield words
        if name is not None and kind == "m":
            yield from who([one.strip() for one in (facts.get(name) or "?").split(",")])
        elif name is not None:
            yield _fact(facts.get(name) or "?", kind or "")


def _fact(value: str, kind: str) -> Part:
    """A fact in its place; without its last point, as the sentence has one."""
    if kind == "q":
        return Quoted(_short(value))
    if kind == "t":
        return _moment(str(value))
    told = shorten(str(value), _MOST_LISTED).rstrip(" .")
    return told[:1].upper() + told[1:] if kind == "s" else told


def _moment(value: str) -> Part:
    """A time that a fact holds as text; whatever is none stays what it is."""
    try:
        return Moment(datetime.fromisoformat(value))
    except ValueError:
        return _short(value)


def _short(value: str) -> str:
    return shorten(str(value), MOST_SHOWN)
