"""Does the Slack app's manifest offer what the configuration and this program need?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from bot.settings import Configuration

SLACK_SCOPES: Mapping[str, str] = {
    "channels:read": "Is the bot in this channel, and does another organisation read along? Asked before every launch.",
    "chat:write": "Cards, thread lines, and answers that only one person sees.",
    "commands": "The slash command.",
    "groups:read": "As channels:read, for private channels.",
    "usergroups:read": "Who is in the user groups that grants name.",
    "users:read": "Is this person a full member? Guests, bots, strangers and deleted people launch nothing.",
}
"""Every Slack scope that we use, and why. Nothing beyond these; manifest.yaml and README are compared with it."""

SHORTCUTS: Mapping[str, str] = {"launch": "global", "launch_from_message": "message"}
"""Every shortcut that this program answers, by its ``callback_id``, and where Slack offers it."""


def manifest_scopes(path: Path) -> frozenset[str]:
    """The Slack scopes that the manifest asks for; none where it cannot be read, which ``manifest_faults`` says."""
    try:
        manifest: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return frozenset()
    scopes: Any = _at(manifest, "oauth_config", "scopes", "bot", default=[])
    return frozenset(map(str, cast("list[Any]", scopes))) if isinstance(scopes, list) else frozenset()


def manifest_faults(path: Path, configuration: Configuration) -> list[str]:
    """Where the manifest does not fit the configuration or this program, a line each."""
    try:
        manifest: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return [f"{path}: cannot be read ({type(error).__name__})"]
    if not isinstance(manifest, dict):
        return [f"{path}: holds no manifest"]
    faults = (_scope_faults, _shortcut_faults, _click_faults, _home_faults)
    return [*_command_faults(path, manifest, configuration), *(line for look in faults for line in look(path, manifest))]


def _command_faults(path: Path, manifest: Any, configuration: Configuration) -> list[str]:
    if any(
        _at(one, "command", default="") == configuration.command
        for one in _at(manifest, "features", "slash_commands", default=())
    ):
        return []
    return [f"{path}: features.slash_commands lacks {configuration.command}, which slack.command names"]


def _scope_faults(path: Path, manifest: Any) -> list[str]:
    held = set(_at(manifest, "oauth_config", "scopes", "bot", default=[]))
    missing = [
        f"{path}: oauth_config.scopes.bot lacks {scope}: {why}" for scope, why in SLACK_SCOPES.items() if scope not in held
    ]
    more = [f"{path}: oauth_config.scopes.bot holds {scope}, which is not used" for scope in sorted(held - set(SLACK_SCOPES))]
    return missing + more


def _shortcut_faults(path: Path, manifest: Any) -> list[str]:
    offered = {
        _at(one, "callback_id", default=""): _at(one, "type", default="")
        for one in _at(manifest, "features", "shortcuts", default=())
    }
    missing = [
        f"{path}: features.shortcuts lacks {name}, of the type {kind}, which opens the form"
        for name, kind in SHORTCUTS.items()
        if offered.get(name) != kind
    ]
    more = [f"{path}: features.shortcuts holds {name}, which nothing answers" for name in sorted(set(offered) - set(SHORTCUTS))]
    return missing + more


def _click_faults(path: Path, manifest: Any) -> list[str]:
    if _at(manifest, "settings", "interactivity", "is_enabled", default=False):
        return []
    return [f"{path}: settings.interactivity.is_enabled is not true, so buttons would do nothing"]


def _home_faults(path: Path, manifest: Any) -> list[str]:
    faults: list[str] = []
    if not _at(manifest, "features", "app_home", "home_tab_enabled", default=False):
        faults.append(f"{path}: features.app_home.home_tab_enabled is not true, so nobody has an App Home")
    if "app_home_opened" not in _at(manifest, "settings", "event_subscriptions", "bot_events", default=()):
        faults.append(f"{path}: settings.event_subscriptions.bot_events lacks app_home_opened, so App Home would stay empty")
    return faults


def _at(tree: Any, *keys: str, default: Any) -> Any:
    """What stands at ``keys`` in a tree of mappings; ``default`` where there is nothing."""
    for key in keys:
        tree = cast("dict[str, Any]", tree).get(key) if isinstance(tree, dict) else None
    return default if tree is None else tree
