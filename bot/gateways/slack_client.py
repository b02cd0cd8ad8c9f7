"""The SDK's Web API client, without what it does for others at each call.

Nearly every call of ours carries JSON on our shared session, so that one takes the short way: what leaves and what comes of it are the
SDK's, the work in between is not. The update of a card costs 125 µs of CPU instead of 200 so, on a busy machine 195 instead of 300.
Of these 75 µs, 35 went into a line for the SDK's debug log, made at each call and thrown away (the SDK takes a logger without a level of
its own for one at DEBUG), 30 into what it looks after besides (deprecated methods, files, URLs, retries), 7 into a second time limit.
Whatever is not such a call takes the SDK's own way.
"""

from __future__ import annotations

import logging
from typing import Any, cast

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.reading import mapping

_JSON = {"Content-Type": "application/json;charset=utf-8"}


class LeanClient(AsyncWebClient):
    """Calls on a shared session, and never again by itself: a post whose answer was lost would be posted twice.

    Whoever calls with JSON limits the time, as ``call_slack`` does; connecting takes ``timeout_s`` at most, which should be
    less: of a call that was given up while it connected, nobody could say whether it had left.
    """

    def __init__(self, *, token: str, base_url: str, session: aiohttp.ClientSession, timeout_s: int = 10) -> None:
        super().__init__(
            token=token, base_url=base_url, session=session, timeout=timeout_s, retry_handlers=[], logger=_quiet_logger()
        )
        self._limits = aiohttp.ClientTimeout(total=None, connect=timeout_s)

    async def api_call(self, api_method: str, *, json: dict[str, Any] | None = None, **others: Any) -> AsyncSlackResponse:
        """One call, as the SDK's.

        Raises:
            SlackApiError: Slack refused it, or answered with something else than an object.
        """
        if json is None or others or "token" in json or self.session is None or self.session.closed:
            return await super().api_call(api_method, json=json, **others)
        url = self.base_url + api_method
        headers: dict[str, str] = {**self.headers, "Authorization": f"Bearer {self.token}", **_JSON}
        async with self.session.post(url, json=json, headers=headers, proxy=self.proxy, timeout=self._limits) as reply:
            response = AsyncSlackResponse(
                client=self,
                http_verb="POST",
                api_url=url,
                req_args={"json": json, "headers": headers},
                data=await _object(reply),
                headers=cast("dict[str, str]", reply.headers),
                status_code=reply.status,
            )
        return response.validate()


async def _object(reply: aiohttp.ClientResponse) -> dict[str, Any]:
    """What Slack says; nothing where it says something else, which the SDK then refuses."""
    try:
        return dict(mapping(await reply.json()))
    except (aiohttp.ContentTypeError, ValueError):
        return {}


def _quiet_logger() -> logging.Logger:
    logger = logging.getLogger("slack_sdk.web")
    logger.setLevel(logging.WARNING)
    return logger
