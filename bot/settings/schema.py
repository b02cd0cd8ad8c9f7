"""The configuration file as a whole (design.md, section 3): one class per section, one sentence per key.

A provider's own keys are added by ``own_keys.py``. Rules that need another section (does this connection exist?) read it from the
validation context, so that one pass finds every fault, each at its own place.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from bot.settings.policy_schema import ChannelSection, FreezeSection
from bot.settings.sections import Section
from bot.settings.words import ChannelId, Command, ConnectionName


class SlackSection(Section):
    """Slack itself."""

    command: Command = Field(
        default="/launch", description="The slash command. Slack commands have no namespace: choose a free one."
    )

    operators: ChannelId | None = Field(
        default=None, description="A channel of the people who run Gonogo: told what no other channel can be told."
    )


class FileSection(Section):
    """The whole file. Each connection is validated by itself, by the keys of its provider."""

    slack: SlackSection = Field(default_factory=SlackSection, description="Slack itself.")
    connections: dict[ConnectionName, Any] = Field(description="Credentials at providers, by the name that people type.")
    channels: dict[ChannelId, ChannelSection] = Field(
        default_factory=dict, description="What each Slack channel may launch, by its id."
    )
    freezes: list[FreezeSection] = Field(default_factory=list, description="Times in which nothing is launched.")
