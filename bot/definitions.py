"""Which workflows a connection has, and which inputs they take: configuration first, then the provider's own answers, cached.

What the configuration says of a workflow fills or overrides what the provider tells, field by field; ``inputs`` as a whole.
A workflow whose inputs are configured is therefore never described, and works while the provider's catalogue is down.

Why a lookup that fails is not remembered: the next person who asks should not suffer from it. Who waits for it shares it, though:
ten people who each waited their own half minute for a provider that is down would wait for five minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, assert_never

from bot.domain.errors import LookupFailedError
from bot.domain.model import Connection, Workflow
from bot.domain.provider import (
    Busy,
    Described,
    Listed,
    Provider,
    Refused,
    Trouble,
    Unauthorised,
    Unreachable,
    Unsupported,
)
from bot.ports import Clock, Found, Wire

GOOD_FOR = timedelta(minutes=5)

_Key = tuple[str, str]


@dataclass(frozen=True)
class _Kept:
    value: tuple[Workflow, ...]
    at: datetime


class LiveDefinitions:
    """Definitions from configuration and providers. Who asks while the same question is under way shares its answer."""

    def __init__(self, *, wire: Wire, providers: Mapping[str, Provider], clock: Clock) -> None:
        self._wire = wire
        self._providers = providers
        self._clock = clock
        self._kept: dict[_Key, _Kept] = {}
        self._asking: dict[_Key, asyncio.Task[tuple[Workflow, ...]]] = {}

    async def known(self, connection: Connection) -> tuple[Workflow, ...]:
        """Every workflow that is known: those of the configuration, filled from the provider's list where it has one."""
        configured = connection.workflows
        try:
            listed = await self._listed(connection)
        except LookupFailedError:
            if not configured:
                raise
            return tuple(configured.values())
        merged = {workflow.workflow_id: _merged(workflow, configured.get(workflow.workflow_id)) for workflow in listed}
        return tuple({**configured, **merged}.values())

    async def find(self, connection: Connection, typed: str) -> Found:
        """The workflow that ``typed`` (an id or a name) means. What is configured wins, with inputs without asking."""
        configured = _pick(tuple(connection.workflows.values()), typed)
        chosen = configured.workflow
        if chosen is not None and chosen.inputs is not None:
            return configured
        try:
            live = await self.known_live(connection)
        except LookupFailedError:
            return configured if configured.candidates else await self._find_by_describing(connection, typed)
        return _pick(live, typed if chosen is None else chosen.workflow_id)

    async def known_live(self, connection: Connection) -> tuple[Workflow, ...]:
        """As ``known``, but a provider that should list its workflows and does not is an error.

        Raises:
            LookupFailedError: the provider's list could not be read.
        """
        await self._listed(connection)
        return await self.known(connection)

    async def described(self, connection: Connection, workflow: Workflow) -> Workflow:
        """``workflow`` with its inputs."""
        if workflow.inputs is not None:
            return workflow
        (told,) = await self._ask((_place(connection), workflow.workflow_id), lambda: self._describe(connection, workflow))
        filled = replace(_merged(workflow, told), obstacle=told.obstacle)
        return _merged(filled, connection.workflows.get(workflow.workflow_id))

    async def _find_by_describing(self, connection: Connection, typed: str) -> Found:
        """The list is closed to us, yet the workflow itself may be open: ask for it by what was typed, as its id."""
        described = await self.described(connection, Workflow(workflow_id=typed))
        return Found(workflow=described, known=(described,))

    async def _listed(self, connection: Connection) -> tuple[Workflow, ...]:
        if not self._providers[connection.provider].has_catalogue:
            return ()
        return await self._ask((_place(connection), ""), lambda: self._list(connection))

    async def _list(self, connection: Connection) -> tuple[Workflow, ...]:
        provider = self._providers[connection.provider]
        answer = await self._wire.perform(connection.name, provider.catalogue(connection))
        match answer:
            case Listed():
                return answer.workflows
            case Unsupported():
                return ()
            case _:
                raise LookupFailedError(f"the workflows of {connection.name}", trouble_words(answer))

    async def _describe(self, connection: Connection, workflow: Workflow) -> tuple[Workflow, ...]:
        provider = self._providers[connection.provider]
        answer = await self._wire.perform(connection.name, provider.describe(workflow, connection))
        match answer:
            case Described():
                return (answer.workflow,)
            case Unsupported():
                cause = f"{answer.meaning} An operator can name its inputs in the configuration."
            case _:
                cause = trouble_words(answer)
        raise LookupFailedError(f"the inputs of {workflow.label} at {connection.name}", cause)

    async def _ask(self, key: _Key, ask: Callable[[], Coroutine[Any, Any, tuple[Workflow, ...]]]) -> tuple[Workflow, ...]:
        """What is kept; else the answer to one question, shared by all who wait for it. Who stops waiting does not stop it."""
        kept = self._kept.get(key)
        if kept is not None and self._clock.now() - kept.at < GOOD_FOR:
            return kept.value
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(ask())
            asking.add_done_callback(lambda asked: self._asked(key, asked))
        return await asyncio.shield(asking)

    def _asked(self, key: _Key, asked: asyncio.Task[tuple[Workflow, ...]]) -> None:
        del self._asking[key]
        if not asked.cancelled() and asked.exception() is None:
            self._kept[key] = _Kept(asked.result(), self._clock.now())


def _place(connection: Connection) -> str:
    """What is kept of a connection holds for this address under this credential: a reload may change both."""
    return f"{connection.name} {connection.base_url} {connection.credential_mark}"


def trouble_words(answer: Trouble) -> str:
    """Why an answer brought nothing, in a sentence."""
    match answer:
        case Refused() | Unauthorised() | Busy():
            return f"{answer.meaning} ({answer.code})"
        case Unreachable():
            return f"no usable answer: {answer.detail}"
        case _:
            assert_never(answer)


def _merged(told: Workflow, over: Workflow | None) -> Workflow:
    """What was told, with what is known better laid over it."""
    if over is None:
        return told
    return replace(
        told,
        name=over.name or told.name,
        version=over.version or told.version,
        inputs=told.inputs if over.inputs is None else over.inputs,
        extras={**told.extras, **over.extras},
    )


def _pick(workflows: tuple[Workflow, ...], typed: str) -> Found:
    """By id, then by name as typed, then by name in any case. A name that fits several picks none."""
    by_id = tuple(workflow for workflow in workflows if workflow.workflow_id == typed)
    by_name = tuple(workflow for workflow in workflows if workflow.name == typed)
    by_any_case = tuple(workflow for workflow in workflows if workflow.name and workflow.name.casefold() == typed.casefold())
    candidates = by_id or by_name or by_any_case
    only = candidates[0] if len(candidates) == 1 else None
    return Found(workflow=only, candidates=candidates, known=workflows)
