"""The whole bot in one process, between the stand-ins, over real TCP: what the journeys and the doors are tested with."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import yaml

from bot import providers
from bot.app.building import Around
from bot.app.running import Bot, running
from bot.app.sockets import SOCKETS
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack.delivery import Acknowledged
from bot.sandbox.slack.workspace import Message, Workspace
from bot.sandbox.standins import ProviderStandIns
from bot.sandbox.world import CONFIGURATION
from bot.settings import Configuration, Settings, read_configuration, read_settings
from bot.worker.mirroring import PROBE_EVERY

MANIFEST = Path(__file__).parent.parent.parent / "manifest.yaml"
LAUNCH_ID = re.compile(r"\bL-[0-9A-Z]{4,12}\b")
ENDS = ("Succeeded", "Failed", "Cancelled", "Ended", "In doubt")


@dataclass
class House:
    """A running bot and the world around it."""

    slack: SlackStandIn
    providers: ProviderStandIns
    bot: Bot
    settings: Settings

    @property
    def workspace(self) -> Workspace:
        return self.slack.workspace

    async def type(self, user_id: str, channel_id: str, text: str) -> Acknowledged:
        acknowledged = await self.slack.command(user_id, channel_id, text)
        assert acknowledged.is_ok, acknowledged
        return acknowledged

    async def told(self, user_id: str, channel_id: str, text: str) -> str:
        """Type a command; what only this person sees in answer."""
        before = len(self.workspace.ephemerals(channel_id, user_id))
        await self.type(user_id, channel_id, text)
        return await self.workspace.wait_for(lambda seen: _after(seen.ephemerals(channel_id, user_id), before))

    async def launched(self, user_id: str, channel_id: str, text: str) -> Message:
        """Type a command; the card that it caused, as first posted."""
        before = {message.ts for message in self.workspace.messages(channel_id)}
        await self.type(user_id, channel_id, text)
        return await self.workspace.wait_for(
            lambda seen: next((one for one in seen.messages(channel_id) if one.ts not in before), None)
        )

    async def card(self, card: Message, *words: str) -> Message:
        """The card once it starts with one of ``words``, and its last thread line says the same."""
        return await self.workspace.wait_for(lambda seen: _settled(seen, card, words))

    async def ended(self, user_id: str, channel_id: str, text: str) -> Message:
        """Type a command, and wait until the launch is over."""
        return await self.card(await self.launched(user_id, channel_id, text), *ENDS)

    def thread(self, card: Message) -> list[str]:
        return [message.text for message in self.workspace.thread(card.channel_id, card.ts)]


def launch_id(card: Message) -> str:
    found = LAUNCH_ID.search(card.text)
    assert found is not None
    return found[0]


def _after(messages: list[Message], count: int) -> str | None:
    return messages[count].text if len(messages) > count else None


def _settled(workspace: Workspace, card: Message, words: tuple[str, ...]) -> Message | None:
    now = workspace.find(card.channel_id, card.ts)
    word = next((word for word in words if now is not None and now.text.startswith(word)), None)
    if now is None or word is None:
        return None
    lines = workspace.thread(card.channel_id, card.ts)
    return now if lines and lines[-1].text.startswith(word) else None


@asynccontextmanager
async def a_house(
    folder: Path,
    *,
    mode: Literal["socket", "http"] = "socket",
    run_s: float = 0.0,
    configuration: Path = CONFIGURATION,
    slack: SlackStandIn | None = None,
    standins: ProviderStandIns | None = None,
    probe_every: timedelta = PROBE_EVERY,
    sockets: int = SOCKETS,
    database_url: str = "",
) -> AsyncGenerator[House, None]:
    """Start everything; leaving drains the bot, then stops the world."""
    slack = slack or SlackStandIn(Workspace.demo(yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))))
    standins = standins or ProviderStandIns(run_s=run_s)
    await standins.start()
    await slack.start()
    try:
        settings = read_settings(_environment(slack, folder, mode, database_url), dotenv=None)
        found = providers.load()

        def read() -> Configuration:
            return _configuration(configuration, standins)

        async with running(settings, read(), found, around=Around(probe_every=probe_every, sockets=sockets, read=read)) as bot:
            if mode == "http":
                slack.request_url = f"http://127.0.0.1:{bot.http_port}/slack/events"
            await slack.connected()
            yield House(slack=slack, providers=standins, bot=bot, settings=settings)
    finally:
        await slack.stop()
        await standins.stop()


def _environment(slack: SlackStandIn, folder: Path, mode: str, database_url: str = "") -> dict[str, str]:
    ways = {"socket": {"SLACK_APP_TOKEN": slack.app_token}, "http": {"SLACK_SIGNING_SECRET": slack.signing_secret}}
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_API_URL": slack.api_url,
        "GONOGO_DATABASE_URL": database_url or f"sqlite:///{folder / 'gonogo.db'}",
        "GONOGO_HTTP_PORT": "0",
        **ways[mode],
    }


def _configuration(path: Path, standins: ProviderStandIns) -> Configuration:
    environment: dict[str, Any] = standins.environment()
    return read_configuration(path, providers=providers.load(), environment=environment)
