"""Who and what exists in the stand-in workspace: people, channels, user groups, the app and its tokens, as plain values.

Why values and no YAML of its own: the bot's manifest already says which commands, shortcuts, events and Slack scopes exist
(``SlackApp.from_manifest``), and people and channels are made up by whoever builds a workspace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.sandbox.slack.shapes import is_list, mapping, mappings

SLACKBOT = "USLACKBOT"


@dataclass(frozen=True, kw_only=True)
class Team:
    """The workspace itself."""

    team_id: str
    name: str
    domain: str


@dataclass(frozen=True, kw_only=True)
class User:
    """A person or a bot. The flags are those of users.info: a guest is ``is_restricted``, an outsider ``is_stranger``."""

    user_id: str
    name: str
    real_name: str
    team_id: str
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    deleted: bool = False
    is_bot: bool = False
    is_admin: bool = False
    tz: str = "Europe/London"


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A conversation; with ``dm_user_id`` it is the bot's direct messages with that person."""

    channel_id: str
    name: str
    members: frozenset[str] = frozenset()
    is_private: bool = False
    is_archived: bool = False
    is_ext_shared: bool = False
    dm_user_id: str | None = None

    @property
    def name_in_deliveries(self) -> str:
        """Slack hides the names of private conversations from commands."""
        if self.dm_user_id is not None:
            return "directmessage"
        return "privategroup" if self.is_private else self.name


@dataclass(frozen=True, kw_only=True)
class UserGroup:
    """A user group; ``handle`` is what people type after ``@``."""

    group_id: str
    handle: str
    name: str
    users: tuple[str, ...] = ()
    is_disabled: bool = False


@dataclass(frozen=True, kw_only=True)
class Token:
    """What a program shows to be let in, and the Slack scopes that it holds."""

    text: str = field(repr=False)
    kind: Literal["bot", "app"]
    scopes: frozenset[str]
    is_revoked: bool = False


@dataclass(frozen=True, kw_only=True)
class Offer:
    """How Slack's client shows a command or a shortcut to people."""

    name: str
    description: str = ""
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class SlackApp:
    """The bot as Slack knows it.

    ``commands`` maps a command to whether its text is escaped, ``shortcuts`` a callback id to ``global`` or ``message``;
    ``events`` are the event types it has subscribed to. What is not named here does not exist on people's screens.
    ``offers`` are the words for commands and shortcuts, by command or callback id.
    """

    app_id: str
    bot_user_id: str
    bot_id: str
    commands: Mapping[str, bool] = field(default_factory=dict[str, bool])
    shortcuts: Mapping[str, str] = field(default_factory=dict[str, str])
    events: frozenset[str] = frozenset()
    has_home: bool = True
    has_messages_tab: bool = True
    offers: Mapping[str, Offer] = field(default_factory=dict[str, Offer])

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any], *, app_id: str, bot_user_id: str, bot_id: str) -> SlackApp:
        """The app that this manifest describes."""
        features, settings = mapping(manifest.get("features")), mapping(manifest.get("settings"))
        home = mapping(features.get("app_home"))
        return cls(
            app_id=app_id,
            bot_user_id=bot_user_id,
            bot_id=bot_id,
            commands={one["command"]: bool(one.get("should_escape")) for one in mappings(features.get("slash_commands"))},
            shortcuts={one["callback_id"]: one["type"] for one in mappings(features.get("shortcuts"))},
            events=_names(mapping(settings.get("event_subscriptions")).get("bot_events")),
            has_home=bool(home.get("home_tab_enabled")),
            has_messages_tab=bool(home.get("messages_tab_enabled")),
            offers=_offers(features),
        )


def manifest_scopes(manifest: Mapping[str, Any]) -> frozenset[str]:
    """The Slack scopes that this manifest asks for the bot."""
    return _names(mapping(mapping(manifest.get("oauth_config")).get("scopes")).get("bot"))


def _offers(features: Mapping[str, Any]) -> dict[str, Offer]:
    shown = [(one["command"], one["command"], one) for one in mappings(features.get("slash_commands"))]
    shown += [(one["callback_id"], one.get("name", ""), one) for one in mappings(features.get("shortcuts"))]
    return {
        key: Offer(name=name, description=one.get("description", ""), hint=one.get("usage_hint", "")) for key, name, one in shown
    }


def _names(value: object) -> frozenset[str]:
    return frozenset(str(name) for name in value) if is_list(value) else frozenset()
