"""What a person is told in answer to a subcommand: lists, one launch, help. Sentences for problems and reasons are in ``words``.

``command`` is always the slash command's configured name, so that what is shown can be typed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.inputs import example_value
from bot.domain.model import Delivery, Event, EventKind, InputSpec, Launch, Problem, Reason, State, Workflow
from bot.surfaces import cards
from bot.surfaces.command_text import CommandText, LaunchText, correct_command, write_command
from bot.surfaces.escaping import MOST_TEXT, Mention, Parts, Quoted, Strong, size
from bot.surfaces.say import Bullets, Paragraph, Say, compose
from bot.surfaces.words import reason_parts, say_denied, say_problems

MOST_WORKFLOWS = 25
MOST_STATES = 20
MOST_HISTORY = 1400
_HAPPENED: Mapping[EventKind, str] = {
    EventKind.REQUESTED: "asked for",
    EventKind.APPROVED: "approved",
    EventKind.CLEARED: "approved with the last yes",
    EventKind.REJECTED: "rejected",
    EventKind.REMINDED: "approvers reminded",
    EventKind.ESCALATED: "others asked to decide too",
    EventKind.EXPIRED: "expired",
    EventKind.REOPENED: "asked for again",
    EventKind.STARTING: "start sent",
    EventKind.DELAYED: "start put off",
    EventKind.UNANSWERED: "no answer to the start",
    EventKind.ACCEPTED: "started",
    EventKind.PROGRESSED: "progress",
    EventKind.PAUSED: "needs attention",
    EventKind.RESUMED: "went on",
    EventKind.CANCEL_ASKED: "cancel asked for",
    EventKind.CANCEL_REFUSED: "not cancelled",
    EventKind.SUCCEEDED: "succeeded",
    EventKind.FAILED: "failed",
    EventKind.CANCELLED: "cancelled",
    EventKind.ENDED: "ended",
    EventKind.LOST: "in doubt",
    EventKind.LOOKED_UP: "looked up",
    EventKind.LOOK_ASKED: "look-up asked for",
    EventKind.ADOPTED: "found to have started",
}
_NOTHING_HERE = "There is nothing that you may launch in this channel. Whoever runs Gonogo here can grant it."


def say_refused(problems: Sequence[Problem], reasons: Sequence[Reason], *, command: str, typed: CommandText | None = None) -> Say:
    """Why nothing was done; with a corrected command where one can be made of what was typed."""
    if not problems:
        return say_denied(reasons, command=command)
    example = correct_command(typed, tuple(problems)) if isinstance(typed, LaunchText) else ""
    return say_problems(problems, example=example, command=command)


def say_problem(code: str, *, command: str, **facts: str) -> Say:
    """One thing that can be corrected."""
    return say_problems((Problem(code=code, facts=facts),), command=command)


def say_list(rows: Sequence[tuple[str, str, Sequence[Workflow], str | None]], *, command: str) -> Say:
    """What one person may launch: connection name, provider, workflows, and why the list may be incomplete."""
    if not rows:
        return compose((_NOTHING_HERE,))
    paragraphs = [paragraph for row in rows for paragraph in _connection(*row)]
    return compose(("You may launch here:",), *paragraphs, (f"Start one with {command} <connection> <workflow> name=value …",))


def say_recent(launches: Sequence[Launch], *, command: str) -> Say:
    """The newest launches of a channel, a line each."""
    if not launches:
        return compose((f"Nothing was launched in this channel yet. {command} help shows how.",))
    lines: tuple[Parts, ...] = tuple(
        (Strong(launch.launch_id), f"  {launch.state.word}: {launch.workflow_label} on {launch.connection}, by ", _by(launch))
        for launch in launches
    )
    return compose(Bullets(lines=lines), (f"More about one: {command} status {launches[0].launch_id}",))


def say_status(launch: Launch, events: Sequence[Event], *, provider_title: str) -> Say:
    """The card of a launch as it stands now, and how it came there."""
    newest = events[-MOST_STATES:]
    heading = "History:" if len(newest) == len(events) else f"History, the newest {MOST_STATES} of {len(events)}:"
    story = compose((heading,), Bullets(lines=tuple(map(_happened, newest))), most=MOST_HISTORY)
    room = MOST_TEXT - size(story.text) - 1
    card = cards.card(launch, tuple(events), provider_title=provider_title, can_cancel=False, may_mention=True, most=room)
    return Say(text=f"{card.text}\n{story.text}", blocks=(*card.blocks, *story.blocks))


def say_cancel_taken(launch: Launch, *, is_repeated: bool) -> Say:
    """The wish to stop is kept."""
    if launch.state is State.CANCELLED:
        return compose((f"{launch.launch_id} is cancelled: nothing was sent.",))
    already = "was already asked to stop" if is_repeated else "is being stopped"
    return compose((f"{launch.launch_id} {already}. Its thread tells how it ends.",))


def say_decision_taken(launch: Launch, event: Event) -> Say:
    """Somebody's yes or no is kept: for those who decided by a command, and do not look at the card."""
    match event.kind:
        case EventKind.REJECTED:
            told = "is rejected; nothing runs."
        case EventKind.REOPENED:
            told = "has changed since people were asked, so your yes was not counted: look at what changed, and decide anew."
        case EventKind.FAILED:
            told = "is no longer allowed, so it ended without being started."
        case EventKind.CLEARED:
            told = "is approved and starts in a moment."
        case _:
            told = f"has your yes; it waits for more: {event.facts.get('required', '?')} people must agree."
    return compose((f"{launch.launch_id} {told} Its thread tells the rest.",))


