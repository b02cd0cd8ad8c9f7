"""Live updates for every open page: one stream of server-sent events per browser, about what its person sees.

Why a stream keeps what has changed and not what happened: each change is looked up when it is written, so a slow browser
gets fewer and newer events, and one that reconnects gets everything anew (``hello``) and has missed nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias

from bot.sandbox.page.sight import Marks, Sight, common_facts, plain_fields
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.changes import Change
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import Message

Event: TypeAlias = tuple[str, Mapping[str, Any]]
Key: TypeAlias = tuple[str, ...]

NEWEST_TRAFFIC = 200
VIEWS = frozenset({"view_opened", "view_updated", "view_closed"})
MESSAGES = frozenset({"message_posted", "message_updated", "message_deleted", "ephemeral_posted"})


@dataclass(eq=False, kw_only=True)
class Stream:
    """One open page: whose it is, and what has changed since its last event."""

    sight: Sight
    traffic_seen: int
    channels: frozenset[str]
    changed: dict[Key, None] = field(default_factory=dict[Key, None])
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def mark(self, *key: str) -> None:
        """Something changed: it is told once, as it then is."""
        self.changed[key] = None
        self.woken.set()


class Feed:
    """All streams. Others add to it by ``publish`` and ``facts`` (more fields of ``hello``, asked at each)."""

    def __init__(self, slack: SlackStandIn) -> None:
        self._slack = slack
        self._workspace = slack.workspace
        self._marks = Marks()
        self._streams: set[Stream] = set()
        self._published: dict[str, Mapping[str, Any]] = {}
        self._drawn: dict[str, View] = {}
        self._following: asyncio.Task[None] | None = None
        self.facts: dict[str, Callable[[], Any]] = {}
        slack.traffic.watchers.append(lambda: self._mark_all("traffic"))

    # --- what others do --------------------------------------------------------------------------------------------

    def publish(self, name: str, payload: Mapping[str, Any]) -> None:
        """Send an event to every page. A page that is opened later gets the last one of each name, after its ``hello``."""
        self._published[name] = payload
        self._mark_all("published", name)

    def show_views(self, user_id: str) -> None:
        """Somebody else's hands typed into this person's form (a scenario): their page shows what now stands there."""
        self._mark_of(user_id, "views")

    def read(self, user_id: str, channel_id: str) -> None:
        """This person has read that channel."""
        self._sight(user_id).read(channel_id)
        for stream in self._of(user_id):
            stream.mark("unread")

    # --- streams ---------------------------------------------------------------------------------------------------

    def open(self, user_id: str) -> Stream:
        """A stream for this person; its first events are ``first``."""
        if self._following is None:
            self._following = asyncio.create_task(self._follow())
        sight, views = self._sight(user_id), self._workspace.views
        self._drawn |= {view.view_id: view for view in (*views.stack(user_id), views.home(user_id)) if view is not None}
        stream = Stream(sight=sight, traffic_seen=len(self._slack.traffic), channels=_ids(sight))
        self._streams.add(stream)
        return stream

    def close(self, stream: Stream) -> None:
        """Nobody reads it any more."""
        self._streams.discard(stream)

    async def stop(self) -> None:
        """No more events."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
            self._following = None

    def first(self, stream: Stream) -> list[Event]:
        """What a page that has just been opened must know."""
        hello = common_facts(self._workspace) | stream.sight.everything()
        scenario = self._published.get("scenario", {"is_over": True})
        hello["scenario"] = None if scenario.get("is_over") else scenario
        hello |= {name: fact() for name, fact in self.facts.items()}
        traffic = self._traffic(max(0, stream.traffic_seen - NEWEST_TRAFFIC), stream.traffic_seen)
        published = [(name, payload) for name, payload in self._published.items() if name not in hello]
        return [("hello", hello), ("traffic", traffic), *published]

    def pending(self, stream: Stream) -> Iterator[Event]:
        """What has changed since, as it is now."""
        stream.woken.clear()
        changed, stream.changed = stream.changed, {}
        for key in changed:
            if event := self._event(stream, key):
                yield event

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        changes = self._workspace.subscribe()
        async for change in changes:
            self._take(change)

    def _take(self, change: Change) -> None:
        if change.kind in MESSAGES and change.message is not None:
            self._mark_message(change.message)
        elif change.kind in VIEWS and change.view is not None:
            self._mark_view(change.view, is_closed=change.kind == "view_closed")
        elif change.kind == "home_published":
            self._mark_of(change.user_id, "home")
        elif change.kind == "world_changed":
            self._mark_world()

    def _mark_message(self, message: Message) -> None:
        for stream in self._streams:
            is_seen = stream.sight.sees(message.channel_id)
            if is_seen and message.ephemeral_to in {None, stream.sight.user_id}:
                stream.mark("message", message.channel_id, message.ts)
                stream.mark("unread")

    def _mark_view(self, view: View, *, is_closed: bool) -> None:
        """But not where only fields were filled: the page knows what was typed, and drawing it anew would move the cursor."""
        before = self._drawn.pop(view.view_id, None)
        if not is_closed:
            self._drawn[view.view_id] = view
            if before is not None and before.content is view.content and before.errors is view.errors:
                return
        self._mark_of(view.user_id, "home" if view.content["type"] == "home" else "views")

    def _mark_world(self) -> None:
        """Somebody may have come into a channel: then its messages are new to them."""
        for stream in self._streams:
            stream.mark("channels")
            stream.mark("unread")
            now = _ids(stream.sight)
            for channel_id in now - stream.channels:
                for message in stream.sight.messages(channel_id):
                    stream.mark("message", channel_id, message.ts)
            stream.channels = now

    def _mark_all(self, *key: str) -> None:
        for stream in self._streams:
            stream.mark(*key)

    def _mark_of(self, user_id: str, *key: str) -> None:
        for stream in self._of(user_id):
            stream.mark(*key)

    def _of(self, user_id: str) -> list[Stream]:
        return [stream for stream in self._streams if stream.sight.user_id == user_id]

    def _event(self, stream: Stream, key: Key) -> Event | None:
        sight, (name, *about) = stream.sight, key
        match name:
            case "message":
                return _message_event(sight, *about)
            case "traffic":
                since, stream.traffic_seen = stream.traffic_seen, len(self._slack.traffic)
                return name, self._traffic(max(since, stream.traffic_seen - NEWEST_TRAFFIC), stream.traffic_seen)
            case "published":
                return about[0], self._published[about[0]]
            case _:
                return name, _LEVELS[name](sight)

    def _traffic(self, since: int, until: int) -> dict[str, Any]:
        entries = islice(self._slack.traffic, since, until)
        return {"entries": [{"id": number, **plain_fields(one)} for number, one in enumerate(entries, since)]}

    def _sight(self, user_id: str) -> Sight:
        return Sight(workspace=self._workspace, marks=self._marks, user_id=user_id)


def _message_event(sight: Sight, channel_id: str, ts: str) -> Event | None:
    if not sight.sees(channel_id):
        return None
    message = sight.message(channel_id, ts)
    if message is None:
        return "gone", {"channel_id": channel_id, "ts": ts}
    return "message", {"channel_id": channel_id, "message": plain_fields(message)}


def _ids(sight: Sight) -> frozenset[str]:
    return frozenset(channel.channel_id for channel in sight.channels())


_LEVELS: Mapping[str, Callable[[Sight], dict[str, Any]]] = {
    "views": lambda sight: {"views": sight.views()},
    "home": lambda sight: {"home": sight.home()},
    "channels": lambda sight: {"channels": [plain_fields(channel) for channel in sight.channels()]},
    "unread": lambda sight: dict(sight.unread()),
}
