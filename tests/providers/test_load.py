"""Providers are found by scanning the folder: adding one edits no other file."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import bot.providers
from bot.domain.provider import Provider
from bot.providers import load

SIXTH = """
from bot.domain.provider import Provider

class Sixth(Provider):
    name = {name!r}

PROVIDER = Sixth()
"""

AddModule = Callable[[str, str], None]


@pytest.fixture
def add_module(tmp_path: Path) -> Iterator[AddModule]:
    """Writes a module into a folder that counts as part of ``bot.providers``, and forgets it afterwards."""
    added: list[str] = []

    def add(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        importlib.invalidate_caches()
        added.append(name)

    bot.providers.__path__.append(str(tmp_path))
    yield add
    bot.providers.__path__.remove(str(tmp_path))
    for name in added:
        sys.modules.pop(f"bot.providers.{name}", None)
        if hasattr(bot.providers, name):
            delattr(bot.providers, name)


def test_the_five_providers_are_found_in_name_order() -> None:
    found = load()

    assert list(found) == ["bitrix24", "captain_data", "domo", "salesforce", "zuora"]
    assert all(isinstance(provider, Provider) for provider in found.values())


def test_each_is_known_by_its_own_name() -> None:
    assert all(name == provider.name for name, provider in load().items())


def test_a_module_in_an_added_folder_is_found(add_module: AddModule) -> None:
    add_module("a_sixth_one", SIXTH.format(name="sixth"))

    found = load()

    assert found["sixth"].name == "sixth"
    assert list(found) == sorted(found)


def test_an_added_folder_is_forgotten_again(add_module: AddModule) -> None:
    """Loading keeps no memory of its own: what a test adds does not leak into the next one."""
    del add_module

    assert "sixth" not in load()


def test_a_module_without_a_provider_is_no_provider(add_module: AddModule) -> None:
    add_module("a_note", "NOTE = 'nothing here'\n")

    assert set(load()) == {"bitrix24", "captain_data", "domo", "salesforce", "zuora"}


def test_a_class_instead_of_an_instance_is_named(add_module: AddModule) -> None:
    add_module("a_class", SIXTH.format(name="sixth").replace("Sixth()", "Sixth"))

    with pytest.raises(TypeError, match="a_class"):
        load()


def test_two_modules_cannot_claim_one_name(add_module: AddModule) -> None:
    add_module("zzz_other_zuora", SIXTH.format(name="zuora"))

    with pytest.raises(TypeError, match="zzz_other_zuora"):
        load()


def test_a_module_that_cannot_be_imported_is_not_hidden(add_module: AddModule) -> None:
    add_module("a_broken_one", "raise RuntimeError('broken on purpose')\n")

    with pytest.raises(RuntimeError, match="broken on purpose"):
        load()
