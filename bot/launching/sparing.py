"""Doors that spare Slack and providers, for what is only shown: nothing is decided by it, so a remembered answer will do.

Why each lookup is asked once, whether it succeeds or not: one view turns on the same few facts many times over, and where Slack
does not answer nobody should wait for that as often.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.domain.errors import LookupFailedError
from bot.domain.model import Channel, Connection, Person, Workflow
from bot.ports import Definitions, Directory, Found, Seen

PATIENCE_S = 2.0

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SparingDirectory:
    """What Slack knows, each fact asked for once and never anew: to be made for one view, and let go with it."""

    directory: Directory
    _asked: dict[str, asyncio.Task[Any]] = field(default_factory=dict[str, asyncio.Task[Any]], init=False)

    async def person(self, user_id: str, *, is_fresh: bool = False) -> Person:  # noqa: ARG002 - remembered will do
        """Who this is."""
        return await self._once(user_id, lambda: self._person(user_id))

    async def channel(self, channel_id: str) -> Channel:
        """What kind of channel this is."""
        return await self._once(channel_id, lambda: self._channel(channel_id))

    async def group_members(self, group_id: str, *, is_fresh: bool = False) -> frozenset[str]:  # noqa: ARG002 - as above
        """The user ids in a user group."""
        return await self._once(group_id, lambda: self._members(group_id))

    async def is_in_channel(self, user_id: str, channel_id: str, *, is_fresh: bool = True) -> bool:  # noqa: ARG002 - as above
        """Whether this person is a member of that channel."""
        return await self._once(f"{channel_id} {user_id}", lambda: self._presence(user_id, channel_id))

    async def _person(self, user_id: str) -> Person:
        return await self.directory.person(user_id)

    async def _channel(self, channel_id: str) -> Channel:
        return await self.directory.channel(channel_id)

    async def _members(self, group_id: str) -> frozenset[str]:
        return await self.directory.group_members(group_id)

    async def _presence(self, user_id: str, channel_id: str) -> bool:
        return await self.directory.is_in_channel(user_id, channel_id, is_fresh=False)

    async def _once(self, subject: str, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Ids of people, channels and groups begin differently, so one memory serves all."""
        asked = self._asked.get(subject)
        if asked is None:
            asked = self._asked[subject] = asyncio.create_task(ask())
        return await asyncio.shield(asked)


@dataclass(frozen=True, kw_only=True)
class SparingDefinitions:
    """Which workflows there are, as far as that is told soon. ``silent``: the connections that did not tell."""

    definitions: Definitions
    patience_s: float = PATIENCE_S
    silent: set[str] = field(default_factory=set[str], init=False)

    async def known(self, connection: Connection) -> tuple[Workflow, ...]:
        """Every workflow that is known. Raises as ``known_live``."""
        return await self._soon(connection, self.definitions.known(connection))

    async def known_live(self, connection: Connection) -> tuple[Workflow, ...]:
        """As ``known``, but a provider that should list its workflows and does not is an error.

        Raises:
            LookupFailedError: it did not answer, or not soon.
        """
        return await self._soon(connection, self.definitions.known_live(connection))

    async def seen(self, connection: Connection, *, patience_s: float = PATIENCE_S) -> Seen:
        """Every workflow that is known, however old that is."""
        return await self.definitions.seen(connection, patience_s=min(patience_s, self.patience_s))

    async def seen_inputs(self, connection: Connection, workflow: Workflow, *, patience_s: float = PATIENCE_S) -> Seen:
        """``workflow`` with its inputs as they were last told."""
        return await self.definitions.seen_inputs(connection, workflow, patience_s=min(patience_s, self.patience_s))

    async def find(self, connection: Connection, typed: str, *, is_fresh: bool = False) -> Found:
        """The workflow that ``typed`` means."""
        return await self.definitions.find(connection, typed, is_fresh=is_fresh)

    async def described(self, connection: Connection, workflow: Workflow, *, is_fresh: bool = False) -> Workflow:
        """``workflow`` with its inputs."""
        return await self.definitions.described(connection, workflow, is_fresh=is_fresh)

    async def _soon(self, connection: Connection, asking: Coroutine[Any, Any, tuple[Workflow, ...]]) -> tuple[Workflow, ...]:
        """Whoever stops waiting does not stop the question: its answer is kept for whoever asks next."""
        try:
            async with asyncio.timeout(self.patience_s):
                return await asking
        except LookupFailedError:
            self.silent.add(connection.name)
            raise
        except TimeoutError as error:
            self.silent.add(connection.name)
            raise LookupFailedError(f"the workflows of {connection.name}", "it could not be asked just now") from error
