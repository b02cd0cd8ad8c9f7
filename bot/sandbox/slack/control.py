"""The control door ``/_control/…``: a second terminal, a test or the page acts as a person and looks at what happened.

Why it asks who is there: it can act as anyone, so it answers loopback only, by a loopback name, and never a web page from
elsewhere (a page always says where it is from, in ``Origin``; JSON bodies keep plain forms out).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, cast, get_args
from urllib.parse import urlsplit

from aiohttp import web

from bot.sandbox.slack.delivery import Acknowledged
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.shapes import is_mapping, mapping
from bot.sandbox.slack.sockets import DisconnectReason
from bot.sandbox.slack.workspace import dm_id

if TYPE_CHECKING:
    from bot.sandbox.slack import SlackStandIn
    from bot.sandbox.slack.workspace import Workspace

Act: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
REASONS = frozenset({"drop", *get_args(DisconnectReason)})
MOST_TIMES = 1000
SEND_JSON = "send a JSON object, with the header content-type: application/json"
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


class MistakeError(Exception):
    """What was sent to the door does not fit; the text says why."""


@dataclass(frozen=True)
class Control:
    """The routes. POST bodies and answers are JSON; what does not fit answers 400, what cannot be done 409, with the reason."""

    slack: SlackStandIn
    _deliveries: list[Acknowledged] = field(default_factory=list[Acknowledged])
    _streams: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

    def routes(self) -> list[web.RouteDef]:
        """Every route of the door."""
        acts = {
            "command": self._command,
            "click": self._click,
            "choose": self._choose,
            "type": self._type,
            "submit": self._submit,
            "close": self._close,
            "shortcut": self._shortcut,
            "suggest": self._suggest,
            "home": self._home,
            "say": self._say,
            "event": self._event,
            "redeliver": self._redeliver,
            "fault": self._fault,
            "release": self._release,
            "limits": self._limits,
            "disconnect": self._disconnect,
        }
        return [
            *(web.post(f"/_control/{name}", self._acting(act)) for name, act in acts.items()),
            web.get("/_control/state", self._state),
            web.get("/_control/messages/{channel}", self._messages),
            web.get("/_control/thread/{channel}/{ts}", self._thread),
            web.get("/_control/traffic", self._traffic),
            web.get("/_control/changes", self._changes),
        ]

    def stop(self) -> None:
        """End the streams, which would never end by themselves."""
        for stream in tuple(self._streams):
            stream.cancel()

    # --- acts ------------------------------------------------------------------------------------------------------

    async def _command(self, given: Mapping[str, Any]) -> dict[str, Any]:
        command = given.get("command", "/launch")
        return self._told(
            await self.slack.people.command(given["user"], given["channel"], given.get("text", ""), command=command)
        )

    async def _click(self, given: Mapping[str, Any]) -> dict[str, Any]:
        people, value = self.slack.people, given.get("value")
        if "ts" not in given:
            return self._told(await people.click_in_view(given["user"], given["label"], value=value))
        return self._told(await people.click(given["user"], given["channel"], given["ts"], given["label"], value=value))

    async def _choose(self, given: Mapping[str, Any]) -> dict[str, Any]:
        people, label, value = self.slack.people, given["label"], given["value"]
        if "ts" not in given:
            return self._told(await people.choose_in_view(given["user"], label, value, values=given.get("values")))
        return self._told(await people.choose(given["user"], given["channel"], given["ts"], label, value=value))

    async def _type(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"view": asdict(self.slack.people.type_in(given["user"], given["values"]))}

    async def _submit(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return self._told(await self.slack.people.submit(given["user"], given.get("values")))

    async def _close(self, given: Mapping[str, Any]) -> dict[str, Any]:
        closed = await self.slack.people.close(given["user"], is_cleared=bool(given.get("all")))
        return {} if closed is None else self._told(closed)

    async def _shortcut(self, given: Mapping[str, Any]) -> dict[str, Any]:
        where = {"channel_id": given.get("channel", ""), "ts": given.get("ts", "")}
        return self._told(await self.slack.people.shortcut(given["user"], given["callback_id"], **where))

    async def _suggest(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return self._told(await self.slack.people.suggest(given["user"], given["label"], given.get("query", "")))

    async def _home(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return self._told(await self.slack.people.open_home(given["user"]))

    async def _say(self, given: Mapping[str, Any]) -> dict[str, Any]:
        thread_ts = given.get("thread_ts")
        message = await self.slack.people.say(given["user"], given["channel"], given["text"], thread_ts=thread_ts)
        return {"message": asdict(message)}

    async def _event(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return self._told(await self.slack.people.event(given["event"]))

    async def _redeliver(self, given: Mapping[str, Any]) -> dict[str, Any]:
        place = given["delivery"]
        if not isinstance(place, int) or not 0 <= place < len(self._deliveries):
            raise NotPossibleError(f"there is no delivery {place!r} of this door; it made {len(self._deliveries)}")
        return self._told(await self.slack.redeliver(self._deliveries[place]))

    async def _fault(self, given: Mapping[str, Any]) -> dict[str, Any]:
        self.slack.fault(given["method"], SlackFault.from_json(given["fault"]), times=given.get("times", 1))
        return {}

    async def _release(self, _given: Mapping[str, Any]) -> dict[str, Any]:
        self.slack.faults.clear()
        return {}

    async def _limits(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if "is_on" in given:
            self.slack.limits.is_on = bool(given["is_on"])
        if "method" in given:
            limited = SlackFault.limited(given.get("retry_after_s", 1))
            self.slack.fault(given["method"], limited, times=given.get("times", 1))
        return {"is_on": self.slack.limits.is_on}

    async def _disconnect(self, given: Mapping[str, Any]) -> dict[str, Any]:
        reason = given.get("reason", "warning")
        if reason not in REASONS:
            raise NotPossibleError(f"there is no reason {reason!r}; there are {', '.join(sorted(REASONS))}")
        return {"sockets": self.slack.sockets.drop() if reason == "drop" else await self.slack.disconnect(reason)}

    # --- looking ---------------------------------------------------------------------------------------------------

    async def _state(self, request: web.Request) -> web.Response:
        refuse_outsiders(request)
        world, views = self.slack.workspace, self.slack.workspace.views
        return json_answer(
            {
                "sockets": self.slack.sockets.count,
                "users": [asdict(user) for user in world.users.values()],
                "channels": [asdict(channel) for channel in world.channels.values()],
                "groups": [asdict(group) for group in world.groups.values()],
                "modals": {user_id: [asdict(view) for view in views.stack(user_id)] for user_id in world.users},
                "homes": {user_id: asdict(home) for user_id in world.users if (home := views.home(user_id))},
            },
        )

    async def _messages(self, request: web.Request) -> web.Response:
        refuse_outsiders(request)
        world, channel_id, user_id = self.slack.workspace, request.match_info["channel"], request.query.get("user")
        if trouble := _unknown_channel(world, channel_id):
            return _not_there(trouble)
        if user_id and user_id not in world.users:
            return _not_there(f"there is nobody {user_id}; there are {', '.join(world.users)}")
        shown = world.messages(channel_id)
        if user_id:
            shown = sorted([*shown, *world.ephemerals(channel_id, user_id)], key=lambda message: message.ts)
        return json_answer({"messages": [asdict(message) for message in shown]})

    async def _thread(self, request: web.Request) -> web.Response:
        refuse_outsiders(request)
        world, channel_id, ts = self.slack.workspace, request.match_info["channel"], request.match_info["ts"]
        if trouble := _unknown_channel(world, channel_id):
            return _not_there(trouble)
        replies = world.thread(channel_id, ts)
        if not replies and world.find(channel_id, ts) is None:
            return _not_there(f"there is no message {ts} in {channel_id}; /_control/messages/{channel_id} shows those that are")
        return json_answer({"messages": [asdict(message) for message in replies]})

    async def _traffic(self, request: web.Request) -> web.Response:
        refuse_outsiders(request)
        return json_answer({"traffic": [asdict(one) for one in self.slack.traffic]})

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        refuse_outsiders(request)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        feed = self.slack.workspace.subscribe()
        await stream.prepare(request)
        if task := asyncio.current_task():
            self._streams.add(task)
            task.add_done_callback(self._streams.discard)
        async for change in feed:
            await stream.write(f"data: {dumped(asdict(change))}\n\n".encode())
        return stream

    # --- inside ----------------------------------------------------------------------------------------------------

    def _acting(self, act: Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            refuse_outsiders(request)
            try:
                return json_answer({"ok": True, **await act(await read_given(request))})
            except NotPossibleError as refusal:
                return json_answer({"ok": False, "error": str(refusal)}, status=409)
            except MistakeError as mistake:
                return json_answer({"ok": False, "error": str(mistake)}, status=400)
            except KeyError as missing:
                return json_answer({"ok": False, "error": f"missing: {missing}"}, status=400)

        return answer

    def _told(self, acknowledged: Acknowledged) -> dict[str, Any]:
        self._deliveries.append(acknowledged)
        told = {"status": acknowledged.status, "body": acknowledged.body, "elapsed_ms": acknowledged.elapsed_ms}
        told |= {"is_acknowledged": acknowledged.is_ok, "trouble": acknowledged.error}
        return told | {"delivery": len(self._deliveries) - 1}


def refuse_outsiders(request: web.Request) -> None:
    """403 for whoever is not on this machine, and for web pages from elsewhere."""
    origin, host = request.headers.get("Origin"), request.host
    is_near = request.remote is not None and ip_address(request.remote).is_loopback
    is_by_local_name = urlsplit(f"//{host}").hostname in LOCAL_NAMES
    is_own_page = origin is None or origin == f"http://{host}"
    if not (is_near and is_by_local_name and is_own_page):
        raise web.HTTPForbidden(text="this door is for this machine only\n")


async def read_given(request: web.Request) -> dict[str, Any]:
    """The JSON object that was sent, its fields of the types that their names stand for.

    Raises:
        HTTPException: it is no JSON object.
        MistakeError: a field does not fit.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text=f"{SEND_JSON}\n")
    try:
        given = await request.json()
    except (ValueError, RecursionError) as exc:
        raise web.HTTPBadRequest(text=f"{SEND_JSON}\n") from exc
    if not is_mapping(given):
        raise web.HTTPBadRequest(text=f"{SEND_JSON}\n")
    refuse_misfits(given)
    return given


