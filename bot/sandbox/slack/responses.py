"""Response URLs: ``/respond/<door>/<channel>/<number>``, where a bot answers an interaction without a token.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.sandbox.slack.api import Outcome, read_arguments, sent_back, under_fault
from bot.sandbox.slack.clock import SlackClock
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.faults import RESPONSE_URL, Faults
from bot.sandbox.slack.settling import Settling, answer_content
from bot.sandbox.slack.tickets import ResponseUrl, Tickets
from bot.sandbox.slack.traffic import Traffic
from bot.sandbox.slack.workspace import Message, Workspace

GONE = frozenset({"expired_url", "no_service", "used_url"})


@dataclass(frozen=True, kw_only=True)
class Responses:
    """Takes answers that came over a response URL."""

    workspace: Workspace
    tickets: Tickets
    settling: Settling
    faults: Faults
    clock: SlackClock
    traffic: list[Traffic]

    def routes(self) -> list[web.RouteDef]:
        """One route for all of them."""
        return [web.post("/respond/{door}/{key:.+}", self.serve)]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Show one answer, or fail as told."""
        body = await read_arguments(request)
        key = request.match_info["key"]
        outcome = await under_fault(self.faults, RESPONSE_URL, lambda: self._answer(key, body))
        self._keep(body, outcome)
        return sent_back(request, outcome)

    def _answer(self, key: str, body: Mapping[str, Any]) -> Outcome:
        try:
            self._show(self.tickets.response_urls.use(key, self.clock.now()), body)
        except SlackError as refusal:
            return Outcome(status=404 if refusal.error in GONE else 400, body=refusal.body())
        return Outcome(body={"ok": True})

    def _show(self, url: ResponseUrl, body: Mapping[str, Any]) -> None:
        original = self.workspace.find_on_screen(url.channel_id, url.message_ts or "", url.user_id)
        if body.get("delete_original"):
            self.workspace.delete(_there(original), self.clock.now())
        elif body.get("replace_original"):
            self.workspace.update(_there(original), self.clock.now(), **answer_content(body))
        else:
            thread_ts = body.get("thread_ts") or url.thread_ts
            self.settling.show_answer(body, url.channel_id, url.user_id, thread_ts=thread_ts)

    def _keep(self, body: dict[str, Any], outcome: Outcome) -> None:
        self.traffic.append(
            Traffic(
                kind="call",
                name=RESPONSE_URL,
                at=self.clock.now(),
                elapsed_ms=0,
                status=outcome.status,
                sent=body,
                answer=outcome.body,
            )
        )


def _there(original: Message | None) -> Message:
    if original is None:
        raise SlackError("message_not_found")
    return original
