"""The real bot dies by SIGKILL at every named point of a launch's life; the next life carries on. Slow: `pytest -m crash`.

The points are not listed by hand: a first launch, of which nobody dies, writes down what it passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from time import monotonic

import pytest

from bot.sandbox.journeys import LAUNCHES, TROUBLE, Journey
from bot.sandbox.slack.delivery import Acknowledged
from bot.sandbox.slack.workspace import Message
from bot.sandbox.standins import Run
from bot.sandbox.world import Sandbox
from tests.journeys.storm import MORTAL, Book, Kept, KeptOnPostgres, eventually
from tests.postgres_server import migrated_database

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]

STORES = ["file", "postgres"]
RUN_S = 0.4
LONG_ENOUGH_TO_BE_FOUND_S = 4.0
DIES_WITHIN_S = 8.0
SETTLES_WITHIN_S = 20.0
FINDS = {"bitrix24", "captain_data", "domo", "zuora"}
"""Providers at which the run of a lost start is found or sent again; the demo's Salesforce connection names no correlation field."""
UNCHANGING = {
    "store.bound_runs",
    "store.claim_notice",
    "store.delivery",
    "store.durations",
    "store.events",
    "store.first_name",
    "store.has_rivals",
    "store.gone",
    "store.has_telling",
    "store.home_failed",
    "store.home_shown",
    "store.keep_mirror",
    "store.keep_pauses",
    "store.launch",
    "store.lease_homes",
    "store.mirror",
    "store.next_delivery",
    "store.next_by_connection",
    "store.next_home",
    "store.next_telling",
    "store.notice_not_told",
    "store.notice_told",
    "store.pauses",
    "store.recent",
    "store.renew_leases",
    "store.seen",
    "store.set_aside",
    "store.usage",
    "thread.publish_home",
    "thread.tell_operators",
}
"""What changes nothing, or comes by the clock and not by the launch."""
TIMES = {
    "thread.update_card": 1,
    "store.save": 4,
    "wire.perform": 3,
    "store.lease_of": 3,
    "store.lease_tellings": 3,
    "store.lease_deliveries": 1,
}
MERGED = {"store.card_told", "store.lease_of", "store.save", "store.telling_done", "thread.update_card", "wire.perform"}
"""How often these come depends on how many changes the card shows at once, or on what is known of how long runs take: the last is
not counted on."""
MOST_REPEATED_LINES = 1
"""A death may fall between Slack's taking a line and our commit: that one line rather stands twice than not at all."""
REFUSED = next(journey for journey in TROUBLE if journey.refused_with == "colour")
OF_A_REFUSAL = ("store.record_delivery", "thread.answer", "store.finish_delivery")
"""What a refused command passes, in order; nothing of it comes by the clock."""
TOLD_TWICE_AFTER = {"thread.answer:after", "store.finish_delivery:before"}
"""Slack took the answer and we had not noted it: it rather stands twice than not at all."""


@dataclass(frozen=True)
class Point:
    """Where to die: at the ``count``-th time that a call begins (before) or ends (after)."""

    name: str
    count: int

    def __str__(self) -> str:
        return f"{self.name}:{self.count}"

    @property
    def may_be_missed(self) -> bool:
        """How often a run is looked at depends on when it is looked at first: a life may do with fewer looks than the dry run."""
        return self.name.startswith("wire.perform") and self.count > 1


