"""Where a manifest does not offer what App Home and the form need, `gonogo check` says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.checking.manifest import SHORTCUTS, manifest_faults
from bot.settings import Configuration
from commands import form
from tests.why_parts import demo_configuration

MANIFEST = Path(__file__).parent.parent.parent / "manifest.yaml"


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return demo_configuration()


def faults(folder: Path, configuration: Configuration, change: Callable[[Any], object]) -> list[str]:
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    change(manifest)
    path = folder / "manifest.yaml"
    path.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    return [line.removeprefix(f"{path}: ") for line in manifest_faults(path, configuration)]


def test_the_manifest_that_we_give_out_lacks_nothing(configuration: Configuration) -> None:
    assert manifest_faults(MANIFEST, configuration) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            lambda one: one["features"]["app_home"].update(home_tab_enabled=False),
            "features.app_home.home_tab_enabled is not true",
        ),
        (lambda one: one["features"].pop("app_home"), "features.app_home.home_tab_enabled is not true"),
        (lambda one: one["settings"].pop("event_subscriptions"), "bot_events lacks app_home_opened"),
        (lambda one: one["settings"]["event_subscriptions"].update(bot_events=["app_mention"]), "lacks app_home_opened"),
        (lambda one: one["settings"]["event_subscriptions"].update(bot_events=None), "lacks app_home_opened"),
    ],
    ids=["tab off", "no tab", "no events", "other events", "empty events"],
)
def test_a_manifest_without_app_home_is_named(
    tmp_path: Path, configuration: Configuration, change: Callable[[Any], object], fault: str
) -> None:
    [line] = faults(tmp_path, configuration, change)

    assert fault in line


def test_the_shortcuts_that_are_looked_for_are_those_that_the_program_answers() -> None:
    assert set(SHORTCUTS) == {shortcut.callback_id for shortcut in form.SHORTCUTS}


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (lambda one: one["features"].pop("shortcuts"), ["lacks launch, of", "lacks launch_from_message, of"]),
        (lambda one: one["features"]["shortcuts"].pop(), ["lacks launch_from_message, of the type message"]),
        (lambda one: one["features"]["shortcuts"][0].update(type="message"), ["lacks launch, of the type global"]),
        (
            lambda one: one["features"]["shortcuts"][0].update(callback_id="go"),
            ["lacks launch,", "holds go, which nothing answers"],
        ),
    ],
    ids=["none", "one missing", "another type", "another name"],
)
def test_a_manifest_without_the_shortcuts_is_named(
    tmp_path: Path, configuration: Configuration, change: Callable[[Any], object], lines: list[str]
) -> None:
    found = faults(tmp_path, configuration, change)

    assert len(found) == len(lines)
    assert all(words in line for words, line in zip(lines, found, strict=True))
