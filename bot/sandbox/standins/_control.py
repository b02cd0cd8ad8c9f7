"""The control door: faults, speed, scopes and switches by HTTP, and a look at what was received and what runs.

*Why* a foreign ``Origin`` or ``Host`` is refused: the door is open on loopback while somebody's browser is too, and no
web page should reach it from there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, get_type_hints

import simplejson
from aiohttp import web

from bot.domain.model import Json
from bot.domain.provider import Reply
from bot.sandbox.standins._faults import Fault, FaultKind
from bot.sandbox.standins._house import VERBS, StandIn
from bot.sandbox.standins._plain import as_object, is_number, is_text, is_truth, is_whole
from bot.sandbox.standins._serving import Server

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})
MOST_TIMES = 1000


class MistakeError(Exception):
    """What was asked of the door cannot be done; the text says why."""


class ControlDoor:
    """The door's operations over one server."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def routes(self) -> list[web.RouteDef]:
        """Everything under ``/_control``."""
        return [
            web.post("/_control/fault", self._posted(self._fault)),
            web.post("/_control/speed", self._posted(self._speed)),
            web.post("/_control/scope", self._posted(self._scope)),
            web.post("/_control/switch", self._posted(self._switch)),
            web.post("/_control/release", self._posted(self._release)),
            web.get("/_control/received", self._received),
            web.get("/_control/runs/{provider}", self._runs),
        ]

    def act(self, name: str, sent: Mapping[str, Json]) -> None:
        """Do one of the door's operations: fault, speed, scope, switch or release.

        Raises:
            MistakeError: there is no such operation, or what was sent does not fit it.
        """
        acts = {"fault": self._fault, "speed": self._speed, "scope": self._scope, "switch": self._switch}
        acts["release"] = self._release
        if name not in acts:
            raise MistakeError(f"There is no {name} here; there are {', '.join(acts)}.")
        acts[name](sent)

    def _posted(self, change: Callable[[Mapping[str, Json]], None]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def listener(request: web.Request) -> web.Response:
            refuse_foreign(request)
            text = await request.text()
            sent = as_object(Reply(status=0, body=text or "{}").json())
            if sent is None:
                return shown({"ok": False, "error": "Send a JSON object."}, status=400)
            try:
                change(sent)
            except MistakeError as mistake:
                return shown({"ok": False, "error": str(mistake)}, status=400)
            return shown({"ok": True})

        return listener

    def standin(self, name: Json) -> StandIn:
        """The stand-in of this name.

        Raises:
            MistakeError: there is none.
        """
        standin = self.server.standins.get(name) if is_text(name) else None
        if standin is None:
            raise MistakeError(f"There is no stand-in {name}; there are {', '.join(sorted(self.server.standins))}.")
        return standin

    def _fault(self, sent: Mapping[str, Json]) -> None:
        standin, verb, times = self.standin(sent.get("provider")), sent.get("verb", "any"), sent.get("times", 1)
        if not is_text(verb) or verb not in {"any", *VERBS}:
            raise MistakeError(f"There is no verb {verb}; there are any, {', '.join(VERBS)}.")
        if not is_whole(times) or not 1 <= times <= MOST_TIMES:
            raise MistakeError(f"times must be a whole number from 1 to {MOST_TIMES}.")
        facts = {name: value for name, value in sent.items() if name not in {"provider", "verb", "times"}}
        self.server.line(standin.name).add(fault_of(facts), verb=verb, times=times)

    def _speed(self, sent: Mapping[str, Json]) -> None:
        run_s = sent.get("run_s")
        if not is_number(run_s) or run_s < 0:
            raise MistakeError("run_s must be a number of seconds from 0.")
        self.server.world.run_s = float(run_s)

    def _scope(self, sent: Mapping[str, Json]) -> None:
        standin, scope, is_held = self.standin(sent.get("provider")), sent.get("scope"), sent.get("is_held")
        if not is_text(scope) or not isinstance(is_held, bool):
            raise MistakeError("scope must be text and is_held true or false.")
        workflow_id = sent.get("workflow")
        standin.hold(scope, is_held=is_held, workflow_id=workflow_id if is_text(workflow_id) else None)

    def _switch(self, sent: Mapping[str, Json]) -> None:
        standin, name, is_on = self.standin(sent.get("provider")), sent.get("switch"), sent.get("is_on")
        if not is_text(name) or name not in standin.switches or not isinstance(is_on, bool):
            raise MistakeError(f"Switches of {standin.name}: {', '.join(standin.switches) or 'none'}; is_on is true or false.")
        standin.switches[name] = is_on

    def _release(self, sent: Mapping[str, Json]) -> None:
        del sent
        self.server.release()

    async def _received(self, request: web.Request) -> web.Response:
        refuse_foreign(request)
        return shown([asdict(each) for each in self.server.received])

    async def _runs(self, request: web.Request) -> web.Response:
        refuse_foreign(request)
        try:
            standin = self.standin(request.match_info["provider"])
        except MistakeError as mistake:
            return shown({"ok": False, "error": str(mistake)}, status=404)
        return shown([asdict(run) for run in standin.ledger.ours.values()])


FIELD_TYPES: Mapping[type, Callable[[Json], bool]] = {bool: is_truth, int: is_whole, str: is_text}


def fault_of(facts: Mapping[str, Json]) -> Fault:
    """The fault that plain JSON describes.

    Raises:
        MistakeError: a field is unknown or has the wrong type.
    """
    hints = get_type_hints(Fault)
    kind = facts.get("kind")
    if not is_text(kind) or kind not in set(FaultKind):
        raise MistakeError(f"There is no fault {kind}; there are {', '.join(FaultKind)}.")
    plain: dict[str, Any] = {}
    for name, value in facts.items():
        if name not in hints:
            raise MistakeError(f"A fault has no {name}.")
        if name != "kind" and not FIELD_TYPES.get(hints[name], is_number)(value):
            raise MistakeError(f"{name} has the wrong type.")
        plain[name] = float(value) if name in {"retry_after_s", "delay_s"} else value
    plain["kind"] = FaultKind(kind)
    return Fault(**plain)


def refuse_foreign(request: web.Request) -> None:
    """Let nobody in who comes from another page or by another name.

    Raises:
        aiohttp.web.HTTPForbidden: they do.
    """
    origin = request.headers.get("Origin")
    host = request.host.rpartition(":")[0] or request.host
    if host not in LOOPBACK or (origin is not None and origin != f"http://{request.host}"):
        raise web.HTTPForbidden(text="The control door is for this machine only.\n")


def shown(value: Json, *, status: int = 200) -> web.Response:
    """Plain JSON."""
    text = simplejson.dumps(value, use_decimal=True, default=dict) + "\n"
    return web.Response(status=status, text=text, content_type="application/json")