@dataclass
class Lives:
    """One bot that lives many times, between the same stand-ins, with the same database."""

    sandbox: Sandbox
    journey: Journey
    provider: str
    die_at: Path
    kept: Kept

    async def dies(self, point: Point) -> Acknowledged:
        """Launch, and die there; what Slack was told."""
        self.die_at.write_text(str(point), encoding="utf-8")
        if point.name.startswith("wire."):  # what the life before learnt would be asked no more, or later
            await self.sandbox.stop_bot()
            self.kept.forget_durations()
            await self.sandbox.start_bot()
        acknowledged = await self.launch()
        try:
            await eventually(lambda: self.sandbox.bot_exit_code is not None, DIES_WITHIN_S, f"{point} was never reached")
        except TimeoutError:
            if not point.may_be_missed:
                raise
            await self.sandbox.stop_bot()  # it counts its calls: the next life begins anew
        else:
            assert self.sandbox.bot_exit_code == -SIGKILL
        self.die_at.unlink()
        return acknowledged

    async def launch(self) -> Acknowledged:
        return await self.sandbox.slack.command(self.journey.user_id, self.journey.channel_id, self.journey.typed)

    def runs(self) -> list[Run]:
        return self.sandbox.providers.runs(self.provider)

    def prolong(self, runs: list[Run]) -> None:
        """Runs that nobody knows of yet go on until they can be found."""
        for run in runs:
            self.sandbox.providers.standin(self.provider).ledger.change(run.run_id, lasts_s=LONG_ENOUGH_TO_BE_FOUND_S)

    def cards(self, launch_id: str) -> list[Message]:
        messages = self.sandbox.slack.workspace.messages(self.journey.channel_id)
        return [message for message in messages if launch_id in message.text]

    def lines(self, card: Message) -> list[str]:
        return [line.text for line in self.sandbox.slack.workspace.thread(card.channel_id, card.ts)]

    def told_directly(self, launch_id: str) -> list[str]:
        messages = self.sandbox.slack.workspace.direct_messages(self.journey.user_id)
        return [message.text for message in messages if launch_id in message.text]

    def answers(self) -> list[str]:
        """The refusals that the person who asked was told, and nobody else; Slack's own word of a time-out is none of ours."""
        messages = self.sandbox.slack.workspace.ephemerals(self.journey.channel_id, self.journey.user_id)
        return [message.text for message in messages if (self.journey.refused_with or "") in message.text]


@asynccontextmanager
async def lives(folder: Path, journey: Journey, store: str) -> AsyncGenerator[Lives, None]:
    folder.mkdir()  # noqa: ASYNC240 - before anything runs
    die_at = folder / "die_at"
    settings = {"GONOGO_LEASE_S": "0.5", "GONOGO_DIE_AT_FILE": str(die_at), "GONOGO_POINTS_FILE": str(folder / "points")}
    url = migrated_database() if store == "postgres" else ""
    settings |= {"GONOGO_DATABASE_URL": url} if url else {}
    provider = journey.request.provider if journey.request is not None else "domo"
    async with Sandbox(folder, run_s=RUN_S, program=MORTAL, settings=settings) as sandbox:
        sandbox.slack._courier.ack_timeout_s = 1.0
        kept = KeptOnPostgres(url=url) if url else Kept(folder / "gonogo.db")
        yield Lives(sandbox=sandbox, journey=journey, provider=provider, die_at=die_at, kept=kept)


async def points_of_a_launch(folder: Path, journey: Journey, store: str) -> list[Point]:
    """What one launch passes, in order, from the recording of its delivery to the last thing told."""
    async with lives(folder, journey, store) as one:
        await one.launch()
        await eventually(lambda: bool(one.kept.books()) and one.kept.is_quiet(), SETTLES_WITHIN_S, "the dry run did not end")
    passed = Counter((folder / "points").read_text(encoding="utf-8").split())
    return [Point(name, count) for name, seen in passed.items() for count in range(1, _times(name, seen) + 1)]


def _times(name: str, seen: int) -> int:
    call = name.rpartition(":")[0]
    if call in UNCHANGING:
        return 0
    return min(TIMES.get(call, 2), max(seen - 1, 1) if call in MERGED else seen)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("journey", LAUNCHES, ids=lambda journey: journey.request.provider)
