"""Plays the journeys of the script on the page: at human speed, with a caption for each step, one at a time.

Why the journeys and not something made for show: what explains the bot is then what the script checks, verdict included.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from bot.sandbox.acts import Edit, JourneyError, Lose, Take
from bot.sandbox.go_journeys import ACCESS, APPROVALS, LOST_SCOPE
from bot.sandbox.journeys import LAUNCHES, TROUBLE, Journey
from bot.sandbox.page.show import Show, Telling, count_steps
from bot.sandbox.page.tempo import TEMPI, Waiting
from bot.sandbox.page.tour import ABOUT, TOUR, TOUR_NAME
from bot.sandbox.script import ENDS_WITHIN_S, JOURNEYS, Player
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.world import CONFIGURATION, BotDiedError, Sandbox

NONE_PLAYS = "No scenario is playing."
GROUPS: tuple[tuple[str, str, tuple[Journey, ...]], ...] = (
    ("Launches", "One command at each provider, from the text to the finished thread.", LAUNCHES),
    ("Forms", "The same without remembering anything: choose, fill in, be told what is wrong.", ()),
    ("Approvals", "Others have to agree: who, how many, to what, and until when.", APPROVALS),
    ("Access", "Why something is allowed or not, limits, freezes, and rights that get lost.", (*ACCESS, *LOST_SCOPE)),
    ("Trouble", "Mistakes, refusals, failures and a killed bot: what people are told then.", TROUBLE),
)
"""Every group with its own journeys; what no other has is a form's."""


def name_of(journey: Journey) -> str:
    """What a journey is called in an address: its title in lower case, with dashes."""
    return re.sub(r"[^a-z0-9]+", "-", journey.title.lower()).strip("-")


def grouped() -> list[tuple[str, str, tuple[Journey, ...]]]:
    """Every journey of the script, each in one group."""
    claimed = {journey.title for _, _, mine in GROUPS for journey in mine}
    rest = tuple(journey for journey in JOURNEYS if journey.title not in claimed)
    return [(title, about, mine or rest) for title, about, mine in GROUPS]


