"""What is found without asking anybody: what the configuration says of itself, and the manifest beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from bot.checking.findings import Checked, Level
from bot.checking.manifest import manifest_faults
from bot.settings import Configuration

_LINE = re.compile(r"(.+?:[0-9]+): (.+)", re.DOTALL)


def configuration_faults(problems: Iterable[str]) -> list[Checked]:
    """Why the configuration cannot be used at all, a finding each."""
    return [_of_line(Level.FAULT, problem) for problem in problems]


def _of_line(level: Level, line: str) -> Checked:
    """A line of bot/settings as a finding: ``file:12: words``."""
    found = _LINE.fullmatch(line)
    place, words = (found[1], found[2]) if found else (None, line)
    return Checked(level=level, code="configuration", subject="configuration", words=words, place=place)


def offline_findings(path: Path, manifest: Path, configuration: Configuration) -> list[Checked]:
    """The configuration's warnings, then the manifest's faults; a manifest that is not there is not compared."""
    names = ", ".join(configuration.connections) or "none"
    words = f"{path}: well-formed; connections: {names}; channels: {len(configuration.policy.channels)}"
    found = [Checked(level=Level.WELL, code="configuration", subject="configuration", words=words)]
    found += [_of_line(Level.WARNING, line) for line in configuration.warnings]
    if not manifest.exists():
        return found
    faults = manifest_faults(manifest, configuration)
    found += [Checked(level=Level.FAULT, code="manifest", subject="manifest", words=fault) for fault in faults]
    if not faults:
        words = f"{manifest} offers what is needed"
        found.append(Checked(level=Level.WELL, code="manifest", subject="manifest", words=words))
    return found
