"""Changes of the policy in words, and as YAML that an operator can paste into the configuration.

Why a snippet holds only what is new: it is shown to people who need not see what else the policy says. Comments say where it goes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import assert_never

from bot.domain.changes import (
    AddGrant,
    AddRequester,
    AddScope,
    AddWorkflow,
    AllowShared,
    Change,
    ExemptFrom,
    RaiseLimit,
)
from bot.domain.grants import Grant
from bot.domain.spelling import is_hidden
from bot.surfaces.escaping import Mention, Moment, Parts, Quoted, clean

_PLAIN_SCALAR = re.compile(r"[A-Za-z_][A-Za-z0-9_/-]*(?: [A-Za-z0-9_/-]+)*")
_YAML_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_ALSO = {"requesters": ", for everything that it names", "workflows": ", for everybody whom it names"}
"""What a change does besides what was asked for: whoever makes it should know."""
_LIMITS = {"per_hour": "launches in any hour", "running": "launches at a time"}


def change_parts(change: Change, channel_name: str) -> Parts:
    """What to change, in a sentence."""
    match change:
        case AddRequester() | AddWorkflow() | AddScope():
            field, value = _entry(change)
            added = Mention(value) if field == "requesters" else Quoted(value)
            also = _ALSO.get(field, "")
            return ("Add ", added, f" to the {field} of {_place(change.number, channel_name)}{also}.")
        case RaiseLimit():
            return (f"Raise the limit of {_place(change.number, channel_name)} to {change.most} {_LIMITS[change.limit]}.",)
        case AddGrant():
            listed = ", ".join(change.grant.workflows)
            what: Parts = ("Add a grant to ", f"#{channel_name}: ", Quoted(listed), f" of {change.grant.connection}, for ")
            return (*what, *(Mention(name) for name in change.grant.requesters), ".")
        case AllowShared():
            return (f"Allow launches in #{channel_name} although another organisation reads along.",)
        case ExemptFrom():
            what = ("Except ", Mention(change.user_id), " from the freeze ", Quoted(change.freeze), "; or wait until ")
            return (*what, Moment(change.ends), ".")
        case _:
            assert_never(change)


def snippet(changes: Sequence[Change], *, channel_name: str, connection: str) -> str:
    """All of ``changes`` as YAML, each entry where it belongs."""
    about_channel = [change for change in changes if not isinstance(change, ExemptFrom)]
    lines: list[str] = []
    if about_channel:
        lines += _channel_lines(about_channel, channel_name, connection)
    freezes = [change for change in changes if isinstance(change, ExemptFrom)]
    if freezes:
        lines.append("freezes:")
    for freeze in freezes:
        lines += [f"  # {_comment(freeze.freeze)}: put this in", f"  - except: [{scalar(freeze.user_id)}]"]
    return "\n".join(lines)


def scalar(text: str) -> str:
    """``text`` as YAML reads it back, quoted where it would be something else or end early."""
    if _PLAIN_SCALAR.fullmatch(text) and text.lower() not in _YAML_WORDS:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(f"\\U{ord(char):08x}" if _needs_escape(char) else char for char in quoted)


def _needs_escape(char: str) -> bool:
    return is_hidden(char) or char in "\u0085\u2028\u2029\ufffe\uffff"


def _place(number: int, channel_name: str) -> str:
    return f"grant {number} of #{channel_name}"


def _comment(text: str) -> str:
    """Nothing that ends the comment's line."""
    return clean(text)


def _channel_lines(changes: Sequence[Change], channel_name: str, connection: str) -> Iterator[str]:
    channel_id = next(change.channel_id for change in changes if not isinstance(change, ExemptFrom))
    yield "channels:"
    yield f"  {scalar(channel_id)}:  # {_comment(channel_name)}"
    for change in changes:
        if isinstance(change, AddGrant) and change.is_channel_new:
            yield f"    name: {scalar(change.channel_name)}"
    if any(isinstance(change, AllowShared) for change in changes):
        yield "    shared: true"
    entries = list(_grant_entries(changes, connection))
    if entries:
        yield "    grants:"
        yield from entries


def _grant_entries(changes: Sequence[Change], connection: str) -> Iterator[str]:
    """What is added to one grant stands in one entry, each name once: YAML takes it no second time."""
    lists: dict[int, dict[str, list[str]]] = {}
    limits: dict[int, list[str]] = {}
    for change in changes:
        match change:
            case AddRequester() | AddWorkflow() | AddScope():
                field, value = _entry(change)
                lists.setdefault(change.number, {}).setdefault(field, []).append(scalar(value))
            case RaiseLimit():
                limits.setdefault(change.number, []).append(f"{change.limit}: {change.most}")
            case AddGrant():
                yield from _item("a new grant", _grant_fields(change.grant))
            case AllowShared() | ExemptFrom():
                pass
            case _:
                assert_never(change)
    for number in sorted({*lists, *limits}):
        fields = [f"{name}: [{', '.join(values)}]" for name, values in lists.get(number, {}).items()]
        raised = [f"limits: {{{', '.join(limits[number])}}}"] if number in limits else []
        yield from _item(f"grant {number} ({_comment(connection)}): put this in", [*fields, *raised])


def _entry(change: AddRequester | AddWorkflow | AddScope) -> tuple[str, str]:
    """The list that grows, and by what."""
    match change:
        case AddRequester():
            return "requesters", change.user_id
        case AddWorkflow():
            return "workflows", change.pattern
        case AddScope():
            return "scopes", change.scope


def _grant_fields(grant: Grant) -> list[str]:
    lists = (("scopes", grant.scopes), ("workflows", grant.workflows), ("requesters", grant.requesters))
    shown = [f"{name}: [{', '.join(map(scalar, values))}]" for name, values in lists if values]
    return [f"connection: {scalar(grant.connection)}", *shown]


def _item(where: str, fields: Sequence[str]) -> Iterator[str]:
    yield f"      # {where}"
    for place, field in enumerate(fields):
        yield f"      {'- ' if place == 0 else '  '}{field}"
