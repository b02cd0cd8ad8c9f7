"""Explains decisions and changes nothing: why, where a person stands, what a channel may, what a launch would send.

Why a question is no decision of the record: nobody asked for a launch. Asking the operators for access is one, as others act on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.domain.advice import said_as, smallest_change
from bot.domain.errors import LookupFailedError, ThreadError
from bot.domain.grants import fingerprint
from bot.domain.model import RESERVED_WORDS, Connection, Delivery, Workflow
from bot.domain.policy import Asker, Deny, covers
from bot.domain.provider import Provider
from bot.launching.judging import Judge, Known, Ruling, lookup_reason
from bot.launching.outcomes import Refusal
from bot.launching.previewing import Previewing
from bot.launching.reaching import Reaching
from bot.launching.surveying import Surveying
from bot.launching.wishing import Wishing
from bot.ports import Claimed, Clock, Definitions, Directory, Store, Thread
from bot.surfaces.access import Access
from bot.surfaces.command_text import LaunchText, SubcommandText, read_command
from bot.surfaces.place import Place
from bot.surfaces.preview import Preview
from bot.surfaces.why import Asking, Why, say_access_wanted

ASKED_AGAIN_AFTER = timedelta(hours=1)
MOST_ASKED = 10
"""Wishes of one person within that time: operators are not to be flooded with made-up ones."""
TELLING_TAKES = timedelta(seconds=30)
"""Longer than a call to Slack may take: for so long nobody else tells the same."""
ASK = "ask"
"""The verb of a wish for access, in the record of decisions."""
_A_PAGE = 500
_OPEN_TO_ADVICE = frozenset({"channel_without_policy", "channel_is_shared"})


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What was asked about, judged."""

    connection: Connection
    typed: str
    ruling: Ruling


