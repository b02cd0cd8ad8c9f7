"""Reaches Slack, and says in one sentence what is wrong when it cannot.

Why tokens are tried before anything is started: Socket Mode's own client retries a bad token for ever, silently (slack.md, 5.1).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import SlackRefusedError
from bot.domain.provider import Secret
from bot.gateways.slack_client import LeanClient
from bot.settings import Settings

GREETING_TIMEOUT_S = 6
"""Two such calls are made at the start, and people should read why it failed within 15 s."""
CALL_TIMEOUT_S = 10


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The workspace that the bot token belongs to, and who the bot is in it."""

    team_id: str
    enterprise_id: str | None
    bot_user_id: str
    bot_name: str
    bot_id: str
    scopes: frozenset[str]


def web_client(settings: Settings, token: Secret, session: aiohttp.ClientSession) -> AsyncWebClient:
    """A client on a shared session."""
    return LeanClient(token=token.reveal(), base_url=settings.slack_api_url, session=session, timeout_s=CALL_TIMEOUT_S)


async def greet(client: AsyncWebClient) -> Workspace:
    """Try the bot token.

    Raises:
        SlackRefusedError: Slack does not answer, or does not accept the token.
    """
    answer = await _first_call(client, "auth.test", "SLACK_BOT_TOKEN")
    data: dict[str, Any] = answer.data
    scopes = str(answer.headers.get("x-oauth-scopes") or answer.headers.get("X-OAuth-Scopes") or "")
    return Workspace(
        team_id=str(data["team_id"]),
        enterprise_id=data.get("enterprise_id"),
        bot_user_id=str(data["user_id"]),
        bot_name=str(data.get("user") or "gonogo"),
        bot_id=str(data.get("bot_id", "")),
        scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
    )


async def try_app_token(client: AsyncWebClient) -> None:
    """Try the app-level token of Socket Mode.

    Raises:
        SlackRefusedError: Slack does not answer, or does not accept the token.
    """
    await _first_call(client, "apps.connections.open", "SLACK_APP_TOKEN")


async def _first_call(client: AsyncWebClient, method: str, setting: str) -> Any:
    try:
        async with asyncio.timeout(GREETING_TIMEOUT_S):
            return await client.api_call(method)
    except SlackApiError as error:
        response: Any = error.response
        code = response.get("error") or f"HTTP {response.status_code}"
        raise SlackRefusedError(f"Slack does not accept {setting} ({code}): {_cure(str(code), setting)}") from error
    except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise SlackRefusedError(
            f"Slack cannot be reached at {client.base_url}: check the network, and SLACK_API_URL if you set it."
        ) from error


def _cure(code: str, setting: str) -> str:
    if code in {"not_allowed_token_type", "missing_scope"}:
        return f"{setting} is of the wrong kind or lacks a Slack scope; compare the app with manifest.yaml."
    if code == "ratelimited":
        return "too many starts in a short time; wait a minute."
    return f"copy {setting} again from the app's pages at Slack."


def bolt_app(settings: Settings, client: AsyncWebClient, workspace: Workspace) -> AsyncApp:
    """The Bolt app for both ways in. What Slack only asks over HTTP is not looked for in what a socket brings.

    We offer no steps for Slack's workflows, so that no token of a step is looked for either. Bolt's own client bears no token, and its
    logger no warnings: it warns of a token in the environment that it does not use.
    """
    secret, is_http = settings.slack_signing_secret, settings.mode == "http"
    logger = logging.getLogger("slack_bolt.gonogo")
    logger.setLevel(logging.ERROR)
    return AsyncApp(
        logger=logger,
        client=AsyncWebClient(base_url=client.base_url, session=client.session, timeout=client.timeout, retry_handlers=[]),
        authorize=_Settled(client, workspace),
        signing_secret=secret.reveal() if secret else None,
        process_before_response=True,
        request_verification_enabled=is_http,
        ssl_check_enabled=is_http,
        url_verification_enabled=is_http,
        attaching_function_token_enabled=False,
    )


class _Settled(AsyncAuthorize):
    """Whose token it is was settled at the start, so that nothing is asked per delivery.

    Why not a function: Bolt would gather a dozen arguments for it at each delivery, 5 µs of CPU.
    """

    def __init__(self, client: AsyncWebClient, workspace: Workspace) -> None:
        self._result = AuthorizeResult(
            enterprise_id=workspace.enterprise_id,
            team_id=workspace.team_id,
            bot_token=client.token,
            bot_id=workspace.bot_id,
            bot_user_id=workspace.bot_user_id,
        )

    async def __call__(self, **_: object) -> AuthorizeResult:
        """Bolt asks this for every delivery."""
        return self._result
