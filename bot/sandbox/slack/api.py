"""The Web API door: ``/api/<method>`` for the methods in METHODS, which is coverage table and routes in one.

Order of refusals: fault, unknown method, token, rate limit, Slack scope, then what the method itself finds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.sandbox.slack import chat, lookups, view_methods
from bot.sandbox.slack.calls import Answer, Call
from bot.sandbox.slack.clock import SlackClock
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.faults import FaultKind, Faults, SlackFault
from bot.sandbox.slack.limits import Limits
from bot.sandbox.slack.shapes import is_mapping
from bot.sandbox.slack.tickets import Tickets
from bot.sandbox.slack.traffic import Traffic, masked
from bot.sandbox.slack.workspace import Workspace
from bot.sandbox.slack.world import Token


@dataclass(frozen=True, kw_only=True)
class Method:
    """One line of the coverage table: what answers, the Slack scope it needs, and what of the real method is ``missing`` here."""

    answer: Answer
    scope: str | None = None
    is_for_app: bool = False
    missing: str = ""


METHODS: Mapping[str, Method] = {
    "apps.connections.open": Method(answer=lookups.open_connection, scope="connections:write", is_for_app=True),
    "auth.test": Method(answer=lookups.auth_test),
    "chat.delete": Method(answer=chat.delete, scope="chat:write"),
    "chat.getPermalink": Method(answer=chat.get_permalink),
    "chat.postEphemeral": Method(answer=chat.post_ephemeral, scope="chat:write", missing="attachments"),
    "chat.postMessage": Method(
        answer=chat.post_message,
        scope="chat:write",
        missing="attachments, markdown_text, names instead of ids, reply_broadcast, another author",
    ),
    "chat.update": Method(answer=chat.update, scope="chat:write", missing="attachments, markdown_text, files"),
    "conversations.info": Method(answer=lookups.conversations_info),
    "conversations.members": Method(answer=lookups.conversations_members),
    "conversations.open": Method(answer=lookups.conversations_open, scope="im:write", missing="several people"),
    "usergroups.list": Method(answer=lookups.usergroups_list, scope="usergroups:read"),
    "usergroups.users.list": Method(answer=lookups.usergroup_users, scope="usergroups:read"),
    "users.info": Method(answer=lookups.users_info, scope="users:read", missing="locale, e-mail, pictures"),
    "views.open": Method(answer=view_methods.open_view, missing="interactivity_pointer"),
    "views.publish": Method(answer=view_methods.publish_view),
    "views.push": Method(answer=view_methods.push_view, missing="interactivity_pointer"),
    "views.update": Method(answer=view_methods.update_view),
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What goes back: status 0 means that the connection is cut instead, a body of text that it is no JSON."""

    status: int = 200
    body: dict[str, Any] | str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(kw_only=True)
class WebApi:
    """Answers the bot's calls."""

    workspace: Workspace
    tickets: Tickets
    limits: Limits
    faults: Faults
    clock: SlackClock
    traffic: list[Traffic]
    url: str = field(default="")

    def routes(self) -> list[web.RouteDef]:
        """One route per method, and one for what there is not."""
        known = [web.route("*", f"/api/{name}", self.serve, name=name) for name in METHODS]
        return [*known, web.route("*", "/api/{unknown:.*}", self.serve)]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one call, or fail as told, and keep the traffic."""
        name, at, started = request.path.removeprefix("/api/"), self.clock.now(), asyncio.get_running_loop().time()
        arguments = await read_arguments(request)
        token = bearer(request) or str(arguments.get("token", ""))
        outcome = await under_fault(self.faults, name, lambda: self._answer(name, arguments, token))
        elapsed_ms = (asyncio.get_running_loop().time() - started) * 1000
        sent = masked(arguments)
        self.traffic.append(
            Traffic(kind="call", name=name, at=at, elapsed_ms=elapsed_ms, status=outcome.status, sent=sent, answer=outcome.body)
        )
        return sent_back(request, outcome)

    def _answer(self, name: str, arguments: Mapping[str, Any], token_text: str) -> Outcome:
        try:
            return self._admitted(name, arguments, token_text)
        except SlackError as refusal:
            return Outcome(body=refusal.body())

    def _admitted(self, name: str, arguments: Mapping[str, Any], token_text: str) -> Outcome:
        method, at = METHODS.get(name), self.clock.now()
        if method is None:
            raise SlackError("unknown_method", req_method=name)
        token = self._token(method, token_text)
        wait_s = self.limits.retry_after_s(name, str(arguments.get("channel", "")), at)
        if wait_s is not None:
            return failed(SlackFault.limited(wait_s))
        call = Call(workspace=self.workspace, tickets=self.tickets, arguments=arguments, token=token, at=at, url=self.url)
        if method.scope is not None:
            call.need(method.scope)
        return Outcome(body=method.answer(call), headers={"x-oauth-scopes": ",".join(sorted(token.scopes))})

    def _token(self, method: Method, text: str) -> Token:
        if not text:
            raise SlackError("not_authed")
        token = self.workspace.tokens.get(text)
        if token is None:
            raise SlackError("invalid_auth")
        if token.is_revoked:
            raise SlackError("token_revoked")
        if (token.kind == "app") != method.is_for_app:
            raise SlackError("not_allowed_token_type")
        return token


async def under_fault(faults: Faults, name: str, answer: Callable[[], Outcome]) -> Outcome:
    """The answer, or what the fault that waits for ``name`` makes of it: before, after or instead of taking effect."""
    fault = faults.take(name)
    if fault is None:
        return answer()
    applied = answer() if fault.is_applied else None
    if fault.kind is not FaultKind.HANG:
        return failed(fault)
    await faults.hang()
    return applied or answer()


def failed(fault: SlackFault) -> Outcome:
    """What a fault puts on the wire."""
    refused = {"ok": False, "error": fault.error}
    match fault.kind:
        case FaultKind.ERROR:
            return Outcome(body=refused)
        case FaultKind.STATUS if fault.retry_after_s is not None:
            return Outcome(status=fault.status, body=refused, headers={"Retry-After": str(fault.retry_after_s)})
        case FaultKind.DROP:
            return Outcome(status=0, body="")
        case FaultKind.STATUS | FaultKind.GARBAGE | FaultKind.HANG:
            return Outcome(status=fault.status, body=fault.body)


def sent_back(request: web.Request, outcome: Outcome) -> web.StreamResponse:
    """The HTTP response, or a cut connection."""
    if outcome.status == 0:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    if isinstance(outcome.body, str):
        html = {**outcome.headers, "Content-Type": "text/html; charset=utf-8"}
        return web.Response(status=outcome.status, text=outcome.body, headers=html)
    return web.json_response(outcome.body, status=outcome.status, headers=outcome.headers)


def bearer(request: web.Request) -> str:
    """The token in the header, or ``""``."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


async def read_arguments(request: web.Request) -> dict[str, Any]:
    """Query string, form or JSON body: Slack takes arguments from any of them."""
    arguments: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        return arguments | _json_object(await request.text())
    form = await request.post()
    return arguments | {name: value for name, value in form.items() if isinstance(value, str)}


def _json_object(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text or "{}")
    except ValueError:
        return {}
    return body if is_mapping(body) else {}
