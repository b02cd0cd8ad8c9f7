"""What Slack shows: posts and updates cards and thread lines, answers one person. Renders with surfaces.

Messages are literal: ``mrkdwn`` is off for the plain text, ``parse`` is none, links do not unfurl, so nothing that a person or a
provider wrote can mention, format or link (slack.md, 6).

Why answers go by ``chat.postEphemeral`` first and by Slack's short-lived answer address second: the former works after a restart;
the latter also where the bot is not a member, which is just where people need to be told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.domain.errors import ThreadError
from bot.domain.fellows import Fellows
from bot.domain.model import Delivery, Event, Launch
from bot.domain.reading import mapping, text
from bot.gateways.punctual import LEAVES_WITHIN, leaving_before
from bot.gateways.slack_calls import BROKEN, UNREACHABLE, SlackCallError, call_slack
from bot.gateways.slack_pace import Pace
from bot.ports import Clock, ShownForm
from bot.surfaces import cards
from bot.surfaces.say import Say, together

_log = structlog.get_logger("gonogo.slack")

PERMANENT = frozenset(
    {
        "cannot_reply_to_message",
        "cant_update_message",
        "channel_is_limited_access",
        "channel_not_found",
        "edit_window_closed",
        "invalid_blocks",
        "invalid_blocks_format",
        "is_archived",
        "is_inactive",
        "message_not_found",
        "messages_tab_disabled",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "no_ts",
        "not_enabled",
        "not_in_channel",
        "restricted_action",
        "restricted_action_non_threadable_channel",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "user_not_found",
        "view_too_large",
    },
)
"""Errors after which the same message can never be taken, Slack's and our own ``no_ts``.