def say_help(
    usages: Sequence[tuple[str, str]],
    examples: Sequence[tuple[str, Workflow, Sequence[InputSpec]]],
    reasons: Sequence[Reason],
    *,
    command: str,
) -> Say:
    """Every form of the command, then examples that work in this channel, or why there are none."""
    usage = Bullets(lines=tuple((Strong(f"{command} {form}"), f"  {summary}") for form, summary in usages))
    if examples:
        shown = Bullets(lines=tuple((_example(command, *example),) for example in examples))
        return compose(usage, ("Here, for example:",), shown)
    if reasons:
        return compose(usage, *(reason_parts(reason, command=command) for reason in reasons))
    return compose(usage, (_NOTHING_HERE,))


def say_not_kept() -> Say:
    """The request could not be written down, so nothing was begun."""
    return compose(
        ("Your request could not be kept, so nothing was started. Try again; if it goes on, tell whoever runs Gonogo.",)
    )


def say_perhaps_kept(*, command: str) -> Say:
    """Nobody can tell whether the request was written down, and so whether it will be carried out."""
    doubt = "It is in doubt whether your request was kept: the database broke off while it was being written down."
    return compose((f"{doubt} It may still be carried out: look at the card, or at {command} status, before you ask again.",))


def say_waits() -> Say:
    """What was asked for is kept, and the database is away."""
    kept = "Your request is kept; it is carried out as soon as the database can be reached again. Please do not ask again."
    return compose((kept,))


def say_too_late(delivery: Delivery) -> Say:
    """The bot was stopped before it could act, and too much time has passed to act now."""
    typed = f"{delivery.name} {delivery.text}".strip() if delivery.kind == "command" else "your click"
    told = ("I was stopped before I could act on ", Quoted(typed), ". That is too long ago to act now, so nothing was done.")
    return compose(told)


def _connection(name: str, title: str, workflows: Sequence[Workflow], trouble: str | None) -> list[Paragraph]:
    lines: list[Parts] = [_workflow(workflow) for workflow in workflows[:MOST_WORKFLOWS]]
    if len(workflows) > MOST_WORKFLOWS:
        lines.append((f"and {len(workflows) - MOST_WORKFLOWS} more",))
    if trouble:
        lines.append((f"This list may be incomplete: {trouble}",))
    return [(Strong(name), f" ({title})"), Bullets(lines=tuple(lines) or (("Nothing that you may launch",),))]


def _workflow(workflow: Workflow) -> Parts:
    return (Strong(workflow.workflow_id), f"  {workflow.name}" if workflow.name else "")


def _by(launch: Launch) -> Mention:
    return Mention(launch.requester_id)


def _happened(event: Event) -> Parts:
    """One event, with who did it where that was a person."""
    told: Parts = (f"{event.at:%Y-%m-%d %H:%M:%S} UTC  {_HAPPENED[event.kind]}",)
    return told if event.actor == "gonogo" else (*told, " by ", Mention(event.actor))


def _example(command: str, connection: str, workflow: Workflow, specs: Sequence[InputSpec]) -> str:
    """A command that this channel would take; its values stand for the person's own."""
    given = tuple((spec.name, example_value(spec)) for spec in specs if spec.required)
    return f"{command} {write_command(connection, workflow.workflow_id, given)}"
