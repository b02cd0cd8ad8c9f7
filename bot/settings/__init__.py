"""Typed settings: the environment (``environment.py``) and the configuration file (``build.py``).

A file travels: text → ``document`` (plain values with lines) → ``references`` (``${…}`` filled in) → ``schema`` and ``own_keys``
(typed sections) → ``crossing`` (do they fit each other?) → ``build`` (domain values). What is wrong on the way is a fault at a
place, made a line by ``faults``.
"""

from __future__ import annotations

from bot.settings.build import Configuration, read_configuration
from bot.settings.environment import SETTINGS_HELP, SettingHelp, Settings, read_environment, read_settings
from bot.settings.json_schema import configuration_schema
from bot.settings.keys import configuration_help
from bot.settings.references import referenced_files

__all__ = [
    "SETTINGS_HELP",
    "Configuration",
    "SettingHelp",
    "Settings",
    "configuration_help",
    "configuration_schema",
    "read_configuration",
    "read_environment",
    "read_settings",
    "referenced_files",
]
