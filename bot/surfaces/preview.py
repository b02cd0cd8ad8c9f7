"""``/launch … --preview``: the exact call, masked, what policy says to it, and who would approve. Nothing was sent.

Why the body is cut line by line and says so: a value that is cut inside could be taken for the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never
from urllib.parse import urlencode

import simplejson

from bot.domain.foreseen import PLACEHOLDER, Foreseen
from bot.domain.model import Json, SecretName
from bot.domain.policy import Allow, Decision, Deny, NeedApproval
from bot.domain.provider import Busy, Call, Refused, StartAnswer, Unauthorised, Unreachable
from bot.surfaces.code_block import say_code, stacked
from bot.surfaces.escaping import Parts, Quoted, Strong, clean, merged
from bot.surfaces.naming import approval_parts
from bot.surfaces.say import Bullets, Paragraph, Say, compose
from bot.surfaces.words import reason_parts

MOST_HEAD = 900
MOST_CODE = 2300
MOST_TAIL = 750
NOTHING_SENT = "Nothing was sent, and nothing was launched."


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a launch would be. ``foreseen`` is None where policy denies it: then nobody is shown how it would be called.

    ``key``: how a second call is kept from causing a second run, in a sentence.
    """

    connection: str
    provider_title: str
    base_url: str
    workflow: str
    decision: Decision
    foreseen: Foreseen | None = None
    key: str = ""


def say_preview(preview: Preview, *, command: str) -> Say:
    """The call and the decision."""
    head = compose(*_decided(preview, command), most=MOST_HEAD)
    found = preview.foreseen
    if found is None:
        return head
    if found.call is None:
        return stacked(
            head, compose((f"{preview.provider_title} would not be called: {_meaning(found.answer)}",), most=MOST_TAIL)
        )
    return stacked(head, say_code(_call_text(found.call, preview.base_url), most=MOST_CODE), _after(preview, found))


def _decided(preview: Preview, command: str) -> Iterator[Paragraph]:
    target: Parts = (Quoted(preview.workflow), f" on {preview.connection} ({preview.provider_title})")
    yield (Strong("Preview."), f" {NOTHING_SENT}")
    reasons = Bullets(lines=tuple(reason_parts(reason, command=command) for reason in preview.decision.reasons))
    match preview.decision:
        case Allow():
            yield (Strong("Allowed."), " Without --preview this starts at once: ", *target)
        case NeedApproval():
            yield (Strong("Allowed once others agree."), " Without --preview this asks for approval: ", *target)
            yield merged(("Who would approve: ", *approval_parts(preview.decision.rule)))
        case Deny():
            yield (Strong("Not allowed."), " Without --preview this is refused: ", *target)
        case _:
            assert_never(preview.decision)
    yield reasons


def _after(preview: Preview, found: Foreseen) -> Say:
    about = (
        "This only reads; what is sent after it depends on the answer." if found.is_read else "This is the call that starts it."
    )
    notes: tuple[Parts, ...] = (
        (about,),
        (f"{PLACEHOLDER} stands for the launch id, which is drawn when it is launched.",),
        (preview.key,),
        ("What proves who we are is added when a call leaves, and is never shown.",),
    )
    return compose(Bullets(lines=tuple(note for note in notes if note[0])), most=MOST_TAIL)


def _call_text(call: Call, base_url: str) -> str:
    """The call as HTTP writes it, but for its body, which is spread out to be read."""
    query = f"?{urlencode(call.query)}" if call.query else ""
    headers = dict(call.headers)
    if call.json is not None:
        headers |= {"Content-Type": "application/json"}
    lines = [f"{call.method} {base_url.rstrip('/')}{call.path}{query}", *(f"{name}: {_line(headers[name])}" for name in headers)]
    return "\n".join([*lines, *_body(call)])


def _line(value: str) -> str:
    """A header's value never begins another line."""
    return clean(value)


def _body(call: Call) -> list[str]:
    if call.form is not None:
        return ["", *(f"{name}={value}" for name, value in call.form.items())]
    if call.json is None:
        return []
    return ["", simplejson.dumps(call.json, use_decimal=True, ensure_ascii=False, allow_nan=True, indent=2, default=_named)]


def _named(value: Json) -> Any:
    """A secret by its name; any other mapping as an object."""
    if isinstance(value, SecretName):
        return f"(secret: {value})"
    return dict(value) if isinstance(value, Mapping) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _meaning(answer: StartAnswer | None) -> str:
    """What a start comes to that sends nothing."""
    match answer:
        case Refused() | Unauthorised() | Busy():
            return answer.meaning
        case Unreachable():
            return answer.detail
        case _:
            return "there is nothing to send."
