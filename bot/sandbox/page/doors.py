"""The way in to everything of the page: this machine only, the same headers on every answer, refusals as sentences."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from aiohttp import web

from bot.sandbox.slack.control import MistakeError, json_answer, read_given, refuse_outsiders
from bot.sandbox.slack.errors import NotPossibleError

Answer: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Act: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


def guarded(answer: Answer) -> Answer:
    """``answer`` for this machine only, with the page's headers, whatever comes of it."""

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            refuse_outsiders(request)
            answered = await answer(request)
        except web.HTTPException as refusal:
            refusal.headers.update(HEADERS)
            raise
        if not answered.prepared:
            answered.headers.update(HEADERS)
        return answered

    return serve


def acting(act: Act) -> Answer:
    """``act`` on the JSON object that was posted: ``ok``, or a sentence (400 what does not fit, 409 what cannot be done)."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return json_answer({"ok": True, **await act(_readable(await read_given(request)))})
        except InFieldsError as refusal:
            return json_answer({"ok": False, "error": str(refusal), "errors": refusal.errors}, status=409)
        except NotPossibleError as refusal:
            return _refused(str(refusal), 409)
        except MistakeError as mistake:
            return _refused(str(mistake), 400)
        except KeyError as missing:
            return _refused(f"missing: {missing}", 400)
        except web.HTTPClientError as refusal:
            return _refused((refusal.text or refusal.reason).strip(), refusal.status)

    return guarded(answer)


class InFieldsError(NotPossibleError):
    """A form cannot go as it stands; ``errors`` says why, by block id, as Slack's client shows it at the fields."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


def _refused(error: str, status: int) -> web.Response:
    return json_answer({"ok": False, "error": error}, status=status)


def _readable(given: dict[str, Any]) -> dict[str, Any]:
    """What was sent, if all of it is text that can be written down: JSON may carry half a character."""
    try:
        json.dumps(given, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise MistakeError("the text holds half a character (a lone surrogate): type it anew") from None
    return given
