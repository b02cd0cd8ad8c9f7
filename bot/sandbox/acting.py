"""Does what ``acts`` describe, in one sandbox: as a person in Slack, as an operator, as a provider, or as time."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import assert_never

from bot.sandbox.acts import Act, Change, Edit, Fill, Happening, JourneyError, Later, Lose, Place, Press, Read, Take, Type, Write
from bot.sandbox.form_filling import Filler
from bot.sandbox.pace import AtOnce, Pace
from bot.sandbox.slack.delivery import Acknowledged
from bot.sandbox.slack.demo import OPERATORS
from bot.sandbox.slack.workspace import Message, Workspace
from bot.sandbox.standins import Fault, FaultKind
from bot.sandbox.world import CONFIGURATION, Sandbox

LAUNCH_ID = re.compile(r"\bL-[0-9A-Z]{4,12}\b")
HALF_AN_HOUR = timedelta(minutes=30)
_TIMES = ("asked_at", "expires_at", "remind_at", "escalate_at", "cool_down_until")


@dataclass(kw_only=True)
class Actor:
    """Acts in one channel. ``say`` prints what happens besides people and bot; ``card`` is the journey's, once there is one."""

    sandbox: Sandbox
    channel_id: str
    say: Callable[[str], None]
    within_s: float
    card: Message | None = None
    pace: Pace = field(default_factory=AtOnce)
    operators_before: int = field(init=False)

    def __post_init__(self) -> None:
        self.operators_before = len(self._workspace.messages(OPERATORS))

    async def act(self, act: Act) -> None:
        """Do one thing.

        Raises:
            JourneyError: it was not possible.
            TimeoutError: what must be read next did not come.
        """
        await self.pace.before(act, self.card)
        match act:
            case Press():
                await self._press(act)
            case Write():
                await self._write(act)
            case Fill():
                await self._fill(act)
            case Type():
                text = act.text.replace("<id>", self._launch_id())
                typed = self.sandbox.slack.command(act.user_id, self.channel_id, text)
                await self._told(act.user_id, act.told, typed)
            case Read():
                await self._read(act)
            case _:
                await self._happen(act)

    async def _happen(self, act: Happening) -> None:
        """What no person in Slack does."""
        match act:
            case Later():
                await self._later(act)
            case Edit():
                await self._edit(act)
            case Change():
                change_input(self.sandbox.database, self._launch_id(), act.name, act.value)
                self.say(act.says)
            case Lose():
                self.sandbox.providers.fault(act.provider, Fault(kind=FaultKind.DROP, is_applied=True), verb="start")
                self.say(act.says)
            case Take():
                self.sandbox.providers.hold_scope(act.provider, act.scope, is_held=False)
                self.say(act.says)
            case _:
                assert_never(act)

    # --- people

    async def _press(self, act: Press) -> None:
        answers = self._workspace.ephemerals(self.channel_id, act.user_id)
        message = answers[-1] if act.is_on_answer and answers else self.card
        if message is None:
            raise JourneyError(f"there is nothing to press {act.label!r} on")
        pressed = self.sandbox.slack.click(act.user_id, self.channel_id, message.ts, act.label)
        await self._told(act.user_id, act.told, pressed)

    async def _write(self, act: Write) -> None:
        await self._workspace.wait_for(lambda seen: seen.views.top(act.user_id), self.within_s)
        self.say(f"{self._workspace.users[act.user_id].name} writes into the form: {act.says}")
        sent = await self.sandbox.slack.submit(act.user_id, act.values)
        if not sent.is_ok:
            raise JourneyError("Slack got no acknowledgement of the form")

    async def _fill(self, act: Fill) -> None:
        """Without anything wrong, it launches: the new card is the one that the journey goes on with."""
        before = {message.ts for message in self._workspace.messages(self.channel_id)}
        await Filler(sandbox=self.sandbox, user_id=act.user_id, say=self.say, within_s=self.within_s, pace=self.pace).fill(act)
        if not act.wrong:
            self.card = await self._workspace.wait_for(
                lambda seen: next((one for one in seen.messages(self.channel_id) if one.ts not in before), None), self.within_s
            )

    async def _told(self, user_id: str, told: str | None, acting: Awaitable[Acknowledged]) -> None:
        before = len(self._workspace.ephemerals(self.channel_id, user_id))
        done = await acting
        if not done.is_ok:
            raise JourneyError("Slack got no acknowledgement")
        if told is not None:
            await self._until(lambda seen: _says(seen.ephemerals(self.channel_id, user_id)[before:], told), f"is told {told!r}")

    # --- what must be read

    async def _read(self, act: Read) -> None:
        await self._until(lambda seen: _says(self._written(seen, act.where), act.words), f"reads {act.words!r} ({act.where})")

    def _written(self, workspace: Workspace, where: Place) -> list[Message]:
        if where == "operators":
            return workspace.messages(OPERATORS)[self.operators_before :]
        if self.card is None:
            return []
        card = workspace.find(self.card.channel_id, self.card.ts)
        thread = workspace.thread(self.card.channel_id, self.card.ts)
        return thread if where == "thread" else [card] if card else []

    async def _until(self, is_so: Callable[[Workspace], Message | None], what: str) -> None:
        try:
            await self._workspace.wait_for(is_so, self.within_s)
        except TimeoutError:
            raise JourneyError(f"nobody {what} within {self.within_s:g} s") from None

    # --- the world

    async def _later(self, act: Later) -> None:
        """The bot is down meanwhile, so that it meets the new times the way it meets a long night."""
        await self.sandbox.stop_bot()
        put_back(self.sandbox.database, self._launch_id(), timedelta(minutes=act.minutes))
        shown = f"{act.minutes // 60} hours" if act.minutes % 60 == 0 else f"{act.minutes} minutes"
        self.say(f"the bot is stopped for {shown} (its times in the demo's database are moved: nobody waits), and started again")
        await self.sandbox.start_bot()

    async def _edit(self, act: Edit) -> None:
        now = datetime.now(UTC)  # noqa: TID251 - the demo's world has a clock of its own
        after = act.after.replace("{from}", _stamp(now - HALF_AN_HOUR)).replace("{to}", _stamp(now + HALF_AN_HOUR))
        told = len(self._workspace.messages(OPERATORS))
        self.sandbox.configuration.write_text(rewritten(act.before, after), encoding="utf-8")
        self.say(act.says)
        self.sandbox.reload_bot()
        reloaded = "Configuration reloaded"
        await self._until(lambda seen: _says(seen.messages(OPERATORS)[told:], reloaded), f"is told {reloaded!r}")

    @property
    def _workspace(self) -> Workspace:
        return self.sandbox.slack.workspace

    def _launch_id(self) -> str:
        found = LAUNCH_ID.search(self.card.text) if self.card is not None else None
        return found[0] if found else ""