https://docs.slack.dev/reference/methods/chat.postMessage, https://docs.slack.dev/reference/methods/chat.update,
https://docs.slack.dev/reference/methods/views.publish
"""

ANSWER_TIMEOUT_S = 10
ANSWER_TRIES = 5
ANSWER_AGAIN_S = 1.0
LONGEST_ANSWER_WAIT_S = 30.0
_TOO_MANY = frozenset({"ratelimited", "rate_limited", "HTTP 429", "message_limit_exceeded"})
_LATER = _TOO_MANY | {"paced", UNREACHABLE, "HTTP 503", "service_unavailable"}


@dataclass(frozen=True, kw_only=True)
class Face:
    """What a card needs to know of a connection: what people call its provider, and whether a run can be stopped."""

    title: str
    can_cancel: bool


class SlackThread:
    """Posts as the bot, through one shared ``AsyncWebClient``."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        faces: Mapping[str, Face],
        clock: Clock,
        operators: str | None = None,
        fellows: Fellows | None = None,
    ) -> None:
        self._client = client
        self._faces = faces
        self._pace = Pace(clock, fellows)
        self._clock = clock
        self._operators = operators

    async def post_card(self, launch: Launch, events: tuple[Event, ...]) -> str:
        """Post the card into the channel of the launch; its ``ts``."""
        return await self._post(launch.channel_id, self._card(launch, events))

    async def update_card(self, launch: Launch, events: tuple[Event, ...], *, card_ts: str) -> None:
        """Show the newest state on the card."""
        say = self._card(launch, events, may_mention=True)
        await self._call("chat.update", channel=launch.channel_id, ts=card_ts, **_message(say))

    async def post_lines(self, launch: Launch, events: tuple[Event, ...], *, card_ts: str) -> str:
        """Add one message to the thread that tells these events, in order; its ``ts``."""
        title = self._face(launch).title
        says = [cards.line(launch, event, provider_title=title) for event in events]
        return await self._post(launch.channel_id, together(says), thread_ts=card_ts)

    def heed(self, pauses: Mapping[str, datetime]) -> None:
        """Wait with what another replica was refused."""
        self._pace.heed(pauses)

    def is_behind(self, channel_id: str) -> bool:
        """Whether Slack slows this channel down, so that fewer messages should say more."""
        return self._pace.is_slow("chat.postMessage", channel_id)

    async def post_direct(self, launch: Launch, events: tuple[Event, ...]) -> str:
        """Show the card to the requester alone, where the channel no longer takes it."""
        return await self._post(launch.requester_id, self._card(launch, events))

    async def tell_operators(self, say: Say) -> None:
        """Tell the operators' channel, where one is configured. What cannot be told there stands in the log."""
        if self._operators is not None:
            await self._post(self._operators, say)

    async def publish_home(self, user_id: str, view: Mapping[str, Any]) -> None:
        """Show this as a person's App Home. The last view stands: it is composed of what holds, not of what stood there."""
        await self._call("views.publish", user_id=user_id, view=view)

    async def open_form(self, trigger_id: str, view: Mapping[str, Any]) -> ShownForm:
        """Open a form for whoever pressed; the trigger lives three seconds and counts once."""
        return _shown(await self._call("views.open", trigger_id=trigger_id, view=view))

    async def update_form(self, view_id: str, view: Mapping[str, Any], *, mark: str = "") -> ShownForm:
        """Show something else in an open form (https://docs.slack.dev/reference/methods/views.update)."""
        guard = {"hash": mark} if mark else {}
        return _shown(await self._call("views.update", view_id=view_id, view=view, **guard))

    async def answer(self, delivery: Delivery, say: Say) -> None:
        """Tell one person, there where they asked, so that only they see it; by direct message where nothing else works."""
        message = _message(say, is_ephemeral=True)
        for tries_left in reversed(range(ANSWER_TRIES)):
            try:
                await self._call("chat.postEphemeral", channel=delivery.channel_id, user=delivery.user_id, **message)
            except ThreadError as error:
                if error.code in _LATER and tries_left and not error.is_in_doubt:
                    await self._clock.sleep(min(error.retry_after_s or ANSWER_AGAIN_S, LONGEST_ANSWER_WAIT_S))
                    continue
                if error.is_in_doubt or error.code in _LATER:
                    raise
                await self._answer_elsewhere(delivery, say)
            return

    async def _answer_elsewhere(self, delivery: Delivery, say: Say) -> None:
        if not await _answer_by_address(delivery, say):
            await self._post(delivery.user_id, say)

    def _face(self, launch: Launch) -> Face:
        return self._faces.get(launch.connection, Face(title=launch.provider, can_cancel=False))

    def _card(self, launch: Launch, events: tuple[Event, ...], *, may_mention: bool = False) -> Say:
        """``may_mention``: an update notifies nobody, so that it may name people as they are."""
        face = self._face(launch)
        return cards.card(launch, events, provider_title=face.title, can_cancel=face.can_cancel, may_mention=may_mention)

    async def _post(self, channel_id: str, say: Say, **more: str) -> str:
        response = await self._call("chat.postMessage", channel=channel_id, **_message(say), **more)
        ts = response.get("ts")
        if not isinstance(ts, str):
            # It stands there and cannot be found again. Posting it anew would only make it two.
            raise ThreadError("no_ts", is_permanent=True, is_in_doubt=True)
        return ts

    async def _call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        """One Web API call, when it is our turn. In a burst whoever comes first is refused first, and the others hear of it.

        Raises:
            ThreadError: Slack refused it or did not answer.
        """
        channel_id, before = str(arguments.get("channel", "")), self._clock.now() + LEAVES_WITHIN
        if not self._pace.is_slow(method, channel_id):
            async with self._pace.one_by_one(method, channel_id):
                if not self._pace.is_slow(method, channel_id):
                    return await self._called(method, channel_id, arguments, before)
        await self._pace.turn(method, channel_id)
        return await self._called(method, channel_id, arguments, self._clock.now() + LEAVES_WITHIN)

    async def _called(self, method: str, channel_id: str, arguments: Mapping[str, Any], before: datetime) -> Mapping[str, Any]:
        try:
            with leaving_before(before):
                return await call_slack(self._client, method, json=arguments)
        except SlackCallError as error:
            _log.warning("slack_refused", method=method, error=error.code)
            if error.code in _TOO_MANY:
                self._pace.slow_down(method, channel_id, error.retry_after_s)
            raise ThreadError(
                error.code,
                retry_after_s=error.retry_after_s,
                is_permanent=error.code in PERMANENT,
                is_in_doubt=error.is_in_doubt,
            ) from error


def _shown(response: Mapping[str, Any]) -> ShownForm:
    view = mapping(response.get("view"))
    return ShownForm(view_id=text(view.get("id")) or "", mark=text(view.get("hash")) or "")


def _message(say: Say, *, is_ephemeral: bool = False) -> dict[str, Any]:
    """The arguments that make a message of ``say``; ``chat.postEphemeral`` knows fewer of them."""
    message: dict[str, Any] = {"text": say.text, "parse": "none"}
    if say.blocks:
        message["blocks"] = list(say.blocks)
    return message if is_ephemeral else message | {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


async def _answer_by_address(delivery: Delivery, say: Say) -> bool:
    """Answer at the address that came with the delivery; False where there is none or it does not work any more."""
    if delivery.reply_url is None:
        return False
    webhook = AsyncWebhookClient(delivery.reply_url, timeout=ANSWER_TIMEOUT_S, retry_handlers=[])
    try:
        response = await webhook.send(
            text=say.text, blocks=list(say.blocks) or None, response_type="ephemeral", replace_original=False
        )
    except BROKEN:
        return False
    return response.status_code == HTTPStatus.OK
