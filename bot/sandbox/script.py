"""Plays the journeys in the terminal, and says of each whether it ended as it should."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from time import monotonic

import simplejson
from rich.console import Console
from rich.rule import Rule

from bot.sandbox.acting import LAUNCH_ID, Actor, JourneyError
from bot.sandbox.acts import Press, Type
from bot.sandbox.form_journeys import FORMS
from bot.sandbox.go_journeys import ACCESS, APPROVALS, LOST_SCOPE
from bot.sandbox.journeys import LAUNCHES, TROUBLE, Journey, Request
from bot.sandbox.pace import Aside, AtOnce, Pace
from bot.sandbox.screen import Screen, shown_request
from bot.sandbox.slack.errors import NotPossibleError
from bot.sandbox.slack.workspace import Message, Workspace
from bot.sandbox.standins import STANDINS, Received
from bot.sandbox.world import CONFIGURATION, Sandbox

ENDS_WITHIN_S = 30.0
KILL = Aside(says="The bot is killed, as by a power cut, and started again. What it had promised is kept.")
THE_END = Aside(says="The rest is the bot's: it follows the run until it has ended.")
NOTHING_RAN = Aside(says="Nothing has run at the provider, and the card says how it ended.")
CATCH_UP_S = 0.02
"""So that the screen has shown what happened before the verdict is printed."""
_NUMBERS = {0: "no run", 1: "one run", 2: "two runs"}
JOURNEYS = (*LAUNCHES, *FORMS, *TROUBLE, *APPROVALS, *ACCESS, *LOST_SCOPE)


class Player:
    """Plays journeys, one after the other, in one sandbox."""

    def __init__(
        self, sandbox: Sandbox, console: Console, *, ends_within_s: float = ENDS_WITHIN_S, pace: Pace | None = None
    ) -> None:
        self._sandbox = sandbox
        self._pace = pace or AtOnce()
        self._ends_within_s = ends_within_s
        self._console = console
        self._screen = Screen(sandbox.slack.workspace, console)

    async def play(self, journeys: tuple[Journey, ...] = JOURNEYS) -> int:
        """Play them; how many ended otherwise than they should."""
        watching = asyncio.create_task(self._screen.follow(self._sandbox.slack.workspace.subscribe()))
        failures = 0
        try:
            for number, journey in enumerate(journeys, 1):
                failures += not await self._played(number, journey)
        finally:
            watching.cancel()
        return failures

    async def _played(self, number: int, journey: Journey) -> bool:
        channel = self._sandbox.slack.workspace.channels[journey.channel_id]
        self._console.print()
        self._console.print(Rule(f"{number} · {journey.title} · #{channel.name}", align="left", style="dim"))
        began = monotonic()
        try:
            told = await self.play_one(journey)
        except (JourneyError, NotPossibleError, TimeoutError) as error:
            await asyncio.sleep(CATCH_UP_S)
            self._console.print(f"  ✗ {error}", style="bold red", markup=False)
            return False
        await asyncio.sleep(CATCH_UP_S)
        self._console.print(f"  ✓ {told} ({monotonic() - began:.1f} s)", style="bold green", markup=False)
        return True

    async def play_one(self, journey: Journey) -> str:
        """Play one; how it ended.

        Raises:
            JourneyError, NotPossibleError, TimeoutError: otherwise than it should, and how.
        """
        within_s, pace = self._ends_within_s, self._pace
        actor = Actor(sandbox=self._sandbox, channel_id=journey.channel_id, say=self._say, within_s=within_s, pace=pace)
        for act in journey.before:
            await actor.act(act)
        slack = self._sandbox.slack
        before = Before(slack.workspace, journey, len(self._sandbox.providers.received), self._count_runs())
        await pace.before(Type(user_id=journey.user_id, text=journey.typed), None)
        acknowledged = await slack.command(journey.user_id, journey.channel_id, journey.typed)
        _require(acknowledged.is_ok, "Slack got no acknowledgement")
        if journey.ends is None:
            return await self._answered(journey, before, actor)
        if journey.is_redelivered:
            await slack.redeliver(acknowledged)
            self._say("Slack delivers the same command once more")
        if journey.is_killed:
            await pace.before(KILL, None)
            await self._kill_and_start()
        for act in journey.form:
            await actor.act(act)
        if journey.is_killed:
            return await self._survived(journey, before, pace)
        actor.card = actor.card or await slack.workspace.wait_for(before.new_card, self._ends_within_s)
        await self._on_its_way(journey, actor.card)
        for act in journey.acts:
            await actor.act(act)
        await pace.before(THE_END if journey.runs else NOTHING_RAN, actor.card)
        return await self._ended(journey, before, actor.card)

    async def _on_its_way(self, journey: Journey, card: Message) -> None:
        workspace = self._sandbox.slack.workspace
        if journey.passes is not None:
            passed = journey.passes.word
            await workspace.wait_for(lambda seen: _card_says(seen, card, passed), self._ends_within_s)
        if journey.then_cancel:
            await workspace.wait_for(lambda seen: _card_says(seen, card, "Running"), self._ends_within_s)
            await self._pace.before(Press(user_id=journey.user_id, label="Cancel"), card)
            await self._sandbox.slack.click(journey.user_id, journey.channel_id, card.ts, "Cancel")

    async def _kill_and_start(self) -> None:
        await self._sandbox.kill_bot()
        await asyncio.sleep(0)  # the screen's turn
        self._say("the bot is killed (SIGKILL) and started again; the launch goes on when the dead bot's claim lapses (15 s)")
        await self._sandbox.start_bot()
        self._say("the bot is back")

    async def _survived(self, journey: Journey, before: Before, pace: Pace) -> str:
        """The end of a launch whose bot was killed at a moment left to chance, and where it was told.

        A card whose post was under way at that moment may be there or not, and nobody can tell: then the requester is told directly.
        """
        word = journey.ends.word if journey.ends else ""
        await pace.before(THE_END, None)

        def told(seen: Workspace) -> Message | None:
            card = before.new_card(seen)
            return before.new_direct_message(seen) or (_ended(seen, card, word) if card is not None else None)

        shown = await self._sandbox.slack.workspace.wait_for(told, self._ends_within_s)
        _require(shown.text.startswith(word), f"expected {word}, but the requester was told: {shown.text}")
        cards = before.count_new_cards(self._sandbox.slack.workspace)
        _require(cards <= journey.cards, f"{cards} cards were posted")
        runs = self._count_new_runs(journey, before)
        where = "" if shown.channel_id == journey.channel_id else "; the kill lost its card, so the requester was told directly"
        return f"{_NUMBERS.get(runs, str(runs))}, ended {word}, as it should{where}"

    def _say(self, text: str) -> None:
        """What happens besides the journey's people and the bot."""
        self._console.print(f"  ⚡ {text}", style="bold red", markup=False)

    async def _answered(self, journey: Journey, before: Before, actor: Actor) -> str:
        """An answer that only this person sees, and nothing else."""
        expected = (journey.refused_with,) if journey.refused_with is not None else journey.answered_with
        answer = await self._sandbox.slack.workspace.wait_for(before.new_answer, self._ends_within_s)
        for words in expected:
            _require(words in answer.text, f"the answer does not name {words!r}")
        for act in journey.acts:
            await actor.act(act)
        _require(before.new_card(self._sandbox.slack.workspace) is None, "a card was posted all the same")
        _require(self._count_runs() == before.runs, "a run was started all the same")
        named = ", ".join(repr(words) for words in expected)
        return f"{'refused' if journey.refused_with is not None else 'answered'}, naming {named}; nothing was sent"

    async def _ended(self, journey: Journey, before: Before, card: Message) -> str:
        word = journey.ends.word if journey.ends else ""
        workspace = self._sandbox.slack.workspace
        try:
            ended = await workspace.wait_for(lambda seen: _ended(seen, card, word), self._ends_within_s)
        except TimeoutError:
            now = workspace.find(card.channel_id, card.ts)
            raise JourneyError(f"expected {word}, but the card says: {now.text if now else 'nothing'}") from None
        await asyncio.sleep(0)  # the screen's turn
        cards = before.count_new_cards(workspace)
        _require(cards == journey.cards, f"{cards} cards were posted")
        runs = self._count_new_runs(journey, before)
        if journey.request is not None:
            self._check_request(journey.request, before.received, ended)
        return f"{_NUMBERS.get(runs, str(runs))}, ended {word}, as it should"

    def _count_new_runs(self, journey: Journey, before: Before) -> int:
        """As many as the journey must cause."""
        runs = self._count_runs() - before.runs
        _require(runs == journey.runs, f"{runs} runs were started")
        return runs

    def _count_runs(self) -> int:
        """How many runs the providers have started."""
        return sum(len(self._sandbox.providers.runs(provider)) for provider in STANDINS)

    def _check_request(self, expected: Request, since: int, card: Message) -> None:
        """The provider got exactly one start, and it is the document's."""
        starts = [
            one for one in self._sandbox.providers.received[since:] if one.provider == expected.provider and one.verb == "start"
        ]
        for start in starts:
            body = simplejson.dumps(start.json, use_decimal=True)
            self._console.print(shown_request(start.method, start.path, start.headers, body))
        _require(len(starts) == 1, f"{len(starts)} starts were sent")
        _require(_is_as_documented(starts[0], expected, card), "the request differs from the provider's document")


