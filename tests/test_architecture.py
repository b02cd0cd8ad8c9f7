"""The floors of the house hold, and the check would notice if they did not: an upward import planted in each room is caught."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLANTED: dict[str, str] = {
    "bot/domain/policy.py": "import bot.ports",
    "bot/surfaces/cards.py": "import bot.launching",
    "bot/providers/zuora.py": "import bot.surfaces.words",
    "bot/ports.py": "import bot.launching",
    "bot/tasks.py": "import bot.ports",
    "bot/launching/requesting.py": "import bot.worker",
    "bot/worker/launches.py": "import bot.gateways.http",
    "bot/definitions/live.py": "import bot.store",
    "bot/gateways/http.py": "import bot.store",
    "bot/store/rows.py": "import bot.settings",
    "bot/settings/build.py": "import bot.app",
    "bot/checking/slack.py": "import bot.app",
    "bot/logs.py": "import bot.checking",
    "bot/policing/matrix.py": "import bot.checking",
    "bot/app/building.py": "import bot.sandbox.demo",
    "bot/sandbox/demo.py": "import bot.__main__",
    "commands/launch.py": "import bot.store",
}
OTHERS: dict[str, tuple[str, str]] = {
    "a decision that reads a file system": ("bot/domain/inputs.py", "import os"),
    "a provider that opens a connection": ("bot/providers/domo.py", "import httpx"),
    "a surface that waits": ("bot/surfaces/lines.py", "import asyncio"),
    "a provider that knows another": ("bot/providers/domo.py", "import bot.providers.zuora"),
    "a command that reaches a provider": ("commands/status.py", "import bot.providers"),
    "effects wired in a second place": ("bot/checking/connection.py", "import bot.gateways.http"),
    "a room that nobody declared": ("bot/cellar.py", '"""A new room."""'),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The house, to plant things in."""
    folder = tmp_path_factory.mktemp("house")
    for name in ("bot", "commands"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_contract_holds(copy: Path) -> None:
    result = lint(copy)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("room", "line"), [*PLANTED.items(), *OTHERS.values()], ids=[*PLANTED, *OTHERS])
def test_an_import_that_does_not_belong_is_caught(copy: Path, room: str, line: str) -> None:
    path = copy / room
    before = path.read_text(encoding="utf-8") if path.exists() else None
    try:
        path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
        assert lint(copy).returncode != 0
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, encoding="utf-8")


def test_every_room_has_a_planted_import() -> None:
    """A new room needs a line in the table above."""
    rooms = {path.stem if path.is_file() else path.name for path in (ROOT / "bot").iterdir()}
    planted = {Path(room).parts[1].removesuffix(".py") for room in PLANTED if room.startswith("bot/")}

    assert rooms - {"__init__", "__main__", "__pycache__"} == planted
