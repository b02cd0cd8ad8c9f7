"""What Slack hands out for a short time: trigger ids, response URLs and the tickets of sockets. Time is always handed in.

https://docs.slack.dev/interactivity/handling-user-interaction: a trigger lives 3 seconds and opens one view;
a response URL takes 5 posts within 30 minutes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.sandbox.slack.errors import SlackError

TRIGGER_LIFE = timedelta(seconds=3)
RESPONSE_URL_LIFE = timedelta(minutes=30)
RESPONSE_URL_USES = 5


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """The right to open one view for one person. ``view_id`` is the view that was acted in, if any: only there can be pushed."""

    trigger_id: str
    user_id: str
    view_id: str | None
    expires_at: datetime


@dataclass(kw_only=True)
class Triggers:
    """Trigger ids, each good once and not for long."""

    _issued: dict[str, Trigger] = field(default_factory=dict[str, Trigger])
    _spent: set[str] = field(default_factory=set[str])
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def issue(self, user_id: str, at: datetime, *, view_id: str | None = None) -> str:
        """A new trigger id."""
        number = next(self._numbers)
        trigger_id = f"{number}.{int(at.timestamp())}.{number * 2654435761 % 2**64:016x}"
        self._issued[trigger_id] = Trigger(trigger_id=trigger_id, user_id=user_id, view_id=view_id, expires_at=at + TRIGGER_LIFE)
        return trigger_id

    def look_up(self, trigger_id: str, at: datetime) -> Trigger:
        """The trigger, if it is good. Raises SlackError otherwise."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger_id in self._spent:
            raise SlackError("exchanged_trigger_id")
        if at > trigger.expires_at:
            raise SlackError("expired_trigger_id")
        return trigger

    def spend(self, trigger: Trigger) -> None:
        """It has opened its view."""
        self._spent.add(trigger.trigger_id)


@dataclass(frozen=True, kw_only=True)
class ResponseUrl:
    """Where a bot may answer: which person, which channel, and the message that was acted on, if any."""

    user_id: str
    channel_id: str
    message_ts: str | None
    thread_ts: str | None
    expires_at: datetime


@dataclass(kw_only=True)
class ResponseUrls:
    """Response URLs by their last path segments."""

    _issued: dict[str, ResponseUrl] = field(default_factory=dict[str, ResponseUrl])
    _uses: dict[str, int] = field(default_factory=dict[str, int])

    def issue(
        self, user_id: str, channel_id: str, at: datetime, *, message_ts: str | None = None, thread_ts: str | None = None
    ) -> str:
        """The path of a new one."""
        key = f"{channel_id}/{len(self._issued) + 1:012d}"
        self._issued[key] = ResponseUrl(
            user_id=user_id,
            channel_id=channel_id,
            message_ts=message_ts,
            thread_ts=thread_ts,
            expires_at=at + RESPONSE_URL_LIFE,
        )
        return key

    def use(self, key: str, at: datetime) -> ResponseUrl:
        """Count one post. Raises SlackError once it is used up or too old."""
        url = self._issued.get(key)
        if url is None:
            raise SlackError("no_service")
        if at > url.expires_at:
            raise SlackError("expired_url")
        if self._uses.get(key, 0) >= RESPONSE_URL_USES:
            raise SlackError("used_url")
        self._uses[key] = self._uses.get(key, 0) + 1
        return url


@dataclass(kw_only=True)
class Tickets:
    """All of it. A socket's ticket is good for one connection."""

    triggers: Triggers = field(default_factory=Triggers)
    response_urls: ResponseUrls = field(default_factory=ResponseUrls)
    _sockets: set[str] = field(default_factory=set[str])
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def issue_socket(self) -> str:
        """A ticket for one socket."""
        ticket = f"ticket-{next(self._numbers)}"
        self._sockets.add(ticket)
        return ticket

    def admit_socket(self, ticket: str) -> bool:
        """True the first time."""
        is_good = ticket in self._sockets
        self._sockets.discard(ticket)
        return is_good
