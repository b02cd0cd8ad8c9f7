"""What `gonogo check` asks outside: does Slack take our tokens, and does every provider take its credential?

Harmless reads only: nothing is started, and nothing is written anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

import aiohttp

from bot.app.building import build_wire
from bot.app.slack_door import greet, try_app_token, web_client
from bot.definitions import trouble_words
from bot.domain.errors import SlackRefusedError
from bot.domain.model import Connection
from bot.domain.provider import Busy, Held, Provider, Refused, Unauthorised, Unreachable, Unsupported
from bot.gateways.clock import SystemClock
from bot.gateways.http import HttpWire
from bot.settings import Configuration, Settings


@dataclass(frozen=True, kw_only=True)
class Probed:
    """One thing that was asked. ``is_well`` is None where it cannot be told without doing something."""

    subject: str
    is_well: bool | None
    words: str


async def probe(settings: Settings, configuration: Configuration, providers: Mapping[str, Provider]) -> tuple[Probed, ...]:
    """Ask Slack and every provider, all at once."""
    wire = build_wire(configuration, providers, SystemClock())
    try:
        asked = [_ask_provider(wire, one, providers[one.provider]) for one in configuration.connections.values()]
        slack, *connections = await asyncio.gather(_ask_slack(settings), *asked)
    finally:
        await wire.close()
    return (slack, *connections)


async def _ask_slack(settings: Settings) -> Probed:
    if settings.slack_bot_token is None:
        return Probed(subject="Slack", is_well=False, words="SLACK_BOT_TOKEN is not set")
    async with aiohttp.ClientSession() as session:
        try:
            workspace = await greet(web_client(settings, settings.slack_bot_token, session))
            if settings.slack_app_token is not None:
                await try_app_token(web_client(settings, settings.slack_app_token, session))
        except SlackRefusedError as error:
            return Probed(subject="Slack", is_well=False, words=str(error))
    return Probed(subject="Slack", is_well=True, words=f"workspace {workspace.team_id}, bot {workspace.bot_user_id}")


async def _ask_provider(wire: HttpWire, connection: Connection, provider: Provider) -> Probed:
    answer = await wire.perform(connection.name, provider.probe(connection))
    subject = f"{connection.name} ({provider.title})"
    match answer:
        case Held():
            missing = sorted(scope for scope, is_held in answer.scopes.items() if is_held is False)
            words = f"lacks {', '.join(missing)}" if missing else _held_words(answer)
            return Probed(subject=subject, is_well=not missing, words=words)
        case Unsupported():
            return Probed(subject=subject, is_well=None, words=answer.meaning)
        case Refused() | Unauthorised() | Busy() | Unreachable():
            return Probed(subject=subject, is_well=False, words=trouble_words(answer))
        case _:
            assert_never(answer)


def _held_words(answer: Held) -> str:
    held = sorted(scope for scope, is_held in answer.scopes.items() if is_held)
    open_questions = sorted(scope for scope, is_held in answer.scopes.items() if is_held is None)
    words = ["credential accepted", *([f"holds {', '.join(held)}"] if held else [])]
    return "; ".join(words + ([f"not verified: {', '.join(open_questions)}"] if open_questions else []))
