"""The words of approvals: who may decide, who did, what changed; for thread lines, the card and App Home.

Why only thread lines mention approvers: posting a card notifies whomever it mentions, and so would the line below it, so people
would be called twice. The card names them by a mention only where that notifies nobody (an update, an answer to one person).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from bot.domain.approval_digest import Differences
from bot.domain.approval_terms import agreed, is_escalated, since_asked, terms_of
from bot.domain.model import Event, EventKind, Json, Launch
from bot.surfaces.escaping import GroupMention, Mention, Moment, Part, Parts, Quoted, Strong, merged, shorten
from bot.surfaces.say import Bullets, Paragraph, show_value

MOST_PEOPLE = 20
"""People or groups that are named in one sentence; of the others only how many there are."""
MOST_CHANGES_SHOWN = 8
_MOST_VALUE = 120
_MOST_WHAT = 80
_MOST_REASON = 1000
_MEMBERS = "members"
_UNTELLING = frozenset({"grant"})
"""Parts whose value is a fingerprint, which tells people nothing."""


def who(names: Sequence[str]) -> Parts:
    """People, groups and ``members`` in a row, mentioned."""
    shown = [_name(name) for name in names[:MOST_PEOPLE]]
    more: list[Part] = [f"{len(names) - MOST_PEOPLE} more"] if len(names) > MOST_PEOPLE else []
    return _row([*shown, *more]) or ("nobody",)


def asked_for(launch: Launch) -> Parts:
    """Approvers are called, once."""
    terms = terms_of(launch)
    call: Parts = (*who(terms.approvers), ": please approve or reject it, by the buttons on the card.")
    return merged((*call, f" {_needed(terms.required)}, until ", Moment(terms.expires_at), "."))


def approved(event: Event) -> Parts:
    """A yes that does not complete."""
    counted = people(event.facts.get("counted"))
    share = f" approved it: {len(counted)} of {_shown(event.facts.get('required'))}." if counted else " approved it."
    return merged((Mention(event.actor), share, *_lost(event)))


def cleared(event: Event) -> Parts:
    """The yes that completed, or a policy that asks nobody any more."""
    if event.facts.get("unneeded") is True:
        return ("nobody's approval is needed any more; it starts in a moment.",)
    return merged(("approved by ", *_approvers(event), "; it starts in a moment.", *_lost(event)))


def rejected(event: Event) -> Parts:
    """A no, with its reason as it was written."""
    reason = shorten(_text(event.facts.get("reason")), _MOST_REASON)
    why: Parts = (": ", Quoted(reason)) if reason else ()
    end = " Nothing ran." if reason.endswith((".", "!", "?", "…")) else ". Nothing ran."
    return merged((Mention(event.actor), " rejected it, ", Moment(event.at), *why, end))


def reminded(launch: Launch, event: Event) -> Parts:
    """Whoever has not said yes is called once more."""
    said = people(event.facts.get("said"))
    names = tuple(name for name in terms_of(launch).approvers if name not in said)
    return merged((*who(names), ": it still waits for you. ", *_so_far(launch, event), " ", *_expires(launch)))


def escalated(launch: Launch, event: Event) -> Parts:
    """Others are called too."""
    called = who(terms_of(launch).escalate_to)
    return merged((*called, ": not enough people decided, so you may too. ", *_so_far(launch, event), " ", *_expires(launch)))


def expired(launch: Launch, event: Event) -> Parts:
    """Neither a yes nor a no."""
    return merged(("Not enough people decided in time. ", *_so_far(launch, event), " That is no rejection; nothing ran."))


def reopened(launch: Launch, event: Event) -> Parts:
    """What changed, and that everybody is asked anew."""
    told = [part for change in _changes(event) for part in (*_changed(change), ", ")]
    left_out = _left_out(event)
    rest: Parts = (f", and {left_out} more",) if left_out else ()
    why: Parts = (", since this changed: ", *told[:-1], *rest, ".") if told else (".",)
    again: Parts = (" Earlier decisions no longer count. ", *who(terms_of(launch).approvers), ": please decide anew.")
    return merged(("it is asked for again", *why, *_lost(event), *again))


def standing(launch: Launch, events: Sequence[Event], *, may_mention: bool) -> Iterator[Paragraph]:
    """How a launch that waits for approval stands, for its card: how many agreed, who may decide, until when, what is new."""
    terms = terms_of(launch)
    yield merged(("It waits for approval. ", *_share(agreed(events), terms.required)))
    names = (*terms.approvers, *(terms.escalate_to if is_escalated(events) else ()))
    deciding: Parts = who(names) if may_mention else ("those whom the thread asks",)
    yield merged(("Who may decide: ", *deciding, ". ", *_expires(launch)))
    again = next((event for event in reversed(events) if event.kind is EventKind.REOPENED), None)
    if again and _changes(again):
        left_out = _left_out(again)
        rest: tuple[Parts, ...] = ((f"and {left_out} more",),) if left_out else ()
        yield ("It is asked for again, since this changed:",)
        yield Bullets(lines=(*map(_changed, _changes(again)), *rest))


def decided(events: Sequence[Event]) -> Parts:
    """Who had approved a launch that went on, for its card; nothing where nobody was asked."""
    event = next((event for event in reversed(since_asked(events)) if event.kind is EventKind.CLEARED), None)
    if event is None or event.facts.get("unneeded") is True:
        return ()
    return ("Approved by ", *_approvers(event), ".")


def differing(since: Differences | None) -> Iterator[Paragraph]:
    """What differs from the last successful run of the same workflow."""
    if since is None:
        yield ("No earlier launch of this workflow has succeeded.",)
        return
    last: Parts = (Strong(since.launch_id), ", the last that succeeded (", Moment(since.at), ")")
    if not since.changes:
        yield ("Same version and inputs as ", *last, ".")
        return
    left_out = len(since.changes) - MOST_CHANGES_SHOWN + since.more
    rest: tuple[Parts, ...] = ((f"and {left_out} more",),) if left_out > 0 else ()
    yield ("What differs from ", *last, ":")
    yield Bullets(lines=(*map(_changed, since.changes[:MOST_CHANGES_SHOWN]), *rest))


def people(value: Json) -> list[str]:
    """A list of ids in an event's facts; nothing where it is none."""
    return [name for name in cast("list[Any]", value) if isinstance(name, str)] if isinstance(value, list | tuple) else []


