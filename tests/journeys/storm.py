"""Kills the bot at random moments while people launch on all providers, then counts: `uv run python -m tests.journeys.storm --kills 500`.

Every command carries a number of its own among its inputs, so that every run at a provider is known by the command that caused it:
also where the provider has no key, and also where our own books are wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg

from bot.domain.model import State
from bot.sandbox.slack.delivery import Acknowledged
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.standins import STANDINS, Fault, FaultKind, Run
from bot.sandbox.world import Sandbox
from bot.store.rows import time_text

MORTAL = ("-m", "tests.journeys.mortal")
LOOK_EVERY_S = 0.05
BOOKS = """
SELECT launches.launch_id, launches.state, launches.provider, launches.run_id, coalesce(cards.is_lost, 0), cards.gave_up,
    cards.due_at IS NOT NULL OR (launches.lease_holder IS NOT NULL AND launches.state <> 'in_doubt'),
    (SELECT key FROM deliveries WHERE deliveries.launch_id = launches.launch_id), coalesce(cards.leased_until, '')
FROM launches LEFT JOIN cards USING (launch_id) ORDER BY launches.created_at, launch_id
"""
UNFINISHED = "SELECT count(*) FROM deliveries WHERE finished_at IS NULL"
CLEAR_DOUBTS = (
    "UPDATE launches SET state = 'failed', due_at = NULL, version = version + 1 WHERE state = 'in_doubt'",
    "UPDATE cards SET due_at = NULL WHERE launch_id IN (SELECT launch_id FROM launches WHERE state = 'failed')",
)


@dataclass(frozen=True)
class Book:
    """What our own database says of one launch."""

    launch_id: str
    state: str
    provider: str
    run_id: str | None
    is_card_lost: bool
    is_card_given_up: bool
    is_due: bool
    delivery_key: str
    told_until: str

    @property
    def is_owed(self) -> bool:
        """Something is due, or somebody is at telling it. Who died just after the last word was told leaves a lease that nobody needs."""
        return bool(self.is_due) or self.told_until > time_text(datetime.now(UTC))  # noqa: TID251 - the world's clock

    @property
    def word(self) -> str:
        return State(self.state).word

    @property
    def is_over(self) -> bool:
        """Nothing more happens unless people do something, or a look-up finds something."""
        return State(self.state).is_final or self.state == State.IN_DOUBT


@dataclass(frozen=True)
class Kept:
    """The bot's database, a file, read from outside."""

    path: Path

    def rows(self, *statements: str) -> list[tuple[Any, ...]]:
        """Do this in one transaction; what the last statement brings."""
        with closing(sqlite3.connect(self.path, timeout=10)) as database, database:
            return [database.execute(sql).fetchall() for sql in statements][-1]

    def books(self) -> list[Book]:
        """What it says of each launch, in order."""
        return [Book(*row) for row in self.rows(BOOKS)]

    def is_done(self) -> bool:
        """Whether the work of every delivery is done; what it caused is in the books that are read afterwards."""
        return self.rows(UNFINISHED) == [(0,)]

    def is_quiet(self, among: Iterable[Book] | None = None) -> bool:
        """Whether every delivery is finished, and nothing is due or under way for launches that are over (a lost card's doubt is)."""
        is_done = self.is_done()
        books = self.books() if among is None else among
        return is_done and all(book.is_over and (not book.is_owed or _is_known_doubt(book)) for book in books)

    def finished(self) -> set[str]:
        """Keys of deliveries whose work is done."""
        return {key for (key,) in self.rows("SELECT key FROM deliveries WHERE finished_at IS NOT NULL")}

    def forget_durations(self) -> None:
        """Nothing is known of how long runs take: they are looked at early again. The bot must be down, as it has read them."""
        self.rows("DELETE FROM durations")

    def clear_doubts(self) -> None:
        """Take launches in doubt out of the way, as if an operator had."""
        self.rows(*CLEAR_DOUBTS)


@dataclass(frozen=True)
class KeptOnPostgres(Kept):
    """The same on Postgres; ``url`` is its address."""

    path: Path = Path()
    url: str = field(kw_only=True)

    def rows(self, *statements: str) -> list[tuple[Any, ...]]:
        """Do this in one transaction; what the last statement brings."""
        with psycopg.connect(self.url) as database:
            cursors = [database.execute(sql.encode()) for sql in statements]
            return cursors[-1].fetchall() if cursors[-1].description else []


