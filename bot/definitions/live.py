"""Answers questions about workflows, from what is remembered or by asking the provider.

Two kinds of questions: what a launch rests on is at most five minutes old, or asked for now (``is_fresh``), and who asks waits for
it. What is only shown (``seen``, ``seen_inputs``) is the last known with its age, refreshed meanwhile: a slow provider delays nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from bot.definitions import merging
from bot.definitions.asking import Asking, UntoldError
from bot.definitions.memory import LIST, Memory, Question, Told
from bot.domain.errors import LookupFailedError
from bot.domain.model import Connection, Workflow
from bot.domain.provider import Provider
from bot.ports import Clock, Found, Seen, Wire

PATIENCE_S = 2.0
"""How long what is only shown waits for a provider of which nothing is known yet."""
USED_WITHIN = timedelta(hours=1)
MOST_REFRESHED = 50
"""Workflows of one connection whose inputs are kept new; those of others are asked for when they are wanted."""
_NOT_YET = "it has not answered yet"


class LiveDefinitions:
    """Definitions from configuration and providers. Who asks while the same question is under way shares its answer."""

    def __init__(self, *, wire: Wire, providers: Mapping[str, Provider], clock: Clock) -> None:
        self._asking = Asking(wire=wire, providers=providers)
        self._clock = clock
        self._memories: dict[str, Memory] = {}

    async def known(self, connection: Connection) -> tuple[Workflow, ...]:
        """Every workflow that is known: those of the configuration, filled from the provider's list where it has one."""
        try:
            return merging.every(connection, await self._listed(connection))
        except LookupFailedError:
            if not connection.workflows:
                raise
            return tuple(connection.workflows.values())

    async def known_live(self, connection: Connection, *, is_fresh: bool = False) -> tuple[Workflow, ...]:
        """As ``known``, but a provider that should list its workflows and does not is an error.

        Raises:
            LookupFailedError: the provider's list could not be read.
        """
        self.memory(connection).use(LIST)
        return merging.every(connection, await self._listed(connection, is_fresh=is_fresh))

    async def find(self, connection: Connection, typed: str, *, is_fresh: bool = False) -> Found:
        """The workflow that ``typed`` (an id or a name) means. What is configured wins, with inputs without asking."""
        configured = merging.pick(tuple(connection.workflows.values()), typed)
        chosen = configured.workflow
        if chosen is not None and chosen.inputs is not None:
            return configured
        try:
            live = await self.known_live(connection, is_fresh=is_fresh)
        except UntoldError as error:
            if is_fresh and not error.is_closed:  # what cannot be learnt now is never taken for unchanged
                raise
            return configured if configured.candidates else await self._find_by_describing(connection, typed, is_fresh=is_fresh)
        return merging.pick(live, typed if chosen is None else chosen.workflow_id)

    async def described(self, connection: Connection, workflow: Workflow, *, is_fresh: bool = False) -> Workflow:
        """``workflow`` with its inputs."""
        if workflow.inputs is not None:
            return workflow
        memory, key = self.memory(connection), workflow.workflow_id
        memory.use(key)
        (told,) = await memory.ask(key, partial(self._asking.describe, connection, workflow), is_fresh=is_fresh)
        return merging.described(connection, workflow, told)

    async def seen(self, connection: Connection, *, patience_s: float = PATIENCE_S) -> Seen:
        """What is known of its workflows without waiting for long; what is older than five minutes is asked for meanwhile."""
        if not self._asking.has_list(connection):
            return Seen(workflows=tuple(connection.workflows.values()))
        memory = self.memory(connection)
        await self._look(memory, LIST, partial(self._asking.list, connection), patience_s)
        kept, trouble = memory.kept(LIST), _trouble(memory, LIST)
        workflows = merging.every(connection, kept.told if kept else ())
        return Seen(workflows=workflows, seen_at=kept.at if kept else None, trouble=trouble)

    async def seen_inputs(self, connection: Connection, workflow: Workflow, *, patience_s: float = PATIENCE_S) -> Seen:
        """``workflow`` with its inputs as they were last told; none in ``workflows`` where nobody told them yet."""
        if workflow.inputs is not None:
            return Seen(workflows=(workflow,))
        memory, key = self.memory(connection), workflow.workflow_id
        await self._look(memory, key, partial(self._asking.describe, connection, workflow), patience_s)
        kept, trouble = memory.kept(key), _trouble(memory, key)
        if kept is None:
            return Seen(trouble=trouble)
        told = merging.described(connection, workflow, kept.told[0])
        return Seen(workflows=(told,), seen_at=kept.at, trouble=trouble)

    async def refresh(self, connection: Connection) -> None:
        """Ask anew for what people used lately, one question after the other. What fails keeps what was known.

        A provider that does not tell its list is not asked for anything else in this round.
        """
        memory = self.memory(connection)
        for key in self.due(connection):
            question = self._again(connection, memory, key)
            try:
                await asyncio.shield(memory.begin(key, question))
            except LookupFailedError:
                if key == LIST:
                    return

    def due(self, connection: Connection) -> tuple[str, ...]:
        """What people used lately and is no longer new, the list first; nothing while anything is being asked."""
        memory = self.memory(connection)
        if memory.is_asking:
            return ()
        used = memory.used(USED_WITHIN)[: MOST_REFRESHED + 1]
        return tuple(key for key in used if self._is_due(connection, memory, key))

    def memory(self, connection: Connection) -> Memory:
        """What is remembered of a connection; nothing any more once it was changed."""
        memory = self._memories.get(connection.name)
        if memory is None or not memory.is_of(connection):
            memory = self._memories[connection.name] = Memory(connection, self._clock)
        return memory

    def _is_due(self, connection: Connection, memory: Memory, key: str) -> bool:
        if key == LIST and not self._asking.has_list(connection):
            return False
        return memory.is_old(key) and not memory.has_failed_lately(key)

    def _again(self, connection: Connection, memory: Memory, key: str) -> Question:
        if key == LIST:
            return partial(self._asking.list, connection)
        kept = memory.kept(LIST)
        listed = next((one for one in (kept.told if kept else ()) if one.workflow_id == key), Workflow(workflow_id=key))
        return partial(self._asking.describe, connection, merging.merged(listed, connection.workflows.get(key)))

    async def _look(self, memory: Memory, key: str, question: Question, patience_s: float) -> None:
        """Have it asked where it is not new; wait only where nothing at all is known.

        What nobody waits for is asked one at a time: what has no turn now has one at the next look.
        """
        memory.use(key)
        is_known = memory.kept(key) is not None
        if memory.is_good(key) or memory.has_just_failed(key) or (is_known and memory.is_asking):
            return
        asking = memory.begin(key, question)
        if not is_known:
            await asyncio.wait([asking], timeout=patience_s)

    async def _find_by_describing(self, connection: Connection, typed: str, *, is_fresh: bool) -> Found:
        """The list is closed to us, yet the workflow itself may be open: ask for it by what was typed, as its id."""
        told = await self.described(connection, Workflow(workflow_id=typed), is_fresh=is_fresh)
        return Found(workflow=told, known=(told,))

    async def _listed(self, connection: Connection, *, is_fresh: bool = False) -> Told:
        if not self._asking.has_list(connection):
            return ()
        return await self.memory(connection).ask(LIST, partial(self._asking.list, connection), is_fresh=is_fresh)


def _trouble(memory: Memory, key: str) -> str | None:
    """Why what is known is not newer."""
    failure = memory.failure(key)
    if failure is not None:
        return failure.cause
    return _NOT_YET if memory.kept(key) is None else None
