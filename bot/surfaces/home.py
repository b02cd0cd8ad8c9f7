"""The App Home of one person: what waits for their approval, their own launches, and what they may launch where.

Why only so many of each: a view takes 100 blocks, and people read fewer. What is left out is counted, with the command that shows it.
https://docs.slack.dev/surfaces/app-home
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.approval_terms import agreed, terms_of
from bot.domain.model import Event, Launch
from bot.surfaces.cards import approval_buttons
from bot.surfaces.escaping import Mention, Moment, Parts, Quoted, Strong, merged, plain_text, shorten
from bot.surfaces.lines import MOST_LABEL
from bot.surfaces.say import rich_text, section, show_value
from bot.surfaces.telling import MOST_NAME, MOST_VALUE

LAUNCH_ACTION = "home_launch"
MOST_WAITING = 18
MOST_MINE = 10
MOST_PLACES = 15
_MOST_ENTRY = 1500
_MOST_INPUTS = 8
_MOST_WORKFLOWS = 8


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A launch that waits for this person's decision, with all its events."""

    launch: Launch
    events: tuple[Event, ...]
    provider_title: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """What this person may launch over one connection in one channel, as the grants name it."""

    channel_name: str
    connection: str
    workflows: tuple[str, ...]


def home(waiting: Sequence[Waiting], mine: Sequence[Launch], places: Sequence[Place], *, command: str) -> dict[str, Any]:
    """The view for ``views.publish``. ``mine`` are the newest first; ``waiting`` those that wait longest."""
    blocks = [*_top(places), *_waiting(waiting, command), *_mine(mine, command), *_places(places, command)]
    return {"type": "home", "blocks": blocks}


def _top(places: Sequence[Place]) -> Iterator[dict[str, Any]]:
    """A launch button, for those whom it helps."""
    if places:
        button = {"type": "button", "action_id": LAUNCH_ACTION, "text": plain_text("Launch", 75), "style": "primary"}
        yield {"type": "actions", "block_id": "home.launch", "elements": [button]}


def _waiting(waiting: Sequence[Waiting], command: str) -> Iterator[dict[str, Any]]:
    yield _heading("Waiting for your approval")
    if not waiting:
        yield _told(("Nothing waits for your approval.",))
    for one in waiting[:MOST_WAITING]:
        where = f"home.{one.launch.launch_id}.{one.launch.version}"
        yield _told(_request(one)) | {"block_id": where}
        buttons = list(approval_buttons(one.launch, one.provider_title))
        yield {"type": "actions", "block_id": f"{where}.decide", "elements": buttons}
    yield from _rest(waiting, MOST_WAITING, f"{command} status")


def _mine(mine: Sequence[Launch], command: str) -> Iterator[dict[str, Any]]:
    yield _heading("Your launches")
    if not mine:
        yield _told((f"You have not launched anything yet. {command} help in a channel shows how.",))
        return
    yield _bulleted([_own(launch) for launch in mine[:MOST_MINE]])
    yield from _rest(mine, MOST_MINE, f"{command} status")


def _places(places: Sequence[Place], command: str) -> Iterator[dict[str, Any]]:
    yield _heading("What you may launch")
    if not places:
        yield _told(("There is nothing that you may launch yet. Whoever runs Gonogo here can grant it.",))
        return
    yield _bulleted([_place(place) for place in places[:MOST_PLACES]])
    yield from _rest(places, MOST_PLACES, f"{command} list")


def _request(one: Waiting) -> Parts:
    """All that a decision needs in brief; the card shows the rest."""
    launch, terms = one.launch, terms_of(one.launch)
    inputs = list(launch.inputs.items())
    values = [f"{shorten(name, MOST_NAME)} = {shorten(show_value(value), MOST_VALUE)}" for name, value in inputs[:_MOST_INPUTS]]
    more = [f"and {len(inputs) - _MOST_INPUTS} more on the card"] if len(inputs) > _MOST_INPUTS else []
    head: Parts = (Strong(_named(launch)), f", {launch.launch_id}, asked for by ", Mention(launch.requester_id), ". ")
    version: Parts = (f"Version {shorten(launch.workflow_version, MOST_NAME)}. ",) if launch.workflow_version else ()
    state: Parts = (f"{len(agreed(one.events))} of {terms.required} agreed; it expires ", Moment(terms.expires_at), ". ")
    shown: Parts = ("Inputs: ", Quoted("; ".join([*values, *more])), ".") if values else ("It takes no inputs.",)
    return merged((*head, *version, *state, *shown))


def _own(launch: Launch) -> Parts:
    return (Strong(launch.launch_id), f"  {launch.state.word}: {_named(launch)}, ", Moment(launch.created_at))


def _place(place: Place) -> Parts:
    names = ", ".join(shorten(name, MOST_NAME) for name in place.workflows[:_MOST_WORKFLOWS])
    more = f" and {len(place.workflows) - _MOST_WORKFLOWS} more" if len(place.workflows) > _MOST_WORKFLOWS else ""
    where = f"#{shorten(place.channel_name, MOST_NAME)}"
    return (Strong(where), f"  {shorten(place.connection, MOST_NAME)}: {names}{more}")


def _named(launch: Launch) -> str:
    return f"{shorten(launch.workflow_label, MOST_LABEL)} on {shorten(launch.connection, MOST_NAME)}"


def _heading(words: str) -> dict[str, Any]:
    return {"type": "header", "text": plain_text(words, 150)}


def _told(parts: Parts) -> dict[str, Any]:
    return rich_text(section(parts, _MOST_ENTRY))


def _bulleted(lines: Sequence[Parts]) -> dict[str, Any]:
    sections = [section(line, _MOST_ENTRY // 2) for line in lines]
    return rich_text({"type": "rich_text_list", "style": "bullet", "elements": sections})


def _rest(entries: Sequence[object], most: int, command: str) -> Iterator[dict[str, Any]]:
    if len(entries) > most:
        yield _told((f"and {len(entries) - most} more: {command}",))
