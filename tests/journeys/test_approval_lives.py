"""Approvals over the life of the program itself: killed at the click, and its configuration edited while a launch waits."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

import pytest
import yaml

from bot.sandbox.slack.workspace import Message
from bot.sandbox.world import Sandbox
from tests.journeys.go_house import HERE, ONE, TWO, WISH, with_approval
from tests.journeys.house import launch_id
from tests.journeys.storm import MORTAL, Kept, eventually

pytestmark = pytest.mark.journey

AT_THE_LAST_YES = (
    "store.record_delivery:after:1",
    "store.save:before:1",
    "store.save:after:1",
    "store.save:after:2",
    "store.finish_delivery:before:1",
)
"""Taken and not looked at; looked at and not counted; counted and not started; STARTING on disk and nothing sent;
all done but for the mark (by then the worker may have been quicker)."""


@dataclass
class Lives:
    """The program between the stand-ins, with a launch that waits."""

    sandbox: Sandbox
    folder: Path

    @property
    def kept(self) -> Kept:
        return Kept(self.folder / "gonogo.db")

    def cards(self) -> list[Message]:
        return self.sandbox.slack.workspace.messages(HERE)

    def lines(self, *words: str) -> list[str]:
        (card,) = self.cards()
        thread = self.sandbox.slack.workspace.thread(HERE, card.ts)
        return [line.text for line in thread if all(word in line.text for word in words)]

    async def told(self, *words: str) -> str:
        await eventually(lambda: bool(self.cards()) and bool(self.lines(*words)), 10, f"nothing said {words}")
        return self.lines(*words)[-1]

    async def asked(self) -> Message:
        assert (await self.sandbox.slack.command("U0ALICE", HERE, WISH)).is_ok
        await self.told("please approve or reject")
        return self.cards()[0]

    async def press(self, user_id: str, label: str = "Approve") -> None:
        (card,) = self.cards()
        await self.sandbox.slack.click(user_id, HERE, card.ts, label)

    async def ended(self, word: str) -> None:
        def has_ended() -> bool:
            return self.cards()[0].text.startswith(word) and bool(self.lines()) and self.lines()[-1].startswith(word)

        await eventually(has_ended, 15, lambda: f"not {word}: {self.cards()[0].text} {self.lines()}")


@asynccontextmanager
async def lives(folder: Path, rule: dict[str, object], *, is_mortal: bool = False) -> AsyncGenerator[Lives, None]:
    path = folder / "gonogo.yaml"
    path.write_text(yaml.safe_dump(with_approval(rule)), encoding="utf-8")
    settings = {"GONOGO_LEASE_S": "0.5", "GONOGO_DIE_AT_FILE": str(folder / "die_at")}
    mortal = {"program": MORTAL, "settings": settings} if is_mortal else {}
    async with Sandbox(folder, run_s=0.1, configuration=path, **mortal) as sandbox:  # type: ignore[arg-type]
        sandbox.slack._courier.ack_timeout_s = 1.0
        yield Lives(sandbox=sandbox, folder=folder)


@pytest.mark.parametrize("point", AT_THE_LAST_YES)
async def test_a_bot_that_is_killed_at_the_last_yes_starts_it_once_in_its_next_life(tmp_path: Path, point: str) -> None:
    async with lives(tmp_path, TWO, is_mortal=True) as bot:
        card = await bot.asked()
        await bot.press("U0BOB")
        await bot.told("1 of 2")
        await bot.sandbox.stop_bot()
        (tmp_path / "die_at").write_text(point, encoding="utf-8")
        await bot.sandbox.start_bot()

        await bot.press("U0CAROL")
        await eventually(lambda: bot.sandbox.bot_exit_code is not None, 10, f"{point} was never reached")
        assert bot.sandbox.bot_exit_code == -SIGKILL
        (tmp_path / "die_at").unlink()
        assert len(bot.sandbox.providers.runs("zuora")) <= point.startswith("store.finish")
        await bot.sandbox.start_bot()
        await bot.ended("Succeeded")

        (run,) = bot.sandbox.providers.runs("zuora")
        assert run.key == launch_id(card)
        assert kinds(bot)[:4] == ["requested", "approved", "cleared", "starting"]
        assert kinds(bot).count("cleared") == 1
        assert len(bot.lines("approved by <@U0BOB> and <@U0CAROL>")) == 1


async def test_a_policy_file_that_is_edited_while_a_launch_waits_asks_again_under_what_it_says_now(tmp_path: Path) -> None:
    async with lives(tmp_path, ONE) as bot:
        await bot.asked()
        await edited(bot, lambda: (tmp_path / "gonogo.yaml").write_text(yaml.safe_dump(with_approval(TWO)), encoding="utf-8"))

        await bot.press("U0BOB")
        line = await bot.told("asked for again")
        assert "the grant that allows it" in line
        assert bot.sandbox.providers.runs("zuora") == []
        await bot.press("U0BOB")
        await bot.told("1 of 2")
        await bot.press("U0CAROL")
        await bot.ended("Succeeded")

        assert kinds(bot)[:4] == ["requested", "reopened", "approved", "cleared"]
        assert len(bot.sandbox.providers.runs("zuora")) == 1


async def edited(bot: Lives, edit: Callable[[], object]) -> None:
    """Edit, say so by SIGHUP, and wait until the bot has it in force."""
    pid = bot.sandbox.bot_pid
    assert pid is not None
    edit()
    os.kill(pid, signal.SIGHUP)
    log = bot.sandbox.log_path
    await eventually(lambda: re.search("configuration_reloaded", log.read_text(encoding="utf-8")) is not None, 10, "not reloaded")


def kinds(bot: Lives) -> list[str]:
    with closing(sqlite3.connect(bot.kept.path, timeout=10)) as database:
        return [kind for (kind,) in database.execute("SELECT kind FROM events ORDER BY seq")]