def _name(name: str) -> Part:
    if name == _MEMBERS:
        return "any full member of this workspace"
    return GroupMention(name) if name.startswith("S") else Mention(name)


def _approvers(event: Event) -> Parts:
    """Who made it go, and when."""
    return (*who(people(event.facts.get("counted")) or [event.actor]), ", ", Moment(event.at))


def _row(shown: Sequence[Part]) -> Parts:
    """``a``, ``a and b``, ``a, b and c``."""
    marks = ["", *[", "] * (len(shown) - 2), " and "] if len(shown) > 1 else [""]
    return tuple(part for mark, name in zip(marks, shown, strict=False) for part in (mark, name) if part != "")


def _needed(required: int) -> str:
    return "One person must agree" if required == 1 else f"{required} people must agree"


def _so_far(launch: Launch, event: Event) -> Parts:
    return _share(people(event.facts.get("said")), terms_of(launch).required)


def _share(said: Sequence[str], required: int) -> Parts:
    named: Parts = (": ", *who(said)) if said else ()
    return merged((f"{len(said)} of {required} agreed", *named, "."))


def _expires(launch: Launch) -> Parts:
    return ("It expires ", Moment(terms_of(launch).expires_at), ".")


def _lost(event: Event) -> Parts:
    lost = people(event.facts.get("lost"))
    return (" The yes of ", *who(lost), " does not count any more: they may no longer approve it.") if lost else ()


def _changed(change: Mapping[str, Json]) -> Parts:
    """One difference: what, and its value before and after."""
    what = shorten(_text(change.get("what")), _MOST_WHAT) or "something"
    if what in _UNTELLING:
        return (f"the {what} that allows it",)
    return (Strong(what), ": ", _value(change.get("before")), " → ", _value(change.get("after")))


def _changes(event: Event) -> list[Mapping[str, Json]]:
    """What an event says has changed, as far as it is shown."""
    return _told_changes(event)[:MOST_CHANGES_SHOWN]


def _left_out(event: Event) -> int:
    more = event.facts.get("more")
    return max(0, len(_told_changes(event)) - MOST_CHANGES_SHOWN) + (more if isinstance(more, int) else 0)


def _told_changes(event: Event) -> list[Mapping[str, Json]]:
    found = event.facts.get("changes")
    listed = cast("list[Any]", found) if isinstance(found, list | tuple) else []
    return [cast("Mapping[str, Json]", change) for change in listed if isinstance(change, Mapping)]


def _value(value: Json) -> Part:
    return "none" if value is None else Quoted(shorten(show_value(value), _MOST_VALUE) or "(empty)")


def _shown(value: Json) -> str:
    return str(value) if isinstance(value, int) else "?"


def _text(value: Json) -> str:
    return value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)