def refuse_misfits(given: Mapping[str, Any]) -> None:
    """Every field, and every field of a fault, has the type that its name stands for, wherever it is asked for.

    Raises:
        MistakeError: one has another.
    """
    for name, value in (*given.items(), *mapping(given.get("fault")).items()):
        sort = next((sort for sort, names in FIELDS.items() if name in names), None)
        if sort is not None and not FITS[sort](value):
            raise MistakeError(f"{name} must be {sort}")


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_few(value: object) -> bool:
    return _is_whole(value) and 1 <= value <= MOST_TIMES


FITS: Mapping[str, Callable[[object], bool]] = {
    "text": lambda value: isinstance(value, str),
    "text or null": lambda value: value is None or isinstance(value, str),
    "true or false": lambda value: isinstance(value, bool),
    "a whole number": _is_whole,
    f"a whole number from 1 to {MOST_TIMES}": _is_few,
    "a JSON object": is_mapping,
    "a JSON object or null": lambda value: value is None or is_mapping(value),
}
FIELDS: Mapping[str, frozenset[str]] = {
    "text": frozenset(
        {"user", "channel", "text", "command", "label", "ts", "callback_id", "query", "method", "reason", "error", "body"}
        | {"view_id", "block_id", "action_id"}
    ),
    "text or null": frozenset({"thread_ts"}),
    "true or false": frozenset({"all", "is_on", "is_applied"}),
    "a whole number": frozenset({"retry_after_s", "status", "delivery"}),
    f"a whole number from 1 to {MOST_TIMES}": frozenset({"times"}),
    "a JSON object": frozenset({"event", "fault"}),
    "a JSON object or null": frozenset({"values", "state", "chosen"}),
}


def _unknown_channel(world: Workspace, channel_id: str) -> str:
    """A sentence if there is no such channel; a direct message that nobody has opened yet is an empty one."""
    if channel_id in world.channels or channel_id in map(dm_id, world.users):
        return ""
    return f"there is no channel {channel_id}; there are {', '.join(world.channels)}"


def _not_there(trouble: str) -> web.Response:
    return json_answer({"ok": False, "error": trouble}, status=404)


def json_answer(body: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """A body as JSON."""
    return web.Response(text=dumped(body) + "\n", status=status, content_type="application/json")


def dumped(body: Mapping[str, Any]) -> str:
    """JSON on one line, in ASCII, of values of ours as well."""
    return json.dumps(body, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(str(one) for one in cast("frozenset[object]", value))
    return str(value)
