"""What Slack shows: posts and updates cards and thread lines, answers one person. Renders with surfaces.

Messages are literal: ``mrkdwn`` is off for the plain text, ``parse`` is none, links do not unfurl, so nothing that a person or a
provider wrote can mention, format or link (slack.md, 6).

Why answers go by ``chat.postEphemeral`` first and by Slack's short-lived answer address second: the former works after a restart;
the latter also where the bot is not a member, which is just where people need to be told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.domain.errors import ThreadError
from bot.domain.model import Delivery, Event, Launch
from bot.surfaces import cards
from bot.surfaces.say import Say

_log = structlog.get_logger("gonogo.slack")

PERMANENT = frozenset(
    {
        "cannot_reply_to_message",
        "cant_update_message",
        "channel_is_limited_access",
        "channel_not_found",
        "edit_window_closed",
        "invalid_blocks",
        "is_archived",
        "is_inactive",
        "message_not_found",
        "messages_tab_disabled",
        "msg_too_long",
        "not_in_channel",
        "restricted_action",
        "restricted_action_thread_locked",
        "user_not_found",
    },
)
"""Slack's errors after which the same message can never be taken."""


@dataclass(frozen=True, kw_only=True)
class Face:
    """What a card needs to know of a provider: what people call it, and whether it can stop a run."""

    title: str
    can_cancel: bool


class SlackThread:
    """Posts as the bot, through one shared ``AsyncWebClient``."""

    def __init__(self, client: AsyncWebClient, *, faces: Mapping[str, Face]) -> None:
        self._client = client
        self._faces = faces

    async def post_card(self, launch: Launch, events: tuple[Event, ...]) -> str:
        """Post the card into the channel of the launch; its ``ts``."""
        return await self._post(launch.channel_id, self._card(launch, events))

    async def update_card(self, launch: Launch, events: tuple[Event, ...], *, card_ts: str) -> None:
        """Show the newest state on the card."""
        say = self._card(launch, events)
        await self._call("chat.update", channel=launch.channel_id, ts=card_ts, **_message(say))

    async def post_line(self, launch: Launch, event: Event, *, card_ts: str) -> str:
        """Add one line to the thread; its ``ts``."""
        say = cards.line(launch, event, provider_title=self._face(launch).title)
        return await self._post(launch.channel_id, say, thread_ts=card_ts)

    async def post_direct(self, launch: Launch, events: tuple[Event, ...]) -> str:
        """Show the card to the requester alone, where the channel no longer takes it."""
        return await self._post(launch.requester_id, self._card(launch, events))

    async def answer(self, delivery: Delivery, say: Say) -> None:
        """Tell one person, there where they asked, so that only they see it; by direct message where nothing else works."""
        try:
            message = _message(say, is_ephemeral=True)
            await self._call("chat.postEphemeral", channel=delivery.channel_id, user=delivery.user_id, **message)
        except ThreadError as error:
            if not error.is_permanent and error.code != "user_not_in_channel":
                raise
            if not await _answer_by_address(delivery, say):
                await self._post(delivery.user_id, say)

    def _face(self, launch: Launch) -> Face:
        return self._faces.get(launch.provider, Face(title=launch.provider, can_cancel=False))

    def _card(self, launch: Launch, events: tuple[Event, ...]) -> Say:
        face = self._face(launch)
        return cards.card(launch, events, provider_title=face.title, can_cancel=face.can_cancel)

    async def _post(self, channel_id: str, say: Say, **more: str) -> str:
        response = await self._call("chat.postMessage", channel=channel_id, **_message(say), **more)
        return str(response["ts"])

    async def _call(self, method: str, **arguments: Any) -> Any:
        """One Web API call.

        Raises:
            ThreadError: Slack refused it or did not answer.
        """
        try:
            return await self._client.api_call(method, json=arguments)
        except SlackApiError as error:
            raise _thread_error(method, error) from error
        except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError, ValueError) as error:
            raise ThreadError("unreachable") from error


def _message(say: Say, *, is_ephemeral: bool = False) -> dict[str, Any]:
    """The arguments that make a message of ``say``; ``chat.postEphemeral`` knows fewer of them."""
    message: dict[str, Any] = {"text": say.text, "parse": "none"}
    if say.blocks:
        message["blocks"] = list(say.blocks)
    return message if is_ephemeral else message | {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def _thread_error(method: str, error: SlackApiError) -> ThreadError:
    response: Any = error.response
    code = str(response.get("error") or f"HTTP {response.status_code}")
    wait: Any = response.headers.get("Retry-After")
    _log.warning("slack_refused", method=method, error=code)
    retry_after_s = float(wait) if wait and str(wait).isdecimal() else None
    return ThreadError(code, retry_after_s=retry_after_s, is_permanent=code in PERMANENT)


async def _answer_by_address(delivery: Delivery, say: Say) -> bool:
    """Answer at the address that came with the delivery; False where there is none or it does not work any more."""
    if delivery.reply_url is None:
        return False
    try:
        response = await AsyncWebhookClient(delivery.reply_url).send(
            text=say.text, blocks=list(say.blocks) or None, response_type="ephemeral", replace_original=False
        )
    except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError):
        return False
    return response.status_code == 200  # noqa: PLR2004 - HTTP's own number