class Before:
    """What the channel looked like before a journey, to tell what is new."""

    def __init__(self, workspace: Workspace, journey: Journey, received: int, runs: int) -> None:
        self._journey = journey
        self._cards = {message.ts for message in workspace.messages(journey.channel_id)}
        self._answers = len(workspace.ephemerals(journey.channel_id, journey.user_id))
        self._direct = {message.ts for message in workspace.direct_messages(journey.user_id)}
        self.received, self.runs = received, runs

    def new_card(self, workspace: Workspace) -> Message | None:
        """The first card that was posted since."""
        return next((one for one in workspace.messages(self._journey.channel_id) if one.ts not in self._cards), None)

    def count_new_cards(self, workspace: Workspace) -> int:
        """How many cards were posted since."""
        return sum(one.ts not in self._cards for one in workspace.messages(self._journey.channel_id))

    def new_direct_message(self, workspace: Workspace) -> Message | None:
        """The first message since from the bot to this person alone."""
        return next((one for one in workspace.direct_messages(self._journey.user_id) if one.ts not in self._direct), None)

    def new_answer(self, workspace: Workspace) -> Message | None:
        """The first answer since that only this person sees."""
        answers = workspace.ephemerals(self._journey.channel_id, self._journey.user_id)[self._answers :]
        return answers[0] if answers else None


