"""Every key of the configuration file with its default and one sentence, for README's table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from bot.domain.provider import Provider
from bot.settings.environment import SettingHelp
from bot.settings.faults import bare, item_of, keys_of
from bot.settings.own_keys import connection_section
from bot.settings.schema import FileSection

_NAMES = {
    "connections": "<name>",
    "channels": "<id>",
    "workflows": "<id>",
    "inputs": "<name>",
    "when": "<name>",
    "secrets": "<name>",
}


def configuration_help(providers: Mapping[str, Provider]) -> tuple[SettingHelp, ...]:
    """Each key by its path; a key that only some providers know names them in brackets."""
    whose: dict[SettingHelp, list[str]] = {row: [] for row in _rows(FileSection, "")}
    for provider in providers.values():
        for row in _rows(connection_section(provider), "connections.<name>."):
            whose.setdefault(row, []).append(provider.name)
    return tuple(_attributed(row, names, len(providers)) for row, names in whose.items())


def _attributed(row: SettingHelp, whose: list[str], providers: int) -> SettingHelp:
    if len(whose) in {0, providers}:
        return row
    return SettingHelp(name=row.name, default=row.default, sentence=f"({', '.join(whose)}) {row.sentence}")


def _rows(section: Any, path: str) -> Iterator[SettingHelp]:
    for key, field in keys_of(section).items():
        yield SettingHelp(name=f"{path}{key}", default=_default(field), sentence=field.description or "")
        below, inner = _below(key, field)
        yield from _rows(inner, f"{path}{key}{below}.")


def _below(key: str, field: FieldInfo) -> tuple[str, Any]:
    annotation = bare(field.annotation)
    if get_origin(annotation) is None or not get_args(annotation):
        return "", annotation
    mark = "[]" if get_origin(annotation) in {list, tuple} else f".{_NAMES.get(key, '<key>')}"
    return mark, item_of(annotation)


def _default(field: FieldInfo) -> str | None:
    default = field.default
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if isinstance(default, str | int | float) else None