@dataclass(frozen=True, kw_only=True)
class Explaining:
    """Answers why. ``has_operators``: a channel of operators is configured, so that people can ask for access by button."""

    store: Store
    definitions: Definitions
    directory: Directory
    thread: Thread
    judge: Judge
    wishing: Wishing
    clock: Clock
    providers: Mapping[str, Provider]
    connections: Mapping[str, Connection]
    command: str = "/launch"
    has_operators: bool = False
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False, compare=False)

    async def why(self, delivery: Delivery, connection: str, workflow: str) -> Why | Refusal:
        """The decision on a launch of this workflow by this person in this channel, rule by rule."""
        question = await self._question(delivery, connection, workflow)
        if isinstance(question, Refusal):
            return question
        ruling = question.ruling
        plain = self._why(question)
        if not isinstance(ruling.decision, Deny):
            return plain
        reaching = Reaching(directory=self.directory, judge=self.judge)
        could, elsewhere = await asyncio.gather(reaching.who_could(ruling), reaching.where_else(ruling, question.connection))
        advice = smallest_change(ruling.policy, ruling.asked)
        shown = advice if self._is_known_here(ruling) else said_as(advice, question.typed)
        asked_by = delivery.key if self.has_operators else None
        return replace(plain, advice=shown, could=could, elsewhere=elsewhere, asked_by=asked_by)

    async def place(self, delivery: Delivery) -> Place | Refusal:
        """Where this person stands in this channel: what they may launch over each connection, or why not."""
        asker = await self._asker(delivery)
        return asker if isinstance(asker, Refusal) else await self._surveying.place(asker)

    async def access(self, delivery: Delivery, only: str | None = None) -> Access | Refusal:
        """This channel's grants beside what the credentials hold, to its own members."""
        return await self._surveying.access(delivery, only)

    async def preview(self, delivery: Delivery, typed: LaunchText) -> Preview | Refusal:
        """What this launch would send, and what policy says to it."""
        return await Previewing(wishing=self.wishing, clock=self.clock, providers=self.providers).preview(delivery, typed)

    async def ask_for_access(self, press: Delivery) -> Asking | Refusal:
        """Tell the operators who wants what; once an hour for the same person, connection and workflow.

        The press brings back only the key of the question, which is read again from our own store and judged anew.
        Two presses at once wait for each other here; of two that reach two replicas, one tells.
        """
        typed = await self._asked_about(press)
        if typed is None:
            return Asking.QUESTION_GONE
        question = await self._question(press, *typed)
        if isinstance(question, Refusal):
            return question
        why = self._why(question)
        if not isinstance(question.ruling.decision, Deny):
            return Asking.NOT_NEEDED
        advised = replace(why, advice=smallest_change(question.ruling.policy, question.ruling.asked))
        async with self._asking:
            return await self._tell(press, question, advised)

    @property
    def _surveying(self) -> Surveying:
        return Surveying(
            store=self.store,
            definitions=self.definitions,
            directory=self.directory,
            judge=self.judge,
            wishing=self.wishing,
            clock=self.clock,
            providers=self.providers,
            connections=self.connections,
        )

    async def _tell(self, press: Delivery, question: _Question, why: Why) -> Asking:
        """Claimed before it is told and kept afterwards: what could not be told may be asked again at once.

        The press itself is the holder of the claim: taken up again after a death, it goes on where another press would wait.
        """
        record = replace(question.ruling, verb=ASK).kept(door=press.kind)
        asked = await self._asked_lately(press.user_id)
        if (record.connection, record.workflow_id) in asked:
            return Asking.ASKED_BEFORE
        if len(asked) >= MOST_ASKED:
            return Asking.ASKED_ENOUGH
        name = f"{ASK} {fingerprint([press.user_id, record.connection, record.workflow_id])}"
        if not await self._is_ours(name, press.key):
            return Asking.ASKED_BEFORE
        try:
            await self.thread.tell_operators(say_access_wanted(why, press.user_id, command=self.command))
        except ThreadError:
            await self.store.notice_not_told(name, press.key)
            return Asking.NOT_TOLD
        await self.store.record_decision(record)
        await self.store.notice_told(name, press.key, self.clock.now())
        return Asking.ASKED

    async def _is_ours(self, name: str, key: str) -> bool:
        """Whether nobody told it within the hour, or is about to, on whatever replica; then nobody else does."""
        now = self.clock.now()
        since = now - ASKED_AGAIN_AFTER
        claimed = await self.store.claim_notice(name, holder=key, now=now, until=now + TELLING_TAKES, since=since)
        return claimed is Claimed.OURS

    async def _asked_lately(self, user_id: str) -> set[tuple[str, str]]:
        """What this person asked the operators for within the last hour, as connections and workflow ids."""
        since, after = self.clock.now() - ASKED_AGAIN_AFTER, 0
        asked: set[tuple[str, str]] = set()
        while True:
            page = await self.store.decisions(since=since, after=after, limit=_A_PAGE)
            asked |= {(one.connection, one.workflow_id) for one in page if (one.verb, one.person_id) == (ASK, user_id)}
            if len(page) < _A_PAGE:
                return asked
            after = page[-1].seq

    async def _asked_about(self, press: Delivery) -> tuple[str, str] | None:
        """Connection and workflow of the question that the button stood under; None unless this person asked it here."""
        asked = await self.store.delivery(press.text)
        if asked is None or (asked.kind, asked.user_id, asked.channel_id) != ("command", press.user_id, press.channel_id):
            return None
        match read_command(asked.text, subcommands=RESERVED_WORDS):
            case SubcommandText(word="why", arguments=(connection, workflow)):
                return connection, workflow
            case _:
                return None

    async def _question(self, delivery: Delivery, typed_connection: str, typed: str) -> _Question | Refusal:
        asker = await self._asker(delivery)
        if isinstance(asker, Refusal):
            return asker
        connection = self.connections.get(typed_connection.lower())
        if connection is None:
            return self.wishing.unknown_connection(typed_connection, delivery.channel_id)
        workflow = Workflow(workflow_id=typed)
        if connection.name in self.wishing.granted_connections(delivery.channel_id):
            try:
                found = await self.definitions.find(connection, typed)
            except LookupFailedError as error:
                return Refusal(reasons=(lookup_reason(error),))
            if found.workflow is None:
                wish = LaunchText(connection=connection.name, workflow=typed)
                return self.wishing.not_found(found, wish, delivery.channel_id)
            workflow = found.workflow
        ruling = await self.judge.rule("launch", connection, workflow, asker, typed=typed)
        return _Question(connection=connection, typed=typed, ruling=ruling)

    async def _asker(self, delivery: Delivery) -> Known:
        """Who asks; also where the channel is closed in a way that the policy could open."""
        asker = await self.judge.person_here(delivery)
        if isinstance(asker, Asker) or not {reason.code for reason in asker.reasons} <= _OPEN_TO_ADVICE:
            return asker
        try:
            person = await self.directory.person(delivery.user_id)
            channel = await self.directory.channel(delivery.channel_id)
        except LookupFailedError as error:
            return Refusal(reasons=(lookup_reason(error),))
        memberships = await self.judge.memberships(delivery.channel_id, delivery.user_id)
        return Asker(person=person, channel=channel, memberships=memberships)

    def _why(self, question: _Question) -> Why:
        asked = question.ruling.asked
        return Why(
            connection=question.connection.name,
            workflow=asked.wish.typed or asked.wish.workflow.label,
            channel_name=asked.asker.channel.name,
            explanation=question.ruling.explanation,
        )

    def _is_known_here(self, ruling: Ruling) -> bool:
        """Whether a grant of this channel names the workflow, so that people here know its id anyway."""
        here = ruling.policy.channels.get(ruling.asked.asker.channel.channel_id)
        wish = ruling.asked.wish
        return any(
            grant.connection == wish.connection and covers(grant, wish.workflow) for grant in (here.grants if here else ())
        )
