"""One call of Slack's Web API, and what is wrong when it brings nothing.

Why a time limit of our own: the SDK's counts only for sessions that it opens itself (slack_sdk/web/async_internal_utils.py), and
ours is shared.

Why no SDK retries are relied on: a post whose answer was lost would be posted twice (slack.md, 2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.reading import mapping, seconds
from bot.gateways.connecting import NEVER_CONNECTED

CALL_TIMEOUT_S = 15.0
LONGEST_WAIT_S = 3600.0
"""Slack's own waits are a minute at most; no calendar holds the longest that can be written."""
UNREACHABLE = "unreachable"

# AttributeError: the SDK takes every JSON for an object.
BROKEN = (TimeoutError, SlackClientError, aiohttp.ClientError, OSError, ValueError, AttributeError)

# "It's possible some aspect of the operation succeeded": https://docs.slack.dev/reference/methods/chat.postMessage
_PERHAPS_DONE = frozenset({"fatal_error", "internal_error"})
_CERTAINLY_REFUSED = frozenset({400, 401, 403, 404, 413, 429, 503})


class SlackCallError(Exception):
    """Slack refused a call, or did not answer.

    ``code`` is Slack's error name, ``HTTP 502`` where there is none, ``unreachable`` without an answer.
    ``is_in_doubt``: Slack may have done it all the same.
    """

    def __init__(self, code: str, *, retry_after_s: float | None = None, is_in_doubt: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_s = retry_after_s
        self.is_in_doubt = is_in_doubt


async def call_slack(
    client: AsyncWebClient, method: str, *, timeout_s: float = CALL_TIMEOUT_S, **request: Any
) -> Mapping[str, Any]:
    """What Slack answers.

    Raises:
        SlackCallError: it refused, or did not answer readably in ``timeout_s`` seconds.
    """
    try:
        async with asyncio.timeout(timeout_s):
            response: Any = await client.api_call(method, **request)
    except SlackApiError as error:
        raise _refusal(error) from error
    except BROKEN as error:
        raise SlackCallError(UNREACHABLE, is_in_doubt=not isinstance(error, NEVER_CONNECTED)) from error
    return mapping(response.data)


def _refusal(error: SlackApiError) -> SlackCallError:
    """The SDK hands out its own response or, for a body that is no JSON, aiohttp's."""
    response = cast("Any", error.response)
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    named = mapping(getattr(response, "data", None)).get("error")
    is_in_doubt = named in _PERHAPS_DONE if named else status not in _CERTAINLY_REFUSED
    code = str(named or f"HTTP {status}")
    wait_s = seconds(response.headers.get("Retry-After"))
    return SlackCallError(code, retry_after_s=wait_s and min(wait_s, LONGEST_WAIT_S), is_in_doubt=is_in_doubt)