async def test_a_launch_outlives_a_death_at_every_point(
    journey: Journey, store: str, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    points = await points_of_a_launch(tmp_path / "dry", journey, store)
    assert len(points) > 30, points

    async with lives(tmp_path / "lives", journey, store) as bot:
        for point in points:
            began = monotonic()
            with subtests.test(point=str(point)):
                try:
                    await outlives(bot, point)
                finally:
                    await between(bot)
            print(f"{bot.provider} {point} {monotonic() - began:.1f} s", flush=True)  # noqa: T201 - shown by -s and on failure


async def outlives(bot: Lives, point: Point) -> None:
    """One launch, one death, one more life: everything that was promised holds."""
    before, ran = {book.launch_id for book in bot.kept.books()}, len(bot.runs())
    acknowledged = await bot.dies(point)
    books = [book for book in bot.kept.books() if book.launch_id not in before]
    if not books or books[0].state == "starting":
        bot.prolong(bot.runs()[ran:])
    await bot.sandbox.start_bot()
    await eventually(lambda: is_settled(bot, before, ran), SETTLES_WITHIN_S, lambda: f"not settled: {seen(bot, before)}")

    new, runs = [book for book in bot.kept.books() if book.launch_id not in before], bot.runs()[ran:]
    assert len(runs) <= 1, "the provider ran it twice"
    assert len(new) <= 1, "one command, two launches"
    if acknowledged.is_ok:
        assert new, "acknowledged, and lost"
    if not new:
        assert not runs
        return
    check_told(bot, new[0])
    if new[0].state != "in_doubt":
        assert len(runs) == 1, f"{new[0].state}, but nothing ran"


def is_settled(bot: Lives, before: set[str], ran: int) -> bool:
    """Nothing is owed any more, to whomever; a doubt may stay where the provider cannot settle it."""
    if not bot.kept.is_done():
        return False
    new = [book for book in bot.kept.books() if book.launch_id not in before]
    if not bot.kept.is_quiet(new) or any(not book.is_over for book in new):
        return False
    if any(book.state == "in_doubt" and book.is_card_lost and not bot.told_directly(book.launch_id) for book in new):
        return False
    is_findable = len(bot.runs()) > ran and bot.provider in FINDS
    return not any(book.state == "in_doubt" and is_findable for book in new)


def check_told(bot: Lives, book: Book) -> None:
    """One card in the last state and a thread that ends with it, or no card and the requester was told directly."""
    cards = bot.cards(book.launch_id)
    assert len(cards) <= 1, f"the card stands {len(cards)} times"
    directly = bot.told_directly(book.launch_id)
    if not cards or (book.is_card_lost and directly):
        assert directly, "no card, and the requester was not told directly"
        assert directly[-1].startswith(book.word), directly
        return
    lines = bot.lines(cards[0])
    assert cards[0].text.startswith(book.word), cards[0].text
    assert lines, "the thread is empty"
    assert lines[-1].startswith(book.word), lines
    assert len(lines) - len(set(lines)) <= MOST_REPEATED_LINES, f"lines stand twice: {lines}"


def seen(bot: Lives, before: set[str]) -> str:
    new = [book for book in bot.kept.books() if book.launch_id not in before]
    cards = [message.text for book in new for message in bot.cards(book.launch_id)]
    return f"{new}, cards {cards}, runs {len(bot.runs())}"


async def between(bot: Lives) -> None:
    """A launch that stays in doubt would be the next one's rival: it is taken out of the way, and the bot is alive again."""
    bot.die_at.unlink(missing_ok=True)
    if bot.sandbox.bot_exit_code is not None:
        await bot.sandbox.start_bot()
    bot.kept.clear_doubts()


# --- a refused command ----------------------------------------------------------------------------------------------------------


async def points_of_a_refusal(folder: Path, store: str) -> list[Point]:
    """What one refused command passes."""
    async with lives(folder, REFUSED, store) as one:
        await one.launch()
        await eventually(lambda: bool(one.kept.finished()), SETTLES_WITHIN_S, "the dry run did not end")
    passed = dict.fromkeys((folder / "points").read_text(encoding="utf-8").split())
    return [Point(name, 1) for name in passed if name.rpartition(":")[0] in OF_A_REFUSAL]


@pytest.mark.parametrize("store", STORES)
async def test_a_refused_command_is_answered_whenever_the_bot_dies(store: str, tmp_path: Path, subtests: pytest.Subtests) -> None:
    points = await points_of_a_refusal(tmp_path / "dry", store)
    assert [point.name for point in points] == [f"{name}:{when}" for name in OF_A_REFUSAL for when in ("before", "after")]

    async with lives(tmp_path / "lives", REFUSED, store) as bot:
        for point in points:
            with subtests.test(point=str(point)):
                try:
                    await is_refused_all_the_same(bot, point)
                finally:
                    await between(bot)


async def is_refused_all_the_same(bot: Lives, point: Point) -> None:
    """One refused command, one death, one more life: the person is told, nothing is launched, nothing is left to do."""
    told_before, finished_before = len(bot.answers()), bot.kept.finished()
    acknowledged = await bot.dies(point)
    await bot.sandbox.start_bot()
    is_taken = point.name != "store.record_delivery:before"
    key = f"command:{acknowledged.delivery.payload['trigger_id']}"
    if is_taken:
        await eventually(lambda: key in bot.kept.finished(), SETTLES_WITHIN_S, f"{key} was never taken up again")
    await eventually(bot.kept.is_quiet, SETTLES_WITHIN_S, "something is still owed")

    told = bot.answers()[told_before:]
    assert len(told) == (0 if not is_taken else 2 if point.name in TOLD_TWICE_AFTER else 1), told
    assert bot.kept.finished() - finished_before == ({key} if is_taken else set())
    assert is_taken or not acknowledged.is_ok, "acknowledged, and lost"
    assert bot.kept.books() == []
    assert bot.runs() == []