def rewritten(before: str, after: str) -> str:
    """The demo's configuration as it is delivered, but that ``after`` stands where ``before`` did; empty: as it is.

    Raises:
        JourneyError: there is no such place, or more than one.
    """
    text = CONFIGURATION.read_text(encoding="utf-8")
    if before and text.count(before) != 1:
        raise JourneyError(f"the demo's configuration holds {before!r} {text.count(before)} times, not once")
    return text.replace(before, after) if before else text


def put_back(database: Path, launch_id: str, by: timedelta) -> None:
    """Move the times of one launch's approval into the past, as if so much time had passed since."""
    with closing(sqlite3.connect(database, timeout=10)) as opened, opened:
        row = opened.execute("SELECT approval, due_at FROM launches WHERE launch_id = ?", (launch_id,)).fetchone()
        if row is None or not row[0] or not row[1]:
            raise JourneyError(f"{launch_id or 'the launch'} waits for no approval")
        approval = json.loads(row[0])
        moved = {name: earlier(approval[name], by) for name in _TIMES if approval.get(name)}
        values = (json.dumps(approval | moved), earlier(row[1], by), launch_id)
        opened.execute("UPDATE launches SET approval = ?, due_at = ? WHERE launch_id = ?", values)


def change_input(database: Path, launch_id: str, name: str, value: str | int) -> None:
    """Write another value for one input of a kept launch, past the bot."""
    with closing(sqlite3.connect(database, timeout=10)) as opened, opened:
        row = opened.execute("SELECT inputs FROM launches WHERE launch_id = ?", (launch_id,)).fetchone()
        if row is None or name not in json.loads(row[0]):
            raise JourneyError(f"{launch_id or 'the launch'} has no input {name!r}")
        inputs = json.loads(row[0]) | {name: value}
        opened.execute("UPDATE launches SET inputs = ? WHERE launch_id = ?", (json.dumps(inputs), launch_id))


def earlier(written: str, by: timedelta) -> str:
    """A time as it is written, so much earlier, written the same way."""
    at = (datetime.fromisoformat(written) - by).astimezone(UTC)
    return f"{at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z" if written.endswith("Z") else at.isoformat()


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%MZ}"


def _says(messages: Sequence[Message], words: str) -> Message | None:
    return next((message for message in messages if words in message.text), None)