def _is_known_doubt(book: Book) -> bool:
    """A doubt whose card is lost is told directly, and its end is still to come."""
    return book.state == State.IN_DOUBT and book.is_card_lost


async def eventually(claim: Callable[[], bool], within_s: float, otherwise: str | Callable[[], str]) -> None:
    """Wait until ``claim`` holds.

    Raises:
        TimeoutError: it never did.
    """
    until = monotonic() + within_s
    while not claim():
        if monotonic() > until:
            raise TimeoutError(otherwise if isinstance(otherwise, str) else otherwise())
        await asyncio.sleep(LOOK_EVERY_S)


# --- what people type -----------------------------------------------------------------------------------------------------------

FIRST_NUMBER = 700_000_000
NUMBER = re.compile(r"7\d{8}")
PEOPLE = ("U0ALICE", "U0BOB", "U0CAROL")
TYPED = {
    "zuora": ("C0FINANCE", "billing 396 accountId=4028905f5a87c0ff015a87d25ae90025 paymentId=4028905f5a87c0ff015a88{}"),
    "bitrix24": ("C0SALES", "crm 713 entityType=deal entityId=5141 Amount={}"),
    "salesforce": ("C0SALES", "sales Escalate_to_Case FeedItemId=0D5D0000000cfMY CommentCount={}"),
    "domo": ("C0DATA", "analytics AddTwoNumbers parameter2=7 parameter1={}"),
    "captain_data": ("C0DATA", 'growth "Find email" first_name=Ada last_name=Lovelace company_name="Engines {}"'),
}
PROVIDER_FAULTS = (
    Fault(kind=FaultKind.STATUS, status=500, is_applied=True),
    Fault(kind=FaultKind.DROP, is_applied=True),
    Fault(kind=FaultKind.DROP),
    Fault(kind=FaultKind.GARBAGE, is_applied=True),
    Fault(kind=FaultKind.STATUS, status=429, retry_after_s=1),
    Fault(kind=FaultKind.LATE, delay_s=1.0),
)
SLACK_FAULTS = (
    ("chat.postMessage", SlackFault.dropping(is_applied=True)),
    ("chat.postMessage", SlackFault.answering(503)),
    ("chat.postMessage", SlackFault.limited(1)),
    ("chat.update", SlackFault.dropping(is_applied=True)),
    ("chat.update", SlackFault.refusing("internal_error", is_applied=True)),
)
FAULT_EVERY = 12
"""One command in so many meets a fault of a provider, another one a fault of Slack."""
REDELIVERED = 0.1
PAUSE_S = 0.3
RUN_S = 0.5
LEASE_S = 0.5
START_S = 0.6
"""About how long a bot takes until it is connected."""
DIES_AS_IT_STARTS = 0.2
SETTLES_WITHIN_S = 240.0
QUIET_FOR_S = 8.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One command that somebody typed."""

    number: int
    provider: str
    user_id: str
    channel_id: str
    first: Acknowledged

    @property
    def is_acknowledged(self) -> bool:
        """Taken; an answer with words says at once that nothing could be kept."""
        return self.first.is_ok and not self.first.body.get("text")

    @property
    def key(self) -> str:
        """The key under which the bot keeps it."""
        return f"command:{self.first.delivery.payload['trigger_id']}"


@dataclass
class Storm:
    """People, faults and deaths, all drawn from one seed (what the machine makes of them differs each time)."""

    sandbox: Sandbox
    kept: Kept
    chance: random.Random
    asked: list[Asked] = field(default_factory=list[Asked])
    is_over: bool = False
    quiet_s: float = QUIET_FOR_S
    last_number: int = FIRST_NUMBER

    async def rages(self, kills: int, seconds_per_life: float) -> None:
        """People launch while the bot dies ``kills`` times; then everything settles, as far as it does."""
        people = [asyncio.create_task(self._launches(user_id)) for user_id in PEOPLE * 2]
        for count in range(1, kills + 1):
            await self._dies(seconds_per_life)
            if not count % 25:
                print(f"… {count} kills, {len(self.asked)} commands", file=sys.stderr, flush=True)  # noqa: T201 - for who waits
        self.is_over = True
        await asyncio.gather(*people)
        self.sandbox.slack.faults.clear()
        await self._settles()

    async def _launches(self, user_id: str) -> None:
        while not self.is_over:
            await asyncio.sleep(self.chance.uniform(0, 2 * PAUSE_S))
            self._faults()
            provider = self.chance.choice(sorted(TYPED))
            channel_id, typed = TYPED[provider]
            self.last_number += 1
            number = self.last_number
            first = await self.sandbox.slack.command(user_id, channel_id, typed.format(number))
            self.asked.append(Asked(number=number, provider=provider, user_id=user_id, channel_id=channel_id, first=first))
            if self.chance.random() < REDELIVERED:
                await asyncio.sleep(self.chance.uniform(0, 1.0))
                await self.sandbox.slack.redeliver(first)

    def _faults(self) -> None:
        if not self.chance.randrange(FAULT_EVERY):
            provider, fault = self.chance.choice(sorted(TYPED)), self.chance.choice(PROVIDER_FAULTS)
            self.sandbox.providers.fault(provider, fault, verb="start")
        if not self.chance.randrange(FAULT_EVERY):
            method, slack_fault = self.chance.choice(SLACK_FAULTS)
            self.sandbox.slack.fault(method, slack_fault)

    async def _dies(self, seconds_per_life: float) -> None:
        """One more life ends; sometimes the next one ends before it could say hello."""
        await asyncio.sleep(self.chance.uniform(0, 2 * seconds_per_life))
        await self.sandbox.kill_bot()
        if self.chance.random() < DIES_AS_IT_STARTS:
            starting = asyncio.create_task(self.sandbox.start_bot())
            await asyncio.sleep(self.chance.uniform(0, START_S))
            await self.sandbox.kill_bot()
            await asyncio.gather(starting, return_exceptions=True)
            await self.sandbox.kill_bot()
        await self.sandbox.start_bot()

    async def _settles(self) -> None:
        """Until nothing is owed and nothing has changed for a while: a look-up may still settle a doubt."""
        began = since = monotonic()
        before: object = None
        while monotonic() - began < SETTLES_WITHIN_S:
            now = self.kept.books()
            if now != before or not self.kept.is_quiet(now):
                before, since = now, monotonic()
            if monotonic() - since > self.quiet_s:
                return
            await asyncio.sleep(1.0)


# --- what came of it ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Count:
    """The figures, each with the evidence for what should not be."""

    asked: int
    refused: int
    launches: int
    runs: int
    lost: list[str]
    doubled: list[str]
    in_doubt: int
    untold: list[str]
    cards_twice: list[str]
    wrong: list[str]

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.untold or self.cards_twice or self.wrong)

    def __str__(self) -> str:
        lines = [
            f"launches asked    {self.asked} acknowledged, of which {self.refused} were refused with an answer",
            f"runs              {self.runs} at providers, of {self.launches} launches",
            f"lost              {len(self.lost)}",
            f"doubled           {len(self.doubled)}",
            f"in doubt          {self.in_doubt}",
            f"not told          {len(self.untold)}",
            f"cards twice       {len(self.cards_twice)}",
            f"told wrongly      {len(self.wrong)}",
        ]
        evidence = [*self.lost, *self.doubled, *self.untold, *self.cards_twice, *self.wrong]
        return "\n".join([*lines, *(f"  {each}" for each in evidence[:40])])


class Counting:
    """Compares what was asked, what our books say, what ran and what people see."""

    def __init__(self, storm: Storm) -> None:
        self._storm = storm
        self._workspace = storm.sandbox.slack.workspace
        self._books: dict[str, list[Book]] = {}
        for book in storm.kept.books():
            self._books.setdefault(book.delivery_key, []).append(book)
        self._finished = storm.kept.finished()
        everything = [run for name in STANDINS for run in storm.sandbox.providers.runs(name)]
        self._runs = Counter(number_of(run) for run in everything)
        self._by_number = {each.number: each for each in storm.asked}

    def count(self) -> Count:
        books = [book for several in self._books.values() for book in several]
        refused = [each for each in self._storm.asked if each.is_acknowledged and self._is_refused(each)]
        return Count(
            asked=sum(each.is_acknowledged for each in self._storm.asked),
            refused=len(refused),
            launches=len(books),
            runs=self._runs.total(),
            lost=[*filter(None, map(self._lost, self._storm.asked)), *self._unanswered(refused)],
            doubled=self._doubled(),
            in_doubt=sum(book.state == State.IN_DOUBT for book in books),
            untold=[f"{book.launch_id} {book.state}: {shown}" for book in books if (shown := self._untold(book))],
            cards_twice=[book.launch_id for book in books if len(self._cards(book)) > 1],
            wrong=[*filter(None, map(self._wrong, self._storm.asked))],
        )

    def _is_refused(self, asked: Asked) -> bool:
        return asked.key in self._finished and asked.key not in self._books

    def _lost(self, asked: Asked) -> str:
        books = self._books.get(asked.key, [])
        if asked.is_acknowledged and not books and not self._is_refused(asked):
            return f"{asked.provider} {asked.number}: acknowledged, no launch"
        return next((f"{book.launch_id}: {book.state} for ever" for book in books if not book.is_over), "")

    def _unanswered(self, refused: list[Asked]) -> list[str]:
        """Refusals are told to the requester alone: there are at least as many answers."""
        places = Counter((each.channel_id, each.user_id) for each in refused)
        told = {place: len(self._workspace.ephemerals(*place)) for place in places}
        return [f"{place}: {count} refusals, {told[place]} answers" for place, count in places.items() if told[place] < count]

    def _doubled(self) -> list[str]:
        runs = [f"{number}: {count} runs ({self._by_number[number]})" for number, count in self._runs.items() if count > 1]
        launches = [f"{key}: {len(several)} launches" for key, several in self._books.items() if len(several) > 1]
        owners = Counter((book.provider, book.run_id) for several in self._books.values() for book in several if book.run_id)
        return [*runs, *launches, *(f"{run}: {count} launches say it is theirs" for run, count in owners.items() if count > 1)]

    def _wrong(self, asked: Asked) -> str:
        """A launch that says it ended well ran, one that says it failed did not (none of these workflows fails by itself)."""
        for book in self._books.get(asked.key, []):
            has_run = bool(self._runs[asked.number])
            if (book.state == State.FAILED and has_run) or (book.state in {State.SUCCEEDED, State.ENDED} and not has_run):
                return f"{book.launch_id} {asked.provider}: {book.state}, runs {self._runs[asked.number]}"
        return ""

    def _cards(self, book: Book) -> list[tuple[str, str]]:
        everywhere = {channel_id for channel_id, _ in TYPED.values()}
        messages = [message for channel_id in everywhere for message in self._workspace.messages(channel_id)]
        return [(message.channel_id, message.ts) for message in messages if book.launch_id in message.text]

    def _untold(self, book: Book) -> str:
        """Empty when the card and the last line of its thread, or else a direct message, say how it stands."""
        directly = [message.text for user_id in PEOPLE for message in self._workspace.direct_messages(user_id)]
        if any(book.launch_id in text and text.startswith(book.word) for text in directly):
            return ""
        cards = self._cards(book)
        return "" if any(self._says(card, book.word) for card in cards) else f"not by {len(cards)} cards, nor directly"

    def _says(self, card: tuple[str, str], word: str) -> bool:
        """The card says so, and so does the last line of its thread."""
        now, lines = self._workspace.find(*card), self._workspace.thread(*card)
        return now is not None and now.text.startswith(word) and bool(lines) and word in lines[-1].text


def number_of(run: Run) -> int:
    """The number of the command that caused a run."""
    found = NUMBER.search(json.dumps(dict(run.inputs), default=str))
    return int(found[0]) if found else 0


async def play(data: Path, *, kills: int, seconds_per_life: float, seed: int) -> Count:
    """One storm, from a clear sky to a clear sky."""
    settings = {"GONOGO_LEASE_S": str(LEASE_S)}
    async with Sandbox(data, run_s=RUN_S, program=MORTAL, settings=settings) as sandbox:
        storm = Storm(sandbox=sandbox, kept=Kept(data / "gonogo.db"), chance=random.Random(seed))  # noqa: S311 - no secret
        await storm.rages(kills, seconds_per_life)
        return Counting(storm).count()


def main() -> int:
    """Play a storm, print its figures; 1 when something was lost, doubled or told wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seconds-per-life", type=float, default=1.0, help="on average, counted from being connected")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="keep the bot's database and log here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = given.data or Path(folder)
        data.mkdir(parents=True, exist_ok=True)
        figures = asyncio.run(play(data, kills=given.kills, seconds_per_life=given.seconds_per_life, seed=given.seed))
    print(figures)  # noqa: T201 - what the program is for
    return 0 if figures.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