class Scenarios:
    """What can be played, and what plays. Every change is told to ``feed`` as ``scenario``."""

    def __init__(self, sandbox: Sandbox, feed: Telling, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._sandbox, self._feed, self._sleep = sandbox, feed, sleep
        self.ends_within_s = ENDS_WITHIN_S
        self._by_name = {name_of(journey): journey for journey in JOURNEYS}
        self._show: Show | None = None
        self._task: asyncio.Task[None] | None = None

    # --- looking ---------------------------------------------------------------------------------------------------

    def listed(self) -> dict[str, Any]:
        """Every scenario, in its group; the tour; and what plays now."""
        groups = [
            {"title": title, "about": about, "scenarios": list(map(self._listed, mine))} for title, about, mine in grouped()
        ]
        tour = {"name": TOUR_NAME, "title": "Play the tour", "chapters": list(TOUR)}
        return {"groups": groups, "tour": tour, "playing": self.shown()}

    def shown(self) -> dict[str, Any] | None:
        """What plays now, or None."""
        return self._show.shown() if self._show is not None and not self._show.is_over else None

    @property
    def is_playing(self) -> bool:
        """True until the verdict."""
        return self._task is not None and not self._task.done()

    # --- acts ------------------------------------------------------------------------------------------------------

    async def act(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """``play`` (name, pace), ``stop``, ``pause`` (is_paused) or ``skip``; what plays afterwards.

        Raises:
            NotPossibleError: not now, or there is no such thing; the text says why.
        """
        match name:
            case "play":
                self.play(str(given.get("name", "")), pace=str(given.get("pace", "human")))
            case "stop":
                await self.stop()
            case "pause":
                self._playing().waiting.pause(is_paused=bool(given.get("is_paused", True)))
                self._playing().tell()
            case "skip":
                self._playing().waiting.skip()
            case _:
                raise NotPossibleError(f"there is no {name!r} here; there are play, stop, pause and skip")
        return {"scenario": self.shown()}

    def play(self, name: str, *, pace: str) -> None:
        """Begin one scenario, or the tour.

        Raises:
            NotPossibleError: one plays already, or there is no such scenario or pace.
        """
        if self.is_playing:
            assert self._show is not None, "it plays"  # noqa: S101 - narrows
            raise NotPossibleError(f"“{self._show.shown()['title']}” is playing: wait for its end, or stop it first")
        if pace not in TEMPI:
            raise NotPossibleError(f"there is no pace {pace!r}; there are {', '.join(TEMPI)}")
        journeys = self._journeys(name)
        tempo, waiting = TEMPI[pace], Waiting(sleep=self._sleep)
        self._show = Show(sandbox=self._sandbox, name=name, tempo=tempo, waiting=waiting, feed=self._feed)
        self._show.chapters = len(journeys)
        self._task = asyncio.create_task(self._play(self._show, journeys))

    async def stop(self) -> None:
        """End what plays, and put the sandbox back in order."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # --- inside ----------------------------------------------------------------------------------------------------

    async def _play(self, show: Show, journeys: tuple[Journey, ...]) -> None:
        """Journey after journey; the sandbox is put in order after each, however it ended."""
        failures = 0
        try:
            for number, journey in enumerate(journeys, 1):
                show.chapter = number
                failures += not await self._played(show, journey)
            if len(journeys) > 1:
                show.verdict = _verdict(len(journeys), failures)
        except asyncio.CancelledError:
            show.is_ok, show.verdict = False, "Stopped."
            with suppress(BotDiedError):  # the journey may have stopped it
                await self._sandbox.start_bot()
            raise
        finally:
            show.is_over, show.is_ok = True, show.is_ok and not failures
            show.tell()

    async def _played(self, show: Show, journey: Journey) -> bool:
        """One journey, from its title to its verdict."""
        player = Player(self._sandbox, Console(quiet=True), ends_within_s=self.ends_within_s, pace=show)
        run_s = self._sandbox.providers.run_s
        self._sandbox.providers.speed(show.tempo.run_s(journey, run_s))
        try:
            await show.open(journey)
            verdict, is_ok = await player.play_one(journey), True
        except (BotDiedError, JourneyError, NotPossibleError, TimeoutError) as error:
            verdict, is_ok = f"not as it should: {error}", False
        finally:
            self._sandbox.providers.speed(run_s)
            await self._put_in_order(journey)
        await show.close(verdict, is_ok=is_ok)
        return is_ok

    async def _put_in_order(self, journey: Journey) -> None:
        """Take back what the journey did to the world: taken scopes, faults that befell nobody, an edited file, a bot that is down."""
        deeds = (*journey.before, *journey.form, *journey.acts)
        providers = self._sandbox.providers
        taken = [deed for deed in deeds if isinstance(deed, Take)]
        for deed in taken:
            providers.hold_scope(deed.provider, deed.scope, is_held=True)
        for deed in deeds:
            if isinstance(deed, Lose):
                providers.clear(deed.provider)
        if any(isinstance(deed, Edit) for deed in deeds):
            self._put_file_back()
        if taken:  # at its start the bot looks anew at what its credentials may do, and at nothing that it was once refused
            await self._sandbox.stop_bot()
            await asyncio.to_thread(forget_rights, self._sandbox.database)
        with suppress(BotDiedError):  # whoever keeps it alive says so
            await self._sandbox.start_bot()

    def _put_file_back(self) -> None:
        original, path = CONFIGURATION.read_text(encoding="utf-8"), self._sandbox.configuration
        if path.read_text(encoding="utf-8") != original:
            path.write_text(original, encoding="utf-8")
            self._sandbox.reload_bot()

    def _journeys(self, name: str) -> tuple[Journey, ...]:
        if name == TOUR_NAME:
            return tuple(journey for title in TOUR for journey in JOURNEYS if journey.title == title)
        if name not in self._by_name:
            raise NotPossibleError(f"there is no scenario {name!r}; there are {', '.join((TOUR_NAME, *self._by_name))}")
        return (self._by_name[name],)

    def _playing(self) -> Show:
        if not self.is_playing or self._show is None:
            raise NotPossibleError(NONE_PLAYS)
        return self._show

    def _listed(self, journey: Journey) -> dict[str, Any]:
        world = self._sandbox.slack.workspace
        channel, user = world.channels[journey.channel_id], world.users[journey.user_id]
        facts = {"name": name_of(journey), "title": journey.title, "about": ABOUT.get(journey.title, "")}
        return facts | {"channel": channel.name, "user": user.name, "steps": count_steps(journey)}


def forget_rights(database: Path) -> None:
    """Let the bot, which is down, know nothing of what its credentials may do."""
    with closing(sqlite3.connect(database, timeout=10)) as opened, opened:
        opened.execute("DELETE FROM holdings")


def _verdict(count: int, failures: int) -> str:
    return (
        f"{count} scenarios, each ended as it should." if not failures else f"{failures} of {count} scenarios did not end well."
    )
