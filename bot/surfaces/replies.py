"""What a person is told in answer to a subcommand: lists, one launch, help. Refusals of what was typed are worded in ``words``.

Every reply is a plain ``text`` that says everything, and blocks of literal text: nothing that people or providers wrote is formatted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bot.domain.inputs import example_value
from bot.domain.model import Delivery, Event, InputSpec, Launch, Problem, Reason, State, Workflow
from bot.surfaces import cards
from bot.surfaces.command_text import write_command
from bot.surfaces.escaping import literal
from bot.surfaces.words import Say, say_denied, say_problems

MOST_CHARACTERS = 3900
MOST_WORKFLOWS = 25
MOST_EVENTS = 20


def say_lines(lines: Iterable[str]) -> Say:
    """Lines of text, shown as they are. What does not fit is left out, and said so."""
    shown: list[str] = []
    length = 0
    for line in lines:
        length += len(line) + 1
        if length > MOST_CHARACTERS:
            shown.append("… and more")
            break
        shown.append(line)
    text = "\n".join(shown)
    return Say(text=literal(text), blocks=tuple(_plain_blocks(text)))


def say_refused(problems: Sequence[Problem], reasons: Sequence[Reason], delivery: Delivery) -> Say:
    """Why nothing was done."""
    del delivery
    return say_problems(tuple(problems)) if problems else say_denied(tuple(reasons))


def say_list(rows: Sequence[tuple[str, str, Sequence[Workflow], str | None]], delivery: Delivery) -> Say:
    """What one person may launch: connection name, provider, workflows, and why the list may be incomplete."""
    if not rows:
        return say_lines(["Nothing may be launched in this channel: it has no grants. An operator can add one."])
    lines = ["You may launch here:"]
    for connection, title, workflows, trouble in rows:
        lines += [f"{connection} ({title})", *(_workflow_line(workflow) for workflow in workflows[:MOST_WORKFLOWS])]
        if len(workflows) > MOST_WORKFLOWS:
            lines.append(f"   … and {len(workflows) - MOST_WORKFLOWS} more")
        if not workflows:
            lines.append("   nothing that you may launch")
        if trouble:
            lines.append(f"   this list may be incomplete: {trouble}")
    lines.append(f"Start one with {delivery.name} <connection> <workflow> name=value …")
    return say_lines(lines)


def say_recent(launches: Sequence[Launch], delivery: Delivery) -> Say:
    """The newest launches of a channel, a line each."""
    if not launches:
        return say_lines([f"Nothing was launched in this channel yet. {delivery.name} help shows how."])
    lines = [f"{launch.launch_id}  {launch.state.word}  {_target(launch)}  by <@{launch.requester_id}>" for launch in launches]
    return say_lines([*lines, f"More about one: {delivery.name} status {launches[0].launch_id}"])


def say_status(launch: Launch, events: Sequence[Event], *, provider_title: str) -> Say:
    """The card of a launch as it stands now, and its story so far."""
    card = cards.card(launch, tuple(events), provider_title=provider_title, can_cancel=False)
    told = [cards.line(launch, event, provider_title=provider_title).text for event in events if cards.has_line(event)]
    story = told[-MOST_EVENTS:]
    text = "\n".join([card.text, *story])[:MOST_CHARACTERS]
    return Say(text=text, blocks=(*card.blocks, *_plain_blocks("\n".join(_plain(line) for line in story))))


def say_cancel_taken(launch: Launch, *, is_repeated: bool) -> Say:
    """The wish to stop is kept."""
    if launch.state is State.CANCELLED:
        return say_lines([f"{launch.launch_id} is cancelled: nothing was sent."])
    already = "was already asked to stop" if is_repeated else "is being stopped"
    return say_lines([f"{launch.launch_id} {already}. Its thread tells how it ends."])


def say_help(
    usages: Sequence[tuple[str, str]],
    examples: Sequence[tuple[str, Workflow, Sequence[InputSpec]]],
    reasons: Sequence[Reason],
    delivery: Delivery,
) -> Say:
    """Every form of the command, then examples that work in this channel, or why there are none."""
    lines = [f"{delivery.name} {usage}  —  {summary}" for usage, summary in usages]
    if examples:
        lines += ["", "In this channel, for example:", *(_example(delivery.name, *example) for example in examples)]
    elif reasons:
        lines += ["", say_denied(tuple(reasons)).text]
    else:
        lines += ["", "There is nothing that you may launch in this channel. An operator can grant it."]
    return say_lines(lines)


def say_not_built_yet(word: str) -> Say:
    """A word that is kept for a later release."""
    return say_problems((Problem(code="not_built_yet", facts={"what": word}),))


def say_too_many_arguments(word: str, delivery: Delivery) -> Say:
    """A subcommand was given more than it takes."""
    del delivery
    return say_problems((Problem(code="too_many_arguments", facts={"word": word}),))


def say_missing_argument(word: str, what: str, delivery: Delivery) -> Say:
    """A subcommand lacks what it needs."""
    del delivery
    return say_problems((Problem(code="missing_argument", facts={"word": word, "what": what}),))


def say_fault(reference: str) -> Say:
    """Something of ours broke; ``reference`` is in the log."""
    return say_problems((Problem(code="internal_error", facts={"reference": reference}),))


def say_not_kept() -> Say:
    """The request could not be written down, so nothing was begun."""
    return say_lines(
        ["Your request could not be kept, so nothing was started. Please try again; if it goes on, tell an operator."]
    )


def say_too_late(delivery: Delivery) -> Say:
    """The bot was stopped before it could act, and too much time has passed to act now."""
    typed = f"{delivery.name} {delivery.text}".strip() if delivery.kind == "command" else "your click"
    return say_lines([f"I was stopped before I could act on {typed}, and that is too long ago to act now. Nothing was started."])


def _workflow_line(workflow: Workflow) -> str:
    named = f"{workflow.workflow_id}  {workflow.name}" if workflow.name else workflow.workflow_id
    return f"   {named}"


def _target(launch: Launch) -> str:
    return f"{launch.workflow_label} ({launch.connection})"


def _example(command: str, connection: str, workflow: Workflow, specs: Sequence[InputSpec]) -> str:
    given = tuple((spec.name, example_value(spec)) for spec in specs if spec.required)
    return f"{command} {write_command(connection, workflow.workflow_id, given)}"


def _plain(text: str) -> str:
    """What ``literal`` escaped, as a plain_text block wants it."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _plain_blocks(text: str) -> list[dict[str, Any]]:
    """Sections of plain text; Slack takes 3,000 characters in each."""
    return [
        {"type": "section", "text": {"type": "plain_text", "text": text[start : start + 2900], "emoji": False}}
        for start in range(0, len(text), 2900)
        if text[start : start + 2900].strip()
    ]
