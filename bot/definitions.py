"""Which workflows a connection has, and which inputs they take: configuration first, then the provider's own answers, cached.

What the configuration says of a workflow fills or overrides what the provider tells, field by field; ``inputs`` as a whole.
A workflow whose inputs are configured is therefore never described, and works while the provider's catalogue is down.

Why a lookup that fails is not remembered: the next person who asks should not suffer from it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar, assert_never

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

T = TypeVar("T")


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
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._asking: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

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
        """The workflow that ``typed`` (an id or a name) means. What is configured is found without asking anybody."""
        configured = tuple(connection.workflows.values())
        found = _pick(configured, typed)
        if found.workflow is not None and found.workflow.inputs is not None:
            return found
        try:
            return _pick(await self.known_live(connection), typed)
        except LookupFailedError:
            if found.workflow is not None:
                return found
            return await self._find_by_describing(connection, typed)

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
        described = await self._ask((connection.name, workflow.workflow_id), lambda: self._describe(connection, workflow))
        return _merged(described[0], connection.workflows.get(workflow.workflow_id, workflow))

    async def _find_by_describing(self, connection: Connection, typed: str) -> Found:
        """The list is closed to us, yet the workflow itself may be open: ask for it by what was typed, as its id."""
        described = await self.described(connection, Workflow(workflow_id=typed))
        return Found(workflow=described, known=(described,))

    async def _listed(self, connection: Connection) -> tuple[Workflow, ...]:
        if not self._providers[connection.provider].has_catalogue:
            return ()
        return await self._ask((connection.name, ""), lambda: self._list(connection))

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

    async def _ask(self, key: tuple[str, str], ask: Callable[[], Awaitable[tuple[Workflow, ...]]]) -> tuple[Workflow, ...]:
        async with self._asking[key]:
            kept = self._kept.get(key)
            if kept is None or self._clock.now() - kept.at >= GOOD_FOR:
                kept = self._kept[key] = _Kept(await ask(), self._clock.now())
            return kept.value


def trouble_words(answer: Trouble) -> str:
    """Why an answer brought nothing, in a sentence."""
    match answer:
        case Refused() | Unauthorised() | Busy():
            return f"{answer.meaning} ({answer.code})"
        case Unreachable():
            return f"no usable answer: {answer.detail}"
        case _:
            assert_never(answer)


def _merged(told: Workflow, configured: Workflow | None) -> Workflow:
    """What the provider tells, with what the configuration says laid over it."""
    if configured is None:
        return told
    return replace(
        told,
        name=configured.name or told.name,
        version=configured.version or told.version,
        inputs=told.inputs if configured.inputs is None else configured.inputs,
        extras={**told.extras, **configured.extras},
    )


def _pick(workflows: tuple[Workflow, ...], typed: str) -> Found:
    """By id, then by name as typed, then by name in any case. A name that fits several picks none."""
    by_id = tuple(workflow for workflow in workflows if workflow.workflow_id == typed)
    by_name = tuple(workflow for workflow in workflows if workflow.name == typed)
    by_any_case = tuple(workflow for workflow in workflows if (workflow.name or "").casefold() == typed.casefold())
    candidates = by_id or by_name or by_any_case
    only = candidates[0] if len(candidates) == 1 else None
    return Found(workflow=only, candidates=candidates, known=workflows)
