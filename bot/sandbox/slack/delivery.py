"""Carries payloads to the bot: over a socket, or as signed HTTP requests when there is a request URL.

https://docs.slack.dev/authentication/verifying-requests-from-slack · https://docs.slack.dev/apis/events-api (retries)
Why only events are retried by themselves: that is all Slack documents. What reports say about the rest (slack.md 1) is done by
``redeliver``, when a test wants it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.slack.clock import SlackClock
from bot.sandbox.slack.payloads import Delivery
from bot.sandbox.slack.shapes import is_mapping
from bot.sandbox.slack.sockets import Sockets
from bot.sandbox.slack.traffic import Traffic, masked

RETRY_AFTER_S = (0.0, 60.0, 300.0)
TOLD_ONCE_MORE = "x-slack-no-retry"
POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """What came back for one delivery.

    ``status`` is HTTP's (200 for an acknowledgement over a socket, 0 for none), ``body`` what it carried; ``error`` is what Slack
    tells the person, or "".
    """

    delivery: Delivery
    status: int
    body: dict[str, Any]
    elapsed_ms: float
    error: str = ""
    wants_no_retry: bool = False

    @property
    def is_ok(self) -> bool:
        """True when the bot acknowledged in time."""
        return not self.error


@dataclass(kw_only=True)
class Courier:
    """Sends deliveries and keeps the traffic."""

    sockets: Sockets
    clock: SlackClock
    signing_secret: str = field(repr=False)
    request_url: str | None
    ack_timeout_s: float
    traffic: list[Traffic]
    _session: aiohttp.ClientSession | None = None
    _retries: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def send(self, delivery: Delivery) -> Acknowledged:
        """Deliver once and wait for the acknowledgement, three seconds at most."""
        at, started = self.clock.now(), asyncio.get_running_loop().time()
        took = await self._carried(delivery, at)
        elapsed_ms = (asyncio.get_running_loop().time() - started) * 1000
        acknowledged = replace(took, elapsed_ms=elapsed_ms)
        self.traffic.append(
            Traffic(
                kind="delivery",
                name=delivery.name,
                at=at,
                elapsed_ms=elapsed_ms,
                status=acknowledged.status,
                sent=masked(delivery.payload),
                answer=acknowledged.body or acknowledged.error,
                via="socket" if self.request_url is None else "http",
                retry=delivery.retry,
            )
        )
        return acknowledged

    async def send_event(self, delivery: Delivery) -> Acknowledged:
        """Deliver an event; if it fails it comes again, in the background: at once, after a minute, after five."""
        first = await self.send(delivery)
        if not first.is_ok and not first.wants_no_retry:
            task = asyncio.create_task(self._retry(first))
            self._retries.add(task)
            task.add_done_callback(self._retries.discard)
        return first

    async def connected(self) -> None:
        """Wait until the bot can be reached."""
        if self.request_url is None:
            await self.sockets.connected()
            return
        while not await self._answers(self.request_url):  # noqa: ASYNC110 - nothing tells when another program is up
            await asyncio.sleep(POLL_S)

    async def stop(self) -> None:
        """No more retries; let go of connections."""
        for task in tuple(self._retries):
            task.cancel()
        await asyncio.gather(*self._retries, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _retry(self, failed: Acknowledged) -> None:
        for count, wait_s in enumerate(RETRY_AFTER_S, start=1):
            await self.clock.sleep(wait_s)
            reason = _RETRY_REASONS.get(failed.error, "unknown_error")
            failed = await self.send(replace(failed.delivery, retry=count, retry_reason=reason))
            if failed.is_ok or failed.wants_no_retry:
                return

    async def _carried(self, delivery: Delivery, at: datetime) -> Acknowledged:
        none = Acknowledged(delivery=delivery, status=0, body={}, elapsed_ms=0)
        try:
            if self.request_url is not None:
                return await self._post(self.request_url, delivery, at)
            carried = await self.sockets.send(delivery, self.ack_timeout_s)
        except TimeoutError:
            return replace(none, error="operation_timeout")
        except aiohttp.ClientError:
            return replace(none, error="dispatch_failed")
        return replace(none, error="dispatch_failed") if carried is None else replace(none, status=200, body=carried)

    async def _post(self, url: str, delivery: Delivery, at: datetime) -> Acknowledged:
        body, content_type = on_the_wire(delivery)
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        headers |= signature(self.signing_secret, body, at)
        if delivery.retry:
            headers |= {"x-slack-retry-num": str(delivery.retry), "x-slack-retry-reason": delivery.retry_reason}
        limit = aiohttp.ClientTimeout(total=self.ack_timeout_s)
        async with self._client().post(url, data=body, headers=headers, timeout=limit, allow_redirects=False) as reply:
            text = await reply.text()
            return Acknowledged(
                delivery=delivery,
                status=reply.status,
                body=_read(text),
                elapsed_ms=0,
                error=_refusal(reply.status),
                wants_no_retry=reply.headers.get(TOLD_ONCE_MORE) == "1",
            )

    async def _answers(self, url: str) -> bool:
        try:
            async with self._client().get(url, allow_redirects=False):
                return True
        except aiohttp.ClientError:
            return False

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session


_RETRY_REASONS = {
    "operation_timeout": "http_timeout",
    "dispatch_failed": "connection_failed",
    "http_service_error": "http_error",
    "http_client_error": "http_error",
}
OK = range(200, 300)
SERVER_ERROR = 500


def on_the_wire(delivery: Delivery) -> tuple[bytes, str]:
    """Body and content type: commands as a form, interactions as JSON in a form's ``payload``, events as JSON."""
    match delivery.kind:
        case "slash_commands":
            return urlencode(dict(delivery.payload)).encode(), "application/x-www-form-urlencoded"
        case "interactive":
            return urlencode({"payload": json.dumps(delivery.payload)}).encode(), "application/x-www-form-urlencoded"
        case "events_api":
            return json.dumps(delivery.payload).encode(), "application/json"


def signature(secret: str, body: bytes, at: datetime) -> dict[str, str]:
    """The two headers by which a bot knows that Slack sent this body, and when."""
    timestamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": timestamp, "x-slack-signature": f"v0={digest}"}


def _read(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        return {"text": text}
    return body if is_mapping(body) else {"text": text}


def _refusal(status: int) -> str:
    if status in OK:
        return ""
    return "http_service_error" if status >= SERVER_ERROR else "http_client_error"
