"""PURE: translators toward systems that run workflows. One file per provider, in the same order inside each (style guide, 2.4).

*Why* the folder is scanned instead of listed: adding a provider edits no other file, and a test looks at what was found.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from bot.domain.provider import Provider


def load() -> Mapping[str, Provider]:
    """Every module in here that defines ``PROVIDER``, by the provider's name, in name order.

    Raises:
        TypeError: a module's ``PROVIDER`` is no instance of ``Provider``, or two modules claim one name.
    """
    found: dict[str, Provider] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        provider = getattr(importlib.import_module(f"{__name__}.{module.name}"), "PROVIDER", None)
        if provider is None:
            continue
        if not isinstance(provider, Provider):
            raise TypeError(f"PROVIDER of {module.name} is no Provider instance")
        if provider.name in found:
            raise TypeError(f"two modules define the provider {provider.name!r}; the second is {module.name}")
        found[provider.name] = provider
    return dict(sorted(found.items()))
