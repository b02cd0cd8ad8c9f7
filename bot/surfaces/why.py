"""``/launch why``: a decision rule by rule, who could do it, where else, and what would have to change.

Why each rule begins with a word and not with a sign or a colour: a screen reader reads it, and so does who sees no green.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from bot.domain.advice import Advice
from bot.domain.explaining import Explanation, Finding, GrantFindings
from bot.domain.model import Reason
from bot.domain.policy import Allow, Deny, NeedApproval
from bot.surfaces.approving import who
from bot.surfaces.change_text import change_parts, snippet
from bot.surfaces.code_block import say_code, stacked
from bot.surfaces.escaping import Mention, Moment, Parts, Quoted, Strong, merged, plain_text
from bot.surfaces.naming import approval_parts
from bot.surfaces.say import Bullets, Paragraph, Say, compose
from bot.surfaces.words import reason_parts

ASK_ACTION = "why_ask_for_access"
MOST_GRANTS = 3
MOST_HEAD = 2500
MOST_SNIPPET = 600
MOST_TAIL = 850
MOST_VALUE = 2000
_RULES = {
    "person": "Person",
    "channel": "Channel",
    "freeze": "Freeze",
    "connection": "Connection",
    "workflow": "Workflow",
    "scope": "Scope of the grant",
    "held": "Scope of the credential",
    "requester": "Requester",
    "input": "Input",
    "limit": "Limit",
    "approval": "Approval",
}
_NO_ADVICE = Advice()
_OPERATORS_TURN = frozenset({"scope_not_held"})
_SOURCES = {"configuration": "the configuration", "lookup": "a look-up"}


class Asking(StrEnum):
    """What came of asking the operators for access."""

    ASKED = "asked"
    ASKED_BEFORE = "asked_before"
    ASKED_ENOUGH = "asked_enough"
    NOT_NEEDED = "not_needed"
    NOT_TOLD = "not_told"
    QUESTION_GONE = "question_gone"


_ASKED = {
    Asking.ASKED: "The operators were asked. They answer you, not this bot.",
    Asking.ASKED_BEFORE: "The operators were asked for this already, less than an hour ago. Nothing was sent again.",
    Asking.ASKED_ENOUGH: (
        "You asked the operators for many things within the last hour. Write to them yourself, or ask again later."
    ),
    Asking.NOT_NEEDED: ("You may launch it by now, so nobody was asked. {command} list shows what you may launch here."),
    Asking.NOT_TOLD: "The operators could not be told just now. Press again in a minute, or write to them yourself.",
    Asking.QUESTION_GONE: "What this button was for is not known any more. Type {command} why again.",
}


@dataclass(frozen=True, kw_only=True)
class Why:
    """A decision as it is shown to the person it is about.

    ``could`` names who may launch it here, ``elsewhere`` the channels in which this person may. ``asked_by`` is the key of the
    question, which the button brings back; None: nobody can be asked by button.
    """

    connection: str
    workflow: str
    channel_name: str
    explanation: Explanation
    advice: Advice = _NO_ADVICE
    could: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    asked_by: str | None = None


def say_why(why: Why, *, command: str) -> Say:
    """The decision, with everything that it rests on."""
    head = compose(*_decided(why, command), most=MOST_HEAD)
    if not isinstance(why.explanation.decision, Deny):
        return head
    return stacked(head, *_mended(why, command))


def say_asking(asking: Asking, *, command: str) -> Say:
    """What came of a press on the button."""
    return compose((_ASKED[asking].format(command=command),))


def say_access_wanted(why: Why, user_id: str, *, command: str) -> Say:
    """What the operators are told: who wants what, where, and what would grant it."""
    wanted: Parts = (
        Mention(user_id),
        " asks for access: ",
        Quoted(why.workflow),
        f" on {why.connection} in #{why.channel_name}.",
    )
    changes = Bullets(lines=tuple(change_parts(change, why.channel_name) for change in why.advice.changes))
    head = compose(wanted, *([("What would grant it:",), changes] if why.advice.changes else []), most=MOST_HEAD)
    tail = list(_beyond(why.advice, command))
    return stacked(head, *_snippet(why), *([compose(*tail, most=MOST_TAIL)] if tail else []))


def finding_line(finding: Finding, *, command: str) -> Parts:
    """One rule: whether it is met, by which fact, where that came from, and when it was seen."""
    reason = finding.reason
    told: list[Any] = [Strong(_verdict(finding)), f" {_RULES.get(finding.rule, finding.rule)}: "]
    told += reason_parts(reason, command=command)
    told.append(f" Source: {_SOURCES.get(reason.source, reason.source)}")
    if reason.seen_at is not None:
        told += [", seen ", Moment(reason.seen_at)]
    return merged([*told, "."])


def _verdict(finding: Finding) -> str:
    match finding.reason.code:
        case "scope_not_verified":
            return "Not verified."
        case "approval_needed":
            return "To be met."
        case _:
            return "Met." if finding.is_met else "Not met."


def _decided(why: Why, command: str) -> Iterator[Paragraph]:
    explanation = why.explanation
    yield _headline(why)
    rules = [finding_line(finding, command=command) for finding in explanation.around]
    if isinstance(explanation.decision, Deny) and not explanation.grants:
        rules += [
            _refusal_line(reason, command) for reason in explanation.decision.reasons if not _is_around(reason, explanation)
        ]
    yield Bullets(lines=tuple(rules))
    shown = _shown(explanation)
    for one in shown:
        yield (Strong(f"Grant {one.number} of #{why.channel_name}"), f", over {why.connection}:")
        yield Bullets(lines=tuple(finding_line(finding, command=command) for finding in one.findings))
    if len(explanation.grants) > len(shown):
        yield (f"Other grants over {why.connection} that were looked at and not used: {len(explanation.grants) - len(shown)}.",)
    if isinstance(explanation.decision, NeedApproval):
        yield merged(("Who would approve: ", *approval_parts(explanation.decision.rule)))


def _headline(why: Why) -> Parts:
    target: Parts = (Quoted(why.workflow), f" on {why.connection} in #{why.channel_name}")
    match why.explanation.decision:
        case Allow():
            return (Strong("Allowed."), " You may launch ", *target, ".")
        case NeedApproval():
            return (Strong("Allowed once others agree."), " You may ask for ", *target, ".")
        case Deny():
            return (Strong("Not allowed."), " You may not launch ", *target, ".")
        case _:
            assert_never(why.explanation.decision)


def _is_around(reason: Reason, explanation: Explanation) -> bool:
    return any(finding.reason == reason for finding in explanation.around)


def _refusal_line(reason: Reason, command: str) -> Parts:
    """Where no grant is about the connection, the decision itself is the only finding."""
    return finding_line(Finding(rule="connection", is_met=False, reason=reason), command=command)


def _shown(explanation: Explanation) -> Sequence[GrantFindings]:
    """The grant that allows it; else those that lack least."""
    decision = explanation.decision
    if not isinstance(decision, Deny):
        return [one for one in explanation.grants if one.grant.key == decision.grant.key][:1]
    nearest = sorted(explanation.grants, key=lambda one: (not _covers(one), len(one.refusals)))
    return sorted(nearest[:MOST_GRANTS], key=lambda one: one.number)


def _covers(one: GrantFindings) -> bool:
    return all(finding.is_met for finding in one.findings if finding.rule == "workflow")


def _mended(why: Why, command: str) -> Iterator[Say]:
    changes = why.advice.changes
    if changes:
        lines = tuple(change_parts(change, why.channel_name) for change in changes)
        yield compose(("The smallest change of the policy that would allow it:",), Bullets(lines=lines), most=MOST_TAIL // 2)
    yield from _snippet(why)
    tail = compose(*_beyond(why.advice, command), *_others(why), _whom_to_ask(why), most=MOST_TAIL // 2 if changes else MOST_TAIL)
    button = _button(why)
    yield Say(text=tail.text, blocks=(*tail.blocks, *([button] if button else [])))


def _snippet(why: Why) -> Iterator[Say]:
    if why.advice.changes:
        yaml = snippet(why.advice.changes, channel_name=why.channel_name, connection=why.connection)
        yield say_code(yaml, most=MOST_SNIPPET)


def _beyond(advice: Advice, command: str) -> Iterator[Paragraph]:
    if advice.beyond:
        yield ("What no change of the policy can mend:",)
        yield Bullets(lines=tuple(reason_parts(reason, command=command) for reason in advice.beyond))


def _others(why: Why) -> Iterator[Paragraph]:
    if why.could:
        yield merged(("Who may launch it here: ", *who(why.could), "."))
    if why.elsewhere:
        yield (f"Where you may launch it: {', '.join(f'#{name}' for name in why.elsewhere)}.",)


def _whom_to_ask(why: Why) -> Parts:
    if _button(why):
        return ("Press the button to ask the operators for it: Ask for access.",)
    return ("Ask whoever runs Gonogo here to change its configuration.",) if why.advice.changes else ("Nothing was launched.",)


def _button(why: Why) -> dict[str, Any] | None:
    is_their_turn = bool(why.advice.changes) or any(reason.code in _OPERATORS_TURN for reason in why.advice.beyond)
    if why.asked_by is None or not is_their_turn or len(why.asked_by) > MOST_VALUE:
        return None
    button = {
        "type": "button",
        "action_id": ASK_ACTION,
        "text": plain_text("Ask for access", 75),
        "accessibility_label": "Ask the operators for access",
        "value": why.asked_by,
    }
    return {"type": "actions", "elements": [button]}