async def play_script(data: Path, console: Console) -> int:
    """Start a sandbox, play every journey, stop it; the number of failures."""
    began = monotonic()
    console.print("Starting a stand-in Slack, five stand-in providers and the bot, all on this machine …")
    configuration = data / "demo.yaml"
    await asyncio.to_thread(shutil.copyfile, CONFIGURATION, configuration)
    async with Sandbox(data, configuration=configuration) as sandbox:
        failures = await Player(sandbox, console).play()
    console.print()
    verdict = "every journey ended as it should" if not failures else f"{failures} of {len(JOURNEYS)} journeys did not"
    console.print(f"{len(JOURNEYS)} journeys in {monotonic() - began:.0f} s: {verdict}.", style="bold")
    return failures


def _card_says(workspace: Workspace, card: Message, word: str) -> Message | None:
    now = workspace.find(card.channel_id, card.ts)
    return now if now is not None and now.text.startswith(word) else None


def _ended(workspace: Workspace, card: Message, word: str) -> Message | None:
    """The card in its final state, once the last thread line says the same."""
    thread = workspace.thread(card.channel_id, card.ts)
    is_told = bool(thread) and word in thread[-1].text
    return _card_says(workspace, card, word) if is_told else None


def _is_as_documented(start: Received, expected: Request, card: Message) -> bool:
    launch_id = LAUNCH_ID.search(card.text)
    wanted = simplejson.dumps(expected.json, sort_keys=True).replace("<launch id>", launch_id[0] if launch_id else "")
    got = simplejson.dumps(start.json, sort_keys=True, use_decimal=True)
    return (start.method, start.path, got) == (expected.method, expected.path, wanted)


def _require(claim: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a claim
    if not claim:
        raise JourneyError(otherwise)
